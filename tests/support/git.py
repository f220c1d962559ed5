"""Real git for tests: bare remotes, clones, a small HTTP server in front of ``git http-backend``, a recording git."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from gh_store_action.workspace.files import Publication, Workspace

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{role}_NAME": "A User" for role in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{role}_EMAIL": "user@example.org" for role in ("AUTHOR", "COMMITTER")},
    "GIT_CONFIG_COUNT": "2",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": "*",
    "GIT_CONFIG_KEY_1": "init.defaultBranch",
    "GIT_CONFIG_VALUE_1": "main",
}


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    """Run git as a user would in an earlier step, and give back what it wrote."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=ENVIRONMENT, input=stdin, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def put(folder: Path, files: Mapping[str, str]) -> None:
    """Write files."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def make_bare_remote(folder: Path, files: Mapping[str, str] | None = None) -> Path:
    """A bare repository; with files also a first commit on main."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--bare")
    git(folder, "config", "uploadpack.allowFilter", "true")
    if files:
        push(folder, files)
    return folder


def clone(remote: Path | str, folder: Path, *options: str) -> Path:
    """Clone over ``file://`` (or the address given), as actions/checkout does with depth and sparse options."""
    address = f"file://{remote}" if isinstance(remote, Path) else remote
    git(folder.parent, "clone", "--quiet", *options, address, folder.name)
    return folder


def commit(checkout: Path, files: Mapping[str, str], message: str = "a commit") -> str:
    """Write files, commit them, and give back the commit."""
    put(checkout, files)
    git(checkout, "add", "--", *files)
    git(checkout, "commit", "--quiet", "-m", message)
    return git(checkout, "rev-parse", "HEAD").strip()


def push(remote: Path, files: Mapping[str, str], branch: str = "main", message: str = "another's commit") -> str:
    """Somebody else's push: one more commit on a branch, straight into the bare repository."""
    parent = git(remote, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}").strip()
    lines = [f"commit refs/heads/{branch}\ncommitter A User <user@example.org> 1700000000 +0000\n"]
    lines.append(f"data {len(message.encode())}\n{message}\n")
    lines.extend([f"from {parent}\n"] if parent else [])
    lines.extend(f"M 100644 inline {name}\ndata {len(text.encode())}\n{text}\n" for name, text in files.items())
    git(remote, "fast-import", "--quiet", stdin="".join(lines).encode())
    return git(remote, "rev-parse", branch).strip()


def log(repository: Path, branch: str = "main") -> list[str]:
    """The subjects of a branch's commits, newest first."""
    return git(repository, "log", "--format=%s", branch, "--").splitlines()


def files(repository: Path, branch: str = "main") -> dict[str, str]:
    """All files of a branch."""
    names = git(repository, "ls-tree", "-r", "-z", "--name-only", branch).split("\0")[:-1]
    return {name: git(repository, "cat-file", "blob", f"{branch}:{name}") for name in names}


def add_hook(repository: Path, name: str, script: str) -> Path:
    """A hook in a bare repository, or in a checkout."""
    hooks = (repository / ".git" if (repository / ".git").is_dir() else repository) / "hooks"
    hooks.mkdir(exist_ok=True)
    hook = hooks / name
    hook.write_text("#!/bin/sh\n" + script)
    hook.chmod(0o755)
    return hook


def recording_git(folder: Path) -> tuple[str, Path]:
    """A PATH whose git writes its arguments and its environment down first, and the file it writes to."""
    folder.mkdir()
    record = folder / "record"
    real = subprocess.run(["which", "git"], env=ENVIRONMENT, capture_output=True, check=True).stdout.decode().strip()
    wrapper = folder / "git"
    wrapper.write_text(f'#!/bin/sh\n{{ echo "ARGV $*"; env | sed "s/^/ENV /"; }} >> {record}\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    return f"{folder}{os.pathsep}{ENVIRONMENT['PATH']}", record


def basic(token: str) -> str:
    """The header that actions/checkout sends for a token."""
    return "basic " + base64.b64encode(f"x-access-token:{token}".encode()).decode()


@dataclass
class Request:
    """One request as it came in."""

    method: str
    path: str
    authorizations: list[str]


@dataclass
class GitServer:
    """Git over HTTP with Basic auth on the loopback, as GitHub does it.

    Args:
        root: the folder of the bare repositories.
        token: whose Basic header is accepted; empty lets everybody in.
        refuse: asked before each request; a status and a text instead of git's answer, or None.
        drop: asked after each request was carried out; True breaks the connection off without the answer.
    """

    root: Path
    token: str = ""
    refuse: Callable[[Request], tuple[int, str] | None] = lambda request: None
    drop: Callable[[Request], bool] = lambda request: False
    requests: list[Request] = field(default_factory=list)

    def __enter__(self) -> GitServer:
        outer = self

        class Handler(_Handler):
            server_of_git = outer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server_of_git: GitServer

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _authorizations(self) -> list[str]:
        return [value.replace("Basic ", "basic ", 1) for value in self.headers.get_all("Authorization") or []]

    def _serve(self) -> None:
        server = self.server_of_git
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, self._authorizations())
        server.requests.append(request)
        refused = server.refuse(request)
        if refused is None and len(request.authorizations) > 1:
            refused = (400, "Duplicate header: Authorization")
        if refused is None and server.token and request.authorizations != [basic(server.token)]:
            refused = (401, "Invalid username or password." if request.authorizations else "")
        if refused is not None:
            self._answer(refused[0], [("WWW-Authenticate", 'Basic realm="GitHub"')], refused[1].encode())
            return
        path, _, query = self.path.partition("?")
        variables = {
            **ENVIRONMENT,
            "GIT_PROJECT_ROOT": str(server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_USER": "x-access-token",
        }
        done = subprocess.run(["git", "http-backend"], env=variables, input=body, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n") if line]
        status = next((int(value.split()[0]) for name, value in fields if name == "Status"), 200)
        if server.drop(request):
            self.close_connection = True
            return
        self._answer(status, [(name, value) for name, value in fields if name != "Status"], content)

    def _answer(self, status: int, fields: list[tuple[str, str]], content: bytes) -> None:
        self.send_response(status)
        for name, value in fields:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def on_branch(workspace: Workspace, path: str, branch: str = "") -> bytes | None:
    """A file as the workspace's remote has it; None where it has none."""
    oids = workspace.committed(path, Publication((), branch=branch), tip=True)
    return workspace.blobs(path, [oids[""]])[0] if "" in oids else None
