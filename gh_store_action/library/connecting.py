"""Opens a session for a repository and a token, also after unpickling: a pickle has no token."""

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
    """A store's place and local configuration, without the token.

    Args:
        local: the text of the configuration file, or None; `source` is its path.
    """

    repository: str
    api_url: str
    graphql_url: str
    server_url: str
    local: str | None = None
    source: str = LOCAL_FILE

    @classmethod
    def of(cls, session: Session) -> Place:
        """The place of an open store."""
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
        """A session with its own connection."""
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
        "A pickled store has no token, and neither does this process.",
        f"Set the variable {TOKENS[0]} before unpickling the store.",
    )


def again(kind: Any, place: Place, dry_run: bool) -> Any:
    """The store that was pickled, with this process's token."""
    authority = Addresses.of(os.environ, place.api_url, place.graphql_url, place.server_url).authority
    return kind.over(place.session(token_of(os.environ), authority=authority), dry_run=dry_run)
