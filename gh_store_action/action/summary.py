"""The job summary: our own Markdown, in which all text that others wrote is made safe."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from gh_store_action.domain.markdown import code_block, code_span, link, markdown_text
from gh_store_action.domain.patches.changes import Change
from gh_store_action.domain.records import Refusal
from gh_store_action.domain.strict_json import Json
from gh_store_action.domain.verdicts import Outcome
from gh_store_action.errors import Reason

if TYPE_CHECKING:
    from gh_store_action.domain.past.history import HistoryEntry

SUMMARY_LIMIT = 1_000_000  # bytes; GitHub drops a summary above 1 MiB: runner, CreateStepSummaryCommand
MESSAGES_SHOWN = 50
LINES_SHOWN = 100  # of an object's data
NOTHING = "_none_"  # no value, before or after
WORDS = {outcome.key: outcome.words for outcome in Outcome}


class Link(NamedTuple):
    """Untrusted text with a link; none if the address is empty."""

    text: str
    url: str


@dataclass(frozen=True)
class SummaryRow:
    """One object of a run.

    Args:
        issue_url: of the issue; empty for no link.
        revision: after the run, or None.
        applied: updates that the run folded; None if it does not fold.
        refused: updates that it refused, for any reason; None if it does not fold.
        what: what happened, in a few words of plain text.
    """

    object_id: str
    issue_number: int | None = None
    issue_url: str = ""
    revision: int | None = None
    applied: int | None = None
    refused: int | None = None
    what: str = ""


@dataclass(frozen=True)
class RefusalRow:
    """One reason why an update was refused.

    Args:
        comment_url: of the comment; empty for no link.
        path: into the data, as a JSON path.
    """

    object_id: str
    author: str
    reason: str
    path: str = ""
    comment_id: int | None = None
    comment_url: str = ""


def refusal_rows(object_id: str, refusal: Refusal, comment_url: str = "") -> list[RefusalRow]:
    """A row for each reason of a refusal."""
    none = "This person may not change this object." if refusal.unauthorized else "No reason is recorded."
    return [
        RefusalRow(object_id, refusal.author, reason, path, refusal.comment_id, comment_url)
        for path, reason in refusal.reasons or (Reason("", none),)
    ]


@dataclass
class Summary:
    """What a run reports, in the order of the page.

    Args:
        result: the line below the title.
        messages: (kind, text) of each annotation.
        changes: (object id, address of the issue, change) of each applied update.
        entries: (entry, address of the comment) of an object's history.
        details: blocks of our own Markdown.
        cost: requests, points, and what is left of the hourly budget, None if unknown; None for no table.
    """

    result: tuple[str | Link, ...] = ()
    messages: list[tuple[str, str]] = field(default_factory=list)
    rows: list[SummaryRow] = field(default_factory=list)
    changes: list[tuple[str, str, Change]] = field(default_factory=list)
    refusals: list[RefusalRow] = field(default_factory=list)
    entries: list[tuple[HistoryEntry, str]] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    cost: tuple[int, int, int | None] | None = None

    def markdown(self, title: str, redact: Callable[[str], str], limit: int) -> str:
        """The page in at most `limit` bytes of UTF-8.  It counts rows that do not fit.  Empty if nothing fits.

        Args:
            redact: removes secrets from a text; also called before escaping, which would hide a secret's `_`.
        """
        cells = _Cells(redact)
        head = [f"## gh-store: {cells.text(title)}"]
        head += [f"**{''.join(map(cells.part, self.result))}**"] if self.result else []
        head += [self._message_list(cells)] if self.messages else []
        cost = [_cost(*self.cost)] if self.cost else []
        foot = [*self.details, *cost]
        left = limit - _size(redact("\n\n".join([*head, *foot]))) - 1_000  # for what surrounds the rows
        if left < 0:
            foot = ["_The rest is too long for a summary._", *cost]
            left = limit - _size("\n\n".join([*head, *foot])) - 1_000
        tables = list(filter(None, (*self._tables(cells),)))
        shown: list[str] = []
        for number, table in enumerate(tables):
            text = table.markdown(left // (len(tables) - number))
            left -= _size(text)
            shown += [*([f"### {table.title}"] if table.title else []), text]
        text = redact("\n\n".join([*head, *shown, *foot]) + "\n")
        return text if _size(text) <= limit else ""

    def _message_list(self, cells: _Cells) -> str:
        lines = [f"- **{kind.capitalize()}:** {cells.text(text)}" for kind, text in self.messages[:MESSAGES_SHOWN]]
        more = len(self.messages) - len(lines)
        return "\n".join([*lines, *([f"- and {more:,} more, see the log"] if more else [])])

    def _tables(self, cells: _Cells) -> Iterator[_Table]:
        counts = ("Applied", "Refused") if any(row.applied is not None for row in self.rows) else ()
        yield _Table(
            "",
            ("Object", "Issue", "Revision", *counts, "What"),
            [cells.object(row, counted=bool(counts)) for row in self.rows],
            {"Revision", *counts},
        )
        yield _Table(
            "Changes",
            ("Object", "Comment", "Author", "Path", "Before", "After"),
            [row for change in self.changes for row in cells.change(*change)],
        )
        yield _Table(
            "Refused updates",
            ("Object", "Comment", "Author", "Path", "Reason"),
            [cells.refused(row) for row in self.refusals],
        )
        yield _Table(
            "History",
            ("Revision", "Comment", "Time (UTC)", "Author", "What", "Data"),
            [cells.entry(*entry) for entry in self.entries],
            {"Revision"},
        )


@dataclass(frozen=True)
class _Cells:
    """Untrusted values as cells of a table."""

    redact: Callable[[str], str]

    def text(self, text: str, limit: int = 500) -> str:
        return markdown_text(self.redact(text), limit)

    def code(self, text: str | None, limit: int = 200) -> str:
        return code_span(self.redact(text), limit) if text else ""

    def part(self, part: str | Link) -> str:
        if isinstance(part, Link):
            return link(self.text(part.text), self.redact(part.url))
        before, behind = (" " if blank else "" for blank in (part.startswith(" "), part.endswith(" ")))
        return f"{before}{self.text(part)}{behind}"

    def numbered(self, number: int | None, url: str, sign: str = "") -> str:
        return "" if number is None else link(f"{sign}{number}", self.redact(url))

    def object(self, row: SummaryRow, *, counted: bool) -> tuple[str, ...]:
        numbers = (row.revision, row.applied, row.refused) if counted else (row.revision,)
        shown = ("" if number is None else f"{number}" for number in numbers)
        return (
            self.code(row.object_id),
            self.numbered(row.issue_number, row.issue_url, "#"),
            *shown,
            self.text(row.what),
        )

    def refused(self, row: RefusalRow) -> tuple[str, ...]:
        comment = self.numbered(row.comment_id, row.comment_url)
        return self.code(row.object_id), comment, self.code(row.author), self.code(row.path), self.text(row.reason)

    def change(self, object_id: str, issue_url: str, change: Change) -> Iterator[tuple[str, ...]]:
        """A row for each path; what the row above says is not repeated."""
        comment = self.numbered(change.comment_id, f"{issue_url}#issuecomment-{change.comment_id}")
        paths = [
            (self.code(one.path), self.code(one.before) or NOTHING, self.code(one.after) or NOTHING)
            for one in change.paths
        ]
        more = [(f"and {change.more:,} more", "", "")] if change.more else []
        said = (self.code(object_id), comment, self.code(change.author))
        for path in paths + more or [("no value", "", "")]:
            yield (*said, *path)
            said = ("", "", "")

    def entry(self, entry: HistoryEntry, comment_url: str) -> tuple[str, ...]:
        of = entry["metadata"]
        kind = WORDS.get(of["verdict"], of["verdict"]) if entry["type"] == "update" else entry["type"].replace("_", " ")
        what = f"{kind}: {of['reason']}" if of["reason"] else kind
        revision = "" if of["revision"] is None else f"{of['revision']}"
        comment = self.numbered(entry["comment_id"], comment_url)
        data = self.code(_json(entry["data"]))
        time = entry["timestamp"].replace("T", "&nbsp;").replace("-", "&#8209;").removesuffix("Z")  # on one line
        return revision, comment, time, self.code(of["author"]), self.text(what), data


@dataclass(frozen=True)
class _Table:
    """A Markdown table; false without rows.

    Args:
        numbers: right-aligned columns.
    """

    title: str
    head: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    numbers: Collection[str] = ()

    def __bool__(self) -> bool:
        return bool(self.rows)

    def markdown(self, limit: int) -> str:
        """As many rows as fit into `limit` bytes, and the number of those that do not."""
        lines = [_line(self.head), _line(["--:" if name in self.numbers else "---" for name in self.head])]
        left = limit - sum(map(_size, lines))
        for number, row in enumerate(self.rows):
            line = _line(row)
            left -= _size(line)
            if left < 0:
                more = len(self.rows) - number
                return "".join([*lines, f"\nand {more:,} more row{'' if more == 1 else 's'}"])
            lines.append(line)
        return "".join(lines).rstrip("\n")


def data_block(data: Json) -> str:
    """An object's data as a code block, cut if it is long."""
    lines = json.dumps(data, indent=2, ensure_ascii=False).split("\n")
    more = len(lines) - LINES_SHOWN
    cut = f"\n\n_and {more:,} more lines; the output `object` has all of them_" if more > 0 else ""
    return code_block("\n".join(lines[:LINES_SHOWN]), "json") + cut


def _cost(requests: int, points: int, left: int | None) -> str:
    """What a run cost, as a table of one row."""
    row = [f"{requests:,}", f"{points:,}", "" if left is None else f"{left:,}"]
    numbers = ("Requests", "GraphQL points", "Left of the hourly budget")
    return _Table("", numbers, [row], numbers).markdown(1_000)


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _size(text: str) -> int:
    return len(text.encode())


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"
