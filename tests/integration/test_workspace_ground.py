"""A checkout is other people's ground: hooks, filters, owners; and failures that say what to do."""

from __future__ import annotations

import os
import select
import shutil
import tempfile
from pathlib import Path

import pytest

from gh_store_action.domain.commit_message import Author
from gh_store_action.errors import AccessDeniedError, StoreError
from gh_store_action.workspace.files import Publication, Workspace
from gh_store_action.workspace.git import Git, GitResult, failure
from tests.support import git as real
from tests.support.checkout import BASE, STORE, never, save, workspace_of
from tests.support.scene import Scene

pytestmark = pytest.mark.slow

ROOT = os.geteuid() == 0
OWNER = 1001
FAR = 4_102_444_800  # the year 2100


# ---- other people's ground


def test_publish__no_hook_filter_helper_or_program_of_the_repository_is_run(
    tmp_path: Path, checkout: Path, remote: Path
) -> None:
    ran = tmp_path / "ran"
    evil = f"touch {ran}; cat"
    attributes = "* filter=evil diff=evil text eol=crlf ident\ndata/* !filter !ident\n"
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
        "for refs/heads/main.”. The remote said: “error: Changes must be made through [1ma pull request.”. Let this "
        "token bypass the rule, or set the argument `branch` to an unprotected branch."
    )
    assert "branch: store-data" in caught.value.detail


def test_publish__a_hook_of_the_server__is_quoted(checkout: Path, remote: Path) -> None:
    real.add_hook(remote, "pre-receive", "echo 'no JSON on Fridays' >&2\nexit 1\n")

    with pytest.raises(AccessDeniedError, match="hook of the server declined.*The remote said: “no JSON on Fridays”"):
        save(workspace_of(checkout))


def test_publish__a_hook_that_says_very_much_and_the_token__is_quoted_in_one_short_line(
    checkout: Path, remote: Path
) -> None:
    said = r"\033[1m\302\233\342\200\256::error::x\n##[error]y ghs_secret\n"
    real.add_hook(remote, "pre-receive", f"printf '{said}' >&2\nseq 1000 >&2\nexit 1\n")

    with pytest.raises(AccessDeniedError) as caught:
        save(workspace_of(checkout))

    text = str(caught.value)
    assert r"The remote said: “[1m\x9b\u202e::error::x ##[error]y *** 1 2 3 4" in text
    assert text.isprintable() and "ghs_secret" not in text and " 100 " not in text and len(text) < 800


def test_publish__a_hook_that_says_nothing__is_all_the_same_told(checkout: Path, remote: Path) -> None:
    real.add_hook(remote, "pre-receive", "exit 1\n")

    with pytest.raises(AccessDeniedError, match=r"\(pre-receive hook declined\)”\. Read its message"):
        save(workspace_of(checkout))


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (
            "- Changes must be made through a pull request.\n\n- Required status check ci is expected.",
            "“- Changes must be made through a pull request. - Required status check ci is expected.”. Let this token",
        ),
        ("- Commits must have verified signatures.\n  Found 1 violation:\n\n  0123abc", "Use `commit_via='api'`"),
        (
            "- Commits must have verified signatures.\n- Changes must be made through a pull request.",
            "“- Changes must be made through a pull request.”",
        ),
        ("- Push contains file that exceeds the maximum file size of 1 MB", "Use `format='directory'`"),
    ],
)
def test_publish__rules_of_the_branch__are_quoted_with_what_to_do(
    checkout: Path, remote: Path, rules: str, words: str
) -> None:
    head = (
        "error: GH013: Repository rule violations found for refs/heads/main.\nReview them at https://github.com/x/rules"
    )
    real.add_hook(remote, "pre-receive", f"cat >&2 <<'X'\n{head}\n\n{rules}\nX\nexit 1\n")

    with pytest.raises(StoreError) as caught:
        save(workspace_of(checkout))

    assert words in str(caught.value) and rules.partition("\n")[0] in str(caught.value)
    assert "Review them" not in str(caught.value)


BYPASS = "Let this token bypass the rule, or set the argument `branch` to an unprotected branch."


@pytest.mark.parametrize(
    ("rules", "told", "step"),
    [
        (["Changes must be made through a pull request."], "is protected", BYPASS),
        (["Changes must be made through the merge queue"], "is protected", BYPASS),
        (['Required status check "ci-build" is failing'], "is protected", BYPASS),
        (["3 of 3 required status checks are expected."], "is protected", BYPASS),
        (["At least 1 approving review is required by reviewers with write access."], "is protected", BYPASS),
        (["Changes have been requested."], "is protected", BYPASS),
        (["You're not authorized to push to this branch.", "Cannot change this locked branch"], "is protected", BYPASS),
        (["Commits must have valid signatures."], "only signed commits", "Use `commit_via='api'`, for commits"),
        (["Commits must have verified signatures."], "only signed commits", "Use `commit_via='api'`, for commits"),
        (["Cannot force-push to a protected branch"], "no push that replaces commits", "or omit the argument `keep`."),
        (["Cannot force-push to this branch"], "no push that replaces commits", "or omit the argument `keep`."),
    ],
)
@pytest.mark.parametrize("listed", ["error: ", "\n- "])
def test_failure__a_rule_of_a_protected_branch__is_quoted_in_both_of_githubs_wordings(
    rules: list[str], told: str, step: str, listed: str
) -> None:
    head = "error: GH006: Protected branch update failed for refs/heads/main."
    told_by = "\n".join([head, *(f"{listed}{rule}" for rule in rules)])
    said = "\n".join(f"remote: {line}" for line in told_by.split("\n"))
    refused = "!\t0123abc:refs/heads/main\t[remote rejected] (protected branch hook declined)"

    error = failure("push", GitResult(1, b"", f"To https://github.com/o/r\n{refused}\nDone\n{said}\nerror: failed"))

    assert isinstance(error, AccessDeniedError)
    assert told in str(error) and step in str(error)
    for rule in rules:
        assert rule in str(error)


def test_failure__a_force_push_that_any_server_refuses__is_not_taken_for_a_lost_race(
    tmp_path: Path, checkout: Path, remote: Path
) -> None:
    real.git(remote, "config", "receive.denyNonFastForwards", "true")
    for text in ("1\n", "2\n"):
        save(workspace_of(checkout), text, branch="data")
    workspace = workspace_of(checkout)
    workspace.write({STORE: b"3\n"})

    with pytest.raises(AccessDeniedError, match="takes no push that replaces commits.*omit the argument `keep`"):
        workspace.publish(Publication((STORE,), branch="data", keep=1))


def test_action__what_a_hook_says__can_do_nothing_in_the_log_or_the_summary(scene: Scene) -> None:
    scene.make("a")
    checkout = scene.checkout()
    said = "::error::x\n##[error]y\n@octo/all fixes #2 <b> [x](http://y) `a`\n"
    real.add_hook(scene.repository.git_dir, "pre-receive", f"cat >&2 <<'X'\n{said}{scene.token}\nX\nexit 1\n")

    run = scene.run("snapshot", workspace=checkout, output=STORE)

    assert (run.exit_code, r"“::error::x ##\[error]y @octo/all fixes #2" in run.error) == (1, True)
    assert not [line for line in run.log.splitlines() if line.startswith("::error::")] and "##[" not in run.log
    assert not [mark for mark in ("@octo", "#2", "<b>", "[x](", "`a`", "##[") if mark in run.summary]
    assert scene.token not in run.error and scene.token not in run.summary


def test_check_publish__objects_that_cannot_be_written__are_named_before_the_work() -> None:
    with tempfile.TemporaryDirectory() as folder:
        remote = real.make_bare_remote(Path(folder, "remote"), BASE)
        checkout = real.clone(remote, Path(folder, "checkout"))
        Path(folder).chmod(0o755)
        for path in (checkout, *checkout.rglob("*")) if ROOT else ():
            os.chown(path, OWNER, OWNER)
        objects = checkout / ".git/objects"
        if ROOT:
            os.chown(objects, 0, 0)
        objects.chmod(0o555)
        if ROOT:
            os.seteuid(OWNER)
        try:
            with pytest.raises(StoreError) as caught:
                workspace_of(checkout).check_publish(Publication((STORE,)))
        finally:
            if ROOT:
                os.seteuid(0)
            objects.chmod(0o755)
    assert f"The folder '{objects}' of the checkout cannot be written: no permission. Run this as the" in str(
        caught.value
    )


def test_publish__remote_gone__is_said(checkout: Path, remote: Path) -> None:
    shutil.rmtree(remote)

    with pytest.raises(StoreError, match="The remote repository does not exist") as caught:
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
    with pytest.raises(StoreError, match=r"is not a checkout\. Run actions/checkout before this step"):
        workspace_of(tmp_path / "plain").check_publish(Publication((STORE,)))

    real.git(tmp_path, "init", "--quiet")
    (tmp_path / "plain/.git").mkdir()
    with pytest.raises(StoreError, match=r"not a checked-out repository.* Run actions/checkout before this step"):
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
