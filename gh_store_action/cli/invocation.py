"""One call of the command: turns the common options and the environment into gateways, a log and a store."""

from __future__ import annotations

import time
from contextlib import nullcontext
from datetime import datetime
from functools import cached_property
from pathlib import Path

import click

from gh_store_action.arguments import repository, token
from gh_store_action.cli.data import as_input
from gh_store_action.cli.options import REPOSITORIES, TOKENS, Call
from gh_store_action.config.defaults import dump_local, write_new
from gh_store_action.config.store_config import LOCAL_FILE, LogConfig, parse_local, read_local
from gh_store_action.errors import InputError, StoreError
from gh_store_action.gateway.endpoints import Addresses
from gh_store_action.gateway.issues import GitHub
from gh_store_action.gateway.transport import Transport
from gh_store_action.library.github_store import GitHubStore
from gh_store_action.regular_files import expanded
from gh_store_action.store.session import Session
from gh_store_action.workspace.files import Workspace
from gh_store_action.workspace.surroundings import repository_here, token_of_gh


class Invocation:
    """What the commands work with; all but the screen is created on first use.

    Args:
        call: with the environment and the common options.
    """

    def __init__(self, call: Call) -> None:
        self.call = call
        self.environ = call.environ
        self.options = call.options
        self.screen = call.screen

    @property
    def config(self) -> str | None:
        """The path of a local configuration file; None for the default."""
        path: str | None = self.options.get("config")
        return path

    @cached_property
    def token(self) -> str:
        """The token.

        Raises:
            InputError: there is none, or it cannot be a token.
        """
        given = str(self.options.get("token") or "").strip()
        text = given or self._variable(TOKENS)
        if not text:
            text = self.call.kept = token_of_gh(self.environ, self.addresses.server)
        if not text:
            raise InputError("No token found.", "Set the variable GITHUB_TOKEN, or run `gh auth login`.")
        return token("token", text).secret

    @cached_property
    def repository(self) -> str:
        """The store's `owner/name`.

        Raises:
            InputError: there is none, or it is not of that form.
        """
        text = str(self.options.get("repo") or "").strip() or self._variable(REPOSITORIES)
        text = text or repository_here(self.environ, self.addresses.server)
        if not text:
            raise InputError(
                "No repository found.",
                "Pass --repo owner/name, set the variable GITHUB_REPOSITORY, or run this in a checkout of it.",
            )
        return repository("--repo", text)

    def _variable(self, names: tuple[str, ...]) -> str:
        """The first of these variables that is not empty; empty if all are."""
        return next((text for name in names if (text := self.environ.get(name, "").strip())), "")

    @cached_property
    def addresses(self) -> Addresses:
        """GitHub's addresses.

        Raises:
            InputError: `--api-url` or a variable is not an address.
        """
        return Addresses.of(self.environ, str(self.options.get("api_url") or ""), name="--api-url")

    @cached_property
    def transport(self) -> Transport:
        """The connection to GitHub; `close` closes it."""
        where = self.addresses
        return Transport(
            token=self.token, api_url=where.api, graphql_url=where.graphql, authority=where.authority, log=self.say
        )

    @cached_property
    def session(self) -> Session:
        """The store's rules, and who the token is.

        Raises:
            StoreError: an option, a variable or the local file is wrong; a bad `--config` file is a wrong input.
        """
        with as_input() if self.config else nullcontext():
            local = read_local(self.config)
            parse_local(local or "", source=self.config or LOCAL_FILE)
        context = click.get_current_context()
        if local is None and not context.params.get("dry_run") and not context.resilient_parsing:
            self._leave_the_default()
        repository = self.repository
        self.screen.wait()
        session = Session(
            GitHub(self.transport, repository),
            local=local,
            local_source=self.config or LOCAL_FILE,
            server_url=self.addresses.server,
        )
        self.__dict__["session"] = session  # already for the log below, whose level the session knows
        if self.options.get("token"):
            self.say("Other users can see --token in the process list; set GITHUB_TOKEN instead.", level="WARNING")
        return session

    def _leave_the_default(self) -> None:
        """Writes the default configuration to its usual path; goes on without it if that fails."""
        try:
            write_new(expanded(LOCAL_FILE), dump_local())
        except StoreError as error:
            self.say(f"Cannot write the default configuration. {error.what}", level="DEBUG")

    def store(self, *, dry_run: bool = False, quiet: bool = False) -> GitHubStore:
        """The library's store, on the same connection.

        Args:
            quiet: do not log what listings leave out.
        """
        return GitHubStore.over(self.session, dry_run=dry_run, log=(lambda _: None) if quiet else self.warn)

    def workspace(self, root: Path) -> Workspace:
        """The files in a folder."""
        return Workspace(root, self.environ, self.addresses.server, self.token, time.sleep)

    def say(self, text: str, *, level: str = "INFO") -> None:
        """Logs a line by `log.level` and `log.format`; `--verbose` shows every level."""
        session = self.__dict__.get("session")
        log = session.config.log if session else LogConfig()
        if self.call.verbose or log.shows(level):
            now = datetime.now().astimezone().isoformat(timespec="milliseconds")
            self.screen.line(log.format.format(time=now, level=level, message=self.call.redact(text)))

    def warn(self, text: str) -> None:
        """Logs a warning."""
        self.say(text, level="WARNING")

    def close(self) -> None:
        """Closes the connection."""
        if "transport" in self.__dict__:
            self.transport.close()


def invocation() -> Invocation:
    """The invocation of the running command."""
    found = click.get_current_context().find_root().obj
    if not isinstance(found, Call):
        raise TypeError("the command runs outside of `gh-store`")
    work = found.work = Invocation(found)
    return work
