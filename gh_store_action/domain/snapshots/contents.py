"""The contents of files: bytes, or something too large for the memory, which can be read in pieces again and again."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol


class Large(Protocol):
    """A large content; `len` of it in bytes."""

    def __len__(self) -> int: ...

    def pieces(self) -> Iterator[bytes]:
        """All of it from its beginning, none of the pieces large."""


Content = bytes | Large
Keep = Callable[[bytes], Content]
"""Keeps bytes for later, in memory or elsewhere."""


def in_memory(data: bytes) -> Content:
    """Keeps the bytes as they are."""
    return data


class Files(Mapping[str, Content]):
    """Files by name, in their order.  Each content is made or read when it is asked for, and not kept."""

    def __init__(self, names: Iterable[str], read: Callable[[str], Content]) -> None:
        self._names = dict.fromkeys(names)
        self._read = read

    def beside(self, others: Mapping[str, Content]) -> Files:
        """The others, then these files; if both have a name, the others' content counts."""
        new = [name for name in others if name not in self]
        return Files([*new, *self], lambda name: others[name] if name in others else self[name])

    def __getitem__(self, name: str) -> Content:
        if name not in self._names:
            raise KeyError(name)
        return self._read(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class Made:
    """A content that is made again whenever it is asked for."""

    def __init__(self, make: Callable[[], Iterator[str]]) -> None:
        self._make = make

    def __len__(self) -> int:
        return sum(map(len, self.pieces()))

    def pieces(self) -> Iterator[bytes]:
        """All of it from its beginning."""
        return (text.encode() for text in self._make())


def pieces(content: Content) -> Iterator[bytes]:
    """All of it from its beginning."""
    return iter((content,)) if isinstance(content, bytes) else content.pieces()


def lines(content: Content) -> Iterator[bytes]:
    """The same by lines, each with its end."""
    if isinstance(content, bytes):
        return iter(io.BytesIO(content))
    return _lines(content.pieces())


def _lines(found: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in found:
        *done, rest = (rest + piece).split(b"\n")
        yield from (line + b"\n" for line in done)
    if rest:
        yield rest


def whole(content: Content) -> bytes:
    """All of it in memory."""
    return content if isinstance(content, bytes) else b"".join(content.pieces())
