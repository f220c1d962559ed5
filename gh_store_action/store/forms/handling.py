"""Forms: what somebody answered becomes one update of an object, as theirs, and then the form's issue is closed.

All that has to be exactly once is one comment in the object's log; the fold does the rest.  Its key is made of the
number of the form's issue.  The note on the form's issue is written in the same request, before the comment, so a form
without a note is none that was posted; with one, the log is looked at back to the note.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gh_store_action.domain import objects
from gh_store_action.domain.forms import answers, filling, notes
from gh_store_action.domain.forms.notes import Note
from gh_store_action.domain.log import entries as updates
from gh_store_action.domain.processing.context import PermissionUnknown
from gh_store_action.domain.processing.result import Result
from gh_store_action.domain.records import GHOST, Comment, FormRule, Issue, Refusal
from gh_store_action.domain.refusal import Reason, Refused
from gh_store_action.domain.strict_json import Json
from gh_store_action.domain.verdicts import Counts, Outcome
from gh_store_action.errors import InputError, InvalidUpdate, NotFinished, ObjectNotFound, StoreError
from gh_store_action.gateway.forms.issues import FormGateway
from gh_store_action.gateway.records import pages
from gh_store_action.gateway.refusals import UnknownEffect
from gh_store_action.store.creating import MOST_TRIES
from gh_store_action.store.lookup import Lookup
from gh_store_action.store.moving import Mover
from gh_store_action.store.processing.batches import ends_the_run
from gh_store_action.store.processor import Processor
from gh_store_action.store.updating import Update, text_of, update_of


class Desk:
    """Takes issues as they come: an object is processed, a form is read.

    Args:
        dry_run: look and check, and write nothing.
    """

    def __init__(self, lookup: Lookup, *, dry_run: bool = False) -> None:
        self.lookup = lookup
        self.session = lookup.session
        self.github = FormGateway(lookup.github.transport, lookup.github.repository)
        self.dry_run = dry_run
        self.mover = Mover(lookup, dry_run=dry_run)

    def process(self, number: int, *, event_comment: int | None = None) -> Result:
        """Brings one object up to date, see `Mover.process`, or takes the answers to a form: four requests at most.

        Raises:
            StoreError: when it cannot be finished; the next run goes on with it.
        """
        with self.github.transport.uncapped():
            issue = self.mover.processor.read(number, event_comment)
            form = notes.rule_of(issue, self.session.rules)
            return self.mover.advance(issue) if form is None else self._take(issue, form)

    def sweep(self, progress: Callable[[int, int], None] = lambda done, all_: None) -> list[Result]:
        """Brings all objects up to date, see `Mover.sweep`, then takes the forms that are open, oldest first.

        One form's failure does not stop the others; a missing permission or a used-up budget does.
        """
        results = self.mover.sweep(progress)
        if any(result.error is not None and ends_the_run(result.error) for result in results):
            return results
        waiting = self._waiting()
        for done, number in enumerate(waiting):
            progress(done, len(waiting))
            try:
                results.append(self.process(number))
            except StoreError as error:
                results.append(Result(number, error=error, form=number))
                if ends_the_run(error):
                    left = len(waiting) - done
                    note = f"{left} forms are still open, and the next run takes them."
                    results[-1] = replace(results[-1], pending=left, notes=(note,))
                    break
        return results

    def _waiting(self) -> list[int]:
        """The open forms that have not been refused as they are now."""
        found: set[int] = set()
        for form in self.session.rules.forms:
            first = self.github.open_forms(form.label, None)
            for page in pages(first, lambda cursor, label=form.label: self.github.open_forms(label, cursor)):  # type: ignore[misc]
                found |= {one.number for one in page.issues if not notes.settled(one, self.session.counting)}
        return sorted(found)

    # -- one form --------------------------------------------------------------------------------------------------

    def _take(self, issue: Issue, form: FormRule) -> Result:
        if issue.closed:
            return Result(issue.number, skipped="it is a form that is closed, and no longer read", form=issue.number)
        if not self.dry_run:
            self.session.refuse_unknown_app()
        note = notes.note_of(issue, self.session.counting)
        try:
            posted = self._posted_before(issue, note)
            return self._fold(issue, posted) if posted else self._post(issue, form, note)
        except Refused as refused:
            return self._refuse(issue, note, refused.reasons)

    def _values(self, issue: Issue, form: FormRule) -> dict[str, Json]:
        """What the places of the templates are filled with."""
        own: dict[str, Json] = {"login": issue.author, "number": issue.number, "created_at": issue.created_at}
        return {**answers.read(self.session.fields(form), issue.body, form.types), **own}

    def _update(self, issue: Issue, form: FormRule, values: dict[str, Json]) -> Update:
        if form.data is None:
            data: Json = {name: value for name, value in values.items() if name not in filling.OWN}
        else:
            data = filling.filled(form.data, values)
        try:
            update = update_of(data, form.mode, update_id=_key(issue))
        except InvalidUpdate as error:
            raise Refused(Reason("$", error.what)) from None
        return replace(update, behalf=issue.author)

    def _object(self, object_id: str) -> Issue:
        try:
            return self.lookup.one(object_id)
        except (InputError, ObjectNotFound) as error:
            raise Refused(Reason("$", error.what)) from None

    def _refuse(self, issue: Issue, note: Note | None, reasons: tuple[Reason, ...]) -> Result:
        """Says so once; another text of the form changes the note in place."""
        said = notes.refused(issue, reasons)
        if not (self.dry_run or issue.locked) and (note is None or note.comment.body != said):
            self.github.note(issue, note.comment.node_id if note else "", said)
        refusal = Refusal(0, issue.author, tuple(reasons))
        return Result(
            issue.number,
            counts=Counts({Outcome.REJECTED: 1}),
            closed=False,
            refusals=(refusal,),
            form=issue.number,
        )

    def _posted_before(self, issue: Issue, note: Note | None) -> Issue | None:
        """The object that has the form's update in its log, where the note says so: whatever the form says by now."""
        if note is None or note.kind != notes.TAKEN:
            return None
        target = self._object(note.about)
        while not target.complete and target.comments[0].created_at >= note.comment.created_at:
            target = self.github.extend(target, target.comments[0].id - 1, self.session.viewer)
        return target if self._has(target, issue) else None

    def _has(self, target: Issue, form: Issue) -> bool:
        """Whether the form's update stands in the object's log: posted by the store, or by a person's run of it."""
        object_id = objects.object_id_of(target, self.session.rules) or ""
        found = [
            entry
            for entry in updates.read_all(target, self.session.rules, self.session.counting)
            if (entry.behalf, entry.update_id) == (form.author, _key(form))
        ]
        return any(e.known or self.session.may_write(e.comment.author, object_id) for e in found)

    def _post(self, form: Issue, rule: FormRule, note: Note | None) -> Result:
        if form.author == GHOST:
            raise Refused(Reason("$", "the account of its author is deleted"))
        values = self._values(form, rule)
        object_id = filling.text(rule.update, values)
        target = self._object(object_id)
        if self._has(target, form):
            return self._fold(form, target)
        self._check_editor(form, object_id)
        update = self._update(form, rule, values)
        blocked = self._try(target, update)
        if blocked or self.dry_run:
            return Result(form.number, object_id, pending=blocked, changed=not blocked, form=form.number)
        return self._fold(form, self._say(form, note, object_id, target, update))

    def _check_editor(self, form: Issue, object_id: str) -> None:
        """What somebody else has made of the answers is theirs as well."""
        editor = form.editor
        if editor in ("", form.author) or editor in self.session.counting:
            return
        answer = self.session.may_write(editor, object_id)
        if answer is None:
            raise PermissionUnknown(editor, str(self.session.refusals_to_say.pop(editor, "")))
        if not answer:
            raise Refused(Reason("$", f"{editor} has edited it, who may not change this object"))

    def _fold(self, form: Issue, target: Issue) -> Result:
        """Folds the object, and closes the form's issue with it."""
        result = Processor(self.session, dry_run=self.dry_run).advance(target, beside=form.node_id)
        if result.beside and not self.dry_run:
            self.github.close(form)
        return replace(result, form=form.number)

    def _try(self, target: Issue, update: Update) -> int:
        """Folds the update, and what is pending before it, without writing.

        Returns:
            How many updates wait for GitHub to tell a permission; 0 where it would be applied.

        Raises:
            Refused: it would be refused.
        """
        text = text_of(update, self.github.transport.server_time)
        newest = max((comment.id for comment in target.comments), default=0)
        comment = Comment(newest + 1, "", self.session.viewer, text, self.github.transport.server_time)
        tried = replace(target, comments=(*target.comments, comment), total_comments=target.total_comments + 1)
        result = Processor(self.session, dry_run=True).advance(tried)
        if result.skipped:
            raise NotFinished(f"Issue #{target.number} is left alone: {result.skipped}.", "Process it, and run again.")
        for refusal in result.refusals:
            if refusal.comment_id == comment.id:
                who = Reason("$", f"{update.behalf} may not change this object")
                raise Refused(*([who] if refusal.unauthorized else refusal.reasons))
        return result.pending

    def _say(self, form: Issue, note: Note | None, object_id: str, target: Issue, update: Update) -> Issue:
        """Posts the update, and looks before it is posted again.

        Returns:
            The object with it in its log.
        """
        said = notes.taken(object_id, self.session.issue_url(target.number))
        text = text_of(update, self.github.transport.server_time)
        for _ in range(MOST_TRIES):
            try:
                node = note.comment.node_id if note else ""
                wanted = "" if note and note.comment.body == said else said
                posted = self.github.take(form, node, wanted, target, self.session.viewer, text)
                if posted.comment_id:
                    there = posted.issue if posted.issue and self._has(posted.issue, form) else None
                    return there or self.mover.processor.read(target.number, posted.comment_id)
                self.github.raise_for(posted.failures, "comment on issues")
            except UnknownEffect as error:
                unknown = error
            self.github.transport.wait(self.github.transport.retries.backoff_factor, "an update got no answer")
            target = self.github.now(target.number)
            if self._has(target, form):
                return target
            note = notes.note_of(self.github.now(form.number), self.session.counting)
        raise unknown


def _key(form: Issue) -> str:
    """The idempotency key of the form's update."""
    return f"form-{form.number}"
