"""Starts the action as GitHub's runner does: in this process, as a process of its own, or in its container.

What the runner does was read in its source (actions/runner 2.336: ActionCommand.cs, ActionCommandManager.cs,
FileCommandManager.cs, ActionManifestManager.cs, ContainerActionHandler.cs, DockerCommandManager.cs).

    job = Job(tmp_path, inputs={"mode": "process"}, event={"issue": {"number": 7}}, api_url=github.url)
    result = run_process(job)          # or run_here(job, main), or run_container(job, engine, image)
    assert result.exit_code == 0 and result.outputs["processed"] == "1"
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]

TOKEN = "ghs_0123456789abcdefghijklmnopqrstuvwxyz"
"""The token that a job gets as `github.token` unless the test gives another."""

COMMANDS = frozenset(
    {"add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group", "notice", "remove-matcher"}
    | {"save-state", "set-env", "set-output", "stop-commands", "warning"}
)
"""The workflow commands that the runner knows; any other `::word::` is text."""


class RunnerError(Exception):
    """The runner itself would fail the step here, or a test asks what the runner does not offer."""


# ---------------------------------------------------------------------------------------------------------------------
# What came of a run


@dataclass(frozen=True)
class Command:
    """A workflow command that the runner obeyed.

    Args:
        name: such as `error`, in lower case.
        data: the unescaped text after the second `::`.
        properties: such as `title` and `file`, unescaped.
    """

    name: str
    data: str
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """What a run left behind.

    Args:
        exit_code: of the process; the step succeeds on 0 only.
        log: standard output and standard error, in the order written, as the runner received them.
        outputs: step outputs, parsed from the file as the runner parses it.
        summary: the job summary's Markdown.
        commands: the workflow commands that the runner obeyed, in order.
    """

    exit_code: int
    log: str
    outputs: Mapping[str, str]
    summary: str
    commands: tuple[Command, ...]

    def annotations(self, *names: str) -> list[str]:
        """The texts of the annotations of these kinds (all of them without an argument), in order."""
        wanted = names or ("error", "warning", "notice")
        return [command.data for command in self.commands if command.name in wanted]

    @property
    def errors(self) -> list[str]:
        """The texts of the error annotations."""
        return self.annotations("error")

    @property
    def warnings(self) -> list[str]:
        """The texts of the warning annotations."""
        return self.annotations("warning")

    @property
    def notices(self) -> list[str]:
        """The texts of the notice annotations."""
        return self.annotations("notice")

    @property
    def shown(self) -> str:
        """The log as a reader of the job sees it: no mask commands, and secrets hidden once they are masked."""
        masks: list[str] = []
        lines = []
        for line, command in _commands(self.log):
            if command is not None and command.name == "add-mask":
                masks += [part for part in (command.data, *command.data.splitlines()) if part]
                continue
            for mask in masks:
                line = line.replace(mask, "***")
            lines.append(line)
        return "\n".join(lines)


# ---------------------------------------------------------------------------------------------------------------------
# What a step gets


@dataclass(frozen=True)
class Job:
    """One step of a job, before it runs.

    Args:
        folder: an empty folder of the test's; everything the runner makes lies in it.
        inputs: the step's `with:`, by the names of action.yml; a bool or a number is written as YAML would.
        event_name: what started the workflow.
        event: the event's payload, the content of the event file.
        repository: `owner/name` of the repository that the workflow runs in.
        token: `github.token`.
        api_url: where GitHub's REST API is.
        graphql_url: where GraphQL is; `<api_url>/graphql` unless given.
        server_url: where github.com is.
        workspace: the checked-out repository; an empty folder unless given.
        actor: who started the workflow.
        sha: the commit the workflow runs for.
        ref: the ref the workflow runs for.
        run_id: of the workflow run.
        attempt: of the workflow run: 2 when it was run again.
        step: what the runner calls the step in its job.
        debug: whether the run was started with debug logging.
        env: variables that the workflow sets with `env:`.
    """

    folder: Path
    inputs: Mapping[str, str | bool | int] = field(default_factory=dict)
    event_name: str = "workflow_dispatch"
    event: Mapping[str, Any] = field(default_factory=dict)
    repository: str = "octo/store"
    token: str = field(default=TOKEN, repr=False)
    api_url: str = "http://127.0.0.1:9"
    graphql_url: str = ""
    server_url: str = "https://github.com"
    workspace: Path | None = None
    actor: str = "octo"
    sha: str = "0" * 40
    ref: str = "refs/heads/main"
    run_id: int = 1
    attempt: int = 1
    step: str = "__self"
    debug: bool = False
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def checkout(self) -> Path:
        """The workspace on this machine."""
        return self.workspace or self.folder / "work" / self.repository.rpartition("/")[2]

    @property
    def temp(self) -> Path:
        """The runner's temporary folder on this machine."""
        return self.folder / "_temp"

    @property
    def home(self) -> Path:
        """HOME of the action, on this machine."""
        return self.temp / "_github_home"

    @property
    def event_path(self) -> Path:
        """The event file."""
        return self.temp / "_github_workflow" / "event.json"

    def file_command(self, name: str) -> Path:
        """The file behind `GITHUB_OUTPUT` (`set_output`), `GITHUB_STEP_SUMMARY` (`step_summary`) and the like."""
        return self.temp / "_runner_file_commands" / f"{name}_1"

    def prepare(self) -> dict[str, str]:
        """Make the folders and files of the step, empty of what an earlier run wrote; returns its whole environment."""
        for folder in (self.checkout, self.home, self.event_path.parent, self.file_command("x").parent):
            folder.mkdir(parents=True, exist_ok=True)
        self.event_path.write_text(json.dumps(self.event), encoding="utf-8")
        files = {
            "GITHUB_ENV": "set_env",
            "GITHUB_OUTPUT": "set_output",
            "GITHUB_PATH": "add_path",
            "GITHUB_STATE": "save_state",
            "GITHUB_STEP_SUMMARY": "step_summary",
        }
        for name in files.values():
            self.file_command(name).write_bytes(b"")
        owner = self.repository.partition("/")[0]
        return {
            **self.env,
            **_inputs(self.inputs, self._github()),
            **{variable: str(self.file_command(name)) for variable, name in files.items()},
            "CI": "true",
            "GITHUB_ACTION": self.step,
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTOR": self.actor,
            "GITHUB_ACTOR_ID": "1",
            "GITHUB_API_URL": self.api_url,
            "GITHUB_BASE_REF": "",
            "GITHUB_EVENT_NAME": self.event_name,
            "GITHUB_EVENT_PATH": str(self.event_path),
            "GITHUB_GRAPHQL_URL": self.graphql_url or f"{self.api_url}/graphql",
            "GITHUB_HEAD_REF": "",
            "GITHUB_JOB": "store",
            "GITHUB_REF": self.ref,
            "GITHUB_REF_NAME": self.ref.removeprefix("refs/heads/").removeprefix("refs/tags/"),
            "GITHUB_REF_PROTECTED": "false",
            "GITHUB_REF_TYPE": "tag" if self.ref.startswith("refs/tags/") else "branch",
            "GITHUB_REPOSITORY": self.repository,
            "GITHUB_REPOSITORY_ID": "1",
            "GITHUB_REPOSITORY_OWNER": owner,
            "GITHUB_REPOSITORY_OWNER_ID": "1",
            "GITHUB_RETENTION_DAYS": "90",
            "GITHUB_RUN_ATTEMPT": f"{self.attempt}",
            "GITHUB_RUN_ID": f"{self.run_id}",
            "GITHUB_RUN_NUMBER": "1",
            "GITHUB_SERVER_URL": self.server_url,
            "GITHUB_SHA": self.sha,
            "GITHUB_TRIGGERING_ACTOR": self.actor,
            "GITHUB_WORKFLOW": "Store",
            "GITHUB_WORKFLOW_REF": f"{self.repository}/.github/workflows/store.yml@{self.ref}",
            "GITHUB_WORKFLOW_SHA": self.sha,
            "GITHUB_WORKSPACE": str(self.checkout),
            "HOME": str(self.home),
            "RUNNER_ARCH": "X64",
            "RUNNER_ENVIRONMENT": "github-hosted",
            "RUNNER_NAME": "Hosted Agent",
            "RUNNER_OS": "Linux",
            "RUNNER_TEMP": str(self.temp),
            "RUNNER_TOOL_CACHE": str(self.folder / "_tool"),
            **({"RUNNER_DEBUG": "1"} if self.debug else {}),
        }

    def mounts(self) -> dict[Path, str]:
        """Folders of this machine, and where the container sees them."""
        return {
            self.temp: "/github/runner_temp",
            self.home: "/github/home",
            self.event_path.parent: "/github/workflow",
            self.file_command("x").parent: "/github/file_commands",
            self.checkout: "/github/workspace",
        }

    def result(self, exit_code: int, log: str) -> Result:
        """Read what the run left in the files, as the runner does after the step; the token must be nowhere in it."""
        found = Result(
            exit_code=exit_code,
            log=log,
            outputs=parse_env_file(self.file_command("set_output").read_bytes().decode("utf-8")),
            summary=self.file_command("step_summary").read_text(encoding="utf-8"),
            commands=tuple(command for _, command in _commands(log) if command is not None),
        )
        if self.token:
            hidden = "\n".join(line for line in log.split("\n") if not line.startswith("::add-mask::"))
            assert self.token not in hidden, "the token is in the log"
            assert self.token not in found.summary, "the token is in the summary"
            assert not any(self.token in value for value in found.outputs.values()), "the token is in an output"
        return found

    def _github(self) -> dict[str, Any]:
        """The `github` context, as far as the defaults of action.yml may ask."""
        return {
            "actor": self.actor,
            "event": self.event,
            "event_name": self.event_name,
            "ref": self.ref,
            "repository": self.repository,
            "sha": self.sha,
            "token": self.token,
        }


# ---------------------------------------------------------------------------------------------------------------------
# The three ways to run


def run_here(job: Job, main: Callable[[Mapping[str, str]], int]) -> Result:
    """Call the action's `main` in this process, where coverage sees it.

    The environment of the process is the step's, wholly, for as long as it runs: actions_toolkit reads it itself.  The
    handlers of signals are as before afterwards.
    """
    environment = {**job.prepare(), "PATH": os.environ.get("PATH", os.defpath)}
    log = io.StringIO()
    shown = contextlib.redirect_stdout(log), contextlib.redirect_stderr(log)
    with _environment(environment), contextlib.chdir(job.checkout), shown[0], shown[1]:
        exit_code = main(os.environ)
    return job.result(exit_code, log.getvalue())


def run_process(job: Job, *, timeout: float = 60) -> Result:
    """Start entrypoint.py with the interpreter of this process, isolated as in the image, in the workspace.

    The environment is the step's and PATH; nothing else of this machine's gets in.
    """
    environment = {**job.prepare(), "PATH": os.environ.get("PATH", os.defpath)}
    start = "import runpy, sys; sys.path.append(sys.argv.pop()); runpy.run_path(sys.argv.pop(), run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-u", "-X", "utf8", "-c", start, str(ROOT / "entrypoint.py"), str(ROOT)],
        cwd=job.checkout,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
        check=False,
    )
    return job.result(done.returncode, done.stdout.decode("utf-8", "replace"))


_ENGINES_OWN = ("HOME", "LD_LIBRARY_PATH", "PATH", "TMPDIR")


def run_container(
    job: Job,
    engine: Engine,
    image: str,
    *,
    options: tuple[str, ...] = (),
    command: tuple[str, ...] = (),
    timeout: float = 120,
) -> Result:
    """Run the image with the runner's mounts and variables; paths of this machine become the container's.

    Left out of what the runner does: the engine's socket is not mounted, and the network is the host's, so that the
    container reaches the GitHub on loopback.

    Args:
        options: further options of `docker run`, such as `--read-only`.
        command: what to run instead of the image's entry point.
        timeout: seconds until the container is killed.
    """
    name = f"gh-store-action-{uuid.uuid4().hex[:12]}"
    variables = {key: _in_container(value, job.mounts()) for key, value in job.prepare().items()}
    call = [*engine.run, "--name", name, "--workdir", "/github/workspace", "--rm", *options]
    for folder, seen in job.mounts().items():
        call += ["-v", f"{folder}:{seen}"]
    for key in variables:
        # By name alone, as the runner does: no value on a command line. The engine needs some of its own, though.
        call += ["-e", f"{key}={variables[key]}" if key in _ENGINES_OWN else key]
    try:
        done = subprocess.run(
            [*call, *(("--entrypoint", command[0]) if command else ()), image, *command[1:]],
            env={
                **{key: value for key, value in variables.items() if key not in _ENGINES_OWN},
                **{key: os.environ[key] for key in _ENGINES_OWN if key in os.environ},
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        subprocess.run([*engine.command, "kill", name], capture_output=True, check=False)
        raise
    return job.result(done.returncode, done.stdout.decode("utf-8", "replace"))


# ---------------------------------------------------------------------------------------------------------------------
# Container engines


@dataclass(frozen=True)
class Engine:
    """A container engine that works on this machine.

    Args:
        command: how to call it.
        build_options: what `build` needs here.
        run_options: what `run` needs here.
    """

    command: tuple[str, ...]
    build_options: tuple[str, ...] = ()
    run_options: tuple[str, ...] = ()

    @property
    def run(self) -> tuple[str, ...]:
        """The start of a `run` command."""
        return (*self.command, "run", *self.run_options)

    def build(self, dockerfile: str, tag: str) -> str:
        """Build a Dockerfile's text, with this repository as context; returns the tag.

        Raises:
            RunnerError: the build failed; the message holds the end of its log.
        """
        command = [*self.command, "build", *self.build_options, "--tag", tag, "--file", "-", str(ROOT)]
        done = subprocess.run(command, input=dockerfile, capture_output=True, text=True, timeout=900, check=False)
        if done.returncode != 0:
            raise RunnerError(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-4000:]}")
        return tag

    def inspect(self, image: str) -> dict[str, Any]:
        """What the engine knows of an image."""
        command = [*self.command, "image", "inspect", image]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        described: dict[str, Any] = json.loads(done.stdout)[0]
        return described


def dockerfile() -> str:
    """The Dockerfile as it is, or FROM the image that BASE_IMAGE names: where no registry is, another one stands in."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    base = os.environ.get("BASE_IMAGE")
    return re.sub(r"^FROM \S+", f"FROM {base}", text, count=1, flags=re.M) if base else text


@functools.cache
def find_engine() -> Engine | str:
    """The engine to use, or why there is none.

    Docker where its daemon answers. Else podman, with the options that let it run where cgroups, user namespaces or
    higher limits are not to be had, as inside another container.
    """
    network = ("--network", "host")
    if shutil.which("docker") and _works("docker", "info"):
        return Engine(("docker",), network, network)
    if not shutil.which("podman"):
        return "no container engine: docker's daemon does not answer, and podman is not installed"
    podman = ("podman", "--runtime", "runc") if shutil.which("runc") else ("podman",)
    if not _works(*podman, "info"):
        return "no container engine: docker's daemon does not answer, and `podman info` fails"
    limits = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096")
    return Engine(podman, ("--isolation", "chroot", *network), (*network, *limits))


def _works(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


# ---------------------------------------------------------------------------------------------------------------------
# The runner's readers


@functools.cache
def action() -> dict[str, Any]:
    """action.yml, read."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    return loaded


def parse_env_file(text: str) -> dict[str, str]:
    r"""The values in a `GITHUB_OUTPUT` file: `name=value`, or `name<<DELIMITER`, lines, `DELIMITER`.

    Only `\n` ends a line; the first of `=` and `<<` decides; a later value replaces an earlier one.

    Raises:
        RunnerError: what the runner could not process, and fails the step for.
    """
    values = {}
    lines = iter(text.removesuffix("\n").split("\n") if text else [])
    for line in lines:
        if not line:
            continue
        name, separator, rest = min(line.partition("="), line.partition("<<"), key=lambda parts: len(parts[0]))
        if not separator:
            raise RunnerError(f"Invalid format '{line}'")
        if separator == "<<":
            if not name or not rest:
                raise RunnerError(f"Invalid format '{line}'. Name must not be empty and delimiter must not be empty")
            value: list[str] = []
            for inner in lines:
                if inner == rest:
                    break
                value.append(inner)
            else:
                raise RunnerError(f"Invalid value. Matching delimiter not found '{rest}'")
            rest = "\n".join(value)
        values[name] = rest
    return values


def parse_command(line: str, known: frozenset[str] | set[str] = COMMANDS) -> Command | None:
    """The workflow command in a line of the log, or None.

    `::name key=value::text` counts at the start of a line, after white space; the older `##[name key=value]text` counts
    anywhere in it.
    """
    start = line.lstrip()
    if start.startswith("::"):
        info, end, data = start[2:].partition("::")
        name, _, properties = info.partition(" ")
        if end and name.lower() in known:
            return Command(name.lower(), _unescape(data), _properties(properties.strip(), ",", _IN_PROPERTIES))
    _, begin, rest = line.partition("##[")
    info, end, data = rest.partition("]")
    name, _, properties = info.partition(" ")
    if begin and end and name.lower() in known:
        return Command(name.lower(), _unescape(data, _IN_BRACKETS), _properties(properties, ";", _IN_BRACKETS))
    return None


_IN_PROPERTIES = {"%3A": ":", "%2C": ","}
_IN_BRACKETS = {"%3B": ";", "%5D": "]"}


def _commands(log: str) -> Iterator[tuple[str, Command | None]]:
    """Each line of a log, with the command that the runner obeys in it: none between `stop-commands` and its token."""
    stopped = ""
    for line in re.split(r"\r\n|\r|\n", log):
        command = parse_command(line, {stopped.lower()} if stopped else COMMANDS)
        if command is not None and stopped:
            stopped, command = "", None
        elif command is not None and command.name == "stop-commands":
            stopped, command = command.data, None
        yield line, command


def _properties(text: str, separator: str, escapes: Mapping[str, str]) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(separator))
    return {key: _unescape(value, escapes) for key, _, value in pairs if key and value}


def _unescape(text: str, more: Mapping[str, str] | None = None) -> str:
    for escaped, plain in {"%0D": "\r", "%0A": "\n", **(more or {}), "%25": "%"}.items():
        text = text.replace(escaped, plain)
    return text


def _inputs(given: Mapping[str, str | bool | int], github: Mapping[str, Any]) -> dict[str, str]:
    """`INPUT_<NAME>` of every input of action.yml: as given, else its default, else empty; hyphens stay."""
    declared = action()["inputs"]
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise RunnerError(f"action.yml has no input {', '.join(unknown)}")
    values = {
        name: _as_text(given[name]) if name in given else _evaluate(_as_text(entry.get("default", "")), github)
        for name, entry in declared.items()
    }
    return {f"INPUT_{name.upper()}": value for name, value in values.items()}


def _evaluate(text: str, github: Mapping[str, Any]) -> str:
    """A default of action.yml with its `${{ github.… }}` evaluated; what is not there is empty."""

    def value(match: re.Match[str]) -> str:
        found: Any = {"github": github}
        for key in match[1].split("."):
            found = found.get(key) if isinstance(found, Mapping) else None
        return _as_text(found)

    evaluated = re.sub(r"\$\{\{ *([a-z_.]+) *\}\}", value, text)
    if "${{" in evaluated:
        raise RunnerError(f"this runner does not know the expression in {text!r}")
    return evaluated


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _in_container(value: str, mounts: Mapping[Path, str]) -> str:
    """A value that is, or starts with, a mounted path, as the container sees it; the innermost mount decides."""
    for folder in sorted(mounts, key=lambda path: len(str(path)), reverse=True):
        if value == str(folder) or value.startswith(f"{folder}/"):
            return mounts[folder] + value[len(str(folder)) :]
    return value


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    os.environ.clear()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
