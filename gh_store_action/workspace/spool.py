"""A file's content on the disk instead of in memory, before it is moved into place or after it was read."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterable, Iterator

from gh_store_action.regular_files import MIB
from gh_store_action.workspace.disk import teaching


class Spool:
    """A content in an unnamed temporary file; a small one stays in memory.

    Args:
        pieces: the content, in order.
        path: of the file that it is for; an error names it.

    Raises:
        StoreError: the disk is full.
    """

    def __init__(self, pieces: Iterable[bytes], path: str) -> None:
        self._file = tempfile.SpooledTemporaryFile(MIB)  # noqa: SIM115 - closed with its owner, by the next line
        weakref.finalize(self, self._file.close)
        self._size = 0
        with teaching(path, "written"):
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
