"""What a comment holds: an update, a failed attempt at one, or conversation."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gh_store_action.domain.log.entries import Entry, Kind, read
from gh_store_action.domain.log.written import looks_like_json, read_written
from gh_store_action.domain.strict_json import InvalidJson, dump
from tests.support.values import COUNTING, RULES, comment

DATA = '{"a": 1}'
HIDDEN = "<!-- made by a bot -->"


def entry(text: str) -> Entry:
    return read(comment(5, text), RULES, COUNTING)


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n{DATA}",
        f"~~~\n{DATA}",
        f"\ufeff```json\n{DATA}\n```",
        f"\u200b{DATA}\ufeff",
        f"\u202a{DATA}\u202c",
        f"\u2066\xad```json\n\u2067{DATA}\u2069\n```\u061c\u2064",
        f'```json title="metrics.json"\n{DATA}\n```',
        f"```json {{1,3}}\n{DATA}\n```",
        f"```json{{1}}\n{DATA}\n```",
        f"```{{.json}}\n{DATA}\n```",
        f"``` JSONC\n{DATA}\n```",
        f"```data.json\n{DATA}\n```",
        f"```application/merge-patch+json\n{DATA}\n```",
        f"```json5\n{DATA}\n```",
        f"```js\n{DATA}\n```",
        f"```JavaScript\n{DATA}\n```",
        f"   ~~~~ json\n   {DATA}\n  ~~~~~ ",
        f"{HIDDEN}\n```json\n{DATA}\n```",
        f"```json\n{DATA}\n```\n\n{HIDDEN}{HIDDEN}\n",
        f"```json\n{HIDDEN}\n{DATA}\n{HIDDEN}\n```",
        f"{HIDDEN}{DATA}",
        f"{HIDDEN}\r\n\r\n{DATA}\r\n{HIDDEN}\r\n<!-- two\r\nlines -->",
        f"```json\n{DATA}\n```\n-- \nAda\n+44 1",
        f"```json\n{DATA}\n```\n--\nAda",
        f"```json\n{DATA}\n```\n\nSent from my phone",
        f"```json\n{DATA}\n```\n\nOn Mon, 2 Mar 2026 at 10:00, Bob <bob@example.org>\nwrote:\n\n> please set a",
        f"{DATA}\n\n-- \nAda",
    ],
)
def test_an_update_is_taken_as_people_and_programs_write_it(text: str) -> None:
    assert (entry(text).kind, entry(text).patch) == (Kind.UPDATE, {"a": 1})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{“a”: 1}", "line 1, column 2: a key in double quotes is missing here; there is a typographic quote"),
        ('{"a": ‘x’}', "a value is missing here; there is a single quote"),
        ("[“a”, “b”]", "a typographic quote"),
        ("```json\n{“a”: 1}\n```", "a typographic quote"),
        ("```\n{“a”: 1}\n```", "a typographic quote"),
        (f"{HIDDEN}\n{{“a”: 1}}\n{HIDDEN}", "a typographic quote"),
        ("{'a': 1}", "a single quote; JSON has double quotes"),
        ('{\\"a\\": 1}', "a backslash outside a string"),
        ("{&quot;a&quot;: 1}", "an HTML entity"),
        ('{\xa0"a": 1}', "a no-break space"),
        ('{\u200b"a": 1}', "line 1, column 2: a key in double quotes is missing here; there is an invisible character"),
        ('{"a"\xad: 1}', "an invisible character, U+00AD; delete it"),
        ('[\u2060{\u202b"a": 1}]', "an invisible character, U+2060"),
        ('[{"a": 1}', "a comma or a closing bracket is missing here"),
        ('[ [{"a": 1}, {"a": 2}', "a comma or a closing bracket is missing here"),
        (
            '```jsonc\n{\n  // note\n  "a": 1\n}\n```',
            "line 2, column 3: a key in double quotes is missing here; there is a comm",
        ),
        ('```json5\n{"a": 1, /* b */ "c": 2}\n```', "a comment, perhaps; JSON has none"),
        ("```json5\n{a: 1}\n```", "a key in double quotes is missing here"),
        ("```js\n{ a: 1 }\n```", "a key in double quotes is missing here"),
        ("```javascript\n{ a: 1 };\n```", "a key in double quotes is missing here"),
        ('```json\n{"a": 1}\n``', "there is more text after the end of the JSON value; there is a backtick;"),
        (
            '```json\n{"a": 1}```',
            "there is a backtick; JSON has double quotes, and a fence ends with a line of nothing else",
        ),
        ("```json\n{`a`: 1}\n```", "there is a backtick"),
        ('```json\n{"a": 1', "a comma or a closing bracket is missing"),
        ("```json\n```", "the text is empty"),
        ('```json title="x"\nnot really\n```', "a value is missing here"),
        ('{"a": 1}\n{"b": 2}', "there is more text after the end"),
        ('`{"a": 1}`', "is inline code"),
        ('```json {"a": 1}```', "is inline code"),
        ('｛"a"：1｝', "a value is missing here; there is a full-width character; JSON has plain ones"),
        ('{"a"：1}', "a colon is missing here; there is a full-width character"),
        ('{"a": 1， "b": ２}', "there is a full-width character"),
        ("［｛“a”：1｝］", "there is a full-width character"),
        ("{「a」: 1}", "a typographic quote"),
        ('{\u3000"a": 1}', "a key in double quotes is missing here; there is an unusual space, U+3000"),
        ('{\u2028"a": 1}', "an unusual space, U+2028; JSON has plain ones"),
        ("[NaN, 1]", "NaN is not JSON"),
        ("[-Infinity]", "-Infinity is not JSON"),
        ("[True, None]", "a value is missing here"),
        ("[[None]]", "a value is missing here"),
        ('// the counter\n{"a": 1}', "there is a comment, perhaps; JSON has none"),
        ('/* the\ncounter */ // {\n\n[{"a": 1}]', "there is a comment, perhaps; JSON has none"),
        ('"{\\"a\\": 1}"', "the JSON is inside a string"),
        ('```json\n"[{\\"a\\": 1}]"\n```', "the JSON is inside a string"),
        ("```json-patch\nadd a\n```", "a value is missing here"),
        ('```{"a": 1}```', "is inline code"),
    ],
)
def test_what_is_meant_as_json_and_cannot_be_read_is_refused_with_the_reason(text: str, reason: str) -> None:
    assert entry(text).kind is Kind.INVALID
    assert reason in entry(text).problem.message


@pytest.mark.parametrize(
    "text",
    [
        "", HIDDEN, f"{HIDDEN}\nthanks", f"<!-- {DATA} -->", f"<!-- {DATA}", "-- \nAda", "---",
        f"> {DATA}", f"> ```json\n> {DATA}\n> ```", f"On Monday Ada wrote:\n> {DATA}",
        f"Please set {DATA}.", f"Use `{DATA}` here.", f"`{DATA}` and `{DATA}`", f"Like so:\n\n{DATA}", "`x`", "` {x} `",
        f"Like so:\n```json\n{DATA}\n```", f"```json\n{DATA}\n```\nis what I got.",
        f"```json\n{DATA}\n```\n---\nOr not?",
        f"```json\n{DATA}\n```\n\n```json\n{DATA}\n```", f"```json\n{DATA}\n```\n{DATA}", f"{HIDDEN}\n- {DATA}",
        f"```yaml\n{DATA}\n```", f"```python\n{DATA}\n```", f"```text\n{DATA}\n```", f"```jsonnet\n{DATA}\n```",
        "```ts\n{a: 1}",
        f"    ```json\n    {DATA}\n    ```", f"```\n```json\n{DATA}\n```\n```",
        "```\nTraceback: {…}\n```", "```\nprint(1)",
        "```js\nlet a = {b: 1};\n```", "```js\n[1, 2].map((x) => x)\n```", "```json\n5\n```",
        '"text"', "42", "[x] done", '"{curly words}"', "// thanks", "/* {a: 1} */ thanks", "// [link](url)\n[x]",
        "/* {", "［note］", "｛…｝", "[none]", "[NaN is not a number]",
        f"<details>\n\n```json\n{DATA}\n```\n</details>", f"1. {DATA}", f"{{{{ template }}}}\n{HIDDEN}",
    ],
)  # fmt: skip
def test_conversation_stays_silent(text: str) -> None:
    assert entry(text).kind is Kind.CHAT


# -- properties: any container, wrapped in any way that nobody sees

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from([HIDDEN, "```", "-->"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=6,
)
CONTAINERS = JSON.filter(lambda value: isinstance(value, dict | list))
NOTHING = st.lists(
    st.sampled_from(
        ["\n", "\r\n", "\ufeff", "\u200b", "<!---->", "<!-->", HIDDEN, "<!-- {\n\n} -->", "<!--```json\n-->\n"]
    ),
    max_size=4,
).map("".join)
LANGUAGES = st.sampled_from(
    ["", "json", "JSON", "jsonc", "json5", "js", 'json title="a b"', " json ", "JavaScript linenos"]
)
SIGNATURES = st.sampled_from(
    ["", "\n-- \nAda", "\n--\nAda `x` {", "\nSent from my phone", "\nOn Monday Ada wrote:\n> {"]
)


@given(CONTAINERS, NOTHING, NOTHING, st.booleans(), SIGNATURES)
def test_what_nobody_sees_around_json_changes_nothing(
    value: Any, before: str, after: str, pretty: bool, signature: str
) -> None:
    text = dump(value) if pretty else json.dumps(value, ensure_ascii=False)
    assert read_written(before + text + after + signature) == value
    assert looks_like_json(text.strip())


@given(CONTAINERS, NOTHING, NOTHING, LANGUAGES, st.sampled_from("`~"), st.integers(3, 5), st.integers(0, 3), st.data())
def test_one_fence_is_taken_by_commonmarks_rules(
    value: Any, before: str, after: str, language: str, character: str, length: int, indent: int, data: st.DataObject
) -> None:
    signature = data.draw(SIGNATURES)
    closing = data.draw(st.none() | st.integers(length, length + 3))
    opening = f"\n{' ' * indent}{character * length}{language}\n"
    if closing is None:  # runs to the end
        assert read_written(before + opening + dump(value) + "\n") == value
        return
    end = f"\n{' ' * data.draw(st.integers(0, 3))}{character * closing} \n"
    assert read_written(before + opening + dump(value) + end + after + signature) == value
    assert read_written(before + opening + dump(value) + end + after + "\nSo?") is None
    assert read_written("Look:\n" + before + opening + dump(value) + end + after) is None
    shorter = f"\n{character * (length - 1)}\n"
    with pytest.raises(InvalidJson):
        read_written(f"{character * length}json\n{dump(value)}{shorter}{dump(value)}")


@given(st.text(), NOTHING, NOTHING)
def test_what_nobody_sees_turns_no_text_into_another_kind(text: str, before: str, after: str) -> None:
    def kind(text: str) -> object:
        try:
            return read_written(text)
        except InvalidJson:
            return "refused"

    assert kind(before + "\n" + text + "\n" + after) == kind(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1,}', "{a: 1}", "{'a': 1}", '{"a": 1', "{ }", "{ // note\n}", "{$set: {a: 1}}", "{a-b : 1}",
        "[1, 2,]", "[{a: 1}]", '["a" "b"]', "[[1,2,]]", "[[], 1,]", "{a: 1};", '[{"a": 1}', '[{"', '{\u200b"a": 1}',
        "[[1], 2,]", "[]", "[[1]]", "[-1.5e3, x]", "[true, x]", "[null]",
    ],
)  # fmt: skip
def test_looks_like_json__sees_a_failed_attempt(text: str) -> None:
    assert looks_like_json(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "{curly words}", "{{ template }}", "{note: hello", "[x] done", "[ ] buy [milk]", "[link](url)", "[todo]",
        "[1] see [2]", "[[wiki]]", "[[1]](https://example.org)", "[note]: https://example.org", "Thanks! {a: 1}", "42",
        '"text"', "[true story]", "{", "[{", "[\u200bx] done", '["a" is a letter',
    ],
)  # fmt: skip
def test_looks_like_json__leaves_conversation_alone(text: str) -> None:
    assert not looks_like_json(text)
