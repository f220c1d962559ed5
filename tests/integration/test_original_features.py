"""Every feature of gh-store 0.5 that the library has: rows F01 to F21 and F31 of the list, one test each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gh_store_action import (
    AccessDeniedError,
    ConcurrentUpdateError,
    ConfigurationError,
    DuplicateUIDError,
    GitHubStore,
    InvalidUpdate,
    ObjectExists,
    ObjectNotFound,
    StoreError,
)
from tests.double import BOT
from tests.integration.test_store_objects import store_of
from tests.support.store import World


@pytest.fixture
def store(w: World) -> Iterator[GitHubStore]:
    with store_of(w) as made:
        yield made


def test_f01__an_object_is_an_issue_with_the_data_as_its_body(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0, "nested": {"b": 1, "a": 2}})
    issue = w.repo.issue(1)
    assert issue.title.startswith("Stored Object: metrics")
    assert json.loads(issue.body) == {"count": 0, "nested": {"b": 1, "a": 2}}


def test_f02__both_labels_are_put_on_and_made_where_missing(w: World, store: GitHubStore) -> None:
    assert w.repo.labels() == []
    store.create("metrics", {})
    assert set(w.repo.labels()) == set(w.repo.issue(1).labels) == {"stored-object", "UID:metrics"}


def test_f03__the_initial_state_is_a_comment_with_both_reactions(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    (first,) = w.repo.issue(1).comments
    assert json.loads(first.body)["type"] == "initial_state"
    assert json.loads(first.body)["data"] == {"count": 0}
    assert {content for _, content in first.reactions} == {"+1", "rocket"}


def test_f04__create_closes_the_issue_and_gives_version_one(w: World, store: GitHubStore) -> None:
    assert store.create("metrics", {}).meta.version == 1
    assert w.repo.issue(1).state == "closed"


def test_f05__get_finds_by_both_labels(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    assert store.get("metrics").data == {"count": 0}
    with pytest.raises(ObjectNotFound):
        store.get("other")
    w.repo.open_issue(BOT, "Stored Object: metrics", '{"count": 9}', ["stored-object", "UID:metrics"])
    assert store.get("metrics").data == {"count": 0}  # where gh-store gave up, the lowest number counts


def test_f06__update_adds_a_comment_reopens_and_gives_the_old_state(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    assert store.update("metrics", {"count": 1}).data == {"count": 0}
    assert w.repo.issue(1).state == "open"
    assert store.update("metrics", {"count": 2}).meta.pending == 2  # where gh-store refused an open object


def test_f07__reopening_by_a_person_fires_the_event_that_the_workflow_waits_for(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    with store_of(w, w.hub.token("alice")) as person:
        person.update("metrics", {"count": 1})
    event = w.hub.events.named("issues", "reopened")[-1]
    assert "stored-object" in [label["name"] for label in event.payload["issue"]["labels"]]


def test_f08__process_updates_folds_oldest_first_closes_and_leaves_receipts(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    for count in (1, 2, 3):
        w.update(1, {"count": count, f"k{count}": True})
    assert store.process_updates(1).data == {"count": 3, "k1": True, "k2": True, "k3": True}
    issue = w.repo.issue(1)
    assert issue.state == "closed"
    assert all((BOT, "+1") in comment.reactions for comment in issue.comments)


def test_f09__what_carries_the_receipt_is_not_folded_again(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    store.update("metrics", {"$inc": {"count": 1}}, "operators", apply=True)
    for _ in range(2):
        w.repo.edit_issue(1, "alice", state="open")
        assert store.process_updates(1).data == {"count": 1}


@pytest.mark.parametrize(
    ("state", "change", "after"),
    [
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": {"b": 1}}, {"a": 5}, {"a": 5}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": 1}, {"a": {"b": 2}}, {"a": {"b": 2}}),
        ({"a": 1}, {"b": None}, {"a": 1, "b": None}),
    ],
)
def test_f10__deep_merge(store: GitHubStore, state: object, change: object, after: object) -> None:
    store.create("metrics", state)
    assert store.update("metrics", change, apply=True).data == after


def test_f11__a_comment_that_is_no_object_changes_nothing_it_should_not(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    for text in ("5", '"x"', "null"):  # gh-store 0.5 wrapped them, 0.6 stopped at them for ever (D28): now talk
        w.update(1, text)
    refused = w.update(1, "[1]")
    w.update(1, {"count": 1})
    assert store.process_updates(1).data == {"count": 1}
    assert (BOT, "-1") in next(c for c in w.repo.issue(1).comments if c.id == refused).reactions


def test_f12__talk_is_skipped(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    talk = w.update(1, "nice data!")
    assert store.process_updates(1).data == {"count": 0}
    assert next(c for c in w.repo.issue(1).comments if c.id == talk).reactions == ()


def test_f13__an_initial_state_is_never_applied(w: World, store: GitHubStore) -> None:
    number = w.legacy("old", {"count": 0})
    w.repo.edit_issue(number, "alice", body='{"count": 7}')
    w.update(number, {"more": 1})
    assert store.process_updates(number).data == {"count": 7, "more": 1}


def test_f14__who_may_write_is_asked_of_issue_and_comments(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    w.update(1, {"count": 1})
    w.update(1, {"hacked": 1}, by="mallory")
    assert store.process_updates(1).data == {"count": 1}
    number = w.repo.open_issue("mallory", "Stored Object: evil", "{}", ["stored-object", "UID:evil"])
    with pytest.raises(ObjectNotFound, match="may not write"):
        store.process_updates(number)


def test_f14__owners_in_codeowners_where_the_store_says_so(w: World, store: GitHubStore) -> None:
    w.repo.commit_files(
        {".github/gh-store.yml": "store: {access: {codeowners: true}}", "CODEOWNERS": "data/ @mallory\n"}
    )
    store.create("metrics", {"count": 0})
    w.update(1, {"welcome": 1}, by="mallory")
    assert store.process_updates(1).data == {"count": 0, "welcome": 1}


def test_f15__unauthorised_comments_are_skipped_and_shown(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    w.update(1, {"hacked": 1}, by="mallory")
    store.process_updates(1)
    assert (BOT, "confused") in w.repo.issue(1).comments[-1].reactions
    assert store.get_object_history("metrics")[-1]["metadata"]["verdict"] == "unauthorized"


def test_f16__delete_closes_and_archives(w: World, store: GitHubStore) -> None:
    store.create("metrics", {})
    store.delete("metrics")
    issue = w.repo.issue(1)
    assert (issue.state, set(issue.labels)) == ("closed", {"archived", "UID:metrics"})


def test_f17__list_all_leaves_out_archived_and_broken_ones(w: World, store: GitHubStore) -> None:
    for name in ("a", "b", "c"):
        store.create(name, {"name": name})
    store.delete("b")
    w.repo.edit_issue(3, "alice", body="oops")
    assert {one.meta.object_id: one.data for one in store.list_all()} == {"a": {"name": "a"}}


def test_f18__list_updated_since(w: World, store: GitHubStore) -> None:
    store.create("a", {})
    store.create("b", {})
    w.hub.clock.advance(10)
    changed = store.update("a", {"x": 1}, apply=True)
    assert [one.meta.object_id for one in store.list_updated_since(changed.meta.updated_at)] == ["a"]


def test_f19__history_in_order_with_gh_stores_keys(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    w.repo.comment(1, "alice", "not JSON, skipped")
    store.update("metrics", {"count": 1}, apply=True)
    history = store.issue_handler.get_object_history("metrics")
    assert [(entry["type"], entry["data"]) for entry in history] == [
        ("initial_state", {"count": 0}),
        ("update", {"count": 1}),
    ]
    assert all(set(entry) == {"timestamp", "type", "data", "comment_id", "metadata"} for entry in history)
    assert [entry["comment_id"] for entry in history] == sorted(entry["comment_id"] for entry in history)


def test_f20__version_is_the_revision_and_talk_does_not_count(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    w.repo.comment(1, "mallory", "nice data!")  # D54
    assert store.update("metrics", {"count": 1}, apply=True).meta.version == 2
    assert [one.meta.version for one in store.list_all()] == [2]  # D53
    number = w.legacy("old")
    assert store.get("old").meta.version == 2  # as gh-store counted, until the store adopts it
    assert store.process_updates(number).meta.version == 2


def test_f21__meta(w: World, store: GitHubStore) -> None:
    meta = store.create("metrics", {}).meta
    issue = w.repo.issue(1)
    assert (meta.object_id, meta.label, meta.issue_number, meta.version) == ("metrics", "UID:metrics", 1, 1)
    assert (meta.created_at, meta.updated_at) == (issue.created_at, issue.updated_at)


def test_f31__typed_errors(w: World, store: GitHubStore, tmp_path: Path) -> None:
    store.create("metrics", {})
    with pytest.raises(ObjectNotFound):
        store.get("nothing")
    with pytest.raises(InvalidUpdate):
        store.update("metrics", [1])
    with pytest.raises(ConcurrentUpdateError):
        store.update("metrics", {}, if_revision=9)
    with pytest.raises(ObjectExists):
        store.create("metrics", {})
    with pytest.raises(AccessDeniedError), store_of(w, "no-such-token") as other:
        other.get("metrics")
    with pytest.raises(ConfigurationError, match="does not exist"):
        store_of(w, config_path=tmp_path / "nothing.yml")
    for number in (2, 3):
        w.repo.open_issue(BOT, "Stored Object: gone", "{}", ["archived", "UID:gone"])
        assert w.repo.issue(number)
    with pytest.raises(DuplicateUIDError):
        store.restore("gone")
    kinds = (ObjectNotFound, InvalidUpdate, ConcurrentUpdateError, ObjectExists, AccessDeniedError, ConfigurationError)
    assert all(issubclass(kind, StoreError) for kind in (*kinds, DuplicateUIDError))


# -- the README of gh-store, word for word but for the import line and the names of token and repository ---------------


def test_readme__its_examples_run_unchanged(
    w: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    Path(tmp_path / "custom_config.yml").write_text("store:\n  retries: {max_attempts: 2}\n")
    monkeypatch.chdir(tmp_path)
    options = {"api_url": w.hub.api_url}

    store = GitHubStore(
        token=w.token(),
        repo=w.repo.full_name,
        **options,
    )

    # Create object
    store.create("metrics", {"count": 0, "last_updated": "2025-01-16T00:00:00Z"})

    # Update object
    store.update("metrics", {"count": 1})

    # Get current state
    obj = store.get("metrics")
    print(f"Current count: {obj.data['count']}")  # noqa: T201

    # Get object history
    history = store.issue_handler.get_object_history("metrics")

    # History includes initial state and all updates
    for entry in history:
        print(f"[{entry['timestamp']}] {entry['type']}")  # noqa: T201
        print(f"Data: {entry['data']}")  # noqa: T201
    store.close()

    store = GitHubStore(
        token=w.token(),
        repo=w.repo.full_name,
        config_path=Path("custom_config.yml"),
        **options,
    )
    assert store.get("metrics").meta.pending == 1
    store.close()
    printed = capsys.readouterr().out
    assert "Current count: 0" in printed
    assert "initial_state" in printed
    assert "Data: {'count': 1}" in printed
