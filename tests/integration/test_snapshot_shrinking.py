"""A snapshot that would lose more than a tenth of its objects stops and names them; what leaves one is listed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gh_store_action.domain.snapshots import leaving
from tests.support.covering import covering
from tests.support.scene import LABEL, OWNER, Run, Scene
from tests.support.snapshots import PLACES, SNAPSHOT, stored, written

pytestmark = pytest.mark.slow

FORMATS = tuple(PLACES)
MODES = ("snapshot", "update-snapshot")
COUNT = 20
PUBLISHED = ("work tree", "git", "git branch", "api", "api branch", "api without checkout")
SIGNED = "Ours\n\nSigned-off-by: Ada <ada@example.org>"


def label_deleted(scene: Scene, numbers: list[int]) -> None:
    scene.repository.delete_label(OWNER, LABEL)


def labels_taken_off(scene: Scene, numbers: list[int]) -> None:
    for number in numbers[:3]:
        scene.repository.edit_issue(number, OWNER, labels=[])


def marked_archived(scene: Scene, numbers: list[int]) -> None:
    for number in numbers[:3]:
        scene.repository.edit_issue(number, OWNER, labels=[LABEL, f"UID:object-{number}", "archived"])


def ids_taken_off(scene: Scene, numbers: list[int]) -> None:
    for number in numbers[:3]:
        scene.repository.edit_issue(number, OWNER, labels=[LABEL])


def ids_moved(scene: Scene, numbers: list[int]) -> None:
    for number in numbers[:3]:
        scene.repository.edit_issue(number, OWNER, labels=[LABEL, f"UID:other-{number}"])


def deleted_for_good(scene: Scene, numbers: list[int]) -> None:
    for number in numbers[:3]:
        scene.repository.delete_issue(number, OWNER)


def bodies_broken(scene: Scene, numbers: list[int]) -> None:
    for number in numbers[:3]:
        scene.repository.edit_issue(number, OWNER, body="oops")


def other_rules(scene: Scene, numbers: list[int]) -> None:
    scene.configure("store: {base_label: thing}")


LOSSES = (
    *(label_deleted, labels_taken_off, marked_archived, ids_taken_off, ids_moved, deleted_for_good),
    *(bodies_broken, other_rules),
)


def store(scene: Scene, count: int = COUNT) -> list[int]:
    return [scene.open(f"object-{place}", {"n": place}) for place in range(1, count + 1)]


def small_loss(scene: Scene, numbers: list[int]) -> None:
    """One is deleted through the store, one issue is deleted for good."""
    assert scene.run("delete", object_id=f"object-{numbers[0]}").exit_code == 0
    scene.repository.delete_issue(numbers[1], OWNER)


@pytest.mark.parametrize("mode", MODES)
def test_what_the_store_deletes__is_no_loss(scene: Scene, mode: str) -> None:
    store(scene, 3)
    checkout = scene.checkout("one")
    assert scene.run("snapshot", workspace=checkout).exit_code == 0
    for place in (1, 2):
        assert scene.run("delete", object_id=f"object-{place}").exit_code == 0
    run = scene.run(mode, workspace=checkout)
    assert (run.exit_code, run.outputs["object-count"]) == (0, "1"), run.log
    assert '"object-1"' in run.summary.replace("&quot;", '"')


def on_branch(scene: Scene, branch: str = "main") -> str:
    return scene.repository.git("ls-tree", "-r", branch)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("lose", LOSSES, ids=lambda lose: lose.__name__)
def test_loss__of_more_than_a_tenth_stops_before_anything_is_written(
    scene: Scene, folder: Path, lose: Callable[[Scene, list[int]], None], mode: str
) -> None:
    numbers = store(scene)
    assert scene.run("snapshot", workspace=folder, commit=False).exit_code == 0
    before = written(folder)
    scene.github.clock.advance(600)
    lose(scene, numbers)
    run = scene.run(mode, workspace=folder, commit=False)
    assert (run.exit_code, written(folder)) == (1, before)
    assert f"The snapshot in `{SNAPSHOT}` would lose " in run.error
    assert f" of its {COUNT} objects, more than a tenth: " in run.error
    assert "Nothing was written." in run.error and "use `allow-shrink: true` once." in run.error
    assert '"object-1"' in run.error and '"object-1"' in run.summary.replace("&quot;", '"')
    run = scene.run(mode, workspace=folder, commit=False, allow_shrink=True)
    assert (run.exit_code, run.outputs["changed"]) == (0, "true"), run.log
    assert scene.run(mode, workspace=folder, commit=False).outputs["changed"] == "false"


@covering(2, place=PUBLISHED, mode=MODES, format_=FORMATS)
def test_loss__is_seen_wherever_the_snapshot_is(
    scene: Scene, tmp_path: Path, mode: str, place: str, format_: str
) -> None:
    numbers = store(scene)
    known: dict[str, Any] = {"format": format_, "commit": place != "work tree"}
    if "api" in place:
        known["commit_via"] = "api"
    if "branch" in place:
        known["branch"] = "data"

    def workspace(name: str) -> Path:
        if place == "api without checkout":
            (tmp_path / name).mkdir()
            return tmp_path / name
        return scene.checkout(name if place != "work tree" else "one")

    first = workspace("first")
    assert scene.run("snapshot", workspace=first, **known).exit_code == 0
    labels_taken_off(scene, numbers)
    head, data = scene.repository.head(), scene.repository.head("data")
    again = first if place == "work tree" else workspace("again")
    before = written(again, format_) if (again / PLACES[format_]).exists() else {}
    for dry_run in (True, False):
        run = scene.run(mode, workspace=again, dry_run=dry_run, **known)
        if dry_run and place in ("api", "api without checkout"):
            continue  # a dry run looks at no branch through the API
        assert (run.exit_code, "would lose 3 of its 20 objects" in run.error) == (1, True), run.log
        assert "commit-sha" not in run.outputs
    assert (scene.repository.head(), scene.repository.head("data")) == (head, data)
    assert (written(again, format_) if (again / PLACES[format_]).exists() else {}) == before
    run = scene.run(mode, workspace=again, allow_shrink=True, **known)
    assert (run.exit_code, run.outputs["object-count"], run.outputs["changed"]) == (0, "17", "true"), run.log


@covering(2, mode=MODES, via=["git", "api"], message=["", SIGNED], format_=FORMATS)
def test_left__is_in_the_summary_and_in_the_commit(
    scene: Scene, mode: str, via: str, message: str, format_: str
) -> None:
    numbers = store(scene)
    assert scene.run("snapshot", workspace=scene.checkout(), format=format_).exit_code == 0
    small_loss(scene, numbers)
    checkout = scene.checkout("again")
    run = scene.run(mode, workspace=checkout, format=format_, commit_via=via, commit_message=message)
    assert run.exit_code == 0, run.log
    assert 'No longer in the snapshot, 2 objects: "object-1", "object-2".' in run.result.notices
    assert "object-1" in run.summary and "object-2" in run.summary
    assert trailers(scene)["Store-Left"] == '"object-1", "object-2"'
    assert ("Signed-off-by" in trailers(scene)) is bool(message)
    scene.github.clock.advance(60)
    scene.repository.edit_issue(numbers[3], OWNER, body='{"n": 99}')
    run = scene.run(mode, workspace=scene.checkout("third"), format=format_, commit_via=via)
    assert (run.outputs["changed"], "Store-Left" in trailers(scene)) == ("true", False)
    # Through the API the checkout stays behind, and that is the only notice.
    assert ["The checkout was not moved" in notice for notice in run.result.notices] == [True] * (via == "api")


@pytest.mark.parametrize("branch", ["", "data"])
@pytest.mark.parametrize("via", ["git", "api"])
def test_loss__is_seen_behind_a_step_that_has_written_the_files(scene: Scene, via: str, branch: str) -> None:
    """What a commit replaces counts, though the work tree has the next snapshot already."""
    numbers = store(scene)
    known: dict[str, Any] = {"commit_via": via, "branch": branch}
    assert scene.run("snapshot", workspace=scene.checkout(), **known).exit_code == 0
    head = scene.repository.head(branch or "main")
    labels_taken_off(scene, numbers)
    checkout = scene.checkout("again")
    assert scene.run("snapshot", workspace=checkout, commit=False, allow_shrink=True).exit_code == 0
    for dry_run in (True, False):
        if dry_run and via == "api" and not branch:
            continue  # it looks at no branch
        run = scene.run("snapshot", workspace=checkout, dry_run=dry_run, **known)
        assert (run.exit_code, "would lose 3 of its 20 objects" in run.error) == (1, True), run.log
    assert scene.repository.head(branch or "main") == head
    run = scene.run("snapshot", workspace=checkout, allow_shrink=True, **known)
    assert (run.exit_code, json.loads(run.outputs["changed-ids"])) == (0, ["object-1", "object-2", "object-3"])
    assert trailers(scene, branch or "main")["Store-Left"] == '"object-1", "object-2", "object-3"'


@pytest.mark.parametrize("how", ["removed", "empty", "cut", "removed on the branch"])
def test_loss__of_a_folder_whose_index_is_broken_is_seen_in_its_files(scene: Scene, how: str) -> None:
    numbers = store(scene)
    checkout = scene.checkout()
    branch = "data" if "branch" in how else ""
    assert scene.run("snapshot", workspace=checkout, format="directory", branch=branch).exit_code == 0
    labels_taken_off(scene, numbers)
    index = checkout / PLACES["directory"] / "index.json"
    if branch:
        scene.repository.commit_files({f"{PLACES['directory']}/index.json": None}, branch=branch)
        checkout = scene.checkout("fresh")
    elif how == "removed":
        index.unlink()
    else:
        index.write_text(index.read_text()[:600] if how == "cut" else "")
    run = scene.run("snapshot", workspace=checkout, format="directory", branch=branch, commit=bool(branch))
    assert "would lose 3 of its 20 objects" in run.error


@covering(1, before=["json", "jsonl"], mode=MODES)
def test_loss__is_seen_in_a_file_of_another_format(scene: Scene, folder: Path, before: str, mode: str) -> None:
    numbers = store(scene)
    assert scene.run("snapshot", workspace=folder, commit=False, output="data/x", format=before).exit_code == 0
    labels_taken_off(scene, numbers)
    after = "jsonl" if before == "json" else "json"
    run = scene.run(mode, workspace=folder, commit=False, output="data/x", format=after)
    assert (run.exit_code, "would lose 3 of its 20 objects" in run.error) == (1, True), run.log


@pytest.mark.parametrize("spoiled", ["", "{}\n"])
def test_loss__is_seen_though_a_step_has_spoiled_the_file(scene: Scene, spoiled: str) -> None:
    numbers = store(scene)
    checkout = scene.checkout()
    assert scene.run("snapshot", workspace=checkout).exit_code == 0
    labels_taken_off(scene, numbers)
    (checkout / SNAPSHOT).write_text(spoiled)
    assert "would lose 3 of its 20 objects" in scene.run("snapshot", workspace=checkout).error


def test_loss__through_the_api__is_seen_where_the_checkout_is_behind(scene: Scene) -> None:
    """As where a job waits behind another: what is checked out is the commit of its event."""
    store(scene, 10)
    assert scene.run("snapshot", workspace=scene.checkout()).exit_code == 0
    behind = scene.checkout("behind")
    scene.github.clock.advance(600)
    later = [scene.open(f"later-{place}") for place in range(5)]
    assert scene.run("snapshot", workspace=scene.checkout("another")).exit_code == 0
    for number in later:
        scene.repository.edit_issue(number, OWNER, labels=[])
    run = scene.run("snapshot", workspace=behind, commit_via="api")
    assert "would lose 5 of its 15 objects" in run.error
    run = scene.run("snapshot", workspace=behind, commit_via="api", allow_shrink=True)
    assert (run.exit_code, json.loads(run.outputs["changed-ids"])) == (0, [f"later-{place}" for place in range(5)])


def test_left__many_are_counted(scene: Scene) -> None:
    store(scene, 80)
    checkout = scene.checkout()
    scene.run("snapshot", workspace=checkout)
    label_deleted(scene, [])
    run = scene.run("update-snapshot", workspace=checkout)
    assert run.error.count('"object-') == leaving.NAMED and " and 70 more. Nothing was written." in run.error
    run = scene.run("update-snapshot", workspace=checkout, allow_shrink=True)
    said = trailers(scene)["Store-Left"]
    assert said.count('"object-') == leaving.LISTED and said.endswith(" and 30 more")
    assert run.summary.count("object-") == leaving.NAMED + leaving.LISTED


def test_names__that_somebody_wrote_into_the_file_do_no_harm(scene: Scene, folder: Path) -> None:
    """The ids are those of the file that is there, which anybody with write access may have edited."""
    scene.make("stays")
    scene.run("snapshot", workspace=folder, commit=False)
    file = folder / SNAPSHOT
    bad = ["@octo/all\n::error::hello", "\u202eevil", "fixes GH-1 #2", "\ud800", "x" * 500, "<b>&", "a`|b"]
    lines = "".join(f"    {json.dumps(name)}: {{\n    }},\n" for name in bad)
    file.write_text(file.read_text().replace('  "objects": {\n', '  "objects": {\n' + lines))
    run = scene.run("snapshot", workspace=folder, commit=False)
    assert run.exit_code == 1 and "would lose 7 of its 8 objects" in run.error
    for text in (run.log, run.summary):
        assert not [mark for mark in ("\n::error::hello", "\u202e", "@octo", "#2", "x" * 100) if mark in text]
    assert "<b>" not in run.summary


@pytest.mark.parametrize("text", ["", "no JSON", "{}", '{"objects": [1]}', "[]"])
def test_loss__of_a_file_that_names_no_object_is_none(scene: Scene, folder: Path, text: str) -> None:
    scene.make("a")
    (folder / SNAPSHOT).parent.mkdir()
    (folder / SNAPSHOT).write_text(text)
    assert scene.run("snapshot", workspace=folder, commit=False).exit_code == 0
    assert list(stored(folder)) == ["a"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("spoil", ["cut", "conflict", "one line", "other repository"])
def test_loss__is_seen_in_a_file_that_cannot_be_used(scene: Scene, folder: Path, spoil: str, mode: str) -> None:
    numbers = store(scene)
    scene.run("snapshot", workspace=folder, commit=False)
    file = folder / SNAPSHOT
    text = file.read_text()
    file.write_text(
        {
            "cut": text[: len(text) - 20],
            "conflict": "<<<<<<< HEAD\n" + text,
            "one line": json.dumps(json.loads(text)),
            "other repository": text.replace("octo/store", "octo/elsewhere"),
        }[spoil]
    )
    labels_taken_off(scene, numbers)
    assert "would lose 3 of its 20 objects" in scene.run(mode, workspace=folder, commit=False).error


@pytest.mark.parametrize(("count", "lost", "code"), [(10, 1, 0), (11, 2, 1), (9, 1, 1), (20, 2, 0), (1, 1, 1)])
def test_tenth__is_what_may_go(scene: Scene, folder: Path, count: int, lost: int, code: int) -> None:
    numbers = store(scene, count)
    scene.run("snapshot", workspace=folder, commit=False)
    for number in numbers[:lost]:
        scene.repository.edit_issue(number, OWNER, labels=[])
    assert scene.run("update-snapshot", workspace=folder, commit=False).exit_code == code


def test_objects__that_come_do_not_make_up_for_those_that_go(scene: Scene, folder: Path) -> None:
    numbers = store(scene)
    scene.run("snapshot", workspace=folder, commit=False)
    labels_taken_off(scene, numbers)
    for place in range(10):
        scene.open(f"new-{place}")
    assert scene.run("snapshot", workspace=folder, commit=False).exit_code == 1


def test_id__that_another_issue_has_now_has_not_left(scene: Scene, folder: Path) -> None:
    number = scene.make("metrics", {"n": 1})
    scene.run("snapshot", workspace=folder, commit=False)
    scene.github.clock.advance(60)
    scene.repository.edit_issue(number, OWNER, labels=[])
    scene.open("metrics", {"n": 2})
    run = scene.run("update-snapshot", workspace=folder, commit=False)
    assert (run.exit_code, stored(folder)) == (0, {"metrics": {"n": 2}})


def test_requests__the_look_at_what_is_there_costs_none_where_nothing_changed(scene: Scene, tmp_path: Path) -> None:
    store(scene)
    first, second = tmp_path / "first", tmp_path / "second"
    for place in (first, second):
        place.mkdir()
    assert api(scene, first).operations == ["Tip", "List", "List", "Commit"]
    assert api(scene, second).operations == ["Tip", "List", "List"]


def api(scene: Scene, workspace: Path) -> Run:
    return scene.run("snapshot", workspace=workspace, commit_via="api")


def trailers(scene: Scene, branch: str = "main") -> dict[str, str]:
    text = scene.repository.git("log", "-1", "--format=%(trailers:unfold)", branch)
    return dict(line.split(": ", 1) for line in text.splitlines() if line)
