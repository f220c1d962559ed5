"""What the core asks the processor to do next, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gh_store_action.domain.log.fold import State
from gh_store_action.domain.objects import Marker
from gh_store_action.domain.patches.changes import Change
from gh_store_action.domain.records import Receipt, Refusal
from gh_store_action.domain.verdicts import Verdict


@dataclass(frozen=True)
class ReadFurther:
    """Read back to the comment with this id, or an older one (0: all)."""

    until: int


@dataclass(frozen=True)
class AskPermissions:
    """Ask whether these people may write this object; of `limited`, whether they may do what its rule allows."""

    logins: frozenset[str] = frozenset()
    limited: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ReadAgain:
    """Wait and read again: the read does not show one moment.

    Args:
        why: what is missing, as a sentence about GitHub.
    """

    why: str


@dataclass(frozen=True)
class LookRound:
    """Look for other issues with the object's id: nothing is adopted next to one that the store has signed."""


@dataclass(frozen=True)
class NotAnObject:
    """The issue is not an object of the store, or not a live one.

    Args:
        broken: it was meant as one, and someone has to fix it.
        moved_to: the issue that it is being moved to; 0 for none.
    """

    reason: str
    deleted: bool = False
    broken: bool = False
    moved_to: int = 0


@dataclass(frozen=True)
class UpToDate:
    """Nothing to write."""

    object_id: str
    state: State
    blocked: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Write:
    """One request: checkpoint, reply, title with body and state, receipts.

    Args:
        title: sent with `body`; both are None if the state and the marker stay.
        checkpoint: the comment's text, empty for none; `checkpoint_id` is its idempotency key.
        verdicts: those made in this decision, by comment id.
        blocked: updates that stay pending because their author's permission is unknown.
        changes: what the updates that are applied now change.
    """

    object_id: str
    title: str | None
    body: str | None
    close: bool
    checkpoint: str
    checkpoint_id: str
    reply: str
    receipts: tuple[Receipt, ...]
    verdicts: Mapping[int, Verdict]
    refusals: tuple[Refusal, ...]
    state: State
    marker: Marker
    blocked: int = 0
    notes: tuple[str, ...] = field(default=())
    changes: tuple[Change, ...] = ()


Step = ReadFurther | ReadAgain | AskPermissions | LookRound | NotAnObject | UpToDate | Write
