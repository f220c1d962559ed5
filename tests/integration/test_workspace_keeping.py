"""A branch that keeps its newest commits: what stays, what goes, and that no push of others is ever lost."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gh_store_action.errors import InputError
from gh_store_action.workspace.files import Publication, Published, Workspace
from tests.support import git as real
from tests.support.checkout import BASE, STORE, head, state, workspace_of
from tests.support.scene import Scene

pytestmark = pytest.mark.slow


def save(workspace: Workspace, text: str, keep: int, branch: str = "data") -> Published:
    workspace.write({STORE: text.encode()})
    return workspace.publish(Publication((STORE,), message=f"snapshot {text}", branch=branch, keep=keep))


def fields(remote: Path, form: str, branch: str = "data") -> list[str]:
    return real.git(remote, "log", f"--format={form}", branch).splitlines()


@pytest.mark.parametrize("keep", [1, 3])
@pytest.mark.parametrize("depth", [(), ("--depth=1",)], ids=["full", "shallow"])
def test_keep__the_newest_stay_as_they_were_and_the_oldest_has_no_parent(
    tmp_path: Path, remote: Path, keep: int, depth: tuple[str, ...]
) -> None:
    for number in range(1, 6):  # each job has a checkout of its own
        checkout = real.clone(remote, tmp_path / f"job-{number}", *depth)
        before, at = state(checkout), head(checkout)
        save(workspace_of(checkout), f"{number}", keep)
        assert (state(checkout), head(checkout)) == (before, at)

    newest = [f"snapshot {number}" for number in (5, 4, 3)][:keep]
    assert fields(remote, "%s") == newest
    assert fields(remote, "%an")[0] == "github-actions[bot]" and fields(remote, "%P")[-1] == ""
    assert [real.git(remote, "show", f"data~{back}:{STORE}") for back in range(keep)] == ["5", "4", "3"][:keep]
    assert real.files(remote) == BASE
    assert real.git(remote, "fsck", "--strict", "--no-dangling") == ""


def test_keep__a_branch_with_no_more_commits_is_not_rewritten(checkout: Path, remote: Path) -> None:
    first = save(workspace_of(checkout), "1", 3).sha
    save(workspace_of(checkout), "2", 3)
    third = save(workspace_of(checkout), "3", 3).sha
    again = save(workspace_of(checkout), "3", 3)

    assert fields(remote, "%H")[-1] == first and again.sha == "" and fields(remote, "%H")[0] == third


def test_keep__commits_of_others_are_kept_with_author_time_message_and_files(
    tmp_path: Path, checkout: Path, remote: Path
) -> None:
    for text in ("1", "2"):
        save(workspace_of(checkout), text, 4)
    other = real.clone(remote, tmp_path / "other", "--branch=data")
    real.git(other, "checkout", "--quiet", "-b", "side", "HEAD~1")
    real.commit(other, {"side.txt": "side\n"}, "on the side")
    real.git(other, "checkout", "--quiet", "data")
    real.git(other, "merge", "--quiet", "--no-edit", "side")
    signed = real.git(other, "cat-file", "commit", "HEAD").replace(
        "\n\n", "\nencoding ISO-8859-1\ngpgsig -----BEGIN SIGNATURE-----\n \n x\n -----END SIGNATURE-----\n\n", 1
    )
    theirs = real.git(other, "hash-object", "-t", "commit", "-w", "--stdin", stdin=signed.encode()).strip()
    real.git(other, "push", "--quiet", "origin", f"{theirs}:data")
    told = fields(remote, "%an|%ae|%ad|%cn|%cd|%e|%s|%T")

    save(workspace_of(checkout), "3", 3)

    assert fields(remote, "%s") == ["snapshot 3", "Merge branch 'side' into data", "snapshot 2"]
    assert fields(remote, "%an|%ae|%ad|%cn|%cd|%e|%s|%T")[1] == told[0]
    assert "gpgsig" not in real.git(remote, "cat-file", "commit", "data~1")
    assert real.files(remote, "data") == {STORE: "3", "side.txt": "side\n"}
    assert {len(line.split()) for line in fields(remote, "%P")} == {0, 1}


def test_keep__the_branch_checked_out_is_refused_before_anything_is_asked(checkout: Path, remote: Path) -> None:
    for branch in ("", "main"):
        with pytest.raises(InputError, match="The branch main is checked out, so its commits are never squashed"):
            workspace_of(checkout).check_publish(Publication((STORE,), branch=branch, keep=1))


def test_keep__the_default_branch_is_refused_whatever_is_checked_out(checkout: Path, remote: Path) -> None:
    real.git(checkout, "checkout", "--quiet", "-b", "feature")
    workspace = workspace_of(checkout)
    publication = Publication((STORE,), branch="main", keep=1)
    workspace.check_publish(publication)

    for asked in (lambda: workspace.committed(STORE, publication, tip=True), lambda: save(workspace, "1", 1, "main")):
        with pytest.raises(InputError, match="The branch main is the default branch, so its commits"):
            asked()
    assert real.files(remote) == BASE


def test_keep__a_push_between_the_look_and_ours_is_never_lost(tmp_path: Path, checkout: Path, remote: Path) -> None:
    """Somebody else's commit comes first, twice: ours is made again on it, and takes the place of no other."""
    save(workspace_of(checkout), "0", 2)
    hook = remote / "hooks" / "pre-receive"
    left = tmp_path / "left"
    left.write_text("2")
    hook.write_text(
        f"#!/bin/sh\nleft=$(cat {left})\n[ $left = 0 ] && exit 0\necho $((left - 1)) >{left}\n"
        "unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n"
        f"tree=$(git rev-parse 'data^{{tree}}')\n"
        "commit=$(git -c user.name=o -c user.email=o@example.org commit-tree $tree -p data -m theirs-$left)\n"
        "git update-ref refs/heads/data $commit\n"
    )
    hook.chmod(0o755)
    waits: list[float] = []

    done = save(workspace_of(checkout, waits.append), "1", 3)

    assert (done.tries, len(waits)) == (3, 2)
    assert fields(remote, "%s") == ["snapshot 1", "theirs-1", "theirs-2"]


def test_keep__pushers_at_once_all_get_through_and_the_newest_stay(tmp_path: Path, remote: Path) -> None:
    names = ["a", "b", "c", "d"]
    checkouts = {name: real.clone(remote, tmp_path / name) for name in names}

    def push(name: str) -> None:
        workspace = workspace_of(checkouts[name], lambda _: None)
        workspace.write({f"{name}.json": name.encode()})
        workspace.publish(Publication((f"{name}.json",), message=name, branch="data", keep=2))

    threads = [threading.Thread(target=push, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert real.files(remote, "data") == {f"{name}.json": name for name in names}
    assert len(fields(remote, "%s")) == 2


def test_action__keeps_so_many_and_stops_before_a_request_where_it_may_not(scene: Scene) -> None:
    number = scene.make()
    for count in range(3):
        scene.post(number, f'{{"count": {count}}}')
        scene.run("process", issue_number=number)
        run = scene.run("update-snapshot", workspace=scene.checkout(f"job-{count}"), branch="data", keep="2")
        assert (run.exit_code, run.operations) == (0, ["List", "List"][: 2 - bool(count)])
    wrong = scene.run("snapshot", workspace=scene.checkout("other"), branch="main", keep="2")

    assert scene.repository.git("rev-list", "--count", "data").strip() == "2"
    assert (wrong.exit_code, wrong.operations) == (2, [])
    assert wrong.error.endswith("Set the input `branch` to a branch only for the store, or omit the input `keep`.")
