"""Changes of issues and comments: validated, dated, entered in the timeline, told as events. No permissions here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .access import Principal
from .errors import Refusal, invalid
from .model import Comment, Edit, Happening, Issue, Label, Reaction, RepositoryRecord

if TYPE_CHECKING:
    from .hub import Hub


def ensure_text(hub: Hub, text: str, resource: str, *, creating_comment: bool = False) -> str:
    """The text as it is kept. Refuse one over the limit, with the text all reports quote
    (https://github.com/renovatebot/renovate/issues/15850)."""
    if len(text) <= hub.options.body_limit and len(text.encode("utf-8", "surrogatepass")) <= hub.options.body_bytes:
        return text.strip() if hub.options.trims else text
    wording = f"is too long (maximum is {hub.options.body_limit} characters)"
    if creating_comment:
        raise _comment_refused(f"Body {wording}")
    raise invalid(resource, "body", "custom", f"body {wording}")


def _comment_refused(text: str) -> Refusal:
    detail = {"resource": "IssueComment", "code": "unprocessable", "field": "data", "message": text}
    return Refusal(422, "Validation Failed", errors=[detail], graphql=text)


def ensure_title(title: str) -> None:
    """Titles have 1 to 256 characters (https://github.com/dead-claudia/github-limits)."""
    if not title.strip():
        raise Refusal(
            422,
            "Validation Failed",
            errors=[{"resource": "Issue", "code": "missing_field", "field": "title"}],
            graphql="Title can't be blank",
        )
    if len(title) > 256:
        raise invalid("Issue", "title", "custom", "title is too long (maximum is 256 characters)")


def open_issue(
    hub: Hub, repo: RepositoryRecord, who: Principal, title: str, body: str, labels: list[Label], pull: bool = False
) -> Issue:
    ensure_title(title)
    body = ensure_text(hub, body, "Issue")
    if len(labels) > 100:
        raise too_many_labels()
    now = hub.world.clock.write()
    issue = Issue(
        id=hub.world.new_id("issue"),
        repository=repo.id,
        number=repo.next_number,
        author=who.login,
        title=title,
        body=body,
        created=now,
        updated=now,
        pull=pull,
    )
    repo.next_number += 1
    for view in ("labels", "lists"):
        hub.lag(repo, view, issue.number, None)
    repo.issues[issue.number] = issue
    issue.labels = [label.id for label in labels]  # the event has them already
    hub.tell("issues", "opened", who, repo, issue)
    issue.labels = []
    for label in labels:
        _attach(hub, repo, who, issue, label, now)
    return issue


def edit_issue(
    hub: Hub,
    repo: RepositoryRecord,
    who: Principal,
    issue: Issue,
    *,
    title: str | None = None,
    body: str | None = None,
    state: str | None = None,
    reason: str | None = None,
    labels: list[Label] | None = None,
) -> Issue:
    """Apply what differs; what does not differ leaves no trace. All of it carries one time."""
    if title is not None:
        ensure_title(title)
    if body is not None and body != issue.body:
        try:
            body = ensure_text(hub, body, "Issue")
        except Refusal:
            if not hub.options.silent_oversize:
                raise
            body = None
    if labels is not None and len(labels) > 100:
        raise too_many_labels()
    now = hub.world.clock.now + hub.world.clock.tick
    changes: dict[str, Any] = {}
    if title is not None and (title != issue.title or hub.options.renamed_to_the_same):
        changes["title"] = {"from": issue.title}
        note(hub, repo, who, issue, "renamed", now, {"from": issue.title, "to": title})
        issue.title = title
    if body is not None and body != issue.body:
        changes["body"] = {"from": issue.body}
        _rewrite(hub, issue, who, body, now)
    if changes:
        _touch(hub, issue, now)
        hub.tell("issues", "edited", who, repo, issue, changes=changes)
    if labels is not None:
        _replace_labels(hub, repo, who, issue, labels, now)
    if state is not None:
        _change_state(hub, repo, who, issue, state, reason, now)
    return issue


def _rewrite(hub: Hub, subject: Issue | Comment, who: Principal, body: str, now: int) -> None:
    if not subject.edits:
        subject.edits.append(Edit(hub.world.new_id("edit"), subject.author, subject.created, subject.body))
    subject.edits.append(Edit(hub.world.new_id("edit"), who.login, now, body))
    subject.body, subject.editor, subject.edited = body, who.login, now


def _touch(hub: Hub, issue: Issue, now: int) -> None:
    """An issue is about to change its state or labels, or something on it has changed."""
    note_lists(hub, issue)
    hub.world.clock.now = max(hub.world.clock.now, now)
    issue.updated = now


def note_lists(hub: Hub, issue: Issue) -> None:
    """Before a change: what lagging lists go on showing of an issue."""
    if hub.delays.labels or hub.delays.lists:
        repo = hub.world.repository_by_id(issue.repository)
        assert repo is not None
        for view in ("labels", "lists"):
            hub.lag(repo, view, issue.number, replace(issue, labels=list(issue.labels)))


def _change_state(
    hub: Hub, repo: RepositoryRecord, who: Principal, issue: Issue, state: str, reason: str | None, now: int
) -> None:
    """``state_reason`` counts only when the state changes (facts file, Issue update)."""
    if state == issue.state:
        return
    _touch(hub, issue, now)
    issue.state = state
    if state == "closed":
        issue.reason, issue.closed, issue.closed_by = reason or "completed", now, who.login
        note(hub, repo, who, issue, "closed", now, {"reason": issue.reason})
    else:
        issue.reason, issue.closed, issue.closed_by = "reopened", None, None
        note(hub, repo, who, issue, "reopened", now, {"reason": "reopened"})
    hub.tell("issues", "closed" if state == "closed" else "reopened", who, repo, issue)


def note(
    hub: Hub, repo: RepositoryRecord, who: Principal, issue: Issue, kind: str, at: int, details: dict[str, Any]
) -> None:
    """Enter something in the issue's timeline."""
    number = hub.world.new_id("happening")
    hub.lag(repo, "events", number, None)
    issue.timeline.append(Happening(number, kind, who.login, at, repo.id, issue.number, details))


def _attach(hub: Hub, repo: RepositoryRecord, who: Principal, issue: Issue, label: Label, now: int) -> None:
    if label.id in issue.labels:
        return
    _touch(hub, issue, now)
    issue.labels.append(label.id)
    note(hub, repo, who, issue, "labeled", now, {"label": label.id, "name": label.name, "color": label.color})
    hub.tell("issues", "labeled", who, repo, issue, label=label)


def _detach(hub: Hub, repo: RepositoryRecord, who: Principal, issue: Issue, label: Label, now: int) -> None:
    if label.id not in issue.labels:
        return
    _touch(hub, issue, now)
    issue.labels.remove(label.id)
    note(hub, repo, who, issue, "unlabeled", now, {"label": label.id, "name": label.name, "color": label.color})
    hub.tell("issues", "unlabeled", who, repo, issue, label=label)


def _replace_labels(
    hub: Hub, repo: RepositoryRecord, who: Principal, issue: Issue, labels: list[Label], now: int
) -> None:
    wanted = {label.id for label in labels}
    for label in repo.labels_of(issue):
        if label.id not in wanted:
            _detach(hub, repo, who, issue, label, now)
    for label in labels:
        _attach(hub, repo, who, issue, label, now)


def too_many_labels() -> Refusal:
    """At most 100 labels an issue (https://github.com/actions/labeler/pull/497)."""
    return invalid("Issue", "labels", "custom", "labels cannot have more than 100 labels")


def add_labels(hub: Hub, repo: RepositoryRecord, who: Principal, issue: Issue, labels: list[Label]) -> None:
    """Labels already there count as new for the limit (https://github.com/actions/labeler/issues/561)."""
    if len(issue.labels) + len(labels) > 100:
        raise too_many_labels()
    now = hub.world.clock.now + hub.world.clock.tick
    for label in labels:
        _attach(hub, repo, who, issue, label, now)


def remove_labels(hub: Hub, repo: RepositoryRecord, who: Principal, issue: Issue, labels: list[Label]) -> None:
    now = hub.world.clock.now + hub.world.clock.tick
    for label in labels:
        _detach(hub, repo, who, issue, label, now)


def add_comment(hub: Hub, repo: RepositoryRecord, who: Principal, issue: Issue, body: str) -> Comment:
    """At most 2,500 comments an issue, then 403 (https://github.com/digitaldrywood/detent/issues/1540)."""
    if not body.strip():
        raise _comment_refused("Body cannot be blank")
    body = ensure_text(hub, body, "IssueComment", creating_comment=True)
    limit = hub.options.comments_per_issue
    if len(issue.comments) >= limit:
        raise Refusal(403, f"Commenting is disabled on issues with more than {limit} comments", type="FORBIDDEN")
    now = hub.world.clock.write()
    comment = Comment(hub.world.new_id("comment"), repo.id, issue.number, who.login, body, now, now)
    hub.lag(repo, "comments", comment.id, None)
    _touch(hub, issue, now)
    issue.comments.append(comment)
    repo.comments[comment.id] = comment
    hub.tell("issue_comment", "created", who, repo, issue, comment=comment)
    return comment


def edit_comment(hub: Hub, repo: RepositoryRecord, who: Principal, comment: Comment, body: str) -> None:
    if body == comment.body:
        return
    if not body.strip():
        raise invalid("IssueComment", "body", "custom", "body cannot be blank")
    body = ensure_text(hub, body, "IssueComment")
    now = hub.world.clock.write()
    before = comment.body
    _rewrite(hub, comment, who, body, now)
    comment.updated = now
    issue = repo.issues[comment.number]
    _touch(hub, issue, now)
    changes = {"body": {"from": before}}
    hub.tell("issue_comment", "edited", who, repo, issue, comment=comment, changes=changes)


def delete_comment(hub: Hub, repo: RepositoryRecord, who: Principal, comment: Comment) -> None:
    now = hub.world.clock.write()
    issue = repo.issues[comment.number]
    hub.tell("issue_comment", "deleted", who, repo, issue, comment=comment)
    issue.comments.remove(comment)
    del repo.comments[comment.id]
    _touch(hub, issue, now)
    note(hub, repo, who, issue, "comment_deleted", now, {"author": comment.author, "comment": comment.id})


def add_reaction(hub: Hub, who: Principal, subject: Issue | Comment, content: str) -> tuple[Reaction, bool]:
    """One reaction of a content per identity: a repeat finds the first (OpenAPI reactions/create-for-issue-comment).

    Returns:
        The reaction and whether it is new. Reactions leave ``updated_at`` alone and make no event.
    """
    for reaction in subject.reactions if not hub.options.reactions_repeat else ():
        if reaction.content == content and reaction.login.lower() == who.login.lower():
            return reaction, False
    now = hub.world.clock.write()
    kind = "comment" if isinstance(subject, Comment) else "issue"
    reaction = Reaction(hub.world.new_id("reaction"), who.login, content, now, f"{kind}:{subject.id}")
    subject.reactions.append(reaction)
    return reaction, True


def remove_reaction(hub: Hub, subject: Issue | Comment, reaction: Reaction) -> None:
    hub.world.clock.write()
    subject.reactions.remove(reaction)


def lock(hub: Hub, repo: RepositoryRecord, who: Principal, issue: Issue, reason: str | None) -> None:
    if issue.locked:
        return
    now = hub.world.clock.write()
    _touch(hub, issue, now)
    issue.locked, issue.lock_reason = True, reason
    note(hub, repo, who, issue, "locked", now, {"reason": reason})
    hub.tell("issues", "locked", who, repo, issue)


def unlock(hub: Hub, repo: RepositoryRecord, who: Principal, issue: Issue) -> None:
    if not issue.locked:
        return
    now = hub.world.clock.write()
    _touch(hub, issue, now)
    issue.locked, issue.lock_reason = False, None
    note(hub, repo, who, issue, "unlocked", now, {})
    hub.tell("issues", "unlocked", who, repo, issue)


def pin(hub: Hub, repo: RepositoryRecord, who: Principal, issue: Issue, pinned: bool) -> None:
    if bool(issue.pinned_by) == pinned:
        return
    if pinned and sum(bool(i.pinned_by) for i in repo.issues.values()) >= 3:
        raise Refusal(422, "Validation Failed", graphql="Maximum 3 pinned issues per repository")
    now = hub.world.clock.write()
    issue.pinned_by = who.login if pinned else None
    note(hub, repo, who, issue, "pinned" if pinned else "unpinned", now, {})
    hub.tell("issues", "pinned" if pinned else "unpinned", who, repo, issue)


def delete_issue(hub: Hub, repo: RepositoryRecord, who: Principal, issue: Issue) -> None:
    hub.world.clock.write()
    hub.tell("issues", "deleted", who, repo, issue)
    del repo.issues[issue.number]
    repo.deleted_numbers.add(issue.number)
    for comment in issue.comments:
        repo.comments.pop(comment.id, None)
