"""One decision: what is an object, what is pending, edits by hand, rebuilding and adopting."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gh_store_action.domain import objects
from gh_store_action.domain.objects import Marker
from gh_store_action.domain.processing.context import PermissionUnknown
from gh_store_action.domain.processing.decide import decide
from gh_store_action.domain.processing.effects import AskPermissions, NotAnObject, ReadFurther, UpToDate, Write
from gh_store_action.domain.processing.reconcile import BrokenObject
from gh_store_action.domain.records import Issue, Receipt, Rename
from gh_store_action.domain.refusal import Reason
from gh_store_action.domain.verdicts import Outcome
from tests.support.values import BOT, RULES, comment, context, initial, issue, marked, written

START = {"count": 0}
OTHER = "Stored Object: x [r1 c1 n1 00000000]"


def wrote(found: object) -> Write:
    assert isinstance(found, Write), found
    return found


def settled(before: Issue, step: Write, **options: object) -> Issue:
    """The issue after the step, which leaves nothing to do."""
    after = written(before, step)
    assert isinstance(decide(after, context(**options)), UpToDate)  # type: ignore[arg-type]
    return after


# -- what is an object


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"labels": ("UID:m",)}, "does not carry the label 'stored-object'"),
        ({"labels": ("stored-object", "UID:m", "archived")}, "the object is deleted"),
        ({"labels": ("stored-object",)}, "no label says which object"),
        ({"labels": ("stored-object", "UID:a", "UID:b")}, "more than one id: a, b"),
        ({"author": "mallory", "title_editor": "", "title": "Stored Object: m"}, "mallory, who may not write"),
        ({"author": "mallory", "title_editor": "mallory"}, "mallory, who may not write"),
        (
            {"titles": (Rename("", BOT, "Stored Object: x [r1 c1 n1 00000000]"),), "title": "x"},
            "the store wrote says x",
        ),
    ],
)
def test_an_issue_that_is_none_of_the_stores_objects_is_left_alone(fields: dict[str, object], reason: str) -> None:
    found = decide(issue(START, [initial()], **fields), context())
    assert isinstance(found, NotAnObject)
    assert reason in found.reason


@pytest.mark.parametrize(("by", "moved_to"), [("mallory", 0), ("alice", 7)])
def test_a_title_that_says_where_the_object_goes__counts_from_whoever_may_write(by: str, moved_to: int) -> None:
    signed = Rename("2026-01-01T00:00:00Z", BOT, objects.title("m", marked(1, 10, 1, START, 10), RULES))
    title = objects.moving_title(signed.title, 7)
    titles = (Rename("2026-02-01T00:00:00Z", by, title, signed.title), signed)
    found = decide(issue(START, [initial()], author="mallory", title=title, titles=titles), context())
    if moved_to:
        assert isinstance(found, NotAnObject)
        assert (found.moved_to, found.reason) == (7, "it is being moved to issue #7")
    else:
        assert wrote(found).title == objects.title("m", marked(1, 10, 1, START, 10), RULES, unlike=title)


def test_two_uid_labels__the_one_that_the_title_names_is_meant() -> None:
    found = decide(issue(START, [initial()], labels=("stored-object", "UID:a", "uid:M")), context())
    assert isinstance(found, UpToDate)
    assert found.object_id == "M"


def test_an_object_by_somebody_who_may_write_but_is_no_visible_member__is_taken_after_asking() -> None:
    before = issue(START, [], author="carol", title="Stored Object: m", title_editor="")
    assert decide(before, context(permissions={})) == AskPermissions(frozenset({"carol"}))
    assert wrote(decide(before, context(permissions={"carol": True}))).object_id == "m"


# -- pending


def test_nothing_pending_and_closed__quiet() -> None:
    assert isinstance(decide(issue(START, [initial()]), context()), UpToDate)


def test_nothing_pending_and_open__only_closes() -> None:
    step = wrote(decide(issue(START, [initial()], closed=False), context()))
    assert (step.title, step.body, step.close, step.receipts) == (None, None, True, ())


def test_good_bad_and_a_strangers_update__each_gets_its_verdict_and_none_blocks_another() -> None:
    log = [
        initial(),
        comment(11, {"a": 1}),
        comment(12, '{"a": 2,}'),
        comment(13, {"h": 1}, "mallory"),
        comment(14, "hello"),
        comment(15, {"_data": {"b": 2}, "_meta": {"if_revision": 2}}, "bob"),
    ]
    before = issue(START, log, marker=marked(1, 10, 1, START, 10), closed=False)
    step = wrote(decide(before, context()))
    assert step.state.data == {"count": 0, "a": 1, "b": 2}
    assert [(r.comment_id, r.content) for r in step.receipts] == [(11, "+1"), (12, "-1"), (13, "confused"), (15, "+1")]
    assert step.title == objects.title("m", marked(3, 15, 6, step.state.data, 10, 11, 12, 13, 14, 15), RULES)
    assert step.reply.startswith("<!-- gh-store refused 12 -->")
    settled(before, step)


def test_receipts_by_strangers_count_for_nothing() -> None:
    """D35: a stranger's 👍 on a pending update."""
    before = issue(
        START, [initial(), comment(11, {"a": 1}, "alice", "mallory:+1", "mallory:-1")], marker=marked(1, 10, 1, START)
    )
    assert wrote(decide(before, context())).state.data == {"count": 0, "a": 1}


def test_a_receipt_behind_the_marker__the_update_is_folded_again_and_gets_no_second_one() -> None:
    """D12: the other run's write was overtaken; its receipts are there, its fold is not."""
    before = issue(START, [initial(), comment(11, {"a": 1}, "alice", "+1")], marker=marked(1, 10, 1, START))
    step = wrote(decide(before, context()))
    assert step.state.data == {"count": 0, "a": 1}
    assert step.receipts == ()


def test_an_own_receipt_that_says_something_else_is_taken_back() -> None:
    before = issue(START, [initial(), comment(11, {"a": 1}, "alice", "-1")], marker=marked(1, 10, 1, START))
    step = wrote(decide(before, context()))
    assert step.receipts == (Receipt(11, "IC11", "-1", remove=True), Receipt(11, "IC11", "+1"))


def test_a_permission_that_github_does_not_tell__that_update_and_what_follows_wait_on_an_open_issue() -> None:
    log = [initial(), comment(11, {"a": 1}), comment(12, {"b": 1}, "carol"), comment(13, {"c": 1})]
    before = issue(START, log, marker=marked(1, 10, 1, START), closed=False)
    step = wrote(decide(before, context(unanswered=frozenset({"carol"}))))
    assert step.state.data == {"count": 0, "a": 1}
    assert (step.blocked, step.close, step.marker.comment, step.marker.count) == (2, False, 11, 2)


def test_an_update_edited_before_its_verdict__needs_the_editor_allowed_too() -> None:
    edited = comment(11, {"a": 1}, "mallory", edited_at="2026-01-03T00:00:00Z", editor="alice")
    by_stranger = comment(12, {"b": 1}, "alice", edited_at="2026-01-03T00:00:00Z", editor="mallory")
    own = comment(13, {"c": 1}, "alice", edited_at="2026-01-03T00:00:00Z", editor="alice")
    before = issue(START, [initial(), edited, by_stranger, own], marker=marked(1, 10, 1, START))
    assert decide(before, context(permissions={})) == AskPermissions(frozenset({"alice", "mallory"}))
    step = wrote(decide(before, context()))
    assert step.state.data == {"count": 0, "c": 1}


def test_an_idempotency_key_posted_twice__folds_once_and_both_hear_the_same() -> None:
    push = {"_data": {"$push": {"log": 1}}, "_meta": {"update_mode": "operators", "update_id": "k"}}
    log = [initial(data={"log": []}), comment(11, push), comment(12, push), comment(13, push, "bob")]
    step = wrote(decide(issue({"log": []}, log, marker=marked(1, 10, 1, {"log": []})), context()))
    assert step.state.data == {"log": [1, 1]}
    assert [r.content for r in step.receipts] == ["+1", "+1", "+1"]


def test_an_idempotency_key__asks_for_fifty_comments_before_it() -> None:
    log = [comment(number, "talk") for number in range(100, 120)]
    log.append(comment(120, {"_data": {"a": 1}, "_meta": {"update_id": "k"}}))
    before = issue(START, log, marker=marked(1, 119, 70, START), complete=False, total_comments=71)
    assert decide(before, context()) == ReadFurther(99)


def test_the_read_does_not_reach_the_marker__reads_further() -> None:
    before = issue(START, [comment(60, "talk")], marker=marked(1, 10, 1, START), complete=False, total_comments=50)
    assert decide(before, context()) == ReadFurther(10)


# -- edits by hand


def edited(body: object, log: list[object], data: object = None, **fields: object) -> Issue:
    was = START if data is None else data
    known = {"marker": marked(2, 11, 2, was), "editor": "bob", "edited_at": "2026-02-02T00:00:00Z", **fields}  # type: ignore[arg-type]
    return issue(body, log, **known)  # type: ignore[arg-type]


TALK = [initial(), comment(11, "talk")]


def test_a_hand_edit__is_taken_over_with_a_checkpoint_and_pending_updates_come_on_top() -> None:
    before = edited({"hand": 1}, [*TALK, comment(12, {"a": 1})])
    step = wrote(decide(before, context()))
    assert step.state.data == {"hand": 1, "a": 1}
    assert '"editor": "bob"' in step.checkpoint
    assert step.marker.revision == 4
    after = settled(before, step)
    assert isinstance(decide(after, context(permissions={})), UpToDate)


def test_a_hand_edit_whose_checkpoint_arrived_before_a_crash__is_not_entered_twice() -> None:
    before = edited({"hand": 1}, list(TALK))
    step = wrote(decide(before, context()))
    half = written(before, replace(step, title=None, body=None))
    again = wrote(decide(half, context()))
    assert (again.checkpoint, again.state.data) == ("", {"hand": 1})
    settled(half, again)


@pytest.mark.parametrize(
    ("body", "editor", "reason"),
    [
        ("oops {", "bob", "line 1"),
        ("7", "bob", "neither an object nor an array"),
        ({"hand": 1}, "mallory", "may not write"),
        ({"big": "x" * 60_000}, "bob", "60,000 characters"),
    ],
)
def test_a_refused_hand_edit__the_state_is_rebuilt_and_the_text_kept_in_the_reply(
    body: object, editor: str, reason: str
) -> None:
    before = edited(body, list(TALK), editor=editor)
    step = wrote(decide(before, context()))
    assert step.state.data == START
    assert reason in step.reply
    assert "<!-- gh-store refused body" in step.reply
    after = settled(before, step)
    again = replace(after, body=before.body, editor=editor, edited_at=before.edited_at)
    assert wrote(decide(again, context())).reply == ""  # the same edit is answered once...
    later = replace(again, edited_at="2026-03-03T00:00:00Z")
    assert reason in wrote(decide(later, context())).reply  # ...and the next one too


def test_a_hand_edit_over_a_crash__what_the_old_body_held_is_not_folded_again() -> None:
    log = [initial(), comment(11, {"a": 1})]
    before = edited({"hand": 1}, log, {"count": 0, "a": 1})
    step = wrote(decide(before, context()))
    assert step.state.data == {"hand": 1}
    assert [(r.comment_id, r.content) for r in step.receipts] == [(11, "+1")]


def test_a_hand_edit_over_a_late_arrival__the_late_one_is_folded_on_top() -> None:
    log = [initial(), comment(10 + 1, {"late": 1}), comment(12, {"b": 1}, "alice", "+1")]
    data = {"count": 0, "b": 1}
    before = edited({"hand": 1}, log, data, marker=marked(2, 12, 2, data))
    assert wrote(decide(before, context())).state.data == {"hand": 1, "late": 1}


def test_a_hand_edit_over_a_log_that_explains_nothing__the_count_tells_how_many_came_late() -> None:
    log = [comment(11, {"a": 1}), comment(12, {"late": 1})]
    before = edited({"hand": 1}, log, {"count": 9}, marker=marked(5, 12, 1, {"count": 9}))
    assert wrote(decide(before, context())).state.data == {"hand": 1, "late": 1}
    before = edited({"hand": 1}, log, {"count": 9}, marker=marked(5, 12, 2, {"count": 9}))
    assert wrote(decide(before, context())).state.data == {"hand": 1}


def test_a_schema_refuses_a_hand_edit_like_any_update() -> None:
    def judge(data: object) -> list[Reason]:
        return [] if isinstance(data, dict) and "count" in data else [Reason("$.count", "is missing")]

    step = wrote(decide(edited({"hand": 1}, list(TALK)), context(judge)))
    assert step.state.data == START
    assert "is missing" in step.reply


# -- rebuilding and adopting


def test_title_and_body_do_not_fit_after_our_own_write__rebuilt_from_the_log() -> None:
    log = [initial(), comment(11, {"a": 1}, "alice", "+1")]
    before = issue(START, log, marker=marked(2, 11, 2, {"count": 0, "a": 1}), editor=BOT)
    step = wrote(decide(before, context()))
    assert step.state.data == {"count": 0, "a": 1}
    settled(before, step)


def test_rebuilding_after_a_crash__the_unreceipted_get_their_verdicts() -> None:
    log = [initial(), comment(11, {"a": 1}), comment(12, '{"b": }')]
    before = issue("oops", log, marker=marked(2, 12, 3, {"count": 0, "a": 1}), editor=BOT)
    step = wrote(decide(before, context()))
    assert step.state.data == {"count": 0, "a": 1}
    assert {k: v.outcome for k, v in step.verdicts.items()} == {11: Outcome.APPLIED, 12: Outcome.REJECTED}
    settled(before, step)


def test_a_title_that_a_stranger_set_does_not_count() -> None:
    """A forged marker in the title."""
    forged = marked(99, 12, 2, START)
    log = [initial(), comment(12, {"a": 1})]
    before = issue(START, log, marker=forged, author="mallory", title_editor="mallory")
    signed = Rename("2025-12-31T00:00:00Z", BOT, objects.title("m", marked(1, 10, 1, START, 10), RULES))
    before = replace(before, titles=(replace(before.titles[0], before=signed.title), signed))
    step = wrote(decide(before, context()))
    assert step.state.data == {"count": 0, "a": 1}
    assert decide(before, context(permissions={})) == AskPermissions(frozenset({"mallory"}))


def test_nothing_to_rebuild_from__an_error_that_says_what_to_do() -> None:
    before = issue("oops", [comment(11, "talk")], marker=marked(2, 11, 1, START), editor=BOT)
    with pytest.raises(BrokenObject, match="edit history"):
        decide(before, context())
    before = issue("oops", [], title="Stored Object: m")
    with pytest.raises(BrokenObject, match="#1 has the store's labels"):
        decide(before, context())


def test_a_rebuild_from_what_the_author_entered__asks_whether_the_author_may_write() -> None:
    """Carol created the object with a token of her own, and the store has signed its title."""
    entered = replace(initial(), author="carol", reactions=())
    before = issue("oops", [entered, comment(11, {"a": 1}, "alice", "+1")], author="carol", editor=BOT)
    before = replace(before, title=objects.title("m", marked(2, 11, 2, {"count": 0, "a": 1}), RULES))
    before = replace(before, titles=(replace(before.titles[0], title=before.title),))
    assert decide(before, context()) == AskPermissions(frozenset({"carol"}))
    step = wrote(decide(before, context(permissions={"carol": True, "alice": True})))
    assert step.state.data == {"count": 0, "a": 1}
    with pytest.raises(BrokenObject, match="has no initial state"):
        decide(before, context(permissions={"carol": False, "alice": True}))


def typed(marker: Marker, *before: Rename) -> Issue:
    """An object whose title alice has typed, and whose body nobody can read."""
    title = objects.title("m", marker, RULES)
    titles = (Rename("2026-02-01T00:00:00Z", "alice", title, before[0].title if before else "m"), *before)
    return issue("oops", [initial()], title=title, titles=titles, editor="alice", edited_at="2026-02-02T00:00:00Z")


@pytest.mark.parametrize(
    ("marker", "revision"),
    [
        (marked(2, 10, 1, {"never": 1}, 10), 2),
        (marked(2, 99, 1, {"never": 1}), 1),
        (marked(9, 10, 1, {"never": 1}), 1),
    ],
)
def test_a_typed_marker_that_neither_body_nor_log_explains__the_one_before_it_counts(
    marker: Marker, revision: int
) -> None:
    """Another digest, whose revision readers have seen; a comment beyond all that are there, a revision far ahead."""
    before = typed(marker, Rename("2026-01-01T00:00:00Z", BOT, objects.title("m", marked(1, 10, 1, START, 10), RULES)))
    step = wrote(decide(before, context()))
    assert (step.state.data, step.marker.revision) == (START, revision)
    assert "line 1" in step.reply
    settled(before, step)


def test_a_typed_marker_that_nothing_explains_and_none_before_it__an_error() -> None:
    with pytest.raises(BrokenObject, match="was changed after the fact"):
        decide(typed(marked(2, 10, 1, {"never": 1}, 10)), context())


def legacy(*later: object, **fields: object) -> Issue:
    first = comment(10, {"type": "initial_state", "data": START, "timestamp": "x"}, "alice", "alice:+1", "alice:rocket")
    known = {"author": "alice", "title": "Stored Object: m", "title_editor": "", **fields}
    return issue({"count": 3}, [first, *later], **known)  # type: ignore[list-item, arg-type]


def test_an_object_of_gh_store__is_adopted_behind_its_newest_receipt() -> None:
    before = legacy(comment(11, {"count": 3}, "alice", "alice:+1"), comment(12, {"b": 1}, "alice", "mallory:+1"))
    step = wrote(decide(before, context()))
    assert step.state.data == {"count": 3, "b": 1}
    assert step.state.revision == 4
    assert '"after": 11' in step.checkpoint
    assert '"reason": "adopted"' in step.checkpoint
    assert step.receipts == ()  # before the marker stands, a receipt would say too much
    after = written(before, step)
    receipts = wrote(decide(after, context()))
    assert [(r.comment_id, r.content) for r in receipts.receipts] == [(12, "+1")]
    settled(after, receipts)


def test_adoption_looks_further_back_for_the_newest_receipt() -> None:
    before = replace(legacy(), comments=(comment(50, "talk"),), complete=False, total_comments=80)
    assert decide(before, context()) == ReadFurther(49)


def test_adoption_without_gh_stores_state_in_sight__reads_the_whole_log() -> None:
    before = replace(legacy(), comments=(comment(50, {"a": 1}),), complete=False, total_comments=80)
    assert decide(before, context()) == ReadFurther(0)


def test_a_crashed_create__is_completed_with_the_body_as_found() -> None:
    """D21."""
    before = issue(START, [], title="Stored Object: m", closed=False, title_editor="")
    step = wrote(decide(before, context()))
    assert (step.state.revision, step.close, '"after": 0' in step.checkpoint) == (1, True, True)
    after = written(before, step)
    receipts = wrote(decide(after, context()))
    assert (receipts.title, [r.content for r in receipts.receipts]) == (None, ["+1", "rocket"])
    settled(after, receipts)


def test_a_create_that_crashed_behind_its_initial_state__gets_its_receipts() -> None:
    bare = replace(initial(), reactions=())
    before = issue(START, [bare], title="Stored Object: m", title_editor="")
    step = wrote(decide(before, context()))
    assert step.checkpoint == ""
    after = written(before, step)
    receipts = wrote(decide(after, context()))
    assert [r.content for r in receipts.receipts] == ["+1", "rocket"]
    settled(after, receipts)


def test_a_title_lost_behind_an_adoption__starts_there_again() -> None:
    taken = initial(12, {"count": 3}, after=11, revision=3, reason="adopted")
    before = legacy(comment(11, {"count": 3}, "alice", "alice:+1"), taken, comment(13, {"b": 1}))
    assert wrote(decide(before, context())).state.data == {"count": 3, "b": 1}


def test_a_lost_title_and_a_broken_body__rebuilt_from_the_log() -> None:
    log = [initial(), comment(11, {"a": 1}, "alice", "+1")]
    before = issue("oops", log, title="what", editor="bob", edited_at="2026-02-02T00:00:00Z")
    step = wrote(decide(before, context()))
    assert step.state.data == {"count": 0, "a": 1}
    assert "line 1" in step.reply


def test_an_object_edited_by_a_stranger_before_its_adoption__is_broken_without_a_log() -> None:
    with pytest.raises(BrokenObject, match="may not write"):
        decide(legacy(editor="mallory", edited_at="2026-02-02T00:00:00Z"), context())


@pytest.mark.parametrize(
    "before",
    [
        issue(START, [initial()], author="carol", title_editor="carol"),
        issue(START, [initial()], author="carol", title_editor="", title="Stored Object: m"),
        edited({"hand": 1}, list(TALK), editor="carol"),
        issue({"count": 0, "a": 1}, [initial(), comment(11, {"a": 1}, "carol")]),
        legacy(comment(11, {"count": 3}, "alice", "carol:+1")),
        legacy(editor="carol", edited_at="2026-02-02T00:00:00Z"),
    ],
)
def test_no_answer_about_somebody_who_matters__is_never_taken_for_a_no(before: Issue) -> None:
    assert decide(before, context(permissions={"alice": True})) == AskPermissions(frozenset({"carol"}))
    with pytest.raises(PermissionUnknown, match="did not say whether carol may write"):
        decide(before, context(permissions={"alice": True}, unanswered=frozenset({"carol"})))
