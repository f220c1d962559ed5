"""Objects that persons' own runs and the workflow's write by turns: one revision, one history, nothing undone."""

from __future__ import annotations

import json

import pytest

from gh_store_action.domain import objects
from gh_store_action.domain.past import history
from gh_store_action.gateway.objects import ObjectGateway
from tests.support.store import STRANGER, World, world

pytestmark = pytest.mark.slow


def made_by(w: World, person: str) -> tuple[int, str]:
    """An object that a person has made and processed with a token of their own; its issue and that token."""
    w.repo.grant(person, "admin")
    token = w.hub.token(person)
    number = w.repo.open_issue(person, "Stored Object: m", json.dumps({"n": 1}), ["stored-object", "UID:m"])
    w.process(number, token)
    assert w.repo.issue(number).title.startswith("Stored Object: m [r1 ")
    return number, token


def revision(w: World, number: int) -> int:
    marker = objects.read_title(w.repo.issue(number).title)[1]
    assert marker is not None
    return marker.revision


def states(w: World, number: int) -> list[tuple[int, object]]:
    """The object's states by its log, as every reader gets them."""
    session = w.session()
    reading = session.github.read(number, rules=True)
    session.learn(reading)
    issue = ObjectGateway.beside(session.github).extend(reading.issues[0], 0, session.viewer)
    log = history.read(issue, session.rules)
    session.github.transport.close()
    return [(point.revision, point.data) for point in history.points(log)]


def nothing_refused(w: World, number: int) -> None:
    for comment in w.repo.issue(number).comments:
        assert not comment.body.startswith("<!-- gh-store refused"), comment.body
        assert not [content for _, content in comment.reactions if content in ("-1", "confused")], comment.body


def test_taken_over__with_nothing_pending_keeps_its_revision() -> None:
    with world() as w:
        number, _ = made_by(w, "bob")
        w.process(number)
        assert (revision(w, number), w.data(number)) == (1, {"n": 1})
        before = w.requests()
        assert not w.process(number).changed
        assert w.requests() - before == 1
        nothing_refused(w, number)
        assert states(w, number) == [(1, {"n": 1})]


def test_taken_over__an_update_that_names_the_revision_is_applied() -> None:
    with world() as w:
        number, _ = made_by(w, "bob")
        w.update(number, {"_data": {"k": 1}, "_meta": {"if_revision": 1}})
        result = w.process(number)
        assert (result.applied, result.rejected, revision(w, number)) == (1, 0, 2)
        assert w.data(number) == {"n": 1, "k": 1}
        assert states(w, number)[-2:] == [(1, {"n": 1}), (2, {"n": 1, "k": 1})]
        assert w.sweep() == []


@pytest.mark.parametrize("how", ["edited", "updated and edited", "edited twice"])
def test_taken_over__checkpoints_of_the_persons_run_are_no_updates(how: str) -> None:
    """A hand edit that a person's own run entered into the log."""
    with world() as w:
        number, token = made_by(w, "bob")
        if how == "updated and edited":
            w.update(number, {"u": 1})
            w.process(number, token)
        w.repo.edit_issue(number, "alice", body='{"n": 2}')
        w.process(number, token)
        if how == "edited twice":
            w.repo.edit_issue(number, "alice", body='{"n": 3}')
            w.process(number, token)
        before, count = w.data(number), revision(w, number)
        result = w.process(number)
        assert (result.rejected, result.unauthorized, result.refusals) == (0, 0, ())
        assert (w.data(number), revision(w, number)) == (before, count)
        w.update(number, {"k": 1})
        assert w.process(number).applied == 1
        nothing_refused(w, number)
        assert w.sweep() == []
        assert states(w, number)[-1] == (count + 1, {**before, "k": 1})  # type: ignore[dict-item]


def test_taken_over__an_old_store_that_a_person_migrated() -> None:
    with world() as w:
        number = w.legacy(data={"n": 1})
        token = w.hub.token("bob")
        w.repo.grant("bob", "admin")
        w.process(number, token)
        before, count = w.data(number), revision(w, number)
        result = w.process(number)
        assert (result.rejected, w.data(number), revision(w, number)) == (0, before, count)
        nothing_refused(w, number)
        assert w.sweep() == []


@pytest.mark.parametrize("tick", [0, 1])
def test_taken_over__the_newest_comment_is_deleted_and_the_body_edited__the_persons_marker_still_counts(
    tick: int,
) -> None:
    """The title names a comment beyond all that are there, and the body does not fit it any more."""
    with world() as w:
        w.hub.clock.tick = tick
        number = w.object()
        w.update(number, {"_data": {"$inc": {"n": 1}}, "_meta": {"update_mode": "operators"}}, by="bob")
        newest = w.repo.comment(number, "alice", "nice")
        w.process(number, w.hub.token("alice"))
        w.repo.delete_comment(newest, "alice")
        w.repo.edit_issue(number, "alice", body='{"count": 0, "n": 1, "by hand": 1}')
        w.process(number)
        assert w.data(number) == {"count": 0, "n": 1, "by hand": 1}
        assert w.process(number).changed is False


def test_taken_over__a_thumb_on_what_is_no_json_says_nothing() -> None:
    with world() as w:
        number = w.legacy(data={})
        first, broken = w.update(number, {"a": 1}), w.update(number, '{"b": 1,}')
        w.repo.react(broken, "bob", "+1")
        assert w.process(number).counts.named() == {"applied": 1, "rejected": 1, "unauthorized": 0}
        assert w.data(number) == {"a": 1}
        assert first < broken


def test_taken_over__states_of_others_are_nothing() -> None:
    with world() as w:
        number, _ = made_by(w, "bob")
        w.update(number, {"type": "initial_state", "_data": {"n": 9}, "_meta": {}}, by=STRANGER)
        w.update(number, {"type": "initial_state", "_data": {"n": 8}, "_meta": {}}, by="alice")
        assert w.process(number).refusals == ()
        assert w.data(number) == {"n": 1}


def test_taken_over__a_title_of_the_same_words_is_as_good() -> None:
    """Somebody who may write has typed ours."""
    with world() as w:
        number = w.object(data={"n": 1})
        w.repo.grant("carol", "write")
        for _ in range(2):
            title = w.repo.issue(number).title
            w.repo.edit_issue(number, "carol", title="mine")
            w.repo.edit_issue(number, "carol", title=title)
            w.process(number)
            assert (revision(w, number), w.data(number)) == (1, {"n": 1})
            assert not w.process(number).changed
        assert w.sweep() == []


INC = {"_data": {"$inc": {"n": 1}}, "_meta": {"update_mode": "operators"}}


def folded_by_a_person(w: World, person: str = "bob") -> int:
    """The workflow's run has made it; a person's own run has folded an update since."""
    number = w.object(data={"n": 0})
    w.process(number)
    w.repo.grant(person, "write")
    w.update(number, INC)
    assert w.process(number, w.hub.token(person)).applied == 1
    return number


@pytest.mark.parametrize("by", ["bob", "alice", "carol"])
@pytest.mark.parametrize("what", ["a hand edit", "the title", "the title and a hand edit"])
def test_taken_over__what_a_persons_run_has_folded_counts_once(what: str, by: str) -> None:
    """Whoever edits body or title behind it: the newest run's title is in the history."""
    with world() as w:
        number = folded_by_a_person(w)
        w.repo.grant("carol", "triage")
        if "title" in what:
            w.repo.edit_issue(number, by, title="a nice title")
        if "hand edit" in what:
            w.repo.edit_issue(number, "alice", body='{"n": 1, "x": 1}')
        result = w.process(number)
        assert (w.data(number), result.applied) == ({"n": 1, "x": 1} if "hand edit" in what else {"n": 1}, 0)
        w.update(number, INC)
        assert w.process(number).applied == 1
        assert w.data(number) == ({"n": 2, "x": 1} if "hand edit" in what else {"n": 2})
        nothing_refused(w, number)
        assert w.sweep() == []


@pytest.mark.parametrize("which", ["older", "another object's"])
def test_taken_over__a_title_of_a_run_typed_again_undoes_nothing(which: str) -> None:
    with world() as w:
        number = w.object(data={"n": 0})
        w.process(number)
        older = w.repo.issue(number).title
        for _ in range(2):
            w.update(number, INC)
            w.process(number)
        other = w.object("other", {"n": 5})
        w.update(other, INC)
        w.process(other)
        w.update(number, INC)
        w.repo.edit_issue(number, "bob", title=older if which == "older" else w.repo.issue(other).title)
        assert w.process(number).applied == 1
        assert w.data(number) == {"n": 3}
        assert w.sweep() == []


def test_taken_over__with_an_update_that_waits_writes_no_title_and_no_revision() -> None:
    """GitHub does not say whether dave may write: the update waits, and finds the revision that it names."""
    with world() as w:
        number = folded_by_a_person(w)
        before = revision(w, number)
        w.update(number, {"_data": {"k": 1}, "_meta": {"if_revision": before}}, by="dave")
        w.hub.faults.status(403, match=lambda request: "/collaborators/dave" in request.path, times=None)
        for _ in range(3):
            assert w.process(number).pending == 1
        assert revision(w, number) == before
        w.hub.faults.clear()
        w.repo.grant("dave", "write")
        assert w.process(number).applied == 1
        assert w.data(number) == {"n": 1, "k": 1}


def test_taken_over__from_one_person_to_another_and_to_the_workflow() -> None:
    with world() as w:
        number, token = made_by(w, "bob")
        w.repo.edit_issue(number, "alice", body='{"n": 2}')
        w.process(number, token)
        w.repo.grant("carol", "write")
        w.process(number, w.hub.token("carol"))
        w.process(number)
        w.update(number, {"k": 1})
        assert w.process(number).applied == 1
        assert w.data(number) == {"n": 2, "k": 1}
        nothing_refused(w, number)
        assert w.sweep() == []


def test_relabelled__no_other_object() -> None:
    """A triager can move labels: the title that the store has set says which object it is."""
    with world() as w:
        number = w.object(data={"n": 0})
        w.update(number, INC)
        w.process(number)
        before = revision(w, number)
        w.repo.edit_issue(number, "alice", labels=["stored-object", "UID:other"])
        w.update(number, INC)
        assert "its label says other, but the title that the store wrote says m" in w.process(number).skipped
        assert (w.data(number), revision(w, number)) == ({"n": 1}, before)
        w.repo.edit_issue(number, "alice", labels=["stored-object", "UID:m"])
        assert w.process(number).applied == 1
        assert (w.data(number), revision(w, number)) == ({"n": 2}, before + 1)


def test_taken_over__a_persons_object_that_somebody_gave_another_title() -> None:
    with world() as w:
        number, token = made_by(w, "bob")
        w.repo.edit_issue(number, "alice", body='{"n": 2}')
        w.process(number, token)
        w.repo.grant("carol", "triage")
        w.repo.edit_issue(number, "carol", title="a nice title")
        w.update(number, INC)
        assert w.process(number).applied == 1
        assert w.data(number) == {"n": 3}
        nothing_refused(w, number)
        assert w.sweep() == []


@pytest.mark.parametrize(("author", "told"), [("bob", 1), (STRANGER, 2)])
def test_a_reply_of_a_persons_run__is_not_given_again(author: str, told: int) -> None:
    """Bob's run writes no title.  A stranger's comment that looks like a reply silences nothing."""
    with world() as w:
        number = w.repo.open_issue("alice", "Stored Object: m", '{"n": 1}', ["stored-object", "UID:m"])
        update = w.repo.comment(number, "alice", '{"n": 2}')
        w.process(number)
        w.repo.edit_comment(update, "alice", '{"n": 3}')
        w.repo.grant("bob", "write")
        w.process(number, w.hub.token("bob"))
        said = w.repo.issue(number).comments[-1]
        assert said.author == "bob" and said.body.startswith("<!-- gh-store refused edited")
        if author == STRANGER:
            w.repo.delete_comment(said.id, "bob")
            w.repo.comment(number, STRANGER, said.body)
        for _ in range(2):
            w.process(number)
        assert [one.body for one in w.repo.issue(number).comments].count(said.body) == told


def test_a_title_that_somebody_typed__a_persons_run_writes_its_own_once_and_no_lower_revision() -> None:
    with world() as w:
        number = w.object("m", {"n": 1})
        w.repo.grant("bob", "write")
        token = w.hub.token("bob")
        w.repo.edit_issue(number, "bob", title="Stored Object: m [r2 c1000000 n0 0badc0de]")
        before = w.requests()
        w.process(number, token)
        assert (revision(w, number), w.data(number), w.requests() - before) == (2, {"n": 1}, 2)
        assert not w.process(number, token).changed
        assert not w.process(number).changed
        assert revision(w, number) == 2
