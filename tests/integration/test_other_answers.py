"""What the store does where a fact of docs/github-facts.md is otherwise: the double gives the other answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from gh_store_action.errors import GitHubError
from tests.integration.test_crash_matrix import mixed_verdicts, of_a_persons_run_with_updates
from tests.support.scene import Scene
from tests.support.snapshots import written
from tests.support.store import Seen, disturbed, undisturbed, world


def test_a_body_that_is_too_large__may_be_refused_aloud() -> None:
    with world() as w:
        number = w.object()
        w.update(number, {"text": "x" * 100})
        w.hub.options.body_limit = 100
        with pytest.raises(GitHubError, match="too long"):
            w.process(number)
        assert w.data(number) == {"count": 0}
        w.hub.options.body_limit = 65_536
        w.sweep()
        assert w.data(number) == {"count": 0, "text": "x" * 100}


def test_a_reaction_that_is_repeated__may_be_two() -> None:
    """Two receipts that say the same are one verdict, wherever the run is killed."""
    with world() as w:
        w.hub.options.reactions_repeat = True
        number = mixed_verdicts(w)

        def run(token: str) -> object:
            return w.process(number, token)

        def once(seen: object) -> object:
            assert isinstance(seen, Seen)
            return seen.body, seen.revision, seen.refused, [set(found) for found in seen.receipts]

        wanted = once(undisturbed(w, number, run, w.sweep))
        found = [(k, phase, once(seen)) for k, phase, seen in disturbed(w, number, run, w.sweep)]
        assert [one for one in found if one[2] != wanted] == []


@pytest.mark.parametrize("exclusive", [False, True])
def test_since__may_leave_its_own_second_out(scene: Scene, tmp_path: Path, folder: Path, exclusive: bool) -> None:
    """All in one second: the last change before a snapshot, and one behind it."""
    scene.github.options.since_is_exclusive = exclusive
    number = scene.make("a", {"n": 1})
    scene.github.clock.tick = 0
    assert scene.run("update-snapshot", workspace=folder, commit=False).exit_code == 0
    for value in (2, 3):
        scene.post(number, f'{{"n": {value}}}')
        assert scene.run("process", issue_number=number).exit_code == 0
        run = scene.run("update-snapshot", workspace=folder, commit=False)
        assert (run.exit_code, run.outputs["changed"]) == (0, "true")
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    assert scene.run("snapshot", workspace=fresh, commit=False).exit_code == 0
    assert written(folder, "json") == written(fresh, "json")


def test_a_title_set_to_what_it_is__may_leave_an_event() -> None:
    with world() as w:
        number = of_a_persons_run_with_updates(w)
        wanted = undisturbed(w, number, lambda token: w.process(number, token), w.sweep)
        w.hub.options.renamed_to_the_same = True
        w.process(number)
        w.sweep()
        assert w.seen(number) == wanted
        assert w.process(number).changed is False


def test_edits_that_github_does_not_list__are_not_told_and_nothing_else_changes() -> None:
    with world() as w:
        w.hub.options.edits_are_listed = False
        number = w.object()
        w.update(number, {"a": 1})
        w.before_the_write(lambda: w.repo.edit_issue(number, "bob", body='{"by": "hand"}'))
        assert w.process(number).notes == ()
        assert w.data(number) == {"count": 0, "a": 1}


@pytest.mark.parametrize("status", [403, 404, 422])
def test_a_blob_that_github_does_not_hand_out__ends_in_one_line(scene: Scene, folder: Path, status: int) -> None:
    scene.make("a", {"n": 1})
    assert scene.run("snapshot", workspace=folder, commit_via="api").exit_code == 0
    scene.make("b", {"n": 1})
    (folder / "data" / "store-snapshot.json").unlink()
    scene.github.faults.status(status, match=lambda request: "/git/blobs/" in request.path, times=None)

    run = scene.run("update-snapshot", workspace=folder, commit_via="api")

    assert (run.exit_code, "GitHub refused a request" in run.error) == (1, True)
