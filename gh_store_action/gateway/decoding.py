"""GraphQL nodes to records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from gh_store_action.domain.records import FIRST_TITLES, GHOST, NEWEST_TITLES, Comment, Issue, Reaction, Rename

CONTENTS = {
    "+1": "THUMBS_UP",
    "-1": "THUMBS_DOWN",
    "laugh": "LAUGH",
    "confused": "CONFUSED",
    "heart": "HEART",
    "hooray": "HOORAY",
    "rocket": "ROCKET",
    "eyes": "EYES",
}
_NAMES = {content: name for name, content in CONTENTS.items()}


def login_of(actor: Mapping[str, Any] | None) -> str:
    """The login in lowercase; anyone but a user gets a suffix, as REST but not GraphQL adds it for bots.

    A mannequin, left by an import, may have a user's login (github-facts, section 3).
    """
    if not actor:
        return GHOST
    login, kind = str(actor.get("login") or GHOST).lower(), str(actor.get("__typename") or "User").lower()
    return login if kind == "user" else f"{login.removesuffix('[bot]')}[{kind}]"


def reactions_from(
    nodes: Iterable[Mapping[str, Any] | None], groups: Iterable[Mapping[str, Any] | None] | None, viewer: str
) -> tuple[Reaction, ...]:
    """Who reacted how, oldest first.

    Our own come from `viewerHasReacted`, too: it is not documented whether `Reaction.user` is set for a bot.  A
    reaction with unknown content is not a receipt.
    """
    found = [
        Reaction(
            str((node.get("user") or {}).get("login") or GHOST).lower(),
            _NAMES[node["content"]],
            str(node.get("createdAt") or ""),
        )
        for node in nodes
        if node and node["content"] in _NAMES
    ]
    reacted = [group["content"] for group in groups or () if group and group.get("viewerHasReacted")]
    own = [Reaction(viewer, _NAMES[content]) for content in reacted if content in _NAMES]
    return tuple(found) + tuple(reaction for reaction in own if reaction not in found)


def comment_from(node: Mapping[str, Any], viewer: str) -> Comment:
    """One comment; its id is the 64-bit one: the 32-bit `databaseId` has run out (github-facts, section 4)."""
    edited = str(node.get("lastEditedAt") or "")
    return Comment(
        id=int(node["fullDatabaseId"]),
        node_id=str(node["id"]),
        author=login_of(node.get("author")),
        body=str(node.get("body") or ""),
        created_at=str(node["createdAt"]),
        edited_at=edited,
        editor=login_of(node.get("editor")) if edited else "",
        reactions=reactions_from((node.get("reactions") or {}).get("nodes") or (), node.get("reactionGroups"), viewer),
    )


def brief(node: Mapping[str, Any], viewer: str) -> Issue:
    """An issue without its whole log and, if the query omits it, without its body."""
    edited = str(node.get("lastEditedAt") or "")
    comments = node.get("comments") or {}
    items = _timeline(node.get("timeline"))
    log = sorted((comment_from(c, viewer) for c in comments.get("nodes") or () if c), key=lambda c: c.id)
    total = int(comments.get("totalCount") or 0) + items.comments
    return Issue(
        number=int(node["number"]),
        node_id=str(node["id"]),
        url=str(node.get("url") or ""),
        title=str(node["title"]),
        body=str(node.get("body") or ""),
        closed=bool(node["closed"]),
        locked=bool(node.get("locked")),
        lock_reason=str(node.get("activeLockReason") or ""),
        author=login_of(node.get("author")),
        labels=tuple(str(label["name"]) for label in (node.get("labels") or {}).get("nodes") or () if label),
        created_at=str(node["createdAt"]),
        updated_at=str(node["updatedAt"]),
        editor=login_of(node.get("editor")) if edited else "",
        edited_at=edited,
        titles=items.titles[-NEWEST_TITLES:][::-1] or _renames(node.get("renames"))[::-1],
        first_titles=() if items.cut else items.titles[:FIRST_TITLES] or _renames(node.get("firstRenames")),
        comments=tuple(log),
        total_comments=total,
        complete=len(log) >= total and not items.cut,
        cut=items.cut,
    )


class _Timeline(NamedTuple):
    """Title changes, oldest first, and the number of comments among them; `cut`: there are older ones."""

    titles: tuple[Rename, ...] = ()
    comments: int = 0
    cut: bool = False


def _timeline(found: Mapping[str, Any] | None) -> _Timeline:
    if found is None:
        return _Timeline()
    kinds = [node["__typename"] for node in found["nodes"] if node]
    titles = _renames({"nodes": [node for node in found["nodes"] if node and "currentTitle" in node]})
    return _Timeline(titles, kinds.count("IssueComment"), bool(found["pageInfo"]["hasPreviousPage"]))


def _renames(found: Mapping[str, Any] | None) -> tuple[Rename, ...]:
    """Title changes, oldest first."""
    return tuple(
        Rename(str(r["createdAt"]), login_of(r.get("actor")), str(r["currentTitle"]), str(r["previousTitle"]))
        for r in (found or {}).get("nodes") or ()
        if r
    )


def issue_from(node: Mapping[str, Any], viewer: str) -> Issue:
    """An issue with the part of its log on the page."""
    info = node["comments"]["pageInfo"]
    edits = [
        (str(e.get("editedAt") or ""), login_of(e.get("editor")))
        for e in (node.get("userContentEdits") or {}).get("nodes") or ()
        if e
    ]
    return replace(
        brief(node, viewer),
        complete=not info["hasPreviousPage"],
        cursor=str(info.get("startCursor") or ""),
        body_edits=tuple(sorted(edits, reverse=True)),
    )


def with_older(issue: Issue, older: Issue) -> Issue:
    """The issue with the older page's comments before its own."""
    known = {c.id for c in issue.comments}
    return replace(
        issue,
        comments=tuple(c for c in older.comments if c.id not in known) + issue.comments,
        complete=older.complete,
        cursor=older.cursor,
    )


def whole_texts(tree: Mapping[str, Any]) -> dict[str, str]:
    """The files of a folder that GitHub returns as complete text, by name."""
    blobs = {str(entry["name"]): entry.get("object") or {} for entry in tree.get("entries") or () if entry}
    return {name: str(b["text"]) for name, b in blobs.items() if b.get("text") is not None and not b["isTruncated"]}
