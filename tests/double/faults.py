"""Faults on demand: what can go wrong between a client and GitHub, before or after the effect."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .graphql_engine import AliasFault
from .traffic import Request

FOREVER = None
TIMEOUT_TEXT = "We couldn't respond to your request in time. Sorry about that. Please try resubmitting your request."
SECONDARY_TEXT = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
INTERNAL = {
    "message": "Something went wrong while executing your query. This may be the result of a timeout, or it could be a "
    "GitHub bug. Please include `0A1B:2C3D:4E5F` when reporting this issue."
}
REFUSALS: dict[str, dict[str, Any]] = {
    # https://github.com/cli/cli/issues/4801
    "too quickly": {"type": "UNPROCESSABLE", "message": "was submitted too quickly"},
    # https://github.com/cli/cli/issues/14242
    "archived": {"type": "UNPROCESSABLE", "message": "Repository was archived so is read-only"},
    # https://github.com/open-telemetry/opentelemetry-dotnet/issues/6554
    "locked": {"type": "FORBIDDEN", "message": "Unable to create comment because issue is locked"},
    # https://github.com/fwouts/prmonitor/issues/1042
    "saml": {
        "type": "FORBIDDEN",
        "extensions": {"saml_failure": True},
        "message": "Resource protected by organization SAML enforcement. You must grant your Personal Access token "
        "access to this organization.",
    },
    # https://github.com/aquasecurity/trivy/issues/10567
    "ip allow list": {
        "type": "FORBIDDEN",
        "message": "Although you appear to have the correct authorization credentials, the `acme` organization has an "
        "IP allow list enabled, and your IP address is not permitted to access this resource.",
    },
}


@dataclass(eq=False)
class Fault:
    """One rule. It counts the requests that match it from the moment it was added.

    Args:
        kind: ``status``, ``drop``, ``truncate``, ``not_json``, ``partial``, ``altered``, ``garbled`` or ``slow``.
        match: which requests count; all unless given.
        token: count only requests with this token string.
        nth: the matching request it starts with, from 1.
        times: for how many matching requests; None for ever.
        phase: ``before`` the effect (there is none) or ``after`` it (the answer is lost or spoilt).
        status: for ``status``; body and headers go with it.
        seconds: for ``slow``.
        change: for ``altered``: the true answer's JSON to the one that is sent.
        garble: for ``garbled``: the true answer's bytes to those that are sent.
        aliases: for ``partial``: response keys or field names and how they fail.
        hits: how often it was applied.
    """

    kind: str
    match: Callable[[Request], bool] | None = None
    token: str | None = None
    nth: int = 1
    times: int | None = 1
    phase: str = "before"
    status: int = 502
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    aliases: Mapping[str, AliasFault] = field(default_factory=dict)
    change: Callable[[Any], Any] | None = None
    garble: Callable[[bytes], bytes] | None = None
    seen: int = 0
    hits: int = 0
    phase_of_first: str | None = None

    def takes(self, request: Request) -> bool:
        """Count the request if it matches, and say whether the fault strikes it."""
        if self.token is not None and request.token_value != self.token:
            return False
        if self.match is not None and not self.match(request):
            return False
        self.seen += 1
        if self.seen < self.nth or (self.times is not None and self.seen >= self.nth + self.times):
            return False
        self.hits += 1
        return True

    @property
    def current_phase(self) -> str:
        """The phase for the request just taken: only the first one of ``dead_from`` may take effect."""
        return self.phase_of_first if self.phase_of_first and self.hits == 1 else self.phase


class Faults:
    """The rules in force. The first one that strikes a request wins; all count it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        with self._lock:
            self._rules.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        with self._lock:
            self._rules.remove(fault)

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def pick(self, request: Request) -> tuple[Fault, str] | None:
        """The fault for a request and its phase."""
        with self._lock:
            chosen = None
            for rule in self._rules:
                if rule.takes(request) and chosen is None:
                    chosen = (rule, rule.current_phase)
            return chosen

    def status(self, status: int, *, message: str | None = None, retry_after: int | None = None, **rule: Any) -> Fault:
        """An error status with the body GitHub sends with it (docs: Troubleshooting the REST API)."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        text = message or _TEXTS.get(status, "Server Error")
        body = json.dumps({"message": text, "documentation_url": "https://docs.github.com/rest", "status": str(status)})
        return self.add(Fault("status", status=status, body=body, headers=headers, **rule))

    def secondary_limit(self, *, status: int = 403, retry_after: int | None = None, **rule: Any) -> Fault:
        """A secondary rate limit (docs: data/reusables/rest-api/secondary-rate-limit-rest-graphql)."""
        return self.status(status, message=SECONDARY_TEXT, retry_after=retry_after, **rule)

    def drop(self, **rule: Any) -> Fault:
        """The connection closes without an answer."""
        return self.add(Fault("drop", **rule))

    def truncate(self, **rule: Any) -> Fault:
        """The answer breaks off halfway; the effect has taken place."""
        return self.add(Fault("truncate", **{"phase": "after", **rule}))

    def not_json(
        self,
        *,
        status: int = 200,
        html: bool = True,
        text: str | None = None,
        retry_after: int | None = None,
        **rule: Any,
    ) -> Fault:
        """An answer that is no JSON, at any status, on REST and GraphQL: the page of a proxy or of GitHub's front end
        (https://github.com/octokit/graphql.js/issues/554), or with ``html=False`` its plain ``text``."""
        words = text or f"{status} {http.client.responses.get(status, 'Error')}"
        page = f"<!DOCTYPE html>\n<html><head><title>{words}</title></head><body><h1>{words}</h1></body></html>\n"
        headers = {"Content-Type": f"text/{'html' if html else 'plain'}; charset=utf-8"}
        if retry_after is not None:
            headers["Retry-After"] = str(retry_after)
        return self.add(Fault("not_json", status=status, body=page if html else words, headers=headers, **rule))

    def partial(
        self, aliases: Mapping[str, Mapping[str, Any] | AliasFault], *, after: bool = False, **rule: Any
    ) -> Fault:
        """Top-level GraphQL fields fail by themselves, before or ``after`` their effect.

        Args:
            aliases: response key or field name -> error such as
                ``{"type": "RESOURCE_LIMITS_EXCEEDED", "message": "…"}``.
        """
        known = {k: e if isinstance(e, AliasFault) else AliasFault(dict(e), after) for k, e in aliases.items()}

        def concerns(request: Request) -> bool:
            return request.graphql and (match is None or match(request))

        match = rule.pop("match", None)
        return self.add(Fault("partial", aliases=known, match=concerns, **rule))

    def refuse(
        self, field_name: str, reason: str | Mapping[str, Any] = "too quickly", *, after: bool = False, **rule: Any
    ) -> Fault:
        """A mutation such as ``updateIssue`` is refused wherever it stands in a request, for one of ``REFUSALS`` or an
        error of your own. Only requests with that mutation count."""
        error = REFUSALS[reason] if isinstance(reason, str) else reason
        match = rule.pop("match", None)

        def concerns(request: Request) -> bool:
            return field_name in request.mutations and (match is None or match(request))

        return self.partial({field_name: error}, after=after, match=concerns, **rule)

    def went_wrong(self, **rule: Any) -> Fault:
        """HTTP 200, no data, and an error without a type, with ``phase`` before or after the effect."""
        return self.graphql_errors(INTERNAL, **rule)

    def graphql_errors(self, *errors: Mapping[str, Any], data: Any = None, **rule: Any) -> Fault:
        """A whole GraphQL request fails inside HTTP 200: time-outs, primary and secondary limits."""
        body = json.dumps({"data": data, "errors": [dict(error) for error in errors]})
        concerns = rule.pop("match", None)

        def match(request: Request) -> bool:
            return request.graphql and (concerns is None or concerns(request))

        return self.add(Fault("status", status=200, body=body, match=match, **rule))

    def alter(self, change: Callable[[Any], Any], **rule: Any) -> Fault:
        """The request has its effect, and its answer is another one: valid JSON of any shape."""
        return self.add(Fault("altered", change=change, **rule))

    def garble(self, change: Callable[[bytes], bytes], **rule: Any) -> Fault:
        """The request has its effect, and other bytes of its answer arrive."""
        return self.add(Fault("garbled", garble=change, **rule))

    def slow(self, seconds: float, **rule: Any) -> Fault:
        """The answer takes this much longer in real time."""
        return self.add(Fault("slow", seconds=seconds, **rule))

    def dead_from(self, token: str | None, k: int, phase: str = "before") -> Fault:
        """From the k-th request (from 1) of a token on nothing arrives any more: a killed process. With phase
        ``after`` the k-th takes effect, but its answer is lost."""
        return self.add(Fault("drop", token=token, nth=k, times=FOREVER, phase_of_first=phase))


_TEXTS = {
    401: "Bad credentials",
    403: "Forbidden",
    404: "Not Found",
    429: SECONDARY_TEXT,
    500: "Server Error",
    502: TIMEOUT_TEXT,
    503: "Service unavailable",
    504: TIMEOUT_TEXT,
}
