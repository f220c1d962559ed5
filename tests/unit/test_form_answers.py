"""The answers to an issue form, from the text that GitHub makes of them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gh_store_action.domain.forms.answers import Field, Option, read
from gh_store_action.domain.refusal import Refused
from gh_store_action.domain.strict_json import Json

NAME = Field("input", "name", "Your name", required=True)
TEXT = Field("textarea", "text", "What do you say?")
MOOD = Field("dropdown", "mood", "Mood", (Option("glad"), Option("sad, so sad")))
TAGS = Field("dropdown", "tags", "Tags", (Option("red"), Option("green"), Option("blue")), multiple=True)
RULES = Field("checkboxes", "rules", "Rules", (Option("I am nice", required=True), Option("I am new")))
FORM = (NAME, TEXT, MOOD, TAGS, RULES)


def rendered(fields: Sequence[Field], answers: Sequence[str]) -> str:
    """As GitHub writes it."""
    return "\n\n".join(f"### {field.label}\n\n{answer}" for field, answer in zip(fields, answers, strict=True))


def filled(*answers: str) -> str:
    whole = ["Ada", "Hello", "glad", "red, blue", "- [x] I am nice\n- [ ] I am new"]
    return rendered(FORM, [*answers, *whole[len(answers) :]])


def refused(fields: Sequence[Field], body: str, **types: str) -> list[str]:
    with pytest.raises(Refused) as error:
        read(fields, body, types)
    return [str(reason) for reason in error.value.reasons]


def test_every_kind_of_field_is_read() -> None:
    assert read(FORM, filled(), {}) == {
        "name": "Ada",
        "text": "Hello",
        "mood": "glad",
        "tags": ["red", "blue"],
        "rules": ["I am nice"],
    }


@pytest.mark.parametrize("body", [filled().replace("\n", "\r\n"), f"\n{filled()}\n\n", filled().replace("[x]", "[X]")])
def test_an_edit_on_the_web_reads_the_same(body: str) -> None:
    assert read(FORM, body, {}) == read(FORM, filled(), {})


def test_what_has_no_answer_is_absent() -> None:
    body = filled("Ada", "_No response_", "None", "_No response_", "- [x] I am nice\n- [x] I am new")
    assert read(FORM, body, {}) == {"name": "Ada", "rules": ["I am nice", "I am new"]}
    assert read([TEXT], "### What do you say?", {}) == {}


def test_a_field_without_an_id_is_passed_over() -> None:
    assert read([Field("input", "", "Secret"), TEXT], rendered([Field("input", "", "Secret"), TEXT], "ab"), {}) == {
        "text": "b"
    }


@pytest.mark.parametrize(
    "answer",
    ["a\n\n### Another heading\n\nb", "#### Mood", " ### Mood", "<!-- ### Mood -->", "> ### Mood", "```\n### x\n```"],
)
def test_a_heading_of_somebody_elses_is_text(answer: str) -> None:
    assert read(FORM, filled("Ada", answer), {})["text"] == answer


def test_a_label_of_the_form_out_of_its_order_is_text() -> None:
    answer = "### Your name\n\nMallory"
    assert read(FORM, filled("Ada", answer), {})["text"] == answer
    assert read([TEXT, NAME, MOOD], rendered([TEXT, NAME, MOOD], ["### Mood\n\nsad", "Ada", "glad"]), {}) == {
        "text": "### Mood\n\nsad",
        "name": "Ada",
        "mood": "glad",
    }


@pytest.mark.parametrize(
    "answer",
    ["x\n\n### Mood\n\nsad", "```\n### Mood\n```", "<!--\n### Mood\n\nsad\n-->", "### Mood  ", "### What do you say?"],
)
def test_a_line_that_may_be_the_forms_own_is_refused_with_both_places(answer: str) -> None:
    if answer == "### What do you say?":
        body = filled(f"Ada\n\n{answer}")
        assert refused(FORM, body)[0].startswith("What do you say?: this heading appears twice")
        return
    (reason,) = refused(FORM, filled("Ada", answer))
    assert reason.startswith("Mood: this heading appears twice, as lines ")


@pytest.mark.parametrize("label", ["I read [the rules](u)", "[x] done", "a, b", "- [ ] x", "### Mood", "é [🎉]", "*"])
def test_a_checkbox_of_any_label_is_read(label: str) -> None:
    boxes = Field("checkboxes", "boxes", "Boxes", (Option(label), Option("b")))
    assert read([boxes], rendered([boxes], [f"- [x] {label}\n- [ ] b"]), {}) == {"boxes": [label]}
    assert "leave their lines as they are" in refused([boxes], rendered([boxes], [f"- [y] {label}\n- [ ] b"]))[0]


def test_two_fields_of_one_label_are_told_apart_by_their_order() -> None:
    twins = [Field("input", "a", "Name"), Field("input", "b", "Name")]
    assert read(twins, rendered(twins, "xy"), {}) == {"a": "x", "b": "y"}
    assert "appears twice" in refused(twins, rendered(twins, ["x", "y\n\n### Name"]))[0]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "the text does not begin with"),
        ("Hello\n\n" + filled(), "the text does not begin with"),
        (filled().replace("### Mood\n", ""), 'in its place there is not the heading "Mood"'),
        (filled().replace("### Mood", "## Mood"), 'in its place there is not the heading "Mood"'),
    ],
)
def test_what_is_not_the_forms_text_is_refused(body: str, said: str) -> None:
    (reason,) = refused(FORM, body)
    assert reason.startswith("$: ") and said in reason


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (["_No response_"], "Your name: an answer is required"),
        (["Ada\nLovelace"], "Your name: the answer must be one line"),
        (["A", "b", "angry"], 'Mood: "angry" is none of the options'),
        (["A", "b", "glad, sad, so sad"], "is none of the options"),
        (["A", "b", "glad", "red, pink"], 'Tags: "pink" is none of the options'),
        (["A", "b", "glad", "red, red"], "Tags: an option appears twice"),
        (["A", "b", "glad", "red", "- [ ] I am nice\n- [ ] I am new"], 'Rules: "I am nice" must be ticked'),
        (["A", "b", "glad", "red", "- [x] I am nice"], "Rules: the checkboxes are not the form's"),
        (["A", "b", "glad", "red", "yes"], "Rules: the checkboxes are not the form's"),
        (["A", "b", "glad", "red", "_No response_"], "Rules: the checkboxes are not the form's"),
    ],
)
def test_an_answer_that_the_form_does_not_give_is_refused(answers: list[str], reason: str) -> None:
    assert reason in refused(FORM, filled(*answers))[0]


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert len(refused(FORM, filled("", "b", "angry", "pink"))) == 3


@pytest.mark.parametrize(
    ("type_", "answer", "value"),
    [
        ("number", "42", 42),
        ("number", " -1.5e3 ", -1500.0),
        ("json", '{"a": [1, null]}', {"a": [1, None]}),
        ("json", "[]", []),
        ("json", "null", None),
        ("json", '{"$set": "### Mood"}', {"$set": "### Mood"}),
        ("", "42", "42"),
    ],
)
def test_a_mark_makes_text_a_number_or_json(type_: str, answer: str, value: Json) -> None:
    assert read([TEXT], rendered([TEXT], [answer]), {"text": type_}) == {"text": value}


@pytest.mark.parametrize(
    ("type_", "answer"),
    [
        ("number", "1,5"),
        ("number", "NaN"),
        ("number", "\u0661"),
        ("number", "true"),
        ("number", '"1"'),
        ("number", "1e999"),
        ("number", "-Infinity"),
        ("number", "0x10"),
        ("number", "1_000"),
        ("number", "null"),
        ("number", "[1]"),
        ("number", "1" * 5_000),
        ("json", "{a}"),
        ("json", '{"a": 1, "a": 2}'),
        ("json", "[NaN]"),
        ("json", "[1e999]"),
        ("json", r'"\ud800"'),
        ("json", "[" * 200 + "]" * 200),
        ("json", '{"a": 1}\x00'),
    ],
)
def test_what_is_no_number_or_json_is_refused(type_: str, answer: str) -> None:
    assert "What do you say?: it must be" in refused([TEXT], rendered([TEXT], [answer]), text=type_)[0]


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ('```json\n{"a": 1}\n```', '{"a": 1}'),
        ("```shell\n\n```", None),
        ("```\n```\nb\n```", "```\nb"),
        ("plain", "plain"),
    ],
)
def test_a_field_that_is_shown_as_code_is_read_without_its_fence(answer: str, value: str | None) -> None:
    code = Field("textarea", "code", "Code", code=True)
    assert read([code], rendered([code], [answer]), {}).get("code") == value


@given(st.lists(st.text(max_size=60), min_size=2, max_size=2))
def test_whatever_is_answered__it_comes_back_or_is_refused(answers: list[str]) -> None:
    fields = [TEXT, Field("textarea", "more", "More")]
    body = rendered(fields, answers)
    try:
        found = read(fields, body, {})
    except Refused:
        return
    for field, answer in zip(fields, answers, strict=True):
        plain = answer.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
        assert found.get(field.id) in ({None} if plain.strip() in ("", "_No response_") else {plain})


def test_the_longest_text_is_read() -> None:
    """`tests/unit/test_readers.py` holds how long it takes."""
    assert "appears twice" in refused(FORM, filled("Ada", "### Mood\n" * 7_000 + "```" * 300))[0]
    assert "none of the options" in refused(FORM, filled("Ada", "b", "glad", "red, " * 13_000 + "pink"))[0]
    code = Field("textarea", "code", "Code", code=True)
    read([code], rendered([code], ["```\n" * 16_000]), {})
