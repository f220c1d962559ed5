"""The values that the core works on: what was read from GitHub, and the store's rules.

Nothing here depends on PyGithub, HTTP or a clock.  Times are ISO 8601 strings in UTC as GitHub sends them
(`2026-01-31T12:00:00Z`): they sort as text, have one-second resolution, and only order reports; comments are ordered
by id.

A *login* is in lowercase, and a bot's has the suffix `[bot]`: REST and `viewer` write it that way, GraphQL actors do
not (github-facts, section 4), so the gateway adds it by the actor's type.  A user's login cannot contain a bracket.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gh_store_action.domain.names import DEFAULT_MODE, UPDATE_MODES
from gh_store_action.domain.refusal import Reason

NEWEST_TITLES = 20  # newest changes of an issue's title that every read shows, and
FIRST_TITLES = 5  # the oldest ones with them
GHOST = "ghost"  # the login that GitHub shows for a deleted account
FOREVER = "~"  # later than any time, as text


@dataclass(frozen=True)
class Reactions:
    """The reaction for each verdict, by its name in GitHub's REST API (`+1`, `rocket`, ...)."""

    processed: str = "+1"
    initial_state: str = "rocket"
    rejected: str = "-1"
    unauthorized: str = "confused"


@dataclass(frozen=True)
class AccessRule:
    """Who may write the objects whose id matches `match`.

    Args:
        match: a glob over object ids; case does not count.
        permission: the least repository permission, or `anyone`.
        users: logins that may write, whatever their permission.
        teams: `org/team` slugs whose members may write.
        codeowners: whether the owners of the snapshot's path in CODEOWNERS may write.
        allow: the update modes and operators that those without write permission may use.
        owner: whether the object's owner may write it, like `users`.
        create: the least permission to create such an object by a form, like `permission`; empty: only those who may
            write.
    """

    match: str = "*"
    permission: str = "write"
    users: frozenset[str] = frozenset()
    teams: tuple[str, ...] = ()
    codeowners: bool = False
    allow: tuple[str, ...] = UPDATE_MODES
    owner: bool = False
    create: str = ""

    @property
    def limited(self) -> bool:
        """Whether those without write permission may not use every mode."""
        return not set(UPDATE_MODES) <= set(self.allow)


@dataclass(frozen=True)
class FormRule:
    """What to do with the answers to an issue form.

    Args:
        label: set by the form; it marks the issues of this form.
        form: the file in `.github/ISSUE_TEMPLATE/`.
        update: the id of the object to update, which may have placeholders such as `{login}`; empty with `create`.
        mode: the update mode.
        data: of the update or the object, with placeholders for the answers; None for the answers themselves, by field.
        types: by field, how to read its text: `number` or `json`.
        create: the id of the object to create, like `update` and instead of it.
    """

    label: str
    form: str
    update: str = ""
    mode: str = DEFAULT_MODE
    data: Any = None
    types: Mapping[str, str] = field(default_factory=dict)
    create: str = ""

    @property
    def object_id(self) -> str:
        """The id of the object that it is about, with its placeholders."""
        return self.create or self.update


@dataclass(frozen=True)
class Rules:
    """The store's rules, the same for all identities that work on it."""

    base_label: str = "stored-object"
    uid_prefix: str = "UID:"
    archived_label: str = "archived"
    extra_labels: tuple[str, ...] = ()
    reactions: Reactions = Reactions()
    processors: frozenset[str] = frozenset({"github-actions[bot]"})
    access: tuple[AccessRule, ...] = (AccessRule(),)
    schemas: tuple[tuple[str, str], ...] = ()  # (glob over ids, file name in .github/gh-store/)
    forms: tuple[FormRule, ...] = ()


@dataclass(frozen=True)
class Reaction:
    """One reaction.

    Args:
        content: its REST name.
        at: when it was left; empty if the read does not show it.
        by_hand: whether no run can have left it, so it is no receipt, see `receipts.sifted`.
    """

    login: str
    content: str
    at: str = field(default="", compare=False)
    by_hand: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Comment:
    """One comment of the log as read."""

    id: int
    node_id: str
    author: str
    body: str
    created_at: str
    edited_at: str = ""  # of the text, empty if never edited; reactions do not count as edits
    editor: str = ""
    reactions: tuple[Reaction, ...] = ()  # oldest first


@dataclass(frozen=True)
class Rename:
    """One change of an issue's title."""

    at: str
    login: str
    title: str
    before: str = ""  # the title that it replaced


@dataclass(frozen=True)
class Issue:
    """One issue as one read saw it: head and log belong together.

    Args:
        comments: ascending by id; the newest ones, as far back as was read.
        complete: whether `comments` goes back to the issue's first one.
        total_comments: the issue's number of comments in this read.
        titles: the newest title changes, newest first, as far as requested.
        first_titles: the oldest ones, which later changes cannot push out.
        editor: who last edited the body; empty if no one did.
        locked: whether the conversation is locked, so that only people with write permission can comment.
        lock_reason: why, in GitHub's words; empty for none.
        cut: whether a listing has left out older title changes, and the number of older comments.
        cursor: where older comments continue, only for the gateway.
        url: of its page.
    """

    number: int
    node_id: str
    title: str
    body: str
    closed: bool
    author: str
    labels: tuple[str, ...]
    created_at: str
    updated_at: str
    editor: str = ""
    edited_at: str = ""
    titles: tuple[Rename, ...] = ()
    first_titles: tuple[Rename, ...] = ()
    comments: tuple[Comment, ...] = ()
    total_comments: int = 0
    complete: bool = True
    locked: bool = False
    lock_reason: str = ""
    cut: bool = False
    cursor: str = ""
    url: str = ""
    body_edits: tuple[tuple[str, str], ...] = ()  # (time, login), newest first, the newest few


@dataclass(frozen=True)
class StoredMeta:
    """An object's metadata.

    Args:
        version: the revision.
        created_by: who opened the issue.
        updated_at, updated_by: when the last revision was written, and by whom: mostly the processor.
        pending: updates that are not applied yet.
    """

    object_id: str
    label: str
    issue_number: int
    created_at: str
    updated_at: str
    version: int
    digest: str
    created_by: str = ""
    updated_by: str = ""
    issue_url: str = ""
    pending: int = 0

    @property
    def created(self) -> datetime:
        """When the issue was opened."""
        return datetime.fromisoformat(self.created_at)

    @property
    def updated(self) -> datetime:
        """When the last revision was written."""
        return datetime.fromisoformat(self.updated_at)


@dataclass(frozen=True)
class StoredObject:
    """One object of the store: `data` is its current state, a JSON object or array."""

    meta: StoredMeta
    data: Any


@dataclass(frozen=True)
class Receipt:
    """A reaction to add to a comment or, with `remove`, to remove."""

    comment_id: int
    node_id: str
    content: str
    remove: bool = False


@dataclass(frozen=True)
class Refusal:
    """A refused update, as every report shows it: reply, summary, annotation, history; for a form, without comment."""

    comment_id: int
    author: str
    reasons: tuple[Reason, ...] = field(default=())
    unauthorized: bool = False

    @property
    def what(self) -> str:
        """What was refused, for a sentence."""
        return f"the update {self.comment_id}" if self.comment_id else "the form"
