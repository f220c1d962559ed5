"""docs/recipes.md is true: each recipe runs as it stands there."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.double import GitHub
from tests.support.cli import Shell
from tests.support.expressions import evaluate, interpolate, truthy
from tests.support.runner import ROOT, parse_env_file
from tests.support.scene import OWNER, STRANGER, WRITER, Scene

PAGE = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
SECTIONS = dict(part.split("\n", 1) for part in PAGE.split("\n## ")[1:])


def blocks(section: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", SECTIONS[section], re.S)


def steps(section: str) -> list[dict[str, Any]]:
    """The steps that the recipe's last block of YAML holds."""
    found = yaml.safe_load(blocks(section, "yaml")[-1])
    return found if isinstance(found, list) else found["jobs"]["measure"]["steps"]  # type: ignore[no-any-return]


class Failed(Exception):
    """A step of the job failed."""


def play(scene: Scene, job: list[dict[str, Any]], **contexts: Any) -> dict[str, Mapping[str, str]]:
    """Runs the steps of a job, one after another; gives the outputs of those that have an id.

    Raises:
        Failed: a step did.
    """
    known: dict[str, Any] = {"steps": {}, "github": {"run_id": "7", "sha": "c0ffee", "actor": WRITER}, **contexts}
    for step in job:
        if "if" in step and not truthy(evaluate(step["if"], known)):
            continue
        if "run" in step:
            outputs = in_shell(scene.folder, step["run"])
        else:
            assert re.fullmatch(r"org/gh-store-action(/composite)?@v1", step["uses"])
            given = {name: interpolate(value, known) for name, value in step["with"].items()}
            run = scene.run(given["mode"], inputs=given, **({"token": given["token"]} if "token" in given else {}))
            if run.exit_code:
                raise Failed(run.log)
            outputs = dict(run.outputs)
        if "id" in step:
            known["steps"][step["id"]] = {"outputs": outputs}
    return {name: step["outputs"] for name, step in known["steps"].items()}


def in_shell(folder: Path, script: str) -> dict[str, str]:
    written = folder / "outputs"
    written.write_text("")
    done = subprocess.run(["sh", "-e", "-c", script], cwd=folder, env={"GITHUB_OUTPUT": str(written)}, check=False)
    if done.returncode:
        raise Failed(script)
    return parse_env_file(written.read_text())


def person(scene: Scene) -> Shell:
    """The owner's command line."""
    return Shell(scene.github, scene.full_name, scene.folder, scene.github.token(OWNER))


def made(scene: Scene, section: str) -> int:
    """The object that the recipe's text makes; its issue's number."""
    (command,) = re.findall(r"`(gh-store create .*?)`", SECTIONS[section])
    done = person(scene).run(*shlex.split(command)[1:])
    assert done.code == 0, done.err
    return int(done.json["issue_number"])


def test_recipes__are_all_linked_and_tested() -> None:
    linked = re.findall(r"\]\(#([a-z-]+)\)", PAGE.split("\n## ")[0])
    assert linked == [name.lower().replace(" ", "-") for name in SECTIONS]
    code = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in SECTIONS if f'"{name}"' not in code] == []


def test_a_counter__counts(scene: Scene) -> None:
    number = made(scene, "A counter")
    for _ in range(2):
        play(scene, steps("A counter"))
    assert scene.data(number) == {"deployments": 2}


def test_a_leaderboard__keeps_the_best_of_everybody(scene: Scene) -> None:
    number = made(scene, "A leaderboard")
    for actor, score in (("ada", 3), ("octo", 5), ("ada", 9), ("ada", 4)):
        play(scene, steps("A leaderboard"), github={"actor": actor}, inputs={"score": score})
    assert scene.data(number) == {"ada": 9, "octo": 5}


def test_feature_flags__are_turned_by_those_who_may_and_read_by_a_job(scene: Scene) -> None:
    (schema,) = blocks("Feature flags", "json")
    scene.configure(blocks("Feature flags", "yaml")[0], flags=schema)
    number = made(scene, "Feature flags")
    posts = [scene.post(number, '{"new_checkout": true}', by=WRITER)]
    posts += [scene.post(number, '{"new_checkout": "on"}', by=OWNER)]
    scene.run("process", issue_number=number)
    assert [scene.receipts(one) for one in posts] == [("confused",), ("-1",)]
    play(scene, steps("Feature flags"))
    assert not (scene.folder / "mode.txt").exists()
    scene.post(number, '{"new_checkout": true}', by=OWNER)
    scene.run("process", issue_number=number)
    play(scene, steps("Feature flags"))
    assert (scene.folder / "mode.txt").read_text() == "with the new checkout\n"


def test_a_lock__lets_one_through(scene: Scene) -> None:
    number = made(scene, "A lock")
    read, held, take, work, release = steps("A lock")
    one, other = (play(scene, [read])["lock"] for _ in range(2))
    play(scene, [held, take], steps={"lock": {"outputs": one}})
    with pytest.raises(Failed, match="at revision 2, not 1"):
        play(scene, [held, take], steps={"lock": {"outputs": other}}, github={"run_id": "8"})
    assert scene.data(number) == {"holder": "7"}
    with pytest.raises(Failed, match="exit 1"):
        play(scene, [read, held, take, work, release])
    play(scene, [work, release])
    play(scene, [read, held, take, work, release])
    assert scene.data(number) == {"holder": None}
    assert "if: always() && steps.take.outcome == 'success'" in SECTIONS["A lock"]


def test_the_memory_of_an_agent__is_read_corrected_and_undone(scene: Scene) -> None:
    shell = person(scene)
    (script,) = blocks("The memory of an agent", "sh")
    for line in script.splitlines():
        command, _, gives = line.partition("  # ")
        done = shell.run(*shlex.split(command)[1:])
        assert done.code == 0, done.err
        if gives:
            assert done.json == json.loads(gives), line


def test_results_of_a_matrix__are_all_there(scene: Scene) -> None:
    number = made(scene, "Results of a matrix")
    (text,) = blocks("Results of a matrix", "yaml")
    for system in yaml.safe_load(text)["jobs"]["measure"]["strategy"]["matrix"]["os"]:
        play(scene, steps("Results of a matrix"), matrix={"os": system})
    assert len(scene.data(number)) == 3
    assert scene.data(number)["macos-latest"] == {"seconds": 3, "commit": "c0ffee"}


def test_a_page__is_the_template(scene: Scene) -> None:
    (scene.folder / ".git").mkdir()
    (command,) = blocks("A page", "sh")
    assert person(scene).run(*shlex.split(command)[1:]).code == 0
    written = scene.folder / ".github/workflows/pages.yml"
    assert written.read_text("utf-8") == (ROOT / "workflows-templates/pages.yml").read_text("utf-8")


def test_a_private_data_repository__takes_what_another_ones_workflow_posts(
    scene: Scene, github: GitHub, tmp_path: Path
) -> None:
    private = Scene(github, tmp_path / "private", "octo/private-data", private=True)
    (tmp_path / "private").mkdir()
    number = private.make("deployments", {"all": []})
    job = steps("A private data repository")
    found = play(scene, job, secrets={"DATA_TOKEN": github.token(OWNER)})
    assert (found["store"]["revision"], private.data(number)) == ("2", {"all": ["c0ffee"]})
    with pytest.raises(Failed, match="octo/private-data does not exist, or the token cannot see it"):
        play(scene, job, secrets={"DATA_TOKEN": github.token(STRANGER)})
