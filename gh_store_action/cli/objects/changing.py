"""Commands that change one object: create, upsert, update, delete, restore."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, TypeVar

import click
from rich.console import Console

from gh_store_action.arguments import digest as parse_digest
from gh_store_action.cli.data import as_input, object_data, read_data
from gh_store_action.cli.drawing import cell, nothing_written
from gh_store_action.cli.invocation import invocation
from gh_store_action.cli.objects import bulk
from gh_store_action.cli.objects.showing import show, show_changed
from gh_store_action.cli.options import command, dry_run
from gh_store_action.cli.output import naming_the_nearest
from gh_store_action.domain.names import DEFAULT_MODE, UPDATE_MODES, UpdateMode
from gh_store_action.domain.records import StoredObject
from gh_store_action.domain.strict_json import Json
from gh_store_action.errors import InputError
from gh_store_action.store.updating import update_of

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def many(*keys: str) -> Callable[[Decorated], Decorated]:
    """Adds the options that take many objects from a file instead of one from the command line."""

    def decorate(function: Decorated) -> Decorated:
        named = ", ".join(keys)
        for option in (
            click.option("--journal", metavar="FILE", help="With --jsonl: records finished lines, and skips them."),
            click.option("--jsonl", metavar="FILE", help=f"A file with one line of JSON each, or -: {named}."),
        ):
            function = option(function)
        return function

    return decorate


def _one(
    jsonl: str | None,
    journal: str | None,
    object_id: str | None,
    data: str | None,
    name: str,
    alone: Mapping[str, object] = MappingProxyType({}),
) -> tuple[str, str]:
    """The two arguments of a command on one object; both empty if a file replaces them.

    Raises:
        InputError, UsageError: they contradict each other.
    """
    if jsonl is None:
        for text, what in ((object_id, "ID"), (data, name)):
            if text is None:
                raise click.UsageError(f"Missing argument '{what}'.", click.get_current_context())
        if journal is not None:
            raise InputError("--journal has no effect without --jsonl.", "Add --jsonl, or omit it.")
        return object_id or "", data or ""
    idle = [option for option, value in {"ID": object_id, **alone}.items() if value is not None]
    if idle:
        raise InputError(f"{idle[0]} and --jsonl are both given.", "Put it into the lines of the file.")
    return "", ""


@command(
    "create",
    """gh-store create users '{"ada": {"role": "admin"}}'""",
    "gh-store create settings @settings.json --label team-a",
    "gh-store create --jsonl objects.jsonl",
)
@click.argument("object_id", metavar="ID", required=False)
@click.argument("data", metavar="DATA", required=False)
@click.option("--label", multiple=True, metavar="NAME", help="Another label for the issue; repeatable.")
@many("object_id", "data", "labels")
@dry_run
def create(
    object_id: str | None,
    data: str | None,
    label: tuple[str, ...],
    jsonl: str | None,
    journal: str | None,
    dry_run: bool,
) -> int:
    """Create one object or many.

    DATA is JSON, @file, or - for standard input.
    """
    object_id, data = _one(jsonl, journal, object_id, data, "DATA")
    run = invocation()
    if jsonl is not None:
        return bulk.create(run, jsonl, label, journal, dry_run=dry_run)
    value = object_data(data)
    would = f"{object_id} would be created:" if dry_run else ""
    return show(run, run.store(dry_run=dry_run).create(object_id, value, label), would=would, dry_run=dry_run)


@command("upsert", """gh-store upsert metrics '{"count": 5}'""")
@click.argument("object_id", metavar="ID")
@click.argument("data", metavar="DATA")
@dry_run
def upsert(object_id: str, data: str, dry_run: bool) -> int:
    """Create an object, or replace its data if it exists."""
    run = invocation()
    value = object_data(data)
    store = run.store(dry_run=dry_run)
    return show_changed(run, store, object_id, lambda: store.upsert(object_id, value), dry_run=dry_run, unless=value)


@command(
    "update",
    """gh-store update metrics '{"count": 2}'""",
    """gh-store update metrics '{"$inc": {"count": 1}}' --mode operators --apply""",
    "gh-store update --jsonl updates.jsonl",
)
@click.argument("object_id", metavar="ID", required=False)
@click.argument("changes", metavar="CHANGES", required=False)
@click.option("--mode", type=click.Choice(UPDATE_MODES), help=f"How to apply CHANGES; {DEFAULT_MODE} unless given.")
@click.option("--if-revision", type=click.IntRange(1), metavar="N", help="Only if the object is at this revision.")
@click.option("--if-digest", metavar="HEX", help="Only if the object has this digest.")
@click.option("--update-id", metavar="KEY", help="Idempotency key: updates with the same key count once.")
@click.option("--apply", is_flag=True, help="Apply it now instead of in the repository's workflow.")
@many("object_id", "changes", "mode", "if_revision", "if_digest", "update_id")
@dry_run
def update(
    object_id: str | None,
    changes: str | None,
    mode: UpdateMode | None,
    if_revision: int | None,
    if_digest: str | None,
    update_id: str | None,
    apply: bool,
    jsonl: str | None,
    journal: str | None,
    dry_run: bool,
) -> int:
    """Post an update to one object or many.

    CHANGES is JSON, @file, or - for standard input.
    """
    alone = {"--if-revision": if_revision, "--if-digest": if_digest, "--update-id": update_id}
    object_id, changes = _one(jsonl, journal, object_id, changes, "CHANGES", alone)
    run = invocation()
    if jsonl is not None:
        return bulk.update(run, jsonl, mode, journal, apply=apply, dry_run=dry_run)
    value, digest = _update(changes, mode, update_id, if_digest)
    store = run.store(dry_run=dry_run)

    def act() -> StoredObject:
        folded = apply or dry_run  # a dry run shows the resulting data, no matter what folds it
        return store.update(
            object_id,
            value,
            mode or DEFAULT_MODE,
            update_id=update_id,
            if_revision=if_revision,
            if_digest=digest,
            apply=folded,
        )

    with naming_the_nearest(run, object_id):
        return show_changed(run, store, object_id, act, dry_run=dry_run, posted=not apply)


def _update(changes: str, mode: str | None, update_id: str | None, if_digest: str | None) -> tuple[Json, str | None]:
    """The changes and the digest; raises for errors in them before any request."""
    digest = parse_digest("--if-digest", if_digest) if if_digest is not None else None
    value = object_data(changes) if mode in (None, "append", "replace") else read_data(changes)
    with as_input():
        update_of(value, mode, update_id=update_id, if_digest=digest)
    return value, digest


@command("delete", "gh-store delete metrics")
@click.argument("object_id", metavar="ID")
@click.option("--if-revision", type=click.IntRange(1), metavar="N", help="Only if the object is at this revision.")
@dry_run
def delete(object_id: str, if_revision: int | None, dry_run: bool) -> int:
    """Delete an object.  Its issue and log stay, and `restore` brings it back."""
    run = invocation()
    with naming_the_nearest(run, object_id):
        run.store(dry_run=dry_run).delete(object_id, if_revision=if_revision)
    value = {"object_id": object_id, "deleted": not dry_run, "dry_run": dry_run}
    deleted, restore = "would be" if dry_run else "is", f"gh-store restore {shlex.quote(object_id)}"
    said = f"{object_id} {deleted} deleted. `{restore}` brings it back."
    run.screen.show(value, lambda console: _say(console, said, dry_run=dry_run))
    return 0


@command("restore", "gh-store restore old-metrics")
@click.argument("object_id", metavar="ID")
@dry_run
def restore(object_id: str, dry_run: bool) -> int:
    """Bring a deleted object back."""
    run = invocation()
    meta = run.store(dry_run=dry_run).restore(object_id)
    said = f"{object_id} {'would be' if dry_run else 'is'} restored, as issue #{meta.issue_number}."
    run.screen.show({**asdict(meta), "dry_run": dry_run}, lambda console: _say(console, said, dry_run=dry_run))
    return 0


def _say(console: Console, said: str, *, dry_run: bool) -> None:
    if dry_run:
        nothing_written(console, said)
    else:
        console.print(cell(said))
