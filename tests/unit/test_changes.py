"""What an update changed, path by path."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gh_store_action.domain.patches.changes import LENGTH, MOST_PATHS, Change, PathChange, between
from gh_store_action.domain.strict_json import Json, equal

LEAVES = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, 1.0, 1.5, "", "a"])
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner), max_leaves=12
)


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({"n": 1}, {"n": 2}, [("$.n", "1", "2")]),
        ({"n": 1}, {"n": 1.0}, []),
        ({"n": 1}, {"n": True}, [("$.n", "1", "true")]),
        ({}, {"n": None}, [("$.n", None, "null")]),
        ({"n": None}, {}, [("$.n", "null", None)]),
        ({"a": {"b": [1, {"c": "x"}]}}, {"a": {"b": [1, {"c": "y"}]}}, [("$.a.b[1].c", '"x"', '"y"')]),
        ({"a": {"b": 1}}, {"a": [1]}, [("$.a", '{"b":1}', "[1]")]),
        ({"gone": 1, "kept": 2}, {"new": 3, "kept": 2}, [("$.new", None, "3"), ("$.gone", "1", None)]),
        ({"odd key": "é"}, {"odd key": "ü"}, [('$["odd key"]', '"é"', '"ü"')]),
        ([1, 2], [1, 2, 3], [("$[2]", None, "3")]),
        ([1, 2, 3], [2, 3], [("$[0]", "1", None)]),
        ([1, 2, 3, 4], [1, 9, 3, 4], [("$[1]", "2", "9")]),
        ([1, 1, 1], [1, 1], [("$[2]", "1", None)]),
        ([], [1], [("$[0]", None, "1")]),
        ([{"a": 1}, {"a": 2}], [{"a": 0}, {"a": 1}, {"a": 2}], [("$[0]", None, '{"a":0}')]),
        ({"a": 1}, [1], [("$", '{"a":1}', "[1]")]),
    ],
)
def test_between__says_path_and_both_values(
    before: Json, after: Json, changes: list[tuple[str, str | None, str | None]]
) -> None:
    assert list(between(before, after)) == [PathChange(*change) for change in changes]


@given(JSON, JSON)
def test_between__is_silent_only_where_nothing_differs(before: Json, after: Json) -> None:
    assert (not list(between(before, after))) is equal(before, after)


def test_change__tells_so_many_paths_and_counts_the_others() -> None:
    found = Change.of(7, "ada", {}, {f"k{place}": "x" * 500 for place in range(MOST_PATHS + 5)})

    assert (found.comment_id, found.author, len(found.paths), found.more) == (7, "ada", MOST_PATHS, 5)
    assert all(len(path.after or "") == LENGTH and path.before is None for path in found.paths)
