"""What one of the documents in `queries` asks for: its cost in points, and the shape of its response."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from gh_store_action.gateway.answers import TIMED_OUT, Answer, NoAnswer, misshapen, reason_of

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
_NUMBERS = frozenset({"byteSize", "number", "pageCount", "totalCount"})
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
        start: of a connection: the variable with the cursor that its page follows; otherwise, empty.
        condition: the variable that includes it, and its value.
    """

    key: str
    name: str
    size: str = ""
    start: str = ""
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


def checked(document: str, variables: Mapping[str, Any], answer: Answer, *, left: int | None = None) -> Answer:
    """The answer in the shape of its document, with null in the place of each issue of which something is missing.

    Args:
        left: how many items a page that follows others may have; None if that is not known.

    Raises:
        NoAnswer: something is missing or has the wrong type; of a write, what was read back may be missing.
    """
    try:
        check(document, variables, answer.data, refused=bool(answer.errors))
    except NoAnswer as none:
        if not answer.errors:
            raise
        raise NoAnswer(f"{none.problem}, because of {reason_of(answer.errors[0]).quoted!r}") from None
    gaps = _Gaps(variables, answer.errors, left, writes=_writes(document))
    data = gaps.filled(_parsed(document), answer.data, ())
    kept = Answer(data, tuple(error for error in answer.errors if error not in gaps.said))
    if gaps.found and not gaps.writes:
        raise NoAnswer(gaps.found[0], TIMED_OUT[0], kept=kept)
    return kept


def _writes(document: str) -> bool:
    return document.lstrip().startswith("mutation")


class _Gaps:
    """Finds the issues of which a response does not say all: "no answer" is never "no".

    A null item counts where the connection has fewer others than it says.  A typed error counts for what it is about;
    but what GitHub does not find does not exist.

    Args:
        left: as for `checked`.
    """

    def __init__(
        self, variables: Mapping[str, Any], errors: Sequence[Mapping[str, Any]], left: int | None, *, writes: bool
    ) -> None:
        self.found: list[str] = []
        self.said: list[Mapping[str, Any]] = []  # errors about such issues
        self.writes = writes
        self._variables = variables
        self._left = left
        self._errors = [error for error in errors if reason_of(error).kind != "NOT_FOUND"]
        self._gone = {tuple(error["path"]): error for error in errors if error not in self._errors}

    def filled(self, fields: Sequence[_Field], value: Mapping[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
        """The part of the response with null in the place of such issues."""
        kept = dict(value)
        for one in _flat(fields, value):
            inner, here = value.get(one.key), (*path, one.key)
            if one.name == "issue" or here == ("node",):
                kept[one.key] = self._one(one.fields, inner, here)
            elif here == ("nodes",) and isinstance(inner, list):
                expected = len(self._variables["ids"])
                kept[one.key] = self._many(one, inner, here, expected)
            elif one.name == "issues" and isinstance(inner, dict):
                nodes = next((part for part in _flat(one.fields, inner) if part.name == "nodes"), None)
                if nodes is not None:
                    found = self._many(nodes, inner["nodes"], (*here, "nodes"), self._expected(one, inner))
                    kept[one.key] = {**inner, "nodes": found}
            elif isinstance(inner, dict):
                kept[one.key] = self.filled(one.fields, inner, here)
        return kept

    def _many(self, nodes: _Field, items: Sequence[Any], here: tuple[Any, ...], expected: int) -> list[Any]:
        """A list of issues; of a null item it is only known that something is missing."""
        gone = [path for path in self._gone if path[:-1] == here]
        self.said += [self._gone[path] for path in gone]
        if None in items and len(items) - items.count(None) < expected - len(gone):
            empty = [error for place, each in enumerate(items) if each is None for error in self._about((*here, place))]
            self._lacks(here, empty)
        return [each and self._one(nodes.fields, each, (*here, place)) for place, each in enumerate(items)]

    def _one(self, fields: Sequence[_Field], value: Any, here: tuple[Any, ...]) -> Any:
        """The issue, or null if something of it is missing."""
        about = self._about(here)
        if value is None:
            refused = here[-1] == "issue" and about  # which the reader explains
            if not self.writes and here not in self._gone and not refused:
                self._lacks(here, about)
            return None
        lacks = self._lacking(fields, value, here)
        if not lacks and not about:
            return value
        self._lacks(lacks or tuple(about[0]["path"]), about)
        return None

    def _about(self, here: tuple[Any, ...]) -> list[Mapping[str, Any]]:
        return [error for error in self._errors if tuple(error["path"][: len(here)]) == here]

    def _lacks(self, place: tuple[Any, ...], errors: Sequence[Mapping[str, Any]]) -> None:
        where = ".".join(part for part in place if isinstance(part, str))
        why = f", because of {reason_of(errors[0]).quoted!r}" if errors else ""
        number, label = self._variables.get("number"), self._variables.get("label")
        whose = f" of issue #{number}" if number else f" for the label {label!r}" if label else ""
        self.found.append(f"GitHub did not show all of `{where}`{whose}{why}")
        self.said += errors

    def _lacking(self, fields: Sequence[_Field], value: Mapping[str, Any], here: tuple[Any, ...]) -> tuple[Any, ...]:
        """The place of the first connection there that lacks an item; empty if none does."""
        for one in _flat(fields, value):
            inner, place = value.get(one.key), (*here, one.key)
            if isinstance(inner, dict) and "nodes" in inner:
                items = inner["nodes"]
                if None in items and len(items) - items.count(None) < self._expected(one, inner):
                    return place
            for each in inner if isinstance(inner, list) else (inner,):
                if isinstance(each, dict) and (found := self._lacking(one.fields, each, place)):
                    return found
        return ()

    def _expected(self, one: _Field, connection: Mapping[str, Any]) -> int:
        """How many items the connection's page has at least."""
        size: int = self._variables["first"] if one.size.startswith("$") else int(one.size)
        if self._variables.get(one.start):
            info = connection["pageInfo"]
            more = info.get("hasNextPage") or info.get("hasPreviousPage")
            # Somebody may delete items of pages before; the page before this one said that there is something.
            return size if more else min(size, 1 if self._left is None else self._left)
        total: int = connection["pageCount" if "pageCount" in connection else "totalCount"]
        return min(size, total)


def _flat(fields: Sequence[_Field], value: Mapping[str, Any]) -> Iterator[_Field]:
    """The fields, with those of groups that are about such a value."""
    for one in fields:
        if one.key:
            yield one
        elif _is_meant(one, value):
            yield from _flat(one.fields, value)


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

    writes = _writes(document)  # each alias may fail on its own
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
            found[-1].start = (given.get("after") or given.get("before") or "").removeprefix("$")
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
