"""Killed before and after every request: one more run reaches the state of an undisturbed one (D11 to D23)."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.double import BOT
from tests.support.store import World, disturbed, undisturbed, world

Scenario = Callable[[World], int]


def one_pending(w: World) -> int:
    number = w.object()
    w.update(number, {"count": 1})
    return number


def three_pending(w: World) -> int:
    number = w.object()
    for value in (1, 2, 3):
        w.update(number, {"count": value, f"k{value}": value})
    return number


def sixty_pending(w: World) -> int:
    return many_pending(w, 60)


def a_hundred_and_sixty_pending(w: World) -> int:
    return many_pending(w, 160)


def many_pending(w: World, count: int) -> int:
    number = w.object(data={"n": 0})
    for _ in range(count):
        w.update(number, {"_data": {"$inc": {"n": 1}}, "_meta": {"update_mode": "operators"}}, reopen=False)
    w.repo.edit_issue(number, "alice", state="open")
    return number


def one_overtaken_by_talk(w: World) -> int:
    number = w.object()
    w.update(number, {"count": 1})
    for place in range(150):
        w.repo.comment(number, "mallory", f"nice data {place}")
    return number


def mixed_verdicts(w: World) -> int:
    number = w.object()
    w.update(number, {"count": 1})
    w.update(number, '{"count": 2,}')
    w.update(number, {"hacked": 1}, by="mallory")
    w.update(number, {"_data": {"x": 1}, "_meta": {"if_revision": 99}})
    w.repo.comment(number, "bob", "what is this?")
    w.update(number, {"_data": [{"op": "add", "path": "/y", "value": 2}], "_meta": {"update_mode": "json-patch"}})
    return number


def first_adoption(w: World) -> int:
    number = w.legacy()
    w.update(number, {"count": 5})
    w.update(number, {"no": "right"}, by="mallory")
    return number


def hand_edit(w: World) -> int:
    number = w.object()
    w.update(number, {"count": 1})
    w.process(number)
    w.repo.edit_issue(number, "bob", body='{"count": 70, "by hand": true}')
    w.update(number, {"after": "the edit"})
    return number


def refused_hand_edit(w: World) -> int:
    number = w.object()
    w.update(number, {"count": 1})
    w.process(number)
    w.repo.edit_issue(number, "bob", body="oops {")
    w.update(number, {"after": "the edit"})
    return number


def late_arrival(w: World) -> int:
    """A comment with a lower id becomes visible after a higher one was folded."""
    number = w.object()
    late = w.update(number, {"late": 1, "v": "late"})
    w.repo.hide_comment_from_reads(late)
    w.update(number, {"count": 2, "v": "early"})
    w.process(number)
    w.repo.reveal()
    return number


def late_arrival_that_would_undo(w: World) -> int:
    number = w.object()
    late = w.update(number, {"v": "late"})
    w.repo.hide_comment_from_reads(late)
    test = [{"op": "test", "path": "", "value": {"count": 0}}, {"op": "add", "path": "/v", "value": "early"}]
    w.update(number, {"_data": test, "_meta": {"update_mode": "json-patch"}})
    w.process(number)
    w.repo.reveal()
    return number


def crashed_create(w: World) -> int:
    return w.repo.open_issue(BOT, "Stored Object: m", json.dumps({"count": 0}), ["stored-object", "UID:m"])


def title_lost(w: World) -> int:
    number = w.object()
    w.update(number, {"count": 1})
    w.process(number)
    w.repo.edit_issue(number, "bob", title="my nice title")
    w.update(number, {"count": 2})
    return number


def of_a_persons_run(w: World) -> int:
    """Made and processed with a personal token, and edited by hand in between: the workflow's run takes it over."""
    number = w.repo.open_issue("bob", "Stored Object: m", json.dumps({"count": 0}), ["stored-object", "UID:m"])
    token = w.hub.token("bob")
    w.process(number, token)
    w.repo.edit_issue(number, "alice", body='{"count": 7}')
    w.process(number, token)
    return number


def of_a_persons_run_with_updates(w: World) -> int:
    number = of_a_persons_run(w)
    w.update(number, {"_data": {"k": 1}, "_meta": {"if_revision": 2}})
    w.update(number, {"no": "right"}, by="mallory")
    return number


SCENARIOS: list[Scenario] = [
    one_pending,
    three_pending,
    sixty_pending,
    a_hundred_and_sixty_pending,
    one_overtaken_by_talk,
    mixed_verdicts,
    first_adoption,
    hand_edit,
    refused_hand_edit,
    late_arrival,
    late_arrival_that_would_undo,
    crashed_create,
    title_lost,
    of_a_persons_run,
    of_a_persons_run_with_updates,
]


def _cases() -> list[object]:
    """Every scenario both ways; the sweep of the large ones, and of most others, is for `make prove`."""
    quick = {one_pending, mixed_verdicts, hand_edit}
    slow = {sixty_pending, a_hundred_and_sixty_pending, one_overtaken_by_talk}
    cases: list[object] = []
    for scenario in SCENARIOS:
        for way in ("number", "sweep"):
            marks = [pytest.mark.prove] if scenario in slow or (way == "sweep" and scenario not in quick) else []
            cases.append(pytest.param(scenario, way, marks=marks, id=f"{scenario.__name__}-by {way}"))
    return cases


@pytest.mark.parametrize(("scenario", "way"), _cases())
def test_killed_at_any_request__one_more_run_reaches_the_undisturbed_state(scenario: Scenario, way: str) -> None:
    with world() as w:
        number = scenario(w)

        def run(token: str) -> object:
            return w.process(number, token) if way == "number" else w.sweep(token)

        wanted = undisturbed(w, number, run, w.sweep)
        seen = {(k, phase): found for k, phase, found in disturbed(w, number, run, w.sweep)}
        assert len(seen) >= 2
        assert {key: found for key, found in seen.items() if found != wanted} == {}
        assert wanted.closed
        assert max(wanted.refused, default=0) <= 1
