"""Two and three processors, and people who post between any two requests: the rules hold in every order (D11-D13)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from tests.double import BOT
from tests.integration.test_crash_matrix import (
    crashed_create,
    first_adoption,
    hand_edit,
    late_arrival,
    late_arrival_that_would_undo,
    mixed_verdicts,
    one_pending,
    refused_hand_edit,
    three_pending,
)
from tests.support.interleave import BUDGET, DEPTHS, QUICK, Orders, Schedule, orders_for
from tests.support.store import Seen, World, undisturbed, world

SCENARIOS = [
    one_pending,
    three_pending,
    mixed_verdicts,
    first_adoption,
    hand_edit,
    refused_hand_edit,
    late_arrival,
    late_arrival_that_would_undo,
    crashed_create,
]


def in_every_order(
    w: World,
    number: int,
    clients: Callable[[Schedule], dict[str, Callable[[], object]]],
    orders: Iterable[Schedule],
) -> Iterable[tuple[list[str], Seen]]:
    saved = w.hub.save()
    for schedule in orders:
        w.hub.restore(saved)
        schedule.run(w.hub, clients(schedule))
        w.sweep()
        yield schedule.order, w.seen(number)


def two(w: World, number: int) -> Callable[[Schedule], dict[str, Callable[[], object]]]:
    one, other = w.token(), w.token()
    return lambda schedule: {one: lambda: w.process(number, one), other: lambda: w.process(number, other)}


@pytest.mark.parametrize("proof", DEPTHS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.__name__)
def test_two_processors_in_every_order__one_sweep_later_the_state_is_that_of_one(
    scenario: Callable[[World], int], proof: bool
) -> None:
    with world() as w:
        number = scenario(w)
        wanted = undisturbed(w, number, lambda token: w.process(number, token), w.sweep)
        found = list(in_every_order(w, number, two(w, number), orders_for(QUICK, proof)))
        assert len(found) > 2
        assert [(order, seen) for order, seen in found if _differs(seen, wanted)] == []


def _differs(seen: Seen, wanted: Seen) -> bool:
    """Two processors may both reply or both enter the same checkpoint; nothing else may differ."""
    return (
        (seen.body, seen.closed, seen.receipts) != (wanted.body, wanted.closed, wanted.receipts)
        or [bool(n) for n in seen.refused] != [bool(n) for n in wanted.refused]
        or seen.checkpoints < wanted.checkpoints
    )


@pytest.mark.parametrize("proof", DEPTHS)
@pytest.mark.parametrize("scenario", [three_pending, hand_edit, mixed_verdicts], ids=lambda s: s.__name__)
def test_three_processors_in_sampled_orders__the_rules_hold(scenario: Callable[[World], int], proof: bool) -> None:
    with world() as w:
        number = scenario(w)
        wanted = undisturbed(w, number, lambda token: w.process(number, token), w.sweep)
        tokens = [w.token() for _ in range(3)]

        def clients(schedule: Schedule) -> dict[str, Callable[[], object]]:
            return {token: (lambda token=token: w.process(number, token)) for token in tokens}  # type: ignore[misc]

        orders = Orders(int(BUDGET) if proof else QUICK, seed=3)
        wrong = [(order, seen) for order, seen in in_every_order(w, number, clients, orders) if _differs(seen, wanted)]
        assert wrong == []


def test_a_writer_posts_and_reopens_between_any_two_requests__nothing_is_lost_or_doubled() -> None:
    with world() as w:
        number = w.object(data={"n": 0, "log": []})
        push = {"_data": {"$inc": {"n": 1}, "$push": {"log": "a"}}, "_meta": {"update_mode": "operators"}}
        w.update(number, push)
        token = w.token()

        def writer(schedule: Schedule) -> None:
            schedule.step("writer")
            w.update(number, {**push, "_data": {"$inc": {"n": 1}, "$push": {"log": "b"}}}, by="bob", reopen=False)
            schedule.step("writer")
            w.repo.edit_issue(number, "bob", state="open")

        def clients(schedule: Schedule) -> dict[str, Callable[[], object]]:
            return {token: lambda: w.process(number, token), "writer": lambda: writer(schedule)}

        orders = Orders()
        for order, seen in in_every_order(w, number, clients, orders):
            assert seen.body == {"n": 2, "log": ["a", "b"]}, order
            assert seen.closed, order
            assert seen.receipts == (("+1",), ("+1",)), order
        assert orders.count >= 6


@pytest.mark.parametrize("proof", DEPTHS)
def test_two_processors_and_a_writer__nothing_is_lost_or_doubled(proof: bool) -> None:
    with world() as w:
        number = w.object(data={"n": 0})
        inc = {"_data": {"$inc": {"n": 1}}, "_meta": {"update_mode": "operators"}}
        w.update(number, inc)
        base = two(w, number)

        def writer(schedule: Schedule) -> None:
            schedule.step("writer")
            w.update(number, inc, by="bob")

        orders = orders_for(3 * QUICK, proof)
        found = in_every_order(w, number, lambda s: {**base(s), "writer": lambda: writer(s)}, orders)
        for order, seen in found:
            assert seen.body == {"n": 2}, order
            assert seen.closed, order
            assert seen.receipts == (("+1",), ("+1",)), order


@pytest.mark.parametrize("proof", DEPTHS)
def test_a_personal_token_and_the_workflows_token_on_one_store__receipts_of_both_count(proof: bool) -> None:
    with world() as w:
        w.repo.commit_files(
            {".github/gh-store.yml": 'store:\n  processors: ["github-actions[bot]", "alice"]\n'}, by="alice"
        )
        number = w.object(data={"n": 0})
        inc = {"_data": {"$inc": {"n": 1}}, "_meta": {"update_mode": "operators"}}
        w.update(number, inc, by="bob")
        w.update(number, inc, by="bob")
        person, bot = w.hub.token("alice"), w.token()

        def clients(schedule: Schedule) -> dict[str, Callable[[], object]]:
            return {person: lambda: w.process(number, person), bot: lambda: w.process(number, bot)}

        for order, _seen in in_every_order(w, number, clients, orders_for(QUICK, proof)):
            assert w.data(number) == {"n": 2}, order
            comments = [c for c in w.repo.issue(number).comments if c.author == "bob"]
            for comment in comments:
                verdicts = {content for who, content in comment.reactions if who in ("alice", BOT)}
                assert verdicts == {"+1"}, order


def test_an_update_posted_while_a_run_reads__the_same_run_folds_it() -> None:
    """D11, the lost wake-up: the second update comes with no event of its own."""
    with world() as w:
        number = w.object()
        w.update(number, {"a": 1})
        done = []

        def post(request: object) -> None:
            if not done:
                done.append(True)
                w.update(number, {"b": 2})

        token = w.token()
        w.hub.after_request.append(lambda request: post(request) if request.token_value == token else None)
        result = w.process(number, token)
        assert (result.applied, w.data(number)) == (2, {"count": 0, "a": 1, "b": 2})
        assert w.repo.issue(number).state.lower() == "closed"
