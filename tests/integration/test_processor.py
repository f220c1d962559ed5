"""The processor's glue, a path each: lag, pace, permissions, caps, cancelling, overwritten edits."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest

from gh_store_action.domain.processing.context import PermissionUnknown
from gh_store_action.errors import ConcurrentUpdateError, GitHubError, NotFinished, ObjectNotFound, StoreError
from gh_store_action.gateway.transport import Cancelled
from gh_store_action.store.processing import rounds
from tests.double import BOT, Request
from tests.support.store import World, world

INC = {"_data": {"$inc": {"n": 1}}, "_meta": {"update_mode": "operators"}}


def counted(w: World, number: int, **options: object) -> int:
    """API requests of one run, permission look-ups left out."""
    before = w.requests()
    w.process(number, **options)  # type: ignore[arg-type]
    return sum(1 for r in list(w.hub.requests)[before:] if "/collaborators/" not in r.path)


@pytest.mark.parametrize("pending", [1, 10, 50])
def test_up_to_fifty_pending__two_requests(pending: int) -> None:
    with world() as w:
        number = w.object(data={"n": 0})
        for _ in range(pending):
            w.update(number, INC, reopen=False)
        assert counted(w, number) == 2
        assert w.data(number) == {"n": pending}
        assert counted(w, number) == 1


def test_a_hand_edit__two_requests() -> None:
    with world() as w:
        number = w.object()
        w.repo.edit_issue(number, "bob", body='{"by": "hand"}')
        assert counted(w, number) == 2


def test_the_comment_of_the_event_is_not_there_yet__reads_again() -> None:
    with world() as w:
        number = w.object()
        late = w.update(number, {"a": 1})
        w.repo.hide_comment_from_reads(late, requests=2)
        result = w.process(number, event_comment=late)
        assert (result.applied, w.data(number), w.waits) == (1, {"count": 0, "a": 1}, [1.0, 2.0])


def test_the_comment_of_the_event_was_deleted__goes_on_after_a_few_reads() -> None:
    with world() as w:
        number = w.object()
        gone = w.update(number, {"a": 1})
        w.repo.delete_comment(gone, "alice")
        assert w.process(number, event_comment=gone).applied == 0
        assert w.waits == [1.0, 2.0, 4.0]


def test_no_patience_left__the_event_comment_is_not_waited_for() -> None:
    with world() as w:
        number = w.object()
        runner = w.processor()
        w.repo.commit_files({".github/gh-store.yml": "store: {retries: {max_wait_seconds: 0}}\n"}, by="alice")
        runner.process(number, event_comment=10**12)
        assert w.waits == []


def test_receipts_beyond_seventy_a_minute_wait__the_body_does_not() -> None:
    with world() as w:
        w.hub.clock.tick = 0
        number = w.object(data={"n": 0})
        for _ in range(120):
            w.update(number, INC, reopen=False)
        result = w.process(number)
        assert (result.applied, result.receipts_left, w.data(number)) == (120, 0, {"n": 120})
        assert w.seen(number).receipts == (("+1",),) * 120
        assert w.waits == [61.0]
        writes = [r for r in w.hub.requests if "addReaction" in r.body]
        assert max(r.body.count("addReaction") for r in writes) <= 50


def test_no_patience_left_for_receipts__they_are_left_for_the_next_run() -> None:
    with world() as w:
        w.repo.commit_files({".github/gh-store.yml": "store: {retries: {max_wait_seconds: 0}}\n"}, by="alice")
        w.hub.clock.tick = 0
        number = w.object(data={"n": 0})
        for _ in range(100):
            w.update(number, INC, reopen=False)
        result = w.process(number)
        assert (result.applied, result.receipts_left) == (100, 30)
        assert w.data(number) == {"n": 100}
        assert "The next run will add" in result.notes[0]
        w.sweep()
        assert w.seen(number).receipts == (("+1",),) * 100
        assert w.data(number) == {"n": 100}


def test_a_dry_run__says_what_would_be_and_writes_nothing() -> None:
    with world() as w:
        number = w.object()
        w.update(number, {"a": 1})
        before = w.repo.issue(number)
        result = w.processor(dry_run=True).process(number)
        assert (result.changed, result.applied, result.state.data if result.state else None) == (
            True,
            1,
            {"count": 0, "a": 1},
        )
        assert w.repo.issue(number) == before


def test_github_does_not_say_who_may_write__the_update_waits_and_the_reason_is_kept() -> None:
    with world() as w:
        number = w.object()
        w.update(number, {"a": 1})
        w.update(number, {"b": 1}, by="bob")
        w.hub.faults.status(
            403, message="Resource not accessible", times=None, match=lambda r: "/collaborators/bob" in r.path
        )
        runner = w.processor()
        result = runner.process(number)
        assert (result.applied, result.pending, result.closed, w.data(number)) == (1, 1, False, {"count": 0, "a": 1})
        assert "Resource not accessible" in runner.session.refusals_to_say["bob"]
        w.hub.faults.clear()
        w.sweep()
        assert w.data(number) == {"count": 0, "a": 1, "b": 1}
        assert w.repo.issue(number).state.lower() == "closed"


def test_github_does_not_say_whether_the_editor_of_the_body_may_write__the_edit_waits() -> None:
    with world() as w:
        number = w.object()
        w.repo.edit_issue(number, "bob", body='{"by": "hand"}')
        w.hub.faults.status(403, message="Not accessible", times=None, match=lambda r: "/collaborators/bob" in r.path)
        with pytest.raises(PermissionUnknown, match="bob may write. GitHub refused a request: Not accessible"):
            w.process(number)
        assert w.data(number) == {"by": "hand"}
        w.hub.faults.clear()
        w.sweep()
        assert w.seen(number).checkpoints == 2


def test_an_edit_saved_between_read_and_write__is_told() -> None:
    """D13: GitHub has no compare-and-swap."""
    with world() as w:
        number = w.object()
        w.update(number, {"a": 1})
        w.before_the_write(lambda: w.repo.edit_issue(number, "bob", body='{"by": "hand"}'))
        result = w.process(number)
        assert w.data(number) == {"count": 0, "a": 1}
        assert "This run overwrote an edit of the body that bob saved" in result.notes[0]


def test_others_win_every_round__ends_after_a_bounded_number() -> None:
    with world() as w:
        number = w.object()
        w.update(number, {"a": 1})

        stale = w.repo.issue(number)

        def undo(request: Request) -> None:
            if not request.writes:
                w.repo.edit_issue(number, BOT, title=stale.title, body=stale.body)

        w.hub.faults.partial({"check": {"message": "Time-out."}}, match=lambda r: r.writes, times=None)
        w.hub.before_request.append(undo)
        with pytest.raises(ConcurrentUpdateError, match="in 10 rounds: others wrote at the same time"):
            w.process(number)
        w.hub.before_request.clear()
        w.hub.faults.clear()
        w.sweep()
        assert w.repo.issue(number).state.lower() == "closed"


def test_a_writer_who_never_stops_posting__the_run_ends_after_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "MOST_ROUNDS", 5)
    with world() as w:
        number = w.object(data={"n": 0})
        w.update(number, INC)
        w.hub.before_request.append(lambda r: w.update(number, INC, reopen=False) if r.writes else None)
        with pytest.raises(StoreError, match="not finished in 5 rounds"):
            w.process(number)
        w.hub.before_request.clear()
        posted = sum(1 for c in w.repo.issue(number).comments if c.author == "alice")
        w.sweep()
        assert w.data(number) == {"n": posted}


def test_a_writer_who_keeps_posting__the_run_keeps_folding() -> None:
    with world() as w:
        number = w.object(data={"n": 0})
        w.update(number, INC)
        posted: list[int] = []

        def post(request: Request) -> None:
            if request.writes and len(posted) < 25:
                posted.append(w.update(number, INC, reopen=False))

        w.hub.before_request.append(post)
        assert w.process(number).applied == 26
        assert w.data(number) == {"n": 26}


def test_a_checkpoint_that_did_not_arrive_is_sent_again() -> None:
    with world() as w:
        number = w.object()
        w.repo.edit_issue(number, "bob", body='{"by": "hand"}')
        error = {"message": "Something went wrong."}
        w.hub.faults.partial({"checkpoint": error}, match=lambda r: "checkpoint:" in r.body)
        w.process(number)
        assert w.seen(number).checkpoints == 2
        assert w.data(number) == {"by": "hand"}


def test_a_checkpoint_that_never_arrives__an_error_and_the_body_is_right() -> None:
    with world() as w:
        number = w.object()
        w.repo.edit_issue(number, "bob", body='{"by": "hand"}')
        w.hub.faults.partial({"checkpoint": {"message": "No."}}, match=lambda r: "checkpoint:" in r.body, times=None)
        with pytest.raises(GitHubError, match="did not save the checkpoint"):
            w.process(number)
        assert w.data(number) == {"by": "hand"}


def test_a_checkpoint_that_is_not_shown__an_error_and_the_body_is_right() -> None:
    with world() as w:
        number = w.object()
        w.repo.edit_issue(number, "bob", body='{"by": "hand"}')
        w.hub.delays.comments = 50
        with pytest.raises(NotFinished, match="did not save the checkpoint"):
            w.process(number)
        assert w.data(number) == {"by": "hand"}
        w.hub.delays.comments = 0
        for _ in range(50):
            w.session().ensure()
        w.process(number)
        assert (w.data(number), w.seen(number).checkpoints) == ({"by": "hand"}, 2)


def test_a_conversation_that_is_not_locked_again__is_told() -> None:
    with world() as w:
        number = w.object()
        w.update(number, {"a": 1})
        w.repo.lock(number, "alice")
        w.hub.faults.refuse("lockLockable", {"type": "FORBIDDEN", "message": "You may not lock"}, times=None)
        result = w.process(number)
        assert (result.applied, w.data(number)) == (1, {"count": 0, "a": 1})
        assert result.notes == ("GitHub did not lock the conversation again. Lock it by hand.",)


def test_a_receipt_that_never_arrives__is_left_for_the_next_run() -> None:
    with world() as w:
        number = w.object()
        w.update(number, {"a": 1})
        w.hub.faults.partial({"r0": {"message": "No."}}, match=lambda r: "r0:" in r.body, times=None)
        result = w.process(number)
        assert (result.receipts_left, w.data(number)) == (1, {"count": 0, "a": 1})
        assert "could not be added" in result.notes[-1]


def test_an_update_deleted_between_read_and_write__its_receipt_is_let_go() -> None:
    with world() as w:
        number = w.object()
        comment = w.update(number, {"a": 1})
        w.before_the_write(lambda: w.repo.delete_comment(comment, "alice"))
        w.process(number)
        assert w.repo.issue(number).state.lower() == "closed"
        assert w.sweep() == []


def test_two_thousand_five_hundred_comments__the_update_is_folded_and_the_message_names_the_command() -> None:
    """D31."""
    with world() as w:
        w.hub.options.comments_per_issue = 12
        number = w.object()
        for _ in range(9):
            w.repo.comment(number, "bob", "talk")
        w.update(number, {"a": 1})
        w.update(number, '{"bad": }')
        with pytest.raises(StoreError, match="gh-store roll-over m"):
            w.process(number)
        assert w.data(number) == {"count": 0, "a": 1}


def test_cancelled__stops_between_two_requests_and_loses_nothing() -> None:
    with world() as w:
        number = w.object()
        w.update(number, {"a": 1})
        runner = w.processor()
        w.hub.after_request.append(lambda request: runner.github.transport.stop())
        with pytest.raises(Cancelled, match="Run again to continue from there"):
            runner.process(number)
        w.hub.after_request.clear()
        w.sweep()
        assert w.data(number) == {"count": 0, "a": 1}


def test_an_issue_that_is_not_there() -> None:
    with world() as w, pytest.raises(ObjectNotFound, match="no issue #7"):
        w.process(7)


def test_a_sweep__one_broken_object_does_not_stop_the_others() -> None:
    """D46."""
    with world() as w:
        labels = ["stored-object", "UID:broken"]
        broken = w.repo.open_issue("alice", "Stored Object: broken", "oops", labels)
        good = w.object("good")
        w.update(good, {"a": 1})
        done: list[tuple[int, int]] = []
        results = w.processor().sweep(lambda k, n: done.append((k, n)))
        assert [(r.number, r.applied, bool(r.error)) for r in results] == [(broken, 0, True), (good, 1, False)]
        assert done == [(0, 2), (1, 2), (2, 2)]


def test_a_sweep_without_permission_to_write__stops_at_the_first() -> None:
    with world() as w:
        for name in ("a", "b"):
            w.update(w.object(name), {"a": 1})
        results = w.sweep(w.token(issues="read", contents="read"))
        assert [str(r.error)[:14] for r in results] == ["The token may "]


def test_a_sweep_of_many_quiet_objects_costs_a_request_a_hundred() -> None:
    with world() as w:
        for place in range(5):
            w.object(f"o{place}")
        saved = w.hub.save()
        before = w.requests()
        assert w.sweep() == []
        assert w.requests() - before == 1
        w.hub.restore(saved)


def test_the_configuration_names_another_label__the_sweep_follows_it() -> None:
    with world() as w:
        w.repo.commit_files({".github/gh-store.yml": "store: {base_label: thing}\n"}, by="alice")
        number = w.repo.open_issue(BOT, "Stored Object: m", json.dumps({"a": 1}), ["thing", "UID:m"])
        assert [r.number for r in w.sweep()] == [number]


def test_the_pages_of_a_sweep() -> None:
    with world() as w:
        number = w.object("first")
        w.update(number, {"a": 1})
        for place in range(101):
            w.repo.open_issue("mallory", f"Stored Object: s{place}", "{}", [], state="closed")
        numbers = [
            w.repo.open_issue(BOT, f"Stored Object: o{n}", "{}", ["stored-object", f"UID:o{n}"]) for n in range(102)
        ]
        with suppress(StoreError):
            results = w.sweep()
        assert [r.number for r in results] == [number, *numbers]
        assert all(r.error is None for r in results)


@pytest.mark.parametrize("odd", ["a b", "xé", "[r1 c1 n1 abcdef01]"])
def test_an_id_in_a_label_that_cannot_carry_it__is_left_alone_and_costs_a_look(odd: str) -> None:
    """What a label cannot carry has a label of its own form: `verify --repair` puts it right."""
    with world() as w:
        number = w.repo.open_issue("octo", f"Stored Object: {odd}", "{}", ["stored-object", f"UID:{odd}"])
        before = w.requests()
        assert w.process(number).skipped.startswith(f"its label is 'UID:{odd}', and should be 'UID:=")
        assert w.requests() - before == 1
        assert w.repo.issue(number).title == f"Stored Object: {odd}"
        before = w.requests()
        assert w.sweep() == []
        assert w.requests() - before == 2  # the page has no labels, so what no title settles is looked at


@pytest.mark.parametrize("trouble", ["a schema", "a checkpoint", "a body"])
def test_a_sweep__one_objects_trouble_does_not_stop_the_others(trouble: str) -> None:
    with world() as w:
        first, second = w.object("first"), w.object("second")
        for number in (first, second):
            w.update(number, {"a": 1})
        if trouble == "a schema":
            rules = 'store: {schemas: [{match: "f*", schema: bad.json}, {match: "*", schema: ok.json}]}'
            folder = ".github/gh-store"
            w.repo.commit_files({f"{folder}.yml": rules, f"{folder}/bad.json": "{", f"{folder}/ok.json": "{}"})
        elif trouble == "a checkpoint":
            w.repo.edit_issue(first, "alice", body='{"by": "hand"}')
            w.hub.faults.partial(
                {name: {"message": "No."} for name in ("checkpoint", "o0_checkpoint", "o1_checkpoint")},
                match=lambda r: "checkpoint:" in r.body,
                times=None,
            )
        else:
            w.update(first, {"long": "x" * 500})
            w.hub.options.silent_oversize = True
            w.hub.options.body_limit = 400
        results = w.sweep()
        assert [(r.number, bool(r.error), r.applied) for r in results] == [(first, True, 0), (second, False, 1)]
        assert w.data(second) == {"count": 0, "a": 1}


def test_an_edit_of_an_applied_comment__is_answered_once() -> None:
    with world() as w:
        number = w.object(data={"n": 0})
        comment = w.update(number, {"n": 42})
        w.process(number)
        for value in (43, 44):
            w.repo.edit_comment(comment, "alice", json.dumps({"n": value}))
            w.process(number)
            assert w.data(number) == {"n": 42}
        told = [c.body for c in w.repo.issue(number).comments if "edited by @alice" in c.body]
        assert len(told) == 1
        assert "Post the change as a new comment." in told[0]
        assert not w.process(number).changed
        w.update(number, {"n": 45})
        w.process(number)
        assert w.data(number) == {"n": 45}


def test_an_object_that_loses_its_label_under_a_write__is_told_with_what_to_do(w: World) -> None:
    number = w.object(data={"n": 0})
    w.process(number)
    w.update(number, {"n": 1})
    w.before_the_write(lambda: w.repo.edit_issue(number, "alice", labels=["UID:m"]))
    with pytest.raises(
        ConcurrentUpdateError, match=r"stopped being an object while this run wrote to it.*post them again"
    ):
        w.process(number)
    assert w.data(number) == {"n": 1}
