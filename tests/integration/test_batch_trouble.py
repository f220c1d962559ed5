"""A batch in which one object has trouble of its own: the others are done, and the report names all of them."""

from __future__ import annotations

import pytest

from tests.double import Request
from tests.support.store import World

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
