"""A branch that keeps its newest commits, through the API; `workspace.keeping` does the same with git."""

from __future__ import annotations

from gh_store_action.errors import StoreError
from gh_store_action.gateway.commits import CommitGateway
from gh_store_action.gateway.refusals import UnknownEffect
from gh_store_action.workspace.commits import pause

TRIES = 8


def keep_newest(github: CommitGateway, branch: str, most: int, ours: str) -> str:
    """Squashes the commits before the newest ones of the branch; returns the new name of our commit.

    The newest ones are made again, the oldest of them without a parent, and replace exactly the tip that was read.  If
    others have pushed meanwhile, nothing moves, and this tries again on their tip.  If that happens each time, the next
    snapshot squashes the rest.

    Raises:
        StoreError: a rule of the repository forbids this move of the branch.
    """
    made: dict[str, str] = {}
    before = ""
    refused: StoreError | None = None
    for tries in range(1, TRIES + 1):
        repository_id, commits = github.newest_commits(branch)
        names = [commit.oid for commit in commits]
        ours = made[ours] if made.get(ours) in names else ours  # the answer that was lost
        if len(names) <= most:
            return ours
        if refused is not None and names[0] == before:
            raise refused
        made, before, parent = {}, names[0], ""
        try:
            for commit in reversed(commits[:most]):
                parent = made[commit.oid] = github.make(commit, parent, sign=commit.oid == ours)
            refused = github.replace_tip(repository_id, branch, before, parent)
            if refused is None:
                return made.get(ours, ours)
        except UnknownEffect:
            refused = None
        github.transport.wait(pause(tries), "others committed first")
    github.transport.tell(f"Others kept committing to {branch}. The next snapshot will squash its older commits.")
    return ours
