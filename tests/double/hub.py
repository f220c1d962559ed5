"""The heart: state, events, options and the one lock around every effect."""

from __future__ import annotations

import pickle
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .access import Principal, role_told
from .events import Event, EventLog
from .git_store import GitStore
from .lag import Delays
from .model import Account, Bucket, Comment, Issue, Label, RepositoryRecord, World
from .shapes import Shapes

LIMITS = {"workflow": 1_000, "app": 5_000, "personal": 5_000, "anonymous": 60}
APP_VIEWER = Principal(login="", kind="workflow", label="webhook")


@dataclass(slots=True)
class Options:
    """Answers to questions that GitHub leaves open (facts file, Doubts), and limits that tests may lower.

    Attributes:
        body_limit: characters of a body or comment; body_bytes the UTF-8 bytes.
        trims: a body or comment is kept without the blanks before and after it.
        silent_oversize: an oversized issue body in an update answers OK and keeps the old one.
        bots_not_found: bots of whom the permission endpoint says 404, as of ``Copilot``, instead of ``none``.
        bot_reaction_user: show bots as ``Reaction.user`` in GraphQL; False answers null.
        big_database_ids: what ``databaseId`` past 2**31 gives: ``number``, ``null`` or ``error``.
        lock_is_named: GraphQL refuses a reaction on a locked issue with words that name the lock; False: with those of
            a missing permission.
        unknown_fields: GraphQL fields (``name`` or ``Type.name``) that the server does not know, as an older GitHub
            Enterprise Server.
        exact_label_lookup: GraphQL ``label(name:)`` minds case.
        page_rows: REST issue lists refuse page x per_page from here on.
        reactions_repeat: the same reaction by the same identity is a second one.
        renamed_to_the_same: a title that is set to what it is leaves a ``RenamedTitleEvent`` all the same.
        since_is_exclusive: GraphQL's ``since`` leaves out what changed in that very second.
        edits_are_listed: ``userContentEdits`` has the edits; False: none.
        enforce_limits: refuse requests beyond the primary rate limits.
        limit_status: 403 or 429, what REST answers then.
        says_limits: responses name the primary rate limits; False: as an Enterprise Server without them.
    """

    body_limit: int = 65_536
    body_bytes: int = 262_144
    trims: bool = False
    silent_oversize: bool = False
    bots_not_found: set[str] = field(default_factory=set)
    bot_reaction_user: bool = True
    big_database_ids: str = "number"
    lock_is_named: bool = True
    unknown_fields: set[str] = field(default_factory=set)
    exact_label_lookup: bool = True
    page_rows: int = 10_000
    comments_per_issue: int = 2_500
    node_limit: int = 500_000
    commit_bytes: int = 40 * 1024 * 1024
    reactions_repeat: bool = False
    renamed_to_the_same: bool = False
    since_is_exclusive: bool = False
    edits_are_listed: bool = True
    enforce_limits: bool = True
    limit_status: int = 403
    says_limits: bool = True


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved state: opaque, reusable."""

    world: bytes
    events: tuple[Event, ...]


class Hub:
    """State shared by all doors: REST, GraphQL, git and direct calls.

    Args:
        directory: where bare repositories live.
    """

    def __init__(self, directory: Path) -> None:
        self.lock = threading.RLock()
        self.world = World()
        self.events = EventLog()
        self.options = Options()
        self.delays = Delays()
        self.git = GitStore(directory)
        self.tokens: dict[str, Principal] = {}
        self.base = ""

    def shapes(self, api: str | None = None) -> Shapes:
        return Shapes(self.world, self.base if api is None else api, self.base)

    def save(self) -> Saved:
        with self.lock:
            return Saved(pickle.dumps(self.world, pickle.HIGHEST_PROTOCOL), self.events.snapshot())

    def restore(self, saved: Saved) -> None:
        with self.lock:
            self.world = pickle.loads(saved.world)  # noqa: S301
            self.events.reset(saved.events)

    def bucket(self, who: Principal, resource: str) -> Bucket:
        """The primary limit of an identity; its hour starts with its first request."""
        key = (who.bucket, resource)
        found = self.world.buckets.get(key)
        if found is None:
            found = self.world.buckets[key] = Bucket(LIMITS[who.kind])
        if found.reset <= self.world.clock.now:
            found.used, found.reset = 0, self.world.clock.now + 3_600
        return found

    def lag_permission(self, repo: RepositoryRecord, login: str) -> None:
        """Before a change of a person's role: let answers go on naming the old one."""
        self.lag(repo, "permissions", login.lower(), role_told(self.world, repo, login))

    def add_account(self, login: str, kind: str, number: int | None = None) -> Account:
        existing = self.world.account(login)
        if existing is not None:
            return existing
        account = Account(number or self.world.new_id("account"), login, kind, self.world.clock.now)
        self.world.accounts[login.lower()] = account
        return account

    def tell(
        self,
        name: str,
        action: str | None,
        who: Principal,
        repo: RepositoryRecord,
        issue: Issue | None = None,
        *,
        comment: Comment | None = None,
        label: Label | None = None,
        changes: dict[str, Any] | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        """Record an event with the payload a webhook would carry (docs: Webhook events and payloads)."""
        shapes = self.shapes()
        payload: dict[str, Any] = {} if action is None else {"action": action}
        if issue is not None:
            payload["issue"] = shapes.issue(repo, issue, APP_VIEWER)
        if comment is not None:
            payload["comment"] = shapes.comment(repo, comment, APP_VIEWER)
        if label is not None:
            payload["label"] = shapes.label(repo, label)
        if changes:
            payload["changes"] = changes
        payload.update(extra or {})
        payload["repository"] = shapes.repository(repo, APP_VIEWER)
        if payload["repository"]["owner"]["type"] == "Organization":
            payload["organization"] = payload["repository"]["owner"]
        payload["sender"] = shapes.user(who.login)
        moment = self.world.clock.now
        self.events.record(name, action, who.login, repo.full_name, moment, payload, who.workflow)

    def begin_request(self) -> None:
        """One more request: lagging replicas catch up."""
        self.world.requests += 1
        for repo in self.world.repositories.values():
            repo.lags.catch_up(self.world.requests)

    def lag(self, repo: RepositoryRecord, view: str, key: int | str, before: Any) -> None:
        """Before a change: let a view go on showing ``before`` (None: nothing) for as long as its delay says."""
        delay = getattr(self.delays, view)
        if delay:
            repo.lags.add(view, key, before, self.world.requests + delay)
