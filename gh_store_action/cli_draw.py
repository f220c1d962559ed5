"""What a result looks like on a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from rich import box
from rich.console import Console, RenderableType
from rich.highlighter import JSONHighlighter
from rich.table import Table
from rich.text import Text

from gh_store_action.domain.markdown import shorten, visible

FOLDING = frozenset({"Object", "Data", "What", "Found", "Path", "Value"})  # columns that may take more than one line

Cell = str | tuple[str, str]  # text, or text and style


def cell(value: Cell) -> Text:
    """Untrusted text for a terminal: what can not be seen is written out, line breaks of our own stay."""
    text, style = value if isinstance(value, tuple) else (value, "")
    return Text("\n".join(visible(line) for line in text.split("\n")), style=style)


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]], *, numbers: Sequence[str] = ()) -> RenderableType:
    """A table without frames; columns in `numbers` stand right."""
    drawn = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
    for name in head:
        justify: Literal["left", "right"] = "right" if name in numbers else "left"
        drawn.add_column(name, justify=justify, overflow="fold", no_wrap=name not in FOLDING)
    for row in rows:
        drawn.add_row(*(cell(one) for one in row))
    return drawn


def compact(value: Any, limit: int = 60) -> str:
    """JSON on one line, shortened."""
    return shorten(json.dumps(value, ensure_ascii=False), limit)


def document(console: Console, value: Any) -> None:
    """JSON in colour."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    console.print(JSONHighlighter()("\n".join(visible(line) for line in text.split("\n"))), soft_wrap=True)


def stored(console: Console, shape: dict[str, Any]) -> None:
    """One object: a line about it, and its data."""
    head = Text.assemble(
        (visible(shape["object_id"]), "bold"),
        (f"  revision {shape['version']}", "cyan"),
        (f"  #{shape['issue_number']}", "dim"),
        (f"  updated {shape['updated_at']}", "dim"),
    )
    if shape.get("pending"):
        head.append(f"  {shape['pending']} pending", "yellow")
    console.print(head)
    document(console, shape["data"])
