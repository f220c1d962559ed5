"""Files committed through the API: signed by GitHub, without git, and again on the next tip when others were first."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from gh_store_action.domain.blobs import blob_oid
from gh_store_action.errors import ConcurrentUpdateError, StoreError
from gh_store_action.gateway_commits import BranchMoved, CommitGateway, Tip
from gh_store_action.transport import UnknownEffect
from gh_store_action.workspace_commit import Overtaken, Published, pause

TRIES = 8
MOST_BYTES = 40 * 1024 * 1024 - 1024 * 1024
"""Of one request; just below 40 MiB works (github.com/grafana/github-api-commit-action/pull/66), and base64 counts."""
MOST_FILES = 100
"""In one commit.  GitHub documents no bound; one is claimed (github.com/devantler-tech/ksail/issues/6442)."""


@dataclass
class ApiCommits:
    """One branch and one place in it.

    Args:
        branch: empty for the default one.
        path: of the file, or of the folder, in the repository.
        create: whether the branch may be made, from the default one.
    """

    github: CommitGateway
    branch: str
    path: str
    create: bool
    _tip: Tip | None = field(default=None, init=False)

    @property
    def tip(self) -> Tip:
        """The branch as it was found; looked at once."""
        if self._tip is None:
            self._tip = self.github.tip(self.branch, self.path)
        return self._tip

    def publish(
        self,
        files: Mapping[str, bytes],
        removed: Sequence[str],
        message: str,
        *,
        guarded: str | None = None,
        known: Collection[str] = (),
    ) -> Published:
        """Commits what is different from the branch, and nothing where nothing is.

        Args:
            files: by what follows the path: `""` for the one file.  A large number goes in several commits, in this
                order; what was removed goes with the last one.
            removed: likewise; those that are not there do not matter.
            guarded: one of the files, of which the branch may have a newer content than ours.
            known: git's names of that file's contents which ours is newer than.

        Raises:
            Overtaken: others committed another content of the guarded file first.
            ConcurrentUpdateError: others kept committing first.
            StoreError: a file is too large, or the token may not.
        """
        oids = {name: blob_oid(data) for name, data in files.items()}
        made = ""
        unknown = False
        tries = 0
        while True:
            tries += 1
            tip = self._made(self.tip)
            if tip.blobs and ("" in oids) != ("" in tip.blobs):
                raise StoreError(
                    f"The branch {tip.branch} has something else at {self.path!r}, a file for a folder or a folder for "
                    "a file.",
                    "Choose another path for the input `output`, or remove that from the branch.",
                )
            if guarded is not None and tip.blobs.get(guarded, "") not in {"", oids[guarded], *known}:
                raise Overtaken(tip.blobs[guarded])
            additions = {name: data for name, data in files.items() if tip.blobs.get(name) != oids[name]}
            deletions = [name for name in removed if name in tip.blobs]
            if not additions and not deletions:  # the answer to a commit may be lost, and the commit be there
                return Published(tip.oid if unknown else made, tip.branch, tries)
            try:
                head = tip.oid
                steps = list(self._parts(additions, deletions))
                for place, (part, gone) in enumerate(steps, 1):
                    text = message if len(steps) == 1 else _numbered(message, place, len(steps))
                    head = made = self.github.commit(tip.branch, head, text, part, gone)
                return Published(made, tip.branch, tries)
            except BranchMoved:
                unknown = False
            except UnknownEffect:
                unknown = True
            self._tip = None
            if tries == TRIES or not self.github.transport.wait(pause(tries), "others committed first"):
                raise ConcurrentUpdateError(
                    f"The branch {tip.branch} was changed by others during each of {tries} tries to commit.",
                    "Give the workflow a `concurrency` group, or another `branch`, then run this again.",
                )

    def _made(self, tip: Tip) -> Tip:
        """The tip, of a branch that is there now."""
        if tip.oid:
            return tip
        if not tip.start:
            raise StoreError(
                f"{self.github.repository} has no commit yet, so there is none to begin a branch at.",
                "Push a first commit, such as a README.",
            )
        if not self.create:
            raise StoreError(
                f"{self.github.repository} has no branch {tip.branch!r}.",
                "Give the input `branch` one that is there, or a new one for the store alone.",
            )
        with suppress(BranchMoved):  # somebody else has made it
            self.github.create_branch(tip)
        self._tip = self.github.tip(self.branch, self.path)
        return self._tip

    def _parts(
        self, additions: Mapping[str, bytes], deletions: Sequence[str]
    ) -> Iterator[tuple[dict[str, bytes], list[str]]]:
        """Additions and deletions by the path in the repository, each part within GitHub's bounds."""
        part: dict[str, bytes] = {}
        size = 0
        for name, data in additions.items():
            room = (len(data) + 2) // 3 * 4 + len(name) + 100
            if room > MOST_BYTES:
                raise StoreError(
                    f"The file `{self._in_repository(name)}` has {len(data):,} bytes, more than GitHub takes in one "
                    "commit through the API (40 MiB, base64 included).",
                    "Use `commit-via: git`, or `format: directory`.",
                )
            if part and (size + room > MOST_BYTES or len(part) == MOST_FILES):
                yield part, []
                part, size = {}, 0
            part[self._in_repository(name)] = data
            size += room
        yield part, [self._in_repository(name) for name in deletions]

    def _in_repository(self, name: str) -> str:
        return f"{self.path}/{name}" if name else self.path


def _numbered(message: str, place: int, count: int) -> str:
    headline, _, body = message.partition("\n")
    return f"{headline} ({place} of {count})\n{body}"
