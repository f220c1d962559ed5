"""Commands for an object's past: history, diff, revert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.console import Console

from gh_store_action.cli.drawing import cell, compact, table
from gh_store_action.cli.invocation import invocation
from gh_store_action.cli.objects.showing import save, show_changed
from gh_store_action.cli.options import command, dry_run
from gh_store_action.cli.output import naming_the_nearest
from gh_store_action.domain.past.history import PENDING
from gh_store_action.domain.verdicts import Outcome

_OPERATIONS = {"add": "green", "remove": "red", "replace": "yellow"}


@command("history", "gh-store history metrics")
@click.argument("object_id", metavar="ID")
@click.option("--output", metavar="FILE", help="Write it to this file as JSON; - for standard output.")
def history(object_id: str, output: str | None) -> int:
    """Print what happened to an object.

    Every entry of its log in the order in which it took effect, oldest first, with author, verdict and revision.
    """
    run = invocation()
    with naming_the_nearest(run, object_id):
        entries: Sequence[Mapping[str, Any]] = run.store().get_object_history(object_id)
    if output:
        save(run, output, entries)
        return 0

    def draw(console: Console) -> None:
        colours = {one.key: "red" if one.refused else "green" for one in Outcome} | {PENDING: "yellow"}
        rows = []
        for entry in entries:
            meta = entry["metadata"]
            kind = str(entry["type"])
            verdict = str(meta.get("verdict") or "") if kind == "update" else kind.replace("_", " ")
            reason = meta.get("reason")
            rows.append(
                (
                    (f"{meta.get('revision') or ''}", "bold"),
                    str(entry["timestamp"]),
                    str(meta.get("author") or ""),
                    (verdict, colours.get(verdict, "")),
                    compact(entry["data"]) + (f"\n{reason}" if reason else ""),
                )
            )
        head = ("Revision", "Time", "Author", "Verdict", "Data")
        console.print(table(head, rows, numbers=("Revision",)))

    run.screen.show(entries, draw)
    return 0


@command("diff", "gh-store diff metrics 1 2")
@click.argument("object_id", metavar="ID")
@click.argument("first", metavar="R1", type=click.IntRange(1))
@click.argument("second", metavar="R2", type=click.IntRange(1))
def diff(object_id: str, first: int, second: int) -> int:
    """Print what changed between two revisions.  The result is the JSON Patch (RFC 6902) that turns R1 into R2."""
    run = invocation()
    with naming_the_nearest(run, object_id):
        patch: Any = run.store().diff(object_id, first, second)

    def draw(console: Console) -> None:
        rows = [
            (
                (step["op"], _OPERATIONS.get(step["op"], "")),
                step["path"] or "(all)",
                compact(step["value"]) if "value" in step else str(step.get("from", "")),
            )
            for step in patch
        ]
        nothing = f"revisions {first} and {second} of {object_id} are the same"
        console.print(table(("", "Path", "Value"), rows) if rows else cell((nothing, "dim")))

    run.screen.show(patch, draw)
    return 0


@command("revert", "gh-store revert metrics 1")
@click.argument("object_id", metavar="ID")
@click.argument("revision", type=click.IntRange(1))
@dry_run
def revert(object_id: str, revision: int, dry_run: bool) -> int:
    """Set an object back to an earlier revision.  This posts a new update, so the history stays."""
    run = invocation()
    store = run.store(dry_run=dry_run)
    with naming_the_nearest(run, object_id):
        return show_changed(run, store, object_id, lambda: store.revert(object_id, revision), dry_run=dry_run)


COMMANDS = (history, diff, revert)
