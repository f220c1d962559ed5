"""The mode `update-snapshot`: a snapshot brought up to date."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.scene import OWNER, STRANGER, Run, Scene
from tests.support.snapshots import SNAPSHOT, stored, written

# Brought up to date


def in_step(scene: Scene, folder: Path, fresh: Path, format_: str = "json", **more: Any) -> Run:
    """Bring the snapshot up to date; a full one, made at the same time elsewhere, has the same bytes."""
    run = scene.run("update-snapshot", workspace=folder, commit=False, format=format_, allow_shrink=True, **more)
    assert run.exit_code == 0, run.log
    fresh.mkdir(exist_ok=True)
    full = scene.run("snapshot", workspace=fresh, commit=False, format=format_, allow_shrink=True, **more)
    assert full.exit_code == 0
    assert written(folder, format_) == written(fresh, format_)
    return run


@pytest.mark.parametrize("format_", ["json", "jsonl", "directory"])
def test_update_snapshot__after_any_change_has_the_bytes_of_a_full_one(
    scene: Scene, tmp_path: Path, folder: Path, format_: str
) -> None:
    fresh = tmp_path / "fresh"
    first, second = scene.make("a", {"n": 1, "text": "é — 💾 @you #1"}), scene.make("b/c", [1, 2, 3])
    run = in_step(scene, folder, fresh, format_)
    assert run.result.notices == ["A full snapshot was made: there was none."]

    def changes() -> None:  # what each step changes, between two snapshots
        scene.github.clock.advance(600)

    changes()
    scene.post(first, '{"n": 2}')
    assert scene.run("process", issue_number=first).exit_code == 0
    run = in_step(scene, folder, fresh, format_)
    assert (run.operations, run.outputs["changed"]) == (["List"], "true")

    changes()
    scene.make("new", {"n": 3})
    assert in_step(scene, folder, fresh, format_).outputs["object-count"] == "3"

    changes()
    scene.repository.edit_issue(second, OWNER, labels=["UID:b/c", "archived"])
    run = in_step(scene, folder, fresh, format_)
    assert (run.outputs["object-count"], run.outputs["changed"]) == ("2", "true")

    changes()
    scene.repository.edit_issue(second, OWNER, labels=["UID:b/c", "stored-object"])
    assert in_step(scene, folder, fresh, format_).outputs["object-count"] == "3"

    changes()
    scene.repository.edit_issue(first, OWNER, labels=["UID:renamed", "stored-object"])
    in_step(scene, folder, fresh, format_)

    changes()
    scene.repository.delete_issue(first, OWNER)
    assert in_step(scene, folder, fresh, format_).outputs["object-count"] == "2"

    changes()
    run = in_step(scene, folder, fresh, format_)
    assert (run.operations, run.outputs["changed"]) == (["List"], "false")


@pytest.mark.parametrize(("changed", "requests"), [(1, 1), (95, 1), (150, 2)])
def test_requests__incremental_is_one_for_up_to_a_hundred_changed(
    scene: Scene, folder: Path, changed: int, requests: int
) -> None:
    numbers = [scene.open(f"object-{number}", {"n": 0}) for number in range(160)]
    scene.github.clock.advance(60)
    scene.run("snapshot", workspace=folder, commit=False)
    scene.github.clock.advance(60)
    for number in numbers[:changed]:
        scene.repository.edit_issue(number, OWNER, body='{"n": 1}')
    run = scene.run("update-snapshot", workspace=folder, commit=False)
    assert (run.exit_code, len(run.requests), run.outputs["changed"]) == (0, requests, "true")
    assert sum(data["n"] for data in stored(folder).values()) == changed


@pytest.mark.parametrize("format_", ["json", "jsonl", "directory"])
def test_update_snapshot__an_issue_deleted_for_good_is_missed_though_another_is_left_out(
    scene: Scene, tmp_path: Path, folder: Path, format_: str
) -> None:
    scene.open("broken", body="no JSON")
    number, _ = scene.make("gone"), scene.make("stays")
    scene.github.clock.advance(60)
    in_step(scene, folder, tmp_path / "fresh", format_)
    scene.repository.delete_issue(number, OWNER)
    in_step(scene, folder, tmp_path / "fresh", format_)


def test_update_snapshot__of_another_bot_is_the_same(scene: Scene, folder: Path) -> None:
    """Whoever reads a store finds the same in it."""
    scene.make("a")
    scene.run("snapshot", workspace=folder, commit=False)
    scene.github.hub.add_account("robot[bot]", "Bot")
    token = scene.github.issue_token(
        "robot[bot]",
        kind="workflow",
        repository=scene.repository.id,
        permissions={"issues": "write", "contents": "write", "metadata": "read"},
    )
    run = scene.run("update-snapshot", workspace=folder, commit=False, token=token)
    assert (run.exit_code, run.outputs["changed"], "full snapshot" in run.summary) == (0, "false", False)


def test_update_snapshot__an_issue_deleted_for_good_is_found_by_the_count(scene: Scene, folder: Path) -> None:
    scene.make("a")
    number = scene.make("b")
    scene.run("snapshot", workspace=folder, commit=False)
    scene.repository.delete_issue(number, OWNER)
    run = scene.run("update-snapshot", workspace=folder, commit=False, allow_shrink=True)
    assert run.result.notices == [
        "A full snapshot was made: the store has 1 issues, and 2 are known.",
        'No longer in the snapshot, 1 object: "b".',
    ]
    assert list(stored(folder)) == ["a"]


def test_update_snapshot__a_busy_repository_is_read_in_full(scene: Scene, folder: Path) -> None:
    scene.make("a")
    scene.run("snapshot", workspace=folder, commit=False)
    for number in range(120):
        scene.repository.open_issue(STRANGER, f"No object {number}")
    scene.make("b")
    run = scene.run("update-snapshot", workspace=folder, commit=False)
    assert run.result.notices[0].startswith("A full snapshot was made")
    assert list(stored(folder)) == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("no JSON", "it cannot be read"),
        ('{"snapshot_time": "2025-01-01T00:00:00Z", "repository": "else/where", "objects": {}}', "do not fit together"),
        ('{"snapshot_time": "1970-01-01T00:00:00Z", "repository": "else/where", "objects": {}}', "it is of the repo"),
        ("\udcff", "codec"),
        ("[]", "an object was expected"),
    ],
    ids=["no-json", "watermark", "repository", "encoding", "array"],
)
def test_update_snapshot__a_file_that_can_not_be_used_is_replaced(
    scene: Scene, folder: Path, text: str, why: str
) -> None:
    scene.make("a")
    file = folder / SNAPSHOT
    file.parent.mkdir()
    file.write_bytes(text.encode(errors="surrogateescape"))
    run = scene.run("update-snapshot", workspace=folder, commit=False)
    assert run.exit_code == 0
    assert run.result.notices[0].startswith("A full snapshot was made: the existing one cannot be used: ")
    assert why in run.result.notices[0]
    assert list(stored(folder)) == ["a"]


def test_update_snapshot__where_a_duplicate_may_have_to_come_in_reads_in_full(scene: Scene, folder: Path) -> None:
    first, _ = scene.open("same", {"n": 1}), scene.open("same", {"n": 2})
    scene.run("snapshot", workspace=folder, commit=False)
    scene.repository.edit_issue(first, OWNER, labels=[])
    run = scene.run("update-snapshot", workspace=folder, commit=False)
    assert "an object was deleted, and another issue may have its id" in run.result.notices[0]
    assert stored(folder) == {"same": {"n": 2}}


def test_update_snapshot__rules_with_another_label_mean_a_full_one(scene: Scene, folder: Path) -> None:
    scene.make("a")
    scene.run("snapshot", workspace=folder, commit=False)
    scene.configure("store: {base_label: thing}")
    scene.repository.open_issue(OWNER, "Stored Object: b", "{}", ["thing", "UID:b"])
    run = scene.run("update-snapshot", workspace=folder, commit=False, allow_shrink=True)
    assert "the configuration's label, prefix or processors have changed" in run.result.notices[0]
    assert list(stored(folder)) == ["b"]


def test_update_snapshot__commits_too(scene: Scene) -> None:
    number = scene.make()
    checkout = scene.checkout()
    scene.run("snapshot", workspace=checkout)
    scene.github.clock.advance(60)
    scene.post(number, '{"count": 7}')
    scene.run("process", issue_number=number)
    run = scene.run("update-snapshot", workspace=scene.checkout("later"))
    assert (run.exit_code, run.outputs["commit-sha"]) == (0, scene.repository.head())
    assert len(scene.repository.git("log", "--format=%h", "main").split()) == 3


def test_snapshot_as_a_process__works_from_the_runners_environment_alone(scene: Scene) -> None:
    scene.make()
    checkout = scene.checkout()
    run = scene.run("snapshot", process=True, workspace=checkout)
    assert (run.exit_code, run.outputs["commit-sha"]) == (0, scene.repository.head())


@pytest.mark.parametrize("format_", ["json", "jsonl", "directory"])
def test_changed_ids__are_those_of_the_objects_that_came_went_or_changed(
    scene: Scene, folder: Path, format_: str
) -> None:
    def ids(mode: str) -> list[str]:
        run = scene.run(mode, workspace=folder, commit=False, format=format_, allow_shrink=True)
        return list(json.loads(run.outputs["changed-ids"]))

    numbers = {name: scene.make(name) for name in ("a", "b", "c")}
    assert ids("update-snapshot") == ["a", "b", "c"]
    for mode in ("update-snapshot", "snapshot"):
        assert ids(mode) == []
        scene.post(numbers["b"], json.dumps({"by": mode}))
        scene.run("process", issue_number=numbers["b"])
        scene.make(f"d-{mode}")
        scene.github.clock.advance(600)
        assert ids(mode) == ["b", f"d-{mode}"]
    scene.repository.delete_issue(numbers["a"], OWNER)
    assert ids("snapshot") == ["a"]


def test_changed_ids__of_more_than_a_matrix_may_have_are_cut_with_a_word(scene: Scene, folder: Path) -> None:
    for number in range(260):
        scene.open(f"object-{number:03}", {"n": number}, by="github-actions[bot]")
    run = scene.run("snapshot", workspace=folder, commit=False)
    ids = json.loads(run.outputs["changed-ids"])
    assert (len(ids), ids[0], ids[-1]) == (256, "object-000", "object-255")
    assert "The output `changed-ids` has 256 of 260 ids" in run.log
