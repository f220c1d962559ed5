"""GitHub as issue forms need it: the note on a form's issue, and its answers posted as an update."""

from __future__ import annotations

from typing import Any

from gh_store_action.domain.records import Issue
from gh_store_action.gateway.forms import queries
from gh_store_action.gateway.objects import ObjectGateway, Posted
from gh_store_action.gateway.records import Page, failures_of


class FormGateway(ObjectGateway):
    """One repository's issues, as forms are read and answered."""

    def open_forms(self, label: str, cursor: str | None) -> Page:
        """A page of open issues with the label, oldest first, each with its newest few comments."""
        return self.sweep(label, cursor, states="OPEN")

    def note(self, form: Issue, note: str, text: str) -> None:
        """Says something on a form's issue.

        Args:
            note: the node id of the comment that gets this text, empty for a new one.

        Raises:
            UnknownEffect: when the answer does not say whether it was said.
            StoreError: GitHub does not take it.
        """
        answer = self.transport.mutate(queries.form(note=_kind(note)), {**_noted(form, note), "said": text})
        if answer.errors:
            self.raise_for(failures_of(answer), "comment on issues")

    def close(self, form: Issue) -> None:
        """Closes a form's issue; twice is once.

        Raises:
            StoreError: GitHub does not close it.
        """
        answer = self.transport.mutate(queries.form(close=True), {"form": form.node_id})
        if answer.errors:
            self.raise_for(failures_of(answer), "close issues")

    def take(self, form: Issue, note: str, said: str, target: Issue, viewer: str, text: str) -> Posted:
        """Says on the form's issue where its answers are, and posts them to the object, which is read back.

        Args:
            note: as for `note`.
            said: the note's text, empty where it is there already.
            text: of the update.

        Raises:
            UnknownEffect: when the answer does not say whether it was posted.
        """
        lock = target.lock_reason if target.locked else None
        document = queries.form(note=_kind(note) if said else "", update=True, lock=lock)
        variables: dict[str, Any] = {"issue": target.node_id, "text": text, "cursor": None}
        if said:
            variables |= {**_noted(form, note), "said": said}
        return self._posted(self.transport.mutate(document, variables), viewer, "check")


def _kind(note: str) -> str:
    return "edit" if note else "new"


def _noted(form: Issue, note: str) -> dict[str, str]:
    return {"note": note} if note else {"form": form.node_id}
