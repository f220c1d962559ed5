"""Forms that make an object under kills, faults and several runs at once: one object, one closed form."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress

import pytest

from gh_store_action.domain.processing.context import PermissionUnknown
from gh_store_action.errors import StoreError
from tests.double import Request
from tests.integration.test_forms import notes, sweep, take
from tests.integration.test_forms_create import ANY, OPEN, made
from tests.support.faults import EVERY_FAULT, faulted
from tests.support.forms import CARD, CARDS, card, cards, fill_in, rules, text
from tests.support.interleave import DEPTHS, QUICK, Orders, orders_for
from tests.support.library import store_of
from tests.support.store import BOT, World, world

pytestmark = pytest.mark.slow

PASSING = {"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits for this query exceeded."}


def seen(w: World, form: int, object_id: str = "guest-mallory") -> tuple[object, ...]:
    """The object's data, whose it is by its log, whether the form is closed, and how many notes it has."""
    found = made(w, object_id)
    states = {c.body for issue in found for c in issue.comments if "initial_state" in c.body}
    owners = [(json.loads(state)["_meta"].get("owner"), json.loads(state)["_meta"].get("form")) for state in states]
    data = [json.loads(issue.body) for issue in found]
    return data, owners, w.repo.issue(form).state, len(notes(w, form))


def done(form: int, name: str = "Ada") -> tuple[object, ...]:
    return [card(name)], [("mallory", form)], "closed", 1


def by_sweep(w: World, form: int, token: str) -> object:
    return sweep(w, token)


def unchanged(w: World, form: int) -> None:
    """Nothing happens in between."""


def edited(w: World, form: int) -> None:
    """The author makes other answers of it: what was begun stands."""
    w.repo.edit_issue(form, "mallory", body=text("Eve"))


def spoilt(w: World, form: int) -> None:
    w.repo.edit_issue(form, "mallory", body="no form any more")


def forbidden(w: World, form: int, entry: str = CARD) -> None:
    """The rule changes, and the schema."""
    config = rules(entry, access="{match: '*', permission: admin}", more=", schemas: [{match: '*', schema: g.json}]")
    w.repo.commit_files({".github/gh-store.yml": config, ".github/gh-store/g.json": "false"}, by="alice")


def adopted(w: World, form: int) -> None:
    """Something else brings the object up to date before the form is read again."""
    for issue in made(w):
        w.process(issue.number)


@pytest.mark.parametrize(
    ("run", "between"),
    [
        (take, unchanged),
        (by_sweep, unchanged),
        (take, edited),
        (take, spoilt),
        (by_sweep, forbidden),
        (take, adopted),
    ],
)
def test_killed_at_any_request__the_next_sweep_makes_one_object(
    run: Callable[[World, int, str], object], between: Callable[[World, int], None]
) -> None:
    with world() as w:
        cards(w)
        form = fill_in(w)
        saved, found, k, hits = w.hub.save(), [], 0, 1
        while hits:
            k += 1
            for phase in ("before", "after"):
                w.hub.restore(saved)
                w.repo.commit_files({".github/gh-store.yml": rules(CARD, access=CARDS)}, by="alice")
                hits = w.killed(lambda token: run(w, form, token), k, phase)
                begun = bool(made(w))
                between(w, form)
                sweep(w)
                if begun or between is unchanged:
                    found.append((k, phase, seen(w, form)))
                    assert store_of(w).verify() == ()
        assert [one for one in found if one[2] != done(form)] == []
        assert k >= 5


@pytest.mark.parametrize(("next_run", "between"), [("", edited), ("alice", unchanged), ("bob", spoilt), ("", adopted)])
def test_a_persons_run_is_killed__whoever_comes_next_ends_it(
    next_run: str, between: Callable[[World, int], None]
) -> None:
    with world() as w:
        cards(w)
        form = fill_in(w)
        saved = w.hub.save()
        for k, phase in ((3, "after"), (4, "before"), (4, "after")):
            w.hub.restore(saved)
            w.killed(lambda token: take(w, form, token), k, phase, token=w.hub.token("alice"))
            assert len(made(w)) == 1
            between(w, form)
            sweep(w, w.hub.token(next_run) if next_run else "")
            data, owners, state, _ = seen(w, form)
            assert (k, phase, data, set(owners), state) == (k, phase, [card()], {("mallory", form)}, "closed")
            number = made(w)[0].number
            w.process(number)
            w.repo.grant("alice", "read")
            for by in ("alice", "mallory"):
                w.update(number, {"by": by}, by=by)
            assert (w.process(number).unauthorized, w.data(number)) == (1, {**card(), "by": "mallory"})
            with store_of(w) as store:
                assert (store.verify(), store.access("guest-mallory", "alice").kinds) == ((), ())


def test_where_github_does_not_say_whether_the_person_may_write__the_form_waits(w: World) -> None:
    cards(w, ANY, "{match: '*', create: true}")
    form = fill_in(w, "one")
    w.killed(lambda token: take(w, form, token), 4, "before", token=w.hub.token("alice"))
    assert len(made(w, "one")) == 1
    w.repo.edit_issue(form, "mallory", body=text("two"))
    w.hub.faults.status(403, match=lambda request: "/permission" in request.path, times=None)
    with pytest.raises(PermissionUnknown, match="alice"):
        take(w, form)
    w.hub.faults.clear()
    assert (made(w, "two"), w.repo.issue(form).state) == ([], "open")
    take(w, form)
    assert (made(w, "two"), [json.loads(one.body) for one in made(w, "one")]) == ([], [card("one")])


def test_an_edit_that_makes_it_another_id_makes_no_second_object() -> None:
    with world() as w:
        cards(w, ANY, OPEN)
        form = fill_in(w, "one")
        w.killed(lambda token: take(w, form, token), 4, "before")
        assert len(made(w, "one")) == 1
        w.repo.edit_issue(form, "mallory", body=text("two"))
        before = w.requests()
        take(w, form)
        assert w.requests() - before == 4
        assert (seen(w, form, "one"), made(w, "two")) == (done(form, "one"), [])


def forbidden_with_answers_in_the_id(w: World, form: int) -> None:
    forbidden(w, form, ANY)


@pytest.mark.parametrize("between", [unchanged, edited, spoilt, forbidden_with_answers_in_the_id])
def test_what_a_killed_run_has_opened_is_found_behind_any_number_of_issues(
    w: World, between: Callable[[World, int], None]
) -> None:
    """One request for each hundred of them, in a sweep once for all forms."""
    cards(w, ANY, OPEN)
    forms = [fill_in(w, "one"), fill_in(w, "two", by="eve"), fill_in(w, "three", by="alice")]
    for form in forms[:2]:
        w.killed(lambda token, form=form: take(w, form, token), 4, "before")  # type: ignore[misc]
    for place in range(120):
        w.repo.open_issue("bob", f"Stored Object: x [by eve, form {forms[place % 3]}]", "{}", [])
    w.repo.edit_issue(forms[1], "eve", body=text("four"))
    between(w, forms[0])
    before = w.requests()
    sweep(w)
    listed, looked_for, begun = 6, 2, 3  # objects are swept before, so what is begun is adopted
    assert w.requests() - before <= listed + looked_for + 2 * begun + 4
    assert (seen(w, forms[0], "one"), seen(w, forms[1], "two")[2]) == (done(forms[0], "one"), "closed")
    assert [len(made(w, name)) for name in ("Ada", "Eve", "four")] == [0, 0, 0]


def test_what_came_since_is_listed_once_however_often_a_refused_form_is_edited(w: World) -> None:
    """Anybody can edit an old form of theirs, day and night."""
    cards(w, ANY, "{match: nobody, create: true}")
    form = fill_in(w, "one")
    take(w, form)
    for _ in range(320):
        w.repo.open_issue("bob", "talk", "", [])
    costs = []
    for name in ("two", "three", "three"):
        w.repo.edit_issue(form, "mallory", title=f"Again {len(costs)}", body=text(name))
        before = w.requests()
        take(w, form)
        costs.append(w.requests() - before)
    others, pages, note = 2, 4, 1
    assert costs == [others + pages + note, others + 1 + note, others + 1]

    forbidden_no_more = rules(ANY, access=OPEN)
    w.repo.commit_files({".github/gh-store.yml": forbidden_no_more}, by="alice")
    w.killed(lambda token: take(w, form, token), 5, "before")
    assert (len(made(w, "three")), w.repo.issue(form).state) == (1, "open")
    w.repo.edit_issue(form, "mallory", body=text("four"))
    take(w, form)
    assert (seen(w, form, "three"), made(w, "four")) == (done(form, "three"), [])


def test_a_note_that_came_along_from_another_repository_says_nothing_of_what_was_seen(w: World) -> None:
    cards(w, ANY, OPEN)
    form = fill_in(w, "one")
    w.repo.comment(form, BOT, f"<!-- gh-store form refused 0123 of {form + 1} to 100000 -->")
    w.killed(lambda token: take(w, form, token), 5, "before")
    assert (len(made(w, "one")), w.repo.issue(form).state) == (1, "open")
    w.repo.edit_issue(form, "mallory", body=text("two"))
    take(w, form)
    assert (seen(w, form, "one")[0], made(w, "two")) == ([card("one")], [])


@pytest.mark.parametrize("name", EVERY_FAULT)
def test_a_fault_at_any_request__makes_one_object(name: str) -> None:
    with world() as w:
        cards(w)
        form = fill_in(w)
        for k, over in faulted(w, name, lambda token: take(w, form, token)):
            assert (k, over, seen(w, form)) == (k, True, done(form))
        assert k >= 4


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("alias", ["say", "fold", "check", "note", "close"])
def test_one_alias_of_a_create_fails__it_is_done_again(alias: str, after: bool) -> None:
    with world() as w:
        cards(w)
        form = fill_in(w)
        token = w.token()

        def matches(request: Request) -> bool:
            return request.writes and f"{alias}:" in request.body

        fault = w.hub.faults.partial({alias: PASSING}, after=after, token=token, match=matches)
        take(w, form, token)
        w.hub.faults.clear()
        assert fault.hits == 1
        assert seen(w, form)[:3] == done(form)[:3]
        assert store_of(w).verify() == ()


def test_a_state_that_was_never_said_is_said_by_the_next_run(w: World) -> None:
    cards(w)
    form = fill_in(w)
    gone = {"type": "FORBIDDEN", "message": "Resource not accessible by integration"}
    w.hub.faults.partial({"say": gone}, match=lambda request: "say:" in request.body, times=None)
    with pytest.raises(StoreError):
        take(w, form)
    w.hub.faults.clear()
    w.repo.edit_issue(form, "alice", state="open")
    take(w, form)
    assert seen(w, form)[:3] == done(form)[:3]


@pytest.mark.parametrize("proof", DEPTHS)
def test_two_runs_of_one_form_in_every_order__one_object(proof: bool) -> None:
    with world() as w:
        cards(w)
        form = fill_in(w)
        saved, orders = w.hub.save(), orders_for(QUICK, proof)
        for schedule in orders:
            w.hub.restore(saved)
            tokens = [w.token(), w.token()]
            schedule.run(w.hub, {token: lambda token=token: take(w, form, token) for token in tokens})  # type: ignore[misc]
            assert (schedule.order, seen(w, form)[:3]) == (schedule.order, done(form)[:3])
            assert store_of(w).verify() == (), schedule.order
        assert orders.count > 2


def test_two_forms_for_one_id_in_any_order__one_is_made_and_one_refused() -> None:
    with world() as w:
        cards(w, ANY, OPEN)
        forms = [fill_in(w, "one", by=login) for login in ("mallory", "eve")]
        saved = w.hub.save()
        for schedule in Orders(QUICK, seed=3):
            w.hub.restore(saved)
            tokens = dict(zip(forms, (w.token(), w.token()), strict=True))
            schedule.run(
                w.hub,
                {token: lambda form=form, token=token: take(w, form, token) for form, token in tokens.items()},  # type: ignore[misc]
            )
            sweep(w)
            assert len(made(w, "one")) == 1, schedule.order
            states = {form: w.repo.issue(form).state for form in forms}
            assert sorted(states.values()) == ["closed", "open"], schedule.order
            (lost,) = [form for form in forms if states[form] == "open"]
            assert all("These answers were not accepted" in note for note in notes(w, lost)), schedule.order
            assert store_of(w).verify() == (), schedule.order


def test_a_create_by_hand_and_a_form_at_once__the_older_issue_is_the_object() -> None:
    with world() as w:
        cards(w, access=CARDS)
        form = fill_in(w)
        saved = w.hub.save()
        for schedule in Orders(QUICK, seed=4):
            w.hub.restore(saved)
            tokens = [w.token(), w.token()]

            def by_hand(token: str = tokens[1]) -> None:
                with suppress(StoreError):
                    store_of(w, token).create("guest-mallory", card())

            schedule.run(w.hub, {tokens[0]: lambda token=tokens[0]: take(w, form, token), tokens[1]: by_hand})  # type: ignore[misc]
            sweep(w)
            assert len(made(w)) == 1, schedule.order
            state, (said, *_) = w.repo.issue(form).state, notes(w, form)
            assert (state == "closed") == ("answers created" in said), schedule.order
            assert store_of(w).verify() == (), schedule.order
