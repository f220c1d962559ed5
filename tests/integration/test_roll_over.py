"""A roll-over among people's tokens and duplicates: the object stays one, wherever it dies and whoever goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gh_store_action.errors import DuplicateUIDError, StoreError
from tests.support.library import store_of
from tests.support.store import World

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


@pytest.mark.parametrize("goes_on", [by_a_run, by_a_roll_over])
@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("request_", range(1, REQUESTS + 1))
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
