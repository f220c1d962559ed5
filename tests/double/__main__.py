"""Run the loopback GitHub by itself: ``python -m tests.double --port 0 --repository octo/store``."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading

from .service import GitHub


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted. One line of JSON on standard output says where, and which tokens there are."""
    parser = argparse.ArgumentParser(prog="tests.double", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--repository", default="octo/store", help="made at the start")
    options = parser.parse_args(arguments)
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    with GitHub(port=options.port) as github:
        repository = github.add_repository(options.repository, files={"README.md": "# A store\n"})
        facts = {
            "url": github.url,
            "api_url": github.api_url,
            "graphql_url": github.graphql_url,
            "repository": repository.full_name,
            "owner_token": github.token(repository.record.owner),
            "workflow_token": repository.workflow_token(issues="write", contents="write"),
        }
        sys.stdout.write(json.dumps(facts) + "\n")
        sys.stdout.flush()
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
