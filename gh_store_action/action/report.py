"""Everything a run reports: log lines, annotations, outputs and the job summary.

Only this module imports actions_toolkit.  All text that others wrote passes through it, is redacted, and cannot start
a workflow command.  actions_toolkit reads the process's environment, so this module does too.
"""

from __future__ import annotations

import json
import os
import re
import sys
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from actions_toolkit import core

from gh_store_action.action.summary import SUMMARY_LIMIT, Link, RefusalRow, Summary, SummaryRow
from gh_store_action.config.store_config import LogConfig
from gh_store_action.domain.markdown import shorten, visible
from gh_store_action.domain.patches.changes import Change
from gh_store_action.errors import StoreError

if TYPE_CHECKING:
    from gh_store_action.domain.past.history import HistoryEntry

ANNOTATION_LIMIT = 10  # of each kind in a step: actions/toolkit, docs/problem-matchers.md
MESSAGE_LIMIT = 4_096  # characters: runner, ExecutionContext.cs
OUTPUT_LIMIT = 400_000  # UTF-16 units of all outputs; GitHub's bound is 1 MB a job, two bytes a unit
MATRIX_LIMIT = 256  # jobs: docs, "Workflow syntax", jobs.<job_id>.strategy.matrix

_LEGACY_COMMAND = re.compile(r"(#[^!-~]*#[^!-~]*)\[")
_NOT_PLAIN = re.compile(r"[^!-~]+")


def neutral(text: str) -> str:
    r"""Untrusted text as one log line that cannot start a workflow command.

    The runner obeys `::` at the start of a line, after any whitespace, and `##[` anywhere in a line.  Its comparison
    is culture-sensitive and ignores zero-width characters (runner, ActionCommand.cs).  Both get a backslash.
    """
    line = _LEGACY_COMMAND.sub(r"\1\\[", visible(text))
    return f"\\{line}" if _NOT_PLAIN.sub("", line).startswith("::") else line


def forms(secret: str) -> tuple[str, ...]:
    """The forms a secret can take in a text: as it is, URL-encoded, and inside base64, `Basic` headers included.

    Base64 encodes three bytes at a time, so it can hold the secret in three ways.  Each comes without the characters
    at its ends that depend on the bytes around it.
    """
    raw = secret.encode()
    found = {secret, quote(secret), quote(secret, safe=""), b64encode(raw).decode()}
    for shift in range(3):
        text = b64encode(bytes(shift) + raw).decode().rstrip("=")
        inner = text[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]
        found |= {inner, inner.translate({43: "-", 47: "_"})} if len(inner) >= 8 else set()
    return tuple(sorted(filter(None, found), key=len, reverse=True))


class Report:
    """Collects what a run reports; `finish` writes what has to wait for the end.

    Log lines and the first nine annotations of a kind go out immediately.  The tenth waits for the end.  If there were
    more, it gives their number, and they go to the log and the summary.

    Args:
        title: of the summary, such as `process #12`.

    Attributes:
        log: returns the log's configuration, known only once the store's files are read.
    """

    log: Callable[[], LogConfig]

    def __init__(self, title: str) -> None:
        self.title = title
        self._summary = Summary()
        self._sent = {"notice": 0, "warning": 0, "error": 0}
        self._held: dict[str, list[tuple[str, str]]] = {"notice": [], "warning": [], "error": []}
        self._outputs: dict[str, str] = {}
        self._secrets: tuple[str, ...] = ()
        self._summarised = False
        self.log = LogConfig

    def finish(self) -> None:
        """Write what is left: annotations, the summary, the outputs.  A second call writes nothing twice.

        Raises:
            StoreError: the outputs cannot be written.
        """
        self._send_held()
        self.write_summary()
        self._write_outputs()

    def mask(self, secret: str) -> None:
        """Keep a secret out of everything reported; call it before anything else.

        On GitHub Actions this also tells the runner, by a line that the runner does not show.  Elsewhere that line
        would show the secret, so nothing is printed.
        """
        self._secrets = tuple(sorted({*self._secrets, *forms(secret)}, key=len, reverse=True))
        if os.environ.get("GITHUB_ACTIONS") == "true" and secret:
            core.set_secret(secret)
            sys.stdout.flush()

    def redact(self, text: str) -> str:
        """The text without any masked secret."""
        for form in self._secrets:
            text = text.replace(form, "***")
        return text

    # The log

    def info(self, line: str) -> None:
        """Write a log line, if the configuration's `log.level` shows it.  The runner adds the time."""
        if self.log().shows("INFO"):
            self._line(line)

    def _line(self, line: str) -> None:
        core.info(neutral(self.redact(line)))  # noqa: TID251 - the door itself
        sys.stdout.flush()

    def debug(self, line: str) -> None:
        """Write a line that shows only if the runner or `log.level` turns on debug logging."""
        if self.log().shows("DEBUG"):
            self._line(line)
        elif os.environ.get("GITHUB_ACTIONS") == "true":
            core.debug(neutral(self.redact(line)))
            sys.stdout.flush()

    def notice(self, message: str, *, title: str = "gh-store") -> None:
        """Annotate something to know, and list it in the summary."""
        self._annotate("notice", message, title)

    def warning(self, message: str, *, title: str = "gh-store", listed: bool = True) -> None:
        """Annotate something to look at, and list it in the summary unless a table there already says it."""
        self._annotate("warning", message, title, listed=listed)

    def error(self, message: str, *, title: str = "gh-store") -> None:
        """Annotate why the run fails, and list it in the summary."""
        self._annotate("error", message, title)

    def _annotate(self, kind: str, message: str, title: str, *, listed: bool = True) -> None:
        text, head = neutral(self.redact(message)), neutral(self.redact(title))
        self._summary.messages += [(kind, message)] if listed else []
        if self._sent[kind] < ANNOTATION_LIMIT - 1:
            self._send(kind, text, head)
        else:
            self._held[kind].append((text, head))

    def _send(self, kind: str, text: str, head: str) -> None:
        self._sent[kind] += 1
        # `core.error` and the like also send empty properties, so this calls what they call.
        core.issue_command(kind, {"title": shorten(head, 250)}, shorten(text, MESSAGE_LIMIT))
        sys.stdout.flush()

    def _send_held(self) -> None:
        for kind, held in self._held.items():
            if len(held) == 1:
                self._send(kind, *held[0])
            elif held:
                for text, _ in held:
                    self._line(f"{kind}: {text}")
                self._send(kind, f"and {len(held)} more, see the summary", "gh-store")
            held.clear()

    # Outputs

    def output(self, name: str, value: object) -> None:
        """Set a step output: text as it is, true or false, nothing for None, anything else as canonical JSON.

        An output that would exceed `OUTPUT_LIMIT` is left out with a warning.
        """
        text = self.redact(_output_text(value))
        self._outputs.pop(name, None)
        if _units(text) + sum(map(_units, self._outputs.values())) > OUTPUT_LIMIT:
            self.warning(
                f"The output `{name}` is not set: with its {_units(text)} characters, the outputs would exceed "
                f"{OUTPUT_LIMIT}. Use the input `output` to write it to a file."
            )
        else:
            self._outputs[name] = text

    def changed(self, ids: Sequence[str], *, changed: bool | None = None) -> None:
        """Set `changed` and `changed-ids`.

        Args:
            ids: of the objects that changed.
            changed: whether anything changed; None means whether `ids` has any.
        """
        self.output("changed", bool(ids) if changed is None else changed)
        self.output("changed-ids", list(ids[:MATRIX_LIMIT]))
        if len(ids) > MATRIX_LIMIT:
            self.notice(
                f"The output `changed-ids` has {MATRIX_LIMIT} of {len(ids):,} ids, the most that a matrix can have. "
                "A snapshot has them all."
            )

    def _write_outputs(self) -> None:
        path = os.environ.get("GITHUB_OUTPUT", "")
        if not path and os.environ.get("GITHUB_ACTIONS") != "true":
            return  # not in a workflow: nothing reads them, and core would print them
        if not os.path.isfile(path):
            raise StoreError(
                "The outputs cannot be set: GITHUB_OUTPUT does not name a file.",
                "Run the action with `uses:`, or mount the runner's file commands into the container.",
            )
        try:
            while self._outputs:
                name = next(iter(self._outputs))
                core.set_output(name, self._outputs[name])
                del self._outputs[name]
        except OSError as problem:
            raise StoreError(
                f"The outputs cannot be set: {problem.strerror}.", "Make the file GITHUB_OUTPUT writable."
            ) from None

    # The summary

    def result(self, *parts: str | Link) -> None:
        """Set the line below the summary's title."""
        self._summary.result = parts

    def row(self, row: SummaryRow) -> None:
        """Add a row to the summary's table of objects."""
        self._summary.rows.append(row)

    def changes(self, object_id: str, issue_url: str, changes: Iterable[Change]) -> None:
        """Add what an object's applied updates changed."""
        self._summary.changes += [(object_id, issue_url, change) for change in changes]

    def refusal(self, row: RefusalRow) -> None:
        """Add a row to the summary's table of refused updates."""
        self._summary.refusals.append(row)

    def entry(self, entry: HistoryEntry, comment_url: str) -> None:
        """Add a row to the summary's table of an object's history."""
        self._summary.entries.append((entry, comment_url))

    def detail(self, markdown: str) -> None:
        """Add a block to the end of the summary: our own Markdown, with untrusted text already made safe."""
        self._summary.details.append(markdown)

    def cost(self, requests: int, remaining: int | None = None, points: int = 0) -> None:
        """Set the summary's last table: what was used, and what is left of the smaller of the two hourly budgets.

        Args:
            points: what the GraphQL requests cost by GitHub's formula.
        """
        self._summary.cost = (requests, points, remaining)

    def write_summary(self) -> None:
        """Add the summary to the file that the runner shows, once; without such a file, do nothing.

        A summary that cannot be written does not fail the run; the log says so.
        """
        path = os.environ.get("GITHUB_STEP_SUMMARY", "")
        if not path or self._summarised:
            return
        self._summarised = True
        try:
            with open(path, "a", encoding="utf-8", newline="\n") as file:
                file.write(self.summary(SUMMARY_LIMIT - file.tell()))
        except OSError as problem:
            self._line(f"The job summary cannot be written: {problem.strerror}.")

    def summary(self, limit: int = SUMMARY_LIMIT) -> str:
        """The summary's Markdown, in at most `limit` bytes of UTF-8.  It counts the rows that do not fit."""
        return self._summary.markdown(self.title, self.redact, limit)


def _output_text(value: object) -> str:
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    return "" if value is None else json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
