"""Moves an object to a new issue when the old one is full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from gh_store_action import __version__
from gh_store_action.domain import acceptance, access, objects
from gh_store_action.domain.log import entries as updates
from gh_store_action.domain.log.entries import Entry
from gh_store_action.domain.objects import Marker
from gh_store_action.domain.processing.result import Result
from gh_store_action.domain.records import FOREVER, Issue, StoredObject
from gh_store_action.domain.strict_json import Json, body_digest, digest, dump
from gh_store_action.domain.verdicts import Counts, Outcome, initial_receipts
from gh_store_action.errors import ConcurrentUpdateError, DuplicateUIDError, FullIssue, ObjectNotFound, StoreError
from gh_store_action.gateway.objects import Opened
from gh_store_action.gateway.refusals import UnknownEffect, denied
from gh_store_action.hints import Text
from gh_store_action.store.creating import left_out
from gh_store_action.store.lookup import Found, Lookup, Worker
from gh_store_action.store.processing.batches import ends_the_run
from gh_store_action.store.processor import Processor
from gh_store_action.store.redirecting import Redirector

MOST_TRIES = 3


class Mover(Worker):
    """Moves objects."""

    def __init__(self, lookup: Lookup, *, dry_run: bool = False) -> None:
        super().__init__(lookup, dry_run=dry_run)
        self.processor = Processor(lookup.session, dry_run=dry_run)
        self.redirector = Redirector(lookup, dry_run=dry_run)

    # -- to a new issue --------------------------------------------------------------------------------------------

    def roll_over(self, object_id: str) -> StoredObject:
        """Processes the object, opens a new issue from a checkpoint, moves the labels, and closes the old issue.

        First the old issue's title says where the object goes, so that no run writes to it.  Then it is read again for
        what a run or a person may have written before.  If the move is killed, the next run or call finishes it.  Of
        two calls at once, one moves the object.  Last, the old issue's conversation is locked.

        Raises:
            ObjectNotFound: there is no such object.
            DuplicateUIDError: more than one issue is an object with that id.
            ConcurrentUpdateError: updates stay pending, or others kept writing.
        """
        begun_at = 0
        for _ in range(MOST_TRIES):
            found = self.lookup.look(object_id)
            self.session.refuse_unknown_app()
            if not found.live:
                raise self.lookup.missing(found)
            begun_at = begun_at or found.live[0].number
            if found.live[0].number > begun_at:  # another call has moved it in the meantime
                return self.lookup.stored(found.live[0])
            moved = self._move(object_id, found)
            if moved is not None:
                return moved
        raise ConcurrentUpdateError(
            f"Others wrote to {object_id!r} during each of {MOST_TRIES} attempts to move it.",
            "Nothing was moved or lost. Try again when there are fewer updates.",
        )

    def _move(self, object_id: str, found: Found) -> StoredObject | None:
        """One attempt; None if someone wrote to the object in the meantime."""
        old, target = self._processed(found.live[0])
        rivals = () if target else self._rivals_left(old, found)
        if rivals:  # they would come before the new issue
            there = replace(found, live=(found.live[0], *rivals))
            raise DuplicateUIDError(self.lookup.duplicate(there), self.lookup.how_to_resolve(there))
        if self.dry_run:
            return self.lookup.stored(old)
        if not target:
            if self.lookup.pending(old):
                raise ConcurrentUpdateError(
                    f"{object_id!r} cannot be moved: it has pending updates.", "Process it, then move it again."
                )
            target = self._copied(old)
            self._announce(old, target)
            old = self.github.now(old.number)
        if not self._hand_over(old, target, found):
            return None
        return self.lookup.stored(self.github.now(target))

    def _announce(self, old: Issue, new: int) -> None:
        """Says in the old issue's title where the object goes: the first step that takes more than triage rights.

        If it is not known whether GitHub saved the title, the next run finishes the move.
        """
        viewer, object_id = self.session.viewer, self._id(old)
        if old.author == viewer and self.session.may_write(viewer, object_id) is False:
            rule = access.rule_for(self.session.rules, object_id, viewer)
            raise self._undone(left_out(viewer, object_id, rule, ""), new, old.number)  # GitHub would let its author
        try:
            self.github.change(old.number, title=objects.moving_title(old.title, new))
        except UnknownEffect:
            raise
        except StoreError as error:
            raise self._undone(error, new, old.number) from error

    def _undone(self, error: StoreError, copy: int, previous: int) -> StoreError:
        """The error for a move that failed before the old issue's title was changed; gives up the copy."""
        left = f"Nothing was moved. The copy, issue #{copy}, was given up."
        try:
            self.github.change(copy, labels=[], state="closed", title=_given_up(previous))
        except StoreError:
            left = f"Nothing was moved. The copy, issue #{copy}, could not be given up: close it."
        return error.reworded(Text.sentences([error.what, left]), error.hint)

    def _processed(self, issue: Issue) -> tuple[Issue, int]:
        """The issue brought up to date, and the issue that its object is moving to, or 0.

        A full issue takes no reply and no checkpoint.  The body is right without them: a copy begins with its state.
        """
        try:
            result = self.processor.advance(issue)
        except FullIssue:
            return self.github.now(issue.number), 0
        return result.issue or issue, result.moved_to

    def _hand_over(self, old: Issue, new: int, found: Found | None = None) -> bool:
        """Moves the labels if the new issue has the old one's state; otherwise, the old one stays the object.

        Args:
            found: the issues with the object's id, where they are known; a third would become the object.
        """
        copy = self._copy_at(new)
        done = objects.is_moved(self.lookup.title(old))  # labels were put back by hand
        if copy is None or not (done or self._may_go(old, copy, found)) or not self._continues(copy, old, new):
            self._give_back(old, new, copy)
            return False
        own = self._own_labels(old)
        store = {label.casefold() for label in own}
        kept = [label for label in old.labels if label.casefold() not in store]
        wanted = list(dict.fromkeys((*copy.labels, *own, *kept)))
        there = {label.casefold() for label in self.github.change(new, labels=wanted)}
        if not store <= there:  # GitHub drops them without a word if the token may not push
            self._give_back(old, new, copy)
            what = (
                f"label issues of {self.github.repository}, so nothing was moved. The copy, issue #{new}, was given up"
            )
            raise denied(what, issues="write")
        self.github.change(old.number, labels=kept, state="closed", title=objects.moved_title(self.lookup.title(old)))
        after = self.github.now(old.number)
        target = self._target(after) or new  # perhaps the copy of another call
        if not self._continues(copy, after, target):  # a run that had read the old title wrote after the last look
            self._give_back(after, new, copy)
            return False
        if not (done or self._stays(after, copy)):
            return False
        self._answer(after, target)
        self._lock(after)
        return True

    def _answer(self, old: Issue, new: int) -> None:
        """Answers the updates on the issue that the object has left.  The move is done, so a failure only warns."""
        why: object = "GitHub did not say who may write."
        try:
            if not self.redirector.redirect(old, new=new).silent:
                return
        except StoreError as error:
            why = error.what
        self.github.transport.tell(
            f"Updates on the old issue #{old.number} may still lack an answer: {why} Process that issue."
        )

    def _copy_at(self, number: int) -> Issue | None:
        """That issue with its log; None if it was deleted, or if a person typed its number into the title."""
        try:
            return self.github.extend(self.github.now(number), 0, self.session.viewer)
        except ObjectNotFound:
            return None

    def _rivals_left(self, old: Issue, found: Found) -> tuple[Issue, ...]:
        """The other objects with the id, but for copies that another call has left behind: those are given up."""
        rivals = self.lookup.rivals(found)
        return tuple(one for one in rivals if not self._give_up_if_untouched(self._copy_at(one.number), old.number))

    def _may_go(self, old: Issue, copy: Issue, found: Found | None) -> bool:
        """Whether nobody has posted while the old issue alone was the object, and no third issue would become it."""
        if not objects.has_label(copy, self.session.rules.base_label) and self.lookup.pending(old):
            return False
        found = found or self.lookup.look(self._id(old))
        return {issue.number for issue in (*found.live[:1], *self.lookup.rivals(found))} <= {old.number, copy.number}

    def _stays(self, old: Issue, copy: Issue) -> bool:
        """Whether this copy stays: of those by other calls, and with the old issue's state, the lowest number does.

        The others are given up.  The old issue then links to it, unless another call has made that the object again.
        """
        target = self._target(old)
        first = copy.number
        for number in sorted({issue.number for issue in self.lookup.look(self._id(old)).live} - {copy.number}):
            other = None if number == old.number else self._copy_at(number)
            if number < first and (other is None or self._continues(other, old, target)):
                first = number
                self._give_up(copy, old.number)
            else:
                self._give_up_if_untouched(other, old.number)
        if target != first != old.number:
            before = objects.read_moved(self.lookup.title(old))[0]
            self.github.change(old.number, title=objects.moved_title(objects.moving_title(before, first)))
        return first == copy.number

    def _lock(self, old: Issue) -> None:
        """Locks the issue that an object has left; people who may write can still comment, and get a reply there.

        The move is already done, so if the token may not lock, this only warns.
        """
        if old.locked:
            return
        try:
            self.github.lock(old.node_id)
        except StoreError as error:
            self.github.transport.tell(
                f"The old issue #{old.number} was not locked: {error.what} Lock its conversation, or anyone can still "
                "comment there."
            )

    def _target(self, old: Issue) -> int:
        return objects.read_moved(self.lookup.title(old))[1]

    def _continues(self, copy: Issue, old: Issue, new: int) -> bool:
        """Whether the old issue says that it moved to that one, and the copy has its state or a later one."""
        title, target = objects.read_moved(self.lookup.title(old))
        begun = self._beginning(copy)
        here, there = objects.read_title(title)[1], objects.read_title(self.lookup.title(copy))[1]
        if target != new or begun is None or begun.previous != old.number or here is None:
            return False
        if there is not None and there.revision > begun.revision:
            return True  # labels alone, which anyone with the triage role can set, do not bring the old one back
        same = body_digest(old.body) == digest(begun.patch)
        return same and here.digest == objects.short_digest(begun.patch) and begun.revision >= here.revision

    def _give_up_if_untouched(self, copy: Issue | None, previous: int) -> bool:
        """Gives an issue up if it is a copy of the previous one to which nothing has come; returns whether it did."""
        begun = self._beginning(copy) if copy else None
        untouched = copy and begun and begun.previous == previous and begun.id == max(one.id for one in copy.comments)
        if copy and untouched and not self.dry_run:
            self._give_up(copy, previous)
        return bool(untouched)

    def _give_back(self, old: Issue, new: int, copy: Issue | None) -> None:
        """Makes the old issue the object again, and gives up its copy; leaves an issue that is not its copy alone.

        Where its title says by now that the object moves to yet another issue, it is left to that move.
        """
        begun = self._beginning(copy) if copy else None
        if copy and begun and begun.previous == old.number:
            self._give_up(copy, old.number)
        old = self.github.now(old.number)
        title, target = objects.read_moved(self.lookup.title(old))
        if target in (0, new):
            labels = list(dict.fromkeys((*old.labels, *self._own_labels(old))))
            self.github.change(old.number, labels=labels, title=title if target else None)

    def _give_up(self, copy: Issue, previous: int) -> None:
        self.github.change(copy.number, labels=[], state="closed", title=_given_up(previous))

    def _id(self, issue: Issue) -> str:
        """The object's id by the labels; where another call has taken them off, by the title."""
        said = objects.read_title(objects.read_moved(self.lookup.title(issue))[0])[0]
        return objects.claimed_id(issue, self.session.rules) or said

    def _own_labels(self, issue: Issue) -> tuple[str, ...]:
        rules = self.session.rules
        return (rules.base_label, *(objects.uid_labels(issue, rules) or (objects.uid_label(self._id(issue), rules),)))

    def _beginning(self, copy: Issue) -> Entry | None:
        """The state that a copy begins with; it contains the number of the original issue.

        Whoever began the move wrote it, and only their own title may be there.
        """
        rules, counting = self.session.rules, self.session.counting
        object_id = objects.object_id_of(copy, rules) or objects.read_title(copy.title)[0]
        binding = acceptance.signers(copy, object_id, counting)
        if copy.author not in binding and self.session.may_write(copy.author, object_id):
            binding[copy.author] = FOREVER
        return next((entry for entry in updates.read_all(copy, rules, counting, binding) if entry.previous), None)

    def _copied(self, old: Issue) -> int:
        """A new issue with the object's state, without labels, so that nothing takes it for the object yet."""
        now = self.lookup.stored(old)
        object_id, revision = now.meta.object_id, now.meta.version
        origin = replace(self.lookup.origin(old), recorded=True)  # whoever opens the copy does not own it
        title = objects.heading(object_id, self.session.rules) + origin.suffix
        opened = self.github.open_issue(title, dump(now.data), ())
        text = updates.checkpoint(
            now.data,
            after=0,
            revision=revision,
            update_id=updates.checkpoint_id(revision, 0, now.data),
            version=__version__,
            previous=old.number,
            object_id=objects.stated(object_id, self.session.rules),
            owner=origin.owner,
            form=origin.form,
        )
        try:
            self._finish(opened, text, object_id, revision, now.data)
        except StoreError as error:
            raise self._undone(error, opened.number, old.number) from error
        return opened.number

    def _finish(self, opened: Opened, text: str, object_id: str, revision: int, data: Json) -> None:
        processed, initial = initial_receipts(self.session.rules.reactions)
        said = self.github.say(opened.node_id, text)
        marker = Marker(revision, said.id, 1, objects.short_digest(data), (objects.short_id(said.id),))
        finished = self.github.finish(
            opened.node_id,
            self.session.viewer,
            comment=said.node_id,
            processed=processed,
            initial=initial,
            title=objects.title(object_id, marker, self.session.rules),
        )
        if not finished.titled:
            self.github.raise_for(finished.failures, "write issues")

    def settle(self, object_id: str) -> Found:
        """Finishes a move that was killed, unless this is a dry run; returns the issues with the id."""
        found = self.lookup.look(object_id)
        if found.live and self.lookup.moving_to(found.live[0]) and not self.dry_run:
            self.process(found.live[0].number)
            found = self.lookup.look(object_id)
        return self.lookup.without_copy(found)

    # -- after the move --------------------------------------------------------------------------------------------

    def process(self, number: int, *, event_comment: int | None = None) -> Result:
        """Brings one object up to date; refuses updates on its old issue, with a link to the new one.

        A single object never waits for a budget that only the configuration sets.
        """
        with self.github.transport.uncapped():
            return self.advance(self.processor.read(number, event_comment))

    def advance(self, issue: Issue) -> Result:
        """The same for an issue that was just read."""
        result = self._finished(self.processor.advance(issue))
        if not result.skipped or result.issue is None:
            return result
        refusals, target, silent = self.redirector.redirect(result.issue)
        if not target:
            return result
        skipped = f"its object is now kept in issue #{target}"
        outcomes = Counter(Outcome.UNAUTHORIZED if one.unauthorized else Outcome.REJECTED for one in refusals)
        return replace(result, skipped=skipped, counts=Counts(outcomes), refusals=refusals, pending=silent)

    def sweep(self, progress: Callable[[int, int], None] = lambda done, all_: None) -> list[Result]:
        """Brings all objects up to date, see `Processor.sweep`, and finishes moves that were killed."""
        results = self.processor.sweep(progress)
        for place, result in enumerate(results):
            try:
                results[place] = self._finished(result)
            except StoreError as error:
                written = error.results[0] if error.results else replace(result, skipped="")
                results[place] = replace(written, error=error)
                if ends_the_run(error):
                    break
        return results

    def _finished(self, result: Result) -> Result:
        """Finishes a move that the processor came across."""
        if not result.moved_to or result.issue is None or self.dry_run:
            return result
        if not self._hand_over(result.issue, result.moved_to):
            return self.processor.process(result.number)
        return replace(result, issue=self.github.now(result.number))


def _given_up(previous: int) -> str:
    return f"Given up: copy of #{previous}"
