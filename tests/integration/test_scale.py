"""Two thousand objects: what a list, a snapshot in each format, an update and a sweep of them take, by count."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gh_store_action.domain.names import FORMATS
from gh_store_action.snapshots.making import Snapshots, Target
from gh_store_action.workspace.files import Workspace
from tests.double import BOT
from tests.support.store import World, world

COUNT = 2_000


@pytest.fixture(scope="module")
def large() -> Iterator[tuple[World, list[int]]]:
    with world() as made:
        numbers = [made.settled(f"o{n}", {"n": n}) for n in range(COUNT)]
        made.hub.clock.advance(3_600)
        yield made, numbers


def cost(w: World, act: Callable[[], object]) -> tuple[int, int]:
    """Requests and points."""
    requests, points = w.requests(), w.points()
    act()
    return w.requests() - requests, w.points() - points


def test_two_thousand_objects__by_count(large: tuple[World, list[int]], tmp_path: Path) -> None:
    w, numbers = large

    def snapshots(format_: str) -> Snapshots:
        workspace = Workspace(tmp_path, {}, "", "", w.pause)
        return Snapshots(w.session(), workspace, Target(f"{format_}/store", format=format_, commit=False))

    for format_ in [name for name in FORMATS if name != "directory"]:  # that one is two thousand files, one by one
        assert cost(w, snapshots(format_).make) == (21, 42)
    w.hub.clock.advance(60)
    for number in numbers[::100]:
        w.update(number, {"n": -1}, by=BOT)
    requests, points = cost(w, w.sweep)
    assert (requests, points) == (20 + 1 + 2, 40 + 13 + 2 * 7)
    w.hub.clock.advance(60)
    assert cost(w, snapshots("json").update) == (1, 2)
    stored = json.loads((tmp_path / "json/store").read_text())["objects"]
    assert sum(one["data"]["n"] == -1 for one in stored.values()) == COUNT // 100
