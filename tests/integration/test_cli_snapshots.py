"""The commands snapshot and update-snapshot: files anywhere, commits only when asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.double import GitHub, Repository
from tests.support import git as real
from tests.support.cli import Shell


@pytest.fixture
def repository(github: GitHub) -> Repository:
    repository = github.add_repository("octo/store", files={"README.md": "# A store\n"})
    for name in ("metrics", "users"):
        number = repository.open_issue("octo", f"Stored Object: {name}", "{}", ["stored-object", f"UID:{name}"])
        repository.comment(number, "octo", '{"count": 1}')
    return repository


@pytest.fixture
def shell(github: GitHub, repository: Repository, tmp_path: Path) -> Shell:
    shell = Shell(github, repository.full_name, tmp_path / "here", github.token("octo"))
    shell.folder.mkdir()
    shell.run("sweep")
    return shell


def test_snapshot__writes_to_the_current_directory_without_a_checkout(shell: Shell) -> None:
    done = shell.run("snapshot")

    file = shell.folder / "snapshot.json"
    assert done.code == 0
    assert (done.json["path"], done.json["object_count"], done.json["commit_sha"]) == (str(file), 2, "")
    assert sorted(json.loads(file.read_text("utf-8"))["objects"]) == ["metrics", "users"]


@pytest.mark.parametrize(
    ("arguments", "format_", "files"),
    [
        (["--output", "s.jsonl"], "jsonl", ["s.jsonl"]),
        (["--output", "s.NDJSON"], "jsonl", ["s.NDJSON"]),
        (["--output", "s.json/"], "directory", ["s.json/index.json"]),
        (["--format", "jsonl"], "jsonl", ["snapshot.jsonl"]),
        (["--output", "new/dir/s.json"], "json", ["new/dir/s.json"]),
        (["--format", "directory"], "directory", ["snapshot/index.json", "snapshot/objects/metrics.json"]),
        (["--output", "folder"], "directory", ["folder/index.json", "folder/objects/users.json"]),
    ],
)
def test_snapshot__has_the_format_that_is_asked_for_or_that_the_path_looks_like(
    shell: Shell, arguments: list[str], format_: str, files: list[str]
) -> None:
    (shell.folder / "folder").mkdir()

    done = shell.run("snapshot", *arguments)

    assert done.json["format"] == format_
    assert all((shell.folder / file).is_file() for file in files)


@pytest.mark.parametrize("format_", ["json", "jsonl"])
def test_snapshot__to_standard_output_is_the_file_and_nothing_else(shell: Shell, format_: str) -> None:
    before = sorted(shell.folder.iterdir())

    piped = shell.run("snapshot", "--format", format_, "--output", "-")
    planned = shell.run("snapshot", "--format", format_, "--output", "-", "--dry-run")

    assert sorted(shell.folder.iterdir()) == before
    shell.run("snapshot", "--format", format_, "--output", "s")
    assert piped.out == (shell.folder / "s").read_text("utf-8")
    assert "2 objects as of " in piped.err and piped.err.endswith(": standard output written\n")
    assert (planned.out, planned.err.endswith(": standard output would be written\n")) == ("", True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["snapshot", "--output", "-", "--commit"], "Standard output cannot be committed."),
        (["snapshot", "--output", "-", "--format", "directory"], "Standard output cannot be a folder."),
        (["snapshot", "--output", "-", "--history"], "Standard output cannot hold histories."),
        (["update-snapshot", "--output", "-"], "Only a file can be brought up to date, not standard output."),
        (["snapshot", "--output", "s.json", "--format", "jsonl"], "`s.json` looks like the format json, but"),
        (["snapshot", "--output", "s.JSONL", "--format", "json"], "looks like the format jsonl"),
        (["snapshot", "--output", "s.ndjson", "--format", "directory"], "looks like the format jsonl"),
        (["update-snapshot", "--output", "s.json", "--format", "directory"], "looks like the format json"),
        (["snapshot", "--output", "s/", "--format", "json"], "looks like the format directory"),
    ],
)
def test_snapshot__a_path_that_contradicts_the_rest_is_a_wrong_input(
    github: GitHub, shell: Shell, arguments: list[str], said: str
) -> None:
    asked = github.count()

    done = shell.run(*arguments)

    assert (done.code, said in done.err, github.count()) == (2, True, asked), done.err
    assert not list(shell.folder.glob("s*"))


def test_snapshot__below_a_file_names_the_file_as_it_is(shell: Shell) -> None:
    (shell.folder / "file").touch()

    done = shell.run("snapshot", "--output", "file/s.json")

    assert (done.code, f"cannot be written: '{shell.folder}/file' is not a folder." in done.err) == (2, True), done.err


def test_update_snapshot__takes_the_path_as_every_command_does_and_as_before(shell: Shell) -> None:
    for option in ("--output", "--snapshot-path"):
        assert shell.run("update-snapshot", option, "s.json").json["path"] == str(shell.folder / "s.json")
    assert "'--output' / '--snapshot-path'" in shell.run("update-snapshot").err


def test_snapshot__may_lie_anywhere(shell: Shell, tmp_path: Path) -> None:
    done = shell.run("snapshot", "--output", str(tmp_path / "elsewhere/s.json"))

    assert (done.code, (tmp_path / "elsewhere/s.json").is_file()) == (0, True)


def test_snapshot__dry_run_writes_nothing(shell: Shell) -> None:
    before = sorted(shell.folder.rglob("*"))

    done = shell.run("snapshot", "--dry-run")

    assert (done.json["changed"], done.json["dry_run"], sorted(shell.folder.rglob("*"))) == (True, True, before)


def test_snapshot__with_history_has_a_file_an_object(shell: Shell) -> None:
    done = shell.run("snapshot", "--output", "s/store.json", "--history")

    written = sorted(file.name for file in (shell.folder / "s/history").iterdir())
    assert (done.code, "index.json" in written, len(written)) == (0, True, done.json["object_count"] + 1)


def test_snapshot__what_is_left_out_is_told(shell: Shell, repository: Repository) -> None:
    repository.open_issue("octo", "Stored Object: b", "oops {", ["stored-object", "UID:b"])

    done = shell.run("snapshot")

    assert done.code == 0
    assert done.json["left_out"][0]["issue_number"] == 3
    assert "WARNING | Issue #3 is not in the snapshot" in done.err


def test_snapshot__of_an_empty_store_is_one_without_objects(github: GitHub, shell: Shell) -> None:
    """D06."""
    github.add_repository("octo/empty")

    assert shell.run("snapshot", "--repo", "octo/empty").json["object_count"] == 0


def test_update_snapshot__reads_what_changed_and_gives_the_same_bytes(shell: Shell, repository: Repository) -> None:
    shell.run("snapshot", "--output", "full.json")
    shell.run("snapshot", "--output", "updated.json")
    repository.comment(1, "octo", '{"count": 2}')
    shell.run("sweep")

    updated = shell.run("update-snapshot", "--snapshot-path", "updated.json")
    again = shell.run("update-snapshot", "--snapshot-path", "updated.json")
    shell.run("snapshot", "--output", "full.json")

    assert (updated.json["changed"], updated.json["full"], again.json["changed"]) == (True, False, False)
    assert (shell.folder / "full.json").read_bytes() == (shell.folder / "updated.json").read_bytes()


def test_update_snapshot__without_a_file_makes_a_full_one_and_says_so(shell: Shell) -> None:
    done = shell.run("update-snapshot", "--snapshot-path", "new.json")

    assert done.json["full"] is True
    assert "A full snapshot was made: there was none." in done.err


def test_commit__pushes_to_the_checkout_that_the_file_lies_in(shell: Shell, tmp_path: Path) -> None:
    remote = real.make_bare_remote(tmp_path / "remotes/store.git", {"README.md": "base\n"})
    checkout = real.clone(remote, tmp_path / "checkout")

    done = shell.run(
        "snapshot",
        *("--output", str(checkout / "data/s.json"), "--commit", "--commit-message", "Save the store"),
        *("--commit-author", "Ada <ada@example.org>", "--branch", "main"),
    )

    assert done.code == 0, done.err
    assert len(done.json["commit_sha"]) == 40
    assert "data/s.json" in real.files(remote)
    assert real.git(remote, "log", "-1", "--format=%an %s", "main").strip() == "Ada Save the store"
    for name in ("a", "b"):
        output = str(checkout / f"{name}.json")
        assert shell.run("snapshot", "--output", output, "--commit", "--branch", "data", "--keep", "1").code == 0
    assert real.git(remote, "rev-list", "--count", "data").strip() == "1"


def test_commit__outside_of_a_checkout_is_one_line(github: GitHub, shell: Shell) -> None:
    before = github.count()

    done = shell.run("snapshot", "--commit")

    assert (done.code, github.count()) == (1, before)
    assert "is not in a checkout. Omit --commit" in done.err


def test_commit__not_asked_for_leaves_the_checkout_alone(shell: Shell, tmp_path: Path) -> None:
    checkout = real.clone(real.make_bare_remote(tmp_path / "r.git", {"a": "b"}), tmp_path / "checkout")

    shell.run("snapshot", "--output", str(checkout / "s.json"))

    assert real.git(checkout, "status", "--porcelain").strip() == "?? s.json"


def test_terminal__says_it_in_a_line(shell: Shell, tmp_path: Path) -> None:
    remote = real.make_bare_remote(tmp_path / "remotes/store.git", {"README.md": "base\n"})
    checkout = real.clone(remote, tmp_path / "checkout")

    assert "2 objects as of" in shell.terminal("snapshot", columns=300).out
    assert "has not changed" in shell.terminal("snapshot", columns=300).out
    assert "would be written" in shell.terminal("snapshot", "--output", "n.json", "--dry-run", columns=300).out
    assert "pushed as" in shell.terminal("snapshot", "--output", str(checkout / "s.json"), "--commit", columns=300).out


def test_cli__an_existing_folder_keeps_what_is_in_it(shell: Shell, tmp_path: Path) -> None:
    place = tmp_path / "proj"
    (place / "objects").mkdir(parents=True)
    (place / "objects/mine.json").write_text('{"mine": 1}')
    done = shell.run("snapshot", "--output", str(place))
    assert done.code == 0
    assert (place / "objects/mine.json").read_text() == '{"mine": 1}'
    assert b"snapshot_time" in (place / "index.json").read_bytes()


def test_cli__a_path_with_a_slash_at_its_end_is_a_folder(shell: Shell, tmp_path: Path) -> None:
    done = shell.run("snapshot", "--output", f"{tmp_path}/new/")
    assert done.code == 0
    assert (tmp_path / "new" / "index.json").is_file()
    done = shell.run("snapshot", "--output", f"{tmp_path}/other/", "--format", "json")
    assert (done.code, (tmp_path / "other").exists()) == (2, False)


@pytest.mark.parametrize("option", ["--commit-message", "--branch", "--keep", "--commit-author"])
def test_commit__its_options_alone_are_refused(shell: Shell, option: str) -> None:
    done = shell.run("snapshot", option, "A <a@b.c>")
    assert done.code == 2
    assert f"{option} has no effect without --commit. Add --commit, or omit it." in done.err
    assert not (shell.folder / "data").exists()


@pytest.mark.parametrize("command", [["snapshot", "--output"], ["update-snapshot", "--snapshot-path"]])
def test_loss__of_more_than_a_tenth_stops_until_it_is_allowed(
    shell: Shell, repository: Repository, command: list[str]
) -> None:
    file = shell.folder / "s.json"
    assert shell.run("snapshot", "--output", "s.json").json["left"] == []
    before = file.read_bytes()
    repository.edit_issue(2, "octo", labels=[])
    done = shell.run(*command, "s.json")
    assert (done.code, file.read_bytes()) == (1, before)
    assert (
        'would lose 1 of its 2 objects, more than a tenth: "users".' in done.err
        and "use `--allow-shrink` once" in done.err
    )
    done = shell.run(*command, "s.json", "--allow-shrink")
    assert (done.code, done.json["left"], done.json["object_count"]) == (0, ["users"], 1)
    assert 'No longer in the snapshot, 1 object: "users".' in done.err
