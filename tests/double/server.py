"""The HTTP door: reads a request, applies faults, dispatches to REST, GraphQL or git, answers in GitHub's manner."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import threading
import traceback
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from . import git_http, rest_issues, rest_labels, rest_repository, rest_teams, rest_workflows  # noqa: F401 - they register routes
from .access import ANONYMOUS, Principal
from .clock import http_date
from .errors import DOCS, Refusal
from .faults import Fault, Faults
from .git_http import GitRequest, token_of
from .graphql_engine import AliasFault, Engine
from .hub import Hub
from .rest import Answer, Call, dispatch
from .traffic import Request, RequestLog

REASONS = {200: "OK", 201: "Created", 204: "No Content", 304: "Not Modified", 404: "Not Found", 422: "Unprocessable"}
GRAPHQL_PATHS = ("/graphql", "/api/graphql")
GHES = "/api/v3"
# Pages of any origin may ask, and read these headers (docs: Using CORS and JSONP to make cross-origin requests).
CORS = [
    "Access-Control-Allow-Origin: *",
    "Access-Control-Expose-Headers: ETag, Link, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, "
    "X-OAuth-Scopes, X-Accepted-OAuth-Scopes, X-Poll-Interval",
]
PREFLIGHT = [
    *CORS,
    "Access-Control-Allow-Headers: Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Match, "
    "If-Unmodified-Since, X-Requested-With",
    "Access-Control-Allow-Methods: GET, POST, PATCH, PUT, DELETE",
]
UNKNOWN = Principal(login="", kind="anonymous", label="unknown")


class Gate:
    """Orders requests of several clients: subclass it, or give any object with these two methods."""

    def enter(self, request: Request) -> None:
        """Called in the handler thread, outside any lock, before a request is looked at."""

    def leave(self, request: Request) -> None:
        """Called likewise after its effect, before its answer is sent."""


class Desk:
    """What all handler threads share.

    Args:
        hub: the state.
    """

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.engine = Engine(hub)
        self.faults = Faults()
        self.requests = RequestLog()
        self.git_requests: list[GitRequest] = []
        self.before_request: list[Callable[[Request], Any]] = []
        self.after_request: list[Callable[[Request], Any]] = []
        self.gate: Any = None
        self.latency = 0.0
        self.closed = threading.Event()
        self.failures: list[str] = []
        self.connections: set[socket.socket] = set()
        self.connections_lock = threading.Lock()

    def principal(self, headers: dict[str, str]) -> tuple[Principal | None, str]:
        """Who a request comes from; None for a token nobody knows."""
        value = token_of(headers.get("authorization", ""))
        if value is None:
            return ANONYMOUS, ""
        return self.hub.tokens.get(value), value

    def rest(self, call: Call, headers: dict[str, str]) -> Answer:
        """A REST answer, with conditional requests and the primary limit."""
        options, bucket = self.hub.options, self.hub.bucket(call.who, "core")
        free = call.path == "/rate_limit"
        if options.enforce_limits and not free and bucket.used >= bucket.limit:
            subject = f"installation ID {call.who.repository}" if call.who.installation else f"user ID {call.who.login}"
            return self._refused(Refusal(options.limit_status, f"API rate limit exceeded for {subject}."))
        if not free:
            bucket.used += 1
        stale = self._stale(call, headers)
        try:
            answer = dispatch(call)
        except Refusal as refusal:
            return self._refused(refusal)
        if stale:
            return self._refused(Refusal(412, "Precondition Failed"))
        return answer

    def _stale(self, call: Call, headers: dict[str, str]) -> bool:
        """An outdated If-Match: 412, though the write happens (https://github.com/cli/cli/issues/7167)."""
        wanted = headers.get("if-match")
        if wanted is None or call.method != "PATCH":
            return False
        current = dispatch(replace(call, method="GET", json=None))
        return etag(encode(current)) != wanted

    @staticmethod
    def _refused(refusal: Refusal) -> Answer:
        return Answer(refusal.status, refusal.body(), dict(refusal.headers))


def encode(answer: Answer) -> bytes:
    if answer.text is not None:
        return answer.text.encode()
    return b"" if answer.json is None else json.dumps(answer.json).encode()


def etag(content: bytes) -> str:
    return f'W/"{hashlib.blake2b(content, digest_size=32).hexdigest()}"'


class Server(ThreadingHTTPServer):
    """Loopback only."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, desk: Desk, port: int = 0) -> None:
        self.desk = desk
        super().__init__(("127.0.0.1", port), Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may vanish; anything else is our bug and kept for the test to see."""
        text = traceback.format_exc()
        if "ConnectionResetError" not in text and "BrokenPipeError" not in text and "Bad file descriptor" not in text:
            self.desk.failures.append(text)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def setup(self) -> None:
        super().setup()
        with self.server.desk.connections_lock:
            self.server.desk.connections.add(self.connection)

    def finish(self) -> None:
        with self.server.desk.connections_lock:
            self.server.desk.connections.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the request log is the log."""

    def _serve(self) -> None:
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self._body(headers)
        if git_http.PATH.fullmatch(path) and not path.startswith(("/repos/", "/api/")):
            self._git(path, query, headers, body)
        else:
            self._api(path, query, headers, body)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = _serve

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(headers.get("content-length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def _git(self, path: str, query: str, headers: dict[str, str], body: bytes) -> None:
        desk = self.server.desk
        answer, login = git_http.serve(desk.hub, self.command, path, query, headers, body)
        desk.git_requests.append(GitRequest(self.command, path, query, headers, login, answer.status))
        lines = [f"{name}: {value}" for name, value in answer.headers if name.lower() != "content-length"]
        self._send(answer.status, lines, answer.body)

    def _api(self, path: str, query: str, headers: dict[str, str], body: bytes) -> None:
        desk = self.server.desk
        who, value = desk.principal(headers)
        graphql = path in GRAPHQL_PATHS
        text = body.decode(errors="surrogateescape")
        try:
            parsed, valid = (json.loads(text), True) if text else (None, True)
        except ValueError:
            parsed, valid = None, False
        operation, mutations = desk.engine.describe(parsed) if graphql else (None, ())
        known = who or UNKNOWN
        request = Request(
            index=desk.requests.number(),
            method=self.command,
            path=path,
            query=query,
            headers=headers,
            body=text,
            graphql=graphql,
            operation=operation,
            mutations=mutations,
            token_value=value,
            token=known.label,
            login=known.login,
            points=desk.engine.points(parsed) if graphql else 0,
        )
        if desk.gate is not None:
            desk.gate.enter(request)
        for callback in list(desk.before_request):
            callback(request)
        struck = desk.faults.pick(request)
        fault, phase = struck if struck else (None, "")
        seconds = desk.latency + (fault.seconds if fault else 0.0)
        if seconds and desk.closed.wait(seconds):
            return self._hang_up()
        if fault is not None and fault.kind in ("status", "drop", "not_json") and phase == "before":
            status, lines, content = self._spoilt(fault)
        else:
            aliases = dict(fault.aliases) if fault else {}
            with desk.hub.lock:
                status, lines, content = self._effect(who, request, parsed, valid, aliases)
            if fault is not None and fault.kind in ("status", "drop", "not_json"):
                status, lines, content = self._spoilt(fault)
            elif fault is not None and fault.change is not None:
                content = self._altered(fault.change, content)
            elif fault is not None and fault.garble is not None:
                content = fault.garble(content)
        record = replace(
            request, status=status, response_bytes=len(content), fault=fault.kind if fault is not None else None
        )
        desk.requests.append(record)
        for callback in list(desk.after_request):
            callback(record)
        if desk.gate is not None:
            desk.gate.leave(record)
        if fault is not None and fault.kind == "drop":
            self._hang_up()
        elif fault is not None and fault.kind == "truncate":
            self._send(status, lines, content, cut=len(content) // 2)
            self._hang_up()
        else:
            self._send(status, lines, content)

    def _altered(self, change: Callable[[Any], Any], content: bytes) -> bytes:
        return json.dumps(change(json.loads(content))).encode()

    def _spoilt(self, fault: Fault) -> tuple[int, list[str], bytes]:
        if fault.kind == "drop":
            return 0, [], b""
        headers = {"Content-Type": "application/json; charset=utf-8", **fault.headers}
        headers["Date"] = http_date(self.server.desk.hub.world.clock.now)
        return fault.status, [f"{name}: {value}" for name, value in headers.items()], fault.body.encode()

    def _effect(
        self, who: Principal | None, request: Request, parsed: Any, valid: bool, aliases: dict[str, AliasFault]
    ) -> tuple[int, list[str], bytes]:
        """The real answer: status, header lines, content."""
        desk, hub = self.server.desk, self.server.desk.hub
        hub.begin_request()
        headers = dict(request.headers)
        if request.method == "OPTIONS":
            return 204, PREFLIGHT, b""
        try:
            if who is None:
                answer = Answer(401, {"message": "Bad credentials", "documentation_url": DOCS, "status": "401"})
            elif not valid:
                answer = Answer(400, {"message": "Problems parsing JSON", "documentation_url": DOCS, "status": "400"})
            elif request.graphql:
                answer = self._graphql(who, request, parsed, aliases)
            else:
                path, base = request.path, hub.base
                if path.startswith(GHES):
                    path, base = path[len(GHES) :] or "/", hub.base + GHES
                query = dict(parse_qsl(request.query, keep_blank_values=True))
                call = Call(hub, who, request.method, path, query, parsed, base, headers)
                answer = desk.rest(call, headers)
        except Exception:
            desk.failures.append(traceback.format_exc())
            answer = Answer(500, {"message": "Server Error (a bug of the loopback GitHub)"})
        content = encode(answer)
        resource = "graphql" if request.graphql else "core"
        lines = self._headers(who, resource, answer)
        if request.method in ("GET", "HEAD") and answer.status == 200 and not request.graphql:
            tag = etag(content)
            lines.append(f"ETag: {tag}")
            if headers.get("if-none-match") in (tag, tag.removeprefix("W/")):
                # A 304 costs nothing where the request was authorised (docs: Best practices for using the REST API).
                if who is not None and not who.anonymous and request.path != "/rate_limit":
                    hub.bucket(who, "core").used -= 1
                    lines = [*self._headers(who, resource, answer), f"ETag: {tag}"]
                return 304, lines, b""
        return answer.status, lines, content

    def _graphql(self, who: Principal, request: Request, parsed: Any, aliases: dict[str, AliasFault]) -> Answer:
        if who.anonymous:
            message = "This endpoint requires you to be authenticated."
            return Answer(401, {"message": message, "documentation_url": DOCS, "status": "401"})
        if request.method != "POST":
            return Answer(404, {"message": "Not Found", "documentation_url": DOCS, "status": "404"})
        return Answer(200, self.server.desk.engine.answer(parsed, who, aliases))

    def _headers(self, who: Principal | None, resource: str, answer: Answer) -> list[str]:
        hub = self.server.desk.hub
        lines = [
            f"Date: {http_date(hub.world.clock.now)}",
            f"Content-Type: {'application/vnd.github.raw' if answer.text else 'application/json'}; charset=utf-8",
            "X-GitHub-Media-Type: github.v3; format=json",
            *CORS,
            "X-GitHub-Api-Version-Selected: 2022-11-28",
            f"X-GitHub-Request-Id: {id(answer):X}:{hub.world.clock.now:X}",
        ]
        if who is not None:
            bucket = hub.bucket(who, resource)
            limits = [
                f"X-RateLimit-Limit: {bucket.limit}",
                f"X-RateLimit-Remaining: {max(bucket.limit - bucket.used, 0)}",
                f"X-RateLimit-Reset: {bucket.reset}",
                f"X-RateLimit-Used: {bucket.used}",
                f"X-RateLimit-Resource: {resource}",
            ]
            lines += limits if hub.options.says_limits else []
            if who.kind == "personal":
                lines += ["X-OAuth-Scopes: repo, workflow", "X-Accepted-OAuth-Scopes: repo"]
        return lines + [f"{name}: {value}" for name, value in answer.headers.items()]

    def _send(self, status: int, lines: list[str], content: bytes, cut: int | None = None) -> None:
        empty = status in (204, 304)
        head = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}", "Server: github.com", *lines]
        if not empty:
            head.append(f"Content-Length: {len(content)}")
        data = ("\r\n".join(head) + "\r\n\r\n").encode("latin-1", errors="replace")
        if not empty and self.command != "HEAD":
            data += content if cut is None else content[:cut]
        self.wfile.write(data)
        self.wfile.flush()

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
