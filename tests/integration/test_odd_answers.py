"""Answers outside the tidy shapes: pages, text, half ones and none, at every status, to reads and to writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gh_store_action.errors import AccessDeniedError, BudgetExhausted, GitHubError, StoreError
from gh_store_action.gateway.answers import ApiError, NotGitHub
from gh_store_action.gateway.commits import CommitGateway
from gh_store_action.gateway.issues import GitHub as Gateway
from gh_store_action.gateway.refusals import UnknownEffect
from gh_store_action.gateway.transport import Transport
from tests.double import REFUSALS, Fault, GitHub, Repository
from tests.support.covering import covering
from tests.support.scene import Scene
from tests.support.store import World

VIEWER = "query { viewer { login } }"
COMMENT = (
    "mutation($id: ID!, $text: String!) { a: addComment(input: {subjectId: $id, body: $text}) { clientMutationId } }"
)
BROKEN = {  # spoilt bodies of an answer with status 200
    "nothing": "",
    "a page": "<html><title>Sign in</title></html>",
    "text": "upstream connect error",
    "a list": "[]",
    "a number": "7",
    "a text": '"yes"',
    "null": "null",
    "half": '{"data": {"viewer": {"lo',
    "data that is a list": '{"data": []}',
    "depth": "[" * 100_000,
}


class Client:
    """A transport with the double's clock, and the four kinds of request."""

    def __init__(self, github: GitHub) -> None:
        self.github = github
        self.repository: Repository = github.add_repository("octo/store")
        self.number = self.repository.open_issue("octo", "An issue")
        self.id = self.repository.issue(self.number).node_id
        self.waits: list[float] = []
        self.transport = Transport(
            token=github.token("octo"),
            api_url=github.api_url,
            graphql_url=github.graphql_url,
            pause=self.pause,
            now=lambda: float(github.clock.now),
        )
        self.before = github.count()

    def pause(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.github.clock.advance(round(seconds))

    def query(self) -> Any:
        return self.transport.query(VIEWER, {}).data["viewer"]

    def get(self) -> Any:
        return self.transport.get(f"/repos/octo/store/issues/{self.number}")

    def mutate(self) -> Any:
        return self.transport.mutate(COMMENT, {"id": self.id, "text": "x"}).data["a"]

    def send(self) -> Any:
        return self.transport.send("POST", f"/repos/octo/store/issues/{self.number}/comments", {"body": "x"})

    @property
    def sent(self) -> int:
        """Requests that arrived; the transport has counted the same."""
        arrived = self.github.count() - self.before
        assert arrived == self.transport.requests
        return arrived

    @property
    def comments(self) -> int:
        return len(self.repository.issue(self.number).comments)


@pytest.fixture
def client(github: GitHub) -> Iterator[Client]:
    made = Client(github)
    yield made
    made.transport.close()


READS, WRITES = ("query", "get"), ("mutate", "send")


@covering(2, kind=READS, status=[408, 500, 502, 503, 504, 520], html=[True, False])
def test_read__that_got_a_page_of_failure_is_repeated(client: Client, kind: str, status: int, html: bool) -> None:
    client.github.faults.not_json(status=status, html=html, times=2)
    assert getattr(client, kind)()
    assert (client.sent, client.waits) == (3, [2, 4])


@covering(
    2,
    kind=WRITES,
    status=[200, 201, 202, 408, 500, 502, 503, 504, 520],
    phase=["before", "after"],
    html=[True, False],
)
def test_write__that_got_a_page_may_have_happened_and_is_not_repeated(
    client: Client, kind: str, status: int, html: bool, phase: str
) -> None:
    client.github.faults.not_json(status=status, html=html, phase=phase, times=None)
    with pytest.raises(UnknownEffect, match="may have taken effect"):
        getattr(client, kind)()
    assert (client.sent, client.comments) == (1, 1 if phase == "after" else 0)


@pytest.mark.parametrize("status", [303, 403, 404])
def test_refusal__without_a_word_is_told_as_an_empty_response(client: Client, status: int) -> None:
    client.github.faults.add(Fault("status", status=status, body="\n", times=None))
    with pytest.raises(NotGitHub, match=rf"^An empty response came instead of one from GitHub's API \({status}\)\."):
        client.get()


def test_refusal__of_the_address_says_what_to_check(client: Client) -> None:
    client.github.faults.status(404, times=None)
    with pytest.raises(ApiError, match="Check the name of the repository and the address of the API"):
        client.query()


@covering(1, kind=[*READS, *WRITES], status=[400, 403, 404, 405, 407, 410, 418, 451], html=[True, False])
def test_refusal__in_a_page_is_one_line_that_names_it_and_neither_a_permission_nor_an_absence(
    client: Client, kind: str, status: int, html: bool
) -> None:
    client.github.faults.not_json(status=status, html=html, text="Blocked by\n::error::policy", times=None)
    with pytest.raises(NotGitHub, match=f"({status})") as told:
        getattr(client, kind)()
    said = str(told.value)
    assert "\n" not in said and "permission" not in said and "proxy" in said
    assert ("Blocked by ::error::policy" in said) == (status != 407)
    assert (client.sent, client.waits, told.value.status) == (1, [], 0)


@covering(1, kind=[*READS, *WRITES], html=[True, False])
def test_bad_token__in_a_page_is_told_as_one(client: Client, kind: str, html: bool) -> None:
    client.github.faults.not_json(status=401, html=html)
    with pytest.raises(AccessDeniedError, match=r"does not accept the token \(401\)"):
        getattr(client, kind)()


@covering(2, kind=[*READS, *WRITES], limit=[(None, 60.0), (7, 7.0), (0, 1.0)], html=[True, False])
def test_limit__in_a_page_is_waited_for_as_it_says(
    client: Client, kind: str, html: bool, limit: tuple[int | None, float]
) -> None:
    asked, waited = limit
    client.github.faults.not_json(status=429, html=html, retry_after=asked)
    assert getattr(client, kind)()
    assert (client.sent, client.waits) == (2, [waited])
    assert client.comments == (1 if kind in WRITES else 0)


@pytest.mark.parametrize(
    ("header", "waited"),
    [
        ("Thu, 09 Oct 2025 09:00:31 GMT", (25.0, 30.0)),
        ("Thu, 09 Oct 2025 08:00:00 GMT", (1.0, 1.0)),
        ("soon", (60.0, 60.0)),
        ("-3", (60.0, 60.0)),
    ],
)
def test_limit__may_name_a_date_or_nothing_that_can_be_read(
    client: Client, header: str, waited: tuple[float, float]
) -> None:
    client.github.faults.add(Fault("status", status=429, body="{}", headers={"Retry-After": header}))
    assert client.query()
    assert waited[0] <= client.waits[0] <= waited[1]


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("kind", READS)
def test_read__whose_answer_is_no_answer_is_repeated_and_then_told(client: Client, kind: str, body: str) -> None:
    fault = client.github.faults.add(Fault("status", status=200, body=body, times=1))
    if kind == "get" and body == '{"data": []}':
        fault.body = "true"
    assert getattr(client, kind)()
    assert (client.sent, client.waits) == (2, [2])
    client.github.faults.add(Fault("status", status=200, body=fault.body, times=None))
    with pytest.raises(GitHubError, match="something else than an answer, 3 times in a row"):
        getattr(client, kind)()


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("kind", WRITES)
def test_write__whose_answer_is_no_answer_is_not_repeated(client: Client, kind: str, body: str) -> None:
    text = "true" if body == '{"data": []}' else body
    client.github.faults.add(Fault("status", status=201, body=text, phase="after", times=None))
    with pytest.raises(UnknownEffect):
        getattr(client, kind)()
    assert (client.sent, client.comments) == (1, 1)


def test_date__that_cannot_be_read_is_left_out(client: Client) -> None:
    client.github.faults.add(Fault("status", status=404, body='{"message": "Not Found"}', headers={"Date": "today"}))
    with pytest.raises(ApiError, match="Not Found"):
        client.get()


# GraphQL's own failures


@pytest.mark.parametrize("partial", [False, True])
def test_went_wrong__a_read_is_repeated(client: Client, partial: bool) -> None:
    data = {"viewer": None} if partial else None
    client.github.faults.graphql_errors({"message": "Something went wrong while executing your query."}, data=data)
    assert client.query()
    assert (client.sent, client.waits) == (2, [2])


def test_went_wrong__for_good_is_told_with_githubs_words_on_one_line(client: Client) -> None:
    client.github.faults.graphql_errors({"message": "Something\n::error::went wrong"}, times=None)
    with pytest.raises(GitHubError, match=r"'Something ::error::went wrong', 3 times in a row"):
        client.query()


@pytest.mark.parametrize("phase", ["before", "after"])
def test_went_wrong__a_write_may_have_happened(client: Client, phase: str) -> None:
    client.github.faults.went_wrong(phase=phase, times=None)
    with pytest.raises(UnknownEffect, match="Something went wrong"):
        client.mutate()
    assert (client.sent, client.comments) == (1, 1 if phase == "after" else 0)


@pytest.mark.parametrize(("header", "version"), [({}, ""), ({"X-GitHub-Enterprise-Version": "3.4.1"}, "3.4.1")])
def test_field__that_the_server_does_not_know_is_named_with_the_version_that_has_it(
    client: Client, header: dict[str, str], version: str
) -> None:
    client.github.options.unknown_fields.add("User.login")
    if header:
        client.github.options.unknown_fields.clear()
        body = '{"errors": [{"message": "Field \'login\' doesn\'t exist on type \'User\'", "path": ["query"]}]}'
        client.github.faults.add(Fault("status", status=200, body=body, headers=header))
    with pytest.raises(GitHubError, match=r"does not know the field `login` of `User`.* 3\.10 or later") as told:
        client.query()
    assert version in str(told.value) and "gain" not in str(told.value)
    assert client.sent == 1


def test_field__unknown_to_the_server_ends_a_run_of_the_action(scene: Scene) -> None:
    number = scene.make()
    scene.post(number, '{"a": 1}')
    scene.github.options.unknown_fields.add("IssueComment.fullDatabaseId")
    run = scene.run("process", issue_number=number)
    assert (run.exit_code, len(run.requests)) == (1, 1)
    assert "`fullDatabaseId` of `IssueComment`" in run.error and "to version 3.10 or later" in run.error


# Redirects


@covering(2, kind=["get", "send"], status=[301, 302, 307, 308], relative=[True, False])
def test_redirect__is_followed_as_the_same_request(client: Client, kind: str, status: int, relative: bool) -> None:
    path = f"/repos/octo/store/issues/{client.number}" + ("/comments" if kind == "send" else "")
    base = client.github.api_url
    place = (base.partition("://")[2].partition("/")[2] and "/api/v3") + path if relative else base + path
    client.github.faults.add(Fault("status", status=status, body="{}", headers={"Location": place}))
    assert getattr(client, kind)()["id"]
    assert (client.sent, client.waits, client.comments) == (2, [], 1 if kind == "send" else 0)


@pytest.mark.parametrize("kind", ["get", "send", "query", "mutate"])
def test_redirect__to_another_host_is_not_followed_with_the_token(client: Client, kind: str) -> None:
    place = "https://evil.example/repos/octo/store/issues/1"
    client.github.faults.add(Fault("status", status=307, body="{}", headers={"Location": place}))
    with pytest.raises(NotGitHub, match=r"another host, https://evil\.example\."):
        getattr(client, kind)()
    assert client.sent == 1


def test_redirect__to_a_relative_address_is_resolved(client: Client) -> None:
    client.github.faults.add(Fault("status", status=307, body="{}", headers={"Location": str(client.number)}))
    assert client.get()["number"] == client.number


@pytest.mark.parametrize("place", ["//evil.example/x", "https:evil.example"])
def test_redirect__to_another_host_in_an_odd_spelling_is_not_followed(client: Client, place: str) -> None:
    client.github.faults.add(Fault("status", status=307, body="{}", headers={"Location": place}))
    with pytest.raises(NotGitHub, match="to another host"):
        client.get()
    assert client.sent == 1


def test_redirect__in_a_circle_ends(client: Client) -> None:
    place = f"{client.github.api_url}/repos/octo/store/issues/1"
    client.github.faults.add(Fault("status", status=301, body="{}", headers={"Location": place}, times=None))
    with pytest.raises(NotGitHub, match="more than 3 times"):
        client.get()
    assert client.sent == 4


@pytest.mark.parametrize("status", [300, 301, 303, 304, 307])
@pytest.mark.parametrize("kind", ["get", "send"])
def test_redirect__that_names_no_place_is_no_success(client: Client, kind: str, status: int) -> None:
    client.github.faults.add(Fault("status", status=status, body='{"message": "Moved"}'))
    with pytest.raises(GitHubError):
        getattr(client, kind)()
    assert client.sent == 1


def test_renamed__repository_is_the_same_store_under_its_old_name(scene: Scene) -> None:
    number = scene.make("metrics", {"n": 1})
    scene.github.add_user("octo")
    scene.repository.rename("octo/renamed")
    made = scene.run("create", object_id="other", data='{"a": 1}')
    assert made.exit_code == 0, made.error
    assert scene.run("update", object_id="metrics", data='{"n": 2}').exit_code == 0
    assert scene.run("delete", object_id="metrics").exit_code == 0
    issues = {issue.number: issue for issue in scene.github.repository("octo/renamed").issues()}
    assert "archived" in issues[number].labels
    assert len(issues) == 2


# Refusals inside a mutation


@pytest.fixture
def waiting(scene: Scene) -> int:
    number = scene.make()
    scene.post(number, '{"a": 1}')
    scene.github.requests.clear()
    return number


CURES = {
    "archived": ("octo/store is archived", "Unarchive it"),
    "locked": ("The issue is locked", "Unlock the conversation"),
    "saml": ("single sign-on", "Configure SSO"),
    "ip allow list": ("does not allow requests from this IP address", "IP allow list"),
}


@pytest.mark.parametrize("reason", CURES)
@pytest.mark.parametrize("mutation", ["updateIssue", "addReaction"])
def test_refused__for_a_lasting_reason_is_told_once_with_githubs_words_and_the_cure(
    scene: Scene, waiting: int, reason: str, mutation: str
) -> None:
    scene.github.faults.refuse(mutation, reason, times=None)
    run = scene.run("process", issue_number=waiting)
    # A lock without a read-back may be new, so the issue is read again: it is not locked here.
    again = (reason, mutation) == ("locked", "updateIssue")
    assert (run.exit_code, len(run.requests), scene.waits) == (1, 3 + again, [])
    for words in (*CURES[reason], REFUSALS[reason]["message"].rstrip(".")):
        assert words in run.error
    assert "permissions:" not in run.error + run.summary


def test_refused__without_a_reason_beside_parts_that_were_done_is_tried_with_pauses(scene: Scene, waiting: int) -> None:
    scene.github.faults.partial({"updateIssue": {"message": "Something went wrong"}}, times=None)
    run = scene.run("process", issue_number=waiting)
    assert run.exit_code == 1
    assert "Something went wrong" in run.error and "others" not in run.error
    assert (len(run.requests), scene.waits) == (7, [2, 4])


@pytest.mark.parametrize("mutation", ["updateIssue", "addComment", "addReaction"])
def test_refused__because_it_came_too_quickly_is_waited_for(scene: Scene, waiting: int, mutation: str) -> None:
    scene.post(waiting, '{"b": ')
    scene.github.faults.refuse(mutation, "too quickly")
    run = scene.run("process", issue_number=waiting)
    assert run.exit_code == 0, run.error
    assert scene.waits == [60.0]
    assert scene.data(waiting) == {"count": 0, "a": 1}
    assert scene.issue(waiting).state == "closed" and len(scene.replies(waiting)) == 1


@pytest.mark.parametrize("mutation", ["updateIssue", "addComment"])
def test_refused__too_quickly_for_good_ends_with_the_time_after_few_requests(
    scene: Scene, waiting: int, mutation: str
) -> None:
    scene.post(waiting, '{"b": ')
    scene.github.faults.refuse(mutation, "too quickly", times=None)
    run = scene.run("process", issue_number=waiting)
    assert run.exit_code == 1
    assert "GitHub's rate limit is reached. Nothing is lost. Try again after" in run.error
    assert len(run.requests) <= 7 and all(pause >= 60 for pause in scene.waits) and scene.waits


def test_refused__for_a_reason_nobody_knows_is_tried_a_few_times_with_pauses_and_quoted(
    scene: Scene, waiting: int
) -> None:
    words = "It is Monday\n::error::and `rm`"
    scene.github.faults.partial({"updateIssue": {"type": "UNPROCESSABLE", "message": words}}, times=None)
    run = scene.run("process", issue_number=waiting)
    assert run.exit_code == 1
    assert "GitHub refused to write issues: It is Monday ::error::and `rm`." in run.error
    assert len(run.requests) <= 7 and scene.waits == [2, 4]


def test_refused__with_no_permission_still_says_which_one(scene: Scene, waiting: int) -> None:
    run = scene.run(
        "process", issue_number=waiting, token=scene.repository.workflow_token(issues="read", contents="read")
    )
    assert "Add `permissions: {issues: write}`" in run.error


def test_page__ends_a_sweep_at_once_for_every_object_would_meet_it(scene: Scene) -> None:
    for name in ("a", "b", "c"):
        scene.post(scene.make(name), '{"a": 1}')
    scene.github.faults.not_json(status=403, times=None, match=lambda r: r.operation == "Read")
    run = scene.run("process")
    assert run.exit_code == 1
    assert run.operations == ["Sweep", "Read"]
    assert "A web page came instead of a response from GitHub's API (403): 403 Forbidden." in run.log


@pytest.mark.parametrize("reason", CURES)
def test_refused__a_create_and_an_update_quote_the_reason(scene: Scene, reason: str) -> None:
    scene.make()
    scene.github.faults.refuse("addComment", reason, times=None)
    for run in (
        scene.run("create", object_id="other", data="{}"),
        scene.run("update", object_id="metrics", data='{"a": 1}'),
    ):
        assert run.exit_code == 1
        assert CURES[reason][1] in run.error and "permissions:" not in run.error


def test_refused__an_update_that_came_too_quickly_is_posted_once_after_a_pause(scene: Scene) -> None:
    number = scene.make()
    scene.github.faults.refuse("addComment", "too quickly")
    assert scene.run("update", object_id="metrics", data='{"a": 1}').exit_code == 0
    assert 60.0 in scene.waits
    assert scene.data(number) == {"count": 0, "a": 1}
    assert sum('"a":' in comment.body for comment in scene.issue(number).comments) == 1


@pytest.mark.parametrize("status", [403, 422])
def test_refused__an_issue_opened_too_quickly_is_opened_once_after_a_pause(scene: Scene, status: int) -> None:
    scene.github.faults.status(
        status, message="was submitted too quickly", match=lambda r: r.method == "POST" and not r.graphql
    )
    assert scene.run("create", object_id="metrics", data="{}").exit_code == 0
    assert scene.waits == [60.0]
    assert len(scene.repository.issues()) == 1


# Files


@pytest.fixture
def gateway(client: Client) -> Gateway:
    return Gateway(client.transport, "octo/store")


@pytest.mark.parametrize("size", [0, 1_000, 1_048_575, 1_048_576, 3_200_000])
def test_file__of_any_size_is_read_whole_in_one_request(client: Client, gateway: Gateway, size: int) -> None:
    text = "#" * size + "\n* @octo/späte\r\n"
    client.repository.commit_files({"CODEOWNERS": text})
    assert gateway.file("CODEOWNERS") == text
    assert client.sent == 1


def test_file__that_is_a_folder_or_missing_is_none(client: Client, gateway: Gateway) -> None:
    assert gateway.file("CODEOWNERS") is None
    client.repository.commit_files({"CODEOWNERS/x": "y"})
    assert gateway.file("CODEOWNERS") is None


def test_file__a_page_is_no_file(client: Client, gateway: Gateway) -> None:
    client.repository.commit_files({"CODEOWNERS": "* @octo\n"})
    client.github.faults.not_json(status=200)
    assert gateway.file("CODEOWNERS") == "* @octo\n"
    client.github.faults.not_json(status=404)
    with pytest.raises(NotGitHub):
        gateway.file("CODEOWNERS")


def test_codeowners__of_more_than_a_megabyte_count(scene: Scene) -> None:
    scene.github.add_user("carol")
    scene.repository.commit_files({"CODEOWNERS": ("# " + "x" * 97 + "\n") * 11_000 + "* @carol\n"})
    scene.configure("store: {access: {permission: admin, codeowners: true}}")
    number = scene.make()
    scene.post(number, '{"a": 1}', by="carol")
    assert scene.run("process", issue_number=number).exit_code == 0
    assert scene.data(number) == {"count": 0, "a": 1}


# Branches


def test_tip__tells_a_branch_that_is_missing_from_an_answer_that_failed(client: Client) -> None:
    commits = CommitGateway(client.transport, "octo/store")
    client.repository.commit_files({"a": "b"})
    tip = commits.tip("data", "a")
    assert (tip.branch, tip.oid, tip.start) == ("data", "", client.repository.head())
    assert commits.tip("", "a").oid == client.repository.head()
    default = {"name": "main", "target": {"oid": "0" * 40}}
    node = {"nameWithOwner": "octo/store", "id": "R_1", "isEmpty": False, "defaultBranchRef": default, "ref": None}
    data = {"repository": node}
    for error, found in (
        ({"type": "SERVICE_UNAVAILABLE", "message": "later"}, "GitHub refused to read the files: later"),
        ({"type": "FORBIDDEN", "message": REFUSALS["saml"]["message"]}, "single sign-on"),
    ):
        client.github.faults.graphql_errors({**error, "path": ["repository", "ref"]}, data=data)
        with pytest.raises(StoreError, match=found):
            commits.tip("data", "a")
    client.github.faults.graphql_errors({"message": "oops"}, data=data)
    assert commits.tip("data", "a") == tip


def test_empty_repository__is_one_that_may_be_read(client: Client, gateway: Gateway) -> None:
    assert gateway.rules().files.config is None
    client.repository.commit_files({"a": "b"})
    client.repository.git("symbolic-ref", "HEAD", "refs/heads/other")
    assert gateway.rules().files.config is None


def test_default_branch__that_is_not_shown_is_one_that_may_not_be_read(client: Client, gateway: Gateway) -> None:
    client.repository.commit_files({"a": "b"})

    def hidden(answer: Any) -> Any:
        answer["data"]["repository"]["defaultBranchRef"] = None
        return answer

    for read in (gateway.rules, lambda: CommitGateway(client.transport, "octo/store").tip("data", "a")):
        client.github.faults.alter(hidden)
        with pytest.raises(AccessDeniedError, match="The token may not read the (configuration|files) of octo/store"):
            read()


def test_a_part_that_github_refuses__its_reason_is_told(w: World) -> None:
    number = w.object()

    def refused(answer: dict[str, Any]) -> dict[str, Any]:
        answer["data"]["repository"]["issue"]["labels"] = None
        reason = {"type": "FORBIDDEN", "message": "Labels are off limits", "path": ["repository", "issue", "labels"]}
        return {**answer, "errors": [reason]}

    w.hub.faults.alter(refused, match=lambda r: r.operation == "Read", times=None)
    with pytest.raises(GitHubError, match="Labels are off limits"):
        w.process(number)


# Bytes that are not UTF-8


def _in_latin_1(content: bytes) -> bytes:
    """An answer in which something on the way has changed the encoding of one character."""
    return content.replace("é".encode(), b"\xe9").replace(b"\\u00e9", b"\xe9")


def test_answer__in_another_encoding_is_none_and_nothing_of_it_is_written_back(w: World) -> None:
    number = w.object("m", {"name": "café", "count": 0})
    w.update(number, {"count": 1})
    before = w.repo.issue(number).body
    w.hub.faults.garble(_in_latin_1, times=None)
    with pytest.raises(GitHubError, match="sent something else than an answer, 3 times in a row"):
        w.process(number)
    assert w.repo.issue(number).body == before

    w.hub.faults.clear()
    w.hub.faults.garble(_in_latin_1, match=lambda request: request.graphql and not request.mutations)
    assert w.process(number).applied == 1
    assert w.data(number) == {"name": "café", "count": 1}


def test_write__whose_answer_is_in_another_encoding_is_looked_for_and_counts_once(w: World) -> None:
    number = w.object("m", {"name": "café", "count": 0})
    w.update(number, {"count": 1})
    w.hub.faults.garble(_in_latin_1, match=lambda request: "updateIssue" in request.mutations)
    w.process(number)
    assert w.data(number) == {"name": "café", "count": 1}
    assert "[r2 " in w.repo.issue(number).title


def test_limit__that_left_out_a_part_of_a_read_is_waited_for(client: Client) -> None:
    client.github.faults.graphql_errors(
        {"type": "RATE_LIMITED", "message": "API rate limit exceeded", "path": ["repository"]},
        data={"viewer": {"login": "octo"}, "repository": None},
        times=1,
    )
    both = 'query { viewer { login } repository(owner: "octo", name: "store") { nameWithOwner } }'
    assert client.transport.query(both, {}).data["repository"] == {"nameWithOwner": "octo/store"}
    assert (client.sent, client.waits) == (2, [60.0])


def test_limit__of_years_is_told_with_the_day(client: Client) -> None:
    client.github.faults.secondary_limit(retry_after=100_000_000)
    with pytest.raises(BudgetExhausted, match=r"Try again after 2028-12-09 18:46:\d\d UTC\."):
        client.get()


@pytest.mark.parametrize(("message", "said"), [("x", "x"), ("", "no reason given")])
def test_refusal__with_empty_reasons_is_told_without_them(client: Client, message: str, said: str) -> None:
    body = json.dumps({"message": message, "errors": [{"message": ""}, {"code": None}, {}]})
    client.github.faults.add(Fault("status", status=422, body=body))
    with pytest.raises(ApiError, match=rf"^GitHub refused a request: {said} \(422\)\.$"):
        client.send()
