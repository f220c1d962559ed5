"""One history: whoever asks reads the same of a store, whatever people have put on its comments by hand."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from gh_store_action.errors import StoreError
from tests.support.library import store_of
from tests.support.store import World

pytestmark = pytest.mark.slow

PEOPLE = ("alice", "bob", "dave")


def add(counter: str) -> str:
    return json.dumps({"_data": {"$inc": {counter: 1}}, "_meta": {"update_mode": "operators"}})


def read_by(w: World, token: str) -> dict[str, object]:
    """All that a reader says about the object."""
    with store_of(w, token) as store:
        now = store.get("m")
        questions: dict[str, Callable[[], object]] = {
            "list": lambda: list(store.list_all()),
            "history": lambda: store.get_object_history("m"),
            "verify": lambda: store.verify(),
        }
        questions |= {
            f"revision {number}": lambda number=number: store.get("m", revision=number).data  # type: ignore[misc]
            for number in range(1, now.meta.version + 1)
        }
        found: dict[str, object] = {"get": now}
        for name, ask in questions.items():
            try:
                found[name] = ask()
            except StoreError as error:
                found[name] = error.what
        return found


def made_by(w: World, author: str) -> int:
    if author != "alice":
        return w.object("m", {})
    number = w.repo.open_issue("alice", "m", "{}", ["stored-object", "UID:m"])
    w.process(number)
    return number


@pytest.mark.parametrize("author", ["the workflow", "alice"])
@pytest.mark.parametrize("by", PEOPLE)
@pytest.mark.parametrize("content", ["+1", "-1"])
def test_a_thumb_by_hand_before_the_run__changes_no_history_for_nobody(
    w: World, author: str, by: str, content: str
) -> None:
    """Dave has signed the object once, alice may have made it, and bob has only commented."""
    w.repo.grant("dave", "write")
    number = made_by(w, author)
    w.update(number, add("a"))
    w.process(number, w.hub.token("dave"))
    pending = w.update(number, add("b") if content == "-1" else add("b") + ",}", by="bob")
    w.hub.clock.advance(5)
    w.repo.react(pending, by, content)
    w.hub.clock.advance(5)
    w.process(number)
    w.update(number, add("c"))
    w.process(number)
    verdict = "applied" if content == "-1" else "rejected"
    seen = read_by(w, w.token())
    history = seen["history"]
    assert isinstance(history, list)
    assert [one["metadata"]["verdict"] for one in history if one["type"] == "update"] == ["applied", verdict, "applied"]
    assert seen["verify"] == ()
    assert [seen[name] for name in seen if name.startswith("revision")][-1] == w.data(number)
    for person in PEOPLE:
        assert read_by(w, w.hub.token(person)) == seen, person


REFUSED = {
    "no JSON": '{"b": 1,}',
    "a condition on what is there already": json.dumps({"_data": {"a": 1}, "_meta": {"if_revision": 7}}),
    "a condition": json.dumps({"_data": {"b": 1}, "_meta": {"if_revision": 7}}),
    "nothing": json.dumps({"b": 1}),
}


@pytest.mark.parametrize("why", REFUSED)
@pytest.mark.parametrize("repair", [False, True])
def test_a_thumb_by_hand_after_the_verdict__disputes_nothing(w: World, why: str, repair: bool) -> None:
    """Alice has made the object, so her receipts count; but after the workflow has spoken hers is an opinion."""
    number = w.repo.open_issue("alice", "m", '{"a": 1}', ["stored-object", "UID:m"])
    w.process(number)
    w.hub.clock.advance(9)
    comment = w.update(number, REFUSED[why], by="bob")
    w.process(number)
    before = read_by(w, w.token())
    receipts = w.seen(number).receipts
    w.hub.clock.advance(60)
    w.repo.react(comment, "alice", "-1" if why == "nothing" else "+1")
    with store_of(w) as store:
        assert store.verify(repair=repair) == ()
    assert read_by(w, w.token()) == before
    assert w.seen(number).receipts == receipts
    w.repo.edit_issue(number, "alice", body="oops {")
    w.process(number)
    assert w.data(number) == {"a": 1, **({"b": 1} if why == "nothing" else {})}


@pytest.mark.parametrize("content", ["+1", "-1"])
@pytest.mark.parametrize("beside", [False, True])
def test_a_persons_own_thumb_before_their_own_run__becomes_a_receipt(w: World, content: str, beside: bool) -> None:
    """GitHub keeps the time of a reaction that is given once more."""
    w.repo.grant("dave", "write")
    number = w.object("m", {})
    token = w.hub.token("dave")
    w.update(number, add("a"))
    w.process(number, token if beside else "")
    w.hub.clock.advance(5)
    pending = w.update(number, add("b"), by="bob")
    w.repo.react(pending, "dave", content)
    w.hub.clock.advance(5)
    w.process(number, token)
    seen = read_by(w, w.token())
    history = seen["history"]
    assert isinstance(history, list)
    assert [one["metadata"]["verdict"] for one in history if one["type"] == "update"] == ["applied"] * 2
    assert seen["verify"] == ()
    assert w.repo.issue(number).comments[-1].reactions == (("dave", "+1"),)
    before = w.requests()
    assert (w.process(number, token).changed, w.requests() - before) == (False, 1)


def test_what_looks_like_a_state_or_a_reply_of_the_stores__is_none_for_its_author_either(w: World) -> None:
    number = w.object()
    w.update(number, add("a"))
    w.process(number)
    state = {"type": "initial_state", "data": {"n": 99}, "_meta": {"update_id": "x", "revision": 3}}
    w.update(number, json.dumps(state), by="bob")
    w.update(number, "<!-- gh-store refused 1 -->\nhi", by="bob")
    assert read_by(w, w.hub.token("bob")) == read_by(w, w.token())
    w.process(number)
    assert read_by(w, w.hub.token("bob")) == read_by(w, w.token())


@pytest.mark.parametrize("content", ["-1", "confused"])
@pytest.mark.parametrize("body", ["oops {", '{"by hand": 1}'])
def test_a_signers_thumb_in_the_second_of_the_run__does_not_turn_the_verdict(w: World, content: str, body: str) -> None:
    """Dave has signed once, so his receipts count; times have one second."""
    w.repo.grant("dave", "write")
    number = w.object()
    w.update(number, add("a"))
    w.process(number, w.hub.token("dave"))
    w.hub.clock.advance(30)
    w.hub.clock.tick = 0
    pending = w.update(number, add("b"), by="bob")
    w.repo.react(pending, "dave", content)
    w.process(number)
    w.hub.clock.advance(10)
    w.repo.edit_issue(number, "dave", body=body)
    w.process(number)
    assert w.data(number) == ({"count": 0, "a": 1, "b": 1} if body == "oops {" else {"by hand": 1})
    assert w.seen(number).receipts == (("+1",), ("+1",))
