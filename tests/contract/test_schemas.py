"""The JSON Schemas of docs/schemas: they say what the code's tables say, and what it writes fits them."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gh_store_action.config.defaults import packaged
from gh_store_action.domain.log.entries import checkpoint, envelope
from gh_store_action.domain.log.mistakes import META_KEYS
from gh_store_action.domain.names import DEFAULT_MODE, UPDATE_MODES
from gh_store_action.domain.past.history import PENDING, HistoryEntry
from gh_store_action.domain.past.lines import INITIAL, HistoryLine
from gh_store_action.domain.snapshots import files, histories
from gh_store_action.domain.snapshots.snapshot import META
from gh_store_action.domain.strict_json import Json
from gh_store_action.domain.verdicts import Outcome
from gh_store_action.snapshots.making import Snapshots, Target
from gh_store_action.workspace.files import Workspace
from tests.integration.test_store_objects import store_of
from tests.support.store import world

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "schemas"
OUTCOMES = [outcome.key for outcome in Outcome]


def schema(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))


def faults(name: str, value: Json, part: str = "") -> list[str]:
    """What a schema, or one of its parts, finds wrong."""
    whole = schema(name)
    chosen = {"$defs": whole["$defs"], "$ref": f"#/$defs/{part}"} if part else whole
    return [error.message for error in Draft202012Validator(chosen).iter_errors(value)]


def vectors(kind: str) -> list[Any]:
    found: list[Any] = json.loads((ROOT / "tests" / "vectors" / f"{kind}.json").read_text("utf-8"))["cases"]
    return found


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_schemas__are_schemas(path: Path) -> None:
    held = json.loads(path.read_text("utf-8"))
    Draft202012Validator.check_schema(held)
    assert held["$schema"] == Draft202012Validator.META_SCHEMA["$id"]


def test_configuration__is_the_one_that_the_package_reads_by() -> None:
    assert (FOLDER / "configuration.json").read_text("utf-8") == packaged("config_schema.json")


def test_envelope__has_the_modes_the_keys_and_the_outcomes_of_the_code() -> None:
    meta = schema("envelope")["properties"]["_meta"]["properties"]
    assert sorted(meta) == sorted(META_KEYS)
    assert meta["update_mode"] == {"enum": [*UPDATE_MODES, None], "default": DEFAULT_MODE}
    state = schema("envelope")["$defs"]["state"]["properties"]["_meta"]["properties"]
    assert state["verdicts"]["additionalProperties"]["enum"] == OUTCOMES
    options: dict[str, Any] = {
        "reason": "adopted",
        "editor": "ada",
        "verdicts": {1: "applied"},
        "previous": 3,
        "object_id": "a, b",
        "owner": "eve",
        "form": 7,
    }
    text = checkpoint({}, after=1, revision=1, update_id="1-1-" + "0" * 16, version="1", **options)
    assert json.loads(text)["_meta"].keys() == state.keys()


def test_envelope__takes_what_is_written() -> None:
    plain = envelope([1], version="1", timestamp="2026-01-01T00:00:00Z")
    full = envelope({}, version="1", timestamp="", mode="operators", update_id="k", if_revision=1, if_digest="0" * 8)
    assert [faults("envelope", json.loads(text)) for text in (plain, full)] == [[], []]


MISSPELLED = "a misspelled condition"  # no schema can tell near from far


@pytest.mark.parametrize("case", vectors("comments"), ids=lambda case: str(case["name"]))
def test_envelope__takes_the_vectors_that_are_one(case: Any) -> None:
    try:
        value = json.loads(case["in"]["text"])
    except ValueError:
        return
    if case.get("out", {}).get("kind") == "state":
        assert faults("envelope", value, "state") == []
    elif isinstance(value, dict) and {"_data", "_meta"} & value.keys() and not case["name"].startswith(MISSPELLED):
        assert (faults("envelope", value) == []) is (case.get("out", {}).get("kind") == "update")


def test_snapshot__has_the_meta_of_the_code_and_the_name_that_its_files_have() -> None:
    meta = schema("snapshot")["$defs"]["meta"]
    assert list(meta["properties"]) == list(META)
    assert ["object_id", *meta["required"]] == list(META)
    assert schema("snapshot")["$id"] == files.SCHEMA


@pytest.mark.parametrize("case", vectors("snapshots"), ids=lambda case: str(case["name"]))
def test_snapshot__takes_the_vectors(case: Any) -> None:
    part = {"json": "", "jsonl": "line", "directory": "object"}[case["in"]["format"]]
    for path, text in case["out"].items():
        for one in text.splitlines() if part == "line" else [text]:
            assert faults("snapshot", json.loads(one), "index" if path == "index.json" else part) == []


def test_history__has_the_keys_and_names_of_the_code_and_takes_what_is_written() -> None:
    held = schema("history")
    assert list(held["properties"]) == list(HistoryLine.__annotations__)
    assert held["properties"]["verdict"]["enum"] == [*OUTCOMES, PENDING]
    assert held["properties"]["mode"]["enum"] == [*UPDATE_MODES, INITIAL]
    assert f"{held['$id']}#/$defs/index" == histories.SCHEMA
    with world() as w, tempfile.TemporaryDirectory() as folder:
        number = w.object("metrics", {"count": 0})
        for text in ('{"count": 1}', '{"count": ', '{"_data": [], "_meta": {"update_mode": "replace"}}'):
            w.update(number, text)
        w.process(number)
        w.repo.edit_issue(number, "alice", body='{"by": "hand"}')
        w.process(number)
        target = Target("store.json", commit=False, history=True)
        Snapshots(w.session(), Workspace(Path(folder), {}, "", "", w.pause), target).make()
        lines = (Path(folder) / "history/metrics.jsonl").read_text().splitlines()
        index = json.loads((Path(folder) / "history/index.json").read_text())
    assert [json.loads(line)["verdict"] for line in lines] == ["applied", "applied", "rejected", "applied", "applied"]
    assert [faults("history", json.loads(line)) for line in lines] == [[]] * 5
    assert faults("history", index, "index") == []
    assert faults("history", {**json.loads(lines[0]), "patch": {}}) != []


def test_history_entry__has_the_keys_and_names_of_the_code() -> None:
    held = schema("history-entry")
    metadata = held["properties"]["metadata"]
    assert list(held["properties"]) == held["required"] == list(HistoryEntry.__annotations__)
    assert list(metadata["properties"]) == metadata["required"]
    assert metadata["properties"]["verdict"]["enum"] == [*OUTCOMES, PENDING]
    assert metadata["properties"]["update_mode"]["enum"] == [*UPDATE_MODES, "initial"]


def test_history_entry__takes_what_the_store_tells() -> None:
    with world() as w, store_of(w) as store:
        number = store.create("metrics", {"count": 0}).meta.issue_number
        for text in ('{"count": 1}', '{"count": ', '{"_data": [], "_meta": {"update_mode": "replace"}}'):
            w.update(number, text)
        store.process_updates(number)
        w.repo.edit_issue(number, "alice", body='{"by": "hand"}')
        store.process_updates(number)
        w.update(number, {"count": 2})
        told = store.get_object_history("metrics")
    assert {entry["type"] for entry in told} == set(schema("history-entry")["properties"]["type"]["enum"])
    assert {entry["metadata"]["verdict"] for entry in told} == {"applied", "rejected", "pending"}
    for entry in told:
        assert faults("history-entry", json.loads(json.dumps(entry))) == []
        assert entry["metadata"].keys() == schema("history-entry")["properties"]["metadata"]["properties"].keys()
