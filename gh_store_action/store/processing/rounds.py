"""One object's rounds: read, decide, one write that reads back, and again until nothing is left to do."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from gh_store_action.domain import objects
from gh_store_action.domain.patches.changes import Change
from gh_store_action.domain.processing.context import Context, PermissionUnknown
from gh_store_action.domain.processing.decide import decide
from gh_store_action.domain.processing.effects import (
    AskPermissions,
    LookRound,
    NotAnObject,
    ReadAgain,
    ReadFurther,
    Step,
    UpToDate,
    Write,
)
from gh_store_action.domain.processing.result import Result
from gh_store_action.domain.records import Issue, Receipt, Refusal
from gh_store_action.domain.strict_json import same_data
from gh_store_action.domain.verdicts import Counts, Verdict
from gh_store_action.errors import ConcurrentUpdateError, NotFinished, RefusedIssue, StoreError
from gh_store_action.gateway.records import Failure, Order, Written
from gh_store_action.gateway.refusals import UnknownEffect, explained
from gh_store_action.store.lookup import Lookup
from gh_store_action.store.processing.wants import Again, Further, Rest, Rounds, Wait, Want
from gh_store_action.store.session import Session

MOST_RECEIPTS = 50  # per request; larger batches of aliases hit GitHub's resource limits (github-facts, section 4)
MOST_CONTENT = 70  # reactions and comments per minute; GitHub's limit is 80 content-creating requests
MOST_CONTESTED = 10  # rounds in which someone else's write interfered
MOST_ROUNDS = 500  # far more than the receipts of a full issue take
MOST_LAGS = 3  # reads that wait for the event's comment
_WHOLE = ("fold", "check", "checkpoint", "reply")  # aliases about the issue, not one comment

Answer = TypeVar("Answer")
Part = Generator[Want, Any, Answer]


class Pace:
    """Counts the reactions and comments of the last minute, over all objects.

    Args:
        now: seconds.
        most: in so many seconds.
    """

    def __init__(self, now: Callable[[], float], most: int = MOST_CONTENT, seconds: float = 60) -> None:
        self._now = now
        self._most = most
        self._seconds = seconds
        self._recent: deque[float] = deque()

    def room(self, comments: int) -> int:
        """How many reactions may be sent with this many comments."""
        now = self._now()
        while self._recent and self._recent[0] <= now - self._seconds:
            self._recent.popleft()
        return max(0, self._most - len(self._recent) - comments)

    def take(self, count: int) -> None:
        """Counts what is sent now."""
        self._recent.extend([self._now()] * count)

    @property
    def pause(self) -> float:
        """Seconds until there is room, if there is none now."""
        return self._seconds - (self._now() - self._recent[0])


@dataclass
class Round:
    """What one object's rounds know so far."""

    issue: Issue
    context: Context
    object_id: str
    beside: str = ""
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    refusals: dict[int, Refusal] = field(default_factory=dict)
    changes: dict[int, Change] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    saved: dict[int, Verdict] = field(default_factory=dict)
    changed: bool = False
    contested: int = 0
    batch: int = MOST_RECEIPTS
    left: int = 0
    fruitless: int = 0
    refused: int = 0
    rounds: int = 0
    lags: int = 0


class Rounder:
    """Runs objects' rounds.

    Args:
        dry_run: decide, and write nothing.
        renew: count an object's comments again, see `Context`.
    """

    def __init__(self, session: Session, pace: Pace, *, dry_run: bool, renew: bool) -> None:
        self.session = session
        self.github = session.github
        self.pace = pace
        self.dry_run = dry_run
        self.renew = renew

    def rounds(self, issue: Issue, *, beside: str = "") -> Rounds:
        """Repeats until the read-back shows nothing to do; the first write, if any, also closes the issue `beside`."""
        if not self.dry_run:
            self.session.refuse_unknown_app()
        object_id = objects.object_id_of(issue, self.session.rules) or ""
        context = replace(self.session.context(object_id, issue.number), renew=self.renew)
        work = Round(issue, context, object_id, beside)
        try:
            return (yield from self._rounds(work))
        except StoreError as error:
            return self._failed(work, error)

    def _rounds(self, work: Round) -> Rounds:
        while True:
            work.rounds += 1
            if work.rounds > MOST_ROUNDS:
                raise StoreError(
                    f"Issue #{work.issue.number} was not finished in {MOST_ROUNDS} rounds.",
                    "Nothing is lost. Try again, and please report it if it happens again.",
                )
            step = self._decide(work)
            if isinstance(step, ReadFurther):
                work.issue = yield Further(work.issue, step.until)
            elif isinstance(step, ReadAgain):
                yield from self._read_again(work, step)
            elif isinstance(step, AskPermissions):
                work.context = self.session.ask(work.context, work.object_id, step)
            elif isinstance(step, LookRound):
                work.context = replace(work.context, beside=Lookup(self.session).beside(work.issue, work.object_id))
            elif isinstance(step, NotAnObject):
                return self._left_alone(work, step)
            elif isinstance(step, UpToDate):
                return self._result(work, step, step.blocked)
            else:
                self._note(work, step)
                if self.dry_run or not (yield from self._carry_out(work, step)):
                    return self._result(work, step, step.blocked)

    def _left_alone(self, work: Round, step: NotAnObject) -> Result:
        if work.changed and not step.deleted:
            raise ConcurrentUpdateError(
                f"Issue #{work.issue.number} stopped being an object while this run wrote to it: {step.reason}.",
                "If the object was moved without these updates, post them again in its new issue.",
            )
        found = Result(work.issue.number, work.object_id, skipped=step.reason, moved_to=step.moved_to)
        closed = work.issue.closed
        return replace(found, changed=work.changed, closed=closed, issue=work.issue, beside=work.beside)

    def _read_again(self, work: Round, step: ReadAgain) -> Part[None]:
        """Waits a few times for GitHub to show a consistent state.

        Raises:
            NotFinished: it does not; nothing is decided from such a read.
        """
        waited = work.lags < MOST_LAGS and (yield Wait(2.0**work.lags, step.why))
        if not waited:
            raise NotFinished(
                f"Issue #{work.issue.number} cannot be processed now: {step.why}.",
                "Nothing was written, and its updates stay pending. Try again later.",
            )
        work.lags += 1
        work.issue = yield Again(work.issue)

    def _decide(self, work: Round) -> Step:
        try:
            return decide(work.issue, work.context)
        except PermissionUnknown as unknown:
            raise self.session.unknown(unknown.login) from None

    def _note(self, work: Round, step: Write) -> None:
        work.verdicts.update(step.verdicts)
        for comment in step.verdicts:
            work.refusals.pop(comment, None)
        work.refusals.update({refusal.comment_id: refusal for refusal in step.refusals})
        work.changes.update({change.comment_id: change for change in step.changes})
        work.notes += [note for note in step.notes if note not in work.notes]
        work.left = len(step.receipts)

    def _carry_out(self, work: Round, step: Write) -> Part[bool]:
        """One write and its read-back; returns whether to go on with another round."""
        receipts = yield from self._paced(work, step)
        if receipts is None:
            return False
        before = work.issue
        order = Order(
            before,
            title=step.title,
            body=step.body,
            close=step.close or (before.closed and not step.blocked),
            checkpoint=step.checkpoint,
            reply=step.reply,
            receipts=receipts,
            beside=work.beside,
        )
        try:
            written = yield order
        except UnknownEffect as error:
            yield from self._pause(work, error)
            work.batch = max(1, work.batch // 2)
            work.issue = yield Again(before)
            return True
        sent = step.title is not None
        title, body = (step.title, step.body or "") if sent else (before.title, before.body)
        revised = sent and objects.revises(before, step.marker)
        if sent and written.title == title and same_data(written.body or "", body):
            work.changed = work.changed or revised
            work.saved.update({} if step.checkpoint else step.verdicts)
        if written.issue is None and not before.locked and any(failure.locked for failure in written.failures):
            written = replace(written, issue=(yield Again(before)))  # a lock refuses the read-back, too
        yield from self._heed(work, step, written)
        after = written.issue or (yield Again(before))
        work.issue = after
        failed = {failure.alias for failure in written.failures}
        work.beside = work.beside if "beside" in failed else ""
        if "lock" in failed:
            work.notes.append("GitHub did not lock the conversation again. Lock it by hand.")
        if failed:
            work.batch = max(1, work.batch // 2)
        confirmed = after.title == title and same_data(after.body, body)
        if confirmed:
            work.refused = work.refused if written.failures else 0
            work.changed = work.changed or revised
            owed = tuple(r for r in step.receipts if r not in receipts or r in written.missing(order))
            work.context = replace(
                work.context,
                known={**work.context.known, **step.verdicts},
                owed=owed,
                own_title=after.title if sent else work.context.own_title,
            )
            self._say_overwritten(work, before, after)
            yield from self._insist(work, step)
            work.saved.update(step.verdicts)
        else:
            work.saved.clear()
            work.changed = work.changed or (written.title is not None and revised)
            work.context = replace(work.context, known={}, owed=(), own_title="")
            self._contest(work, step)
        if written.failures and confirmed and not sent:
            return self._try_again(work, step)
        return True

    def _paced(self, work: Round, step: Write) -> Part[tuple[Receipt, ...] | None]:
        """As many receipts as the pace allows; the body never waits.  None: only receipts, and no time left."""
        comments = bool(step.checkpoint) + bool(step.reply)
        alone = step.title is None and not comments and not step.close
        while not (room := self.pace.room(comments)) and alone:
            if not (yield Wait(math.ceil(self.pace.pause) + 1, "GitHub allows 80 reactions and comments per minute")):
                work.notes.append(f"The next run will add {len(step.receipts)} reactions.")
                return None
        chosen = step.receipts[: min(room, work.batch)]
        self.pace.take(len(chosen) + comments)
        return chosen

    def _heed(self, work: Round, step: Write, written: Written, error: StoreError | None = None) -> Part[None]:
        """Raises for what another round would not fix; pauses, as GitHub asks, after what may pass.

        What a lock refuses that came after the read, and that the read-back shows, is left to the next round, which
        unlocks the issue first.
        """
        new_lock = written.issue is not None and written.issue.locked and not work.issue.locked
        failures = [failure for failure in written.failures if not (new_lock and failure.locked)]
        for failure in failures:
            if failure.known or (failure.lasting and failure.alias in _WHOLE):
                raise self._refusal(failure, step)
        if written.body is not None and written.title == step.title and not same_data(written.body, step.body or ""):
            raise NotFinished(
                f"GitHub saved the title of {step.object_id}, but not the body that was sent.",
                "The next run rebuilds the body from the log. If it fails again, make the object smaller.",
            )
        refused = [f for f in failures if f.limited or (f.alias in _WHOLE and f.alias != "check")]
        if refused and refused[0].limited:
            work.refused += 1
            yield Rest(last=work.refused >= self.github.transport.retries.max_attempts)
        elif refused:
            yield from self._pause(work, error or self._refusal(refused[0], step))

    def _refusal(self, failure: Failure, step: Write) -> StoreError:
        if self.session.wrote and failure.lasting and not failure.known:
            return RefusedIssue(
                f"GitHub does not allow the token to write this issue: {failure.quoted}.",
                "The token may write others, so the reason is about this issue: do what it asks for. "
                "Its updates stay pending until then.",
            )
        repository = self.github.repository
        return explained(failure, "write issues", repository, {"issues": "write"}, object_id=step.object_id)

    def _pause(self, work: Round, error: StoreError) -> Part[None]:
        """Waits longer after each failed write in a row; raises the error after too many."""
        retries = self.github.transport.retries
        work.refused += 1
        last = work.refused >= retries.max_attempts
        if last or not (yield Wait(retries.backoff_factor**work.refused, error.what.rstrip("."))):
            raise error

    def _contest(self, work: Round, step: Write) -> None:
        work.contested += 1
        if work.contested > MOST_CONTESTED:
            raise ConcurrentUpdateError(
                f"#{work.issue.number} ({step.object_id}) could not be finished in {MOST_CONTESTED} rounds: "
                "others wrote at the same time.",
                "Nothing is lost; the rest is pending. Set `concurrency` by issue in the workflow, and try again.",
            )

    def _try_again(self, work: Round, step: Write) -> bool:
        """Leaves receipts that keep failing to the next run, if the body is right."""
        work.fruitless += 1
        if work.fruitless < MOST_LAGS:
            return True
        work.notes.append(f"{len(step.receipts)} reactions could not be added. The next run tries again.")
        return False

    def _insist(self, work: Round, step: Write) -> Part[None]:
        """Sends a checkpoint again that did not arrive: the body depends on it."""
        error = NotFinished(
            f"GitHub did not save the checkpoint of {step.object_id}.",
            "The body is right. Try again: the next run adds the checkpoint to the log.",
        )
        for _ in range(MOST_LAGS):
            if not step.checkpoint or any(same_data(c.body, step.checkpoint) for c in work.issue.comments):
                return
            written = yield Order(work.issue, checkpoint=step.checkpoint)
            yield from self._heed(work, step, written, error)
            work.issue = written.issue or (yield Again(work.issue))
        raise error

    def _say_overwritten(self, work: Round, before: Issue, after: Issue) -> None:
        """GitHub has no compare-and-swap: an edit saved between a read and its write is lost, so report it."""
        known = {*before.body_edits, *((before.created_at, login) for _, login in after.body_edits)}
        for edit in after.body_edits:
            if edit not in known and edit[1] not in self.session.counting:
                work.notes.append(
                    f"This run overwrote an edit of the body that {edit[1]} saved at the same time. "
                    "The edit history has it."
                )

    def _failed(self, work: Round, error: StoreError) -> Result:
        """The result of a failed object, with what GitHub has saved before the failure."""
        return Result(
            number=work.issue.number,
            object_id=work.object_id,
            counts=Counts.of(work.saved.values()),
            changed=work.changed,
            closed=work.issue.closed,
            refusals=tuple(work.refusals[key] for key in sorted(work.refusals) if key in work.saved),
            notes=tuple(work.notes),
            changes=tuple(work.changes[key] for key in sorted(work.changes) if key in work.saved),
            error=error,
            issue=work.issue,
        )

    def _result(self, work: Round, step: UpToDate | Write, blocked: int) -> Result:
        refusals = tuple(work.refusals[key] for key in sorted(work.refusals))
        would = False
        if self.dry_run and isinstance(step, Write) and step.title is not None:
            would = objects.revises(work.issue, step.marker)
        return Result(
            number=work.issue.number,
            object_id=step.object_id,
            state=step.state,
            counts=Counts.of(work.verdicts.values()),
            pending=blocked,
            receipts_left=work.left if isinstance(step, Write) and not self.dry_run else 0,
            comments=work.issue.total_comments,
            changed=work.changed or would,
            closed=work.issue.closed,
            refusals=refusals,
            notes=tuple(work.notes),
            changes=tuple(work.changes[key] for key in sorted(work.changes)),
            beside=work.beside,
            issue=work.issue,
        )
