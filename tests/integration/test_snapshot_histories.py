"""`history: true`: each object's history beside the snapshot, read where it is new, the same bytes in any way."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gh_store_action.domain.objects import hash_of
from gh_store_action.gateway.issues import GitHub as Issues
from gh_store_action.gateway.transport import Transport
from gh_store_action.snapshots.making import SnapshotResult, Snapshots, Target
from gh_store_action.store.session import Session
from gh_store_action.workspace.files import Workspace
from tests.support.scene import OWNER, Run, Scene
from tests.support.store import World, world

pytestmark = pytest.mark.slow

PLACES = {"json": "data/store.json", "jsonl": "data/store.jsonl", "directory": "data/store"}
FOLDERS = {"json": "data/history", "jsonl": "data/history", "directory": "data/store/history"}


def snap(scene: Scene, workspace: Path, mode: str = "update-snapshot", format_: str = "json", **more: Any) -> Run:
    given = {"output": PLACES[format_], "format": format_, "history": True, "commit": False, **more}
    run = scene.run(mode, workspace=workspace, allow_shrink=True, **given)
    assert run.exit_code == 0, run.log
    return run


def histories(workspace: Path, folder: str = FOLDERS["json"]) -> dict[str, bytes]:
    place = workspace / folder
    return {file.name: file.read_bytes() for file in sorted(place.iterdir())} if place.is_dir() else {}


def lines(workspace: Path, name: str, folder: str = FOLDERS["json"]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in histories(workspace, folder)[f"{name}.jsonl"].splitlines()]


def published(scene: Scene, branch: str = "main", folder: str = FOLDERS["json"]) -> dict[str, bytes]:
    names = scene.repository.git("ls-tree", "-r", "--name-only", branch, f"{folder}/").split()
    return {name.removeprefix(f"{folder}/"): scene.repository.file(name, branch) or b"" for name in names}


def applied(scene: Scene, number: int, **data: Any) -> None:
    """An update, folded ten minutes later."""
    scene.github.clock.advance(600)
    scene.post(number, json.dumps(data))
    assert scene.run("process", issue_number=number).exit_code == 0


# What is written


@pytest.mark.parametrize("format_", sorted(PLACES))
def test_history__has_a_file_an_object_and_reads_only_what_is_new(scene: Scene, folder: Path, format_: str) -> None:
    numbers = [scene.make(name, {"n": 0}) for name in ("a/b", "B", "other")]
    applied(scene, numbers[0], n=1)
    run = snap(scene, folder, "snapshot", format_)
    assert run.operations == ["List", "List", "Read", "Read", "Read"]
    place = FOLDERS[format_]
    assert list(histories(folder, place)) == ["B.jsonl", "a%2Fb.jsonl", "index.json", "other.jsonl"]
    found = lines(folder, "a%2Fb", place)
    assert [(one["revision"], one["mode"], one["patch"], one.get("state")) for one in found] == [
        (1, "initial", None, {"n": 0}),
        (2, "append", {"n": 1}, None),
    ]
    assert found[1]["author"] == "ada"

    before = histories(folder, place)
    applied(scene, numbers[1], n=7)
    run = snap(scene, folder, format_=format_)
    assert run.operations == ["List", "Read"]
    after = histories(folder, place)
    assert [name for name in after if after[name] != before[name]] == ["B.jsonl", "index.json"]
    run = snap(scene, folder, format_=format_)
    assert (run.operations, run.outputs["changed"]) == (["List"], "false")


def test_history__is_left_out_unless_asked_for(scene: Scene, folder: Path) -> None:
    scene.make()
    run = snap(scene, folder, "snapshot", history=False)
    assert (run.operations, histories(folder)) == (["List", "List"], {})
    run = snap(scene, folder)
    assert (run.operations, run.outputs["changed"]) == (["List", "Read"], "true")
    assert list(histories(folder)) == ["index.json", "metrics.jsonl"]


@pytest.mark.parametrize("commit", [None, "git", "api"])
def test_history__of_many_objects_lies_in_folders_of_few_and_moves_with_the_next_revision(
    scene: Scene, folder: Path, monkeypatch: pytest.MonkeyPatch, commit: str | None
) -> None:
    monkeypatch.setattr("gh_store_action.domain.snapshots.files.FULL", 4)  # three and the index
    how: dict[str, Any] = {"commit": True, "commit_via": commit, "branch": "data"} if commit else {}
    folder = scene.checkout() if commit == "git" else folder
    numbers = [scene.make(f"o{number}", {"n": 0}) for number in range(3)]
    snap(scene, folder, "snapshot", **how)
    flat = [f"history/o{number}.jsonl" for number in range(3)]
    assert placed(scene, folder, commit) == flat

    scene.github.clock.advance(600)
    scene.make("o3", {"n": 0})
    assert snap(scene, folder, **how).operations.count("Read") == 1
    o0, o1, o2, o3 = (f"history/{hash_of(f'o{number}')[0]}/o{number}.jsonl" for number in range(4))
    assert placed(scene, folder, commit) == sorted([*flat, o3])

    applied(scene, numbers[1], n=1)
    assert snap(scene, folder, **how).operations.count("Read") == 1
    assert placed(scene, folder, commit) == sorted([flat[0], o1, flat[2], o3])
    run = snap(scene, folder, **how)
    assert (run.outputs["changed"], run.operations.count("Read")) == ("false", 0)

    if not commit:
        shutil.rmtree(folder / "data" / "history")
        snap(scene, folder, **how)
        assert placed(scene, folder, commit) == sorted([o0, o1, o2, o3])


def placed(scene: Scene, workspace: Path, commit: str | None) -> list[str]:
    """Where the histories lie, as the index says, which has to be where they are."""
    place = workspace / "data" / "history"
    there = {f"history/{file.relative_to(place)}": file.read_bytes() for file in place.rglob("*") if file.is_file()}
    if commit:
        there = {f"history/{name}": data for name, data in published(scene, "data").items()}
    index = json.loads(there.pop("history/index.json"))
    assert sorted(f"history/{one['path']}" for one in index["objects"].values()) == sorted(there)
    return sorted(there)


def test_history__of_deleted_objects_goes_and_comes_back(scene: Scene, folder: Path) -> None:
    scene.make("stays")
    scene.make("gone")
    snap(scene, folder, "snapshot")
    before = histories(folder)
    scene.github.clock.advance(600)
    assert scene.run("delete", object_id="gone").exit_code == 0
    snap(scene, folder)
    assert list(histories(folder)) == ["index.json", "stays.jsonl"]
    scene.github.clock.advance(600)
    assert scene.run("restore", object_id="gone").exit_code == 0
    snap(scene, folder)
    assert histories(folder) == before


def test_history__is_read_by_a_hundred_comments(scene: Scene, folder: Path) -> None:
    number = scene.make()
    for place in range(230):
        scene.post(number, f"talk {place}")
    assert snap(scene, folder, "snapshot").operations.count("Read") == 3
    assert len(lines(folder, "metrics")) == 1


def test_history__is_that_of_the_snapshots_revision_though_the_object_went_on(w: World, tmp_path: Path) -> None:
    number = w.object("m")
    asked: list[str] = []

    def after(request: Any) -> None:
        asked.append(request.operation)
        if asked.count("List") == 2:
            w.hub.after_request.clear()
            w.update(number, {"count": 5})
            w.process(number)

    w.hub.after_request.append(after)
    store_to(w, tmp_path, "json")
    assert [one["revision"] for one in lines(tmp_path, "m", "history")] == [1]
    assert json.loads(histories(tmp_path, "history")["index.json"])["objects"]["m"]["revision"] == 1
    store_to(w, tmp_path, "json")
    assert [one["revision"] for one in lines(tmp_path, "m", "history")] == [1, 2]


def test_dry_run__reads_none_and_says_how_many(scene: Scene, folder: Path) -> None:
    for name in ("a", "b"):
        scene.make(name)
    run = snap(scene, folder, "snapshot", dry_run=True)
    assert run.operations == ["List", "List"]
    assert "2 histories would be read." in run.log
    assert list(folder.iterdir()) == []
    snap(scene, folder, "snapshot")
    run = snap(scene, folder, dry_run=True)
    assert (run.outputs["changed"], "would be read" in run.log) == ("false", False)


# What goes wrong


def test_budget__where_it_ends_the_snapshot_is_there_and_the_next_run_goes_on(scene: Scene, folder: Path) -> None:
    for name in "abcdef":
        scene.make(name)
    scene.github.set_rate_limit(scene.token, "graphql", limit=1_000, remaining=11)
    run = snap(scene, folder, "snapshot")
    assert 0 < len(histories(folder)) - 1 < 6
    left = 7 - len(histories(folder))
    assert f"{left} histories left; try again after" in run.log
    assert len(json.loads((folder / PLACES["json"]).read_text())["objects"]) == 6
    scene.github.set_rate_limit(scene.token, "graphql", limit=1_000, remaining=1_000)
    run = snap(scene, folder)
    assert (run.operations, run.outputs["changed"]) == (["List", *["Read"] * left], "true")
    scene.folder.joinpath("aside").mkdir()
    snap(scene, scene.folder / "aside", "snapshot")
    assert histories(scene.folder / "aside") == histories(folder)


def test_failure__of_one_history_costs_that_one_and_is_told(scene: Scene, folder: Path) -> None:
    for name in ("a", "b"):
        scene.make(name)
    snap(scene, folder, "snapshot")
    old = histories(folder)
    for number in (1, 2):
        applied(scene, number, n=number)
    fault = scene.github.faults.status(
        502,
        match=lambda request: request.operation == "Read" and '"number":1' in request.body.replace(" ", ""),
        times=None,
    )
    run = snap(scene, folder)
    assert 'Histories could not be read, of "a": ' in run.log
    assert [one["revision"] for one in lines(folder, "b")] == [1, 2]
    assert histories(folder)["a.jsonl"] == old["a.jsonl"]
    scene.github.faults.remove(fault)
    assert snap(scene, folder).operations == ["List", "Read"]
    assert [one["revision"] for one in lines(folder, "a")] == [1, 2]


def test_failure__that_lasts_ends_the_run(scene: Scene, folder: Path) -> None:
    scene.make()
    scene.github.faults.status(401, match=lambda request: request.operation == "Read", times=None)
    given = {"output": PLACES["json"], "history": True, "commit": False}
    assert scene.run("snapshot", workspace=folder, **given).exit_code == 1


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("index.json", "{}", "The file 'data/history/index.json' is not an index of histories."),
        ("index.json", '{"repository": "o/other", "objects": {}}', "is of the repository 'o/other'."),
        ("metrics.jsonl", "mine\n", "The file 'data/history/metrics.jsonl' is not a history, and an object needs it."),
    ],
)
def test_folder__with_something_else_is_left_alone(scene: Scene, folder: Path, name: str, text: str, said: str) -> None:
    scene.make()
    place = folder / "data/history"
    place.mkdir(parents=True)
    (place / name).write_text(text)
    run = scene.run("snapshot", workspace=folder, output=PLACES["json"], history=True, commit=False)
    assert (run.exit_code, list(place.iterdir())) == (2, [place / name])
    assert said in run.error
    assert "Choose another place for the snapshot, or remove the folder 'data/history'" in run.error


def test_folder__that_is_a_file_is_told_before_a_request(scene: Scene, folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data/history").write_text("mine")
    run = scene.run("snapshot", workspace=folder, output=PLACES["json"], history=True, commit=False)
    assert (run.exit_code, run.operations) == (2, [])


def test_folder__keeps_other_files_and_what_a_killed_run_left(scene: Scene, folder: Path) -> None:
    scene.make()
    snap(scene, folder, "snapshot")
    before = histories(folder)
    (folder / "data/history/notes.txt").write_text("mine")
    (folder / "data/history/index.json").unlink()  # it is written last
    snap(scene, folder)
    assert histories(folder) == {**before, "notes.txt": b"mine"}


# Where it is committed


@pytest.mark.parametrize(
    ("format_", "via", "branch"),
    [("json", "git", "data"), ("json", "api", ""), ("directory", "git", ""), ("directory", "api", "data")],
)
def test_commit__has_the_histories_with_the_snapshot(scene: Scene, via: str, format_: str, branch: str) -> None:
    numbers = [scene.make(name, {"n": 0}) for name in ("a", "b", "gone")]
    first = scene.checkout("first")
    options = {"format_": format_, "commit": True, "commit_via": via, "branch": branch}
    snap(scene, first, "snapshot", **options)
    place, on = FOLDERS[format_], branch or "main"
    made = published(scene, on, place)
    assert made == histories(first, place) != {}
    count = len(scene.repository.git("log", "--format=%h", on).splitlines())
    applied(scene, numbers[0], n=1)
    assert scene.run("delete", object_id="gone").exit_code == 0
    second = scene.checkout("second")
    run = snap(scene, second, **options)
    assert run.operations.count("Read") == 1
    now = published(scene, on, place)
    assert len(scene.repository.git("log", "--format=%h", on).splitlines()) == count + 1
    assert sorted(now) == ["a.jsonl", "b.jsonl", "index.json"]
    assert now["a.jsonl"] != made["a.jsonl"]
    assert now["b.jsonl"] == made["b.jsonl"]
    inside = histories(second, place)
    assert inside == (now if via == "git" or not branch else {name: now[name] for name in inside})
    run = snap(scene, second, **options)
    assert (run.outputs["changed"], run.outputs["commit-sha"]) == ("false", "")


@pytest.mark.parametrize("via", ["git", "api"])
def test_commit__takes_histories_that_an_earlier_run_only_wrote(scene: Scene, via: str) -> None:
    scene.make()
    checkout = scene.checkout()
    snap(scene, checkout, "snapshot")
    run = snap(scene, checkout, commit=True, commit_via=via)
    assert run.operations.count("Read") == 0
    assert published(scene) == histories(checkout) != {}


@pytest.mark.parametrize("via", ["git", "api"])
def test_commit__other_line_ends_in_the_work_tree_are_no_change(scene: Scene, via: str) -> None:
    scene.repository.commit_files({".gitattributes": "* text eol=crlf\n"})
    number = scene.make("a", {"n": 0})
    scene.make("b")
    snap(scene, scene.checkout(), commit=True, commit_via=via)
    made = published(scene)
    again = scene.checkout("again")
    assert {data.count(b"\r\n") > 0 for data in histories(again).values()} == {True}
    run = snap(scene, again, commit=True, commit_via=via)
    assert (run.outputs["changed"], run.outputs["commit-sha"], published(scene)) == ("false", "", made)
    applied(scene, number, n=1)
    third = scene.checkout("third")
    assert snap(scene, third, commit=True, commit_via=via).outputs["commit-sha"]
    assert published(scene) == histories(third)
    assert published(scene)["b.jsonl"] == made["b.jsonl"]


@pytest.mark.parametrize("via", ["git", "api"])
def test_commit__again_where_the_work_tree_lacks_histories_reads_none(scene: Scene, via: str) -> None:
    scene.make("a")
    scene.make("b")
    snap(scene, scene.checkout(), commit=True, commit_via=via)
    made = published(scene)
    checkout = scene.checkout("lacking")
    shutil.rmtree(checkout / "data")
    for _ in range(2):
        run = snap(scene, checkout, commit=True, commit_via=via)
        assert (run.outputs["changed"], run.outputs["commit-sha"], run.operations.count("Read")) == ("false", "", 0)
    assert published(scene) == made


def test_commit__at_the_top_of_the_repository(scene: Scene) -> None:
    scene.make()
    checkout = scene.checkout()
    for via in ("api", "git"):
        snap(scene, checkout, output="store.json", commit=True, commit_via=via)
        assert published(scene, folder="history") == histories(checkout, "history") != {}


def job(scene: Scene, name: str, via_api: bool, branch: str = "") -> Snapshots:
    pause = scene.waits.append
    transport = Transport(token=scene.token, api_url=scene.github.api_url, pause=pause)
    workspace = Workspace(scene.checkout(name), dict(os.environ), scene.github.server_url, scene.token, pause)
    target = Target(PLACES["json"], history=True, via_api=via_api, branch=branch)
    return Snapshots(Session(Issues(transport, scene.full_name)), workspace, target, allow_shrink=True)


@pytest.mark.parametrize("via_api", [False, True])
def test_overtaken__histories_of_what_left_behind_the_later_snapshot_go(scene: Scene, via_api: bool) -> None:
    numbers = [scene.make(name, {"n": 0}) for name in ("a", "gone")]
    late = job(scene, "late", via_api)
    job(scene, "first", via_api).make()
    applied(scene, numbers[0], n=1)

    def after(request: Any) -> None:
        if request.operation == "Read":
            scene.github.after_request.clear()
            theirs = scene.open("theirs")
            job(scene, "other", via_api).make()
            for number in (numbers[1], theirs):
                scene.repository.edit_issue(number, OWNER, labels=[])

    scene.github.after_request.append(after)
    assert late.make().overtaken == 1
    (scene.folder / "aside").mkdir()
    snap(scene, scene.folder / "aside", "snapshot")
    assert published(scene) == histories(scene.folder / "aside")


@pytest.mark.parametrize(("via_api", "branch"), [(False, "data"), (True, "")])
def test_overtaken__histories_are_those_of_the_later_snapshot(scene: Scene, via_api: bool, branch: str) -> None:
    numbers = [scene.make(name, {"n": 0}) for name in ("a", "b")]
    job(scene, "first", via_api, branch).make()
    applied(scene, numbers[0], n=1)
    late, seen = job(scene, "late", via_api, branch), []

    def after(request: Any) -> None:
        seen.append(request.operation)
        if request.operation == "Read":
            scene.github.after_request.clear()
            scene.github.clock.advance(600)
            scene.repository.edit_issue(numbers[1], OWNER, body='{"n": 2}')
            job(scene, "other", via_api, branch).make()

    scene.github.after_request.append(after)
    assert late.make().overtaken == 1
    (scene.folder / "aside").mkdir()
    snap(scene, scene.folder / "aside", "snapshot")
    assert published(scene, branch or "main") == histories(scene.folder / "aside")


# The same bytes in any way

ACTS = st.lists(
    st.tuples(
        st.sampled_from(("update", "update", "refused", "edit", "talk", "delete", "restore", "same second", "snap")),
        st.integers(0, 2),
        st.integers(0, 9),
    ),
    max_size=12,
)


def store_to(w: World, folder: Path, format_: str) -> SnapshotResult:
    workspace = Workspace(folder, dict(os.environ), "", "", w.pause)
    target = Target(format_, format=format_, commit=False, history=True)
    return Snapshots(w.session(), workspace, target, allow_shrink=True).update()


def act(w: World, kind: str, place: int, value: int) -> None:
    number = place + 1
    uid = [label for label in w.repo.issue(number).labels if label.startswith("UID:")]
    if kind == "same second":
        w.hub.clock.tick = not w.hub.clock.tick
    elif kind in ("update", "refused"):
        w.update(number, {"n": value} if kind == "update" else {"_data": {}, "_meta": {"if_revision": 99}})
        w.process(number)
    elif kind == "edit":
        w.repo.edit_issue(number, "alice", body=json.dumps({"n": value}))
        if value % 2:
            w.process(number)
    elif kind == "talk":
        w.repo.comment(number, "mallory", "Nice." if value % 2 else '{"n": 99}')
    elif kind == "delete":
        w.repo.edit_issue(number, "alice", labels=[*uid, "archived"])
    else:
        w.repo.edit_issue(number, "alice", labels=[*uid, "stored-object"])


@pytest.mark.parametrize("format_", ["json", "directory"])
def test_history__has_the_same_bytes_in_full_and_brought_up_to_date(format_: str) -> None:
    with world() as w:
        for name in ("a", "b", "c, d"):
            w.repo.open_issue("alice", f"Stored Object: {name}", '{"n": 0}', ["stored-object", f"UID:{name}"])
        for number in (1, 2):
            w.process(number)
        clean = w.hub.save()

        @settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(acts=ACTS)
        def search(acts: list[tuple[str, int, int]]) -> None:
            w.hub.restore(clean)
            with tempfile.TemporaryDirectory() as root:
                one, other = Path(root, "one"), Path(root, "other")
                one.mkdir()
                other.mkdir()
                for kind, place, value in acts:
                    if kind == "snap":
                        store_to(w, one, format_)
                    else:
                        act(w, kind, place, value)
                store_to(w, one, format_)
                store_to(w, other, format_)
                folder = "history" if format_ == "json" else f"{format_}/history"
                assert histories(one, folder) == histories(other, folder) != {}

        search()
