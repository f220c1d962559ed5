"""What an object's rounds ask for, as values: whoever drives them does it, for one object or for many at once."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from gh_store_action.domain.processing.result import Result
from gh_store_action.domain.records import Issue
from gh_store_action.gateway.records import Order


@dataclass(frozen=True)
class Again:
    """The issue as it is now."""

    issue: Issue


@dataclass(frozen=True)
class Further:
    """The issue with its log back to that comment, or part of the way: who is not there asks again."""

    issue: Issue
    until: int


@dataclass(frozen=True)
class Wait:
    """So many seconds; answered with whether there was that much time left to wait."""

    seconds: float
    why: str


@dataclass(frozen=True)
class Rest:
    """As long as a limit of GitHub asks for; `last`: it has been waited for often enough."""

    last: bool


Want = Order | Again | Further | Wait | Rest
Rounds = Generator[Want, Any, Result]
"""Asks for one thing after another; an `Order` is answered with a `Written`, a failure is thrown in."""
