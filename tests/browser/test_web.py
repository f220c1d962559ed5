"""The tests of `web/` beside all others, where `make web` has prepared what they need."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PREPARED = (ROOT / "web/node_modules").is_dir() and (ROOT / "web/client/dist").is_dir()


@pytest.mark.skipif(not PREPARED, reason="the packages of web/ are not installed: make web")
@pytest.mark.skipif(not shutil.which("chromium"), reason="there is no chromium: apt-get install chromium")
@pytest.mark.skipif(not shutil.which("node"), reason="there is no node")
def test_web__client_and_page_work_in_node_and_in_chromium() -> None:
    files = sorted(map(str, Path(__file__).parent.glob("*.test.mjs")))
    command = ["node", "--test", "--test-concurrency=1", "--test-reporter=spec", *files]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHON": sys.executable}, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout[-5_000:] + done.stderr[-2_000:]
