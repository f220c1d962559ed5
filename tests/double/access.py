"""Who a token stands for, and what that identity may do in a repository."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .errors import Refusal, integration_forbidden, not_found, user_forbidden
from .model import BOT, ROLES, Comment, Issue, RepositoryRecord, World, is_app


@dataclass(frozen=True, slots=True)
class Principal:
    """The identity behind a token. A token of an installation, a workflow's or another App's, is a bot's, bound to one
    repository and a set of permissions; what the permission API says of the bot has no bearing on it.

    Naming any permission sets the unnamed ones to none (docs: Assigning permissions to jobs).
    """

    login: str
    kind: str = "personal"
    label: str = ""
    value: str = field(default="", repr=False)
    repository: int | None = None
    permissions: Mapping[str, str] = field(default_factory=dict)

    @property
    def workflow(self) -> bool:
        return self.kind == "workflow"

    @property
    def installation(self) -> bool:
        return self.kind in ("workflow", "app")

    @property
    def anonymous(self) -> bool:
        return self.kind == "anonymous"

    @property
    def bucket(self) -> str:
        """Rate limits are per user, per repository for workflow tokens, per installation for Apps (docs: Rate limits
        for the REST API)."""
        return f"repository:{self.repository}" if self.workflow else f"{self.kind}:{self.login.lower()}"


ANONYMOUS = Principal(login="", kind="anonymous", label="anonymous")


def direct(login: str) -> Principal:
    """The identity of a direct call: the bot acts like a workflow token, so that it starts no run."""
    kind = "workflow" if login == BOT else "app" if is_app(login) else "personal"
    return Principal(login=login, kind=kind, label="direct")


def role_of(world: World, repo: RepositoryRecord, login: str) -> str:
    """The role of a person: owner, organisation owner, grant, an organisation's base permission (read unless changed),
    or what a public repository gives everyone."""
    key = login.lower()
    if is_app(key):
        return "none"
    if key == repo.owner.lower():
        return "admin"
    organization = world.organizations.get(repo.owner.lower())
    if organization and organization.members.get(key, ("", False))[0] == "admin":
        return "admin"
    granted = repo.grants.get(key, "none")
    member = organization is not None and key in organization.members
    if granted == "none" and (member or not repo.private):
        return "read"
    return granted


def role_told(world: World, repo: RepositoryRecord, login: str) -> tuple[str, str]:
    """The role that answers name, and its own name; where they lag, what both were."""
    role = role_of(world, repo, login)
    told: tuple[str, str] = repo.lags.seen("permissions", login.lower(), (role, role_name(repo, login, role)))
    return told


def role_name(repo: RepositoryRecord, login: str, role: str) -> str:
    return repo.custom_roles.get(login.lower(), role)


def level(world: World, repo: RepositoryRecord, who: Principal) -> int:
    """A person's role as a number; an installation's token counts as what its permissions amount to for issues."""
    if who.installation:
        if who.repository is not None and who.repository != repo.id:
            return 0 if repo.private else 1
        if who.repository is None:
            return 5
        issues = who.permissions.get("issues", "none")
        return 3 if issues == "write" else 1
    if who.anonymous:
        return 0 if repo.private else 1
    return ROLES.index(role_of(world, repo, who.login))


def can_see(world: World, repo: RepositoryRecord, who: Principal) -> bool:
    return level(world, repo, who) >= 1


def require_seen(world: World, repo: RepositoryRecord | None, who: Principal, full_name: str) -> RepositoryRecord:
    if repo is None or not can_see(world, repo, who):
        raise not_found(f"Could not resolve to a Repository with the name '{full_name}'.")
    return repo


def require_issue_read(repo: RepositoryRecord, who: Principal) -> None:
    """Anyone who sees a public repository reads its issues; in a private one a workflow token needs a permission."""
    if who.installation and repo.private and who.permissions.get("issues", "none") == "none":
        raise integration_forbidden("issues=read")


def _require_issue_write(repo: RepositoryRecord, who: Principal) -> None:
    if who.anonymous:
        raise Refusal(401, "Requires authentication", type="FORBIDDEN")
    if who.installation and (who.permissions.get("issues") != "write" or who.repository != repo.id):
        raise integration_forbidden("issues=write")
    require_unarchived(repo)


def require_unarchived(repo: RepositoryRecord) -> None:
    """An archived repository is read-only for everybody (docs: Archiving repositories); the words are in
    https://github.com/cli/cli/issues/14242, the type is assumed."""
    if repo.archived:
        text = "Repository was archived so is read-only"
        raise Refusal(403, f"{text}.", type="UNPROCESSABLE", graphql=text)


def may_talk(world: World, repo: RepositoryRecord, who: Principal, issue: Issue) -> bool:
    """Whether a locked conversation is open to somebody: to people with write access (docs: Locking conversations), to
    no App, whatever its installation may do (https://github.com/probot/stale/issues/25)."""
    return not issue.locked or (not who.installation and level(world, repo, who) >= 3)


def may_edit_text(world: World, repo: RepositoryRecord, who: Principal, subject: Issue | Comment) -> bool:
    """In a locked conversation people without write edit nothing (schema: CommentCannotUpdateReason.LOCKED) and Apps no
    comment; that an App may still change title and body is assumed."""
    title_or_body = isinstance(subject, Issue) and level(world, repo, who) >= 3
    return title_or_body or may_talk(world, repo, who, repo.issue_of(subject))


def require_comment(world: World, repo: RepositoryRecord, who: Principal, issue: Issue, mutation: str) -> None:
    """Whoever reads may comment, unless the conversation is locked to them."""
    _require_issue_write(repo, who)
    if not may_talk(world, repo, who, issue):
        raise locked(mutation)


def locked(deed: str) -> Refusal:
    """GraphQL's words have no full stop (https://github.com/open-telemetry/opentelemetry-dotnet/issues/6554)."""
    text = f"Unable to {deed} because issue is locked"
    return Refusal(403, f"{text}.", type="FORBIDDEN", graphql=text)


def require_reaction(repo: RepositoryRecord, who: Principal, issue: Issue, mutation: str, named: bool = True) -> None:
    """Whoever reads may react; on a locked issue nobody may, not even with write access (docs: Locking conversations).
    GraphQL has been seen not to name the lock (https://github.com/GitHawkApp/GitHawk/issues/2297)."""
    _require_issue_write(repo, who)
    if issue.locked:
        raise locked("create reaction") if named else user_forbidden(who.login, mutation)


def require_create(world: World, repo: RepositoryRecord, who: Principal) -> None:
    """Whoever reads may open an issue (OpenAPI issues/create)."""
    _require_issue_write(repo, who)


def require_text_edit(
    world: World, repo: RepositoryRecord, who: Principal, subject: Issue | Comment, mutation: str
) -> None:
    """Own texts, or anybody's with write (docs: Repository roles for an organization)."""
    _require_issue_write(repo, who)
    if subject.author.lower() != who.login.lower() and level(world, repo, who) < 3:
        raise user_forbidden(who.login, mutation)
    if not may_edit_text(world, repo, who, subject):
        raise locked("update comment" if isinstance(subject, Comment) else "update issue")


def require_state_change(world: World, repo: RepositoryRecord, who: Principal, issue: Issue, to: str) -> None:
    """Triage changes any state; a reader closes own issues and reopens only what they closed themselves (same page).
    A bot may not close a locked issue (https://github.com/actions/stale/issues/51)."""
    mutation = "CloseIssue" if to == "closed" else "ReopenIssue"
    _require_issue_write(repo, who)
    if issue.locked and who.installation and to == "closed":
        raise locked("close issue")
    if level(world, repo, who) >= 2:
        return
    own = issue.author.lower() == who.login.lower()
    if not own or (to == "open" and (issue.closed_by or "").lower() != who.login.lower()):
        raise user_forbidden(who.login, mutation)


def may_label(world: World, repo: RepositoryRecord, who: Principal) -> bool:
    """Applying labels takes triage."""
    return level(world, repo, who) >= 2


def may_make_labels(world: World, repo: RepositoryRecord, who: Principal) -> bool:
    """Creating, editing and deleting labels takes write."""
    return level(world, repo, who) >= 3


def require_label(world: World, repo: RepositoryRecord, who: Principal, mutation: str) -> None:
    _require_issue_write(repo, who)
    if not may_label(world, repo, who):
        raise user_forbidden(who.login, mutation)


def require_label_making(world: World, repo: RepositoryRecord, who: Principal, mutation: str) -> None:
    """REST answers 404 on ``/labels`` to those who may not (facts file, More behaviour)."""
    _require_issue_write(repo, who)
    if not may_make_labels(world, repo, who):
        text = f"{who.login} does not have the correct permissions to execute `{mutation}`"
        raise Refusal(404, "Not Found", type="FORBIDDEN", graphql=text)


def require_write(world: World, repo: RepositoryRecord, who: Principal, mutation: str) -> None:
    """Locking and minimizing take write."""
    _require_issue_write(repo, who)
    if level(world, repo, who) < 3:
        raise user_forbidden(who.login, mutation)


def require_admin(world: World, repo: RepositoryRecord, who: Principal, mutation: str) -> None:
    """Deleting an issue takes admin; a workflow token is assumed unable (facts file, Delete)."""
    if who.installation and who.permissions.get("administration") != "write":
        raise integration_forbidden("administration=write")
    if not who.installation and level(world, repo, who) < 5:
        raise user_forbidden(who.login, mutation)


def may_read_contents(world: World, repo: RepositoryRecord, who: Principal) -> bool:
    """What everybody may read needs no permission: a workflow's token reads a public repository without `contents`."""
    if who.installation:
        own = who.repository == repo.id
        return not repo.private or (own and who.permissions.get("contents", "none") != "none")
    return can_see(world, repo, who)


def may_write_contents(world: World, repo: RepositoryRecord, who: Principal) -> bool:
    if who.installation:
        return who.repository == repo.id and who.permissions.get("contents") == "write"
    return level(world, repo, who) >= 3


def require_contents(world: World, repo: RepositoryRecord, who: Principal, write: bool = False) -> None:
    allowed = may_write_contents(world, repo, who) if write else may_read_contents(world, repo, who)
    if allowed:
        if write:
            require_unarchived(repo)
        return
    if who.installation:
        raise integration_forbidden("contents=write" if write else "contents=read")
    if not can_see(world, repo, who):
        raise not_found(f"Could not resolve to a Repository with the name '{repo.full_name}'.")
    raise Refusal(403 if not write else 404, "Not Found", type="FORBIDDEN", graphql="Resource protected")


def association(world: World, repo: RepositoryRecord, login: str, viewer: Principal) -> str:
    """``author_association`` as the viewer sees it: private membership shows only to fellow members who are no bots
    (https://github.com/actions/github-script/issues/643)."""
    key = login.lower()
    if key == repo.owner.lower():
        return "OWNER"
    organization = world.organizations.get(repo.owner.lower())
    contributed = "CONTRIBUTOR" if key in repo.contributors else "NONE"
    if organization and key in organization.members:
        public = organization.members[key][1]
        fellow = not viewer.installation and viewer.login.lower() in organization.members
        return "MEMBER" if public or fellow else contributed
    if repo.grants.get(key, "none") != "none":
        return "COLLABORATOR"
    return contributed
