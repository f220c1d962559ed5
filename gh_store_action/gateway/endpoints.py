"""GitHub's addresses: its APIs and website, from the caller's arguments and the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from gh_store_action.arguments import AUTHORITY, graphql_url_for, url
from gh_store_action.errors import InputError
from gh_store_action.gateway.wire.surroundings import OWN_AUTHORITIES, check_certificates, placeable

API = "https://api.github.com"
WEBSITE = "https://github.com"


@dataclass(frozen=True)
class Addresses:
    """The three addresses of one GitHub, without a trailing slash, and the certificates to trust.

    Args:
        authority: a file of certificates; empty for the usual ones.
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
        """The arguments count first, then the variables; the rest follows from the REST API's address.

        Args:
            environ: with GITHUB_API_URL, GITHUB_GRAPHQL_URL and GITHUB_SERVER_URL, which belong together: if `api_url`
                is given, the other two do not count.  SSL_CERT_FILE has the path of the certificates to trust.
            api_url: empty for none, like the next two.
            name: of `api_url`, for messages.

        Raises:
            InputError: a token may not be sent to one of them, they are on two hosts, or the file has no certificates.
        """

        def found(given: str, argument: str, variable: str, default: str) -> tuple[str, str]:
            said = "" if api_url else environ.get(variable, "").strip()
            called = argument if given else variable
            address = url(called, given or said or default)
            if not placeable(address):
                raise InputError(
                    f"{called} is not the address of an API: no host can have that name.",
                    "An address looks like https://api.github.com.",
                )
            return called, address

        (rest, api) = found(api_url, name, "GITHUB_API_URL", API)
        (twin, graphql) = found(graphql_url, "graphql_url", "GITHUB_GRAPHQL_URL", graphql_url_for(api))
        if origin(graphql) != origin(api):
            raise InputError(
                f"{rest} is at {origin(api)} and {twin} at {origin(graphql)}, so the token would go to two different "
                "hosts.",
                f"Omit {twin}: it follows from {rest}.",
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


def resolved(here: str, target: str) -> tuple[str, str]:
    """The address to which a redirect leads from here, and its origin (RFC 9110, section 10.2.2)."""
    try:
        place = urljoin(here, target)
        return place, origin(place)
    except ValueError:
        return target, target  # not an address


def _authority(environ: Mapping[str, str]) -> str:
    file = environ.get(AUTHORITY, "").strip()
    if not file or any(environ.get(name) for name in OWN_AUTHORITIES):  # requests reads those itself, and not AUTHORITY
        return ""
    check_certificates(AUTHORITY, file)
    return file
