"""Repositories under another name: REST redirects, GraphQL follows, git is redirected."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import github as pygithub
import pytest
import requests

from tests.double import GitHub, Repository

Send = Callable[..., requests.Response]


@pytest.fixture
def repo(hub: GitHub) -> Repository:
    repository = hub.add_repository("ann/old", files={"a": "1"})
    repository.open_issue("ann", "T", labels=["x"])
    return repository


@pytest.fixture
def token(repo: Repository) -> str:
    return repo.workflow_token(issues="write", contents="write")


@pytest.fixture
def send(hub: GitHub, token: str) -> Send:
    def request(method: str, path: str, body: Any = None, by: str | None = None) -> requests.Response:
        headers = {"Authorization": f"token {by or token}"}
        url = path if path.startswith("http") else f"{hub.api_url}/repos/ann/old{path}"
        return requests.request(method, url, json=body, headers=headers, timeout=5, allow_redirects=False)

    return request


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "", None, 301),
        ("GET", "/issues?labels=x&state=all", None, 301),
        ("HEAD", "/issues/1", None, 301),
        ("POST", "/issues/1/comments", {"body": "c"}, 307),
        ("PATCH", "/issues/1", {"title": "U"}, 307),
        ("PUT", "/issues/1/lock", None, 307),
        ("DELETE", "/issues/1/labels/x", None, 307),
    ],
)
def test_rest__redirects_from_the_old_name_and_does_nothing(
    hub: GitHub, repo: Repository, send: Send, method: str, path: str, body: Any, status: int
) -> None:
    before = repo.issue(1)
    repo.rename("ann/new")
    answer = send(method, path, body)
    assert (answer.status_code, answer.headers["Location"]) == (status, f"{hub.api_url}/repositories/{repo.id}{path}")
    assert repo.issue(1) == before
    if method != "HEAD":
        assert answer.json()["message"] == "Moved Permanently"
        assert answer.json()["url"] == answer.headers["Location"]
    assert send(method, answer.headers["Location"], body).status_code in (200, 201, 204)


def test_rest__a_client_that_follows_finds_the_new_name(hub: GitHub, repo: Repository, token: str) -> None:
    repo.rename("ann/new")
    client = pygithub.Github(auth=pygithub.Auth.Token(token), base_url=hub.api_url, retry=None)
    assert client.get_repo("ann/old").full_name == "ann/new"
    client.close()


def test_rest__tells_nobody_of_a_repository_they_may_not_see(hub: GitHub, send: Send) -> None:
    secret = hub.add_repository("bob/secret", private=True)
    secret.rename("bob/hidden")
    url = f"{hub.api_url}/repos/bob/secret"
    assert send("GET", url).status_code == 404
    assert send("GET", url, by=hub.token("bob")).status_code == 301


def test_names__a_new_repository_takes_the_old_one(hub: GitHub, repo: Repository, send: Send) -> None:
    repo.rename("ann/new")
    repo.rename("ann/newer")
    assert send("GET", "").json()["url"] == f"{hub.api_url}/repositories/{repo.id}"
    other = hub.add_repository("ann/old", files={"b": "2"})
    assert send("GET", "").json()["id"] == other.id
    assert (repo.file("a"), repo.file("b"), other.file("a"), other.file("b")) == (b"1", None, None, b"2")
    repo.rename("ann/new")
    assert hub.repository("ann/newer").id == repo.id


def ask(hub: GitHub, token: str, query: str) -> Any:
    headers = {"Authorization": f"bearer {token}"}
    return requests.post(hub.graphql_url, json={"query": query}, headers=headers, timeout=5).json()


def test_graphql__follows_the_old_name_unless_told_not_to(hub: GitHub, repo: Repository, token: str) -> None:
    repo.rename("acme/new")
    found = '{ repository(owner: "ann", name: "old"%s) { nameWithOwner owner { login } issue(number: 1) { title } } }'
    assert ask(hub, token, found.replace("%s", ""))["data"]["repository"] == {
        "nameWithOwner": "acme/new",
        "owner": {"login": "acme"},
        "issue": {"title": "T"},
    }
    refused = ask(hub, token, found.replace("%s", ", followRenames: false"))
    assert refused["errors"][0]["type"] == "NOT_FOUND"


def test_graphql__commits_to_a_branch_under_the_old_name(hub: GitHub, repo: Repository, token: str) -> None:
    repo.rename("ann/new")
    given = (
        'branch: {repositoryNameWithOwner: "ann/old", branchName: "main"}, message: {headline: "m"}, '
        f'expectedHeadOid: "{repo.head()}", fileChanges: {{additions: [{{path: "b", contents: "Mg=="}}]}}'
    )
    assert "errors" not in ask(
        hub, token, f"mutation {{ createCommitOnBranch(input: {{{given}}}) {{ ref {{ name }} }} }}"
    )
    assert repo.file("b") == b"2"


def test_git__is_redirected(hub: GitHub, repo: Repository, token: str, tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        return subprocess.run(["git", *identity, *arguments], capture_output=True, text=True, check=True).stderr

    address, work = repo.clone_url.replace("://", f"://x:{token}@"), str(tmp_path / "work")
    repo.rename("ann/new")
    assert "redirecting to" in git("clone", address, work)
    git("-C", work, "commit", "-q", "--allow-empty", "-m", "m")
    git("-C", work, "push", "-q")
    assert repo.git("log", "-1", "--format=%s", "main") == "m\n"
    challenges = {("GET", 401)}
    assert {(r.method, r.status) for r in hub.git_requests if "/ann/old" in r.path} - challenges == {("GET", 301)}
