"""What each kind of reader gets of a store, and people who may do less than they try."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gh_store_action.errors import StoreError
from gh_store_action.snapshots.collecting import Collector
from tests.support.library import store_of
from tests.support.store import World

TRIAGER = "tina"  # may put labels on and take them off
MEMBER = "rita"  # of the organization, so that GitHub calls her MEMBER; she may read
EPOCH = "2020-01-01T00:00:00Z"


def people(w: World) -> None:
    """Adds a triager, and a member without any further right."""
    w.repo.grant(TRIAGER, "triage")
    w.hub.add_user(MEMBER)
    w.hub.add_org("octo", {MEMBER: "member"})


def read_by_all(w: World, object_id: str = "m") -> list[object]:
    """The object's data as `get`, `list`, `list --updated-since`, and both ways to a snapshot give it; None without."""
    with store_of(w) as store:
        try:
            got = store.get(object_id).data
        except StoreError:
            got = None
        listed = {found.meta.object_id.lower(): found.data for found in store.list_all()}
        since = {found.meta.object_id.lower(): found.data for found in store.list_updated_since(EPOCH)}
    return [got, listed.get(object_id), since.get(object_id), snapshot(w).get(object_id)]


def snapshot(w: World) -> dict[str, object]:
    """The data of each object in a full snapshot."""
    session = w.session()
    try:
        entries = Collector(session).full().snapshot.entries.values()
    finally:
        session.github.transport.close()
    return {entry.object_id.lower(): entry.value()["data"] for entry in entries}


@contextmanager
def snapshots_after(w: World) -> Iterator[Callable[[], dict[str, object]]]:
    """A snapshot as of now; each call brings it up to date, and falls back on a full one as `update-snapshot` does."""
    session = w.session()
    known = [Collector(session).full()]

    def again() -> dict[str, object]:
        known.append(Collector(session).again(known[-1])[0])
        entries = known[-1].snapshot.entries.values()
        return {entry.object_id.lower(): entry.value()["data"] for entry in entries}

    yield again
    session.github.transport.close()


def same_for_all(w: World, data: object, object_id: str = "m") -> None:
    """Asserts that every reader gets just that."""
    assert read_by_all(w, object_id) == [data] * 4
