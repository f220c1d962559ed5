"""The loopback GitHub's REST door, driven by PyGithub."""

from collections.abc import Callable, Iterator

import github as pygithub
import pytest

from tests.double import BOT, GitHub, Repository

Connect = Callable[..., pygithub.Github]


@pytest.fixture
def repo(hub: GitHub) -> Repository:
    hub.add_org("octo", members={"ann": "admin", "secret": "member", "shown": "member"}, public=("shown",))
    hub.add_team("octo", "devs", {"ann": "maintainer"})
    repository = hub.add_repository("octo/store", files={"README.md": "hello\n"})
    for role in ("read", "triage", "write", "maintain"):
        repository.grant(role, role)
    return repository


@pytest.fixture
def connect(hub: GitHub) -> Iterator[Connect]:
    clients: list[pygithub.Github] = []

    def open_client(token: str | None, base: str | None = None) -> pygithub.Github:
        auth = None if token is None else pygithub.Auth.Token(token)
        client = pygithub.Github(
            auth=auth, base_url=base or hub.api_url, retry=None, seconds_between_requests=0, seconds_between_writes=0
        )
        clients.append(client)
        return client

    yield open_client
    for client in clients:
        client.close()


@pytest.mark.parametrize("style", ["", "/api/v3"])
def test_rest__an_object_lives_through_pygithub_in_both_url_styles(
    hub: GitHub, repo: Repository, connect: Connect, style: str
) -> None:
    token = repo.workflow_token(issues="write", contents="write")
    store = connect(token, hub.url + style).get_repo("octo/store")
    issue = store.create_issue("T", body="{}", labels=["stored-object", "UID:a"])
    assert [label.name for label in issue.labels] == ["stored-object", "UID:a"]
    assert {label.color for label in store.get_labels()} == {"ededed"}
    comment = issue.create_comment("one")
    comment.create_reaction("rocket")
    comment.edit("two")
    issue.edit(title="U", body="[]", state="closed", labels=["stored-object"])
    found = next(iter(store.get_issues(state="all", labels=["stored-object"])))
    assert (found.title, found.body, found.state, found.state_reason) == ("U", "[]", "closed", "completed")
    assert found.closed_by.login == found.user.login == BOT
    assert found.number == repo.issue(1).number
    assert [(r.user.login, r.content) for r in comment.get_reactions()] == [(BOT, "rocket")]
    assert comment.id > 2**32
    view = repo.issue(found.number)
    assert view.comments[0].reactions == ((BOT, "rocket"),)
    assert (view.comments[0].body, view.titles, view.labels) == ("two", ("T", "U"), ("stored-object",))
    assert store.get_contents("README.md").decoded_content == b"hello\n"
    comment.delete()
    assert repo.issue(1).comments == ()


def test_rest__labels_of_a_stranger_are_dropped_and_cannot_be_made(repo: Repository, connect: Connect) -> None:
    stranger = connect(repo._github.token("stranger")).get_repo("octo/store")
    issue = stranger.create_issue("T", labels=["bug"])
    assert issue.labels == []
    assert repo.labels() == []
    with pytest.raises(pygithub.UnknownObjectException):
        stranger.create_label("x", "ffffff")
    triage = connect(repo._github.token("triage")).get_repo("octo/store")
    with pytest.raises(pygithub.GithubException) as refused:
        triage.create_issue("T", labels=["bug"])
    assert refused.value.data["errors"] == [{"resource": "Repository", "field": "label", "code": "unauthorized"}]


def test_rest__label_names_are_unique_whatever_their_case_and_at_most_50_long(
    repo: Repository, connect: Connect
) -> None:
    store = connect(repo._github.token("write")).get_repo("octo/store")
    store.create_label("Foo", "ABCDEF")
    with pytest.raises(pygithub.GithubException) as refused:
        store.create_label("foo", "ABCDEF")
    assert refused.value.data["errors"] == [{"resource": "Label", "code": "already_exists", "field": "name"}]
    with pytest.raises(pygithub.GithubException) as refused:
        store.create_label("x" * 51, "ABCDEF")
    assert refused.value.data["errors"][0]["message"] == "name is too long (maximum is 50 characters)"
    with pytest.raises(pygithub.GithubException) as refused:
        store.create_issue("T", labels=["x" * 51])
    assert refused.value.data["errors"] == [
        {"value": "x" * 51, "resource": "Label", "code": "invalid", "field": "name"}
    ]
    with pytest.raises(pygithub.GithubException) as refused:
        store.create_issue("T", labels=[f"l{i}" for i in range(101)])
    assert refused.value.status == 422


def test_rest__several_labels_mean_all_of_them_and_pull_requests_are_issues(repo: Repository, connect: Connect) -> None:
    repo.open_issue("ann", "a", labels=["x"])
    repo.open_issue("ann", "ab", labels=["x", "Y"])
    repo.open_issue("ann", "pull", labels=["x", "y"], pull=True)
    repo.open_issue("ann", "closed", labels=["x", "y"], state="closed")
    store = connect(None).get_repo("octo/store")
    found = list(store.get_issues(labels=["X", "y"], direction="asc"))
    assert [issue.title for issue in found] == ["ab", "pull"]
    assert [bool(issue.pull_request) for issue in found] == [False, True]


def test_rest__issue_lists_page_by_cursor_without_last(hub: GitHub, repo: Repository, connect: Connect) -> None:
    for number in range(7):
        repo.open_issue("ann", str(number))
    client = connect(hub.token("ann"))
    client.per_page = 3
    store = client.get_repo("octo/store")
    assert [issue.title for issue in store.get_issues(direction="asc")] == list("0123456")
    paths = [request.path for request in hub.requests][1:]
    assert paths == ["/api/v3/repos/octo/store/issues", *[f"/api/v3/repositories/{repo.id}/issues"] * 2]
    assert "after=" in hub.requests[-1].query
    headers, _ = client.requester.requestJsonAndCheck("GET", "/repos/octo/store/issues?per_page=2&page=2")
    assert 'rel="next"' in headers["link"]
    assert 'rel="prev"' in headers["link"]
    assert 'rel="last"' not in headers["link"]
    with pytest.raises(pygithub.GithubException) as refused:
        client.requester.requestJsonAndCheck("GET", "/repos/octo/store/issues?per_page=100&page=100")
    assert refused.value.status == 422


def test_rest__comments_page_by_number_and_since_is_about_updates(
    hub: GitHub, repo: Repository, connect: Connect
) -> None:
    number = repo.open_issue("ann", "T")
    ids = [repo.comment(number, "ann", str(i)) for i in range(5)]
    repo.edit_comment(ids[0], "ann", "new")
    client = connect(hub.token("ann"))
    client.per_page = 2
    issue = client.get_repo("octo/store").get_issue(number)
    comments = issue.get_comments()
    assert comments.totalCount == 5
    assert [comment.id for comment in comments] == ids
    late = issue.get_comments(since=comments[4].created_at)
    assert [comment.id for comment in late] == [ids[0], ids[4]]


def test_rest__who_may_do_what(hub: GitHub, repo: Repository, connect: Connect) -> None:
    number = repo.open_issue("ann", "T")
    theirs = repo.comment(number, "ann", "c")

    def status(token: str | None, method: str, path: str, body: object = None) -> int:
        return connect(token).requester.requestJson(method, f"/repos/octo/store{path}", input=body)[0]

    read, write = hub.token("read"), hub.token("write")
    nothing, reader, bot = (
        repo.workflow_token(),
        repo.workflow_token(issues="read"),
        repo.workflow_token(issues="write"),
    )
    issue, comment = f"/issues/{number}", f"/issues/comments/{theirs}"
    assert status(None, "GET", issue) == 200
    assert status(None, "POST", f"{issue}/comments", {"body": "x"}) == 401
    assert status("nonsense", "GET", issue) == 401
    assert status(read, "POST", f"{issue}/comments", {"body": "x"}) == 201
    assert status(read, "PATCH", comment, {"body": "x"}) == 403
    assert status(read, "PATCH", issue, {"state": "closed"}) == 403
    assert status(write, "PATCH", comment, {"body": "x"}) == 200
    assert status(nothing, "GET", issue) == 200
    assert status(reader, "POST", f"{issue}/comments", {"body": "x"}) == 403
    assert status(bot, "PATCH", issue, {"state": "closed"}) == 200
    assert status(bot, "GET", "/contents/README.md") == 200  # everybody reads this repository
    assert status(bot, "GET", "/collaborators/write/permission") == 200
    assert status(read, "GET", "/collaborators/write/permission") == 403
    assert status(write, "GET", "/collaborators/unheard-of/permission") == 404
    assert status(write, "PUT", f"{issue}/lock") == 204
    assert status(bot, "POST", f"{issue}/comments", {"body": "x"}) == 403
    assert status(write, "POST", f"{issue}/comments", {"body": "x"}) == 201
    refused = connect(reader).requester.requestJson("POST", f"/repos/octo/store{issue}/comments", input={"body": "x"})
    assert refused[1]["x-accepted-github-permissions"] == "issues=write"
    assert "Resource not accessible by integration" in refused[2]


def test_rest__a_private_repository_is_not_there_for_strangers(hub: GitHub, connect: Connect) -> None:
    hidden = hub.add_repository("ann/hidden", private=True)
    number = hidden.open_issue("ann", "T")
    with pytest.raises(pygithub.UnknownObjectException):
        connect(hub.token("stranger")).get_repo("ann/hidden")
    store = connect(hidden.workflow_token(contents="read")).get_repo("ann/hidden")
    with pytest.raises(pygithub.GithubException) as refused:
        store.get_issue(number)
    assert refused.value.status == 403
    store = connect(hidden.workflow_token(issues="write")).get_repo("ann/hidden")
    with pytest.raises(pygithub.GithubException) as refused:
        store.get_contents("README.md")
    assert refused.value.status == 403


def test_rest__permissions_have_a_legacy_level_and_a_role_name(hub: GitHub, repo: Repository, connect: Connect) -> None:
    repo.grant("custom", "maintain", role_name="keeper")
    store = connect(hub.token("ann")).get_repo("octo/store")

    def roles(login: str) -> tuple[str, str]:
        _, data = store.requester.requestJsonAndCheck("GET", f"/repos/octo/store/collaborators/{login}/permission")
        return data["permission"], data["role_name"]

    assert [roles(login) for login in ("ann", "maintain", "write", "triage", "read", "custom")] == [
        ("admin", "admin"),
        ("write", "maintain"),
        ("write", "write"),
        ("read", "triage"),
        ("read", "read"),
        ("write", "keeper"),
    ]
    hub.add_user("stranger")
    assert roles("stranger") == ("read", "read")


def test_rest__private_membership_shows_only_to_members(hub: GitHub, repo: Repository, connect: Connect) -> None:
    numbers = {login: repo.open_issue(login, "T") for login in ("octo", "secret", "shown", "write", "nobody")}
    bot, member = repo.workflow_token(issues="read"), hub.token("ann")

    def seen(token: str) -> list[str]:
        store = connect(token).get_repo("octo/store")
        return [store.get_issue(number).raw_data["author_association"] for number in numbers.values()]

    assert seen(bot) == ["OWNER", "NONE", "MEMBER", "COLLABORATOR", "NONE"]
    assert seen(member) == ["OWNER", "MEMBER", "MEMBER", "COLLABORATOR", "NONE"]


def test_rest__user_and_teams_are_closed_to_workflow_tokens(hub: GitHub, repo: Repository, connect: Connect) -> None:
    bot, ann = connect(repo.workflow_token(issues="write")), connect(hub.token("ann"))
    assert ann.get_user().login == "ann"
    team = ann.get_organization("octo").get_team_by_slug("devs").complete()
    assert [member.login for member in team.get_members()] == ["ann"]
    assert team.get_team_membership("ann").state == "active"
    path = "/orgs/octo/teams/devs/memberships/ann"
    assert ann.requester.requestJson("GET", path)[0] == 200
    assert bot.requester.requestJson("GET", path)[0] == 403
    assert bot.requester.requestJson("GET", "/user")[0] == 403
    assert bot.requester.requestJson("GET", f"/users/{BOT}".replace("[", "%5B").replace("]", "%5D"))[0] == 200


def test_rest__limits_of_texts(hub: GitHub, repo: Repository, connect: Connect) -> None:
    store = connect(hub.token("ann")).get_repo("octo/store")
    long = "x" * 65_537
    with pytest.raises(pygithub.GithubException) as refused:
        store.create_issue("T", body=long)
    assert refused.value.data["errors"][0]["message"] == "body is too long (maximum is 65536 characters)"
    issue = store.create_issue("T", body="short")
    with pytest.raises(pygithub.GithubException) as refused:
        issue.create_comment(long)
    assert refused.value.data["errors"][0]["field"] == "data"
    with pytest.raises(pygithub.GithubException):
        issue.edit(body=long)
    hub.options.silent_oversize = True
    issue.edit(body=long, title="U")
    assert (issue.title, issue.body) == ("U", "short")
    with pytest.raises(pygithub.GithubException):
        issue.edit(title="")
    hub.options.comments_per_issue = 2
    issue.create_comment("1")
    issue.create_comment("2")
    with pytest.raises(pygithub.GithubException) as refused:
        issue.create_comment("3")
    assert (refused.value.status, "Commenting is disabled" in refused.value.data["message"]) == (403, True)


def test_rest__issues_disabled_or_deleted_are_gone(repo: Repository, connect: Connect) -> None:
    number = repo.open_issue("ann", "T")
    repo.delete_issue(number, "ann")
    client = connect(repo._github.token("ann"))
    assert client.requester.requestJson("GET", f"/repos/octo/store/issues/{number}")[0] == 410
    repo.set_issues_enabled(False)
    assert client.requester.requestJson("POST", "/repos/octo/store/issues", input={"title": "T"})[0] == 410


def test_rest__a_repeated_reaction_is_200_and_others_cannot_be_removed(
    hub: GitHub, repo: Repository, connect: Connect
) -> None:
    comment = repo.comment(repo.open_issue("ann", "T"), "ann", "c")
    path = f"/repos/octo/store/issues/comments/{comment}/reactions"
    first, second = connect(repo.workflow_token(issues="write")), connect(repo.workflow_token(issues="write"))
    before = repo.issue(1).updated_at
    assert first.requester.requestJson("POST", path, input={"content": "+1"})[0] == 201
    assert second.requester.requestJson("POST", path, input={"content": "+1"})[0] == 200
    assert connect(hub.token("ann")).requester.requestJson("POST", path, input={"content": "+1"})[0] == 201
    assert first.requester.requestJson("POST", path, input={"content": "nonsense"})[0] == 422
    assert repo.issue(1).updated_at == before
    other = repo.react(comment, "write", "eyes")
    assert first.requester.requestJson("DELETE", f"{path}/{other}")[0] == 403


def test_rest__a_304_costs_nothing_and_limits_hold(hub: GitHub, repo: Repository, connect: Connect) -> None:
    repo.open_issue("ann", "T")
    token = repo.workflow_token(issues="write")
    requester = connect(token).requester
    _, headers, _ = requester.requestJson("GET", "/repos/octo/store/issues/1")
    assert (headers["x-ratelimit-limit"], headers["x-ratelimit-remaining"]) == ("1000", "999")
    status, again, _ = requester.requestJson(
        "GET", "/repos/octo/store/issues/1", headers={"If-None-Match": headers["etag"]}
    )
    assert (status, again["x-ratelimit-remaining"]) == (304, "999")
    hub.set_rate_limit(token, remaining=0)
    status, headers, body = requester.requestJson("GET", "/repos/octo/store/issues/1")
    assert (status, headers["x-ratelimit-remaining"], "rate limit exceeded" in body) == (403, "0", True)
    assert int(headers["x-ratelimit-reset"]) > hub.clock.now
    hub.clock.advance(3_600)
    assert requester.requestJson("GET", "/repos/octo/store/issues/1")[0] == 200


def test_rest__if_match_answers_412_and_writes_all_the_same(hub: GitHub, repo: Repository, connect: Connect) -> None:
    repo.open_issue("ann", "T")
    requester = connect(hub.token("ann")).requester
    headers = {"If-Match": 'W/"stale"'}
    assert requester.requestJson("PATCH", "/repos/octo/store/issues/1", None, headers, {"title": "U"})[0] == 412
    assert repo.issue(1).title == "U"
