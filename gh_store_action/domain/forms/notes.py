"""The note: the store's one comment on a form's issue, which says what happened to the answers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from gh_store_action.domain import objects
from gh_store_action.domain.markdown import code_span, link, markdown_text
from gh_store_action.domain.records import Comment, FormRule, Issue, Rules
from gh_store_action.domain.refusal import Reason

REFUSED = "refused"
TAKEN = "taken"
_NOTE = re.compile(r"<!-- gh-store form (refused|taken) (\S{1,2000})(?: of ([0-9]{1,18}) to ([0-9]{1,18}))? -->")
_LINK = re.compile(r"/issues/([0-9]{1,18})\)\.\Z")
_MOST_REASONS = 20


@dataclass(frozen=True)
class Note:
    """The store's note on a form's issue.

    Args:
        kind: `REFUSED`, or `TAKEN` for answers that have been or are being posted.
        about: the key of the refused text, see `key`; or the id of the object.
        seen: the number up to which no issue was opened for the form when it was refused; 0 where that is not said.
    """

    kind: str
    about: str
    comment: Comment
    seen: int = 0

    @property
    def number(self) -> int:
        """The number of the issue that a note of taken answers links to; 0 for none."""
        found = _LINK.search(self.comment.body)
        return int(found[1]) if found else 0


def rule_of(issue: Issue, rules: Rules) -> FormRule | None:
    """The issue's form, by the first form label that it has; an object has none."""
    if objects.has_label(issue, rules.base_label) or objects.has_label(issue, rules.archived_label):
        return None
    return next((form for form in rules.forms if objects.has_label(issue, form.label)), None)


def note_of(issue: Issue, counting: frozenset[str]) -> Note | None:
    """The newest note that an identity that counts has left, and nobody else has edited.

    One that says that the answers are taken goes before all others: two runs at once may have read two texts.
    """
    last: Note | None = None
    for comment in reversed(issue.comments):
        found = _NOTE.match(comment.body)
        edited = comment.edited_at != "" and comment.editor not in counting
        if found and comment.author in counting and not edited:
            own = found[3] == str(issue.number)  # a note may have come along from another repository
            note = Note(found[1], unquote(found[2]), comment, int(found[4]) if own else 0)
            if note.kind == TAKEN:
                return note
            last = last or note
    return last


def key(issue: Issue) -> str:
    """A key of the form's text, which changes if the text is edited."""
    return hashlib.sha256(issue.body.encode("utf-8", "replace")).hexdigest()[:16]


def settled(issue: Issue, counting: frozenset[str]) -> bool:
    """Whether a sweep may pass the form by: it was refused as it is now, or is locked."""
    note = note_of(issue, counting)
    return issue.locked or note is not None and (note.kind, note.about) == (REFUSED, key(issue))


def refused(issue: Issue, reasons: Sequence[Reason], seen: int = 0) -> str:
    """The note for refused answers; `seen` as for `Note`."""
    looked = f" of {issue.number} to {seen}" if seen else ""
    lines = [f"<!-- gh-store form {REFUSED} {key(issue)}{looked} -->", "**These answers were not accepted.**", ""]
    lines += [f"- {code_span(path)}: {markdown_text(sentence)}" for path, sentence in reasons[:_MOST_REASONS]]
    lines += ["", "To try again, edit the issue's description. To withdraw your answers, close the issue."]
    return "\n".join(lines)


def taken(object_id: str, url: str, *, made: bool = False) -> str:
    """The note for answers that became an update of the object, or created it."""
    what = "created" if made else "were posted as an update of"
    named = quote(object_id, safe="~:@+/")  # an id can hold what ends a comment
    return f"<!-- gh-store form {TAKEN} {named} -->\nThese answers {what} {link(code_span(object_id), url)}."
