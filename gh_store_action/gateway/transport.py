"""One HTTP request to GitHub at a time: counted, within the budget, repeated only where nothing can double."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import requests
from github import Auth, GithubException
from github.Requester import Requester

from gh_store_action import __version__
from gh_store_action.config.store_config import Retries
from gh_store_action.domain.markdown import yaml_block
from gh_store_action.errors import AccessDeniedError, BudgetExhausted, GitHubError
from gh_store_action.hints import Grant, InWorkflow, Setting, Text

TIMEOUT = 30  # seconds; GitHub gives up on a request after ten (rate-limits-for-the-rest-api, "Timeouts")
TIMED_OUT = (502, 504)  # what it answers then
DEFAULT_RETRIES = Retries()
SECONDARY_WAIT = 60.0  # seconds, where a secondary limit names none (best-practices-for-using-the-rest-api)

Result = TypeVar("Result")

_SECONDARY = ("secondary rate limit", "retry your request again later", "wait a few minutes before you try again")


class ApiError(GitHubError):
    """GitHub refused a request; nothing happened.

    Args:
        message: GitHub's own words.
        needs: the token permissions that would do, as the answer's header names them.
    """

    def __init__(self, status: int, message: str, needs: str = "") -> None:
        super().__init__(f"GitHub refused a request: {message} ({status}).", status=status)
        self.message = message
        self.needs = needs


class Cancelled(GitHubError):
    """The runner asked for an end."""


class UnknownEffect(GitHubError):
    """A write got no proper answer: it may have taken effect.  Read again before anything is repeated."""


@dataclass
class Bucket:
    """One of GitHub's two hourly budgets, as the newest answer told it."""

    used: int = 0
    remaining: int | None = None
    reset: float = 0.0


@dataclass(frozen=True)
class Answer:
    """A GraphQL answer: data may be partial where errors are there."""

    data: Mapping[str, Any]
    errors: tuple[Mapping[str, Any], ...] = ()


class _Requester(Requester):
    """PyGithub derives the GraphQL address from the REST one; the runner's environment may name another."""

    def __init__(self, graphql_url: str, **options: Any) -> None:
        super().__init__(**options)
        self._graphql = graphql_url

    @property
    def graphql_url(self) -> str:
        return self._graphql or super().graphql_url


class Transport:
    """Sends requests for one token.

    Args:
        token: never shown.
        api_url: of the REST API.
        graphql_url: empty where it follows from the REST one.
        most_per_hour: stop before GitHub's counter of either budget would pass this.
        pause: waits that many seconds; tests hand in a clock of their own.
        now: seconds since the epoch.
    """

    def __init__(
        self,
        *,
        token: str,
        api_url: str,
        graphql_url: str = "",
        retries: Retries = DEFAULT_RETRIES,
        most_per_hour: int = 1000,
        pause: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
        log: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.retries = retries
        self.most_per_hour = most_per_hour
        self.requests = 0
        self.waited = 0.0
        self.server_time = ""  # of the first answer, ISO 8601; empty before it
        self.newest_time = ""  # of the newest one
        self._stopped = False
        self._pause = pause
        self._now = now
        self._log = log
        self._buckets = {"core": Bucket(), "graphql": Bucket()}
        self._requester = _Requester(
            graphql_url,
            auth=Auth.Token(token) if token else None,
            base_url=api_url,
            timeout=TIMEOUT,
            user_agent=f"gh-store-action/{__version__}",
            per_page=100,
            verify=True,
            retry=None,
            pool_size=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
            api_version="2022-11-28",
        )

    def __repr__(self) -> str:
        return f"Transport({self._requester.base_url!r})"

    def close(self) -> None:
        """Closes the connection."""
        self._requester.close()

    @property
    def remaining(self) -> int | None:
        """What is left of the smaller of the two hourly budgets, None where no answer has told."""
        known = [b.remaining for b in self._buckets.values() if b.remaining is not None]
        return min(known) if known else None

    @property
    def left(self) -> int | None:
        """The same, as far as `most_per_hour` lets it be used."""
        known = [
            min(b.remaining, max(self.most_per_hour - b.used, 0))
            for b in self._buckets.values()
            if b.remaining is not None
        ]
        return min(known) if known else None

    def stop(self) -> None:
        """Makes the next request, and any waiting, raise `Cancelled`: called when the runner cancels."""
        self._stopped = True

    def _check_stop(self) -> None:
        if self._stopped:
            raise Cancelled(
                "The run was cancelled; it stopped between two requests.",
                "Nothing is lost: run again, and it goes on from what is there.",
            )

    def wait(self, seconds: float, why: str) -> bool:
        """Waits, unless all waiting of the run together would pass the bound; says whether it waited."""
        if self.waited + seconds > self.retries.max_wait_seconds:
            return False
        self.waited += seconds
        self._log(f"Waiting {seconds:.0f} s: {why}.")
        self._check_stop()
        self._pause(seconds)
        self._check_stop()
        return True

    def query(self, document: str, variables: Mapping[str, Any], *, attempts: int | None = None) -> Answer:
        """Reads by GraphQL; safe to repeat.

        Args:
            attempts: fewer than the configured ones where GitHub runs out of time on it (502, 504), and the caller has
                something better to do than to repeat it.
        """
        return self._repeat("graphql", lambda: self._graphql(document, variables), writes=False, attempts=attempts)

    def mutate(self, document: str, variables: Mapping[str, Any]) -> Answer:
        """Writes by GraphQL.

        Raises:
            UnknownEffect: when the answer does not say whether it happened.
        """
        return self._repeat("graphql", lambda: self._graphql(document, variables), writes=True)

    def get(self, path: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Reads by REST; safe to repeat."""
        return self._repeat("core", lambda: self._rest("GET", path, parameters, None), writes=False)

    def send(self, verb: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Writes by REST.

        Raises:
            UnknownEffect: when the answer does not say whether it happened.
        """
        return self._repeat("core", lambda: self._rest(verb, path, None, body), writes=True)

    def _graphql(self, document: str, variables: Mapping[str, Any]) -> Answer:
        try:
            headers, payload = self._asked(document, variables)
            errors: tuple[Mapping[str, Any], ...] = ()
        except GithubException as error:
            # PyGithub raises whenever `errors` is there, and makes a 404 of a single NOT_FOUND; the answer, with the
            # data of what did succeed, is in the exception (Requester.graphql_query).
            payload, headers = error.data, dict(error.headers or {})
            found = payload.get("errors") if isinstance(payload, dict) else None
            if not isinstance(found, list) or error.status not in (400, 404):
                raise
            errors = tuple(e for e in found if isinstance(e, dict))
        self._learn("graphql", headers)
        if any(str(e.get("type")) in ("RATE_LIMITED", "RATE_LIMIT") for e in errors):
            raise GithubException(403, {"message": "API rate limit exceeded"}, headers)
        data = payload.get("data") if isinstance(payload, dict) else None
        if not isinstance(data, dict):
            if errors:
                data = {}
            else:
                raise requests.exceptions.InvalidJSONError("the answer is no GraphQL answer")
        return Answer(data, errors)

    def _asked(self, document: str, variables: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
        """PyGithub promises a mapping; a proxy's page makes it something else."""
        return self._requester.graphql_query(document, dict(variables))

    def _rest(self, verb: str, path: str, parameters: Mapping[str, Any] | None, body: Mapping[str, Any] | None) -> Any:
        headers, data = self._requester.requestJsonAndCheck(verb, path, parameters=dict(parameters or {}), input=body)
        self._learn("core", headers)
        if data is not None and "json" not in str(headers.get("content-type", "")):
            # PyGithub hands a page that is no JSON out as data; a proxy's page is no answer.
            raise requests.exceptions.InvalidJSONError("the answer is no JSON")
        return data

    def _learn(self, name: str, headers: Mapping[str, Any]) -> None:
        if headers.get("date"):
            self.newest_time = parsedate_to_datetime(headers["date"]).strftime("%Y-%m-%dT%H:%M:%SZ")
            self.server_time = self.server_time or self.newest_time
        bucket = self._buckets[name]
        try:
            if "x-ratelimit-used" in headers:
                bucket.used = int(headers["x-ratelimit-used"])
            if "x-ratelimit-remaining" in headers:
                bucket.remaining = int(float(headers["x-ratelimit-remaining"]))
            if "x-ratelimit-reset" in headers:
                bucket.reset = float(headers["x-ratelimit-reset"])
        except ValueError:
            self._log("GitHub sent a rate-limit header that is no number; it is left out of account.")

    def _check_budget(self, name: str) -> None:
        bucket = self._buckets[name]
        if bucket.used >= self.most_per_hour and self._now() < bucket.reset:
            many = f"{self.most_per_hour} request{'' if self.most_per_hour == 1 else 's'}"
            raise BudgetExhausted(
                f"This hour's budget of {many} (rate_limit.max_requests_per_hour) is used up.",
                f"Nothing is lost; run again after {_clock(bucket.reset)}.",
                again=_clock(bucket.reset),
                status=429,
            )

    def _repeat(self, name: str, request: Callable[[], Result], *, writes: bool, attempts: int | None = None) -> Result:
        """Sends the request, and again where that is safe: a refusal had no effect; a read never has."""
        for attempt in range(1, self.retries.max_attempts + 1):
            self._check_stop()
            self._check_budget(name)
            self.requests += 1
            last = attempt == self.retries.max_attempts
            pause = self.retries.backoff_factor**attempt
            try:
                return request()
            except GithubException as error:
                headers = {str(k).lower(): v for k, v in (error.headers or {}).items()}
                self._learn(name, headers)
                limited = self._limited(error, headers, pause)
                if limited is not None:
                    if last or not self.wait(limited, "GitHub's rate limit asks for it"):
                        again = _clock(self._now() + limited)
                        raise BudgetExhausted(
                            "GitHub's rate limit is reached.",
                            f"Nothing is lost; run again after {again}.",
                            again=again,
                            status=error.status,
                        ) from None
                    continue
                if error.status < 500:
                    raise _refusal(error, headers) from None
                problem = f"GitHub answered {error.status}"
                status = error.status
                last = last or (status in TIMED_OUT and attempt == attempts)
            except (requests.exceptions.RequestException, ValueError) as error:
                problem = f"GitHub could not be reached or broke off ({type(error).__name__})"
                status = 0
            if writes:
                raise UnknownEffect(
                    f"{problem} to a write, which may have taken effect.",
                    "The next run goes on from what is there.",
                    status=status,
                )
            if last or not self.wait(pause, problem):
                raise GitHubError(
                    f"{problem}, {attempt} times in a row.",
                    "Nothing was lost; run again later, and see githubstatus.com.",
                    status=status,
                )
        raise AssertionError("max_attempts is at least 1")  # the configuration's schema sees to it

    def _limited(self, error: GithubException, headers: Mapping[str, Any], pause: float) -> float | None:
        """Seconds until the rate limit lets go, None where the answer is something else.

        403 or 429, `retry-after` first, then `x-ratelimit-reset` where nothing remains, else at least a minute:
        https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
        """
        if error.status not in (403, 429):
            return None
        after = headers.get("retry-after")
        if isinstance(after, str) and after.isdigit():
            return max(float(after), 1.0)
        data = error.data if isinstance(error.data, dict) else {}
        message = str(data.get("message") or "").lower()
        if headers.get("x-ratelimit-remaining") == "0" and "x-ratelimit-reset" in headers:
            return max(float(headers["x-ratelimit-reset"]) - self._now(), 0.0) + 1.0
        if message.startswith("api rate limit exceeded"):
            return SECONDARY_WAIT
        if error.status == 429 or any(part in message for part in _SECONDARY):
            return max(SECONDARY_WAIT, pause)
        return None


def _refusal(error: GithubException, headers: Mapping[str, Any]) -> GitHubError | AccessDeniedError:
    if error.status == 401:
        return AccessDeniedError(
            "GitHub does not accept the token (401).",
            Text(
                "Check that ",
                Setting("token"),
                " is set",
                InWorkflow(", such as `token: ${{ github.token }}`,"),
                " and has not expired or been revoked.",
            ),
        )
    data = error.data if isinstance(error.data, dict) else {}
    details = [str(e.get("message") or e.get("code")) for e in data.get("errors") or () if isinstance(e, dict)]
    message = ": ".join([str(data.get("message") or "no reason given"), *details])
    return ApiError(error.status, message, str(headers.get("x-accepted-github-permissions") or ""))


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S UTC", time.gmtime(at))


def denied(what: str, **permissions: str) -> AccessDeniedError:
    """The error for a missing permission, with the YAML that adds it."""
    yaml = "permissions:\n" + "".join(f"  {name}: {level}\n" for name, level in permissions.items())
    return AccessDeniedError(
        f"The token may not {what}.",
        Text(Grant(tuple(permissions.items())), "."),
        detail=yaml_block(yaml),
    )
