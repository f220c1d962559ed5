"""Objects' histories as files beside a snapshot: a file an object, and an index that says what each of them holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from gh_store_action.domain import strict_json
from gh_store_action.domain.snapshots import files
from gh_store_action.domain.snapshots.snapshot import compact

NAME = "history"  # of the folder, beside the snapshot's file or in its folder
FOLDER = f"{NAME}/"
INDEX = f"{FOLDER}index.json"
_PLACE = re.compile(rf"{FOLDER}(?:[0-9a-f]{{1,2}}/)*[^/]+")
SCHEMA = "https://raw.githubusercontent.com/org/gh-store-action/v1/docs/schemas/history.json#/$defs/index"


class Known(NamedTuple):
    """What a history's file holds.

    Args:
        path: in the folder.
        revision: up to which it goes.
        digest: of the object's data then.
    """

    path: str
    revision: int
    digest: str

    @property
    def name(self) -> str:
        """Of the file, whatever folders it lies in."""
        return self.path.rpartition("/")[2]


class BrokenIndex(ValueError):
    """A file that is no index of histories; `str()` says what it is instead."""


def digits_for(ids: Iterable[str]) -> int:
    """By how many digits the files are divided into folders, as those of a snapshot; the index lies beside them."""
    return files.digits_for(ids, files.FULL - 1)


def file_of(object_id: str, label: str, digits: int) -> str:
    """The path of an object's history: as that of its file in a snapshot's folder."""
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
    """The index, an object a line; by the objects' ids."""
    head = f'{{\n  "$schema": {compact(SCHEMA)},\n  "repository": {compact(repository)},\n  "objects": {{'
    rows = [
        f"\n    {compact(object_id)}: {compact({**one._asdict(), 'path': one.path.removeprefix(FOLDER)})}"
        for object_id, one in sorted(known.items())
    ]
    return (head + ",".join(rows) + ("\n  }\n}\n" if rows else "}\n}\n")).encode()


def read_index(data: bytes, repository: str) -> dict[str, Known]:
    """What the histories hold, by the objects' ids.

    Raises:
        BrokenIndex: it is none, or of another repository.
    """
    try:
        held: Any = strict_json.parse(data.decode())
        of = str(held["repository"])
        found = {
            key: Known(FOLDER + one["path"], int(one["revision"]), str(one["digest"]))
            for key, one in held["objects"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BrokenIndex("is no index of histories") from None
    if of.lower() != repository.lower():
        raise BrokenIndex(f"is of the repository {of[:80]!r}")
    if wrong := [one.path for one in found.values() if not may_be_ours(one.path)]:
        raise BrokenIndex(f"names {wrong[0][:80]!r}, which is no file in its folder")
    return found


def whose(written: Mapping[str, bytes], repository: str) -> dict[str, str]:
    """The object of each history among files that are written with their index, by path."""
    index = written.get(INDEX)
    return {one.path: key for key, one in read_index(index, repository).items()} if index else {}
