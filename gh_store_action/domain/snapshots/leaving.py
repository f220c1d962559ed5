"""Which objects a snapshot no longer has, whether they are too many to go in silence, and how they are named."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gh_store_action.domain.markdown import shorten, visible
from gh_store_action.domain.objects import key
from gh_store_action.domain.records import Rules
from gh_store_action.domain.snapshots.snapshot import Snapshot
from gh_store_action.domain.strict_json import excerpt

NAMED = 10  # of those that left: so many are in a message,
LISTED = 50  # and so many in a commit's message and a job's summary
LONGEST = 60  # characters of an id that are shown; a snapshot that somebody else wrote may have any


def left(before: Collection[str], snapshot: Snapshot, rules: Rules) -> tuple[str, ...]:
    """The ids, of those before, that the snapshot has no more, in order."""
    there = {key(entry.object_id, rules) for entry in snapshot.entries.values()}
    return tuple(sorted(object_id for object_id in before if key(object_id, rules) not in there))


def shrinks(gone: Collection[str], before: Collection[str]) -> bool:
    """Whether more than a tenth went: a label that was deleted does that, and mostly nobody meant it."""
    return len(gone) * 10 > len(before)


def named(ids: Sequence[str], most: int = NAMED) -> str:
    """The first of them and how many more there are; as JSON, which mentions nobody and begins no line."""
    shown = ", ".join(excerpt(visible(shorten(object_id, LONGEST))) for object_id in ids[:most])
    more = len(ids) - most
    return f"{shown} and {more:,} more" if more > 0 else shown
