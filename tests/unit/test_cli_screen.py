"""What the command's screen does with results, lines and progress."""

from __future__ import annotations

import io
import threading

import pytest
from rich.console import Console

from gh_store_action.cli.drawing import cell, compact, document, table
from gh_store_action.cli.screen import PATIENCE, Screen


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Ticks:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def terminal_of(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """In the test and not in a fixture: pytest sets its own streams in between."""
    stream = Terminal()
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    return stream


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_progress__appears_after_a_second_of_work_and_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    clock = Ticks()
    screen = Screen(clock)
    step = screen.progress("issues read")

    step(1, 3)
    assert terminal.getvalue() == ""
    clock.now = PATIENCE
    step(2, 3)
    screen.line("a line above it")
    step(3, 3)
    screen.clear()

    assert "issues read" in terminal.getvalue()
    assert "a line above it\n" in terminal.getvalue()


def test_wait__shows_that_work_goes_on_until_there_is_something_to_count(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    monkeypatch.setattr("gh_store_action.cli.screen.PATIENCE", 0.01)
    screen = Screen()

    screen.wait()
    timers_end()
    assert "waiting for GitHub" in terminal.getvalue()
    screen.progress("issues read")(1, 3)
    assert "issues read" in terminal.getvalue() and "/3" in terminal.getvalue()
    screen.clear()
    seen = terminal.getvalue()
    screen._still_waiting()  # a timer that fired as the result was there

    assert terminal.getvalue() == seen


def timers_end() -> None:
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join()


def test_wait__is_silent_for_a_second_and_where_nobody_looks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Screen().wait()
    terminal = terminal_of(monkeypatch)
    screen = Screen()
    screen.wait()
    screen.clear()

    timers_end()
    assert (capsys.readouterr(), terminal.getvalue()) == (("", ""), "")


def test_progress__is_silent_where_standard_error_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Ticks()
    step = Screen(clock).progress("issues read")
    clock.now = 100.0

    step(1, 2)

    assert capsys.readouterr() == ("", "")


def test_progress__is_silent_where_standard_error_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Ticks()
    step = Screen(clock).progress("issues read")
    clock.now = 100.0
    monkeypatch.setattr("sys.stderr", None)

    step(1, 2)


def test_show__takes_the_progress_bar_away_first(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    clock = Ticks()
    screen = Screen(clock)
    clock.now = PATIENCE
    screen.progress("issues read")(1, 2)

    screen.show([1], lambda console: console.print("drawn"))

    assert terminal.getvalue().endswith("drawn\n")


@pytest.mark.parametrize(("encoding", "text"), [("utf-8", '"é"\n'), ("ascii", '"\\u00e9"\n')])
def test_show__json_fits_the_encoding_of_standard_output(
    monkeypatch: pytest.MonkeyPatch, encoding: str, text: str
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr("sys.stdout", stream)

    Screen().show("é", lambda console: None)

    stream.seek(0)
    assert stream.read() == text


def test_line__what_can_not_be_seen_is_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    Screen().line("title \x1b[31m\n")
    Screen().error("two\nlines")

    assert capsys.readouterr().err == "title \\x1b[31m\nError: two\\nlines\n"


def test_table__does_not_obey_what_stands_in_it() -> None:
    console = Console(file=io.StringIO(), width=60, force_terminal=True, color_system=None)

    console.print(table(("Id", "n"), [(("[bold]x[/]\x1b[2J", "bold"), "12")], numbers=("n",)))

    assert "[bold]x[/]\\x1b[2J" in shown(console)


ENTRIES = (
    (("7", "bold"), "2026-01-31T12:00:00Z", "ada-lovelace", "initial state", '{"a": "' + "x" * 45 + '"}'),
    (("8", "bold"), "2026-01-31T12:00:09Z", "", "rejected", '{"b": 1}\n$.b: it must be text, and this reason is long'),
)
NAMES = ("Revision", "Time", "Author", "Verdict", "Data")


@pytest.mark.parametrize("width", [120, 86, 80, 60, 40, 30, 12])
def test_table__loses_nothing_at_any_width(width: int) -> None:
    console = Console(file=io.StringIO(), width=width)

    console.print(table(NAMES, ENTRIES, numbers=("Revision",)))

    drawn = shown(console)
    assert max(map(len, drawn.splitlines())) <= width
    together = "".join(drawn.split())
    for cells in ENTRIES:
        for text in (cells[0][0], *cells[1:4]):
            assert "".join(text.split()) in together
    assert drawn.count("x") >= 45 and "…" not in drawn
    assert "Time: 2026-01-31T12:00:00Z" in drawn or width in (120, 86, 12)  # a table, or folded


def test_table__columns_that_hold_data_keep_a_width_to_read_at() -> None:
    console = Console(file=io.StringIO(), width=90)

    console.print(table(NAMES, ENTRIES, numbers=("Revision",)))

    assert "x" * 24 in shown(console)
    assert "Data:" not in shown(console)


def test_table__a_block_names_its_cells_and_leaves_empty_ones_out() -> None:
    console = Console(file=io.StringIO(), width=20)

    console.print(table(("", "Path", "Value"), [("add", "/a/long/path", "1"), ("remove", "/b", "")]))

    assert shown(console) == "add\nPath: /a/long/path\nValue: 1\n\nremove\nPath: /b\n"


def test_cell__line_breaks_of_our_own_stay() -> None:
    assert cell("a\n→ b").plain == "a\n→ b"


def test_compact__shortens() -> None:
    assert compact({"a": 1}) == '{"a": 1}'
    assert len(compact("x" * 100)) == 60


def test_document__is_the_json_with_control_characters_written_out() -> None:
    console = Console(file=io.StringIO(), width=20)

    document(console, {"long": "x" * 40, "csi": "\x9b2J"})

    assert shown(console) == '{\n  "long": "' + "x" * 40 + '",\n  "csi": "\\x9b2J"\n}\n'
