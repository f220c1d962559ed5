"""GitHub as issue forms need it: the note on a form's issue, and its answers posted as an update."""

from __future__ import annotations

from typing import Any

from gh_store_action.domain.records import Issue
from gh_store_action.gateway.answers import ApiError
from gh_store_action.gateway.forms import queries
from gh_store_action.gateway.objects import Finished, ObjectGateway, Posted
from gh_store_action.gateway.records import Page, failures_of

_DESCRIPTION = "Answers to a form, which the store takes"


class FormGateway(ObjectGateway):
    """One repository's issues, as forms are read and answered."""

    def open_forms(self, label: str, cursor: str | None) -> Page:
        """A page of open issues with the label, oldest first, each with its newest few comments."""
        return self.sweep(label, cursor, states="OPEN").whole()

    def make_label(self, name: str) -> bool:
        """Makes a form's label: GitHub puts none on a form's issue that is not there (github-facts, section 1).

        Returns:
            Whether it was missing.

        Raises:
            StoreError: the token may not make it.
        """
        try:
            self.transport.send("POST", f"{self._path}/labels", {"name": name, "description": _DESCRIPTION})
        except ApiError as error:
            if error.status == 422:  # it is there, perhaps in another case
                return False
            raise self._refused(error, f"make the label {name!r}") from None
        return True

    def answer(self, form: Issue, note: str = "", text: str = "", state: str = "") -> None:
        """Comments on a form's issue, closes or opens it.  Safe to repeat, except for a new comment.

        Args:
            note: the node id of the comment to edit; empty for a new one.
            text: empty for no comment.
            state: `CLOSED` or `OPEN`; empty to leave it.

        Raises:
            UnknownEffect: the response does not say whether it was done.
            StoreError: GitHub does not accept it.
        """
        document = queries.form(note=_kind(note) if text else "", state=state)
        answer = self.transport.mutate(document, _noted(form, note, text, state))
        if answer.errors:
            self.raise_for(failures_of(answer), "comment on issues and close them")

    def make(self, form: Issue, note: str, said: str, made: str, viewer: str, title: str, text: str) -> Finished:
        """The last request of a create from a form; it also comments on the form's issue and closes it.

        Args:
            note: as for `answer`.
            said: the note's text.
            made: the node id of the object's issue.
            title: with the marker.
            text: of the initial state; empty if it is already in the log.

        Raises:
            UnknownEffect: the response does not say what was done.
        """
        document = queries.form(note=_kind(note), state="CLOSED", make="say" if text else "said")
        variables = {"issue": made, "title": title, "cursor": None, **({"text": text} if text else {})}
        answer = self.transport.mutate(document, {**variables, **_noted(form, note, said, "CLOSED")})
        return self._finished(answer, viewer)

    def take(self, form: Issue, note: str, said: str, target: Issue, viewer: str, text: str) -> Posted:
        """Notes on the form's issue where its answers are, and posts them to the object, which is read back.

        Args:
            note: as for `answer`.
            said: the note's text; empty if it is already there.
            text: of the update.

        Raises:
            UnknownEffect: the response does not say whether it was posted.
        """
        lock = target.lock_reason if target.locked else None
        document = queries.form(note=_kind(note) if said else "", update=True, lock=lock)
        variables = {"issue": target.node_id, "text": text, "cursor": None, **_noted(form, note, said)}
        return self._posted(self.transport.mutate(document, variables), viewer, "check")


def _kind(note: str) -> str:
    return "edit" if note else "new"


def _noted(form: Issue, note: str, text: str, state: str = "") -> dict[str, Any]:
    """The variables for the note on a form's issue, and for its state."""
    place = {"note": note} if note else {"form": form.node_id}
    return {**({**place, "said": text} if text else {}), **({"form": form.node_id} if state else {})}
