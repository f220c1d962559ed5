"""An object that has moved, or is moving, to another issue: who comes late finds it, or is told where it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gh_store_action import GitHubStore
from gh_store_action.errors import (
    AccessDeniedError,
    ConcurrentUpdateError,
    LockedIssue,
    ObjectExists,
    ObjectNotFound,
)
from tests.double import BOT
from tests.support.library import cost, store_of
from tests.support.store import World

INC = {"_data": {"$inc": {"n": 1}}, "_meta": {"update_mode": "operators"}}
MOVING = 7  # the request of a roll-over in which the old title says so; the labels move with the next but two


def moved(w: World, times: int = 1, token: str = "") -> None:
    with store_of(w, token) as store:
        for _ in range(times):
            store.roll_over("m")


def receipts(w: World, comment: int) -> list[str]:
    found = [one for issue in w.repo.issues() for one in issue.comments if one.id == comment]
    return [content for one in found for login, content in one.reactions if login == BOT]


def replies(w: World, number: int) -> str:
    return "\n".join(one.body for one in w.repo.issue(number).comments if one.author == BOT)


# -- a chain of moves --------------------------------------------------------------------------------------------------


def test_a_reply_on_the_first_of_three_issues__names_the_last(w: World) -> None:
    w.object()
    moved(w, 2)
    late = w.update(1, INC)
    with store_of(w) as store:
        result = store.process(1)
        assert result.skipped == "its object is now kept in issue #3"
        assert [str(refusal.reasons[0].message) for refusal in result.refusals] == [
            "the object is now kept in issue #3; post the update there"
        ]
    assert "This object is now kept in [#3]" in replies(w, 1)
    assert receipts(w, late) == ["-1"]


def test_the_next_issue_of_a_chain_was_deleted__the_reply_names_it_all_the_same(w: World) -> None:
    w.object()
    moved(w, 2)
    w.repo.delete_issue(2, "octo")
    w.update(1, INC)
    with store_of(w) as store:
        assert store.process(1).skipped == "its object is now kept in issue #2"


# -- a lost run on a left issue ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("moves", [1, 2])
def test_an_update_on_a_left_issue_whose_run_was_lost__is_found_and_answered_by_verify(w: World, moves: int) -> None:
    w.object()
    moved(w, moves)
    late = w.update(1, INC)
    strangers = w.repo.comment(1, "bob", '{"_data": {"n": 1}, "_meta": {}}')
    with store_of(w) as store:
        assert store.sweep() == []
        found = store.verify("m")
        assert [(one.kind, one.issue_number, one.comment_id, one.repaired) for one in found] == [
            ("stranded-update", 1, late, False),
            ("stranded-update", 1, strangers, False),
        ]
        assert found[0].message == "it was posted after the object had left this issue, and it has no verdict"
        assert all(one.repaired for one in store.verify("m", repair=True))
        assert store.verify("m") == store.verify() == ()
        assert store.get("m").data == {"count": 0}
    assert (receipts(w, late), receipts(w, strangers)) == (["-1"], ["-1"])
    assert f"[#{moves + 1}]" in replies(w, 1)


def test_receipts_that_are_owed_on_a_left_issue__are_found_and_given_by_verify(w: World) -> None:
    w.object()
    comment = w.update(1, INC)
    w.hub.faults.refuse("addReaction", {"message": "no"}, times=None)
    moved(w)
    w.hub.faults.clear()
    with store_of(w) as store:
        assert [(one.kind, one.comment_id) for one in store.verify()] == [("missing-receipt", comment)]
        assert [one.repaired for one in store.verify(repair=True)] == [True]
        assert store.verify() == ()
    assert receipts(w, comment) == ["+1"]


def test_verify_of_a_left_issue__names_the_one_that_has_the_object(w: World) -> None:
    w.object()
    moved(w, 2)
    with store_of(w) as store, pytest.raises(ObjectNotFound, match="The object of issue #1 is now kept in #3"):
        store.verify(issue_number=1)


def test_github_says_nothing_of_the_author_on_a_left_issue__the_run_fails_and_the_next_one_answers(w: World) -> None:
    """The run was green, the update had no answer, and nobody came back to it."""
    w.object()
    moved(w)
    late = w.update(1, INC)
    w.hub.faults.status(502, times=None, match=lambda request: "/permission" in request.path)
    with store_of(w) as store:
        result = store.process(1)
        assert (result.refusals, result.pending) == ((), 1)
    w.hub.faults.clear()
    with store_of(w) as store:
        assert [one.comment_id for one in store.process(1).refusals] == [late]


@pytest.mark.parametrize(
    ("silent", "why"),
    [("permissions", "GitHub did not say who may write"), ("replies", "GitHub answered 500 to a write")],
)
def test_what_stands_on_the_left_issue_cannot_be_answered__the_move_is_done_and_says_so(
    w: World, silent: str, why: str
) -> None:
    w.object()
    w.late(1, INC)
    w.update(1, INC)
    with store_of(w) as store:
        store.process(1)
    seen: list[object] = []
    if silent == "permissions":
        w.hub.faults.status(502, times=None, match=lambda request: "/permission" in request.path)
    else:
        w.hub.faults.status(500, times=None, match=lambda request: bool(seen) and "addComment" in request.mutations)

    def reveal(request: object) -> None:
        if "-> #2" in w.repo.issue(1).title and not seen:
            seen.append(request)
            w.repo.reveal()

    w.hub.before_request.append(reveal)
    told: list[str] = []
    with store_of(w, log=told.append) as store:
        assert store.roll_over("m").meta.issue_number == 2
    assert any(f"Updates on the old issue #1 may still lack an answer: {why}" in line for line in told), told
    assert w.repo.issue(1).locked


# -- an index that lags ------------------------------------------------------------------------------------------------


def got(store: GitHubStore) -> object:
    return store.get("m").meta.issue_number


def updated(store: GitHubStore) -> object:
    return store.update("m", {"x": 1}, apply=True).data


def deleted(store: GitHubStore) -> object:
    store.delete("m")
    return None


def told(store: GitHubStore) -> object:
    return [entry["metadata"]["issue_number"] for entry in store.get_object_history("m")]


def created(store: GitHubStore) -> object:
    with pytest.raises(ObjectExists, match="already exists: issue #2"):
        store.create("m", {"count": 0})
    return None


def verified(store: GitHubStore) -> object:
    return store.verify("m")


@pytest.mark.parametrize(
    ("call", "result"),
    [
        (got, 2),
        (updated, {"count": 0, "x": 1}),
        (deleted, None),
        (told, [1, 2]),
        (created, None),
        (verified, ()),
    ],
)
def test_the_index_of_labels_still_names_the_left_issue__the_call_follows_its_title(
    w: World, call: Callable[[GitHubStore], object], result: object
) -> None:
    """They said that there is no such object, and a create made a second one."""
    w.object()
    w.hub.delays.labels = 50
    moved(w)
    with store_of(w) as store:
        assert call(store) == result
    assert [one.number for one in w.repo.issues() if "UID:m" in one.labels] == [2]
    assert ("archived" in w.repo.issue(2).labels) == (call is deleted)


def test_the_index_has_caught_up__a_call_costs_what_it_did(w: World) -> None:
    w.object()
    moved(w)
    assert cost(w, got) == 1
    assert cost(w, updated) == 3


def test_a_person_types_the_number_of_another_issue_into_the_title__nothing_is_followed(w: World) -> None:
    w.object()
    w.object("other")
    w.repo.edit_issue(1, "alice", title=f"{w.repo.issue(1).title} -> #2")
    with store_of(w) as store, pytest.raises(ObjectNotFound, match="its object is kept in issue #2"):
        store.get("m")


# -- rights that do not suffice ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("stays", [False, True])
def test_a_roll_over_by_somebody_who_may_only_label__leaves_no_copy_behind(w: World, stays: bool) -> None:
    w.object()
    w.hub.add_user("tom")
    w.repo.grant("tom", "triage")
    token = w.hub.token("tom")
    if stays:
        w.hub.faults.status(403, times=None, match=lambda request: request.path.endswith("/issues/2"), nth=1)
    said = "could not be given up: close it" if stays else "was given up"
    with store_of(w, token) as store, pytest.raises(AccessDeniedError, match=f"Nothing was moved. .* #2, {said}"):
        store.roll_over("m")
    w.hub.faults.clear()
    copy = w.repo.issue(2)
    if not stays:
        assert (copy.state.lower(), copy.labels, copy.title) == ("closed", (), "Given up: copy of #1")
    with store_of(w) as store:
        assert store.get("m").meta.issue_number == 1
        assert store.verify("m") == ()


def test_the_copy_cannot_be_finished__it_is_given_up(w: World) -> None:
    w.object()
    w.hub.faults.refuse("addComment", {"type": "FORBIDDEN", "message": "no"}, times=None)
    with store_of(w) as store, pytest.raises(AccessDeniedError, match="Nothing was moved. The copy, issue #2, was giv"):
        store.roll_over("m")
    assert w.repo.issue(2).state.lower() == "closed"


BY_THE_RULE = "store: {access: [{match: '*', users: [alice]}]}"


@pytest.mark.parametrize(
    ("rules", "by", "said"), [("", "bob", "was given up"), (BY_THE_RULE, "alice", "so nothing was moved")]
)
def test_a_roll_over_by_an_author_without_write_permission__changes_nothing(
    w: World, rules: str, by: str, said: str
) -> None:
    """GitHub lets them set the title of their own issue, and drops the labels of the copy without a word.

    The store's rule may let them write all the same.
    """
    w.repo.commit_files({".github/gh-store.yml": rules}, by="alice")
    w.legacy()
    w.process(1)
    w.repo.grant("alice", "read")
    with store_of(w, w.hub.token("alice")) as store, pytest.raises(AccessDeniedError, match=said):
        store.roll_over("m")
    assert w.repo.issue(2).state.lower() == "closed"
    with store_of(w) as store:
        assert store.get("m").meta.issue_number == 1
        w.update(1, INC, by=by)
        store.sweep()
        assert store.get("m").data == {"count": 0, "n": 1}


# -- an update that meets a move ---------------------------------------------------------------------------------------


def amid(w: World, token: str, act: Callable[[], object]) -> None:
    """Acts before the first request of that token that posts a comment."""
    done: list[bool] = []

    def hook(request: object) -> None:
        if not done and request.writes and request.token_value == token:  # type: ignore[attr-defined]
            done.append(True)
            act()

    w.hub.before_request.append(hook)


@pytest.mark.parametrize("apply", [False, True])
@pytest.mark.parametrize("moves", [1, 2])
def test_an_update_that_meets_the_lock_of_a_left_issue__is_posted_where_the_object_is(
    w: World, apply: bool, moves: int
) -> None:
    w.object()
    token = w.token()
    amid(w, token, lambda: moved(w, moves))
    with store_of(w, token) as store:
        store.update("m", {"x": 1}, apply=apply)
    w.sweep()
    with store_of(w) as store:
        assert store.get("m").data == {"count": 0, "x": 1}
        assert (store.get("m").meta.issue_number, store.get("m").meta.version) == (moves + 1, 2)
        assert store.verify() == ()


def test_an_update_that_meets_the_lock_of_a_person__says_how_to_unlock(w: World) -> None:
    w.object()
    w.repo.lock(1, "alice")
    with store_of(w) as store, pytest.raises(LockedIssue, match="Unlock the conversation"):
        store.update("m", {"x": 1})


@pytest.mark.parametrize("apply", [False, True])
def test_an_update_that_a_writer_posts_on_an_issue_that_the_object_has_just_left__is_refused_at_once(
    w: World, apply: bool
) -> None:
    """The lock does not stop them; it was reported as pending, or as applied."""
    w.object()
    token = w.hub.token("alice")
    amid(w, token, lambda: moved(w))
    with store_of(w, token) as store:
        with pytest.raises(ConcurrentUpdateError, match="moved to issue #2 just before .* Run it again"):
            store.update("m", {"x": 1}, apply=apply, update_id="k")
        assert store.update("m", {"x": 1}, apply=True, update_id="k").data == {"count": 0, "x": 1}
        assert store.verify() == ()


# -- amid a move -------------------------------------------------------------------------------------------------------


def half_moved(w: World, request: int) -> None:
    w.killed(lambda token: store_of(w, token).roll_over("m"), request, "before")
    assert " => #2" in w.repo.issue(1).title


@pytest.mark.parametrize("request_", [MOVING, MOVING + 2])
def test_a_get_amid_a_killed_move__warns_of_no_second_object(w: World, request_: int) -> None:
    w.object()
    half_moved(w, request_)
    lines: list[str] = []
    with store_of(w, log=lines.append) as store:
        assert store.get("m").data == {"count": 0}
        assert store.get_object_history("m")
    assert lines == []


@pytest.mark.parametrize("request_", [MOVING, MOVING + 2])
def test_a_delete_amid_a_killed_move__finishes_it_first(w: World, request_: int) -> None:
    """It named the copy as a second object, and asked to take its label off."""
    w.object()
    half_moved(w, request_)
    with store_of(w, dry_run=True) as store:
        store.delete("m")
    assert " => #2" in w.repo.issue(1).title
    with store_of(w) as store:
        store.delete("m")
        assert "archived" in w.repo.issue(2).labels
        assert w.repo.issue(1).labels == ()
        store.restore("m")
        assert (store.get("m").meta.issue_number, store.get("m").data) == (2, {"count": 0})
        assert store.verify() == ()


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("request_", [MOVING, MOVING + 2])
def test_verify_amid_a_killed_move__names_it_and_finishes_it(w: World, request_: int, whole: bool) -> None:
    w.object()
    half_moved(w, request_)
    object_id = None if whole else "m"
    with store_of(w) as store:
        kinds = [(one.kind, one.issue_number, one.repaired) for one in store.verify(object_id)]
        assert ("unfinished-move", 1, False) in kinds
        assert "duplicate-id" not in {kind for kind, *_ in kinds}
        repaired = [one for one in store.verify(object_id, repair=True) if one.kind == "unfinished-move"]
        assert [one.repaired for one in repaired] == [True]
        assert store.get("m").meta.issue_number == 2
        assert store.verify() == ()
