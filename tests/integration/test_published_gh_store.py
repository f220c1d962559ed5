"""gh-store 0.5 to 0.11, as published, reads what the store writes: the table of compatibility in README.md."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gh_store_action.domain.snapshots.contents import whole
from gh_store_action.domain.snapshots.files import SCHEMA, write
from gh_store_action.snapshots.collecting import Collector
from tests.integration.test_store_objects import store_of
from tests.support.gh_store import NEWEST, OTHERS, VERSIONS, ask
from tests.support.store import World, world

pytestmark = pytest.mark.slow

EVERY = [*VERSIONS, *(pytest.param(version, marks=pytest.mark.prove) for version in OTHERS)]
LABELLED = ("0.10.", "0.11.")  # these ask for the label gh-store as well
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


@pytest.mark.parametrize("version", EVERY)
def test_with_the_label_gh_store_every_version_reads_it(version: str) -> None:
    with world() as w:
        written(w, "gh-store")
        after = {"count": 2, "tags": ["a"]}
        found = read(w, version, "get", "metrics")
        assert found == ("ObjectNotFound" if version.startswith("0.11.") else after)
        assert read(w, version, "list") == {"metrics": after}
        initial, first, second = read(w, version, "history", "metrics")  # type: ignore[misc]
        assert initial == ["initial_state", DATA]
        assert second == ["update", {"count": 2}]
        if version.startswith("0.5."):  # it knows no envelopes: what a command posted is shown with its own
            assert first[1]["_data"] == {"count": 1}
        else:
            assert first == ["update", {"count": 1}]


@pytest.mark.parametrize("version", EVERY)
def test_without_that_label_the_versions_up_to_09_read_it(version: str) -> None:
    with world() as w:
        written(w, "")
        found = read(w, version, "get", "metrics")
        assert found == ("ObjectNotFound" if version.startswith(LABELLED) else {"count": 2, "tags": ["a"]})
        if version.startswith(LABELLED):
            assert read(w, version, "list") in ("UnboundLocalError", {})  # most stumble over finding nothing
        else:
            assert read(w, version, "list") == {"metrics": found}


def test_gh_store_0_11_gets_an_object_while_its_issue_is_open() -> None:
    with world() as w:
        written(w, "gh-store")
        w.repo.edit_issue(1, "alice", state="open")
        assert read(w, NEWEST, "get", "metrics") == {"count": 2, "tags": ["a"]}


@pytest.mark.parametrize("version", EVERY)
def test_every_version_brings_a_snapshot_up_to_date(version: str, tmp_path: Path) -> None:
    with world() as w:
        written(w, "gh-store")
        with store_of(w) as store:
            store.create("other", {"n": 1})
        (content,) = write(Collector(w.session()).full().snapshot, "json").values()
        text = whole(content).decode()
        file = tmp_path / "snapshot.json"
        file.write_text(text)
        w.hub.clock.advance(60)
        with store_of(w) as store:
            store.update("other", {"n": 2}, apply=True)
        updated = read(w, version, "update-snapshot", str(file))
        if version == "0.10.2":  # it takes what it iterates over for a dict, whatever the file is
            assert updated == "SystemExit"
            return
        assert updated is None
        before, after = json.loads(text), json.loads(file.read_text())
        assert after["objects"].pop("other")["data"] == {"n": 2}
        assert after["objects"] == {"metrics": before["objects"]["metrics"]}
        assert before["$schema"] == after["$schema"] == SCHEMA


def posted_by(version: str, changes: object) -> str:
    """An update as that version writes it."""
    if version.startswith("0.5."):
        return json.dumps(changes, indent=2)
    meta = {"client_version": version, "timestamp": "2025-01-01T00:00:00+00:00", "update_mode": "append"}
    return json.dumps({"_data": changes, "_meta": meta}, indent=2)


@pytest.mark.parametrize("version", EVERY)
def test_both_work_on_one_store_by_turns(version: str) -> None:
    """Their own update finds no closed object, whoever made it, so its comment is posted as their users do."""
    with world() as w:
        token = w.hub.token("octo")

        def theirs(operation: str, argument: str = "") -> object:
            return ask(version, w.hub, token, w.repo.full_name, operation, argument)

        assert theirs("create", json.dumps(["common", {"count": 0}])) == {"count": 0}
        with store_of(w, token) as store:
            assert store.update("common", {"count": 1}, apply=True).data == {"count": 1}
            number = store.get("common").meta.issue_number
            w.update(number, posted_by(version, {"by": "them"}), by="octo")
            # 0.5.0 processes none of its own either
            processed = "AttributeError" if version == "0.5.0" else {"count": 1, "by": "them"}
            assert theirs("process", str(number)) == processed
            assert store.update("common", {"count": 2}, apply=True).data == {"count": 2, "by": "them"}
            assert [
                (one["data"], one["metadata"]["verdict"])
                for one in store.get_object_history("common")
                if one["type"] == "update"
            ] == [({"count": 1}, "applied"), ({"by": "them"}, "applied"), ({"count": 2}, "applied")]
            assert store.verify() == ()
        assert theirs("list") == {"common": {"count": 2, "by": "them"}}
        assert w.repo.issue(number).state == "closed"
