"""Events, time, save and restore, and an outside look at the GraphQL schema."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.double import BOT, GitHub, Repository

ROOT = Path(__file__).parents[3]


@pytest.fixture
def repo(hub: GitHub) -> Repository:
    return hub.add_repository("ann/store", files={"a": "1"})


def told(hub: GitHub) -> list[tuple[str, str | None, bool]]:
    return [(event.name, event.action, event.starts_run) for event in hub.events]


def test_events__what_a_workflow_token_does_starts_no_run_but_dispatches_do(hub: GitHub, repo: Repository) -> None:
    hub.events.clear()
    token = repo.workflow_token(issues="write", contents="write", actions="write")
    base, headers = f"{hub.api_url}/repos/ann/store", {"Authorization": f"token {token}"}
    requests.post(f"{base}/issues", json={"title": "T", "labels": ["x"]}, headers=headers, timeout=5)
    requests.patch(f"{base}/issues/1", json={"state": "closed"}, headers=headers, timeout=5)
    requests.post(f"{base}/issues/1/comments", json={"body": "c"}, headers=headers, timeout=5)
    dispatch = {"event_type": "go", "client_payload": {"n": 1}}
    assert requests.post(f"{base}/dispatches", json=dispatch, headers=headers, timeout=5).status_code == 204
    workflow = f"{base}/actions/workflows/x.yml/dispatches"
    assert requests.post(workflow, json={"ref": "main"}, headers=headers, timeout=5).status_code == 204
    assert told(hub) == [
        ("label", "created", False),
        ("issues", "opened", False),
        ("issues", "labeled", False),
        ("issues", "closed", False),
        ("issue_comment", "created", False),
        ("repository_dispatch", "go", True),
        ("workflow_dispatch", None, True),
    ]
    assert hub.events[5].payload["client_payload"] == {"n": 1}


def test_events__a_persons_acts_start_runs_with_payloads_like_webhooks(hub: GitHub, repo: Repository) -> None:
    number = repo.open_issue("bob", "T", "one")
    repo.edit_issue(number, "bob", body="two", state="closed")
    comment = repo.comment(number, "bob", "c")
    repo.react(comment, "bob", "+1")
    repo.edit_issue(number, "bob", body="two", state="closed")
    hub.events.reset(tuple(event for event in hub.events if event.name.startswith("issue")))
    assert told(hub) == [
        ("issues", "opened", True),
        ("issues", "edited", True),
        ("issues", "closed", True),
        ("issue_comment", "created", True),
    ]
    edited, created = hub.events[1].payload, hub.events[3].payload
    assert edited["changes"] == {"body": {"from": "one"}}
    assert (created["issue"]["number"], created["comment"]["id"], created["sender"]["login"]) == (1, comment, "bob")
    assert created["repository"]["full_name"] == "ann/store"
    assert json.loads(json.dumps(created)) == created


def test_clock__moves_with_writes_only_and_has_whole_seconds(hub: GitHub, repo: Repository) -> None:
    start = hub.clock.now
    repo.open_issue("ann", "T")
    repo.issue(1)
    assert hub.clock.now == start + 1
    hub.clock.tick = 0
    repo.comment(1, "ann", "c")
    assert repo.issue(1).updated_at == repo.issue(1).created_at
    hub.clock.advance(60)
    repo.comment(1, "ann", "d")
    first, second = repo.issue(1).comments
    assert (first.created_at, second.created_at) == ("2025-10-09T09:00:02Z", "2025-10-09T09:01:02Z")
    answer = requests.get(f"{hub.url}/rate_limit", timeout=5)
    assert answer.headers["Date"] == "Thu, 09 Oct 2025 09:01:02 GMT"


def test_save__restores_everything_about_issues_any_number_of_times(hub: GitHub, repo: Repository) -> None:
    token = repo.workflow_token(issues="write")
    number = repo.open_issue("ann", "T", "{}", labels=["x"])
    comment = repo.comment(number, "ann", "c")
    saved, before, events, now = hub.save(), repo.issue(number), len(hub.events), hub.clock.now
    for _ in range(3):
        repo.react(comment, BOT, "+1")
        repo.edit_issue(number, "ann", title="U", body="[]", state="closed", labels=["y"])
        later = repo.comment(number, "ann", "d")
        requests.get(f"{hub.url}/rate_limit", headers={"Authorization": f"token {token}"}, timeout=5)
        hub.restore(saved)
        assert repo.issue(number) == before
        assert (len(hub.events), hub.clock.now, repo.labels()) == (events, now, ["x"])
    assert repo.comment(number, "ann", "d") == later


def test_updated_at__follows_comments_labels_and_states_not_reactions(hub: GitHub, repo: Repository) -> None:
    number = repo.open_issue("ann", "T")
    seen = [repo.issue(number).updated_at]

    def changed() -> bool:
        seen.append(repo.issue(number).updated_at)
        return seen[-1] != seen[-2]

    comment = repo.comment(number, "ann", "c")
    assert changed()
    repo.edit_comment(comment, "ann", "d")
    assert changed()
    repo.react(comment, "ann", "+1")
    assert not changed()
    repo.edit_issue(number, "ann", labels=["x"])
    assert changed()
    repo.edit_issue(number, "ann", title="T", labels=["x"], state="open")
    assert not changed()
    repo.lock(number, "ann")
    assert changed()
    repo.delete_comment(comment, "ann")
    assert changed()


def test_main__runs_by_itself() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.double", "--repository", "ann/demo"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        facts = json.loads(process.stdout.readline())
        headers = {"Authorization": f"token {facts['owner_token']}"}
        answer = requests.get(f"{facts['api_url']}/repos/ann/demo", headers=headers, timeout=5)
        assert answer.json()["permissions"]["admin"] is True
    finally:
        process.terminate()
        process.communicate(timeout=5)
    assert process.returncode == 0
