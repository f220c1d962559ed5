"""The place of a snapshot: what it holds, in the work tree and on the branch, and how the next one gets there."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from gh_store_action.domain.snapshots import files as snapshot_files
from gh_store_action.domain.snapshots import histories
from gh_store_action.domain.snapshots.contents import Content, Files, whole
from gh_store_action.domain.snapshots.files import FOLDER, INDEX, BrokenSnapshot
from gh_store_action.domain.snapshots.git_blobs import blob_oids
from gh_store_action.errors import InputError
from gh_store_action.gateway.commits import CommitGateway
from gh_store_action.gateway.issues import GitHub
from gh_store_action.snapshots.api_commits import ApiCommits
from gh_store_action.snapshots.secrets import naming
from gh_store_action.snapshots.target import Target
from gh_store_action.snapshots.there import Branch, Existing, check_main, possible
from gh_store_action.workspace.files import Publication, Published, Workspace
from gh_store_action.workspace.lessons import SecretFound
from gh_store_action.workspace.spool import Spool
from gh_store_action.workspace.tips import not_of_its_own

_NOT_ASKED = Branch({}, lambda _: {}, asked=False)


class Destination:
    """One path in the workspace and on the branch to commit to.

    Args:
        store: the store's gateway, whose token and budget a commit through the API uses.

    Attributes:
        late: whether the branch may have moved on since, so that it counts, and not what is checked out.
    """

    def __init__(self, workspace: Workspace, target: Target, store: GitHub, *, dry_run: bool) -> None:
        self.workspace = workspace
        self.target = target
        self.dry_run = dry_run
        self.late = False
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
        """The file that differs in every snapshot."""
        return INDEX if self._folder else ""

    @property
    def _folder(self) -> bool:
        return self.target.format == "directory"

    @property
    def of_branch(self) -> bool:
        """Whether the existing snapshot is that of a separate branch, whatever the work tree has."""
        return self.target.commit and bool(self.target.branch)

    @property
    def _by_git(self) -> bool:
        return self.target.commit and not self.target.via_api

    def check(self) -> None:
        """Finds everything that can be wrong with the place before any request."""
        path = self.path
        if self.target.history:
            self.workspace.check_output(self.at(histories.NAME), folder=True)
        if self.target.commit and not self.of_branch and self.workspace.has_checkout(path):
            names = [self.main, *((f"{FOLDER}any.json", f"{FOLDER}00/any.json") if self._folder else ())]
            if self.target.history:
                names += [histories.INDEX, *(histories.file_of("any", "any", digits) for digits in (0, 1))]
            self.workspace.check_attributes([self.at(name) for name in names])
        if self._by_git and not self.dry_run:
            self.workspace.check_publish(self._publication((self.at(self.main) if self._folder else path,), ()))

    # -- what exists -----------------------------------------------------------------------------------------------

    def look(self, *, content: bool) -> Existing:
        """What exists: on a separate branch if there is one, otherwise in the work tree, otherwise on the branch.

        Args:
            content: whether to read the existing snapshot.

        Raises:
            InputError: the file, or the folder's index, is not a snapshot's.
        """
        local = self._in_the_work_tree()
        check_main(self.path, self._folder, ours := local.get(self.main))
        self.late = self.late or self._is_apart(ours)
        branch = self._on_the_branch()
        theirs = branch.oids.get(self.main)
        committed = ours if ours is not None and theirs in blob_oids(ours) else None
        wanted = (content or not branch.costs) and (self.of_branch or ours is None)
        if theirs and committed is None and (self._folder or wanted):
            committed = self.spool([branch.read([self.main])[self.main]])
        check_main(self.path, self._folder, committed)
        names = self._names(local, branch, [ours, committed])
        main = ours if ours is not None and not self.of_branch else committed
        return Existing(
            main=main,
            names=names,
            foreign=(frozenset(local) | (frozenset() if branch.costs else branch.oids.keys())) - names,
            known=frozenset({theirs} if theirs else ()),
            local=Files((name for name in local if name in names), local.__getitem__),
            branch=branch,
            holds=self._in_place(),
        )

    def _is_apart(self, ours: Content | None) -> bool:
        """Whether the work tree has another snapshot than the checkout's commit; an earlier step may have pushed it."""
        if not self._by_git or self.of_branch or self.dry_run:
            return False
        return self._committed(tip=False).get(self.main) not in (blob_oids(ours) if ours else (None,))

    def _in_place(self) -> Callable[[str, Content], bool]:
        holds = self.workspace.comparer()
        return lambda name, data: holds(self.at(name), data)

    def files(self, there: Existing) -> Files:
        """The files of the existing snapshot; they are not cached.

        Raises:
            BrokenSnapshot: some of them cannot be read.
        """
        main, local = there.main or b"", there.local
        there.forget()
        wanted = snapshot_files.listed(main) if self._folder else frozenset()
        found = {
            name
            for name in wanted & local.keys()
            if not self.of_branch or there.branch.oids.get(name) in blob_oids(local[name])
        }
        missing = sorted(wanted - found)
        if missing and there.branch.costs:
            raise BrokenSnapshot("its files are on the branch and not in the work tree")
        if lost := [name for name in missing if name not in there.branch.oids]:
            raise BrokenSnapshot(f"its file {lost[0]!r} is missing")
        known: dict[str, Content] = {self.main: main, **there.branch.read(missing)}
        return Files([*known, *found], lambda name: known[name] if name in known else local[name])

    def records(self, there: Existing) -> Mapping[str, int]:
        """The objects of the existing snapshot and of the branch's, as `files.records` returns them.

        After that, nothing needs what git has, so this frees its memory.

        Raises:
            InputError: the branch has a file there that is not a snapshot's, which took a request to read.
        """
        known, theirs = dict[str, int](), dict[str, int]()
        if self._folder and not (there.main and snapshot_files.lists_any(there.main)):
            known = self._by_their_files(there)
        oid = there.branch.oids.get(self.main)
        if oid is not None and (there.main is None or oid not in blob_oids(there.main)):
            data = there.branch.read([self.main])[self.main]
            check_main(self.path, self._folder, data)
            theirs = self._records(data)
        there.forget_git()
        found = self._records(there.main)
        return {**known, **found, **theirs} if known or theirs else found

    def _by_their_files(self, there: Existing) -> dict[str, int]:
        """The objects whose files exist, for an index that names none because it is broken, or was removed."""
        names, read = there.names - {INDEX}, self.workspace.reader()
        committed = {} if there.branch.costs else there.branch.read(names & there.branch.oids.keys())
        each = ((name, committed.get(name) or read(self.at(name)) or b"") for name in names)
        return {snapshot_files.object_at(*one, 0): 0 for one in each if snapshot_files.is_object_file(*one)}

    def overtaken(self, there: Existing, written: Iterable[str]) -> Existing:
        """What exists now: the branch's current files, and those that were written to the work tree.

        Raises:
            InputError: the branch has got another file than a snapshot's in the meantime.
        """
        self.late = True
        branch = self._on_the_branch()
        theirs = branch.oids.get(self.main)
        main = self.spool([branch.read([self.main])[self.main]]) if theirs else None
        check_main(self.path, self._folder, main)
        names = self._names(Files((), lambda _: b""), branch, [main]) if self._folder else frozenset()
        known = frozenset({theirs} if theirs else ())
        return replace(there, main=main, names=there.names.union(written, names), known=known, branch=branch)

    def _records(self, main: Content | None) -> dict[str, int]:
        return snapshot_files.records(main) if main else {}

    def _in_the_work_tree(self) -> Files:
        names = [""]
        if self._folder:
            inner = (name.removeprefix(self.path + "/") for name in self.workspace.existing(self.path))
            names = [name for name in inner if snapshot_files.may_be_ours(name)]
        data = self.workspace.read(self.at(self.main)) if self.main in names else None
        if data is None:
            names = [name for name in names if name != self.main]
        main = self.spool([data or b""])
        del data
        read = self.workspace.reader()
        return Files(names, lambda name: main if name == self.main else read(self.at(name)) or b"")

    def spool(self, pieces: Iterable[bytes]) -> Spool:
        """The main file's content, where it takes no memory."""
        return Spool(pieces)

    def histories(self) -> Branch:
        """The branch's files that may be histories."""
        return self._on_the_branch(histories.NAME)

    def _on_the_branch(self, beside: str = "") -> Branch:
        """Where nothing has changed since the checkout, this asks git what is checked out, which takes no network."""
        if not self.target.commit or (self.dry_run and self.target.via_api and not self.target.branch):
            return _NOT_ASKED
        if self.target.via_api:
            return self._of_the_api(beside)
        if self.dry_run and not self.workspace.has_checkout(self.path):
            return _NOT_ASKED
        return self._of_git(beside, tip=self.late or self.of_branch)

    def _of_git(self, beside: str = "", *, tip: bool) -> Branch:
        oids = possible(self._committed(beside, tip=tip), self._folder, beside)

        def read(names: Iterable[str]) -> dict[str, bytes]:
            wanted = {name: oids[name] for name in names}
            return dict(zip(wanted, self.workspace.blobs(self.path, list(wanted.values())), strict=True))

        return Branch(oids, read)

    def _committed(self, beside: str = "", *, tip: bool) -> dict[str, str]:
        found = self.workspace.committed(self.at(beside), self._publication((), ()), tip=tip)
        return {f"{beside}/{name}": oid for name, oid in found.items()} if beside else found

    def _of_the_api(self, beside: str = "") -> Branch:
        oids = possible(self._api.tip.blobs, self._folder, beside)
        return Branch(oids, lambda names: {name: self._api.github.blob(oids[name]) for name in names}, costs=True)

    def _names(self, local: Files, branch: Branch, mains: Iterable[Content | None]) -> frozenset[str]:
        """The files that are the store's: none of the user's files is ever removed.

        A leftover file that no index lists must be an object by its content.
        """
        there = frozenset(local) | branch.oids.keys()
        if not self._folder:
            return there
        named = frozenset({INDEX}).union(*(snapshot_files.listed(data) for data in mains if data))
        found = there & named
        for name in sorted(local.keys() - found):
            if snapshot_files.is_object_file(name, whole(local[name])):
                found |= {name}
        if not branch.costs and (rest := sorted(branch.oids.keys() - found - local.keys())):
            found |= {name for name, data in branch.read(rest).items() if snapshot_files.is_object_file(name, data)}
        return found

    # -- writing ---------------------------------------------------------------------------------------------------

    def check_files(self, there: Existing, files: Mapping[str, Content]) -> None:
        """Checks that none of these files would replace one of the user's.

        Raises:
            InputError: one would.
        """
        self.check_places(files)
        oids, unknown = there.branch.oids, files.keys() - there.names if there.branch.costs else ()
        others = [name for name in unknown if name in oids and oids[name] not in blob_oids(files[name])]
        found = there.branch.read(others if self._folder else ())  # some may be left by a commit in parts
        theirs = {name for name, data in found.items() if not snapshot_files.is_object_file(name, data)}
        if taken := sorted(there.foreign.intersection(files) | theirs):
            raise InputError(
                f"The folder {self.path!r} has a file {taken[0]!r} that is not a snapshot's, but an object needs it.",
                "Choose another folder, which has nothing else in it.",
            )

    def check_places(self, names: Collection[str]) -> None:
        """Checks that no symbolic link below the place leads a file onto another, and that none replaces a staged one.

        Raises:
            InputError: a link does.
            StoreError: one is.
        """
        places = tuple(map(self.at, names))
        for place, real in zip(places, self.workspace.outputs(places), strict=True):
            if real != place:
                raise InputError(
                    f"The file {place!r} is behind a symbolic link, which leads to {real!r}.",
                    "Remove the link, or choose another place for the snapshot.",
                )
        if self.target.commit and self.workspace.has_checkout(self.path):
            self.workspace.check_index(self._publication(places, ()))

    def write(self, files: Mapping[str, Content], stale: Iterable[str]) -> None:
        """Writes the files to the work tree, and removes the stale ones."""
        names = {self.at(name): name for name in files}
        self.workspace.write(Files(names, lambda path: files[names[path]]), [self.at(name) for name in stale])

    def publish(
        self,
        files: Mapping[str, Content],
        stale: tuple[str, ...],
        message: str,
        known: frozenset[str],
        kept: Collection[str] = (),
    ) -> Published:
        """Commits what was written, and checks what that leaves in the work tree.

        Args:
            kept: files that are already in the work tree.

        Raises:
            Overtaken: the branch has a main file that is neither this one nor a known one.
            StoreError: it cannot be committed.
        """
        if self.target.via_api:
            sent = {**dict(self._uncommitted(kept)), **{name: whole(data) for name, data in files.items()}}
            done = self._api.publish(sent, stale, message, guarded=self.main, known=known)
        else:
            paths = tuple(map(self.at, (*kept, *files)))
            publication = self._publication(paths, tuple(map(self.at, stale)), message)
            try:
                done = self.workspace.publish(replace(publication, guarded=self.at(self.main), known=known))
            except SecretFound as error:
                names = {self.workspace.in_checkout(self.at(name)): name for name in files}
                raise naming(error, names, files, self._store.repository) from error
        moved = bool(done.sha) and not done.stayed and not self.target.via_api  # then nothing can be left
        left = () if moved or not self.workspace.has_checkout(self.path) else self._left(done.branch, files, stale)
        repository, path = self._place
        return replace(done, left=left, repository=repository, path=path)

    @property
    def _place(self) -> tuple[str, str]:
        """The repository on this GitHub that gets the commit, empty if unknown, and the path in it."""
        if self.target.via_api:
            return self._api.github.repository, self._api.path
        repository = self.workspace.repository(self.path)
        known = repository and self.workspace.is_of(self.path, repository)
        return repository if known else "", self.workspace.in_checkout(self.path)

    def _uncommitted(self, kept: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """The work tree's files that the branch lacks or has with other content."""
        for name in kept:
            data = self.workspace.read(self.at(name))
            if data is not None and self._api.tip.blobs.get(name) not in blob_oids(data):
                yield name, data

    @cached_property
    def _api(self) -> ApiCommits:
        target = self.target
        repository, path, branch = target.repository or self._store.repository, self.path, target.branch
        beside = self.at(histories.NAME) if target.history else ""
        if self.workspace.has_checkout(path):
            repository = self.workspace.repository(path) or repository
            path = self.workspace.in_checkout(self.path)
            beside = beside and self.workspace.in_checkout(beside)
            branch = branch or self.workspace.head_branch(self._fallback, path=self.path)
            if target.keep and branch == self.workspace.head_branch(self._fallback or None, path=self.path):
                raise not_of_its_own(branch, "is checked out")
        github = CommitGateway(self._store.transport, repository)
        named = branch or target.fallback_branch
        return ApiCommits(github, named, path, create=bool(target.branch), beside=beside, keep=target.keep)

    @cached_property
    def _fallback(self) -> str:
        """The event's branch, unless the checkout is another repository's, such as a submodule."""
        own = self.target.repository or self._store.repository
        return self.target.fallback_branch if self.workspace.is_of(self.path, own) else ""

    def _left(self, branch: str, files: Mapping[str, Content], stale: Iterable[str]) -> tuple[str, ...]:
        """The files in which the work tree now differs from the checked-out commit of that branch."""
        if self.of_branch or self.workspace.head_branch(branch, path=self.path) != branch:
            return ()
        there = self._committed(tip=False)
        if self.target.history:
            there |= self._committed(histories.NAME, tip=False)
        changed = [name for name, data in files.items() if there.get(name) not in blob_oids(data)]
        left = (*changed, *(name for name in stale if name in there))
        return tuple(self.workspace.in_checkout(self.at(name)) for name in left)

    def at(self, name: str) -> str:
        """The path in the workspace: histories are next to the one file, or in the folder."""
        if not self._folder and name.startswith(histories.NAME):
            return posixpath.join(posixpath.dirname(self.path), name)
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
