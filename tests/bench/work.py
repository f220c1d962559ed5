"""The work that is measured: a store in a known state, and what is asked of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gh_store_action import GitHubStore
from tests.double import GitHub, Repository

OWNER = "octo"
NAME = "octo/store"
TEXT = "x" * 1_900  # an object has about 2 KB


@dataclass(frozen=True)
class Task:
    """One row of the table.

    Args:
        kind: such as `snapshot`.
        size: what grows, as a number for the plot, and `label` for the table.
        prepare: fills the store; gives the operation's arguments.
        theirs: whether gh-store can do it at all.
        why: where it cannot, or needs another store than ours.
        theirs_needs: changes the store for gh-store alone.
        patience: seconds after which gh-store's part is left out.
        series: tells what grows where a kind of work has two such things.
        before: an operation that must be done first, unmeasured, and what happens between the two.
    """

    kind: str
    size: int
    label: str
    prepare: Callable[[Bench], dict[str, Any]]
    theirs: bool = True
    why: str = ""
    theirs_needs: Callable[[Bench, dict[str, Any]], None] | None = None
    patience: float = 300.0
    before: tuple[str, Callable[[Bench], None]] | None = None
    operation: str = ""
    series: str = ""

    @property
    def asks(self) -> str:
        return self.operation or self.kind


@dataclass
class Bench:
    """A loopback GitHub with one repository, and its owner's token, which counts for both systems."""

    hub: GitHub
    folder: Path
    repo: Repository = field(init=False)
    token: str = field(init=False)

    def __post_init__(self) -> None:
        self.hub.options.enforce_limits = False
        self.repo = self.hub.add_repository(NAME, files={"README.md": "# A store\n"})
        self.token = self.hub.token(OWNER)
        self.now()

    def now(self) -> None:
        """Sets GitHub's clock to ours, for gh-store compares the two, and begins a new hour for the rate limits."""
        self.hub.clock.now = int(time.time())
        self.hub.clock.tick = 0
        self.hub.hub.world.buckets.clear()

    def store(self) -> GitHubStore:
        return GitHubStore(self.token, NAME, api_url=self.hub.api_url, pause=lambda seconds: None)

    def open(self, object_id: str, data: object, state: str = "closed") -> int:
        """An issue as both systems know an object."""
        labels = ["gh-store", "stored-object", f"UID:{object_id}"]
        return self.repo.open_issue(OWNER, f"Stored Object: {object_id}", json.dumps(data), labels, state=state)

    def fill(self, count: int) -> list[int]:
        return [self.open(f"object-{number}", {"n": number, "text": TEXT}) for number in range(count)]

    def make(self, object_id: str = "metrics") -> int:
        """An object as this library makes it, with the label that gh-store wants."""
        self.now()
        with self.store() as store:
            return store.create(object_id, {"n": 0}, ["gh-store"]).meta.issue_number

    def post(self, number: int, count: int) -> None:
        """That many updates, pending."""
        for value in range(count):
            self.hub.clock.advance(1)
            self.repo.comment(number, OWNER, json.dumps({f"k{value % 20}": value}))
        self.repo.edit_issue(number, OWNER, state="open")

    def history(self, number: int, count: int) -> None:
        """That many updates, each applied and with its receipt."""
        from gh_store_action.gateway.issues import GitHub as Gateway
        from gh_store_action.gateway.transport import Transport
        from gh_store_action.store.processor import Processor
        from gh_store_action.store.session import Session

        self.post(number, count)
        waited = [0.0]
        while True:
            self.hub.hub.world.buckets.clear()
            transport = Transport(token=self.token, api_url=self.hub.api_url, pause=lambda seconds: None)
            processor = Processor(Session(Gateway(transport, NAME)), now=lambda: waited[0])
            found = processor.process(number)
            transport.close()
            waited[0] += 120
            if not found.receipts_left and not found.pending:
                return


def tasks(quick: bool) -> Iterator[Task]:
    """All rows."""
    for labels in (10, 1_000) if quick else (10, 1_000, 10_000):
        yield Task("create", labels, f"{labels:,} labels in the repository", _with_labels(labels))
    closed = "asked of an open object: 0.11.3 finds no closed ones"
    yield Task("get", 1, "1 object", _one, why=closed, theirs_needs=_open)
    yield Task("update", 1, "1 object", _one, why=closed, theirs_needs=_open)
    yield Task(
        "update and apply", 1, "1 object", _one, theirs=False, why="it leaves that to a workflow run", operation="apply"
    )
    for pending in (1, 10) if quick else (1, 10, 50, 500):
        yield Task("process", pending, f"{pending} pending, no old comments", _with_comments(0, pending))
    for old in (100,) if quick else (100, 2_000):
        yield Task("process", old, f"1 pending, {old:,} old comments", _with_comments(old, 1), series="old")
    for count in (10, 100) if quick else (10, 100, 1_000):
        label = f"{count:,} objects, {max(1, count // 10)} with something pending"
        yield Task("sweep", count, label, _to_sweep(count), theirs=False, why="it has no sweep")
    for count in (10, 1_000) if quick else (10, 100, 1_000, 10_000):
        yield Task("snapshot", count, f"{count:,} objects of 2 KB", _filled(count), patience=900)
    for count in (1_000,) if quick else (1_000, 10_000):
        changed = count // 100
        yield Task(
            "incremental snapshot",
            count,
            f"{count:,} objects, {changed} changed",
            _filled(count),
            patience=900,
            before=("snapshot", _changing(changed)),
            operation="incremental",
        )


def _with_labels(count: int) -> Callable[[Bench], dict[str, Any]]:
    def prepare(bench: Bench) -> dict[str, Any]:
        for number in range(count):
            bench.repo.create_label(OWNER, f"UID:other-{number}")
        return {"object_id": "metrics", "data": {"n": 0, "text": TEXT}}

    return prepare


def _one(bench: Bench) -> dict[str, Any]:
    return {"object_id": "metrics", "data": {"n": 1}, "number": bench.make()}


def _open(bench: Bench, arguments: dict[str, Any]) -> None:
    bench.repo.edit_issue(arguments["number"], OWNER, state="open")


def _with_comments(old: int, pending: int) -> Callable[[Bench], dict[str, Any]]:
    def prepare(bench: Bench) -> dict[str, Any]:
        number = bench.make()
        if old:
            bench.history(number, old)
        bench.post(number, pending)
        return {"number": number}

    return prepare


def _to_sweep(count: int) -> Callable[[Bench], dict[str, Any]]:
    def prepare(bench: Bench) -> dict[str, Any]:
        numbers = [bench.make(f"object-{number}") for number in range(count)]
        for number in numbers[:: max(1, min(10, count))]:
            bench.post(number, 1)
        return {}

    return prepare


def _filled(count: int) -> Callable[[Bench], dict[str, Any]]:
    def prepare(bench: Bench) -> dict[str, Any]:
        bench.hub.clock.now -= 3_600 + 4 * count  # making one takes three seconds
        bench.hub.clock.tick = 1
        bench.fill(count)
        bench.now()
        return {}

    return prepare


def _changing(count: int) -> Callable[[Bench], None]:
    def change(bench: Bench) -> None:
        bench.now()
        bench.hub.clock.advance(60)
        bench.hub.clock.tick = 1
        for number in range(1, count + 1):
            bench.repo.edit_issue(number, OWNER, body=json.dumps({"n": -number, "text": TEXT}))
        bench.hub.clock.advance(60)

    return change
