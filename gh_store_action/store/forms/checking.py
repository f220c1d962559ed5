"""The checks of a form before its object is read: its text, its id, its author and its editor."""

from __future__ import annotations

from gh_store_action.domain import access
from gh_store_action.domain.acceptance import MayWrite
from gh_store_action.domain.forms import answers
from gh_store_action.domain.records import GHOST, FormRule, Issue
from gh_store_action.domain.refusal import Reason, Refused
from gh_store_action.domain.strict_json import Json
from gh_store_action.errors import InputError
from gh_store_action.store.lookup import Lookup
from gh_store_action.store.updating import Update


class Checks:
    """Each raises `Refused` with the reason."""

    def __init__(self, lookup: Lookup) -> None:
        self.lookup = lookup
        self.session = lookup.session

    def values(self, issue: Issue, form: FormRule) -> dict[str, Json]:
        """The values for the templates."""
        if issue.author == GHOST:
            raise Refused(Reason("$", "the account of its author is deleted"))
        return {**answers.read(self.session.fields(form), issue.body, form.types), **own(issue)}

    def id(self, object_id: str) -> None:
        """The id can be an object's."""
        try:
            self.lookup.check_id(object_id)
        except InputError as error:
            raise Refused(Reason("$", error.what)) from None

    def author(self, update: Update, object_id: str) -> None:
        """The object's rule allows the update, as far as that does not depend on the object."""
        rule, author = access.rule_for(self.session.rules, object_id, update.behalf), update.behalf
        if not rule.owner and self.session.may_update(author, object_id) is False:
            raise Refused(self.barred(author, "change", object_id))
        permitted = access.permits(rule, update.mode, update.changes)
        if not permitted and self.session.may_write(author, object_id) is False:
            raise Refused(Reason("$", access.limit(rule)))

    def editor(self, form: Issue, object_id: str, may: MayWrite) -> None:
        """Somebody else who edited the answers may write the object too."""
        editor = form.editor
        if editor in ("", form.author):
            return
        if not self.answered(editor, may(editor, object_id)):
            raise Refused(Reason("$", f"{editor} edited it, but may not change this object"))

    def answered(self, login: str, answer: bool | None) -> bool:
        """The answer about the person; "no answer" is never taken for a no."""
        if answer is None:
            raise self.session.unknown(login)
        return answer

    def barred(self, login: str, deed: str, object_id: str) -> Reason:
        """The refusal of somebody in the words of the rule."""
        rule = access.rule_for(self.session.rules, object_id, login)
        return Reason("$", f"{login} may not {deed} this object; access rule: {access.written(rule)}")


def own(form: Issue) -> dict[str, Json]:
    """What GitHub itself says of the form's issue."""
    return {"login": form.author, "number": form.number, "created_at": form.created_at}
