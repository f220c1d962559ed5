"""The two tables that every format has: objects and log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from gh_store_action.domain.snapshots.snapshot import META, compact
from gh_store_action.domain.strict_json import Json
from gh_store_action.export.reading import Exported

OBJECT = (*META, "deleted", "data")
LOG = (
    "object_id",
    "issue_number",
    "comment_id",
    "comment_url",
    "type",
    "revision",
    "time",
    "author",
    "mode",
    "patch",
    "verdict",
    "reason",
    "update_id",
    "edited",
    "digest",
)
"""The columns, as docs/export.md explains them."""

DOCUMENTS = frozenset({"data", "patch", "change"})  # columns that hold JSON
Row = Mapping[str, Any]
_LONE = re.compile("[\ud800-\udfff]")
_FORMULA = re.compile("['=+\\-@\t\r\n＝＋－＠]")


def object_row(one: Exported) -> Row:
    """The object as it is, or as it was when it was deleted."""
    return {**asdict(one.object.meta), "deleted": one.deleted, "data": one.object.data}


def log_rows(one: Exported) -> Iterator[dict[str, Any]]:
    """The object's log: the number is that of its current issue; the link leads to the comment."""
    meta = one.object.meta
    place = meta.issue_url.rpartition("/")[0]
    for event in one.events:
        of_event = {name: getattr(event, name) for name in LOG if hasattr(event, name)}
        yield {
            **of_event,
            "object_id": meta.object_id,
            "issue_number": meta.issue_number,
            "comment_url": f"{place}/{event.issue_number}#issuecomment-{event.comment_id}",
        }


def replayable(one: Exported) -> Iterator[Row]:
    """The log with `change`, the JSON Patch from the last known state to the one with the row's digest.

    If the body is not what the log gives, as after an unprocessed hand edit, a row of the type `body` comes last, so
    that a replay always ends at the object.
    """
    from gh_store_action.domain.patches.json_patch import diff  # imports libraries that nothing else here needs

    state: Json = None
    for event, row in zip(one.events, log_rows(one), strict=True):
        yield {**row, "change": diff(state, event.state) if event.digest else None}
        state = event.state if event.digest else state
    meta, data = one.object.meta, one.object.data
    if diff(state, data):
        body = {
            "object_id": meta.object_id,
            "issue_number": meta.issue_number,
            "comment_url": meta.issue_url,
            "type": "body",
            "time": meta.updated_at,
            "author": meta.updated_by,
            "digest": meta.digest,
            "change": diff(state, data),
        }
        yield {**dict.fromkeys(LOG), **body}


def json_line(row: Row, columns: Iterable[str]) -> str:
    """A line of JSON Lines."""
    return whole(compact({name: row[name] for name in columns})) + "\n"


def stored(row: Row, columns: Iterable[str]) -> Iterator[Any]:
    """The values for a database: JSON as text, and text that any program accepts."""
    for name in columns:
        value = compact(row[name]) if name in DOCUMENTS else row[name]
        yield whole(value).replace("\0", "\ufffd") if isinstance(value, str) else value


def cells(row: Row, columns: Iterable[str]) -> Iterator[Any]:
    """The same for a spreadsheet: an apostrophe comes before anything that looks like a formula or an apostrophe."""
    for value in stored(row, columns):
        yield f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def whole(text: str) -> str:
    """The text without unpaired surrogates, which UTF-8 cannot encode."""
    return _LONE.sub("\ufffd", text)
