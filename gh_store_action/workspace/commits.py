"""A commit of exactly our files on the newest commit of a branch, and its push.

The commit is built beside the user's index and work tree (a temporary index, ``commit-tree``), on the branch as the
remote has it.  When another push comes first, the same file changes are laid on that one: nobody's commit is undone.
"""

from __future__ import annotations

import io
import os
import random
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from gh_store_action.domain.commit_message import Author
from gh_store_action.errors import ConcurrentUpdateError, InputError, StoreError
from gh_store_action.hints import InWorkflow, Setting, Text, Without
from gh_store_action.workspace.git import Git, RaceLost, Unreachable

TRIES = 12  # 20 jobs that push at once, each push 3 seconds long, all get through (simulated, 2000 times)
LONGEST_PAUSE = 30.0
NETWORK_TRIES = 3
FETCHED = "refs/gh-store-action/tip"
REMOVED = "0"
FILE = "100644"


@dataclass(frozen=True)
class Publication:
    """What is to be committed.

    Args:
        paths: files that the branch is to have as they now are on disk (changed or not), relative to the workspace.
        removed: files that the branch is not to have.
        message: the commit message, trailers included.
        author: ``Name <email>``; empty is github-actions[bot].
        branch: empty is the one checked out; another one is made, without history, when missing.
        fallback_branch: the branch where `branch` is empty and HEAD is detached (the event's, or the default branch).
        guarded: one of the paths, of which the branch may have a newer content than ours; empty for none.
        known: git's names of that file's contents which ours is newer than.
    """

    paths: tuple[str, ...]
    removed: tuple[str, ...] = ()
    message: str = "Update files"
    author: str = ""
    branch: str = ""
    fallback_branch: str = ""
    guarded: str = ""
    known: frozenset[str] = frozenset()


class Overtaken(Exception):
    """The branch has a content of the guarded file that is not known to be older than ours.

    Args:
        oid: git's name of it.
    """

    def __init__(self, oid: str) -> None:
        super().__init__(f"the branch has {oid}")
        self.oid = oid


@dataclass(frozen=True)
class Published:
    """What became of it.

    Args:
        sha: the commit; empty when the branch already had these files.
        branch: where it is.
        tries: how many times a push was tried, or found needless.
    """

    sha: str
    branch: str
    tries: int


@dataclass(frozen=True)
class _Target:
    """The branch to push to; `related`: HEAD is, or was, on it, so it is never made from nothing."""

    branch: str
    related: bool


def pause(tries: int, share: Callable[[], float] = random.random) -> float:
    """Seconds to wait after a number of lost tries: longer each time, and different for every contender."""
    return (0.25 + 0.75 * share()) * min(LONGEST_PAUSE, 2.0 ** (tries - 1))


@dataclass(frozen=True)
class Checkout:
    """One checked-out repository.

    Args:
        git: git in it.
        sleep: waits for a number of seconds.
    """

    git: Git
    sleep: Callable[[float], None]

    def git_folders(self) -> tuple[Path, ...]:
        """Where git keeps its files of this checkout: one folder, two for a linked work tree."""
        answer = self.git.run("rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir", may_fail=True)
        return tuple(Path(line).resolve() for line in dict.fromkeys(answer.line.splitlines()))

    def head_branch(self, fallback: str = "") -> str:
        """The branch checked out, else the fallback.

        Raises:
            StoreError: HEAD is detached and there is no fallback, or this is no repository.
        """
        branch = self._symbolic_head() or fallback
        if not branch:
            raise StoreError(
                "The checkout is on no branch (a detached HEAD), so it is not known where to push.",
                Text(
                    "Give ",
                    Setting("branch"),
                    ", or check a branch out",
                    InWorkflow(" with the `ref` input of actions/checkout"),
                    ".",
                ),
            )
        return self._valid(branch)

    def check(self, publication: Publication) -> str:
        """Look, without the network, whether such a publication can be tried; the name of its branch.

        Raises:
            InputError: branch, author or message cannot be used.
            StoreError: no repository, no remote, or no branch.
        """
        Author.parse(publication.author)
        _message(publication.message)
        target = self._target(publication)
        self._remote()
        return target.branch

    def committed(self, path: str, publication: Publication, *, tip: bool) -> dict[str, str]:
        """The committed files at and below a path: git's names of them by what follows the path, `""` for itself.

        Args:
            path: relative to the checkout's top.
            publication: names the branch.
            tip: of the branch as the remote has it now; else of HEAD, which takes no network.
        """
        git, commit = self.git, "HEAD"
        if tip:
            target, remote = self._target(publication), self._remote()
            git = self.git.with_credentials(remote)
            commit = _Tip(git, remote, target).find()
        elif git.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}", may_fail=True).code:
            commit = ""  # nothing is committed yet
        found = _blobs(git, commit, path) if commit else {}
        return {name.removeprefix(path).removeprefix("/"): oid for name, oid in found.items()}

    def blobs(self, oids: Sequence[str]) -> list[bytes]:
        """The files of these names; a partial clone fetches them."""
        if not oids:
            return []
        git = self.git.with_credentials(self._remote()) if self.git.run("remote").line else self.git
        out = io.BytesIO(git.run("cat-file", "--batch", stdin="\n".join(oids).encode()).out)
        found = []
        for oid in oids:
            head = out.readline().split()
            if len(head) != 3:
                raise StoreError(f"git has no object {oid}.", "Check out the repository again.")
            found.append(out.read(int(head[2])))
            out.readline()
        return found

    def repository(self) -> str:
        """`owner/name` in the web address of the remote; empty where it has another kind of address."""
        address = urlsplit(self.git.run("remote", "get-url", self._remote()).line)
        match = re.search(r"([^/]+/[^/]+?)(\.git)?/?$", address.path)
        return match[1] if address.scheme in ("http", "https", "ssh") and match else ""

    def publish(self, publication: Publication, files: Mapping[str, Path | None], guarded: str = "") -> Published:
        """Commit the files on the branch's newest commit and push it; again on the next one when others came first.

        Where the checked-out branch was at that very commit, it moves along, and the index entries of our files with
        it.  Where it was not (behind, ahead, another branch, a detached HEAD), HEAD and the index stay as they are:
        moving them would show the work of others as undone in the work tree.

        Args:
            publication: message, author and branch.
            files: path relative to the checkout's top, to the file on disk, or None to remove it.
            guarded: the publication's guarded file, relative to the checkout's top.

        Raises:
            ConcurrentUpdateError: others kept pushing first.
            Overtaken: others pushed another content of the guarded file first.
            InputError: branch, author or message cannot be used.
            StoreError: it cannot be pushed; says why.
        """
        author, message = Author.parse(publication.author), _message(publication.message)
        target = self._target(publication)
        remote = self._remote()
        git = self.git.with_credentials(remote)
        entries = self._entries(files)
        known = {*publication.known, *(oid for mode, oid in entries.values() if mode == FILE)}
        made: set[str] = set()
        troubles = 0
        for tries in range(1, TRIES + 1):
            if tries > 1:
                self.sleep(pause(tries - 1))
            try:
                base = _Tip(git, remote, target).find()
                if base in made:  # an earlier push arrived, and only its answer was lost
                    return Published(base, target.branch, tries)
                if guarded and base and (there := _blobs(git, base, guarded).get(guarded, "")) not in {"", *known}:
                    raise Overtaken(there)
                tree = self._tree(git, base, entries)
                if not tree:
                    return Published("", target.branch, tries)
                parents = ("-p", base) if base else ()
                commit = git.run("commit-tree", tree, *parents, stdin=message, variables=author.variables).line
                made.add(commit)
                git.push(remote, commit, target.branch)
            except RaceLost:
                pass
            except Unreachable:
                troubles += 1
                if troubles == NETWORK_TRIES:
                    raise
            else:
                self._move_along(target.branch, base, commit, entries, author)
                return Published(commit, target.branch, tries)
        raise ConcurrentUpdateError(
            f"Branch {target.branch} of remote {remote} was changed by others during each of {TRIES} tries to push.",
            "Give the workflow a `concurrency` group, or another `branch`, then run this again.",
        )

    def _target(self, publication: Publication) -> _Target:
        head = self._symbolic_head() or publication.fallback_branch.removeprefix("refs/heads/")
        branch = (
            self._valid(publication.branch) if publication.branch else self.head_branch(publication.fallback_branch)
        )
        return _Target(branch, related=branch == head)

    def _symbolic_head(self) -> str:
        self.git.run("rev-parse", "--git-dir")
        return self.git.run("symbolic-ref", "--quiet", "--short", "HEAD", may_fail=True).line

    def _valid(self, branch: str) -> str:
        name = branch.removeprefix("refs/heads/")
        if (
            name.startswith(("-", "refs/"))
            or self.git.run("check-ref-format", "--branch", name, may_fail=True).line != name
        ):
            raise InputError(
                f"The branch name {branch!r} is not one that git allows.",
                "Use letters, digits, `.`, `_`, `-` and `/`, such as `store-data`.",
            )
        return name

    def _remote(self) -> str:
        remotes = self.git.run("remote").line.split()
        if "origin" in remotes:
            return "origin"
        if len(remotes) == 1 and not remotes[0].startswith("-"):
            return remotes[0]
        raise StoreError(
            f"The checkout has no remote `origin` to push to (its remotes: {', '.join(remotes) or 'none'}).",
            Text("Use actions/checkout before this step, or ", Without("commit"), "."),
        )

    def _entries(self, files: Mapping[str, Path | None]) -> dict[str, tuple[str, str]]:
        """Path to mode and blob; the blobs are written byte for byte, past any filter that .gitattributes names."""
        there = {path: file for path, file in files.items() if file is not None}
        stdin = b"".join(os.fsencode(file) + b"\n" for file in there.values())
        blobs = self.git.run("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=stdin).line.split()
        removed = {path: (REMOVED, "0" * len(self._empty_tree)) for path, file in files.items() if file is None}
        return removed | {path: (FILE, blob) for path, blob in zip(there, blobs, strict=True)}

    @property
    def _empty_tree(self) -> str:
        return self.git.run("hash-object", "-t", "tree", "--stdin").line  # known to every git, written or not

    def _tree(self, git: Git, base: str, entries: Mapping[str, tuple[str, str]]) -> str:
        """The base's tree with our entries in it; empty when that is the same tree."""
        plain = ("-c", "core.sparseCheckout=false", "-c", "core.splitIndex=false", "-c", "index.sparse=false")
        with tempfile.TemporaryDirectory(prefix="gh-store-") as folder:
            aside = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
            if base:
                git.run(*plain, "read-tree", base, variables=aside)
            git.run(*plain, "update-index", "-z", "--index-info", stdin=_index_info(entries), variables=aside)
            tree = git.run(*plain, "write-tree", "--missing-ok", variables=aside).line
        before = base or self._empty_tree
        difference = git.run("diff-tree", "-r", "-z", "--no-renames", "--name-only", before, tree).out
        touched = {os.fsdecode(path) for path in difference.split(b"\0") if path}
        if others := sorted(touched - set(entries)):
            raise StoreError(
                f"The branch has {others[0]!r} where this would write, and it is not ours to remove.",
                Text("Choose another path for ", Setting("output"), ", or remove that file from the branch."),
            )
        return tree if touched else ""

    def _move_along(
        self, branch: str, base: str, commit: str, entries: Mapping[str, tuple[str, str]], author: Author
    ) -> None:
        """Let the local branch follow where it was at the base, which ``update-ref`` itself compares.

        Where it was not, or somebody holds a lock, it stays where it was.
        """
        if self._symbolic_head() != branch:
            return
        old = base or "0" * len(commit)
        move = ("update-ref", "-m", "gh-store: files of the store", f"refs/heads/{branch}", commit, old)
        if self.git.run(*move, variables=author.variables, may_fail=True).code == 0:
            git = self.git.without_filters()
            git.run("update-index", "-z", "--index-info", stdin=_index_info(entries), may_fail=True)


def _blobs(git: Git, commit: str, path: str) -> dict[str, str]:
    """The regular files of a commit at and below a path: their names in git by their paths."""
    listed = git.run("ls-tree", "-r", "-z", "--full-tree", commit, "--", path).out
    matches = (re.fullmatch(rb"100\d+ blob ([0-9a-f]+)\t(.*)", line, re.DOTALL) for line in listed.split(b"\0"))
    return {os.fsdecode(match[2]): match[1].decode() for match in matches if match}


@dataclass(frozen=True)
class _Tip:
    """The newest commit of the remote's branch, with its objects here."""

    git: Git
    remote: str
    target: _Target

    def find(self) -> str:
        """Its name; empty when the branch is to be made.

        Raises:
            StoreError: a branch that must be there is not; the remote does not answer.
        """
        ref = f"refs/heads/{self.target.branch}"
        listed = self.git.run("ls-remote", self.remote, ref).line.splitlines()
        tip = next((sha for sha, _, name in (line.partition("\t") for line in listed) if name == ref), "")
        if not tip:
            self._may_be_made()
        elif self.git.run(
            "cat-file", "-e", f"{tip}^{{commit}}", variables={"GIT_NO_LAZY_FETCH": "1"}, may_fail=True
        ).code:
            tip = self._fetch(ref)
        return tip

    def _may_be_made(self) -> None:
        if (
            self.target.related
            and self.git.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}", may_fail=True).code == 0
        ):
            raise StoreError(
                f"Branch {self.target.branch} is not on the remote {self.remote}.",
                Text(
                    "Push it first, or give ",
                    Setting("branch"),
                    " one that is there, or a new one for the store alone.",
                ),
            )

    def _fetch(self, ref: str) -> str:
        """Fetch into a ref of our own, so that neither FETCH_HEAD nor the user's refs change.

        A shallow clone stays shallow, and a branch of no relation comes without its history.  The related one comes
        with what lies between, so that a later ``git pull`` still finds the common commit.
        """
        shallow = self.git.run("rev-parse", "--is-shallow-repository").line == "true"
        depth = ("--depth=1",) if shallow and not self.target.related else ()
        quiet = ("--no-tags", "--no-prune", "--no-recurse-submodules", "--no-write-fetch-head", "--refmap=")
        self.git.run("fetch", *quiet, *depth, self.remote, f"+{ref}:{FETCHED}")
        try:
            return self.git.run("rev-parse", "--verify", FETCHED).line
        finally:
            self.git.run("update-ref", "-d", FETCHED, may_fail=True)


def _index_info(entries: Mapping[str, tuple[str, str]]) -> bytes:
    """Lines for ``git update-index -z --index-info``."""
    lines = (f"{mode} {blob}\t".encode() + os.fsencode(path) for path, (mode, blob) in entries.items())
    return b"".join(line + b"\0" for line in lines)


def _message(text: str) -> bytes:
    if not text.strip() or "\0" in text:
        raise InputError(
            "The commit message is empty, or has a NUL in it.", Text("Give ", Setting("commit-message"), " a text.")
        )
    return text.rstrip().encode(errors="replace") + b"\n"
