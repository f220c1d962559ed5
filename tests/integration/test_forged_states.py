"""States, replies and receipts that somebody posts by hand: one counts only if its author may write, or could then."""

from __future__ import annotations

import json

import pytest

from gh_store_action.domain.log.entries import checkpoint
from tests.double import BOT
from tests.support.library import store_of
from tests.support.store import World

INC = {"_data": {"$inc": {"n": 1}}, "_meta": {"update_mode": "operators"}}


def forged(after: int, reason: str = "edited by hand") -> str:
    return checkpoint({"n": 666}, after=after, revision=7, update_id="9-9-0badc0de", version="1", reason=reason)


def with_a_run_of(w: World, person: str) -> int:
    """An object of two updates, of which that person's own run has folded one."""
    number = w.object("m", {"n": 0})
    for token in (w.hub.token(person), ""):
        w.update(number, INC)
        w.process(number, token)
    return number


def newest(w: World, number: int) -> int:
    return w.repo.issue(number).comments[-1].id


def holds(w: World, number: int, count: int) -> None:
    """For every reader, and when the body has to be rebuilt."""
    w.process(number)
    assert w.data(number) == {"n": count}
    with store_of(w) as store:
        assert store.verify() == ()
        history = store.get_object_history("m")
        assert [one["data"] for one in history if one["metadata"]["revision"]] == [{"n": 0}, *[INC["_data"]] * count]
    holds_data(w, number, count)


def holds_data(w: World, number: int, count: int) -> None:
    assert w.data(number) == {"n": count}
    w.repo.edit_issue(number, "bob", body="oops {")
    w.process(number)
    assert w.data(number) == {"n": count}
    assert w.process(number).changed is False


@pytest.mark.parametrize("who", ["a person who has left", "a deleted account", "a stranger whose account is deleted"])
@pytest.mark.parametrize("reason", ["edited by hand", ""])
def test_a_state_posted_after_losing_write_access__is_conversation(w: World, who: str, reason: str) -> None:
    """They have set a title of the object, but before they posted it; GitHub shows all deleted accounts as one."""
    w.repo.grant("carol", "write")
    number = with_a_run_of(w, "carol")
    w.repo.grant("carol", "none")
    if who == "a stranger whose account is deleted":
        w.hub.delete_user("carol")
    author = "mallory" if "stranger" in who else "carol"
    w.repo.comment(number, author, forged(newest(w, number), reason))
    if "deleted" in who:
        w.hub.delete_user(author)
    holds(w, number, 2)
    w.update(number, INC)
    holds(w, number, 3)


@pytest.mark.parametrize("which", ["conversation", "their own state"])
def test_a_comment_edited_after_losing_write_access__does_not_become_a_state(w: World, which: str) -> None:
    w.repo.grant("carol", "write")
    number = w.object("m", {"n": 0})
    w.update(number, INC)
    mine = w.repo.comment(number, "carol", "thanks!")
    if which == "their own state":
        w.repo.edit_issue(number, "bob", body='{"n": 1}')
    w.process(number, w.hub.token("carol"))
    mine = newest(w, number) if which == "their own state" else mine
    w.update(number, INC)
    w.process(number)
    before = w.data(number)
    w.repo.grant("carol", "none")
    w.repo.edit_comment(mine, "carol", forged(newest(w, number)))
    w.process(number)
    assert w.data(number) == before
    with store_of(w) as store:
        assert all(one["data"] != {"n": 666} for one in store.get_object_history("m"))


@pytest.mark.parametrize("opener", [BOT, "carol"])
def test_a_signed_state_that_a_former_writer_edits__is_entered_again(w: World, opener: str) -> None:
    number = w.repo.open_issue(opener, "Stored Object: m", '{"n": 0}', ["stored-object", "UID:m"])
    w.repo.grant("carol", "write")
    w.process(number)
    w.repo.edit_issue(number, "bob", body='{"n": 1}')
    w.process(number, w.hub.token("carol"))
    state = newest(w, number)
    w.process(number)
    w.repo.grant("carol", "none")
    w.repo.edit_comment(state, "carol", "gone")
    with store_of(w) as store:
        assert ("edited-comment", state) in {(one.kind, one.comment_id) for one in store.verify()}
    assert any(f"were edited: {state} (by carol)" in note for note in w.process(number).notes)
    holds_data(w, number, 1)


def test_a_state_of_the_store_that_a_signer_edits__is_noticed(w: World) -> None:
    number = with_a_run_of(w, "bob")
    w.repo.edit_comment(w.repo.issue(number).comments[0].id, "bob", forged(0, ""))
    assert any("were edited" in note and "(by bob)" in note for note in w.process(number).notes)
    holds_data(w, number, 2)


@pytest.mark.parametrize("runs", [True, False])
def test_a_rocket_by_hand__does_not_make_a_strangers_state_or_reply_count(w: World, runs: bool) -> None:
    number = with_a_run_of(w, "alice")
    state = w.repo.comment(number, "mallory", forged(newest(w, number)))
    reply = w.repo.comment(number, "mallory", f"<!-- gh-store refused {state + 14} {state + 21} -->\nGreat, thank you!")
    for comment in (state, reply):
        w.repo.react(comment, "alice", "rocket")
    if runs:
        w.process(number, w.hub.token("alice"))
    w.update(number, {"_data": {"n": 9}, "_meta": {"if_digest": "00000000"}})
    w.process(number)
    (told,) = [c.body for c in w.repo.issue(number).comments if c.author == BOT and "refused" in c.body]
    assert told.startswith(f"<!-- gh-store refused {state + 14} ")
    assert w.data(number) == {"n": 2}
    assert {c.id: c.reactions for c in w.repo.issue(number).comments}[state] == (("alice", "rocket"),)


@pytest.mark.parametrize("reason", ["edited by hand", ""])
@pytest.mark.parametrize("opener", ["carol", BOT])
def test_a_state_for_a_comment_that_is_still_to_come__never_counts(w: World, opener: str, reason: str) -> None:
    """They plant it while they may write; when the log has passed it, they may no longer."""
    number = w.repo.open_issue(opener, "Stored Object: m", '{"n": 0}', ["stored-object", "UID:m"])
    w.repo.grant("carol", "write")
    w.update(number, INC)
    w.process(number)
    w.repo.comment(number, "carol", forged(newest(w, number) + 70, reason))
    w.update(number, INC)
    w.process(number, w.hub.token("carol"))
    w.process(number)
    w.repo.grant("carol", "none")
    for _ in range(12):
        w.update(number, INC)
        w.process(number)
    holds_data(w, number, 14)


@pytest.mark.parametrize("sweep", [False, True])
def test_a_state_from_a_persons_run__gets_one_rocket_from_the_next_run_or_sweep(w: World, sweep: bool) -> None:
    number = w.object("m", {"n": 0})
    w.repo.edit_issue(number, "bob", body='{"n": 0, "by hand": 1}')
    w.process(number, w.hub.token("alice"))
    state = newest(w, number)
    for _ in range(2):
        w.sweep() if sweep else w.process(number)
    w.process(number, w.hub.token("bob"))
    assert {c.id: c.reactions for c in w.repo.issue(number).comments}[state] == ((BOT, "rocket"),)
    before = w.requests()
    w.sweep()
    assert w.requests() - before == 1
    assert w.process(number).changed is False


def test_a_state_dated_after_its_title__is_not_lost(w: World) -> None:
    number = w.object("m", {"n": 0})
    w.repo.edit_issue(number, "bob", body='{"n": 0, "by hand": 1}')
    w.process(number, w.hub.token("alice"))
    w.repo.record.comments[newest(w, number)].created += 5
    w.update(number, INC)
    w.process(number)
    assert w.data(number) == {"n": 1, "by hand": 1}
    w.repo.edit_issue(number, "bob", body="oops {")
    w.process(number)
    assert w.data(number) == {"n": 1, "by hand": 1}
    assert w.process(number).changed is False


def test_a_state_that_a_persons_run_enters_again__is_followed_by_a_title(w: World) -> None:
    """The body and the marker stay, but without a title nothing would show that they may write."""
    number = with_a_run_of(w, "alice")
    w.repo.edit_comment(w.repo.issue(number).comments[0].id, "bob", "oops")
    for person in ("alice", "bob", ""):
        w.process(number, person and w.hub.token(person))
    with store_of(w) as store:
        assert store.verify() == ()
    assert sum('"revision": 3' in one.body for one in w.repo.issue(number).comments) == 1
    holds_data(w, number, 2)


def test_a_repair_during_another_run__undoes_nothing(w: World) -> None:
    """It adds the state to the log, and leaves body and title as they are by then."""
    number = w.object("m", {"n": 0})
    update = w.update(number, INC)
    w.update(number, INC)
    w.process(number)
    w.repo.edit_comment(update, "alice", json.dumps({"n": 50}))

    def beside() -> None:
        w.update(number, INC)
        with store_of(w) as other:
            other.sweep()

    w.before_the_write(beside)
    with store_of(w) as store:
        store.verify("m", repair=True)
    w.sweep()
    assert w.data(number) == {"n": 3}


def test_a_repair_with_somebodys_own_token__lasts(w: World) -> None:
    """The state that it enters is followed by a title."""
    number = w.object("m", {"n": 0})
    updates = [w.update(number, INC) for _ in range(2)]
    w.process(number)
    w.repo.edit_comment(updates[0], "alice", json.dumps({"n": 50}))
    with store_of(w, w.hub.token("bob")) as store:
        assert {problem.repaired for problem in store.verify("m", repair=True)} == {True}
        assert store.verify("m") == ()
    count = len(w.repo.issue(number).comments)
    with store_of(w) as store:
        assert store.verify("m", repair=True) == ()
    assert len(w.repo.issue(number).comments) == count
    w.repo.edit_issue(number, "alice", body="oops {")
    w.process(number)
    assert w.data(number) == {"n": 2}


@pytest.mark.parametrize("events", [True, False])
@pytest.mark.parametrize("person", ["", "bob"])
def test_a_copy_with_receipts_and_a_hand_edit__is_explained_by_its_log(w: World, person: str, events: bool) -> None:
    """Every update has a verdict, so nobody has been asked about."""
    number = w.object("m", {"n": 0})
    w.update(number, INC)
    w.process(number)
    w.repo.grant("dave", "write")
    w.repo.edit_issue(number, "dave", body='{"n": 1, "by hand": 1}')
    w.process(number, person and w.hub.token(person))
    w.process(number)
    w.update(number, INC)
    w.process(number)
    w.repo.renumber_comments(number, receipts=True, events=events)
    w.process(number)
    with store_of(w) as store:
        assert store.verify() == ()
    for login in ("alice", "bob"):
        w.repo.grant(login, "none")
    w.repo.edit_issue(number, "dave", body="oops {")
    w.process(number)
    assert w.data(number) == {"n": 2, "by hand": 1}
