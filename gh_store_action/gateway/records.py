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

    @property
    def strained(self) -> bool:
        """Whether GitHub may do a smaller request: it says nothing of this part of it, or that it took too much."""
        return not self.alias or not self.kind or self.kind.startswith("RESOURCE_LIMITS")


@dataclass(frozen=True)
class Order:
    """What is to be written to an issue: all of it in this order, and read back at last.

    A locked conversation takes no comment and no reaction of a bot (github-facts, section 3), so the lock is taken off
    first and put on again.

    Args:
        title: travels with `body`; both are None when they stay.
        beside: another issue to close, by its node id.
    """

    issue: Issue
    title: str | None = None
    body: str | None = None
    close: bool = False
    checkpoint: str = ""
    reply: str = ""
    receipts: Sequence[Receipt] = ()
    beside: str = ""

    @property
    def steps(self) -> int:
        """How many things GitHub is asked to do."""
        parts = (self.title or self.close, self.checkpoint, self.reply, self.beside)
        return sum(map(bool, parts)) + len(self.receipts) + 2 * self.issue.locked + 1

    @property
    def groups(self) -> Mapping[str, Sequence[Receipt]]:
        """The receipts by the letter of their aliases: those to be taken back, then those to be left."""
        return {
            "x": [one for one in self.receipts if one.remove],
            "r": [one for one in self.receipts if not one.remove],
        }


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

    def missing(self, order: Order) -> list[Receipt]:
        """Those of the sent receipts that did not arrive; one whose comment has gone never will."""
        names = {f"{kind}{place}": one for kind, group in order.groups.items() for place, one in enumerate(group)}
        return [names[f.alias] for f in self.failures if f.alias in names and f.kind != "NOT_FOUND"]


@dataclass(frozen=True)
class Page:
    """One page of a listing.

    Args:
        labelled: in a sweep's page, whether the repository has the label.
        size: how many issues were asked for; fewer than wanted where GitHub runs out of time on more.
        points: what such a page costs.
    """

    issues: tuple[Issue, ...]
    total: int
    store_total: int
    cursor: str | None
    reading: Reading
    labelled: bool = False
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
