"""The place of a snapshot: what is there, in the work tree and on the branch, and how the next one gets there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from gh_store_action.domain.git_blobs import blob_oid, blob_oids
from gh_store_action.domain.snapshots import files as snapshot_files
from gh_store_action.domain.snapshots.files import INDEX, BrokenSnapshot
from gh_store_action.errors import InputError
from gh_store_action.gateway.commits import CommitGateway
from gh_store_action.gateway.issues import GitHub
from gh_store_action.snapshots.api_commits import ApiCommits
from gh_store_action.workspace.files import Publication, Published, Workspace
from gh_store_action.workspace.lessons import SecretFound


@dataclass(frozen=True)
class Target:
    """Where a snapshot goes, and how.

    Args:
        path: inside the workspace; the folder for the format `directory`.
        commit: whether it is committed, and pushed by git.
        message: empty for one that says what is in it.
        via_api: let GitHub make the commit, and sign it; the author is whose the token is.
        repository: for that way, the one that gets the commit where no checkout tells; empty for the store's.
        keep: how many commits the branch keeps, 0 for all.
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
    keep: int = 0


@dataclass(frozen=True)
class _Branch:
    """The files of a branch at the place.

    Args:
        oids: git's names of them, by what follows the place's path: `""` for the one file.
        read: gives some of them.
        costs: whether that takes a request for each.
    """

    oids: Mapping[str, str]
    read: Callable[[Iterable[str]], dict[str, bytes]]
    costs: bool = False


@dataclass
class Existing:
    """The snapshot that is there; its files by what follows the place's path.

    Args:
        main: the file that every snapshot has another one of, as it is there; None where there is no snapshot.
        names: of all its files, in the work tree and on the branch.
        foreign: names of files there that could be a snapshot's, and are the user's.
        known: git's names of the main file that the next one is newer than.
        records: of the objects in it; None where that takes a request, see `Destination.records`.
    """

    main: bytes | None
    names: frozenset[str]
    foreign: frozenset[str]
    known: frozenset[str]
    local: dict[str, bytes]
    branch: _Branch
    records: Mapping[str, int] | None = None
    _local_oids: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self._local_oids = {name: blob_oid(data) for name, data in self.local.items()}

    def has(self, name: str, data: bytes) -> bool:
        """Whether the file is there already."""
        oids = blob_oids(data)
        return self.branch.oids.get(name) in oids or self._local_oids.get(name) in oids

    def forget(self) -> None:
        """Frees the memory that the files take."""
        self.main, self.local = None, {}


class Destination:
    """One path of the workspace, and of the branch that is committed to.

    Args:
        store: the gateway of the store, whose token and budget a commit through the API uses.
    """

    def __init__(self, workspace: Workspace, target: Target, store: GitHub, *, dry_run: bool) -> None:
        self.workspace = workspace
        self.target = target
        self.dry_run = dry_run
        self._store = store

    @cached_property
    def path(self) -> str:
        """Of the file or the folder, relative to the workspace.

        Raises:
            StoreError: it cannot be written.
        """
        return self.workspace.check_output(self.target.path, folder=self._folder)

    @property
    def main(self) -> str:
        """The file that every snapshot has another one of."""
        return INDEX if self._folder else ""

    @property
    def _folder(self) -> bool:
        return self.target.format == "directory"

    @property
    def _of_branch(self) -> bool:
        """Whether the snapshot that is there is the one of a branch of its own, whatever the work tree has."""
        return self.target.commit and bool(self.target.branch)

    @property
    def _by_git(self) -> bool:
        return self.target.commit and not self.target.via_api

    def check(self) -> None:
        """Everything that can be wrong with the place is found before a request is spent."""
        path = self.path
        if self.target.commit and not self._of_branch and self.workspace.has_checkout(path):
            names = (self.main, snapshot_files.file_of("any", "any")) if self._folder else ("",)
            self.workspace.check_attributes([self._at(name) for name in names])
        if self._by_git and not self.dry_run:
            self.workspace.check_publish(self._publication((self._at(self.main) if self._folder else path,), ()))

    # -- what is there ---------------------------------------------------------------------------------------------

    def look(self, *, content: bool) -> Existing:
        """What is there: on a branch of its own what that one has, else what the work tree has, else its commit.

        Args:
            content: whether the snapshot that is there is to be read.

        Raises:
            InputError: the folder has an index that is no snapshot's.
        """
        local, branch = self._in_the_work_tree(), self._on_the_branch()
        ours, theirs = local.get(self.main), branch.oids.get(self.main)
        committed = ours if ours is not None and theirs in blob_oids(ours) else None
        wanted = (content or not branch.costs) and (self._of_branch or ours is None)
        if theirs and committed is None and (self._folder or wanted):
            committed = branch.read([self.main])[self.main]
        for data in filter(None, (ours, committed)) if self._folder else ():
            self._check_index(data)
        names = self._names(local, branch, [ours, committed])
        main = ours if ours is not None and not self._of_branch else committed
        unread = main is None and bool(theirs)
        return Existing(
            main=main,
            names=names,
            records=None if unread else self._records(main),
            foreign=(frozenset(local) | (frozenset() if branch.costs else branch.oids.keys())) - names,
            known=frozenset({theirs} if theirs else ()),
            local={name: data for name, data in local.items() if name in names},
            branch=branch,
        )

    def files(self, there: Existing) -> dict[str, bytes]:
        """The files of the snapshot that is there; nothing of it is kept.

        Raises:
            BrokenSnapshot: not all of them can be had.
        """
        main, local = there.main or b"", there.local
        there.forget()
        wanted = snapshot_files.listed(main) if self._folder else frozenset()
        found = {
            name: local[name]
            for name in wanted & local.keys()
            if not self._of_branch or there.branch.oids.get(name) in blob_oids(local[name])
        }
        missing = sorted(wanted - found.keys())
        if missing and there.branch.costs:
            raise BrokenSnapshot("its files are on the branch and not in the work tree")
        if lost := [name for name in missing if name not in there.branch.oids]:
            raise BrokenSnapshot(f"its file {lost[0]!r} is not there")
        return {self.main: main, **found, **there.branch.read(missing)}

    def records(self, there: Existing) -> Mapping[str, int]:
        """The objects of the snapshot that is there, as `files.records` gives them."""
        return self._records(there.branch.read([self.main])[self.main]) if there.records is None else there.records

    def committed_now(self) -> tuple[frozenset[str], Mapping[str, int]]:
        """The names of the files that the branch has by now, and the objects in them."""
        branch = self._of_the_api() if self.target.via_api else self._of_git(tip=True)
        main = branch.read([self.main])[self.main] if self.main in branch.oids else None
        return self._names({}, branch, [main]) if self._folder else frozenset(), self._records(main)

    def _records(self, main: bytes | None) -> Mapping[str, int]:
        return snapshot_files.records(main, self.target.format) if main else {}

    def _in_the_work_tree(self) -> dict[str, bytes]:
        names = [""]
        if self._folder:
            inner = (name.removeprefix(self.path + "/") for name in self.workspace.existing(self.path))
            names = [name for name in inner if snapshot_files.may_be_ours(name)]
        found = {name: self.workspace.read(self._at(name)) for name in names}
        return {name: data for name, data in found.items() if data is not None}

    def _on_the_branch(self) -> _Branch:
        """Without a branch of its own, git is asked what is checked out, which takes no network."""
        if not self.target.commit or (self.dry_run and self.target.via_api and not self.target.branch):
            return _Branch({}, lambda _: {})
        if self.target.via_api:
            return self._of_the_api()
        if self.dry_run and not self.workspace.has_checkout(self.path):
            return _Branch({}, lambda _: {})
        return self._of_git(tip=bool(self.target.branch))

    def _of_git(self, *, tip: bool) -> _Branch:
        publication = self._publication((), ())
        oids = self._possible(self.workspace.committed(self.path, publication, tip=tip))

        def read(names: Iterable[str]) -> dict[str, bytes]:
            wanted = {name: oids[name] for name in names}
            return dict(zip(wanted, self.workspace.blobs(self.path, list(wanted.values())), strict=True))

        return _Branch(oids, read)

    def _of_the_api(self) -> _Branch:
        oids = self._possible(self._api.tip.blobs)
        return _Branch(oids, lambda names: {name: self._api.github.blob(oids[name]) for name in names}, costs=True)

    def _possible(self, oids: Mapping[str, str]) -> dict[str, str]:
        """Those of the names that a snapshot's file can have."""
        return {
            name: oid for name, oid in oids.items() if (snapshot_files.may_be_ours(name) if self._folder else not name)
        }

    def _names(self, local: Mapping[str, bytes], branch: _Branch, mains: Iterable[bytes | None]) -> frozenset[str]:
        """The files that are the store's: nothing else of the user's is ever removed.

        What no index names, for it was left behind, must be an object by its content.
        """
        there = frozenset(local) | branch.oids.keys()
        if not self._folder:
            return there
        named = frozenset({INDEX}).union(*(snapshot_files.listed(data) for data in mains if data))
        found = there & named
        for name in sorted(local.keys() - found):
            if snapshot_files.is_object_file(name, local[name]):
                found |= {name}
        if not branch.costs and (rest := sorted(branch.oids.keys() - found - local.keys())):
            found |= {name for name, data in branch.read(rest).items() if snapshot_files.is_object_file(name, data)}
        return found

    def _is_left(self, name: str, data: bytes) -> bool:
        """Whether a file on the branch is one that a commit in several parts may have left behind."""
        return not self._folder or snapshot_files.is_object_file(name, data)

    def _check_index(self, data: bytes) -> None:
        if not snapshot_files.may_be_index(data):
            raise InputError(
                f"The folder {self.path!r} has a file {INDEX!r} that is no snapshot's.",
                "Choose another folder for the snapshot; it needs one of its own.",
            )

    # -- writing ---------------------------------------------------------------------------------------------------

    def check_files(self, there: Existing, files: Mapping[str, bytes]) -> None:
        """That none of these files would take the place of one of the user's.

        Raises:
            InputError: one would.
        """
        oids, unknown = there.branch.oids, files.keys() - there.names if there.branch.costs else ()
        others = [name for name in unknown if name in oids and oids[name] not in blob_oids(files[name])]
        theirs = {name for name, data in there.branch.read(others).items() if not self._is_left(name, data)}
        if taken := sorted(there.foreign.intersection(files) | theirs):
            raise InputError(
                f"The folder {self.path!r} has a file {taken[0]!r} that is no snapshot's, and an object needs it.",
                "Choose another folder for the snapshot; it needs one of its own.",
            )

    def write(self, files: Mapping[str, bytes], stale: Iterable[str]) -> None:
        """Puts the files into the work tree, and takes the stale ones out of it."""
        self.workspace.write({self._at(name): data for name, data in files.items()}, [self._at(name) for name in stale])

    def publish(
        self, files: Mapping[str, bytes], stale: tuple[str, ...], message: str, known: frozenset[str]
    ) -> Published:
        """Commits what was written, and looks at what that leaves in the work tree.

        Raises:
            Overtaken: the branch has a main file that is neither this one nor a known one.
            StoreError: it cannot be committed.
        """
        if self.target.via_api:
            done = self._api.publish(files, stale, message, guarded=self.main, known=known)
        else:
            publication = self._publication(tuple(map(self._at, files)), tuple(map(self._at, stale)), message)
            try:
                done = self.workspace.publish(replace(publication, guarded=self._at(self.main), known=known))
            except SecretFound as error:
                raise self._naming(error, files) from error
        left = self._left(done.branch, files, stale) if self.workspace.has_checkout(self.path) else ()
        repository, path = self._place
        return replace(done, left=left, repository=repository, path=path)

    @property
    def _place(self) -> tuple[str, str]:
        """The repository on this GitHub that gets the commit, empty where none is known, and the path in it."""
        if self.target.via_api:
            return self._api.github.repository, self._api.path
        repository = self.workspace.repository(self.path)
        known = repository and self.workspace.is_of(self.path, repository)
        return repository if known else "", self.workspace.in_checkout(self.path)

    @cached_property
    def _api(self) -> ApiCommits:
        target = self.target
        repository, path, branch = target.repository or self._store.repository, self.path, target.branch
        if self.workspace.has_checkout(path):
            repository = self.workspace.repository(path) or repository
            path = self.workspace.in_checkout(self.path)
            branch = branch or self.workspace.head_branch(self._fallback, path=self.path)
        github = CommitGateway(self._store.transport, repository)
        return ApiCommits(github, branch or target.fallback_branch, path, create=bool(target.branch))

    def _naming(self, error: SecretFound, files: Mapping[str, bytes]) -> SecretFound:
        """The same, with the objects that hold the secrets."""
        names = {self.workspace.in_checkout(self._at(name)): name for name in files}
        found = {
            snapshot_files.object_at(names[path], files[names[path]], line): f"{path}:{line}"
            for path, line in error.places
            if path in names
        }
        if not (ids := found.keys() - {""}):
            return error
        where = ", ".join(f"{object_id!r} ({found[object_id]})" for object_id in sorted(ids))
        many = "the objects" if len(ids) > 1 else "the object"
        return error.reworded(
            f"GitHub's push protection refused the push, for it found a secret ({error.kinds}) in {many} {where}.",
            error.hint,
        )

    @cached_property
    def _fallback(self) -> str:
        """The event's branch, which another repository's checkout, such as a submodule, has nothing to do with."""
        own = self.target.repository or self._store.repository
        return self.target.fallback_branch if self.workspace.is_of(self.path, own) else ""

    def _left(self, branch: str, files: Mapping[str, bytes], stale: Iterable[str]) -> tuple[str, ...]:
        """What the work tree now has otherwise than the checked-out commit, which is to be on that branch."""
        if self._of_branch or self.workspace.head_branch(branch, path=self.path) != branch:
            return ()
        there = self.workspace.committed(self.path, self._publication((), ()), tip=False)
        changed = [name for name, data in files.items() if there.get(name) not in blob_oids(data)]
        left = (*changed, *(name for name in stale if name in there))
        return tuple(self.workspace.in_checkout(self._at(name)) for name in left)

    def _at(self, name: str) -> str:
        """Where in the workspace."""
        return f"{self.path}/{name}" if name else self.path

    def _publication(self, paths: tuple[str, ...], removed: tuple[str, ...], message: str = "") -> Publication:
        return Publication(
            paths=paths,
            removed=removed,
            message=message or "Update the store's snapshot",
            author=self.target.author,
            branch=self.target.branch,
            fallback_branch=self._fallback,
            keep=self.target.keep,
        )
