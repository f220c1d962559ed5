"""Prints an object, writes it to a file, and reports a change of it."""

from __future__ import annotations

import json
from collections.abc import Callable
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
from gh_store_action.regular_files import expanded


def show(run: Invocation, found: StoredObject, *, would: str = "", **more: Any) -> int:
    """Prints one object.

    Args:
        would: for a dry run: what would have happened, as a sentence to print above the object.
        more: additional keys for the JSON.
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
    """Changes an object and prints it; a dry run says what would change.

    Args:
        act: the change, on `store`.
        posted: whether the workflow is left to fold the change.
        unless: data that needs no change.
    """
    before = _revision(store, object_id) if dry_run else 0
    found = act()
    would = _would(found, before, posted, done=equal(found.data, unless)) if dry_run else ""
    show(run, found, would=would, dry_run=dry_run)
    if posted and not dry_run and found.meta.pending:
        run.screen.line(
            "The update is posted, not yet applied. The repository's workflow will apply it, or run "
            f"`gh-store process-updates {found.meta.issue_number}`."
        )
    return 0


def _revision(store: GitHubStore, object_id: str) -> int:
    """The object's current revision; 0 if there is no such object."""
    try:
        return store.get(object_id).meta.version
    except ObjectNotFound:
        return 0


def _would(found: StoredObject, before: int, posted: bool, *, done: bool) -> str:
    """What a change would have done to an object, from the result of its dry run."""
    name, now = found.meta.object_id, found.meta.version
    if not before:
        return f"{name} would be created:"
    if now != before:
        how = "posted for the workflow to apply" if posted else "applied"
        return f"An update of {name} at revision {before} would be {how}. The result:"
    if done and not found.meta.pending:
        return f"{name} already has this data and would not change:"
    return (
        f"An update of {name} would be posted. Its result is not known yet, because updates are pending or the body "
        "was edited by hand. The current object:"
    )


def save(run: Invocation, path: str, value: Any) -> None:
    """Writes a result to a file, creating its folders, or to standard output in the same form.

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
    file = expanded(path)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except FileExistsError:  # where its folder has to be
        raise StoreError(f"{str(file.parent)!r} is not a folder.", "Choose another --output.") from None
    except OSError as error:
        raise StoreError(
            f"The file {path!r} cannot be written: {error.strerror}.", "Choose another --output."
        ) from None
