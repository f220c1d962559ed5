"""Files committed through the API: signed by GitHub, without git, and again on the next tip when others were first."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gh_store_action.domain.snapshots.git_blobs import blob_oid
from gh_store_action.errors import BudgetExhausted, ConcurrentUpdateError, StoreError
from gh_store_action.gateway.commits import BranchMoved, CommitGateway, Tip
from gh_store_action.gateway.refusals import UnknownEffect
from gh_store_action.hints import Setting, Text
from gh_store_action.snapshots.api_keeping import keep_newest
from gh_store_action.workspace.commits import Overtaken, Published, pause
from gh_store_action.workspace.tips import not_of_its_own

TRIES = 8
MOST_BYTES = 40 * 1024 * 1024 - 1024 * 1024
"""Of one request; just below 40 MiB works (github.com/grafana/github-api-commit-action/pull/66), and base64 counts."""
MOST_FILES = 100
"""In one commit.  GitHub documents no bound; one is claimed (github.com/devantler-tech/ksail/issues/6442)."""


@dataclass
class _Progress:
    """How far one publication has come.

    Args:
        tries: in all.
        lost: tries one after another that brought nothing.
        parts: commits made.
        made: the newest of them.
        head: the commit that the last try was to stand on.
        unknown: the answer to it did not come.
    """

    tries: int = 0
    lost: int = 0
    parts: int = 0
    made: str = ""
    head: str = ""
    unknown: bool = False


@dataclass
class ApiCommits:
    """One branch and one place in it.

    Args:
        branch: empty for the default one.
        path: of the file, or of the folder, in the repository.
        create: whether the branch may be made, from the default one.
        beside: a folder of further files, which are named by its own name and what follows it; empty for none.
        keep: how many of its commits stay, 0 for all; then it is never the default branch.
    """

    github: CommitGateway
    branch: str
    path: str
    create: bool
    beside: str = ""
    keep: int = 0
    _tip: Tip | None = field(default=None, init=False)

    @property
    def tip(self) -> Tip:
        """The branch as it was found; looked at once.

        Raises:
            InputError: old commits of the default branch would go.
        """
        if self._tip is None:
            self._tip = self.github.tip(self.branch, self.path, self.beside)
        if self.keep and self._tip.branch == self._tip.default:
            raise not_of_its_own(self._tip.branch, "is the default branch")
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
        allowed = {"", *known, *({oids[guarded]} if guarded is not None else ())}
        progress = _Progress()
        patient = True
        try:
            while True:
                tip = self._made(allowed, guarded)
                own = [name for name in tip.blobs if not self._is_beside(name)]
                if own and ("" in oids) != ("" in own):
                    raise StoreError(
                        f"The branch {tip.branch} has something else at {self.path!r}, a file for a folder or a folder "
                        "for a file.",
                        Text("Choose another path for ", Setting("output"), ", or remove that from the branch."),
                    )
                if progress.unknown and tip.parent == progress.head:
                    progress.made = tip.oid
                if guarded is not None and tip.blobs.get(guarded, "") not in allowed:
                    raise Overtaken(tip.blobs[guarded])
                additions = {name: data for name, data in files.items() if tip.blobs.get(name) != oids[name]}
                deletions = [name for name in removed if name in tip.blobs]
                if not additions and not deletions:
                    tries = progress.tries + 1
                    break
                if progress.lost == TRIES or not patient:  # the last answer may be the lost one, so it was looked for
                    raise ConcurrentUpdateError(
                        f"The branch {tip.branch} was changed by others during each of {progress.lost} tries to "
                        "commit.",
                        "Give the workflow a `concurrency` group, or another `branch`, then run this again.",
                    )
                if self._commit(tip, additions, deletions, message, progress):
                    tries = progress.tries
                    break
                self._tip = None
                why = "an answer was lost" if progress.unknown else "others committed first"
                patient = self.github.transport.wait(pause(progress.lost), why)
        except BudgetExhausted as error:
            raise error.reworded(
                f"{error.what} The files are in the workspace, and {progress.parts or 'none'} of the commits "
                f"{'is' if progress.parts == 1 else 'are'} made;",
                f"run again after {error.again}.",
            ) from error
        made = progress.made
        if made and self.keep:
            made = keep_newest(self.github, tip.branch, self.keep, made)
        return Published(made, tip.branch, tries)

    def _commit(
        self,
        tip: Tip,
        additions: Mapping[str, bytes],
        deletions: Sequence[str],
        message: str,
        progress: _Progress,
    ) -> bool:
        """One try, of one commit or of several; whether all of it is done."""
        steps = list(self._parts(additions, deletions))
        progress.tries += 1
        progress.unknown = False
        progress.head = tip.oid
        for place, (part, gone) in enumerate(steps, 1):
            text = message if len(steps) == 1 else _numbered(message, place, len(steps))
            try:
                progress.head = progress.made = self.github.commit(tip.branch, progress.head, text, part, gone)
            except BranchMoved:
                progress.lost += 1
                return False
            except UnknownEffect:  # the answer may be lost, and the commit be there
                progress.unknown = True
                progress.lost += 1
                return False
            progress.lost = 0
            progress.parts += 1
        return True

    def _made(self, allowed: set[str], guarded: str | None) -> Tip:
        """The tip, of a branch that is there now; what a new one begins with is allowed to be replaced."""
        tip = self.tip
        for tries in range(1, TRIES):
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
                    Text("Give ", Setting("branch"), " one that is there, or a new one for the store alone."),
                )
            begun = False
            try:
                self.github.create_branch(tip)
                begun = True
            except BranchMoved:  # somebody else has made it
                pass
            except UnknownEffect:
                self.github.transport.wait(pause(tries), "an answer was lost")
            tip = self._tip = self.github.tip(self.branch, self.path, self.beside)
            if begun and guarded is not None:
                allowed.add(tip.blobs.get(guarded, ""))
        raise ConcurrentUpdateError(
            f"The branch {tip.branch!r} of {self.github.repository} could not be made.", "Run this again later."
        )

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
                    Text("Use ", Setting("commit-via", "git"), ", or ", Setting("format", "directory"), "."),
                )
            if part and (size + room > MOST_BYTES or len(part) == MOST_FILES):
                yield part, []
                part, size = {}, 0
            part[self._in_repository(name)] = data
            size += room
        yield part, [self._in_repository(name) for name in deletions]

    def _is_beside(self, name: str) -> bool:
        return bool(self.beside) and name.startswith(posixpath.basename(self.beside) + "/")

    def _in_repository(self, name: str) -> str:
        if self._is_beside(name):
            return posixpath.join(posixpath.dirname(self.beside), name)
        return f"{self.path}/{name}" if name else self.path


def _numbered(message: str, place: int, count: int) -> str:
    headline, _, body = message.partition("\n")
    return f"{headline} ({place} of {count})\n{body}"
