"""Reading a store that does not hold still, or that GitHub counts in another way than it shows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from gh_store_action.errors import ConcurrentUpdateError
from gh_store_action.gateway.issues import GitHub
from gh_store_action.gateway.records import Page
from gh_store_action.snapshots.collecting import PASSES, TRIES, Collector
from gh_store_action.store.session import Session
from tests.support.store import World, world


@pytest.fixture
def w() -> Iterator[World]:
    with world() as made:
        for number in range(12):
            made.repo.open_issue(
                "octo", f"Stored Object: o{number}", "{}", ["stored-object", f"UID:o{number}"], "closed"
            )
        made.hub.clock.advance(3_600)
        yield made


@contextmanager
def after_each_page(w: World, act: Callable[[], Any]) -> Iterator[None]:
    w.hub.after_request.append(lambda request: act() if request.operation == "List" else None)
    yield
    w.hub.after_request.clear()


def test_full__while_objects_keep_being_deleted_for_good_gives_up(w: World) -> None:
    """One deletion in each reading: the same difference each time, and yet the snapshot is of no moment."""
    before = w.requests()
    pages = iter(range(100))

    def delete() -> None:
        if next(pages) % 2 == 0:  # between the page and the look at what changed meanwhile
            w.repo.delete_issue(w.repo.issues()[0].number, "octo")

    with after_each_page(w, delete), pytest.raises(ConcurrentUpdateError) as told:
        Collector(w.session()).full()
    assert str(told.value) == (
        f"The store lost objects during each of {TRIES} readings, so no consistent snapshot could be taken. "
        "Nothing was written. Try again when fewer objects are being deleted."
    )
    assert w.requests() - before == 2 * TRIES


class CountsMore(GitHub):
    """GitHub, where it counts an issue that it shows to nobody, as it may with one of a blocked account."""

    def issues(self, *given: Any, **named: Any) -> Page:
        page = super().issues(*given, **named)
        return replace(page, store_total=page.store_total + 1)


def test_full__an_issue_that_github_counts_and_does_not_show_stops_nobody(w: World) -> None:
    before = w.requests()
    found = Collector(Session(CountsMore(w.transport(w.token()), "octo/store"))).full()
    assert len(found.snapshot.entries) == 12
    assert w.requests() - before == 4  # looked at twice


def test_changes__that_come_faster_than_they_are_read_give_up(w: World) -> None:
    collector = Collector(w.session(), page=1)
    snapshot = Collector(w.session()).full().snapshot
    w.hub.clock.tick = 0
    for number in range(1, 13):
        w.repo.edit_issue(number, "octo", body='{"n": 0}')
    count = iter(range(10_000))

    def edit() -> None:
        value = next(count)
        w.repo.edit_issue(1 + value % 12, "octo", body=json.dumps({"n": value}))

    with after_each_page(w, edit), pytest.raises(ConcurrentUpdateError) as told:
        collector.changes(snapshot)
    assert str(told.value) == (
        "The store changed faster than it could be read, so no consistent snapshot could be taken. "
        "Nothing was written. Try again when fewer objects are being changed."
    )
    assert next(count) > PASSES * 12
