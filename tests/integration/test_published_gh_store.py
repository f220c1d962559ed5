"""gh-store 0.5 to 0.11, as published, reads what the store writes: the table of compatibility in README.md."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gh_store_action.domain.snapshots.files import SCHEMA, write
from gh_store_action.snapshots.collecting import Collector
from tests.integration.test_store_objects import store_of
from tests.support.gh_store import NEWEST, VERSIONS, ask
from tests.support.store import World, world

LABELLED = ("0.10.4", "0.11.3")  # these ask for the label gh-store as well
DATA = {"count": 0, "tags": ["a"]}


def written(w: World, labels: str) -> None:
    """Created, updated by the library and by a person, folded; and a broken comment that has a reply."""
    if labels:
        w.repo.commit_files({".github/gh-store.yml": f"store: {{extra_labels: [{labels}]}}\n"})
    with store_of(w) as store:
        number = store.create("metrics", DATA).meta.issue_number
        store.update("metrics", {"count": 1}, apply=True)
        w.update(number, {"count": 2})
        w.update(number, '{"count": 3')
        store.process_updates(number)


def read(w: World, version: str, operation: str, argument: str = "") -> object:
    return ask(version, w.hub, w.token(), w.repo.full_name, operation, argument)


@pytest.mark.parametrize("version", VERSIONS)
def test_with_the_label_gh_store_every_version_reads_it(version: str) -> None:
    with world() as w:
        written(w, "gh-store")
        after = {"count": 2, "tags": ["a"]}
        found = read(w, version, "get", "metrics")
        assert found == ("ObjectNotFound" if version == NEWEST else after)  # 0.11 gets open issues only, of its own too
        assert read(w, version, "list") == {"metrics": after}
        initial, first, second = read(w, version, "history", "metrics")  # type: ignore[misc]
        assert initial == ["initial_state", DATA]
        assert second == ["update", {"count": 2}]
        if version == "0.5.1":  # it knows no envelopes: what a command posted is shown with its own
            assert first[1]["_data"] == {"count": 1}
        else:
            assert first == ["update", {"count": 1}]


@pytest.mark.parametrize("version", VERSIONS)
def test_without_that_label_the_versions_up_to_09_read_it(version: str) -> None:
    with world() as w:
        written(w, "")
        found = read(w, version, "get", "metrics")
        assert found == ("ObjectNotFound" if version in LABELLED else {"count": 2, "tags": ["a"]})
        if version in LABELLED:
            assert read(w, version, "list") == "UnboundLocalError"  # it finds nothing, and stumbles over that
        else:
            assert read(w, version, "list") == {"metrics": found}


def test_gh_store_0_11_gets_an_object_while_its_issue_is_open() -> None:
    with world() as w:
        written(w, "gh-store")
        w.repo.edit_issue(1, "alice", state="open")
        assert read(w, NEWEST, "get", "metrics") == {"count": 2, "tags": ["a"]}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_brings_a_snapshot_up_to_date(version: str, tmp_path: Path) -> None:
    with world() as w:
        written(w, "gh-store")
        with store_of(w) as store:
            store.create("other", {"n": 1})
        ((_, parts),) = write(Collector(w.session()).full().snapshot, "json")
        text = "".join(parts)
        file = tmp_path / "snapshot.json"
        file.write_text(text)
        w.hub.clock.advance(60)
        with store_of(w) as store:
            store.update("other", {"n": 2}, apply=True)
        assert read(w, version, "update-snapshot", str(file)) is None
        before, after = json.loads(text), json.loads(file.read_text())
        assert after["objects"].pop("other")["data"] == {"n": 2}
        assert after["objects"] == {"metrics": before["objects"]["metrics"]}
        assert before["$schema"] == after["$schema"] == SCHEMA
