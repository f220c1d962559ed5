"""What files hold, in pieces: on the disk, made again, by lines."""

from __future__ import annotations

import resource
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gh_store_action.domain.snapshots.contents import Files, Made, lines, pieces, whole
from gh_store_action.domain.snapshots.files import may_be_index, object_at, read, records, write
from gh_store_action.domain.snapshots.git_blobs import blob_oids
from gh_store_action.errors import StoreError
from gh_store_action.regular_files import MIB
from gh_store_action.workspace.disk import holds
from gh_store_action.workspace.spool import Pile, Spool
from tests.unit.test_snapshot_files import made

pytestmark = pytest.mark.slow


@given(st.lists(st.text("a\r\n\u2028é", max_size=5)))
def test_lines__are_the_same_however_the_content_comes_in_pieces(texts: list[str]) -> None:
    data = "".join(texts).encode()
    made = Made(lambda: iter(texts))
    assert list(lines(made)) == list(lines(data))
    assert (len(made), whole(made), b"".join(pieces(data))) == (len(data), data, data)


def test_spool__gives_a_large_content_back_as_often_as_asked(tmp_path: Path) -> None:
    data = b"0123456789\n" * (MIB // 4)
    spool = Spool([data[:5], data[5:]])
    one, other = spool.pieces(), spool.pieces()
    assert next(one) == next(other) == data[:MIB]
    assert b"".join([data[:MIB], *one]) == whole(spool) == data
    assert blob_oids(spool) == blob_oids(data)
    (tmp_path / "same").write_bytes(data)
    (tmp_path / "other").write_bytes(data[:-1] + b"x")
    assert (holds(tmp_path / "same", spool), holds(tmp_path / "other", spool)) == (True, False)


def test_spool__on_a_full_disk__says_so() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, hard))
    try:
        with pytest.raises(StoreError, match="A temporary file cannot be written: File too large"):
            Spool([b"x" * 3 * MIB])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_pile__keeps_very_many_small_contents_without_their_memory() -> None:
    def data(number: int) -> bytes:
        return f"{number}:".encode() + b"x" * 2_000

    pile = Pile()
    tracemalloc.start()
    try:
        kept = [pile.put(data(number)) for number in range(4_000)]
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 1.5 * MIB
    more = pile.put(b"more")
    assert all(len(one) == len(data(number)) and one == data(number) for number, one in enumerate(kept))
    assert (kept[1] == pile.put(data(1)), kept[1] == kept[2], kept[1] == "1") == (True, False, False)
    assert (whole(more), whole(pile.put(b""))) == (b"more", b"")


def test_pile__on_a_full_disk__says_so_now_or_when_it_is_read() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MIB, hard))
    try:
        pile = Pile()
        with pytest.raises(StoreError, match="A temporary file cannot be written: File too large"):
            kept = [pile.put(b"x" * 1_000) for _ in range(4_000)]
            whole(kept[0])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def taking_at_most(size: int) -> Iterator[None]:
    """Looks at the memory that is taken beside what is kept."""
    tracemalloc.start()
    try:
        yield
        kept, peak = tracemalloc.get_traced_memory()
        assert peak - kept < size, f"{(peak - kept) / MIB:.1f} MiB"
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("format_", ["json", "jsonl"])
def test_a_large_snapshot__is_written_and_read_a_piece_at_a_time(format_: str) -> None:
    snapshot = made({f"o{place}": {"n": place, "text": f"{place:06}" * 3_000} for place in range(800)})
    with taking_at_most(4 * MIB):
        spool = Spool(pieces(write(snapshot, format_)[""]))
    assert len(spool) > 12 * MIB
    with taking_at_most(5 * MIB):
        assert len(records(spool)) == 800
    with taking_at_most(6 * MIB):
        found = read({"": spool}, format_, "octo/store", Pile().put)
    assert found == snapshot


def test_files__are_read_when_they_are_asked_for() -> None:
    read: list[str] = []

    def content(name: str) -> bytes:
        read.append(name)
        return name.encode()

    files = Files(["b", "a"], content).beside({"c": b"other", "a": b"another"})
    assert (list(files), len(files), "x" in files, read) == (["c", "b", "a"], 3, False, [])
    assert (files["a"], files["b"], files["c"], read) == (b"another", b"b", b"other", ["b"])
    with pytest.raises(KeyError):
        files["x"]


def test_files_of_others__are_read_by_lines_too() -> None:
    def of(text: str) -> Made:
        return Made(lambda: iter((text[:7], text[7:])))

    assert [may_be_index(of(text)) for text in (" \n\n", '{\n "snapshot_time": 1}', "\nmine")] == [True, True, False]
    text = '{\n  "objects": {\n    "a": {\n      "n": 1\n    },\r\n    "b": {\n      "n": 1\n    }\n  }\n}\n'
    found = records(of(text))
    assert (list(found), found["a"] == found["b"]) == (["a", "b"], True)
    assert [object_at("", of(text), line) for line in (2, 4, 8)] == ["", "a", "b"]
