"""The template pages.yml with the reusable workflow that it calls: from an update to the deployed page, in one run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.double import GitHub, Repository
from tests.support.runner import RunnerError
from tests.support.workflow import Actions, Run, templates

pytestmark = pytest.mark.slow

SWEEP = "47 * * * *"
SNAPSHOT = "store-snapshot.json"


@pytest.fixture
def repository(github: GitHub) -> Repository:
    made = github.add_repository("octo/store", files={"README.md": "# A store\n"})
    made.grant("ada", "write")
    github.add_user("eve")
    return made


@pytest.fixture
def actions(github: GitHub, repository: Repository, tmp_path: Path) -> Actions:
    return Actions(github, repository, tmp_path, templates(page=True))


def open_object(repository: Repository, object_id: str) -> int:
    return repository.open_issue("octo", object_id, '{"count": 0}', ["stored-object", f"UID:{object_id}"])


def outcomes(runs: list[Run]) -> list[tuple[str, str]]:
    return [(run.job, run.outcome) for run in runs]


def objects(actions: Actions) -> dict[str, object]:
    """The data of each object on the deployed page."""
    found = json.loads(actions.page[SNAPSHOT])["objects"]
    return {object_id: one["data"] for object_id, one in found.items()}


def test_update__is_folded_in_the_snapshot_and_on_the_page_in_one_run(actions: Actions, repository: Repository) -> None:
    number = open_object(repository, "metrics")
    repository.comment(number, "ada", '{"count": 1}')
    runs = actions.react()
    assert outcomes(runs) == [("process", "success"), ("snapshot", "success"), ("deploy", "success")]
    assert objects(actions) == {"metrics": {"count": 1}}
    assert {"index.html", "app.js", "config.json"} <= actions.page.keys()
    assert runs[1].outputs["changed-ids"] == '["metrics"]'
    committed = repository.file(f"_site/{SNAPSHOT}", "gh-store-data") or b""
    assert json.loads(committed)["objects"].keys() == {"metrics"}
    assert actions.react() == []  # nothing that the runs did starts another one


def test_flood__is_one_snapshot_and_one_deployment(actions: Actions, repository: Repository) -> None:
    numbers = [open_object(repository, f"object-{place}") for place in range(4)]
    actions.tick(SWEEP)
    actions.react()
    for place, number in enumerate(numbers):
        repository.comment(number, "ada", json.dumps({"count": place}))
    runs = actions.react()
    by_job = {job: [run.outcome for run in runs if run.job == job] for job in ("process", "snapshot", "deploy")}
    assert by_job["process"] == ["success"] * 4
    # One runs, one waits for it, and those between would have read what the last one reads.
    assert by_job["snapshot"] == ["success", "cancelled", "cancelled", "success"]
    assert by_job["deploy"][-1] in ("success", "skipped")
    assert objects(actions) == {f"object-{place}": {"count": place} for place in range(4)}


def test_sweep__deploys_what_no_event_announced_and_nothing_where_nothing_changed(
    actions: Actions, repository: Repository
) -> None:
    open_object(repository, "metrics")
    actions.tick(SWEEP)
    assert outcomes(actions.react()) == [("process", "success"), ("snapshot", "success"), ("deploy", "success")]
    before = actions.page
    actions.tick(SWEEP)
    runs = actions.react()
    assert outcomes(runs) == [("process", "success"), ("snapshot", "success"), ("deploy", "skipped")]
    assert actions.page is before
    assert [result.outputs["requests"] for run in runs for result in run.results] == ["1", "1", "1"]


def test_talk_and_refusals__deploy_nothing(actions: Actions, repository: Repository) -> None:
    number = open_object(repository, "metrics")
    actions.tick(SWEEP)
    actions.react()
    for who, text in (("ada", "Nice."), ("eve", '{"count": 9}'), ("ada", '{"count": }')):
        repository.comment(number, who, text)
        assert outcomes(actions.react()) == [("process", "success"), ("snapshot", "skipped"), ("deploy", "skipped")]
    assert objects(actions) == {"metrics": {"count": 0}}
    other = repository.open_issue("eve", "A question", "?", [])
    repository.comment(other, "eve", "Hello?")
    assert {outcome for _, outcome in outcomes(actions.react())} == {"skipped"}


def test_caller__that_gives_too_little_starts_no_run(github: GitHub, repository: Repository, tmp_path: Path) -> None:
    for line in ("      contents: write", "      pages: write", "      id-token: write"):
        texts = {name: text.replace(line, "      actions: read") for name, text in templates(page=True).items()}
        with pytest.raises(RunnerError, match="the called workflow wants"):
            Actions(github, repository, tmp_path, texts)
