"""Verifying and fixing a store, moving objects to new issues, adopting what gh-store wrote."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from gh_store_action import ConcurrentUpdateError, GitHubStore, ObjectNotFound, StoreError
from gh_store_action.domain import objects
from tests.double import BOT, Request
from tests.integration.test_store_objects import cost, store_of
from tests.support.interleave import DEPTHS, QUICK, orders_for
from tests.support.store import World


@pytest.fixture
def store(w: World) -> Iterator[GitHubStore]:
    with store_of(w) as made:
        made.create("metrics", {"count": 0})
        made.update("metrics", {"count": 1}, apply=True)
        yield made


def comments(w: World, number: int = 1) -> list[int]:
    return [comment.id for comment in w.repo.issue(number).comments]


# -- verify ----------------------------------------------------------------------------------------------------------


def broken_body(w: World) -> None:
    w.repo.edit_issue(1, "alice", body="oops {")


def wrong_kind(w: World) -> None:
    w.repo.edit_issue(1, "alice", body="7")


def hand_edit(w: World) -> None:
    w.repo.edit_issue(1, "alice", body='{"count": 70}')


def deleted_comment(w: World) -> None:
    w.repo.delete_comment(comments(w)[1], "alice")


def deleted_talk(w: World) -> None:
    w.repo.comment(1, "alice", "talk")
    w.update(1, {"more": 1})
    w.process(1)
    w.repo.delete_comment(comments(w)[2], "alice")


def late_comment(w: World) -> None:
    late = w.repo.comment(1, "alice", '{"late": 1}')
    w.repo.hide_comment_from_reads(late)
    w.update(1, {"count": 2})
    w.process(1)
    w.repo.reveal()


def edited_comment(w: World) -> None:
    w.hub.clock.advance(10)
    w.repo.edit_comment(comments(w)[1], "alice", '{"count": 99}')


def two_verdicts(w: World) -> None:
    w.repo.react(comments(w)[1], BOT, "-1")


def two_verdicts_on_a_refused_one(w: World) -> None:
    refused = w.update(1, {"_data": {"a": 1}, "_meta": {"if_revision": 99}})
    w.process(1)
    w.repo.react(refused, BOT, "+1")


def no_receipt(w: World) -> None:
    w.repo.unreact(comments(w)[1], BOT, "+1")


def no_initial_state(w: World) -> None:
    w.repo.delete_comment(comments(w)[0], BOT)


def stranded(w: World) -> None:
    w.update(1, {"count": 2}, reopen=False)


def no_uid_label(w: World) -> None:
    w.repo.edit_issue(1, "alice", labels=["stored-object"])


def no_base_label(w: World) -> None:
    w.repo.edit_issue(1, "alice", labels=["UID:metrics"])


def no_label(w: World) -> None:
    w.repo.edit_issue(1, "alice", labels=[])


def no_marker(w: World) -> None:
    w.repo.edit_issue(1, "alice", title="my favourite numbers")


MENDABLE = {
    broken_body: {"broken-body"},
    wrong_kind: {"broken-body"},
    hand_edit: {"drift"},
    deleted_comment: {"deleted-comments", "drift"},
    deleted_talk: {"deleted-comments"},
    late_comment: {"late-comments", "missing-receipt"},
    edited_comment: {"edited-comment", "drift"},
    two_verdicts: {"verdict-conflict"},
    two_verdicts_on_a_refused_one: {"verdict-conflict"},
    no_receipt: {"missing-receipt"},
    no_initial_state: {"deleted-comments", "missing-checkpoint"},
    stranded: {"stranded-update"},
    no_uid_label: {"missing-label"},
    no_base_label: {"missing-label"},
    no_label: {"missing-label"},
    no_marker: {"not-adopted"},
}


@pytest.mark.parametrize("harm", MENDABLE, ids=lambda harm: harm.__name__)
def test_verify__finds_and_mends(w: World, store: GitHubStore, harm: Callable[[World], None]) -> None:
    assert store.verify() == ()
    harm(w)
    found = store.verify()
    assert {problem.kind for problem in found} == MENDABLE[harm]
    assert not any(problem.repaired for problem in found)
    assert all(problem.hint and problem.message and problem.issue_number == 1 for problem in found)
    repaired = store.verify(repair=True)
    assert {problem.kind for problem in repaired} == MENDABLE[harm]
    assert all(problem.repaired for problem in repaired), repaired
    assert store.verify() == ()
    assert store.update("metrics", {"after": 1}, apply=True).data["after"] == 1
    assert store.verify() == ()


@pytest.mark.parametrize("thumb", ["+1", "-1", "confused"])
@pytest.mark.parametrize(
    ("patch", "verdict"),
    [
        ('{"b": 1,}', "rejected"),
        ({"_data": {"a": 1}, "_meta": {"if_revision": 7}}, "rejected"),
        ({"_data": {"b": 1}, "_meta": {"if_revision": 7}}, "rejected"),
        ({"b": 1}, "applied"),
    ],
)
def test_verify__a_thumb_behind_a_processors_verdict_is_no_conflict_and_no_repair_takes_it_over(
    w: World, patch: object, verdict: str, thumb: str
) -> None:
    number = w.repo.open_issue("alice", "m", '{"a": 1}', ["stored-object", "UID:m"])
    w.process(number)
    posted = w.update(number, patch, by="bob")
    w.process(number)
    w.hub.clock.advance(60)
    w.repo.react(posted, "alice", thumb)
    with store_of(w) as store:
        before = store.get_object_history("m")
        assert before[-1]["metadata"]["verdict"] == verdict
        assert store.verify(repair=True) == store.verify() == ()
        assert store.get_object_history("m") == before
    reactions = next(c.reactions for c in w.repo.issue(number).comments if c.id == posted)
    assert reactions[0] == (BOT, "+1" if verdict == "applied" else "-1")


def test_verify__a_refusal_whose_receipt_an_earlier_repair_had_left_anew_is_one_again(w: World) -> None:
    number = w.repo.open_issue("alice", "m", '{"a": 1}', ["stored-object", "UID:m"])
    w.process(number)
    posted = w.update(number, {"_data": {"a": 1}, "_meta": {"if_revision": 7}}, by="bob")
    w.process(number)
    w.hub.clock.advance(60)
    w.repo.react(posted, "alice", "+1")
    w.repo.unreact(posted, BOT, "-1")
    w.repo.react(posted, BOT, "-1")
    with store_of(w) as store:
        assert store.get_object_history("m")[-1]["metadata"]["verdict"] == "rejected"
        assert store.verify(repair=True) == ()
        assert store.get("m").meta.version == 1


def test_verify__what_is_no_update_was_not_applied_by_a_thumb_alone(w: World) -> None:
    number = w.repo.open_issue("alice", "m", '{"a": 1}', ["stored-object", "UID:m"])
    w.process(number)
    posted = w.update(number, '{"b": 1,}', by="bob")
    w.process(number)
    w.hub.clock.advance(60)
    w.repo.react(posted, "alice", "+1")
    w.repo.unreact(posted, BOT, "-1")
    with store_of(w) as store:
        assert store.get_object_history("m")[-1]["metadata"]["verdict"] == "pending"
        assert [(p.kind, p.repaired) for p in store.verify(repair=True)] == [("missing-receipt", True)]
        assert store.get_object_history("m")[-1]["metadata"]["verdict"] == "rejected"
        assert store.verify() == ()


def test_verify__what_waits_on_an_open_issue_is_no_problem(w: World, store: GitHubStore) -> None:
    store.update("metrics", {"count": 2})
    assert store.verify() == ()


def test_verify__of_one_object_or_issue(w: World, store: GitHubStore) -> None:
    store.create("other", {})
    stranded(w)
    assert len(store.verify("metrics")) == 1
    assert len(store.verify(issue_number=1)) == 1
    assert store.verify("other") == store.verify(issue_number=2) == ()
    with pytest.raises(ObjectNotFound):
        store.verify("nothing")
    w.repo.open_issue("alice", "a question")
    with pytest.raises(ObjectNotFound, match="not an object"):
        store.verify(issue_number=3)
    no_base_label(w)
    assert [problem.kind for problem in store.verify("metrics")] == ["missing-label"]
    assert cost(w, lambda s: s.verify("other")) == 1


def test_verify__duplicates_are_named_and_left(w: World, store: GitHubStore) -> None:
    w.repo.open_issue(BOT, "Stored Object: metrics", '{"count": 5}', ["stored-object", "UID:metrics"])
    for found in (store.verify(repair=True), store.verify("metrics", repair=True)):
        assert [(p.kind, p.issue_number, p.repaired) for p in found] == [("duplicate-id", 2, False)]  # D18
    assert w.repo.issue(2).body == '{"count": 5}'


def test_verify__leftovers_and_issues_that_say_too_little(w: World, store: GitHubStore) -> None:
    title = w.repo.issue(1).title
    w.repo.open_issue(BOT, "x")
    w.repo.edit_issue(2, BOT, title=title)
    w.repo.open_issue(BOT, "no id at all", "{}", ["stored-object"])
    w.repo.open_issue(BOT, "Stored Object: ambiguous", "{}", ["stored-object", "UID:a", "UID:b"])
    w.repo.open_issue("mallory", "Stored Object: m", "{}", ["stored-object", "UID:m"])
    w.repo.open_issue("alice", "an ordinary issue")
    found = store.verify(repair=True)
    assert [(p.kind, p.issue_number) for p in found] == [("leftover", 2), ("missing-label", 3), ("missing-label", 4)]
    assert not any(problem.repaired for problem in found)
    store.delete("metrics")
    assert {(p.issue_number, p.repaired) for p in store.verify(repair=True)} == {(2, False), (3, False), (4, False)}
    assert w.repo.issue(2).labels == ()  # what was deleted does not come back by an old copy of it


def test_verify__one_that_cannot_be_repaired_does_not_stop_the_others(w: World, store: GitHubStore) -> None:
    w.repo.open_issue("alice", "Stored Object: sick", "oops", ["stored-object", "UID:sick"])
    store.create("third", {})
    w.update(3, {"a": 1}, reopen=False)
    found = store.verify(repair=True)
    assert [(p.kind, p.object_id, p.repaired) for p in found] == [
        ("broken-body", "sick", False),
        ("not-adopted", "sick", False),
        ("stranded-update", "third", True),
    ]
    assert "could not be repaired" in found[0].hint
    for one in found[:2]:
        assert one.hint.startswith("Put the object's JSON, and nothing else, into its body")
        assert "rocess the issue, or" not in one.hint
    w.repo.edit_issue(2, "alice", body='{"well": true}')
    store.process_updates(2)
    assert store.get("sick").data == {"well": True}


def test_verify__one_that_can_not_be_read_is_told(w: World, store: GitHubStore) -> None:
    store.create("other", {})
    w.hub.faults.partial(
        {"repository": {"type": "INTERNAL", "message": "oops"}}, match=lambda r: r.operation == "Read", times=1
    )
    (found,) = store.verify()
    assert (found.kind, found.object_id) == ("unreadable", "metrics")


def test_verify__a_budget_that_ends_ends_it(w: World, store: GitHubStore) -> None:
    w.hub.faults.status(429, match=lambda r: r.operation == "Read", times=None, retry_after=1000)
    with pytest.raises(StoreError, match="rate limit"):
        store.verify()


def test_verify__pages_of_issues(w: World, store: GitHubStore) -> None:
    for place in range(120):
        w.repo.open_issue("alice", f"question {place}")
    seen: list[tuple[int, int]] = []
    assert store.verify(progress=lambda done, total: seen.append((done, total))) == ()
    assert seen == [(0, 1), (1, 1)]


def test_verify__what_repair_makes_worse_or_leaves_is_told(w: World, store: GitHubStore) -> None:
    w.hub.faults.status(502, match=lambda r: r.writes, times=None)
    stranded(w)
    (found,) = store.verify(repair=True)
    assert not found.repaired
    assert "could not be repaired" in found.hint


def test_verify__exchanged_labels_exchange_no_objects_and_are_put_right(w: World, store: GitHubStore) -> None:
    store.create("sandbox", {"test": 1})
    for number, name in ((1, "sandbox"), (2, "metrics")):
        w.repo.edit_issue(number, "alice", labels=["stored-object", f"UID:{name}"])
    for name in ("metrics", "sandbox"):
        with pytest.raises(ObjectNotFound, match="but the title that the store wrote says"):
            store.get(name)
    found = store.verify()
    assert [(p.kind, p.object_id, p.issue_number) for p in found] == [
        ("wrong-label", "metrics", 1),
        ("wrong-label", "sandbox", 2),
    ]
    assert all(problem.repaired for problem in store.verify(repair=True))
    assert (store.get("metrics").meta.issue_number, store.get("sandbox").data) == (1, {"test": 1})
    assert store.verify() == ()


def test_verify__one_objects_wrong_label(w: World, store: GitHubStore) -> None:
    w.repo.edit_issue(1, "alice", labels=["stored-object", "UID:other"])
    assert [p.kind for p in store.verify("other")] == ["wrong-label"]
    assert store.verify(issue_number=1) == store.verify("other")
    (found,) = store.verify("other", repair=True)
    assert found.repaired
    assert store.get("metrics").meta.issue_number == 1


# -- roll-over -------------------------------------------------------------------------------------------------------


def test_roll_over__history_and_revision_go_on(w: World, store: GitHubStore) -> None:
    store.update("metrics", {"count": 2})
    moved = store.roll_over("metrics")
    assert (moved.meta.issue_number, moved.meta.version, moved.data) == (2, 3, {"count": 2})
    old, new = w.repo.issue(1), w.repo.issue(2)
    assert (old.labels, old.state) == ((), "closed")
    assert old.title.endswith(" -> #2")
    assert set(new.labels) == {"stored-object", "UID:metrics"}
    assert json.loads(new.comments[0].body)["_meta"]["previous"] == 1
    assert store.update("metrics", {"count": 3}, apply=True).meta.version == 4
    assert [e["metadata"]["revision"] for e in store.get_object_history("metrics")] == [1, 2, 3, None, 4]
    for revision in (1, 2, 3, 4):
        assert store.get("metrics", revision=revision).data == {"count": revision - 1}
    first = w.repo.issue(1).created_at
    assert store.get("metrics", revision=1).meta.created_at == first
    assert store.get("metrics", at=first).data == {"count": 0}
    assert store.verify() == ()
    assert [one.meta.issue_number for one in store.list_all()] == [2]


def test_roll_over__twice(w: World, store: GitHubStore) -> None:
    store.roll_over("metrics")
    assert store.roll_over("metrics").meta.issue_number == 3
    assert store.get("metrics", revision=1).data == {"count": 0}


def test_roll_over__an_update_on_the_old_issue_is_sent_to_the_new_one(w: World, store: GitHubStore) -> None:
    store.roll_over("metrics")
    late = w.update(1, {"count": 9})
    result = store.process(1)
    assert result.skipped == "its object is now kept in issue #2"
    assert [refusal.comment_id for refusal in result.refusals] == [late]
    old = w.repo.issue(1)
    assert old.state == "closed"
    assert (BOT, "-1") in next(c for c in old.comments if c.id == late).reactions
    assert "[#2](" in old.comments[-1].body
    again = store.process(1)
    assert (again.rejected, len(w.repo.issue(1).comments)) == (0, len(old.comments))
    history = store.get_object_history("metrics")
    refused = next(entry for entry in history if entry["comment_id"] == late)
    assert refused["metadata"]["verdict"] == "rejected"
    assert "kept in issue #2" in str(refused["metadata"]["reason"])
    assert store.get("metrics").data == {"count": 1}
    with pytest.raises(ObjectNotFound, match="kept in issue #2"):
        store.process_updates(1)


def test_roll_over__locks_the_old_issue_and_who_may_write_hears_where_the_object_is(
    w: World, store: GitHubStore
) -> None:
    store.roll_over("metrics")
    assert (w.repo.issue(1).locked, w.repo.issue(2).locked) == (True, False)
    w.update(1, {"count": 9})
    (refusal,) = store.process(1).refusals
    assert "kept in issue #2" in refusal.reasons[0].message
    assert w.repo.issue(1).locked
    store.delete("metrics")
    assert store.restore("metrics").issue_number == 2


@pytest.mark.parametrize("fault", ["refused", "lost"])
def test_roll_over__an_old_issue_that_cannot_be_locked_is_told(w: World, store: GitHubStore, fault: str) -> None:
    told: list[str] = []
    if fault == "refused":
        w.hub.faults.refuse("lockLockable", {"type": "FORBIDDEN", "message": "You may not lock"}, times=None)
    else:
        w.hub.faults.drop(match=lambda request: "lockLockable" in request.mutations, times=None)
    with store_of(w, log=told.append) as telling:
        assert telling.roll_over("metrics").meta.issue_number == 2
    assert [line for line in told if line.startswith("The old issue #1 was not locked: ")]
    assert not w.repo.issue(1).locked


def test_roll_over__an_old_issue_that_is_locked_stays_so(w: World, store: GitHubStore) -> None:
    w.repo.lock(1, "alice", "spam")
    before = w.requests()
    store.roll_over("metrics")
    assert "Lock" not in [request.operation for request in list(w.hub.requests)[before:]]
    assert w.repo.issue(1).locked


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("k", range(2, 9))
def test_roll_over__killed_at_any_request_and_called_again(w: World, store: GitHubStore, k: int, phase: str) -> None:
    token = w.token()
    w.hub.faults.dead_from(token, k, phase)
    with store_of(w, token) as dying, pytest.raises(StoreError):
        dying.roll_over("metrics")
    w.hub.faults.clear()
    assert store.get("metrics").data == {"count": 1}
    if store.get("metrics").meta.issue_number == 1:
        store.roll_over("metrics")
    assert store.get("metrics").meta.issue_number > 1
    assert store.get("metrics").meta.version == 2
    assert [e["metadata"]["revision"] for e in store.get_object_history("metrics")][:2] == [1, 2]
    assert {problem.kind for problem in store.verify()} <= {"leftover"}


@pytest.mark.parametrize("went_on", [True, False])
def test_roll_over__what_an_earlier_try_left(w: World, store: GitHubStore, went_on: bool) -> None:
    """The title is set, the new issue has its labels, and the old one still has them, too."""
    w.hub.faults.status(400, match=lambda r: r.method == "PATCH", nth=3)
    with pytest.raises(StoreError):
        store.roll_over("metrics")
    assert set(w.repo.issue(2).labels) == {"stored-object", "UID:metrics"}
    found = store.get("metrics")
    assert (found.meta.issue_number, found.data, found.meta.version) == (1, {"count": 1}, 2)
    if went_on:
        w.update(1, {"count": 2})
    moved = store.roll_over("metrics")
    assert (moved.data, moved.meta.issue_number) == ({"count": 1}, 2)
    told = [c.body for c in w.repo.issue(1).comments if "kept in [#2]" in c.body]
    assert len(told) == went_on
    assert store.verify() == ()


@pytest.mark.parametrize("by", ["number", "sweep"])
@pytest.mark.parametrize("nth", [2, 3])
def test_roll_over__killed_between_title_and_labels__the_next_run_finishes_it(
    w: World, store: GitHubStore, nth: int, by: str
) -> None:
    w.hub.faults.status(400, match=lambda r: r.method == "PATCH", nth=nth)
    with pytest.raises(StoreError):
        store.roll_over("metrics")
    for result in [store.process(1)] if by == "number" else store.sweep():
        assert result.error is None
    found = store.get("metrics")
    assert (found.meta.issue_number, found.data, found.meta.version) == (2, {"count": 1}, 2)
    assert w.repo.issue(1).labels == ()
    assert store.verify() == ()


def test_roll_over__killed_half_way__an_update_goes_to_the_new_issue(w: World, store: GitHubStore) -> None:
    w.hub.faults.status(400, match=lambda r: r.method == "PATCH", nth=2)
    with pytest.raises(StoreError):
        store.roll_over("metrics")
    found = store.update("metrics", {"count": 5}, apply=True)
    assert (found.meta.issue_number, found.data, found.meta.version) == (2, {"count": 5}, 3)
    assert w.repo.issue(1).labels == ()
    assert store.verify() == ()


@pytest.mark.parametrize("target", ["no issue", "another object"])
@pytest.mark.parametrize("then", ["a run", "a roll-over"])
def test_roll_over__a_title_that_somebody_typed__is_put_right_and_harms_no_other(
    w: World, store: GitHubStore, target: str, then: str
) -> None:
    other = store.create("other", {"n": 1}).meta.issue_number
    title, before = w.repo.issue(1).title, w.repo.issue(other)
    w.repo.edit_issue(1, "alice", title=objects.moving_title(title, other if target == "another object" else 77))
    if then == "a run":
        assert store.process(1).skipped == ""
        assert w.repo.issue(1).title.startswith(title.partition(" n")[0])
    else:
        assert store.roll_over("metrics").meta.issue_number == 3
    assert (store.get("metrics").data, store.get("other").data) == ({"count": 1}, {"n": 1})
    assert w.repo.issue(other) == before
    assert store.verify() == ()


@pytest.mark.parametrize("behind", ["the copy", "the labels"])
def test_roll_over__written_to_all_the_time__stays_where_it_is(w: World, store: GitHubStore, behind: str) -> None:
    edits: list[int] = []

    def edit(request: Request) -> None:
        closes = request.method == "PATCH" and request.path.endswith("/issues/1") and "state" in request.body
        if request.operation == "Finish" if behind == "the copy" else closes:
            edits.append(len(edits) + 10)
            w.repo.edit_issue(1, "alice", body=json.dumps({"count": edits[-1]}))

    w.hub.before_request.append(edit)
    with pytest.raises(ConcurrentUpdateError, match="wrote to .* during each of 3 attempts"):
        store.roll_over("metrics")
    w.hub.before_request.clear()
    assert edits == [10, 11, 12]
    found = store.get("metrics")
    assert (found.meta.issue_number, found.data) == (1, {"count": 12})
    assert [(w.repo.issue(n).title, w.repo.issue(n).labels) for n in (2, 3, 4)] == [("Given up: copy of #1", ())] * 3
    assert store.update("metrics", {"more": 1}, apply=True).data == {"count": 12, "more": 1}


@pytest.mark.parametrize("proof", DEPTHS)
def test_roll_over__beside_a_run__no_update_is_lost_in_any_order(w: World, store: GitHubStore, proof: bool) -> None:
    comment = w.update(1, {"_data": {"$inc": {"count": 1}}, "_meta": {"update_mode": "operators"}})
    mover, runner = w.token(), w.token()

    def moves() -> None:
        with GitHubStore(mover, "octo/store", api_url=w.hub.api_url, pause=w.pause) as moving:
            moving.roll_over("metrics")

    saved = w.hub.save()
    for schedule in orders_for(2 * QUICK, proof):
        w.hub.restore(saved)
        failed = schedule.run(w.hub, {mover: moves, runner: lambda: w.process(1, runner)})
        assert all(isinstance(error, StoreError) for error in failed.values()), failed
        w.sweep()
        with GitHubStore(w.token(), "octo/store", api_url=w.hub.api_url, pause=w.pause) as fresh:
            data = fresh.get("metrics").data
        receipts = {content for _, content in next(c for c in w.repo.issue(1).comments if c.id == comment).reactions}
        assert (data, receipts) in (({"count": 2}, {"+1"}), ({"count": 1}, {"-1"})), (schedule.order, failed)


def test_roll_over__an_issue_that_says_it_came_from_a_later_one_is_not_followed(w: World, store: GitHubStore) -> None:
    number = w.repo.open_issue(BOT, "Stored Object: loop", "{}", ["stored-object", "UID:loop"])
    state = {"type": "initial_state", "_data": {}, "_meta": {"revision": 1, "update_id": "1-0-x", "previous": 99}}
    w.repo.comment(number, BOT, json.dumps(state))
    assert len(store.get_object_history("loop")) == 1


def test_roll_over__what_can_not_be_moved(w: World, store: GitHubStore) -> None:
    with pytest.raises(ObjectNotFound):
        store.roll_over("nothing")
    w.update(1, {"count": 5}, by="carol")
    w.hub.faults.status(403, message="no", match=lambda r: "permission" in r.path, times=None)
    with pytest.raises(ConcurrentUpdateError, match="pending"):
        store.roll_over("metrics")


def test_roll_over__a_title_that_is_not_taken(w: World, store: GitHubStore) -> None:
    w.hub.faults.partial({"fold": {"type": "FORBIDDEN", "message": "no"}}, match=lambda r: r.operation == "Finish")
    with pytest.raises(StoreError, match="issues: write"):
        store.roll_over("metrics")
    assert store.get("metrics").meta.issue_number == 1


# -- migrate ---------------------------------------------------------------------------------------------------------


def test_migrate__lists_then_adopts(w: World, store: GitHubStore) -> None:
    w.legacy("old", {"n": 1})
    w.update(2, {"n": 2})
    number = w.repo.open_issue("alice", "Stored Object: newer", "{}", ["stored-object", "UID:newer", "gh-store"])
    state = {"type": "initial_state", "_data": {}, "_meta": {"client_version": "0.9.0"}}
    w.repo.comment(number, "alice", "talk")
    w.repo.comment(number, "alice", '{"n": 5}')
    w.repo.comment(number, "alice", json.dumps(state))
    w.repo.open_issue("alice", "Stored Object: hand", '{"a": 1}', ["stored-object", "UID:hand"])
    w.repo.open_issue("alice", "Stored Object: sick", "oops", ["stored-object", "UID:sick"])
    w.repo.open_issue("mallory", "Stored Object: evil", "{}", ["stored-object", "UID:evil"])
    listed = store.migrate()
    assert [(one.object_id, one.form, one.applied, one.done) for one in listed] == [
        ("old", "gh-store 0.5", 1, False),
        ("newer", "gh-store 0.9.0", 1, False),
        ("hand", "a person, or an unfinished create", 0, False),
        ("sick", "a person, or an unfinished create", 0, False),
    ]
    assert listed[3].problem
    assert "[r" not in w.repo.issue(2).title
    done = store.migrate(dry_run=False)
    assert [one.done for one in done] == [True, True, True, False]
    assert store.get("old").data == {"n": 2}
    assert [one.object_id for one in store.migrate()] == ["sick"]


def test_migrate__one_that_is_no_object_any_more(w: World, store: GitHubStore) -> None:
    number = w.legacy("old")

    def delete(request: object) -> None:
        if getattr(request, "operation", "") == "List":
            w.hub.after_request.remove(delete)
            w.repo.edit_issue(number, "alice", labels=["archived", "UID:old"])

    w.hub.after_request.append(delete)
    (found,) = store.migrate(dry_run=False)
    assert (found.done, "deleted" in found.problem) == (False, True)
