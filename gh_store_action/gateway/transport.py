"""Requests to GitHub: counted, within the budget, repeated only if nothing can happen twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from gh_store_action.arguments import graphql_url_for
from gh_store_action.config.store_config import Retries
from gh_store_action.errors import BudgetExhausted, GitHubError
from gh_store_action.gateway import answers
from gh_store_action.gateway.answers import (
    SECONDARY_WAIT,
    TIMED_OUT,
    Answer,
    ApiError,
    Bucket,
    Kind,
    Limited,
    NoAnswer,
    NotGitHub,
)
from gh_store_action.gateway.connection import MOST, MOST_OF_A_FILE, Call, Connection, Response
from gh_store_action.gateway.documents import checked, points
from gh_store_action.gateway.endpoints import origin, resolved
from gh_store_action.gateway.refusals import UnknownEffect, quoted
from gh_store_action.gateway.wire.causes import TooLarge, Unanswered, Unsent

__all__ = ["Answer", "ApiError", "Bucket", "Cancelled", "NotGitHub", "Transport", "UnknownEffect"]

DEFAULT_RETRIES = Retries()
MOST_REDIRECTS = 3
DAY = 86_400  # seconds
RAW = "application/vnd.github.raw+json"

Result = TypeVar("Result")


class Cancelled(GitHubError):
    """The runner asked to stop."""


class Transport:
    """Sends requests for one token.

    Args:
        token: never shown.
        api_url: of the REST API.
        graphql_url: on the same host; empty if it follows from the REST one.
        authority: a file of certificates to trust; empty for the usual ones.
        most_per_hour: stop before this process uses more of either budget; None: only GitHub's limit counts.
        pause: waits that many seconds; tests pass their own clock.
        now: seconds since the epoch.
    """

    def __init__(
        self,
        *,
        token: str,
        api_url: str,
        graphql_url: str = "",
        authority: str = "",
        retries: Retries = DEFAULT_RETRIES,
        most_per_hour: int | None = None,
        pause: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
        log: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.retries = retries
        self.most_per_hour = most_per_hour
        self.requests = 0
        self.points = 0  # of GraphQL, by its formula
        self.writes = 0  # requests that change something, each once
        self.waited = 0.0
        self.server_time = ""  # of the first response, ISO 8601; empty before it
        self.newest_time = ""  # of the latest one
        self._stopped = False
        self._capped = True
        self._pause = pause
        self._now = now
        self._ahead = 0.0  # seconds by which `now` is ahead of GitHub's clock
        self._log = log
        self._buckets = {"core": Bucket(), "graphql": Bucket()}
        self._connection = Connection(token, api_url, authority)
        self.api_url = api_url
        self.graphql_url = graphql_url or graphql_url_for(api_url)

    def __repr__(self) -> str:
        return f"Transport({self._connection.url!r})"

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    @property
    def remaining(self) -> int | None:
        """What is left of the smaller of the two hourly budgets; None if no response has said."""
        known = [b.remaining for b in self._buckets.values() if b.remaining is not None]
        return min(known) if known else None

    @property
    def left(self) -> int | None:
        """The same within `most_per_hour`."""
        known = [left for bucket in self._buckets.values() if (left := self._left(bucket)) is not None]
        return min(known) if known else None

    @property
    def points_left(self) -> int | None:
        """The same of GraphQL's points alone."""
        return self._left(self._buckets["graphql"])

    def _left(self, bucket: Bucket) -> int | None:
        if self.most_per_hour is None:
            return bucket.remaining
        own = max(self.most_per_hour - bucket.own, 0)
        return own if bucket.remaining is None else min(bucket.remaining, own)

    @contextmanager
    def uncapped(self) -> Iterator[None]:
        """Ignores `most_per_hour` inside: for work on one object, and for looking for faults."""
        self._capped = False
        try:
            yield
        finally:
            self._capped = True

    def shortfall(self, points: int, spent: int = 0) -> str:
        """Why that many GraphQL points are more than are left, and what would help; empty if they are not."""
        bucket = self._buckets["graphql"]
        left = self._left(bucket)
        if left is None or points <= left:
            return ""
        capped = self.most_per_hour is not None and not 0 < bucket.limit <= self.most_per_hour
        limit = (self.most_per_hour if capped else None) or max(bucket.limit, left)
        name = " (rate_limit.max_requests_per_hour)" if capped else ""
        more = "raise that number" if capped else "use a GitHub App's token, or split the store into repositories"
        helps = f" That exceeds an hour's limit: {more}." if points + spent > limit else ""
        return f"About {points:,} more GraphQL points are needed; {left:,} of {limit:,} per hour{name} are left.{helps}"

    def tell(self, line: str) -> None:
        """Writes a line to the log."""
        self._log(line)

    def warn(self, points: int) -> None:
        """Logs a warning if that many points are more than are left."""
        why = self.shortfall(points)
        if why:
            again = self._reset_of(self._buckets["graphql"])
            self._log(f"{why} The run goes as far as it can. Try again after {again} to continue.")

    def afford(self, points: int, spent: int = 0) -> None:
        """Stops before spending points for nothing.

        Args:
            spent: points that this work has cost already, and would cost again in another hour.

        Raises:
            BudgetExhausted: not that many are left; it has the time when the budget resets.
        """
        why = self.shortfall(points, spent)
        if why:
            again = self._reset_of(self._buckets["graphql"])
            raise BudgetExhausted(why, f"Try again after {again}.", again=again, status=429)

    def stop(self) -> None:
        """Makes the next request and any waiting raise `Cancelled`; called when the runner cancels."""
        self._stopped = True

    def _check_stop(self) -> None:
        if self._stopped:
            raise Cancelled(
                "The run was canceled. It stopped between two requests.",
                "Nothing is lost. Run again to continue from there.",
            )

    def wait(self, seconds: float, why: str) -> bool:
        """Waits, unless the run's total waiting time would exceed its limit; returns whether it waited."""
        if self.waited + seconds > self.retries.max_wait_seconds:
            return False
        self.waited += seconds
        self._log(f"Waiting {seconds:.0f} s: {why}.")
        self._check_stop()
        self._pause(seconds)
        self._check_stop()
        return True

    def rest(self, seconds: float = SECONDARY_WAIT, status: int = 429, *, last: bool = False) -> None:
        """Waits as long as GitHub's limit asks for.

        Raises:
            BudgetExhausted: it is the last time, or the wait would be too long.
        """
        if last or not self.wait(seconds, "GitHub's rate limit asks for it"):
            again = _clock(self._there() + seconds, self._there())
            raise BudgetExhausted(
                "GitHub's rate limit is reached.",
                f"Nothing is lost. Try again after {again}.",
                again=again,
                status=status,
            ) from None

    def query(
        self, document: str, variables: Mapping[str, Any], *, attempts: int | None = None, left: int | None = None
    ) -> Answer:
        """Reads by GraphQL; safe to repeat.

        Args:
            attempts: fewer than configured if GitHub times out on it (502, 504) and the caller has a better way than
                repeating it; then it is not repeated either if GitHub does not show all of it.
            left: as for `checked`.

        Raises:
            PartialAnswer: GitHub showed only a part, as often as it was asked.
        """
        return self._graphql(document, variables, writes=False, attempts=attempts, left=left)

    def mutate(self, document: str, variables: Mapping[str, Any]) -> Answer:
        """Writes by GraphQL.

        Raises:
            UnknownEffect: the response does not say whether it happened.
        """
        return self._graphql(document, variables, writes=True)

    def get(
        self, path: str, parameters: Mapping[str, Any] | None = None, *, kind: Kind = dict, most: int = MOST
    ) -> Any:
        """Reads by REST; safe to repeat.

        Args:
            kind: the kind of the response, `object` for any JSON.
            most: MiB that the response may have.
        """
        call = Call("GET", path, parameters, most=most)
        return self._repeat("core", call, lambda found: self._rest(found, kind), writes=False)

    def text(self, path: str) -> str | None:
        """A file of up to 100 MB from the contents endpoint; None if it is not a file."""
        call = Call("GET", path, accept=RAW, most=MOST_OF_A_FILE)
        return self._repeat("core", call, lambda found: answers.text(found, self._there()), writes=False)

    def send(self, verb: str, path: str, body: Mapping[str, Any] | None = None, *, kind: Kind = dict) -> Any:
        """Writes by REST; returns an object.

        Args:
            kind: the kind of the response.

        Raises:
            UnknownEffect: the response does not say whether it happened.
        """
        return self._repeat("core", Call(verb, path, body=body), lambda found: self._rest(found, kind), writes=True)

    def _rest(self, response: Response, kind: Kind) -> Any:
        return answers.rest(response, self._there(), kind)

    def _graphql(
        self,
        document: str,
        variables: Mapping[str, Any],
        *,
        writes: bool,
        attempts: int | None = None,
        left: int | None = None,
    ) -> Answer:
        def understood(response: Response) -> Answer:
            return checked(document, variables, answers.graphql(response, self._there(), writes=writes), left=left)

        body = {"query": document, "variables": dict(variables)}
        call = Call("POST", self.graphql_url, body=body, points=points(document, variables))
        return self._repeat("graphql", call, understood, writes=writes, attempts=attempts)

    def _learn(self, name: str, headers: Mapping[str, Any]) -> None:
        try:
            if headers.get("date"):
                there = answers.moment_of(headers["date"])
                self._ahead = self._now() - there
                self.newest_time = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(there))
                self.server_time = self.server_time or self.newest_time
            self._buckets[name].learn(headers)
        except ValueError:
            self._log("GitHub sent an invalid date or rate-limit header, which is ignored.")

    def _there(self) -> float:
        """The time by GitHub's clock, which says when a limit resets; this machine's may be wrong."""
        return self._now() - self._ahead

    def _reset_of(self, bucket: Bucket) -> str:
        return _clock(bucket.ends(self._ahead) - self._ahead, self._there())

    def _check_budget(self, name: str) -> None:
        bucket = self._buckets[name]
        if bucket.own and self._now() >= bucket.ends(self._ahead):
            bucket.own = 0
        if self._capped and self.most_per_hour is not None and bucket.own >= self.most_per_hour:
            many = f"{self.most_per_hour} request{'' if self.most_per_hour == 1 else 's'}"
            raise BudgetExhausted(
                f"This hour's budget of {many} (rate_limit.max_requests_per_hour) is used up.",
                f"Nothing is lost. Try again after {self._reset_of(bucket)}.",
                again=self._reset_of(bucket),
                status=429,
            )

    def _repeat(
        self,
        name: str,
        call: Call,
        understood: Callable[[Response], Result],
        *,
        writes: bool,
        attempts: int | None = None,
    ) -> Result:
        """Sends the request, and repeats it if that is safe: a refusal had no effect, and a read never has."""
        self.writes += writes
        for attempt in range(1, self.retries.max_attempts + 1):
            last = attempt == self.retries.max_attempts
            pause, hint, kept, unsent = self.retries.backoff_factor**attempt, answers.AGAIN, None, False
            try:
                response = self._exchange(name, call)
                return understood(response)
            except Limited as limit:
                self.rest(limit.seconds, limit.status, last=last)
                continue
            except NoAnswer as none:
                problem, status, hint, kept = none.problem, none.status, none.hint, none.kept
                last = last or (status in TIMED_OUT and (attempt == attempts or bool(kept and attempts)))
            except TooLarge as error:  # a shorter page is smaller, so this is treated like a timeout
                problem, status = str(error), TIMED_OUT[0]
                last = last or attempt == attempts
            except Unanswered as error:
                problem, status, unsent = str(error), 0, isinstance(error, Unsent)
                hint = error.hint or hint
            if writes and not unsent:
                raise UnknownEffect(
                    f"{problem} to a write, which may have taken effect.",
                    "The next run continues from there.",
                    status=status,
                )
            if last or not self.wait(pause, problem):
                told = f"{problem}, {attempt} times in a row."
                raise answers.PartialAnswer(told, kept) if kept else GitHubError(told, hint, status=status)
        raise AssertionError("max_attempts is at least 1")  # by the configuration's schema

    def _exchange(self, name: str, call: Call) -> Response:
        """One response; follows a redirect by sending the same request to the new address.

        GitHub redirects requests for a repository's old name, without carrying them out:
        https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects
        """
        for _ in range(MOST_REDIRECTS + 1):
            self._check_stop()
            self._check_budget(name)
            self.requests += 1
            self.points += call.points
            self._buckets[name].count(call.points or 1, self._now())
            try:
                response = self._connection.exchange(call)
            except (GitHubError, Unsent):
                self.requests -= 1  # nothing was sent
                self.points -= call.points
                raise
            self._learn(name, response.headers)
            target = response.headers.get("location", "")
            if response.status not in (301, 302, 307, 308) or not target:
                return response
            here = call.address if "://" in call.address else self._connection.url + call.address
            place, other = resolved(here, target)
            if other != origin(self._connection.url):
                raise NotGitHub(
                    f"{origin(self._connection.url)} redirects requests to another host, {quoted(other)}.",
                    "Check the API's address, or use that one: the token is sent to no other host.",
                )
            call = replace(call, address=place, parameters=None if "?" in target else call.parameters)
        raise NotGitHub(
            f"GitHub redirected a request more than {MOST_REDIRECTS} times.",
            "Check the name of the repository and the address of the API.",
        )


def _clock(at: float, now: float) -> str:
    """A time of day, with the date if it is a day away or more."""
    return time.strftime("%H:%M:%S UTC" if abs(at - now) < DAY else "%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))
