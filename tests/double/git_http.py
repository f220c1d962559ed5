"""Git smart HTTP: ``git http-backend`` as CGI behind the tokens' permissions."""

from __future__ import annotations

import base64
import binascii
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from . import access, commits
from .access import ANONYMOUS, Principal
from .hub import Hub
from .model import RepositoryRecord

PATH = re.compile(
    r"/(?P<owner>[^/]+)/(?P<name>[^/]+?)(?:\.git)?/"
    r"(?P<rest>info/refs|git-upload-pack|git-receive-pack|HEAD|objects/.+)"
)


@dataclass(frozen=True, slots=True)
class GitRequest:
    """One git request; ``status`` is what was answered, ``login`` empty for anonymous ones."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    login: str
    status: int


@dataclass(frozen=True, slots=True)
class GitAnswer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


CHALLENGE = GitAnswer(
    401,
    (("WWW-Authenticate", 'Basic realm="GitHub"'), ("Content-Type", "text/plain")),
    b"No anonymous write access.\n",
)
ARCHIVED = b"This repository was archived so it is read-only.\n"
NOT_FOUND = GitAnswer(404, (("Content-Type", "text/plain"),), b"Repository not found.\n")


def token_of(authorization: str) -> str | None:
    """The token of an Authorization header: ``token …``, ``Bearer …``, or the password of Basic; None without one."""
    scheme, _, value = authorization.strip().partition(" ")
    if scheme.lower() in ("token", "bearer"):
        return value.strip()
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(value).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return ""
        return password or user
    return None


def serve(
    hub: Hub, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> tuple[GitAnswer, str]:
    """Answer a git request.

    Returns:
        The answer and the login it was for. Without credentials a public repository may be read, anything else is 401
        with a challenge; a push needs ``contents: write`` (docs: Permissions for the GITHUB_TOKEN).
    """
    match = PATH.fullmatch(path)
    assert match is not None
    given = token_of(headers.get("authorization", ""))
    who = ANONYMOUS if given is None else hub.tokens.get(given)
    if who is None:
        return CHALLENGE, ""
    writing = "git-receive-pack" in (match["rest"] + query)
    with hub.lock:
        full_name = f"{match['owner']}/{match['name']}"
        repo = hub.world.repository(full_name) or hub.world.moved(full_name)
        if who.anonymous and (writing or repo is None or repo.private):
            return CHALLENGE, ""
        if repo is None or not access.can_see(hub.world, repo, who):
            return NOT_FOUND, who.login
        if full_name.lower() != repo.full_name.lower():
            address = f"{hub.base}/{repo.full_name}.git/{match['rest']}{'?' if query else ''}{query}"
            return GitAnswer(301, (("Location", address), ("Content-Type", "text/plain")), b""), who.login
        readable = access.may_read_contents(hub.world, repo, who) or not repo.private
        if not (access.may_write_contents(hub.world, repo, who) if writing else readable):
            text = f"Permission to {repo.full_name}.git denied to {who.login}.\n".encode()
            return GitAnswer(403, (("Content-Type", "text/plain"),), text), who.login
        if writing and repo.archived:
            # https://github.com/googleapis/repo-automation-bots/issues/2671
            return GitAnswer(403, (("Content-Type", "text/plain"),), ARCHIVED), who.login
        environment = {
            **hub.git.environment,
            "GIT_PROJECT_ROOT": str(hub.git.directory),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{Path(repo.git_dir).relative_to(hub.git.directory)}/{match['rest']}",
            "REQUEST_METHOD": method,
            "QUERY_STRING": query,
            "CONTENT_TYPE": headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_USER": who.login,
            "REMOTE_ADDR": "127.0.0.1",
            "GIT_COMMITTER_NAME": who.login,
            "GIT_COMMITTER_EMAIL": f"{who.login}@users.noreply.github.com",
        }
    for header, variable in (("git-protocol", "GIT_PROTOCOL"), ("content-encoding", "HTTP_CONTENT_ENCODING")):
        if header in headers:
            environment[variable] = headers[header]
    if match["rest"] == "git-receive-pack":
        return _receive(hub, repo, who, environment, body), who.login
    return _backend(environment, body), who.login


def _receive(hub: Hub, repo: RepositoryRecord, who: Principal, environment: dict[str, str], body: bytes) -> GitAnswer:
    before = hub.git.refs(repo.git_dir)
    answer = _backend(environment, body)
    with hub.lock:
        current = hub.world.repository(repo.full_name) or repo
        after = hub.git.refs(repo.git_dir)
        changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        if changed:
            hub.world.clock.write()
        for name in changed:
            commits.pushed(hub, current, who, name, before.get(name), after.get(name))
    return answer


def _backend(environment: dict[str, str], body: bytes) -> GitAnswer:
    done = subprocess.run(["git", "http-backend"], input=body, capture_output=True, env=environment, check=False)
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    status, headers = 200, []
    for line in head.decode().split("\r\n"):
        name, _, value = line.partition(": ")
        if name.lower() == "status":
            status = int(value.split()[0])
        elif name:
            headers.append((name, value))
    if not head:
        return GitAnswer(500, (("Content-Type", "text/plain"),), done.stderr)
    return GitAnswer(status, tuple(headers), content)
