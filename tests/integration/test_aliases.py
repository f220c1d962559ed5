"""Aliases and merged objects of gh-store 0.8 to 0.11: told for what they are, and left out everywhere."""

from __future__ import annotations

import json

import pytest

from gh_store_action import GitHubStore, InputError, ObjectExists, ObjectNotFound
from gh_store_action.store.doctor import Level, examine
from tests.support.library import cost, store_of
from tests.support.scene import OWNER, Scene
from tests.support.store import World

ALIAS = ["stored-object", "UID:old", "ALIAS-TO:new"]
MERGED = ["gh-store", "deprecated-object", "UID:old", "MERGED-INTO:new", "DEPRECATED-BY:1"]


def with_old(w: World, labels: list[str], data: object = None) -> int:
    """The object `new`, issue #1, and what gh-store left of `old`; its number."""
    with store_of(w) as store:
        store.create("new", {"n": 0})
    number = w.legacy("old", data)
    w.repo.edit_issue(number, "alice", labels=labels)
    return number


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (ALIAS, "gh-store made it an alias of 'new'"),
        (["STORED-OBJECT", "UID:old", "alias-to:a, b"], "gh-store made it an alias of 'a, b'"),
        (MERGED, "gh-store merged it into 'new'"),
        (["UID:old", "DEPRECATED-BY:1"], "gh-store put issue #1 in its place"),
        (["UID:old", "deprecated-object"], "gh-store deprecated it"),
    ],
)
def test_get__of_what_gh_store_retired__says_which_object_it_stands_for(
    w: World, store: GitHubStore, labels: list[str], said: str
) -> None:
    with_old(w, labels)
    assert cost(w, lambda s: pytest.raises(ObjectNotFound, s.get, "old")) == 1
    for work in (store.get, store.delete, store.get_object_history, lambda one: store.update(one, {"n": 1})):
        with pytest.raises(ObjectNotFound) as told:
            work("old")
        assert f"Issue #2 has the label of 'old', but {said}. Use that one;" in str(told.value)
    with pytest.raises(ObjectExists, match="but gh-store"):
        store.create("old", {})
    assert store.get("new").data == {"n": 0}


def test_lists__leave_an_alias_out_and_say_so(w: World) -> None:
    with_old(w, ALIAS)
    lines: list[str] = []
    with store_of(w, log=lines.append) as store:
        assert [one.meta.object_id for one in store.list_all()] == ["new"]
        assert lines == ["Issue #2 is left out: gh-store made it an alias of 'new'."]
        assert [one.meta.object_id for one in store.list_updated_since("2000-01-01")] == ["new"]


@pytest.mark.parametrize("labels", [ALIAS, MERGED])
def test_runs__leave_it_as_it_is(w: World, store: GitHubStore, labels: list[str]) -> None:
    number = with_old(w, labels)
    w.update(number, {"n": 1})
    before = w.repo.issue(number)
    assert "gh-store" in w.process(number).skipped or labels == MERGED
    assert [one.number for one in w.sweep()] == []
    assert store.verify() == store.verify(repair=True) == ()
    assert w.repo.issue(number) == before


def test_an_object_that_gh_store_merged_after_a_run_here__is_not_labelled_again(w: World, store: GitHubStore) -> None:
    for object_id in ("new", "old"):
        store.create(object_id, {"n": 0})
    w.repo.edit_issue(2, "alice", labels=MERGED)
    assert store.verify(repair=True) == ()
    assert set(w.repo.issue(2).labels) == set(MERGED)


def test_migrate__names_aliases_and_duplicates_and_adopts_the_others(w: World, store: GitHubStore) -> None:
    with_old(w, ALIAS)
    for data in ({"n": 1}, {"n": 2}):
        w.legacy("twice", data)
    alias, first, second = store.migrate(dry_run=False)
    assert (alias.object_id, alias.issue_number, alias.done) == ("old", 2, False)
    assert alias.problem == "gh-store made it an alias of 'new'; use that one, or take gh-store's label off"
    assert (first.issue_number, first.done, first.problem) == (3, True, "")
    assert (second.issue_number, second.done) == (4, False)
    assert second.problem.startswith("issue #3 has the same id, and counts; post there what is worth keeping")
    assert "[r" not in w.repo.issue(4).title
    assert store.get("twice").data == {"n": 1}


def test_migrate__keeps_the_signed_one_of_two_with_one_id(w: World, store: GitHubStore) -> None:
    w.legacy("twice", {"n": 1})
    w.object("twice", {"n": 2})
    (found,) = store.migrate(dry_run=False)
    assert (found.issue_number, found.problem[:30]) == (1, "issue #2 has the same id, and ")


def test_doctor__names_aliases_and_duplicates(w: World) -> None:
    with_old(w, ALIAS)
    for data in ({"n": 1}, {"n": 2}):
        w.legacy("twice", data)
    rows = {row.name: row for row in examine(w.session(w.hub.token("alice")))}
    aliases, doubles = rows["aliases of gh-store"], rows["duplicate ids"]
    assert (aliases.level, aliases.found) == (Level.WARN, "1: #2 (gh-store made it an alias of 'new')")
    assert "Use the objects that they stand for" in aliases.hint
    assert (doubles.level, doubles.found) == (Level.FAIL, "1: twice in #3, #4")
    assert "post what is worth keeping of the others there" in doubles.hint
    assert rows["broken bodies"].level is Level.OK


def test_snapshot__leaves_an_alias_out_and_says_so(scene: Scene) -> None:
    scene.make("new")
    number = scene.make("old")
    workspace = scene.checkout()
    given = {"output": "store.json", "commit": "false", "workspace": workspace}
    assert scene.run("snapshot", **given).outputs["object-count"] == "2"
    scene.github.clock.advance(600)
    scene.repository.edit_issue(number, OWNER, labels=ALIAS)
    for mode in ("update-snapshot", "snapshot"):
        run = scene.run(mode, allow_shrink="true", **given)
        assert list(json.loads((workspace / "store.json").read_text())["objects"]) == ["new"]
        assert f"Issue #{number} is not in the snapshot: gh-store made it an alias of 'new'" in run.log


@pytest.mark.parametrize("label", ["ALIAS-TO:x", "merged-into:x", "DEPRECATED-BY:1", "deprecated-object"])
def test_create__makes_no_alias(store: GitHubStore, label: str) -> None:
    with pytest.raises(InputError, match="one that the store itself uses"):
        store.create("m", {}, [label])
