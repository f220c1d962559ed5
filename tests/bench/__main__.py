"""`python -m tests.bench [--quick] [--alone] [--resume | --kept] [--only KIND] [--earlier PYTHON] [--output DIR]`."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import report
from tests.bench.measure import Row, environment, keep, kept, rows, start
from tests.bench.work import tasks
from tests.support.runner import ROOT


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes; writes no files unless --output is given")
    parser.add_argument("--alone", action="store_true", help="without gh-store")
    parser.add_argument("--resume", action="store_true", help="measure only what the last runs did not get to")
    parser.add_argument("--kept", action="store_true", help="measure nothing: write what the last runs got to")
    parser.add_argument("--earlier", type=Path, metavar="PYTHON", help="interpreter with gh-store 0.5.0, for snapshots")
    parser.add_argument("--only", metavar="KIND", help="one kind of work, such as `snapshot`; writes no files either")
    parser.add_argument("--output", type=Path, help="folder for results.md and the plot, else benchmarks/")
    given = parser.parse_args()
    chosen = (task for task in tasks(given.quick) if given.only in (None, task.kind))
    known = {row.name: row for row in kept()} if given.resume or given.kept else {}
    if given.kept:
        chosen = (task for task in chosen if (task.kind, task.label) in known)
    found: list[Row] = []

    def say(line: str) -> None:
        print(f"… {line}", file=sys.stderr, flush=True)

    for row in rows(chosen, alone=given.alone, earlier=given.earlier, say=say, known=known):
        found.append(row)
        keep([*(old for old in known.values() if old.name not in {one.name for one in found}), *found])
    print(report.table(found))
    beginning = report.starts(
        start(Path(sys.executable), "gh_store_action.action.main"),
        None if given.alone else start(environment(), "gh_store.cli.commands"),
    )
    print("\n".join([beginning, *report.notes(found)]))
    if (given.quick or given.only) and not given.output:
        return 0
    folder = given.output or ROOT / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.md").write_text(report.page(found, beginning, date=datetime.now(UTC).strftime("%Y-%m-%d")))
    if not report.plot(found, folder):
        print("No plot: install the extra `bench` (pip install -e '.[bench]').", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
