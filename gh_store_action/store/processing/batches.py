"""Drives objects' rounds: does what they ask for, for many objects in as few requests as GitHub allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import cast

from gh_store_action.domain.processing.result import Result
from gh_store_action.domain.records import Issue
from gh_store_action.errors import (
    AccessDeniedError,
    BudgetExhausted,
    GitHubError,
    LockedIssue,
    NotFinished,
    RefusedIssue,
    StoreError,
)
from gh_store_action.gateway.issues import gone
from gh_store_action.gateway.records import Order, Written
from gh_store_action.gateway.refusals import UnknownEffect
from gh_store_action.gateway.transport import Cancelled
from gh_store_action.store.processing.wants import Again, Further, Rest, Rounds, Wait, Want
from gh_store_action.store.session import Session

MOST_READ = 20  # issues per request; with their comments and reactions, far below GitHub's node limit
MOST_WRITTEN = 10  # issues per request, fewer after a failure: a large write hits GitHub's time limit halfway
MOST_STEPS = 60  # per request, for all its issues together (github-facts, section 4)
_CUT_SHORT = "The run ended before this object was finished."
MOST_AHEAD = 5  # requests for one object's log before others get their turn


class Task:
    """One object's rounds so far: they want something, or have ended with a result, an error or both."""

    def __init__(self, issue: Issue, rounds: Rounds) -> None:
        self.issue = issue
        self.want: Want | None = None
        self.result: Result | None = None
        self.error: StoreError | None = None
        self._rounds = rounds
        self.go(None)

    def go(self, answer: object) -> None:
        """Answers the last request of the rounds and goes on to the next."""
        self._on(lambda: self._rounds.send(answer))

    def fail(self, error: StoreError) -> None:
        """The same with a failure."""
        self._on(lambda: self._rounds.throw(error))

    def _on(self, step: Callable[[], Want]) -> None:
        self.want = None
        try:
            self.want = step()
        except StopIteration as end:
            self.result = end.value
            self.error = end.value.error
        except StoreError as error:
            self.error = error

    @property
    def patience(self) -> int:
        """Objects that read a long log let others go first; those that wait let all others go first."""
        return 2 if isinstance(self.want, Wait | Rest) else int(isinstance(self.want, Further))

    def cut_short(self) -> None:
        """The run ends before the object is finished."""
        if self.want is not None:
            self.fail(NotFinished(_CUT_SHORT, "What was written stays, and the next run does the rest."))

    @property
    def saved(self) -> list[Result]:
        """Its result without its error, if anything was written; otherwise nothing, and the next run will report it."""
        done = self.result
        return [replace(done, error=None)] if done and (done.changed or done.processed) else []

    @property
    def ends_the_run(self) -> bool:
        """Whether the next object would fail the same way."""
        return self.error is not None and ends_the_run(self.error)


class Driver:
    """Carries out what objects' rounds want."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.github = session.github
        self._most = MOST_WRITTEN

    def alone(self, issue: Issue, rounds: Rounds) -> Result:
        """Runs one object's rounds to their end.

        Raises:
            StoreError: it cannot be finished; the rest stays pending.
        """
        task = Task(issue, rounds)
        while task.want is not None:
            self.turn([task])
        if task.result is None or task.error is not None:
            error = cast(StoreError, task.error)
            error.results = task.saved
            raise error
        return task.result

    def turn(self, tasks: Sequence[Task]) -> None:
        """Does what the most urgent of them want, many in one request; raises an error that ends the run."""
        first = min(task.patience for task in tasks)
        for part in self._parts([task for task in tasks if task.patience == first]):
            try:
                answers = self._answers(part)
            except StoreError as error:
                if isinstance(error, UnknownEffect):
                    self._fewer_than(len(part))
                for task in part:
                    task.fail(error)
            else:
                for task, answer in zip(part, answers, strict=True):
                    if isinstance(answer, StoreError):
                        task.fail(answer)
                    else:
                        task.go(answer)
            if any(task.ends_the_run for task in part):
                return

    def _parts(self, tasks: Sequence[Task]) -> Iterator[list[Task]]:
        """Groups of tasks for one request or one pause each, in order."""
        left = list(tasks)
        while left:
            kind = type(left[0].want)
            alike = [task for task in left if type(task.want) is kind]
            part, steps = alike[:1], _steps(alike[0])
            for task in alike[1 : self._most_of(kind)]:
                steps += _steps(task)
                if steps > MOST_STEPS:
                    break
                part.append(task)
            left = [task for task in left if task not in part]
            yield part

    def _most_of(self, kind: type[object]) -> int | None:
        return {Order: self._most, Again: MOST_READ, Further: 1}.get(kind)

    def _answers(self, part: Sequence[Task]) -> Sequence[object]:
        """The answers to their requests, which are all of one kind."""
        wants = [task.want for task in part]
        if orders := [want for want in wants if isinstance(want, Order)]:
            return self._written(orders)
        if reads := [want.issue for want in wants if isinstance(want, Again)]:
            return self._read(reads)
        transport = self.github.transport
        if waits := [want for want in wants if isinstance(want, Wait)]:
            longest = max(waits, key=lambda wait: wait.seconds)
            return [transport.wait(longest.seconds, longest.why)] * len(part)
        if rests := [want for want in wants if isinstance(want, Rest)]:
            transport.rest(last=any(rest.last for rest in rests))
            return [None] * len(part)
        (further,) = [want for want in wants if isinstance(want, Further)]
        return [self.github.extend(further.issue, further.until, self.session.viewer, most=MOST_AHEAD)]

    def _written(self, orders: Sequence[Order]) -> Sequence[Written]:
        written = self.github.write(*orders, viewer=self.session.viewer)
        # Noted before any refusal is handled: it shows that the token may write.
        self.session.wrote = self.session.wrote or any(one.title is not None for one in written)
        if any(failure.strained for one in written for failure in one.failures):
            self._fewer_than(len(orders))
        return written

    def _fewer_than(self, failed: int) -> None:
        """Writes fewer objects at a time: one may be the cause, and the third attempt writes each by itself."""
        self._most = max(1, min(self._most, failed) // 3)

    def _read(self, issues: Sequence[Issue]) -> Sequence[Issue | StoreError]:
        if len(issues) == 1:
            return [self.github.now(issues[0].number)]
        try:
            found = self.github.again(issues)
        except StoreError as error:
            if ends_the_run(error):
                raise
            return [self._by_itself(issue) for issue in issues]  # one of them may be the cause
        return [found.get(issue.number) or gone(issue.number) for issue in issues]

    def _by_itself(self, issue: Issue) -> Issue | StoreError:
        try:
            return self.github.now(issue.number)
        except StoreError as error:
            return error


def _steps(task: Task) -> int:
    return task.want.steps if isinstance(task.want, Order) else 0


def ends_the_run(error: StoreError) -> bool:
    """Whether the next object would fail the same way: no permission, no budget, no GitHub."""
    if isinstance(error, LockedIssue | RefusedIssue | NotFinished):
        return False
    lasting = isinstance(error, AccessDeniedError | BudgetExhausted | Cancelled)
    return lasting or (isinstance(error, GitHubError) and error.status == 0)
