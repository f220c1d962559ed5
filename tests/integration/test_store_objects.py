"""The library on one object: create, get, update, delete, restore, with their costs in requests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from gh_store_action import (
    AccessDeniedError,
    ConcurrentUpdateError,
    DuplicateUIDError,
    GitHubStore,
    InputError,
    InvalidUpdate,
    ObjectExists,
    ObjectNotFound,
    StoreError,
)
from gh_store_action.errors import BudgetExhausted
from tests.double import BOT
from tests.support.store import World, world


@pytest.fixture
def w() -> Iterator[World]:
    with world() as made:
        yield made


def store_of(w: World, token: str = "", **options: object) -> GitHubStore:
    """A fresh process's store."""
    return GitHubStore(
        token or w.token(),
        w.repo.full_name,
        api_url=w.hub.api_url,
        pause=w.pause,
        **options,  # type: ignore[arg-type]
    )


@pytest.fixture
def store(w: World) -> Iterator[GitHubStore]:
    with store_of(w) as made:
        yield made


def cost(w: World, work: object) -> int:
    """Requests that a fresh process needs for it."""
    token = w.token()
    before = w.requests()
    with store_of(w, token) as fresh:
        work(fresh)  # type: ignore[operator]
    return w.requests() - before


# -- create ----------------------------------------------------------------------------------------------------------


def test_create__four_requests_give_a_complete_object(w: World) -> None:
    assert cost(w, lambda s: s.create("metrics", {"count": 0}, ["team-a"])) == 4
    issue = w.repo.issue(1)
    (first,) = issue.comments
    assert (issue.state, issue.author, json.loads(issue.body)) == ("closed", BOT, {"count": 0})
    assert set(issue.labels) == {"stored-object", "UID:metrics", "team-a"}
    assert issue.title.startswith(f"Stored Object: metrics [r1 c{first.id} n1 ")
    assert sorted(content for _, content in first.reactions) == ["+1", "rocket"]
    said = json.loads(first.body)
    assert (said["type"], said["_data"], said["_meta"]["revision"]) == ("initial_state", {"count": 0}, 1)
    before = w.requests()
    result = w.process(1)
    assert (result.changed, result.processed, w.requests() - before) == (False, 0, 1)


def test_create__gives_the_object(store: GitHubStore) -> None:
    made = store.create("metrics", {"count": 0})
    assert made.data == {"count": 0}
    assert (made.meta.object_id, made.meta.label, made.meta.issue_number) == ("metrics", "UID:metrics", 1)
    assert (made.meta.version, made.meta.pending) == (1, 0)
    assert store.get("metrics") == made


@pytest.mark.parametrize("data", [5, "text", None, {"a": float("nan")}, {1: 2}, {"x": "y" * 60_001}, {"s": {1, 2}}])
def test_create__data_that_can_not_be_stored_costs_no_request(w: World, store: GitHubStore, data: object) -> None:
    with pytest.raises(InvalidUpdate):
        store.create("metrics", data)
    assert w.requests() == 0


@pytest.mark.parametrize("object_id", ["", "a b", "a,b", "é", "x" * 47, "a\nb", " a"])
def test_create__ids_that_no_label_can_carry_are_refused(w: World, store: GitHubStore, object_id: str) -> None:
    with pytest.raises(InputError) as caught:
        store.create(object_id, {})
    assert "object id" in str(caught.value)
    assert not w.repo.issues()  # D67, D68, D70


def test_create__a_longer_prefix_leaves_less_room(w: World, store: GitHubStore) -> None:
    w.repo.commit_files({".github/gh-store.yml": "store: {uid_prefix: 'a-long-prefix:'}"})
    with pytest.raises(InputError, match="36 fit"):
        store.create("x" * 40, {})
    assert store.create("x" * 36, {}).meta.label == "a-long-prefix:" + "x" * 36


def test_create__case_does_not_make_another_object(store: GitHubStore) -> None:
    store.create("Foo", {"a": 1})
    with pytest.raises(ObjectExists, match="issue #1"):
        store.create("foo", {"a": 2})  # D69
    assert store.get("foo").meta.object_id == "Foo"


def test_create__again_is_refused_even_with_the_same_data(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"a": 1})
    with pytest.raises(ObjectExists):
        store.create("metrics", {"a": 1})  # D14, D15
    assert len(w.repo.issues()) == 1


def test_create__over_a_deleted_object_is_refused_with_what_to_do(store: GitHubStore) -> None:
    store.create("metrics", {})
    store.delete("metrics")
    with pytest.raises(ObjectExists, match=r"Restore it, or take its label 'UID:metrics' off"):
        store.create("metrics", {})


def test_create__the_schema_is_asked_before_anything_is_written(w: World, store: GitHubStore) -> None:
    w.repo.commit_files(
        {
            ".github/gh-store.yml": "store: {schemas: [{match: 'm*', schema: m.json}]}",
            ".github/gh-store/m.json": '{"required": ["count", "name"], "properties": {"count": {"type": "integer"}}}',
        }
    )
    with pytest.raises(InvalidUpdate) as caught:
        store.create("metrics", {"count": "many"})
    assert len(caught.value.reasons) == 2
    assert "and 1 more" in str(caught.value)
    assert caught.value.detail.count("\n") == 1
    assert not w.repo.issues()
    assert store.create("other", {"count": "many"}).data == {"count": "many"}


def test_create__labels_of_the_configuration_and_of_the_call(w: World, store: GitHubStore) -> None:
    w.repo.commit_files({".github/gh-store.yml": "store: {extra_labels: [gh-store]}"})
    store.create("metrics", {}, ["Gh-Store", "mine"])
    assert set(w.repo.issue(1).labels) == {"stored-object", "UID:metrics", "gh-store", "mine"}


@pytest.mark.parametrize(
    "labels", [["archived"], ["uid:other"], [""], [" x"], ["y" * 51], [f"label-{n}" for n in range(30)]]
)
def test_create__labels_that_can_not_be(w: World, store: GitHubStore, labels: list[str]) -> None:
    with pytest.raises(InputError, match=r"label"):
        store.create("metrics", {}, labels)
    assert not w.repo.issues()


def test_create__dropped_labels_are_noticed_and_undone(w: World) -> None:
    with store_of(w, w.hub.token("mallory")) as store, pytest.raises(AccessDeniedError, match="is closed") as caught:
        store.create("metrics", {})  # D22
    assert "no labels" in str(caught.value)
    assert w.repo.issue(1).state == "closed"


def test_create__dropped_labels_that_can_not_be_undone(w: World) -> None:
    w.hub.faults.status(403, match=lambda r: r.method == "PATCH", times=None)
    with store_of(w, w.hub.token("mallory")) as store, pytest.raises(AccessDeniedError, match="could not be closed"):
        store.create("metrics", {})


def test_create__without_permission_says_what_to_add(w: World) -> None:
    with store_of(w, w.token(issues="read", contents="read")) as store, pytest.raises(AccessDeniedError) as caught:
        store.create("metrics", {})
    assert "issues: write" in str(caught.value)
    assert "permissions:" in caught.value.detail


def test_create__issues_disabled(w: World, store: GitHubStore) -> None:
    w.repo.set_issues_enabled(False)
    with pytest.raises(StoreError, match="Issues are disabled"):
        store.create("metrics", {})


def test_create__a_label_that_github_refuses(w: World, store: GitHubStore) -> None:
    w.hub.faults.status(422, message="Validation Failed", match=lambda r: r.method == "POST" and not r.graphql)
    with pytest.raises(InvalidUpdate, match="Validation Failed"):
        store.create("metrics", {})


def test_create__another_refusal_is_told_as_it_is(w: World, store: GitHubStore) -> None:
    w.hub.faults.status(418, message="teapot", match=lambda r: r.method == "POST" and not r.graphql)
    with pytest.raises(StoreError, match="teapot"):
        store.create("metrics", {})


# -- create: killed, or without an answer ----------------------------------------------------------------------------


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("k", [1, 2, 3, 4])
@pytest.mark.parametrize("again", ["create", "process"])
def test_create__killed_at_any_request_is_completed_once(w: World, k: int, phase: str, again: str) -> None:
    token = w.token()
    w.hub.faults.dead_from(token, k, phase)
    with store_of(w, token) as store, pytest.raises(StoreError):
        store.create("metrics", {"count": 0})  # D21
    w.hub.faults.clear()
    with store_of(w) as store:
        finished = k == 4 and phase == "after"
        if again == "create" and not finished:
            assert store.create("metrics", {"count": 0}).meta.version == 1
        elif again == "process" and w.repo.issues():
            store.process_updates(1)
        elif again == "process":
            store.create("metrics", {"count": 0})
        assert store.get("metrics").data == {"count": 0}
        assert store.get("metrics").meta.version == 1
        assert store.update("metrics", {"count": 1}, apply=True).meta.version == 2
        assert [entry["type"] for entry in store.get_object_history("metrics")] == ["initial_state", "update"]
        assert store.verify() == ()
    (issue,) = w.repo.issues()
    assert issue.state == "closed"
    states = [c for c in issue.comments if '"initial_state"' in c.body]
    assert len(states) == 1


def test_create__what_another_data_began_is_in_use(w: World, store: GitHubStore) -> None:
    w.repo.open_issue(BOT, "Stored Object: metrics", '{"count": 5}', ["stored-object", "UID:metrics"])
    with pytest.raises(ObjectExists):
        store.create("metrics", {"count": 0})
    w.repo.edit_issue(1, BOT, body="no json")
    with pytest.raises(ObjectExists):
        store.create("metrics", {"count": 0})


@pytest.mark.parametrize("form", ["0.5", "envelope by the bot", "with an old receipt"])
def test_create__what_gh_store_made_is_in_use(w: World, store: GitHubStore, form: str) -> None:
    if form == "0.5":
        w.legacy("metrics", {"count": 0})
    else:
        number = w.repo.open_issue(BOT, "Stored Object: metrics", '{"count": 0}', ["stored-object", "UID:metrics"])
        state = {"type": "initial_state", "_data": {"count": 0}, "_meta": {"client_version": "0.9.0"}}
        text = json.dumps(state) if form.startswith("envelope") else '{"count": 0}'
        w.repo.react(w.repo.comment(number, BOT, text), BOT, "+1")
    with pytest.raises(ObjectExists):
        store.create("metrics", {"count": 0})


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("phase", ["before", "after"])
def test_create__a_write_without_an_answer_is_never_doubled(w: World, store: GitHubStore, nth: int, phase: str) -> None:
    w.hub.faults.status(502, match=lambda r: r.writes, nth=nth, phase=phase)
    assert store.create("metrics", {"count": 0}).meta.issue_number == 1
    (issue,) = w.repo.issues()
    assert (issue.state, len(issue.comments)) == ("closed", 1)
    assert store.verify() == ()


@pytest.mark.parametrize("lag", [1, 3])
def test_create__an_issue_that_no_list_shows_yet(w: World, store: GitHubStore, lag: int) -> None:
    def hide(request: object) -> None:
        if getattr(request, "method", "") == "POST" and not getattr(request, "graphql", True):
            w.hub.after_request.remove(hide)
            w.repo.hide_issue_from_lists(1, lag)

    w.hub.after_request.append(hide)
    w.hub.faults.status(502, match=lambda r: r.method == "POST" and not r.graphql, phase="after")
    assert store.create("metrics", {"count": 0}).meta.issue_number == 1
    assert [issue.labels for issue in w.repo.issues()[1:]] == [()] * (lag > 2)
    assert store.verify() == ()


@pytest.mark.parametrize(
    ("nth", "said"), [(1, "may have taken effect"), (2, "may have taken effect"), (3, "did not let it be finished")]
)
def test_create__gives_up_when_no_write_is_ever_answered(w: World, store: GitHubStore, nth: int, said: str) -> None:
    w.hub.faults.status(502, match=lambda r: r.writes, nth=nth, times=None)
    with pytest.raises(StoreError, match=said):
        store.create("metrics", {})


def test_create__a_part_of_the_last_request_that_failed_is_sent_again(w: World, store: GitHubStore) -> None:
    w.hub.faults.partial(
        {"fold": {"type": "RESOURCE_LIMITS_EXCEEDED", "message": "too much"}}, match=lambda r: r.operation == "Finish"
    )
    store.create("metrics", {})
    assert " [r1 " in w.repo.issue(1).title


def test_create__a_last_request_that_is_forbidden(w: World, store: GitHubStore) -> None:
    w.hub.faults.partial({"fold": {"type": "FORBIDDEN", "message": "no"}}, match=lambda r: r.operation == "Finish")
    with pytest.raises(AccessDeniedError, match="issues: write"):
        store.create("metrics", {})


def test_create__a_locked_issue(w: World, store: GitHubStore) -> None:
    w.hub.faults.partial({"say": {"type": "FORBIDDEN", "message": "issue is locked"}}, match=lambda r: r.writes)
    with pytest.raises(AccessDeniedError, match="Unlock"):
        store.create("metrics", {})


def test_create__a_read_back_that_failed_is_read_again(w: World, store: GitHubStore) -> None:
    w.hub.faults.partial({"check": {"type": "INTERNAL", "message": "oops"}}, after=True, times=None)
    with pytest.raises(StoreError, match="did not let it be finished"):
        store.create("metrics", {})
    w.hub.faults.clear()
    assert (
        store.create("metrics", {}).meta.version == 1 if " [r1" not in w.repo.issue(1).title else store.get("metrics")
    )


def test_create__an_update_that_came_meanwhile_is_folded(w: World, store: GitHubStore) -> None:
    def interfere(request: object) -> None:
        if getattr(request, "operation", "") == "Say":
            w.hub.after_request.remove(interfere)
            w.repo.comment(1, "alice", '{"early": true}')

    w.hub.after_request.append(interfere)
    made = store.create("metrics", {"count": 0})
    assert (made.data, made.meta.version) == ({"count": 0, "early": True}, 2)
    assert w.repo.issue(1).state == "closed"
    assert store.verify() == ()


def test_create__talk_before_the_initial_state(w: World, store: GitHubStore) -> None:
    def interfere(request: object) -> None:
        if getattr(request, "method", "") == "POST" and not getattr(request, "graphql", True):
            w.hub.after_request.remove(interfere)
            w.repo.comment(1, "alice", "what is this?")

    w.hub.after_request.append(interfere)
    assert store.create("metrics", {"count": 0}).data == {"count": 0}
    assert store.update("metrics", {"count": 1}, apply=True).meta.version == 2
    assert store.verify() == ()


def rival(w: World, store: GitHubStore, *, by: str = BOT, labels: tuple[str, ...] = ()) -> None:
    """Has somebody make issue 1 for the same id between this creator's look and its issue."""

    def interfere(request: object) -> None:
        if getattr(request, "operation", "") == "Find":
            w.hub.after_request.remove(interfere)
            w.repo.open_issue(by, "Stored Object: metrics", '{"count": 9}', ["stored-object", "UID:metrics", *labels])

    w.hub.after_request.append(interfere)


def test_create__the_lower_number_wins(w: World, store: GitHubStore) -> None:
    rival(w, store)
    with pytest.raises(ObjectExists, match="issue #1") as caught:
        store.create("metrics", {"count": 0}, ["mine"])
    assert "#2 has been given up" in str(caught.value)
    loser = w.repo.issue(2)
    assert (loser.labels, loser.state, loser.state_reason) == ((), "closed", "not_planned")
    assert loser.title == "Duplicate of #1: metrics"
    store.process_updates(1)
    assert store.get("metrics").data == {"count": 9}
    assert store.verify() == ()


def test_create__a_strangers_issue_or_a_deleted_one_does_not_win(w: World, store: GitHubStore) -> None:
    rival(w, store, by="mallory")
    assert store.create("metrics", {"count": 0}).meta.issue_number == 2
    assert store.get("metrics").data == {"count": 0}


@pytest.mark.parametrize("fault", ["forbidden", "no answer"])
def test_create__a_loser_that_can_not_be_given_up_is_told(w: World, store: GitHubStore, fault: str) -> None:
    rival(w, store)
    if fault == "forbidden":
        w.hub.faults.partial({"off": {"type": "FORBIDDEN", "message": "no"}}, match=lambda r: r.operation == "GiveUp")
    else:
        w.hub.faults.status(502, match=lambda r: r.operation == "GiveUp", times=1)
    with pytest.raises(ObjectExists, match="issue #1") as caught:
        store.create("metrics", {"count": 0})
    assert ("could not be given up" in str(caught.value)) == (fault == "forbidden")


# -- get -------------------------------------------------------------------------------------------------------------


def test_get__one_request_in_any_state(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    assert cost(w, lambda s: s.get("metrics")) == 1
    w.update(1, {"count": 1})
    assert w.repo.issue(1).state == "open"
    found = store.get("metrics")  # D03, D14: readable while something is pending
    assert (found.data, found.meta.version, found.meta.pending) == ({"count": 0}, 1, 1)
    store.process_updates(1)
    assert (store.get("metrics").data, store.get("metrics").meta.version) == ({"count": 1}, 2)


def test_get__nothing_there(store: GitHubStore) -> None:
    with pytest.raises(ObjectNotFound, match="no object 'nothing'"):
        store.get("nothing")


def test_get__a_label_without_its_sister(w: World, store: GitHubStore) -> None:
    store.create("metrics", {})
    w.repo.edit_issue(1, "alice", labels=["UID:metrics"])
    with pytest.raises(ObjectNotFound, match="'stored-object' is missing"):
        store.get("metrics")


def test_get__the_lowest_number_wins_and_strangers_never(w: World, store: GitHubStore) -> None:
    labels = ["stored-object", "UID:metrics"]
    w.repo.open_issue("mallory", "Stored Object: metrics", '{"mine": true}', labels)
    store.create("metrics", {"count": 0})
    w.repo.open_issue("alice", "Stored Object: metrics", '{"count": 7}', labels)
    assert store.get("metrics").data == {"count": 0}  # D15, D39


def test_get__two_ids_on_one_issue_go_by_the_title(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    w.repo.edit_issue(1, "alice", labels=["stored-object", "UID:metrics", "UID:other"])
    assert store.get("metrics").data == {"count": 0}  # D33
    with pytest.raises(ObjectNotFound):
        store.get("other")


def test_get__a_broken_body_says_what_to_do(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    for body in ("oops {", "[1", "7", ""):
        w.repo.edit_issue(1, "alice", body=body)
        with pytest.raises(StoreError, match=r"Process the issue"):
            store.get("metrics")  # D30
    store.process_updates(1)
    assert store.get("metrics").data == {"count": 0}


def test_get__a_broken_body_without_a_log_says_to_put_the_json_into_it(w: World, store: GitHubStore) -> None:
    number = w.repo.open_issue("alice", "Stored Object: metrics", "oops", ["stored-object", "UID:metrics"])
    w.repo.comment(number, "alice", '{"count": 1}')
    with pytest.raises(StoreError, match=r"Put the object's JSON, and nothing else, into the body, then process"):
        store.get("metrics")
    w.repo.edit_issue(number, "alice", body='{"count": 0}')
    store.process_updates(number)
    assert store.get("metrics").data == {"count": 1}


def test_get__another_prefix_and_label(w: World, store: GitHubStore) -> None:
    w.repo.commit_files({".github/gh-store.yml": "store: {base_label: row, uid_prefix: 'K='}"})
    store.create("a", {"n": 1})
    assert set(w.repo.issue(1).labels) == {"row", "K=a"}  # F27
    assert cost(w, lambda s: s.get("a")) == 2
    assert [one.meta.object_id for one in store.list_all()] == ["a"]
    with store_of(w) as fresh:
        assert [one.meta.label for one in fresh.list_all()] == ["K=a"]


# -- update ----------------------------------------------------------------------------------------------------------


def test_update__two_requests_post_and_reopen(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    assert cost(w, lambda s: s.update("metrics", {"count": 1})) == 2
    issue = w.repo.issue(1)
    assert issue.state == "open"
    said = json.loads(issue.comments[-1].body)
    assert said["_data"] == {"count": 1}
    assert said["_meta"]["update_mode"] == "append"
    assert said["_meta"]["timestamp"].endswith("Z")
    assert len(said["_meta"]["update_id"]) == 32
    assert w.process(1).applied == 1


def test_update__gives_the_old_state_and_what_is_pending(store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    for pending in (1, 2, 3):  # D32
        found = store.update("metrics", {"count": pending})
        assert (found.data, found.meta.pending) == ({"count": 0}, pending)


def test_update__applied_at_once_in_three_requests(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    seen = []
    assert cost(w, lambda s: seen.append(s.update("metrics", {"count": 1}, apply=True))) == 3
    (found,) = seen
    assert (found.data, found.meta.version, found.meta.pending) == ({"count": 1}, 2, 0)
    assert w.repo.issue(1).state == "closed"
    assert not [event for event in w.hub.events if event.action == "reopened"]


@pytest.mark.parametrize(
    ("mode", "changes", "after"),
    [
        ("append", {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ("replace", [1, 2], [1, 2]),
        ("merge-patch", {"a": None, "z": 1}, {"z": 1}),
        ("json-patch", [{"op": "test", "path": "/a/b", "value": 1}, {"op": "remove", "path": "/a"}], {}),
        ("operators", {"$inc": {"a.b": 4}}, {"a": {"b": 5}}),
    ],
)
def test_update__every_mode(store: GitHubStore, mode: str, changes: object, after: object) -> None:
    store.create("metrics", {"a": {"b": 1}})
    assert store.update("metrics", changes, mode, apply=True).data == after


def test_update__the_same_key_counts_once(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    change = {"$inc": {"count": 1}}
    for _ in range(3):
        store.update("metrics", change, "operators", update_id="once")
    for _ in range(3):
        found = store.update("metrics", change, "operators", update_id="once", apply=True)
        assert found.data == {"count": 1}
    assert len(w.repo.issue(1).comments) == 2


def test_update__a_key_whose_update_was_refused_is_refused_again(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    bad = [{"op": "remove", "path": "/nothing"}]
    store.update("metrics", {"count": 1})  # so that the next one is not refused at the door
    store.update("metrics", bad, "json-patch", update_id="bad")
    with pytest.raises(InvalidUpdate, match="was refused"):
        store.update("metrics", bad, "json-patch", update_id="bad", apply=True)
    with pytest.raises(InvalidUpdate, match="reply on its issue"):
        store.update("metrics", bad, "json-patch", update_id="bad", apply=True)


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ({"a": float("inf")}, {}),
        ({"a": 1}, {"mode": "nonsense"}),
        ({"a": 1}, {"update_id": "x" * 201}),
        ({"a": 1}, {"if_revision": 0}),
        ({"a": 1}, {"if_digest": "no hex"}),
        ({"a": "x" * 65_000}, {}),
    ],
)
def test_update__what_can_be_no_update_costs_no_request(
    w: World, store: GitHubStore, changes: object, options: dict[str, object]
) -> None:
    with pytest.raises(InvalidUpdate):
        store.update("metrics", changes, **options)  # type: ignore[arg-type]
    assert w.requests() == 0


@pytest.mark.parametrize(
    ("changes", "mode", "where"),
    [
        ([1], "append", "$"),
        ({"a": 1}, "json-patch", "$"),
        ({"name": 5}, "append", "$.name"),
        ([{"op": "test", "path": "/count", "value": 9}], "json-patch", "$[0]"),
    ],
)
def test_update__what_would_be_refused_is_not_posted(
    w: World, store: GitHubStore, changes: object, mode: str, where: str
) -> None:
    w.repo.commit_files(
        {
            ".github/gh-store.yml": "store: {schemas: [{match: '*', schema: m.json}]}",
            ".github/gh-store/m.json": '{"properties": {"name": {"type": "string"}}}',
        }
    )
    store.create("metrics", {"count": 0})
    with pytest.raises(InvalidUpdate) as caught:
        store.update("metrics", changes, mode)
    assert caught.value.reasons[0][0] == where
    assert len(w.repo.issue(1).comments) == 1


def test_update__conditions(store: GitHubStore) -> None:
    made = store.create("metrics", {"count": 0})
    with pytest.raises(ConcurrentUpdateError, match="revision 1, not 4"):
        store.update("metrics", {"count": 1}, if_revision=4)
    with pytest.raises(ConcurrentUpdateError, match="the digest"):
        store.update("metrics", {"count": 1}, if_digest="0" * 64)
    store.update("metrics", {"count": 1}, if_revision=1, if_digest=made.meta.digest, apply=True)
    assert store.get("metrics").data == {"count": 1}


def test_update__a_condition_that_another_update_broke(store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    store.update("metrics", {"count": 1})
    with pytest.raises(InvalidUpdate, match="wants revision 1") as caught:
        store.update("metrics", {"count": 2}, if_revision=1, apply=True)
    assert caught.value.reasons
    assert store.get("metrics").data == {"count": 1}


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("apply", [True, False])
def test_update__without_an_answer_counts_once(w: World, store: GitHubStore, phase: str, apply: bool) -> None:
    store.create("metrics", {"count": 0})
    w.hub.faults.status(502, match=lambda r: r.writes, phase=phase)
    store.update("metrics", {"$inc": {"count": 1}}, "operators", apply=apply)
    if not apply:
        assert w.repo.issue(1).state == "open"
        w.process(1)
    assert store.get("metrics").data == {"count": 1}
    assert len(w.repo.issue(1).comments) == 2


def test_update__posted_but_not_opened_is_opened(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    w.hub.faults.status(502, match=lambda r: r.operation == "Post", phase="after")

    def close_again(request: object) -> None:
        if getattr(request, "operation", "") == "Post":
            w.hub.after_request.remove(close_again)
            w.repo.edit_issue(1, "alice", state="closed")

    w.hub.after_request.append(close_again)
    store.update("metrics", {"count": 1})
    assert w.repo.issue(1).state == "open"


def test_update__never_answered(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    w.hub.faults.status(502, match=lambda r: r.writes, times=None)
    with pytest.raises(StoreError, match="may have taken effect"):
        store.update("metrics", {"count": 1})


INCREMENT = {"$inc": {"count": 1}}


def key_in(said: str) -> str:
    """The update_id that a failure names."""
    found = re.search(r"--update-id (\w+)`", said)
    assert found, said
    return found[1]


@pytest.mark.parametrize("apply", [True, False])
@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("k", [2, 3, 4])
def test_update__a_failure_behind_the_post_names_the_key_with_which_a_repetition_counts_once(
    w: World, store: GitHubStore, k: int, phase: str, apply: bool
) -> None:
    store.create("metrics", {"count": 0})
    token = w.token()
    w.hub.faults.dead_from(token, k, phase)
    said, key = "", None
    with store_of(w, token) as dying:
        try:
            dying.update("metrics", INCREMENT, "operators", apply=apply)
        except StoreError as error:
            said = str(error)
    w.hub.faults.clear()
    assert bool(said) == (k <= (3 if apply else 2)), said
    if said:
        key = key_in(said)
        assert "is posted (comment" in said or "may be posted already. GitHub" in said
        assert not re.search(r"[Rr]un (it )?again|Nothing was lost|stays pending", said)
    with store_of(w) as again:
        if key:
            again.update("metrics", INCREMENT, "operators", update_id=key, apply=True)
        else:
            again.process_updates(1)
        assert again.get("metrics").data == {"count": 1}
        assert again.verify() == ()


def test_update__an_interrupt_tells_that_it_may_be_posted(w: World) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with GitHubStore(w.token(), w.repo.full_name, api_url=w.hub.api_url, pause=interrupt) as store:
        store.create("metrics", {"count": 0})
        w.hub.faults.status(502, match=lambda r: r.operation == "Post", phase="after")
        with pytest.raises(KeyboardInterrupt, match="may be posted already") as caught:
            store.update("metrics", INCREMENT, "operators")
        store.update("metrics", INCREMENT, "operators", update_id=key_in(str(caught.value)), apply=True)
        assert store.get("metrics").data == {"count": 1}


def test_update__a_failure_before_the_post_says_nothing_of_one(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    w.hub.faults.status(418, message="teapot", match=lambda r: r.writes)
    with pytest.raises(StoreError, match="teapot") as caught:
        store.update("metrics", {"count": 1})
    assert "posted" not in str(caught.value)


def test_update__an_answer_that_does_not_tell_leaves_it_in_doubt(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    w.hub.faults.partial(
        {"say": {"type": "INTERNAL", "message": "oops"}}, after=True, match=lambda r: r.operation == "Post"
    )
    with pytest.raises(StoreError, match="may be posted already") as caught:
        store.update("metrics", INCREMENT, "operators")
    store.update("metrics", INCREMENT, "operators", update_id=key_in(str(caught.value)), apply=True)
    assert store.get("metrics").data == {"count": 1}


def test_update__refused_after_one_that_got_no_answer_stays_in_doubt(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    w.hub.faults.status(502, match=lambda r: r.writes)
    w.hub.faults.status(403, message="no", match=lambda r: r.writes, nth=2)
    with pytest.raises(StoreError, match="may be posted already"):
        store.update("metrics", {"count": 1})


def test_update__a_budget_that_ends_behind_the_post_says_from_when_on_there_is_one(
    w: World, store: GitHubStore
) -> None:
    store.create("metrics", {"count": 0})
    w.hub.faults.secondary_limit(retry_after=900, match=lambda r: r.operation == "Write", times=None)
    with pytest.raises(BudgetExhausted, match=r"is posted .* GitHub takes more from \d\d:\d\d:\d\d UTC on\."):
        store.update("metrics", {"count": 1}, apply=True)


@pytest.mark.parametrize(
    ("kind", "message", "said"),
    [
        ("FORBIDDEN", "Resource not accessible by integration", "issues: write"),
        ("UNPROCESSABLE", "Commenting is disabled on issues with more than 2500 comments", "roll-over"),
        ("NOT_FOUND", "Could not resolve to a node", "has gone"),
        ("INTERNAL", "oops", "oops"),
    ],
)
def test_update__a_comment_that_github_does_not_take(
    w: World, store: GitHubStore, kind: str, message: str, said: str
) -> None:
    store.create("metrics", {"count": 0})
    w.hub.faults.partial({"say": {"type": kind, "message": message}}, match=lambda r: r.operation == "Post")
    with pytest.raises(StoreError, match=said):
        store.update("metrics", {"count": 1})


def test_update__a_lagging_read_back_is_waited_for(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    w.hub.faults.partial(
        {"check": {"type": "INTERNAL", "message": "oops"}}, match=lambda r: r.operation == "PostToFold"
    )
    assert store.update("metrics", {"count": 1}, apply=True).data == {"count": 1}


def test_update__a_broken_body_is_rebuilt_where_the_update_is_applied(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    w.repo.edit_issue(1, "alice", body="oops")
    with pytest.raises(StoreError, match="cannot be read"):
        store.update("metrics", {"count": 1})
    assert len(w.repo.issue(1).comments) == 1
    assert store.update("metrics", {"count": 1}, apply=True).data == {"count": 1}


def test_update__nobody_else_is_asked_for_the_own_update(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    w.update(1, {"hacked": 1}, by="mallory", reopen=False)
    found = store.update("metrics", {"count": 1}, apply=True)
    assert (found.data, found.meta.version) == ({"count": 1}, 2)


def test_upsert__creates_then_replaces_then_leaves_alone(w: World, store: GitHubStore) -> None:
    assert store.upsert("metrics", {"a": 1}).meta.version == 1
    assert store.upsert("metrics", {"b": 2}).data == {"b": 2}
    assert store.upsert("metrics", {"b": 2}).meta.version == 2
    assert len(w.repo.issue(1).comments) == 2
    store.delete("metrics")
    with pytest.raises(ObjectNotFound, match="is deleted"):
        store.upsert("metrics", {"c": 3})


# -- delete and restore ----------------------------------------------------------------------------------------------


def test_delete__two_requests_and_twice_is_once(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0}, ["mine"])
    assert cost(w, lambda s: s.delete("metrics")) == 2  # D05
    issue = w.repo.issue(1)
    assert (issue.state, set(issue.labels)) == ("closed", {"archived", "UID:metrics", "mine"})
    assert store.delete("metrics").issue_number == 1
    with pytest.raises(ObjectNotFound, match="Restore it"):
        store.get("metrics")
    assert list(store.list_all()) == []
    assert len(store.get_object_history("metrics")) == 1


def test_delete__of_an_id_that_two_issues_have_is_refused_and_reading_tells_of_it(w: World) -> None:
    said: list[str] = []
    with store_of(w, log=said.append) as store:
        store.create("metrics", {"count": 0})
        w.repo.open_issue("alice", "Stored Object: metrics", '{"count": 7}', ["stored-object", "UID:metrics"])
        before = w.requests()
        assert store.get("metrics").data == {"count": 0}
        assert w.requests() - before == 1
        assert said == [
            "More than one object has the id 'metrics': issues #1, #2; the lowest number counts. "
            "Take the label 'UID:metrics' off all but one of them."
        ]
        assert store.update("metrics", {"count": 1}, apply=True).data == {"count": 1}
        assert said[1:] == said[:1]
        with pytest.raises(DuplicateUIDError, match=r"#1, #2; .* Take the label 'UID:metrics' off"):
            store.delete("metrics")
        w.repo.edit_issue(2, "alice", labels=[])
        store.delete("metrics")
        with pytest.raises(ObjectNotFound, match="is deleted"):
            store.get("metrics")


def test_delete__what_never_was(store: GitHubStore) -> None:
    with pytest.raises(ObjectNotFound):
        store.delete("metrics")


def test_delete__conditions(w: World, store: GitHubStore) -> None:
    made = store.create("metrics", {"count": 0})
    for options in ({"if_revision": 2}, {"if_digest": "0" * 8}):
        with pytest.raises(ConcurrentUpdateError):
            store.delete("metrics", **options)  # type: ignore[arg-type]
    w.update(1, {"count": 1})
    with pytest.raises(ConcurrentUpdateError, match="pending"):
        store.delete("metrics", if_revision=1)
    store.process_updates(1)
    assert store.delete("metrics", if_revision=2).version == 2
    assert made.meta.digest != store.restore("metrics").digest


def test_delete__a_broken_object_too(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    w.repo.edit_issue(1, "alice", body="oops")
    assert store.delete("metrics").object_id == "metrics"


def test_restore__brings_it_back_with_what_is_pending(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    store.delete("metrics")
    w.update(1, {"count": 1}, reopen=False)
    with pytest.raises(ObjectNotFound, match="is deleted"):
        store.process_updates(1)  # D34
    assert store.restore("metrics").version == 1
    assert w.repo.issue(1).state == "open"
    assert set(w.repo.issue(1).labels) == {"stored-object", "UID:metrics"}
    assert store.process_updates(1).data == {"count": 1}
    assert store.restore("metrics").version == 2


def test_restore__is_refused_while_another_has_the_id(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    store.delete("metrics")
    w.repo.open_issue(BOT, "Stored Object: metrics", "{}", ["stored-object", "UID:metrics"])
    with pytest.raises(ObjectExists, match="issue #2"):
        store.restore("metrics")


def test_restore__nothing_or_too_much_to_restore(w: World, store: GitHubStore) -> None:
    with pytest.raises(ObjectNotFound):
        store.restore("metrics")
    for _ in range(2):
        w.repo.open_issue(BOT, "Stored Object: metrics", "{}", ["archived", "UID:metrics"])
    with pytest.raises(DuplicateUIDError, match="#1, #2"):
        store.restore("metrics")


@pytest.mark.parametrize("phase", ["before", "after"])
def test_delete__without_an_answer_is_sent_again(w: World, store: GitHubStore, phase: str) -> None:
    store.create("metrics", {"count": 0})
    w.hub.faults.status(502, match=lambda r: r.method == "PATCH", phase=phase)
    store.delete("metrics")
    assert "archived" in w.repo.issue(1).labels


def test_delete__labels_that_github_drops_are_told(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    w.repo.grant("carol", "read")
    w.repo.open_issue("carol", "x")
    with store_of(w, w.hub.token("carol")) as other, pytest.raises(AccessDeniedError):
        other.delete("metrics")


# -- a dry run -------------------------------------------------------------------------------------------------------


def test_dry_run__writes_nothing_anywhere(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    w.update(1, {"count": 5}, reopen=False)
    token = w.token()
    before = w.repo.issues()
    with store_of(w, token, dry_run=True) as dry:
        made = dry.create("other", {"a": 1})
        assert (made.meta.issue_number, made.meta.version, made.data) == (0, 1, {"a": 1})
        assert dry.update("metrics", {"count": 1}, apply=True).data == {"count": 0}
        assert dry.process_updates(1).data == {"count": 5}
        assert dry.delete("metrics").object_id == "metrics"
        assert dry.roll_over("metrics").meta.issue_number == 1
        assert dry.migrate(dry_run=False) == ()
        assert [problem.repaired for problem in dry.verify(repair=True)] == [False]
        assert len(dry.sweep()) == 1
    assert w.repo.issues() == before
    assert not [r for r in w.hub.requests if r.writes and r.token_value == token]


def test_dry_run__shows_what_an_update_would_make(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    with store_of(w, dry_run=True) as dry:
        found = dry.update("metrics", {"count": 1}, apply=True)
        assert (found.data, found.meta.version) == ({"count": 1}, 2)
        assert dry.update("metrics", {"count": 1}).data == {"count": 0}
        store.delete("metrics")
        assert dry.restore("metrics").version == 1
    assert "archived" in w.repo.issue(1).labels


# -- the library itself ----------------------------------------------------------------------------------------------


def test_library__the_token_is_in_no_repr(w: World) -> None:
    token = w.token()
    store = store_of(w, token)
    assert token not in repr(store) + repr(vars(store)) + repr(store.session.github)
    assert repr(store) == "GitHubStore(repo='octo/store')"
    assert store.requests == 0
    store.close()


def test_library__on_a_session_that_is_there(w: World) -> None:
    session = w.session()
    with GitHubStore.over(session) as store:
        store.create("metrics", {})
        assert store.requests == session.github.requests == 4


@pytest.mark.parametrize("value", ["1", 1.0, True])
def test_store__a_number_that_is_none_is_named_before_anything_is_asked(w: World, value: object) -> None:
    with store_of(w) as store:
        for name, work in (
            ("revision", lambda: store.get("metrics", revision=value)),  # type: ignore[arg-type]
            ("revision", lambda: store.revert("metrics", value)),  # type: ignore[arg-type]
            ("if_revision", lambda: store.delete("metrics", if_revision=value)),  # type: ignore[arg-type]
            ("issue_number", lambda: store.process_updates(value)),  # type: ignore[arg-type]
            ("issue_number", lambda: store.process(value)),  # type: ignore[arg-type]
            ("before", lambda: store.diff("metrics", value, 2)),  # type: ignore[arg-type]
            ("after", lambda: store.diff("metrics", 1, value)),  # type: ignore[arg-type]
        ):
            with pytest.raises(TypeError, match=f"{name} must be a whole number, such as 1, not "):
                work()
        assert store.requests == 0


def test_store__without_addresses_takes_the_environments(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_API_URL", w.hub.api_url)
    monkeypatch.setenv("GITHUB_GRAPHQL_URL", w.hub.graphql_url)
    asked = w.hub.count()

    with GitHubStore(w.token(), "octo/store", pause=w.pause) as store:
        assert list(store.list_all()) == []

    assert w.hub.count() > asked


@pytest.mark.parametrize(
    "options", [{"repo": "no-slash"}, {"api_url": "http://example.org"}, {"graphql_url": "ftp://example.org"}]
)
def test_library__arguments_that_can_not_be_used(w: World, options: dict[str, str]) -> None:
    arguments = {"repo": "octo/store", "api_url": w.hub.api_url, **options}
    with pytest.raises(InputError):
        GitHubStore("token", **arguments)  # type: ignore[arg-type]


def test_library__another_graphql_address(w: World) -> None:
    with store_of(w, graphql_url=w.hub.graphql_url) as store:
        assert list(store.list_all()) == []


def test_library__a_person_and_the_workflow_on_one_object(w: World, store: GitHubStore) -> None:
    with store_of(w, w.hub.token("alice")) as person:
        person.create("metrics", {"count": 0})
        assert store.get("metrics").meta.version == 1
        assert [one.meta.version for one in store.list_all()] == [1]
        person.update("metrics", {"count": 1}, apply=True)
        assert store.get("metrics").meta.version == 2
        assert store.get("metrics", revision=1).data == {"count": 0}
        assert [e["metadata"]["verdict"] for e in store.get_object_history("metrics")] == ["applied", "applied"]
        assert store.verify() == person.verify() == ()
        assert store.update("metrics", {"count": 2}, apply=True).data == {"count": 2}
        assert person.update("metrics", {"count": 3}, apply=True).data == {"count": 3}
        assert store.get("metrics", revision=1).data == {"count": 0}


def test_create__while_an_issue_bears_the_label_without_its_sister(w: World, store: GitHubStore) -> None:
    w.repo.open_issue("alice", "was an object once", "{}", ["UID:metrics"])
    with pytest.raises(ObjectExists, match="no live object"):
        store.create("metrics", {})


def test_update__that_can_not_be_opened_is_posted_all_the_same(w: World) -> None:
    said: list[str] = []
    with store_of(w, log=said.append) as store:
        store.create("metrics", {"count": 0})
        w.hub.faults.partial({"open": {"type": "FORBIDDEN", "message": "no"}}, match=lambda r: r.operation == "Post")
        store.update("metrics", {"count": 1})  # D45
        assert "the next sweep folds it" in said[-1]
        (result,) = store.sweep()
        assert result.applied == 1


def test_update__of_somebody_who_may_not_write_says_that_no_sweep_will_fold_it(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    with store_of(w, w.hub.token("mallory")) as strange:
        with pytest.raises(AccessDeniedError, match=r"is posted \(comment .* mallory may not write"):
            strange.update("metrics", {"count": 1})
        with pytest.raises(AccessDeniedError, match=r"is posted \(comment .* Do not post it again") as caught:
            strange.update("metrics", {"count": 2}, update_id="mine", apply=True)
        assert "--update-id mine" in str(caught.value)
        with pytest.raises(AccessDeniedError):
            strange.update("metrics", {"count": 2}, update_id="mine", apply=True)
    assert len(w.repo.issue(1).comments) == 3
    (result,) = store.sweep()
    assert (result.unauthorized, store.get("metrics").data) == (2, {"count": 0})


def test_update__of_somebody_whom_the_rules_let_write_is_left_to_the_sweep(w: World, store: GitHubStore) -> None:
    w.repo.commit_files({".github/gh-store.yml": "store: {access: {permission: anyone}}"})
    store.create("metrics", {"count": 0})
    said: list[str] = []
    with store_of(w, w.hub.token("mallory"), log=said.append) as strange:
        strange.update("metrics", {"count": 1})
    assert "the next sweep folds it" in said[-1]
    assert store.sweep()[0].applied == 1


def test_delete__an_issue_that_has_gone(w: World, store: GitHubStore) -> None:
    store.create("metrics", {})
    w.hub.faults.status(410, message="This issue was deleted", match=lambda r: r.method == "PATCH")
    with pytest.raises(AccessDeniedError, match="was deleted"):
        store.delete("metrics")


def test_delete__labels_dropped_without_a_word(w: World, store: GitHubStore) -> None:
    store.create("metrics", {})
    token = w.hub.token("alice")

    def demote(request: object) -> None:
        w.repo.grant("alice", "none")

    w.hub.after_request.append(demote)
    w.repo.edit_issue(1, BOT, state="closed")
    with store_of(w, token) as other, pytest.raises(AccessDeniedError, match="issues: write"):
        other.delete("metrics")
    assert "stored-object" in w.repo.issue(1).labels


def test_create__completed_behind_talk(w: World, store: GitHubStore) -> None:
    w.hub.faults.partial({"fold": {"type": "FORBIDDEN", "message": "no"}}, match=lambda r: r.operation == "Finish")

    def interfere(request: object) -> None:
        if getattr(request, "method", "") == "POST" and not getattr(request, "graphql", True):
            w.hub.after_request.remove(interfere)
            w.repo.comment(1, "alice", "what is this?")

    w.hub.after_request.append(interfere)
    with pytest.raises(AccessDeniedError):
        store.create("metrics", {"count": 0})
    w.hub.faults.clear()
    assert store.create("metrics", {"count": 0}).meta.version == 1
    assert len(w.repo.issue(1).comments) == 2


def test_create__a_loser_that_is_never_answered_is_told(w: World, store: GitHubStore) -> None:
    rival(w, store)
    w.hub.faults.status(502, match=lambda r: r.operation == "GiveUp", times=None)
    with pytest.raises(ObjectExists, match="could not be given up"):
        store.create("metrics", {"count": 0})


def test_create__issues_disabled_between_look_and_write(w: World, store: GitHubStore) -> None:
    w.hub.faults.status(
        410, message="Issues are disabled for this repo", match=lambda r: r.method == "POST" and not r.graphql
    )
    with pytest.raises(StoreError, match="Enable them"):
        store.create("metrics", {})
