"""Idempotency keys where GitHub shows a comment late: an update and its repeats count once, whichever is seen first."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from gh_store_action.domain.objects import read_title
from tests.double import BOT
from tests.support.library import store_of
from tests.support.store import World


def add(counter: str, key: str = "", **meta: object) -> str:
    named = {"update_id": key} if key else {}
    return json.dumps({"_data": {"$inc": {counter: 1}}, "_meta": {"update_mode": "operators", **named, **meta}})


def late(w: World, number: int, text: str) -> int:
    comment = w.update(number, text)
    w.repo.hide_comment_from_reads(comment)
    return comment


def verdicts(w: World, number: int, comments: Sequence[int]) -> set[str]:
    issue = w.repo.issue(number)
    return {content for c in issue.comments if c.id in comments for who, content in c.reactions if who == BOT}


@pytest.mark.parametrize("hidden", [(0,), (1,), (0, 1), (0, 2), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("after", [0, 12])
@pytest.mark.parametrize("break_it", [False, True])
def test_some_of_three_come_late__they_count_once(
    w: World, hidden: tuple[int, ...], after: int, break_it: bool
) -> None:
    """After twelve more updates the marker no longer names the repeat."""
    number = w.object()
    text = add("n", "k")
    comments = [late(w, number, text) if place in hidden else w.update(number, text) for place in range(3)]
    for place in range(after):
        w.update(number, add(f"u{place}"))
    w.process(number)
    w.repo.reveal()
    w.process(number)
    if break_it:
        w.repo.edit_issue(number, "alice", body="oops {")
        w.process(number)
    assert w.data(number) == {"count": 0, "n": 1, **{f"u{place}": 1 for place in range(after)}}
    assert verdicts(w, number, comments) == {"+1"}
    assert w.process(number).changed is False


def test_the_original_of_a_refused_repeat_comes_late__it_is_refused_as_well(w: World) -> None:
    number = w.object()
    comments = [late(w, number, add("n", "k")), w.update(number, add("n", "k", if_digest="00000000"))]
    w.process(number)
    w.repo.reveal()
    w.process(number)
    assert w.data(number) == {"count": 0}
    assert verdicts(w, number, comments) == {"-1"}


def test_the_order_of_the_log_is_kept_by_a_rebuild__where_the_original_comes_late(w: World) -> None:
    number = w.object()
    text = json.dumps({"_data": {"n": 1}, "_meta": {"update_id": "k"}})
    late(w, number, text)
    w.update(number, {"n": 2})
    w.update(number, text)
    w.process(number)
    w.repo.reveal()
    w.process(number)
    w.repo.edit_issue(number, "alice", body="oops {")
    w.process(number)
    assert w.data(number) == {"count": 0, "n": 1}


def test_a_late_repeat__finds_its_original_beyond_the_first_read(w: World) -> None:
    number = w.object()
    first = w.update(number, add("n", "k"))
    for place in range(5):
        w.update(number, add(f"u{place}"))
    repeat = late(w, number, add("n", "k"))
    w.update(number, add("last"))
    w.process(number)
    for place in range(95):
        w.repo.comment(number, "alice", f"talk {place}")
    w.repo.reveal()
    w.process(number)
    assert w.data(number)["n"] == 1  # type: ignore[index]
    assert verdicts(w, number, [first, repeat]) == {"+1"}


def test_the_library_repeats_an_update_whose_first_comment_is_not_shown_yet__it_counts_once(w: World) -> None:
    number = w.object("m", {"n": 0})
    with store_of(w) as store:
        store.update("m", {"$inc": {"n": 1}}, "operators", update_id="k")
        w.repo.hide_comment_from_reads(w.repo.issue(number).comments[-1].id)
        store.update("m", {"$inc": {"n": 1}}, "operators", update_id="k", apply=True)
    w.repo.reveal()
    assert [comment.author for comment in w.repo.issue(number).comments[1:]] == [BOT, BOT]
    w.process(number)
    assert w.data(number) == {"n": 1}


@pytest.mark.parametrize("condition", ["if_revision", "if_digest"])
def test_a_rebuild_of_an_update_with_a_condition__after_a_typed_revision(w: World, condition: str) -> None:
    """The replay counts from the checkpoint, and the marker from the title that somebody typed."""
    w.hub.clock.tick = 1
    number = w.object()
    marker = read_title(w.repo.issue(number).title)[1]
    assert marker is not None
    typed = f"Stored Object: m [r{marker.revision + 1} c{marker.comment} n{marker.count} 0badc0de]"
    w.repo.edit_issue(number, "bob", title=typed)
    w.process(number)
    marker = read_title(w.repo.issue(number).title)[1]
    assert marker is not None
    met = {"if_revision": marker.revision, "if_digest": marker.digest}[condition]
    w.update(number, add("n", **{condition: met}))
    w.process(number)
    w.repo.edit_issue(number, "bob", body="oops {")
    w.process(number)
    assert w.data(number) == {"count": 0, "n": 1}
