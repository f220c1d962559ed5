"""Issues as importers copy them."""

import pytest
import requests

from tests.double import BOT, CommentView, GitHub, IssueView, Repository


@pytest.fixture
def repo(hub: GitHub) -> Repository:
    repository = hub.add_repository("ann/store")
    repository.open_issue("ann", "another")
    number = repository.open_issue("ann", "T", "{}", labels=["x", "y"])
    for by, body in (("bob", "one"), (BOT, "two"), ("bob", "three")):
        repository.react(repository.comment(number, by, body), BOT, "+1")
    repository.edit_comment(repository.issue(number).comments[0].id, "bob", "uno")
    repository.edit_issue(number, BOT, title="U", body="[]", state="closed")
    return repository


def texts(issue: IssueView) -> list[tuple[str, str, str]]:
    return [(comment.author, comment.body, comment.created_at) for comment in issue.comments]


def ids(issue: IssueView) -> list[tuple[int, str]]:
    return [(comment.id, comment.node_id) for comment in issue.comments]


@pytest.mark.parametrize("receipts", [True, False])
@pytest.mark.parametrize("events", [True, False])
@pytest.mark.parametrize("place", ["another repository", "its own"])
def test_copy__keeps_texts_and_order_under_new_ids(
    hub: GitHub, repo: Repository, receipts: bool, events: bool, place: str
) -> None:
    before = repo.issue(2)
    if place == "its own":
        home = repo
        repo.renumber_comments(2, receipts=receipts, events=events)
    else:
        home = hub.add_repository("ann/moved")
        assert repo.copy_issue(2, home, receipts=receipts, events=events) == 2
        assert repo.issue(2) == before
    after = home.issue(2)
    assert texts(after) == texts(before)
    for seen in ("title", "body", "state", "author", "labels", "created_at"):
        assert getattr(after, seen) == getattr(before, seen)
    assert [comment.id for comment in after.comments] == sorted(comment.id for comment in after.comments)
    assert not {*ids(before)} & {*ids(after)}
    assert after.comments[0].id > before.comments[-1].id
    assert [comment.reactions for comment in after.comments] == [((BOT, "+1"),) if receipts else ()] * 3
    assert after.titles == (("T", "U") if events else ("U",))
    assert (after.editor, after.comments[0].editor, after.comments[0].edited_at) == (None, None, None)
    assert home.open_issue("ann", "next") == 3


def test_copy__in_place_is_what_clients_see(hub: GitHub, repo: Repository) -> None:
    before = repo.issue(2)
    repo.renumber_comments(2)
    headers = {"Authorization": f"token {repo.workflow_token(issues='write')}"}
    url = f"{hub.api_url}/repos/ann/store/issues"
    found = requests.get(f"{url}/2/comments", headers=headers, timeout=5).json()
    assert [(c["id"], c["node_id"]) for c in found] == ids(repo.issue(2))
    gone: CommentView = before.comments[0]
    assert requests.get(f"{url}/comments/{gone.id}", headers=headers, timeout=5).status_code == 404
    reactions = requests.get(f"{url}/comments/{found[0]['id']}/reactions", headers=headers, timeout=5).json()
    assert [(r["user"]["login"], r["content"]) for r in reactions] == [(BOT, "+1")]
    repo.delete_comment(found[0]["id"], "ann")
    assert len(repo.issue(2).comments) == 2


def test_copy__by_a_tool_is_all_the_tools(hub: GitHub, repo: Repository) -> None:
    other = hub.add_repository("ann/moved")
    for _ in range(3):
        other.open_issue("ann", "taken")
    number = repo.copy_issue(2, other, by="mover[bot]")
    issue = other.issue(number)
    assert number == 4
    assert {issue.author, *(comment.author for comment in issue.comments)} == {"mover[bot]"}
    assert {login for comment in issue.comments for login, _ in comment.reactions} == {"mover[bot]"}
    assert issue.comments[0].created_at > repo.issue(2).updated_at
