"""Where GitHub is: its APIs and its website, from what a caller gives and what the environment says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gh_store_action.arguments import graphql_url_for, url

API = "https://api.github.com"
WEBSITE = "https://github.com"


@dataclass(frozen=True)
class Addresses:
    """The three addresses of one GitHub, without a slash at their ends."""

    api: str
    graphql: str
    server: str

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
                `api_url` is given, the other two do not count.
            api_url: empty for none, as the two behind it.
            name: of `api_url`, for messages.

        Raises:
            InputError: one is no address that a token may be sent to.
        """

        def found(given: str, argument: str, variable: str, default: str) -> str:
            said = "" if api_url else environ.get(variable, "").strip()
            return url(argument if given else variable, given or said or default)

        api = found(api_url, name, "GITHUB_API_URL", API)
        graphql = found(graphql_url, "graphql_url", "GITHUB_GRAPHQL_URL", graphql_url_for(api))
        beside = WEBSITE if api == API else api.removesuffix("/api/v3")
        return cls(api, graphql, found(server_url, "server_url", "GITHUB_SERVER_URL", beside))
