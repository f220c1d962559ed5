"""One store on the loopback GitHub, and the action run against it as GitHub's runner does.

    with GitHub() as github:
        scene = Scene(github, tmp_path)
        number = scene.make("metrics", {"count": 0})
        scene.post(number, '{"count": 1}')
        assert scene.run("process", issue_number=number).outputs["processed"] == "1"

Every run is looked over for what must never be there: a traceback, and the token anywhere but in the request's header.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gh_store_action.action.main import main
from tests.double import Event, GitHub, IssueView, Repository, Request
from tests.support import git
from tests.support.runner import Job, Result, run_here, run_process

OWNER = "octo"
WRITER = "ada"
STRANGER = "eve"
LABEL = "stored-object"


@dataclass(frozen=True)
class Run:
    """A run of the action: the runner's result, and the API requests that it made."""

    result: Result
    requests: tuple[Request, ...]

    @property
    def exit_code(self) -> int:
        return self.result.exit_code

    @property
    def outputs(self) -> Mapping[str, str]:
        return self.result.outputs

    @property
    def summary(self) -> str:
        return self.result.summary

    @property
    def log(self) -> str:
        """The log as a reader of the job sees it."""
        return self.result.shown

    @property
    def error(self) -> str:
        """The one error annotation."""
        (error,) = self.result.errors
        return error

    @property
    def operations(self) -> list[str]:
        """The GraphQL operations and REST methods, in order."""
        return [request.operation or request.method for request in self.requests]


@dataclass
class Scene:
    """A store with an owner, a writer and a stranger.

    Args:
        github: the running loopback GitHub.
        folder: an empty folder of the test's.
        token: of the workflow, with all that any mode needs.
        waits: the pauses that runs asked for, in seconds; none of them is waited.
    """

    github: GitHub
    folder: Path
    full_name: str = "octo/store"
    private: bool = False
    waits: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.repository: Repository = self.github.add_repository(
            self.full_name, private=self.private, files={"README.md": "# A store\n"}
        )
        self.repository.grant(WRITER, "write")
        self.github.add_user(STRANGER)
        self.token = self.repository.workflow_token(issues="write", contents="write")
        self._runs = itertools.count(1)

    # -- what people do ----------------------------------------------------------------------------------------------

    def open(self, object_id: str, data: Any = None, *, by: str = OWNER, body: str | None = None) -> int:
        """An issue with the labels of an object, as a person opens it; not processed yet."""
        text = json.dumps({} if data is None else data) if body is None else body
        return self.repository.open_issue(by, f"Stored Object: {object_id}", text, [LABEL, f"UID:{object_id}"])

    def make(self, object_id: str = "metrics", data: Any = None) -> int:
        """An object, processed once; its issue's number."""
        number = self.open(object_id, {"count": 0} if data is None else data)
        assert self.run("process", issue_number=number).exit_code == 0
        return number

    def post(self, number: int, body: str, *, by: str = WRITER) -> int:
        """A comment; its id."""
        return self.repository.comment(number, by, body)

    def configure(self, text: str, **files: str) -> None:
        """The store's configuration on the default branch, and schemas by file name without `.json`."""
        schemas = {f".github/gh-store/{name}.json": content for name, content in files.items()}
        self.repository.commit_files({".github/gh-store.yml": text, **schemas})

    def issue(self, number: int) -> IssueView:
        return self.repository.issue(number)

    def data(self, number: int) -> Any:
        """The object as every reader gets it."""
        return json.loads(self.issue(number).body)

    def receipts(self, comment: int) -> tuple[str, ...]:
        """The reactions of the processor on a comment."""
        found = [c for issue in self.repository.issues() for c in issue.comments if c.id == comment]
        return tuple(content for login, content in found[0].reactions if login == "github-actions[bot]")

    def replies(self, number: int) -> list[str]:
        """What the processor answered."""
        return [c.body for c in self.issue(number).comments if c.body.startswith("<!-- gh-store refused")]

    def last_event(self, name: str, action: str) -> Event:
        return self.github.events.named(name, action)[-1]

    def checkout(self, name: str = "checkout", *, depth: int = 1) -> Path:
        """A clone of the repository, as actions/checkout without `persist-credentials` leaves it."""
        return git.clone(self.repository.clone_url, self.folder / name, "--depth", str(depth))

    # -- what the runner does ----------------------------------------------------------------------------------------

    def job(self, mode: str, *, event: Event | None = None, workspace: Path | None = None, **more: Any) -> Job:
        """A step with this action.  Further arguments are those of `Job`, and inputs with underscores."""
        known = {name: more.pop(name) for name in tuple(more) if name in Job.__dataclass_fields__}
        inputs = {"mode": mode, **{name.replace("_", "-"): value for name, value in more.items()}}
        started = {"event_name": event.name, "event": event.payload} if event else {}
        return Job(
            self.folder / f"run-{next(self._runs)}",
            **{
                "inputs": inputs,
                "repository": self.full_name,
                "token": self.token,
                "api_url": self.github.api_url,
                "graphql_url": self.github.graphql_url,
                "server_url": self.github.server_url,
                "workspace": workspace,
                **started,
                **known,
            },
        )

    def run(self, mode: str, *, process: bool = False, **arguments: Any) -> Run:
        """Run the action: in this process, or as one of its own."""
        job = self.job(mode, **arguments)
        before = len(self.github.requests)
        result = run_process(job) if process else run_here(job, functools.partial(main, pause=self.waits.append))
        run = Run(result, tuple(self.github.requests[before:]))
        look_over(run, job)
        return run


def look_over(run: Run, job: Job) -> None:
    """What holds for every run: no traceback, the token nowhere, and the outputs tell the requests that were made."""
    assert "Traceback" not in run.result.log, run.result.log
    assert "This is a bug" not in run.result.log, run.result.log
    assert run.exit_code in (0, 1, 2)
    assert run.exit_code == 0 or run.result.errors, run.log
    for place in (run.log, run.summary, *run.outputs.values(), *(r.path + r.query + r.body for r in run.requests)):
        assert not job.token.strip() or job.token not in place
    # what is larger was put there by the test, as a file that nothing may read
    written = [file for file in job.checkout.rglob("*") if file.is_file() and file.stat().st_size < 100_000_000]
    assert not [file for file in written if job.token.strip() and job.token.encode() in file.read_bytes()]
    if "requests" in run.outputs and "127.0.0.1:9" not in job.api_url:
        assert int(run.outputs["requests"]) == len(run.requests)
