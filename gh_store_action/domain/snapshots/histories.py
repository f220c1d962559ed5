"""Objects' histories as files next to a snapshot: one file per object, and an index of their contents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from gh_store_action.domain import strict_json
from gh_store_action.domain.snapshots import files
from gh_store_action.domain.snapshots.snapshot import compact

NAME = "history"  # of the folder, next to the snapshot's file or in its folder
FOLDER = f"{NAME}/"
INDEX = f"{FOLDER}index.json"
_PLACE = re.compile(rf"{FOLDER}(?:[0-9a-f]{{1,2}}/)*[^/]+")
SCHEMA = "https://raw.githubusercontent.com/org/gh-store-action/v1/docs/schemas/history.json#/$defs/index"


class Known(NamedTuple):
    """The content of a history's file.

    Args:
        path: in the folder.
        revision: the last one in it.
        digest: of the object's data at that revision.
    """

    path: str
    revision: int
    digest: str

    @property
    def name(self) -> str:
        """The file's name without its folders."""
        return self.path.rpartition("/")[2]


class BrokenIndex(ValueError):
    """A file that is not an index of histories; `str()` says why."""


def digits_for(ids: Iterable[str]) -> int:
    """How many digits split the files into folders, as in a snapshot; the index takes one place."""
    return files.digits_for(ids, files.FULL - 1)


def file_of(object_id: str, label: str, digits: int) -> str:
    """The path of an object's history, like that of its file in a snapshot's folder."""
    inner = files.file_of(object_id, label).removeprefix(files.FOLDER).removesuffix(".json")
    return files.sharded(f"{FOLDER}{inner}.jsonl", object_id, digits)


def may_be_ours(path: str) -> bool:
    """Whether a history, or the index, can have this path."""
    return _PLACE.fullmatch(path) is not None


def write(lines: Iterable[Any]) -> bytes:
    """A history's file."""
    return b"".join(compact(line).encode() + b"\n" for line in lines)


def is_history(data: bytes) -> bool:
    """Whether a file is a history, whatever the index says."""
    try:
        line = strict_json.parse(data.partition(b"\n")[0].decode(), depth=strict_json.DEPTH_LIMIT + 5)
    except ValueError:
        return not data
    return isinstance(line, dict) and {"revision", "comment_id", "verdict", "digest"} <= line.keys()


def write_index(repository: str, known: Mapping[str, Known]) -> bytes:
    """The index, one object per line, by object id."""
    head = f'{{\n  "$schema": {compact(SCHEMA)},\n  "repository": {compact(repository)},\n  "objects": {{'
    rows = [
        f"\n    {compact(object_id)}: {compact({**one._asdict(), 'path': one.path.removeprefix(FOLDER)})}"
        for object_id, one in sorted(known.items())
    ]
    return (head + ",".join(rows) + ("\n  }\n}\n" if rows else "}\n}\n")).encode()


def read_index(data: bytes, repository: str) -> dict[str, Known]:
    """The contents of the histories, by object id.

    Raises:
        BrokenIndex: it is not an index, or another repository's.
    """
    try:
        held: Any = strict_json.parse(data.decode())
        of = str(held["repository"])
        found = {
            key: Known(FOLDER + one["path"], int(one["revision"]), str(one["digest"]))
            for key, one in held["objects"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BrokenIndex("is not an index of histories") from None
    if of.lower() != repository.lower():
        raise BrokenIndex(f"is of the repository {of[:80]!r}")
    if wrong := [one.path for one in found.values() if not may_be_ours(one.path)]:
        raise BrokenIndex(f"names {wrong[0][:80]!r}, which is not a file in its folder")
    return found


def whose(index: bytes, repository: str) -> dict[str, str]:
    """The object of each history among files written with their index, by path."""
    return {one.path: key for key, one in read_index(index, repository).items()} if index else {}
