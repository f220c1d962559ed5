"""Commands that read objects: get, list."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

import click
from rich.console import Console

from gh_store_action.arguments import moment as parse
from gh_store_action.cli.drawing import compact, document, table
from gh_store_action.cli.invocation import invocation
from gh_store_action.cli.objects.showing import save, show
from gh_store_action.cli.options import command
from gh_store_action.cli.output import naming_the_nearest, stored
from gh_store_action.domain.strict_json import Json
from gh_store_action.errors import InputError, StoreError

KEYS: Mapping[str, str] = {"id": "object_id", "revision": "version", "created": "created_at", "updated": "updated_at"}
"""What `list --sort` takes besides a path, and where it is in an object as printed."""


@command(
    "get",
    "gh-store get metrics",
    "gh-store get metrics '$.count'",
    "gh-store get metrics --data",
    "gh-store get metrics --revision 1",
    "gh-store get metrics --at 2026-01-31T12:00:00Z",
)
@click.argument("object_id", metavar="ID")
@click.argument("place", metavar="[PATH]", required=False)
@click.option("--path", metavar="JSONPATH", help="The JSONPath (RFC 9535), as an option.")
@click.option("--revision", type=click.IntRange(1), metavar="N", help="The object as it was at this revision.")
@click.option("--at", metavar="TIME", help="The object as it was at this time, ISO 8601. Default offset: UTC.")
@click.option("--data", "bare", is_flag=True, help="Only the data, without metadata.")
@click.option("--output", metavar="FILE", help="Write it to this file as JSON; - for standard output.")
def get(
    object_id: str,
    place: str | None,
    path: str | None,
    revision: int | None,
    at: str | None,
    bare: bool,
    output: str | None,
) -> int:
    """Print an object, or what a JSONPath finds in it.

    A path to one value, such as $.count, prints that value.  Any other path, such as $.items[*].name, prints an array
    of everything it finds.
    """
    run = invocation()
    if revision is not None and at is not None:
        raise InputError("--revision and --at are both given.", "Omit one of them.")
    if place is not None and path is not None:
        raise InputError("The path is given twice.", "Omit --path.")
    text = path if place is None else place
    find = None
    if text is not None:
        from gh_store_action.cli.objects.paths import Path

        find = Path.of("The path", text)
    with naming_the_nearest(run, object_id):
        found = run.store().get(object_id, revision=revision, at=moment("--at", at))
    if find is None and not bare and not output:
        return show(run, found)
    value: Json = found.data if bare else stored(found)
    if find is not None:
        values = find.values(found.data)
        if find.single and not values:
            raise StoreError(
                f"{object_id!r} has nothing at {text}.",
                f"Run `gh-store get {shlex.quote(object_id)} --data` to see its data.",
            )
        value = values[0] if find.single else values
    if output:
        save(run, output, value)
    else:
        run.screen.show(value, lambda console: document(console, value))
    return 0


def moment(name: str, text: str | None) -> str | None:
    """A time from the command line, as GitHub writes it."""
    return None if text is None else parse(name, text)


@command(
    "list",
    "gh-store list",
    "gh-store list --since 2026-01-31",
    "gh-store list --where '@.count > 0 && $.version > 1'",
    "gh-store list --sort '$.count' --desc --limit 10",
    "gh-store list --ids --sort updated",
)
@click.option("--since", metavar="TIME", help="Only objects changed since this time, ISO 8601. Default offset: UTC.")
@click.option(
    "--where",
    metavar="EXPR",
    help="Only objects that match this JSONPath filter (RFC 9535): @ is the data, $ the object as printed.",
)
@click.option("--sort", metavar="KEY", help=f"By {', '.join(KEYS)}, or a JSONPath in the data. Default: oldest first.")
@click.option("--desc", is_flag=True, help="Sort in descending order.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most this many.")
@click.option("--ids", is_flag=True, help="Only the ids, one per line.")
@click.option("--output", metavar="FILE", help="Write it to this file as JSON; - for standard output.")
def list_objects(
    since: str | None,
    where: str | None,
    sort: str | None,
    desc: bool,
    limit: int | None,
    ids: bool,
    output: str | None,
) -> int:
    """List all objects, or those that match."""
    run = invocation()
    if ids and output:
        raise InputError("--ids and --output are both given.", "Redirect the ids to a file with >.")
    holds = _condition(where)
    key = _key(sort)
    store, when = run.store(), moment("--since", since)
    progress = run.screen.progress("objects listed")

    def read() -> Iterator[dict[str, Any]]:
        for count, one in enumerate(store.list_updated_since(when) if when else store.list_all(), 1):
            progress(count, 0)
            shape = {name: value for name, value in stored(one).items() if name != "pending"}  # logs are not read
            if holds(shape):
                yield shape

    found = _sorted(list(read()), key, desc=desc) if sort or desc else read()
    shapes = list(islice(found, limit))
    if output:
        save(run, output, shapes)
        return 0
    if ids:
        run.screen.lines(one["object_id"] for one in shapes)
        return 0

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


Shape = Mapping[str, Any]


def _condition(where: str | None) -> Callable[[Shape], bool]:
    """Whether an object, as printed, matches."""
    if where is None:
        return lambda shape: True
    from gh_store_action.cli.objects.paths import condition

    return condition("--where", where)


def _key(sort: str | None) -> Callable[[Shape], list[Json]]:
    """The sort key of an object; empty if it has none."""
    if sort is None or sort in KEYS:
        name = KEYS[sort or "created"]
        return lambda shape: [shape[name]]
    if not sort.startswith("$"):
        raise InputError(f"--sort is {sort!r}; allowed: {', '.join(KEYS)}, or a JSONPath, such as $.count.")
    from gh_store_action.cli.objects.paths import Path

    path = Path.of("--sort", sort)
    if not path.single:
        raise InputError(f"--sort is {sort!r}, which can find several values.", "Use a path such as $.count.")
    return lambda shape: path.values(shape["data"])


def _sorted(shapes: list[dict[str, Any]], key: Callable[[Shape], list[Json]], *, desc: bool) -> list[dict[str, Any]]:
    """Numbers, then texts, then all others, which are equal; in either order, those without a key come last."""

    def order(shape: Shape) -> tuple[int, Any]:
        value = key(shape)[0]
        if isinstance(value, int | float):
            return 0, value
        return (1, value) if isinstance(value, str) else (2, 0)

    there = [shape for shape in shapes if key(shape)]
    return [*sorted(there, key=order, reverse=desc), *(shape for shape in shapes if not key(shape))]
