"""Snapshots as files, written and read back: `json` (gh-store's shape), `jsonl` (one object per line), `directory` (one
file per object, and an index).  The same snapshot has the same bytes, however it was made.
"""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import Any
from urllib.parse import quote

from gh_store_action.domain import strict_json as canonical
from gh_store_action.domain.objects import HASH, hash_of
from gh_store_action.domain.snapshots.snapshot import META, NO_TIME, Snapshot, SnapshotEntry, compact, shifted
from gh_store_action.domain.strict_json import DEPTH_LIMIT, InvalidJson, Json

SCHEMA = "https://raw.githubusercontent.com/org/gh-store-action/v1/docs/schemas/snapshot.json"  # editors look there
INDEX = "index.json"  # of the folder
FOLDER = "objects/"  # in it
FULL = 1_000  # files in a folder that GitHub lists (REST, "Get repository content")
_SHARDED = re.compile(rf"{FOLDER}(?:[0-9a-f]{{1,2}}/)+")
_MEMBER = re.compile(rb'^    ("(?:[^"\\]++|\\.)*+"): \{\r?$', re.MULTILINE)  # an object in `json`, and in an index
_LINE = re.compile(rb'^\{"object_id": ?("(?:[^"\\]++|\\.)*+")', re.MULTILINE)  # one in `jsonl`
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul"} | {f"{name}{digit}" for name in ("com", "lpt") for digit in range(1, 10)}
)


class BrokenSnapshot(ValueError):
    """A file that is not a snapshot of this store; a full one replaces it."""


_text: Callable[[str], str] = json.encoder.encode_basestring
_SCALARS: Mapping[type, Callable[[Any], str]] = {
    str: _text,
    int: int.__repr__,
    float: float.__repr__,
    bool: {True: "true", False: "false"}.__getitem__,
    type(None): lambda _: "null",
}


def _pretty(value: dict[str, Any] | list[Any], indent: str = "") -> str:
    """Like `json.dumps` with an indent of two, but nearly twice as fast, because that has no C code for it."""
    inner = indent + "  "
    if isinstance(value, dict):
        members = [
            f"{inner}{_text(key)}: {plain(one) if (plain := _SCALARS.get(type(one))) else _pretty(one, inner)}"
            for key, one in value.items()
        ]
        return "{\n" + ",\n".join(members) + f"\n{indent}}}" if members else "{}"
    parts = [inner + (plain(one) if (plain := _SCALARS.get(type(one))) else _pretty(one, inner)) for one in value]
    return "[\n" + ",\n".join(parts) + f"\n{indent}]" if parts else "[]"


def write(snapshot: Snapshot, format_: str) -> Iterator[tuple[str, Iterator[str]]]:
    """The files of a snapshot: path (empty for the one file), and the text in pieces; an index comes last."""
    if format_ == "json":
        yield "", _json(snapshot)
    elif format_ == "jsonl":
        yield "", _lines(snapshot)
    else:
        digits = digits_for((entry.object_id for entry in snapshot.entries.values()), FULL)
        for entry in snapshot.ordered():
            record = json.loads(entry.record)
            path = sharded(file_of(entry.object_id, record["meta"]["label"]), entry.object_id, digits)
            yield path, iter((_pretty(record), "\n"))
        yield INDEX, iter((_index(snapshot, digits),))


def _known(snapshot: Snapshot) -> dict[str, object]:
    """What the next one has to know but no object says; mostly nothing."""
    known: dict[str, object] = {"left_out": sorted(snapshot.left_out)} if snapshot.left_out else {}
    return {**known, "rules": snapshot.rules} if snapshot.rules else known


def _head(snapshot: Snapshot, part: str = "") -> dict[str, object]:
    known = {"snapshot_time": snapshot.time, "repository": snapshot.repository, **_known(snapshot)}
    return {"$schema": SCHEMA + part, **known}


def _json(snapshot: Snapshot) -> Iterator[str]:
    """gh-store's shape."""
    yield _pretty(_head(snapshot))[:-2] + ',\n  "objects": {'
    comma = ""
    for entry in snapshot.ordered():
        yield f"{comma}\n    {compact(entry.object_id)}: {_pretty(json.loads(entry.record), '    ')}"
        comma = ","
    yield "\n  }\n}\n" if comma else "}\n}\n"


def _lines(snapshot: Snapshot) -> Iterator[str]:
    """One object per line, each with its repository; after them what is left out, if anything."""
    repository = compact(snapshot.repository)
    for entry in snapshot.ordered():
        record = entry.record.decode()
        yield f'{{"object_id":{compact(entry.object_id)},{record[1:-1]},"repository":{repository}}}\n'
    if known := _known(snapshot):
        yield compact(known) + "\n"


def _index(snapshot: Snapshot, digits: int) -> str:
    listed: dict[str, object] = {}
    for entry in snapshot.ordered():
        meta = json.loads(entry.record)["meta"]
        path = sharded(file_of(entry.object_id, meta["label"]), entry.object_id, digits)
        listed[entry.object_id] = {"path": path, **_but_id(meta)}
    return _pretty({**_head(snapshot, "#/$defs/index"), "objects": listed}) + "\n"


def _but_id(meta: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in meta.items() if name != "object_id"}


def digits_for(ids: Iterable[str], most: int) -> int:
    """The fewest digits of the ids' hashes that split the files into folders of at most that many files."""
    hashes = [hash_of(object_id) for object_id in ids]
    fullest = (max(Counter(text[:digits] for text in hashes).values(), default=0) for digits in count())
    return next(digits for digits, many in enumerate(fullest) if many <= most)


def sharded(path: str, object_id: str, digits: int) -> str:
    """The path, one folder and a name, in folders by that many digits, two for each."""
    start = hash_of(object_id)[:digits]
    return path.replace("/", "/" + "".join(f"{start[at : at + 2]}/" for at in range(0, digits, 2)), 1)


def _flat(path: str) -> str:
    """The path without these folders."""
    found = _SHARDED.match(path)
    return FOLDER + path[found.end() :] if found else path


def file_of(object_id: str, label: str) -> str:
    """The path of an object's file in a folder that is not split: unique to the object on every file system.

    An id that its label does not have may be too long for a name, or differ from another only in case, so its hash is
    the name.
    """
    carried, hashed = _files_of(object_id)
    return carried if label.casefold().endswith(object_id.casefold()) else hashed


def _files_of(object_id: str) -> tuple[str, str]:
    """The path if the label has the id, and if it does not."""
    name = quote(object_id, safe="@+").replace("~", "%7E")
    if name.startswith("."):
        name = "%2E" + name[1:]
    stem = name.split(".", 1)[0].lower()
    if stem in _RESERVED:
        name = f"%{ord(name[0]):02X}" + name[1:]
    return f"{FOLDER}{name}.json", f"{FOLDER}{HASH}{hash_of(object_id)}.json"


def object_at(name: str, data: bytes, line: int) -> str:
    """The id of the object on a line of a snapshot's file, counted from 1; empty for none."""
    if name.startswith(FOLDER):
        return str(json.loads(data)["meta"]["object_id"])
    before = b"\n".join(data.split(b"\n")[:line])
    found = _MEMBER.findall(before) or _LINE.findall(before)
    return str(json.loads(found[-1])) if found else ""


# -- reading ----------------------------------------------------------------------------------------------------------


def read(files: Mapping[str, bytes], format_: str, repository: str) -> Snapshot:
    """The snapshot that these files hold.

    Raises:
        BrokenSnapshot: they are not this repository's, or not in this format.
    """
    try:
        if format_ == "json":
            found = _read_json(files[""])
        elif format_ == "jsonl":
            found = _read_lines(files[""], repository)
        else:
            found = _read_folder(files)
    except BrokenSnapshot:
        raise
    except KeyError as error:
        raise BrokenSnapshot(f"it has no {error}") from None
    except (InvalidJson, TypeError, ValueError, AttributeError) as error:
        raise BrokenSnapshot(f"it cannot be read ({type(error).__name__}: {str(error)[:200]})") from None
    if found.repository.lower() != repository.lower():
        raise BrokenSnapshot(f"it is of the repository {found.repository[:80]!r}")
    return replace(found, repository=repository)


def _read_json(data: bytes) -> Snapshot:
    """Object by object if its layout is as written: parsing a large one as a whole would fill the memory."""
    lines = io.BytesIO(data)
    *head, last = _up_to(lines, b'  "objects": {', b'  "objects": {}')
    if not last:
        whole = _checked(_parse(data))
        return _joined(whole, [_entry(_checked(one), key) for key, one in _checked(whole["objects"]).items()])
    entries: list[SnapshotEntry] = []
    while last.endswith(b"{"):
        *member, end = _up_to(lines, b"    }", b"    },", b"  }")
        if end == b"  }":
            break
        text = b"{" + b"".join(member) + end.rstrip(b",") + b"}"
        ((key, one),) = _checked(_parse(text)).items()
        entries.append(_entry(_checked(one), key))
    if lines.read().strip() != b"}":
        raise BrokenSnapshot("its end is missing")
    return _joined(_checked(_parse(b"".join(head).rstrip().rstrip(b",") + b"}")), entries)


def _up_to(lines: io.BytesIO, *ends: bytes) -> list[bytes]:
    """The lines up to one of these, that one without its line end; an empty one if none of them occurs."""
    taken: list[bytes] = []
    for line in lines:
        if line.rstrip() in ends:
            return [*taken, line.rstrip()]
        taken.append(line)
    return [*taken, b""]


def _read_lines(data: bytes, repository: str) -> Snapshot:
    entries: list[SnapshotEntry] = []
    known: dict[str, Any] = {}
    of = repository
    for line in io.BytesIO(data):
        value = _checked(_parse(line))
        if known:
            raise BrokenSnapshot("there are objects after its end")
        if not value.keys() - {"left_out", "rules"}:
            known = value
            continue
        entries.append(_entry(value, str(value["object_id"])))
        if str(value["repository"]).lower() != repository.lower():
            of = str(value["repository"])
    time = Snapshot(repository, {entry.number: entry for entry in entries}).time
    return _joined({**known, "repository": of, "snapshot_time": time}, entries)


def _read_folder(files: Mapping[str, bytes]) -> Snapshot:
    head = _checked(_parse(files[INDEX]))
    entries: list[SnapshotEntry] = []
    for key, known in _checked(head["objects"]).items():
        path = known["path"]
        value = _checked(_parse(files[path]))
        entries.append(_entry(value, key))
        if _flat(path) != file_of(key, known["label"]) or {"path": path, **_but_id(value["meta"])} != known:
            raise BrokenSnapshot(f"the file of {key[:80]!r} is not the one in the index")
    return _joined(head, entries)


def _joined(head: Mapping[str, Any], entries: list[SnapshotEntry]) -> Snapshot:
    left_out = frozenset(int(number) for number in head.get("left_out", ()))
    by_number = {entry.number: entry for entry in entries}
    snapshot = Snapshot(str(head["repository"]), by_number, left_out, str(head.get("rules", "")))
    ids = {entry.object_id for entry in entries}
    if not len(ids) == len(by_number) == len(entries) or snapshot.time != head["snapshot_time"]:
        raise BrokenSnapshot("its parts do not fit together")
    return snapshot


def records(main: bytes, format_: str) -> dict[str, int]:
    """The objects in a snapshot's main file, even a broken one, each with a hash of its content.

    They are found line by line, as written: parsing a large file takes many times its memory.
    """
    found: dict[str, int] = {}
    main = main.replace(b"\r\n", b"\n")
    matches = list((_LINE if format_ == "jsonl" else _MEMBER).finditer(main))
    ends = [match.start() for match in matches[1:]]
    for match, end in zip(matches, [*ends, len(main)], strict=False):
        with suppress(ValueError):
            found[str(json.loads(match[1], strict=False))] = hash(main[match.end() : end].rstrip(b"},\n "))
    return found or dict.fromkeys(_members(main), 0)


def changed(before: Mapping[str, int], main: bytes, format_: str) -> tuple[str, ...]:
    """The ids, in order, of objects that differ between the main file and `before`, or that only one of them has."""
    now = records(main, format_)
    return tuple(sorted(one for one in before.keys() | now.keys() if before.get(one) != now.get(one)))


def listed(index: bytes) -> frozenset[str]:
    """The files in an index; none if it cannot be read."""
    found: set[str] = set()
    for key, known in _members(index).items():
        with suppress(ValueError, KeyError):
            path = str(_checked(known)["path"])
            if _flat(path) in _files_of(key):
                found.add(path)
    return frozenset(found)


def _members(main: bytes) -> Mapping[str, Any]:
    """The objects in a file of one JSON value, in any layout."""
    try:
        return _checked(_checked(_parse(main))["objects"])
    except (ValueError, KeyError):
        return {}


def may_be_ours(name: str) -> bool:
    """Whether a file in the folder can be the store's, by its name."""
    flat = _flat(name)
    inner = flat.removeprefix(FOLDER)
    return name == INDEX or (inner != flat and "/" not in inner and inner.endswith(".json"))


def may_be_index(data: bytes) -> bool:
    """Whether a file with that name can be the store's, even if it is broken."""
    return not data.strip() or b'"snapshot_time"' in data


def is_object_file(name: str, data: bytes) -> bool:
    """Whether a file is an object's, whatever the index says."""
    try:
        value = _checked(_parse(data))
        return value.keys() == {"data", "meta"} and _flat(name) in _files_of(str(_checked(value["meta"])["object_id"]))
    except (ValueError, KeyError):
        return False


def _parse(data: bytes) -> Json:
    """An object may have its full depth, and a file adds some levels around it."""
    return canonical.parse(data.decode(), depth=DEPTH_LIMIT + 5)


def _checked(value: Json) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BrokenSnapshot("an object was expected")
    return value


def _entry(value: Mapping[str, Any], object_id: str) -> SnapshotEntry:
    meta = value["meta"]
    if meta["object_id"] != object_id:
        raise BrokenSnapshot(f"the entry {object_id[:80]!r} is another object's")
    if meta.keys() != set(META) or canonical.digest(value["data"]) != meta["digest"]:
        raise BrokenSnapshot(f"the entry {object_id[:80]!r} was changed by someone else")
    record = compact({"data": value["data"], "meta": meta}).encode()
    updated_at = shifted(str(meta["updated_at"]), 0)
    if updated_at < NO_TIME:
        raise BrokenSnapshot(f"the entry {object_id[:80]!r} is older than any issue")
    return SnapshotEntry(object_id, int(meta["issue_number"]), updated_at, record)
