"""Why data or an update was refused, as data: what a reply, a summary and the history show."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True, slots=True)
class Reason:
    """One reason.

    Args:
        path: where, as a JSON path into the object (`$.jobs[0].name`) or, for a fault of the update, into the update.
        message: what is wrong there, a plain sentence without the path.
    """

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class Refused(Exception):
    """An update that can not be applied; the state stays as it was.

    Args:
        reasons: at least one.
    """

    def __init__(self, *reasons: Reason) -> None:
        super().__init__("; ".join(map(str, reasons)))
        self.reasons = reasons
