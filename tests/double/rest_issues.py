"""REST endpoints of issues and their comments."""

from __future__ import annotations

import base64
from typing import Any

from . import access, effects, labels
from .clock import iso, parse
from .errors import Refusal, invalid
from .model import Comment, Issue, RepositoryRecord
from .rest import Answer, Call, by_cursor, by_page, find_comment, find_issue, issues_disabled, route

ISSUES = "/repos/{owner}/{repo}/issues"
ISSUE = ISSUES + "/{number}"
COMMENT = ISSUES + "/comments/{comment_id}"
SORTS = {
    "created": lambda issue: (issue.created, issue.number),
    "updated": lambda issue: (issue.updated, issue.number),
    "comments": lambda issue: (len(issue.comments), issue.number),
}


def _since(call: Call) -> int | None:
    value = call.query.get("since")
    if value is None:
        return None
    moment = parse(value)
    if moment is None:
        raise invalid("Issue", "since", "invalid")
    return moment


@route("GET", ISSUES)
def list_issues(call: Call, owner: str, repo: str) -> Answer:
    """Open ones unless asked otherwise, pull requests too, labels mean all of them (OpenAPI issues/list-for-repo)."""
    record = call.repository(owner, repo)
    access.require_issue_read(record, call.who)
    if not record.issues_enabled:
        raise issues_disabled()
    state = call.query.get("state") or "open"
    sort = call.query.get("sort") or "created"
    direction = call.query.get("direction") or "desc"
    if state not in ("open", "closed", "all"):
        raise invalid("Issue", "state", "invalid", value=state)
    if sort not in SORTS:
        raise invalid("Issue", "sort", "invalid", value=sort)
    since = _since(call)
    wanted: set[int | None] = set()
    for name in (call.query.get("labels") or "").split(","):
        if name.strip():
            label = record.label_named(name.strip())
            wanted.add(None if label is None else label.id)
    creator = call.query.get("creator")
    found = [
        issue
        for issue in record.listed(bool(wanted))
        if state in ("all", issue.state)
        and (since is None or issue.updated >= since)
        and (not wanted or wanted.issubset(issue.labels))
        and (creator is None or creator.lower() == issue.author.lower())
    ]
    found.sort(key=SORTS[sort], reverse=direction != "asc")
    page, headers = by_cursor(call, found, record, _cursor)
    shapes = call.shapes
    return Answer(200, [shapes.issue(record, record.issues[issue.number], call.who) for issue in page], headers)


def _cursor(issue: Issue) -> str:
    return base64.b64encode(f"cursor:v2:{issue.id}".encode()).decode()


def _label_names(value: Any) -> list[str]:
    """Names given as strings, or as objects with a name (OpenAPI issues/create)."""
    if not isinstance(value, list):
        raise Refusal(422, f"Invalid request.\n\nFor 'properties/labels', {value!r} is not an array.")
    names = []
    for item in value:
        name = item.get("name") if isinstance(item, dict) else item
        if not isinstance(name, str):
            raise Refusal(422, f"Invalid request.\n\nFor 'properties/labels', {item!r} is not a string.")
        names.append(name)
    return names


@route("POST", ISSUES)
def create_issue(call: Call, owner: str, repo: str) -> Answer:
    """Labels need push access and are silently dropped otherwise (OpenAPI issues/create)."""
    record = call.repository(owner, repo)
    if not record.issues_enabled:
        raise issues_disabled()
    access.require_create(call.hub.world, record, call.who)
    title = call.body.get("title")
    if isinstance(title, int):
        title = str(title)
    if not isinstance(title, str):
        raise Refusal(422, 'Invalid request.\n\n"title" wasn\'t supplied.')
    effects.ensure_title(title)
    body = call.text("body") or ""
    chosen = []
    world = call.hub.world
    if call.body.get("labels") and access.may_label(world, record, call.who):
        effects.ensure_text(call.hub, body, "Issue")
        may_make = access.may_make_labels(world, record, call.who)
        chosen = labels.named(call.hub, record, call.who, _label_names(call.body["labels"]), may_make)
    issue = effects.open_issue(call.hub, record, call.who, title, body, chosen)
    shape = call.shapes.issue(record, issue, call.who)
    return Answer(201, shape, {"Location": shape["url"]})


def _readable(call: Call, owner: str, repo: str, number: str) -> tuple[RepositoryRecord, Issue]:
    record = call.repository(owner, repo)
    access.require_issue_read(record, call.who)
    return record, find_issue(call, record, number)


@route("GET", ISSUE)
def get_issue(call: Call, owner: str, repo: str, number: str) -> Answer:
    record, issue = _readable(call, owner, repo, number)
    return Answer(200, call.shapes.issue(record, issue, call.who))


@route("PATCH", ISSUE)
def edit_issue(call: Call, owner: str, repo: str, number: str) -> Answer:
    """Last writer wins; ``labels`` replaces the whole set (OpenAPI issues/update)."""
    record, issue = _readable(call, owner, repo, number)
    world, who, body = call.hub.world, call.who, call.body
    title = body.get("title")
    title = str(title) if isinstance(title, (int, str)) else None
    text = call.text("body")
    if "body" in body and body["body"] is None:
        text = ""
    if title is not None or text is not None or not body:
        access.require_text_edit(world, record, who, issue, "UpdateIssue")
    state = call.text("state")
    if state is not None:
        if state not in ("open", "closed"):
            raise invalid("Issue", "state", "invalid", value=state)
        if state != issue.state:
            access.require_state_change(world, record, who, issue, state)
    reason = call.text("state_reason")
    if reason not in (None, "completed", "not_planned", "duplicate", "reopened"):
        raise invalid("Issue", "state_reason", "invalid", value=reason)
    chosen = None
    if "labels" in body and body["labels"] is not None and access.may_label(world, record, who):
        may_make = access.may_make_labels(world, record, who)
        chosen = labels.named(call.hub, record, who, _label_names(body["labels"]), may_make)
    effects.edit_issue(call.hub, record, who, issue, title=title, body=text, state=state, reason=reason, labels=chosen)
    return Answer(200, call.shapes.issue(record, issue, who))


def _comments(call: Call, record: RepositoryRecord, comments: list[Comment]) -> Answer:
    page, headers = by_page(call, comments, record)
    shapes = call.shapes
    return Answer(200, [shapes.comment(record, comment, call.who) for comment in page], headers)


@route("GET", ISSUES + "/comments")
def list_repository_comments(call: Call, owner: str, repo: str) -> Answer:
    """All comments of the repository, of issues and pull requests (OpenAPI issues/list-comments-for-repo)."""
    record = call.repository(owner, repo)
    access.require_issue_read(record, call.who)
    since = _since(call)
    found = record.lags.shown("comments", list(record.comments.values()))
    found = [c for c in found if since is None or c.updated >= since]
    sort = call.query.get("sort")
    if sort == "updated":
        found.sort(key=lambda c: (c.updated, c.id))
    elif sort == "created":
        found.sort(key=lambda c: (c.created, c.id))
    else:
        found.sort(key=lambda c: c.id)
    if sort and call.query.get("direction", "desc") != "asc":
        found.reverse()
    return _comments(call, record, found)


@route("GET", ISSUE + "/comments")
def list_comments(call: Call, owner: str, repo: str, number: str) -> Answer:
    """Ascending ids; ``since`` is about updates (OpenAPI issues/list-comments)."""
    record, issue = _readable(call, owner, repo, number)
    since = _since(call)
    found = [c for c in record.comments_of(issue) if since is None or c.updated >= since]
    return _comments(call, record, found)


@route("POST", ISSUE + "/comments")
def create_comment(call: Call, owner: str, repo: str, number: str) -> Answer:
    record, issue = _readable(call, owner, repo, number)
    access.require_comment(call.hub.world, record, call.who, issue, "create comment")
    body = call.text("body", required=True) or ""
    comment = effects.add_comment(call.hub, record, call.who, issue, body)
    shape = call.shapes.comment(record, comment, call.who)
    return Answer(201, shape, {"Location": shape["url"]})


@route("GET", COMMENT)
def get_comment(call: Call, owner: str, repo: str, comment_id: str) -> Answer:
    record = call.repository(owner, repo)
    access.require_issue_read(record, call.who)
    comment = find_comment(call, record, comment_id)
    return Answer(200, call.shapes.comment(record, comment, call.who))


@route("PATCH", COMMENT)
def edit_comment(call: Call, owner: str, repo: str, comment_id: str) -> Answer:
    record = call.repository(owner, repo)
    comment = find_comment(call, record, comment_id)
    access.require_text_edit(call.hub.world, record, call.who, comment, "UpdateIssueComment")
    effects.edit_comment(call.hub, record, call.who, comment, call.text("body", required=True) or "")
    return Answer(200, call.shapes.comment(record, comment, call.who))


@route("DELETE", COMMENT)
def delete_comment(call: Call, owner: str, repo: str, comment_id: str) -> Answer:
    record = call.repository(owner, repo)
    comment = find_comment(call, record, comment_id)
    access.require_text_edit(call.hub.world, record, call.who, comment, "DeleteIssueComment")
    effects.delete_comment(call.hub, record, call.who, comment)
    return Answer(204)


@route("PUT", ISSUE + "/lock")
def lock_issue(call: Call, owner: str, repo: str, number: str) -> Answer:
    record, issue = _readable(call, owner, repo, number)
    access.require_write(call.hub.world, record, call.who, "LockLockable")
    reason = call.text("lock_reason")
    if reason not in (None, "off-topic", "too heated", "resolved", "spam"):
        raise invalid("Issue", "lock_reason", "invalid", value=reason)
    effects.lock(call.hub, record, call.who, issue, reason)
    return Answer(204)


@route("DELETE", ISSUE + "/lock")
def unlock_issue(call: Call, owner: str, repo: str, number: str) -> Answer:
    record, issue = _readable(call, owner, repo, number)
    access.require_write(call.hub.world, record, call.who, "UnlockLockable")
    effects.unlock(call.hub, record, call.who, issue)
    return Answer(204)


@route("GET", ISSUE + "/events")
def list_events(call: Call, owner: str, repo: str, number: str) -> Answer:
    record, issue = _readable(call, owner, repo, number)
    page, headers = by_page(call, record.timeline_of(issue), record)
    shapes = call.shapes
    return Answer(200, [shapes.happening(record, event) for event in page], headers)


@route("GET", ISSUE + "/timeline")
def list_timeline(call: Call, owner: str, repo: str, number: str) -> Answer:
    """Events and comments by time; a comment entry is the comment with ``event`` and ``actor``."""
    record, issue = _readable(call, owner, repo, number)
    shapes = call.shapes
    entries = [(event.at, 0, event.id, shapes.happening(record, event)) for event in record.timeline_of(issue)]
    for comment in record.comments_of(issue):
        shape = shapes.comment(record, comment, call.who)
        entry = {**shape, "event": "commented", "actor": shape["user"]}
        entries.append((comment.created, 1, comment.id, entry))
    entries.sort(key=lambda entry: entry[:3])
    page, headers = by_page(call, [entry[3] for entry in entries], record)
    return Answer(200, list(page), headers)


@route("GET", ISSUES + "/events")
def list_repository_events(call: Call, owner: str, repo: str) -> Answer:
    record = call.repository(owner, repo)
    access.require_issue_read(record, call.who)
    shapes = call.shapes
    pairs = [(event, issue) for issue in record.issues.values() for event in record.timeline_of(issue)]
    pairs.sort(key=lambda pair: -pair[0].id)
    page, headers = by_page(call, pairs, record)
    found = [{**shapes.happening(record, e), "issue": shapes.issue(record, i, call.who)} for e, i in page]
    return Answer(200, found, headers)


def etag_subject(call: Call, owner: str, repo: str, number: str) -> str:
    """What an ``If-Match`` on an issue is compared with: the time of its last change."""
    record = call.repository(owner, repo)
    return iso(find_issue(call, record, number).updated)
