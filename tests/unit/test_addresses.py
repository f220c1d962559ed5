"""Where GitHub is, by what was given and what the environment says."""

import ssl
from pathlib import Path

import certifi
import pytest

from gh_store_action.errors import InputError
from gh_store_action.gateway.endpoints import Addresses
from tests.support.no_files import NO_FILES

GITHUB = Addresses("https://api.github.com", "https://api.github.com/graphql", "https://github.com")
SERVER = Addresses("https://ghe.example/api/v3", "https://ghe.example/api/graphql", "https://ghe.example")
VARIABLES = {
    "GITHUB_API_URL": "https://api.x.example/",
    "GITHUB_GRAPHQL_URL": "https://api.x.example/graph",
    "GITHUB_SERVER_URL": "https://x.example",
}


@pytest.mark.parametrize(
    ("environ", "given", "found"),
    [
        ({}, {}, GITHUB),
        ({"GITHUB_API_URL": " "}, {}, GITHUB),
        ({"GITHUB_API_URL": SERVER.api}, {}, SERVER),
        (VARIABLES, {}, Addresses("https://api.x.example", "https://api.x.example/graph", "https://x.example")),
        (VARIABLES, {"api_url": SERVER.api}, SERVER),
        (VARIABLES, {"api_url": GITHUB.api}, GITHUB),
        (
            VARIABLES,
            {"graphql_url": "https://api.x.example/own", "server_url": "https://web.example"},
            Addresses("https://api.x.example", "https://api.x.example/own", "https://web.example"),
        ),
        (
            {"GITHUB_API_URL": "https://api.octo.ghe.com"},
            {},
            Addresses("https://api.octo.ghe.com", "https://api.octo.ghe.com/graphql", "https://octo.ghe.com"),
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
        ({"GITHUB_API_URL": "https://a..b"}, {}, "GITHUB_API_URL is not .* no host can have that name"),
        ({"GITHUB_API_URL": f"https://{'a' * 64}.com"}, {}, "GITHUB_API_URL is not .* no host can have that name"),
        ({"GITHUB_API_URL": "https://*.x"}, {}, "GITHUB_API_URL is not .* no host can have that name"),
        ({"GITHUB_API_URL": "https://\u2603\u200d.x"}, {}, "GITHUB_API_URL is not .* no host can have that name"),
        ({"GITHUB_SERVER_URL": "https://a..b"}, {}, "GITHUB_SERVER_URL is not .* no host can have that name"),
    ],
)
def test_addresses__a_wrong_one_is_named_by_where_it_comes_from(
    environ: dict[str, str], given: dict[str, str], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        Addresses.of(environ, **given)


@pytest.mark.parametrize(
    ("environ", "given", "names"),
    [
        ({"GITHUB_GRAPHQL_URL": "https://api.github.com/graphql", "GITHUB_API_URL": SERVER.api}, {}, "GITHUB_API_URL"),
        ({"GITHUB_GRAPHQL_URL": SERVER.graphql}, {}, "GITHUB_API_URL"),
        ({"GITHUB_GRAPHQL_URL": "http://localhost/graphql", "GITHUB_API_URL": "http://localhost:81"}, {}, "localhost"),
        ({}, {"api_url": SERVER.api, "graphql_url": GITHUB.graphql, "name": "--api-url"}, "--api-url"),
    ],
)
def test_addresses__of_two_hosts_are_refused_for_one_of_them_would_get_the_others_token(
    environ: dict[str, str], given: dict[str, str], names: str
) -> None:
    with pytest.raises(InputError, match="two different hosts.* Omit .*: it follows from") as told:
        Addresses.of(environ, **given)
    assert names in str(told.value)


def test_authority__is_a_file_of_certificates_where_the_api_is_encrypted(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    for kind, make in NO_FILES.items():
        make(tmp_path / kind)
    for file in (tmp_path / "missing.pem", broken, *(tmp_path / kind for kind in NO_FILES)):
        with pytest.raises(InputError, match="No certificate can be read from .* set in SSL_CERT_FILE"):
            Addresses.of({"SSL_CERT_FILE": str(file)})
        assert Addresses.of({"SSL_CERT_FILE": str(file)}, "http://localhost:1").authority == ""
    usual = ssl.get_default_verify_paths().cafile or certifi.where()
    assert Addresses.of({"SSL_CERT_FILE": usual}).authority == usual
    assert Addresses.of({"SSL_CERT_FILE": usual, "REQUESTS_CA_BUNDLE": "its own"}).authority == ""
