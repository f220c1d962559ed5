"""REST endpoints of workflows: which there are, and whether they are on."""

from __future__ import annotations

import re
from typing import Any

from . import access
from .clock import iso
from .errors import Refusal, integration_forbidden, not_found
from .identifiers import node_id
from .model import RepositoryRecord
from .rest import Answer, Call, by_page, route

WORKFLOWS = "/repos/{owner}/{repo}/actions/workflows"
FOLDER = ".github/workflows"


def state_of(record: RepositoryRecord, path: str) -> str:
    """``active``, ``disabled_manually``, ``disabled_fork``, or ``disabled_inactivity``: a public repository without
    activity for 60 days (docs: Disabling and enabling a workflow)."""
    return record.workflow_states.get(path, "active")


def _readable(call: Call, owner: str, repo: str) -> RepositoryRecord:
    """Who sees a public repository; in a private one an installation needs ``actions: read`` (OpenAPI
    actions/list-repo-workflows)."""
    record = call.repository(owner, repo)
    if call.who.installation and record.private and call.who.permissions.get("actions", "none") == "none":
        raise integration_forbidden("actions=read")
    return record


def require_actions(call: Call, record: RepositoryRecord) -> None:
    """Changes and dispatches take ``actions: write``, of people write access."""
    if call.who.installation and call.who.permissions.get("actions") != "write":
        raise integration_forbidden("actions=write")
    if not call.who.installation and access.level(call.hub.world, record, call.who) < 3:
        raise Refusal(403, "Must have admin rights to Repository.", type="FORBIDDEN")
    access.require_unarchived(record)


def _files(call: Call, record: RepositoryRecord) -> dict[str, str]:
    """Workflow files of the default branch: path -> text."""
    git, head = call.hub.git, call.hub.git.head(record.git_dir, f"refs/heads/{record.default_branch}")
    folder = git.at_path(record.git_dir, head, FOLDER) if head else None
    entries = git.tree(record.git_dir, folder) if folder else []
    return {
        f"{FOLDER}/{entry.name}": git.blob(record.git_dir, entry.oid).decode(errors="replace")
        for entry in entries
        if entry.type == "blob" and entry.name.endswith((".yml", ".yaml"))
    }


def _shape(call: Call, record: RepositoryRecord, path: str, text: str) -> dict[str, Any]:
    """Schema workflow; one without a name has its path for one."""
    if path not in record.workflow_ids:
        record.workflow_ids[path] = call.hub.world.new_id("workflow")
    number, file = record.workflow_ids[path], path.rpartition("/")[2]
    name = re.search(r"^name: *[\"']?(.+?)[\"']? *$", text, re.M)
    page = f"{call.hub.base}/{record.full_name}"
    return {
        "id": number,
        "node_id": node_id("Workflow", record.id, number),
        "name": name[1] if name else path,
        "path": path,
        "state": state_of(record, path),
        "created_at": iso(record.created),
        "updated_at": iso(record.created),
        "url": f"{call.shapes.repository_url(record)}/actions/workflows/{number}",
        "html_url": f"{page}/blob/{record.default_branch}/{path}",
        "badge_url": f"{page}/workflows/{file}/badge.svg",
    }


def _all(call: Call, record: RepositoryRecord) -> list[dict[str, Any]]:
    return [_shape(call, record, path, text) for path, text in _files(call, record).items()]


def _one(call: Call, record: RepositoryRecord, workflow: str) -> dict[str, Any]:
    """By number or by file name (OpenAPI actions/get-workflow)."""
    for shape in _all(call, record):
        if workflow in (str(shape["id"]), shape["path"].rpartition("/")[2]):
            return shape
    raise not_found()


@route("GET", WORKFLOWS)
def list_workflows(call: Call, owner: str, repo: str) -> Answer:
    record = _readable(call, owner, repo)
    found = _all(call, record)
    page, headers = by_page(call, found, record)
    return Answer(200, {"total_count": len(found), "workflows": list(page)}, headers)


@route("GET", WORKFLOWS + "/{workflow}")
def get_workflow(call: Call, owner: str, repo: str, workflow: str) -> Answer:
    return Answer(200, _one(call, _readable(call, owner, repo), workflow))


def _switch(call: Call, owner: str, repo: str, workflow: str, state: str) -> Answer:
    record = call.repository(owner, repo)
    require_actions(call, record)
    record.workflow_states[_one(call, record, workflow)["path"]] = state
    return Answer(204)


@route("PUT", WORKFLOWS + "/{workflow}/enable")
def enable_workflow(call: Call, owner: str, repo: str, workflow: str) -> Answer:
    return _switch(call, owner, repo, workflow, "active")


@route("PUT", WORKFLOWS + "/{workflow}/disable")
def disable_workflow(call: Call, owner: str, repo: str, workflow: str) -> Answer:
    return _switch(call, owner, repo, workflow, "disabled_manually")


@route("POST", WORKFLOWS + "/{workflow}/dispatches")
def dispatch_workflow(call: Call, owner: str, repo: str, workflow: str) -> Answer:
    """OpenAPI actions/create-workflow-dispatch; of a workflow that is off, see
    https://github.com/benc-uk/workflow-dispatch/issues/72."""
    record = call.repository(owner, repo)
    require_actions(call, record)
    ref = call.text("ref", required=True) or ""
    full = ref if ref.startswith("refs/") else f"refs/heads/{ref}"
    if call.hub.git.head(record.git_dir, full) is None:
        raise Refusal(422, f"No ref found for: {ref}")
    path = f"{FOLDER}/{workflow}"
    if state_of(record, path) != "active":
        raise Refusal(422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow")
    extra = {"ref": full, "inputs": call.body.get("inputs") or {}, "workflow": path}
    call.hub.tell("workflow_dispatch", None, call.who, record, extra=extra)
    return Answer(204)
