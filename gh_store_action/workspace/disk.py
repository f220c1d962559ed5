"""The disk: its failures, whether a file is as it should be, and writes that survive a crash."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gh_store_action.domain.snapshots.contents import Content, pieces
from gh_store_action.errors import StoreError
from gh_store_action.workspace.lessons import GitResult, failure


@contextmanager
def teaching(path: str, done: str) -> Iterator[None]:
    """Turns a disk failure into an error with the path and the cause."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"The file {path!r} cannot be {done}: {error.strerror}.",
            "Fix that or choose another path. Then try again.",
        ) from error


def holds(file: str | Path, data: Content) -> bool:
    """Whether the file has these bytes and is not executable; compares in pieces, because both may be large."""
    with open(file, "rb") as there:
        found = os.fstat(there.fileno())
        if found.st_size != len(data) or found.st_mode & 0o111:
            return False
        return all(there.read(len(piece)) == piece for piece in pieces(data))


def sync(folder: str | Path) -> None:
    """Make a rename or removal in the folder survive a crash, if a folder can be opened."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def may_write(folder: str | Path) -> bool:
    """Whether this process may put files into the folder."""
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids)


@contextmanager
def instead_of(file: Path) -> Iterator[Path]:
    """A copy of one of git's files, which takes its place if the block succeeds; the copy's name is git's lock of it.

    Raises:
        StoreError: the file is locked, or cannot be replaced.
    """
    lock = Path(f"{file}.lock")
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except OSError as error:  # in git's words, which lessons explain
        said = f"fatal: Unable to create '{lock}': {error.strerror}"
        raise failure("update-index", GitResult(1, b"", said)) from error
    try:
        with teaching(str(file), "replaced"):
            if file.exists():
                shutil.copy2(file, lock)  # with its time, by which git knows whose content it has to compare
            else:
                lock.unlink()  # git takes an empty one for a broken one
            yield lock
            os.replace(lock, file)
    except BaseException:
        lock.unlink(missing_ok=True)
        raise


def remove(target: Path, home: Path) -> bool:
    """Remove a file, and the folders inside `home` that this empties; returns whether it existed."""
    try:
        target.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return False
    folder = target.parent
    with suppress(OSError):  # it is not empty, or another run has removed it
        while folder != home:
            folder.rmdir()
            folder = folder.parent
    return True


def everything_in(folder: Path) -> Iterator[Path]:
    """The folder and everything below it."""
    yield folder
    for place, folders, files in os.walk(folder):
        yield from (Path(place, name) for name in (*folders, *files))
