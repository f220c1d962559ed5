"""People who use the store with a token of their own: the rules and the readers are the same for them as for any."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest

from gh_store_action import GitHubStore
from gh_store_action.errors import AccessDeniedError, InvalidUpdate, ObjectExists, StoreError
from tests.double import BOT
from tests.support.library import store_of
from tests.support.store import World, world

ADMINS = '{match: "m*", users: [alice], permission: admin}'
PUSHES = '{match: "m*", permission: anyone, allow: ["$push"]}'
RULE = r"bob may not change 'm': the rule is \{match: 'm\*', permission: admin, users: \[alice\]\}"
INC = {"$inc": {"n": 1}}


def store(w: World, access: str = ADMINS) -> int:
    """A store with these rules, and one object."""
    w.repo.commit_files({".github/gh-store.yml": f"store: {{access: [{access}]}}"}, by="octo")
    return w.object("m", {"n": 0})


def own(w: World, login: str) -> GitHubStore:
    return store_of(w, w.hub.token(login) if login else "")


def seen_by(w: World, login: str) -> tuple[object, object]:
    """What a reader finds: the objects of a list, and the one object or why there is none."""
    with own(w, login) as found:
        listed = [(one.data, one.meta.version) for one in found.list_all()]
        try:
            one = found.get("m")
            return listed, (one.data, one.meta.version)
        except StoreError as error:
            return listed, error.text


def one_store(w: World) -> tuple[object, object]:
    """What everybody sees, after a look whether it is one thing."""
    seen = {login: seen_by(w, login) for login in ("alice", "bob", "carol", "octo", "")}
    assert all(one == seen[""] for one in seen.values()), seen
    return seen[""]


@pytest.mark.parametrize("apply", [True, False])
def test_update__by_somebody_whom_the_rule_leaves_out__is_refused_before_anything_is_posted(apply: bool) -> None:
    with world() as w:
        number = store(w)
        before = len(w.repo.issue(number).comments)
        with own(w, "bob") as found, pytest.raises(AccessDeniedError, match=RULE):
            found.update("m", {"n": 1}, apply=apply)
        assert (len(w.repo.issue(number).comments), w.data(number)) == (before, {"n": 0})
        with own(w, "alice") as found:
            assert found.update("m", {"n": 2}, apply=True).data == {"n": 2}


def test_update__of_a_kind_that_the_rule_does_not_allow__is_refused_before_anything_is_posted() -> None:
    with world() as w:
        number = store(w, PUSHES)
        before = len(w.repo.issue(number).comments)
        with own(w, "mallory") as found:
            with pytest.raises(InvalidUpdate, match=r"allows `\$push` \(without `\$slice`\) alone"):
                found.update("m", {"n": 1})
            assert len(w.repo.issue(number).comments) == before
            found.update("m", {"$push": {"seen": 1}}, "operators")
        with own(w, "bob") as found:
            assert found.update("m", {"n": 1}, apply=True).data == {"n": 1, "seen": [1]}


def test_update__where_github_does_not_say_who_may__is_posted_and_waits() -> None:
    with world() as w:
        w.hub.add_org("octo")
        w.hub.add_team("octo", "data", {"alice": "member"})
        number = store(w, "{match: 'm*', permission: admin, teams: [octo/data]}")
        w.hub.faults.status(403, match=lambda request: "/teams/" in request.path, times=None)
        with own(w, "bob") as found:
            found.update("m", {"n": 1})
        assert (w.process(number).pending, w.data(number)) == (1, {"n": 0})


@pytest.mark.parametrize("first", ["bob", ""])
def test_an_update_that_the_rule_refuses__has_one_verdict_whoever_runs_first(first: str) -> None:
    with world() as w:
        number = store(w)
        w.update(number, {"n": 1}, by="bob")
        w.update(number, {"n": 2}, by="alice")
        for login in (first, "bob", ""):
            w.process(number, w.hub.token(login) if login else "")
            assert w.data(number) == {"n": 2}
        given = [[content for _, content in c.reactions] for c in w.repo.issue(number).comments[-2:]]
        assert [set(each) for each in given] == [{"confused"}, {"+1"}]
        assert one_store(w)[1] == ({"n": 2}, 2)


def test_an_edit_of_the_body_that_the_rule_refuses__is_given_out_to_nobody_and_undone_by_anybody() -> None:
    with world() as w:
        number = store(w)
        w.repo.edit_issue(number, "bob", body='{"n": 7}')
        assert "edited by bob, and that edit is not accepted" in str(one_store(w))
        w.process(number, w.hub.token("bob"))
        assert w.data(number) == {"n": 0}
        assert one_store(w) == ([({"n": 0}, 1)], ({"n": 0}, 1))


def test_an_edit_by_its_author_who_has_left__is_given_out_to_nobody() -> None:
    with world() as w:
        number = w.repo.open_issue("alice", "m", '{"n": 0}', ["stored-object", "UID:m"])
        w.process(number)
        w.repo.grant("alice", "read")
        w.repo.edit_issue(number, "alice", body='{"n": 7}')
        listed, said = one_store(w)
        assert (listed, "edited by alice, and that edit is not accepted" in str(said)) == ([], True)
        with suppress(StoreError):
            w.process(number, w.hub.token("alice"))
        w.process(number)
        assert (w.data(number), one_store(w)[0]) == ({"n": 0}, [({"n": 0}, 1)])


def test_an_object_of_somebody_who_has_left__that_nobody_has_signed__is_one_for_nobody() -> None:
    with world() as w:
        w.repo.grant("carol", "write")
        with own(w, "carol") as found:
            found.create("m", {"n": 0})
        assert one_store(w)[0] == [({"n": 0}, 1)]
        w.repo.grant("carol", "read")
        listed, said = one_store(w)
        assert (listed, "opened by carol, who may not write here" in str(said)) == ([], True)


def test_an_app_that_is_no_processor__finds_what_the_others_find() -> None:
    """Of an App's own permission GitHub says nothing that holds for the others."""
    with world() as w:
        token = w.repo.app_token("my-app", issues="write", contents="write")
        w.repo.open_issue("my-app[bot]", "Stored Object: m", '{"n": 0}', ["stored-object", "UID:m"])
        for reader in (token, w.token(), w.hub.token("alice")):
            with store_of(w, reader) as found:
                assert list(found.list_all()) == []


def test_create__by_somebody_whom_the_rule_leaves_out__opens_no_issue() -> None:
    """Nobody would take it for an object."""
    with world() as w:
        store(w)
        with own(w, "bob") as found:
            with pytest.raises(AccessDeniedError, match="bob may not change 'm2'"):
                found.create("m2", {"n": 0})
            assert len(w.repo.issues()) == 1
            assert found.create("other", {"n": 0}).meta.issue_number == 2
        with own(w, "alice") as found:
            found.create("m2", {"n": 0})
        assert len(w.repo.issues()) == 3


@pytest.mark.parametrize("second", ["carol", "dave"])
def test_create__beside_an_older_object_of_a_person_that_github_does_not_list_yet__is_given_up(second: str) -> None:
    with world() as w:
        for person in ("carol", "dave"):
            w.repo.grant(person, "write")
        w.hub.delays.labels = w.hub.delays.lists = 4
        with own(w, "carol") as found:
            found.create("m", {"n": 0})
        with own(w, second) as found, suppress(ObjectExists):
            found.create("m", {"n": 1})
        for _ in range(4):
            w.session().ensure()
        live = [issue.number for issue in w.repo.issues() if "UID:m" in issue.labels]
        assert live == [1]


def test_a_persons_own_token__costs_no_request_more_than_the_workflows() -> None:
    with world() as w:
        w.repo.grant("carol", "write")
        with own(w, "alice") as found:
            found.create("theirs", {"n": 0})
        costs: list[list[int]] = []
        for token in (w.hub.token("carol"), w.token()):
            object_id = f"m{len(costs)}"
            spent: list[int] = []

            def count(work: object, token: str = token, spent: list[int] = spent) -> None:
                with store_of(w, token) as found:
                    before = w.requests()
                    work(found)  # type: ignore[operator]
                    spent.append(w.requests() - before)

            count(lambda s, name=object_id: s.create(name, {"n": 0}))
            count(lambda s, name=object_id: s.get(name))
            count(lambda s, name=object_id: s.update(name, INC, "operators"))
            count(lambda s, name=object_id: s.update(name, INC, "operators", apply=True))
            number = next(issue.number for issue in w.repo.issues() if f"UID:{object_id}" in issue.labels)
            w.update(number, {"n": 5}, by="carol" if not costs else BOT)
            for _ in range(2):
                before = w.requests()
                w.process(number, token)
                spent.append(w.requests() - before)
            costs.append(spent)
        assert costs == [[4, 1, 2, 3, 2, 1]] * 2


@pytest.mark.parametrize("first", ["bob", ""])
def test_an_update_for_somebody_by_a_person__has_one_author_whoever_runs_first(first: str) -> None:
    """Only the store speaks for others."""
    with world() as w:
        number = w.object("m", {"n": 0})
        meta = {"update_mode": "operators", "on_behalf_of": "alice"}
        w.update(number, {"_data": {"$inc": {"n": "x"}}, "_meta": meta}, by="bob")
        done = w.process(number, w.hub.token(first) if first else "")
        assert [(one.author, one.unauthorized) for one in done.refusals] == [("bob", False)]


def test_a_thumb_of_ones_own_before_the_first_run__is_an_opinion_and_no_receipt() -> None:
    with world() as w:
        number = w.repo.open_issue("alice", "m", '{"n": 0}', ["stored-object", "UID:m"])
        comment = w.update(number, {"_data": INC, "_meta": {"update_mode": "operators"}}, by="alice")
        w.repo.react(comment, "alice", "+1")
        w.process(number, w.hub.token("alice"))
        assert w.data(number) == {"n": 1}


@pytest.mark.parametrize("reader", ["bob", "alice", ""])
def test_a_title_whose_event_is_late__is_that_of_the_writer_who_saved_the_body(reader: str) -> None:
    with world() as w:
        number = w.repo.open_issue("carol", "m", '{"n": 0}', ["stored-object", "UID:m"])
        w.repo.edit_issue(number, "alice", body='{"n": 0} ')
        w.process(number)
        w.update(number, {"n": 1}, by="bob")
        w.hub.delays.events = 50
        w.process(number, w.hub.token("bob"))
        with own(w, reader) as found:
            assert (found.get("m").data, found.get("m").meta.version) == ({"n": 1}, 2)
        assert json.loads(w.repo.issue(number).body) == {"n": 1}
