"""Starts the action without Docker: in an environment of its own, made from the locked versions, kept by actions/cache.

    python -I start.py where    # for GITHUB_OUTPUT: the environment's folder, and the key to cache it under
    python -I start.py run      # makes the environment unless it is there, and becomes the action

Read from the environment: RUNNER_TEMP, and INPUTS, the step's inputs as one JSON object, because a shell may drop
variables with hyphens in their names, and GitHub's are called so. Nothing but the standard library is there yet.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
FLAGS = ("-I", "-B", "-u", "-X", "utf8")
"""As in the Dockerfile: no PYTHON* variable, nothing of the workspace on the path, no bytecode, no buffer."""


def folder(environ: Mapping[str, str]) -> Path:
    """Where the environment lies: the same place each time, because one cannot be moved."""
    return Path(environ["RUNNER_TEMP"], "gh-store-action")


def key() -> str:
    """What the environment depends on: the locked versions, the machine, and the interpreter it points to."""
    parts = (LOCK.read_text(encoding="utf-8"), sys.executable, sys.version, platform.platform())
    return "gh-store-action-" + hashlib.sha256("\0".join(parts).encode()).hexdigest()


def interpreter(place: Path) -> Path:
    """The environment's Python."""
    return place / "Scripts" / "python.exe" if os.name == "nt" else place / "bin" / "python"


def make(place: Path) -> Path:
    """The environment's Python; made where it is missing, unfinished or another's."""
    ready = place / "ready"
    if not ready.is_file() or ready.read_text(encoding="utf-8") != key():
        if place.exists():
            shutil.rmtree(place)
        subprocess.run([sys.executable, "-I", "-m", "venv", str(place)], check=True)
        pip = [
            str(interpreter(place)),
            "-I",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
        ]
        subprocess.run([*pip, "--only-binary", ":all:", "--require-hashes", "--requirement", str(LOCK)], check=True)
        ready.write_text(key(), encoding="utf-8")
    # The action's own folder has the version in its name, and may be another than when the environment was cached.
    site = "import sysconfig; print(sysconfig.get_path('purelib'))"
    found = subprocess.run([str(interpreter(place)), "-I", "-c", site], check=True, capture_output=True, text=True)
    Path(found.stdout.strip(), "gh-store-action.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    return interpreter(place)


def inputs(environ: Mapping[str, str]) -> dict[str, str]:
    """`INPUT_<NAME>` as the runner gives them to a Docker action, hyphens kept."""
    return {f"INPUT_{name.replace(' ', '_').upper()}": value for name, value in json.loads(environ["INPUTS"]).items()}


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    place = folder(environ)
    if arguments == ["where"]:
        sys.stdout.write(f"folder={place}\nkey={key()}\n")
        return 0
    try:
        python = str(make(place))
    except (OSError, subprocess.CalledProcessError) as error:
        sys.stdout.write(
            f"::error title=No environment::The locked packages could not be installed into {place}: {error}. "
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
    sys.exit(main(sys.argv[1:], os.environ))
