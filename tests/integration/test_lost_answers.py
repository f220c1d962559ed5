"""GitHub takes a run's body and none of its replies and reactions: the next run gives the verdicts of that run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from gh_store_action.domain.log.entries import REPLY_PREFIX
from gh_store_action.domain.processing.reconcile import BrokenObject
from gh_store_action.errors import StoreError
from tests.double import BOT
from tests.support.library import store_of
from tests.support.store import World

pytestmark = pytest.mark.slow

STALE = {"_data": {"k": 1}, "_meta": {"if_digest": "0" * 8}}
TEST = {"_data": [{"op": "test", "path": "/count", "value": 7}], "_meta": {"update_mode": "json-patch"}}


def increase(key: str) -> object:
    return {"_data": {"$inc": {key: 1}}, "_meta": {"update_mode": "operators"}}


@contextmanager
def unanswered(w: World, message: str = "was submitted too quickly") -> Iterator[None]:
    """GitHub takes bodies, and no comments or reactions."""
    error = {"type": "UNPROCESSABLE", "message": message}
    w.hub.faults.partial({"addComment": error, "addReaction": error}, times=None)
    with suppress(StoreError):
        yield
    w.hub.faults.clear()


def reactions(w: World, comment: int) -> list[str]:
    (found,) = [one for one in w.repo.issue(1).comments if one.id == comment]
    return [content for login, content in found.reactions if login == BOT]


def replies(w: World) -> list[str]:
    return [one.body for one in w.repo.issue(1).comments if one.body.startswith(REPLY_PREFIX)]


@pytest.mark.parametrize("message", ["was submitted too quickly", "something else"])
@pytest.mark.parametrize("update", [STALE, TEST], ids=["a condition", "its mode"])
@pytest.mark.parametrize("before", [0, 120])
def test_an_update_was_refused_and_nobody_told__the_next_run_tells(
    w: World, update: object, message: str, before: int
) -> None:
    """Before the fix it got a 👍 and no reply. With 120 updates before it, its log is longer than one read."""
    w.object()
    for _ in range(before):
        w.repo.comment(1, "bob", json.dumps(increase("b")))
    for _ in range(3 if before else 0):
        w.process(1)
    refused, applied = w.update(1, update), w.update(1, increase("good"))
    with unanswered(w, message):
        w.process(1)
    assert (reactions(w, refused), reactions(w, applied), replies(w)) == ([], [], [])
    for _ in range(2):
        w.process(1)
    assert (reactions(w, refused), reactions(w, applied)) == (["-1"], ["+1"])
    (reply,) = replies(w)
    assert str(refused) in reply
    assert w.data(1) == {"count": 0, "good": 1, **({"b": before} if before else {})}


@pytest.mark.parametrize(("before", "after"), [(0, 12), (3, 15), (0, 30)])
def test_a_comment_comes_late_beside_updates_that_still_lack_their_reactions__each_counts_once(
    w: World, before: int, after: int
) -> None:
    w.object()
    held = [w.update(1, increase(f"b{number}")) for number in range(before)]
    late = w.update(1, increase("late"))
    w.repo.hide_comment_from_reads(late)
    held += [w.update(1, increase(f"a{number}")) for number in range(after)]
    with unanswered(w):
        w.process(1)
    w.repo.reveal()
    for _ in range(2):
        w.process(1)
    keys = [*(f"b{number}" for number in range(before)), *(f"a{number}" for number in range(after)), "late"]
    assert w.data(1) == {"count": 0, **dict.fromkeys(keys, 1)}
    assert [reactions(w, comment) for comment in (*held, late)] == [["+1"]] * (before + after + 1)


def test_a_run_is_killed_right_behind_its_first_write__a_late_comment_and_the_updates_each_count_once(
    w: World,
) -> None:
    """Fifty updates have their reactions, and fifteen do not."""
    w.object()
    late = w.update(1, increase("late"))
    w.repo.hide_comment_from_reads(late)
    for number in range(65):
        w.update(1, increase(f"k{number}"))
    w.killed(lambda token: w.process(1, token), 3, "after")
    assert w.data(1) == {"count": 0, **{f"k{number}": 1 for number in range(65)}}
    w.repo.reveal()
    w.process(1)
    assert w.data(1) == {"count": 0, **{f"k{number}": 1 for number in range(65)}, "late": 1}


# -- on an issue that the object has left


def left(w: World, updates: int) -> tuple[int, list[int]]:
    """The object has moved; its old issue has updates without receipts, and one that came late."""
    w.object()
    late = w.update(1, increase("late"), by="bob")
    w.repo.hide_comment_from_reads(late)
    held = [w.update(1, increase(f"k{number}")) for number in range(updates)]
    w.hub.faults.partial({"addReaction": {"type": "UNPROCESSABLE", "message": "no"}}, times=None)
    with store_of(w) as store:
        store.roll_over("m")
    w.hub.faults.clear()
    w.repo.reveal()
    return late, held


@pytest.mark.parametrize("updates", [14, 110])
def test_a_late_update_on_a_left_issue__is_refused_and_those_that_moved_are_not(w: World, updates: int) -> None:
    late, held = left(w, updates)
    with store_of(w) as store:
        assert [refusal.comment_id for refusal in store.process(1).refusals] == [late]
        for _ in range(2):  # at most 50 receipts a request
            assert store.process(1).refusals == ()
        assert store.get("m").data == {"count": 0, **{f"k{number}": 1 for number in range(updates)}}
    assert reactions(w, late) == ["-1"]
    assert [reactions(w, comment) for comment in held] == [["+1"]] * updates


def test_nothing_tells_which_update_of_a_left_issue_came_late__none_is_refused(w: World) -> None:
    late, held = left(w, 14)
    w.repo.edit_comment(held[1], "alice", json.dumps(increase("other")))
    with store_of(w) as store, pytest.raises(BrokenObject, match="1 of its comments came late"):
        store.process(1)
    assert [reactions(w, comment) for comment in (late, *held)] == [[]] * 15
