"""Webhook events: what each change of state would have told a workflow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

DISPATCHES = ("repository_dispatch", "workflow_dispatch")


@dataclass(frozen=True, slots=True)
class Event:
    """One event as a runner would see it.

    Attributes:
        name: as in ``GITHUB_EVENT_NAME``.
        action: the activity type, or None for events without one.
        actor: login of whoever caused it.
        payload: the content of ``GITHUB_EVENT_PATH``.
        starts_run: False for what a workflow token did, except dispatches
            (docs: actions-do-not-trigger-workflows).
    """

    index: int
    name: str
    action: str | None
    actor: str
    repository: str
    at: int
    payload: dict[str, Any]
    starts_run: bool


class EventLog:
    """The events so far, oldest first. Iterable, sized, indexable."""

    def __init__(self) -> None:
        self._events: list[Event] = []

    def __iter__(self) -> Iterator[Event]:
        return iter(list(self._events))

    def __len__(self) -> int:
        return len(self._events)

    def __getitem__(self, index: int) -> Event:
        return self._events[index]

    def record(
        self,
        name: str,
        action: str | None,
        actor: str,
        repository: str,
        at: int,
        payload: dict[str, Any],
        by_workflow: bool,
    ) -> None:
        starts = not by_workflow or name in DISPATCHES
        self._events.append(Event(len(self._events), name, action, actor, repository, at, payload, starts))

    def named(self, name: str, action: str | None = None) -> list[Event]:
        """Events of a name and, where given, an action."""
        return [e for e in self._events if e.name == name and action in (None, e.action)]

    def snapshot(self) -> tuple[Event, ...]:
        return tuple(self._events)

    def reset(self, events: tuple[Event, ...] = ()) -> None:
        self._events = list(events)

    clear = reset
