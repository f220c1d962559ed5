"""GitHub itself: start it, fill it, talk to it, save and restore it."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .access import Principal
from .clock import Clock
from .events import EventLog
from .faults import Faults
from .git_http import GitRequest
from .hub import Hub, Options, Saved
from .lag import Delays
from .model import BOT, BOT_ID, Account, Organization, RepositoryRecord, is_app
from .repository import Repository
from .server import Desk, Server
from .traffic import RequestLog


class GitHub:
    """A GitHub on 127.0.0.1. Use it as a context manager, or ``start`` and ``close`` it.

    Args:
        port: 0 for any free one.
        directory: where bare repositories go; a temporary one unless given.

    Attributes:
        faults: what goes wrong, see ``Faults``.
        requests, git_requests: what was asked.
        before_request, after_request: callbacks given the request's record, called under no lock.
        gate: an object with ``enter(request)`` and ``leave(request)``, see ``Gate``.
        latency: seconds that every API request takes in addition.
    """

    def __init__(self, port: int = 0, directory: Path | None = None) -> None:
        self._temporary = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix="loopback-github-"))
        self.hub = Hub(self.directory)
        self._desk = Desk(self.hub)
        self._server = Server(self._desk, port)
        self.url = self.hub.base = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread: threading.Thread | None = None
        self._counts: dict[str, int] = {}
        self.hub.add_account(BOT, "Bot", BOT_ID)

    # --- life ----------------------------------------------------------------------------------------------------

    def start(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop, close all connections, remove temporary repositories."""
        self._desk.closed.set()
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()
        with self._desk.connections_lock:
            open_ones = list(self._desk.connections)
        for connection in open_ones:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        if self._temporary:
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if kind is None and self.failures:
            raise AssertionError("The loopback GitHub itself failed:\n" + "\n".join(self.failures))
        if kind is None and (leaks := self.leaks()):
            raise AssertionError("A token left the Authorization header:\n" + "\n".join(leaks))

    # --- addresses -----------------------------------------------------------------------------------------------

    @property
    def server_url(self) -> str:
        """What ``GITHUB_SERVER_URL`` is."""
        return self.url

    @property
    def api_url(self) -> str:
        """What ``GITHUB_API_URL`` is, in the style of a GitHub Enterprise Server."""
        return f"{self.url}/api/v3"

    @property
    def graphql_url(self) -> str:
        """What ``GITHUB_GRAPHQL_URL`` is."""
        return f"{self.url}/api/graphql"

    # --- what can be set and looked at ---------------------------------------------------------------------------

    @property
    def clock(self) -> Clock:
        return self.hub.world.clock

    @property
    def options(self) -> Options:
        return self.hub.options

    @property
    def delays(self) -> Delays:
        """By how many requests views lag behind; set them before the write that is to show late."""
        return self.hub.delays

    @property
    def events(self) -> EventLog:
        return self.hub.events

    @property
    def faults(self) -> Faults:
        return self._desk.faults

    @property
    def requests(self) -> RequestLog:
        return self._desk.requests

    @property
    def git_requests(self) -> list[GitRequest]:
        return self._desk.git_requests

    @property
    def before_request(self) -> list[Any]:
        return self._desk.before_request

    @property
    def after_request(self) -> list[Any]:
        return self._desk.after_request

    @property
    def gate(self) -> Any:
        return self._desk.gate

    @gate.setter
    def gate(self, gate: Any) -> None:
        self._desk.gate = gate

    @property
    def latency(self) -> float:
        return self._desk.latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self._desk.latency = seconds

    @property
    def failures(self) -> list[str]:
        """Tracebacks of bugs in the server or in callbacks."""
        return self._desk.failures

    def leaks(self) -> list[str]:
        """Requests, to the API and to git, with a token anywhere but in the Authorization header: every test asks."""
        found = []
        for request in (*self.requests, *self.git_requests):
            others = [value for name, value in request.headers.items() if name.lower() != "authorization"]
            sent = "\n".join([request.path, request.query, str(getattr(request, "body", "")), *others])
            if any(token in sent for token in self._desk.hub.tokens):
                found.append(f"{request.method} {request.path.split('?')[0][:80]}")
        return found

    def count(self, **fields: Any) -> int:
        """How many API requests were made, or how many with these field values, see ``Request``."""
        return self.requests.count(**fields)

    # --- accounts and tokens -------------------------------------------------------------------------------------

    def add_user(self, login: str, type: str | None = None) -> Account:
        """An account; ``type`` is ``User``, ``Bot`` (what ends in ``[bot]`` is one) or ``Organization``. The one there
        is if it exists."""
        with self.hub.lock:
            return self.hub.add_account(login, type or ("Bot" if is_app(login) else "User"))

    def delete_user(self, login: str) -> None:
        """The account goes, and its roles with it; what it wrote stays, by nobody (GraphQL: author, editor, actor and
        user are null) or ``ghost`` (REST)."""
        with self.hub.lock:
            for repo in self.hub.world.repositories.values():
                repo.forget(login.lower())
            for organization in self.hub.world.organizations.values():
                organization.members.pop(login.lower(), None)
                for members in organization.teams.values():
                    members.pop(login, None)
            del self.hub.world.accounts[login.lower()]
            for value, principal in list(self.hub.tokens.items()):
                if principal.login.lower() == login.lower():
                    del self.hub.tokens[value]

    def add_org(
        self,
        login: str,
        members: Mapping[str, str] | None = None,
        public: tuple[str, ...] = (),
    ) -> Account:
        """An organisation with members (login -> ``member`` or ``admin``), private ones unless named in ``public``."""
        with self.hub.lock:
            account = self.hub.add_account(login, "Organization")
            organization = self.hub.world.organizations.setdefault(login.lower(), Organization())
            for member, role in (members or {}).items():
                self.add_user(member)
                organization.members[member.lower()] = (role, member in public)
            return account

    def remove_member(self, org: str, login: str) -> None:
        """A member leaves an organisation and its teams."""
        with self.hub.lock:
            for repo in self.hub.world.repositories.values():
                if repo.owner.lower() == org.lower():
                    self.hub.lag_permission(repo, login)
            organization = self.hub.world.organizations[org.lower()]
            del organization.members[login.lower()]
            for members in organization.teams.values():
                members.pop(login, None)

    def add_team(self, org: str, slug: str, members: Mapping[str, str]) -> None:
        """A team with members (login -> ``member`` or ``maintainer``)."""
        with self.hub.lock:
            self.hub.world.organizations[org.lower()].teams[slug] = dict(members)

    def token(self, login: str) -> str:
        """A new personal token; the user is added if need be."""
        self.add_user(login)
        return self.issue_token(login, kind="personal")

    def issue_token(
        self,
        login: str,
        *,
        kind: str,
        repository: int | None = None,
        permissions: Mapping[str, str] | None = None,
    ) -> str:
        with self.hub.lock:
            base = "workflow" if kind == "workflow" else login
            number = self._counts[base] = self._counts.get(base, 0) + 1
            value = f"{'ghp' if kind == 'personal' else 'ghs'}_{base.replace('[bot]', '')}{number:04d}{'x' * 24}"
            label = f"{base}-{number}"
            principal = Principal(login, kind, label, value, repository, dict(permissions or {}))
            self.hub.tokens[value] = principal
            return value

    def revoke(self, token: str) -> None:
        """From now on the token is unknown: 401."""
        with self.hub.lock:
            del self.hub.tokens[token]

    def set_rate_limit(
        self, token: str, resource: str = "core", *, remaining: int | None = None, limit: int | None = None
    ) -> None:
        """Set what is left, or the limit, of a token's bucket (``core`` or ``graphql``)."""
        with self.hub.lock:
            bucket = self.hub.bucket(self.hub.tokens[token], resource)
            bucket.limit = bucket.limit if limit is None else limit
            if remaining is not None:
                bucket.used = bucket.limit - remaining

    # --- repositories --------------------------------------------------------------------------------------------

    def add_repository(
        self,
        full_name: str,
        *,
        private: bool = False,
        issues: bool = True,
        default_branch: str = "main",
        files: Mapping[str, str | bytes] | None = None,
    ) -> Repository:
        """A new repository; its owner is added as a user unless known. ``files`` become its first commit."""
        owner, _, name = full_name.partition("/")
        with self.hub.lock:
            self.hub.add_account(owner, "User")
            now, world = self.clock.now, self.hub.world
            git_dir = self.hub.git.create(full_name, default_branch)
            record = RepositoryRecord(
                world.new_id("repository"), owner, name, private, issues, default_branch, str(git_dir), now, now, now
            )
            world.add_repository(record)
            repository = Repository(self, full_name)
            if files:
                repository.commit_files(files, message="Initial commit")
            return repository

    def repository(self, full_name: str) -> Repository:
        return Repository(self, full_name)

    # --- state ---------------------------------------------------------------------------------------------------

    def save(self) -> Saved:
        """All mutable state but git repositories, tokens, logs and faults. Can be restored any number of times."""
        return self.hub.save()

    def restore(self, saved: Saved) -> None:
        self.hub.restore(saved)
