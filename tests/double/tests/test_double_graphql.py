"""The loopback GitHub's GraphQL door."""

from collections.abc import Callable, Iterator
from typing import Any

import github as pygithub
import pytest
import requests

from tests.double import BOT, GitHub, Repository

Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def repo(hub: GitHub) -> Repository:
    repository = hub.add_repository("ann/store", files={".github/gh-store.yml": "a: 1\n", "b.bin": b"\0\1"})
    repository.grant("write", "write")
    return repository


@pytest.fixture
def ask(hub: GitHub, repo: Repository) -> Iterator[Ask]:
    session = requests.Session()
    default = repo.workflow_token(issues="write", contents="write")

    def post(query: str, token: str | None = None, **variables: Any) -> dict[str, Any]:
        headers = {"Authorization": f"bearer {token or default}"}
        answer = session.post(hub.graphql_url, json={"query": query, "variables": variables}, headers=headers)
        assert answer.status_code == 200
        return answer.json()

    yield post
    session.close()


def in_store(selection: str) -> str:
    return '{ repository(owner: "ann", name: "store") { ' + selection + " } }"


def test_graphql__pygithub_asks_and_mutates(hub: GitHub, repo: Repository) -> None:
    number = repo.open_issue("ann", "T", "{}")
    token = repo.workflow_token(issues="write")
    client = pygithub.Github(
        auth=pygithub.Auth.Token(token), base_url=hub.api_url, retry=None, seconds_between_writes=0
    )
    query = 'query ($n: Int!) { repository(owner: "ann", name: "store") { issue(number: $n) { id title } } }'
    _, answer = client.requester.graphql_query(query, {"n": number})
    issue = answer["data"]["repository"]["issue"]
    _, answer = client.requester.graphql_query(
        "mutation ($i: UpdateIssueInput!) { updateIssue(input: $i) { issue { title body state } actor { login } } }",
        {"i": {"id": issue["id"], "title": "U", "body": "[]", "state": "CLOSED"}},
    )
    client.close()
    assert answer["data"]["updateIssue"] == {
        "issue": {"title": "U", "body": "[]", "state": "CLOSED"},
        "actor": {"login": "github-actions"},
    }
    assert hub.requests[-1].mutations == ("updateIssue",)


def test_graphql__a_bot_is_named_in_three_ways(hub: GitHub, repo: Repository, ask: Ask) -> None:
    comment = repo.comment(repo.open_issue("ann", "T"), BOT, "c")
    repo.react(comment, BOT, "+1")
    repo.react(comment, "ann", "+1")
    selection = """issue(number: 1) { comments(first: 1) { nodes { author { login __typename } viewerDidAuthor
        reactions(first: 5) { totalCount viewerHasReacted nodes { content user { login } } }
        reactionGroups { content viewerHasReacted reactors(first: 2) { totalCount nodes { __typename
          ... on Bot { login } ... on User { login } } } } } } }"""
    answer = ask("query { viewer { login } " + in_store(selection).removeprefix("{"))
    assert answer["data"]["viewer"]["login"] == BOT
    (found,) = answer["data"]["repository"]["issue"]["comments"]["nodes"]
    assert (found["author"], found["viewerDidAuthor"]) == ({"login": "github-actions", "__typename": "Bot"}, True)
    assert [r["user"]["login"] for r in found["reactions"]["nodes"]] == [BOT, "ann"]
    groups = found["reactionGroups"]
    assert len(groups) == 8
    assert groups[0]["viewerHasReacted"] is True
    assert groups[0]["reactors"]["nodes"][0] == {"__typename": "Bot", "login": "github-actions"}
    hub.options.bot_reaction_user = False
    (found,) = ask(in_store(selection))["data"]["repository"]["issue"]["comments"]["nodes"]
    assert found["reactions"]["nodes"][0]["user"] is None


def test_graphql__comments_page_backwards_and_ids_are_wide(hub: GitHub, repo: Repository, ask: Ask) -> None:
    number = repo.open_issue("ann", "T")
    ids = [repo.comment(number, "ann", str(i)) for i in range(5)]
    page = """issue(number: 1) { databaseId comments(last: 2 %s) { totalCount pageInfo { hasPreviousPage startCursor }
        nodes { databaseId fullDatabaseId } } }"""
    seen: list[str] = []
    before = ""
    while True:
        connection = ask(in_store(page % before))["data"]["repository"]["issue"]["comments"]
        seen = [node["fullDatabaseId"] for node in connection["nodes"]] + seen
        assert connection["totalCount"] == 5
        if not connection["pageInfo"]["hasPreviousPage"]:
            break
        before = f', before: "{connection["pageInfo"]["startCursor"]}"'
    assert seen == [str(one) for one in ids]
    assert connection["nodes"][0]["databaseId"] == ids[0]
    hub.options.big_database_ids = "null"
    assert ask(in_store(page % ""))["data"]["repository"]["issue"]["databaseId"] is None


def test_graphql__aliases_run_in_order_and_fail_one_by_one(repo: Repository, ask: Ask) -> None:
    first = repo.comment(repo.open_issue("ann", "T"), "ann", "c")
    view = repo.issue(1)
    answer = ask(
        """mutation ($issue: ID!, $comment: ID!) {
          a: addComment(input: {subjectId: $issue, body: "x"}) { commentEdge { node { fullDatabaseId } } }
          b: addReaction(input: {subjectId: "IC_gone", content: ROCKET}) { reaction { content } }
          c: addReaction(input: {subjectId: $comment, content: THUMBS_UP, clientMutationId: "k"}) {
            clientMutationId reaction { content user { login } } reactionGroups { content viewerHasReacted }
            subject { ... on IssueComment { issue { comments(last: 5) { nodes { body } } } } } }
          d: closeIssue(input: {issueId: $issue, stateReason: NOT_PLANNED}) { issue { closed stateReason } }
        }""",
        issue=view.node_id,
        comment=view.comments[0].node_id,
    )
    assert answer["data"]["b"] is None
    assert answer["errors"] == [
        {
            "type": "NOT_FOUND",
            "path": ["b"],
            "locations": [{"line": 3, "column": 11}],
            "message": "Could not resolve to a node with the global id of 'IC_gone'",
        }
    ]
    assert answer["data"]["c"]["clientMutationId"] == "k"
    assert [c["body"] for c in answer["data"]["c"]["subject"]["issue"]["comments"]["nodes"]] == ["c", "x"]
    assert answer["data"]["d"] == {"issue": {"closed": True, "stateReason": "NOT_PLANNED"}}
    assert repo.issue(1).comments[0].id == first
    assert repo.issue(1).comments[0].reactions == ((BOT, "+1"),)


def test_graphql__a_bad_page_size_fails_at_its_field_after_the_effect(repo: Repository, ask: Ask) -> None:
    repo.open_issue("ann", "T")
    answer = ask(
        """mutation ($id: ID!) { updateIssue(input: {id: $id, title: "U"}) {
             issue { title comments(first: 101) { totalCount } } } }""",
        id=repo.issue(1).node_id,
    )
    assert answer["errors"][0]["type"] == "EXCESSIVE_PAGINATION"
    assert answer["errors"][0]["path"] == ["updateIssue", "issue", "comments"]
    assert answer["data"]["updateIssue"]["issue"] is None
    assert repo.issue(1).title == "U"
    answer = ask(in_store("issues { totalCount }"))
    assert answer["errors"][0]["type"] == "MISSING_PAGINATION_BOUNDARIES"


def test_graphql__cost_follows_the_documented_formula(ask: Ask) -> None:
    def cost(selection: str) -> tuple[int, int]:
        limit = ask("{ rateLimit { cost nodeCount }" + in_store(selection).removeprefix("{"))["data"]["rateLimit"]
        return limit["cost"], limit["nodeCount"]

    assert cost("issues(first: 100) { nodes { comments(first: 100) { totalCount } } }") == (1, 10_100)
    two = "issues(first: 100) { nodes { comments(first: 100) { totalCount } labels(first: 20) { totalCount } } }"
    assert cost(two) == (2, 12_100)
    three = "issues(first: 100) { nodes { comments(first: 100) { nodes { reactions(first: 100) { totalCount } } } } }"
    answer = ask(in_store(three))
    assert "data" not in answer
    assert answer["errors"][0]["type"] == "MAX_NODE_LIMIT_EXCEEDED"


def test_graphql__label_filters_mean_any_and_since_is_inclusive(repo: Repository, ask: Ask) -> None:
    for name, labels in (("a", ["x"]), ("b", ["y"]), ("c", ["z"])):
        repo.open_issue("ann", name, labels=labels)
    found = ask(
        in_store(
            f"""any: issues(first: 9, labels: ["x", "Y"]) {{ nodes {{ title }} }}
               filtered: issues(first: 9, filterBy: {{labels: ["x", "z"], since: "{repo.issue(3).updated_at}"}}) {{
                 nodes {{ title }} }}
               newest: issues(first: 1, orderBy: {{field: CREATED_AT, direction: DESC}}) {{
                 nodes {{ title }} pageInfo {{ endCursor hasNextPage }} }}
               label(name: "y") {{ name issues(first: 1) {{ totalCount }} }}
               wrong: label(name: "Y") {{ name }}"""
        )
    )["data"]["repository"]
    titles = {key: [n["title"] for n in found[key]["nodes"]] for key in ("any", "filtered", "newest")}
    assert titles == {"any": ["a", "b"], "filtered": ["c"], "newest": ["c"]}
    assert found["label"] == {"name": "y", "issues": {"totalCount": 1}}
    assert found["wrong"] is None
    cursor = found["newest"]["pageInfo"]["endCursor"]
    order = "orderBy: {field: CREATED_AT, direction: DESC}"
    rest = ask(in_store(f'issues(first: 9, after: "{cursor}", {order}) {{ nodes {{ title }} }}'))
    assert [n["title"] for n in rest["data"]["repository"]["issues"]["nodes"]] == ["b", "a"]


def test_graphql__edits_and_renames_leave_their_history(repo: Repository, ask: Ask) -> None:
    number = repo.open_issue("ann", "T", "one")
    repo.edit_issue(number, "write", body="two")
    repo.edit_issue(number, BOT, title="U", state="closed")
    repo.edit_issue(number, BOT, title="U")
    issue = ask(
        in_store(
            """issue(number: 1) { lastEditedAt editor { login } includesCreatedEdit updatedAt
               userContentEdits(first: 5) { totalCount nodes { editor { login } diff } }
               timelineItems(itemTypes: [RENAMED_TITLE_EVENT], last: 1) { totalCount nodes { __typename
                 ... on RenamedTitleEvent { actor { login __typename } previousTitle currentTitle } } }
               all: timelineItems(first: 9) { nodes { __typename } } }"""
        )
    )["data"]["repository"]["issue"]
    assert (issue["editor"]["login"], issue["includesCreatedEdit"]) == ("write", True)
    assert [(e["editor"]["login"], e["diff"]) for e in issue["userContentEdits"]["nodes"]] == [
        ("write", "two"),
        ("ann", "one"),
    ]
    assert issue["timelineItems"] == {
        "totalCount": 1,
        "nodes": [
            {
                "__typename": "RenamedTitleEvent",
                "actor": {"login": "github-actions", "__typename": "Bot"},
                "previousTitle": "T",
                "currentTitle": "U",
            }
        ],
    }
    assert [n["__typename"] for n in issue["all"]["nodes"]] == ["RenamedTitleEvent", "ClosedEvent"]


def test_graphql__files_of_a_private_repository_need_contents_read(hub: GitHub, repo: Repository, ask: Ask) -> None:
    query = in_store(
        """isEmpty defaultBranchRef { name target { oid } } object(expression: "HEAD:.github") { ... on Tree {
           entries { name type object { ... on Blob { text byteSize isBinary isTruncated oid } } } } }
           binary: object(expression: "main:b.bin") { ... on Blob { text isBinary } }
           none: object(expression: "HEAD:nowhere") { oid }"""
    )
    found = ask(query)["data"]["repository"]
    assert found["defaultBranchRef"] == {"name": "main", "target": {"oid": repo.head()}}
    (entry,) = found["object"]["entries"]
    assert (entry["name"], entry["type"], entry["object"]["text"]) == ("gh-store.yml", "blob", "a: 1\n")
    assert found["binary"] == {"text": None, "isBinary": True}
    assert found["none"] is None
    assert ask(query, repo.workflow_token(issues="write"))["data"]["repository"] == found  # everybody reads this one
    hidden = hub.add_repository("ann/hidden", private=True, files={"b.bin": b"\x00"})
    refused = ask(query.replace('"store"', '"hidden"'), hidden.workflow_token(issues="write"))
    assert refused["data"]["repository"]["defaultBranchRef"] is None
    assert refused["data"]["repository"]["isEmpty"] is False
    assert {(e["type"], e["message"]) for e in refused["errors"]} == {
        ("FORBIDDEN", "Resource not accessible by integration")
    }


def test_graphql__commits_check_the_expected_head(repo: Repository, ask: Ask) -> None:
    mutation = """mutation ($head: GitObjectID!, $changes: FileChanges) { createCommitOnBranch(input: {
        branch: {repositoryNameWithOwner: "ann/store", branchName: "main"}, expectedHeadOid: $head,
        message: {headline: "h", body: "b"}, fileChanges: $changes}) {
          commit { oid message author { name } } ref { name target { oid } } } }"""
    head = repo.head()
    changes = {"additions": [{"path": "d/e.txt", "contents": "aGk="}], "deletions": [{"path": "b.bin"}]}
    answer = ask(mutation, head=head, changes=changes)["data"]["createCommitOnBranch"]
    assert answer["commit"]["oid"] == answer["ref"]["target"]["oid"] == repo.head()
    assert (answer["commit"]["message"], answer["commit"]["author"]["name"]) == ("h\n\nb", BOT)
    assert (repo.file("d/e.txt"), repo.file("b.bin")) == (b"hi", None)
    stale = ask(mutation, head=head, changes=changes)
    assert stale["errors"][0]["type"] == "STALE_DATA"
    gone = ask(mutation, head=repo.head(), changes={"deletions": [{"path": "b.bin"}]})
    assert "does not exist" in gone["errors"][0]["message"]
    refused = ask(mutation, repo.workflow_token(contents="read"), head=repo.head(), changes=changes)
    assert refused["errors"][0]["type"] == "FORBIDDEN"


def test_graphql__errors_have_githubs_words(hub: GitHub, repo: Repository, ask: Ask) -> None:
    repo.open_issue("ann", "T")
    assert ask('{ repository(owner: "a", name: "b") { id } }') == {
        "data": {"repository": None},
        "errors": [
            {
                "type": "NOT_FOUND",
                "path": ["repository"],
                "locations": [{"line": 1, "column": 3}],
                "message": "Could not resolve to a Repository with the name 'a/b'.",
            }
        ],
    }
    assert ask(in_store("issue(number: 9) { id }"))["errors"][0]["type"] == "NOT_FOUND"
    unknown = ask(in_store("nonsense"))["errors"][0]
    assert (unknown["extensions"]["code"], unknown["message"]) == (
        "undefinedField",
        "Field 'nonsense' doesn't exist on type 'Repository'",
    )
    close = "mutation ($id: ID!) { closeIssue(input: {issueId: $id}) { issue { id } } }"
    stranger = ask(close, hub.token("stranger"), id=repo.issue(1).node_id)
    assert stranger["errors"][0]["message"] == "stranger does not have the correct permissions to execute `CloseIssue`"
    reader = ask(close, repo.workflow_token(issues="read"), id=repo.issue(1).node_id)
    assert (reader["errors"][0]["type"], reader["errors"][0]["message"]) == (
        "FORBIDDEN",
        "Resource not accessible by integration",
    )
    assert repo.issue(1).state == "open"


def test_graphql__every_other_mutation_does_what_it_says(hub: GitHub, repo: Repository, ask: Ask) -> None:
    repo.comment(repo.open_issue("ann", "T"), "ann", "c")
    ann, issue, head = hub.token("ann"), repo.issue(1), repo.head()
    comment = issue.comments[0].node_id

    def run(call: str) -> dict[str, Any]:
        answer = ask("mutation { it: " + call + " }", ann)
        assert "errors" not in answer, answer
        return answer["data"]["it"]

    made = run(
        f'createLabel(input: {{repositoryId: "{repo.node_id}", name: "x", color: "ABCDEF"}}) {{ label {{ id }} }}'
    )
    label = made["label"]["id"]
    shown = "labelable { ... on Issue { labels(first: 9) { nodes { name } } } }"
    on = f'labelableId: "{issue.node_id}"'
    run(f'updateLabel(input: {{id: "{label}", name: "y"}}) {{ label {{ name }} }}')
    added = run(f'addLabelsToLabelable(input: {{{on}, labelIds: ["{label}"]}}) {{ {shown} }}')
    assert added == {"labelable": {"labels": {"nodes": [{"name": "y"}]}}}
    run(f'removeLabelsFromLabelable(input: {{{on}, labelIds: ["{label}"]}}) {{ {shown} }}')
    run(f'updateIssue(input: {{id: "{issue.node_id}", labelIds: ["{label}"]}}) {{ issue {{ id }} }}')
    run(f"clearLabelsFromLabelable(input: {{{on}}}) {{ {shown} }}")
    run(f'deleteLabel(input: {{id: "{label}"}}) {{ clientMutationId }}')
    assert (repo.labels(), repo.issue(1).labels) == ([], ())
    subject = f'lockableId: "{issue.node_id}"'
    locked = run(f"lockLockable(input: {{{subject}, lockReason: OFF_TOPIC}}) {{ lockedRecord {{ activeLockReason }} }}")
    assert locked == {"lockedRecord": {"activeLockReason": "OFF_TOPIC"}}
    run(f"unlockLockable(input: {{{subject}}}) {{ unlockedRecord {{ locked }} }}")
    run(f'pinIssue(input: {{issueId: "{issue.node_id}"}}) {{ issue {{ isPinned }} }}')
    pins = ask(in_store("pinnedIssues(first: 3) { nodes { issue { number } pinnedBy { login } } }"))
    assert pins["data"]["repository"]["pinnedIssues"]["nodes"] == [
        {"issue": {"number": 1}, "pinnedBy": {"login": "ann"}}
    ]
    run(f'unpinIssue(input: {{issueId: "{issue.node_id}"}}) {{ issue {{ isPinned }} }}')
    minimized = run(
        f'minimizeComment(input: {{subjectId: "{comment}", classifier: OFF_TOPIC}}) '
        "{ minimizedComment { isMinimized minimizedReason } }"
    )
    assert minimized == {"minimizedComment": {"isMinimized": True, "minimizedReason": "off-topic"}}
    run(f'unminimizeComment(input: {{subjectId: "{comment}"}}) {{ unminimizedComment {{ isMinimized }} }}')
    run(f'addReaction(input: {{subjectId: "{issue.node_id}", content: EYES}}) {{ subject {{ id }} }}')
    run(f'removeReaction(input: {{subjectId: "{issue.node_id}", content: EYES}}) {{ reaction {{ content }} }}')
    run(f'updateIssueComment(input: {{id: "{comment}", body: "d"}}) {{ issueComment {{ body editor {{ login }} }} }}')
    run(f'deleteIssueComment(input: {{id: "{comment}"}}) {{ clientMutationId }}')
    run(f'closeIssue(input: {{issueId: "{issue.node_id}", stateReason: DUPLICATE}}) {{ issue {{ stateReason }} }}')
    run(f'reopenIssue(input: {{issueId: "{issue.node_id}"}}) {{ issue {{ stateReason }} }}')
    new = run(f'createIssue(input: {{repositoryId: "{repo.node_id}", title: "N"}}) {{ issue {{ number }} }}')
    assert new == {"issue": {"number": 2}}
    kinds = ask(in_store("issue(number: 1) { timelineItems(first: 50) { nodes { __typename } } }"))
    names = [n["__typename"] for n in kinds["data"]["repository"]["issue"]["timelineItems"]["nodes"]]
    assert {"LabeledEvent", "UnlabeledEvent", "LockedEvent", "UnlockedEvent", "PinnedEvent"} < set(names)
    assert names[-3:] == ["CommentDeletedEvent", "ClosedEvent", "ReopenedEvent"]
    run(f'deleteIssue(input: {{issueId: "{issue.node_id}"}}) {{ repository {{ id }} }}')
    ref = f'repositoryId: "{repo.node_id}", name: "refs/heads/side", oid: "{head}"'
    side = run(f"createRef(input: {{{ref}}}) {{ ref {{ id name prefix }} }}")["ref"]
    assert (side["name"], side["prefix"]) == ("side", "refs/heads/")
    tip = repo.commit_files({"new": "1"})
    run(f'updateRef(input: {{refId: "{side["id"]}", oid: "{tip}"}}) {{ ref {{ target {{ oid }} }} }}')
    assert repo.head("side") == tip
    move = (
        'updateRefs(input: {{repositoryId: "{}", refUpdates: [{{name: "refs/heads/side", {}}}]}}) '
        "{{ clientMutationId }}"
    )
    for update in (f'beforeOid: "{head}", afterOid: "{head}", force: true', f'afterOid: "{head}"'):
        assert ask(f"mutation {{ {move.format(repo.node_id, update)} }}")["errors"]
        assert repo.head("side") == tip
    run(move.format(repo.node_id, f'beforeOid: "{tip}", afterOid: "{head}", force: true'))
    assert repo.head("side") == head
    run(f'deleteRef(input: {{refId: "{side["id"]}"}}) {{ clientMutationId }}')
    assert repo.head("side") is None


def test_graphql__nodes_are_found_by_their_ids(hub: GitHub, repo: Repository, ask: Ask) -> None:
    repo.comment(repo.open_issue("ann", "T"), "ann", "c")
    view = repo.issue(1)
    ids = [view.node_id, view.comments[0].node_id, repo.node_id, "I_nonsense"]
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Issue { title } } }"
    answer = ask(query, ids=ids)
    assert [node and node["__typename"] for node in answer["data"]["nodes"]] == [
        "Issue",
        "IssueComment",
        "Repository",
        None,
    ]
    assert (answer["errors"][0]["type"], answer["errors"][0]["path"]) == ("NOT_FOUND", ["nodes", 3])
    hidden = hub.add_repository("bob/hidden", private=True)
    hidden.open_issue("bob", "T")
    assert ask(query, ids=[hidden.issue(1).node_id])["data"]["nodes"] == [None]


def test_graphql__the_rate_limit_is_an_error_in_a_200(hub: GitHub, repo: Repository, ask: Ask) -> None:
    token = repo.workflow_token(issues="read")
    assert ask("{ rateLimit { limit remaining } }", token)["data"]["rateLimit"] == {"limit": 1000, "remaining": 999}
    hub.set_rate_limit(token, "graphql", remaining=0)
    assert ask("{ viewer { login } }", token)["errors"][0]["type"] == "RATE_LIMIT"
