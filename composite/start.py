"""Runs the action without Docker. Each run builds a new virtual environment from the lock file.

    python -I start.py

Nothing that an earlier step may have left is run: the folder is new, and pip checks each package against its hash in
the lock file. The settings of pip and Python are ignored, except those that name a package index.

It reads RUNNER_TEMP, and INPUTS: the step's inputs as one JSON object, because a shell may drop variables whose names
contain hyphens, as GitHub's do. Only the standard library is available here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
FLAGS = ("-I", "-B", "-u", "-X", "utf8")
"""As in the Dockerfile: no PYTHON* variable, nothing of the workspace on the path, no bytecode, no buffer."""

SOURCES = frozenset({"PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_CERT"})


def interpreter(place: Path) -> Path:
    """The environment's Python."""
    return place / "Scripts" / "python.exe" if os.name == "nt" else place / "bin" / "python"


def make(environ: Mapping[str, str]) -> Path:
    """A new environment's Python.

    Raises:
        OSError: it cannot be written.
        CalledProcessError: a package could not be had, or is not the one that the lock names.
    """
    place = Path(tempfile.mkdtemp(prefix="gh-store-action-", dir=environ["RUNNER_TEMP"]))
    others = ("INPUT", "PIP_", "PYTHON")
    plain = {name: value for name, value in environ.items() if name in SOURCES or not name.startswith(others)}
    plain["PIP_CONFIG_FILE"] = os.devnull  # which has pip read no file at all
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", str(place)], check=True, env=plain)
    python = str(interpreter(place))
    pip = [sys.executable, "-I", "-m", "pip", "--python", python, "install"]
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    checked = ["--no-cache-dir", "--only-binary", ":all:", "--require-hashes", "--requirement", str(LOCK)]
    subprocess.run([*pip, *quiet, *checked], check=True, env=plain)
    site = "import sysconfig; print(sysconfig.get_path('purelib'))"
    found = subprocess.run([python, "-I", "-c", site], check=True, capture_output=True, text=True, env=plain)
    Path(found.stdout.strip(), "gh-store-action.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    return interpreter(place)


def inputs(environ: Mapping[str, str]) -> dict[str, str]:
    """`INPUT_<NAME>` as the runner gives them to a Docker action, hyphens kept."""
    return {f"INPUT_{name.replace(' ', '_').upper()}": value for name, value in json.loads(environ["INPUTS"]).items()}


def main(environ: Mapping[str, str]) -> int:
    try:
        python = str(make(environ))
    except (OSError, subprocess.CalledProcessError) as error:
        sys.stdout.write(
            f"::error title=No environment::The locked packages could not be installed into RUNNER_TEMP: {error}. "
            "Check that this runner reaches PyPI and may write there, or use the Docker action.\n"
        )
        return 1
    command = [python, *FLAGS, str(ROOT / "entrypoint.py")]
    variables = {**{name: value for name, value in environ.items() if name != "INPUTS"}, **inputs(environ)}
    sys.stdout.flush()
    if os.name == "nt":
        return subprocess.call(command, env=variables)
    os.execve(python, command, variables)  # noqa: S606 - so that the runner's signals reach the action itself


if __name__ == "__main__":
    sys.exit(main(os.environ))
