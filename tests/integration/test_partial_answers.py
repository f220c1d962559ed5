"""Answers that do not show all of an issue: "no answer" is never "no", so nothing is decided on what they lack."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from gh_store_action.errors import GitHubError
from gh_store_action.gateway.issues import GitHub as Gateway
from gh_store_action.gateway.records import pages
from gh_store_action.gateway.transport import Transport
from gh_store_action.snapshots.collecting import Collector
from gh_store_action.store import doctor
from gh_store_action.store.duplicates.merging import Merger
from gh_store_action.store.lookup import Lookup
from gh_store_action.store.moving.migrator import Migrator
from gh_store_action.store.reading import Reader
from gh_store_action.store.session import Session
from gh_store_action.store.verifying import Verifier
from tests.support.cli import Shell
from tests.support.scene import Scene
from tests.support.store import World

pytestmark = pytest.mark.slow

Which = Callable[[str, Any], bool]
NOT_ALL = "GitHub did not show all of "
LATER = "Try again later"


def with_holes(which: Which, kind: str = "") -> Callable[[Any], Any]:
    """Null in the place of what the test says, by key and value; with an error of that kind at its path."""

    def change(answer: Any) -> Any:
        errors: list[Any] = []

        def holed(key: str, value: Any, path: tuple[str | int, ...]) -> Any:
            if value is not None and which(key, value):
                errors.append({"type": kind, "message": "Not for you", "path": list(path)})
                return None
            if isinstance(value, dict):
                return {name: holed(name, inner, (*path, name)) for name, inner in value.items()}
            if isinstance(value, list):
                return [holed(key, inner, (*path, place)) for place, inner in enumerate(value)]
            return value

        data = holed("", answer.get("data"), ())
        return {**answer, "data": data, **({"errors": errors} if kind and errors else {})}

    return change


def item(**has: object) -> Which:
    """An item of a connection with such values."""

    def which(key: str, value: Any) -> bool:
        return key == "nodes" and isinstance(value, dict) and all(value.get(name) == has[name] for name in has)

    return which


def comment(number: int) -> Which:
    return item(fullDatabaseId=str(number))


def issue(title: str) -> Which:
    return lambda key, value: key == "nodes" and isinstance(value, dict) and title in value.get("title", "")


def spoil(
    scene: Scene, which: Which, operations: Collection[str] = (), times: int | None = None, kind: str = ""
) -> Any:
    def asked(request: Any) -> bool:
        return request.operation in operations if operations else bool(request.operation)

    return scene.github.faults.alter(with_holes(which, kind), times=times, match=asked)


def inc(scene: Scene, number: int, amount: int) -> int:
    return scene.post(number, json.dumps({"_data": {"$inc": {"n": amount}}, "_meta": {"update_mode": "operators"}}))


@pytest.fixture
def gateway(scene: Scene) -> Gateway:
    transport = Transport(
        token=scene.token,
        api_url=scene.github.api_url,
        graphql_url=scene.github.graphql_url,
        pause=scene.waits.append,
    )
    return Gateway(transport, scene.full_name)


# One object


@pytest.mark.parametrize("operations", [("Read",), ("Write",), ("Read", "Write")])
@pytest.mark.parametrize("place", [0, 1], ids=["applied", "pending"])
@pytest.mark.parametrize("kind", ["", "FORBIDDEN"])
def test_a_comment_that_an_answer_shows_as_null__is_applied_once(
    scene: Scene, operations: tuple[str, ...], place: int, kind: str
) -> None:
    number = scene.make(data={"n": 0})
    comments = [inc(scene, number, 1)]
    scene.run("process", issue_number=number)
    comments += [inc(scene, number, 10), inc(scene, number, 100)]
    spoil(scene, comment(comments[place]), operations, 2, kind)

    assert scene.run("process", issue_number=number).exit_code == 0
    scene.github.faults.clear()
    assert scene.run("process", issue_number=number).exit_code == 0
    assert scene.data(number) == {"n": 111}
    assert [scene.receipts(each) for each in comments] == [("+1",)] * 3
    assert " r4 " in scene.issue(number).title.replace("[", " ")


@pytest.mark.parametrize("kind", ["", "FORBIDDEN"])
def test_a_receipt_that_an_answer_shows_as_null__is_read_again(scene: Scene, kind: str) -> None:
    number = scene.make(data={"n": 0})
    inc(scene, number, 1)
    scene.run("process", issue_number=number)
    spoil(scene, item(content="THUMBS_UP"), ("Read",), 1, kind)
    run = scene.run("process", issue_number=number)
    assert (run.exit_code, run.operations) == (0, ["Read", "Read"])
    assert scene.data(number) == {"n": 1}


@pytest.mark.parametrize("kind", ["", "FORBIDDEN", "NOT_FOUND"])
def test_a_comment_that_stays_null__leaves_all_pending_and_says_so(scene: Scene, kind: str) -> None:
    number = scene.make(data={"n": 0})
    missing, other = inc(scene, number, 1), inc(scene, number, 10)
    spoil(scene, comment(missing), kind=kind)

    run = scene.run("process", issue_number=number)

    assert run.exit_code == 1
    assert f"{NOT_ALL}`repository.issue.comments` of issue #{number}" in run.error
    assert ("because of 'Not for you'" in run.error) is (kind == "FORBIDDEN")
    assert LATER in run.error
    assert (len(run.requests), run.operations) == (3, ["Read"] * 3)
    assert (scene.data(number), scene.receipts(other)) == ({"n": 0}, ())
    scene.github.faults.clear()
    scene.run("process", issue_number=number)
    assert scene.data(number) == {"n": 11}


@pytest.mark.parametrize("which", ["author", "editor"])
def test_a_comment_without_its_author_because_of_an_error__is_not_refused(scene: Scene, which: str) -> None:
    def hidden(key: str, value: Any) -> bool:
        return key == which and value.get("login") == "ada"

    def post(text: str) -> int:
        update = scene.post(number, "talk" if which == "editor" else text)
        if which == "editor":
            scene.repository.edit_comment(update, "ada", text)
        return update

    number = scene.make(data={"n": 0})
    first = post('{"n": 1}')
    fault = spoil(scene, hidden, times=1, kind="FORBIDDEN")
    assert scene.run("process", issue_number=number).exit_code == 0
    assert (fault.hits, scene.data(number), scene.receipts(first)) == (1, {"n": 1}, ("+1",))

    second = post('{"n": 2}')
    spoil(scene, hidden, kind="FORBIDDEN")
    run = scene.run("process", issue_number=number)
    assert run.exit_code == 1
    assert f"`repository.issue.comments.nodes.{which}` of issue #{number}, because of 'Not for you'" in run.error
    scene.github.faults.clear()
    assert scene.run("process", issue_number=number).exit_code == 0
    assert (scene.data(number), scene.receipts(second)) == ({"n": 2}, ("+1",))


@pytest.mark.parametrize("kind", ["", "FORBIDDEN"])
@pytest.mark.parametrize("label", ["stored-object", "UID:metrics"])
@pytest.mark.parametrize(("mode", "given"), [("process", {"issue_number": 1}), ("get", {"object_id": "metrics"})])
def test_a_label_that_is_null__is_no_missing_label(
    scene: Scene, label: str, kind: str, mode: str, given: dict[str, Any]
) -> None:
    assert scene.make() == 1
    scene.post(1, '{"count": 1}')
    spoil(scene, item(name=label), times=1, kind=kind)
    assert json.loads(scene.run(mode, **given).outputs["object"]) == {"count": int(mode == "process")}
    spoil(scene, item(name=label), kind=kind)
    run = scene.run(mode, **given)
    assert run.exit_code == 1
    assert ".labels" in run.error
    assert LATER in run.error


def test_a_title_that_is_null__is_read_again(scene: Scene) -> None:
    number = scene.make()
    scene.post(number, '{"count": 1}')
    titles: Which = item(previousTitle="Stored Object: metrics")
    spoil(scene, titles, ("Read",), 1)
    run = scene.run("process", issue_number=number)
    assert (run.exit_code, run.operations.count("Read")) == (0, 2)
    spoil(scene, titles, ("Read",))
    assert f"{NOT_ALL}`repository.issue.renames`" in scene.run("process", issue_number=number).error


def test_a_create_without_an_answer__sees_its_issue_behind_one_that_github_does_not_show(scene: Scene) -> None:
    """A page ends before such an issue, so one page is not all of the newest."""
    made: list[int] = []

    def hidden(key: str, value: Any) -> bool:
        return key == "nodes" and isinstance(value, dict) and value.get("number") == made[-1]

    scene.make("first")
    scene.github.faults.drop(match=lambda r: r.method == "POST" and r.path.endswith("/issues"), phase="after")

    def after(request: Any) -> None:
        if request.method == "POST" and request.path.endswith("/issues"):
            number = scene.repository.issues()[-1].number
            scene.repository.hide_issue_from_lists(number, 1)  # the search for the label
            made.append(scene.repository.open_issue("ada", "A question", "?"))

    scene.github.after_request.append(after)
    spoil(scene, hidden, ("Newest",), 1)
    run = scene.run("create", object_id="new", data='{"n": 1}')
    assert run.exit_code == 0, run.log
    assert [each.title.partition(" [")[0] for each in scene.repository.issues()] == [
        "Stored Object: first",
        "Stored Object: new",
        "A question",
    ]
    assert "Newest" in run.operations


@pytest.mark.parametrize("kind", ["", "FORBIDDEN"])
@pytest.mark.parametrize("times", [1, None])
@pytest.mark.parametrize("mode", ["get", "update", "create", "delete"])
def test_a_search_that_gets_null__never_says_that_there_is_no_such_object(
    scene: Scene, mode: str, times: int | None, kind: str
) -> None:
    scene.make()
    spoil(scene, issue(": metrics"), ("Find",), times, kind)
    given = {"data": '{"count": 2}'} if mode in ("update", "create") else {}
    run = scene.run(mode, object_id="metrics", **given)
    assert run.exit_code == int(mode == "create" or times is None)
    assert [each.number for each in scene.repository.issues()] == [1]
    if times is None:
        assert f"{NOT_ALL}`repository.oldest.nodes` for the label 'UID:metrics'" in run.error
        assert LATER in run.error
    elif mode == "create":
        assert "already exists" in run.error


def test_an_issue_that_is_null_without_an_error__is_not_taken_for_one_that_is_not_there(scene: Scene) -> None:
    number = scene.make()
    spoil(scene, lambda key, value: key == "issue", times=1)
    assert scene.run("process", issue_number=number).exit_code == 0
    spoil(scene, lambda key, value: key == "issue")
    run = scene.run("process", issue_number=number)
    assert f"{NOT_ALL}`repository.issue` of issue #{number}" in run.error
    scene.github.faults.clear()
    assert "has no issue #99" in scene.run("process", issue_number=99).error


def test_the_oldest_page_of_a_long_log__lacks_no_comment(scene: Scene, gateway: Gateway) -> None:
    number = scene.make(data={})
    comments = [scene.post(number, f"talk {place}") for place in range(120)]
    for place in (0, 60):  # one for each page; the newest hundred are 20 to 119
        spoil(scene, comment(comments[place]), times=2)
        whole = gateway.extend(gateway.now(number), 0, "someone")
        assert [each.id for each in whole.comments][-120:] == comments
        assert len(whole.comments) == whole.total_comments
        scene.github.faults.clear()

    def more(answer: Any) -> Any:  # a null beside all that there are
        nodes = answer["data"]["repository"]["issue"]["comments"]["nodes"]
        nodes.insert(0, None)
        return answer

    scene.github.faults.alter(more, times=None)
    requests = gateway.requests
    assert len(gateway.extend(gateway.now(number), 0, "someone").comments) == len(whole.comments)
    assert gateway.requests - requests == 2
    scene.github.faults.clear()
    spoil(scene, comment(comments[0]))
    with pytest.raises(GitHubError, match=rf"all of `repository.issue.comments` of issue #{number}, 3 times"):
        gateway.extend(gateway.now(number), 0, "someone")


@pytest.mark.parametrize("which", [item(user={"login": "fan100"}), lambda key, value: key == "node"])
def test_the_reactions_of_a_hot_comment__lack_none(scene: Scene, gateway: Gateway, which: Which) -> None:
    number = scene.make()
    hot = scene.post(number, "talk")
    for place in range(105):
        scene.github.add_user(f"fan{place}")
        scene.repository.react(hot, f"fan{place}", "heart")
    spoil(scene, which, ("Reactions",), 1)
    assert len(gateway.now(number).comments[-1].reactions) == 105
    spoil(scene, which, ("Reactions",))
    with pytest.raises(GitHubError, match=NOT_ALL + "`node"):
        gateway.now(number)


def test_a_create_whose_read_back_lacks_something__is_finished(scene: Scene) -> None:
    spoil(scene, item(name="UID:new"), ("Finish",), 1)
    assert scene.run("create", object_id="new", data='{"n": 1}').exit_code == 0
    assert [each.labels for each in scene.repository.issues()] == [("stored-object", "UID:new")]


# Many at once


@pytest.mark.parametrize("kind", ["", "FORBIDDEN"])
@pytest.mark.parametrize("times", [1, None])
@pytest.mark.parametrize("operation", ["Look", "Read"])
def test_an_issue_that_a_sweep_sees_as_null__is_folded_or_told_and_the_others_are_done(
    scene: Scene, operation: str, times: int | None, kind: str
) -> None:
    numbers = [scene.open("m", {"n": 0}, by="ada"), *(scene.make(f"o{place}", {"n": 0}) for place in range(3))]
    for number in numbers:
        scene.post(number, '{"n": 5}')
    fault = spoil(scene, issue(": m"), (operation,), times, kind)

    run = scene.run("process")

    lost = operation == "Read" and times is None
    assert fault.hits >= 1
    assert run.exit_code == int(lost)
    assert [scene.data(number) for number in numbers] == [{"n": 0 if lost else 5}, *[{"n": 5}] * 3]
    if lost:
        assert f"m: {NOT_ALL}`nodes`" in run.error
        assert f"It is issue #{numbers[0]}." in run.error


def test_issues_that_are_gone__are_told_apart_from_those_that_github_does_not_show(
    scene: Scene, gateway: Gateway
) -> None:
    numbers = [scene.make(f"o{place}") for place in range(5)]
    issues = [gateway.now(number) for number in numbers]
    scene.repository.delete_issue(numbers[0], "octo")
    spoil(scene, issue(": o3"))
    found = gateway.again(issues)
    assert {number: isinstance(one, GitHubError) for number, one in found.items()} == {
        number: number == numbers[3] for number in numbers[1:]
    }
    scene.github.faults.clear()
    spoil(scene, lambda key, value: issue("o")(key, value), times=2)  # both of two
    assert list(gateway.again(issues[1:3])) == numbers[1:3]


@pytest.mark.parametrize("which", [issue(": m "), item(body='{"n": 5}')], ids=["issue", "comment"])
def test_an_issue_that_a_page_of_a_sweep_does_not_show__fails_and_the_others_are_done(
    scene: Scene, shell_of: Callable[[], Shell], which: Which
) -> None:
    numbers = [scene.make(name, {"n": 0}) for name in ("m", "a", "b", "c")]
    updates = [scene.post(number, f'{{"n": {5 + (number != numbers[0])}}}') for number in numbers]
    spoil(scene, which, ("Sweep",))

    run = scene.run("process")

    assert run.exit_code == 1
    assert f"(unknown): {NOT_ALL}`repository.issues." in run.error
    assert LATER in run.error
    assert [scene.receipts(update) for update in updates] == [(), *[("+1",)] * 3]
    assert "| `(unknown)` |  |" in run.summary
    told = shell_of().run("sweep")
    assert told.code == 1
    assert "(unknown)" in told.err
    scene.github.faults.clear()
    assert scene.run("process").exit_code == 0
    assert scene.receipts(updates[0]) == ("+1",)


@pytest.fixture
def shell_of(scene: Scene, tmp_path: Path) -> Callable[[], Shell]:
    return lambda: Shell(scene.github, scene.full_name, tmp_path, scene.github.token("octo"))


@pytest.mark.parametrize("mode", ["snapshot", "update-snapshot"])
@pytest.mark.parametrize("which", [item(name="UID:o5"), item(name="UID:o0"), issue(": o5 ")])
def test_a_snapshot__tells_what_github_did_not_show_and_the_next_one_has_it(
    scene: Scene, tmp_path: Path, mode: str, which: Which
) -> None:
    numbers = [scene.make(f"o{place}", {"n": place}) for place in range(12)]
    scene.github.clock.advance(1000)
    assert scene.run("snapshot", workspace=tmp_path, commit=False).exit_code == 0
    scene.github.clock.advance(1000)
    for number in (numbers[0], numbers[5]):
        scene.post(number, '{"n": 99}')
        assert scene.run("process", issue_number=number).exit_code == 0

    def there() -> dict[str, Any]:
        objects: dict[str, Any] = json.loads((tmp_path / "data/store-snapshot.json").read_text())["objects"]
        return {name: one["data"]["n"] for name, one in objects.items()}

    whole = {**{f"o{place}": place for place in range(12)}, "o0": 99, "o5": 99}
    spoil(scene, which, times=1)
    assert scene.run(mode, workspace=tmp_path, commit=False).exit_code == 0
    assert there() == whole

    spoil(scene, which)
    scene.post(numbers[1], '{"n": 98}')
    assert scene.run("process", issue_number=numbers[1]).exit_code == 0
    scene.github.clock.advance(1000)
    for number in (numbers[0], numbers[5]):
        scene.repository.comment(number, "ada", "talk")
    run = scene.run(mode, workspace=tmp_path, commit=False)
    assert run.exit_code == 0
    assert f"The snapshot lacks what GitHub did not show; the next one reads it again. {NOT_ALL}" in run.log
    lost = set(whole) - set(there())
    assert lost in ({"o5"}, {"o0"})
    assert "No longer in the snapshot, 1 object" in run.log

    scene.github.faults.clear()
    assert scene.run("update-snapshot", workspace=tmp_path, commit=False).exit_code == 0
    assert there() == {**whole, "o1": 98}


def test_lists__leave_out_what_github_does_not_show_and_say_so_and_nothing_is_decided_on_them(
    w: World,
) -> None:
    for place in range(3):
        w.settled(f"o{place}", {"n": place})
    w.hub.faults.alter(with_holes(issue(": o1 ")), match=lambda r: bool(r.operation), times=None)
    told: list[str] = []
    lookup = Lookup(w.session())
    reader = Reader(lookup, warn=told.append)
    assert [one.meta.object_id for one in reader.all()] == ["o0", "o2"]
    assert [one.meta.object_id for one in reader.updated_since("2020-01-01T00:00:00Z")] == ["o0", "o2"]
    assert len([line for line in told if f"Skipped an issue: {NOT_ALL}" in line]) == 2
    migrate, merge = Migrator(lookup, dry_run=True).migrate, Merger(lookup, dry_run=True).merge
    for decided in (migrate, merge, Verifier(lookup).verify):
        with pytest.raises(GitHubError, match=NOT_ALL):
            decided()
    github = w.session().github
    with pytest.raises(GitHubError, match=NOT_ALL):
        list(pages(github.newest(), github.newest))
    (row,) = [check for check in doctor.examine(w.session()) if check.name == "objects"]
    assert (row.level, NOT_ALL in row.found) == (doctor.Level.FAIL, True)


def test_an_issue_with_many_titles_that_github_does_not_show__is_left_out_of_a_page(w: World) -> None:
    number, other = w.settled("long", {}), w.settled("other", {})
    for place in range(70):
        w.repo.comment(number, "alice", f"talk {place}")
    w.hub.faults.alter(with_holes(issue(": long ")), match=lambda r: r.operation == "More", times=None)
    page = w.session().listed(None, lacking=True)
    assert [one.number for one in page.issues] == [other]
    assert [f"It is issue #{number}." in one.what for one in page.unread] == [True]
    with pytest.raises(GitHubError, match=NOT_ALL):
        w.session().listed(None)


def test_an_issue_that_was_deleted_while_a_page_was_made__is_not_missed(w: World) -> None:
    w.settled("a", {})
    w.settled("b", {})
    w.hub.faults.alter(with_holes(issue(": b "), "NOT_FOUND"), match=lambda r: r.operation == "List", times=None)
    page = w.session().listed(None)
    assert len(page.issues) == 1
    rest = w.session().listed(page.cursor)
    assert (rest.issues, rest.unread) == ((), ())


def test_a_page_of_one__is_read_again_by_its_reader(w: World) -> None:
    w.settled("a", {})
    w.hub.faults.alter(with_holes(issue(": a ")), match=lambda r: r.operation == "List")
    session = w.session()
    collector = Collector(Session(session.github), page=1)
    assert [one.object_id for one in collector.full().snapshot.ordered()] == ["a"]
