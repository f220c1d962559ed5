"""Many issues alike that are made when they are asked for: a store of a hundred thousand objects takes no memory."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .access import Principal
from .labels import named
from .model import STRIDES, Happening, Issue, Label, RepositoryRecord

if TYPE_CHECKING:
    from .hub import Hub

Written = Callable[[int], tuple[str, str]]
WRITES = 3  # for each, by which the clock moves: its label, the issue, its closing
EVENTS = 3  # in the timeline of each: two labels, its closing


@dataclass
class Stock(MutableMapping[int, Issue]):
    """A repository's issues: those of the stock, and others.

    All of the stock have one label and each has one of its own; they are closed, and nobody has said anything.  What
    was asked for by its number is kept, for it may be changed; what lists show is not.

    Args:
        numbers: of the stock.
        written: title and body, by the place in the stock.
        kept: all issues that are no longer as the stock has them.
        labels: the one of all, and the first of their own.
        first: ids of the issue and of the timeline's entry before the first one.
        start: the moment before it, and `tick` the seconds of a write.
    """

    repository: int
    numbers: range
    author: str
    written: Written
    labels: tuple[Label, int, list[str]]
    first: tuple[int, int]
    start: int
    tick: int
    kept: dict[int, Issue] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)

    # -- one issue -------------------------------------------------------------------------------------------------

    def made(self, number: int) -> Issue:
        """One of the stock, as `open_issue` and `edit_issue` leave it."""
        shared, own, names = self.labels
        place = number - self.numbers.start
        title, body = self.written(place)
        issue, event = self.first[0] + STRIDES["issue"] * (place + 1), self.first[1] + EVENTS * place
        opened, closed = self._created(number), self._updated(number)

        def happened(step: int, kind: str, at: int, details: dict[str, object]) -> Happening:
            return Happening(event + step, kind, self.author, at, self.repository, number, details)

        def labelled(step: int, label: int, name: str) -> Happening:
            return happened(step, "labeled", opened, {"label": label, "name": name, "color": shared.color})

        return Issue(
            id=issue,
            repository=self.repository,
            number=number,
            author=self.author,
            title=title,
            body=body,
            created=opened,
            updated=closed,
            state="closed",
            reason="completed",
            closed=closed,
            closed_by=self.author,
            labels=[shared.id, own + place],
            timeline=[
                labelled(1, shared.id, shared.name),
                labelled(2, own + place, names[place]),
                happened(3, "closed", closed, {"reason": "completed"}),
            ],
        )

    def _created(self, number: int) -> int:
        return self._updated(number) - self.tick

    def _updated(self, number: int) -> int:
        return self.start + WRITES * self.tick * (number - self.numbers.start + 1)

    def __getitem__(self, number: int) -> Issue:
        if number not in self:
            raise KeyError(number)
        return self.kept.get(number) or self.kept.setdefault(number, self.made(number))

    def __setitem__(self, number: int, issue: Issue) -> None:
        self.kept[number] = issue

    def __delitem__(self, number: int) -> None:
        self.kept.pop(number, None)
        self.gone.add(number)

    def __contains__(self, number: object) -> bool:
        return number in self.kept or (number in self.numbers and number not in self.gone)

    def __iter__(self) -> Iterator[int]:
        yield from sorted({*self.numbers, *self.kept} - self.gone)

    def __len__(self) -> int:
        return len(self.numbers) + sum(number not in self.numbers for number in self.kept) - len(self.gone)

    def values(self) -> Iterator[Issue]:  # type: ignore[override]
        """All of them, none kept."""
        return (self.kept.get(number) or self.made(number) for number in self)

    # -- lists -----------------------------------------------------------------------------------------------------

    def listed(
        self, labels: Sequence[AbstractSet[int]], fits: Callable[[Issue], bool], order: str, *, descending: bool
    ) -> Sequence[Issue]:
        """Those with one label of each set that fit, in an order of GraphQL's; an issue is made where it is looked at.

        Args:
            fits: once it is true of one of the stock, it is of all later ones.
        """
        shared, own, _ = self.labels
        of_stock: Sequence[int] = self.numbers
        for wanted in labels:
            if shared.id not in wanted:
                of_stock = [number for number in of_stock if own + number - self.numbers.start in wanted]
        of_stock = of_stock[bisect_left(of_stock, True, key=lambda number: fits(self.made(number))) :]
        numbers = [number for number in of_stock if number not in self.kept and number not in self.gone]

        def key(number: int) -> tuple[int, int]:
            issue = self.kept.get(number)
            if order == "COMMENTS":
                return len(issue.comments) if issue else 0, number
            if order == "CREATED_AT":
                return issue.created if issue else self._created(number), number
            return issue.updated if issue else self._updated(number), number

        for issue in self.kept.values():
            if fits(issue) and all(not wanted.isdisjoint(issue.labels) for wanted in labels):
                insort(numbers, issue.number, key=key)
        return _Rows(self, numbers[::-1] if descending else numbers)


class _Rows(Sequence[Issue]):
    """Some of them by their numbers."""

    def __init__(self, stock: Stock, numbers: list[int]) -> None:
        self._stock, self._numbers = stock, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, place: int | slice) -> Issue | list[Issue]:  # type: ignore[override]
        if isinstance(place, slice):
            return [self[at] for at in range(*place.indices(len(self)))]  # type: ignore[misc]
        number = self._numbers[place]
        return self._stock.kept.get(number) or self._stock.made(number)


def fill(hub: Hub, repo: RepositoryRecord, who: Principal, names: list[str], label: str, written: Written) -> range:
    """A stock of one issue for each name of a label; see `Repository.stock`."""
    (shared,) = named(hub, repo, who, [label], True)
    world, tick = hub.world, hub.world.clock.tick
    issue, event, own, start = *(world.sequences[kind] for kind in ("issue", "happening", "label")), world.clock.now
    for place, name in enumerate(names):
        at = start + WRITES * tick * place + tick
        one = Label(own + 1 + place, name, shared.color, None, at, at, repo.id)
        repo.labels[one.id] = one
        repo.label_ids[name.lower()] = one.id
    numbers = range(repo.next_number, repo.next_number + len(names))
    repo.issues = Stock(
        repo.id, numbers, who.login, written, (shared, own + 1, names), (issue, event), start, tick, {**repo.issues}
    )
    repo.next_number = numbers.stop
    world.sequences["label"] += len(names)
    world.sequences["issue"] += STRIDES["issue"] * len(names)
    world.sequences["happening"] += EVENTS * len(names)
    world.clock.now += WRITES * tick * len(names)
    return numbers
