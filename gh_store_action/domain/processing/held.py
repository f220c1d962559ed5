"""Which older updates without a receipt the body holds, and with what verdicts.

A run that is killed right behind the body leaves neither.  The log tells: it is folded as that run may have folded it,
until the fold gives the marker's state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, combinations, islice, product

from gh_store_action.domain.log.entries import Entry, Kind
from gh_store_action.domain.log.fold import Folded, State, attempt, newest_checkpoint, no_schema, repeats
from gh_store_action.domain.objects import Marker, short_digest
from gh_store_action.domain.patches.changes import between
from gh_store_action.domain.processing.base import answered, reach_checkpoint
from gh_store_action.domain.processing.context import Context
from gh_store_action.domain.processing.holding import Holding
from gh_store_action.domain.processing.replay import recorded_by_checkpoints, replay
from gh_store_action.domain.records import Issue
from gh_store_action.domain.strict_json import InvalidJson, Json, read_body
from gh_store_action.domain.verdicts import APPLIED, Outcome, Verdict

_MOST_PEOPLE = 6  # whose rights are tried both ways
_MOST_TRIES = 300  # folds of the log with the rules of today, and as many with others
_MOST_OF_A_SIZE = 100  # sets of so many late ones
_FIT_ANY = ("append", "replace", "merge-patch")  # modes that look at no value of the state


@dataclass(frozen=True)
class Held:
    """What is known about the updates up to the marker's comment.

    Args:
        late: those that the body does not contain, ascending by id.
        verdicts: of the others without a receipt, by comment id.
        unclear: updates of which the body contains some, and nothing tells which.
        extra: so many of those came late, at most.
    """

    late: tuple[Entry, ...]
    verdicts: Mapping[int, Verdict]
    unclear: tuple[Entry, ...] = ()
    extra: int = 0


def held_by(
    issue: Issue,
    entries: Sequence[Entry],
    context: Context,
    recorded: Mapping[int, Verdict],
    found: Holding,
    *,
    since: int,
    marker: Marker,
) -> Held:
    """Finds the updates that came late, and the verdicts of the others that have none.

    Args:
        entries: the log as read, ascending, including conversation.
        recorded: the binding verdicts.
        since: the comment after which the store's own log begins.

    Raises:
        NeedsMore: it needs a longer read or more permissions.
    """
    apart = {entry.id for entry in found.late} | recorded.keys()
    silent = [e for e in entries if e.asks and since < e.id <= marker.comment and e.id not in apart]
    if not silent and not found.maybe:
        return Held(found.late, {})
    context.insist(silent)
    search = _Search(issue, entries, context, recorded, found, tuple(silent), marker)
    fitting = search.fitting()
    if fitting is not None:
        without, folded = fitting
        late = tuple(entry for entry in entries if entry.id in without)
        verdicts = {e.id: folded.verdicts.get(e.id, search.guess[e.id]) for e in silent if e.id not in without}
        return Held(late, verdicts)
    if len(found.maybe) > found.extra and newest_checkpoint(entries) is not None:
        return Held(found.late, {}, found.maybe, found.extra)
    newest = found.maybe[-found.extra :] if found.extra else ()
    late = tuple(sorted((*found.late, *newest), key=lambda entry: entry.id))
    return Held(
        late, {comment: verdict for comment, verdict in search.guess.items() if comment not in {e.id for e in late}}
    )


@dataclass(frozen=True)
class _Search:
    """Folds the log in every way in which a run may have, the likely ones first.

    Args:
        silent: the updates without a verdict, apart from those that are known to have come late.
    """

    issue: Issue
    entries: Sequence[Entry]
    context: Context
    recorded: Mapping[int, Verdict]
    found: Holding
    silent: tuple[Entry, ...]
    marker: Marker

    def fitting(self) -> tuple[frozenset[int], Folded] | None:
        """The comments that came late, and the fold without them that gives the marker's state; None for none.

        A run that was killed before it wrote the body leaves a checkpoint of a state that the body never had.  So
        without a fit, the newest ones after the marker's comment are left out, one after another.
        """
        behind = self.marker.comment
        placed = [entry for entry in self.entries if entry.after <= behind]
        strays = [entry.id for entry in placed if entry.kind is Kind.CHECKPOINT and entry.id > behind]
        for count in range(len(strays) + 1):
            out = strays[len(strays) - count :]
            log = [entry for entry in placed if entry.id not in out]
            if self.found.maybe or any(self._needs_the_log(entry) for entry in self.silent):
                reach_checkpoint(self.issue, log)
            base = newest_checkpoint(log)
            if base is None or not (self.issue.complete or log[0].id <= base.after):
                return None
            best = self._best(log, base)
            if best is not None:
                return best
        return None

    def _needs_the_log(self, entry: Entry) -> bool:
        """Whether only the log can tell if the update was applied: its author may write, and it may have been refused.

        So a stranger makes no run read the log, and neither does an update that fits any state.
        """
        if self.guess[entry.id] is not APPLIED:
            return False
        if entry.mode not in _FIT_ANY or entry.if_revision is not None or entry.if_digest:
            return True
        judged = self.context.judge is not no_schema
        return judged or self.body is None or isinstance(attempt(self.body, entry), Verdict)

    def _best(self, log: Sequence[Entry], base: Entry) -> tuple[frozenset[int], Folded] | None:
        """The first fold with the marker's digest and revision, or else with its digest.

        Titles that people typed have raised revisions; otherwise, the revision tells whether an update was applied that
        changed nothing.
        """
        best: tuple[frozenset[int], Folded] | None = None
        certain = frozenset(entry.id for entry in self.found.late)
        now, others = self._rules()
        late = list(islice(self._late(log, base), _MOST_TRIES))
        for some, way in chain(product(late, now), islice(product(late, others), _MOST_TRIES)):
            without = certain | some
            folded = replay(
                way.seen(log, self.silent),
                way.context,
                up_to=self.marker.comment,
                recorded=self.bound,
                without=without,
            )
            if folded is None or short_digest(folded.state.data) != self.marker.digest:
                continue
            if folded.state.revision == self.marker.revision:
                return without, folded
            best = best or (without, folded)
        return best

    def _rules(self) -> tuple[Sequence[_Way], Sequence[_Way]]:
        """The rules by which a run may have folded: those of today, also without the schema, and other rights."""
        conditions = (False, True) if any(entry.if_revision is not None for entry in self.silent) else (False,)
        free = replace(self.context, judge=no_schema)
        strict = () if self.context.judge is no_schema else (_Way(self.context),)
        others = [_Way(then, lenient) for then in _other_rights(free, self.silent) for lenient in conditions]
        return (*strict, *(_Way(free, lenient) for lenient in conditions)), others

    def _late(self, log: Sequence[Entry], base: Entry) -> Iterator[frozenset[int]]:
        """What may have come late, the newest first.

        A checkpoint names what it contains that had no receipt, so of those before its place the others came late.
        After it, none may have: conversation counts, too.
        """
        known = recorded_by_checkpoints(log)
        ids = [entry.id for entry in reversed(self.found.maybe) if entry.id not in known]
        before = [number for number in ids if number <= base.after]
        after = ids[: len(ids) - len(before)]
        likely = self._likely(log, after)
        for first in range(min(self.found.extra, len(before)), -1, -1):
            most = min(self.found.extra - first, len(after))
            pools = [(after, 0), *((pool, size) for pool in (likely, after) for size in range(most, 0, -1))]
            for pool, size in pools:
                some = islice(combinations(pool, size), len(after) if size == 1 else _MOST_OF_A_SIZE)
                yield from (frozenset((*before[:first], *each)) for each in some)

    def _likely(self, log: Sequence[Entry], ids: Sequence[int]) -> Sequence[int]:
        """Those that change what differs between the body and the fold of all."""
        whole = replay(log, self.context, up_to=self.marker.comment, recorded=self.bound) if ids else None
        body = self.body
        if whole is None or body is None or short_digest(body.data) != self.marker.digest:
            return ()
        wrong = _paths(body.data, whole.state.data)
        states = [state for _, state in whole.history]
        changed = {
            comment: _paths(old.data, new.data)
            for old, (comment, new) in zip(states, whole.history[1:], strict=False)
            if comment in ids
        }
        return [number for number in ids if number not in changed or changed[number] & wrong]

    @cached_property
    def body(self) -> State | None:
        """What the body holds; None if that is no JSON."""
        try:
            return State(read_body(self.issue.body), self.marker.revision)
        except InvalidJson:
            return None

    @cached_property
    def bound(self) -> Mapping[int, Verdict]:
        """The verdicts that bind: those recorded, and those that a reply has told."""
        named = {entry.id for entry in self.silent if str(entry.id) in self.named}
        return {**self.recorded, **{comment: self.guess[comment] for comment in named}}

    @cached_property
    def named(self) -> frozenset[str]:
        """What the store's replies name: the reply is sent before the body."""
        return answered(self.entries)

    @cached_property
    def guess(self) -> Mapping[int, Verdict]:
        """The verdicts where the log tells nothing: whoever may write today was applied, unless a reply says no."""
        first = repeats(self.entries)
        found: dict[int, Verdict] = {}
        for entry in self.silent:
            before = first.get(entry.id)
            same = before and (found.get(before) or self.recorded.get(before))
            told = entry.kind is Kind.INVALID or str(entry.id) in self.named
            refused = same or (None if str(entry.id) in self.named else self.context.refusal(entry))
            if refused:
                found[entry.id] = refused
            elif told:
                found[entry.id] = Verdict(Outcome.REJECTED, (entry.problem,) if entry.problem.message else ())
            else:
                found[entry.id] = APPLIED
        return found


@dataclass(frozen=True)
class _Way:
    """The rules by which a run may have folded.

    Args:
        lenient: whether wanted revisions count as met: titles that people typed raised them.
    """

    context: Context
    lenient: bool = False

    def seen(self, log: Sequence[Entry], silent: Iterable[Entry]) -> Sequence[Entry]:
        """The log, with those conditions of updates without a verdict left out that do not count."""
        ids = {entry.id for entry in silent} if self.lenient else ()
        return [replace(entry, if_revision=None) if entry.id in ids else entry for entry in log]


def _other_rights(context: Context, entries: Iterable[Entry]) -> Iterator[Context]:
    """The rights that the authors of the entries may have had at that time."""
    people = list(dict.fromkeys(login for entry in entries for login in context.writers(entry)))[:_MOST_PEOPLE]
    for rights in product((True, False), repeat=len(people)):
        then = dict(zip(people, rights, strict=True))
        yield replace(context, permissions={**context.permissions, **then}, limited={**context.limited, **then})


def _paths(one: Json, other: Json) -> set[str]:
    """Where they differ."""
    return {change.path for change in between(one, other)}
