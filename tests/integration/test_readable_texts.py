"""Bodies and the store's comments are blocks of code on GitHub, and the same JSON with and without their blanks."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from gh_store_action import GitHubStore
from tests.double import BOT
from tests.integration.test_request_counts import counted
from tests.integration.test_store_objects import store_of
from tests.support.store import World, world

DATA = {"who": "@ada", "what": "#1 *fat* _thin_ <b>\n```", "list": [1, {"deep": []}]}


@pytest.fixture(params=[False, True], ids=["blanks are kept", "blanks are trimmed"])
def w(request: pytest.FixtureRequest) -> Iterator[World]:
    with world() as made:
        made.hub.options.trims = request.param
        yield made


@pytest.fixture
def store(w: World) -> Iterator[GitHubStore]:
    with store_of(w) as made:
        yield made


def texts(w: World, number: int) -> list[str]:
    issue = w.repo.issue(number)
    return [issue.body, *(comment.body for comment in issue.comments if not comment.body.startswith("<!--"))]


def test_texts__are_indented_by_four_blanks_and_json_to_any_program(w: World, store: GitHubStore) -> None:
    number = store.create("metrics", DATA).meta.issue_number
    store.update("metrics", {"count": 1}, apply=True)
    w.repo.edit_issue(number, "alice", body='{"by": "hand"}')
    store.process_updates(number)

    body, initial, update, checkpoint = texts(w, number)

    assert json.loads(body) == {"by": "hand"}
    assert json.loads(initial)["data"] == DATA
    assert json.loads(update)["_data"] == {"count": 1}
    assert json.loads(checkpoint)["data"] == {"by": "hand"}
    for text in (body, initial, update, checkpoint):
        first, *others = text.split("\n")
        assert first == ("{" if w.hub.options.trims else "    {")
        assert all(line.startswith("    ") for line in others)


def test_texts__cost_nothing_whether_a_server_trims_them_or_not(w: World, store: GitHubStore) -> None:
    assert counted(w, lambda: store.create("metrics", DATA)) == 4
    assert counted(w, lambda: store.update("metrics", {"count": 1}, apply=True)) == 3
    number = store.get("metrics").meta.issue_number
    w.update(number, {"count": 2})
    assert counted(w, lambda: w.process(number)) == 3  # one asks who alice is
    w.repo.edit_issue(number, "alice", body='{"by": "hand"}')
    assert counted(w, lambda: w.process(number)) == 3
    assert counted(w, lambda: w.process(number)) == 1
    assert counted(w, w.sweep) == 1
    assert store.verify() == ()
    assert w.data(number) == {"by": "hand"}


def test_texts__white_space_that_somebody_adds_is_no_change(w: World, store: GitHubStore) -> None:
    number = store.create("metrics", DATA).meta.issue_number
    w.repo.edit_issue(number, "alice", body="\n\n" + json.dumps(DATA) + "\n")
    before = w.repo.issue(number)
    assert not w.process(number).changed
    assert w.repo.issue(number) == before


def test_texts__an_object_as_it_was_written_before_is_left_so_until_its_next_revision(w: World) -> None:
    number = w.object(data={"count": 0})
    w.repo.edit_issue(number, BOT, body='{\n  "count": 0\n}')
    assert not w.process(number).changed
    assert w.repo.issue(number).body == '{\n  "count": 0\n}'
    w.update(number, {"count": 1})
    assert w.process(number).changed
    assert w.data(number) == {"count": 1}
