"""Mode `process`, from the runner's environment to outputs, summary, annotations, exit code and requests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from gh_store_action.action.main import main
from gh_store_action.action.modes import ALARM_COMMENTS, WARN_COMMENTS
from gh_store_action.domain.objects import Marker, short_digest, title
from tests.double import GitHub, Request
from tests.support.runner import ROOT
from tests.support.scene import OWNER, STRANGER, WRITER, Run, Scene, look_over

# One object, by its number


def test_process__one_pending_update_costs_two_requests_and_one_to_ask_who_wrote_it(scene: Scene) -> None:
    number = scene.make("metrics", {"count": 0})
    comment = scene.post(number, '{"count": 1}')
    run = scene.run("process", issue_number=number)
    assert run.exit_code == 0
    assert run.operations == ["Read", "GET", "Write"]
    assert scene.data(number) == {"count": 1}
    assert scene.receipts(comment) == ("+1",)
    issue = scene.issue(number)
    assert issue.state == "closed"
    assert run.outputs == {
        "changed": "true",
        "processed": "1",
        "rejected": "0",
        "pending": "0",
        "object-id": "metrics",
        "issue-number": str(number),
        "revision": "2",
        "digest": run.outputs["digest"],
        "object": '{"count":1}',
        "requests": "3",
        "rate-remaining": run.outputs["rate-remaining"],
    }
    assert f"[r2 c{comment} n2 {run.outputs['digest'][:8]}]" in issue.title
    assert int(run.outputs["rate-remaining"]) < 1000


def test_process__an_update_by_the_store_itself_costs_two_requests(scene: Scene) -> None:
    number = scene.make()
    scene.post(number, '{"count": 1}', by="github-actions[bot]")
    assert scene.run("process", issue_number=number).operations == ["Read", "Write"]


def test_process__fifty_pending_updates_cost_two_requests(scene: Scene) -> None:
    number = scene.make()
    comments = [scene.post(number, json.dumps({f"k{n}": n}), by="github-actions[bot]") for n in range(50)]
    run = scene.run("process", issue_number=number)
    assert (run.operations, run.outputs["processed"]) == (["Read", "Write"], "50")
    assert scene.data(number) == {"count": 0, **{f"k{n}": n for n in range(50)}}
    assert {scene.receipts(comment) for comment in comments} == {("+1",)}


def test_process__nothing_pending_costs_one_request_and_writes_nothing(scene: Scene) -> None:
    number = scene.make()
    before = scene.issue(number)
    run = scene.run("process", issue_number=number)
    assert (run.exit_code, run.operations, run.outputs["changed"]) == (0, ["Read"], "false")
    assert scene.issue(number) == before


def test_process__an_object_that_was_reopened_for_nothing_is_closed_again(scene: Scene) -> None:
    number = scene.make()
    scene.repository.edit_issue(number, WRITER, state="open")
    run = scene.run("process", issue_number=number)
    assert (run.exit_code, run.operations, run.outputs["changed"]) == (0, ["Read", "Write"], "false")
    assert scene.issue(number).state == "closed"


def test_process__an_object_by_its_writer_gets_its_first_revision(scene: Scene) -> None:
    number = scene.open("fresh", {"a": 1})
    run = scene.run("process", issue_number=number)
    assert (run.exit_code, run.outputs["revision"], run.outputs["object"]) == (0, "1", '{"a":1}')
    first = scene.issue(number).comments[0]
    assert json.loads(first.body)["_data"] == {"a": 1}
    assert json.loads(first.body)["type"] == "initial_state"


def test_process__a_hand_edit_is_taken_over_and_said(scene: Scene) -> None:
    number = scene.make("metrics", {"count": 0})
    scene.repository.edit_issue(number, WRITER, body='{"count": 7}')
    run = scene.run("process", issue_number=number)
    assert (run.exit_code, run.outputs["object"], run.outputs["revision"]) == (0, '{"count":7}', "2")
    assert run.result.notices == [f"metrics: The edit of the body by {WRITER} was applied."]
    assert "brought up to date" in run.summary


@pytest.mark.parametrize(("comments", "kind"), [(1_990, ""), (WARN_COMMENTS, "warning"), (ALARM_COMMENTS, "error")])
def test_process__an_issue_that_fills_up_is_told_in_time(scene: Scene, comments: int, kind: str) -> None:
    number = scene.make()
    for _ in range(comments):
        scene.post(number, "chat", by=STRANGER)
    run = scene.run("process", issue_number=number)
    assert run.exit_code == 0
    assert [c.name for c in run.result.commands if "gh-store roll-over metrics" in c.data] == ([kind] if kind else [])


# Refusals


def test_process__refusals_are_told_in_the_summary_an_annotation_and_one_reply(scene: Scene) -> None:
    number = scene.make("metrics", {"count": 0})
    good, bad, strange = (
        scene.post(number, '{"count": 1}'),
        scene.post(number, '{"count": 2'),
        scene.post(number, '{"count": 3}', by=STRANGER),
    )
    run = scene.run("process", issue_number=number)
    assert run.exit_code == 0
    assert [scene.receipts(comment) for comment in (good, bad, strange)] == [("+1",), ("-1",), ("confused",)]
    assert (run.outputs["processed"], run.outputs["rejected"], run.outputs["pending"]) == ("3", "2", "0")
    (warning,) = run.result.warnings
    assert warning.startswith(f"metrics: the update {bad} by {WRITER} was refused.")
    (reply,) = scene.replies(number)
    assert f"@{WRITER}" in reply and STRANGER not in reply
    assert scene.data(number) == {"count": 1}


def test_process__the_summary_reads_like_this(scene: Scene) -> None:
    number = scene.make("metrics", {"count": 0})
    scene.post(number, '{"count": 1}')
    bad = scene.post(number, "[1, 2]")
    strange = scene.post(number, '{"count": 3}', by=STRANGER)
    run = scene.run("process", issue_number=number)
    url = f"{scene.github.server_url}/octo/store/issues/{number}"
    rows = [line for line in run.summary.splitlines() if line.startswith("|")]
    assert run.summary.startswith(
        f"## gh-store: process #&#8203;{number}\n\n**1 applied, 2 refused, 0 still pending.**\n"
    )
    assert rows[:3] == [
        "| Object | Issue | Revision | Applied | Refused | What |",
        "| --- | --- | --: | --: | --: | --- |",
        f"| `metrics` | [#{number}]({url}) | 2 | 1 | 2 | 1 applied, 1 rejected, 1 not authorised |",
    ]
    assert rows[3:5] == ["| Object | Comment | Author | Path | Reason |", "| --- | --- | --- | --- | --- |"]
    assert rows[5].startswith(f"| `metrics` | [{bad}]({url}#issuecomment-{bad}) | `{WRITER}` | `$` | ")
    assert rows[6] == (
        f"| `metrics` | [{strange}]({url}#issuecomment-{strange}) | `{STRANGER}` |  | "
        "This person may not write this object. |"
    )
    assert run.summary.endswith(
        f"<sub>4 requests to GitHub · {run.outputs['rate-remaining']} left of the hour's budget</sub>\n"
    )


def test_fail_on_rejected__the_step_fails_and_everything_is_done_all_the_same(scene: Scene) -> None:
    number = scene.make()
    good, bad = scene.post(number, '{"count": 1}'), scene.post(number, '{"oops"')
    run = scene.run("process", issue_number=number, fail_on_rejected=True)
    assert run.exit_code == 1
    assert "`fail-on-rejected` is true" in run.error
    assert (scene.receipts(good), scene.receipts(bad), scene.data(number)) == (("+1",), ("-1",), {"count": 1})
    assert scene.run("process", issue_number=number, fail_on_rejected=True).exit_code == 0


def test_fail_on_rejected__a_stranger_can_not_make_the_step_fail(scene: Scene) -> None:
    number = scene.make()
    scene.post(number, '{"count": 1}', by=STRANGER)
    assert scene.run("process", issue_number=number, fail_on_rejected=True).exit_code == 0


def test_dry_run__says_what_would_be_done_and_writes_nothing(scene: Scene) -> None:
    number = scene.make()
    good = scene.post(number, '{"count": 1}')
    bad = scene.post(number, '{"oops"')
    before = scene.issue(number)
    run = scene.run("process", issue_number=number, dry_run=True)
    assert scene.issue(number) == before
    assert scene.receipts(good) == scene.receipts(bad) == ()
    assert not any(request.writes for request in run.requests)
    assert run.exit_code == 0
    assert "**Dry run, nothing was written: 1 applied, 1 refused, 0 still pending.**" in run.summary
    assert (run.outputs["changed"], run.outputs["processed"], run.outputs["object"]) == ("true", "2", '{"count":1}')


def test_comments__text_that_looks_like_workflow_commands_starts_none(scene: Scene) -> None:
    number = scene.make()
    scene.post(number, json.dumps({"_data": {"a": 1}, "_meta": {"update_mode": "::error::gotcha"}}))
    scene.post(number, '{"a": \n::error::gotcha')
    run = scene.run("process", issue_number=number)
    assert run.exit_code == 0
    assert {command.name for command in run.result.commands} <= {"add-mask", "warning"}
    assert len(run.result.warnings) == 2


# Events


def test_event_comment_created__is_the_object_that_the_comment_is_on(scene: Scene) -> None:
    scene.make("other")
    number = scene.make("metrics")
    scene.post(number, '{"count": 5}')
    event = scene.last_event("issue_comment", "created")
    assert event.starts_run
    run = scene.run("process", event=event)
    assert (run.outputs["object-id"], run.outputs["object"]) == ("metrics", '{"count":5}')


def test_event_issue_reopened__is_that_object(scene: Scene) -> None:
    number = scene.make()
    scene.post(number, '{"count": 5}')
    scene.repository.edit_issue(number, WRITER, state="open")
    event = scene.last_event("issues", "reopened")
    run = scene.run("process", event=event)
    assert (run.exit_code, run.outputs["object"]) == (0, '{"count":5}')
    assert scene.issue(number).state == "closed"


def test_event_comment_created__a_replica_that_lags_is_asked_again(scene: Scene) -> None:
    number = scene.make()
    comment = scene.post(number, '{"count": 5}')
    scene.repository.hide_comment_from_reads(comment, 1)
    run = scene.run("process", event=scene.last_event("issue_comment", "created"))
    assert (run.exit_code, run.outputs["object"]) == (0, '{"count":5}')
    assert scene.waits == [1.0]


def test_event_comment_created__a_comment_that_was_deleted_meanwhile_is_not_waited_for_for_ever(scene: Scene) -> None:
    number = scene.make()
    comment = scene.post(number, '{"count": 5}')
    event = scene.last_event("issue_comment", "created")
    scene.repository.delete_comment(comment, WRITER)
    run = scene.run("process", event=event)
    assert (run.exit_code, run.outputs["object"], run.outputs["processed"]) == (0, '{"count":0}', "0")
    assert scene.waits == [1.0, 2.0, 4.0]


def test_event_pull_request__a_comment_on_one_is_a_notice_and_costs_nothing(scene: Scene) -> None:
    number = scene.repository.open_issue(WRITER, "A change", pull=True)
    scene.post(number, '{"count": 5}')
    run = scene.run("process", event=scene.last_event("issue_comment", "created"))
    assert (run.exit_code, len(run.requests)) == (0, 0)
    assert "is a pull request" in run.result.notices[0]


def test_event_of_an_issue_that_is_no_object__is_a_notice_and_success(scene: Scene) -> None:
    number = scene.repository.open_issue(STRANGER, "It is broken", "Please fix it")
    scene.post(number, '{"count": 5}')
    run = scene.run("process", event=scene.last_event("issue_comment", "created"))
    assert (run.exit_code, run.operations, run.result.errors) == (0, ["Read"], [])
    assert f"Issue #{number} is left alone: it does not carry the label 'stored-object'." in run.result.notices
    assert scene.receipts(scene.issue(number).comments[0].id) == ()


def test_event_of_a_deleted_object__is_a_notice_and_its_update_stays_pending(scene: Scene) -> None:
    number = scene.make()
    scene.repository.edit_issue(number, OWNER, labels=["UID:metrics", "archived"])
    comment = scene.post(number, '{"count": 5}')
    run = scene.run("process", event=scene.last_event("issue_comment", "created"))
    assert (run.exit_code, run.result.errors, scene.receipts(comment)) == (0, [], ())
    assert len(run.result.notices) == 1
    scene.repository.edit_issue(number, OWNER, labels=["UID:metrics", "stored-object", "archived"])
    assert "the object is deleted" in scene.run("process", issue_number=number).result.notices[0]
    scene.repository.edit_issue(number, OWNER, labels=["UID:metrics", "stored-object"])
    assert scene.run("process", issue_number=number).outputs["object"] == '{"count":5}'


def test_event_of_another_repository__is_not_taken_for_an_issue_of_the_store(scene: Scene) -> None:
    number = scene.make()
    scene.post(number, '{"count": 1}')
    event = scene.last_event("issue_comment", "created")
    run = scene.run("process", event=event, repository="octo/site", inputs={"repository": "octo/store"})
    assert run.exit_code == 0
    assert run.operations == ["Sweep", "Read", "GET", "Write"]


def test_stranger__an_issue_of_theirs_with_the_labels_is_no_object(scene: Scene) -> None:
    number = scene.open("mine", {"a": 1}, by=STRANGER)
    before = scene.issue(number)
    run = scene.run("process", issue_number=number)
    assert run.exit_code == 0
    assert "opened by somebody who may not write here" in run.result.notices[0]
    assert scene.issue(number) == before


# The sweep


def test_schedule__an_empty_issue_number_brings_everything_up_to_date(scene: Scene) -> None:
    first, second, third = scene.make("a"), scene.make("b"), scene.make("c")
    scene.post(first, '{"count": 1}')
    scene.post(third, '{"count": 3}')
    run = scene.run("process", issue_number="", event_name="schedule")
    assert run.exit_code == 0
    assert run.operations == ["Sweep", "Read", "GET", "Write", "Read", "Write"]
    assert [scene.data(number) for number in (first, second, third)] == [{"count": 1}, {"count": 0}, {"count": 3}]
    assert (run.outputs["changed"], run.outputs["processed"]) == ("true", "2")
    assert "object-id" not in run.outputs
    assert "**2 objects had something pending: 2 applied, 0 refused, 0 still pending.**" in run.summary


def test_sweep__nothing_pending_costs_a_request_for_each_hundred_objects(scene: Scene, github: GitHub) -> None:
    made = [scene.open(f"object-{number}", {"n": number}, by="github-actions[bot]") for number in range(3)]
    assert scene.run("process").exit_code == 0
    # The same titles, bodies and closed state for the rest, as a processed object has them.
    for number in range(3, 201):
        body = json.dumps({"n": number}, indent=2)
        title = settled_title(f"object-{number}", {"n": number})
        opened = scene.repository.open_issue(
            "github-actions[bot]", "Stored Object", body, ["stored-object", f"UID:object-{number}"], state="closed"
        )
        scene.repository.edit_issue(opened, "github-actions[bot]", title=title)
    github.requests.clear()
    run = scene.run("process")
    assert (run.exit_code, run.operations) == (0, ["Sweep", "Sweep", "Sweep"])
    assert len(made) == 3
    assert run.outputs["changed"] == "false"
    assert "**0 objects had something pending: 0 applied, 0 refused, 0 still pending.**" in run.summary
    assert "No object has something pending; nothing to do." in run.log


def settled_title(object_id: str, data: object) -> str:
    """The title of an object at revision 1 without comments."""
    return title(object_id, Marker(1, 0, 0, short_digest(data)))


def test_sweep__one_broken_object_fails_the_step_and_stops_no_other(scene: Scene) -> None:
    broken = scene.open("broken", body="no JSON at all")
    other = scene.open("other", {"a": 1})
    run = scene.run("process")
    assert run.exit_code == 1
    assert f"Issue #{broken} has the store's labels, but its body cannot be an object" in run.error
    assert "revision" not in scene.issue(broken).title
    assert "[r1 " in scene.issue(other).title
    assert scene.issue(broken).body == "no JSON at all"


def test_sweep__finds_what_the_workflows_own_token_posted(scene: Scene, github: GitHub) -> None:
    number = scene.make()
    scene.post(number, '{"count": 9}', by="github-actions[bot]")
    assert not scene.last_event("issue_comment", "created").starts_run
    assert scene.run("process").outputs["processed"] == "1"
    assert scene.data(number) == {"count": 9}


def test_sweep__ends_where_the_budget_ends(scene: Scene, github: GitHub) -> None:
    numbers = [scene.make(name) for name in "abc"]
    for number in numbers:
        scene.post(number, '{"count": 1}', by="github-actions[bot]")
    github.faults.secondary_limit(
        match=lambda request: request.operation == "Write", nth=2, times=None, retry_after=600
    )
    run = scene.run("process")
    assert run.exit_code == 1
    assert "rate limit" in run.error
    assert [scene.data(number) for number in numbers] == [{"count": 1}, {"count": 0}, {"count": 0}]
    github.faults.clear()
    assert scene.run("process").outputs["processed"] == "2"


def test_sweep__without_the_permission_ends_with_the_yaml_in_the_summary(scene: Scene) -> None:
    numbers = [scene.make(name) for name in "ab"]
    for number in numbers:
        scene.post(number, '{"count": 1}', by="github-actions[bot]")
    run = scene.run("process", token=scene.repository.workflow_token(issues="read", contents="read"))
    assert run.exit_code == 1
    assert run.error.startswith("a: The token may not write issues of octo/store")
    assert "```yaml\npermissions:\n  issues: write\n```" in run.summary
    assert [scene.data(number) for number in numbers] == [{"count": 0}] * 2


# Settings that come along


def test_input_without_effect__is_a_notice(scene: Scene) -> None:
    run = scene.run("process", issue_number=scene.make(), format="jsonl")
    assert run.exit_code == 0
    assert "The input `format` has no effect in the mode process." in run.result.notices


def test_rules__of_the_repository_hold_and_cost_no_request_of_their_own(scene: Scene) -> None:
    scene.configure(
        'store: {reactions: {processed: heart}, schemas: [{match: "m*", schema: m.json}]}',
        m='{"properties": {"count": {"type": "integer"}}}',
    )
    number = scene.make()
    good, bad = scene.post(number, '{"count": 1}'), scene.post(number, '{"count": "x"}')
    run = scene.run("process", issue_number=number)
    assert run.operations == ["Read", "GET", "Write"]
    assert (scene.receipts(good), scene.receipts(bad)) == (("heart",), ("-1",))
    assert "count" in scene.replies(number)[0]


def test_local_configuration__its_rate_limit_counts(scene: Scene, tmp_path: Path) -> None:
    number = scene.make()
    scene.github.clock.now = int(time.time())
    workspace = tmp_path / "work"
    workspace.mkdir()
    (workspace / "local.yml").write_text("store: {rate_limit: {max_requests_per_hour: 1}}")
    scene.post(number, '{"count": 1}')
    run = scene.run("process", issue_number=number, config="local.yml", workspace=workspace)
    assert run.exit_code == 1
    assert "This hour's budget of 1 request (rate_limit.max_requests_per_hour) is used up." in run.error
    assert scene.data(number) == {"count": 0}


# As a process of its own


def test_process_of_its_own__behaves_the_same(scene: Scene) -> None:
    number = scene.make()
    scene.post(number, '{"count": 1}')
    run = scene.run("process", process=True, event=scene.last_event("issue_comment", "created"))
    assert (run.exit_code, run.outputs["object"], run.operations) == (0, '{"count":1}', ["Read", "GET", "Write"])
    assert "metrics: 1 applied" in run.log


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_cancelled__in_the_middle_of_a_sweep_what_is_done_stays_and_what_is_not_is_pending(
    scene: Scene, github: GitHub, number: signal.Signals
) -> None:
    issues = [scene.make(name) for name in "ab"]
    for issue in issues:
        scene.post(issue, '{"count": 1}', by="github-actions[bot]")

    def cancel(request: Request) -> None:
        if request.operation == "Write":
            github.before_request.clear()
            os.kill(os.getpid(), number)

    github.before_request.append(cancel)
    run = scene.run("process")
    assert run.exit_code == 1
    assert "The run was cancelled; it stopped between two requests." in run.error
    assert [scene.data(issue) for issue in issues] == [{"count": 1}, {"count": 0}]
    assert scene.run("process").outputs["processed"] == "1"
    assert [scene.data(issue) for issue in issues] == [{"count": 1}, {"count": 1}]


def test_cancelled__before_a_permission_is_asked_nobody_is_taken_for_unknown(scene: Scene, github: GitHub) -> None:
    number = scene.make()
    scene.post(number, '{"count": 1}')

    def cancel(request: Request) -> None:
        github.before_request.clear()
        os.kill(os.getpid(), signal.SIGTERM)

    github.before_request.append(cancel)
    run = scene.run("process", issue_number=number)
    assert (run.exit_code, run.operations) == (1, ["Read"])
    assert "The run was cancelled" in run.error


def test_main__in_a_thread_leaves_the_programs_signal_handlers_alone(scene: Scene) -> None:
    before = signal.getsignal(signal.SIGTERM)
    job = scene.job("process", issue_number=scene.make())
    codes: list[int] = []
    environment = job.prepare()
    thread = threading.Thread(target=lambda: codes.append(main(environment)))
    thread.start()
    thread.join()
    assert (codes, signal.getsignal(signal.SIGTERM)) == ([0], before)


def test_cancelled__a_process_stops_between_two_requests_fails_and_loses_nothing(scene: Scene, github: GitHub) -> None:
    issue = scene.make()
    comment = scene.post(issue, '{"count": 1}', by="github-actions[bot]")
    job = scene.job("process", issue_number=issue)
    start = "import runpy, sys; sys.path.append(sys.argv.pop()); runpy.run_path(sys.argv.pop(), run_name='__main__')"
    started: list[subprocess.Popen[bytes]] = []

    def cancel(request: object) -> None:
        github.before_request.clear()
        started[0].send_signal(signal.SIGTERM)

    environment = {**job.prepare(), "PATH": "/usr/bin:/bin"}
    before = len(github.requests)
    github.latency = 0.3  # so that the signal is there before the answer is
    github.before_request.append(cancel)
    with subprocess.Popen(
        [sys.executable, "-I", "-B", "-c", start, str(ROOT / "entrypoint.py"), str(ROOT)],
        cwd=job.checkout,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        started.append(process)
        log, _ = process.communicate(timeout=30)
    github.latency = 0.0
    run = Run(job.result(process.returncode, log.decode()), tuple(github.requests[before:]))
    look_over(run, job)
    assert run.exit_code == 1, run.log
    assert "The run was cancelled; it stopped between two requests. Nothing is lost" in run.error
    assert run.operations == ["Read"]
    assert scene.receipts(comment) == ()
    assert scene.run("process", issue_number=issue).outputs["object"] == '{"count":1}'


@pytest.mark.parametrize(("level", "shown"), [("DEBUG", True), ("INFO", True), ("WARNING", False), ("ERROR", False)])
def test_log__the_stores_level_says_which_lines_a_run_logs(scene: Scene, level: str, shown: bool) -> None:
    scene.configure(f"store: {{log: {{level: {level}}}}}")
    number = scene.make()
    scene.post(number, '{"count": 1}', by="github-actions[bot]")

    run = scene.run("process", issue_number=number)

    assert ("metrics: 1 applied" in run.log) is shown
    assert run.outputs["processed"] == "1"


def test_log__errors_are_told_at_every_level(scene: Scene) -> None:
    scene.configure("store: {log: {level: ERROR}}")

    assert "has no issue #99" in scene.run("process", issue_number=99).error
