"""A snapshot of ten thousand objects: at most 101 requests and 200 MB, in every format."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bench.work import Bench
from tests.double import GitHub
from tests.support.runner import ROOT
from tests.support.scene import Scene

pytestmark = pytest.mark.slow

COUNT = 10_000
MOST_MEMORY = 200  # MB
SCRIPT = """
import json, os, sys
from pathlib import Path
from gh_store_action.gateway.issues import GitHub
from gh_store_action.store.session import Session
from gh_store_action.snapshots.making import Snapshots, Target
from gh_store_action.gateway.transport import Transport
from gh_store_action.workspace.files import Workspace
from tests.bench.peak import peak

api, token, folder, format_, mode = sys.argv[1:]
transport = Transport(token=token, api_url=api)
workspace = Workspace(Path(folder), dict(os.environ), "", "", lambda seconds: None)
work = Snapshots(Session(GitHub(transport, "octo/store")), workspace, Target("store", format=format_, commit=False))
result = getattr(work, mode)()
print(json.dumps([transport.requests, len(result.snapshot.entries), result.full, peak() * 1.048576]))
"""


def data(number: int) -> dict[str, Any]:
    """Two kilobytes of many small values, and an emoji: what takes the most memory."""
    return {"n": number, "text": "💾 é", **{f"key-{place}": [place, {"a": number}] for place in range(78)}}


@pytest.mark.prove
@pytest.mark.parametrize("format_", ["json", "jsonl", "directory"])
def test_ten_thousand_objects__in_101_requests_and_200_megabytes(
    tmp_path: Path, format_: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 1_900 < len(json.dumps(data(1))) < 2_300

    def made(mode: str) -> list[Any]:
        arguments = [sys.executable, "-c", SCRIPT, hub.api_url, bench.token, str(tmp_path), format_, mode]
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(arguments, capture_output=True, text=True, env=environ)
        assert done.returncode == 0, done.stderr
        found: list[Any] = json.loads(done.stdout)
        with capsys.disabled():
            print(f"\n{format_}, {mode}: {found[0]} requests, {found[3]:.0f} MB")  # noqa: T201
        return found

    with GitHub() as hub:
        bench = Bench(hub, tmp_path)
        hub.clock.tick = 1
        hub.clock.advance(-4 * COUNT)  # three seconds for each object
        for number in range(COUNT):
            bench.open(f"object-{number}", data(number))
        bench.now()
        requests, count, full, memory = made("make")
        assert (count, full) == (COUNT, True)
        assert requests <= 101
        assert memory < MOST_MEMORY

        bench.now()
        hub.clock.tick = 1
        for number in range(1, COUNT, 100):
            bench.repo.edit_issue(number, "octo", body=json.dumps(data(-number)))
        requests, count, full, memory = made("update")
        assert (count, full) == (COUNT, False)
        assert requests <= 2
        assert memory < MOST_MEMORY


@pytest.mark.parametrize(
    ("format_", "history", "named"),
    [
        ("json", False, "data/store"),
        ("jsonl", True, "data/history/metrics.jsonl"),
        ("directory", False, "data/store/objects/metrics.json"),
    ],
)
def test_a_file_that_github_refuses__is_named_and_nothing_is_pushed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, format_: str, history: bool, named: str
) -> None:
    number = scene.make(data={"text": "x" * (10 if history else 2_000)})
    for _ in range(3 if history else 0):
        scene.post(number, json.dumps({"text": "y" * 700}))
    scene.run("process", issue_number=number)
    given = {"output": "data/store", "format": format_, "history": history, "branch": "data"}
    monkeypatch.setattr("gh_store_action.domain.snapshots.sizes.WARNED_ABOVE", 1_700)
    monkeypatch.setattr("gh_store_action.domain.snapshots.sizes.REFUSED_ABOVE", 1_800)
    run = scene.run("snapshot", workspace=scene.checkout(), **given)
    assert run.exit_code == 1
    assert f"`{named}` has 0 MiB, and GitHub refuses files of more than 100. It was not written" in run.error
    assert scene.repository.head("data") is None

    monkeypatch.setattr("gh_store_action.domain.snapshots.sizes.REFUSED_ABOVE", 100_000)
    run = scene.run("snapshot", workspace=scene.checkout("again"), **given)
    assert run.exit_code == 0, run.log
    assert f"`{named}` has 0 MiB" in run.log
