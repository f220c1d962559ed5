"""GraphQL mutations: checked, carried out one after another, each failing by itself."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

from . import access, commits, effects, labels
from .errors import Refusal, no_node, not_found
from .git_store import GitFailed
from .graphql_connections import encode
from .graphql_engine import Context, resolves
from .graphql_queries import actor
from .graphql_repository import RefView, git_view
from .graphql_roots import find_node
from .identifiers import decode_text
from .model import REACTION_NAMES, Comment, Issue, Label, RepositoryRecord

Payload = dict[str, Any]


def _load(ctx: Context, value: str, *kinds: type) -> tuple[RepositoryRecord, Any]:
    """The object of a global id and its repository; another kind of object is NOT_FOUND too."""
    found: Any = find_node(ctx, value)
    if not isinstance(found, kinds):
        raise no_node(value)
    repo: RepositoryRecord = found if isinstance(found, RepositoryRecord) else ctx.repo(found.repository)
    access.require_issue_read(repo, ctx.who)
    return repo, found


def _load_issue(ctx: Context, value: str) -> tuple[RepositoryRecord, Issue]:
    """An issue that is no pull request."""
    repo, issue = _load(ctx, value, Issue)
    if issue.pull:
        raise no_node(value)
    return repo, issue


def _labels(ctx: Context, repo: RepositoryRecord, ids: list[str]) -> list[Label]:
    found: dict[int, Label] = {}
    for value in ids:
        label = find_node(ctx, value)
        if not isinstance(label, Label) or label.repository != repo.id:
            raise no_node(value)
        found[label.id] = label
    return list(found.values())


Mutation = Callable[[Context, Payload], Payload]


def mutation(name: str) -> Callable[[Mutation], Mutation]:
    """Register a mutation ``function(ctx, input) -> payload``; ``clientMutationId`` comes back as given."""

    def register(function: Mutation) -> Mutation:
        def resolve(source: Any, info: Any, input: Payload) -> Payload:
            payload = function(info.context, input)
            payload["clientMutationId"] = input.get("clientMutationId")
            return payload

        resolves("Mutation", name)(resolve)
        return function

    return register


# --- issues ------------------------------------------------------------------------------------------------------


@mutation("createIssue")
def create_issue(ctx: Context, given: Payload) -> Payload:
    """Labels by id; like REST they are dropped without the right to label (OpenAPI issues/create)."""
    repo, _ = _load(ctx, given["repositoryId"], RepositoryRecord)
    access.require_create(ctx.world, repo, ctx.who)
    if not repo.issues_enabled:
        raise Refusal(410, "Issues are disabled for this repo", type="UNPROCESSABLE")
    chosen = _labels(ctx, repo, given.get("labelIds") or [])
    if not access.may_label(ctx.world, repo, ctx.who):
        chosen = []
    issue = effects.open_issue(ctx.hub, repo, ctx.who, given["title"], given.get("body") or "", chosen)
    return {"issue": issue}


@mutation("updateIssue")
def update_issue(ctx: Context, given: Payload) -> Payload:
    """``labelIds`` replaces the whole set (schema: UpdateIssueInput)."""
    repo, issue = _load_issue(ctx, given["id"])
    title, body, state = given.get("title"), given.get("body"), given.get("state")
    if title is not None or body is not None:
        access.require_text_edit(ctx.world, repo, ctx.who, issue, "UpdateIssue")
    elif not (state or given.get("labelIds") is not None):
        access.require_comment(ctx.world, repo, ctx.who, issue, "update issue")
    state = state.lower() if state else None
    if state is not None and state != issue.state:
        access.require_state_change(ctx.world, repo, ctx.who, issue, state)
    chosen = None
    if given.get("labelIds") is not None:
        access.require_label(ctx.world, repo, ctx.who, "UpdateIssue")
        chosen = _labels(ctx, repo, given["labelIds"])
    effects.edit_issue(ctx.hub, repo, ctx.who, issue, title=title, body=body, state=state, labels=chosen)
    return {"issue": issue, "actor": actor(ctx, ctx.who.login)}


@mutation("closeIssue")
def close_issue(ctx: Context, given: Payload) -> Payload:
    repo, issue = _load_issue(ctx, given["issueId"])
    access.require_state_change(ctx.world, repo, ctx.who, issue, "closed")
    reason = given.get("stateReason") or ("DUPLICATE" if given.get("duplicateIssueId") else "COMPLETED")
    effects.edit_issue(ctx.hub, repo, ctx.who, issue, state="closed", reason=reason.lower())
    return {"issue": issue}


@mutation("reopenIssue")
def reopen_issue(ctx: Context, given: Payload) -> Payload:
    repo, issue = _load_issue(ctx, given["issueId"])
    access.require_state_change(ctx.world, repo, ctx.who, issue, "open")
    effects.edit_issue(ctx.hub, repo, ctx.who, issue, state="open")
    return {"issue": issue}


@mutation("deleteIssue")
def delete_issue(ctx: Context, given: Payload) -> Payload:
    repo, issue = _load_issue(ctx, given["issueId"])
    access.require_admin(ctx.world, repo, ctx.who, "DeleteIssue")
    effects.delete_issue(ctx.hub, repo, ctx.who, issue)
    return {"repository": repo}


resolves("DeleteIssuePayload", "repository")(lambda source, info: source["repository"])


def _lock_reason(value: str | None) -> str | None:
    return {"OFF_TOPIC": "off-topic", "TOO_HEATED": "too heated"}.get(value, value.lower()) if value else None


@mutation("lockLockable")
def lock(ctx: Context, given: Payload) -> Payload:
    repo, issue = _load(ctx, given["lockableId"], Issue)
    access.require_write(ctx.world, repo, ctx.who, "LockLockable")
    effects.lock(ctx.hub, repo, ctx.who, issue, _lock_reason(given.get("lockReason")))
    return {"lockedRecord": issue, "actor": actor(ctx, ctx.who.login)}


@mutation("unlockLockable")
def unlock(ctx: Context, given: Payload) -> Payload:
    repo, issue = _load(ctx, given["lockableId"], Issue)
    access.require_write(ctx.world, repo, ctx.who, "UnlockLockable")
    effects.unlock(ctx.hub, repo, ctx.who, issue)
    return {"unlockedRecord": issue, "actor": actor(ctx, ctx.who.login)}


@mutation("pinIssue")
def pin(ctx: Context, given: Payload) -> Payload:
    repo, issue = _load_issue(ctx, given["issueId"])
    access.require_write(ctx.world, repo, ctx.who, "PinIssue")
    effects.pin(ctx.hub, repo, ctx.who, issue, True)
    return {"issue": issue}


@mutation("unpinIssue")
def unpin(ctx: Context, given: Payload) -> Payload:
    repo, issue = _load_issue(ctx, given["issueId"])
    access.require_write(ctx.world, repo, ctx.who, "UnpinIssue")
    effects.pin(ctx.hub, repo, ctx.who, issue, False)
    return {"issue": issue, "id": given["issueId"]}


# --- comments and reactions --------------------------------------------------------------------------------------


@mutation("addComment")
def add_comment(ctx: Context, given: Payload) -> Payload:
    repo, issue = _load(ctx, given["subjectId"], Issue)
    access.require_comment(ctx.world, repo, ctx.who, issue, "create comment")
    comment = effects.add_comment(ctx.hub, repo, ctx.who, issue, given["body"])
    return {"commentEdge": {"cursor": encode([comment.id]), "node": comment}, "subject": issue}


@mutation("updateIssueComment")
def update_comment(ctx: Context, given: Payload) -> Payload:
    repo, comment = _load(ctx, given["id"], Comment)
    access.require_text_edit(ctx.world, repo, ctx.who, comment, "UpdateIssueComment")
    effects.edit_comment(ctx.hub, repo, ctx.who, comment, given["body"])
    return {"issueComment": comment}


@mutation("deleteIssueComment")
def delete_comment(ctx: Context, given: Payload) -> Payload:
    repo, comment = _load(ctx, given["id"], Comment)
    access.require_text_edit(ctx.world, repo, ctx.who, comment, "DeleteIssueComment")
    effects.delete_comment(ctx.hub, repo, ctx.who, comment)
    return {}


@mutation("minimizeComment")
def minimize(ctx: Context, given: Payload) -> Payload:
    repo, comment = _load(ctx, given["subjectId"], Comment)
    access.require_write(ctx.world, repo, ctx.who, "MinimizeComment")
    comment.minimized = given["classifier"].lower().replace("_", "-")
    return {"minimizedComment": comment}


@mutation("unminimizeComment")
def unminimize(ctx: Context, given: Payload) -> Payload:
    repo, comment = _load(ctx, given["subjectId"], Comment)
    access.require_write(ctx.world, repo, ctx.who, "UnminimizeComment")
    comment.minimized = None
    return {"unminimizedComment": comment}


@mutation("addReaction")
def add_reaction(ctx: Context, given: Payload) -> Payload:
    repo, subject = _load(ctx, given["subjectId"], Issue, Comment)
    access.require_reaction(repo, ctx.who, repo.issue_of(subject), "AddReaction", ctx.hub.options.lock_is_named)
    reaction, _ = effects.add_reaction(ctx.hub, ctx.who, subject, REACTION_NAMES[given["content"]])
    return {"reaction": reaction, "subject": subject}


@mutation("removeReaction")
def remove_reaction(ctx: Context, given: Payload) -> Payload:
    """A reaction that is not there is NOT_FOUND (facts file, Doubts)."""
    repo, subject = _load(ctx, given["subjectId"], Issue, Comment)
    access.require_reaction(repo, ctx.who, repo.issue_of(subject), "RemoveReaction", ctx.hub.options.lock_is_named)
    content = REACTION_NAMES[given["content"]]
    login = ctx.who.login.lower()
    found = [r for r in subject.reactions if r.content == content and r.login.lower() == login]
    if not found:
        raise not_found("Could not find that reaction.")
    effects.remove_reaction(ctx.hub, subject, found[0])
    return {"reaction": found[0], "subject": subject}


# --- labels ------------------------------------------------------------------------------------------------------


@mutation("addLabelsToLabelable")
def add_labels(ctx: Context, given: Payload) -> Payload:
    repo, issue = _load(ctx, given["labelableId"], Issue)
    access.require_label(ctx.world, repo, ctx.who, "AddLabelsToLabelable")
    effects.add_labels(ctx.hub, repo, ctx.who, issue, _labels(ctx, repo, given["labelIds"]))
    return {"labelable": issue}


@mutation("removeLabelsFromLabelable")
def remove_labels(ctx: Context, given: Payload) -> Payload:
    repo, issue = _load(ctx, given["labelableId"], Issue)
    access.require_label(ctx.world, repo, ctx.who, "RemoveLabelsFromLabelable")
    effects.remove_labels(ctx.hub, repo, ctx.who, issue, _labels(ctx, repo, given["labelIds"]))
    return {"labelable": issue}


@mutation("clearLabelsFromLabelable")
def clear_labels(ctx: Context, given: Payload) -> Payload:
    repo, issue = _load(ctx, given["labelableId"], Issue)
    access.require_label(ctx.world, repo, ctx.who, "ClearLabelsFromLabelable")
    effects.edit_issue(ctx.hub, repo, ctx.who, issue, labels=[])
    return {"labelable": issue}


@mutation("createLabel")
def create_label(ctx: Context, given: Payload) -> Payload:
    repo, _ = _load(ctx, given["repositoryId"], RepositoryRecord)
    access.require_label_making(ctx.world, repo, ctx.who, "CreateLabel")
    label = labels.make(ctx.hub, repo, ctx.who, given["name"], given["color"], given.get("description"))
    return {"label": label}


@mutation("updateLabel")
def update_label(ctx: Context, given: Payload) -> Payload:
    repo, label = _load(ctx, given["id"], Label)
    access.require_label_making(ctx.world, repo, ctx.who, "UpdateLabel")
    texts = (given.get("name"), given.get("color"), given.get("description"))
    return {"label": labels.change(ctx.hub, repo, ctx.who, label, *texts)}


@mutation("deleteLabel")
def delete_label(ctx: Context, given: Payload) -> Payload:
    repo, label = _load(ctx, given["id"], Label)
    access.require_label_making(ctx.world, repo, ctx.who, "DeleteLabel")
    labels.delete(ctx.hub, repo, ctx.who, label)
    return {}


# --- git ---------------------------------------------------------------------------------------------------------


def _branch(ctx: Context, given: Payload) -> tuple[RepositoryRecord, str]:
    """A branch by node id, or by repository and name, qualified or not (schema: CommittableBranch)."""
    if given.get("id"):
        return _ref(ctx, given["id"])
    full_name, name = given.get("repositoryNameWithOwner"), given.get("branchName")
    if not (full_name and name):
        raise Refusal(422, "A branch needs an id, or both repositoryNameWithOwner and branchName.")
    found = ctx.world.repository(full_name) or ctx.world.moved(full_name)
    repo = access.require_seen(ctx.world, found, ctx.who, full_name)
    return repo, name if name.startswith("refs/heads/") else f"refs/heads/{name}"


def _ref(ctx: Context, value: str) -> tuple[RepositoryRecord, str]:
    decoded = decode_text(value)
    repo = ctx.world.repository_by_id(decoded[1]) if decoded and decoded[0] == "Ref" else None
    if decoded is None or repo is None or not access.can_see(ctx.world, repo, ctx.who):
        raise no_node(value)
    return repo, decoded[2]


def _files(changes: Payload) -> tuple[dict[str, bytes], list[str]]:
    additions: dict[str, bytes] = {}
    deletions = [one["path"] for one in changes.get("deletions") or []]
    for one in changes.get("additions") or []:
        if one["path"] in additions or one["path"] in deletions:
            raise Refusal(422, f"A path was requested for changes more than once: {one['path']}")
        try:
            additions[one["path"]] = base64.b64decode(one["contents"])
        except binascii.Error:
            raise Refusal(422, f"The contents of {one['path']} are not valid Base64") from None
    for path in (*additions, *deletions):
        if path.startswith("/") or any(part in ("", ".", "..", ".git") for part in path.split("/")):
            raise Refusal(422, f"A path was requested that is not valid: {path}")
    return additions, deletions


@mutation("createCommitOnBranch")
def create_commit(ctx: Context, given: Payload) -> Payload:
    """One commit behind ``expectedHeadOid`` or STALE_DATA; below 40 MiB in total
    (https://github.com/grafana/github-api-commit-action/pull/66)."""
    repo, ref = _branch(ctx, given["branch"])
    access.require_contents(ctx.world, repo, ctx.who, write=True)
    git = ctx.hub.git
    head = git.head(repo.git_dir, ref)
    if head is None:
        raise not_found(f"No ref found for {ref}")
    expected = given["expectedHeadOid"]
    if head != expected:
        text = f'Expected branch to point to "{expected}" but it did not.  Pull and try again.'
        raise Refusal(409, text, type="STALE_DATA")
    additions, deletions = _files(given.get("fileChanges") or {})
    if sum(len(c) for c in additions.values()) >= ctx.hub.options.commit_bytes:
        raise Refusal(422, "The commit exceeds the size limit.")
    for path in deletions:
        if git.at_path(repo.git_dir, head, path) is None:
            raise Refusal(
                422, f"A path was requested for deletion which does not exist as of commit oid `{head}`: {path}"
            )
    message = given["message"]["headline"]
    if given["message"].get("body"):
        message += f"\n\n{given['message']['body']}"
    oid = commits.write(ctx.hub, repo, ctx.who, ref, message, additions, deletions)
    return {"commit": git_view(ctx, repo, oid), "ref": RefView(repo.id, ref, oid)}


@mutation("createRef")
def create_ref(ctx: Context, given: Payload) -> Payload:
    repo, _ = _load(ctx, given["repositoryId"], RepositoryRecord)
    access.require_contents(ctx.world, repo, ctx.who, write=True)
    commits.create_ref(ctx.hub, repo, given["name"], given["oid"])
    return {"ref": RefView(repo.id, given["name"], given["oid"])}


@mutation("updateRef")
def update_ref(ctx: Context, given: Payload) -> Payload:
    """Fast-forward unless ``force`` (schema: UpdateRefInput)."""
    repo, name = _ref(ctx, given["refId"])
    access.require_contents(ctx.world, repo, ctx.who, write=True)
    git, head, oid = ctx.hub.git, ctx.hub.git.head(repo.git_dir, name), given["oid"]
    if head is None or not git.exists(repo.git_dir, oid):
        raise not_found("Reference does not exist")
    if not given.get("force"):
        try:
            git.run(repo.git_dir, "merge-base", "--is-ancestor", head, oid)
        except GitFailed:
            raise Refusal(422, "Update is not a fast forward") from None
    commits.set_ref(ctx.hub, repo, name, oid)
    commits.pushed(ctx.hub, repo, ctx.who, name, head, oid)
    return {"ref": RefView(repo.id, name, oid)}


@mutation("updateRefs")
def update_refs(ctx: Context, given: Payload) -> Payload:
    """All or none; a ref that is not at ``beforeOid`` is a failure without a type of its own
    (https://github.com/orgs/community/discussions/213655), and so is one that a rule holds."""
    repo, _ = _load(ctx, given["repositoryId"], RepositoryRecord)
    access.require_contents(ctx.world, repo, ctx.who, write=True)
    git = ctx.hub.git
    for one in given["refUpdates"]:
        head, after = git.head(repo.git_dir, one["name"]) or commits.ZERO, one["afterOid"]
        may = one.get("beforeOid") in (None, head) and not git.is_protected(repo.git_dir, one["name"])
        try:
            if may and not one.get("force") and head != commits.ZERO:
                git.run(repo.git_dir, "merge-base", "--is-ancestor", head, after)
        except GitFailed:
            may = False
        if not may or not git.exists(repo.git_dir, after):
            raise Refusal(422, "Something went wrong while executing your query.", type="UNPROCESSABLE")
    for one in given["refUpdates"]:
        head = git.head(repo.git_dir, one["name"])
        commits.set_ref(ctx.hub, repo, one["name"], one["afterOid"])
        commits.pushed(ctx.hub, repo, ctx.who, one["name"], head, one["afterOid"])
    return {}


@mutation("deleteRef")
def delete_ref(ctx: Context, given: Payload) -> Payload:
    repo, name = _ref(ctx, given["refId"])
    access.require_contents(ctx.world, repo, ctx.who, write=True)
    head = ctx.hub.git.head(repo.git_dir, name)
    if head is None:
        raise not_found("Reference does not exist")
    commits.set_ref(ctx.hub, repo, name, None)
    commits.pushed(ctx.hub, repo, ctx.who, name, head, None)
    return {}
