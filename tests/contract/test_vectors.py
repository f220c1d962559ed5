"""The vectors of docs/format.md: this implementation, and a script in Node that shares no code with it, give the same.

A file holds cases of one kind: what goes `in`, and what comes `out`, or that it is an `error`.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gh_store_action.domain import objects
from gh_store_action.domain.log.entries import Entry, Kind, read, read_all
from gh_store_action.domain.log.fold import State, fold, repeats
from gh_store_action.domain.objects import InvalidId, Marker
from gh_store_action.domain.patches import modes
from gh_store_action.domain.records import Comment, Reaction, Rules, StoredMeta, StoredObject
from gh_store_action.domain.refusal import Refused
from gh_store_action.domain.snapshots import files
from gh_store_action.domain.snapshots.contents import whole
from gh_store_action.domain.snapshots.snapshot import Snapshot, entry_of
from gh_store_action.domain.strict_json import InvalidJson, canonical, digest, parse, read_body
from gh_store_action.domain.verdicts import UNAUTHORIZED
from tests.support.published import need
from tests.support.values import issue

FOLDER = Path(__file__).parents[1] / "vectors"
PROCESSOR, RULES = "github-actions[bot]", Rules()


def canonical_form(text: str) -> Any:
    value = parse(text)
    return {"canonical": canonical(value), "sha256": digest(value)}


def comment(given: Mapping[str, Any]) -> Any:
    entry = read(_comment(1, given), RULES, frozenset({PROCESSOR}))
    if entry.kind is Kind.INVALID:
        raise Refused(entry.problem)
    return _described(entry)


def _comment(number: int, given: Mapping[str, Any]) -> Comment:
    author = PROCESSOR if given["author"] == "processor" else given["author"]
    reactions = tuple(Reaction(author, content) for content in given.get("reactions", ()))
    return Comment(number, "", author, given["text"], "2026-01-01T00:00:00Z", reactions=reactions)


def _described(entry: Entry) -> dict[str, Any]:
    if entry.kind is Kind.CHAT:
        return {"kind": "conversation"}
    if entry.kind is Kind.REPLY:
        return {"kind": "reply", "names": sorted(entry.names)}
    if entry.kind is Kind.FOREIGN_STATE:
        return {"kind": "initial state of gh-store", "data": entry.patch}
    if entry.kind is Kind.UPDATE:
        conditions = {"update_id": entry.update_id, "if_revision": entry.if_revision, "if_digest": entry.if_digest}
        return {"kind": "update", "mode": entry.mode, "data": entry.patch, **_given(conditions)}
    known = {"update_id": entry.update_id, "reason": entry.reason, "editor": entry.editor, "previous": entry.previous}
    verdicts = {str(number): outcome for number, outcome in entry.absorbed.items()}
    place = {"after": entry.after, "revision": entry.revision}
    return {"kind": "state", "data": entry.patch, **place, **_given({**known, "verdicts": verdicts})}


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def log(given: Mapping[str, Any]) -> Any:
    comments = [_comment(one["id"], one) for one in given["comments"]]
    entries = read_all(issue(given["state"]["data"], comments), RULES, frozenset({PROCESSOR}))
    folded = fold(
        State(given["state"]["data"], given["state"]["revision"]),
        [entry for entry in entries if entry.asks],
        earlier=repeats(entries),
        recorded={},
        refusal=lambda entry: None if entry.comment.author in given["may_write"] else UNAUTHORIZED,
    )
    verdicts = {str(number): verdict.outcome.key for number, verdict in folded.verdicts.items()}
    return {"data": folded.state.data, "revision": folded.state.revision, "verdicts": verdicts}


def title_read(text: str) -> Any:
    before, number = objects.read_moved(text)
    object_id, marker = objects.read_title(before)
    if not object_id:
        return None
    found = None if marker is None else {**vars(marker), "recent": list(marker.recent)}
    return {"id": object_id, "marker": found, "moves_to": number, "moved": objects.is_moved(text)}


def title_written(given: Mapping[str, Any]) -> Any:
    known = given["comments"]
    marker = Marker(
        given["revision"],
        known[-1] if known else 0,
        len(known),
        objects.short_digest(given["data"]),
        tuple(objects.short_id(number) for number in known[-objects.MOST_RECENT :]),
    )
    return objects.title(given["id"], marker, RULES)


def object_id(given: str) -> Any:
    label = objects.uid_label(objects.check_id(given, RULES), RULES)
    return {"label": label, "file": files.file_of(given, label)}


def snapshot(given: Mapping[str, Any]) -> Any:
    stored = [StoredObject(StoredMeta(**one["meta"]), one["data"]) for one in given["objects"]]
    made = Snapshot(
        given["repository"],
        {one.meta.issue_number: entry_of(one) for one in stored},
        frozenset(given["left_out"]),
        given["rules"],
    )
    return {path: whole(content).decode() for path, content in files.write(made, given["format"]).items()}


IMPLEMENTED: Mapping[str, Callable[[Any], Any]] = {
    "bodies": read_body,
    "canonical": canonical_form,
    "canonical-integers": canonical_form,
    "comments": comment,
    "folds": lambda given: modes.apply(given["mode"], given["data"], given["update"]),
    "ids": object_id,
    "json": parse,
    "logs": log,
    "snapshots": snapshot,
    "titles-read": title_read,
    "titles-written": title_written,
}


def outcome(kind: str, given: Any) -> dict[str, Any]:
    try:
        return {"out": IMPLEMENTED[kind](given)}
    except (InvalidId, InvalidJson, Refused):
        return {"error": True}


def cases() -> Iterator[Any]:
    for path in sorted(FOLDER.glob("*.json")):
        for case in json.loads(path.read_text("utf-8"))["cases"]:
            yield pytest.param(path.stem, case, id=f"{path.stem}: {case['name']}")


@pytest.mark.parametrize(("kind", "case"), list(cases()))
def test_vectors__are_what_this_implementation_gives(kind: str, case: dict[str, Any]) -> None:
    expected = {name: value for name, value in case.items() if name in ("out", "error")}
    assert canonical(outcome(kind, case["in"])) == canonical(expected)


def test_vectors__say_what_they_are_and_each_case_has_a_name_of_its_own() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == IMPLEMENTED.keys()
    for kind in IMPLEMENTED:
        held = json.loads((FOLDER / f"{kind}.json").read_text("utf-8"))
        assert held.keys() == {"about", "cases"}
        names = [case["name"] for case in held["cases"]]
        assert len(names) == len(set(names))
        assert all({"name", "in"} < case.keys() <= {"name", "in", "out", "error"} for case in held["cases"])


@pytest.mark.npm
def test_vectors__have_the_same_results_in_node() -> None:
    need("node")
    script = FOLDER / "run.mjs"
    assert len(script.read_text("utf-8").splitlines()) <= 60
    done = subprocess.run(["node", str(script)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    counted = {name: int(number) for name, number in (line.split() for line in done.stdout.splitlines())}
    assert counted.keys() == {"canonical", "folds", "ids", "titles-read", "titles-written"}
    assert all(counted.values())
