"""What each actor can cost a store, in requests, points, seconds and comments: the table in SECURITY.md, measured."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gh_store_action.errors import StoreError
from tests.double import BOT
from tests.support.hostile import TRIAGER, people
from tests.support.library import store_of
from tests.support.store import STRANGER, World

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "SECURITY.md"
UPDATE = '{"n": 666}'
LABELS = ["stored-object", "UID:m"]


def made(w: World, by: str = BOT) -> int:
    number = w.repo.open_issue(by, "Stored Object: m", '{"n": 0}', LABELS)
    w.process(number)
    return number


def nothing(w: World) -> Callable[[], object]:
    number = made(w)
    return lambda: w.process(number)


def a_word(w: World) -> Callable[[], object]:
    number = made(w)
    w.repo.comment(number, STRANGER, "what is this?")
    return lambda: w.process(number)


def five_words(w: World) -> Callable[[], object]:
    number = made(w)
    for _ in range(5):
        w.repo.comment(number, STRANGER, "what is this?")
    return lambda: w.process(number)


def an_update(w: World) -> Callable[[], object]:
    number = made(w)
    w.repo.comment(number, STRANGER, UPDATE)
    return lambda: w.process(number)


def thousand_updates(w: World) -> Callable[[], object]:
    number = made(w)
    for _ in range(1_000):
        w.repo.comment(number, STRANGER, UPDATE)
    return lambda: w.process(number)


def fifty_people(w: World) -> Callable[[], object]:
    number = made(w)
    for place in range(50):
        w.hub.add_user(f"stranger{place}")
        w.repo.comment(number, f"stranger{place}", UPDATE)
    return lambda: w.process(number)


def thousand_on_the_old_issue(w: World) -> Callable[[], object]:
    number = made(w)
    with store_of(w) as store:
        store.roll_over("m")
    for _ in range(1_000):
        w.repo.comment(number, STRANGER, UPDATE)

    def run() -> None:
        with store_of(w) as store:
            store.process(number)

    return run


def own_labelled_issue(w: World) -> Callable[[], object]:
    made(w)
    w.repo.open_issue(STRANGER, "Stored Object: m", UPDATE, LABELS)
    return lambda: w.sweep()


def labels_on_a_writers_issue(w: World) -> Callable[[], object]:
    made(w)
    number = w.repo.open_issue("alice", "an idea", UPDATE)
    w.repo.edit_issue(number, TRIAGER, labels=LABELS)
    return lambda: w.sweep()


def exchanged_labels(w: World) -> Callable[[], object]:
    number = made(w)
    w.repo.edit_issue(number, TRIAGER, labels=["stored-object", "UID:other"])
    return lambda: w.sweep()


def old_issue_labelled(w: World) -> Callable[[], object]:
    number = made(w)
    with store_of(w) as store:
        store.roll_over("m")
    w.repo.edit_issue(number, TRIAGER, labels=LABELS)

    def run() -> None:
        with store_of(w) as store:
            store.sweep()

    return run


def title_and_body(w: World) -> Callable[[], object]:
    w.repo.grant("carol", "write")
    number = made(w, "carol")
    w.repo.grant("carol", "read")
    w.hub.clock.advance(60)
    w.repo.edit_issue(number, "carol", title="mine", body=UPDATE)
    return lambda: w.process(number)


def body_by_who_is_left_out(w: World) -> Callable[[], object]:
    w.repo.commit_files({".github/gh-store.yml": "store: {access: {permission: admin}}"})
    number = made(w)
    w.hub.clock.advance(60)
    w.repo.edit_issue(number, "alice", body=UPDATE)
    return lambda: w.process(number)


def comment_of_the_store(w: World) -> Callable[[], object]:
    number = made(w)
    w.hub.clock.advance(60)
    w.repo.edit_comment(w.repo.issue(number).comments[0].id, "alice", "gone")
    w.repo.comment(number, "alice", '{"a": 1}')
    return lambda: w.process(number)


def refused_updates(w: World) -> Callable[[], object]:
    number = made(w)
    for _ in range(50):
        w.repo.comment(number, "alice", '{"n": ')
    return lambda: w.process(number)


ACTS = {
    "anyone: nothing has happened": nothing,
    "a stranger: talks": a_word,
    "a stranger: talks, and a fifth time": five_words,
    "a stranger: posts an update": an_update,
    "a stranger: posts 1,000 updates": thousand_updates,
    "50 strangers: post one update each": fifty_people,
    "a stranger: posts 1,000 updates to an old issue": thousand_on_the_old_issue,
    "a stranger: has an issue with the labels; a sweep": own_labelled_issue,
    "a triager: labels a writer's issue; a sweep": labels_on_a_writers_issue,
    "a triager: gives an object another id; a sweep": exchanged_labels,
    "a triager: labels the old issue of an object; a sweep": old_issue_labelled,
    "a former writer: edits title and body": title_and_body,
    "a writer whom `access` leaves out: edits the body": body_by_who_is_left_out,
    "a writer: edits the store's comment": comment_of_the_store,
    "a writer: posts 50 updates that are refused": refused_updates,
}


def told() -> dict[str, tuple[int, ...]]:
    """The rows of the page: act to requests, points, seconds and comments."""
    rows = re.findall(
        r"^\| (.+?) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$", PAGE.read_text("utf-8"), re.MULTILINE
    )
    return {act: tuple(int(number.replace(",", "")) for number in numbers) for act, *numbers in rows}


def points(w: World) -> int:
    return sum(bucket.used for (_, resource), bucket in w.hub.hub.world.buckets.items() if resource == "graphql")


def said(w: World) -> int:
    return sum(comment.author == BOT for issue in w.repo.issues() for comment in issue.comments)


@pytest.mark.parametrize("act", ACTS)
def test_what_somebody_can_cost__is_what_the_page_says(w: World, act: str) -> None:
    people(w)
    run = ACTS[act](w)
    w.hub.clock.tick = 0  # every write in the same second: the pace alone makes a run wait
    before = w.requests(), points(w), sum(w.waits), said(w)
    run()
    after = w.requests(), points(w), sum(w.waits), said(w)
    assert tuple(int(b - a) for a, b in zip(before, after, strict=True)) == told()[act]


def test_what_somebody_can_cost__has_no_row_that_is_not_measured() -> None:
    assert set(told()) == set(ACTS)


def test_a_thousand_comments__leave_the_next_object_its_turn(w: World) -> None:
    """A sweep comes to the other object, and its budget is the flood's requests and no more."""
    thousand_updates(w)
    with store_of(w) as store:
        store.create("other", {"n": 0})
        store.update("other", {"n": 1})
    assert [result.error for result in w.sweep()] == [None, None]
    with store_of(w) as store:
        assert store.get("other").data == {"n": 1}
        with pytest.raises(StoreError):
            store.get("nothing")
    assert json.loads(w.repo.issue(1).body) == {"n": 0}
