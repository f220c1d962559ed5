"""What may stand in a file's place, and must not be read as one: it blocks, never ends, or fills the memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path


def _huge(place: Path) -> None:
    with place.open("wb") as file:
        file.truncate(3 * 1024**3)  # without a block on the disk


NO_FILES: Mapping[str, Callable[[Path], None]] = {
    "fifo": lambda place: os.mkfifo(place),
    "folder": lambda place: place.mkdir(),
    "device": lambda place: place.symlink_to("/dev/zero"),
    "huge": _huge,
}
