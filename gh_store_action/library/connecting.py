"""From a repository and a token to a session, and once more behind pickle, which no token passes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gh_store_action.config.store_config import LOCAL_FILE
from gh_store_action.errors import InputError
from gh_store_action.gateway.endpoints import Addresses
from gh_store_action.gateway.issues import GitHub
from gh_store_action.gateway.transport import Transport
from gh_store_action.store.session import Session

TOKENS = ("GITHUB_TOKEN", "GH_TOKEN")


@dataclass(frozen=True)
class Place:
    """Where a store is, and which local configuration it was opened with; without the token.

    Args:
        local: the text of the configuration file, None where there is none; with `source`, its path.
    """

    repository: str
    api_url: str
    graphql_url: str
    server_url: str
    local: str | None = None
    source: str = LOCAL_FILE

    @classmethod
    def of(cls, session: Session) -> Place:
        """That of a store that is open."""
        transport = session.github.transport
        return cls(
            session.github.repository,
            transport.api_url,
            transport.graphql_url,
            session.server_url,
            session.local,
            session.local_source,
        )

    def session(
        self,
        token: str,
        *,
        authority: str = "",
        pause: Callable[[float], None] = time.sleep,
        log: Callable[[str], None] = lambda line: None,
    ) -> Session:
        """A session with a connection of its own."""
        transport = Transport(
            token=token, api_url=self.api_url, graphql_url=self.graphql_url, authority=authority, pause=pause, log=log
        )
        github = GitHub(transport, self.repository)
        return Session(github, local=self.local, local_source=self.source, server_url=self.server_url)


def token_of(environ: Mapping[str, str]) -> str:
    """The token of a process that unpickles a store.

    Raises:
        InputError: it has none.
    """
    for name in TOKENS:
        if token := environ.get(name, "").strip():
            return token
    raise InputError(
        "A store is pickled without its token, and this process has none.",
        f"Set the variable {TOKENS[0]} before the store is unpickled.",
    )


def again(kind: Any, place: Place, dry_run: bool) -> Any:
    """The store that was pickled, with this process's token."""
    authority = Addresses.of(os.environ, place.api_url, place.graphql_url, place.server_url).authority
    return kind.over(place.session(token_of(os.environ), authority=authority), dry_run=dry_run)
