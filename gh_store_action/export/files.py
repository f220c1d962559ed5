"""The formats: each writes the store to one file or folder, completely or not at all."""

from __future__ import annotations

import csv
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from gh_store_action.errors import InputError, StoreError
from gh_store_action.export import sqlite
from gh_store_action.export.reading import Exported
from gh_store_action.export.rows import LOG, OBJECT, cells, json_line, log_rows, object_row, replayable

DEFAULT = {"sqlite": "store.db", "csv": "store-csv", "jsonl": "store-jsonl", "events": "store-events.jsonl"}
"""Each format's default path."""

FOLDERS = frozenset({"csv", "jsonl"})  # formats of two files
_ENDINGS = {"sqlite": (".db", ".sqlite", ".sqlite3"), "events": (".jsonl", ".ndjson")}
_KNOWN = frozenset({".csv", ".json", *_ENDINGS["sqlite"], *_ENDINGS["events"]})


def check(path: Path, kind: str) -> None:
    """Checks that the path matches the format.

    Raises:
        InputError: it does not.
    """
    ending, fit = path.suffix.lower(), _ENDINGS.get(kind, ())
    if ending in _KNOWN and ending not in fit:
        writes = "a folder" if kind in FOLDERS else f"a file that ends with {', '.join(fit)}"
        raise InputError(
            f"The path {str(path)!r} does not match the format {kind}, which writes {writes}.", "Change one of them."
        )


def write(path: Path, kind: str, store: Iterable[Exported]) -> int:
    """Writes the store; replaces the files of an earlier export once everything has been read.

    Returns:
        The number of objects.

    Raises:
        StoreError: it cannot be read or written; then nothing has changed.
    """
    folder = path if kind in FOLDERS else path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as made:
            count = WRITERS[kind](Path(made), path.name, store)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as kept:
                _put(Path(made), folder, Path(kept))
    except FileExistsError:
        raise StoreError(f"{str(folder)!r} is not a folder.", "Choose another path.") from None
    except (OSError, sqlite3.Error) as error:
        why = getattr(error, "strerror", None) or error
        raise StoreError(f"{str(path)!r} cannot be written: {why}.", "Choose another path.") from None
    return count


def _put(made: Path, folder: Path, kept: Path) -> None:
    """Moves the files that were made into the folder; where one cannot be, those before it are again what they were.

    Each is replaced at one stroke, and what the first ones replace is copied before: no file is missing at any time.
    """
    *others, last = sorted(os.listdir(made))
    before = {name for name in others if (folder / name).exists()}
    for name in before:
        shutil.copy2(folder / name, kept / name)
    moved: list[str] = []
    try:
        for name in (*others, last):
            os.replace(made / name, folder / name)
            moved.append(name)
    except OSError:
        for name in moved:
            os.replace(kept / name, folder / name) if name in before else (folder / name).unlink()
        raise


def _sqlite(folder: Path, name: str, store: Iterable[Exported]) -> int:
    return sqlite.write(folder / name, store)


def _csv(folder: Path, _: str, store: Iterable[Exported]) -> int:
    count = 0
    with (
        (folder / "objects.csv").open("w", encoding="utf-8", newline="") as objects,
        (folder / "log.csv").open("w", encoding="utf-8", newline="") as log,
    ):
        of_objects, of_log = csv.writer(objects), csv.writer(log)
        of_objects.writerow(OBJECT)
        of_log.writerow(LOG)
        for count, one in enumerate(store, 1):  # noqa: B007
            of_objects.writerow(cells(object_row(one), OBJECT))
            of_log.writerows(cells(row, LOG) for row in log_rows(one))
    return count


def _jsonl(folder: Path, _: str, store: Iterable[Exported]) -> int:
    count = 0
    with (
        (folder / "objects.jsonl").open("w", encoding="utf-8", newline="") as objects,
        (folder / "log.jsonl").open("w", encoding="utf-8", newline="") as log,
    ):
        for count, one in enumerate(store, 1):  # noqa: B007
            objects.write(json_line(object_row(one), OBJECT))
            log.writelines(json_line(row, LOG) for row in log_rows(one))
    return count


def _events(folder: Path, name: str, store: Iterable[Exported]) -> int:
    count = 0
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        for count, one in enumerate(store, 1):  # noqa: B007
            file.writelines(json_line(row, (*LOG, "change")) for row in replayable(one))
    return count


WRITERS: dict[str, Callable[[Path, str, Iterable[Exported]], int]] = {
    "sqlite": _sqlite,
    "csv": _csv,
    "jsonl": _jsonl,
    "events": _events,
}
