"""The update modes: what each makes of a state, what it refuses, and the limits that hold for all."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from gh_store_action.domain.patches import modes as merge
from gh_store_action.domain.patches.json_patch import diff
from gh_store_action.domain.strict_json import Json, equal


def refusal(mode: str, state: Json, patch: Json) -> str:
    before = copy.deepcopy((state, patch))
    with pytest.raises(merge.Refused) as caught:
        merge.apply(mode, state, patch)
    assert (state, patch) == before
    assert caught.value.reasons
    return str(caught.value)


def applied(mode: str, state: Json, patch: Json) -> Json:
    before = copy.deepcopy((state, patch))
    result = merge.apply(mode, state, patch)
    assert (state, patch) == before
    return result


def nested(depth: int) -> Json:
    value: Json = 1
    for _ in range(depth):
        value = {"a": value}
    return value


# --- append --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "patch", "result"),
    [
        ({}, {}, {}),
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"x": 1, "y": {"z": 1}}}, {"a": {"y": {"w": 2}}}, {"a": {"x": 1, "y": {"z": 1, "w": 2}}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"x": 1}}, {"a": 5}, {"a": 5}),
        ({"a": 5}, {"a": {"x": 1}}, {"a": {"x": 1}}),
        ({"a": 1}, {"a": None}, {"a": None}),
    ],
)
def test_append__merges_objects_and_replaces_all_else(state: Json, patch: Json, result: Json) -> None:
    assert applied("append", state, patch) == result


def test_append__keeps_the_order_of_keys() -> None:
    assert list(applied("append", {"b": 1, "a": 1}, {"c": 1, "b": 2})) == ["b", "a", "c"]  # type: ignore[arg-type]


@pytest.mark.parametrize(("state", "patch"), [({}, [1]), ([1], {}), ({}, "x")])
def test_append__refuses_what_is_no_object(state: Json, patch: Json) -> None:
    assert "`append` merges objects" in refusal("append", state, patch)


# --- replace and merge-patch ---------------------------------------------------------------------------------------


def test_replace__forgets_the_state() -> None:
    assert applied("replace", {"a": 1}, [1]) == [1]
    assert applied("replace", [1], {"b": 1}) == {"b": 1}


@pytest.mark.parametrize("mode", ["replace", "merge-patch"])
def test_apply__refuses_a_scalar_as_the_whole(mode: str) -> None:
    assert refusal(mode, {"a": 1}, 5) == "$: the result would be 5; the data must be an object or an array"


@pytest.mark.parametrize(
    ("state", "patch", "result"),
    [  # the cases of RFC 7396's appendix A, in our own words
        ({"k": "old"}, {"k": "new"}, {"k": "new"}),
        ({"k": "old"}, {"other": "new"}, {"k": "old", "other": "new"}),
        ({"k": "old"}, {"k": None}, {}),
        ({"k": "old", "other": 1}, {"k": None}, {"other": 1}),
        ({"k": ["old"]}, {"k": "new"}, {"k": "new"}),
        ({"k": "old"}, {"k": ["new"]}, {"k": ["new"]}),
        ({"k": {"in": "old"}}, {"k": {"in": "new", "none": None}}, {"k": {"in": "new"}}),
        ({"k": [{"in": "old"}]}, {"k": [1]}, {"k": [1]}),
        (["x", "y"], ["z", "w"], ["z", "w"]),
        ({"k": "old"}, ["z"], ["z"]),
        ({"stays": None}, {"k": 1}, {"stays": None, "k": 1}),
        ([1, 2], {"k": "new", "none": None}, {"k": "new"}),
        ({}, {"k": {"deep": {"none": None}}}, {"k": {"deep": {}}}),
    ],
)
def test_merge_patch__is_rfc_7396(state: Json, patch: Json, result: Json) -> None:
    assert applied("merge-patch", state, patch) == result


# --- json-patch ----------------------------------------------------------------------------------------------------


def op(kind: str, path: str, **members: Any) -> dict[str, Any]:
    return {"op": kind, "path": path, **{key.rstrip("_"): value for key, value in members.items()}}


@pytest.mark.parametrize(
    ("state", "patch", "result"),
    [  # the cases of RFC 6902's appendix A, in our own words
        ({"job": 1}, [op("add", "/run", value=2)], {"job": 1, "run": 2}),
        ({"l": ["a", "c"]}, [op("add", "/l/1", value="b")], {"l": ["a", "b", "c"]}),
        ({"l": ["a"]}, [op("add", "/l/-", value=["b", "c"])], {"l": ["a", ["b", "c"]]}),
        ({"l": ["a"]}, [op("add", "/l/1", value="b")], {"l": ["a", "b"]}),
        ({"a": 1, "b": 2}, [op("remove", "/b")], {"a": 1}),
        ({"l": ["a", "b", "c"]}, [op("remove", "/l/1")], {"l": ["a", "c"]}),
        ({"a": 1, "b": 2}, [op("replace", "/b", value=3)], {"a": 1, "b": 3}),
        (
            {"a": {"x": 1, "y": 2}, "b": {"z": 3}},
            [op("move", "/b/w", from_="/a/y")],
            {"a": {"x": 1}, "b": {"z": 3, "w": 2}},
        ),
        ({"l": ["a", "d", "b", "c"]}, [op("move", "/l/3", from_="/l/1")], {"l": ["a", "b", "c", "d"]}),
        ({"a": [1]}, [op("copy", "/b", from_="/a"), op("add", "/a/-", value=2)], {"a": [1, 2], "b": [1]}),
        ({"a": "x", "l": ["y"]}, [op("test", "/a", value="x"), op("test", "/l", value=["y"])], {"a": "x", "l": ["y"]}),
        ({"a": 2}, [op("test", "/a", value=2.0)], {"a": 2}),
        ({"a": 1}, [op("add", "/child", value={"in": {}})], {"a": 1, "child": {"in": {}}}),
        ({"a": 1}, [op("add", "/b", value=2, more="is ignored")], {"a": 1, "b": 2}),
        ({"/": 9, "~1": 10}, [op("test", "/~01", value=10), op("remove", "/~1")], {"~1": 10}),
        ({"a": 1}, [op("replace", "", value=[1])], [1]),
        ({"a": 1}, [op("move", "/a", from_="/a")], {"a": 1}),
        ({"": 1}, [op("test", "/", value=1)], {"": 1}),
        ({"-": 1}, [op("copy", "/b", from_="/-")], {"-": 1, "b": 1}),
        ({"n": None}, [op("test", "/n", value=None)], {"n": None}),
        ({}, [], {}),
    ],
)  # fmt: skip
def test_json_patch__is_rfc_6902(state: Json, patch: Json, result: Json) -> None:
    assert applied("json-patch", state, patch) == result


@pytest.mark.parametrize(
    ("state", "patch", "reason"),
    [
        ({}, {"op": "add"}, "a JSON Patch is an array of operations, and the update is an object"),
        ({}, ["add"], '$[0]: operation 0: an operation is an object, and this is "add"'),
        ({}, [op("add", "/a", value=1), op("jump", "/a")], '$[1]: operation 1 (jump "/a"): `op` must be one of '),
        ({}, [{"path": "/a"}], "`op` must be one of add, remove, replace, move, copy, test, not null"),
        ({}, [op([], "/a")], "not an array"),  # type: ignore[arg-type]
        ({}, [{"op": "remove"}], "$[0]: operation 0: `path` is missing"),
        ({}, [op("add", "/a")], "`value` is missing"),
        ({"a": 1}, [op("copy", "/b")], "`from` is missing"),
        ({}, [{"op": "remove", "path": 5}], "`path` must be a string, not 5"),
        ({"a": 1}, [op("move", "/b", from_=["a"])], "`from` must be a string, not an array"),
        ({}, [op("remove", "a")], "start with /"),
        ({}, [op("remove", "/~2")], "invalid escape"),
        ({}, [op("add", "/a/b", value=1)], "'a' not found"),
        ({}, [op("remove", "/a")], "non-existent"),
        ({}, [op("replace", "/a", value=1)], "non-existent"),
        ({"l": [1]}, [op("add", "/l/2", value=1)], "outside of list"),
        ({"l": [1]}, [op("add", "/l/01", value=1)], "'01'"),
        ({"l": [1]}, [op("add", "/l/-1", value=1)], "'-1'"),
        ({"l": [1]}, [op("remove", f"/l/{'9' * 5000}")], "operation 0 (remove"),
        ({"l": [1]}, [op("test", "/l/-", value=1)], "`-` is the place after the last item"),
        ({"l": [1]}, [op("copy", "/b", from_="/l/-")], "`-` is the place after the last item"),
        ({"l": [1]}, [op("replace", "/l/-", value=1)], "'-'"),
        ({"l": [1]}, [op("remove", "/l/-")], "'-'"),
        ({"a": "text"}, [op("add", "/a/0", value=1)], "operation 0 (add"),
        ({"a": 5}, [op("add", "/a/b", value=1)], "operation 0 (add"),
        ({"a": 1}, [op("test", "/a", value=True)], "the test failed: found 1, expected true"),
        ({"a": {"b": 1}}, [op("move", "/a/b/c", from_="/a")], "into their own children"),
        ({"a": 1}, [op("remove", "")], "whole document"),
        ({"a": 1}, [op("add", "/b", value=2), op("test", "/b", value=3)], "$[1]: operation 1"),
        ({"a": 1}, [op("replace", "", value=5)], "the result would be 5"),
        ({}, [op("add", "/a" * 101, value=1)], "the path has more than 100 parts"),
        (nested(60), [op("copy", "/a" * 59 + "/b", from_="")], "the result nests deeper than 100"),
        (nested(60), [op("copy", "/b", from_="/a"), op("move", "/b" + "/a" * 58 + "/c", from_="/a")], "nests deeper"),
    ],
)  # fmt: skip
def test_json_patch__refuses_with_the_operation_and_the_reason(state: Json, patch: Json, reason: str) -> None:
    assert reason in refusal("json-patch", state, patch)


def test_json_patch__can_not_fill_the_memory() -> None:
    doubling: Json = [op("copy", "/a/-", from_="/a") for _ in range(40)]
    assert "copies and moves more than 600,000 characters" in refusal("json-patch", {"a": ["x" * 20]}, doubling)


# --- apply ---------------------------------------------------------------------------------------------------------


def test_apply__names_the_modes_there_are() -> None:
    assert refusal("upsert", {}, {}) == (
        '$: the update mode "upsert" does not exist; use one of '
        "`append`, `replace`, `merge-patch`, `json-patch`, `operators`"
    )


@pytest.mark.parametrize(
    ("mode", "patch"),
    [
        ("append", {"b": "x" * 30_000}),
        ("replace", {"b": "x" * 60_000}),
        ("merge-patch", {"b": "x" * 30_000}),
        ("json-patch", [op("add", "/b", value="x" * 30_000)]),
        ("operators", {"$set": {"b": "x" * 30_000}}),
    ],
)
def test_apply__refuses_a_result_that_is_too_long(mode: str, patch: Json) -> None:
    text = refusal(mode, {"a": "x" * 30_000}, patch)
    assert "characters; an object may have at most 60,000, so shorten it" in text


@pytest.mark.parametrize(
    ("mode", "patch"),
    [
        ("append", nested(101)),
        ("replace", nested(101)),
        ("json-patch", [op("add", "/a", value=nested(100))]),
        ("operators", {"$set": {"a": nested(100)}}),
    ],
)
def test_apply__refuses_a_result_that_nests_too_deep(mode: str, patch: Json) -> None:
    assert "the result cannot be stored: $.a.a.a…: arrays and objects nest deeper than 100" in refusal(mode, {}, patch)


def test_apply__result_shares_nothing_with_its_arguments() -> None:
    state: Any = {"a": {"b": [1]}}
    patch: Any = {"c": {"d": [2]}}
    for mode in ("append", "merge-patch"):
        result: Any = merge.apply(mode, state, patch)
        result["a"]["b"].append(5)
        result["c"]["d"].append(5)
    assert (state, patch) == ({"a": {"b": [1]}}, {"c": {"d": [2]}})


# --- diff ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "patch"),
    [
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": 1}, {"a": True}, [{"op": "replace", "path": "/a", "value": True}]),
        ({"a/b": 1}, {}, [{"op": "remove", "path": "/a~1b"}]),
        ([1], [1, 2], [{"op": "add", "path": "/1", "value": 2}]),
    ],
)
def test_diff__is_a_json_patch(a: Json, b: Json, patch: Json) -> None:
    assert diff(a, b) == patch
    assert equal(merge.apply("json-patch", a, patch), b)
