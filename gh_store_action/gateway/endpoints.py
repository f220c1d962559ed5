"""Where GitHub is: its APIs and its website, from what a caller gives and what the environment says."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from gh_store_action.arguments import AUTHORITY, graphql_url_for, shown, url
from gh_store_action.errors import InputError

API = "https://api.github.com"
WEBSITE = "https://github.com"
_OWN_AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # read by requests itself, which knows no AUTHORITY


@dataclass(frozen=True)
class Addresses:
    """The three addresses of one GitHub, without a slash at their ends, and who vouches for it.

    Args:
        authority: a file of certificates, empty for the usual ones.
    """

    api: str
    graphql: str
    server: str
    authority: str = ""

    @classmethod
    def of(
        cls,
        environ: Mapping[str, str],
        api_url: str = "",
        graphql_url: str = "",
        server_url: str = "",
        *,
        name: str = "api_url",
    ) -> Addresses:
        """What is given counts, then the variables; what neither says follows from the address of the REST API.

        Args:
            environ: with GITHUB_API_URL, GITHUB_GRAPHQL_URL and GITHUB_SERVER_URL, which belong together: where
                `api_url` is given, the other two do not count.  SSL_CERT_FILE names the certificates to trust.
            api_url: empty for none, as the two behind it.
            name: of `api_url`, for messages.

        Raises:
            InputError: one is no address that a token may be sent to, they are of two hosts, or there are no
                certificates in the file.
        """

        def found(given: str, argument: str, variable: str, default: str) -> tuple[str, str]:
            said = "" if api_url else environ.get(variable, "").strip()
            called = argument if given else variable
            return called, url(called, given or said or default)

        (rest, api) = found(api_url, name, "GITHUB_API_URL", API)
        (twin, graphql) = found(graphql_url, "graphql_url", "GITHUB_GRAPHQL_URL", graphql_url_for(api))
        if origin(graphql) != origin(api):
            raise InputError(
                f"{rest} is at {origin(api)} and {twin} at {origin(graphql)}: two hosts, of which one gets the token "
                "in vain.",
                f"Leave {twin} out: it follows from {rest}.",
            )
        beside = WEBSITE if api == API else api.removesuffix("/api/v3")
        if beside.endswith(".ghe.com"):  # data residency: https://api.SUBDOMAIN.ghe.com
            beside = beside.replace("://api.", "://", 1)
        _, server = found(server_url, "server_url", "GITHUB_SERVER_URL", beside)
        return cls(api, graphql, server, _authority(environ) if api.startswith("https:") else "")


def origin(address: str) -> str:
    """Scheme, host and port of an address."""
    parts = urlsplit(address)
    usual = {"https": ":443", "http": ":80"}.get(parts.scheme, "")
    return f"{parts.scheme}://{parts.netloc.lower().removesuffix(usual)}"


def _authority(environ: Mapping[str, str]) -> str:
    file = environ.get(AUTHORITY, "").strip()
    if not file or any(environ.get(name) for name in _OWN_AUTHORITIES):
        return ""
    try:
        ssl.create_default_context(cafile=file)
    except OSError as error:
        raise InputError(
            f"{AUTHORITY} names {shown(file, 200)}, from which no certificate can be read: {error.strerror or error}.",
            "Name a file of certificates in PEM form; in the container the workspace is /github/workspace.",
        ) from None
    return file
