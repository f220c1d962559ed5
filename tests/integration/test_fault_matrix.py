"""Whatever GitHub answers to any request: the same state as without the fault, at once or after one more run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from gh_store_action.errors import BudgetExhausted, GitHubError, StoreError
from gh_store_action.gateway.transport import UnknownEffect
from tests.integration.test_crash_matrix import (
    Scenario,
    crashed_create,
    first_adoption,
    hand_edit,
    late_arrival_that_would_undo,
    mixed_verdicts,
    one_overtaken_by_talk,
    one_pending,
    refused_hand_edit,
    sixty_pending,
)
from tests.support.store import Seen, World, undisturbed, world

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
QUICK: list[Scenario] = [one_pending, mixed_verdicts, hand_edit]
PROOFS = [
    pytest.param(scenario, marks=pytest.mark.prove)
    for scenario in (
        sixty_pending,
        one_overtaken_by_talk,
        first_adoption,
        refused_hand_edit,
        late_arrival_that_would_undo,
        crashed_create,
    )
]


def faulted(w: World, number: int, add: Add) -> Iterator[tuple[int, bool, Seen]]:
    """A fault at each request in turn: which, whether the run got over it by itself, and what is seen after a sweep."""
    saved = w.hub.save()
    k = 0
    while True:
        k += 1
        w.hub.restore(saved)
        w.waits.clear()
        token = w.token()
        fault = add(w, token, k)
        over = True
        try:
            w.process(number, token)
        except StoreError:
            over = False
        w.hub.faults.clear()
        if not fault.hits:  # type: ignore[attr-defined]
            w.hub.restore(saved)
            return
        w.sweep()
        yield k, over, w.seen(number)


@pytest.mark.parametrize("scenario", QUICK + PROOFS, ids=lambda s: s.__name__)
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_at_any_request__the_run_gets_over_it_and_the_state_is_right(scenario: Scenario, name: str) -> None:
    with world() as w:
        number = scenario(w)
        wanted = undisturbed(w, number, lambda token: w.process(number, token), w.sweep)
        found = list(faulted(w, number, FAULTS[name]))
        assert len(found) >= 2
        assert [(k, seen) for k, _, seen in found if seen != wanted] == []
        assert [k for k, over, _ in found if not over] == []


ERRORS = {
    "resource limits": {"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits for this query exceeded."},
    "time-out": {"message": "Something went wrong while executing your query. This may be the result of a timeout."},
}


def _aliases(w: World, number: int) -> list[str]:
    """The aliases of the write that an undisturbed run sends first."""
    saved = w.hub.save()
    before = w.requests()
    w.process(number)
    sent = list(w.hub.requests)[before:]
    w.hub.restore(saved)
    write = next(r for r in sent if r.writes)
    return re.findall(r"^  (\w+): \w+\(input", write.json["query"], re.MULTILINE)


@pytest.mark.parametrize("scenario", [one_pending, mixed_verdicts, hand_edit, first_adoption], ids=lambda s: s.__name__)
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_one_alias_of_a_write_fails__the_rest_counts_and_it_is_done_again(
    scenario: Scenario, error: str, after: bool
) -> None:
    with world() as w:
        number = scenario(w)
        wanted = undisturbed(w, number, lambda token: w.process(number, token), w.sweep)
        saved = w.hub.save()
        aliases = _aliases(w, number)
        assert {"fold", "check"} <= set(aliases)
        for alias in aliases:
            w.hub.restore(saved)
            token = w.token()
            fault = w.hub.faults.partial(
                {alias: ERRORS[error]}, after=after, token=token, match=lambda request: request.writes
            )
            with suppress(StoreError):
                w.process(number, token)
            w.hub.faults.clear()
            assert fault.hits == 1
            w.sweep()
            assert (alias, w.seen(number)) == (alias, wanted)


def test_everything_behind_one_alias_fails__what_was_done_counts() -> None:
    with world() as w:
        number = sixty_pending(w)
        wanted = undisturbed(w, number, lambda token: w.process(number, token), w.sweep)
        token = w.token()
        rest = {f"r{place}": ERRORS["resource limits"] for place in range(20, 50)}
        w.hub.faults.partial({**rest, "check": ERRORS["resource limits"]}, token=token, match=lambda r: r.writes)
        w.process(number, token)
        assert w.seen(number) == wanted


def test_permission_missing_for_writing__says_what_to_add_and_loses_nothing() -> None:
    with world() as w:
        number = one_pending(w)
        with pytest.raises(StoreError, match="issues: write"):
            w.process(number, w.token(issues="read", contents="read"))
        assert w.data(number) == {"count": 0}
        w.sweep()
        assert w.data(number) == {"count": 1}


def test_a_locked_issue_that_cannot_be_unlocked__says_to_unlock_it() -> None:
    with world() as w:
        number = one_pending(w)
        w.repo.lock(number, "alice")
        w.hub.faults.refuse("unlockLockable", {"type": "FORBIDDEN", "message": "You may not unlock"}, times=None)
        with pytest.raises(StoreError, match="locked"):
            w.process(number)
        w.hub.faults.clear()
        w.sweep()
        assert w.data(number) == {"count": 1}


def test_a_silently_kept_body__is_an_error_and_no_hand_edit() -> None:
    """GitHub may answer 200 to a body that it does not take (github-facts, section 1)."""
    with world() as w:
        number = one_pending(w)
        w.hub.options.silent_oversize = True
        w.hub.options.body_limit = 5
        with pytest.raises(GitHubError, match="but not the body that was sent"):
            w.process(number)
        w.hub.options.silent_oversize = False
        w.hub.options.body_limit = 65_536
        w.sweep()
        assert w.data(number) == {"count": 1}
        assert w.seen(number).receipts == (("+1",),)


def test_github_is_down__the_run_ends_with_a_failure_and_nothing_is_lost() -> None:
    with world() as w:
        number = one_pending(w)
        w.hub.faults.status(503, times=None)
        with pytest.raises(GitHubError, match="503, 3 times in a row"):
            w.process(number)
        assert sum(w.waits) <= 120
        w.hub.faults.clear()
        w.sweep()
        assert w.data(number) == {"count": 1}


def test_every_write_is_dropped_after_its_effect__ends_bounded_with_the_state_right() -> None:
    with world() as w:
        number = mixed_verdicts(w)
        wanted = undisturbed(w, number, lambda token: w.process(number, token), w.sweep)
        w.hub.faults.drop(times=None, phase="after", match=lambda request: request.writes)
        with suppress(UnknownEffect, StoreError):
            w.process(number)
        w.hub.faults.clear()
        w.sweep()
        assert w.seen(number) == wanted


def test_a_rate_limit_longer_than_the_patience__stops_cleanly_and_says_when_to_come_back() -> None:
    with world() as w:
        number = one_pending(w)
        w.hub.faults.secondary_limit(retry_after=3000, times=None)
        with pytest.raises(BudgetExhausted, match="(?i)try again after"):
            w.process(number)
        assert w.waits == []
