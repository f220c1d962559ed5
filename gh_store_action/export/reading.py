"""Every object with its whole log, including deleted ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from gh_store_action.domain import objects
from gh_store_action.domain.past.events import Event, events
from gh_store_action.domain.records import Issue, StoredObject
from gh_store_action.domain.snapshots import snapshot as snapshots
from gh_store_action.domain.snapshots.snapshot import LeftOut
from gh_store_action.errors import ObjectNotFound
from gh_store_action.gateway.records import Page, pages
from gh_store_action.store.reading import Progress, Reader


@dataclass(frozen=True)
class Exported:
    """One object and its history, oldest first."""

    object: StoredObject
    deleted: bool
    events: tuple[Event, ...]


class Exporter:
    """Reads a whole store: one request for each hundred objects, and one for each hundred comments of an object.

    Args:
        progress: called with objects read and total objects.
        warn: called with a line about an issue that is left out.
    """

    def __init__(
        self,
        reader: Reader,
        progress: Progress = lambda done, total: None,
        warn: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.reader = reader
        self.session = reader.session
        self.progress = progress
        self.warn = warn

    def everything(self) -> Iterator[Exported]:
        """The objects, by issue number.

        Raises:
            BudgetExhausted: the logs need more than is left; raised before reading the first one.
        """
        live = {found.meta.issue_number for found in self.reader.all()}
        found = {**dict.fromkeys(live, False), **dict.fromkeys(self._deleted() - live, True)}
        self.session.github.transport.afford(len(found))
        for done, number in enumerate(sorted(found), 1):
            exported = self._read(number, deleted=found[number])
            if exported is not None:
                yield exported
            self.progress(done, len(found))

    def _deleted(self) -> set[int]:
        """The issues of deleted objects; a rolled-over issue's log is part of the new one's."""
        rules = self.session.rules

        def page_from(cursor: str | None) -> Page:
            return self.session.listed(cursor, deleted=True)

        issues = [issue for page in pages(page_from(None), page_from) for issue in page.issues]
        gone = [issue for issue in issues if not objects.has_label(issue, rules.base_label)]
        return {issue.number for issue in gone if isinstance(self._object(issue, deleted=True), StoredObject)}

    def _object(self, issue: Issue, *, deleted: bool) -> StoredObject | LeftOut:
        """The object that the issue is, or was before it was deleted."""
        rules = self.session.rules
        if deleted:
            kept = tuple(label for label in issue.labels if label.lower() != rules.archived_label.lower())
            issue = replace(issue, labels=(*kept, rules.base_label))
        return snapshots.stored_object(issue, rules, self.session.may_write)

    def _read(self, number: int, *, deleted: bool) -> Exported | None:
        """Head and log of one read, so that they belong together."""
        try:
            past = self.reader.past_of(self.session.github.now(number))
        except ObjectNotFound as error:
            self.warn(f"Skipped issue #{number}: {error.what}")
            return None
        found = self._object(past.issue, deleted=deleted)
        if isinstance(found, LeftOut):
            self.warn(f"Skipped issue #{number}: {found.reason}.")
            return None
        return Exported(found, deleted, tuple(events(past.entries, past.points)))
