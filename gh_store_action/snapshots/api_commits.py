"""Commits files through the API: signed by GitHub, without git, and again on the new tip if others were first."""

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
from gh_store_action.workspace.tips import in_the_way, not_of_its_own

TRIES = 8
MOST_BYTES = 40 * 1024 * 1024 - 1024 * 1024
"""Per request; just below 40 MiB works (github.com/grafana/github-api-commit-action/pull/66), including base64."""
MOST_FILES = 100
"""Per commit.  GitHub documents no limit; others report one (github.com/devantler-tech/ksail/issues/6442)."""


@dataclass
class _Progress:
    """The progress of one publication.

    Args:
        tries: in total.
        lost: failed tries in a row.
        parts: commits made.
        made: the newest of them.
        head: the parent of the last try's commit.
        unknown: whether the last try got no answer.
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
        path: of the file or folder in the repository.
        create: whether the branch may be created, from the default one.
        beside: a folder of more files, whose names begin with the folder's own; empty for none.
        keep: how many of its commits to keep, 0 for all; a branch that keeps some is never the default one.
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
        """The branch as it was found; read once.

        Raises:
            InputError: `keep` would remove commits of the default branch.
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
        """Commits what differs from the branch; nothing if nothing does.

        Args:
            files: by what follows the path: `""` for the one file.  A large number takes several commits, in this
                order; removals go with the last one.
            removed: also by what follows the path; they need not exist.
            guarded: one of the files, for which the branch may have newer content than ours.
            known: git's ids of contents of that file that are older than ours.

        Raises:
            Overtaken: others committed other content of the guarded file first.
            ConcurrentUpdateError: others kept committing first.
            StoreError: a file is too large, or the token may not commit.
        """
        oids = {name: blob_oid(data) for name, data in files.items()}
        allowed = {"", *known, *({oids[guarded]} if guarded is not None else ())}
        progress = _Progress()
        patient = True
        try:
            while True:
                tip = self._made(allowed, guarded)
                if tip.in_the_way:
                    raise in_the_way(tip.in_the_way)
                own = [name for name in tip.blobs if not self._is_beside(name)]
                if own and ("" in oids) != ("" in own):
                    raise StoreError(
                        f"The branch {tip.branch} has a file instead of a folder, or a folder instead of a file, at "
                        f"{self.path!r}.",
                        Text("Choose another path for ", Setting("output"), ", or remove that from the branch."),
                    )
                if progress.unknown and tip.parent == progress.head:
                    progress.made = tip.oid
                if guarded is not None and tip.blobs.get(guarded, "") not in allowed:
                    raise Overtaken
                additions = {name: data for name, data in files.items() if tip.blobs.get(name) != oids[name]}
                deletions = [name for name in removed if name in tip.blobs]
                if not additions and not deletions:
                    tries = progress.tries + 1
                    break
                if progress.lost == TRIES or not patient:  # the last answer may have been lost, so it was checked first
                    raise ConcurrentUpdateError(
                        f"Others changed the branch {tip.branch} during each of {progress.lost} attempts to commit.",
                        "Give the workflow a `concurrency` group or another `branch`. Then try again.",
                    )
                if self._commit(tip, additions, deletions, message, progress):
                    tries = progress.tries
                    break
                self._tip = None
                why = "an answer was lost" if progress.unknown else "others committed first"
                patient = self.github.transport.wait(pause(progress.lost), why)
        except BudgetExhausted as error:
            raise error.reworded(
                f"{error.what} {progress.parts or 'None'} of the commits "
                f"{'is' if progress.parts == 1 else 'are'} made;",
                f"try again after {error.again}.",
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
        """One attempt, of one commit or several; returns whether all of it is done."""
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
            except UnknownEffect:  # the answer may have been lost although the commit exists
                progress.unknown = True
                progress.lost += 1
                return False
            progress.lost = 0
            progress.parts += 1
        return True

    def _made(self, allowed: set[str], guarded: str | None) -> Tip:
        """The tip of the branch, created if missing; the first content of a new branch may be replaced."""
        tip = self.tip
        for tries in range(1, TRIES):
            if tip.oid:
                return tip
            if not tip.start:
                raise StoreError(
                    f"{self.github.repository} has no commits yet, so a branch cannot be created.",
                    "Push a first commit, such as a README.",
                )
            if not self.create:
                raise StoreError(
                    f"{self.github.repository} has no branch {tip.branch!r}.",
                    Text("Set ", Setting("branch"), " to one that exists, or to a new one only for the store."),
                )
            begun = False
            try:
                self.github.create_branch(tip)
                begun = True
            except BranchMoved:  # someone else created it
                pass
            except UnknownEffect:
                self.github.transport.wait(pause(tries), "an answer was lost")
            tip = self._tip = self.github.tip(self.branch, self.path, self.beside)
            if begun and guarded is not None:
                allowed.add(tip.blobs.get(guarded, ""))
        raise ConcurrentUpdateError(
            f"The branch {tip.branch!r} of {self.github.repository} could not be created.", "Try again later."
        )

    def _parts(
        self, additions: Mapping[str, bytes], deletions: Sequence[str]
    ) -> Iterator[tuple[dict[str, bytes], list[str]]]:
        """Additions and deletions by path in the repository, each part within GitHub's limits."""
        part: dict[str, bytes] = {}
        size = 0
        for name, data in additions.items():
            room = (len(data) + 2) // 3 * 4 + len(name) + 100
            if room > MOST_BYTES:
                raise StoreError(
                    f"The file `{self._in_repository(name)}` has {len(data):,} bytes, more than GitHub allows in one "
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
