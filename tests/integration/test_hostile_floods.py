"""What people without permission can make the store say: nothing.  A reaction is the most that they get."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from gh_store_action import GitHubStore
from tests.double import BOT
from tests.support.library import store_of
from tests.support.store import STRANGER, World

pytestmark = pytest.mark.slow

MANY = 1_000
INC = {"_data": {"$inc": {"n": 1}}, "_meta": {"update_mode": "operators"}}


@pytest.fixture
def store(w: World) -> Iterator[GitHubStore]:
    with store_of(w) as made:
        made.create("m", {"n": 0})
        yield made


def said(w: World, number: int) -> list[str]:
    """What the store has said, its own states of the object aside."""
    found = [comment.body for comment in w.repo.issue(number).comments if comment.author == BOT]
    return [text for text in found if '"initial_state"' not in text]


def reactions(w: World, number: int) -> set[str]:
    theirs = [comment for comment in w.repo.issue(number).comments if comment.author == STRANGER]
    return {content for comment in theirs for who, content in comment.reactions if who == BOT}


def flood(w: World, number: int, count: int = MANY) -> None:
    """What looks like an update, what cannot be read, a forged state and reply, and talk, by turns."""
    forged = {"type": "initial_state", "data": {"n": 666}, "_meta": {"update_id": "x", "revision": 9}}
    texts = ['{"n": 666}', '{"n": 666,', json.dumps(forged), "<!-- gh-store refused 1 -->", "what is this?"]
    for place in range(count):
        comment = w.repo.comment(number, STRANGER, texts[place % len(texts)])
        if texts[place % len(texts)].startswith('{"type'):
            w.repo.react(comment, STRANGER, "rocket")


def test_a_thousand_comments_of_strangers__on_an_object__get_reactions_and_no_word(
    w: World, store: GitHubStore, figures: Callable[[str], None]
) -> None:
    flood(w, 1)
    w.update(1, INC)
    before, waits = w.requests(), len(w.waits)
    result = w.process(1)
    requests, seconds = w.requests() - before, sum(w.waits[waits:])
    assert (w.data(1), result.applied) == ({"n": 1}, 1)
    assert said(w, 1) == []
    assert reactions(w, 1) == {"confused"}
    assert len(w.repo.issue(1).comments) == MANY + 2
    figures(f"a thousand comments of one stranger on an object: {requests} requests, {seconds:.0f} seconds of waiting")


def test_a_thousand_comments_of_strangers__on_the_old_issue_of_an_object__get_reactions_and_no_word(
    w: World, store: GitHubStore, figures: Callable[[str], None]
) -> None:
    store.roll_over("m")
    flood(w, 1)
    before = w.requests()
    for _ in range(3):
        w.repo.edit_issue(1, "alice", state="open")
        assert store.process(1).rejected == 0
    requests = w.requests() - before
    assert said(w, 1) == []
    assert reactions(w, 1) == {"confused"}
    assert len(w.repo.issue(1).comments) == MANY + 1
    late = w.update(1, INC)
    assert store.process(1).rejected == 1
    (reply,) = said(w, 1)
    assert reply.startswith(f"<!-- gh-store refused {late} -->")
    assert len(reply) < 1_000
    figures(f"a thousand comments of one stranger on an old issue, three runs: {requests} requests")


def test_who_has_left__gets_no_word_by_editing_what_was_applied(w: World, store: GitHubStore) -> None:
    w.repo.grant("carol", "write")
    comments = [w.update(1, INC, by="carol") for _ in range(20)]
    w.process(1)
    w.repo.grant("carol", "read")
    w.hub.clock.advance(60)
    for comment in comments:
        w.repo.edit_comment(comment, "carol", '{"n": 666}')
    w.process(1)
    assert (w.data(1), said(w, 1)) == ({"n": 20}, [])


def test_who_has_left__gets_no_word_by_editing_the_body_again_and_again(w: World, store: GitHubStore) -> None:
    w.repo.grant("carol", "write")
    number = w.repo.open_issue("carol", "Stored Object: c", '{"n": 0}', ["stored-object", "UID:c"])
    w.process(number)
    w.repo.grant("carol", "read")
    for place in range(10):
        w.hub.clock.advance(60)
        w.repo.edit_issue(number, "carol", body=json.dumps({"n": place, "text": "buy this " * 100}))
        w.process(number)
        assert w.data(number) == {"n": 0}
    assert said(w, number) == []
    assert len(w.repo.issue(number).comments) == 1


# -- what they say is nothing, in the history either


@pytest.mark.parametrize("by", [STRANGER, "some-app[bot]"])
@pytest.mark.parametrize("when", ["before the store's own log", "behind it"])
def test_a_strangers_initial_state_with_their_own_rocket__is_nothing_in_the_history(
    w: World, by: str, when: str
) -> None:
    number = w.legacy(data={"n": 0})
    w.update(number, INC)
    if when == "behind it":
        w.process(number)
    forged = [
        {"type": "initial_state", "data": {"n": 666}, "timestamp": "2025-01-01T00:00:00"},
        {"type": "initial_state", "_data": {"n": 666}, "_meta": {"update_id": "1-0-x", "revision": 9, "previous": 1}},
    ]
    for state in forged:
        comment = w.repo.comment(number, by, json.dumps(state))
        for content in ("rocket", "+1"):
            w.repo.react(comment, by, content)
    thumbed = w.repo.comment(number, by, '{"n": 666}')
    w.repo.react(thumbed, by, "+1")
    for _ in range(2):
        with store_of(w) as store:
            history = store.get_object_history("m")
            theirs = [entry["metadata"]["verdict"] for entry in history if entry["metadata"]["author"] == by]
            assert theirs in (["pending"], ["unauthorized"])
            assert "666" not in str([point for point in history if point["metadata"]["verdict"] == "applied"])
            assert store.get("m", at="2099-01-01T00:00:00Z").data in ({"n": 0}, {"n": 1})
        w.process(number)
    assert w.data(number) == {"n": 1}


def test_a_strangers_state_and_reactions__do_not_keep_a_create_from_being_completed(w: World) -> None:
    token = w.token()
    w.hub.faults.dead_from(token, 4, "before")
    with store_of(w, token) as dying, pytest.raises(Exception):  # noqa: B017
        dying.create("m", {"n": 0})
    w.hub.faults.clear()
    for text in ('{"n": 1}', json.dumps({"type": "initial_state", "data": {}, "timestamp": "x"})):
        comment = w.repo.comment(1, STRANGER, text)
        for content in ("rocket", "+1"):
            w.repo.react(comment, STRANGER, content)
    with store_of(w) as store:
        made = store.create("m", {"n": 0})
        assert (made.meta.issue_number, made.data) == (1, {"n": 0})
