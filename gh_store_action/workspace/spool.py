"""Bytes on the disk instead of in memory: those of a large file, or very many small records."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from gh_store_action.domain.snapshots.contents import Content, whole
from gh_store_action.errors import StoreError
from gh_store_action.regular_files import MIB


@contextmanager
def _teaching() -> Iterator[None]:
    """Turns a failure of the disk into an error with the cause."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"A temporary file cannot be written: {error.strerror}.",
            "Free some space in the folder for temporary files, or set the variable TMPDIR to another one. Then try "
            "again.",
        ) from error


class Spool:
    """The content of a file, in an unnamed temporary file; while it is small, in memory.

    Args:
        pieces: the content, in order.

    Raises:
        StoreError: the disk is full.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._file = tempfile.SpooledTemporaryFile(MIB)  # noqa: SIM115 - closed with its owner, by the next line
        weakref.finalize(self, self._file.close)
        self._size = 0
        with _teaching():
            for piece in pieces:
                for place in range(0, len(piece), MIB):  # a larger write would be in memory twice
                    self._size += self._file.write(piece[place : place + MIB])
            self._file.flush()

    def __len__(self) -> int:
        return self._size

    def pieces(self) -> Iterator[bytes]:
        """All of it from its beginning."""
        for place in range(0, self._size, MIB):
            self._file.seek(place)
            yield self._file.read(MIB)


class Pile:
    """Very many small records in one unnamed temporary file; while they are few, in memory."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(MIB)  # noqa: SIM115 - closed with its owner, by the next line
        weakref.finalize(self, self._file.close)
        self._end = 0

    def put(self, data: bytes) -> Content:
        """Keeps a record.

        Raises:
            StoreError: the disk is full.
        """
        place = self._end
        with _teaching():
            self._file.seek(place)
            self._file.write(data)
        self._end += len(data)
        return _Kept(self, place, len(data))

    def get(self, place: int, size: int) -> bytes:
        """The record that is there.

        Raises:
            StoreError: the disk is full; the newest records may not be on it yet.
        """
        with _teaching():
            self._file.seek(place)
            return self._file.read(size)


class _Kept:
    """A record in a pile; equal to any content with the same bytes."""

    __slots__ = ("_pile", "_place", "_size")

    def __init__(self, pile: Pile, place: int, size: int) -> None:
        self._pile, self._place, self._size = pile, place, size

    def __len__(self) -> int:
        return self._size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, bytes | _Kept) and whole(self) == whole(other)

    def pieces(self) -> Iterator[bytes]:
        """All of it in one piece, because it is small."""
        yield self._pile.get(self._place, self._size)
