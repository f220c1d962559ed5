"""Where GraphQL queries begin: lists of issues, nodes by id, and the fields of Query."""

from __future__ import annotations

from typing import Any

from . import access
from .clock import parse
from .errors import Refusal, no_node, not_found
from .graphql_connections import Connection
from .graphql_engine import Context, date, resolves
from .graphql_queries import actor
from .identifiers import decode
from .model import ROLES, Account, Comment, Issue, Label, RepositoryRecord
from .stock import Stock

# --- lists of issues ---------------------------------------------------------------------------------------------

ORDERS: dict[str, Any] = {
    "CREATED_AT": lambda i: [i.created, i.number],
    "UPDATED_AT": lambda i: [i.updated, i.number],
    "COMMENTS": lambda i: [len(i.comments), i.number],
}


def issue_connection(
    repo: RepositoryRecord, arguments: dict[str, Any], of: Label | None = None, *, exclusive: bool = False
) -> Connection:
    """Issues, of a label where given, filtered and ordered issues; several label names mean any of them (https://github.com/cli/cli/issues/419),
    ``since`` is inclusive (schema: IssueFilters)."""
    filters = arguments.pop("filterBy", None) or {}
    states = set(arguments.pop("states", None) or []) | set(filters.get("states") or [])
    order = arguments.pop("orderBy", None)
    wanted = [names for names in (arguments.pop("labels", None), filters.get("labels")) if names]
    labels = [{label.id for label in map(repo.label_named, names) if label is not None} for names in wanted]
    labels += [] if of is None else [{of.id}]
    since = (parse(filters["since"]) or 0) + exclusive if filters.get("since") else 0
    author = (filters.get("createdBy") or "").lower()

    def fits(issue: Issue) -> bool:
        return (
            not issue.pull
            and issue.updated >= since
            and (not states or issue.state.upper() in states)
            and (not author or issue.author.lower() == author)
        )

    by = order["field"] if order else "CREATED_AT"
    descending = bool(order) and order["direction"] == "DESC"
    if isinstance(repo.issues, Stock) and not repo.lags:
        stocked = repo.issues.listed(labels, fits, by, descending=descending)
        return Connection("issues", stocked, ORDERS[by], descending=descending, **arguments)
    known = repo.listed(bool(labels))
    found = [i for i in known if fits(i) and all(not one.isdisjoint(i.labels) for one in labels)]
    found.sort(key=ORDERS[by], reverse=descending)
    now = lambda i: repo.issues[i.number]  # noqa: E731
    return Connection("issues", found, ORDERS[by], descending=descending, node=now, **arguments)


@resolves("Label", "issues")
def label_issues(source: Label, info: Any, **arguments: Any) -> Connection:
    repo = info.context.repo(source.repository)
    access.require_issue_read(repo, info.context.who)
    return issue_connection(repo, arguments, source)


# --- roots -------------------------------------------------------------------------------------------------------


@resolves("Query User Organization", "repository")
def repository(source: Any, info: Any, name: str, owner: str = "", followRenames: bool = True) -> RepositoryRecord:
    """Follows an old name unless told not to (schema: Query.repository)."""
    full_name = f"{owner or source.login}/{name}"
    world = info.context.world
    found = world.repository(full_name) or (world.moved(full_name) if followRenames else None)
    return access.require_seen(world, found, info.context.who, full_name)


@resolves("Query", "viewer")
def viewer(source: Any, info: Any) -> Account:
    """An installation's viewer is its bot, ``[bot]`` included (https://github.com/fullsend-ai/fullsend/pull/1953)."""
    account = actor(info.context, info.context.who.login)
    if account is None:
        raise Refusal(200, "Requires authentication", type="FORBIDDEN")
    return account


@resolves("Query", "user")
def user(source: Any, info: Any, login: str) -> Account:
    account = actor(info.context, login)
    if account is None or account.kind != "User":
        raise not_found(f"Could not resolve to a User with the login of '{login}'.")
    return account


@resolves("Query", "organization")
def organization(source: Any, info: Any, login: str) -> Account:
    account = actor(info.context, login)
    if account is None or account.kind != "Organization":
        raise not_found(f"Could not resolve to an Organization with the login of '{login}'.")
    return account


@resolves("Query", "repositoryOwner")
def repository_owner(source: Any, info: Any, login: str) -> Account | None:
    account = actor(info.context, login)
    return account if account is not None and account.kind != "Bot" else None


@resolves("Query", "rateLimit")
def rate_limit(source: Any, info: Any, **_: Any) -> dict[str, Any]:
    ctx = info.context
    bucket = ctx.hub.bucket(ctx.who, "graphql")
    return {
        "cost": ctx.estimate.cost,
        "limit": bucket.limit,
        "nodeCount": ctx.estimate.nodes,
        "remaining": max(bucket.limit - bucket.used, 0),
        "resetAt": date(bucket.reset),
        "used": bucket.used,
    }


def find_node(ctx: Context, value: str) -> Any:
    """The object of a global id that the viewer may see, else NOT_FOUND."""
    decoded = decode(value)
    found: Any = None
    if decoded is not None:
        kind, repository_id, number = decoded
        if kind in ("User", "Bot", "Organization"):
            found = next((a for a in ctx.world.accounts.values() if a.id == number), None)
        elif kind == "Repository":
            found = ctx.world.repository_by_id(number)
            if found is not None and not access.can_see(ctx.world, found, ctx.who):
                found = None
        else:
            repo = ctx.world.repository_by_id(repository_id)
            if repo is not None and access.can_see(ctx.world, repo, ctx.who):
                if kind in ("Issue", "PullRequest"):
                    found = repo.issues.get(number)
                    found = found if found is not None and found.pull == (kind == "PullRequest") else None
                elif kind == "IssueComment":
                    found = repo.comments.get(number)
                elif kind == "Label":
                    found = repo.labels.get(number)
    if found is None:
        raise no_node(value)
    return found


@resolves("Query", "node")
def node(source: Any, info: Any, id: str) -> Any:
    found = find_node(info.context, id)
    if isinstance(found, (Issue, Comment)):
        access.require_issue_read(info.context.repo(found.repository), info.context.who)
    return found


@resolves("Query", "nodes")
def nodes(source: Any, info: Any, ids: list[str]) -> list[Any]:
    if len(ids) > 100:
        raise Refusal(
            200, f"You may not provide more than 100 node ids; you provided {len(ids)}.", type="ARGUMENT_LIMIT"
        )
    return [_or_error(info, one) for one in ids]


def _or_error(info: Any, value: str) -> Any:
    try:
        return node(None, info, id=value)
    except Refusal as refusal:
        return refusal


def permission_name(rank: int) -> str | None:
    return ROLES[rank].upper() if rank else None
