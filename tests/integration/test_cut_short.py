"""A run that an error ends: it shows what it had written by then, for no later run finds out."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from gh_store_action import GitHubStore
from gh_store_action.errors import StoreError
from tests.double import GitHub, Repository, Request
from tests.support.cli import Shell
from tests.support.forms import GUESTBOOK, LABEL, fill_in, rules, set_up
from tests.support.scene import Scene
from tests.support.store import World

pytestmark = pytest.mark.slow

MANY = 60  # updates of one object: its body is saved with the first of several requests


@pytest.fixture
def repository(github: GitHub) -> Repository:
    return github.add_repository("octo/store", files={"README.md": "# A store\n"})


def at_the_write(scene: World | Scene | Shell, place: int, happens: Callable[[], object]) -> None:
    """Something happens as the write of that place arrives."""
    seen: list[Request] = []
    hub = scene.hub if isinstance(scene, World) else scene.github

    def hook(request: Request) -> None:
        seen.extend([request] * request.writes)
        if request.writes and len(seen) == place:
            happens()

    hub.before_request.append(hook)


def with_many_updates(w: World, *names: str) -> list[int]:
    numbers = [w.object(name) for name in names]
    for number in numbers:
        for count in range(MANY):
            w.update(number, {"count": count + 1})
    return numbers


def test_objects_that_wait_for_their_receipts_as_the_run_ends__are_told_beside_the_one_that_ends_it(w: World) -> None:
    numbers = with_many_updates(w, *"abc")
    untouched = [w.object(f"o{place}") for place in range(12)]
    at_the_write(w, 4, w.repo.archive)
    results = w.sweep()
    written = [number for number in numbers if w.data(number) == {"count": MANY}]
    assert len(written) > 1
    assert [(r.number, r.applied, r.changed) for r in results if r.changed] == [(n, MANY, True) for n in written]
    assert not {r.number for r in results} & set(untouched)
    ended = [r for r in results if r.pending]
    assert len(ended) == 1 and "is archived" in str(ended[0].error)
    cut = [str(r.error) for r in results if r.error and not r.pending]
    assert cut and all("The run ended before this object was finished." in words for words in cut)
    w.repo.archive(False)
    w.hub.before_request.clear()
    w.sweep()
    assert [set(map(len, w.seen(number).receipts)) for number in numbers] == [{1}] * 3


@pytest.mark.parametrize("what", ["label", "archive"])
def test_an_error_after_the_write_of_a_single_object__does_not_hide_that_it_changed(scene: Scene, what: str) -> None:
    number = scene.make("m", {"count": 0})
    for count in range(MANY):
        scene.post(number, json.dumps({"count": count + 1}))
    repository = scene.repository
    lose = repository.archive if what == "archive" else lambda: repository.delete_label("octo", "stored-object")
    at_the_write(scene, 2, lose)
    run = scene.run("process", issue_number=number)
    assert json.loads(repository.issue(number).body) == {"count": MANY}
    assert (run.exit_code, run.outputs["changed"], run.outputs["processed"]) == (1, "true", str(MANY))
    assert json.loads(run.outputs["changed-ids"]) == ["m"]
    assert run.error


def test_an_error_before_the_write_of_a_single_object__is_told_alone(scene: Scene) -> None:
    number = scene.make("m", {"count": 0})
    scene.post(number, '{"count": 1}')
    scene.repository.archive()
    run = scene.run("process", issue_number=number)
    assert (run.exit_code, run.outputs.get("changed")) == (1, None)
    assert "is archived" in run.error


def test_a_listing_that_fails_on_its_second_page__does_not_hide_what_was_folded(scene: Scene) -> None:
    numbers = [scene.make(f"o{place}", {"count": 0}) for place in range(104)]
    scene.post(numbers[-1], '{"count": 1}')

    def later_page(request: Request) -> bool:
        return request.operation == "Sweep" and bool(request.json["variables"]["after"])

    scene.github.faults.not_json(status=407, match=later_page, times=None)
    run = scene.run("process")
    assert (run.exit_code, run.outputs["changed"]) == (1, "true")
    assert json.loads(run.outputs["changed-ids"]) == ["o103"]
    assert run.error


def test_a_permission_that_goes_between_two_calls_of_the_library__ends_the_second(w: World, store: GitHubStore) -> None:
    numbers = [w.object(f"o{place}") for place in range(12)]
    w.update(numbers[0], {"count": 1})
    assert [one.error for one in store.sweep()] == [None]
    for number in numbers:
        w.update(number, {"count": 2})
    w.hub.faults.refuse("updateIssue", {"type": "FORBIDDEN", "message": "You may not do that"}, times=None)
    (failed,) = store.sweep()
    assert failed.pending == 12 and "issues: write" in str(failed.error)


def killed_move(w: World, store: GitHubStore) -> int:
    """An object whose roll-over has copied the log; the number of the copy."""
    w.object("m")
    w.hub.faults.dead_from(None, 6, "after")
    with pytest.raises(StoreError):
        store.roll_over("m")
    w.hub.faults.clear()
    return max(issue.number for issue in w.repo.issues())


def test_a_killed_move_that_cannot_be_finished__fails_for_that_object_alone(w: World, store: GitHubStore) -> None:
    other = w.object("other")
    copy = killed_move(w, store)
    w.update(other, {"count": 1})
    w.hub.faults.status(500, match=lambda request: request.path.endswith(f"/issues/{copy}"), times=None)
    first, second = store.sweep()
    assert (first.object_id, first.applied, first.error) == ("other", 1, None)
    assert (second.object_id, second.skipped) == ("m", "")
    assert "500" in str(second.error)
    w.hub.faults.clear()
    assert [one.error for one in store.sweep()] == [None]
    assert store.get("m").meta.issue_number == copy


def test_a_move_that_is_given_up_and_then_cut_short__tells_what_was_written(w: World, store: GitHubStore) -> None:
    copy = killed_move(w, store)
    w.repo.delete_issue(copy, "octo")
    for count in range(MANY):
        w.update(1, {"count": count + 1})
    at_the_write(w, 3, w.repo.archive)
    results = store.sweep()
    assert w.data(1) == {"count": MANY}
    assert [(one.number, one.applied, one.changed, bool(one.error)) for one in results] == [(1, MANY, True, True)]


def test_a_form_whose_object_is_cut_short_in_a_sweep__tells_what_was_written(w: World, store: GitHubStore) -> None:
    """The object has nothing pending as the sweep passes it, and much when the form is taken."""
    number, form = set_up(w), fill_in(w)
    posted: list[int] = []

    def post(request: Request) -> None:
        if not posted and request.operation == "Read" and request.json["variables"].get("number") == form:
            posted.extend(w.repo.comment(number, "alice", json.dumps({f"u{place}": 1})) for place in range(MANY))

    w.hub.before_request.append(post)
    at_the_write(w, 3, w.repo.archive)
    (result,) = store.sweep()
    assert (result.form, result.changed, result.applied) == (form, True, MANY + 1)
    assert "is archived" in str(result.error)


def test_forms_that_github_does_not_list__do_not_hide_what_was_folded(scene: Scene) -> None:
    scene.repository.commit_files({".github/gh-store.yml": rules(), ".github/ISSUE_TEMPLATE/guestbook.yml": GUESTBOOK})
    number = scene.make("m", {"count": 0})
    scene.post(number, '{"count": 1}')
    scene.github.faults.status(500, match=lambda request: LABEL in str(request.json), times=None)
    run = scene.run("process")
    assert (run.exit_code, run.outputs["changed"], run.outputs["processed"]) == (1, "true", "1")
    assert run.error


def test_the_command__shows_what_was_written_before_the_error(shell: Shell, repository: Repository) -> None:
    """As the action does."""
    shell.run("create", "m", "{}")
    for count in range(MANY):
        repository.comment(1, "octo", json.dumps({"count": count}))
    at_the_write(shell, 2, repository.archive)
    done = shell.run("process-updates", "1")
    assert (done.code, done.json["object_id"], done.json["applied"]) == (1, "m", MANY)
    assert "is archived" in done.err
