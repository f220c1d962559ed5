"""REST objects, complete as GitHub's OpenAPI description asks for them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from .access import Principal, association, level
from .clock import iso
from .identifiers import node_id
from .model import (
    BOT,
    GHOST,
    REACTIONS,
    ROLES,
    Account,
    Comment,
    Happening,
    Issue,
    Label,
    Reaction,
    RepositoryRecord,
    World,
    is_app,
)

ACTIONS_APP = 15_368
USER_LINKS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
REPOSITORY_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}


@lru_cache(maxsize=10_000)
def _user(api: str, html: str, login: str, number: int, kind: str) -> dict[str, Any]:
    slug = login.replace("[", "%5B").replace("]", "%5D")
    url = f"{api}/users/{slug}"
    page = f"{html}/apps/{login.removesuffix('[bot]')}" if kind == "Bot" else f"{html}/{login}"
    return {
        "login": login,
        "id": number,
        "node_id": node_id(kind, 0, number),
        "avatar_url": f"{html}/avatars/u/{number}?v=4",
        "gravatar_id": "",
        "url": url,
        "html_url": page,
        **{key: url + tail for key, tail in USER_LINKS.items()},
        "type": kind,
        "user_view_type": "public",
        "site_admin": False,
    }


class Shapes:
    """Builds REST objects with URLs of one API style.

    Args:
        world: the state to read.
        api: base of API URLs, ``…`` or ``…/api/v3``.
        html: base of web URLs.
    """

    def __init__(self, world: World, api: str, html: str) -> None:
        self.world = world
        self.api = api
        self.html = html

    def user(self, login: str) -> dict[str, Any]:
        """Schema simple-user. Treat as read-only: it is shared."""
        account = self.world.account(login)
        if account is None:
            account = Account(10_137, GHOST, "User", 0)
        return _user(self.api, self.html, account.login, account.id, account.kind)

    def full_user(self, account: Account, private: bool) -> dict[str, Any]:
        """Schema public-user, or private-user for oneself."""
        answer: dict[str, Any] = {
            **self.user(account.login),
            "name": account.name,
            "company": None,
            "blog": "",
            "location": None,
            "email": None,
            "hireable": None,
            "bio": None,
            "twitter_username": None,
            "public_repos": 0,
            "public_gists": 0,
            "followers": 0,
            "following": 0,
            "created_at": iso(account.created),
            "updated_at": iso(account.created),
        }
        if private:
            zeros = ("private_gists", "total_private_repos", "owned_private_repos", "disk_usage", "collaborators")
            answer.update(dict.fromkeys(zeros, 0))
            answer["two_factor_authentication"] = True
        return answer

    def app(self, login: str) -> dict[str, Any] | None:
        """Schema integration for what an App's bot did, the workflow's one included, else None."""
        account = self.world.account(login)
        if account is None or not is_app(login):
            return None
        if login != BOT:
            return {
                "id": account.id,
                "client_id": f"Iv1.{account.id:016x}",
                "slug": account.slug,
                "node_id": node_id("Bot", 0, account.id),
                "owner": _user(self.api, self.html, "github", 9_919, "Organization"),
                "name": account.slug,
                "description": None,
                "external_url": f"{self.html}/apps/{account.slug}",
                "html_url": f"{self.html}/apps/{account.slug}",
                "created_at": iso(account.created),
                "updated_at": iso(account.created),
                "permissions": {"issues": "write", "metadata": "read"},
                "events": [],
            }
        return {
            "id": ACTIONS_APP,
            "client_id": "Iv1.05c79e9ad1f6bdfa",
            "slug": "github-actions",
            "node_id": "MDM6QXBwMTUzNjg=",
            "owner": _user(self.api, self.html, "github", 9_919, "Organization"),
            "name": "GitHub Actions",
            "description": "Automate your workflow from idea to production",
            "external_url": "https://help.github.com/en/actions",
            "html_url": f"{self.html}/apps/github-actions",
            "created_at": "2018-07-30T09:30:17Z",
            "updated_at": "2024-04-10T20:33:16Z",
            "permissions": {"contents": "write", "issues": "write", "metadata": "read"},
            "events": ["repository_dispatch", "workflow_dispatch"],
        }

    def repository_url(self, repo: RepositoryRecord) -> str:
        return f"{self.api}/repos/{repo.full_name}"

    def rollup(self, url: str, reactions: list[Reaction]) -> dict[str, Any]:
        """Schema reaction-rollup: counts without identities."""
        counts: dict[str, Any] = {"url": f"{url}/reactions", "total_count": len(reactions)}
        counts.update(dict.fromkeys(REACTIONS, 0))
        for reaction in reactions:
            counts[reaction.content] += 1
        return counts

    def label(self, repo: RepositoryRecord, label: Label) -> dict[str, Any]:
        return {
            "id": label.id,
            "node_id": node_id("Label", repo.id, label.id),
            "url": f"{self.repository_url(repo)}/labels/{label.name.replace(' ', '%20')}",
            "name": label.name,
            "color": label.color,
            "default": False,
            "description": label.description,
            "archived_at": None,
            "archived_by": None,
        }

    def issue(self, repo: RepositoryRecord, issue: Issue, viewer: Principal) -> dict[str, Any]:
        """Schema issue; a pull request is one too (OpenAPI issues/list-for-repo)."""
        base = self.repository_url(repo)
        url = f"{base}/issues/{issue.number}"
        kind = "pull" if issue.pull else "issues"
        page = f"{self.html}/{repo.full_name}/{kind}/{issue.number}"
        answer: dict[str, Any] = {
            "url": url,
            "repository_url": base,
            "labels_url": f"{url}/labels{{/name}}",
            "comments_url": f"{url}/comments",
            "events_url": f"{url}/events",
            "html_url": page,
            "id": issue.id,
            "node_id": node_id("PullRequest" if issue.pull else "Issue", repo.id, issue.number),
            "number": issue.number,
            "title": issue.title,
            "user": self.user(issue.author),
            "labels": [self.label(repo, label) for label in repo.labels_of(issue)],
            "state": issue.state,
            "locked": issue.locked,
            "assignees": [],
            "milestone": None,
            "comments": len(repo.comments_of(issue)),
            "created_at": iso(issue.created),
            "updated_at": iso(issue.updated),
            "closed_at": None if issue.closed is None else iso(issue.closed),
            "assignee": None,
            "author_association": association(self.world, repo, issue.author, viewer),
            "type": None,
            "active_lock_reason": issue.lock_reason,
            "sub_issues_summary": {"total": 0, "completed": 0, "percent_completed": 0},
            "issue_dependencies_summary": {
                "blocked_by": 0,
                "total_blocked_by": 0,
                "blocking": 0,
                "total_blocking": 0,
            },
            "body": issue.body or None,
            "closed_by": None if issue.closed_by is None else self.user(issue.closed_by),
            "reactions": self.rollup(url, issue.reactions),
            "timeline_url": f"{url}/timeline",
            "performed_via_github_app": self.app(issue.author),
            "state_reason": issue.reason,
        }
        if issue.pull:
            pull = f"{base}/pulls/{issue.number}"
            answer["draft"] = False
            answer["pull_request"] = {
                "url": pull,
                "html_url": page,
                "diff_url": f"{page}.diff",
                "patch_url": f"{page}.patch",
                "merged_at": None,
            }
        return answer

    def comment(self, repo: RepositoryRecord, comment: Comment, viewer: Principal) -> dict[str, Any]:
        """Schema issue-comment."""
        base = self.repository_url(repo)
        url = f"{base}/issues/comments/{comment.id}"
        kind = "pull" if repo.issues[comment.number].pull else "issues"
        return {
            "url": url,
            "html_url": f"{self.html}/{repo.full_name}/{kind}/{comment.number}#issuecomment-{comment.id}",
            "issue_url": f"{base}/issues/{comment.number}",
            "id": comment.id,
            "node_id": node_id("IssueComment", repo.id, comment.id),
            "user": self.user(comment.author),
            "created_at": iso(comment.created),
            "updated_at": iso(comment.updated),
            "body": comment.body,
            "author_association": association(self.world, repo, comment.author, viewer),
            "reactions": self.rollup(url, comment.reactions),
            "performed_via_github_app": self.app(comment.author),
        }

    def reaction(self, repo: RepositoryRecord, reaction: Reaction) -> dict[str, Any]:
        return {
            "id": reaction.id,
            "node_id": node_id("Reaction", repo.id, reaction.id),
            "user": self.user(reaction.login),
            "content": reaction.content,
            "created_at": iso(reaction.created),
        }

    def happening(self, repo: RepositoryRecord, event: Happening) -> dict[str, Any]:
        """An entry of ``…/events`` and ``…/timeline``."""
        answer: dict[str, Any] = {
            "id": event.id,
            "node_id": node_id("Happening", repo.id, event.id),
            "url": f"{self.repository_url(repo)}/issues/events/{event.id}",
            "actor": self.user(event.actor),
            "event": event.kind,
            "commit_id": None,
            "commit_url": None,
            "created_at": iso(event.at),
            "performed_via_github_app": self.app(event.actor),
        }
        if event.kind in ("labeled", "unlabeled"):
            answer["label"] = {"name": event.details["name"], "color": event.details["color"]}
        elif event.kind == "renamed":
            answer["rename"] = {"from": event.details["from"], "to": event.details["to"]}
        elif event.kind in ("closed", "reopened"):
            answer["state_reason"] = event.details["reason"] if event.kind == "closed" else None
        elif event.kind == "locked":
            answer["lock_reason"] = event.details["reason"]
        return answer

    def repository(self, repo: RepositoryRecord, viewer: Principal) -> dict[str, Any]:
        """Schema full-repository."""
        base = self.repository_url(repo)
        page = f"{self.html}/{repo.full_name}"
        rank = level(self.world, repo, viewer)
        if viewer.installation:
            rank = 3 if viewer.permissions.get("contents") == "write" else 1
        host = self.html.partition("://")[2]
        owner = self.user(repo.owner)
        open_issues = repo.open_count()
        answer: dict[str, Any] = {
            "id": repo.id,
            "node_id": node_id("Repository", 0, repo.id),
            "name": repo.name,
            "full_name": repo.full_name,
            "private": repo.private,
            "owner": owner,
            "html_url": page,
            "description": None,
            "fork": False,
            "url": base,
            **{key: base + tail for key, tail in REPOSITORY_LINKS.items()},
            "created_at": iso(repo.created),
            "updated_at": iso(repo.updated),
            "pushed_at": iso(repo.pushed),
            "git_url": f"git://{host}/{repo.full_name}.git",
            "ssh_url": f"git@{host}:{repo.full_name}.git",
            "clone_url": f"{page}.git",
            "svn_url": page,
            "homepage": None,
            "size": 0,
            "stargazers_count": 0,
            "watchers_count": 0,
            "language": None,
            "has_issues": repo.issues_enabled,
            "has_projects": True,
            "has_downloads": True,
            "has_wiki": True,
            "has_pages": False,
            "has_discussions": False,
            "forks_count": 0,
            "mirror_url": None,
            "archived": repo.archived,
            "disabled": False,
            "open_issues_count": open_issues,
            "license": None,
            "allow_forking": True,
            "is_template": False,
            "web_commit_signoff_required": False,
            "topics": [],
            "visibility": "private" if repo.private else "public",
            "forks": 0,
            "open_issues": open_issues,
            "watchers": 0,
            "default_branch": repo.default_branch,
            "permissions": {
                "admin": rank >= 5,
                "maintain": rank >= 4,
                "push": rank >= 3,
                "triage": rank >= 2,
                "pull": rank >= 1,
            },
            "network_count": 0,
            "subscribers_count": 0,
        }
        if owner["type"] == "Organization":
            answer["organization"] = owner
        return answer

    def permission(self, login: str, role: str, name: str) -> dict[str, Any]:
        """Schema repository-collaborator-permission: the legacy level, and the role by its own name."""
        legacy = {"triage": "read", "maintain": "write"}.get(role, role)
        rank = ROLES.index(role)
        user = {
            **self.user(login),
            "permissions": {
                "admin": rank >= 5,
                "maintain": rank >= 4,
                "push": rank >= 3,
                "triage": rank >= 2,
                "pull": rank >= 1,
            },
            "role_name": name,
        }
        return {"permission": legacy, "user": user, "role_name": name}
