"""What stands where a snapshot goes: the user's own files, other line ends, checkouts that lack it, other checkouts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import git
from tests.support.covering import covering
from tests.support.scene import OWNER, Run, Scene

pytestmark = pytest.mark.slow

PLACES = {"json": "data/store.json", "jsonl": "data/store.jsonl", "directory": "data/store"}
FORMATS = sorted(PLACES)
SHAPES = ["json", "directory"]  # a file, a folder
VIA = ["git", "api"]


def snap(scene: Scene, mode: str, checkout: Path, format_: str = "json", via: str = "git", **more: Any) -> Run:
    given = {"output": PLACES[format_], "format": format_, "commit_via": via, **more}
    return scene.run(mode, workspace=checkout, **given)


def published(scene: Scene, branch: str = "main", below: str = "data/") -> dict[str, bytes]:
    names = scene.repository.git("ls-tree", "-r", "--name-only", branch).split()
    return {name: scene.repository.file(name, branch) or b"" for name in names if name.startswith(below)}


def edit(scene: Scene, number: int, **data: Any) -> None:
    scene.github.clock.advance(600)
    scene.repository.edit_issue(number, OWNER, body=json.dumps(data))


def full(scene: Scene, tmp_path: Path, format_: str) -> dict[str, bytes]:
    """What a full snapshot holds, made aside."""
    place = tmp_path / f"aside-{len(list(tmp_path.iterdir()))}"
    place.mkdir()
    assert snap(scene, "snapshot", place, format_, commit=False).exit_code == 0
    return {f.relative_to(place).as_posix(): f.read_bytes() for f in place.rglob("*") if f.is_file()}


# The user's own files


@pytest.mark.parametrize("via", VIA)
def test_folder__files_of_the_user_stay_whatever_their_names(scene: Scene, via: str) -> None:
    mine = {
        "assets/objects/model/chair.json": "{}",
        "assets/objects/table.json": '{"legs": 4}',
        "assets/objects/odd.json": '{"data": {}, "meta": {"object_id": "other"}}',
        "assets/objects/text.json": "text",
        "assets/notes.json": "{}",
    }
    scene.repository.commit_files(mine)
    gone = scene.make("gone")
    scene.make("stays")
    checkout = scene.checkout()
    assert snap(scene, "snapshot", checkout, "directory", via, output="assets").exit_code == 0
    scene.repository.edit_issue(gone, OWNER, labels=["UID:gone", "archived"])
    for mode in ("update-snapshot", "snapshot"):
        again = scene.checkout(f"again-{mode}")
        assert snap(scene, mode, again, "directory", via, output="assets", allow_shrink=True).exit_code == 0
        assert {name: data.decode() for name, data in published(scene, below="assets/").items()} == {
            **mine,
            **{name: data.decode() for name, data in published(scene, below="assets/objects/stays").items()},
            "assets/index.json": (again / "assets/index.json").read_text(),
        }
        assert (again / "assets/objects/table.json").read_text() == '{"legs": 4}'


@pytest.mark.parametrize("branch", ["", "data"])
def test_folder__a_file_of_the_user_is_not_replaced_by_an_objects(scene: Scene, branch: str) -> None:
    scene.make("table")
    scene.repository.commit_files({"assets/objects/table.json": '{"legs": 4}'})
    scene.repository.git("branch", "data", "main")
    checkout = scene.checkout()
    run = snap(scene, "snapshot", checkout, "directory", output="assets", branch=branch)
    assert run.exit_code == 2
    assert (
        "has a file 'objects/table.json' that is not a snapshot's, but an object needs it. Choose another" in run.error
    )
    assert (checkout / "assets/objects/table.json").read_text() == '{"legs": 4}'
    assert not (checkout / "assets/index.json").exists()


@pytest.mark.parametrize(
    ("link", "to", "via"),
    [
        ("objects/a.json", "README.md", "git"),
        ("objects/a.json", "data/store/objects/b.json", "api"),
        ("objects", "elsewhere", "git"),
        ("index.json", "README.md", "api"),
        ("history/a.jsonl", "README.md", "git"),
        ("history", "elsewhere", "api"),
    ],
)
def test_folder__a_link_of_the_user_leads_no_file_elsewhere(scene: Scene, link: str, to: str, via: str) -> None:
    scene.make("a")
    checkout = scene.checkout()
    place = checkout / "data/store" / link
    (checkout / "elsewhere").mkdir()
    place.parent.mkdir(parents=True)
    place.symlink_to(checkout / to)
    before = git.git(checkout, "status", "--porcelain", "--untracked-files=all")
    run = snap(scene, "snapshot", checkout, "directory", via, history=True, dry_run=True)
    assert run.exit_code == (0 if "/a.jsonl" in link else 2)  # a dry run reads no history
    run = snap(scene, "snapshot", checkout, "directory", via, history=True)
    assert (run.exit_code, f"is behind a symbolic link, which leads to '{to}" in run.error) == (2, True), run.error
    assert (checkout / "README.md").read_text() == "# A store\n"
    assert git.git(checkout, "status", "--porcelain", "--untracked-files=all") == before
    assert published(scene) == {}


def test_folder__through_the_api_without_a_checkout_the_users_files_stay_too(scene: Scene, tmp_path: Path) -> None:
    number = scene.make("left", {"n": 1})
    assert snap(scene, "snapshot", tmp_path, "directory", "api").exit_code == 0
    scene.repository.commit_files({"data/store/index.json": None})  # a commit in several parts, that ended early
    edit(scene, number, n=2)
    (empty := tmp_path / "empty").mkdir()
    assert snap(scene, "snapshot", empty, "directory", "api").exit_code == 0
    assert json.loads(published(scene)["data/store/objects/left.json"])["data"] == {"n": 2}

    scene.make("table")
    scene.repository.commit_files({"data/store/objects/table.json": '{"legs": 4}'})
    (another := tmp_path / "another").mkdir()
    run = snap(scene, "snapshot", another, "directory", "api")
    assert (run.exit_code, list(another.iterdir())) == (2, [])
    assert "has a file 'objects/table.json' that is not a snapshot's" in run.error
    assert published(scene)["data/store/objects/table.json"] == b'{"legs": 4}'


@pytest.mark.parametrize("text", ['{"name": "my index"}', "text", "[]"])
def test_folder__an_index_of_the_user_is_not_replaced(scene: Scene, text: str) -> None:
    scene.make()
    scene.repository.commit_files({"assets/index.json": text})
    checkout = scene.checkout()
    for path in (checkout, None):
        run = snap(scene, "snapshot", checkout, "directory", output="assets", branch="" if path else "main")
        assert (run.exit_code, run.requests) == (2, ())
        assert (
            "The folder 'assets' has a file 'index.json' that is not a snapshot's. Choose another folder" in run.error
        )
    assert (checkout / "assets/index.json").read_text() == text


def test_folder__a_broken_index_of_ours_is_replaced_and_what_it_no_longer_names_goes(scene: Scene) -> None:
    gone = scene.make("gone")
    scene.make("stays")
    checkout = scene.checkout()
    snap(scene, "snapshot", checkout, "directory")
    index = checkout / "data/store/index.json"
    index.write_text("<<<<<<< HEAD\n" + index.read_text())
    scene.repository.edit_issue(gone, OWNER, labels=["UID:gone", "archived"])
    run = snap(scene, "update-snapshot", checkout, "directory", allow_shrink=True)
    assert (run.exit_code, "the existing one cannot be used: " in run.summary) == (0, True)
    assert sorted(published(scene)) == ["data/store/index.json", "data/store/objects/stays.json"]


def test_folder__what_others_left_behind_on_the_branch_goes_too(scene: Scene) -> None:
    """Files of an object that no index names: a commit in several parts may have ended early."""
    scene.make("a")
    checkout = scene.checkout()
    snap(scene, "snapshot", checkout, "directory")
    entry = (checkout / "data/store/objects/a.json").read_text()
    left = {"data/store/objects/left.json": entry.replace('"a"', '"left"'), "data/store/objects/mine.json": "{}"}
    scene.repository.commit_files(left)
    git.git(checkout, "pull", "--quiet")
    (checkout / "data/store/objects/left.json").unlink()
    assert snap(scene, "update-snapshot", checkout, "directory").exit_code == 0
    names = ["data/store/index.json", "data/store/objects/a.json", "data/store/objects/mine.json"]
    assert sorted(published(scene)) == names


def test_folder__without_a_commit_what_is_left_behind_goes_and_what_is_missing_comes_back(
    scene: Scene, tmp_path: Path
) -> None:
    scene.make("a")
    assert snap(scene, "snapshot", tmp_path, "directory", commit=False).exit_code == 0
    objects = tmp_path / "data/store/objects"
    text = (objects / "a.json").read_text()
    (objects / "left.json").write_text(text.replace('"a"', '"left"'))
    (objects / "mine.json").write_text("{}")
    run = snap(scene, "update-snapshot", tmp_path, "directory", commit=False)
    assert (run.outputs["changed"], sorted(file.name for file in objects.iterdir())) == (
        "true",
        ["a.json", "mine.json"],
    )
    (objects / "a.json").unlink()
    run = snap(scene, "update-snapshot", tmp_path, "directory", commit=False)
    assert "the existing one cannot be used: its file 'objects/a.json' is missing" in run.log
    assert (objects / "a.json").read_text() == text


MINE = {
    "README.md": "# Mine\n",
    ".github/workflows/mine.yml": "on: push\n",
    "package.json": '{\n  "name": "mine"\n}\n',
    "rows.jsonl": '{"a": 1}\n{"a": 2}\n',
}


WHERE = ["committed", "the work tree", "a branch", "no checkout", "meanwhile"]


@covering(2, via=VIA, where=WHERE, name=list(MINE), mode=["snapshot", "update-snapshot"])
def test_file__one_of_the_user_is_not_replaced(
    scene: Scene, tmp_path: Path, via: str, where: str, name: str, mode: str
) -> None:
    def files() -> dict[Path, bytes]:
        there = (file for file in checkout.rglob("*") if file.is_file() and ".git" not in file.parts)
        return {file: file.read_bytes() for file in there}

    scene.make("a")
    scene.repository.git("branch", "data", "main")
    branch = "data" if where == "a branch" else "main"
    if where in ("committed", "a branch", "no checkout"):
        scene.repository.commit_files({name: MINE[name]}, branch=branch)
    checkout = scene.checkout()
    if where == "no checkout":
        via, checkout = "api", tmp_path / "empty"
        checkout.mkdir()
    elif where == "the work tree":
        git.put(checkout, {name: MINE[name]})
    elif where == "meanwhile":
        (checkout / name).unlink(missing_ok=True)
        scene.repository.commit_files({name: MINE[name]})
    heads, before = [scene.repository.head(one) for one in ("main", "data")], files()
    given = {"output": name, "commit_via": via, "branch": branch if where == "a branch" else ""}
    run = scene.run(mode, workspace=checkout, format="jsonl" if name == "rows.jsonl" else "json", **given)
    assert run.exit_code == 2, run.log
    assert f"The file '{name}' exists and is not a snapshot, so none replaces it. Choose another path" in run.error
    assert [scene.repository.head(one) for one in ("main", "data")] == heads
    if where != "meanwhile":  # which git finds out when it pushes
        assert files() == before
    if where in ("committed", "the work tree"):
        assert run.requests == ()


@pytest.mark.parametrize("spoil", ["cut", "conflict", "emptied"])
@pytest.mark.parametrize("format_", ["json", "jsonl"])
@pytest.mark.parametrize("via", VIA)
def test_file__a_broken_one_of_ours_is_replaced(scene: Scene, via: str, format_: str, spoil: str) -> None:
    scene.make("a")
    scene.make("b")
    assert snap(scene, "snapshot", scene.checkout(), format_, via).exit_code == 0
    right = published(scene)
    text = right[PLACES[format_]].decode()
    spoiled = {
        "cut": text[: len(text) * 2 // 3],
        "conflict": f"<<<<<<< HEAD\n{text}=======\n{text[:-9]}\n>>>>>>> theirs\n",
        "emptied": "\n",
    }[spoil]
    scene.repository.commit_files({PLACES[format_]: spoiled})
    run = snap(scene, "update-snapshot", scene.checkout("again"), format_, via)
    assert (run.exit_code, "A full snapshot was made" in run.summary or spoil == "emptied") == (0, True), run.log
    assert published(scene) == right


# Changed by somebody else


@pytest.mark.parametrize(
    ("format_", "change"),
    [*((format_, ("1", "999")) for format_ in FORMATS), ("json", ('"version":', '"more": 1, "version":'))],
)
def test_changed__data_that_somebody_edited_is_found_and_replaced(
    scene: Scene, tmp_path: Path, format_: str, change: tuple[str, str]
) -> None:
    scene.make("a", {"number": 1})
    checkout = scene.checkout()
    snap(scene, "snapshot", checkout, format_)
    scene.github.clock.advance(3_600)
    scene.make("b", {"number": 2})
    right = full(scene, tmp_path, format_)
    snap(scene, "update-snapshot", checkout, format_)
    name = PLACES[format_] + ("/objects/a.json" if format_ == "directory" else "")
    text = (scene.repository.file(name) or b"").decode()
    before, after = change
    for sign in ('"number": ', '"number":'):
        if before == "1":
            text = text.replace(f"{sign}1", f"{sign}{after}", 1)
    text = text if before == "1" else text.replace(before, after, 1)
    scene.repository.commit_files({name: text})
    again = scene.checkout("again")
    run = snap(scene, "update-snapshot", again, format_)
    assert (run.exit_code, run.outputs["changed"]) == (0, "true")
    assert "the entry 'a' was changed by someone else" in run.summary
    assert published(scene) == right


def test_deep__an_object_as_deep_as_any_may_be_is_read_back(scene: Scene) -> None:
    deep: Any = {}
    for _ in range(98):
        deep = {"a": deep}
    scene.make("deep", {"a": deep})
    checkout = scene.checkout()
    for format_ in FORMATS:
        assert snap(scene, "snapshot", checkout, format_).exit_code == 0
        run = snap(scene, "update-snapshot", checkout, format_)
        assert (run.exit_code, run.outputs["changed"], "full snapshot" in run.summary) == (0, "false", False)


# Checkouts that lack it, or have it with other bytes


@covering(1, how=["sparse", "removed"], format_=SHAPES)
def test_lacking__what_is_committed_is_brought_up_to_date(scene: Scene, tmp_path: Path, format_: str, how: str) -> None:
    numbers = {name: scene.make(name) for name in ("gone", "stays")}
    checkout = scene.checkout()
    snap(scene, "snapshot", checkout, format_)
    scene.repository.edit_issue(numbers["gone"], OWNER, labels=["UID:gone", "archived"])
    again = scene.checkout("again")
    if how == "sparse":
        git.git(again, "sparse-checkout", "set", "elsewhere")
    else:
        git.git(again, "rm", "-r", "--cached", "--quiet", "data")
        git.git(again, "reset", "--quiet")
        for file in sorted((again / "data").rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
    run = snap(scene, "update-snapshot", again, format_, allow_shrink=True)
    assert (run.exit_code, run.operations, run.outputs["changed"]) == (0, ["List"], "true")
    assert "full snapshot" not in run.summary
    assert published(scene) == full(scene, tmp_path, format_)
    third = scene.checkout("third")
    git.git(third, "sparse-checkout", "set", "elsewhere")
    assert snap(scene, "update-snapshot", third, format_).outputs["changed"] == "false"


@pytest.mark.parametrize("format_", SHAPES)
@pytest.mark.parametrize("via", VIA)
def test_branch__of_its_own_is_brought_up_to_date_from_a_fresh_checkout(
    scene: Scene, tmp_path: Path, format_: str, via: str
) -> None:
    numbers = {name: scene.make(name) for name in ("gone", "stays")}
    assert snap(scene, "snapshot", scene.checkout(), format_, via, branch="data").exit_code == 0
    run = snap(scene, "update-snapshot", scene.checkout("second"), format_, via, branch="data")
    assert (run.exit_code, run.outputs["changed"], run.outputs["commit-sha"]) == (0, "false", "")
    costs = via == "api" and format_ == "directory"
    assert ("its files are on the branch and not in the work tree" in run.summary) == costs
    scene.repository.edit_issue(numbers["gone"], OWNER, labels=["UID:gone", "archived"])
    run = snap(scene, "update-snapshot", scene.checkout("third"), format_, via, branch="data", allow_shrink=True)
    assert (run.exit_code, run.outputs["changed"]) == (0, "true")
    right = full(scene, tmp_path, format_)
    assert {name: data for name, data in published(scene, "data").items() if name.startswith("data/")} == right


@covering(1, via=VIA, format_=SHAPES)
def test_bytes__other_line_ends_in_the_work_tree_are_no_change(scene: Scene, format_: str, via: str) -> None:
    scene.repository.commit_files({".gitattributes": "* text eol=crlf\n"})
    number = scene.make("a", {"n": 1})
    snap(scene, "snapshot", scene.checkout(), format_, via)
    again = scene.checkout("again")
    assert b"\r\n" in next(file for file in (again / "data").rglob("*.json*")).read_bytes()
    run = snap(scene, "update-snapshot", again, format_, via)
    assert (run.exit_code, run.outputs["changed"], run.outputs["commit-sha"]) == (0, "false", "")
    assert "List" in run.operations and run.operations.count("List") == 1
    edit(scene, number, n=2)
    run = snap(scene, "update-snapshot", scene.checkout("third"), format_, via)
    assert (run.outputs["changed"], run.operations.count("List"), "in the meantime" in run.summary) == (
        "true",
        1,
        False,
    )


@pytest.mark.parametrize("how", ["no checkout", "a new branch", "an earlier step"])
def test_api__alone_is_not_overtaken(scene: Scene, tmp_path: Path, how: str) -> None:
    number = scene.make("a", {"n": 1})
    assert snap(scene, "snapshot", scene.checkout(), via="api").exit_code == 0
    edit(scene, number, n=2)
    place, branch = scene.checkout("again"), "new" if how == "a new branch" else ""
    if how == "no checkout":
        place = tmp_path / "empty"
        place.mkdir()
    elif how == "an earlier step":
        (place / PLACES["json"]).write_text("somebody's")
    run = snap(scene, "snapshot", place, via="api", branch=branch)
    assert (run.exit_code, run.operations.count("List"), "in the meantime" in run.summary) == (0, 2, False)
    assert json.loads(published(scene, branch or "main")[PLACES["json"]])["objects"]["a"]["data"] == {"n": 2}


def test_api__without_a_checkout_brings_the_branchs_snapshot_up_to_date(scene: Scene, tmp_path: Path) -> None:
    number = scene.make("a", {"n": 1})
    place = tmp_path / "empty"
    place.mkdir()
    assert snap(scene, "snapshot", place, via="api").exit_code == 0
    (place / PLACES["json"]).unlink()
    edit(scene, number, n=2)
    run = snap(scene, "update-snapshot", place, via="api")
    assert run.operations == ["Tip", "GET", "List", "Commit"]
    assert "full snapshot" not in run.summary


# Checkouts in folders


@covering(1, via=VIA, format_=SHAPES)
def test_folders__a_checkout_below_the_workspace_gets_the_commit(scene: Scene, format_: str, via: str) -> None:
    """actions/checkout with `path:`."""
    scene.make("a")
    workspace = scene.folder / "below"
    workspace.mkdir()
    checkout = scene.checkout("below/site")
    run = snap(scene, "snapshot", workspace, format_, via, output=f"site/{PLACES[format_]}")
    assert (run.exit_code, bool(run.outputs["commit-sha"])) == (0, True), run.log
    assert published(scene) == {
        f.relative_to(checkout).as_posix(): f.read_bytes() for f in (checkout / "data").rglob("*") if f.is_file()
    }


@pytest.mark.parametrize("via", VIA)
def test_folders__another_repositorys_checkout_gets_the_commit_itself(scene: Scene, via: str) -> None:
    scene.make("a")
    site = scene.github.add_repository("octo/site", files={"README.md": "# A site\n"})
    token = scene.github.token(OWNER)
    workspace = scene.folder / "two"
    workspace.mkdir()
    git.clone(site.clone_url, workspace / "site")
    git.clone(scene.repository.clone_url, workspace / "store")
    run = snap(scene, "snapshot", workspace, via=via, output="site/data/x.json", token=token)
    assert run.exit_code == 0, run.log
    assert site.file("data/x.json") and not published(scene)


# Ids


@covering(1, odd=["я\u2028" * 20, "a\u202eb", "e\u0301"], format_=SHAPES)
def test_ids__what_can_be_none_is_left_out_and_loses_no_snapshot(scene: Scene, format_: str, odd: str) -> None:
    scene.make("a")
    scene.repository.open_issue(OWNER, f"Stored Object: {odd}", "{}", ["stored-object", f"UID:{odd}"])
    checkout = scene.checkout()
    run = snap(scene, "snapshot", checkout, format_)
    assert (run.exit_code, run.outputs["object-count"]) == (0, "1")
    assert "Issue #2 is not in the snapshot: the id in its label cannot be one: The object id" in run.log
    assert snap(scene, "update-snapshot", checkout, format_).outputs["changed"] == "false"


# A commit that fails


@pytest.mark.parametrize("via", VIA)
def test_commit_refused__says_that_the_files_are_in_the_workspace(scene: Scene, via: str) -> None:
    scene.make("a")
    scene.repository.protect("main")
    checkout = scene.checkout()
    run = snap(scene, "snapshot", checkout, via=via)
    assert run.exit_code == 1
    assert run.error.endswith(". The snapshot's files are in the workspace.")
    assert git.git(checkout, "status", "--porcelain", "--untracked-files=all").strip() == "?? data/store.json"
