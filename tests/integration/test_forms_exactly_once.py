"""Forms under kills, faults and two runs at once: one update, one closed form."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress

import pytest

from gh_store_action.domain.forms.notes import taken as notes_taken
from gh_store_action.domain.processing.context import PermissionUnknown
from gh_store_action.errors import StoreError
from tests.double import BOT
from tests.integration.test_forms import entries, notes, sweep, take
from tests.support.covering import covering
from tests.support.faults import EVERY_FAULT, faulted
from tests.support.forms import entry, fill_in, set_up, text
from tests.support.interleave import DEPTHS, QUICK, orders_for
from tests.support.library import store_of
from tests.support.store import World, world

pytestmark = pytest.mark.slow

Seen = tuple[object, str, int, int]


def seen(w: World, number: int, form: int) -> Seen:
    """The object's entries, whether the form is closed, how many notes it has, and the updates in the log."""
    said = [comment for comment in w.repo.issue(number).comments if f'"form-{form}"' in comment.body]
    return entries(w, number), w.repo.issue(form).state, len(notes(w, form)), len(said)


def valid(w: World) -> tuple[int, int]:
    return set_up(w), fill_in(w)


def after_a_refusal(w: World) -> tuple[int, int]:
    number = set_up(w)
    form = fill_in(w, "")
    take(w, form)
    w.repo.edit_issue(form, "mallory", body=text())
    return number, form


def on_a_locked_object(w: World) -> tuple[int, int]:
    number = set_up(w)
    w.repo.lock(number, "alice")
    return number, fill_in(w)


def beside_a_pending_update(w: World) -> tuple[int, int]:
    number, form = set_up(w), fill_in(w)
    w.update(number, {"by": "alice"})
    return number, form


SCENARIOS = [valid, after_a_refusal, on_a_locked_object, beside_a_pending_update]
DONE = [entry()], "closed", 1, 1


@covering(1, scenario=SCENARIOS, way=["number", "sweep"])
def test_killed_at_any_request__the_next_sweep_ends_it(scenario: Callable[[World], tuple[int, int]], way: str) -> None:
    with world() as w:
        number, form = scenario(w)
        saved, found, k = w.hub.save(), [], 0
        while not found or found[-1][2]:
            k += 1
            for phase in ("before", "after"):
                w.hub.restore(saved)
                token = w.token()
                fault = w.hub.faults.dead_from(token, k, phase)
                with suppress(StoreError):
                    take(w, form, token) if way == "number" else sweep(w, token)
                w.hub.faults.clear()
                sweep(w)
                found.append((k, phase, fault.hits, seen(w, number, form)))
        assert [one for one in found if one[3] != DONE] == []
        assert k >= 5


@pytest.mark.parametrize("name", EVERY_FAULT)
def test_a_fault_at_any_request__is_got_over(name: str) -> None:
    with world() as w:
        number, form = valid(w)
        for k, over in faulted(w, name, lambda token: take(w, form, token)):
            found = seen(w, number, form)
            assert (k, over, found[:2]) == (k, True, ([entry()], "closed"))
            assert found[3] <= 2  # said twice it counts once
        assert k >= 4


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("alias", ["note", "say", "check", "fold", "beside", "unlock", "lock"])
def test_one_alias_fails__it_is_done_again(alias: str, after: bool) -> None:
    with world() as w:
        number, form = on_a_locked_object(w)
        error = {"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits for this query exceeded."}
        token = w.token()
        fault = w.hub.faults.partial(
            {alias: error}, after=after, token=token, match=lambda r: r.writes and alias in r.body
        )
        with suppress(StoreError):
            take(w, form, token)
        w.hub.faults.clear()
        assert fault.hits == 1
        sweep(w)
        found = seen(w, number, form)
        assert (found[0], found[1]) == ([entry()], "closed")


@pytest.mark.parametrize("proof", DEPTHS)
def test_two_runs_in_every_order__take_it_once(proof: bool) -> None:
    with world() as w:
        number, form = valid(w)
        saved, orders = w.hub.save(), orders_for(QUICK, proof)
        for schedule in orders:
            w.hub.restore(saved)
            tokens = [w.token(), w.token()]
            schedule.run(w.hub, {token: lambda token=token: take(w, form, token) for token in tokens})  # type: ignore[misc]
            sweep(w)
            assert (schedule.order, seen(w, number, form)[:2]) == (schedule.order, ([entry()], "closed"))
        assert orders.count > 2


def test_a_kill_and_a_hundred_updates_later__it_is_still_known(w: World) -> None:
    number, form = valid(w)
    w.killed(lambda token: take(w, form, token), 3, "after")
    w.hub.clock.advance(10)
    for place in range(230):
        w.repo.comment(number, "alice", f"just talk {place}")
    w.process(number)
    w.repo.edit_issue(form, "mallory", body="no form any more")
    take(w, form)
    assert seen(w, number, form) == DONE


def test_a_persons_run_that_died__is_gone_on_with_by_the_workflow(w: World) -> None:
    number, form = valid(w)
    w.killed(lambda token: take(w, form, token), 3, "after", token=w.hub.token("alice"))
    sweep(w)
    assert (entries(w, number), w.repo.issue(form).state) == ([entry()], "closed")


def test_what_was_never_posted_is_read_again_as_it_is_now(w: World) -> None:
    number, form = valid(w)
    gone = {"type": "FORBIDDEN", "message": "Unable to create comment because issue is locked"}
    w.hub.faults.partial({"say": gone}, match=lambda r: r.writes)
    with suppress(StoreError):
        take(w, form)
    w.hub.faults.clear()
    assert seen(w, number, form) == ([], "open", 1, 0)
    w.repo.edit_issue(form, "mallory", body=text("Eve"))
    take(w, form)
    assert seen(w, number, form) == ([entry("Eve")], "closed", 1, 1)


@pytest.mark.parametrize("way", ["rolled over", "deleted"])
def test_what_was_posted_is_looked_for_where_it_was_posted(w: World, way: str) -> None:
    """The object has another issue since, or none, when the next run comes; another answer makes no second update."""
    number, form = valid(w)
    w.killed(lambda token: take(w, form, token), 4, "before")
    with store_of(w) as store:
        if way == "deleted":
            store.delete("guestbook")
        else:
            number = store.roll_over("guestbook").meta.issue_number
    w.repo.edit_issue(form, "mallory", body=text("Eve"))
    sweep(w)
    assert (w.repo.issue(form).state, len(notes(w, form))) == ("closed", 1)
    if way == "deleted":
        store_of(w).restore("guestbook")
    w.process(number)
    assert entries(w, number) == [entry()]


def test_what_was_posted_behind_a_move_is_posted_again(w: World) -> None:
    number, form = valid(w)
    w.killed(lambda token: take(w, form, token), 3, "before")
    new = store_of(w).roll_over("guestbook").meta.issue_number
    update = json.dumps({"_data": {}, "_meta": {"update_id": f"form-{form}", "on_behalf_of": "mallory"}})
    w.repo.comment(form, BOT, notes_taken("guestbook", f"https://github.com/octo/store/issues/{number}"))
    w.repo.comment(number, BOT, update)
    sweep(w)
    assert (entries(w, new), w.repo.issue(form).state) == ([entry()], "closed")


def test_what_came_late_behind_a_move_is_posted_again(w: World) -> None:
    number, form = valid(w)
    w.killed(lambda token: take(w, form, token), 4, "before")
    w.repo.hide_comment_from_reads(w.repo.issue(number).comments[-1].id)
    w.update(number, {"other": 1})
    w.process(number)
    new = store_of(w).roll_over("guestbook").meta.issue_number
    w.repo.reveal()
    sweep(w)
    assert (entries(w, new), w.repo.issue(form).state) == ([entry()], "closed")


def test_what_was_posted_to_an_issue_that_is_gone_is_read_again(w: World) -> None:
    number, form = valid(w)
    w.repo.comment(form, BOT, notes_taken("guestbook", "https://github.com/octo/store/issues/99"))
    take(w, form)
    assert entries(w, number) == [entry()]


def test_what_was_posted_counts_without_the_note_that_somebody_has_deleted(w: World) -> None:
    number, form = valid(w)
    w.killed(lambda token: take(w, form, token), 4, "before")
    (note,) = [comment.id for comment in w.repo.issue(form).comments if comment.author == BOT]
    w.repo.delete_comment(note, "bob")
    sweep(w)
    assert seen(w, number, form) == ([entry()], "closed", 0, 1)


@pytest.mark.parametrize(("k", "phase"), [(3, "after"), (4, "before")])
def test_where_github_does_not_say_whether_who_posted_it_may_write__it_is_not_posted_again(k: int, phase: str) -> None:
    with world() as w:
        number = set_up(w)
        form = fill_in(w)
        w.killed(lambda token: take(w, form, token), k, phase, token=w.hub.token("alice"))
        assert (len(w.repo.issue(number).comments), w.repo.issue(form).state) == (2, "open")
        w.hub.faults.status(403, match=lambda request: "/permission" in request.path, times=None)
        with pytest.raises(PermissionUnknown, match="alice"):
            take(w, form)
        w.hub.faults.clear()
        take(w, form)
        assert (entries(w, number), w.repo.issue(form).state) == ([entry()], "closed")
