"""Mode: all objects to files, and the files to a commit."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from gh_store_action.committing import ApiCommits
from gh_store_action.domain import snapshot_files
from gh_store_action.domain.blobs import blob_oid, blob_oids
from gh_store_action.domain.snapshot_files import INDEX, BrokenSnapshot
from gh_store_action.domain.snapshots import Changed, LeftOut, Snapshot
from gh_store_action.errors import BudgetExhausted, ConcurrentUpdateError, StoreError
from gh_store_action.gateway import PAGE
from gh_store_action.gateway_commits import CommitGateway
from gh_store_action.gathering import Gatherer, Progress
from gh_store_action.session import Session
from gh_store_action.workspace import Overtaken, Publication, Published, Workspace, with_trailers

OVERTAKEN = 12  # tries, while others commit snapshots of the same store to the same place


@dataclass(frozen=True)
class Target:
    """Where a snapshot goes, and how.

    Args:
        path: inside the workspace; the folder for the format `directory`.
        commit: whether it is committed, and pushed by git.
        message: empty for one that says what is in it.
        via_api: let GitHub make the commit, and sign it; the author is whose the token is.
        repository: for that way, the one that gets the commit; empty for the store's.
    """

    path: str
    format: str = "json"
    commit: bool = True
    message: str = ""
    author: str = ""
    branch: str = ""
    fallback_branch: str = ""
    via_api: bool = False
    repository: str = ""


@dataclass(frozen=True)
class SnapshotResult:
    """What was written.

    Args:
        changed: whether any file is another one than before.
        full: whether everything was read, or only what had changed.
        why_full: why a snapshot that was to be brought up to date was made anew, empty where it was not.
        problems: issues with the store's label that are not in.
        overtaken: how often another snapshot was committed meanwhile, and what had changed since was read too.
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

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a user may wonder at, a sentence each."""
        anew = "Another snapshot was committed meanwhile, so what has changed since was read too."
        return (
            *((f"A full snapshot was made: {self.why_full}.",) if self.why_full else ()),
            *((anew,) if self.overtaken else ()),
        )


@dataclass
class _There:
    """The snapshot that is there.

    Args:
        files: by what follows the path: `""` for the one file.
        names: of all its files; of some the content may not be known.
        main: the file that every snapshot has another one of: the one, or the index.
    """

    files: dict[str, bytes]
    names: frozenset[str]
    main: str
    digests: dict[str, bytes] = field(init=False)
    known: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.digests = {name: _digest(data) for name, data in self.files.items()}
        self.known = blob_oids(self.files[self.main]) if self.main in self.files else frozenset()

    def taken(self) -> dict[str, bytes]:
        """The files; they may be large, so they are kept no longer than they are read."""
        files, self.files = self.files, {}
        return files


class Snapshots:
    """Makes snapshots.

    Args:
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
        progress: Progress = lambda done, total: None,
        page: int = PAGE,
    ) -> None:
        self.session = session
        self.workspace = workspace
        self.target = target
        self.dry_run = dry_run
        self.gatherer = Gatherer(session, progress, page=page)

    def make(self) -> SnapshotResult:
        """A full snapshot: one request for each hundred issues, and one for what changed meanwhile.

        Raises:
            StoreError: it can not be made, written or committed; where reading it ended early, nothing was written.
        """
        self._check()
        there = self._there()
        there.taken()
        return self._finish(there, self.gatherer.full())

    def update(self) -> SnapshotResult:
        """Brings the snapshot that is there up to date: one request for up to a hundred changes.

        Where there is none, or it is none of this store's, or what it knows does not add up, a full one is made.

        Raises:
            StoreError: as for `make`.
        """
        self._check()
        there = self._there()
        if not there.names:
            return self._finish(there, self.gatherer.full(), why="there was none yet")
        try:
            before = snapshot_files.read(there.taken(), self.target.format, self.session.github.repository)
        except BrokenSnapshot as error:
            return self._finish(there, self.gatherer.full(), why=f"the one there can not be used: {error}")
        changed, why = self.gatherer.changes(before)
        if changed is None:
            return self._finish(there, self.gatherer.full(), why=why)
        return self._finish(there, changed, full=False)

    # -- what is there ---------------------------------------------------------------------------------------------

    @cached_property
    def _path(self) -> str:
        """Of the file or the folder, relative to the workspace."""
        return self.workspace.check_output(self.target.path, folder=self._folder)

    @property
    def _folder(self) -> bool:
        return self.target.format == "directory"

    @property
    def _main(self) -> str:
        return INDEX if self._folder else ""

    def _check(self) -> None:
        """Everything that can be wrong with the place is found before a request is spent."""
        path = self._path
        if self.target.commit and not self.dry_run and not self.target.via_api:
            self.workspace.check_publish(self._publication((path,) if not self._folder else (), ()))

    def _there(self) -> _There:
        local = self._local()
        if not (self.target.commit and self.target.branch):
            return _There(local, frozenset(local), self._main)
        if self.target.via_api:
            return self._on_the_api_branch(local)
        return self._on_the_branch(local)

    def _local(self) -> dict[str, bytes]:
        """In the work tree."""
        names = [""]
        if self._folder:
            prefix = self._path + "/"
            inner = (name.removeprefix(prefix) for name in self.workspace.existing(self._path))
            names = [name for name in inner if _ours(name)]
        found = {name: self.workspace.read(self._at(name)) for name in names}
        return {name: data for name, data in found.items() if data is not None}

    def _on_the_branch(self, local: dict[str, bytes]) -> _There:
        """On the remote's branch; of a folder its index tells the files, and the work tree may have them."""
        data, names = self._main_on_the_branch()
        objects = {file: text for file, text in local.items() if file != self._main}
        if data is None:
            return _There({}, frozenset(objects), self._main)
        return _There({self._main: data, **objects}, names | objects.keys(), self._main)

    def _main_on_the_branch(self) -> tuple[bytes | None, frozenset[str]]:
        """The main file, and the names of all files that it tells of."""
        data = self.workspace.published(self._at(self._main), self._publication((), ()))
        if data is None:
            return None, frozenset()
        return data, frozenset({self._main}) | (snapshot_files.listed(data) if self._folder else frozenset())

    def _on_the_api_branch(self, local: dict[str, bytes]) -> _There:
        """On GitHub's branch; what the work tree has too is not fetched, and of a folder only the index is."""
        blobs = {name: oid for name, oid in self._api.tip.blobs.items() if _ours(name) or not (name or self._folder)}
        files = {name: local[name] for name, oid in blobs.items() if name in local and blob_oid(local[name]) == oid}
        for name in (INDEX, ""):
            if name in blobs and name not in files:
                files[name] = self._api.github.blob(blobs[name])
        return _There(files, frozenset(blobs) | frozenset(local if self._folder else ()), self._main)

    @cached_property
    def _api(self) -> ApiCommits:
        target, store = self.target, self.session.github
        try:
            path = self.workspace.in_checkout(self._path)
            branch = target.branch or self.workspace.head_branch(target.fallback_branch, path=self._path)
        except StoreError:  # no checkout, and none is needed
            path, branch = self._path, target.branch or target.fallback_branch
        github = CommitGateway(store.transport, target.repository or store.repository)
        return ApiCommits(github, branch, path, create=bool(target.branch))

    # -- writing ---------------------------------------------------------------------------------------------------

    def _finish(self, there: _There, changed: Changed, *, full: bool = True, why: str = "") -> SnapshotResult:
        names, known = there.names, there.known
        overtaken = 0
        while True:
            texts = snapshot_files.write(changed.snapshot, self.target.format)
            files = {name: _bytes(pieces) for name, pieces in texts}
            stale = tuple(sorted(names - files.keys()))
            differs = bool(stale) or any(there.digests.get(name) != _digest(data) for name, data in files.items())
            published: Published | None = None
            try:
                if not self.dry_run:
                    self.workspace.write(
                        {self._at(name): data for name, data in files.items()}, [self._at(name) for name in stale]
                    )
                    if self.target.commit:
                        published = self._publish(changed.snapshot, files, stale, known)
            except Overtaken as theirs:
                overtaken += 1
                if overtaken == OVERTAKEN:
                    raise ConcurrentUpdateError(
                        f"Another snapshot was committed to `{self._path}` during each of {OVERTAKEN} tries to commit "
                        "this one.",
                        "Give the workflow a `concurrency` group, then run this again.",
                    ) from None
                # Theirs may be of a later moment, so ours must not take its place before it is of a later one still.
                names, known = names | files.keys() | self._on_the_branch_now(), frozenset({theirs.oid})
                del files
                changed = self._anew(changed)
                continue
            return SnapshotResult(
                snapshot=changed.snapshot,
                path=self._path,
                changed=differs or bool(published and published.sha),
                full=full,
                why_full=why,
                problems=changed.problems,
                published=published,
                files=len(files),
                overtaken=overtaken,
            )

    def _anew(self, changed: Changed) -> Changed:
        try:
            return self.gatherer.anew(changed)
        except BudgetExhausted as error:
            raise BudgetExhausted(
                f"Another snapshot was committed to `{self._path}` while this one was made, and there is no budget "
                "left to read what has changed since. Nothing was committed;",
                f"run again after {error.again}.",
                again=error.again,
                status=error.status,
            ) from None

    def _on_the_branch_now(self) -> frozenset[str]:
        """The names of the files that somebody else has committed."""
        if not self._folder:
            return frozenset()
        if self.target.via_api:
            return frozenset(filter(_ours, self._api.tip.blobs))
        return self._main_on_the_branch()[1]

    def _publish(
        self, snapshot: Snapshot, files: Mapping[str, bytes], stale: tuple[str, ...], known: frozenset[str]
    ) -> Published:
        if self.target.via_api:
            return self._api.publish(files, stale, self._message(snapshot), guarded=self._main, known=known)
        paths, gone = tuple(map(self._at, files)), tuple(map(self._at, stale))
        publication = self._publication(paths, gone, snapshot)
        return self.workspace.publish(replace(publication, guarded=self._at(self._main), known=known))

    def _at(self, name: str) -> str:
        """Where in the workspace."""
        return f"{self._path}/{name}" if name else self._path

    def _publication(
        self, paths: tuple[str, ...], removed: tuple[str, ...], snapshot: Snapshot | None = None
    ) -> Publication:
        return Publication(
            paths=paths,
            removed=removed,
            message=self._message(snapshot) if snapshot else "Update the store's snapshot",
            author=self.target.author,
            branch=self.target.branch,
            fallback_branch=self.target.fallback_branch,
        )

    def _message(self, snapshot: Snapshot) -> str:
        """For people: what it is; for machines: trailers."""
        count = len(snapshot.entries)
        text = self.target.message or f"Update the snapshot of {count} object{'s' if count != 1 else ''}"
        return with_trailers(
            text,
            {
                "Store-Objects": str(count),
                "Store-Watermark": snapshot.time,
                "Store-Repository": snapshot.repository,
            },
        )


def _ours(name: str) -> bool:
    """Whether a file in the folder is the store's: nothing else of the user's is ever removed."""
    return name == INDEX or (name.startswith("objects/") and name.endswith(".json"))


def _bytes(pieces: Iterable[str]) -> bytes:
    """Piece by piece: a large text and its bytes do not stand in memory together."""
    buffer = io.BytesIO()
    for piece in pieces:
        buffer.write(piece.encode())
    return buffer.getvalue()


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
