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
    store wrote, the two differ.  This proves nothing if other comments were edited or deleted.  Nor does it if the
    earlier one may have been edited before the fold, too, for what was folded may then have had the same key; so its
    text has to explain the state; or no text, if it has no verdict.

    Args:
        marker: of the state that the store wrote.

    Raises:
        NeedsMore: it needs a longer read.
    """
    if not entry.may_repeat or context.refusal(entry) is not None:
        return False
    reach_checkpoint(issue, entries)
    start = newest_checkpoint(other for other in entries if other.after <= base.comment)
    edited = [other for other in entries if other.changed and start is not None and other.id > start.after]
    count = issue.total_comments - sum(1 for other in entries if other.id > base.comment)
    if [other.id for other in edited] != [entry.may_repeat] or count != marker.count:
        return False
    (first,) = edited
    known = {**base.recorded, **base.verdicts}

    def explains(*texts: Entry) -> bool:
        then = [other for e in entries for other in (texts if e.id == first.id else (e,))]
        found = replay(then, context, up_to=base.comment, recorded=known)
        return found is not None and short_digest(found.state.data) == marker.digest

    if first.comment.edited_at == first.folded_at or explains(replace(entry, comment=first.comment)):
        return False
    return explains(first) or (first.id not in known and explains())
