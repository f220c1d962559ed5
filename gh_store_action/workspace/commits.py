"""Commits exactly our files on the newest commit of a branch, and pushes.

The commit is built apart from the user's index and work tree (a temporary index, ``commit-tree``), on the remote's
branch.  If another push comes first, the same file changes are made on top of it: no one's commit is undone.
"""

from __future__ import annotations

import io
import random
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from urllib.parse import urlsplit

from gh_store_action.domain.commit_message import Author
from gh_store_action.errors import ConcurrentUpdateError, InputError, StoreError
from gh_store_action.hints import InWorkflow, Setting, Text, Without
from gh_store_action.workspace.apart import Configuration, apart
from gh_store_action.workspace.disk import instead_of, may_write
from gh_store_action.workspace.git import Git, RaceLost, Unreachable
from gh_store_action.workspace.keeping import kept
from gh_store_action.workspace.tips import Target, Tip, blobs_of, not_of_its_own
from gh_store_action.workspace.trees import (
    Entries,
    batches,
    check_attributes,
    check_staged,
    enter,
    entries_of,
    kept_paths,
    tree_of,
)

TRIES = 12  # enough for 20 jobs that push at the same time, 3 seconds each (simulated 2000 times)
LONGEST_PAUSE = 30.0
NETWORK_TRIES = 3


@dataclass(frozen=True)
class Publication:
    """What to commit.

    Args:
        paths: files that the branch gets as they are on disk (changed or not), relative to the workspace.
        removed: files to remove from the branch.
        message: the commit message, trailers included.
        author: ``Name <email>``; empty is github-actions[bot].
        branch: empty is the one checked out; any other is created, without history, if missing.
        fallback_branch: the branch if `branch` is empty and HEAD is detached (the event's, or the default branch).
        guarded: one of the paths, for which the branch may have newer content than ours; empty for none.
        known: git's ids of contents of that file that are older than ours.
        keep: how many commits the branch keeps, including the new one, 0 for all; older ones are squashed.
    """

    paths: tuple[str, ...]
    removed: tuple[str, ...] = ()
    message: str = "Update files"
    author: str = ""
    branch: str = ""
    fallback_branch: str = ""
    guarded: str = ""
    known: frozenset[str] = frozenset()
    keep: int = 0


class Overtaken(Exception):
    """The branch has content of the guarded file that is not known to be older than ours."""


@dataclass(frozen=True)
class Published:
    """The result of a publication.

    Args:
        sha: the commit; empty if the branch already had these files.
        branch: where it is.
        tries: how often a push was tried, or found unnecessary.
        stayed: why the checkout, which is on that branch or on none, was not moved; empty if it was, or need not be.
        left: files in which the work tree differs from the checked-out commit, by their paths in the checkout.
        repository: `owner/name` that has it, empty if no address says; `path`: of the file or folder in it.
    """

    sha: str
    branch: str
    tries: int
    stayed: str = ""
    left: tuple[str, ...] = ()
    repository: str = ""
    path: str = ""


def pause(tries: int, share: Callable[[], float] = random.random) -> float:
    """Seconds to wait after that many lost tries: longer each time, and random, so that contenders differ."""
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

    def head_branch(self, fallback: str | None = "") -> str:
        """The branch that is checked out, or the fallback; with None, empty for a detached HEAD.

        Raises:
            StoreError: HEAD is detached and there is no fallback, or this is not a repository.
        """
        branch = self._symbolic_head() or fallback
        if branch is None:
            return ""
        if not branch:
            raise StoreError(
                "The checkout is not on a branch (detached HEAD), so there is no branch to push to.",
                Text(
                    "Set ",
                    Setting("branch"),
                    ", or check out a branch",
                    InWorkflow(" with the `ref` input of actions/checkout"),
                    ".",
                ),
            )
        return self._valid(branch)

    def check(self, publication: Publication) -> str:
        """Check, without the network, whether such a publication can be tried; returns its branch.

        Raises:
            InputError: branch, author or message cannot be used; or it would drop commits of the checked-out branch.
            StoreError: no repository, no remote, or no branch.
        """
        Author.parse(publication.author)
        _message(publication.message)
        target = self._target(publication)
        if target.keep and target.related:
            raise not_of_its_own(target.branch, "is checked out")
        self._remote()
        if not may_write(objects := self.git.folders[1] / "objects"):
            raise StoreError(
                f"The folder {str(objects)!r} of the checkout cannot be written: no permission.",
                "Run this as the user who checked out, or give this user access to `.git` in an earlier step.",
            )
        return target.branch

    def check_attributes(self, paths: Sequence[str]) -> None:
        """Check that git stores such files as they are, by the attributes in the work tree.

        Raises:
            InputError: it stores something else; the message has the line to add to .gitattributes.
        """
        with apart(self._configuration) as git:
            check_attributes(git, paths)

    def check_index(self, publication: Publication, paths: Sequence[str]) -> None:
        """Check that such files replace nothing in the index that is staged and not committed: it would be lost.

        Args:
            publication: for its branch; one that is not checked out leaves the index alone.
            paths: relative to the checkout's top.

        Raises:
            StoreError: they would.
        """
        head = self._symbolic_head() or publication.fallback_branch
        if publication.branch.removeprefix("refs/heads/") in ("", head):
            with apart(self._configuration) as git:
                check_staged(git, paths)

    def committed(self, path: str, publication: Publication, *, tip: bool) -> dict[str, str]:
        """The committed files at and below a path: git's ids by what follows the path, `""` for the path itself.

        Args:
            path: relative to the checkout's top.
            publication: for its branch.
            tip: of the remote's branch now; otherwise of HEAD, which takes no network.
        """
        with apart(self._configuration) as git:
            commit = "HEAD"
            if tip:
                commit = self._found(Tip(git, self._remote(), self._target(publication)))
            elif git.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}", may_fail=True).code:
                commit = ""  # nothing is committed yet
            return blobs_of(git, commit, path) if commit else {}

    def _found(self, tip: Tip) -> str:
        """The tip; tries as often as a push does."""
        for tries in range(1, NETWORK_TRIES):
            with suppress(Unreachable):
                return tip.find()
            self.sleep(pause(tries))
        return tip.find()

    def blobs(self, oids: Sequence[str], most: int) -> list[bytes]:
        """The files with these ids, of at most that many bytes; a partial clone fetches them.

        Raises:
            StoreError: one is missing or larger.
        """
        if not oids:
            return []
        names = "\n".join(oids).encode()
        with apart(self._configuration) as git:
            told = git.run("cat-file", "--batch-check", stdin=names).out.splitlines()
            sizes = [int(line.split()[2]) if b" blob " in line else -1 for line in told]
            for oid, size in zip(oids, sizes, strict=True):
                if size < 0:
                    raise StoreError(f"git has no object {oid}.", "Check out the repository again.")
                if size > most:
                    raise StoreError(
                        f"The committed file {oid[:10]} is larger than {most // 1024:,} KiB.",
                        "Remove it from the snapshot's path, or choose another path.",
                    )
            out = io.BytesIO(git.run("cat-file", "--batch", stdin=names).out)
        found = []
        for size in sizes:
            out.readline()
            found.append(out.read(size))
            out.readline()
        return found

    def repository(self) -> str:
        """`owner/name` in the web address of the remote; empty where it has another kind of address."""
        self._remote()
        address = urlsplit(self._configuration.address)
        match = re.search(r"(?:^|/)([^/]+/[^/]+?)(\.git)?/?$", address.path)
        return match[1] if address.scheme in ("http", "https", "ssh") and match else ""

    def is_of(self, repository: str) -> bool:
        """Whether the remote is this repository (`owner/name`) of this GitHub; a path on disk has no host."""
        address = self._configuration.address
        match = re.fullmatch(r"(?:\w+://)?(?:[^/@]*@)?([^/:]*)(?::\d+)?[:/](.*?)(?:\.git)?/?", address)
        hosts = ("", urlsplit(self.git.server_url).hostname)
        return match is not None and match[1] in hosts and f"/{match[2]}".lower().endswith(f"/{repository}".lower())

    def publish(self, publication: Publication, files: Mapping[str, bool], guarded: str = "") -> Published:
        """Commit the files on the branch's newest commit and push; again on the next commit if others came first.

        If the checked-out branch was at exactly that commit, it moves, and so do our files' index entries.  If it was
        not (behind, ahead, another branch, a detached HEAD), or another process holds a lock, HEAD and the index stay
        as they are: moving one of them would make others' work look undone in the work tree.

        If the branch keeps a number of commits, others' commits among the newest are kept like ours, and the push
        replaces exactly the commit that was read, or fails.

        After a push without an answer, check the branch for it before pushing again.

        Args:
            publication: message, author and branch.
            files: path relative to the checkout's top, to whether it is kept, or else removed.
            guarded: the publication's guarded file, relative to the checkout's top.

        Raises:
            ConcurrentUpdateError: others kept pushing first.
            Overtaken: others pushed other content of the guarded file first.
            InputError: branch, author or message cannot be used.
            StoreError: it cannot be pushed; the message says why.
        """
        with apart(self._configuration) as git:
            return self._publish(git, publication, files, guarded)

    def _publish(self, git: Git, publication: Publication, files: Mapping[str, bool], guarded: str) -> Published:
        author, message = Author.parse(publication.author), _message(publication.message)
        target, remote = self._target(publication), self._remote()
        entries = entries_of(git, files)
        known = {"", *publication.known, entries.get(guarded, "")}
        unanswered: dict[str, str] = {}  # commits that may have arrived, and their parents
        troubles: list[Unreachable] = []
        for tries in range(1, TRIES + 1):
            if tries > 1:
                self.sleep(pause(tries - 1))
            commit = ""
            try:
                base = Tip(git, remote, target, whole=bool(unanswered)).find()
                commit = next((sent for sent in unanswered if base and _holds(git, base, sent)), "")
                if commit:
                    base = unanswered[commit]
                elif len(troubles) >= NETWORK_TRIES:
                    raise troubles[-1]
                else:
                    there = blobs_of(git, base, guarded).get("", "") if guarded and base else ""
                    if there not in known:
                        raise Overtaken
                    tree = tree_of(git, base, entries)
                    if not tree:
                        return self._move_along(git, Published("", target.branch, tries), base, entries, author)
                    before = kept(git, base, target.keep - 1) if target.keep else base
                    parents = ("-p", before) if before else ()
                    commit = git.run("commit-tree", tree, *parents, stdin=message, variables=author.variables).line
                    git.push(remote, commit, target.branch, instead_of="" if before == base else base)
            except RaceLost:
                pass
            except Unreachable as error:
                troubles.append(error)
                if commit:
                    unanswered[commit] = base
                elif len(troubles) >= NETWORK_TRIES:
                    raise
            else:
                return self._move_along(git, Published(commit, target.branch, tries), base, entries, author)
        raise ConcurrentUpdateError(
            f"Others changed the branch {target.branch} of the remote {remote} during each of {TRIES} pushes.",
            "Give the workflow a `concurrency` group or another `branch`. Then try again.",
        )

    def _target(self, publication: Publication) -> Target:
        head = self._symbolic_head() or publication.fallback_branch.removeprefix("refs/heads/")
        branch = (
            self._valid(publication.branch) if publication.branch else self.head_branch(publication.fallback_branch)
        )
        return Target(branch, related=branch == head, keep=publication.keep)

    def _symbolic_head(self) -> str:
        _ = self.git.folders  # fails where there is no repository
        ref = self.git.run("symbolic-ref", "--quiet", "HEAD", may_fail=True).line  # a short name may be a tag's too
        return ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else ""

    def _valid(self, branch: str) -> str:
        name = branch.removeprefix("refs/heads/")
        if (
            name.startswith(("-", "refs/"))
            or self.git.run("check-ref-format", "--branch", name, may_fail=True).line != name
        ):
            raise InputError(
                f"The branch name {branch!r} is not valid.",
                "Use letters, digits, `.`, `_`, `-` and `/`, such as `store-data`.",
            )
        return name

    def _remote(self) -> str:
        there = self._configuration
        if not there.remote:
            raise StoreError(
                f"The checkout has no remote `origin` to push to (its remotes: {', '.join(there.remotes) or 'none'}).",
                Text("Use actions/checkout before this step, or ", Without("commit"), "."),
            )
        return there.remote

    @cached_property
    def _configuration(self) -> Configuration:
        return Configuration(self.git)

    def _move_along(self, git: Git, done: Published, base: str, entries: Entries, author: Author) -> Published:
        """Move the local branch, if it was at the base, and the index with it; both, or neither.

        The index is written aside first, and takes its place after the move: if the branch were ahead of it, the
        user's next commit would delete our files, and if it were behind, that would commit them.
        If there was nothing to commit, the index may still have something else, or other line ends.
        """
        if (head := self._symbolic_head()) != done.branch:
            return done if head else replace(done, stayed=f"HEAD is detached, so it is not on {done.branch}.")
        commit = done.sha or base
        old = base or "0" * len(commit)
        ref = f"refs/heads/{done.branch}"
        try:
            with instead_of(self.git.folders[0] / "index") as index:
                entered = False
                try:
                    with git.moving(ref, commit, old, author.variables):
                        enter(git, entries, aside={"GIT_INDEX_FILE": str(index)})
                        entered = True
                except StoreError:  # git may have moved the branch before it could not log that of HEAD
                    if not entered or git.run("rev-parse", "--verify", "--quiet", ref, may_fail=True).line != commit:
                        raise
        except StoreError as error:
            return replace(done, stayed=error.what if done.sha else "")
        refresh = ("add", "--refresh", "--sparse", "--pathspec-from-file=-", "--pathspec-file-nul")
        for some in batches(f"{path}\0" for path in kept_paths(entries)):
            git.run(*refresh, stdin=some, may_fail=True)  # for `git diff-index`; other commands look at the files
        return done


def _holds(git: Git, tip: str, commit: str) -> bool:
    return not git.run("merge-base", "--is-ancestor", commit, tip, may_fail=True).code


def _message(text: str) -> bytes:
    if not text.strip() or "\0" in text:
        raise InputError(
            "The commit message is empty, or contains a NUL.", Text("Set ", Setting("commit-message"), " to a text.")
        )
    return text.rstrip().encode(errors="replace") + b"\n"
