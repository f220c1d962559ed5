"""Workflows of a repository: which there are, and whether they are on."""

from collections.abc import Callable
from typing import Any

import github as pygithub
import pytest
import requests

from tests.double import GitHub, Repository

Send = Callable[..., requests.Response]
FILES = {
    ".github/workflows/process.yml": "name: 'Process updates'\non: workflow_dispatch\n",
    ".github/workflows/unnamed.yaml": "on: push\n",
    ".github/workflows/README.md": "no workflow",
    "elsewhere.yml": "name: No workflow either\n",
}


@pytest.fixture
def repo(hub: GitHub) -> Repository:
    return hub.add_repository("ann/store", files=FILES, private=True)


@pytest.fixture
def send(hub: GitHub) -> Send:
    def request(token: str, method: str, path: str = "", body: Any = None) -> requests.Response:
        url = f"{hub.api_url}/repos/ann/store/actions/workflows{path}"
        return requests.request(method, url, json=body, headers={"Authorization": f"token {token}"}, timeout=5)

    return request


def test_workflows__are_the_files_of_the_default_branch_with_their_state(
    hub: GitHub, repo: Repository, send: Send
) -> None:
    token = repo.workflow_token(actions="read")
    repo.set_workflow_state("process.yml", "disabled_inactivity")
    answer = send(token, "GET").json()
    assert answer["total_count"] == 2
    assert [(w["name"], w["path"], w["state"]) for w in answer["workflows"]] == [
        ("Process updates", ".github/workflows/process.yml", "disabled_inactivity"),
        (".github/workflows/unnamed.yaml", ".github/workflows/unnamed.yaml", "active"),
    ]
    number = answer["workflows"][0]["id"]
    assert send(token, "GET", f"/{number}").json() == send(token, "GET", "/process.yml").json()
    assert send(token, "GET", "/nothing.yml").status_code == 404
    client = pygithub.Github(auth=pygithub.Auth.Token(token), base_url=hub.api_url, retry=None)
    assert [w.state for w in client.get_repo("ann/store").get_workflows()] == ["disabled_inactivity", "active"]
    client.close()
    assert hub.add_repository("ann/empty").head() is None
    url = f"{hub.api_url}/repos/ann/empty/actions/workflows"
    assert requests.get(url, timeout=5).json() == {"total_count": 0, "workflows": []}


def test_workflows__need_a_permission_where_the_repository_is_private(
    hub: GitHub, repo: Repository, send: Send
) -> None:
    hub.add_repository("ann/public", files=FILES)
    stranger, blind = hub.token("eve"), repo.workflow_token(issues="write", contents="read")
    assert [send(token, "GET").status_code for token in (stranger, blind)] == [404, 403]
    assert send(blind, "GET").headers["X-Accepted-GitHub-Permissions"] == "actions=read"
    url = f"{hub.api_url}/repos/ann/public/actions/workflows"
    assert requests.get(url, timeout=5).json()["total_count"] == 2


def test_workflows__are_turned_off_and_on_and_start_only_when_on(hub: GitHub, repo: Repository, send: Send) -> None:
    token, reader = repo.workflow_token(actions="write"), repo.workflow_token(actions="read")
    start = ("POST", "/process.yml/dispatches", {"ref": "main"})
    assert send(reader, "PUT", "/process.yml/disable").status_code == 403
    assert send(token, "PUT", "/process.yml/disable").status_code == 204
    assert send(token, "GET", "/process.yml").json()["state"] == "disabled_manually"
    refused = send(token, *start)
    assert (refused.status_code, refused.json()["message"]) == (
        422,
        "Cannot trigger a 'workflow_dispatch' on a disabled workflow",
    )
    assert hub.events.named("workflow_dispatch") == []
    assert send(token, "PUT", "/process.yml/enable").status_code == 204
    assert send(token, *start).status_code == 204
    assert len(hub.events.named("workflow_dispatch")) == 1
