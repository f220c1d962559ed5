"""An object's history: its log as entries with their verdicts, and as the states that it went through."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypedDict

from gh_store_action.domain import acceptance, objects, replies
from gh_store_action.domain.acceptance import MayWrite
from gh_store_action.domain.log import entries as updates
from gh_store_action.domain.log.entries import Entry, Kind
from gh_store_action.domain.log.fold import (
    Folded,
    Judge,
    State,
    attempt,
    fold,
    no_schema,
    other_repeats,
    repeats,
)
from gh_store_action.domain.log.receipts import as_folded, sifted, verdicts_given
from gh_store_action.domain.objects import Marker
from gh_store_action.domain.processing.reconcile import CHANGED
from gh_store_action.domain.processing.replay import recorded_by_checkpoints
from gh_store_action.domain.records import FOREVER, Issue, Rules
from gh_store_action.domain.refusal import Reason
from gh_store_action.domain.strict_json import Json, body_digest, digest, equal
from gh_store_action.domain.verdicts import APPLIED, Outcome, Verdict, meanings

PENDING = "pending"
_BASIS = re.compile(r"(?P<revision>[0-9]{1,15})-[0-9]{1,18}-[0-9a-f]{16}")


class HistoryMetadata(TypedDict):
    """An entry's metadata.

    `verdict` is `applied`, `rejected`, `unauthorized` or `pending`; `revision` is the one that it made, None if it made
    none; `update_mode` is `initial` for a state; `edited` is a time, empty if the comment was not edited.
    """

    author: str
    verdict: str
    reason: str
    reasons: list[dict[str, str]]
    revision: int | None
    update_mode: str
    update_id: str
    edited: str
    issue_number: int


class HistoryEntry(TypedDict):
    """One entry of the history, in gh-store's shape: `type` is `initial_state`, `update` or `checkpoint`."""

    timestamp: str
    type: str
    data: Json
    comment_id: int
    metadata: HistoryMetadata


@dataclass(frozen=True)
class Point:
    """One state that the object was in.

    Args:
        time: since when, by the log: when its update was posted.
        comment_id: of the update or checkpoint that made it.
        certain: whether the log gives exactly this state; not if comments were edited or deleted later.
    """

    revision: int
    data: Json
    time: str
    comment_id: int
    certain: bool = True


@dataclass(frozen=True)
class ObjectLog:
    """One issue's whole log, with what is known about it.

    Args:
        marker: None if the title has none.
        legacy: up to this comment, the log is gh-store's and follows its rules.
        verdicts: the recorded ones, by comment id.
        binding: people whose receipts and states count in this log, see `acceptance.signers`.
    """

    issue: Issue
    entries: tuple[Entry, ...]
    marker: Marker | None
    legacy: int
    verdicts: Mapping[int, Verdict]
    rules: Rules
    binding: Mapping[str, str]
    judge: Judge = no_schema

    @property
    def edge(self) -> int:
        """The newest comment that the body contains."""
        return self.marker.comment if self.marker else max(self.verdicts, default=0)


def read(
    issue: Issue,
    rules: Rules,
    judge: Judge = no_schema,
    may_write: MayWrite = lambda login, object_id: True,
) -> ObjectLog:
    """The log of an issue with all its comments.

    Args:
        may_write: asked about the issue's author, whose states count only with the right to write, and about people who
            left receipts before the store's own log began.
    """
    object_id = objects.object_id_of(issue, rules) or objects.read_title(issue.title)[0]
    processors = rules.processors
    binding = acceptance.signers(issue, object_id, processors)
    if may_write(issue.author, object_id):
        binding[issue.author] = FOREVER
    issue = sifted(issue, object_id, processors, meanings(rules.reactions))
    entries = tuple(updates.read_all(issue, rules, processors, binding))
    entries = tuple(as_folded(entries, issue, object_id, binding, meanings(rules.reactions)))
    marker = acceptance.marker_in(acceptance.trusted_title(issue, object_id, processors, may_write), object_id)
    adopted = updates.adopted_at(entries)
    own = any(e.kind is Kind.CHECKPOINT and e.update_id for e in entries)
    legacy = adopted if marker or adopted or own else max((e.id for e in entries), default=0)
    entries = tuple(e for e in entries if e.kind is not Kind.FOREIGN_STATE or e.id <= legacy)
    # gh-store's receipts are by its users: the issue's author, and people who may write.
    before = [e for e in entries if e.asks and e.id <= legacy]
    people = {reaction.login for entry in before for reaction in entry.comment.reactions}
    others = {login for login in people - binding.keys() if may_write(login, object_id)}
    users = binding.keys() | {issue.author} | others
    known = recorded_by_checkpoints(entries) | _receipts(entries, rules, binding)
    theirs = _receipts(before, rules, users, by_gh_store=True)
    return ObjectLog(issue, entries, marker, legacy, theirs | known, rules, binding, judge)


def _receipts(
    entries: Sequence[Entry], rules: Rules, people: Collection[str], *, by_gh_store: bool = False
) -> dict[int, Verdict]:
    """The receipt of each update that binds."""
    given = ((entry.id, verdicts_given(entry, rules, people, by_gh_store=by_gh_store)) for entry in entries)
    return {number: Verdict(outcomes[0]) for number, outcomes in given if outcomes}


# -- the states --------------------------------------------------------------------------------------------------------


def points(log: ObjectLog) -> tuple[Point, ...]:
    """The states in order, each with its revision."""
    before = _legacy_points(log) if log.legacy else ()
    own = _own_points(log)
    if before and own and not equal(before[-1].data, own[0].data):
        before = tuple(replace(point, certain=False) for point in before)
    elif before and not own:
        agrees = body_digest(log.issue.body) == digest(before[-1].data)
        before = tuple(replace(point, certain=agrees) for point in before)
    elif before and before[-1].revision == own[0].revision:
        own = own[1:]
    return _in_time([*before, *own])


def _in_time(found: Iterable[Point]) -> tuple[Point, ...]:
    """A state cannot be older than the one that it came from."""
    result: list[Point] = []
    for point in found:
        time = max(point.time, result[-1].time) if result else point.time
        result.append(replace(point, time=time))
    return tuple(result)


def _legacy_points(log: ObjectLog) -> tuple[Point, ...]:
    """gh-store's rule: the initial state, then updates with its 👍; the revision is the number of comments plus one."""
    state: Json = None
    found: list[Point] = []
    for place, entry in enumerate(log.entries, 1):
        if entry.id > log.legacy:
            break
        first = entry.kind in (Kind.FOREIGN_STATE, Kind.CHECKPOINT) and not entry.update_id
        if first and not found:
            state = entry.patch
            found.append(Point(1, state, log.issue.created_at, entry.id))
        elif found and entry.asks and log.verdicts.get(entry.id) == APPLIED:
            after = attempt(State(state, place), entry.as_applied)
            if isinstance(after, State):
                state = after.data
                found.append(Point(place + 1, state, entry.comment.created_at, entry.id))
    return tuple(found)


def _own_points(log: ObjectLog) -> tuple[Point, ...]:
    """Segments, each from a checkpoint to the next one's place, the last one to the marker."""
    bases = checkpoints(log)
    found: list[Point] = []
    for place, base in enumerate(bases):
        following = bases[place + 1] if place + 1 < len(bases) else None
        initial = not base.after and not base.previous
        time = log.issue.created_at if initial else base.comment.created_at
        found.append(Point(base.revision, base.patch, time, base.id))
        found += _segment(log, base, following)
    return tuple(found)


def checkpoints(log: ObjectLog) -> tuple[Entry, ...]:
    """The store's own checkpoints in their places; of two with the same key, the first counts."""
    seen: dict[str, Entry] = {}
    for entry in log.entries:
        if entry.kind is Kind.CHECKPOINT and entry.update_id:
            seen.setdefault(entry.update_id, entry)
    return tuple(sorted(seen.values(), key=lambda entry: (entry.after, entry.id)))


def _segment(log: ObjectLog, base: Entry, following: Entry | None) -> list[Point]:
    """The states between two checkpoints.

    An update that the next checkpoint absorbed without a receipt was in the body before it, or came late and is only in
    the checkpoint.  The revision that the checkpoint was made on says which, and also what repeated a key where that is
    open; but not which of several did, so then only the marker's digest makes the states certain.
    """
    until = following.after if following else log.edge
    entries = [e for e in log.entries if e.asks and base.after < e.id <= until]
    doubtful = following.absorbed.keys() if following else {e.id for e in entries if e.id not in log.verdicts}
    rest = [entry for entry in entries if entry.id not in doubtful]
    usual = repeats(log.entries)
    ways = chain([usual], other_repeats(log.entries, entries))
    folds = ((way, _fold(log, base, some, way)) for way in ways for some in (entries, rest))
    way, found = next((one for one in folds if _leads_on(log, one[1], following)), (None, None))
    certain = found is not None and (following is None or (way == usual and following.reason != CHANGED))
    times = {entry.id: entry.comment.created_at for entry in entries}
    return [
        Point(state.revision, state.data, times[comment], comment, certain)
        for comment, state in (found or _fold(log, base, entries, usual)).history
    ]


def _fold(log: ObjectLog, base: Entry, entries: Sequence[Entry], earlier: Mapping[int, int]) -> Folded:
    return fold(
        State(base.patch, base.revision),
        entries,
        earlier=earlier,
        recorded=log.verdicts,
        refusal=lambda entry: None,
        judge=log.judge,
    )


def _leads_on(log: ObjectLog, found: Folded, following: Entry | None) -> bool:
    """Whether every recorded verdict holds in this fold, and it ends where the next segment began."""
    if any(log.verdicts.get(comment) == APPLIED and not strict for comment, strict in found.strict.items()):
        return False
    last = found.state
    if following is not None:
        basis = _BASIS.fullmatch(following.update_id)
        return following.adopted or (basis is not None and int(basis["revision"]) == last.revision)
    if log.marker is None:
        return body_digest(log.issue.body) == digest(last.data)
    return last.revision == log.marker.revision and digest(last.data).startswith(log.marker.digest)


def at_revision(found: Sequence[Point], revision: int) -> Point | None:
    """The state at that revision; None if the log does not give it for certain."""
    return next((point for point in reversed(found) if point.revision == revision and point.certain), None)


def at_time(found: Sequence[Point], time: str) -> Point | None:
    """The state at that time; None before the first one."""
    return next((point for point in reversed(found) if point.time <= time), None)


# -- the entries -------------------------------------------------------------------------------------------------------


def entries_of(log: ObjectLog, states: Sequence[Point]) -> list[HistoryEntry]:
    """All but conversation and replies, in order of effect: updates by comment, a state after the one it names."""
    made = {point.comment_id: point for point in states}
    said: dict[int, tuple[Reason, ...]] = {}
    for entry in log.entries:
        said |= replies.read_reasons(entry.comment.body) if entry.kind is Kind.REPLY else {}
    shown: list[HistoryEntry] = []
    for entry in sorted(log.entries, key=_place):
        if entry.kind in (Kind.CHAT, Kind.REPLY):
            continue
        point = made.get(entry.id)
        verdict = verdict_of(log, entry)
        reasons = _reasons(log, entry, states, said) if verdict == Outcome.REJECTED.key else ()
        metadata: HistoryMetadata = {
            "author": entry.author,
            "verdict": verdict,
            "reason": "; ".join(map(str, reasons)),
            "reasons": [reason._asdict() for reason in reasons],
            "revision": point.revision if point else None,
            "update_mode": entry.mode if entry.asks else "initial",
            "update_id": entry.update_id,
            "edited": entry.comment.edited_at,
            "issue_number": log.issue.number,
        }
        shown.append(
            HistoryEntry(
                timestamp=point.time if point and not entry.asks else entry.comment.created_at,
                type=_type(log, entry),
                data=entry.comment.body if entry.kind is Kind.INVALID else entry.patch,
                comment_id=entry.id,
                metadata=metadata,
            )
        )
    return shown


def _place(entry: Entry) -> tuple[int, bool]:
    """The entry's place: a state that the store adds late says what was before the comments after its place."""
    stated = entry.kind is Kind.CHECKPOINT and bool(entry.update_id)
    return (entry.after if stated else entry.id, stated)


def _type(log: ObjectLog, entry: Entry) -> str:
    if entry.asks:
        return "update"
    return "checkpoint" if entry.reason or entry.after else "initial_state"


def verdict_of(log: ObjectLog, entry: Entry) -> str:
    """`applied`, `rejected`, `unauthorized` or `pending`; a state in the log counts as applied.

    An update that gh-store left without a receipt was by someone who may not write.
    """
    if not entry.asks:
        return Outcome.APPLIED.key
    recorded = log.verdicts.get(entry.id)
    if recorded is not None:
        return recorded.outcome.key
    return Outcome.UNAUTHORIZED.key if entry.id <= log.legacy else PENDING


def _reasons(
    log: ObjectLog, entry: Entry, states: Sequence[Point], said: Mapping[int, tuple[Reason, ...]]
) -> tuple[Reason, ...]:
    """Why it was refused: by the reply, otherwise by the fold."""
    if entry.id in said:
        return said[entry.id]
    before = [point for point in states if point.comment_id < entry.id]
    if not before:
        return ()
    found = attempt(State(before[-1].data, before[-1].revision), entry)
    return found.reasons if isinstance(found, Verdict) else tuple(log.judge(found.data))
