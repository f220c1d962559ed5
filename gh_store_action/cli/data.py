"""The data that a user passes: JSON text, a file, or standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from gh_store_action.domain.strict_json import InvalidJson, Json, parse
from gh_store_action.errors import ConfigurationError, InputError, InvalidUpdate
from gh_store_action.regular_files import DATA_LIMIT, expanded
from gh_store_action.store.creating import checked


@contextmanager
def as_input() -> Iterator[None]:
    """Turns an error in the user's argument or file into a wrong input: exit code 2.

    Raises:
        InputError: replaces an `InvalidUpdate` or `ConfigurationError` raised inside.
    """
    try:
        yield
    except (InvalidUpdate, ConfigurationError) as error:
        raise InputError(error.what, error.hint, detail=error.detail) from None


def read_data(text: str, *, missing: str = "Check its name.") -> Json:
    """The value of `DATA`: JSON text, `@file`, or `-` for standard input.

    Args:
        missing: the hint for a file that cannot be read.

    Raises:
        InputError: it cannot be read, or is not strict JSON; the message says where.
    """
    source, hint = (
        "The data",
        """Quote it for the shell, such as '{"count": 1}', or give @file or - (standard input).""",
    )
    try:
        if text == "-":
            source, hint = "Standard input", "Fix the program that writes it."
            text = sys.stdin.buffer.read(DATA_LIMIT + 1).decode("utf-8-sig")
        elif text.startswith("@"):
            source, hint = f"The file {text[1:]!r}", "Fix it there."
            with expanded(text[1:]).open("rb") as file:
                text = file.read(DATA_LIMIT + 1).decode("utf-8-sig")
        if len(text) > DATA_LIMIT:
            raise InputError(f"{source} is larger than 1 MiB.", "An object can hold 60,000 characters of JSON.")
        return parse(text)
    except InvalidJson as error:
        raise InputError(f"{source} is not valid JSON: {error.reason}.", hint) from None
    except UnicodeDecodeError:
        raise InputError(f"{source} is not UTF-8 text.", "Save it as UTF-8.") from None
    except OSError as error:
        raise InputError(f"{source} cannot be read: {error.strerror}.", missing) from None


def object_data(text: str) -> Json:
    """The value of `DATA` for a whole object.

    Raises:
        InputError: as `read_data`, or an object cannot hold it.
    """
    with as_input():
        return checked(read_data(text))
