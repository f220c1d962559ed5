"""The action's modes that write files: snapshot, update-snapshot, site."""

from __future__ import annotations

from urllib.parse import quote

from gh_store_action.action.run import DONE, Run, progress
from gh_store_action.action.summary import Link
from gh_store_action.domain.commit_message import Author
from gh_store_action.domain.markdown import markdown_text
from gh_store_action.domain.snapshots import leaving
from gh_store_action.snapshots.making import SnapshotResult, Snapshots, Target
from gh_store_action.snapshots.site import write_site


def snapshot(run: Run) -> int:
    """Write all objects, each read again."""
    return _report_snapshot(run, _snapshots(run).make())


def update_snapshot(run: Run) -> int:
    """Bring a snapshot up to date: read only what changed."""
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
                f"Issue #{problem.number} is not in the snapshot: {problem.reason}. Fix it, or remove its labels.",
                title="Left out",
            )
        else:
            report.info(f"Issue #{problem.number} is not in the snapshot: {problem.reason}.")
    for remark in result.remarks:
        report.notice(remark)
    if len(result.left) > leaving.NAMED:
        listed = markdown_text(leaving.named(result.left, leaving.LISTED), limit=10_000)
        report.detail(f"No longer in the snapshot: {listed}")
    sha = result.published.sha if result.published else ""
    objects = f"{count} object{'s' if count != 1 else ''} as of {result.snapshot.time}" if count else "0 objects"
    after: tuple[str | Link, ...] = ("; nothing changed.",)
    if sha and result.published:
        after = (f", pushed to {result.published.branch} as ", Link(sha[:10], _at(run, result, "commit")), ".")
    elif result.changed and result.published:
        after = (f"; the branch {result.published.branch} already has it.",)
    elif result.changed:
        after = ("." if run.settings.dry_run else ", not committed.",)
    kind = "tree" if run.settings.format == "directory" else "blob"
    said = (f"{run.would}{objects} in ", Link(result.path, _at(run, result, kind)), *after)
    report.result(*said)
    report.info("".join(part if isinstance(part, str) else part.text for part in said))
    report.changed(result.changed_ids, changed=result.changed)
    report.output("snapshot-path", result.path)
    report.output("object-count", count)
    report.output("commit-sha", sha)
    return DONE


def _at(run: Run, result: SnapshotResult, kind: str) -> str:
    """The page of the snapshot's commit, or of its file or folder there; empty if none is known."""
    done = result.published
    if done is None or not done.sha or not done.repository:
        return ""
    place = f"/{quote(done.path)}" if kind != "commit" else ""
    return f"{run.session.server_url}/{done.repository}/{kind}/{done.sha}{place}"


def site(run: Run) -> int:
    """Write the page that shows the store."""
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
    changed = f"{len(done.changed)} of its {done.files} files changed" if done.changed else "nothing changed"
    run.report.result(f"{run.would}The page is in {done.path}; {changed}.")
    run.report.info(f"{run.would}The page is in {done.path}; {changed}.")
    run.report.output("changed", bool(done.changed))
    return DONE
