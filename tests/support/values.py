"""Issues, comments and contexts as values, for tests of the pure core."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from gh_store_action.domain import objects
from gh_store_action.domain.log.entries import checkpoint, checkpoint_id
from gh_store_action.domain.log.fold import Judge, no_schema
from gh_store_action.domain.objects import Marker
from gh_store_action.domain.processing.context import Context
from gh_store_action.domain.processing.effects import Write
from gh_store_action.domain.records import Comment, Issue, Reaction, Rename, Rules
from gh_store_action.domain.strict_json import Json, dump

BOT = "github-actions[bot]"
RULES = Rules()
COUNTING = frozenset({BOT})


def comment(number: int, body: object, by: str = "alice", *reactions: str, **fields: object) -> Comment:
    """A comment; reactions as `+1` (the bot's) or `mallory:+1`."""
    text = body if isinstance(body, str) else json.dumps(body)
    found = []
    for reaction in reactions:
        who, _, content = reaction.rpartition(":")
        found.append(Reaction(who or BOT, content))
    return Comment(number, f"IC{number}", by, text, "2026-01-01T00:00:00Z", reactions=tuple(found), **fields)  # type: ignore[arg-type]


def initial(number: int = 10, data: Json = None, **meta: object) -> Comment:
    """The store's first comment."""
    state: Json = {"count": 0} if data is None else data
    options = {"after": 0, "revision": 1, "update_id": checkpoint_id(0, 0, state), **meta}
    return comment(number, checkpoint(state, version="1", **options), BOT, "+1", "rocket")  # type: ignore[arg-type]


def issue(
    data: object, comments: Sequence[Comment], *, marker: Marker | None = None, complete: bool = True, **fields: object
) -> Issue:
    """An object's issue; without a marker given, one that says that all comments are folded."""
    body = data if isinstance(data, str) else dump(data)  # type: ignore[arg-type]
    if marker is None:
        newest = comments[-1].id if comments else 0
        marker = marked(1, newest, len(comments), data, *(c.id for c in comments))  # type: ignore[arg-type]
    known: dict[str, object] = {
        "title": objects.title("m", marker, RULES),
        "closed": True,
        "labels": ("stored-object", "UID:m"),
        "author": BOT,
        "total_comments": len(comments),
        **fields,
    }
    setter = known.pop("title_editor", BOT)
    if "titles" not in known and setter:
        known["titles"] = (Rename("2026-01-01T00:00:00Z", str(setter), str(known["title"])),)
    return Issue(
        number=1,
        node_id="I1",
        body=body,
        created_at="2026-01-01T00:00:00Z",
        updated_at="2026-01-01T00:00:00Z",
        comments=tuple(comments),
        complete=complete,
        **known,  # type: ignore[arg-type]
    )


def marked(revision: int, newest: int, count: int, data: Json, *knew: int) -> Marker:
    """A marker for that state, which names the comments that its run knew."""
    recent = tuple(objects.short_id(number) for number in knew)[-objects.MOST_RECENT :]
    return Marker(revision, newest, count, objects.short_digest(data), recent)


def context(judge: Judge = no_schema, permissions: Mapping[str, bool] | None = None, **fields: object) -> Context:
    """What a run knows."""
    allowed = {"alice": True, "bob": True, "mallory": False} if permissions is None else permissions
    return Context(
        rules=RULES,
        viewer=BOT,
        counting=COUNTING,
        version="1",
        issue_url="https://github.test/o/r/issues/1",
        judge=judge,
        permissions=allowed,
        **fields,  # type: ignore[arg-type]
    )


def written(before: Issue, step: Write) -> Issue:
    """The issue after the step's one request."""
    comments = list(before.comments)
    given = [r for r in step.receipts if not r.remove]
    taken = {(r.comment_id, r.content) for r in step.receipts if r.remove}
    comments = [
        replace(
            c,
            reactions=tuple(r for r in c.reactions if not (r.login == BOT and (c.id, r.content) in taken))
            + tuple(Reaction(BOT, r.content) for r in given if r.comment_id == c.id),
        )
        for c in comments
    ]
    following = max([0, *(c.id for c in comments)]) + 1
    for text in (step.checkpoint, step.reply):
        if text:
            comments.append(comment(following, text, BOT))
            following += 1
    changed: dict[str, object] = {}
    if step.title:
        changed = {"title": step.title, "body": step.body, "editor": BOT, "edited_at": "2026-02-01T00:00:00Z"}
        if step.title != before.title:
            renamed = Rename("2026-02-01T00:00:00Z", BOT, step.title, before.title)
            changed["titles"] = (renamed, *before.titles)
    return replace(
        before,
        comments=tuple(comments),
        total_comments=before.total_comments + len(comments) - len(before.comments),
        closed=before.closed or step.close,
        **changed,  # type: ignore[arg-type]
    )
