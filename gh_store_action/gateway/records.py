"""What the gateway hands out: one run's first answer, pages of a listing, and what a write did."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gh_store_action.domain.records import Issue, Receipt
from gh_store_action.gateway.answers import Answer, reason_of
from gh_store_action.gateway.refusals import Refused

PAGE = 100


@dataclass(frozen=True)
class StoreFiles:
    """What stands on the default branch: the configuration, and by file name the schemas and the issue forms."""

    config: str | None = None
    schemas: Mapping[str, str] = field(default_factory=dict)
    forms: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """The first answer of a run: who the token is, the store's files, and what was asked for."""

    viewer: str
    files: StoreFiles
    issues: tuple[Issue, ...] = ()
    total: int = 0


@dataclass(frozen=True)
class Failure(Refused):
    """One alias of a write that GitHub did not carry out."""

    alias: str = ""


@dataclass(frozen=True)
class Written:
    """What a write did.

    Args:
        issue: all read back, None where that failed.
        title: as GitHub kept it, with `body`; None where they were not sent or the alias failed.
    """

    issue: Issue | None
    title: str | None
    body: str | None
    failures: tuple[Failure, ...]

    def missing(self, receipts: Sequence[Receipt]) -> list[Receipt]:
        """Those of the sent receipts that did not arrive; one whose comment has gone never will."""
        groups = {"x": [one for one in receipts if one.remove], "r": [one for one in receipts if not one.remove]}
        names = {f"{kind}{place}": one for kind, group in groups.items() for place, one in enumerate(group)}
        return [names[f.alias] for f in self.failures if f.alias in names and f.kind != "NOT_FOUND"]


@dataclass(frozen=True)
class Page:
    """One page of a listing.

    Args:
        size: how many issues were asked for; fewer than wanted where GitHub runs out of time on more.
        points: what such a page costs.
    """

    issues: tuple[Issue, ...]
    total: int
    store_total: int
    cursor: str | None
    reading: Reading
    size: int = PAGE
    points: int = 1

    @property
    def rest(self) -> int:
        """The points that the pages behind this one cost, where it is the first."""
        return -(-max(self.total - self.size, 0) // self.size) * self.points


def failures_of(answer: Answer) -> tuple[Failure, ...]:
    """What GitHub did not carry out of a mutation, by alias."""
    found = [(reason_of(error), error.get("path") or [""]) for error in answer.errors]
    return tuple(Failure(reason.message, reason.kind, alias=str(path[0])) for reason, path in found)


def pages(first: Page, more: Callable[[str], Page]) -> Iterator[Page]:
    """All pages, beginning with one that was read."""
    page = first
    yield page
    while page.cursor is not None:
        page = more(page.cursor)
        yield page
