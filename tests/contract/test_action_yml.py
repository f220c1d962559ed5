"""action.yml and the workflow templates say what the contract says, and ask for no more than they need."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import runner

ROOT = runner.ROOT
SHIPPED = sorted((ROOT / "workflows-templates").glob("*.yml"))
TEMPLATES = [path for path in SHIPPED if path.stem != "pages"]  # which calls .github/workflows/store.yml

INPUTS = {
    "mode": "process",
    "token": "${{ github.token }}",
    "repository": "${{ github.repository }}",
    "issue-number": "${{ github.event.issue.number }}",
    "object-id": None,
    "data": None,
    "data-file": None,
    "update-mode": "append",
    "if-revision": None,
    "if-digest": None,
    "revision": None,
    "at": None,
    "repair": "false",
    "apply": "true",
    "output": None,
    "snapshot-url": "store-snapshot.json",
    "format": "json",
    "history": "false",
    "commit": "true",
    "commit-message": None,
    "commit-author": None,
    "branch": None,
    "keep": None,
    "commit-via": "git",
    "allow-shrink": "false",
    "config": None,
    "fail-on-rejected": "false",
    "dry-run": "false",
}

OUTPUTS = [
    "changed",
    "changed-ids",
    "processed",
    "rejected",
    "pending",
    "object-id",
    "issue-number",
    "revision",
    "digest",
    "object",
    "snapshot-path",
    "object-count",
    "commit-sha",
    "requests",
    "points",
    "rate-remaining",
]

MODES = [
    "process",
    "snapshot",
    "update-snapshot",
    "create",
    "get",
    "update",
    "delete",
    "restore",
    "history",
    "verify",
    "site",
]

PERMISSIONS = {
    "process-updates": {"contents": "read", "issues": "write"},
    "snapshot": {"contents": "write", "issues": "read"},
    "sweep": {"contents": "read", "issues": "write"},
}

COLOURS = ["white", "black", "yellow", "blue", "green", "orange", "red", "purple", "gray-dark"]


def workflow(path: Path) -> dict[str, Any]:
    """A template, with the key `on` as text: YAML 1.1 reads it as true."""
    loaded: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in loaded.items()}


def the_job(path: Path) -> dict[str, Any]:
    """The one job of a template."""
    (job,) = workflow(path)["jobs"].values()
    return dict(job)


def own_step(path: Path) -> dict[str, Any]:
    """The step of a template that uses this action."""
    (step,) = [step for step in the_job(path)["steps"] if "org/gh-store-action" in step.get("uses", "")]
    return dict(step)


# action.yml


def test_inputs__are_those_of_the_contract_in_its_order_with_its_defaults() -> None:
    declared = {name: entry.get("default") for name, entry in runner.action()["inputs"].items()}
    assert list(declared.items()) == list(INPUTS.items())


@pytest.mark.parametrize("name", INPUTS)
def test_input__is_described_not_required_and_its_default_is_text(name: str) -> None:
    entry = runner.action()["inputs"][name]
    assert entry["description"].strip()
    assert entry["required"] is False
    assert isinstance(entry.get("default", ""), str)
    assert set(entry) <= {"description", "required", "default"}


def test_mode__names_every_mode() -> None:
    assert re.findall(r"`([a-z-]+)`", runner.action()["inputs"]["mode"]["description"]) == MODES


def test_outputs__are_those_of_the_contract_in_its_order_and_described() -> None:
    outputs = runner.action()["outputs"]
    assert list(outputs) == OUTPUTS
    assert all(set(entry) == {"description"} and entry["description"].strip() for entry in outputs.values())


def test_runs__builds_the_dockerfile_and_puts_neither_arguments_nor_variables_between_input_and_code() -> None:
    assert runner.action()["runs"] == {"using": "docker", "image": "Dockerfile"}


def test_branding__is_what_the_marketplace_knows_and_the_description_fits_its_card() -> None:
    action = runner.action()
    assert action["branding"]["icon"] == "database"
    assert action["branding"]["color"] in COLOURS
    assert len(action["description"]) < 125


def test_input_variables__keep_hyphens_and_are_there_when_empty(tmp_path: Path) -> None:
    job = runner.Job(tmp_path, inputs={"object-id": "metrics", "apply": False}, event={"issue": {"number": 7}})
    variables = job.prepare()
    assert variables["INPUT_OBJECT-ID"] == "metrics"
    assert variables["INPUT_APPLY"] == "false"
    assert variables["INPUT_ISSUE-NUMBER"] == "7"
    assert variables["INPUT_TOKEN"] == runner.TOKEN
    assert variables["INPUT_REPOSITORY"] == "octo/store"
    assert variables["INPUT_IF-DIGEST"] == ""
    assert {key for key in variables if key.startswith("INPUT_")} == {f"INPUT_{name.upper()}" for name in INPUTS}


# Dockerfile


def test_dockerfile__base_image_is_a_full_name_with_a_digest_and_the_entry_point_an_isolated_absolute_command() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    (base,) = re.findall(r"^FROM (\S+)", text, re.M)
    assert re.fullmatch(r"docker\.io/library/python:3\.13-slim@sha256:[0-9a-f]{64}", base)
    (entry,) = re.findall(r"^ENTRYPOINT (.+)$", text, re.M)
    command = json.loads(entry)
    assert command[0].startswith("/") and command[-1].startswith("/") and "-I" in command
    assert not re.search(r"^(WORKDIR|USER|CMD)\b", text, re.M)


# Templates


def test_templates__are_the_three_that_a_store_needs_each_with_its_properties() -> None:
    assert [path.stem for path in TEMPLATES] == sorted(PERMISSIONS)
    assert sorted((ROOT / "workflows-templates").glob("*.json")) == [
        path.with_suffix(".properties.json") for path in SHIPPED
    ]


def test_store_workflow__asks_for_what_the_templates_ask_and_its_caller_gives_that() -> None:
    jobs = workflow(ROOT / ".github/workflows/store.yml")["jobs"]
    assert jobs["process"]["permissions"] == PERMISSIONS["process-updates"] == PERMISSIONS["sweep"]
    assert jobs["snapshot"]["permissions"] == PERMISSIONS["snapshot"]
    caller = the_job(ROOT / "workflows-templates/pages.yml")
    assert caller["permissions"] == {"contents": "write", "issues": "write", **jobs["deploy"]["permissions"]}


def test_store_workflow__drops_the_same_events_as_the_template() -> None:
    template = the_job(ROOT / "workflows-templates/process-updates.yml")["if"]
    inner = workflow(ROOT / ".github/workflows/store.yml")["jobs"]["process"]["if"]
    for label, input_ in (("'stored-object'", "inputs.base-label"), ("'form:'", "inputs.form-label")):
        template = template.replace(label, input_)
    assert inner == f"!github.event.issue || {template}"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_template__has_its_least_permissions_on_the_job_and_none_on_the_workflow(path: Path) -> None:
    assert workflow(path)["permissions"] == {}
    assert the_job(path)["permissions"] == PERMISSIONS[path.stem]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_template__is_bounded_in_time_and_a_writer_is_never_cancelled(path: Path) -> None:
    job = the_job(path)
    assert 0 < job["timeout-minutes"] <= 60
    assert job["concurrency"]["group"].startswith("gh-store-")
    assert job["concurrency"]["cancel-in-progress"] is False
    assert "concurrency" not in workflow(path)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_template__pins_every_action_of_others_by_commit_and_says_its_version(path: Path) -> None:
    lines = re.findall(r"^\s+(?:- )?uses: (.+)$", path.read_text(encoding="utf-8"), re.M)
    assert lines
    for line in lines:
        own = line == "org/gh-store-action@v1"
        assert own or re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_template__runs_no_script_and_gives_only_inputs_that_exist(path: Path) -> None:
    assert all("run" not in step for step in the_job(path)["steps"])
    assert set(own_step(path)["with"]) <= set(INPUTS)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_template__properties_say_name_and_description_and_the_name_is_the_workflows(path: Path) -> None:
    properties = json.loads(path.with_suffix(".properties.json").read_text(encoding="utf-8"))
    assert properties["name"] == workflow(path)["name"]
    assert properties["description"].endswith(".")
    assert properties["iconName"] == "octicon database"
    assert properties["categories"]


def test_template_process_updates__listens_to_what_announces_an_update_and_checks_nothing_out() -> None:
    path = ROOT / "workflows-templates" / "process-updates.yml"
    assert workflow(path)["on"] == {
        "issues": {"types": ["opened", "reopened", "edited"]},
        "issue_comment": {"types": ["created", "edited"]},
    }
    assert len(the_job(path)["steps"]) == 1
    for part in (
        "contains(github.event.issue.labels.*.name, 'stored-object')",
        "!github.event.issue.pull_request",
        "github.event.sender.login != 'github-actions[bot]'",
        "!startsWith(github.event.comment.body, '<!-- gh-store')",
    ):
        assert part in the_job(path)["if"]


def test_template_snapshot__leaves_no_credentials_in_the_checkout_and_takes_changes_unless_asked_for_all() -> None:
    path = ROOT / "workflows-templates" / "snapshot.yml"
    (checkout,) = [step for step in the_job(path)["steps"] if step["uses"].startswith("actions/checkout@")]
    assert checkout["with"]["persist-credentials"] is False
    daily, weekly = (one["cron"] for one in workflow(path)["on"]["schedule"])
    wanted = f"(inputs.full || github.event.schedule == '{weekly}')"
    assert own_step(path)["with"]["mode"] == f"${{{{ {wanted} && 'snapshot' || 'update-snapshot' }}}}"
    assert daily != weekly
    assert "full" in workflow(path)["on"]["workflow_dispatch"]["inputs"]


def test_template_sweep__looks_at_all_objects() -> None:
    path = ROOT / "workflows-templates" / "sweep.yml"
    assert own_step(path)["with"] == {"mode": "process", "issue-number": ""}
    assert set(workflow(path)["on"]) == {"schedule", "workflow_dispatch"}
