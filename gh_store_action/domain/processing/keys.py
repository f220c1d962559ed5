"""Whether an update repeats an earlier one that was edited later: sometimes the log shows that it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gh_store_action.domain.log.entries import Entry
from gh_store_action.domain.log.fold import newest_checkpoint
from gh_store_action.domain.objects import Marker, short_digest
from gh_store_action.domain.processing.base import Base, reach_checkpoint
from gh_store_action.domain.processing.context import Context
from gh_store_action.domain.processing.replay import replay
from gh_store_action.domain.records import Issue


def is_new(entry: Entry, issue: Issue, entries: Sequence[Entry], context: Context, base: Base, marker: Marker) -> bool:
    """Whether the log shows that a pending update differs from the earlier one that it may repeat.

    The log is folded again with the pending update in the earlier one's place.  If the result is not the state that the
    store wrote, the two differ.  This proves nothing if other comments were edited or deleted.

    Args:
        marker: of the state that the store wrote.

    Raises:
        NeedsMore: it needs a longer read.
    """
    if not entry.may_repeat or context.refusal(entry) is not None:
        return False
    reach_checkpoint(issue, entries)
    start = newest_checkpoint(other for other in entries if other.after <= base.comment)
    edited = [other.id for other in entries if other.changed and start is not None and other.id > start.after]
    count = issue.total_comments - sum(1 for other in entries if other.id > base.comment)
    if edited != [entry.may_repeat] or count != marker.count:
        return False
    then = [replace(entry, comment=e.comment) if e.id == entry.may_repeat else e for e in entries]
    known = {**base.recorded, **base.verdicts}
    found = replay(then, context, up_to=base.comment, recorded=known)
    return found is not None and short_digest(found.state.data) != marker.digest
