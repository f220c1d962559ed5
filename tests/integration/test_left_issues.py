"""What stands on an issue that its object has left: each update there is refused with a link, once."""

from __future__ import annotations

import json

import pytest

from gh_store_action.domain.log.entries import REPLY_PREFIX
from gh_store_action.domain.processing.context import PermissionUnknown
from tests.double import BOT
from tests.support.library import store_of
from tests.support.store import STRANGER, World

INC = {"_data": {"$inc": {"n": 1}}, "_meta": {"update_mode": "operators"}}


def told(w: World, comment: int) -> int:
    """How many replies name the comment."""
    bodies = [one.body for one in w.repo.issue(1).comments if one.body.startswith(REPLY_PREFIX)]
    return sum(str(comment) in body.split(" -->")[0] for body in bodies)


def receipts(w: World, comment: int) -> list[tuple[str, str]]:
    return [reaction for one in w.repo.issue(1).comments if one.id == comment for reaction in one.reactions]


@pytest.mark.parametrize("thumb", ["", "+1", "-1"])
@pytest.mark.parametrize("after", [1, 12])
def test_an_update_that_comes_late_behind_the_move__is_refused_with_a_link(w: World, after: int, thumb: str) -> None:
    """After twelve updates the marker no longer names those next to it; a person's thumb is no verdict."""
    w.object()
    late = w.late(1, INC)
    others = [w.update(1, INC) for _ in range(after)]
    with store_of(w) as store:
        store.process(1)
        number = store.roll_over("m").meta.issue_number
        w.repo.reveal()
        if thumb:
            w.repo.react(late, "alice", thumb)
        for _ in range(2):
            refused = store.process(1).refusals
            store.process(number)
        assert store.get("m").data == {"count": 0, "n": after}
    assert refused == ()
    assert (BOT, "-1") in receipts(w, late)
    assert told(w, late) == 1
    assert [receipts(w, other) for other in others] == [[(BOT, "+1")]] * after


def test_a_late_update_of_a_stranger__gets_a_reaction_and_no_reply(w: World) -> None:
    w.object()
    late = w.late(1, INC, by=STRANGER)
    w.update(1, INC)
    with store_of(w) as store:
        store.process(1)
        store.roll_over("m")
        w.repo.reveal()
        store.process(1)
    assert (receipts(w, late), told(w, late)) == ([(BOT, "confused")], 0)


def test_receipts_that_are_still_owed_behind_a_move__are_no_refusals(w: World) -> None:
    w.object()
    comments = [w.update(1, INC) for _ in range(12)]
    w.hub.faults.refuse("addReaction", {"message": "no"}, times=None)
    with store_of(w) as store:
        store.roll_over("m")
        w.hub.faults.clear()
        assert [receipts(w, comment) for comment in comments] == [[]] * 12
        assert store.process(1).refusals == ()
        assert store.get("m").data == {"count": 0, "n": 12}
    assert [receipts(w, comment) for comment in comments] == [[(BOT, "+1")]] * 12


def test_receipts_that_are_still_owed_behind_a_move__say_what_became_of_each_update(w: World) -> None:
    """Of what may have been another text, nothing is said."""
    w.object()
    texts = [INC, {"_data": {"n": 1}, "_meta": {"if_revision": 77}}, '{"broken": }', "talk"]
    comments = [*(w.update(1, text) for text in texts), w.update(1, INC, by=STRANGER)]
    w.hub.faults.refuse("addReaction", {"message": "no"}, times=None)
    with store_of(w) as store:
        number = store.roll_over("m").meta.issue_number
        w.hub.faults.clear()
        w.repo.edit_comment(comments[3], "alice", json.dumps(INC))
        for _ in range(2):
            assert store.process(1).refusals == ()
            store.process(number)
        assert store.get("m").data == {"count": 0, "n": 1}
    given = ["+1", "-1", "-1", "", "confused"]
    assert [receipts(w, comment) for comment in comments] == [[(BOT, one)] if one else [] for one in given]
    assert [told(w, comment) for comment in comments] == [0, 1, 1, 0, 0]


def test_receipts_that_are_owed_while_github_says_nothing_of_the_author__wait_with_its_reason(w: World) -> None:
    w.object()
    comment = w.update(1, INC)
    w.hub.faults.refuse("addReaction", {"message": "no"}, times=None)
    with store_of(w) as store:
        store.roll_over("m")
    w.hub.faults.clear()
    w.hub.faults.status(502, times=None, match=lambda request: "/permission" in request.path)
    with store_of(w) as store, pytest.raises(PermissionUnknown, match="alice may write. GitHub answered 502"):
        store.process(1)
    w.hub.faults.clear()
    with store_of(w) as store:
        assert store.process(1).refusals == ()
    assert receipts(w, comment) == [(BOT, "+1")]


KEYED = {"_data": {"$inc": {"n": 1}}, "_meta": {"update_mode": "operators", "update_id": "k"}}


@pytest.mark.parametrize("owed", [False, True])
@pytest.mark.parametrize("talk", [0, 45])
def test_a_repeat_on_the_left_issue__shares_the_verdict_of_the_update_that_the_object_holds(
    w: World, talk: int, owed: bool
) -> None:
    """It was told that it was not applied, and to post it again elsewhere, where it would count twice."""
    w.object()
    first = w.update(1, KEYED)
    if owed:
        w.hub.faults.refuse("addReaction", {"message": "no"}, times=None)
    with store_of(w) as store:
        store.process(1)
        store.roll_over("m")
        w.hub.faults.clear()
        for place in range(talk):
            w.repo.comment(1, "alice", f"talk {place}")
        repeated = [w.update(1, KEYED) for _ in range(2)]
        other = w.update(1, INC)
        for place in range(talk + talk // 3):
            w.repo.comment(1, "alice", f"more talk {place}")
        assert [one.comment_id for one in store.process(1).refusals] == [other]
        assert store.process(1).refusals == ()
        assert store.get("m").data == {"count": 0, "n": 1}
    assert [receipts(w, one) for one in repeated] == [[(BOT, "+1")]] * 2
    assert not owed or talk or receipts(w, first) == [(BOT, "+1")]
    assert [told(w, one) for one in (*repeated, other)] == [0, 0, 1]


def test_the_original_of_a_held_repeat_comes_late_behind_the_move__it_shares_its_verdict(w: World) -> None:
    w.object()
    late = w.late(1, KEYED)
    w.update(1, KEYED)
    with store_of(w) as store:
        store.process(1)
        store.roll_over("m")
        w.repo.reveal()
        assert store.process(1).refusals == ()
        assert store.get("m").data == {"count": 0, "n": 1}
    assert receipts(w, late) == [(BOT, "+1")]


def test_a_repeat_of_a_refused_update_on_the_left_issue__is_refused_with_a_link(w: World) -> None:
    w.object()
    refused = {"_data": {"n": 1}, "_meta": {"update_id": "k", "if_revision": 77}}
    w.update(1, refused)
    with store_of(w) as store:
        store.process(1)
        store.roll_over("m")
        repeat = w.update(1, refused)
        assert [one.comment_id for one in store.process(1).refusals] == [repeat]
    assert (receipts(w, repeat), told(w, repeat)) == ([(BOT, "-1")], 1)


@pytest.mark.parametrize("first", ["alice", BOT])
def test_two_runs_with_different_tokens__tell_it_once(w: World, first: str) -> None:
    w.object()
    person = w.hub.token("alice")
    with store_of(w) as store, store_of(w, person) as hers:
        store.roll_over("m")
        comment = w.update(1, INC)
        for one in (hers, store) if first == "alice" else (store, hers):
            one.process(1)
            one.process(1)
    assert told(w, comment) == 1
    assert (BOT, "-1") in receipts(w, comment)


def test_an_old_title_of_a_given_up_move__that_somebody_types_again_moves_nothing(w: World) -> None:
    """The store signed it again, as the title of the object, and folded what came after it a second time."""
    w.hub.clock.tick = 1
    w.object()
    w.killed(lambda token: store_of(w, token).roll_over("m"), 7, "before")
    moving = w.repo.issue(1).title
    assert moving.endswith("=> #2")
    w.update(1, INC)
    w.repo.edit_issue(1, "alice", title=moving.removesuffix(" => #2"))
    w.process(1)
    w.update(1, INC)
    w.process(1)
    w.repo.edit_issue(1, "alice", body='{"count": 0, "n": 2, "by hand": 1}')
    w.repo.edit_issue(1, "alice", title=moving)
    with store_of(w) as store:
        store.process(1)
        assert store.get("m").data == {"count": 0, "n": 2, "by hand": 1}
        moved = store.roll_over("m")
        assert (moved.meta.issue_number, moved.data) == (3, {"count": 0, "n": 2, "by hand": 1})
