"""A small GitHub Actions: reads workflows as GitHub does and runs them on the loopback GitHub's events.

    actions = Actions(github, repository, tmp_path, {"process-updates.yml": text})
    repository.edit_issue(number, "ada", state="open")
    (run,) = actions.react()
    assert run.results[-1].exit_code == 0

What it knows: triggers with their activity types, `if` and `needs` of jobs, concurrency groups with and without
`queue: max`, permissions (which become the token's), inputs with defaults, outputs, `uses` of actions/checkout, of the
two that deploy a page, of this action and of its reusable workflow. What a workflow asks beyond that is a RunnerError,
never left out in silence.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from gh_store_action.action.main import main
from tests.double import Event, GitHub, Repository
from tests.support import git
from tests.support.expressions import as_text, evaluate, interpolate, truthy
from tests.support.runner import ROOT, Job, Result, RunnerError, run_here

OWN = "org/gh-store-action@"
CHECKOUT = "actions/checkout@"
UPLOAD, DEPLOY = "actions/upload-pages-artifact@", "actions/deploy-pages@"
REUSABLE = "org/gh-store-action/.github/workflows/store.yml@"

DEFAULT_TYPES = {
    "pull_request": ("opened", "synchronize", "reopened"),
}
"""Activity types where `types` is left out; any where the event is not named (docs: Events that trigger workflows)."""

_KNOWN = {
    "workflow": {"name", "on", "permissions", "jobs", "run-name"},
    "job": {"name", "if", "runs-on", "timeout-minutes", "concurrency", "permissions", "steps"}
    | {"needs", "outputs", "environment", "uses", "with"},
    "step": {"name", "id", "if", "uses", "with"},
}

Start = Callable[[Job], Result]


def start_here(job: Job) -> Result:
    return run_here(job, main)


@dataclass(frozen=True)
class Run:
    """A job that an event called for.

    Args:
        workflow: the file's name.
        event: what called for it.
        outcome: `success`, `failure`, `skipped` (its `if` was false) or `cancelled` (another took its place).
        permissions: of its token.
        results: of its steps that use this action.
    """

    workflow: str
    job: str
    event: Event
    outcome: str
    permissions: Mapping[str, str] = field(default_factory=dict)
    results: tuple[Result, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Actions:
    """The workflows on a repository's default branch.

    Args:
        folder: an empty folder of the test's.
        workflows: file name -> text.
        start: how the action is run: in this process unless a test says otherwise.
        page: the files that were deployed last, by path.
    """

    github: GitHub
    repository: Repository
    folder: Path
    workflows: Mapping[str, str]
    start: Start = start_here
    page: Mapping[str, bytes] = field(default_factory=dict)
    _uploaded: Mapping[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._read = {name: read(text) for name, text in self.workflows.items()}
        self._seen = len(self.github.events)
        self._jobs = itertools.count(1)
        self._needed: dict[tuple[str, int, str], Run] = {}

    def tick(self, cron: str) -> None:
        """The clock reaches a schedule."""
        payload = {"schedule": cron, "repository": {"full_name": self.repository.full_name}}
        owner = self.repository.record.owner
        self.github.events.record(
            "schedule", None, owner, self.repository.full_name, self.github.clock.now, payload, False
        )

    def react(self, *, opened: bool = False) -> list[Run]:
        """Run what the events since the last call start, as if all of them had come before the first run began.

        Args:
            opened: tell of the jobs that the filter drops for an issue that was just opened, too: most are no forms.
        """
        events = list(self.github.events)[self._seen :]
        self._seen = len(self.github.events)
        queued = [
            (name, job_id, event)
            for event in events
            if event.starts_run and event.repository == self.repository.full_name
            for name, workflow in self._read.items()
            if starts(workflow, name, event)
            for job_id in workflow["jobs"]
        ]
        done: dict[int, Run] = {}
        for depth in range(len(queued)):  # a job runs when those that it needs have run
            layer = [place for place, (name, job_id, _) in enumerate(queued) if self._depth(name, job_id) == depth]
            taken = self._displaced([queued[place] for place in layer])
            for number, place in enumerate(layer):
                name, job_id, event = queued[place]
                done[place] = self._run(name, job_id, event, cancelled=number in taken)
                self._needed[name, event.index, job_id] = done[place]
        told = [done[place] for place in sorted(done)]
        return [run for run in told if opened or run.event.action != "opened" or run.outcome != "skipped"]

    def _depth(self, name: str, job_id: str) -> int:
        return max((self._depth(name, one) + 1 for one in self._needs(name, job_id)), default=0)

    def _needs(self, name: str, job_id: str) -> list[str]:
        needs = self._read[name]["jobs"][job_id].get("needs", [])
        return [needs] if isinstance(needs, str) else list(needs)

    def _displaced(self, queued: list[tuple[str, str, Event]]) -> set[int]:
        """Which runs a later one of their group cancels: one runs, one waits, or with `queue: max` a hundred
        (docs: Control workflow concurrency)."""
        groups: dict[str, list[int]] = {}
        most: dict[str, int] = {}
        for place, (name, job_id, event) in enumerate(queued):
            job = self._read[name]["jobs"][job_id]
            concurrency = job.get("concurrency")
            if concurrency is None or not self._wanted(name, job_id, event):
                continue
            group = as_text(interpolate(concurrency["group"], self._contexts(name, event, job_id))).lower()
            groups.setdefault(group, []).append(place)
            most[group] = 100 if concurrency.get("queue") == "max" else 1
        return {place for group, places in groups.items() for place in places[1 : len(places) - most[group]]}

    def _wanted(self, name: str, job_id: str, event: Event) -> bool:
        condition = self._read[name]["jobs"][job_id].get("if")
        contexts = self._contexts(name, event, job_id)
        needed = {one["result"] for one in contexts["needs"].values()}
        if "cancelled()" not in str(condition) and needed - {"success"}:
            return False
        return _true(condition, contexts)

    def _run(self, name: str, job_id: str, event: Event, *, cancelled: bool) -> Run:
        workflow, job = self._read[name], self._read[name]["jobs"][job_id]
        if not self._wanted(name, job_id, event):
            return Run(name, job_id, event, "skipped")
        if cancelled:
            return Run(name, job_id, event, "cancelled")
        permissions = job.get("permissions", workflow.get("permissions"))
        if not isinstance(permissions, dict):
            raise RunnerError(f"{name}: the job {job_id} names no permissions")
        token = self.repository.workflow_token(**permissions)
        contexts = self._contexts(name, event, job_id, token)
        folder = self.folder / f"job-{next(self._jobs)}"
        workspace = folder / "work" / self.repository.full_name.rpartition("/")[2]
        workspace.mkdir(parents=True)
        results: list[Result] = []
        for step in job["steps"]:
            if not _true(step.get("if"), contexts):
                continue
            inputs = {key: interpolate(value, contexts) for key, value in step.get("with", {}).items()}
            if step["uses"].startswith(CHECKOUT):
                self._check_out(workspace, inputs, token)
            elif step["uses"].startswith(OWN):
                results.append(self.start(self._job(folder / str(len(results)), workspace, inputs, event, contexts)))
                contexts["steps"][step.get("id", "")] = {"outputs": results[-1].outputs}
                if results[-1].exit_code:
                    break
            elif step["uses"].startswith(UPLOAD):
                root = workspace / as_text(inputs["path"])
                files = [file for file in root.rglob("*") if file.is_file()]
                self._uploaded = {file.relative_to(root).as_posix(): file.read_bytes() for file in files}
            elif step["uses"].startswith(DEPLOY):
                self.page = self._uploaded
            else:
                raise RunnerError(f"{name}: this runner does not know {step['uses']}")
        failed = any(result.exit_code for result in results)
        outputs = {key: as_text(interpolate(value, contexts)) for key, value in job.get("outputs", {}).items()}
        return Run(name, job_id, event, "failure" if failed else "success", permissions, tuple(results), outputs)

    def _job(
        self, folder: Path, workspace: Path, inputs: Mapping[str, Any], event: Event, contexts: Mapping[str, Any]
    ) -> Job:
        github = contexts["github"]
        return Job(
            folder,
            inputs={key: as_text(value) for key, value in inputs.items()},
            event_name=event.name,
            event=event.payload,
            repository=self.repository.full_name,
            token=github["token"],
            api_url=self.github.api_url,
            graphql_url=self.github.graphql_url,
            server_url=self.github.server_url,
            workspace=workspace,
            actor=event.actor,
            sha=github["sha"],
            ref=github["ref"],
        )

    def _contexts(self, name: str, event: Event, job_id: str, token: str = "") -> dict[str, Any]:
        """What expressions may ask; `inputs` have the types that the workflow declares."""
        ref = f"refs/heads/{self.repository.record.default_branch}"
        github = {
            "actor": event.actor,
            "event": event.payload,
            "event_name": event.name,
            "ref": event.payload.get("ref") or ref,
            "repository": self.repository.full_name,
            "sha": self.repository.head() or "",
            "token": token,
            "workflow": self._read[name].get("name", name),
        }
        declared = ((self._read[name]["on"].get("workflow_dispatch") or {}).get("inputs")) or {}
        given = event.payload.get("inputs") or {}
        inputs = {
            key: _typed(given.get(key, entry.get("default")), entry.get("type")) for key, entry in declared.items()
        }
        done = {one: self._needed[name, event.index, one] for one in self._needs(name, job_id)}
        return {
            "github": github,
            "inputs": self._read[name].get("called with", inputs if event.name == "workflow_dispatch" else {}),
            "needs": {one: {"result": run.outcome, "outputs": run.outputs} for one, run in done.items()},
            "steps": {},
        }

    def _check_out(self, workspace: Path, inputs: Mapping[str, Any], token: str) -> None:
        """What actions/checkout leaves: one commit of the branch, and, unless told not to, the token in the config."""
        header = f"AUTHORIZATION: {git.basic(token)}"
        git.git(workspace, "init", "--quiet", "--initial-branch=main")
        git.git(workspace, "remote", "add", "origin", self.repository.clone_url.removesuffix(".git"))
        branch = self.repository.record.default_branch
        git.git(
            workspace,
            *("-c", f"http.{self.github.server_url}/.extraheader={header}"),
            *("fetch", "--quiet", "--no-tags", "--depth=1", "origin", f"+{branch}:refs/remotes/origin/{branch}"),
        )
        git.git(workspace, "checkout", "--quiet", "--force", "-B", branch, f"refs/remotes/origin/{branch}")
        if inputs.get("persist-credentials") is not False:
            git.git(workspace, "config", "--local", f"http.{self.github.server_url}/.extraheader", header)


def read(text: str) -> dict[str, Any]:
    """A workflow file; `on` in its long form.

    Raises:
        RunnerError: it holds a key that this runner would have to ignore.
    """
    loaded = {"on" if key is True else key: value for key, value in yaml.safe_load(text).items()}
    triggers = loaded["on"]
    if isinstance(triggers, str):
        triggers = {triggers: None}
    elif isinstance(triggers, list):
        triggers = dict.fromkeys(triggers)
    loaded["on"] = triggers
    _only(loaded, "workflow")
    for job in loaded["jobs"].values():
        _only(job, "job")
        if isinstance(job.get("concurrency"), str):
            job["concurrency"] = {"group": job["concurrency"]}
        for step in job.get("steps", ()):
            _only(step, "step")
    return _called(loaded)


def _called(workflow: dict[str, Any]) -> dict[str, Any]:
    """The workflow with the jobs of the reusable one in place of the job that calls it.

    Raises:
        RunnerError: it calls another one, or gives it fewer permissions than its jobs want: GitHub starts no such run.
    """
    calls = [job for job in workflow["jobs"].values() if "uses" in job]
    if not calls:
        return workflow
    if len(workflow["jobs"]) > 1 or not calls[0]["uses"].startswith(REUSABLE):
        raise RunnerError(f"this runner does not know {calls[0]['uses']}")
    called = read((ROOT / ".github/workflows/store.yml").read_text(encoding="utf-8"))
    given = calls[0].get("with", {})
    declared = called["on"]["workflow_call"]["inputs"]
    inputs = {key: _typed(given.get(key, entry["default"]), entry["type"]) for key, entry in declared.items()}
    ranks = ("none", "read", "write")
    for job in called["jobs"].values():
        for name, wanted in job["permissions"].items():
            if ranks.index(calls[0]["permissions"].get(name, "none")) < ranks.index(wanted):
                raise RunnerError(f"the called workflow wants {name}: {wanted}")
    return {**workflow, "jobs": called["jobs"], "called with": inputs}


def _true(condition: Any, contexts: Mapping[str, Any]) -> bool:
    if condition is None or isinstance(condition, bool):
        return condition is not False
    text = str(condition).strip()
    bare = text[3:-2] if text.startswith("${{") and text.endswith("}}") else text
    return truthy(evaluate(bare, contexts))


def _only(node: Mapping[str, Any], kind: str) -> None:
    unknown = set(node) - _KNOWN[kind]
    if unknown:
        raise RunnerError(f"this runner does not know {', '.join(sorted(unknown))} in a {kind}")


def starts(workflow: Mapping[str, Any], name: str, event: Event) -> bool:
    """Whether an event starts a workflow."""
    if event.name not in workflow["on"]:
        return False
    trigger = workflow["on"][event.name] or {}
    if event.name == "schedule":
        return any(entry["cron"] == event.payload["schedule"] for entry in trigger)
    if event.name == "workflow_dispatch":
        return bool(event.payload["workflow"] == f".github/workflows/{name}")
    types = trigger.get("types") or DEFAULT_TYPES.get(event.name)
    return types is None or event.action in types


def _typed(value: Any, kind: str | None) -> Any:
    if kind == "boolean":
        return value is True or value == "true"
    if kind == "number":
        return float(value or 0)
    return "" if value is None else value


def templates(*, page: bool = False) -> dict[str, str]:
    """The workflows that users copy: the one with a page, or those without."""
    folder = ROOT / "workflows-templates"
    found = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.yml"))}
    return {name: text for name, text in found.items() if (name == "pages.yml") == page}
