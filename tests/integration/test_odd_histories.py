"""Histories that a fresh eye found: people's tokens, titles and comments changed afterwards, talkative strangers."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest

from gh_store_action import GitHubStore
from gh_store_action.domain.objects import read_title
from gh_store_action.domain.processing.reconcile import BrokenObject
from gh_store_action.errors import ConcurrentUpdateError, StoreError
from tests.double import BOT, Request
from tests.support.store import World, world

INC = {"_data": {"$inc": {"n": 1}}, "_meta": {"update_mode": "operators"}}
RULE_FILE = ".github/gh-store.yml"


def made_by_alice(w: World) -> int:
    """An object that a person's token made, by the library."""
    with GitHubStore(w.hub.token("alice"), w.repo.full_name, api_url=w.hub.api_url, pause=w.pause) as store:
        return store.create("m", {"n": 0}).meta.issue_number


def sweep_cost(w: World) -> int:
    before = w.requests()
    assert [r.error for r in w.sweep() if r.error] == []
    return w.requests() - before


def test_made_with_a_persons_token__a_late_update_is_not_lost() -> None:
    with world() as w:
        number = made_by_alice(w)
        late = w.update(number, INC)
        w.repo.hide_comment_from_reads(late)
        w.update(number, {"other": 1})
        w.process(number)
        w.repo.reveal()
        w.process(number)
        assert w.data(number) == {"n": 1, "other": 1}
        assert w.process(number).changed is False


def test_made_with_a_persons_token__a_broken_edit_is_refused_and_the_object_rebuilt() -> None:
    with world() as w:
        number = made_by_alice(w)
        w.update(number, INC)
        w.process(number)
        w.repo.edit_issue(number, "bob", body="oops {")
        w.process(number)
        assert w.data(number) == {"n": 1}


def test_a_persons_run_and_the_workflows_in_turn__nothing_is_doubled_or_lost() -> None:
    with world() as w:
        number = made_by_alice(w)
        for place in range(6):
            w.update(number, INC, by="bob")
            w.process(number, w.hub.token("alice") if place % 2 else "")
        assert w.data(number) == {"n": 6}
        w.process(number)
        assert w.process(number).changed is False


def test_the_stores_own_comment_edited_by_somebody_is_the_stores_no_more() -> None:
    with world() as w:
        w.hub.add_user("root")
        w.repo.grant("root", "admin")
        w.repo.commit_files({RULE_FILE: "store: {access: {permission: admin}}"}, by="root")
        number = w.object(data={"n": 0})
        w.update(number, {"ok": 1}, by="root")
        w.process(number)
        first = w.repo.issue(number).comments[0]
        w.repo.edit_comment(first.id, "bob", first.body.replace('"n": 0', '"n": 666'))
        w.update(number, {"more": 1}, by="root")
        w.process(number)
        assert w.data(number) == {"n": 0, "ok": 1, "more": 1}
        w.repo.edit_issue(number, "bob", body="oops {")
        w.process(number)
        assert w.data(number) == {"n": 0, "ok": 1, "more": 1}  # the run before entered it into the log again
        for comment in w.repo.issue(number).comments:
            w.repo.edit_comment(comment.id, "bob", "gone")
        w.repo.edit_issue(number, "bob", body="oops {")
        with pytest.raises(BrokenObject, match="has no initial state"):
            w.process(number)
        w.repo.edit_issue(number, "root", body='{"n": 5}')
        w.process(number)
        assert w.data(number) == {"n": 5}


def test_an_applied_comment_edited_afterwards_never_comes_in_by_a_rebuild() -> None:
    with world() as w:
        w.repo.grant("mallory", "write")
        number = w.object()
        comment = w.update(number, {"x": 1}, by="mallory")
        w.process(number)
        w.repo.grant("mallory", "none")
        w.repo.edit_comment(comment, "mallory", '{"owner": "mallory"}')
        w.repo.edit_issue(number, "alice", body="oops {")
        with pytest.raises(BrokenObject, match="changed after the fact"):
            w.process(number)
        assert w.repo.issue(number).body == "oops {"


def test_an_idempotency_key_beyond_the_page__the_repeat_is_not_folded() -> None:
    with world() as w:
        keyed = {**INC, "_meta": {**INC["_meta"], "update_id": "K"}}
        number = w.object(data={"n": 0})
        first = w.update(number, keyed)
        w.process(number)
        w.repo.edit_issue(number, "bob", body='{"n": 1, "e": 1}')
        w.process(number)
        w.update(number, keyed)
        w.hub.faults.partial({"r0": {"message": "Time-out."}}, match=lambda r: "r0:" in r.body, times=None)
        w.process(number)
        w.hub.faults.clear()
        ids = [c.id for c in w.repo.issue(number).comments]
        for _ in range(100 - (len(ids) - ids.index(first)) + 1):
            w.repo.comment(number, "mallory", "talk")
        w.process(number)
        assert w.data(number) == {"n": 1, "e": 1}


def test_a_title_changed_by_hand__verdicts_and_hand_edits_stay() -> None:
    with world() as w:
        number = w.object(data={"n": 0})
        w.update(number, INC)
        w.update(number, {"bad": 1}, by="mallory")
        w.process(number)
        w.repo.edit_issue(number, "bob", body='{"n": 40}')
        w.process(number)
        w.repo.grant("mallory", "write")
        w.repo.edit_issue(number, "alice", title="my nice title")
        before = w.seen(number)
        w.process(number)
        after = w.seen(number)
        assert (after.body, after.receipts, after.checkpoints) == (before.body, before.receipts, before.checkpoints)
        assert w.repo.issue(number).title.startswith("Stored Object: m [r3 ")
        w.repo.edit_issue(number, "alice", body="oops {", title="again")
        w.process(number)
        assert w.data(number) == {"n": 40}


def test_a_title_changed_by_hand_behind_a_crash__nothing_is_folded_twice() -> None:
    with world() as w:
        number = w.object(data={"n": 0})
        for _ in range(3):
            w.update(number, INC, reopen=False)
        lost = {f"r{place}": {"message": "Time-out."} for place in (1, 2)}
        w.hub.faults.partial(lost, match=lambda r: "addReaction" in r.body, times=None)
        token = w.token()
        w.hub.faults.dead_from(token, 3)
        with suppress(StoreError):
            w.process(number, token)
        w.hub.faults.clear()
        w.repo.edit_issue(number, "alice", title="my nice title")
        w.process(number)
        assert w.data(number) == {"n": 3}


def test_a_run_with_a_persons_token__takes_over_that_persons_own_edit_of_the_body() -> None:
    with world() as w:
        number = made_by_alice(w)
        w.repo.edit_issue(number, "alice", body='{"n": 99}')
        w.process(number, w.hub.token("alice"))
        assert w.data(number) == {"n": 99}


def test_a_thumb_of_somebody_who_counts__does_not_turn_a_verdict() -> None:
    with world() as w:
        w.repo.commit_files({RULE_FILE: f"store: {{processors: [alice, '{BOT}']}}"}, by="alice")
        number = w.object()
        bad = w.update(number, '{"bad": }', by="bob")
        stale = w.update(number, {"_data": {"x": 1}, "_meta": {"if_revision": 99}}, by="bob")
        w.process(number)
        for comment in (bad, stale):
            w.repo.react(comment, "alice", "+1")
        w.update(number, {"z": 1})
        w.process(number)
        assert w.data(number) == {"count": 0, "z": 1}
        assert w.seen(number).receipts == (("-1",), ("-1",), ("+1",))


@pytest.mark.parametrize("content", ["+1", "-1", "confused"])
@pytest.mark.parametrize("when", ["before their run", "after it", "before and never again"])
@pytest.mark.parametrize("tick", [0, 1])
def test_a_reaction_by_somebody_whose_token_runs_the_store_is_no_receipt_on_a_comment_that_no_run_knew(
    content: str, when: str, tick: int
) -> None:
    with world() as w:
        w.hub.clock.tick = tick
        number = w.object(data={"n": 0})
        late = w.update(number, INC, by="bob")
        w.repo.hide_comment_from_reads(late)
        if when != "after it":
            w.repo.react(late, "alice", content)
        w.update(number, {"other": 1})
        w.process(number, w.hub.token("alice"))
        if when == "after it":
            w.repo.react(late, "alice", content)
        w.update(number, {"another": 1})
        w.process(number, "" if when == "before and never again" else w.hub.token("alice"))
        w.repo.reveal()
        w.process(number)
        assert w.data(number) == {"n": 1, "other": 1, "another": 1}
        assert w.process(number).changed is False
        w.repo.edit_issue(number, "alice", body="oops {")
        w.process(number)
        assert w.data(number) == {"n": 1, "other": 1, "another": 1}


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("by", ["", "alice"])
def test_a_revision_that_somebody_typed__the_next_is_not_lower_and_a_broken_body_is_rebuilt(
    by: str, times: int
) -> None:
    with world() as w:
        w.hub.clock.tick = 1
        number = w.object(data={"n": 0})
        w.repo.edit_issue(number, "alice", body='{"n": 0, "by hand": 1}')
        for place in range(1, times + 1):
            w.repo.edit_issue(number, "alice", title=f"Stored Object: m [r{1 + place} c{place * 10**6} n0 0badc0de]")
        w.process(number, by and w.hub.token(by))
        marker = read_title(w.repo.issue(number).title)[1]
        assert marker is not None
        assert marker.revision > 1 + times
        w.repo.edit_issue(number, "alice", body="oops {")
        w.process(number, by and w.hub.token(by))
        assert w.data(number) == {"n": 0, "by hand": 1}
        w.process(number)
        assert w.process(number).changed is False


@pytest.mark.parametrize("state", ["a hand edit", "a late update"])
@pytest.mark.parametrize("broken", ["at once", "later"])
@pytest.mark.parametrize(("receipts", "events"), [(True, True), (False, True), (True, False)])
def test_a_copy_whose_body_is_broken_by_hand_is_rebuilt_although_a_state_in_its_log_names_an_older_comment(
    state: str, broken: str, receipts: bool, events: bool
) -> None:
    with world() as w:
        number = w.object(data={"n": 0})
        late = w.update(number, {"late": 1})
        if state == "a late update":
            w.repo.hide_comment_from_reads(late)
        w.update(number, INC)
        w.process(number)
        if state == "a hand edit":
            w.repo.edit_issue(number, "bob", body='{"n": 1, "late": 1, "by hand": 1}')
        w.repo.reveal()
        w.process(number)
        data = w.data(number)
        assert (data["n"], data["late"]) == (1, 1)
        w.repo.renumber_comments(number, receipts=receipts, events=events)
        if broken == "later":
            w.process(number)
        w.repo.edit_issue(number, "bob", body="oops {")
        w.process(number)
        assert w.data(number) == data
        w.update(number, INC)
        w.process(number)
        assert w.data(number) == {**data, "n": 2}
        assert w.process(number).changed is False


def test_a_sweep_finds_the_objects_of_people_whom_github_does_not_show_as_members() -> None:
    with world() as w:
        w.repo.commit_files({RULE_FILE: "store: {access: {permission: admin, users: [mallory]}}"}, by="alice")
        number = w.repo.open_issue("mallory", "Stored Object: m", '{"a": 1}', [])
        w.repo.edit_issue(number, BOT, labels=["stored-object", "UID:m"])
        w.update(number, {"b": 1}, by="mallory")
        assert [(r.number, r.applied) for r in w.sweep()] == [(number, 1)]
        assert w.data(number) == {"a": 1, "b": 1}


def test_talk_costs_a_sweep_once_and_not_for_ever() -> None:
    with world() as w:
        number = w.object()
        for _ in range(6):
            w.repo.comment(number, "mallory", "nice!")
        assert sweep_cost(w) == 3
        assert sweep_cost(w) == 1
        body = w.repo.issue(number).body
        w.repo.edit_issue(number, "alice", body=body.replace("\n", "\r\n") + "\r\n")
        assert sweep_cost(w) == 1
        title = w.repo.issue(number).title
        w.repo.edit_issue(number, "alice", title="x")
        w.repo.edit_issue(number, "alice", title=title)
        assert sweep_cost(w) <= 4
        assert sweep_cost(w) == 1


def test_a_stranger_who_keeps_talking_does_not_keep_a_run_from_reading() -> None:
    with world() as w:
        number = w.object()
        for _ in range(105):
            w.repo.comment(number, "mallory", "talk")
        w.update(number, {"a": 1})
        said: list[int] = []

        def talk(request: Request) -> None:
            if request.graphql and len(said) < 60:
                said.append(w.repo.comment(number, "mallory", "hi"))

        w.hub.before_request.append(talk)
        before = w.requests()
        w.process(number)
        w.hub.before_request.clear()
        assert w.requests() - before <= 6
        assert w.data(number) == {"count": 0, "a": 1}


def test_a_head_that_changes_with_every_page__ends_after_a_bounded_number() -> None:
    with world() as w:
        number = w.object()
        for _ in range(105):
            w.repo.comment(number, "mallory", "talk")
        titles = iter(range(1000))

        def retitle(request: Request) -> None:
            if request.graphql:
                title = f"Stored Object: m [r{next(titles)} c1 n1 00000000]"
                w.repo.edit_issue(number, BOT, title=title)

        w.hub.before_request.append(retitle)
        with pytest.raises(ConcurrentUpdateError, match="during each of 10 attempts"):
            w.process(number)
        w.hub.before_request.clear()


def test_a_refused_body_of_many_short_lines__is_kept_in_a_reply_that_github_takes() -> None:
    with world() as w:
        number = w.object()
        w.hub.options.body_bytes = 65_536
        w.repo.edit_issue(number, "bob", body="oops {" + "\n1" * 12_000)
        w.process(number)
        reply = w.repo.issue(number).comments[-1].body
        assert reply.startswith("<!-- gh-store refused body")
        assert "edit history has all of it" in reply


def test_a_forbidden_receipt_concerns_that_comment_only() -> None:
    with world() as w:
        number = w.object()
        w.update(number, {"a": 1})
        w.update(number, {"b": 1})
        forbidden = {"type": "FORBIDDEN", "message": "You can't react to this comment."}
        w.hub.faults.partial({"r0": forbidden}, match=lambda r: "r0:" in r.body, times=None)
        result = w.process(number)
        assert json.loads(w.repo.issue(number).body) == {"count": 0, "a": 1, "b": 1}
        assert result.receipts_left >= 1


@pytest.mark.parametrize("every", [1, 2, 3])
def test_applied_comments_are_deleted_again_and_again__nothing_is_folded_twice_and_a_late_one_is_found(
    every: int,
) -> None:
    with world() as w:
        number = w.object("m", {"n": 0})
        w.update(number, INC)
        w.process(number)
        for step in range(24):
            comment = w.update(number, {"step": step})
            w.process(number)
            if step % every == 0:
                w.repo.delete_comment(comment, "alice")
            assert w.data(number) == {"n": 1, "step": step}
        late = w.update(number, {"_data": {"$inc": {"late": 1}}, "_meta": {"update_mode": "operators"}})
        w.repo.hide_comment_from_reads(late)
        w.update(number, {"step": 24})
        w.process(number)
        w.repo.reveal()
        w.process(number)
        assert w.data(number) == {"n": 1, "step": 24, "late": 1}
        assert w.process(number).changed is False
