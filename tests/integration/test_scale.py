"""A store of many objects: what a list, a snapshot in each format, an update and a sweep of them take, by count."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gh_store_action.domain.names import FORMATS
from gh_store_action.snapshots.making import Snapshots, Target
from gh_store_action.workspace.files import Workspace
from tests.double import BOT
from tests.support.store import World


def cost(w: World, act: Callable[[], object]) -> tuple[int, int]:
    """Requests and points."""
    requests, points = w.requests(), w.points()
    act()
    return w.requests() - requests, w.points() - points


@pytest.mark.parametrize("pages", [3, pytest.param(20, marks=pytest.mark.prove)])
def test_many_objects__by_count(w: World, tmp_path: Path, pages: int) -> None:
    numbers = [w.settled(f"o{n}", {"n": n}) for n in range(100 * pages)]
    w.hub.clock.advance(3_600)

    def snapshots(format_: str) -> Snapshots:
        workspace = Workspace(tmp_path, {}, "", "", w.pause)
        return Snapshots(w.session(), workspace, Target(f"{format_}/store", format=format_, commit=False))

    for format_ in [name for name in FORMATS if name != "directory"]:  # that one is as many files, one by one
        assert cost(w, snapshots(format_).make) == (pages + 1, 2 * pages + 2)
    w.hub.clock.advance(60)
    for number in numbers[:: 5 * pages]:
        w.update(number, {"n": -1}, by=BOT)
    requests, points = cost(w, w.sweep)
    assert (requests, points) == (pages + 1 + 2, 2 * pages + 13 + 2 * 7)
    w.hub.clock.advance(60)
    assert cost(w, snapshots("json").update) == (1, 2)
    stored = json.loads((tmp_path / "json/store").read_text())["objects"]
    assert sum(one["data"]["n"] == -1 for one in stored.values()) == 20
