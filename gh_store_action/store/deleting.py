"""Deletes and restores objects: labels say which issue is an object, and the log stays."""

from __future__ import annotations

from dataclasses import dataclass

from gh_store_action.domain import objects
from gh_store_action.domain.processing.reconcile import BrokenObject
from gh_store_action.domain.records import Issue, StoredMeta, StoredObject
from gh_store_action.errors import AccessDeniedError, ConcurrentUpdateError, DuplicateUIDError, ObjectExists
from gh_store_action.gateway.refusals import UnknownEffect, denied
from gh_store_action.store.lookup import Worker
from gh_store_action.store.moving.mover import Mover
from gh_store_action.store.updating import unwanted


@dataclass(frozen=True)
class Change:
    """What a delete or a restore did; `changed` is false if nothing was left to do."""

    meta: StoredMeta
    changed: bool


class Deleter(Worker):
    """Deletes and restores."""

    def delete(self, object_id: str, *, if_revision: int | None = None, if_digest: str | None = None) -> Change:
        """Closes the issue and replaces the base label with `archived`: two requests.  Safe to repeat.

        Raises:
            ObjectNotFound: there never was such an object.
            DuplicateUIDError: more than one live issue has the id.
            ConcurrentUpdateError: the object is not as the caller wants it, or has pending updates.
        """
        found = Mover(self.lookup, dry_run=self.dry_run).settle(object_id)
        self.session.refuse_unknown_app()
        if not found.live:
            if found.deleted:
                return Change(self._meta(found.deleted[0]), changed=False)
            raise self.lookup.missing(found)
        if self.lookup.rivals(found):  # without the first, the next would become the object
            raise DuplicateUIDError(self.lookup.duplicate(found), self.lookup.how_to_resolve(found))
        issue = found.live[0]
        if if_revision is not None or if_digest:
            self._check(object_id, self.lookup.stored(issue), if_revision, if_digest)
        if not self.dry_run:
            rules = self.session.rules
            kept = [label for label in issue.labels if label.casefold() != rules.base_label.casefold()]
            self._relabel(issue, [*kept, rules.archived_label], state="closed")
        return Change(self._meta(issue), changed=True)

    def _check(self, object_id: str, found: StoredObject, if_revision: int | None, if_digest: str | None) -> None:
        if found.meta.pending:
            raise ConcurrentUpdateError(
                f"{object_id!r} was not changed: it has {found.meta.pending} pending updates.",
                "Process them, then look at the object again.",
            )
        error = unwanted(object_id, found, if_revision, if_digest)
        if error is not None:
            raise error

    def restore(self, object_id: str) -> Change:
        """Adds the base label again, and opens the issue if updates are pending, so that a run folds them.

        Raises:
            ObjectNotFound: there is nothing to restore.
            ObjectExists: a live object has the id now.
            DuplicateUIDError: more than one deleted object has the id.
        """
        found = self.lookup.look(object_id)
        self.session.refuse_unknown_app()
        if found.live and not found.deleted:
            return Change(self._meta(found.live[0]), changed=False)
        if found.live:
            raise ObjectExists(
                f"The id {object_id!r} is in use by issue #{found.live[0].number}.",
                "Delete that object first, or leave the older one deleted.",
            )
        if not found.deleted:
            raise self.lookup.missing(found)
        if len(found.deleted) > 1:
            numbers = ", ".join(f"#{issue.number}" for issue in found.deleted)
            raise DuplicateUIDError(
                f"More than one deleted object has the id {object_id!r}: issues {numbers}.",
                f"Remove the label {objects.uid_label(object_id, self.session.rules)!r} from all but one of them.",
            )
        issue = found.deleted[0]
        if not self.dry_run:
            rules = self.session.rules
            dropped = {rules.archived_label.casefold(), rules.base_label.casefold()}
            kept = [label for label in issue.labels if label.casefold() not in dropped]
            self._relabel(issue, [rules.base_label, *kept], state="open" if self.lookup.pending(issue) else "closed")
        return Change(self._meta(issue), changed=True)

    def _relabel(self, issue: Issue, labels: list[str], *, state: str) -> None:
        """Safe to repeat: it sets the labels and the state, whatever they were."""
        try:
            there = self.github.change(issue.number, labels=labels, state=state)
        except UnknownEffect:
            there = self.github.change(issue.number, labels=labels, state=state)
        if {label.casefold() for label in there} != {label.casefold() for label in labels}:
            raise _dropped(self.github.repository)

    def _meta(self, issue: Issue) -> StoredMeta:
        try:
            return self.lookup.stored(issue).meta
        except BrokenObject:
            return self.lookup.meta(issue, None)


def _dropped(repository: str) -> AccessDeniedError:
    return denied(f"label issues of {repository}", issues="write")
