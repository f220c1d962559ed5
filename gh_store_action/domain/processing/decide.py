"""Decides from one read of an issue what to do about it.  Pure: the processor carries it out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gh_store_action.domain import acceptance, objects, replies
from gh_store_action.domain.log import entries as updates
from gh_store_action.domain.log.entries import Entry, Kind
from gh_store_action.domain.log.fold import Folded, State, fold, repeats
from gh_store_action.domain.log.origin import origin_of
from gh_store_action.domain.log.receipts import as_folded, sifted
from gh_store_action.domain.objects import Marker
from gh_store_action.domain.processing.base import Base, answered, changes_of, reach_keys
from gh_store_action.domain.processing.context import Context, NeedsMore
from gh_store_action.domain.processing.effects import LookRound, NotAnObject, Step, UpToDate, Write
from gh_store_action.domain.processing.keys import is_new
from gh_store_action.domain.processing.reconcile import BrokenObject, find_base
from gh_store_action.domain.processing.replay import recorded_by_checkpoints
from gh_store_action.domain.processing.trust import TrustedMarker, find_marker, no_object
from gh_store_action.domain.records import FOREVER, Comment, Issue, Receipt, Refusal
from gh_store_action.domain.strict_json import dump, same_data
from gh_store_action.domain.verdicts import Outcome, Verdict, initial_receipts, meanings, reaction_of

CATCH_UP = 5  # comments after the marker: a sweep sees that many, and would look closer at the issue every time


def decide(issue: Issue, context: Context) -> Step:
    """What to do about the issue, by this read.

    Returns:
        `ReadFurther`, `ReadAgain` or `AskPermissions` if it needs a longer read or more permissions: call again with
        them;
        `NotAnObject` or `UpToDate` if nothing is to be done; otherwise, the `Write`.
    """
    try:
        return _decide(issue, context)
    except NeedsMore as more:
        return more.step


def _decide(issue: Issue, context: Context) -> Step:
    found = _gather(issue, context)
    return found if isinstance(found, NotAnObject) else _plan(found, _fold(found))


@dataclass(frozen=True)
class _Gathered:
    """What the read says about an object.

    Args:
        context: with everyone whose receipts and states count in this log.
        marked: whether a marker counts.
        pending: the updates to fold.
        blocked: those that wait until GitHub answers about a permission, and those after them.
    """

    issue: Issue
    context: Context
    object_id: str
    marked: bool
    entries: Sequence[Entry]
    base: Base
    pending: Sequence[Entry]
    blocked: Sequence[Entry]


def _gather(issue: Issue, context: Context) -> _Gathered | NotAnObject:
    """Reads the log, and finds where the fold starts and what to fold.

    Raises:
        NeedsMore: it needs a longer read or more permissions.
    """
    stranger = no_object(issue, context)
    if stranger is not None:
        return stranger
    object_id = objects.object_id_of(issue, context.rules) or ""
    trusted = find_marker(issue, object_id, context)
    other = _beside(issue, object_id, context) if trusted is None else 0
    if other:
        why = f"issue #{other} has the id {object_id} already, and the store has signed that one"
        return NotAnObject(why, broken=True)
    issue = sifted(issue, object_id, context.rules.processors, meanings(context.rules.reactions))
    context, entries, trusted, base = _base(issue, context, object_id, trusted)
    waiting = [e for e in entries if e.asks and e.id > base.comment]
    context.ask(waiting)
    pending, blocked = _until_unanswered(waiting, context)
    reach_keys(issue, entries, pending)
    if trusted is not None:
        marker = trusted.marker
        pending = [replace(e, may_repeat=0) if is_new(e, issue, entries, context, base, marker) else e for e in pending]
    return _Gathered(issue, context, object_id, trusted is not None, entries, base, pending, blocked)


def _beside(issue: Issue, object_id: str, context: Context) -> int:
    """The issue that is already the object, if this one would have to be adopted; 0 for none.

    Anyone with the triage role can label issues; an issue that they label must not replace a signed object.
    """
    if acceptance.goes_first(issue, object_id, context.rules.processors):
        return 0
    if context.beside is None:
        raise NeedsMore(LookRound())
    return context.beside


def _base(
    issue: Issue, context: Context, object_id: str, trusted: TrustedMarker | None
) -> tuple[Context, Sequence[Entry], TrustedMarker | None, Base]:
    """The log, and where the fold starts; it skips a marker set by a person that neither body nor log explains."""
    wrong: list[TrustedMarker] = []
    while True:
        for read, entries in _logs(issue, context, object_id, trusted):
            try:
                return read, entries, trusted, find_base(issue, entries, read, trusted and trusted.raised)
            except BrokenObject as error:
                broken = error
        if trusted is None or trusted.setter in context.rules.processors:
            raise broken
        wrong.append(trusted)
        trusted = find_marker(issue, object_id, context, wrong)
        if trusted is None:
            raise broken


def _logs(
    issue: Issue, context: Context, object_id: str, trusted: TrustedMarker | None
) -> Iterator[tuple[Context, Sequence[Entry]]]:
    """The log as those read it who count; then with others who may write: of many titles only some show who has run."""
    binding = _binding(issue, object_id, context)
    yield _read(issue, context, object_id, binding)
    if trusted is not None and (others := _hands(issue, context, binding)):
        yield _read(issue, context, object_id, {**binding, **others})


def _read(
    issue: Issue, context: Context, object_id: str, binding: Mapping[str, str]
) -> tuple[Context, Sequence[Entry]]:
    """The log if these people count in it."""
    entries = updates.read_all(issue, context.rules, context.counting, binding)
    entries = as_folded(entries, issue, object_id, binding, meanings(context.rules.reactions))
    return replace(context, binding=binding, origin=origin_of(issue, entries, context.rules.processors)), entries


def _binding(issue: Issue, object_id: str, context: Context) -> Mapping[str, str]:
    """Whose receipts and states count in this log; the author's if they are known to be allowed to write.

    If GitHub does not show yet who set the title, it may be anyone who may write and has left the store's kind of
    comment.  Otherwise, what their run refused would be taken for applied.
    """
    binding = acceptance.signers(issue, object_id, context.counting)
    marker = objects.read_title(issue.title)[1]
    if marker and marker.comment and issue.complete and all(c.id != marker.comment for c in issue.comments):
        context.allows(issue.author)  # it may be a copy in which only they have entered a state
    if acceptance.is_setter_hidden(issue, object_id) and issue.title != context.own_title:
        binding |= _hands(issue, context, binding)
    if context.permissions.get(issue.author):
        binding[issue.author] = FOREVER
    return binding


def _hands(issue: Issue, context: Context, binding: Mapping[str, str]) -> dict[str, str]:
    """Who else has left the store's kind of comment, and may write; they count whenever they posted it.

    Raises:
        NeedsMore: it is not known yet.
    """
    hands = updates.hands(issue, context.rules, context.counting, binding)
    context.ask_people(hands)
    return dict.fromkeys((login for login in hands if context.permissions.get(login)), FOREVER)


def _fold(found: _Gathered) -> Folded:
    """The pending updates on top of the base."""
    return fold(
        found.base.state,
        found.pending,
        earlier=repeats(found.entries),
        recorded={**found.base.recorded, **found.base.verdicts},
        refusal=found.context.refusal,
        judge=found.context.judge,
    )


def _plan(found: _Gathered, folded: Folded) -> UpToDate | Write:
    """What to write so that the issue shows the fold's result."""
    issue, base, blocked = found.issue, found.base, found.blocked
    judged = {**base.verdicts, **folded.verdicts}
    known = {**base.recorded, **judged}
    state, marker = folded.state, _marker(found, folded.state)
    # Without a marker, our receipt alone would say that the update is folded, so the marker has to come first.
    receipts = _receipts(found, known) if found.marked else ()
    reply = _reply(found, known)
    # What a person's run enters counts only if their title follows it.
    signs = bool(reply or base.checkpoint) and found.context.viewer not in found.context.rules.processors
    unlike = issue.title if base.renamed or signs else ""
    title = objects.title(found.object_id, marker, found.context.rules, unlike=unlike)
    body = dump(state.data)
    behind_marker = sum(1 for comment in issue.comments if comment.id > base.comment)
    moves = bool(found.pending) or base.moved or signs or (behind_marker >= CATCH_UP and not blocked)
    if title == issue.title and not base.checkpoint and same_data(body, issue.body):
        moves = False  # nothing would change
    close = not issue.closed and not blocked
    if not (moves or receipts or reply or base.checkpoint or close):
        return UpToDate(object_id=found.object_id, state=state, blocked=len(blocked), notes=base.notes)
    return Write(
        object_id=found.object_id,
        title=title if moves else None,
        body=body if moves else None,
        close=close,
        checkpoint=base.checkpoint,
        checkpoint_id=base.checkpoint_id,
        reply=reply,
        receipts=receipts,
        verdicts=judged,
        refusals=_refusals(found.entries, judged),
        state=state,
        marker=marker,
        blocked=len(blocked),
        notes=base.notes,
        changes=(*base.changes, *changes_of(base.state, folded, found.pending)),
    )


def _marker(found: _Gathered, state: State) -> Marker:
    """The state's marker."""
    newest = _newest(found.issue.comments, found.blocked[0].id if found.blocked else None, found.base.comment)
    behind = sum(1 for comment in found.issue.comments if comment.id > newest)
    since = [
        objects.short_id(comment.id) for comment in found.issue.comments if found.base.comment < comment.id <= newest
    ]
    return Marker(
        state.revision,
        newest,
        found.issue.total_comments - behind,
        objects.short_digest(state.data),
        (*found.base.recent, *since)[-objects.MOST_RECENT :],
    )


def _reply(found: _Gathered, verdicts: Mapping[int, Verdict]) -> str:
    """The reply about refused updates and a refused edit that no reply has reported yet."""
    named = answered(found.entries)
    told = _told_at_adoption(found)
    refused = [
        refusal
        for refusal in _refusals(found.entries, verdicts)
        if not refusal.unauthorized
        and (refusal.comment_id > found.base.since or refusal.comment_id in told)
        and str(refusal.comment_id) not in named
    ]
    edited = [(c, who) for c, who in _edited_since(found, verdicts) if replies.edited_name(c) not in named]
    found.context.ask_people({who for _, who in edited})
    edited = [(c, who) for c, who in edited if found.context.may(who)]
    if refused or edited:
        named = _named_by_others(found)
        refused = [refusal for refusal in refused if str(refusal.comment_id) not in named]
        edited = [(c, who) for c, who in edited if replies.edited_name(c) not in named]
    return replies.refused(refused, edit=found.base.refused_edit, issue_url=found.context.issue_url, edited=edited)


def _told_at_adoption(found: _Gathered) -> frozenset[int]:
    """The updates before the store's own log to which the store itself gave a verdict."""
    return frozenset((*recorded_by_checkpoints(found.entries), *found.base.verdicts))


def _named_by_others(found: _Gathered) -> frozenset[str]:
    """What replies name that somebody's run has left who may write, but has set no title of the object."""
    issue, context = found.issue, found.context
    theirs = _hands(issue, context, context.binding)
    return answered(updates.read_all(issue, context.rules, context.counting, theirs)) if theirs else frozenset()


def _edited_since(found: _Gathered, verdicts: Mapping[int, Verdict]) -> list[tuple[int, str]]:
    """Updates that were edited after they were applied, and by whom.

    The verdict is about the text at the time of the fold: before its receipt, or before the body with it was written.
    """
    applied = reaction_of(Outcome.APPLIED, found.context.rules.reactions)
    result: list[tuple[int, str]] = []
    for entry in found.entries:
        comment, verdict = entry.comment, verdicts.get(entry.id)
        if not (found.base.since < entry.id <= found.base.comment) or not comment.edited_at or verdict is None:
            continue
        given = [r.at for r in comment.reactions if r.login in found.context.binding and r.content == applied and r.at]
        # Without a receipt, a run was killed after it wrote the body, whose time then counts.
        folded = min(given) if given else found.issue.edited_at if entry.id in found.base.verdicts else ""
        if verdict.outcome is Outcome.APPLIED and folded and comment.edited_at > folded:
            result.append((entry.id, comment.editor))
    return result


def _until_unanswered(entries: Sequence[Entry], context: Context) -> tuple[Sequence[Entry], Sequence[Entry]]:
    """Splits before the first update whose author's permission is unknown: it waits, and so do later ones."""
    for place, entry in enumerate(entries):
        if any(login in context.unanswered for login in context.writers(entry)):
            return entries[:place], entries[place:]
    return entries, ()


def _newest(comments: Sequence[Comment], before: int | None, least: int) -> int:
    return max([least, *(c.id for c in comments if before is None or c.id < before)])


def _receipts(gathered: _Gathered, verdicts: Mapping[int, Verdict]) -> tuple[Receipt, ...]:
    """The missing reactions, also on initial states, and our own wrong ones.

    A person's state or reply counts only while a title that was read shows that they may write: the issue's author may
    lose that right, a copy has no titles' events, and of many titles only some are read.  Our receipt lets it count for
    good.

    A reaction that is older than the title was given by hand and is no receipt.  If it is our own, it has to be removed
    first: adding it again would not change its time.
    """
    entries, context = gathered.entries, gathered.context
    reactions = context.rules.reactions
    found: list[Receipt] = []
    told = _told_at_adoption(gathered)
    titled = gathered.issue.titles[0].at if gathered.issue.titles else ""
    for entry in entries:
        verdict = verdicts.get(entry.id)
        if verdict is None or (entry.id <= gathered.base.since and entry.id not in told):
            continue
        right = reaction_of(verdict.outcome, reactions)
        ours = [r for r in entry.comment.reactions if r.login in context.counting]
        given = any(r.content == right and not (r.by_hand and r.at < titled) for r in ours)
        found += [
            Receipt(entry.id, entry.comment.node_id, content, remove=True)
            for content in sorted(meanings(reactions))
            if any(r.content == content and r.login == context.viewer for r in ours)
            and not (given and content == right)
        ]
        if not given:
            found.append(Receipt(entry.id, entry.comment.node_id, right))
    oldest = entries[0].id if entries else 0
    found = [receipt for receipt in context.owed if receipt.comment_id < oldest] + found
    for entry in entries:
        wanted: tuple[str, ...] = ()
        if entry.kind is Kind.CHECKPOINT and entry.update_id and not entry.reason and entry.after < entry.id:
            wanted = initial_receipts(reactions)
        elif context.viewer in context.rules.processors and updates.lacks_signature(entry, context.rules):
            wanted = (reactions.initial_state,)
        contents = {r.content for r in entry.comment.reactions if r.login in context.counting}
        found += [Receipt(entry.id, entry.comment.node_id, content) for content in wanted if content not in contents]
    return tuple(found)


def _refusals(entries: Sequence[Entry], verdicts: Mapping[int, Verdict]) -> tuple[Refusal, ...]:
    return tuple(
        Refusal(
            entry.id,
            entry.author,
            verdicts[entry.id].reasons,
            unauthorized=verdicts[entry.id].outcome is Outcome.UNAUTHORIZED,
        )
        for entry in entries
        if entry.id in verdicts and verdicts[entry.id].outcome.refused
    )
