"""The templates as users have them, run on the events that GitHub would send: from opening to closing to the commit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gh_store_action import GitHubStore
from gh_store_action.errors import InvalidUpdate
from tests.double import BOT, GitHub, Repository
from tests.support.runner import RunnerError, run_container, run_process
from tests.support.workflow import Actions, Run, Start, read, templates

PROCESS, SNAPSHOT, SWEEP = "process-updates.yml", "snapshot.yml", "sweep.yml"
FILE = "data/store-snapshot.json"


@pytest.fixture
def repository(github: GitHub) -> Repository:
    made = github.add_repository(
        "octo/store", files={f".github/workflows/{name}": text for name, text in templates().items()}
    )
    made.grant("ada", "write")
    github.add_user("eve")
    return made


@pytest.fixture(
    params=[
        pytest.param("process", marks=pytest.mark.slow),
        pytest.param("container", marks=pytest.mark.container),
    ]
)
def start(request: pytest.FixtureRequest) -> Start:
    """The action as a process, and as the container that users run."""
    if request.param == "process":
        return run_process
    engine, image = request.getfixturevalue("engine"), request.getfixturevalue("image")
    return lambda job: run_container(job, engine, image)


@pytest.fixture
def actions(github: GitHub, repository: Repository, tmp_path: Path) -> Actions:
    return Actions(github, repository, tmp_path, templates())


def open_object(repository: Repository, object_id: str = "metrics", by: str = "octo") -> int:
    return repository.open_issue(by, object_id, '{"count": 0}', ["stored-object", f"UID:{object_id}"])


def outcomes(runs: list[Run]) -> list[tuple[str, str]]:
    return [(run.workflow, run.outcome) for run in runs]


def stored(repository: Repository, number: int) -> object:
    return json.loads(repository.issue(number).body)


# Opening to closing, and the commit


def test_store__from_an_opened_issue_to_the_committed_snapshot(
    github: GitHub, repository: Repository, tmp_path: Path, start: Start
) -> None:
    actions = Actions(github, repository, tmp_path, templates(), start)
    number = open_object(repository)
    assert actions.react() == []  # nothing listens to opening: the sweep finds it
    actions.tick("47 * * * *")
    (run,) = actions.react()
    assert outcomes([run]) == [(SWEEP, "success")], run.results[0].shown
    assert repository.issue(number).state == "closed"

    update = repository.comment(number, "ada", '{"count": 5}')
    repository.edit_issue(number, "ada", state="open")
    runs = actions.react()
    assert outcomes(runs) == [(PROCESS, "success"), (PROCESS, "success")], runs[0].results[0].shown
    assert [run.event.name for run in runs] == ["issue_comment", "issues"]
    assert [run.results[0].outputs["processed"] for run in runs] == ["1", "0"]
    issue = repository.issue(number)
    assert (issue.state, json.loads(issue.body)) == ("closed", {"count": 5})
    (comment,) = [one for one in issue.comments if one.id == update]
    assert (BOT, "+1") in comment.reactions
    assert actions.react() == []  # what the action itself did starts nothing

    before = repository.head()
    actions.tick("23 3 * * *")
    (run,) = actions.react()
    assert outcomes([run]) == [(SNAPSHOT, "success")], run.results[0].shown
    assert repository.head() == run.results[0].outputs["commit-sha"] != before
    assert json.loads(repository.file(FILE) or b"")["objects"]["metrics"]["data"] == {"count": 5}
    assert repository.git("diff", "--name-only", f"{before}..main").split() == [FILE]
    assert actions.react() == []  # nor does its push

    actions.tick("23 3 * * *")
    (run,) = actions.react()
    assert (run.outcome, run.results[0].outputs["changed"], run.results[0].outputs["commit-sha"]) == (
        "success",
        "false",
        "",
    )


# What starts it


def test_comment__is_folded_without_reopening(repository: Repository, actions: Actions) -> None:
    number = open_object(repository)
    repository.comment(number, "ada", '{"count": 1}')
    (run,) = actions.react()
    assert run.outcome == "success", run.results[0].shown
    assert run.permissions == {"contents": "read", "issues": "write"}
    assert stored(repository, number) == {"count": 1}


def test_edited_comment__starts_it_again(repository: Repository, actions: Actions) -> None:
    number = open_object(repository)
    comment = repository.comment(number, "ada", "just words")
    assert outcomes(actions.react()) == [(PROCESS, "success")]
    repository.edit_comment(comment, "ada", '{"count": 2}')
    assert outcomes(actions.react()) == [(PROCESS, "success")]


def test_edited_issue__is_processed_at_once_and_nothing_by_the_store_starts_a_run(
    github: GitHub, repository: Repository, actions: Actions
) -> None:
    """A hand edit, and what somebody who may not write any more does to the issue that they opened."""
    repository.grant("carol", "write")
    number = open_object(repository, by="carol")
    repository.edit_issue(number, "ada", body='{"count": 1}')
    assert outcomes(actions.react()) == [(PROCESS, "success")]
    assert stored(repository, number) == {"count": 1}
    repository.grant("carol", "read")
    title = repository.issue(number).title
    for change in ({"title": "mine"}, {"body": '{"count": 666}'}, {"title": "mine", "body": '{"count": 666}'}):
        repository.edit_issue(number, "carol", **change)
        (run,) = actions.react()
        assert (run.outcome, stored(repository, number)) == ("success", {"count": 1})
        assert repository.issue(number).title.partition(" [")[0] == title.partition(" [")[0]
    before = len(list(github.requests))
    repository.edit_issue(number, "ada", body=repository.issue(number).body.replace("\n", ""))
    repository.edit_issue(number, "ada", body=repository.issue(number).body + "\n")
    runs = actions.react()
    assert outcomes(runs)[-1] == (PROCESS, "success")
    assert len(list(github.requests)) - before <= len(runs) + 1


def test_strangers_comment__starts_it_and_changes_nothing(repository: Repository, actions: Actions) -> None:
    number = open_object(repository)
    actions.tick("47 * * * *")
    actions.react()
    repository.comment(number, "eve", '{"count": 666}')
    (run,) = actions.react()
    assert run.outcome == "success"
    assert run.results[0].outputs["rejected"] == "1"
    assert stored(repository, number) == {"count": 0}


# What must not start it


@pytest.mark.parametrize(
    ("labels", "pull", "by", "body"),
    [
        pytest.param(["bug"], False, "ada", '{"count": 1}', id="an issue without the label"),
        pytest.param([], False, "ada", '{"count": 1}', id="an issue without labels"),
        pytest.param(["stored-object"], True, "ada", '{"count": 1}', id="a pull request"),
    ],
)
def test_comment__that_is_no_update_is_skipped_before_a_machine_is_taken(
    repository: Repository, actions: Actions, labels: list[str], pull: bool, by: str, body: str
) -> None:
    number = repository.open_issue("octo", "x", "{}", labels, pull=pull)
    repository.comment(number, by, body)
    assert outcomes(actions.react()) == [(PROCESS, "skipped")]


def test_bot__starts_nothing_whatever_it_writes(repository: Repository, actions: Actions) -> None:
    number = open_object(repository)
    repository.comment(number, BOT, '{"count": 1}')
    repository.edit_issue(number, BOT, state="closed")
    repository.edit_issue(number, BOT, state="open")
    assert actions.react() == []


@pytest.mark.parametrize("act", ["opened", "closed", "labelled", "comment deleted"])
def test_other_events__are_not_listened_to(repository: Repository, actions: Actions, act: str) -> None:
    number = open_object(repository)
    comment = repository.comment(number, BOT, "hello")
    if act == "closed":
        repository.edit_issue(number, "ada", state="closed")
    elif act == "labelled":
        repository.edit_issue(number, "ada", labels=["stored-object", "UID:metrics", "more"])
    elif act == "comment deleted":
        repository.delete_comment(comment, "ada")
    assert actions.react() == []


# What people do with the command or the library, in their own name


def by_hand(github: GitHub, repository: Repository, login: str = "ada") -> GitHubStore:
    return GitHubStore(token=github.token(login), repo=repository.full_name, api_url=github.api_url)


def of_the_bot(github: GitHub, repository: Repository, *object_ids: str) -> None:
    token = repository.workflow_token(issues="write", contents="read")
    with GitHubStore(token=token, repo=repository.full_name, api_url=github.api_url) as store:
        for object_id in object_ids:
            store.create(object_id, {"count": 0, "tags": []})


LARGE = {f"key-{place}": "x" * 10 for place in range(2_400)}  # on one line: indented it does not fit a comment


@pytest.mark.parametrize("data", [{"count": 0}, [1, 2], {}, LARGE], ids=["object", "array", "empty", "large"])
def test_create__by_a_person_starts_no_run(
    github: GitHub, repository: Repository, actions: Actions, data: object
) -> None:
    with by_hand(github, repository) as store:
        number = store.create("metrics", data).meta.issue_number
    assert [run for run in actions.react() if run.outcome != "skipped"] == []
    (state,) = repository.issue(number).comments
    assert ("\n" in state.body) is (data is not LARGE)


def test_update__by_a_person_starts_one_run(github: GitHub, repository: Repository, actions: Actions) -> None:
    of_the_bot(github, repository, "metrics")
    with by_hand(github, repository) as store:
        for count in (1, 2):
            number = store.update("metrics", {"count": count}).meta.issue_number
            assert repository.issue(number).state == "open"
            (run,) = [run for run in actions.react() if run.outcome != "skipped"]
            assert (run.outcome, run.results[0].outputs["processed"]) == ("success", "1")
            assert stored(repository, number) == {"count": count, "tags": []}


def adopts(store: GitHubStore) -> None:
    """What the bot, or a person by hand, wrote last is taken over: a state is entered into the log."""
    store.update("metrics", {"count": 1}, apply=True)


def refuses(store: GitHubStore) -> None:
    with pytest.raises(InvalidUpdate):
        store.update("metrics", [{"op": "remove", "path": "/none"}], mode="json-patch", apply=True)


def replaces(store: GitHubStore) -> None:
    store.upsert("metrics", {"count": 5})


@pytest.mark.parametrize("act", [adopts, refuses, replaces], ids=lambda act: act.__name__)
@pytest.mark.parametrize("edited", [False, True], ids=["as it was", "edited by hand"])
def test_apply__by_a_person_starts_at_most_one_run(
    github: GitHub, repository: Repository, actions: Actions, act: Callable[[GitHubStore], None], edited: bool
) -> None:
    of_the_bot(github, repository, "metrics")
    if edited:
        repository.edit_issue(1, "ada", body='{"count": 3, "tags": ["by hand"]}')
    with by_hand(github, repository) as store:
        act(store)
    runs = [run for run in actions.react() if run.outcome != "skipped"]
    assert len(runs) <= 1
    assert [run for run in actions.react() if run.outcome != "skipped"] == []  # nor does that run start another


def test_roll_over_and_repair__by_a_person_start_no_run(
    github: GitHub, repository: Repository, actions: Actions
) -> None:
    of_the_bot(github, repository, "metrics")
    repository.edit_issue(1, "ada", body='{"count": 3}')
    actions.react()
    with by_hand(github, repository) as store:
        store.verify(repair=True)
        store.roll_over("metrics")
    assert [run for run in actions.react() if run.outcome != "skipped"] == []


# Crowds


def test_many_comments_at_once__none_is_lost_and_no_run_is_cancelled(repository: Repository, actions: Actions) -> None:
    number = open_object(repository)
    for count in range(5):
        repository.comment(number, "ada", json.dumps({f"key{count}": count}))
    runs = actions.react()
    assert outcomes(runs) == [(PROCESS, "success")] * 5
    assert stored(repository, number) == {"count": 0, **{f"key{count}": count for count in range(5)}}


def test_many_comments_at_once__none_is_lost_where_the_server_knows_no_queue(
    github: GitHub, repository: Repository, tmp_path: Path
) -> None:
    """Runs in the middle are cancelled there; the last one folds what they would have."""
    text = templates()[PROCESS]
    assert "      queue: max\n" in text
    actions = Actions(github, repository, tmp_path, {PROCESS: text.replace("      queue: max\n", "")})
    number = open_object(repository)
    for count in range(5):
        repository.comment(number, "ada", json.dumps({f"key{count}": count}))
    runs = actions.react()
    assert [run.outcome for run in runs] == ["success", "cancelled", "cancelled", "cancelled", "success"]
    assert stored(repository, number) == {"count": 0, **{f"key{count}": count for count in range(5)}}


def test_dropped_event__takes_no_place_in_the_queue(github: GitHub, repository: Repository, tmp_path: Path) -> None:
    """Concurrency stands on the job: a run that the filter drops does not cancel one that waits."""
    text = templates()[PROCESS].replace("      queue: max\n", "")
    actions = Actions(github, repository, tmp_path, {PROCESS: text})
    number = open_object(repository)
    for body in ('{"a": 1}', '{"b": 1}', "<!-- gh-store refused 1 -->", "<!-- gh-store refused 2 -->"):
        repository.comment(number, "ada", body)
    assert [run.outcome for run in actions.react()] == ["success", "success", "skipped", "skipped"]


# Dispatches


@pytest.mark.parametrize(("inputs", "mode"), [({}, "update-snapshot"), ({"full": "true"}, "snapshot")])
def test_snapshot__on_demand_reads_all_anew_where_asked(
    github: GitHub, repository: Repository, actions: Actions, inputs: dict[str, str], mode: str
) -> None:
    open_object(repository)
    dispatch(github, repository, SNAPSHOT, inputs)
    (run,) = actions.react()
    assert outcomes([run]) == [(SNAPSHOT, "success")], run.results[0].shown
    assert repository.file(FILE)
    assert run.results[0].summary.lower().find(mode) >= 0


@pytest.mark.parametrize(("cron", "mode"), [("23 3 * * *", "update-snapshot"), ("47 4 * * 0", "snapshot")])
def test_snapshot__by_the_clock_reads_all_anew_once_a_week(
    repository: Repository, actions: Actions, cron: str, mode: str
) -> None:
    open_object(repository)
    actions.tick(cron)
    (run,) = actions.react()
    assert outcomes([run]) == [(SNAPSHOT, "success")], run.results[0].shown
    assert run.results[0].summary.startswith(f"## gh-store: {mode}\n")


def test_sweep__on_demand_folds_what_no_event_announced(
    github: GitHub, repository: Repository, actions: Actions
) -> None:
    first, second = open_object(repository, "a"), open_object(repository, "b")
    assert actions.react() == []
    dispatch(github, repository, SWEEP, {})
    (run,) = actions.react()
    assert outcomes([run]) == [(SWEEP, "success")], run.results[0].shown
    assert [repository.issue(number).state for number in (first, second)] == ["closed", "closed"]


def dispatch(github: GitHub, repository: Repository, workflow: str, inputs: dict[str, str]) -> None:
    """Somebody presses *Run workflow*."""
    payload = {"ref": "refs/heads/main", "inputs": inputs, "workflow": f".github/workflows/{workflow}"}
    github.events.record(
        "workflow_dispatch", None, "ada", repository.full_name, github.clock.now, payload, by_workflow=False
    )


# The small runner


@pytest.mark.parametrize("line", ["    strategy: {}", "    env: {A: b}", "    container: x"])
def test_runner__refuses_what_it_would_have_to_leave_out(line: str) -> None:
    text = templates()[SWEEP].replace("    runs-on: ubuntu-latest", f"    runs-on: ubuntu-latest\n{line}")
    with pytest.raises(RunnerError, match="does not know"):
        read(text)
