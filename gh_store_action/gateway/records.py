"""What the gateway returns: a run's first response, pages of a listing, and what a write did."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gh_store_action.domain.records import Issue, Receipt
from gh_store_action.errors import GitHubError
from gh_store_action.gateway.answers import Answer, reason_of
from gh_store_action.gateway.refusals import Refused

PAGE = 100


@dataclass(frozen=True)
class StoreFiles:
    """The files on the default branch: the configuration and, by file name, the schemas and the issue forms."""

    config: str | None = None
    schemas: Mapping[str, str] = field(default_factory=dict)
    forms: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """The first response of a run: whose the token is, the store's files, and what was asked for.

    Args:
        standing: the token owner's permission, in lowercase; they may have more.  Empty for an App.
    """

    viewer: str
    files: StoreFiles
    issues: tuple[Issue, ...] = ()
    total: int = 0
    standing: str = ""


@dataclass(frozen=True)
class Failure(Refused):
    """One alias of a write that GitHub did not carry out."""

    alias: str = ""

    @property
    def strained(self) -> bool:
        """Whether a smaller request may succeed: GitHub says nothing about this part, or that it took too much."""
        return not self.alias or not self.kind or self.kind.startswith("RESOURCE_LIMITS")


@dataclass(frozen=True)
class Order:
    """What to write to an issue, in this order, with a read-back at the end.

    A bot cannot comment or react in a locked conversation (github-facts, section 3), so it is unlocked first and then
    locked again.

    Args:
        title: sent with `body`; both are None if they stay.
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
        """The number of things GitHub is asked to do."""
        parts = (self.title or self.close, self.checkpoint, self.reply, self.beside)
        return sum(map(bool, parts)) + len(self.receipts) + 2 * self.issue.locked + 1

    @property
    def groups(self) -> Mapping[str, Sequence[Receipt]]:
        """The receipts by the letter of their aliases: those to remove, then those to add."""
        return {
            "x": [one for one in self.receipts if one.remove],
            "r": [one for one in self.receipts if not one.remove],
        }


@dataclass(frozen=True)
class Written:
    """What a write did.

    Args:
        issue: as read back; None if that failed.
        title: as GitHub saved it, with `body`; None if they were not sent or the alias failed.
    """

    issue: Issue | None
    title: str | None
    body: str | None
    failures: tuple[Failure, ...]

    def missing(self, order: Order) -> list[Receipt]:
        """The sent receipts that did not arrive; if its comment was deleted, a receipt never will."""
        names = {f"{kind}{place}": one for kind, group in order.groups.items() for place, one in enumerate(group)}
        return [names[f.alias] for f in self.failures if f.alias in names and f.kind != "NOT_FOUND"]


@dataclass(frozen=True)
class Page:
    """One page of a listing.

    Args:
        labelled: in a sweep's page, whether the repository has the label.
        size: how many issues were asked for; fewer than wanted where GitHub runs out of time on more.
        points: what such a page costs.
        unread: why the issues that should be here are not: GitHub did not show all of them.
    """

    issues: tuple[Issue, ...]
    total: int
    store_total: int
    cursor: str | None
    reading: Reading
    labelled: bool = False
    size: int = PAGE
    points: int = 1
    unread: tuple[GitHubError, ...] = ()

    @property
    def rest(self) -> int:
        """The cost of the pages after this one, if it is the first."""
        return -(-max(self.total - self.size, 0) // self.size) * self.points

    def whole(self) -> Page:
        """The page.

        Raises:
            GitHubError: it lacks an issue, so it cannot tell that something is not there.
        """
        for error in self.unread:
            raise error
        return self


def failures_of(answer: Answer) -> tuple[Failure, ...]:
    """The parts of a mutation that GitHub did not carry out, by alias."""
    found = [(reason_of(error), error.get("path") or [""]) for error in answer.errors]
    return tuple(Failure(reason.message, reason.kind, alias=str(path[0])) for reason, path in found)


def pages(first: Page, more: Callable[[str], Page]) -> Iterator[Page]:
    """All pages, starting with one that was read."""
    page = first
    yield page
    while page.cursor is not None:
        page = more(page.cursor)
        yield page
