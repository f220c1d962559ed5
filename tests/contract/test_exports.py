"""What `gh-store export` writes, opened by the programs that it is for: Datasette and DuckDB."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.double import GitHub
from tests.support.cli import Shell
from tests.support.published import readers

pytestmark = pytest.mark.npm

FORMATS = ("sqlite", "csv", "jsonl", "events")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with an export of each format, of a store with two objects, one update and one refusal."""
    folder = tmp_path_factory.mktemp("exports")
    with GitHub() as github:
        repository = github.add_repository("octo/store")
        shell = Shell(github, repository.full_name, folder, github.token("octo"))
        shell.run("create", "metrics", '{"count": 1, "label": "grüne Äpfel"}')
        shell.run("create", "=1+1", "[1, null]")
        repository.comment(1, "octo", '{"count": 2}')
        repository.comment(1, "octo", '{"_data": {"$inc": {"label": 1}}, "_meta": {"update_mode": "operators"}}')
        shell.run("sweep")
        for kind in FORMATS:
            assert shell.run("export", "--format", kind).code == 0
        yield folder


def datasette(folder: Path, path: str) -> Any:
    """What Datasette answers to a request."""
    command = [str(readers()), "-m", "datasette", str(folder / "store.db"), "--get", path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if ".json" in path else done.stdout


def duckdb(folder: Path, *statements: str) -> list[list[Any]]:
    """The rows that DuckDB gives for the last statement."""
    script = (
        "import duckdb, json, sys\n"
        "for one in json.loads(sys.argv[1]): found = duckdb.execute(one).fetchall()\n"
        "print(json.dumps(found, default=str))\n"
    )
    command = [str(readers()), "-c", script, json.dumps(statements)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    rows: list[list[Any]] = json.loads(done.stdout)
    return rows


def test_datasette__finds_tables_keys_views_and_full_text_search(folder: Path) -> None:
    found = datasette(folder, "/store.json")

    tables = {table["name"]: table for table in found["tables"]}
    assert {name for name, table in tables.items() if not table["hidden"]} == {"objects", "log"}
    assert (tables["objects"]["fts_table"], tables["log"]["fts_table"]) == ("objects_fts", "log_fts")
    assert tables["log"]["foreign_keys"]["outgoing"] == [
        {"other_table": "objects", "column": "issue_number", "other_column": "issue_number"}
    ]
    assert {view["name"] for view in found["views"]} == {"authors", "fields", "live", "refused"}


def test_datasette__searches_the_data_and_filters_the_log(folder: Path) -> None:
    objects = datasette(folder, "/store/objects.json?_search=%C3%84pfel&_shape=objects")
    refused = datasette(folder, "/store/log.json?verdict=rejected&_shape=objects")

    assert [row["object_id"] for row in objects["rows"]] == ["metrics"]
    assert [json.loads(row["patch"]) for row in refused["rows"]] == [{"$inc": {"label": 1}}]
    assert "grüne Äpfel" in datasette(folder, "/store/objects/1")


@pytest.mark.parametrize("tables", ["read_csv('store-csv/{}.csv')", "read_json('store-jsonl/{}.jsonl')"])
def test_duckdb__reads_both_tables_and_joins_them(folder: Path, tables: str) -> None:
    objects, log = tables.format("objects"), tables.format("log")

    rows = duckdb(
        folder,
        f"SELECT l.verdict, count(*) FROM {objects} o JOIN {log} l USING (issue_number) "  # noqa: S608
        "WHERE o.object_id = 'metrics' AND NOT o.deleted GROUP BY 1 ORDER BY 1",
    )

    assert rows == [["applied", 2], ["rejected", 1]]


def test_duckdb__reads_the_events_and_writes_parquet(folder: Path) -> None:
    rows = duckdb(
        folder,
        "COPY (SELECT * FROM read_json('store-events.jsonl')) TO 'events.parquet'",
        "SELECT revision, author, verdict FROM 'events.parquet' WHERE object_id = 'metrics' ORDER BY comment_id",
    )

    assert rows == [[1, "octo", "applied"], [2, "octo", "applied"], [None, "octo", "rejected"]]


def test_duckdb__attaches_the_database(folder: Path) -> None:
    (extension,) = readers().parents[1].rglob("sqlite_scanner.duckdb_extension*")

    rows = duckdb(
        folder,
        f"LOAD '{extension}'",
        "ATTACH 'store.db' (TYPE sqlite)",
        "SELECT object_id, data->>'count' FROM store.objects ORDER BY 1",
    )

    assert rows == [["=1+1", None], ["metrics", "2"]]
