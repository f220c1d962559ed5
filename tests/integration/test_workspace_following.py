"""What a commit leaves in the user's checkout: what `git status` shows, and what the user's next commit and push do."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gh_store_action.workspace.commits import Checkout
from gh_store_action.workspace.files import Publication, Published
from gh_store_action.workspace.git import Git, Unreachable
from tests.support import git as real
from tests.support.checkout import BASE, STORE, head, save, workspace_of

pytestmark = pytest.mark.slow

MINE = {"mine": "1\n"}


def status(checkout: Path) -> list[str]:
    return real.git(checkout, "status", "--porcelain", "--untracked-files=all").splitlines()


def refused(checkout: Path, *arguments: str) -> str:
    """What git says when it does not do what the user asks for."""
    done = subprocess.run(["git", *arguments], cwd=checkout, env=real.ENVIRONMENT, capture_output=True, check=False)
    assert done.returncode
    return done.stderr.decode()


def test_a_branch_whose_name_is_no_utf8__moves_along(checkout: Path) -> None:
    name = os.fsdecode(b"caf\xe9")
    real.git(checkout, "checkout", "--quiet", "-b", name)
    real.git(checkout, "push", "--quiet", "origin", name)
    done = save(workspace_of(checkout))
    assert (done.branch, done.stayed, status(checkout)) == (name, "", [])
    assert real.git(checkout, "rev-parse", "HEAD").strip() == done.sha


def commit_and_push(checkout: Path) -> None:
    """The user's next commit and push, of whatever is staged or tracked."""
    real.put(checkout, MINE)
    real.git(checkout, "add", *MINE)
    real.git(checkout, "commit", "--quiet", "--all", "-m", "mine")
    real.git(checkout, "push", "--quiet", "origin", "HEAD:main")


def catch_up(checkout: Path) -> None:
    """What a message says to do before `git pull`."""
    real.git(checkout, "stash", "push", "--quiet", "--include-untracked", "--", STORE)
    real.git(checkout, "pull", "--quiet", "--rebase")


# ---- the checkout follows


def split_index(checkout: Path) -> None:
    real.git(checkout, "update-index", "--split-index")


def sparse_elsewhere(checkout: Path) -> None:
    real.git(checkout, "sparse-checkout", "set", "--cone", "--sparse-index", "src")


def staged_before(checkout: Path) -> None:
    real.put(checkout, {STORE: "another\n"})
    real.git(checkout, "add", STORE)


def autocrlf(checkout: Path) -> None:
    real.git(checkout, "config", "core.autocrlf", "true")


def crlf_attribute(checkout: Path) -> None:
    real.commit(checkout, {".gitattributes": "* text eol=crlf\n*.json diff=json export-ignore merge=ours\n"})
    real.git(checkout, "push", "--quiet")


def monitored(checkout: Path) -> None:
    real.add_hook(checkout, "monitor", "exit 1\n")
    real.git(checkout, "config", "core.fsmonitor", str(checkout / ".git/hooks/monitor"))


def tag_of_that_name(checkout: Path) -> None:
    real.git(checkout, "tag", "main", "HEAD")


def locked_settings(checkout: Path) -> None:
    (checkout / ".git/config.lock").touch()
    (checkout / ".git/packed-refs.lock").touch()


def locked_tracking(checkout: Path) -> None:
    (checkout / ".git/refs/remotes/origin/main.lock").touch()


def executable(checkout: Path) -> None:
    real.put(checkout, {STORE: "{}\n"})
    (checkout / STORE).chmod(0o755)
    real.git(checkout, "add", STORE)
    real.git(checkout, "commit", "--quiet", "-m", "executable")
    real.git(checkout, "push", "--quiet")


FOLLOWED = [
    split_index,
    sparse_elsewhere,
    staged_before,
    autocrlf,
    crlf_attribute,
    monitored,
    tag_of_that_name,
    locked_settings,
    locked_tracking,
    executable,
]


@pytest.mark.parametrize("scene", FOLLOWED)
def test_publish__the_checkout_follows_and_the_users_next_commit_keeps_the_file(
    checkout: Path, remote: Path, scene: Callable[[Path], None]
) -> None:
    scene(checkout)

    published = save(workspace_of(checkout))

    assert (published.branch, published.stayed) == ("main", "")
    assert status(checkout) == []
    assert not subprocess.run(["git", "diff-index", "--quiet", "HEAD"], cwd=checkout, env=real.ENVIRONMENT).returncode
    assert head(checkout) == ("ref: refs/heads/main\n", published.sha)
    for lock in (checkout / ".git").rglob("*.lock"):
        lock.unlink()
    commit_and_push(checkout)
    assert real.files(remote).items() >= {**BASE, STORE: "{}\n", **MINE}.items()
    assert save(workspace_of(checkout)).sha == ""


@pytest.mark.parametrize("how", ["removed", "changed", "line ends"])
def test_publish__nothing_to_commit__the_users_next_commit_keeps_the_file(
    tmp_path: Path, checkout: Path, remote: Path, how: str
) -> None:
    """The index may have something else; and by its size alone, git takes a file with other line ends for changed."""
    if how == "line ends":
        real.push(remote, {".gitattributes": "* text eol=crlf\n"})
        real.git(checkout, "pull", "--quiet")
    save(workspace_of(checkout), "1\n2\n")
    again = real.clone(remote, tmp_path / "again")
    if how == "removed":
        real.git(again, "rm", "--quiet", "--cached", STORE)
    elif how == "changed":
        real.put(again, {STORE: "0\n"})
        real.git(again, "add", STORE)
    log = real.git(again, "reflog", "--all")

    published = save(workspace_of(again), "1\n2\n")

    assert (published.sha, published.stayed, status(again), real.git(again, "reflog", "--all")) == ("", "", [], log)
    commit_and_push(again)
    assert real.files(remote)[STORE] == "1\n2\n"


def test_publish__what_was_removed__stays_removed_by_the_users_next_commit(checkout: Path, remote: Path) -> None:
    workspace = workspace_of(checkout)
    workspace.write({"data/a": b"1", "data/b": b"1"})
    workspace.publish(Publication(("data/a", "data/b")))
    workspace.write({"data/b": b"2"}, removed=["data/a"])
    workspace.publish(Publication(("data/b",), removed=("data/a",)))

    assert status(checkout) == []
    commit_and_push(checkout)
    assert real.files(remote) == {**BASE, "data/b": "2", **MINE}


def test_publish__a_linked_work_tree__follows_alone(tmp_path: Path, checkout: Path, remote: Path) -> None:
    real.git(checkout, "switch", "--quiet", "-c", "other")
    real.git(checkout, "worktree", "add", "--quiet", "../linked", "main")
    linked = tmp_path / "linked"

    save(workspace_of(linked))

    assert (status(linked), status(checkout)) == ([], [])
    commit_and_push(linked)
    assert real.files(remote) == {**BASE, STORE: "{}\n", **MINE}


def test_publish__a_shallow_clone__follows(tmp_path: Path, remote: Path) -> None:
    checkout = real.clone(remote, tmp_path / "shallow", "--depth=1")

    save(workspace_of(checkout))

    assert status(checkout) == []
    commit_and_push(checkout)
    assert real.files(remote) == {**BASE, STORE: "{}\n", **MINE}


# ---- it cannot, and says so

LOCKS = ["index.lock", "refs/heads/main.lock", "HEAD.lock"]


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("tracked", [False, True])
def test_publish__somebody_elses_lock__moves_neither_branch_nor_index_and_is_said(
    checkout: Path, remote: Path, lock: str, tracked: bool
) -> None:
    if tracked:
        save(workspace_of(checkout), "0\n")
    before, index = head(checkout), real.git(checkout, "ls-files", "--stage")
    (checkout / ".git" / lock).touch()

    published = save(workspace_of(checkout))

    assert real.git(remote, "rev-parse", "main").strip() == published.sha
    assert "Another git process is running in this checkout" in published.stayed
    assert f"{lock}': File exists" in published.stayed
    assert (head(checkout), real.git(checkout, "ls-files", "--stage")) == (before, index)
    assert list((checkout / ".git").rglob("*.lock")) == [checkout / ".git" / lock]
    (checkout / ".git" / lock).unlink()
    assert status(checkout) == [f"{' M' if tracked else '??'} {STORE}"]
    real.put(checkout, MINE)
    real.git(checkout, "add", *MINE)
    real.git(checkout, "commit", "--quiet", "-m", "mine")
    assert "[rejected]" in refused(checkout, "push", "origin", "HEAD:main")
    catch_up(checkout)
    real.git(checkout, "push", "--quiet", "origin", "HEAD:main")
    assert real.files(remote) == {**BASE, STORE: "{}\n", **MINE}


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("tracked", [False, True])
def test_publish__a_branch_whose_move_cannot_be_logged__stays_with_its_index(
    checkout: Path, remote: Path, tracked: bool, split: bool
) -> None:
    """Git finds out when all else is done; and the user may have staged what our file replaces."""
    if split:
        split_index(checkout)
    if tracked:
        save(workspace_of(checkout), "0\n")
    else:
        real.put(checkout, {"data": "mine\n"})
        real.git(checkout, "add", "data")
        (checkout / "data").unlink()
    log = checkout / ".git/logs/refs/heads/main"
    log.unlink()
    real.put(log, {"in the way": ""})
    before, index = head(checkout), real.git(checkout, "ls-files", "--stage", "--debug")

    published = save(workspace_of(checkout))

    assert real.git(remote, "rev-parse", "main").strip() == published.sha
    assert "cannot update the ref 'refs/heads/main'" in published.stayed
    assert (head(checkout), real.git(checkout, "ls-files", "--stage", "--debug")) == (before, index)
    assert not list((checkout / ".git").rglob("*.lock"))
    assert status(checkout) == ([f" M {STORE}"] if tracked else ["AD data", f"?? {STORE}"])


def test_publish__a_head_whose_move_cannot_be_logged__moves_with_its_index(checkout: Path) -> None:
    """Git moves the branch first."""
    log = checkout / ".git/logs/HEAD"
    log.unlink()
    real.put(log, {"in the way": ""})

    published = save(workspace_of(checkout))

    assert (published.stayed, status(checkout)) == ("", [])
    assert head(checkout)[1] == published.sha


def test_publish__a_checkout_without_an_index__gets_one(tmp_path: Path, remote: Path) -> None:
    checkout = real.clone(remote, tmp_path / "bare", "--no-checkout")

    published = save(workspace_of(checkout))

    assert (published.stayed, head(checkout)[1]) == ("", published.sha)
    assert real.git(checkout, "ls-files") == f"{STORE}\n"


@pytest.mark.parametrize("ahead", [False, True])
def test_publish__others_were_first__the_checkout_stays_and_says_why(checkout: Path, remote: Path, ahead: bool) -> None:
    if ahead:
        real.commit(checkout, {"ahead": "1\n"})
    real.push(remote, {"others": "1\n"})
    before = head(checkout)

    published = save(workspace_of(checkout))

    assert "The local branch is at another commit than the remote's was" in published.stayed
    assert (head(checkout), status(checkout)) == (before, [f"?? {STORE}"])
    if not ahead:
        assert "would be overwritten" in refused(checkout, "pull", "--quiet", "--ff-only")
    catch_up(checkout)
    assert status(checkout) == []
    commit_and_push(checkout)
    assert real.files(remote).items() >= {**BASE, "others": "1\n", STORE: "{}\n", **MINE}.items()


# ---- an answer that did not come


@pytest.mark.parametrize("killed", ["kill -9 $PPID", "kill -9 0"])
def test_publish__a_push_whose_answer_broke_off__is_found_on_the_branch(
    checkout: Path, remote: Path, killed: str
) -> None:
    """In the sideband; and with all that the remote had started (here: our own transport too)."""
    real.add_hook(remote, "post-receive", f"{killed}\n")

    published = save(workspace_of(checkout, sleep=lambda _: None))

    assert published == Published(real.git(remote, "rev-parse", "main").strip(), "main", 2)
    assert real.log(remote) == ["Update the snapshot", "another's commit"]
    assert status(checkout) == []
    (remote / "hooks/post-receive").unlink()
    commit_and_push(checkout)
    assert real.files(remote) == {**BASE, STORE: "{}\n", **MINE}


def test_publish__an_answer_that_broke_off_and_others_behind_it__is_not_pushed_twice(
    tmp_path: Path, remote: Path
) -> None:
    """On a branch of no relation to a shallow clone, whose history is not here."""
    real.push(remote, {STORE: "0\n"}, branch="data")
    checkout = real.clone(remote, tmp_path / "shallow", "--depth=1")
    real.add_hook(remote, "post-receive", "kill -9 $PPID\n")

    published = save(
        workspace_of(checkout, sleep=lambda _: void(real.push(remote, {STORE: "theirs\n"}, "data"))), branch="data"
    )

    assert (published.sha, published.tries) == (real.git(remote, "rev-parse", "data^").strip(), 2)
    assert real.files(remote, "data") == {STORE: "theirs\n"}


def void(_: object) -> None:
    pass


def test_publish__the_last_answer_broke_off__is_looked_for_all_the_same(
    tmp_path: Path, checkout: Path, remote: Path
) -> None:
    """After as many troubles as are borne, the push arrived."""
    real.add_hook(remote, "pre-receive", f"echo x >> {tmp_path}/n; [ $(wc -l < {tmp_path}/n) = 3 ] || kill -9 $PPID\n")
    real.add_hook(remote, "post-receive", "kill -9 $PPID\n")

    published = save(workspace_of(checkout, sleep=lambda _: None))

    assert published == Published(real.git(remote, "rev-parse", "main").strip(), "main", 4)
    assert real.log(remote) == ["Update the snapshot", "another's commit"]


def test_publish__no_answer_and_nothing_there__ends_after_three_tries(checkout: Path, remote: Path) -> None:
    real.add_hook(remote, "pre-receive", "kill -9 $PPID\n")
    pauses: list[float] = []

    with pytest.raises(Unreachable, match="could not be reached, or closed the connection.*try again"):
        save(workspace_of(checkout, sleep=pauses.append))

    assert len(pauses) == 3
    assert real.files(remote) == BASE
    assert status(checkout) == [f"?? {STORE}"]


def test_publish__a_push_that_hangs_behind_its_arrival__is_found(checkout: Path, remote: Path) -> None:
    real.add_hook(remote, "post-receive", "sleep 60\n")
    real.put(checkout, {STORE: "{}\n"})
    git = Git(checkout, real.ENVIRONMENT, "https://github.com", "", checkout, seconds=2.0)

    published = Checkout(git, lambda _: None).publish(Publication((STORE,)), {STORE: True})

    assert published == Published(real.git(remote, "rev-parse", "main").strip(), "main", 2)
    assert status(checkout) == []
