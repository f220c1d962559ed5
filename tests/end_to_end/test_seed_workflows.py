"""The workflows of gh-store 0.5.0's README, with the action in the place of the command that nothing installs there."""

from __future__ import annotations

import json
from pathlib import Path

from tests.double import BOT, GitHub
from tests.support.cli import Shell
from tests.support.workflow import Actions

PROCESS = """
name: Process Updates

on:
  issues:
    types: [reopened]

jobs:
  process:
    runs-on: ubuntu-latest
    if: contains(github.event.issue.labels.*.name, 'stored-object')
    permissions:
      issues: write
    steps:
      - uses: actions/checkout@v4
      - name: Process Updates
        uses: org/gh-store-action@v1
"""
SNAPSHOT = """
name: Snapshot

on:
  schedule:
    - cron: '0 0 * * *'  # Daily
  workflow_dispatch:

jobs:
  snapshot:
    runs-on: ubuntu-latest
    permissions:
      contents: write
    steps:
      - uses: actions/checkout@v4
      - name: Create Snapshot
        uses: org/gh-store-action@v1
        with:
          mode: snapshot
          output: data/store-snapshot.json
"""


def test_they_run_on_what_a_persons_command_posts(tmp_path: Path) -> None:
    """In a public repository, with the permissions that they name: everybody reads its contents and issues."""
    with GitHub() as github:
        repository = github.add_repository("octo/store", files={"README.md": "# A store\n"})
        repository.grant("ada", "write")
        (tmp_path / "home").mkdir()
        shell = Shell(github, "octo/store", tmp_path / "home", github.token("ada"))
        actions = Actions(github, repository, tmp_path, {"process_update.yml": PROCESS, "snapshot.yml": SNAPSHOT})
        assert shell.run("create", "metrics", '{"count": 0}').code == 0
        assert actions.react() == []
        assert shell.run("update", "metrics", '{"count": 1}').code == 0

        (processed,) = actions.react()
        assert processed.outcome == "success", processed.results
        assert json.loads(repository.issue(1).body) == {"count": 1}
        assert (BOT, "+1") in repository.issue(1).comments[1].reactions

        actions.tick("0 0 * * *")
        (saved,) = actions.react()
        assert saved.outcome == "success", saved.results
        snapshot = json.loads(repository.file("data/store-snapshot.json") or b"")
        assert snapshot["objects"]["metrics"]["data"] == {"count": 1}


def test_its_commands_run_as_printed(tmp_path: Path) -> None:
    with GitHub() as github:
        repository = github.add_repository("octo/store", files={"README.md": "# A store\n"})
        repository.grant("ada", "write")
        token = github.token("ada")
        shell = Shell(github, "", tmp_path, "")
        where = ("--token", token, "--repo", "octo/store")
        assert shell.run("create", "metrics", '{"count": 0}', *where).code == 0
        assert shell.run("update", "metrics", '{"count": 1}', *where).code == 0

        assert shell.run("process-updates", "--issue", "1", *where).code == 0
        assert shell.run("snapshot", *where, "--output", "data/store-snapshot.json").code == 0
        assert shell.run("update-snapshot", *where, "--snapshot-path", "data/store-snapshot.json").code == 0

        snapshot = json.loads((tmp_path / "data/store-snapshot.json").read_text("utf-8"))
        assert snapshot["objects"]["metrics"]["data"] == {"count": 1}
        assert (tmp_path / ".config/gh-store/config.yml").exists()
