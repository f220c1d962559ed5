"""Git over HTTP: clone, push, permissions, protection."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import requests

from tests.double import GitHub, Repository
from tests.double.git_store import GitFailed


@pytest.fixture
def repo(hub: GitHub) -> Repository:
    return hub.add_repository("ann/store", private=True, files={"a.txt": "one\n", "d/b.txt": "two\n"})


def git(cwd: Path, *arguments: str, token: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(cwd),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "t",
        "GIT_AUTHOR_EMAIL": "t@example.org",
        "GIT_COMMITTER_NAME": "t",
        "GIT_COMMITTER_EMAIL": "t@example.org",
    }
    helper = f"!f() {{ echo username=x-access-token; echo password={token}; }}; f"
    extra = [] if token is None else ["-c", f"credential.helper={helper}"]
    return subprocess.run(
        ["git", *extra, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def edit_and_commit(clone: Path) -> None:
    (clone / "a.txt").write_text("changed\n")
    assert git(clone, "commit", "-qam", "change").returncode == 0


def test_git__a_shallow_clone_is_changed_and_pushed_back(hub: GitHub, repo: Repository, tmp_path: Path) -> None:
    token = repo.workflow_token(contents="write")
    hub.events.clear()
    cloned = git(tmp_path, "clone", "-q", "--depth=1", repo.clone_url, "w", token=token)
    assert cloned.returncode == 0, cloned.stderr
    edit_and_commit(tmp_path / "w")
    pushed = git(tmp_path / "w", "push", "-q", "origin", "HEAD:main", token=token)
    assert pushed.returncode == 0, pushed.stderr
    assert repo.file("a.txt") == b"changed\n"
    (event,) = hub.events
    assert (event.name, event.starts_run, event.payload["ref"]) == ("push", False, "refs/heads/main")
    assert event.payload["after"] == repo.head() == git(tmp_path / "w", "rev-parse", "HEAD").stdout.strip()
    assert {request.login for request in hub.git_requests if request.status == 200} == {"github-actions[bot]"}
    assert hub.count() == 0


def test_git__pushing_takes_contents_write(hub: GitHub, repo: Repository, tmp_path: Path) -> None:
    token = repo.workflow_token(contents="read", issues="write")
    assert git(tmp_path, "clone", "-q", repo.clone_url, "w", token=token).returncode == 0
    edit_and_commit(tmp_path / "w")
    pushed = git(tmp_path / "w", "push", "-q", token=token)
    assert (pushed.returncode != 0, "403" in pushed.stderr) == (True, True)
    repo.grant("bob", "write")
    assert git(tmp_path / "w", "push", "-q", token=hub.token("bob")).returncode == 0


def test_git__a_private_repository_asks_for_credentials(hub: GitHub, repo: Repository, tmp_path: Path) -> None:
    answer = requests.get(f"{repo.clone_url}/info/refs?service=git-upload-pack", timeout=5)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="GitHub"')
    assert git(tmp_path, "clone", "-q", repo.clone_url, "w").returncode != 0
    assert git(tmp_path, "clone", "-q", repo.clone_url, "w", token=hub.token("stranger")).returncode != 0
    public = hub.add_repository("ann/open", files={"a.txt": "one\n"})
    assert git(tmp_path, "clone", "-q", public.clone_url, "p").returncode == 0
    edit_and_commit(tmp_path / "p")
    assert git(tmp_path / "p", "push", "-q").returncode != 0


def test_git__a_protected_branch_refuses_pushes_and_api_commits(hub: GitHub, repo: Repository, tmp_path: Path) -> None:
    token = repo.workflow_token(contents="write")
    git(tmp_path, "clone", "-q", repo.clone_url, "w", token=token)
    edit_and_commit(tmp_path / "w")
    head = repo.head()
    repo.protect("main")
    pushed = git(tmp_path / "w", "push", token=token)
    assert pushed.returncode != 0
    assert "GH006: Protected branch update failed for refs/heads/main" in pushed.stderr
    assert git(tmp_path / "w", "push", "origin", "HEAD:other", token=token).returncode == 0
    url = f"{hub.api_url}/repos/ann/store/contents/new.txt"
    put = {"message": "m", "content": "eA=="}
    assert requests.put(url, json=put, headers={"Authorization": f"token {token}"}, timeout=5).status_code == 409
    assert repo.head() == head
    repo.protect("main", False)
    assert git(tmp_path / "w", "push", token=token).returncode == 0


def test_git__a_push_behind_the_tip_is_refused(repo: Repository, tmp_path: Path) -> None:
    token = repo.workflow_token(contents="write")
    git(tmp_path, "clone", "-q", repo.clone_url, "w", token=token)
    edit_and_commit(tmp_path / "w")
    tip = repo.commit_files({"c.txt": "new", "d/b.txt": None}, by="ann")
    assert "fetch first" in git(tmp_path / "w", "push", token=token).stderr
    assert repo.head() == tip
    assert repo.git("ls-tree", "-r", "--name-only", "HEAD").split() == ["a.txt", "c.txt"]


def test_git__packed_refs_and_direct_changes_are_seen(hub: GitHub, repo: Repository) -> None:
    repo.git("pack-refs", "--all")
    repo.git("update-ref", "refs/heads/side", repo.head() or "")
    assert repo.head("side") == repo.head()
    token = repo.workflow_token(contents="read")
    answer = requests.get(
        f"{hub.api_url}/repos/ann/store/contents/a.txt?ref=side", headers={"Authorization": f"token {token}"}, timeout=5
    )
    assert answer.json()["encoding"] == "base64"


def test_git__a_commit_through_the_api_is_the_one_that_git_makes(hub: GitHub, repo: Repository) -> None:
    """The same hashes as those of `git fast-import`, whatever it changes; git finds nothing wrong with them."""
    steps: list[dict[str, str | None]] = [
        {"a": "1", "a.b": "2", "a-b/c": "3", "d/e/f": "4", "d/g": "5", "d.x": "6", 'ä "': "7"},
        {"d/e/f": None, "d/e/none": None, "none/at/all": None, "a/b": "a file that becomes a folder"},
        {"d/g": None, "a-b": "a folder that becomes a file", "d": "another", "a.b": "2"},
        {"a-b": None, "x/y/z": "", "a/b": None, "a": "again"},
    ]
    for step in steps:
        parent = repo.head()
        made = repo.commit_files(step, message="Über\n\nall")
        repo.git("update-ref", "refs/heads/other", parent or "")
        lines = repo.git("cat-file", "commit", made).splitlines()
        people = [line for line in lines if line.startswith(("author ", "committer "))]
        text = "\n".join(["commit refs/heads/other", *people, "data 10", "Über\n\nall", f"from {parent}", ""])
        text += "".join(f"D {json.dumps(path, ensure_ascii=False)}\n" for path, new in step.items() if new is None)
        for path, new in step.items():
            if new is not None:
                content = f"data {len(new.encode())}\n{new}\n"
                text += f"M 100644 inline {json.dumps(path, ensure_ascii=False)}\n{content}"
        hub.hub.git.run(repo.record.git_dir, "fast-import", "--quiet", stdin=text.encode())
        assert made == repo.head("other")
    repo.git("fsck", "--strict")
    with pytest.raises(GitFailed, match="invalid path 'a//b'"):
        repo.commit_files({"a//b": "1"})
    (Path(repo.record.git_dir) / "refs/heads/main.lock").touch()
    with pytest.raises(GitFailed, match="cannot lock ref 'refs/heads/main'"):
        repo.commit_files({"b": "1"})


def test_git__objects_are_the_same_loose_and_packed(hub: GitHub, repo: Repository) -> None:
    repo.commit_files({"folder/a": "1", "folder/b/c": "22", "top": "333"})
    packed = hub.add_repository("ann/packed")
    shutil.copytree(repo.record.git_dir, packed.record.git_dir, dirs_exist_ok=True)
    packed.git("repack", "-a", "-d", "-q")
    head = repo.head()
    assert head is not None and packed.head() == head
    store = hub.hub.git
    for path in ("", "folder", "folder/b"):
        found = [(store.at_path(one.record.git_dir, head, path), one.record.git_dir) for one in (repo, packed)]
        loose, other = (store.tree(git_dir, oid or "") for oid, git_dir in found)
        assert loose == other and loose
    assert packed.file("folder/b/c") == repo.file("folder/b/c") == b"22"
    assert packed.commit_files({"folder/d": "4"}) and packed.file("folder/a") == b"1"
