"""Creators, deleters and updaters at once, and killed at any request (D14, D15, D21)."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress

import pytest

from gh_store_action import GitHubStore
from gh_store_action.errors import ObjectExists, ObjectNotFound, StoreError
from tests.support.interleave import BUDGET, DEPTHS, Orders, Schedule
from tests.support.store import World, disturbed, world

pytestmark = pytest.mark.slow


def store(w: World, token: str = "") -> GitHubStore:
    """A process with the library."""
    return GitHubStore(token or w.token(), w.repo.full_name, api_url=w.hub.api_url, pause=w.pause)


def creators(w: World, datas: list[object], schedule: Schedule) -> list[object]:
    """What each of the creators got: an object or `ObjectExists`."""
    got: list[object] = []

    def job(token: str, data: object) -> Callable[[], None]:
        def run() -> None:
            with store(w, token) as s:
                try:
                    got.append(s.create("m", data))
                except ObjectExists as refused:
                    got.append(refused)

        return run

    failures = schedule.run(w.hub, {token: job(token, data) for token, data in ((w.token(), d) for d in datas)})
    assert failures == {}
    return got


@pytest.mark.parametrize("proof", DEPTHS)
@pytest.mark.parametrize(
    "datas",
    [[{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 1}], [{"a": 1}, {"a": 2}, {"a": 3}], [{"a": 1}] * 3],
    ids=["two", "two alike", "three", "three alike"],
)
def test_creators_of_one_id__one_live_object_and_one_winner(datas: list[object], proof: bool) -> None:
    if len(datas) == 2:
        orders = Orders(6 if not proof else int(BUDGET * 3))
    else:
        orders = Orders(3 if not proof else int(BUDGET), seed=5)
    with world() as w:
        saved = w.hub.save()
        for schedule in orders:
            w.hub.restore(saved)
            won = [g for g in creators(w, datas, schedule) if not isinstance(g, Exception)]
            assert won, schedule.order
            if len({json.dumps(d) for d in datas}) == len(datas):
                assert len(won) == 1, schedule.order
            live = [i for i in w.repo.issues() if "UID:m" in i.labels]
            assert len(live) == 1, schedule.order
            with store(w) as s:
                assert s.get("m").data == won[0].data, schedule.order  # type: ignore[attr-defined]
                assert s.verify() == (), schedule.order
                assert s.update("m", {"z": 1}, apply=True).meta.version == 2


@pytest.mark.parametrize("proof", DEPTHS)
def test_a_create_and_a_delete_at_once__the_object_is_whole_or_deleted(proof: bool) -> None:
    with world() as w:
        saved = w.hub.save()
        for schedule in Orders(6 if not proof else int(BUDGET)):
            w.hub.restore(saved)
            one, other = w.token(), w.token()

            def create(token: str = one) -> None:
                with store(w, token) as s:
                    s.create("m", {"a": 1})

            def delete(token: str = other) -> None:
                with store(w, token) as s, suppress(ObjectNotFound):
                    s.delete("m")

            schedule.run(w.hub, {one: create, other: delete})
            w.sweep()
            with store(w) as s:
                try:
                    assert s.get("m").data == {"a": 1}
                except ObjectNotFound:
                    assert s.restore("m").object_id == "m"
                    assert s.get("m").data == {"a": 1}


def made(w: World, token: str) -> None:
    with store(w, token) as s:
        s.create("m", {"count": 0})


def deleted(w: World, token: str) -> None:
    with store(w, token) as s:
        s.delete("m")


def updated(w: World, token: str) -> None:
    with store(w, token) as s:
        s.update("m", {"_": 1}, apply=True, update_id="once")


@pytest.mark.parametrize(
    ("act", "there"), [(made, False), (deleted, True), (updated, True)], ids=lambda v: getattr(v, "__name__", str(v))
)
def test_killed_at_any_request__done_again_it_is_as_if_nothing_had_happened(
    act: Callable[[World, str], None], there: bool
) -> None:
    with world() as w:
        if there:
            with store(w) as s:
                s.create("m", {"count": 0})

        def again() -> None:
            with suppress(ObjectExists):
                act(w, w.token())
            w.sweep()

        saved = w.hub.save()
        again()
        wanted = w.seen(1)
        w.hub.restore(saved)
        found = list(disturbed(w, 1, lambda token: act(w, token), again))
        assert len(found) >= 4
        differing = [(k, phase, seen) for k, phase, seen in found if _state(seen) != _state(wanted)]
        assert differing == []


def _state(seen: object) -> tuple[object, ...]:
    """An update that was posted twice with one key is folded once; the second comment is there all the same."""
    return (seen.body, seen.closed, seen.labels, seen.revision)  # type: ignore[attr-defined]


def test_a_create_that_was_killed_leaves_nothing_that_a_sweep_can_not_complete() -> None:
    with world() as w:
        saved = w.hub.save()
        for k in range(1, 6):
            for phase in ("before", "after"):
                w.hub.restore(saved)
                token = w.token()
                fault = w.hub.faults.dead_from(token, k, phase)
                with suppress(StoreError):
                    made(w, token)
                w.hub.faults.clear()
                if not fault.hits:
                    return
                w.sweep()
                if w.repo.issues():
                    with store(w) as s:
                        assert (s.get("m").data, s.get("m").meta.version) == ({"count": 0}, 1)
                        assert s.verify() == ()
                    assert w.repo.issue(1).state.lower() == "closed"
