"""The guestbook of docs/forms.md, from its files to an entry in the snapshot, on the events that GitHub sends."""

from __future__ import annotations

import json
import re
import shlex
import textwrap
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import yaml

from gh_store_action import GitHubStore
from tests.double import GitHub
from tests.support.cli import Shell
from tests.support.runner import ROOT
from tests.support.workflow import Actions, templates

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOC = (ROOT / "docs" / "forms.md").read_text(encoding="utf-8")


def blocks() -> list[str]:
    return [textwrap.dedent(block) for block in re.findall(r"^   ```yaml\n(.*?)^   ```", DOC, re.S | re.M)]


def sent(name: str, message: str, stars: str) -> str:
    return f"### Your name\n\n{name}\n\n### Message\n\n{message}\n\n### Stars\n\n{stars}"


def test_a_visitors_entry_is_in_the_snapshot(tmp_path: Path) -> None:
    form, rules = blocks()
    workflows = templates()
    with GitHub() as github:
        files = {f".github/workflows/{name}": text for name, text in workflows.items()}
        files |= {".github/ISSUE_TEMPLATE/guestbook.yml": form, ".github/gh-store.yml": rules}
        repository = github.add_repository("octo/store", files=files)
        github.add_user("eve")
        actions = Actions(github, repository, tmp_path, workflows)
        with GitHubStore(github.token("octo"), "octo/store", api_url=github.api_url) as store:
            number = store.create("guestbook", {"entries": []}).meta.issue_number
        actions.react()

        first = repository.open_issue("eve", "Hi", sent("Eve", "Hello!", "5"), ["form:guestbook"])
        runs = {run.workflow: run for run in actions.react()}
        assert runs["process-updates.yml"].outcome == "success", runs["process-updates.yml"].results[0].shown
        assert runs["process-updates.yml"].results[0].outputs["rejected"] == "1"
        repository.edit_issue(first, "eve", body=sent("Eve", "Hello!", "3"))
        runs = {run.workflow: run for run in actions.react()}
        assert runs["process-updates.yml"].results[0].outputs["object-id"] == "guestbook"
        assert repository.issue(first).state == "closed"
        repository.comment(number, "eve", json.dumps({"entries": []}))
        talk = repository.open_issue("eve", "A question", "How are you?", [])
        runs = {run.workflow: run for run in actions.react(opened=True)}
        assert runs["process-updates.yml"].outcome == "skipped"

        actions.tick("23 3 * * *")
        actions.react()
        snapshot = json.loads(repository.file("data/store-snapshot.json") or b"")
        (entry,) = snapshot["objects"]["guestbook"]["data"]["entries"]
        at = repository.issue(first).created_at
        assert entry == {"by": "eve", "name": "Eve", "message": "Hello!", "stars": 3, "at": at}
        assert talk


def test_the_readmes_guestbook__from_init_to_an_entry_in_the_snapshot(tmp_path: Path) -> None:
    (block,) = re.findall(r"^## A guestbook$.*?^```sh\n(.*?)^```$", README, re.S | re.M)
    init, _, link = (shlex.split(line) for line in block.splitlines())
    with GitHub() as github:
        repository = github.add_repository("octo/store", files={"README.md": "# A store\n"})
        for login in ("eve", "mallory"):
            github.add_user(login)
        shell = Shell(github, repository.full_name, tmp_path / "checkout", github.token("octo"))
        (shell.folder / ".git").mkdir(parents=True)
        written = shell.run(*init[1:]).json["written"]
        files = {name: (shell.folder / name).read_text("utf-8") for name in written}
        repository.commit_files(files, by="octo")
        workflows = {Path(name).name: text for name, text in files.items() if "/workflows/" in name}
        actions = Actions(github, repository, tmp_path, workflows)
        address = urlsplit(shell.run(*link[1:]).out.strip())
        query = dict(parse_qsl(address.query))
        assert (address.path, query) == ("/octo/store/issues/new", {"template": "guestbook.yml", "name": "Ada"})
        form = yaml.safe_load(files[f".github/ISSUE_TEMPLATE/{query['template']}"])

        def send(by: str, *answers: str) -> list[str]:
            labels = [element["attributes"]["label"] for element in form["body"]]
            text = "\n\n".join(f"### {label}\n\n{answer}" for label, answer in zip(labels, answers, strict=True))
            repository.send_form(by, "Hello", text, form["labels"])
            return [run.outcome for run in actions.react()]

        assert send("eve", query["name"], "Hello!", "5") == ["success"] * 3
        assert send("mallory", "Mallory", "x" * 1_001, "_No response_") == ["success"]
        assert send("eve", "Eve", "Hello again!", "1") == ["success"]
        (number,) = [one.number for one in repository.issues() if "UID:guest-eve" in one.labels]
        repository.comment(number, "mallory", '{"message": "gone"}')
        repository.comment(number, "eve", '{"stars": 4}')
        actions.react()
        snapshot = json.loads(actions.page["store-snapshot.json"])
        assert {name: one["data"] for name, one in snapshot["objects"].items()} == {
            "guest-eve": {"name": "Ada", "message": "Hello!", "stars": 4}
        }
