"""A store whose base label is renamed or deleted: every sweep says so, and what was written by then is told."""

from __future__ import annotations

import json

import pytest

from gh_store_action import GitHubStore, StoreError
from tests.double import Request
from tests.support.scene import Scene
from tests.support.store import World

LABEL = "stored-object"
LOST = f"octo/store has no label '{LABEL}' any more, so no issue counts as an object"


def pending(w: World, many: int) -> list[int]:
    """Objects with an update each."""
    numbers = [w.object(f"o{place}") for place in range(many)]
    for number in numbers:
        w.update(number, {"count": 1})
    return numbers


def lose_at(w: World, place: int) -> None:
    """Somebody deletes the label as the request of that place arrives."""
    seen: list[Request] = []

    def hook(request: Request) -> None:
        seen.append(request)
        if len(seen) == place:
            w.repo.delete_label("octo", LABEL)

    w.hub.before_request.append(hook)


def test_a_label_that_is_gone_before_the_sweep__is_an_error_and_verify_brings_it_back(
    w: World, store: GitHubStore
) -> None:
    numbers = pending(w, 4)
    w.repo.delete_label("octo", LABEL)
    with pytest.raises(StoreError, match=LOST) as caught:
        w.sweep()
    assert "verify" in str(caught.value)
    store.verify(repair=True)
    w.sweep()
    assert [w.data(number) for number in numbers] == [{"count": 1}] * 4


def test_a_label_that_is_gone_before_the_sweep__fails_the_action(scene: Scene) -> None:
    scene.post(scene.make("m", {"count": 0}), '{"count": 1}')
    scene.repository.delete_label("octo", LABEL)
    run = scene.run("process")
    assert run.exit_code == 1 and LOST in run.error and "run `verify` with `repair`" in run.error


def test_a_store_that_never_had_an_object__has_nothing_to_do(scene: Scene) -> None:
    scene.repository.create_label("octo", "bug")
    run = scene.run("process")
    assert run.exit_code == 0
    assert LOST not in run.log and "Nothing to do." in run.log


def test_a_label_that_goes_between_the_list_and_the_read__fails_the_sweep(w: World) -> None:
    pending(w, 4)
    lose_at(w, 2)
    (failed, *others) = w.sweep()
    assert (failed.number, LOST in str(failed.error)) == (0, True)
    assert [bool(one.skipped) for one in others] == [True] * 4


@pytest.mark.parametrize("place", [3, 4])
def test_a_label_that_goes_during_the_write__what_was_written_is_told(w: World, place: int) -> None:
    numbers = pending(w, 3)
    lose_at(w, place)
    (failed, *others) = w.sweep()
    assert LOST in str(failed.error)
    assert [(one.applied, one.changed, len(one.changes), bool(one.error)) for one in others] == [(1, True, 1, True)] * 3
    assert [w.data(number) for number in numbers] == [{"count": 1}] * 3


def test_a_label_that_goes_during_the_write__is_no_reason_to_hide_the_changed_ids(scene: Scene) -> None:
    numbers = [scene.make(name, {"count": 0}) for name in "ab"]
    for number in numbers:
        scene.post(number, '{"count": 1}')
    gone: list[bool] = []

    def hook(request: Request) -> None:
        if request.writes and not gone:
            gone.append(True)
            scene.repository.delete_label("octo", LABEL)

    scene.github.before_request.append(hook)
    run = scene.run("process")
    assert (run.exit_code, run.outputs["changed"], run.outputs["processed"]) == (1, "true", "2")
    assert json.loads(run.outputs["changed-ids"]) == ["a", "b"]


def test_a_label_that_goes_between_two_pages__is_told_beside_what_was_folded(w: World) -> None:
    numbers = [w.settled(f"o{place}", {"count": 0}) for place in range(120)]
    w.hub.clock.advance(60)
    w.update(numbers[0], {"count": 1})
    w.hub.before_request.append(
        lambda r: (
            w.repo.delete_label("octo", LABEL) if r.operation == "Sweep" and r.json["variables"]["after"] else None
        )
    )
    failed, folded = w.sweep()
    assert LOST in str(failed.error)
    assert (folded.number, folded.applied, folded.error) == (numbers[0], 1, None)


def test_an_object_that_somebody_takes_out_of_the_store_during_a_sweep__is_skipped_as_before(w: World) -> None:
    numbers = pending(w, 4)
    seen: list[Request] = []

    def hook(request: Request) -> None:
        seen.append(request)
        if len(seen) == 2:
            w.repo.edit_issue(numbers[0], "octo", labels=["UID:o0"])

    w.hub.before_request.append(hook)
    results = w.sweep()
    assert [(r.number, bool(r.skipped), r.error) for r in results] == [
        (number, number == numbers[0], None) for number in numbers
    ]
