"""Folding: applies updates to a state in comment order, and gives each a verdict."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gh_store_action.domain.log.entries import Entry, Kind, is_edited_store_comment
from gh_store_action.domain.patches import modes as merge
from gh_store_action.domain.records import GHOST, Rules
from gh_store_action.domain.refusal import Reason
from gh_store_action.domain.strict_json import Json, digest
from gh_store_action.domain.verdicts import APPLIED, Outcome, Verdict

REPEAT_WINDOW = 50  # the number of earlier comments that an update's idempotency key covers
_MOST_OPEN = 20  # updates that may or may not have repeated a key, of which each is tried alone

Judge = Callable[[Json], Sequence[Reason]]
"""Checks a state by the object's schema: a reason for each violation."""


@dataclass(frozen=True)
class State:
    """An object's data and its revision: 1 when created, one more for each applied update and each checkpoint."""

    data: Json
    revision: int


@dataclass(frozen=True)
class Folded:
    """The result of a fold.

    Args:
        state: after the last entry.
        verdicts: by comment id.
        strict: by comment id, whether the update would be applied by its mode and conditions alone.
        history: (comment id, state) after each applied update.
    """

    state: State
    verdicts: Mapping[int, Verdict]
    strict: Mapping[int, bool] = field(default_factory=dict)
    history: tuple[tuple[int, State], ...] = ()


def no_schema(_: Json) -> Sequence[Reason]:
    """The judge for an object without a schema."""
    return ()


def attempt(state: State, entry: Entry) -> State | Verdict:
    """The next state by only the update's conditions and mode, or the rejection."""
    if entry.kind is not Kind.UPDATE:
        return Verdict(Outcome.REJECTED, (entry.problem,))
    if entry.if_revision is not None and entry.if_revision != state.revision:
        return _rejected(
            "$._meta.if_revision",
            f"the update wants revision {entry.if_revision}, but the object was at revision {state.revision}",
        )
    if entry.if_digest and not digest(state.data).startswith(entry.if_digest):
        return _rejected("$._meta.if_digest", "the object had another digest than the update wants")
    try:
        data = merge.apply(entry.mode, state.data, entry.patch)
    except merge.Refused as refused:
        return Verdict(Outcome.REJECTED, refused.reasons)
    return State(data, state.revision + 1)


def _rejected(path: str, message: str) -> Verdict:
    return Verdict(Outcome.REJECTED, (Reason(path, message),))


def fold(
    state: State,
    entries: Iterable[Entry],
    *,
    earlier: Mapping[int, int],
    recorded: Mapping[int, Verdict],
    refusal: Callable[[Entry], Verdict | None],
    judge: Judge = no_schema,
) -> Folded:
    """Folds the entries, ascending by id, onto the state.

    Args:
        earlier: by comment id, the update whose idempotency key it repeats, see `repeats`.
        recorded: verdicts that bind: permissions and schema are not checked again.
        refusal: the verdict if the entry's author or editor may not do what it does.
        judge: checks a result by the schema.
    """
    verdicts: dict[int, Verdict] = {}
    strict: dict[int, bool] = {}
    history: list[tuple[int, State]] = []
    for entry in entries:
        bound = recorded.get(entry.id)
        first = earlier.get(entry.id)
        if first is not None:
            same = verdicts.get(first) or recorded.get(first)
            if same is not None and (bound is None or bound.outcome is same.outcome):
                verdicts[entry.id] = same
                continue
        refused = refusal(entry) if bound is None else None
        if bound is None and refused is None and entry.may_repeat:
            refused = _doubted(entry, verdicts.get(entry.may_repeat) or recorded.get(entry.may_repeat))
        if refused is not None:
            verdicts[entry.id] = refused
            continue
        result = attempt(state, entry.as_applied if bound == APPLIED else entry)
        strict[entry.id] = isinstance(result, State)
        if bound is not None:
            verdicts[entry.id] = bound
            if bound.outcome is Outcome.APPLIED and isinstance(result, State):
                state = result
                history.append((entry.id, state))
            continue
        if isinstance(result, Verdict):
            verdicts[entry.id] = result
            continue
        reasons = tuple(judge(result.data))
        if reasons:
            verdicts[entry.id] = Verdict(Outcome.REJECTED, reasons)
            continue
        state = result
        verdicts[entry.id] = APPLIED
        history.append((entry.id, state))
    return Folded(state, verdicts, strict, tuple(history))


def _doubted(entry: Entry, first: Verdict | None) -> Verdict | None:
    """The refusal of an update that may repeat another: applied, it might count twice; ignored, it might be lost.

    Args:
        first: the other one's verdict, if it is known.
    """
    if first is not None and first.outcome.refused:
        return None
    return _rejected(
        "$._meta.update_id",
        f"comment {entry.may_repeat} has the same key and was edited after it was applied, so the store cannot tell "
        "whether this is the same update; if it is a different one, post it with a different key",
    )


def repeats(entries: Sequence[Entry]) -> dict[int, int]:
    """For each update that repeats its author's idempotency key: the earlier one, whose verdict it shares.

    The key covers the 50 comments before it; after more, it is a new update.  A key that was not in the text that was
    folded counts for no other update: the verdict is not about it.  All deleted accounts have one login, so theirs is
    the same key only with the same text.

    Args:
        entries: the whole log as read, including conversation, ascending by id.
    """
    return _earlier(entries, changed=False)


def in_doubt(entries: Sequence[Entry]) -> list[Entry]:
    """The entries, with each update marked that may or may not repeat an edited one, see `Entry.may_repeat`."""
    known = repeats(entries)
    doubted = {number: first for number, first in _earlier(entries, changed=True).items() if number not in known}
    return [replace(entry, may_repeat=doubted[entry.id]) if entry.id in doubted else entry for entry in entries]


def _earlier(entries: Sequence[Entry], *, changed: bool) -> dict[int, int]:
    """For each update that was not edited later, the newest earlier one with its key.

    Args:
        changed: whether to look among those that were edited later, or among the others.
    """
    found: dict[int, int] = {}
    latest: dict[tuple[str, ...], tuple[int, int]] = {}
    for place, entry in enumerate(entries):
        if entry.kind is not Kind.UPDATE or not entry.update_id:
            continue
        text = (entry.mode, digest(entry.patch)) if entry.comment.author == GHOST else ()
        key = (*_key(entry), *text)
        before = latest.get(key)
        if not entry.changed and before is not None and place - before[0] <= REPEAT_WINDOW:
            found[entry.id] = before[1]
        if entry.changed is changed:
            latest[key] = place, entry.id
    return found


def _key(entry: Entry) -> tuple[str, str, str]:
    return entry.comment.author, entry.behalf, entry.update_id


def other_repeats(entries: Sequence[Entry], folded: Iterable[Entry]) -> Iterator[dict[int, int]]:
    """What else may have been repeats when these updates were folded, if the log does not explain the state.

    A receipt does not say whether its update counted on its own.  Deleted accounts have one login, edits change keys,
    and comments that were deleted or came late change how many are between two.  So each of the newest few that has a
    key of an earlier one, at any distance, is taken the other way than `repeats` does, and then all of one author.

    Args:
        entries: as for `repeats`.
    """
    usual = repeats(entries)
    ids = {entry.id for entry in folded}
    latest: dict[tuple[str, str, str], int] = {}
    open_by: dict[tuple[str, str], dict[int, int]] = {}
    for entry in entries:
        if entry.kind is not Kind.UPDATE or not entry.update_id:
            continue
        key = _key(entry)
        if key in latest and entry.id in ids:
            open_by.setdefault(key[:2], {})[entry.id] = latest[key]
        latest[key] = entry.id
    alone = sorted((pair for pairs in open_by.values() for pair in pairs.items()), reverse=True)[:_MOST_OPEN]
    for pairs in (*(dict([pair]) for pair in alone), *open_by.values()):
        others = {repeat: first for repeat, first in usual.items() if repeat not in pairs}
        yield others | {repeat: first for repeat, first in pairs.items() if repeat not in usual}


def folded_repeats(earlier: Mapping[int, int], late: Iterable[Entry], settled: Container[int]) -> dict[int, int]:
    """For each update that came late, after a repeat of it had been folded: that repeat, whose verdict it shares.

    Args:
        earlier: as `repeats` gives it.
        settled: the updates that have a verdict, by comment id.
    """
    later = {first: repeat for repeat, first in earlier.items()}
    found: dict[int, int] = {}
    for entry in late:
        repeat = later.get(entry.id)
        while repeat is not None and repeat not in settled:
            repeat = later.get(repeat)
        if repeat is not None:
            found[entry.id] = repeat
    return found


def unread_for_keys(entries: Sequence[Entry], updates: Iterable[Entry]) -> int:
    """How many more comments the idempotency keys of these updates cover than were read."""
    places = {entry.id: place for place, entry in enumerate(entries)}
    return max([0, *(REPEAT_WINDOW - places[e.id] for e in updates if e.update_id)])


def newest_checkpoint(entries: Iterable[Entry]) -> Entry | None:
    """The checkpoint that the log's fold starts from.

    A checkpoint's place is right after the comment that it names; at one place, the one written last counts.
    Of two with the same idempotency key, the first counts, so that a repeated write changes nothing.
    """
    found = [e for e in entries if e.kind is Kind.CHECKPOINT]
    seen: set[str] = set()
    best: Entry | None = None
    for entry in found:
        if entry.update_id and entry.update_id in seen:
            continue
        seen.add(entry.update_id)
        if best is None or (entry.after, entry.id) >= (best.after, best.id):
            best = entry
    return best


def tampered_since(entries: Iterable[Entry], rules: Rules) -> list[Entry]:
    """The store's own comments after the newest checkpoint that others have edited: the log may lack a state."""
    known = list(entries)
    base = newest_checkpoint(known)
    since = base.id if base else 0
    return [entry for entry in known if entry.id > since and is_edited_store_comment(entry.comment, rules)]
