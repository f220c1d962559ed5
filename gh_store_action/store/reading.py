"""Reads objects: as they are, as they were, and their history.  Nothing here writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from gh_store_action.domain import acceptance, objects
from gh_store_action.domain.past import history
from gh_store_action.domain.past.history import HistoryEntry, Point
from gh_store_action.domain.processing import sweeping
from gh_store_action.domain.processing.sweeping import Glance
from gh_store_action.domain.records import Issue, Rules, StoredObject
from gh_store_action.domain.snapshots import snapshot as snapshots
from gh_store_action.domain.strict_json import Json
from gh_store_action.errors import InputError, ObjectNotFound, StoreError
from gh_store_action.gateway.objects import ObjectGateway
from gh_store_action.gateway.records import Page, pages
from gh_store_action.hints import REPAIR, Text
from gh_store_action.store.lookup import Lookup
from gh_store_action.store.session import Session

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Past:
    """An object's whole log, across all issues that have held it.

    Args:
        issue: the newest one, with all its comments.
        left: those that held it before, oldest first, under their titles of now.
    """

    issue: Issue
    logs: tuple[history.ObjectLog, ...]
    left: tuple[Issue, ...] = ()

    @property
    def points(self) -> tuple[Point, ...]:
        """The states in order."""
        found: list[Point] = []
        for log in self.logs:
            more = history.points(log)
            if found and more and found[-1].revision == more[0].revision:
                more = more[1:]
            found += more
        return tuple(found)

    @property
    def entries(self) -> list[HistoryEntry]:
        """What happened, oldest first."""
        states = self.points
        return [entry for log in self.logs for entry in history.entries_of(log, states)]


class Reader:
    """Reads objects.

    Args:
        progress: of listings, called with issues read and total issues.
        warn: called with a line about an issue that is left out, or shares its id with another one.
    """

    def __init__(
        self,
        lookup: Lookup,
        *,
        progress: Progress = lambda done, total: None,
        warn: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.lookup = lookup
        self.session = lookup.session
        self.github = lookup.github
        self.progress = progress
        self.warn = warn

    # -- one object ------------------------------------------------------------------------------------------------

    def get(self, object_id: str, *, revision: int | None = None, at: str | None = None) -> StoredObject:
        """The object as it is, whatever the state of its issue: one request; or as it was.

        Args:
            at: a time in UTC as GitHub writes it.

        Raises:
            ObjectNotFound: there is no such object, or it did not exist then.
            StoreError: the log does not give that state.
        """
        if revision is not None and at is not None:
            raise InputError("A revision and a time are both given.", "Omit one of them.")
        issue = self.lookup.one(object_id, self.warn)
        if revision is None and at is None:
            return self.lookup.stored(issue)
        if revision is not None and revision == self._present(issue):
            return self.lookup.stored(issue)
        past = self.past_of(issue)
        point = (
            self._at_revision(object_id, past, revision)
            if revision is not None
            else self._at(object_id, past, at or "")
        )
        return self._was(past, point)

    def _present(self, issue: Issue) -> int:
        """The revision of the body; 0 if unknown."""
        marker = self.lookup.marker(issue)
        if marker is None:
            return 0
        found = self.lookup.stored(issue)
        return marker.revision if found.meta.digest.startswith(marker.digest) else 0

    def states(self, object_id: str, *revisions: int) -> tuple[Json, ...]:
        """The data at several revisions; reads the log once."""
        past = self.past(object_id)
        return tuple(self._at_revision(object_id, past, revision).data for revision in revisions)

    def diff(self, object_id: str, before: int, after: int) -> Json:
        """The JSON Patch from one revision to another."""
        one, other = self.states(object_id, before, after)
        from gh_store_action.domain.patches.json_patch import diff

        return diff(one, other)

    def _at_revision(self, object_id: str, past: Past, revision: int) -> Point:
        found = past.points
        point = history.at_revision(found, revision)
        if point is not None:
            return point
        if any(other.revision == revision for other in found):
            raise self._uncertain(object_id, f"revision {revision}")
        known = ", ".join(_ranges([other.revision for other in found])) or "none"
        raise ObjectNotFound(
            f"{object_id!r} has no revision {revision}; its log gives {known}.", "Choose one of those."
        )

    def _at(self, object_id: str, past: Past, time: str) -> Point:
        found = past.points
        point = history.at_time(found, time)
        if point is None:
            raise ObjectNotFound(f"{object_id!r} did not exist at {time}.", f"It was created at {_first(past, found)}.")
        if point.certain:
            return point
        if point is found[-1] and self._present(past.issue):
            now = self.lookup.stored(past.issue)
            return replace(point, data=now.data, revision=now.meta.version)
        raise self._uncertain(object_id, f"the state at {time}")

    def _uncertain(self, object_id: str, what: str) -> StoreError:
        return StoreError(
            f"The log of {object_id!r} no longer gives {what}: comments were edited or deleted after the fact, "
            "or gh-store did not log all changes.",
            "The body's edit history on GitHub may still have it.",
        )

    def _was(self, past: Past, point: Point) -> StoredObject:
        meta = self.lookup.meta(past.issue, point.data, version=point.revision)
        first = past.logs[0].issue.created_at
        return StoredObject(replace(meta, created_at=first, updated_at=point.time, pending=0), point.data)

    # -- the past --------------------------------------------------------------------------------------------------

    def events(self, object_id: str) -> list[HistoryEntry]:
        """What happened to the object, deleted or not: one request for each hundred comments."""
        return self.past(object_id).entries

    def past(self, object_id: str) -> Past:
        """The object's whole log, deleted or not.

        Raises:
            ObjectNotFound: there is none.
        """
        found = self.lookup.look(object_id)
        for issue in (*found.live, *found.deleted):
            return self.past_of(issue)
        raise self.lookup.missing(found)

    def past_of(self, issue: Issue) -> Past:
        """The whole log of an issue that was read, and of the issues that held its object before."""
        newest = self.github.extend(issue, 0, self.session.viewer)
        object_id = objects.object_id_of(newest, self.session.rules) or ""
        logs = [self._log(newest, object_id)]
        left: list[Issue] = []
        while True:
            previous = next((e.previous for e in logs[0].entries if e.previous), 0)
            if not 0 < previous < logs[0].issue.number:
                return Past(newest, tuple(logs), tuple(left))
            try:
                older = self.github.extend(self.github.now(previous), 0, self.session.viewer)
            except ObjectNotFound:
                self.warn(
                    f"Issue #{previous}, which #{logs[0].issue.number} continues, no longer exists, nor does its log."
                )
                return Past(newest, tuple(logs), tuple(left))
            left.insert(0, older)
            logs.insert(0, self._log(replace(older, title=objects.read_moved(older.title)[0]), object_id))

    def _log(self, issue: Issue, object_id: str) -> history.ObjectLog:
        session = self.session
        return history.read(issue, session.rules, session.judge(object_id), session.may_write)

    # -- many objects ----------------------------------------------------------------------------------------------

    def all(self) -> Iterator[StoredObject]:
        """Every live object, oldest first, then those that no run has signed: one request for each hundred.

        Leaves out a broken one with a warning; of two with one id, the signed one counts, otherwise the lower number.
        """
        seen: dict[str, int] = {}
        later: list[Issue] = []
        done = 0
        for page in self.pages(lacking=True):
            later += [issue for issue in page.issues if not self._goes_first(issue)]
            yield from self._each((issue for issue in page.issues if self._goes_first(issue)), seen)
            done += len(page.issues)
            self.progress(done, max(done, page.total))
        yield from self._each(later, seen)

    def updated_since(self, time: str) -> Iterator[StoredObject]:
        """Every live object that was revised at or after that time, one request for each hundred issues that changed.

        GitHub's times have whole seconds, so this includes a revision within that second.
        """
        changed = {issue.number: issue for page in self.pages(since=time, lacking=True) for issue in page.issues}
        order = sorted(changed.values(), key=lambda issue: (not self._goes_first(issue), issue.number))
        yield from (found for found in self._each(order, {}) if found.meta.updated_at >= time)

    def _each(self, issues: Iterable[Issue], seen: dict[str, int]) -> Iterator[StoredObject]:
        """The objects among the issues, only the first with each id; `seen` maps ids to issue numbers."""
        for issue in issues:
            found = snapshots.stored_object(issue, self.session.rules, self.session.may_write)
            if not isinstance(found, StoredObject):
                if found.broken:
                    self.warn(f"Skipped issue #{found.number}: {found.reason}.")
                continue
            object_id = found.meta.object_id
            key = objects.key(object_id, self.session.rules)
            holder = seen.get(key)
            if holder is None:
                seen[key] = issue.number
                yield found
            elif holder != issue.number:  # pages shift while they are read, so one may show an issue again
                self.warn(f"Skipped issue #{issue.number}: issue #{holder} also has the id {object_id}.")

    def _goes_first(self, issue: Issue) -> bool:
        object_id = objects.object_id_of(issue, self.session.rules) or ""
        return acceptance.goes_first(issue, object_id, self.session.rules.processors)

    def pages(self, since: str | None = None, *, lacking: bool = False) -> Iterator[Page]:
        """Pages with the base label.

        Args:
            lacking: whether an issue that GitHub does not show is left out with a warning.

        Raises:
            BudgetExhausted: the first one tells that all of them need more than is left.
            GitHubError: GitHub does not show all of an issue, unless `lacking`.
        """

        def page(cursor: str | None) -> Page:
            found = self.session.listed(cursor, since=since, lacking=lacking)
            for error in found.unread:
                self.warn(f"Skipped an issue: {error.what}")
            return found

        first = page(None)
        self.github.transport.afford(first.rest, first.points)
        return pages(first, page)


# -- the pages of a sweep ----------------------------------------------------------------------------------------------


def sweep_pages(session: Session) -> Iterator[Page]:
    """All issues with the base label, a hundred per request, latest changes first: pending updates are among them.

    The first answer brings the rules.

    Raises:
        StoreError: the store has lost the label, so that a listing says nothing of pending updates.
    """

    def page(cursor: str | None) -> Page:
        return session.github.sweep(session.rules.base_label, cursor, rules=session.unlearned, newest=True)

    label = session.rules.base_label
    first = page(None)
    session.learn(first.reading)
    if session.rules.base_label != label:
        first = page(None)
    session.github.transport.warn(first.rest)
    if not (first.labelled or first.issues):
        _refuse_lost_label(session)
    yield from pages(first, page)


def lost_label(session: Session) -> StoreError:
    """The error for a store without the base label: no issue has it then, so none counts as an object."""
    label = session.rules.base_label
    return StoreError(
        f"{session.github.repository} has no label {label!r} any more, so no issue counts as an object and all "
        "updates stay pending.",
        Text("If it was renamed, give it its old name; otherwise run ", REPAIR, ", which labels the issues again."),
    )


def _refuse_lost_label(session: Session) -> None:
    """Raises if the store has lost its base label.  A store that never had an object has no labels of ids either."""
    prefix = session.rules.uid_prefix.casefold()
    if any(name.casefold().startswith(prefix) for name in ObjectGateway.beside(session.github).label_names()):
        raise lost_label(session)


def keeps_label(session: Session) -> bool:
    """Whether the repository still has the base label: one request."""
    page = session.github.sweep(session.rules.base_label, None, first=1)
    return page.labelled or bool(page.issues)


def waiting(session: Session, issues: Sequence[Issue]) -> list[Issue]:
    """The issues of a page that need work; one more request if the page does not tell."""
    rules, counting = session.rules, session.counting
    seen = {issue.number: sweeping.glance(issue, rules, counting, session.viewer) for issue in issues}
    unsure = [issue for issue in issues if seen[issue.number] is Glance.UNSURE]
    looked = session.github.look(unsure) if unsure else {}
    whole = {number: issue for number, issue in looked.items() if isinstance(issue, Issue)}

    def left(issue: Issue) -> bool:
        def may_write(login: str) -> bool:
            return session.may_write(login, name_of(issue, rules)) is not False

        return not sweeping.settled(issue, rules, counting, may_write)

    waiting = {number for number, glance in seen.items() if glance is Glance.WAITING}
    # Of what GitHub did not show all, a whole read tells.
    waiting |= {number for number in looked if number not in whole or left(whole[number])}
    return [whole.get(issue.number, issue) for issue in issues if issue.number in waiting]


def name_of(issue: Issue, rules: Rules) -> str:
    """The id by the labels, if they were read, otherwise by the title."""
    return objects.object_id_of(issue, rules) or objects.read_title(issue.title)[0]


def _ranges(numbers: list[int]) -> list[str]:
    """The numbers as ranges: `1 to 4`, `6`."""
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return [f"{low} to {high}" if low != high else f"{low}" for low, high in found]


def _first(past: Past, found: tuple[Point, ...]) -> str:
    return found[0].time if found else past.issue.created_at
