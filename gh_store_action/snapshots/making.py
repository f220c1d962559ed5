"""Mode: all objects to files, and the files to a commit."""

from __future__ import annotations

import io
import posixpath
import shlex
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from gh_store_action.domain.commit_message import with_trailers
from gh_store_action.domain.objects import key
from gh_store_action.domain.snapshots import files as snapshot_files
from gh_store_action.domain.snapshots import leaving
from gh_store_action.domain.snapshots.files import BrokenSnapshot
from gh_store_action.domain.snapshots.sizes import check_sizes
from gh_store_action.domain.snapshots.snapshot import Changed, LeftOut, Snapshot
from gh_store_action.errors import BudgetExhausted, ConcurrentUpdateError, StoreError
from gh_store_action.gateway.records import PAGE
from gh_store_action.hints import Setting, Text
from gh_store_action.snapshots.collecting import Collector, Progress
from gh_store_action.snapshots.destination import Destination, Target
from gh_store_action.snapshots.recording import Recorded, Recorder
from gh_store_action.snapshots.there import Existing
from gh_store_action.store.session import Session
from gh_store_action.workspace.files import Overtaken, Published, Workspace

__all__ = ["SnapshotResult", "Snapshots", "Target"]

OVERTAKEN = 12  # tries, while others commit snapshots of the same store to the same place


@dataclass(frozen=True)
class SnapshotResult:
    """What was written.

    Args:
        changed: whether any file is another one than before.
        full: whether everything was read, or only what had changed.
        why_full: why a snapshot that was to be brought up to date was made again, empty where it was not.
        problems: issues with the store's label that are not in.
        overtaken: how often another snapshot was committed meanwhile, and what had changed since was read too.
        left: ids of objects that the snapshot before had, in order.
        changed_ids: ids of objects that are in another revision than before, came or left, in order.
        heavy: what is to be said of a large file.
        histories: what is to be said of the objects' histories, a sentence each.
    """

    snapshot: Snapshot
    path: str
    changed: bool
    full: bool
    why_full: str = ""
    problems: tuple[LeftOut, ...] = ()
    published: Published | None = None
    files: int = 0
    overtaken: int = 0
    left: tuple[str, ...] = ()
    changed_ids: tuple[str, ...] = ()
    heavy: str = ""
    histories: tuple[str, ...] = ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a user may wonder at, a sentence each."""
        many = f"{len(self.left):,} object{'s' if len(self.left) != 1 else ''}"
        again = "Another snapshot was committed meanwhile, so what has changed since was read too."
        return (
            *((f"A full snapshot was made: {self.why_full}.",) if self.why_full else ()),
            *((again,) if self.overtaken else ()),
            *((self.heavy,) if self.heavy else ()),
            *self.histories,
            *((f"Not in the snapshot any more, {many}: {leaving.named(self.left)}.",) if self.left else ()),
            *((_what_to_do_before_a_pull(self.published),) if self.published and self.published.left else ()),
        )


@dataclass(frozen=True)
class _Collected:
    """What the next snapshot holds, and how that was come by: as in `SnapshotResult`."""

    changed: Changed
    full: bool
    why: str = ""


class Snapshots:
    """Makes snapshots.

    Args:
        allow_shrink: whether more than a tenth of the objects may be missing from the next snapshot.
        progress: called with issues read and issues in all.
        page: issues asked for at a time.
    """

    def __init__(
        self,
        session: Session,
        workspace: Workspace,
        target: Target,
        *,
        dry_run: bool = False,
        allow_shrink: bool = False,
        progress: Progress = lambda done, total: None,
        page: int = PAGE,
    ) -> None:
        self.session = session
        self.target = target
        self.dry_run = dry_run
        self.allow_shrink = allow_shrink
        self.destination = Destination(workspace, target, session.github, dry_run=dry_run)
        self.collector = Collector(session, progress, page=page)
        self.recorder = Recorder(session, self.destination, progress, dry_run=dry_run) if target.history else None

    def make(self) -> SnapshotResult:
        """A full snapshot: one request for each hundred issues, and one for what changed meanwhile.

        Raises:
            StoreError: it cannot be made, written or committed; where reading it ended early, nothing was written.
        """
        self.destination.check()
        there = self.destination.look(content=False)
        there.forget()
        return self._finish(there, _Collected(self.collector.full(), full=True))

    def update(self) -> SnapshotResult:
        """Brings the snapshot that is there up to date: one request for up to a hundred changes.

        Where there is none, or it is none of this store's, or what it knows does not add up, a full one is made.

        Raises:
            StoreError: as for `make`.
        """
        self.destination.check()
        there = self.destination.look(content=True)
        return self._finish(there, self._brought_up_to_date(there))

    def _brought_up_to_date(self, there: Existing) -> _Collected:
        if there.main is None:
            return _Collected(self.collector.full(), full=True, why="there was none yet")
        try:
            files = self.destination.files(there)
            before = snapshot_files.read(files, self.target.format, self.session.github.repository)
            del files
        except BrokenSnapshot as error:
            return _Collected(self.collector.full(), full=True, why=f"the one there cannot be used: {error}")
        changed, why = self.collector.changes(before)
        if changed is None:
            return _Collected(self.collector.full(), full=True, why=why)
        return _Collected(changed, full=False)

    def _heavy(self, files: Mapping[str, bytes]) -> str:
        """What to say of the largest of these files, which are to be committed."""
        sizes = {self.destination.at(name): len(data) for name, data in files.items() if self.target.commit}
        return check_sizes(sizes, whole="" in files)

    def _finish(self, there: Existing, collected: _Collected) -> SnapshotResult:
        names, known, overtaken = there.names, there.known, 0
        before: Mapping[str, int] | None = None
        while True:
            snapshot = collected.changed.snapshot
            texts = snapshot_files.write(snapshot, self.target.format)
            files = {name: _bytes(pieces) for name, pieces in texts}
            heavy = self._heavy(files)
            self.destination.check_files(there, files)
            stale = tuple(sorted(names - files.keys()))
            differs = bool(stale) or not all(there.has(name, data) for name, data in files.items())
            published: Published | None = None
            left: tuple[str, ...] = ()
            changed_ids: tuple[str, ...] = ()
            if differs:
                before = self.destination.records(there) if before is None else before
                left = self._left(before, snapshot)
                changed_ids = snapshot_files.changed(before, files[self.destination.main], self.target.format)
            past = self.recorder.bring(snapshot) if self.recorder else Recorded({})
            heavy = heavy or self._heavy(past.files)
            written, gone = {**past.files, **files}, (*stale, *past.stale)
            try:
                if not self.dry_run:
                    kept = self.recorder.restore(past.kept) if self.recorder else ()
                    self.destination.write(written, gone)
                    if self.target.commit:
                        message = self._message(snapshot, left)
                        published = self.destination.publish(written, gone, message, known, kept)
            except Overtaken as theirs:
                overtaken += 1
                if overtaken == OVERTAKEN:
                    raise ConcurrentUpdateError(
                        f"Another snapshot was committed to `{self.destination.path}` during each of {OVERTAKEN} "
                        "tries to commit this one.",
                        "Give the workflow a `concurrency` group, then run this again.",
                    ) from None
                # Theirs may be of a later moment, so ours must not take its place before it is of a later one still.
                committed, before = self.destination.committed_now()
                names, known = names | files.keys() | committed, frozenset({theirs.oid})
                del files, written
                collected = self._again(collected)
                continue
            return SnapshotResult(
                snapshot=snapshot,
                path=self.destination.path,
                changed=differs or past.differs or bool(published and published.sha),
                full=collected.full,
                why_full=collected.why,
                problems=collected.changed.problems,
                published=published,
                files=len(written),
                overtaken=overtaken,
                left=left,
                changed_ids=changed_ids,
                heavy=heavy,
                histories=past.remarks,
            )

    def _left(self, before: Collection[str], snapshot: Snapshot) -> tuple[str, ...]:
        """What the snapshot there has and the next one has not.

        Raises:
            StoreError: that is more than may go in silence.
        """
        left = leaving.left(before, snapshot, self.session.rules)
        if self.allow_shrink or not leaving.shrinks(left, before):
            return left
        deleted = self.collector.deleted()
        lost = tuple(object_id for object_id in left if key(object_id, self.session.rules) not in deleted)
        if leaving.shrinks(lost, before):
            raise StoreError(
                f"The snapshot in `{self.destination.path}` would lose {len(lost):,} of its {len(before):,} objects, "
                f"more than a tenth: {leaving.named(lost)}. Nothing was written.",
                Text(
                    f"See whether their issues still have the label {self.session.rules.base_label!r} and one that "
                    f"begins with {self.session.rules.uid_prefix!r}; where they are to go, use ",
                    Setting("allow-shrink", "true"),
                    " once.",
                ),
            )
        return left

    def _again(self, collected: _Collected) -> _Collected:
        try:
            changed, why = self.collector.again(collected.changed)
        except BudgetExhausted as error:
            raise error.reworded(
                f"Another snapshot was committed to `{self.destination.path}` while this one was made, and there is no "
                "budget left to read what has changed since. This one is not on the branch;",
                f"run again after {error.again}.",
            ) from error
        return _Collected(changed, collected.full or bool(why), collected.why or why)

    def _message(self, snapshot: Snapshot, left: tuple[str, ...]) -> str:
        """For people: what it is; for machines: trailers."""
        count = len(snapshot.entries)
        text = self.target.message or f"Update the snapshot of {count} object{'s' if count != 1 else ''}"
        return with_trailers(
            text,
            {
                "Store-Objects": str(count),
                "Store-Watermark": snapshot.time,
                "Store-Repository": snapshot.repository,
                **({"Store-Left": leaving.named(left, leaving.LISTED)} if left else {}),
            },
        )


def _what_to_do_before_a_pull(published: Published) -> str:
    left = published.left
    differ = f" and {len(left) - 1:,} more differ" if len(left) > 1 else " differs"
    why = published.stayed or f"Only the remote's {published.branch} has the commit."
    place = shlex.quote(posixpath.commonpath(left))
    return (
        f"The checkout did not follow: in the work tree `{left[0]}`{differ} from the checked-out commit. {why} "
        f"Before `git pull`, run `git stash push --include-untracked -- {place}`."
    )


def _bytes(pieces: Iterable[str]) -> bytes:
    """Piece by piece: a large text and its bytes do not stand in memory together."""
    buffer = io.BytesIO()
    for piece in pieces:
        buffer.write(piece.encode())
    return buffer.getvalue()
