"""Mode: folds every log and compares; repairs what the log can fix."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace

from gh_store_action import __version__
from gh_store_action.domain import acceptance, objects
from gh_store_action.domain.log import entries as updates
from gh_store_action.domain.objects import InvalidId, Marker
from gh_store_action.domain.past import audit as auditing
from gh_store_action.domain.past import history
from gh_store_action.domain.past.audit import Problem
from gh_store_action.domain.processing.reconcile import CHANGED, BrokenObject
from gh_store_action.domain.records import Issue, Receipt
from gh_store_action.domain.strict_json import Json
from gh_store_action.domain.verdicts import APPLIED, Outcome, reaction_of
from gh_store_action.errors import GitHubError, NotFinished, ObjectNotFound, StoreError
from gh_store_action.gateway.records import Order, pages
from gh_store_action.hints import REPAIR, Text
from gh_store_action.store.lookup import Lookup
from gh_store_action.store.moving.mover import Mover
from gh_store_action.store.processing.rounds import MOST_RECEIPTS
from gh_store_action.store.processor import Processor
from gh_store_action.store.reading import Reader

__all__ = ["Problem", "Verifier", "repairable"]

_STATE_MISSING = frozenset({"drift", "missing-checkpoint", "edited-comment"})


def repairable(problem: Problem) -> bool:
    """Whether `repair` tries to fix it, as its hint says; the attempt may still fail."""
    return isinstance(problem.hint, Text) and REPAIR in problem.hint.parts


@dataclass
class _Listing:
    """What the list of all issues shows.

    Args:
        live: the issue that has an id, by its `objects.key`.
        deleted: the number of the deleted one, also by key.
        nameless: issues that were objects and lost a label.
        mislabelled: those whose label has another id than the title that the store signed.
    """

    live: dict[str, Issue] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)
    duplicates: list[tuple[Issue, Issue]] = field(default_factory=list)
    nameless: list[Issue] = field(default_factory=list)
    mislabelled: list[Issue] = field(default_factory=list)


class Verifier:
    """Verifies a store: one request for each hundred issues, and one or more for each object.

    Args:
        repair: fix what can be repaired.
        progress: called with objects checked and total objects.
    """

    def __init__(
        self,
        lookup: Lookup,
        *,
        repair: bool = False,
        dry_run: bool = False,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        self.lookup = lookup
        self.session = lookup.session
        self.github = lookup.github
        self.repair, self.progress = repair and not dry_run, progress
        self.mover = Mover(lookup, dry_run=dry_run)
        self.looked_at = 0

    def verify(self, object_id: str | None = None, issue_number: int | None = None) -> tuple[Problem, ...]:
        """All problems of the store, of one object, or of one issue.

        Raises:
            ObjectNotFound: there is no such object.
        """
        if object_id is not None:
            found = tuple(self._by_id(object_id))
        elif issue_number is not None:
            found = tuple(self._by_number(issue_number))
        else:
            found = tuple(self._all())
        return found

    def _by_id(self, object_id: str) -> Iterator[Problem]:
        found = self.lookup.without_copy(self.lookup.look(object_id))
        self._may_repair()
        wrong = [problem for issue, *_ in found.wrong if (problem := self._mislabelled(issue))]
        yield from wrong
        if not found.live and not found.stray:
            if wrong:
                return
            raise self.lookup.missing(found)
        for other in self.lookup.rivals(found):
            yield self._duplicate(other, found.live[0])
        if found.live:
            yield from self._object(found.live[0])
            return
        yield self._label(found.stray[0], object_id, self.session.rules.base_label)

    def _by_number(self, number: int) -> Iterator[Problem]:
        reading = self.github.read(number, rules=self.session.unlearned)
        self.session.learn(reading)
        issue = reading.issues[0]
        if not objects.is_live(issue, self.session.rules):
            title = self.lookup.title(issue)
            there = self.lookup.followed(issue, objects.read_title(objects.read_moved(title)[0])[0]).number
            if there != number:
                raise ObjectNotFound(f"The object of issue #{number} is now kept in #{there}.", "Verify that one.")
            raise ObjectNotFound(f"Issue #{number} is not an object of the store.", "Check the number and its labels.")
        self._may_repair()
        wrong = self._mislabelled(issue)
        if wrong is not None:
            yield wrong
            return
        if reason := self._not_accepted(issue, objects.object_id_of(issue, self.session.rules) or ""):
            raise ObjectNotFound(f"Issue #{number} is not an object of the store: {reason}.", "Check the number.")
        yield from self._object(issue)

    def _all(self) -> Iterator[Problem]:
        listing = self._list()
        self.github.transport.afford(len(listing.live))
        self._may_repair()
        yield from filter(None, map(self._mislabelled, listing.mislabelled))
        for loser, winner in listing.duplicates:
            yield self._duplicate(loser, winner)
        for issue in listing.nameless:
            yield self._nameless(issue, listing)
        for done, listed in enumerate(listing.live.values()):
            self.progress(done, len(listing.live))
            try:
                issue = self.github.now(listed.number)
                yield from self._object(issue)
            except StoreError as error:
                lasting = isinstance(error, GitHubError) and error.status in (0, 401, 403, 429)
                if lasting and not isinstance(error, NotFinished):
                    raise
                yield self._problem("unreadable", listed, error.text, "Look at the issue.")
        self.progress(len(listing.live), len(listing.live))

    def _may_repair(self) -> None:
        if self.repair:
            self.session.refuse_unknown_app()

    # -- the listing -----------------------------------------------------------------------------------------------

    def _list(self) -> _Listing:
        self.session.ensure()
        listing = _Listing()
        first = self.session.listed(None, any_label=True)
        self.github.transport.afford(first.rest, first.points)
        for page in pages(first, lambda cursor: self.session.listed(cursor, any_label=True)):
            for issue in page.issues:
                self._sort(issue, listing)
        return listing

    def _sort(self, issue: Issue, listing: _Listing) -> None:
        rules = self.session.rules
        object_id = objects.object_id_of(issue, rules)
        if object_id is None and objects.is_live(issue, rules) and objects.uid_labels(issue, rules):
            issue = self.github.now(issue.number)  # its log may have the id that no title has now
            object_id = objects.object_id_of(issue, rules)
        if objects.has_label(issue, rules.archived_label):
            listing.deleted[self._key(object_id or "")] = issue.number
            return
        if objects.retired(issue):
            return  # `doctor` and `migrate` report them
        if objects.is_live(issue, rules) and self._meant(issue):
            listing.mislabelled.append(issue)
        elif objects.is_live(issue, rules) and object_id is not None:
            if not self._not_accepted(issue, object_id):
                self._keep(issue, object_id, listing)
        elif self._was_object(issue) or objects.is_live(issue, rules):
            listing.nameless.append(issue)

    def _not_accepted(self, issue: Issue, object_id: str) -> str:
        return acceptance.not_accepted(issue, object_id, self.session.rules.processors, self.session.may_write)

    def _keep(self, issue: Issue, object_id: str, listing: _Listing) -> None:
        """Of two issues with one id, the signed one is the object, otherwise the older one, which is listed first."""
        other = listing.live.setdefault(self._key(object_id), issue)
        if other is issue:
            return
        older, newer = (acceptance.goes_first(one, object_id, self.session.rules.processors) for one in (other, issue))
        winner, loser = (issue, other) if newer and not older else (other, issue)
        listing.live[self._key(object_id)] = winner
        if self.lookup.moving_to(winner) == loser.number:
            return
        listing.duplicates.append((loser, winner))

    def _was_object(self, issue: Issue) -> bool:
        named, marker = objects.read_title(issue.title)
        return marker is not None and acceptance.is_accepted(issue, named, self.session.rules.processors)

    def _nameless(self, issue: Issue, listing: _Listing) -> Problem:
        """An issue that lost a label, or is the remnant of a create or a move."""
        rules = self.session.rules
        object_id = objects.read_title(issue.title)[0]
        winner = listing.live.get(self._key(object_id))
        number = winner.number if winner else listing.deleted.get(self._key(object_id), 0)
        if object_id and number:
            message = f"it looks like the object {object_id!r}, which is issue #{number}"
            return self._problem("leftover", issue, message, "Remove its labels, and give it another title.")
        if not object_id or objects.uid_labels(issue, rules):
            has_one = objects.object_id_of(issue, rules)
            if has_one is not None:
                return self._label(issue, has_one, rules.base_label)
            return self._problem(
                "missing-label", issue, objects.id_problem(issue, rules), f"Give it one label {rules.uid_prefix}<id>."
            )
        missing = [objects.uid_label(object_id, rules)]
        if not objects.has_label(issue, rules.base_label):
            missing.append(rules.base_label)
        return self._label(issue, object_id, *missing)

    def _label(self, issue: Issue, object_id: str, *missing: str) -> Problem:
        names = " and ".join(repr(label) for label in missing)
        found = Problem(
            "missing-label",
            object_id,
            issue.number,
            0,
            f"the label {names} is missing",
            Text("Add it, or run ", REPAIR, "."),
        )
        return self._relabelled(found, issue, [*issue.labels, *missing])

    def _mislabelled(self, issue: Issue) -> Problem | None:
        """A label with another id than the signed title; someone may have swapped the labels of two objects."""
        meant = self._meant(issue)
        if not meant:
            return None
        rules = self.session.rules
        hint = Text("Correct the label, or run ", REPAIR, ".")
        message = acceptance.problem(issue, rules)
        found = Problem("wrong-label", meant, issue.number, 0, message, hint)
        wrong, right = objects.claiming(issue, rules)[0][0], objects.uid_label(meant, rules)
        return self._relabelled(found, issue, [right if one == wrong else one for one in issue.labels])

    def _meant(self, issue: Issue) -> str:
        """The id that the issue's one label should have; empty if it has it, or if that is unknown."""
        rules = self.session.rules
        claimed = objects.claiming(issue, rules)
        if len(claimed) != 1:
            return ""
        ((label, labelled),) = claimed
        titled = self.lookup.mislabelled(issue, labelled)
        meant = titled or labelled
        try:
            right = objects.uid_label(objects.check_id(meant, rules), rules)
        except InvalidId:
            return ""
        if label.casefold() == right.casefold():
            return ""
        if not titled and self._not_accepted(issue, labelled):
            return ""
        return meant  # gh-store's label contains the id that has a hash here

    def _key(self, object_id: str) -> str:
        return objects.key(object_id, self.session.rules)

    def _relabelled(self, found: Problem, issue: Issue, labels: Sequence[str]) -> Problem:
        if not self.repair:
            return found
        there = {label.casefold() for label in self.github.change(issue.number, labels=labels)}
        return replace(found, repaired=all(label.casefold() in there for label in labels))

    def _duplicate(self, loser: Issue, winner: Issue) -> Problem:
        why = "the lowest number counts" if winner.number < loser.number else "the store has signed that one"
        message = f"issue #{winner.number} has the same id, and {why}"
        hint = "Post there what is worth keeping from it. Then close it and remove its labels."
        return self._problem("duplicate-id", loser, message, hint)

    def _problem(self, kind: str, issue: Issue, message: str, hint: str) -> Problem:
        object_id = objects.object_id_of(issue, self.session.rules) or objects.read_title(issue.title)[0]
        return Problem(kind, object_id, issue.number, 0, message, hint)

    # -- one object ------------------------------------------------------------------------------------------------

    def _object(self, issue: Issue) -> Iterator[Problem]:
        """Audits, repairs on request, and audits again."""
        self.looked_at += 1
        issue = yield from self._settled(issue)
        past = Reader(self.lookup).past_of(issue)
        found = auditing.audit(past.logs[-1], objects.object_id_of(issue, self.session.rules) or "")
        if found and self.repair:
            yield from self._repaired(past.issue, found)
        else:
            yield from found
        for left in past.left:
            yield from self._behind(left)

    def _settled(self, issue: Issue) -> Generator[Problem, None, Issue]:
        """The issue that has the object, once a move that was killed is finished."""
        target = self.lookup.moving_to(issue)
        if not target:
            return issue
        hint = Text("Process the issue, or run ", REPAIR, ".")
        found = self._problem("unfinished-move", issue, f"its move to issue #{target} was not finished", hint)
        if self.repair:
            self.mover.process(issue.number)
            now = self.github.now(issue.number)
            found = replace(found, repaired=not self.lookup.moving_to(now))
            issue = self.lookup.followed(now, found.object_id)
        yield found
        return issue

    def _behind(self, left: Issue) -> Iterator[Problem]:
        """Unanswered updates on an issue that the object has left: their run was lost, and no sweep looks there."""
        object_id = objects.read_title(objects.read_moved(self.lookup.title(left))[0])[0]
        found = dict(self.mover.redirector.unanswered(left))
        there: Collection[int] = found
        for _ in range(0, len(found) if self.repair else 0, MOST_RECEIPTS):
            self.mover.redirector.redirect(left)
            left = self.github.now(left.number)
            there = dict(self.mover.redirector.unanswered(left))
        hint = Text(f"Process issue #{left.number}, or run ", REPAIR, ".")
        for comment, held in found.items():
            kind = "missing-receipt" if held else "stranded-update"
            why = "the object has it" if held else "it was posted after the object had left this issue"
            problem = Problem(kind, object_id, left.number, comment, f"{why}, and it has no verdict", hint)
            yield replace(problem, repaired=comment not in there)

    def _repaired(self, issue: Issue, found: Sequence[Problem]) -> Iterator[Problem]:
        """The problems, and whether each was repaired."""
        why: str = ""
        try:
            left = self._repair(issue)
        except StoreError as error:
            left, why = (
                found,
                Text(" It could not be repaired: ", error.what if isinstance(error, BrokenObject) else error.text),
            )
        still = {(problem.kind, problem.comment_id) for problem in left}
        for problem in found:
            repaired = (problem.kind, problem.comment_id) not in still
            yield replace(problem, repaired=repaired, hint=problem.hint if repaired else Text(problem.hint, why))
        known = {(problem.kind, problem.comment_id) for problem in found}
        yield from (problem for problem in left if (problem.kind, problem.comment_id) not in known)

    def _audit(self, issue: Issue) -> tuple[Problem, ...]:
        object_id = objects.object_id_of(issue, self.session.rules) or ""
        return auditing.audit(self._log(issue, object_id), object_id)

    def _log(self, issue: Issue, object_id: str) -> history.ObjectLog:
        session = self.session
        return history.read(issue, session.rules, session.judge(object_id), session.may_write)

    def _repair(self, issue: Issue) -> Sequence[Problem]:
        """Processing fixes most; if the log no longer gives the body, a checkpoint of the body fixes it."""
        result = Processor(self.session, renew=True).advance(self._one_verdict(issue))
        now = self._whole(result.issue or issue)
        left = self._audit(now)
        marker, data = self.lookup.marker(now), self.lookup.stored(now).data
        missing = any(problem.kind in _STATE_MISSING for problem in left)
        if marker is None or not missing or objects.short_digest(data) != marker.digest:
            return left
        return self._audit(self._whole(self._entered(now, marker, data)))

    def _one_verdict(self, issue: Issue) -> Issue:
        """Removes our own refusals from updates that the body contains; the processor corrects the rest."""
        log = self._log(issue, objects.object_id_of(issue, self.session.rules) or "")
        verdicts = auditing.taken(log).verdicts
        held = [entry for entry in auditing.conflicts(log) if verdicts[entry.id] == APPLIED]
        reactions = self.session.rules.reactions
        refusing = {reaction_of(outcome, reactions) for outcome in Outcome if outcome.refused}
        wrong = [
            Receipt(entry.id, entry.comment.node_id, reaction.content, remove=True)
            for entry in held
            for reaction in entry.comment.reactions
            if reaction.login == self.session.viewer and reaction.content in refusing
        ]
        if not wrong:
            return issue
        self.github.write(Order(issue, receipts=wrong[:MOST_RECEIPTS]), viewer=self.session.viewer)
        return self._whole(self.github.now(issue.number))

    def _whole(self, issue: Issue) -> Issue:
        return self.github.extend(issue, 0, self.session.viewer)

    def _entered(self, issue: Issue, marker: Marker, data: Json) -> Issue:
        """Adds the state to the log.  A person's title that follows shows that they may write."""
        key = updates.checkpoint_id(marker.revision, marker.comment, data)
        text = updates.checkpoint(
            data, after=marker.comment, revision=marker.revision, update_id=key, version=__version__, reason=CHANGED
        )
        order, rules = Order(issue, checkpoint=text), self.session.rules
        if self.session.viewer not in rules.processors:
            title = objects.title(objects.read_title(issue.title)[0], marker, rules, unlike=issue.title)
            order = replace(order, title=title, body=issue.body)
        self.github.write(order, viewer=self.session.viewer)
        return self.github.now(issue.number)
