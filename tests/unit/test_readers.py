"""Whatever somebody writes, reading it takes time in proportion to its length, and ends in a value or a verdict."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gh_store_action.action.settings import Settings
from gh_store_action.domain.snapshots import files as snapshot_files
from gh_store_action.domain.snapshots.files import BrokenSnapshot
from gh_store_action.domain.strict_json import digest
from gh_store_action.errors import InputError
from tests.support.readers import BEFORE, BEHIND, READERS, UNITS, VERDICTS, Shape, slow

BUDGET = float(os.environ.get("PROVE_BUDGET", "300"))
LONGEST = 262_144  # characters; GitHub takes 65,536 for a comment
BOMBS = (  # each has taken a reader a minute and more
    ("comment", Shape("", "~", "")),
    ("comment", Shape('["', '\\"', "[" * 101 + "\\")),
    ("comment", Shape("`", " ", "x")),
    ("comment", Shape("x", "<!---->", "")),
    ("author", Shape("a", " ", "b")),
    ("workflow", Shape("", "\n", "")),
    ("git", Shape("/unblock-secret/ ", "https://", "")),
    ("reasons", Shape("", "  - ``: a\n", "")),
)


@pytest.mark.parametrize(("reader", "shape"), BOMBS, ids=str)
def test_reading__takes_linear_time_where_it_once_did_not(reader: str, shape: Shape) -> None:
    assert not slow(READERS[reader], shape, (LONGEST // 256, LONGEST // 64, LONGEST // 16, LONGEST // 4, LONGEST))


@pytest.mark.slow
def test_measure__finds_a_reader_that_looks_at_all_the_text_for_each_of_its_places() -> None:
    assert slow(lambda text: [text.count("x") for _ in range(0, len(text), 4)], Shape("", "ab", ""), (2_048, 32_768))


@pytest.mark.slow
@pytest.mark.parametrize("reader", READERS)
def test_reading__takes_linear_time(reader: str) -> None:
    for place, unit in enumerate(UNITS):
        shape = Shape(BEFORE[place % len(BEFORE)], unit, BEHIND[place % len(BEHIND)])
        assert not slow(READERS[reader], shape, (1_024, 4_096)), shape


@pytest.mark.prove
@pytest.mark.parametrize("reader", READERS)
def test_reading__takes_linear_time_whatever_is_repeated(reader: str) -> None:
    end = time.monotonic() + BUDGET / len(READERS) * 2
    chance = random.Random(reader)
    while time.monotonic() < end:
        units = "".join(chance.choices(UNITS, k=chance.choice((1, 1, 1, 2, 3))))
        shape = Shape(chance.choice(BEFORE), units, chance.choice(BEHIND))
        assert not slow(READERS[reader], shape, (4_096, 16_384, 65_536, LONGEST)), shape


PIECES = st.sampled_from((*UNITS, *BEFORE, *BEHIND)) | st.text(max_size=5)
TEXTS = st.lists(PIECES, max_size=40).map("".join) | st.text(st.characters())


@pytest.mark.parametrize(
    "examples",
    [pytest.param(100, id="quick"), pytest.param(int(BUDGET * 100), id="proof", marks=pytest.mark.prove)],
)
@pytest.mark.parametrize("reader", READERS)
def test_reading__ends_in_a_value_or_a_verdict(reader: str, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, database=None, derandomize=examples == 100)
    @given(TEXTS)
    def reads(text: str) -> None:
        with suppress(*VERDICTS):
            READERS[reader](text)

    reads()


META = {
    "object_id": "m",
    "label": "UID:m",
    "issue_number": 1,
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-02T00:00:00Z",
    "version": 1,
    "digest": digest({"count": 1}),
}
SNAPSHOT = {
    "snapshot_time": META["updated_at"],
    "repository": "octo/store",
    "left_out": [2],
    "rules": "",
    "objects": {"m": {"data": {"count": 1}, "meta": META}},
}
EVENT = {"action": "created", "issue": {"number": 1, "pull_request": {}}, "comment": {"id": 7, "body": "{}"}}
TIMES = st.sampled_from(["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-01T00:00:00+23:59", "2026-W01-1"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TIMES | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def places(value: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Where something stands in nested objects."""
    inner = (
        [found for key, one in value.items() for found in places(one, (*path, key))] if isinstance(value, dict) else []
    )
    return [path, *inner]


def changed(value: Any, path: Sequence[str], new: object) -> Any:
    """The value with another one at that place."""
    return {**value, path[0]: changed(value[path[0]], path[1:], new)} if path else new


def forged(value: dict[str, Any]) -> st.SearchStrategy[str]:
    """A file in which somebody has put something else into some places."""
    changes = st.lists(st.tuples(st.sampled_from(places(value)[1:]), VALUES), max_size=3)

    def made(given: list[tuple[tuple[str, ...], object]]) -> str:
        found: Any = value
        for path, new in given:
            with suppress(KeyError, TypeError):  # an earlier one has taken its place away
                found = changed(found, path, new)
        return json.dumps(found)

    return changes.map(made)


def reads_snapshot(text: str) -> None:
    for format_, name in (("json", ""), ("jsonl", ""), ("directory", "index.json")):
        with suppress(BrokenSnapshot):
            assert snapshot_files.read({name: text.encode()}, format_, "octo/store").since
    snapshot_files.records(text.encode())
    snapshot_files.is_object_file("objects/m.json", text.encode())


@pytest.mark.parametrize(
    "proof", [pytest.param(False, id="quick"), pytest.param(True, id="proof", marks=pytest.mark.prove)]
)
@pytest.mark.parametrize("kind", ["snapshot", "event"])
def test_file__that_somebody_has_forged_ends_in_a_value_or_a_verdict(tmp_path: Path, kind: str, proof: bool) -> None:
    event = tmp_path / "event.json"

    def reads_event(text: str) -> None:
        event.write_text(text, encoding="utf-8")
        environ = {"GITHUB_EVENT_PATH": str(event), "INPUT_TOKEN": "t", "GITHUB_REPOSITORY": "octo/store"}
        with suppress(InputError):
            Settings.from_environment(environ)

    @settings(max_examples=int(BUDGET * 100) if proof else 200, deadline=None, database=None, derandomize=not proof)
    @given(forged(SNAPSHOT) if kind == "snapshot" else forged(EVENT))
    def reads(text: str) -> None:
        reads_snapshot(text) if kind == "snapshot" else reads_event(text)

    reads()
