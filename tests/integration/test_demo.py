"""`make demo` shows what it says, and fails where it does not."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests import demo
from tests.support.runner import ROOT

pytestmark = pytest.mark.slow


def test_demo__plays_in_seconds_and_all_that_it_shows_is_so() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.demo"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\x1b" not in done.stdout  # no colours where there is no terminal
    assert "✗" not in done.stdout and done.stdout.count("✓") > 20
    for said in (
        "👍 applied",
        "👎 rejected",
        "😕 not authorised",
        "Update the snapshot of 2 objects",
        "1 file changed",
    ):
        assert said in done.stdout
    assert max(map(len, done.stdout.splitlines())) < 260


def test_demo__what_is_not_so_is_said_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    stage = demo.Stage(colour=True)
    stage.check(False, "the sky is green")
    assert stage.failures == ["the sky is green"]
    assert "NOT SO:" in capsys.readouterr().out


def test_demo__fails_where_a_run_does_not_do_what_it_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "play", lambda played: played.stage.check(False, "the sky is green"))
    assert demo.main() == 1
    assert "Not as it should be: the sky is green." in capsys.readouterr().out


def test_demo__without_git_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert demo.main() == 1
    assert "needs git" in capsys.readouterr().err
