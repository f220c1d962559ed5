"""Whether a file that stands where a snapshot goes is a user's, which no snapshot replaces."""

from __future__ import annotations

from gh_store_action.domain import strict_json
from gh_store_action.domain.snapshots.contents import Content, lines, whole
from gh_store_action.domain.snapshots.files import TIME, is_record
from gh_store_action.domain.strict_json import DEPTH_LIMIT, Json

_ENDS = (".json", ".jsonl", ".ndjson")
_BEGINS = (b"{", b"[", b"/")  # of JSON, and of what others allow before it: a comment


def is_theirs(name: str, data: Content) -> bool:
    """Whether the file cannot be a snapshot in one file, not even a broken one.

    A snapshot may have lost its end, or hold the marks of a merge.  So text that is no JSON is taken for what is left
    of one, in a file whose name says that JSON is in it.  Other JSON is somebody's, unless it is empty.
    """
    if any(TIME in line or is_record(line) for line in lines(data)):
        return False
    text = whole(data).strip()
    if not text:
        return False
    for part in (text, text.partition(b"\n")[0]):  # one value, or one in each line
        try:
            value = strict_json.parse(part.decode(), depth=DEPTH_LIMIT)
        except ValueError:
            continue
        return not _may_be_ours(value)
    return text.startswith(_BEGINS) or not name.lower().endswith(_ENDS)


def _may_be_ours(value: Json) -> bool:
    """Whether it holds nothing, or no more than a snapshot of one that holds nothing."""
    if not value or not isinstance(value, dict):
        return not value
    return "objects" in value or (value.keys() <= {"left_out", "rules"} and not isinstance(value.get("rules"), dict))
