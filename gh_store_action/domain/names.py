"""The names that people write: update modes and snapshot formats, bare, so that a quick `--help` can import them."""

from __future__ import annotations

UPDATE_MODES = ("append", "replace", "merge-patch", "json-patch", "operators")
DEFAULT_MODE = "append"
FORMATS = ("json", "jsonl", "directory")
