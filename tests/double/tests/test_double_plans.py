"""Operations run by a plan answer what graphql-core's own `execute` answers, field by field and error by error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import ExecutionResult, execute, parse

from gh_store_action import GitHubStore
from tests.double import GitHub, Repository, Request, schema
from tests.double.graphql_connections import Estimate
from tests.double.graphql_engine import Context
from tests.double.graphql_execution import Document

REPOSITORY = 'repository(owner: "ann", name: "store")'
IN_STORE = "{ " + REPOSITORY + " { "
LABELLED = IN_STORE + 'issues(first: 5, labels: ["a"], filterBy: {states: [OPEN]}) { '


@pytest.fixture
def repo(hub: GitHub) -> Repository:
    repository = hub.add_repository("ann/store", files={"README.md": "# A store\n"})
    number = repository.open_issue("ann", "First", "{}", ["a", "b"])
    comment = repository.comment(number, "bob", "hello")
    repository.react(comment, "bob", "heart")
    repository.edit_issue(number, "ann", state="closed")
    repository.open_issue("ann", "Second", "{}", ["a"])
    return repository


class Both:
    """Runs each request by a plan and by graphql-core, each on the state that it finds."""

    def __init__(self, github: GitHub) -> None:
        self.hub = github.hub
        self.operations: list[str | None] = []
        self.errors = 0

    def __call__(self, request: Request) -> None:
        if request.graphql:
            self.compare(request.json["query"], request.json.get("variables") or {}, request.token_value)
            self.operations.append(request.operation)

    def compare(self, text: str, variables: dict[str, Any], token: str) -> None:
        """Twice by the plan, which is made in the first run."""
        document = Document(schema(), parse(text))
        operation = document.operation(None)
        assert operation is not None
        with self.hub.lock:
            saved = self.hub.save()
            estimate = Estimate(schema(), parse(text), operation, variables)
            answers = []
            for _ in range(2):
                context = Context(self.hub, self.hub.tokens[token], estimate)
                answers.append(document.run(operation, context, variables))
                self.hub.restore(saved)
            context = Context(self.hub, self.hub.tokens[token], estimate)
            core = execute(schema(), parse(text), context_value=context, variable_values=variables)
            self.hub.restore(saved)
        assert isinstance(core, ExecutionResult)
        for data, errors in answers:
            assert json.dumps(data) == json.dumps(core.data)
            assert [error.formatted for error in errors] == [error.formatted for error in core.errors or ()]
            kinds = [type(error.original_error) for error in errors]
            assert kinds == [type(error.original_error) for error in core.errors or ()]
        self.errors += len(core.errors or ())


@pytest.fixture
def both(hub: GitHub) -> Iterator[Both]:
    yield Both(hub)


@pytest.mark.parametrize(
    ("text", "variables", "errors"),
    [
        ("{ viewer { login __typename ... on Actor { url } } }", {}, 0),
        ("query Named($n: Int = 2) { " + REPOSITORY + " { issue(number: $n) { title } } }", {}, 0),
        ("query ($n: Int!) { " + REPOSITORY + " { one: issue(number: $n) { t: title t: title } } }", {"n": 1}, 0),
        (LABELLED + "totalCount nodes { number labels(first: 1) { pageInfo { endCursor } nodes { name } } } } } }",
         {}, 0),
        (IN_STORE + "issue(number: 1) { timelineItems(first: 9) { nodes { __typename ...C ...R } } } } }"
         " fragment C on ClosedEvent { actor { __typename login } } fragment R on IssueComment { body ...G }"
         " fragment G on IssueComment { reactionGroups { content reactors(first: 1) { nodes { ...U } } } }"
         " fragment U on User { login }",
         {}, 0),
        ("query ($y: Boolean!, $n: Boolean!) { " + REPOSITORY + " { id @include(if: $n) name @skip(if: $y)"
         " ...on Repository @include(if: $y) { isPrivate } } }", {"y": True, "n": False}, 0),
        ('{ __schema { queryType { name } } __type(name: "Issue") { kind fields { name type { ofType { name } } } } }',
         {}, 0),
        ("query ($n: Int!) { " + REPOSITORY + " { issue(number: $n) { title } } }", {}, 1),
        ("query ($n: Int!) { " + REPOSITORY + " { issue(number: $n) { title } } }", {"n": "one"}, 1),
        (IN_STORE + "issue(number: 77) { title } name } }", {}, 1),
        ('{ nodes(ids: ["nothing", "nobody"]) { id } viewer { login } }', {}, 2),
        ('{ node(id: "nothing") { id } repository(owner: "ann", name: "gone") { id } }', {}, 2),
        (IN_STORE + "issues(first: 2) { nodes { comments(first: 1000) { totalCount } } } name } }", {}, 2),
        ("{ viewer { repository(name: \"store\") { issues { totalCount } } } }", {}, 1),
        (IN_STORE + "issues(first: 101) { totalCount } } rateLimit { cost } }", {}, 1),
        ('mutation { addReaction(input: {subjectId: "no", content: HEART}) { clientMutationId }'
         ' again: addReaction(input: {subjectId: "none", content: EYES}) { reaction { content } } }', {}, 2),
    ],
)  # fmt: skip
def test_plan__answers_as_graphql_core(
    both: Both, repo: Repository, text: str, variables: dict[str, Any], errors: int
) -> None:
    both.compare(text, variables, repo.workflow_token(issues="write"))
    assert both.errors == errors


def test_plan__answers_as_graphql_core_where_what_may_not_be_null_is(both: Both, repo: Repository) -> None:
    text = "{ viewer { login } again: viewer { login } " + REPOSITORY + " { id } }"
    token = repo.workflow_token()
    both.hub.world.accounts["github-actions[bot]"].login = None  # type: ignore[assignment]
    both.compare(text, {}, token)
    assert both.errors == 1


def test_plan__has_the_fields_that_the_variables_of_a_request_leave(hub: GitHub, repo: Repository) -> None:
    text = "query ($y: Boolean!) { " + REPOSITORY + " { id @include(if: $y) name @skip(if: $y) } }"
    document = Document(schema(), parse(text))
    operation = document.operation(None)
    assert operation is not None
    estimate = document.estimate(operation, {})
    context = Context(hub.hub, hub.hub.tokens[repo.workflow_token()], estimate)
    found = [document.run(operation, context, {"y": on})[0] for on in (True, False, True)]
    assert [list(data["repository"]) for data in found if data] == [["id"], ["name"], ["id"]]


def test_plan__answers_what_the_store_asks_as_graphql_core(hub: GitHub, both: Both, repo: Repository) -> None:
    repo.grant("bob", "write")
    hub.before_request.append(both)
    token = repo.workflow_token(issues="write", contents="read")
    with GitHubStore(token, repo.full_name, api_url=hub.api_url) as store:
        for name in ("metrics", "other"):
            store.create(name, {"count": 0})
        issue = next(one for one in repo.issues() if one.title.startswith("Stored Object: metrics"))
        repo.comment(issue.number, "bob", '{"count": 1}')
        repo.comment(issue.number, "eve", '{"count": 2}')
        store.update("metrics", {"count": 3})
        store.sweep()
        assert [one.data for one in store.list_all()] == [{"count": 3}, {"count": 0}]
        assert store.get("metrics").data == {"count": 3}
        assert store.get_object_history("metrics")
        store.delete("other")
    assert len(set(both.operations)) >= 5
    assert not hub.failures
