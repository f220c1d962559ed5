"""Idempotency keys where GitHub shows a comment late: an update and its repeats count once, whichever is seen first."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from gh_store_action.domain.objects import read_title
from gh_store_action.errors import StoreError
from tests.double import BOT
from tests.support.library import store_of
from tests.support.store import World


def add(counter: str, key: str = "", **meta: object) -> str:
    named = {"update_id": key} if key else {}
    return json.dumps({"_data": {"$inc": {counter: 1}}, "_meta": {"update_mode": "operators", **named, **meta}})


def verdicts(w: World, number: int, comments: Sequence[int]) -> set[str]:
    issue = w.repo.issue(number)
    return {content for c in issue.comments if c.id in comments for who, content in c.reactions if who == BOT}


@pytest.mark.parametrize("hidden", [(0,), (1,), (0, 1), (0, 2), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("after", [0, 12])
@pytest.mark.parametrize("break_it", [False, True])
def test_some_of_three_come_late__they_count_once(
    w: World, hidden: tuple[int, ...], after: int, break_it: bool
) -> None:
    """After twelve more updates the marker no longer names the repeat."""
    number = w.object()
    text = add("n", "k")
    comments = [w.late(number, text) if place in hidden else w.update(number, text) for place in range(3)]
    for place in range(after):
        w.update(number, add(f"u{place}"))
    w.process(number)
    w.repo.reveal()
    w.process(number)
    if break_it:
        w.repo.edit_issue(number, "alice", body="oops {")
        w.process(number)
    assert w.data(number) == {"count": 0, "n": 1, **{f"u{place}": 1 for place in range(after)}}
    assert verdicts(w, number, comments) == {"+1"}
    assert w.process(number).changed is False


def test_the_original_of_a_refused_repeat_comes_late__it_is_refused_as_well(w: World) -> None:
    number = w.object()
    comments = [w.late(number, add("n", "k")), w.update(number, add("n", "k", if_digest="00000000"))]
    w.process(number)
    w.repo.reveal()
    w.process(number)
    assert w.data(number) == {"count": 0}
    assert verdicts(w, number, comments) == {"-1"}


def test_the_order_of_the_log_is_kept_by_a_rebuild__where_the_original_comes_late(w: World) -> None:
    number = w.object()
    text = json.dumps({"_data": {"n": 1}, "_meta": {"update_id": "k"}})
    w.late(number, text)
    w.update(number, {"n": 2})
    w.update(number, text)
    w.process(number)
    w.repo.reveal()
    w.process(number)
    w.repo.edit_issue(number, "alice", body="oops {")
    w.process(number)
    assert w.data(number) == {"count": 0, "n": 1}


def test_a_late_repeat__finds_its_original_beyond_the_first_read(w: World) -> None:
    number = w.object()
    first = w.update(number, add("n", "k"))
    for place in range(5):
        w.update(number, add(f"u{place}"))
    repeat = w.late(number, add("n", "k"))
    w.update(number, add("last"))
    w.process(number)
    for place in range(95):
        w.repo.comment(number, "alice", f"talk {place}")
    w.repo.reveal()
    w.process(number)
    assert w.data(number)["n"] == 1  # type: ignore[index]
    assert verdicts(w, number, [first, repeat]) == {"+1"}


def test_the_library_repeats_an_update_whose_first_comment_is_not_shown_yet__it_counts_once(w: World) -> None:
    number = w.object("m", {"n": 0})
    with store_of(w) as store:
        store.update("m", {"$inc": {"n": 1}}, "operators", update_id="k")
        w.repo.hide_comment_from_reads(w.repo.issue(number).comments[-1].id)
        store.update("m", {"$inc": {"n": 1}}, "operators", update_id="k", apply=True)
    w.repo.reveal()
    assert [comment.author for comment in w.repo.issue(number).comments[1:]] == [BOT, BOT]
    w.process(number)
    assert w.data(number) == {"n": 1}


@pytest.mark.parametrize("condition", ["if_revision", "if_digest"])
def test_a_rebuild_of_an_update_with_a_condition__after_a_typed_revision(w: World, condition: str) -> None:
    """The replay counts from the checkpoint, and the marker from the title that somebody typed."""
    w.hub.clock.tick = 1
    number = w.object()
    marker = read_title(w.repo.issue(number).title)[1]
    assert marker is not None
    typed = f"Stored Object: m [r{marker.revision + 1} c{marker.comment} n{marker.count} 0badc0de]"
    w.repo.edit_issue(number, "bob", title=typed)
    w.process(number)
    marker = read_title(w.repo.issue(number).title)[1]
    assert marker is not None
    met = {"if_revision": marker.revision, "if_digest": marker.digest}[condition]
    w.update(number, add("n", **{condition: met}))
    w.process(number)
    w.repo.edit_issue(number, "bob", body="oops {")
    w.process(number)
    assert w.data(number) == {"count": 0, "n": 1}


def rebuilt(w: World, number: int) -> object:
    """The data after somebody has broken the body, so that only the log says it."""
    w.repo.grant("dave", "write")
    w.repo.edit_issue(number, "dave", body="oops {")
    w.process(number)
    return w.data(number)


@pytest.mark.parametrize(
    ("texts", "data"),
    [
        ([("alice", add("a", "1")), ("bob", add("b", "1"))], {"a": 1, "b": 1}),
        ([("alice", add("n", "1")), ("bob", add("n", "1"))], {"n": 2}),
        ([(who, add("n", key)) for key in "123" for who in ("alice", "bob")], {"n": 6}),
        ([("alice", add("n", "1")), ("alice", add("n", "1"))], {"n": 1}),
        ([("alice", add("a", "1")), ("alice", add("b", "1"))], {"a": 1}),
        ([("alice", add("a", "1")), ("bob", add("b", "1")), ("alice", add("a", "1"))], {"a": 1, "b": 1}),
    ],
)
def test_two_accounts_with_one_key_are_deleted__the_log_still_explains_the_state(
    w: World, texts: list[tuple[str, str]], data: dict[str, int]
) -> None:
    """GitHub shows both as one author, and both verdicts are a thumb, whether an update counted or repeated one."""
    number = w.object()
    for who, text in texts:
        w.repo.comment(number, who, text)
    w.process(number)
    assert w.data(number) == {"count": 0, **data}
    for who in ("alice", "bob"):
        w.hub.delete_user(who)
    with store_of(w) as store:
        assert store.verify() == ()
        revisions = [entry["metadata"]["revision"] for entry in store.get_object_history("m")]
        assert sorted(filter(None, revisions)) == list(range(1, 2 + sum(data.values())))
    assert rebuilt(w, number) == {"count": 0, **data}


def test_a_pending_update_of_a_deleted_account__does_not_share_the_verdict_of_another_one(w: World) -> None:
    number = w.object()
    w.repo.comment(number, "alice", add("a", "1"))
    w.process(number)
    other = w.repo.comment(number, "bob", add("b", "1"))
    for who in ("alice", "bob"):
        w.hub.delete_user(who)
    w.process(number)
    assert verdicts(w, number, [other]) == {"confused"}


@pytest.mark.parametrize("change", ["deleted", "late"])
def test_conversation_that_is_deleted_or_comes_late_between_two_keys__does_not_change_the_state(
    w: World, change: str
) -> None:
    """Fifty comments are between the two when they are folded, or fewer, and afterwards it is the other way round."""
    number = w.object()
    w.repo.comment(number, "alice", add("n", "k"))
    talk = [w.repo.comment(number, "bob", f"talk {place}") for place in range(50)]
    if change == "late":
        for comment in talk[:5]:
            w.repo.hide_comment_from_reads(comment)
    w.repo.comment(number, "alice", add("n", "k"))
    w.process(number)
    w.repo.reveal()
    if change == "deleted":
        w.repo.delete_comment(talk[3], "bob")
    w.process(number)
    with store_of(w) as store:
        assert {problem.kind for problem in store.verify()} <= {"deleted-comments"}
    assert rebuilt(w, number) == {"count": 0, "n": {"deleted": 2, "late": 1}[change]}


def test_a_state_between_two_checkpoints__is_not_certain_where_several_keys_may_have_been_repeated(w: World) -> None:
    number = w.object()
    for key in "12":
        w.repo.comment(number, "alice", add(key, key))
        w.repo.comment(number, "bob", add(key, key) if key == "1" else add("x", key))
    w.repo.comment(number, "carol", "talk")
    w.process(number)
    w.repo.grant("dave", "write")
    w.repo.edit_issue(number, "dave", body='{"by hand": 1}')
    w.process(number)
    for who in ("alice", "bob"):
        w.hub.delete_user(who)
    with store_of(w) as store:
        shown = [entry["metadata"]["revision"] for entry in store.get_object_history("m")]
        assert sorted(filter(None, shown)) == [1, 2, 3, 4, 5, 6]
        assert store.verify() == ()
        assert store.get("m", revision=6).data == {"by hand": 1}
        with pytest.raises(StoreError, match="revision 4"):
            store.get("m", revision=4)


@pytest.mark.parametrize("first", [add("a"), add("a", "other"), add("a", if_revision=77), "talk"])
def test_a_folded_comment_is_edited_so_that_it_has_a_key__an_update_with_that_key_still_counts(
    w: World, first: str
) -> None:
    """A verdict is about the text that was folded, and so is what a key counts for."""
    number = w.object()
    old = w.update(number, first)
    w.update(number, add("c"))
    w.process(number)
    before = w.data(number)
    w.repo.edit_comment(old, "alice", add("a", "k"))
    new = w.update(number, add("b", "k"))
    w.process(number)
    assert w.data(number) == {**before, "b": 1}  # type: ignore[dict-item]
    again = w.update(number, add("b", "k"))
    w.process(number)
    assert w.data(number) == {**before, "b": 1}  # type: ignore[dict-item]
    assert verdicts(w, number, [new, again]) == {"+1"}


def test_a_killed_run_leaves_no_receipt__a_key_that_is_edited_in_counts_for_nobody_all_the_same(w: World) -> None:
    """The title names what the run has read, and the receipt that the next run leaves is younger than the edit."""
    number = w.object()
    old = w.update(number, add("a"))
    w.hub.faults.refuse("addReaction", {"message": "no"}, times=None)
    w.process(number)
    w.hub.faults.clear()
    w.repo.edit_comment(old, "alice", add("a", "k"))
    w.process(number)
    w.update(number, add("b", "k"))
    w.process(number)
    assert w.data(number) == {"count": 0, "a": 1, "b": 1}


def test_a_comment_is_edited_before_it_is_folded__its_key_counts(w: World) -> None:
    number = w.object()
    first = w.update(number, add("a"))
    w.repo.edit_comment(first, "alice", add("n", "k"))
    w.process(number)
    w.update(number, add("n", "k"))
    w.process(number)
    assert w.data(number) == {"count": 0, "n": 1}
    assert rebuilt(w, number) == {"count": 0, "n": 1}


def test_an_update_and_its_repeat_are_edited_afterwards__a_rebuild_counts_them_once(w: World) -> None:
    number = w.object()
    comments = [w.update(number, add("n", "k")) for _ in range(2)]
    w.process(number)
    for comment in comments:
        w.repo.edit_comment(comment, "alice", f" {add('n', 'k')}")
    w.process(number)
    assert rebuilt(w, number) == {"count": 0, "n": 1}


def test_a_folded_comment_is_edited_to_the_key_of_one_that_comes_late__the_late_one_counts(w: World) -> None:
    number = w.object()
    w.late(number, add("n", "k"))
    old = w.update(number, add("a"))
    w.process(number)
    w.repo.edit_comment(old, "alice", add("a", "k"))
    w.repo.reveal()
    w.process(number)
    assert w.data(number) == {"count": 0, "a": 1, "n": 1}


def refusals(w: World, number: int) -> list[str]:
    bodies = [comment.body for comment in w.repo.issue(number).comments]
    return [body for body in bodies if body.startswith("<!-- gh-store refused")]


@pytest.mark.parametrize("beside", ["nothing", "another edit", "a deletion", "a checkpoint"])
def test_a_client_repeats_what_was_edited_after_it_was_applied__it_is_refused_and_never_counts_twice(
    w: World, beside: str
) -> None:
    """What the first one said can no longer be read, so the second may be the same update or another."""
    number = w.object()
    first, other = w.update(number, add("n", "k")), w.update(number, add("other"))
    w.process(number)
    w.repo.edit_comment(first, "alice", add("m", "k"))
    if beside == "another edit":
        w.repo.edit_comment(other, "alice", add("m"))
    elif beside == "a deletion":
        w.repo.delete_comment(other, "alice")
    elif beside == "a checkpoint":
        w.repo.edit_issue(number, "bob", body='{"by hand": 1, "n": 1}')
        w.process(number)
    w.process(number)
    again = w.update(number, add("n", "k"))
    w.process(number)
    assert w.data(number)["n"] == 1  # type: ignore[index]
    assert verdicts(w, number, [again]) == {"-1"}
    assert f"comment {first} has the same key and was edited after it was applied" in refusals(w, number)[-1]
    third = w.update(number, add("n", "k"))
    w.process(number)
    assert (w.data(number)["n"], verdicts(w, number, [third])) == (1, {"-1"})  # type: ignore[index]
    assert w.process(number).changed is False


@pytest.mark.parametrize("edited", ["in the second of the run", "afterwards as well"])
def test_a_client_repeats_what_was_edited_before_it_was_applied__it_never_counts_twice(w: World, edited: str) -> None:
    """The log shows that the two differ, but what was folded had the key."""
    w.hub.clock.tick = int(edited == "afterwards as well")
    number = w.object()
    first = w.update(number, add("n", "k"))
    w.repo.edit_comment(first, "alice", add("m", "k"))
    w.process(number)
    if edited == "afterwards as well":
        w.repo.edit_comment(first, "alice", add("o", "k"))
    again = w.update(number, add("n", "k"))
    w.process(number)
    assert w.data(number) == {"count": 0, "m": 1}
    assert verdicts(w, number, [again]) == {"-1"}


def test_the_edited_update_changed_nothing__the_log_does_not_show_that_it_had_another_key(w: World) -> None:
    number = w.object()
    first = w.update(number, json.dumps({"_data": {"count": 0}, "_meta": {"update_id": "k"}}))
    w.process(number)
    w.repo.edit_comment(first, "alice", add("m", "k"))
    again = w.update(number, add("n", "k"))
    w.process(number)
    assert w.data(number) == {"count": 0}
    assert verdicts(w, number, [again]) == {"-1"}


def test_the_log_is_longer_than_one_read__it_shows_that_two_updates_with_one_key_differ(w: World) -> None:
    number = w.object()
    w.update(number, add("long ago"))
    for place in range(120):
        w.repo.comment(number, "alice", f"talk {place}")
    first = w.update(number, add("a"))
    w.process(number)
    w.repo.edit_comment(first, "alice", add("a", "k"))
    w.update(number, add("b", "k"))
    w.process(number)
    assert w.data(number) == {"count": 0, "long ago": 1, "a": 1, "b": 1}


def test_a_stranger_uses_the_key_of_an_edited_comment__no_run_reads_the_log_for_it(w: World) -> None:
    number = w.object()
    first = w.update(number, add("a", "k"), by="mallory")
    for place in range(120):
        w.repo.comment(number, "alice", f"talk {place}")
    w.process(number)
    w.repo.edit_comment(first, "mallory", add("b", "k"))
    again = w.update(number, add("b", "k"), by="mallory")
    before = w.requests()
    w.process(number)
    assert (verdicts(w, number, [again]), w.requests() - before) == ({"confused"}, 3)  # read, permission, write
