"""Commands on one object, and the list of all."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from gh_store_action.arguments import digest as parse_digest
from gh_store_action.arguments import moment as parse
from gh_store_action.cli.data import as_input, object_data, read_data
from gh_store_action.cli.drawing import cell, compact, nothing_written, table
from gh_store_action.cli.drawing import stored as draw_stored
from gh_store_action.cli.invocation import Invocation, invocation
from gh_store_action.cli.options import command, dry_run
from gh_store_action.cli.output import naming_the_nearest, stored
from gh_store_action.domain.names import DEFAULT_MODE, UPDATE_MODES, UpdateMode
from gh_store_action.domain.records import StoredObject
from gh_store_action.domain.strict_json import Json, equal
from gh_store_action.errors import InputError, ObjectNotFound, StoreError
from gh_store_action.library.github_store import GitHubStore
from gh_store_action.store.updating import update_of


def show(run: Invocation, found: StoredObject, *, would: str = "", said: str = "", **more: Any) -> int:
    """Prints one object.

    Args:
        would: of a dry run: what would have happened, a sentence for the terminal that stands before the object.
        said: a sentence for the terminal that stands behind it.
        more: keys for the JSON.
    """
    shape = {**stored(found), **more}

    def draw(console: Console) -> None:
        if would:
            nothing_written(console, would)
        draw_stored(console, shape)
        if said:
            console.print(cell((said, "dim")))

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
    would = said = ""
    if dry_run:
        would = _would(found, before, posted, done=equal(found.data, unless))
    elif posted:
        said = (
            "The update is posted. The repository's workflow folds it, or run "
            f"`gh-store process-updates --issue {found.meta.issue_number}`."
        )
    return show(run, found, would=would, said=said, dry_run=dry_run)


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


def save(path: str, value: Any) -> None:
    """Writes a result to a file, in place of standard output; makes the folders that it lies in.

    Raises:
        StoreError: the file cannot be written.
    """
    file = Path(path).expanduser()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"The file {path!r} cannot be written: {error.strerror}.", "Choose another --output."
        ) from None


@command(
    "create",
    """gh-store create users '{"ada": {"role": "admin"}}'""",
    "gh-store create settings @settings.json --label team-a",
)
@click.argument("object_id", metavar="ID")
@click.argument("data", metavar="DATA")
@click.option(
    "--label", multiple=True, metavar="NAME", help="A label for the issue besides the store's own; repeatable."
)
@dry_run
def create(object_id: str, data: str, label: tuple[str, ...], dry_run: bool) -> int:
    """Create an object.  DATA is JSON, @file, or - for standard input."""
    run = invocation()
    value = object_data(data)
    would = f"{object_id} would be created:" if dry_run else ""
    return show(run, run.store(dry_run=dry_run).create(object_id, value, label), would=would, dry_run=dry_run)


@command("upsert", """gh-store upsert metrics '{"count": 5}'""")
@click.argument("object_id", metavar="ID")
@click.argument("data", metavar="DATA")
@dry_run
def upsert(object_id: str, data: str, dry_run: bool) -> int:
    """Make an object be DATA, whether it is there or not."""
    run = invocation()
    value = object_data(data)
    store = run.store(dry_run=dry_run)
    return show_changed(run, store, object_id, lambda: store.upsert(object_id, value), dry_run=dry_run, unless=value)


@command(
    "get",
    "gh-store get metrics",
    "gh-store get metrics --data",
    "gh-store get metrics --revision 1",
    "gh-store get metrics --at 2026-01-31T12:00:00Z",
)
@click.argument("object_id", metavar="ID")
@click.option("--revision", type=click.IntRange(1), metavar="N", help="As it was at that revision.")
@click.option("--at", metavar="TIME", help="As it was at that time, ISO 8601; without an offset in UTC.")
@click.option("--data", "bare", is_flag=True, help="Its data alone, without what is known of it.")
@click.option("--output", metavar="FILE", help="Write it there instead.")
def get(object_id: str, revision: int | None, at: str | None, bare: bool, output: str | None) -> int:
    """Print an object."""
    run = invocation()
    if revision is not None and at is not None:
        raise InputError("--revision and --at are both given.", "Leave one of them out.")
    with naming_the_nearest(run, object_id):
        found = run.store().get(object_id, revision=revision, at=moment("--at", at))
    if output:
        save(output, found.data if bare else stored(found))
    elif bare:
        run.screen.show(found.data, lambda console: console.print_json(data=found.data))
    else:
        show(run, found)
    return 0


def moment(name: str, text: str | None) -> str | None:
    """A time from the command line as GitHub writes it."""
    return None if text is None else parse(name, text)


@command(
    "update",
    """gh-store update metrics '{"count": 2}'""",
    """gh-store update metrics '{"$inc": {"count": 1}}' --mode operators --apply""",
)
@click.argument("object_id", metavar="ID")
@click.argument("changes", metavar="CHANGES")
@click.option(
    "--mode", type=click.Choice(UPDATE_MODES), default=DEFAULT_MODE, show_default=True, help="How CHANGES are meant."
)
@click.option("--if-revision", type=click.IntRange(1), metavar="N", help="Only if the object is at this revision.")
@click.option("--if-digest", metavar="HEX", help="Only if the object has this digest.")
@click.option("--update-id", metavar="KEY", help="Idempotency key: repeated with the same key it counts once.")
@click.option("--apply", is_flag=True, help="Fold it in at once; else the workflow of the repository does.")
@dry_run
def update(
    object_id: str,
    changes: str,
    mode: UpdateMode,
    if_revision: int | None,
    if_digest: str | None,
    update_id: str | None,
    apply: bool,
    dry_run: bool,
) -> int:
    """Post an update of an object.  CHANGES are JSON, @file, or - for standard input."""
    run = invocation()
    value, digest = _update(changes, mode, update_id, if_digest)
    store = run.store(dry_run=dry_run)

    def act() -> StoredObject:
        folded = apply or dry_run  # a dry run shows what the data would become, whoever folds it
        return store.update(
            object_id, value, mode, update_id=update_id, if_revision=if_revision, if_digest=digest, apply=folded
        )

    with naming_the_nearest(run, object_id):
        return show_changed(run, store, object_id, act, dry_run=dry_run, posted=not apply)


def _update(changes: str, mode: str, update_id: str | None, if_digest: str | None) -> tuple[Json, str | None]:
    """The changes and the digest; raises here, before anything is asked, what is wrong with them by themselves."""
    digest = parse_digest("--if-digest", if_digest) if if_digest is not None else None
    value = object_data(changes) if mode in ("append", "replace") else read_data(changes)
    with as_input():
        update_of(value, mode, update_id=update_id, if_digest=digest)
    return value, digest


@command("delete", "gh-store delete metrics")
@click.argument("object_id", metavar="ID")
@click.option("--if-revision", type=click.IntRange(1), metavar="N", help="Only if the object is at this revision.")
@dry_run
def delete(object_id: str, if_revision: int | None, dry_run: bool) -> int:
    """Delete an object.  Its issue and its log stay, and `restore` brings it back."""
    run = invocation()
    with naming_the_nearest(run, object_id):
        run.store(dry_run=dry_run).delete(object_id, if_revision=if_revision)
    value = {"object_id": object_id, "deleted": not dry_run, "dry_run": dry_run}
    deleted, restore = "would be" if dry_run else "is", f"gh-store restore {shlex.quote(object_id)}"
    said = f"{object_id} {deleted} deleted; `{restore}` brings it back."
    run.screen.show(value, lambda console: _say(console, said, dry_run=dry_run))
    return 0


@command("restore", "gh-store restore old-metrics")
@click.argument("object_id", metavar="ID")
@dry_run
def restore(object_id: str, dry_run: bool) -> int:
    """Bring a deleted object back."""
    run = invocation()
    meta = run.store(dry_run=dry_run).restore(object_id)
    said = f"{object_id} {'would be' if dry_run else 'is'} there again, as issue #{meta.issue_number}."
    run.screen.show({**asdict(meta), "dry_run": dry_run}, lambda console: _say(console, said, dry_run=dry_run))
    return 0


def _say(console: Console, said: str, *, dry_run: bool) -> None:
    if dry_run:
        nothing_written(console, said)
    else:
        console.print(cell(said))


@command("list", "gh-store list", "gh-store list --since 2026-01-31")
@click.option("--since", metavar="TIME", help="Only what changed after that time, ISO 8601; without an offset in UTC.")
def list_objects(since: str | None) -> int:
    """List all objects."""
    run = invocation()
    store, when = run.store(), moment("--since", since)
    listed = store.list_updated_since(when) if when else store.list_all()
    progress = run.screen.progress("objects listed")
    shapes = []
    for one in listed:
        shapes.append(stored(one))
        progress(len(shapes), 0)

    def draw(console: Console) -> None:
        rows = [
            (
                (one["object_id"], "bold"),
                f"{one['version']}",
                (f"#{one['issue_number']}", "dim"),
                one["updated_at"],
                (compact(one["data"]), "dim"),
            )
            for one in shapes
        ]
        console.print(table(("Object", "Revision", "Issue", "Updated", "Data"), rows, numbers=("Revision",)))
        console.print(f"{len(shapes):,} object{'' if len(shapes) == 1 else 's'}", style="dim")

    run.screen.show(shapes, draw)
    return 0


COMMANDS = (create, upsert, get, update, delete, restore, list_objects)
