"""What GraphQL shows of repositories: issues, labels, files, refs, collaborators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import access
from .clock import iso
from .errors import not_found, user_forbidden
from .git_store import CommitInfo, Entry
from .graphql_connections import Connection
from .graphql_engine import TYPE_OF, Context, attributes, date, resolves
from .graphql_queries import actor, label_connection
from .graphql_roots import issue_connection, permission_name
from .identifiers import node_id, text_id
from .model import Account, Issue, Label, RepositoryRecord

TEXT_LIMIT = 512_000


@dataclass(frozen=True, slots=True)
class GitView:
    """A git object of a repository."""

    repository: int
    oid: str
    kind: str


@dataclass(frozen=True, slots=True)
class EntryView:
    repository: int
    path: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class RefView:
    repository: int
    name: str
    oid: str


@dataclass(frozen=True, slots=True)
class PinView:
    repository: int
    issue: Issue


TYPE_OF.update(
    {
        GitView: lambda view: view.kind.capitalize(),
        EntryView: lambda _: "TreeEntry",
        RefView: lambda _: "Ref",
        PinView: lambda _: "PinnedIssue",
    }
)

# --- plain fields ------------------------------------------------------------------------------------------------

attributes(
    "Repository",
    databaseId="id",
    name="name",
    nameWithOwner="full_name",
    isPrivate="private",
    isArchived="archived",
    hasIssuesEnabled="issues_enabled",
)
resolves("Repository", "id")(lambda source, info: node_id("Repository", 0, source.id))
resolves("Repository", "owner")(lambda source, info: actor(info.context, source.owner))
resolves("Repository", "isFork")(lambda source, info: False)
resolves("Repository", "description")(lambda source, info: None)
resolves("Repository", "createdAt")(lambda source, info: date(source.created))
resolves("Repository", "updatedAt")(lambda source, info: date(source.updated))
resolves("Repository", "pushedAt")(lambda source, info: date(source.pushed))
resolves("Repository", "resourcePath")(lambda source, info: f"/{source.full_name}")
resolves("Repository", "url")(lambda source, info: f"{info.context.hub.base}/{source.full_name}")
resolves("Repository", "visibility")(lambda source, info: "PRIVATE" if source.private else "PUBLIC")


@resolves("Repository", "isInOrganization")
def in_organization(source: RepositoryRecord, info: Any) -> bool:
    return source.owner.lower() in info.context.world.organizations


@resolves("Repository", "isEmpty")
def is_empty(source: RepositoryRecord, info: Any) -> bool:
    return not info.context.hub.git.refs(source.git_dir, "refs/heads/")


def _rank(ctx: Context, repo: RepositoryRecord) -> int:
    if ctx.who.installation:
        return 3 if ctx.who.permissions.get("contents") == "write" else 1
    return access.level(ctx.world, repo, ctx.who)


resolves("Repository", "viewerPermission")(lambda source, info: permission_name(_rank(info.context, source)))
resolves("Repository", "viewerCanAdminister")(lambda source, info: _rank(info.context, source) >= 5)


# --- issues and labels -------------------------------------------------------------------------------------------


@resolves("Repository", "issue")
def issue(source: RepositoryRecord, info: Any, number: int) -> Issue:
    access.require_issue_read(source, info.context.who)
    found = source.issues.get(number)
    if found is None or found.pull:
        raise not_found(f"Could not resolve to an Issue with the number of {number}.")
    return found


@resolves("Repository", "issueOrPullRequest")
def issue_or_pull(source: RepositoryRecord, info: Any, number: int) -> Issue:
    access.require_issue_read(source, info.context.who)
    if number not in source.issues:
        raise not_found(f"Could not resolve to an issue or pull request with the number of {number}.")
    return source.issues[number]


@resolves("Repository", "pullRequest")
def pull_request(source: RepositoryRecord, info: Any, number: int) -> Issue:
    found = source.issues.get(number)
    if found is None or not found.pull:
        raise not_found(f"Could not resolve to a PullRequest with the number of {number}.")
    return found


@resolves("Repository", "issues")
def issues(source: RepositoryRecord, info: Any, **arguments: Any) -> Connection:
    access.require_issue_read(source, info.context.who)
    return issue_connection(source, arguments, exclusive=info.context.hub.options.since_is_exclusive)


@resolves("Repository", "label")
def label(source: RepositoryRecord, info: Any, name: str) -> Label | None:
    """One report says that this look-up minds case (https://github.com/git-bug/git-bug/issues/176)."""
    found = source.label_named(name)
    if found is not None and info.context.hub.options.exact_label_lookup and found.name != name:
        return None
    return found


@resolves("Repository", "labels")
def labels(
    source: RepositoryRecord,
    info: Any,
    query: str | None = None,
    orderBy: Any = None,
    **arguments: Any,
) -> Connection:
    """``query`` is fuzzy: any word of it anywhere in the name (https://github.com/ckeditor/ckeditor5/issues/16872)."""
    words = (query or "").lower().replace(":", " ").split()
    found = [x for x in source.labels.values() if not words or any(w in x.name.lower() for w in words)]
    return label_connection(found, orderBy, arguments)


@resolves("Repository", "pinnedIssues")
def pinned(source: RepositoryRecord, info: Any, **arguments: Any) -> Connection:
    found = [PinView(source.id, i) for i in source.issues.values() if i.pinned_by]
    return Connection("pinnedIssues", found, lambda p: [p.issue.number], **arguments)


attributes("PinnedIssue", issue="issue")
resolves("PinnedIssue", "id")(lambda source, info: node_id("PinnedIssue", source.repository, source.issue.number))
resolves("PinnedIssue", "databaseId")(lambda source, info: source.issue.number)
resolves("PinnedIssue", "fullDatabaseId")(lambda source, info: str(source.issue.number))
resolves("PinnedIssue", "pinnedBy")(lambda source, info: actor(info.context, source.issue.pinned_by))


@resolves("Repository", "collaborators")
def collaborators(
    source: RepositoryRecord, info: Any, login: str | None = None, query: str | None = None, **arguments: Any
) -> Connection:
    ctx = info.context
    if not ctx.who.installation and access.level(ctx.world, source, ctx.who) < 3:
        raise user_forbidden(ctx.who.login, "collaborators", "Must have push access to view collaborators.")
    logins = [source.owner, *(k for k, role in source.grants.items() if role != "none")]
    people = {a.id: a for a in (actor(ctx, name) for name in logins) if a is not None and a.kind == "User"}
    found = [a for a in people.values() if login is None or a.login.lower() == login.lower()]
    found = [a for a in found if query is None or query.lower() in a.login.lower()]

    def permission(account: Account) -> str:
        return access.role_told(ctx.world, source, account.login)[0].upper()

    arguments.pop("affiliation", None)
    found.sort(key=lambda a: a.id)
    return Connection("collaborators", found, lambda a: [a.id], edge={"permission": permission}, **arguments)


# --- git ---------------------------------------------------------------------------------------------------------


def git_view(ctx: Context, repo: RepositoryRecord, oid: str | None) -> GitView | None:
    return None if oid is None else GitView(repo.id, oid, ctx.hub.git.kind(repo.git_dir, oid))


@resolves("Repository", "object")
def git_object(
    source: RepositoryRecord, info: Any, expression: str | None = None, oid: str | None = None
) -> GitView | None:
    ctx = info.context
    access.require_contents(ctx.world, source, ctx.who)
    found = ctx.hub.git.resolve(source.git_dir, source.default_branch, oid or expression or "HEAD")
    return git_view(ctx, source, found)


@resolves("Repository", "defaultBranchRef")
def default_branch(source: RepositoryRecord, info: Any) -> RefView | None:
    return ref(source, info, f"refs/heads/{source.default_branch}")


@resolves("Repository", "ref")
def ref(source: RepositoryRecord, info: Any, qualifiedName: str) -> RefView | None:
    ctx = info.context
    access.require_contents(ctx.world, source, ctx.who)
    for name in (qualifiedName, f"refs/heads/{qualifiedName}", f"refs/tags/{qualifiedName}"):
        oid = ctx.hub.git.head(source.git_dir, name) if name.startswith("refs/") else None
        if oid is not None:
            return RefView(source.id, name, oid)
    return None


@resolves("Repository", "refs")
def refs(source: RepositoryRecord, info: Any, refPrefix: str, **arguments: Any) -> Connection:
    ctx = info.context
    access.require_contents(ctx.world, source, ctx.who)
    for unused in ("direction", "orderBy", "query"):
        arguments.pop(unused, None)
    found = [RefView(source.id, n, oid) for n, oid in ctx.hub.git.refs(source.git_dir, refPrefix).items()]
    return Connection("refs", found, lambda r: [r.name], **arguments)


resolves("Ref", "id")(lambda source, info: text_id("Ref", source.repository, source.name))
resolves("Ref", "name")(lambda source, info: source.name.split("/", 2)[2])
resolves("Ref", "prefix")(lambda source, info: "/".join(source.name.split("/")[:2]) + "/")
resolves("Ref", "target")(lambda s, info: git_view(info.context, info.context.repo(s.repository), s.oid))

GIT = "Blob Tree Commit"
attributes(GIT, oid="oid")
resolves(GIT, "id")(lambda source, info: text_id("GitObject", source.repository, source.oid))
resolves(GIT, "abbreviatedOid")(lambda source, info: source.oid[:7])


@resolves(GIT, "commitResourcePath", "resourcePath")
def commit_path(source: GitView, info: Any) -> str:
    return f"/{info.context.repo(source.repository).full_name}/commit/{source.oid}"


@resolves(GIT, "commitUrl", "url")
def commit_url(source: GitView, info: Any) -> str:
    return info.context.hub.base + commit_path(source, info)


def _bytes(source: GitView, ctx: Context) -> bytes:
    return ctx.hub.git.blob(ctx.repo(source.repository).git_dir, source.oid)


def _is_binary(content: bytes) -> bool:
    if b"\0" in content[:8_000]:
        return True
    try:
        content.decode()
    except UnicodeDecodeError:
        return True
    return False


resolves("Blob", "byteSize")(lambda source, info: len(_bytes(source, info.context)))
resolves("Blob", "isBinary")(lambda source, info: _is_binary(_bytes(source, info.context)))
resolves("Blob", "isTruncated")(lambda source, info: len(_bytes(source, info.context)) > TEXT_LIMIT)


@resolves("Blob", "text")
def blob_text(source: GitView, info: Any) -> str | None:
    content = _bytes(source, info.context)
    return None if _is_binary(content) else content[:TEXT_LIMIT].decode(errors="ignore")


def _entries(ctx: Context, number: int, oid: str, prefix: str) -> list[EntryView]:
    repo = ctx.repo(number)
    return [EntryView(number, f"{prefix}{e.name}", e) for e in ctx.hub.git.tree(repo.git_dir, oid)]


resolves("Tree", "entries")(lambda source, info: _entries(info.context, source.repository, source.oid, ""))
attributes("TreeEntry", path="path", name="entry.name", type="entry.type", mode="entry.mode", oid="entry.oid")
attributes("TreeEntry", size="entry.size")


@resolves("TreeEntry", "object")
def entry_object(source: EntryView, info: Any) -> GitView | None:
    if source.entry.type == "commit":
        return None
    return GitView(source.repository, source.entry.oid, source.entry.type)


@resolves("TreeEntry", "extension")
def entry_extension(source: EntryView, info: Any) -> str:
    name = source.entry.name
    return "." + name.rsplit(".", 1)[1] if "." in name else ""


def _commit(source: GitView, ctx: Context) -> CommitInfo:
    return ctx.hub.git.commit(ctx.repo(source.repository).git_dir, source.oid)


def _person(who: tuple[str, str, int], ctx: Context) -> dict[str, Any]:
    login = who[1].partition("@")[0].partition("+")[2]
    account = actor(ctx, login) if login else None
    user = account if account is not None and account.kind == "User" else None
    return {"name": who[0], "email": who[1], "date": iso(who[2]), "user": user}


resolves("Commit", "message")(lambda source, info: _commit(source, info.context).message.rstrip("\n"))
resolves("Commit", "messageHeadline")(lambda s, info: _commit(s, info.context).message.partition("\n")[0])
resolves("Commit", "messageBody")(lambda s, info: _commit(s, info.context).message.partition("\n\n")[2].rstrip("\n"))
resolves("Commit", "committedDate")(lambda source, info: iso(_commit(source, info.context).committer[2]))
resolves("Commit", "authoredDate")(lambda source, info: iso(_commit(source, info.context).author[2]))
resolves("Commit", "author")(lambda source, info: _person(_commit(source, info.context).author, info.context))
resolves("Commit", "committer")(lambda source, info: _person(_commit(source, info.context).committer, info.context))
resolves("Commit", "tree")(lambda s, info: GitView(s.repository, _commit(s, info.context).tree, "tree"))


@resolves("Commit", "parents")
def commit_parents(source: GitView, info: Any, **arguments: Any) -> Connection:
    """In the order in which git has them."""
    found = list(enumerate(_commit(source, info.context).parents))
    view = lambda one: GitView(source.repository, one[1], "commit")  # noqa: E731
    return Connection("parents", found, lambda one: one[0], node=view, **arguments)


@resolves("Commit", "history")
def commit_history(source: GitView, info: Any, **arguments: Any) -> Connection:
    """Newest first, as `git log` has them."""
    git, git_dir = info.context.hub.git, info.context.repo(source.repository).git_dir
    found = list(enumerate(git.run(git_dir, "rev-list", source.oid).decode().split()))
    view = lambda one: GitView(source.repository, one[1], "commit")  # noqa: E731
    return Connection("history", found, lambda one: one[0], node=view, **arguments)


@resolves("Commit", "file")
def commit_file(source: GitView, info: Any, path: str) -> EntryView | None:
    ctx = info.context
    folder, _, name = path.rpartition("/")
    tree = ctx.hub.git.at_path(ctx.repo(source.repository).git_dir, source.oid, folder)
    if not tree or ctx.hub.git.kind(ctx.repo(source.repository).git_dir, tree) != "tree":
        return None
    found = _entries(ctx, source.repository, tree, f"{folder}/" if folder else "")
    return next((view for view in found if view.entry.name == name), None)
