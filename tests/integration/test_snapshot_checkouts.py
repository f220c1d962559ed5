"""What a snapshot's commit leaves in the checkout that it was made in, and which branch of which repository gets it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.support import git
from tests.support.covering import covering
from tests.support.scene import OWNER, Run, Scene

pytestmark = pytest.mark.slow

STORE = "data/store.json"
FORMATS = {"json": STORE, "directory": "data/store"}


def snap(scene: Scene, checkout: Path, format_: str = "json", **more: Any) -> Run:
    return scene.run("snapshot", workspace=checkout, **{"output": FORMATS[format_], "format": format_, **more})


def status(checkout: Path) -> list[str]:
    return git.git(checkout, "status", "--porcelain", "--untracked-files=all").splitlines()


def advice(run: Run) -> list[str]:
    """The command that the run tells to use before `git pull`."""
    match = re.search(r"Before `git pull`, run `git ([^`]+)`", run.log)
    assert match, run.log
    return shlex.split(match[1])


# ---- what is left in the work tree


@covering(2, tracked=[False, True], why=["others were first", "a lock", "the API", "detached"], format_=list(FORMATS))
def test_left__is_named_with_what_to_do_before_a_pull(scene: Scene, format_: str, why: str, tracked: bool) -> None:
    number, _ = scene.make("a", {"n": 1}), scene.make("gone")
    checkout = scene.checkout()
    if tracked:
        assert "was not moved" not in snap(scene, checkout, format_).log
        scene.github.clock.advance(600)
        scene.repository.edit_issue(number, OWNER, body='{"n": 2}')
    lock = checkout / ".git/index.lock"
    if why == "others were first":
        scene.repository.commit_files({"others": "1\n"})
    elif why == "a lock":
        lock.touch()
    elif why == "detached":
        git.git(checkout, "checkout", "--quiet", "--detach")

    run = snap(scene, checkout, format_, commit_via="api" if why == "the API" else "git")

    lock.unlink(missing_ok=True)
    assert (run.exit_code, bool(run.outputs["commit-sha"])) == (0, True)
    left = status(checkout)
    assert left and {line[:2] for line in left} == {" M" if tracked else "??"}
    differ = f" and {len(left) - 1} more differ" if len(left) > 1 else " differs"
    assert f"The checkout was not moved: in the work tree, `{FORMATS[format_]}" in run.log
    assert f"`{differ} from the checked-out commit." in run.log
    assert ("Another git process is running in this checkout" in run.log) == (why == "a lock")
    git.git(checkout, *advice(run))
    if why == "detached":
        git.git(checkout, "checkout", "--quiet", "main")
    git.git(checkout, "pull", "--quiet", "--ff-only")
    assert status(checkout) == []
    git.commit(checkout, {"mine": "1\n"})
    address = scene.repository.clone_url.replace("://", f"://x:{scene.github.token(OWNER)}@")
    git.git(checkout, "push", "--quiet", address, "HEAD:main")
    main = STORE if format_ == "json" else "data/store/index.json"
    assert scene.repository.file("mine") and scene.repository.file(main)
    assert "was not moved" not in snap(scene, checkout, format_).log


def test_left__in_several_places__names_each_of_them_to_stash(scene: Scene) -> None:
    scene.make("a")
    checkout = scene.checkout()
    git.put(checkout, {"mine": "1\n"})

    run = snap(scene, checkout, commit_via="api", output="a store.json", history=True)

    assert advice(run)[-3:] == ["--", "a store.json", "history"]
    git.git(checkout, *advice(run))
    assert status(checkout) == ["?? mine"]
    git.git(checkout, "pull", "--quiet", "--ff-only")


def test_left__what_the_branch_has_already__is_named_too(scene: Scene) -> None:
    """Another job has pushed the same snapshot, and this checkout is behind."""
    scene.make("a")
    checkout, another = scene.checkout(), scene.checkout("another")
    assert snap(scene, another).exit_code == 0

    run = snap(scene, checkout)

    assert (run.exit_code, run.outputs["commit-sha"], status(checkout)) == (0, "", [f"?? {STORE}"])
    git.git(checkout, *advice(run))
    git.git(checkout, "pull", "--quiet", "--ff-only")
    assert status(checkout) == []


def test_left__on_a_branch_of_its_own__is_what_was_asked_for(scene: Scene) -> None:
    scene.make("a")
    checkout = scene.checkout()

    run = snap(scene, checkout, branch="data")

    assert (run.exit_code, "was not moved" in run.log) == (0, False)


# ---- the event's ref


@pytest.mark.parametrize("via", ["git", "api"])
def test_ref__of_the_event__counts_for_the_workflows_own_repository(scene: Scene, via: str) -> None:
    scene.make("a")
    checkout = scene.checkout()
    git.git(checkout, "checkout", "--quiet", "--detach")

    run = snap(scene, checkout, commit_via=via)

    assert (run.exit_code, bool(scene.repository.file(STORE))) == (0, True), run.log


@pytest.mark.parametrize("via", ["git", "api"])
@pytest.mark.parametrize("how", ["submodule", "tag"])
def test_ref__of_the_event__is_nothing_to_another_repository(scene: Scene, via: str, how: str) -> None:
    scene.make("a")
    site = scene.github.add_repository("octo/site", files={"README.md": "# A site\n"})
    site.git("tag", "v1", "main")
    top = scene.checkout()
    if how == "submodule":
        git.git(top, "submodule", "--quiet", "add", site.clone_url, "site")
        git.git(top / "site", "checkout", "--quiet", "--detach")
    else:
        git.clone(site.clone_url, top / "site", "--branch=v1", "-c", "advice.detachedHead=false")
    before = site.git("rev-parse", "main")

    run = snap(scene, top, output="site/data/x.json", commit_via=via, token=scene.github.token(OWNER))

    assert run.exit_code == 1
    assert "The checkout is not on a branch (detached HEAD)" in run.error and "`branch`" in run.error
    assert (site.git("rev-parse", "main"), site.file("data/x.json")) == (before, None)
    run = snap(scene, top, output="site/data/x.json", commit_via=via, token=scene.github.token(OWNER), branch="main")
    assert (run.exit_code, bool(site.file("data/x.json"))) == (0, True), run.log
