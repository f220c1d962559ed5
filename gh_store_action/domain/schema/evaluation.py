"""A compiled schema and its evaluation: in counted steps, so that hostile data ends it at the same step everywhere.

The jsonschema library's evaluator cannot limit its work, runs Python's backtracking regular expressions where no
override reaches, and writes all of the data into its messages; and anyone who can comment chooses that data.  So that
library checks the schemas (see `metaschema`), and this module, with `keywords`, checks the data.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from gh_store_action.domain.refusal import Reason
from gh_store_action.domain.strict_json import Json, canonical, json_path

STEP_LIMIT = 1_000_000
"""Keywords and values that one evaluation may visit: some seconds at worst; 60,000 characters need far fewer."""
REASON = 5
"""Steps for one reason, and one more for each level of its path, because both are written."""
CHUNK = 1_000
"""Characters of a string that a regular expression reads in one step."""
BATCH = 20
"""Reasons, names and indexes that one schema takes over from another in one step."""


ANY: tuple[type, ...] = (object,)
NUMBER: tuple[type, ...] = (int, float)
"""For the `kinds` of a keyword: any value; numbers, which do not include Python's bool here."""


class TooMuchWork(Exception):
    """The evaluation exceeded a limit; the text is a clause after the schema's name."""


class Keyword(NamedTuple):
    """What a keyword does: the Python types of the values it applies to, and `function(run, operand, at, outcome)`.

    A function that needs the results of other schemas is a generator that asks for them; the others just return.
    """

    kinds: tuple[type, ...]
    function: Callable[[Evaluation, Any, At, Findings], Asking | None]


class Pattern(NamedTuple):
    """A regular expression: its text, and whether it matches anywhere in a string, found in linear time."""

    text: str
    matches: Callable[[str], bool]


@dataclass(slots=True, eq=False)
class Node:
    """A compiled schema.

    Args:
        base: the base URI of the schema resource it belongs to.
        refuses_all: whether it is the schema `false`.
        dynamic_anchor: its `$dynamicAnchor`.
        keywords: those that assert something, in evaluation order, each with what its function takes.
    """

    base: str
    refuses_all: bool = False
    dynamic_anchor: str | None = None
    keywords: dict[str, tuple[Keyword, Any]] = field(default_factory=dict)


def evaluate(root: Node, data: Json) -> set[Reason]:
    """Why the data does not match; empty if it does.

    Nested schemas wait on our own stack, not on Python's: data may be as deep as the store allows, and a schema may
    take any number of turns for each of its levels.

    Raises:
        TooMuchWork: after STEP_LIMIT steps, or if a schema needs its own result.
    """
    run = Evaluation()
    waiting = [run.check(root, At(data, (), (root.base,)))]
    answer: Findings | None = None
    while True:
        try:
            asked = next(waiting[-1]) if answer is None else waiting[-1].send(answer)
        except StopIteration as done:
            found: Findings = done.value
            waiting.pop()
            if not waiting:
                return found.reasons
            answer = found
        else:
            answer = None
            waiting.append(run.check(*asked))


class At(NamedTuple):
    """One value, its path, and the schema resources that the evaluation came through, each once."""

    value: Any
    path: tuple[str | int, ...]
    scope: tuple[str, ...]

    def inside(self, part: str | int) -> At:
        return self._replace(value=self.value[part], path=(*self.path, part))


class Findings:
    """One schema's result for one value: reasons against it, and the members and items that it evaluated."""

    __slots__ = ("charge", "names", "reasons", "seen")

    def __init__(self, charge: Callable[[int], None]) -> None:
        self.charge = charge
        self.reasons: set[Reason] = set()
        self.names: set[str] = set()
        self.seen: set[int] = set()

    def refuse(self, at: At, message: str) -> None:
        self.charge(REASON + len(at.path))
        self.reasons.add(Reason(json_path(at.path), message))

    @property
    def size(self) -> int:
        """The amount to take over."""
        return len(self.reasons) + len(self.names) + len(self.seen)

    def include(self, other: Findings) -> None:
        """Take over another schema's result for the same value."""
        self.reasons |= other.reasons
        self.names |= other.names
        self.seen |= other.seen


Asking: TypeAlias = Generator[tuple[Node, At], Findings, Any]
"""Work that yields a schema and a value, and is sent the schema's result for the value."""


class Evaluation:
    """One evaluation, with its count of steps.

    The result of a nested schema for a value is computed once: otherwise, alternatives that lead to the same place
    would double the work at each level.
    """

    def __init__(self) -> None:
        self.steps = 0
        self.texts: dict[int, str] = {}
        self.known: dict[object, Findings | None] = {}  # None while it is being computed

    def charge(self, steps: int) -> None:
        self.steps += steps
        if self.steps > STEP_LIMIT:
            raise TooMuchWork(f"needs more than {STEP_LIMIT:,} steps for this data; it has to become simpler")

    def check(self, node: Node, at: At) -> Generator[tuple[Node, At], Findings, Findings]:
        """The schema's result for the value."""
        question = node, at.path, id(at.value), at.scope  # a key has the path of its object
        if question in self.known:
            found = self.known[question]
            if found is None:
                raise TooMuchWork("refers to itself without end")
            self.charge(1 + found.size // BATCH)
            return found
        self.charge(1 + len(node.keywords))
        outcome = Findings(self.charge)
        if node.refuses_all:
            outcome.refuse(at, "is not allowed here")
        inner = at if node.base in at.scope else at._replace(scope=(*at.scope, node.base))
        for (kinds, function), operand in node.keywords.values():
            if isinstance(at.value, kinds) and not (kinds is NUMBER and isinstance(at.value, bool)):
                asking = function(self, operand, inner, outcome)
                if asking is not None:
                    self.known[question] = None
                    yield from asking
        if question in self.known:
            self.known[question] = outcome
            self.charge(outcome.size // BATCH)
        return outcome

    def text(self, value: Json) -> str:
        """The canonical text, computed once for each part of the data."""
        if not isinstance(value, dict | list):
            return canonical(value)
        if id(value) not in self.texts:
            self.texts[id(value)] = canonical(value)
        return self.texts[id(value)]

    def matches(self, pattern: Pattern, text: str) -> bool:
        self.charge(1 + len(text) // CHUNK)
        return pattern.matches(text)
