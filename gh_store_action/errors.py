"""Every failure that a user can fix: one line that names the thing, the cause and the next step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

from gh_store_action.hints import Text


class Reason(NamedTuple):
    """One reason why data or an update was refused.

    Args:
        path: a JSON path into the object (`$.jobs[0].name`) or, for an error in the update, into the update.
        message: what is wrong there, a plain sentence without the path.
    """

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class StoreError(Exception):
    """An expected failure.  `str()` of it is the one line that a user reads.

    Args:
        what: the thing and the cause, one sentence.
        hint: the next step, one sentence; may be empty if the cause says it.
        detail: lines for the job summary only, such as YAML that adds a permission.
        reasons: why data or an update was refused.

    Attributes:
        results: what the run had written before, as the `Result` of each object: no later run will report that.
    """

    exit_code = 1
    results: Sequence[Any] = ()

    def __init__(self, what: str, hint: str = "", *, detail: str = "", reasons: tuple[Reason, ...] = ()) -> None:
        self.what = what
        self.hint = hint
        self.detail = detail
        self.reasons = reasons
        super().__init__(str(self.text))

    def __reduce__(self) -> Any:
        """For pickle: a subclass may take other arguments than its parent, so the class is not called again."""
        return _as_it_was, (type(self), self.args), self.__dict__

    @property
    def text(self) -> Text:
        """The full text, for a front end to word."""
        return Text.sentences([self.what, self.hint])

    def reworded(self, what: str, hint: str) -> Self:
        """The same failure in other words, when more is known than at its source."""
        other = type(self).__new__(type(self))  # a subclass may take other arguments than its parent
        other.__dict__.update(self.__dict__)
        other.what, other.hint = what, hint
        other.args = (str(other.text),)
        return other


class InputError(StoreError):
    """An input of the action, an option of the command or an argument of the library that cannot be used as it is."""

    exit_code = 2


class ConfigurationError(StoreError):
    """A configuration or schema file that cannot be read or is not valid."""


class ObjectNotFound(StoreError):
    """No object has this id or issue number."""


class DuplicateUIDError(StoreError):
    """More than one live issue claims the same id."""


class ObjectExists(StoreError):
    """The id is in use."""


class InvalidUpdate(StoreError):
    """Data or an update that breaks a rule of the store; the object does not change."""


class AccessDeniedError(StoreError):
    """The token, or the person, may not do this."""


class LockedIssue(AccessDeniedError):
    """The conversation is locked, and the token cannot unlock it.  This concerns one issue, not the run."""


class RefusedIssue(AccessDeniedError):
    """GitHub refuses a write of one issue, though it took another from this token.  This concerns the issue alone."""


class FullIssue(StoreError):
    """The issue has as many comments as GitHub allows.  This concerns one issue, not the run."""


class ConcurrentUpdateError(StoreError):
    """Others changed the same thing: it does not match the caller's condition, or it kept changing."""


class GitHubError(StoreError):
    """GitHub answered with an error, or did not answer.

    Args:
        status: the HTTP status; 0 if there was no answer.
    """

    def __init__(self, what: str, hint: str = "", *, status: int = 0, detail: str = "") -> None:
        super().__init__(what, hint, detail=detail)
        self.status = status


class NotFinished(GitHubError):
    """GitHub did not let us finish one object.  This concerns the object, not the run."""


class BudgetExhausted(GitHubError):
    """A request would exceed a rate limit, GitHub's or the configured one; it was not carried out.

    Args:
        again: the time of day when the budget resets, `HH:MM:SS UTC`, after the date if that is a day away.
    """

    def __init__(self, what: str, hint: str = "", *, again: str = "", status: int = 0) -> None:
        super().__init__(what, hint, status=status)
        self.again = again


def _as_it_was(kind: type[StoreError], args: tuple[str, ...]) -> StoreError:
    error = kind.__new__(kind)
    error.args = args
    return error
