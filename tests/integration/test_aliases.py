"""Aliases and merged objects of gh-store 0.8 to 0.11: told for what they are, and left out everywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gh_store_action import GitHubStore, InputError, ObjectExists, ObjectNotFound
from gh_store_action.store.doctor import Level, examine
from gh_store_action.store.duplicates.merging import Merger
from gh_store_action.store.lookup import Lookup
from tests.double import GitHub
from tests.support.cli import Shell
from tests.support.library import cost, store_of
from tests.support.scene import OWNER, Scene
from tests.support.store import World, disturbed

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
        assert f"Issue #2 has the label of 'old', but {said}. Use that one." in str(told.value)
    with pytest.raises(ObjectExists, match="but gh-store"):
        store.create("old", {})
    assert store.get("new").data == {"n": 0}


def test_lists__leave_an_alias_out_and_say_so(w: World) -> None:
    with_old(w, ALIAS)
    lines: list[str] = []
    with store_of(w, log=lines.append) as store:
        assert [one.meta.object_id for one in store.list_all()] == ["new"]
        assert lines == ["Skipped issue #2: gh-store made it an alias of 'new'."]
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
    assert alias.problem == "gh-store made it an alias of 'new'; use that one, or remove gh-store's label"
    assert (first.issue_number, first.done, first.problem) == (3, True, "")
    assert (second.issue_number, second.done) == (4, False)
    assert second.problem.startswith("issue #3 has the same id and counts; post there what is worth keeping")
    assert "[r" not in w.repo.issue(4).title
    assert store.get("twice").data == {"n": 1}


def test_migrate__keeps_the_signed_one_of_two_with_one_id(w: World, store: GitHubStore) -> None:
    w.legacy("twice", {"n": 1})
    w.object("twice", {"n": 2})
    (found,) = store.migrate(dry_run=False)
    assert (found.issue_number, found.problem[:30]) == (1, "issue #2 has the same id and c")


def test_doctor__names_aliases_and_duplicates(w: World) -> None:
    with_old(w, ALIAS)
    for data in ({"n": 1}, {"n": 2}):
        w.legacy("twice", data)
    rows = {row.name: row for row in examine(w.session(w.hub.token("alice")))}
    aliases, doubles = rows["aliases of gh-store"], rows["duplicate ids"]
    assert (aliases.level, aliases.found) == (Level.WARN, "1: #2 (gh-store made it an alias of 'new')")
    assert "Use the objects that they were merged into" in aliases.hint
    assert (doubles.level, doubles.found) == (Level.FAIL, "1: twice in #3, #4")
    assert "Post there what is worth keeping from the others" in doubles.hint
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
    with pytest.raises(InputError, match="The store itself uses the label"):
        store.create("m", {}, [label])


# -- dedupe


def merged(w: World, *, dry_run: bool = False, by: str = "") -> list[tuple[object, ...]]:
    found = Merger(Lookup(w.session(by)), dry_run=dry_run).merge()
    return [(one.object_id, one.issue_number, one.kept_in, one.added, one.differs, one.done) for one in found]


def problems(w: World) -> list[str]:
    return [one.problem for one in Merger(Lookup(w.session())).merge()]


def test_dedupe__gives_the_object_what_it_lacks_and_takes_the_duplicate_away(w: World, store: GitHubStore) -> None:
    first = w.object("twice", {"n": 1, "deep": {"a": 1}})
    second = w.legacy("twice", {"n": 2, "deep": {"a": 1, "b": [2]}, "more": {}})
    told = ("twice", second, first, ("$.deep.b", "$.more"), ("$.n",))
    before = w.repo.issue(second)
    assert merged(w, dry_run=True) == [(*told, False)]
    assert w.repo.issue(second) == before
    assert merged(w) == [(*told, True)]
    assert store.get("twice").data == {"n": 1, "deep": {"a": 1, "b": [2]}, "more": {}}
    left = w.repo.issue(second)
    assert (left.labels, left.state, left.title) == ((), "closed", f"Duplicate of #{first}: twice")
    assert left.body == before.body
    assert merged(w) == []
    assert store.verify() == ()


def test_dedupe__keeps_the_signed_one_and_reads_ids_as_the_store_does(w: World, store: GitHubStore) -> None:
    older, signed = w.legacy("Twice", {"old": 1}), w.object("twice", {"new": 1})
    w.legacy("other")
    assert merged(w) == [("Twice", older, signed, ("$.old",), (), True)]
    assert store.get("twice").data == {"new": 1, "old": 1}
    assert [one.meta.issue_number for one in store.list_all()] == [signed, 3]


def test_dedupe__an_object_that_a_page_shows_again_is_no_duplicate(w: World, store: GitHubStore) -> None:
    w.object("m", {"n": 1})

    def again(answer: Any) -> Any:
        answer["data"]["repository"]["issues"]["nodes"] *= 2
        return answer

    w.hub.faults.alter(again, match=lambda request: request.operation == "List")
    assert store.dedupe(dry_run=False) == ()


def test_dedupe__is_a_method_that_by_default_says_what_it_would_do(w: World, store: GitHubStore) -> None:
    w.object("m", {"n": 1})
    w.legacy("m", {"more": 2})
    (planned,) = store.dedupe()
    assert (planned.added, planned.done, store.get("m").data) == (("$.more",), False, {"n": 1})
    with store_of(w, dry_run=True) as dry:
        assert dry.dedupe(dry_run=False) == (planned,)
    (merge,) = store.dedupe(dry_run=False)
    assert (merge.done, store.get("m").data, store.dedupe()) == (True, {"n": 1, "more": 2}, ())


def test_dedupe__of_equal_ones_posts_nothing_and_of_arrays_changes_nothing(w: World, store: GitHubStore) -> None:
    for object_id, data, other in (("same", {"n": 1}, {"n": 1}), ("list", [1], [2])):
        w.object(object_id, data)
        w.legacy(object_id, other)
    assert merged(w) == [("same", 2, 1, (), (), True), ("list", 4, 3, (), ("$",), True)]
    assert [one.data for one in store.list_all()] == [{"n": 1}, [1]]
    assert [one.meta.version for one in store.list_all()] == [1, 1]


def test_dedupe__merges_what_an_alias_has_and_leaves_it_an_alias(w: World, store: GitHubStore) -> None:
    number = with_old(w, ALIAS, {"n": 5, "old": True})
    assert merged(w) == [("new", number, 1, ("$.old",), ("$.n",), True)]
    assert store.get("new").data == {"n": 0, "old": True}
    assert set(w.repo.issue(number).labels) == set(ALIAS)
    assert merged(w) == [("new", number, 1, (), ("$.n",), True)]
    assert store.get("new").meta.version == 2


def test_dedupe__leaves_alone_and_names_what_it_cannot_merge(w: World, store: GitHubStore) -> None:
    w.object("m", {"n": 0})
    w.repo.open_issue("mallory", "Stored Object: m", '{"evil": 1}', ["stored-object", "UID:m"])
    busy = w.legacy("m", {"busy": 1})
    w.update(busy, {"n": 1})
    busier = w.legacy("m", {"busy": 2})
    for n in (1, 2):
        w.update(busier, {"n": n})
    broken = w.legacy("m")
    w.repo.edit_issue(broken, "alice", body="no JSON")
    w.repo.open_issue("alice", "Stored Object: x", "{}", ["stored-object", "UID:x", "ALIAS-TO:nobody"])
    w.repo.open_issue("alice", "Stored Object: y", "{}", ["stored-object", "UID:y", "deprecated-object"])
    w.repo.open_issue("alice", "Stored Object: z", "{}", ["stored-object", "UID:z", "UID:zz"])
    found = problems(w)
    assert found[:2] == [
        "mallory opened it, and GitHub did not say that they may write; remove its labels",
        "it has a pending update: post it to #1",
    ]
    assert found[2] == "it has 2 pending updates: post them to #1"
    assert found[3].startswith("The body of issue #5 cannot be read as an object")
    assert found[4:] == [
        "gh-store made it an alias of 'nobody', and there is no object 'nobody'",
        "gh-store deprecated it, and its labels have no object's id",
    ]
    assert store.get("m").data == {"n": 0}
    assert [issue.labels for issue in w.repo.issues()][1] == ("stored-object", "UID:m")


@pytest.mark.parametrize(("make", "said"), [("object", "other"), ("legacy", "was not applied to #1; see the comments")])
def test_dedupe__what_the_schema_refuses_is_not_given_up(w: World, make: str, said: str) -> None:
    w.repo.commit_files(
        {
            ".github/gh-store.yml": "store: {schemas: [{match: m, schema: m.json}]}",
            ".github/gh-store/m.json": '{"properties": {"n": {}}, "additionalProperties": false}',
        }
    )
    getattr(w, make)("m", {"n": 0})
    number = w.legacy("m", {"other": 1})
    (problem,) = problems(w)
    assert said in problem
    assert "UID:m" in w.repo.issue(number).labels


def test_dedupe__that_is_killed_anywhere_is_gone_on_with(w: World, store: GitHubStore) -> None:
    w.object("m", {"n": 0})
    w.legacy("m", {"list": [1]})

    def run(token: str = "") -> None:
        Merger(Lookup(w.session(token))).merge()

    times = 0
    for _ in disturbed(w, 1, run, run):
        times += 1
        assert (w.data(1), store.get("m").meta.version) == ({"n": 0, "list": [1]}, 2)
        assert w.repo.issue(2).labels == ()
    assert times > 8


def test_dedupe__is_a_command(github: GitHub, tmp_path: Path) -> None:
    repository = github.add_repository("octo/store")
    for data in ('{"a": 1}', '{"b": 2}'):
        repository.open_issue(OWNER, "Stored Object: m", data, ["stored-object", "UID:m"])
    shell = Shell(github, repository.full_name, tmp_path, github.token(OWNER))
    planned = shell.run("dedupe", "--dry-run")
    assert (planned.code, planned.json[0]["added"], planned.json[0]["done"]) == (0, ["$.b"], False)
    assert shell.run("dedupe").json[0]["done"] is True
    assert shell.run("dedupe").json == []
    assert "no object has a duplicate" in shell.terminal("dedupe", "--dry-run").out
    repository.open_issue(OWNER, "Stored Object: m", '{"a": 7}', ["stored-object", "UID:m"])
    assert "would be merged" in shell.terminal("dedupe", "--dry-run", columns=140).out
    assert "merged" in shell.terminal("dedupe", columns=140).out
