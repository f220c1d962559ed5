"""Answers that are JSON of a wrong inner shape: one clear line, and what was written is right after one more run."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from gh_store_action import GitHubStore
from gh_store_action.errors import GitHubError, StoreError
from gh_store_action.gateway.commits import CommitGateway
from gh_store_action.gateway.transport import Transport
from gh_store_action.store import doctor
from tests.double import Request
from tests.integration.test_crash_matrix import mixed_verdicts
from tests.support.library import store_of
from tests.support.scene import Scene
from tests.support.store import World, undisturbed, world

pytestmark = pytest.mark.slow

BUDGET = float(os.environ.get("PROVE_BUDGET", "300"))
MISSING = object()
SPOILS: dict[str, Any] = {"null": None, "missing": MISSING, "text": "7", "number": 7, "list": [7], "object": {"x": 7}}
SHAPE = "in a format that this version does not know"

Verb = Callable[[World, int, str], object]
Place = tuple[str | int, ...]


def _by_store(work: Callable[[GitHubStore], object]) -> Verb:
    def verb(w: World, number: int, token: str) -> object:
        with store_of(w, token) as store:
            return work(store)

    return verb


VERBS: dict[str, Verb] = {
    "process": lambda w, number, token: w.process(number, token),
    "sweep": lambda w, number, token: w.sweep(token),
    "create": _by_store(lambda store: store.create("new", {"a": 1})),
    "update": _by_store(lambda store: store.update("m", {"a": 1})),
    "list": _by_store(lambda store: list(store.list_all())),
    "history": _by_store(lambda store: store.get_object_history("m")),
    "delete": _by_store(lambda store: store.delete("m")),
    "roll over": _by_store(lambda store: store.roll_over("m")),
    "verify": _by_store(lambda store: list(store.verify())),
    "doctor": lambda w, number, token: list(doctor.examine(w.session(token))),
    "tip": lambda w, number, token: CommitGateway(w.transport(token), w.repo.full_name).tip("", "README.md"),
}


def places(value: Any, path: Place = ()) -> Iterator[Place]:
    """Where something stands; of a list the first."""
    found = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, inner in found:
        yield (*path, key)
        yield from places(inner, (*path, key))


def spoilt(answer: Any, place: Place, spoil: object) -> Any:
    """The answer with that in the place of what stands there; as it is where nothing does."""
    answer = deepcopy(answer)
    inner = answer
    for key in place[:-1]:
        with suppress(KeyError, IndexError, TypeError):
            inner = inner[key]
    with suppress(KeyError, IndexError, TypeError):
        assert inner[place[-1]] is not MISSING
        if spoil is MISSING:
            del inner[place[-1]]
        else:
            inner[place[-1]] = spoil
    return answer


def asked(request: Request) -> str:
    return request.operation or f"{request.method} {request.path}"


def cases(w: World, number: int, verb: Verb) -> list[tuple[str, Place, str]]:
    """What can be spoilt of the answers to the requests that it makes."""
    saved, token, seen = w.hub.save(), w.token(contents="write", issues="write"), list[Any]()
    before = w.requests()
    w.hub.faults.alter(lambda answer: (seen.append(answer), answer)[1], token=token, times=None)
    verb(w, number, token)
    w.hub.faults.clear()
    requests = list(w.hub.requests)[before:]
    w.hub.restore(saved)
    found: dict[tuple[str, Place, str], None] = {}
    for request, answer in zip(requests, seen, strict=True):
        for place in places(answer):
            found |= {(asked(request), place, name): None for name in SPOILS}
    return list(found)


def hold(w: World, number: int, verb: Verb, case: tuple[str, Place, str]) -> None:
    """As long as such answers come, the verb ends well or in one line; then a run makes all right."""
    which, place, spoil = case
    token = w.token(contents="write", issues="write")
    w.hub.faults.alter(
        lambda answer: spoilt(answer, place, SPOILS[spoil]),
        token=token,
        match=lambda request: asked(request) == which,
        times=None,
    )
    try:
        verb(w, number, token)
    except StoreError as error:
        assert "\n" not in str(error) and len(str(error)) < 600
    finally:
        w.hub.faults.clear()


@pytest.mark.parametrize("proof", [False, pytest.param(True, marks=pytest.mark.prove)], ids=["sample", "all"])
@pytest.mark.parametrize("name", VERBS)
def test_any_field_of_an_answer_that_is_something_else__ends_in_one_line_and_loses_nothing(
    name: str, proof: bool
) -> None:
    end = time.monotonic() + BUDGET
    with world() as w:
        number = mixed_verdicts(w)
        wanted = undisturbed(w, number, lambda token: w.process(number, token), w.sweep)
        saved, found = w.hub.save(), cases(w, number, VERBS[name])
        assert len(found) > 30
        random.Random(name).shuffle(found)
        for case in found if proof else found[:8]:
            w.hub.restore(saved)
            hold(w, number, VERBS[name], case)
            true = case[2] in ("null", "missing") or case[1][-1] in ("permission", "role_name")  # it may be so
            if name in ("process", "sweep") and not true:
                w.sweep()
                assert (case, w.seen(number)) == (case, wanted)
            if time.monotonic() > end:
                break


HEAD: Place = ("data", "repository", "issue")


@pytest.mark.parametrize(
    ("place", "spoil"),
    [
        ((*HEAD, "comments", "nodes"), "null"),
        ((*HEAD, "comments", "nodes"), "object"),
        ((*HEAD, "comments", "nodes", 0, "fullDatabaseId"), "object"),
        ((*HEAD, "comments", "nodes", 0, "createdAt"), "text"),
        ((*HEAD, "comments", "nodes", 0, "author"), "text"),
        ((*HEAD, "comments", "pageInfo", "hasPreviousPage"), "missing"),
        ((*HEAD, "number"), "text"),
        ((*HEAD, "closed"), "number"),
        ((*HEAD, "title"), "missing"),
        ((*HEAD, "labels"), "text"),
        (("data", "repository", "config", "isTruncated"), "missing"),
        (("data", "viewer"), "list"),
    ],
)
def test_a_run__says_which_field_it_does_not_know(scene: Scene, place: Place, spoil: str) -> None:
    scene.configure("store: {}")
    number = scene.open("metrics", {"count": 0})
    scene.post(number, '{"count": 1}')
    scene.github.faults.alter(lambda answer: spoilt(answer, place, SPOILS[spoil]), times=None)

    run = scene.run("process", issue_number=number)

    where = ".".join(str(key) for key in place[1:] if key != 0)
    assert run.exit_code == 1
    assert f"GitHub answered `{where}` {SHAPE}" in run.error
    assert "Try again, and please report it" in run.error
    assert len(run.requests) == 3
    assert {request.operation for request in run.requests} == {"Read"}

    scene.github.faults.clear()
    assert scene.run("process", issue_number=number).outputs["object"] == '{"count":1}'


MAY_BE_NULL = frozenset({"reactionGroups", "userContentEdits"})


def with_nulls(value: Any) -> Any:
    """Every list of objects begins with a null, and what may be null is it, as GitHub's schema allows."""
    if isinstance(value, dict):
        return {key: None if key in MAY_BE_NULL else with_nulls(inner) for key, inner in value.items()}
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        return [None, *map(with_nulls, value)]
    return value


@pytest.mark.parametrize("name", VERBS)
def test_nulls_that_the_schema_allows__are_read_as_nothing(name: str) -> None:
    with world() as w:
        number = mixed_verdicts(w)
        wanted = undisturbed(w, number, lambda token: w.process(number, token), w.sweep)
        w.hub.faults.alter(
            lambda answer: {**answer, "data": with_nulls(answer["data"])} if "data" in answer else answer,
            match=lambda request: bool(request.operation),
            times=None,
        )
        VERBS[name](w, number, w.token(contents="write", issues="write"))
        w.hub.faults.clear()
        w.sweep()
        if name in ("process", "sweep"):
            assert w.seen(number) == wanted


@pytest.mark.parametrize("errors", [[], [{"type": "FORBIDDEN", "message": "Not for you"}]])
def test_labels_that_are_null__are_no_answer_and_never_no_labels(scene: Scene, errors: list[Any]) -> None:
    """Without labels the object would leave the snapshot."""
    number = scene.make()
    scene.post(number, '{"count": 1}')
    more = {"errors": errors} if errors else {}
    scene.github.faults.alter(lambda answer: {**spoilt(answer, (*HEAD, "labels"), None), **more}, times=None)
    assert f"GitHub answered `repository.issue.labels` {SHAPE}" in scene.run("process", issue_number=number).error


@pytest.mark.parametrize("mode", ["snapshot", "update-snapshot"])
def test_one_issue_that_stays_null__holds_up_no_snapshot(scene: Scene, tmp_path: Path, mode: str) -> None:
    """The page is halved down to that issue alone, and has nothing then."""
    scene.make("first")
    assert scene.run("snapshot", workspace=tmp_path, commit=False).exit_code == 0
    scene.github.clock.advance(1000)
    for place in range(12):
        scene.make(f"more-{place}")

    def change(answer: Any) -> Any:
        listed = (answer.get("data", {}).get("repository") or {}).get("issues") or {}
        nodes = listed.get("nodes", [])
        nodes[:] = [None if node and ": more-5 " in node["title"] else node for node in nodes]
        return answer

    scene.github.faults.alter(change, times=None)
    run = scene.run(mode, workspace=tmp_path, commit=False)
    assert run.exit_code == 0, run.log
    objects = json.loads((tmp_path / "data/store-snapshot.json").read_text())["objects"]
    assert len(objects) == 12


def test_an_issue_that_a_page_shows_twice__is_listed_once() -> None:
    with world() as w, GitHubStore(w.token(), "octo/store", api_url=w.hub.api_url) as store:
        store.create("m", {"n": 0})

        def again(answer: Any) -> Any:
            nodes = answer["data"]["repository"]["issues"]["nodes"]
            return spoilt(answer, ("data", "repository", "issues", "nodes"), nodes * 2)

        w.hub.faults.alter(again, match=lambda request: request.operation == "List", times=None)
        assert [one.meta.object_id for one in store.list_all()] == ["m"]


def test_an_issue_that_one_answer_shows_as_null__is_asked_for_again_and_stays_in_the_snapshot(scene: Scene) -> None:
    scene.make()

    def vanished(answer: Any) -> Any:
        page = answer["data"]["repository"]["issues"]
        return spoilt(answer, ("data", "repository", "issues", "nodes"), [None for _ in page["nodes"]])

    scene.github.faults.alter(vanished, match=lambda request: request.operation == "List")
    run = scene.run("snapshot", commit="false", output="all.json")
    assert (run.outputs["object-count"], run.outputs["requests"]) == ("1", "3")


def test_a_permission_that_is_no_text__is_no_answer_and_nobody_is_refused(scene: Scene) -> None:
    number = scene.make()
    scene.post(number, '{"count": 1}')
    scene.github.faults.alter(
        lambda answer: {**answer, "permission": 3}, match=lambda request: "/permission" in request.path, times=None
    )

    run = scene.run("process", issue_number=number)

    assert run.exit_code == 1
    assert SHAPE in run.log
    assert scene.data(number) == {"count": 0}


def test_a_file_that_is_no_base64__is_one_line(scene: Scene) -> None:
    transport = Transport(token=scene.token, api_url=scene.github.api_url, graphql_url=scene.github.graphql_url)
    gateway = CommitGateway(transport, scene.full_name)
    oid = gateway.tip("", "README.md").blobs[""]
    assert gateway.blob(oid) == b"# A store\n"
    scene.github.faults.alter(lambda answer: {**answer, "content": "x"})
    with pytest.raises(GitHubError, match=f"GitHub did not send the file {oid[:10]} as base64"):
        gateway.blob(oid)
    transport.close()
