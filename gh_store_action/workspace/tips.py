"""The remote's branch as it is now."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from gh_store_action.errors import InputError, StoreError
from gh_store_action.hints import Setting, Text
from gh_store_action.workspace.git import Git


@dataclass(frozen=True)
class Target:
    """The branch to push to.

    Args:
        related: HEAD is, or was, on it, so it is never created from nothing.
        keep: how many of its commits stay, 0 for all; then it is never the default branch.
    """

    branch: str
    related: bool
    keep: int = 0


def in_the_way(path: str) -> StoreError:
    """The error for something of the user's that our file would replace."""
    return StoreError(
        f"The branch has {path!r} in the way, which is not the store's file.",
        Text("Choose another path for ", Setting("output"), ", or remove that file from the branch."),
    )


def blobs_of(git: Git, commit: str, path: str) -> dict[str, str]:
    """The regular files of a commit at and below a path: git's ids by what follows the path, ``""`` for itself."""
    listed = git.run("ls-tree", "-r", "-z", "--full-tree", commit, "--", path).out
    matches = re.finditer(rb"(?<![^\0])100\d+ blob ([0-9a-f]+)\t([^\0]*)\0", listed)
    return {os.fsdecode(match[2]).removeprefix(path).removeprefix("/"): match[1].decode() for match in matches}


@dataclass(frozen=True)
class Tip:
    """The newest commit of the remote's branch, with its objects here.

    Args:
        whole: with its history, because it may contain one of our commits.
    """

    git: Git
    remote: str
    target: Target
    whole: bool = False

    def find(self) -> str:
        """Its id; empty if the branch has to be created.

        Raises:
            InputError: it would drop commits of the default branch.
            StoreError: a required branch does not exist, or the remote does not answer.
        """
        ref = f"refs/heads/{self.target.branch}"
        default = ("--symref", self.remote, "HEAD") if self.target.keep else (self.remote,)
        listed = self.git.run("ls-remote", *default, ref).line.splitlines()
        if f"ref: {ref}\tHEAD" in listed:
            raise not_of_its_own(self.target.branch, "is the default branch")
        tip = next((sha for sha, _, name in (line.partition("\t") for line in listed) if name == ref), "")
        if not tip:
            self._may_be_made()
        elif self._deepened or not self._is_here(tip):
            self._fetch(tip)
        return tip

    def _is_here(self, tip: str) -> bool:
        variables = {"GIT_NO_LAZY_FETCH": "1"}
        return not self.git.run("cat-file", "-e", f"{tip}^{{commit}}", variables=variables, may_fail=True).code

    @property
    def _deepened(self) -> bool:
        """Whether it needs more than the tip, although a shallow clone may have only that."""
        return bool(self.target.keep) and self._is_shallow

    @property
    def _is_shallow(self) -> bool:
        return self.git.run("rev-parse", "--is-shallow-repository").line == "true"

    def _may_be_made(self) -> None:
        if (
            self.target.related
            and self.git.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}", may_fail=True).code == 0
        ):
            raise StoreError(
                f"The remote {self.remote} has no branch {self.target.branch}.",
                Text(
                    "Push it first, or set ",
                    Setting("branch"),
                    " to one that exists, or to a new one only for the store.",
                ),
            )

    def _fetch(self, tip: str) -> None:
        """Fetch by id, so that neither FETCH_HEAD nor a ref changes.

        A shallow clone stays shallow, and an unrelated branch comes with as much history as it keeps.  A related branch
        comes with the commits in between, so that a later ``git pull`` still finds the common commit.
        """
        alone = self._is_shallow and not self.target.related and not self.whole
        depth = (f"--depth={self.target.keep or 1}",) if alone else ()
        quiet = ("--no-tags", "--no-prune", "--no-recurse-submodules", "--no-write-fetch-head", "--refmap=")
        self.git.run("fetch", *quiet, *depth, self.remote, tip)


def not_of_its_own(branch: str, why: str) -> InputError:
    """The error for `keep` on a branch that may have others' commits."""
    return InputError(
        f"The branch {branch} {why}, so its commits are never squashed.",
        Text("Set ", Setting("branch"), " to a branch only for the store, or omit ", Setting("keep"), "."),
    )
