"""Which files that stand where a snapshot goes are a user's."""

from __future__ import annotations

import json

import pytest

from gh_store_action.domain.snapshots.contents import whole
from gh_store_action.domain.snapshots.files import write
from gh_store_action.domain.snapshots.snapshot import Snapshot
from gh_store_action.domain.snapshots.theirs import is_theirs

RECORD = '{"object_id":"a","data":{},"meta":{},"repository":"o/r"}'


@pytest.mark.parametrize("name", ["store.json", "store.jsonl", "store", "README.md"])
@pytest.mark.parametrize("format_", ["json", "jsonl"])
@pytest.mark.parametrize("left_out", [frozenset(), frozenset({3})])
@pytest.mark.parametrize("rules", ["", "0123abc"])
def test_a_snapshot_of_nothing__is_none_of_theirs(
    name: str, format_: str, left_out: frozenset[int], rules: str
) -> None:
    assert not is_theirs(name, whole(write(Snapshot("o/r", {}, left_out, rules), format_)[""]))


@pytest.mark.parametrize("name", ["store.json", "store", "README.md"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        " \r\n",
        "{}",
        "[]\n",
        "null",
        '{"objects": [1]}',
        '{"snapshot_time": "2025-01-01T00:00:00Z", "repo',
        '<<<<<<< HEAD\r\n{\r\n  "snapshot_time": 1,\r\n=======\r\n',
        f"{RECORD}\n{RECORD[:20]}",
        f"<<<<<<< HEAD\n{RECORD}\n=======\n",
        '{"left_out":[3],"rules":"0123abc"}\n',
    ],
)
def test_what_is_left_of_a_snapshot__is_none_of_theirs(name: str, text: str) -> None:
    assert not is_theirs(name, text.encode())


@pytest.mark.parametrize("text", ["no JSON", "theirs 1", "\udcff", "<<<<<<< HEAD\n"])
def test_text_that_is_no_json__is_theirs_unless_the_name_says_that_json_is_due(text: str) -> None:
    data = text.encode(errors="surrogateescape")
    assert [name for name in ("a.json", "A.JSON", "a.jsonl", "a.ndjson", "json", "a.md") if is_theirs(name, data)] == [
        "json",
        "a.md",
    ]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"name": "a package", "version": "1.0.0"}, indent=2),
        '{"rules": {"semi": "error"}}',
        "[1]",
        '"text"',
        '\ufeff{"a": 1}',
        '{"a": 1}\n{"a": 2}\n',
        '// of the compiler\n{"compilerOptions": {}, }',
        '{"a": 1,}',
        '{"a": 1, "a": 2}',
        "[" * 10_000,
        '{"type":"Feature","properties":{"object_id":"a"}}\n',
    ],
)
def test_json_of_another_kind__is_theirs_whatever_the_name(text: str) -> None:
    assert all(is_theirs(name, text.encode()) for name in ("a.json", "a.jsonl", "a.md"))
