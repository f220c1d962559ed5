"""GitHub Issues as a versioned JSON store."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gh_store_action.domain.records import StoredMeta, StoredObject
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
        StoreError,
    )
    from gh_store_action.store.github_store import GitHubStore

__version__ = "1.0.0"

__all__ = [
    "AccessDeniedError",
    "BudgetExhausted",
    "ConcurrentUpdateError",
    "ConfigurationError",
    "DuplicateUIDError",
    "GitHubError",
    "GitHubStore",
    "InputError",
    "InvalidUpdate",
    "ObjectExists",
    "ObjectNotFound",
    "StoreError",
    "StoredMeta",
    "StoredObject",
    "__version__",
]

_ROOMS = {"GitHubStore": "store.github_store", "StoredMeta": "domain.records", "StoredObject": "domain.records"}


def __getattr__(name: str) -> Any:
    """Imports a name of the library when it is first asked for: the command's `--version` needs none of them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_ROOMS.get(name, 'errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
