"""A commit's tree: that of the branch's newest commit with our files in it, built beside the user's index."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from gh_store_action.errors import StoreError
from gh_store_action.hints import Setting, Text
from gh_store_action.workspace.git import Git

REMOVED = "0"
FILE = "100644"

Entries: TypeAlias = Mapping[str, tuple[str, str]]
"""Path to mode and blob."""


def entries_of(git: Git, files: Mapping[str, Path | None]) -> Entries:
    """The files as git has them from now on: byte for byte, past any filter that .gitattributes names.

    Args:
        files: path relative to the checkout's top, to the file on disk, or None to remove it.
    """
    there = {path: file for path, file in files.items() if file is not None}
    stdin = b"".join(os.fsencode(file) + b"\n" for file in there.values())
    blobs = git.run("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=stdin).line.split()
    removed = {path: (REMOVED, "0" * len(_empty_tree(git))) for path, file in files.items() if file is None}
    return removed | {path: (FILE, blob) for path, blob in zip(there, blobs, strict=True)}


def tree_of(git: Git, base: str, entries: Entries) -> str:
    """The base's tree with our entries in it; empty when that is the same tree.

    Raises:
        StoreError: something else stands in the way.
    """
    plain = ("-c", "core.sparseCheckout=false", "-c", "core.splitIndex=false", "-c", "index.sparse=false")
    with tempfile.TemporaryDirectory(prefix="gh-store-") as folder:
        aside = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        if base:
            git.run(*plain, "read-tree", base, variables=aside)
        git.run(*plain, "update-index", "-z", "--index-info", stdin=index_info(entries), variables=aside)
        tree = git.run(*plain, "write-tree", "--missing-ok", variables=aside).line
    before = base or _empty_tree(git)
    difference = git.run("diff-tree", "-r", "-z", "--no-renames", "--name-only", before, tree).out
    touched = {os.fsdecode(path) for path in difference.split(b"\0") if path}
    if others := sorted(touched - set(entries)):
        raise StoreError(
            f"The branch has {others[0]!r} where this would write, and it is not ours to remove.",
            Text("Choose another path for ", Setting("output"), ", or remove that file from the branch."),
        )
    return tree if touched else ""


def index_info(entries: Entries) -> bytes:
    """Lines for ``git update-index -z --index-info``."""
    lines = (f"{mode} {blob}\t".encode() + os.fsencode(path) for path, (mode, blob) in entries.items())
    return b"".join(line + b"\0" for line in lines)


def _empty_tree(git: Git) -> str:
    return git.run("hash-object", "-t", "tree", "--stdin").line  # known to every git, written or not
