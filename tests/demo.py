"""A store at work on this machine: `make demo`.

GitHub is played by a server on the loopback, with issues, comments, reactions, permissions and a git remote; the
action is started as GitHub's runner starts it, a process of its own with the runner's variables.  All that is shown is
checked: the exit code tells whether everything was as it should be.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import sys
import tempfile
import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.double import Event, GitHub, Repository
from tests.support import git
from tests.support.runner import Job, Result, run_process

OWNER, WRITER, STRANGER = "octo", "ada", "eve"
SNAPSHOT = "data/store-snapshot.json"
SYMBOLS = {"+1": "👍", "-1": "👎", "confused": "😕", "rocket": "🚀"}


@dataclass
class Stage:
    """Where the narration goes, and whether what it says is true.

    Args:
        colour: whether the output is a terminal that takes colours.
        failures: what was not as it should be.
    """

    colour: bool = False
    chapter: int = 0
    failures: list[str] = field(default_factory=list)

    def _painted(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text

    def title(self, text: str) -> None:
        self.chapter += 1
        print(f"\n{self._painted('1;36', f'{self.chapter}. {text}')}\n")

    def say(self, text: str) -> None:
        print(textwrap.fill(" ".join(text.split()), 100, initial_indent="  ", subsequent_indent="  "))

    def show(self, text: str, head: str = "") -> None:
        """A block of somebody else's text."""
        print(*([self._painted("2", f"    {head}")] if head else []), sep="\n", end="\n" if head else "")
        for line in text.rstrip("\n").split("\n"):
            inner = "    " if line.lstrip().startswith("- ") else "  " if line.startswith(" ") else ""
            for part in textwrap.wrap(line, 112, subsequent_indent=inner, break_on_hyphens=False) or [""]:
                print(self._painted("2", "    │ ") + part)

    def line(self, head: str, text: str) -> None:
        print(self._painted("2", f"    {head} ") + text)

    def check(self, holds: bool, what: str) -> None:
        if not holds:
            self.failures.append(what)
        print(f"  {self._painted('32', '✓') if holds else self._painted('1;31', '✗ NOT SO:')} {what}")


@dataclass
class Demo:
    """The store of the demo and the runner in front of it.

    Args:
        runs: name and requests of every run of the action so far.
    """

    stage: Stage
    github: GitHub
    repository: Repository
    folder: Path
    token: str
    runs: list[tuple[str, int]] = field(default_factory=list)

    def run(
        self, name: str, inputs: dict[str, str | bool | int], event: Event | None = None, workspace: Path | None = None
    ) -> Result:
        """One step of a workflow, and its job summary."""
        before = self.github.count()
        job = Job(
            self.folder / f"run-{len(self.runs)}",
            inputs=inputs,
            event_name=event.name if event else "workflow_dispatch",
            event=event.payload if event else {},
            repository=self.repository.full_name,
            token=self.token,
            api_url=self.github.api_url,
            graphql_url=self.github.graphql_url,
            server_url=self.github.server_url,
            workspace=workspace,
        )
        result = run_process(job)
        made = self.github.count() - before
        self.runs.append((name, made))
        self.stage.show(readable(result.summary), f"job summary of “{name}”")
        clean = result.exit_code == 0 and self.token not in result.shown + result.summary
        many = f"{made} request{'s' if made != 1 else ''}"
        self.stage.check(clean, f"it succeeded, with {many}, and the token is nowhere in its log or summary")
        if not clean:
            self.stage.show(result.shown, "its log")
        return result

    def comment(self, number: int, who: str, text: str) -> int:
        self.stage.line(f"{who} on #{number}:", text)
        return self.repository.comment(number, who, text)

    def receipt(self, comment: int) -> str:
        """The processor's reactions on a comment."""
        found = [c for issue in self.repository.issues() for c in issue.comments if c.id == comment]
        return "".join(SYMBOLS[content] for _, content in found[0].reactions)


def main() -> int:
    """Plays all of it; 0 when everything was as it should be."""
    if not shutil.which("git"):
        print("The demo needs git: install it, and run `make demo` again.", file=sys.stderr)
        return 1
    started = time.monotonic()
    stage = Stage(colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ)
    with tempfile.TemporaryDirectory(prefix="gh-store-demo-") as folder, GitHub() as github:
        github.clock.now = int(time.time())
        repository = github.add_repository("octo/store", files={"README.md": "# Our store\n"})
        repository.grant(WRITER, "write")
        github.add_user(STRANGER)
        token = repository.workflow_token(issues="write", contents="write")
        play(Demo(stage, github, repository, Path(folder), token))
    print()
    if stage.failures:
        print(f"Not as it should be: {'; '.join(stage.failures)}.")
        return 1
    stage.say(f"That is all there is to it: {time.monotonic() - started:.1f} seconds, and nothing left this machine.")
    stage.say("README.md says how to have it in a repository of yours: one workflow file.")
    return 0


def play(demo: Demo) -> None:
    """The chapters."""
    demo.stage.say(
        f"GitHub is a server on this machine ({demo.github.url}) with the repository {demo.repository.full_name}: "
        f"{OWNER} owns it, {WRITER} may write to it, {STRANGER} may only look."
    )
    metrics, release = make_objects(demo)
    good, bad, strange = post_updates(demo, metrics, release)
    process(demo, metrics, release)
    look_at_the_issues(demo, metrics, release, (good, bad, strange))
    process_again(demo, metrics)
    commit = snapshot(demo)
    look_at_the_remote(demo, commit)
    count_requests(demo)


def make_objects(demo: Demo) -> tuple[int, int]:
    demo.stage.title("Two objects: each is an issue")
    demo.stage.say(
        "An object is an issue with the labels `stored-object` and `UID:<id>`; its body is the state, as JSON. A "
        "workflow makes two of them with `mode: create`."
    )
    numbers = []
    for name, data in (
        ("metrics", {"visitors": 0, "by_country": {}}),
        ("release", {"version": "1.0.0", "channels": ["stable"]}),
    ):
        print()
        result = demo.run(f"create {name}", {"mode": "create", "object-id": name, "data": json.dumps(data)})
        numbers.append(int(result.outputs["issue-number"]))
    titles = [demo.repository.issue(number).title for number in numbers]
    demo.stage.check(all(" [r1 c" in title for title in titles), f"both are at revision 1: “{titles[0]}”")
    return numbers[0], numbers[1]


def post_updates(demo: Demo, metrics: int, release: int) -> tuple[int, int, int]:
    demo.stage.title("Updates: each is a comment")
    demo.stage.say(
        "Bare JSON is merged into the object. One of these is a good update, one is none, one is a stranger's."
    )
    print()
    good = demo.comment(metrics, WRITER, '{"visitors": 42, "by_country": {"NL": 42}}')
    bad = demo.comment(metrics, WRITER, '{"visitors": 43')
    strange = demo.comment(metrics, STRANGER, '{"visitors": 1000000}')
    print()
    demo.stage.say(
        "The envelope takes other modes and conditions; here a JSON Patch (RFC 6902), valid at revision 1 only."
    )
    print()
    patch = [
        {"op": "test", "path": "/version", "value": "1.0.0"},
        {"op": "replace", "path": "/version", "value": "1.1.0"},
        {"op": "add", "path": "/channels/-", "value": "edge"},
    ]
    demo.comment(
        release, WRITER, json.dumps({"_data": patch, "_meta": {"update_mode": "json-patch", "if_revision": 1}})
    )
    return good, bad, strange


def process(demo: Demo, metrics: int, release: int) -> None:
    demo.stage.title("Process: each comment starts a run, and a run folds all that is pending")
    for place, number in enumerate((metrics, release)):
        print("\n" * place, end="")
        event = newest_comment_event(demo, number)
        demo.stage.say(f"The event `{event.name}.{event.action}` on #{number} starts this job:")
        print()
        result = demo.run(f"process #{number}", {"mode": "process"}, event)
        demo.stage.check(
            result.outputs.get("revision") == "2",
            f"outputs: revision={result.outputs.get('revision')} object={result.outputs.get('object')}",
        )


def look_at_the_issues(demo: Demo, metrics: int, release: int, comments: Sequence[int]) -> None:
    demo.stage.title("What everybody sees on the issue now")
    issue = demo.repository.issue(metrics)
    demo.stage.show(issue.body, f"#{metrics}, {issue.state}: {issue.title}")
    demo.stage.check(
        json.loads(issue.body) == {"visitors": 42, "by_country": {"NL": 42}}, "the good update is in the body, once"
    )
    for comment, symbol, what in zip(
        comments, "👍👎😕", ("applied", "rejected", f"not authorised: {STRANGER} may not write"), strict=True
    ):
        demo.stage.check(demo.receipt(comment) == symbol, f"{symbol} {what}")
    replies = [c.body for c in issue.comments if c.body.startswith("<!-- gh-store refused")]
    demo.stage.check(len(replies) == 1, f"one reply, to {WRITER}; {STRANGER} cannot make the store write:")
    demo.stage.show(readable("\n".join(replies)))
    demo.stage.check(
        json.loads(demo.repository.issue(release).body) == {"version": "1.1.0", "channels": ["stable", "edge"]},
        f"#{release} holds {json.dumps(json.loads(demo.repository.issue(release).body))}",
    )


def process_again(demo: Demo, metrics: int) -> None:
    demo.stage.title("A run too many does no harm")
    demo.stage.say(
        "Three comments on #1 started three runs; the first did it all. Runs can be repeated, cancelled or killed at "
        "any time: with nothing pending, one looks and goes."
    )
    print()
    result = demo.run(f"process #{metrics}, once more", {"mode": "process"}, newest_comment_event(demo, metrics))
    demo.stage.check(result.outputs.get("changed") == "false", "changed=false")


def snapshot(demo: Demo) -> str:
    demo.stage.title("Snapshot: all objects, in one file, in git")
    checkout = git.clone(demo.repository.clone_url, demo.folder / "checkout", "--depth", "1")
    result = demo.run("snapshot", {"mode": "snapshot"}, workspace=checkout)
    text = (checkout / SNAPSHOT).read_text(encoding="utf-8")
    demo.stage.show(text, SNAPSHOT)
    stored: dict[str, Any] = json.loads(text)["objects"]
    demo.stage.check(
        {name: entry["meta"]["version"] for name, entry in stored.items()} == {"metrics": 2, "release": 2},
        "both objects are in it, at revision 2",
    )
    return result.outputs.get("commit-sha", "")


def look_at_the_remote(demo: Demo, commit: str) -> None:
    demo.stage.title("The commit, in the remote")
    demo.stage.show(demo.repository.git("log", "--format=%h %an: %s", "main"), "git log")
    told = demo.repository.git("show", "--stat", "--format=commit %H%nAuthor: %an <%ae>%n%n%B", "main")
    demo.stage.show(told.replace("\n\n\n", "\n\n"), "git show --stat")
    demo.stage.check(demo.repository.head() == commit, f"main is at {commit[:10]}, the output commit-sha")
    touched = demo.repository.git("show", "--name-only", "--format=", "main").split()
    demo.stage.check(touched == [SNAPSHOT], "the commit touches the snapshot, and nothing else")


def count_requests(demo: Demo) -> None:
    demo.stage.title("What it cost")
    width = max(len(name) for name, _ in demo.runs)
    demo.stage.show("\n".join(f"{name:<{width}}  {count:>2}" for name, count in demo.runs))
    demo.stage.say(
        "requests to GitHub, of the 1,000 that a workflow has in an hour. Processing takes two, and one more to ask "
        "whether a writer may write; looking takes one."
    )
    counts = dict(demo.runs)
    demo.stage.check(
        counts["create metrics"] == 4, "create: look, issue, initial state, then receipts and marker at once"
    )
    demo.stage.check(counts["process #1"] == 4, "process #1: read, write, and who are ada and eve?")
    demo.stage.check(counts["process #2"] == 3, "process #2: read, write, and who is ada?")
    demo.stage.check(counts["process #1, once more"] == 1, "nothing pending: 1")
    demo.stage.check(counts["snapshot"] == 2, "snapshot of 2 objects: a page, and what changed meanwhile")


def newest_comment_event(demo: Demo, number: int) -> Event:
    """The newest event on that issue that starts a run."""
    events = demo.github.events.named("issue_comment", "created")
    return [e for e in events if e.starts_run and e.payload["issue"]["number"] == number][-1]


def readable(markdown: str) -> str:
    """Markdown for a terminal: tables aligned, links and entities as plain text."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    text = re.sub(r"</?sub>|^<!--.*-->\n|^#+ |\*\*|[`]", "", text, flags=re.M)
    text = html.unescape(text).replace("\u200b", "").strip()
    lines: list[str] = []
    table: list[list[str]] = []
    for line in [*text.split("\n"), ""]:
        if line.startswith("|"):
            table.append([cell.strip() for cell in line.strip("|").split("|")])
            continue
        lines += aligned(table)
        table = []
        lines.append(line)
    return re.sub(r"\n\n\n+", "\n\n", "\n".join(lines)).rstrip()


def aligned(rows: list[list[str]]) -> list[str]:
    """The rows of a Markdown table, its second one being the rule, in columns."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))] if rows else []
    rows = [row if number != 1 else ["─" * width for width in widths] for number, row in enumerate(rows)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


if __name__ == "__main__":
    sys.exit(main())
