"""What each action costs in HTTP requests and GraphQL points: the table of the design, as the server counted it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gh_store_action import GitHubStore
from gh_store_action.snapshots.making import Snapshots, Target
from gh_store_action.workspace.files import Workspace
from tests.double import BOT
from tests.support.store import World


def counted(w: World, action: Callable[[], object]) -> int:
    """The requests that the action makes."""
    before = w.requests()
    action()
    return w.requests() - before


def pending(w: World, number: int, count: int, by: str = BOT) -> None:
    for value in range(count):
        w.repo.comment(number, by, json.dumps({f"k{value}": value}))
    w.repo.edit_issue(number, "alice", state="open")


def filled(w: World, count: int) -> list[int]:
    """Objects as the store leaves them, closed, the last change a while ago."""
    numbers = [
        w.repo.open_issue(BOT, f"Stored Object: o{n}", json.dumps({"n": n}), ["stored-object", f"UID:o{n}"], "closed")
        for n in range(count)
    ]
    w.hub.clock.advance(3_600)
    return numbers


def snapshots(w: World, folder: Path) -> Snapshots:
    return Snapshots(w.session(), Workspace(folder, {}, "", "", w.pause), Target("store.json", commit=False))


# Processing


@pytest.mark.parametrize("old", [0, 100, 300])  # a read has a hundred comments
@pytest.mark.parametrize("new", [1, 50])
def test_process__is_two_requests_at_any_age_and_up_to_fifty_pending(w: World, old: int, new: int) -> None:
    number = w.object()
    for _ in range(old // 100):
        pending(w, number, 2)
        for _ in range(98):
            w.repo.comment(number, "alice", "just talk")
        w.process(number)
    pending(w, number, new)
    before = w.points()
    assert counted(w, lambda: w.process(number)) == w.points() - before == 2
    assert w.data(number) == {"count": 0, **{f"k{value}": value for value in range(max(new, 2 if old else 0))}}
    assert w.repo.issue(number).state == "closed"


@pytest.mark.parametrize(("new", "requests"), [(51, 3), (70, 3), (71, 4), (100, 5), (150, 7)])
def test_process__beyond_fifty_takes_more_writes_for_the_receipts_and_more_reads_for_the_comments(
    w: World, new: int, requests: int
) -> None:
    """A write has up to fifty receipts, and seventy fit into a minute; a read has a hundred comments."""
    number = w.object()
    pending(w, number, new)
    before = w.points()
    assert counted(w, lambda: w.process(number)) == requests == w.points() - before
    assert w.data(number) == {"count": 0, **{f"k{value}": value for value in range(new)}}


def test_process__of_a_hand_edit_is_two_requests(w: World) -> None:
    number = w.object()
    w.repo.edit_issue(number, BOT, body='{"count": 5}')
    pending(w, number, 1)
    assert counted(w, lambda: w.process(number)) == 2


def test_process__nothing_pending_is_one_request(w: World) -> None:
    number = w.object(comments=3)
    before = w.points()
    assert counted(w, lambda: w.process(number)) == w.points() - before == 1


def test_process__a_permission_is_looked_up_once_for_each_new_author(w: World) -> None:
    numbers = [w.object(name) for name in "ab"]
    for number in numbers:
        for author in ("alice", "bob", "mallory", "alice"):
            w.repo.comment(number, author, '{"n": 1}')
        w.repo.edit_issue(number, "alice", state="open")
    assert counted(w, w.sweep) == 1 + 2 + 3


@pytest.mark.parametrize(
    ("count", "waiting", "requests", "points"),
    [(1, 0, 1, 2), (101, 0, 2, 4), (101, 1, 4, 6), (250, 5, 5, 12), (250, 25, 8, 39)],
)
def test_sweep__is_one_for_each_hundred_objects_and_a_read_for_twenty_and_a_write_for_ten(
    w: World, count: int, waiting: int, requests: int, points: int
) -> None:
    numbers = [w.settled(f"o{n}", {"count": 0}) for n in range(count)]
    for number in numbers[:: count // waiting] if waiting else ():
        pending(w, number, 1)
    before = w.points()
    assert counted(w, w.sweep) == requests
    assert w.points() - before == points
    assert sum(w.data(number) == {"count": 0, "k0": 0} for number in numbers) == waiting


# Snapshots


@pytest.mark.parametrize("count", [0, 1, 100, 101, 250])
def test_snapshot__is_one_for_each_hundred_objects_and_one(w: World, tmp_path: Path, count: int) -> None:
    filled(w, count)
    assert counted(w, lambda: snapshots(w, tmp_path).make()) == max(1, -(-count // 100)) + 1
    assert len(json.loads((tmp_path / "store.json").read_text())["objects"]) == count


def test_update_snapshot__is_one_for_up_to_a_hundred_changed(w: World, tmp_path: Path) -> None:
    numbers = filled(w, 250)
    snapshots(w, tmp_path).make()
    for changed, requests in ((0, 1), (10, 1), (90, 1)):
        for number in numbers[:changed]:
            w.repo.edit_issue(number, "octo", body=json.dumps({"n": -changed}))
        assert counted(w, lambda: snapshots(w, tmp_path).update()) == requests


def test_update_snapshot__of_many_changes_just_made_is_one_for_each_hundred(w: World, tmp_path: Path) -> None:
    numbers = filled(w, 250)
    snapshots(w, tmp_path).make()
    for number in numbers[:100]:
        w.repo.edit_issue(number, "octo", body='{"n": -1}')
    assert counted(w, lambda: snapshots(w, tmp_path).update()) == 2


# The library


def test_library__create_get_update_apply_list_and_history(w: World) -> None:
    def asked(action: Callable[[GitHubStore], object]) -> tuple[int, int]:
        before = w.points()
        with GitHubStore(w.token(), "octo/store", api_url=w.hub.api_url, pause=w.pause) as store:
            requests = counted(w, lambda: action(store))
            assert (store.requests, store.points) == (requests, w.points() - before)
            return requests, store.points

    for number in range(1_000):
        w.repo.create_label("octo", f"UID:other-{number}")
    assert asked(lambda store: store.create("metrics", {"n": 0})) == (4, 3)  # one is of REST
    assert asked(lambda store: store.get("metrics")) == (1, 1)
    assert asked(lambda store: store.update("metrics", {"n": 1})) == (2, 2)
    assert asked(lambda store: store.update("metrics", {"n": 2}, apply=True)) == (3, 3)
    filled(w, 90)
    assert asked(lambda store: list(store.list_all())) == (1, 2)
    number = w.repo.issues()[0].number
    for _ in range(90):
        w.repo.comment(number, "alice", "just talk")
    assert asked(lambda store: store.get_object_history("metrics")) == (1, 1)
