"""Attacks by odder ways: names that moved, pull requests, deleted issues, other cases, deletions of somebody else."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from gh_store_action import GitHubStore
from gh_store_action.errors import ObjectNotFound, StoreError
from gh_store_action.gateway.issues import GitHub
from gh_store_action.store.doctor import Level, examine
from gh_store_action.store.processor import Processor
from gh_store_action.store.session import Session
from tests.support.hostile import TRIAGER, people, same_for_all, snapshot, snapshots_after
from tests.support.library import store_of
from tests.support.store import STRANGER, World

INC = {"_data": {"$inc": {"n": 1}}, "_meta": {"update_mode": "operators"}}
LABELS = ["stored-object", "UID:m"]
THEIRS = '{"n": 666}'


@pytest.fixture
def store(w: World) -> Iterator[GitHubStore]:
    people(w)
    with store_of(w) as made:
        made.create("m", {"n": 0})
        yield made


def test_the_owner_of_old__is_nobody_under_the_repositorys_old_name(w: World) -> None:
    """The repository has gone to another owner; a command still names the old one, whose login anybody may have."""
    number = w.object(data={"n": 0})
    token = w.hub.token("alice")
    w.repo.rename("acme/store")
    w.repo.grant("alice", "write")
    w.update(number, {"n": 666}, by="octo")
    session = Session(GitHub(w.transport(token), "octo/store"))
    result = Processor(session, now=w.now).process(number)
    session.github.transport.close()
    assert (result.unauthorized, w.data(number)) == (1, {"n": 0})


def test_a_pull_request_with_the_labels__is_no_object(w: World, store: GitHubStore) -> None:
    pull = w.repo.open_issue("alice", "Stored Object: m", THEIRS, LABELS, pull=True)
    w.repo.comment(pull, "alice", THEIRS)
    with pytest.raises(StoreError, match=f"no issue #{pull}"):
        w.process(pull)
    assert w.sweep() == []
    same_for_all(w, {"n": 0})
    assert store.verify() == ()


def test_an_issue_that_was_deleted__takes_its_object_along_and_no_other(w: World, store: GitHubStore) -> None:
    store.create("other", {"n": 1})
    w.repo.delete_issue(1, "octo")
    same_for_all(w, None)
    same_for_all(w, {"n": 1}, "other")
    with pytest.raises(StoreError, match="no issue #1"):
        w.process(1)
    assert store.create("m", {"n": 5}).meta.issue_number == 3


@pytest.mark.parametrize("labels", [["STORED-OBJECT", "uid:M"], ["Stored-Object", "UID:M", "uid:m"]])
def test_labels_in_another_case__are_the_same_labels(w: World, store: GitHubStore, labels: list[str]) -> None:
    theirs = w.repo.open_issue(STRANGER, "Stored Object: M", THEIRS)
    w.repo.edit_issue(theirs, TRIAGER, labels=labels)
    w.sweep()
    for object_id in ("m", "M"):
        assert store.get(object_id).data == {"n": 0}
    same_for_all(w, {"n": 0})
    w.repo.edit_issue(1, TRIAGER, labels=labels)
    same_for_all(w, {"n": 0})


@pytest.mark.parametrize("deleted", [True, False])
def test_a_strangers_deleted_object__is_not_restored_and_blocks_nothing(
    w: World, store: GitHubStore, deleted: bool
) -> None:
    theirs = w.repo.open_issue(STRANGER, "Stored Object: m", THEIRS, ["archived", "UID:m"])
    other = w.repo.open_issue(STRANGER, "Stored Object: new", THEIRS, ["archived", "UID:new"])
    if deleted:
        store.delete("m")
        with pytest.raises(ObjectNotFound, match="is deleted"):
            store.get("m")
    assert store.restore("m").issue_number == 1
    same_for_all(w, {"n": 0})
    with pytest.raises(ObjectNotFound):
        store.restore("new")
    assert store.create("new", {"n": 7}).meta.issue_number > other
    assert w.repo.issue(theirs).labels == ("archived", "UID:m")


def test_a_triager_who_hides_an_object__loses_nothing_of_it(w: World, store: GitHubStore) -> None:
    store.update("m", INC["_data"], "operators", apply=True)
    for labels in (["UID:m", "archived"], ["UID:m"], ["stored-object"], []):
        w.repo.edit_issue(1, TRIAGER, labels=labels)
        w.update(1, THEIRS, by=TRIAGER)
        w.sweep()
        w.process(1)
        same_for_all(w, None)
        if "archived" in labels:
            store.restore("m")
        else:
            assert all(problem.repaired for problem in store.verify(repair=True))
        same_for_all(w, {"n": 1})


def test_doctor__is_misled_by_nobodys_labels(w: World, store: GitHubStore) -> None:
    store.create("other", {"n": 1})
    w.repo.open_issue(STRANGER, "Stored Object: m", THEIRS, LABELS)
    w.repo.open_issue(STRANGER, "\n::error::x", THEIRS, LABELS)
    session = w.session()
    rows = {row.name: row for row in examine(session)}
    session.github.transport.close()
    assert rows["objects"].found.startswith("2 in ")
    assert rows["duplicate ids"].level is rows["broken bodies"].level is Level.OK
    first, second = w.repo.issue(1).labels, w.repo.issue(2).labels
    w.repo.edit_issue(1, TRIAGER, labels=second)
    w.repo.edit_issue(2, TRIAGER, labels=first)
    session = w.session()
    rows = {row.name: row for row in examine(session)}
    session.github.transport.close()
    assert rows["broken bodies"].level is Level.FAIL
    assert rows["broken bodies"].found.count("its label says") == 2
    assert "verify --repair" in rows["broken bodies"].hint


def test_an_incremental_snapshot__is_the_full_one_whatever_labels_were_exchanged(w: World, store: GitHubStore) -> None:
    store.create("other", {"n": 1})
    w.hub.clock.advance(60)
    with snapshots_after(w) as again:
        first, second = w.repo.issue(1).labels, w.repo.issue(2).labels
        w.repo.edit_issue(1, TRIAGER, labels=second)
        w.repo.edit_issue(2, TRIAGER, labels=first)
        assert again() == snapshot(w) == {}
        w.repo.edit_issue(1, TRIAGER, labels=first)
        w.repo.edit_issue(2, TRIAGER, labels=second)
        w.repo.open_issue(STRANGER, "Stored Object: m", THEIRS, LABELS)
        assert again() == snapshot(w) == {"m": {"n": 0}, "other": {"n": 1}}
        w.repo.edit_issue(1, "dave", body=json.dumps({"n": 666}))
        assert again() == snapshot(w) == {"other": {"n": 1}}


def test_an_arrow_to_an_issue_that_is_not_there__leaves_the_object_where_it_is(w: World, store: GitHubStore) -> None:
    for arrow in (" -> #999", " => #999"):
        w.repo.edit_issue(1, "alice", title=f"{w.repo.issue(1).title}{arrow}")
        store.process(1)
        assert "999" not in w.repo.issue(1).title
        same_for_all(w, {"n": 0})


def test_updates_to_an_old_issue__wait_while_github_does_not_say_who_may_write(w: World, store: GitHubStore) -> None:
    store.roll_over("m")
    late = w.update(1, INC)
    before = w.repo.issue(1)
    w.hub.faults.status(403, match=lambda request: "/collaborators/" in request.path, times=None)
    with store_of(w) as fresh:
        assert fresh.process(1).refusals == ()
    assert w.repo.issue(1) == before
    w.hub.faults.clear()
    with store_of(w) as fresh:
        assert [refusal.comment_id for refusal in fresh.process(1).refusals] == [late]
    assert len(w.repo.issue(1).comments) == len(before.comments) + 1
