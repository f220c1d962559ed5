"""The commands process-updates, sweep, verify, migrate and roll-over."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.double import GitHub, Repository
from tests.support.cli import Shell
from tests.support.stores import old_store


@pytest.fixture
def repository(github: GitHub) -> Repository:
    return github.add_repository("octo/store", files={"README.md": "# A store\n"})


@pytest.fixture
def shell(github: GitHub, repository: Repository, tmp_path: Path) -> Shell:
    """A shell on a store of two objects."""
    shell = Shell(github, repository.full_name, tmp_path, github.token("octo"))
    shell.run("create", "metrics", '{"count": 0}')
    shell.run("create", "users", "{}")
    return shell


# -- process-updates


def test_process_updates__takes_the_number_as_it_is(shell: Shell, repository: Repository) -> None:
    repository.comment(1, "octo", '{"count": 1}')
    assert shell.run("process-updates", "1").json["applied"] == 1


def test_process_updates__folds_and_tells_what_became_of_each(shell: Shell, repository: Repository) -> None:
    repository.comment(1, "octo", '{"count": 1}')
    bad = repository.comment(1, "octo", '{"count": }')
    repository.comment(1, "mallory", '{"hacked": true}')

    done = shell.run("process-updates", "--issue", "1")

    result = done.json
    assert done.code == 0
    assert (result["applied"], result["rejected"], result["unauthorized"], result["revision"]) == (1, 1, 1, 2)
    assert [refusal["comment_id"] for refusal in result["refusals"]][0] == bad
    assert f"WARNING | metrics: the update {bad} by octo was refused: $: " in done.err
    assert "by mallory was refused: its author may not write here" in done.err


def test_process_updates__dry_run_says_what_would_be(shell: Shell, repository: Repository) -> None:
    repository.comment(1, "octo", '{"count": 1}')
    before = repository.issue(1)

    done = shell.run("process-updates", "--issue", "1", "--dry-run")

    assert (done.json["applied"], done.json["dry_run"]) == (1, True)
    assert repository.issue(1) == before


def test_process_updates__an_issue_that_is_no_object_is_left_alone(shell: Shell, repository: Repository) -> None:
    number = repository.open_issue("octo", "A question", "text")

    done = shell.run("process-updates", "--issue", str(number))

    assert (done.code, bool(done.json["skipped"])) == (0, True)
    assert "Skipped issue" in done.err


def test_process_updates__what_is_done_beside_is_told(shell: Shell, repository: Repository) -> None:
    repository.edit_issue(1, "octo", body='{"count": 7}')
    repository.comment(1, "octo", '{"by": "hand"}')
    shell.token = repository.workflow_token(issues="write", contents="read")
    repository.edit_issue(2, "ada", body='{"x": 1}')
    repository.grant("ada", "write")

    done = shell.run("process-updates", "--issue", "2")

    assert "The edit of the body by ada was applied." in done.err


def test_process_updates__a_permission_that_github_does_not_tell_leaves_it_pending(
    github: GitHub, shell: Shell, repository: Repository
) -> None:
    (shell.folder / "quick.yml").write_text("store: {retries: {max_attempts: 1}}", "utf-8")
    repository.comment(1, "ada", '{"count": 1}')
    github.faults.status(500, match=lambda request: request.path.endswith("/permission"))

    done = shell.run("process-updates", "--issue", "1", "--config", "quick.yml")

    assert (done.code, done.json["pending"]) == (1, 1)
    assert "The updates of ada stay pending" in done.err


# -- sweep


def test_sweep__finds_everything_pending_and_goes_on_after_a_failure(
    github: GitHub, shell: Shell, repository: Repository
) -> None:
    """D46."""
    (shell.folder / "quick.yml").write_text("store: {retries: {max_attempts: 1}}", "utf-8")
    broken = repository.open_issue("octo", "Stored Object: b", "oops {", ["stored-object", "UID:b"])
    repository.comment(1, "octo", '{"count": 1}')
    repository.comment(2, "octo", '{"ada": 1}')

    done = shell.run("sweep", "--config", "quick.yml")

    assert done.code == 1
    assert {one["object_id"]: one["applied"] for one in done.json} == {"metrics": 1, "users": 1, "b": 0}
    assert f"Error: b: Issue #{broken} has the store's labels" in done.err


def test_sweep__dry_run_says_so_of_each(shell: Shell, repository: Repository) -> None:
    repository.comment(1, "octo", '{"count": 1}')

    assert [one["dry_run"] for one in shell.run("sweep", "--dry-run").json] == [True]
    assert [one["dry_run"] for one in shell.run("sweep").json] == [False]
    assert "Dry run: nothing was written. Nothing to do." in shell.terminal("sweep", "--dry-run").plain


def test_sweep__nothing_pending_is_an_empty_list(shell: Shell) -> None:
    done = shell.run("sweep")

    assert (done.code, done.json, done.err) == (0, [], "")


def test_terminal__shows_what_was_done(shell: Shell, repository: Repository) -> None:
    repository.comment(1, "octo", '{"count": 1}')
    repository.open_issue("octo", "Stored Object: b", "oops {", ["stored-object", "UID:b"])
    question = repository.open_issue("octo", "A question", "text")

    would, did = shell.terminal("sweep", "--dry-run").plain, shell.terminal("sweep", columns=200).plain

    assert "1 applied" in would and "Dry run: nothing was written. The table" in would
    assert "metrics" in did and "Error: b: " in did and "not finished" in did
    assert "nothing pending" in shell.terminal("process-updates", "--issue", "1").plain
    assert "skipped: " in shell.terminal("process-updates", "--issue", str(question)).plain
    repository.edit_issue(3, "octo", body="{}")
    assert "brought up to date" in shell.terminal("process-updates", "--issue", "3").plain
    assert "nothing is pending" in shell.terminal("sweep").plain


# -- verify


def test_verify__of_a_sound_store_is_empty(shell: Shell) -> None:
    done = shell.run("verify")

    assert (done.code, done.json) == (0, [])
    assert "no problems found" in shell.terminal("verify").plain


def test_verify__reports_and_repairs(shell: Shell, repository: Repository) -> None:
    repository.edit_issue(1, "octo", body="oops {")

    found, would = shell.run("verify"), shell.run("verify", "metrics", "--repair", "--dry-run")
    shown = shell.terminal("verify", columns=200).plain
    repaired = shell.run("verify", "metrics", "--repair")

    assert (found.code, would.code, repaired.code) == (1, 1, 0)
    assert {one["object_id"] for one in found.json} == {"metrics"}
    assert "not repaired" in shown and "→" in shown
    assert all(one["repaired"] for one in repaired.json)
    assert shell.run("verify").code == 0
    assert shell.run("get", "metrics").json["data"] == {"count": 0}


def test_verify__dry_run_says_what_would_be_repaired(shell: Shell, repository: Repository) -> None:
    sound = shell.terminal("verify", "--repair", "--dry-run", columns=200).plain
    repository.edit_issue(1, "octo", body="oops {")
    repository.open_issue("octo", "Stored Object: users", "{}", ["stored-object", "UID:users"])
    before = repository.issues()

    told = shell.run("verify", "--repair", "--dry-run")
    shown = shell.terminal("verify", "--repair", "--dry-run", columns=200).plain
    idle = shell.terminal("verify", "--dry-run", columns=200).plain

    assert "Dry run: nothing was written. Nothing to repair." in sound
    assert {(one["kind"], one["would_repair"], one["dry_run"]) for one in told.json} == {
        ("broken-body", True, True),
        ("duplicate-id", False, True),
    }
    assert "Dry run: nothing was written. 1 of 2 problems would be repaired, if the log can" in shown
    assert "would be repaired" in shown and "`repair`" not in shown and "remove its labels" in shown
    assert "Nothing would be repaired. --repair fixes what the log can fix." in idle
    assert (told.code, repository.issues()) == (1, before)


def test_verify__an_unknown_id_names_the_nearest(shell: Shell) -> None:
    assert "Did you mean metrics?" in shell.run("verify", "metric").err


# -- migrate


def test_migrate__lists_adopts_and_has_nothing_left(github: GitHub, tmp_path: Path) -> None:
    old = old_store(github, "0.9", "octo/old")
    shell = Shell(github, "octo/old", tmp_path, github.token("octo"))
    before = old.issues()

    would = shell.run("migrate", "--dry-run")
    shown = shell.terminal("migrate", "--dry-run").plain
    untouched = old.issues() == before
    did, again = shell.run("migrate"), shell.run("migrate")

    assert untouched
    assert [(one["object_id"], one["form"], one["done"]) for one in would.json] == [
        ("metrics", "gh-store 0.9.0", False),
        ("settings", "gh-store 0.9.0", False),
        ("pending", "gh-store 0.9.0", False),
    ]
    assert "would be adopted" in shown and "gh-store 0.9.0" in shown
    assert "Dry run: nothing was written. The table shows what would be done." in shown
    assert [one["dry_run"] for one in would.json] == [True, True, True]
    assert (did.code, [one["done"] for one in did.json]) == (0, [True, True, True])
    assert again.json == []
    assert "nothing to adopt" in shell.terminal("migrate").plain


def test_migrate__what_can_not_be_adopted_is_named(shell: Shell, repository: Repository) -> None:
    repository.open_issue("octo", "Stored Object: b", "oops {", ["stored-object", "UID:b"])

    done = shell.run("migrate")

    assert (done.code, done.json[0]["object_id"]) == (1, "b")
    assert "its body cannot be an object" in done.json[0]["problem"]


# -- roll-over


def test_roll_over__moves_the_object_to_a_new_issue(shell: Shell) -> None:
    would = shell.run("roll-over", "metrics", "--dry-run")
    done = shell.run("roll-over", "metrics")

    assert (would.json["issue_number"], done.json["issue_number"]) == (1, 3)
    assert shell.run("get", "metrics").json["issue_number"] == 3
    assert "Did you mean metrics?" in shell.run("roll-over", "metric").err
