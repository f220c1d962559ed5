"""The names that people write stand in one table each; whatever else lists them is held to it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import astuple, fields
from typing import Any

import click
import pytest
import yaml

from gh_store_action.action import settings
from gh_store_action.cli import snapshots as cli_snapshots
from gh_store_action.config.defaults import dump_default, dump_local
from gh_store_action.domain import access, names
from gh_store_action.domain.patches import modes
from gh_store_action.domain.records import AccessRule, Reactions, Rules
from gh_store_action.export import files as exports
from gh_store_action.gateway.decoding import CONTENTS
from tests.support import runner
from tests.support.cli import ROOT, commands

README = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/reference.md"))
FORMAT = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")
EXPORT = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")
CLIENT = (ROOT / "web" / "client" / "src" / "records.ts").read_text(encoding="utf-8")
FOLDER = ROOT / "gh_store_action" / "config"
SCHEMA = json.loads((FOLDER / "config_schema.json").read_text(encoding="utf-8"))
STORE = SCHEMA["properties"]["store"]["properties"]
DEFINED = SCHEMA["$defs"]
DEFAULT = dump_default()


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def described(name: str) -> list[str]:
    """What action.yml says of an input's values."""
    return quoted(runner.action()["inputs"][name]["description"])


def in_reference(name: str) -> list[str]:
    """The values that docs/reference.md's block of all inputs gives an input."""
    (values,) = re.findall(rf"^    # (.+ \| .+)\n    {name}:", README, re.M)
    return str(values).split(" | ")


def choices(command: str, option: str) -> list[str]:
    """What the command line takes for an option."""
    (found,) = [one for one in commands()[command].params if option in one.opts]
    assert isinstance(found.type, click.Choice)
    return [str(one) for one in found.type.choices]


def words(text: str, before: str, after: str) -> list[str]:
    """The bare words between two texts."""
    return text.split(before, 1)[1].split(after, 1)[0].split()


def keys(text: str) -> Mapping[str, Any]:
    store: Mapping[str, Any] = yaml.safe_load(text)["store"]
    return store


def readme_keys() -> Mapping[str, Any]:
    (found,) = [
        block for block in re.findall(r"```yaml\n(.*?)```", README, re.S) if block.startswith("store:\n  base_")
    ]
    return keys(found)


def examples() -> list[str]:
    section = README.split("\n## Writing an update\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\| `([a-z-]+)`", section, re.M)


def commented(key: str) -> Any:
    """What the local configuration shows, in a comment, as a key's default."""
    (found,) = re.findall(rf"^  # {key}: (.+)$", dump_local(), re.M)
    return yaml.safe_load(found)


def in_order(named: Mapping[str, str]) -> list[str]:
    """Reactions by what they say, in the order of `Reactions`; the client writes the names in its language's way."""
    return [named[name if name in named else "initialState"] for name in field_names(Reactions)]


def reactions_of_client() -> str:
    """What the JavaScript client takes for the reactions of a store without a configuration."""
    return CLIENT.split("RULES: Rules", 1)[1].split("reactions: { ", 1)[1].split("}", 1)[0]


def receipts() -> list[str]:
    """The reactions of format.md's table of receipts, in the order of `Reactions`."""
    section = FORMAT.split("\n## Receipts\n", 1)[1].split("\n## ", 1)[0]
    applied, rejected, unauthorized, initial = re.findall(r"^\| \S+ \| `([^`]+)`", section, re.M)
    return [applied, initial, rejected, unauthorized]


def export_examples() -> list[str]:
    """The formats that export.md's first lines show, the default one first."""
    first = EXPORT.split("```sh\n", 1)[1].split("```", 1)[0]
    (default,) = [one.default for one in commands()["export"].params if "--format" in one.opts]
    return list(dict.fromkeys([default, *re.findall(r"--format ([a-z]+)", first)]))


def of_schema(value: Mapping[str, Any]) -> dict[str, Iterable[str]]:
    return {
        "config_schema.json": value["enum"],
        "config_schema.json, in words": value["description"].removeprefix("one of ").split(", "),
    }


def field_names(of: type[Any], but: str = "") -> list[str]:
    return [one.name for one in fields(of) if one.name != but]


RULES = field_names(Rules, but="archived_label")  # gh-store's own word, which no file can change
MACHINE = ["retries", "rate_limit", "log"]

TABLES: dict[str, tuple[Iterable[str], dict[str, Iterable[str]]]] = {
    "update modes": (
        names.UPDATE_MODES,
        {
            "domain/patches/modes.py": modes.MODES,
            "action/settings.py": settings.UPDATE_MODES,
            "gh-store update --mode": choices("update", "--mode"),
            "action.yml": described("update-mode"),
            "reference.md, inputs": in_reference("update-mode"),
            "README.md, examples": examples(),
        },
    ),
    "snapshot formats": (
        names.FORMATS,
        {
            "action/settings.py": settings.FORMATS,
            "action/settings.py, where they go": settings.DEFAULT_OUTPUT,
            "gh-store snapshot --format": choices("snapshot", "--format"),
            "cli/snapshots.py, where they go": cli_snapshots.DEFAULT,
            "action.yml": described("format"),
            "reference.md, inputs": in_reference("format"),
        },
    ),
    "export formats": (
        names.EXPORTS,
        {
            "export/files.py": exports.WRITERS,
            "gh-store export --format": choices("export", "--format"),
            "export.md, examples": export_examples(),
        },
    ),
    "reactions unless configured": (
        astuple(Reactions()),
        {
            "default_config.yml": in_order(keys(DEFAULT)["reactions"]),
            "local_config.yml": in_order(commented("reactions")),
            "reference.md": in_order(readme_keys()["reactions"]),
            "format.md": receipts(),
            "records.ts": in_order(dict(re.findall(r'(\w+): "([^"]+)"', reactions_of_client()))),
        },
    ),
    "permissions": (
        (*(level for level in reversed(access.LEVELS) if level != "none"), access.ANYONE),
        {
            **of_schema(DEFINED["access"]["properties"]["permission"]),
            "default_config.yml": words(DEFAULT, "permission: ", ".  The others"),
            "reference.md": words(README, "codeowners: false, # ", "\n"),
        },
    ),
    "reactions": (
        CONTENTS,
        {
            **of_schema(DEFINED["reaction"]),
            "default_config.yml": words(DEFAULT, "what became of an update: ", ", all different"),
        },
    ),
    "what a reaction can say": (
        field_names(Reactions),
        {
            "config_schema.json": STORE["reactions"]["properties"],
            "default_config.yml": keys(DEFAULT)["reactions"],
            "reference.md": readme_keys()["reactions"],
        },
    ),
    "keys of a rule for access": (
        field_names(AccessRule),
        {
            "config_schema.json": DEFINED["access"]["properties"],
            "default_config.yml": ["match", *keys(DEFAULT)["access"]],
            "reference.md": ["match", *readme_keys()["access"]],
        },
    ),
    "keys": (
        [*RULES, *MACHINE],
        {
            "config_schema.json": STORE,
            "default_config.yml": keys(DEFAULT),
            "local_config.yml": sorted(
                re.findall(r"^  # ([a-z_]+): ", dump_local(), re.M), key=lambda key: key in MACHINE
            ),
            "reference.md": readme_keys(),
        },
    ),
}


def strays(table: Iterable[str], places: Mapping[str, Iterable[str]]) -> list[str]:
    """The places that do not list just what the table has, in its order."""
    return [place for place, found in places.items() if list(found) != list(table)]


@pytest.mark.parametrize("table", TABLES)
def test_every_place_lists_what_the_table_has(table: str) -> None:
    assert strays(*TABLES[table]) == []


@pytest.mark.parametrize("table", TABLES)
def test_a_name_planted_in_the_table_alone__is_missed_in_every_place(table: str) -> None:
    core, places = TABLES[table]
    assert strays([*core, "planted"], places) == list(places)


def test_the_default_mode_is_one_everywhere() -> None:
    (option,) = [one for one in commands()["update"].params if "--mode" in one.opts]
    declared = runner.action()["inputs"]["update-mode"]["default"]
    assert isinstance(option, click.Option) and f"; {names.DEFAULT_MODE} unless" in (option.help or "")
    assert {declared, settings.INPUTS["update-mode"].default} == {names.DEFAULT_MODE}
