"""A stock of issues that are made when they are asked for, beside the same ones opened one after another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from gh_store_action.gateway import queries
from gh_store_action.gateway.reading import queries as reading
from tests.double import BOT, GitHub, Repository

COUNT = 120
BASE = "stored-object"
NAMES = [f"UID:o{place}" for place in range(COUNT)]


def written(place: int) -> tuple[str, str]:
    return f"Stored Object: o{place} [r1 c0 n0 0123abcd]", json.dumps({"n": place})


@dataclass
class Asked:
    """One GitHub, and what it answers, without its address."""

    hub: GitHub
    repo: Repository
    session: requests.Session

    def __post_init__(self) -> None:
        token = self.repo.workflow_token(issues="write", contents="read")
        self.session.headers["Authorization"] = f"bearer {token}"

    def graphql(self, document: str, **variables: Any) -> Any:
        body = {"query": document, "variables": variables}
        return self._told(self.session.post(self.hub.graphql_url, json=body))

    def rest(self, path: str) -> Any:
        return self._told(self.session.get(f"{self.hub.api_url}/repos/octo/store/{path}"))

    def _told(self, answer: requests.Response) -> Any:
        assert answer.status_code in (200, 404, 410)
        told = json.loads(answer.text.replace(self.hub.url, ""))
        assert "errors" not in told, told
        return told

    def pages(self, document: str, labels: list[str], *, by: str, direction: str, **more: Any) -> Iterator[Any]:
        more = {"filter": labels, "label": labels[0], "states": None, "rules": True, "first": 50, **more}
        cursor = None
        while True:
            order = {"field": by, "direction": direction}
            told = self.graphql(document, owner="octo", name="store", labels=labels, after=cursor, order=order, **more)
            yield told
            info = told["data"]["repository"]["issues"]["pageInfo"]
            cursor = info["endCursor"]
            if not info["hasNextPage"]:
                return

    def everything(self) -> list[Any]:
        """Lists in every order and of every label, nodes, and what REST says."""
        found: list[Any] = []
        for by in ("CREATED_AT", "UPDATED_AT", "COMMENTS"):
            for direction in ("ASC", "DESC"):
                found += self.pages(reading.SWEEP, [BASE], by=by, direction=direction)
        since = f"{self.repo.issue(100).updated_at}"
        for more in ({}, {"filter": None}, {"since": since}, {"states": ["OPEN"]}, {"states": ["CLOSED"]}):
            found += self.pages(reading.LIST, [BASE], by="UPDATED_AT", direction="ASC", **more)
        found += self.pages(reading.LIST, ["UID:O7", "UID:other"], by="CREATED_AT", direction="ASC")
        ids = [self.repo.issue(number).node_id for number in (1, 17, 100, 120)]
        found += [self.graphql(document, ids=ids) for document in (reading.LOOK, reading.MORE, reading.AGAIN)]
        names = {"owner": "octo", "name": "store"}
        found.append(self.graphql(queries.FIND, **names, label="UID:o17", base=[BASE], rules=True))
        paths = ("issues?state=all&per_page=100&sort=updated", "issues/7", "issues/8/timeline", "issues/121")
        found += [self.rest(path) for path in (*paths, "", f"labels/{NAMES[3]}", "labels?page=4")]
        return found


@pytest.fixture
def both() -> Iterator[tuple[Asked, Asked]]:
    """The stock, and one after another."""
    with ExitStack() as stack:
        found = []
        for stocked in (True, False):
            hub = stack.enter_context(GitHub())
            repo = hub.add_repository("octo/store")
            hub.options.enforce_limits = False
            if stocked:
                assert repo.stock(BOT, NAMES, BASE, written) == range(1, COUNT + 1)
            else:
                for place, name in enumerate(NAMES):
                    repo.open_issue(BOT, *written(place), [BASE, name], "closed")
            found.append(Asked(hub, repo, stack.enter_context(requests.Session())))
        yield found[0], found[1]


def test_a_stock__answers_as_issues_that_were_opened_one_by_one(both: tuple[Asked, Asked]) -> None:
    one, other = both
    assert one.everything() == other.everything()


def test_a_stock__is_changed_as_they_are(both: tuple[Asked, Asked]) -> None:
    for asked in both:
        saved = asked.hub.save()
        asked.repo.comment(9, BOT, "lost")
        asked.hub.restore(saved)
        for number in (7, 60, 100):
            comment = asked.repo.comment(number, BOT, json.dumps({"n": -number}))
            asked.repo.react(comment, BOT, "+1")
            asked.repo.edit_issue(number, BOT, state="open", title=f"Another {number}", body="[]")
        asked.repo.open_issue(BOT, "new", "{}", [BASE, "UID:other"])
        asked.repo.edit_issue(17, BOT, labels=[BASE])
        asked.repo.delete_issue(8, BOT)
    one, other = both
    assert one.everything() == other.everything()


def test_a_stock__keeps_only_what_was_asked_for_by_its_number(both: tuple[Asked, Asked]) -> None:
    stocked, _ = both
    assert len(list(stocked.pages(reading.LIST, [BASE], by="CREATED_AT", direction="ASC"))) == 3
    assert not stocked.repo.record.issues.kept
    stocked.repo.comment(5, BOT, "hello")
    assert stocked.repo.record.issues.kept.keys() == {5}
