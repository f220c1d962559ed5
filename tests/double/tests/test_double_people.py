"""Who is who: Apps and their installations, bots, accounts that are gone."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.double import BOT, GitHub, Repository

Send = Callable[..., requests.Response]
Ask = Callable[..., Any]


@pytest.fixture
def repo(hub: GitHub) -> Repository:
    repository = hub.add_repository("ann/store", files={"a": "1"})
    repository.open_issue("ann", "T", labels=["x"])
    return repository


@pytest.fixture
def send(hub: GitHub) -> Send:
    def request(token: str, method: str, path: str, body: Any = None) -> requests.Response:
        headers = {"Authorization": f"token {token}"}
        url = f"{hub.api_url}{path}" if path.startswith(("/user", "/orgs")) else f"{hub.api_url}/repos/ann/store{path}"
        return requests.request(method, url, json=body, headers=headers, timeout=5)

    return request


@pytest.fixture
def ask(hub: GitHub) -> Ask:
    def answer(token: str, query: str) -> Any:
        headers = {"Authorization": f"bearer {token}"}
        return requests.post(hub.graphql_url, json={"query": query}, headers=headers, timeout=5).json()

    return answer


def test_app__acts_as_its_bot_with_the_rights_of_its_installation(
    hub: GitHub, repo: Repository, send: Send, ask: Ask
) -> None:
    token, reader = repo.app_token("my-app", issues="write"), repo.app_token("my-app", issues="read")
    assert token.startswith("ghs_")
    assert ask(token, "{ viewer { login } }")["data"]["viewer"]["login"] == "my-app[bot]"
    assert send(token, "GET", "/user").status_code == 403
    assert send(token, "PATCH", "/issues/1", {"title": "U", "labels": ["x"]}).status_code == 200
    assert send(reader, "PATCH", "/issues/1", {"title": "V"}).json()["message"] == (
        "Resource not accessible by integration"
    )
    comment = send(token, "POST", "/issues/1/comments", {"body": "c"}).json()
    assert (comment["user"]["login"], comment["user"]["type"]) == ("my-app[bot]", "Bot")
    assert (comment["author_association"], comment["performed_via_github_app"]["slug"]) == ("NONE", "my-app")
    nodes = "comments(first: 1) { nodes { author { __typename login } viewerDidAuthor } }"
    query = '{ repository(owner: "ann", name: "store") { issue(number: 1) { ' + nodes + " } } }"
    (node,) = ask(token, query)["data"]["repository"]["issue"]["comments"]["nodes"]
    assert node == {"author": {"__typename": "Bot", "login": "my-app"}, "viewerDidAuthor": True}
    assert send(token, "PUT", "/contents/b", {"message": "m", "content": ""}).status_code == 403
    writer = repo.app_token("my-app", contents="write")
    assert send(writer, "PUT", "/contents/b", {"message": "m", "content": ""}).status_code == 201


def test_app__starts_runs_unlike_a_workflow_and_has_a_limit_of_its_own(
    hub: GitHub, repo: Repository, send: Send
) -> None:
    app, workflow = repo.app_token("my-app", issues="write"), repo.workflow_token(issues="write")
    hub.events.clear()
    limits = [
        send(t, "POST", "/issues/1/comments", {"body": "c"}).headers["X-RateLimit-Limit"] for t in (app, workflow)
    ]
    assert [(e.actor, e.starts_run) for e in hub.events] == [("my-app[bot]", True), (BOT, False)]
    assert limits == ["5000", "1000"]


def test_app__deletes_issues_and_reads_teams_where_it_may_administrate_and_read_members(
    hub: GitHub, repo: Repository, send: Send, ask: Ask
) -> None:
    hub.add_org("acme", {"bob": "member"})
    hub.add_team("acme", "core", {"bob": "member"})
    issue = f'mutation {{ deleteIssue(input: {{issueId: "{repo.issue(1).node_id}"}}) {{ clientMutationId }} }}'
    weak = repo.app_token("my-app", issues="write")
    strong = repo.app_token("my-app", issues="write", members="read", administration="write")
    assert [send(t, "GET", "/orgs/acme/teams/core").status_code for t in (weak, strong)] == [403, 200]
    assert [bool(ask(t, issue).get("errors")) for t in (weak, strong)] == [True, False]


@pytest.mark.parametrize("login", ["my-app[bot]", BOT])
def test_permission__of_an_apps_bot_is_none_or_404_whatever_it_may_do(
    hub: GitHub, repo: Repository, send: Send, login: str
) -> None:
    token = repo.app_token("my-app", issues="write", contents="write")
    path = f"/collaborators/{login}/permission".replace("[", "%5B").replace("]", "%5D")
    answer = send(token, "GET", path).json()
    assert (answer["permission"], answer["role_name"], answer["user"]["login"]) == ("none", "none", login)
    hub.options.bots_not_found.add(login)
    answer = send(token, "GET", path).json()
    assert (answer["status"], answer["message"]) == ("404", f"{login} is not a user")


def test_permission__of_a_bot_that_is_no_app_is_404(hub: GitHub, repo: Repository, send: Send) -> None:
    hub.add_user("Copilot", "Bot")
    answer = send(repo.app_token("my-app"), "GET", "/collaborators/Copilot/permission")
    assert (answer.status_code, answer.json()["message"]) == (404, "Copilot is not a user")


PEOPLE = """{ repository(owner: "ann", name: "store") { issue(number: 2) {
    author { login } editor { login } authorAssociation
    timelineItems(last: 1, itemTypes: [RENAMED_TITLE_EVENT]) { nodes { ... on RenamedTitleEvent { actor { login } } } }
    userContentEdits(first: 1) { nodes { editor { login } } }
    comments(first: 1) { nodes { author { login } editor { login } viewerDidAuthor
      reactions(first: 9) { totalCount nodes { content user { login } } } } } } } }"""


def test_deleted_account__leaves_what_it_wrote_by_nobody(hub: GitHub, repo: Repository, send: Send, ask: Ask) -> None:
    repo.grant("bob", "write")
    number = repo.open_issue("bob", "T", "B")
    repo.edit_issue(number, "bob", title="U", body="C")
    comment = repo.comment(number, "bob", "c")
    repo.edit_comment(comment, "bob", "d")
    repo.react(comment, "bob", "+1")
    repo.react(comment, "ann", "+1")
    gone, token = hub.token("bob"), repo.workflow_token(issues="write")
    hub.delete_user("bob")
    issue = ask(token, PEOPLE)["data"]["repository"]["issue"]
    (comment_seen,) = issue.pop("comments")["nodes"]
    assert issue == {
        "author": None,
        "editor": None,
        "authorAssociation": "NONE",
        "timelineItems": {"nodes": [{"actor": None}]},
        "userContentEdits": {"nodes": [{"editor": None}]},
    }
    assert comment_seen == {
        "author": None,
        "editor": None,
        "viewerDidAuthor": False,
        "reactions": {
            "totalCount": 2,
            "nodes": [{"content": "THUMBS_UP", "user": None}, {"content": "THUMBS_UP", "user": {"login": "ann"}}],
        },
    }
    assert send(token, "GET", f"/issues/{number}").json()["user"]["login"] == "ghost"
    assert send(token, "GET", f"/issues/{number}/events").json()[-1]["actor"]["login"] == "ghost"
    assert send(token, "GET", "/collaborators/bob/permission").status_code == 404
    assert send(gone, "GET", f"/issues/{number}").status_code == 401


def test_deleted_account__whose_name_is_taken_again_has_no_rights(hub: GitHub, repo: Repository, send: Send) -> None:
    hub.add_org("acme", {"bob": "admin"})
    hub.add_team("acme", "core", {"bob": "member"})
    repo.grant("bob", "admin", role_name="boss")
    comment = repo.comment(1, "bob", "c")
    hub.delete_user("bob")
    repo.comment(1, "bob", "another bob")
    assert [(c.id == comment, c.author) for c in repo.issue(1).comments] == [(True, "ghost"), (False, "bob")]
    answer = send(hub.token("bob"), "PATCH", "/issues/1", {"title": "U"})
    assert answer.status_code == 403
    assert send(hub.token("ann"), "GET", "/collaborators/bob/permission").json()["role_name"] == "read"
    assert send(hub.token("bob"), "GET", "/orgs/acme/teams/core").status_code == 404


@pytest.mark.parametrize("shown", [True, False])
def test_reactions__of_bots_are_by_nobody_by_an_option(hub: GitHub, repo: Repository, ask: Ask, shown: bool) -> None:
    comment = repo.comment(repo.open_issue("ann", "T"), "ann", "c")
    for login in (BOT, "my-app[bot]", "ann"):
        repo.react(comment, login, "eyes")
    hub.options.bot_reaction_user = shown
    (seen,) = ask(repo.workflow_token(issues="read"), PEOPLE)["data"]["repository"]["issue"]["comments"]["nodes"]
    users = [node["user"] and node["user"]["login"] for node in seen["reactions"]["nodes"]]
    assert users == ([BOT, "my-app[bot]", "ann"] if shown else [None, None, "ann"])
    assert seen["reactions"]["totalCount"] == 3
