"""One request at a time: counted, bounded, repeated only where that cannot double anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gh_store_action.config.store_config import Retries
from gh_store_action.errors import AccessDeniedError, BudgetExhausted, GitHubError
from gh_store_action.gateway.transport import ApiError, Cancelled, Transport, UnknownEffect
from tests.double import GitHub, Repository

VIEWER = "query { viewer { login } }"
COMMENT = (
    "mutation($id: ID!, $text: String!) { a: addComment(input: {subjectId: $id, body: $text}) { clientMutationId } }"
)


class Client:
    """A transport whose pauses move the loopback's clock instead of being waited.

    Args:
        ahead: seconds by which its own clock is ahead of GitHub's.
    """

    def __init__(self, github: GitHub, folder: Path, *, ahead: float = 0, **options: Any) -> None:
        self.github = github
        self.repository: Repository = github.add_repository("octo/store")
        self.number = self.repository.open_issue("octo", "An issue")
        self.id = self.repository.issue(self.number).node_id
        self.token = options.pop("token", github.token("octo"))
        self.waits: list[float] = []
        self.log: list[str] = []
        self.transport = Transport(
            token=self.token,
            api_url=github.api_url,
            graphql_url=github.graphql_url,
            pause=self.pause,
            now=lambda: github.clock.now + ahead,
            log=self.log.append,
            **options,
        )

    def pause(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.github.clock.advance(round(seconds))

    def viewer(self) -> str:
        return str(self.transport.query(VIEWER, {}).data["viewer"]["login"])

    def comment(self, text: str = "hello") -> Any:
        return self.transport.mutate(COMMENT, {"id": self.id, "text": text}).data["a"]

    def issue(self) -> Any:
        return self.transport.get(f"/repos/octo/store/issues/{self.number}")

    def rename(self, title: str) -> Any:
        return self.transport.send("PATCH", f"/repos/octo/store/issues/{self.number}", {"title": title})

    @property
    def comments(self) -> int:
        return len(self.repository.issue(self.number).comments)


@pytest.fixture
def make(github: GitHub, tmp_path: Path) -> Callable[..., Client]:
    made: list[Client] = []

    def build(**options: Any) -> Client:
        made.append(Client(github, tmp_path, **options))
        return made[-1]

    return build


# Where everything goes well


def test_requests__are_counted_and_tell_what_is_left(make: Callable[..., Client]) -> None:
    client = make()
    assert client.transport.remaining is None
    assert client.viewer() == "octo"
    assert client.issue()["title"] == "An issue"
    assert client.comment() is not None
    assert client.rename("Another")["title"] == "Another"
    assert (client.transport.requests, client.github.count()) == (4, 4)
    assert client.transport.remaining == 4998
    assert client.transport.server_time == "2025-10-09T09:00:01Z"
    client.transport.close()


def test_request__carries_token_agent_and_api_version_and_no_pause(make: Callable[..., Client]) -> None:
    client = make()
    client.viewer()
    headers = client.github.requests[0].headers
    assert headers["authorization"] == f"token {client.token}"
    assert headers["user-agent"].startswith("gh-store-action/")
    client.issue()
    assert client.github.requests[1].headers["x-github-api-version"] == "2022-11-28"
    assert client.waits == []


def test_server_time__is_unknown_where_the_answer_has_no_date() -> None:
    transport = Transport(token="t", api_url="http://127.0.0.1:9")
    transport._learn("core", {})
    assert (transport.server_time, transport.remaining) == ("", None)


def test_repr__shows_no_token(make: Callable[..., Client]) -> None:
    client = make()
    assert client.token not in repr(client.transport)
    assert client.github.api_url in repr(client.transport)


def test_graphql_address__follows_from_the_rest_one_where_none_is_given(github: GitHub) -> None:
    token = github.token("octo")
    transport = Transport(token=token, api_url=github.api_url)
    assert transport.query(VIEWER, {}).data == {"viewer": {"login": "octo"}}
    assert github.requests[-1].path == "/api/graphql"


def test_without_a_token__public_things_can_be_read(make: Callable[..., Client]) -> None:
    client = make(token="")
    assert client.issue()["title"] == "An issue"
    assert "authorization" not in client.github.requests[0].headers


def test_graphql_errors__come_with_the_data_that_is_there(make: Callable[..., Client]) -> None:
    client = make()
    document = (
        'mutation($id: ID!) { a: addComment(input: {subjectId: $id, body: "x"}) { clientMutationId } '
        'b: addComment(input: {subjectId: "I_nothing", body: "x"}) { clientMutationId } }'
    )
    answer = client.transport.mutate(document, {"id": client.id})
    assert answer.data["a"] is not None and answer.data["b"] is None
    assert [(error["type"], error["path"]) for error in answer.errors] == [("NOT_FOUND", ["b"])]
    assert client.comments == 1


def test_graphql_errors__without_data_are_an_answer_too(make: Callable[..., Client]) -> None:
    client = make()
    client.github.faults.graphql_errors({"type": "INSUFFICIENT_SCOPES", "message": "more scopes"}, data=None)
    answer = client.transport.query(VIEWER, {})
    assert answer.data == {}
    assert answer.errors[0]["message"] == "more scopes"


# Answers that are none


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_read__that_fails_is_repeated_with_growing_pauses(make: Callable[..., Client], status: int) -> None:
    client = make()
    client.github.faults.status(status, times=2)
    assert client.viewer() == "octo"
    assert (client.transport.requests, client.waits) == (3, [2, 4])
    assert client.log == [f"Waiting 2 s: GitHub answered {status}.", f"Waiting 4 s: GitHub answered {status}."]


@pytest.mark.parametrize("what", ["drop", "truncate", "not_json"])
@pytest.mark.parametrize("kind", ["viewer", "issue"])
def test_read__whose_answer_is_spoilt_is_repeated(make: Callable[..., Client], what: str, kind: str) -> None:
    client = make()
    getattr(client.github.faults, what)()
    assert getattr(client, kind)()
    assert (client.transport.requests, client.waits) == (2, [2])


def test_read__that_keeps_failing_says_what_and_how_often(make: Callable[..., Client]) -> None:
    client = make()
    client.github.faults.status(502, times=None)
    with pytest.raises(
        GitHubError, match=r"GitHub answered 502, 3 times in a row\. Nothing was lost. Try again"
    ) as told:
        client.viewer()
    assert told.value.status == 502


def test_read__is_not_repeated_past_the_bound_of_all_waiting(make: Callable[..., Client]) -> None:
    client = make(retries=Retries(max_attempts=5, backoff_factor=2, max_wait_seconds=7))
    client.github.faults.status(502, times=None)
    with pytest.raises(GitHubError, match="3 times in a row"):
        client.viewer()
    assert client.waits == [2, 4]


def test_server__that_is_not_there_is_told(make: Callable[..., Client]) -> None:
    client = make()
    unreachable = Transport(token="t", api_url="http://127.0.0.1:9", pause=client.waits.append)
    with pytest.raises(GitHubError, match=r"could not be reached or closed the connection \(ConnectionError\)") as told:
        unreachable.get("/meta")
    assert told.value.status == 0


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("status", [500, 502])
def test_write__that_got_no_proper_answer_is_never_repeated(
    make: Callable[..., Client], status: int, phase: str
) -> None:
    client = make()
    client.github.faults.status(status, phase=phase, times=None)
    with pytest.raises(UnknownEffect, match=f"GitHub answered {status} to a write, which may have taken effect"):
        client.comment()
    assert (client.transport.requests, client.comments) == (1, 1 if phase == "after" else 0)
    with pytest.raises(UnknownEffect):
        client.rename("Another")
    assert client.repository.issue(client.number).title == ("Another" if phase == "after" else "An issue")


@pytest.mark.parametrize("what", ["drop", "truncate", "not_json"])
def test_write__whose_answer_is_spoilt_is_never_repeated(make: Callable[..., Client], what: str) -> None:
    client = make()
    getattr(client.github.faults, what)(times=None)
    with pytest.raises(UnknownEffect):
        client.comment()
    with pytest.raises(UnknownEffect):
        client.rename("Another")
    assert client.transport.requests == 2


def test_answer__that_is_no_graphql_answer_is_none(make: Callable[..., Client]) -> None:
    client = make()
    client.github.faults.status(200, message="something else", times=None)
    with pytest.raises(GitHubError, match="closed the connection"):
        client.viewer()


# Refusals


def test_bad_token__says_what_to_check(make: Callable[..., Client]) -> None:
    client = make(token="ghp_expired")
    for call in (client.viewer, client.issue, lambda: client.rename("x")):
        with pytest.raises(AccessDeniedError, match=r"does not accept the token \(401\)"):
            call()
    assert client.transport.requests == 3


def test_refusal__is_not_repeated_and_holds_githubs_words_and_the_permission_that_would_do(
    make: Callable[..., Client], github: GitHub
) -> None:
    client = make()
    client.transport.close()
    weak = Transport(token=client.repository.workflow_token(contents="read"), api_url=github.api_url)
    with pytest.raises(ApiError, match="Resource not accessible by integration") as told:
        weak.send("PATCH", f"/repos/octo/store/issues/{client.number}", {"title": "x"})
    assert (told.value.status, told.value.needs) == (403, "issues=write")
    with pytest.raises(ApiError, match=r"GitHub refused a request: Not Found \(404\)\."):
        client.transport.get("/repos/octo/store/issues/99")
    with pytest.raises(ApiError, match="422") as told:
        client.transport.send("POST", "/repos/octo/store/labels", {"name": "x" * 51})
    assert "name is too long" in told.value.message


# Rate limits


@pytest.mark.parametrize("status", [403, 429])
def test_secondary_limit__waits_as_long_as_it_says(make: Callable[..., Client], status: int) -> None:
    client = make()
    client.github.faults.secondary_limit(status=status, retry_after=7)
    assert client.viewer() == "octo"
    client.github.faults.secondary_limit(status=status, retry_after=0)
    assert client.comment() is not None  # a refusal had no effect, so a write is repeated too
    assert (client.waits, client.comments) == ([7.0, 1.0], 1)


@pytest.mark.parametrize("status", [403, 429])
def test_secondary_limit__waits_a_minute_where_it_does_not_say(make: Callable[..., Client], status: int) -> None:
    client = make()
    client.github.faults.secondary_limit(status=status)
    assert client.viewer() == "octo"
    assert client.waits == [60.0]


def test_secondary_limit__that_asks_for_more_than_may_be_waited_ends_the_run(make: Callable[..., Client]) -> None:
    client = make()
    client.github.faults.secondary_limit(retry_after=3600)
    with pytest.raises(BudgetExhausted, match=r"Nothing is lost. Try again after 10:00:01 UTC\.") as told:
        client.viewer()
    assert (client.waits, told.value.status) == ([], 403)


def test_secondary_limit__that_does_not_end_ends_the_run(make: Callable[..., Client]) -> None:
    client = make()
    client.github.faults.secondary_limit(retry_after=5, times=None)
    with pytest.raises(BudgetExhausted, match="GitHub's rate limit is reached"):
        client.viewer()
    assert client.waits == [5.0, 5.0]


@pytest.mark.parametrize("ahead", [0, 4_000, -4_000])
@pytest.mark.parametrize("kind", ["viewer", "issue"])
def test_primary_limit__waits_for_the_reset_where_that_is_near(
    make: Callable[..., Client], kind: str, ahead: int
) -> None:
    client = make(ahead=ahead)
    getattr(client, kind)()
    resource = "graphql" if kind == "viewer" else "core"
    client.github.clock.advance(3_500)
    client.github.set_rate_limit(client.token, resource, remaining=0)
    assert getattr(client, kind)()
    assert len(client.waits) == 1
    assert 90 < client.waits[0] <= 101


@pytest.mark.parametrize("ahead", [0, 4_000, -4_000])
@pytest.mark.parametrize("kind", ["viewer", "issue"])
def test_primary_limit__whose_reset_is_far_ends_the_run(make: Callable[..., Client], kind: str, ahead: int) -> None:
    client = make(ahead=ahead)
    client.github.set_rate_limit(client.token, "graphql" if kind == "viewer" else "core", remaining=0)
    with pytest.raises(BudgetExhausted, match="rate limit is reached"):
        getattr(client, kind)()
    assert (client.waits, client.transport.remaining) == ([], 0)


def test_primary_limit__without_headers_waits_a_minute(make: Callable[..., Client]) -> None:
    client = make()
    client.github.faults.status(403, message="API rate limit exceeded for user ID octo.")
    assert client.issue()
    assert client.waits in ([60.0], [pytest.approx(60.0)])


def test_reset__that_is_years_away_is_told_with_the_day(make: Callable[..., Client]) -> None:
    client = make()
    reset = str(int(client.github.clock.now) + 100_000_000)
    headers = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "1", "x-ratelimit-reset": reset}
    client.transport._learn("graphql", headers)
    with pytest.raises(BudgetExhausted, match=r"Try again after 2028-12-09 18:46:\d\d UTC\."):
        client.transport.afford(5)


def test_forbidden__that_is_no_limit_is_a_refusal(make: Callable[..., Client]) -> None:
    client = make()
    client.github.faults.status(403, message="Commenting is disabled on issues with more than 2500 comments")
    with pytest.raises(ApiError, match="Commenting is disabled"):
        client.rename("x")
    assert client.waits == []


def test_budget__of_the_configuration_stops_before_it_is_passed(make: Callable[..., Client]) -> None:
    client = make(most_per_hour=2)
    client.viewer()
    client.viewer()
    client.issue()  # REST has a budget of its own
    with pytest.raises(BudgetExhausted, match=r"budget of 2 requests .* is used up\. Nothing is lost"):
        client.viewer()
    assert client.transport.requests == 3
    client.github.clock.advance(3_600)
    assert client.viewer() == "octo"


@pytest.mark.parametrize("ahead", [0, 4_000, -4_000])
@pytest.mark.parametrize("says_limits", [True, False])
def test_budget__of_the_configuration_binds_whatever_the_server_says_and_the_clock_shows(
    make: Callable[..., Client], says_limits: bool, ahead: int
) -> None:
    client = make(most_per_hour=2, ahead=ahead)
    client.github.options.says_limits = says_limits
    for hour in range(3):
        for _ in range(2):
            client.viewer()
        for _ in range(2):
            with pytest.raises(BudgetExhausted, match=rf"used up\. Nothing is lost\. Try again after 1{hour}:"):
                client.viewer()
        client.github.clock.advance(3_590)
        with pytest.raises(BudgetExhausted):
            client.viewer()
        client.github.clock.advance(15)


def test_budget__of_the_configuration_is_what_is_left_where_the_server_names_no_limit(
    make: Callable[..., Client],
) -> None:
    client = make(most_per_hour=2)
    client.github.options.says_limits = False
    client.viewer()
    assert (client.transport.points_left, client.transport.left, client.transport.remaining) == (1, 1, None)
    said = "About 3 more GraphQL points are needed; 1 of 2 per hour (rate_limit.max_requests_per_hour) are left."
    assert client.transport.shortfall(3).startswith(said)
    assert make().transport.shortfall(3) == ""


def test_header__that_is_no_number_is_left_out_of_account(make: Callable[..., Client]) -> None:
    client = make()
    client.github.faults.add(
        type(client.github.faults.drop(times=0))(
            "status",
            status=404,
            body='{"message": "Not Found"}',
            headers={"x-ratelimit-used": "many", "x-ratelimit-remaining": "few"},
        )
    )
    with pytest.raises(ApiError):
        client.issue()
    assert client.log == ["GitHub sent an invalid date or rate-limit header, which is ignored."]


def test_attempts__of_none_are_a_bug_of_the_caller(make: Callable[..., Client]) -> None:
    with pytest.raises(AssertionError):
        make(retries=Retries(max_attempts=0)).viewer()


# Cancelled


def test_stop__ends_before_the_next_request_and_in_a_wait(make: Callable[..., Client]) -> None:
    client = make()
    client.transport.stop()
    with pytest.raises(Cancelled, match="It stopped between two requests"):
        client.viewer()
    assert client.transport.requests == 0


def test_stop__while_waiting_ends_the_wait(make: Callable[..., Client]) -> None:
    client = make()
    client.github.faults.status(502, times=None)
    client.pause = lambda seconds: client.transport.stop()  # type: ignore[method-assign]
    client.transport._pause = client.pause
    with pytest.raises(Cancelled):
        client.viewer()
    assert client.transport.requests == 1
