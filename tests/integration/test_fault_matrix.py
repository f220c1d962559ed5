"""Whatever GitHub answers to any request: the same state as without the fault, at once or after one more run."""

from __future__ import annotations

import re
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
from tests.support.covering import covering
from tests.support.faults import FAULTS, faulted
from tests.support.store import World, undisturbed, world

QUICK: list[Scenario] = [one_pending, mixed_verdicts, hand_edit]
LONG: list[Scenario] = [
    sixty_pending,
    one_overtaken_by_talk,
    first_adoption,
    refused_hand_edit,
    late_arrival_that_would_undo,
    crashed_create,
]


def got_over(scenario: Scenario, name: str) -> None:
    with world() as w:
        number = scenario(w)
        wanted = undisturbed(w, number, lambda token: w.process(number, token), w.sweep)
        found = []
        for k, over in faulted(w, name, lambda token: w.process(number, token)):
            w.sweep()
            found.append((k, over, w.seen(number)))
        assert len(found) >= 2
        assert [(k, seen) for k, _, seen in found if seen != wanted] == []
        assert [k for k, over, _ in found if not over] == []


@covering(1, scenario=QUICK, name=list(FAULTS))
def test_a_fault_at_any_request__the_run_gets_over_it_and_the_state_is_right(scenario: Scenario, name: str) -> None:
    got_over(scenario, name)


@pytest.mark.prove
@pytest.mark.parametrize("scenario", LONG, ids=lambda s: s.__name__)
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_at_any_request_of_a_long_run__the_run_gets_over_it(scenario: Scenario, name: str) -> None:
    got_over(scenario, name)


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


@covering(2, scenario=[one_pending, mixed_verdicts, hand_edit, first_adoption], error=list(ERRORS), after=[False, True])
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
