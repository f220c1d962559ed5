"""What one of the documents in `queries` asks for: its cost in points, and the shape of its response."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from gh_store_action.gateway.answers import misshapen

_TOKEN = re.compile(r'\.\.\.|[@$]?\w+|[(){}:]|"[^"]*"')

# What may be null without an error, by GitHub's schema: deleted accounts, and what never existed.
_MAY_BE_NULL = frozenset(
    (
        *("activeLockReason", "actor", "author", "clientMutationId", "commit", "defaultBranchRef", "editor"),
        *("endCursor", "file", "isBinary", "issue", "label", "lastEditedAt", "object", "ref", "startCursor", "target"),
        *("text", "user"),
    )
)
_MAY_BE_NULL_AT_THE_TOP = frozenset({"node", "repository"})
_MAY_BE_NONE = frozenset({"reactionGroups", "userContentEdits"})  # null without an error means an empty list
_MAY_BE_REFUSED = frozenset({"issues"})  # null if an error says why; the caller reports it
_LISTS = frozenset({"entries", "nodes", "reactionGroups"})  # a null item there means that the item is missing
_NUMBERS = frozenset({"byteSize", "number", "totalCount"})
_FLAGS = frozenset(
    (
        *("closed", "hasIssuesEnabled", "hasNextPage", "hasPreviousPage", "isBinary", "isEmpty", "isTruncated"),
        *("locked", "viewerHasReacted"),
    )
)
_OF_ANY_KIND = frozenset({"Blob", "Tree"})  # a git object may be either; elsewhere only one kind can come
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass
class _Field:
    """A field of a selection or, with an empty key, a group of fields.

    Args:
        name: in GitHub's schema; of a group: its type, if it gives one.
        size: of a connection: its maximum number of nodes, as written, or whose nodes they are; otherwise, empty.
        condition: the variable that includes it, and its value.
    """

    key: str
    name: str
    size: str = ""
    condition: tuple[str, bool] | None = None
    fields: list[_Field] = field(default_factory=list)


def points(document: str, variables: Mapping[str, Any]) -> int:
    """The points of a document whose connections all give their size, because no header says what one request cost.

    One for every hundred requests that its connections take at their full size; rounded, at least one (github-facts,
    section 2).
    """
    first = variables.get("first")
    return _points(document, first if isinstance(first, int) else 0, len(variables.get("ids") or ()))


@lru_cache(maxsize=256)
def _points(document: str, first: int, ids: int) -> int:
    def requests(fields: Sequence[_Field], times: int) -> int:
        total = 0
        for one in fields:
            if one.size == "$ids":  # not a connection, but each of its nodes has connections
                total += requests(one.fields, times * ids)
                continue
            size = first if one.size.startswith("$") else int(one.size or 0)
            total += (times if size else 0) + requests(one.fields, times * (size or 1))
        return total

    return max(1, int(requests(_parsed(document), 1) / 100 + 0.5))


def check(document: str, variables: Mapping[str, Any], data: Mapping[str, Any], *, refused: bool) -> None:
    """Compares a whole response with its document, so that its readers need not check its shape.

    Args:
        refused: whether the response has errors, so that data may be missing.

    Raises:
        NoAnswer: something is missing or has the wrong type.
    """
    nullable = _MAY_BE_NULL | (_MAY_BE_REFUSED if refused else _MAY_BE_NONE)
    unset = {name for name, value in variables.items() if not value}

    def compare(fields: Sequence[_Field], value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise misshapen(f"`{where}`")
        for one in fields:
            if one.condition and (one.condition[0] in unset) is one.condition[1]:
                continue
            if not one.key:
                if _is_meant(one, value):
                    compare(one.fields, value, where)
                continue
            place = f"{where}.{one.key}" if where else one.key
            found = value.get(one.key)
            absent = one.name in nullable or (not where and (writes or one.name in _MAY_BE_NULL_AT_THE_TOP))
            if found is None and absent and one.key in value:
                continue
            if one.fields and one.name in _LISTS and isinstance(found, list):
                for each in found:
                    if each is not None:
                        compare(one.fields, each, place)
            elif one.fields and one.name not in _LISTS:
                compare(one.fields, found, place)
            elif one.fields or not _is_scalar(one.name, found):
                raise misshapen(f"`{place}`")

    writes = document.lstrip().startswith("mutation")  # each alias may fail on its own
    if data or not refused:
        compare(_parsed(document), data, "")


def _is_meant(group: _Field, value: Mapping[str, Any]) -> bool:
    """Whether the value has the group's type, if it may have another one."""
    if group.name in _OF_ANY_KIND:
        return any(one.key in value for one in group.fields)
    return not group.name or value.get("__typename", group.name) == group.name


def _is_scalar(name: str, value: object) -> bool:
    if name in _NUMBERS or name in _FLAGS:
        return type(value) is (int if name in _NUMBERS else bool)
    if name == "fullDatabaseId":  # 64 bits, so a string
        return type(value) is int or (isinstance(value, str) and value.isascii() and value.isdecimal())
    return isinstance(value, str) and (not name.endswith("At") or bool(_MOMENT.fullmatch(value)))


@lru_cache(maxsize=256)
def _parsed(document: str) -> Sequence[_Field]:
    """What the operation asks for, with its fragments inserted."""
    words = iter(_TOKEN.findall(document))
    operation = _Field("", "")
    fragments: dict[str, _Field] = {}
    for word in words:
        part = fragments.setdefault(next(words), _Field("", "")) if word == "fragment" else operation
        while (head := next(words)) != "{":
            part.name = head  # of a fragment: its type, which comes last
            if head == "(":
                _arguments(words)
        part.fields = _selection(words, fragments)
    return operation.fields


def _selection(words: Iterator[str], fragments: dict[str, _Field]) -> list[_Field]:
    """What is between two braces, after the first one."""
    found: list[_Field] = []
    while (word := next(words)) != "}":
        if word == "...":
            name = next(words)
            if name == "on":
                found.append(_Field("", next(words)))
            else:
                found.append(_Field("", "", fields=[fragments.setdefault(name, _Field("", ""))]))
        elif word == ":":
            found[-1].name = next(words)
        elif word == "{":
            found[-1].fields = _selection(words, fragments)
        elif word == "(":
            given = _arguments(words)
            found[-1].size = given.get("first") or given.get("last") or given.get("ids") or ""
        elif word.startswith("@"):
            next(words)
            found[-1].condition = _arguments(words)["if"].removeprefix("$"), word == "@include"
        else:
            found.append(_Field(word, word))
    return found


def _arguments(words: Iterator[str]) -> dict[str, str]:
    """What is in parentheses, by name, after the first one."""
    found: dict[str, str] = {}
    name, depth = "", 1
    while depth:
        word = next(words)
        if word == ":":
            word = found[name] = next(words)
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(word, 0)
        name = word
    return found
