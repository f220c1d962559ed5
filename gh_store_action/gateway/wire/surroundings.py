"""What `requests` takes from the environment: a proxy and certificates, checked before use, and their variables."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidSchema
from requests.utils import prepend_scheme_if_needed, select_proxy
from urllib3.util import parse_url

from gh_store_action.arguments import shown
from gh_store_action.errors import InputError
from gh_store_action.regular_files import MIB, content

OWN_AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # in the order in which requests reads them
_PROXIES = ("https_proxy", "all_proxy")  # the first counts
_SYSTEM = "the system's settings"
MOST_OF_CERTIFICATES = 16 * MIB  # the usual bundles have a quarter of one


def placeable(address: str) -> bool:
    """Whether the address has a host name that can exist; `a..b` cannot."""
    try:
        host = urlsplit(str(requests.Request("GET", address).prepare().url)).hostname
        return bool(str(host).encode("idna"))
    except ValueError:
        return False


def own_authority() -> str:
    """The variable by which `requests` itself finds certificates; empty if neither is set."""
    return next((name for name in OWN_AUTHORITIES if os.environ.get(name)), "")


def check_certificates(variable: str, path: str, *, folder: bool = False) -> None:
    """Looks whether certificates can be read.

    Args:
        folder: whether it may be a folder of certificates, each under its hash.

    Raises:
        InputError: they cannot; it names the variable and the file.
    """
    if folder and Path(path).is_dir():
        return
    try:
        content(path, MOST_OF_CERTIFICATES)  # does not wait for a FIFO, as opening it by name would
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError as error:
        raise InputError(
            f"No certificate can be read from {shown(path, 200)}, set in {variable}: {error.strerror or error}.",
            "Set it to a file of PEM certificates. In the container, the workspace is /github/workspace.",
        ) from None


def check(session: requests.Session, adapter: HTTPAdapter, url: str, authority: str) -> str:
    """Where the proxy is set that `requests` will use for that address; empty if it uses none.

    Args:
        authority: a file of certificates that is already checked; empty if `requests` looks for its own.

    Raises:
        InputError: the proxy's address or the certificates cannot be used.  It names the variable, and no part of the
            proxy's address, which may hold a password.
    """
    own = "" if authority else own_authority()
    if own:
        check_certificates(own, os.environ[own], folder=True)
    proxy = select_proxy(url, session.merge_environment_settings(url, {}, True, True, None)["proxies"])
    if not proxy:
        return ""
    named = [name for name, value in os.environ.items() if value == proxy and name.lower() in _PROXIES]
    place = f"the variable {min(named, key=lambda name: _PROXIES.index(name.lower()))}" if named else _SYSTEM
    if fault := _fault_of(adapter, proxy):
        raise InputError(f"The proxy in {place} {fault}.", "An address looks like http://user:password@host:8080.")
    return place


def _fault_of(adapter: HTTPAdapter, proxy: str) -> str:
    """Why a proxy's address cannot be used, by the checks of `requests`; empty if it can be tried."""
    try:
        address = prepend_scheme_if_needed(proxy, "http")
        if not placeable(f"http://{parse_url(address).host or ''}"):
            return "has no valid host"
        adapter.proxy_manager_for(address)
    except InvalidSchema:
        return "speaks SOCKS, and only HTTP proxies can be used"
    except UnicodeEncodeError:  # RFC 7617 leaves the encoding open; requests has Latin-1
        return "has a user name or password with characters beyond Latin-1, which cannot be sent"
    except ValueError:
        return "is not the address of an HTTP proxy"
    return ""
