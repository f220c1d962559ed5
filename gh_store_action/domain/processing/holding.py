"""Which comments the body contains, and which came late.

A comment can become visible after a run has folded newer ones.  The marker names the newest comments that the fold
knew, so a comment among them that it does not name came late, whatever was deleted, edited or left without a receipt
since.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from gh_store_action.domain.log.entries import Entry, Kind
from gh_store_action.domain.objects import MOST_RECENT, Marker, short_digest, short_id
from gh_store_action.domain.processing.base import recorded_verdicts
from gh_store_action.domain.processing.context import Context, NeedsMore
from gh_store_action.domain.processing.effects import ReadFurther
from gh_store_action.domain.processing.replay import replay
from gh_store_action.domain.records import Issue
from gh_store_action.domain.verdicts import outcomes_given

_MOST_PLACES = 20
_MOST_LOOKED_AT = 100  # comments up to the marker's in which to look for the named ones


@dataclass(frozen=True)
class Holding:
    """What is known about the comments up to the marker's.

    Args:
        late: updates that the body does not contain, by the marker's names.
        maybe: older updates without a receipt, of which some may have come late, too.
        extra: how many older comments there are that the marker does not count: no more of those came late.
        recent: the newest comments, including late ones, as the next marker names them.
        count: the number of comments, including late ones.
    """

    late: tuple[Entry, ...]
    maybe: tuple[Entry, ...]
    extra: int
    recent: tuple[str, ...]
    count: int


def holding(issue: Issue, entries: Sequence[Entry], marker: Marker, settled: Collection[int], since: int) -> Holding:
    """Compares the comments with those that the marker names.

    Args:
        entries: the log as read, ascending, including conversation.
        settled: updates that have a verdict, by comment id.
        since: the comment after which the store's own log begins.
    """
    below = [entry for entry in entries if entry.id <= marker.comment]
    count = issue.total_comments - (len(entries) - len(below))
    found = _align(below[-_MOST_LOOKED_AT:], marker, settled)
    # Before the named ones, only the count says how many are late; these have no receipt.
    extra = max(0, count - marker.count - len(found.unnamed) + found.gone)
    silent = (e for e in below if e.asks and since < e.id < found.first and e.id not in settled)
    late = sorted((e for e in found.unnamed if e.asks and e.id > since), key=lambda entry: entry.id)
    return Holding(tuple(late), tuple(silent) if extra else (), extra, found.names, count)


class _Alignment(NamedTuple):
    """The comments matched with the names in the marker.

    Args:
        names: of the existing comments, including the unnamed ones.  Deleted comments are no longer named: the next
            marker's count leaves them out, and the two are compared.
        unnamed: comments that the marker should name, but does not.
        first: the first comment that the names cover.
        gone: how many of the named comments do not exist.
    """

    names: tuple[str, ...]
    unnamed: list[Entry]
    first: int
    gone: int


def _align(below: Sequence[Entry], marker: Marker, settled: Collection[int]) -> _Alignment:
    """Finds the comments that the marker names: the longest common subsequence, with the most verdicts in it."""
    names = marker.recent
    marks = [short_id(entry.id) for entry in below]
    weights = [1_000 + (entry.id in settled) for entry in below]
    best = [[0] * (len(names) + 1) for _ in range(len(below) + 1)]
    for row, mark in enumerate(marks):
        for column, name in enumerate(names):
            same = best[row][column] + weights[row] if mark == name else 0
            best[row + 1][column + 1] = max(same, best[row][column + 1], best[row + 1][column])
    row, column = len(below), len(names)
    merged: list[str] = []
    unnamed: list[int] = []
    matched: list[int] = []
    while row and column:
        if best[row][column] == best[row][column - 1]:
            column -= 1
            continue
        row -= 1
        merged.append(marks[row])
        if best[row + 1][column] == best[row][column]:
            unnamed.append(row)
        else:
            column -= 1
            matched.append(row)
    first = matched[-1] if matched else len(below)
    if 0 < marker.count <= len(names):  # all are named, so comments before the first one are unnamed, too
        unnamed += range(row)
        first = 0
    return _Alignment(
        tuple(reversed(merged))[-MOST_RECENT:],
        [below[place] for place in unnamed if place >= first],
        below[first].id if first < len(below) else marker.comment + 1,
        len(names) - len(matched) if first < len(below) else 0,
    )


class Copy(NamedTuple):
    """What the marker and the log's checkpoints say, with the ids of a copy of the issue.

    Args:
        misplaced: whether a checkpoint names its place by an id that no longer exists.
    """

    marker: Marker
    entries: Sequence[Entry]
    misplaced: bool


def renumbered(issue: Issue, entries: Sequence[Entry], marker: Marker, context: Context) -> Copy | None:
    """The marker and the entries with the ids of a copy of the issue; None if the comments are those in the marker.

    Tools that move a repository copy the comments: the same texts in the same order with other ids (github-facts,
    section 3).  Then the first `count` of them fold to the marker's state.  A state by the store that comes after the
    marker's comment, and is not newer than the marker, is a copy in any case, even if comments were edited or deleted
    before: receipts show how many of them the body holds, otherwise the fold of fewer, otherwise `count`.

    Raises:
        NeedsMore: it may be a copy, and the whole log has not been read.
    """
    ids = [entry.id for entry in entries]
    if not marker.comment or not ids or marker.comment in ids:
        return None
    marks = {short_id(number) for number in ids}
    named = sum(name in marks for name in marker.recent)
    if named and 4 * named >= len(marker.recent):  # fewer may be chance
        return None
    if not issue.complete:
        raise NeedsMore(ReadFurther(0))
    again = any(
        entry.kind is Kind.CHECKPOINT and entry.id > marker.comment and entry.revision <= marker.revision
        for entry in entries
    )
    most = min(marker.count, len(ids))
    least = most - _MOST_PLACES if again else marker.count - 1
    answered = _last_answered(entries, context) if again else 0
    places = (
        (count, kept)
        for count in ([answered] if answered else range(most, max(least, 0), -1))
        for kept in _in_places(entries, count)
        if _folds_to(marker, kept, context, ids[count - 1])
    )
    count, kept = next(places, (answered or (most if again else 0), entries))
    if not count:
        return None
    recent = tuple(short_id(number) for number in ids[:count][-MOST_RECENT:])
    after = {entry.id: entry.after for entry in kept}
    placed = [replace(entry, after=after.get(entry.id, entry.after)) for entry in entries]
    return Copy(replace(marker, comment=ids[count - 1], count=count, recent=recent), placed, placed != list(entries))


def _folds_to(marker: Marker, entries: Sequence[Entry], context: Context, up_to: int) -> bool:
    recorded = recorded_verdicts(entries, context, up_to)
    found = replay(entries, context, up_to=up_to, recorded=recorded)
    return found is not None and short_digest(found.state.data) == marker.digest


def _last_answered(entries: Sequence[Entry], context: Context) -> int:
    """The number of comments up to the newest update with a receipt; 0 if none has one."""
    reactions, who = context.rules.reactions, context.binding
    found = (n for n, e in enumerate(entries, 1) if e.asks and outcomes_given(e.comment, reactions, who))
    return max(found, default=0)


def _in_places(entries: Sequence[Entry], count: int) -> Iterator[list[Entry]]:
    """The first `count` comments and the checkpoints after them, in each place that these may have.

    Checkpoints name their places by ids that no longer exist.  A checkpoint among these comments has no later place
    than where it was written; the newest one after them has one of the last places.
    """
    ids = [entry.id for entry in entries]
    log: list[Entry] = []
    for place, entry in enumerate(entries):
        if entry.kind is Kind.CHECKPOINT and entry.after and entry.after not in ids:
            entry = replace(entry, after=ids[min(place, count) - 1] if place else 0)
        if place < count or entry.kind is Kind.CHECKPOINT:
            log.append(entry)
    yield log
    if len(log) > count and log[-1].after:
        for number in reversed(ids[max(0, count - _MOST_PLACES) : count - 1]):
            yield [*log[:-1], replace(log[-1], after=number)]
