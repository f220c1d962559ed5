"""The names that git gives to the bytes of a file (git's documentation, "Git Internals - Git Objects")."""

from __future__ import annotations

import hashlib


def blob_oid(data: bytes) -> str:
    """The SHA-1 name: GitHub's repositories have only these."""
    return hashlib.sha1(_named(data), usedforsecurity=False).hexdigest()


def blob_oids(data: bytes) -> frozenset[str]:
    """The names in either kind of repository, SHA-1 and SHA-256."""
    return frozenset({blob_oid(data), hashlib.sha256(_named(data)).hexdigest()})


def _named(data: bytes) -> bytes:
    return b"blob %d\0" % len(data) + data
