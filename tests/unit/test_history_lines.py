"""An object's history as lines of a file: decisions over values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gh_store_action.domain.past import history
from gh_store_action.domain.past.lines import HistoryLine, lines_of
from gh_store_action.domain.records import Comment, Issue
from gh_store_action.domain.snapshots import histories
from gh_store_action.domain.snapshots.histories import BrokenIndex, Known
from gh_store_action.domain.strict_json import digest
from tests.unit.test_history import MINUTE, comment, issue, log_of, state

KNOWN = {"b, c": Known("history/=1.jsonl", 3, "0" * 64), "a": Known("history/a.jsonl", 1, "1" * 64)}


def lines(found: Issue, revision: int = 99) -> list[HistoryLine]:
    log = log_of(found)
    return list(lines_of([log], history.points(log), revision))


def short(found: list[HistoryLine]) -> list[tuple[Any, ...]]:
    return [
        (one["comment_id"], one["revision"], one["mode"], one["patch"], one["verdict"], one.get("state"))
        for one in found
    ]


def plain(*more: Comment, data: Any = None, revision: int = 3, edge: int = 4) -> Issue:
    return issue(
        data or {"n": 2}, revision, edge,
        state(1, {"n": 0}),
        comment(2, {"n": 1}, receipts="+1"),
        comment(3, {"n": 9}, receipts="-1"),
        comment(4, {"n": 2}, receipts="+1"),
        *more,
    )  # fmt: skip


def test_lines__have_a_state_at_first_and_patches_then() -> None:
    found = lines(plain())
    assert short(found) == [
        (1, 1, "initial", None, "applied", {"n": 0}),
        (2, 2, "append", {"n": 1}, "applied", None),
        (3, None, "append", {"n": 9}, "rejected", None),
        (4, 3, "append", {"n": 2}, "applied", None),
    ]
    assert [one["digest"] for one in found] == [digest({"n": 0}), digest({"n": 1}), None, digest({"n": 2})]
    assert [(one["time"], one["author"]) for one in found[1:3]] == [
        (MINUTE.format(2), "ada"),
        (MINUTE.format(3), "ada"),
    ]


def test_lines__of_one_revision_are_the_same_whatever_was_refused_said_or_posted_since() -> None:
    before = lines(plain())
    talk = comment(5, "Nice."), comment(6, {"n": 7}, receipts="-1"), comment(7, {"n": 8})
    assert lines(plain(*talk)) == before
    assert lines(plain(comment(5, {"n": 5}, receipts="+1"), data={"n": 5}, revision=4, edge=5), revision=3) == before
    assert lines(plain(), revision=1) == before[:1]


def test_lines__tell_a_receipt_that_is_still_to_come_as_what_it_will_be() -> None:
    found = lines(issue({"n": 1}, 2, 2, state(1, {"n": 0}), comment(2, {"n": 1})))
    assert short(found)[1] == (2, 2, "append", {"n": 1}, "applied", None)


def test_lines__stand_in_the_order_in_which_they_were_folded() -> None:
    """A checkpoint stands behind the comment that it names, and what was posted before it may come after it."""
    found = issue(
        {"hand": True, "n": 2}, 4, 3,
        state(1, {"n": 0}),
        comment(2, {"n": 1}, receipts="+1"),
        comment(3, {"n": 2}, receipts="+1"),
        state(4, {"hand": True}, after=2, revision=3, on=2, reason="edited by hand"),
    )  # fmt: skip
    assert [(one[0], one[1], one[5]) for one in short(lines(found))] == [
        (1, 1, {"n": 0}),
        (2, 2, None),
        (4, 3, {"hand": True}),
        (3, 4, None),
    ]


def test_lines__have_the_state_where_the_patch_does_not_give_it() -> None:
    edited = {"edited_at": MINUTE.format(30), "editor": "ada"}
    found = lines(issue({"n": 1}, 2, 2, state(1, {"n": 0}), comment(2, {"n": 3}, receipts="+1", **edited)))
    assert found[-1].get("certain") is False
    late = issue({"n": 1}, 2, 2, state(1, {"n": 0}), comment(2, '{"n": ', receipts="+1"))
    assert short(lines(late)) == [(1, 1, "initial", None, "applied", {"n": 0})]
    assert short(lines(plain(comment(5, '{"n": ', receipts="-1"), edge=5)))[-1][0] == 4
    taken = issue({"data": {"n": 1}}, 2, 2, state(1, {}), comment(2, {"data": {"n": 1}, "meta": {}}, receipts="+1"))
    assert [one[3] for one in short(lines(taken))][1:] == [{"data": {"n": 1}, "meta": {}}]


def test_lines__of_an_object_that_moved_go_over_all_its_issues() -> None:
    old = plain(comment(5, {"n": 6}, receipts="-1"), edge=5)
    start = state(11, {"n": 2}, revision=3)
    moved = replace(start, body=start.body.replace('"revision": 3', '"revision": 3,\n"previous": 7'))
    new = issue({"n": 3}, 4, 12, moved, comment(12, {"n": 3}, receipts="+1"))
    logs = [log_of(old), log_of(new)]
    states = (*history.points(logs[0]), *history.points(logs[1])[1:])
    found = list(lines_of(logs, states, 9))
    assert [(one["comment_id"], one["revision"]) for one in found] == [
        (1, 1), (2, 2), (3, None), (4, 3), (5, None), (12, 4),
    ]  # fmt: skip
    assert list(lines_of(logs, states, 3)) == found[:4]


def test_index__is_read_as_it_was_written() -> None:
    text = histories.write_index("octo/store", KNOWN)
    assert histories.read_index(text, "OCTO/store") == KNOWN
    assert histories.read_index(histories.write_index("o/r", {}), "o/r") == {}
    assert text.splitlines()[4].startswith(b'    "a": {"path":"a.jsonl","revision":1,')
    assert histories.whose(text, "octo/store") == {"history/=1.jsonl": "b, c", "history/a.jsonl": "a"}
    assert histories.whose(b"", "octo/store") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "is not an index of histories"),
        (b"[]", "is not an index of histories"),
        (b'{"repository": "o/r"}', "is not an index of histories"),
        (b'{"repository": "o/r", "objects": {"a": {"path": "a.jsonl", "digest": ""}}}', "is not an index of histories"),
        (histories.write_index("o/other", {}), "is of the repository 'o/other'"),
        (histories.write_index("o/r", {"a": Known("history/../../a", 1, "")}), "names 'history/../../a', which is not"),
        (b"\xff", "is not an index of histories"),
    ],
)
def test_index__of_something_else_is_told(text: bytes, said: str) -> None:
    with pytest.raises(BrokenIndex, match=said):
        histories.read_index(text, "o/r")


def test_file__is_that_of_the_object() -> None:
    assert histories.file_of("a/b", "UID:a/b", 0) == "history/a%2Fb.jsonl"
    assert histories.file_of("a", "UID:a", 3) == "history/ca/9/a.jsonl"
    assert histories.file_of("a, b", "UID:=123", 0).startswith("history/=")
    assert [histories.is_history(text) for text in (b"", b"{}", b"text", histories.write(lines(plain())))] == [
        True, False, False, True,
    ]  # fmt: skip
