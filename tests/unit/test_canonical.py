"""JSON in and out: what is refused and why, what is written, and one canonical form."""

from __future__ import annotations

import enum
import hashlib
import json
import math
import random
import struct
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from gh_store_action.domain import strict_json as c
from gh_store_action.domain.strict_json import Json

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT


def values_of(scalars: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=15
    )


VALUES = values_of(SCALARS)
SAFE = st.integers(-(2**53) + 1, 2**53 - 1)  # RFC 8785 has no others
IN_THE_RFC = values_of(st.none() | st.booleans() | SAFE | st.floats(allow_nan=False, allow_infinity=False) | TEXT)
JSON_LIKE = st.text(st.sampled_from('{}[]":,\\/ \n0123456789.eE+-truefalsn\ud83d\ude00\ufeff`~json@#é\u202e\x00'))


class Colour(str, enum.Enum):  # noqa: UP042  (not StrEnum: its `str()` has to differ from its value)
    RED = "red"


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def reason_of(text: str) -> str:
    with pytest.raises(c.InvalidJson) as caught:
        c.parse(text)
    return caught.value.reason


# --- parse ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"b": 1, "a": [true, null, 1.5, "x"]}', {"b": 1, "a": [True, None, 1.5, "x"]}),
        (" \r\n\t 42 ", 42),
        ('\ufeff{"a": 1}', {"a": 1}),
        ('"\\ud83d\\ude00"', "\U0001f600"),
        ("1" * 1000, int("1" * 1000)),
        ("-" + "1" * 1000, -int("1" * 1000)),
        ("1e308", 1e308),
        ("1e-999", 0.0),
        ('"' + "[" * 500 + '"', "[" * 500),
        ('"\\"' + "{" * 500 + '"', '"' + "{" * 500),
        ("[" + ",".join(["[]"] * 500) + "]", [[]] * 500),
    ],
)
def test_parse__reads_json(text: str, value: Json) -> None:
    assert c.equal(c.parse(text), value)


def test_parse__keeps_the_order_of_keys() -> None:
    assert list(c.parse('{"b": 1, "a": 2, "c": 3}')) == ["b", "a", "c"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the text is empty"),
        (" \n ", "the text is empty"),
        ("\ufeff", "the text is empty"),
        ("\ufeff\ufeff1", "BOM"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', 'the key "c" appears twice in one object'),
        ('{"\\ud800": 1, "\\ud800": 2}', 'the key "�" appears twice in one object'),
        ("NaN", "NaN is not JSON"),
        ("[Infinity]", "Infinity is not JSON"),
        ("-Infinity", "-Infinity is not JSON"),
        ("1e999", "the number 1e999 is too large"),
        ("-1" + "0" * 400 + ".0", "the number -1000000000000000000… is too large"),
        ("1" * 1001, "the integer 11111111111111111111… has more than 1,000 digits"),
        ("1" * 5000, "has more than 1,000 digits"),
        ('{"a": ["\\ud800"]}', "$.a[0]: half of a surrogate pair is no character"),
        ('{"\\udc00": 1}', "$: half of a surrogate pair is no character"),
        ('{"a":\n "\ud800"}', "line 2, column 3: half of a surrogate pair is no character"),
        (nested(101), "line 1, column 101: arrays and objects nest deeper than 100"),
        ("[]," * 200 + "{" * 101, "nest deeper than 100"),
        ('{"a":' * 100_000, "nest deeper than 100"),
        ("[" * 100, "line 1, column 101: a value is missing here"),
        ("{'a': 1}", "line 1, column 2: a key in double quotes is missing here"),
        ('{"a" 1}', "line 1, column 6: a colon is missing here"),
        ('[1\n2]', "line 2, column 1: a comma or a closing bracket is missing here"),
        ("{} {}", "line 1, column 4: there is more text after the end of the JSON value"),
        ('"abc', "line 1, column 1: a string starts here and has no end"),
        ('"a\nb"', "line 1, column 3: a line break or control character inside a string must be escaped"),
        ('"\\x"', "line 1, column 2: Invalid \\escape"),
        ("prose", "a value is missing here"),
    ],
)  # fmt: skip
def test_parse__refuses_with_a_reason(text: str, reason: str) -> None:
    assert reason in reason_of(text)


def test_parse__names_the_line_where_it_is_known() -> None:
    with pytest.raises(c.InvalidJson) as caught:
        c.parse('{\n"a": 1,\n}')
    assert caught.value.line in (2, 3)  # Python 3.13 points at the comma
    with pytest.raises(c.InvalidJson) as caught:
        c.parse("NaN")
    assert caught.value.line is None


def test_parse__nests_to_the_limit() -> None:
    assert json.dumps(c.parse(nested(100))) == nested(100)


@given(st.text() | JSON_LIKE | st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")))
def test_parse__raises_nothing_but_invalid_json(text: str) -> None:
    for read in (c.parse, c.read_body):
        try:
            value = read(text)
        except c.InvalidJson as error:
            assert error.reason
        else:
            assert c.equal(c.check(value), value)
    c.unwrapped(text)


@given(VALUES)
def test_parse__agrees_with_the_json_module(value: Json) -> None:
    assert c.equal(c.parse(json.dumps(value)), value)


# --- check ---------------------------------------------------------------------------------------------------------


def test_check__copies_into_plain_types() -> None:
    source = {"a": (1, [2.5, None, True]), Colour.RED: Colour.RED}
    copied = c.check(source)
    assert copied == {"a": [1, [2.5, None, True]], "red": "red"}
    assert isinstance(copied, dict)
    assert [type(key) for key in copied] == [str, str]
    assert type(copied["red"]) is str
    assert copied["a"] is not source["a"]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"a": [{1: 2}]}, "$.a[0]: a key is a Python int and must be a string"),
        ({"a": {1, 2}}, "$.a: a Python set is not JSON"),
        (b"x", "$: a Python bytes is not JSON"),
        ({"a": math.nan}, "$.a: nan is not JSON"),
        ([-math.inf], "$[0]: -inf is not JSON"),
        ({"two words": 10**1000}, '$["two words"]: the integer has more than 1,000 digits'),
        ({"a": "\udfff"}, "$.a: half of a surrogate pair"),
        ({"\udfff": 1}, "$: half of a surrogate pair"),
    ],
)
def test_check__refuses_with_the_path(value: object, reason: str) -> None:
    with pytest.raises(c.InvalidJson) as caught:
        c.check(value)
    assert caught.value.reason.startswith(reason)


def test_check__ends_on_data_that_holds_itself() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(c.InvalidJson, match="nest deeper than 100"):
        c.check(loop)


def test_check__ends_on_shared_parts_that_double() -> None:
    doubling: list[Any] = []
    for _ in range(60):
        doubling = [doubling, doubling]
    with pytest.raises(c.InvalidJson, match="more than 100,000 values"):
        c.check(doubling)


# --- canonical, digest, equal --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [1, 2]}, '{"a":[1,2],"b":1}'),
        ({"é": "ü@#", "z": "\n"}, '{"z":"\\n","é":"ü@#"}'),
        ([1.0, -0.0, 0.5, 1e20, 1e21, 1.5e300], "[1,0,0.5,100000000000000000000,1e+21,1.5e+300]"),
        ([1e-6, 1.5e-5, 1e-7, 5e-324, 1e-10], "[0.000001,0.000015,1e-7,5e-324,1e-10]"),
        ([2.0**60, 2**60, -(10**21)], "[1152921504606847000,1152921504606846976,-1000000000000000000000]"),
        ({"\ufb33": 1, "\U0001f600": 2}, '{"\U0001f600":2,"\ufb33":1}'),
        ([True, 1, None, ""], '[true,1,null,""]'),
    ],
)
def test_canonical__has_one_text_for_a_value(value: Json, text: str) -> None:
    assert c.canonical(value) == text


def test_digest__is_sha256_of_the_canonical_text() -> None:
    assert c.digest({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert c.digest({"a": 1, "b": "é"}) == c.digest({"b": "é", "a": 1.0})


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (1, 1.0, True),
        (True, 1, False),
        (False, 0, False),
        ([True], [1], False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": None}, {}, False),
        ({}, [], False),
        ([], {}, False),
        ([1], [1, 2], False),
        ([1, 2], [2, 1], False),
        ("1", 1, False),
        (None, False, False),
        (2**53 + 1, 2.0**53, False),
        (2**60, 2.0**60, False),
        (1152921504606847000, 2.0**60, True),
        (10**20, 1e20, True),
        (10**21, 1e21, False),
    ],
)
def test_equal__is_json_equality(a: Json, b: Json, same: bool) -> None:
    assert c.equal(a, b) is c.equal(b, a) is same
    assert (c.canonical(a) == c.canonical(b)) is same


@pytest.mark.parametrize("values", [200, pytest.param(10_000, marks=pytest.mark.prove)])
def test_canonical__is_that_of_rfc_8785(values: int) -> None:
    @settings(max_examples=values, deadline=None)
    @given(IN_THE_RFC)
    def check(value: Json) -> None:
        text = rfc8785.dumps(value)
        assert c.canonical(value).encode() == text
        assert c.digest(value) == hashlib.sha256(text).hexdigest()

    check()


def test_canonical__writes_any_double_as_rfc_8785_does() -> None:
    bits = random.Random(8785)
    doubles = [found for _ in range(10_000) for (found,) in [struct.unpack("d", bits.randbytes(8))]]
    rounded = [round(bits.uniform(-1, 1) * 10**power, 9) for power in range(-9, 24) for _ in range(100)]
    for each in filter(math.isfinite, [*doubles, *rounded]):
        assert c.canonical(each).encode() == rfc8785.dumps(each)


@given(VALUES, VALUES)
def test_canonical__is_the_same_exactly_for_equal_values(a: Json, b: Json) -> None:
    assert (c.canonical(a) == c.canonical(b)) is c.equal(a, b)


@given(VALUES)
def test_dump__and_parse_change_nothing(value: Json) -> None:
    text = c.dump(value)
    assert c.equal(c.parse(text), value)
    assert c.canonical(c.parse(text)) == c.canonical(value)
    assert c.dump(c.parse(text)) == text
    if isinstance(value, dict | list):
        assert c.equal(c.read_body(f"\r\n```json\r\n{text}\r\n```\r\n"), value)


# --- dump ----------------------------------------------------------------------------------------------------------


def test_dump__keeps_key_order_and_is_a_block_of_code() -> None:
    assert c.dump({"b": [1], "a": "ü"}) == '    {\n      "b": [\n        1\n      ],\n      "a": "ü"\n    }'


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("@org/team", "\\u0040org/team"),
        ("#7 o/r#7", "\\u00237 o/r\\u00237"),
        ("GH-7\ngh-7 GH-x", "GH\\u002d7\\ngh\\u002d7 GH-x"),
        ("https://github.com/o/r/issues/7", "https://github.com/o/r/issues\\u002f7"),
        ("/pull/7 /discussions/7 /issues/new", "/pull\\u002f7 /discussions\\u002f7 /issues/new"),
        ("a\u2028b\u202ec\u2066d\x85e\ufefff\u200eg", "a\\u2028b\\u202ec\\u2066d\\u0085e\\ufefff\\u200eg"),
        ("\x00\x1f\x7f", "\\u0000\\u001f\\u007f"),
        ("👩\u200d🚀 é `code`", "👩\u200d🚀 é `code`"),
        ("\\@", "\\\\\\u0040"),
    ],
)
def test_dump__defuses_keys_and_values(text: str, written: str) -> None:
    assert c.dump({text: text}) == f'    {{\n      "{written}": "{written}"\n    }}'
    assert c.parse(c.dump({text: text})) == {text: text}


def test_dump__is_compact_where_indenting_would_not_fit() -> None:
    value: Json = [[0]] * 6_000
    assert c.dump(value) == "    [" + ",".join(["[0]"] * 6_000) + "]"
    assert c.fits(value)
    assert c.size(value) == 24_001


def test_fits__counts_escapes() -> None:
    assert c.fits("x" * 59_998)
    assert not c.fits("x" * 59_999)
    assert c.fits("@" * 9_999)
    assert not c.fits("@" * 10_000)
    assert len(c.dump(["@" * 10_000])) == 60_008


# --- bodies and comments -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        '\ufeff \r\n{"a":\r\n1}\r\n',
        '```json\n{"a": 1}\n```',
        '```JSON\r\n{"a": 1}\r\n```\r\n',
        '  ```\n{"a": 1}\n```  ',
        '~~~~ json \n{"a": 1}\n~~~~~',
        '\xa0{"a": 1}\u2028',
    ],
)
def test_read_body__accepts_what_people_paste(text: str) -> None:
    assert c.read_body(text) == {"a": 1}


@pytest.mark.parametrize(
    "text", ["", "7", '"s"', "null", "oops {", "```json\n{", "```yaml\n{}\n```", "```\n{}\n```\n{}\n```\n{}\n```"]
)
def test_read_body__refuses_all_else(text: str) -> None:
    with pytest.raises(c.InvalidJson):
        c.read_body(text)


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("```\n1\n```", "1"),
        ("```json\n\n1\n\n```", "1"),
        ("````\n```\n````", "```"),
        ("~~~\n```\n~~~", "```"),
        ("```json\n```", ""),
        ("```\n1\n   `````  ", "1"),
        ("   ```\n1\n```", "1"),
        ("```\n1", "1"),
        ("```\n1\n``", "1\n``"),
        ("```\n1\n~~~", "1\n~~~"),
        ("~~~~\n1\n~~~", "1\n~~~"),
        ("```\n1\n    ```", "1\n    ```"),
        ("```", ""),
        ("1", "1"),
        ("text\n```\n1\n```", "text\n```\n1\n```"),
        ("```yaml\n1\n```", None),
        ("```\n1\n```\n2\n```", None),
        ("```\n1\n```\ntext", None),
        ("```\n1\n```\n```\n1\n```", None),
        ("    ```\n1\n```", None),
        ("\t```\n1\n```", None),
        ("``` ```", "``` ```"),
        ("<!-- a --><!--->\n<!--\nb -->1<!-- c -->\n<!-- d -->", "1"),
        ("1 <!-- a --> -->", "1 <!-- a --> -->"),
        ("<!-- 1", "<!-- 1"),
        ("\ufeff\u200b```\n\ufeff1\n```\u200b", "1"),
        ("1\n--\nAda", "1"),
        ("1\n-- \nAda\n<!-- x -->", "1"),
    ],
)
def test_unwrapped__takes_what_stands_alone_or_in_one_fence(text: str, content: str | None) -> None:
    found = c.unwrapped(text)
    assert (found.text if found else None) == content


@pytest.mark.parametrize(
    "text", ["<!--" * 16_000, "<!-- -->" * 8_000, "`" * 65_000, " " * 65_000 + "x", "```\n" * 16_000]
)
def test_unwrapped__is_quick_with_any_text(text: str) -> None:
    for each in (text, "{" + text, text + "}", "-->" + text):
        c.unwrapped(each)


# --- paths and excerpts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ((), "$"),
        (("a", 0, "b_c-d"), "$.a[0].b_c-d"),
        (("two words", ""), '$["two words"][""]'),
        (("@me",), '$["\\u0040me"]'),
        (("GH-7",), "$.GH\\u002d7"),
        (("k" * 100,), '$["' + "k" * 80 + '…"]'),
        (("k" * 79,) * 4, "$" + ("." + "k" * 79) + "." + "k" * 38 + "…" + "k" * 40 + "." + "k" * 79),
    ],
)
def test_json_path__is_short_and_harmless(parts: tuple[str | int, ...], path: str) -> None:
    assert c.json_path(parts) == path


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 1}, "an object"),
        ([1], "an array"),
        ("x", '"x"'),
        ("@x", '"\\u0040x"'),
        ("x" * 200, '"' + "x" * 80 + '…"'),
        (True, "true"),
        (None, "null"),
        (10**200, "1" + "0" * 79 + "…"),
    ],
)
def test_excerpt__never_shows_much(value: Json, text: str) -> None:
    assert c.excerpt(value) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"\ud83d\udcbe"', "💾"),
        (r'"\\\ud83d\udcbe"', "\\💾"),
        (r'"\\ud83d"', "\\ud83d"),
        (r'"\\ud83d\udcbe"', None),
        (r'"\ud83d\ud83d\udcbe"', None),
        (r'"\udcbe\ud83d"', None),
        (r'"\ud83d\\udcbe"', None),
        ("[" + "1" * 1_000 + "]", [int("1" * 1_000)]),
        ("[" + "1" * 1_001 + "]", None),
        ('["' + "1" * 5_000 + '",7]', ["1" * 5_000, 7]),
    ],
)
def test_parse__knows_a_pair_of_surrogates_from_a_half_and_a_long_integer_from_digits(text: str, value: object) -> None:
    if value is None:
        with pytest.raises(c.InvalidJson):
            c.parse(text)
    else:
        assert c.parse(text) == value


def test_canonical__sorts_by_utf16_and_writes_floats_as_ecmascript_wherever_they_stand() -> None:
    assert c.canonical({"\ue000": 1, "💾": 2}) == '{"💾":2,"\ue000":1}'
    assert c.canonical({"b": [{"💾": 1.0, "\ue000": "💾"}], "a": "💾"}) == '{"a":"💾","b":[{"💾":1,"\ue000":"💾"}]}'
    assert c.canonical(1e21) == "1e+21"
    assert c.canonical(["a:1.5", '💾":']) == '["a:1.5","💾\\":"]'


def test_parse__takes_many_brackets_and_some_depth() -> None:
    deep = "[" * 60 + "]" * 60
    assert c.parse(f"[{deep},{deep},{deep}]") == [json.loads(deep)] * 3
    with pytest.raises(c.InvalidJson, match="nest deeper than 100"):
        c.parse(f"[{'[' * 100}{']' * 100},{deep}]")
