"""Labels alone give no object another state: anybody with triage permission puts them on and takes them off."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from gh_store_action import GitHubStore
from gh_store_action.domain import objects
from gh_store_action.domain.objects import Marker
from gh_store_action.errors import ObjectExists, ObjectNotFound, StoreError
from tests.double import BOT
from tests.support.covering import covering
from tests.support.hostile import MEMBER, TRIAGER, people, read_by_all, same_for_all
from tests.support.library import store_of
from tests.support.store import STRANGER, World
from tests.support.values import RULES

pytestmark = pytest.mark.slow

INC = {"_data": {"$inc": {"n": 1}}, "_meta": {"update_mode": "operators"}}
THEIRS = {"n": 666}
FORGED = objects.title("m", Marker(9, 0, 0, objects.short_digest(THEIRS)), RULES)
LABELS = ["stored-object", "UID:m"]


@pytest.fixture(autouse=True)
def somebody(w: World) -> None:
    people(w)


@pytest.fixture
def store(w: World) -> Iterator[GitHubStore]:
    with store_of(w) as made:
        yield made


def label(w: World, number: int, *labels: str) -> None:
    w.repo.edit_issue(number, TRIAGER, labels=labels)


def settled(w: World, number: int) -> None:
    """Everything that runs by itself has run, and an update has come to the object."""
    w.sweep()
    w.process(number)
    w.sweep()


# -- an issue that is none of the store's


@covering(
    2,
    by=[TRIAGER, MEMBER, STRANGER],
    older=[True, False],
    title=["m", "Stored Object: m", FORGED],
    how=["moved", "added"],
)
def test_labels_on_an_issue_of_who_may_not_write__make_no_object(
    w: World, store: GitHubStore, by: str, older: bool, title: str, how: str
) -> None:
    theirs = w.repo.open_issue(by, title, json.dumps(THEIRS)) if older else 0
    number = store.create("m", {"n": 0}).meta.issue_number
    theirs = theirs or w.repo.open_issue(by, title, json.dumps(THEIRS))
    label(w, theirs, *LABELS)
    if how == "moved":
        label(w, number)
    settled(w, theirs)
    w.update(theirs, INC, by=by)
    settled(w, theirs)
    same_for_all(w, {"n": 0} if how == "added" else None)
    with pytest.raises(ObjectNotFound, match="not an object of the store: it was opened by"):
        store.verify(issue_number=theirs, repair=True)
    if how == "added":
        with pytest.raises(ObjectExists):
            store.create("m", THEIRS)
        assert store.update("m", INC["_data"], "operators", apply=True).data == {"n": 1}
        with store_of(w) as fresh:
            assert [entry["metadata"]["issue_number"] for entry in fresh.get_object_history("m")] == [number] * 2
            assert fresh.verify("m", repair=True) == ()
            assert fresh.delete("m").issue_number == number
            assert fresh.restore("m").issue_number == number
    else:
        assert store.create("m", THEIRS).meta.issue_number > max(number, theirs)
    assert w.data(theirs) == THEIRS
    assert not [comment for comment in w.repo.issue(theirs).comments if comment.author == BOT]


@pytest.mark.parametrize("title", ["CI failed", "m", "Stored Object: other"])
def test_labels_on_an_issue_that_the_bot_opened_for_something_else__make_no_object(
    w: World, store: GitHubStore, title: str
) -> None:
    theirs = w.repo.open_issue(BOT, title, "```json\n" + json.dumps(THEIRS) + "\n```")
    number = store.create("m", {"n": 0}).meta.issue_number
    label(w, theirs, *LABELS)
    settled(w, theirs)
    same_for_all(w, {"n": 0})
    label(w, number)
    settled(w, theirs)
    same_for_all(w, None)
    assert json.dumps(THEIRS) in w.repo.issue(theirs).body


@pytest.mark.parametrize("saved", [True, False])
def test_labels_on_an_older_issue_of_a_writer__take_no_signed_objects_place(
    w: World, store: GitHubStore, saved: bool
) -> None:
    theirs = w.repo.open_issue(TRIAGER if saved else "alice", "an idea", json.dumps(THEIRS))
    if saved:
        w.repo.edit_issue(theirs, "alice", body=json.dumps(THEIRS) + "\n")
    number = store.create("m", {"n": 0}).meta.issue_number
    label(w, theirs, *LABELS)
    settled(w, theirs)
    same_for_all(w, {"n": 0})
    assert w.repo.issue(theirs).title == "an idea"
    assert [(one.kind, one.issue_number) for one in store.verify()] == [("duplicate-id", theirs)]
    assert f"issue #{number} has the id m already" in w.process(theirs).skipped


# -- an issue that the object was kept in once


def rolled_over(w: World, store: GitHubStore, *, goes_on: bool) -> int:
    store.create("m", {"n": 0})
    number = store.roll_over("m").meta.issue_number
    if goes_on:
        for _ in range(3):
            store.update("m", INC["_data"], "operators", apply=True)
    return number


@covering(2, how=["added", "moved"], goes_on=[True, False], run=["sweep", "process", "update", "roll-over", "verify"])
def test_labels_on_a_rolled_over_objects_old_issue__bring_back_no_old_state(
    w: World, store: GitHubStore, how: str, goes_on: bool, run: str
) -> None:
    number = rolled_over(w, store, goes_on=goes_on)
    now = {"n": 3 if goes_on else 0}
    label(w, 1, *LABELS)
    if how == "moved":
        label(w, number)
    assert set(map(str, read_by_all(w))) <= {str(now), "None"}
    with pytest.raises(ObjectExists):
        store.create("m", THEIRS)
    with store_of(w) as fresh:
        if run == "sweep":
            w.sweep()
        elif run == "process":
            w.process(1)
            fresh.process(1)
        elif run == "update" and how == "added":
            fresh.update("m", INC["_data"], "operators", apply=True)
            now = {"n": now["n"] + 1}
        elif run == "roll-over" and how == "added":
            number = fresh.roll_over("m").meta.issue_number
        elif run == "verify":
            fresh.verify(repair=True)
        for result in fresh.sweep():
            assert result.error is None
    same_for_all(w, now)
    assert w.repo.issue(1).labels == ()
    assert store.get("m").meta.issue_number == number
    assert store.update("m", INC["_data"], "operators", apply=True).data == {"n": now["n"] + 1}


@pytest.mark.parametrize("by", ["carol", "alice"])
def test_labels_and_an_edit_of_the_body_on_the_old_issue__do_not_have_the_new_one_given_up(
    w: World, store: GitHubStore, by: str
) -> None:
    """By who opened the old issue and has left, in league with a triager; or by a writer in the wrong issue."""
    w.repo.grant("carol", "write")
    old = w.repo.open_issue("carol", "Stored Object: m", '{"n": 0}', LABELS)
    w.process(old)
    number = store.roll_over("m").meta.issue_number
    store.update("m", INC["_data"], "operators", apply=True)
    w.repo.grant("carol", "read")
    w.repo.edit_issue(old, by, body=json.dumps(THEIRS))
    label(w, old, *LABELS)
    for _ in range(2):
        store.process(old)
        store.sweep()
        same_for_all(w, {"n": 1})
        label(w, number)
        label(w, old, *LABELS)
    store.sweep()
    same_for_all(w, {"n": 1})
    assert w.repo.issue(number).title.startswith("Stored Object: m [r")


def test_a_typed_arrow__gives_up_no_issue_that_is_not_the_copy(w: World, store: GitHubStore) -> None:
    """By whoever opened the issue and has left, or by a writer whom `access` may leave out."""
    w.repo.grant("carol", "write")
    number = w.repo.open_issue("carol", "Stored Object: m", '{"n": 0}', LABELS)
    w.process(number)
    other = store.create("other", {"n": 5}).meta.issue_number
    w.repo.grant("carol", "read")
    signed = w.repo.issue(number).title
    for by in ("carol", "alice"):
        for arrow in (" -> #", " => #"):
            w.repo.edit_issue(number, by, title=f"{signed}{arrow}{other}")
            w.process(number)
            store.process(number)
            store.sweep()
            assert store.get("other").data == {"n": 5}
            w.repo.edit_issue(number, by, title=f"{signed}{arrow}{other}")
            if (by, arrow) == ("alice", " -> #"):
                with pytest.raises(ObjectNotFound, match=f"kept in issue #{other}. Process issue #{number}"):
                    store.update("m", INC["_data"], "operators", apply=True)
                store.process(number)
            store.update("m", INC["_data"], "operators", apply=True)
            w.repo.edit_issue(number, by, title=f"{w.repo.issue(number).title} => #{other}")
            moved = store.roll_over("m")
            assert moved.data == store.get("m").data
            same_for_all(w, {"n": 5}, "other")
            number = moved.meta.issue_number
            signed = w.repo.issue(number).title
            assert w.repo.issue(other).title.startswith("Stored Object: other [")


# -- exchanged


def exchange(w: World, one: int, other: int) -> None:
    first, second = w.repo.issue(one).labels, w.repo.issue(other).labels
    label(w, one, *second)
    label(w, other, *first)


@pytest.mark.parametrize("kind", ["created", "processed", "of gh-store", "by hand"])
def test_exchanged_labels__exchange_no_objects_and_are_put_right(w: World, store: GitHubStore, kind: str) -> None:
    access = "[{match: Sandbox, permission: anyone}, {match: '*', permission: admin}]"
    w.repo.commit_files({".github/gh-store.yml": f"store: {{access: {access}}}"})
    for person in ("alice", "root"):
        w.repo.grant(person, "admin")
    made = []
    for object_id, data in (("Production", {"n": 1}), ("Sandbox", {"n": 2})):
        labels = ["stored-object", f"UID:{object_id}"]
        if kind == "created":
            made.append(store.create(object_id, data).meta.issue_number)
        elif kind == "of gh-store":
            made.append(w.legacy(object_id, data))
        else:
            made.append(w.repo.open_issue("root", f"Stored Object: {object_id}", json.dumps(data), labels))
            if kind == "processed":
                w.process(made[-1])
    exchange(w, *made)
    for number in made:
        w.update(number, INC, by=STRANGER)
        assert "its label says" in w.process(number).skipped
    w.sweep()
    for object_id in ("production", "sandbox"):
        same_for_all(w, None, object_id)
        with store_of(w) as fresh:
            with pytest.raises(ObjectNotFound, match="its label says"):
                fresh.get(object_id)
            with pytest.raises(StoreError, match="its label says"):
                fresh.update(object_id, {"n": 3}, apply=True)
            with pytest.raises(StoreError, match="its label says"):
                fresh.create(object_id, {"n": 3})
            with pytest.raises(StoreError, match="its label says"):
                fresh.delete(object_id)
            with pytest.raises(StoreError, match="its label says"):
                fresh.roll_over(object_id)
            with pytest.raises(StoreError, match="its label says"):
                fresh.get_object_history(object_id)
    with store_of(w) as fresh:
        assert [one.kind for one in fresh.verify()] == ["wrong-label"] * 2
        assert all(one.repaired for one in fresh.verify(repair=True))
    same_for_all(w, {"n": 1}, "production")
    w.sweep()
    same_for_all(w, {"n": 1}, "production")
    same_for_all(w, {"n": 3}, "sandbox")  # where anybody may write, and somebody has


@pytest.mark.parametrize("title", ["", "mine"])
def test_a_second_label_with_another_id__changes_nothing(w: World, store: GitHubStore, title: str) -> None:
    w.repo.grant("carol", "write")
    number = w.repo.open_issue("carol", "Stored Object: m", '{"n": 0}', LABELS)
    w.process(number)
    w.repo.grant("carol", "read")
    label(w, number, *LABELS, "UID:other")
    if title:
        w.repo.edit_issue(number, "carol", title=title)
    same_for_all(w, {"n": 0})
    same_for_all(w, None, "other")
    w.process(number)
    same_for_all(w, {"n": 0})
