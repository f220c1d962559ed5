"""Whose an object is: the store's own identity says so where it opened the issue for somebody else.

It says so twice.  The title under which it opens the issue is there before anything else, stands in the history of
titles for ever, and comes with every read; nobody can change what an issue was opened under.  The initial state says
the same, for a copy of the issue has no history of titles.  Whose state counts otherwise, by a marker that they have
set, does not say whose the object is. Otherwise someone who has lost access could claim it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from gh_store_action.domain.log.entries import Entry, Kind
from gh_store_action.domain.records import Issue

_OPENED = re.compile(r".* \[by (?P<login>\S{1,60}?)(?:, form (?P<form>[0-9]{1,10}))?\]", re.DOTALL)


@dataclass(frozen=True)
class Origin:
    """Where an object comes from.

    Args:
        owner: who made it, empty where that is the store itself.
        form: the number of the form's issue that it was made by, 0 for none.
        recorded: whether the store has said so; else the issue's author tells.
    """

    owner: str
    form: int = 0
    recorded: bool = True

    @property
    def suffix(self) -> str:
        """What the title says of it while the issue is opened; read by `origin_of`."""
        form = f", form {self.form}" if self.form else ""
        return f" [by {self.owner}{form}]" if self.owner else ""


NOBODY = Origin("", recorded=False)
"""The store's own."""


def origin_of(issue: Issue, entries: Iterable[Entry], counting: frozenset[str]) -> Origin:
    """Where the object comes from: what its log says, else the title that a counting identity opened the issue under,
    else the issue's author.

    Args:
        entries: of its log, as far as it was read.
    """
    makers = counting | {issue.author}
    states = (entry for entry in entries if entry.kind is Kind.CHECKPOINT and entry.comment.author in makers)
    said = next((entry for entry in states if entry.owner), None)
    if said is not None:
        return Origin(said.owner, said.form)
    if issue.author not in counting:
        return Origin(issue.author, recorded=False)
    found = _OPENED.fullmatch(_opening_title(issue))
    return Origin(found["login"].lower(), int(found["form"] or 0)) if found else NOBODY


def is_unread(issue: Issue, origin: Origin) -> bool:
    """Whether the beginning of the log may say whose the object is: a person's run opened its issue for somebody else.

    The title alone would be the word of anybody who opens an issue.
    """
    return not origin.recorded and _OPENED.fullmatch(_opening_title(issue)) is not None


def _opening_title(issue: Issue) -> str:
    renames = (*issue.first_titles[:1], *issue.titles[-1:])
    return renames[0].before if renames else issue.title
