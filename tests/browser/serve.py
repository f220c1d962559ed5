"""The GitHub of `tests.double` with stores in it, and their snapshots and pages: `python -m tests.browser.serve`.

One line of JSON on standard output says where all is.  Each line of JSON on standard input asks for one thing, and is
answered by one; the end of the input ends it.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from gh_store_action.domain import objects
from gh_store_action.domain.log import entries as updates
from gh_store_action.domain.records import Rules, StoredMeta, StoredObject
from gh_store_action.domain.snapshots import files
from gh_store_action.domain.snapshots.contents import whole
from gh_store_action.domain.snapshots.snapshot import Snapshot, entry_of
from gh_store_action.domain.strict_json import digest
from gh_store_action.snapshots.making import Snapshots, Target
from gh_store_action.snapshots.site import write_site
from gh_store_action.workspace.files import Workspace
from tests.double import BOT, GitHub
from tests.double.access import ANONYMOUS
from tests.support.library import store_of
from tests.support.store import World, world

HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>\u202e'\"&{{7*7}}"
FEW, MANY = 100, 10_000


class Quiet(SimpleHTTPRequestHandler):
    """Files, without a word to standard error."""

    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript", ".svg": "image/svg+xml"}

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


def stored(object_id: str, number: int, data: Any, version: int = 1) -> StoredObject:
    """An object as a snapshot has it."""
    day = f"2026-{number % 12 + 1:02d}-{number % 28 + 1:02d}T{number % 24:02d}:00:00Z"
    meta = StoredMeta(object_id, objects.uid_label(object_id, Rules()), number, day, day, version, digest(data))
    return StoredObject(meta, data)


def models(count: int) -> list[StoredObject]:
    """Benchmarks of as many models; ten thousand are what a table has to cope with."""
    kinds, states = ("vision", "language", "audio", "tabular"), ("ready", "running", "failed")
    return [
        stored(
            f"model-{n:05d}",
            n + 1,
            {
                "name": f"Model {n:05d} of the {kinds[n % 4]} family",
                "kind": kinds[n % 4],
                "state": states[n % 7 % 3],
                "accuracy": round(0.5 + (n * 7919 % 5000) / 10_000, 4),
                "epochs": n % 90 + 1,
                "owner": {"login": f"user-{n % 137}", "team": f"team-{n % 11}"},
                "tags": [f"tag-{n % 5}", f"tag-{n % 3}"],
            },
            n % 40 + 1,
        )
        for n in range(count)
    ]


def hostile() -> list[StoredObject]:
    """Text that wants to be more than text, wherever text can be."""
    data: dict[str, Any] = {
        "name": HOSTILE,
        HOSTILE: HOSTILE,
        "__proto__": {"polluted": True},
        "constructor": "x",
        "link": "javascript:document.title='owned'",
        "deep": [[[HOSTILE]]],
    }
    return [
        stored("hostile", 1, data),
        stored("con", 2, {"name": "a reserved name"}),
        stored("a/b:c@d+e~f", 3, [1, HOSTILE]),
        stored(HOSTILE.replace("\u202e", ""), 4, {"name": "an id of any kind"}),
    ]


def write(
    folder: Path,
    objects: list[StoredObject],
    kind: str = "json",
    of: str = "octo/store",
    left_out: tuple[int, ...] = (),
) -> None:
    """A snapshot's files."""
    entries = {one.meta.issue_number: entry_of(one) for one in objects}
    for name, content in files.write(Snapshot(of, entries, frozenset(left_out)), kind).items():
        path = folder / {"json": "snapshot.json", "jsonl": "snapshot.jsonl", "directory": f"store/{name}"}[kind]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(whole(content))


def fill(there: World) -> int:
    """A store with a past: updates of each mode, a refused one, one by a stranger, talk; the number of its issue."""
    number = there.object(
        "benchmarks/parser", {"time_ms": 120.5, "memory": {"peak_mb": 64}, "commit": "a1", "tags": ["ci"]}
    )
    for step in range(1, 13):
        there.hub.clock.advance(86_400)
        there.update(
            number,
            {"time_ms": 120.5 - step * 3.25 + step % 3, "memory": {"peak_mb": 64 + step % 5}, "commit": f"c{step}"},
        )
        there.process(number)
    there.update(
        number, {"_data": {"$push": {"tags": "fast"}}, "_meta": {"update_mode": "operators", "update_id": "once"}}
    )
    there.update(
        number, {"_data": {"$push": {"tags": "fast"}}, "_meta": {"update_mode": "operators", "update_id": "once"}}
    )
    there.update(
        number, {"_data": [{"op": "test", "path": "/commit", "value": "no"}], "_meta": {"update_mode": "json-patch"}}
    )
    there.update(number, {"time_ms": -1}, by="mallory")
    there.repo.comment(number, "bob", "Well done!")
    there.process(number)
    there.hub.clock.advance(3_600)
    there.update(
        number, {"_data": {"memory": None, "note": "rewritten"}, "_meta": {"update_mode": "merge-patch"}}, by="bob"
    )
    there.process(number)
    other = there.object("benchmarks/writer", {"time_ms": 80, "commit": "b0"})
    for step in range(1, 9):
        there.hub.clock.advance(43_200)
        there.update(other, {"time_ms": 80 + step * 1.5, "commit": f"w{step}"})
        there.process(other)
    there.object("list", [1, 2, {"three": 3}])
    return number


class Stage:
    """What is served, and what can be asked of it."""

    def __init__(self, there: World, folder: Path) -> None:
        self.there = there
        self.folder = folder
        self.number = fill(there)
        self.commands: Mapping[str, Callable[..., Any]] = {
            "update": self.update,
            "snapshot": self.snapshot,
            "limit": self.limit,
            "comment": self.comment,
            "stranger": self.stranger,
            "archive": self.archive,
            "odd": self.odd,
            "former": self.former,
            "by_hand": self.by_hand,
            "own_run": self.own_run,
            "raised": self.raised,
            "site": self.site,
            "private": self.private,
            "leave": self.leave,
            "posted": self.posted,
        }

    def snapshot(self, place: str = "live", kind: str = "json", history: bool = False) -> None:
        """Made by the product."""
        where = {"json": "snapshot.json", "jsonl": "snapshot.jsonl", "directory": "store"}[kind]
        space = Workspace(self.folder, {}, "", "", lambda seconds: None)
        target = Target(path=f"{place}/{where}", format=kind, history=history, commit=False)
        Snapshots(self.there.session(), space, target).make()

    def update(self, data: Any, number: int = 0) -> int:
        """Posted by a writer, and processed."""
        self.there.hub.clock.advance(60)
        comment = self.there.update(number or self.number, data)
        self.there.process(number or self.number)
        return comment

    def site(self, place: str) -> None:
        """The page, written by the product; that of the empty store is of a repository without issues."""
        space = Workspace(self.folder, {}, "", "", lambda seconds: None)
        hub = self.there.hub
        of = World(hub, hub.add_repository("octo/empty")) if place == "empty" else self.there
        write_site(of.session(), space, place, "snapshot.json", api_url=hub.api_url, server_url=hub.server_url)

    def leave(self, path: str, text: str) -> None:
        """A file, served from then on."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def private(self, private: bool) -> None:
        """Whether the repository is hidden from those without a token."""
        with self.there.hub.hub.lock:
            self.there.repo.record.private = private

    def posted(self, number: int = 0) -> str:
        """The newest comment."""
        return self.there.repo.issue(number or self.number).comments[-1].body

    def limit(self, remaining: int) -> None:
        """What those without a token have left."""
        hub = self.there.hub.hub
        with hub.lock:
            self.there.hub.options.enforce_limits = remaining < 60
            bucket = hub.bucket(ANONYMOUS, "core")
            bucket.used = bucket.limit - remaining

    def comment(self, comment_id: int) -> dict[str, Any]:
        """A comment as everybody sees it."""
        found = [c for issue in self.there.repo.issues() for c in issue.comments if c.id == comment_id]
        return {"author": found[0].author, "body": found[0].body}

    def stranger(self) -> int:
        """An issue with the labels by somebody who may not write, with a marker that they typed."""
        title = f"Stored Object: forged [r9 c0 n0 {digest({'forged': True})[:8]}]"
        return self.there.repo.open_issue("mallory", title, '{"forged": true}', ["stored-object", "UID:forged"])

    def former(self) -> int:
        """An object that a person opened and the store has signed; then its author types a state and a marker."""
        repo, labels = self.there.repo, ["stored-object", "UID:former"]
        number = repo.open_issue("alice", "Stored Object: former", '{"count": 1}', labels)
        self.there.process(number)
        self.snapshot("former")
        self.there.hub.clock.advance(60)
        title = f"Stored Object: former [r99 c0 n0 {digest({'count': 99})[:8]}]"
        repo.edit_issue(number, "alice", title=title, body='{"count": 99}')
        return number

    def by_hand(self) -> list[int]:
        """The comments of an object's history in the product's order; its body was edited by hand before the update."""
        number = self.there.object("by-hand", {"n": 0})
        self.there.repo.edit_issue(number, "alice", body='{"n": 1}')
        self.update({"m": 2}, number)
        with store_of(self.there) as store:
            entries = store.get_object_history("by-hand")
        self.archive(number)
        return [entry["comment_id"] for entry in entries]

    def own_run(self) -> list[int]:
        """The same of a person's own run, which no title that is read shows any more; later they forge a state."""
        there = self.there
        number = there.object("own-run", {"n": 0})
        for count in range(50):
            if count == 25:
                there.repo.edit_issue(number, "alice", body='{"n": 25, "by hand": 1}')
                there.process(number, there.hub.token("bob"))
            self.update({"n": count + 1}, number)
        there.repo.grant("bob", "read")
        last = there.repo.issue(number).comments[-1].id
        forged = updates.checkpoint({"n": 666}, after=last, revision=99, update_id="1-1-0badc0de", version="1")
        there.repo.comment(number, "bob", forged)
        there.process(number)
        with store_of(there) as store:
            entries = store.get_object_history("own-run")
        self.archive(number)
        return [entry["comment_id"] for entry in entries]

    def raised(self) -> list[int]:
        """The same of an object whose update names a revision that a typed title raised; a replay counts less."""
        clock = self.there.hub.clock
        tick, clock.tick = clock.tick, 1
        number = self.there.object("raised", {"n": 0})
        named = objects.read_title(self.there.repo.issue(number).title)[1]
        assert named is not None
        title = f"Stored Object: raised [r{named.revision + 1} c{named.comment} n{named.count} 0badc0de]"
        self.there.repo.edit_issue(number, "alice", title=title)
        self.there.process(number)
        named = objects.read_title(self.there.repo.issue(number).title)[1]
        assert named is not None
        self.update({"_data": {"m": 2}, "_meta": {"if_revision": named.revision}}, number)
        clock.tick = tick
        with store_of(self.there) as store:
            entries = store.get_object_history("raised")
        self.archive(number)
        return [entry["comment_id"] for entry in entries]

    def odd(self, object_id: str, title: str, label: str = "") -> int:
        """An object of any id, which somebody has given another title, and perhaps another label."""
        labels = ["stored-object", objects.uid_label(object_id, Rules())]
        number = self.there.repo.open_issue(BOT, f'Stored Object: "{object_id}"', '{"n": 0}', labels)
        self.update({"n": 1}, number)
        if title:
            self.there.repo.edit_issue(number, "alice", title=title)
        if label:
            self.there.repo.edit_issue(number, "alice", labels=[*labels, label])
        return number

    def archive(self, number: int) -> None:
        """As the store deletes an object."""
        self.there.hub.clock.advance(60)
        labels = [one for one in self.there.repo.issue(number).labels if one != "stored-object"]
        self.there.repo.edit_issue(number, "alice", labels=[*labels, "archived"])


def main() -> int:
    """Serves until the input ends."""
    with world() as there, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stage = Stage(there, folder)
        write(folder / "few", models(FEW))
        write(folder / "many", models(MANY))
        write(folder / "empty", [], of="octo/empty")
        for kind in ("json", "jsonl", "directory"):
            write(folder / "hostile", hostile(), kind, left_out=(99, 7))
            stage.snapshot("live", kind)
        for place in ("few", "many", "empty", "hostile", "live", "unpublished"):
            stage.site(place)
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=name))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        hub: GitHub = there.hub
        facts = {
            "site": f"http://127.0.0.1:{server.server_address[1]}",
            "api": hub.api_url,
            "server": hub.server_url,
            "repository": there.repo.full_name,
            "token": hub.token("alice"),
            "number": stage.number,
        }
        _say(facts)
        for line in sys.stdin:
            asked = json.loads(line)
            _say({"answer": stage.commands[asked.pop("do")](**asked)})
        server.shutdown()
    return 0


def _say(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
