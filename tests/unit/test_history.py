"""The log as states and entries: decisions over values."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from gh_store_action.domain.log import entries as updates
from gh_store_action.domain.objects import Marker, short_digest, title
from gh_store_action.domain.past import audit as auditing
from gh_store_action.domain.past import history
from gh_store_action.domain.past.history import ObjectLog, Point
from gh_store_action.domain.processing.reconcile import CHANGED
from gh_store_action.domain.records import Comment, Issue, Reaction, Refusal, Rules
from gh_store_action.domain.refusal import Reason
from gh_store_action.domain.replies import read_reasons, refused
from gh_store_action.domain.strict_json import dump

BOT = "github-actions[bot]"
RULES = Rules()
MINUTE = "2026-01-01T00:{:02d}:00Z"


def comment(number: int, body: object, *, by: str = "ada", receipts: str = "", **more: Any) -> Comment:
    text = body if isinstance(body, str) else json.dumps(body)
    reactions = tuple(Reaction(BOT, content) for content in receipts.split())
    return Comment(number, f"C{number}", by, text, MINUTE.format(number), reactions=reactions, **more)


def state(
    number: int, data: object, *, after: int = 0, revision: int = 1, on: int = 0, reason: str = "", **verdicts: str
) -> Comment:
    """A checkpoint made on the marker of revision `on`."""
    text = updates.checkpoint(
        data,  # type: ignore[arg-type]
        after=after,
        revision=revision,
        update_id=updates.checkpoint_id(on, after, data),  # type: ignore[arg-type]
        version="1",
        reason=reason,
        verdicts={int(key[1:]): outcome for key, outcome in verdicts.items()},
    )
    return comment(number, text, by=BOT)


def issue(data: Any, revision: int, edge: int, *comments: Comment, marked: bool = True) -> Issue:
    marker = Marker(revision, edge, sum(1 for c in comments if c.id <= edge), short_digest(data))
    return Issue(
        number=7,
        node_id="I7",
        title=title("m", marker, RULES) if marked else "Stored Object: m",
        body=dump(data),
        closed=True,
        author=BOT,
        labels=("stored-object", "UID:m"),
        created_at=MINUTE.format(0),
        updated_at=MINUTE.format(59),
        comments=comments,
        total_comments=len(comments),
    )


def log_of(found: Issue) -> ObjectLog:
    return history.read(found, RULES)


def seen(found: Issue) -> list[tuple[int, Any, bool]]:
    return [(point.revision, point.data, point.certain) for point in history.points(log_of(found))]


def test_points__of_a_plain_log() -> None:
    found = issue(
        {"n": 2}, 3, 4,
        state(1, {"n": 0}),
        comment(2, {"n": 1}, receipts="+1"),
        comment(3, {"n": 9}, receipts="-1"),
        comment(4, {"n": 2}, receipts="+1"),
        comment(5, {"n": 3}),
    )  # fmt: skip
    assert seen(found) == [(1, {"n": 0}, True), (2, {"n": 1}, True), (3, {"n": 2}, True)]
    assert auditing.audit(log_of(found), "m")[0].kind == "stranded-update"


def test_points__a_repeated_checkpoint_counts_once() -> None:
    found = issue({"n": 0}, 1, 1, state(1, {"n": 0}), state(2, {"n": 0}))
    assert seen(found) == [(1, {"n": 0}, True)]


def test_points__two_hand_edits_at_one_place() -> None:
    found = issue(
        {"n": 6}, 3, 1,
        state(1, {"n": 0}),
        state(2, {"n": 5}, after=1, revision=2, on=1, reason="edited by hand"),
        state(3, {"n": 6}, after=1, revision=3, on=2, reason="edited by hand"),
    )  # fmt: skip
    assert seen(found) == [(1, {"n": 0}, True), (2, {"n": 5}, True), (3, {"n": 6}, True)]


@pytest.mark.parametrize(
    ("on", "revision", "before"),
    [
        (2, 3, [(1, {"n": 0}, True), (2, {"n": 0, "a": 1}, True)]),  # it was in the body, only its receipt was missing
        (1, 3, [(1, {"n": 0}, True)]),  # it came late: the checkpoint alone holds it
        (9, 9, [(1, {"n": 0}, True), (2, {"n": 0, "a": 1}, False)]),  # neither
    ],
)
def test_points__what_a_checkpoint_took_over(on: int, revision: int, before: list[object]) -> None:
    data = {"n": 5, "a": 1}
    found = issue(
        data, revision, 2,
        state(1, {"n": 0}),
        comment(2, {"a": 1}),
        state(3, data, after=2, revision=revision, on=on, c2="applied"),
    )  # fmt: skip
    assert seen(found) == [*before, (revision, data, True)]


def test_points__a_checkpoint_whose_key_is_no_key() -> None:
    odd = {"type": "initial_state", "_data": {"n": 1}, "_meta": {"after": 2, "revision": 2, "update_id": "odd"}}
    found = issue({"n": 1}, 2, 2, state(1, {"n": 0}), comment(2, {"a": 1}, receipts="+1"), comment(3, odd, by=BOT))
    assert seen(found) == [(1, {"n": 0}, True), (2, {"n": 0, "a": 1}, False), (2, {"n": 1}, True)]


def test_points__before_a_log_that_was_changed_nothing_is_certain() -> None:
    found = issue(
        {"n": 9}, 3, 2,
        state(1, {"n": 0}),
        comment(2, {"n": 1}, receipts="+1"),
        state(3, {"n": 9}, after=2, revision=3, on=2, reason=CHANGED),
    )  # fmt: skip
    assert seen(found) == [(1, {"n": 0}, True), (2, {"n": 1}, False), (3, {"n": 9}, True)]


def test_points__an_update_without_a_verdict_in_the_last_stretch() -> None:
    log = (state(1, {"n": 0}), comment(2, {"a": 1}), comment(3, {"b": 1}, receipts="+1"))
    assert seen(issue({"n": 0, "a": 1, "b": 1}, 3, 3, *log))[-1] == (3, {"n": 0, "a": 1, "b": 1}, True)
    assert seen(issue({"n": 0, "b": 1}, 2, 3, *log))[-1] == (2, {"n": 0, "b": 1}, True)
    assert seen(issue({"other": 0}, 5, 3, *log))[-1][2] is False


def test_points__without_a_marker_the_body_tells() -> None:
    log = (state(1, {"n": 0}), comment(2, {"a": 1}, receipts="+1"))
    assert seen(issue({"n": 0, "a": 1}, 2, 2, *log, marked=False))[-1] == (2, {"n": 0, "a": 1}, True)
    assert seen(issue({"x": 0}, 2, 2, *log, marked=False))[-1][2] is False
    broken = dataclasses.replace(issue({}, 2, 2, *log, marked=False), body="oops")
    assert seen(broken)[-1][2] is False


def test_points__a_recorded_verdict_that_can_not_be_right_makes_them_uncertain() -> None:
    change = {"_data": [{"op": "remove", "path": "/nothing"}], "_meta": {"update_mode": "json-patch"}}
    found = issue({"n": 0}, 2, 2, state(1, {"n": 0}), comment(2, change, receipts="+1"))
    assert seen(found) == [(1, {"n": 0}, True)]
    assert history.at_revision(history.points(log_of(found)), 2) is None


def test_points__of_gh_stores_log_with_what_can_not_be_folded() -> None:
    patch = {"_data": [{"op": "remove", "path": "/nothing"}], "_meta": {"update_mode": "json-patch"}}
    first = {"type": "initial_state", "data": {"n": 0}, "timestamp": "2025"}
    log = (comment(1, first, by=BOT), comment(2, patch, receipts="+1"), comment(3, {"n": 1}, receipts="+1"))
    assert seen(issue({"n": 1}, 0, 0, *log, marked=False)) == [(1, {"n": 0}, True), (4, {"n": 1}, True)]


def test_points__of_an_empty_log() -> None:
    assert seen(issue({"n": 1}, 1, 0)) == []
    assert auditing.audit(log_of(issue({"n": 1}, 1, 0)), "m")[0].kind == "missing-checkpoint"


def test_at_time__no_state_held_before_the_one_that_it_came_from() -> None:
    found = history.points(
        log_of(
            issue(
                {"n": 5, "a": 1}, 3, 2,
                state(1, {"n": 0}),
                comment(2, {"a": 1}, receipts="+1"),
                state(3, {"n": 5}, after=1, revision=2, on=1, reason="edited by hand"),
            )
        )
    )  # fmt: skip
    assert [point.time for point in found] == [MINUTE.format(0), MINUTE.format(3), MINUTE.format(3)]
    assert history.at_time(found, MINUTE.format(2)) == Point(1, {"n": 0}, MINUTE.format(0), 1)
    assert history.at_time(found, "2025") is None


def test_entries__what_has_no_receipt_is_pending_whoever_wrote_it() -> None:
    found = issue(
        {"n": 0}, 1, 3,
        state(1, {"n": 0}),
        comment(2, {"evil": 1}, by="eve"),
        comment(3, {"odd": 1}),
        comment(4, {"evil": 2}, by="eve"),
    )  # fmt: skip
    log = log_of(found)
    shown = history.entries_of(log, history.points(log))
    assert [entry["metadata"]["verdict"] for entry in shown] == ["applied", "pending", "pending", "pending"]


def test_entries__reasons_from_the_reply_else_from_the_fold() -> None:
    refusal = Refusal(3, "ada", (Reason("$.a b`c", "must be <b> & @ada not #7"), Reason("$", "plain")))
    reply = refused([refusal], edit=None, issue_url="https://github.com/o/r/issues/7")
    wrong = {"_data": {"x": 1}, "_meta": {"if_revision": 9}}
    found = issue(
        {"n": 0}, 1, 4,
        comment(1, {"early": 1}, receipts="-1"),
        state(2, {"n": 0}),
        comment(3, {"n": 1}, receipts="-1"),
        comment(4, wrong, receipts="-1"),
        comment(5, reply, by=BOT),
    )  # fmt: skip
    log = log_of(found)
    reasons = {e["comment_id"]: e["metadata"]["reasons"] for e in history.entries_of(log, history.points(log))}
    assert reasons[1] == []
    assert reasons[3] == [
        {"path": "$.a b`c", "message": "must be <b> & @ada not #7"},
        {"path": "$", "message": "plain"},
    ]
    assert "wants revision 9" in str(reasons[4])


def test_read_reasons__only_what_stands_below_its_comment() -> None:
    text = "- [5](u) by x\n  - `$`: one\n  - the reason was not kept\ntalk\n  - `$`: of nobody"
    assert read_reasons(text) == {5: (("$", "one"),)}


def test_read__the_repositorys_people_may_have_run_the_store_too() -> None:
    made = dataclasses.replace(state(1, {"n": 0}), author="ada", reactions=(Reaction("ada", "rocket"),))
    update = dataclasses.replace(comment(2, {"n": 1}, by="bob"), reactions=(Reaction("ada", "+1"),))
    found = dataclasses.replace(issue({"n": 1}, 2, 2, made, update), author="ada")
    assert seen(found) == [(1, {"n": 0}, True), (2, {"n": 1}, True)]
    stranger = dataclasses.replace(made, author="eve", reactions=(Reaction("eve", "rocket"),))
    assert seen(dataclasses.replace(found, comments=(stranger,))) == []
