"""The action without Docker: says the same as action.yml, and does the same, its steps run as the runner runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.double import GitHub
from tests.support.expressions import as_text, interpolate
from tests.support.runner import ROOT, Job, Result, action
from tests.support.scene import Scene

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


class Composite:
    """Runs the steps of composite/action.yml: setup-python gives this interpreter, the cache what is there."""

    def __init__(self, python: str = sys.executable) -> None:
        self.python = python
        self.cached: dict[str, str] = {}

    def run(self, job: Job) -> Result:
        variables = job.prepare()
        plain = {name: value for name, value in variables.items() if not name.startswith("INPUT_")}
        contexts: dict[str, Any] = {
            "inputs": {name: variables[f"INPUT_{name.upper()}"] for name in composite()["inputs"]},
            "steps": {"python": {"outputs": {"python-path": self.python}}},
            "runner": {"temp": str(job.temp)},
        }
        log, code = "", 0
        for step in composite()["runs"]["steps"]:
            if step.get("uses", "").startswith("actions/cache@"):
                self.cached = {key: as_text(interpolate(value, contexts)) for key, value in step["with"].items()}
            if "run" not in step:
                continue
            output = job.file_command("set_output")
            output.write_bytes(b"")
            environment = {
                **plain,
                "PATH": os.environ["PATH"],
                "GITHUB_ACTION_PATH": str(HERE),
                **{name: as_text(interpolate(value, contexts)) for name, value in step["env"].items()},
                **{name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "HTTPS_"))},
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


def make_ready(folder: Path) -> None:
    """An environment as the cache would bring it back, with this interpreter's packages, so that nothing is fetched."""
    place = folder / "_temp" / "gh-store-action"
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", str(place)], check=True)
    packages = subprocess.run(
        [str(place / "bin" / "python"), "-I", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    Path(packages, "tests.pth").write_text(sysconfig.get_path("purelib") + "\n")
    key = subprocess.run(
        [sys.executable, "-I", str(HERE / "start.py"), "where"],
        check=True,
        capture_output=True,
        text=True,
        env={"RUNNER_TEMP": str(folder / "_temp")},
    ).stdout.rpartition("key=")[2]
    (place / "ready").write_text(key.strip())


def test_run__folds_an_update_like_the_docker_action(scene: Scene, tmp_path: Path) -> None:
    number = scene.open("metrics", {"count": 0})
    scene.post(number, '{"count": 5, "text": "it\'s \\"quoted\\" $HOME `id` \\\\ ${{ github.token }}"}')
    make_ready(tmp_path / "job")
    runner = Composite()
    result = runner.run(job_of(scene, tmp_path / "job", mode="process", **{"issue-number": str(number)}))
    assert result.exit_code == 0, result.shown
    assert result.outputs["processed"] == "1" and result.outputs["object-id"] == "metrics"
    assert json.loads(scene.issue(number).body)["count"] == 5
    assert scene.token not in result.shown
    assert runner.cached["path"] == str(tmp_path / "job" / "_temp" / "gh-store-action")
    assert len(runner.cached["key"]) == len("gh-store-action-") + 64


def test_wrong_input__ends_with_the_code_of_the_docker_action(scene: Scene, tmp_path: Path) -> None:
    make_ready(tmp_path / "job")
    result = Composite().run(job_of(scene, tmp_path / "job", mode="explode"))
    assert result.exit_code == 2, result.log
    assert "explode" in result.errors[0]


def test_hostile_workspace__nothing_of_it_is_imported(scene: Scene, tmp_path: Path) -> None:
    make_ready(tmp_path / "job")
    job = job_of(scene, tmp_path / "job", mode="explode")
    job.checkout.mkdir(parents=True)
    for name in ("json.py", "github.py", "hashlib.py", "gh_store_action.py", "sitecustomize.py"):
        (job.checkout / name).write_text(f"open('{tmp_path}/imported', 'a').write({name!r})\n")
    result = Composite().run(
        Job(**{**vars(job), "env": {"PYTHONPATH": str(job.checkout), "PYTHONSTARTUP": str(job.checkout / "json.py")}})
    )
    assert result.exit_code == 2, result.log
    assert not (tmp_path / "imported").exists()


def test_environment__that_can_not_be_made_is_one_clear_line(scene: Scene, tmp_path: Path) -> None:
    job = job_of(scene, tmp_path / "job", mode="process")
    job.temp.mkdir(parents=True)
    (job.temp / "gh-store-action").write_text("in the way")
    result = Composite().run(job)
    assert result.exit_code == 1
    (error,) = result.errors
    assert "could not be installed" in error and "PyPI" in error
    assert "Traceback" not in result.log


@pytest.mark.container
def test_environment__is_made_from_the_lock_and_kept(scene: Scene, tmp_path: Path) -> None:
    """Fetches the locked packages, as the image's build does; the second run finds them."""
    number = scene.open("metrics", {"count": 0})
    runner = Composite()
    job = job_of(scene, tmp_path / "job", mode="process", **{"issue-number": str(number)})
    made = set()
    for _ in range(2):
        result = runner.run(job)
        assert result.exit_code == 0, result.log
        made.add((job.temp / "gh-store-action" / "ready").stat().st_mtime_ns)
    assert len(made) == 1
    packages = subprocess.run(
        [str(job.temp / "gh-store-action" / "bin" / "python"), "-I", "-m", "pip", "list", "--format=freeze"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "PyGithub==" in packages and "pytest" not in packages
