"""An issue's text as the answers to its form.

GitHub writes each answer below a heading with the field's label, in the form's order, without any other mark
(github-facts, section 3).  So only the form's labels in the form's order are headings.  If they can be found in more
than one way, an answer contains such a line, and no one can tell which one is the form's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gh_store_action.domain.refusal import Reason, Refused
from gh_store_action.domain.strict_json import InvalidJson, Json, excerpt, parse

TYPES = ("number", "json")
"""The types of an answer other than text."""

_NOTHING = frozenset({"", "_No response_"})
_HEADING = "### "
_BOX = re.compile(r"- \[(?P<mark>[ xX])\] (?P<label>.*)")
_FENCE = re.compile(r"`{3,}+|~{3,}+")


@dataclass(frozen=True)
class Option:
    """An option of a dropdown, or a checkbox, which may be required."""

    label: str
    required: bool = False


@dataclass(frozen=True)
class Field:
    """A form element with an answer, so not Markdown.

    Args:
        kind: `input`, `textarea`, `dropdown` or `checkboxes`.
        id: empty if the form has none: then its answer is not used.
        code: whether GitHub puts the answer into a code fence (`render`).
    """

    kind: str
    id: str
    label: str
    options: tuple[Option, ...] = ()
    multiple: bool = False
    required: bool = False
    code: bool = False


def read(fields: Sequence[Field], body: str, types: Mapping[str, str]) -> dict[str, Json]:
    """The answers by field id, in linear time; a field without an answer is absent.

    Args:
        fields: in the order of the form.
        body: of the issue, as GitHub wrote it or as its author edited it.
        types: by field id, one of `TYPES`.

    Raises:
        Refused: with what is wrong, and where.
    """
    found: dict[str, Json] = {}
    reasons: list[Reason] = []
    for field, text in zip(fields, _divided(fields, body), strict=True):
        try:
            value = _value(field, text, types.get(field.id, ""))
        except _Unanswered:
            continue
        except _Wrong as wrong:
            reasons.append(Reason(field.label, str(wrong)))
            continue
        if field.id:
            found[field.id] = value
    if reasons:
        raise Refused(*reasons)
    return found


class _Wrong(Exception):
    """What is wrong with an answer, as a sentence."""


class _Unanswered(Exception):
    """There is no answer."""


def _divided(fields: Sequence[Field], body: str) -> list[str]:
    """The text below each heading."""
    lines = body.replace("\r\n", "\n").replace("\r", "\n").strip("\n").split("\n")
    headings = [_HEADING + field.label for field in fields]
    first, last = _earliest(lines, headings), _latest(lines, headings)
    for field, early, late in zip(fields, first, last, strict=True):
        if early != late:
            raise Refused(
                Reason(
                    field.label,
                    f"this heading appears twice, as lines {early + 1} and {late + 1}, and one is the form's; "
                    "change the other one, or put a space before it",
                )
            )
    ends = [*first[1:], len(lines)]
    return ["\n".join(lines[start + 1 : end]).strip("\n") for start, end in zip(first, ends, strict=True)]


def _earliest(lines: Sequence[str], headings: Sequence[str]) -> list[int]:
    """The position of each heading, as early as possible.

    Raises:
        Refused: one is missing, or not in its place.
    """
    found: list[int] = []
    for number, line in enumerate(lines):
        if len(found) < len(headings) and line.rstrip() == headings[len(found)]:
            found.append(number)
        elif not found:
            break
    if len(found) < len(headings):
        said = "the text does not begin with" if not found else "in its place there is not"
        label = excerpt(headings[len(found)].removeprefix(_HEADING))
        raise Refused(Reason("$", f"{said} the heading {label} of the form; fill in the form again, as it is"))
    return found


def _latest(lines: Sequence[str], headings: Sequence[str]) -> list[int]:
    """The same, as late as possible; the first one begins the text."""
    wanted = list(headings[1:])
    found: list[int] = []
    for number in range(len(lines) - 1, 0, -1):
        if wanted and lines[number].rstrip() == wanted[-1]:
            wanted.pop()
            found.append(number)
    return [0, *reversed(found)]


def _value(field: Field, text: str, type_: str) -> Json:
    """What an answer says.

    Raises:
        _Unanswered: there is none.
        _Wrong: it is none that the form gives.
    """
    if field.kind == "checkboxes":
        return _ticked(field, text)
    answer = _inside(text) if field.code else text
    if answer.strip() in _NOTHING or (field.kind == "dropdown" and answer.strip() == "None"):
        if field.required:
            raise _Wrong("an answer is required")
        raise _Unanswered
    if field.kind == "dropdown":
        chosen = _chosen(field, answer.strip())
        return list(chosen) if field.multiple else _typed(chosen[0], type_)
    if field.kind == "input":
        answer = answer.strip()
        if "\n" in answer:
            raise _Wrong("the answer must be one line")
    return _typed(answer, type_)


def _inside(text: str) -> str:
    """The content of the one code fence, or the text if its author removed the fence."""
    first, *lines = text.split("\n")
    fence = _FENCE.match(first)
    return "\n".join(lines[:-1]) if fence and lines and lines[-1] == fence[0] else text


def _typed(answer: str, type_: str) -> Json:
    if not type_:
        return answer
    try:
        value = parse(answer)
    except InvalidJson as error:
        raise _Wrong("it must be a number" if type_ == "number" else f"it must be JSON: {error.reason}") from None
    if type_ == "number" and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise _Wrong("it must be a number")
    return value


def _chosen(field: Field, answer: str) -> list[str]:
    """The options; if there may be several, no option contains the separator."""
    labels = {option.label for option in field.options}
    chosen = answer.split(", ") if field.multiple else [answer]
    for label in chosen:
        if label not in labels:
            raise _Wrong(f"{excerpt(label)} is none of the options")
    if len(set(chosen)) < len(chosen):
        raise _Wrong("an option appears twice")
    return chosen


def _ticked(field: Field, text: str) -> Json:
    """The labels of the checked boxes."""
    boxes = [_BOX.fullmatch(line.rstrip()) for line in text.split("\n") if line.strip()]
    labels = [box["label"] if box else "" for box in boxes]
    if labels != [option.label for option in field.options]:
        raise _Wrong("the checkboxes are not the form's; tick them, and leave their lines as they are")
    ticked = [box["label"] for box in boxes if box and box["mark"] != " "]
    missing = [option.label for option in field.options if option.required and option.label not in ticked]
    if missing:
        raise _Wrong(f"{excerpt(missing[0])} must be ticked")
    return list(ticked)
