"""Snapshots as files: what no object tells, laid out in other ways, cut off, or put together from two."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gh_store_action.domain.names import FORMATS
from gh_store_action.domain.objects import hash_of
from gh_store_action.domain.records import Rules, StoredMeta, StoredObject
from gh_store_action.domain.snapshots import files as snapshot_files
from gh_store_action.domain.snapshots.contents import whole
from gh_store_action.domain.snapshots.files import (
    BrokenSnapshot,
    file_of,
    is_object_file,
    listed,
    may_be_ours,
    read,
    records,
    write,
)
from gh_store_action.domain.snapshots.snapshot import Snapshot, entry_of, fingerprint
from gh_store_action.domain.strict_json import digest

IDS = st.text("abcXYZ09._-~:@+/", min_size=1, max_size=46)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
DATA = st.dictionaries(st.text(max_size=5), JSON, max_size=3) | st.lists(JSON, max_size=3)


def made(objects: dict[str, object], left_out: frozenset[int] = frozenset(), rules: str = "") -> Snapshot:
    entries = {}
    for number, (object_id, data) in enumerate(objects.items(), 1):
        time = f"2026-01-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}Z"
        meta = StoredMeta(object_id, f"UID:{object_id}", number, "2026-01-01T00:00:00Z", time, 1, digest(data))
        entries[number] = entry_of(StoredObject(meta, data))
    return Snapshot("octo/store", entries, left_out, rules)


SNAPSHOTS = st.builds(
    lambda ids, datas, left_out, rules: made(dict(zip(ids, datas, strict=False)), left_out, rules),
    st.lists(IDS, unique_by=str.casefold, max_size=4),
    st.lists(DATA, min_size=4, max_size=4),
    st.frozensets(st.integers(100, 200), max_size=3),
    st.sampled_from(("", "0123abcd")),
)
ONE = made({"metrics": {"n": 1}})


def files_of(snapshot: Snapshot, format_: str) -> dict[str, bytes]:
    return {name: whole(content) for name, content in write(snapshot, format_).items()}


def text_of(format_: str = "json", name: str = "") -> str:
    return files_of(ONE, format_)[name].decode()


def changed(format_: str, before: str, after: str) -> dict[str, str]:
    """Its files as somebody has changed them by hand."""
    spaced = {name: data.decode() for name, data in files_of(ONE, format_).items()}
    if format_ == "jsonl":
        before, after = before.replace(": ", ":"), after.replace(": ", ":")
    return {name: text if name == "index.json" else text.replace(before, after) for name, text in spaced.items()}


@given(SNAPSHOTS, st.sampled_from(FORMATS))
def test_written__reads_back_with_what_no_object_tells(snapshot: Snapshot, format_: str) -> None:
    assert read(files_of(snapshot, format_), format_, "octo/store") == snapshot


@given(SNAPSHOTS)
def test_json__is_what_every_tool_writes_with_two_spaces(snapshot: Snapshot) -> None:
    text = files_of(snapshot, "json")[""].decode()
    whole = json.loads(text)
    assert text == json.dumps(whole, ensure_ascii=False, indent=2) + "\n"
    known = {name: whole[name] for name in ("left_out", "rules") if name in whole}
    *lines, end = files_of(snapshot, "jsonl")[""].decode().split("\n")
    assert end == ""
    count = len(whole["objects"])
    assert [json.loads(line) for line in lines[count:]] == ([known] if known else [])
    objects = [json.loads(line) for line in lines[:count]]
    assert {line.pop("object_id"): line for line in objects} == {
        name: {**entry, "repository": "octo/store"} for name, entry in whole["objects"].items()
    }


@given(SNAPSHOTS, st.sampled_from(FORMATS))
def test_read__takes_other_line_ends_and_other_spaces(snapshot: Snapshot, format_: str) -> None:
    files = files_of(snapshot, format_)
    windows = {name: data.replace(b"\n", b"\r\n") for name, data in files.items()}
    assert read(windows, format_, "octo/store") == snapshot
    if format_ == "json":
        for spaces in (None, 4):
            other = json.dumps(json.loads(files[""]), indent=spaces).encode()
            assert read({"": other}, format_, "octo/store") == snapshot


@given(SNAPSHOTS, st.sampled_from(("json", "directory")), st.data())
def test_read__of_a_file_that_is_cut_off_is_no_snapshot(snapshot: Snapshot, format_: str, data: st.DataObject) -> None:
    files = files_of(snapshot, format_)
    name = data.draw(st.sampled_from(sorted(files)))
    whole = files[name].rstrip()
    files[name] = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(BrokenSnapshot):
        read(files, format_, "octo/store")


@pytest.mark.parametrize(
    ("format_", "files", "why"),
    [
        ("json", {"": text_of() * 2}, "its end is missing"),
        ("json", {"": text_of().replace('    "metrics"', '<<<<<<< HEAD\n    "metrics"')}, "it cannot be read"),
        ("json", {"": text_of().replace('"n": 1', '"n": 1, "n": 2')}, "it cannot be read: the key "),
        ("jsonl", {"": text_of("jsonl").replace("octo/store", "else/where")}, "it is of the repository 'else/where'"),
        ("jsonl", {"": text_of("jsonl") * 2}, "its parts do not fit together"),
        ("jsonl", {"": '{"left_out": [2]}\n' + text_of("jsonl")}, "there are objects after its end"),
        ("jsonl", {"": "\n"}, "it cannot be read"),
        ("jsonl", {"": '{"data": {}}\n'}, "it has no 'object_id'"),
        (
            "directory",
            {
                "index.json": text_of("directory", "index.json"),
                "objects/metrics.json": text_of("directory", "objects/metrics.json").replace('sion": 1', 'sion": 2'),
            },
            "the file of 'metrics' is not the one in the index",
        ),
        *(
            (format_, changed(format_, *replaced), "the entry 'metrics' was changed by someone else")
            for format_ in FORMATS
            for replaced in (('"n": 1', '"n": 999'), ('"version"', '"more": 1, "version"'), ('"digest"', '"other"'))
        ),
    ],
)
def test_read__of_what_does_not_belong_together_tells_why(format_: str, files: dict[str, str], why: str) -> None:
    with pytest.raises(BrokenSnapshot) as told:
        read({name: text.encode() for name, text in files.items()}, format_, "octo/store")
    assert why in str(told.value)


@pytest.mark.parametrize("short", [{"a"}, {"b"}, {"c"}, {"a", "c"}, {"b", "c"}, {"a", "b", "c"}])
def test_read__takes_objects_that_others_have_put_on_one_line(short: set[str]) -> None:
    snapshot = made({"a": 1, "b": 2, "c": 3})
    text = files_of(snapshot, "json")[""].decode()
    for name in short:
        text = re.sub(
            rf'^(    "{name}": {{)\n.*?^(    }})', lambda m: re.sub(r"\n *", " ", m[0]), text, flags=re.M | re.S
        )
    assert (text.count("\n") < files_of(snapshot, "json")[""].count(b"\n"), json.loads(text)["objects"].keys()) == (
        True,
        {"a", "b", "c"},
    )
    assert read({"": text.encode()}, "json", "octo/store") == snapshot
    assert records(text.encode()).keys() == {"a", "b", "c"}


@pytest.mark.parametrize("format_", ["json", "jsonl"])
def test_changed__is_nothing_but_objects(format_: str) -> None:
    """What the file says after its last object, of issues that are left out or of rules, is none of that object's."""
    plain = files_of(made({"a": 1, "b": 2}), format_)[""]
    before = records(plain)
    for other in (made({"a": 1, "b": 2}, frozenset({9})), made({"a": 1, "b": 2}, rules="some")):
        data = files_of(other, format_)[""]
        assert data != plain
        assert snapshot_files.changed(before, data) == ()
    more = files_of(made({"a": 1, "b": 2, "c": 3}, rules="some"), format_)[""]
    assert snapshot_files.changed(records(files_of(other, format_)[""]), more) == ("c",)


def test_listed__are_the_files_that_an_index_names() -> None:
    assert listed(files_of(ONE, "directory")["index.json"]) == {file_of("metrics", "UID:metrics")}
    for data in (b"text", b"{}", b"[]", b'{"objects": []}', b'{"objects": {"a": 1, "b": {}}}', b"\xff"):
        assert listed(data) == frozenset()


def test_fingerprint__tells_rules_apart_under_which_issues_are_other_objects() -> None:
    assert fingerprint(Rules()) == fingerprint(Rules(extra_labels=("x",))) == ""
    others = [Rules(base_label="x"), Rules(uid_prefix="x"), Rules(processors=frozenset({"x"}))]
    assert len({fingerprint(rules) for rules in others}) == 3
    assert {len(fingerprint(rules)) for rules in others} == {8}


@pytest.mark.slow
@pytest.mark.parametrize(("count", "digits"), [(1_000, 0), (1_001, 1), (15_000, 1), (17_000, 2)])
def test_directory__no_folder_has_more_than_a_thousand_files_and_few_stay_where_they_were(
    count: int, digits: int
) -> None:
    snapshot = made({f"o{number}": [] for number in range(count)})
    files = files_of(snapshot, "directory")
    folders = Counter(name.rpartition("/")[0] for name in files)

    assert max(folders.values()) <= 1_000
    assert set(map(len, folders)) - {0} == {len("objects") + (1 + digits if digits else 0)}
    assert {one["path"] for one in json.loads(files["index.json"])["objects"].values()} == files.keys() - {"index.json"}
    assert listed(files["index.json"]) == files.keys() - {"index.json"}
    assert all(may_be_ours(name) for name in files)
    if count == 1_001:
        assert read(files, "directory", "octo/store") == snapshot
        assert all(is_object_file(name, files[name]) for name in files if name != "index.json")
        assert f"objects/{hash_of('o7')[0]}/o7.json" in files


def test_directory__a_folder_has_two_digits_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gh_store_action.domain.snapshots.files.FULL", 1)
    files = files_of(made({f"o{number}": [] for number in range(40)}), "directory")
    (digits,) = {len(name.split("/")) - 2 for name in files if name != "index.json"}
    assert digits == 2 and all(
        re.fullmatch(r"objects/[0-9a-f]{2}/[0-9a-f]/o\d+[.]json", n) for n in files.keys() - {"index.json"}
    )


@pytest.mark.parametrize(
    "path", ["objects/a/../metrics.json", "objects/zz/metrics.json", "objects/a/b.json", "metrics.json"]
)
def test_directory__a_path_that_is_not_the_objects_is_not_followed(path: str) -> None:
    files = files_of(ONE, "directory")
    files["index.json"] = files["index.json"].replace(b"objects/metrics.json", path.encode())
    files[path] = files["objects/metrics.json"]
    with pytest.raises(BrokenSnapshot, match="is not the one in the index"):
        read(files, "directory", "octo/store")
    assert listed(files["index.json"]) == frozenset()
