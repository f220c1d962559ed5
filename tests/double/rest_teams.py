"""REST endpoints of organisations and their teams."""

from __future__ import annotations

from typing import Any

from .clock import iso
from .errors import Refusal, integration_forbidden, not_found
from .identifiers import node_id
from .model import Account, Organization
from .rest import Answer, Call, by_page, route

TEAM = "/orgs/{org}/teams/{team}"
TEAM_BY_ID = "/organizations/{org_id}/team/{team_id}"


def _organization(call: Call, org: str) -> tuple[Account, Organization]:
    account = call.hub.world.account(org)
    organization = call.hub.world.organizations.get(org.lower())
    if account is None or organization is None:
        raise not_found()
    return account, organization


def _team_id(account: Account, organization: Organization, slug: str) -> int:
    return account.id * 100 + list(organization.teams).index(slug)


def _team(call: Call, org: str, slug: str) -> tuple[Account, Organization, dict[str, str]]:
    """A team for a fellow member, or an App that may read members; a workflow token never may (docs: Permissions
    required for GitHub Apps)."""
    app = call.who.permissions.get("members", "none") != "none"
    if call.who.installation and not app:
        raise integration_forbidden("members=read")
    account, organization = _organization(call, org)
    if not (app or call.who.login.lower() in organization.members) or slug not in organization.teams:
        raise not_found()
    return account, organization, organization.teams[slug]


def _by_id(call: Call, org_id: str, team_id: str) -> tuple[str, str]:
    for account in call.hub.world.accounts.values():
        organization = call.hub.world.organizations.get(account.login.lower())
        if organization is not None and str(account.id) == org_id:
            for slug in organization.teams:
                if str(_team_id(account, organization, slug)) == team_id:
                    return account.login, slug
    raise not_found()


def _organization_shape(call: Call, account: Account) -> dict[str, Any]:
    """Schema organization-full."""
    url, page = f"{call.api}/orgs/{account.login}", f"{call.hub.base}/{account.login}"
    links = {f"{name}_url": f"{url}/{name}" for name in ("repos", "events", "hooks", "issues")}
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node_id("Organization", 0, account.id),
        "url": url,
        **links,
        "members_url": f"{url}/members{{/member}}",
        "public_members_url": f"{url}/public_members{{/member}}",
        "avatar_url": f"{call.hub.base}/avatars/u/{account.id}?v=4",
        "description": None,
        "has_organization_projects": True,
        "has_repository_projects": True,
        "public_repos": 0,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "html_url": page,
        "created_at": iso(account.created),
        "updated_at": iso(account.created),
        "archived_at": None,
        "type": "Organization",
    }


@route("GET", "/orgs/{org}")
def get_organization(call: Call, org: str) -> Answer:
    return Answer(200, _organization_shape(call, _organization(call, org)[0]))


@route("GET", TEAM)
def get_team(call: Call, org: str, team: str) -> Answer:
    """Schema team-full; its ``url`` names organisation and team by id."""
    account, organization, members = _team(call, org, team)
    number = _team_id(account, organization, team)
    url = f"{call.api}/organizations/{account.id}/team/{number}"
    shape = {
        "name": team,
        "id": number,
        "node_id": f"T_kwDO{number}",
        "slug": team,
        "description": None,
        "privacy": "closed",
        "notification_setting": "notifications_enabled",
        "url": url,
        "html_url": f"{call.hub.base}/orgs/{account.login}/teams/{team}",
        "members_url": f"{url}/members{{/member}}",
        "repositories_url": f"{url}/repos",
        "type": "organization",
        "permission": "pull",
        "parent": None,
        "created_at": iso(account.created),
        "updated_at": iso(account.created),
        "members_count": len(members),
        "repos_count": 0,
        "organization": _organization_shape(call, account),
    }
    return Answer(200, shape)


@route("GET", TEAM + "/members")
def list_members(call: Call, org: str, team: str) -> Answer:
    shapes = call.shapes
    page, headers = by_page(call, [shapes.user(login) for login in _team(call, org, team)[2]])
    return Answer(200, list(page), headers)


@route("GET", TEAM_BY_ID + "/members")
def list_members_by_id(call: Call, org_id: str, team_id: str) -> Answer:
    return list_members(call, *_by_id(call, org_id, team_id))


@route("GET", TEAM + "/memberships/{username}")
def get_membership(call: Call, org: str, team: str, username: str) -> Answer:
    account, organization, members = _team(call, org, team)
    roles = {login.lower(): role for login, role in members.items()}
    if username.lower() not in roles:
        raise Refusal(404, "Not Found", type="NOT_FOUND")
    number = _team_id(account, organization, team)
    url = f"{call.api}/organizations/{account.id}/team/{number}/memberships/{username}"
    return Answer(200, {"url": url, "role": roles[username.lower()], "state": "active"})


@route("GET", TEAM_BY_ID + "/memberships/{username}")
def get_membership_by_id(call: Call, org_id: str, team_id: str, username: str) -> Answer:
    return get_membership(call, *_by_id(call, org_id, team_id), username=username)
