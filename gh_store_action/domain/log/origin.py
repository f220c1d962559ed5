"""An object's owner: if the store's own identity opened the issue for someone else, it says so.

It says so twice.  The first title of the issue is there before anything else, stays in the title history forever, and
comes with every read; no one can change it.  The initial state says the same, because a copy of the issue has no title
history.  People whose states count only by a marker that they have set cannot say who the owner is.  Otherwise someone
who has lost access could claim the object.
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
        owner: who created it; empty for the store itself.
        form: the number of the form's issue that created it; 0 for none.
        recorded: whether the store has said so; otherwise, the owner is the issue's author.
    """

    owner: str
    form: int = 0
    recorded: bool = True

    @property
    def suffix(self) -> str:
        """How the issue's first title says it; read by `origin_of`."""
        form = f", form {self.form}" if self.form else ""
        return f" [by {self.owner}{form}]" if self.owner else ""


NOBODY = Origin("", recorded=False)
"""The store's own."""


def origin_of(issue: Issue, entries: Iterable[Entry], counting: frozenset[str]) -> Origin:
    """Where the object comes from: by its log, or the first title by a counting identity, or the issue's author.

    Args:
        entries: of its log, as far as read.
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
    """Whether the beginning of the log may say who the owner is: a person's run opened the issue for someone else.

    The title alone is not enough, because anyone can open an issue with any title.
    """
    return not origin.recorded and _OPENED.fullmatch(_opening_title(issue)) is not None


def _opening_title(issue: Issue) -> str:
    renames = (*issue.first_titles[:1], *issue.titles[-1:])
    return renames[0].before if renames else issue.title
