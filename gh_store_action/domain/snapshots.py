"""From issues to snapshots: which issue is an object, what is kept of it, and how it is written down.

A snapshot holds content only, so that a full one and one brought up to date are the same bytes: its time is the
highest `updatedAt` among its objects, never a clock's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

from gh_store_action.domain import objects
from gh_store_action.domain.canonical import InvalidJson, Json, digest, parse, read_body
from gh_store_action.domain.records import Issue, Rules, StoredMeta, StoredObject

FORMATS = ("json", "jsonl", "directory")
NO_TIME = "1970-01-01T00:00:00Z"  # of a snapshot without objects: before every change
OVERLAP = 2  # seconds; GitHub's times have one-second resolution, and `since` is not known to be inclusive
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul"} | {f"{name}{digit}" for name in ("com", "lpt") for digit in range(1, 10)}
)


class BrokenSnapshot(ValueError):
    """A file that is no snapshot of this store; a full one takes its place."""


@dataclass(frozen=True)
class Entry:
    """One object, ready to be written: `record` is the compact JSON of its data and meta."""

    object_id: str
    number: int
    updated_at: str
    record: str


@dataclass(frozen=True)
class LeftOut:
    """An issue with the store's label that is no object in the snapshot, and why."""

    number: int
    reason: str
    broken: bool = False


@dataclass(frozen=True)
class Snapshot:
    """All objects of a store, by issue number.

    Args:
        left_out: numbers of issues that carry the base label and are not in.
    """

    repository: str
    entries: Mapping[int, Entry]
    left_out: frozenset[int] = frozenset()

    @property
    def time(self) -> str:
        """The watermark: the server time up to which the snapshot is complete."""
        return max((entry.updated_at for entry in self.entries.values()), default=NO_TIME)

    @property
    def since(self) -> str:
        """From when on changes have to be asked for."""
        return shifted(self.time, -OVERLAP)

    def ordered(self) -> list[Entry]:
        """The entries by object id."""
        return sorted(self.entries.values(), key=lambda entry: entry.object_id)

    def knows(self) -> int:
        """How many issues with the base label the snapshot has seen."""
        return len(self.entries) + len(self.left_out)


def shifted(time: str, seconds: int) -> str:
    """The ISO 8601 time that many seconds later."""
    moment = datetime.fromisoformat(time.replace("Z", "+00:00")) + timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def stored_object(issue: Issue, rules: Rules, counting: frozenset[str]) -> StoredObject | LeftOut:
    """The object that the issue is, for readers: nobody is asked for permissions."""
    if not objects.has_label(issue, rules.base_label):
        return LeftOut(issue.number, f"it does not carry the label {rules.base_label!r}")
    if objects.has_label(issue, rules.archived_label):
        return LeftOut(issue.number, "the object is deleted")
    object_id = objects.object_id_of(issue, rules)
    if object_id is None:
        return LeftOut(issue.number, "its labels do not say which object it is", broken=True)
    if not objects.is_trusted(issue, counting):
        return LeftOut(issue.number, "it was opened by somebody who may not write here")
    try:
        data = read_body(issue.body)
    except InvalidJson as error:
        return LeftOut(issue.number, f"its body is no JSON: {error.reason}", broken=True)
    if not isinstance(data, dict | list):
        return LeftOut(issue.number, "its body is JSON, but neither an object nor an array", broken=True)
    marker = objects.read_title(issue.title)[1]
    # Before its first processing here an object counts its revisions as gh-store did: comments, and one.
    counts = marker is not None and issue.title_editor in counting
    version = marker.revision if marker is not None and counts else issue.total_comments + 1
    meta = StoredMeta(
        object_id=object_id,
        label=objects.uid_label(object_id, rules),
        issue_number=issue.number,
        created_at=issue.created_at,
        updated_at=issue.updated_at,
        version=version,
        digest=digest(data),
    )
    return StoredObject(meta, data)


def entry_of(found: StoredObject) -> Entry:
    """The object as a snapshot holds it."""
    meta = found.meta
    record = {
        "data": found.data,
        "meta": {
            "object_id": meta.object_id,
            "label": meta.label,
            "issue_number": meta.issue_number,
            "created_at": meta.created_at,
            "updated_at": meta.updated_at,
            "version": meta.version,
            "digest": meta.digest,
        },
    }
    return Entry(meta.object_id, meta.issue_number, meta.updated_at, _compact(record))


@dataclass(frozen=True)
class Changed:
    """A snapshot with issues put in or taken out.

    Args:
        problems: issues that could not be put in.
        unsure: whether an issue that was left out as a duplicate may have to come in: only a full snapshot knows.
    """

    snapshot: Snapshot
    problems: tuple[LeftOut, ...]
    unsure: bool


def put(snapshot: Snapshot, issues: Iterable[Issue], rules: Rules, counting: frozenset[str]) -> Changed:
    """Puts each issue in as it is now, takes it out where it is no object any more; the lowest number has an id."""
    entries = dict(snapshot.entries)
    left_out = set(snapshot.left_out)
    problems: list[LeftOut] = []
    owner = {entry.object_id.casefold(): number for number, entry in entries.items()}
    unsure = False
    for issue in issues:
        before = entries.pop(issue.number, None)
        left_out.discard(issue.number)
        if before is not None and owner.get(before.object_id.casefold()) == issue.number:
            del owner[before.object_id.casefold()]
        found = stored_object(issue, rules, counting)
        if isinstance(found, LeftOut):
            unsure = unsure or (before is not None and bool(left_out))
            if objects.has_label(issue, rules.base_label):
                left_out.add(issue.number)
                problems.append(found)
            continue
        entry = entry_of(found)
        key = entry.object_id.casefold()
        if before is not None and before.object_id.casefold() != key:
            unsure = unsure or bool(left_out)
        holder = owner.get(key)
        if holder is not None and holder < issue.number:
            left_out.add(issue.number)
            problems.append(LeftOut(issue.number, f"issue #{holder} has the id {entry.object_id} already", broken=True))
            continue
        if holder is not None:
            del entries[holder]
            left_out.add(holder)
            problems.append(LeftOut(holder, f"issue #{issue.number} has the id {entry.object_id} already", broken=True))
        owner[key] = issue.number
        entries[issue.number] = entry
    return Changed(replace(snapshot, entries=entries, left_out=frozenset(left_out)), tuple(problems), unsure)


# -- writing ----------------------------------------------------------------------------------------------------------


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _pretty(value: object, indent: str = "") -> str:
    return json.dumps(value, ensure_ascii=False, indent=2).replace("\n", "\n" + indent)


def write(snapshot: Snapshot, format_: str) -> Iterator[tuple[str, Iterator[str]]]:
    """The files of a snapshot: path (empty for the one file), and the text in pieces."""
    if format_ == "json":
        yield "", _json(snapshot)
    elif format_ == "jsonl":
        yield "", (_line(entry) for entry in snapshot.ordered())
    else:
        for entry in snapshot.ordered():
            yield file_of(entry.object_id), iter((_pretty(json.loads(entry.record)), "\n"))
        yield "index.json", iter((_index(snapshot),))


def _head(snapshot: Snapshot) -> dict[str, object]:
    head: dict[str, object] = {"snapshot_time": snapshot.time, "repository": snapshot.repository}
    if snapshot.left_out:
        head["left_out"] = sorted(snapshot.left_out)
    return head


def _json(snapshot: Snapshot) -> Iterator[str]:
    """gh-store's shape."""
    yield _pretty(_head(snapshot))[:-2] + ',\n  "objects": {'
    comma = ""
    for entry in snapshot.ordered():
        yield f"{comma}\n    {_compact(entry.object_id)}: {_pretty(json.loads(entry.record), '    ')}"
        comma = ","
    yield "\n  }\n}\n" if comma else "}\n}\n"


def _line(entry: Entry) -> str:
    return '{"object_id":' + _compact(entry.object_id) + "," + entry.record[1:] + "\n"


def _index(snapshot: Snapshot) -> str:
    listed: dict[str, object] = {}
    for entry in snapshot.ordered():
        meta = json.loads(entry.record)["meta"]
        listed[entry.object_id] = {
            "path": file_of(entry.object_id),
            **{k: v for k, v in meta.items() if k != "object_id"},
        }
    return _pretty({**_head(snapshot), "objects": listed}) + "\n"


def file_of(object_id: str) -> str:
    """The path of an object's file in the folder: safe on every file system, and `object_of` reads it back."""
    name = quote(object_id, safe="@+").replace("~", "%7E")
    if name.startswith("."):
        name = "%2E" + name[1:]
    stem = name.split(".", 1)[0].lower()
    if stem in _RESERVED:
        name = f"%{ord(name[0]):02X}" + name[1:]
    return f"objects/{name}.json"


def object_of(path: str) -> str:
    """The id of the object whose file this is."""
    return unquote(path.removeprefix("objects/").removesuffix(".json"))


# -- reading ----------------------------------------------------------------------------------------------------------


def read(files: Mapping[str, str], format_: str, repository: str) -> Snapshot:
    """The snapshot that these files hold.

    Raises:
        BrokenSnapshot: when they are none of this repository's, or not in this format.
    """
    try:
        found = _read(files, format_, repository)
    except (InvalidJson, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BrokenSnapshot(f"it can not be read ({type(error).__name__}: {str(error)[:200]})") from None
    if found.repository.lower() != repository.lower():
        raise BrokenSnapshot(f"it is of the repository {found.repository[:80]!r}")
    return replace(found, repository=repository)


def _read(files: Mapping[str, str], format_: str, repository: str) -> Snapshot:
    if format_ == "jsonl":
        lines = [parse(line) for line in files[""].split("\n") if line]
        entries = [_entry(_checked(line), str(_checked(line)["object_id"])) for line in lines]
        return Snapshot(repository, {e.number: e for e in entries})
    head = _checked(parse(files["" if format_ == "json" else "index.json"]))
    listed = _checked(head["objects"])
    left_out = frozenset(int(n) for n in head.get("left_out", ()))
    if format_ == "json":
        entries = [_entry(_checked(value), key) for key, value in listed.items()]
    else:
        entries = [_entry(_checked(parse(files[file_of(key)])), key) for key in listed]
    snapshot = Snapshot(str(head["repository"]), {e.number: e for e in entries}, left_out)
    if len(snapshot.entries) != len(entries) or snapshot.time != head["snapshot_time"]:
        raise BrokenSnapshot("its parts do not fit together")
    return snapshot


def _checked(value: Json) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BrokenSnapshot("an object was expected")
    return value


def _entry(value: Mapping[str, Any], object_id: str) -> Entry:
    meta = value["meta"]
    if meta["object_id"] != object_id:
        raise BrokenSnapshot(f"the entry {object_id[:80]!r} is another object's")
    record = _compact({"data": value["data"], "meta": meta})
    return Entry(object_id, int(meta["issue_number"]), shifted(str(meta["updated_at"]), 0), record)
