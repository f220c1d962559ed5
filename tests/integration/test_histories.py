"""Random histories of users, Apps, forms, comments, edits, crashes, titles, leavers, moves, copies, delays and runs.

Each update adds one to a counter of its own, so the body tells at any time how often it was applied.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gh_store_action.domain.objects import read_moved, read_title, short_id
from gh_store_action.domain.processing.result import Result
from gh_store_action.domain.records import FIRST_TITLES, NEWEST_TITLES
from gh_store_action.errors import AccessDeniedError, GitHubError, NotFinished, StoreError
from gh_store_action.store.forms.handling import Desk
from gh_store_action.store.lookup import Lookup
from gh_store_action.store.moving.mover import Mover
from tests.double import BOT
from tests.support.store import World, world

BUDGET = float(os.environ.get("PROVE_BUDGET", "300"))
HISTORIES = int(os.environ.get("PROVE_HISTORIES") or BUDGET * 6)
PARTS = 8  # of a proof, for as many workers
REPEATABLE = bool(os.environ.get("PROVE_REPEATABLE"))
RECEIPTS = {"+1", "-1", "confused"}
PEOPLE = ("alice", "bob", "mallory")
ROBOT = "robot[bot]"  # an App, which is among the processors in half of the histories
RUNNERS = (BOT, "dave", "alice", ROBOT)  # whose tokens runs have; Alice has opened the issue in half of the histories
START: dict[tuple[str, bool], object] = {}


@dataclass
class Update:
    """One update comment.

    Args:
        counters: of each text that it has had; one of them counts, once.  A repeat of its key shares them.
        sure: whether it must be applied; else it may be: its author left, or it was deleted.
        key: its idempotency key.
        at: the issue that it was posted to.
    """

    author: str
    counters: list[str]
    good: bool
    sure: bool
    key: str = ""
    at: int = 1
    gone: bool = False


@dataclass
class Form:
    """One form's issue.

    Args:
        make: whether it makes an object; else it adds one to a counter of its own in the object of all.
        sure: whether it must be taken; else it may be: its author left.
    """

    author: str
    make: bool
    sure: bool


RULES = """
store:
  {processors}
  access: [{match: "made-*", create: true}, {match: "*", permission: write}]
  forms:
    - {label: "form:count", form: f.yml, update: m, mode: operators, data: {$inc: {"form-{number}": 1}}}
    - {label: "form:make", form: f.yml, create: "made-{number}", data: {by: "{login}", words: "{words}"}}
"""
FORM = "body: [{type: textarea, id: words, attributes: {label: Words}}]"


class Histories(RuleBasedStateMachine):
    worlds: dict[bool, World]  # whether the App is a processor in it
    w: World

    def __init__(self) -> None:
        super().__init__()
        self.updates: dict[int, Update] = {}
        self.forms: dict[int, Form] = {}
        self.number = 1
        self.serial = 0
        self.hidden: set[int] = set()
        self.left: set[str] = set()
        self.clean = False
        self.tampered = False  # the log no longer gives the body, so the body must not be broken
        self.copied = False  # and no run has seen the copy yet
        self.revision = 0
        self.titles: list[str] = []
        self.typed: set[str] = set()  # titles that no run has written
        self.robot = False  # whether the App is a processor
        self.moving = False  # by a roll-over that was killed, so what people post here may be refused with a link

    @initialize(tick=st.sampled_from([0, 1]), author=st.sampled_from([BOT, "alice"]), robot=st.booleans())
    def begin(self, tick: int, author: str, robot: bool) -> None:
        self.w = self.worlds[robot]
        self.w.hub.restore(START[author, robot])  # type: ignore[arg-type]
        self.robot = robot
        self.w.hub.faults.clear()
        self.w.hub.clock.tick = tick

    # -- people ----------------------------------------------------------------------------------------------------

    def text(self, counter: str, key: str = "") -> str:
        named = {"update_id": key} if key else {}
        return json.dumps({"_data": {"$inc": {counter: 1}}, "_meta": {"update_mode": "operators", **named}})

    def stale(self, counter: str) -> str:
        """Refused by its condition: only its reply, and no text, tells a later run so."""
        return json.dumps({"_data": {counter: 1}, "_meta": {"if_digest": "0" * 8}})

    def counter(self) -> str:
        self.serial += 1
        return f"u{self.serial}"

    def allowed(self, login: str) -> bool:
        return self.robot if login == ROBOT else login != "mallory" and login not in self.left

    def processors(self) -> list[str]:
        return [BOT, ROBOT] if self.robot else [BOT]

    def body(self) -> dict[str, int] | None:
        try:
            found = json.loads(self.w.repo.issue(self.number).body)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    def there(self) -> list[int]:
        return sorted(n for n, update in self.updates.items() if update.at == self.number and not update.gone)

    @rule(
        by=st.sampled_from([*PEOPLE, ROBOT]),
        how=st.sampled_from(["good", "keyed", "no JSON", "stale"]),
        reopen=st.booleans(),
        late=st.booleans(),
    )
    def post(self, by: str, how: str, reopen: bool, late: bool) -> None:
        counter = self.counter()
        key = counter if how == "keyed" else ""
        good = self.text(counter, key)
        text = {"no JSON": good + ",}", "stale": self.stale(counter)}.get(how, good)
        self.say(Update(by, [counter], text == good, self.allowed(by), key), text, reopen=reopen, late=late)

    @rule(data=st.data(), reopen=st.booleans(), late=st.booleans())
    def post_again(self, data: st.DataObject, reopen: bool, late: bool) -> None:
        """A client whose answer was lost: the same text with the same key, which counts once."""
        keyed = [number for number in self.there() if self.updates[number].key]
        if keyed:
            first = self.updates[data.draw(st.sampled_from(keyed))]
            again = replace(first, sure=first.sure and self.allowed(first.author))
            self.say(again, self.text(first.counters[0], first.key), reopen=reopen, late=late)

    def say(self, update: Update, text: str, *, reopen: bool, late: bool) -> None:
        comment = self.w.update(self.number, text, by=update.author, reopen=reopen and not late)
        self.updates[comment] = replace(update, at=self.number, sure=update.sure and not self.moving)
        if late:
            self.w.repo.hide_comment_from_reads(comment)
            self.hidden.add(comment)
        self.clean = False

    @rule(by=st.sampled_from(PEOPLE), text=st.sampled_from(["nice!", "5", "see [this](x)"]), late=st.booleans())
    def talk(self, by: str, text: str, late: bool) -> None:
        comment = self.w.repo.comment(self.number, by, text)
        if late:
            self.w.repo.hide_comment_from_reads(comment)
            self.hidden.add(comment)
        self.clean = False

    @rule(data=st.data(), content=st.sampled_from(["+1", "-1", "rocket"]), by=st.sampled_from(["mallory", "dave"]))
    def react(self, data: st.DataObject, content: str, by: str) -> None:
        """Dave may write, and runs of his own leave receipts."""
        if there := self.there():
            self.w.repo.react(data.draw(st.sampled_from(there)), by, content)

    @rule()
    def reveal(self) -> None:
        self.w.repo.reveal()
        if self.hidden:
            self.clean = False
        self.hidden.clear()

    @precondition(lambda self: not self.hidden)
    @rule(data=st.data())
    def edit_a_comment(self, data: st.DataObject) -> None:
        there = [number for number in self.there() if self.updates[number].good]
        if not there or self.body() is None:
            return
        comment = data.draw(st.sampled_from(there))
        update, counter = self.updates[comment], self.counter()
        update.counters.append(counter)
        update.sure = update.sure and self.allowed(update.author)
        self.w.repo.edit_comment(comment, update.author, self.text(counter, update.key))
        self.tampered, self.clean = True, False

    @precondition(lambda self: not self.hidden)
    @rule(data=st.data())
    def delete_a_comment(self, data: st.DataObject) -> None:
        """But for those with a key, which is gone with its comment."""
        there = [number for number in self.there() if not self.updates[number].key]
        if not there or self.body() is None:
            return
        comment = data.draw(st.sampled_from(there))
        if self.copied and self.answered() <= {comment}:
            return  # only receipts tell what such a copy holds (docs/design.md, "Known limits")
        self.updates[comment].gone = True
        self.updates[comment].sure = False
        self.w.repo.delete_comment(comment, "bob")
        self.tampered, self.clean = True, False

    def answered(self) -> set[int]:
        """The updates with a receipt."""
        there = self.w.repo.issue(self.number).comments
        return {c.id for c in there if c.id in self.updates and any(content in RECEIPTS for _, content in c.reactions)}

    @rule(good=st.booleans())
    def edit_the_body(self, good: bool) -> None:
        """Dave changes what he sees, or breaks it."""
        body = self.body()
        if body is None or (not good and self.tampered):
            return
        self.serial += 1
        text = json.dumps({**body, "by hand": self.serial}) if good else f"oops {{ {self.serial}"
        self.w.repo.edit_issue(self.number, "dave", body=text)
        self.clean = False

    @rule(data=st.data(), how=st.sampled_from(["words", "older", "beyond", "lower", "high", "same"]))
    def type_a_title(self, data: st.DataObject, how: str) -> None:
        if self.body() is None:
            return
        issue = self.w.repo.issue(self.number)
        marker = read_title(issue.title)[1]
        before = issue.title
        if how == "same":
            self.w.repo.edit_issue(self.number, "dave", title="words")
        elif how == "words" or marker is None:
            before = "a nice title"
        elif how == "beyond":
            before = f"Stored Object: m [r{marker.revision + 1} c{marker.comment + 10**6} n{marker.count} 0badc0de]"
        elif how == "lower":
            before = f"Stored Object: m [r1 c{marker.comment} n{marker.count} {marker.digest}] ({short_id(5)})"
        elif how == "high":
            before = f"Stored Object: m [r{marker.revision + 10**6} c{marker.comment} n{marker.count} {marker.digest}]"
        else:
            titles = [t for t in self.titles if t != before]
            before = data.draw(st.sampled_from(titles)) if titles else before
        if before not in self.titles:
            self.typed.add(before)
        self.w.repo.edit_issue(self.number, "dave", title=before)
        self.clean = False

    @rule()
    def type_many_titles(self) -> None:
        """A run reads the newest of them and the first, so one of those has to be a run's (docs/design.md)."""
        title = self.w.repo.issue(self.number).title
        if title in self.typed:
            return
        for _ in range(NEWEST_TITLES // 2 + FIRST_TITLES):
            for typed in ("words", title):
                self.w.repo.edit_issue(self.number, "dave", title=typed)
        self.clean = False

    @precondition(lambda self: self.clean)
    @rule(who=st.sampled_from(["alice", "bob"]))
    def leave(self, who: str) -> None:
        """After the workflow's run: an author who leaves before it is nobody that the store knows."""
        self.left.add(who)
        self.w.repo.grant(who, "read")
        for update in self.updates.values():
            update.sure = update.sure and update.author != who
        for form in self.forms.values():
            form.sure = form.sure and (form.make or form.author != who)

    @rule(who=st.sampled_from(["alice", "bob"]), late=st.sampled_from([0, 3, 50]))
    def come_back(self, who: str, late: int) -> None:
        """GitHub may go on to tell the old right for a while."""
        if who in self.left:
            self.w.hub.delays.permissions = late
            self.w.repo.grant(who, "write")
            self.w.hub.delays.permissions = 0
            if not late:
                self.left.discard(who)

    @rule(labels=st.sampled_from(["stored-object", "UID:m", ""]), sweep=st.booleans())
    def take_labels_off_and_put_them_on(self, labels: str, sweep: bool) -> None:
        """A run comes in between."""
        there = self.w.repo.issue(self.number).labels
        self.w.repo.edit_issue(self.number, "dave", labels=[name for name in there if labels and name != labels])
        if sweep:
            self.desk().sweep()
        else:
            with suppress(NotFinished):
                self.process(self.number)
        self.w.repo.edit_issue(self.number, "dave", labels=there)
        self.clean = False

    @precondition(lambda self: not self.hidden)
    @rule(
        k=st.sampled_from([0, *range(1, 13)]),
        phase=st.sampled_from(["before", "after"]),
        by=st.sampled_from(RUNNERS),
    )
    def roll_over(self, k: int, phase: str, by: str) -> None:
        """To a new issue, whole or killed."""
        token = self.token(by)
        if k:
            self.w.hub.faults.dead_from(token, k, phase)
        with suppress(StoreError):
            Mover(Lookup(self.w.session(token))).roll_over("m")
        self.w.hub.faults.clear()
        self.note()
        self.clean = False

    def kept(self) -> list[int]:
        """The issues in which the object is or was."""
        return sorted({update.at for update in self.updates.values()} | {self.number, *self.labelled()})

    def labelled(self) -> list[int]:
        """The issues that have the labels: two amid a move."""
        return [one.number for one in self.w.repo.issues() if {"stored-object", "UID:m"} <= set(one.labels)]

    def follow(self) -> None:
        """To the issue that has the labels now."""
        found = self.labelled()
        if found and self.number not in found:
            self.number = found[0]
            self.titles, self.tampered = [], False
        self.moving = read_moved(self.w.repo.issue(self.number).title)[1] > 0

    @precondition(lambda self: self.clean)
    @rule(receipts=st.booleans(), events=st.booleans())
    def copy_to_another_server(self, receipts: bool, events: bool) -> None:
        """The comments get other ids.  Where updates had been edited or deleted, receipts tell what is held."""
        issue = self.w.repo.issue(self.number)
        if issue.author == "alice" and "alice" in self.left and not events:
            return  # nobody is seen to have signed it
        self.w.repo.renumber_comments(self.number, receipts=receipts or self.tampered, events=events)
        new = [comment.id for comment in self.w.repo.issue(self.number).comments]
        ids = dict(zip((comment.id for comment in issue.comments), new, strict=True))
        self.updates = {ids.get(number, number): update for number, update in self.updates.items()}
        self.titles = []
        self.clean, self.copied = False, True

    @rule(
        by=st.sampled_from(PEOPLE),
        make=st.booleans(),
        k=st.integers(2, 4),
        phase=st.sampled_from(["before", "after"]),
        then=st.sampled_from([None, "sweep", "run"]),
    )
    def send_a_form(self, by: str, make: bool, k: int, phase: str, then: str | None) -> None:
        """Its first run dies; perhaps the next one comes at once."""
        label = "form:make" if make else "form:count"
        number = self.w.repo.open_issue(by, "Hello", "### Words\n\nHello", [label])
        self.forms[number] = Form(by, make, sure=make or self.allowed(by))
        self.die(number, k, phase)
        if then:
            self.run(sweep=then == "sweep")

    @rule(data=st.data(), good=st.booleans())
    def edit_a_form(self, data: st.DataObject, good: bool) -> None:
        """What was taken stays; what was not is read again, in the end as it can be read."""
        if not self.forms:
            return
        number = data.draw(st.sampled_from(sorted(self.forms)))
        for text in ["### Words\n\nHello again"] if good else ["rubbish", "### Words\n\nHello again"]:
            self.w.repo.edit_issue(number, self.forms[number].author, body=text)
            if text == "rubbish":
                self.process(number)
        self.clean = False

    @rule(data=st.data(), k=st.integers(1, 5), phase=st.sampled_from(["before", "after"]))
    def crash_on_a_form(self, data: st.DataObject, k: int, phase: str) -> None:
        if self.forms:
            self.die(data.draw(st.sampled_from(sorted(self.forms))), k, phase)

    def die(self, form: int, k: int, phase: str) -> None:
        token = self.w.token()
        self.w.hub.faults.dead_from(token, k, phase)
        with suppress(StoreError):
            self.process(form, token)
        self.w.hub.faults.clear()
        self.note()
        self.clean = False

    # -- runs ------------------------------------------------------------------------------------------------------

    def desk(self, token: str = "") -> Desk:
        """A fresh process."""
        return Desk(Lookup(self.w.session(token)))

    def process(self, number: int, token: str = "") -> Result:
        return self.desk(token).process(number)

    def token(self, by: str) -> str:
        if by == ROBOT:
            return self.w.repo.app_token("robot", issues="write", contents="read")
        return self.w.token() if by == BOT else self.w.hub.token(by)

    def note(self) -> None:
        self.follow()
        self.titles = [*self.titles, self.w.repo.issue(self.number).title][-5:]

    @rule(k=st.integers(1, 4), phase=st.sampled_from(["before", "after"]), by=st.sampled_from(RUNNERS))
    def crash(self, k: int, phase: str, by: str) -> None:
        token = self.token(by)
        self.w.hub.faults.dead_from(token, k, phase)
        with suppress(StoreError):
            self.process(self.number, token)
        self.w.hub.faults.clear()
        self.note()

    @rule(events=st.sampled_from([0, 1, 2, 5, 50]), by=st.sampled_from(RUNNERS))
    def lagging_run(self, events: int, by: str) -> None:
        if by in self.left:
            return
        self.w.hub.delays.events = events
        with suppress(GitHubError, AccessDeniedError):
            self.process(self.number, self.token(by))
        self.w.hub.delays.events = 0
        self.note()

    @rule(by=st.sampled_from(RUNNERS[1:]))
    def run_by_another(self, by: str) -> None:
        if by in self.left:
            return
        before = self.w.repo.issue(self.number)
        with suppress(NotFinished):  # GitHub may not show yet who set the title, and its author may have left
            try:
                self.process(self.number, self.token(by))
            except AccessDeniedError:  # an App that no rule names
                assert (by, self.robot, self.w.repo.issue(self.number)) == (ROBOT, False, before)
        self.note()

    @rule(sweep=st.booleans())
    def run(self, sweep: bool) -> None:
        self.w.repo.reveal()
        self.hidden.clear()
        self.w.hub.delays.events = 0
        if sweep:
            assert [r.error for r in self.desk().sweep() if r.error] == []
        self.process(self.number)
        for number in self.forms:
            self.process(number)
        for number in self.kept():
            self.process(number)
        self.note()
        self.process(self.number)
        self.clean, self.copied = True, False

    @invariant()
    def the_rules_hold(self) -> None:
        if not self.clean:
            return
        issue = self.w.repo.issue(self.number)
        body = self.body()
        assert body is not None
        assert issue.state.lower() == "closed"
        comments = [comment for number in self.kept() for comment in self.w.repo.issue(number).comments]
        receipts = {
            c.id: {content for who, content in c.reactions if who in self.processors() and content in RECEIPTS}
            for c in comments
        }
        by_people = {c.id for c in comments if any(who in RUNNERS and how in RECEIPTS for who, how in c.reactions)}
        for number, update in self.updates.items():
            times = sum(body.get(counter, 0) for counter in update.counters)
            if update.good and update.sure:
                assert times == 1, (number, update, body)
            elif update.author == "mallory" or (len(update.counters) == 1 and not update.good):
                assert times == 0, (number, update, body)
            else:
                assert times <= 1, (number, update, body)
            # On an issue that the object has left, the verdict of a person's run may be the only one.
            if not update.gone and (update.at == self.number or receipts[number] or number not in by_people):
                assert len(receipts[number]) == 1, (number, update, receipts[number])
        for number, form in self.forms.items():
            self.the_form_is_taken_once(number, form, body.get(f"form-{number}", 0))
        named = [name for c in comments if c.body.startswith("<!--") for name in c.body.split(" -->")[0].split()[3:]]
        assert len(named) == len(set(named))
        marker = read_title(issue.title)[1]
        assert marker is not None
        assert self.process(self.number).changed is False
        assert marker.revision >= self.revision
        self.revision = marker.revision

    def the_form_is_taken_once(self, number: int, form: Form, times: int) -> None:
        state = self.w.repo.issue(number).state
        made = [json.loads(one.body) for one in self.w.repo.issues() if f"UID:made-{number}" in one.labels]
        assert [one["by"] for one in made] == [form.author] * form.make, (number, form)
        if form.sure:
            assert (times, state) == (int(not form.make), "closed"), (number, form)
        else:
            assert times <= (form.author != "mallory"), (number, form)
            assert (state == "closed") == (times == 1), (number, form)


def cases() -> list[object]:
    """How many histories, and a number that tells each part's seed from the others'."""
    each = -(-HISTORIES // PARTS)
    parts = (pytest.param(each, seed, id=f"proof-{seed}", marks=pytest.mark.prove) for seed in range(2, PARTS + 2))
    return [pytest.param(25, 1, id="quick"), *parts]


def prepare(w: World, robot: bool) -> None:
    """Fills `START` with stores of one object."""
    rules = RULES.replace("{processors}", f"processors: {json.dumps([BOT, ROBOT])}" * robot)
    w.repo.commit_files({".github/gh-store.yml": rules, ".github/ISSUE_TEMPLATE/f.yml": FORM}, by="alice")
    w.repo.app_token("robot")
    w.repo.grant("dave", "write")
    empty = w.hub.save()
    for author in (BOT, "alice"):
        w.hub.restore(empty)
        assert w.repo.open_issue(author, "Stored Object: m", '{"count": 0}', ["stored-object", "UID:m"]) == 1
        w.process(1)
        START[author, robot] = w.hub.save()


@pytest.mark.parametrize(("examples", "number"), cases())
def test_random_histories__every_allowed_update_is_in_the_body_once(
    examples: int, number: int, pytestconfig: pytest.Config
) -> None:
    begin = "0" if number == 1 or REPEATABLE else pytestconfig.getoption("--hypothesis-seed")
    with world() as w, world() as with_app:
        Histories.worlds = {False: w, True: with_app}
        for robot, one in Histories.worlds.items():
            prepare(one, robot)
        run_state_machine_as_test(
            seed(begin and f"{begin}-{number}")(Histories),
            settings=settings(
                max_examples=examples,
                stateful_step_count=25,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
