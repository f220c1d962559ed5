"""Where a snapshot goes, and how, as a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """Where a snapshot goes, and how.

    Args:
        path: inside the workspace; the folder for the format `directory`.
        commit: whether it is committed, and pushed by git.
        message: empty for one that says what is in it.
        via_api: let GitHub make and sign the commit; its author is the token's owner.
        repository: for `via_api`, the one to commit to if there is no checkout; empty for the store's.
        keep: how many commits the branch keeps; 0 for all.
        history: whether each object's history is written, too.
    """

    path: str
    format: str = "json"
    history: bool = False
    commit: bool = True
    message: str = ""
    author: str = ""
    branch: str = ""
    fallback_branch: str = ""
    via_api: bool = False
    repository: str = ""
    keep: int = 0
