"""The library makes objects: what it costs, races, kills and lost answers."""

from __future__ import annotations

import json

import pytest

from gh_store_action import (
    AccessDeniedError,
    GitHubStore,
    InputError,
    InvalidUpdate,
    ObjectExists,
    StoreError,
)
from tests.double import BOT
from tests.support.library import cost, store_of
from tests.support.store import World

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
    assert (said["type"], said["data"], said["_meta"]["revision"]) == ("initial_state", {"count": 0}, 1)
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


@pytest.mark.parametrize("object_id", ["", "x" * 151, "a\nb", " a", "e\u0301"])
def test_create__what_is_no_id_is_refused(w: World, store: GitHubStore, object_id: str) -> None:
    with pytest.raises(InputError) as caught:
        store.create(object_id, {})
    assert "object id" in str(caught.value)
    assert not w.repo.issues()  # D67, D68, D70


def test_create__a_longer_prefix_leaves_less_room(w: World, store: GitHubStore) -> None:
    w.repo.commit_files({".github/gh-store.yml": "store: {uid_prefix: 'a-long-prefix:'}"})
    assert store.create("x" * 37, {}).meta.label == "a-long-prefix:=6ee29e87d96ee4fcb3baef255923aece"
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
    with pytest.raises(ObjectExists, match=r"Restore it, or remove its label 'UID:metrics'"):
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
    with store_of(w, w.hub.token("mallory")) as store, pytest.raises(AccessDeniedError, match="was closed") as caught:
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
    ("nth", "said"), [(1, "may have taken effect"), (2, "may have taken effect"), (3, "did not let us finish it")]
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
    with pytest.raises(StoreError, match="did not let us finish it"):
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
    assert "#2 was given up" in str(caught.value)
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


def test_create__an_older_issue_that_is_deleted_for_good_before_it_is_read_does_not_win(
    w: World, store: GitHubStore
) -> None:
    def delete(request: object) -> None:
        if getattr(request, "operation", "") == "Finish":
            w.hub.after_request.remove(delete)
            w.repo.delete_issue(1, "octo")

    rival(w, store)
    w.hub.after_request.append(delete)
    assert store.create("metrics", {"count": 0}).meta.issue_number == 2
    assert store.get("metrics").meta.issue_number == 2


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


def test_create__a_loser_that_is_never_answered_is_told(w: World, store: GitHubStore) -> None:
    rival(w, store)
    w.hub.faults.status(502, match=lambda r: r.operation == "GiveUp", times=None)
    with pytest.raises(ObjectExists, match="could not be given up"):
        store.create("metrics", {"count": 0})
