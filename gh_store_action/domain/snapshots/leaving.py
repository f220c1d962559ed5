"""Which objects a snapshot no longer has, whether there are too many to drop silently, and how to list them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gh_store_action.domain.markdown import shorten, visible
from gh_store_action.domain.objects import key
from gh_store_action.domain.records import Rules
from gh_store_action.domain.snapshots.snapshot import Snapshot
from gh_store_action.domain.strict_json import excerpt

NAMED = 10  # objects that left to list in a message,
LISTED = 50  # and in a commit message and a job summary
LONGEST = 60  # characters of an id to show; a snapshot written by others may have any id


def left(before: Collection[str], snapshot: Snapshot, rules: Rules) -> tuple[str, ...]:
    """The earlier ids that the snapshot no longer has, in order."""
    there = {key(entry.object_id, rules) for entry in snapshot.entries.values()}
    return tuple(sorted(object_id for object_id in before if key(object_id, rules) not in there))


def shrinks(gone: Collection[str], before: Collection[str]) -> bool:
    """Whether more than a tenth left: deleting a label causes that, mostly by mistake."""
    return len(gone) * 10 > len(before)


def named(ids: Sequence[str], most: int = NAMED) -> str:
    """The first of them and the number of the others; as JSON, which mentions no one and starts no line."""
    shown = ", ".join(excerpt(visible(shorten(object_id, LONGEST))) for object_id in ids[:most])
    more = len(ids) - most
    return f"{shown} and {more:,} more" if more > 0 else shown
