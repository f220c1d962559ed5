"""What must hold for every state and every patch."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gh_store_action.domain.patches import modes as merge
from gh_store_action.domain.patches.json_patch import diff
from gh_store_action.domain.strict_json import Json, canonical, check, equal, fits, parse

KEYS = st.sampled_from(["a", "b", "c", "0", "1", "-", "a/b", "m~n", "", "$each"])
SCALARS = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, -0.0, 1.0, 1e308]) | st.sampled_from("xy")
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=4)
CONTAINERS = OBJECTS | st.lists(VALUES, max_size=4)
POINTERS = st.lists(KEYS, max_size=3).map(
    lambda parts: "".join(f"/{p.replace('~', '~0').replace('/', '~1')}" for p in parts)
)
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]), "path": POINTERS | SCALARS},
    optional={"value": VALUES, "from": POINTERS | SCALARS},
)
DOTTED = st.lists(st.sampled_from(["a", "b", "0", "1", "", "$"]), min_size=1, max_size=3).map(".".join)
MODIFIERS = st.fixed_dictionaries({"$each": VALUES}, optional={"$slice": VALUES, "$position": st.integers(-3, 3)})
CONDITIONS = st.dictionaries(st.sampled_from(["$in", "$nin", "$eq", "$ne", "$gt", "$gte", "$lt", "$lte"]), VALUES)
NAMES = ["$set", "$unset", "$inc", "$push", "$addToSet", "$pull", "$min", "$max"]
OPERATORS = st.dictionaries(
    st.sampled_from(NAMES), st.dictionaries(DOTTED, VALUES | MODIFIERS | CONDITIONS, max_size=3)
)


@given(CONTAINERS, st.sampled_from(list(merge.MODES)), VALUES | st.lists(OPERATIONS, max_size=5) | OPERATORS)
@settings(max_examples=500)
def test_apply__gives_sound_data_or_a_reason_and_changes_no_argument(state: Json, mode: str, patch: Json) -> None:
    before = copy.deepcopy((state, patch))
    try:
        result = merge.apply(mode, state, patch)
    except merge.Refused as refused:
        assert all(reason.path.startswith("$") and reason.message for reason in refused.reasons)
    else:
        assert isinstance(result, dict | list)
        assert fits(result)
        assert equal(check(result), parse(canonical(result)))
        assert canonical(merge.apply(mode, state, patch)) == canonical(result)
    assert repr((state, patch)) == repr(before)


@given(OBJECTS, OBJECTS)
def test_append__twice_is_once(state: Json, patch: Json) -> None:
    once = merge.apply("append", state, patch)
    assert equal(merge.apply("append", once, patch), once)


@given(OBJECTS)
def test_append__of_nothing_and_of_itself_change_nothing(state: Json) -> None:
    assert equal(merge.apply("append", state, {}), state)
    assert equal(merge.apply("append", state, state), state)


@given(CONTAINERS, OBJECTS)
def test_merge_patch__twice_is_once(state: Json, patch: Json) -> None:
    once = merge.apply("merge-patch", state, patch)
    assert equal(merge.apply("merge-patch", once, patch), once)


@given(CONTAINERS, CONTAINERS)
def test_diff__turns_one_into_the_other(a: Json, b: Json) -> None:
    assert equal(merge.apply("json-patch", a, diff(a, b)), b)


@given(st.lists(VALUES, max_size=6), st.lists(VALUES, max_size=6))
def test_diff__of_lists_turns_one_into_the_other(a: Json, b: Json) -> None:
    assert equal(merge.apply("json-patch", a, diff(a, b)), b)
