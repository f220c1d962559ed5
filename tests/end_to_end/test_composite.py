"""The action without Docker: says the same as action.yml, and does the same, its steps run as the runner runs them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.double import GitHub
from tests.support.expressions import as_text, interpolate
from tests.support.runner import ROOT, Job, Result, action
from tests.support.scene import Scene

pytestmark = pytest.mark.slow

HERE = ROOT / "composite"


def composite() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((HERE / "action.yml").read_text(encoding="utf-8"))
    return loaded


# It says the same


def test_inputs__are_those_of_the_docker_action_word_for_word() -> None:
    assert list(composite()["inputs"].items()) == list(action()["inputs"].items())


def test_outputs__are_those_of_the_docker_action_each_taken_from_the_step_that_runs() -> None:
    expected = {
        name: {**entry, "value": f"${{{{ steps.action.outputs.{name} }}}}"}
        for name, entry in action()["outputs"].items()
    }
    assert list(composite()["outputs"].items()) == list(expected.items())
    assert composite()["runs"]["steps"][-1]["id"] == "action"


def test_python__is_the_version_of_the_image() -> None:
    (setup,) = [
        step for step in composite()["runs"]["steps"] if step.get("uses", "").startswith("actions/setup-python@")
    ]
    base = next(line for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("FROM "))
    assert f":{setup['with']['python-version']}-slim" in base
    assert setup["with"]["update-environment"] is False  # the user's Python stays the user's


def test_start__uses_the_flags_of_the_image() -> None:
    line = next(line for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("ENTRYPOINT "))
    text = (HERE / "start.py").read_text(encoding="utf-8")
    assert f"FLAGS = ({', '.join(json.dumps(flag) for flag in json.loads(line.split(' ', 1)[1])[1:-1])})" in text


# It does the same


OURS = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "HTTPS_"))}
"""From where this machine has its packages."""


class Composite:
    """Runs the steps of composite/action.yml: setup-python gives this interpreter.

    Args:
        folder: where the action is, by default this repository.
        index: of packages; empty is PyPI, or what this machine has in its place.
    """

    def __init__(self, folder: Path = HERE, index: str = "") -> None:
        self.folder = folder
        self.index = index

    def run(self, job: Job) -> Result:
        variables = job.prepare()
        plain = {name: value for name, value in variables.items() if not name.startswith("INPUT_")}
        contexts: dict[str, Any] = {
            "inputs": {name: variables[f"INPUT_{name.upper()}"] for name in composite()["inputs"]},
            "steps": {"python": {"outputs": {"python-path": sys.executable}}},
            "runner": {"temp": str(job.temp)},
        }
        log, code = "", 0
        for step in composite()["runs"]["steps"]:
            if "run" not in step:
                continue
            output = job.file_command("set_output")
            output.write_bytes(b"")
            environment = {
                **plain,
                "PATH": os.environ["PATH"],
                "GITHUB_ACTION_PATH": str(self.folder),
                **{name: as_text(interpolate(value, contexts)) for name, value in step["env"].items()},
                **({"PIP_INDEX_URL": self.index} if self.index else OURS),
            }
            script = job.temp / "step.sh"
            script.write_text(step["run"], encoding="utf-8")
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
                cwd=job.checkout,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=300,
                check=False,
            )
            log, code = log + done.stdout.decode(), done.returncode
            result = job.result(code, log)
            contexts["steps"][step["id"]] = {"outputs": result.outputs}
            if code:
                break
        outputs = contexts["steps"].get("action", {}).get("outputs", {})
        return Result(code, log, outputs, result.summary, result.commands)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with GitHub() as github:
        yield Scene(github, tmp_path)


def job_of(scene: Scene, folder: Path, **inputs: str) -> Job:
    return Job(
        folder,
        inputs=inputs,
        repository=scene.full_name,
        token=scene.token,
        api_url=scene.github.api_url,
        graphql_url=scene.github.graphql_url,
        server_url=scene.github.server_url,
        debug=False,
    )


@pytest.fixture
def runner(tmp_path: Path) -> Composite:
    """The action with a lock of one package, which brings this interpreter's packages, so that nothing is fetched."""
    place = tmp_path / "action"
    for name in ("composite", "gh_store_action", "entrypoint.py"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, place / name)
    digest = wheel(tmp_path / "index", "site", {"site.pth": sysconfig.get_path("purelib") + "\n"})
    (place / "requirements.lock").write_text(f"site==1.0 --hash=sha256:{digest}\n")
    return Composite(place / "composite", (tmp_path / "index").as_uri())


def wheel(index: Path, name: str, files: Mapping[str, str]) -> str:
    """A package on an index, version 1.0; the SHA-256 of its file."""
    about = f"{name}-1.0.dist-info"
    inner = {
        **files,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    inner[f"{about}/RECORD"] = "".join(f"{path},,\n" for path in (*inner, f"{about}/RECORD"))
    file = index / name / f"{name}-1.0-py3-none-any.whl"
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w") as archive:
        for path, text in inner.items():
            archive.writestr(path, text)
    (file.parent / "index.html").write_text(f"<a href='{file.name}'>{file.name}</a>")
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_run__folds_an_update_like_the_docker_action(scene: Scene, runner: Composite, tmp_path: Path) -> None:
    number = scene.open("metrics", {"count": 0})
    scene.post(number, '{"count": 5, "text": "it\'s \\"quoted\\" $HOME `id` \\\\ ${{ github.token }}"}')
    result = runner.run(job_of(scene, tmp_path / "job", mode="process", **{"issue-number": str(number)}))
    assert result.exit_code == 0, result.shown
    assert result.outputs["processed"] == "1" and result.outputs["object-id"] == "metrics"
    assert json.loads(scene.issue(number).body)["count"] == 5
    assert scene.token not in result.shown


# Nothing that others may have written is run


def test_steps__nothing_comes_from_a_cache() -> None:
    used = [step["uses"].partition("@")[0] for step in composite()["runs"]["steps"] if "uses" in step]
    assert used == ["actions/setup-python"]
    assert "cache" not in composite()["runs"]["steps"][0]["with"]


def test_hostile_surroundings__nothing_of_them_is_run(scene: Scene, runner: Composite, tmp_path: Path) -> None:
    """Modules in the workspace; environments that the cache brought back, or an earlier step put into RUNNER_TEMP."""
    job = job_of(scene, tmp_path / "job", mode="explode")
    job.checkout.mkdir(parents=True)
    for name in ("json.py", "github.py", "hashlib.py", "gh_store_action.py", "sitecustomize.py"):
        (job.checkout / name).write_text(f"open('{tmp_path}/imported', 'a').write({name!r})\n")
    for name in ("gh-store-action", "gh-store-action-", "venv"):
        place = job.temp / name
        (place / "bin").mkdir(parents=True)
        (place / "ready").touch()
        for program in ("python", "python3", "pip"):
            (place / "bin" / program).write_text(f"#!/bin/sh\nenv >{tmp_path}/ran\n")
            (place / "bin" / program).chmod(0o755)
    env = {"PYTHONPATH": str(job.checkout), "PYTHONSTARTUP": str(job.checkout / "json.py")}
    result = runner.run(replace(job, env=env))
    assert result.exit_code == 2, result.log  # for the mode, as the Docker action
    assert "explode" in result.errors[0]
    assert not (tmp_path / "imported").exists()
    assert not (tmp_path / "ran").exists()


def test_environment__is_made_anew_in_each_run(scene: Scene, runner: Composite, tmp_path: Path) -> None:
    """What the first run has made is poisoned before the second."""
    job = job_of(scene, tmp_path / "job", mode="explode")
    assert runner.run(job).exit_code == 2
    (made,) = job.temp.glob("gh-store-action-*")
    assert made.stat().st_mode & 0o077 == 0
    (site,) = made.rglob("gh-store-action.pth")
    site.write_text(f"import os; open('{tmp_path}/ran', 'a').write(str(os.environ))\n")
    subprocess.run([made / "bin" / "python", "-I", "-c", ""], check=True)
    (tmp_path / "ran").unlink()
    assert runner.run(job).exit_code == 2
    assert not (tmp_path / "ran").exists()


def test_poisoned_package__is_refused_in_one_line_and_not_run(scene: Scene, runner: Composite, tmp_path: Path) -> None:
    wheel(tmp_path / "index", "site", {"site.pth": f"import os; open('{tmp_path}/ran', 'a')\n"})
    result = runner.run(job_of(scene, tmp_path / "job", mode="explode"))
    assert result.exit_code == 1
    (error,) = result.errors
    assert "could not be installed" in error and "Traceback" not in result.log
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "how", ["a file of HOME", "PIP_REQUIREMENT", pytest.param("PIP_CONFIG_FILE", marks=pytest.mark.prove)]
)
def test_poisoned_pip__takes_nothing_from_its_configuration(
    scene: Scene, runner: Composite, tmp_path: Path, how: str
) -> None:
    """Pip would install what it is told besides, with the hash that it is told."""
    digest = wheel(tmp_path / "index", "evil", {"evil.pth": f"import os; open('{tmp_path}/ran', 'a').write('x')\n"})
    more = tmp_path / "more.txt"
    more.write_text(f"evil==1.0 --hash=sha256:{digest}\n")
    job = job_of(scene, tmp_path / "job", mode="explode")
    config = job.home / ".config/pip/pip.conf" if how == "a file of HOME" else tmp_path / "pip.conf"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(f"[install]\nrequirement = {more}\n")
    env = {
        "a file of HOME": {},
        "PIP_CONFIG_FILE": {"PIP_CONFIG_FILE": str(config)},
        "PIP_REQUIREMENT": {"PIP_REQUIREMENT": str(more)},
    }[how]
    naive = {**env, "HOME": str(job.home), "PIP_INDEX_URL": runner.index, "PATH": os.environ["PATH"]}
    lock, there = str(runner.folder.parent / "requirements.lock"), tmp_path / "naive"
    pip = [sys.executable, "-I", "-m", "pip", "install", "--target", str(there)]
    subprocess.run([*pip, "--require-hashes", "--requirement", lock], check=True, env=naive)
    assert (there / "evil.pth").exists(), "the attack is none"

    result = runner.run(replace(job, env=env))

    assert result.exit_code == 2, result.log
    assert not (tmp_path / "ran").exists()


def test_environment__that_can_not_be_made_is_one_clear_line(scene: Scene, tmp_path: Path) -> None:
    job = job_of(scene, tmp_path / "job", mode="process")
    result = Composite(index=(tmp_path / "nowhere").as_uri()).run(job)
    assert result.exit_code == 1
    (error,) = result.errors
    assert "could not be installed" in error and "PyPI" in error
    assert "Traceback" not in result.log


@pytest.mark.container
def test_environment__is_made_from_the_lock(scene: Scene, tmp_path: Path) -> None:
    """Fetches the locked packages, as the image's build does."""
    number = scene.open("metrics", {"count": 0})
    job = job_of(scene, tmp_path / "job", mode="process", **{"issue-number": str(number)})
    result = Composite().run(job)
    assert result.exit_code == 0, result.log
    (made,) = job.temp.glob("gh-store-action-*")
    packages = subprocess.run(
        [sys.executable, "-I", "-m", "pip", "--python", str(made / "bin" / "python"), "list", "--format=freeze"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "PyGithub==" in packages and "pytest" not in packages
