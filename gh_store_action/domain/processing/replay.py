"""Folds the log again from its newest checkpoint: the object's state when the body does not have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from gh_store_action.domain.log.entries import Entry, Kind
from gh_store_action.domain.log.fold import Folded, State, fold, newest_checkpoint, other_repeats, repeats
from gh_store_action.domain.objects import short_digest
from gh_store_action.domain.processing.context import Context
from gh_store_action.domain.verdicts import Outcome, Verdict


def replay(
    entries: Sequence[Entry],
    context: Context,
    *,
    up_to: int,
    recorded: Mapping[int, Verdict],
    without: frozenset[int] = frozenset(),
    wanted: str = "",
) -> Folded | None:
    """Folds the log up to that comment; None if there is no state to start from.

    Args:
        entries: ascending by id, including conversation, back to the newest checkpoint's place.
        recorded: the binding verdicts.
        without: comments to leave out.
        wanted: the short digest of the state that the updates gave when they were folded; if that depends on which of
            them repeated a key, it says so.
    """
    kept = [e for e in entries if e.id not in without]
    base = newest_checkpoint(e for e in kept if e.after <= up_to)
    if base is None:
        return None
    start = State(base.patch, base.revision)
    folded = [e for e in kept if e.asks and base.after < e.id <= up_to]

    def by(earlier: Mapping[int, int]) -> Folded:
        return fold(start, folded, earlier=earlier, recorded=recorded, refusal=context.refusal, judge=context.judge)

    usual = by(repeats(kept))
    ways: Iterable[Folded] = chain([usual], map(by, other_repeats(kept, folded))) if wanted else ()
    return next((found for found in ways if short_digest(found.state.data) == wanted), usual)


def recorded_by_checkpoints(entries: Sequence[Entry]) -> dict[int, Verdict]:
    """The outcomes in checkpoints."""
    known = {outcome.key: outcome for outcome in Outcome}
    return {
        comment: Verdict(known[outcome])
        for entry in entries
        if entry.kind is Kind.CHECKPOINT
        for comment, outcome in entry.absorbed.items()
        if outcome in known
    }
