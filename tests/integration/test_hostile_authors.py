"""Whoever opened an issue can change its title and body for ever; here they have lost the right to write."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from gh_store_action.domain import objects
from gh_store_action.domain.objects import Marker
from gh_store_action.domain.processing.reconcile import BrokenObject
from gh_store_action.errors import StoreError
from tests.double import BOT
from tests.support.library import store_of
from tests.support.store import World
from tests.support.values import RULES

pytestmark = pytest.mark.slow

INC = {"_data": {"$inc": {"n": 1}}, "_meta": {"update_mode": "operators"}}
FORGED = {"n": 666}
LEFT = "carol"  # who opened the object's issue, and may not write any more


def title_of(data: object, *, revision: int = 2, comment: int = 0) -> str:
    return objects.title("m", Marker(revision, comment, 0, objects.short_digest(data)), RULES)


def opened(w: World, by: str = LEFT) -> int:
    """An object that they made by hand and the store has signed; they have lost their right since."""
    w.repo.grant(by, "write")
    number = w.repo.open_issue(by, "m", '{"n": 0}', ["stored-object", "UID:m"])
    w.update(number, INC)
    w.process(number)
    w.repo.grant(by, "read")
    w.hub.clock.advance(60)
    return number


def title_away(w: World, number: int) -> None:
    w.repo.edit_issue(number, LEFT, title="mine")


def title_forged(w: World, number: int) -> None:
    w.repo.edit_issue(number, LEFT, title=title_of(FORGED, revision=99))


def title_there_and_back(w: World, number: int) -> None:
    before = w.repo.issue(number).title
    w.repo.edit_issue(number, LEFT, title="mine")
    w.repo.edit_issue(number, LEFT, title=before)


def title_of_another(w: World, number: int) -> None:
    w.repo.edit_issue(number, LEFT, title="Stored Object: other [r1 c0 n0 44136fa3]")


def title_moved(w: World, number: int) -> None:
    w.repo.edit_issue(number, LEFT, title=f"{w.repo.issue(number).title} -> #{number}")


def titles_flushed(w: World, number: int) -> None:
    for place in range(25):
        w.repo.edit_issue(number, LEFT, title=f"mine {place}")


def nothing(w: World, number: int) -> None:
    pass


TITLES = [nothing, title_away, title_forged, title_there_and_back, title_of_another, title_moved, titles_flushed]


@pytest.mark.parametrize("body", [True, False], ids=["body", "title alone"])
@pytest.mark.parametrize("change", TITLES)
def test_a_former_writer__gives_no_reader_another_state_and_takes_none_away(
    w: World, change: Callable[[World, int], None], body: bool
) -> None:
    number = opened(w)
    change(w, number)
    if body:
        w.repo.edit_issue(number, LEFT, body=json.dumps(FORGED))
    with store_of(w) as store:
        if body:
            with pytest.raises(BrokenObject, match="edited by carol, and that edit is not accepted"):
                store.get("m")
            assert list(store.list_all()) == []
        else:
            found = store.get("m")
            assert (found.data, found.meta.pending) == ({"n": 1}, 0)
            assert found.meta.version == 2 or change is titles_flushed
            assert [one.data for one in store.list_all()] == [{"n": 1}]
            assert [one.data for one in store.list_updated_since("2020-01-01T00:00:00Z")] == [{"n": 1}]
        with pytest.raises(StoreError, match="already exists"):
            store.create("m", FORGED)
        store.update("m", INC["_data"], "operators", apply=True)
        assert store.get("m").data == {"n": 2}
        assert [problem.kind for problem in store.verify()] == []
    assert w.sweep() == []
    assert objects.read_title(w.repo.issue(number).title)[0] == "m"
    said = [comment for comment in w.repo.issue(number).comments if comment.body.startswith("<!-- gh-store")]
    assert said == []


# -- what they enter into the log


STATE = {"type": "initial_state", "data": FORGED, "_meta": {"update_id": "9-9-x", "revision": 9, "after": 0}}
COPIED = {"type": "initial_state", "data": FORGED, "_meta": {"update_id": "9-9-y", "revision": 1, "previous": 1}}


@pytest.mark.parametrize("state", [STATE, COPIED], ids=["a state", "a state of another issue"])
def test_a_former_writers_states_and_receipts__are_nothing_in_the_past(w: World, state: object) -> None:
    first = w.object("first", {"n": 9})
    assert first == 1
    number = opened(w)
    comment = w.repo.comment(number, LEFT, json.dumps(state))
    for content in ("rocket", "+1"):
        w.repo.react(comment, LEFT, content)
    theirs = w.repo.comment(number, LEFT, json.dumps(FORGED))
    w.repo.react(theirs, LEFT, "+1")
    for _ in range(2):
        with store_of(w) as store:
            history = store.get_object_history("m")
            assert "666" not in str([one for one in history if one["metadata"]["verdict"] == "applied"])
            assert store.get("m", at="2099-01-01T00:00:00Z").data == {"n": 1}
            with pytest.raises(StoreError, match="has no revision 9"):
                store.get("m", revision=9)
            assert {problem.kind for problem in store.verify("m")} <= {"stranded-update"}
            assert len(store.verify(repair=True)) <= 1
        w.process(number)
        assert w.data(number) == {"n": 1}


def test_a_person_who_made_an_object_with_their_own_token__leaves_its_past_as_it_was(w: World) -> None:
    w.repo.grant(LEFT, "write")
    with store_of(w, w.hub.token(LEFT)) as store:
        store.create("m", {"n": 0})
        for _ in range(3):
            store.update("m", INC["_data"], "operators", apply=True)
    w.process(1)
    with store_of(w) as store:
        before = store.get_object_history("m")
    w.repo.grant(LEFT, "read")
    with store_of(w) as store:
        assert store.get_object_history("m") == before
        assert store.get("m", revision=2).data == {"n": 1}
        assert store.verify() == ()


# -- people with write permission whom `access` leaves out


@pytest.fixture
def left_out(w: World) -> int:
    """Alice may write to the repository, and not to this object: admins may."""
    w.repo.commit_files({".github/gh-store.yml": "store: {access: {permission: admin}}"})
    w.repo.grant("root", "admin")
    number = w.object(data={"n": 0})
    w.update(number, INC, by="root")
    w.update(number, {"_data": {}, "_meta": {"if_revision": 99}}, by="root")
    w.process(number)
    w.hub.clock.advance(60)
    return number


def of_the_store(w: World, number: int) -> list[int]:
    return [comment.id for comment in w.repo.issue(number).comments if comment.author == BOT]


@pytest.mark.parametrize("text", ["gone", '{"n": 666}', json.dumps(STATE), "<!-- gh-store refused 1 2 3 -->"])
@pytest.mark.parametrize("which", ["edited", "deleted"])
def test_a_writer_whom_access_leaves_out__breaks_nothing_for_good_by_the_stores_comments(
    w: World, left_out: int, which: str, text: str
) -> None:
    for comment in of_the_store(w, left_out):
        if which == "deleted":
            w.repo.delete_comment(comment, "alice")
        else:
            w.repo.edit_comment(comment, "alice", text)
    with store_of(w) as store:
        assert store.get("m").data == {"n": 1}
        told = store.verify()
        assert told
        assert "alice" in str(told) or which == "deleted"
    w.update(left_out, INC, by="root")
    result = w.process(left_out)
    assert (w.data(left_out), result.applied) == ({"n": 2}, 1)
    if which == "edited":
        assert "alice" in str(result.notes)
        assert w.process(left_out).notes == ()
    with store_of(w) as store:
        assert all(problem.repaired for problem in store.verify(repair=True)), store.verify()
        assert store.verify() == ()
    w.repo.edit_issue(left_out, "alice", body=json.dumps(FORGED))
    w.process(left_out)
    assert w.data(left_out) == {"n": 2}


def test_a_writer_whom_access_leaves_out__has_no_edit_given_out(w: World, left_out: int) -> None:
    w.repo.edit_issue(left_out, "alice", body=json.dumps(FORGED))
    with store_of(w) as store:
        with pytest.raises(BrokenObject, match="edited by alice, and that edit is not accepted"):
            store.get("m")
        assert list(store.list_all()) == []
    result = w.process(left_out)
    assert w.data(left_out) == {"n": 1}
    assert "by alice was refused" in str(result.notes)


def test_a_writer_whom_access_leaves_out__destroys_log_and_body_and_an_admin_puts_them_right(
    w: World, left_out: int
) -> None:
    for comment in of_the_store(w, left_out):
        w.repo.edit_comment(comment, "alice", "gone")
    w.repo.edit_issue(left_out, "alice", body="gone")
    with pytest.raises(BrokenObject, match="Put the object's JSON back into the body"):
        w.process(left_out)
    with store_of(w) as store:
        assert {"broken-body"} <= {problem.kind for problem in store.verify()}
    w.repo.edit_issue(left_out, "root", body='{"n": 1}')
    w.process(left_out)
    w.update(left_out, INC, by="root")
    assert w.process(left_out).applied == 1
    assert w.data(left_out) == {"n": 2}


# -- other bots


@pytest.mark.parametrize("bot", ["some-app[bot]", "dependabot[bot]"])
def test_a_bot_that_does_not_count__has_no_edit_given_out_and_no_receipt_believed(w: World, bot: str) -> None:
    number = w.object(data={"n": 0})
    comment = w.update(number, INC, by=bot)
    w.repo.react(comment, bot, "+1")
    w.hub.clock.advance(60)
    w.repo.edit_issue(number, bot, body=json.dumps(FORGED))
    with store_of(w) as store:
        with pytest.raises(BrokenObject, match="that edit is not accepted"):
            store.get("m")
        assert list(store.list_all()) == []
    result = w.process(number)
    assert (w.data(number), result.unauthorized) == ({"n": 0}, 1)
