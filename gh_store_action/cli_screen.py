"""Where a command's words go: results to standard output, as JSON or drawn for a terminal; else to standard error."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from gh_store_action.domain.markdown import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

PATIENCE = 1.0  # seconds of work before a progress bar is worth a line


class Screen:
    """Standard output and standard error of one invocation.

    Args:
        now: seconds, for the moment when a progress bar appears.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._started = now()
        self._progress: Progress | None = None

    def show(self, value: Any, draw: Callable[[Console], None]) -> None:
        """A result: JSON, or on a terminal what `draw` makes of it."""
        self.clear()
        if not sys.stdout.isatty():
            click.echo(_json(value, sys.stdout.encoding))
            return
        from rich.console import Console

        draw(Console(highlight=False, markup=False, emoji=False))

    def line(self, text: str) -> None:
        """A line for the person, on standard error, above the progress bar where there is one."""
        shown = visible(text.rstrip("\n"))
        if self._progress is not None:
            self._progress.console.print(shown, highlight=False, markup=False, soft_wrap=True)
        else:
            click.echo(shown, err=True)

    def error(self, text: str) -> None:
        """Why the command fails: one line."""
        self.clear()
        click.echo(click.style("Error: ", fg="red", bold=True) + visible(text), err=True)

    def progress(self, what: str) -> Callable[[int, int], None]:
        """A function that takes how much is done and how much there is, 0 for unknown, and shows it on a terminal."""

        def show(done: int, total: int) -> None:
            if self._progress is None:
                if not sys.stderr.isatty() or self._now() - self._started < PATIENCE:
                    return
                self._progress = _bar(what, total or None)
            self._progress.update(self._progress.task_ids[0], completed=done, total=total or None)

        return show

    def clear(self) -> None:
        """Takes the progress bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def _bar(what: str, total: int | None) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    progress.add_task(what, total=total)
    progress.start()
    return progress


def _json(value: Any, encoding: str | None) -> str:
    ascii_only = "utf" not in (encoding or "").lower()
    return json.dumps(value, indent=2, ensure_ascii=ascii_only)
