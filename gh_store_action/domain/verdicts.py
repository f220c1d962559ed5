"""The outcomes of an update: one row each, and everything derived from it.

The row says which reaction records the outcome, how it is worded, and whether it is a refusal.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache

from gh_store_action.domain.records import Comment, Reactions
from gh_store_action.domain.refusal import Reason

_REACTIONS = frozenset(one.name for one in fields(Reactions))


class Row(enum.Enum):
    """One member per outcome: its key in logs and JSON, its field in `Reactions`, and its words for people."""

    key: str
    reaction: str
    words: str

    def __new__(cls, key: str, reaction: str, words: str) -> Row:
        if reaction not in _REACTIONS:
            raise TypeError(f"{key}: Reactions has no {reaction!r}")
        row = object.__new__(cls)
        row._value_ = row.key = key
        row.reaction, row.words = reaction, words
        return row


class Outcome(Row):
    """The outcome of an update."""

    APPLIED = "applied", "processed", "applied"
    REJECTED = "rejected", "rejected", "rejected"
    UNAUTHORIZED = "unauthorized", "unauthorized", "not authorised"

    @property
    def refused(self) -> bool:
        """Whether the object did not change."""
        return self is not Outcome.APPLIED


@dataclass(frozen=True)
class Verdict:
    """An outcome and, for a refusal, its reasons."""

    outcome: Outcome
    reasons: tuple[Reason, ...] = ()


APPLIED = Verdict(Outcome.APPLIED)
UNAUTHORIZED = Verdict(Outcome.UNAUTHORIZED)


@dataclass(frozen=True)
class Counts:
    """The number of updates with each outcome."""

    numbers: Mapping[Outcome, int] = field(default_factory=dict)

    @classmethod
    def of(cls, verdicts: Iterable[Verdict]) -> Counts:
        """Counted from verdicts."""
        return cls(Counter(verdict.outcome for verdict in verdicts))

    def __getitem__(self, outcome: Outcome) -> int:
        return self.numbers.get(outcome, 0)

    @property
    def total(self) -> int:
        """Updates that got a verdict."""
        return sum(self[outcome] for outcome in Outcome)

    @property
    def refused(self) -> int:
        """Updates that were not applied, for any reason."""
        return sum(self[outcome] for outcome in Outcome if outcome.refused)

    def named(self) -> dict[str, int]:
        """For JSON: each outcome by its key."""
        return {outcome.key: self[outcome] for outcome in Outcome}

    def worded(self) -> list[tuple[int, str]]:
        """For people: each number with its words."""
        return [(self[outcome], outcome.words) for outcome in Outcome]


def reaction_of(outcome: Outcome, reactions: Reactions) -> str:
    """The reaction that records the outcome."""
    content: str = getattr(reactions, outcome.reaction)
    return content


@cache
def meanings(reactions: Reactions) -> Mapping[str, Outcome]:
    """The reactions that record an outcome, each with it."""
    return {reaction_of(outcome, reactions): outcome for outcome in Outcome}


def outcome_of(content: str, reactions: Reactions) -> Outcome | None:
    """The outcome that a reaction records, or None."""
    return meanings(reactions).get(content)


def outcomes_given(comment: Comment, reactions: Reactions, who: Collection[str]) -> list[Outcome]:
    """The outcomes recorded by these people's receipts on a comment, oldest first."""
    given = (one for one in comment.reactions if one.login in who and not one.by_hand)
    outcomes = (outcome_of(one.content, reactions) for one in given)
    return [outcome for outcome in outcomes if outcome is not None]


def initial_receipts(reactions: Reactions) -> tuple[str, str]:
    """The two reactions on an initial state in the log."""
    return reaction_of(Outcome.APPLIED, reactions), reactions.initial_state
