"""Creates an object, safely against a second creator and against a crash halfway.

GitHub has no compare-and-swap on issues; it orders only issue numbers.  So each creator first opens an issue and last
looks for others, and the lowest number wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from gh_store_action import __version__
from gh_store_action.domain import access, objects
from gh_store_action.domain.log import entries as updates
from gh_store_action.domain.log.entries import Kind
from gh_store_action.domain.log.origin import UNSAID, Origin
from gh_store_action.domain.objects import LABEL_LIMIT, Marker
from gh_store_action.domain.records import AccessRule, Issue, StoredMeta, StoredObject
from gh_store_action.domain.strict_json import (
    BODY_LIMIT,
    InvalidJson,
    Json,
    body_digest,
    check,
    digest,
    dump,
    fits,
)
from gh_store_action.domain.verdicts import initial_receipts, outcomes_given
from gh_store_action.errors import (
    AccessDeniedError,
    GitHubError,
    InputError,
    InvalidUpdate,
    ObjectExists,
    Reason,
    StoreError,
)
from gh_store_action.gateway.objects import AddedComment, Finished, Opened
from gh_store_action.gateway.records import PAGE, pages
from gh_store_action.gateway.refusals import UnknownEffect
from gh_store_action.hints import InWorkflow, Text
from gh_store_action.store.lookup import Found, Worker
from gh_store_action.store.processor import Processor

MOST_LABELS = 20  # of one object; the last look reads thirty
MOST_TRIES = 3


def checked(data: object) -> Json:
    """The data as JSON that an object can hold.

    Raises:
        InvalidUpdate: with the reason, before any request.
    """
    try:
        value = check(data)
    except InvalidJson as error:
        raise InvalidUpdate(f"The data is not JSON that the store can hold: {error.reason}.", "Fix the data.") from None
    if not isinstance(value, dict | list):
        raise InvalidUpdate("The data is neither an object nor an array.", 'Wrap it, for example as {"value": ...}.')
    if not fits(value):
        raise InvalidUpdate(
            f"The data would have more than {BODY_LIMIT:,} characters as JSON.",
            "Shorten it, or split it into several objects.",
        )
    return value


def refused(object_id: str, reasons: Sequence[Reason], what: str = "data") -> InvalidUpdate:
    """The error for data that the object's schema or mode refuses."""
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return InvalidUpdate(
        f"The {what} for {object_id!r} is refused: {reasons[0]}{more}.",
        "Fix it and try again.",
        detail="\n".join(f"- `{at}`: {why}" for at, why in reasons) if more else "",
        reasons=tuple(reasons),
    )


def left_out(login: str, object_id: str, rule: AccessRule, done: str = " Nothing was written.") -> AccessDeniedError:
    """The error for somebody whom the object's rule does not let write, although GitHub does."""
    return AccessDeniedError(
        f"{login} may not change {object_id!r}: the rule is {access.written(rule)}.{done}",
        f"Ask someone who may, or ask to add {login} to `access` in .github/gh-store.yml.",
    )


@dataclass(frozen=True)
class Wanted:
    """The object to create."""

    object_id: str
    data: Json
    labels: tuple[str, ...]
    origin: Origin = UNSAID


class Creator(Worker):
    """Creates objects: four requests, including the configuration."""

    def create(self, object_id: str, data: object, extra_labels: Sequence[str] = ()) -> StoredObject:
        """Creates the object, or completes what a create of the same data began.

        Raises:
            ObjectExists: the id is in use or belongs to a deleted object, or another creator was first.
            InvalidUpdate: the data is not JSON, is too large, or is refused by the object's schema.
            AccessDeniedError: the token may not create labeled issues, or the store's rules leave its owner out.
        """
        value = checked(data)
        found = self.lookup.look(object_id)
        self.session.refuse_unknown_app()
        rule = access.rule_for(self.session.rules, object_id, self.session.viewer)
        if rule != AccessRule() and self.session.may_write(self.session.viewer, object_id) is False:
            raise left_out(self.session.viewer, object_id, rule)  # no run and no reader would accept the object
        wanted = self.wanted(object_id, value, extra_labels)
        begun = self.begun(found, wanted)
        if self.dry_run:
            return self._would_be(wanted, begun.number if begun else 0)
        return self.make(wanted, begun)

    def wanted(self, object_id: str, data: Json, extra_labels: Sequence[str] = (), origin: Origin = UNSAID) -> Wanted:
        """What is to be made.

        Raises:
            InvalidUpdate: the object's schema refuses the data.
            InputError: a label cannot be created.
        """
        reasons = self.session.judge(object_id)(data)
        if reasons:
            raise refused(object_id, reasons)
        return Wanted(object_id, data, self._labels(object_id, extra_labels), origin)

    def make(self, wanted: Wanted, begun: Issue | None) -> StoredObject:
        """Creates the object, or completes what was begun, see `begun`.

        Raises:
            ObjectExists: another creator was first.
        """
        if begun is not None:
            return self._complete(wanted, begun)
        opened, repeated = self._open(wanted)
        self._check_labels(wanted, opened)
        try:
            return self._settle(wanted, opened, self._say(wanted, opened))
        except ObjectExists:
            first = self.begun(self.lookup.look(wanted.object_id), wanted) if repeated else None
            if first is None:
                raise
            return self._complete(wanted, first)  # our own issue, which did not show yet when the request was repeated

    def _labels(self, object_id: str, extra: Sequence[str]) -> tuple[str, ...]:
        rules = self.session.rules
        own = (rules.base_label, objects.uid_label(object_id, rules))
        found = {label.casefold(): label for label in own}
        for label in (*rules.extra_labels, *extra):
            name = label.casefold()
            signs = (rules.uid_prefix, *objects.RETIRED)
            clash = name == rules.archived_label.casefold() or name.startswith(tuple(map(str.casefold, signs)))
            if clash and name not in found:
                raise InputError(f"The store itself uses the label {label!r}.", "Choose another label.")
            if not label.strip() or label != label.strip() or len(label) > LABEL_LIMIT:
                raise InputError(
                    f"The label {label[:80]!r} is not valid.",
                    f"A label has 1 to {LABEL_LIMIT} characters, and no space at its ends.",
                )
            found.setdefault(name, label)
        if len(found) > MOST_LABELS:
            raise InputError(f"An object can have {MOST_LABELS} labels, not {len(found)}.", "Omit some.")
        return tuple(found.values())

    # -- what exists -----------------------------------------------------------------------------------------------

    def begun(self, found: Found, wanted: Wanted) -> Issue | None:
        """The issue left by an unfinished create of the same data or from the same form.

        Raises:
            ObjectExists: the id is in use.
        """
        if found.live:
            first = found.live[0]
            same = wanted.origin.form or body_digest(first.body) == digest(wanted.data)
            if same and self.unfinished(first) and self.lookup.origin(first).form == wanted.origin.form:
                return first
            raise ObjectExists(
                f"The object {found.object_id!r} already exists: issue #{first.number}.",
                "Update it, or choose another id.",
            )
        if found.deleted:
            raise ObjectExists(
                f"The object {found.object_id!r} was deleted (issue #{found.deleted[0].number}), and its log is kept.",
                f"Restore it, or remove its label {objects.uid_label(found.object_id, self.session.rules)!r}.",
            )
        if found.stray:
            raise ObjectExists(
                f"Issue #{found.stray[0].number} has the label of {found.object_id!r}, but is not a live object.",
                f"Add the label {self.session.rules.base_label!r} again, or remove the other one.",
            )
        if found.wrong:  # the object itself may have another label, or none
            missing = self.lookup.missing(found)
            raise ObjectExists(missing.what, missing.hint)
        return None

    def unfinished(self, issue: Issue) -> bool:
        """Whether a create died on it: no marker, and no initial state with its receipt."""
        if self.lookup.marker(issue) is not None or not issue.complete:
            return False
        rules, counting = self.session.rules, self.session.counting
        for entry in updates.read_all(issue, rules, counting):
            if entry.kind is Kind.FOREIGN_STATE:
                return False
            if entry.kind is Kind.CHECKPOINT and not entry.update_id:
                return False  # gh-store's own
            if entry.asks and outcomes_given(entry.comment, rules.reactions, counting):
                return False
        return True

    def _would_be(self, wanted: Wanted, number: int) -> StoredObject:
        meta = StoredMeta(
            object_id=wanted.object_id,
            label=objects.uid_label(wanted.object_id, self.session.rules),
            issue_number=number,
            created_at="",
            updated_at="",
            version=1,
            digest=digest(wanted.data),
        )
        return StoredObject(meta, wanted.data)

    # -- the steps -------------------------------------------------------------------------------------------------

    def _complete(self, wanted: Wanted, issue: Issue) -> StoredObject:
        opened = Opened(issue.number, issue.node_id, issue.labels)
        return self._settle(wanted, opened, self._said(wanted, issue) or self._say(wanted, opened))

    def _open(self, wanted: Wanted) -> tuple[Opened, bool]:
        """The issue with its labels, and whether the request was repeated.

        After a request without an answer, look for the issue before repeating it: two requests make two issues.
        """
        title = objects.heading(wanted.object_id, self.session.rules) + wanted.origin.suffix
        body = dump(wanted.data)
        for attempt in range(MOST_TRIES):
            try:
                return self.github.open_issue(title, body, wanted.labels), attempt > 0
            except UnknownEffect as error:
                unknown = error
            self._wait("creating an issue got no answer")
            made = self._made(wanted, title)
            if made is not None:
                return Opened(made.number, made.node_id, made.labels), True
        raise unknown

    def _wait(self, why: str) -> None:
        self.github.transport.wait(self.github.transport.retries.backoff_factor, why)

    def _made(self, wanted: Wanted, title: str) -> Issue | None:
        """The issue that a request without an answer created, sought among the newest: the label index may lag."""
        begun = self.begun(self.lookup.look(wanted.object_id), wanted)
        if begun is not None:
            return begun
        label = objects.uid_label(wanted.object_id, self.session.rules)
        newest = (one for page in pages(self.github.newest(), self.github.newest) for one in page.issues)
        mine = [
            issue
            for issue in islice(newest, PAGE)  # a page may be short
            if issue.author == self.session.viewer and issue.title == title and objects.has_label(issue, label)
        ]
        return min(mine, key=lambda issue: issue.number, default=None)

    def _check_labels(self, wanted: Wanted, opened: Opened) -> None:
        """GitHub silently drops labels if the token may not push; nobody would find such an issue."""
        there = {label.casefold() for label in opened.labels}
        if all(label.casefold() in there for label in wanted.labels):
            return
        try:
            self.github.change(opened.number, state="closed")
            undone = f"Issue #{opened.number}, which is not needed, was closed."
        except StoreError:
            undone = f"Issue #{opened.number}, which is not needed, could not be closed."
        raise AccessDeniedError(
            f"GitHub added no labels to the issue for {wanted.object_id!r}: the token may not write to "
            f"{self.github.repository}. {undone}",
            Text(
                "Use a token whose owner has write access",
                InWorkflow(", or add `permissions: {issues: write}`"),
                ".",
            ),
        )

    def _say(self, wanted: Wanted, opened: Opened) -> AddedComment:
        """Posts the initial state.  Posted twice it counts once, because its key is the same."""
        for _ in range(MOST_TRIES):
            try:
                return self.github.say(opened.node_id, self._initial_state(wanted))
            except UnknownEffect as error:
                unknown = error
            self._wait("a comment got no answer")
            said = self._said(wanted, self.github.now(opened.number))
            if said is not None:
                return said
        raise unknown

    def _initial_state(self, wanted: Wanted) -> str:
        return updates.checkpoint(
            wanted.data,
            after=0,
            revision=1,
            update_id=self._key(wanted),
            version=__version__,
            object_id=objects.stated(wanted.object_id, self.session.rules),
            owner=wanted.origin.owner,
            form=wanted.origin.form,
        )

    def _key(self, wanted: Wanted) -> str:
        return updates.checkpoint_id(0, 0, wanted.data)

    def _said(self, wanted: Wanted, issue: Issue) -> AddedComment | None:
        """The initial state, if it is already in the log."""
        for comment in issue.comments:
            entry = updates.read(comment, self.session.rules, self.session.counting)
            if entry.kind is Kind.CHECKPOINT and entry.update_id == self._key(wanted):
                return AddedComment(comment.id, comment.node_id, issue.total_comments)
        return None

    def _settle(self, wanted: Wanted, opened: Opened, said: AddedComment) -> StoredObject:
        """Receipts, marker, close; then the last look."""
        finished, issue = self._finish(wanted, opened, said)
        first = self.lookup.older(wanted.object_id, opened.number, finished.labelled)
        if first:
            raise self._give_up(wanted, opened, finished, first)
        if not self.lookup.pending(issue):
            return self.lookup.stored(issue, version=1)
        return self.lookup.stored(Processor(self.session).advance(issue).issue or issue)

    def _finish(self, wanted: Wanted, opened: Opened, said: AddedComment) -> tuple[Finished, Issue]:
        """The last request, sent again if part of it was not carried out."""
        why = "it did not say why"
        for _ in range(MOST_TRIES):
            try:
                finished = self._last(wanted, opened, said)
                if finished.titled and finished.issue is not None:
                    return finished, finished.issue
                why = finished.failures[0].quoted if finished.failures else why
                telling = [failure for failure in finished.failures if failure.lasting or failure.limited]
                if telling:
                    self.github.raise_for(telling, "write issues")
            except UnknownEffect as error:
                why = error.what.rstrip(".")
            self._wait("a create is not finished")
        raise GitHubError(
            f"The object {wanted.object_id!r} is issue #{opened.number}, but GitHub did not let us finish it: {why}.",
            "Create it again with the same data, or process the issue. Either completes it.",
        )

    def _last(self, wanted: Wanted, opened: Opened, said: AddedComment) -> Finished:
        """The last request: receipts, marker, close, and a look at who else has the labels."""
        processed, initial = initial_receipts(self.session.rules.reactions)
        marker = Marker(1, 0, 0, objects.short_digest(wanted.data))
        if said.total == 1:
            marker = replace(marker, comment=said.id, count=1, recent=(objects.short_id(said.id),))
        return self.github.finish(
            opened.node_id,
            self.session.viewer,
            comment=said.node_id,
            processed=processed,
            initial=initial,
            title=objects.title(wanted.object_id, marker, self.session.rules),
        )

    def _give_up(self, wanted: Wanted, opened: Opened, finished: Finished, winner: int) -> ObjectExists:
        """Gives our own issue up."""
        own = {label.casefold() for label in wanted.labels}
        labels = [label.node_id for name, label in finished.labelled.items() if name.casefold() in own]
        left = f"Issue #{opened.number} could not be given up; `verify` will report it."
        for _ in range(MOST_TRIES):
            try:
                self.github.give_up(opened.node_id, labels, f"Duplicate of #{winner}: {wanted.object_id}")
            except UnknownEffect:
                continue
            except StoreError:
                break
            left = f"Issue #{opened.number} was given up."
            break
        return ObjectExists(
            f"Someone else created the object {wanted.object_id!r} first: issue #{winner}. {left}",
            "Update that one, or choose another id.",
        )
