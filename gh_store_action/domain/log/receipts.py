"""Which reactions of people can be receipts: people react by hand, too.

A run writes a title whose marker covers the comments that it has read, and then leaves its receipts on them.  If no
title of that time covers a comment, no run knew it, and a person's reaction to it is an opinion.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import replace

from gh_store_action.domain import acceptance
from gh_store_action.domain.log.entries import Entry, Kind
from gh_store_action.domain.log.fold import State, attempt, in_doubt
from gh_store_action.domain.names import DEFAULT_MODE
from gh_store_action.domain.objects import Marker, short_id
from gh_store_action.domain.records import NEWEST_TITLES, Comment, Issue, Reaction, Rules
from gh_store_action.domain.strict_json import Json, equal
from gh_store_action.domain.verdicts import Outcome, outcomes_given


def sifted(issue: Issue, object_id: str, processors: Collection[str], verdicts: Collection[str]) -> Issue:
    """The issue with the reactions marked that no run can have left, see `Reaction.by_hand`.

    GitHub's times have a resolution of one second.  In the second when a title was set, only whoever set it can have
    left receipts.  A run removes its owner's other verdicts.  So if a person's first verdict is by hand, all their
    reactions are.  A processor's reaction is always a receipt.  Reactions from before the store's own log are not
    judged: gh-store left its receipts without a marker.

    Args:
        verdicts: the contents that stand for one.
    """
    titles = [*acceptance.titles_of(issue), *issue.first_titles]
    markers = [(one.at, one.login, found) for one in titles if (found := acceptance.marker_in(one.title, object_id))]
    if not markers:
        return issue
    first = min(marker.comment for *_, marker in markers)
    whole = len(issue.titles) < NEWEST_TITLES and not issue.cut
    since = "" if whole else issue.titles[-1].at  # older titles are not known
    ids = [comment.id for comment in issue.comments]

    def is_by_hand(comment: Comment, reaction: Reaction) -> bool:
        if comment.id <= first or reaction.login in processors or not reaction.at or reaction.at < since:
            return False
        before = (
            marker
            for at, login, marker in markers
            if at < reaction.at or (at == reaction.at and login in ("", reaction.login))
        )
        return not any(covers(marker, comment.id, ids) for marker in before)

    def judged(comment: Comment) -> Comment:
        hands = {one.login for one in comment.reactions if one.content in verdicts and is_by_hand(comment, one)}
        reactions = (replace(one, by_hand=one.login in hands or is_by_hand(comment, one)) for one in comment.reactions)
        return replace(comment, reactions=tuple(reactions)) if comment.reactions else comment

    return replace(issue, comments=tuple(map(judged, issue.comments)))


def verdicts_given(entry: Entry, rules: Rules, who: Collection[str], *, by_gh_store: bool = False) -> list[Outcome]:
    """The outcomes that receipts record on an update, oldest first.  The oldest one binds.

    If a processor has left receipts, only those count.  People also react by hand, and when a processor replaces its
    receipt, an older thumb by a person would become the oldest one.

    A 👍 on a comment that was never an update records nothing.  But gh-store, or an older version of this action, may
    have applied JSON that counts as a mistake today.

    Args:
        who: people whose receipts count in this log.
        by_gh_store: whether their receipts are gh-store's.
    """
    if not entry.asks:
        return []
    update = entry.kind is Kind.UPDATE or entry.comment.edited_at != ""
    readable = update or entry.patch is not None
    for people, possible in ((rules.processors, readable), (who, readable if by_gh_store else update)):
        given = outcomes_given(entry.comment, rules.reactions, people)
        sound = [outcome for outcome in given if possible or outcome is not Outcome.APPLIED]
        if sound:
            return sound
    return []


def gh_store_folded(entry: Entry, data: Json) -> bool:
    """Whether gh-store can have folded the update, so that a person's 👍 on it can be gh-store's receipt.

    gh-store read comments that contain only JSON, and merged them into the data.  It knew no other mode: operators and
    JSON Patch operations became data, too.

    Args:
        data: the object's.
    """
    if entry.comment.edited_at:
        return True  # it may have been another text
    try:
        json.loads(entry.comment.body)
    except (ValueError, RecursionError):
        return False
    return entry.mode == DEFAULT_MODE or holds(entry, data)


def holds(entry: Entry, data: Json) -> bool:
    """Whether merging the update into the data, as gh-store did, would change nothing."""
    merged = attempt(State(data, 1), replace(entry.as_applied, mode=DEFAULT_MODE))
    return isinstance(merged, State) and equal(merged.data, data)


def as_folded(
    entries: Sequence[Entry], issue: Issue, object_id: str, binding: Collection[str], verdicts: Collection[str]
) -> list[Entry]:
    """The entries, the edited ones with the time of their fold, see `Entry.changed`.

    Updates that now have the same key as a changed one are marked, see `Entry.may_repeat`.

    A run folds what it reads, then writes a title that names it, and then leaves the receipt.

    Args:
        entries: of the issue, as `sifted` gives it.
        binding: people whose receipts and titles count in this log.
        verdicts: the contents that stand for one.
    """
    titles = [*acceptance.titles_of(issue), *issue.first_titles]
    markers = [
        (one.at, acceptance.marker_in(one.title, object_id)) for one in titles if one.at and one.login in binding
    ]

    def folded_at(comment: Comment) -> str:
        given = (one for one in comment.reactions if one.login in binding and one.content in verdicts)
        times = [one.at for one in given if one.at and not one.by_hand]
        times += [at for at, marker in markers if marker and _names(marker, comment.id)]
        return min(times, default="")

    return in_doubt([replace(e, folded_at=folded_at(e.comment)) if e.comment.edited_at else e for e in entries])


def _names(marker: Marker, comment: int) -> bool:
    return comment <= marker.comment and short_id(comment) in marker.recent


def covers(marker: Marker, comment: int, ids: Sequence[int]) -> bool:
    """Whether the run that set the marker may have known the comment.

    Args:
        ids: of the comments that were read, ascending.
    """
    if comment > marker.comment or not marker.recent:  # a run names what it read; without names, a title was typed
        return False
    if short_id(comment) in marker.recent or marker.comment not in ids:  # a copy's comments have other ids
        return True
    if marker.count <= len(marker.recent):
        return False
    below = [number for number in ids if number <= marker.comment][-len(marker.recent) :]
    named = [number for number in below if short_id(number) in marker.recent]
    return bool(named) and comment < named[0]  # a run names at least the marker's own comment
