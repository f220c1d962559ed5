"""Commits of exactly our files, in whatever state the checkout is."""

from __future__ import annotations

from pathlib import Path

import pytest

from gh_store_action.domain.commit_message import with_trailers
from gh_store_action.errors import InputError, StoreError
from gh_store_action.workspace import trees
from gh_store_action.workspace.files import Publication, Published
from tests.support import git as real
from tests.support.checkout import BASE, STORE, head, save, state, workspace_of

# ---- the commit


def test_publish__commits_our_file_only_and_the_branch_moves_along(checkout: Path, remote: Path) -> None:
    published = save(workspace_of(checkout), '{"a": 1}\n')

    assert published == Published(real.git(remote, "rev-parse", "main").strip(), "main", 1)
    assert real.files(remote) == {**BASE, STORE: '{"a": 1}\n'}
    assert real.log(remote) == ["Update the snapshot", "another's commit"]
    assert head(checkout) == ("ref: refs/heads/main\n", published.sha)
    assert real.git(checkout, "status", "--porcelain=v2", "--branch").splitlines()[1:] == [
        "# branch.head main",
        "# branch.upstream origin/main",
        "# branch.ab +0 -0",
    ]


def test_publish__the_same_files_again__is_no_commit(checkout: Path, remote: Path) -> None:
    first = save(workspace_of(checkout))

    assert save(workspace_of(checkout)) == Published("", "main", 1)
    assert real.git(remote, "rev-parse", "main").strip() == first.sha


def test_publish__nothing_to_say__is_no_commit(checkout: Path, remote: Path) -> None:
    assert workspace_of(checkout).publish(Publication(())) == Published("", "main", 1)
    assert workspace_of(checkout).publish(Publication((), branch="new")) == Published("", "new", 1)
    assert real.git(remote, "branch", "--list", "new") == ""


def test_publish__removed_files_leave_the_branch_and_the_index(checkout: Path, remote: Path) -> None:
    workspace = workspace_of(checkout)
    first, second = {"store/a": b"1", "store/b/c": b"1"}, {"store/b": b"1", "store/d": b"2"}
    workspace.write(first)
    workspace.publish(Publication(tuple(first)))
    workspace.write(second, removed=first)
    workspace.publish(Publication(tuple(second), removed=(*first, "store/never-there")))

    assert real.files(remote) == {**BASE, "store/b": "1", "store/d": "2"}
    assert real.git(checkout, "status", "--porcelain") == ""


def test_publish__very_many_files_reach_git_in_parts(
    checkout: Path, remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees, "AT_ONCE", 2)
    workspace = workspace_of(checkout)
    first, second = ({f"store/{name}": name.encode() for name in names} for names in ("abcdefg", "efghi"))
    workspace.write(first)
    workspace.publish(Publication(tuple(first)))
    gone = sorted(first.keys() - second)
    workspace.write(second, removed=gone)
    workspace.publish(Publication(tuple(second), removed=tuple(gone)))

    assert real.files(remote) == {**BASE, **{path: data.decode() for path, data in second.items()}}
    assert real.git(checkout, "status", "--porcelain") == ""
    (checkout / ".gitattributes").write_text("i filter=standin\n")
    with pytest.raises(InputError, match="The path 'store/i' has the attribute"):
        workspace.check_attributes(sorted(second))


@pytest.mark.parametrize("known", [True, False])
def test_publish__a_file_that_git_drops__is_said_and_not_taken_for_committed(
    checkout: Path, remote: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    """Git leaves out paths that it takes for its own and goes on; a newer one may take others for its own, too."""
    if not known:
        monkeypatch.setattr("gh_store_action.workspace.paths.is_git", lambda name: name == ".git")
    workspace, files = workspace_of(checkout), ("data/a.json", "data/.git./store.json", "data/b.json")

    with pytest.raises(InputError) as caught:
        workspace.write(dict.fromkeys(files, b"1"))
        workspace.publish(Publication(files))

    assert ("Git takes no file with the path 'data/.git./store.json'. Choose another" in str(caught.value)) != known
    assert real.files(remote) == BASE
    assert workspace.publish(Publication((), removed=("README.md",))).sha, "there is nothing to miss"


def test_publish__odd_names_and_bytes__arrive_as_they_are(checkout: Path, remote: Path) -> None:
    files = {'a "q" -x :(top) å\u4e2d.json': b"\r\n\xff\0", "-rf": b"", "#": b"\n"}
    workspace = workspace_of(checkout)
    workspace.write(files)

    workspace.publish(Publication(tuple(files), message="-F/etc/passwd\n\n# kept ::error:: $(x)"))

    names = real.git(remote, "ls-tree", "-z", "--name-only", "main").split("\0")
    assert set(files) < set(names)
    assert real.on_branch(workspace, "-rf") == b""
    for name, data in files.items():
        assert real.on_branch(workspace, name) == data
    assert real.git(remote, "log", "-1", "--format=%B", "main").strip() == "-F/etc/passwd\n\n# kept ::error:: $(x)"


@pytest.mark.parametrize("name", ["a b", 'qu"ote', "-dash", "new\nline", "$HOME", "中 文"])
def test_publish__a_checkout_of_any_name(tmp_path: Path, remote: Path, name: str) -> None:
    (tmp_path / "work").mkdir()
    real.git(tmp_path / "work", "clone", "--quiet", f"file://{remote}", f"./{name}")
    checkout = tmp_path / "work" / name

    assert save(workspace_of(checkout)).sha
    assert real.git(checkout, "status", "--porcelain") == ""
    assert real.files(remote)[STORE] == "{}\n"


def test_publish__an_ignored_file__is_committed_all_the_same(checkout: Path, remote: Path) -> None:
    real.put(checkout, {".gitignore": "data/\n"})

    assert save(workspace_of(checkout)).sha
    assert STORE in real.files(remote)
    assert ".gitignore" not in real.files(remote)


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        ("", "github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>"),
        ("Ada Lovelace <ada@example.org>", "Ada Lovelace <ada@example.org>"),
        ("  Åsa  <a@b>  ", "Åsa <a@b>"),
    ],
)
def test_publish__author__is_also_the_committer(checkout: Path, remote: Path, author: str, expected: str) -> None:
    save(workspace_of(checkout), author=author)

    assert real.git(remote, "log", "-1", "--format=%an <%ae>%n%cn <%ce>", "main").splitlines() == [expected] * 2


@pytest.mark.parametrize(
    "author",
    ["Ada", "<a@b>", "Ada <ada>", "Ada <a@b", "A\nB <a@b>", "A <a@b> <c@d>", "... <a@b>", "A <a@b\n>", "A <a b@c>"],
)
def test_author__anything_else__is_refused(checkout: Path, author: str) -> None:
    with pytest.raises(InputError, match="not have the form `Name <email>`"):
        workspace_of(checkout).check_publish(Publication((), author=author))


@pytest.mark.parametrize("message", ["", " \n", "a\0b"])
def test_message__empty_or_with_nul__is_refused(checkout: Path, message: str) -> None:
    with pytest.raises(InputError, match="commit_message"):
        save(workspace_of(checkout), message=message)


def test_with_trailers__are_what_git_reads(checkout: Path, remote: Path) -> None:
    message = with_trailers(
        "Update\n\nBody: not one\nof trailers.\n", {"Store-Objects": "12", "Store-Note": "a\nb  c "}
    )
    save(workspace_of(checkout), message=with_trailers(message, {"Third": "x"}))

    assert real.git(remote, "log", "-1", "--format=%(trailers:only)", "main").splitlines() == [
        "Store-Objects: 12",
        "Store-Note: a b c",
        "Third: x",
        "",
    ]
    assert with_trailers("fix: a subject is no trailer", {"A": "b"}) == "fix: a subject is no trailer\n\nA: b"
    assert with_trailers("Text\n", {}) == "Text"
    with pytest.raises(ValueError, match="trailer"):
        with_trailers("Text", {"a b": "c"})


@pytest.mark.parametrize(
    "message",
    [
        "Update\n\nSigned-off-by: A <a@b.c>",
        "\n\nUpdate\n\n\nSigned-off-by: A <a@b.c>\n\n",
        "Update\r\n\r\nText\r\n\r\nSigned-off-by: A <a@b.c>\r\n",
        "Update\n \nSigned-off-by: A\n  <a@b.c>",
    ],
)
def test_with_trailers__continue_the_users_own(checkout: Path, remote: Path, message: str) -> None:
    text = with_trailers(message, {"Store-Objects": "12"})
    assert text.startswith("Update\n") and "\r" not in text
    save(workspace_of(checkout), message=text)
    trailers = real.git(remote, "log", "-1", "--format=%(trailers:only,unfold)", "main").split("\n")
    assert trailers == ["Signed-off-by: A <a@b.c>", "Store-Objects: 12", "", ""]


# ---- whatever the checkout is like


def test_publish__dirty_tree_and_staged_files__stay_exactly_as_they_were(checkout: Path, remote: Path) -> None:
    real.put(checkout, {"README.md": "staged\n", "new-staged": "1\n"})
    real.git(checkout, "add", "README.md", "new-staged")
    real.git(checkout, "rm", "--quiet", "--cached", "src/b.py")
    real.put(checkout, {"README.md": "changed again\n", "src/a.py": "dirty\n", "untracked/x": "1\n"})
    real.put(checkout, {"intended": "1\n"})
    real.git(checkout, "add", "--intent-to-add", "intended")
    before = state(checkout)

    save(workspace_of(checkout))

    assert state(checkout) == before
    assert real.git(checkout, "status", "--porcelain", STORE) == ""
    assert real.files(remote) == {**BASE, STORE: "{}\n"}


def test_publish__detached_head__is_left_where_it_is(checkout: Path, remote: Path) -> None:
    real.git(checkout, "checkout", "--quiet", "--detach")
    before, at = state(checkout), head(checkout)

    published = save(workspace_of(checkout), fallback_branch="refs/heads/main")

    assert published.branch == "main"
    assert real.files(remote) == {**BASE, STORE: "{}\n"}
    assert (state(checkout), head(checkout)) == (before, at)


def test_publish__detached_and_no_branch_known__says_to_name_one(checkout: Path, remote: Path) -> None:
    real.git(checkout, "checkout", "--quiet", "--detach")

    with pytest.raises(StoreError, match=r"not on a branch \(detached HEAD\).*Set the argument `branch`"):
        save(workspace_of(checkout))
    assert workspace_of(checkout).head_branch("main") == "main"
    assert save(workspace_of(checkout), branch="new").branch == "new"
    assert real.files(remote, "new") == {STORE: "{}\n"}


def test_publish__shallow_clone__gets_the_others_commits_and_stays_shallow(tmp_path: Path, remote: Path) -> None:
    for number in range(3):
        real.push(remote, {"README.md": f"{number}\n"}, message=f"old {number}")
    checkout = real.clone(remote, tmp_path / "shallow", "--depth=1")
    real.push(remote, {"other": "1\n"}, message="between")
    at = head(checkout)

    published = save(workspace_of(checkout))

    assert real.log(remote)[:2] == ["Update the snapshot", "between"]
    assert real.files(remote) == {**BASE, "README.md": "2\n", "other": "1\n", STORE: "{}\n"}
    assert head(checkout) == at, "behind: moving it would show the other's file as deleted"
    assert real.log(checkout, published.sha) == ["Update the snapshot", "between", "old 2"]
    assert real.git(checkout, "for-each-ref", "refs/gh-store-action") == ""
    assert not (checkout / ".git/FETCH_HEAD").exists()
    real.git(checkout, "clean", "-fdq")
    real.git(checkout, "pull", "--quiet", "--ff-only")
    assert head(checkout)[1] == published.sha


def test_publish__shallow_clone_and_another_branch__comes_without_its_history(tmp_path: Path, remote: Path) -> None:
    for number in range(3):
        real.push(remote, {STORE: f"{number}\n"}, branch="data", message=f"old {number}")
    checkout = real.clone(remote, tmp_path / "shallow", "--depth=1")

    published = save(workspace_of(checkout), branch="data")

    assert real.log(remote, "data") == ["Update the snapshot", "old 2", "old 1", "old 0"]
    assert real.log(checkout, published.sha) == ["Update the snapshot", "old 2"]


@pytest.mark.parametrize("sparse_index", ["--sparse-index", "--no-sparse-index"])
def test_publish__sparse_checkout_of_a_partial_clone(tmp_path: Path, remote: Path, sparse_index: str) -> None:
    real.push(remote, {STORE: "old\n", "far/away/x": "1\n"})
    checkout = real.clone(remote, tmp_path / "sparse", "--filter=blob:none", "--no-checkout", "--depth=1")
    real.git(checkout, "sparse-checkout", "set", "--cone", sparse_index, "src")
    real.git(checkout, "checkout", "--quiet", "main")
    assert not (checkout / "far").exists()
    before = real.git(checkout, "status", "--porcelain=v2")

    save(workspace_of(checkout))

    assert real.files(remote) == {**BASE, STORE: "{}\n", "far/away/x": "1\n"}
    assert real.git(checkout, "status", "--porcelain=v2") == before == ""
    assert not (checkout / "far").exists()
    missing = real.git(checkout, "rev-list", "--objects", "--missing=print", "HEAD")
    assert "\n?" in missing, "the blobs of other files were not fetched for this"


def test_publish__a_linked_work_tree__works_too(tmp_path: Path, checkout: Path, remote: Path) -> None:
    real.git(checkout, "worktree", "add", "--quiet", "../linked", "-b", "side")
    real.git(checkout, "push", "--quiet", "origin", "side")

    assert save(workspace_of(tmp_path / "linked")).branch == "side"
    assert real.files(remote, "side") == {**BASE, STORE: "{}\n"}


def test_publish__a_checkout_in_a_folder_of_the_workspace(tmp_path: Path, checkout: Path, remote: Path) -> None:
    workspace = workspace_of(tmp_path)
    path = f"checkout/{STORE}"
    workspace.write({path: b"1"})

    assert workspace.publish(Publication((path,))).sha
    assert real.files(remote) == {**BASE, STORE: "1"}
    assert workspace.in_checkout(path) == STORE
    assert workspace.head_branch(path=path) == "main"
    with pytest.raises(StoreError, match=r"is not a checkout\. Run actions/checkout before this step"):
        workspace.head_branch()
    real.clone(remote, tmp_path / "second")
    with pytest.raises(InputError, match="more than one checkout"):
        workspace.check_publish(Publication((path,), removed=("second/README.md",)))


def test_publish__an_empty_repository__gets_its_first_commit(tmp_path: Path) -> None:
    remote = real.make_bare_remote(tmp_path / "empty.git")
    checkout = real.clone(remote, tmp_path / "checkout")

    published = save(workspace_of(checkout))

    assert real.files(remote) == {STORE: "{}\n"}
    assert head(checkout) == ("ref: refs/heads/main\n", published.sha)
    assert real.git(checkout, "status", "--porcelain") == ""


def test_publish__sha256_repository(tmp_path: Path) -> None:
    remote = tmp_path / "remote.git"
    checkout = tmp_path / "checkout"
    real.git(tmp_path, "init", "--quiet", "--bare", "--object-format=sha256", str(remote))
    real.git(tmp_path, "init", "--quiet", "--object-format=sha256", str(checkout))
    real.git(checkout, "remote", "add", "origin", str(remote))
    workspace = workspace_of(checkout)
    workspace.write({"a": b"1", "b": b"1"})
    workspace.publish(Publication(("a", "b")))

    assert len(workspace.publish(Publication(("a",), removed=("b",))).sha) == 64
    assert real.files(remote) == {"a": "1"}


def test_publish__local_commits_that_were_never_pushed__are_not_published(checkout: Path, remote: Path) -> None:
    mine = real.commit(checkout, {"mine": "1\n"})

    save(workspace_of(checkout))

    assert real.files(remote) == {**BASE, STORE: "{}\n"}
    assert head(checkout)[1] == mine


def test_publish__a_file_that_is_not_on_disk__is_said(checkout: Path) -> None:
    with pytest.raises(StoreError, match="'data/store.json' is not in the workspace"):
        workspace_of(checkout).publish(Publication((STORE,)))
