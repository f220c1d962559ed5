"""What a shell completes: commands, ids, files; silent and quick where that fails."""

from __future__ import annotations

import subprocess
import threading

import pytest

from gh_store_action.cli import completing
from gh_store_action.cli import setup as cli_setup
from tests.double import GitHub, Repository
from tests.support.cli import Shell


@pytest.fixture
def repository(github: GitHub) -> Repository:
    return github.add_repository("octo/store", files={"README.md": ""})


def complete(shell: Shell, *words: str) -> list[str]:
    """What bash is told behind these words, the last of which is being typed."""
    shell.env |= {"_GH_STORE_COMPLETE": "bash_complete", "COMP_CWORD": str(len(words))}
    shell.env["COMP_WORDS"] = " ".join(["gh-store", *words])
    done = shell.run()
    assert (done.code, done.err) == (0, "")
    return done.out.split()


@pytest.mark.parametrize("name", cli_setup.SHELLS)
def test_completion__prints_the_shells_script(shell: Shell, name: str) -> None:
    done = shell.run("completion", name)

    assert done.code == 0
    assert "_GH_STORE_COMPLETE" in done.out


def test_completion__completes_commands(shell: Shell) -> None:
    env = {"_GH_STORE_COMPLETE": "bash_complete", "COMP_WORDS": "gh-store sn", "COMP_CWORD": "1"}
    shell.env |= env
    with shell.start(stdin=subprocess.DEVNULL) as process:
        out, _ = process.communicate(timeout=30)

    assert out.split() == ["plain,snapshot"]


def test_completion__completes_ids_by_the_labels(github: GitHub, shell: Shell, repository: Repository) -> None:
    for number in range(101):
        repository.create_label("octo", f"UID:m{number:03}")
    repository.create_label("octo", "UID:users")
    repository.create_label("octo", "UID:=0123456789abcdef0123456789abcdef")
    asked = github.count()

    assert complete(shell, "get", "us") == ["plain,users"]
    assert github.count() - asked == 3  # the rules, and two pages of labels
    assert complete(shell, "validate", "x.json", "--as", "us") == ["plain,users"]
    assert len(complete(shell, "verify", "m")) == 101
    assert not (shell.folder / ".config").exists()


def test_completion__takes_the_options_that_stand_before(github: GitHub, shell: Shell, repository: Repository) -> None:
    other = github.add_repository("octo/other", files={".github/gh-store.yml": 'store: {uid_prefix: "id-"}'})
    other.create_label("octo", "id-there")
    token, shell.token = shell.token, ""

    assert complete(shell, "-R", "octo/other", "--token", token, "get", "t") == ["plain,there"]


def test_completion__that_fails_is_silent_and_quick(
    github: GitHub, shell: Shell, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.create_label("octo", "UID:users")
    monkeypatch.setattr(completing, "MOST_TIME", 0.2)
    shell.env["PATH"] = str(shell.folder)
    token, shell.token = shell.token, ""
    assert complete(shell, "get", "us") == []
    shell.token = token
    github.latency = 1.5
    assert complete(shell, "get", "us") == []
    assert completing.WORKER in {thread.name for thread in threading.enumerate()}  # still waits for the answer
    github.latency = 0.15
    for number in range(200):
        repository.create_label("octo", f"UID:m{number:03}")
    assert len(complete(shell, "get", "m")) in (0, 1, 100)
    for thread in threading.enumerate():
        if thread.name == completing.WORKER:
            thread.join(10)


def test_completion__completes_files_where_files_are_meant(shell: Shell) -> None:
    for name in ("data.json", "date.json", "[x].json"):
        (shell.folder / name).write_text("{}")

    assert complete(shell, "get", "a", "--output", "da") == ["file,da"]
    assert complete(shell, "snapshot", "--output", "da") == ["file,da"]
    assert complete(shell, "validate", "da") == ["file,da"]
    assert complete(shell, "site", "--output", "da") == ["dir,da"]
    assert complete(shell, "create", "a", "@da") == ["plain,@data.json", "plain,@date.json"]
    assert complete(shell, "update", "a", "@[") == ["plain,@[x].json"]
    assert complete(shell, "update", "a", "da") == []
    assert complete(shell, "get", "a", "$.") == []
