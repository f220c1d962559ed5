"""One HTTP request to GitHub and its answer, whatever that is: nothing is judged, repeated or followed here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import requests
from github import Auth
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, Requester

from gh_store_action import __version__
from gh_store_action.arguments import NAME_AUTHORITY
from gh_store_action.errors import GitHubError
from gh_store_action.gateway.endpoints import origin

TIMEOUT = 30  # seconds; GitHub gives up on a request after ten (rate-limits-for-the-rest-api, "Timeouts")
_UNVERIFIED = "certificate verify failed"


@dataclass(frozen=True)
class Response:
    """An answer as it came; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str

    @cached_property
    def json(self) -> Any:
        """The body's value; None where it is no JSON, such as a page, a half one, or nothing."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True)
class Call:
    """One request.

    Args:
        address: a path below the API's address, or an address at the same host.
        accept: the media type that is asked for, where it is not JSON.
        points: what it costs as a request to GraphQL.
    """

    verb: str
    address: str
    parameters: Mapping[str, Any] | None = None
    body: Any = None
    accept: str = ""
    points: int = 0


class _Diverted(Exception):
    """An answer on which PyGithub would act by itself: it follows 301 without the query, and waits at 202."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


class _Plain(HTTPRequestsConnectionClass):
    def getresponse(self) -> Any:
        return _as_it_is(super().getresponse())


class _Encrypted(HTTPSRequestsConnectionClass):
    def getresponse(self) -> Any:
        return _as_it_is(super().getresponse())


def _as_it_is(answer: Any) -> Any:
    if answer.status in (202, 301):
        headers = {name.lower(): value for name, value in answer.getheaders()}
        raise _Diverted(Response(answer.status, headers, answer.read()))
    return answer


class Connection:
    """To one GitHub, with one token.

    Args:
        token: never shown.
        authority: a file of certificates to trust; empty for those that come with `requests`, or that its variable
            `REQUESTS_CA_BUNDLE` names.
    """

    def __init__(self, token: str, api_url: str, authority: str = "") -> None:
        self.url = api_url
        parts = urlsplit(api_url)
        kind = _Encrypted if parts.scheme == "https" else _Plain
        host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else str(parts.hostname)  # IPv6
        self._wire = kind(host, parts.port, timeout=TIMEOUT, retry=None, pool_size=None, verify=authority or True)
        self._requester = Requester(
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

    def close(self) -> None:
        """Ends it."""
        self._wire.close()

    def exchange(self, call: Call) -> Response:
        """Sends one request.

        Raises:
            GitHubError: GitHub's certificate is not trusted; nothing was sent.
            OSError: no whole answer came; a `RequestException` of requests is one.
        """
        try:
            headers = {"Accept": call.accept} if call.accept else {}
            parameters = dict(call.parameters or {})
            answer = self._requester.requestJson(call.verb, call.address, parameters, headers, call.body, self._wire)
        except _Diverted as diverted:
            return diverted.response
        except requests.exceptions.SSLError as error:
            reason = str(error).lower().partition(_UNVERIFIED)
            if not reason[1]:
                raise
            why = reason[2].strip(": ").partition(" (_ssl")[0]
            raise GitHubError(
                f"The certificate of {origin(self.url)} could not be verified: {why}.",
                NAME_AUTHORITY,
            ) from None
        return Response(*answer)
