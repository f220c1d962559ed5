"""GitHub Issues as a versioned JSON store.

`GitHubStore` is the store; everything else here is what its methods take, return and raise.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gh_store_action.domain.access import Access
    from gh_store_action.domain.log.fold import State
    from gh_store_action.domain.names import ExportFormat, SnapshotFormat, UpdateMode
    from gh_store_action.domain.past.history import HistoryEntry, HistoryMetadata
    from gh_store_action.domain.processing.result import Result
    from gh_store_action.domain.records import AccessRule, Refusal, StoredMeta, StoredObject
    from gh_store_action.domain.snapshots.snapshot import LeftOut, Snapshot
    from gh_store_action.domain.strict_json import Json
    from gh_store_action.domain.verdicts import Counts, Outcome
    from gh_store_action.errors import (
        AccessDeniedError,
        BudgetExhausted,
        ConcurrentUpdateError,
        ConfigurationError,
        DuplicateUIDError,
        GitHubError,
        InputError,
        InvalidUpdate,
        ObjectExists,
        ObjectNotFound,
        Reason,
        StoreError,
    )
    from gh_store_action.library.github_store import GitHubStore
    from gh_store_action.snapshots.making import SnapshotResult
    from gh_store_action.store.duplicates.merging import Merge
    from gh_store_action.store.moving.migrator import Migration
    from gh_store_action.store.verifying import Problem

__version__ = "1.0.0"

__all__ = [
    "Access",
    "AccessDeniedError",
    "AccessRule",
    "BudgetExhausted",
    "ConcurrentUpdateError",
    "ConfigurationError",
    "Counts",
    "DuplicateUIDError",
    "ExportFormat",
    "GitHubError",
    "GitHubStore",
    "HistoryEntry",
    "HistoryMetadata",
    "InputError",
    "InvalidUpdate",
    "Json",
    "LeftOut",
    "Merge",
    "Migration",
    "ObjectExists",
    "ObjectNotFound",
    "Outcome",
    "Problem",
    "Reason",
    "Refusal",
    "Result",
    "Snapshot",
    "SnapshotFormat",
    "SnapshotResult",
    "State",
    "StoreError",
    "StoredMeta",
    "StoredObject",
    "UpdateMode",
    "__version__",
]

_ROOMS = {
    "domain.access": ("Access",),
    "domain.log.fold": ("State",),
    "domain.names": ("ExportFormat", "SnapshotFormat", "UpdateMode"),
    "domain.past.history": ("HistoryEntry", "HistoryMetadata"),
    "domain.processing.result": ("Result",),
    "domain.records": ("AccessRule", "Refusal", "StoredMeta", "StoredObject"),
    "domain.snapshots.snapshot": ("LeftOut", "Snapshot"),
    "domain.strict_json": ("Json",),
    "domain.verdicts": ("Counts", "Outcome"),
    "library.github_store": ("GitHubStore",),
    "snapshots.making": ("SnapshotResult",),
    "store.duplicates.merging": ("Merge",),
    "store.moving.migrator": ("Migration",),
    "store.verifying": ("Problem",),
}


def __getattr__(name: str) -> Any:
    """Imports a name of the library on first use: the command's `--version` needs none of them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room = next((room for room, names in _ROOMS.items() if name in names), "errors")
    value = getattr(import_module(f"{__name__}.{room}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
