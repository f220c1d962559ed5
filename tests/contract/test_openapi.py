"""Everything that passes the loopback GitHub's REST door, against the descriptions that GitHub publishes.

Three parties drive the loopback: the suite itself, PyGithub, and githubkit, whose models are generated from GitHub's
description, so that each of its answers is also validated by code that others wrote.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import github as pygithub
import githubkit
import pytest
from githubkit.exception import RequestFailed
from pydantic import ValidationError

from tests.double import GitHub, Repository, rest
from tests.support.exchanges import FOLDER, Exchange, read, recording
from tests.support.openapi import Allowance, Description
from tests.support.published import description, newest_server, packages
from tests.support.runner import ROOT

pytestmark = pytest.mark.npm

ALLOWANCES = (
    Allowance(
        "issues/add-labels",
        "body $: [",
        "its description: 'You can also pass an `array` of labels directly'; PyGithub does",
    ),
    Allowance(
        "issues/set-labels",
        "body $: [",
        "its description: 'You can also pass an `array` of labels directly'; PyGithub does",
    ),
    Allowance(
        "issues/update",
        "response: status 412",
        "an If-Match that is out of date (https://github.com/cli/cli/issues/7167)",
    ),
)

WITHOUT_MODEL = ("closed", "reopened", "unlocked")
"""Events that newer descriptions name in no alternative of issue-event-for-issue; none of githubkit's models fits."""

RECORDED = ROOT / ".cache" / "exchanges"
"""Where `make test MEASURE=1` writes down what passed (tests/support/exchanges.py)."""


@functools.cache
def descriptions() -> dict[str, Description]:
    """Those of github.com and of the newest GitHub Enterprise Server."""
    names = ("api.github.com", newest_server(packages()))
    return {name: Description(description(name), ALLOWANCES) for name in names}


def problems(exchanges: list[Exchange]) -> list[str]:
    """What any description finds wrong, each finding once with how often."""
    found = Counter(
        f"{name}: {problem}"
        for name, described in descriptions().items()
        for exchange in exchanges
        for problem in described.problems(exchange)
    )
    return [f"{problem} ({times} times)" for problem, times in sorted(found.items())]


def say(figures: Callable[[str], None], who: str, exchanges: list[Exchange], found: list[str]) -> None:
    requests = len({(e.method, e.path, e.query, e.body) for e in exchanges})
    figures(
        f"REST, {who}: {requests} requests and {len(exchanges)} responses, each against "
        f"{' and '.join(descriptions())}: {len(found)} violations"
    )


def routes(exchanges: list[Exchange]) -> set[tuple[str, str]]:
    """Which of the loopback's endpoints were answered, with success at least once."""
    reached = set()
    for exchange in exchanges:
        for pattern, handlers in rest._ROUTES:
            if exchange.status < 400 and pattern.fullmatch(exchange.path) and exchange.method in handlers:
                template = next(name for name, known in rest._BY_TEMPLATE.items() if known is handlers)
                reached.add((exchange.method, template))
                break
    return reached


def all_routes() -> set[tuple[str, str]]:
    return {(method, template) for template, handlers in rest._BY_TEMPLATE.items() for method in handlers}


@dataclass(frozen=True)
class Town:
    """A GitHub with people in it.

    Args:
        owner: the token of the repository's owner.
        stranger: the token of someone who may only read.
        workflow: a workflow's token.
    """

    github: GitHub
    repository: Repository
    owner: str
    stranger: str
    workflow: str
    exchanges: list[Exchange]


@pytest.fixture
def town() -> Iterator[Town]:
    with GitHub() as github:
        github.add_org("acme", {"ada": "admin", "ben": "member"}, public=("ben",))
        github.add_team("acme", "core", {"ada": "maintainer", "ben": "member"})
        files = {
            "README.md": "# A store\n",
            "data/a.json": "{}\n",
            ".github/workflows/snapshot.yml": "on: workflow_dispatch\n",
        }
        repository = github.add_repository("acme/store", files=files)
        repository.grant("ada", "admin")
        repository.grant("ben", "triage")
        repository.create_label("ada", "with description", "ff0000", "text")
        workflow = repository.workflow_token(issues="write", contents="write", actions="write")
        with recording(github) as exchanges:
            yield Town(github, repository, github.token("ada"), github.token("zoe"), workflow, exchanges)


def refused(call: Callable[[], Any], *errors: type[Exception]) -> None:
    with contextlib.suppress(*errors):
        call()
        raise AssertionError("this should have been refused")


# PyGithub


def mistakes(hub: Any, repository: Any, issue: Any, commit: str) -> list[Callable[[], Any]]:
    """What GitHub refuses, and in which words."""
    return [
        lambda: repository.get_issue(9_999),
        lambda: repository.get_label("none"),
        lambda: repository.create_label("x" * 51, "ededed"),
        lambda: repository.create_issue("x" * 300),
        lambda: issue.create_comment("x" * 300_000),
        lambda: issue.edit(body="x" * 300_000),
        lambda: hub.get_repo("acme/none"),
        lambda: repository.get_contents("none"),
        lambda: repository.get_branch("none"),
        lambda: repository.get_collaborator_permission("nobody"),
        lambda: repository.create_git_ref("refs/heads/main", commit),
    ]


def drive_pygithub(town: Town) -> None:
    """The whole surface as PyGithub sees it; it picks answers apart attribute by attribute."""
    quick = {"seconds_between_requests": None, "seconds_between_writes": None, "retry": None}
    for base in (town.github.api_url, town.github.url):
        hub = pygithub.Github(auth=pygithub.Auth.Token(town.owner), base_url=base, per_page=2, **quick)  # type: ignore[arg-type]
        assert hub.get_user().login == "ada"
        assert hub.get_user("ben").type == "User"
        team = hub.get_organization("acme").get_team_by_slug("core")
        assert [member.login for member in team.get_members()] == ["ada", "ben"]
        assert team.get_team_membership("ben").role == "member"
        assert hub.get_rate_limit().resources.core.limit == 5_000
        repository = hub.get_repo("acme/store")
        assert repository.owner.login == "acme" and repository.default_branch == "main"
        assert {user.login for user in repository.get_collaborators()} >= {"ada", "ben"}
        assert repository.get_collaborator_permission("ben") == "read"
        assert repository.get_collaborator_role_name("ben") == "triage"
        assert repository.has_in_collaborators("ben") and not repository.has_in_collaborators("zoe")

        label = repository.create_label(f"UID:{len(town.exchanges)}", "ededed", "an object")
        label.edit(f"{label.name}:x", "00ff00", "changed")
        label = repository.get_label(label.name)
        numbers = [repository.create_issue(f"Issue {n}", "text", labels=[label.name]).number for n in range(5)]
        listed = [
            i.number for i in repository.get_issues(state="all", labels=[label.name], sort="created", direction="asc")
        ]
        assert listed == numbers
        issue = repository.get_issue(numbers[0])
        issue.edit(title="Changed", body='{"a": 1}', state="closed", state_reason="completed")
        issue.edit(state="open")
        issue.add_to_labels("fresh", "with description")
        issue.remove_from_labels("fresh")
        issue.set_labels("fresh", label.name)
        assert {found.name for found in issue.get_labels()} == {"fresh", label.name}
        comments = [issue.create_comment(f"comment {n}") for n in range(5)]
        assert [comment.id for comment in issue.get_comments()] == [comment.id for comment in comments]
        comment = issue.get_comment(comments[0].id)
        comment.edit("changed")
        reactions = [comment.create_reaction(content) for content in ("+1", "-1", "confused", "rocket", "eyes")]
        assert len(list(comment.get_reactions())) == 5
        assert comment.create_reaction("+1").id == reactions[0].id
        assert comment.delete_reaction(reactions[0].id)
        thumb = issue.create_reaction("heart")
        assert [reaction.content for reaction in issue.get_reactions()] == ["heart"]
        assert issue.delete_reaction(thumb.id)
        assert len(list(repository.get_issues_comments(sort="updated", direction="desc"))) >= 5
        comments[-1].delete()
        issue.lock("resolved")
        assert repository.get_issue(issue.number).locked
        issue.unlock()
        assert {event.event for event in issue.get_events()} >= {"renamed", "closed", "reopened", "labeled", "locked"}
        assert {event.event for event in issue.get_timeline()} >= {"commented", "closed"}
        assert len(list(repository.get_issues_events())) > 10
        issue.delete_labels()
        label.delete()

        readme = repository.get_contents("README.md")
        assert repository.get_git_blob(readme.sha).encoding == "base64"
        assert not isinstance(readme, list) and readme.decoded_content == b"# A store\n"
        assert isinstance(repository.get_contents(""), list) and isinstance(repository.get_contents("data"), list)
        made = repository.create_file(f"data/{len(town.exchanges)}.json", "Add", "{}")
        repository.update_file(made["content"].path, "Change", '{"a": 1}', made["content"].sha)
        branch = repository.get_branch("main")
        newest = repository.get_git_commit(branch.commit.sha)
        assert newest.message == "Change"
        again = repository.create_git_commit("Again", newest.tree, [newest])
        assert (again.tree.sha, [one.sha for one in again.parents]) == (newest.tree.sha, [newest.sha])
        assert repository.get_git_ref("heads/main").object.sha == branch.commit.sha
        repository.create_git_ref(f"refs/heads/branch-{len(town.exchanges)}", branch.commit.sha)
        assert repository.create_repository_dispatch("update", {"id": "a"})

        for call in mistakes(hub, repository, issue, branch.commit.sha):
            refused(call, pygithub.GithubException)
        hub.close()


def test_pygithub__drives_the_loopback_and_all_of_it_is_as_described(
    town: Town, figures: Callable[[str], None]
) -> None:
    drive_pygithub(town)
    found = problems(town.exchanges)
    say(figures, "PyGithub", town.exchanges, found)
    assert not found, "\n".join(found)


# githubkit


def trespasses(api: Any, at: dict[str, Any], here: dict[str, Any], name: str, sha: str) -> list[Callable[[], Any]]:
    """What not everybody may; who may not gets an answer that must be as described, too."""
    return [
        lambda: api.users.get_authenticated(),
        lambda: api.issues.update(**here, body="mine"),
        lambda: api.issues.create_label(**at, name=name),
        lambda: api.issues.create(**at, title="t", body="b", labels=["stored-object"]),
        lambda: api.issues.create_comment(**here, body="hello"),
        lambda: api.repos.get_collaborator_permission_level(**at, username="ben"),
        lambda: api.teams.list_members_in_org("acme", "core"),
        lambda: api.repos.create_dispatch_event(**at, event_type="update"),
        lambda: api.git.create_ref(**at, ref=f"refs/heads/{name}", sha=sha),
    ]


def drive_githubkit(town: Town, version: str) -> list[str]:
    """The whole surface; each answer becomes one of githubkit's models, which validates it.

    Returns:
        What did not fit a model.
    """
    hub = githubkit.GitHub(
        town.owner, base_url=town.github.api_url, http_cache=False, auto_retry=False, rest_api_validate_body=True
    )
    api: Any = hub.rest(version)
    at = {"owner": "acme", "repo": "store"}
    asked: list[Any] = []
    misfits: list[str] = []

    def parsed(response: Any) -> Any:
        """The model of an answer; where it does not fit, what does not is noted, and the answer taken as it is."""
        asked.append(response)
        try:
            return response.parsed_data
        except ValidationError as error:
            call = f"githubkit: {response.raw_request.method} {response.url.path}"
            found = json.loads(response.text)
            misfits.extend(
                f"{call}: {'.'.join(map(str, one['loc']))}: {one['msg']}"
                for one in error.errors()
                if not (isinstance(found, list) and found[one["loc"][0]].get("event") in WITHOUT_MODEL)
            )
            return json.loads(response.text, object_hook=lambda found: SimpleNamespace(**found))

    with hub:
        parsed(api.users.get_authenticated())
        parsed(api.users.get_by_username("ben"))
        parsed(api.users.get_by_username("acme"))
        parsed(api.rate_limit.get())
        parsed(api.orgs.get("acme"))
        team = parsed(api.teams.get_by_name("acme", "core"))
        assert len(hub.request("GET", f"{team.url}/members").json()) == 2
        assert hub.request("GET", f"{team.url}/memberships/ben").json()["role"] == "member"
        assert [one.login for one in parsed(api.teams.list_members_in_org("acme", "core"))] == ["ada", "ben"]
        assert parsed(api.teams.get_membership_for_user_in_org("acme", "core", "ben")).state == "active"
        assert parsed(api.repos.get(**at)).full_name == "acme/store"
        assert parsed(api.repos.get_collaborator_permission_level(**at, username="ben")).role_name == "triage"
        assert len(parsed(api.repos.list_collaborators(**at))) >= 2
        assert api.repos.check_collaborator(**at, username="ben").status_code == 204

        name = f"UID:{version}/{len(town.exchanges)}"
        parsed(api.issues.create_label(**at, name=name, color="ededed", description="an object"))
        parsed(api.issues.update_label(**at, name=name, new_name=f"{name}:x", color="00ff00"))
        name = f"{name}:x"
        assert parsed(api.issues.get_label(**at, name=name)).color == "00ff00"
        assert name in [one.name for one in parsed(api.issues.list_labels_for_repo(**at, per_page=100))]
        issue = parsed(api.issues.create(**at, title="Stored Object: a", body="{}", labels=[name]))
        here = {**at, "issue_number": issue.number}
        assert parsed(api.issues.get(**here)).body == "{}"
        parsed(api.issues.update(**here, title="Changed", body='{"a": 1}', state="closed", state_reason="completed"))
        parsed(api.issues.update(**here, state="open"))
        assert len(parsed(api.issues.list_for_repo(**at, state="all", labels=name, since="2020-01-01T00:00:00Z"))) == 1
        parsed(api.issues.add_labels(**here, labels=["fresh", "other"]))
        parsed(api.issues.remove_label(**here, name="other"))
        parsed(api.issues.set_labels(**here, labels=["fresh", name]))
        assert len(parsed(api.issues.list_labels_on_issue(**here))) == 2

        comment = parsed(api.issues.create_comment(**here, body='{"b": 2}'))
        there = {**at, "comment_id": comment.id}
        parsed(api.issues.update_comment(**there, body='{"b": 3}'))
        assert parsed(api.issues.get_comment(**there)).body == '{"b": 3}'
        assert len(parsed(api.issues.list_comments(**here, since="2020-01-01T00:00:00Z"))) == 1
        assert parsed(api.issues.list_comments_for_repo(**at, sort="updated", direction="desc"))
        reaction = parsed(api.reactions.create_for_issue_comment(**there, content="+1"))
        assert parsed(api.reactions.create_for_issue_comment(**there, content="+1")).id == reaction.id
        assert len(parsed(api.reactions.list_for_issue_comment(**there))) == 1
        api.reactions.delete_for_issue_comment(**there, reaction_id=reaction.id)
        reaction = parsed(api.reactions.create_for_issue(**here, content="heart"))
        assert len(parsed(api.reactions.list_for_issue(**here, content="heart"))) == 1
        api.reactions.delete_for_issue(**here, reaction_id=reaction.id)
        api.issues.lock(**here, lock_reason="resolved")
        assert parsed(api.issues.get(**here)).locked
        api.issues.unlock(**here)
        assert parsed(api.issues.list_events(**here))
        assert parsed(api.issues.list_events_for_timeline(**here))
        assert parsed(api.issues.list_events_for_repo(**at))
        api.issues.delete_comment(**there)
        api.issues.remove_all_labels(**here)
        api.issues.delete_label(**at, name=name)

        path = f"data/{version}-{len(town.exchanges)}.json"
        content = base64.b64encode(b"{}").decode()
        made = parsed(api.repos.create_or_update_file_contents(**at, path=path, message="Add", content=content))
        parsed(
            api.repos.create_or_update_file_contents(
                **at, path=path, message="Change", content=base64.b64encode(b"[]").decode(), sha=made.content.sha
            )
        )
        assert parsed(api.repos.get_content(**at, path=path)).encoding == "base64"
        assert isinstance(parsed(api.repos.get_content(**at, path="data")), list)
        assert api.repos.get_content(**at, path=path, headers={"accept": "application/vnd.github.raw"}).text == "[]"
        for root in ("", "/"):
            assert {one["name"] for one in hub.request("GET", f"/repos/acme/store/contents{root}").json()} > {"data"}
        head = parsed(api.repos.get_branch(**at, branch="main")).commit.sha
        newest = parsed(api.git.get_commit(**at, commit_sha=head))
        assert newest.message == "Change"
        again = parsed(api.git.create_commit(**at, message="Again", tree=newest.tree.sha, parents=[head]))
        assert (again.tree.sha, [one.sha for one in again.parents]) == (newest.tree.sha, [head])
        blob = hub.request("GET", "/repos/acme/store/contents/README.md").json()["sha"]
        assert parsed(api.git.get_blob(**at, file_sha=blob)).encoding == "base64"
        assert parsed(api.git.get_ref(**at, ref="heads/main"))
        parsed(api.git.create_ref(**at, ref=f"refs/heads/{version}-{len(town.exchanges)}", sha=head))
        api.repos.create_dispatch_event(**at, event_type="update", client_payload={"id": "a"})
        api.actions.create_workflow_dispatch(**at, workflow_id="snapshot.yml", ref="main", inputs={"full": "true"})
        (workflow,) = parsed(api.actions.list_repo_workflows(**at)).workflows
        api.actions.disable_workflow(**at, workflow_id=workflow.id)
        assert parsed(api.actions.get_workflow(**at, workflow_id="snapshot.yml")).state == "disabled_manually"
        api.actions.enable_workflow(**at, workflow_id=workflow.id)

        for token in (town.stranger, town.workflow, "ghp_unknown"):
            with githubkit.GitHub(token, base_url=town.github.api_url, http_cache=False, auto_retry=False) as other:
                for call in trespasses(other.rest(version), at, here, token[:7], head):
                    with contextlib.suppress(RequestFailed):
                        call()
    assert len(asked) > 35
    return misfits


@pytest.mark.parametrize("version", ["2022-11-28", "2026-03-10"])
def test_githubkit__drives_the_whole_loopback_and_all_of_it_is_as_described(
    town: Town, version: str, figures: Callable[[str], None]
) -> None:
    misfits = drive_githubkit(town, version)
    found = [*misfits, *problems(town.exchanges)]
    say(figures, f"githubkit {version}", town.exchanges, found)
    assert not found, "\n".join(found)
    assert not sorted(all_routes() - routes(town.exchanges))


# The suite


def test_suite__sends_and_gets_only_what_is_described(figures: Callable[[str], None]) -> None:
    """What `make test` recorded in its newest run; without one, the tests that talk to GitHub run once more here."""
    if FOLDER in os.environ:
        pytest.skip("this run is being recorded; `make contract` looks at what it was")
    if not list(RECORDED.glob("*.jsonl")):
        RECORDED.mkdir(parents=True, exist_ok=True)
        arguments = ["-m", "pytest", "-q", "-p", "tests.support.exchanges", "-p", "no:cacheprovider", "-n", "2"]
        subprocess.run(
            [sys.executable, *arguments, "-m", "not npm and not prove and not container", "tests/integration"],
            cwd=ROOT,
            env={**os.environ, FOLDER: str(RECORDED)},
            capture_output=True,
            timeout=600,
            check=False,  # whether they pass is for `make test` to say
        )
    exchanges = read(RECORDED)
    found = problems(exchanges)
    say(figures, "kinds that the suite produces", exchanges, found)
    assert not found, "\n".join(found)
    assert len(exchanges) >= 5


# The check itself


ISSUE = {"method": "GET", "path": "/repos/acme/store/issues/1", "query": "", "body": "", "status": 404}
ERROR = {"media": "application/json", "content": '{"message": "Not Found", "documentation_url": "x", "status": "404"}'}


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({}, ""),
        ({"path": "/repos/acme/store/nonsense", "status": 200, "content": "{}"}, "no such operation"),
        ({"status": 200, "content": "{}"}, "'number' is a required property"),
        ({"status": 418}, "status 418 is not described"),
        ({"content": '{"message": 7}'}, "7 is not of type 'string'"),
        ({"path": "/repos/acme/store/issues/x", "status": 304, "content": ""}, "'x' is not of type 'integer'"),
        ({"query": "colour=red", "status": 304, "content": ""}, "query colour is not described"),
        ({"method": "POST", "path": "/repos/a/b/issues", "body": "{}", "status": 410}, ""),
        ({"method": "POST", "path": "/repos/a/b/issues", "body": '{"body": 1}', "status": 304, "content": ""}, "title"),
        ({"method": "PUT", "path": "/repos/a/b/issues/1/lock", "status": 204}, "is not described"),
    ],
)
def test_check__finds_what_is_wrong(change: dict[str, Any], finding: str) -> None:
    exchange = Exchange(**{**ISSUE, **ERROR, **change})
    for described in descriptions().values():
        found = described.problems(exchange)
        assert any(finding in problem for problem in found) if finding else not found, (found, json.dumps(change))
