"""A store on the loopback GitHub, runs of the product against it, and what can be seen of it afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from gh_store_action.domain.log.entries import REPLY_PREFIX
from gh_store_action.domain.objects import Marker, short_digest, title
from gh_store_action.domain.processing.result import Result
from gh_store_action.domain.records import Rules
from gh_store_action.domain.strict_json import dump
from gh_store_action.errors import StoreError
from gh_store_action.gateway.issues import GitHub
from gh_store_action.gateway.transport import Transport
from gh_store_action.store.processor import Processor
from gh_store_action.store.session import Session
from tests.double import BOT, Repository, Request
from tests.double import GitHub as Hub

WRITERS = ("alice", "bob")
STRANGER = "mallory"


@dataclass(frozen=True)
class Seen:
    """What everybody can see of an object, without what may differ between two correct histories.

    Args:
        receipts: for each comment by a person, in order: the bot's reactions.
        refused: how often each person's comment, by its place, is named by a reply.
        checkpoints: distinct checkpoints in the log.
    """

    body: object
    closed: bool
    revision: str
    labels: tuple[str, ...]
    receipts: tuple[tuple[str, ...], ...]
    refused: tuple[int, ...]
    checkpoints: int


@dataclass
class World:
    """One store and the people around it.  Nothing sleeps: waiting is noted in `waits`."""

    hub: Hub
    repo: Repository
    waits: list[float] = field(default_factory=list)

    def token(self, **permissions: str) -> str:
        """A token of the workflow."""
        return self.repo.workflow_token(**(permissions or {"issues": "write", "contents": "read"}))

    def transport(self, token: str) -> Transport:
        """A fresh process's connection; its clock is the server's."""
        return Transport(token=token, api_url=self.hub.api_url, pause=self.pause, now=self.now)

    def pause(self, seconds: float) -> None:
        """Waits on the server's clock."""
        self.waits.append(seconds)
        self.hub.clock.advance(int(seconds) + 1)

    def now(self) -> float:
        """The server's time."""
        return float(self.hub.clock.now)

    def session(self, token: str = "") -> Session:
        """A fresh process's knowledge: none."""
        return Session(GitHub(self.transport(token or self.token()), self.repo.full_name))

    def processor(self, token: str = "", **options: object) -> Processor:
        """A fresh process."""
        return Processor(self.session(token), now=self.now, **options)  # type: ignore[arg-type]

    def process(self, number: int, token: str = "", event_comment: int | None = None) -> Result:
        """One run by issue number."""
        processor = self.processor(token)
        try:
            return processor.process(number, event_comment=event_comment)
        finally:
            processor.github.transport.close()

    def sweep(self, token: str = "") -> list[Result]:
        """One run over everything."""
        processor = self.processor(token)
        try:
            return processor.sweep()
        finally:
            processor.github.transport.close()

    def requests(self) -> int:
        """API requests so far."""
        return len(list(self.hub.requests))

    def points(self) -> int:
        """What those of GraphQL have cost."""
        return sum(request.points for request in self.hub.requests)

    def object(self, object_id: str = "m", data: object = None, comments: int = 0) -> int:
        """An object as the store keeps it: made by the bot, adopted, closed."""
        text = json.dumps({"count": 0} if data is None else data)
        labels = ["stored-object", f"UID:{object_id}"]
        number = self.repo.open_issue(BOT, f"Stored Object: {object_id}", text, labels)
        self.process(number)
        for place in range(comments):
            self.repo.comment(number, "alice", f"just talk {place}")
        return number

    def settled(self, object_id: str, data: object) -> int:
        """The same in fewer steps, as a run leaves it behind: revision 1, and no comments."""
        named = title(object_id, Marker(1, 0, 0, short_digest(data)), Rules())
        return self.repo.open_issue(BOT, named, dump(data), ["stored-object", f"UID:{object_id}"], "closed")

    def legacy(self, object_id: str = "m", data: object = None) -> int:
        """An object as gh-store 0.5 made it, by a person's token."""
        state = {"count": 0} if data is None else data
        labels = ["stored-object", f"UID:{object_id}"]
        number = self.repo.open_issue("alice", f"Stored Object: {object_id}", json.dumps(state, indent=2), labels)
        first = self.repo.comment(
            number, "alice", json.dumps({"type": "initial_state", "data": state, "timestamp": "2025-01-01T00:00:00"})
        )
        for content in ("+1", "rocket"):
            self.repo.react(first, "alice", content)
        self.repo.edit_issue(number, "alice", state="closed")
        return number

    def killed(self, run: Callable[[str], object], k: int, phase: str, token: str = "") -> int:
        """A run, by default the workflow's, dies `before` or `after` its k-th request; 0 if it ended first."""
        token = token or self.token()
        fault = self.hub.faults.dead_from(token, k, phase)
        with suppress(StoreError):
            run(token)
        self.hub.faults.clear()
        return fault.hits

    def before_the_write(self, act: Callable[[], object]) -> None:
        """Acts once, when the first request that writes arrives."""
        done: list[bool] = []

        def hook(request: Request) -> None:
            if request.writes and not done:
                done.append(True)
                act()

        self.hub.before_request.append(hook)

    def update(self, number: int, patch: object, by: str = "alice", reopen: bool = True) -> int:
        """An update as people post it."""
        comment = self.repo.comment(number, by, patch if isinstance(patch, str) else json.dumps(patch))
        if reopen:
            with suppress(Exception):
                self.repo.edit_issue(number, "alice", state="open")
        return comment

    def late(self, number: int, patch: object, by: str = "alice") -> int:
        """An update that no read shows before `repo.reveal`."""
        comment = self.update(number, patch, by=by)
        self.repo.hide_comment_from_reads(comment)
        return comment

    def data(self, number: int) -> object:
        """The object's data."""
        return json.loads(self.repo.issue(number).body)

    def seen(self, number: int) -> Seen:
        """What can be seen of the object."""
        issue = self.repo.issue(number)
        people = [c for c in issue.comments if c.author != BOT]
        named = [
            name
            for c in issue.comments
            if c.author == BOT and c.body.startswith(REPLY_PREFIX)
            for name in c.body[len(REPLY_PREFIX) : c.body.index(" -->")].split()
        ]
        checkpoints = set()
        for comment in issue.comments:
            if comment.author == BOT and comment.body.lstrip().startswith("{"):
                value = json.loads(comment.body)
                if value.get("type") == "initial_state":
                    checkpoints.add(value["_meta"]["update_id"])
        try:
            body: object = json.loads(issue.body)
        except ValueError:
            body = issue.body
        return Seen(
            body=body,
            closed=issue.state.lower() == "closed",
            revision=issue.title.partition("[")[2].split(" ")[0],
            labels=tuple(sorted(issue.labels)),
            receipts=tuple(tuple(sorted(content for who, content in c.reactions if who == BOT)) for c in people),
            refused=tuple(named.count(str(c.id)) for c in people),
            checkpoints=len(checkpoints),
        )

    def look(self, numbers: Objects) -> Sight:
        """The same of one object, or of several."""
        return self.seen(numbers) if isinstance(numbers, int) else tuple(self.seen(number) for number in numbers)


Objects = int | tuple[int, ...]
Sight = Seen | tuple[Seen, ...]


@contextmanager
def world() -> Iterator[World]:
    """A store with two writers and a stranger."""
    with Hub() as hub:
        hub.options.enforce_limits = False
        for login in (*WRITERS, STRANGER):
            hub.add_user(login)
        repo = hub.add_repository("octo/store")
        for login in WRITERS:
            repo.grant(login, "write")
        yield World(hub, repo)


def disturbed(
    world: World, number: Objects, run: Callable[[str], object], again: Callable[[], object]
) -> Iterator[tuple[int, str, Sight]]:
    """Kills `run` before and after each request that it makes, runs `again`, and gives what is seen then.

    A killed process is one whose requests do not arrive any more: all that it does goes through them.
    """
    saved = world.hub.save()
    k = 0
    while True:
        k += 1
        for phase in ("before", "after"):
            world.hub.restore(saved)
            token = world.token()
            world.hub.faults.clear()
            fault = world.hub.faults.dead_from(token, k, phase)
            with suppress(StoreError):
                run(token)
            world.hub.faults.clear()
            if not fault.hits:
                world.hub.restore(saved)
                return
            again()
            yield k, phase, world.look(number)


def undisturbed(world: World, number: Objects, run: Callable[[str], object], again: Callable[[], object]) -> Sight:
    """What is seen after a run that nothing disturbs; the state is as before afterwards."""
    saved = world.hub.save()
    run(world.token())
    again()
    seen = world.look(number)
    world.hub.restore(saved)
    return seen


def names(values: Sequence[object]) -> list[str]:
    """Ids for parametrised tests."""
    return [getattr(value, "__name__", str(value)) for value in values]
