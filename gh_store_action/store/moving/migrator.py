"""Moves objects from gh-store's format to this one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gh_store_action.domain import acceptance, objects
from gh_store_action.domain.records import Issue
from gh_store_action.domain.strict_json import InvalidJson, parse
from gh_store_action.errors import StoreError
from gh_store_action.store.lookup import Lookup, Worker
from gh_store_action.store.processing.batches import ends_the_run
from gh_store_action.store.processor import Processor
from gh_store_action.store.reading import Reader

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


class Migrator(Worker):
    """Adopts objects."""

    def __init__(self, lookup: Lookup, *, dry_run: bool = False) -> None:
        super().__init__(lookup, dry_run=dry_run)
        self.processor = Processor(lookup.session, dry_run=dry_run)
        self._ended = False

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
        return not acceptance.goes_first(issue, object_id, self.session.rules.processors), issue.number

    def _listed(self) -> Iterator[Issue]:
        reader = Reader(self.lookup)
        yield from [issue for page in reader.pages() for issue in page.issues]

    def _is_object(self, issue: Issue) -> bool:
        live, object_id = objects.is_live(issue, self.session.rules), objects.object_id_of(issue, self.session.rules)
        if not live or object_id is None:
            return False
        return not acceptance.not_accepted(issue, object_id, self.session.rules.processors, self.session.may_write)

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
