"""Mode: adds to an object what only its duplicates have, then gives the duplicates up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gh_store_action.domain import acceptance, objects
from gh_store_action.domain.names import DEFAULT_MODE
from gh_store_action.domain.patches.lacking import lacking
from gh_store_action.domain.processing.reconcile import BrokenObject
from gh_store_action.domain.records import Issue
from gh_store_action.domain.strict_json import digest
from gh_store_action.errors import ConcurrentUpdateError, InvalidUpdate
from gh_store_action.gateway.refusals import UnknownEffect
from gh_store_action.store.lookup import Worker
from gh_store_action.store.reading import Reader
from gh_store_action.store.updating import Updater, update_of


@dataclass(frozen=True)
class Merge:
    """One duplicate.

    Args:
        object_id: of the object that it duplicates.
        issue_number: of the duplicate.
        kept_in: the issue that is the object; 0 if there is none.
        alias: whether gh-store made it an alias, which it stays; otherwise, it loses its labels.
        added: paths of what the object lacks.
        differs: paths where both have a value, and the object keeps its own.
        done: whether it was merged; a dry run merges nothing.
        problem: why it cannot be merged; empty if it can.
    """

    object_id: str
    issue_number: int
    kept_in: int = 0
    alias: bool = False
    added: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()
    done: bool = False
    problem: str = ""


class Merger(Worker):
    """Merges duplicates: live issues with the id of another, and gh-store's aliases and merged objects."""

    def merge(self) -> tuple[Merge, ...]:
        """All duplicates: one request for each hundred objects, two for each duplicate, and four to merge it.

        If a call is killed, the next one continues: an update that was posted counts once.
        """
        listed = list({issue.number: issue for page in Reader(self.lookup).pages() for issue in page.issues}.values())
        if not self.dry_run:
            self.session.refuse_unknown_app()
        holders: dict[str, Issue] = {}
        found = list(self._pairs(listed, holders))
        return tuple(self._one(issue, object_id, holders) for issue, object_id in found)

    def _pairs(self, listed: list[Issue], holders: dict[str, Issue]) -> Iterator[tuple[Issue, str]]:
        """Each duplicate with its object's id, by number; fills in which issue is each object."""
        rules, processors = self.session.rules, self.session.rules.processors
        doubles: list[tuple[Issue, str]] = []
        known = [
            (one, objects.claimed_id(one, rules))
            for one in listed
            if objects.is_live(one, rules) and not acceptance.problem(one, rules)
        ]
        known.sort(key=lambda one: (not acceptance.goes_first(one[0], one[1], processors), one[0].number))
        for issue, object_id in known:
            if self._is_object(issue, object_id):
                holder = holders.setdefault(objects.key(object_id, rules), issue)
                doubles += [(issue, object_id)] if holder is not issue else []
            else:
                doubles.append((issue, object_id))  # a stranger's: reported if the object exists
        doubles += [(one, objects.stands_for(one)) for one in listed if objects.retired(one)]
        yield from (one for one in sorted(doubles, key=lambda one: one[0].number) if self._matters(one, holders))

    def _is_object(self, issue: Issue, object_id: str) -> bool:
        return not acceptance.not_accepted(issue, object_id, self.session.rules.processors, self.session.may_write)

    def _matters(self, one: tuple[Issue, str], holders: dict[str, Issue]) -> bool:
        return bool(objects.retired(one[0])) or objects.key(one[1], self.session.rules) in holders

    def _one(self, issue: Issue, object_id: str, holders: dict[str, Issue]) -> Merge:
        holder = holders.get(objects.key(object_id, self.session.rules))
        alias = bool(objects.retired(issue))
        found = Merge(object_id, issue.number, holder.number if holder else 0, alias)
        if holder is None:
            what = f"there is no object {object_id!r}" if object_id else "its labels have no object's id"
            return replace(found, problem=f"{objects.retired(issue)}, and {what}")
        if self.session.may_write(issue.author, object_id) is not True:
            why = f"{issue.author} opened it, and GitHub did not say that they may write; remove its labels"
            return replace(found, problem=why)
        try:
            return self._merged(found, self.github.now(issue.number))
        except (BrokenObject, InvalidUpdate, ConcurrentUpdateError) as error:
            return replace(found, problem=error.text)

    def _merged(self, found: Merge, issue: Issue) -> Merge:
        if pending := self.lookup.pending(issue):
            what, them = (
                ("a pending update", "it") if len(pending) == 1 else (f"{len(pending)} pending updates", "them")
            )
            return replace(found, problem=f"it has {what}: post {them} to #{found.kept_in}")
        held, other = self.lookup.stored(self.github.now(found.kept_in)), self.lookup.stored(issue)
        more = lacking(held.data, other.data)
        found = replace(found, added=more.added, differs=more.differs)
        if self.dry_run:
            return found
        if more.addition:
            key = f"dedupe-{issue.number}-{digest(more.addition)[:16]}"
            update = update_of(more.addition, DEFAULT_MODE, update_id=key)
            done = Updater(self.lookup).update(held.meta.object_id, update, apply=True)
            if done.refusal is not None or done.object.meta.pending:
                return replace(found, problem=f"its data was not applied to #{found.kept_in}; see the comments there")
        if not found.alias:
            self._give_up(issue, found)
        return replace(found, done=True)

    def _give_up(self, issue: Issue, found: Merge) -> None:
        """Safe to repeat: it sets the final state."""
        rules = self.session.rules
        own = {rules.base_label.casefold(), *(label.casefold() for label in objects.uid_labels(issue, rules))}
        labels = [label for label in issue.labels if label.casefold() not in own]
        title = f"Duplicate of #{found.kept_in}: {found.object_id}"
        try:
            self.github.change(issue.number, labels=labels, state="closed", title=title)
        except UnknownEffect:
            self.github.change(issue.number, labels=labels, state="closed", title=title)
