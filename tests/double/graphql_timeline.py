"""Timelines of issues as GraphQL shows them."""

from __future__ import annotations

from typing import Any

from .clock import parse
from .graphql_connections import Connection
from .graphql_engine import TYPE_OF, Context, date, resolves
from .graphql_queries import actor
from .identifiers import node_id
from .model import Happening, Issue, Label

KINDS = {
    "renamed": "RenamedTitleEvent",
    "closed": "ClosedEvent",
    "reopened": "ReopenedEvent",
    "labeled": "LabeledEvent",
    "unlabeled": "UnlabeledEvent",
    "locked": "LockedEvent",
    "unlocked": "UnlockedEvent",
    "pinned": "PinnedEvent",
    "unpinned": "UnpinnedEvent",
    "comment_deleted": "CommentDeletedEvent",
}
ITEM_TYPES = {
    "renamed": "RENAMED_TITLE_EVENT",
    "comment_deleted": "COMMENT_DELETED_EVENT",
    **{k: f"{k.upper()}_EVENT" for k in KINDS if k not in ("renamed", "comment_deleted")},
}
TYPE_OF[Happening] = lambda event: KINDS[event.kind]
EVENTS = " ".join(KINDS.values())
resolves(EVENTS, "id")(lambda source, info: node_id("Happening", source.repository, source.id))
resolves(EVENTS, "actor")(lambda source, info: actor(info.context, source.actor))
resolves(EVENTS, "createdAt")(lambda source, info: date(source.at))
resolves("RenamedTitleEvent", "currentTitle")(lambda source, info: source.details["to"])
resolves("RenamedTitleEvent", "previousTitle")(lambda source, info: source.details["from"])
resolves("LockedEvent", "lockReason")(
    lambda s, info: (s.details["reason"] or "").upper().replace("-", "_").replace(" ", "_") or None
)
resolves("ClosedEvent ReopenedEvent", "stateReason")(lambda source, info: source.details["reason"].upper())
resolves("ClosedEvent", "resourcePath")(lambda s, info: f"{_page(s, info.context)}#event-{s.id}")
resolves("ClosedEvent", "url")(lambda s, info: f"{info.context.hub.base}{_page(s, info.context)}#event-{s.id}")
resolves("CommentDeletedEvent", "databaseId")(lambda source, info: source.id)
resolves("CommentDeletedEvent", "deletedCommentAuthor")(lambda s, info: actor(info.context, s.details["author"]))


def _page(source: Happening, ctx: Context) -> str:
    return f"/{ctx.repo(source.repository).full_name}/issues/{source.number}"


@resolves(EVENTS, "subject", "closable", "labelable", "lockable", "issue")
def event_issue(source: Happening, info: Any) -> Issue:
    return info.context.repo(source.repository).issues[source.number]


@resolves("LabeledEvent UnlabeledEvent", "label")
def event_label(source: Happening, info: Any) -> Label:
    """The label, or what it was when it has been deleted since."""
    details = source.details
    gone = Label(details["label"], details["name"], details["color"], None, source.at, source.at, source.repository)
    return info.context.repo(source.repository).labels.get(details["label"], gone)


@resolves("Issue", "timelineItems")
def timeline(
    source: Issue,
    info: Any,
    itemTypes: list[str] | None = None,
    since: str | None = None,
    skip: int | None = None,
    **arguments: Any,
) -> Connection:
    """Events and comments, oldest first; both counts are of the wanted types."""
    wanted = None if itemTypes is None else set(itemTypes)
    repo = info.context.repo(source.repository)
    rows: list[tuple[list[int], Any]] = [
        ([event.at, 0, event.id], event)
        for event in repo.timeline_of(source)
        if wanted is None or ITEM_TYPES[event.kind] in wanted
    ]
    if wanted is None or "ISSUE_COMMENT" in wanted:
        rows += [([c.created, 1, c.id], c) for c in repo.comments_of(source)]
    rows.sort(key=lambda row: row[0])
    if since is not None:
        start = parse(since) or 0
        rows = [row for row in rows if row[0][0] >= start]
    rows = rows[skip or 0 :]
    extra = {"filteredCount": len(rows), "pageCount": len(rows), "updatedAt": date(source.updated)}
    connection = Connection("timelineItems", rows, lambda r: r[0], node=lambda r: r[1], extra=extra, **arguments)
    connection.extra = {**extra, "pageCount": len(connection.page)}
    return connection
