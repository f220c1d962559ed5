"""Who may do what to an object: the rules of `access`, with `allow`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gh_store_action.domain.processing.context import PermissionUnknown
from gh_store_action.errors import InputError
from tests.double import BOT, GitHub
from tests.support.cli import Shell
from tests.support.library import store_of
from tests.support.store import World, world

GUESTBOOK = '{match: guestbook, permission: anyone, allow: ["$push", "$addToSet"]}'
STRANGER = "mallory"


def store(w: World, access: str = GUESTBOOK) -> int:
    """A store with these rules, and a guestbook of one entry."""
    w.repo.commit_files({".github/gh-store.yml": f"store: {{access: [{access}]}}"}, by="alice")
    return w.object("guestbook", {"entries": ["first"]})


def operators(**patch: object) -> dict[str, object]:
    return {"_data": {f"${name}": operand for name, operand in patch.items()}, "_meta": {"update_mode": "operators"}}


def mode(name: str, patch: object) -> dict[str, object]:
    return {"_data": patch, "_meta": {"update_mode": name}}


def test_allow__what_it_names_is_applied_and_nobody_is_asked() -> None:
    with world() as w:
        number = store(w)
        w.update(number, operators(push={"entries": "hello"}), by=STRANGER)
        w.update(number, operators(push={"entries": "bye"}, addToSet={"seen": 1}), by="rita")
        before = w.requests()
        assert w.process(number).applied == 2
        assert w.requests() - before == 2
        assert w.data(number) == {"entries": ["first", "hello", "bye"], "seen": [1]}


@pytest.mark.parametrize(
    "update",
    [
        {"entries": []},
        mode("replace", {}),
        mode("merge-patch", {"entries": None}),
        mode("json-patch", [{"op": "remove", "path": "/entries/0"}]),
        mode("append", {"entries": []}),
        operators(set={"entries": []}),
        operators(push={"entries": "x"}, unset={"seen": ""}),
        operators(push={"entries": "x"}, pull={"entries": "first"}),
        operators(push={"entries": {"$each": [], "$slice": 0}}),
        operators(push={"seen": 1, "entries": {"$slice": -1, "$each": ["x"]}}),
        mode("operators", {}),
        mode("operators", []),
    ],
)
def test_allow__another_update_is_rejected_with_the_words_of_the_rule(update: object) -> None:
    with world() as w:
        number = store(w)
        comment = w.update(number, update, by=STRANGER)
        done = w.process(number)
        assert (done.applied, done.rejected, done.unauthorized) == (0, 1, 0)
        kinds = "`$push` (without `$slice`) and `$addToSet`"
        rule = f"the access rule for `guestbook` allows {kinds} alone to those without write permission"
        assert [str(reason) for reason in done.refusals[0].reasons] == [f"$: {rule}"]
        assert w.data(number) == {"entries": ["first"]}
        seen = w.seen(number)
        assert (seen.receipts, seen.refused) == ((("-1",),), (1,))
        assert w.process(number).rejected == 0
        assert comment


def test_allow__a_verdict_binds_when_the_rules_change() -> None:
    with world() as w:
        number = store(w)
        w.update(number, mode("replace", {}), by=STRANGER)
        w.update(number, operators(push={"entries": "kept"}), by=STRANGER)
        w.process(number)
        store_rules = {".github/gh-store.yml": "store: {access: {permission: anyone, allow: [replace]}}"}
        w.repo.commit_files(store_rules, by="alice")
        w.update(number, operators(push={"entries": "late"}), by=STRANGER)
        assert w.process(number).rejected == 1
        assert w.data(number) == {"entries": ["first", "kept"]}


@pytest.mark.parametrize("by", ["alice", BOT])
def test_allow__write_permission_may_do_everything(by: str) -> None:
    with world() as w:
        number = store(w)
        w.update(number, mode("replace", {"entries": []}), by=by)
        assert w.process(number).applied == 1
        assert w.data(number) == {"entries": []}


def test_allow__who_is_not_let_in_has_no_say_in_what_it_names() -> None:
    with world() as w:
        number = store(w, "{match: guestbook, permission: triage, allow: [append]}")
        for login, role in (("tina", "triage"), ("rita", "read")):
            w.hub.add_user(login)
            w.repo.grant(login, role)
        for login in ("tina", "rita", STRANGER):
            w.update(number, {login: 1}, by=login)
            w.update(number, mode("replace", {}), by=login)
        done = w.process(number)
        assert (done.applied, done.rejected, done.unauthorized) == (1, 1, 4)
        assert w.data(number) == {"entries": ["first"], "tina": 1}


def test_allow__is_no_right_to_edit_the_body_or_to_make_an_object() -> None:
    with world() as w:
        store(w)
        number = w.repo.open_issue(
            STRANGER, "Stored Object: guestbook", '{"mine": 1}', ["stored-object", "UID:guestbook"]
        )
        assert w.process(number).skipped
        assert [one.data for one in store_of(w).list_all()] == [{"entries": ["first"]}]


def test_allow__an_edit_by_somebody_else_counts_as_theirs() -> None:
    with world() as w:
        number = store(w)
        comment = w.update(number, operators(push={"entries": "x"}), by=STRANGER)
        w.repo.edit_comment(comment, "alice", json.dumps(mode("replace", {"entries": []})))
        done = w.process(number)
        assert (done.applied, done.rejected) == (0, 1)


def test_access__says_what_somebody_may_do_and_why() -> None:
    with world() as w:
        store(w, f"{GUESTBOOK}, {{match: 'x*', permission: admin, users: [rita], teams: [octo/a], codeowners: true}}")
        found = store_of(w)
        assert found.access("guestbook", "Mallory").kinds == ("$push", "$addToSet")
        assert len(found.access("guestbook", "alice").kinds) == 5
        assert found.access("other", STRANGER).kinds == ()
        assert len(found.access("x1", "rita").kinds) == 5
        assert found.access("x1", "rita").decided_by == (
            "{match: 'x*', permission: admin, users: [rita], teams: [octo/a], codeowners: true}"
        )
        with pytest.raises(InputError, match="another id"):
            found.access("a\nb", "alice")


def test_access__what_github_does_not_tell_is_no_answer() -> None:
    with world() as w:
        store(w)
        w.hub.faults.status(403, match=lambda request: "/permission" in request.path, times=None)
        with pytest.raises(PermissionUnknown, match="did not say whether alice may write"):
            store_of(w).access("other", "alice")
        w.hub.faults.clear()


def test_allow__where_github_does_not_tell_only_what_needs_it_waits() -> None:
    with world() as w:
        number = store(w)
        w.update(number, operators(push={"entries": "x"}), by=STRANGER)
        w.update(number, mode("replace", {}), by="alice")
        w.hub.faults.status(403, match=lambda request: "/permission" in request.path, times=None)
        done = w.process(number)
        assert (done.applied, done.pending, w.data(number)) == (1, 1, {"entries": ["first", "x"]})
        w.hub.faults.clear()
        assert (w.process(number).applied, w.data(number)) == (1, {})


def test_team__that_the_token_can_not_read__is_asked_about_once_for_a_person() -> None:
    with world() as w:
        w.hub.add_org("octo")
        w.hub.add_team("octo", "data", {STRANGER: "member"})
        store(w, "{match: 'a*', permission: admin, teams: [octo/data]}")
        for object_id in ("a1", "a2"):
            w.update(w.object(object_id), {"x": 1}, by=STRANGER)
        before = w.requests()
        assert [one.pending for one in w.sweep()] == [1, 1]
        asked = [one for one in list(w.hub.requests)[before:] if "/teams/" in one.path]
        assert len({one.path for one in asked}) == len(asked) > 0


def test_access__of_who_acts_for_the_store_is_everything() -> None:
    with world() as w:
        store(w)
        assert len(store_of(w).access("guestbook", BOT).kinds) == 5


def test_access__as_a_command(github: GitHub, tmp_path: Path) -> None:
    repository = github.add_repository(
        "octo/store", files={".github/gh-store.yml": f"store: {{access: [{GUESTBOOK}]}}"}
    )
    github.add_user(STRANGER)
    shell = Shell(github, repository.full_name, tmp_path, github.token("octo"))
    rule = "{match: 'guestbook', permission: anyone, allow: [$push, $addToSet]}"
    done = shell.run("access", "guestbook", "--as", "@Mallory")
    assert (done.code, done.json) == (
        0,
        {"id": "guestbook", "login": STRANGER, "may": ["$push", "$addToSet"], "create": False, "rule": rule},
    )
    wrong = shell.run("access", "guestbook", "--as", "no login")
    assert (wrong.code, "must be a login" in wrong.err) == (2, True)
    for login, may in (("octo", "everything"), (STRANGER, "$push, $addToSet")):
        assert f"{login} may do {may} to guestbook." in shell.terminal("access", "guestbook", "--as", login).plain
    assert "mallory may do nothing to other." in shell.terminal("access", "other", "--as", STRANGER).plain


def test_login__each_person_has_what_has_their_name() -> None:
    with world() as w:
        w.repo.commit_files(
            {".github/gh-store.yml": "store: {access: [{match: 'guest-{login}', permission: anyone}]}"}, by="alice"
        )
        w.hub.add_user("mallory-x")
        number = w.object("guest-Mallory", {"n": 0})
        w.update(number, {"n": 1}, by=STRANGER)
        w.update(number, {"n": 2}, by="mallory-x")
        w.update(number, {"alice": 1}, by="alice")
        done = w.process(number)
        assert (done.applied, done.unauthorized, w.data(number)) == (2, 1, {"n": 1, "alice": 1})
        assert store_of(w).access("guest-MALLORY", STRANGER).decided_by == (
            "{match: 'guest-{login}', permission: anyone}"
        )
        assert store_of(w).access("guest-mallory", "rita").kinds == ()


def behalf(patch: object, who: object) -> dict[str, object]:
    return {"_data": patch, "_meta": {"on_behalf_of": who}}


def test_on_behalf__what_the_store_posts_for_somebody_is_judged_as_theirs() -> None:
    with world() as w:
        number = w.object("m", {"n": 0})
        w.update(number, behalf({"n": 1}, "Mallory"), by=BOT)
        w.update(number, behalf({"n": 2}, "alice"), by=BOT)
        done = w.process(number)
        assert (done.applied, done.unauthorized, w.data(number)) == (1, 1, {"n": 2})
        assert [one.author for one in done.refusals] == [STRANGER]
        history = store_of(w).get_object_history("m")
        assert [one["metadata"]["author"] for one in history[1:]] == [STRANGER, "alice"]


def test_on_behalf__nobody_gains_by_it() -> None:
    with world() as w:
        number = w.object("m", {"n": 0})
        w.update(number, behalf({"n": 1}, "alice"), by=STRANGER)
        w.update(number, behalf({"n": 2}, STRANGER), by="alice")
        comment = w.update(number, behalf({"n": 3}, "alice"), by=BOT)
        w.repo.edit_comment(comment, STRANGER, json.dumps(behalf({"n": 4}, "alice")))
        w.update(number, behalf({"n": 5}, ["alice"]), by=STRANGER)
        assert (w.process(number).unauthorized, w.data(number)) == (4, {"n": 0})
