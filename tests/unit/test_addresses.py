"""Where GitHub is, by what was given and what the environment says."""

import pytest

from gh_store_action.errors import InputError
from gh_store_action.gateway.endpoints import Addresses

GITHUB = Addresses("https://api.github.com", "https://api.github.com/graphql", "https://github.com")
SERVER = Addresses("https://ghe.example/api/v3", "https://ghe.example/api/graphql", "https://ghe.example")
VARIABLES = {
    "GITHUB_API_URL": "https://api.x.example/",
    "GITHUB_GRAPHQL_URL": "https://graph.x.example",
    "GITHUB_SERVER_URL": "https://x.example",
}


@pytest.mark.parametrize(
    ("environ", "given", "found"),
    [
        ({}, {}, GITHUB),
        ({"GITHUB_API_URL": " "}, {}, GITHUB),
        ({"GITHUB_API_URL": SERVER.api}, {}, SERVER),
        (VARIABLES, {}, Addresses("https://api.x.example", "https://graph.x.example", "https://x.example")),
        (VARIABLES, {"api_url": SERVER.api}, SERVER),
        (VARIABLES, {"api_url": GITHUB.api}, GITHUB),
        (
            VARIABLES,
            {"graphql_url": "https://own.example", "server_url": "https://web.example"},
            Addresses("https://api.x.example", "https://own.example", "https://web.example"),
        ),
    ],
)
def test_addresses__what_is_given_counts_before_the_variables(
    environ: dict[str, str], given: dict[str, str], found: Addresses
) -> None:
    assert Addresses.of(environ, **given) == found


@pytest.mark.parametrize(
    ("environ", "given", "said"),
    [
        ({"GITHUB_API_URL": "x"}, {}, "GITHUB_API_URL is not"),
        ({"GITHUB_GRAPHQL_URL": "x"}, {}, "GITHUB_GRAPHQL_URL is not"),
        ({}, {"api_url": "x", "name": "--api-url"}, "--api-url is not"),
        ({}, {"graphql_url": "ftp://x.example"}, "graphql_url is not"),
    ],
)
def test_addresses__a_wrong_one_is_named_by_where_it_comes_from(
    environ: dict[str, str], given: dict[str, str], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        Addresses.of(environ, **given)
