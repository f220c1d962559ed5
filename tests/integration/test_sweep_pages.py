"""What a sweep reads of each issue: two points a page, and one request more where the page does not tell."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gh_store_action.errors import GitHubError
from tests.double import BOT, Request
from tests.support.store import World

pytestmark = pytest.mark.slow

RULE_FILE = ".github/gh-store.yml"
LABELS = ["stored-object", "UID:new"]


def swept(w: World, token: str = "") -> tuple[int, int, list[int]]:
    """The requests, the points, and what was looked at."""
    requests, points = w.requests(), w.points()
    found = [result.number for result in w.sweep(token)]
    return w.requests() - requests, w.points() - points, found


def looks(w: World) -> int:
    return w.hub.requests.count(operation="Look")


def test_sweep__of_settled_objects_is_two_points_a_hundred(w: World) -> None:
    for place in range(120):
        number = w.object(f"o{place}")
        if place < 5:
            w.update(number, {"a": 1})
            w.process(number)
    assert swept(w) == (2, 4, [])


def test_sweep__strangers_issues_are_looked_at_in_one_request_a_page(w: World) -> None:
    numbers = [w.repo.open_issue("mallory", f"Stored Object: s{n}", "{}", [*LABELS[:1], f"UID:s{n}"]) for n in range(9)]
    assert swept(w) == (3, 3, [])  # with one that asks about the author
    w.repo.edit_issue(numbers[4], "bob", body='{"a": 1}')
    assert swept(w)[2] == [numbers[4]]
    assert looks(w) == 2


def test_sweep__another_processors_receipts_count(w: World) -> None:
    w.repo.app_token("keeper", issues="write")
    w.repo.commit_files({RULE_FILE: 'store: {processors: ["github-actions[bot]", "keeper[bot]"]}'}, by="alice")
    number = w.object()
    comment = w.update(number, {"a": 1})
    w.process(number)
    w.repo.unreact(comment, BOT, "+1")
    w.repo.react(comment, "keeper[bot]", "+1")
    assert swept(w) == (2, 3, [])
    w.repo.unreact(comment, "keeper[bot]", "+1")
    w.repo.react(comment, "mallory", "+1")
    assert swept(w)[2] == [number]
    assert (BOT, "+1") in w.repo.issue(number).comments[1].reactions


def test_sweep__an_issue_that_is_deleted_for_good_before_it_is_looked_at_is_no_object(w: World) -> None:
    numbers = [w.repo.open_issue("alice", "Stored Object: new", "{}", LABELS) for _ in range(2)]

    def delete(request: Request) -> None:
        if request.operation == "Sweep":
            w.repo.delete_issue(numbers[1], "octo")

    w.hub.after_request.append(delete)
    assert swept(w)[2] == numbers[:1]


def test_sweep__an_issue_that_the_next_page_shows_again_is_folded_once(w: World) -> None:
    """As GitHub may, where an issue of a later page changes meanwhile and moves to the first one."""
    numbers = [w.object(f"o{place}") for place in range(101)]
    for number in numbers[1:3]:
        w.update(number, {"a": 1})
        w.repo.edit_issue(number, "alice", state="open")
    shown: list[dict[str, Any]] = []

    def shift(answer: Any) -> Any:
        nodes = answer["data"]["repository"]["issues"]["nodes"]
        nodes[:0] = shown[:2]
        shown.extend(nodes)
        return answer

    w.hub.faults.alter(shift, match=lambda request: request.operation == "Sweep", times=None)
    assert swept(w)[2] == numbers[1:3]
    assert len(shown) == 101 + 2


def test_sweep__a_look_that_takes_github_too_long_is_halved(w: World) -> None:
    numbers = [w.repo.open_issue("alice", f"Stored Object: n{n}", "{}", [*LABELS[:1], f"UID:n{n}"]) for n in range(4)]
    w.hub.faults.status(
        502, match=lambda r: r.operation == "Look" and len(json.loads(r.body)["variables"]["ids"]) > 1, times=None
    )
    assert swept(w)[2] == numbers
    w.hub.faults.clear()


def test_sweep__a_look_at_one_issue_that_takes_github_too_long_is_told(w: World) -> None:
    w.repo.open_issue("alice", "Stored Object: new", "{}", LABELS)
    w.hub.faults.status(502, match=lambda r: r.operation == "Look", times=None)
    with pytest.raises(GitHubError, match="502"):
        w.sweep()
