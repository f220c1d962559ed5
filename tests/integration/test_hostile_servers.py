"""A server, or whatever stands before it, that sends too much, too slowly, or what nobody can read."""

from __future__ import annotations

import gzip
import json
import socketserver
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from gh_store_action.config.store_config import Retries
from gh_store_action.errors import BudgetExhausted, GitHubError
from gh_store_action.gateway import connection
from gh_store_action.gateway.answers import NotGitHub
from gh_store_action.gateway.refusals import UnknownEffect
from gh_store_action.gateway.transport import Transport
from tests.support.covering import covering

pytestmark = pytest.mark.slow

Send = Callable[[Callable[[bytes], object], threading.Event], None]
"""Sends an answer through the function that it is given."""


@contextmanager
def server(send: Send) -> Iterator[tuple[Transport, list[str]]]:
    """A client of a server that answers each request in that way, and what the client logs."""
    end = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            while (line := self.rfile.readline().strip()) and not end.is_set():
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            if length := locals().get("length", 0):
                self.rfile.read(length)

            def write(data: bytes) -> None:
                if end.is_set():
                    raise OSError
                self.wfile.write(data)

            with suppress(OSError):  # the client, or the test, has ended
                send(write, end)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    log: list[str] = []
    with Server(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True).start()
        transport = Transport(
            token="ghs_token",
            api_url=f"http://127.0.0.1:{listening.server_address[1]}",
            retries=Retries(max_attempts=2, backoff_factor=0),
            pause=lambda seconds: None,
            log=log.append,
        )
        try:
            yield transport, log
        finally:
            end.set()
            transport.close()
            listening.shutdown()
            for thread in threading.enumerate():
                if thread.daemon and "work" in thread.name:
                    thread.join(10)


def answer(body: bytes, status: int = 200, **headers: str) -> Send:
    named = {"content-type": "application/json", "content-length": str(len(body)), "connection": "close", **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in named.items())
    return lambda write, _: write(f"HTTP/1.1 {status} Status\r\n{head}\r\n".encode("latin-1") + body)


def dribble(head: bytes) -> Send:
    """The head at once, then a byte at a time, until the test ends."""

    def send(write: Callable[[bytes], object], end: threading.Event) -> None:
        write(head)
        while not end.wait(0.02):
            write(b"x")

    return send


KINDS: dict[str, Callable[[Transport], Any]] = {
    "query": lambda transport: transport.query("query { viewer { login } }", {}),
    "get": lambda transport: transport.get("/user"),
    "text": lambda transport: transport.text("/repos/octo/store/contents/CODEOWNERS"),
}
WRITES: dict[str, Callable[[Transport], Any]] = {
    "mutate": lambda transport: transport.mutate("mutation { a }", {}),
    "send": lambda transport: transport.send("POST", "/repos/octo/store/issues", {"title": "x"}),
}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for call in (connection.Call, connection._Plain):
        monkeypatch.setattr(call, "most", 1)
    monkeypatch.setattr("gh_store_action.gateway.transport.MOST_OF_A_FILE", 1)
    monkeypatch.setattr(Transport.get, "__kwdefaults__", {**(Transport.get.__kwdefaults__ or {}), "most": 1})
    monkeypatch.setattr(connection.Call.__init__, "__defaults__", (None, None, "", 1, 0))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("packed", [True, False], ids=["packed", "plain"])
@pytest.mark.parametrize("kind", KINDS)
def test_answer__without_end_is_given_up_before_it_fills_the_memory(kind: str, packed: bool) -> None:
    size = 16 << 20
    text = gzip.compress(b" " * size) if packed else b" " * size
    with server(answer(text, **({"content_encoding": "gzip"} if packed else {}))) as (transport, _):
        tracemalloc.start()
        try:
            with pytest.raises(GitHubError, match=r"^GitHub sent more than 1 MiB, 2 times in a row\."):
                KINDS[kind](transport)
            held = 0 if packed else 2 * len(text)  # by the server, for a connection that was given up and the next one
            assert tracemalloc.get_traced_memory()[1] < (8 << 20) + held
        finally:
            tracemalloc.stop()


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kind", WRITES)
def test_answer__without_end_to_a_write_may_have_happened(kind: str) -> None:
    with server(answer(b" " * (3 << 20))) as (transport, _), pytest.raises(UnknownEffect, match="more than 1 MiB"):
        WRITES[kind](transport)


SLOW = {
    "head": b"HTTP/1.1 200 OK\r\nX-Header: ",
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
    "pieces": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
}


@covering(1, kind=[*KINDS, *WRITES], head=list(SLOW))
def test_answer__of_a_byte_at_a_time_is_given_up(monkeypatch: pytest.MonkeyPatch, kind: str, head: str) -> None:
    monkeypatch.setattr(connection, "DEADLINE", 0.1)
    slow = dribble(SLOW[head])
    with server(slow) as (transport, _), pytest.raises(GitHubError, match=r"no complete answer within 0\.1 s"):
        {**KINDS, **WRITES}[kind](transport)


ODD = ("inf", "-inf", "nan", "1e400", "9" * 5000, "-1", "0x10", "", "٣", "1_0", "Thu, 01 Jan 0001 00:00:00 GMT")


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("header", ["x-ratelimit-used", "x-ratelimit-remaining", "x-ratelimit-reset", "date"])
def test_header__that_counts_nothing_is_left_out_of_account(header: str, value: str) -> None:
    body = json.dumps({"data": {"viewer": {"login": "octo"}}}).encode()
    given = value.encode().decode("latin-1")
    with server(answer(body, **{header.replace("-", "_"): given})) as (transport, _):
        assert KINDS["query"](transport).data == {"viewer": {"login": "octo"}}
        KINDS["query"](transport)
        assert transport.left is None or transport.left >= 0


LATE = f"Thu, 09 Oct {9**30} 09:00:31 GMT"
DATES = ("Thu, 09 Oct 9999 09:00:31 GMT", LATE, "Thu, 99 Oct 2025 99:99:99 GMT", ", , ,")


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize("value", [*ODD, *DATES])
def test_pause__that_nobody_can_wait_for_ends_the_run_with_a_time(status: int, value: str) -> None:
    limit = {"retry_after": value.encode().decode("latin-1")}
    for headers in (limit, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": limit["retry_after"]}):
        told = pytest.raises(BudgetExhausted, match=r"(?i)try again after \d\d:\d\d:\d\d UTC")
        with server(answer(b"{}", status, **headers)) as (transport, _), told:
            KINDS["get"](transport)


@pytest.mark.parametrize("place", ["http://[", "http://[::1", "//", "x", "http://a\tb", "http:\\\\evil", "\u00ff"])
def test_redirect__to_no_address_is_told(place: str) -> None:
    with server(answer(b"", 302, location=place)) as (transport, _), pytest.raises(NotGitHub) as told:
        KINDS["get"](transport)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("kind", KINDS)
def test_answer__without_content_is_told_as_the_servers_fault(kind: str) -> None:
    with server(answer(b"", 204)) as (transport, _), pytest.raises(GitHubError, match="something else than an answer"):
        KINDS[kind](transport)
