"""Snapshots as files, written and read back: `json` (gh-store's shape), `jsonl` (one object per line), `directory` (one
file per object, and an index).  The same snapshot has the same bytes, however it was made.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import count, islice
from typing import Any
from urllib.parse import quote

from gh_store_action.domain import strict_json as canonical
from gh_store_action.domain.objects import HASH, hash_of
from gh_store_action.domain.snapshots.contents import Content, Files, Keep, Made, in_memory, lines, whole
from gh_store_action.domain.snapshots.snapshot import META, NO_TIME, Snapshot, SnapshotEntry, compact, shifted
from gh_store_action.domain.strict_json import DEPTH_LIMIT, InvalidJson, Json

SCHEMA = "https://raw.githubusercontent.com/org/gh-store-action/v1/docs/schemas/snapshot.json"  # editors look there
INDEX = "index.json"  # of the folder
FOLDER = "objects/"  # in it
FULL = 1_000  # files in a folder that GitHub lists (REST, "Get repository content")
TIME = b'"snapshot_time"'  # near the beginning of `json`, and of an index
_SHARDED = re.compile(rf"{FOLDER}(?:[0-9a-f]{{1,2}}/)+")
_MEMBER = re.compile(rb'^    ("(?:[^"\\]++|\\.)*+"): \{', re.MULTILINE)  # an object in `json`, and in an index
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


def write(snapshot: Snapshot, format_: str) -> Files:
    """The files of a snapshot by path, empty for the one file, each made when it is asked for; an index comes last."""
    if format_ != "directory":
        return Files([""], lambda _: Made(lambda: (_json if format_ == "json" else _lines)(snapshot)))
    paths = _paths(snapshot)

    def made(path: str) -> Content:
        if path == INDEX:
            return Made(lambda: _index(snapshot, paths))
        return (_pretty(snapshot.entries[paths[path]].value()) + "\n").encode()

    return Files([*paths, INDEX], made)


def _known(snapshot: Snapshot) -> dict[str, object]:
    """What the next one has to know but no object says; mostly nothing."""
    known: dict[str, object] = {"left_out": sorted(snapshot.left_out)} if snapshot.left_out else {}
    return {**known, "rules": snapshot.rules} if snapshot.rules else known


def _head(snapshot: Snapshot, part: str = "") -> dict[str, object]:
    known = {"snapshot_time": snapshot.time, "repository": snapshot.repository, **_known(snapshot)}
    return {"$schema": SCHEMA + part, **known}


def _json(snapshot: Snapshot) -> Iterator[str]:
    """gh-store's shape."""
    members = ((entry.object_id, entry.value()) for entry in snapshot.ordered())
    return _laid_out(_head(snapshot), members)


def _laid_out(head: dict[str, object], members: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    """One JSON value with its objects, one after another."""
    yield _pretty(head)[:-2] + ',\n  "objects": {'
    comma = ""
    for object_id, value in members:
        yield f"{comma}\n    {compact(object_id)}: {_pretty(value, '    ')}"
        comma = ","
    yield "\n  }\n}\n" if comma else "}\n}\n"


def _lines(snapshot: Snapshot) -> Iterator[str]:
    """One object per line, each with its repository; after them what is left out, if anything."""
    repository = compact(snapshot.repository)
    for entry in snapshot.ordered():
        record = whole(entry.record).decode()
        yield f'{{"object_id":{compact(entry.object_id)},{record[1:-1]},"repository":{repository}}}\n'
    if known := _known(snapshot):
        yield compact(known) + "\n"


def _index(snapshot: Snapshot, paths: Mapping[str, int]) -> Iterator[str]:
    metas = ((path, snapshot.entries[number].value()["meta"]) for path, number in paths.items())
    members = ((meta["object_id"], {"path": path, **_but_id(meta)}) for path, meta in metas)
    return _laid_out(_head(snapshot, "#/$defs/index"), members)


def _paths(snapshot: Snapshot) -> dict[str, int]:
    """The issues' numbers by the objects' paths in a folder."""
    digits = digits_for((entry.object_id for entry in snapshot.entries.values()), FULL)
    labelled = ((entry, entry.value()["meta"]["label"]) for entry in snapshot.ordered())
    return {sharded(file_of(one.object_id, label), one.object_id, digits): one.number for one, label in labelled}


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


def object_at(name: str, data: Content, line: int) -> str:
    """The id of the object on a line of a snapshot's file, counted from 1; empty for none."""
    if name.startswith(FOLDER):
        return str(json.loads(whole(data))["meta"]["object_id"])
    found = None
    for one in islice(lines(data), line):
        found = _MEMBER.match(one) or _LINE.match(one) or found
    return str(json.loads(found[1])) if found else ""


# -- reading ----------------------------------------------------------------------------------------------------------


def read(files: Mapping[str, Content], format_: str, repository: str, keep: Keep = in_memory) -> Snapshot:
    """The snapshot that these files hold.

    Args:
        keep: keeps the objects' records.

    Raises:
        BrokenSnapshot: they are not this repository's, or not in this format.
    """
    try:
        if format_ == "json":
            found = _read_json(files[""], keep)
        elif format_ == "jsonl":
            found = _read_lines(files[""], repository, keep)
        else:
            found = _read_folder(files, keep)
    except BrokenSnapshot:
        raise
    except KeyError as error:
        raise BrokenSnapshot(f"it has no {error}") from None
    except InvalidJson as error:
        raise BrokenSnapshot(f"it cannot be read: {error.reason[:200]}") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise BrokenSnapshot(f"it cannot be read ({type(error).__name__}: {str(error)[:200]})") from None
    if found.repository.lower() != repository.lower():
        raise BrokenSnapshot(f"it is of the repository {found.repository[:80]!r}")
    return replace(found, repository=repository)


def _read_json(data: Content, keep: Keep) -> Snapshot:
    head, members = _parts(data)
    return _joined(head, [_entry(_checked(one), key, keep) for key, one in members])


def _parts(data: Content) -> tuple[dict[str, Any], Iterator[tuple[str, Any]]]:
    """What one JSON value says beside its objects, and these.

    Object by object where it is laid out as it was written: parsed as a whole, a large one fills the memory.
    """
    rest = lines(data)
    *head, last = _up_to(rest, b'  "objects": {', b'  "objects": {}')
    if not last:
        value = _checked(_parse(whole(data)))
        return value, iter(_checked(value["objects"]).items())
    return _checked(_parse(b"".join(head).rstrip().rstrip(b",") + b"}")), _members(rest, last)


def _members(rest: Iterator[bytes], last: bytes) -> Iterator[tuple[str, Any]]:
    """The objects in the lines behind the one that opens them; others may have put some of these on one line."""
    going = last.endswith(b"{")
    while going:
        *some, end = _up_to(rest, b"    }", b"    },", b"  }")
        going = end.startswith(b"    }")
        yield from _checked(_parse(b"{" + b"".join(some) + b"}" * going + b"}")).items()
    if b"".join(rest).strip() != b"}":
        raise BrokenSnapshot("its end is missing")


def _up_to(found: Iterator[bytes], *ends: bytes) -> list[bytes]:
    """The lines up to one of these, that one without its line end; an empty one if none of them occurs."""
    taken: list[bytes] = []
    for line in found:
        if line.rstrip() in ends:
            return [*taken, line.rstrip()]
        taken.append(line)
    return [*taken, b""]


def _read_lines(data: Content, repository: str, keep: Keep) -> Snapshot:
    entries: list[SnapshotEntry] = []
    known: dict[str, Any] = {}
    of = repository
    for line in lines(data):
        value = _checked(_parse(line))
        if known:
            raise BrokenSnapshot("there are objects after its end")
        if not value.keys() - {"left_out", "rules"}:
            known = value
            continue
        entries.append(_entry(value, str(value["object_id"]), keep))
        if str(value["repository"]).lower() != repository.lower():
            of = str(value["repository"])
    time = Snapshot(repository, {entry.number: entry for entry in entries}).time
    return _joined({**known, "repository": of, "snapshot_time": time}, entries)


def _read_folder(files: Mapping[str, Content], keep: Keep) -> Snapshot:
    head, members = _parts(files[INDEX])
    entries: list[SnapshotEntry] = []
    for key, known in members:
        path = known["path"]
        value = _checked(_parse(whole(files[path])))
        entries.append(_entry(value, key, keep))
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


def records(main: Content) -> dict[str, int]:
    """The objects in a snapshot's main file, of any format and even broken, each with a hash of its content.

    They are found line by line, as written: parsing a large file takes many times its memory.
    """
    found: dict[str, int] = {}
    key, said, laid_out = b"", bytearray(), True

    def put() -> None:
        with suppress(ValueError):  # what stands before the first one has no key
            found[str(json.loads(key, strict=False))] = hash(bytes(said.rstrip(b"},\n ")))

    for line in lines(main):
        line = line.replace(b"\r\n", b"\n")
        if match := _MEMBER.match(line) or _LINE.match(line):
            put()
            key, said, laid_out = match[1], bytearray(line[match.end() :]), match.re is _MEMBER
        elif laid_out:  # in `jsonl`, what follows the objects is none of the last one's
            said += line
    put()
    return found or dict.fromkeys(_listed(main), 0)


def changed(before: Mapping[str, int], main: Content) -> tuple[str, ...]:
    """The ids, in order, of objects that differ between the main file and `before`, or that only one of them has."""
    now = records(main)
    return tuple(sorted(one for one in before.keys() | now.keys() if before.get(one) != now.get(one)))


def listed(index: Content) -> frozenset[str]:
    """The files in an index; none if it cannot be read."""
    return frozenset(path for key, path in _listed(index).items() if path and _flat(path) in _files_of(key))


def lists_any(index: Content) -> bool:
    """Whether it can be read to its end, and lists an object."""
    try:
        return sum(1 for _ in _parts(index)[1]) > 0
    except (ValueError, KeyError):
        return False


def _listed(main: Content) -> Mapping[str, str]:
    """The objects in a file of one JSON value, in any layout."""
    try:
        return {key: str(one.get("path", "")) if isinstance(one, dict) else "" for key, one in _parts(main)[1]}
    except (ValueError, KeyError):
        return {}


def may_be_ours(name: str) -> bool:
    """Whether a file in the folder can be the store's, by its name."""
    flat = _flat(name)
    inner = flat.removeprefix(FOLDER)
    return name == INDEX or (inner != flat and "/" not in inner and inner.endswith(".json"))


def may_be_index(data: Content) -> bool:
    """Whether a file with that name can be the store's, even if it is broken."""
    blank = True
    for line in lines(data):
        if TIME in line:
            return True
        blank = blank and not line.strip()
    return blank


def is_record(line: bytes) -> bool:
    """Whether a line can be one of `jsonl`, with an object."""
    return _LINE.match(line) is not None


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


def _entry(value: Mapping[str, Any], object_id: str, keep: Keep) -> SnapshotEntry:
    meta = value["meta"]
    if meta["object_id"] != object_id:
        raise BrokenSnapshot(f"the entry {object_id[:80]!r} is another object's")
    if meta.keys() != set(META) or canonical.digest(value["data"]) != meta["digest"]:
        raise BrokenSnapshot(f"the entry {object_id[:80]!r} was changed by someone else")
    updated_at = shifted(str(meta["updated_at"]), 0)
    if updated_at < NO_TIME:
        raise BrokenSnapshot(f"the entry {object_id[:80]!r} is older than any issue")
    record = compact({"data": value["data"], "meta": meta}).encode()
    return SnapshotEntry(object_id, int(meta["issue_number"]), updated_at, keep(record))
