"""The update operators, each with MongoDB's meaning."""

from __future__ import annotations

import copy

import pytest

from gh_store_action.domain.patches.modes import Refused, apply
from gh_store_action.domain.strict_json import Json


@pytest.mark.parametrize(
    ("state", "patch", "result"),
    [
        ({"a": 1}, {"$set": {"a": 2, "b": {"c": 3}}}, {"a": 2, "b": {"c": 3}}),
        ({}, {"$set": {"a.b.0": 1}}, {"a": {"b": {"0": 1}}}),
        ({"a": [1, {"b": 2}]}, {"$set": {"a.1.b": 3}}, {"a": [1, {"b": 3}]}),
        ({"a": [1]}, {"$set": {"a.3": 4}}, {"a": [1, None, None, 4]}),
        ({"a": []}, {"$set": {"a.1.b": 4}}, {"a": [None, {"b": 4}]}),
        ([1, 2], {"$set": {"0": 9}}, [9, 2]),
        ({"a": 1}, {"$set": {}}, {"a": 1}),
        ({"a": {"b": 1, "c": 2}}, {"$unset": {"a.b": ""}}, {"a": {"c": 2}}),
        ({"a": [1, 2]}, {"$unset": {"a.0": True}}, {"a": [None, 2]}),
        ({"a": [1]}, {"$unset": {"a.5": 1, "a.x": 1, "b.c": 1, "a.0.b": 1}}, {"a": [1]}),
        ({"n": 1}, {"$inc": {"n": 2, "m.k": -1}}, {"n": 3, "m": {"k": -1}}),
        ({"n": 1}, {"$inc": {"n": 0.5}}, {"n": 1.5}),
        ({"n": 2**60}, {"$inc": {"n": 1}}, {"n": 2**60 + 1}),
        ({"n": 5, "s": "b"}, {"$min": {"n": 3.5, "s": "c", "new": 1}}, {"n": 3.5, "s": "b", "new": 1}),
        ({"n": 5, "s": "b"}, {"$max": {"n": 3.5, "s": "c", "new": "x"}}, {"n": 5, "s": "c", "new": "x"}),
        ({"a": [1]}, {"$push": {"a": 2, "b": {"c": 1}}}, {"a": [1, 2], "b": [{"c": 1}]}),
        ({"a": [1]}, {"$push": {"a": [2, 3]}}, {"a": [1, [2, 3]]}),
        ({"a": [1]}, {"$push": {"a": {"$each": [2, 3]}}}, {"a": [1, 2, 3]}),
        ({"a": [1, 2]}, {"$push": {"a": {"$each": [9], "$position": 0}}}, {"a": [9, 1, 2]}),
        ({"a": [1, 2]}, {"$push": {"a": {"$each": [9], "$position": -1}}}, {"a": [1, 9, 2]}),
        ({"a": [1, 2]}, {"$push": {"a": {"$each": [3, 4], "$slice": -3}}}, {"a": [2, 3, 4]}),
        ({"a": [1, 2]}, {"$push": {"a": {"$each": [3], "$slice": 1}}}, {"a": [1]}),
        ({"a": [1, 2]}, {"$push": {"a": {"$each": [], "$slice": 0}}}, {"a": []}),
        ({"a": [1]}, {"$addToSet": {"a": 1.0, "b": 1}}, {"a": [1], "b": [1]}),
        ({"a": [1]}, {"$addToSet": {"a": True}}, {"a": [1, True]}),
        ({"a": [{"x": 1, "y": 2}]}, {"$addToSet": {"a": {"y": 2, "x": 1}}}, {"a": [{"x": 1, "y": 2}]}),
        ({"a": [1]}, {"$addToSet": {"a": {"$each": [1, 2, 2]}}}, {"a": [1, 2]}),
        ({"a": [1, 2, 1.0, True]}, {"$pull": {"a": 1, "b": 1}}, {"a": [2, True]}),
        ({"a": [[1], 1]}, {"$pull": {"a": [1]}}, {"a": [1]}),
        ({"a": [1, 2, 3, "x"]}, {"$pull": {"a": {"$gte": 2}}}, {"a": [1, "x"]}),
        ({"a": [1, 2, 3]}, {"$pull": {"a": {"$gt": 1, "$lt": 3}}}, {"a": [1, 3]}),
        ({"a": ["a", "b"]}, {"$pull": {"a": {"$lte": "a"}}}, {"a": ["b"]}),
        ({"a": [1, 2, 3]}, {"$pull": {"a": {"$in": [1, 3.0]}}}, {"a": [2]}),
        ({"a": [1, 2, 3]}, {"$pull": {"a": {"$nin": [1]}}}, {"a": [1]}),
        ({"a": [1, {"b": 1}]}, {"$pull": {"a": {"$eq": {"b": 1}}}}, {"a": [1]}),
        ({"a": [1, 2]}, {"$pull": {"a": {"$ne": 1}}}, {"a": [1]}),
        (
            {"a": [{"k": 1, "v": 5}, {"k": 2, "v": 5}, {"v": 1}, 7]},
            {"$pull": {"a": {"k": {"$lt": 2}, "v": 5}}},
            {"a": [{"k": 2, "v": 5}, {"v": 1}, 7]},
        ),
        ({"a": [{"b": {"c": 1, "d": 2}}]}, {"$pull": {"a": {"b": {"c": 1}}}}, {"a": []}),
        ({"a": 1, "b": [1]}, {"$inc": {"a": 1}, "$push": {"b": 2}, "$set": {"c": 3}}, {"a": 2, "b": [1, 2], "c": 3}),
        ({"a": {"b": 1}}, {"$inc": {"a.b": 1, "a.c": 1}}, {"a": {"b": 2, "c": 1}}),
    ],
)  # fmt: skip
def test_operators__change_what_their_path_names(state: Json, patch: Json, result: Json) -> None:
    before = copy.deepcopy((state, patch))
    assert apply("operators", state, patch) == result
    assert (state, patch) == before


@pytest.mark.parametrize(
    ("state", "patch", "reason"),
    [
        ({}, {}, "$: an update with operators is an object whose keys are among $set $unset"),
        ({}, [1], "$: an update with operators is an object"),
        ({}, {"$rename": {"a": "b"}}, "$.$rename: there is no such operator; use $set $unset $inc"),
        ({}, {"a": 1}, "$.a: there is no such operator"),
        ({}, {"$set": 5}, "takes an object of paths, not 5"),
        (5, {"$set": {"a": 1}}, "$: operators change objects and arrays, and the data is 5"),
        ({}, {"$set": {"": 1}}, "the path has an empty part"),
        ({}, {"$set": {"a..b": 1}}, "the path has an empty part"),
        ({}, {"$set": {"a.$.b": 1}}, "positional operators are not supported"),
        ({}, {"$set": {".".join("a" * 101): 1}}, "the path has more than 100 parts"),
        ({}, {"$set": {"a": 1, "a.b": 2}}, '$.a.b: conflicts with "a"'),
        ({}, {"$set": {"a": 1}, "$inc": {"a": 2}}, '$.a: conflicts with "a"'),
        ({}, {"$set": {"a": {}, "a-b": 1, "a.c": 1}}, '$.a.c: conflicts with "a"'),
        ({"a": 1}, {"$set": {"a.b": 1}}, "$.a.b: `$set` cannot go on below $.a, which is 1"),
        ({"a": [1]}, {"$set": {"a.b": 1}}, 'needs an array index of at most nine digits in place of "b"'),
        ({"a": [1]}, {"$set": {"a.01": 1}}, "needs an array index"),
        ({"a": [1]}, {"$set": {"a.b.c": 1}}, "needs an array index"),
        ({"a": [1]}, {"$set": {"a.9999999999": 1}}, "needs an array index of at most nine digits"),
        ({"a": [1]}, {"$set": {"a.1002": 1}}, "would fill more than 1,000 places of arrays with `null`"),
        ({"a": [], "b": []}, {"$set": {"a.600": 1, "b.600": 1}}, "$.b"),
        ({"n": "x"}, {"$inc": {"n": 1}}, '$.n: `$inc` needs a number there, and found "x"'),
        ({"n": True}, {"$inc": {"n": 1}}, "needs a number there, and found true"),
        ({"n": 1}, {"$inc": {"n": True}}, "takes a number, not true"),
        ({"n": 1e308}, {"$inc": {"n": 1e308}}, "gives a number that is too large"),
        ({"n": 10**999}, {"$inc": {"n": 0.5}}, "gives a number that is too large"),
        ({"n": 10**999}, {"$inc": {"n": 9 * 10**999}}, "the integer has more than 1,000 digits"),
        ({"n": 1}, {"$min": {"n": "x"}}, 'compares numbers with numbers and strings with strings, not "x" with 1'),
        ({"n": [1]}, {"$max": {"n": 1}}, "not 1 with an array"),
        ({"a": 1}, {"$push": {"a": 1}}, "$.a: `$push` needs an array there, and found 1"),
        ({"a": 1}, {"$addToSet": {"a": 1}}, "`$addToSet` needs an array there"),
        ({"a": 1}, {"$pull": {"a": 1}}, "`$pull` needs an array there"),
        ({}, {"$push": {"a": {"$each": 1}}}, "takes an array as `$each`"),
        ({}, {"$push": {"a": {"$slice": 1}}}, "takes an array as `$each`"),
        ({}, {"$push": {"a": {"$each": [], "$sort": 1}}}, 'not know "$sort"; beside the items it takes $each, '),
        ({}, {"$push": {"a": {"$each": [], "$slice": "1"}}}, 'takes a whole number as `$slice`, not "1"'),
        ({}, {"$push": {"a": {"$each": [], "$position": True}}}, "takes a whole number as `$position`, not true"),
        ({}, {"$addToSet": {"a": {"$each": [], "$slice": 1}}}, 'does not know "$slice"'),
        ({"a": []}, {"$pull": {"a": {"$in": 1}}}, "takes an array as `$in`, not 1"),
        ({"a": []}, {"$pull": {"a": {"$regex": "x"}}}, 'does not know the condition "$regex"; use $eq $ne'),
    ],
)  # fmt: skip
def test_operators__refuse_with_the_path_and_the_reason(state: Json, patch: Json, reason: str) -> None:
    before = copy.deepcopy((state, patch))
    with pytest.raises(Refused) as caught:
        apply("operators", state, patch)
    assert reason in str(caught.value)
    assert (state, patch) == before


def test_operators__report_every_fault_of_form_at_once() -> None:
    with pytest.raises(Refused) as caught:
        apply("operators", {}, {"$a": 1, "$set": {"": 1, "x": 1, "x.y": 2}})
    assert [reason.path for reason in caught.value.reasons] == ["$.$a", '$.$set[""]', "$.x.y"]
