"""The store as a SQLite database for Datasette: keys, full-text search, views."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from gh_store_action.export.reading import Exported
from gh_store_action.export.rows import LOG, OBJECT, log_rows, object_row, stored

SCHEMA = """
CREATE TABLE objects (
  object_id TEXT NOT NULL,
  label TEXT NOT NULL,
  issue_number INTEGER PRIMARY KEY,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  version INTEGER NOT NULL,
  digest TEXT NOT NULL,
  created_by TEXT NOT NULL,
  updated_by TEXT NOT NULL,
  issue_url TEXT NOT NULL,
  deleted INTEGER NOT NULL,
  data TEXT NOT NULL
);
CREATE TABLE log (
  id INTEGER PRIMARY KEY,
  object_id TEXT NOT NULL,
  issue_number INTEGER NOT NULL REFERENCES objects (issue_number),
  comment_id INTEGER NOT NULL,
  comment_url TEXT NOT NULL,
  type TEXT NOT NULL,
  revision INTEGER,
  time TEXT NOT NULL,
  author TEXT NOT NULL,
  mode TEXT NOT NULL,
  patch TEXT NOT NULL,
  verdict TEXT NOT NULL,
  reason TEXT NOT NULL,
  update_id TEXT NOT NULL,
  edited TEXT NOT NULL,
  digest TEXT NOT NULL
);
"""

INDEXES = """
CREATE INDEX objects_by_id ON objects (object_id);
CREATE INDEX log_by_issue ON log (issue_number);
CREATE INDEX log_by_author ON log (author);
CREATE INDEX log_by_time ON log (time);
CREATE VIRTUAL TABLE objects_fts USING fts5 (object_id, data, content="objects", content_rowid='issue_number');
INSERT INTO objects_fts (objects_fts) VALUES ('rebuild');
CREATE VIRTUAL TABLE log_fts USING fts5 (object_id, author, patch, reason, content="log", content_rowid='id');
INSERT INTO log_fts (log_fts) VALUES ('rebuild');
CREATE VIEW live AS SELECT object_id, version, updated_at, data, issue_url FROM objects WHERE NOT deleted;
CREATE VIEW fields AS
  SELECT object_id, field.key AS field, field.type AS type, field.value AS value
  FROM objects, json_each(objects.data) AS field WHERE NOT deleted;
CREATE VIEW refused AS
  SELECT object_id, time, author, verdict, reason, patch, comment_url
  FROM log WHERE verdict IN ('rejected', 'unauthorized');
CREATE VIEW authors AS
  SELECT author, count(*) AS entries, sum(verdict = 'applied') AS applied, min(time) AS first, max(time) AS last
  FROM log GROUP BY author;
"""


def write(file: Path, store: Iterable[Exported]) -> int:
    """Writes the database to a new file; returns the number of objects."""
    count = 0
    with closing(sqlite3.connect(file)) as database, database:
        database.executescript(SCHEMA)
        for one in store:
            count += 1
            database.execute(_insert("objects", OBJECT), tuple(stored(object_row(one), OBJECT)))
            database.executemany(_insert("log", LOG), (tuple(stored(row, LOG)) for row in log_rows(one)))
        database.executescript(INDEXES)
    return count


def _insert(table: str, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
