"""Objects' histories next to a snapshot: reads those of new revisions, and leaves all others as they are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gh_store_action.domain.past.lines import lines_of
from gh_store_action.domain.snapshots import histories
from gh_store_action.domain.snapshots.contents import Files
from gh_store_action.domain.snapshots.git_blobs import blob_oids
from gh_store_action.domain.snapshots.histories import FOLDER, INDEX, NAME, BrokenIndex, Known
from gh_store_action.domain.snapshots.leaving import NAMED, named
from gh_store_action.domain.snapshots.snapshot import Snapshot, SnapshotEntry
from gh_store_action.errors import AccessDeniedError, BudgetExhausted, GitHubError, InputError, StoreError
from gh_store_action.snapshots.destination import Destination
from gh_store_action.snapshots.there import Branch
from gh_store_action.store.lookup import Lookup
from gh_store_action.store.reading import Reader
from gh_store_action.store.session import Session

RESERVE = 5  # GraphQL points to keep for a commit through the API, and one more for each hundred files
BATCH = 200  # files to read from a branch at a time

_LASTING = frozenset({0, 403, 429})  # no answer, or none to any request: it concerns the run, not one object


@dataclass(frozen=True)
class Recorded:
    """What to do with the files.

    Args:
        files: to write, the index last.
        kept: those that already exist.
        stale: those that no object has now.
        differs: whether any of them changed.
        remarks: what may surprise a user, a sentence each.
    """

    files: Mapping[str, bytes]
    kept: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    differs: bool = False
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class _There:
    """The existing histories.

    Args:
        known: what they contain, by object id, if the file exists.
        listed: the existing files that an index lists.
        local: names in the work tree.
        branch: a separate branch, or what is checked out.
        on_branch: whether that counts, and not the work tree.
        index: as it is; empty for none.
    """

    known: Mapping[str, Known]
    listed: frozenset[str]
    local: frozenset[str]
    branch: Branch
    on_branch: bool
    index: bytes


def _plain(data: bytes | None) -> bytes:
    """The file as it was written: a checkout may have given it other line ends."""
    return (data or b"").replace(b"\r\n", b"\n")


class Recorder:
    """Keeps the histories of one place.

    Args:
        progress: called with histories read and total objects.
    """

    def __init__(
        self, session: Session, destination: Destination, progress: Callable[[int, int], None], *, dry_run: bool
    ) -> None:
        self.session = session
        self.destination = destination
        self.dry_run = dry_run
        self._say = progress
        self._reader = Reader(Lookup(session))
        self._read = 0
        self._failed: dict[str, StoreError] = {}
        self._ended: BudgetExhausted | None = None
        self._there: _There | None = None

    def bring(self, snapshot: Snapshot) -> Recorded:
        """Brings the histories up to date: one request for each hundred comments of each object with a new revision.

        If the budget runs out, the others follow with the next run.

        Raises:
            InputError: the folder holds something else.
            StoreError: nothing can be read.
        """
        there = self._there = self._look()
        self._failed = {}
        known: dict[str, Known] = {}
        made: dict[str, bytes] = {}
        left = 0
        digits = histories.digits_for(entry.object_id for entry in snapshot.entries.values())
        for entry in snapshot.ordered():
            meta = entry.value()["meta"]
            path = histories.file_of(entry.object_id, meta["label"], digits)
            wanted, old = Known(path, meta["version"], meta["digest"]), there.known.get(entry.object_id)
            old = old if old is not None and old.name == wanted.name else None
            if old is not None and old[1:] == wanted[1:]:
                known[entry.object_id] = old  # and lies where it lay: to divide the folder costs no request
            elif (data := self._history(entry, wanted)) is not None:
                known[entry.object_id], made[path] = wanted, data
                self._say(len(made), len(snapshot.entries))
            else:
                left += 1
                if old is not None:
                    known[entry.object_id] = old
        self._check(made, there)
        index = histories.write_index(snapshot.repository, known)
        names = {one.path for one in known.values()}
        stale = tuple(sorted(there.listed - names))
        return Recorded(
            files={**made, INDEX: index},
            kept=tuple(sorted(names - made.keys())),
            stale=stale,
            differs=bool(made or stale) or index != there.index or (self.dry_run and left > 0),
            remarks=tuple(self._remarks(left)),
        )

    def restore(self, kept: Sequence[str]) -> Sequence[str]:
        """Those of the files that are in the work tree, with the store's line ends, or that git puts there."""
        there, read = self._there, self.destination.workspace.reader()
        if there is None or not there.on_branch:
            others = [name for name in kept if b"\r\n" in (read(self.destination.at(name)) or b"")]
            self.destination.write(Files(others, lambda name: _plain(read(self.destination.at(name)))), ())
            return kept
        if there.branch.costs:
            return ()
        now = ((name, read(self.destination.at(name))) for name in kept)
        wanted = [name for name, data in now if data is None or there.branch.oids[name] not in blob_oids(data)]
        for start in range(0, len(wanted), BATCH):
            self.destination.write(there.branch.read(wanted[start : start + BATCH]), ())
        return kept

    # -- what exists -----------------------------------------------------------------------------------------------

    def _look(self) -> _There:
        destination, workspace = self.destination, self.destination.workspace
        branch, place = destination.histories(), destination.at(NAME)
        inner = (path.removeprefix(f"{place}/") for path in workspace.existing(place))
        local = frozenset(path for name in inner if histories.may_be_ours(path := FOLDER + name))
        own = workspace.read(destination.at(INDEX))
        same = own is not None and branch.oids.get(INDEX) in blob_oids(own)
        on_branch = destination.of_branch or own is None or same
        theirs = own if same else None
        if not same and INDEX in branch.oids and (on_branch or destination.late or not branch.costs):
            theirs = branch.read([INDEX])[INDEX]
        index = (theirs if on_branch else own) or b""
        present = branch.oids.keys() if on_branch else local
        listed = {one.path for data in (own, theirs) if data for one in self._parsed(data).values()}
        return _There(
            known={key: one for key, one in self._parsed(index).items() if one.path in present} if index else {},
            listed=frozenset(listed & (local | branch.oids.keys())),
            local=local,
            branch=branch,
            on_branch=on_branch,
            index=_plain(index),
        )

    def _parsed(self, index: bytes) -> dict[str, Known]:
        try:
            return histories.read_index(index, self.session.github.repository)
        except BrokenIndex as error:
            raise self._taken(f"The file {self.destination.at(INDEX)!r} {error}.") from None

    def _check(self, made: Collection[str], there: _There) -> None:
        """Checks that none of these files would replace one of the user's."""
        self.destination.check_places((*made, INDEX))
        unknown = [name for name in made if name in there.local | there.branch.oids.keys() and name not in there.listed]
        for name in unknown:
            local = self.destination.workspace.read(self.destination.at(name)) if name in there.local else None
            if not histories.is_history(there.branch.read([name])[name] if local is None else local):
                raise self._taken(f"The file {self.destination.at(name)!r} is not a history, and an object needs it.")

    def _taken(self, what: str) -> InputError:
        return InputError(
            what,
            f"Choose another place for the snapshot, or remove the folder {self.destination.at(NAME)!r}. "
            "Then all histories are made again.",
        )

    # -- what to write ---------------------------------------------------------------------------------------------

    def _history(self, entry: SnapshotEntry, wanted: Known) -> bytes | None:
        """The file of one object; None if it has to wait."""
        if self.dry_run or self._ended is not None:
            return None
        try:
            self.session.github.transport.afford(RESERVE + self._read // 100)
            past = self._reader.past_of(self.session.github.now(entry.number))
        except BudgetExhausted as error:
            self._ended = error
            return None
        except StoreError as error:
            if isinstance(error, AccessDeniedError) or (isinstance(error, GitHubError) and error.status in _LASTING):
                raise
            self._failed[entry.object_id] = error
            return None
        self._read += 1
        return histories.write(lines_of(past.logs, past.points, wanted.revision))

    def _remarks(self, left: int) -> Iterator[str]:
        many = f"{left:,} {'history' if left == 1 else 'histories'}"
        if self._failed:
            whose, why = named(sorted(self._failed), NAMED), next(iter(self._failed.values())).what
            yield f"Histories could not be read, of {whose}: {why} The next run tries again."
        if self._ended is not None:
            yield f"{self._ended.what} {many} left; try again after {self._ended.again} to continue."
        elif left and self.dry_run:
            yield f"{many} would be read."
