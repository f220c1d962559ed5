"""A listing shows the newest sixty titles and comments of an issue: what it makes of them is what every read shows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gh_store_action.domain.records import Issue
from gh_store_action.domain.snapshots import snapshot as snapshots
from gh_store_action.errors import ConcurrentUpdateError
from gh_store_action.store.session import Session
from tests.double import BOT, Request
from tests.support.store import World

pytestmark = pytest.mark.slow

LABELS = ["stored-object", "UID:m"]


def talk(w: World, number: int, count: int) -> None:
    for place in range(count):
        w.repo.comment(number, "mallory", f"just talk {place}")


def revised(w: World, count: int, by: str = "") -> int:
    """An object after so many revisions, each by a comment and a title."""
    number = w.object()
    for place in range(count):
        w.update(number, {"count": place + 1})
        w.process(number, by)
    return number


def busy(w: World) -> int:
    return revised(w, 32)


def talked_over(w: World) -> int:
    number = revised(w, 3)
    talk(w, number, 70)
    return number


def unmarked(w: World) -> int:
    number = w.legacy()
    talk(w, number, 70)
    return number


def unmarked_and_short(w: World) -> int:
    number = w.legacy()
    talk(w, number, 7)
    return number


def retitled_by_its_author(w: World) -> int:
    """Signed once, and pushed out of sight by somebody who could always set the title."""
    number = w.repo.open_issue("alice", "Stored Object: m", '{"count": 0}', LABELS)
    w.process(number)
    title = w.repo.issue(number).title
    for place in range(70):
        w.repo.edit_issue(number, "alice", title=f"nice {place}" if place % 2 else title)
    w.repo.grant("alice", "read")
    return number


def named_in_words(w: World) -> int:
    number = busy(w)
    w.repo.edit_issue(number, "bob", title="my nice title")
    return number


def with_two_labels(w: World) -> int:
    number = busy(w)
    w.repo.edit_issue(number, "alice", labels=[*LABELS, "UID:other"])
    return number


CASES: dict[Callable[[World], int], int] = {
    busy: 1,
    talked_over: 2,
    unmarked: 2,
    unmarked_and_short: 1,
    retitled_by_its_author: 2,
    named_in_words: 2,
    with_two_labels: 2,
}


@pytest.mark.parametrize(("made", "requests"), CASES.items(), ids=lambda v: getattr(v, "__name__", ""))
def test_listing__makes_of_a_long_timeline_what_every_read_makes(
    w: World, made: Callable[[World], int], requests: int
) -> None:
    number = made(w)
    w.object("beside")
    before, session = w.requests(), w.session()
    listed = session.listed(None).issues
    assert w.requests() - before == requests

    def read(issue: Issue) -> object:
        return snapshots.stored_object(issue, session.rules, session.may_write)

    whole = session.github.now(number)
    assert [read(issue) for issue in listed if issue.number == number] == [read(whole)]


def meanwhile(w: World, act: Callable[[int], None]) -> Callable[[], int]:
    """Does that between a page and the second look; gives how often."""
    times = [0]

    def between(request: Request) -> None:
        if request.operation == "List":
            times[0] += 1
            act(times[0])

    w.hub.after_request.append(between)
    return lambda: times[0]


def listed(session: Session) -> list[int]:
    return [issue.number for issue in session.listed(None).issues]


def test_listing__of_an_issue_that_changes_before_the_second_look_is_read_again(w: World) -> None:
    number = talked_over(w)

    def act(time: int) -> None:
        if time == 1:
            w.hub.clock.advance(5)
            w.repo.edit_issue(number, BOT, body='{"count": 9}')

    pages = meanwhile(w, act)
    assert (listed(w.session()), pages()) == ([number], 2)


def test_listing__of_an_issue_that_goes_before_the_second_look_is_read_again(w: World) -> None:
    number, other = talked_over(w), w.object("other")
    pages = meanwhile(w, lambda time: w.repo.delete_issue(number, "octo") if time == 1 else None)
    assert (listed(w.session()), pages()) == ([other], 2)


def test_listing__of_an_issue_that_never_holds_still_gives_up(w: World) -> None:
    number = talked_over(w)

    def act(time: int) -> None:
        w.hub.clock.advance(5)
        talk(w, number, 1)

    meanwhile(w, act)
    with pytest.raises(ConcurrentUpdateError, match="Issues of octo/store changed during each of 10 attempts to list"):
        w.session().listed(None)
