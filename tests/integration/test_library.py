"""The library as a Python program meets it: a typed container that can be pickled, plain about wrong arguments."""

from __future__ import annotations

import inspect
import json
import pickle
import sqlite3
import typing
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date
from pathlib import Path
from typing import Any, get_args

import pytest

import gh_store_action
from gh_store_action import GitHubStore, InputError, InvalidUpdate, ObjectNotFound, StoredObject, StoreError, UpdateMode
from gh_store_action.domain.names import EXPORTS, FORMATS, UPDATE_MODES
from gh_store_action.domain.processing.context import PermissionUnknown
from gh_store_action.errors import BudgetExhausted, GitHubError, Reason
from tests.support.library import cost, store_of
from tests.support.store import World

SECRET = "ghp_never_to_be_seen"


@pytest.fixture
def filled(store: GitHubStore) -> GitHubStore:
    store.create("metrics", {"count": 1})
    store.create("users", [])
    return store


# A container


def test_in__asks_for_an_id(filled: GitHubStore, w: World) -> None:
    assert "metrics" in filled and "METRICS" in filled
    assert "nothing" not in filled
    filled.delete("users")
    assert "users" not in filled
    assert cost(w, lambda store: "metrics" in store) == 1


def test_in__knows_an_object_whose_body_is_broken(filled: GitHubStore, w: World) -> None:
    w.repo.edit_issue(1, "alice", body="oops {")

    assert "metrics" in filled


def test_iteration__gives_every_object(filled: GitHubStore, w: World) -> None:
    assert [one.meta.object_id for one in filled] == ["metrics", "users"]
    assert cost(w, lambda store: list(store)) == 1


def test_get__gives_the_default_in_place_of_an_error(filled: GitHubStore) -> None:
    assert filled.get("nothing", default=None) is None
    assert filled.get("metrics", revision=9, default={}) == {}
    assert filled.get("metrics", default=None) == filled.get("metrics")
    with pytest.raises(ObjectNotFound, match="no object 'nothing'"):
        filled.get("nothing")


def test_get__a_default_hides_no_other_failure(filled: GitHubStore, w: World) -> None:
    w.repo.edit_issue(1, "alice", body="oops {")

    with pytest.raises(StoreError, match="cannot be read as"):
        filled.get("metrics", default=None)


# Files


@pytest.mark.parametrize("kind", FORMATS)
def test_snapshot__is_written_and_brought_up_to_date(filled: GitHubStore, tmp_path: Path, kind: Any) -> None:
    first = filled.snapshot(tmp_path / "out", format=kind)
    filled.update("metrics", {"count": 2}, apply=True)
    second = filled.snapshot(tmp_path / "out", format=kind, update=True)

    assert (first.changed, first.full, len(first.snapshot.entries)) == (True, True, 2)
    assert (second.changed, second.full, second.changed_ids) == (True, False, ("metrics",))
    files = [file for file in (tmp_path / "out", *tmp_path.rglob("*.json")) if file.is_file()]
    assert any('"count":2' in file.read_text().replace(" ", "") for file in files)


def test_snapshot__of_a_dry_store_writes_nothing(filled: GitHubStore, w: World, tmp_path: Path) -> None:
    with store_of(w, dry_run=True) as dry:
        assert dry.snapshot(tmp_path / "s.json").changed
    assert list(tmp_path.iterdir()) == []


def test_export__writes_the_log(filled: GitHubStore, tmp_path: Path) -> None:
    assert filled.export(tmp_path / "store.db") == 2
    with closing(sqlite3.connect(tmp_path / "store.db")) as database:
        assert database.execute("SELECT count(*) FROM log").fetchone() == (2,)
    assert filled.export(str(tmp_path / "e.jsonl"), format="events") == 2
    assert {json.loads(line)["type"] for line in (tmp_path / "e.jsonl").read_text().splitlines()} == {"initial_state"}


# Types


def test_meta__has_its_times_as_datetimes_too(filled: GitHubStore) -> None:
    meta = filled.get("metrics").meta

    assert meta.created.tzinfo == meta.updated.tzinfo == UTC
    assert meta.created.strftime("%Y-%m-%dT%H:%M:%SZ") == meta.created_at
    assert [one.meta.object_id for one in filled.list_updated_since(meta.updated)] == ["metrics", "users"]


def test_names__are_literal_types() -> None:
    assert get_args(UpdateMode) == UPDATE_MODES
    assert get_args(typing.get_type_hints(GitHubStore.update)["mode"]) == UPDATE_MODES
    assert get_args(typing.get_type_hints(GitHubStore.snapshot)["format"]) == FORMATS
    assert get_args(typing.get_type_hints(GitHubStore.export)["format"]) == EXPORTS


def classes(hint: Any) -> set[type]:
    """The classes of ours that a type is made of."""
    found = set().union(*map(classes, get_args(hint))) if get_args(hint) else set()
    return found | ({hint} if inspect.isclass(hint) and hint.__module__.startswith("gh_store_action") else set())


def test_package__exports_whatever_a_method_gives() -> None:
    given: set[type] = set()
    for name, method in inspect.getmembers(GitHubStore, inspect.isfunction):
        if not name.startswith("_"):
            given |= classes(typing.get_type_hints(method).get("return"))
    assert {one.__name__ for one in given} <= {*gh_store_action.__all__}
    assert {"SnapshotResult", "Result", "Problem", "Access", "StoredObject", "HistoryEntry"} <= {
        g.__name__ for g in given
    }
    for name in gh_store_action.__all__:
        assert getattr(gh_store_action, name) is not None


# Pickle


def test_pickle__carries_the_store_without_its_token(
    filled: GitHubStore, w: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = w.token()
    with store_of(w, token, dry_run=True) as store:
        pickled = pickle.dumps(store)
    monkeypatch.setenv("GITHUB_TOKEN", w.token())

    with pickle.loads(pickled) as again:  # noqa: S301
        assert (again.get("metrics").data, again.dry_run, repr(again)) == ({"count": 1}, True, repr(store))
    assert token.encode() not in pickled


def test_pickle__without_a_token_to_take_says_where_one_is_looked_for(
    store: GitHubStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_TOKEN", "GH_TOKEN"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(InputError, match="pickled store has no token.*Set the variable GITHUB_TOKEN"):
        pickle.loads(pickle.dumps(store))  # noqa: S301


def test_pickle__carries_what_the_store_gives(filled: GitHubStore, w: World) -> None:
    w.update(1, {"count": 2})
    for value in (filled.process(1), filled.get("metrics"), filled.verify(), filled.access("metrics", "alice")):
        assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301


@pytest.mark.parametrize(
    "error",
    [
        StoreError("a.", "b.", detail="c", reasons=(Reason("$", "d"),)),
        GitHubError("a.", status=500),
        BudgetExhausted("a.", again="12:00:00 UTC", status=429),
        PermissionUnknown("ada", "why"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_pickle__carries_every_error_whole(error: StoreError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301

    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
    assert again.text.parts == error.text.parts


# Arguments


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda s: s.get(5), "object_id must be text, not int"),
        (lambda s: s.delete(None), "object_id must be text, not NoneType"),
        (lambda s: 5 in s, "object_id must be text, not int"),
        (lambda s: s.get("a", revision="1"), "revision must be a whole number, such as 1, not '1'"),
        (lambda s: s.get("a", at=date(2026, 1, 1)), "at must be a datetime, or text such as"),
        (lambda s: s.list_updated_since(5), "when must be a datetime, or text such as"),
        (lambda s: s.create("a", {}, extra_labels="team"), "extra_labels must be a list of labels"),
        (lambda s: s.create("a", {}, extra_labels=[1]), "extra_labels must be text, not int"),
        (lambda s: s.update("a", {}, mode=None), "mode must be text, not NoneType"),
        (lambda s: s.update("a", {}, update_id=5), "update_id must be text, not int"),
        (lambda s: s.update("a", {}, if_digest=5), "if_digest must be text, not int"),
        (lambda s: s.verify(issue_number="1"), "issue_number must be a whole number"),
        (lambda s: s.access("a", None), "login must be text, not NoneType"),
        (lambda s: s.snapshot(5), "path must be a path, not 5"),
        (lambda s: GitHubStore(SECRET.encode(), "octo/store"), "token must be text, not bytes"),
        (lambda s: GitHubStore("t", None), "repo must be text, not NoneType"),
        (lambda s: GitHubStore("t", "octo/store", 5), "config_path must be a path, not 5"),
        (lambda s: GitHubStore("t", "octo/store", api_url=5), "api_url must be text, not int"),
    ],
)
def test_type__of_an_argument_that_is_wrong_is_told_before_a_request(
    store: GitHubStore, w: World, call: Callable[[Any], object], said: str
) -> None:
    before = w.requests()
    with pytest.raises(TypeError) as told:
        call(store)
    assert str(told.value).startswith(said)
    assert w.requests() == before


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda s: s.get("a", revision=0), "The argument `revision` is `0`; allowed: a whole number, at least 1."),
        (lambda s: s.get("a", at=""), "The argument `at` is ``; allowed: a time in ISO 8601"),
        (lambda s: s.update("a", {}, mode="merge"), "The argument `mode` is `merge`; allowed: append, replace,"),
        (lambda s: s.update("a", {}, update_id=""), "The argument `update_id` must have 1 to 200 characters."),
        (lambda s: s.update("a", {}, update_id="x" * 201), "The argument `update_id` must have 1 to 200 characters."),
        (lambda s: s.update("a", {}, if_revision=0), "The argument `if_revision` is `0`; allowed: a whole number"),
        (lambda s: s.update("a", {}, if_digest=""), "The argument `if_digest` is ``; allowed: 8 to 64 hex"),
        (lambda s: s.delete("a", if_digest=""), "The argument `if_digest` is ``; allowed: 8 to 64 hex"),
        (lambda s: s.access("a", "a b"), "login must be a login, such as octocat, not 'a b'."),
        (lambda s: s.snapshot("s.jsonl"), "The path `s.jsonl` looks like the format jsonl, but the argument `format`"),
        (lambda s: s.snapshot("s", format="yaml"), "The argument `format` is `yaml`; allowed: json, jsonl, directory."),
        (lambda s: s.export("s", format="parquet"), "The argument `format` is `parquet`; allowed: sqlite, csv,"),
        (lambda s: GitHubStore("", "octo/store"), "The argument `token` is empty."),
        (
            lambda s: GitHubStore(f"{SECRET}\n", "octo/store"),
            "The argument `token` contains characters that no",
        ),
        (lambda s: GitHubStore("t", "store"), "The argument `repo` is `store`; allowed: owner/name."),
    ],
)
def test_value__of_an_argument_that_cannot_be_used_is_told_before_a_request(
    store: GitHubStore, w: World, call: Callable[[Any], object], said: str
) -> None:
    before = w.requests()
    with pytest.raises((InputError, InvalidUpdate)) as told:
        call(store)
    assert str(told.value).startswith(said)
    assert SECRET not in str(told.value)
    assert w.requests() == before


def test_delete__with_an_empty_condition_deletes_nothing(filled: GitHubStore) -> None:
    """A condition that a script could not fill in must not vanish."""
    with pytest.raises(InputError):
        filled.delete("metrics", if_digest="")
    assert isinstance(filled.get("metrics"), StoredObject)


def test_time__may_be_a_datetime_of_any_zone(filled: GitHubStore) -> None:
    made = filled.get("metrics").meta.created

    assert filled.get("metrics", at=made).data == {"count": 1}
    assert filled.get("metrics", at=made.replace(tzinfo=None)).data == {"count": 1}
