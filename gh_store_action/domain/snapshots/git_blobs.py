"""The names that git gives to the bytes of a file (git's documentation, "Git Internals - Git Objects")."""

from __future__ import annotations

import hashlib


def blob_oid(data: bytes) -> str:
    """The SHA-1 name: GitHub's repositories have only these."""
    return _named("sha1", data)


def blob_oids(data: bytes) -> frozenset[str]:
    """The names in either kind of repository, SHA-1 and SHA-256."""
    return frozenset({_named("sha1", data), _named("sha256", data)})


def _named(algorithm: str, data: bytes) -> str:
    """Piece by piece: the data may be large, and is not copied."""
    found = hashlib.new(algorithm, b"blob %d\0" % len(data), usedforsecurity=False)
    found.update(data)
    return found.hexdigest()
