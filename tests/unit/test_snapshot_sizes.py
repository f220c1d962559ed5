"""Files that git takes and GitHub does not."""

from __future__ import annotations

import pytest

from gh_store_action.domain.snapshots.sizes import MIB, check_sizes
from gh_store_action.domain.snapshots.snapshot import Snapshot
from gh_store_action.errors import StoreError
from gh_store_action.snapshots.making import SnapshotResult


@pytest.mark.parametrize("sizes", [{}, {"a.json": 0}, {"a.json": 50 * MIB, "b.json": 1}])
def test_sizes__up_to_fifty_mebibytes_are_nothing_to_speak_of(sizes: dict[str, int]) -> None:
    assert check_sizes(sizes, whole=True) == ""


def test_sizes__above_fifty_the_largest_is_named() -> None:
    said = check_sizes({"a.json": 60 * MIB, "b.json": 70 * MIB, "c.json": 1}, whole=True)
    assert said.startswith("`b.json` has 70 MiB, and GitHub refuses files of more than 100")
    assert check_sizes({"a.json": 95 * MIB}, whole=True) != ""
    result = SnapshotResult(Snapshot("o/r", {}), "b.json", changed=True, full=True, heavy=said)
    assert said in result.remarks


def test_sizes__above_ninety_five_nothing_is_written() -> None:
    with pytest.raises(StoreError, match=r"`a\.json` has 95 MiB.* It was not written\. .*directory") as caught:
        check_sizes({"a.json": 95 * MIB + 1}, whole=True)
    assert "do not commit it" in str(caught.value)
    with pytest.raises(StoreError, match=r"`history/a\.jsonl` has 96 MiB.*Do not commit it, or split the store"):
        check_sizes({"history/a.jsonl": 96 * MIB}, whole=False)
