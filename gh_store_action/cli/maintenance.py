"""Commands that keep a store in order: process-updates, sweep, verify, migrate, dedupe, roll-over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

import click
from rich.console import Console

from gh_store_action.cli.drawing import nothing_written, table
from gh_store_action.cli.invocation import Invocation, invocation
from gh_store_action.cli.objects.showing import show
from gh_store_action.cli.options import command, dry_run
from gh_store_action.cli.output import naming_the_nearest, result, what
from gh_store_action.cli.wording import explained, in_options
from gh_store_action.domain.processing.result import Result
from gh_store_action.errors import InputError, StoreError
from gh_store_action.store.verifying import repairable


@command("process-updates", "gh-store process-updates 1", "gh-store process-updates --issue 1")
@click.argument("number", type=click.IntRange(1), metavar="N", required=False)
@click.option("--issue", type=click.IntRange(1), metavar="N", help="The number of the issue, as an option.")
@dry_run
def process_updates(number: int | None, issue: int | None, dry_run: bool) -> int:
    """Apply the pending updates of one object.  N is the number of its issue."""
    if (number is None) == (issue is None):
        given = "twice" if number else "nowhere"
        raise InputError(f"The number of the issue is given {given}.", "Give it once: gh-store process-updates 1.")
    issue = number or issue or 0
    run = invocation()
    return _shown(run, lambda: [run.store(dry_run=dry_run).process(issue)], dry_run=dry_run, single=True)


@command("sweep", "gh-store sweep", "gh-store sweep --dry-run")
@dry_run
def sweep(dry_run: bool) -> int:
    """Apply all pending updates in the store."""
    run = invocation()
    return _shown(
        run, lambda: run.store(dry_run=dry_run).sweep(run.screen.progress("objects processed")), dry_run=dry_run
    )


def _shown(run: Invocation, process: Callable[[], Sequence[Result]], *, dry_run: bool, single: bool = False) -> int:
    """Shows the results; if an error ends the command, those of before it, and raises the error."""
    failure: StoreError | None = None
    try:
        results = process()
    except StoreError as error:
        if not error.results:
            raise
        results, failure = error.results, error
    code = _told(run, results)
    values = [{**result(one), "dry_run": dry_run} for one in results]
    run.screen.show(values[0] if single else values, lambda console: _draw(console, results, dry_run=dry_run))
    if failure is not None:
        raise failure
    return code


def _told(run: Invocation, results: Sequence[Result]) -> int:
    """Reports each result; returns 1 if something is not finished."""
    for one in results:
        name = one.object_id or f"#{one.number}"
        if one.error is not None:
            run.screen.error(f"{name}: {explained(one.error)}")
        elif one.skipped:
            run.say(f"Skipped issue #{one.number}: {one.skipped}.", level="WARNING")
        for note in one.notes:
            run.say(f"{name}: {note}")
        for refusal in one.refusals:
            why = "; ".join(map(str, refusal.reasons)) or "its author may not write here"
            run.say(f"{name}: {refusal.what} by {refusal.author} was refused: {why}", level="WARNING")
    for line in run.session.silences:
        run.screen.error(in_options(line))
    return 1 if any(one.error is not None or one.pending for one in results) else 0


def _draw(console: Console, results: Sequence[Result], *, dry_run: bool) -> None:
    rows = [
        (
            (one.object_id, "bold"),
            (f"#{one.number}" if one.number else "", "dim"),
            f"{one.state.revision}" if one.state else "",
            (what(one), "red" if one.error else "yellow" if one.pending or one.refusals else ""),
        )
        for one in results
    ]
    if rows:
        console.print(table(("Object", "Issue", "Revision", "What"), rows, numbers=("Revision",)))
    else:
        console.print("nothing is pending")
    if dry_run:
        nothing_written(console, "The table shows what would be done." if rows else "Nothing to do.")


@command("verify", "gh-store verify", "gh-store verify metrics --repair")
@click.argument("object_id", metavar="[ID]", required=False)
@click.option("--repair", is_flag=True, help="Fix what the log can fix.")
@dry_run
def verify(object_id: str | None, repair: bool, dry_run: bool) -> int:
    """Check every object, or one, against its log.  Exits with code 1 if a problem is left unrepaired."""
    run = invocation()
    with naming_the_nearest(run, object_id or ""):
        store = run.store(dry_run=dry_run)
        problems = store.verify(object_id, repair, progress=run.screen.progress("objects verified"))

    tried = [repair and dry_run and repairable(one) for one in problems]

    def draw(console: Console) -> None:
        rows = [
            (
                (one.object_id, "bold"),
                (f"#{one.issue_number}", "dim"),
                (one.kind, "yellow"),
                in_options(one.message)
                + ("" if one.repaired or would or not one.hint else f"\n→ {in_options(one.hint)}"),
                ("repaired", "green")
                if one.repaired
                else (("would be repaired", "green") if would else ("not repaired", "red")),
            )
            for one, would in zip(problems, tried, strict=True)
        ]
        console.print(table(("Object", "Issue", "Problem", "What", ""), rows) if rows else "no problems found")
        if dry_run:
            nothing_written(console, _would_repair(sum(tried), len(problems)))

    value = [
        {**asdict(one), "would_repair": would, "dry_run": dry_run} for one, would in zip(problems, tried, strict=True)
    ]
    run.screen.show(value, draw)
    return 1 if any(not one.repaired for one in problems) else 0


def _would_repair(some: int, problems: int) -> str:
    if not problems:
        return "Nothing to repair."
    if not some:
        return "Nothing would be repaired. --repair fixes what the log can fix."
    return f"{some} of {problems} problems would be repaired, if the log can fix them."


@command("migrate", "gh-store migrate --dry-run", "gh-store migrate")
@dry_run
def migrate(dry_run: bool) -> int:
    """Adopt a store that gh-store 0.5 to 0.11 wrote.  Its history stays; --dry-run lists what would change."""
    run = invocation()
    found = run.store(dry_run=dry_run).migrate(dry_run)

    def draw(console: Console) -> None:
        rows = [
            (
                (one.object_id, "bold"),
                (f"#{one.issue_number}", "dim"),
                one.form,
                f"{one.applied}",
                f"{one.rejected}",
                (in_options(one.problem), "red")
                if one.problem
                else ("adopted" if one.done else "would be adopted", "green"),
            )
            for one in found
        ]
        head = ("Object", "Issue", "Written by", "Applied", "Rejected", "What")
        console.print(table(head, rows, numbers=head[3:5]) if rows else "nothing to adopt")
        if dry_run:
            nothing_written(console, "The table shows what would be done." if rows else "Nothing to do.")

    run.screen.show([{**asdict(one), "dry_run": dry_run} for one in found], draw)
    return 1 if any(one.problem for one in found) else 0


@command("dedupe", "gh-store dedupe --dry-run", "gh-store dedupe")
@dry_run
def dedupe(dry_run: bool) -> int:
    """Merge issues for the same object, such as gh-store's aliases.  The object gets what it lacks; if both have a
    value, it keeps its own.  A duplicate loses its labels and keeps its comments.  An alias stays an alias.
    """
    run = invocation()
    found = run.store(dry_run=dry_run).dedupe(dry_run)

    def draw(console: Console) -> None:
        rows = [
            (
                (one.object_id, "bold"),
                (f"#{one.issue_number}", "dim"),
                (f"#{one.kept_in}" if one.kept_in else "", "dim"),
                ", ".join(one.added),
                (", ".join(one.differs), "yellow"),
                (in_options(one.problem), "red")
                if one.problem
                else ("merged" if one.done else "would be merged", "green"),
            )
            for one in found
        ]
        head = ("Object", "Issue", "Kept in", "Added", "Left as it is", "What")
        console.print(table(head, rows) if rows else "no object has a duplicate")
        if dry_run:
            nothing_written(console, "The table shows what would be done." if rows else "Nothing to do.")

    run.screen.show([{**asdict(one), "dry_run": dry_run} for one in found], draw)
    return 1 if any(one.problem for one in found) else 0


@command("roll-over", "gh-store roll-over metrics")
@click.argument("object_id", metavar="ID")
@dry_run
def roll_over(object_id: str, dry_run: bool) -> int:
    """Move an object to a new issue, where its history continues.  GitHub allows 2,500 comments per issue."""
    run = invocation()
    with naming_the_nearest(run, object_id):
        found = run.store(dry_run=dry_run).roll_over(object_id)
    would = f"{object_id} would be moved from issue #{found.meta.issue_number} to a new one:" if dry_run else ""
    return show(run, found, would=would, dry_run=dry_run)


COMMANDS = (process_updates, sweep, verify, migrate, dedupe, roll_over)
