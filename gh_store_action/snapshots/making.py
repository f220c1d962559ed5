"""Mode: writes all objects to files, and commits the files."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from gh_store_action.domain.commit_message import with_trailers
from gh_store_action.domain.objects import key
from gh_store_action.domain.snapshots import files as snapshot_files
from gh_store_action.domain.snapshots import leaving
from gh_store_action.domain.snapshots.contents import Content, Files, pieces
from gh_store_action.domain.snapshots.files import BrokenSnapshot
from gh_store_action.domain.snapshots.sizes import check_sizes
from gh_store_action.domain.snapshots.snapshot import Changed, LeftOut, Snapshot
from gh_store_action.errors import BudgetExhausted, ConcurrentUpdateError, StoreError
from gh_store_action.gateway.records import PAGE
from gh_store_action.hints import Setting, Text
from gh_store_action.snapshots.collecting import Collector, Progress
from gh_store_action.snapshots.destination import Destination
from gh_store_action.snapshots.recording import Recorded, Recorder
from gh_store_action.snapshots.target import Target
from gh_store_action.snapshots.there import Existing
from gh_store_action.store.session import Session
from gh_store_action.workspace.files import Overtaken, Published, Workspace

_IN_THE_WORKSPACE = "The snapshot's files are in the workspace."

__all__ = ["SnapshotResult", "Snapshots", "Target"]

OVERTAKEN = 12  # attempts, while others commit snapshots of the same store to the same place


@dataclass(frozen=True)
class SnapshotResult:
    """What was written.

    Args:
        changed: whether any file changed.
        full: whether everything was read, or only what changed.
        why_full: why an update became a full snapshot; empty if it did not.
        problems: issues with the store's label that are not included.
        overtaken: how often another snapshot was committed in the meantime, so that later changes were read, too.
        left: ids of objects that only the previous snapshot had, in order.
        changed_ids: ids of objects that changed, were added, or were removed, in order.
        heavy: a note about a large file.
        histories: notes about the objects' histories, a sentence each.
        unread: what GitHub did not show, a sentence each.
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
    unread: tuple[str, ...] = ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """What may surprise a user, a sentence each."""
        many = f"{len(self.left):,} object{'s' if len(self.left) != 1 else ''}"
        again = "Another snapshot was committed in the meantime, so later changes were read, too."
        return (
            *((f"A full snapshot was made: {self.why_full}.",) if self.why_full else ()),
            *((again,) if self.overtaken else ()),
            *((self.heavy,) if self.heavy else ()),
            *self.histories,
            *(
                f"The snapshot lacks what GitHub did not show; the next one reads it again. {one}"
                for one in self.unread
            ),
            *((f"No longer in the snapshot, {many}: {leaving.named(self.left)}.",) if self.left else ()),
            *((_what_to_do_before_a_pull(self.published),) if self.published and self.published.left else ()),
        )


@dataclass(frozen=True)
class _Collected:
    """The next snapshot, and how it was collected; the fields are as in `SnapshotResult`."""

    changed: Changed
    full: bool
    why: str = ""


class Snapshots:
    """Makes snapshots.

    Args:
        allow_shrink: whether more than a tenth of the objects may be missing from the next snapshot.
        progress: called with issues read and total issues.
        page: issues per request.
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
        """A full snapshot: one request for each hundred issues, and one for what changed in the meantime.

        Raises:
            StoreError: it cannot be made, written or committed; if reading failed, nothing was written.
        """
        self.destination.check()
        there = self.destination.look(content=False)
        there.forget()
        return self._finish(there, _Collected(self.collector.full(), full=True))

    def update(self) -> SnapshotResult:
        """Brings the existing snapshot up to date: one request for up to a hundred changes.

        If there is none, or it is another store's, or it is inconsistent, this makes a full one.

        Raises:
            StoreError: as for `make`.
        """
        self.destination.check()
        there = self.destination.look(content=True)
        return self._finish(there, self._brought_up_to_date(there))

    def _brought_up_to_date(self, there: Existing) -> _Collected:
        if there.main is None:
            return _Collected(self.collector.full(), full=True, why="there was none")
        try:
            files = self.destination.files(there)
            repository = self.session.github.repository
            before = snapshot_files.read(files, self.target.format, repository, self.collector.keep)
            del files
        except BrokenSnapshot as error:
            return _Collected(self.collector.full(), full=True, why=f"the existing one cannot be used: {error}")
        changed, why = self.collector.changes(before)
        if changed is None:
            return _Collected(self.collector.full(), full=True, why=why)
        return _Collected(changed, full=False)

    def _heavy(self, files: Mapping[str, Content]) -> str:
        """What to say of the largest of these files, which are to be committed."""
        sizes = {self.destination.at(name): len(data) for name, data in files.items() if self.target.commit}
        return check_sizes(sizes, whole="" in files)

    def _finish(self, there: Existing, collected: _Collected) -> SnapshotResult:
        overtaken, differs = 0, False
        while True:
            snapshot = collected.changed.snapshot
            files = self._written(snapshot)
            heavy = self._heavy(files)
            self.destination.check_files(there, files)
            stale = tuple(sorted(there.names - files.keys()))
            differs = differs or bool(stale) or not all(there.has(name, data) for name, data in files.items())
            published: Published | None = None
            left: tuple[str, ...] = ()
            changed_ids: tuple[str, ...] = ()
            if differs:
                before = self.destination.records(there)
                left = self._left(before, snapshot, done="committed" if overtaken else "written")
                changed_ids = snapshot_files.changed(before, files[self.destination.main])
                del before
            past = self.recorder.bring(snapshot) if self.recorder else Recorded({})
            heavy = heavy or self._heavy(past.files)
            written, gone = files.beside(past.files), (*stale, *past.stale)
            try:
                if not self.dry_run:
                    kept = self.recorder.restore(past.kept) if self.recorder else ()
                    self.destination.write(written, gone)
                    if self.target.commit:
                        message = self._message(snapshot, left)
                        with _saying_where_the_files_are():
                            published = self.destination.publish(written, gone, message, there.known, kept)
            except Overtaken:
                overtaken += 1
                if overtaken == OVERTAKEN:
                    raise ConcurrentUpdateError(
                        f"Another snapshot was committed to `{self.destination.path}` during each of {OVERTAKEN} "
                        "attempts to commit this one.",
                        f"Give the workflow a `concurrency` group. Then try again. {_IN_THE_WORKSPACE}",
                    ) from None
                # Theirs may show a later moment, so ours must not replace it before it shows an even later one.
                there = self.destination.overtaken(there, (*stale, *files))
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
                unread=tuple(dict.fromkeys(error.what for error in self.collector.unread)),
                changed_ids=changed_ids,
                heavy=heavy,
                histories=past.remarks,
            )

    def _written(self, snapshot: Snapshot) -> Files:
        """The snapshot's files: the main one is made once and kept on the disk, the others whenever they are needed."""
        made, name = snapshot_files.write(snapshot, self.target.format), self.destination.main
        return made.beside({name: self.destination.spool(pieces(made[name]))})

    def _left(self, before: Collection[str], snapshot: Snapshot, *, done: str) -> tuple[str, ...]:
        """What only the existing snapshot has.

        Raises:
            StoreError: that is too much to drop without asking.
        """
        left = leaving.left(before, snapshot, self.session.rules)
        if self.allow_shrink or not leaving.shrinks(left, before):
            return left
        deleted = self.collector.deleted()
        lost = tuple(object_id for object_id in left if key(object_id, self.session.rules) not in deleted)
        if leaving.shrinks(lost, before):
            raise StoreError(
                f"The snapshot in `{self.destination.path}` would lose {len(lost):,} of its {len(before):,} objects, "
                f"more than a tenth: {leaving.named(lost)}. Nothing was {done}.",
                Text(
                    f"Check that their issues still have the label {self.session.rules.base_label!r} and one that "
                    f"begins with {self.session.rules.uid_prefix!r}. If they should go, use ",
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
                "budget left to read later changes. This one is not on the branch;",
                f"try again after {error.again}.",
            ) from error
        return _Collected(changed, collected.full or bool(why), collected.why or why)

    def _message(self, snapshot: Snapshot, left: tuple[str, ...]) -> str:
        """A sentence for people, and trailers for machines."""
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


@contextmanager
def _saying_where_the_files_are() -> Iterator[None]:
    """A commit that fails leaves them in the work tree."""
    try:
        yield
    except StoreError as error:
        raise error.reworded(error.what, Text.sentences([error.hint, _IN_THE_WORKSPACE])) from error


def _what_to_do_before_a_pull(published: Published) -> str:
    left = published.left
    differ = f" and {len(left) - 1:,} more differ" if len(left) > 1 else " differs"
    why = published.stayed or f"Only the remote's {published.branch} has the commit."
    common = posixpath.commonpath(left)
    places = [common] if common else sorted({path.partition("/")[0] for path in left})
    return (
        f"The checkout was not moved: in the work tree, `{left[0]}`{differ} from the checked-out commit. {why} "
        f"Before `git pull`, run `git stash push --include-untracked -- {shlex.join(places)}`."
    )
