"""Several clients at once, in every order: their requests to the loopback GitHub are let through one at a time."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from tests.double import GitHub, Request

BUDGET = float(os.environ.get("PROVE_BUDGET", "300"))
DEPTHS = [pytest.param(False, id="quick"), pytest.param(True, id="proof", marks=pytest.mark.prove)]
QUICK = 6  # orders tried by `make test`


@dataclass
class _Client:
    name: str
    waiting: bool = False
    running: bool = False
    done: bool = False


class Schedule:
    """Lets one waiting client at a time through, by a list of choices; the first waiting one where the list ends.

    Args:
        choices: which of the clients then waiting, by their order of names.
        pick: for choices past the list, given how many wait.
    """

    def __init__(self, choices: Sequence[int], pick: Callable[[int], int] = lambda count: 0) -> None:
        self.taken: list[tuple[int, int]] = []  # (choice, of how many)
        self.order: list[str] = []
        self._choices = list(choices)
        self._pick = pick
        self._turn = threading.Condition()
        self._clients: dict[str, _Client] = {}

    # The gate, called in the server's threads

    def enter(self, request: Request) -> None:
        """A request waits for its turn."""
        client = self._clients.get(request.token_value or "")
        if client is not None:
            self._wait_for_turn(client)

    def leave(self, request: Request) -> None:
        """Its effect has taken place: its client runs on to its next request."""

    def _wait_for_turn(self, client: _Client) -> None:
        with self._turn:
            client.waiting, client.running = True, False
            self._turn.notify_all()
            self._turn.wait_for(lambda: client.running, timeout=60)

    def run(self, github: GitHub, clients: Mapping[str, Callable[[], object]]) -> dict[str, BaseException]:
        """Runs the clients, known by their token strings (any other string: steps of a script), to their ends."""
        self._clients = {name: _Client(name) for name in clients}
        failures: dict[str, BaseException] = {}

        def work(name: str, job: Callable[[], object]) -> None:
            try:
                job()
            except BaseException as error:
                failures[name] = error
            finally:
                with self._turn:
                    self._clients[name].done = True
                    self._clients[name].waiting = False
                    self._turn.notify_all()

        github.gate = self
        threads = [threading.Thread(target=work, args=item, daemon=True) for item in clients.items()]
        try:
            for thread in threads:
                thread.start()
            self._control()
            for thread in threads:
                thread.join(timeout=60)
        finally:
            github.gate = None
        return failures

    def step(self, name: str) -> None:
        """A script's next step waits for its turn like a request."""
        self._wait_for_turn(self._clients[name])

    def _control(self) -> None:
        while True:
            with self._turn:
                settled = self._turn.wait_for(
                    lambda: all(c.waiting or c.done for c in self._clients.values()), timeout=60
                )
                assert settled, "a client neither asked nor ended"
                waiting = [c for c in self._clients.values() if c.waiting]
                if not waiting:
                    return
                place = len(self.taken)
                choice = self._choices[place] if place < len(self._choices) else self._pick(len(waiting))
                choice = min(choice, len(waiting) - 1)
                self.taken.append((choice, len(waiting)))
                chosen = waiting[choice]
                self.order.append(chosen.name)
                chosen.waiting, chosen.running = False, True
                self._turn.notify_all()


@dataclass
class Orders:
    """Schedules: each run tells how many choices there were, and they are enumerated depth first.

    Args:
        most: how many; without it all.
        seed: of random schedules instead.
        count: how many there were so far.
    """

    most: int | None = None
    seed: int | None = None
    count: int = 0
    _next: list[int] | None = field(default_factory=list)

    def __iter__(self) -> Iterator[Schedule]:
        while self._next is not None and (self.most is None or self.count < self.most):
            chance = random.Random(f"{self.seed}-{self.count}")
            schedule = Schedule(self._next) if self.seed is None else Schedule([], chance.randrange)
            self.count += 1
            yield schedule
            self._next = _following(schedule.taken) if self.seed is None else []


def orders_for(most: int, proof: bool) -> Orders:
    """All orders in a proof with time for it, many of them in a shorter one; else so many, from anywhere."""
    return Orders(None if BUDGET > 60 else most * 15) if proof else Orders(most, seed=1)


def _following(taken: Sequence[tuple[int, int]]) -> list[int] | None:
    for place in range(len(taken) - 1, -1, -1):
        choice, of = taken[place]
        if choice + 1 < of:
            return [c for c, _ in taken[:place]] + [choice + 1]
    return None
