"""The branch as the remote has it now."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from gh_store_action.errors import StoreError
from gh_store_action.hints import Setting, Text
from gh_store_action.workspace.git import Git


@dataclass(frozen=True)
class Target:
    """The branch to push to; `related`: HEAD is, or was, on it, so it is never made from nothing."""

    branch: str
    related: bool


def blobs_of(git: Git, commit: str, path: str) -> dict[str, str]:
    """The regular files of a commit at and below a path: their names in git by their paths."""
    listed = git.run("ls-tree", "-r", "-z", "--full-tree", commit, "--", path).out
    matches = (re.fullmatch(rb"100\d+ blob ([0-9a-f]+)\t(.*)", line, re.DOTALL) for line in listed.split(b"\0"))
    return {os.fsdecode(match[2]): match[1].decode() for match in matches if match}


@dataclass(frozen=True)
class Tip:
    """The newest commit of the remote's branch, with its objects here.

    Args:
        whole: with its history, for one of our commits may stand in it.
    """

    git: Git
    remote: str
    target: Target
    whole: bool = False

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
            self._fetch(tip)
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

    def _fetch(self, tip: str) -> None:
        """Fetch by name, so that neither FETCH_HEAD nor a ref changes.

        A shallow clone stays shallow, and a branch of no relation comes without its history.  The related one comes
        with what lies between, so that a later ``git pull`` still finds the common commit.
        """
        shallow = self.git.run("rev-parse", "--is-shallow-repository").line == "true"
        depth = ("--depth=1",) if shallow and not self.target.related and not self.whole else ()
        quiet = ("--no-tags", "--no-prune", "--no-recurse-submodules", "--no-write-fetch-head", "--refmap=")
        self.git.run("fetch", *quiet, *depth, self.remote, tip)
