"""An object's history as lines of a file: what made each revision, with states that patches do not give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import TypedDict

from gh_store_action.domain.log.entries import Entry, Kind
from gh_store_action.domain.log.fold import State, attempt
from gh_store_action.domain.past.history import ObjectLog, Point, verdict_of
from gh_store_action.domain.strict_json import Json, digest, equal
from gh_store_action.domain.verdicts import Outcome

INITIAL = "initial"  # the mode of a state that the store wrote down


class HistoryLine(TypedDict, total=False):
    """One line: an update, or a state that the store wrote down (mode `initial`, without a patch).

    `revision` and `digest` are None if it made none.  `state` is set if the patch on the previous state does not give
    it, and `certain` is False if the log no longer gives exactly this state.
    """

    revision: int | None
    time: str
    author: str
    comment_id: int
    mode: str
    patch: Json
    verdict: str
    digest: str | None
    state: Json
    certain: bool


def lines_of(logs: Sequence[ObjectLog], states: Sequence[Point], revision: int) -> Iterator[HistoryLine]:
    """The history up to a revision, in the order in which it was folded, to read line by line.

    Entries that changed nothing come before the next revision, and those after the last one are left out.  So the same
    revision has the same lines, whatever was refused or said since.

    Args:
        logs: of all issues that have held the object, oldest first.
        states: that the object went through, in order.
    """
    left = list(takewhile(lambda point: point.revision <= revision, states))
    before: Point | None = None
    made = {point.comment_id for point in states}
    following = iter(logs)
    while left:
        log = next(following)
        entries = {entry.id: entry for entry in log.entries}
        others = [entry for entry in log.entries if entry.asks and entry.id not in made]
        while left and left[0].comment_id in entries:
            point = left.pop(0)
            entry = entries[point.comment_id]
            yield from (_line(log, other) for other in _taken(others, _place(entry)))
            yield _revision(entry, point, before)
            before = point
        if left:  # the object moved
            yield from (_line(log, other) for other in _taken(others, log.edge))


def _place(entry: Entry) -> int:
    """The comment up to which the log was folded when the entry made its state."""
    return entry.after if entry.update_id and not entry.asks else entry.id


def _taken(entries: list[Entry], until: int) -> list[Entry]:
    taken = [entry for entry in entries if entry.id <= until]
    del entries[: len(taken)]
    return taken


def _line(log: ObjectLog, entry: Entry) -> HistoryLine:
    return HistoryLine(
        revision=None,
        time=entry.comment.created_at,
        author=entry.author,
        comment_id=entry.id,
        mode=entry.mode,
        patch=_patch(entry),
        verdict=verdict_of(log, entry),
        digest=None,
    )


def _revision(entry: Entry, point: Point, before: Point | None) -> HistoryLine:
    line = HistoryLine(
        revision=point.revision,
        time=point.time,
        author=entry.author,
        comment_id=entry.id,
        mode=entry.mode if entry.asks else INITIAL,
        patch=_patch(entry) if entry.asks else None,
        verdict=Outcome.APPLIED.key,
        digest=digest(point.data),
    )
    if not entry.asks or before is None or not _gives(entry, before, point):
        line["state"] = point.data
    if not point.certain:
        line["certain"] = False
    return line


def _gives(entry: Entry, before: Point, point: Point) -> bool:
    """Whether the update alone, without its conditions, makes the state from the previous one."""
    found = attempt(State(before.data, before.revision), entry.as_applied)
    return isinstance(found, State) and equal(found.data, point.data)


def _patch(entry: Entry) -> Json:
    """Its data; for an update that is not JSON, its comment's text."""
    return entry.comment.body if entry.kind is Kind.INVALID and entry.patch is None else entry.patch
