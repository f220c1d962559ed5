"""A failure after a post: says that the update is or may be there, because a second post would count twice."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from gh_store_action.errors import BudgetExhausted, ConcurrentUpdateError, GitHubError, StoreError
from gh_store_action.hints import Text


class Trail:
    """The progress of posting one update.

    Args:
        update_id: its idempotency key.
        repeat: how to repeat it without counting twice, in one sentence; by default, by its key.
    """

    def __init__(self, object_id: str, update_id: str, repeat: str = "") -> None:
        self._object_id = object_id
        self._repeat = repeat or (
            f"If you repeat it with its update_id (`gh-store update ... --update-id {update_id}`), it counts once."
        )
        self._where = ""
        self._next = ""

    @property
    def may_be_posted(self) -> bool:
        """Whether the update is, or may be, in a log."""
        return bool(self._where)

    def nothing(self) -> None:
        """Nothing has been posted."""
        self._where = self._next = ""

    def doubtful(self) -> None:
        """A request is under way, with no answer yet."""
        self._where = f"The update of {self._object_id!r} may have been posted."
        self._next = f"Run `gh-store history {shlex.quote(self._object_id)}` to check before you post it again."

    def posted(self, comment: int, issue: int) -> None:
        """It is in the log."""
        self._where = f"The update of {self._object_id!r} is posted (comment {comment} of issue #{issue})."
        self._next = "Do not post it again: a sweep will apply it, if the store's rules let its author write."

    @contextmanager
    def told(self) -> Iterator[None]:
        """Adds the progress to failures and interrupts raised inside, in place of the advice to run again.

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
                raise error.reworded(error.what, f"Nothing was posted. Try again after {error.again}.") from error
            raise
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"{self._where} {self._next} {self._repeat}" if self._where else "") from None


def _kept(error: StoreError) -> str:
    """The failure's own next step, unless that is to run again."""
    if isinstance(error, BudgetExhausted):
        return f"The limit resets at {error.again}."
    return "" if isinstance(error, GitHubError | ConcurrentUpdateError) else error.hint
