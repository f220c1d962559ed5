"""Why no response came, by the error that `requests` raises."""

from __future__ import annotations

import re

from requests.exceptions import ProxyError, SSLError
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from gh_store_action.arguments import NAME_AUTHORITY
from gh_store_action.domain.markdown import shorten, visible
from gh_store_action.errors import GitHubError
from gh_store_action.gateway.wire.surroundings import own_authority

LATER = "Nothing was lost. Try again later"
_TUNNEL = re.compile(r"Tunnel connection failed: ([0-9]{3})")  # as `http.client` says it
_PASSING = ("408", "429")  # too slow, too often
_UNVERIFIED = "certificate verify failed"
_MOST = 200  # characters of the system's words


def credentials(place: str = "the variable HTTPS_PROXY") -> tuple[str, str]:
    """What a proxy's status 407 means, and the next step."""
    return "A proxy asks for credentials (407).", f"Put them into the proxy's address in {place}."


class Unanswered(OSError):
    """No complete response came within the time or size limit; `str()` says what happened.

    Args:
        hint: the cause, as far as it is known, and the next step; empty for the usual one.
    """

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.hint = hint


class TooLarge(Unanswered):
    """The response is larger than any expected one."""


class Unsent(Unanswered):
    """There was no connection, so nothing was sent."""


def told(error: OSError, host: str, proxy: str) -> Unanswered | GitHubError:
    """The error to raise in its place: a `GitHubError` if it will not pass by itself.

    The kind of `error` does not tell whether something was sent: where a connection through a proxy breaks after that,
    urllib3 says `ProxyError` too.  So only what can happen before alone counts as `Unsent`.

    Args:
        host: scheme, host and port that the request was for.
        proxy: where it is set; empty if there is none.
    """
    _, unverified, why = str(error).lower().partition(_UNVERIFIED)
    if isinstance(error, SSLError) and unverified:
        why = why.strip(": ").partition(" (_ssl")[0]
        return GitHubError(f"The certificate of {host} could not be verified: {why}.", _remedy(why))
    problem = f"GitHub could not be reached or closed the connection ({type(error).__name__})"
    first = next(iter(error.args), None)
    reason = getattr(first, "reason", first)  # urllib3's own error
    cause = getattr(reason, "original_error", reason)  # of its `ProxyError`
    through = isinstance(error, ProxyError)
    tunnel = _TUNNEL.match(str(cause)) if through and isinstance(cause, OSError) else None
    if tunnel:
        return _refused(tunnel[1], problem, host, proxy)
    if isinstance(cause, ConnectTimeoutError):
        where = f"The proxy in {proxy} cannot be used" if through else f"No connection to {host}"
        return Unsent(problem, f"{where}: {_words(cause)}. {LATER}, or check that address.")
    return Unanswered(problem, f"{LATER}, see githubstatus.com, and check the proxy in {proxy}." if proxy else "")


def _refused(status: str, problem: str, host: str, proxy: str) -> Unanswered | GitHubError:
    """The error if a proxy answered with this status instead of connecting to the host."""
    if status == "407":
        return GitHubError(*credentials(proxy))
    if status in _PASSING or not status.startswith("4"):
        return Unsent(problem, f"The proxy in {proxy} could not connect to {host} ({status}). {LATER}.")
    return GitHubError(
        f"The proxy in {proxy} refused to connect to {host} ({status}).",
        "Ask whoever runs it to allow that, or name the host in the variable NO_PROXY.",
    )


def _remedy(why: str) -> str:
    """What helps against a certificate that could not be verified."""
    if "expired" in why or "not yet valid" in why:
        return "Check this machine's clock. If it is right, whoever runs the server has to renew the certificate."
    if "mismatch" in why:
        return f"Check the address, and whether a proxy answers there. {NAME_AUTHORITY}"
    own = own_authority()
    return f"Add the certificate of its authority to the file that {own} names." if own else NAME_AUTHORITY


def _words(error: ConnectTimeoutError) -> str:
    """What hindered a connection, mostly in the system's words."""
    if isinstance(error, NameResolutionError):
        return "no such name is known here"
    if not isinstance(error, NewConnectionError):
        return "nobody answered in time"
    words = getattr(error.__cause__, "strerror", None) or str(error.__cause__)
    return visible(shorten(" ".join(words.split()).rstrip("."), _MOST))
