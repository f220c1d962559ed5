"""The action's modes: each takes a `Run`, calls the modules that do the work, and reports."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

from gh_store_action.action.report import Report
from gh_store_action.action.run import DONE, FAILED, Run, progress
from gh_store_action.action.summary import SummaryRow, refusal_rows
from gh_store_action.action.wording import explained, in_inputs
from gh_store_action.domain.objects import COMMENT_LIMIT
from gh_store_action.domain.processing.result import Result
from gh_store_action.domain.strict_json import canonical
from gh_store_action.errors import StoreError
from gh_store_action.store.forms.handling import Desk
from gh_store_action.store.lookup import Lookup

WARN_OF_CONVERSATION = 500  # comments, if most of the newest are conversation
WARN_COMMENTS = 2_000
ALARM_COMMENTS = 2_400
MANY_STRANGERS = 20  # updates in one run by people who may not write


def process(run: Run) -> int:
    """Process one issue or, without a number, every object with pending updates."""
    settings = run.settings
    if settings.event_issue_is_pull_request and settings.issue_number == settings.event_issue_number:
        run.report.notice(f"#{settings.issue_number} is a pull request, not a stored object. Nothing to do.")
        run.report.result("The event is about a pull request. Nothing to do.")
        return DONE
    desk = Desk(Lookup(run.session), dry_run=settings.dry_run)
    sweep = settings.issue_number is None
    try:
        if settings.issue_number is not None:
            results = [desk.process(settings.issue_number, event_comment=settings.event_comment_id)]
        else:
            results = desk.sweep(progress(run.report, "objects checked"))
    except StoreError as error:
        if error.results:
            _report_processing(run, error.results, sweep=sweep)
        raise
    return _report_processing(run, results, sweep=sweep)


def _report_processing(run: Run, results: Sequence[Result], *, sweep: bool) -> int:
    report, session = run.report, run.session
    for result in results:
        _report_one(run, result)
    touched = [r for r in results if not r.skipped]
    applied, refused = sum(r.applied for r in results), sum(r.counts.refused for r in results)
    pending = sum(r.pending for r in results)
    failed = [r for r in results if r.error is not None]
    if sweep:
        many = f"{len(touched)} object{'s' if len(touched) != 1 else ''} had pending updates"
        report.result(f"{run.would}{many}: {applied} applied, {refused} refused, {pending} still pending.")
        if not results:
            report.info("No object has pending updates. Nothing to do.")
    elif touched:
        report.result(f"{run.would}{applied} applied, {refused} refused, {pending} still pending.")
    report.changed([r.object_id for r in results if r.changed])
    report.output("processed", sum(r.processed for r in results))
    report.output("rejected", refused)
    report.output("pending", pending)
    if not sweep and touched:
        _output_object(report, touched[0])
    for line in session.silences:
        report.error(in_inputs(line), title="Permission unknown")
    if failed or pending:
        return FAILED
    if run.settings.fail_on_rejected and any(r.rejected for r in results):
        report.error("An update was refused, and `fail-on-rejected` is true. See the job summary for the reason.")
        return FAILED
    return DONE


def _report_one(run: Run, result: Result) -> None:
    report, url = run.report, run.session.issue_url(result.number)
    name = result.object_id or f"#{result.number}"
    if result.error is not None:
        report.error(f"{name}: {explained(result.error)}", title="Not finished")
        if result.error.detail:
            report.detail(result.error.detail)
    elif result.skipped:
        report.notice(f"Skipped issue #{result.number}: {result.skipped}.")
        report.result(f"Skipped issue #{result.number}: {result.skipped}.")
        return
    report.row(
        SummaryRow(
            object_id=result.object_id,
            issue_number=result.number or None,
            issue_url=url,
            revision=result.state.revision if result.state else None,
            applied=result.applied,
            refused=result.counts.refused,
            what=_what(result),
        )
    )
    report.changes(result.object_id, url, result.changes)
    report.info(f"{name}: {_what(result)}")
    _warn_of_the_cap(report, name, result, run.session.counting)
    for note in result.notes:
        report.notice(f"{name}: {note}")
    for refusal in result.refusals:
        link = f"{url}#issuecomment-{refusal.comment_id}" if refusal.comment_id else url
        rows = refusal_rows(result.object_id, refusal, link)
        for row in rows:
            report.refusal(row)
        if not refusal.unauthorized:
            first = rows[0]
            report.warning(
                f"{name}: {refusal.what} by {refusal.author} was refused. "
                f"{first.path + ': ' if first.path else ''}{first.reason}",
                title="Update refused",
                listed=False,
            )


def _warn_of_the_cap(report: Report, name: str, result: Result, counting: frozenset[str]) -> None:
    """Warn long before an issue reaches 2,500 comments, GitHub's limit, no matter who posts them."""
    many = sum(refusal.unauthorized for refusal in result.refusals)
    cure = (
        f"If this continues, lock the conversation of issue #{result.number}. The store and people with write access "
        "can still comment. For all issues, limit interactions in the settings, under Moderation options."
    )
    if many >= MANY_STRANGERS:
        report.warning(
            f"{name}: this run refused {many} updates by people who may not write, and an issue can have at most "
            f"{COMMENT_LIMIT:,} comments. {cure}",
            title="Many unauthorized updates",
        )
    elif WARN_OF_CONVERSATION <= result.comments < WARN_COMMENTS and result.is_mostly_talk(counting):
        report.warning(
            f"{name}: the issue has {result.comments:,} of the {COMMENT_LIMIT:,} comments that GitHub allows, and most "
            f"of the newest are conversation. {cure}",
            title="Mostly conversation",
        )
    said = f"{name}: the issue has {result.comments:,} of the {COMMENT_LIMIT:,} comments that GitHub allows"
    if result.comments >= ALARM_COMMENTS:
        report.error(f"{said}. Run `gh-store roll-over {shlex.quote(result.object_id)}` now.", title="Nearly full")
    elif result.comments >= WARN_COMMENTS:
        report.warning(f"{said}. Plan `gh-store roll-over {shlex.quote(result.object_id)}`.", title="Filling up")


def _what(result: Result) -> str:
    if result.error is not None:
        return f"not finished: {in_inputs(result.error.what)}"
    return result.said


def _output_object(report: Report, result: Result) -> None:
    report.output("object-id", result.object_id)
    report.output("issue-number", result.number)
    report.output("revision", result.state.revision if result.state else None)
    report.output("digest", result.digest)
    report.output("object", canonical(result.state.data) if result.state else None)


def _elsewhere(room: str, name: str) -> Callable[[Run], int]:
    """A mode in another module, imported only when it runs: the usual run is a `process` with little to do."""

    def mode(run: Run) -> int:
        found: Callable[[Run], int] = getattr(import_module(f"{__package__}.{room}"), name.replace("-", "_"))
        return found(run)

    return mode


_ROOMS = {
    "snapshot_modes": ("snapshot", "update-snapshot", "site"),
    "object_modes": ("create", "get", "update", "delete", "restore", "history", "verify"),
}
MODES: Mapping[str, Callable[[Run], int]] = {
    "process": process,
    **{name: _elsewhere(room, name) for room, names in _ROOMS.items() for name in names},
}
