"""Mode: writes the page that shows a store, with its configuration, to a folder that any web server can serve."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from urllib.parse import urlsplit

from gh_store_action.domain.records import Rules
from gh_store_action.errors import InputError, StoreError
from gh_store_action.store.session import Session
from gh_store_action.workspace.files import Workspace

PAGE = "index.html"
CONFIGURATION = "config.json"
SNAPSHOT_URL = "store-snapshot.json"  # next to the page

_POLICY = "connect-src 'self' https://api.github.com;"  # of the page as it is built
_ADDRESS = re.compile(r"(?:https?://[A-Za-z0-9.:\[\]-]+/)?(?!/)[A-Za-z0-9._~!$&*+=@%/-]*")


@dataclass(frozen=True)
class Site:
    """What was written.

    Args:
        path: of the folder, relative to the workspace.
        files: the page's number of files.
        changed: paths of the files that changed.
    """

    path: str
    files: int
    changed: tuple[str, ...]


def write_site(
    session: Session,
    workspace: Workspace,
    output: str,
    snapshot_url: str,
    *,
    api_url: str,
    server_url: str,
    dry_run: bool = False,
) -> Site:
    """Writes the page: one request, for the store's rules.

    Args:
        output: the folder, inside the workspace; other files in it stay.
        snapshot_url: of the snapshot that the page reads: absolute, or relative to the page.

    Raises:
        InputError: the folder cannot be written, a file in it is a link, or the address is not valid.
        StoreError: writing failed.
    """
    folder = workspace.check_output(output, folder=True)
    address = checked_address(snapshot_url)
    session.ensure()
    origins = [origin for url in (api_url, address) if (origin := _origin(url))]
    pages = {**bundle(), CONFIGURATION: _configuration(session, api_url, server_url, address)}
    pages[PAGE] = _allowing(pages[PAGE], origins)
    written = {f"{folder}/{name}": data for name, data in pages.items()}
    for path in written:
        if workspace.output(path) != path:
            raise InputError(f"The file {path!r} is a symbolic link.", "Remove it, or choose another folder.")
    if dry_run:
        changed = tuple(sorted(path for path, data in written.items() if workspace.read(path) != data))
    else:
        changed = workspace.write(written)
    return Site(folder, len(written), changed)


def bundle() -> Mapping[str, bytes]:
    """The page's files by name, as built from `web/site`.

    Raises:
        StoreError: this installation has none.
    """
    found = {entry.name: entry.read_bytes() for entry in (files("gh_store_action") / "site").iterdir()}
    if PAGE not in found:
        raise StoreError("This installation has no page.", "Reinstall the package gh-store-action.")
    return found


def checked_address(text: str) -> str:
    """The address itself, if a page may read it.

    Raises:
        InputError: a page may not.
    """
    if not text or not _ADDRESS.fullmatch(text):
        raise InputError(
            f"The address of the snapshot, {text[:200]!r}, is neither relative to the page nor one that begins with "
            "https://.",
            f"Use one such as {SNAPSHOT_URL!r}.",
        )
    return text


def _origin(url: str) -> str:
    """Scheme and host; empty for a relative address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _allowing(page: bytes, origins: list[str]) -> bytes:
    """The page with a policy that lets it connect only to these hosts."""
    policy = " ".join(("connect-src 'self'", *dict.fromkeys(origins)))
    return page.replace(_POLICY.encode(), f"{policy};".encode())


def _configuration(session: Session, api_url: str, server_url: str, snapshot_url: str) -> bytes:
    value = {
        "repository": session.github.repository,
        "api": api_url,
        "server": server_url,
        "snapshot": snapshot_url,
        "rules": dict(_rules(session.rules)),
    }
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


def _rules(rules: Rules) -> Iterator[tuple[str, object]]:
    """The rules by the client's names."""
    yield "baseLabel", rules.base_label
    yield "uidPrefix", rules.uid_prefix
    yield "archivedLabel", rules.archived_label
    yield "processors", sorted(rules.processors)
    # Without CODEOWNERS and team members: a page cannot ask for them, so it trusts fewer people.
    yield (
        "access",
        [{"match": one.match, "permission": one.permission, "users": sorted(one.users)} for one in rules.access],
    )
    reactions = rules.reactions
    yield (
        "reactions",
        {
            "processed": reactions.processed,
            "rejected": reactions.rejected,
            "unauthorized": reactions.unauthorized,
            "initialState": reactions.initial_state,
        },
    )
