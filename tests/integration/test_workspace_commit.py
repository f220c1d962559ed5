"""Commits of exactly our files, on whatever the branch has become, in whatever state the checkout is."""

from __future__ import annotations

import itertools
import os
import re
import select
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gh_store_action.domain.commit_message import Author, with_trailers
from gh_store_action.errors import AccessDeniedError, ConcurrentUpdateError, InputError, StoreError
from gh_store_action.workspace.commits import LONGEST_PAUSE, TRIES, pause
from gh_store_action.workspace.files import Publication, Published, Workspace
from gh_store_action.workspace.git import Git
from tests.support import git as real

ROOT = os.geteuid() == 0
OWNER = 1001
FAR = 4_102_444_800  # the year 2100
STORE = "data/store.json"
BASE = {"README.md": "base\n", "src/a.py": "a\n", "src/b.py": "b\n"}


def never(seconds: float) -> None:
    raise AssertionError("nobody else pushes, so there is nothing to wait for")


def workspace_of(checkout: Path, sleep: Callable[[float], None] = never, path: str = "") -> Workspace:
    return Workspace(
        checkout,
        environ={"PATH": path or os.environ["PATH"], "HOME": "/nonexistent", "GITHUB_TOKEN": "ghs_secret"},
        server_url="https://github.com",
        token="ghs_secret",
        sleep=sleep,
    )


def save(workspace: Workspace, text: str = "{}\n", **publication: str) -> Published:
    workspace.write({STORE: text.encode()})
    return workspace.publish(Publication((STORE,), **{"message": "Update the snapshot", **publication}))


def state(checkout: Path) -> dict[str, object]:
    """All of a checkout that is the user's: status, index, staged changes, HEAD, branches, files."""

    def others(text: str) -> list[str]:
        return [line for line in text.splitlines() if not re.search(rf"\s{re.escape(STORE)}(\s|$)", line)]

    return {
        "status": others(real.git(checkout, "status", "--porcelain=v2", "--untracked-files=all")),
        "index": others(real.git(checkout, "ls-files", "--stage", "--debug", "-t").replace("\n  ", " ")),
        "staged": real.git(checkout, "diff", "--cached", "--", ".", f":!{STORE}"),
        "unstaged": real.git(checkout, "diff", "--", ".", f":!{STORE}"),
        "stash": real.git(checkout, "stash", "list"),
        "config": (checkout / ".git/config").read_text(),
        "files": {
            path: path.read_bytes()
            for path in sorted(checkout.rglob("*"))
            if path.is_file() and ".git" not in path.parts and not path.as_posix().endswith(STORE)
        },
    }


def head(checkout: Path) -> tuple[str, str]:
    return (checkout / ".git/HEAD").read_text(), real.git(checkout, "rev-parse", "HEAD").strip()


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return real.make_bare_remote(tmp_path / "remotes/store.git", BASE)


@pytest.fixture
def checkout(tmp_path: Path, remote: Path) -> Path:
    return real.clone(remote, tmp_path / "checkout")


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
    with pytest.raises(InputError, match="not of the form `Name <email>`"):
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

    with pytest.raises(StoreError, match=r"on no branch \(a detached HEAD\).*Give the argument `branch`"):
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
    with pytest.raises(StoreError, match=r"is no checkout\. Use actions/checkout before this step"):
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


@pytest.mark.parametrize("lock", ["index.lock", "refs/heads/main.lock"])
def test_publish__somebody_elses_lock__leaves_the_checkout_alone_and_the_push_counts(
    checkout: Path, remote: Path, lock: str
) -> None:
    (checkout / ".git" / lock).touch()

    published = save(workspace_of(checkout))

    assert real.git(remote, "rev-parse", "main").strip() == published.sha


def test_publish__a_file_that_is_not_on_disk__is_said(checkout: Path) -> None:
    with pytest.raises(StoreError, match="'data/store.json' is not in the workspace"):
        workspace_of(checkout).publish(Publication((STORE,)))


# ---- branches


def test_publish__another_branch__is_made_without_history_and_then_continued(checkout: Path, remote: Path) -> None:
    before, at = state(checkout), head(checkout)

    save(workspace_of(checkout), "1\n", branch="store/data")
    save(workspace_of(checkout), "2\n", branch="refs/heads/store/data", message="second")

    assert real.log(remote, "store/data") == ["second", "Update the snapshot"]
    assert real.files(remote, "store/data") == {STORE: "2\n"}
    assert real.files(remote) == BASE
    assert (state(checkout), head(checkout)) == (before, at)
    assert real.git(checkout, "branch", "--list") == "* main\n"


def test_committed__names_what_is_there_and_reads_it(tmp_path: Path, checkout: Path, remote: Path) -> None:
    workspace = workspace_of(checkout)
    oids = workspace.committed("src", Publication(()), tip=False)
    assert sorted(oids) == ["a.py", "b.py"]
    assert workspace.blobs("src", [oids["b.py"], oids["a.py"]]) == [b"b\n", b"a\n"]
    assert workspace.committed("sr", Publication(()), tip=False) == {}
    with pytest.raises(StoreError, match="git has no object 0000"):
        workspace.blobs("src", ["0" * 40])
    real.git(checkout, "remote", "remove", "origin")
    assert workspace.blobs("src", [oids["a.py"]]) == [b"a\n"]
    empty = tmp_path / "empty"
    empty.mkdir()
    real.git(empty, "init", "--quiet")
    assert workspace_of(empty).committed("src", Publication(()), tip=False) == {}
    assert workspace_of(empty).has_checkout("src") and not workspace_of(tmp_path).has_checkout("src")


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://github.com/octo/store", "octo/store"),
        ("https://x:y@github.com/octo/store.git/", "octo/store"),
        ("ssh://git@github.com/octo/store.git", "octo/store"),
        ("git@github.com:octo/store.git", ""),
        ("/srv/octo/store.git", ""),
        ("https://github.com/octo", ""),
    ],
)
def test_repository__is_what_a_web_address_names(checkout: Path, address: str, name: str) -> None:
    real.git(checkout, "remote", "set-url", "origin", address)
    assert workspace_of(checkout).repository("src/a.py") == name


def test_published__reads_a_branch_that_is_not_in_the_work_tree(checkout: Path, remote: Path) -> None:
    real.push(remote, {STORE: "1\n"}, branch="data")
    workspace = workspace_of(checkout)

    assert real.on_branch(workspace, STORE, "data") == b"1\n"
    assert real.on_branch(workspace, "data", "data") is None
    assert real.on_branch(workspace, "none", "data") is None
    assert real.on_branch(workspace, STORE, "none") is None
    assert real.on_branch(workspace, "README.md") == b"base\n"


@pytest.mark.parametrize(
    "branch",
    ["-x", "--upload-pack=touch x", "a b", "a..b", "@{-1}", "a.lock", "refs/tags/x", "a\nb", "+main", "a:b", "HEAD"],
)
def test_branch__a_name_that_git_does_not_allow__is_refused(checkout: Path, branch: str) -> None:
    if branch == "+main":  # allowed by git, and nothing but a name here
        assert workspace_of(checkout).check_publish(Publication((), branch=branch)) == branch
        return
    with pytest.raises(InputError, match="branch name"):
        workspace_of(checkout).check_publish(Publication((), branch=branch))


def test_publish__a_branch_that_was_never_pushed__is_not_made_from_nothing(checkout: Path) -> None:
    real.git(checkout, "checkout", "--quiet", "-b", "feature")

    with pytest.raises(StoreError, match="Branch feature is not on the remote origin. Push it first"):
        save(workspace_of(checkout))


def test_publish__a_branch_below_another__is_said(checkout: Path) -> None:
    with pytest.raises(InputError, match="another branch has a name that is a part of this one"):
        save(workspace_of(checkout), branch="main/data")


def test_publish__a_file_of_others_in_the_way__is_not_removed(checkout: Path, remote: Path) -> None:
    real.push(remote, {STORE + "/inner": "theirs\n"}, branch="taken")

    with pytest.raises(StoreError, match="has 'data/store.json/inner' where this would write"):
        save(workspace_of(checkout), branch="taken")
    assert real.files(remote, "taken") == {STORE + "/inner": "theirs\n"}


# ---- others push too


def test_publish__lost_races__are_built_anew_on_what_the_others_pushed(
    tmp_path: Path, checkout: Path, remote: Path
) -> None:
    pauses: list[float] = []
    others = iter(range(3))

    def push_of_another() -> None:
        for number in itertools.islice(others, 1):
            real.push(remote, {f"other-{number}": "1\n"}, message=f"other {number}")

    with interrupting_git(tmp_path, "push", push_of_another) as path:
        published = save(workspace_of(checkout, sleep=pauses.append, path=path))

    assert published.tries == 4
    assert real.log(remote) == ["Update the snapshot", "other 2", "other 1", "other 0", "another's commit"]
    assert set(real.files(remote)) == {*BASE, STORE, "other-0", "other-1", "other-2"}
    assert [0.25 * 2**n <= seconds <= 2**n for n, seconds in enumerate(pauses)] == [True] * 3


def test_publish__another_pushes_the_same_bytes_first__is_no_commit(
    tmp_path: Path, checkout: Path, remote: Path
) -> None:
    once = iter([lambda: real.push(remote, {STORE: "{}\n"}, message="same")])

    with interrupting_git(tmp_path, "push", lambda: next(once, lambda: None)()) as path:
        published = save(workspace_of(checkout, sleep=lambda _: None, path=path))

    assert published == Published("", "main", 2)
    assert real.log(remote) == ["same", "another's commit"]


def test_publish__always_too_late__ends_and_says_how_often(tmp_path: Path, checkout: Path, remote: Path) -> None:
    pauses: list[float] = []
    numbers = iter(range(100))

    with (
        interrupting_git(tmp_path, "push", lambda: real.push(remote, {"other": f"{next(numbers)}"})) as path,
        pytest.raises(
            ConcurrentUpdateError, match=f"Branch main of remote origin .* each of {TRIES} tries.*concurrency"
        ),
    ):
        save(workspace_of(checkout, sleep=pauses.append, path=path))

    assert len(pauses) == TRIES - 1 and next(numbers) == TRIES
    assert real.files(remote) == {**BASE, "other": f"{TRIES - 1}"}


def test_pause__grows_to_a_limit_and_differs() -> None:
    assert [pause(n, lambda: 1.0) for n in (1, 2, 3, 6, 11)] == [1, 2, 4, LONGEST_PAUSE, LONGEST_PAUSE]
    assert [pause(n, lambda: 0.0) for n in (1, 2)] == [0.25, 0.5]
    assert len({pause(3) for _ in range(20)}) > 10


@contextmanager
def interrupting_git(tmp_path: Path, command: str, act: Callable[[], object]) -> Iterator[str]:
    """A PATH whose git lets this test act each time before a certain command is run."""
    folder = tmp_path / "interrupting"
    path, _ = real.recording_git(folder)
    ask, go, wrapper = folder / "ask", folder / "go", folder / "git"
    os.mkfifo(ask)
    os.mkfifo(go)
    question = f'if [ "$1" = {command} ]; then echo x > {ask}; cat {go}; fi\nexec '
    wrapper.write_text(wrapper.read_text().replace("exec ", question))

    def answer() -> None:
        while ask.read_text() != "over":
            act()
            go.write_text("")

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield path
    finally:
        ask.write_text("over")
        thread.join()


class Hours:
    """Time that passes only while everybody waits: then those wake whose time comes within one push of the first."""

    ONE_PUSH = 2.0

    def __init__(self, people: int) -> None:
        self.awake, self.now = people, 0.0
        self.waiting: list[float] = []
        self.change = threading.Condition()

    def sleep(self, seconds: float) -> None:
        with self.change:
            until = self.now + seconds
            self.waiting.append(until)
            self._one_less()
            assert self.change.wait_for(lambda: until <= self.now, timeout=60)

    def leave(self) -> None:
        with self.change:
            self._one_less()

    def _one_less(self) -> None:
        self.awake -= 1
        if not self.awake and self.waiting:
            self.now = min(self.waiting) + self.ONE_PUSH
            self.awake = sum(until <= self.now for until in self.waiting)
            self.waiting = [until for until in self.waiting if until > self.now]
            self.change.notify_all()


def test_publish__twenty_at_once__all_arrive_and_none_undoes_another(tmp_path: Path, remote: Path) -> None:
    people = 20
    checkouts = [real.clone(remote, tmp_path / f"c{n}", *(["--depth=1"] if n % 2 else [])) for n in range(people)]
    hours, start = Hours(people), threading.Barrier(people)
    results: dict[int, Published] = {}

    def run(number: int) -> None:
        try:
            workspace = workspace_of(checkouts[number], sleep=hours.sleep)
            workspace.write({f"by/{number}": b"1", "shared": f"{number}".encode()})
            start.wait(30)
            results[number] = workspace.publish(Publication((f"by/{number}", "shared"), message=f"by {number}"))
        finally:
            hours.leave()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(results) == people
    assert set(real.files(remote)) == {*BASE, "shared", *(f"by/{n}" for n in range(people))}
    assert sorted(real.log(remote)) == sorted([f"by {n}" for n in range(people)] + ["another's commit"])
    assert 1 < max(result.tries for result in results.values()) <= TRIES
    real.git(remote, "fsck", "--strict", "--no-dangling")


# ---- other people's ground


def test_publish__no_hook_filter_helper_or_program_of_the_repository_is_run(
    tmp_path: Path, checkout: Path, remote: Path
) -> None:
    ran = tmp_path / "ran"
    evil = f"touch {ran}; cat"
    attributes = "* filter=evil diff=evil text eol=crlf ident\ndata/* working-tree-encoding=UTF-16\n"
    real.commit(checkout, {".gitattributes": attributes})
    real.git(checkout, "push", "--quiet")
    os.utime(checkout / "README.md", (FAR, FAR))  # younger than any index: each writing of one looks at the file
    real.git(checkout, "update-index", "README.md")
    for name in ("pre-commit", "pre-push", "post-index-change", "reference-transaction", "post-checkout", "fsmonitor"):
        real.add_hook(checkout, name, evil)
    evil_hook = str(checkout / ".git/hooks/fsmonitor")
    for key, value in {
        "filter.evil.clean": evil,
        "filter.evil.smudge": evil,
        "filter.evil.process": evil,
        "filter.evil.required": "true",
        "diff.evil.textconv": evil,
        "core.fsmonitor": evil_hook,
        "core.hooksPath": str(checkout / ".git/hooks"),
        "core.pager": evil,
        "core.editor": evil,
        "core.askPass": evil_hook,
        "credential.helper": "!" + evil,
        "gpg.program": evil_hook,
        "commit.gpgSign": "true",
        "push.gpgSign": "if-asked",
        "alias.push": "!" + evil,
        "alias.write-tree": "!" + evil,
    }.items():
        real.git(checkout, "config", key, value)
    (checkout / "git").write_text(f"#!/bin/sh\n{evil}\n")
    (checkout / "git").chmod(0o755)
    text = "{}\r\n$Id$\n"
    real.git(checkout, "update-ref", "refs/x", "HEAD")
    assert ran.exists(), "a hook that is planted does run in the user's own git"
    ran.unlink()

    save(workspace_of(checkout, path=f"{checkout}:.::{os.environ['PATH']}"), text)

    assert not ran.exists()
    assert real.git(remote, "cat-file", "blob", f"main:{STORE}").encode() == text.encode()
    real.git(checkout, "config", "--unset", "filter.evil.process")
    real.git(checkout, "hash-object", "README.md")
    assert ran.exists(), "and so does the filter"


def test_publish__what_reaches_git__is_an_environment_without_secrets(tmp_path: Path, checkout: Path) -> None:
    path, record = real.recording_git(tmp_path / "bin")
    workspace = Workspace(
        checkout,
        {
            "PATH": path,
            "INPUT_TOKEN": "in-secret",
            "GITHUB_TOKEN": "gh-secret",
            "GIT_DIR": "/",
            "https_proxy": "http://p",
        },
        "https://github.com",
        "ghs_secret",
        never,
    )

    save(workspace)

    text = record.read_text()
    assert "ARGV push" in text and "ENV https_proxy=http://p\n" in text
    assert "secret" not in text and real.basic("ghs_secret") not in text, "the remote is not GitHub"
    assert {line for line in text.splitlines() if line.startswith("ENV GIT_DIR")} == set()


def test_publish__replaced_objects_and_odd_settings__change_nothing(checkout: Path, remote: Path) -> None:
    fake = real.commit(checkout, {"fake": "1\n"})
    real.git(checkout, "reset", "--quiet", "--hard", "HEAD^")
    real.git(checkout, "replace", "HEAD", fake)
    for key, value in {"core.splitIndex": "true", "fetch.prune": "true", "push.followTags": "true"}.items():
        real.git(checkout, "config", key, value)
    real.git(checkout, "tag", "-a", "-m", "x", "v1")

    save(workspace_of(checkout))

    assert real.files(remote) == {**BASE, STORE: "{}\n"}
    assert real.git(remote, "tag") == ""


@pytest.mark.skipif(not ROOT, reason="only root meets a workspace that is not its own")
@pytest.mark.parametrize("depth", [(), ("--depth=1",)])
def test_publish__as_root__leaves_nothing_of_root_in_the_workspace(
    tmp_path: Path, remote: Path, depth: tuple[str, ...]
) -> None:
    checkout = real.clone(remote, tmp_path / "theirs", *depth)
    for path in (checkout, *checkout.rglob("*")):
        os.chown(path, OWNER, 1002, follow_symlinks=False)
    real.push(remote, {STORE: "0\n"}, branch="data")
    workspace = workspace_of(checkout, sleep=lambda _: None)

    real.on_branch(workspace, STORE, "data")
    assert _roots(checkout) == []
    save(workspace, "1\n")
    assert _roots(checkout) == []
    save(workspace, "2\n", branch="data")
    real.push(remote, {"other": "1\n"})
    save(workspace, "3\n")
    assert _roots(checkout) == []
    real.add_hook(remote, "pre-receive", "exit 1\n")
    with pytest.raises(AccessDeniedError):
        save(workspace, "4\n")
    os.chown(checkout / ".git/hooks", OWNER, 1002)
    assert _roots(checkout) == []


@pytest.mark.skipif(not ROOT, reason="only root meets a workspace that is not its own")
def test_publish__as_root__git_files_outside_the_workspace_are_not_given_away(tmp_path: Path, remote: Path) -> None:
    checkout = real.clone(remote, tmp_path / "linked", f"--separate-git-dir={tmp_path / 'elsewhere'}")
    for path in (checkout, *checkout.rglob("*")):
        os.chown(path, OWNER, 1002)

    save(workspace_of(checkout))

    assert {path.stat().st_uid for path in (tmp_path / "elsewhere").rglob("*")} == {0}


@pytest.mark.skipif(not ROOT, reason="only root meets a workspace that is not its own")
def test_publish__as_root__a_link_is_given_back_and_not_what_it_points_to(tmp_path: Path, checkout: Path) -> None:
    (tmp_path / "outside").touch()
    (checkout / ".git/link").symlink_to(tmp_path / "outside")
    os.chown(checkout, OWNER, 1002)

    save(workspace_of(checkout))

    assert (checkout / ".git/link").lstat().st_uid == OWNER
    assert (tmp_path / "outside").stat().st_uid == 0


def _roots(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.lstat().st_uid == 0]


# ---- failures that teach


def test_publish__protected_branch__says_what_to_do(checkout: Path, remote: Path) -> None:
    real.add_hook(
        remote,
        "pre-receive",
        "echo 'error: GH006: Protected branch update failed for refs/heads/main.' >&2\n"
        "printf 'error: Changes must be made through \\033[1ma pull request.\\n::error::x\\n' >&2\nexit 1\n",
    )

    with pytest.raises(AccessDeniedError) as caught:
        save(workspace_of(checkout))

    assert str(caught.value) == (
        "The branch is protected and refused the push. Git said: “remote: error: GH006: Protected branch update failed "
        "for refs/heads/main.”. Let this token pass the rule, or give the argument `branch` an unprotected branch."
    )
    assert "branch: store-data" in caught.value.detail


def test_publish__a_hook_of_the_server__is_quoted(checkout: Path, remote: Path) -> None:
    real.add_hook(remote, "pre-receive", "echo 'no JSON on Fridays' >&2\nexit 1\n")

    with pytest.raises(AccessDeniedError, match="hook of the server declined"):
        save(workspace_of(checkout))


def test_publish__remote_gone__is_said(checkout: Path, remote: Path) -> None:
    shutil.rmtree(remote)

    with pytest.raises(StoreError, match="The remote repository is not there") as caught:
        save(workspace_of(checkout))
    assert "\n" not in str(caught.value)


def test_remote__none__is_said_and_another_single_one_is_taken(tmp_path: Path, checkout: Path, remote: Path) -> None:
    real.git(checkout, "remote", "rename", "origin", "upstream")
    assert save(workspace_of(checkout)).sha
    real.git(checkout, "remote", "remove", "upstream")
    with pytest.raises(StoreError, match=r"no remote `origin` to push to \(its remotes: none\)"):
        workspace_of(checkout).check_publish(Publication((STORE,)))
    (checkout / ".git/config").write_text((checkout / ".git/config").read_text() + f'[remote "-x"]\nurl = {remote}\n')
    with pytest.raises(StoreError, match=r"its remotes: -x"):
        workspace_of(checkout).check_publish(Publication((STORE,)))


def test_checkout__none_or_broken__says_to_check_out(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(StoreError, match=r"is no checkout\. Use actions/checkout before this step"):
        workspace_of(tmp_path / "plain").check_publish(Publication((STORE,)))

    real.git(tmp_path, "init", "--quiet")
    (tmp_path / "plain/.git").mkdir()
    with pytest.raises(StoreError, match=r"not a checked-out repository.* Use actions/checkout before this step"):
        workspace_of(tmp_path / "plain").head_branch()


def test_git__missing__is_said(tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gh_store_action.workspace.git.PROGRAMS", (str(tmp_path / "none"),))

    with pytest.raises(StoreError, match="`git` could not be started: No such file or directory"):
        workspace_of(checkout, path="/nonexistent").head_branch()


def test_git__that_hangs__is_stopped_with_all_it_started(tmp_path: Path, checkout: Path) -> None:
    folder = tmp_path / "slow"
    folder.mkdir()
    (folder / "git").write_text(f"#!/bin/sh\n sleep 60 & echo $! > {tmp_path / 'pid'}; wait\n")
    (folder / "git").chmod(0o755)
    git = Git(checkout, {"PATH": f"{folder}:{os.environ['PATH']}"}, "https://github.com", "", checkout, seconds=0.3)

    with pytest.raises(StoreError, match=r"`git fetch` took longer than 0\.3 seconds and was stopped"):
        git.run("fetch")
    assert has_ended(int((tmp_path / "pid").read_text()))


def has_ended(process: int) -> bool:
    """Whether it is over, or is within seconds (a killed process may still be on its way out)."""
    try:
        watch = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watch], [], [], 10)[0])
    finally:
        os.close(watch)


def test_windows__what_only_others_have_is_not_asked_for(
    tmp_path: Path, checkout: Path, remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nearest to it here: without the calls that Windows has not."""
    for name in ("geteuid", "fchmod", "O_DIRECTORY", "killpg"):
        monkeypatch.delattr(os, name)
    monkeypatch.setattr(os, "supports_effective_ids", set())
    workspace = workspace_of(checkout)
    assert workspace.check_output(STORE) == STORE
    assert save(workspace).sha and real.files(remote) == {**BASE, STORE: "{}\n"}
    slow = tmp_path / "slow"
    slow.mkdir()
    (slow / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (slow / "git").chmod(0o755)
    hanging = Git(checkout, {"PATH": str(slow)}, "", "", shut=tmp_path / "shut", seconds=0.2)
    with pytest.raises(StoreError, match="took longer than 0.2 seconds"):
        hanging.run("status")


def test_git__that_fails_otherwise__is_quoted(checkout: Path) -> None:
    git = Git(checkout, os.environ, "https://github.com", "", checkout)

    with pytest.raises(StoreError, match=r"`git cat-file` failed: “fatal: Not a valid object name nonsense”\."):
        git.run("cat-file", "-p", "nonsense")
    with pytest.raises(StoreError, match=r"`git diff` failed: “exit code 1”\."):
        git.run("diff", "--quiet", "--no-index", "README.md", "src/a.py")


def test_author__variables() -> None:
    assert Author.parse("A <a@b>").variables == {
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@b",
    }
