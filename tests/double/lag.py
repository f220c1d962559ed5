"""Replica lag: what a view of the state does not show yet, counted in API requests after the write.

GitHub promises no moment at which a write shows everywhere (docs: Best practices for using the REST API), and its lists
and timelines are read from indexes and replicas of their own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Delays:
    """By how many requests each view lags behind what is written from now on; the issue itself is always up to date.

    With 2, neither the writing request nor the two after it, whoever makes them, see the change in that view.

    Attributes:
        events: entries of timelines (``RenamedTitleEvent``, labels, closing), and ``…/events`` of REST.
        labels: lists asked for by label: ``issues(labels:)``, ``Label.issues``, REST ``?labels=``. An issue is found,
            filtered and sorted by what it was: its labels, state and ``updated_at``. The nodes are up to date.
        lists: lists asked for without a label, likewise.
        permissions: answers about a person's permission; the rights themselves change at once.
        comments: new comments, in every read.
    """

    events: int = 0
    labels: int = 0
    lists: int = 0
    permissions: int = 0
    comments: int = 0


@dataclass(frozen=True, slots=True)
class Late:
    """A change that a view shows only after the request of that number; ``before`` is what it shows till then."""

    before: Any
    until: float


@dataclass(slots=True)
class Lags:
    """The changes of a repository that some view does not show yet. False when there are none."""

    late: dict[tuple[str, int | str], list[Late]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.late)

    def add(self, view: str, key: int | str, before: Any, until: float = math.inf) -> None:
        self.late.setdefault((view, key), []).append(Late(before, until))

    def seen(self, view: str, key: int | str, now: Any) -> Any:
        """What a view shows of something: ``now``, or what it was before the oldest change not shown yet."""
        waiting = self.late.get((view, key))
        return waiting[0].before if waiting else now

    def shown(self, view: str, things: list[Any]) -> list[Any]:
        """The things that a view shows at all."""
        return [thing for thing in things if self.seen(view, thing.id, thing) is not None] if self.late else things

    def catch_up(self, request: float) -> None:
        """The request of that number begins."""
        for key, waiting in list(self.late.items()):
            waiting[:] = [one for one in waiting if one.until >= request]
            if not waiting:
                del self.late[key]
