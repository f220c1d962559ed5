"""The files of the checked-out workspace: which paths may be written, how, and who owns the result.

Git is in `git.py` (the process) and `commits.py` (the commit and its push); this is the package's interface.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import chain
from pathlib import Path

from gh_store_action.domain.snapshots.contents import Content, pieces
from gh_store_action.errors import InputError, StoreError
from gh_store_action.regular_files import MIB, content
from gh_store_action.workspace.commits import Checkout, Overtaken, Publication, Published
from gh_store_action.workspace.disk import everything_in, holds, may_write, remove, sync, teaching
from gh_store_action.workspace.git import Git
from gh_store_action.workspace.paths import Paths, is_git, is_settings

__all__ = ["Overtaken", "Publication", "Published", "Workspace"]

MODE = 0o644
FOLDER_MODE = 0o755
TEMPORARY = ".gh-store-"
READ_LIMIT = 256 * MIB  # of a snapshot's file; GitHub allows 100 MB in a commit


@dataclass(frozen=True)
class Workspace:
    """A folder (``GITHUB_WORKSPACE``) that holds a checkout, or a checkout in one of its folders.

    Args:
        root: the folder.
        environ: this process's environment; git gets only a few of its variables.
        server_url: ``GITHUB_SERVER_URL``.
        token: used for git only if actions/checkout left no credentials.
        sleep: waits for a number of seconds.
    """

    root: Path
    environ: Mapping[str, str] = field(repr=False)
    server_url: str
    token: str = field(repr=False)
    sleep: Callable[[float], None] = field(repr=False)

    def output(self, path: str) -> str:
        """The path relative to the workspace, with all symbolic links resolved.

        Args:
            path: relative to the workspace, or absolute and inside it; need not exist.

        Raises:
            InputError: it is outside the workspace, or inside ``.git``, or not a path.
            StoreError: the workspace does not exist.
        """
        return next(self.outputs([path]))

    def outputs(self, paths: Iterable[str]) -> Iterator[str]:
        """`output` of many paths at one moment."""
        there = self._paths()
        return (there.relative(there.resolved(path)) for path in paths)

    def check_output(self, path: str, *, folder: bool = False) -> str:
        """`output`, with a check that it can be written, to call before expensive work.

        Args:
            path: as for `output`.
            folder: it is a folder (the directory format), which may exist.

        Raises:
            InputError: as for `output`; or it is a folder instead of a file, or the other way around, or git's.
            StoreError: this process may not write there.
        """
        relative = self.output(path)
        target = self._home / relative
        if any(map(is_settings, relative.split("/"))):
            raise InputError(f"The path {path!r} has the name of a file that git reads.", "Choose another path.")
        if not folder and (path.endswith("/") or os.path.isdir(target)):
            raise InputError(f"The path {path!r} is a folder.", "Name a file, such as `data/store-snapshot.json`.")
        if not folder and os.path.lexists(target) and not os.path.isfile(target):
            raise InputError(f"The path {path!r} exists and is not a regular file.", "Choose another path.")
        there = target if folder else target.parent
        while not os.path.lexists(there):
            there = there.parent
        if not os.path.isdir(there):
            raise InputError(
                f"The path {path!r} cannot be written: {self._told(there)!r} is not a folder.", "Choose another path."
            )
        if not may_write(there):
            raise StoreError(
                f"The path {path!r} cannot be written: no permission in {self._told(there)!r}.",
                "Choose another path, or give this user access to the folder in an earlier step.",
            )
        return relative

    def read(self, path: str, most: int = READ_LIMIT) -> bytes | None:
        """A file's bytes; None if there is no such file.

        Args:
            most: bytes.

        Raises:
            InputError: the path may not be read, or is not a regular file.
            StoreError: reading failed, or the file is larger.
        """
        return self._read(self._paths(), path, most)

    def reader(self) -> Callable[[str], bytes | None]:
        """`read` for many files of one moment: it resolves each folder only once."""
        return partial(self._read, self._paths(), most=READ_LIMIT)

    def comparer(self) -> Callable[[str, Content], bool]:
        """Whether a file already is what `write` would leave, for many files of one moment."""
        return partial(self._holds, self._paths())

    @staticmethod
    def _holds(paths: Paths, path: str, data: Content) -> bool:
        target = paths.resolved(path)
        with teaching(path, "read"):
            return os.path.isfile(target) and holds(target, data)

    @staticmethod
    def _read(paths: Paths, path: str, most: int) -> bytes | None:
        target = paths.resolved(path)
        if not os.path.isfile(target):
            if not os.path.lexists(target):
                return None
            raise InputError(f"The path {path!r} is not a regular file.", "Name a file.")
        with teaching(path, "read"):
            return content(target, most)

    def existing(self, folder: str) -> tuple[str, ...]:
        """The regular files in a folder and its folders, sorted, relative to the workspace.

        Symbolic links are neither followed nor listed, and nothing of a ``.git``.
        """
        paths, found = self._paths(), list[str]()
        folders = [paths.resolved(folder)]
        while folders:
            with suppress(FileNotFoundError, NotADirectoryError, PermissionError), os.scandir(folders.pop()) as inside:
                for one in inside:
                    if is_git(one.name):
                        continue
                    if one.is_dir(follow_symlinks=False):
                        folders.append(one.path)
                    elif one.is_file(follow_symlinks=False):
                        found.append(paths.relative(one.path))
        return tuple(sorted(found))

    def write(self, files: Mapping[str, Content], removed: Collection[str] = ()) -> tuple[str, ...]:
        """Write these files, and remove the others.

        Checks all paths before touching the first.  Each file appears completely or not at all (written to a temporary
        file, then renamed), belongs to the workspace's owner and has mode 0644.  A file that already has its bytes is
        left alone, unless it is executable: git would see a change.

        Only the last file waits for the disk: to wait for each takes minutes where there are very many.  If the machine
        itself crashes, others may be empty, which the next update of a snapshot finds and makes good.

        Args:
            files: path to content; written in this order, so that an index can come last.
            removed: paths of files; folders that become empty are removed, too.

        Returns:
            The paths that changed, written or removed, sorted, as `output` gives them.

        Raises:
            InputError: a path may not be written.
            StoreError: writing failed, such as a full disk.
        """
        paths, changed, folders = self._paths(), list[str](), set[str]()
        stale = {paths.itself(path): path for path in removed}
        for path in files:
            stale.pop(paths.resolved(path), None)
        for target, path in stale.items():
            with teaching(path, "removed"):
                if remove(Path(target), self._home):
                    changed.append(paths.relative(target))
        for place, path in enumerate(files, 1):
            if self._holds(paths, path, data := files[path]):
                continue
            target = paths.resolved(path)
            with teaching(path, "written"):
                folder = os.path.dirname(target)
                if folder not in folders:
                    self._make_folders(Path(folder))
                    folders.add(folder)
                self._replace(target, data, safely=place == len(files))
                changed.append(paths.relative(target))
        return tuple(sorted(changed))

    def head_branch(self, fallback: str | None = "", *, path: str = "") -> str:
        """The branch that is checked out; `fallback` for a detached HEAD, or empty if that is None.

        Args:
            fallback: the event's branch, or the default branch.
            path: a file in the checkout, if that is not at the workspace's top.

        Raises:
            StoreError: no checkout, or a detached HEAD and no fallback.
        """
        return self._checkout([self._paths().resolved(path)] if path else ()).head_branch(fallback)

    def check_publish(self, publication: Publication) -> str:
        """Check, without the network, whether this can be tried; returns the branch.  Call it before expensive work.

        Raises:
            InputError: branch, author, message or a path cannot be used.
            StoreError: no checkout, no remote, or no branch known.
        """
        return self._checkout_of(publication).check(publication)

    def check_attributes(self, paths: Sequence[str]) -> None:
        """Look whether git stores such files as they are, by the attributes in the work tree.

        Raises:
            InputError: it stores something else; says the line of .gitattributes to add.
        """
        checkout, names = self._inside(paths)
        checkout.check_attributes(names)

    def check_index(self, publication: Publication) -> None:
        """Look whether the paths would replace what is only staged.  See `Checkout.check_index`."""
        checkout, names = self._inside(publication.paths)
        checkout.check_index(publication, names)

    def has_checkout(self, path: str) -> bool:
        """Whether the path is in a checkout."""
        return self._top_above(os.path.dirname(self._paths().resolved(path))) is not None

    def committed(self, path: str, publication: Publication, *, tip: bool) -> dict[str, str]:
        """The committed files at and below a path: git's ids by what follows the path, `""` for the path itself.

        Args:
            path: as for `output`.
            publication: for its branch; its paths do not matter.
            tip: of the remote's branch now; otherwise of what is checked out, which takes no network.
        """
        checkout, (name,) = self._inside([path])
        try:
            return checkout.committed(name, publication, tip=tip)
        finally:
            self._give_git_back(checkout)

    def blobs(self, path: str, oids: Sequence[str], most: int = READ_LIMIT) -> list[bytes]:
        """The files with ids from `committed`.

        Args:
            path: a path in the checkout.
            most: bytes of each.

        Raises:
            StoreError: one is missing or larger.
        """
        checkout = self._checkout([self._paths().resolved(path)])
        try:
            return checkout.blobs(oids, most)
        finally:
            self._give_git_back(checkout)

    def repository(self, path: str) -> str:
        """`owner/name` of the path's checkout, by its remote's address; otherwise, empty."""
        return self._checkout([self._paths().resolved(path)]).repository()

    def is_of(self, path: str, repository: str) -> bool:
        """Whether the path's checkout is this repository's (`owner/name`)."""
        return self._checkout([self._paths().resolved(path)]).is_of(repository)

    def publish(self, publication: Publication) -> Published:
        """Commit and push the files as they are on disk, and nothing else.  See `Checkout.publish`.

        Raises:
            ConcurrentUpdateError: others kept pushing first.
            Overtaken: others pushed other content of the guarded file first.
            InputError: branch, author, message or a path cannot be used.
            StoreError: a file is missing, or it cannot be pushed; the message says why.
        """
        checkout, paths = self._checkout_of(publication), self._paths()
        files = dict.fromkeys((_under(checkout, paths.itself(path)) for path in publication.removed), False)
        for path in publication.paths:
            file = paths.resolved(path)
            if not os.path.isfile(file):
                raise StoreError(f"The file {path!r} is not in the workspace.", "Write it before committing it.")
            name = _under(checkout, file)
            files[path if path == name else name] = True  # of very many, one text takes half of two
        guarded = _under(checkout, paths.resolved(publication.guarded)) if publication.guarded else ""
        try:
            return checkout.publish(publication, files, guarded)
        finally:
            self._give_git_back(checkout)

    def in_checkout(self, path: str) -> str:
        """The path relative to the top of its checkout, as the API's ``createCommitOnBranch`` wants it."""
        return self._inside([path])[1][0]

    @cached_property
    def _checkouts(self) -> dict[Path, Checkout]:
        """By their tops: what was asked of git about one holds for this process."""
        return {}

    @cached_property
    def _home(self) -> Path:
        if not os.path.isdir(self.root):
            raise StoreError(
                f"The workspace {str(self.root)!r} does not exist.", "Run actions/checkout before this step."
            )
        return self.root.resolve()

    def _paths(self) -> Paths:
        return Paths(self._home)

    def _told(self, target: Path) -> str:
        """Relative to the workspace, but whole where that is all of the disk, as for the command."""
        return target.relative_to(self._home).as_posix() if self._home.name else str(target)

    def _replace(self, target: str, data: Content, *, safely: bool) -> None:
        folder = os.path.dirname(target)
        number, name = tempfile.mkstemp(prefix=TEMPORARY, dir=folder)
        try:
            with os.fdopen(number, "wb") as file:
                if hasattr(os, "fchmod"):  # Windows lacks this, and the other calls that are checked for below
                    os.fchmod(number, MODE)
                self._give([Path(name)])
                file.writelines(pieces(data))
                if safely:
                    file.flush()
                    os.fsync(number)
            os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise
        if safely:
            sync(folder)

    def _make_folders(self, folder: Path) -> None:
        if not folder.is_dir():
            self._make_folders(folder.parent)
            folder.mkdir(FOLDER_MODE, exist_ok=True)  # another run may make it now
            folder.chmod(folder.stat().st_mode | FOLDER_MODE)  # whatever the umask; keeps an inherited group
            self._give([folder])

    def _give(self, paths: Iterable[Path]) -> None:
        """Give files that root created to the workspace's owner.

        Root's files would break later steps and a self-hosted runner's cleanup (github.com/actions/runner/issues/434).
        """
        owner = self._home.stat()
        if not hasattr(os, "geteuid") or os.geteuid() or not owner.st_uid:
            return
        for path in paths:
            with suppress(OSError):  # deleted in the meantime, or a file system without owners
                if path.lstat().st_uid == 0:
                    os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)

    def _give_git_back(self, checkout: Checkout) -> None:
        for folder in checkout.git.folders:
            if folder.is_relative_to(self._home):
                self._give(everything_in(folder))

    def _checkout(self, targets: Iterable[str]) -> Checkout:
        folders = {os.path.dirname(target) for target in targets} or {str(self._home)}
        tops = set(map(self._top, folders))
        if len(tops) > 1:
            raise InputError(
                "The files are in more than one checkout: " + ", ".join(sorted(map(str, tops))) + ".",
                "Choose paths in one of them.",
            )
        git = Git(tops.pop(), self.environ, self.server_url, self.token, shut=self._home)
        return self._checkouts.setdefault(git.top, Checkout(git, self.sleep))

    def _inside(self, paths: Iterable[str]) -> tuple[Checkout, list[str]]:
        """The checkout of these paths, and the paths relative to its top."""
        targets = list(map(self._paths().resolved, paths))
        return (checkout := self._checkout(targets)), [_under(checkout, target) for target in targets]

    def _checkout_of(self, publication: Publication) -> Checkout:
        paths = self._paths()
        return self._checkout(chain(map(paths.resolved, publication.paths), map(paths.itself, publication.removed)))

    def _top(self, folder: str) -> Path:
        """The checkout that a folder belongs to: the nearest one with a ``.git``, itself or above it."""
        top = self._top_above(folder)
        if top is None:
            raise StoreError(
                f"The workspace {str(self.root)!r} is not a checkout.", "Run actions/checkout before this step."
            )
        return top

    def _top_above(self, folder: str) -> Path | None:
        above = (one for one in (Path(folder), *Path(folder).parents) if one.is_relative_to(self._home))
        return next((one for one in above if os.path.lexists(one / ".git")), None)


def _under(checkout: Checkout, target: str) -> str:
    return target.removeprefix(os.path.join(checkout.git.top, "")).replace(os.sep, "/")
