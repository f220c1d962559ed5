"""All objects of a store as of one moment: read in full, or brought up to date by what has changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from gh_store_action.domain import objects
from gh_store_action.domain.snapshots import snapshot as snapshots
from gh_store_action.domain.snapshots.snapshot import Changed, Filling, Snapshot, with_problems
from gh_store_action.errors import BudgetExhausted, ConcurrentUpdateError
from gh_store_action.gateway.records import PAGE, Page, pages
from gh_store_action.store.session import Session

Progress = Callable[[int, int], None]
PASSES = 10  # over what changed, while others change more than a page of it every few seconds
TRIES = 3  # of a full reading, while issues are deleted for good
ANSWER_TAKES = 10  # seconds at most between what GitHub read and the date of its answer (rate-limits, "Timeouts")


@dataclass(frozen=True)
class _Found:
    """What the passes over the changes came to.

    Args:
        total: how many issues with the base label the store had in the last answer.
        overrun: more issues changed than the store holds, so they were not read to the end.
    """

    changed: Changed
    total: int
    overrun: bool = False

    @property
    def missing(self) -> int:
        """How many more issues the store has than are known; below zero where some were deleted for good."""
        return self.total - self.changed.snapshot.knows()


class Collector:
    """Reads a store's objects.

    Args:
        progress: called with issues read and issues in all.
        page: issues asked for at a time.
    """

    def __init__(self, session: Session, progress: Progress = lambda done, total: None, *, page: int = PAGE) -> None:
        self.session = session
        self.github = session.github
        self.transport = session.github.transport
        self.page = page
        self._say = progress
        self._read = self._total = 0

    def full(self) -> Changed:
        """Every object: one request for each hundred issues, and one for what changed meanwhile.

        Raises:
            BudgetExhausted: says how far it came.
            ConcurrentUpdateError: issues kept being deleted, or objects taken out, while it was read.
        """
        try:
            before: _Found | None = None
            for _ in range(TRIES):
                found = self._all()
                # GitHub may count issues that it shows to nobody; then as many are missing again.
                counted = not found.missing or (before is not None and found.missing == before.missing > 0)
                if counted and not found.changed.unsure:
                    return found.changed
                before = found
        except BudgetExhausted as error:
            raise self._told_how_far(error) from error
        raise ConcurrentUpdateError(
            f"The store lost objects during each of {TRIES} readings, so no consistent snapshot could be taken.",
            "Nothing was written; run again when less is deleted.",
        )

    def changes(self, before: Snapshot) -> tuple[Changed | None, str]:
        """The snapshot with what has changed; None with the reason where only a full one will do."""
        self._read = self._total = 0
        try:
            found = self._merged(before, before.since, bounded=True)
        except BudgetExhausted as error:
            raise self._told_how_far(error) from error
        if before.rules != snapshots.fingerprint(self.session.rules):
            return (
                None,
                "the configuration names another label, prefix or processor than it did",
            )
        if self.transport.newest_time and before.time > self.transport.newest_time:
            return None, f"it says that it is of {before.time}, which is still to come"
        if found.overrun:
            return None, "more issues changed than the store has"
        if found.changed.unsure:
            return None, "an object went, and another issue may have its id"
        if found.missing:
            return None, f"the store has {found.total} issues, and {found.changed.snapshot.knows()} are known"
        return found.changed, ""

    def again(self, before: Changed) -> tuple[Changed, str]:
        """The same store as of now: one request for up to a hundred changes; in full for the reason that it gives.

        Raises:
            StoreError: as for `full` and `changes`.
        """
        found, why = self.changes(before.snapshot)
        if found is None:
            return self.full(), why
        return with_problems(before, found), ""

    def deleted(self) -> frozenset[str]:
        """The ids of the objects that the store has deleted, as `objects.key`: one request for each hundred."""
        rules, found = self.session.rules, set[str]()

        def page_from(cursor: str | None) -> Page:
            return self.session.listed(cursor, deleted=True)

        for page in pages(page_from(None), page_from):
            for issue in page.issues:
                if not objects.has_label(issue, rules.base_label):
                    found.add(objects.key(objects.claimed_id(issue, rules), rules))
        return frozenset(found)

    def _all(self) -> _Found:
        self._read = self._total = 0
        page = self._asked(None)
        start = self.transport.newest_time
        rules = snapshots.fingerprint(self.session.rules)
        filling = self._filling(Snapshot(self.github.repository, {}, rules=rules))
        while True:
            filling.put(page.issues)
            self._progress(len(page.issues), page.total)
            if self._read <= page.size:
                self.transport.afford(page.rest + page.points, page.points)  # one more for what changed meanwhile
            if page.cursor is None:
                break
            page = self._asked(page.cursor)
        # What changed while the pages were read: once more, so that the snapshot is of one moment.
        found = filling.changed()
        since = snapshots.shifted(start, -ANSWER_TAKES - snapshots.OVERLAP) if start else found.snapshot.since
        late = self._merged(found.snapshot, since, bounded=False)
        return replace(late, changed=with_problems(found, late.changed))

    def _merged(self, snapshot: Snapshot, since: str, *, bounded: bool) -> _Found:
        """Puts in what changed since then, until what was read is the state of one moment.

        One answer is.  Between two, an issue that changes in the very second at which the first one ended is passed by,
        so the next one begins before that second.  Where more than a page changed in it, only the cursor leads on, and
        all is read again until nothing else is found.
        """
        filling: Filling | None = None
        for again in range(PASSES):
            before, crowded, cursor = snapshot, False, None
            while True:
                page = self._asked(cursor, since)
                filling = filling or self._filling(snapshot)  # the first answer brings the rules
                filling.put(page.issues)
                if bounded:
                    self._progress(len(page.issues), page.total)
                if bounded and page.cursor is not None and page.total > max(page.store_total, self.page):
                    return _Found(filling.changed(), page.store_total, overrun=True)
                if bounded and self._read <= page.size:
                    self.transport.afford(page.rest, page.points)
                if page.cursor is None:
                    break
                ended = page.issues[-1].updated_at
                over = snapshots.shifted(ended, -snapshots.OVERLAP)
                recent = snapshots.shifted(self.transport.newest_time or ended, -ANSWER_TAKES - snapshots.OVERLAP)
                if ended >= recent and over > since:
                    since, cursor = over, None
                else:
                    crowded, cursor = crowded or ended >= recent, page.cursor
            found = filling.changed()
            snapshot = found.snapshot
            if not crowded or (again and snapshot == before):
                return _Found(found, page.store_total)
        raise ConcurrentUpdateError(
            "The store changed faster than it could be read, so no consistent snapshot could be taken.",
            "Nothing was written; run again when fewer objects are being changed.",
        )

    def _filling(self, snapshot: Snapshot) -> Filling:
        return Filling(snapshot, self.session.rules, self.session.counting, self.session.may_write)

    def _asked(self, cursor: str | None, since: str | None = None) -> Page:
        page = self.session.listed(cursor, first=self.page, since=since, any_label=since is not None)
        self.page = page.size  # what GitHub ran out of time on once, it will again
        return page

    def _progress(self, read: int, total: int) -> None:
        self._read += read
        self._total = max(total, self._read)
        self._say(self._read, self._total)

    def _told_how_far(self, error: BudgetExhausted) -> BudgetExhausted:
        return error.reworded(
            f"{error.what} Nothing was written: {self._read:,} of {self._total:,} issues read;",
            f"run again after {error.again}.",
        )
