"""The past of an object: history with verdicts, time travel, diff, revert, listing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from gh_store_action import GitHubStore, InputError, ObjectNotFound, StoreError
from tests.double import BOT
from tests.integration.test_store_objects import cost, store_of
from tests.support.store import World


@pytest.fixture
def store(w: World) -> Iterator[GitHubStore]:
    with store_of(w) as made:
        yield made


def grown(store: GitHubStore, updates: int = 3) -> None:
    """An object `metrics` at revision `updates` + 1, whose `count` is the revision less one."""
    store.create("metrics", {"count": 0})
    for count in range(1, updates + 1):
        store.update("metrics", {"count": count}, apply=True)


# -- history ---------------------------------------------------------------------------------------------------------


def test_history__every_entry_with_author_verdict_and_revision(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    w.update(1, {"count": 1})
    w.repo.comment(1, "bob", "nice data!")
    w.update(1, {"hacked": 1}, by="mallory")
    bad = w.update(1, {"_data": [{"op": "remove", "path": "/nothing"}], "_meta": {"update_mode": "json-patch"}})
    broken = w.update(1, '{"a": 1,}', by="bob")
    store.process_updates(1)
    w.update(1, {"count": 2})
    history = store.get_object_history("metrics")
    assert [
        (e["type"], e["metadata"]["author"], e["metadata"]["verdict"], e["metadata"]["revision"]) for e in history
    ] == [
        ("initial_state", BOT, "applied", 1),
        ("update", "alice", "applied", 2),
        ("update", "mallory", "unauthorized", None),
        ("update", "alice", "rejected", None),
        ("update", "bob", "rejected", None),
        ("update", "alice", "pending", None),
    ]
    assert [e["data"] for e in history[:3]] == [{"count": 0}, {"count": 1}, {"hacked": 1}]
    assert (history[3]["comment_id"], history[4]["comment_id"]) == (bad, broken)
    assert "nothing" in str(history[3]["metadata"]["reason"])
    assert history[3]["metadata"]["reasons"][0]["path"] == "$[0]"  # type: ignore[index,call-overload]
    assert history[4]["data"] == '{"a": 1,}'
    assert "line 1" in str(history[4]["metadata"]["reason"])
    assert [e["metadata"]["update_mode"] for e in history[:4]] == ["initial", "append", "append", "json-patch"]
    assert history == store.issue_handler.get_object_history("metrics")


def test_history__the_first_state_comes_first_though_it_is_entered_behind_the_first_update(
    w: World, store: GitHubStore
) -> None:
    number = w.repo.open_issue("alice", "Stored Object: metrics", '{"count": 0}', ["stored-object", "UID:metrics"])
    made = w.repo.issue(number).created_at
    w.hub.clock.advance(60)
    w.update(number, {"count": 1})
    w.hub.clock.advance(60)
    store.process_updates(number)
    w.repo.edit_issue(number, "alice", body='{"count": 7}')
    w.update(number, {"count": 8})
    store.process_updates(number)

    history = store.get_object_history("metrics")

    assert [(e["type"], e["metadata"]["revision"]) for e in history] == [
        ("initial_state", 1),
        ("update", 2),
        ("checkpoint", 3),
        ("update", 4),
    ]
    assert history[0]["timestamp"] == made


def test_history__a_hundred_comments_in_one_request(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    for place in range(99):
        w.repo.comment(1, "alice", f"talk {place}")
    assert cost(w, lambda s: s.get_object_history("metrics")) == 1
    w.repo.comment(1, "alice", "one more")
    assert cost(w, lambda s: s.get_object_history("metrics")) == 2
    assert len(store.get_object_history("metrics")) == 1


def test_history__edits_and_hand_edits_show(w: World, store: GitHubStore) -> None:
    grown(store, 1)
    w.repo.edit_issue(1, "alice", body='{"count": 70}')
    late = w.update(1, {"more": 1})
    store.process_updates(1)
    w.repo.edit_comment(late, "alice", '{"more": 2}')
    history = store.get_object_history("metrics")
    assert [(e["type"], e["metadata"]["revision"]) for e in history] == [
        ("initial_state", 1),
        ("update", 2),
        ("checkpoint", 3),
        ("update", 4),
    ]
    assert history[3]["metadata"]["edited"] > history[3]["timestamp"]  # type: ignore[operator]
    assert store.get("metrics", revision=3).data == {"count": 70}
    assert store.get("metrics", revision=4).data == {"count": 70, "more": 1}  # the body, though the comment says 2


def test_history__of_nothing(store: GitHubStore) -> None:
    with pytest.raises(ObjectNotFound):
        store.get_object_history("nothing")


# -- time travel -----------------------------------------------------------------------------------------------------


def test_get__every_revision(w: World, store: GitHubStore) -> None:
    grown(store, 3)
    for revision in (1, 2, 3, 4):
        found = store.get("metrics", revision=revision)
        assert (found.data, found.meta.version) == ({"count": revision - 1}, revision)
        assert found.meta.digest == store.get("metrics", revision=revision).meta.digest
    assert cost(w, lambda s: s.get("metrics", revision=2)) == 1
    with pytest.raises(ObjectNotFound, match="its log gives 1 to 4"):
        store.get("metrics", revision=9)


def test_get__at_a_time(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    made = w.now()
    w.hub.clock.advance(100)
    store.update("metrics", {"count": 1}, apply=True)
    w.hub.clock.advance(100)
    store.update("metrics", {"count": 2}, apply=True)

    def when(seconds: float) -> datetime:
        return datetime.fromtimestamp(made + seconds, UTC)

    assert store.get("metrics", at=when(0)).data == {"count": 0}
    assert store.get("metrics", at=when(150)).data == {"count": 1}
    assert store.get("metrics", at=when(1000).isoformat()).data == {"count": 2}
    assert store.get("metrics", at=when(150).astimezone(timezone(timedelta(hours=5)))).data == {"count": 1}
    assert store.get("metrics", at=when(150).replace(tzinfo=None)).data == {"count": 1}
    with pytest.raises(ObjectNotFound, match="did not exist"):
        store.get("metrics", at=when(-1000))
    with pytest.raises(InputError, match="The argument `at`"):
        store.get("metrics", at="yesterday")
    with pytest.raises(InputError, match="both given"):
        store.get("metrics", revision=1, at=when(0))


@pytest.mark.parametrize("many", [150, pytest.param(500, marks=pytest.mark.prove)])
def test_time_travel__many_updates(w: World, store: GitHubStore, many: int) -> None:
    half = many // 2
    store.create("metrics", {"count": 0})
    for count in range(1, many + 1):
        w.repo.comment(1, "alice", json.dumps({"count": count, f"k{count % 7}": count}))
    store.process_updates(1)
    assert store.get("metrics").meta.version == many + 1
    assert store.get("metrics", revision=half).data["count"] == half - 1
    assert cost(w, lambda s: s.get("metrics", revision=half)) == many // 100 + 1
    reverted = store.revert("metrics", half)
    assert (reverted.data["count"], reverted.meta.version) == (half - 1, many + 2)
    assert store.get("metrics", revision=many + 1).data["count"] == many
    assert store.diff("metrics", half, many + 2) == []
    assert len(store.get_object_history("metrics")) == many + 2
    while w.process(1).receipts_left:  # 80 a minute are all that GitHub takes
        pass
    assert store.verify("metrics") == ()


def test_diff_and_revert(store: GitHubStore) -> None:
    grown(store, 2)
    assert store.diff("metrics", 1, 3) == [{"op": "replace", "path": "/count", "value": 2}]
    posted = store.revert("metrics", 1, apply=False)
    assert (posted.meta.pending, posted.data) == (1, {"count": 2})
    assert store.process_updates(1).data == {"count": 0}
    assert store.get("metrics").meta.version == 4


def test_time_travel__a_deleted_comment_makes_its_states_uncertain(w: World, store: GitHubStore) -> None:
    grown(store, 3)
    doomed = w.repo.issue(1).comments[2].id
    w.repo.delete_comment(doomed, "alice")
    assert store.get("metrics", revision=4).data == {"count": 3}  # the body itself
    with pytest.raises(StoreError, match="no longer gives revision 2"):
        store.get("metrics", revision=2)
    assert store.get("metrics", revision=1).data == {"count": 0}
    assert store.get("metrics", at="2030-01-01T00:00:00Z").data == {"count": 3}
    with pytest.raises(StoreError, match="no longer gives the state at"):
        store.get("metrics", at=w.repo.issue(1).comments[1].created_at)
    store.update("metrics", {"count": 9}, apply=True)
    assert store.verify(repair=True) == () or all(problem.repaired for problem in store.verify(repair=True))
    assert store.get("metrics", at="2030-01-01T00:00:00Z").data == {"count": 9}


def test_time_travel__an_unprocessed_hand_edit_is_not_the_revision(w: World, store: GitHubStore) -> None:
    grown(store, 1)
    w.repo.edit_issue(1, "alice", body='{"count": 70}')
    assert store.get("metrics").data == {"count": 70}
    assert store.get("metrics", revision=2).data == {"count": 1}


def test_time_travel__late_arrivals_come_last(w: World, store: GitHubStore) -> None:
    grown(store, 1)
    late = w.repo.comment(1, "alice", '{"late": 1}')
    w.repo.hide_comment_from_reads(late)
    store.update("metrics", {"count": 5}, apply=True)
    w.repo.reveal()
    assert store.process_updates(1).data == {"count": 5, "late": 1}
    assert store.get("metrics", revision=3).data == {"count": 5}
    assert store.get("metrics", revision=4).data == {"count": 5, "late": 1}


def test_time_travel__a_late_arrival_that_came_last(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    late = w.repo.comment(1, "alice", '{"count": 8}')
    w.repo.hide_comment_from_reads(late)
    change = [{"op": "test", "path": "/count", "value": 0}, {"op": "add", "path": "/seen", "value": 1}]
    store.update("metrics", change, "json-patch", apply=True)
    w.repo.reveal()
    after = store.process_updates(1)
    assert after.data == {"count": 8, "seen": 1}
    assert store.get("metrics", revision=2).data == {"count": 0, "seen": 1}
    assert store.get("metrics", revision=after.meta.version).data == after.data
    assert store.verify() == ()


# -- gh-store's own logs ---------------------------------------------------------------------------------------------


def legacy_log(w: World) -> int:
    """An object of gh-store 0.5 with two updates that its 👍 says were applied, talk, and a stranger's JSON."""
    number = w.legacy("metrics", {"count": 0})
    first = w.repo.comment(number, "alice", '{"count": 1}')
    w.repo.comment(number, "bob", "thanks")
    w.repo.comment(number, "mallory", '{"hacked": 1}')
    second = w.repo.comment(number, "bob", '{"_data": {"done": true}, "_meta": {"client_version": "0.6.0"}}')
    for comment in (first, second):
        w.repo.react(comment, "alice", "+1")
    w.repo.edit_issue(number, "alice", body='{"count": 1, "done": true}')
    return number


@pytest.mark.parametrize("adopted", [False, True])
def test_time_travel__through_a_log_of_gh_stores(w: World, store: GitHubStore, adopted: bool) -> None:
    number = legacy_log(w)
    if adopted:
        store.update("metrics", {"count": 2}, apply=True)
    history = store.get_object_history("metrics")
    assert [(e["type"], e["metadata"]["verdict"], e["metadata"]["revision"]) for e in history[:4]] == [
        ("initial_state", "applied", 1),
        ("update", "applied", 3),
        ("update", "unauthorized", None),
        ("update", "applied", 6),
    ]
    assert store.get("metrics", revision=3).data == {"count": 1}
    assert store.get("metrics", revision=6).data == {"count": 1, "done": True}
    assert store.get("metrics", revision=1).data == {"count": 0}
    assert store.get("metrics").meta.version == (7 if adopted else 6)
    assert store.get("metrics", at=w.repo.issue(number).comments[1].created_at).data == {"count": 1}


@pytest.mark.parametrize("adopted", [False, True])
def test_time_travel__where_gh_stores_log_does_not_give_the_body(w: World, store: GitHubStore, adopted: bool) -> None:
    number = legacy_log(w)
    w.repo.edit_issue(number, "alice", body='{"by": "hand"}')
    if adopted:
        store.process_updates(number)
    with pytest.raises(StoreError, match="gh-store did not log all"):
        store.get("metrics", revision=3)
    w.repo.edit_issue(number, "alice", body="no json")
    with pytest.raises(StoreError):
        store.get("metrics", revision=3)


# -- many objects ----------------------------------------------------------------------------------------------------


def test_list__three_hundred_objects_in_three_requests(w: World) -> None:
    for number in range(300):
        labels = ["stored-object", f"UID:o{number}"]
        w.repo.open_issue(BOT, f"Stored Object: o{number}", json.dumps({"n": number}), labels, state="closed")
    found: list[object] = []
    assert cost(w, lambda s: found.extend(one.data for one in s.list_all())) == 3
    assert found == [{"n": number} for number in range(300)]


def test_list__lazily(w: World, store: GitHubStore) -> None:
    store.create("a", {})
    before = w.requests()
    listing = store.list_all()
    assert w.requests() == before
    assert next(listing).meta.object_id == "a"


def test_list__leaves_out_with_a_warning_what_is_broken_or_a_duplicate(w: World) -> None:
    said: list[str] = []
    labels = ["stored-object", "UID:a"]
    with store_of(w, log=said.append) as store:
        store.create("a", {"n": 1})
        w.repo.open_issue(BOT, "Stored Object: a", '{"n": 2}', labels)
        w.repo.open_issue(BOT, "Stored Object: b", "oops {", ["stored-object", "UID:b"])
        w.repo.open_issue("mallory", "Stored Object: c", "{}", ["stored-object", "UID:c"])
        w.repo.open_issue(BOT, "Stored Object: d", "{}", ["stored-object", "UID:d"], pull=True)
        assert [one.data for one in store.list_all()] == [{"n": 1}]
        assert list(store.list_updated_since("2020-01-01"))[0].data == {"n": 1}
    assert [line for line in said if "#2" in line] == ["Skipped issue #2: issue #1 also has the id a."] * 2
    assert len([line for line in said if "Skipped issue #3" in line]) == 2


def test_list__what_changed_since(w: World, store: GitHubStore) -> None:
    store.create("a", {})
    store.create("b", {})
    w.hub.clock.advance(60)
    since = datetime.fromtimestamp(w.now(), UTC)
    w.hub.clock.advance(60)
    store.update("a", {"n": 1}, apply=True)
    assert [one.meta.object_id for one in store.list_updated_since(since)] == ["a"]
    assert cost(w, lambda s: list(s.list_updated_since(since))) == 1
    changed = store.get("a").meta.updated_at
    assert [one.meta.object_id for one in store.list_updated_since(changed)] == ["a"]
    assert list(store.list_updated_since("2099-01-01T00:00:00Z")) == []


def test_list__of_nothing(store: GitHubStore) -> None:
    assert list(store.list_all()) == []  # D06
