"""What would be stored and is meant otherwise is refused with the right form; all else is data."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gh_store_action.domain.log.entries import Entry, Kind, read
from gh_store_action.domain.log.fold import State, fold
from gh_store_action.domain.patches.operators import OPERATORS
from gh_store_action.domain.verdicts import APPLIED, Outcome
from tests.support.values import COUNTING, RULES, comment

AS_IT_IS = 'To store it as it is, post {"_data": …, "_meta": {}}'
OPERATORS_FORM = '"_meta": {"update_mode": "operators"}}?'
NO_OPERATOR = "there is no such operator; use $set $unset $inc $push $addToSet $pull $min $max; did you mean {"
ENVELOPE = 'did you mean {"_data": …, "_meta": {…}}?'
ALONE = "did you mean what is in `data` alone?"
PRINTED = {
    "object_id": "metrics", "label": "UID:metrics", "issue_number": 1, "created_at": "t", "updated_at": "t",
    "version": 3, "digest": "0" * 64, "pending": 0, "data": {"a": 1},
}  # fmt: skip


def entry(value: object) -> Entry:
    return read(comment(5, json.dumps(value)), RULES, COUNTING)


@pytest.mark.parametrize(
    ("value", "path", "meant"),
    [
        ({"$push": {"tags": "x"}}, "$.$push", 'did you mean {"_data": {"$push": …}, ' + OPERATORS_FORM),
        ({"$inc": {"n": 1}}, "$.$inc", 'did you mean {"_data": {"$inc": …}, ' + OPERATORS_FORM),
        ({"$INC": {"n": 1}}, "$.$INC", 'did you mean {"_data": {"$inc": …}, ' + OPERATORS_FORM),
        ({"$min": 5}, "$.$min", 'did you mean {"_data": {"$min": …}, ' + OPERATORS_FORM),
        ({"$rename": {"a": "b"}}, "$.$rename", OPERATORS_FORM),
        ({"$append": {"tags": "x"}}, "$.$append", NO_OPERATOR + '"_data": {"$…": …}, ' + OPERATORS_FORM),
        ({"$data": {"a": 1}, "$meta": {}}, "$.$data", NO_OPERATOR),
        ({"$inc ": {"n": 1}}, '$["$inc "]', 'did you mean {"_data": {"$inc": …}, ' + OPERATORS_FORM),
        ({"\u200b$inc": {"n": 1}}, '$["\u200b$inc"]', 'did you mean {"_data": {"$inc": …}, ' + OPERATORS_FORM),
        ({"a": {"b": {"$inc": 1}}}, "$.a.b.$inc", 'did you mean {"_data": {"$inc": {"a.b": …}}, ' + OPERATORS_FORM),
        ({"x": {"y": 1}, "a": {"c": 2, "b": {"$Each": []}}}, "$.a.b.$Each", '{"$…": {"a.b": …}}, ' + OPERATORS_FORM),
        ({"a": 1, "$set": {"b": 2}}, "$.$set", OPERATORS_FORM[:-1] + ", with the other keys in $set?"),
        ({"n": {"$inc": 1}}, "$.n.$inc", 'did you mean {"_data": {"$inc": {"n": …}}, ' + OPERATORS_FORM),
        ([{"op": "add", "path": "/a", "value": 1}], "$", '{"update_mode": "json-patch"}}?'),
        ({"op": "add", "path": "/a", "value": 1}, "$", '{"update_mode": "json-patch"}}?'),
        ({"op": "move", "path": "/a", "from": "/b"}, "$", '{"update_mode": "json-patch"}}?'),
        ({"data": {"a": 1}, "meta": {}}, "$", ENVELOPE),
        ({"Data": {"a": 1}, "Meta": {}}, "$", ENVELOPE),
        ({"data": {"a": 1}, "update_mode": "replace"}, "$", ENVELOPE),
        ({"data": {"a": 1}, "if_revision": 2, "meta": {}}, "$", ENVELOPE),
        ({"mode": "replace", "data": {"a": 1}}, "$", 'did you mean {"_data": …, "_meta": {"update_mode": "replace"}}?'),
        ({"object_id": "m", "Mode": "operators", "changes": {"a": 1}}, "$", '{"update_mode": "operators"}}?'),
        ({"changes": {"a": 1}, "if_revision": 3}, "$", ENVELOPE),
        ({"_Data": {"a": 1}, "_Meta": {}}, "$._Data", ENVELOPE),
        ({"_META": {}}, "$._META", ENVELOPE),
        (PRINTED, "$", ALONE),
        ({key: PRINTED[key] for key in ("object_id", "created_at", "updated_at", "version", "data")}, "$", ALONE),
        ({"timestamp": "t", "type": "update", "data": {"a": 1}, "comment_id": 5, "metadata": {}}, "$", ALONE),
    ],
)
def test_what_is_likely_meant_otherwise_is_refused_with_the_right_form_and_the_way_out(
    value: object, path: str, meant: str
) -> None:
    found = entry(value)
    assert (found.kind, found.problem.path) == (Kind.INVALID, path)
    assert meant in found.problem.message
    assert found.problem.message.endswith(AS_IT_IS)
    literal = entry({"_data": value, "_meta": {}})
    assert (literal.kind, literal.patch, literal.mode) == (Kind.UPDATE, value, "append")


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ({"_data": {"a": 1}, "_meta": {"mode": "replace"}}, "did you mean 'update_mode'?"),
        ({"_data": {"a": 1}, "_meta": {"Mode": "replace"}}, "did you mean 'update_mode'?"),
        ({"_data": {"a": 1}, "_meta": {"UPDATE_MODE": "replace"}}, "did you mean 'update_mode'?"),
        ({"_data": {"a": 1}, "_meta": {"_update_mode": "replace"}}, "did you mean 'update_mode'?"),
        ({"_data": {"a": 1}, "_meta": {"if_rev": 3}}, "did you mean 'if_revision'?"),
        ({"_data": {"a": 1}, "_meta": {"ifVersion": 3}}, "did you mean 'if_revision'?"),
        ({"_data": {"a": 1}, "_meta": {"idempotency_key": "k"}}, "did you mean 'update_id'?"),
        ({"data": {"a": 1}, "_meta": {}}, "needs _data, the change itself; did you mean it instead of 'data'?"),
        ({"_Data": {"a": 1}, "_meta": {}}, "did you mean it instead of '_Data'?"),
        (
            {"_data": {"a": 1}, "meta": {}},
            "needs _meta, an object (it may be empty); did you mean it instead of 'meta'?",
        ),
        ({"_data": {"a": 1}, "_META": {}}, "did you mean it instead of '_META'?"),
        ({"_data": {"a": 1}}, "needs _meta, an object (it may be empty)"),
        ({"_data": {"a": 1}, "_meta": {}, "update_mode": "replace"}, "'update_mode'; did you mean it inside _meta?"),
    ],
)
def test_an_envelope_that_is_nearly_one_is_refused_with_the_right_name(value: object, meant: str) -> None:
    assert entry(value).kind is Kind.INVALID
    assert entry(value).problem.message.endswith(meant)


@pytest.mark.parametrize(
    "value",
    [
        {"data": {"a": 1}}, {"meta": {}}, {"data": 1, "meta": 2, "links": []}, {"data": 1, "type": "articles"},
        {"metadata": {}, "data": {}}, {"a": {"data": 1, "meta": 2}}, {"mode": "replace"}, {"update_mode": "replace"},
        {"$schema": "https://x.example/s", "$id": "a", "$ref": "#", "$defs": {}}, {"$comment": "x"}, {"inc": {"n": 1}},
        {"price": {"$min": 1, "$max": 9}}, {"a": [{"$inc": 1}]}, {"a": {"$inc": 1, "b": 2}}, {"a": {}}, {},
        {"object_id": "x", "data": {}}, {"object_id": "x", "version": 1}, {**PRINTED, "more": 1},
        {"version": 1, "data": 2},
        {"timestamp": "t", "type": "update", "data": {}}, [], [{"op": "add"}], [{"op": "add", "path": "/"}, 1],
        {"_date": 1, "_metadata": {}}, {"data_": 1, "meta": 1}, {"mode": "dark", "data": 1},
        {"mode": ["replace"], "data": 1},
        {"object_id": "x", "changes": {}}, {"changes": [], "meta": {}}, {"mode": "replace", "changes": [], "more": 1},
        {"op": "add", "path": "/a", "by": "ada"}, {"op": "open", "path": "/a"}, {"op": ["add"], "path": "/a"},
        {"op": "add", "path": 1}, {"$oid": "5"}, {"at": {"$date": "t"}}, {"$vocabulary": {}}, {"a": {"b": {"$max": 1}}},
        {"$": {}}, {"$2": {"n": 1}}, {"US$": {"n": 1}},
    ],
)  # fmt: skip
def test_data_of_its_own_is_stored(value: object) -> None:
    assert (entry(value).kind, entry(value).patch) == (Kind.UPDATE, value)


KEYS = st.sampled_from(
    [*OPERATORS, "$INC", "$schema", "data", "meta", "Data", "_META", "object_id", "version", "a", *PRINTED]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)


@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_a_refused_one_is_stored_as_it_is_by_the_way_out_that_the_reason_names(value: dict[str, Any]) -> None:
    found = entry(value)
    assert (found.kind is Kind.INVALID) is found.problem.message.endswith(AS_IT_IS)
    literal = entry({"_data": value, "_meta": {}})
    assert (literal.kind, literal.patch) == (Kind.UPDATE, value)


def test_what_was_applied_before_it_was_refused_stays_applied() -> None:
    """A verdict is for ever: gh-store and earlier versions stored these."""
    found = entry({"data": 1, "meta": 2})
    again = fold(State({}, 1), [found], earlier={}, recorded={5: APPLIED}, refusal=lambda _: None)
    assert (again.state, again.verdicts[5]) == (State({"data": 1, "meta": 2}, 2), APPLIED)
    first = fold(State({}, 1), [found], earlier={}, recorded={}, refusal=lambda _: None)
    assert (first.state, first.verdicts[5].outcome) == (State({}, 1), Outcome.REJECTED)
