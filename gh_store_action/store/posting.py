"""A failure behind a post: says that the update is there, or may be, for a second post would count twice."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from gh_store_action.errors import BudgetExhausted, ConcurrentUpdateError, GitHubError, StoreError
from gh_store_action.hints import Text


class Trail:
    """How far the posting of one update has come.

    Args:
        update_id: its idempotency key.
        repeat: how it is repeated without counting twice, one sentence; by default by its key.
    """

    def __init__(self, object_id: str, update_id: str, repeat: str = "") -> None:
        self._object_id = object_id
        self._repeat = repeat or (
            f"Repeated with its update_id (`gh-store update ... --update-id {update_id}`) it counts once."
        )
        self._where = ""
        self._next = ""

    def nothing(self) -> None:
        """Nothing can have been posted."""
        self._where = self._next = ""

    def doubtful(self) -> None:
        """A request for it is out, and no answer tells what became of it."""
        self._where = f"The update of {self._object_id!r} may be posted already."
        self._next = f"Look with `gh-store history {shlex.quote(self._object_id)}` before you post it again."

    def posted(self, comment: int, issue: int) -> None:
        """It is in the log."""
        self._where = f"The update of {self._object_id!r} is posted (comment {comment} of issue #{issue})."
        self._next = "Do not post it again: a sweep folds it, where the store's rules let its author write."

    @contextmanager
    def told(self) -> Iterator[None]:
        """Failures and interrupts in here tell how far it has come, and no longer to run again.

        Raises:
            StoreError: the failure, reworded.
            KeyboardInterrupt: with the sentences as its text.
        """
        try:
            yield
        except StoreError as error:
            if self._where:
                what = error.what if error.what.endswith(".") else Text(error.what, ".")
                hint = Text.sentences([_kept(error), self._next, self._repeat])
                raise error.reworded(Text.sentences([self._where, what]), hint) from error
            if isinstance(error, BudgetExhausted):
                raise error.reworded(error.what, f"Nothing was posted; run again after {error.again}.") from error
            raise
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"{self._where} {self._next} {self._repeat}" if self._where else "") from None


def _kept(error: StoreError) -> str:
    """The next step that the failure itself names, unless that is to run again."""
    if isinstance(error, BudgetExhausted):
        return f"GitHub takes more from {error.again} on."
    return "" if isinstance(error, GitHubError | ConcurrentUpdateError) else error.hint
