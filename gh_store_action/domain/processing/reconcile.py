"""Where the fold of pending updates starts: the body, a hand edit, the log itself, or an adopted object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from gh_store_action.domain.log.entries import ADOPTED, Entry, Kind, adopted_at, checkpoint_id
from gh_store_action.domain.log.fold import Folded, State, newest_checkpoint, tampered_since
from gh_store_action.domain.log.receipts import gh_store_folded, holds
from gh_store_action.domain.objects import MOST_RECENT, short_digest, short_id
from gh_store_action.domain.processing.base import (
    LATE,
    Base,
    answered,
    on_top,
    reach,
    reach_checkpoint,
    reach_keys,
    recorded_verdicts,
    with_checkpoint,
)
from gh_store_action.domain.processing.context import Context, NeedsMore
from gh_store_action.domain.processing.effects import ReadFurther
from gh_store_action.domain.processing.held import Held, held_by
from gh_store_action.domain.processing.holding import holding, renumbered
from gh_store_action.domain.processing.replay import replay
from gh_store_action.domain.processing.trust import TrustedMarker
from gh_store_action.domain.records import Issue
from gh_store_action.domain.refusal import Reason
from gh_store_action.domain.replies import RefusedEdit, edit_name
from gh_store_action.domain.strict_json import InvalidJson, Json, fits, read_body
from gh_store_action.domain.verdicts import APPLIED, Outcome, Verdict, outcomes_given, reaction_of
from gh_store_action.errors import StoreError

EDITED = "edited by hand"
CHANGED = "the log was changed after the fact"
_MOST_SAID = 20  # comments that a message names
MAY_NOT = (Reason("$", "its author may not write here"),)
PASSED_OVER = Verdict(
    Outcome.REJECTED,
    (
        Reason(
            "$",
            "a later update is marked as processed and this one is not, so gh-store has probably skipped it, and newer "
            "changes may have replaced it; if the object still lacks it, post it again",
        ),
    ),
)


class BrokenObject(StoreError):
    """An object whose body is not JSON and whose log cannot rebuild it."""


def undecided(issue: Issue, held: Held) -> BrokenObject:
    """The failure if nothing tells which updates came late: taken for late, a folded one would count twice."""
    which = ", ".join(str(entry.id) for entry in held.unclear[:_MOST_SAID])
    more = f" and {len(held.unclear) - _MOST_SAID} more" if len(held.unclear) > _MOST_SAID else ""
    return BrokenObject(
        f"Issue #{issue.number}: {held.extra} of its comments came late, and neither reactions nor the log tell "
        f"which of these updates the body does not have: {which}{more}.",
        "Nothing was written. Delete those whose change the body does not have, try again, and post them once more.",
    )


def find_base(issue: Issue, entries: Sequence[Entry], context: Context, trusted: TrustedMarker | None) -> Base:
    """The state before the pending updates.

    Args:
        entries: the log as read with `context`.
        trusted: the marker that counts.

    Raises:
        NeedsMore: it needs a longer read or more permissions.
        BrokenObject: neither the body nor the log gives a state.
    """
    if trusted is None:
        return _adopt(issue, entries, context)
    marker = trusted.marker
    reach(issue, entries, marker.comment)
    copied = renumbered(issue, entries, marker, context)
    if copied is not None:
        trusted, entries = replace(trusted, marker=copied.marker), copied.entries
        marker = copied.marker
    recorded = recorded_verdicts(entries, context, marker.comment)
    settled = {e.id for e in entries if outcomes_given(e.comment, context.rules.reactions, context.binding)}
    since = adopted_at(entries)
    first = next((e for e in entries if e.asks and since < e.id <= marker.comment), None)
    if first is not None and first.id not in recorded and not issue.complete:
        raise NeedsMore(ReadFurther(entries[0].id - 1))  # receipts are left oldest first, so older ones may lack theirs
    held = holding(issue, entries, marker, settled | context.known.keys(), since)
    known = held_by(issue, entries, context, recorded, held, since=since, marker=marker)
    if known.unclear:
        raise undecided(issue, known)
    reach_keys(issue, entries, known.late)
    # If the author loses the right to write, the title no longer counts; set by the store, it always does.
    # Without any event, it may be that of a copy; if the store's own event is only late, signing again does no harm.
    signs = trusted.setter == issue.author and issue.author not in context.counting
    base = Base(
        State(None, marker.revision),
        marker.comment,
        recorded,
        marker.revision,
        known.verdicts,
        held.recent,
        moved=held.count > marker.count
        or (context.renew and held.count < marker.count)
        or copied is not None
        or not trusted.current
        or signs,
        renamed=not trusted.current or signs,
        since=since,
    )
    base = _on_body(issue, entries, context, trusted, base, known.late)
    again = copied is not None and copied.misplaced and not base.checkpoint
    return with_checkpoint(base, entries, context, reason=CHANGED) if again else base


def _on_body(
    issue: Issue,
    entries: Sequence[Entry],
    context: Context,
    trusted: TrustedMarker,
    base: Base,
    late: Sequence[Entry],
) -> Base:
    if trusted.fits(issue):
        base = replace(base, state=State(read_body(issue.body), base.basis))
        base = _with_lost_edit(issue, entries, context, trusted, base)
        base = _entered_again(entries, context, base)
        return on_top(base, late, context, entries, reason=LATE)
    other = issue.editor not in context.rules.processors or issue.editor != trusted.setter
    if not issue.editor or not (other or trusted.edited_after(issue)):
        return _rebuild(issue, entries, context, trusted, base, late)
    data, reasons = _judge_edit(issue.body, context)
    if not context.allows(issue.editor):
        reasons = MAY_NOT
    if not reasons:
        note = f"The edit of the body by {issue.editor} was applied."
        base = replace(base, state=State(data, base.basis + 1), notes=(note,), moved=True)
        return on_top(base, late, context, entries, reason=EDITED, editor=issue.editor)
    base = _rebuild(issue, entries, context, trusted, base, late)
    note = f"The edit of the body by {issue.editor} was refused. The state was rebuilt from the log."
    return replace(base, refused_edit=_unsaid(issue, issue.editor, reasons, entries), notes=(*base.notes, note))


def _with_lost_edit(
    issue: Issue, entries: Sequence[Entry], context: Context, trusted: TrustedMarker, base: Base
) -> Base:
    """Restores a hand edit that one run added to the log and a slower run overwrote.

    Its checkpoint is after the marker; the log folds to the body without it, but not with it.
    """
    edits = [e for e in entries if e.kind is Kind.CHECKPOINT and e.reason == EDITED and e.after <= base.comment < e.id]
    known = {**base.recorded, **base.verdicts}

    def folded(without: frozenset[int]) -> Folded | None:
        reach_checkpoint(issue, [entry for entry in entries if entry.id not in without])
        return replay(entries, context, up_to=base.comment, recorded=known, without=without)

    def fits(found: Folded | None) -> bool:
        return found is not None and short_digest(found.state.data) == trusted.marker.digest

    found = folded(frozenset()) if edits else None
    if found is None or fits(found) or not fits(folded(frozenset(entry.id for entry in edits))):
        return base
    note = f"The edit of the body by {edits[-1].editor} was overwritten. It was applied again."
    state = State(found.state.data, max(found.state.revision, base.basis + 1))
    return replace(base, state=state, moved=True, notes=(*base.notes, note))


def _entered_again(entries: Sequence[Entry], context: Context, base: Base) -> Base:
    """Adds the state to the log again if others edited the store's entry: otherwise only the body would have it."""
    settled = [entry for entry in entries if not entry.asks or entry.id <= base.comment]
    found = tampered_since(settled, context.rules)
    if not found:
        return base
    which = ", ".join(f"{entry.id} (by {entry.comment.editor})" for entry in found)
    note = f"Comments of the store were edited: {which}. The state was added to the log again."
    return with_checkpoint(replace(base, notes=(*base.notes, note)), entries, context, reason=CHANGED)


def _unsaid(issue: Issue, editor: str, reasons: tuple[Reason, ...], entries: Sequence[Entry]) -> RefusedEdit | None:
    """The refused edit; None if a reply already names it, or if its author may not write and so gets no reply.

    Everyone else who can edit a body has write permission, although the object's rule may leave them out.
    """
    if reasons == MAY_NOT and editor == issue.author:
        return None
    edit = RefusedEdit(editor, issue.body, reasons, issue.edited_at)
    return None if edit_name(edit) in answered(entries) else edit


def _judge_edit(text: str, context: Context) -> tuple[Json, tuple[Reason, ...]]:
    try:
        data = read_body(text)
    except InvalidJson as error:
        return None, (Reason("$", error.reason),)
    if not fits(data):
        return None, (Reason("$", "the body would have more than 60,000 characters"),)
    return data, tuple(context.judge(data))


def _rebuild(
    issue: Issue,
    entries: Sequence[Entry],
    context: Context,
    trusted: TrustedMarker,
    base: Base,
    late: Sequence[Entry],
) -> Base:
    """The state from the log alone.

    Raises:
        BrokenObject: the log gives no state, or not the one that the store wrote: it was changed later, by anyone.
    """
    reach_checkpoint(issue, entries)
    if newest_checkpoint(entries) is None and issue.author not in context.binding:
        context.allows(issue.author)  # the author's entries count only with the right to write
    apart = frozenset(entry.id for entry in late)
    # A run that was killed before it wrote the body leaves a checkpoint of a state that the body never had.
    strays = frozenset(e.id for e in entries if e.kind is Kind.CHECKPOINT and e.after <= base.comment < e.id)
    known = {**base.recorded, **base.verdicts}
    digest = trusted.marker.digest
    for wanted, without in product(("", digest), (apart, apart | strays)):
        found = replay(entries, context, up_to=base.comment, recorded=known, without=without, wanted=wanted)
        if found is not None and short_digest(found.state.data) == digest:
            note = "The body did not match its title. The state was rebuilt from the log."
            base = replace(base, state=State(found.state.data, base.basis), moved=True, notes=(note,))
            return on_top(base, late, context, entries, reason=LATE)
    why = "was changed after the fact" if newest_checkpoint(entries) else "has no initial state"
    raise BrokenObject(
        f"Issue #{issue.number}: the object's body does not match its title, and its log {why}.",
        "Put the object's JSON back into the body (its edit history has it). Then try again.",
    )


def _adopt(issue: Issue, entries: Sequence[Entry], context: Context) -> Base:
    """An object without a marker that counts: by gh-store or a person, or from an interrupted create."""
    data, reasons = _judge_edit(issue.body, context)
    after, passed = _last_processed(issue, entries, context, data)
    below = [entry.id for entry in entries if entry.id <= after]
    place = issue.total_comments - (len(entries) - len(below)) if after else 0
    recent = tuple(short_id(number) for number in below[-MOST_RECENT:])
    editor = issue.editor or issue.author
    if not context.allows(editor):
        reasons = MAY_NOT
    known = newest_checkpoint(entries)
    recorded = recorded_verdicts(entries, context, after)
    if reasons:
        if known is None and issue.complete:
            raise BrokenObject(
                f"Issue #{issue.number} has the store's labels, but its body cannot be an object: "
                f"{reasons[0].message}.",
                "Put the object's JSON, and nothing else, into the body. Then try again.",
            )
        reach_checkpoint(issue, entries)
        rebuilt = replay(entries, context, up_to=after, recorded=recorded)
        state = rebuilt.state if rebuilt else State({}, 1)
        return Base(
            State(state.data, max(state.revision, place)),
            after,
            recorded,
            place,
            {} if rebuilt is None else {k: v for k, v in rebuilt.verdicts.items() if k not in recorded},
            recent,
            moved=True,
            refused_edit=_unsaid(issue, editor, reasons, entries),
            since=adopted_at(entries),
        )
    begun = known is not None and known.update_id == checkpoint_id(place, after, data)
    revision = known.revision if known and begun else max(place, known.revision if known and after else 0) + 1
    if known and begun:  # a run died after that checkpoint, perhaps before its reply
        passed = [entry for entry in entries if entry.id in known.absorbed]
    verdicts = _passed_over(passed, data, context)
    told = ", ".join(str(number) for number, verdict in verdicts.items() if verdict.outcome.refused)
    notes = (f"Refused, because gh-store has probably skipped them: {told}. The reply says why.",) if told else ()
    base = Base(State(data, revision), after, recorded, place, verdicts, recent, moved=True, notes=notes, since=after)
    return with_checkpoint(base, entries, context, reason=ADOPTED if after else "", editor=editor if after else "")


def _passed_over(passed: Sequence[Entry], data: Json, context: Context) -> dict[int, Verdict]:
    """The verdicts of updates without a receipt that come before one that gh-store seems to have processed.

    gh-store processed all updates in one run and left a receipt on each.  So somebody gave that later thumb by hand, or
    removed a receipt, or the author was not allowed to write at that time.  Folding the update now could undo newer
    changes; ignoring it could lose it.  So it is applied only if the body shows it already: a run may have died before
    its receipts.  Otherwise, its author is told and can post it again.
    """
    context.insist(passed)
    found: dict[int, Verdict] = {}
    for entry in passed:
        refused = context.refusal(entry)
        if refused is None and not holds(entry, data):
            refused = Verdict(Outcome.REJECTED, (entry.problem,)) if entry.kind is Kind.INVALID else PASSED_OVER
        if refused is None or refused.outcome is not Outcome.UNAUTHORIZED:  # to those, gh-store said nothing either
            found[entry.id] = refused or APPLIED
    return found


def _last_processed(issue: Issue, entries: Sequence[Entry], context: Context, data: Json) -> tuple[int, list[Entry]]:
    """The newest update or initial state that was processed, 0 for none, and the updates before it that may not be.

    A processor's receipt says so.  gh-store's receipts are its users' reactions: a 👍 by anyone who may write counts if
    the log has gh-store's own initial state and gh-store can have folded the update.  Otherwise, it is an opinion.
    Because people also react by hand, it says nothing about earlier updates.

    Args:
        data: the body's.
    """
    reactions = context.rules.reactions
    applied = reaction_of(Outcome.APPLIED, reactions)
    theirs = any(e.kind is Kind.FOREIGN_STATE or (e.kind is Kind.CHECKPOINT and not e.update_id) for e in entries)
    after = 0
    passed: list[Entry] = []
    for entry in reversed(entries):
        if entry.kind is Kind.CHECKPOINT and entry.reason:
            return after or entry.after, passed[::-1]
        if not entry.asks and entry.kind is not Kind.FOREIGN_STATE:
            continue
        if outcomes_given(entry.comment, reactions, context.rules.processors):
            return after or entry.id, passed[::-1]
        if not theirs and not issue.complete:
            raise NeedsMore(ReadFurther(0))  # gh-store's initial state is its first comment
        thumbs = [one.login for one in entry.comment.reactions if one.content == applied]
        possible = theirs and (entry.kind is Kind.FOREIGN_STATE or gh_store_folded(entry, data))
        if possible and any(map(context.allows, thumbs)):
            after = after or entry.id
        elif after and entry.asks:
            passed.append(entry)
    if not issue.complete:
        raise NeedsMore(ReadFurther(entries[0].id - 1 if entries else 0))
    return after, passed[::-1]
