"""The state that pending updates are folded onto, and what is asked of the log for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gh_store_action.domain.log.entries import Entry, Kind, adopted_at, checkpoint, checkpoint_id
from gh_store_action.domain.log.fold import State, newest_checkpoint
from gh_store_action.domain.log.fold import reach as repeats_reach
from gh_store_action.domain.objects import Marker
from gh_store_action.domain.processing.context import Context, NeedsMore
from gh_store_action.domain.processing.effects import ReadFurther
from gh_store_action.domain.processing.replay import Explanation, Finding, ReplayLog, explain, recorded_by_checkpoints
from gh_store_action.domain.records import Issue
from gh_store_action.domain.replies import RefusedEdit
from gh_store_action.domain.strict_json import InvalidJson, Json, read_body
from gh_store_action.domain.verdicts import Outcome, Verdict, outcomes_given

LATE = "comments came late"


@dataclass(frozen=True)
class Base:
    """Where the fold of the pending updates starts.

    Args:
        comment: updates after this comment are pending.
        recorded: verdicts of older updates that stand, by comment id.
        verdicts: verdicts of older updates that were made just now.
        moved: whether title and body must be written even if nothing is pending.
        retitled: whether somebody else has set the title, so that it must be set again.
    """

    state: State
    comment: int
    recorded: Mapping[int, Verdict]
    verdicts: Mapping[int, Verdict] = field(default_factory=dict)
    moved: bool = False
    retitled: bool = False
    checkpoint: str = ""
    checkpoint_id: str = ""
    refused_edit: RefusedEdit | None = None
    notes: tuple[str, ...] = ()
    since: int = 0  # verdicts up to this comment were made under other rules and get no reply


def body_data(text: str) -> tuple[Json, str]:
    try:
        data = read_body(text)
    except InvalidJson as error:
        return None, error.reason
    return data, ""


def reach(issue: Issue, entries: Sequence[Entry], comment: int) -> None:
    """Makes sure that the read goes back to that comment."""
    if not issue.complete and (not entries or entries[0].id > comment):
        raise NeedsMore(ReadFurther(comment))


def reach_checkpoint(issue: Issue, entries: Sequence[Entry], without: frozenset[int] = frozenset()) -> None:
    """Makes sure that the read goes back to the newest checkpoint's place.

    A checkpoint with a later place has a higher id still, so the first one found going back bounds the way.
    """
    base = newest_checkpoint(e for e in entries if e.id not in without)
    if base is not None:
        reach(issue, entries, base.after)
        again = [e for e in entries if e.asks and e.id > base.after]
        if not issue.complete and repeats_reach(entries, again) is not None:
            raise NeedsMore(ReadFurther(entries[0].id - 1))
    elif not issue.complete:
        raise NeedsMore(ReadFurther(entries[0].id - 1 if entries else 0))


def recorded_verdicts(entries: Sequence[Entry], context: Context, up_to: int) -> dict[int, Verdict]:
    """The verdicts that bind: receipts of identities that count, what checkpoints name, what this run has written."""
    found = recorded_by_checkpoints(entries)
    for entry in entries:
        given = outcomes_given(entry.comment, context.rules.reactions, context.counting)
        # The oldest binds, whoever else that counts reacts later; what was never an update was never applied.
        update = entry.kind is Kind.UPDATE or entry.comment.edited_at != ""
        sound = [outcome for outcome in given if update or outcome is not Outcome.APPLIED]
        if entry.asks and sound:
            found[entry.id] = Verdict(sound[0])
    found.update(context.known)
    return {comment: verdict for comment, verdict in found.items() if comment <= up_to}


def unreceipted(
    entries: Sequence[Entry], context: Context, marker: Marker, recorded: Mapping[int, Verdict]
) -> list[Entry]:
    """Older updates without a verdict, after what an adoption took over; their authors have been asked about."""
    adopted = adopted_at(entries)
    found = [e for e in entries if e.asks and adopted < e.id <= marker.comment and e.id not in recorded]
    context.insist(login for entry in found for login in context.writers(entry))
    return found


def explained(
    issue: Issue,
    entries: Sequence[Entry],
    context: Context,
    marker: Marker,
    recorded: Mapping[int, Verdict],
    missing: Sequence[Entry],
) -> Explanation:
    reach_checkpoint(issue, entries)
    log = ReplayLog(entries, recorded, context.may_write, context.judge)
    found = explain(log, up_to=marker.comment, wanted=marker.digest, unreceipted=missing)
    stray = frozenset(e.id for e in entries if e.kind is Kind.CHECKPOINT and e.id > marker.comment >= e.after)
    if found.finding is Finding.CHANGED and stray:
        reach_checkpoint(issue, entries, stray)
    return found


def _stands(entry: Entry, key: str, context: Context) -> bool:
    """Whether the checkpoint is in the log; a guest's own will not count when the guest is gone."""
    lasting = not context.guest or (entry.adopted and entry.comment.author != context.guest)
    return entry.kind is Kind.CHECKPOINT and entry.update_id == key and lasting


def with_checkpoint(
    base: Base, entries: Sequence[Entry], context: Context, marker: Marker, *, reason: str, editor: str = ""
) -> Base:
    """Enters the base's state into the log, unless it stands there already."""
    key = checkpoint_id(marker.revision, marker.comment, base.state.data)
    if any(_stands(e, key, context) for e in entries):
        return replace(base, moved=True, checkpoint="", checkpoint_id=key)
    text = checkpoint(
        base.state.data,
        after=marker.comment,
        revision=base.state.revision,
        update_id=key,
        version=context.version,
        reason=reason,
        editor=editor,
        verdicts={comment: verdict.outcome.key for comment, verdict in base.verdicts.items()},
    )
    return replace(base, moved=True, checkpoint=text, checkpoint_id=key)


def late_notes(late: Sequence[Entry], reason: str = LATE) -> tuple[str, ...]:
    if not late and reason == LATE:
        return ()
    which = ", ".join(str(e.id) for e in late) or "none"
    return (f"The log and the body did not agree ({reason}); folded now: {which}.",)


def unreceipted_reply_ids(entries: Sequence[Entry], verdicts: Mapping[int, Verdict], base: Base) -> frozenset[int]:
    """Rejected updates that no reply names yet."""
    named = frozenset(name for e in entries for name in e.names)
    return frozenset(
        e.id
        for e in entries
        if e.id > base.since
        and e.id in verdicts
        and verdicts[e.id].outcome is Outcome.REJECTED
        and str(e.id) not in named
    )
