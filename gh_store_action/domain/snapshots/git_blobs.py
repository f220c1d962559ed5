"""Git's ids of file contents (git's documentation, "Git Internals - Git Objects")."""

from __future__ import annotations

import hashlib

from gh_store_action.domain.snapshots.contents import Content, pieces


def blob_oid(data: Content) -> str:
    """The SHA-1 id, the only kind in GitHub's repositories."""
    return _named("sha1", data)


def blob_oids(data: Content) -> frozenset[str]:
    """The ids in both kinds of repositories, SHA-1 and SHA-256."""
    return frozenset({_named("sha1", data), _named("sha256", data)})


def _named(algorithm: str, data: Content) -> str:
    """In two steps, without copying the data, which may be large."""
    found = hashlib.new(algorithm, b"blob %d\0" % len(data), usedforsecurity=False)
    for piece in pieces(data):
        found.update(piece)
    return found.hexdigest()
