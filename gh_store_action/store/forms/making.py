"""Creates an object from a form in two requests.  The second one tells the form's author and closes the form.

It follows the race rule of every create, see `gh_store_action.store.creating`.  The first title of the object's issue
contains the number and the author of the form's issue.  So the next run knows what a killed one began, and two runs of
one form know each other's issues.
"""

from __future__ import annotations

from dataclasses import replace

from gh_store_action.domain import objects
from gh_store_action.domain.forms import notes
from gh_store_action.domain.forms.notes import Note
from gh_store_action.domain.objects import Marker
from gh_store_action.domain.records import Issue
from gh_store_action.gateway.forms.issues import FormGateway
from gh_store_action.gateway.objects import AddedComment, Finished, Opened
from gh_store_action.store.creating import Creator, Wanted
from gh_store_action.store.lookup import Lookup

_ON_THE_FORM = frozenset({"note", "close"})


class FormCreator(Creator):
    """Creates an object from a person's answers.

    Args:
        note: the store's note on the form's issue.
    """

    def __init__(self, lookup: Lookup, github: FormGateway, form: Issue, note: Note | None) -> None:
        super().__init__(lookup)
        self._forms = github
        self._form = form
        self._note = note
        self._again = False
        self.told = False  # whether the form's author has been told, and the form is closed

    def unfinished(self, issue: Issue) -> bool:
        """Also if GitHub took the title but not the initial state."""
        return issue.total_comments == 0 or super().unfinished(issue)

    def _say(self, wanted: Wanted, opened: Opened) -> AddedComment:
        """The last request posts the initial state; its receipts wait for the first update."""
        return AddedComment(0, "", 0)

    def _last(self, wanted: Wanted, opened: Opened, said: AddedComment) -> Finished:
        """Initial state, marker, a look at who else has the labels, and everything on the form's issue."""
        if self._again:
            self._note = notes.note_of(self.github.now(self._form.number), self.session.counting)
            said = self._said(wanted, self.github.now(opened.number)) or said
        self._again = True
        marker = Marker(1, 0, 0, objects.short_digest(wanted.data))
        finished = self._forms.make(
            self._form,
            self._note.comment.node_id if self._note else "",
            notes.taken(wanted.object_id, self.session.issue_url(opened.number), made=True),
            opened.node_id,
            self.session.viewer,
            objects.title(wanted.object_id, marker, self.session.rules),
            "" if said.id else self._initial_state(wanted),
        )
        failed = {failure.alias for failure in finished.failures}
        self.told = not failed & _ON_THE_FORM
        return replace(finished, titled=finished.titled and "say" not in failed)
