"""Several jobs that snapshot one store to one place at once: an earlier state never takes a later one's place."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gh_store_action.errors import BudgetExhausted, ConcurrentUpdateError, StoreError
from gh_store_action.gateway.issues import GitHub
from gh_store_action.gateway.transport import Transport
from gh_store_action.snapshots import making as snapshot
from gh_store_action.snapshots.making import SnapshotResult, Snapshots, Target
from gh_store_action.store.session import Session
from gh_store_action.workspace import commits as workspace_commit
from gh_store_action.workspace.files import Workspace
from tests.double import Request
from tests.support.covering import covering
from tests.support.scene import OWNER, Scene

pytestmark = pytest.mark.slow

PLACES = {"json": "data/store.json", "directory": "data/store"}
WAYS = covering(2, via_api=[False, True], format_=list(PLACES), branch=["", "data"])


def job(scene: Scene, format_: str, via_api: bool, branch: str = "", *, name: str = "", **more: Any) -> Snapshots:
    """A job of its own, with its own checkout."""
    folder = scene.folder / (name or f"job-{len(list(scene.folder.iterdir()))}")
    if not folder.exists():
        scene.checkout(folder.name)
    pause = scene.waits.append
    transport = Transport(token=scene.token, api_url=scene.github.api_url, pause=pause, **more)
    workspace = Workspace(folder, dict(os.environ), scene.github.server_url, scene.token, pause)
    target = Target(PLACES[format_], format=format_, via_api=via_api, branch=branch)
    return Snapshots(Session(GitHub(transport, scene.full_name)), workspace, target, allow_shrink=True)


def published(scene: Scene, branch: str = "") -> dict[str, bytes]:
    names = scene.repository.git("ls-tree", "-r", "--name-only", branch or "main").split()
    return {name: scene.repository.file(name, branch or "main") or b"" for name in names if name.startswith("data/")}


def of_now(scene: Scene, format_: str) -> dict[str, bytes]:
    """What a full snapshot holds that nobody disturbs."""
    work = job(scene, format_, via_api=False, name="undisturbed")
    shutil.rmtree(scene.folder / "undisturbed" / "data", ignore_errors=True)
    work.target = Target(PLACES[format_], format=format_, commit=False)
    work.make()
    place = scene.folder / "undisturbed"
    return {f.relative_to(place).as_posix(): f.read_bytes() for f in (place / "data").rglob("*") if f.is_file()}


def after_reading(scene: Scene, act: Callable[[], object], times: int = 1, reads: int = 2) -> None:
    """Lets others act when a job has read all that it means to read, that many times."""
    left, count, busy = [times], [0], threading.Lock()

    def after(request: Request) -> None:
        if request.operation != "List" or not left[0] or not busy.acquire(blocking=False):
            return
        count[0] += 1
        if count[0] == reads:
            left[0], count[0] = left[0] - 1, reads - 1  # what it reads once more is one request
            act()
        busy.release()

    scene.github.after_request.append(after)


def edit(scene: Scene, number: int, **data: Any) -> None:
    scene.github.clock.advance(600)
    scene.repository.edit_issue(number, OWNER, body=json.dumps(data))


@WAYS
def test_overtaken__a_later_snapshot_stays_and_the_earlier_job_reads_what_is_new(
    scene: Scene, via_api: bool, format_: str, branch: str
) -> None:
    numbers = [scene.open(name, {"n": 0}) for name in ("a", "b", "c")]
    job(scene, format_, via_api, branch).make()
    edit(scene, numbers[0], n=1)

    def a_later_job() -> None:
        edit(scene, numbers[1], n=2)
        scene.open("later", {"n": 3})
        scene.repository.edit_issue(numbers[2], OWNER, labels=["UID:c", "archived"])
        assert job(scene, format_, via_api, branch).make().changed

    late = job(scene, format_, via_api, branch)
    after_reading(scene, a_later_job)
    before = late.session.github.transport.requests
    result = late.make()
    assert result.overtaken == 1
    again, *others = result.remarks
    assert again == "Another snapshot was committed in the meantime, so later changes were read, too."
    assert ["The checkout was not moved" in remark for remark in others] == [True] * (branch == "")
    assert sorted(entry.object_id for entry in result.snapshot.entries.values()) == ["a", "b", "later"]
    assert published(scene, branch) == of_now(scene, format_)
    assert result.published is not None and result.published.sha == ""  # the later one had it all
    if not via_api:
        assert late.session.github.transport.requests - before == 3


@WAYS
def test_overtaken__what_came_after_the_later_snapshot_is_in(
    scene: Scene, via_api: bool, format_: str, branch: str
) -> None:
    numbers = [scene.open(name, {"n": 0}) for name in ("a", "b", "c")]
    job(scene, format_, via_api, branch).make()
    edit(scene, numbers[0], n=1)
    work = job(scene, format_, via_api, branch)

    def a_later_job() -> None:
        only_theirs = scene.open("theirs", {"n": 3})
        edit(scene, numbers[1], n=2)
        assert job(scene, format_, via_api, branch).make().changed
        edit(scene, numbers[2], n=4)
        scene.repository.edit_issue(only_theirs, OWNER, labels=["UID:theirs", "archived"])

    after_reading(scene, a_later_job, reads=1)
    result = work.update()
    assert result.overtaken == 1
    assert result.full == (format_ == "directory" and bool(branch) and via_api)  # a request for each file
    assert result.published is not None and result.published.sha
    assert published(scene, branch) == of_now(scene, format_)


@pytest.mark.parametrize(("via_api", "format_"), [(False, "json"), (True, "directory"), (False, "nothing to do")])
def test_overtaken__what_the_later_snapshot_has_does_not_go_in_silence(
    scene: Scene, via_api: bool, format_: str
) -> None:
    scene.open("a")
    if format_ == "nothing to do":
        format_ = "json"
        job(scene, format_, via_api).make()
    work = job(scene, format_, via_api)
    work.allow_shrink = False

    def a_later_job() -> None:
        others = [scene.open(name) for name in ("b", "c")]
        assert job(scene, format_, via_api).make().changed
        for number in others:
            scene.repository.edit_issue(number, OWNER, labels=[])

    after_reading(scene, a_later_job)
    with pytest.raises(
        StoreError, match='would lose 2 of its 3 objects, more than a tenth: "b", "c". Nothing was committed.'
    ):
        work.make()
    assert b'"c"' in b"".join(published(scene).values())


@pytest.mark.parametrize("via_api", [False, True], ids=["git", "api"])
def test_overtaken__time_and_again_ends_and_says_so(scene: Scene, via_api: bool) -> None:
    scene.open("a")
    values = iter(range(100))

    def others() -> None:
        scene.repository.commit_files({PLACES["json"]: f"theirs {next(values)}"})

    after_reading(scene, others, times=100)
    with pytest.raises(ConcurrentUpdateError, match="during each of 12 attempts to commit this one"):
        job(scene, "json", via_api).make()
    assert next(values) == snapshot.OVERTAKEN
    assert scene.repository.file(PLACES["json"]) == b"theirs 11"


def test_overtaken__without_a_budget_left_commits_nothing(scene: Scene) -> None:
    scene.open("a")
    work = job(scene, "json", via_api=False)

    def others() -> None:
        scene.repository.commit_files({PLACES["json"]: "theirs"})
        scene.github.set_rate_limit(scene.token, "graphql", remaining=0)

    after_reading(scene, others)
    with pytest.raises(
        BudgetExhausted, match="Another snapshot was committed to `data/store.json`.*This one is not on"
    ):
        work.make()
    assert scene.repository.file(PLACES["json"]) == b"theirs"


def test_overtaken__a_store_that_can_not_be_caught_up_with_is_read_in_full(scene: Scene) -> None:
    numbers = [scene.open(name) for name in ("a", "b", "c")]

    def others() -> None:
        scene.repository.commit_files({PLACES["json"]: "theirs"})
        scene.repository.delete_issue(numbers[0], OWNER)

    after_reading(scene, others)
    result = job(scene, "json", via_api=False).make()
    assert (result.overtaken, len(result.snapshot.entries)) == (1, 2)
    assert published(scene) == of_now(scene, "json")


def test_not_overtaken__by_other_files_nor_by_the_removal_of_the_snapshot(scene: Scene) -> None:
    number = scene.open("a")
    job(scene, "json", via_api=False).make()
    edit(scene, number, n=1)
    work = job(scene, "json", via_api=False)
    scene.repository.commit_files({"other": "1", PLACES["json"]: None})
    result = work.make()
    assert result.overtaken == 0
    assert published(scene) == of_now(scene, "json")


def test_not_overtaken__by_what_the_checkout_has_committed_and_a_step_before_has_changed(scene: Scene) -> None:
    """A file that differs from its own commit is no other job's."""
    number = scene.open("a")
    job(scene, "json", via_api=False).make()
    edit(scene, number, n=1)
    work = job(scene, "json", via_api=False, name="changed")
    (scene.folder / "changed" / PLACES["json"]).write_text("somebody's")
    assert work.make().overtaken == 0
    assert published(scene) == of_now(scene, "json")


@covering(1, via_api=[False, True], format_=list(PLACES))
def test_at_once__many_jobs_end_with_the_newest_snapshot(
    scene: Scene, via_api: bool, format_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = 4
    monkeypatch.setattr(workspace_commit, "LONGEST_PAUSE", 0.5)  # real pauses, for the order is the threads'
    numbers = [scene.open(f"object-{n}", {"n": 0}) for n in range(people)]
    job(scene, format_, via_api).make()
    scene.github.clock.advance(60)
    jobs = [job(scene, format_, via_api) for _ in numbers]
    start = threading.Barrier(people)

    def run(place: int) -> SnapshotResult:
        start.wait(30)
        scene.repository.edit_issue(numbers[place], OWNER, body=json.dumps({"n": place + 1}))
        return jobs[place].update()

    with ThreadPoolExecutor(people) as pool:
        results = list(pool.map(run, range(people)))
    assert all(result.published for result in results)
    assert published(scene) == of_now(scene, format_)


def test_overtaken__the_run_says_that_the_branch_has_it_already(scene: Scene) -> None:
    scene.open("a")
    checkout = scene.checkout()
    data = of_now(scene, "json")[PLACES["json"]]
    after_reading(scene, lambda: scene.repository.commit_files({PLACES["json"]: data}))
    run = scene.run("snapshot", workspace=checkout, output=PLACES["json"])
    assert (run.exit_code, run.outputs["changed"], run.outputs["commit-sha"]) == (0, "true", "")
    assert " in data/store.json; the branch main already has it.**" in run.summary
