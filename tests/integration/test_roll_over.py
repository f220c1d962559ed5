"""A roll-over among people's tokens and duplicates: the object stays one, wherever it dies and whoever goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest

from gh_store_action.errors import DuplicateUIDError, FullIssue, StoreError
from tests.double import BOT
from tests.support.covering import covering
from tests.support.interleave import BUDGET, DEPTHS, QUICK, Orders, Schedule
from tests.support.library import store_of
from tests.support.store import World, world

pytestmark = pytest.mark.slow

INC = {"_data": {"$inc": {"n": 1}}, "_meta": {"update_mode": "operators"}}
REQUESTS = 11


def live(w: World) -> list[int]:
    """The issues with the labels of the object."""
    return [one.number for one in w.repo.issues() if {"stored-object", "UID:m"} <= set(one.labels)]


def killed(w: World, token: str, request: int, phase: str) -> bool:
    """A roll-over that dies there; whether it did."""
    w.hub.faults.dead_from(token, request, phase)
    try:
        with store_of(w, token) as store:
            store.roll_over("m")
    except StoreError:
        return True
    finally:
        w.hub.faults.clear()
    return False


def by_a_run(w: World) -> None:
    with store_of(w) as store:
        store.sweep()


def by_a_roll_over(w: World) -> None:
    with store_of(w) as store:
        store.roll_over("m")


@covering(2, goes_on=[by_a_run, by_a_roll_over], phase=["before", "after"], request_=range(1, REQUESTS + 1))
def test_what_a_persons_roll_over_left__another_token_finishes(
    w: World, request_: int, phase: str, goes_on: Callable[[World], None]
) -> None:
    """The copy is the person's, and nobody has signed it but they."""
    w.object()
    w.update(1, INC)
    w.process(1)
    killed(w, w.hub.token("alice"), request_, phase)
    goes_on(w)
    by_a_run(w)
    assert len(live(w)) == 1
    with store_of(w) as store:
        number = store.get("m").meta.issue_number
        w.update(number, INC)
        store.roll_over("m")
        assert store.get("m").data == {"count": 0, "n": 2}
        assert store.verify("m") == ()
    assert len(live(w)) == 1


def test_a_duplicate__would_come_before_the_new_issue_so_nothing_is_moved(w: World) -> None:
    w.object()
    w.update(1, INC)
    w.process(1)
    w.repo.open_issue("alice", "Stored Object: m", '{"count": 7}', labels=["stored-object", "UID:m"])
    with store_of(w) as store:
        with pytest.raises(DuplicateUIDError, match="More than one object has the id 'm': issues #1, #2; the lowest"):
            store.roll_over("m")
        assert [one.number for one in w.repo.issues()] == [1, 2]
        assert store.get("m").data == {"count": 0, "n": 1}


@pytest.mark.parametrize("goes_on", [by_a_run, by_a_roll_over])
def test_a_duplicate_that_came_amid_a_killed_move__does_not_become_the_object(
    w: World, goes_on: Callable[[World], None]
) -> None:
    w.object()
    w.repo.open_issue("alice", "Stored Object: m", '{"count": 7}')
    assert killed(w, w.token(), 5, "after")
    w.repo.edit_issue(2, "alice", labels=["stored-object", "UID:m"])
    if goes_on is by_a_roll_over:
        with pytest.raises(DuplicateUIDError):
            goes_on(w)
    else:
        goes_on(w)
    with store_of(w) as store:
        assert (store.get("m").meta.issue_number, store.get("m").data) == (1, {"count": 0})
    assert live(w) == [1, 2]


# -- at once -----------------------------------------------------------------------------------------------------------


def counter(name: str) -> dict[str, object]:
    return {"_data": {"$inc": {name: 1}}, "_meta": {"update_mode": "operators"}}


def verdicts(w: World, posted: dict[int, str], body: dict[str, int]) -> dict[str, tuple[int, set[str]]]:
    """Of each update: how often the object has it, and its receipts."""
    there = {comment.id: comment for issue in w.repo.issues() for comment in issue.comments}
    ours = (BOT, "alice")
    return {
        name: (body.get(name, 0), {content for login, content in there[number].reactions if login in ours})
        for number, name in posted.items()
    }


@pytest.mark.parametrize("proof", DEPTHS)
@pytest.mark.parametrize(
    ("person", "beside"),
    [(False, "nobody"), (False, "a run"), (False, "a run and a writer"), (True, "nobody"), (True, "a run")],
)
def test_two_roll_overs_at_once__leave_one_object_with_every_update(proof: bool, person: bool, beside: str) -> None:
    with world() as w:
        w.object()
        saved = w.hub.save()
        one, run = w.token(), w.token()
        other = w.hub.token("alice") if person else w.token()
        for schedule in Orders(int(BUDGET) if proof else QUICK, seed=7):
            w.hub.restore(saved)
            posted = {w.update(1, counter("a")): "a"}
            clients: dict[str, Callable[[], object]] = {token: partial(rolled, w, token) for token in (one, other)}
            if beside != "nobody":
                clients[run] = partial(w.process, 1, run)
            if beside == "a run and a writer":
                clients["writer"] = partial(writes, w, schedule, posted)
            failed = schedule.run(w.hub, clients)
            assert all(isinstance(error, StoreError) for error in failed.values()), failed
            for _ in range(3):
                by_a_run(w)
                for issue in w.repo.issues():
                    process(w, issue.number)
            assert len(live(w)) == 1, schedule.order
            body = json.loads(w.repo.issue(live(w)[0]).body)
            for name, verdict in verdicts(w, posted, body).items():
                assert verdict in ((1, {"+1"}), (0, {"-1"})), (name, schedule.order)
            if beside == "nobody":
                assert f"-> #{live(w)[0]}" in w.repo.issue(1).title, schedule.order


def rolled(w: World, token: str) -> None:
    with store_of(w, token) as store:
        store.roll_over("m")


def process(w: World, number: int) -> None:
    with store_of(w) as store, suppress(StoreError):
        store.process(number)


def writes(w: World, schedule: Schedule, posted: dict[int, str]) -> None:
    for name in ("b", "c"):
        schedule.step("writer")
        posted[w.update((live(w) or [1])[-1], counter(name), by="bob")] = name


# -- full issues -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1,}',
        '{"_data": {"a": 1}, "_meta": {"if_digest": "00000000"}}',
        '{"_data": [{"op": "remove", "path": "/nope"}], "_meta": {"update_mode": "json-patch"}}',
    ],
)
def test_an_issue_that_takes_no_reply_any_more__is_rolled_over(w: World, text: str) -> None:
    w.object()
    w.update(1, INC)
    w.process(1)
    w.hub.options.comments_per_issue = len(w.repo.issue(1).comments) + 1
    w.repo.comment(1, "alice", text)
    with store_of(w) as store:
        with pytest.raises(FullIssue, match="roll-over m"):
            store.process(1)
        number = store.roll_over("m").meta.issue_number
        assert (store.get("m").meta.issue_number, store.get("m").data) == (number, {"count": 0, "n": 1})


def test_a_full_issue_whose_log_somebody_edited__is_rolled_over(w: World) -> None:
    """The next run would enter the state into the log again."""
    w.object()
    w.update(1, INC)
    w.process(1)
    first = w.repo.issue(1).comments[0]
    w.repo.edit_comment(first.id, "alice", "something else")
    w.hub.options.comments_per_issue = len(w.repo.issue(1).comments)
    with store_of(w) as store:
        store.roll_over("m")
        assert store.get("m").data == {"count": 0, "n": 1}
        assert store.verify("m") == ()


# -- copies ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("receipts", [False, True])
@pytest.mark.parametrize("silent", [False, True])
def test_a_copy_of_what_a_person_has_moved__holds_what_it_held(w: World, receipts: bool, silent: bool) -> None:
    """Its first state is the person's, and the workflow has signed its title."""
    w.object()
    person = w.hub.token("alice")
    rolled(w, person)
    w.update(2, INC, by="bob")
    w.process(2)
    w.repo.renumber_comments(2, receipts=receipts, events=True)
    w.update(2, INC, by="bob")
    if silent:
        w.hub.faults.status(502, times=None, match=lambda request: "/permission" in request.path)
        with suppress(StoreError):
            w.process(2)
        w.hub.faults.clear()
    for _ in range(2):
        w.process(2)
    assert json.loads(w.repo.issue(2).body) == {"count": 0, "n": 2}
