"""Labels of a repository: making, finding, renaming and deleting them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .access import Principal
from .effects import add_labels, note, note_lists
from .errors import Refusal, invalid
from .model import Issue, Label, RepositoryRecord

if TYPE_CHECKING:
    from .hub import Hub

NAME_LIMIT = 50
AUTOMATIC_COLOR = "ededed"


def make(
    hub: Hub, repo: RepositoryRecord, who: Principal, name: str, color: str | None, description: str | None
) -> Label:
    """A new label.

    Names have at most 50 characters (https://github.com/github/docs/issues/32156), descriptions 100
    (https://github.com/micnncim/action-label-syncer/issues/64), and are unique whatever their case
    (https://github.com/AnandChowdhary/chat/pull/12).
    """
    _check(repo, name, color, description, None)
    now = hub.world.clock.write()
    label = Label(hub.world.new_id("label"), name, (color or AUTOMATIC_COLOR).lower(), description, now, now, repo.id)
    repo.labels[label.id] = label
    repo.label_ids[name.lower()] = label.id
    hub.tell("label", "created", who, repo, label=label)
    return label


def _check(
    repo: RepositoryRecord, name: str, color: str | None, description: str | None, current: Label | None
) -> None:
    if not name.strip():
        raise _refused("name", "missing_field", None, "Name can't be blank")
    if len(name) > NAME_LIMIT:
        raise invalid("Label", "name", "custom", f"name is too long (maximum is {NAME_LIMIT} characters)")
    if name != name.strip():
        raise _refused("name", "invalid", None, "Name is invalid")
    if color is not None and not re.fullmatch(r"[0-9a-fA-F]{6}", color):
        raise _refused("color", "invalid", None, "Color is invalid")
    if description is not None and len(description) > 100:
        raise invalid("Label", "description", "custom", "description is too long (maximum is 100 characters)")
    other = repo.label_named(name)
    if other is not None and other is not current:
        raise _refused("name", "already_exists", None, "Name has already been taken")


def _refused(field: str, code: str, value: str | None, graphql: str) -> Refusal:
    detail: dict[str, Any] = {"resource": "Label", "code": code, "field": field}
    if value is not None:
        detail = {"value": value, **detail}
    return Refusal(422, "Validation Failed", errors=[detail], graphql=graphql)


def named(hub: Hub, repo: RepositoryRecord, who: Principal, names: list[str], may_make: bool) -> list[Label]:
    """Labels for the names given on an issue; missing ones are made on the way, in grey
    (https://github.com/github/docs/issues/35718). An impossible name is refused with its value
    (https://github.com/github/docs/issues/32156)."""
    for name in names:
        if not name.strip() or len(name) > NAME_LIMIT or name != name.lstrip():
            raise _refused("name", "invalid", name, "Name is invalid")
    missing = [name for name in names if repo.label_named(name) is None]
    if missing and not may_make:
        raise Refusal(
            403,
            "You do not have permission to create labels on this repository.",
            errors=[{"resource": "Repository", "field": "label", "code": "unauthorized"}],
            type="FORBIDDEN",
        )
    found: dict[int, Label] = {}
    for name in names:
        label = repo.label_named(name) or make(hub, repo, who, name.rstrip(), None, None)
        found[label.id] = label
    return list(found.values())


def change(
    hub: Hub,
    repo: RepositoryRecord,
    who: Principal,
    label: Label,
    name: str | None,
    color: str | None,
    description: str | None,
) -> Label:
    _check(repo, name if name is not None else label.name, color, description, label)
    label.updated = hub.world.clock.write()
    changes: dict[str, Any] = {}
    if name is not None and name != label.name:
        changes["name"] = {"from": label.name}
        del repo.label_ids[label.name.lower()]
        label.name = name
        repo.label_ids[name.lower()] = label.id
    if color is not None and color.lower() != label.color:
        changes["color"] = {"from": label.color}
        label.color = color.lower()
    if description is not None:
        label.description = description
    hub.tell("label", "edited", who, repo, label=label, changes=changes)
    return label


def delete(hub: Hub, repo: RepositoryRecord, who: Principal, label: Label) -> None:
    """Deleting a label takes it off every issue (docs: Managing labels)."""
    now = hub.world.clock.write()
    for issue in repo.issues.values():
        if label.id in issue.labels:
            note_lists(hub, issue)
            issue.labels.remove(label.id)
            note(hub, repo, who, issue, "unlabeled", now, {"label": label.id, "name": label.name, "color": label.color})
    del repo.labels[label.id]
    del repo.label_ids[label.name.lower()]
    hub.tell("label", "deleted", who, repo, label=label)


def attach(hub: Hub, repo: RepositoryRecord, who: Principal, issue: Issue, names: list[str], may_make: bool) -> None:
    add_labels(hub, repo, who, issue, named(hub, repo, who, names, may_make))
