"""The mode `snapshot`: all objects to files, and the files to a commit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gh_store_action.domain.snapshots import files
from gh_store_action.domain.snapshots import snapshot as snapshots
from tests.double import BOT, GitHub
from tests.support import git
from tests.support.scene import OWNER, STRANGER, WRITER, Scene
from tests.support.snapshots import PLACES, SNAPSHOT, stored, written

# Full


def test_snapshot__is_written_committed_and_pushed_and_the_outputs_say_so(scene: Scene) -> None:
    first, second = scene.make("metrics", {"count": 1}), scene.make("config", ["a", "b"])
    checkout = scene.checkout()
    before = scene.repository.head()
    run = scene.run("snapshot", workspace=checkout)
    assert run.exit_code == 0
    assert run.operations == ["List", "List"]
    head = scene.repository.head()
    assert run.outputs == {
        "changed": "true",
        "changed-ids": '["config","metrics"]',
        "snapshot-path": SNAPSHOT,
        "object-count": "2",
        "commit-sha": head,
        "requests": "2",
        "points": "4",
        "rate-remaining": run.outputs["rate-remaining"],
    }
    assert scene.repository.git("rev-parse", "main^").strip() == before
    assert scene.repository.git("show", "--name-only", "--format=", "main").split() == [SNAPSHOT]
    assert scene.repository.file(SNAPSHOT) == written(checkout)[SNAPSHOT]
    snapshot = json.loads(written(checkout)[SNAPSHOT])
    assert list(snapshot) == ["$schema", "snapshot_time", "repository", "objects"]
    assert list(snapshot["objects"]) == ["config", "metrics"]
    assert snapshot["snapshot_time"] == max(scene.issue(n).updated_at for n in (first, second))
    entry = snapshot["objects"]["metrics"]
    assert entry["data"] == {"count": 1}
    issue = scene.issue(first)
    assert entry["meta"] == {
        "object_id": "metrics",
        "label": "UID:metrics",
        "issue_number": first,
        "created_at": issue.created_at,
        "updated_at": issue.updated_at,
        "version": 1,
        "digest": entry["meta"]["digest"],
        "created_by": OWNER,
        "updated_by": BOT,
        "issue_url": f"{scene.github.url}/octo/store/issues/{first}",
    }
    assert f" {entry['meta']['digest'][:8]}]" in issue.title
    assert git.git(checkout, "status", "--porcelain") == ""


def test_snapshot__the_summary_and_the_commit_read_like_this(scene: Scene) -> None:
    scene.make("metrics", {"count": 1})
    checkout = scene.checkout()
    run = scene.run("snapshot", workspace=checkout)
    time = json.loads(written(checkout)[SNAPSHOT])["snapshot_time"]
    sha = run.outputs["commit-sha"]
    page = f"{scene.github.server_url}/octo/store"
    file, commit = f"{page}/blob/{sha}/data/store-snapshot.json", f"{page}/commit/{sha}"
    assert run.summary == (
        "## gh-store: snapshot\n\n"
        f"**1 object as of {time} in [data/store-snapshot.json]({file}), "
        f"pushed to main as [{sha[:10]}]({commit}).**\n\n"
        "| Requests | GraphQL points | Left of the hourly budget |\n| --: | --: | --: |\n"
        f"| 2 | 4 | {int(run.outputs['rate-remaining']):,} |\n"
    )
    assert scene.repository.git("show", "--no-patch", "--format=%an <%ae>%n%cn%n%B", "main").rstrip() == (
        "github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>\n"
        "github-actions[bot]\n"
        "Update the snapshot of 1 object\n\n"
        f"Store-Objects: 1\nStore-Watermark: {time}\nStore-Repository: octo/store"
    )


def test_snapshot__of_an_empty_store_is_one_too(scene: Scene, folder: Path) -> None:
    run = scene.run("snapshot", workspace=folder, commit=False)
    assert (run.exit_code, run.outputs["object-count"]) == (0, "0")
    assert json.loads(written(folder)[SNAPSHOT]) == {
        "$schema": files.SCHEMA,
        "snapshot_time": snapshots.NO_TIME,
        "repository": "octo/store",
        "objects": {},
    }
    assert scene.run("update-snapshot", workspace=folder, commit=False).outputs["changed"] == "false"


def test_snapshot__nothing_changed_means_no_commit(scene: Scene) -> None:
    scene.make()
    checkout = scene.checkout()
    assert scene.run("snapshot", workspace=checkout).outputs["changed"] == "true"
    head = scene.repository.head()
    run = scene.run("snapshot", workspace=checkout)
    assert (run.outputs["changed"], run.outputs["commit-sha"], scene.repository.head()) == ("false", "", head)
    assert "; nothing changed.**" in run.summary


def test_snapshot__without_commit_touches_no_git(scene: Scene) -> None:
    scene.make()
    checkout = scene.checkout()
    head = scene.repository.head()
    before = len(scene.github.git_requests)
    run = scene.run("snapshot", workspace=checkout, commit=False)
    assert (run.outputs["changed"], run.outputs["commit-sha"], scene.repository.head()) == ("true", "", head)
    assert (checkout / SNAPSHOT).exists()
    assert len(scene.github.git_requests) == before
    assert ", not committed.**" in run.summary


def test_dry_run__says_what_would_be_written_and_writes_nothing(scene: Scene, folder: Path) -> None:
    scene.make()
    run = scene.run("snapshot", workspace=folder, dry_run=True)
    assert run.exit_code == 0
    assert "**Dry run, nothing was written: 1 object as of " in run.summary
    assert (run.outputs["changed"], run.outputs["object-count"], list(folder.iterdir())) == ("true", "1", [])


def test_branch__the_snapshot_goes_to_one_of_its_own_and_the_checkout_stays(scene: Scene) -> None:
    scene.make()
    checkout = scene.checkout()
    head = scene.repository.head()
    run = scene.run("snapshot", workspace=checkout, branch="store-data")
    assert run.exit_code == 0
    assert scene.repository.head() == head
    assert scene.repository.head("store-data") == run.outputs["commit-sha"]
    assert scene.repository.git("ls-tree", "-r", "--name-only", "store-data").split() == [SNAPSHOT]
    again = scene.run("update-snapshot", workspace=scene.checkout("another"), branch="store-data")
    assert (again.operations, again.outputs["changed"], again.outputs["commit-sha"]) == (["List"], "false", "")


def test_commit__message_and_author_are_the_inputs(scene: Scene) -> None:
    scene.make()
    scene.run(
        "snapshot",
        workspace=scene.checkout(),
        commit_message="data: new state",
        commit_author="Ada Lovelace <ada@example.org>",
    )
    told = scene.repository.git("show", "--no-patch", "--format=%an <%ae>%n%s", "main").splitlines()
    assert told == ["Ada Lovelace <ada@example.org>", "data: new state"]


def test_commit__nothing_else_of_the_users_goes_along(scene: Scene) -> None:
    scene.make()
    checkout = scene.checkout()
    git.put(checkout, {"staged.txt": "s", "loose.txt": "l"})
    git.git(checkout, "add", "staged.txt")
    run = scene.run("snapshot", workspace=checkout)
    assert run.exit_code == 0
    assert scene.repository.git("show", "--name-only", "--format=", "main").split() == [SNAPSHOT]
    assert git.git(checkout, "status", "--porcelain").splitlines() == ["A  staged.txt", "?? loose.txt"]


def test_commit__a_push_race_is_won_on_the_newer_commit(scene: Scene) -> None:
    scene.make()
    checkout = scene.checkout()
    scene.repository.commit_files({"other.txt": "theirs"})
    run = scene.run("snapshot", workspace=checkout)
    assert run.exit_code == 0
    names = scene.repository.git("ls-tree", "-r", "--name-only", "main").split()
    assert names == ["README.md", SNAPSHOT, "other.txt"]


@pytest.mark.parametrize("count", [99, 100, 101, 250])
def test_requests__a_full_snapshot_is_one_for_each_hundred_and_one(scene: Scene, folder: Path, count: int) -> None:
    for number in range(count):
        scene.open(f"object-{number}", {"n": number})
    run = scene.run("snapshot", workspace=folder, commit=False)
    pages = -(-count // 100)
    changed = -(-count // 100)  # all of them were made within the last two seconds of the loopback's clock
    assert len(run.requests) <= pages + changed
    scene.github.clock.advance(60)
    run = scene.run("snapshot", workspace=folder, commit=False)
    assert (len(run.requests), run.outputs["object-count"]) == (pages + 1, str(count))
    assert stored(folder) == {f"object-{number}": {"n": number} for number in range(count)}


def test_formats__jsonl_has_an_object_a_line(scene: Scene, folder: Path) -> None:
    scene.make("b", {"n": 2})
    scene.make("a", {"n": 1})
    run = scene.run("snapshot", workspace=folder, commit=False, format="jsonl")
    assert run.outputs["snapshot-path"] == PLACES["jsonl"]
    lines = [json.loads(line) for line in written(folder, "jsonl")[PLACES["jsonl"]].splitlines()]
    assert [(line["object_id"], line["data"], line["meta"]["version"]) for line in lines] == [
        ("a", {"n": 1}, 1),
        ("b", {"n": 2}, 1),
    ]


def test_formats__directory_has_a_file_an_object_and_an_index(scene: Scene, folder: Path) -> None:
    scene.make("a/b", {"n": 1})
    scene.make("con", {"n": 2})
    run = scene.run("snapshot", workspace=folder, commit=False, format="directory")
    assert (run.exit_code, run.outputs["snapshot-path"]) == (0, "data/store")
    files = written(folder, "directory")
    assert list(files) == ["data/store/index.json", "data/store/objects/%63on.json", "data/store/objects/a%2Fb.json"]
    index = json.loads(files["data/store/index.json"])
    assert {name: entry["path"] for name, entry in index["objects"].items()} == {
        "a/b": "objects/a%2Fb.json",
        "con": "objects/%63on.json",
    }
    assert json.loads(files["data/store/objects/a%2Fb.json"])["data"] == {"n": 1}


def test_formats__directory_removes_the_files_of_objects_that_went_and_nothing_of_the_users(scene: Scene) -> None:
    gone, _ = scene.make("gone"), scene.make("stays")
    checkout = scene.checkout()
    git.put(checkout, {"data/store/notes.txt": "mine", "data/store/objects/picture.png": "mine"})
    scene.run("snapshot", workspace=checkout, format="directory")
    scene.repository.edit_issue(gone, OWNER, labels=["UID:gone", "archived"])
    run = scene.run("update-snapshot", workspace=checkout, format="directory", allow_shrink=True)
    assert (run.exit_code, run.outputs["object-count"]) == (0, "1")
    names = scene.repository.git("ls-tree", "-r", "--name-only", "main").split()
    assert names == ["README.md", "data/store/index.json", "data/store/objects/stays.json"]
    assert (checkout / "data/store/notes.txt").read_text() == "mine"
    assert (checkout / "data/store/objects/picture.png").read_text() == "mine"


@pytest.mark.parametrize(
    ("format_", "lines"),
    [
        ("json", ["n", "updated_at", "version", "digest", "snapshot_time"]),
        ("jsonl", ["object_id"]),
        ("directory", ["n", *2 * ("updated_at", "version", "digest"), "snapshot_time"]),
    ],
)
def test_formats__one_changed_field_is_a_small_diff(scene: Scene, format_: str, lines: list[str]) -> None:
    """Only the lines that say something else: the field and what is said about the object."""
    numbers = [scene.make(name, {"n": 1, "text": "é", "list": [1, 2]}) for name in ("a", "b", "c")]
    checkout = scene.checkout()
    assert scene.run("snapshot", workspace=checkout, format=format_).exit_code == 0
    scene.github.clock.advance(60)
    scene.post(numbers[1], json.dumps({"n": 2}))
    scene.run("process", issue_number=numbers[1])
    assert scene.run("update-snapshot", workspace=checkout, format=format_).exit_code == 0
    diff = scene.repository.git("show", "--format=", "--unified=0", "main").splitlines()
    for sign in "+-":
        changed = [line[1:].strip() for line in diff if line.startswith(sign) and not line.startswith(sign * 3)]
        assert sorted(line.lstrip("{").split('"')[1] for line in changed) == sorted(lines)
    files = written(checkout, format_).values()
    assert all(data.endswith(b"\n") and not data.endswith(b"\n\n") and b"\r" not in data for data in files)


def test_output__may_be_any_path_in_the_workspace(scene: Scene) -> None:
    scene.make()
    checkout = scene.checkout()
    run = scene.run("snapshot", workspace=checkout, output="site/public/store.json")
    assert run.outputs["snapshot-path"] == "site/public/store.json"
    assert json.loads(scene.repository.file("site/public/store.json") or b"")["objects"]["metrics"]


# What is in and what is not


def test_snapshot__a_broken_object_is_reported_and_loses_no_other(scene: Scene, folder: Path) -> None:
    scene.make("good")
    broken = scene.open("broken", body="no JSON")
    scalar = scene.open("scalar", body="5")
    labels = scene.repository.open_issue(OWNER, "Which?", "{}", ["stored-object", "UID:x", "UID:y"])
    run = scene.run("snapshot", workspace=folder, commit=False)
    assert (run.exit_code, run.outputs["object-count"]) == (0, "1")
    assert [warning.split(":")[0] for warning in run.result.warnings] == [
        f"Issue #{number} is not in the snapshot" for number in (broken, scalar, labels)
    ]
    assert "Fix it, or remove its labels." in run.result.warnings[0]
    assert json.loads(written(folder)[SNAPSHOT])["left_out"] == [broken, scalar, labels]
    assert scene.run("update-snapshot", workspace=folder, commit=False).outputs["changed"] == "false"


def test_snapshot__strangers_deleted_objects_and_pull_requests_are_not_in_it(scene: Scene, folder: Path) -> None:
    scene.make("good")
    scene.open("theirs", by=STRANGER)
    scene.repository.edit_issue(scene.make("gone"), OWNER, labels=["UID:gone", "archived", "stored-object"])
    scene.repository.open_issue(OWNER, "A change", "{}", ["stored-object", "UID:pull"], pull=True)
    run = scene.run("snapshot", workspace=folder, commit=False)
    assert (run.exit_code, run.result.warnings, list(stored(folder))) == (0, [], ["good"])
    assert "it was opened by eve, who may not write here" in run.log


def test_snapshot__of_two_issues_with_one_id_the_lower_number_is_in(scene: Scene, folder: Path) -> None:
    first, second = scene.open("same", {"n": 1}), scene.open("SAME", {"n": 2})
    run = scene.run("snapshot", workspace=folder, commit=False)
    assert stored(folder) == {"same": {"n": 1}}
    assert f"Issue #{second} is not in the snapshot: issue #{first} has the id" in run.result.warnings[0]


def test_snapshot__an_object_with_something_pending_is_in_as_last_folded(scene: Scene, folder: Path) -> None:
    number = scene.make("metrics", {"count": 1})
    scene.post(number, '{"count": 2}')
    scene.repository.edit_issue(number, WRITER, state="open")
    scene.run("snapshot", workspace=folder, commit=False)
    assert stored(folder) == {"metrics": {"count": 1}}


def test_snapshot__what_changes_while_it_is_read_is_in(scene: Scene, github: GitHub, folder: Path) -> None:
    number = scene.open("metrics", {"count": 1})

    def change(request: object) -> None:
        github.after_request.clear()
        scene.repository.edit_issue(number, OWNER, body='{"count": 2}')
        scene.open("late", {"n": 1})

    github.after_request.append(change)
    run = scene.run("snapshot", workspace=folder, commit=False)
    assert (run.exit_code, stored(folder)) == (0, {"late": {"n": 1}, "metrics": {"count": 2}})


def test_snapshot__the_rules_may_name_another_label(scene: Scene, folder: Path) -> None:
    scene.configure("store: {base_label: thing, uid_prefix: 'id='}")
    scene.repository.open_issue(OWNER, "Stored Object: a", '{"n": 1}', ["thing", "id=a"])
    scene.make("ours")
    run = scene.run("snapshot", workspace=folder, commit=False)
    assert (run.exit_code, stored(folder), len(run.requests)) == (0, {"a": {"n": 1}}, 3)
    assert scene.run("update-snapshot", workspace=folder, commit=False).outputs["changed"] == "false"


def test_snapshot__the_size_that_github_has_time_for_is_kept(scene: Scene, github: GitHub, folder: Path) -> None:
    for number in range(300):
        scene.open(f"object-{number}")
    github.clock.advance(600)
    github.faults.status(502, match=lambda r: (r.json or {}).get("variables", {}).get("first", 0) > 30, times=None)
    run = scene.run("snapshot", workspace=folder, commit=False)
    assert (run.exit_code, run.outputs["object-count"]) == (0, "300")
    assert len(run.requests) == 2 + 2 + 12 + 1  # of a hundred, of fifty, of twenty-five, and what changed meanwhile
    assert scene.waits == [2, 2]


@pytest.mark.parametrize("status", [502, 504])
def test_snapshot__a_page_that_times_out_is_halved(scene: Scene, github: GitHub, folder: Path, status: int) -> None:
    for number in range(60):
        scene.open(f"object-{number}")
    github.faults.status(status, match=lambda r: (r.json or {}).get("variables", {}).get("first", 0) > 30, times=None)
    github.clock.advance(60)
    run = scene.run("snapshot", workspace=folder, commit=False)
    assert (run.exit_code, run.outputs["object-count"]) == (0, "60")
    sizes = [request.json["variables"]["first"] for request in run.requests]
    assert 25 in sizes
