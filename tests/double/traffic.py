"""What passed through the server: immutable records of requests, and the log that keeps them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """One API request; status and size are None until it has been answered.

    Attributes:
        index: order of arrival, from 0, over the life of the server.
        headers: as sent, names in lower case, nothing masked.
        operation: GraphQL operation name.
        mutations: names of the mutation's top-level fields, in order; empty for queries and REST.
        token: label of the token (``workflow-1``, ``octocat-1``, ``anonymous``, ``unknown``).
        login: the identity behind it.
        fault: kind of the fault that was applied, or None.
        points: what a GraphQL request costs by the documented formula, 0 for REST.
    """

    index: int
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: str
    graphql: bool = False
    operation: str | None = None
    mutations: tuple[str, ...] = ()
    token_value: str = field(default="", repr=False)
    token: str = ""
    login: str = ""
    status: int | None = None
    response_bytes: int | None = None
    fault: str | None = None
    points: int = 0

    @property
    def json(self) -> Any:
        """The body as JSON, or None."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def writes(self) -> bool:
        """Whether it could change something: a mutation, or a REST method other than GET and HEAD."""
        return bool(self.mutations) if self.graphql else self.method not in ("GET", "HEAD")


class RequestLog:
    """Requests so far in order of completion. Iterable, sized, indexable."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: list[Request] = []
        self._next = 0

    def number(self) -> int:
        with self._lock:
            self._next += 1
            return self._next - 1

    def append(self, record: Request) -> None:
        with self._lock:
            self._records.append(record)

    def __iter__(self) -> Iterator[Request]:
        return iter(list(self._records))

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: Any) -> Any:
        return self._records[index]

    def clear(self) -> None:
        with self._lock:
            self._records.clear()

    def count(self, match: Callable[[Request], bool] | None = None, **fields: Any) -> int:
        """How many requests fit a predicate and have these field values."""
        return sum(
            (match is None or match(r)) and all(getattr(r, name) == value for name, value in fields.items())
            for r in list(self._records)
        )
