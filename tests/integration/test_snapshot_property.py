"""Whatever happens to a store: a snapshot brought up to date has the bytes of a full one, and is of one moment.

Issues are made, edited, processed, deleted, restored, relabelled, doubled, broken and deleted for good, within one
second or over many, between two snapshots and between two requests of one.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from gh_store_action.domain.names import FORMATS
from gh_store_action.domain.snapshots import files as snapshot_files
from gh_store_action.domain.snapshots.contents import whole
from gh_store_action.errors import ConcurrentUpdateError, StoreError
from gh_store_action.snapshots.collecting import Collector
from gh_store_action.snapshots.making import SnapshotResult, Snapshots, Target
from gh_store_action.workspace.files import Workspace
from tests.support.store import STRANGER, World, world

pytestmark = pytest.mark.slow

BUDGET = float(os.environ.get("PROVE_BUDGET", "300"))
REPEATABLE = bool(os.environ.get("PROVE_REPEATABLE"))
IDS = ("a", "A", "b", "b/c", "con")
BROKEN = ("no JSON", "5", '{"n": 1, "n": 2}', "")
KINDS = (
    *("make", "edit", "update", "delete", "restore", "relabel", "base off", "base on", "two labels", "break"),
    *("a stranger's", "no object", "talk", "gone", "gone", "same second", "later"),
    *("edit", "edit", "edit", "make", "break", "gone", "later"),  # more often: most that can go wrong begins so
)
OPERATIONS = st.tuples(st.sampled_from(KINDS), st.integers(0, 5), st.sampled_from(IDS), st.integers(0, 9))
RULES = (
    ("stored-object", "store: {}\n"),
    ("thing", "store: {base_label: thing}\n"),
    ("stored-object", "store: {uid_prefix: 'UID:b'}\n"),
    ("stored-object", "store: {processors: [mallory]}\n"),
)
EDITS = st.tuples(
    st.sampled_from(("edit", "edit", "gone", "base off")), st.integers(0, 5), st.just("a"), st.integers(0, 9)
)
MEANWHILE = st.one_of(
    st.dictionaries(st.integers(1, 5), st.lists(some, min_size=1, max_size=4), min_size=1, max_size=4)
    for some in (OPERATIONS, EDITS)
)

Operation = tuple[str, int, str, int]


class People:
    """What people and processors do to the store, by name."""

    def __init__(self, w: World) -> None:
        self.world = w
        self.repo = w.repo
        self.base = "stored-object"

    def act(self, operation: Operation) -> None:
        """One act; one that needs an issue takes any, and is left out where there is none."""
        kind, place, object_id, value = operation
        if kind in ("same second", "later"):
            self.world.hub.clock.tick = kind == "later"
            self.world.hub.clock.advance(value if kind == "later" else 0)
        elif kind in ("make", "a stranger's", "no object"):
            by = STRANGER if kind == "a stranger's" else "alice"
            labels = ["bug"] if kind == "no object" else [self.base, f"UID:{object_id}"]
            self.repo.grant("alice", "admin")
            self.repo.open_issue(by, f"Stored Object: {object_id}", json.dumps({"n": value}), labels)
        elif numbers := [issue.number for issue in self.repo.issues()]:
            self.change(kind, numbers[place % len(numbers)], object_id, value)

    def change(self, kind: str, number: int, object_id: str, value: int) -> None:
        issue = self.repo.issue(number)
        others = [label for label in issue.labels if not label.startswith("UID:")]
        uid = [label for label in issue.labels if label.startswith("UID:")]
        if kind == "edit":
            self.repo.edit_issue(number, "alice", body=json.dumps({"n": value, "text": "é💾" * value}))
        elif kind == "update":
            self.world.update(number, {"m": value})
            with suppress(StoreError):  # it may be broken
                self.world.process(number)
        elif kind == "delete":
            self.repo.edit_issue(number, "alice", labels=[*uid, "archived"], state="closed")
        elif kind == "restore":
            self.repo.edit_issue(number, "alice", labels=[*uid, self.base])
        elif kind == "relabel":
            self.repo.edit_issue(number, "alice", labels=[*others, f"UID:{object_id}"])
        elif kind == "base off":
            self.repo.edit_issue(number, "alice", labels=uid)
        elif kind == "base on":
            self.repo.edit_issue(number, "alice", labels=[*uid, *others, self.base])
        elif kind == "two labels":
            self.repo.edit_issue(number, "alice", labels=[*issue.labels, f"UID:{object_id}"])
        elif kind == "break":
            self.repo.edit_issue(number, "alice", body=BROKEN[value % len(BROKEN)])
        elif kind == "talk":
            self.repo.comment(number, STRANGER, "Nice.")
        else:
            self.repo.delete_issue(number, "alice")


class Stores(RuleBasedStateMachine):
    """One store, and a snapshot of it in each format."""

    world: World
    clean: Any
    searched = 0

    @initialize()
    def begin(self) -> None:
        type(self).searched += 1
        self.world.hub.restore(self.clean)
        self.people = People(self.world)
        self.configure(RULES[0])
        for object_id in ("a", "b", "c", "d"):
            self.people.act(("make", 0, object_id, 0))
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name)

    def teardown(self) -> None:
        self.folder.cleanup()

    @rule(operations=st.lists(OPERATIONS, min_size=1, max_size=6))
    def change(self, operations: list[Operation]) -> None:
        for operation in operations:
            self.people.act(operation)

    @rule(rules=st.sampled_from(RULES))
    def configure(self, rules: tuple[str, str]) -> None:
        """Other rules make other objects of the same issues."""
        self.people.base, text = rules
        if self.world.repo.file(".github/gh-store.yml") != text.encode():
            self.world.repo.commit_files({".github/gh-store.yml": text})

    @rule(page=st.integers(1, 4))
    def bring_up_to_date(self, page: int) -> None:
        for format_ in FORMATS:
            self.snapshots(format_, page).update()
        self.compare()

    @rule(page=st.integers(1, 4), full=st.booleans(), format_=st.sampled_from(FORMATS), meanwhile=MEANWHILE)
    def in_turmoil(self, page: int, full: bool, format_: str, meanwhile: dict[int, list[Operation]]) -> None:
        """While one is made others change the store: it is of a moment in between, or says that it cannot be made."""
        work = self.snapshots(format_, page)
        states = [self.world.hub.save()]

        def act(count: int) -> None:
            for operation in meanwhile.get(count, ()):
                self.people.act(operation)
                states.append(self.world.hub.save())

        with self.between_requests(act):
            try:
                result: SnapshotResult | None = work.make() if full else work.update()
            except ConcurrentUpdateError:
                result = None
        if result is not None:
            end = self.world.hub.save()
            assert self.written(format_) in [self.expected(format_, state) for state in states]
            self.world.hub.restore(end)
        self.bring_up_to_date(page)

    # -- how it is looked at ---------------------------------------------------------------------------------------

    def snapshots(self, format_: str, page: int) -> Snapshots:
        self.world.hub.hub.world.buckets.clear()  # a long history has more requests than an hour
        workspace = Workspace(self.path, dict(os.environ), "", "", self.world.pause)
        session = self.world.session()
        target = Target(format_, format=format_, commit=False)
        return Snapshots(session, workspace, target, allow_shrink=True, page=page)

    def written(self, format_: str) -> dict[str, bytes]:
        place = self.path / format_
        files = [place] if place.is_file() else [file for file in place.rglob("*") if file.is_file()]
        return {"" if file == place else file.relative_to(place).as_posix(): file.read_bytes() for file in files}

    def expected(self, format_: str, state: Any = None) -> dict[str, bytes]:
        if state is not None:
            self.world.hub.restore(state)
        session = self.world.session()
        full = Collector(session).full()
        session.github.transport.close()
        return {name: whole(content) for name, content in snapshot_files.write(full.snapshot, format_).items()}

    def compare(self) -> None:
        for format_ in FORMATS:
            assert self.written(format_) == self.expected(format_), format_

    @contextmanager
    def between_requests(self, act: Callable[[int], None]) -> Iterator[None]:
        count = 0
        busy = False

        def after(request: Any) -> None:
            nonlocal count, busy
            if busy or request.operation != "List":
                return  # a processor's own requests, while it acts
            busy = True
            count += 1
            act(count)
            busy = False

        self.world.hub.after_request.append(after)
        yield
        self.world.hub.after_request.clear()


@pytest.mark.parametrize(
    "proof", [pytest.param(False, id="quick"), pytest.param(True, id="proof", marks=pytest.mark.prove)]
)
def test_snapshot__brought_up_to_date_has_the_bytes_of_a_full_one(
    proof: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = max(10, int(BUDGET * 3)) if proof else 4
    with world() as w:
        Stores.world, Stores.clean, Stores.searched = w, w.hub.save(), 0
        run_state_machine_as_test(
            Stores,
            settings=settings(
                max_examples=examples,
                stateful_step_count=25 if proof else 8,
                deadline=None,
                derandomize=not proof or REPEATABLE,
                suppress_health_check=list(HealthCheck),
            ),
        )
    with capsys.disabled():
        print(f"\nsnapshots: {Stores.searched} histories of a store")  # noqa: T201


EDIT = ("edit", 0, "a", 3), ("edit", 3, "a", 4)
SAME = ("same second", 0, "a", 0)


@pytest.mark.parametrize(
    ("full", "page", "before", "meanwhile"),
    [
        pytest.param(True, 1, [], {1: EDIT}, id="an edit behind the page and one before it"),
        pytest.param(True, 1, [], {2: [("gone", 0, "a", 0)], 3: [("make", 0, "con", 1)]}, id="one goes and one comes"),
        pytest.param(True, 1, [], {3: [("base off", 0, "a", 0), ("edit", 3, "a", 1)]}, id="one is taken out"),
        pytest.param(True, 4, [("make", 0, "a", 9)], {1: [("delete", 0, "a", 0)]}, id="one goes, another has its id"),
        pytest.param(True, 1, [SAME], {1: EDIT, 5: EDIT, 6: EDIT[::-1]}, id="all in a second"),
        pytest.param(False, 1, [*EDIT], {1: [SAME, *EDIT]}, id="edits where the page ended"),
        pytest.param(
            False,
            1,
            [SAME, *(("edit", place, "a", 5) for place in (1, 2, 3))],
            {3: EDIT},
            id="an edit behind the page in its second",
        ),
        pytest.param(False, 1, [*EDIT], {1: [("gone", 0, "a", 0)], 2: [("make", 0, "a", 5)]}, id="one is made again"),
    ],
)
def test_turmoil__what_others_do_between_two_requests_is_in_or_not_yet(
    full: bool, page: int, before: list[Operation], meanwhile: dict[int, list[Operation]]
) -> None:
    with world() as w:
        Stores.world, Stores.clean = w, w.hub.save()
        stores = Stores()
        stores.begin()
        stores.bring_up_to_date(2)
        w.hub.clock.advance(60)
        for operation in before:
            stores.people.act(operation)
        stores.in_turmoil(page=page, full=full, format_="json", meanwhile=meanwhile)
        stores.teardown()
