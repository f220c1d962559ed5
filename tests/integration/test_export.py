"""The ways out: what `gh-store export` writes, that nothing of the store is missing, and what it costs."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import jsonpatch
import pytest
import rfc8785

from gh_store_action.export.reading import Exporter
from gh_store_action.export.rows import LOG, OBJECT
from gh_store_action.store.lookup import Lookup
from gh_store_action.store.reading import Reader
from tests.double import GitHub, Repository, Request
from tests.support.cli import Shell
from tests.support.library import store_of
from tests.support.runner import ROOT
from tests.support.store import World

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "export.md").read_text("utf-8")


@pytest.fixture
def repository(github: GitHub) -> Repository:
    repository = github.add_repository("octo/store")
    repository.grant("ada", "write")
    github.add_user("eve")
    return repository


@pytest.fixture
def told(shell: Shell, repository: Repository) -> Shell:
    """A store in which everything has happened: all modes, refusals, a hand edit, a deletion, a move."""
    shell.run("create", "metrics", '{"count": 1, "tags": ["a"]}')
    shell.run("create", "gone", "[1, 2]")
    shell.run("create", "=1+1", '{"text": "=cmd()|\\u0000 ✓"}')
    for text in (
        '{"count": 2}',
        '{"_data": {"$inc": {"count": 5}}, "_meta": {"update_mode": "operators"}}',
        '{"_data": [{"op": "add", "path": "/tags/-", "value": "b"}], "_meta": {"update_mode": "json-patch"}}',
        '{"_data": {"tags": null, "new": true}, "_meta": {"update_mode": "merge-patch", "update_id": "=x\\u0000"}}',
        '{"_data": {"$inc": {"new": 1}}, "_meta": {"update_mode": "operators"}}',
        '{"oops": ',
    ):
        repository.comment(1, "ada", text)
    repository.comment(1, "eve", '{"count": -1}')
    repository.comment(1, "ada", "just talk")
    shell.run("sweep")
    repository.edit_issue(1, "ada", body='{"by": "hand"}')
    shell.run("process-updates", "1")
    shell.run("update", "metrics", '{"last": 1.5}', "--apply")
    shell.run("roll-over", "metrics")
    shell.run("update", "metrics", '{"moved": 1}', "--apply")
    shell.run("delete", "gone")
    return shell


def exported(shell: Shell, kind: str) -> Path:
    done = shell.run("export", "--format", kind)
    assert (done.code, done.err) == (0, "")
    assert (done.json["format"], done.json["object_count"]) == (kind, 3)
    return Path(done.json["path"])


def lines(file: Path) -> Iterator[dict[str, Any]]:
    for line in file.read_text("utf-8").splitlines():
        yield json.loads(line)


def replay(file: Path) -> dict[str, Any]:
    """The objects that the events make, each state held against its digest, by the example of docs/export.md."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    states: dict[str, Any] = {}
    known = {"json": json, "jsonpatch": jsonpatch, "hashlib": hashlib, "rfc8785": rfc8785, "Path": Path}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(file.parent)
        exec(compile(code, "export.md", "exec"), {**known, "states": states})  # noqa: S102
    return states


def test_events__are_replayed_to_the_same_digests(told: Shell) -> None:
    live = {one["object_id"]: one["data"] for one in told.run("list").json}

    assert replay(exported(told, "events")) == {**live, "gone": [1, 2]}


def test_events__end_at_the_body_where_the_log_does_not_give_it(told: Shell, repository: Repository) -> None:
    (number,) = (one["issue_number"] for one in told.run("list").json if one["object_id"] == "metrics")
    repository.edit_issue(number, "ada", body='{"by": "hand again"}')

    file = exported(told, "events")

    assert replay(file)["metrics"] == {"by": "hand again"}
    last = [one for one in lines(file) if one["object_id"] == "metrics"][-1]
    assert (last["type"], last["comment_id"], last["author"]) == ("body", None, "ada")


def test_sqlite__has_both_tables_keys_search_and_views(told: Shell) -> None:
    with closing(sqlite3.connect(exported(told, "sqlite"))) as database:
        ask = database.execute
        assert ask("PRAGMA foreign_key_check").fetchall() == ask("SELECT 1 WHERE 0").fetchall() == []
        assert ask("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert ask("SELECT object_id, deleted FROM objects ORDER BY 1").fetchall() == [
            ("=1+1", 0),
            ("gone", 1),
            ("metrics", 0),
        ]
        history = told.run("history", "metrics").json
        assert ask(
            "SELECT comment_id, revision, time, author, mode, patch, verdict, reason, update_id "
            "FROM log WHERE object_id = 'metrics' ORDER BY id"
        ).fetchall() == [
            (
                *(one["comment_id"], of["revision"], one["timestamp"], of["author"], of["update_mode"]),
                json.dumps(one["data"], ensure_ascii=False, separators=(",", ":")),
                *(of["verdict"], of["reason"], of["update_id"].replace("\0", "\ufffd")),
            )
            for one in history
            for of in [one["metadata"]]
        ]
        assert ask(
            "SELECT o.object_id FROM objects o JOIN log l USING (issue_number, digest) WHERE l.digest <> ''"
        ).fetchall()
        assert ask("SELECT count(*) FROM refused").fetchone() == (3,)
        assert ask("SELECT value FROM fields WHERE object_id = 'metrics' AND field = 'moved'").fetchone() == (1,)
        assert ask("SELECT applied FROM authors WHERE author = 'eve'").fetchone() == (0,)
        assert ask("SELECT object_id FROM live ORDER BY 1").fetchall() == [("=1+1",), ("metrics",)]
        search = (
            "SELECT object_id FROM objects WHERE rowid IN (SELECT rowid FROM objects_fts WHERE objects_fts MATCH ?)"
        )
        assert ask(search, ["hand"]).fetchall() == [("metrics",)]


def test_jsonl__has_the_same_rows(told: Shell) -> None:
    folder = exported(told, "jsonl")

    objects, log = list(lines(folder / "objects.jsonl")), list(lines(folder / "log.jsonl"))
    for each in told.run("list").json:
        (same,) = (one for one in objects if one["object_id"] == each["object_id"])
        assert same == {**{k: v for k, v in each.items() if k != "pending"}, "deleted": False}
    by_comment = {one["comment_id"]: one for one in log}
    for entry in told.run("history", "metrics").json:
        same = by_comment.pop(entry["comment_id"])
        assert (same["patch"], same["revision"]) == (entry["data"], entry["metadata"]["revision"])
        issue = entry["metadata"]["issue_number"]
        assert same["comment_url"].endswith(f"/octo/store/issues/{issue}#issuecomment-{entry['comment_id']}")
    assert {one["object_id"] for one in by_comment.values()} == {"gone", "=1+1"}


def test_page__names_every_column() -> None:
    tables = PAGE.split("## The tables")[1].split("\n## ")[0]
    named = re.findall(
        r"`(\w+)`", " ".join(line.split("|")[1] for line in tables.splitlines() if line.startswith("| `"))
    )

    assert [*re.findall(r"`(\w+)`", tables.split("; and")[0].split("): ")[1]), *named[:2]] == list(OBJECT)
    assert named[2:] == list(LOG)


def test_csv__holds_no_formula_and_can_be_read_back(told: Shell) -> None:
    folder = exported(told, "csv")

    for name in ("objects.csv", "log.csv"):
        with (folder / name).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        risky = [value for row in rows for value in row.values() if value.startswith(tuple("=+-@\t\r"))]
        assert rows and risky == []
        assert "'=1+1" in {row["object_id"] for row in rows}
    (one,) = (row for row in rows if row["update_id"].startswith("'"))
    assert one["update_id"] == "'=x\ufffd"
    assert json.loads(one["patch"]) == {"tags": None, "new": True}


def test_export__again_gives_the_same_and_replaces_what_was_there(told: Shell) -> None:
    first = exported(told, "jsonl")
    before = {file.name: file.read_bytes() for file in first.iterdir()}
    (first / "log.jsonl").write_text("old", "utf-8")

    assert {file.name: file.read_bytes() for file in exported(told, "jsonl").iterdir()} == before


def test_export__a_broken_object_is_left_out_and_told(told: Shell, repository: Repository) -> None:
    repository.edit_issue(3, "ada", body="oops {")

    done = told.run("export")

    assert (done.code, done.json["object_count"]) == (0, 2)
    assert "Skipped issue #3: its body cannot be read as an object" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "csv", "--output", "store.csv"], "does not match the format csv, which writes a folder"),
        (["--output", "store.jsonl"], "does not match the format sqlite, which writes a file that ends with .db"),
        (["--format", "parquet"], "'parquet' is not one of"),
    ],
)
def test_export__a_path_or_format_that_cannot_be_is_refused_before_a_request(
    github: GitHub, shell: Shell, arguments: list[str], said: str
) -> None:
    before = github.count()

    done = shell.run("export", *arguments)

    assert (done.code, github.count()) == (2, before)
    assert said in done.err


def test_export__what_cannot_be_written_is_one_line_and_leaves_nothing(told: Shell) -> None:
    (told.folder / "taken").mkdir()
    (told.folder / "file").touch()
    before = sorted(told.folder.rglob("*"))

    done = told.run("export", "--output", "taken")
    below = told.run("export", "--output", "file/store.db")

    assert (done.code, below.code) == (1, 1)
    assert "cannot be written: Is a directory. Choose another path." in done.err
    assert "file' is not a folder. Choose another path." in below.err
    assert sorted(told.folder.rglob("*")) == before


@pytest.mark.parametrize("there", [{}, {"log.csv": "old", "objects.csv": "older"}, {"objects.csv": "older"}])
@pytest.mark.parametrize("stuck", ["log.csv", "objects.csv"])
def test_export__of_two_files_of_which_one_cannot_be_replaced_leaves_both(
    told: Shell, there: dict[str, str], stuck: str
) -> None:
    folder = told.folder / "store-csv"
    folder.mkdir()
    for name, text in there.items():
        (folder / name).write_text(text, "utf-8")
    (folder / stuck).unlink(missing_ok=True)
    (folder / stuck).mkdir()

    done = told.run("export", "--format", "csv")

    assert (done.code, "cannot be written: Is a directory" in done.err) == (1, True), done.err
    left = {file.name: file.read_text("utf-8") for file in folder.iterdir() if file.is_file()}
    assert left == {name: text for name, text in there.items() if name != stuck}
    assert sorted(folder.iterdir()) == sorted(folder / name for name in {*left, stuck})


# Costs


def export(w: World, folder: Path) -> list[str]:
    """The requests of one export."""
    token, before = w.token(), w.requests()
    with store_of(w, token) as store:
        store.export(folder / "out", format="jsonl")
    return [request.operation for request in list(w.hub.requests)[before:]]


@pytest.mark.parametrize(("comments", "requests"), [(1, 1), (99, 1), (100, 2), (250, 3)])
def test_export__is_a_request_for_each_hundred_comments_and_the_lists(
    w: World, tmp_path: Path, comments: int, requests: int
) -> None:
    """Beside the comments the log has its initial state; the lists are those of the live and of the deleted objects.

    Of long issues a list tells too little, so they are looked at once more, a hundred a request.
    """
    w.object("a", comments=comments)
    w.object("b")

    made = export(w, tmp_path)
    assert (made.count("List"), made.count("Read")) == (2, requests + 1)
    assert made.count("More") == len(made) - 3 - requests <= 1


def test_export__an_object_that_goes_while_it_is_read_is_left_out(w: World) -> None:
    w.object("a")
    number = w.object("b")
    warned: list[str] = []
    with store_of(w) as store:
        exporting = Exporter(Reader(Lookup(store.session)), warn=warned.append).everything()
        first = next(exporting)
        w.repo.edit_issue(number, "alice", labels=[])

        assert [first.object.meta.object_id, *(one.object.meta.object_id for one in exporting)] == ["a"]
    assert warned == [f"Skipped issue #{number}: it does not carry the label 'stored-object'."]


def test_export__to_standard_output_is_the_file_and_nothing_else(shell: Shell) -> None:
    piped = shell.run("export", "--format", "events", "--output", "-")
    shell.run("export", "--format", "events", "--output", "there.jsonl")

    assert (piped.code, piped.out) == (0, (shell.folder / "there.jsonl").read_text("utf-8"))
    assert not (shell.folder / "-").exists()
    refused = shell.run("export", "--format", "csv", "--output", "-")
    assert (refused.code, "Standard output is not a folder, but csv writes one." in refused.err) == (2, True)


def test_export__what_goes_while_it_is_read__is_left_out_and_told(
    github: GitHub, told: Shell, repository: Repository
) -> None:
    def delete(request: Request) -> None:
        if request.operation == "List":
            github.after_request.remove(delete)
            repository.delete_issue(3, "ada")

    repository.grant("ada", "admin")
    github.after_request.append(delete)
    done = told.run("export", "--format", "events")
    assert (done.code, done.json["object_count"]) == (0, 2)
    assert "Skipped issue #3" in done.err


def test_export__the_issue_that_an_object_has_left_is_deleted__its_log_begins_with_the_next(
    told: Shell, repository: Repository
) -> None:
    repository.grant("ada", "admin")
    repository.delete_issue(1, "ada")
    done = told.run("export", "--format", "events")
    assert (done.code, done.json["object_count"]) == (0, 3)
    assert "Issue #1, which #4 continues, no longer exists, nor does its log." in done.err
    (last,) = [row["change"] for row in lines(Path(done.json["path"])) if row["issue_number"] == 4][-1:]
    assert last == [{"op": "add", "path": "/moved", "value": 1}]
    history = told.run("history", "metrics")
    assert (history.code, len(history.json)) == (0, 2)
