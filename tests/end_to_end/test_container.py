"""The image that users run, built from the Dockerfile and started as GitHub's runner starts it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.runner import Engine, Job, dockerfile, run_container

pytestmark = pytest.mark.container

ADDED = 90_000_000
"""Bytes that the image may add to its base, itself about 125 million: every job builds or pulls it first."""

SHADOWS = [
    "github.py",
    "gh_store_action.py",
    "json.py",
    "os.py",
    "re.py",
    "sitecustomize.py",
    "typing.py",
    "usercustomize.py",
    "yaml.py",
    "encodings/__init__.py",
]
"""Files of a user's repository with names that Python imports."""


@pytest.fixture
def hostile_workspace(tmp_path: Path) -> Path:
    """A checkout in which every Python file leaves a trace when it is imported."""
    workspace = tmp_path / "hostile"
    for name in SHADOWS:
        shadow = workspace / name
        shadow.parent.mkdir(parents=True, exist_ok=True)
        shadow.write_text(f"open('/github/workspace/imported', 'a').write({name!r})\n")
    return workspace


def test_wrong_mode__is_one_clear_line_and_exit_2(tmp_path: Path, engine: Engine, image: str) -> None:
    result = run_container(Job(tmp_path, inputs={"mode": "explode"}), engine, image)
    assert result.exit_code == 2, result.log
    (error,) = result.errors
    assert "mode" in error and "explode" in error and "process" in error
    assert "Traceback" not in result.log


def test_hostile_workspace__nothing_of_it_is_imported_whatever_the_variables_say(
    tmp_path: Path, engine: Engine, image: str, hostile_workspace: Path
) -> None:
    variables = {
        "LC_ALL": "xx_YY.ISO-8859-1",
        "PATH": "/github/workspace",
        "PYTHONHOME": "/github/workspace",
        "PYTHONPATH": "/github/workspace",
        "PYTHONSTARTUP": "/github/workspace/json.py",
        "PYTHONUSERBASE": "/github/workspace",
    }
    job = Job(tmp_path, inputs={"mode": "explode"}, workspace=hostile_workspace, env=variables)
    result = run_container(job, engine, image)
    assert result.exit_code == 2, result.log
    assert not (hostile_workspace / "imported").exists()
    assert not list(hostile_workspace.rglob("__pycache__"))


def test_read_only_root__needs_no_place_of_its_own_to_write(tmp_path: Path, engine: Engine, image: str) -> None:
    result = run_container(Job(tmp_path, inputs={"mode": "explode"}), engine, image, options=("--read-only",))
    assert result.exit_code == 2, result.log
    assert len(result.errors) == 1


def test_token__is_nowhere_in_what_a_reader_of_the_log_sees(tmp_path: Path, engine: Engine, image: str) -> None:
    job = Job(tmp_path, inputs={"mode": "explode"})
    result = run_container(job, engine, image)
    assert job.token not in result.shown
    assert job.token not in result.summary


def test_image__is_light_runs_as_root_in_no_folder_of_its_own_and_says_what_it_is(
    engine: Engine, image: str, figures: Callable[[str], None]
) -> None:
    described = engine.inspect(image)
    (base,) = [line for line in dockerfile().splitlines() if line.startswith("FROM ")]
    added = described["Size"] - engine.inspect(engine.build(base, "localhost/gh-store-action:base"))["Size"]
    figures(f"Image: {described['Size'] / 1e6:.0f} MB, of it {added / 1e6:.0f} MB on top of its base")
    assert added < ADDED
    config = described["Config"]
    assert config.get("User", "") in ("", "root", "0")
    assert config.get("WorkingDir", "") in ("", "/")
    assert config["Labels"]["org.opencontainers.image.title"] == "gh-store-action"
    assert config["Labels"]["org.opencontainers.image.licenses"] == "MIT"


def test_image__holds_git_compiled_sources_and_no_tool_to_build_with(
    tmp_path: Path, engine: Engine, image: str
) -> None:
    question = """
import pathlib, shutil
print("git:", shutil.which("git", path="/usr/bin"))
print("builders:", [tool for tool in ("cc", "gcc", "g++", "make", "cargo") if shutil.which(tool)])
print("lists:", len(list(pathlib.Path("/var/lib/apt/lists").rglob("*"))))
sources = list(pathlib.Path("/opt/gh-store-action/gh_store_action").rglob("*.py"))
print("sources:", len(sources) > 0)
print("uncompiled:", [s.name for s in sources if not list((s.parent / "__pycache__").glob(s.stem + ".*.pyc"))])
"""
    result = run_container(Job(tmp_path), engine, image, command=("/usr/local/bin/python", "-I", "-c", question))
    expected = ["git: /usr/bin/git", "builders: []", "lists: 0", "sources: True", "uncompiled: []"]
    assert result.log.splitlines() == expected


def test_image__commits_and_talks_to_a_remote_with_plain_git(tmp_path: Path, engine: Engine, image: str) -> None:
    script = """
set -eu
export HOME=/github/home GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
git init -q --bare -b main /github/home/remote.git
git init -q -b main .
echo '{}' > snapshot.json
git add snapshot.json
git -c user.name=n -c user.email=n@example.invalid commit -q -m snapshot
git push -q /github/home/remote.git HEAD:main
git clone -q --depth 1 file:///github/home/remote.git /github/home/clone
git -C /github/home/clone fetch -q --deepen 1
git -C /github/home/clone log --format=%s
git ls-remote https://127.0.0.1:9/none.git 2>&1 | grep -c "Failed to connect"
"""
    result = run_container(Job(tmp_path), engine, image, command=("/bin/sh", "-c", script))
    assert (result.exit_code, result.log.splitlines()) == (0, ["snapshot", "1"])
