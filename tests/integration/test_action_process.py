"""The mode `process` on one issue: its outputs, summary and cost, refusals, and which events it heeds."""

from __future__ import annotations

import json

import pytest

from gh_store_action.action import modes
from gh_store_action.action.modes import MANY_STRANGERS, WARN_OF_CONVERSATION
from tests.support.scene import OWNER, STRANGER, WRITER, Scene

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
        "changed-ids": '["metrics"]',
        "processed": "1",
        "rejected": "0",
        "pending": "0",
        "object-id": "metrics",
        "issue-number": str(number),
        "revision": "2",
        "digest": run.outputs["digest"],
        "object": '{"count":1}',
        "requests": "3",
        "points": "2",
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
    assert json.loads(first.body)["data"] == {"a": 1}
    assert json.loads(first.body)["type"] == "initial_state"


def test_process__a_hand_edit_is_taken_over_and_said(scene: Scene) -> None:
    number = scene.make("metrics", {"count": 0})
    scene.repository.edit_issue(number, WRITER, body='{"count": 7}')
    run = scene.run("process", issue_number=number)
    assert (run.exit_code, run.outputs["object"], run.outputs["revision"]) == (0, '{"count":7}', "2")
    assert run.result.notices == [f"metrics: The edit of the body by {WRITER} was applied."]
    assert "brought up to date" in run.summary


@pytest.mark.parametrize(("comments", "kind"), [(190, ""), (200, "warning"), (240, "error")])
def test_process__an_issue_that_fills_up_is_told_in_time(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, comments: int, kind: str
) -> None:
    assert modes.WARN_COMMENTS < modes.ALARM_COMMENTS < 2_500  # which GitHub takes
    monkeypatch.setattr(modes, "WARN_COMMENTS", 200)
    monkeypatch.setattr(modes, "ALARM_COMMENTS", 240)
    number = scene.make()
    for _ in range(comments):
        scene.post(number, "chat", by=STRANGER)
    run = scene.run("process", issue_number=number)
    assert run.exit_code == 0
    assert [c.name for c in run.result.commands if "gh-store roll-over metrics" in c.data] == ([kind] if kind else [])


@pytest.mark.parametrize("many", [MANY_STRANGERS - 1, MANY_STRANGERS])
def test_process__many_updates_of_strangers_are_told_early_with_the_lock_that_stops_them(
    scene: Scene, many: int
) -> None:
    number = scene.make("metrics", {"count": 0})
    for _ in range(many):
        scene.post(number, '{"count": 1}', by=STRANGER)
    run = scene.run("process", issue_number=number)
    told = [text for text in run.result.warnings if f"lock the conversation of issue #{number}" in text]
    assert (run.exit_code, len(told)) == (0, int(many == MANY_STRANGERS))
    assert all("limit interactions" in text for text in told)


@pytest.mark.parametrize(
    ("comments", "update", "told"),
    [
        (WARN_OF_CONVERSATION - 2, "chat", False),
        (WARN_OF_CONVERSATION, "chat", True),
        (WARN_OF_CONVERSATION, '{"count": 1}', False),
    ],
)
def test_process__much_conversation_is_told_long_before_the_issue_is_full(
    scene: Scene, comments: int, update: str, told: bool
) -> None:
    number = scene.make("metrics", {"count": 0})
    for _ in range(comments - 60):
        scene.post(number, "chat", by=STRANGER)
    for _ in range(60):
        scene.post(number, update)
    run = scene.run("process", issue_number=number)
    warned = [text for text in run.result.warnings if "most of the newest are conversation" in text]
    assert (run.exit_code, len(warned)) == (0, int(told))
    assert all(f"lock the conversation of issue #{number}" in text for text in warned)


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
    good = scene.post(number, '{"count": 1}')
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
    assert rows[3:6] == [
        "| Object | Comment | Author | Path | Before | After |",
        "| --- | --- | --- | --- | --- | --- |",
        f"| `metrics` | [{good}]({url}#issuecomment-{good}) | `{WRITER}` | `$.count` | `0` | `1` |",
    ]
    assert rows[6:8] == ["| Object | Comment | Author | Path | Reason |", "| --- | --- | --- | --- | --- |"]
    assert rows[8].startswith(f"| `metrics` | [{bad}]({url}#issuecomment-{bad}) | `{WRITER}` | `$` | ")
    assert rows[9] == (
        f"| `metrics` | [{strange}]({url}#issuecomment-{strange}) | `{STRANGER}` |  | "
        "This person may not change this object. |"
    )
    assert rows[10:] == [
        "| Requests | GraphQL points | Left of the hourly budget |",
        "| --: | --: | --: |",
        f"| 4 | 2 | {int(run.outputs['rate-remaining']):,} |",
    ]


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
    assert f"Skipped issue #{number}: it does not carry the label 'stored-object'." in run.result.notices
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
    assert "opened by eve, who may not write here" in run.result.notices[0]
    assert scene.issue(number) == before
