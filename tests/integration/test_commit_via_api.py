"""`commit-via: api`: commits that GitHub makes and signs, under races, within its bounds, and without any git here."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gh_store_action.action.wording import explained
from gh_store_action.domain.snapshots.git_blobs import blob_oid
from gh_store_action.errors import ConcurrentUpdateError, StoreError
from gh_store_action.gateway.commits import CommitGateway
from gh_store_action.gateway.transport import Transport
from gh_store_action.snapshots import api_commits as committing
from gh_store_action.snapshots.api_commits import ApiCommits
from tests.double import GitHub, Request
from tests.support import git
from tests.support.scene import OWNER, WRITER, Run, Scene

pytestmark = pytest.mark.slow

SNAPSHOT = "data/store-snapshot.json"
PLACES = {"json": SNAPSHOT, "jsonl": "data/store-snapshot.jsonl", "directory": "data/store"}


def via_api(scene: Scene, mode: str, folder: Path, **more: Any) -> Run:
    return scene.run(mode, workspace=folder, commit_via="api", **more)


def on_branch(scene: Scene, branch: str = "main") -> dict[str, bytes]:
    """The files of the branch, but the README."""
    names = scene.repository.git("ls-tree", "-r", "--name-only", branch).split()
    return {name: scene.repository.file(name, branch) or b"" for name in names if name != "README.md"}


def in_folder(folder: Path) -> dict[str, bytes]:
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def changed(scene: Scene, number: int, **data: Any) -> None:
    scene.github.clock.advance(600)
    scene.repository.edit_issue(number, OWNER, body=json.dumps(data))


def commits(run: Run) -> list[Request]:
    return [request for request in run.requests if request.operation == "Commit"]


# What is committed


@pytest.mark.parametrize("format_", ["json", "jsonl", "directory"])
def test_api__commits_what_it_wrote_and_only_that(scene: Scene, folder: Path, format_: str) -> None:
    first, gone = scene.open("a/b", {"n": 1}), scene.open("gone", {"n": 2})
    scene.repository.commit_files({"data/store/notes.txt": "mine", "data/store/objects/picture.png": "mine"})
    run = via_api(scene, "snapshot", folder, format=format_)
    assert run.exit_code == 0, run.log
    assert run.operations == ["Tip", "List", "List", "Commit"]
    assert (run.outputs["changed"], run.outputs["commit-sha"]) == ("true", scene.repository.head())
    users = {"data/store/notes.txt": b"mine", "data/store/objects/picture.png": b"mine"}
    assert on_branch(scene) == {**in_folder(folder), **users}

    changed(scene, first, n=7)
    scene.repository.edit_issue(gone, OWNER, labels=["UID:gone", "archived"])
    run = via_api(scene, "update-snapshot", folder, format=format_, allow_shrink=True)
    assert (run.exit_code, run.operations) == (0, ["Tip", "List", "Commit"])
    assert on_branch(scene) == {**in_folder(folder), **users}
    assert PLACES["directory"] + "/objects/gone.json" not in on_branch(scene)


def test_api__sends_only_the_files_that_are_other_ones(scene: Scene, folder: Path) -> None:
    first = scene.open("a", {"n": 1})
    scene.open("b", {"n": 1})
    via_api(scene, "snapshot", folder, format="directory")
    changed(scene, first, n=2)
    run = via_api(scene, "update-snapshot", folder, format="directory")
    sent = commits(run)[0].json["variables"]["input"]["fileChanges"]
    assert [addition["path"] for addition in sent["additions"]] == [
        "data/store/objects/a.json",
        "data/store/index.json",
    ]
    assert json.loads(base64.b64decode(sent["additions"][0]["contents"]))["data"] == {"n": 2}
    assert sent["deletions"] == []


def test_api__nothing_changed_means_no_commit(scene: Scene, folder: Path, tmp_path: Path) -> None:
    scene.open("a")
    via_api(scene, "snapshot", folder)
    head = scene.repository.head()
    for place in (folder, tmp_path / "another"):
        place.mkdir(exist_ok=True)
        run = via_api(scene, "snapshot", place)
        assert (run.outputs["commit-sha"], scene.repository.head()) == ("", head)
        assert run.operations == ["Tip", "List", "List"]
    assert via_api(scene, "snapshot", folder).outputs["changed"] == "false"


def test_api__message_has_the_trailers_and_the_author_is_the_tokens(scene: Scene, folder: Path) -> None:
    scene.open("a")
    via_api(scene, "snapshot", folder, commit_message="Keep the store\n\nFor the record.")
    time = json.loads(in_folder(folder)[SNAPSHOT])["snapshot_time"]
    assert scene.repository.git("show", "--no-patch", "--format=%an%n%cn%n%B", "main").rstrip() == (
        "github-actions[bot]\nGitHub\nKeep the store\n\nFor the record.\n\n"
        f"Store-Objects: 1\nStore-Watermark: {time}\nStore-Repository: octo/store"
    )


def test_api__an_author_can_not_be_chosen_and_that_is_said(scene: Scene, folder: Path) -> None:
    scene.open("a")
    run = via_api(scene, "snapshot", folder, commit_author="Ada <ada@example.org>")
    assert run.result.notices == [
        "The input `commit-author` has no effect with `commit-via: api`: the author is the token's."
    ]
    assert via_api(scene, "snapshot", folder).result.notices == []


def test_api__of_another_repositorys_store_commits_where_the_workflow_runs(scene: Scene, folder: Path) -> None:
    scene.open("a")
    site = scene.github.add_repository("octo/site", files={"README.md": "# A site\n"})
    inputs = {"mode": "snapshot", "repository": "octo/store", "commit-via": "api"}
    run = scene.run(
        "snapshot", workspace=folder, inputs=inputs, repository="octo/site", token=scene.github.token(OWNER)
    )
    assert (run.exit_code, run.outputs["commit-sha"]) == (0, site.head())
    assert json.loads(site.file(SNAPSHOT) or b"")["repository"] == "octo/store"
    assert on_branch(scene) == {}


def test_api__dry_run_asks_only_what_is_in_the_store(scene: Scene, folder: Path) -> None:
    scene.open("a")
    run = via_api(scene, "snapshot", folder, dry_run=True)
    assert (run.operations, in_folder(folder), on_branch(scene)) == (["List", "List"], {}, {})


# Which branch


def test_api__without_git_means_the_runs_branch_else_the_default_one(scene: Scene, folder: Path) -> None:
    scene.open("a")
    scene.repository.git("branch", "release", "main")
    assert via_api(scene, "snapshot", folder, ref="refs/heads/release").exit_code == 0
    assert list(on_branch(scene, "release")) == [SNAPSHOT]
    assert (
        via_api(
            scene,
            "snapshot",
            folder,
            env={"GITHUB_REF": "refs/tags/v1", "GITHUB_REF_NAME": "v1", "GITHUB_REF_TYPE": "tag"},
        ).exit_code
        == 0
    )
    assert list(on_branch(scene)) == [SNAPSHOT]


def test_api__in_a_checkout_means_the_branch_that_is_checked_out_and_its_paths(scene: Scene, tmp_path: Path) -> None:
    scene.open("a")
    scene.repository.git("branch", "release", "main")
    (tmp_path / "outer").mkdir()
    checkout = git.clone(scene.repository.clone_url, tmp_path / "outer" / "inner", "--branch", "release")
    run = via_api(scene, "snapshot", checkout.parent, output="inner/store.json")
    assert (run.exit_code, run.outputs["snapshot-path"]) == (0, "inner/store.json")
    assert list(on_branch(scene, "release")) == ["store.json"]
    assert "pushed to release as" in run.summary


def test_api__a_branch_that_is_missing_is_made_where_it_was_asked_for(scene: Scene, folder: Path) -> None:
    scene.open("a")
    run = via_api(scene, "snapshot", folder, branch="store-data")
    assert (run.exit_code, run.outputs["commit-sha"]) == (0, scene.repository.head("store-data"))
    assert run.operations == ["Tip", "List", "List", "CreateBranch", "Tip", "Commit"]
    assert scene.repository.file(SNAPSHOT) is None
    run = via_api(scene, "snapshot", folder, ref="refs/heads/12/merge")
    assert run.exit_code == 1
    assert "has no branch '12/merge'. Set the input `branch` to one that exists" in run.error


def test_api__an_empty_repository_has_nothing_to_begin_a_branch_at(scene: Scene, folder: Path) -> None:
    scene.github.add_repository("octo/empty")
    run = via_api(scene, "snapshot", folder, repository="octo/empty", branch="data", token=scene.github.token(OWNER))
    assert run.exit_code == 1
    assert "octo/empty has no commits yet" in run.error


def test_api__somebody_else_may_make_the_branch_first(scene: Scene, folder: Path) -> None:
    scene.open("a")

    def make(request: Request) -> None:
        if request.operation == "CreateBranch" and scene.repository.head("data") is None:
            scene.repository.git("branch", "data", "main")

    scene.github.before_request.append(make)
    assert via_api(scene, "snapshot", folder, branch="data").exit_code == 0
    assert list(on_branch(scene, "data")) == [SNAPSHOT]


@pytest.mark.parametrize("format_", ["json", "jsonl", "directory"])
def test_api__update_reads_the_snapshot_that_the_branch_has(
    scene: Scene, tmp_path: Path, folder: Path, format_: str
) -> None:
    first, gone = scene.open("a", {"n": 1}), scene.open("gone", {"n": 2})
    via_api(scene, "snapshot", folder, format=format_, branch="data")
    changed(scene, first, n=2)
    scene.repository.edit_issue(gone, OWNER, labels=["UID:gone", "archived"])
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    run = via_api(scene, "update-snapshot", fresh, format=format_, branch="data", allow_shrink=True)
    assert run.exit_code == 0, run.log
    if format_ == "directory":  # its files are on the branch alone, and as many requests as a full one
        assert run.operations == ["Tip", "GET", "List", "List", "Commit"]
        assert "A full snapshot was made: the existing one cannot be used" in run.result.notices[0]
    else:
        assert run.operations == ["Tip", "GET", "List", "Commit"]
    assert on_branch(scene, "data") == in_folder(fresh)
    again = via_api(scene, "update-snapshot", fresh, format=format_, branch="data")
    assert (again.operations, again.outputs["changed"]) == (["Tip", "List"], "false")


def test_git__of_a_folder_on_another_branch_removes_what_the_index_there_names(scene: Scene, tmp_path: Path) -> None:
    first, gone = scene.open("a", {"n": 1}), scene.open("gone", {"n": 2})
    checkout = scene.checkout()
    assert scene.run("update-snapshot", workspace=checkout, format="directory", branch="data").exit_code == 0
    changed(scene, first, n=2)
    run = scene.run("update-snapshot", workspace=checkout, format="directory", branch="data")
    assert (run.operations, run.result.notices) == (["List"], [])
    scene.github.clock.advance(60)
    scene.repository.edit_issue(gone, OWNER, labels=["UID:gone", "archived"])
    fresh = scene.checkout("fresh")
    run = scene.run("update-snapshot", workspace=fresh, format="directory", branch="data", allow_shrink=True)
    assert run.exit_code == 0
    assert list(on_branch(scene, "data")) == ["data/store/index.json", "data/store/objects/a.json"]
    assert json.loads(on_branch(scene, "data")["data/store/objects/a.json"])["data"] == {"n": 2}


# Races


def meanwhile(scene: Scene, act: Callable[[], object], times: int = 1) -> None:
    """Somebody does that just before each of the first commits."""
    left = [times]

    def before(request: Request) -> None:
        if request.operation == "Commit" and left[0]:
            left[0] -= 1
            act()

    scene.github.before_request.append(before)


def test_race__a_lost_one_is_tried_again_on_the_new_tip(scene: Scene, folder: Path) -> None:
    scene.open("a")
    meanwhile(scene, lambda: scene.repository.commit_files({"other.txt": "theirs"}), times=3)
    run = via_api(scene, "snapshot", folder)
    assert (run.exit_code, len(commits(run))) == (0, 4)
    assert scene.repository.file("other.txt") == b"theirs"
    assert scene.repository.file(SNAPSHOT) == in_folder(folder)[SNAPSHOT]
    assert len(scene.waits) == 3


def test_race__others_who_committed_the_same_leave_nothing_to_do(scene: Scene, folder: Path) -> None:
    scene.open("a")
    meanwhile(scene, lambda: scene.repository.commit_files(dict(in_folder(folder))))
    run = via_api(scene, "snapshot", folder)
    assert (run.exit_code, run.outputs["commit-sha"], len(commits(run))) == (0, "", 1)


def test_race__as_many_as_there_are_tries_get_through_at_once_and_no_commit_is_lost(scene: Scene) -> None:
    """A try is lost only to somebody's commit, so the last of eight has lost seven."""
    publishers = [publisher(scene, f"file-{number}") for number in range(committing.TRIES)]
    start = threading.Barrier(len(publishers))

    def publish(one: ApiCommits) -> str:
        start.wait()
        return one.publish({"": one.path.encode()}, (), one.path).sha

    with ThreadPoolExecutor(len(publishers)) as pool:
        made = list(pool.map(publish, publishers))
    assert on_branch(scene) == {one.path: one.path.encode() for one in publishers}
    assert sorted(made) == sorted(scene.repository.git("log", "--format=%H", "--grep=file-", "main").split())


def test_race__the_tries_are_bounded(scene: Scene, folder: Path) -> None:
    scene.open("a")
    count = iter(range(100))
    meanwhile(scene, lambda: scene.repository.commit_files({"other.txt": f"{next(count)}"}), times=100)
    run = via_api(scene, "snapshot", folder)
    assert (run.exit_code, len(commits(run))) == (1, 8)
    assert "during each of 8 attempts to commit. Give the workflow a `concurrency` group" in run.error


def test_race__a_branch_that_was_deleted_is_made_again(scene: Scene, folder: Path) -> None:
    scene.open("a")
    via_api(scene, "snapshot", folder, branch="data")
    scene.github.clock.advance(60)
    scene.open("b")
    meanwhile(scene, lambda: scene.repository.git("branch", "-D", "data"))
    assert via_api(scene, "update-snapshot", folder, branch="data").exit_code == 0
    assert on_branch(scene, "data") == in_folder(folder)


@pytest.mark.parametrize("phase", ["before", "after"])
def test_race__a_lost_answer_is_looked_after_and_nothing_is_committed_twice(
    scene: Scene, folder: Path, phase: str
) -> None:
    scene.open("a")
    scene.github.faults.status(502, match=lambda request: request.operation == "Commit", phase=phase)
    run = via_api(scene, "snapshot", folder)
    assert (run.exit_code, run.outputs["commit-sha"]) == (0, scene.repository.head())
    assert len(scene.repository.git("log", "--format=%h", "main").split()) == 2


def test_race__after_a_lost_answer_a_commit_of_others_is_not_taken_for_ours(scene: Scene, folder: Path) -> None:
    scene.open("a")

    def answer(request: Request) -> None:
        if request.operation == "Commit" and not scene.waits:
            ours.append(scene.repository.head())
            scene.repository.commit_files({"other": "theirs"})

    ours: list[str] = []
    scene.github.faults.status(502, match=lambda request: request.operation == "Commit", phase="after")
    scene.github.after_request.append(answer)
    run = via_api(scene, "snapshot", folder)
    assert (run.exit_code, run.outputs["commit-sha"], scene.repository.head() in ours) == (0, "", False)
    assert len(commits(run)) == 1


@pytest.mark.parametrize("phase", ["before", "after"])
def test_race__a_lost_answer_to_a_new_branch_is_looked_after(scene: Scene, folder: Path, phase: str) -> None:
    scene.open("a")
    scene.github.faults.status(502, match=lambda request: request.operation == "CreateBranch", phase=phase)
    run = via_api(scene, "snapshot", folder, branch="data")
    assert (run.exit_code, run.operations.count("CreateBranch")) == (0, 2 if phase == "before" else 1)
    assert on_branch(scene, "data") == in_folder(folder)


def test_race__a_branch_that_can_not_be_made_ends(scene: Scene, folder: Path) -> None:
    scene.open("a")
    scene.github.faults.status(502, match=lambda request: request.operation == "CreateBranch", times=None)
    run = via_api(scene, "snapshot", folder, branch="data")
    assert (run.exit_code, "The branch 'data' of octo/store could not be created. Try again later" in run.error) == (
        1,
        True,
    )


def test_race__only_tries_that_bring_nothing_are_bounded(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others who commit now and then do not stop a store that takes many commits."""
    monkeypatch.setattr(committing, "MOST_FILES", 1)
    count = iter(range(1000))

    def others(request: Request) -> None:
        if request.operation == "Commit" and next(count) % 3 == 2:
            scene.repository.commit_files({"other": f"{count}"})

    scene.github.before_request.append(others)
    files = {f"objects/{number}.json": b"{}" for number in range(30)} | {"index.json": b"{}"}
    made = publisher(scene).publish(files, (), "Many")
    assert made.tries > committing.TRIES
    assert len([name for name in on_branch(scene) if name.startswith("store/")]) == 31


def test_budget__that_ends_between_two_commits_says_how_far_it_came(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setattr(committing, "MOST_FILES", 2)
    for name in "abcd":
        scene.open(name)

    def used_up(request: Request) -> None:
        if request.operation == "Commit":
            scene.github.set_rate_limit(scene.token, "graphql", remaining=0)

    scene.github.after_request.append(used_up)
    run = via_api(scene, "snapshot", folder, format="directory")
    assert run.exit_code == 1
    assert "1 of the commits is made; try again after" in run.error
    assert run.error.endswith(" The snapshot's files are in the workspace.")
    assert len(list((folder / "data/store/objects").iterdir())) == 4


# Bounds and refusals


def publisher(scene: Scene, path: str = "store") -> ApiCommits:
    transport = Transport(token=scene.token, api_url=scene.github.api_url, pause=scene.waits.append)
    return ApiCommits(CommitGateway(transport, scene.full_name), "main", path, create=True)


def test_bounds__many_files_go_in_several_commits_and_the_index_comes_last(scene: Scene) -> None:
    files = {f"objects/{number}.json": f"{number}\n".encode() for number in range(230)} | {"index.json": b"{}\n"}
    made = publisher(scene).publish(files, ["gone.json"], "Many\n\nA: b")
    assert made.sha == scene.repository.head()
    assert scene.repository.git("log", "--format=%s", "--reverse", "main").split("\n")[1:-1] == [
        "Many (1 of 3)",
        "Many (2 of 3)",
        "Many (3 of 3)",
    ]
    assert scene.repository.git("show", "--no-patch", "--format=%b", "main").strip() == "A: b"
    assert scene.repository.git("show", "--name-only", "--format=", "main").split()[0] == "store/index.json"
    assert len(on_branch(scene)) == 231


def test_bounds__size_counts_with_its_base64_and_one_file_alone_may_be_too_large(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committing, "MOST_BYTES", 1_000)
    files = {"a": b"x" * 600, "b": b"x" * 300, "c": b"x"}
    assert publisher(scene).publish(files, (), "Large").tries == 1
    assert scene.repository.git("rev-list", "--count", "main").strip() == "3"
    before = len(scene.github.requests)
    with pytest.raises(StoreError) as told:
        publisher(scene, "file").publish({"": b"x" * 700}, (), "Larger")
    assert "The file `file` has 700 bytes, more than GitHub allows in one commit through the API" in str(told.value)
    assert "Use `commit-via: git`, or `format: directory`." in explained(told.value)
    assert len(scene.github.requests) - before == 1


def test_bounds__a_folder_is_never_put_in_place_of_a_file_nor_a_file_in_place_of_a_folder(scene: Scene) -> None:
    scene.repository.commit_files({"store": "a file", "other/mine.txt": "mine"})
    for path, files in (("store", {"index.json": b"{}"}), ("other", {"": b"{}"})):
        with pytest.raises(StoreError, match="instead of a file, at"):
            publisher(scene, path).publish(files, (), "Message")
    assert on_branch(scene) == {"store": b"a file", "other/mine.txt": b"mine"}


@pytest.mark.parametrize("format_", ["json", "jsonl", "directory"])
@pytest.mark.parametrize("taken", ["public", "public/data"])
def test_bounds__a_file_where_a_folder_above_is_due_stays(scene: Scene, folder: Path, format_: str, taken: str) -> None:
    """GitHub would decide what becomes of it; git refuses, too."""
    scene.open("a", {"n": 1})
    scene.repository.commit_files({taken: "mine"})
    run = via_api(scene, "snapshot", folder, format=format_, output="public/data/store")
    assert run.exit_code == 1
    assert f"The branch has '{taken}' in the way, which is not the store's file." in run.error
    assert "Choose another path for the input `output`" in run.error
    assert on_branch(scene) == {taken: b"mine"}
    assert not commits(run)


def test_refused__a_token_that_may_not_commit_is_told_the_permission(scene: Scene, folder: Path) -> None:
    scene.open("a")
    token = scene.repository.workflow_token(issues="read", contents="read")
    for more in ({}, {"branch": "data"}):
        run = via_api(scene, "snapshot", folder, token=token, **more)
        assert run.exit_code == 1
        assert "The token may not" in run.error
        assert "Add `permissions: {contents: write}` to the job" in run.error
        assert "```yaml\npermissions:\n  contents: write\n```" in run.summary
    assert SNAPSHOT in in_folder(folder)  # written all the same


def test_refused__a_token_that_may_not_read_the_branch_is_told_the_permission(
    github: GitHub, tmp_path: Path, folder: Path
) -> None:
    scene = Scene(github, tmp_path, "octo/private", private=True)
    token = scene.repository.workflow_token(issues="read")
    run = via_api(scene, "snapshot", folder, token=token, branch="data")
    assert "The token may not read the files of octo/private. Add `permissions: {contents: write}`" in run.error


def test_refused__a_protected_branch_says_what_to_do(scene: Scene, folder: Path) -> None:
    scene.open("a")
    scene.repository.protect("main")
    run = via_api(scene, "snapshot", folder)
    assert run.exit_code == 1
    assert (
        "A rule of octo/store does not allow the token to commit to the branch main: Repository rule violations found"
        in run.error
    )
    assert "Set the input `branch` to one without such a rule" in run.error


def test_refused__any_other_reason_is_passed_on(scene: Scene, folder: Path) -> None:
    scene.open("a")
    scene.github.faults.graphql_errors(
        {"type": "UNPROCESSABLE", "message": "It is Monday", "path": ["createCommitOnBranch"]},
        data={"createCommitOnBranch": None},
        match=lambda request: request.operation == "Commit",
    )
    run = via_api(scene, "snapshot", folder)
    assert "GitHub refused to commit to the branch main: It is Monday. Try again." in run.error


def test_waiting__ends_with_the_runs_patience(scene: Scene) -> None:
    publish = publisher(scene)
    publish.github.transport.waited = publish.github.transport.retries.max_wait_seconds
    meanwhile(scene, lambda: scene.repository.commit_files({"other.txt": "theirs"}))
    with pytest.raises(ConcurrentUpdateError, match="during each of 1 attempts"):
        publish.publish({"": b"{}"}, (), "Message")


def test_waiting__the_last_answer_that_was_lost_is_looked_for_all_the_same(scene: Scene) -> None:
    publish = publisher(scene)
    publish.github.transport.waited = publish.github.transport.retries.max_wait_seconds
    scene.github.faults.status(502, match=lambda request: request.operation == "Commit", phase="after")
    assert publish.publish({"": b"{}"}, (), "Message").sha == scene.repository.head()


def test_blob_oid__is_gits_name_of_the_bytes(scene: Scene) -> None:
    scene.repository.commit_files({"file": "some text\n"})
    assert scene.repository.git("rev-parse", "main:file").strip() == blob_oid(b"some text\n")
    assert scene.repository.git("log", "--author", WRITER, "--format=%h") == ""
