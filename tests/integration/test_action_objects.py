"""The action's modes on single objects, run as the runner runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.double import BOT, Request
from tests.support.scene import WRITER, Run, Scene


def made(scene: Scene, data: str = '{"count": 0}') -> None:
    assert scene.run("create", object_id="metrics", data=data).exit_code == 0


def output(run: object) -> object:
    return json.loads(run.outputs["object"])  # type: ignore[attr-defined]


def test_create__makes_an_object_and_tells_it(scene: Scene) -> None:
    run = scene.run("create", object_id="metrics", data='{"count": 0}')
    assert (run.exit_code, len(run.requests)) == (0, 4)
    assert {
        name: run.outputs[name] for name in ("changed", "changed-ids", "object-id", "issue-number", "revision")
    } == {
        "changed": "true",
        "changed-ids": '["metrics"]',
        "object-id": "metrics",
        "issue-number": "1",
        "revision": "1",
    }
    assert output(run) == {"count": 0}
    assert len(run.outputs["digest"]) == 64
    assert "metrics" in run.summary
    again = scene.run("create", object_id="metrics", data="{}")
    assert again.exit_code == 1
    assert "issue #1" in again.error


def test_create__from_a_file_of_the_workspace(scene: Scene, tmp_path: Path) -> None:
    folder = tmp_path / "w"
    folder.mkdir()
    (folder / "m.json").write_text('{"from": "file"}', encoding="utf-8-sig")
    (folder / "latin.json").write_bytes(b'{"a": "\xe9"}')
    assert output(scene.run("create", object_id="metrics", data_file="m.json", workspace=folder)) == {"from": "file"}
    for name, said in (("nothing.json", "does not exist"), ("latin.json", "not UTF-8")):
        run = scene.run("create", object_id="other", data_file=name, workspace=folder)
        assert (run.exit_code, said in run.error) == (2, True)


def test_create__text_that_is_no_json(scene: Scene) -> None:
    run = scene.run("create", object_id="metrics", data='{"count": 0,}')
    assert run.exit_code == 2
    assert "The input `data` is not valid JSON: line 1" in run.error


def test_dry_run__every_writing_mode(scene: Scene) -> None:
    made(scene)
    before = scene.repository.issues()
    dry = {"dry_run": "true"}
    assert scene.run("create", object_id="other", data="{}", **dry).outputs["changed"] == "true"
    assert output(scene.run("update", object_id="metrics", data='{"count": 1}', **dry)) == {"count": 1}
    posted = scene.run("update", object_id="metrics", data='{"count": 1}', apply="false", **dry)
    assert output(posted) == {"count": 0}
    assert posted.outputs["changed"] == "false"  # as without `dry-run`: a comment is no body
    assert scene.run("update", object_id="metrics", data='{"count": 1}', **dry).outputs["changed"] == "true"
    assert scene.run("delete", object_id="metrics", **dry).outputs["changed"] == "true"
    assert scene.run("restore", object_id="metrics", **dry).outputs["changed"] == "false"
    assert "nothing was written" in scene.run("delete", object_id="metrics", **dry).summary
    assert scene.run("verify", repair="true", **dry).exit_code == 0
    assert scene.repository.issues() == before


def test_get__as_it_is_and_as_it_was(scene: Scene, tmp_path: Path) -> None:
    made(scene)
    scene.run("update", object_id="metrics", data='{"count": 1}')
    run = scene.run("get", object_id="metrics")
    assert (len(run.requests), output(run), run.outputs["revision"]) == (1, {"count": 1}, "2")
    assert run.outputs["pending"] == "0"
    assert output(scene.run("get", object_id="metrics", revision="1")) == {"count": 0}
    time = scene.issue(1).comments[0].created_at
    assert output(scene.run("get", object_id="metrics", at=time)) == {"count": 0}
    folder = tmp_path / "w"
    folder.mkdir()
    scene.run("get", object_id="metrics", output="out/metrics.json", workspace=folder)
    written = json.loads((folder / "out" / "metrics.json").read_text())
    assert (written["data"], written["meta"]["version"]) == ({"count": 1}, 2)
    missing = scene.run("get", object_id="nothing")
    assert (missing.exit_code, "no object 'nothing'" in missing.error) == (1, True)


def test_update__is_folded_in_the_same_run(scene: Scene) -> None:
    made(scene)
    run = scene.run("update", object_id="metrics", data='{"count": 1}')
    assert (run.exit_code, len(run.requests), output(run)) == (0, 3, {"count": 1})  # D43
    assert (run.outputs["changed"], run.outputs["processed"], run.outputs["rejected"]) == ("true", "1", "0")
    assert scene.issue(1).state == "closed"


def test_update__posted_only(scene: Scene) -> None:
    made(scene)
    run = scene.run("update", object_id="metrics", data='{"count": 1}', apply="false")
    assert (len(run.requests), run.outputs["changed"], run.outputs["pending"]) == (2, "false", "1")
    assert output(run) == {"count": 0}
    assert scene.issue(1).state == "open"


@pytest.mark.parametrize("fail", ["true", "false"])
@pytest.mark.parametrize(
    ("data", "mode", "more"),
    [("[1]", "append", {}), ('{"a": 1}', "json-patch", {}), ('{"a": 1}', "append", {"if_revision": "7"})],
)
def test_update__a_refusal_is_no_failure_unless_asked(
    scene: Scene, data: str, mode: str, more: dict[str, str], fail: str
) -> None:
    made(scene)
    run = scene.run("update", object_id="metrics", data=data, update_mode=mode, fail_on_rejected=fail, **more)
    assert run.exit_code == (1 if fail == "true" else 0)
    assert (run.outputs["rejected"], run.outputs["changed"]) == ("1", "false")
    assert "Refused updates" in run.summary
    assert len(scene.issue(1).comments) == 1


def test_update__operators_without_their_mode_are_refused_before_any_request(scene: Scene) -> None:
    made(scene)
    run = scene.run("update", object_id="metrics", data='{"$inc": {"count": 1}}')
    assert (run.exit_code, len(run.requests)) == (1, 0)
    assert "At $.$inc the changes look like more than data to be merged" in run.log
    run = scene.run("update", object_id="metrics", data='{"$inc": {"count": 1}}', update_mode="merge-patch")
    assert output(run) == {"count": 0, "$inc": {"count": 1}}


def test_update__a_refusal_behind_a_pending_one(scene: Scene) -> None:
    made(scene)
    scene.post(1, '{"count": 5}')
    scene.post(1, '{"hacked": 1}', by="eve")
    run = scene.run("update", object_id="metrics", data='{"count": 6}', if_revision="1")
    assert (run.exit_code, run.outputs["processed"], run.outputs["rejected"]) == (0, "3", "2")
    assert output(run) == {"count": 5}
    assert "wants revision 1" in run.summary


def test_update__text_that_can_be_no_update(scene: Scene) -> None:
    made(scene)
    run = scene.run("update", object_id="metrics", data=json.dumps({"a": "x" * 65_001}))
    assert (run.exit_code, "too long" in run.error) == (1, True)


def test_update__what_stays_pending_fails(scene: Scene) -> None:
    made(scene)
    scene.post(1, '{"count": 5}')
    scene.github.faults.status(403, message="no", match=lambda r: "permission" in r.path, times=None)
    run = scene.run("update", object_id="metrics", data='{"count": 6}')
    assert (run.exit_code, run.outputs["pending"]) == (1, "2")
    assert WRITER in run.error


def test_update__a_hand_edit_taken_over_on_the_way_is_told(scene: Scene) -> None:
    made(scene)
    scene.repository.edit_issue(1, WRITER, body='{"count": 70}')
    run = scene.run("update", object_id="metrics", data='{"more": 1}')
    assert output(run) == {"count": 70, "more": 1}
    assert f"The edit of the body by {WRITER}" in run.log


def test_delete_and_restore(scene: Scene) -> None:
    made(scene)
    stale = scene.run("delete", object_id="metrics", if_revision="2")
    assert (stale.exit_code, "revision 1, not 2" in stale.error) == (1, True)
    run = scene.run("delete", object_id="metrics", if_revision="1", if_digest=scene_digest(scene))
    assert (run.exit_code, len(run.requests), run.outputs["changed"]) == (0, 2, "true")
    assert scene.run("delete", object_id="metrics").outputs["changed"] == "false"
    run = scene.run("restore", object_id="metrics")
    assert (run.exit_code, run.outputs["changed"], run.outputs["issue-number"]) == (0, "true", "1")
    assert scene.run("restore", object_id="metrics").outputs["changed"] == "false"


def scene_digest(scene: Scene) -> str:
    return scene.run("get", object_id="metrics").outputs["digest"]


def test_history__in_the_output_and_in_a_file(scene: Scene, tmp_path: Path) -> None:
    made(scene)
    scene.run("update", object_id="metrics", data='{"count": 1}')
    run = scene.run("history", object_id="metrics")
    entries = output(run)
    assert isinstance(entries, list)
    assert [entry["type"] for entry in entries] == ["initial_state", "update"]
    assert (len(run.requests), run.outputs["revision"]) == (1, "2")
    folder = tmp_path / "w"
    folder.mkdir()
    scene.run("history", object_id="metrics", output="history.json", workspace=folder)
    assert json.loads((folder / "history.json").read_text()) == entries


def test_history__too_large_for_an_output_says_where_to_put_it(scene: Scene) -> None:
    made(scene)
    for place in range(8):
        scene.post(1, json.dumps({"text": f"{place}" * 55_000}))
    scene.run("process", issue_number=1)
    run = scene.run("history", object_id="metrics")
    assert run.exit_code == 0
    assert "object" not in run.outputs
    assert "Use the input `output`" in run.log


def test_verify__fails_on_what_is_left_and_not_on_what_is_repaired(scene: Scene) -> None:
    made(scene)
    scene.run("create", object_id="other", data="{}")
    assert scene.run("verify").exit_code == 0
    late = scene.post(1, '{"count": 5}')
    run = scene.run("verify", object_id="metrics")
    assert run.exit_code == 1
    (problem,) = json.loads(run.outputs["object"])
    assert (problem["kind"], problem["comment_id"]) == ("stranded-update", late)
    assert "stranded-update" in run.summary
    run = scene.run("verify", repair="true")
    assert (run.exit_code, run.outputs["changed"]) == (0, "true")
    assert "repaired" in run.summary
    assert scene.data(1) == {"count": 5}
    assert scene.run("verify", issue_number=1).exit_code == 0


def test_process__an_update_on_an_issue_that_was_rolled_over(scene: Scene) -> None:
    from gh_store_action import GitHubStore

    made(scene)
    with GitHubStore(scene.token, scene.full_name, api_url=scene.github.api_url) as store:
        store.roll_over("metrics")
    scene.post(1, '{"count": 5}')
    run = scene.run("process", issue_number=1)
    assert run.exit_code == 0
    assert run.outputs["rejected"] == "1"
    assert "kept in issue #2" in run.log
    assert scene.receipts(scene.issue(1).comments[-2].id) == ("-1",)


def test_update__that_could_not_be_folded_fails(scene: Scene) -> None:
    made(scene)
    scene.github.faults.status(502, match=lambda r: r.operation == "Write", times=None)
    run = scene.run("update", object_id="metrics", data='{"count": 1}')
    assert (run.exit_code, "is posted (comment " in run.error) == (1, True), run.error
    scene.github.faults.clear()
    scene.run("process", issue_number=1)
    assert scene.data(1) == {"count": 1}


def test_update__that_others_write_over_again_and_again_fails_and_says_that_it_is_posted(scene: Scene) -> None:
    """No refusal: what it lost to is another run, and the update is pending."""
    made(scene)
    stale = scene.issue(1)

    def undo(request: Request) -> None:
        if not request.writes:
            scene.repository.edit_issue(1, BOT, title=stale.title, body=stale.body)

    scene.github.faults.partial({"check": {"message": "Time-out."}}, match=lambda r: r.operation == "Write", times=None)
    scene.github.before_request.append(undo)
    run = scene.run("update", object_id="metrics", data='{"count": 1}')
    assert (run.exit_code, run.outputs.get("rejected")) == (1, None), run.log
    assert "is posted (comment " in run.error
    assert "others wrote at the same time" in run.error
    scene.github.before_request.clear()
    scene.github.faults.clear()
    scene.run("process", issue_number=1)
    assert scene.data(1) == {"count": 1}


INCREMENT: dict[str, Any] = {"object_id": "metrics", "data": '{"$inc": {"count": 1}}', "update_mode": "operators"}


@pytest.mark.parametrize(
    ("operation", "said"), [("PostToFold", "may have been posted"), ("Write", "is posted (comment")], ids=lambda v: v
)
def test_update__a_job_that_is_run_again_posts_no_second_time(scene: Scene, operation: str, said: str) -> None:
    made(scene)
    scene.github.faults.drop(match=lambda r: r.operation == operation, phase="after")
    scene.github.faults.drop(match=lambda r: r.graphql, nth=3, times=None)
    run = scene.run("update", **INCREMENT)
    assert (run.exit_code, said in run.error) == (1, True), run.error
    assert "It is safe to re-run this job" in run.error
    assert "Nothing was lost" not in run.error
    scene.github.faults.clear()
    run = scene.run("update", **INCREMENT, attempt=2)
    assert (run.exit_code, output(run)) == (0, {"count": 1})
    assert "an earlier attempt of this step posted the same update" in run.log
    assert output(scene.run("update", **INCREMENT, attempt=3)) == {"count": 1}
    assert scene.run("update", **INCREMENT, attempt=3, dry_run="true").outputs["changed"] == "false"
    assert scene.run("verify").exit_code == 0


def test_update__what_another_step_run_or_matrix_leg_posts_counts(scene: Scene) -> None:
    made(scene)
    for count, more in enumerate(
        ({}, {}, {"step": "__self_2", "attempt": 2}, {"run_id": 2}, {"run_id": 3, "attempt": 2}), 1
    ):
        assert output(scene.run("update", **INCREMENT, **more)) == {"count": count}
    other = {**INCREMENT, "data": '{"$inc": {"count": 10}}'}
    assert output(scene.run("update", **other, attempt=2)) == {"count": 15}


def test_update__what_was_refused_is_tried_once_more_by_a_job_that_is_run_again(scene: Scene) -> None:
    """A refused update is in no state, so it cannot count twice."""
    number = scene.make("metrics", {"count": 0})
    wanted = [{"op": "test", "path": "/ready", "value": True}, {"op": "add", "path": "/k", "value": 1}]
    patch = {"object_id": "metrics", "update_mode": "json-patch", "data": json.dumps(wanted)}
    scene.post(number, '{"other": 1}')  # pending, so that the refusal comes with the fold
    run = scene.run("update", **patch)
    assert (run.outputs["rejected"], "k" in output(run)) == ("1", False), run.log
    scene.post(number, '{"ready": true}')
    run = scene.run("update", **patch, attempt=2)
    assert (run.outputs["rejected"], output(run)["k"]) == ("0", 1), run.log
    assert output(scene.run("update", **patch, attempt=3))["k"] == 1


def test_update__outside_of_a_workflow_the_key_of_a_failed_one_is_told(scene: Scene) -> None:
    made(scene)
    scene.github.faults.status(502, match=lambda r: r.operation == "Write", times=None)
    run = scene.run("update", **INCREMENT, run_id="")
    assert "If you repeat it with its update_id (`gh-store update ... --update-id " in run.error
    assert "un again" not in run.error


def test_get__of_an_id_that_two_issues_have_warns(scene: Scene) -> None:
    made(scene)
    scene.open("metrics", {"count": 7})
    run = scene.run("get", object_id="metrics")
    assert (run.exit_code, output(run)) == (0, {"count": 0})
    assert "issues #1, #2; the lowest number counts" in run.result.warnings[0]
    assert scene.run("delete", object_id="metrics").exit_code == 1


def row_of(run: Run) -> dict[str, str]:
    """The one row of the summary's table of objects, by its columns."""
    head, _, row, *_ = [line for line in run.summary.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in (head, row)]
    return dict(zip(*cells, strict=True))


def test_summary__of_an_update_says_what_the_outputs_say(scene: Scene) -> None:
    made(scene)
    folded = scene.run("update", **INCREMENT)
    refused = scene.run("update", object_id="metrics", data="[1]")
    scene.post(1, '{"count": 5}')
    late = scene.run("update", object_id="metrics", data='{"count": 6}', if_revision="1")
    for run, applied in ((folded, 1), (refused, 0), (late, 1)):
        counts = int(row_of(run)["Applied"]), int(row_of(run)["Refused"])
        assert counts == (applied, int(run.outputs["rejected"]))
        assert sum(counts) == int(run.outputs["processed"])
    for mode in ("get", "history", "delete", "restore"):
        assert list(row_of(scene.run(mode, object_id="metrics"))) == ["Object", "Issue", "Revision", "What"]
    posted = scene.run("update", **INCREMENT, apply="false")
    assert "Applied" not in posted.summary
