"""Mode: bring one object, or all of them, up to date."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from gh_store_action.domain.objects import has_label
from gh_store_action.domain.processing.result import Result
from gh_store_action.domain.records import Issue
from gh_store_action.errors import GitHubError, StoreError
from gh_store_action.gateway.records import PAGE
from gh_store_action.store.processing.batches import Driver, Task
from gh_store_action.store.processing.rounds import MOST_LAGS, Pace, Rounder
from gh_store_action.store.processing.wants import Again, Rounds
from gh_store_action.store.reading import keeps_label, lost_label, name_of, sweep_pages, waiting
from gh_store_action.store.session import Session

AN_OBJECT = 3  # points that one usually takes at most: to read it, to look for others with its id, to write it
UNKNOWN = "(unknown)"  # in the place of an id
STORE = "(store)"  # the same, where something concerns all objects
AT_ONCE = 20  # objects that a sweep folds together, so that each was read only a few requests before its write


class Processor:
    """Folds pending updates.

    Args:
        now: seconds, for the pace of reactions and comments.
        dry_run: decide, and write nothing.
        renew: count the comments of an object again, see `Context`.
    """

    def __init__(
        self, session: Session, *, dry_run: bool = False, renew: bool = False, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.session = session
        self.github = session.github
        self._rounder = Rounder(session, Pace(now), dry_run=dry_run, renew=renew)
        self._driver = Driver(session)

    def process(self, number: int, *, event_comment: int | None = None) -> Result:
        """Brings one object up to date: two requests, one when there is nothing to do.

        Args:
            event_comment: the event's comment; the read has to contain it.

        Raises:
            StoreError: it cannot be finished; the rest stays pending.  Its `results` have what was written.
        """
        return self.advance(self.read(number, event_comment))

    def read(self, number: int, comment: int | None = None) -> Issue:
        """The issue, read again a few times if a replica does not show the event's comment, which may be deleted."""
        reading = self.github.read(number, rules=self.session.unlearned)
        self.session.learn(reading)
        issue = reading.issues[0]
        for attempt in range(MOST_LAGS):
            if comment is None or any(c.id >= comment for c in issue.comments):
                break
            if not self.github.transport.wait(2.0**attempt, "GitHub does not show the event's comment yet"):
                break
            issue = self.github.now(issue.number)
        return issue

    def advance(self, issue: Issue, *, beside: str = "") -> Result:
        """Repeats until the read-back shows nothing to do; the first write, if any, also closes the issue `beside`."""
        return self._driver.alone(issue, self._rounder.rounds(issue, beside=beside))

    def sweep(self, progress: Callable[[int, int], None] = lambda done, all_: None) -> list[Result]:
        """Every object with pending updates, by issue number; the page of the latest changes comes first.

        Objects are folded while the store is listed, many in one request.  One object's failure does not stop the
        others, and one with a long log does not hold them up.  An issue that GitHub does not show has the number 0.
        `progress` is called with objects done and known.

        Raises:
            StoreError: the listing fails; what it found before is folded, and in the error's `results`.
        """
        results: list[Result] = []
        tasks: list[Task] = []
        found = _Found(self.session)
        while tasks or not found.ended:
            if not found.ended and not any(task.patience == 0 for task in tasks):
                tasks += [Task(issue, self._from(issue)) for issue in found.more()]
            if not tasks:
                continue
            progress(len(results), len(results) + len(tasks))
            tasks.sort(key=lambda task: task.patience)
            self._driver.turn(tasks[: self._at_once])
            ended = [task for task in tasks if task.want is None]
            tasks = [task for task in tasks if task.want is not None]
            results += [self._of(task) for task in ended if not task.ends_the_run]
            if last := [task for task in ended if task.ends_the_run]:
                left = len(last) + len(tasks)
                note = _left(len(results), left, more=not found.ended)
                ending = self._of(last[0])
                results.append(replace(ending, pending=left, notes=(*ending.notes, note)))
                for task in [*last[1:], *tasks]:
                    task.cut_short()
                    # No later run will report what this one wrote.
                    results += [replace(one, error=task.error) for one in task.saved]
                return sorted(results, key=lambda result: result.number)
        if found.error is not None:
            found.error.results = results
            raise found.error
        if found.lost or self._lost_label(results):
            results.append(Result(0, STORE, error=lost_label(self.session)))
        results += [Result(0, UNKNOWN, error=error) for error in found.unread]
        progress(len(results), len(results))
        return sorted(results, key=lambda result: result.number)

    @property
    def _at_once(self) -> int:
        """How many objects the points that are left suffice for."""
        left = self.github.transport.points_left
        return AT_ONCE if left is None else max(1, min(AT_ONCE, left // AN_OBJECT))

    def _from(self, issue: Issue) -> Rounds:
        """The rounds of an issue that a listing has shown."""
        now = yield Again(issue)
        return (yield from self._rounder.rounds(now))

    def _of(self, task: Task) -> Result:
        """What became of an object."""
        failed = Result(task.issue.number, name_of(task.issue, self.session.rules), error=task.error)
        return task.result or failed

    def _lost_label(self, results: Sequence[Result]) -> bool:
        """Whether the base label disappeared during the run; asks only if an object has lost it."""
        rules = self.session.rules
        labels = (rules.base_label, rules.archived_label)
        bare = any(one.issue and not any(has_label(one.issue, label) for label in labels) for one in results)
        return bare and not keeps_label(self.session)


class _Found:
    """What a listing finds, page by page, longest waiting first; an error comes after what was found.

    It is `lost` if the base label disappeared between two pages, which looks like the end of the list.
    """

    def __init__(self, session: Session) -> None:
        self.ended = self.lost = False
        self.error: StoreError | None = None
        self.unread: list[GitHubError] = []
        self._session = session
        self._seen: set[int] = set()  # for pages shift while they are read
        self._pages = sweep_pages(session)
        self._issues: list[Issue] = []
        self._more = True

    def more(self) -> list[Issue]:
        """What the next page has, or a part of it where few points are left."""
        try:
            if not self._issues:
                page = next(self._pages)
                self._issues = [issue for issue in page.issues if issue.number not in self._seen]
                self._seen.update(issue.number for issue in self._issues)
                self._more = page.cursor is not None
                self.unread += page.unread
                self.lost = bool(self._seen) and not (page.labelled or page.issues)
            part, self._issues = self._issues[-self._looks :], self._issues[: -self._looks]
            self.ended = not self._more and not self._issues
            return waiting(self._session, part)[::-1]
        except StoreError as error:
            self.ended, self.error = True, error
            return []

    @property
    def _looks(self) -> int:
        """How many issues may be looked at closely, ten for a point, so that one can be read and written besides."""
        left = self._session.github.transport.points_left
        return PAGE if left is None else max(1, min(PAGE, 10 * (left - AN_OBJECT)))


def _left(done: int, left: int, *, more: bool) -> str:
    total = f"at least {done + left}" if more else f"{done + left}"
    return f"The run ended after {done} of {total} objects. The others are still pending; the next run will find them."
