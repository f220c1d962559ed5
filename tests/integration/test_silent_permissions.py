"""GitHub does not say whether somebody may write: no object leaves a snapshot or a list because of that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gh_store_action import GitHubStore
from tests.support.scene import WRITER, Scene

SILENT = 502


def own_run(scene: Scene) -> int:
    """An object whose author has written its newest title: it counts only if they may write."""
    number = scene.open("mine", {"n": 1}, by=WRITER)
    assert scene.run("process", issue_number=number).exit_code == 0
    scene.post(number, '{"n": 2}', by=WRITER)
    assert scene.run("process", issue_number=number, token=scene.github.token(WRITER)).exit_code == 0
    return number


@pytest.mark.parametrize("mode", ["snapshot", "update-snapshot"])
def test_an_object_that_its_authors_own_run_wrote__is_not_left_out(scene: Scene, tmp_path: Path, mode: str) -> None:
    number = own_run(scene)
    for place in range(12):
        scene.make(f"more-{place}")
    scene.github.clock.advance(1000)
    assert scene.run("snapshot", workspace=tmp_path, commit=False).exit_code == 0
    file = tmp_path / "data/store-snapshot.json"
    before = file.read_bytes()
    assert json.loads(before)["objects"]["mine"]["data"] == {"n": 2}
    scene.github.clock.advance(1000)
    scene.post(number, "talk", by=WRITER)
    scene.github.faults.status(SILENT, times=None, match=lambda request: "/permission" in request.path)
    run = scene.run(mode, workspace=tmp_path, commit=False)
    assert run.exit_code == 1
    assert f"GitHub did not say whether {WRITER} may write. GitHub answered 502" in run.error
    assert file.read_bytes() == before


def test_a_list__says_so_and_goes_on(scene: Scene) -> None:
    number = own_run(scene)
    scene.make("other")
    scene.github.faults.status(SILENT, times=None, match=lambda request: "/permission" in request.path)
    told: list[str] = []
    with GitHubStore(
        scene.token, scene.full_name, api_url=scene.github.api_url, pause=scene.waits.append, log=told.append
    ) as store:
        assert [one.meta.object_id for one in store.list_all()] == ["other"]
    why = f"GitHub did not say whether {WRITER} may write, on which its title and its body depend"
    assert [line for line in told if "Skipped" in line] == [f"Skipped issue #{number}: {why}."]
