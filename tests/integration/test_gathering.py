"""A store that changes all the time while a snapshot is made: bounded, and never a snapshot of two moments."""

from __future__ import annotations

import json

import pytest

from gh_store_action.errors import ConcurrentUpdateError
from gh_store_action.gathering import Gatherer
from tests.support.github import BOT, Request
from tests.support.store import World, world


def filled(w: World, count: int) -> list[int]:
    """Objects by the bot, as many issues."""
    return [
        w.repo.open_issue(BOT, f"Stored Object: o{n}", json.dumps({"n": n}), ["stored-object", f"UID:o{n}"], "closed")
        for n in range(count)
    ]


def lists(request: Request) -> bool:
    return request.graphql and "issues(" in request.body


def test_issues_that_keep_being_deleted_while_the_store_is_read__ends_after_a_few_readings() -> None:
    with world() as w:
        numbers = filled(w, 40)
        seen = [0]

        def delete(request: Request) -> None:
            if lists(request):
                seen[0] += 1
                if seen[0] % 2 == 0:  # between the pages and what changed meanwhile
                    for _ in range(seen[0]):  # another number each time, so that it is no lasting difference
                        w.repo.delete_issue(numbers.pop(), "alice")

        w.hub.before_request.append(delete)
        with pytest.raises(ConcurrentUpdateError, match="lost objects during each of 3 readings"):
            Gatherer(w.session()).full()
        w.hub.before_request.clear()


def test_an_issue_deleted_once_while_the_store_is_read__is_not_in_the_next_reading() -> None:
    with world() as w:
        numbers = filled(w, 5)
        seen = [0]

        def delete(request: Request) -> None:
            if lists(request):
                seen[0] += 1
                if seen[0] == 2:
                    w.repo.delete_issue(numbers[0], "alice")

        w.hub.before_request.append(delete)
        changed = Gatherer(w.session()).full()
        assert sorted(changed.snapshot.entries) == numbers[1:]


def test_more_than_a_page_changes_in_every_second__ends_after_a_bounded_number_of_passes() -> None:
    with world() as w:
        w.hub.clock.tick = 0
        numbers = filled(w, 12)
        count = [0]

        def change(request: Request) -> None:
            if lists(request):
                count[0] += 1
                for number in numbers:
                    w.repo.edit_issue(number, BOT, body=json.dumps({"n": count[0]}))

        w.hub.before_request.append(change)
        with pytest.raises(ConcurrentUpdateError, match="changed faster than it could be read"):
            Gatherer(w.session(), page=5).full()
        w.hub.before_request.clear()
        assert len(Gatherer(w.session(), page=5).full().snapshot.entries) == 12
