"""A checkout and its workspace: what is committed to it, and all of it that is the user's."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from gh_store_action.workspace.files import Publication, Published, Workspace
from tests.support import git as real

STORE = "data/store.json"
BASE = {"README.md": "base\n", "src/a.py": "a\n", "src/b.py": "b\n"}


def never(seconds: float) -> None:
    raise AssertionError("nobody else pushes, so there is nothing to wait for")


def workspace_of(checkout: Path, sleep: Callable[[float], None] = never, path: str = "") -> Workspace:
    return Workspace(
        checkout,
        environ={"PATH": path or os.environ["PATH"], "HOME": "/nonexistent", "GITHUB_TOKEN": "ghs_secret"},
        server_url="https://github.com",
        token="ghs_secret",
        sleep=sleep,
    )


def save(workspace: Workspace, text: str = "{}\n", **publication: str) -> Published:
    workspace.write({STORE: text.encode()})
    return workspace.publish(Publication((STORE,), **{"message": "Update the snapshot", **publication}))


def state(checkout: Path) -> dict[str, object]:
    """All of a checkout that is the user's: status, index, staged changes, HEAD, branches, files."""

    def others(text: str) -> list[str]:
        return [line for line in text.splitlines() if not re.search(rf"\s{re.escape(STORE)}(\s|$)", line)]

    return {
        "status": others(real.git(checkout, "status", "--porcelain=v2", "--untracked-files=all")),
        "index": others(real.git(checkout, "ls-files", "--stage", "--debug", "-t").replace("\n  ", " ")),
        "staged": real.git(checkout, "diff", "--cached", "--", ".", f":!{STORE}"),
        "unstaged": real.git(checkout, "diff", "--", ".", f":!{STORE}"),
        "stash": real.git(checkout, "stash", "list"),
        "config": (checkout / ".git/config").read_text(),
        "files": {
            path: path.read_bytes()
            for path in sorted(checkout.rglob("*"))
            if path.is_file() and ".git" not in path.parts and not path.as_posix().endswith(STORE)
        },
    }


def head(checkout: Path) -> tuple[str, str]:
    return (checkout / ".git/HEAD").read_text(), real.git(checkout, "rev-parse", "HEAD").strip()
