"""What can go wrong on purpose: faults, dead processes, gates, lag."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import github as pygithub
import pytest
import requests

from tests.double import REFUSALS, AliasFault, Fault, GitHub, Repository, Request

Post = Callable[..., requests.Response]


@pytest.fixture
def repo(hub: GitHub) -> Repository:
    repository = hub.add_repository("ann/store")
    repository.open_issue("ann", "T")
    return repository


@pytest.fixture
def token(repo: Repository) -> str:
    return repo.workflow_token(issues="write")


@pytest.fixture
def post(hub: GitHub, token: str) -> Iterator[Post]:
    """Add a comment to issue 1."""
    session = requests.Session()

    def comment(body: str, by: str | None = None) -> requests.Response:
        headers = {"Authorization": f"token {by or token}"}
        url = f"{hub.api_url}/repos/ann/store/issues/1/comments"
        return session.post(url, json={"body": body}, headers=headers, timeout=5)

    yield comment
    session.close()


def add(repo: Repository, body: str, key: str = "addComment") -> str:
    """A mutation that adds a comment to issue 1."""
    given = f'input: {{subjectId: "{repo.issue(1).node_id}", body: "{body}"}}'
    return f"{key}: addComment({given}) {{ clientMutationId }}"


def mutate(hub: GitHub, token: str, *fields: str) -> requests.Response:
    query = {"query": f"mutation {{ {' '.join(fields)} }}"}
    return requests.post(hub.graphql_url, json=query, headers={"Authorization": f"bearer {token}"}, timeout=5)


def bodies(repo: Repository) -> list[str]:
    return [comment.body for comment in repo.issue(1).comments]


@pytest.mark.parametrize(("phase", "kept"), [("before", []), ("after", ["x"])])
@pytest.mark.parametrize("status", [401, 403, 429, 500, 502, 503, 504])
def test_faults__a_status_comes_before_or_after_the_effect(
    hub: GitHub, repo: Repository, post: Post, phase: str, kept: list[str], status: int
) -> None:
    hub.faults.status(status, phase=phase)
    answer = post("x")
    assert answer.status_code == status
    assert answer.json()["message"]
    assert bodies(repo) == kept
    assert post("y").status_code == 201
    assert [record.fault for record in hub.requests] == ["status", None]


def test_faults__a_secondary_limit_is_known_to_pygithub(hub: GitHub, repo: Repository, token: str) -> None:
    hub.faults.secondary_limit(retry_after=7)
    client = pygithub.Github(auth=pygithub.Auth.Token(token), base_url=hub.api_url, retry=None)
    with pytest.raises(pygithub.RateLimitExceededException) as limited:
        client.get_repo("ann/store")
    client.close()
    assert limited.value.headers is not None
    assert limited.value.headers["retry-after"] == "7"


@pytest.mark.parametrize(("phase", "kept"), [("before", []), ("after", ["x"])])
def test_faults__a_dropped_connection_gives_no_answer(
    hub: GitHub, repo: Repository, post: Post, phase: str, kept: list[str]
) -> None:
    hub.faults.drop(phase=phase)
    with pytest.raises(requests.ConnectionError):
        post("x")
    assert bodies(repo) == kept
    assert post("y").status_code == 201


def test_faults__a_truncated_answer_breaks_off(hub: GitHub, repo: Repository, post: Post) -> None:
    hub.faults.truncate()
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        post("x")
    assert bodies(repo) == ["x"]


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 407, 408, 422, 429, 500, 502, 503, 504])
@pytest.mark.parametrize(("phase", "kept"), [("before", []), ("after", ["x"])])
@pytest.mark.parametrize(("html", "kind"), [(True, "text/html"), (False, "text/plain")])
@pytest.mark.parametrize("graphql", [False, True])
def test_faults__an_answer_may_be_a_page_or_plain_text_at_any_status(
    hub: GitHub,
    repo: Repository,
    post: Post,
    token: str,
    status: int,
    phase: str,
    kept: list[str],
    html: bool,
    kind: str,
    graphql: bool,
) -> None:
    hub.faults.not_json(status=status, phase=phase, html=html, retry_after=9 if status == 429 else None)
    answer = mutate(hub, token, add(repo, "x")) if graphql else post("x")
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, f"{kind}; charset=utf-8")
    assert ("<title>" in answer.text, str(status) in answer.text) == (html, True)
    assert answer.headers.get("Retry-After") == ("9" if status == 429 else None)
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert bodies(repo) == kept
    assert post("y").status_code == 201


def test_faults__plain_text_may_say_anything(hub: GitHub, repo: Repository, post: Post) -> None:
    hub.faults.not_json(status=504, html=False, text="upstream request timeout")
    assert post("x").text == "upstream request timeout"


def test_faults__count_from_when_they_were_added_for_the_token_they_name(
    hub: GitHub, repo: Repository, post: Post
) -> None:
    other = repo.workflow_token(issues="write")
    post("1")
    fault = hub.faults.status(500, token=other, nth=2, times=2)
    statuses = [post("2").status_code, *(post("x", other).status_code for _ in range(4))]
    assert statuses == [201, 201, 500, 500, 201]
    assert (fault.seen, fault.hits) == (4, 2)
    hub.faults.add(Fault("status", status=503, match=lambda r: r.writes and "boom" in r.body, times=None))
    assert [post(text).status_code for text in ("boom", "fine", "boom")] == [503, 201, 503]
    hub.faults.clear()
    assert post("boom").status_code == 201


@pytest.mark.parametrize(("phase", "kept"), [("before", ["1"]), ("after", ["1", "2"])])
def test_faults__nothing_arrives_from_a_dead_process(
    hub: GitHub, repo: Repository, post: Post, token: str, phase: str, kept: list[str]
) -> None:
    other = repo.workflow_token(issues="write")
    hub.faults.dead_from(token, 2, phase)
    assert post("1").status_code == 201
    for text in ("2", "3", "4"):
        with pytest.raises(requests.ConnectionError):
            post(text)
    assert bodies(repo) == kept
    assert post("5", other).status_code == 201


def test_faults__single_aliases_fail_before_or_after_their_effect(hub: GitHub, repo: Repository, token: str) -> None:
    limits = {"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits for this query exceeded."}
    hub.faults.partial({"b": limits, "c": AliasFault({"type": None, "message": "Timeout"}, after=True)})
    fields = [add(repo, key, key) for key in "abcd"]
    answer = mutate(hub, token, *fields).json()
    assert [key for key in "abcd" if answer["data"][key] is None] == ["b", "c"]
    assert [(e["type"], e["path"]) for e in answer["errors"]] == [("RESOURCE_LIMITS_EXCEEDED", ["b"]), (None, ["c"])]
    assert bodies(repo) == ["a", "c", "d"]
    assert "errors" not in mutate(hub, token, *fields).json()


def test_faults__a_whole_graphql_request_may_fail_inside_a_200(hub: GitHub, repo: Repository, token: str) -> None:
    problem = {"message": "Something went wrong while executing your query."}
    hub.faults.graphql_errors(problem, phase="after")
    subject = f'input: {{subjectId: "{repo.issue(1).node_id}", body: "x"}}'
    query = {"query": f"mutation {{ addComment({subject}) {{ clientMutationId }} }}"}
    answer = requests.post(hub.graphql_url, json=query, headers={"Authorization": f"bearer {token}"}, timeout=5)
    assert (answer.status_code, answer.json()) == (200, {"data": None, "errors": [problem]})
    assert bodies(repo) == ["x"]


@pytest.mark.parametrize(("phase", "kept"), [("before", []), ("after", ["x"])])
def test_faults__something_goes_wrong_without_a_type(
    hub: GitHub, repo: Repository, token: str, phase: str, kept: list[str]
) -> None:
    hub.faults.went_wrong(phase=phase)
    answer = mutate(hub, token, add(repo, "x"))
    assert (answer.status_code, answer.json()["data"]) == (200, None)
    (problem,) = answer.json()["errors"]
    assert set(problem) == {"message"}
    assert problem["message"].startswith("Something went wrong while executing your query.")
    assert bodies(repo) == kept


@pytest.mark.parametrize("reason", REFUSALS)
@pytest.mark.parametrize("after", [False, True])
def test_faults__a_mutation_is_refused_inside_its_request_whatever_its_alias(
    hub: GitHub, repo: Repository, post: Post, token: str, reason: str, after: bool
) -> None:
    hub.faults.refuse("addComment", reason, after=after)
    post("a request without that mutation does not count")
    close = f'closeIssue(input: {{issueId: "{repo.issue(1).node_id}"}}) {{ clientMutationId }}'
    answer = mutate(hub, token, close, add(repo, "b", "say")).json()
    (problem,) = answer["errors"]
    assert {key: problem.get(key) for key in ("type", "message", "extensions")} == {
        "extensions": None,
        **REFUSALS[reason],
    }
    assert (problem["path"], answer["data"]["say"], answer["data"]["closeIssue"]) == (
        ["say"],
        None,
        {"clientMutationId": None},
    )
    assert bodies(repo)[1:] == (["b"] if after else [])
    assert "errors" not in mutate(hub, token, add(repo, "c")).json()


def test_options__fields_that_an_older_server_does_not_know(hub: GitHub, repo: Repository, token: str) -> None:
    def ask(query: str) -> Any:
        headers = {"Authorization": f"bearer {token}"}
        return requests.post(hub.graphql_url, json={"query": query}, headers=headers, timeout=5).json()

    query = """query Q { repository(owner: "ann", name: "store") { id issue(number: 1) { id ...F
        timelineItems(first: 1) { nodes { ... on RenamedTitleEvent { id } } } } } }
        fragment F on Issue { number: fullDatabaseId comments(first: 1) { nodes { fullDatabaseId } } }"""
    assert "errors" not in ask(query)
    hub.options.unknown_fields |= {"Issue.fullDatabaseId", "RenamedTitleEvent.id", "comments", "closeIssue"}
    errors = ask(query)["errors"]
    assert [(e["message"], e["path"]) for e in errors] == [
        (
            "Field 'id' doesn't exist on type 'RenamedTitleEvent'",
            ["query Q", "repository", "issue", "timelineItems", "nodes", "... on RenamedTitleEvent", "id"],
        ),
        ("Field 'fullDatabaseId' doesn't exist on type 'Issue'", ["fragment F", "number"]),
        ("Field 'comments' doesn't exist on type 'Issue'", ["fragment F", "comments"]),
    ]
    assert errors[0]["extensions"] == {"code": "undefinedField", "typeName": "RenamedTitleEvent", "fieldName": "id"}
    assert errors[0]["locations"] == [{"line": 2, "column": 70}]
    closing = f'mutation {{ closeIssue(input: {{issueId: "{repo.issue(1).node_id}"}}) {{ clientMutationId }} }}'
    assert ask(closing)["errors"][0]["message"] == "Field 'closeIssue' doesn't exist on type 'Mutation'"
    assert repo.issue(1).state == "open"
    hub.options.unknown_fields.clear()
    assert "errors" not in ask(query)


def test_faults__a_slow_answer_runs_into_the_clients_timeout(hub: GitHub, repo: Repository, token: str) -> None:
    hub.faults.slow(0.3)
    with pytest.raises(requests.Timeout):
        requests.get(f"{hub.api_url}/rate_limit", headers={"Authorization": f"token {token}"}, timeout=0.05)


class Turns:
    """Lets requests in only in the order of tokens given."""

    def __init__(self, order: list[str]) -> None:
        self.order = order
        self.free = threading.Condition()
        self.busy = False

    def enter(self, request: Request) -> None:
        with self.free:
            assert self.free.wait_for(lambda: not self.busy and self.order[:1] == [request.token_value], 5)
            self.busy = True

    def leave(self, request: Request) -> None:
        with self.free:
            self.order.pop(0)
            self.busy = False
            self.free.notify_all()


def test_gate__orders_the_requests_of_several_clients(hub: GitHub, repo: Repository, token: str) -> None:
    other = repo.workflow_token(issues="write")
    hub.gate = Turns([other, token, token, other])

    def run(by: str) -> None:
        headers = {"Authorization": f"token {by}"}
        for _ in range(2):
            body = {"body": "first" if by == token else "second"}
            requests.post(f"{hub.api_url}/repos/ann/store/issues/1/comments", json=body, headers=headers, timeout=9)

    threads = [threading.Thread(target=run, args=(by,)) for by in (token, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bodies(repo) == ["second", "first", "first", "second"]


def test_server__answers_many_clients_at_once(hub: GitHub, repo: Repository, token: str) -> None:
    def run(name: str) -> None:
        with requests.Session() as session:
            for number in range(10):
                session.post(
                    f"{hub.api_url}/repos/ann/store/issues/1/comments",
                    json={"body": f"{name}{number}"},
                    headers={"Authorization": f"token {token}"},
                    timeout=9,
                )

    threads = [threading.Thread(target=run, args=(name,)) for name in "abcdef"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    comments = repo.issue(1).comments
    assert sorted(c.body for c in comments) == sorted(f"{name}{n}" for name in "abcdef" for n in range(10))
    assert [c.id for c in comments] == sorted({c.id for c in comments})
    assert sorted(record.index for record in hub.requests) == list(range(60))


def test_callbacks__change_state_between_requests(hub: GitHub, repo: Repository, post: Post) -> None:
    hub.before_request.append(lambda request: repo.comment(1, "ann", f"before {request.index}"))
    hub.after_request.append(lambda request: repo.comment(1, "ann", f"after {request.status}"))
    post("x")
    assert bodies(repo) == ["before 0", "x", "after 201"]


def test_lag__a_comment_or_an_issue_shows_up_late(hub: GitHub, repo: Repository, token: str) -> None:
    first = repo.comment(1, "ann", "early")
    repo.comment(1, "ann", "late")
    repo.edit_issue(1, "ann", labels=["x"])
    headers = {"Authorization": f"token {token}"}

    def get(path: str) -> Any:
        return requests.get(f"{hub.api_url}/repos/ann/store{path}", headers=headers, timeout=5).json()

    repo.hide_comment_from_reads(first, requests=1)
    assert [c["body"] for c in get("/issues/1/comments")] == ["late"]
    assert [c["body"] for c in get("/issues/1/comments")] == ["early", "late"]
    repo.hide_comment_from_reads(first)
    repo.hide_issue_from_lists(1)
    assert get("/issues?labels=x") == []
    assert get("/issues/1")["comments"] == 1
    repo.reveal()
    assert [issue["number"] for issue in get("/issues?labels=x")] == [1]


def test_log__keeps_what_was_sent_unmasked(hub: GitHub, repo: Repository, post: Post, token: str) -> None:
    post("x")
    (record,) = hub.requests
    assert (record.index, record.method, record.token, record.login) == (0, "POST", "workflow-1", "github-actions[bot]")
    assert (record.path, record.json, record.status) == (
        "/api/v3/repos/ann/store/issues/1/comments",
        {"body": "x"},
        201,
    )
    assert record.headers["authorization"] == f"token {token}"
    assert record.response_bytes and record.response_bytes > 100
    assert (hub.count(), hub.count(status=404), hub.requests.count(lambda r: r.writes)) == (1, 0, 1)
    hub.requests.clear()
    assert hub.count() == 0
