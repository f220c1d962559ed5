"""GitHub as the store sees it: records in, records out; who may write; what a page does that is too large."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from gh_store_action.domain import replies
from gh_store_action.errors import ConfigurationError, GitHubError, ObjectNotFound
from gh_store_action.gateway.decoding import login_of
from gh_store_action.gateway.issues import GitHub as Gateway
from gh_store_action.gateway.transport import Transport
from gh_store_action.store.session import Session
from tests.double import GitHub
from tests.support.scene import OWNER, STRANGER, WRITER, Scene

Make = Callable[..., Gateway]


@pytest.fixture
def gateway(scene: Scene) -> Make:
    """Gateways to the scene's store; the workflow's token unless another is given."""

    def build(token: str = "", repository: str = "") -> Gateway:
        transport = Transport(
            token=token or scene.token,
            api_url=scene.github.api_url,
            graphql_url=scene.github.graphql_url,
            pause=scene.waits.append,
        )
        return Gateway(transport, repository or scene.full_name)

    return build


# Reading


def test_gateway__names_its_repository_and_counts(gateway: Make) -> None:
    github = gateway()
    assert repr(github) == "GitHub('octo/store')"
    assert github.requests == 0
    assert github.rules().viewer == "github-actions[bot]"
    assert github.requests == 1


def test_read__gives_the_records_of_issue_log_and_reactions(scene: Scene, gateway: Make) -> None:
    number = scene.open("metrics", {"n": 1})
    comment = scene.post(number, "hello")
    scene.repository.edit_comment(comment, OWNER, "hello again")
    scene.repository.react(comment, STRANGER, "heart")
    scene.repository.react(comment, "github-actions[bot]", "+1")
    (issue,) = gateway().read(number, rules=False).issues
    assert (issue.number, issue.author, issue.closed) == (number, OWNER, False)
    assert issue.labels == ("stored-object", "UID:metrics")
    assert (issue.complete, issue.total_comments) == (True, 1)
    (read,) = issue.comments
    assert (read.id, read.author, read.body, read.editor) == (comment, WRITER, "hello again", OWNER)
    assert {(r.login, r.content) for r in read.reactions} == {(STRANGER, "heart"), ("github-actions[bot]", "+1")}


def test_read__own_reactions_are_known_where_github_does_not_name_the_bot(scene: Scene, gateway: Make) -> None:
    number = scene.open("metrics")
    comment = scene.post(number, "{}")
    scene.repository.react(comment, "github-actions[bot]", "+1")
    scene.github.options.bot_reaction_user = False
    (issue,) = gateway().read(number, rules=False).issues
    assert ("github-actions[bot]", "+1") in {(r.login, r.content) for r in issue.comments[0].reactions}


@pytest.mark.parametrize(("people", "requests"), [(100, 1), (101, 2), (250, 3)])
def test_read__more_than_a_hundred_reactions_are_read_page_by_page(
    scene: Scene, gateway: Make, people: int, requests: int
) -> None:
    number = scene.open("metrics")
    comment = scene.post(number, "{}")
    for place in range(people - 1):
        scene.github.add_user(f"person-{place}")
        scene.repository.react(comment, f"person-{place}", "+1")
    scene.repository.react(comment, OWNER, "-1")
    github = gateway()
    (issue,) = github.read(number, rules=False).issues
    assert github.requests == requests
    assert len(issue.comments[0].reactions) == people
    assert issue.comments[0].reactions[-1].login == OWNER


def test_read__a_comment_that_goes_while_its_reactions_are_read_loses_none_that_were_read(
    scene: Scene, gateway: Make
) -> None:
    number = scene.open("metrics")
    comment = scene.post(number, "{}")
    for place in range(120):
        scene.github.add_user(f"person-{place}")
        scene.repository.react(comment, f"person-{place}", "+1")

    def vanish(request: object) -> None:
        scene.github.after_request.clear()
        scene.repository.delete_comment(comment, OWNER)

    scene.github.after_request.append(vanish)
    (issue,) = gateway().read(number, rules=False).issues
    assert len(issue.comments[0].reactions) == 100


def test_read__a_deleted_account_is_nobody() -> None:
    assert login_of(None) == "ghost"
    assert login_of({"login": "Ada", "__typename": "User"}) == "ada"
    assert login_of({"login": "github-actions", "__typename": "Bot"}) == "github-actions[bot]"
    assert login_of({"login": "github-actions[bot]", "__typename": "Bot"}) == "github-actions[bot]"


@pytest.mark.parametrize("kind", ["Mannequin", "Organization", "EnterpriseUserAccount", "WhateverComes"])
def test_login__of_one_who_is_no_user_is_never_a_users(kind: str) -> None:
    login = login_of({"login": "Ada", "__typename": kind})
    assert login == f"ada[{kind.lower()}]"
    assert "@" not in replies._who(login)


def test_extend__goes_back_a_hundred_comments_a_request_as_far_as_asked(scene: Scene, gateway: Make) -> None:
    number = scene.open("metrics")
    comments = [scene.post(number, f"chat {place}") for place in range(250)]
    github = gateway()
    (issue,) = github.read(number, rules=False).issues
    assert (len(issue.comments), issue.complete, issue.total_comments) == (100, False, 250)
    further = github.extend(issue, comments[120], "viewer")
    assert (github.requests, [c.id for c in further.comments]) == (2, comments[50:])
    whole = github.extend(issue, 0, "viewer")
    assert (whole.complete, [c.id for c in whole.comments]) == (True, comments)


def test_extend__an_issue_that_changes_meanwhile_is_read_anew(scene: Scene, gateway: Make) -> None:
    number = scene.open("metrics")
    comments = [scene.post(number, f"chat {place}") for place in range(150)]
    github = gateway()
    (issue,) = github.read(number, rules=False).issues
    scene.repository.edit_issue(number, OWNER, body='{"other": 1}')
    comments.append(scene.post(number, "one more"))
    whole = github.extend(issue, 0, "viewer")
    assert [c.id for c in whole.comments] == comments
    assert whole.body == '{"other": 1}'


def test_extend__comments_that_come_meanwhile_are_for_the_next_read(scene: Scene, gateway: Make) -> None:
    number = scene.open("metrics")
    comments = [scene.post(number, f"chat {place}") for place in range(150)]
    github = gateway()
    (issue,) = github.read(number, rules=False).issues
    scene.post(number, "one more")
    whole = github.extend(issue, 0, "viewer")
    assert ([c.id for c in whole.comments], whole.total_comments, whole.complete) == (comments, 150, True)


def test_extend__an_issue_that_goes_meanwhile_is_told(scene: Scene, gateway: Make) -> None:
    number = scene.open("metrics")
    for place in range(101):
        scene.post(number, f"chat {place}")
    github = gateway()
    (issue,) = github.read(number, rules=False).issues
    scene.repository.delete_issue(number, OWNER)
    with pytest.raises(ObjectNotFound, match="disappeared while it was read"):
        github.extend(issue, 0, "viewer")


def test_find__gives_the_issues_with_exactly_that_label(scene: Scene, gateway: Make) -> None:
    number = scene.open("metrics", {"n": 1})
    scene.open("metrics-2")
    reading = gateway().find("UID:metrics", rules=True)
    assert [issue.number for issue in reading.issues] == [number]
    assert reading.viewer == "github-actions[bot]"


# Pages


def limited(github: GitHub, change: Callable[[Any], None]) -> None:
    """GitHub's next answer, with something left out, and with an error that says so."""

    def left_out(answer: Any) -> Any:
        change(answer["data"])
        return {**answer, "errors": [{"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits exceeded"}]}

    github.faults.alter(left_out)


def without_issues(data: Any) -> None:
    data["repository"]["issues"] = None


def without_a_node(data: Any) -> None:
    data["repository"]["issues"]["nodes"] = [None]


@pytest.mark.parametrize("listing", [without_issues, without_a_node])
def test_page__whose_nodes_did_not_all_come_is_halved(scene: Scene, gateway: Make, listing: Any) -> None:
    scene.open("metrics")
    limited(scene.github, listing)
    page = gateway().issues("stored-object", None)
    assert len(page.issues) == 1
    assert [request.json["variables"]["first"] for request in scene.github.requests] == [100, 50]


def test_page__that_never_comes_is_a_failure_that_says_why(scene: Scene, gateway: Make) -> None:
    scene.open("metrics")
    limited(scene.github, without_issues)
    with pytest.raises(GitHubError, match=r"GitHub refused to read issues: Resource limits exceeded\."):
        gateway().issues("stored-object", None, first=1)

    def silent(answer: Any) -> Any:
        without_a_node(answer["data"])
        return answer

    scene.github.faults.alter(silent)
    page = gateway().issues("stored-object", None, first=1)
    assert (page.issues, page.total) == ((), 1)  # GitHub's schema allows it, and nothing says that it is a failure
    gone = {"type": "NOT_FOUND", "message": "Could not resolve to a node"}
    scene.github.faults.alter(lambda answer: {**silent(answer), "errors": [gone]})
    with pytest.raises(GitHubError, match="GitHub did not list the issues of octo/store"):
        gateway().issues("stored-object", None, first=1)
    limited(scene.github, lambda data: data.update(repository=None))
    with pytest.raises(GitHubError, match=r"GitHub refused to read the repository: Resource limits exceeded\."):
        gateway().issues("stored-object", None)


@pytest.mark.parametrize("status", [502, 504])
def test_page__that_github_can_not_make_in_time_is_halved(scene: Scene, gateway: Make, status: int) -> None:
    for place in range(60):
        scene.open(f"object-{place}")
    scene.github.faults.status(status, match=lambda r: r.json["variables"]["first"] > 30, times=None)
    page = gateway().issues("stored-object", None)
    assert (len(page.issues), page.total, page.store_total) == (25, 60, 60)
    assert page.cursor is not None


def test_page__of_one_that_still_fails_is_a_failure(scene: Scene, gateway: Make) -> None:
    scene.github.faults.status(502, times=None)
    with pytest.raises(GitHubError, match="GitHub answered 502") as told:
        gateway().issues("stored-object", None, first=2)
    assert told.value.status == 502


# Files


def test_rules__configuration_and_schemas_come_in_the_first_answer(scene: Scene, gateway: Make) -> None:
    scene.configure("store: {base_label: thing}", one='{"type": "object"}')
    scene.repository.commit_files({".github/gh-store/notes.txt": "no schema", ".github/gh-store/sub/x.json": "{}"})
    files = gateway().rules().files
    assert files.config == "store: {base_label: thing}"
    assert files.schemas == {"one.json": '{"type": "object"}'}


def test_rules__of_an_empty_repository_are_the_defaults(github: GitHub, scene: Scene, gateway: Make) -> None:
    github.add_repository("octo/empty")
    assert gateway(github.token("octo"), "octo/empty").rules().files.config is None


@pytest.mark.parametrize("content", [b"\x00\xff\x00", b"# " + b"x" * 600_000])
def test_rules__a_file_that_is_no_text_or_too_large_is_told(scene: Scene, gateway: Make, content: bytes) -> None:
    scene.repository.commit_files({".github/gh-store.yml": content})
    with pytest.raises(ConfigurationError, match=r"\.github/gh-store\.yml is not text, or is too large"):
        gateway().rules()


def test_rules__are_learned_once(scene: Scene, gateway: Make) -> None:
    scene.configure("store: {base_label: thing}")
    session = Session(gateway())
    assert session.unlearned
    assert session.config.rules.base_label == "stored-object"
    session.ensure()
    session.ensure()
    assert (session.unlearned, session.rules.base_label, session.github.requests) == (False, "thing", 1)
    session.learn(session.github.rules())
    assert session.rules.base_label == "thing"


# Who may write


def access(scene: Scene, gateway: Make, rule: str, token: str = "", **files: str) -> Session:
    scene.repository.commit_files({".github/gh-store.yml": f"store: {{access: {rule}}}", **files})
    session = Session(gateway(token))
    session.ensure()
    return session


def test_access__asks_the_permission_api_once_for_each_person(scene: Scene, gateway: Make) -> None:
    session = access(scene, gateway, "{permission: write}")
    asked = session.github.requests
    assert [session.may_write(login, "x") for login in (WRITER, STRANGER, WRITER, "nobody-at-all")] == [
        True,
        False,
        True,
        False,
    ]
    assert session.github.requests == asked + 4  # of whom it does not find there GitHub is asked once more
    assert session.may_write("github-actions[bot]", "x") is True
    assert session.may_write("ghost", "x") is False
    assert session.github.requests == asked + 4


@pytest.mark.parametrize(
    ("least", "allowed"),
    [("admin", [False, False]), ("maintain", [True, False]), ("triage", [True, True])],
)
def test_access__another_permission_may_be_the_least(
    scene: Scene, gateway: Make, least: str, allowed: list[bool]
) -> None:
    scene.repository.grant("max", "maintain")
    scene.repository.grant("tri", "triage")
    session = access(scene, gateway, f"{{permission: {least}}}")
    assert [session.may_write(login, "x") for login in ("max", "tri")] == allowed


def test_access__two_rules_with_one_permission_ask_once(scene: Scene, gateway: Make) -> None:
    session = access(scene, gateway, '[{match: "a*", permission: admin}, {match: "*", permission: write}]')
    asked = session.github.requests
    assert (session.may_write(WRITER, "a1"), session.may_write(WRITER, "b1")) == (False, True)
    assert session.github.requests == asked + 1


def test_access__teams_of_the_organisation(github: GitHub, scene: Scene, gateway: Make) -> None:
    github.add_org("acme", {"boss": "admin", "tim": "member", "tom": "member"})
    github.add_team("acme", "data", {"tim": "member"})
    github.add_team("acme", "sales", {"tom": "member"})
    scene.repository.grant("boss", "write")
    rule = (
        '[{match: "b*", permission: admin, teams: [acme/sales, acme/data]}, '
        '{match: "*", permission: admin, teams: [acme/data]}]'
    )
    session = access(scene, gateway, rule, github.token("boss"))
    assert [session.may_write(login, "x") for login in ("tim", "tom", "tim")] == [True, False, True]
    assert [session.may_write(login, "b") for login in ("tim", "tom", STRANGER)] == [True, True, False]


def test_access__a_workflows_token_can_not_read_teams_and_nobody_is_taken_for_a_no(
    github: GitHub, scene: Scene, gateway: Make
) -> None:
    github.add_org("acme", {"tim": "member"})
    github.add_team("acme", "data", {"tim": "member"})
    session = access(scene, gateway, "{permission: admin, teams: [acme/data]}")
    assert session.may_write("tim", "x") is None
    assert "The token cannot read the team acme/data." in session.refusals_to_say["tim"]
    scene.repository.grant("tim", "write")
    missing = access(scene, gateway, "{permission: admin, teams: [acme/none]}", github.token("tim"))
    assert missing.may_write("tom", "x") is None


def test_access__owners_of_the_snapshots_path_in_codeowners(github: GitHub, scene: Scene, gateway: Make) -> None:
    github.add_org("acme", {"boss": "admin", "tim": "member"})
    github.add_team("acme", "data", {"tim": "member"})
    scene.repository.grant("boss", "write")
    owners = {".github/CODEOWNERS": f"* @nobody\n/data/ @{STRANGER} @acme/data\n"}
    session = access(scene, gateway, "{permission: admin, codeowners: true}", github.token("boss"), **owners)
    assert [session.may_write(login, "x") for login in (STRANGER, "tim", WRITER)] == [True, True, False]


def test_access__without_codeowners_nobody_owns(scene: Scene, gateway: Make) -> None:
    session = access(scene, gateway, "{permission: admin, codeowners: true}")
    assert session.may_write(STRANGER, "x") is False


def test_access__codeowners_that_can_not_be_read_are_no_answer(github: GitHub, scene: Scene, gateway: Make) -> None:
    session = access(scene, gateway, "{permission: admin, codeowners: true}")
    github.faults.status(403, match=lambda request: "/contents/" in request.path, times=None)
    assert session.may_write(STRANGER, "x") is None
    assert "read .github/CODEOWNERS of octo/store" in session.refusals_to_say[STRANGER]


def test_access__codeowners_count_in_a_run_of_the_action(scene: Scene) -> None:
    scene.repository.commit_files(
        {".github/gh-store.yml": "store: {access: {codeowners: true}}", "CODEOWNERS": f"data/ @{STRANGER}\n"}
    )
    number = scene.make()
    scene.post(number, '{"count": 1}', by=STRANGER)
    assert scene.run("process", issue_number=number).outputs["object"] == '{"count":1}'


def test_access__a_permission_that_is_not_told_is_no_no(scene: Scene, gateway: Make, github: GitHub) -> None:
    session = access(scene, gateway, "{permission: write}")
    github.faults.status(500, match=lambda request: "/permission" in request.path, times=None)
    assert session.may_write(WRITER, "x") is None
    github.faults.clear()
    assert session.may_write(WRITER, "x") is True


@pytest.mark.parametrize("path", ["/permission", "/users/"])
def test_access__a_person_whom_github_knows_and_does_not_find_here_is_no_no(
    scene: Scene, gateway: Make, github: GitHub, path: str
) -> None:
    """Of whom it does not know it says the same."""
    session = access(scene, gateway, "{permission: write}")
    github.faults.status(404, match=lambda request: "/permission" in request.path, times=None)
    github.faults.status(451, match=lambda request: path == "/users/" and path in request.path, times=None)
    assert session.may_write(WRITER, "x") is None
    assert session.may_write("nobody-at-all", "x") is (False if path == "/permission" else None)


@pytest.mark.parametrize("status", [403, 451])
def test_access__a_refused_question_is_not_asked_again_in_that_run(
    scene: Scene, gateway: Make, github: GitHub, status: int
) -> None:
    session = access(scene, gateway, '[{match: "a*", permission: admin}, {match: "*", permission: write}]')
    github.faults.status(status, match=lambda request: "/permission" in request.path, times=None)
    asked = session.github.requests
    for object_id in ("a1", "b1", "a2"):
        assert session.may_write(WRITER, object_id) is None
        assert str(status) in str(session.refusals_to_say.pop(WRITER))
    assert session.github.requests == asked + 1
    github.faults.clear()
    assert session.may_write(STRANGER, "b1") is False


def test_access__a_team_that_can_not_be_read_concerns_the_objects_of_its_rule_alone(
    github: GitHub, scene: Scene, gateway: Make
) -> None:
    github.add_org("acme", {"tim": "member"})
    scene.repository.grant("tim", "write")
    rules = '[{match: "a*", permission: admin, teams: [acme/data]}, {match: "*", permission: write}]'
    session = access(scene, gateway, rules)
    assert [session.may_write("tim", object_id) for object_id in ("a1", "b1")] == [None, True]
    asked = session.github.requests
    assert [session.may_write("tim", object_id) for object_id in ("a1", "a2", "b2")] == [None, None, True]
    assert session.github.requests == asked


def test_variables__carry_what_others_wrote_never_the_document(scene: Scene) -> None:
    number = scene.make()
    scene.post(number, json.dumps({"text": '"}) { evil } #'}))
    run = scene.run("process", issue_number=number)
    write: Any = next(request for request in run.requests if request.operation == "Write").json
    assert "evil" not in write["query"]
    assert "evil" in write["variables"]["body"]


def test_now__of_an_issue_that_is_gone_says_so_not_that_its_number_is_wrong(gateway: Make) -> None:
    with pytest.raises(ObjectNotFound, match=r"^Issue #99 no longer exists\. If it was deleted, nothing is left to do"):
        gateway().now(99)
    with pytest.raises(ObjectNotFound, match=r"octo/store has no issue #99\. Check the number"):
        gateway().read(99, rules=True)
