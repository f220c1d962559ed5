"""A batch in which one object has trouble of its own: the others are done, and the report names all of them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.double import BOT, Fault, Request
from tests.support.store import World

pytestmark = pytest.mark.slow

TOO_MUCH = {"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits for this query exceeded."}


def pending(w: World, *names: str) -> list[int]:
    """Objects with an update each."""
    numbers = [w.object(name) for name in names]
    for number in numbers:
        w.update(number, {"count": 1})
    return numbers


def ids(request: Request) -> list[str]:
    """The nodes that a request asks for."""
    return (request.json or {}).get("variables", {}).get("ids") or [] if request.graphql else []


def test_an_object_that_github_cannot_read__the_others_are_done(w: World) -> None:
    numbers = pending(w, *"abcd")
    poison = w.repo.issue(numbers[2]).node_id

    def concerns(request: Request) -> bool:
        variables = request.json["variables"]
        return poison in ids(request) or variables.get("number") == numbers[2]

    w.hub.faults.status(502, match=lambda r: r.graphql and concerns(r), times=None)
    found = [(r.number, r.applied, bool(r.error)) for r in w.sweep()]
    assert found == [(number, int(number != numbers[2]), number == numbers[2]) for number in numbers]


@pytest.mark.parametrize("strained", [False, True])
@pytest.mark.parametrize(("many", "place"), [(2, 0), (10, 3), (12, 10)])
def test_an_object_that_github_cannot_write__the_others_are_done(
    w: World, many: int, place: int, strained: bool
) -> None:
    numbers = pending(w, *(f"o{number}" for number in range(many)))
    poison = w.repo.issue(numbers[place]).node_id

    def concerns(request: Request) -> bool:
        return request.writes and poison in request.body

    if strained:
        w.hub.faults.refuse("updateIssue", TOO_MUCH, match=concerns, times=None)
    else:
        w.hub.faults.status(502, match=concerns, times=None)
    found = [(r.number, r.applied, bool(r.error)) for r in w.sweep()]
    assert sorted(found) == [(number, int(number != numbers[place]), number == numbers[place]) for number in numbers]


def test_a_read_that_takes_too_much_of_github__is_asked_in_parts_and_nothing_has_gone(w: World) -> None:
    pending(w, *"abcd")

    def spoilt(answer: dict[str, object]) -> dict[str, object]:
        data = answer["data"]
        assert isinstance(data, dict)
        data["nodes"] = [data["nodes"][0], *[None] * (len(data["nodes"]) - 1)]
        return {**answer, "errors": [{**TOO_MUCH, "path": ["nodes", 1]}]}

    w.hub.faults.alter(spoilt, match=lambda r: len(ids(r)) > 1, times=None)
    assert [(r.applied, r.error) for r in w.sweep()] == [(1, None)] * 4


def test_an_error_that_ends_the_run__what_was_done_beside_it_is_told(w: World) -> None:
    numbers = pending(w, *"abc")
    denied = {"type": "FORBIDDEN", "message": "You may not do that"}
    w.hub.faults.partial({"o1_fold": denied}, match=lambda r: r.writes)
    results = w.sweep()
    assert [(r.number, r.applied, bool(r.error)) for r in results] == [
        (number, int(place != 1), place == 1) for place, number in enumerate(numbers)
    ]


def refuses_to_write(w: World, number: int, error: dict[str, str]) -> None:
    """GitHub refuses to change that issue, by itself and among others."""
    poison = w.repo.issue(number).node_id

    def alias(request: Request) -> str:
        given = request.json["variables"] if request.writes else {}
        name = next((name for name, value in given.items() if value == poison), "")
        return name.removesuffix("issue") + "fold" if name else ""

    for name in ["fold", *(f"o{place}_fold" for place in range(10))]:
        w.hub.faults.partial({name: error}, match=lambda r, name=name: alias(r) == name, times=None)


@pytest.mark.parametrize("place", [0, 11, 24])
@pytest.mark.parametrize(
    "words", ["User is blocked", "ada does not have the correct permissions to execute `UpdateIssue`"]
)
def test_an_object_that_github_alone_forbids_to_write__the_others_are_done(w: World, words: str, place: int) -> None:
    numbers = pending(w, *(f"o{number}" for number in range(25)))
    refuses_to_write(w, numbers[place], {"type": "FORBIDDEN", "message": words})
    results = w.sweep()
    assert [(r.number, r.applied, bool(r.error), r.notes) for r in results] == [
        (number, int(number != numbers[place]), number == numbers[place], ()) for number in numbers
    ]
    (said,) = [str(r.error) for r in results if r.error]
    assert words in said and "issues: write" not in said and "the reason is about this issue" in said


def test_an_object_that_is_forbidden_because_the_repository_is_archived__ends_the_run(w: World) -> None:
    numbers = pending(w, *(f"o{number}" for number in range(25)))
    refuses_to_write(w, numbers[0], {"type": "FORBIDDEN", "message": "Repository was archived so is read-only."})
    (failed,) = [r for r in w.sweep() if r.error]
    assert "is archived" in str(failed.error) and failed.pending == 16


@pytest.mark.parametrize("many", [1, 12])
@pytest.mark.parametrize("patch", [{"count": 1}, "[1,]"])
def test_a_lock_between_the_read_and_the_write__is_opened_and_closed_again(w: World, many: int, patch: object) -> None:
    numbers = pending(w, *(f"o{number}" for number in range(many)))
    w.update(numbers[0], patch, by="bob")
    w.before_the_write(lambda: w.repo.lock(numbers[0], "octo"))
    results = w.sweep()
    assert [(r.processed, r.changed, r.error) for r in results] == [(2, True, None), *[(1, True, None)] * (many - 1)]
    seen = w.seen(numbers[0])
    assert (seen.body, w.repo.issue(numbers[0]).locked) == ({"count": 1}, True)
    assert [len(receipts) for receipts in seen.receipts] == [1, 1]
    assert seen.refused == ((0, 0) if patch == {"count": 1} else (0, 1))


def test_a_lock_that_no_read_shows__fails_its_object_alone(w: World) -> None:
    numbers = pending(w, *"abc")
    words = {"type": "FORBIDDEN", "message": "Unable to create reaction because issue is locked"}
    subject = w.repo.issue(numbers[1]).comments[-1].node_id

    def reacts(request: Request, name: str) -> bool:
        return request.writes and request.json["variables"].get(name) == subject

    for name in ("o1_r0", "r0"):
        w.hub.faults.partial({name: words}, match=lambda r, name=name: reacts(r, name), times=None)
    results = w.sweep()
    assert [bool(r.error) for r in results] == [False, True, False]
    assert "The issue is locked" in str(results[1].error)
    # What was written by then is told.
    assert (results[1].applied, results[1].changed, w.data(numbers[1])) == (1, True, {"count": 1})


def test_a_hot_comment_whose_reactions_cannot_be_read__the_others_are_done(w: World) -> None:
    numbers = pending(w, *"abc")
    hot = w.repo.comment(numbers[1], "mallory", "just talk")
    for place in range(101):
        w.hub.add_user(f"fan{place}")
        w.repo.react(hot, f"fan{place}", "heart")
    w.hub.faults.status(502, match=lambda r: r.operation == "Reactions", times=None)
    assert [(r.number, r.applied, bool(r.error)) for r in w.sweep()] == [
        (number, int(place != 1), place == 1) for place, number in enumerate(numbers)
    ]


def test_a_comment_that_grows_hot_behind_the_read__what_was_written_beside_it_is_told(w: World) -> None:
    numbers = pending(w, *"abc")
    talk = w.repo.comment(numbers[1], "mallory", "just talk")
    for place in range(101):
        w.hub.add_user(f"fan{place}")

    def grow(request: Request) -> None:
        if ids(request) and not w.repo.issue(numbers[1]).comments[-1].reactions:
            for place in range(101):
                w.repo.react(talk, f"fan{place}", "heart")

    w.hub.after_request.append(grow)
    w.hub.faults.status(502, match=lambda r: r.operation == "Reactions", times=None)
    results = w.sweep()
    assert [bool(r.error) for r in results] == [False, True, False]
    assert [w.data(number) for number in numbers] == [{"count": 1}] * 3


def pending_by_many(w: World, many: int) -> list[int]:
    """Objects with an update each, by a person each whose permission has to be asked; and one by the bot."""
    numbers = [w.object(f"o{place}") for place in range(many + 1)]
    for place, number in enumerate(numbers[:-1]):
        w.hub.add_user(f"u{place}")
        w.repo.grant(f"u{place}", "write")
        w.update(number, {"count": 1}, by=f"u{place}")
    w.update(numbers[-1], {"count": 1}, by=BOT)
    return numbers


def spent(w: World) -> None:
    """The budget of REST is used up, and that of GraphQL is not."""
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(w.hub.clock.now) + 3000)}
    said = json.dumps({"message": "API rate limit exceeded for installation ID 1."})
    w.hub.faults.add(Fault("status", status=403, body=said, headers=headers, match=by_rest, times=None))


def slowed(w: World) -> None:
    """A secondary limit that does not end."""
    w.hub.faults.secondary_limit(match=by_rest, times=None)


def behind_a_proxy(w: World) -> None:
    """A proxy that asks for credentials."""
    w.hub.faults.not_json(status=407, match=by_rest, times=None)


def by_rest(request: Request) -> bool:
    return not request.graphql


@pytest.mark.parametrize(("silent", "asked"), [(spent, 1), (slowed, 3), (behind_a_proxy, 1)])
def test_a_question_that_nobody_gets_an_answer_to__is_asked_once_and_what_needs_none_is_done(
    w: World, silent: Callable[[World], None], asked: int
) -> None:
    numbers = pending_by_many(w, 15)
    silent(w)
    before = w.requests()
    processor = w.processor()
    results = processor.sweep()
    assert sum(by_rest(request) for request in list(w.hub.requests)[before:]) == asked
    assert [(r.number, r.applied, r.pending, r.error) for r in results] == [
        (number, int(number == numbers[-1]), int(number != numbers[-1]), None) for number in numbers
    ]
    (line,) = processor.session.silences
    assert "u9 and 5 others stay pending: GitHub did not say whether they may write." in str(line)
    w.hub.faults.clear()
    processor.session.forget_refusals()
    assert sum(r.applied for r in processor.sweep()) == 15


def test_a_question_about_one_person_that_fails__does_not_silence_those_about_others(w: World) -> None:
    numbers = pending_by_many(w, 3)
    w.hub.faults.status(502, match=lambda r: "/u1/permission" in r.path, times=None)
    assert [r.applied for r in w.sweep()] == [int(number != numbers[1]) for number in numbers]
