"""Objects of gh-store with thumbs that people put on updates by hand before the store's first run."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest

from gh_store_action import StoreError
from tests.double import BOT
from tests.integration.test_store_objects import store_of
from tests.support.store import World


def inc(key: str) -> str:
    return json.dumps({"_data": {"$inc": {key: 1}}, "_meta": {"update_mode": "operators"}})


def given(w: World, number: int, posted: int) -> list[str]:
    comment = next(one for one in w.repo.issue(number).comments if one.id == posted)
    return [content for login, content in comment.reactions if login == BOT]


@pytest.mark.parametrize("by", ["alice", BOT])
@pytest.mark.parametrize(
    ("patch", "receipt"), [(inc("b"), "+1"), (inc("b") + ",}", "-1"), (f"```\n{inc('b')}\n```", "+1"), ('{"b":', "-1")]
)
def test_adoption__a_thumb_on_what_gh_store_cannot_have_folded_hides_no_update(
    w: World, by: str, patch: str, receipt: str
) -> None:
    number = w.legacy("m", {})
    first = w.repo.comment(number, by, inc("a"))
    thumbed = w.repo.comment(number, "bob", patch)
    w.repo.react(thumbed, "bob", "+1")
    w.update(number, inc("c"), by="bob")
    w.process(number)
    assert w.data(number) == {"a": 1, "c": 1} | ({"b": 1} if receipt == "+1" else {})
    assert given(w, number, first) == ["+1"]
    assert given(w, number, thumbed) == [receipt]


def hidden(w: World) -> tuple[int, list[int]]:
    """An object of gh-store with two updates and an attempt that a later thumb hides, and a stranger's."""
    number = w.legacy("m", {"there": 1})
    texts = (("alice", '{"a": 1}'), ("bob", '{"there": 1}'), ("mallory", '{"hacked": 1}'), ("bob", '{"a": 2'))
    posted = [w.repo.comment(number, login, text) for login, text in texts]
    thumbed = w.repo.comment(number, "bob", '{"b": 1}')
    w.repo.react(thumbed, "bob", "+1")
    w.repo.edit_issue(number, "alice", state="open")
    return number, posted


def told(w: World, number: int, posted: list[int]) -> None:
    lost, there, stranger, broken = posted
    assert w.data(number) == {"there": 1}
    assert [given(w, number, one) for one in posted] == [["-1"], ["+1"], [], ["-1"]]
    (reply,) = [one.body for one in w.repo.issue(number).comments if one.body.startswith("<!-- gh-store refused")]
    assert reply.startswith(f"<!-- gh-store refused {lost} {broken} -->")
    assert "post it again" in reply
    assert "line 1" in reply
    with store_of(w) as store:
        verdicts = {one["comment_id"]: one["metadata"]["verdict"] for one in store.get_object_history("m")}
        assert [verdicts[one] for one in posted] == ["rejected", "applied", "unauthorized", "rejected"]
        assert store.verify() == ()


def test_adoption__an_update_that_a_later_thumb_hides_is_refused_and_told(w: World) -> None:
    number, posted = hidden(w)
    result = w.process(number)
    assert result.notes == (
        f"Refused, because gh-store has probably skipped them: {posted[0]}, {posted[3]}. The reply says why.",
    )
    told(w, number, posted)
    again = w.process(number)
    assert (again.counts.total, again.changed, again.notes) == (0, False, ())
    told(w, number, posted)


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("k", range(1, 6))
def test_adoption__a_killed_run_tells_what_it_passed_over_once(w: World, k: int, phase: str) -> None:
    number, posted = hidden(w)
    w.killed(lambda token: w.process(number, token), k, phase)
    w.process(number)
    told(w, number, posted)


@pytest.mark.parametrize("lost", ["reply", "fold", "checkpoint"])
def test_adoption__a_part_of_the_write_that_is_lost_is_made_up_for(w: World, lost: str) -> None:
    number, posted = hidden(w)
    w.hub.faults.partial({lost: {"type": "INTERNAL", "message": "oops"}}, times=1, match=lambda r: r.writes)
    with suppress(StoreError):
        w.process(number)
    w.process(number)
    told(w, number, posted)


def test_adoption__nothing_before_a_processors_receipt_is_told(w: World) -> None:
    """gh-store's own run passed over it: its author might not write then."""
    number = w.legacy("m", {"b": 1})
    w.repo.comment(number, "alice", '{"a": 1}')
    taken = w.repo.comment(number, "bob", '{"b": 1}')
    w.repo.react(taken, BOT, "+1")
    thumbed = w.repo.comment(number, "bob", '{"b": 1}')
    w.repo.react(thumbed, "bob", "+1")
    w.update(number, inc("c"))
    result = w.process(number)
    assert w.data(number) == {"b": 1, "c": 1}
    assert (result.notes, result.refusals) == ((), ())
