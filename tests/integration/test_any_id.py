"""Objects whose id no label can carry: the same life as any other's, and nobody else's, whatever labels are typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gh_store_action import GitHubStore, InputError, ObjectExists, ObjectNotFound, StoreError
from gh_store_action.domain import objects
from gh_store_action.domain.log.entries import checkpoint
from gh_store_action.domain.objects import uid_label
from gh_store_action.domain.snapshots.files import file_of
from tests.double import BOT, Repository
from tests.support.cli import Shell
from tests.support.interleave import QUICK, Orders
from tests.support.library import cost, store_of
from tests.support.scene import Scene
from tests.support.store import World, disturbed
from tests.support.values import RULES

DOI = "https://doi.org/10.1000/182?title=Any id, however long&year=2026"
IDS = [
    DOI,
    "a, b",
    "日本語 🚀",
    'she said "no" [r1 c1 n1 00000000] (00)',
    "moved -> #7",
    "@octo/team #1 `$(id)` <b>*x*</b>",
    "x" * 150,
    "\U0001f600" * 150,
    "../../etc/passwd " * 8 + "!",
]
LABELS = ["stored-object", uid_label(DOI, RULES)]


@pytest.fixture
def repository(github: object) -> Repository:
    return github.add_repository("octo/store")  # type: ignore[attr-defined,no-any-return]


# -- one object's life


@pytest.mark.parametrize("object_id", IDS, ids=range(len(IDS)))
def test_an_object_of_any_id__lives_as_any_other(w: World, store: GitHubStore, object_id: str) -> None:
    assert cost(w, lambda s: s.create(object_id, {"n": 0})) == 4
    issue = w.repo.issue(1)
    assert set(issue.labels) == {"stored-object", uid_label(object_id, RULES)}
    assert f'"{object_id}" [r1 ' in issue.title
    assert json.loads(issue.comments[0].body)["_meta"]["object_id"] == object_id
    assert cost(w, lambda s: s.get(object_id)) == 1
    assert store.get(object_id).meta.object_id == object_id
    assert cost(w, lambda s: s.update(object_id, {"n": 1}, apply=True)) == 3
    for text in ({"m": 2}, "[1", {"m": 3}):
        w.update(1, text)
    w.sweep()
    assert [one.meta.object_id for one in store.list_all()] == [object_id]
    assert [one.data for one in store.list_updated_since("2000-01-01")] == [{"n": 1, "m": 3}]
    assert store.get(object_id, revision=2).data == {"n": 1}
    assert [one["type"] for one in store.get_object_history(object_id)] == ["initial_state", *["update"] * 3]
    assert store.verify() == store.verify(object_id) == ()
    with pytest.raises(ObjectExists, match="already exists: issue #1"):
        store.create(object_id, {})
    assert store.upsert(object_id, {"n": 5}).meta.version == 5
    store.delete(object_id)
    with pytest.raises(ObjectNotFound, match="is deleted"):
        store.get(object_id)
    assert store.restore(object_id).version == 5
    moved = store.roll_over(object_id)
    assert (moved.meta.issue_number, moved.meta.object_id, moved.data) == (2, object_id, {"n": 5})
    assert store.get(object_id, revision=1).data == {"n": 0}
    assert "object_id" in json.loads(w.repo.issue(2).comments[0].body)["_meta"]
    assert store.verify() == ()
    assert all(len(title) <= 256 for number in (1, 2) for title in w.repo.issue(number).titles)


def test_ids_that_differ_in_case_alone__are_two_where_the_label_does_not_carry_them(
    w: World, store: GitHubStore
) -> None:
    for object_id in ("Ab, c", "ab, c", "a" * 47, "A" * 47, "plain"):
        store.create(object_id, {"id": object_id})
    with pytest.raises(ObjectExists):
        store.create("PLAIN", {})
    assert [one.data["id"] for one in store.list_all()] == ["Ab, c", "ab, c", "a" * 47, "A" * 47, "plain"]
    assert store.get("A" * 47).data == {"id": "A" * 47}
    store.delete("Ab, c")
    with pytest.raises(ObjectNotFound):
        store.get("Ab, c")
    assert store.get("ab, c").data == {"id": "ab, c"}
    assert store.verify() == ()


@pytest.mark.parametrize("object_id", ["", "x" * 151, "a\nb", " a", "e\u0301"])
def test_what_is_no_id__is_refused_before_any_request(w: World, store: GitHubStore, object_id: str) -> None:
    for work in (store.get, store.delete, lambda one: store.create(one, {})):
        with pytest.raises(InputError, match="object id"):
            work(object_id)
    assert w.requests() == 0


def test_an_id__that_does_not_fit_behind_the_stores_prefix__is_refused_once_that_is_known(w: World) -> None:
    w.repo.commit_files({".github/gh-store.yml": "store: {uid_prefix: 'a-rather-long-prefix-of-ids:'}"}, by="alice")
    with store_of(w) as store:
        with pytest.raises(InputError, match="at most 22 characters do"):
            store.create("a, b", {})
        assert store.create("a" * 22, {}).meta.label == "a-rather-long-prefix-of-ids:" + "a" * 22


# -- titles that people change, labels that they type


def test_a_retitled_issue__stays_the_object_and_gets_its_title_back(w: World, store: GitHubStore) -> None:
    store.create(DOI, {"n": 0})
    w.repo.edit_issue(1, "alice", title="My favourite paper")
    assert [store.get(DOI).data, *(one.data for one in store.list_all())] == [{"n": 0}] * 2
    w.update(1, {"n": 1})
    assert w.process(1).applied == 1
    assert objects.read_title(w.repo.issue(1).title)[0] == DOI
    for title in ("My favourite paper", 'Stored Object: "a, b"', f'Stored Object: "{DOI.upper()}"'):
        w.repo.edit_issue(1, "alice", title=title)
        w.update(1, {"title": title})
        assert [one.applied for one in w.sweep()] == [1]
        assert (objects.read_title(w.repo.issue(1).title)[0], store.get(DOI).data["title"]) == (DOI, title)
        assert w.sweep() == []


def test_an_imported_issue_without_its_titles__is_the_object_that_its_log_says(w: World, store: GitHubStore) -> None:
    w.repo.open_issue("alice", "My favourite paper", '{"n": 0}', LABELS)
    w.repo.comment(1, BOT, checkpoint({"n": 0}, after=0, revision=1, update_id="x", version="1", object_id=DOI))
    assert store.get(DOI).data == {"n": 0}
    assert (
        cost(w, lambda s: [one.meta.object_id for one in s.list_all()] == [DOI] or pytest.fail()) == 3
    )  # its comments, its author
    assert [one.data for one in store.list_updated_since("2000-01-01")] == [{"n": 0}]
    assert any(one.repaired for one in store.verify(repair=True))
    assert store.verify() == ()
    assert cost(w, lambda s: [one.meta.object_id for one in s.list_all()] == [DOI] or pytest.fail()) == 1
    assert objects.read_title(w.repo.issue(1).title)[0] == DOI


@pytest.mark.parametrize("talk", [0, 7, 130])
def test_an_imported_issue_without_its_titles__is_found_by_a_sweep_and_says_its_id_then(
    w: World, store: GitHubStore, talk: int
) -> None:
    w.repo.open_issue("alice", "My favourite paper", '{"n": 0}', LABELS)
    w.repo.comment(1, BOT, checkpoint({"n": 0}, after=0, revision=1, update_id="x", version="1", object_id=DOI))
    for number in range(talk):
        w.repo.comment(1, "alice", f"talk {number}")
    assert [one.meta.object_id for one in store.list_all()] == [DOI]
    w.update(1, {"n": 1})
    assert [(one.object_id, one.applied) for one in w.sweep()] == [(DOI, 1)]
    assert objects.read_title(w.repo.issue(1).title)[0] == DOI
    assert w.sweep() == []
    assert store.get(DOI).data == {"n": 1}


def test_a_hash_of_an_id_that_nothing_says__is_named_by_lists_and_sweeps(w: World) -> None:
    w.repo.open_issue("alice", "My favourite paper", '{"n": 0}', LABELS)
    lines: list[str] = []
    with store_of(w, log=lines.append) as store:
        assert list(store.list_all()) == []
    assert "Skipped issue #1: its label 'UID:=" in lines[0]
    assert "neither a title nor a state in its log names" in lines[0]
    assert ["neither a title nor a state" in one.skipped for one in w.sweep()] == [True]


def test_an_imported_issue__behind_another_one_with_its_label_is_the_object_that_its_log_says(
    w: World, store: GitHubStore
) -> None:
    store.create("mine", {})
    w.repo.edit_issue(1, "alice", labels=LABELS)
    w.repo.open_issue("alice", "My favourite paper", '{"n": 0}', LABELS)
    w.repo.comment(2, BOT, checkpoint({"n": 0}, after=0, revision=1, update_id="x", version="1", object_id=DOI))
    assert (store.get(DOI).data, store.get(DOI).meta.issue_number) == ({"n": 0}, 2)
    with pytest.raises(ObjectExists):
        store.create(DOI, {})


def test_a_hash_on_an_issue_with_a_long_log__may_be_the_object_and_is_not_made_again(
    w: World, store: GitHubStore
) -> None:
    w.repo.open_issue("alice", "My favourite paper", '{"n": 0}', LABELS)
    for number in range(101):
        w.repo.comment(1, "alice", f"talk {number}")
    with pytest.raises(ObjectExists, match="neither a title nor a state"):
        store.create(DOI, {})


def test_a_hash_that_somebody_types__makes_no_issue_the_object(w: World, store: GitHubStore) -> None:
    store.create("mine", {"n": 0})
    w.repo.edit_issue(1, "alice", labels=LABELS)
    with pytest.raises(ObjectNotFound, match="has the label of 'https://doi.*, but its label 'UID:=.*names"):
        store.get(DOI)
    assert list(store.list_all()) == []
    assert w.process(1).skipped
    made = store.create(DOI, {"n": 7})
    assert (made.meta.issue_number, store.get(DOI).data) == (2, {"n": 7})
    (problem,) = store.verify()
    assert (problem.kind, problem.object_id, problem.issue_number) == ("wrong-label", "mine", 1)
    assert [one.repaired for one in store.verify(repair=True)] == [True]
    assert [store.get("mine").data, store.get(DOI).data] == [{"n": 0}, {"n": 7}]
    assert store.verify() == ()


def test_a_hash_and_a_title_that_somebody_types__make_no_issue_another_object(w: World, store: GitHubStore) -> None:
    number = w.repo.open_issue("mallory", "Stored Object: mine", '{"n": 0}', ["stored-object", "UID:mine"])
    w.repo.edit_issue(number, "alice", body='{"n": 1}')
    w.process(number)
    w.repo.edit_issue(number, "mallory", title=f'Stored Object: "{DOI}"')
    w.repo.edit_issue(number, "alice", labels=LABELS)
    with pytest.raises(ObjectNotFound, match="the title that the store wrote says mine"):
        store.get(DOI)
    (problem,) = store.verify(repair=True)
    assert (problem.kind, problem.repaired) == ("wrong-label", True)
    assert store.get("mine").data == {"n": 1}


def test_a_strangers_issue__with_the_whole_title__is_not_the_object(w: World, store: GitHubStore) -> None:
    w.repo.open_issue("mallory", f'Stored Object: "{DOI}"', '{"mine": true}', LABELS)
    with pytest.raises(ObjectNotFound, match="opened by mallory"):
        store.get(DOI)
    assert store.create(DOI, {"n": 0}).meta.issue_number == 2
    assert [one.data for one in store.list_all()] == [{"n": 0}]


def test_two_ids_with_one_label__never_meet(w: World, store: GitHubStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "HASH_DIGITS", 0)
    for object_id in ("a, b", "c, d"):
        store.create(object_id, {"id": object_id})
    assert w.repo.issue(1).labels == w.repo.issue(2).labels
    for object_id in ("a, b", "c, d"):
        assert store.get(object_id).data == {"id": object_id}
        assert store.update(object_id, {"n": 1}, apply=True).data == {"id": object_id, "n": 1}
    with pytest.raises(ObjectNotFound):
        store.get("e, f")
    assert len(list(store.list_all())) == 2
    store.delete("a, b")
    assert [one.meta.object_id for one in store.list_all()] == ["c, d"]
    store.restore("a, b")
    assert store.verify() == ()


def test_gh_stores_label_of_such_an_id__is_put_right_by_verify(w: World, store: GitHubStore) -> None:
    w.repo.open_issue("alice", "Stored Object: a b", '{"n": 0}', ["stored-object", "UID:a b"])
    w.repo.open_issue("mallory", "Stored Object: c d", "{}", ["stored-object", "UID:c d"])
    w.repo.open_issue("alice", "Stored Object: e\u2028f", "{}", ["stored-object", "UID:e\u2028f"])
    found = store.verify()
    assert [(one.kind, one.object_id, one.issue_number) for one in found][:1] == [("wrong-label", "a b", 1)]
    assert f"its label is 'UID:a b', and should be '{uid_label('a b', RULES)}'" in found[0].message
    store.verify(repair=True)
    assert (store.get("a b").data, w.repo.issue(2).labels) == ({"n": 0}, ("stored-object", "UID:c d"))


# -- at once, and killed


def _creates(w: World, datas: list[object], orders: Orders) -> None:
    saved = w.hub.save()
    for schedule in orders:
        w.hub.restore(saved)
        got: list[object] = []

        def job(token: str, data: object) -> Callable[[], None]:
            def run() -> None:
                with store_of(w, token) as s:
                    try:
                        got.append(s.create(DOI, data))  # noqa: B023
                    except ObjectExists as refused:
                        got.append(refused)  # noqa: B023

            return run

        tokens = [w.token() for _ in datas]
        schedule.run(w.hub, {token: job(token, data) for token, data in zip(tokens, datas, strict=True)})
        won = [one for one in got if not isinstance(one, Exception)]
        assert len(won) == 1, schedule.order
        with store_of(w) as s:
            assert s.get(DOI).data == won[0].data  # type: ignore[attr-defined]
            assert s.verify() == (), schedule.order


def test_creators_of_one_long_id__one_live_object_and_one_winner(w: World) -> None:
    _creates(w, [{"a": 1}, {"a": 2}], Orders(QUICK, seed=5))


def test_creators_of_two_ids_with_one_label__both_have_theirs(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "HASH_DIGITS", 0)
    saved = w.hub.save()
    for schedule in Orders(QUICK, seed=6):
        w.hub.restore(saved)
        one, other = w.token(), w.token()

        def create(token: str, object_id: str) -> Callable[[], None]:
            def run() -> None:
                with store_of(w, token) as s:
                    s.create(object_id, {"id": object_id})

            return run

        failures = schedule.run(w.hub, {one: create(one, "a, b"), other: create(other, "c, d")})
        assert failures == {}, schedule.order
        with store_of(w) as s:
            assert [s.get(object_id).data for object_id in ("a, b", "c, d")] == [{"id": "a, b"}, {"id": "c, d"}]


@pytest.mark.slow
def test_a_create_or_a_move_that_is_killed_at_any_request__is_completed(w: World) -> None:
    def made(token: str) -> None:
        with store_of(w, token) as s:
            s.create(DOI, {"count": 0})

    for _ in disturbed(w, 1, made, lambda: made(w.token()) if not _there(w) else None):
        with store_of(w) as s:
            assert [one.data for one in s.list_all()] == [{"count": 0}]
    made(w.token())

    def moved(token: str) -> None:
        with store_of(w, token) as s:
            s.roll_over(DOI)

    for _ in disturbed(w, 1, moved, lambda: moved(w.token())):
        with store_of(w) as s:
            assert [one.meta.object_id for one in s.list_all()] == [DOI]
            assert s.get(DOI, revision=1).data == {"count": 0}


def _there(w: World) -> bool:
    with store_of(w) as s:
        try:
            return bool(s.get(DOI).meta.version) and "[r1" in w.repo.issue(1).title
        except StoreError:
            return False


# -- rules, snapshots, outputs


def test_globs_of_the_configuration__see_the_whole_id(w: World) -> None:
    w.repo.commit_files(
        {
            ".github/gh-store.yml": "store: {access: [{match: 'https://doi.org/*', permission: admin}],"
            " schemas: [{match: '* [[]strict]', schema: one.json}]}",
            ".github/gh-store/one.json": '{"required": ["n"]}',
        },
        by="alice",
    )
    with store_of(w) as store:
        store.create(DOI, {"n": 0})
        w.update(1, {"n": 1})
        assert w.process(1).counts.refused == 1
        with pytest.raises(StoreError, match="is refused"):
            store.create("a, b [strict]", {})
        assert store.create("a, b [strict]", {"n": 1}).meta.version == 1


@pytest.mark.parametrize("format_", ["json", "jsonl", "directory"])
def test_snapshots__hold_any_id_and_come_to_the_same_bytes(scene: Scene, tmp_path: Path, format_: str) -> None:
    for number, object_id in enumerate(["plain", "A, b", *IDS]):
        assert scene.run("create", object_id=object_id, data=json.dumps({"n": number})).exit_code == 0
    workspace = tmp_path / "work"
    workspace.mkdir()
    given = {"format": format_, "output": "out", "commit": "false", "workspace": workspace}
    assert scene.run("snapshot", **given).outputs["object-count"] == f"{2 + len(IDS)}"
    first = _files(workspace)
    if format_ == "json":
        assert set(json.loads(first["out"])["objects"]) == {"plain", "A, b", *IDS}
    if format_ == "directory":
        index = json.loads(first["out/index.json"])["objects"]
        for object_id, known in index.items():
            assert json.loads(first["out/" + known["path"]])["meta"]["object_id"] == object_id
            assert known["path"] == file_of(object_id, known["label"])
        assert len({name.casefold() for name in first}) == len(first) == 3 + len(IDS)
    assert scene.run("update-snapshot", **given).outputs["changed"] == "false"
    scene.github.clock.advance(600)
    assert scene.run("update", object_id="a, b", data='{"n": 99}').exit_code == 0
    assert scene.run("delete", object_id=IDS[2]).exit_code == 0
    assert scene.run("update-snapshot", **given).outputs["changed"] == "true"
    brought = _files(workspace)
    for file in workspace.rglob("*"):
        if file.is_file():
            file.unlink()
    assert scene.run("snapshot", **given).exit_code == 0
    assert _files(workspace) == brought


def _files(folder: Path) -> dict[str, str]:
    return {
        one.relative_to(folder).as_posix(): one.read_text("utf-8") for one in sorted(folder.rglob("*")) if one.is_file()
    }


@pytest.mark.parametrize("object_id", IDS, ids=range(len(IDS)))
def test_action__outputs_and_summary_have_the_id_and_no_more(scene: Scene, object_id: str) -> None:
    made = scene.run("create", object_id=object_id, data="{}")
    assert made.outputs["object-id"] == object_id
    number = int(made.outputs["issue-number"])
    scene.post(number, '{"n": 1}')
    run = scene.run("process", issue_number=number)
    assert run.outputs["object-id"] == object_id
    assert (
        "<b>" not in run.summary and "@octo/team" not in run.summary.replace("`", "")[: 0 if "`" in object_id else None]
    )
    assert scene.run("get", object_id=object_id).outputs["object"] == '{"n":1}'


def test_command__takes_any_id_as_an_argument(shell: Shell) -> None:
    for object_id in IDS:
        assert shell.run("create", "--", object_id, '{"n": 0}').code == 0
        assert shell.run("get", object_id).json["data"] == {"n": 0}
        assert shell.run("update", object_id, '{"n": 1}', "--apply").json["version"] == 2
    assert {one["object_id"] for one in shell.run("list").json} == set(IDS)
    near = shell.run("get", DOI + "&")
    assert (near.code, DOI in near.err) == (1, True)
    said = shell.run("delete", IDS[5])
    assert said.code == 0
