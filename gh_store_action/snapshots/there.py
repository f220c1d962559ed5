"""What exists at a snapshot's place: in the work tree and on the branch, as values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from gh_store_action.domain.snapshots import files as snapshot_files
from gh_store_action.domain.snapshots import histories
from gh_store_action.domain.snapshots.contents import Content, Files
from gh_store_action.domain.snapshots.files import INDEX, may_be_index
from gh_store_action.domain.snapshots.git_blobs import blob_oids
from gh_store_action.domain.snapshots.theirs import is_theirs
from gh_store_action.errors import InputError
from gh_store_action.hints import Setting, Text


@dataclass(frozen=True)
class Branch:
    """The files of a branch at the place.

    Args:
        oids: git's ids, by what follows the place's path, `""` for the one file; for histories, by the whole path.
        read: returns some of them.
        costs: whether that takes a request for each.
        asked: whether a commit would go there, and it was looked at.
    """

    oids: Mapping[str, str]
    read: Callable[[Iterable[str]], dict[str, bytes]]
    costs: bool = False
    asked: bool = True


@dataclass
class Existing:
    """The existing snapshot; its files by what follows the place's path.

    Args:
        main: the file that differs in every snapshot; None if there is no snapshot.
        names: of all its files, in the work tree and on the branch.
        foreign: names that a snapshot could use, but of the user's files.
        known: git's ids of the main file's contents that are older than the next one.
        holds: whether the work tree has a file with this content.
    """

    main: Content | None
    names: frozenset[str]
    foreign: frozenset[str]
    known: frozenset[str]
    local: Files
    branch: Branch
    holds: Callable[[str, Content], bool]

    def has(self, name: str, data: Content) -> bool:
        """Whether what the next snapshot replaces has the file with this content.

        To a commit, only the branch matters: an earlier step, or a run that could not push, may have written the work
        tree.
        """
        return self.branch.oids.get(name) in blob_oids(data) if self.branch.asked else self.holds(name, data)

    def forget(self) -> None:
        """Frees the memory of the files' names."""
        self.local = Files((), self.local.__getitem__)

    def forget_git(self) -> None:
        """Frees the memory of what git has, once the next snapshot is known to differ; checks need the API's."""
        if not self.branch.costs:
            self.branch, self.names = Branch({}, lambda _: {}), frozenset()


def possible(oids: Mapping[str, str], folder: bool, beside: str = "") -> dict[str, str]:
    """Those of a branch's files that a snapshot, or with `beside` its histories, can have by their names."""
    ours = snapshot_files.may_be_ours if folder else lambda name: not name
    may_be = histories.may_be_ours if beside else ours
    return {name: oid for name, oid in oids.items() if may_be(name)}


def check_main(path: str, folder: bool, data: Content | None) -> None:
    """Checks that the main file, where there is one, is a snapshot's, even if it is broken.

    Args:
        path: of the snapshot.
        folder: whether the main file is the index in it.

    Raises:
        InputError: it is a user's.
    """
    if data is not None and folder and not may_be_index(data):
        raise InputError(
            f"The folder {path!r} has a file {INDEX!r} that is not a snapshot's.",
            "Choose another folder, which has nothing else in it.",
        )
    if data is not None and not folder and is_theirs(path, data):
        raise InputError(
            f"The file {path!r} exists and is not a snapshot, so none replaces it.",
            Text("Choose another path for ", Setting("output"), ", or remove the file if nobody needs it."),
        )
