"""Objects of a bare repository as files: read, and made for a commit, in a fraction of the time of a process."""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

TREE = "40000"
FILE = "100644"
Read = Callable[[str], tuple[str, bytes]]


def loose(git_dir: str, oid: str) -> tuple[str, bytes] | None:
    """Type and content of an object; None where it is in a pack, or nowhere (gitrepository-layout)."""
    if not re.fullmatch(r"[0-9a-f]{40}", oid):
        return None
    try:
        packed = Path(git_dir, "objects", oid[:2], oid[2:]).read_bytes()
    except FileNotFoundError:
        return None
    head, _, content = zlib.decompress(packed).partition(b"\0")
    return head.split()[0].decode(), content


def put(git_dir: str, kind: str, content: bytes) -> str:
    """Write an object unless it is there, and return its hash."""
    whole = b"%s %d\0%s" % (kind.encode(), len(content), content)
    oid = hashlib.sha1(whole, usedforsecurity=False).hexdigest()
    path = Path(git_dir, "objects", oid[:2], oid[2:])
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        new = path.with_suffix(f".{os.urandom(8).hex()}")
        new.write_bytes(zlib.compress(whole, 1))
        new.replace(path)
    return oid


def entries(tree: bytes) -> Iterator[tuple[str, bytes, str]]:
    """Mode, name and hash of each entry."""
    place = 0
    while place < len(tree):
        blank = tree.index(b" ", place)
        end = tree.index(b"\0", blank)
        yield tree[place:blank].decode(), tree[blank + 1 : end], tree[end + 1 : end + 21].hex()
        place = end + 21


def changed(git_dir: str, read: Read, tree: str | None, files: Mapping[str, str | None]) -> str | None:
    """A tree with files by their paths, None for those that go; None where nothing is left of it."""
    found = {} if tree is None else {name: (mode, oid) for mode, name, oid in entries(read(tree)[1])}
    below: dict[bytes, dict[str, str | None]] = {}
    for path, blob in files.items():
        first, slash, rest = path.partition("/")
        name = first.encode()
        if slash:
            below.setdefault(name, {})[rest] = blob
        elif blob is None:
            found.pop(name, None)
        else:
            found[name] = (FILE, blob)
    for name, inner in below.items():
        mode, oid = found.get(name, ("", ""))
        folder = changed(git_dir, read, oid if mode == TREE else None, inner)
        if folder is not None:
            found[name] = (TREE, folder)
        elif mode == TREE:
            del found[name]
    if not found:
        return None
    order = sorted(found.items(), key=lambda item: item[0] + b"/" * (item[1][0] == TREE))
    lines = [b"%s %s\0%s" % (mode.encode(), name, bytes.fromhex(oid)) for name, (mode, oid) in order]
    return put(git_dir, "tree", b"".join(lines))
