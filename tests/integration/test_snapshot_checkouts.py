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


def go_on(scene: Scene, checkout: Path) -> None:
    """The user's next commit and push from a clean checkout."""
    assert status(checkout) == []
    git.commit(checkout, {"mine": "1\n"})
    address = scene.repository.clone_url.replace("://", f"://x:{scene.github.token(OWNER)}@")
    git.git(checkout, "push", "--quiet", address, "HEAD:main")
    assert scene.repository.file("mine")


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
    go_on(scene, checkout)
    assert scene.repository.file(STORE if format_ == "json" else "data/store/index.json")
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


# ---- a checkout that stays where it is


@covering(1, how=["detached", "diverged", "behind"], format_=list(FORMATS), mode=["snapshot", "update-snapshot"])
def test_again__in_a_checkout_that_stays__changed_is_what_the_branch_does_not_have(
    scene: Scene, how: str, format_: str, mode: str
) -> None:
    number = scene.make("a", {"n": 1})
    checkout = scene.checkout()
    if how == "detached":
        git.git(checkout, "checkout", "--quiet", "--detach")
    else:
        scene.repository.commit_files({"others": "1\n"})
    if how == "diverged":
        git.commit(checkout, {"mine": "1\n"})
    given: dict[str, Any] = {"workspace": checkout, "output": FORMATS[format_], "format": format_, "history": True}
    first = scene.run(mode, **given)
    assert (first.exit_code, first.outputs["changed"], first.outputs["changed-ids"]) == (0, "true", '["a"]'), first.log
    assert first.outputs["commit-sha"] == scene.repository.head()
    before = status(checkout)

    again = scene.run(mode, **given)

    assert (again.exit_code, again.outputs["changed"], again.outputs["commit-sha"]) == (0, "false", ""), again.log
    assert (again.outputs["changed-ids"], "; nothing changed.**" in again.summary) == ("[]", True)
    assert (scene.repository.head(), status(checkout)) == (first.outputs["commit-sha"], before)
    scene.github.clock.advance(600)
    scene.make("b")
    scene.repository.edit_issue(number, OWNER, body='{"n": 2}')
    scene.run("process", issue_number=number)
    third = scene.run(mode, **given)
    assert (third.outputs["changed"], third.outputs["changed-ids"]) == ("true", '["a","b"]'), third.log
    assert "in the meantime" not in third.log, "the one before was its own"
    assert third.outputs["commit-sha"] == scene.repository.head()
    git.git(checkout, *advice(third))
    if how == "detached":
        git.git(checkout, "checkout", "--quiet", "main")
    git.git(checkout, "pull", "--quiet", *(["--rebase"] if how == "diverged" else ["--ff-only"]))
    assert status(checkout) == []


# ---- what is only staged where the snapshot goes


def stage(checkout: Path, what: str, path: str) -> None:
    """Stages it and takes it from the work tree, where it would be in the way."""
    if what == "submodule":
        git.git(checkout, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},{path}")
        (checkout / path).mkdir()  # as one that is not initialised
        return
    git.put(checkout, {path: "mine\n"})
    git.git(checkout, "add", *(["--intent-to-add"] if what == "promise" else []), path)
    (checkout / path).unlink()
    for folder in (checkout / path).parents:
        if folder != checkout and not list(folder.iterdir()):
            folder.rmdir()


@covering(
    2,
    what=["file", "promise", "submodule", "file below"],
    format_=list(FORMATS),
    how=["git", "api", "detached", "dry run", "named"],
)
def test_staged__only__is_never_replaced_in_silence(scene: Scene, what: str, format_: str, how: str) -> None:
    scene.make("a", {"n": 1})
    checkout = scene.checkout()
    if how == "detached":
        git.git(checkout, "checkout", "--quiet", "--detach")
    main = STORE if format_ == "json" else "data/store/objects/a.json"
    path = "data" if what != "file below" else f"{main}/x"
    stage(checkout, what, path)
    head, before = scene.repository.head(), (git.git(checkout, "ls-files", "--stage"), status(checkout))
    given = {"commit_via": "api"} if how == "api" else {"branch": "main"} if how == "named" else {}

    run = snap(scene, checkout, format_, dry_run=how == "dry run", **given)

    assert run.exit_code == 1, run.log
    assert f"In the checkout's index, '{path}' is staged and not committed, where the store's '{FORMATS[format_]}" in (
        run.error
    )
    assert (scene.repository.head(), git.git(checkout, "ls-files", "--stage"), status(checkout)) == (head, *before)
    assert not (checkout / FORMATS[format_]).exists(), "nothing was written"
    told = re.search(r"or run `git ([^`]+)`", run.error)
    assert told
    git.git(checkout, *shlex.split(told[1]))
    run = snap(scene, checkout, format_, **given)
    assert (run.exit_code, run.outputs["commit-sha"]) == (0, scene.repository.head())
    if how not in ("git", "named", "dry run"):
        git.git(checkout, *advice(run))
        git.git(checkout, "checkout", "--quiet", "main")
        git.git(checkout, "pull", "--quiet", "--ff-only")
    go_on(scene, checkout)
    assert scene.repository.file(main)


@pytest.mark.parametrize("via", ["git", "api"])
def test_staged__only__is_kept_where_the_snapshot_goes_to_a_branch_of_its_own(scene: Scene, via: str) -> None:
    scene.make("a")
    checkout = scene.checkout()
    stage(checkout, "file", "data")
    before = git.git(checkout, "ls-files", "--stage")

    run = snap(scene, checkout, branch="snapshots", commit_via=via)

    assert (run.exit_code, git.git(checkout, "ls-files", "--stage")) == (0, before), run.log
    assert status(checkout) == ["AD data", f"?? {STORE}"]


@pytest.mark.parametrize("path", ["data/history", "data/history/index.json/x"])
def test_staged__only__in_the_way_of_histories_is_not_replaced_either(scene: Scene, path: str) -> None:
    scene.make("a")
    checkout = scene.checkout()
    stage(checkout, "file", path)
    head, before = scene.repository.head(), (git.git(checkout, "ls-files", "--stage"), status(checkout))

    run = snap(scene, checkout, history=True)

    assert (run.exit_code, f"'{path}' is staged and not committed, where the store's 'data/history/" in run.error) == (
        1,
        True,
    )
    assert (scene.repository.head(), git.git(checkout, "ls-files", "--stage"), status(checkout)) == (head, *before)


def test_staged__what_is_committed_too__is_not_lost(scene: Scene) -> None:
    """A checkout that is behind: the branch has a folder there by now."""
    scene.repository.commit_files({"data": "mine\n"})
    scene.make("a")
    checkout = scene.checkout()
    git.git(checkout, "rm", "--quiet", "data")
    git.git(checkout, "reset", "--quiet")
    scene.repository.commit_files({"data": None, "data/other": "1\n"})

    run = snap(scene, checkout)

    assert (run.exit_code, run.outputs["commit-sha"]) == (0, scene.repository.head()), run.log
    assert git.git(checkout, "ls-files") == "README.md\ndata\n"
