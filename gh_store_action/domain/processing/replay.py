"""The state in doubt: which comments does the body already hold?

After a crash some folded updates have no receipt; a late arrival has none because no run has seen it.  Both look
alike in the comments.  The marker's digest tells them apart: the fold of the log with the right comments left out
gives that digest, and only that one does.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

from gh_store_action.domain.log.entries import Entry, Kind
from gh_store_action.domain.log.fold import Folded, Judge, State, fold, newest_checkpoint, repeats
from gh_store_action.domain.strict_json import digest
from gh_store_action.domain.verdicts import Outcome, Verdict

MOST_LATE = 3  # how many late comments are looked for, and...
MOST_WORK = 3_000  # updates folded in the search; large objects take milliseconds each
MOST_CANDIDATES = 12  # ...among how many of the newest without a receipt


class Finding(enum.Enum):
    """What the log and the marker say together."""

    AGREES = "agrees"  # the body is the fold of the log
    LATE = "late"  # the fold of all is the state: the late ones take their place in the order
    LATE_ON_TOP = "late on top"  # in their place they would undo a verdict, so they come last
    CHANGED = "changed"  # no choice of comments gives the body: the log was changed after the fact


@dataclass(frozen=True)
class Explanation:
    """How the log and the body fit together.

    Args:
        finding: which case it is.
        folded: the fold up to the marker's comment that the finding rests on.
        late: comments that the body does not hold.
        base: the checkpoint that the fold started from, None where the log has none.
    """

    finding: Finding
    folded: Folded
    late: tuple[Entry, ...]
    base: Entry | None


@dataclass(frozen=True)
class ReplayLog:
    """The log back to its newest checkpoint, and what is known of its entries.

    Args:
        entries: ascending by id, chat included.
        recorded: the verdicts that bind.
        authorized: whether an entry's author and editor may write.
        judge: the schema's opinion.
    """

    entries: Sequence[Entry]
    recorded: Mapping[int, Verdict]
    authorized: Callable[[Entry], bool]
    judge: Judge

    def fold(
        self, *, up_to: int, without: frozenset[int] = frozenset(), known: tuple[int, Folded] | None = None
    ) -> tuple[Folded, Entry | None]:
        """Folds what stands up to that comment, checkpoints in their places, some entries left out.

        Args:
            known: a comment, and the fold up to it, which holds as long as nothing up to there is left out.
        """
        kept = [e for e in self.entries if e.id not in without]
        base = newest_checkpoint(kept)
        start = State(base.patch, base.revision) if base else State({}, 1)
        behind = base.after if base else 0
        whole = known is not None and not any(e.id in without and e.kind is Kind.CHECKPOINT for e in self.entries)
        if known is not None and whole and behind <= known[0]:
            start, behind = known[1].state, known[0]
        entries = [e for e in kept if e.asks and behind < e.id <= up_to]
        folded = fold(
            start,
            entries,
            earlier=repeats(kept),
            recorded=self.recorded,
            authorized=self.authorized,
            judge=self.judge,
        )
        if known is not None and whole:
            folded = Folded(
                folded.state,
                {**known[1].verdicts, **folded.verdicts},
                {**known[1].strict, **folded.strict},
                (*known[1].history, *folded.history),
            )
        return folded, base


def explain(log: ReplayLog, *, up_to: int, wanted: str, unreceipted: Sequence[Entry]) -> Explanation:
    """Finds which comments the body of the marker holds.

    Args:
        up_to: the marker's comment.
        wanted: the marker's digest, 8 digits.
        unreceipted: the updates up to that comment that nobody has a recorded verdict for, by id.
    """
    everything, base = log.fold(up_to=up_to)
    behind = base.after if base else 0
    buried = [e for e in unreceipted if e.id <= behind and e.kind is not Kind.CHECKPOINT]
    # A checkpoint names the updates without a receipt that it holds; what it does not name came after it was made.
    late_below = tuple(e for e in buried if base is not None and not base.adopted)
    if base is None:
        return Explanation(Finding.CHANGED, everything, (), None)
    if _fits(everything, wanted):
        finding = Finding.LATE_ON_TOP if late_below else Finding.AGREES
        return Explanation(finding, everything, late_below, base)
    checkpoints = [e for e in log.entries if e.kind is Kind.CHECKPOINT and e.id > up_to and e.after <= up_to]
    candidates = sorted(
        [*(e for e in unreceipted if e.id not in {b.id for b in buried}), *checkpoints], key=lambda e: e.id
    )
    before = min((e.id for e in candidates if e.asks), default=up_to + 1) - 1
    prefix = (before, log.fold(up_to=before)[0]) if before >= behind else None
    behind_prefix = sum(1 for e in log.entries if e.asks and before < e.id <= up_to)
    for left_out in islice(_choices(candidates), max(MOST_LATE, MOST_WORK // max(1, behind_prefix))):
        ids = frozenset(e.id for e in left_out)
        partial, _ = log.fold(up_to=up_to, without=ids, known=prefix)
        if not _fits(partial, wanted):
            continue
        late = tuple(e for e in left_out if e.asks)
        if late_below:
            return Explanation(Finding.LATE_ON_TOP, partial, (*late_below, *late), base)
        shared = partial.strict.keys() & everything.strict.keys() & log.recorded.keys()
        if all(partial.strict[key] == everything.strict[key] for key in shared):
            return Explanation(Finding.LATE, everything, late, base)
        return Explanation(Finding.LATE_ON_TOP, partial, late, base)
    return Explanation(Finding.CHANGED, everything, late_below, base)


def _fits(folded: Folded, wanted: str) -> bool:
    return digest(folded.state.data).startswith(wanted)


def _choices(candidates: Sequence[Entry]) -> Iterator[tuple[Entry, ...]]:
    """Which comments may have come late: up to three, newest first; then all of them."""
    newest = list(reversed(candidates))[:MOST_CANDIDATES]
    for size in range(1, min(MOST_LATE, len(newest)) + 1):
        yield from combinations(newest, size)
    if len(candidates) > MOST_LATE:
        yield tuple(candidates)


def recorded_by_checkpoints(entries: Sequence[Entry]) -> dict[int, Verdict]:
    """The outcomes that checkpoints name."""
    known = {outcome.key: outcome for outcome in Outcome}
    return {
        comment: Verdict(known[outcome])
        for entry in entries
        if entry.kind is Kind.CHECKPOINT
        for comment, outcome in entry.absorbed.items()
        if outcome in known
    }
