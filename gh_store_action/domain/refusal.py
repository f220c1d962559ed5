"""Why data or an update was refused, as data for replies, summaries and the history."""

from __future__ import annotations

from gh_store_action.errors import Reason

__all__ = ["Reason", "Refused"]


class Refused(Exception):
    """An update that cannot be applied; the state does not change.

    Args:
        reasons: at least one.
    """

    def __init__(self, *reasons: Reason) -> None:
        super().__init__("; ".join(map(str, reasons)))
        self.reasons = reasons
