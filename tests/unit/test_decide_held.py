"""One decision about older updates without receipts: which of them the body holds, and with what verdicts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gh_store_action.domain.processing.decide import decide
from gh_store_action.domain.processing.effects import ReadFurther, UpToDate, Write
from gh_store_action.domain.processing.reconcile import BrokenObject
from gh_store_action.domain.records import Issue
from gh_store_action.domain.refusal import Reason
from gh_store_action.domain.strict_json import Json
from gh_store_action.domain.verdicts import Outcome, Verdict
from tests.support.values import BOT, comment, context, initial, issue, marked, written

START: Json = {"count": 0}
NUMBERS = range(11, 31)
MODES = "append", "replace", "merge-patch"


def wrote(found: object) -> Write:
    assert isinstance(found, Write), found
    return found


def given(step: Write) -> dict[int, str]:
    return {receipt.comment_id: receipt.content for receipt in step.receipts}


def settled(before: Issue, step: Write) -> None:
    assert isinstance(decide(written(before, step), context()), UpToDate)


def with_meta(data: Json, **meta: Json) -> Json:
    return {"_data": data, "_meta": meta}


def increase(key: str) -> Json:
    return with_meta({"$inc": {key: 1}}, update_mode="operators")


def sets(key: str, number: int) -> Json:
    """An update whose effect depends on its place."""
    return {key: number, "last": number}


def needs_count(data: object) -> list[Reason]:
    return [] if isinstance(data, dict) and data.get("count") == 0 else [Reason("$.count", "must be 0")]


REFUSED: dict[str, Json] = {
    "a digest": with_meta({"k": 1}, if_digest="0" * 8),
    "a revision": with_meta({"k": 1}, if_revision=7),
    "its mode": with_meta([{"op": "test", "path": "/count", "value": 7}], update_mode="json-patch"),
    "the schema": {"count": 1},
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_crash_before_the_reply_and_the_receipts__what_was_refused_is_refused_with_a_reply(why: str) -> None:
    """The body looks the same whether such an update was refused or never posted, so it passed for applied."""
    data: Json = {"count": 0, "good": 1}
    log = [initial(), comment(11, REFUSED[why]), comment(12, {"good": 1})]
    before = issue(data, log, marker=marked(2, 12, 3, data, 10, 11, 12))
    step = wrote(decide(before, context(needs_count)))
    assert given(step) == {11: "-1", 12: "+1"}
    assert step.reply.startswith("<!-- gh-store refused 11 -->")
    settled(before, step)


def test_an_update_that_changed_nothing__was_applied_if_the_revision_counts_it() -> None:
    log = [initial(), comment(11, {"a": 1}, "bob", "+1"), comment(12, {"a": 1})]
    data: Json = {"count": 0, "a": 1}
    for revision, reaction in ((3, "+1"), (2, "confused")):
        step = wrote(decide(issue(data, log, marker=marked(revision, 12, 3, data, 10, 11, 12)), context()))
        assert given(step) == {12: reaction}


def test_the_schema_has_become_stricter_since__what_was_applied_stays_applied() -> None:
    data: Json = {"count": 1}
    before = issue(data, [initial(), comment(11, {"count": 1})], marker=marked(2, 11, 2, data, 10, 11))
    assert given(wrote(decide(before, context(needs_count)))) == {11: "+1"}


def test_a_title_that_somebody_typed_has_raised_the_revision__a_wanted_revision_was_met() -> None:
    data: Json = {"count": 0, "a": 1}
    log = [initial(), comment(11, with_meta({"a": 1}, if_revision=5))]
    before = issue(data, log, marker=marked(6, 11, 2, data, 10, 11))
    assert given(wrote(decide(before, context()))) == {11: "+1"}


def test_a_reply_has_told_the_refusal__its_author_leaving_does_not_make_it_another() -> None:
    log = [initial(), comment(11, REFUSED["a digest"], "mallory"), comment(12, "<!-- gh-store refused 11 -->", BOT)]
    step = wrote(decide(issue(START, log, marker=marked(1, 11, 2, START, 10, 11)), context()))
    assert (given(step), step.reply) == ({11: "-1"}, "")


# -- a log longer than one read


def short_read(data: object, update: Json, by: str = "alice") -> Issue:
    log = [comment(50, {"b": 1}, "bob", "+1"), comment(51, update, by)]
    return issue(data, log, marker=marked(9, 51, 40, START, 50, 51), complete=False, total_comments=40)


@pytest.mark.parametrize("why", [name for name in REFUSED if name != "the schema"])
def test_an_update_that_may_have_been_refused__the_log_is_read_until_it_tells(why: str) -> None:
    assert decide(short_read(START, REFUSED[why]), context()) == ReadFurther(49)


@pytest.mark.parametrize("mode", MODES)
def test_an_update_that_fits_any_state__needs_no_longer_read(mode: str) -> None:
    update = with_meta({"a": 1}, update_mode=mode)
    assert given(wrote(decide(short_read(START, update), context()))) == {51: "+1"}
    assert decide(short_read(START, update), context(needs_count)) == ReadFurther(49)
    assert decide(short_read("oops", update), context()) == ReadFurther(49)


def test_an_update_of_a_stranger__makes_no_run_read_the_log() -> None:
    step = wrote(decide(short_read(START, REFUSED["a digest"], "mallory"), context()))
    assert given(step) == {51: "confused"}


# -- late ones among them


def folded(*out: int) -> dict[str, Json]:
    state: dict[str, Json] = {"count": 0}
    for number in NUMBERS:
        if number not in out:
            state |= {f"k{number}": number, "last": number}
    return state


def crashed(*late: int, **fields: object) -> Issue:
    """Twenty updates without receipts, of which some came late; the marker names the newest ten."""
    data = folded(*late)
    log = [initial(), *(comment(number, sets(f"k{number}", number)) for number in NUMBERS)]
    count = 21 - len(late)
    return issue(data, log, marker=marked(count, 30, count, data, *(n for n in NUMBERS if n not in late)), **fields)


def without(before: Issue, *numbers: int) -> Issue:
    """The issue after these comments were deleted."""
    left = tuple(c for c in before.comments if c.id not in numbers)
    return replace(before, comments=left, total_comments=len(left))


@pytest.mark.parametrize("late", [(11,), (15,), (20,), (11, 17), (12, 13, 14), (16, 25)])
def test_late_ones_among_updates_without_receipts__the_log_tells_which(late: tuple[int, ...]) -> None:
    """The newest of those before the named ones were taken for late, and so counted twice."""
    before = crashed(*late)
    step = wrote(decide(before, context()))
    assert step.state.data == {**folded(*late), **{f"k{n}": n for n in late}, "last": late[-1]}
    assert step.notes == (f"Folded now, because they came late: {', '.join(map(str, late))}.",)
    assert given(step) == dict.fromkeys(NUMBERS, "+1")
    settled(before, step)


def test_conversation_came_late_beside_updates_without_receipts__no_update_is_folded_twice() -> None:
    data: Json = {"a": 1, "count": 0}
    log = [initial(), *(comment(number, increase("a") if number == 11 else "talk") for number in NUMBERS)]
    before = issue(data, log, marker=marked(2, 30, 20, data, *range(20, 31)))
    step = wrote(decide(before, context()))
    assert (step.state.data, given(step)) == (data, {11: "+1"})
    settled(before, step)


def test_a_late_one_in_a_log_longer_than_the_read__the_log_is_read_until_it_tells() -> None:
    before = without(crashed(15), 10, 11)
    before = replace(before, comments=(replace(comment(12, sets("k12", 12), "alice", "+1")), *before.comments[1:]))
    assert decide(replace(before, complete=False, total_comments=21), context()) == ReadFurther(11)


def test_nothing_tells_which_came_late__all_wait_until_somebody_says_it_by_deleting_it() -> None:
    """An applied update was edited, so the log folds to something else, whichever is left out."""
    before = crashed(15)
    edited = comment(13, {"other": 1}, edited_at="2026-03-01T00:00:00Z", editor="alice")
    before = replace(before, comments=tuple(edited if c.id == 13 else c for c in before.comments))
    with pytest.raises(BrokenObject) as failed:
        decide(before, context())
    assert str(failed.value) == (
        "Issue #1: 1 of its comments came late, and neither reactions nor the log tell which of these updates the body "
        "does not have: 11, 12, 13, 14, 15, 16, 17, 18, 19, 20. Nothing was written. Delete those whose change the "
        "body does not have, try again, and post them once more."
    )
    step = wrote(decide(without(before, 15), context()))
    assert step.state.data == folded(15)


def test_the_message_names_twenty_of_many() -> None:
    log = [initial(), *(comment(number, sets(f"k{number}", number)) for number in range(11, 51))]
    before = issue({"x": 1}, log, marker=marked(40, 50, 40, {"x": 1}, *range(40, 51)))
    with pytest.raises(BrokenObject, match="11, 12, .*, 30 and 10 more"):
        decide(before, context())


def test_a_person_typed_a_smaller_count__the_title_before_counts() -> None:
    """Nothing that came late explains it, so no run has set that title."""
    good = crashed()
    title = good.title.replace(" n21 ", " n19 ")
    assert title != good.title
    typed = replace(good, title=title, titles=(replace(good.titles[0], login="bob", title=title), *good.titles))
    edited = comment(13, {"other": 1}, edited_at="2026-03-01T00:00:00Z", editor="alice")
    typed = replace(typed, comments=tuple(edited if c.id == 13 else c for c in typed.comments))
    step = wrote(decide(typed, context()))
    assert step.state.data == folded()
    assert " n21 " in (step.title or "")


# -- checkpoints


def test_a_run_was_killed_right_behind_the_checkpoint_of_a_late_one__the_log_tells_without_it() -> None:
    data: Json = {"count": 0, "last": 12}
    later: Json = {**data, "late": 1}  # type: ignore[dict-item]
    stray = initial(14, later, after=13, revision=3, update_id="2-13-x", verdicts={12: "applied"}, reason="late")
    log = [initial(), comment(11, REFUSED["a digest"]), comment(12, {"late": 1}), comment(13, {"last": 12}), stray]
    before = issue(data, log, marker=marked(2, 13, 3, data, 10, 11, 13))
    step = wrote(decide(before, context()))
    assert step.state.data == later
    assert given(step) == {11: "-1", 12: "+1", 13: "+1"}


def test_what_a_checkpoint_names_was_no_late_one__conversation_was() -> None:
    log = [initial(), comment(11, increase("a")), *(comment(number, "talk") for number in range(12, 31))]
    data: Json = {"count": 0, "a": 1, "hand": 1}
    checkpoint = initial(31, data, after=30, revision=3, verdicts={11: "applied"}, reason="edited by hand")
    before = issue(data, [*log, checkpoint], marker=marked(3, 30, 20, data, *range(20, 31)))
    step = wrote(decide(before, context()))
    assert (step.state.data, given(step)) == (data, {11: "+1"})


def test_a_log_without_a_state__the_newest_without_a_receipt_came_late() -> None:
    log = [comment(11, {"a": 1}), comment(12, {"late": 1})]
    step = wrote(decide(issue({"count": 9}, log, marker=marked(5, 12, 1, {"count": 9})), context()))
    assert (step.state.data, given(step)) == ({"count": 9, "late": 1}, {11: "+1", 12: "+1"})


def test_the_run_knew_the_verdicts_but_gave_none__its_checkpoint_of_a_hand_edit_tells_them() -> None:
    """What the fold said cannot be found out any more: the state behind the edit says nothing of it."""
    data: Json = {"count": 0, "good": 1}
    log = [initial(), comment(11, REFUSED["a digest"]), comment(12, {"good": 1})]
    edit = {"editor": "alice", "edited_at": "2026-02-01T00:00:00Z"}
    before = issue({"hand": 1}, log, marker=marked(2, 12, 3, data, 10, 11, 12), **edit)
    known = {11: Verdict(Outcome.REJECTED), 12: Verdict(Outcome.APPLIED)}
    step = wrote(decide(before, context(known=known)))
    killed = written(before, replace(step, receipts=(), reply=""))
    after = wrote(decide(killed, context()))
    assert (after.state.data, given(after)) == ({"hand": 1}, {11: "-1", 12: "+1"})
    assert after.reply.startswith("<!-- gh-store refused 11 -->")
