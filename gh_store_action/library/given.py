"""Checks the library's arguments before any request; each message names the argument.

A wrong type is a `TypeError`.  Any other bad argument is an `InputError` or, in an update, an `InvalidUpdate`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from gh_store_action import arguments
from gh_store_action.arguments import text
from gh_store_action.domain.names import UPDATE_MODES
from gh_store_action.errors import InputError, InvalidUpdate
from gh_store_action.hints import Setting, Text
from gh_store_action.regular_files import expanded

Parsed = TypeVar("Parsed")

KEY_LIMIT = 200  # characters of an idempotency key (docs/format.md)


def maybe(parse: Callable[[str, object], Parsed], name: str, value: object) -> Parsed | None:
    """An optional argument."""
    return None if value is None else parse(name, value)


@contextmanager
def as_update() -> Iterator[None]:
    """Turns a bad argument into an invalid update.

    Raises:
        InvalidUpdate: replaces an `InputError` raised inside.
    """
    try:
        yield
    except InputError as error:
        raise InvalidUpdate(error.what, error.hint) from None


def condition(if_revision: object, if_digest: object) -> tuple[int | None, str | None]:
    """The conditions on the object."""
    return maybe(whole, "if_revision", if_revision), maybe(digest, "if_digest", if_digest)


def whole(name: str, value: object) -> int:
    """A whole number, at least 1; text would never equal a number, and `True` would be 1."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, such as 1, not {value!r}")
    return arguments.number(name, str(value))


def time(name: str, value: object) -> str:
    """A time as GitHub writes it; without an offset, it is UTC."""
    if isinstance(value, datetime):
        utc = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return utc.strftime("%Y-%m-%dT%H:%M:%SZ")
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a datetime, or text such as '2026-01-31T12:00:00Z', not {value!r}")
    return arguments.moment(name, value)


def token(name: str, value: object) -> str:
    """A token; messages never show it."""
    if not text(name, value):
        raise InputError(Text(Setting(name), " is empty."), "Pass a GitHub token, such as the variable GITHUB_TOKEN.")
    return arguments.token(name, text(name, value)).secret


def path(name: str, value: object) -> Path:
    """A file's or folder's path."""
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name} must be a path, not {value!r}")
    return expanded(Path(value))


def labels(name: str, value: object) -> tuple[str, ...]:
    """Labels; a plain text would be one label per letter."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a list of labels, such as ['team-a'], not {value!r}")
    return tuple(text(name, one) for one in value)


def mode(name: str, value: object) -> str:
    """An update mode."""
    return arguments.choice(*UPDATE_MODES)(name, text(name, value))


def key(name: str, value: object) -> str:
    """An idempotency key."""
    if not 0 < len(text(name, value)) <= KEY_LIMIT:
        raise InputError(Text(Setting(name), f" must have 1 to {KEY_LIMIT} characters."), "Omit it for a new one.")
    return text(name, value)


def digest(name: str, value: object) -> str:
    """An object's digest, or its beginning."""
    return arguments.digest(name, text(name, value))


def quiet(done: int, total: int) -> None:
    """Ignores progress."""
