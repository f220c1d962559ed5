"""From issues to snapshots, as values: what is in, how it is written, and that it reads back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gh_store_action.domain.acceptance import MayWrite
from gh_store_action.domain.names import FORMATS
from gh_store_action.domain.objects import Marker, key, short_digest, title, uid_label
from gh_store_action.domain.records import Issue, Rename, Rules, StoredMeta, StoredObject
from gh_store_action.domain.snapshots.contents import whole
from gh_store_action.domain.snapshots.files import BrokenSnapshot, changed, file_of, read, records, write
from gh_store_action.domain.snapshots.leaving import left
from gh_store_action.domain.snapshots.snapshot import (
    NO_TIME,
    Changed,
    Filling,
    LeftOut,
    Snapshot,
    entry_of,
    shifted,
    stored_object,
)
from gh_store_action.domain.strict_json import digest
from tests.support.ids import ANY_ID

RULES = Rules()


def may_write(login: str, object_id: str) -> bool:
    return login == "octo" and object_id != ""


EMPTY = Snapshot("octo/store", {})


def put(snapshot: Snapshot, issues: Iterable[Issue], rules: Rules, may: MayWrite) -> Changed:
    filling = Filling(snapshot, rules, may)
    filling.put(issues)
    return filling.changed()


def an_issue(number: int = 1, object_id: str = "metrics", body: str = '{"n": 1}', **more: object) -> Issue:
    values: dict[str, object] = {
        "number": number,
        "node_id": f"I_{number}",
        "title": f"Stored Object: {object_id}",
        "body": body,
        "closed": True,
        "author": "octo",
        "titles": (),
        "labels": ("stored-object", f"UID:{object_id}"),
        "created_at": f"2026-01-01T00:00:{number % 60:02}Z",
        "updated_at": "2026-01-09T00:00:00Z",
    }
    return Issue(**{**values, **more})  # type: ignore[arg-type]


def files_of(snapshot: Snapshot, format_: str) -> dict[str, str]:
    return {name: whole(content).decode() for name, content in write(snapshot, format_).items()}


def as_read(files: dict[str, str]) -> dict[str, bytes]:
    return {name: text.encode() for name, text in files.items()}


# Which issue is an object


@pytest.mark.parametrize(
    ("issue", "reason", "broken"),
    [
        (an_issue(labels=("UID:metrics",)), "it does not carry the label 'stored-object'", False),
        (an_issue(labels=("stored-object", "UID:metrics", "archived")), "the object is deleted", False),
        (an_issue(labels=("stored-object",)), "no label says which object it is (UID:<id>)", True),
        (an_issue(labels=("stored-object", "UID:a", "UID:b")), "its labels claim more than one id: a, b", True),
        (
            an_issue(labels=("stored-object", "UID:a b")),
            "its label is 'UID:a b', and should be 'UID:=c8687a08aa5d6ed2044328fa6a697ab8'",
            True,
        ),
        (
            an_issue(labels=("stored-object", "UID:=c8687a08aa5d6ed2044328fa6a697ab8")),
            "its label 'UID:=c8687a08aa5d6ed2044328fa6a697ab8' stands for an id that neither a title nor a state",
            True,
        ),
        (
            an_issue(labels=("stored-object", "UID:a\u202eb")),
            "the id in its label cannot be one: The object id 'a\\u202eb'",
            True,
        ),
        (an_issue(author="eve"), "it was opened by eve, who may not write here", False),
        (an_issue(body="text"), "its body cannot be read as an object: ", True),
        (an_issue(body="5"), "its body cannot be read as an object: it is neither an object nor an array", True),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_stored_object__of_what_is_none_tells_why(issue: Issue, reason: str, broken: bool) -> None:
    found = stored_object(issue, RULES, may_write)
    assert isinstance(found, LeftOut)
    assert (found.number, found.broken) == (1, broken)
    assert found.reason.startswith(reason)


def test_stored_object__version_is_the_markers_where_that_counts_else_the_number_of_comments_and_one() -> None:
    marked = title("metrics", Marker(7, 3, 2, short_digest({"n": 1})), RULES)
    for issue, version in (
        (an_issue(title=marked, total_comments=4), 7),
        (an_issue(total_comments=4), 5),
    ):
        found = stored_object(issue, RULES, may_write)
        assert isinstance(found, StoredObject)
        assert found.meta.version == version


# When it was revised


def rename(minute: int, to: int | str, before: int | str = "") -> Rename:
    """A change of the title; a number stands for one with the marker of that revision."""
    to, before = (titled(one, minute) if isinstance(one, int) else one for one in (to, before))
    return Rename(f"2026-01-01T01:{minute:02}:00Z", "github-actions[bot]", to, before)


def titled(revision: int, comment: int, data: object = None) -> str:
    known = short_digest({"n": 1} if data is None else data)  # type: ignore[arg-type]
    return title("metrics", Marker(revision, comment, 1, known), RULES)


OPENED, EDITED = "2026-01-01T00:00:00Z", "2026-01-01T02:00:00Z"


@pytest.mark.parametrize(
    ("titles", "edited_at", "revised"),
    [
        pytest.param([rename(3, 7, 6), rename(2, 6, "x")], EDITED, "01:03", id="the newest title"),
        pytest.param([rename(4, 7, 7), rename(3, 7, 6)], EDITED, "01:03", id="refusals were noted since"),
        pytest.param([rename(5, 7, "x"), rename(4, "x", 7), rename(3, 7, 6)], EDITED, "01:03", id="a title by hand"),
        pytest.param([rename(5, 7, 7), rename(4, 7, 7)], EDITED, "02:00", id="the one that revised is not read"),
        pytest.param([rename(5, 7, 7), rename(4, 7, 7)], "", "00:00", id="nor was the body ever edited"),
        pytest.param([rename(3, titled(7, 3, {"n": 0}), 6)], EDITED, "02:00", id="the same revision of other data"),
        pytest.param([], EDITED, "02:00", id="the event lags behind the title"),
    ],
)
def test_updated_at__is_when_a_title_first_said_the_state(titles: list[Rename], edited_at: str, revised: str) -> None:
    for body in ('{"n": 1}', '{ "n" : 1 }'):
        issue = an_issue(
            body=body,
            title=titled(7, 9),
            titles=tuple(titles),
            created_at=OPENED,
            edited_at=edited_at,
            editor="ada" if edited_at else "",
        )
        found = stored_object(issue, RULES, may_write)
        assert isinstance(found, StoredObject)
        assert found.meta.updated_at == f"2026-01-01T{revised}:00Z"
        by = {"02:00": "ada", "00:00": "octo"}.get(revised, "github-actions[bot]")
        assert (found.meta.created_by, found.meta.updated_by) == ("octo", by)


@pytest.mark.parametrize(("edited_at", "revised"), [("", OPENED), (EDITED, EDITED)])
def test_updated_at__of_a_body_that_no_marker_fits_is_its_last_edit(edited_at: str, revised: str) -> None:
    known = {"titles": (rename(3, 7, 6),), "created_at": OPENED, "edited_at": edited_at}
    unlike = an_issue(body='{"n": 2}', title=titled(7, 9), **known)
    for issue in (unlike, an_issue(**known), an_issue(title=titled(7, 9).replace("metrics", "other"), **known)):
        found = stored_object(issue, RULES, may_write)
        assert isinstance(found, StoredObject)
        assert found.meta.updated_at == revised


# Put in, taken out


def test_put__the_lowest_number_has_an_id_in_whatever_order_they_come() -> None:
    low, high = an_issue(1, "same"), an_issue(2, "SAME")
    for order in ((low, high), (high, low)):
        changed = put(EMPTY, order, RULES, may_write)
        assert list(changed.snapshot.entries) == [1]
        assert changed.snapshot.left_out == {2}
        assert changed.problems == (LeftOut(2, f"issue #1 has the id {order[1].labels[1][4:]} already", broken=True),)
        assert changed.snapshot.knows() == 2


def test_put__an_accepted_issue_has_an_id_whatever_its_number_in_whatever_order_they_come() -> None:
    low, high = an_issue(1, "same"), an_issue(2, "same", author="github-actions[bot]")
    for order in ((low, high), (high, low)):
        changed = put(EMPTY, order, RULES, may_write)
        assert (list(changed.snapshot.entries), changed.snapshot.left_out) == ([2], {1})


def test_put__which_of_two_has_an_id_is_in_doubt_where_the_file_holds_one_of_them() -> None:
    low, high = an_issue(1, "same"), an_issue(2, "same", author="github-actions[bot]")

    def held(issue: Issue) -> Snapshot:
        snapshot = put(EMPTY, [issue], RULES, may_write).snapshot
        return replace(snapshot, entries={n: replace(entry, accepted=None) for n, entry in snapshot.entries.items()})

    assert put(held(low), [high], RULES, may_write).unsure
    assert put(held(high), [low], RULES, may_write).unsure
    assert not put(held(low), [an_issue(2, "same")], RULES, may_write).unsure
    assert not put(held(an_issue(2, "same")), [replace(high, number=1)], RULES, may_write).unsure


def test_put__an_object_that_no_run_has_signed_is_in_no_doubt_when_it_is_read_again() -> None:
    both = put(EMPTY, [an_issue(1, "same"), an_issue(2, "same")], RULES, may_write).snapshot
    assert not put(both, [an_issue(1, "same")], RULES, may_write).unsure
    signed = put(EMPTY, [an_issue(1, "same", author="github-actions[bot]"), an_issue(2, "same")], RULES, may_write)
    assert put(signed.snapshot, [an_issue(1, "same")], RULES, may_write).unsure


def test_put__an_object_that_goes_or_changes_its_id_leaves_a_duplicate_in_doubt() -> None:
    both = put(EMPTY, [an_issue(1, "same"), an_issue(2, "same")], RULES, may_write).snapshot
    assert put(both, [an_issue(1, "same", labels=())], RULES, may_write).unsure
    renamed = put(both, [an_issue(1, "other")], RULES, may_write)
    assert renamed.unsure
    assert [entry.object_id for entry in renamed.snapshot.ordered()] == ["other"]
    assert not put(both, [an_issue(1, "same", body='{"n": 2}')], RULES, may_write).unsure
    alone = put(EMPTY, [an_issue(1, "same")], RULES, may_write).snapshot
    assert not put(alone, [an_issue(1, "other")], RULES, may_write).unsure


def test_put__what_is_taken_out_is_known_no_more() -> None:
    snapshot = put(EMPTY, [an_issue(1, "a"), an_issue(2, "b", body="text")], RULES, may_write).snapshot
    assert (snapshot.knows(), snapshot.left_out) == (2, {2})
    snapshot = put(snapshot, [an_issue(2, "b", labels=())], RULES, may_write).snapshot
    assert (snapshot.knows(), snapshot.left_out) == (1, frozenset())


def test_time__is_the_highest_of_its_objects_and_changes_are_asked_from_two_seconds_before() -> None:
    assert (EMPTY.time, EMPTY.since) == (NO_TIME, "1969-12-31T23:59:58Z")
    snapshot = put(EMPTY, [an_issue(3, "a"), an_issue(1, "b")], RULES, may_write).snapshot
    assert (snapshot.time, snapshot.since) == ("2026-01-01T00:00:03Z", "2026-01-01T00:00:01Z")
    assert shifted("2026-01-01T00:00:59Z", 2) == "2026-01-01T00:01:01Z"


# Written and read

IDS = st.text("abcXYZ09._-~:@+/", min_size=1, max_size=46)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
DATA = st.dictionaries(st.text(max_size=5), JSON, max_size=3) | st.lists(JSON, max_size=3)


@st.composite
def a_snapshot(draw: st.DrawFn) -> Snapshot:
    ids = draw(st.lists(IDS, unique_by=str.casefold, max_size=5))
    entries = {}
    for number, object_id in enumerate(ids, 1):
        time = f"2026-01-01T00:00:{draw(st.integers(0, 59)):02}Z"
        data = draw(DATA)
        meta = StoredMeta(object_id, f"UID:{object_id}", number, "2026-01-01T00:00:00Z", time, 1, digest(data))
        entries[number] = entry_of(StoredObject(meta, data))
    return Snapshot("octo/store", entries, draw(st.frozensets(st.integers(100, 200), max_size=3)))


@given(a_snapshot(), st.sampled_from(FORMATS))
def test_written__reads_back_as_the_same_snapshot(snapshot: Snapshot, format_: str) -> None:
    found = read(as_read(files_of(snapshot, format_)), format_, "octo/store")
    assert found.entries == snapshot.entries
    assert found.time == snapshot.time
    assert found.left_out == snapshot.left_out


@given(a_snapshot())
def test_written__is_json_with_objects_in_order(snapshot: Snapshot) -> None:
    text = files_of(snapshot, "json")[""]
    whole = json.loads(text)
    assert list(whole["objects"]) == sorted(whole["objects"])
    assert text == json.dumps(whole, ensure_ascii=False, indent=2) + "\n" or not whole["objects"]
    lines = [json.loads(line) for line in files_of(snapshot, "jsonl")[""].split("\n")[:-1]]
    assert [line["object_id"] for line in lines if "object_id" in line] == list(whole["objects"])


@given(st.lists(IDS | ANY_ID, unique_by=lambda one: key(one, RULES), max_size=20))
def test_file_of__is_safe_on_every_file_system_and_one_objects_alone(ids: list[str]) -> None:
    paths = [file_of(object_id, uid_label(object_id, RULES)) for object_id in ids]
    assert len({path.casefold() for path in paths}) == len(ids)
    for path in paths:
        name = path.removeprefix("objects/")
        assert name.isascii()
        assert not set(name) & set('/\\:*?"<>|~ ')
        assert not name.startswith(".")
        assert name.split(".")[0].lower() not in {"con", "prn", "aux", "nul", "com1", "lpt9"}
        assert len(name) <= 255


@pytest.mark.parametrize(
    ("object_id", "path"),
    [
        ("metrics", "objects/metrics.json"),
        ("a/b", "objects/a%2Fb.json"),
        (".git", "objects/%2Egit.json"),
        ("..", "objects/%2E..json"),
        ("con", "objects/%63on.json"),
        ("CON.x", "objects/%43ON.x.json"),
        ("a:b~c", "objects/a%3Ab%7Ec.json"),
        ("a b", "objects/=c8687a08aa5d6ed2044328fa6a697ab8e96dc34291e8c2034ae8c38e6fcc6d65.json"),
    ],
)
def test_file_of__like_this(object_id: str, path: str) -> None:
    assert file_of(object_id, uid_label(object_id, RULES)) == path


def one(format_: str = "json") -> dict[str, str]:
    return files_of(put(EMPTY, [an_issue(1, "metrics")], RULES, may_write).snapshot, format_)


@pytest.mark.parametrize(
    ("format_", "files", "why"),
    [
        ("json", {"": "text"}, "it cannot be read"),
        ("json", {"": '{"a": 1, "a": 2}'}, "it cannot be read"),
        ("json", {"": "[]"}, "an object was expected"),
        ("json", {"": '{"objects": []}'}, "an object was expected"),
        ("json", {"": one()[""].replace('"metrics": {', '"other": {')}, "is another object's"),
        ("json", {"": one()[""].replace('00:00:01Z",\n  "rep', '00:00:09Z",\n  "rep')}, "do not fit together"),
        ("json", {"": one()[""].replace("octo/store", "else/where")}, "it is of the repository 'else/where'"),
        ("json", {"": one()[""].replace('"issue_number": 1', '"issue_number": "one"')}, "it cannot be read"),
        ("json", {"": one()[""].replace('"meta": {', '"meat": {')}, "it has no 'meta'"),
        ("directory", {"index.json": one("directory")["index.json"]}, "it has no 'objects/metrics.json'"),
        ("jsonl", {"": "5\n"}, "an object was expected"),
    ],
)
def test_read__of_what_is_no_snapshot_of_this_store_tells_why(format_: str, files: dict[str, str], why: str) -> None:
    with pytest.raises(BrokenSnapshot) as told:
        read(as_read(files), format_, "octo/store")
    assert why in str(told.value)


def test_read__the_repositorys_name_counts_without_case() -> None:
    found = read(as_read(one()), "json", "Octo/Store")
    assert found.repository == "Octo/Store"


def test_entry__holds_compact_json() -> None:
    (entry,) = put(EMPTY, [an_issue(1)], RULES, may_write).snapshot.entries.values()
    assert entry.record.startswith(b'{"data":{"n":1},"meta":{"object_id":"metrics","label":"UID:metrics",')


# What leaves it


def test_left__case_does_not_count() -> None:
    snapshot = put(EMPTY, [an_issue(1, "Metrics")], RULES, may_write).snapshot
    assert left({"METRICS", "b", "a"}, snapshot, RULES) == ("a", "b")


@pytest.mark.parametrize("format_", FORMATS)
def test_records__are_found_without_reading_the_whole(format_: str) -> None:
    issues = [
        an_issue(place, name, body='{"data": {"x": {"object_id": 1}}}') for place, name in enumerate(("a", "b@1"))
    ]
    files = as_read(files_of(put(EMPTY, issues, RULES, may_write).snapshot, format_))
    main = files.get("") or files["index.json"]
    for text in (main, main.replace(b"\n", b"\r\n"), main[:-9]):
        assert records(text).keys() == {"a", "b@1"}


@pytest.mark.parametrize("format_", FORMATS)
def test_changed__is_what_came_went_or_has_another_revision(format_: str) -> None:
    def main(*issues: Issue) -> bytes:
        files = as_read(files_of(put(EMPTY, issues, RULES, may_write).snapshot, format_))
        return files.get("") or files["index.json"]

    names = ("a", "b", "c", "d")
    issues = [an_issue(place, name, body='{"objects": {"x": {}}}') for place, name in enumerate(names, 1)]
    before = records(main(*issues))
    for text in (main(*issues), main(*issues).replace(b"\n", b"\r\n")):
        assert changed(before, text) == ()
    other = [issues[0], replace(issues[1], body="{}"), an_issue(9, "e"), issues[3]]
    assert changed(before, main(*other)) == ("b", "c", "e")
    assert changed(before, main(*issues[:3])) == ("d",)
    assert changed({}, main(*issues)) == names
    assert changed(records(b"junk"), main(issues[0])) == ("a",)
