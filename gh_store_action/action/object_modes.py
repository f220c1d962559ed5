"""The action's modes on single objects: create, get, update, delete, restore, history, verify."""

from __future__ import annotations

import json
from dataclasses import asdict

from gh_store_action.action.run import DONE, FAILED, Run, progress
from gh_store_action.action.summary import RefusalRow, SummaryRow, data_block, refusal_rows
from gh_store_action.action.wording import explained, in_inputs
from gh_store_action.domain.names import DEFAULT_MODE
from gh_store_action.domain.records import Refusal, StoredMeta, StoredObject
from gh_store_action.domain.strict_json import InvalidJson, Json, canonical, parse
from gh_store_action.errors import ConcurrentUpdateError, InputError, InvalidUpdate
from gh_store_action.regular_files import DATA_LIMIT
from gh_store_action.store.creating import Creator
from gh_store_action.store.deleting import Change, Deleter
from gh_store_action.store.lookup import Lookup
from gh_store_action.store.reading import Reader
from gh_store_action.store.updating import Updated, Updater, in_step, update_of
from gh_store_action.store.verifying import Problem, Verifier


def create(run: Run) -> int:
    """Create an object."""
    value = _data(run)
    creator = Creator(Lookup(run.session), dry_run=run.settings.dry_run)
    made = creator.create(run.settings.object_id, value)
    _say(run, made.meta, "created" if not run.settings.dry_run else "would be created")
    run.report.detail(data_block(made.data))
    run.report.changed([made.meta.object_id])
    _outputs(run, made)
    return DONE


def get(run: Run) -> int:
    """Output an object, as it is or as it was."""
    settings = run.settings
    found = Reader(Lookup(run.session), warn=run.report.warning).get(
        settings.object_id, revision=settings.revision, at=settings.at
    )
    _say(run, found.meta, "read")
    run.report.detail(data_block(found.data))
    run.report.changed([])
    run.report.output("pending", found.meta.pending)
    if settings.output:
        _write(run, {"data": found.data, "meta": asdict(found.meta)})
    _outputs(run, found)
    return DONE


def update(run: Run) -> int:
    """Post an update.  By default this run also folds it: a comment by the workflow's own token starts no workflow."""
    settings = run.settings
    mode = settings.update_mode if settings.update_mode != DEFAULT_MODE else None  # the user may not have chosen it
    wanted = update_of(_data(run), mode, if_revision=settings.if_revision, if_digest=settings.if_digest)
    repeat = ""
    if settings.step:
        wanted = in_step(wanted, settings.object_id, settings.step, settings.attempt)
        repeat = "It is safe to re-run this job. The update is not posted twice."
    updater = Updater(Lookup(run.session), dry_run=settings.dry_run, warn=run.report.warning, repeat=repeat)
    try:
        outcome = updater.update(settings.object_id, wanted, apply=settings.apply)
    except (InvalidUpdate, ConcurrentUpdateError) as error:
        if not error.reasons:
            raise
        return _refused_early(run, error)
    return _report_update(run, outcome)


def _refused_early(run: Run, error: InvalidUpdate | ConcurrentUpdateError) -> int:
    """Report an update refused before it was posted.  The run fails only with `fail-on-rejected`."""
    report = run.report
    report.row(SummaryRow(run.settings.object_id, applied=0, refused=1, what="the update is refused"))
    for path, reason in error.reasons:
        report.refusal(RefusalRow(run.settings.object_id, run.session.viewer, reason, path))
    report.warning(explained(error), title="Update refused", listed=False)
    report.result(in_inputs(error.what))
    report.output("object-id", run.settings.object_id)
    report.changed([])
    for name, value in (("processed", 1), ("rejected", 1), ("pending", 0)):
        report.output(name, value)
    return _verdict(run, 1)


def _report_update(run: Run, outcome: Updated) -> int:
    report, result, meta = run.report, outcome.result, outcome.object.meta
    rejected = 0 if result is None else result.counts.refused
    pending = result.pending if result is not None else meta.pending
    for refusal in result.refusals if result else ():
        _refusal(run, meta, refusal)
    report.changes(meta.object_id, run.session.issue_url(meta.issue_number), result.changes if result else ())
    said = "applied" if result else "posted; the next `process` run applies it"
    if run.settings.dry_run:
        said = "would be posted and applied" if run.settings.apply else "would be posted"
    elif outcome.refusal is not None:
        said = "refused"
    elif pending and result is not None:
        said = "posted, and still pending"
    if outcome.repeated:
        run.report.notice(
            f"{meta.object_id}: an earlier attempt of this step posted the same update "
            f"(comment {outcome.comment_id}). It counts once."
        )
    counts = (None, None) if result is None else (result.applied, rejected)
    _say(run, meta, f"the update is {said}" if not run.settings.dry_run else f"the update {said}", *counts)
    would = run.settings.dry_run and run.settings.apply and not outcome.repeated
    report.changed([meta.object_id] if (result.changed if result else would) else [])
    report.output("processed", result.processed if result else 0)
    report.output("rejected", rejected)
    report.output("pending", pending)
    _outputs(run, outcome.object)
    for note in result.notes if result else ():
        report.notice(f"{meta.object_id}: {note}")
    if result is not None and result.pending:
        for line in run.session.silences:
            report.error(in_inputs(line))
        return FAILED
    return _verdict(run, rejected)


def _refusal(run: Run, meta: StoredMeta, refusal: Refusal) -> None:
    url = f"{run.session.issue_url(meta.issue_number)}#issuecomment-{refusal.comment_id}"
    rows = refusal_rows(meta.object_id, refusal, url)
    for row in rows:
        run.report.refusal(row)
    if not refusal.unauthorized:
        where = f"{rows[0].path}: " if rows[0].path else ""
        run.report.warning(
            f"{meta.object_id}: update {refusal.comment_id} by {refusal.author} was refused. {where}{rows[0].reason}",
            title="Update refused",
            listed=False,
        )


def _verdict(run: Run, rejected: int) -> int:
    if rejected and run.settings.fail_on_rejected:
        run.report.error("An update was refused, and `fail-on-rejected` is true. See the job summary for the reason.")
        return FAILED
    return DONE


def delete(run: Run) -> int:
    """Delete an object.  Its log stays."""
    settings = run.settings
    deleter = Deleter(Lookup(run.session), dry_run=settings.dry_run)
    change = deleter.delete(settings.object_id, if_revision=settings.if_revision, if_digest=settings.if_digest)
    return _report_change(run, change, "deleted", "was already deleted")


def restore(run: Run) -> int:
    """Bring a deleted object back."""
    change = Deleter(Lookup(run.session), dry_run=run.settings.dry_run).restore(run.settings.object_id)
    return _report_change(run, change, "restored", "is not deleted")


def _report_change(run: Run, change: Change, done: str, before: str) -> int:
    said = before
    if change.changed:
        said = f"would be {done}" if run.settings.dry_run else done
    _say(run, change.meta, said)
    run.report.changed([change.meta.object_id] if change.changed else [])
    _identity(run, change.meta)
    return DONE


def history(run: Run) -> int:
    """Write an object's history to the output `object` or to a file."""
    past = Reader(Lookup(run.session)).past(run.settings.object_id)
    entries = past.entries
    meta = Lookup(run.session).meta(past.issue, None, version=past.points[-1].revision if past.points else None)
    _say(run, meta, f"{len(entries)} history entries")
    for entry in entries:
        issue = run.session.issue_url(entry["metadata"]["issue_number"])
        run.report.entry(entry, f"{issue}#issuecomment-{entry['comment_id']}")
    run.report.changed([])
    if run.settings.output:
        _write(run, entries)
    run.report.output("object-id", meta.object_id)
    run.report.output("issue-number", meta.issue_number)
    run.report.output("revision", meta.version)
    run.report.output("object", entries)
    return DONE


def verify(run: Run) -> int:
    """Fold every log and compare.  Fails if a problem is left unrepaired."""
    settings, report = run.settings, run.report
    verifier = Verifier(
        Lookup(run.session),
        repair=settings.repair,
        dry_run=settings.dry_run,
        progress=progress(report, "objects checked"),
    )
    found = verifier.verify(settings.object_id or None, settings.issue_number)
    for problem in found:
        _report_problem(run, problem)
    left = [problem for problem in found if not problem.repaired]
    looked = f"{verifier.looked_at} object{'' if verifier.looked_at == 1 else 's'} verified"
    report.result(f"{run.would}{looked}: {len(found)} problems, {len(found) - len(left)} repaired.")
    report.info(f"{looked}: {len(found)} problems, {len(left)} left.")
    report.changed(sorted({problem.object_id for problem in found if problem.repaired}))
    report.output("object", [asdict(problem) for problem in found])
    if left:
        report.error(f"{len(left)} problems left. See the job summary for what to do.", title="Verify")
        return FAILED
    return DONE


def _report_problem(run: Run, problem: Problem) -> None:
    url = run.session.issue_url(problem.issue_number)
    name = problem.object_id or f"#{problem.issue_number}"
    what, hint = f"{problem.kind}: {in_inputs(problem.message)}", in_inputs(problem.hint)
    run.report.row(
        SummaryRow(
            object_id=problem.object_id,
            issue_number=problem.issue_number,
            issue_url=f"{url}#issuecomment-{problem.comment_id}" if problem.comment_id else url,
            what=f"{what} (repaired)" if problem.repaired else f"{what}. {hint}",
        )
    )
    if problem.repaired:
        run.report.notice(f"{name}: {what}. Repaired.", title="Repaired")
    else:
        run.report.warning(f"{name}: {what}. {hint}", title="Problem")


# -- what the modes share ----------------------------------------------------------------------------------------------


def _data(run: Run) -> Json:
    """The input `data`, or the file that `data-file` names."""
    settings = run.settings
    text = settings.data
    name = "The input `data`"
    if settings.data_file:
        name = f"The file {settings.data_file!r}"
        found = run.workspace.read(settings.data_file, DATA_LIMIT)
        if found is None:
            raise InputError(f"{name} does not exist.", "Name a file in the workspace, after actions/checkout.")
        try:
            text = found.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise InputError(f"{name} is not UTF-8 text.", "Save it as UTF-8.") from None
    try:
        return parse(text or "")
    except InvalidJson as error:
        raise InputError(f"{name} is not valid JSON: {error.reason}.", "Fix it. Nothing was written.") from None


def _write(run: Run, value: object) -> None:
    path = run.workspace.check_output(run.settings.output or "")
    text = json.dumps(value, ensure_ascii=False, indent=2) + "\n"
    run.workspace.write({path: text.encode()})
    run.report.info(f"Wrote {path}.")


def _outputs(run: Run, found: StoredObject) -> None:
    _identity(run, found.meta)
    run.report.output("digest", found.meta.digest)
    run.report.output("object", canonical(found.data))


def _identity(run: Run, meta: StoredMeta) -> None:
    run.report.output("object-id", meta.object_id)
    run.report.output("issue-number", meta.issue_number or None)
    run.report.output("revision", meta.version)


def _say(run: Run, meta: StoredMeta, what: str, applied: int | None = None, refused: int | None = None) -> None:
    report = run.report
    url = run.session.issue_url(meta.issue_number) if meta.issue_number else ""
    number = meta.issue_number or None
    report.row(SummaryRow(meta.object_id, number, url, meta.version, applied, refused, what))
    report.result(f"{run.would}{meta.object_id}: {what}.")
    report.info(f"{meta.object_id}: {what}.")
