"""The library changes objects: modes, conditions, repeats, and failures behind a post."""

from __future__ import annotations

import json
import re

import pytest

from gh_store_action import (
    ConcurrentUpdateError,
    GitHubStore,
    InvalidUpdate,
    ObjectNotFound,
    StoreError,
)
from gh_store_action.errors import BudgetExhausted
from tests.support.library import cost, store_of
from tests.support.store import World

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
        assert "is posted (comment" in said or "may have been posted. GitHub" in said
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
        with pytest.raises(KeyboardInterrupt, match="may have been posted") as caught:
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
    with pytest.raises(StoreError, match="may have been posted") as caught:
        store.update("metrics", INCREMENT, "operators")
    store.update("metrics", INCREMENT, "operators", update_id=key_in(str(caught.value)), apply=True)
    assert store.get("metrics").data == {"count": 1}


def test_update__refused_after_one_that_got_no_answer_stays_in_doubt(w: World, store: GitHubStore) -> None:
    store.create("metrics", {"count": 0})
    w.hub.faults.status(502, match=lambda r: r.writes)
    w.hub.faults.status(403, message="no", match=lambda r: r.writes, nth=2)
    with pytest.raises(StoreError, match="may have been posted"):
        store.update("metrics", {"count": 1})


def test_update__a_budget_that_ends_behind_the_post_says_from_when_on_there_is_one(
    w: World, store: GitHubStore
) -> None:
    store.create("metrics", {"count": 0})
    w.hub.faults.secondary_limit(retry_after=900, match=lambda r: r.operation == "Write", times=None)
    with pytest.raises(BudgetExhausted, match=r"is posted .* The limit resets at \d\d:\d\d:\d\d UTC\."):
        store.update("metrics", {"count": 1}, apply=True)


@pytest.mark.parametrize(
    ("kind", "message", "said"),
    [
        ("FORBIDDEN", "Resource not accessible by integration", "issues: write"),
        ("UNPROCESSABLE", "Commenting is disabled on issues with more than 2500 comments", "roll-over"),
        ("NOT_FOUND", "Could not resolve to a node", "no longer exists"),
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
