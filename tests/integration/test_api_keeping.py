"""`keep` with `commit-via: api`: what stays, what goes, and that no push of others is ever lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.double import Request
from tests.support import git
from tests.support.scene import OWNER, Run, Scene

SNAPSHOT = "data/store-snapshot.json"


@pytest.fixture
def number(scene: Scene) -> int:
    return scene.open("metrics", {"n": 0})


def save(scene: Scene, folder: Path, number: int, value: int, keep: int = 2, **more: Any) -> Run:
    """A snapshot of an object with that value."""
    scene.github.clock.advance(600)
    scene.repository.edit_issue(number, OWNER, body=f'{{"n": {value}}}')
    given = {"branch": "data", "keep": keep, "commit_via": "api", "commit_message": f"snapshot {value}", **more}
    return scene.run("snapshot", workspace=folder, **given)


def fields(scene: Scene, form: str) -> list[str]:
    return scene.repository.git("log", f"--format={form}", "data").splitlines()


def push(scene: Scene, message: str) -> None:
    """Somebody else's commit on the branch."""
    tree = scene.repository.git("rev-parse", "data^{tree}").strip()
    who = ("-c", "user.name=o", "-c", "user.email=o@example.org")
    made = scene.repository.git(*who, "commit-tree", tree, "-p", "data", "-m", message).strip()
    scene.repository.git("update-ref", "refs/heads/data", made)


def before(scene: Scene, operation: str, act: Callable[[int], None], times: int = 1) -> None:
    """Does something when GitHub gets that operation, a few times."""
    seen = iter(range(times))

    def acts(request: Request) -> None:
        if request.operation == operation and (place := next(seen, None)) is not None:
            act(place)

    scene.github.before_request.append(acts)


@pytest.mark.parametrize("keep", [1, 3])
def test_keep__the_newest_stay_as_they_were_and_the_oldest_has_no_parent(
    scene: Scene, folder: Path, number: int, keep: int
) -> None:
    told = [""]
    for value in range(1, 6):
        run = save(scene, folder, number, value, keep)
        assert run.exit_code == 0, run.log
        assert fields(scene, "%H")[0] == run.outputs["commit-sha"]
        told = [*fields(scene, "%an|%ae|%ad|%s|%T")[:1], *told]
    assert fields(scene, "%s") == [f"snapshot {value}" for value in (5, 4, 3)][:keep]
    assert fields(scene, "%P")[-1] == ""
    made = [request for request in run.requests if request.path.endswith("/git/commits")]
    assert (len(made), run.operations[-1]) == (keep, "ReplaceTip")
    assert [one for one in run.operations if one not in ("", "List")][:3] == ["Tip", "Commit", "NewestCommits"]
    assert fields(scene, "%an|%ae|%ad|%s|%T") == told[:keep]
    assert scene.repository.git("fsck", "--strict", "--no-dangling") == ""
    assert len(scene.repository.git("rev-list", "main").split()) == 1

    again = scene.run("snapshot", workspace=folder, branch="data", keep=keep, commit_via="api")
    assert (again.exit_code, again.outputs["commit-sha"]) == (0, "")
    assert "NewestCommits" not in again.operations


def test_keep__a_branch_with_no_more_commits_is_not_rewritten(scene: Scene, folder: Path, number: int) -> None:
    start = scene.repository.git("rev-parse", "main").strip()
    run = save(scene, folder, number, 1, 2)
    assert fields(scene, "%H") == [run.outputs["commit-sha"], start]
    assert "ReplaceTip" not in run.operations


def test_keep__a_push_between_the_look_and_ours_is_never_lost(scene: Scene, folder: Path, number: int) -> None:
    save(scene, folder, number, 0, 3)
    save(scene, folder, number, 1, 3)
    before(scene, "ReplaceTip", lambda place: push(scene, f"theirs-{place}"), times=2)
    run = save(scene, folder, number, 2, 3)
    assert (run.exit_code, run.operations.count("ReplaceTip")) == (0, 3)
    assert fields(scene, "%s") == ["theirs-1", "theirs-0", "snapshot 2"]
    assert fields(scene, "%H")[2] == run.outputs["commit-sha"]


def test_keep__who_is_always_overtaken_leaves_it_to_the_next_run(scene: Scene, folder: Path, number: int) -> None:
    save(scene, folder, number, 1)
    before(scene, "ReplaceTip", lambda place: push(scene, f"theirs-{place}"), times=8)
    run = save(scene, folder, number, 2)
    assert run.exit_code == 0
    assert run.outputs["commit-sha"] in fields(scene, "%H") and len(fields(scene, "%s")) > 8
    assert "The next snapshot will squash its older commits." in run.log
    assert save(scene, folder, number, 3).exit_code == 0
    assert fields(scene, "%s") == ["snapshot 3", "theirs-7"]


@pytest.mark.parametrize("operation", ["ReplaceTip", "git/commits"])
@pytest.mark.parametrize("done", [True, False])
def test_keep__a_lost_answer_is_looked_for(scene: Scene, folder: Path, number: int, operation: str, done: bool) -> None:
    save(scene, folder, number, 1)
    phase = "after" if done else "before"
    match = lambda request: operation in (request.operation, request.path[-11:])  # noqa: E731
    scene.github.faults.drop(match=match, times=1, phase=phase)
    run = save(scene, folder, number, 2)
    assert run.exit_code == 0, run.log
    assert fields(scene, "%s") == ["snapshot 2", "snapshot 1"]
    assert fields(scene, "%H")[0] == run.outputs["commit-sha"]


def test_keep__a_rule_that_forbids_it_is_told_once_the_snapshot_is_there(
    scene: Scene, folder: Path, number: int
) -> None:
    save(scene, folder, number, 1)
    before(scene, "ReplaceTip", lambda place: scene.repository.protect("data"))
    run = save(scene, folder, number, 2)
    assert run.exit_code == 1
    assert "GitHub refused to squash commits of the branch data" in run.error
    assert fields(scene, "%s")[0] == "snapshot 2"


def test_keep__commits_that_may_not_be_made_are_told(scene: Scene, folder: Path, number: int) -> None:
    save(scene, folder, number, 1)
    scene.github.faults.status(403, match=lambda request: request.path.endswith("/git/commits"), times=1)
    run = save(scene, folder, number, 2)
    assert run.exit_code == 1 and "make commits" in run.error


def test_keep__neither_the_default_branch_nor_the_one_checked_out(scene: Scene, folder: Path, number: int) -> None:
    for branch, why in [("main", "is the default branch"), ("", "is the default branch")]:
        run = save(scene, folder, number, 1, branch=branch)
        assert run.exit_code == 2
        assert f"The branch main {why}, so its commits are never squashed" in run.error
    run = save(scene, scene.checkout(), number, 1, branch="main")
    assert "The branch main is checked out, so its commits are never squashed" in run.error


def test_keep__a_detached_checkout_is_on_no_branch(scene: Scene, number: int) -> None:
    top = scene.checkout()
    git.git(top, "checkout", "--quiet", "--detach")
    for value in (1, 2, 3):
        run = save(scene, top, number, value, keep=1, ref="refs/tags/v1")
        assert run.exit_code == 0, run.log
    assert fields(scene, "%s") == ["snapshot 3"]
