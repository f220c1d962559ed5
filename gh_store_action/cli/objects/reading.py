"""Commands that read objects: get, list."""

from __future__ import annotations

import click
from rich.console import Console

from gh_store_action.arguments import moment as parse
from gh_store_action.cli.drawing import compact, table
from gh_store_action.cli.invocation import invocation
from gh_store_action.cli.objects.showing import save, show
from gh_store_action.cli.options import command
from gh_store_action.cli.output import naming_the_nearest, stored
from gh_store_action.errors import InputError


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
        shapes.append({key: value for key, value in stored(one).items() if key != "pending"})  # no log was read
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
