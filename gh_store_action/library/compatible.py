"""What gh-store's users look for under its old name."""

from __future__ import annotations

from collections.abc import Callable

from gh_store_action.domain.past.history import HistoryEntry


class IssueHandler:
    """Where gh-store has the history.

    Args:
        get_object_history: the store's own.
    """

    def __init__(self, get_object_history: Callable[[str], list[HistoryEntry]]) -> None:
        self.get_object_history = get_object_history
