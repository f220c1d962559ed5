"""Forms: a person's answers become one update or one object of theirs, and the form's issue is closed.

One comment in the object's log has to be posted exactly once; the fold does the rest.  Its key contains the number of
the form's issue.  The same request first writes the note on the form's issue.  So a form without a note has no comment
yet, and for a form with one, the log is read back to the note.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import replace
from itertools import takewhile

from gh_store_action.domain import acceptance, objects
from gh_store_action.domain.forms import filling, notes
from gh_store_action.domain.forms.notes import Note
from gh_store_action.domain.log import entries as updates
from gh_store_action.domain.log.fold import State
from gh_store_action.domain.log.origin import Origin
from gh_store_action.domain.processing.result import Result
from gh_store_action.domain.records import Comment, FormRule, Issue, Refusal
from gh_store_action.domain.refusal import Reason, Refused
from gh_store_action.domain.strict_json import Json
from gh_store_action.domain.verdicts import Counts, Outcome
from gh_store_action.errors import InputError, InvalidUpdate, NotFinished, ObjectExists, ObjectNotFound, StoreError
from gh_store_action.gateway.forms.issues import FormGateway
from gh_store_action.gateway.records import PAGE, pages
from gh_store_action.gateway.refusals import UnknownEffect
from gh_store_action.store.creating import MOST_TRIES, Wanted, checked
from gh_store_action.store.forms.checking import Checks, own
from gh_store_action.store.forms.making import FormCreator
from gh_store_action.store.lookup import Found, Lookup
from gh_store_action.store.moving.mover import Mover
from gh_store_action.store.processing.batches import ends_the_run
from gh_store_action.store.processor import Processor
from gh_store_action.store.updating import Update, text_of, update_of


class Desk:
    """Takes any issue: processes an object, and reads a form.

    Args:
        dry_run: look and check, and write nothing.
    """

    def __init__(self, lookup: Lookup, *, dry_run: bool = False) -> None:
        self.lookup = lookup
        self.session = lookup.session
        self.github = FormGateway(lookup.github.transport, lookup.github.repository)
        self.checks = Checks(lookup)
        self._listed_to = sys.maxsize  # the number behind which all issues are in `_opened`
        self._newest = 0  # of these
        self._opened: dict[int, set[str]] = {}
        self._seen: dict[int, int] = {}  # what the notes on forms are to say, see `Note`
        self.dry_run = dry_run
        self.mover = Mover(lookup, dry_run=dry_run)

    def process(self, number: int, *, event_comment: int | None = None) -> Result:
        """Brings one object up to date, see `Mover.process`, or takes the answers to a form: four requests at most.

        Raises:
            StoreError: it cannot be finished; the next run continues.
        """
        with self.github.transport.uncapped():
            return self._process(number, event_comment, first=True)

    def _process(self, number: int, event_comment: int | None = None, *, first: bool) -> Result:
        """The same; `first` if no earlier run has worked on the form, unless the form says otherwise."""
        issue = self.mover.processor.read(number, event_comment)
        form = notes.rule_of(issue, self.session.rules)
        return self.mover.advance(issue) if form is None else self._take(issue, form, first=first)

    def sweep(self, progress: Callable[[int, int], None] = lambda done, all_: None) -> list[Result]:
        """Brings all objects up to date, see `Mover.sweep`, then takes the open forms, oldest first.

        One form's failure does not stop the others; a missing permission or a used-up budget does.

        Raises:
            StoreError: a listing fails; its `results` have what was written before.
        """
        results = self.mover.sweep(progress)
        if any(result.error is not None and ends_the_run(result.error) for result in results):
            return results
        try:
            waiting = self._waiting()
        except StoreError as error:
            error.results = results
            raise
        for done, number in enumerate(waiting):
            progress(done, len(waiting))
            try:
                results.append(self._process(number, first=False))
            except StoreError as error:
                written = error.results[0] if error.results else Result(number)
                results.append(replace(written, error=error, form=number))
                if ends_the_run(error):
                    left = len(waiting) - done
                    note = f"{left} forms are still open. The next run will take them."
                    results[-1] = replace(results[-1], pending=left, notes=(note,))
                    break
        return results

    def _waiting(self) -> list[int]:
        """The open forms, without those already refused in their current text."""
        found: set[int] = set()
        for form in self.session.rules.forms:
            first = self.github.open_forms(form.label, None)
            if not (first.labelled or self.dry_run):
                self._make_label(form.label)
            for page in pages(first, lambda cursor, label=form.label: self.github.open_forms(label, cursor)):  # type: ignore[misc]
                found |= {one.number for one in page.issues if not notes.settled(one, self.session.counting)}
        return sorted(found)

    def _make_label(self, name: str) -> None:
        """Makes a label that is missing; where the token may not, that is told, and the forms are taken anyway."""
        try:
            self.github.make_label(name)
        except StoreError as error:
            said = f"There is no label {name!r}, so GitHub puts it on no form's issue. {error.text}"
            self.github.transport.tell(said)

    # -- one form --------------------------------------------------------------------------------------------------

    def _take(self, issue: Issue, form: FormRule, *, first: bool) -> Result:
        if issue.closed or issue.locked:
            why = "closed form, which is no longer read" if issue.closed else "locked form, which waits to be unlocked"
            return Result(issue.number, skipped=f"it is a {why}", form=issue.number)
        if not self.dry_run:
            self.session.refuse_unknown_app()
        note = notes.note_of(issue, self.session.counting)
        try:
            done = self._taken_before(issue, note)
            if done is not None:
                return done
            return self._make(issue, form, note, first=first) if form.create else self._post(issue, form, note)
        except Refused as refused:
            return self._refuse(issue, note, refused.reasons)

    def _update(self, issue: Issue, form: FormRule, values: dict[str, Json]) -> Update:
        try:
            update = update_of(filling.data(form, values), form.mode, update_id=_key(issue))
        except InvalidUpdate as error:
            raise Refused(Reason("$", error.what)) from None
        return replace(update, behalf=issue.author)

    def _object(self, object_id: str) -> Issue:
        try:
            return self.lookup.one(object_id)
        except (InputError, ObjectNotFound) as error:
            raise Refused(Reason("$", error.what)) from None

    def _refuse(self, issue: Issue, note: Note | None, reasons: tuple[Reason, ...]) -> Result:
        """Reports a refusal once; if the form's text changes, edits the note in place."""
        said = notes.refused(issue, reasons, self._seen.get(issue.number, note.seen if note else 0))
        if not self.dry_run and (note is None or note.comment.body != said):
            self.github.answer(issue, note.comment.node_id if note else "", said, "OPEN" if issue.closed else "")
        counts, refusal = Counts({Outcome.REJECTED: 1}), Refusal(0, issue.author, tuple(reasons))
        return Result(issue.number, counts=counts, closed=False, refusals=(refusal,), form=issue.number)

    def _taken_before(self, issue: Issue, note: Note | None) -> Result | None:
        """What became of the answers that a note says are taken, whatever the form says, or which form it is, by now.

        The object may have been deleted, or moved to another issue with all that was folded before.
        """
        if note is None or note.kind != notes.TAKEN:
            return None
        try:
            target = self.github.now(note.number)
        except ObjectNotFound:
            return None
        if objects.claimed_id(target, self.session.rules) and self._is_for(target, issue):
            return None if self._maker(issue, note).unfinished(target) else self._made(issue, note, target)
        while not target.complete and target.comments[0].created_at >= note.comment.created_at:
            target = self.github.extend(target, target.comments[0].id - 1, self.session.viewer)
        return self._fold(issue, target, ended=True) if self._has(target, issue) else None

    def _has(self, target: Issue, form: Issue) -> bool:
        """Whether the form's update stands in the object's log: posted by the store, or by a person's run of it."""
        left = self.mover.redirector.left(target)
        found = [
            entry
            for entry in updates.read_all(target, self.session.rules, self.session.counting)
            if (entry.behalf, entry.update_id) == (form.author, _key(form)) and entry.id not in left
        ]
        others = (e.comment.author for e in found if not e.known)
        return any(e.known for e in found) or any(self.checks.answered(o, self.session.may_run(o)) for o in others)

    def _post(self, form: Issue, rule: FormRule, note: Note | None) -> Result:
        values = self.checks.values(form, rule)
        object_id = filling.text(rule.update, values)
        self.checks.id(object_id)
        update = self._update(form, rule, values)
        self.checks.author(update, object_id)
        target = self._object(object_id)
        if self._has(target, form):
            return self._fold(form, target)
        self.checks.editor(form, object_id, self.session.may_write)
        blocked = self._try(target, update)
        if blocked or self.dry_run:
            return Result(form.number, object_id, pending=blocked, changed=not blocked, form=form.number)
        return self._fold(form, self._say(form, note, object_id, target, update))

    def _fold(self, form: Issue, target: Issue, *, ended: bool = False) -> Result:
        """Folds the object, and closes the form's issue with it; with `ended`, even a deleted or moved object."""
        result = Processor(self.session, dry_run=self.dry_run).advance(target, beside=form.node_id)
        if (result.beside or (ended and result.skipped)) and not self.dry_run:
            self.github.answer(form, state="CLOSED")
        return replace(result, form=form.number)

    def _try(self, target: Issue, update: Update) -> int:
        """Folds the pending updates and then this one, without writing.

        Returns:
            How many updates wait until GitHub answers about a permission; 0 if it would be applied.

        Raises:
            Refused: it would be refused.
        """
        text = text_of(update, self.github.transport.server_time)
        newest = acceptance.newest_comment(target, objects.claimed_id(target, self.session.rules) or "")
        comment = Comment(newest + 1, "", self.session.viewer, text, self.github.transport.server_time)
        tried = replace(target, comments=(*target.comments, comment), total_comments=target.total_comments + 1)
        result = Processor(self.session, dry_run=True).advance(tried)
        if result.skipped:
            raise NotFinished(f"Issue #{target.number} was skipped: {result.skipped}.", "Process it, then try again.")
        for refusal in result.refusals:
            if refusal.comment_id == comment.id:
                who = self.checks.barred(update.behalf, "change", result.object_id)
                raise Refused(*([who] if refusal.unauthorized else refusal.reasons))
        return result.pending

    def _say(self, form: Issue, note: Note | None, object_id: str, target: Issue, update: Update) -> Issue:
        """Posts the update, and checks the log before posting it again.

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

    # -- creating an object ----------------------------------------------------------------------------------------

    def _make(self, form: Issue, rule: FormRule, note: Note | None, *, first: bool) -> Result:
        """Creates the object, or continues what an earlier run of the form began, whatever the form says now."""
        fresh = first and note is None and not form.edited_at
        found = None if fresh else self._begun(form, rule, note)
        maker, begun = self._maker(form, note), self._mine(found, form)
        if begun is None:
            try:
                wanted = self._wanted(maker, form, rule)
                found = found if found and found.object_id == wanted.object_id else self._look(wanted.object_id)
                begun = self._mine(found, form) or maker.begun(found, wanted)
            except InvalidUpdate as error:
                raise Refused(*(error.reasons or [Reason("$", error.what)])) from None
            except ObjectExists as error:
                raise Refused(Reason("$", error.what)) from None
        if begun is not None:
            if not maker.unfinished(begun):
                return self._made(form, note, begun)
            object_id = objects.object_id_of(begun, self.session.rules) or ""
            wanted = Wanted(object_id, self.lookup.stored(begun).data, begun.labels, _origin(form))
        if self.dry_run:
            return Result(form.number, wanted.object_id, changed=True, form=form.number)
        try:
            made = maker.make(wanted, begun)
        except ObjectExists as error:
            return self._outrun(form, wanted.object_id, error)
        if not maker.told:
            self._tell(self.github.now(form.number), wanted.object_id, made.meta.issue_number)
        return Result(
            made.meta.issue_number,
            wanted.object_id,
            state=State(made.data, made.meta.version),
            counts=Counts({Outcome.APPLIED: 1}),
            changed=True,
            form=form.number,
        )

    def _maker(self, form: Issue, note: Note | None) -> FormCreator:
        return FormCreator(self.lookup, self.github, form, note)

    def _begun(self, form: Issue, rule: FormRule, note: Note | None) -> Found | None:
        """What there is of the id that the form's object has, None where no earlier run has begun it.

        Where answers are in the id, they or the rules may be others by now, so what was opened since is looked through.
        """
        if note is not None and note.kind == notes.TAKEN:
            found = self._look(note.about)
            if self._mine(found, form) is not None:
                return found
        if not filling.answered(rule.create):
            return self._look(filling.text(rule.create, own(form)))
        seen = note.seen if note else 0
        ids = self._opened_for(form, seen)
        if not ids and self._newest - max(form.number, seen) > PAGE:
            self._seen[form.number] = self._newest
        return next((found for found in map(self._look, ids) if self._mine(found, form) is not None), None)

    def _opened_for(self, form: Issue, seen: int) -> Collection[str]:
        """The ids of the objects whose issues were opened for the form, or have such a title.

        All issues that are newer than the form, or than what was seen, are listed once: what a killed run has opened is
        among them.  Half a page of what was seen is listed again, for a listing may lack what was opened just before.
        """
        since = max(form.number, seen - PAGE // 2)
        if since < self._listed_to:
            self._listed_to = since
            self._opened = defaultdict(set)
            newest = (one for page in pages(self.github.newest(), self.github.newest) for one in page.issues)
            for one in takewhile(lambda one: one.number > since, newest):
                self._newest = max(self._newest, one.number)
                if object_id := objects.claimed_id(one, self.session.rules):
                    self._opened[self.lookup.origin(one).form].add(object_id)
        return self._opened[form.number]

    def _look(self, object_id: str) -> Found:
        self.checks.id(object_id)
        return self.lookup.look(object_id)

    def _wanted(self, maker: FormCreator, form: Issue, rule: FormRule) -> Wanted:
        """The object to create.

        Raises:
            InvalidUpdate: the object's schema refuses the answers, or they are too long.
            Refused: a person may not create it, or the answers are wrong.
        """
        values = self.checks.values(form, rule)
        object_id = filling.text(rule.create, values)
        self.checks.id(object_id)
        if not self.checks.answered(form.author, self.session.may_create(form.author, object_id)):
            raise Refused(self.checks.barred(form.author, "create", object_id))
        self.checks.editor(form, object_id, self.session.may_create)
        return maker.wanted(object_id, checked(filling.data(rule, values)), origin=_origin(form))

    def _outrun(self, form: Issue, object_id: str, error: ObjectExists) -> Result:
        """Someone else was first: another run of this form, or another form, which means that this one is refused."""
        first = self._mine(self.lookup.look(object_id), form)
        form = self.github.now(form.number)
        note = notes.note_of(form, self.session.counting)
        if first is None:
            return self._refuse(form, note, (Reason("$", error.what),))
        return self._made(form, note, first)

    def _made(self, form: Issue, note: Note | None, target: Issue) -> Result:
        """An earlier run has created the object."""
        object_id = objects.object_id_of(target, self.session.rules) or ""
        if not self.dry_run:
            self._tell(form, object_id, target.number, note)
        return Result(target.number, object_id, form=form.number)

    def _tell(self, form: Issue, object_id: str, number: int, note: Note | None = None) -> None:
        """Notes where the object is, and closes the form."""
        note = note or notes.note_of(form, self.session.counting)
        said = notes.taken(object_id, self.session.issue_url(number), made=True)
        text = "" if note and note.comment.body == said else said
        self.github.answer(form, note.comment.node_id if note else "", text, "CLOSED")

    def _mine(self, found: Found | None, form: Issue) -> Issue | None:
        """The issue that a run of the form opened; with its log if it is the object."""
        there = (*found.live, *found.deleted, *found.stray, *(one for one, *_ in found.refused)) if found else ()
        return next((issue for issue in there if self._is_for(issue, form)), None)

    def _is_for(self, issue: Issue, form: Issue) -> bool:
        """Whether the issue was opened for the form, by somebody who may write: anybody can give an issue a title."""
        object_id, may = objects.claimed_id(issue, self.session.rules), self.session.may_write
        if not object_id or self.lookup.origin(issue).form != form.number:
            return False
        ask: acceptance.MayWrite = lambda login, about: self.checks.answered(login, may(login, about))  # noqa: E731
        return not acceptance.not_accepted(issue, object_id, self.session.rules.processors, ask)


def _origin(form: Issue) -> Origin:
    """The origin of an object created from the form."""
    return Origin(form.author, form.number)


def _key(form: Issue) -> str:
    """The idempotency key of the form's update."""
    return f"form-{form.number}"
