"""The hour's budget: what would pass it stops cleanly, says how far it came, and the next run goes on."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gh_store_action import GitHubStore
from gh_store_action.errors import BudgetExhausted
from tests.double import GitHub
from tests.support.scene import OWNER, Run, Scene

pytestmark = pytest.mark.slow

SNAPSHOT = "data/store-snapshot.json"
OBJECTS = 450
AGAIN = r"try again after \d\d:\d\d:\d\d UTC\."


@pytest.fixture
def today(github: GitHub) -> GitHub:
    """A GitHub whose clock is ours: its budget is renewed in an hour from now."""
    github.clock.advance(int(time.time()) + 60 - github.clock.now)
    return github


def filled(scene: Scene, count: int = OBJECTS) -> list[int]:
    return [scene.open(f"object-{number}", {"n": number}) for number in range(count)]


def told(run: Run) -> tuple[int, int]:
    """How many issues were read, of how many."""
    match = re.search(rf"Nothing was written: ([\d,]+) of ([\d,]+) issues read; {AGAIN}", run.error)
    assert match, run.error
    return int(match[1].replace(",", "")), int(match[2].replace(",", ""))


def test_snapshot__beyond_githubs_limit_writes_nothing_and_says_how_far_it_came(
    scene: Scene, today: GitHub, folder: Path
) -> None:
    filled(scene)
    today.set_rate_limit(scene.token, "graphql", limit=7, remaining=7)  # points; a page takes two
    run = scene.run("snapshot", workspace=folder, commit=False)
    assert run.exit_code == 1
    assert told(run) == (100, OBJECTS)
    assert (
        "About 10 more GraphQL points are needed; 5 of 7 per hour are left. That exceeds an hour's limit" in run.error
    )
    assert "use a GitHub App's token" in run.error
    assert list(folder.iterdir()) == []
    assert (run.outputs["requests"], run.outputs["rate-remaining"]) == ("1", "5")
    assert "100 of 450 issues read" in run.summary
    assert "| 1 | 2 | 5 |" in run.summary
    assert scene.waits == []

    today.clock.advance(3_700)
    today.set_rate_limit(scene.token, "graphql", limit=1_000)
    run = scene.run("snapshot", workspace=folder, commit=False)
    assert (run.exit_code, run.outputs["object-count"]) == (0, str(OBJECTS))


def test_snapshot__stops_before_the_configured_limit_is_passed(scene: Scene, today: GitHub, folder: Path) -> None:
    scene.configure("store: {rate_limit: {max_requests_per_hour: 11}}")
    filled(scene)
    run = scene.run("snapshot", workspace=folder, commit=False)
    assert (run.exit_code, told(run), len(run.requests)) == (1, (100, OBJECTS), 1)
    said = "About 10 more GraphQL points are needed; 9 of 11 per hour (rate_limit.max_requests_per_hour) are left."
    assert said in run.error
    scene.configure("store: {rate_limit: {max_requests_per_hour: 9}}")
    assert (
        "That exceeds an hour's limit: raise that number."
        in scene.run("snapshot", workspace=folder, commit=False).error
    )
    scene.configure("store: {rate_limit: {max_requests_per_hour: 12}}")
    assert scene.run("snapshot", workspace=folder, commit=False).exit_code == 0


@pytest.mark.parametrize("resource", ["core", "graphql"])
def test_budget__what_other_programs_used_of_it_does_not_count(
    scene: Scene, today: GitHub, folder: Path, resource: str
) -> None:
    number = scene.make()
    scene.post(number, '{"count": 1}', by="github-actions[bot]")
    today.set_rate_limit(scene.token, resource, limit=5_000, remaining=3_991)
    scene.configure("store: {rate_limit: {max_requests_per_hour: 500}}")
    assert scene.run("process").exit_code == 0
    assert scene.run("snapshot", workspace=folder, commit=False).exit_code == 0
    assert scene.data(number) == {"count": 1}


def test_update_snapshot__beyond_the_limit_leaves_the_file_as_it_was(scene: Scene, today: GitHub, folder: Path) -> None:
    numbers = filled(scene)
    assert scene.run("snapshot", workspace=folder, commit=False).exit_code == 0
    before = (folder / SNAPSHOT).read_bytes()
    for number in numbers[:250]:
        scene.repository.edit_issue(number, OWNER, body='{"n": 0}')
    today.set_rate_limit(scene.token, "graphql", remaining=5)
    run = scene.run("update-snapshot", workspace=folder, commit=False)
    assert run.exit_code == 1
    read, total = told(run)
    assert (read, total) == (100, 251)  # with one of the two seconds before the watermark
    assert (folder / SNAPSHOT).read_bytes() == before

    today.clock.advance(3_700)
    run = scene.run("update-snapshot", workspace=folder, commit=False)
    assert (run.exit_code, run.outputs["changed"], len(run.requests)) == (0, "true", 3)


def test_snapshot__with_no_budget_at_all_says_that_too(scene: Scene, today: GitHub, folder: Path) -> None:
    today.set_rate_limit(scene.token, "graphql", remaining=0)
    run = scene.run("snapshot", workspace=folder, commit=False)
    assert (run.exit_code, told(run), run.outputs["rate-remaining"]) == (1, (0, 0), "0")


def test_sweep__beyond_the_limit_keeps_what_is_done_and_the_next_run_goes_on(scene: Scene, today: GitHub) -> None:
    numbers = [scene.make(f"o{number}") for number in range(12)]
    for number in numbers:
        scene.post(number, '{"count": 1}', by="github-actions[bot]")
    today.set_rate_limit(scene.token, "graphql", limit=16, remaining=16)  # the list takes two
    run = scene.run("process")
    assert run.exit_code == 1
    assert [scene.data(number) for number in numbers] == [{"count": 1}] * 9 + [{"count": 0}] * 3
    assert re.search(rf"o9: GitHub's rate limit is reached\. Nothing is lost. (?i:{AGAIN})", run.error)
    assert (run.outputs["processed"], run.outputs["pending"]) == ("9", "3")
    assert (run.outputs["requests"], run.outputs["rate-remaining"]) == ("13", "0")
    assert "The run ended after 9 of 12 objects. The others are still pending" in run.log
    assert "9 of 12 objects" in run.summary
    assert "Left of the hourly budget" in run.summary

    today.clock.advance(3_700)
    today.set_rate_limit(scene.token, "graphql", limit=1_000)
    run = scene.run("process")
    assert (run.exit_code, run.outputs["processed"], run.outputs["pending"]) == (0, "3", "0")
    assert [scene.data(number) for number in numbers] == [{"count": 1}] * 12
    assert len(scene.replies(numbers[0])) == 0


def test_sweep__of_little_that_is_left_folds_a_few_objects_each_hour(scene: Scene, today: GitHub) -> None:
    numbers = [scene.make(f"o{number}") for number in range(20)]
    for number in numbers:
        scene.post(number, '{"count": 1}', by="github-actions[bot]")
    folded = [0]
    for left in (5, 12, 8, 30):  # the list takes two, and a batch of twenty would read for thirteen
        today.set_rate_limit(scene.token, "graphql", limit=left, remaining=left)
        scene.run("process")
        folded.append(sum(scene.data(number) == {"count": 1} for number in numbers))
        today.clock.advance(3_700)
    assert folded == [0, 1, 7, 10, 20]


def test_sweep__of_little_that_is_left_takes_over_a_few_objects_made_by_hand_each_hour(
    scene: Scene, today: GitHub
) -> None:
    numbers = filled(scene, 100)  # to look at all of them closely costs nine points
    taken = [0]
    for _ in range(3):
        today.set_rate_limit(scene.token, "graphql", limit=8, remaining=8)
        assert scene.run("process").exit_code == 1
        taken.append(sum(" [r1 " in scene.issue(number).title for number in numbers))
        today.clock.advance(3_700)
    assert taken[0] < taken[1] < taken[2] < taken[3]
    today.set_rate_limit(scene.token, "graphql", limit=1_000)
    assert scene.run("process").exit_code == 0
    assert all(" [r1 " in scene.issue(number).title for number in numbers)


@pytest.mark.parametrize(("mode", "said"), [("update", "Nothing was posted"), ("create", "Nothing is lost")])
def test_one_object__beyond_the_limit_promises_nothing_pending(
    scene: Scene, today: GitHub, mode: str, said: str
) -> None:
    scene.configure("store: {rate_limit: {max_requests_per_hour: 1}}")
    today.set_rate_limit(scene.token, "graphql", limit=1_000, remaining=999)
    today.set_rate_limit(scene.token, "core", limit=1_000, remaining=999)
    number = scene.open("metrics", {"count": 0})
    run = scene.run(mode, object_id="metrics" if mode == "update" else "other", data="{}")
    assert run.exit_code == 1
    assert "This hour's budget of 1 request (rate_limit.max_requests_per_hour) is used up." in run.error
    assert re.search(rf"{said}[;.] (?i:{AGAIN})", run.error)
    assert "pending" not in run.error
    assert scene.issue(number).comments == ()


def test_sweep__says_before_it_goes_on_that_the_listing_does_not_fit(scene: Scene, today: GitHub) -> None:
    filled(scene, 250)
    today.set_rate_limit(scene.token, "graphql", limit=5, remaining=5)
    run = scene.run("process")
    said = r"About 4 more GraphQL points are needed; 3 of 5 per hour are left\..* The run goes as far as it can"
    assert re.search(rf"{said}\. (?i:{AGAIN[:-2]}) to continue\.", run.log)


@pytest.mark.parametrize(
    ("left", "asks", "requests", "lack"),
    [
        (5, lambda store: list(store.list_all()), 1, 4),
        (5, lambda store: list(store.list_updated_since("2020-01-01T00:00:00Z")), 1, 4),
        (5, lambda store: store.verify(), 2, 4),  # the rules come first
        (20, lambda store: store.verify(), 4, 250),
        (5, lambda store: store.migrate(), 1, 4),
    ],
)
def test_reading_all__that_does_not_fit_ends_before_it_spends(
    scene: Scene, today: GitHub, left: int, asks: Callable[[GitHubStore], object], requests: int, lack: int
) -> None:
    filled(scene, 250)
    today.set_rate_limit(scene.token, "graphql", limit=left, remaining=left)
    asked = today.count()
    with GitHubStore(scene.token, scene.full_name, api_url=today.api_url) as store, pytest.raises(BudgetExhausted) as e:
        asks(store)
    said = rf"About {lack} more GraphQL points are needed; .* That exceeds an hour's limit: .* Try again after"
    assert re.search(said + r" \d\d:\d\d:\d\d UTC", str(e.value))
    assert today.count() - asked == requests


def test_migrate__whose_budget_ends_goes_on_with_the_next_one(scene: Scene, today: GitHub) -> None:
    filled(scene, 8)
    today.set_rate_limit(scene.token, "graphql", limit=7, remaining=7)
    with GitHubStore(scene.token, scene.full_name, api_url=today.api_url) as store:
        first = store.migrate(dry_run=False)
        today.clock.advance(3_700)
        today.set_rate_limit(scene.token, "graphql", limit=1_000)
        second = store.migrate(dry_run=False)
    done = sum(one.done for one in first)
    assert 0 < done == len(first) - 1 and "rate limit" in first[-1].problem
    assert [one.done for one in second] == [True] * (8 - done)


def test_one_object__never_waits_for_the_configured_budget(scene: Scene, today: GitHub) -> None:
    scene.configure("store: {rate_limit: {max_requests_per_hour: 1}}")
    number = scene.make()
    scene.post(number, '{"count": 1}', by="github-actions[bot]")
    assert scene.run("process", issue_number=number).exit_code == 0
    assert scene.data(number) == {"count": 1}


# Progress


def test_log__has_a_line_for_each_tenth_of_a_snapshot(scene: Scene, folder: Path) -> None:
    filled(scene, 1_150)
    run = scene.run("snapshot", workspace=folder, commit=False)
    lines = [line for line in run.log.splitlines() if line.endswith(" issues read")]
    assert lines[0] == "200 of 1150 issues read"  # one page is less than a tenth
    assert lines[-1] == "1150 of 1150 issues read"
    assert len(lines) == 10


def test_log__of_a_full_reading_behind_another_begins_anew(scene: Scene, folder: Path) -> None:
    numbers = filled(scene, 250)
    assert scene.run("snapshot", workspace=folder, commit=False).exit_code == 0
    scene.github.clock.advance(600)
    scene.repository.delete_issue(numbers[0], OWNER)
    scene.repository.edit_issue(numbers[1], OWNER, body="{}")
    run = scene.run("update-snapshot", workspace=folder, commit=False)
    lines = [line for line in run.log.splitlines() if line.endswith(" issues read")]
    assert lines[-3:] == ["100 of 249 issues read", "200 of 249 issues read", "249 of 249 issues read"]
