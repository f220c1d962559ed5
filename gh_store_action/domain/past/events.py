"""An object's log as plain rows, for programs that know nothing about this store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gh_store_action.domain.past.history import HistoryEntry, Point
from gh_store_action.domain.strict_json import Json, digest


@dataclass(frozen=True)
class Event:
    """One entry of a log.

    Args:
        type: `initial_state`, `update` or `checkpoint`.
        issue_number: of the comment's issue: an older one than the object's, if that was rolled over.
        revision: that it made; None if it made none or the log does not say.
        mode: an update mode, or `initial` for a state.
        patch: the update's data, or the state; for an invalid update, its comment's text.
        verdict: `applied`, `rejected`, `unauthorized` or `pending`.
        digest: of the state after it; empty if it made none or the log does not give it for certain.
        state: that state.
    """

    comment_id: int
    issue_number: int
    type: str
    revision: int | None
    time: str
    author: str
    mode: str
    patch: Json
    verdict: str
    reason: str
    update_id: str
    edited: str
    digest: str = ""
    state: Json = None


def events(entries: Iterable[HistoryEntry], points: Sequence[Point]) -> Iterator[Event]:
    """The entries of a history with the states that they made, in order."""
    made = {point.comment_id: point for point in points if point.certain}
    for entry in entries:
        of, point = entry["metadata"], made.get(entry["comment_id"])
        yield Event(
            comment_id=entry["comment_id"],
            issue_number=of["issue_number"],
            type=entry["type"],
            revision=of["revision"],
            time=entry["timestamp"],
            author=of["author"],
            mode=of["update_mode"],
            patch=entry["data"],
            verdict=of["verdict"],
            reason=of["reason"],
            update_id=of["update_id"],
            edited=of["edited"],
            digest=digest(point.data) if point else "",
            state=point.data if point else None,
        )
