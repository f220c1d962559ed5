"""Finds the issue of an id by its exact label; accepted issues count, and the lowest number wins."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from gh_store_action.arguments import text
from gh_store_action.domain import acceptance, objects
from gh_store_action.domain.log import entries as updates
from gh_store_action.domain.log.fold import newest_checkpoint
from gh_store_action.domain.log.origin import Origin, origin_of
from gh_store_action.domain.objects import InvalidId
from gh_store_action.domain.processing.reconcile import BrokenObject
from gh_store_action.domain.records import Issue, StoredMeta, StoredObject
from gh_store_action.domain.strict_json import InvalidJson, Json, digest, read_body
from gh_store_action.domain.verdicts import Outcome, reaction_of
from gh_store_action.errors import InputError, ObjectNotFound
from gh_store_action.gateway.objects import Labelled, ObjectGateway
from gh_store_action.gateway.records import Reading
from gh_store_action.hints import REPAIR, Text
from gh_store_action.store.session import Session

_BECOMES = "It becomes the object once someone who may write saves its body, or an update is processed."

_RETIRED = "Use that one. To make this a separate object, replace gh-store's label with the store's."


@dataclass(frozen=True)
class Found:
    """The issues with an id's label, each group by number.

    Args:
        live: the objects with that id; the first counts, and accepted ones come first.
        deleted: those that can be restored.
        stray: those without the store's other label.
        refused: those with the labels that are not an object with that id, with the reason and the cure.
        wrong: those that may be another object or no longer one, with the reason and the cure.
    """

    object_id: str
    live: tuple[Issue, ...] = ()
    deleted: tuple[Issue, ...] = ()
    stray: tuple[Issue, ...] = ()
    refused: tuple[tuple[Issue, str, str], ...] = ()
    wrong: tuple[tuple[Issue, str, str], ...] = ()


class Lookup:
    """Finds objects by id.

    Args:
        session: what is known about the store; learns its rules with the first answer.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.github = ObjectGateway.beside(session.github)

    def look(self, object_id: str) -> Found:
        """All issues with the id: one request, with the configuration.

        Raises:
            InputError: no label can carry the id.
        """
        self.check_id(object_id)
        label = objects.uid_label(object_id, self.session.rules)
        reading = self.github.find(label, rules=self.session.unlearned)
        self.session.learn(reading)
        self.check_id(object_id)
        if objects.uid_label(object_id, self.session.rules) != label:
            reading = self.github.find(objects.uid_label(object_id, self.session.rules), rules=False)
        return self._sorted(object_id, self._caught_up(object_id, reading))

    def _caught_up(self, object_id: str, reading: Reading) -> Reading:
        """The same result, with each issue that the object has left replaced by the one that has it now.

        After a roll-over, GitHub's index of labels may lag, but the old issue's title does not.
        """
        known = {issue.number for issue in reading.issues}
        label = objects.uid_label(object_id, self.session.rules)
        ends = {issue.number: self.followed(issue, object_id, known) for issue in reading.issues}
        newer = {end.number: end for end in ends.values() if end.number not in known and objects.has_label(end, label)}
        kept = (issue for issue in reading.issues if ends[issue.number].number not in newer)
        return replace(reading, issues=(*newer.values(), *kept)) if newer else reading

    def followed(self, issue: Issue, object_id: str, known: Collection[int] = ()) -> Issue:
        """Follows the titles from an issue that the object has left to the one that has it; one request for each move.

        Args:
            known: numbers of issues that were read already.
        """
        processors, may_write = self.session.rules.processors, self.session.may_write
        while True:
            there = acceptance.kept_in(issue, object_id, processors, may_write)
            if there <= issue.number or there in known:  # a copy is newer, so this ends
                return issue
            try:
                issue = self.github.now(there)
            except ObjectNotFound:
                return issue

    def check_id(self, object_id: str) -> None:
        """Raises if no label can carry the id; before the prefix is known, checks only what does not depend on it."""
        text("object_id", object_id)
        rules = self.session.rules
        if self.session.unlearned:
            rules = replace(rules, uid_prefix="")
        try:
            objects.check_id(object_id, rules)
        except InvalidId as error:
            raise InputError(str(error), "Choose another id.") from None

    def _sorted(self, object_id: str, reading: Reading) -> Found:
        rules, processors = self.session.rules, self.session.rules.processors
        live, deleted, stray = [], [], []
        refused: list[tuple[Issue, str, str]] = []
        wrong: list[tuple[Issue, str, str]] = []
        said = [self._with_id(issue) for issue in reading.issues]
        first = {one.number for one in said if acceptance.goes_first(one, object_id, processors)}
        taken = any(objects.is_live(one, rules) for one in said if one.number in first)
        for issue in sorted(said, key=lambda one: (one.number not in first, one.number)):
            named = objects.object_id_of(issue, rules)
            if named is not None and objects.key(named, rules) != objects.key(object_id, rules):
                continue
            may_write, hint = self.session.may_write, Text("Correct the label, or run ", REPAIR, ".")
            if retired := objects.retired(issue):
                wrong.append((issue, retired, Text(_RETIRED)))
                continue
            if named is None:
                (refused if issue.complete else wrong).append((issue, objects.id_problem(issue, rules), hint))
                continue
            if self.mislabelled(issue, object_id):
                wrong.append((issue, acceptance.wrong_label(issue, object_id, processors), hint))
                continue
            # Next to a signed issue, any other live one is a duplicate, no matter who opened it: no need to ask.
            asks = not taken or objects.has_label(issue, rules.archived_label)
            if asks and (reason := acceptance.not_accepted(issue, object_id, processors, may_write)):
                refused.append((issue, reason, _BECOMES))
                continue
            if there := acceptance.kept_in(issue, object_id, processors, may_write):
                hint = Text(f"Process issue #{issue.number}, which corrects its labels and title.")
                wrong.append((issue, f"its object is kept in issue #{there}", hint))
                continue
            if objects.has_label(issue, rules.archived_label):
                deleted.append(issue)
            elif objects.has_label(issue, rules.base_label):
                live.append(issue)
            else:
                stray.append(issue)
        for group in (live, deleted):
            if group and group[0] is not reading.issues[0]:  # only the first issue found has its log
                group[0] = self.github.now(group[0].number)
        return Found(object_id, tuple(live), tuple(deleted), tuple(stray), tuple(refused), tuple(wrong))

    def _with_id(self, issue: Issue) -> Issue:
        """The issue; its log is added if missing when nothing else says the id that the label has as a hash."""
        unread = not issue.complete and not issue.comments
        unsaid = [found for _, found in objects.claiming(issue, self.session.rules)] == [""]
        return self.github.now(issue.number) if unread and unsaid else issue

    def one(self, object_id: str, warn: Callable[[str], None] = lambda line: None) -> Issue:
        """The issue of the live object.

        Args:
            warn: called with a line if other live issues have the same id.

        Raises:
            ObjectNotFound: there is none; the message says whether there was one.
        """
        found = self.without_copy(self.look(object_id))
        if len(found.live) > 1:
            warn(f"{self.duplicate(found)} {self.how_to_resolve(found)}")
        if found.live:
            return found.live[0]
        raise self.missing(found)

    def without_copy(self, found: Found) -> Found:
        """The same without the copy of an unfinished move, which is not a second object."""
        copy = self.moving_to(found.live[0]) if found.live else 0
        return replace(found, live=tuple(issue for issue in found.live if issue.number != copy))

    def moving_to(self, issue: Issue) -> int:
        """The issue that the object is being moved to from this one; 0 if it is not."""
        title = self.title(issue) if acceptance.has_moved(issue) else ""
        return 0 if objects.is_moved(title) else objects.read_moved(title)[1]

    def origin(self, issue: Issue) -> Origin:
        """Where the object comes from that the issue is."""
        rules = self.session.rules
        return origin_of(issue, updates.read_all(issue, rules, self.session.counting), rules.processors)

    def owner(self, object_id: str) -> str:
        """The owner of the object, deleted or not; empty if it has none or does not exist."""
        found = self.look(object_id)
        return next((self.origin(issue).owner for issue in (*found.live, *found.deleted)), "")

    def beside(self, issue: Issue, object_id: str) -> int:
        """The number of another live issue with the id that the store has signed; 0 for none: one request."""
        rules, processors = self.session.rules, self.session.rules.processors
        reading = self.github.find(objects.uid_label(object_id, rules), rules=False)
        others = [other for other in reading.issues if other.number != issue.number and objects.is_live(other, rules)]
        return min((one.number for one in others if acceptance.is_signed(one, object_id, processors)), default=0)

    def older(self, object_id: str, number: int, labelled: Mapping[str, Labelled]) -> int:
        """The number of an older issue that is the object; 0 for none.  It reads each older one with the label.

        Args:
            labelled: the issues, by label.
        """
        rules, processors, may_write = self.session.rules, self.session.rules.processors, self.session.may_write
        label = objects.uid_label(object_id, rules).casefold()
        found = [one for name, one in labelled.items() if name.casefold() == label]
        for each in (each for one in found for each in one.numbers if each < number):
            try:
                other = self.github.now(each)
            except ObjectNotFound:
                continue  # it has been deleted permanently
            named = objects.object_id_of(other, rules) or ""
            same = objects.key(named, rules) == objects.key(object_id, rules)
            live = same and objects.is_live(other, rules)
            if live and not acceptance.not_accepted(other, named, processors, may_write):
                return each
        return 0

    def rivals(self, found: Found) -> tuple[Issue, ...]:
        """The other live objects with the id; checks who opened them, which `look` omits next to a signed one."""
        object_id, processors, may_write = found.object_id, self.session.rules.processors, self.session.may_write
        return tuple(
            issue for issue in found.live[1:] if not acceptance.not_accepted(issue, object_id, processors, may_write)
        )

    def duplicate(self, found: Found) -> str:
        """The message if more than one live issue has the id."""
        numbers = ", ".join(f"#{issue.number}" for issue in found.live)
        first = found.live[0].number
        lowest = first == min(issue.number for issue in found.live)
        which = "the lowest number counts" if lowest else f"#{first} counts, because the store signed it"
        return f"More than one object has the id {found.object_id!r}: issues {numbers}; {which}."

    def how_to_resolve(self, found: Found) -> str:
        """The hint for that case."""
        return f"Remove the label {objects.uid_label(found.object_id, self.session.rules)!r} from all but one of them."

    def mislabelled(self, issue: Issue, object_id: str) -> str:
        """The id in the issue's title if its label has another one; otherwise, empty."""
        processors, may_write = self.session.rules.processors, self.session.may_write
        other = acceptance.other_id(issue, object_id, processors) or acceptance.unsigned_id(
            issue, object_id, processors
        )
        return "" if other and acceptance.not_accepted(issue, other, processors, may_write) else other

    def missing(self, found: Found) -> ObjectNotFound:
        """Why there is no live object."""
        if found.deleted:
            return ObjectNotFound(
                f"The object {found.object_id!r} is deleted (issue #{found.deleted[0].number}).",
                "Restore it, or create an object with another id.",
            )
        if found.stray:
            return ObjectNotFound(
                f"Issue #{found.stray[0].number} has the label of {found.object_id!r}, but the label "
                f"{self.session.rules.base_label!r} is missing.",
                Text("Add the label again, or run ", REPAIR, "."),
            )
        for issue, reason, hint in (*found.wrong, *found.refused):
            return ObjectNotFound(f"Issue #{issue.number} has the label of {found.object_id!r}, but {reason}.", hint)
        return ObjectNotFound(
            f"{self.github.repository} has no object {found.object_id!r}.",
            "Check the id, and that the token may read issues. `create` creates an object.",
        )

    def stored(self, issue: Issue, *, version: int | None = None) -> StoredObject:
        """The object that the issue is, live or deleted.

        Raises:
            BrokenObject: its body is not an object.
        """
        try:
            data = read_body(issue.body)
        except InvalidJson as error:
            raise BrokenObject(
                f"The body of issue #{issue.number} cannot be read as an object: {error.reason}.",
                "Process the issue: its log rebuilds the body."
                if self._has_state(issue)
                else "Put the object's JSON, and nothing else, into the body. Then process the issue.",
            ) from None
        object_id = objects.object_id_of(issue, self.session.rules) or ""
        if reason := acceptance.unaccepted_edit(
            issue, object_id, self.session.rules.processors, self.session.may_write
        ):
            raise BrokenObject(
                f"Issue #{issue.number} cannot be read as the object {object_id!r}: {reason}.",
                "Process the issue: its log rebuilds the body.",
            )
        return StoredObject(self.meta(issue, data, version=version), data)

    def _has_state(self, issue: Issue) -> bool:
        """Whether the log, as far as it was read, may hold a state to rebuild the body from."""
        entries = updates.read_all(issue, self.session.rules, self.session.counting)
        return not issue.complete or newest_checkpoint(entries) is not None

    def meta(self, issue: Issue, data: Json, *, version: int | None = None) -> StoredMeta:
        """The object's metadata."""
        rules = self.session.rules
        object_id = objects.object_id_of(issue, rules) or ""
        meta = objects.meta_of(issue, object_id, rules, self.marker(issue), digest(data))
        return replace(meta, version=meta.version if version is None else version, pending=len(self.pending(issue)))

    def marker(self, issue: Issue) -> objects.Marker | None:
        """The marker that counts for every reader."""
        object_id = objects.object_id_of(issue, self.session.rules) or ""
        title = acceptance.trusted_title(issue, object_id, self.session.rules.processors, self.session.may_write)
        return acceptance.marker_in(title, object_id)

    def title(self, issue: Issue) -> str:
        """The newest title set by someone who may write, whatever object's it is."""
        processors = self.session.rules.processors
        known = acceptance.other_id(issue, "", processors) or acceptance.unsigned_id(issue, "", processors)
        object_id = objects.object_id_of(issue, self.session.rules) or known
        return acceptance.trusted_title(issue, object_id, processors, self.session.may_write)

    def pending(self, issue: Issue) -> tuple[updates.Entry, ...]:
        """The updates after the marker, as far as the log was read; without one, after the newest with a receipt."""
        rules, counting = self.session.rules, self.session.counting
        entries = updates.read_all(issue, rules, counting)
        marker = self.marker(issue)
        if marker:
            edge = marker.comment
        else:
            done = reaction_of(Outcome.APPLIED, rules.reactions)
            edge = max((e.id for e in entries if any(r.content == done for r in e.comment.reactions)), default=0)
        return tuple(e for e in entries if e.asks and e.id > edge)


class Worker:
    """Works on the objects that a lookup finds.

    Args:
        dry_run: look and check, and write nothing.
    """

    def __init__(self, lookup: Lookup, *, dry_run: bool = False) -> None:
        self.lookup = lookup
        self.session = lookup.session
        self.github = lookup.github
        self.dry_run = dry_run
