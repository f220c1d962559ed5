"""The guestbook of docs/forms.md, from its files to an entry in the snapshot, on the events that GitHub sends."""

from __future__ import annotations

import json
import re
import signal
import textwrap
from pathlib import Path

from gh_store_action import GitHubStore
from gh_store_action.action.main import main
from tests.double import GitHub
from tests.support.runner import ROOT, Job, Result, run_here
from tests.support.workflow import Actions, templates

DOC = (ROOT / "docs" / "forms.md").read_text(encoding="utf-8")


def blocks() -> list[str]:
    return [textwrap.dedent(block) for block in re.findall(r"^   ```yaml\n(.*?)^   ```", DOC, re.S | re.M)]


def start(job: Job) -> Result:
    """The action in this process, whose handlers of signals are its own."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return run_here(job, main)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def sent(name: str, message: str, stars: str) -> str:
    return f"### Your name\n\n{name}\n\n### Message\n\n{message}\n\n### Stars\n\n{stars}"


def test_a_visitors_entry_is_in_the_snapshot(tmp_path: Path) -> None:
    form, rules, workflow = blocks()
    workflows = {**templates(), "forms.yml": workflow}
    with GitHub() as github:
        files = {f".github/workflows/{name}": text for name, text in workflows.items()}
        files |= {".github/ISSUE_TEMPLATE/guestbook.yml": form, ".github/gh-store.yml": rules}
        repository = github.add_repository("octo/store", files=files)
        github.add_user("eve")
        actions = Actions(github, repository, tmp_path, workflows, start)
        with GitHubStore(github.token("octo"), "octo/store", api_url=github.api_url) as store:
            number = store.create("guestbook", {"entries": []}).meta.issue_number
        actions.react()

        first = repository.open_issue("eve", "Hi", sent("Eve", "Hello!", "5"), ["form:guestbook"])
        runs = {run.workflow: run for run in actions.react()}
        assert runs["forms.yml"].outcome == "success", runs["forms.yml"].results[0].shown
        assert runs["forms.yml"].results[0].outputs["rejected"] == "1"
        repository.edit_issue(first, "eve", body=sent("Eve", "Hello!", "3"))
        runs = {run.workflow: run for run in actions.react()}
        assert runs["forms.yml"].results[0].outputs["object-id"] == "guestbook"
        assert repository.issue(first).state == "closed"
        repository.comment(number, "eve", json.dumps({"entries": []}))
        talk = repository.open_issue("eve", "A question", "How are you?", [])
        runs = {run.workflow: run for run in actions.react()}
        assert runs["forms.yml"].outcome == "skipped"

        actions.tick("23 3 * * *")
        actions.react()
        snapshot = json.loads(repository.file("data/store-snapshot.json") or b"")
        (entry,) = snapshot["objects"]["guestbook"]["data"]["entries"]
        at = repository.issue(first).created_at
        assert entry == {"by": "eve", "name": "Eve", "message": "Hello!", "stars": 3, "at": at}
        assert talk
