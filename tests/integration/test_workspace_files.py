"""Which paths of the workspace may be written, and how files appear there."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from gh_store_action.errors import InputError, StoreError
from gh_store_action.regular_files import MIB, content
from gh_store_action.workspace.files import Workspace
from gh_store_action.workspace.paths import is_git
from tests.support.git import git

ROOT = os.geteuid() == 0
OWNER = 1001


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture
def workspace(home: Path) -> Workspace:
    def never(seconds: float) -> None:
        raise AssertionError("files need no waiting")

    return Workspace(home, environ={}, server_url="https://github.com", token="ghs_secret", sleep=never)


@contextmanager
def as_ordinary_user() -> Iterator[Workspace]:
    """A workspace seen by somebody who is not root and does not own it: root may write everywhere."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, "workspace")
        home.mkdir()
        (home / "secret").touch(mode=0o000)
        home.chmod(0o555)
        Path(folder).chmod(0o755)
        if ROOT:
            os.seteuid(OWNER)
        try:
            yield Workspace(home, environ={}, server_url="https://github.com", token="", sleep=print)
        finally:
            if ROOT:
                os.seteuid(0)
            home.chmod(0o755)


def test_repr__shows_no_secret(home: Path) -> None:
    workspace = Workspace(home, {"INPUT_TOKEN": "ghs_secret"}, "https://github.com", "ghs_secret", print)

    assert "ghs_secret" not in repr(workspace)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("store.json", "store.json"),
        ("data/store.json", "data/store.json"),
        ("./data//x/../store.json", "data/store.json"),
        ("{home}/data/store.json", "data/store.json"),
        ("data/å b.json", "data/å b.json"),
        (".github/store.json", ".github/store.json"),
        ("inward/store.json", "real/store.json"),
        ("inward.json", "real/file.json"),
        ("x/../../workspace/store.json", "store.json"),
    ],
)
def test_output__a_path_inside__is_named_as_it_really_is(
    workspace: Workspace, home: Path, path: str, expected: str
) -> None:
    (home / "real").mkdir()
    (home / "inward").symlink_to("real")
    (home / "inward.json").symlink_to("real/file.json")

    assert workspace.output(path.format(home=home)) == expected
    assert workspace.check_output(path.format(home=home)) == expected


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("a\nb", "unprintable"),
        ("a\0b", "unprintable"),
        ("data\\store.json", "backslash"),
        ("a" * 256, "too long"),
        (".", "not inside the workspace"),
        ("..", "not inside the workspace"),
        ("../other.json", "not inside the workspace"),
        ("/etc/passwd", "not inside the workspace"),
        ("data/../../other.json", "not inside the workspace"),
        ("outward/store.json", "not inside the workspace"),
        ("outward.json", "not inside the workspace"),
        ("dangling.json", "not inside the workspace"),
        (".git/config", "inside `.git`"),
        (".GIT/config", "inside `.git`"),
        ("git~1/config", "inside `.git`"),
        ("module/.git", "inside `.git`"),
        ("hidden/config", "inside `.git`"),
        (".git./store.json", "inside `.git`"),
        ("data/.GIT /store.json", "inside `.git`"),
        ("data/.git . ./store.json", "inside `.git`"),
        (".git::$INDEX_ALLOCATION/store.json", "inside `.git`"),
        ("Git~1. :x", "inside `.git`"),
    ],
)
def test_output__any_other_path__is_refused_everywhere(
    workspace: Workspace, home: Path, path: str, message: str
) -> None:
    (home.parent / "elsewhere").mkdir()
    (home.parent / "elsewhere/file").touch()
    (home / ".git").mkdir()
    (home / "outward").symlink_to(home.parent / "elsewhere")
    (home / "outward.json").symlink_to("../elsewhere/file")
    (home / "dangling.json").symlink_to("../elsewhere/new")
    (home / "hidden").symlink_to(".git")
    before = sorted(home.parent.rglob("*"))

    for use in (
        workspace.output,
        workspace.check_output,
        workspace.read,
        workspace.existing,
        lambda path: workspace.reader()(path),
        lambda path: workspace.write({"good.json": b"1", path: b"2"}),
    ):
        with pytest.raises(InputError, match=message):
            use(path)
    assert sorted(home.parent.rglob("*")) == before


def test_output__a_loop_of_links__is_refused(workspace: Workspace, home: Path) -> None:
    (home / "a").symlink_to("b")
    (home / "b").symlink_to("a")

    with pytest.raises(InputError):
        workspace.check_output("a")


def test_output__no_workspace__says_to_check_out(tmp_path: Path, workspace: Workspace, home: Path) -> None:
    home.rmdir()

    with pytest.raises(StoreError, match=r"does not exist\. Run actions/checkout before this step"):
        workspace.output("store.json")


NAMES = [
    *(
        f"{name}{end}"
        for name in (".git", ".GIT", "git~1", "Git~1")
        for end in ("", ".", " ", ". .", ":", "::$x", ". :")
    ),
    *(".g\u200cit", "\ufeff.git", ".gi\u206at", ".git\u202e"),
    *(
        ".github",
        ".gitx",
        "..git",
        " .git",
        "git",
        "git~2",
        "git~10",
        ".git.x",
        ".git x",
        ".gıt",
        ".git-",
        "x.git",
        ".gi",
    ),
]


@pytest.mark.parametrize("name", NAMES)
def test_is_git__is_what_git_refuses(tmp_path: Path, name: str) -> None:
    """On every file system: what one person commits, another has to check out."""
    git(tmp_path, "init", "--quiet")
    protected = ("-c", "core.protectNTFS=true", "-c", "core.protectHFS=true")
    blob = git(tmp_path, "hash-object", "-w", "--stdin", stdin=b"x").strip()
    entry = f"100644 {blob}\tdata/{name}/store.json\0".encode()
    git(tmp_path, *protected, "update-index", "-z", "--index-info", stdin=entry)

    assert is_git(name) == (git(tmp_path, "ls-files") == "")


def test_existing__nothing_of_what_git_takes_for_its_own(workspace: Workspace, home: Path) -> None:
    for name in (".git./a", "data/git~1 /a", "data/a"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).touch()

    assert workspace.existing("data") == ("data/a",)


@pytest.mark.parametrize(
    "path",
    [
        ".gitmodules",
        ".gitattributes",
        ".gitignore",
        "data/.GitIgnore. ",
        "gitmod~1",
        ".gitmodules/a.json",
        "link",
        "l/a",
    ],
)
@pytest.mark.parametrize("folder", [False, True])
def test_check_output__a_file_that_git_reads__is_refused(
    workspace: Workspace, home: Path, path: str, folder: bool
) -> None:
    (home / "link").symlink_to(".gitattributes")
    (home / "l").symlink_to(".gitmodules")

    with pytest.raises(InputError, match="has the name of a file that git reads. Choose another path"):
        workspace.check_output(path, folder=folder)
    assert workspace.check_output(".gitkeep") == ".gitkeep"


@pytest.mark.parametrize("path", ["folder", "new/", "socket"])
def test_check_output__what_no_file_can_be__is_refused(workspace: Workspace, home: Path, path: str) -> None:
    (home / "folder").mkdir()
    os.mkfifo(home / "socket")

    with pytest.raises(InputError, match="folder|regular file"):
        workspace.check_output(path)


@pytest.mark.parametrize("folder", [False, True])
def test_check_output__a_file_where_a_folder_is_needed__is_refused(
    workspace: Workspace, home: Path, folder: bool
) -> None:
    (home / "file").touch()

    with pytest.raises(InputError, match="'file' is not a folder"):
        workspace.check_output("file/a/b", folder=folder)


def test_check_output__a_folder_that_is_there_or_not__is_fine_for_the_directory_format(
    workspace: Workspace, home: Path
) -> None:
    (home / "data").mkdir()

    assert workspace.check_output("data", folder=True) == "data"
    assert workspace.check_output("data/store", folder=True) == "data/store"
    assert not (home / "data/store").exists()


def test_check_output__no_permission__is_said_before_the_work() -> None:
    with as_ordinary_user() as workspace:
        with pytest.raises(StoreError, match=r"'data/store.json' cannot be written: no permission in '\.'"):
            workspace.check_output("data/store.json")
        with pytest.raises(StoreError, match=r"'data/store.json' cannot be written: Permission denied"):
            workspace.write({"data/store.json": b"1"})


def test_read__gives_bytes_or_none(workspace: Workspace, home: Path) -> None:
    (home / "a").write_bytes(b"\xff\r\n")
    (home / "folder").mkdir()

    assert workspace.read("a") == b"\xff\r\n"
    assert workspace.read("b/c") is None
    with pytest.raises(InputError, match="not a regular file"):
        workspace.read("folder")


def test_read__takes_the_memory_of_the_file__not_of_the_largest_one(workspace: Workspace, home: Path) -> None:
    (home / "a").write_bytes(b"1")
    tracemalloc.start()
    try:
        workspace.read("a")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MIB


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has regular files that tell no size")
def test_content__of_a_file_that_tells_no_size__is_all_of_it(tmp_path: Path) -> None:
    assert content("/proc/self/status", MIB).startswith(b"Name:")
    with pytest.raises(OSError, match="it is larger than 0 KiB"):
        content("/proc/self/status", 10)


def test_reader__looks_at_links_anew_each_time_but_resolves_a_folder_once(workspace: Workspace, home: Path) -> None:
    for name in ("one", "two"):
        (home / name).mkdir()
        (home / name / "a").write_text(name)
    (home / "now").symlink_to("one")
    read = workspace.reader()
    assert read("now/a") == b"one"
    (home / "now").unlink()
    (home / "now").symlink_to("two")
    assert (read("now/a"), workspace.reader()("now/a"), workspace.read("now/a")) == (b"one", b"two", b"two")
    (home / "one/a").unlink()
    (home / "one/a").symlink_to(home.parent / "elsewhere")
    with pytest.raises(InputError, match="not inside the workspace"):
        read("now/a")


def test_read__a_file_that_may_not_be_read__is_said() -> None:
    with as_ordinary_user() as workspace, pytest.raises(StoreError, match="'secret' cannot be read: Permission"):
        workspace.read("secret")


def test_existing__lists_regular_files_and_follows_no_link(workspace: Workspace, home: Path) -> None:
    for name in ("data/b", "data/sub/a", "data/.git/config", "data/sub/.git", "else/where"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).touch()
    (home / "data/link").symlink_to("b")
    (home / "data/linked").symlink_to("../else")
    os.mkfifo(home / "data/pipe")

    assert workspace.existing("data") == ("data/b", "data/sub/a")
    assert workspace.existing("none") == ()


def test_write__makes_folders_and_files__and_says_what_changed(workspace: Workspace, home: Path) -> None:
    assert workspace.write({"data/deep/b.json": b"b", "a.json": b"a"}) == ("a.json", "data/deep/b.json")

    assert (home / "data/deep/b.json").read_bytes() == b"b"
    assert oct((home / "a.json").stat().st_mode) == "0o100644"
    assert sorted(p.name for p in home.rglob("*")) == ["a.json", "b.json", "data", "deep"]


@pytest.mark.parametrize(("umask", "inherited"), [(0o077, 0), (0o077, stat.S_ISGID), (0o002, 0)])
def test_write__whatever_the_umask__others_can_read_it(
    workspace: Workspace, home: Path, umask: int, inherited: int
) -> None:
    home.chmod(0o755 | inherited)
    before = os.umask(umask)
    try:
        workspace.write({"data/deep/b.json": b"b"})
    finally:
        os.umask(before)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.rglob("*")}
    assert modes == {"data": 0o755 | inherited, "deep": 0o755 | inherited, "b.json": 0o644}


def test_write__the_same_bytes__touches_nothing(workspace: Workspace, home: Path) -> None:
    workspace.write({"a": b"1", "b": b"1"})
    before = (home / "a").stat()

    assert workspace.write({"a": b"1", "b": b"2"}, removed=["none", "a/none"]) == ("b",)

    after = (home / "a").stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_ctime_ns) == (
        before.st_ino,
        before.st_mtime_ns,
        before.st_ctime_ns,
    )


def test_write__replaces_by_renaming__so_a_reader_sees_old_or_new(workspace: Workspace, home: Path) -> None:
    (home / "a").write_bytes(b"old")
    with (home / "a").open("rb") as reader:
        workspace.write({"a": b"new"})

        assert reader.read() == b"old"
    assert (home / "a").read_bytes() == b"new"


def test_write__through_a_link_inside__writes_what_it_points_to(workspace: Workspace, home: Path) -> None:
    (home / "real").mkdir()
    (home / "link").symlink_to("real")

    assert workspace.write({"link/a": b"1"}) == ("real/a",)
    assert (home / "link").is_symlink()


def test_write__several_runs_at_once__make_and_remove_the_same_folders(workspace: Workspace, home: Path) -> None:
    often = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as pool:
            for turn in range(15):
                names = [f"{turn}/a/b/c/d/{number}.json" for number in range(4)]
                assert all(pool.map(lambda name: workspace.write({name: b"x"}) == (name,), names))
                assert all(pool.map(lambda name: workspace.write({}, [name]) == (name,), names))
                assert not (home / str(turn)).exists()
    finally:
        sys.setswitchinterval(often)


def test_write__removed_files__go_with_the_folders_they_empty(workspace: Workspace, home: Path) -> None:
    workspace.write({"data/x/y/a": b"1", "data/x/b": b"1", "z/c": b"1", "d": b"1"})
    (home / "d-link").symlink_to("d")

    assert workspace.write({"d": b"1"}, removed=["data/x/y/a", "z/c", "d", "d-link"]) == ("d-link", "data/x/y/a", "z/c")

    assert sorted(p.relative_to(home).as_posix() for p in home.rglob("*")) == ["d", "data", "data/x", "data/x/b"]


def test_write__a_folder_in_the_place_of_a_removed_file__and_back(workspace: Workspace, home: Path) -> None:
    workspace.write({"a": b"1"})

    assert workspace.write({"a/b": b"2"}, removed=["a"]) == ("a", "a/b")
    assert workspace.write({"a": b"3"}, removed=["a/b"]) == ("a", "a/b")
    assert (home / "a").read_bytes() == b"3"


def test_write__removing_outside__is_refused_before_anything_is_touched(workspace: Workspace, home: Path) -> None:
    for path in ("../a", "a/..", ".git/x"):
        with pytest.raises(InputError):
            workspace.write({"a": b"1"}, removed=[path])
    assert list(home.iterdir()) == []


def test_write__that_fails__leaves_no_temporary_file(workspace: Workspace, home: Path) -> None:
    (home / "data/a").mkdir(parents=True)

    with pytest.raises(StoreError, match="'data/a' cannot be written: Is a directory"):
        workspace.write({"data/a": b"1"})
    with pytest.raises(StoreError, match="'data/a' cannot be removed: Is a directory"):
        workspace.write({}, removed=["data/a"])
    assert [p.name for p in (home / "data").iterdir()] == ["a"]


@pytest.mark.skipif(not ROOT, reason="only root can give files away")
def test_write__as_root__everything_belongs_to_the_owner_of_the_workspace(workspace: Workspace, home: Path) -> None:
    (home / "a").write_bytes(b"root's, from an earlier step")
    os.chown(home, OWNER, 1002)

    workspace.write({"a": b"1", "data/deep/b": b"2"})

    assert {(p.stat().st_uid, p.stat().st_gid) for p in home.rglob("*")} == {(OWNER, 1002)}
