"""The container at work: a store on the loopback GitHub, the workspace a checkout that belongs to someone else."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.double import GitHub, Request
from tests.support import git
from tests.support.runner import Engine, Job, Result, run_container
from tests.support.scene import Scene

pytestmark = pytest.mark.container

OWNER = 1001
"""The uid of the runner on GitHub's machines."""

FILE = "data/store-snapshot.json"
FAST = 1.5
"""Seconds in which a run with nothing to do must be over, the engine's own work included."""


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with GitHub() as github:
        yield Scene(github, tmp_path)


@pytest.fixture
def checkout(scene: Scene) -> Path:
    """As actions/checkout leaves it: one commit, the runner's own files."""
    workspace = scene.checkout()
    give(workspace)
    return workspace


def give(folder: Path) -> None:
    """Make it the runner's, where this test may."""
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", f"{OWNER}:{OWNER}", str(folder)], check=True)


def owners(folder: Path) -> set[int]:
    return {path.lstat().st_uid for path in [folder, *folder.rglob("*")]}


def snapshot(scene: Scene) -> dict[str, Any]:
    """What stands on the remote's default branch."""
    found: dict[str, Any] = json.loads(scene.repository.file(FILE) or b"{}")
    return found


def run(scene: Scene, engine: Engine, image: str, job: Job, **more: Any) -> Result:
    result = run_container(job, engine, image, **more)
    assert "Traceback" not in result.log and job.token not in result.shown
    return result


def test_store__from_docker_build_to_the_pushed_snapshot(
    scene: Scene, checkout: Path, engine: Engine, image: str
) -> None:
    number = scene.open("metrics", {"count": 0, "name": "first"})
    update = scene.post(number, '{"count": 5}')
    refused = scene.post(number, '{"count": 666}', by="eve")
    scene.repository.edit_issue(number, "ada", state="open")

    job = scene.job("process", event=scene.last_event("issue_comment", "created"))
    processed = run(scene, engine, image, job)
    assert processed.exit_code == 0, processed.shown
    assert processed.outputs["object"] == '{"count":5,"name":"first"}'
    assert scene.issue(number).state == "closed"
    assert json.loads(scene.issue(number).body) == {"count": 5, "name": "first"}
    assert (scene.receipts(update), scene.receipts(refused)) == (("+1",), ("confused",))

    job = scene.job("update-snapshot", workspace=checkout)
    taken = run(scene, engine, image, job)
    assert taken.exit_code == 0, taken.shown
    assert taken.outputs["commit-sha"] == scene.repository.head()
    assert snapshot(scene)["objects"]["metrics"]["data"] == {"count": 5, "name": "first"}
    author = scene.repository.git("log", "-1", "--format=%an <%ae>").strip()
    assert author == "github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>"
    assert owners(checkout) == {checkout.stat().st_uid}
    assert git.git(checkout, "status", "--porcelain") == ""
    assert (checkout / FILE).read_bytes() == scene.repository.file(FILE)


def crowd() -> float:
    """How much longer work takes here than it would if this machine did nothing else: 1 on an idle one."""
    wall, own = time.perf_counter(), time.process_time()
    while time.process_time() - own < 0.2:
        sum(range(10_000))
    return max(1.0, (time.perf_counter() - wall) / 0.2)


def test_nothing_to_do__is_over_soon(scene: Scene, engine: Engine, image: str, figures: Callable[[str], None]) -> None:
    number = scene.make("metrics", {"count": 0})
    times: list[float] = []
    allowed = FAST
    while len(times) < 6 and min(times, default=allowed) >= allowed:  # the first warms the machine's cache
        crowded = crowd()
        began = time.perf_counter()
        result = run(scene, engine, image, scene.job("process", issue_number=number))
        times.append(time.perf_counter() - began)
        allowed = FAST * min(crowded, crowd())
        assert result.exit_code == 0, result.shown
        assert result.outputs["requests"] == "1"
    said = ", ".join(f"{seconds:.2f}" for seconds in times)
    figures(f"Container: nothing to do takes {min(times):.2f} s of {allowed:.2f} (runs: {said})")
    assert min(times) < allowed


def leave_as_v4(scene: Scene, job: Job) -> None:
    """actions/checkout v4 and v5: the header is in .git/config."""
    header = f"AUTHORIZATION: {git.basic(scene.token)}"
    git.git(job.checkout, "config", f"http.{scene.github.server_url}/.extraheader", header)


def leave_as_v6(scene: Scene, job: Job) -> None:
    """actions/checkout v6 and later: a file of RUNNER_TEMP, named for the container's gitdir and for the machine's."""
    name = "git-credentials-5f2d1c0e-0000-4000-8000-000000000000.config"
    job.temp.mkdir(parents=True)
    header = f"AUTHORIZATION: {git.basic(scene.token)}"
    git.git(job.checkout, "config", "-f", str(job.temp / name), f"http.{scene.github.server_url}/.extraheader", header)
    for gitdir, place in ((f"{job.checkout}/.git", job.temp), ("/github/workspace/.git", Path("/github/runner_temp"))):
        git.git(job.checkout, "config", f"includeIf.gitdir:{gitdir}.path", str(place / name))


@pytest.mark.parametrize("leave", [leave_as_v4, leave_as_v6])
def test_credentials__of_checkout_are_used_where_the_actions_token_may_not_push(
    scene: Scene, engine: Engine, image: str, checkout: Path, leave: Callable[[Scene, Job], None]
) -> None:
    scene.make("metrics", {"count": 0})
    weak = scene.repository.workflow_token(issues="write", contents="read")
    job = scene.job("snapshot", workspace=checkout, token=weak)
    leave(scene, job)
    give(checkout)
    before = (checkout / ".git/config").read_text()
    result = run(scene, engine, image, job)
    assert result.exit_code == 0, result.shown
    assert result.outputs["commit-sha"] == scene.repository.head()
    assert (checkout / ".git/config").read_text() == before
    assert owners(checkout) == {checkout.stat().st_uid}
    assert scene.token not in result.log


def test_credentials__that_are_nowhere_come_from_the_token_and_stay_nowhere(
    scene: Scene, engine: Engine, image: str, checkout: Path
) -> None:
    scene.make("metrics", {"count": 0})
    result = run(scene, engine, image, scene.job("snapshot", workspace=checkout))
    assert result.exit_code == 0, result.shown
    left = [path for path in checkout.rglob("*") if path.is_file() and scene.token.encode() in path.read_bytes()]
    assert not left
    assert git.basic(scene.token) not in (checkout / ".git/config").read_text()


SHADOWS = ["github.py", "json.py", "os.py", "re.py", "subprocess.py", "sitecustomize.py", "requests/__init__.py"]


def test_hostile_surroundings__all_of_it_works_all_the_same(
    scene: Scene, engine: Engine, image: str, checkout: Path
) -> None:
    """A root that cannot be written, modules and programs with names we use, variables that mislead."""
    number = scene.open("metrics", {"count": 0})
    scene.post(number, '{"count": 1}')
    for name in SHADOWS:
        (checkout / name).parent.mkdir(exist_ok=True)
        (checkout / name).write_text(f"open('/github/workspace/imported', 'a').write({name!r})\n")
    for name in ("git", "python", "sh", "ssh", "gpg"):
        (checkout / name).write_text(f"#!/bin/sh\necho {name} >>/github/workspace/imported\nexit 1\n")
        (checkout / name).chmod(0o755)
    give(checkout)
    variables = {
        "PATH": "/github/workspace:relative::",
        "HOME": "/nonexistent/home",
        "TMPDIR": "/nonexistent/tmp",
        "LC_ALL": "tr_TR.ISO-8859-9",
        "TZ": "Nowhere/Never",
        "PYTHONHOME": "/github/workspace",
        "PYTHONPATH": "/github/workspace",
        "PYTHONSTARTUP": "/github/workspace/json.py",
        "GIT_DIR": "/nonexistent/.git",
        "GIT_SSH_COMMAND": "/github/workspace/ssh",
        "GIT_EXTERNAL_DIFF": "/github/workspace/sh",
        "GIT_CONFIG_COUNT": "nonsense",
        "LD_LIBRARY_PATH": "/github/workspace",
        "NO_PROXY": "*",
    }
    processed = run(
        scene, engine, image, scene.job("process", issue_number=number, workspace=checkout, env=variables),
        options=("--read-only",),
    )  # fmt: skip
    assert processed.exit_code == 0, processed.shown
    assert scene.data(number) == {"count": 1}
    taken = run(
        scene, engine, image, scene.job("snapshot", workspace=checkout, env=variables), options=("--read-only",)
    )
    assert taken.exit_code == 0, taken.shown
    assert snapshot(scene)["objects"]["metrics"]["data"] == {"count": 1}
    assert not (checkout / "imported").exists()
    assert not list(checkout.rglob("__pycache__"))
    assert owners(checkout) == {checkout.stat().st_uid}


@pytest.mark.parametrize("signal", ["SIGINT", "SIGTERM"])
def test_cancelled__stops_between_two_requests_says_so_and_leaves_the_rest_pending(
    scene: Scene, engine: Engine, image: str, signal: str
) -> None:
    """The runner sends SIGINT, 7.5 s later SIGTERM, 2.5 s later it kills (github-facts, section 5)."""
    number = scene.open("metrics", {"count": 0})
    scene.post(number, '{"count": 1}')
    name = f"gh-store-action-cancelled-{signal.lower()}-{os.getpid()}"
    asked = threading.Event()

    def hold(request: Request) -> None:
        if not asked.is_set():
            asked.set()
            subprocess.run([*engine.command, "kill", "--signal", signal, name], check=True, capture_output=True)

    scene.github.before_request.append(hold)
    result = run(scene, engine, image, scene.job("process", issue_number=number), options=("--name", name))
    scene.github.before_request.clear()
    assert asked.is_set()
    assert result.exit_code == 1, result.shown
    (error,) = result.errors
    assert "canceled" in error and "Nothing is lost. Run again" in error
    assert scene.data(number) == {"count": 0}

    again = run(scene, engine, image, scene.job("process", issue_number=number))
    assert again.exit_code == 0, again.shown
    assert scene.data(number) == {"count": 1}
