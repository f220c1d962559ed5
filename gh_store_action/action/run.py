"""What every mode works with: the run's settings, session, report and workspace, and a progress log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gh_store_action.action.report import Report
from gh_store_action.action.settings import Settings
from gh_store_action.store.session import Session
from gh_store_action.workspace.files import Workspace

DONE = 0
FAILED = 1


@dataclass(frozen=True)
class Run:
    """What a mode works with."""

    settings: Settings
    session: Session
    report: Report
    workspace: Workspace

    @property
    def would(self) -> str:
        """How a dry run's sentences begin."""
        return "Dry run, nothing was written: " if self.settings.dry_run else ""


def progress(report: Report, what: str) -> Callable[[int, int], None]:
    """Logs a line for every tenth of the work; work that starts again is logged again."""
    said = [0]

    def say(done: int, total: int) -> None:
        tenth = done * 10 // total if total else 0
        if tenth < said[0]:
            said[0] = 0
        if tenth > said[0]:
            said[0] = tenth
            report.info(f"{done} of {total} {what}")

    return say
