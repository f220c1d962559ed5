"""One operation by gh-store as it was published, in its own environment: a script of its own, without this package.

gh-store has no setting for the address of the API, so in this process alone PyGithub's default for it is replaced.
Nothing else is changed: its pauses, pages and retries are as they come.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import github

sys.path.insert(0, str(Path(__file__).resolve().parent))
from peak import peak


def run(operation: str, api_url: str, token: str, repo: str, folder: str, arguments: dict[str, Any]) -> dict[str, Any]:
    original = github.Github.__init__

    def at_loopback(self: Any, *given: Any, **named: Any) -> None:
        original(self, *given, **{"base_url": api_url, **named})

    github.Github.__init__ = at_loopback  # type: ignore[method-assign]
    try:
        from gh_store.cli import commands
    except ModuleNotFoundError:  # before 0.6
        from gh_store.__main__ import CLI

        commands = CLI()

    where = {"token": token, "repo": repo}
    file = str(Path(folder, "snapshot.json"))
    begin = time.monotonic()
    if operation == "create":
        commands.create(arguments["object_id"], json.dumps(arguments["data"]), **where)
    elif operation == "get":
        commands.get(arguments["object_id"], str(Path(folder, "object.json")), **where)
    elif operation == "update":
        commands.update(arguments["object_id"], json.dumps(arguments["data"]), **where)
    elif operation == "process":
        commands.process_updates(arguments["number"], **where)
    elif operation == "snapshot":
        commands.snapshot(output=file, **where)
    elif operation == "incremental":
        commands.update_snapshot(file, **where)
    seconds = time.monotonic() - begin
    return {"seconds": seconds, "paused": 0.0, "peak": peak()}


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], **json.loads(sys.argv[2]))))
