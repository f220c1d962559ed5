"""Puts a store that some gh-store wrote into a repository of the loopback GitHub, from `tests/data/stores`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.double import GitHub, Repository

FOLDER = Path(__file__).resolve().parents[1] / "data" / "stores"
VERSIONS = ("0.5", "0.6", "0.8", "0.9", "0.10", "0.11")


def recorded(version: str) -> dict[str, Any]:
    """What stands in the file of that line of versions."""
    found: dict[str, Any] = json.loads((FOLDER / f"gh-store-{version}.json").read_text("utf-8"))
    return found


def old_store(github: GitHub, version: str, name: str = "octo/store") -> Repository:
    """A repository with the issues, comments and reactions that this gh-store left, in their order."""
    repository = github.add_repository(name, files={"README.md": "# A store\n"})
    for issue in recorded(version)["issues"]:
        number = repository.open_issue(issue["author"], issue["title"], issue["first_body"], issue["labels"])
        assert number == issue["number"]
        for comment in issue["comments"]:
            written = repository.comment(number, comment["author"], comment["body"])
            for login, content in comment["reactions"]:
                repository.react(written, login, content)
        repository.edit_issue(number, issue["editor"] or issue["author"], body=issue["body"], state=issue["state"])
    return repository
