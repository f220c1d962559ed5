"""What an HTTP response means: a value, a refusal, a limit, or nothing reliable."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from types import UnionType
from typing import Any, TypeAlias

from gh_store_action.errors import AccessDeniedError, GitHubError
from gh_store_action.gateway.connection import Response
from gh_store_action.gateway.refusals import Refused, cure, quoted
from gh_store_action.gateway.wire.causes import LATER, credentials
from gh_store_action.hints import InWorkflow, Setting, Text

TIMED_OUT = (502, 504)  # GitHub's status for a request that takes longer than ten seconds
HOUR = 3600.0  # seconds
SECONDARY_WAIT = 60.0  # seconds, if a secondary limit does not say (best-practices-for-using-the-rest-api)
# The first Enterprise Server version whose API has all requested fields (github-facts, section 4).
FIELDS_FROM = "3.10"

AGAIN = f"{LATER}, and see githubstatus.com."

# The kind of a JSON value: its type, an object with at least these keys, or a list of such values.
Kind: TypeAlias = "type[Any] | UnionType | Mapping[str, Kind] | list[Kind]"

_LAST = 253_402_300_799 - 10**9  # seconds; what is later leaves no room before the year 9999
_BROKEN = "GitHub closed the connection, or sent something else than an answer"
_UNKNOWN_FIELD = re.compile(r"Field '(\w+)' doesn't exist on type '(\w+)'")
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>|\A\s*([^<\s].*)", re.IGNORECASE | re.DOTALL)


class ApiError(GitHubError):
    """GitHub refused a request; nothing happened.

    Args:
        message: GitHub's own words, as one line.
        needs: the token permissions that the response's header asks for.
    """

    def __init__(self, status: int, message: str, needs: str = "") -> None:
        nowhere = "Check the name of the repository and the address of the API." if status == 404 else ""
        super().__init__(f"GitHub refused a request: {message} ({status}).", cure(message) or nowhere, status=status)
        self.message = message
        self.needs = needs


class NotGitHub(GitHubError):
    """Something other than GitHub's API refused a request, by a page or a redirect; nothing happened."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what, hint, status=0)  # GitHub itself gave none


class NoAnswer(Exception):
    """The response says neither yes nor no.

    Args:
        status: of the response; 0 if there was none.
        hint: the next step if it keeps happening; nothing was written.
        kept: what the response says of other things.
    """

    def __init__(self, problem: str, status: int = 0, hint: str = AGAIN, kept: Answer | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.status = status
        self.hint = hint
        self.kept = kept


class Limited(Exception):
    """GitHub asks for a pause of that many seconds; nothing happened."""

    def __init__(self, seconds: float, status: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds
        self.status = status


@dataclass
class Bucket:
    """One of GitHub's two hourly budgets, by the latest response, and what this process has used of it.

    Args:
        reset: by GitHub's clock; 0 if no response said it.
        own: REST requests or GraphQL points.
        since: when the first of them was counted, by this machine's clock.
    """

    limit: int = 0
    remaining: int | None = None
    reset: float = 0.0
    own: int = 0
    since: float = 0.0

    def learn(self, headers: Mapping[str, str]) -> None:
        """Reads the rate-limit headers of a response; a server without limits sends none.

        Raises:
            ValueError: a header is not a number.
        """
        if "x-ratelimit-limit" in headers:
            self.limit = int(number_of(headers["x-ratelimit-limit"]))
        if "x-ratelimit-remaining" in headers:
            self.remaining = int(number_of(headers["x-ratelimit-remaining"]))
        if "x-ratelimit-reset" in headers:
            self.reset = number_of(headers["x-ratelimit-reset"])

    def count(self, used: int, now: float) -> None:
        """Adds to `own`."""
        self.since = self.since if self.own else now
        self.own += used

    def ends(self, ahead: float) -> float:
        """When the hour of `own` ends, by this machine's clock: at GitHub's reset, or an hour after `since`.

        Args:
            ahead: the seconds by which that clock is ahead of GitHub's.
        """
        reset = self.reset + ahead
        return reset if reset > self.since else self.since + HOUR


@dataclass(frozen=True)
class Answer:
    """A GraphQL response: with errors, the data may be partial."""

    data: Mapping[str, Any]
    errors: tuple[Mapping[str, Any], ...] = ()


class PartialAnswer(GitHubError):
    """GitHub did not show all of some issues as often as it was asked.

    Args:
        answer: the last one, with null in the place of those issues.
    """

    def __init__(self, what: str, answer: Answer) -> None:
        super().__init__(what, AGAIN, status=TIMED_OUT[0])
        self.answer = answer


def rest(response: Response, now: float, kind: Kind) -> Any:
    """The value of a REST API response.

    Args:
        now: seconds since the epoch.
        kind: what the value has to be.

    Raises:
        NoAnswer: it is something else.
        Limited: GitHub asks for a pause.
        GitHubError, AccessDeniedError: the request was refused.
    """
    _check_status(response, now)
    if response.json is None or not _is(response.json, type(kind) if isinstance(kind, dict | list) else kind):
        raise NoAnswer(_BROKEN)
    if not _is(response.json, kind):
        raise misshapen("a request")
    return response.json


def _is(value: object, kind: Kind) -> bool:
    if isinstance(kind, Mapping):
        return isinstance(value, dict) and all(_is(value.get(name), part) for name, part in kind.items())
    if isinstance(kind, list):
        return isinstance(value, list) and all(_is(one, kind[0]) for one in value)
    return isinstance(value, kind) and not isinstance(value, bool)  # which is an `int`


def misshapen(where: str) -> NoAnswer:
    """The error for a JSON response in an unexpected shape."""
    return NoAnswer(
        f"GitHub answered {where} in a format that this version does not know",
        hint="Nothing was lost. Try again, and please report it if it happens again.",
    )


def text(response: Response, now: float) -> str | None:
    """The same for a raw file; None if it is a folder, for which GitHub sends a list."""
    _check_status(response, now)
    kind = response.headers.get("content-type", "")
    if kind.startswith("application/json") and response.status != 204:
        return None
    if not kind.startswith("application/vnd.github") or "raw" not in kind:
        raise NoAnswer(_BROKEN)
    return response.text


def graphql(response: Response, now: float, *, writes: bool) -> Answer:
    """The same for the GraphQL API, whose errors come with status 200.

    An error without a type is GitHub's own failure, which does not say what a write did.  If parts of a write were
    carried out, the response counts all the same, because these must be reported; the caller checks each part.
    """
    _check_status(response, now)
    value = response.json if isinstance(response.json, dict) else {}
    found, data = value.get("errors"), value.get("data")
    errors = tuple(_placed(e) for e in found if isinstance(e, dict)) if isinstance(found, list) else ()
    if not isinstance(data, dict):
        if not errors:
            raise NoAnswer(_BROKEN)
        data = {}
    for error in errors:
        _check_field(str(error.get("message") or ""), response.headers)
    done = writes and any(data.values())
    reasons = [reason_of(error) for error in errors]
    if any(reason.limited for reason in reasons) and not done:  # a read is safe to repeat
        raise Limited(_pause_asked(response.headers, now), 429)
    vague = next((reason for reason in reasons if not reason.kind), None)
    if vague and not done:
        raise NoAnswer(f"GitHub answered {vague.quoted!r}", TIMED_OUT[0])
    return Answer(data, errors)


def _placed(error: Mapping[str, Any]) -> Mapping[str, Any]:
    """The error with its path, empty if it has none."""
    return {**error, "path": error["path"] if isinstance(error.get("path"), list) else []}


def reason_of(error: Mapping[str, Any]) -> Refused:
    """What a GraphQL error says; an error found before execution has a code instead of a type."""
    extensions = error.get("extensions")
    code = extensions.get("code") if isinstance(extensions, dict) else ""
    return Refused(str(error.get("message") or "no reason given"), str(error.get("type") or code or ""))


def _check_field(message: str, headers: Mapping[str, str]) -> None:
    unknown = _UNKNOWN_FIELD.search(message)
    if not unknown:
        return
    told = headers.get("x-github-enterprise-version", "")
    raise GitHubError(
        f"This server{f', version {quoted(told)},' if told else ''} does not know the field `{unknown[1]}` of "
        f"`{unknown[2]}`, which gh-store needs.",
        f"Upgrade GitHub Enterprise Server to version {FIELDS_FROM} or later.",
        status=400,
    )


def _check_status(response: Response, now: float) -> None:
    """Raises for every status that does not mean success."""
    status, headers = response.status, response.headers
    if status >= 500 or status in (202, 408):
        raise NoAnswer(f"GitHub answered {status}", status)
    if status < 300:
        return
    refused = Refused(_message(response), status=status)
    spent = headers.get("x-ratelimit-remaining") == "0"
    paused = status == 403 and (spent or "retry-after" in headers)
    if status == 429 or paused or (status in (403, 422) and refused.limited):
        raise Limited(_pause_asked(headers, now), status)
    if status == 401:
        raise AccessDeniedError(
            "GitHub does not accept the token (401).",
            Text(
                "Check that ",
                Setting("token"),
                " is set",
                InWorkflow(", such as `token: ${{ github.token }}`,"),
                " and has not expired or been revoked.",
            ),
        )
    if status == 407:
        raise NotGitHub(*credentials())
    if not isinstance(response.json, dict):
        page = f"A web page came instead of a response from GitHub's API ({status}): {refused.quoted}."
        raise NotGitHub(
            page if response.text.strip() else f"An empty response came instead of one from GitHub's API ({status}).",
            "Check for a proxy or firewall, and check the address of the API.",
        )
    raise ApiError(status, refused.quoted, headers.get("x-accepted-github-permissions", ""))


def _pause_asked(headers: Mapping[str, str], now: float) -> float:
    """Seconds until a rate limit resets.

    `retry-after` first, then `x-ratelimit-reset` if nothing remains, otherwise at least a minute:
    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """
    after = headers.get("retry-after", "")
    try:
        if after.isdecimal():
            return max(number_of(after), 1.0)
        if after:  # HTTP allows a date: RFC 9110, section 10.2.3
            return max(moment_of(after) - now, 1.0)
        if headers.get("x-ratelimit-remaining") == "0":
            return max(number_of(headers["x-ratelimit-reset"]) - now, 0.0) + 1.0
    except (ValueError, KeyError):
        pass  # an unreadable header gives no time
    return SECONDARY_WAIT


def number_of(text: str) -> float:
    """A header's number.

    Raises:
        ValueError: it is not a number, or cannot be a count of requests, or seconds that `gmtime` knows.
    """
    value = float(text)
    if not 0 <= value <= _LAST:
        raise ValueError(text[:80])
    return value


def moment_of(text: str) -> float:
    """Seconds since the epoch of a date in a header.

    Raises:
        ValueError: it is not a date, or is before GitHub existed.
    """
    try:
        return number_of(str(parsedate_to_datetime(text).timestamp()))
    except OverflowError:
        raise ValueError(text[:80]) from None


def _message(response: Response) -> str:
    """The text of an error: GitHub's message with its details, or a page's title."""
    value = response.json
    if not isinstance(value, dict):
        found = _TITLE.search(response.text[:2_000])
        return (found[1] or found[2]) if found else ""
    errors = value.get("errors")
    details = [e for e in errors if isinstance(e, dict)] if isinstance(errors, list) else []
    words = [str(value.get("message") or ""), *(str(e.get("message") or e.get("code") or "") for e in details)]
    return ": ".join(filter(None, words)) or "no reason given"
