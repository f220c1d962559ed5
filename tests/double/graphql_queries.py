"""What GraphQL fields show: issues, comments, reactions, labels, people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import access
from .errors import Refusal, no_node, not_found
from .graphql_connections import Connection
from .graphql_engine import INT_LIMIT, TYPE_OF, Context, attributes, date, resolves
from .identifiers import node_id
from .model import (
    REACTION_NAMES,
    REACTIONS,
    Account,
    Comment,
    Edit,
    Issue,
    Label,
    Reaction,
    RepositoryRecord,
)

TEXTS = "Issue IssueComment PullRequest"


class Group:
    """The reactions of one content on one subject."""

    __slots__ = ("subject", "content", "reactions")

    def __init__(self, subject: Issue | Comment, content: str, reactions: Sequence[Reaction]) -> None:
        self.subject, self.content, self.reactions = subject, content, reactions


TYPE_OF.update(
    {
        Account: lambda account: account.kind,
        Issue: lambda issue: "PullRequest" if issue.pull else "Issue",
        Comment: lambda _: "IssueComment",
        Label: lambda _: "Label",
        Reaction: lambda _: "Reaction",
        Edit: lambda _: "UserContentEdit",
        RepositoryRecord: lambda _: "Repository",
    }
)


def actor(ctx: Context, login: str | None) -> Account | None:
    return None if login is None else ctx.world.account(login)


def big(ctx: Context, number: int) -> int | None:
    """``databaseId`` as a number even past 2**31, unless the option says null or error (facts file, Doubts)."""
    if number < INT_LIMIT or ctx.hub.options.big_database_ids == "number":
        return number
    if ctx.hub.options.big_database_ids == "null":
        return None
    raise Refusal(200, f"Integer out of bounds: {number}", type="INTERNAL")


# --- connections and scalars -------------------------------------------------------------------------------------

resolves("*", "nodes")(lambda source, info: source.nodes)
resolves("*", "edges")(lambda source, info: source.edges)
resolves("*", "pageInfo")(lambda source, info: source.page_info)
resolves("*", "totalCount")(lambda source, info: source.total)
for _extra in ("viewerHasReacted", "filteredCount", "pageCount"):
    resolves("ReactionConnection IssueTimelineItemsConnection", _extra)(
        lambda source, info, _name=_extra: source.extra[_name]
    )
resolves("IssueTimelineItemsConnection", "updatedAt")(lambda source, info: source.extra["updatedAt"])


@resolves("*", "repository")
def repository_of(source: Any, info: Any, **_: Any) -> RepositoryRecord:
    return info.context.repo(source.repository)


# --- people ------------------------------------------------------------------------------------------------------

PEOPLE = "User Bot Organization Mannequin"
attributes(PEOPLE, login="login", databaseId="id", name="name")
attributes("Bot", login="slug")
resolves(PEOPLE, "id")(lambda source, info: node_id(source.kind, 0, source.id))
resolves(PEOPLE, "createdAt", "updatedAt")(lambda source, info: date(source.created))
resolves(PEOPLE, "avatarUrl")(lambda source, info, **_: f"{info.context.hub.base}/avatars/u/{source.id}?v=4")


@resolves(PEOPLE, "resourcePath")
def person_path(source: Account, info: Any) -> str:
    return f"/apps/{source.slug}" if source.kind == "Bot" else f"/{source.login}"


@resolves(PEOPLE, "url")
def person_url(source: Account, info: Any) -> str:
    return info.context.hub.base + person_path(source, info)


@resolves("User", "isViewer")
def is_viewer(source: Account, info: Any) -> bool:
    return source.login.lower() == info.context.who.login.lower()


@resolves("Organization", "viewerIsAMember")
def viewer_is_member(source: Account, info: Any) -> bool:
    organization = info.context.world.organizations.get(source.login.lower())
    return bool(organization and info.context.who.login.lower() in organization.members)


# --- reactions ---------------------------------------------------------------------------------------------------

resolves("ReactionGroup", "content")(lambda source, info: REACTIONS[source.content])
attributes("ReactionGroup", subject="subject")
resolves("Reaction", "content")(lambda source, info: REACTIONS[source.content])
resolves("Reaction", "createdAt")(lambda source, info: date(source.created))
resolves("Reaction", "databaseId")(lambda source, info: source.id)
resolves("Reaction", "id")(lambda source, info: node_id("Reaction", 0, source.id))


@resolves("Reaction", "user")
def reaction_user(source: Reaction, info: Any) -> Account | None:
    account = actor(info.context, source.login)
    bot = account is not None and account.kind == "Bot"
    return None if bot and not info.context.hub.options.bot_reaction_user else account


@resolves("Reaction", "reactable")
def reactable(source: Reaction, info: Any) -> Issue | Comment:
    kind, _, number = source.subject.partition(":")
    for repo in info.context.world.repositories.values():
        if kind == "comment" and int(number) in repo.comments:
            return repo.comments[int(number)]
        for issue in repo.issues.values() if kind == "issue" else ():
            if issue.id == int(number):
                return issue
    raise no_node(source.subject)


def groups(source: Issue | Comment) -> list[Group]:
    """All eight contents, whether or not anyone used them."""
    if not source.reactions:
        return [Group(source, content, ()) for content in REACTIONS]
    return [Group(source, content, [r for r in source.reactions if r.content == content]) for content in REACTIONS]


resolves(TEXTS, "reactionGroups")(lambda source, info: groups(source))
resolves("AddReactionPayload RemoveReactionPayload", "reactionGroups")(lambda source, info: groups(source["subject"]))


@resolves("ReactionGroup", "viewerHasReacted")
def group_viewer_has_reacted(source: Group, info: Any) -> bool:
    return bool(source.reactions) and _mine(source.reactions, info.context)


def _mine(reactions: Sequence[Reaction], ctx: Context) -> bool:
    login = ctx.who.login.lower()
    return any(reaction.login.lower() == login for reaction in reactions)


@resolves("ReactionGroup", "createdAt")
def group_created(source: Group, info: Any) -> str | None:
    return date(source.reactions[0].created) if source.reactions else None


@resolves("ReactionGroup", "reactors")
def reactors(source: Group, info: Any, **arguments: Any) -> Connection:
    ctx = info.context
    return Connection(
        "reactors",
        source.reactions,
        lambda r: [r.id],
        node=lambda r: actor(ctx, r.login),
        edge={"reactedAt": lambda r: date(r.created)},
        **arguments,
    )


@resolves(TEXTS, "reactions")
def reactions(source: Issue | Comment, info: Any, content: str | None = None, **arguments: Any) -> Connection:
    found = [r for r in source.reactions if content is None or r.content == REACTION_NAMES[content]]
    descending = (arguments.pop("orderBy", None) or {}).get("direction") == "DESC"
    if descending:
        found.reverse()
    extra = {"viewerHasReacted": _mine(found, info.context)}
    return Connection("reactions", found, lambda r: [r.id], descending=descending, extra=extra, **arguments)


# --- texts: issues, pull requests, comments ----------------------------------------------------------------------

attributes(TEXTS, body="body")
attributes("Issue PullRequest", number="number", title="title", locked="locked")
resolves(TEXTS, "author")(lambda source, info: actor(info.context, source.author))
resolves(TEXTS, "editor")(lambda source, info: actor(info.context, source.editor))
resolves(TEXTS, "createdAt", "publishedAt")(lambda source, info: date(source.created))
resolves(TEXTS, "updatedAt")(lambda source, info: date(source.updated))
resolves(TEXTS, "lastEditedAt")(lambda source, info: date(source.edited))
resolves(TEXTS, "includesCreatedEdit")(lambda source, info: bool(source.edits))
resolves(TEXTS, "databaseId")(lambda source, info: big(info.context, source.id))
resolves(TEXTS, "fullDatabaseId")(lambda source, info: str(source.id))
resolves(TEXTS, "viewerCanSubscribe")(lambda source, info: True)
resolves("Issue", "id")(lambda source, info: node_id("Issue", source.repository, source.number))
resolves("PullRequest", "id")(lambda source, info: node_id("PullRequest", source.repository, source.number))
resolves("IssueComment", "id")(lambda source, info: node_id("IssueComment", source.repository, source.id))
resolves("IssueComment", "isMinimized")(lambda source, info: source.minimized is not None)
attributes("IssueComment", minimizedReason="minimized")
resolves("Issue PullRequest", "closed")(lambda source, info: source.state == "closed")
resolves("Issue PullRequest", "closedAt")(lambda source, info: date(source.closed))
resolves("Issue PullRequest", "state")(lambda source, info: source.state.upper())
resolves("Issue", "isPinned")(lambda source, info: source.pinned_by is not None)


@resolves(TEXTS, "authorAssociation")
def author_association(source: Issue | Comment, info: Any) -> str:
    ctx = info.context
    return access.association(ctx.world, ctx.repo(source.repository), source.author, ctx.who)


@resolves(TEXTS, "viewerDidAuthor")
def viewer_did_author(source: Issue | Comment, info: Any) -> bool:
    return source.author.lower() == info.context.who.login.lower()


@resolves("Issue PullRequest", "activeLockReason")
def lock_reason(source: Issue, info: Any) -> str | None:
    return source.lock_reason.upper().replace("-", "_").replace(" ", "_") if source.lock_reason else None


@resolves("Issue", "stateReason")
def state_reason(source: Issue, info: Any, enableDuplicate: bool = False) -> str | None:
    """Without ``enableDuplicate`` a duplicate shows as not planned (facts file, Doubts)."""
    if source.reason == "duplicate" and not enableDuplicate:
        return "NOT_PLANNED"
    return source.reason.upper() if source.reason else None


def path_of(ctx: Context, source: Issue | Comment) -> str:
    repo = ctx.repo(source.repository)
    issue = source if isinstance(source, Issue) else repo.issues[source.number]
    path = f"/{repo.full_name}/{'pull' if issue.pull else 'issues'}/{issue.number}"
    return path if isinstance(source, Issue) else f"{path}#issuecomment-{source.id}"


resolves(TEXTS, "resourcePath")(lambda source, info: path_of(info.context, source))
resolves(TEXTS, "url")(lambda source, info: info.context.hub.base + path_of(info.context, source))


@resolves("IssueComment", "issue")
def comment_issue(source: Comment, info: Any) -> Issue:
    issue = info.context.repo(source.repository).issues[source.number]
    if issue.pull:
        raise not_found(f"Could not resolve to an Issue with the number of {issue.number}.")
    return issue


@resolves("IssueComment", "pullRequest")
def comment_pull(source: Comment, info: Any) -> Issue | None:
    issue = info.context.repo(source.repository).issues[source.number]
    return issue if issue.pull else None


def _may(ctx: Context, source: Issue | Comment, rank: int, own: bool = True) -> bool:
    repo = ctx.repo(source.repository)
    if repo.archived or (ctx.who.installation and ctx.who.permissions.get("issues") != "write"):
        return False
    mine = own and source.author.lower() == ctx.who.login.lower()
    return mine or access.level(ctx.world, repo, ctx.who) >= rank


resolves("IssueComment", "viewerCanDelete")(lambda source, info: _may(info.context, source, 3))
resolves("IssueComment", "viewerCanMinimize")(lambda source, info: _may(info.context, source, 3, own=False))
resolves("Issue", "viewerCanDelete")(lambda source, info: _may(info.context, source, 5, own=False))
resolves("Issue PullRequest", "viewerCanLabel")(lambda source, info: _may(info.context, source, 2, own=False))
resolves("Issue PullRequest", "viewerCanClose")(lambda source, info: _may(info.context, source, 2))


@resolves("Issue PullRequest", "viewerCanReopen")
def viewer_can_reopen(source: Issue, info: Any) -> bool:
    mine = (source.closed_by or "").lower() == info.context.who.login.lower()
    return _may(info.context, source, 2, own=mine)


@resolves(TEXTS, "viewerCannotUpdateReasons")
def cannot_update(source: Issue | Comment, info: Any) -> list[str]:
    ctx, repo = info.context, info.context.repo(source.repository)
    if repo.archived:
        return ["ARCHIVED"]
    if not _may(ctx, source, 3):
        return ["INSUFFICIENT_ACCESS"]
    return [] if access.may_edit_text(ctx.world, repo, ctx.who, source) else ["LOCKED"]


@resolves(TEXTS, "viewerCanUpdate")
def can_update(source: Issue | Comment, info: Any) -> bool:
    return not cannot_update(source, info)


@resolves(TEXTS, "viewerCanReact")
def can_react(source: Issue | Comment, info: Any) -> bool:
    repo = info.context.repo(source.repository)
    return not (repo.archived or repo.issue_of(source).locked)


@resolves(TEXTS, "userContentEdits")
def edits(source: Issue | Comment, info: Any, **arguments: Any) -> Connection:
    """Newest first; the last one is the text as created (schema: UserContentEdit)."""
    found = source.edits[::-1] if info.context.hub.options.edits_are_listed else []
    return Connection("userContentEdits", found, lambda e: [e.id], descending=True, **arguments)


resolves("UserContentEdit", "editor")(lambda source, info: actor(info.context, source.editor))
resolves("UserContentEdit", "createdAt", "editedAt", "updatedAt")(lambda source, info: date(source.at))
resolves("UserContentEdit", "id")(lambda source, info: node_id("Edit", 0, source.id))
attributes("UserContentEdit", diff="text")
resolves("UserContentEdit", "deletedAt", "deletedBy")(lambda source, info: None)


@resolves("Issue PullRequest", "comments")
def comments(source: Issue, info: Any, orderBy: Any = None, **arguments: Any) -> Connection:
    found = info.context.repo(source.repository).comments_of(source)
    if orderBy is None:
        return Connection("comments", found, lambda c: [c.id], **arguments)
    descending = orderBy["direction"] == "DESC"
    ordered = sorted(found, key=lambda c: (c.updated, c.id), reverse=descending)
    return Connection("comments", ordered, lambda c: [c.updated, c.id], descending=descending, **arguments)


@resolves("Issue", "assignees")
def assignees(source: Issue, info: Any, **arguments: Any) -> Connection:
    return Connection("assignees", [], lambda a: [a.id], **arguments)


@resolves("Issue", "participants")
def participants(source: Issue, info: Any, **arguments: Any) -> Connection:
    logins = dict.fromkeys([source.author, *(c.author for c in source.comments)])
    people = [a for a in (actor(info.context, login) for login in logins) if a is not None and a.kind == "User"]
    return Connection("participants", sorted(people, key=lambda a: a.id), lambda a: [a.id], **arguments)


# --- labels ------------------------------------------------------------------------------------------------------

attributes("Label", name="name", color="color", description="description")
resolves("Label", "isDefault")(lambda source, info: False)
resolves("Label", "id")(lambda source, info: node_id("Label", source.repository, source.id))
resolves("Label", "createdAt")(lambda source, info: date(source.created))
resolves("Label", "updatedAt")(lambda source, info: date(source.updated))


@resolves("Label", "resourcePath")
def label_path(source: Label, info: Any) -> str:
    return f"/{info.context.repo(source.repository).full_name}/labels/{source.name.replace(' ', '%20')}"


@resolves("Label", "url")
def label_url(source: Label, info: Any) -> str:
    return info.context.hub.base + label_path(source, info)


def label_connection(found: list[Label], order: Any, arguments: dict[str, Any]) -> Connection:
    by_name = bool(order) and order["field"] == "NAME"
    descending = bool(order) and order["direction"] == "DESC"

    def key(label: Label) -> list[Any]:
        return [label.name.lower() if by_name else label.created, label.id]

    return Connection("labels", sorted(found, key=key, reverse=descending), key, descending=descending, **arguments)


@resolves("Issue PullRequest", "labels")
def issue_labels(source: Issue, info: Any, orderBy: Any = None, **arguments: Any) -> Connection:
    """By creation of the label (facts file, Doubts)."""
    return label_connection(info.context.repo(source.repository).labels_of(source), orderBy, arguments)
