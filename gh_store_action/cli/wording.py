"""The core's terms in the words of a command line: options and variables."""

from __future__ import annotations

from collections.abc import Mapping

from gh_store_action.errors import StoreError
from gh_store_action.hints import Digest, Operation, Setting, Term, Without, library, worded

_NOT_OPTIONS: Mapping[str, str] = {"token": "GITHUB_TOKEN", "repository": "--repo or GITHUB_REPOSITORY"}


def of_the_command(term: Term) -> str:
    """A term for a user at the command line."""
    match term:
        case Setting(name, ""):
            return _NOT_OPTIONS.get(name) or f"the option --{name.removeprefix('--')}"
        case Setting(name, "true"):
            return f"`--{name}`"
        case Setting(name, value):
            return f"`--{name} {value}`"
        case Without(name):
            return f"omit --{name}"
        case Operation(name, setting):
            return f"`gh-store {name} --{setting}`"
        case Digest():
            return "the `digest` that `gh-store get` prints"
        case _:
            return library(term)


def in_options(text: str) -> str:
    """A text of the core in the command's words."""
    return worded(text, of_the_command)


def explained(error: StoreError) -> str:
    """The one line of a failure, in the command's words."""
    return in_options(error.text)
