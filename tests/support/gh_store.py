"""gh-store as it was published, from PyPI: its packages are fetched once into .cache/gh-store, never committed."""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

from tests.double import GitHub
from tests.support.published import alone
from tests.support.runner import ROOT

CACHE = ROOT / ".cache" / "gh-store"
NEWEST = "0.11.3"
VERSIONS = ("0.5.1", "0.9.0", NEWEST)
"""One of each kind: knows no envelopes, asks for our label alone, asks for its own as well.  A start takes a second."""
OTHERS = ("0.5.0", "0.6.2", "0.7.0", "0.8.0", "0.10.0", "0.10.1", "0.10.2", "0.10.3", "0.10.4", "0.11.1", "0.11.2")
"""The others since 0.5.0 that PyPI has."""

# It answers a line with a line, since each start would take most of a second. gh-store has no setting for the address
# of the API, so in that process alone PyGithub's defaults are replaced: the address, and pauses that the double does
# not need.
_DRIVER = """
import json, os, sys
import github
from loguru import logger

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what it prints is no answer
original = github.Github.__init__

def at_loopback(self, *given, **named):
    known = {"base_url": api_url, "seconds_between_requests": 0, "seconds_between_writes": 0}
    original(self, *given, **{**known, **named})

github.Github.__init__ = at_loopback
logger.remove()
from gh_store.core.store import GitHubStore

def update_snapshot(path):
    try:
        from gh_store.cli.commands import update_snapshot
    except ImportError:  # 0.5 and 0.6
        from gh_store.__main__ import CLI
        update_snapshot = CLI().update_snapshot
    update_snapshot(snapshot_path=path, token=token, repo=repository, config=path + ".config.yml")

def answer():
    store = GitHubStore(token=token, repo=repository)
    if operation == "get":
        return store.get(argument).data
    if operation == "history":
        return [[entry["type"], entry["data"]] for entry in store.issue_handler.get_object_history(argument)]
    if operation == "list":
        listed = store.list_all()
        return {one.meta.object_id: one.data for one in (listed.values() if isinstance(listed, dict) else listed)}
    if operation in ("create", "update"):
        return getattr(store, operation)(*json.loads(argument)).data
    if operation == "process":
        return store.process_updates(int(argument)).data
    if operation == "update-snapshot":
        return update_snapshot(argument)

for line in sys.stdin:
    api_url, token, repository, operation, argument = json.loads(line)
    try:
        found = answer()
    except (Exception, SystemExit) as error:
        found = type(error).__name__
    print(json.dumps(found), file=answers, flush=True)
"""


def ask(version: str, github: GitHub, token: str, repository: str, operation: str, argument: str = "") -> Any:
    """What that gh-store reads or makes, or the name of its exception.

    Args:
        operation: `get` and `history` of an id, `list`; `create` and `update` of a JSON array of id and data; `process`
            of an issue's number; `update-snapshot` of a file, which gives None.

    Where pip cannot fetch the packages the test is skipped with the reason; with REQUIRE_PYPI=1 it fails.
    """
    running = _started(version)
    assert running.stdin and running.stdout
    running.stdin.write(json.dumps([github.api_url, token, repository, operation, argument]) + "\n")
    running.stdin.flush()
    answered = running.stdout.readline()
    assert answered, f"gh-store {version} ended with {running.wait(10)}"
    return json.loads(answered)


@functools.cache
def _started(version: str) -> subprocess.Popen[str]:
    """That version, waiting for questions; it ends with its standard input, so with the tests."""
    CACHE.mkdir(parents=True, exist_ok=True)
    python, package = _environment(), _package(version)
    home = package / "home"  # it reads ~/.config/gh-store/config.yml; there is none, so its own default holds
    home.mkdir(exist_ok=True)
    running = subprocess.Popen(
        [str(python), "-c", _DRIVER],
        env={"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(package)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(running.communicate)  # closes its input and waits for its end
    return running


def _environment() -> Path:
    """The interpreter that has what gh-store needs: all versions name the same packages."""
    folder = CACHE / "environment"
    with alone(CACHE / "lock"):
        if not (folder / ".ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            venv.create(folder, with_pip=True)
            _pip(folder / "bin" / "python", f"gh-store=={NEWEST}")
            (folder / ".ready").touch()
    return folder / "bin" / "python"


def _package(version: str) -> Path:
    """The folder with that version alone.  The older ones ask for Python 3.12, and run on 3.11 as well."""
    folder = CACHE / version
    with alone(CACHE / "lock"):
        if not (folder / ".ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            options = ("--no-deps", "--ignore-requires-python", "--only-binary=:all:", "--target", str(folder))
            _pip(Path(sys.executable), *options, f"gh-store=={version}")
            (folder / ".ready").touch()
    return folder


def _pip(python: Path, *arguments: str) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        why = f"pip cannot fetch {arguments[-1]}: {done.stderr.strip()[-500:]}"
        if os.environ.get("REQUIRE_PYPI") == "1":
            pytest.fail(why)
        pytest.skip(why)
