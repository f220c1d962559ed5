"""What is closed to whom: locked conversations, archived repositories."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.double import BOT, GitHub, Repository

Send = Callable[..., tuple[int, str]]
Mutate = Callable[..., dict[str, str]]


@pytest.fixture
def repo(hub: GitHub) -> Repository:
    repository = hub.add_repository("ann/store", files={"a": "1"})
    repository.grant("writer", "write")
    number = repository.open_issue("reader", "T", "B", labels=["x"])
    for by in ("reader", "writer", BOT, "my-app[bot]"):
        repository.comment(number, by, f"by {by}")
    return repository


@pytest.fixture
def tokens(hub: GitHub, repo: Repository) -> dict[str, str]:
    return {
        "reader": hub.token("reader"),
        "writer": hub.token("writer"),
        "owner": hub.token("ann"),
        "workflow": repo.workflow_token(issues="write", contents="write", actions="write"),
        "app": repo.app_token("my-app", issues="write", contents="write"),
    }


@pytest.fixture
def send(hub: GitHub) -> Send:
    def request(token: str, method: str, path: str, body: Any = None) -> tuple[int, str]:
        headers = {"Authorization": f"token {token}"}
        answer = requests.request(method, f"{hub.api_url}/repos/ann/store{path}", json=body, headers=headers, timeout=5)
        return answer.status_code, answer.json().get("message", "") if answer.content else ""

    return request


@pytest.fixture
def mutate(hub: GitHub) -> Mutate:
    """The error of a mutation, an empty one where there is none."""

    def request(token: str, field: str, given: str) -> dict[str, str]:
        query = {"query": f"mutation {{ {field}(input: {{{given}}}) {{ clientMutationId }} }}"}
        headers = {"Authorization": f"bearer {token}"}
        answer = requests.post(hub.graphql_url, json=query, headers=headers, timeout=5).json()
        (error,) = answer.get("errors") or [{}]
        return {key: error[key] for key in ("type", "message") if key in error}

    return request


def own_comment(repo: Repository, name: str) -> Any:
    login = {"workflow": BOT, "app": "my-app[bot]"}.get(name, name)
    return next(comment for comment in repo.issue(1).comments if comment.author == login)


@pytest.mark.parametrize(
    ("name", "open_to"), [("reader", False), ("writer", True), ("workflow", False), ("app", False)]
)
def test_locked__only_people_with_write_comment(
    repo: Repository, tokens: dict[str, str], send: Send, mutate: Mutate, name: str, open_to: bool
) -> None:
    repo.lock(1, "ann", "resolved")
    token, comment = tokens[name], own_comment(repo, name)
    words = "Unable to create comment because issue is locked"
    assert send(token, "POST", "/issues/1/comments", {"body": "c"}) == ((201, "") if open_to else (403, f"{words}."))
    error = mutate(token, "addComment", f'subjectId: "{repo.issue(1).node_id}", body: "c"')
    assert error == ({} if open_to else {"type": "FORBIDDEN", "message": words})
    words = "Unable to update comment because issue is locked"
    path = f"/issues/comments/{comment.id}"
    assert send(token, "PATCH", path, {"body": "d"}) == ((200, "") if open_to else (403, f"{words}."))
    error = mutate(token, "updateIssueComment", f'id: "{comment.node_id}", body: "e"')
    assert error == ({} if open_to else {"type": "FORBIDDEN", "message": words})


@pytest.mark.parametrize("name", ["reader", "writer", "owner", "workflow", "app"])
def test_locked__nobody_reacts_nor_takes_a_reaction_back(
    hub: GitHub, repo: Repository, tokens: dict[str, str], send: Send, mutate: Mutate, name: str
) -> None:
    login = {"workflow": BOT, "app": "my-app[bot]", "owner": "ann"}.get(name, name)
    comment = repo.issue(1).comments[0]
    left = repo.react(comment.id, login, "eyes")
    repo.lock(1, "ann")
    path = f"/issues/comments/{comment.id}/reactions"
    words = "Unable to create reaction because issue is locked"
    assert send(tokens[name], "POST", path, {"content": "+1"}) == (403, f"{words}.")
    assert send(tokens[name], "DELETE", f"{path}/{left}")[0] == 403
    for field, content in (("addReaction", "THUMBS_UP"), ("removeReaction", "EYES")):
        given = f'subjectId: "{comment.node_id}", content: {content}'
        hub.options.lock_is_named = True
        assert mutate(tokens[name], field, given) == {"type": "FORBIDDEN", "message": words}
        hub.options.lock_is_named = False
        deed = field[0].upper() + field[1:]
        unnamed = f"{login} does not have the correct permissions to execute `{deed}`"
        assert mutate(tokens[name], field, given) == {"type": "FORBIDDEN", "message": unnamed}
    assert repo.issue(1).comments[0].reactions == ((login, "eyes"),)
    repo.unlock(1, "ann")
    assert send(tokens[name], "POST", path, {"content": "+1"})[0] == 201


@pytest.mark.parametrize("name", ["workflow", "app", "writer"])
@pytest.mark.parametrize("graphql", [False, True])
def test_locked__whoever_may_write_unlocks_writes_and_locks_again(
    repo: Repository, tokens: dict[str, str], send: Send, mutate: Mutate, name: str, graphql: bool
) -> None:
    def turn(on: bool) -> bool:
        if graphql:
            lockable = f'lockableId: "{repo.issue(1).node_id}"'
            return not mutate(tokens[name], "lockLockable" if on else "unlockLockable", lockable)
        return send(tokens[name], "PUT" if on else "DELETE", "/issues/1/lock")[0] == 204

    repo.lock(1, "ann", "too heated")
    assert send(tokens[name], "PATCH", "/issues/1", {"body": "an App, too, may still edit the body"})[0] == 200
    assert turn(False)
    assert not repo.issue(1).locked
    assert send(tokens[name], "POST", "/issues/1/comments", {"body": "c"})[0] == 201
    assert turn(True)
    assert repo.issue(1).locked


def test_locked__readers_neither_edit_nor_unlock(
    hub: GitHub, repo: Repository, tokens: dict[str, str], send: Send, mutate: Mutate
) -> None:
    repo.lock(1, "ann")
    token = tokens["reader"]
    words = "Unable to update issue because issue is locked."
    assert send(token, "PATCH", "/issues/1", {"title": "U"}) == (403, words)
    assert send(token, "DELETE", "/issues/1/lock")[0] == 403
    assert mutate(token, "unlockLockable", f'lockableId: "{repo.issue(1).node_id}"')["type"] == "FORBIDDEN"
    fields = "viewerCanUpdate viewerCannotUpdateReasons viewerCanReact"
    query = f'{{ repository(owner: "ann", name: "store") {{ issue(number: 1) {{ locked {fields} }} }} }}'

    def seen(token: str) -> list[Any]:
        headers = {"Authorization": f"bearer {token}"}
        answer = requests.post(hub.graphql_url, json={"query": query}, headers=headers, timeout=5).json()
        return list(answer["data"]["repository"]["issue"].values())

    assert seen(token) == [True, False, ["LOCKED"], False]
    assert seen(tokens["writer"]) == [True, True, [], False]
    repo.unlock(1, "ann")
    assert seen(token) == [False, True, [], True]
    repo.archive()
    assert seen(tokens["owner"]) == [False, False, ["ARCHIVED"], False]


WRITES: list[tuple[str, str, Any]] = [
    ("POST", "/issues", {"title": "T"}),
    ("PATCH", "/issues/1", {"title": "U"}),
    ("PATCH", "/issues/1", {"state": "closed"}),
    ("POST", "/issues/1/comments", {"body": "c"}),
    ("POST", "/issues/1/reactions", {"content": "+1"}),
    ("POST", "/issues/1/labels", ["x"]),
    ("DELETE", "/issues/1/labels/x", None),
    ("POST", "/labels", {"name": "new"}),
    ("PUT", "/issues/1/lock", None),
    ("PUT", "/contents/b", {"message": "m", "content": ""}),
    ("POST", "/git/refs", {"ref": "refs/heads/b", "sha": "HEAD"}),
    ("POST", "/dispatches", {"event_type": "go"}),
    ("POST", "/actions/workflows/x.yml/dispatches", {"ref": "main"}),
]


@pytest.mark.parametrize("name", ["owner", "workflow"])
def test_archived__is_read_only_for_everybody(
    repo: Repository, tokens: dict[str, str], send: Send, mutate: Mutate, name: str
) -> None:
    repo.archive()
    before = repo.issue(1), repo.head(), repo.labels()
    token, issue = tokens[name], repo.issue(1).node_id
    words = "Repository was archived so is read-only"
    answers = {f"{method} {path}": send(token, method, path, body) for method, path, body in WRITES}
    assert answers == dict.fromkeys(answers, (403, f"{words}."))
    comment = repo.issue(1).comments[0].node_id
    commit = (
        'branch: {repositoryNameWithOwner: "ann/store", branchName: "main"}, '
        f'message: {{headline: "m"}}, expectedHeadOid: "{repo.head()}"'
    )
    for field, given in (
        ("createIssue", f'repositoryId: "{repo.node_id}", title: "T"'),
        ("updateIssue", f'id: "{issue}", title: "U"'),
        ("closeIssue", f'issueId: "{issue}"'),
        ("addComment", f'subjectId: "{issue}", body: "c"'),
        ("updateIssueComment", f'id: "{comment}", body: "c"'),
        ("deleteIssueComment", f'id: "{comment}"'),
        ("addReaction", f'subjectId: "{comment}", content: THUMBS_UP'),
        ("lockLockable", f'lockableId: "{issue}"'),
        ("createCommitOnBranch", commit),
    ):
        assert mutate(token, field, given) == {"type": "UNPROCESSABLE", "message": words}, field
    assert (repo.issue(1), repo.head(), repo.labels()) == before
    assert send(token, "GET", "/issues/1")[0] == 200
    repo.archive(False)
    assert send(token, "PATCH", "/issues/1", {"title": "U"})[0] == 200


def test_archived__is_cloned_but_not_pushed_to(
    hub: GitHub, repo: Repository, tokens: dict[str, str], tmp_path: Path
) -> None:
    def git(*arguments: str) -> subprocess.CompletedProcess[str]:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        return subprocess.run(["git", *identity, *arguments], capture_output=True, text=True, check=False)

    repo.archive()
    address = repo.clone_url.replace("://", f"://x:{tokens['owner']}@")
    work = tmp_path / "work"
    assert git("clone", "-q", address, str(work)).returncode == 0
    assert git("-C", str(work), "commit", "-q", "--allow-empty", "-m", "m").returncode == 0
    pushed = git("-C", str(work), "push")
    assert pushed.returncode != 0
    assert "remote: This repository was archived so it is read-only." in pushed.stderr
    assert "The requested URL returned error: 403" in pushed.stderr
