"""REST endpoints of labels and reactions."""

from __future__ import annotations

from . import access, effects, labels
from .errors import Refusal, not_found
from .model import REACTIONS, Comment, Issue, Label, RepositoryRecord
from .rest import Answer, Call, by_page, find_comment, find_issue, route
from .rest_issues import COMMENT, ISSUE, _label_names

LABELS = "/repos/{owner}/{repo}/labels"


def _label(record: RepositoryRecord, name: str) -> Label:
    label = record.label_named(name)
    if label is None:
        raise not_found()
    return label


@route("GET", LABELS)
def list_labels(call: Call, owner: str, repo: str) -> Answer:
    record = call.repository(owner, repo)
    found = sorted(record.labels.values(), key=lambda label: label.name.lower())
    page, headers = by_page(call, found, record)
    return Answer(200, [call.shapes.label(record, label) for label in page], headers)


@route("POST", LABELS)
def create_label(call: Call, owner: str, repo: str) -> Answer:
    record = call.repository(owner, repo)
    access.require_label_making(call.hub.world, record, call.who, "CreateLabel")
    name = call.text("name", required=True) or ""
    label = labels.make(call.hub, record, call.who, name, call.text("color"), call.text("description"))
    shape = call.shapes.label(record, label)
    return Answer(201, shape, {"Location": shape["url"]})


@route("GET", LABELS + "/{+name}")
def get_label(call: Call, owner: str, repo: str, name: str) -> Answer:
    record = call.repository(owner, repo)
    return Answer(200, call.shapes.label(record, _label(record, name)))


@route("PATCH", LABELS + "/{+name}")
def edit_label(call: Call, owner: str, repo: str, name: str) -> Answer:
    record = call.repository(owner, repo)
    access.require_label_making(call.hub.world, record, call.who, "UpdateLabel")
    label = _label(record, name)
    new_name, color, description = call.text("new_name"), call.text("color"), call.text("description")
    labels.change(call.hub, record, call.who, label, new_name, color, description)
    return Answer(200, call.shapes.label(record, label))


@route("DELETE", LABELS + "/{+name}")
def delete_label(call: Call, owner: str, repo: str, name: str) -> Answer:
    record = call.repository(owner, repo)
    access.require_label_making(call.hub.world, record, call.who, "DeleteLabel")
    labels.delete(call.hub, record, call.who, _label(record, name))
    return Answer(204)


def _of_issue(call: Call, record: RepositoryRecord, issue: Issue) -> Answer:
    shapes = call.shapes
    return Answer(200, [shapes.label(record, label) for label in record.labels_of(issue)])


@route("GET", ISSUE + "/labels")
def list_issue_labels(call: Call, owner: str, repo: str, number: str) -> Answer:
    record = call.repository(owner, repo)
    access.require_issue_read(record, call.who)
    issue = find_issue(call, record, number)
    page, headers = by_page(call, record.labels_of(issue), record)
    return Answer(200, [call.shapes.label(record, label) for label in page], headers)


def _labelling(call: Call, owner: str, repo: str, number: str) -> tuple[RepositoryRecord, Issue]:
    record = call.repository(owner, repo)
    issue = find_issue(call, record, number)
    access.require_label(call.hub.world, record, call.who, "AddLabelsToLabelable")
    return record, issue


def _chosen(call: Call, record: RepositoryRecord) -> list[Label]:
    value = call.json if isinstance(call.json, list) else call.body.get("labels", [])
    may_make = access.may_make_labels(call.hub.world, record, call.who)
    return labels.named(call.hub, record, call.who, _label_names(value), may_make)


@route("POST", ISSUE + "/labels")
def add_issue_labels(call: Call, owner: str, repo: str, number: str) -> Answer:
    """Adds; an empty array removes all (OpenAPI issues/add-labels)."""
    record, issue = _labelling(call, owner, repo, number)
    chosen = _chosen(call, record)
    if not chosen:
        effects.remove_labels(call.hub, record, call.who, issue, record.labels_of(issue))
    effects.add_labels(call.hub, record, call.who, issue, chosen)
    return _of_issue(call, record, issue)


@route("PUT", ISSUE + "/labels")
def set_issue_labels(call: Call, owner: str, repo: str, number: str) -> Answer:
    record, issue = _labelling(call, owner, repo, number)
    effects.edit_issue(call.hub, record, call.who, issue, labels=_chosen(call, record))
    return _of_issue(call, record, issue)


@route("DELETE", ISSUE + "/labels")
def clear_issue_labels(call: Call, owner: str, repo: str, number: str) -> Answer:
    record, issue = _labelling(call, owner, repo, number)
    effects.edit_issue(call.hub, record, call.who, issue, labels=[])
    return Answer(204)


@route("DELETE", ISSUE + "/labels/{+name}")
def remove_issue_label(call: Call, owner: str, repo: str, number: str, name: str) -> Answer:
    record, issue = _labelling(call, owner, repo, number)
    label = record.label_named(name)
    if label is None or label.id not in issue.labels:
        raise Refusal(404, "Label does not exist", type="NOT_FOUND")
    effects.remove_labels(call.hub, record, call.who, issue, [label])
    return _of_issue(call, record, issue)


def _subject(call: Call, record: RepositoryRecord, number: str | None, comment_id: str | None) -> Issue | Comment:
    if comment_id is not None:
        return find_comment(call, record, comment_id)
    return find_issue(call, record, number or "")


def _list(call: Call, owner: str, repo: str, number: str | None, comment_id: str | None) -> Answer:
    record = call.repository(owner, repo)
    access.require_issue_read(record, call.who)
    content = call.query.get("content")
    found = [r for r in _subject(call, record, number, comment_id).reactions if content in (None, r.content)]
    page, headers = by_page(call, found, record)
    shapes = call.shapes
    return Answer(200, [shapes.reaction(record, reaction) for reaction in page], headers)


def _create(call: Call, owner: str, repo: str, number: str | None, comment_id: str | None) -> Answer:
    """201 when new, 200 when that identity had left it before (OpenAPI reactions/create-for-issue-comment)."""
    record = call.repository(owner, repo)
    subject = _subject(call, record, number, comment_id)
    access.require_reaction(record, call.who, record.issue_of(subject), "AddReaction")
    content = call.text("content", required=True) or ""
    if content not in REACTIONS:
        detail = {"resource": "Reaction", "field": "content", "code": "invalid"}
        raise Refusal(422, "Validation Failed", errors=[detail])
    reaction, new = effects.add_reaction(call.hub, call.who, subject, content)
    return Answer(201 if new else 200, call.shapes.reaction(record, reaction))


def _delete(call: Call, owner: str, repo: str, number: str | None, comment_id: str | None, reaction_id: str) -> Answer:
    record = call.repository(owner, repo)
    subject = _subject(call, record, number, comment_id)
    access.require_reaction(record, call.who, record.issue_of(subject), "RemoveReaction")
    found = [r for r in subject.reactions if str(r.id) == reaction_id]
    if not found:
        raise not_found()
    if found[0].login.lower() != call.who.login.lower():
        raise Refusal(403, "You can't perform that action at this time.", type="FORBIDDEN")
    effects.remove_reaction(call.hub, subject, found[0])
    return Answer(204)


@route("GET", ISSUE + "/reactions")
def list_issue_reactions(call: Call, owner: str, repo: str, number: str) -> Answer:
    return _list(call, owner, repo, number, None)


@route("POST", ISSUE + "/reactions")
def create_issue_reaction(call: Call, owner: str, repo: str, number: str) -> Answer:
    return _create(call, owner, repo, number, None)


@route("DELETE", ISSUE + "/reactions/{reaction_id}")
def delete_issue_reaction(call: Call, owner: str, repo: str, number: str, reaction_id: str) -> Answer:
    return _delete(call, owner, repo, number, None, reaction_id)


@route("GET", COMMENT + "/reactions")
def list_comment_reactions(call: Call, owner: str, repo: str, comment_id: str) -> Answer:
    return _list(call, owner, repo, None, comment_id)


@route("POST", COMMENT + "/reactions")
def create_comment_reaction(call: Call, owner: str, repo: str, comment_id: str) -> Answer:
    return _create(call, owner, repo, None, comment_id)


@route("DELETE", COMMENT + "/reactions/{reaction_id}")
def delete_comment_reaction(call: Call, owner: str, repo: str, comment_id: str, reaction_id: str) -> Answer:
    return _delete(call, owner, repo, None, comment_id, reaction_id)
