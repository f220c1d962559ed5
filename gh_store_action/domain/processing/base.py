"""The state that pending updates are folded onto, and what to read of the log to find it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gh_store_action.domain.log.entries import Entry, Kind, checkpoint, checkpoint_id
from gh_store_action.domain.log.fold import (
    Folded,
    State,
    fold,
    folded_repeats,
    newest_checkpoint,
    repeats,
    unread_for_keys,
)
from gh_store_action.domain.log.receipts import verdicts_given
from gh_store_action.domain.patches.changes import Change
from gh_store_action.domain.processing.context import Context, NeedsMore
from gh_store_action.domain.processing.effects import ReadFurther
from gh_store_action.domain.processing.replay import recorded_by_checkpoints
from gh_store_action.domain.records import Issue
from gh_store_action.domain.replies import RefusedEdit
from gh_store_action.domain.verdicts import Verdict, outcomes_given

LATE = "comments came late"


@dataclass(frozen=True)
class Base:
    """Where the fold of the pending updates starts.

    Args:
        comment: updates after this comment are pending.
        recorded: existing verdicts of older updates, by comment id.
        verdicts: new verdicts of older updates.
        basis: the revision of its marker.
        recent: the newest comments up to `comment`, see `Marker.recent`.
        moved: whether to write title and body even if nothing is pending.
        renamed: whether the title must change so that GitHub records that this run set it.
        since: verdicts up to this comment were made under other rules and get no reply.
        changes: what late updates, which were folded onto it, changed.
    """

    state: State
    comment: int
    recorded: Mapping[int, Verdict]
    basis: int
    verdicts: Mapping[int, Verdict] = field(default_factory=dict)
    recent: tuple[str, ...] = ()
    moved: bool = False
    renamed: bool = False
    checkpoint: str = ""
    checkpoint_id: str = ""
    refused_edit: RefusedEdit | None = None
    notes: tuple[str, ...] = ()
    since: int = 0
    changes: tuple[Change, ...] = ()


def changes_of(before: State, folded: Folded, entries: Iterable[Entry]) -> tuple[Change, ...]:
    """What each update that was applied in a fold changed."""
    authors = {entry.id: entry.author for entry in entries}
    states = [before, *(state for _, state in folded.history)]
    return tuple(
        Change.of(comment, authors[comment], old.data, new.data)
        for old, (comment, new) in zip(states, folded.history, strict=False)
    )


def reach(issue: Issue, entries: Sequence[Entry], comment: int) -> None:
    """Ensures that the read goes back to that comment."""
    if not issue.complete and (not entries or entries[0].id > comment):
        raise NeedsMore(ReadFurther(comment))


def reach_keys(issue: Issue, entries: Sequence[Entry], updates: Iterable[Entry]) -> None:
    """Ensures that the read has every comment that the idempotency keys of these updates cover."""
    if not issue.complete and unread_for_keys(entries, updates):
        raise NeedsMore(ReadFurther(entries[0].id - 1))


def reach_checkpoint(issue: Issue, entries: Sequence[Entry]) -> None:
    """Ensures that the read goes back to the newest checkpoint's place.

    A checkpoint with a later place has an even higher id, so the first one found going back is the limit.
    """
    base = newest_checkpoint(entries)
    if base is not None:
        reach(issue, entries, base.after)
        reach_keys(issue, entries, [e for e in entries if e.asks and e.id > base.after])
    elif not issue.complete:
        raise NeedsMore(ReadFurther(entries[0].id - 1 if entries else 0))


def answered(entries: Sequence[Entry]) -> frozenset[str]:
    """What the store's replies already name."""
    return frozenset(name for entry in entries for name in entry.names)


def recorded_verdicts(entries: Sequence[Entry], context: Context, up_to: int) -> dict[int, Verdict]:
    """The binding verdicts: receipts by people who have set a marker, those in checkpoints, and this run's own."""
    found = recorded_by_checkpoints(entries)
    for entry in entries:
        given = verdicts_given(entry, context.rules, context.binding)
        if given:
            found[entry.id] = Verdict(given[0])
    found.update(context.known)
    return {comment: verdict for comment, verdict in found.items() if comment <= up_to}


def on_top(
    base: Base, late: Sequence[Entry], context: Context, entries: Sequence[Entry], *, reason: str, editor: str = ""
) -> Base:
    """Late updates come last, in the order of their ids; a checkpoint records that if the state changed."""
    context.insist(late)
    settled = {**base.recorded, **base.verdicts}
    earlier = repeats(entries)
    repeated = folded_repeats(earlier, late, settled)
    folded = fold(
        base.state,
        late,
        earlier={**earlier, **repeated},
        recorded=settled,
        refusal=context.refusal,
        judge=context.judge,
    )
    if late:
        which = ", ".join(str(entry.id) for entry in late)
        base = replace(base, notes=(*base.notes, f"Folded now, because they came late: {which}."), moved=True)
    changes = changes_of(base.state, folded, late)
    base = replace(base, state=folded.state, verdicts={**base.verdicts, **folded.verdicts}, changes=changes)
    if not folded.history and not editor and not repeated:  # in a rebuild, a late update would come before its repeat
        return base
    return with_checkpoint(base, entries, context, reason=reason, editor=editor)


def with_checkpoint(base: Base, entries: Sequence[Entry], context: Context, *, reason: str, editor: str = "") -> Base:
    """Adds the base's state to the log, unless it is already there, with the verdicts that no receipt records yet."""
    key = checkpoint_id(base.basis, base.comment, base.state.data)
    if any(entry.kind is Kind.CHECKPOINT and entry.update_id == key for entry in entries):
        return replace(base, moved=True, checkpoint="", checkpoint_id=key)
    told = {entry.id for entry in entries if outcomes_given(entry.comment, context.rules.reactions, context.binding)}
    untold = {number: base.recorded[number] for number in context.known.keys() & base.recorded.keys() - told}
    text = checkpoint(
        base.state.data,
        after=base.comment,
        revision=base.state.revision,
        update_id=key,
        version=context.version,
        reason=reason,
        editor=editor,
        verdicts={number: verdict.outcome.key for number, verdict in {**untold, **base.verdicts}.items()},
        owner=context.origin.owner if context.origin.recorded else "",
        form=context.origin.form,
    )
    return replace(base, moved=True, checkpoint=text, checkpoint_id=key)
