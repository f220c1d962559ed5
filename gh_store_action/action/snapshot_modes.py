"""The action's modes that write files: snapshot, update-snapshot, site."""

from __future__ import annotations

from gh_store_action.action.run import DONE, Run, progress
from gh_store_action.domain.commit_message import Author
from gh_store_action.domain.markdown import markdown_text
from gh_store_action.domain.snapshots import leaving
from gh_store_action.snapshots.making import SnapshotResult, Snapshots, Target
from gh_store_action.snapshots.site import write_site


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
        history=settings.history,
        commit=settings.commit,
        message=settings.commit_message,
        author=str(settings.commit_author),
        branch=settings.branch,
        fallback_branch=settings.ref_name,
        via_api=settings.commit_via == "api",
        repository=run.workspace.environ.get("GITHUB_REPOSITORY", ""),
        keep=settings.keep or 0,
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
