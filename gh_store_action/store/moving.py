"""Moves objects: from gh-store's format to this one, and to a new issue when the old one is full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from gh_store_action import __version__
from gh_store_action.domain import acceptance, objects
from gh_store_action.domain.log import entries as updates
from gh_store_action.domain.log.entries import Entry
from gh_store_action.domain.objects import Marker
from gh_store_action.domain.processing.result import Result
from gh_store_action.domain.records import Issue, StoredObject
from gh_store_action.domain.strict_json import InvalidJson, Json, body_digest, digest, dump, parse
from gh_store_action.domain.verdicts import Counts, Outcome, initial_receipts
from gh_store_action.errors import ConcurrentUpdateError, DuplicateUIDError, ObjectNotFound, StoreError
from gh_store_action.gateway.objects import Opened
from gh_store_action.store.lookup import Found, Lookup
from gh_store_action.store.processing.batches import ends_the_run
from gh_store_action.store.processor import Processor
from gh_store_action.store.reading import Reader
from gh_store_action.store.redirecting import Redirector

MOST_TRIES = 3
_KEEP = "post there what is worth keeping from this one, then remove its labels, as `gh-store dedupe` does"


@dataclass(frozen=True)
class Migration:
    """An object that this version has not adopted yet.

    Args:
        form: what wrote it, by its log.
        applied: updates that adopting it folds; `rejected`: those that it refuses.
        done: whether it was adopted; a dry run adopts nothing.
        problem: why it cannot be adopted; empty if it can.
    """

    object_id: str
    issue_number: int
    form: str
    applied: int = 0
    rejected: int = 0
    done: bool = False
    problem: str = ""


class Mover:
    """Moves objects.

    Args:
        dry_run: look, and write nothing.
    """

    def __init__(self, lookup: Lookup, *, dry_run: bool = False) -> None:
        self.lookup = lookup
        self.session = lookup.session
        self.github = lookup.github
        self.dry_run = dry_run
        self.processor = Processor(lookup.session, dry_run=dry_run)
        self.redirector = Redirector(lookup, dry_run=dry_run)
        self._ended = False

    # -- from gh-store ---------------------------------------------------------------------------------------------

    def migrate(self) -> tuple[Migration, ...]:
        """Adopts every object without a marker; one request for each hundred objects, and two for each of those.

        Stops at a failure that would affect the other objects too, such as the end of the budget; the next one goes on.
        Reports gh-store's aliases and issues with the id of another one, without changing them.
        """
        holders: dict[str, int] = {}
        found: list[Migration] = []
        for issue in sorted(self._listed(), key=self._place):
            object_id = objects.claimed_id(issue, self.session.rules)
            if retired := objects.retired(issue):
                problem = f"{retired}; use that one, or remove gh-store's label"
                found.append(Migration(object_id, issue.number, "gh-store", problem=problem))
                continue
            if not self._is_object(issue):
                continue
            holder = holders.setdefault(objects.key(object_id, self.session.rules), issue.number)
            if holder != issue.number:
                problem = f"issue #{holder} has the same id and counts; {_KEEP}"
                found.append(Migration(object_id, issue.number, "gh-store", problem=problem))
            elif self.lookup.marker(issue) is None:
                found.append(self._adopt(issue))
                if self._ended:
                    break
        return tuple(sorted(found, key=lambda one: one.issue_number))

    def _place(self, issue: Issue) -> tuple[bool, int]:
        """Sort key: which of two issues with one id goes first."""
        object_id = objects.claimed_id(issue, self.session.rules)
        return not acceptance.goes_first(issue, object_id, self.session.counting), issue.number

    def _listed(self) -> Iterator[Issue]:
        reader = Reader(self.lookup)
        yield from [issue for page in reader.pages() for issue in page.issues]

    def _is_object(self, issue: Issue) -> bool:
        live, object_id = objects.is_live(issue, self.session.rules), objects.object_id_of(issue, self.session.rules)
        if not live or object_id is None:
            return False
        return not acceptance.not_accepted(issue, object_id, self.session.counting, self.session.may_write)

    def _adopt(self, listed: Issue) -> Migration:
        found = Migration(objects.object_id_of(listed, self.session.rules) or "", listed.number, "unknown")
        try:
            issue = self.github.now(listed.number)
            issue = self.github.extend(issue, 0, self.session.viewer)
            found = replace(found, form=self._form(issue))
            result = self.processor.advance(issue)
        except StoreError as error:
            self._ended = ends_the_run(error)
            return replace(found, problem=error.text)
        if result.skipped:
            return replace(found, problem=result.skipped)
        return replace(found, applied=result.applied, rejected=result.rejected, done=not self.dry_run)

    def _form(self, issue: Issue) -> str:
        """The version that wrote it, by the shape of its initial state."""
        for comment in issue.comments:
            try:
                value = parse(comment.body)
            except InvalidJson:
                continue
            if isinstance(value, dict) and value.get("type") == "initial_state":
                meta = value.get("_meta")
                version = meta.get("client_version") if isinstance(meta, dict) else None
                return f"gh-store {version}" if isinstance(version, str) else "gh-store 0.5"
        return "a person, or an unfinished create"

    # -- to a new issue --------------------------------------------------------------------------------------------

    def roll_over(self, object_id: str) -> StoredObject:
        """Processes the object, opens a new issue from a checkpoint, moves the labels, and closes the old issue.

        First the old issue's title says where the object goes, so that no run writes to it.  Then it is read again for
        what a run may have written before.  If the move is killed, the next run or call finishes it.  Last, the old
        issue's conversation is locked.

        Raises:
            ObjectNotFound: there is no such object.
            DuplicateUIDError: more than one issue is an object with that id.
            ConcurrentUpdateError: updates stay pending, or others kept writing.
        """
        for _ in range(MOST_TRIES):
            found = self.lookup.look(object_id)
            self.session.refuse_unknown_app()
            if not found.live:
                raise self.lookup.missing(found)
            moved = self._move(object_id, found)
            if moved is not None:
                return moved
        raise ConcurrentUpdateError(
            f"Others wrote to {object_id!r} during each of {MOST_TRIES} attempts to move it.",
            "Nothing was moved or lost. Try again when there are fewer updates.",
        )

    def _move(self, object_id: str, found: Found) -> StoredObject | None:
        """One attempt; None if someone wrote to the object in the meantime."""
        result = self.processor.advance(found.live[0])
        old = result.issue or found.live[0]
        if not result.moved_to and (rivals := self.lookup.rivals(found)):  # they would come before the new issue
            there = replace(found, live=(found.live[0], *rivals))
            raise DuplicateUIDError(self.lookup.duplicate(there), self.lookup.how_to_resolve(there))
        if self.dry_run:
            return self.lookup.stored(old)
        if result.moved_to:
            if not self._hand_over(old, result.moved_to, found):
                return None
            return self.lookup.stored(self.github.now(result.moved_to))
        if self.lookup.pending(old):
            raise ConcurrentUpdateError(
                f"{object_id!r} cannot be moved: it has pending updates.", "Process it, then move it again."
            )
        new = self._copied(old)
        self.github.change(old.number, title=objects.moving_title(old.title, new))
        if not self._hand_over(self.github.now(old.number), new, found):
            return None
        return self.lookup.stored(self.github.now(new))

    def _hand_over(self, old: Issue, new: int, found: Found | None = None) -> bool:
        """Moves the labels if the new issue has the old one's state; otherwise, the old one stays the object.

        Args:
            found: the issues with the object's id, where they are known; a third would become the object.
        """
        try:
            copy = self.github.extend(self.github.now(new), 0, self.session.viewer)
        except ObjectNotFound:  # it was deleted, or a person typed the title
            self._give_back(old, old.labels)
            return False
        if self._has_rivals(old, new, found) or not self._continues(copy, old, new):
            self._give_back(old, old.labels, copy)
            return False
        own = self._own_labels(old)
        store = {label.casefold() for label in own}
        kept = [label for label in old.labels if label.casefold() not in store]
        self.github.change(new, labels=list(dict.fromkeys((*copy.labels, *old.labels))))
        self.github.change(old.number, labels=kept, state="closed", title=objects.moved_title(self.lookup.title(old)))
        after = self.github.now(old.number)
        if not self._continues(copy, after, new):  # a run that had read the old title wrote after the last look
            self._give_back(after, old.labels, copy)
            return False
        self.redirector.redirect(after)
        self._lock(after)
        return True

    def _has_rivals(self, old: Issue, new: int, found: Found | None) -> bool:
        """Whether another issue would become the object; none can once the move is done."""
        if objects.is_moved(self.lookup.title(old)):
            return False
        found = found or self.lookup.look(objects.claimed_id(old, self.session.rules))
        return bool({issue.number for issue in (*found.live[:1], *self.lookup.rivals(found))} - {old.number, new})

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

    def _continues(self, copy: Issue, old: Issue, new: int) -> bool:
        """Whether the old issue says that it moved to the new one, which has its state or a later one."""
        title, target = objects.read_moved(self.lookup.title(old))
        begun = self._beginning(copy)
        here, there = objects.read_title(title)[1], objects.read_title(self.lookup.title(copy))[1]
        if target != new or begun is None or begun.previous != old.number or here is None:
            return False
        if there is not None and there.revision > begun.revision:
            return True  # labels alone, which anyone with the triage role can set, do not bring the old one back
        same = body_digest(old.body) == digest(begun.patch)
        return same and here.digest == objects.short_digest(begun.patch) and begun.revision >= here.revision

    def _give_back(self, old: Issue, labels: tuple[str, ...], copy: Issue | None = None) -> None:
        """Makes the old issue the object again, and gives up its copy; leaves an issue that is not its copy alone."""
        begun = self._beginning(copy) if copy else None
        if copy and begun and begun.previous == old.number:
            self.github.change(copy.number, labels=[], state="closed", title=f"Given up: copy of #{old.number}")
        title, target = objects.read_moved(self.lookup.title(old))
        self.github.change(old.number, labels=labels, title=title if target else None)

    def _own_labels(self, issue: Issue) -> tuple[str, ...]:
        rules = self.session.rules
        return (rules.base_label, *objects.uid_labels(issue, rules))

    def _beginning(self, copy: Issue) -> Entry | None:
        """The state that a copy begins with; it contains the number of the original issue.

        Whoever began the move wrote it, and only their own title may be there.
        """
        rules, counting = self.session.rules, self.session.counting
        object_id = objects.object_id_of(copy, rules) or objects.read_title(copy.title)[0]
        binding = acceptance.signers(copy, object_id, counting)
        if copy.author not in binding and self.session.may_write(copy.author, object_id):
            binding |= {copy.author}
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
        self._finish(opened, text, object_id, revision, now.data)
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
        refusals, target = self.redirector.redirect(result.issue)
        if not target:
            return result
        skipped = f"its object is now kept in issue #{target}"
        outcomes = Counter(Outcome.UNAUTHORIZED if one.unauthorized else Outcome.REJECTED for one in refusals)
        return replace(result, skipped=skipped, counts=Counts(outcomes), refusals=refusals)

    def sweep(self, progress: Callable[[int, int], None] = lambda done, all_: None) -> list[Result]:
        """Brings all objects up to date, see `Processor.sweep`, and finishes moves that were killed."""
        return [self._finished(result) for result in self.processor.sweep(progress)]

    def _finished(self, result: Result) -> Result:
        """Finishes a move that the processor came across."""
        if not result.moved_to or result.issue is None or self.dry_run:
            return result
        if not self._hand_over(result.issue, result.moved_to):
            return self.processor.process(result.number)
        return replace(result, issue=self.github.now(result.number))
