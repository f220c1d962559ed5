"""What users of gh-store expect under its old name."""

from __future__ import annotations

from collections.abc import Callable

from gh_store_action.domain.past.history import HistoryEntry


class IssueHandler:
    """The object that has the history in gh-store.

    Args:
        get_object_history: the store's method.
    """

    def __init__(self, get_object_history: Callable[[str], list[HistoryEntry]]) -> None:
        self.get_object_history = get_object_history
