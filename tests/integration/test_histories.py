"""Random histories of users, comments, edits, deletions, late arrivals, crashes and runs, against a model."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gh_store_action.domain.objects import read_title
from gh_store_action.errors import StoreError
from tests.double import BOT
from tests.support.store import World, world

BUDGET = float(os.environ.get("PROVE_BUDGET", "300"))
RECEIPTS = {"+1", "-1", "confused"}


@dataclass
class Model:
    """The rules, for updates that merge: allowed ones once each, in comment order, on the newest edit by hand."""

    base: dict[str, object] = field(default_factory=lambda: {"count": 0})
    behind: int = 0  # updates up to this comment are in `base`
    updates: dict[int, tuple[bool, dict[str, object] | None]] = field(default_factory=dict)  # id: (allowed, patch)
    on_top: list[int] = field(default_factory=list)  # late ones that an edit by hand came before

    def state(self) -> dict[str, object]:
        """What the body must be after a run."""
        state = dict(self.base)
        order = self.on_top + sorted(i for i in self.updates if i > self.behind)
        for update in order:
            allowed, patch = self.updates[update]
            if allowed and patch is not None:
                state |= patch
        return state

    def verdict(self, update: int) -> str:
        """What the update has to hear."""
        allowed, patch = self.updates[update]
        return "confused" if not allowed else "-1" if patch is None else "+1"

    def edit(self, body: dict[str, object], marker: int) -> None:
        """An edit by hand takes in what was folded up to the marker."""
        self.base, self.behind, self.on_top = body, marker, []


class Histories(RuleBasedStateMachine):
    shared: World

    def __init__(self) -> None:
        super().__init__()
        self.w = self.shared
        self.model = Model()
        self.hidden: set[int] = set()
        self.gone: set[int] = set()
        self.late = False
        self.serial = 0
        self.clean = False
        self.tampered = False
        self.typed: tuple[str, tuple[dict[str, object], int, list[int]]] = ("", ({}, 0, []))

    @initialize(tick=st.sampled_from([0, 1]))
    def begin(self, tick: int) -> None:
        self.w.hub.restore(START[id(self.w)])
        self.w.hub.faults.clear()
        self.w.hub.clock.tick = tick
        self.number = 1

    def marker(self) -> int:
        found = read_title(self.w.repo.issue(self.number).title)[1]
        assert found is not None
        return found.comment

    def comments(self) -> dict[int, set[str]]:
        """Ids and the bot's receipts of the comments by people."""
        return {
            c.id: {content for who, content in c.reactions if who == BOT and content in RECEIPTS}
            for c in self.w.repo.issue(self.number).comments
            if c.author != BOT
        }

    def broken(self) -> bool:
        """Whether the body holds no state: then the log has the only one, and must not be tampered with."""
        return self.w.repo.issue(self.number).body == "oops {"

    def patch(self) -> dict[str, object]:
        self.serial += 1
        return {"last": self.serial, f"k{self.serial % 4}": self.serial}

    @rule(by=st.sampled_from(["alice", "bob", "mallory"]), good=st.booleans(), reopen=st.booleans())
    def post(self, by: str, good: bool, reopen: bool) -> None:
        patch = self.patch()
        comment = self.w.update(self.number, patch if good else json.dumps(patch) + ",}", by=by, reopen=reopen)
        if good or json.dumps(patch):
            self.model.updates[comment] = (by != "mallory", patch if good else None)
        self.clean = False

    @rule(by=st.sampled_from(["alice", "mallory"]), text=st.sampled_from(["nice!", "5", '"x"', "see [this](x)"]))
    def talk(self, by: str, text: str) -> None:
        self.w.repo.comment(self.number, by, text)

    @rule(data=st.data(), content=st.sampled_from(["+1", "-1", "confused", "rocket"]))
    def react(self, data: st.DataObject, content: str) -> None:
        if there := sorted(self.comments()):
            self.w.repo.react(data.draw(st.sampled_from(there)), "mallory", content)

    @precondition(lambda self: not self.tampered)
    @rule()
    def post_that_comes_late(self) -> None:
        """Not behind a deleted or rewritten comment that was applied: the one history that the log cannot explain."""
        patch = self.patch()
        comment = self.w.update(self.number, patch, reopen=False)
        self.w.repo.hide_comment_from_reads(comment)
        self.hidden.add(comment)
        self.model.updates[comment] = (True, patch)
        self.clean = False

    @precondition(lambda self: self.hidden)
    @rule()
    def reveal(self) -> None:
        self.w.repo.reveal()
        self._settle_hidden()
        self.clean = False

    def _settle_hidden(self) -> None:
        self.late = self.late or any(comment <= self.marker() for comment in self.hidden)
        self.model.on_top += sorted(c for c in self.hidden if c <= self.model.behind)
        self.hidden.clear()

    @precondition(lambda self: not self.hidden)
    @rule(data=st.data(), by=st.sampled_from(["author", "bob"]))
    def edit_a_comment(self, data: st.DataObject, by: str) -> None:
        """Before its verdict the edit counts, with everybody who wrote on it; after it, it changes nothing."""
        marker, there = self.marker(), self.comments()
        able = sorted(c for c in self.model.updates if c in there and ((there[c] and not self.broken()) or c > marker))
        if not able:
            return
        comment = data.draw(st.sampled_from(able))
        author = next(c.author for c in self.w.repo.issue(self.number).comments if c.id == comment)
        patch = self.patch()
        self.w.repo.edit_comment(comment, author if by == "author" else "bob", json.dumps(patch))
        if comment > marker:
            self.model.updates[comment] = (author != "mallory", patch)
            self.clean = False
        else:
            self.tampered = True

    @precondition(lambda self: not self.hidden and not self.late)
    @rule(data=st.data())
    def delete_a_comment(self, data: st.DataObject) -> None:
        marker, there = self.marker(), self.comments()
        able = sorted(c for c in there if (there[c] and not self.broken()) or c > marker)
        if not able:
            return
        comment = data.draw(st.sampled_from(able))
        self.w.repo.delete_comment(comment, "bob")
        self.gone.add(comment)
        if comment > marker:
            self.model.updates.pop(comment, None)
        else:
            self.tampered = True

    @precondition(lambda self: not self.hidden and not self.late)
    @rule(good=st.booleans())
    def edit_the_body(self, good: bool) -> None:
        self.serial += 1
        there = self.comments()
        marker = self.marker()
        if self.tampered and not good:
            return  # neither the body nor the log has the state any more
        if any(c in there and not there[c] for c in self.model.updates if c <= marker):
            return  # a crash has left receipts out: what the person saw in the body is not the model's to know
        if self.w.repo.issue(self.number).body == self.typed[0]:
            self.model.base, self.model.behind, self.model.on_top = self.typed[1]  # no run has seen the edit before
        body: dict[str, object] = {"by hand": self.serial}
        text = json.dumps(body) if good else "oops {"
        self.typed = text, (self.model.base, self.model.behind, self.model.on_top)
        self.w.repo.edit_issue(self.number, "bob", body=text)
        if good:
            self.model.edit(body, marker)
        self.clean = False

    @rule(k=st.integers(1, 4), phase=st.sampled_from(["before", "after"]))
    def crash(self, k: int, phase: str) -> None:
        token = self.w.token()
        self.w.hub.faults.dead_from(token, k, phase)
        with suppress(StoreError):
            self.w.process(self.number, token)
        self.w.hub.faults.clear()

    @rule()
    def run(self) -> None:
        self.w.process(self.number)
        if not self.hidden:
            self.late = False
            self.clean = True

    @rule()
    def sweep(self) -> None:
        self.w.repo.reveal()
        self._settle_hidden()
        results = self.w.sweep()
        assert [r.error for r in results if r.error] == []
        self.late = False
        self.clean = True

    @invariant()
    def the_rules_hold(self) -> None:
        if not self.clean:
            return
        issue = self.w.repo.issue(self.number)
        assert json.loads(issue.body) == self.model.state()
        assert issue.state.lower() == "closed"
        there = self.comments()
        for update in self.model.updates:
            if update in there:
                assert there[update] == {self.model.verdict(update)}
        named = [
            name for c in issue.comments if c.body.startswith("<!--") for name in c.body.split(" -->")[0].split()[3:]
        ]
        assert len(named) == len(set(named))


START: dict[int, object] = {}


@pytest.mark.parametrize(
    "proof", [pytest.param(False, id="quick"), pytest.param(True, id="proof", marks=pytest.mark.prove)]
)
def test_random_histories__every_allowed_update_is_in_the_body_once_and_in_order(proof: bool) -> None:
    with world() as w:
        number = w.object()
        assert number == 1
        START[id(w)] = w.hub.save()
        Histories.shared = w
        examples = int(BUDGET * 6) if proof else 25
        run_state_machine_as_test(
            Histories,
            settings=settings(
                max_examples=examples,
                stateful_step_count=25,
                deadline=None,
                derandomize=not proof,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
