"""Snapshot, commit and `changed` follow revisions alone: what people do beside them is no news."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.covering import covering
from tests.support.scene import LABEL, OWNER, STRANGER, WRITER, Run, Scene
from tests.support.snapshots import SNAPSHOT, written

pytestmark = pytest.mark.slow

FORMATS = ("json", "jsonl", "directory")


def talk(scene: Scene, number: int) -> None:
    scene.post(number, "Nice numbers.")


def a_strangers_thumb(scene: Scene, number: int) -> None:
    scene.post(number, "+1", by=STRANGER)


def a_strangers_update(scene: Scene, number: int) -> None:
    scene.post(number, '{"count": 666}', by=STRANGER)


def refused_updates(scene: Scene, number: int) -> None:
    scene.post(number, '{"_data": {"count": 9}, "_meta": {"if_revision": 99}}')
    scene.post(number, '{"count": 1,}')


def an_unrelated_label(scene: Scene, number: int) -> None:
    scene.repository.edit_issue(number, OWNER, labels=[LABEL, "UID:metrics", "good first issue"])


def a_reaction(scene: Scene, number: int) -> None:
    scene.repository.react(scene.issue(number).comments[0].id, STRANGER, "heart")


def opened_again(scene: Scene, number: int) -> None:
    scene.repository.edit_issue(number, OWNER, state="open")


def a_title_by_hand(scene: Scene, number: int) -> None:
    scene.repository.edit_issue(number, WRITER, title="What a fine object")


def white_space(scene: Scene, number: int) -> None:
    scene.repository.edit_issue(number, WRITER, body=scene.issue(number).body + "\n\n")


QUIET = (
    *(talk, a_strangers_thumb, a_strangers_update, refused_updates, an_unrelated_label, a_reaction, opened_again),
    *(a_title_by_hand, white_space),
)


@covering(1, act=QUIET, format_=FORMATS)
def test_act__that_makes_no_revision_makes_no_change_and_no_commit(
    scene: Scene, tmp_path: Path, act: Callable[[Scene, int], None], format_: str
) -> None:
    number, checkout = store(scene, format_)
    before, head = written(checkout, format_), scene.repository.head()
    scene.github.clock.advance(3_600)
    act(scene, number)
    assert sweep(scene).outputs["changed"] == "false"
    scene.github.clock.advance(3_600)
    for mode in ("update-snapshot", "snapshot"):
        run = scene.run(mode, workspace=checkout, format=format_)
        assert (run.exit_code, run.outputs["changed"], run.outputs["commit-sha"]) == (0, "false", ""), run.log
    assert (written(checkout, format_), scene.repository.head()) == (before, head)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    scene.run("snapshot", workspace=fresh, commit=False, format=format_)
    assert written(fresh, format_) == before


def test_updated_at__is_when_the_object_was_revised_last_for_every_reader(scene: Scene, folder: Path) -> None:
    number = scene.make("metrics", {"count": 1})
    for update in ('{"count": 2}', '{"count": 2}'):  # the second one makes a revision and leaves the body alone
        scene.github.clock.advance(3_600)
        scene.post(number, update)
        assert sweep(scene).outputs["changed"] == "true"
        revised = scene.issue(number).updated_at
        for act in QUIET:
            scene.github.clock.advance(3_600)
            act(scene, number)
            sweep(scene)
        scene.run("snapshot", workspace=folder, commit=False)
        snapshot = json.loads(written(folder)[SNAPSHOT])
        assert snapshot["objects"]["metrics"]["meta"]["updated_at"] == snapshot["snapshot_time"] == revised
        assert (
            scene.run("get", object_id="metrics", at=revised).outputs["revision"]
            == scene.run("get", object_id="metrics").outputs["revision"]
        )


def test_refusals__however_many_titles_they_write_leave_the_time_alone(scene: Scene, tmp_path: Path) -> None:
    """Twenty changes of the title are read; the body's last edit is the revision's where none of them is."""
    number, checkout = store(scene, "json")
    before = written(checkout)
    for _ in range(22):
        scene.github.clock.advance(60)
        a_strangers_update(scene, number)
        assert sweep(scene).outputs["changed"] == "false"
    assert scene.run("update-snapshot", workspace=checkout).outputs["changed"] == "false"
    assert written(checkout) == before


def test_update_snapshot__finds_a_revision_behind_talk(scene: Scene, folder: Path) -> None:
    """Talk leaves the watermark where it is, and is read again each time; nothing is missed for it."""
    first, second = scene.make("metrics"), scene.make("other")
    scene.run("snapshot", workspace=folder, commit=False)
    for count in range(3):
        scene.github.clock.advance(3_600)
        talk(scene, first)
        run = scene.run("update-snapshot", workspace=folder, commit=False)
        assert (run.operations, run.outputs["changed"]) == (["List"], "false")
        scene.github.clock.advance(3_600)
        scene.post(second, json.dumps({"count": count + 1}))
        sweep(scene)
        run = scene.run("update-snapshot", workspace=folder, commit=False)
        assert (run.operations, run.outputs["changed"]) == (["List"], "true")


def test_process__of_updates_that_are_refused_changes_nothing(scene: Scene) -> None:
    number = scene.make()
    for act in (a_strangers_update, refused_updates):
        act(scene, number)
        run = scene.run("process", issue_number=number)
        assert (run.outputs["changed"], run.outputs["processed"]) == ("false", run.outputs["rejected"])
    scene.post(number, '{"count": 1}')
    a_strangers_update(scene, number)
    assert scene.run("process", issue_number=number, dry_run=True).outputs["changed"] == "true"
    assert scene.run("process", issue_number=number).outputs["changed"] == "true"
    a_strangers_update(scene, number)
    assert scene.run("process", issue_number=number, dry_run=True).outputs["changed"] == "false"


def store(scene: Scene, format_: str) -> tuple[int, Path]:
    """A store with a snapshot that is committed; an object's number, and the checkout."""
    scene.make("other")
    number = scene.make("metrics", {"count": 1})
    scene.github.clock.advance(3_600)
    scene.post(number, '{"count": 2}')
    sweep(scene)
    scene.github.clock.advance(3_600)
    checkout = scene.checkout()
    assert scene.run("snapshot", workspace=checkout, format=format_).outputs["commit-sha"]
    return number, checkout


def sweep(scene: Scene) -> Run:
    run = scene.run("process", issue_number="")
    assert run.exit_code == 0, run.log
    return run
