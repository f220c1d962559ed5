"""Attributes by which git stores something else than a file: LFS and its like, which a snapshot does not pass."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gh_store_action.errors import InputError
from gh_store_action.workspace.files import Publication
from tests.support import git as real
from tests.support.checkout import BASE, STORE, save, workspace_of
from tests.support.scene import Scene

pytestmark = pytest.mark.slow

CHANGING = ["filter=lfs diff=lfs merge=lfs -text", "filter=standin", "ident", "working-tree-encoding=UTF-16"]


def stand_in(checkout: Path) -> None:
    """A filter as LFS is one: what is committed is a pointer."""
    real.git(checkout, "config", "filter.standin.clean", "sed 's/^/pointer to /'")
    real.git(checkout, "config", "filter.standin.smudge", "sed 's/^pointer to //'")
    real.git(checkout, "config", "filter.standin.required", "true")


def attributes(checkout: Path, text: str, file: str = ".gitattributes") -> None:
    there = checkout / file
    real.commit(checkout, {file: (there.read_text() if there.exists() else "") + text + "\n"})
    real.git(checkout, "push", "--quiet")


def line_of(error: object) -> str:
    line, file = told(error)
    assert file == ".gitattributes"
    return line


def told(error: object) -> tuple[str, str]:
    """The line, and the file to add it to."""
    match = re.search(r"Add the line `([^`]+)` at the end of `([^`]+)`", str(error))
    assert match, error
    return match[1], match[2]


@pytest.mark.parametrize("changing", CHANGING)
@pytest.mark.parametrize("file", [".gitattributes", "data/.gitattributes", ".git/info/attributes"])
def test_publish__an_attribute_that_changes_the_bytes__is_refused_with_the_line_to_add(
    checkout: Path, remote: Path, changing: str, file: str
) -> None:
    stand_in(checkout)
    if file.startswith(".git/"):
        (checkout / ".git/info").mkdir(exist_ok=True)
        (checkout / file).write_text(f"*.json {changing}\n")
    else:
        attributes(checkout, f"*.json {changing}", file)
    before = real.files(remote)

    with pytest.raises(InputError, match=rf"'{STORE}' has the attribute `{changing.split()[0].split('=')[0]}"):
        save(workspace_of(checkout))

    assert real.files(remote) == before
    assert real.git(checkout, "status", "--porcelain", "--untracked-files=all") == f"?? {STORE}\n"


@pytest.mark.parametrize("changing", CHANGING)
def test_publish__with_the_line_that_was_told__everybodys_git_stores_the_same(
    checkout: Path, remote: Path, changing: str
) -> None:
    stand_in(checkout)
    attributes(checkout, f"* text=auto\n*.json {changing}")
    with pytest.raises(InputError) as caught:
        save(workspace_of(checkout))
    attributes(checkout, line_of(caught.value))

    for text in ("1\n", '{"a": "$Id: b$"}\n'):
        save(workspace_of(checkout), text)
        assert real.git(checkout, "status", "--porcelain") == ""
        assert real.files(remote)[STORE] == text
        (checkout / STORE).touch()
        real.git(checkout, "add", "--renormalize", ".")
        assert real.git(checkout, "status", "--porcelain") == "", "the user's own git would commit the same"
    assert save(workspace_of(checkout), text).sha == ""


TOP, NEAR, OWN, INFO = ".gitattributes", "data/.gitattributes", "data/store/.gitattributes", ".git/info/attributes"
DEEP = "data/store/objects/.gitattributes"


@pytest.mark.parametrize(
    ("given", "told_last"),
    [
        ({NEAR: "* filter=lfs"}, ("/store/** -filter", NEAR)),
        ({TOP: "*.json ident", NEAR: "*.json ident"}, ("/store/** -ident", NEAR)),
        ({TOP: "*.json filter=lfs", NEAR: "*.md filter=lfs"}, ("/data/store/** -filter", TOP)),
        ({TOP: "*.json filter=lfs", NEAR: "*.json -filter", OWN: "* ident"}, ("* -ident", OWN)),
        ({DEEP: "*.json filter=lfs ident"}, ("* -filter -ident", DEEP)),
        ({TOP: "[attr]lfs filter=lfs", NEAR: "*.json lfs"}, ("/store/** -filter", NEAR)),
        ({INFO: "*.json filter=lfs"}, ("/data/store/** -filter", INFO)),
        ({TOP: "[attr]lfs filter=lfs", NEAR: "* lfs", INFO: "* lfs"}, ("/data/store/** -filter", INFO)),
    ],
)
@pytest.mark.parametrize("by", ["the index", "the work tree"])
def test_publish__the_line_is_for_the_file_in_which_it_helps(
    checkout: Path, remote: Path, given: dict[str, str], told_last: tuple[str, str], by: str
) -> None:
    """A nearer file has the last word, and `.git/info/attributes` before all."""
    (checkout / ".git/info").mkdir(exist_ok=True)

    def add(file: str, text: str) -> None:
        if file == INFO:
            (checkout / file).write_text(text + "\n")
        elif by == "the index":
            attributes(checkout, text, file)
            (checkout / file).unlink()  # as where a sparse checkout leaves it out
            (checkout / file).symlink_to("nowhere")
        else:
            real.put(checkout, {file: text + "\n"})

    def attempt() -> None:
        paths = ("data/store/index.json", "data/store/objects/any.json")
        if by == "the index":
            workspace.write(dict.fromkeys(paths, b"{}\n"))
            workspace.publish(Publication(paths))
        else:
            workspace.check_attributes(paths)

    workspace = workspace_of(checkout)
    for file, text in given.items():
        add(file, text)
    with pytest.raises(InputError) as caught:
        attempt()
    line, file = told(caught.value)
    assert (line, file) == told_last
    if by == "the index" and file != INFO:
        (checkout / file).unlink()
        real.git(checkout, "checkout", "--", file)
    text = (checkout / file).read_text()
    (checkout / file).unlink()
    add(file, f"{text}{line}")
    attempt()
    assert (by == "the index") == (real.files(remote).get("data/store/objects/any.json") == "{}\n")


@pytest.mark.parametrize(
    ("paths", "line"),
    [
        (("store.json", "history/index.json"), "/store.json -filter"),
        (("history/index.json", "store.json"), "/history/** -filter"),
        (("data/store.json", "data/history/any.json"), "/data/** -filter"),
    ],
)
def test_check__the_line_never_undoes_attributes_of_the_whole_repository(
    checkout: Path, paths: tuple[str, ...], line: str
) -> None:
    real.put(checkout, {".gitattributes": "* filter=lfs\n"})
    with pytest.raises(InputError) as caught:
        workspace_of(checkout).check_attributes(paths)
    assert line_of(caught.value) == line


def test_publish__in_a_linked_work_tree__the_shared_file_is_named(tmp_path: Path, checkout: Path) -> None:
    (checkout / ".git/info").mkdir(exist_ok=True)
    (checkout / INFO).write_text("*.json filter=lfs\n")
    real.git(checkout, "worktree", "add", "--quiet", "-b", "other", "../linked")
    with pytest.raises(InputError) as caught:
        workspace_of(tmp_path / "linked").check_attributes([STORE])
    line, file = told(caught.value)
    with (tmp_path / "linked" / file).open("a") as there:
        there.write(line + "\n")
    workspace_of(tmp_path / "linked").check_attributes([STORE])


@pytest.mark.parametrize("odd", ["a b/c.json", "a[1]*/b?.json", 'a"b.json', "#x.json", "!x.json", "å/中.json"])
def test_publish__the_line_is_right_for_odd_names(checkout: Path, odd: str) -> None:
    attributes(checkout, "*.json filter=standin")
    workspace = workspace_of(checkout)
    workspace.write({odd: b"1"})
    with pytest.raises(InputError) as caught:
        workspace.publish(Publication((odd,)))
    attributes(checkout, line_of(caught.value))

    assert workspace.publish(Publication((odd,))).sha


def test_publish__the_attributes_are_those_of_the_branch_that_gets_the_commit(checkout: Path, remote: Path) -> None:
    attributes(checkout, "*.json filter=lfs")
    assert save(workspace_of(checkout), branch="data").sha
    assert real.files(remote, "data") == {STORE: "{}\n"}
    real.push(remote, {".gitattributes": "*.json filter=lfs\n"}, branch="other")
    real.git(checkout, "rm", "--quiet", ".gitattributes")
    with pytest.raises(InputError, match="filter=lfs"):
        save(workspace_of(checkout), branch="other")


@pytest.mark.parametrize(
    "harmless", ["*.json text eol=crlf", "*.json binary", "*.json -filter -ident", "*.md filter=lfs\n*.py ident"]
)
def test_publish__other_attributes__are_no_matter(checkout: Path, remote: Path, harmless: str) -> None:
    attributes(checkout, harmless)
    save(workspace_of(checkout))
    assert real.files(remote).items() >= {**BASE, STORE: "{}\n"}.items()
    assert real.git(checkout, "status", "--porcelain") == ""


@pytest.mark.parametrize("via", ["git", "api"])
@pytest.mark.parametrize(("format_", "place"), [("json", "data/x.json"), ("directory", "data/store")])
def test_action__says_it_before_a_request_is_spent(scene: Scene, via: str, format_: str, place: str) -> None:
    scene.make("a")
    scene.repository.commit_files({".gitattributes": "data/** filter=standin\n"})
    checkout = scene.checkout()
    given = {"output": place, "format": format_, "commit_via": via}

    run = scene.run("snapshot", workspace=checkout, **given)

    assert (run.exit_code, run.requests) == (2, ())
    line = line_of(run.error)
    assert line == f"/{place}{'/**' if format_ == 'directory' else ''} -filter"
    scene.repository.commit_files({".gitattributes": f"data/** filter=standin\n{line}\n"})
    run = scene.run("snapshot", workspace=scene.checkout("again"), **given)
    assert (run.exit_code, bool(run.outputs["commit-sha"])) == (0, True), run.log
    assert scene.run("snapshot", workspace=scene.checkout("third"), **given).outputs["changed"] == "false"
    assert scene.run("snapshot", workspace=checkout, commit=False, output=place, format=format_).exit_code == 0
