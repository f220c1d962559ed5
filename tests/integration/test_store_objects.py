"""The library reads, deletes and restores objects; what a dry run does, and how the library is used."""

from __future__ import annotations

import pytest

from gh_store_action import (
    AccessDeniedError,
    ConcurrentUpdateError,
    DuplicateUIDError,
    GitHubStore,
    InputError,
    ObjectExists,
    ObjectNotFound,
    StoreError,
)
from tests.double import BOT
from tests.support.library import cost, store_of
from tests.support.store import World

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
    with pytest.raises(StoreError, match=r"Put the object's JSON, and nothing else, into the body. Then process"):
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
            "Remove the label 'UID:metrics' from all but one of them."
        ]
        assert store.update("metrics", {"count": 1}, apply=True).data == {"count": 1}
        assert said[1:] == said[:1]
        with pytest.raises(DuplicateUIDError, match=r"#1, #2; .* Remove the label 'UID:metrics' from"):
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
    with pytest.raises(ObjectExists, match="not a live object"):
        store.create("metrics", {})


def test_update__that_can_not_be_opened_is_posted_all_the_same(w: World) -> None:
    said: list[str] = []
    with store_of(w, log=said.append) as store:
        store.create("metrics", {"count": 0})
        w.hub.faults.partial({"open": {"type": "FORBIDDEN", "message": "no"}}, match=lambda r: r.operation == "Post")
        store.update("metrics", {"count": 1})  # D45
        assert "The next sweep will apply it" in said[-1]
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
    assert "The next sweep will apply it" in said[-1]
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


def test_create__issues_disabled_between_look_and_write(w: World, store: GitHubStore) -> None:
    w.hub.faults.status(
        410, message="Issues are disabled for this repo", match=lambda r: r.method == "POST" and not r.graphql
    )
    with pytest.raises(StoreError, match="Enable them"):
        store.create("metrics", {})
