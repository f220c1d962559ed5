"""A `directory` snapshot of more files than GitHub lists in a folder, by git and through the API."""

from __future__ import annotations

from pathlib import Path

import pytest

from gh_store_action.domain.objects import hash_of
from gh_store_action.domain.snapshots import files as snapshot_files
from tests.support.scene import OWNER, Scene

pytestmark = pytest.mark.slow

PLACE = "data/store"


def on_branch(scene: Scene) -> dict[str, bytes]:
    names = scene.repository.git("ls-tree", "-r", "--name-only", "data", PLACE).split()
    return {name.removeprefix(f"{PLACE}/"): scene.repository.file(name, "data") or b"" for name in names}


@pytest.mark.parametrize("via", ["git", "api"])
def test_folders__come_and_go_with_the_number_of_objects_and_an_update_is_what_a_full_one_is(
    scene: Scene, tmp_path: Path, via: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot_files, "FULL", 2)
    jobs = iter(range(99))

    def run(mode: str) -> dict[str, bytes]:
        folder = tmp_path / "workspace" if via == "api" else scene.checkout(f"job-{next(jobs)}")
        folder.mkdir(exist_ok=True)
        done = scene.run(mode, workspace=folder, format="directory", output=PLACE, branch="data", commit_via=via)
        assert done.exit_code == 0, done.log
        return on_branch(scene)

    numbers = [scene.make(name, {"n": 1}) for name in ("a", "b")]
    assert sorted(run("snapshot")) == ["index.json", "objects/a.json", "objects/b.json"]

    scene.make("c", {"n": 1})
    many = run("update-snapshot")
    assert sorted(many) == ["index.json", *sorted(f"objects/{hash_of(name)[0]}/{name}.json" for name in "abc")]
    assert run("snapshot") == many

    scene.repository.comment(numbers[0], OWNER, '{"n": 2}')
    scene.run("process", issue_number=numbers[0])
    again = run("update-snapshot")
    assert {name for name in again if again[name] != many[name]} == {"index.json", f"objects/{hash_of('a')[0]}/a.json"}

    scene.run("delete", object_id="c")
    few = run("update-snapshot")
    assert sorted(few) == ["index.json", "objects/a.json", "objects/b.json"]
