"""What the loopback GitHub remembers: plain mutable records, all reachable from one World that can be pickled."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

from .clock import Clock
from .lag import Lags

BOT = "github-actions[bot]"
GHOST = "ghost"  # never an account here: REST shows it, GraphQL shows null
BOT_ID = 41_898_282
ROLES = ("none", "read", "triage", "write", "maintain", "admin")
REACTIONS = {
    "+1": "THUMBS_UP",
    "-1": "THUMBS_DOWN",
    "laugh": "LAUGH",
    "hooray": "HOORAY",
    "confused": "CONFUSED",
    "heart": "HEART",
    "rocket": "ROCKET",
    "eyes": "EYES",
}
REACTION_NAMES = {graphql: rest for rest, graphql in REACTIONS.items()}


def is_app(login: str) -> bool:
    """Whether a login is an App's bot (docs: About authentication with a GitHub App)."""
    return login.endswith("[bot]")


@dataclass(slots=True)
class Account:
    """A user, an organisation or a bot."""

    id: int
    login: str
    kind: str
    created: int
    name: str | None = None

    @property
    def slug(self) -> str:
        """The login as GraphQL actors show it: a bot's without ``[bot]`` (facts file, section 4)."""
        return self.login.removesuffix("[bot]")


@dataclass(slots=True)
class Label:
    id: int
    name: str
    color: str
    description: str | None
    created: int
    updated: int
    repository: int


@dataclass(slots=True)
class Reaction:
    id: int
    login: str
    content: str
    created: int
    subject: str


@dataclass(slots=True)
class Edit:
    """One version of a text; the first one of a list is the text as created."""

    id: int
    editor: str
    at: int
    text: str


@dataclass(slots=True)
class Happening:
    """An entry of an issue's timeline other than a comment."""

    id: int
    kind: str
    actor: str
    at: int
    repository: int
    number: int
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Comment:
    id: int
    repository: int
    number: int
    author: str
    body: str
    created: int
    updated: int
    editor: str | None = None
    edited: int | None = None
    edits: list[Edit] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)
    minimized: str | None = None


@dataclass(slots=True)
class Issue:
    id: int
    repository: int
    number: int
    author: str
    title: str
    body: str
    created: int
    updated: int
    state: str = "open"
    reason: str | None = None
    closed: int | None = None
    closed_by: str | None = None
    editor: str | None = None
    edited: int | None = None
    edits: list[Edit] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)
    timeline: list[Happening] = field(default_factory=list)
    locked: bool = False
    lock_reason: str | None = None
    pinned_by: str | None = None
    pull: bool = False


@dataclass(slots=True)
class RepositoryRecord:
    id: int
    owner: str
    name: str
    private: bool
    issues_enabled: bool
    default_branch: str
    git_dir: str
    created: int
    updated: int
    pushed: int
    archived: bool = False
    grants: dict[str, str] = field(default_factory=dict)
    custom_roles: dict[str, str] = field(default_factory=dict)
    contributors: set[str] = field(default_factory=set)
    labels: dict[int, Label] = field(default_factory=dict)
    label_ids: dict[str, int] = field(default_factory=dict)
    issues: MutableMapping[int, Issue] = field(default_factory=dict)  # or a Stock
    deleted_numbers: set[int] = field(default_factory=set)
    comments: dict[int, Comment] = field(default_factory=dict)
    next_number: int = 1
    workflow_ids: dict[str, int] = field(default_factory=dict)
    workflow_states: dict[str, str] = field(default_factory=dict)
    lags: Lags = field(default_factory=Lags)

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"

    def forget(self, login: str) -> None:
        """An account is deleted: its roles go, and what it did was done by nobody, whoever takes its name later."""
        self.grants.pop(login, None)
        self.custom_roles.pop(login, None)
        for issue in self.issues.values():
            texts: list[Issue | Comment] = [issue, *issue.comments]
            things: list[Any] = [*texts, *issue.timeline]
            for text in texts:
                things += [*text.edits, *text.reactions]
            for thing in things:
                for name in ("author", "editor", "login", "actor", "closed_by"):
                    if (getattr(thing, name, None) or "").lower() == login:
                        setattr(thing, name, GHOST)

    def label_named(self, name: str) -> Label | None:
        """The label of that name; names are unique whatever their case (facts file, Labels)."""
        found = self.label_ids.get(name.lower())
        return None if found is None else self.labels[found]

    def labels_of(self, issue: Issue) -> list[Label]:
        """An issue's labels in the order they were added."""
        return [self.labels[i] for i in issue.labels]

    def issue_of(self, subject: Issue | Comment) -> Issue:
        return subject if isinstance(subject, Issue) else self.issues[subject.number]

    def comments_of(self, issue: Issue) -> list[Comment]:
        """An issue's comments in id order, without those a lagging replica does not show yet."""
        return self.lags.shown("comments", issue.comments)

    def timeline_of(self, issue: Issue) -> list[Happening]:
        """An issue's timeline, oldest first, without what a lagging replica does not show yet."""
        return self.lags.shown("events", issue.timeline)

    def open_count(self) -> int:
        """How many issues are open; those of a stock that nobody has touched are closed."""
        return sum(issue.state == "open" for issue in getattr(self.issues, "kept", self.issues).values())

    def listed(self, by_label: bool) -> list[Issue]:
        """Issues as the list by label, or the plain one, knows them: where it lags, copies of what they were."""
        if not self.lags:
            return list(self.issues.values())
        view = "labels" if by_label else "lists"
        known = (self.lags.seen(view, issue.number, issue) for issue in self.issues.values())
        return [issue for issue in known if issue is not None]


@dataclass(slots=True)
class Organization:
    """Members with their role and whether the membership is public, and teams with their members' roles."""

    members: dict[str, tuple[str, bool]] = field(default_factory=dict)
    teams: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(slots=True)
class Bucket:
    """A primary rate limit: what is used of it in the hour that began with its first request."""

    limit: int
    used: int = 0
    reset: int = 0


FIRST_IDS = {
    "account": 1_000,
    "repository": 900_000_000,
    "issue": 3_500_000_000,
    "comment": 5_722_000_000,
    "reaction": 310_000_000,
    "label": 9_100_000_000,
    "happening": 21_000_000_000,
    "edit": 400_000_000,
    "workflow": 161_000_000,
}
STRIDES = {"comment": 7, "issue": 3}


@dataclass(slots=True)
class World:
    """Everything that ``save`` and ``restore`` keep."""

    clock: Clock = field(default_factory=Clock)
    accounts: dict[str, Account] = field(default_factory=dict)
    organizations: dict[str, Organization] = field(default_factory=dict)
    repositories: dict[str, RepositoryRecord] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    old_names: dict[str, int] = field(default_factory=dict)
    buckets: dict[tuple[str, str], Bucket] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=lambda: dict(FIRST_IDS))
    requests: int = 0

    def new_id(self, kind: str) -> int:
        """The next id of a kind; increasing, with gaps, past 2**32 for comments (facts file, section 3)."""
        value = self.sequences[kind] + STRIDES.get(kind, 1)
        self.sequences[kind] = value
        return value

    def account(self, login: str) -> Account | None:
        return self.accounts.get(login.lower())

    def repository(self, full_name: str) -> RepositoryRecord | None:
        return self.repositories.get(full_name.lower())

    def moved(self, full_name: str) -> RepositoryRecord | None:
        """The repository that had this name, unless another has taken it (docs: Renaming a repository)."""
        number = self.old_names.get(full_name.lower())
        return None if number is None or self.repository(full_name) else self.repository_by_id(number)

    def add_repository(self, repo: RepositoryRecord) -> None:
        """Put a repository under its name, which another may have had before."""
        self.repositories[repo.full_name.lower()] = repo
        self.names[repo.id] = repo.full_name.lower()
        self.old_names.pop(repo.full_name.lower(), None)

    def rename_repository(self, repo: RepositoryRecord, full_name: str) -> None:
        """Give a repository another name, another owner included; the old name leads there from now on."""
        del self.repositories[repo.full_name.lower()]
        old = repo.full_name.lower()
        repo.owner, _, repo.name = full_name.partition("/")
        self.add_repository(repo)
        self.old_names[old] = repo.id

    def repository_by_id(self, number: int) -> RepositoryRecord | None:
        name = self.names.get(number)
        return None if name is None else self.repositories[name]
