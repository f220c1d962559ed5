"""What a large store takes, every operation in a process of its own: `python -m tests.bench.scale [OBJECTS …]`.

The store is a stock of the loopback GitHub's, so a hundred thousand objects are there at once.  Prints the rows of the
table in docs/scale.md as they come.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from gh_store_action.domain.names import FORMATS
from gh_store_action.domain.objects import Marker, short_digest, title
from gh_store_action.domain.records import Rules
from gh_store_action.domain.strict_json import dump
from tests.bench.measure import Measured, alone
from tests.bench.work import OWNER, Bench
from tests.double import GitHub

SIZES = (10_000, 100_000)
MB = 2**20 / 10**6
TEXT = "x" * 220  # an object has about 250 bytes


def settled(place: int) -> tuple[str, str]:
    """Title and body of an object as a run leaves it behind."""
    data = {"n": place, "text": TEXT}
    return title(f"object-{place}", Marker(1, 0, 0, short_digest(data)), Rules()), dump(data)


def measured(bench: Bench, count: int) -> Iterator[tuple[str, Measured]]:
    """Every operation on a store of so many objects, of which one in a hundred gets an update."""
    names = [f"UID:object-{place}" for place in range(count)]
    bench.hub.clock.tick = 1
    bench.hub.clock.now -= 4 * count  # making one takes three seconds
    numbers = bench.repo.stock(OWNER, names, "stored-object", settled)
    places = {format_: {"output": f"{format_}/store", "format": format_} for format_ in FORMATS}

    def taken(operation: str, **arguments: object) -> Measured:
        bench.now()  # an hour's budget for each
        return alone(bench, operation, arguments)

    yield "list", taken("list", count=count)
    for format_, place in places.items():
        yield f"snapshot, `{format_}`", taken("snapshot", **place)
    bench.now()
    bench.hub.clock.tick = 1
    for number in numbers[::100]:
        bench.repo.comment(number, OWNER, json.dumps({"n": -number}))
        bench.repo.edit_issue(number, OWNER, state="open")
    yield "sweep, 1 % with an update", taken("sweep")
    for format_, place in places.items():
        yield f"update-snapshot, `{format_}`, 1 % changed", taken("incremental", **place)


def main(sizes: list[int]) -> int:
    """One row for each size and operation."""
    for count in sizes:
        with tempfile.TemporaryDirectory() as folder, GitHub() as hub:
            for what, found in measured(Bench(hub, Path(folder)), count):
                figures = (
                    f"{found.requests:,}",
                    f"{found.points:,}",
                    f"{found.cpu:.1f}",
                    f"{found.peak * 1.048576:.0f}",
                )
                print(f"| {what} | {count:,} | {' | '.join(figures)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main([int(size) for size in sys.argv[1:]] or list(SIZES)))
