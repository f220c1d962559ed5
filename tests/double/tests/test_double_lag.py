"""Views that lag behind: each by a number of requests of its own."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.double import GitHub, Repository

Ask = Callable[[str], Any]


@pytest.fixture
def repo(hub: GitHub) -> Repository:
    repository = hub.add_repository("ann/store")
    repository.open_issue("ann", "T", labels=["x"])
    return repository


@pytest.fixture
def token(repo: Repository) -> str:
    return repo.workflow_token(issues="write")


@pytest.fixture
def get(hub: GitHub, token: str) -> Ask:
    def answer(path: str) -> Any:
        headers = {"Authorization": f"token {token}"}
        return requests.get(f"{hub.api_url}/repos/ann/store{path}", headers=headers, timeout=5).json()

    return answer


@pytest.fixture
def ask(hub: GitHub, token: str) -> Ask:
    def answer(selection: str) -> Any:
        query = '{ repository(owner: "ann", name: "store") { ' + selection + " } }"
        return mutate(hub, token, query)["repository"]

    return answer


def mutate(hub: GitHub, token: str, query: str) -> Any:
    headers = {"Authorization": f"bearer {token}"}
    return requests.post(hub.graphql_url, json={"query": query}, headers=headers, timeout=5).json()["data"]


TITLES = "title timelineItems(last: 9, itemTypes: [RENAMED_TITLE_EVENT]) { totalCount nodes { __typename } }"


@pytest.mark.parametrize("delay", [0, 1, 2, 5, 50])
def test_events__a_rename_shows_that_many_requests_after_the_title(
    hub: GitHub, repo: Repository, ask: Ask, delay: int
) -> None:
    hub.delays.events = delay
    repo.edit_issue(1, "ann", title="U")
    seen = [ask(f"issue(number: 1) {{ {TITLES} }}")["issue"] for _ in range(delay + 1)]
    assert {issue["title"] for issue in seen} == {"U"}
    assert [issue["timelineItems"]["totalCount"] for issue in seen] == [0] * delay + [1]


def test_events__the_request_that_renames_does_not_see_a_late_event_itself(
    hub: GitHub, repo: Repository, token: str, get: Ask
) -> None:
    given = f'input: {{id: "{repo.issue(1).node_id}", title: "U"}}'
    hub.delays.events = 1
    issue = mutate(hub, token, f"mutation {{ updateIssue({given}) {{ issue {{ {TITLES} }} }} }}")["updateIssue"][
        "issue"
    ]
    assert (issue["title"], issue["timelineItems"]["nodes"]) == ("U", [])
    for path in ("/issues/1/events", "/issues/1/timeline", "/issues/events"):
        repo.edit_issue(1, "ann", title=f"U{path}")
        assert f"U{path}" not in str([entry.get("rename") for entry in get(path)])
        assert f"U{path}" in str([entry.get("rename") for entry in get(path)])
    assert repo.issue(1).titles[-1] == "U/issues/events"


def _nodes(answer: Any) -> list[int]:
    return [issue["number"] for issue in answer["nodes"]]


NODES = "{ nodes { number } }"
BY_LABEL: dict[str, Callable[[Ask, Ask], list[int]]] = {
    "labels": lambda get, ask: _nodes(ask(f'issues(first: 9, labels: ["x"]) {NODES}')["issues"]),
    "filterBy": lambda get, ask: _nodes(ask(f'issues(first: 9, filterBy: {{labels: ["x"]}}) {NODES}')["issues"]),
    "Label": lambda get, ask: _nodes(ask(f'label(name: "x") {{ issues(first: 9) {NODES} }}')["label"]["issues"]),
    "REST": lambda get, ask: [issue["number"] for issue in get("/issues?labels=x&direction=asc&state=all")],
}
PLAIN: dict[str, Callable[[Ask, Ask], list[int]]] = {
    "issues": lambda get, ask: _nodes(ask(f"issues(first: 9) {NODES}")["issues"]),
    "REST": lambda get, ask: [issue["number"] for issue in get("/issues?direction=asc&state=all")],
}


@pytest.mark.parametrize("name", BY_LABEL)
def test_labels__lists_by_label_show_new_issues_and_label_changes_late(
    hub: GitHub, repo: Repository, get: Ask, ask: Ask, name: str
) -> None:
    def listed() -> list[int]:
        return BY_LABEL[name](get, ask)

    hub.delays.labels = 1
    repo.open_issue("ann", "new", labels=["x"])
    assert [listed(), listed()] == [[1], [1, 2]]
    repo.edit_issue(1, "ann", labels=[])
    assert repo.issue(1).labels == ()
    assert [listed(), listed()] == [[1, 2], [2]]
    repo.delete_label("ann", "x")
    repo.create_label("ann", "x")
    assert listed() == []
    hub.delays.lists, hub.delays.labels = 9, 0
    repo.edit_issue(1, "ann", labels=["x"])
    assert listed() == [1]


@pytest.mark.parametrize("name", PLAIN)
def test_lists__show_new_issues_late_but_the_issue_itself_at_once(
    hub: GitHub, repo: Repository, get: Ask, ask: Ask, name: str
) -> None:
    hub.delays.lists = 2
    number = repo.open_issue("ann", "new", labels=["x"])
    assert get(f"/issues/{number}")["title"] == "new"
    assert [PLAIN[name](get, ask) for _ in range(2)] == [[1], [1, 2]]
    assert ask(f'issue(number: {number}) {{ title }} issues(first: 1, labels: ["x"]) {{ totalCount }}') == {
        "issue": {"title": "new"},
        "issues": {"totalCount": 2},
    }


def test_lists__filter_by_the_state_and_the_time_of_change_they_know(
    hub: GitHub, repo: Repository, get: Ask, ask: Ask
) -> None:
    hub.delays.lists = 2
    hub.clock.advance(100)
    repo.edit_issue(1, "ann", title="closed", state="closed")
    since = repo.issue(1).updated_at
    assert [issue["title"] for issue in get("/issues?state=open")] == ["closed"]
    query = f'issues(first: 9, filterBy: {{since: "{since}"}}) {{ nodes {{ state }} }}'
    assert [ask(query)["issues"]["nodes"] for _ in range(2)] == [[], [{"state": "CLOSED"}]]
    assert get("/issues?state=open") == []


def test_changes__each_keep_to_their_own_delay_and_their_order(hub: GitHub, repo: Repository, get: Ask) -> None:
    hub.delays.labels = 3
    repo.edit_issue(1, "ann", labels=["y"])
    get("/issues/1")
    hub.delays.labels = 1
    repo.edit_issue(1, "ann", labels=["z"])
    shown = [next((x for x in "xyz" if get(f"/issues?labels={x}")), None) for _ in range(3)]
    assert shown[0] == "x"
    assert shown[-1] == "z"


def test_permissions__answers_name_the_old_role_while_the_new_one_counts(
    hub: GitHub, repo: Repository, get: Ask
) -> None:
    repo.grant("bob", "write", role_name="scribe")
    hub.delays.permissions = 2
    repo.grant("bob", "none")
    paths = ("/collaborators/bob/permission",) * 3
    assert [get(path)["role_name"] for path in paths] == ["scribe", "scribe", "read"]
    headers = {"Authorization": f"token {hub.token('bob')}"}
    url = f"{hub.api_url}/repos/ann/store/issues/1"
    assert requests.patch(url, json={"title": "no"}, headers=headers, timeout=5).status_code == 403


def test_permissions__of_who_left_the_organisation_lag_too(hub: GitHub) -> None:
    hub.add_org("acme", {"bob": "admin", "ann": "admin"})
    repo = hub.add_repository("acme/store", private=True)
    hub.delays.permissions = 1
    hub.remove_member("acme", "bob")
    url = f"{hub.api_url}/repos/acme/store/collaborators/bob/permission"
    headers = {"Authorization": f"token {repo.workflow_token(issues='read')}"}
    answers = [requests.get(url, headers=headers, timeout=5).json()["permission"] for _ in range(2)]
    assert answers == ["admin", "none"]


def test_comments__show_late_in_every_read(hub: GitHub, repo: Repository, get: Ask, ask: Ask) -> None:
    hub.delays.comments = 3
    number = repo.comment(1, "ann", "c")
    assert get("/issues/1/comments") == []
    assert get(f"/issues/comments/{number}")["status"] == "404"
    assert ask("issue(number: 1) { comments(first: 1) { totalCount } }")["issue"]["comments"]["totalCount"] == 0
    assert [comment["id"] for comment in get("/issues/1/comments")] == [number]


def test_reveal__ends_every_lag_and_a_saved_state_keeps_it(hub: GitHub, repo: Repository, get: Ask) -> None:
    hub.delays.comments = 1
    repo.comment(1, "ann", "c")
    saved = hub.save()
    repo.reveal()
    assert len(get("/issues/1/comments")) == 1
    hub.restore(saved)
    assert [len(get("/issues/1/comments")) for _ in range(2)] == [0, 1]
