"""The mode `process` without a number: the sweep, and what the configuration and the process around it say."""

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
from gh_store_action.domain.objects import Marker, short_digest, title
from gh_store_action.domain.records import Rules
from tests.double import GitHub, Request
from tests.support.runner import ROOT
from tests.support.scene import OWNER, WRITER, Run, Scene, look_over

# The sweep


def test_schedule__an_empty_issue_number_brings_everything_up_to_date(scene: Scene) -> None:
    first, second, third = scene.make("a"), scene.make("b"), scene.make("c")
    scene.post(first, '{"count": 1}')
    scene.post(third, '{"count": 3}')
    run = scene.run("process", issue_number="", event_name="schedule")
    assert run.exit_code == 0
    assert run.operations == ["Sweep", "Read", "GET", "Write"]
    assert [scene.data(number) for number in (first, second, third)] == [{"count": 1}, {"count": 0}, {"count": 3}]
    assert (run.outputs["changed"], run.outputs["processed"]) == ("true", "2")
    assert run.outputs["changed-ids"] == '["a","c"]'
    assert "object-id" not in run.outputs
    assert "**2 objects had pending updates: 2 applied, 0 refused, 0 still pending.**" in run.summary


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
    assert "**0 objects had pending updates: 0 applied, 0 refused, 0 still pending.**" in run.summary
    assert "No object has pending updates. Nothing to do." in run.log


def settled_title(object_id: str, data: object) -> str:
    """The title of an object at revision 1 without comments."""
    return title(object_id, Marker(1, 0, 0, short_digest(data)), Rules())


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
    """A write has ten objects."""
    numbers = [scene.make(f"o{number}") for number in range(12)]
    for number in numbers:
        scene.post(number, '{"count": 1}', by="github-actions[bot]")
    github.faults.secondary_limit(
        match=lambda request: request.operation == "Write", nth=2, times=None, retry_after=600
    )
    run = scene.run("process")
    assert run.exit_code == 1
    assert "rate limit" in run.error
    assert [scene.data(number) for number in numbers] == [{"count": 1}] * 10 + [{"count": 0}] * 2
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
    assert "The input `format` has no effect in `process` mode." in run.result.notices


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
    run = scene.run("process", config="local.yml", workspace=workspace)
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
    issues = [scene.make(f"o{number}") for number in range(12)]
    for issue in issues:
        scene.post(issue, '{"count": 1}', by="github-actions[bot]")

    def cancel(request: Request) -> None:
        if request.operation == "Write":
            github.before_request.clear()
            os.kill(os.getpid(), number)

    github.before_request.append(cancel)
    run = scene.run("process")
    assert run.exit_code == 1
    assert "The run was canceled. It stopped between two requests." in run.error
    assert [scene.data(issue) for issue in issues] == [{"count": 1}] * 10 + [{"count": 0}] * 2
    assert scene.run("process").outputs["processed"] == "2"
    assert [scene.data(issue) for issue in issues] == [{"count": 1}] * 12


def test_cancelled__before_a_permission_is_asked_nobody_is_taken_for_unknown(scene: Scene, github: GitHub) -> None:
    number = scene.make()
    scene.post(number, '{"count": 1}')

    def cancel(request: Request) -> None:
        github.before_request.clear()
        os.kill(os.getpid(), signal.SIGTERM)

    github.before_request.append(cancel)
    run = scene.run("process", issue_number=number)
    assert (run.exit_code, run.operations) == (1, ["Read"])
    assert "The run was canceled" in run.error


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
    assert "The run was canceled. It stopped between two requests. Nothing is lost" in run.error
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


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("reason", [None, "resolved", "too heated"])
def test_a_locked_issue__is_unlocked_written_and_locked_again(scene: Scene, named: bool, reason: str | None) -> None:
    """Bots lock closed issues.  The younger object is processed, too."""
    scene.github.options.lock_is_named = named
    first, second = (scene.make(name, {"n": 0}) for name in ("first", "second"))
    for number in (first, second):
        scene.post(number, '{"n": 1}')
        scene.repository.edit_issue(number, WRITER, state="open")
    scene.repository.lock(first, OWNER, reason)
    run = scene.run("process")
    assert run.exit_code == 0, run.log
    issue = scene.repository.issue(first)
    assert (json.loads(issue.body), issue.locked, issue.state) == ({"n": 1}, True, "closed")
    assert any(content == "+1" for _, content in issue.comments[-1].reactions)
    assert json.loads(scene.repository.issue(second).body) == {"n": 1}
