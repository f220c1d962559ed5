"""One operation by this package, in a process of its own: `python -m tests.bench.ours OPERATION ARGUMENTS`."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from gh_store_action import GitHubStore
from gh_store_action.gateway.issues import GitHub
from gh_store_action.gateway.transport import Transport
from gh_store_action.snapshots.making import Snapshots, Target
from gh_store_action.store.processor import Processor
from gh_store_action.store.session import Session
from gh_store_action.workspace.files import Workspace
from tests.bench.peak import peak


class Pauses:
    """A clock that is moved on by pauses instead of sleeping through them; they are counted."""

    def __init__(self) -> None:
        self.paused = 0.0

    def pause(self, seconds: float) -> None:
        self.paused += seconds

    def now(self) -> float:
        return time.monotonic() + self.paused


def run(operation: str, api_url: str, token: str, repo: str, folder: str, arguments: dict[str, Any]) -> dict[str, Any]:
    pauses = Pauses()
    begin, cpu = time.monotonic(), time.process_time()
    if operation in ("create", "get", "list", "update", "apply"):
        with GitHubStore(token, repo, api_url=api_url, pause=pauses.pause) as store:
            if operation == "create":
                store.create(arguments["object_id"], arguments["data"])
            elif operation == "get":
                store.get(arguments["object_id"])
            elif operation == "list":
                assert sum(1 for _ in store.list_all()) == arguments["count"]
            else:
                store.update(arguments["object_id"], arguments["data"], apply=operation == "apply")
    else:
        transport = Transport(token=token, api_url=api_url, pause=pauses.pause, now=lambda: time.time() + pauses.paused)
        session = Session(GitHub(transport, repo))
        if operation == "process":
            done = Processor(session, now=pauses.now).process(arguments["number"])
            assert done.applied and not done.pending, done
        elif operation == "sweep":
            results = Processor(session, now=pauses.now).sweep()
            assert results and all(one.applied and not one.error for one in results), results
        else:
            workspace = Workspace(Path(folder), dict(os.environ), "", "", pauses.pause)
            target = Target(arguments.get("output", "snapshot.json"), arguments.get("format", "json"), commit=False)
            work = Snapshots(session, workspace, target)
            made = work.update() if operation == "incremental" else work.make()
            assert made.changed and made.full == (operation == "snapshot"), made.why_full
        transport.close()
    seconds = time.monotonic() - begin
    spent = time.process_time() - cpu
    return {"seconds": seconds + pauses.paused, "paused": pauses.paused, "peak": peak(), "cpu": spent}


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], **json.loads(sys.argv[2]))))
