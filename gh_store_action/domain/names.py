"""The names of update modes and formats, without other imports, so that `--help` is quick."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

UpdateMode: TypeAlias = Literal["append", "replace", "merge-patch", "json-patch", "operators"]
SnapshotFormat: TypeAlias = Literal["json", "jsonl", "directory"]
ExportFormat: TypeAlias = Literal["sqlite", "csv", "jsonl", "events"]

UPDATE_MODES: tuple[UpdateMode, ...] = get_args(UpdateMode)
DEFAULT_MODE: UpdateMode = "append"
FORMATS: tuple[SnapshotFormat, ...] = get_args(SnapshotFormat)
EXPORTS: tuple[ExportFormat, ...] = get_args(ExportFormat)
