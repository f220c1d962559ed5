"""The action's modes: each takes a `Run`, does its work through the modules of that name, and reports."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence

from gh_store_action.action import object_modes
from gh_store_action.action.report import Report, SummaryRow, refusal_rows
from gh_store_action.action.run import DONE, FAILED, Run, progress
from gh_store_action.action.wording import explained, in_inputs
from gh_store_action.domain.commit_message import Author
from gh_store_action.domain.markdown import markdown_text
from gh_store_action.domain.objects import COMMENT_LIMIT
from gh_store_action.domain.processing.result import Result
from gh_store_action.domain.snapshots import leaving
from gh_store_action.domain.strict_json import canonical
from gh_store_action.snapshots.making import SnapshotResult, Snapshots, Target
from gh_store_action.snapshots.site import write_site
from gh_store_action.store.forms.handling import Desk
from gh_store_action.store.lookup import Lookup

WARN_COMMENTS = 2_000
ALARM_COMMENTS = 2_400
MANY_STRANGERS = 20  # updates of one run by people who may not write


def process(run: Run) -> int:
    """One issue, or without a number everything that has something pending."""
    settings = run.settings
    if settings.event_issue_is_pull_request and settings.issue_number == settings.event_issue_number:
        run.report.notice(f"#{settings.issue_number} is a pull request, no stored object; nothing to do.")
        run.report.result("The event is about a pull request; nothing to do.")
        return DONE
    desk = Desk(Lookup(run.session), dry_run=settings.dry_run)
    if settings.issue_number is not None:
        results = [desk.process(settings.issue_number, event_comment=settings.event_comment_id)]
    else:
        results = desk.sweep(progress(run.report, "objects looked at"))
    return _report_processing(run, results, sweep=settings.issue_number is None)


def _report_processing(run: Run, results: Sequence[Result], *, sweep: bool) -> int:
    report, session = run.report, run.session
    for result in results:
        _report_one(run, result)
    touched = [r for r in results if not r.skipped]
    applied, refused = sum(r.applied for r in results), sum(r.counts.refused for r in results)
    pending = sum(r.pending for r in results)
    failed = [r for r in results if r.error is not None]
    if sweep:
        many = f"{len(touched)} object{'s' if len(touched) != 1 else ''} had something pending"
        report.result(f"{run.would}{many}: {applied} applied, {refused} refused, {pending} still pending.")
        if not results:
            report.info("No object has something pending; nothing to do.")
    elif touched:
        report.result(f"{run.would}{applied} applied, {refused} refused, {pending} still pending.")
    report.changed([r.object_id for r in results if r.changed])
    report.output("processed", sum(r.processed for r in results))
    report.output("rejected", refused)
    report.output("pending", pending)
    if not sweep and touched:
        _output_object(report, touched[0])
    for login, reason in session.refusals_to_say.items():
        report.error(
            f"The updates of {login} stay pending: GitHub did not say whether {login} may write. {in_inputs(reason)}",
            title="Permission unknown",
        )
    if failed or pending:
        return FAILED
    if run.settings.fail_on_rejected and any(r.rejected for r in results):
        report.error("An update was refused, and `fail-on-rejected` is true; the summary says which and why.")
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
        report.notice(f"Issue #{result.number} is left alone: {result.skipped}.")
        report.result(f"Issue #{result.number} is left alone: {result.skipped}.")
        return
    report.row(
        SummaryRow(
            object_id=result.object_id,
            issue_number=result.number,
            issue_url=url,
            revision=result.state.revision if result.state else None,
            applied=result.applied,
            refused=result.counts.refused,
            what=_what(result),
        )
    )
    report.info(f"{name}: {_what(result)}")
    _warn_of_the_cap(report, name, result)
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
            )


def _warn_of_the_cap(report: Report, name: str, result: Result) -> None:
    """GitHub takes 2,500 comments an issue, whoever posts them; long before that somebody has to act."""
    many = sum(refusal.unauthorized for refusal in result.refusals)
    if many >= MANY_STRANGERS:
        report.warning(
            f"{name}: {many} updates of this run are by people who may not write, and an issue takes {COMMENT_LIMIT:,} "
            f"comments. Where that goes on, lock the conversation of issue #{result.number}: whoever may write goes on,"
            " and so does the store. For all issues, limit interactions in the settings, under Moderation options.",
            title="Many strangers",
        )
    said = f"{name}: the issue has {result.comments:,} of the {COMMENT_LIMIT:,} comments that GitHub takes"
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


def snapshot(run: Run) -> int:
    """All objects, read again."""
    return _report_snapshot(run, _snapshots(run).make())


def update_snapshot(run: Run) -> int:
    """All objects, what has changed read again."""
    return _report_snapshot(run, _snapshots(run).update())


def _snapshots(run: Run) -> Snapshots:
    settings = run.settings
    target = Target(
        path=settings.output or "",
        format=settings.format,
        commit=settings.commit,
        message=settings.commit_message,
        author=str(settings.commit_author),
        branch=settings.branch,
        fallback_branch=settings.ref_name,
        via_api=settings.commit_via == "api",
        repository=run.workspace.environ.get("GITHUB_REPOSITORY", ""),
    )
    if target.via_api and settings.commit_author != Author():
        run.report.notice("The input `commit-author` has no effect with `commit-via: api`: the author is the token's.")
    return Snapshots(
        run.session,
        run.workspace,
        target,
        dry_run=settings.dry_run,
        allow_shrink=settings.allow_shrink,
        progress=progress(run.report, "issues read"),
    )


def _report_snapshot(run: Run, result: SnapshotResult) -> int:
    report = run.report
    count = len(result.snapshot.entries)
    for problem in result.problems:
        if problem.broken:
            report.warning(
                f"Issue #{problem.number} is not in the snapshot: {problem.reason}. Fix it, or take its labels off.",
                title="Left out",
            )
        else:
            report.info(f"Issue #{problem.number} is not in the snapshot: {problem.reason}.")
    for remark in result.remarks:
        report.notice(remark)
    if len(result.left) > leaving.NAMED:
        listed = markdown_text(leaving.named(result.left, leaving.LISTED), limit=10_000)
        report.detail(f"Not in the snapshot any more: {listed}")
    sha = result.published.sha if result.published else ""
    objects = f"{count} object{'s' if count != 1 else ''} as of {result.snapshot.time}" if count else "0 objects"
    if sha and result.published:
        said = f"{objects} in {result.path}, pushed to {result.published.branch} as {sha[:10]}."
    elif result.changed and result.published:
        said = f"{objects} in {result.path}; the branch {result.published.branch} has it already."
    elif result.changed:
        said = f"{objects} in {result.path}" + ("." if run.settings.dry_run else ", not committed.")
    else:
        said = f"{objects} in {result.path}; nothing has changed."
    report.result(run.would + said)
    report.info(run.would + said)
    report.changed(result.changed_ids, changed=result.changed)
    report.output("snapshot-path", result.path)
    report.output("object-count", count)
    report.output("commit-sha", sha)
    return DONE


def site(run: Run) -> int:
    """The page that shows the store."""
    settings = run.settings
    done = write_site(
        run.session,
        run.workspace,
        settings.output or "",
        settings.snapshot_url,
        api_url=settings.api_url,
        server_url=settings.server_url,
        dry_run=settings.dry_run,
    )
    changed = f"{len(done.changed)} of its {done.files} files changed" if done.changed else "nothing has changed"
    run.report.result(f"{run.would}The page is in {done.path}; {changed}.")
    run.report.info(f"{run.would}The page is in {done.path}; {changed}.")
    run.report.output("changed", bool(done.changed))
    return DONE


MODES: Mapping[str, Callable[[Run], int]] = {
    "process": process,
    "snapshot": snapshot,
    "update-snapshot": update_snapshot,
    "create": object_modes.create,
    "get": object_modes.get,
    "update": object_modes.update,
    "delete": object_modes.delete,
    "restore": object_modes.restore,
    "history": object_modes.history,
    "verify": object_modes.verify,
    "site": site,
}
