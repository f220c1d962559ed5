"""A command's output: results on standard output, as JSON or for a terminal; everything else on standard error."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gh_store_action.domain.markdown import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

_WRITERS = frozenset({("click", "utils.py"), ("rich", "console.py")})
CHUNK = 1 << 20  # bytes
PATIENCE = 1.0  # seconds of work before a progress bar is worth a line


class Screen:
    """Standard output and standard error of one invocation.

    Args:
        now: seconds, to decide when a progress bar appears.
        environ: the process's environment; NO_COLOR (https://no-color.org) and the terminal `dumb` turn off colors.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic, environ: Mapping[str, str] = os.environ) -> None:
        self._now = now
        self._plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
        self._started = now()
        self._progress: Progress | None = None
        self._counting: Progress | None = None
        self._lock = threading.RLock()
        self._timer: threading.Timer | None = None

    def show(self, value: Any, draw: Callable[[Console], None]) -> None:
        """Prints a result: JSON or, on a terminal, what `draw` makes of it."""
        self.clear()
        if not sys.stdout.isatty():
            click.echo(_json(value, sys.stdout.encoding))
            return
        from rich.console import Console

        draw(Console(highlight=False, markup=False, emoji=False))

    def lines(self, texts: Iterable[str]) -> None:
        """Prints a result of text lines."""
        self.clear()
        for text in texts:
            click.echo(visible(text) if sys.stdout.isatty() else text)

    def copy(self, file: Path) -> None:
        """Prints a file, byte for byte."""
        self.clear()
        with file.open("rb") as source:
            while part := source.read(CHUNK):
                click.echo(part, nl=False)

    def line(self, text: str) -> None:
        """Prints a line on standard error, above the progress bar if there is one."""
        shown = visible(text.rstrip("\n"))
        with self._lock:
            if self._progress is not None:
                self._progress.console.print(shown, highlight=False, markup=False, soft_wrap=True)
            else:
                click.echo(shown, err=True)

    def error(self, text: str) -> None:
        """Prints why the command fails, in one line."""
        self.clear()
        head = "Error: " if self._plain else click.style("Error: ", fg="red", bold=True)
        click.echo(head + visible(text), err=True)

    def wait(self) -> None:
        """Shows on a terminal, until `clear`, that work is in progress, once it takes more than a second."""
        if self._animated():
            self._timer = threading.Timer(PATIENCE, self._still_waiting)
            self._timer.daemon = True
            self._timer.start()

    def _still_waiting(self) -> None:
        with self._lock:
            if self._progress is None and self._timer is threading.current_thread():
                self._progress = _bar("waiting for GitHub", None, counts=False)

    def _animated(self) -> bool:
        return sys.stderr is not None and sys.stderr.isatty()

    def progress(self, what: str) -> Callable[[int, int], None]:
        """A function that shows on a terminal how much is done, of a total; 0 means that the total is unknown."""

        def show(done: int, total: int) -> None:
            with self._lock:
                if not self._animated() or self._now() - self._started < PATIENCE:
                    return
                if self._counting is None:
                    self.clear()
                    self._progress = self._counting = _bar(what, total or None, counts=True)
                self._counting.update(self._counting.task_ids[0], completed=done, total=total or None)

        return show

    def clear(self) -> None:
        """Removes the progress bar."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._progress is not None:
                self._progress.stop()
                self._progress = None
            self._counting = None


def _bar(what: str, total: int | None, *, counts: bool) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    count = (MofNCompleteColumn(),) if counts else ()
    columns = (TextColumn("{task.description}"), BarColumn(), *count, TimeElapsedColumn())
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    progress.add_task(what, total=total)
    progress.start()
    return progress


def _json(value: Any, encoding: str | None) -> str:
    ascii_only = "utf" not in (encoding or "").lower()
    return json.dumps(value, indent=2, ensure_ascii=ascii_only)


def output_failed(error: OSError) -> bool:
    """Whether the error means that a standard stream accepts no more: click or rich raised it while writing.

    Discards what was not written, so that the interpreter does not try again at exit.
    """
    places = {Path(frame.filename).parts[-2:] for frame in traceback.extract_tb(error.__traceback__)}
    if not places & _WRITERS:
        return False
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return True
