"""docs/command.md is true: its table agrees with the code, and every example in it runs and gives what it says."""

from __future__ import annotations

import json
import re
import shlex

import click
import pytest

from gh_store_action.cli import ROOMS
from gh_store_action.cli.objects import pacing
from tests.double import GitHub, Repository
from tests.support.cli import ROOT, Shell, commands

PAGE = (ROOT / "docs" / "command.md").read_text(encoding="utf-8")
COMMON = {"--repo", "--token", "--config", "--api-url", "--verbose"}


@pytest.fixture
def repository(github: GitHub) -> Repository:
    return github.add_repository("octo/store", files={"README.md": ""})


def rows() -> dict[str, tuple[list[str], set[str], str]]:
    """By command: its arguments, its options and what it does, as the table says."""
    found = {}
    for line in PAGE.split("\n## Commands\n")[1].split("\n## ")[0].splitlines():
        if line.startswith("| `"):
            command, options, does = (cell.strip() for cell in line.strip("|").split(" | "))
            name, *arguments = command.strip("`").split()
            found[name] = arguments, set(re.findall(r"`([^`]+)`", options)), does
    return found


def test_commands__are_those_of_the_help_in_its_order() -> None:
    told = {name: summary for _, _, summaries in ROOMS for name, summary in summaries.items()}

    assert {name: does for name, (_, _, does) in rows().items()} == told
    assert list(rows()) == list(told)


def test_commands__take_the_arguments_and_options_of_the_table() -> None:
    context = click.Context(click.Command("any"))
    for name, command in commands().items():
        arguments, options, _ = rows()[name]
        there = [one for one in command.params if isinstance(one, click.Option) and not COMMON & set(one.opts)]
        assert arguments == [one.make_metavar(context) for one in command.params if isinstance(one, click.Argument)], (
            name
        )
        assert all(len(options & set(one.opts)) == 1 for one in there), name
        assert len(options) == len(there), name


def test_examples__give_what_they_say(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "A_WRITE", 0.0)
    (shell.folder / ".github").mkdir()
    (shell.folder / ".github/gh-store.yml").write_text("store: {}", "utf-8")
    (shell.folder / "visits.json").write_text("{}", "utf-8")
    (lines,) = re.findall(r"```jsonl\n(.*?)```", PAGE, re.S)
    (shell.folder / "updates.jsonl").write_text(lines, "utf-8")
    examples = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.S) for line in block.splitlines()]
    assert PAGE.count("```") == 2 * (len(re.findall(r"```sh\n", PAGE)) + 1)

    for example in examples:
        line, _, gives = example.partition("  # ")
        done = shell.run(*shlex.split(line)[1:])

        assert (done.code, "Error" in done.err) == (0, False), (example, done.err)
        if gives:
            assert done.out.split() == gives.split() if "--ids" in line else done.json == json.loads(gives), example
    assert len(examples) > 15
    assert shell.run("get", "visits", "$.total").json == 4
    assert shell.run("get", "sales", "$.total").json == 13
