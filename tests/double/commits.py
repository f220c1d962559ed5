"""Commits and refs made through an API instead of a push."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .access import Principal
from .clock import iso
from .errors import Refusal
from .git_store import GitFailed, Identity
from .model import Account, RepositoryRecord

if TYPE_CHECKING:
    from .hub import Hub

GITHUB = Identity("GitHub", "noreply@github.com")
ZERO = "0" * 40


def moment(seconds: int) -> str:
    return iso(seconds)


def identity(account: Account) -> Identity:
    """The noreply identity of an account."""
    return Identity(account.name or account.login, f"{account.id}+{account.login}@users.noreply.github.com")


def write(
    hub: Hub,
    repo: RepositoryRecord,
    who: Principal,
    ref: str,
    message: str,
    additions: Mapping[str, bytes],
    deletions: Sequence[str],
    committer: Identity | None = GITHUB,
) -> str:
    """Append a commit to a branch; author is the credential's owner (schema: CreateCommitOnBranchInput).

    Returns:
        The new commit's hash. A push event is recorded.
    """
    if committer is GITHUB and hub.git.is_protected(repo.git_dir, ref):
        raise Refusal(409, f"Repository rule violations found\n\nChanges must be made through a pull request: {ref}")
    account = hub.world.account(who.login)
    author = identity(account) if account else Identity(who.login, f"{who.login}@users.noreply.github.com")
    before = hub.git.head(repo.git_dir, ref)
    at = hub.world.clock.write()
    oid = hub.git.write(
        repo.git_dir,
        ref,
        author=author,
        committer=committer or author,
        at=at,
        message=message,
        additions=additions,
        deletions=deletions,
    )
    pushed(hub, repo, who, ref, before, oid)
    return oid


def pushed(hub: Hub, repo: RepositoryRecord, who: Principal, ref: str, before: str | None, after: str | None) -> None:
    """What a change of a ref brings with it: the time of the last push, a contributor, a push event."""
    repo.pushed = hub.world.clock.now
    if after and ref == f"refs/heads/{repo.default_branch}":
        repo.contributors.add(who.login.lower())
    extra = {"ref": ref, "before": before or ZERO, "after": after or ZERO, "created": not before, "deleted": not after}
    hub.tell("push", None, who, repo, extra=extra)


def create_ref(hub: Hub, repo: RepositoryRecord, name: str, oid: str) -> None:
    """A new ref; it must be fully qualified, new, and point to something (OpenAPI git/create-ref)."""
    if not re.fullmatch(r"refs/[^/]+/.+", name):
        raise Refusal(422, "Reference name must start with 'refs/' and contain at least two slashes.")
    if hub.git.head(repo.git_dir, name) is not None:
        raise Refusal(
            422, "Reference already exists", graphql=f'A ref named "{name}" already exists in the repository.'
        )
    if not hub.git.exists(repo.git_dir, oid):
        raise Refusal(422, "Object does not exist")
    set_ref(hub, repo, name, oid)


def set_ref(hub: Hub, repo: RepositoryRecord, name: str, oid: str | None) -> None:
    hub.world.clock.write()
    try:
        arguments = ("update-ref", name, oid) if oid else ("update-ref", "-d", name)
        hub.git.run(repo.git_dir, *arguments)
    except GitFailed as problem:
        raise Refusal(422, str(problem)) from None
