"""Which branch gets the commit, and what happens when others push too."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gh_store_action.errors import ConcurrentUpdateError, InputError, StoreError
from gh_store_action.workspace.commits import LONGEST_PAUSE, TRIES, pause
from gh_store_action.workspace.files import Publication, Published
from gh_store_action.workspace.git import Unreachable
from tests.support import git as real
from tests.support.checkout import BASE, STORE, head, save, state, workspace_of

pytestmark = pytest.mark.slow

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
    assert workspace.blobs("src", [oids["a.py"]], most=2) == [b"a\n"]
    with pytest.raises(StoreError, match=f"The committed file {oids['a.py'][:10]} is larger than 0 KiB"):
        workspace.blobs("src", [oids["a.py"]], most=1)
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


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("https://github.com/Octo/Store", True),
        ("https://x:y@github.com:443/octo/store.git/", True),
        ("ssh://git@github.com/octo/store.git", True),
        ("git@github.com:octo/store.git", True),
        ("/srv/octo/store.git", True),
        ("https://ghe.example/octo/store", False),
        ("git@ghe.example:octo/store.git", False),
        ("https://github.com/octo/store-2", False),
        ("https://github.com/octo/xstore", False),
        ("https://github.com/myocto/store", False),
        ("https://github.com/octo/store/wiki", False),
        ("https://github.com/octo/store.wiki.git", False),
    ],
)
def test_is_of__knows_the_repository_by_any_address(checkout: Path, address: str, own: bool) -> None:
    real.git(checkout, "remote", "set-url", "origin", address)
    assert workspace_of(checkout).is_of("src/a.py", "octo/store") == own
    real.git(checkout, "remote", "remove", "origin")
    assert not workspace_of(checkout).is_of("src/a.py", "octo/store")


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

    with pytest.raises(StoreError, match="The remote origin has no branch feature. Push it first"):
        save(workspace_of(checkout))


def test_publish__a_branch_below_another__is_said(checkout: Path) -> None:
    with pytest.raises(InputError, match="its name is a folder of another branch's name"):
        save(workspace_of(checkout), branch="main/data")


def test_publish__a_file_of_others_in_the_way__is_not_removed(checkout: Path, remote: Path) -> None:
    real.push(remote, {STORE + "/inner": "theirs\n"}, branch="taken")

    with pytest.raises(StoreError, match="has 'data/store.json/inner' in the way"):
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
            ConcurrentUpdateError,
            match=f"Others changed the branch main of the remote origin .* each of {TRIES} pushes.*concurrency",
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


def test_publish__a_dozen_at_once__all_arrive_and_none_undoes_another(tmp_path: Path, remote: Path) -> None:
    people = 12
    checkouts = [real.clone(remote, tmp_path / f"c{n}", *(["--depth=1"] if n % 2 else [])) for n in range(people)]
    hours, start = Hours(people), threading.Barrier(people)
    results: dict[int, Published] = {}

    def run(number: int) -> None:
        try:
            workspace = workspace_of(checkouts[number], sleep=hours.sleep)
            workspace.write({f"by/{number}": b"1", "common": f"{number}".encode()})
            start.wait(30)
            results[number] = workspace.publish(Publication((f"by/{number}", "common"), message=f"by {number}"))
        finally:
            hours.leave()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(results) == people
    assert set(real.files(remote)) == {*BASE, "common", *(f"by/{n}" for n in range(people))}
    assert sorted(real.log(remote)) == sorted([f"by {n}" for n in range(people)] + ["another's commit"])
    assert 1 < max(result.tries for result in results.values()) <= TRIES
    real.git(remote, "fsck", "--strict", "--no-dangling")


@pytest.mark.parametrize("fails", [2, 3])
def test_committed__a_remote_that_does_not_answer__is_asked_three_times(
    tmp_path: Path, checkout: Path, remote: Path, fails: int
) -> None:
    """A snapshot begins with a look at the branch, which may have to be asked for as often as the push."""
    real.push(remote, {STORE: "1\n"})
    path, record = real.recording_git(tmp_path / "failing")
    wrapper, said = tmp_path / "failing/git", "fatal: unable to access 'https://x/': Could not resolve host: x"
    fail = f'if [ "$1" = ls-remote ] && [ $(grep -c "ARGV ls-remote" {record}) -le {fails} ]; then\n'
    wrapper.write_text(wrapper.read_text().replace("exec ", f'{fail}  echo "{said}" >&2; exit 128\nfi\nexec '))
    pauses: list[float] = []
    workspace = workspace_of(checkout, sleep=pauses.append, path=path)

    if fails < 3:
        assert list(workspace.committed(STORE, Publication(()), tip=True)) == [""]
    else:
        with pytest.raises(Unreachable, match="could not be reached"):
            workspace.committed(STORE, Publication(()), tip=True)
    assert len(pauses) == 2
