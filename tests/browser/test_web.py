"""The client, and the page in its hardest place, beside all other tests; `make web` prepares and runs the whole."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PREPARED = (ROOT / "web/node_modules").is_dir() and (ROOT / "web/client/dist").is_dir()


@pytest.mark.skipif(not PREPARED, reason="the packages of web/ are not installed: make web")
@pytest.mark.skipif(not shutil.which("chromium"), reason="there is no chromium: apt-get install chromium")
@pytest.mark.skipif(not shutil.which("node"), reason="there is no node")
@pytest.mark.parametrize(("file", "pattern"), [("client", "."), ("page", "hostile text")])
def test_web__works_in_node_and_in_chromium(file: str, pattern: str) -> None:
    tests = f"{Path(__file__).parent}/{file}.test.mjs"
    command = ["node", "--test", "--test-reporter=spec", f"--test-name-pattern={pattern}", tests]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHON": sys.executable}, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout[-5_000:] + done.stderr[-2_000:]
    assert "tests 0" not in done.stdout
