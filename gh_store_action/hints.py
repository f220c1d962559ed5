"""Sentences with terms that each front end words itself: the action's inputs, the command's options, arguments.

The core and the gateways say *what* has to change; `Text` keeps that apart from the reader's name for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self, TypeAlias


@dataclass(frozen=True)
class Setting:
    """Something that the caller sets: an input, an option, an argument.

    Args:
        name: of the action's input, such as `commit-via`.
        value: the value to set; empty for only the name.
    """

    name: str
    value: str = ""


@dataclass(frozen=True)
class Without:
    """To turn off a boolean setting; an imperative."""

    name: str


@dataclass(frozen=True)
class Grant:
    """Permissions that the token needs, such as `issues: write`; begins a sentence."""

    permissions: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return ", ".join(f"{name}: {level}" for name, level in self.permissions)


@dataclass(frozen=True)
class Operation:
    """An operation of the store with one of its settings, such as `verify` with `repair`; follows `run`."""

    name: str
    setting: str


@dataclass(frozen=True)
class Digest:
    """Where to find an object's digest."""


@dataclass(frozen=True)
class InWorkflow:
    """Words for someone who writes a workflow; no other reader sees them."""

    words: str


REPAIR = Operation("verify", "repair")
Term: TypeAlias = Setting | Without | Grant | Operation | Digest | InWorkflow
Wording: TypeAlias = Callable[[Term], str]


class Text(str):
    """Sentences of plain words and terms.  As a `str`, it has the library's words.

    Args:
        parts: in order; a `Text` among them keeps its terms.
    """

    parts: tuple[str | Term, ...]

    def __new__(cls, *parts: str | Term) -> Self:
        """Joins the parts; a term at the beginning starts with a capital letter."""
        made = super().__new__(cls, _joined(parts, library))
        made.parts = parts
        return made

    @classmethod
    def sentences(cls, texts: Iterable[str]) -> Text:
        """Joins those that are not empty."""
        found: list[str | Term] = []
        for text in filter(None, texts):
            found += [*([" "] if found else []), text]
        return cls(*found)


def worded(text: str, wording: Wording) -> str:
    """The text in the words of a front end; a plain `str` stays as it is."""
    return _joined(text.parts, wording) if isinstance(text, Text) else text


def library(term: Term) -> str:
    """A term for someone who calls the library."""
    match term:
        case Setting("config", ""):
            return "the argument `config_path`"
        case Setting(name, ""):
            return f"the argument `{name.replace('-', '_')}`"
        case Setting(name, "true"):
            return f"`{name.replace('-', '_')}=True`"
        case Setting(name, value):
            return f"`{name.replace('-', '_')}={value!r}`"
        case Without(name):
            return f"pass `{name.replace('-', '_')}=False`"
        case Grant():
            return f"Use a token with `{term}`"
        case Operation(name, setting):
            return f"`{name}` with `{setting}`"
        case Digest():
            return "`meta.digest` of the object"
        case _:  # words for a workflow
            return ""


def _joined(parts: Iterable[str | Term], wording: Wording) -> str:
    found = list(parts)
    text = "".join(worded(part, wording) if isinstance(part, str) else wording(part) for part in found)
    return text if found and isinstance(found[0], str) else text[:1].upper() + text[1:]
