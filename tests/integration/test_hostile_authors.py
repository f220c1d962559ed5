"""Whoever opened an issue can change its title and body for ever; here they have lost the right to write."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from gh_store_action.domain import objects
from gh_store_action.domain.objects import Marker
from gh_store_action.domain.processing.reconcile import BrokenObject
from gh_store_action.errors import StoreError
from tests.support.library import store_of
from tests.support.store import World

INC = {"_data": {"$inc": {"n": 1}}, "_meta": {"update_mode": "operators"}}
FORGED = {"n": 666}
LEFT = "carol"  # who opened the object's issue, and may not write any more


def title_of(data: object, *, revision: int = 2, comment: int = 0) -> str:
    return objects.title("m", Marker(revision, comment, 0, objects.short_digest(data)))


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
        with pytest.raises(StoreError, match="There is an object"):
            store.create("m", FORGED)
        store.update("m", INC["_data"], "operators", apply=True)
        assert store.get("m").data == {"n": 2}
        assert [problem.kind for problem in store.verify()] == []
    assert w.sweep() == []
    assert objects.read_title(w.repo.issue(number).title)[0] == "m"
    said = [comment for comment in w.repo.issue(number).comments if comment.body.startswith("<!-- gh-store")]
    assert said == []
