"""The files of a snapshot in a workspace, and what a reader takes out of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SNAPSHOT = "data/store-snapshot.json"
PLACES = {"json": SNAPSHOT, "jsonl": "data/store-snapshot.jsonl", "directory": "data/store"}


def written(workspace: Path, format_: str = "json") -> dict[str, bytes]:
    """The snapshot's files."""
    place = workspace / PLACES[format_]
    files = [place] if place.is_file() else sorted(file for file in place.rglob("*") if file.is_file())
    return {file.relative_to(workspace).as_posix(): file.read_bytes() for file in files}


def stored(workspace: Path) -> dict[str, Any]:
    """What a reader takes out of the file."""
    return {name: entry["data"] for name, entry in json.loads(written(workspace)[SNAPSHOT])["objects"].items()}
