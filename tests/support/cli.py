"""Runs the command `gh-store` against the loopback GitHub: in this process, on a terminal, or as a process of its own.

`Shell(github, "octo/store", tmp_path, token).run("get", "metrics").json["data"]` is the object.
"""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from gh_store_action.cli import ROOMS, program
from tests.double import GitHub

ENTRY = (sys.executable, "-c", "from gh_store_action.cli import main; main()")
"""What the installed script `gh-store` does."""

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, read as JSON."""
        return json.loads(self.out)

    @property
    def plain(self) -> str:
        """Standard output without colours and styles."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.out)


@dataclass
class Shell:
    """A person's shell: a folder, an environment, and a store to talk to.

    Args:
        token: what GITHUB_TOKEN holds; empty for none.
    """

    github: GitHub
    repository: str
    folder: Path
    token: str = field(repr=False)
    env: dict[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        """The whole environment: nothing of the machine's but what a process needs."""
        facts = {
            "HOME": str(self.folder),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "GITHUB_TOKEN": self.token,
            "GITHUB_REPOSITORY": self.repository,
            "GITHUB_API_URL": self.github.api_url,
            "GITHUB_GRAPHQL_URL": self.github.graphql_url,
            "GITHUB_SERVER_URL": self.github.server_url,
        }
        return {key: value for key, value in {**facts, **self.env}.items() if value}

    def run(self, *arguments: str, stdin: str | bytes = "") -> Done:
        """Runs a command in this process, its output piped."""
        with pytest.MonkeyPatch.context() as patch:
            self._enter(patch)
            result = CliRunner().invoke(program, list(arguments), input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    def terminal(self, *arguments: str, columns: int = 100, env: Mapping[str, str] | None = None) -> Done:
        """Runs a command in this process on a pseudo-terminal; what it shows is all in `out`."""
        master, slave = pty.openpty()
        shown: list[bytes] = []
        reader = threading.Thread(target=_drain, args=(master, shown), daemon=True)
        reader.start()
        with pytest.MonkeyPatch.context() as patch:
            self._enter(patch)
            for name, value in {"COLUMNS": str(columns), "TERM": "xterm-256color", **(env or {})}.items():
                patch.setenv(name, value)
            with open(slave, "w", encoding="utf-8") as screen, redirect_stdout(screen), redirect_stderr(screen):
                code = program.main(list(arguments), standalone_mode=False)
        reader.join(10)
        os.close(master)
        return Done(code, b"".join(shown).decode().replace("\r\n", "\n"), "")

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Starts the command as a process of its own; Ctrl-C reaches it even where the tests run in the background."""
        environ = {**self.environ, "PYTHONPATH": str(ROOT)}
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
        before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a child inherits an ignored signal only
        try:
            return subprocess.Popen([*ENTRY, *arguments], cwd=self.folder, env=environ, **pipes)
        finally:
            signal.signal(signal.SIGINT, before)

    def _enter(self, patch: pytest.MonkeyPatch) -> None:
        environ = self.environ
        for name in list(os.environ):
            patch.delenv(name)
        for name, value in environ.items():
            patch.setenv(name, value)
        patch.chdir(self.folder)


def _drain(master: int, into: list[bytes]) -> None:
    while True:
        try:
            data = os.read(master, 65_536)
        except OSError:  # the other end is closed
            return
        if not data:
            return
        into.append(data)


def put_program(folder: Path, name: str, script: str) -> str:
    """A program of that name in a folder of its own, which is the whole PATH then but for the system's."""
    folder.mkdir()
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def commands() -> dict[str, click.Command]:
    """Every command by its name."""
    context = click.Context(program)
    found = {name: program.get_command(context, name) for _, _, summaries in ROOMS for name in summaries}
    return {name: command for name, command in found.items() if command is not None}
