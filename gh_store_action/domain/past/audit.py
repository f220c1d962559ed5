"""Problems of an object: folds its whole log and compares it with its body, title and labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gh_store_action.domain.log.entries import Entry
from gh_store_action.domain.log.fold import newest_checkpoint, tampered_since
from gh_store_action.domain.log.receipts import verdicts_given
from gh_store_action.domain.objects import Marker
from gh_store_action.domain.past import history
from gh_store_action.domain.past.history import ObjectLog, Point
from gh_store_action.domain.strict_json import InvalidJson, digest, read_body
from gh_store_action.domain.verdicts import APPLIED, reaction_of
from gh_store_action.hints import REPAIR, Text

BY_PROCESSING = Text("Process the issue, or run ", REPAIR, ".")
BY_REPAIR = Text("Run ", REPAIR, ": it keeps the verdict that the body shows.")
BY_COUNTING = Text("Run ", REPAIR, ": it counts the comments again.")
BY_HAND = "Put the object's JSON, and nothing else, into its body, then process the issue: its log holds no state."
BY_CHECKPOINT = Text("Run ", REPAIR, ": it enters the state as it is into the log.")


@dataclass(frozen=True)
class Problem:
    """One problem.

    Args:
        kind: `broken-body`, `drift`, `edited-comment`, `deleted-comments`, `late-comments`, `verdict-conflict`,
            `missing-receipt`, `missing-checkpoint`, `stranded-update`, `not-adopted`, `duplicate-id`, `missing-label`,
            `wrong-label`, `unfinished-move`, `leftover` or `unreadable`.
        comment_id: 0 if it is not about a comment.
        hint: what to do about it.
        repaired: whether it was repaired.
    """

    kind: str
    object_id: str
    issue_number: int
    comment_id: int
    message: str
    hint: str
    repaired: bool = False


def audit(log: ObjectLog, object_id: str) -> tuple[Problem, ...]:
    """All problems of one object whose whole log was read."""

    def problem(kind: str, message: str, hint: str = BY_PROCESSING, comment: int = 0) -> Problem:
        return Problem(kind, object_id, log.issue.number, comment, message, hint)

    found = [problem(*one) for one in _body(log)]
    stuck = any(one.kind == "broken-body" for one in found) and newest_checkpoint(log.entries) is None
    hint = BY_HAND if stuck else BY_PROCESSING
    found = [replace(one, hint=hint) for one in found]
    if log.marker is None:
        why = "its title has no marker: gh-store or a person wrote it, or a create was interrupted"
        found.append(problem("not-adopted", why, hint))
    else:
        found += [problem(*one) for one in _log(log, log.marker)]
    found += [problem(kind, message, hint, comment) for kind, message, hint, comment in _comments(log)]
    return tuple(found)


def _body(log: ObjectLog) -> Iterator[tuple[str, str]]:
    try:
        data = read_body(log.issue.body)
    except InvalidJson as error:
        yield "broken-body", f"its body cannot be read as an object: {error.reason}"
        return
    if log.marker is not None and not digest(data).startswith(log.marker.digest):
        by = log.issue.editor or "nobody known"
        yield "drift", f"its body is not what its title stands for; the body was last edited by {by}"


def conflicts(log: ObjectLog) -> tuple[Entry, ...]:
    """The updates with more than one verdict."""
    return tuple(entry for entry in log.entries if entry.asks and log.legacy < entry.id and len(_given(log, entry)) > 1)


def taken(log: ObjectLog) -> ObjectLog:
    """The log with conflicting verdicts read as `applied`, if the body contains those updates."""
    applied = {entry.id: APPLIED for entry in conflicts(log)}
    other = replace(log, verdicts={**log.verdicts, **applied})
    return other if applied and log.marker is not None and _gives(history.points(other), log.marker) else log


def _log(log: ObjectLog, marker: Marker) -> Iterator[tuple[str, str, str]]:
    states = history.points(taken(log))
    there = sum(1 for comment in log.issue.comments if comment.id <= marker.comment)
    if there < marker.count:
        yield "deleted-comments", f"{marker.count - there} comments of its log were deleted", BY_COUNTING
    if there > marker.count:
        yield "late-comments", f"{there - marker.count} comments exist that the body does not know", BY_PROCESSING
    if not history.checkpoints(log):
        yield "missing-checkpoint", "its log has no state to fold from", BY_CHECKPOINT
    elif not _gives(states, marker):
        yield "drift", "the fold of its log differs from its body: the log was changed later", BY_CHECKPOINT


def _gives(states: Sequence[Point], marker: Marker) -> bool:
    return bool(states) and digest(states[-1].data).startswith(marker.digest)


def _comments(log: ObjectLog) -> Iterator[tuple[str, str, str, int]]:
    edge = log.edge
    bases = history.checkpoints(log)
    since = max((base.after for base in bases), default=0)
    if log.marker is not None:
        for entry in tampered_since(log.entries, log.rules):
            by = entry.comment.editor
            yield "edited-comment", f"{by} edited it, and it was the store's own", BY_CHECKPOINT, entry.id
    for entry in log.entries:
        if not entry.asks:
            continue
        if entry.id > edge:
            if log.issue.closed:
                yield "stranded-update", "it is pending, and the issue is closed", BY_PROCESSING, entry.id
            continue
        if entry.id <= log.legacy:
            continue
        given = _given(log, entry)
        if len(given) > 1:
            yield (
                "verdict-conflict",
                f"it has more than one verdict: {', '.join(sorted(given))}",
                BY_REPAIR,
                entry.id,
            )
        if entry.id not in log.verdicts:
            yield "missing-receipt", "it is older than the body and has no verdict", BY_PROCESSING, entry.id
        elif since < entry.id and entry.comment.edited_at > log.issue.edited_at:
            by = entry.comment.editor
            yield "edited-comment", f"{by} edited it after its verdict; that changed nothing", BY_CHECKPOINT, entry.id


def _given(log: ObjectLog, entry: Entry) -> set[str]:
    return {reaction_of(one, log.rules.reactions) for one in verdicts_given(entry, log.rules, log.binding)}
