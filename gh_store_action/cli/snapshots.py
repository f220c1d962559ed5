"""Commands that write snapshots, the page and exports; they commit only on request."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from gh_store_action.arguments import check_snapshot_path, number, snapshot_format
from gh_store_action.cli.invocation import Invocation, invocation
from gh_store_action.cli.options import command, dry_run
from gh_store_action.domain.names import EXPORTS, FORMATS
from gh_store_action.errors import InputError, StoreError
from gh_store_action.export import files as exports
from gh_store_action.export.reading import Exporter
from gh_store_action.regular_files import expanded
from gh_store_action.snapshots.making import SnapshotResult, Snapshots, Target
from gh_store_action.snapshots.site import SNAPSHOT_URL, write_site
from gh_store_action.store.lookup import Lookup
from gh_store_action.store.reading import Reader

Decorated = TypeVar("Decorated", bound=Callable[..., object])

DEFAULT = {"json": "snapshot.json", "jsonl": "snapshot.jsonl", "directory": "snapshot"}
STANDARD_OUTPUT = "-"


def _options(function: Decorated) -> Decorated:
    for option in (
        click.option(
            "--commit-author", metavar="'NAME <MAIL>'", default="", help="With --commit. Default: github-actions[bot]."
        ),
        click.option("--branch", metavar="NAME", default="", help="With --commit. Default: the one checked out."),
        click.option("--keep", metavar="N", default="", help="With --branch: how many commits it keeps. Default: all."),
        click.option("--commit-message", metavar="TEXT", default="", help="With --commit."),
        click.option("--commit", is_flag=True, help="Commit and push what was written, in its checkout."),
        click.option(
            "--allow-shrink",
            is_flag=True,
            help="Let more than a tenth of the objects be missing from the next one.",
        ),
        click.option("--history", is_flag=True, help="Also write each object's history, to the folder history."),
        click.option("--format", "format_", type=click.Choice(FORMATS), help="Default: json, or jsonl, by the path."),
        dry_run,
    ):
        function = option(function)
    return function


@command(
    "snapshot",
    "gh-store snapshot --output snapshot.json",
    "gh-store snapshot --format directory --output store",
    "gh-store snapshot --format jsonl --output -",
)
@click.option(
    "--output",
    metavar="PATH",
    default="",
    help="The file or, by format, the folder; - for standard output.",
)
@_options
def snapshot(output: str, **options: Any) -> int:
    """Write all objects to a file."""
    return _write(output, update=False, **options)


@command("update-snapshot", "gh-store update-snapshot --output snapshot.json")
@click.option(
    "--output",
    "--snapshot-path",
    "output",
    metavar="PATH",
    required=True,
    help="The existing snapshot; if there is none, a full one is written.",
)
@_options
def update_snapshot(output: str, **options: Any) -> int:
    """Bring a snapshot up to date.  Reads only what changed."""
    if output == STANDARD_OUTPUT:
        raise InputError(
            "Only a file can be brought up to date, not standard output.",
            "Name a file, or use `gh-store snapshot --output -`.",
        )
    return _write(output, update=True, **options)


def _write(
    path: str,
    *,
    update: bool,
    format_: str | None,
    history: bool,
    commit: bool,
    commit_message: str,
    branch: str,
    keep: str,
    commit_author: str,
    allow_shrink: bool,
    dry_run: bool,
) -> int:
    run = invocation()
    idle = {"--commit-message": commit_message, "--branch": branch, "--keep": keep, "--commit-author": commit_author}
    for option, value in idle.items():
        if value and not commit:
            raise InputError(f"{option} has no effect without --commit.", "Add --commit, or omit it.")
    kind = _format(path, format_, commit=commit, history=history)
    with tempfile.TemporaryDirectory() as passing:  # write all of a snapshot before printing any of it
        named = expanded(path or DEFAULT[kind]).absolute()
        file = Path(passing).resolve() / "snapshot" if path == STANDARD_OUTPUT else named
        target = Target(
            path=str(file),
            format=kind,
            history=history,
            commit=commit,
            message=commit_message,
            author=commit_author,
            branch=branch,
            keep=number("--keep", keep) if keep else 0,
        )
        snapshots = Snapshots(
            run.session,
            run.workspace(_root(file, commit)),
            target,
            dry_run=dry_run,
            allow_shrink=allow_shrink,
            progress=run.screen.progress("issues read"),
        )
        done = snapshots.update() if update else snapshots.make()
        _tell(run, done)
        if path == STANDARD_OUTPUT:
            run.screen.line(_summary(done, "standard output", "written", dry_run=dry_run))
            if not dry_run:
                run.screen.copy(file)
            return 0
    sha = done.published.sha if done.published else ""
    said = _summary(done, str(file), "written" if done.changed else "has not changed", dry_run=dry_run)
    run.screen.show(
        {"path": str(file), "format": kind, **_shown(done), "commit_sha": sha, "dry_run": dry_run},
        lambda console: console.print(said + (f", pushed as {sha[:10]}" if sha else "")),
    )
    return 0


def _format(path: str, format_: str | None, *, commit: bool, history: bool) -> str:
    """The format that the options ask for.

    Raises:
        InputError: the path contradicts it, or is standard output and cannot hold it.
    """
    is_folder = bool(path) and expanded(path).is_dir()
    kind = format_ or ("directory" if is_folder else snapshot_format(path) or "json")
    if path == STANDARD_OUTPUT and (commit or history or kind == "directory"):
        cannot = "be committed" if commit else "hold histories" if history else "be a folder"
        raise InputError(f"Standard output cannot {cannot}.", "Name a path instead of the -.")
    if not is_folder:
        check_snapshot_path(path, kind)
    return kind


def _shown(done: SnapshotResult) -> dict[str, Any]:
    """The snapshot as the command's JSON."""
    return {
        "object_count": len(done.snapshot.entries),
        "snapshot_time": done.snapshot.time,
        "changed": done.changed,
        "full": done.full,
        "left": list(done.left),
        "left_out": [{"issue_number": one.number, "reason": one.reason} for one in done.problems],
    }


def _tell(run: Invocation, done: SnapshotResult) -> None:
    """Logs what a snapshot leaves out, and its notes."""
    for problem in done.problems:
        level = "WARNING" if problem.broken else "INFO"
        run.say(f"Issue #{problem.number} is not in the snapshot: {problem.reason}.", level=level)
    for remark in done.remarks:
        run.say(remark)


def _summary(done: SnapshotResult, where: str, verb: str, *, dry_run: bool) -> str:
    count = len(done.snapshot.entries)
    verb = f"would be {verb}" if dry_run and verb == "written" else verb
    return f"{count:,} object{'' if count == 1 else 's'} as of {done.snapshot.time}: {where} {verb}"


def _root(file: Path, commit: bool) -> Path:
    """The folder that serves as the workspace: the checkout or, without one, the root of the file system."""
    top = next((folder for folder in file.parents if (folder / ".git").exists()), None)
    if commit and top is None:
        raise StoreError(f"{str(file)!r} is not in a checkout.", "Omit --commit, or choose a path in a checkout.")
    return top or Path(file.anchor)


@command("site", "gh-store site --output _site")
@click.option("--output", metavar="DIR", required=True, help="The folder; other files in it stay.")
@click.option(
    "--snapshot-url",
    metavar="URL",
    default=SNAPSHOT_URL,
    show_default=True,
    help="The URL of the snapshot that the page reads, absolute or relative to the page.",
)
@dry_run
def site(output: str, snapshot_url: str, dry_run: bool) -> int:
    """Write the page that shows the store."""
    run = invocation()
    folder = expanded(output).absolute()
    done = write_site(
        run.session,
        run.workspace(_root(folder / "index.html", commit=False)),
        str(folder),
        snapshot_url,
        api_url=run.addresses.api,
        server_url=run.addresses.server,
        dry_run=dry_run,
    )
    value = {"path": str(folder), "files": done.files, "changed": bool(done.changed), "dry_run": dry_run}
    verb = "would be written" if dry_run else "written" if done.changed else "has not changed"
    run.screen.show(value, lambda console: console.print(f"page: {folder} {verb}"))
    return 0


@command("export", "gh-store export", "gh-store export --format csv --output tables")
@click.option(
    "--format",
    "kind",
    type=click.Choice(EXPORTS),
    default="sqlite",
    show_default=True,
    help="The format to write.",
)
@click.option("--output", metavar="PATH", help="The file, - for standard output, or the folder for csv and jsonl.")
def export(kind: str, output: str | None) -> int:
    """Write all objects and their full logs, for other programs.

    sqlite: a database for Datasette.  csv, jsonl: a folder with the tables objects and log.  events: the log with the
    change that each entry made, for replay.  It takes one request per hundred comments, and at least one per object.
    """
    run = invocation()
    if output == STANDARD_OUTPUT and kind in exports.FOLDERS:
        raise InputError(f"Standard output is not a folder, but {kind} writes one.", "Name a path instead of the -.")
    with tempfile.TemporaryDirectory() as passing:
        named = expanded(output or exports.DEFAULT[kind]).absolute()
        path = Path(passing) / "export" if output == STANDARD_OUTPUT else named
        exports.check(path, kind)
        reader = Reader(Lookup(run.session), warn=run.warn)
        count = exports.write(path, kind, Exporter(reader, run.screen.progress("objects read"), run.warn).everything())
        if output == STANDARD_OUTPUT:
            run.screen.copy(path)
            return 0
    said = f"{count:,} object{'' if count == 1 else 's'} with the log: {path} written"
    run.screen.show({"path": str(path), "format": kind, "object_count": count}, lambda console: console.print(said))
    return 0


COMMANDS = (snapshot, update_snapshot, site, export)
