"""Runs a task by both systems, with and without latency, and counts what passes through the loopback GitHub."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.bench.work import NAME, Bench, Task
from tests.double import GitHub
from tests.support.runner import ROOT

VERSION = "0.11.3"
LATENCIES = (0.0, 0.05)
CACHE = ROOT / ".cache" / "bench"
KEPT = CACHE / "results.json"
OURS = [sys.executable, "-m", "tests.bench.ours"]


@dataclass(frozen=True)
class Measured:
    """One operation.

    Args:
        points: what the GraphQL requests among them cost, by GitHub's formula.
        size: in bytes, of requests and answers together.
        seconds: of the operation, without the interpreter's start; pauses that a limit of GitHub asks for included.
        paused: how many of them were such pauses.
        peak: of the process, in MiB.
        cpu: seconds of it, where it was told.
    """

    requests: int
    points: int
    size: int
    seconds: float
    paused: float
    peak: float
    cpu: float = 0.0


@dataclass
class Row:
    """One task: what it took, by latency in milliseconds.

    Args:
        left_out: why figures of gh-store's are missing; `stopped` are its requests until it was stopped.
        earlier: requests of an earlier gh-store, and `earlier_stopped` where it was stopped after them.
    """

    kind: str
    size: int
    label: str
    ours: dict[int, Measured]
    theirs: dict[int, Measured]
    left_out: str = ""
    stopped: int = 0
    note: str = ""
    earlier: int = 0
    earlier_stopped: bool = False

    @property
    def name(self) -> tuple[str, str]:
        return self.kind, self.label


def keep(rows: Iterable[Row]) -> None:
    """Puts down what was measured so far."""
    CACHE.mkdir(parents=True, exist_ok=True)
    KEPT.write_text(json.dumps([asdict(row) for row in rows], indent=1))


def kept() -> list[Row]:
    """What an earlier run put down."""
    if not KEPT.exists():
        return []

    def by_latency(found: dict[str, Any]) -> dict[int, Measured]:
        return {int(latency): Measured(**one) for latency, one in found.items()}

    plain = json.loads(KEPT.read_text())
    return [Row(**{**row, "ours": by_latency(row["ours"]), "theirs": by_latency(row["theirs"])}) for row in plain]


def environment() -> Path:
    """The interpreter of gh-store's own environment, made on first use."""
    folder = CACHE / f"gh-store-{VERSION}"
    python = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"gh-store=={VERSION}")
        subprocess.run([str(python), *install], check=True)
        (folder / ".ready").touch()
    return python


def start(python: Path, imports: str, times: int = 5) -> float:
    """Seconds of CPU that a start with these imports takes: the least of some, compiled before the first."""
    found = []
    for _ in range(times + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        environ = {"PATH": os.environ["PATH"], "HOME": str(CACHE), "PYTHONPYCACHEPREFIX": str(CACHE / "compiled")}
        code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import {imports}"
        subprocess.run([str(python), "-c", code], env=environ, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(found[1:])


class TooLong(Exception):
    """It took longer than the task's patience; `requests` it had made by then."""

    def __init__(self, requests: int) -> None:
        super().__init__(f"stopped after {requests} requests")
        self.requests = requests


def _asked(
    bench: Bench, command: list[str], operation: str, arguments: dict[str, Any], patience: float | None = None
) -> Measured:
    given = {
        "api_url": bench.hub.api_url,
        "token": bench.token,
        "repo": NAME,
        "folder": str(bench.folder),
        "arguments": arguments,
    }
    before = len(bench.hub.requests)
    home = bench.folder / "home"
    home.mkdir(exist_ok=True)
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT)}
    try:
        done = subprocess.run(
            [*command, operation, json.dumps(given)],
            cwd=ROOT,
            env=environ,
            capture_output=True,
            text=True,
            timeout=patience,
        )
    except subprocess.TimeoutExpired:
        raise TooLong(len(bench.hub.requests) - before) from None
    if done.returncode:
        raise RuntimeError(f"{command} {operation} failed:\n{done.stdout}{done.stderr}")
    found = json.loads(done.stdout.splitlines()[-1])
    requests = bench.hub.requests[before:]
    size = sum(len(r.body.encode(errors="surrogateescape")) + (r.response_bytes or 0) for r in requests)
    points = sum(request.points for request in requests)
    figures = (found[name] for name in ("seconds", "paused", "peak"))
    return Measured(len(requests), points, size, *figures, cpu=found.get("cpu", 0.0))


def alone(bench: Bench, operation: str, arguments: dict[str, Any]) -> Measured:
    """One operation by this package."""
    return _asked(bench, OURS, operation, arguments)


def ours(bench: Bench, task: Task, arguments: dict[str, Any]) -> Measured:
    return _with_what_comes_before(bench, task, arguments, OURS)


def theirs(bench: Bench, task: Task, arguments: dict[str, Any], python: Path | None = None) -> Measured:
    """By gh-store, with the interpreter that has it."""
    driver = str(ROOT / "tests" / "bench" / "theirs.py")
    if task.theirs_needs:
        task.theirs_needs(bench, arguments)
    return _with_what_comes_before(bench, task, arguments, [str(python or environment()), driver], task.patience)


def _with_what_comes_before(
    bench: Bench, task: Task, arguments: dict[str, Any], command: list[str], patience: float | None = None
) -> Measured:
    Path(bench.folder, "snapshot.json").unlink(missing_ok=True)
    if task.before:
        operation, between = task.before
        latency, bench.hub.latency = bench.hub.latency, 0.0
        _asked(bench, command, operation, arguments, patience)
        between(bench)
        bench.hub.latency = latency
    return _asked(bench, command, task.asks, arguments, patience)


def rows(
    tasks: Iterable[Task],
    *,
    alone: bool,
    earlier: Path | None,
    say: Callable[[str], None],
    known: Mapping[tuple[str, str], Row],
) -> Iterator[Row]:
    """Every task by both systems; `alone` leaves gh-store out, and what is known is not measured again.

    Once gh-store has been too slow for one size, it is not tried on the larger ones of that kind.  `earlier` is the
    interpreter of an earlier gh-store, which is asked for the snapshots.
    """
    earlier_too_slow = False
    too_slow: dict[tuple[str, str], str] = {}
    for task in tasks:
        if (task.kind, task.label) in known:
            yield known[task.kind, task.label]
            continue
        say(f"{task.kind}: {task.label}")
        row = Row(task.kind, task.size, task.label, {}, {}, note=task.why)
        with tempfile.TemporaryDirectory() as folder, GitHub() as hub:
            bench = Bench(hub, Path(folder))
            arguments = task.prepare(bench)
            saved = hub.save()
            for latency in LATENCIES:
                hub.restore(saved)
                bench.now()
                hub.latency = latency
                row.ours[int(latency * 1000)] = ours(bench, task, arguments)
            growing = task.kind, task.series
            if alone or not task.theirs:
                row.left_out = "not asked" if alone else task.why
            elif growing in too_slow:
                row.left_out = f"not tried, for {too_slow[growing]} took it over {task.patience:.0f} s"
            else:
                row.left_out = _theirs(row, bench, task, arguments, saved)
                if row.left_out and not row.theirs:
                    too_slow[growing] = task.label
            if earlier and task.kind == "snapshot" and not earlier_too_slow:
                bench.hub.restore(saved)
                bench.now()
                bench.hub.latency = 0.0
                try:
                    row.earlier = theirs(bench, task, arguments, earlier).requests
                except TooLong as error:
                    row.earlier, row.earlier_stopped = error.requests, True
                    earlier_too_slow = True
        yield row


def _theirs(row: Row, bench: Bench, task: Task, arguments: dict[str, Any], saved: Any) -> str:
    for latency in LATENCIES:
        bench.hub.restore(saved)
        bench.now()
        bench.hub.latency = latency
        try:
            row.theirs[int(latency * 1000)] = theirs(bench, task, arguments)
        except TooLong as error:
            if latency:
                return f"stopped after {task.patience:.0f} s with latency"
            row.stopped = error.requests
            return f"stopped after {task.patience:.0f} s, {error.requests:,} requests on"
    return ""
