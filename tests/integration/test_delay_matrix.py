"""Kills, faults and orders once more while GitHub's views lag by 0 to 50 requests: titles, labels, lists, permissions.

What is meant by a delay is in `tests/double/lag.py`.  The quick cases run with every suite, all of them in a proof.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from gh_store_action.errors import StoreError
from tests.double.lag import Delays
from tests.integration.test_crash_matrix import (
    Scenario,
    crashed_create,
    first_adoption,
    hand_edit,
    mixed_verdicts,
    of_a_persons_run_with_updates,
    one_pending,
    refused_hand_edit,
    three_pending,
    title_lost,
)
from tests.support.faults import FAULTS
from tests.support.interleave import Orders
from tests.support.library import store_of
from tests.support.store import Seen, World, disturbed, undisturbed, world

BUDGET = float(os.environ.get("PROVE_BUDGET", "300"))
VIEWS = ("events", "labels", "lists", "permissions")
DELAYS = (0, 1, 2, 3, 4, 5, 50)
SCENARIOS: list[Scenario] = [
    one_pending,
    three_pending,
    mixed_verdicts,
    first_adoption,
    hand_edit,
    refused_hand_edit,
    crashed_create,
    title_lost,
    of_a_persons_run_with_updates,
]
INC = {"_data": {"$inc": {"count": 1}}, "_meta": {"update_mode": "operators"}}

Case = tuple[str, int, Scenario]


def cases(proof: bool, quick: list[Case]) -> Iterator[Case]:
    """The quick ones, or all, mixed, until the budget is used."""
    every = [(view, delay, scenario) for view in VIEWS for delay in DELAYS for scenario in SCENARIOS]
    random.Random(0).shuffle(every)
    end = time.monotonic() + BUDGET
    for case in every if proof else quick:
        if time.monotonic() > end:
            return
        yield case


def lagging(w: World, view: str, delay: int) -> None:
    """From now on that view is late; alice's permission changes, and she may write before and after."""
    setattr(w.hub.delays, view, delay)
    w.repo.grant("alice", "maintain")


def in_time(w: World) -> None:
    for view in VIEWS:
        setattr(w.hub.delays, view, getattr(Delays(), view))
    w.repo.reveal()
    w.sweep()


def outcome(seen: object) -> object:
    """Body, verdicts and replies; how many states the log holds, and signatures in the title, may differ."""
    assert isinstance(seen, Seen)
    return seen.body, seen.closed, seen.receipts, seen.refused


PROOF = pytest.mark.parametrize("proof", [False, pytest.param(True, marks=pytest.mark.prove)], ids=["quick", "proof"])


@PROOF
def test_killed_at_any_request_while_a_view_lags__the_state_is_the_undisturbed_one(proof: bool) -> None:
    for view, delay, scenario in cases(proof, [("events", 2, mixed_verdicts), ("permissions", 50, one_pending)]):
        with world() as w:
            number = scenario(w)

            def run(token: str, w: World = w, number: int = number, view: str = view, delay: int = delay) -> object:
                lagging(w, view, delay)
                return w.process(number, token)

            wanted = outcome(
                undisturbed(w, number, lambda token, w=w, number=number: w.process(number, token), w.sweep)  # type: ignore[misc]
            )
            for k, phase, seen in disturbed(w, number, run, lambda w=w: in_time(w)):  # type: ignore[misc]
                assert (view, delay, scenario.__name__, k, phase, outcome(seen)) == (
                    *(view, delay, scenario.__name__, k, phase),
                    wanted,
                )


@PROOF
def test_a_fault_at_any_request_while_a_view_lags__the_state_is_the_undisturbed_one(proof: bool) -> None:
    for view, delay, scenario in cases(proof, [("events", 3, one_pending)]):
        with world() as w:
            number = scenario(w)
            wanted = outcome(
                undisturbed(w, number, lambda token, w=w, number=number: w.process(number, token), w.sweep)  # type: ignore[misc]
            )
            saved = w.hub.save()
            for name in FAULTS if proof else ("502 after the effect", "truncated"):
                for k in range(1, 5):
                    w.hub.restore(saved)
                    lagging(w, view, delay)
                    token = w.token()
                    FAULTS[name](w, token, k)
                    with suppress(StoreError):
                        w.process(number, token)
                    w.hub.faults.clear()
                    in_time(w)
                    assert (view, delay, scenario.__name__, name, k, outcome(w.seen(number))) == (
                        *(view, delay, scenario.__name__, name, k),
                        wanted,
                    )


CHANGES = [
    (old, new, late) for old, new in (("none", "write"), ("write", "read"), ("triage", "maintain")) for late in DELAYS
]


@PROOF
def test_a_right_that_changes_and_receipts_that_are_left_for_the_next_run__a_receipt_says_what_the_body_holds(
    proof: bool,
) -> None:
    """The body is written with the rights that GitHub tells, and the next run may hear of others."""
    with world() as w:
        number = w.object("m", {"count": 0})
        for by in ("alice", "bob", "alice", "bob"):
            w.update(number, INC, by=by)
        saved = w.hub.save()
        for old, new, late in CHANGES if proof else CHANGES[2:17:7]:
            for refused in (0, 2, 6) if proof else (6,):
                for k, phase in [(0, "before"), (1, "after"), (2, "before"), (2, "after"), (3, "after")]:
                    w.hub.restore(saved)
                    w.hub.delays.permissions = 0
                    w.repo.grant("alice", old)
                    w.hub.delays.permissions = late
                    w.repo.grant("alice", new)
                    token = w.token()
                    w.hub.faults.refuse("addReaction", {"message": "no"}, times=refused, token=token)
                    if k:
                        w.hub.faults.dead_from(token, k, phase)
                    with suppress(StoreError):
                        w.process(number, token)
                    w.hub.faults.clear()
                    w.sweep()
                    seen = w.seen(number)
                    assert seen.body == {"count": seen.receipts.count(("+1",))}, (old, new, late, refused, k, phase)
                    assert {*seen.receipts} <= {("+1",), ("confused",)}


def with_two_updates(w: World) -> None:
    number = w.object()
    for _ in range(2):
        w.update(number, INC)


def everything(w: World) -> None:
    """After one more run, each update is in the object once, or was refused, whichever issue keeps it now."""
    in_time(w)
    with store_of(w, w.token()) as store:
        store.sweep()
        store.process(1)
        data = store.get("m").data
    verdicts = [
        {content for _, content in comment.reactions}
        for issue in w.repo.issues()
        for comment in issue.comments
        if comment.author == "alice"
    ]
    applied = sum("+1" in found for found in verdicts)
    assert data == {"count": applied}
    assert all(found in ({"+1"}, {"-1"}) for found in verdicts), verdicts


def moves(w: World, token: str) -> Callable[[], object]:
    def work() -> object:
        with store_of(w, token) as store:
            return store.roll_over("m")

    return work


def delays(proof: bool) -> list[tuple[str, int]]:
    every = [(view, delay) for view in VIEWS for delay in DELAYS]
    random.Random(0).shuffle(every)
    return every if proof else [("events", 1), ("labels", 5)]


@PROOF
def test_a_roll_over_killed_at_any_request_while_a_view_lags__loses_nothing(proof: bool) -> None:
    end = time.monotonic() + BUDGET
    for view, delay in delays(proof):
        with world() as w:
            with_two_updates(w)
            saved = w.hub.save()
            for k in range(1, 13) if proof else (4, 8):
                for phase in ("before", "after"):
                    if time.monotonic() > end:
                        return
                    w.hub.restore(saved)
                    lagging(w, view, delay)
                    token = w.token()
                    w.hub.faults.dead_from(token, k, phase)
                    with suppress(StoreError):
                        moves(w, token)()
                    w.hub.faults.clear()
                    w.update(1, INC)
                    everything(w)


@PROOF
def test_a_roll_over_beside_a_run_while_a_view_lags__loses_nothing_in_any_order(proof: bool) -> None:
    end = time.monotonic() + BUDGET
    for view, delay in delays(proof):
        with world() as w:
            with_two_updates(w)
            mover, runner = w.token(), w.token()
            saved = w.hub.save()
            for schedule in Orders(most=400 if proof else 3):
                if time.monotonic() > end:
                    return
                w.hub.restore(saved)
                lagging(w, view, delay)
                failed = schedule.run(
                    w.hub,
                    {mover: moves(w, mover), runner: lambda w=w, runner=runner: w.process(1, runner)},  # type: ignore[misc]
                )
                assert all(isinstance(error, StoreError) for error in failed.values()), failed
                everything(w)
