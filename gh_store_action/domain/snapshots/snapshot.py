"""From issues to snapshots: which issue is an object, and what to keep of it.  For files, see `files`.

A snapshot has only content, so that a full and an incremental one have the same bytes: its time is that of the newest
revision among its objects, never a clock's, and never that of mere conversation.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any

from gh_store_action.domain import acceptance, objects
from gh_store_action.domain.acceptance import MayWrite
from gh_store_action.domain.records import Issue, Rules, StoredMeta, StoredObject
from gh_store_action.domain.snapshots.contents import Content, Keep, in_memory, whole
from gh_store_action.domain.strict_json import InvalidJson, Json, digest, read_body

NO_TIME = "1970-01-01T00:00:00Z"  # of a snapshot without objects: before every change
META = tuple(each.name for each in fields(StoredMeta) if each.name != "pending")  # of an entry, in order
OVERLAP = 2  # seconds; GitHub's times have one-second resolution, and `since` is not known to be inclusive


@dataclass(frozen=True, slots=True)
class SnapshotEntry:
    """One object, ready to be written.

    Args:
        record: the compact JSON of its data and metadata, in UTF-8.
        accepted: whether it wins over others with its id; None if it comes from a snapshot's file, which does not say.
    """

    object_id: str
    number: int
    updated_at: str
    record: Content
    accepted: bool | None = field(default=None, compare=False)

    def value(self) -> dict[str, Any]:
        """Its data and metadata."""
        value: dict[str, Any] = json.loads(whole(self.record))
        return value


@dataclass(frozen=True)
class LeftOut:
    """An issue with the store's label that is not an object in the snapshot, and why.

    Args:
        broken: whether somebody has to look at it.
        silent: of whom GitHub did not say whether they may write, so that it may be an object; empty for nobody.
    """

    number: int
    reason: str
    broken: bool = False
    silent: str = ""


@dataclass(frozen=True)
class Snapshot:
    """All objects of a store, by issue number.

    Args:
        left_out: numbers of issues with the base label that are not in it.
        rules: the `fingerprint` of the rules that it was made with.
    """

    repository: str
    entries: Mapping[int, SnapshotEntry]
    left_out: frozenset[int] = frozenset()
    rules: str = ""

    @property
    def time(self) -> str:
        """The watermark: the server time of the newest revision in it.

        It was read at that moment or later, so anything it does not have changed after that.
        """
        return max((entry.updated_at for entry in self.entries.values()), default=NO_TIME)

    @property
    def since(self) -> str:
        """The time from which to ask for changes."""
        return shifted(self.time, -OVERLAP)

    def ordered(self) -> list[SnapshotEntry]:
        """The entries by object id."""
        return sorted(self.entries.values(), key=lambda entry: entry.object_id)

    def knows(self) -> int:
        """The number of issues with the base label that the snapshot has seen."""
        return len(self.entries) + len(self.left_out)


def shifted(time: str, seconds: int) -> str:
    """The ISO 8601 time that many seconds later."""
    moment = datetime.fromisoformat(time.replace("Z", "+00:00")) + timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def fingerprint(rules: Rules) -> str:
    """A fingerprint of the rules that decide which issues are objects; empty for a store without configuration."""

    def chosen(of: Rules) -> list[Json]:
        return [of.base_label, of.archived_label, of.uid_prefix, *sorted(of.processors)]

    mine = chosen(rules)
    return "" if mine == chosen(Rules()) else digest(mine)[:8]


def stored_object(issue: Issue, rules: Rules, may_write: MayWrite) -> StoredObject | LeftOut:
    """The object that the issue is, for readers."""
    processors = rules.processors
    if not objects.has_label(issue, rules.base_label):
        return LeftOut(issue.number, f"it does not carry the label {rules.base_label!r}")
    if objects.has_label(issue, rules.archived_label):
        return LeftOut(issue.number, "the object is deleted")
    if problem := acceptance.problem(issue, rules):
        return LeftOut(issue.number, problem, broken=True)
    object_id = objects.object_id_of(issue, rules) or ""
    if reason := acceptance.not_accepted(issue, object_id, processors, may_write):
        return LeftOut(issue.number, reason)
    silent: list[str] = []

    def asked(login: str, object_id: str) -> bool | None:
        answer = may_write(login, object_id)
        silent.extend([login] if answer is None else [])
        return answer

    there = acceptance.kept_in(issue, object_id, processors, asked)
    edited = acceptance.unaccepted_edit(issue, object_id, processors, asked)
    title = acceptance.trusted_title(issue, object_id, processors, asked)
    if silent:  # no answer is no no
        why = f"GitHub did not say whether {silent[0]} may write, on which its title and its body depend"
        return LeftOut(issue.number, why, broken=True, silent=silent[0])
    if there:
        return LeftOut(issue.number, f"its object is kept in issue #{there}", broken=True)
    if edited:
        return LeftOut(issue.number, f"{edited}; process it", broken=True)
    try:
        data = read_body(issue.body)
    except InvalidJson as error:
        return LeftOut(issue.number, f"its body cannot be read as an object: {error.reason}", broken=True)
    if reason := acceptance.wrong_label(issue, object_id, processors):
        return LeftOut(issue.number, reason, broken=True)
    marker, known = acceptance.marker_in(title, object_id), digest(data)
    meta = objects.meta_of(issue, object_id, rules, marker, known)
    return StoredObject(meta, data)


def entry_of(found: StoredObject, keep: Keep = in_memory) -> SnapshotEntry:
    """The object as a snapshot has it."""
    meta = found.meta
    record = {"data": found.data, "meta": {name: getattr(meta, name) for name in META}}
    return SnapshotEntry(meta.object_id, meta.issue_number, meta.updated_at, keep(compact(record).encode()))


@dataclass(frozen=True)
class Changed:
    """A snapshot with issues added or removed.

    Args:
        problems: issues that could not be added.
        unsure: whether an issue left out as a duplicate may have to be added: only a full snapshot knows.
    """

    snapshot: Snapshot
    problems: tuple[LeftOut, ...]
    unsure: bool


def with_problems(before: Changed, after: Changed) -> Changed:
    """The later one, with earlier knowledge about issues that are still left out."""
    known = {problem.number: problem for problem in (*before.problems, *after.problems)}
    left = tuple(known[number] for number in sorted(known.keys() & after.snapshot.left_out))
    return replace(after, problems=left)


class Filling:
    """Adds issues to a snapshot, each as it is now: of those with one id, the signed one counts, or the lowest number.

    It grows in place, because a copy for each page would cost more the larger the store is.

    Args:
        keep: keeps the records.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        rules: Rules,
        may_write: MayWrite,
        keep: Keep = in_memory,
    ) -> None:
        self._before = snapshot
        self._keep = keep
        self._rules = rules
        self._may_write = may_write
        self._entries = dict(snapshot.entries)
        self._left_out = set(snapshot.left_out)
        self._problems: dict[int, LeftOut] = {}
        self._owner = {objects.key(entry.object_id, rules): number for number, entry in self._entries.items()}
        self._unsure = False

    def changed(self) -> Changed:
        """The snapshot as filled so far."""
        snapshot = replace(self._before, entries=dict(self._entries), left_out=frozenset(self._left_out))
        left = tuple(self._problems[number] for number in sorted(self._problems.keys() & self._left_out))
        return Changed(snapshot, left, self._unsure)

    def put(self, issues: Iterable[Issue]) -> None:
        """Adds each issue as it is now, or removes it."""
        for issue in issues:
            self._put(issue)

    def _put(self, issue: Issue) -> None:
        entries, owner, rules = self._entries, self._owner, self._rules
        before = entries.pop(issue.number, None)
        self._left_out.discard(issue.number)
        if before is not None and owner.get(objects.key(before.object_id, rules)) == issue.number:
            del owner[objects.key(before.object_id, rules)]
        found = stored_object(issue, rules, self._may_write)
        if isinstance(found, LeftOut):
            self._unsure = self._unsure or (before is not None and bool(self._left_out))
            if objects.has_label(issue, rules.base_label):
                self._leave_out(found)
            return
        accepted = acceptance.goes_first(issue, found.meta.object_id, rules.processors)
        entry = replace(entry_of(found, self._keep), accepted=accepted)
        key = objects.key(entry.object_id, rules)
        stepped_back = before is not None and before.accepted is not False and not accepted
        if before is not None and (objects.key(before.object_id, rules) != key or stepped_back):
            self._unsure = self._unsure or bool(self._left_out)
        holder = owner.get(key)
        if holder is not None and entries[holder].accepted is None and accepted == (holder < issue.number):
            self._unsure = True  # the file does not say which of the two wins
        if holder is not None and (not entries[holder].accepted, holder) < (not accepted, issue.number):
            self._leave_out(LeftOut(issue.number, f"issue #{holder} has the id {entry.object_id} already", broken=True))
            return
        if holder is not None:
            del entries[holder]
            self._leave_out(LeftOut(holder, f"issue #{issue.number} has the id {entry.object_id} already", broken=True))
        owner[key] = issue.number
        entries[issue.number] = entry

    def _leave_out(self, problem: LeftOut) -> None:
        self._left_out.add(problem.number)
        self._problems[problem.number] = problem


def compact(value: object) -> str:
    """JSON in the author's key order, without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
