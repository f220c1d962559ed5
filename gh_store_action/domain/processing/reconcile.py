"""Where the fold of pending updates starts: the body, an edit by hand, the log itself, or an object taken over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gh_store_action.domain import objects
from gh_store_action.domain.log.entries import ADOPTED, Entry, Kind, adopted_at, checkpoint_id
from gh_store_action.domain.log.fold import State, fold, newest_checkpoint, repeats
from gh_store_action.domain.objects import Marker
from gh_store_action.domain.processing.base import (
    LATE,
    Base,
    body_data,
    explained,
    late_notes,
    reach,
    recorded_verdicts,
    unreceipted,
    with_checkpoint,
)
from gh_store_action.domain.processing.context import Context, NeedsMore
from gh_store_action.domain.processing.effects import ReadFurther
from gh_store_action.domain.processing.replay import Finding
from gh_store_action.domain.records import Issue
from gh_store_action.domain.refusal import Reason
from gh_store_action.domain.replies import RefusedEdit, edit_name
from gh_store_action.domain.strict_json import Json, fits
from gh_store_action.domain.verdicts import APPLIED, UNAUTHORIZED, Outcome, Verdict, outcomes_given, reaction_of
from gh_store_action.errors import StoreError

EDITED = "edited by hand"
CHANGED = "the log was changed after the fact"


class BrokenObject(StoreError):
    """An object whose body is no JSON and whose log cannot rebuild it."""


@dataclass(frozen=True)
class TrustedMarker:
    """The marker in force.

    Args:
        at: when it was set; an edit of the body after that is somebody's, whoever it was.
        restored: it was found in the title's history: somebody has changed the title since.
        guest: who set it, where that is no identity that counts but somebody who may write.
    """

    marker: Marker
    at: str = ""
    restored: bool = False
    guest: str = ""


def find_trusted_marker(issue: Issue, context: Context) -> TrustedMarker | None:
    """The marker that counts, None where the object must be taken over.

    Raises:
        NeedsMore: when nobody has been asked yet about whoever set the title.
    """
    labelled = (objects.object_id_of(issue, context.rules) or "").casefold()
    named, marker = objects.read_title(issue.title)
    at = issue.titles[0].at if issue.titles else ""
    if marker is not None and issue.title_editor in context.counting:
        return TrustedMarker(marker, at)
    own: TrustedMarker | None = None
    guests: list[TrustedMarker] = []
    if marker is not None and issue.title_editor and named.casefold() == labelled:
        guests.append(TrustedMarker(marker, at, guest=issue.title_editor))
    for rename in issue.titles[1:]:
        named, found = objects.read_title(rename.title)
        if found is not None and rename.login in context.counting:
            own = TrustedMarker(found, rename.at, restored=True)
            break
        if found is not None and rename.login and named.casefold() == labelled:
            guests.append(TrustedMarker(found, rename.at, restored=True, guest=rename.login))
    for standing in guests:
        if _later(standing, own, issue) and context.allows(standing.guest):
            return standing
    return own


def _later(guest: TrustedMarker, own: TrustedMarker | None, issue: Issue) -> bool:
    """Whether a title may be a run's that went on from the store's own, and not an older one typed again."""
    if own is None and not guest.restored:
        return True
    if own is not None:
        ahead = guest.marker.comment >= own.marker.comment and guest.marker.revision >= own.marker.revision
        if not ahead or guest.marker == own.marker:
            return False
    data, problem = body_data(issue.body)
    return issue.edited_at > guest.at or (not problem and objects.short_digest(data) == guest.marker.digest)


def find_base(issue: Issue, entries: Sequence[Entry], context: Context, standing: TrustedMarker | None) -> Base:
    """The state before the pending updates.

    Args:
        entries: read with `context`, whose guest is the standing's.

    Raises:
        NeedsMore: when the read or the permissions known do not suffice.
        BrokenObject: when neither the body nor the log gives a state.
    """
    if standing is None:
        return _adopt(issue, entries, context)
    marker = standing.marker
    reach(issue, entries, marker.comment)
    base = _at(issue, entries, context, standing)
    if not (standing.restored or standing.guest):
        return base
    state = State(base.state.data, max(base.state.revision, marker.revision))
    base = replace(base, state=state, moved=True, retitled=not standing.guest)
    if not standing.guest:
        return base
    # What a guest left in the log counts no more once the title is ours, so the state is entered into it.
    return with_checkpoint(base, entries, context, marker, reason=ADOPTED, editor=standing.guest)


def _at(issue: Issue, entries: Sequence[Entry], context: Context, standing: TrustedMarker) -> Base:
    marker = standing.marker
    data, problem = body_data(issue.body)
    recorded = recorded_verdicts(entries, context, marker.comment)
    if not problem and objects.short_digest(data) == marker.digest:
        return _in_step(issue, entries, context, marker, data, recorded)
    if issue.editor and (issue.editor not in context.counting or issue.edited_at > standing.at):
        return _hand_edit(issue, entries, context, marker, recorded)
    return _rebuild(issue, entries, context, marker, recorded, retitled=bool(standing.guest))


def _without_verdict(
    entries: Sequence[Entry], context: Context, marker: Marker, recorded: dict[int, Verdict]
) -> tuple[dict[int, Verdict], list[Entry]]:
    """Older updates that nobody has a verdict for: the one that strangers get, and the updates of all others."""
    silent = unreceipted(entries, context, marker, recorded)
    strangers = {e.id: UNAUTHORIZED for e in silent if not context.may_write(e)}
    return strangers, [e for e in silent if e.id not in strangers]


def _in_step(
    issue: Issue, entries: Sequence[Entry], context: Context, marker: Marker, data: Json, recorded: dict[int, Verdict]
) -> Base:
    """Title and body agree."""
    state = State(data, marker.revision)
    strangers, missing = _without_verdict(entries, context, marker, recorded)
    counted = issue.total_comments - sum(1 for e in entries if e.id > marker.comment)
    stray = any(e.kind is Kind.CHECKPOINT and e.id > marker.comment >= e.after for e in entries)
    plain = Base(state, marker.comment, recorded, strangers, since=adopted_at(entries))
    if not missing and counted == marker.count and not stray:
        return plain
    found = explained(issue, entries, context, marker, {**recorded, **strangers}, missing)
    verdicts = {**strangers, **{k: v for k, v in found.folded.verdicts.items() if k not in recorded}}
    plain = replace(plain, verdicts=verdicts, moved=counted != marker.count)
    if found.finding is Finding.AGREES:
        return plain
    if found.finding is Finding.LATE:
        after = found.folded.state
        revision = max(after.revision, marker.revision + (after.data != data))
        return replace(plain, state=State(after.data, revision), moved=True, notes=late_notes(found.late))
    if found.finding is Finding.LATE_ON_TOP:
        return _on_top(plain, found.late, context, marker, entries, reason=LATE)
    changed = [e for e in missing if e.comment.edited_at > issue.edited_at or e in found.late]
    counted_in = {e.id: APPLIED for e in missing if e not in changed}
    return _on_top(
        replace(plain, verdicts={**strangers, **counted_in}), changed, context, marker, entries, reason=CHANGED
    )


def _on_top(
    base: Base, late: Sequence[Entry], context: Context, marker: Marker, entries: Sequence[Entry], *, reason: str
) -> Base:
    """The body stays, late updates come last, and a checkpoint says so."""
    folded = fold(
        State(base.state.data, marker.revision + 1),
        late,
        earlier=repeats(entries),
        recorded=base.recorded,
        authorized=context.may_write,
        judge=context.judge,
    )
    verdicts = {**base.verdicts, **folded.verdicts}
    return with_checkpoint(
        replace(
            base, state=folded.state, verdicts=verdicts, moved=True, notes=(*base.notes, *late_notes(late, reason))
        ),
        entries,
        context,
        marker,
        reason=reason,
    )


def _hand_edit(
    issue: Issue, entries: Sequence[Entry], context: Context, marker: Marker, recorded: dict[int, Verdict]
) -> Base:
    """Somebody edited the body on the web: an update by that person."""
    data, reasons = _judge_edit(issue.body, context)
    if not context.allows(issue.editor):
        reasons = (Reason("$", "its author may not write here"),)
    if reasons:
        rebuilt = _rebuild(issue, entries, context, marker, recorded)
        edit = RefusedEdit(issue.editor, issue.body, reasons, issue.edited_at)
        named = frozenset(name for e in entries for name in e.names)
        note = f"The edit of the body by {issue.editor} was refused; the state was rebuilt from the log."
        return replace(
            rebuilt,
            moved=True,
            refused_edit=None if edit_name(edit) in named else edit,
            notes=(*rebuilt.notes, note),
        )
    strangers, missing = _without_verdict(entries, context, marker, recorded)
    state = State(data, marker.revision + 1)
    base = Base(state, marker.comment, recorded, strangers, since=adopted_at(entries))
    late: Sequence[Entry] = ()
    if missing:
        found = explained(issue, entries, context, marker, {**recorded, **strangers}, missing)
        late = found.late if found.finding is not Finding.CHANGED else _surplus(issue, entries, marker, missing)
        held = {e.id: found.folded.verdicts.get(e.id, APPLIED) for e in missing if e not in late}
        folded = fold(
            state,
            late,
            earlier=repeats(entries),
            recorded=recorded,
            authorized=context.may_write,
            judge=context.judge,
        )
        base = replace(base, state=folded.state, verdicts={**strangers, **held, **folded.verdicts})
    note = f"The edit of the body by {issue.editor} was applied."
    base = replace(base, notes=(note, *late_notes(late)))
    return with_checkpoint(base, entries, context, marker, reason=EDITED, editor=issue.editor)


def _surplus(issue: Issue, entries: Sequence[Entry], marker: Marker, missing: Sequence[Entry]) -> Sequence[Entry]:
    """Where no fold explains the marker, the count tells how many came late: the newest."""
    more = issue.total_comments - sum(1 for e in entries if e.id > marker.comment) - marker.count
    return missing[-more:] if more > 0 else ()


def _judge_edit(text: str, context: Context) -> tuple[Json, tuple[Reason, ...]]:
    data, problem = body_data(text)
    if problem:
        return None, (Reason("$", problem),)
    if not fits(data):
        return None, (Reason("$", "the body would have more than 60,000 characters"),)
    return data, tuple(context.judge(data))


def _rebuild(
    issue: Issue,
    entries: Sequence[Entry],
    context: Context,
    marker: Marker,
    recorded: dict[int, Verdict],
    *,
    retitled: bool = False,
) -> Base:
    """The state from the log alone.

    Args:
        retitled: whether the marker may be somebody's typing, and says nothing about the log.

    Raises:
        BrokenObject: when the log gives no state, or not the one that the store wrote: it was changed after the fact,
            and what stands in it now may be anybody's.
    """
    strangers, missing = _without_verdict(entries, context, marker, recorded)
    found = explained(issue, entries, context, marker, {**recorded, **strangers}, missing)
    if found.base is None or (found.finding is Finding.CHANGED and not retitled):
        why = "has no initial state" if found.base is None else "was changed after the fact"
        raise BrokenObject(
            f"Issue #{issue.number}: the object's body does not fit its title, and its log {why}.",
            "Put the object's JSON back into the body (its edit history has it), then run again.",
        )
    folded = found.folded
    verdicts = {**strangers, **{k: v for k, v in folded.verdicts.items() if k not in recorded}}
    held = [e for e in missing if e not in found.late]
    verdicts.update({e.id: APPLIED for e in held if e.id not in verdicts})
    agrees = objects.short_digest(folded.state.data) == marker.digest
    base = Base(
        State(folded.state.data, max(folded.state.revision, marker.revision + (not agrees))),
        marker.comment,
        recorded,
        verdicts,
        moved=True,
        since=adopted_at(entries),
        notes=("The body did not fit its title; the state was rebuilt from the log.",),
    )
    if found.finding is Finding.LATE_ON_TOP:
        return _on_top(base, found.late, context, marker, entries, reason=LATE)
    return base


def _adopt(issue: Issue, entries: Sequence[Entry], context: Context) -> Base:
    """An object without a marker that counts: made by gh-store, by a create that crashed, or retitled by hand."""
    after = _last_processed(issue, entries, context)
    place = issue.total_comments - sum(1 for e in entries if e.id > after) if after else 0
    marker = Marker(place, after, place, "")
    editor = issue.editor or issue.author
    data, reasons = _judge_edit(issue.body, context)
    if not context.allows(editor):
        reasons = (Reason("$", "its author may not write here"),)
    recorded = recorded_verdicts(entries, context, after)
    if reasons:
        if newest_checkpoint(entries) is None and issue.complete:
            why = reasons[0].message
            raise BrokenObject(
                f"Issue #{issue.number} has the store's labels, but its body cannot be an object: {why}.",
                "Put the object's JSON, and nothing else, into the body, then run again.",
            )
        base = _rebuild(issue, entries, context, replace(marker, comment=after), recorded)
        edit = RefusedEdit(editor, issue.body, reasons, issue.edited_at)
        named = frozenset(name for e in entries for name in e.names)
        return replace(base, refused_edit=None if edit_name(edit) in named else edit)
    known = newest_checkpoint(entries)
    begun = known is not None and known.update_id == checkpoint_id(place, after, data)
    revision = known.revision if known and begun else max(place, known.revision if known and after else 0) + 1
    base = Base(State(data, revision), after, recorded, moved=True, since=after)
    return with_checkpoint(
        base, entries, context, marker, reason=ADOPTED if after else "", editor=editor if after else ""
    )


def _last_processed(issue: Issue, entries: Sequence[Entry], context: Context) -> int:
    """The newest update or initial state that was dealt with, 0 for none.

    A receipt of an identity that counts says so, and gh-store's receipt of anybody who may write.
    """
    reactions = context.rules.reactions
    applied = reaction_of(Outcome.APPLIED, reactions)
    for entry in reversed(entries):
        if entry.kind is Kind.CHECKPOINT and entry.reason:
            return entry.after
        if not entry.asks and entry.kind is not Kind.FOREIGN_STATE:
            continue
        if outcomes_given(entry.comment, reactions, context.counting):
            return entry.id
        if any(context.allows(r.login) for r in entry.comment.reactions if r.content == applied):
            return entry.id
    if not issue.complete:
        raise NeedsMore(ReadFurther(entries[0].id - 1 if entries else 0))
    return 0
