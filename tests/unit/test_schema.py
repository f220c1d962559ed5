"""Schemas: which are accepted, what they say of data, and that no schema or data makes them run for long."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gh_store_action.domain.refusal import Reason
from gh_store_action.domain.schema import compiling as s
from gh_store_action.domain.schema import evaluation
from gh_store_action.domain.strict_json import Json

BUDGET = float(os.environ.get("PROVE_BUDGET", "300"))
DRAFT = "https://json-schema.org/draft/2020-12/schema"


def compiled(schema: Any) -> s.Schema:
    return s.compile_schema(json.dumps(schema), name="test.json")


def said(schema: Any, data: Json) -> list[str]:
    return [str(reason) for reason in s.violations(compiled(schema), data)]


def refusal(schema: Any) -> str:
    with pytest.raises(s.SchemaError) as caught:
        compiled(schema)
    return str(caught.value)


# --- what a schema says --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "data", "sentence"),
    [
        (False, 1, "$: is not allowed here"),
        ({"type": "string"}, 5, "$: must be a string, not 5"),
        ({"type": ["integer", "null", "array"]}, "x", '$: must be an integer or null or an array, not "x"'),
        ({"type": "integer"}, 1.5, "$: must be an integer, not 1.5"),
        ({"type": "number"}, True, "$: must be a number, not true"),
        ({"type": "object"}, [], "$: must be an object, not an array"),
        ({"type": "boolean"}, None, "$: must be a boolean, not null"),
        ({"enum": ["a", 1, None]}, "b", '$: must be one of "a", 1, null, not "b"'),
        ({"enum": [1, 2, 3, 4, 5, 6]}, 0, "$: must be one of 1, 2, 3, 4, 5, …, not 0"),
        ({"enum": [1]}, True, "$: must be one of 1, not true"),
        ({"const": "a"}, "b", '$: must be "a", not "b"'),
        ({"const": {"a": 1}}, {"a": 2}, "$: must be exactly as the schema gives it, not an object"),
        ({"minimum": 3}, 2, "$: must be at least 3, not 2"),
        ({"maximum": 3}, 3.5, "$: may be at most 3, not 3.5"),
        ({"exclusiveMinimum": 3}, 3, "$: must be more than 3, not 3"),
        ({"exclusiveMaximum": 3}, 3, "$: must be less than 3, not 3"),
        ({"multipleOf": 2}, 3, "$: must be a multiple of 2, not 3"),
        ({"multipleOf": 0.1}, 0.35, "$: must be a multiple of 0.1, not 0.35"),
        ({"minLength": 3}, "é", "$: needs 3 or more characters, has 1"),
        ({"maxLength": 1}, "ab", "$: may have 1 characters, has 2"),
        ({"pattern": "^\\d+$"}, "x", '$: has to match the regular expression "^\\\\d+$"; it is "x"'),
        ({"pattern": "^\\u00e9$"}, "e", '$: has to match the regular expression "^\\\\u00e9$"; it is "e"'),
        ({"minItems": 1}, [], "$: needs 1 or more items, has 0"),
        ({"maxItems": 1}, [1, 2], "$: may have 1 items, has 2"),
        ({"uniqueItems": True}, [{"a": 1}, 2, {"a": 1.0}], "has the same item at [0] and [2], and all have to differ"),
        ({"prefixItems": [{"type": "string"}]}, [1, 1], "$[0]: must be a string, not 1"),
        ({"prefixItems": [True], "items": False}, [1, 1], "$[1]: is not allowed here"),
        ({"items": {"type": "string"}}, ["a", 1], "$[1]: must be a string, not 1"),
        ({"contains": {"type": "string"}}, [1], "$: has 0 items of the kind of which it needs at least 1"),
        ({"contains": True, "maxContains": 1}, [1, 2], "$: has 2 items of the kind of which it may have at most 1"),
        ({"minProperties": 1}, {}, "$: needs 1 or more keys, has 0"),
        ({"maxProperties": 1}, {"a": 1, "b": 1}, "$: may have 1 keys, has 2"),
        ({"required": ["a", "b"]}, {"a": 1}, '$: lacks the key "b"'),
        ({"dependentRequired": {"a": ["b"], "c": ["d"]}}, {"a": 1}, '$: lacks the key "b", which "a" needs beside it'),
        ({"dependentSchemas": {"a": False, "b": False}}, {"a": 1}, "$: is not allowed here"),
        ({"propertyNames": {"maxLength": 1}}, {"ab": 1}, '$: the key "ab" may have 1 characters, has 2'),
        ({"properties": {"a": {"type": "null"}}}, {"b": 1, "a": 1}, "$.a: must be null, not 1"),
        ({"patternProperties": {"^x": {"type": "null"}}}, {"x y": 1, "y": 1}, '$["x y"]: must be null, not 1'),
        (
            {"properties": {"a": True}, "patternProperties": {"^x": True}, "additionalProperties": False},
            {"a": 1, "x1": 1, "b": 1},
            "$.b: is not allowed here",
        ),
        ({"allOf": [True, {"type": "null"}]}, 1, "$: must be null, not 1"),
        (
            {"anyOf": [{"type": "null"}, {"properties": {"a": {"type": "null"}}}]},
            {"a": 1},
            "$: fits none of the 2 alternatives; the nearest one says: $.a: must be null, not 1",
        ),
        ({"oneOf": [True, True, False]}, 1, "$: fits 2 of the 3 alternatives (`oneOf`), and only one is allowed"),
        ({"oneOf": [{"type": "null"}]}, 1, "the nearest one says: $: must be null, not 1"),
        ({"not": {"type": "string"}}, "x", '$: is of a kind that the schema forbids (`not`): "x"'),
        ({"if": {"minimum": 5}, "then": {"maximum": 9}, "else": False}, 10, "$: may be at most 9, not 10"),
        ({"if": {"minimum": 5}, "else": False}, 1, "$: is not allowed here"),
        ({"prefixItems": [True], "unevaluatedItems": False}, [1, 2], "$[1]: is not allowed here"),
        (
            {"allOf": [{"properties": {"a": True}}], "patternProperties": {"^x": True}, "unevaluatedProperties": False},
            {"a": 1, "x": 1, "b": 1},
            "$.b: is not allowed here",
        ),
        ({"$ref": "#/$defs/t", "$defs": {"t": {"type": "null"}}}, 1, "$: must be null, not 1"),
        ({"$ref": "#t", "$defs": {"a": {"$anchor": "t", "type": "null"}}}, 1, "$: must be null, not 1"),
        ({"$ref": "#/x~1y/0/z%20", "x/y": [{"z ": {"type": "null"}}]}, 1, "$: must be null, not 1"),
        ({"$ref": "#/no", "no": False}, 1, "$: is not allowed here"),
        ({"$id": "https://x.example/a/", "$ref": "b", "$defs": {"b": {"$id": "b", "not": {}}}}, 1, "(`not`): 1"),
    ],
)  # fmt: skip
def test_violations__say_what_and_where(schema: Any, data: Json, sentence: str) -> None:
    (only,) = said(schema, data)
    assert only == sentence or only.endswith(sentence)


@pytest.mark.parametrize(
    ("schema", "data"),
    [
        (True, 1),
        ({}, None),
        ({"type": "integer"}, 1.0),
        ({"type": "number"}, 1),
        ({"type": "string", "minimum": 5}, "x"),
        ({"minimum": 5}, True),
        ({"multipleOf": 0.1}, 0.3),
        ({"multipleOf": 0.5}, 10**400),
        ({"multipleOf": 1e-300}, 1e308),
        ({"enum": [{"a": 1}]}, {"a": 1.0}),
        ({"uniqueItems": True}, [1, True, [1], [True], "1"]),
        ({"uniqueItems": False}, [1, 1]),
        ({"contains": {"type": "string"}, "minContains": 0}, []),
        ({"contains": {"const": 1}, "unevaluatedItems": False}, [1, 1]),
        ({"items": True, "unevaluatedItems": False}, [1]),
        ({"if": {"type": "string"}, "then": {"minLength": 1}}, 5),
        ({"if": {"properties": {"a": True}}, "unevaluatedProperties": False}, {"a": 1}),
        ({"anyOf": [{"properties": {"a": True}}, False], "unevaluatedProperties": False}, {"a": 1}),
        ({"format": "email", "contentEncoding": "base64", "unknown": 1}, "not an address"),
        ({"$schema": DRAFT + "#", "pattern": "\\p{L}\\/$"}, "é/"),
        ({"pattern": "a$"}, "b\na"),
        ({"required": ["a"], "properties": {"$ref": {"type": "string"}}}, {"a": 1, "$ref": "x"}),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1, "b": 1}),
    ],
)
def test_violations__are_none_for_data_that_fits(schema: Any, data: Json) -> None:
    assert said(schema, data) == []


def test_violations__follow_a_dynamic_reference_to_the_outermost_schema() -> None:
    tree = {
        "$id": "tree",
        "$dynamicAnchor": "node",
        "properties": {"kids": {"items": {"$dynamicRef": "#node"}}},
    }
    strict = {"$id": "strict", "$dynamicAnchor": "node", "$ref": "tree", "unevaluatedProperties": False}
    files = {"tree.json": json.dumps(tree), "strict.json": json.dumps(strict)}
    schemas = s.compile_schemas(files)
    data: Json = {"kids": [{"kidz": []}]}
    assert s.violations(schemas["tree.json"], data) == ()
    assert s.violations(schemas["strict.json"], data) == (Reason("$.kids[0].kidz", "is not allowed here"),)


def test_violations__of_a_dynamic_reference_without_dynamic_anchor_stay_where_they_are() -> None:
    schema = {"$dynamicRef": "#t", "$defs": {"t": {"$anchor": "t", "type": "null"}}}
    assert said(schema, 1) == ["$: must be null, not 1"]


def test_violations__are_sorted_and_at_most_twenty() -> None:
    reasons = s.violations(compiled({"items": {"type": "string"}}), [1] * 5_000)
    assert [reason.path for reason in reasons[:12]] == [f"$[{index}]" for index in range(12)]
    assert len(reasons) == 21
    assert reasons[-1] == Reason("$", "and 4,980 more")


def test_violations__show_little_of_the_data() -> None:
    reasons = s.violations(compiled({"type": "null", "maxLength": 1, "pattern": "^a", "const": 1}), "@" + "x" * 50_000)
    assert len(reasons) == 4
    assert all(len(str(reason)) < 250 and "@" not in str(reason) for reason in reasons)
    deep: Any = {"type": "null"}
    for _ in range(15):
        deep = {"anyOf": [{"properties": {"k" * 70: deep}}]}
    data: Any = 1
    for _ in range(15):
        data = {"k" * 70: data}
    assert all(len(str(reason)) < 600 for reason in s.violations(compiled(deep), data))


# --- bounded work --------------------------------------------------------------------------------------------------


def many(schema: Any) -> dict[str, Any]:
    """A schema that looks 2,000 times at each item."""
    return {"items": {"allOf": [{"not": {"not": schema}} for _ in range(2_000)]}}


@pytest.mark.parametrize(
    ("schema", "data"),
    [
        ({"allOf": [{"$ref": "#/$defs/x"}] * 1_000, "$defs": {"x": {"items": False}}}, [1] * 29_999),
        *(
            pytest.param(schema, data, marks=pytest.mark.slow)
            for schema, data in [
                (many({"uniqueItems": True, "enum": [1, [2]]}), [[index] for index in range(200)]),
                (many({"pattern": "(x+x+)+y"}), ["x" * 600] * 100),
                ({"allOf": [{"$ref": "#/$defs/x"}] * 4_000, "$defs": {"x": {"items": True}}}, [1] * 29_999),
            ]
        ),
    ],
)
def test_violations__end_after_a_number_of_steps(schema: Any, data: Json) -> None:
    """Also where little is looked at, and much of what is known already is taken over again and again."""
    assert said(schema, data) == [
        "$: the schema `test.json` needs more than 1,000,000 steps for this data; it has to become simpler"
    ]


@pytest.mark.parametrize("last", [{"uniqueItems": True}, {"pattern": "(x+x+)+y"}, {"items": {"type": "integer"}}])
@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "oneOf"])
def test_violations__look_once_at_what_many_ways_lead_to(keyword: str, last: Any) -> None:
    """Two to the power of thirty ways."""
    defs = {f"d{i}": {keyword: [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(30)}
    schema = compiled({"$ref": "#/$defs/d0", "$defs": {**defs, "d30": last}})
    fits: list[Json] = [[1, 2], "xxy", 5]
    assert sum(not s.violations(schema, data) for data in fits) == (0 if keyword == "oneOf" else 3)
    assert s.violations(schema, [1, "x", "x"]) or keyword != "allOf" or "pattern" in last


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"anyOf": [{"not": {"$ref": "#"}}]}]},
        {"$dynamicRef": "#a", "$dynamicAnchor": "a"},
        {"$id": "a", "$ref": "b", "$defs": {"b": {"$id": "b", "$ref": "a"}}},
    ],
)
def test_violations__end_for_a_schema_that_refers_to_itself(schema: Any) -> None:
    (only,) = said(schema, {})
    assert only == "$: the schema `test.json` refers to itself without end"


def kind(name: str, below: Any) -> dict[str, Any]:
    return {"properties": {"kind": {"const": name}, "next": below}, "required": ["kind"]}


SAME = {"$ref": "#"}
A, B = kind("a", SAME), kind("b", SAME)


@pytest.mark.parametrize(
    "schema",
    [
        {"oneOf": [A, B]},
        {"anyOf": [A, B]},
        {"anyOf": [{"allOf": [{"anyOf": [{"allOf": [A]}, {"allOf": [B]}]}]}] * 3},
        {"if": A, "then": A, "else": B},
        {"not": {"allOf": [{"not": A}, {"not": B}]}},
        {"oneOf": [{**A, "unevaluatedProperties": False}, {**B, "unevaluatedProperties": False}]},
        {"oneOf": [kind("a", {"$dynamicRef": "#n"}), kind("b", {"$dynamicRef": "#n"})], "$dynamicAnchor": "n"},
        {"dependentSchemas": {"kind": {"oneOf": [A, B]}, "next": {"oneOf": [A, B]}}, "required": ["kind"]},
        {"oneOf": [kind("a", {"anyOf": [SAME, SAME]}), kind("b", {"allOf": [SAME, SAME]})]},
    ],
)
@pytest.mark.parametrize("depth", [16, 82, 100])
def test_violations__follow_nested_alternatives_as_deep_as_data_may_be(schema: Any, depth: int) -> None:
    data: Any = {"kind": "a"}
    for level in range(depth - 1):
        data = {"kind": "ab"[level % 2], "next": data}
    assert said(schema, data) == []
    inmost = data
    while "next" in inmost:
        inmost = inmost["next"]
    inmost["kind"] = "c"
    found = said(schema, data)
    assert found
    assert not any("steps" in reason for reason in found)


def test_violations__reach_data_as_deep_as_any_may_be() -> None:
    data: Any = 1
    for _ in range(100):
        data = [data]
    tree = {"type": ["array", "integer"], "items": {"$ref": "#"}}
    assert said(tree, data) == []
    assert len(said({**tree, "type": "array"}, data)) == 1


def test_violations__of_the_largest_object_need_few_of_the_steps() -> None:
    number = {"allOf": [{"type": "integer"}, {"minimum": 0, "maximum": 9}]}
    assert said({"items": number, "type": "array"}, [1] * 29_999) == []


# --- which schemas are accepted ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (5, "test.json: a schema is an object (or true or false), and this is 5"),
        ({"type": "strin"}, "test.json: $.type: is no valid JSON Schema 2020-12: 'strin' is not"),
        ({"properties": {"a": {"minimum": "x"}}}, "test.json: $.properties.a.minimum: is no valid JSON Schema"),
        ({"required": ["a"] * 500}, "$.required: is no valid JSON Schema 2020-12: it has the same item twice"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, f"#`; only {DRAFT} is known"),
        ({"items": {"$schema": "http://json-schema.org/draft-04/schema#"}}, "test.json: $.items: `$schema` names"),
        ({"$ref": "https://example.com/s.json"}, "`https://example.com/s.json`, which is none of the schema files"),
        ({"$ref": "file:///etc/passwd"}, "nothing is fetched"),
        ({"$ref": DRAFT}, "nothing is fetched"),
        ({"$dynamicRef": "other.json#a"}, "$.$dynamicRef: refers to `other.json#a`"),
        ({"$id": "https://example.com/", "$ref": "https://example.com/x" + "y" * 200}, "y…`, which is none"),
        ({"$ref": "#/$defs/none"}, "$.$ref: refers to `#/$defs/none`, and there is no schema"),
        ({"$ref": "#/required/0", "required": ["a"]}, "and there is no schema"),
        ({"$ref": "#/allOf/7", "allOf": [{}]}, "and there is no schema"),
        ({"$ref": "#/allOf/x/y", "allOf": [{}]}, "and there is no schema"),
        ({"$ref": "#/x", "x": {"type": "strin"}}, "test.json: $.x.type: is no valid JSON Schema"),
        ({"$ref": "#none"}, "$.$ref: refers to `#none`, and there is no such anchor"),
        ({"$ref": "http://["}, "`http://[` is no URI reference"),
        ({"$id": "http://["}, "`http://[` is no URI reference"),
        ({"$defs": {"a": {"$id": "x"}, "b": {"$id": "x"}}}, "another schema has the `$id` `x` too"),
        ({"$defs": {"a": {"$anchor": "x"}, "b": {"$anchor": "x"}}}, "another schema of this file has the anchor `x`"),
        ({"pattern": "(?=x)"}, "$.pattern: the regular expression `(?=x)` cannot be used: invalid perl operator"),
        ({"pattern": "(a)\\1"}, "(RE2 syntax: no look-around, no back-references)"),
        ({"patternProperties": {"(": True}}, "$.patternProperties: the regular expression `(` cannot be used"),
        ({"pattern": "((a{100}){100}){100}"}, "cannot be used"),
    ],
)  # fmt: skip
def test_compile_schema__refuses_with_the_place_and_the_reason(schema: Any, reason: str) -> None:
    text = refusal(schema)
    assert reason in text
    assert len(text) < 400


def test_compile_schema__names_the_line_of_a_syntax_error() -> None:
    with pytest.raises(s.SchemaError) as caught:
        s.compile_schema('{\n"type": "string"\n"minLength": 1}', name="metrics.json")
    assert (caught.value.name, caught.value.line) == ("metrics.json", 3)
    assert str(caught.value) == "metrics.json: line 3, column 1: a comma or a closing bracket is missing here"


def test_compile_schema__refuses_what_is_too_large() -> None:
    with pytest.raises(s.SchemaError, match="the file has 200,002 characters, and at most 200,000 are read"):
        s.compile_schema('"' + "x" * 200_000 + '"', name="test.json")


def test_compile_schema__nests_to_a_limit() -> None:
    schema: Any = {}
    for _ in range(79):
        schema = {"not": schema}
    assert len(said(schema, 1)) == 1
    assert "$.allOf[0].not.not…: the schema nests deeper than 80" in refusal({"allOf": [schema]})


def test_schema__has_a_short_repr() -> None:
    assert repr(compiled({"type": "object", "properties": {"a": {}}})) == "Schema(name='test.json')"


# --- folders of schemas --------------------------------------------------------------------------------------------

COMMON = {"$defs": {"name": {"type": "string"}, "pair": {"items": {"$ref": "#/$defs/name"}, "maxItems": 2}}}


@pytest.mark.parametrize(
    "files",
    [
        {"a.json": {"$ref": "common.json#/$defs/pair"}, "common.json": COMMON},
        {"a.json": {"$ref": "./common.json#/$defs/pair"}, "common.json": COMMON},
        {"a.json": {"$ref": "our%20own.json#/$defs/pair"}, "our own.json": COMMON},
        {"a.json": {"$id": "https://example.com/a", "$ref": "common.json#/$defs/pair"}, "common.json": COMMON},
        {"a.json": {"$ref": "common.json#/$defs/pair"}, "common.json": {"$id": "https://example.com/c", **COMMON}},
        {
            "a.json": {"$ref": "https://example.com/c#/$defs/pair"},
            "c.json": {"$id": "https://example.com/c#", **COMMON},
        },
        {"a.json": {"$ref": "b.json"}, "b.json": {"$ref": "common.json#/$defs/pair"}, "common.json": COMMON},
    ],
)
def test_compile_schemas__lets_files_refer_to_each_other(files: dict[str, Any]) -> None:
    schemas = s.compile_schemas({name: json.dumps(schema) for name, schema in files.items()})
    assert list(schemas) == list(files)
    assert s.violations(schemas["a.json"], ["x", "y"]) == ()
    assert s.violations(schemas["a.json"], ["x", 5]) == (Reason("$[1]", "must be a string, not 5"),)


def test_compile_schemas__names_the_file_at_fault() -> None:
    with pytest.raises(s.SchemaError) as caught:
        s.compile_schemas({"a.json": "{}", "b.json": '{"type": 5}'})
    assert caught.value.name == "b.json"


def test_match_schema__takes_the_first_pattern_that_fits() -> None:
    one, two = compiled({}), compiled({})
    rules = [("Metrics*", one), ("[a-c]?", two), ("x.[!0-9]", one)]
    assert s.match_schema(rules, "metrics-cpu") is one
    assert s.match_schema(rules, "B7") is two
    assert s.match_schema(rules, "x.a") is one
    assert s.match_schema(rules, "x.7") is None
    assert s.match_schema(rules, "xya") is None
    assert s.match_schema([], "x") is None


# --- the same answer as the jsonschema library ---------------------------------------------------------------------

DATA: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from([0.0, 1.0, 1.5, "", "a", "ab", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
NUMBERS = st.sampled_from([0, 1, 2, 1.5])
COUNTS = st.integers(0, 2)
PATTERNS = st.sampled_from(["a", "^b", "c$", "^[ab]+$"])
NAMES = st.lists(st.sampled_from("abc"), max_size=2, unique=True)


def keywords(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some, members = st.lists(inner, min_size=1, max_size=2), st.dictionaries(st.sampled_from("abc"), inner, max_size=2)
    types = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
    values: dict[str, st.SearchStrategy[Any]] = {
        **dict.fromkeys(["allOf", "anyOf", "oneOf", "prefixItems"], some),
        **dict.fromkeys(["properties", "dependentSchemas"], members),
        **dict.fromkeys(["not", "if", "then", "else", "items", "contains", "propertyNames"], inner),
        **dict.fromkeys(["additionalProperties", "unevaluatedItems", "unevaluatedProperties"], inner),
        **dict.fromkeys(["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"], COUNTS),
        **dict.fromkeys(["minContains", "maxContains"], COUNTS),
        **dict.fromkeys(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"], NUMBERS),
        "multipleOf": st.sampled_from([1, 2, 0.5]),
        "type": types | st.lists(types, min_size=1, max_size=2, unique=True),
        "enum": st.lists(DATA, max_size=2),
        "const": DATA,
        "pattern": PATTERNS,
        "patternProperties": st.dictionaries(PATTERNS, inner, max_size=2),
        "uniqueItems": st.booleans(),
        "required": NAMES,
        "dependentRequired": st.dictionaries(st.sampled_from("abc"), NAMES, max_size=2),
    }
    one = st.sampled_from(sorted(values)).flatmap(lambda name: st.tuples(st.just(name), values[name]))
    return st.lists(one, min_size=1, max_size=4).map(dict)


SCHEMAS: st.SearchStrategy[Any] = st.recursive(st.booleans() | st.just({}), keywords, max_leaves=6)


RECURSIVE: st.SearchStrategy[Any] = st.dictionaries(
    st.sampled_from(["oneOf", "anyOf", "allOf"]),
    st.lists(
        st.fixed_dictionaries(
            {"properties": st.dictionaries(st.sampled_from("abc"), SCHEMAS | st.just({"$ref": "#"}), max_size=3)},
            optional={
                "items": SCHEMAS | st.just({"$ref": "#"}),
                "additionalProperties": SCHEMAS | st.just({"$ref": "#"}),
                "unevaluatedProperties": st.booleans(),
                "if": SCHEMAS,
                "required": NAMES,
            },
        ),
        min_size=1,
        max_size=3,
    ),
    min_size=1,
)


@pytest.mark.parametrize(
    "examples",
    [pytest.param(200, id="quick"), pytest.param(int(BUDGET * 60), id="proof", marks=pytest.mark.prove)],
)
def test_violations__agree_with_the_jsonschema_library(examples: int) -> None:
    @settings(max_examples=examples, derandomize=examples == 200 or bool(os.environ.get("PROVE_REPEATABLE")))
    @given(SCHEMAS | RECURSIVE, DATA)
    def agree(schema: Any, data: Json) -> None:
        expected = Draft202012Validator(schema).is_valid(data)
        found = s.violations(compiled(schema), data)
        assert (found == ()) is expected, found

    agree()


KEYS = [f"key{number:05}" for number in range(15_000)]


def calls(work: Callable[[], object]) -> int:
    """How many functions of Python the work calls: the same on every machine."""
    counted = 0

    def count(_: object, event: str, __: object) -> None:
        nonlocal counted
        counted += event == "call"

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted


@pytest.mark.parametrize(
    ("schema", "data"),
    [
        ({"items": {"required": KEYS}}, [{}] * 15_000),
        ({"items": {"dependentRequired": {"a": KEYS}}}, [{"a": 1}] * 7_000),
        ({"items": {"anyOf": [{"required": KEYS[:10]}] * 900}}, [{}] * 15_000),
    ],
    ids=["required", "dependentRequired", "anyOf"],
)
def test_violations__cost_no_more_than_the_steps_that_are_counted(
    monkeypatch: pytest.MonkeyPatch, schema: Json, data: Json
) -> None:
    monkeypatch.setattr(evaluation, "STEP_LIMIT", 60_000)
    known = compiled(schema)
    assert calls(lambda: s.violations(known, data)) < 4 * evaluation.STEP_LIMIT


@pytest.mark.parametrize("keyword", ["required", "type"])
def test_compile_schema__compares_no_item_with_each_other(keyword: str) -> None:
    few, many = (
        calls(lambda size=size: refusal({keyword: [{"a": number} for number in range(size)]}))  # type: ignore[misc]
        for size in (100, 800)
    )
    assert many < 12 * few


def test_pattern__without_re2_is_an_error_that_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "re2", None)  # as where it is not installed
    assert s.violations(s.compile_schema('{"type": "object"}', name="a.json"), []) != ()
    with pytest.raises(s.SchemaError, match="needs the package google-re2, which is not installed"):
        s.compile_schema('{"pattern": "^a"}', name="a.json")
