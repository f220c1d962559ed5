"""Stores that gh-store 0.5 to 0.11 wrote are read in place, and adopted on first processing with their history."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.double import GitHub, Repository
from tests.support.cli import Shell
from tests.support.stores import VERSIONS, old_store, recorded

pytestmark = pytest.mark.slow

METRICS = {"count": 1, "tags": ["a", "b"], "nested": {"x": 1, "y": None}}
SETTINGS = {"théme": "dark", "mail": "ada@example.org"}


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def repository(github: GitHub, version: str) -> Repository:
    return old_store(github, version)


def texts(repository: Repository, number: int) -> list[str]:
    return [comment.body for comment in repository.issue(number).comments]


def updates(entries: list[dict[str, Any]]) -> list[tuple[Any, str]]:
    return [(e["data"], e["metadata"]["verdict"]) for e in entries if e["type"] == "update"]


def test_old_store__is_what_that_version_left(repository: Repository, version: str) -> None:
    for view, issue in zip(repository.issues(), recorded(version)["issues"], strict=True):
        assert (view.title, view.body, view.state) == (issue["title"], issue["body"], issue["state"])
        assert sorted(view.labels) == sorted(issue["labels"])
        assert [c.body for c in view.comments] == [c["body"] for c in issue["comments"]]
        assert [[list(r) for r in c.reactions] for c in view.comments] == [c["reactions"] for c in issue["comments"]]


def test_old_store__is_read_in_place(shell: Shell, repository: Repository) -> None:
    """D16: reads never write.  D14: an object with a pending update is read, too.  D79: whatever labels it has."""
    before = repository.issues()

    listed = {one["object_id"]: one["data"] for one in shell.run("list").json}
    history = shell.run("history", "metrics")
    one = shell.run("get", "pending")
    snapshot = shell.run("snapshot")

    assert listed == {"metrics": METRICS, "settings": SETTINGS, "pending": {"n": 1}}
    assert (one.json["data"], one.json["pending"]) == ({"n": 1}, 1)
    assert snapshot.json["object_count"] == 3
    assert history.code == 0
    assert shell.run("get", "gone").code == 1
    assert repository.issues() == before


def test_old_store__is_adopted_on_first_processing_with_its_history(shell: Shell, repository: Repository) -> None:
    before = {issue.number: texts(repository, issue.number) for issue in repository.issues()}

    swept = shell.run("sweep")

    assert swept.code == 0, swept.err
    assert {one["object_id"]: one["applied"] for one in swept.json} == {"metrics": 0, "settings": 0, "pending": 1}
    assert shell.run("get", "pending").json["data"] == {"n": 2, "k": "v"}
    assert shell.run("get", "metrics").json["data"] == METRICS
    assert shell.run("get", "settings").json["data"] == SETTINGS
    for number, log in before.items():
        assert texts(repository, number)[: len(log)] == log
    assert all(issue.state == "closed" for issue in repository.issues())
    assert not any(one["changed"] for one in shell.run("sweep").json)


def test_old_store__the_history_has_what_was_applied_and_by_whom(shell: Shell) -> None:
    before = shell.run("history", "metrics").json
    shell.run("migrate")
    after = shell.run("history", "metrics").json

    applied = [data for data, verdict in updates(after) if verdict == "applied"]
    assert applied == [{"count": 1}, {"tags": ["a", "b"], "nested": {"y": None}}]
    assert ({"hacked": True}, "applied") not in updates(before) + updates(after)
    assert [entry["comment_id"] for entry in after][: len(before)] == [entry["comment_id"] for entry in before]
    assert before[0]["type"] == after[0]["type"] == "initial_state"
    assert before[0]["data"] == {"count": 0, "tags": ["a"], "nested": {"x": 1}}


def test_old_store__goes_on_after_it_was_adopted(shell: Shell) -> None:
    shell.run("migrate")
    begun = shell.run("get", "metrics").json["version"]

    done = shell.run("update", "metrics", '{"count": 2}', "--apply")

    assert done.json["data"] == {**METRICS, "count": 2}
    assert done.json["version"] == begun + 1
    assert shell.run("get", "metrics", "--revision", str(begun)).json["data"] == METRICS


def test_old_store__a_deleted_object_stays_deleted_and_comes_back(shell: Shell) -> None:
    shell.run("migrate")

    assert shell.run("get", "gone").code == 1
    assert shell.run("create", "gone", "{}").code == 1
    assert shell.run("restore", "gone").code == 0
    assert shell.run("get", "gone").json["data"] == {"old": True}


def test_old_store__migrate_tells_which_version_wrote_it(shell: Shell, version: str) -> None:
    forms = {one["form"] for one in shell.run("migrate", "--dry-run").json}

    first = json.loads(recorded(version)["issues"][0]["comments"][0]["body"])
    assert forms == {f"gh-store {first['_meta']['client_version'] if '_meta' in first else '0.5'}"}


def test_old_store__is_verified_after_it_was_adopted(shell: Shell) -> None:
    shell.run("migrate")

    assert shell.run("verify").json == []
