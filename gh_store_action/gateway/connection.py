"""One HTTP request to GitHub and its response.  Nothing is judged, repeated or followed here."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import requests
from github import Auth
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, Requester

from gh_store_action import __version__
from gh_store_action.gateway.endpoints import origin
from gh_store_action.gateway.wire import causes, surroundings
from gh_store_action.gateway.wire.causes import TooLarge, Unanswered

TIMEOUT = 30  # seconds; GitHub gives up on a request after ten (rate-limits-for-the-rest-api, "Timeouts")
DEADLINE = 120  # seconds for a whole request, however its bytes arrive
MOST = 64  # MiB of a response, unpacked: the longest hundred comments, each character escaped, are 40
MOST_OF_A_FILE = 144  # MiB; GitHub serves files of up to 100 MB, in base64


@dataclass(frozen=True)
class Response:
    """A response as received, with lowercase header names."""

    status: int
    headers: Mapping[str, str]
    content: bytes | bytearray

    @cached_property
    def text(self) -> str:
        """The body as UTF-8, with replacement characters: for messages, and for raw files in unknown encodings.

        Never write it back.  Guessing the encoding of a large page would take minutes.
        """
        return self.content.decode(errors="replace")

    @cached_property
    def json(self) -> Any:
        """The body's value; None if it is not JSON in UTF-8, such as a page, a truncated body, or nothing."""
        try:
            return json.loads(self.content.decode())
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True)
class Call:
    """One request.

    Args:
        address: a path below the API's address, or an address on the same host.
        accept: the media type to request, if not JSON.
        most: MiB that the response may have.
        points: its cost as a GraphQL request.
    """

    verb: str
    address: str
    parameters: Mapping[str, Any] | None = None
    body: Any = None
    accept: str = ""
    most: int = MOST
    points: int = 0


class _Came(Exception):
    """A response is there.  PyGithub never sees it: on its own, it follows 301 without the query, waits at 202, and
    trusts headers to be numbers.
    """


class _Plain(HTTPRequestsConnectionClass):
    most = MOST
    came: Response

    def getresponse(self) -> Any:
        self.came = _whole(super().getresponse().response, self.most)
        raise _Came


class _Encrypted(HTTPSRequestsConnectionClass):
    most = MOST
    came: Response

    def getresponse(self) -> Any:
        self.came = _whole(super().getresponse().response, self.most)
        raise _Came


def _whole(answer: requests.Response, most: int) -> Response:
    """The response with its body."""
    found = bytearray()
    with answer:
        for piece in answer.iter_content(64 * 1024):  # unpacked, and no more at a time
            found += piece
            if len(found) > most << 20:
                raise TooLarge(f"GitHub sent more than {most} MiB")
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Response(answer.status_code, headers, found)


def _nowhere(resp: requests.Response) -> None:
    """Replaces the redirect that `requests` itself would follow; the address may not even be valid."""


class Connection:
    """To one GitHub, with one token.

    Args:
        token: never shown.
        authority: a file of certificates to trust; empty for those of `requests`, or of its variable
            `REQUESTS_CA_BUNDLE`.

    Raises:
        InputError: the environment names a proxy or certificates that cannot be used.
    """

    def __init__(self, token: str, api_url: str, authority: str = "") -> None:
        self.url = api_url
        self._authority = authority
        self._proxy = ""  # where it is set
        self._wire = self._dialled()
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

    def _dialled(self) -> _Plain | _Encrypted:
        parts = urlsplit(self.url)
        kind = _Encrypted if parts.scheme == "https" else _Plain
        host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else str(parts.hostname)  # IPv6
        wire = kind(host, parts.port, timeout=TIMEOUT, retry=None, pool_size=None, verify=self._authority or True)
        wire.session.trust_env = parts.scheme == "https"  # a proxy for a loopback address would read the token
        wire.session.stream = True  # to check the size before all of it has arrived
        wire.session.get_redirect_target = _nowhere  # type: ignore[method-assign]
        if wire.session.trust_env:
            self._proxy = surroundings.check(wire.session, wire.adapter, self.url, self._authority)
        return wire

    def close(self) -> None:
        """Closes it."""
        self._wire.close()

    def exchange(self, call: Call) -> Response:
        """Sends one request, and gives up at the deadline, whatever it waits for: a name, a handshake, a byte.

        Raises:
            GitHubError: GitHub's certificate is not trusted, or a proxy refuses; nothing was sent.
            Unanswered: no complete response came.
        """
        wire, came = self._wire, list[Response | BaseException]()

        def work() -> None:
            try:
                came.append(self._sent(call, wire))
            except BaseException as error:  # for the waiting thread
                came.append(error)
            if wire is not self._wire:
                wire.close()

        worker = threading.Thread(target=work, daemon=True)  # socket timeouts apply to each byte
        worker.start()
        worker.join(DEADLINE)
        if not came:
            self._wire = self._dialled()
            raise Unanswered(f"GitHub sent no complete answer within {DEADLINE} s")
        if isinstance(came[0], BaseException):
            raise came[0]
        return came[0]

    def _sent(self, call: Call, wire: _Plain | _Encrypted) -> Response:
        wire.most = call.most
        try:
            headers = {"Accept": call.accept} if call.accept else {}
            parameters = dict(call.parameters or {})
            with suppress(_Came):
                self._requester.requestJson(call.verb, call.address, parameters, headers, call.body, wire)
            return wire.came
        except Unanswered:
            raise
        except OSError as error:  # a `RequestException` of requests is one
            raise causes.told(error, origin(self.url), self._proxy) from None
