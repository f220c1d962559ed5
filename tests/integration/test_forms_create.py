"""Issue forms that make an object: the store opens its issue itself, as whoever sent the form."""

from __future__ import annotations

import html
import json

import pytest

from gh_store_action.domain.names import UPDATE_MODES
from gh_store_action.domain.objects import read_title
from gh_store_action.store.forms.handling import Desk
from gh_store_action.store.lookup import Lookup
from tests.double import BOT, IssueView
from tests.integration.test_forms import notes, sweep, take
from tests.support.forms import CARD, CARDS, LABEL, card, cards, fill_in, text
from tests.support.library import store_of
from tests.support.store import World

ANY = CARD.replace("guest-{login}", "{name}")
OPEN = "{match: '*', permission: anyone, create: true}"


def made(w: World, object_id: str = "guest-mallory") -> list[IssueView]:
    """The issues that have the object's labels."""
    labels = {"stored-object", f"UID:{object_id}"}
    return [issue for issue in w.repo.issues() if labels <= set(issue.labels)]


def state_of(issue: IssueView) -> object:
    """The initial state in the log, with whose it is."""
    (found,) = [json.loads(c.body) for c in issue.comments if "initial_state" in c.body]
    return found["data"], found["_meta"].get("owner"), found["_meta"].get("form")


def test_the_answers_become_an_object_in_four_requests(w: World) -> None:
    cards(w)
    form = fill_in(w, by="Mallory")
    before, points = w.requests(), w.points()
    done = take(w, form)
    assert (w.requests() - before, w.points() - points) == (4, 3)
    (issue,) = made(w)
    assert (done.number, done.object_id, done.form, done.applied, done.changed) == (
        issue.number,
        "guest-mallory",
        form,
        1,
        True,
    )
    assert (issue.author, issue.state, json.loads(issue.body)) == (BOT, "closed", card())
    assert state_of(issue) == (card(), "mallory", form)
    own = w.repo.issue(form)
    assert (own.state, own.title, own.body, own.labels) == ("closed", "Hello", text(), (LABEL,))
    assert notes(w, form) == [
        "<!-- gh-store form taken guest-mallory -->\n"
        f"These answers created [`guest-mallory`](https://github.com/octo/store/issues/{issue.number})."
    ]
    before = w.requests()
    assert [one for one in sweep(w) if one.error] == []
    assert w.requests() - before == 2
    assert store_of(w).verify() == ()


def test_its_first_update_leaves_the_receipts_of_its_state(w: World) -> None:
    cards(w)
    take(w, fill_in(w))
    (issue,) = made(w)
    w.update(issue.number, {"stars": 1}, by="mallory")
    before = w.requests()
    assert w.process(issue.number).applied == 1
    assert w.requests() - before == 2
    first = w.repo.issue(issue.number).comments[0]
    assert sorted(first.reactions) == [(BOT, "+1"), (BOT, "rocket")]


def test_a_form_that_is_done_is_one_request__and_two_when_it_was_opened_again(w: World) -> None:
    cards(w)
    form = fill_in(w)
    take(w, form)
    w.repo.edit_issue(form, "mallory", body=text("Eve"))
    before = w.requests()
    assert take(w, form).skipped == "it is a closed form, which is no longer read"
    assert w.requests() - before == 1
    w.repo.edit_issue(form, "alice", state="open")
    take(w, form)
    (issue,) = made(w)
    assert (json.loads(issue.body), w.repo.issue(form).state, len(notes(w, form))) == (card(), "closed", 1)
    store_of(w).delete("guest-mallory")
    w.repo.edit_issue(form, "alice", state="open")
    take(w, form)
    assert (made(w), w.repo.issue(form).state) == ([], "closed")


@pytest.mark.parametrize(
    ("form", "access", "answers", "said", "cost"),
    [
        (CARD, CARDS, ("", "Hi", "9"), "an answer is required", 2),
        (CARD, "{match: 'guest-*', permission: anyone}", (), "mallory may not create this object; access rule: ", 3),
        (CARD, "{match: 'guest-*', create: true, users: [alice]}", (), "users: [alice], create: true", 3),
        (CARD, "{match: 'guest-*', create: true, permission: triage}", (), "permission: triage, create: true", 3),
        (ANY, CARDS, ("guest-alice",), "permission: write", 3),
        (ANY, CARDS, ("guest-mаllory",), "permission: write", 3),  # Cyrillic
        (ANY, OPEN, ("GuestBook",), "The object 'GuestBook' already exists", 3),
        (ANY, OPEN, ("a\u202eb",), "holds a control character", 2),
        (ANY, OPEN, ("x" * 151,), "at most 150 are allowed", 2),
        (CARD, CARDS, ("Ada", "x" * 60_100), "more than 60,000 characters as JSON", 2),
        (CARD, CARDS, ("Ada", "x" * 65_400), "more than 60,000 characters as JSON", 2),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_made(
    w: World, form: str, access: str, answers: tuple[str, ...], said: str, cost: int
) -> None:
    cards(w, form, access)
    number = fill_in(w, *answers)
    count, before = len(w.repo.issues()), w.requests()
    done = take(w, number)
    assert (done.applied, done.rejected) == (0, 1)
    assert said in html.unescape(notes(w, number)[0])
    assert w.requests() - before == cost
    assert (len(w.repo.issues()), w.repo.issue(number).state) == (count, "open")


def test_who_may_write_may_create_without_a_rule_for_it(w: World) -> None:
    cards(w, access="{match: 'guest-*', permission: write}")
    assert [take(w, fill_in(w, by=login)).applied for login in ("alice", "mallory", "bob")] == [1, 0, 1]


def test_the_schema_of_the_object_judges_it(w: World) -> None:
    cards(w, more=", schemas: [{match: 'guest-*', schema: g.json}]")
    w.repo.commit_files({".github/gh-store/g.json": '{"properties": {"stars": {"maximum": 2}}}'}, by="alice")
    number = fill_in(w)
    before = w.requests()
    assert take(w, number).rejected == 1
    assert w.requests() - before == 2
    assert "- `$.stars`: may be at most 2" in notes(w, number)[0]
    w.repo.edit_issue(number, "mallory", body=text(stars="2"))
    assert take(w, number).applied == 1
    assert len(notes(w, number)) == 1


def test_one_person_has_one_object_of_a_name(w: World) -> None:
    cards(w)
    assert [take(w, fill_in(w, by=login)).applied for login in ("mallory", "Mallory", "eve")] == [1, 0, 1]
    assert [len(made(w, f"guest-{login}")) for login in ("mallory", "eve")] == [1, 1]


def test_a_sweep_makes_the_objects_of_the_forms_that_are_open(w: World) -> None:
    cards(w)
    forms = [fill_in(w, by="mallory"), fill_in(w, by="mallory"), fill_in(w, "", by="eve")]
    before = w.requests()
    assert [(one.form, one.applied, one.rejected) for one in sweep(w)] == [
        (forms[0], 1, 0),
        (forms[1], 0, 1),
        (forms[2], 0, 1),
    ]
    assert w.requests() - before == 2 + 4 + 3 + 3
    before = w.requests()
    assert sweep(w) == []
    assert w.requests() - before == 2


def test_a_dry_run_makes_nothing(w: World) -> None:
    cards(w)
    forms = [fill_in(w), fill_in(w, "")]
    count = len(w.repo.issues())
    found = [Desk(Lookup(w.session()), dry_run=True).process(form) for form in forms]
    assert [(one.changed, one.rejected) for one in found] == [(True, 0), (False, 1)]
    assert len(w.repo.issues()) == count
    take(w, forms[0])
    w.repo.edit_issue(forms[0], "alice", state="open")
    assert Desk(Lookup(w.session()), dry_run=True).process(forms[0]).object_id == "guest-mallory"
    assert w.repo.issue(forms[0]).state == "open"


def test_an_id_of_any_kind_is_made_and_known_again(w: World) -> None:
    name = "a note --> <b>by</b> @alice, 'é'"
    cards(w, ANY, OPEN)
    form = fill_in(w, name)
    take(w, form)
    (issue,) = [one for one in w.repo.issues() if one.author == BOT and one.number > form]
    assert read_title(issue.title)[0] == name
    (said,) = notes(w, form)
    first, second = said.split("\n")
    assert (first.count("-->"), "<b>" in first) == (1, False)
    assert second.startswith("These answers created [")
    w.repo.edit_issue(form, "alice", state="open")
    w.repo.edit_issue(form, "mallory", body=text("another"))
    assert take(w, form).object_id == name
    assert len(notes(w, form)) == 1


# -- whose it is ------------------------------------------------------------------------------------------------------


def test_the_owner_may_change_it_and_nobody_else(w: World) -> None:
    cards(w, access="{match: 'guest-*', create: true, owner: true, allow: [append]}")
    take(w, fill_in(w, by="Mallory"))
    (issue,) = made(w)
    w.update(issue.number, {"by": "mallory"}, by="Mallory")
    w.update(issue.number, {"by": "eve"}, by="eve")
    w.update(issue.number, {"_data": [], "_meta": {"update_mode": "replace"}}, by="mallory")
    w.update(issue.number, {"_data": {"n": 1}, "_meta": {"update_mode": "replace"}}, by="alice")
    done = w.process(issue.number)
    assert (done.applied, done.rejected, done.unauthorized) == (2, 1, 1)
    assert w.data(issue.number) == {"n": 1}


def test_nobody_is_an_owner_by_what_they_write(w: World) -> None:
    cards(w)
    take(w, fill_in(w))
    (issue,) = made(w)
    forged = {"type": "initial_state", "data": {}, "_meta": {"owner": "eve", "update_id": "0-0-" + "0" * 16}}
    w.update(issue.number, forged, by="eve")
    w.update(issue.number, {"by": "eve"}, by="eve")
    w.repo.edit_comment(issue.comments[0].id, "bob", json.dumps({**forged, "_meta": {"owner": "eve"}}))
    w.update(issue.number, {"by": "eve"}, by="eve")
    w.update(issue.number, {"n": 1}, by="mallory")
    w.process(issue.number)
    assert w.data(issue.number) == {**card(), "n": 1}


def test_who_has_left_makes_no_object_theirs_by_a_state_in_its_log(w: World) -> None:
    cards(w, access="{match: 'x', owner: true}")
    number = w.object("x", {"n": 0})
    w.update(number, {"n": 1})
    w.process(number, w.hub.token("alice"))  # her marker: what she writes into this log counts
    w.repo.grant("alice", "read")
    meta = {"owner": "alice", "update_id": "1-0-" + "0" * 16}
    w.update(number, {"type": "initial_state", "data": {}, "_meta": meta}, reopen=False)
    for _ in range(2):
        w.update(number, {"n": 2}, reopen=False)
        assert w.process(number).unauthorized == 1
    assert w.data(number) == {"n": 1}


def test_an_object_is_its_owners_in_a_new_issue_too(w: World) -> None:
    cards(w)
    form = fill_in(w)
    take(w, form)
    number = store_of(w).roll_over("guest-mallory").meta.issue_number
    for by in ("eve", "mallory"):
        w.update(number, {"by": by}, by=by)
    w.process(number)
    assert w.data(number) == {**card(), "by": "mallory"}
    assert state_of(w.repo.issue(number)) == (card(), "mallory", form)
    w.repo.edit_issue(form, "alice", state="open")
    assert take(w, form).number == number


@pytest.mark.parametrize("allow", ["", "permission: anyone, allow: ['$inc'], "])
def test_who_may_change_it_hears_once_in_the_old_issue_where_it_is(w: World, allow: str) -> None:
    cards(w, access=f"{{match: 'guest-*', create: true, {allow}owner: {'false' if allow else 'true'}}}")
    take(w, fill_in(w))
    (old,) = made(w)
    new = store_of(w).roll_over("guest-mallory").meta.issue_number
    w.repo.unlock(old.number, "alice")
    comments = [w.update(old.number, {"by": "mallory"}, by="mallory") for _ in range(3)]
    w.update(old.number, {"by": "eve"}, by="eve")
    found = take(w, old.number)
    assert (found.rejected, found.unauthorized) == ((4, 0) if allow else (3, 1))
    w.update(old.number, {"by": "mallory"}, by="mallory")
    assert take(w, old.number).rejected == 1
    (told,) = [one.body for one in w.repo.issue(old.number).comments if f"kept in [#{new}]" in one.body]
    assert [f"[{comment}](" in told for comment in comments] == [True, False, False]
    assert told.count(" was not applied") == (2 if allow else 1)


@pytest.mark.parametrize("person", ["form", "roll-over"])
def test_an_object_is_its_owners_in_an_issue_that_a_person_opened(w: World, person: str) -> None:
    """Also where the log is long and only its beginning says so."""
    cards(w)
    hers = w.hub.token("alice")
    form = fill_in(w)
    take(w, form, hers if person == "form" else "")
    if person == "roll-over":
        store_of(w, hers).roll_over("guest-mallory")
    for talk in (0, 120):
        with store_of(w) as store:
            assert store.access("guest-mallory", "mallory").kinds == UPDATE_MODES
            assert store.access("guest-mallory", "eve").kinds == ()
            number = store.get("guest-mallory").meta.issue_number
        for place in range(talk):
            w.repo.comment(number, "bob", f"talk {place}")
        for by in ("eve", "mallory"):
            w.update(number, {"by": by, "n": talk}, by=by)
        assert (w.process(number).unauthorized, w.data(number)) == (1, {**card(), "by": "mallory", "n": talk})
    w.repo.grant("alice", "read")
    new = store_of(w).roll_over("guest-mallory").meta.issue_number
    assert state_of(w.repo.issue(new)) == ({**card(), "by": "mallory", "n": 120}, "mallory", form)


@pytest.mark.parametrize("left", [False, True])
def test_who_rolls_over_what_is_nobodys__does_not_own_it(w: World, left: bool) -> None:
    """Neither by the copy, nor by what they make of its state when they may not write any more."""
    cards(w, access="{match: '*', owner: true}")
    old = w.object("x", {"n": 0})
    number = store_of(w, w.hub.token("alice")).roll_over("x").meta.issue_number
    assert (number > old, w.repo.issue(number).author) == (True, "alice")
    w.process(number)
    w.update(number, {"n": 1}, by="bob")
    w.process(number)
    (state,) = [one for one in w.repo.issue(number).comments if "initial_state" in one.body]
    w.repo.grant("alice", "read")
    if left:
        meta = {**json.loads(state.body)["_meta"], "owner": "alice"}
        w.repo.edit_comment(state.id, "alice", json.dumps({**json.loads(state.body), "_meta": meta}))
    for _ in range(2):
        w.update(number, {"n": 2}, by="alice", reopen=False)
        assert w.process(number).unauthorized == 1
    assert (w.data(number), store_of(w).access("x", "alice").kinds) == ({"n": 1}, ())


def test_who_rolls_over_their_own_object__owns_it_still(w: World) -> None:
    cards(w, access="{match: '*', owner: true}")
    hers = w.hub.token("alice")
    with store_of(w, hers) as store:
        store.create("x", {"n": 0})
        number = store.roll_over("x").meta.issue_number
        number = store.roll_over("x").meta.issue_number
    w.process(number)
    w.repo.grant("alice", "read")
    w.update(number, {"n": 1}, by="alice")
    assert (w.process(number).applied, w.data(number)) == (1, {"n": 1})


def test_an_imported_object_is_its_owners_by_its_initial_state(w: World) -> None:
    """Where the history of titles is lost, so that nobody sees what the issue was opened under."""
    cards(w)
    form = fill_in(w)
    take(w, form)
    (made_before,) = made(w)
    w.repo.edit_issue(made_before.number, "alice", labels=[])
    number = w.repo.open_issue(BOT, made_before.title, made_before.body, list(made_before.labels))
    w.repo.comment(number, BOT, made_before.comments[0].body)
    for by in ("eve", "mallory"):
        w.update(number, {"by": by}, by=by)
    assert (w.process(number).unauthorized, w.data(number)) == (1, {**card(), "by": "mallory"})
    assert store_of(w).access("guest-mallory", "mallory").kinds == UPDATE_MODES


def test_who_opened_an_issue_owns_its_object(w: World) -> None:
    cards(w, access="{match: 'x', owner: true}")
    number = w.repo.open_issue("alice", "Stored Object: x", "{}", ["stored-object", "UID:x"])
    w.process(number)
    w.repo.grant("alice", "read")
    for by in ("eve", "alice"):
        w.update(number, {"by": by}, by=by)
    done = w.process(number)
    assert (done.applied, done.unauthorized, w.data(number)) == (1, 1, {"by": "alice"})


def test_a_deleted_account_owns_nothing(w: World) -> None:
    cards(w, access="{match: 'x', owner: true}")
    number = w.repo.open_issue("alice", "Stored Object: x", "{}", ["stored-object", "UID:x"])
    w.process(number)
    comment = w.update(number, {"by": "eve"}, by="eve")
    w.hub.delete_user("alice")
    w.hub.delete_user("eve")
    assert comment and w.process(number).unauthorized == 1


def test_gh_store_access_says_who_may_create_and_what_an_owner_may(w: World) -> None:
    cards(w, access="{match: 'guest-*', create: true, owner: true, allow: [append]}")
    take(w, fill_in(w))
    with store_of(w) as store:
        found = {login: store.access("guest-mallory", login) for login in ("mallory", "eve", "alice")}
        other = store.access("other", "mallory")
    assert {login: (one.kinds, one.create) for login, one in found.items()} == {
        "mallory": (("append",), True),
        "eve": ((), True),
        "alice": (UPDATE_MODES, True),
    }
    assert found["eve"].decided_by == (
        "{match: 'guest-*', permission: write, allow: [append], owner: true, create: true}"
    )
    assert (other.kinds, other.create) == ((), False)


def test_a_note_that_came_along_with_an_issue_hides_nothing(w: World) -> None:
    cards(w)
    form = fill_in(w)
    w.repo.comment(form, BOT, "<!-- gh-store form taken guestbook -->")
    assert take(w, form).applied == 1
    (said,) = notes(w, form)
    assert "These answers created" in said
