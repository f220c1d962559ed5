"""The library on a world: each store a fresh process's, and what a call costs."""

from __future__ import annotations

from gh_store_action import GitHubStore
from tests.support.store import World


def store_of(w: World, token: str = "", **options: object) -> GitHubStore:
    """A fresh process's store."""
    return GitHubStore(
        token or w.token(),
        w.repo.full_name,
        api_url=w.hub.api_url,
        pause=w.pause,
        **options,  # type: ignore[arg-type]
    )


def cost(w: World, work: object) -> int:
    """Requests that a fresh process needs for it."""
    token = w.token()
    before = w.requests()
    with store_of(w, token) as fresh:
        work(fresh)  # type: ignore[operator]
    return w.requests() - before
