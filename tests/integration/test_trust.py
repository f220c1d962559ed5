"""Who is trusted with an object: people who leave, Apps, two people with tokens of their own, events that come late."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress

import pytest

from gh_store_action import GitHubStore
from gh_store_action.domain import objects
from gh_store_action.domain.processing.reconcile import BrokenObject
from gh_store_action.errors import AccessDeniedError, GitHubError, ObjectExists, ObjectNotFound, StoreError
from tests.double import BOT
from tests.support.covering import covering
from tests.support.interleave import QUICK, Orders
from tests.support.store import World, world

INC = {"_data": {"$inc": {"n": 1}}, "_meta": {"update_mode": "operators"}}


def store_of(w: World, token: str) -> GitHubStore:
    return GitHubStore(token, "octo/store", api_url=w.hub.api_url, pause=w.pause)


def by_hand(w: World, author: str, data: object = None, object_id: str = "m") -> int:
    text = json.dumps({"n": 0} if data is None else data)
    return w.repo.open_issue(author, object_id, text, ["stored-object", f"UID:{object_id}"])


# -- one read is one moment


@covering(1, delay=[0, 1, 2, 3, 4, 5, 6, 8, 10, 50], author=["octo", "alice"])
def test_the_quick_start__two_increments_are_two_whatever_the_events_delay(delay: int, author: str) -> None:
    with world() as w:
        number = by_hand(w, author)
        w.update(number, INC)
        w.update(number, INC)
        w.hub.delays.events = delay
        for _ in range(3):
            w.process(number)
            assert w.data(number) == {"n": 2}


@pytest.mark.parametrize("delay", [1, 2, 3, 5, 50])
def test_an_object_of_gh_store__and_a_created_one__double_nothing_under_a_delay(delay: int) -> None:
    with world() as w:
        w.hub.delays.events = delay
        old = w.legacy(data={"n": 0})
        with store_of(w, w.token()) as store:
            store.create("new", {"n": 0})
            store.update("new", INC["_data"], "operators", apply=True)
        w.update(old, INC)
        for _ in range(3):
            w.process(old)
            assert w.data(old) == {"n": 1}
        with store_of(w, w.token()) as store:
            assert store.get("new").data == {"n": 1}


@pytest.mark.parametrize("delay", [1, 2, 4, 50])
def test_an_author_who_may_not_write__and_an_event_that_is_late__wait_or_fail_and_double_nothing(delay: int) -> None:
    """Dave saves the stranger's body, so it is an object; the store's title has no visible setter for a while."""
    with world() as w:
        w.repo.grant("dave", "write")
        number = by_hand(w, "mallory")
        w.repo.edit_issue(number, "dave", body='{"n": 0}\n')
        w.update(number, INC, by="dave")
        w.hub.delays.events = delay
        failed: list[str] = []
        for _ in range(3):
            try:
                w.process(number)
            except GitHubError as error:
                failed.append(str(error))
        assert bool(failed) is (delay == 50)
        assert all("GitHub does not show yet who set the title" in each for each in failed)
        assert all("its updates stay pending" in each for each in failed)
        for _ in range(delay):
            w.hub.delays.events = 0
            w.session().ensure()
        w.process(number)
        assert w.data(number) == {"n": 1}


@pytest.mark.parametrize("receipts", [True, False])
@pytest.mark.parametrize("events", [True, False])
def test_a_renumbered_log__nothing_is_pending(receipts: bool, events: bool) -> None:
    with world() as w:
        number = by_hand(w, "octo")
        for _ in range(3):
            w.update(number, INC)
        w.process(number)
        w.repo.renumber_comments(number, receipts=receipts, events=events)
        for _ in range(2):
            w.process(number)
            assert w.data(number) == {"n": 3}
        w.update(number, INC)
        w.process(number)
        assert w.data(number) == {"n": 4}


def edited(w: World, updates: list[int]) -> None:
    w.repo.edit_comment(updates[0], "alice", json.dumps({**INC, "_data": {"$inc": {"n": 5}}}))


def talk_deleted(w: World, updates: list[int]) -> None:
    w.repo.delete_comment(next(c.id for c in w.repo.issue(1).comments if c.author == "mallory"), "bob")


def update_deleted(w: World, updates: list[int]) -> None:
    w.repo.delete_comment(updates[0], "alice")


@pytest.mark.parametrize("change", [edited, talk_deleted, update_deleted])
@pytest.mark.parametrize("author", [BOT, "octo"])
def test_a_log_that_was_changed_and_renumbered__nothing_is_folded_again(
    change: Callable[[World, list[int]], None], author: str
) -> None:
    with world() as w:
        number = w.object("m", {"n": 0}) if author == BOT else by_hand(w, author)
        updates = [w.update(number, INC) for _ in range(3)]
        w.repo.comment(number, "mallory", "hello")
        w.process(number)
        change(w, updates)
        saved = w.hub.save()
        for receipts, events in [(True, False), (False, True), (False, False)]:
            w.hub.restore(saved)
            w.repo.renumber_comments(number, receipts=receipts, events=events)
            if receipts or change is not update_deleted:  # else nothing tells how many of them were there
                w.update(number, INC)
                w.process(number)
                assert w.data(number) == {"n": 4}
            else:
                w.process(number)
                assert w.data(number) == {"n": 3}
                w.update(number, INC)
                w.process(number)
            assert (w.data(number), w.process(number).changed) == ({"n": 4}, False)


@pytest.mark.parametrize("typed", ["words", "Stored Object: m [r5 c99999999999 n9 0badc0de]"])
@pytest.mark.parametrize("author", [BOT, "alice"])
def test_an_issue_copied_without_its_events__keeps_its_marker_when_somebody_types_a_title(
    typed: str, author: str
) -> None:
    """The title that a copy was opened with is its author's."""
    with world() as w:
        number = w.object("m", {"n": 0}) if author == BOT else by_hand(w, author)
        w.update(number, INC)
        w.process(number)
        w.repo.renumber_comments(number, events=False)
        w.repo.edit_issue(number, "bob", title=typed)
        w.update(number, INC)
        w.process(number)
        assert w.data(number) == {"n": 2}
        assert objects.read_title(w.repo.issue(number).title)[0] == "m"


@pytest.mark.parametrize("receipts", [True, False])
def test_an_issue_copied_without_its_events__is_signed_by_the_next_run_before_its_author_leaves(receipts: bool) -> None:
    with world() as w:
        number = by_hand(w, "alice")
        w.process(number)
        w.repo.renumber_comments(number, receipts=receipts, events=False)
        w.process(number)
        assert w.process(number).changed is False
        w.repo.grant("alice", "read")
        w.repo.edit_issue(number, "bob", body="oops")
        w.process(number)
        assert w.data(number) == {"n": 0}


@pytest.mark.parametrize("author", [BOT, "alice"])
@pytest.mark.parametrize("copied", [True, False])
def test_a_state_from_a_persons_run__still_counts_after_they_leave(copied: bool, author: str) -> None:
    """A hand edit of the body is only in the checkpoint of their run, which a broken body needs."""
    with world() as w:
        number = w.object("m", {"n": 0}) if author == BOT else by_hand(w, author)
        w.process(number)
        person = "bob" if author == BOT else author
        w.repo.grant("dave", "write")
        w.repo.edit_issue(number, "dave", body='{"n": 0, "by hand": 1}')
        w.process(number, w.hub.token(person))
        if copied:
            w.repo.renumber_comments(number, receipts=False, events=False)
        w.process(number)
        w.update(number, INC)
        w.process(number)
        w.repo.grant(person, "read")
        w.repo.edit_issue(number, "dave", body="oops {")
        w.process(number)
        assert w.data(number) == {"n": 1, "by hand": 1}
        w.process(number)
        assert w.process(number).changed is False


def test_a_state_from_a_persons_run__still_counts_after_many_title_changes(w: World) -> None:
    """Of an issue's titles the first and the newest are read."""
    number = w.object("m", {"n": 0})
    for _ in range(25):
        w.update(number, INC)
        w.process(number)
    w.repo.edit_issue(number, "bob", body='{"n": 25, "by hand": 1}')
    w.process(number, w.hub.token("alice"))
    for _ in range(25):
        w.update(number, INC)
        w.process(number)
    w.repo.edit_issue(number, "bob", body="oops {")
    w.process(number)
    assert w.data(number) == {"n": 50, "by hand": 1}
    assert w.process(number).changed is False


@pytest.mark.parametrize("author", [BOT, "alice"])
def test_a_state_from_a_persons_run__counts_before_a_processor_signs_it(w: World, author: str) -> None:
    """Somebody types the title of that run until its own event is not among those that are read."""
    number = w.object("m", {"n": 0}) if author == BOT else by_hand(w, author)
    for _ in range(6):
        w.update(number, INC)
        w.process(number)
    w.repo.edit_issue(number, "bob", body='{"n": 6, "by hand": 1}')
    w.process(number, w.hub.token("alice"))
    title = w.repo.issue(number).title
    for _ in range(12):
        for typed in ("words", title):
            w.repo.edit_issue(number, "bob", title=typed)
    w.repo.edit_issue(number, "bob", body="oops {")
    w.process(number)
    assert w.data(number) == {"n": 6, "by hand": 1}
    w.update(number, INC)
    w.process(number)
    assert w.data(number) == {"n": 7, "by hand": 1}
    assert w.process(number).changed is False


def test_a_refusal_reported_by_the_authors_own_run__is_not_reported_again_after_they_leave(w: World) -> None:
    number = by_hand(w, "alice")
    w.process(number)
    w.update(number, {"_data": {"n": 1}, "_meta": {"if_digest": "00000000"}})
    w.process(number, w.hub.token("alice"))
    w.process(number)
    w.repo.grant("alice", "read")
    w.update(number, INC, by="bob")
    w.process(number)
    told = [comment for comment in w.repo.issue(number).comments if comment.body.startswith("<!-- gh-store refused")]
    assert [comment.author for comment in told] == ["alice"]


# -- people who leave


@pytest.mark.parametrize("how", ["loses the role", "deletes the account"])
def test_an_object_of_somebody_who_leaves__stays_for_every_reader_and_keeps_its_id(how: str) -> None:
    with world() as w:
        w.repo.grant("carol", "write")
        with store_of(w, w.hub.token("carol")) as store:
            store.create("m", {"n": 0})
        number = w.repo.issues()[0].number
        w.process(number)  # the store signs it
        if how == "loses the role":
            w.repo.grant("carol", "read")
        else:
            w.hub.delete_user("carol")
        with store_of(w, w.token()) as store:
            assert store.get("m").data == {"n": 0}
            assert [found.meta.object_id for found in store.list_all()] == ["m"]
            with pytest.raises(ObjectExists):
                store.create("m", {"n": 9})
            store.update("m", INC["_data"], "operators", apply=True)
            assert store.get("m").data == {"n": 1}
            assert store.verify() == ()
        assert w.sweep() == []


def test_an_object_that_nobody_has_accepted__readers_say_so() -> None:
    with world() as w:
        by_hand(w, "mallory")
        with store_of(w, w.token()) as store:
            with pytest.raises(ObjectNotFound, match="opened by mallory, who may not write here"):
                store.get("m")
            assert list(store.list_all()) == []
            made = store.create("m", {"n": 5})
            assert store.get("m").data == {"n": 5}
            assert made.meta.issue_number == 2


def test_an_object_whose_author_github_does_not_tell_about__is_not_accepted_yet() -> None:
    with world() as w:
        w.repo.grant("zoe", "write")
        by_hand(w, "zoe", {"n": 3})
        w.hub.faults.status(403, message="Not accessible", match=lambda r: "/collaborators/zoe" in r.path, times=None)
        with store_of(w, w.token()) as store:
            with pytest.raises(ObjectNotFound, match="not accepted yet: GitHub did not say whether its author zoe may"):
                store.get("m")
            assert list(store.list_all()) == []
            w.hub.faults.clear()
            assert store.get("m").data == {"n": 3}


def test_a_private_member__has_an_object_at_once() -> None:
    with world() as w:
        w.repo.grant("zoe", "write")
        by_hand(w, "zoe", {"n": 3})
        with store_of(w, w.token()) as store:
            assert store.get("m").data == {"n": 3}
            assert [found.data for found in store.list_all()] == [{"n": 3}]


def test_a_former_writer_who_edits_the_body__hands_out_nothing() -> None:
    with world() as w:
        w.repo.grant("carol", "write")
        number = by_hand(w, "carol", {"n": 1})
        w.process(number)
        w.process(number)
        w.repo.grant("carol", "read")
        w.repo.edit_issue(number, "carol", body='{"n": 666}')
        with store_of(w, w.token()) as store:
            with pytest.raises(BrokenObject, match="edited by carol, and that edit is not accepted"):
                store.get("m")
            assert list(store.list_all()) == []
        w.process(number)
        with store_of(w, w.token()) as store:
            assert store.get("m").data == {"n": 1}


def test_a_former_writer_who_sets_the_title__changes_nothing() -> None:
    with world() as w:
        w.repo.grant("carol", "write")
        number = by_hand(w, "carol", {"n": 1})
        w.process(number)
        w.update(number, INC)
        w.process(number)
        w.repo.grant("carol", "read")
        moved = objects.moving_title(w.repo.issue(number).title, 7)
        for title in (
            "mine",
            "Stored Object: m [r9 c0 n0 00000000]",
            "Stored Object: other",
            moved,
            objects.moved_title(moved),
        ):
            w.repo.edit_issue(number, "carol", title=title)
            with store_of(w, w.token()) as store:
                assert store.get("m").data == {"n": 2}
            w.process(number)
            assert w.data(number) == {"n": 2}
            assert objects.read_title(w.repo.issue(number).title)[0] == "m"


def test_two_people_with_tokens_of_their_own__see_one_store() -> None:
    with world() as w:
        for person in ("carol", "dave"):
            w.repo.grant(person, "write")
        with store_of(w, w.hub.token("carol")) as store:
            store.create("m", {"n": 0})
        for person in ("dave", "carol", "octo", "dave"):
            with store_of(w, w.hub.token(person)) as store:
                store.update("m", INC["_data"], "operators", apply=True)
            seen = []
            for reader in ("carol", "dave", "octo", ""):
                with store_of(w, w.hub.token(reader) if reader else w.token()) as store:
                    found = store.get("m")
                    seen.append((found.data, found.meta.version, found.meta.pending))
                    assert [point["metadata"]["verdict"] for point in store.get_object_history("m")][1:] == [
                        "applied"
                    ] * (found.meta.version - 1)
            assert len({str(each) for each in seen}) == 1, seen
        assert w.data(1) == {"n": 4}
        assert objects.read_title(w.repo.issue(1).title)[1].revision == 5  # type: ignore[union-attr]
        checkpoints = [c for c in w.repo.issue(1).comments if '"initial_state"' in c.body]
        assert len(checkpoints) == 1


def test_an_accepted_object__keeps_its_id_beside_an_older_issue_that_somebody_labels() -> None:
    with world() as w:
        older = w.repo.open_issue("alice", "an idea", '{"n": 9}')
        with store_of(w, w.token()) as store:
            number = store.create("m", {"n": 1}).meta.issue_number
            w.repo.edit_issue(older, "alice", labels=["stored-object", "UID:m"])
            assert store.get("m").data == {"n": 1}
            assert [found.data for found in store.list_all()] == [{"n": 1}]
            (found,) = store.verify()
            assert (found.kind, found.issue_number) == ("duplicate-id", older)
            assert f"issue #{number} has the same id, and the store has signed that one" in found.message


# -- Apps


def configured(w: World, text: str) -> None:
    w.repo.commit_files({".github/gh-store.yml": text})


@pytest.mark.parametrize("mode", ["create", "update", "delete", "process", "sweep"])
def test_an_apps_token_that_is_no_processor__is_refused_before_it_writes(mode: str) -> None:
    with world() as w:
        number = w.object(data={"n": 0})
        w.update(number, INC)
        token = w.repo.app_token("my-app", issues="write", contents="read")
        before = w.repo.issue(number)
        with store_of(w, token) as store:
            run = {
                "create": lambda: store.create("other", {}),
                "update": lambda: store.update("m", {"a": 1}, apply=True),
                "delete": lambda: store.delete("m"),
                "process": lambda: store.process_updates(number),
                "sweep": lambda: [r.error for r in store.sweep()][0],
            }[mode]
            with pytest.raises(AccessDeniedError, match=r'processors: \["github-actions\[bot\]", "my-app\[bot\]"\]'):
                raise error if isinstance(error := run(), Exception) else AssertionError(error)
            assert store.get("m").data == {"n": 0}
        assert w.repo.issue(number) == before
        assert len(w.repo.issues()) == 1


def test_an_app_among_the_processors__works() -> None:
    with world() as w:
        configured(w, f'store: {{processors: ["{BOT}", "my-app[bot]"]}}')
        token = w.repo.app_token("my-app", issues="write", contents="read")
        with store_of(w, token) as store:
            store.create("m", {"n": 0})
            store.update("m", INC["_data"], "operators", apply=True)
        number = w.repo.issues()[0].number
        w.update(number, INC, by="my-app[bot]")
        assert w.process(number).applied == 1
        with store_of(w, w.token()) as store:
            assert [found.data for found in store.list_all()] == [{"n": 2}]


# -- kills and other runs under a delay


@covering(1, delay=[0, 1, 2, 3, 4, 5, 50], phase=["before", "after"])
def test_killed_at_any_request_under_a_delay__nothing_is_lost_or_doubled(delay: int, phase: str) -> None:
    with world() as w:
        number = by_hand(w, "alice")
        for _ in range(2):
            w.update(number, INC)
        saved = w.hub.save()
        for k in range(1, 6):
            w.hub.restore(saved)
            w.hub.delays.events = delay
            token = w.token()
            w.hub.faults.dead_from(token, k, phase)
            with suppress(StoreError):
                w.process(number, token)
            w.hub.faults.clear()
            w.update(number, INC)
            assert [result.error for result in w.sweep() if result.error] == []
            w.process(number)
            assert w.data(number) == {"n": 3}, k
            assert w.repo.issue(number).state == "closed"


@pytest.mark.parametrize("delay", [1, 3, 50])
def test_two_runs_in_any_order_under_a_delay__nothing_is_lost_or_doubled(delay: int) -> None:
    with world() as w:
        number = by_hand(w, "alice")
        w.update(number, INC)
        one, other = w.token(), w.hub.token("alice")
        saved = w.hub.save()
        for schedule in Orders(QUICK, seed=delay):
            w.hub.restore(saved)
            w.hub.delays.events = delay
            clients = {token: lambda token=token: w.process(number, token) for token in (one, other)}
            schedule.run(w.hub, clients)  # type: ignore[arg-type]
            w.process(number)
            assert w.data(number) == {"n": 1}, schedule.order


@pytest.mark.parametrize("delay", [0, 1, 5, 50])
def test_a_refusal_by_another_token_under_a_delay__is_said_once_and_stays(delay: int) -> None:
    """GitHub shows Dave's title and his reply, and not yet that the title is his."""
    with world() as w:
        w.repo.grant("dave", "write")
        number = w.object(data={"n": 0})
        w.process(number)
        w.update(number, {"_data": {"n": 9}, "_meta": {"if_revision": 7}})
        w.repo.comment(number, "mallory", "<!-- gh-store refused 1 --> look at me")
        w.hub.delays.events = delay
        for token in (w.hub.token("dave"), w.token(), w.token()):
            w.process(number, token)
        comments = w.repo.issue(number).comments
        refused = [c for c in comments if c.author != "mallory" and c.body.startswith("<!-- gh-store refused ")]
        assert len(refused) == 1
        assert {content for _, content in comments[1].reactions} == {"-1"}
        assert w.data(number) == {"n": 0}


@pytest.mark.parametrize("delay", [1, 50])
def test_an_adoption_by_another_token_under_a_delay__leaves_what_came_before_it_alone(delay: int) -> None:
    with world() as w:
        w.repo.grant("dave", "write")
        number = by_hand(w, BOT)
        w.repo.edit_issue(number, "alice", title="Stored Object: m")
        before = w.repo.comment(number, "alice", '{"n": 1,}')
        w.repo.react(w.update(number, {"n": 1}, by="alice"), BOT, "+1")
        w.hub.delays.events = delay
        for token in (w.hub.token("dave"), w.token(), w.token()):
            w.process(number, token)
        (old,) = [c for c in w.repo.issue(number).comments if c.id == before]
        assert old.reactions == ()
        assert not [c for c in w.repo.issue(number).comments if c.body.startswith("<!--")]


def test_a_title_typed_within_a_second_of_ones_own_run__sets_no_revision_back_or_ahead() -> None:
    """Times have one second, so the edit of the body tells nothing about the title."""
    for revision in (1, 1_000_000):
        with world() as w:
            w.hub.clock.tick = 0
            w.repo.grant("dave", "write")
            number = w.object(data={"n": 0})
            w.process(number)
            w.update(number, INC)
            w.process(number, w.hub.token("dave"))
            title = w.repo.issue(number).title
            w.repo.edit_issue(number, "dave", title=title.replace("[r2 ", f"[r{revision} "))
            w.process(number)
            assert w.data(number) == {"n": 1}
            assert objects.read_title(w.repo.issue(number).title)[1].revision == 2  # type: ignore[union-attr]


@pytest.mark.parametrize("delay", [1, 2, 5])
def test_a_label_index_that_lags__creates_one_object(delay: int) -> None:
    with world() as w:
        w.hub.delays.labels = w.hub.delays.lists = delay
        with store_of(w, w.token()) as store:
            store.create("m", {"n": 0})
        with store_of(w, w.token()) as store, suppress(ObjectExists):
            store.create("m", {"n": 0})
        for _ in range(delay):
            w.session().ensure()
        live = [issue for issue in w.repo.issues() if "UID:m" in issue.labels]
        assert len(live) == 1


@pytest.mark.parametrize("delay", [0, 1, 5, 50])
def test_a_typed_title_that_cannot_be__is_no_measure_for_the_one_after_it(delay: int) -> None:
    """Dave types a revision far ahead, edits the body, and runs the store twice with a token of his own."""
    with world() as w:
        w.repo.grant("dave", "write")
        number = w.object(data={"n": 0})
        w.process(number)
        title = w.repo.issue(number).title
        w.repo.edit_issue(number, "dave", title=title.replace("[r1 ", "[r1000001 "))
        w.repo.edit_issue(number, "dave", body='{"n": 0, "by hand": 1}')
        w.update(number, INC)
        w.hub.delays.events = delay
        for _ in range(2):
            w.process(number, w.hub.token("dave"))
        w.process(number)
        assert w.data(number) == {"n": 1, "by hand": 1}
