"""A compiled schema and its evaluation: in counted steps, so that hostile data ends it at the same place everywhere.

The evaluator of the jsonschema library cannot bound its work, runs Python's backtracking regular expressions where no
override reaches, and writes the whole data into its messages; and whoever may comment chooses that data.  So that
library checks the schemas themselves (see `schema`), and this module, with `keywords`, the data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gh_store_action.domain.refusal import Reason
from gh_store_action.domain.strict_json import Json, canonical, json_path

STEP_LIMIT = 1_000_000
"""Keywords and values that one evaluation may look at: some seconds at worst, and 60,000 characters need far fewer."""
NESTING_LIMIT = 250
"""How many schemas may be evaluated inside each other; each takes two frames of Python's thousand."""
CHUNK = 1_000
"""Characters of a string that a regular expression reads in one step."""


ANY: tuple[type, ...] = (object,)
NUMBER: tuple[type, ...] = (int, float)
"""As `kinds` of a keyword: every value; numbers, to which Python's bool does not count here."""


class TooMuchWork(Exception):
    """The evaluation passed a limit; the text is a clause that follows the schema's name."""


class Keyword(NamedTuple):
    """What a keyword does: the Python types of the values it applies to, and `function(run, operand, at, outcome)`."""

    kinds: tuple[type, ...]
    function: Callable[[Evaluation, Any, At, Findings], None]


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
        keywords: those that assert something, in the order of their evaluation, each with what its function takes.
    """

    base: str
    refuses_all: bool = False
    dynamic_anchor: str | None = None
    keywords: dict[str, tuple[Keyword, Any]] = field(default_factory=dict)


def evaluate(root: Node, data: Json) -> list[Reason]:
    """Why the data does not fit, in no particular order, perhaps with repetitions; empty if it fits.

    Raises:
        TooMuchWork: after STEP_LIMIT steps or NESTING_LIMIT schemas inside each other.
    """
    return Evaluation().check(root, At(data, (), (root.base,), 0)).reasons


class At(NamedTuple):
    """One value, where it stands, through which schema resources the evaluation came, and how deep it is."""

    value: Any
    path: tuple[str | int, ...]
    scope: tuple[str, ...]
    depth: int

    def inside(self, part: str | int) -> At:
        return self._replace(value=self.value[part], path=(*self.path, part))


class Findings:
    """What one schema says of one value: reasons against it, and the members and items that it has looked at."""

    __slots__ = ("names", "reasons", "seen")

    def __init__(self) -> None:
        self.reasons: list[Reason] = []
        self.names: set[str] = set()
        self.seen: set[int] = set()

    def refuse(self, at: At, message: str) -> None:
        self.reasons.append(Reason(json_path(at.path), message))

    def include(self, other: Findings) -> None:
        """Take over what another schema said of the same value."""
        self.reasons += other.reasons
        self.names |= other.names
        self.seen |= other.seen


class Evaluation:
    """One evaluation, with its count of steps."""

    def __init__(self) -> None:
        self.steps = 0
        self.texts: dict[int, str] = {}

    def charge(self, steps: int) -> None:
        self.steps += steps
        if self.steps > STEP_LIMIT:
            raise TooMuchWork(f"needs more than {STEP_LIMIT:,} steps for this data; it has to become simpler")

    def check(self, node: Node, at: At) -> Findings:
        if at.depth >= NESTING_LIMIT:
            raise TooMuchWork(f"refers to itself without end, or goes more than {NESTING_LIMIT} schemas deep")
        self.charge(1 + len(node.keywords))
        outcome = Findings()
        if node.refuses_all:
            outcome.refuse(at, "is not allowed here")
        scope = at.scope if at.scope[-1] == node.base else (*at.scope, node.base)
        inner = at._replace(scope=scope, depth=at.depth + 1)
        for (kinds, function), operand in node.keywords.values():
            if isinstance(at.value, kinds) and not (kinds is NUMBER and isinstance(at.value, bool)):
                function(self, operand, inner, outcome)
        return outcome

    def text(self, value: Json) -> str:
        """The canonical text, made once for each part of the data."""
        if not isinstance(value, dict | list):
            return canonical(value)
        if id(value) not in self.texts:
            self.texts[id(value)] = canonical(value)
        return self.texts[id(value)]

    def matches(self, pattern: Pattern, text: str) -> bool:
        self.charge(1 + len(text) // CHUNK)
        return pattern.matches(text)
