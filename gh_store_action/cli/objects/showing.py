"""How an object is printed, or written to a file, and what a change of it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from gh_store_action.cli.drawing import nothing_written
from gh_store_action.cli.drawing import stored as draw_stored
from gh_store_action.cli.invocation import Invocation
from gh_store_action.cli.output import stored
from gh_store_action.domain.records import StoredObject
from gh_store_action.domain.strict_json import Json, equal
from gh_store_action.errors import ObjectNotFound, StoreError
from gh_store_action.library.github_store import GitHubStore


def show(run: Invocation, found: StoredObject, *, would: str = "", **more: Any) -> int:
    """Prints one object.

    Args:
        would: of a dry run: what would have happened, a sentence for the terminal that stands before the object.
        more: keys for the JSON.
    """
    shape = {**stored(found), **more}

    def draw(console: Console) -> None:
        if would:
            nothing_written(console, would)
        draw_stored(console, shape)

    run.screen.show(shape, draw)
    return 0


def show_changed(
    run: Invocation,
    store: GitHubStore,
    object_id: str,
    act: Callable[[], StoredObject],
    *,
    dry_run: bool,
    posted: bool = False,
    unless: Json = None,
) -> int:
    """Changes an object and prints it; a dry run says what would become of it.

    Args:
        act: the change, on `store`.
        posted: whether the change is left to the workflow to fold.
        unless: data at which there is nothing to change.
    """
    before = _revision(store, object_id) if dry_run else 0
    found = act()
    would = _would(found, before, posted, done=equal(found.data, unless)) if dry_run else ""
    show(run, found, would=would, dry_run=dry_run)
    if posted and not dry_run and found.meta.pending:
        run.screen.line(
            "The update is posted, not yet applied. The repository's workflow applies it, or run "
            f"`gh-store process-updates {found.meta.issue_number}`."
        )
    return 0


def _revision(store: GitHubStore, object_id: str) -> int:
    """The object's present revision, 0 where there is no such object."""
    try:
        return store.get(object_id).meta.version
    except ObjectNotFound:
        return 0


def _would(found: StoredObject, before: int, posted: bool, *, done: bool) -> str:
    """What a change would have made of an object, from what a dry run of it gives."""
    name, now = found.meta.object_id, found.meta.version
    if not before:
        return f"{name} would be created:"
    if now != before:
        how = "posted for the workflow to fold, which would make" if posted else "folded at once, which would make"
        return f"An update of {name} would be {how} of revision {before}:"
    if done and not found.meta.pending:
        return f"{name} is like that already, and would be left as it is:"
    return (
        f"An update of {name} would be posted. What it makes of the object is known when it is folded, for updates are "
        "pending or the body was changed by hand. At present:"
    )


def save(run: Invocation, path: str, value: Any) -> None:
    """Writes a result to a file, or as a file would have it to standard output; makes the folders that it lies in.

    Args:
        path: `-` for standard output.

    Raises:
        StoreError: the file cannot be written.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    run.screen.clear()
    if path == "-":
        click.echo(text.encode(), nl=False)
        return
    file = Path(path).expanduser()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"The file {path!r} cannot be written: {error.strerror}.", "Choose another --output."
        ) from None
