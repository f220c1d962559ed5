"""From one read of an issue to what is to be done about it.  Pure: the processor carries it out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from gh_store_action.domain import objects, replies
from gh_store_action.domain.log import entries as updates
from gh_store_action.domain.log.entries import Entry, Kind
from gh_store_action.domain.log.fold import State, fold, reach, repeats
from gh_store_action.domain.objects import Marker
from gh_store_action.domain.processing.base import unreceipted_reply_ids
from gh_store_action.domain.processing.context import Context, NeedsMore
from gh_store_action.domain.processing.effects import Ask, NotAnObject, Quiet, ReadFurther, Step, Write
from gh_store_action.domain.processing.reconcile import find_base, find_standing
from gh_store_action.domain.records import Comment, Issue, Receipt, Refusal
from gh_store_action.domain.strict_json import dump
from gh_store_action.domain.verdicts import Outcome, Verdict, initial_receipts, reaction_of

__all__ = ["Ask", "Context", "NotAnObject", "Quiet", "ReadFurther", "Step", "Write", "decide"]


CATCH_UP = 5  # comments behind the marker: a sweep sees that many, and would look closer at the issue for ever


def decide(issue: Issue, context: Context) -> Step:
    """What is to be done about the issue, as this read shows it.

    Returns:
        `ReadFurther` or `Ask` when the read or the permissions known do not suffice: call again with more;
        `NotAnObject`, `Quiet` when there is nothing to do; else the one `Write`.
    """
    try:
        return _decide(issue, context)
    except NeedsMore as more:
        return more.step


def _decide(issue: Issue, context: Context) -> Step:
    rules = context.rules
    stranger = _no_object(issue, context)
    if stranger is not None:
        return stranger
    object_id = objects.object_id_of(issue, rules) or ""
    standing = find_standing(issue, context)
    if standing is not None and standing.guest:
        context = replace(context, guest=standing.guest, counting=context.counting | {standing.guest})
    entries = updates.read_all(issue.comments, rules, context.counting)
    base = find_base(issue, entries, context, standing)
    waiting = [e for e in entries if e.asks and e.id > base.comment]
    _know_authors(waiting, context)
    pending, blocked = _until_unanswered(waiting, context)
    short = reach(entries, pending)
    if short is not None and not issue.complete:
        return ReadFurther(until=entries[0].id - 1)
    folded = fold(
        base.state,
        pending,
        earlier=repeats(entries),
        recorded={**base.recorded, **base.verdicts},
        authorized=context.may_write,
        judge=context.judge,
    )
    judged = {**base.verdicts, **folded.verdicts}
    behind_marker = sum(1 for comment in issue.comments if comment.id > base.comment)
    newest = _newest(issue.comments, blocked[0].id if blocked else None, base.comment)
    behind = sum(1 for comment in issue.comments if comment.id > newest)
    state = folded.state
    marker = Marker(state.revision, newest, issue.total_comments - behind, objects.short_digest(state.data))
    same = objects.title(object_id, marker) == issue.title
    if same and base.retitled:
        # GitHub records no change to the same title, and only then it is ours again.
        state = State(state.data, state.revision + 1)
        marker = replace(marker, revision=state.revision)
        same = False
    receipts = _receipts(entries, {**base.recorded, **judged}, context)
    if standing is None:
        # Without a marker a receipt of ours says that the update is folded, so the marker has to stand before it.
        receipts = ()
    refusals = _refusals(entries, judged)
    unnamed = unreceipted_reply_ids(entries, {**base.recorded, **judged}, base)
    reply = replies.refused(
        [r for r in _refusals(entries, {**base.recorded, **judged}) if r.comment_id in unnamed],
        edit=base.refused_edit,
        issue_url=context.issue_url,
    )
    moves = bool(pending) or base.moved or (behind_marker >= CATCH_UP and not blocked)
    if same and not base.checkpoint and dump(state.data) == issue.body:
        moves = False  # nothing would be another thing than it is
    close = not issue.closed and not blocked
    if not (moves or receipts or reply or base.checkpoint or close):
        return Quiet(object_id=object_id, state=state, blocked=len(blocked), notes=base.notes)
    return Write(
        object_id=object_id,
        title=objects.title(object_id, marker) if moves else None,
        body=dump(state.data) if moves else None,
        close=close,
        checkpoint=base.checkpoint,
        checkpoint_id=base.checkpoint_id,
        reply=reply,
        receipts=receipts,
        verdicts=judged,
        refusals=refusals,
        state=state,
        marker=marker,
        blocked=len(blocked),
        notes=base.notes,
    )


def _no_object(issue: Issue, context: Context) -> NotAnObject | None:
    rules = context.rules
    claimed = objects.ids_in_labels(issue.labels, rules)
    based = objects.has_label(issue, rules.base_label)
    if objects.has_label(issue, rules.archived_label) and (based or claimed):
        return NotAnObject(f"the object is deleted (label {rules.archived_label!r})", deleted=True)
    if not based:
        return NotAnObject(f"it does not carry the label {rules.base_label!r}")
    if problem := objects.id_problem(issue, rules):
        return NotAnObject(problem, broken=True)
    if not objects.is_trusted(issue, context.counting) and not context.allows(issue.author):
        return NotAnObject("it was opened by somebody who may not write here")
    return None


def _know_authors(entries: Iterable[Entry], context: Context) -> None:
    """Asks for everybody at once whose permission decides about the entries."""
    context.ask(login for entry in entries for login in context.writers(entry))


def _until_unanswered(entries: Sequence[Entry], context: Context) -> tuple[Sequence[Entry], Sequence[Entry]]:
    """Splits before the first update whose author's permission GitHub would not tell: order is kept, so it waits."""
    for place, entry in enumerate(entries):
        if any(login in context.unanswered for login in context.writers(entry)):
            return entries[:place], entries[place:]
    return entries, ()


def _newest(comments: Sequence[Comment], before: int | None, least: int) -> int:
    return max([least, *(c.id for c in comments if before is None or c.id < before)])


def _receipts(entries: Sequence[Entry], verdicts: Mapping[int, Verdict], context: Context) -> tuple[Receipt, ...]:
    """The reactions that are missing, on initial states too, and own ones that say something else."""
    reactions = context.rules.reactions
    meant = {reaction_of(outcome, reactions) for outcome in Outcome}
    found: list[Receipt] = []
    for entry in entries:
        verdict = verdicts.get(entry.id)
        if verdict is None:
            continue
        right = reaction_of(verdict.outcome, reactions)
        there = [r for r in entry.comment.reactions if r.login in context.counting]
        found += [
            Receipt(entry.id, entry.comment.node_id, wrong, remove=True)
            for wrong in sorted(meant - {right})
            if any(r.content == wrong and r.login == context.viewer for r in there)
        ]
        if not any(r.content == right for r in there):
            found.append(Receipt(entry.id, entry.comment.node_id, right))
    oldest = entries[0].id if entries else 0
    found = [receipt for receipt in context.owed if receipt.comment_id < oldest] + found
    for entry in (e for e in entries if e.kind is Kind.CHECKPOINT and not e.reason):
        contents = {r.content for r in entry.comment.reactions if r.login in context.counting}
        found += [
            Receipt(entry.id, entry.comment.node_id, content)
            for content in initial_receipts(reactions)
            if content not in contents
        ]
    return tuple(found)


def _refusals(entries: Sequence[Entry], verdicts: Mapping[int, Verdict]) -> tuple[Refusal, ...]:
    return tuple(
        Refusal(
            entry.id,
            entry.comment.author,
            verdicts[entry.id].reasons,
            unauthorized=verdicts[entry.id].outcome is Outcome.UNAUTHORIZED,
        )
        for entry in entries
        if entry.id in verdicts and verdicts[entry.id].outcome.refused
    )
