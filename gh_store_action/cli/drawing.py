"""What a result looks like on a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.highlighter import JSONHighlighter
from rich.table import Table as Columns
from rich.text import Text

from gh_store_action.domain.markdown import shorten, visible

FOLDING = frozenset({"Object", "Data", "What", "Found", "Path", "Value"})  # columns that may wrap
READABLE = 24  # the least width of a wrapped column, in characters
GAP = 3  # characters between two columns

Cell = str | tuple[str, str]  # text, or text and style


def cell(value: Cell) -> Text:
    """Untrusted text for a terminal: invisible characters are written out; our own line breaks stay."""
    text, style = value if isinstance(value, tuple) else (value, "")
    return Text("\n".join(visible(line) for line in text.split("\n")), style=style)


@dataclass(frozen=True)
class Table:
    """A table without borders, or a block of lines per row if the columns would be too narrow.

    Args:
        numbers: right-aligned columns.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[Text, ...], ...]
    numbers: frozenset[str]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Nothing is cut: a cell wraps only at a readable width."""
        least = [self._least(index) for index in range(len(self.head))]
        if sum(least) + GAP * (len(least) - 1) > options.max_width:
            yield self._blocks()
        else:
            yield self._columns(least)

    def _least(self, index: int) -> int:
        name = self.head[index]
        widest = max(cell_len(line) for line in (name, *self._lines(index)))
        return min(widest, READABLE) if name in FOLDING else widest

    def _lines(self, index: int) -> list[str]:
        return [line for row in self.rows for line in row[index].plain.split("\n")]

    def _columns(self, least: Sequence[int]) -> RenderableType:
        drawn = Columns(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
        for name, width in zip(self.head, least, strict=True):
            justify: Literal["left", "right"] = "right" if name in self.numbers else "left"
            drawn.add_column(name, justify=justify, overflow="fold", no_wrap=name not in FOLDING, min_width=width)
        for row in self.rows:
            drawn.add_row(*row)
        return drawn

    def _blocks(self) -> Text:
        blocks = []
        for row in self.rows:
            named = [(name, text) for name, text in zip(self.head, row, strict=True) if text.plain]
            lines = [Text.assemble((f"{name}: ", "bold"), text) if name else text for name, text in named]
            blocks.append(Text("\n").join(lines))
        return Text("\n\n", overflow="fold").join(blocks)


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]], *, numbers: Sequence[str] = ()) -> Table:
    """The table of these cells; columns in `numbers` are right-aligned."""
    return Table(tuple(head), tuple(tuple(cell(one) for one in row) for row in rows), frozenset(numbers))


def compact(value: Any, limit: int = 60) -> str:
    """JSON on one line, shortened."""
    return shorten(json.dumps(value, ensure_ascii=False), limit)


def document(console: Console, value: Any) -> None:
    """JSON with syntax colors."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    console.print(JSONHighlighter()("\n".join(visible(line) for line in text.split("\n"))), soft_wrap=True)


def stored(console: Console, shape: dict[str, Any]) -> None:
    """One object: a line about it, and its data."""
    head = Text.assemble((visible(shape["object_id"]), "bold"), (f"  revision {shape['version']}", "cyan"))
    if shape["issue_number"]:  # an object that would be created has none
        head.append(f"  #{shape['issue_number']}", "dim")
    if shape["updated_at"]:
        head.append(f"  updated {shape['updated_at']}", "dim")
    if shape.get("pending"):
        head.append(f"  {shape['pending']} pending", "yellow")
    console.print(head)
    document(console, shape["data"])


def nothing_written(console: Console, would: str) -> None:
    """Reports a dry run.

    Args:
        would: what would have happened, as a sentence.
    """
    console.print(cell((f"Dry run: nothing was written. {would}", "yellow")))
