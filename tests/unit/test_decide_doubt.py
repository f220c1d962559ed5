"""One decision in doubt: receipts are missing, comments came late, or the log was changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gh_store_action.domain import objects
from gh_store_action.domain.log.fold import State
from gh_store_action.domain.processing.decide import decide
from gh_store_action.domain.processing.effects import ReadFurther, UpToDate, Write
from gh_store_action.domain.records import Issue, Receipt
from gh_store_action.domain.strict_json import Json
from gh_store_action.domain.verdicts import APPLIED, Outcome
from tests.support.values import BOT, comment, context, initial, issue, marked, written

START = {"count": 0}


def wrote(found: object) -> Write:
    assert isinstance(found, Write), found
    return found


def settled(before: Issue, step: Write, **options: object) -> Issue:
    """The issue after the step, which leaves nothing to do."""
    after = written(before, step)
    assert isinstance(decide(after, context(**options)), UpToDate)  # type: ignore[arg-type]
    return after


# -- in doubt


def test_a_crash_before_the_receipts__they_are_given_and_nothing_is_folded_twice() -> None:
    """D19."""
    push = {"_data": {"$inc": {"count": 1}}, "_meta": {"update_mode": "operators"}}
    log = [initial(), comment(11, push), comment(12, push)]
    before = issue({"count": 2}, log, marker=marked(3, 12, 3, {"count": 2}))
    step = wrote(decide(before, context()))
    assert step.title is None
    assert [(r.comment_id, r.content) for r in step.receipts] == [(11, "+1"), (12, "+1")]
    settled(before, step)


def test_a_removed_receipt__the_old_value_does_not_win() -> None:
    """D20."""
    log = [initial(), comment(11, {"v": 1}), comment(12, {"v": 2}, "alice", "+1")]
    data = {"count": 0, "v": 2}
    step = wrote(decide(issue(data, log, marker=marked(3, 12, 3, data)), context()))
    assert (step.title, [r.comment_id for r in step.receipts]) == (None, [11])


def test_a_stranger_without_receipt_is_no_doubt() -> None:
    log = [initial(), comment(11, {"h": 1}, "mallory"), comment(12, {"a": 1}, "alice", "+1")]
    data = {"count": 0, "a": 1}
    before = issue(data, log, marker=marked(2, 12, 3, data))
    step = wrote(decide(before, context()))
    assert (step.title, step.receipts) == (None, (Receipt(11, "IC11", "confused"),))
    settled(before, step)


def test_a_late_arrival__comes_last_and_a_checkpoint_says_so() -> None:
    log = [initial(), comment(11, {"v": "late", "late": 1}), comment(12, {"v": "early"}, "alice", "+1")]
    data = {"count": 0, "v": "early"}
    before = issue(data, log, marker=marked(2, 12, 2, data, 10, 12))
    step = wrote(decide(before, context()))
    assert step.state.data == {"count": 0, "v": "late", "late": 1}
    assert '"after": 12' in step.checkpoint
    assert step.notes == ("Folded now, because they came late: 11.",)
    after = settled(before, step)
    assert objects.read_title(after.title)[1] == marked(3, 12, 3, step.state.data, 10, 11, 12)


def test_late_ones_come_in_the_order_of_their_comments__whatever_has_a_receipt() -> None:
    """The receipt is another run's, which was written over."""
    log = [initial(), comment(11, {"v": 1}), comment(12, {"v": 2}, "alice", "+1"), comment(13, {"w": 1}, "bob", "+1")]
    data = {"count": 0, "w": 1}
    before = issue(data, log, marker=marked(2, 13, 2, data, 10, 13))
    step = wrote(decide(before, context()))
    assert step.state.data == {"count": 0, "v": 2, "w": 1}
    settled(before, step)


def test_a_crash_a_late_arrival_and_a_deletion_at_once() -> None:
    log = [initial(), comment(12, {"late": 1}), comment(13, {"held": 1})]
    data = {"count": 0, "gone": 1, "held": 1}
    before = issue(data, log, marker=marked(3, 13, 3, data, 10, 11, 13))
    step = wrote(decide(before, context()))
    assert step.state.data == {**data, "late": 1}
    assert {k: v.outcome for k, v in step.verdicts.items()} == {12: Outcome.APPLIED, 13: Outcome.APPLIED}
    settled(before, step)


def test_a_late_arrival_before_all_that_the_marker_names__the_count_tells() -> None:
    log = [comment(number, {f"k{number}": 1}, "alice", "+1") for number in range(11, 31)]
    data = {"x": 1}
    marker = marked(21, 30, 20, data, *(c.id for c in log if c.id != 13))
    before = issue(data, [initial(), *log[:2], comment(13, {"late": 1}), *log[3:]], marker=marker)
    step = wrote(decide(before, context()))
    assert step.state.data == {"x": 1, "late": 1}
    settled(before, step)


@pytest.mark.parametrize("move", [1_000, -5])
@pytest.mark.parametrize("receipts", [("+1",), ()])
def test_a_copied_issue__whose_comments_have_other_ids__holds_what_its_marker_says(move: int, receipts: str) -> None:
    increase = {"_data": {"$inc": {"count": 1}}, "_meta": {"update_mode": "operators"}}
    before = issue(
        {"count": 2},
        [initial(10 + move), *(comment(n + move, increase, "alice", *receipts) for n in (11, 12))],
        marker=marked(3, 12, 3, {"count": 2}, 10, 11, 12),
    )
    step = wrote(decide(before, context()))
    assert step.state == State({"count": 2}, 3)
    assert step.marker == marked(3, 12 + move, 3, {"count": 2}, *(n + move for n in (10, 11, 12)))
    settled(before, step)


@pytest.mark.parametrize("place", [1, 2])
def test_a_copied_issue_whose_newest_checkpoint_stands_behind_the_count(place: int) -> None:
    """Of a hand edit that a run took over: the copy has other ids, and the checkpoint names one of the old ones."""
    taken_over = initial(1_013, {"hand": 1}, after=9 + place, revision=3, update_id="k", reason="edited by hand")
    log = [initial(1_010), comment(1_011, {"a": 1}), comment(1_012, {"b": 1}), taken_over, comment(1_014, {"new": 1})]
    data = {"hand": 1} | ({"a": 1} if place == 1 else {}) | {"b": 1}
    before = issue(data, log, marker=marked(4, 12, 3, data, 10, 11, 12))
    step = wrote(decide(before, context()))
    assert step.state.data == {**data, "new": 1}
    assert step.marker.comment == 1_014
    settled(before, step)


def test_other_ids_that_nothing_explains__are_read_whole_and_the_body_stays() -> None:
    """More comments than are there were counted, so these are no copies of them."""
    data = {"count": 5}
    before = issue(data, [comment(1_011, {"a": 1})], marker=marked(9, 12, 40, data, 10, 11, 12), complete=False)
    before = replace(before, comments=(comment(2, "talk"), *before.comments), total_comments=60)
    assert decide(before, context()) == ReadFurther(0)
    whole = replace(before, complete=True, total_comments=2)
    assert wrote(decide(whole, context())).state.data == {"count": 5, "a": 1}


@pytest.mark.parametrize("behind", [True, False])
@pytest.mark.parametrize("receipts", [("+1",), ()])
def test_a_copied_issue_that_does_not_fold_to_the_markers_state__holds_what_was_counted_or_has_a_receipt(
    behind: bool, receipts: str
) -> None:
    taken_over = initial(1_012, {"hand": 1}, after=11, revision=3, update_id="k", reason="edited by hand")
    log = [initial(1_010), comment(1_011, {"a": 1}, "alice", *receipts), *([taken_over] if behind else [])]
    data = {"count": 5}
    count = 3 if receipts else 2  # one was deleted
    before = issue(data, [*log, comment(1_013, {"new": 1})], marker=marked(4, 12, count, data, 10, 11))
    step = wrote(decide(before, context()))
    assert step.state.data == {"count": 5, "new": 1}
    settled(before, step)


def test_other_ids_without_a_state_of_the_stores__are_new_comments() -> None:
    before = issue({"count": 5}, [comment(1_011, {"a": 1})], marker=marked(4, 12, 1, {"count": 5}, 12))
    assert wrote(decide(before, context())).state.data == {"count": 5, "a": 1}


@pytest.mark.parametrize(
    ("held", "outcomes"),
    [
        ({"a": 1, "m": 1}, ["+1", "+1"]),
        ({"a": 1}, ["+1", "confused"]),
        ({"m": 1}, ["confused", "+1"]),
        ({}, ["confused", "confused"]),
        ({"edited": 1}, ["+1", "confused"]),  # nothing explains it: today's rights
    ],
)
def test_receipts_that_are_missing_say_what_the_body_holds_whoever_may_write_today(
    held: dict[str, Json], outcomes: list[str]
) -> None:
    log = [initial(), comment(11, {"a": 1}), comment(12, {"m": 1}, "mallory")]
    data: Json = {"count": 0, **held}
    step = wrote(decide(issue(data, log, marker=marked(2, 12, 3, data, 10, 11, 12)), context()))
    assert [receipt.content for receipt in step.receipts] == outcomes


def test_a_deleted_update_that_is_posted_again_is_a_new_one() -> None:
    increase = {"_data": {"$inc": {"count": 1}}, "_meta": {"update_mode": "operators"}}
    before = issue({"count": 1}, [initial(), comment(14, increase)], marker=marked(2, 11, 2, {"count": 1}, 10, 11))
    assert wrote(decide(before, context())).state.data == {"count": 2}


def test_a_late_arrival_that_would_undo_a_verdict_does_not() -> None:
    test = {
        "_data": [{"op": "test", "path": "/count", "value": 0}, {"op": "add", "path": "/ok", "value": 1}],
        "_meta": {"update_mode": "json-patch"},
    }
    log = [initial(), comment(11, {"count": 5}), comment(12, test, "alice", "+1")]
    data = {"count": 0, "ok": 1}
    before = issue(data, log, marker=marked(2, 12, 2, data, 10, 12))
    step = wrote(decide(before, context()))
    assert step.state.data == {"count": 5, "ok": 1}
    settled(before, step)


def test_four_late_ones_at_once_are_found_together() -> None:
    late = [comment(number, {f"late{number}": 1}) for number in (11, 12, 13, 14)]
    data = {"count": 0, "x": 1}
    before = issue(data, [initial(), *late, comment(15, {"x": 1}, "alice", "+1")], marker=marked(2, 15, 2, data))
    step = wrote(decide(before, context()))
    assert step.state.data == {"count": 0, "x": 1, "late11": 1, "late12": 1, "late13": 1, "late14": 1}
    settled(before, step)


def test_an_applied_comment_was_edited_later__changes_nothing() -> None:
    """D23."""
    edited = comment(11, {"v": "edited"}, "alice", "+1", edited_at="2026-03-01T00:00:00Z", editor="alice")
    data = {"count": 0, "v": "first"}
    assert isinstance(decide(issue(data, [initial(), edited], marker=marked(2, 11, 2, data)), context()), UpToDate)


@pytest.mark.parametrize("deleted", ["talk", "an applied update", "the initial state"])
def test_a_comment_was_deleted__nothing_changes(deleted: str) -> None:
    data = {"count": 0, "v": 1}
    log = {"talk": 10, "an applied update": 11, "the initial state": 10}
    there = [initial(), comment(11, {"v": 1}, "alice", "+1"), comment(12, "talk")]
    there = [c for c in there if c.id != log[deleted]]
    before = issue(data, there, marker=marked(2, 12, 3, data, 10, 11, 12))
    assert isinstance(decide(before, context()), UpToDate)


def test_late_talk__only_the_marker_is_renewed() -> None:
    before = issue(START, [initial(), comment(11, "late"), comment(12, "talk")], marker=marked(1, 12, 2, START, 10, 12))
    step = wrote(decide(before, context()))
    assert (step.checkpoint, step.body, step.state.revision) == ("", before.body, 1)
    settled(before, step)


def test_a_crash_behind_a_deleted_comment__what_the_body_holds_is_not_folded_again() -> None:
    crashed = comment(13, {"old": 1})
    data = {"count": 0, "gone": 1, "old": 1}
    before = issue(data, [initial(), crashed], marker=marked(3, 13, 3, data, 10, 12, 13))
    step = wrote(decide(before, context()))
    assert (step.title, step.verdicts[13].outcome) == (None, Outcome.APPLIED)
    settled(before, step)


def test_missing_receipts__the_read_goes_back_to_one_that_is_there() -> None:
    data = {"count": 0, "a": 1}
    crashed = comment(51, {"a": 1})
    options = {"marker": marked(2, 51, 40, data, 50, 51), "complete": False, "total_comments": 40}
    assert decide(issue(data, [comment(50, "talk"), crashed], **options), context()) == ReadFurther(49)  # type: ignore[arg-type]
    before = issue(data, [comment(50, {"b": 1}, "alice", "-1"), crashed], **options)  # type: ignore[arg-type]
    step = wrote(decide(before, context()))
    assert (step.title, [r.comment_id for r in step.receipts]) == (None, [51])


def test_doubt_and_a_key_near_the_end_of_the_read__reads_the_comments_that_the_key_looks_at() -> None:
    keyed = comment(62, {"_data": {"a": 1}, "_meta": {"update_id": "k"}})
    data = {"count": 0, "a": 1}
    before = issue(
        data,
        [comment(61, "talk"), keyed, initial(63, START, after=61, revision=2, reason="edited by hand")],
        marker=marked(3, 62, 40, data),
        complete=False,
        total_comments=41,
    )
    assert decide(before, context()) == ReadFurther(60)


def test_a_rebuild_and_a_key_near_the_end_of_the_read__reads_the_comments_that_the_key_looks_at() -> None:
    keyed = comment(62, {"_data": {"a": 1}, "_meta": {"update_id": "k"}})
    before = issue(
        "oops",
        [comment(61, "talk"), initial(60, START, after=59, revision=2), keyed],
        marker=marked(3, 62, 40, {"count": 0, "a": 1}),
        complete=False,
        total_comments=40,
        editor=BOT,
    )
    before = replace(before, comments=tuple(sorted([comment(59, "talk"), *before.comments], key=lambda c: c.id)))
    assert decide(before, context(known={62: APPLIED})) == ReadFurther(58)


def test_a_broken_edit_over_a_late_one_that_would_undo_a_verdict__rebuilt_with_the_late_one_last() -> None:
    test = {
        "_data": [{"op": "test", "path": "/count", "value": 0}, {"op": "add", "path": "/ok", "value": 1}],
        "_meta": {"update_mode": "json-patch"},
    }
    log = [initial(), comment(11, {"count": 5}), comment(12, test, "alice", "+1")]
    before = issue(
        "oops", log, marker=marked(2, 12, 2, {"count": 0, "ok": 1}), editor="bob", edited_at="2026-02-02T00:00:00Z"
    )
    step = wrote(decide(before, context()))
    assert step.state.data == {"count": 5, "ok": 1}
    assert '"after": 12' in step.checkpoint
    settled(before, step)


def test_a_log_without_any_initial_state__the_body_stays() -> None:
    data = {"count": 7}
    before = issue(data, [comment(11, {"a": 1})], marker=marked(2, 11, 1, data))
    step = wrote(decide(before, context()))
    assert step.state.data == data
    settled(before, step)


def test_a_late_checkpoint__the_hand_edit_that_a_slow_run_wrote_over_comes_back() -> None:
    taken_over = initial(12, {"hand": 1}, after=10, revision=2, update_id="1-10-x", reason="edited by hand")
    log = [initial(), comment(11, {"a": 1}, "alice", "+1"), taken_over]
    data = {"count": 0, "a": 1}
    before = issue(data, log, marker=marked(2, 11, 2, data))
    step = wrote(decide(before, context()))
    assert step.state.data == {"hand": 1, "a": 1}
    settled(before, step)


def test_a_stray_checkpoint_and_a_body_that_nothing_explains__the_body_stays() -> None:
    stray = initial(60, {"hand": 1}, after=50, revision=2, update_id="k", reason="edited by hand")
    before = issue(
        {"other": 1},
        [comment(50, "talk"), stray],
        marker=marked(9, 55, 70, {"other": 1}, 50, 55),
        complete=False,
        total_comments=71,
    )
    assert decide(before, context()) == ReadFurther(49)
    whole = replace(before, complete=True, total_comments=2)
    assert isinstance(decide(whole, context()), UpToDate)


def test_what_a_checkpoint_names_has_its_verdict_and_gets_its_receipt() -> None:
    held = initial(
        13,
        {"x": 1},
        after=12,
        revision=4,
        update_id="k",
        reason="comments came late",
        verdicts={11: "rejected", 12: "applied"},
    )
    log = [initial(), comment(11, '{"bad": }'), comment(12, {"x": 1}), held]
    step = wrote(decide(issue({"x": 1}, log, marker=marked(4, 12, 3, {"x": 1})), context()))
    assert [(r.comment_id, r.content) for r in step.receipts] == [(11, "-1"), (12, "+1")]
    assert step.title is None


def test_a_late_one_from_before_a_checkpoint__is_folded_on_top() -> None:
    held = initial(13, {"x": 1}, after=12, revision=2, update_id="k", reason="edited by hand")
    log = [initial(), comment(11, {"late": 1}), comment(12, "talk"), held]
    step = wrote(decide(issue({"x": 1}, log, marker=marked(2, 12, 2, {"x": 1})), context()))
    assert step.state.data == {"x": 1, "late": 1}
    assert '"after": 12' in step.checkpoint


def test_one_late_before_a_checkpoint_and_one_after_it() -> None:
    held = initial(12, {"x": 1}, after=10, revision=2, update_id="k", reason="edited by hand")
    log = [initial(9), comment(10, {"late": 1}), comment(13, {"late too": 1}), comment(14, {"y": 1}, "alice", "+1")]
    data = {"x": 1, "y": 1}
    before = issue(data, sorted([*log, held], key=lambda c: c.id), marker=marked(3, 14, 3, data))
    step = wrote(decide(before, context()))
    assert step.state.data == {"x": 1, "y": 1, "late": 1, "late too": 1}


@pytest.mark.parametrize(("edited_at", "told"), [("2026-02-01T00:00:01Z", True), ("2026-01-31T00:00:00Z", False)])
def test_a_crash_before_the_receipt_and_an_edit_since__the_author_is_told(edited_at: str, told: bool) -> None:
    """The verdict is of the text as it was folded."""
    corrected = comment(11, {"n": 43}, edited_at=edited_at, editor="alice")
    data = {"count": 0, "n": 42}
    options = {"editor": BOT, "edited_at": "2026-02-01T00:00:00Z"}
    before = issue(data, [initial(), corrected], marker=marked(2, 11, 2, data, 10, 11), **options)
    step = wrote(decide(before, context()))
    assert (step.title, [r.content for r in step.receipts]) == (None, ["+1"])
    assert ("<!-- gh-store refused edited11 -->" in step.reply) is told
    settled(before, step)
