"""Terms of the core in the words of a command line: options and variables."""

from __future__ import annotations

from collections.abc import Mapping

from gh_store_action.errors import StoreError
from gh_store_action.hints import Digest, Grant, Operation, Setting, Term, Without, worded

_NOT_OPTIONS: Mapping[str, str] = {"token": "GITHUB_TOKEN", "repository": "--repo or GITHUB_REPOSITORY"}


def of_the_command(term: Term) -> str:
    """A term for somebody at a command line."""
    match term:
        case Setting(name, ""):
            return _NOT_OPTIONS.get(name) or f"the option --{name.removeprefix('--')}"
        case Setting(name, value):
            return f"`--{name} {value}`"
        case Without(name):
            return f"leave out --{name}"
        case Grant():
            return f"Give a token with `{term}`"
        case Operation(name, setting):
            return f"`gh-store {name} --{setting}`"
        case Digest():
            return "the `digest` that `gh-store get` prints"
        case _:  # words for a workflow
            return ""


def in_options(text: str) -> str:
    """A text of the core in the command's words."""
    return worded(text, of_the_command)


def explained(error: StoreError) -> str:
    """The one line of a failure, in the command's words."""
    return f"{in_options(error.what)} {in_options(error.hint)}".strip()
