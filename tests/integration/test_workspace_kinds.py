"""Commits in every kind of checkout and under every setting that a user may have: a right commit, or one clear line."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gh_store_action.workspace.files import Publication
from tests.support import git as real
from tests.support.checkout import BASE, STORE, save, workspace_of

pytestmark = pytest.mark.slow

MINE = {"mine": "1\n"}
REFTABLE = "ref-format" in subprocess.run(["git", "init", "-h"], capture_output=True, text=True, check=False).stdout


def settings(*pairs: str) -> Callable[[Path, Path], Path]:
    """A clone with settings of its own, `name=value` each; `{top}` is its folder."""

    def make(tmp_path: Path, remote: Path) -> Path:
        checkout = real.clone(remote, tmp_path / "checkout")
        for pair in pairs:
            name, _, value = pair.partition("=")
            real.git(checkout, "config", name, value.format(top=checkout, remote=remote))
        return checkout

    return make


def cloned(*options: str) -> Callable[[Path, Path], Path]:
    return lambda tmp_path, remote: real.clone(remote, tmp_path / "checkout", *options)


def sparse(*how: str) -> Callable[[Path, Path], Path]:
    def make(tmp_path: Path, remote: Path) -> Path:
        checkout = real.clone(remote, tmp_path / "checkout")
        real.git(checkout, "sparse-checkout", "set", *how)
        return checkout

    return make


def worktree(tmp_path: Path, remote: Path) -> Path:
    checkout = real.clone(remote, tmp_path / "main")
    real.git(checkout, "switch", "--quiet", "--detach")
    real.git(checkout, "worktree", "add", "--quiet", "../checkout", "main")
    return tmp_path / "checkout"


def worktree_settings(tmp_path: Path, remote: Path) -> Path:
    """`extensions.worktreeConfig`, under which `sparse-checkout` keeps its settings."""
    checkout = worktree(tmp_path, remote)
    real.git(checkout, "sparse-checkout", "set", "--no-cone", "/src/")
    real.git(checkout, "config", "--worktree", "core.autocrlf", "true")
    return checkout


def of_a_bare_repository(tmp_path: Path, remote: Path) -> Path:
    """Work trees beside a bare clone."""
    real.clone(remote, tmp_path / "bare.git", "--bare")
    real.git(tmp_path / "bare.git", "worktree", "add", "--quiet", "../checkout", "main")
    return tmp_path / "checkout"


def separate(tmp_path: Path, remote: Path) -> Path:
    return real.clone(remote, tmp_path / "checkout", f"--separate-git-dir={tmp_path}/elsewhere")


def reftable(tmp_path: Path, remote: Path) -> Path:
    return real.clone(remote, tmp_path / "checkout", "--ref-format=reftable")


def borrowing(tmp_path: Path, remote: Path) -> Path:
    real.clone(remote, tmp_path / "first")
    return real.clone(remote, tmp_path / "checkout", f"--reference={tmp_path}/first")


def failing_hooks(tmp_path: Path, remote: Path) -> Path:
    checkout = settings("core.hooksPath={top}/hooks")(tmp_path, remote)
    real.put(checkout, {".git/info/exclude": "hooks\n"})
    for name in ("pre-commit", "commit-msg", "post-commit", "pre-push", "reference-transaction", "post-index-change"):
        real.put(checkout, {f"hooks/{name}": f"#!/bin/sh\ntouch {tmp_path}/{name}-ran\nexit 1\n"})
        (checkout / "hooks" / name).chmod(0o755)
    return checkout


def of_somebody_else(tmp_path: Path, remote: Path) -> Path:
    checkout = real.clone(remote, tmp_path / "checkout")
    for path in [checkout, *checkout.rglob("*")]:
        os.chown(path, 1001, 1001, follow_symlinks=False)
    return checkout


def worktree_of_somebody_else(tmp_path: Path, remote: Path) -> Path:
    checkout = worktree(tmp_path, remote)
    for folder in (tmp_path / "main", checkout):
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, 1001, 1001, follow_symlinks=False)
    return checkout


def included(tmp_path: Path, remote: Path) -> Path:
    """The remote's address comes from an included file, and others that are not meant."""
    checkout = real.clone(remote, tmp_path / "checkout")
    real.git(checkout, "config", "--unset", "remote.origin.url")
    (tmp_path / "more").write_text(f'[remote "origin"]\n\turl = file://{remote}\n[commit]\n\tgpgSign = true\n')
    (tmp_path / "other").write_text('[remote "origin"]\n\turl = file:///nowhere\n')
    real.git(checkout, "config", f"includeIf.gitdir:{checkout}/.git.path", f"{tmp_path}/more")
    real.git(checkout, "config", "includeIf.gitdir:/elsewhere/.path", f"{tmp_path}/other")
    return checkout


def packed(tmp_path: Path, remote: Path) -> Path:
    checkout = real.clone(remote, tmp_path / "checkout")
    real.git(checkout, "pack-refs", "--all")
    real.git(checkout, "gc", "--quiet")
    real.git(checkout, "commit-graph", "write", "--reachable")
    real.git(checkout, "multi-pack-index", "write")
    return checkout


KINDS = {
    "reftable": reftable,
    "worktree": worktree,
    "worktree with settings": worktree_settings,
    "worktree of a bare repository": of_a_bare_repository,
    "separate": separate,
    "borrowing": borrowing,
    "packed": packed,
    "cone": sparse("--cone", "src"),
    "no cone": sparse("--no-cone", "/src/"),
    "no cone, not ours": sparse("--no-cone", "/*", "!/data/"),
    "sparse index": sparse("--cone", "--sparse-index", "src"),
    "partial": cloned("--filter=blob:none"),
    "treeless": cloned("--filter=tree:0"),
    "shallow": cloned("--depth=1"),
    "single branch": cloned("--single-branch", "--no-tags"),
    "shallow and partial": cloned("--depth=1", "--filter=blob:none", "--sparse"),
    "autocrlf": settings("core.autocrlf=true", "core.safecrlf=true"),
    "eol": settings("core.eol=crlf", "core.autocrlf=input"),
    "file mode": settings("core.fileMode=false"),
    "case": settings("core.ignoreCase=true"),
    "unicode": settings("core.precomposeUnicode=true", "core.quotePath=true"),
    "symlinks": settings("core.symlinks=false", "core.trustctime=false", "core.checkStat=minimal"),
    "index": settings("index.version=4", "index.threads=4", "core.untrackedCache=true", "feature.manyFiles=true"),
    "owner": of_somebody_else,
    "owner of a work tree": worktree_of_somebody_else,
    "signing": settings("commit.gpgSign=true", "push.gpgSign=true", "gpg.program=/bin/false", "user.signingKey=x"),
    "hooks": failing_hooks,
    "push": settings("push.default=nothing", "push.followTags=true", "remote.origin.mirror=true"),
    "push elsewhere": settings("remote.pushDefault=fork", "remote.origin.push=+refs/heads/*:refs/heads/x/*"),
    "pull": settings("pull.rebase=true", "rebase.autoStash=true", "fetch.prune=true", "branch.autoSetupMerge=false"),
    "instead": settings("url.file:///nowhere/.insteadOf=file://", "url.file:///nowhere/.pushInsteadOf=file://"),
    "included": included,
    "strict": settings("transfer.fsckObjects=true", "fetch.fsckObjects=true", "receive.fsckObjects=true"),
    "logs": settings("core.logAllRefUpdates=false"),
    "always logs": settings("core.logAllRefUpdates=always"),
    "identity": settings("user.useConfigOnly=true", "i18n.commitEncoding=iso-8859-1"),
}


def status(checkout: Path) -> list[str]:
    asked = ("-c", "core.hooksPath=", "status", "--porcelain", "--untracked-files=all")  # whose hooks fail
    return real.git(checkout, *asked).splitlines()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tracked", [False, True])
def test_publish__in_every_kind_of_checkout__the_commit_is_right_and_so_is_what_it_leaves(
    tmp_path: Path, remote: Path, kind: str, tracked: bool
) -> None:
    if kind == "reftable" and not REFTABLE:
        pytest.skip("this git knows no reftable")
    if kind.startswith("owner") and os.geteuid():
        pytest.skip("only root gives files away")
    before = dict(BASE)
    if tracked:
        real.push(remote, {STORE: "0\n", "data/other": "0\n"})
        before |= {"data/other": "0\n"}
    checkout = KINDS[kind](tmp_path, remote)
    real.put(checkout, {"untracked": "1\n"})
    assert status(checkout) == ["?? untracked"]
    workspace = workspace_of(checkout)

    published = save(workspace, "1\n2\n")

    assert (published.branch, published.stayed, published.left) == ("main", "", ())
    assert real.files(remote) == {**before, STORE: "1\n2\n"}
    assert status(checkout) == ["?? untracked"]
    assert save(workspace, "1\n2\n").sha == ""
    assert not list(tmp_path.glob("*-ran"))
    real.put(checkout, MINE)
    theirs = ("core.hooksPath=", "commit.gpgSign=false", "push.gpgSign=false", "core.safecrlf=false")
    own = [word for setting in theirs for word in ("-c", setting)]
    real.git(checkout, *own, "add", "--sparse", *MINE)
    real.git(checkout, *own, "commit", "--quiet", "--all", "-m", "mine")
    real.git(checkout, *own, "push", "--quiet", f"{remote}", "HEAD:refs/heads/main")
    assert real.files(remote) == {**before, STORE: "1\n2\n", **MINE}
    workspace.write({}, removed=[STORE])
    assert workspace.publish(Publication((), removed=(STORE,))).sha
    assert real.files(remote) == {**before, **MINE}
    assert status(checkout) == ["?? untracked"]
    real.git(remote, "fsck", "--strict", "--no-dangling")
