"""The table and the plot."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tests.bench.measure import VERSION, Measured, Row

ON_ANY_PAGE, OURS, THEIRS = "#6e7781", "#218bff", "#d4651f"  # without a ground, and legible on light and dark ones
REQUESTS = ("work", "size", "requests", f"gh-store {VERSION}", "times", "points")
COST = (
    *("work", "size", "KB", "gh-store", "s at 0 ms", "gh-store", "s at 50 ms", "gh-store", "peak MB", "gh-store"),
    *("times", "times at 50 ms"),
)


def table(rows: Sequence[Row]) -> str:
    """Two tables: what counts on GitHub, and what it takes besides.  Markdown that reads well as text too."""
    return _table(REQUESTS, map(_requests, rows)) + "\n" + _table(COST, map(_cost, rows))


def _requests(row: Row) -> list[str]:
    """What was not measured is a dash; where gh-store was stopped, it is what it had sent by then."""
    one, other = row.ours[0], row.theirs.get(0)
    requests, sign = (other.requests, "") if other else (row.stopped, "> ")
    times = f"{sign}{requests / one.requests:,.1f}" if requests else "–"
    told = f"{sign}{requests:,}" if requests else "–"
    return [row.kind, row.label, f"{one.requests:,}", told, times, f"{one.points:,}"]


def _cost(row: Row) -> list[str]:
    def told(show: Callable[[Measured], str], latency: int = 0) -> list[str]:
        return [show(by[latency]) if latency in by else "–" for by in (row.ours, row.theirs)]

    def times(latency: int) -> str:
        one, other = row.ours.get(latency), row.theirs.get(latency)
        if not one or not other:
            return "–"
        ratio = other.seconds / one.seconds
        return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.1f}"

    return [
        row.kind,
        row.label,
        *told(lambda m: f"{m.size / 1000:,.0f}"),
        *told(lambda m: f"{m.seconds:,.2f}"),
        *told(lambda m: f"{m.seconds:,.2f}", 50),
        *told(lambda m: f"{m.peak:.0f}"),
        times(0),
        times(50),
    ]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(head))]

    def line(values: Sequence[str]) -> str:
        pairs = zip(values, widths, range(len(head)), strict=True)
        return "| " + " | ".join(v.ljust(w) if place < 2 else v.rjust(w) for v, w, place in pairs) + " |"

    rule = "|" + "|".join("-" * (w + 2) if place < 2 else "-" * (w + 1) + ":" for place, w in enumerate(widths)) + "|"
    return "\n".join([line(lines[0]), rule, *map(line, lines[1:])]) + "\n"


def notes(rows: Iterable[Row]) -> list[str]:
    """What the table cannot show."""
    found = []
    for row in rows:
        name = f"{row.kind}, {row.label}"
        if row.left_out:
            found.append(f"- {name}: no figures of gh-store's, or not all: {row.left_out}.")
        elif row.note:
            found.append(f"- {name}: {row.note}.")
        if row.earlier:
            many = f"{row.earlier:,} requests, {row.earlier / row.ours[0].requests:,.0f} times as many as this project"
            found.append(
                f"- {name}: an earlier gh-store, 0.5.0, made {many}{', when it was stopped' * row.earlier_stopped}."
            )
        if row.ours[0].paused:
            found.append(
                f"- {name}: {row.ours[0].paused:.0f} s of ours are pauses for GitHub's limits, counted, not slept."
            )
    return found


def machine() -> str:
    """What it was measured on."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        cpu = names[0] if names else cpu
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()}, Python {platform.python_version()}"
    return f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GB, {system}, load {os.getloadavg()[2]:.0f}"


def starts(ours: float, theirs: float | None) -> str:
    """What the imports of a start take."""
    other = f"; gh-store's command imports for {theirs:.2f} s" if theirs is not None else ""
    return f"- A start imports for {ours:.2f} s of this machine's CPU, the interpreter's own start included{other}."


def page(rows: Sequence[Row], start: str, *, date: str) -> str:
    """The whole page."""
    told = "\n".join([start, *notes(rows)])
    return f"""# Requests, time and memory

Measured by `make bench` on {date}, each row in one run: {machine()}.

Both systems work on the same store in the loopback GitHub of `tests/double`, each operation in a process of its
own, with the token of the repository's owner; where somebody else posts an update, this project asks GitHub once more
for each new author. Requests and points are what counts on GitHub: 1,000 requests of REST and 1,000 points of GraphQL
an hour for a workflow's token. gh-store asks no GraphQL, so it has no points; those of this project are counted by
GitHub's formula. Times are those of this machine, where the server runs beside the client. "Times" is gh-store's
number, or time, by ours. KB are the bodies of requests and answers together. gh-store {VERSION} is the published
package in its own environment; it cannot be told another address of the API, so its driver replaces PyGithub's
default for it and changes nothing else: its pauses (0.25 s between requests, 1 s between writes) are part of its time.
It was stopped after five minutes (a snapshot: fifteen); ">" is what it had sent by then.

{table(rows)}
{told}

![Requests against size](requests.svg)
"""


def plot(rows: Sequence[Row], folder: Path) -> bool:
    """Requests against size, log-log; False where matplotlib is not there."""
    try:
        import matplotlib
    except ModuleNotFoundError:
        return False
    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "gh-store", "svg.fonttype": "none", "font.family": "sans-serif"})
    drawn = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "grid.color")
    matplotlib.rcParams.update({"legend.frameon": False, **dict.fromkeys(drawn, ON_ANY_PAGE)})
    from matplotlib import pyplot

    groups = {
        "snapshot, by objects in the store": [r for r in rows if r.kind == "snapshot"],
        "create, by labels in the repository": [r for r in rows if r.kind == "create"],
        "process one update, by old comments": [
            r for r in rows if r.kind == "process" and r.label.startswith("1 pending")
        ],
    }
    figure, axes = pyplot.subplots(1, len(groups), figsize=(12, 4), sharey=True, layout="constrained")
    for axis, (title, group) in zip(axes, groups.items(), strict=True):
        for name, colour, marker, which in (
            ("gh-store-action", OURS, "o", lambda r: r.ours),
            (f"gh-store {VERSION}", THEIRS, "s", lambda r: r.theirs),
        ):
            points = sorted((_x(r), which(r)[0].requests) for r in group if which(r))
            axis.plot([x for x, _ in points], [y for _, y in points], marker=marker, color=colour, label=name)
        stopped = [r for r in group if r.stopped]
        if stopped:
            axis.scatter(
                list(map(_x, stopped)),
                [r.stopped for r in stopped],
                marker="^",
                color=THEIRS,
                zorder=3,
                label=f"gh-store {VERSION} when it was stopped",
            )
        axis.set(xscale="log", yscale="log", xlabel=title)
        axis.grid(True, which="major", alpha=0.3)
        for scale in (axis.xaxis, axis.yaxis):
            scale.set_major_formatter("{x:,.0f}")
    axes[0].set_ylabel("HTTP requests")
    named = {name: drawn for axis in axes for drawn, name in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(named.values(), named, loc="outside upper center", ncols=len(named))  # no grid crosses it
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "requests.svg", metadata={"Date": None}, transparent=True)
    return True


def _x(row: Row) -> int:
    """No old comments stand at one: a logarithm has no zero."""
    return 1 if row.label.endswith("no old comments") else row.size
