"""The state that pending updates are folded onto: the body, an adopted hand edit, or the log's own fold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gh_store_action.domain import objects
from gh_store_action.domain.canonical import InvalidJson, Json, fits, read_body
from gh_store_action.domain.doubt import Explanation, Finding, Log, explain, recorded_by_checkpoints
from gh_store_action.domain.fold import (
    APPLIED,
    Judge,
    Outcome,
    State,
    Verdict,
    fold,
    newest_checkpoint,
    no_schema,
    repeats,
)
from gh_store_action.domain.objects import Marker
from gh_store_action.domain.records import Issue, Receipt, Rules
from gh_store_action.domain.replies import RefusedEdit, edit_name
from gh_store_action.domain.steps import Ask, ReadFurther
from gh_store_action.domain.updates import ADOPTED, Entry, Kind, checkpoint, checkpoint_id
from gh_store_action.errors import StoreError

EDITED = "edited by hand"
CHANGED = "the log was changed after the fact"
LATE = "comments came late"


class NeedsMore(Exception):
    """The read or the permissions known do not suffice."""

    def __init__(self, step: ReadFurther | Ask) -> None:
        self.step = step
        super().__init__(repr(step))


class BrokenObject(StoreError):
    """An object whose body is no JSON and whose log can not rebuild it."""


@dataclass(frozen=True)
class Context:
    """What a decision knows beside the issue.

    Args:
        viewer: the token's own login.
        counting: the logins whose receipts, checkpoints and updates count.
        permissions: by login, whether it may write this object.
        unanswered: logins whose permission GitHub would not tell.
        known: verdicts of this run that are written in the body, by comment id.
        owed: receipts that this run has still to leave; those on comments further back than the read are not seen in it.
        issue_url: for links in a reply.
    """

    rules: Rules
    viewer: str
    counting: frozenset[str]
    version: str
    issue_url: str
    judge: Judge = no_schema
    permissions: Mapping[str, bool] = field(default_factory=dict)
    unanswered: frozenset[str] = frozenset()
    known: Mapping[int, Verdict] = field(default_factory=dict)
    owed: tuple[Receipt, ...] = ()

    def writers(self, entry: Entry) -> tuple[str, ...]:
        """Who must be allowed for the entry to be: the author, and whoever edited it."""
        comment = entry.comment
        editors = (comment.editor,) if comment.edited_at and comment.editor != comment.author else ()
        return tuple(login for login in (comment.author, *editors) if login not in self.counting)

    def may_write(self, entry: Entry) -> bool:
        """Whether everybody behind the entry may write."""
        return all(self.permissions.get(login, False) for login in self.writers(entry))

    def allows(self, login: str) -> bool:
        """Whether that person may write; asks first.  No answer is no here: it only ever defers."""
        self.ask([login])
        return login in self.counting or self.permissions.get(login, False)

    def ask(self, logins: Iterable[str]) -> None:
        """Interrupts the decision while nobody has been asked about one of them.

        Raises:
            NeedsMore: with all that are unknown.
        """
        unknown = {
            login
            for login in logins
            if login not in self.counting and login not in self.permissions and login not in self.unanswered
        }
        if unknown:
            raise NeedsMore(Ask(frozenset(unknown)))


@dataclass(frozen=True)
class Base:
    """Where the fold of the pending updates starts.

    Args:
        comment: updates after this comment are pending.
        recorded: verdicts of older updates that stand, by comment id.
        verdicts: verdicts of older updates that were made just now.
        moved: whether title and body have to be written even if nothing is pending.
        legacy: initial states whose receipts a create that crashed left out.
    """

    state: State
    comment: int
    recorded: Mapping[int, Verdict]
    verdicts: Mapping[int, Verdict] = field(default_factory=dict)
    moved: bool = False
    checkpoint: str = ""
    checkpoint_id: str = ""
    refused_edit: RefusedEdit | None = None
    legacy: tuple[Entry, ...] = ()
    notes: tuple[str, ...] = ()
    since: int = 0  # verdicts up to this comment were made under other rules and get no reply


def find_base(issue: Issue, entries: Sequence[Entry], context: Context) -> Base:
    """The state before the pending updates.

    Raises:
        NeedsMore: when the read or the permissions known do not suffice.
        BrokenObject: when neither the body nor the log gives a state.
    """
    marker = objects.read_title(issue.title)[1]
    if marker is not None and not (issue.title_editor and context.allows(issue.title_editor)):
        marker = None
    if marker is None:
        return _adopt(issue, entries, context)
    _reach(issue, entries, marker.comment)
    data, problem = _body(issue.body)
    recorded = _recorded(entries, context, marker.comment)
    if not problem and objects.short_digest(data) == marker.digest:
        return _in_step(issue, entries, context, marker, data, recorded)
    if issue.editor and issue.editor not in context.counting:
        return _hand_edit(issue, entries, context, marker, recorded)
    return _rebuild(issue, entries, context, marker, recorded)


def _body(text: str) -> tuple[Json, str]:
    try:
        data = read_body(text)
    except InvalidJson as error:
        return None, error.reason
    if not isinstance(data, dict | list):
        return None, "the body is JSON, but neither an object nor an array"
    return data, ""


def _reach(issue: Issue, entries: Sequence[Entry], comment: int) -> None:
    """Makes sure that the read goes back to that comment."""
    if not issue.complete and (not entries or entries[0].id > comment):
        raise NeedsMore(ReadFurther(comment))


def _reach_checkpoint(issue: Issue, entries: Sequence[Entry], without: frozenset[int] = frozenset()) -> None:
    """Makes sure that the read goes back to the newest checkpoint's place.

    A checkpoint with a later place has a higher id still, so the first one found going back bounds the way.
    """
    base = newest_checkpoint(e for e in entries if e.id not in without)
    if base is not None:
        _reach(issue, entries, base.after)
    elif not issue.complete:
        raise NeedsMore(ReadFurther(entries[0].id - 1 if entries else 0))


def _recorded(entries: Sequence[Entry], context: Context, up_to: int) -> dict[int, Verdict]:
    """The verdicts that bind: receipts of identities that count, what checkpoints name, what this run has written."""
    reactions = context.rules.reactions
    outcomes = {
        reactions.processed: Outcome.APPLIED,
        reactions.rejected: Outcome.REJECTED,
        reactions.unauthorized: Outcome.UNAUTHORIZED,
    }
    found = recorded_by_checkpoints(entries)
    for entry in entries:
        if entry.asks:
            for reaction in entry.comment.reactions:
                if reaction.login in context.counting and reaction.content in outcomes:
                    found[entry.id] = Verdict(outcomes[reaction.content])
    found.update(context.known)
    return {comment: verdict for comment, verdict in found.items() if comment <= up_to}


def _unreceipted(
    entries: Sequence[Entry], context: Context, marker: Marker, recorded: Mapping[int, Verdict]
) -> list[Entry]:
    """Older updates without a verdict, after what an adoption took over; their authors have been asked about."""
    adopted = max((e.after for e in entries if e.kind is Kind.CHECKPOINT and e.adopted), default=0)
    found = [e for e in entries if e.asks and adopted < e.id <= marker.comment and e.id not in recorded]
    context.ask(login for entry in found for login in context.writers(entry))
    return found


def _in_step(
    issue: Issue, entries: Sequence[Entry], context: Context, marker: Marker, data: Json, recorded: dict[int, Verdict]
) -> Base:
    """Title and body agree."""
    state = State(data, marker.revision)
    unreceipted = _unreceipted(entries, context, marker, recorded)
    strangers = {e.id: Verdict(Outcome.UNAUTHORIZED) for e in unreceipted if not context.may_write(e)}
    missing = [e for e in unreceipted if e.id not in strangers]
    counted = issue.total_comments - sum(1 for e in entries if e.id > marker.comment)
    stray = any(e.kind is Kind.CHECKPOINT and e.id > marker.comment >= e.after for e in entries)
    plain = Base(state, marker.comment, recorded, strangers, since=_adopted_at(entries))
    if not missing and counted == marker.count and not stray:
        return plain
    found = _explain(issue, entries, context, marker, {**recorded, **strangers}, missing)
    verdicts = {**strangers, **{k: v for k, v in found.folded.verdicts.items() if k not in recorded}}
    plain = replace(plain, verdicts=verdicts, moved=counted != marker.count)
    if found.finding is Finding.AGREES:
        return plain
    if found.finding is Finding.LATE:
        after = found.folded.state
        revision = max(after.revision, marker.revision + (after.data != data))
        return replace(plain, state=State(after.data, revision), moved=True, notes=_late_notes(found.late))
    if found.finding is Finding.LATE_ON_TOP:
        return _on_top(plain, found.late, context, marker, entries, reason=LATE)
    changed = [e for e in missing if e.comment.edited_at > issue.edited_at or e in found.late]
    counted_in = {e.id: APPLIED for e in missing if e not in changed}
    return _on_top(
        replace(plain, verdicts={**strangers, **counted_in}), changed, context, marker, entries, reason=CHANGED
    )


def _explain(
    issue: Issue,
    entries: Sequence[Entry],
    context: Context,
    marker: Marker,
    recorded: Mapping[int, Verdict],
    missing: Sequence[Entry],
) -> Explanation:
    _reach_checkpoint(issue, entries)
    log = Log(entries, recorded, context.may_write, context.judge)
    found = explain(log, up_to=marker.comment, wanted=marker.digest, unreceipted=missing)
    stray = frozenset(e.id for e in entries if e.kind is Kind.CHECKPOINT and e.id > marker.comment >= e.after)
    if found.finding is Finding.CHANGED and stray:
        _reach_checkpoint(issue, entries, stray)
    return found


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
    return _with_checkpoint(
        replace(
            base, state=folded.state, verdicts=verdicts, moved=True, notes=(*base.notes, *_late_notes(late, reason))
        ),
        entries,
        context,
        marker,
        reason=reason,
    )


def _with_checkpoint(
    base: Base, entries: Sequence[Entry], context: Context, marker: Marker, *, reason: str, editor: str = ""
) -> Base:
    """Enters the base's state into the log, unless it stands there already."""
    key = checkpoint_id(marker.revision, marker.comment, base.state.data)
    if any(e.kind is Kind.CHECKPOINT and e.update_id == key for e in entries):
        return replace(base, moved=True)
    text = checkpoint(
        base.state.data,
        after=marker.comment,
        revision=base.state.revision,
        update_id=key,
        version=context.version,
        reason=reason,
        editor=editor,
        verdicts={comment: verdict.outcome.value for comment, verdict in base.verdicts.items()},
    )
    return replace(base, moved=True, checkpoint=text, checkpoint_id=key)


def _hand_edit(
    issue: Issue, entries: Sequence[Entry], context: Context, marker: Marker, recorded: dict[int, Verdict]
) -> Base:
    """Somebody edited the body on the web: an update by that person."""
    data, reasons = _judge_edit(issue.body, context)
    if not context.allows(issue.editor):
        reasons = (("$", "its author may not write here"),)
    if reasons:
        rebuilt = _rebuild(issue, entries, context, marker, recorded)
        edit = RefusedEdit(issue.editor, issue.body, reasons)
        named = frozenset(name for e in entries for name in e.names)
        note = f"An edit of the body by {issue.editor} was refused; the state was rebuilt from the log."
        return replace(
            rebuilt,
            moved=True,
            refused_edit=None if edit_name(edit) in named else edit,
            notes=(*rebuilt.notes, note),
        )
    unreceipted = _unreceipted(entries, context, marker, recorded)
    strangers = {e.id: Verdict(Outcome.UNAUTHORIZED) for e in unreceipted if not context.may_write(e)}
    missing = [e for e in unreceipted if e.id not in strangers]
    state = State(data, marker.revision + 1)
    base = Base(state, marker.comment, recorded, strangers, since=_adopted_at(entries))
    late: Sequence[Entry] = ()
    if missing:
        found = _explain(issue, entries, context, marker, {**recorded, **strangers}, missing)
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
    note = f"An edit of the body by {issue.editor} was taken over."
    base = replace(base, notes=(note, *_late_notes(late)))
    return _with_checkpoint(base, entries, context, marker, reason=EDITED, editor=issue.editor)


def _surplus(issue: Issue, entries: Sequence[Entry], marker: Marker, missing: Sequence[Entry]) -> Sequence[Entry]:
    """Where no fold explains the marker, the count tells how many came late: the newest."""
    more = issue.total_comments - sum(1 for e in entries if e.id > marker.comment) - marker.count
    return missing[-more:] if more > 0 else ()


def _judge_edit(text: str, context: Context) -> tuple[Json, tuple[tuple[str, str], ...]]:
    data, problem = _body(text)
    if problem:
        return None, (("$", problem),)
    if not fits(data):
        return None, (("$", "the body would have more than 60,000 characters"),)
    return data, tuple(context.judge(data))


def _rebuild(
    issue: Issue, entries: Sequence[Entry], context: Context, marker: Marker, recorded: dict[int, Verdict]
) -> Base:
    """The state from the log alone."""
    _reach_checkpoint(issue, entries)
    unreceipted = _unreceipted(entries, context, marker, recorded)
    log = Log(entries, recorded, context.may_write, context.judge)
    folded, start = log.fold(up_to=marker.comment)
    if start is None:
        raise BrokenObject(
            f"Issue #{issue.number}: the object's body does not fit its title, and its log has no initial state.",
            "Put the object's JSON back into the body (its edit history has it), then run again.",
        )
    agrees = objects.short_digest(folded.state.data) == marker.digest
    revision = max(folded.state.revision, marker.revision + (not agrees))
    verdicts = {k: v for k, v in folded.verdicts.items() if k not in recorded}
    verdicts.update({e.id: APPLIED for e in unreceipted if e.id not in verdicts and context.may_write(e)})
    return Base(
        State(folded.state.data, revision),
        marker.comment,
        recorded,
        verdicts,
        moved=True,
        since=_adopted_at(entries),
        notes=("The body did not fit its title; the state was rebuilt from the log.",),
    )


def _adopt(issue: Issue, entries: Sequence[Entry], context: Context) -> Base:
    """An object without a marker that counts: made by gh-store, by a create that crashed, or retitled by hand."""
    after = _last_processed(issue, entries, context)
    place = issue.total_comments - sum(1 for e in entries if e.id > after) if after else 0
    marker = Marker(place, after, place, "")
    editor = issue.editor or issue.author
    data, reasons = _judge_edit(issue.body, context)
    if not context.allows(editor):
        reasons = (("$", "its author may not write here"),)
    recorded = _recorded(entries, context, after)
    if reasons:
        if newest_checkpoint(entries) is None and issue.complete:
            raise BrokenObject(
                f"Issue #{issue.number} has the store's labels, but its body can not be an object: {reasons[0][1]}.",
                "Put the object's JSON, and nothing else, into the body, then run again.",
            )
        base = _rebuild(issue, entries, context, replace(marker, comment=after), recorded)
        edit = RefusedEdit(editor, issue.body, reasons)
        named = frozenset(name for e in entries for name in e.names)
        return replace(base, refused_edit=None if edit_name(edit) in named else edit)
    base = Base(State(data, place + 1), after, recorded, moved=True, since=after)
    fresh = tuple(e for e in entries if e.kind is Kind.CHECKPOINT and not e.after and not after)
    base = _with_checkpoint(
        base, entries, context, marker, reason=ADOPTED if after else "", editor=editor if after else ""
    )
    return replace(base, legacy=fresh)


def _last_processed(issue: Issue, entries: Sequence[Entry], context: Context) -> int:
    """The newest update or initial state that carries the receipt of anybody who may write, 0 for none."""
    processed = context.rules.reactions.processed
    for entry in reversed(entries):
        if entry.kind is Kind.CHECKPOINT and entry.adopted:
            return entry.after
        if not entry.asks and entry.kind is not Kind.FOREIGN_STATE:
            continue
        people = [r.login for r in entry.comment.reactions if r.content == processed]
        if any(login in context.counting for login in people) or any(context.allows(login) for login in people):
            return entry.id
    if not issue.complete:
        raise NeedsMore(ReadFurther(entries[0].id - 1 if entries else 0))
    return 0


def _adopted_at(entries: Sequence[Entry]) -> int:
    return max((e.after for e in entries if e.kind is Kind.CHECKPOINT and e.adopted), default=0)


def _late_notes(late: Sequence[Entry], reason: str = LATE) -> tuple[str, ...]:
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
