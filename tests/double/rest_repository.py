"""REST endpoints of repositories, people, permissions, files, refs, dispatches and rate limits."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any

from . import access, commits
from .errors import Refusal, integration_forbidden, not_found
from .git_store import GitFailed
from .hub import LIMITS
from .identifiers import text_id
from .model import RepositoryRecord, is_app
from .rest import Answer, Call, by_page, route

REPO = "/repos/{owner}/{repo}"


@route("GET", REPO)
def get_repository(call: Call, owner: str, repo: str) -> Answer:
    return Answer(200, call.shapes.repository(call.repository(owner, repo), call.who))


@route("GET", REPO + "/collaborators/{username}/permission")
def get_permission(call: Call, owner: str, repo: str, username: str) -> Answer:
    """Needs push access; an installation's token has it with its always present metadata permission. An App's bot has
    no role here, whatever its installation may do (https://github.com/anomalyco/opencode/issues/43532,
    https://github.com/pytorch/test-infra/pull/8208). Who is no user is 404, and so is a bot whose login is no App's
    (https://github.com/anthropics/claude-code-action/issues/1018)."""
    record = call.repository(owner, repo)
    _require_push(call, record)
    account = call.hub.world.account(username)
    app = account is not None and is_app(account.login) and account.login not in call.hub.options.bots_not_found
    if account is None or not (account.kind == "User" or app):
        raise Refusal(404, f"{username} is not a user", type="NOT_FOUND")
    told = access.role_told(call.hub.world, record, account.login)
    return Answer(200, call.shapes.permission(account.login, *told))


def _require_push(call: Call, record: RepositoryRecord) -> None:
    if call.who.installation and call.who.repository == record.id:
        return
    if access.level(call.hub.world, record, call.who) < 3 or call.who.installation:
        raise Refusal(403, "Must have push access to view collaborator permission.", type="FORBIDDEN")


@route("GET", REPO + "/collaborators/{username}")
def check_collaborator(call: Call, owner: str, repo: str, username: str) -> Answer:
    record = call.repository(owner, repo)
    _require_push(call, record)
    known = call.hub.world.account(username) is not None
    granted = username.lower() == record.owner.lower() or record.grants.get(username.lower(), "none") != "none"
    if not (known and granted):
        raise not_found()
    return Answer(204)


@route("GET", REPO + "/collaborators")
def list_collaborators(call: Call, owner: str, repo: str) -> Answer:
    record = call.repository(owner, repo)
    _require_push(call, record)
    logins = [record.owner] + [login for login in record.grants if record.grants[login] != "none"]
    people = []
    for login in logins:
        account = call.hub.world.account(login)
        if account is not None and account.kind == "User":
            told = access.role_told(call.hub.world, record, account.login)
            people.append(call.shapes.permission(account.login, *told)["user"])
    page, headers = by_page(call, people, record)
    return Answer(200, list(page), headers)


@route("GET", "/user")
def get_user(call: Call) -> Answer:
    """Not for installation tokens (https://github.com/actions/create-github-app-token/issues/258)."""
    if call.who.installation:
        raise integration_forbidden("")
    account = call.hub.world.account(call.who.login)
    if account is None:
        raise Refusal(401, "Requires authentication")
    return Answer(200, call.shapes.full_user(account, private=True))


@route("GET", "/users/{username}")
def get_account(call: Call, username: str) -> Answer:
    account = call.hub.world.account(username)
    if account is None:
        raise not_found()
    return Answer(200, call.shapes.full_user(account, private=False))


@route("GET", "/rate_limit")
def get_rate_limit(call: Call) -> Answer:
    """Costs nothing of the primary limit (OpenAPI rate-limit/get)."""
    resources: dict[str, Any] = {}
    for name in ("core", "graphql"):
        bucket = call.hub.bucket(call.who, name)
        left = max(bucket.limit - bucket.used, 0)
        resources[name] = {"limit": bucket.limit, "used": bucket.used, "remaining": left, "reset": bucket.reset}
    reset = call.hub.world.clock.now + 60
    limit = 30 if call.who.kind in LIMITS and not call.who.anonymous else 10
    resources["search"] = {"limit": limit, "used": 0, "remaining": limit, "reset": reset}
    return Answer(200, {"resources": resources, "rate": resources["core"]})


@route("POST", REPO + "/dispatches")
def dispatch_repository(call: Call, owner: str, repo: str) -> Answer:
    """At most 100 characters of type and 10 properties of payload; takes ``contents: write``
    (OpenAPI repos/create-dispatch-event)."""
    record = call.repository(owner, repo)
    access.require_contents(call.hub.world, record, call.who, write=True)
    kind = call.text("event_type", required=True) or ""
    payload = call.body.get("client_payload") or {}
    if len(kind) > 100:
        raise Refusal(422, "Invalid request.\n\nevent_type is too long (maximum is 100 characters)")
    if not isinstance(payload, dict) or len(payload) > 10:
        raise Refusal(422, "Invalid request.\n\nNo more than 10 properties are allowed; 11 were supplied.")
    extra = {"branch": record.default_branch, "client_payload": payload}
    call.hub.tell("repository_dispatch", kind, call.who, record, extra=extra)
    return Answer(204)


def _content(call: Call, record: RepositoryRecord, path: str, oid: str, ref: str, full: bool) -> dict[str, Any]:
    git, kind = call.hub.git, call.hub.git.kind(record.git_dir, oid)
    base = call.shapes.repository_url(record)
    page = f"{call.hub.base}/{record.full_name}"
    content = git.blob(record.git_dir, oid) if kind == "blob" else b""
    url = f"{base}/contents/{path}?ref={ref}"
    git_url = f"{base}/git/{kind}s/{oid}"
    html_url = f"{page}/{kind}/{ref}/{path}"
    shape: dict[str, Any] = {
        "name": path.rsplit("/", 1)[-1],
        "path": path,
        "sha": oid,
        "size": len(content),
        "url": url,
        "html_url": html_url,
        "git_url": git_url,
        "download_url": f"{page}/raw/{ref}/{path}" if kind == "blob" else None,
        "type": "file" if kind == "blob" else "dir",
        "_links": {"self": url, "git": git_url, "html": html_url},
    }
    if full:
        large = len(content) >= 1024 * 1024  # from 1 MB on without the text (docs: rest/repos/contents)
        text = "" if large else base64.encodebytes(content).decode()
        shape |= {"content": text, "encoding": "none" if large else "base64"}
    return shape


def _contents(call: Call, owner: str, repo: str, path: str) -> Answer:
    record = call.repository(owner, repo)
    access.require_contents(call.hub.world, record, call.who)
    ref = call.query.get("ref") or record.default_branch
    git = call.hub.git
    path = path.strip("/")
    oid = git.resolve(record.git_dir, record.default_branch, f"{ref}:{path}")
    if oid is None:
        empty = git.head(record.git_dir, f"refs/heads/{record.default_branch}") is None
        raise Refusal(404, "This repository is empty." if empty else "Not Found", type="NOT_FOUND")
    if git.kind(record.git_dir, oid) == "commit":
        oid = git.commit(record.git_dir, oid).tree
    if git.kind(record.git_dir, oid) == "tree":
        entries = git.tree(record.git_dir, oid)
        join = f"{path}/" if path else ""
        return Answer(200, [_content(call, record, f"{join}{e.name}", e.oid, ref, False) for e in entries])
    if "raw" in call.headers.get("accept", ""):
        return Answer(200, text=git.blob(record.git_dir, oid).decode(errors="replace"))
    return Answer(200, _content(call, record, path, oid, ref, True))


@route("GET", REPO + "/contents")
@route("GET", REPO + "/contents/")
def list_root(call: Call, owner: str, repo: str) -> Answer:
    return _contents(call, owner, repo, "")


@route("GET", REPO + "/contents/{+path}")
def get_contents(call: Call, owner: str, repo: str, path: str) -> Answer:
    return _contents(call, owner, repo, path)


@route("PUT", REPO + "/contents/{+path}")
def put_contents(call: Call, owner: str, repo: str, path: str) -> Answer:
    """Create or replace one file; the current ``sha`` must be given to replace (OpenAPI
    repos/create-or-update-file-contents)."""
    record = call.repository(owner, repo)
    access.require_contents(call.hub.world, record, call.who, write=True)
    message = call.text("message", required=True) or ""
    try:
        content = base64.b64decode(call.text("content", required=True) or "", validate=False)
    except binascii.Error:
        raise Refusal(422, "content is not valid Base64") from None
    branch = call.text("branch") or record.default_branch
    ref = f"refs/heads/{branch}"
    git, head = call.hub.git, call.hub.git.head(record.git_dir, ref)
    current = git.at_path(record.git_dir, head, path) if head else None
    given = call.text("sha")
    if current is not None and given is None:
        raise Refusal(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    if given is not None and given != current:
        raise Refusal(409, f"{path} does not match {given}")
    oid = commits.write(call.hub, record, call.who, ref, message, {path: content}, [])
    blob = git.at_path(record.git_dir, oid, path) or ""
    shape = _content(call, record, path, blob, branch, False)
    return Answer(200 if current else 201, {"content": shape, "commit": _commit(call, record, oid)})


def _commit(call: Call, record: RepositoryRecord, oid: str) -> dict[str, Any]:
    info = call.hub.git.commit(record.git_dir, oid)
    base = call.shapes.repository_url(record)
    page = f"{call.hub.base}/{record.full_name}"

    def person(who: tuple[str, str, int]) -> dict[str, str]:
        return {"name": who[0], "email": who[1], "date": commits.moment(who[2])}

    return {
        "sha": oid,
        "node_id": text_id("GitObject", record.id, oid),
        "url": f"{base}/git/commits/{oid}",
        "html_url": f"{page}/commit/{oid}",
        "author": person(info.author),
        "committer": person(info.committer),
        "tree": {"sha": info.tree, "url": f"{base}/git/trees/{info.tree}"},
        "message": info.message.rstrip("\n"),
        "parents": [
            {"sha": p, "url": f"{base}/git/commits/{p}", "html_url": f"{page}/commit/{p}"} for p in info.parents
        ],
        "verification": {
            "verified": False,
            "reason": "unsigned",
            "signature": None,
            "payload": None,
            "verified_at": None,
        },
    }


@route("POST", REPO + "/git/commits")
def create_commit(call: Call, owner: str, repo: str) -> Answer:
    """A commit of a tree that is there, on no branch (OpenAPI git/create-commit): without an author it is whose the
    credential is, and now."""
    record = call.repository(owner, repo)
    access.require_contents(call.hub.world, record, call.who, write=True)
    account = call.hub.world.account(call.who.login)
    own = commits.identity(account) if account else commits.GITHUB
    now = commits.moment(call.hub.world.clock.write())

    def person(given: dict[str, str]) -> str:
        at = datetime.fromisoformat(given["date"].replace("Z", "+00:00"))
        return f"{given['name']} <{given['email']}> {int(at.timestamp())} {at.strftime('%z')}"

    author = call.body.get("author") or {"name": own.name, "email": own.email, "date": now}
    lines = [f"tree {call.text('tree', required=True)}"]
    lines += [f"parent {parent}" for parent in call.body.get("parents", [])]
    lines += [f"author {person(author)}", f"committer {person(call.body.get('committer') or author)}"]
    text = "\n".join([*lines, "", call.text("message", required=True) or ""])
    try:
        oid = call.hub.git.run(record.git_dir, "hash-object", "-t", "commit", "-w", "--stdin", stdin=text.encode())
    except GitFailed as problem:
        raise Refusal(422, str(problem)) from None
    return Answer(201, _commit(call, record, oid.decode().strip()))


@route("GET", REPO + "/git/commits/{sha}")
def get_commit(call: Call, owner: str, repo: str, sha: str) -> Answer:
    record = call.repository(owner, repo)
    access.require_contents(call.hub.world, record, call.who)
    try:
        return Answer(200, _commit(call, record, sha))
    except GitFailed:
        raise not_found() from None


@route("GET", REPO + "/git/blobs/{sha}")
def get_blob(call: Call, owner: str, repo: str, sha: str) -> Answer:
    """A file's bytes by its name in git, up to 100 MB (OpenAPI git/get-blob)."""
    record = call.repository(owner, repo)
    access.require_contents(call.hub.world, record, call.who)
    try:
        content = call.hub.git.blob(record.git_dir, sha)
    except GitFailed:
        raise not_found() from None
    return Answer(
        200,
        {
            "sha": sha,
            "node_id": text_id("GitObject", record.id, sha),
            "size": len(content),
            "url": f"{call.shapes.repository_url(record)}/git/blobs/{sha}",
            "content": base64.encodebytes(content).decode(),
            "encoding": "base64",
        },
    )


@route("GET", REPO + "/git/ref/{+ref}")
def get_ref(call: Call, owner: str, repo: str, ref: str) -> Answer:
    record = call.repository(owner, repo)
    access.require_contents(call.hub.world, record, call.who)
    name = ref if ref.startswith("refs/") else f"refs/{ref}"
    oid = call.hub.git.head(record.git_dir, name)
    if oid is None:
        raise not_found()
    return Answer(200, _ref(call, record, name, oid))


def _ref(call: Call, record: RepositoryRecord, name: str, oid: str) -> dict[str, Any]:
    base = call.shapes.repository_url(record)
    target = {"sha": oid, "type": call.hub.git.kind(record.git_dir, oid), "url": f"{base}/git/commits/{oid}"}
    node = text_id("Ref", record.id, name)
    return {"ref": name, "node_id": node, "url": f"{base}/git/{name}", "object": target}


@route("POST", REPO + "/git/refs")
def create_ref(call: Call, owner: str, repo: str) -> Answer:
    record = call.repository(owner, repo)
    access.require_contents(call.hub.world, record, call.who, write=True)
    name, sha = call.text("ref", required=True) or "", call.text("sha", required=True) or ""
    commits.create_ref(call.hub, record, name, sha)
    return Answer(201, _ref(call, record, name, sha))


@route("GET", REPO + "/branches/{+branch}")
def get_branch(call: Call, owner: str, repo: str, branch: str) -> Answer:
    """Schema branch-with-protection; who an author is by e-mail address is not looked up."""
    record = call.repository(owner, repo)
    access.require_contents(call.hub.world, record, call.who)
    oid = call.hub.git.head(record.git_dir, f"refs/heads/{branch}")
    if oid is None:
        raise Refusal(404, "Branch not found", type="NOT_FOUND")
    base = call.shapes.repository_url(record)
    url = f"{base}/branches/{branch}"
    protected = call.hub.git.is_protected(record.git_dir, f"refs/heads/{branch}")
    commit = _commit(call, record, oid)
    return Answer(
        200,
        {
            "name": branch,
            "commit": {
                "sha": oid,
                "node_id": commit["node_id"],
                "url": f"{base}/commits/{oid}",
                "html_url": commit["html_url"],
                "comments_url": f"{base}/commits/{oid}/comments",
                "commit": {
                    **{key: commit[key] for key in ("author", "committer", "message", "tree", "url", "verification")},
                    "comment_count": 0,
                },
                "author": None,
                "committer": None,
                "parents": commit["parents"],
            },
            "_links": {"self": url, "html": f"{call.hub.base}/{record.full_name}/tree/{branch}"},
            "protected": protected,
            "protection": {"enabled": protected},
            "protection_url": f"{url}/protection",
        },
    )
