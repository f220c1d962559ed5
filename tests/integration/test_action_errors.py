"""What bad input gets: one clear line that names the thing, the cause and the next step; nothing lost, no traceback."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from gh_store_action.action import main as module
from gh_store_action.action import report
from gh_store_action.action.main import main
from gh_store_action.action.settings import Settings
from gh_store_action.errors import InputError
from tests.double import GitHub
from tests.support import git
from tests.support.runner import run_here
from tests.support.scene import OWNER, WRITER, Run, Scene

READ_ISSUES = "permissions:\n  issues: read\n"
WRITE_ISSUES = "permissions:\n  issues: write\n"
READ_CONTENTS = "permissions:\n  contents: read\n"
WRITE_CONTENTS = "permissions:\n  contents: write\n"


def says(run: Run, code: int, *parts: str) -> None:
    """The run ended with that code and one line, in annotation and summary, that holds all of that."""
    assert run.exit_code == code, run.log
    for part in parts:
        assert part in run.error
    assert "\n" not in run.error
    assert run.error.endswith((".", "?")), run.error
    assert "**Error:**" in run.summary


# Inputs


@pytest.mark.parametrize(
    ("inputs", "parts"),
    [
        ({"mode": "proces"}, ("`mode` is `proces`", "allowed: process, snapshot", "Did you mean `process`?")),
        ({"issue-number": "#7"}, ("`issue-number` is `#7`", "a whole number, at least 1", "without #")),
        ({"issue-number": "0"}, ("`issue-number`", "at least 1")),
        ({"repository": "store"}, ("`repository` is `store`", "owner/name")),
        ({"mode": "snapshot", "format": "xml"}, ("`format` is `xml`", "json, jsonl, directory")),
        ({"mode": "snapshot", "commit": "yes"}, ("`commit` is `yes`", "true, false")),
        ({"mode": "get"}, ("Mode `get` needs the input `object-id`",)),
        ({"mode": "snapshot", "branch": "a..b"}, ("`branch` is `a..b`", "git check-ref-format")),
        ({"token": "two words"}, ("`token` contains characters that no token has",)),
    ],
    ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else "",
)
def test_wrong_input__is_one_line_and_exit_2_and_costs_nothing(
    scene: Scene, inputs: dict[str, str], parts: tuple[str, ...]
) -> None:
    run = scene.run("process", inputs=inputs)
    says(run, 2, *parts)
    assert run.requests == ()
    mode = inputs.get("mode", "process")
    title = "wrong inputs" if mode == "proces" else f"{mode} with wrong inputs"
    assert run.summary.startswith(f"## gh-store: {title}\n")


def test_no_token__says_where_one_comes_from(scene: Scene) -> None:
    says(scene.run("process", inputs={"token": ""}, token=""), 2, "No token", "Omit the input")


def test_event_file__that_is_no_json_is_one_line(scene: Scene, tmp_path: Path) -> None:
    broken = tmp_path / "event.json"
    broken.write_text("{")
    job = scene.job("process")
    environment = {**job.prepare(), "GITHUB_EVENT_PATH": str(broken)}
    with pytest.raises(InputError, match="cannot be read: JSONDecodeError"):
        Settings.from_environment(environment)


# The repository and the token


def test_issue_number__that_is_none_is_named(scene: Scene) -> None:
    run = scene.run("process", issue_number=77)
    says(run, 1, "octo/store has no issue #77.", "Check the number")
    assert run.operations == ["Read"]


def test_issue_number__of_a_pull_request_is_none(scene: Scene) -> None:
    number = scene.repository.open_issue(WRITER, "A change", pull=True)
    says(scene.run("process", issue_number=number), 1, f"no issue #{number}", "Pull requests do not count")


def test_unknown_repository__is_named(scene: Scene) -> None:
    run = scene.run("process", inputs={"repository": "octo/nowhere"})
    says(
        run,
        1,
        "The repository octo/nowhere does not exist, or the token cannot see it.",
        "Check the input `repository`",
    )
    assert len(run.requests) == 1


@pytest.mark.parametrize("mode", ["process", "snapshot"])
def test_bad_token__is_told_apart_from_a_missing_permission(scene: Scene, mode: str) -> None:
    run = scene.run(mode, token="ghs_expired", **({"commit": False} if mode == "snapshot" else {}))
    says(run, 1, "GitHub does not accept the token (401).", "token: ${{ github.token }}")
    assert len(run.requests) == 1


def test_missing_permission__to_write_issues_is_told_with_the_yaml_and_nothing_is_lost(scene: Scene) -> None:
    number = scene.make()
    comment = scene.post(number, '{"count": 1}', by="github-actions[bot]")
    run = scene.run(
        "process", issue_number=number, token=scene.repository.workflow_token(issues="read", contents="read")
    )
    says(run, 1, "The token may not write issues of octo/store", "Add `permissions: {issues: write}` to the job")
    assert f"```yaml\n{WRITE_ISSUES}```" in run.summary
    assert scene.receipts(comment) == ()
    assert scene.run("process", issue_number=number).outputs["object"] == '{"count":1}'


def test_missing_permission__to_read_issues_of_a_private_repository(github: GitHub, tmp_path: Path) -> None:
    scene = Scene(github, tmp_path, "octo/private", private=True)
    number = scene.make()
    run = scene.run("process", issue_number=number, token=scene.repository.workflow_token(contents="read"))
    says(run, 1, "read issues of octo/private", "issues: read")
    assert f"```yaml\n{READ_ISSUES}```" in run.summary


def test_missing_permission__to_read_the_rules_of_a_private_repository(github: GitHub, tmp_path: Path) -> None:
    scene = Scene(github, tmp_path, "octo/private", private=True)
    number = scene.make()
    scene.post(number, '{"count": 1}')
    run = scene.run("process", issue_number=number, token=scene.repository.workflow_token(issues="write"))
    says(run, 1, "The token may not read the configuration of octo/private.", "contents: read")
    assert f"```yaml\n{READ_CONTENTS}```" in run.summary
    assert scene.data(number) == {"count": 0}


def test_permission_that_github_does_not_tell__leaves_the_update_pending_and_fails(
    scene: Scene, github: GitHub
) -> None:
    number = scene.make()
    comment = scene.post(number, '{"count": 1}')
    github.faults.status(403, match=lambda request: "/permission" in request.path, times=None)
    run = scene.run("process", issue_number=number)
    says(run, 1, f"The updates of {WRITER} stay pending: GitHub did not say whether {WRITER} may write.")
    assert (run.outputs["pending"], scene.receipts(comment), scene.data(number)) == ("1", (), {"count": 0})
    github.faults.clear()
    assert scene.run("process", issue_number=number).outputs["processed"] == "1"


@pytest.mark.parametrize(
    ("mode", "inputs"), [("process", {}), ("process", {"issue_number": 1}), ("snapshot", {"commit": False})]
)
def test_issues_disabled__says_where_to_enable_them(scene: Scene, mode: str, inputs: dict[str, object]) -> None:
    scene.make()
    scene.repository.set_issues_enabled(False)
    run = scene.run(mode, **inputs)
    says(run, 1, "Issues are disabled in octo/store, but the store needs them.", "Settings > General > Features")


def test_locked_issue__says_what_to_unlock(scene: Scene) -> None:
    number = scene.make()
    scene.post(number, '{"count": 1}', by=OWNER)
    other = scene.make("other")
    scene.post(other, '{"count": 1}', by=OWNER)
    scene.repository.lock(number, OWNER)
    scene.github.faults.refuse("unlockLockable", {"type": "FORBIDDEN", "message": "You may not unlock"}, times=None)
    run = scene.run("process")
    assert run.exit_code == 1
    assert "The issue is locked" in run.error and "Unlock the conversation" in run.error
    assert json.loads(scene.repository.issue(other).body)["count"] == 1  # one issue's trouble ends no sweep


def test_github_down__is_tried_again_and_then_told(scene: Scene, github: GitHub) -> None:
    github.faults.status(503, times=None)
    run = scene.run("process")
    says(run, 1, "GitHub answered 503, 3 times in a row.", "Nothing was lost. Try again later")
    assert (len(run.requests), scene.waits) == (3, [2, 4])


def test_github_unreachable__is_told(scene: Scene) -> None:
    run = scene.run("process", api_url="http://127.0.0.1:9", graphql_url="http://127.0.0.1:9/graphql")
    assert run.exit_code == 1
    assert "GitHub could not be reached or closed the connection (ConnectionError), 3 times in a row." in run.error


# What is in the store


@pytest.mark.parametrize(
    "body", ["no JSON", "", "5", '{"a": 1', '{"a": 1, "a": 2}', '{"a": NaN}', "[" * 200 + "]" * 200]
)
def test_body__that_is_no_json_is_told_and_left_as_it_is(scene: Scene, body: str) -> None:
    number = scene.open("broken", body=body)
    run = scene.run("process", issue_number=number)
    says(run, 1, f"Issue #{number} has the store's labels, but its body cannot be an object", "Put the object's JSON")
    assert scene.issue(number).body == body
    assert not any(request.writes for request in run.requests)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"count": 1', "line 1, column 12"),
        ('{"count": 1, "count": 2}', "count"),
        ('{"count": NaN}', "NaN"),
        ('{"_data": {"count": 2}, "_meta": {"if_revison": 9}}', "is not understood; "),
        ('{"count": 1e999}', "number"),
        ("[1, 2]", "array"),
        ('{"_data": {"a": 1}}', "_meta"),
        ('{"_data": 1, "_meta": {"update_mode": "explode"}}', "mode"),
        ('{"_data": {"a": 1}, "_meta": {"if_revision": 7}}', "revision"),
        ('{"a":' * 150 + "1" + "}" * 150, "deep"),
        (json.dumps({"text": "x" * 61_000}), "60,000"),
    ],
    ids=lambda value: value[:24],
)
def test_comment__that_can_not_be_applied_is_refused_with_a_reason_and_the_next_one_is_folded(
    scene: Scene, text: str, reason: str
) -> None:
    number = scene.make()
    bad = scene.post(number, text)
    good = scene.post(number, '{"count": 2}')
    run = scene.run("process", issue_number=number)
    assert (run.exit_code, run.outputs["processed"], run.outputs["rejected"]) == (0, "2", "1")
    assert (scene.receipts(bad), scene.receipts(good)) == (("-1",), ("+1",))
    assert scene.data(number) == {"count": 2}
    (reply,) = scene.replies(number)
    assert reply.startswith(f"<!-- gh-store refused {bad} -->")
    assert reason in reply
    assert reason in run.result.warnings[0]


@pytest.mark.parametrize("text", ["thanks!", "5", '"text"', "null", "see {this}", "```\ncode\n```"])
def test_comment__that_is_conversation_is_left_alone(scene: Scene, text: str) -> None:
    number = scene.make()
    comment = scene.post(number, text)
    run = scene.run("process", issue_number=number)
    assert (run.exit_code, run.outputs["processed"], scene.receipts(comment)) == (0, "0", ())


def test_labels__that_claim_two_ids_are_told(scene: Scene) -> None:
    labels = ["stored-object", "UID:a", "UID:b"]
    number = scene.repository.open_issue(OWNER, "Which?", "{}", labels)
    run = scene.run("process", issue_number=number)
    assert run.exit_code == 0
    assert "its labels claim more than one id: a, b" in run.result.notices[0]


def test_configuration__that_is_wrong_names_file_key_and_what_is_allowed(scene: Scene) -> None:
    number = scene.make()
    scene.configure("store: {base_lable: x}")
    run = scene.run("process", issue_number=number)
    says(run, 1, ".github/gh-store.yml", "unknown key store.base_lable", "did you mean base_label")


def test_configuration__that_differs_in_a_local_file_names_the_key(scene: Scene, tmp_path: Path) -> None:
    scene.configure("store: {base_label: stored-object}")
    workspace = tmp_path / "work"
    workspace.mkdir()
    (workspace / "local.yml").write_text("store: {base_label: other}")
    run = scene.run("process", config="local.yml", workspace=workspace)
    says(run, 1, "local.yml: store.base_label differs from the store's .github/gh-store.yml")


def test_configuration__a_local_file_that_is_not_there_is_named(scene: Scene) -> None:
    says(scene.run("process", config="none.yml"), 1, "none.yml", "does not exist")


def test_schema__that_is_not_there_or_wrong_is_named(scene: Scene) -> None:
    number = scene.make()
    scene.configure('store: {schemas: [{match: "*", schema: none.json}]}')
    says(scene.run("process", issue_number=number), 1, "names the schema none.json", "Add the file")
    scene.configure('store: {schemas: [{match: "*", schema: s.json}]}', s='{"type": "text"}')
    says(scene.run("process", issue_number=number), 1, ".github/gh-store/s.json: $.type", "Nothing was written")


# The workspace


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("../out.json", "is not inside the workspace"),
        ("/tmp/out.json", "is not inside the workspace"),
        ("link/out.json", "is not inside the workspace"),
        (".git/out.json", "is inside `.git`"),
        ("a/.GIT/out.json", "is inside `.git`"),
        (".", "is not inside the workspace"),
        ("data", "is a folder"),
        ("README.md/out.json", "is not a folder"),
    ],
)
def test_output__that_may_not_be_written_costs_nothing_and_writes_nothing(
    scene: Scene, tmp_path: Path, path: str, part: str
) -> None:
    checkout = scene.checkout()
    (checkout / "data").mkdir()
    (checkout / "link").symlink_to(tmp_path)
    run = scene.run("snapshot", output=path, workspace=checkout)
    says(run, 2, path.split("/")[0], part)
    assert run.requests == ()
    assert git.git(checkout, "status", "--porcelain") == "?? link\n"


def test_workspace__that_is_no_checkout_is_told_before_a_request(scene: Scene, tmp_path: Path) -> None:
    run = scene.run("snapshot")
    says(run, 1, "is not a checkout.", "Run actions/checkout before this step.")
    assert run.requests == ()


def test_workspace__without_a_remote_is_told_before_a_request(scene: Scene, tmp_path: Path) -> None:
    folder = tmp_path / "alone"
    folder.mkdir()
    git.git(folder, "init", "--quiet")
    run = scene.run("snapshot", workspace=folder)
    says(run, 1, "The checkout has no remote `origin` to push to", "set `commit: false`")
    assert run.requests == ()


def test_detached_head__without_a_branch_to_push_to_is_told(scene: Scene) -> None:
    checkout = scene.checkout()
    git.git(checkout, "checkout", "--quiet", "--detach")
    run = scene.run("snapshot", workspace=checkout, ref="")
    says(run, 1, "The checkout is not on a branch (detached HEAD)", "Set the input `branch`")
    assert run.requests == ()


def test_push__without_permission_is_told_with_the_yaml_and_the_file_is_there(scene: Scene) -> None:
    scene.make()
    checkout = scene.checkout()
    run = scene.run(
        "snapshot", workspace=checkout, token=scene.repository.workflow_token(issues="read", contents="read")
    )
    says(run, 1, "The token may not do this.", "Add `permissions: {contents: write}` to the job")
    assert f"```yaml\n{WRITE_CONTENTS}```" in run.summary
    assert (checkout / "data/store-snapshot.json").exists()


def test_push__to_a_protected_branch_is_told(scene: Scene) -> None:
    scene.make()
    checkout = scene.checkout()
    scene.repository.protect("main")
    run = scene.run("snapshot", workspace=checkout)
    says(run, 1, "The branch is protected and refused the push.", "set the input `branch` to an unprotected branch")
    assert "```yaml\nwith:\n  branch: store-data   #" in run.summary


@pytest.mark.slow
def test_push__that_keeps_losing_ends_bounded_with_the_file_written_and_others_commits_untouched(scene: Scene) -> None:
    scene.make()
    checkout = scene.checkout()
    bare = scene.repository.git_dir
    # Each push finds the branch moved: a hook moves it, as another job's push would.
    git.add_hook(
        bare,
        "pre-receive",
        "unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n"
        "export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b\n"
        'tip=$(git rev-parse refs/heads/main); new=$(echo other | git commit-tree "$tip^{tree}" -p "$tip")\n'
        'git update-ref refs/heads/main "$new"\n',
    )
    run = scene.run("snapshot", workspace=checkout)
    says(run, 1, "Others changed the branch main of the remote origin during each of 12 pushes.", "`concurrency`")
    assert len(scene.waits) == 11
    assert scene.repository.file("data/store-snapshot.json") is None
    assert (checkout / "data/store-snapshot.json").exists()
    (bare / "hooks" / "pre-receive").unlink()
    assert scene.run("snapshot", workspace=checkout).outputs["commit-sha"] == scene.repository.head()


# The report


def test_outputs__that_can_not_be_written_fail_the_step(scene: Scene) -> None:
    number = scene.make()
    job = scene.job("process", issue_number=number)

    def without_outputs(environ: object) -> int:
        job.file_command("set_output").unlink()
        try:
            return main(environ)  # type: ignore[arg-type]
        finally:
            job.file_command("set_output").write_bytes(b"")

    result = run_here(job, without_outputs)
    assert result.exit_code == 1
    assert "The outputs cannot be set: GITHUB_OUTPUT does not name a file." in result.log


def test_bug__is_called_one_and_shows_no_traceback(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(run: object) -> int:
        raise RuntimeError(f"with {scene.token} in it")

    monkeypatch.setattr(module, "MODES", {"process": broken})
    result = run_here(scene.job("process"), module.main)
    assert result.exit_code == 1
    (error,) = result.errors
    assert error.startswith("This is a bug in gh-store-action: RuntimeError in test_action_errors.py, line ")
    assert "with *** in it" in error
    assert scene.token not in result.shown
    debug = [command.data for command in result.commands if command.name == "debug"]
    assert any("Traceback" in line for line in debug)  # shown only where debug logging is on


def test_token__is_masked_before_anything_else(scene: Scene) -> None:
    result = scene.run("process").result
    assert result.log.splitlines()[0] == f"::add-mask::{scene.token}"
    assert report.forms(scene.token)


def test_token__is_on_no_command_line_and_in_no_file_while_git_runs(scene: Scene, tmp_path: Path) -> None:
    scene.make()
    checkout = scene.checkout()
    path, record = git.recording_git(tmp_path / "bin")
    job = scene.job("snapshot", workspace=checkout)

    def with_recorder(environ: object) -> int:
        os.environ["PATH"] = path
        return main(os.environ)

    assert run_here(job, with_recorder).exit_code == 0
    lines = record.read_text().splitlines()
    assert any(line.startswith("ARGV push") for line in lines)
    assert not any(scene.token in line for line in lines if line.startswith("ARGV"))
    assert not subprocess.run(["grep", "-r", scene.token, str(checkout)], capture_output=True, check=False).stdout
