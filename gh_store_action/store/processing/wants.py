"""What an object's rounds ask for, as values; their driver carries it out, for one object or for many."""

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
    """The issue with its log back to that comment, or part of the way; the rounds then ask again."""

    issue: Issue
    until: int


@dataclass(frozen=True)
class Wait:
    """Wait that many seconds; the answer says whether there was time."""

    seconds: float
    why: str


@dataclass(frozen=True)
class Rest:
    """Wait as long as GitHub's limit asks for; `last`: do not wait again after this."""

    last: bool


Want = Order | Again | Further | Wait | Rest
Rounds = Generator[Want, Any, Result]
"""Asks for one thing after another; the answer to an `Order` is a `Written`, and a failure is thrown in."""
