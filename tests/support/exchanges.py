"""Writes down what passes through the loopback GitHub's REST door, request and response, to be checked afterwards.

    with GitHub() as github, recording(github) as exchanges: …

For a whole run of the suite: `EXCHANGES_TO=<folder> pytest -p tests.support.exchanges …`; each process writes a file
there, one exchange of each kind a line.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.double import GitHub, server

FOLDER = "EXCHANGES_TO"


@dataclass(frozen=True)
class Exchange:
    """One REST request and its response.

    Args:
        path: decoded, without the prefix of a GitHub Enterprise Server.
        query: as sent.
        body: what was sent, as text.
        media: the response's media type, without parameters.
        content: the response's body, as text.
    """

    method: str
    path: str
    query: str
    body: str
    status: int
    media: str
    content: str

    @property
    def kind(self) -> str:
        """What two exchanges must have in common to be one of a kind: all but the values."""
        path = "/".join("1" if part.isdigit() else part for part in self.path.split("/"))
        names = sorted(pair.partition("=")[0] for pair in self.query.split("&"))
        return json.dumps([self.method, path, names, self.status, _outline(self.body), _outline(self.content)])


def _outline(text: str) -> Any:
    try:
        return _shape(json.loads(text))
    except ValueError:
        return bool(text)


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shape(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [json.loads(one) for one in sorted({json.dumps(_shape(item)) for item in value})]
    return type(value).__name__


Sink = Callable[[Exchange], None]


def _recorder(sink: Sink) -> type[server.Handler]:
    """A handler that tells the sink of every REST exchange that no fault of a test has spoilt."""

    class Recorder(server.Handler):
        asked: tuple[str, str, str] | None = None

        def _api(self, path: str, query: str, headers: dict[str, str], body: bytes) -> None:
            if path not in server.GRAPHQL_PATHS:
                self.asked = unquote(path.removeprefix(server.GHES)), query, body.decode(errors="replace")
            super()._api(path, query, headers, body)
            self.asked = None

        def _spoilt(self, *arguments: Any) -> tuple[int, list[str], bytes]:
            self.asked = None
            return super()._spoilt(*arguments)

        def _altered(self, *arguments: Any) -> bytes:
            self.asked = None
            return super()._altered(*arguments)

        def _send(self, status: int, lines: list[str], content: bytes, cut: int | None = None) -> None:
            if self.asked is not None and cut is None:
                media = [line.split(": ", 1)[1] for line in lines if line.lower().startswith("content-type:")]
                path, query, body = self.asked
                text = content.decode(errors="replace")
                sink(Exchange(self.command, path, query, body, status, media[-1].partition(";")[0], text))
            super()._send(status, lines, content, cut)

    return Recorder


@contextmanager
def recording(github: GitHub) -> Iterator[list[Exchange]]:
    """The REST exchanges of a running loopback GitHub from here on."""
    exchanges: list[Exchange] = []
    before = github._server.RequestHandlerClass
    github._server.RequestHandlerClass = _recorder(exchanges.append)
    yield exchanges
    github._server.RequestHandlerClass = before


def read(folder: Path) -> list[Exchange]:
    """What a run of the suite wrote down, one exchange of each kind."""
    lines = [line for file in sorted(folder.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines()]
    exchanges = [Exchange(**json.loads(line)) for line in lines]
    return list({exchange.kind: exchange for exchange in exchanges}.values())


def pytest_configure(config: pytest.Config) -> None:
    """As a plugin: record every loopback GitHub of this process."""
    if FOLDER not in os.environ:
        return
    folder = Path(os.environ[FOLDER])
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / f"{os.getpid()}.jsonl").open("a", encoding="utf-8")
    config.add_cleanup(file.close)
    seen: set[str] = set()

    def write(exchange: Exchange) -> None:
        if exchange.kind not in seen:
            seen.add(exchange.kind)
            file.write(json.dumps(asdict(exchange)) + "\n")
            file.flush()

    server.Handler = _recorder(write)  # type: ignore[misc]
