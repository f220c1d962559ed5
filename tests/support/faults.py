"""What can go wrong with a request, by name, and a run that meets it at each of its requests in turn."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from gh_store_action.errors import StoreError
from tests.support.store import World

Add = Callable[[World, str, int], object]


def _nth(kind: str, **options: object) -> Add:
    def add(w: World, token: str, k: int) -> object:
        return getattr(w.hub.faults, kind)(token=token, nth=k, **options)

    return add


FAULTS: dict[str, Add] = {
    "500 before": lambda w, t, k: w.hub.faults.status(500, token=t, nth=k),
    "502 before": lambda w, t, k: w.hub.faults.status(502, token=t, nth=k),
    "502 after the effect": lambda w, t, k: w.hub.faults.status(502, token=t, nth=k, phase="after"),
    "504 after the effect": lambda w, t, k: w.hub.faults.status(504, token=t, nth=k, phase="after"),
    "dropped before": _nth("drop"),
    "dropped after the effect": _nth("drop", phase="after"),
    "truncated": _nth("truncate"),
    "no JSON": _nth("not_json"),
    "403 secondary, no hint": _nth("secondary_limit"),
    "403 secondary, retry after 5": _nth("secondary_limit", retry_after=5),
    "429": _nth("secondary_limit", status=429),
}
ONE_OF_EACH_KIND = ("502 before", "dropped after the effect", "truncated", "403 secondary, retry after 5")
"""No effect, an effect without an answer, half an answer, a limit."""

EVERY_FAULT = [pytest.param(name, marks=[] if name in ONE_OF_EACH_KIND else [pytest.mark.prove]) for name in FAULTS]
"""For a test: one of each kind with every suite, the others in a proof."""


def faulted(w: World, name: str, run: Callable[[str], object]) -> Iterator[tuple[int, bool]]:
    """A fault at each request in turn: at which, and whether the run got over it by itself.

    Each time the state is the one that the run left; at the end, the one before.
    """
    saved = w.hub.save()
    for k in itertools.count(1):
        w.hub.restore(saved)
        w.waits.clear()
        token = w.token()
        fault = FAULTS[name](w, token, k)
        over = True
        try:
            run(token)
        except StoreError:
            over = False
        w.hub.faults.clear()
        if not fault.hits:  # type: ignore[attr-defined]
            w.hub.restore(saved)
            return
        yield k, over
