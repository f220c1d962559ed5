"""All objects of a store at one moment: read in full, or brought up to date by what changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from gh_store_action.domain import objects
from gh_store_action.domain.snapshots import snapshot as snapshots
from gh_store_action.domain.snapshots.snapshot import Changed, Filling, Snapshot, with_problems
from gh_store_action.errors import BudgetExhausted, ConcurrentUpdateError, GitHubError
from gh_store_action.gateway.records import PAGE, Page, pages
from gh_store_action.store.session import Session
from gh_store_action.workspace.spool import Pile

Progress = Callable[[int, int], None]
PASSES = 10  # over the changes, while others change more than a page every few seconds
TRIES = 3  # at a full reading, while issues are permanently deleted
ANSWER_TAKES = 10  # seconds at most between GitHub's read and the date of its response (rate-limits, "Timeouts")


@dataclass(frozen=True)
class _Found:
    """The result of the passes over the changes.

    Args:
        total: the number of issues with the base label in the last response.
        overrun: more issues changed than the store has, so they were not all read.
    """

    changed: Changed
    total: int
    overrun: bool = False

    @property
    def missing(self) -> int:
        """How many more issues the store has than are known; negative if some were permanently deleted."""
        return self.total - self.changed.snapshot.knows()


class Collector:
    """Reads a store's objects.

    Args:
        progress: called with issues read and total issues.
        page: issues per request.
    """

    def __init__(self, session: Session, progress: Progress = lambda done, total: None, *, page: int = PAGE) -> None:
        self.session = session
        self.github = session.github
        self.transport = session.github.transport
        self.page = page
        self.keep = Pile().put
        self.unread: list[GitHubError] = []  # of the latest reading: why issues are not in it
        self._say = progress
        self._read = self._total = 0

    def full(self) -> Changed:
        """Every object: one request for each hundred issues, and one for what changed in the meantime.

        Raises:
            BudgetExhausted: says how far it got.
            ConcurrentUpdateError: issues or objects kept being deleted during the reading.
        """
        try:
            before: _Found | None = None
            for _ in range(TRIES):
                found = self._all()
                # GitHub may count issues that it shows to no one; then the same number is missing again.
                counted = not found.missing or (before is not None and found.missing == before.missing > 0)
                if counted and not found.changed.unsure:
                    return found.changed
                before = found
        except BudgetExhausted as error:
            raise self._told_how_far(error) from error
        raise ConcurrentUpdateError(
            f"The store lost objects during each of {TRIES} readings, so no consistent snapshot could be taken.",
            "Nothing was written. Try again when fewer objects are being deleted.",
        )

    def changes(self, before: Snapshot) -> tuple[Changed | None, str]:
        """The snapshot with what changed; None with the reason if it takes a full one."""
        self._begin()
        try:
            found = self._merged(before, before.since, bounded=True)
        except BudgetExhausted as error:
            raise self._told_how_far(error) from error
        if before.rules != snapshots.fingerprint(self.session.rules):
            return (
                None,
                "the configuration's label, prefix or processors have changed",
            )
        if self.transport.newest_time and before.time > self.transport.newest_time:
            return None, f"its time, {before.time}, is in the future"
        if found.overrun:
            return None, "more issues changed than the store has"
        if found.changed.unsure:
            return None, "an object was deleted, and another issue may have its id"
        if self.unread:  # a later one would begin after what changed there
            return None, "GitHub did not show all of an issue that changed"
        if found.missing:
            return None, f"the store has {found.total} issues, and {found.changed.snapshot.knows()} are known"
        return found.changed, ""

    def again(self, before: Changed) -> tuple[Changed, str]:
        """The same store now: one request for up to a hundred changes; in full for the reason that it returns.

        Raises:
            StoreError: as for `full` and `changes`.
        """
        found, why = self.changes(before.snapshot)
        if found is None:
            return self.full(), why
        return with_problems(before, found), ""

    def deleted(self) -> frozenset[str]:
        """The ids of the store's deleted objects, as `objects.key`: one request for each hundred."""
        rules, found = self.session.rules, set[str]()

        def page_from(cursor: str | None) -> Page:
            return self.session.listed(cursor, deleted=True)

        for page in pages(page_from(None), page_from):
            for issue in page.issues:
                if not objects.has_label(issue, rules.base_label):
                    found.add(objects.key(objects.claimed_id(issue, rules), rules))
        return frozenset(found)

    def _begin(self) -> None:
        self._read = self._total = 0
        self.unread = []

    def _all(self) -> _Found:
        self._begin()
        page = self._asked(None)
        start = self.transport.newest_time
        rules = snapshots.fingerprint(self.session.rules)
        filling = self._filling(Snapshot(self.github.repository, {}, rules=rules))
        while True:
            filling.put(page.issues)
            self._progress(len(page.issues), page.total)
            if self._read <= page.size:
                self.transport.afford(page.rest + page.points, page.points)  # one more for what changed since
            if page.cursor is None:
                break
            page = self._asked(page.cursor)
        # Then what changed while the pages were read, so that the snapshot shows one moment.
        found = self._answered(filling.changed())
        del filling  # what it keeps beside the entries is large, and the next one has the same
        since = snapshots.shifted(start, -ANSWER_TAKES - snapshots.OVERLAP) if start else found.snapshot.since
        late = self._merged(found.snapshot, since, bounded=False)
        return replace(late, changed=with_problems(found, late.changed))

    def _merged(self, snapshot: Snapshot, since: str, *, bounded: bool) -> _Found:
        """Adds what changed since then, until the result shows one moment.

        One response does.  Between two, an issue that changes in the last second of the first would be missed, so the
        next one begins before that second.  If more than a page changed in it, only the cursor leads on, and everything
        is read again until nothing new is found.
        """
        filling: Filling | None = None
        for again in range(PASSES):
            before, crowded, cursor = snapshot, False, None
            while True:
                page = self._asked(cursor, since)
                filling = filling or self._filling(snapshot)  # the first response brings the rules
                filling.put(page.issues)
                if bounded:
                    self._progress(len(page.issues), page.total)
                if bounded and page.cursor is not None and page.total > max(page.store_total, self.page):
                    return _Found(filling.changed(), page.store_total, overrun=True)
                if bounded and self._read <= page.size:
                    self.transport.afford(page.rest, page.points)
                if page.cursor is None:
                    break
                if not page.issues:  # GitHub answered null for each, so no time says how far this page came
                    crowded, cursor = True, page.cursor
                    continue
                ended = page.issues[-1].updated_at
                over = snapshots.shifted(ended, -snapshots.OVERLAP)
                recent = snapshots.shifted(self.transport.newest_time or ended, -ANSWER_TAKES - snapshots.OVERLAP)
                if ended >= recent and over > since:
                    since, cursor = over, None
                else:
                    crowded, cursor = crowded or ended >= recent, page.cursor
            found = self._answered(filling.changed())
            snapshot = found.snapshot
            if not crowded or (again and snapshot == before):
                return _Found(found, page.store_total)
        raise ConcurrentUpdateError(
            "The store changed faster than it could be read, so no consistent snapshot could be taken.",
            "Nothing was written. Try again when fewer objects are being changed.",
        )

    def _answered(self, found: Changed) -> Changed:
        """What was found, if GitHub said of everybody whether they may write: otherwise, an object may be missing.

        Raises:
            PermissionUnknown: it did not say so of somebody.
        """
        for problem in found.problems:
            if problem.silent:
                raise self.session.unknown(problem.silent)
        return found

    def _filling(self, snapshot: Snapshot) -> Filling:
        return Filling(snapshot, self.session.rules, self.session.may_write, self.keep)

    def _asked(self, cursor: str | None, since: str | None = None) -> Page:
        page = self.session.listed(cursor, first=self.page, since=since, any_label=since is not None, lacking=True)
        self.unread += page.unread
        self.page = page.size  # a size that GitHub timed out on once will time out again
        return page

    def _progress(self, read: int, total: int) -> None:
        self._read += read
        self._total = max(total, self._read)
        self._say(self._read, self._total)

    def _told_how_far(self, error: BudgetExhausted) -> BudgetExhausted:
        return error.reworded(
            f"{error.what} Nothing was written: {self._read:,} of {self._total:,} issues read;",
            f"try again after {error.again}.",
        )
