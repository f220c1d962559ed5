"""Many objects folded in one request: a crash, a fault or another run at any request, and each object's own trouble."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress

import pytest

from gh_store_action.errors import GitHubError, StoreError
from tests.double import BOT, Request
from tests.integration.test_fault_matrix import ERRORS
from tests.support.covering import covering
from tests.support.faults import EVERY_FAULT, faulted
from tests.support.interleave import DEPTHS, QUICK, Schedule, orders_for
from tests.support.store import Seen, World, disturbed, undisturbed

pytestmark = pytest.mark.slow

INCREASE = {"_data": {"$inc": {"n": 1}}, "_meta": {"update_mode": "operators"}}


def batch(w: World) -> tuple[int, ...]:
    """An update, verdicts of each kind, a hand edit and an adoption: four objects that a sweep folds together."""
    one, mixed, edited, old = w.object("one"), w.object("mixed"), w.object("edited"), w.legacy("old")
    w.update(one, {"count": 1})
    w.update(mixed, {"count": 1})
    w.update(mixed, '{"count": 2,}')
    w.update(mixed, {"hacked": 1}, by="mallory")
    w.repo.edit_issue(edited, "bob", body='{"count": 70}')
    w.update(edited, {"after": "the edit"})
    w.update(old, {"count": 5})
    return one, mixed, edited, old


def writes(w: World) -> list[Request]:
    return [request for request in w.hub.requests if request.operation == "Write"]


def test_batch__killed_at_any_request__one_more_run_reaches_the_undisturbed_state(w: World) -> None:
    numbers = batch(w)
    wanted = undisturbed(w, numbers, w.sweep, w.sweep)
    seen = {(k, phase): found for k, phase, found in disturbed(w, numbers, w.sweep, w.sweep)}
    assert len(seen) >= 8
    assert {key: found for key, found in seen.items() if found != wanted} == {}
    assert isinstance(wanted, tuple)
    assert all(one.closed for one in wanted)


@pytest.mark.parametrize("name", EVERY_FAULT)
def test_batch__a_fault_at_any_request__the_run_gets_over_it(w: World, name: str) -> None:
    numbers = batch(w)
    wanted = undisturbed(w, numbers, w.sweep, w.sweep)

    def run(token: str) -> None:
        assert [result.error for result in w.sweep(token) if result.error] == []

    for k, over in faulted(w, name, run):
        w.sweep()
        assert (k, over, w.look(numbers)) == (k, True, wanted)
    assert k >= 4


def aliases(w: World) -> list[str]:
    """Those of the write that an undisturbed sweep sends first."""
    saved = w.hub.save()
    w.sweep()
    (query,) = {request.json["query"] for request in writes(w) if "o3_fold" in request.body}
    w.hub.restore(saved)
    return re.findall(r"^  (\w+): \w+\(input", query, re.MULTILINE)


@covering(1, error=list(ERRORS), after=[False, True])
def test_batch__one_alias_fails__the_others_are_done_in_the_same_run(w: World, error: str, after: bool) -> None:
    numbers = batch(w)
    wanted = undisturbed(w, numbers, w.sweep, w.sweep)
    saved = w.hub.save()
    found = aliases(w)
    assert {"o0_fold", "o0_check", "o3_fold", "o3_check"} <= set(found)
    for alias in found:
        w.hub.restore(saved)
        token = w.token()
        fault = w.hub.faults.partial({alias: ERRORS[error]}, after=after, token=token, match=lambda r: r.writes)
        results = w.sweep(token)
        w.hub.faults.clear()
        assert fault.hits == 1
        assert sum(result.error is not None for result in results) <= 1, alias
        w.sweep()
        assert (alias, w.look(numbers)) == (alias, wanted)


def test_batch__what_fails_for_good_is_that_objects_alone(w: World) -> None:
    numbers = [w.object(name) for name in "abc"]
    for number in numbers:
        w.update(number, {"count": 1})
    w.repo.lock(numbers[1], "alice")
    w.hub.faults.refuse("unlockLockable", {"type": "FORBIDDEN", "message": "You may not unlock"}, times=None)
    assert [(r.number, r.applied, bool(r.error)) for r in w.sweep()] == [
        (numbers[0], 1, False),
        (numbers[1], 0, True),
        (numbers[2], 1, False),
    ]


def test_batch__too_much_for_github_in_one_request_is_sent_in_smaller_ones(w: World) -> None:
    numbers = [w.object(f"o{n}") for n in range(8)]
    for number in numbers:
        w.update(number, {"count": 1})
    w.hub.faults.status(502, match=lambda r: "o3_fold" in r.body, times=None)
    assert [r.applied for r in w.sweep()] == [1] * 8
    assert max(request.body.count("_fold:") for request in writes(w)[-4:]) <= 3


def test_batch__a_request_has_a_bounded_number_of_receipts(w: World) -> None:
    numbers = [w.object(f"o{n}") for n in range(4)]
    for number in numbers:
        for value in range(25):
            w.update(number, {"count": value})
    assert [r.applied for r in w.sweep()] == [25] * 4
    assert all(request.body.count("addReaction") <= 60 for request in writes(w))


def test_batch__an_object_that_is_deleted_before_it_is_read_is_told(w: World) -> None:
    gone, there = w.object("gone"), w.object("there")
    for number in (gone, there):
        w.update(number, {"count": 1})

    def delete(request: Request) -> None:
        if request.operation == "Sweep":
            w.repo.delete_issue(gone, "octo")

    w.hub.after_request.append(delete)
    assert [(r.number, str(r.error)) for r in w.sweep() if r.error] == [
        (gone, f"Issue #{gone} no longer exists. If it was deleted, nothing is left to do.")
    ]
    assert w.data(there) == {"count": 1}


def test_batch__a_long_log_lets_the_others_go_first(w: World) -> None:
    long, short = w.object("long", {"n": 0}), w.object("short", {"n": 0})
    for number in (short, long):
        w.update(number, INCREASE)
    for place in range(750):
        w.repo.comment(long, "mallory", f"just talk {place}")
    before = w.requests()
    assert [r.applied for r in w.sweep()] == [1, 1]
    operations = [request.operation for request in list(w.hub.requests)[before:]]
    first = operations.index("Write")
    assert operations[:first].count("Read") <= 2
    assert operations[first:].count("Read") >= 7


def test_batch__what_was_found_before_the_listing_failed_is_folded(w: World) -> None:
    numbers = [w.settled(f"o{n}", {"count": 0}) for n in range(120)]
    w.update(numbers[0], {"count": 1})
    w.hub.faults.status(502, match=lambda r: r.operation == "Sweep" and r.json["variables"]["after"], times=None)
    with pytest.raises(GitHubError, match="502"):
        w.sweep()
    assert w.data(numbers[0]) == {"count": 1}


def test_sweep__what_changed_last_is_folded_first_so_that_no_budget_goes_on_the_listing_alone(w: World) -> None:
    numbers = [w.settled(f"o{n}", {"count": 0}) for n in range(250)]
    w.hub.clock.advance(60)
    for number in (numbers[249], numbers[7]):
        w.update(number, {"count": 1}, by=BOT)
    token = w.token()
    w.hub.options.enforce_limits = True
    w.hub.set_rate_limit(token, "graphql", limit=6, remaining=6)  # the listing alone takes six
    with suppress(StoreError):
        w.sweep(token)
    assert [w.data(number) for number in (numbers[249], numbers[7])] == [{"count": 1}] * 2


@pytest.mark.parametrize("proof", DEPTHS)
def test_two_sweeps_in_every_order__the_state_is_that_of_one(w: World, proof: bool) -> None:
    numbers = batch(w)
    wanted = undisturbed(w, numbers, w.sweep, w.sweep)
    one, other = w.token(), w.token()
    saved = w.hub.save()
    orders = orders_for(QUICK, proof)
    for schedule in orders:
        w.hub.restore(saved)
        schedule.run(w.hub, {one: lambda: w.sweep(one), other: lambda: w.sweep(other)})
        w.sweep()
        assert _alike(w.look(numbers), wanted), schedule.order
    assert orders.count > 2


def _alike(seen: object, wanted: object) -> bool:
    """Two runs may both reply, or both enter the same checkpoint; nothing else may differ."""

    def parts(one: Seen) -> tuple[object, ...]:
        return one.body, one.closed, one.receipts, [bool(n) for n in one.refused]

    assert isinstance(seen, tuple)
    assert isinstance(wanted, tuple)
    return [parts(one) for one in seen] == [parts(one) for one in wanted]


@pytest.mark.parametrize("proof", DEPTHS)
def test_a_sweep_a_run_and_a_writer__nothing_is_lost_or_doubled(w: World, proof: bool) -> None:
    numbers = tuple(w.object(name, {"n": 0}) for name in "abc")
    for number in numbers:
        w.update(number, INCREASE)
    sweep, run = w.token(), w.token()

    def writer(schedule: Schedule) -> None:
        schedule.step("writer")
        w.update(numbers[1], INCREASE, by="bob")

    def clients(schedule: Schedule) -> dict[str, Callable[[], object]]:
        return {
            sweep: lambda: w.sweep(sweep),
            run: lambda: w.process(numbers[1], run),
            "writer": lambda: writer(schedule),
        }

    saved = w.hub.save()
    for schedule in orders_for(QUICK, proof):
        w.hub.restore(saved)
        schedule.run(w.hub, clients(schedule))
        w.sweep()
        assert [w.data(number) for number in numbers] == [{"n": 1}, {"n": 2}, {"n": 1}], schedule.order
        for number in numbers:
            people = [c for c in w.repo.issue(number).comments if c.author != BOT]
            assert [c.reactions for c in people] == [((BOT, "+1"),)] * len(people), schedule.order
