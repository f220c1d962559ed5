"""Who owns an object: if somebody else opened its issue, or opened it as a copy, the title at that moment says so.

That title exists before anything else, stays in the history of titles, and comes with every read.  Nobody can change it
afterwards, and an issue is an object only if somebody who may write has accepted it.  The initial state says the same,
because an imported repository has no history of titles.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from gh_store_action.domain.log.entries import Entry, Kind
from gh_store_action.domain.records import Issue

_NOBODYS = " [nobody's]"
_OPENED = re.compile(
    r".* \[(?:by (?P<login>\S{1,60}?)(?:, form (?P<form>[0-9]{1,10}))?|" + _NOBODYS[2:-1] + r")\]", re.DOTALL
)


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
        """What the title says of it while the issue is opened; read by `origin_of`."""
        if not self.recorded:
            return ""
        form = f", form {self.form}" if self.form else ""
        return f" [by {self.owner}{form}]" if self.owner else _NOBODYS


UNSAID = Origin("", recorded=False)
"""The store's own, where nothing says so."""


def origin_of(issue: Issue, entries: Iterable[Entry], processors: Collection[str]) -> Origin:
    """Where the object comes from: by its issue's first title, else by its log, else by the issue's author.

    Args:
        issue: an accepted one.
        entries: of its log, as far as it was read.
        processors: what they open is nobody's.
    """
    found = _OPENED.fullmatch(_opening_title(issue))
    if found is not None:
        return Origin((found["login"] or "").lower(), int(found["form"] or 0))
    makers = {*processors, issue.author}
    states = (entry for entry in entries if entry.kind is Kind.CHECKPOINT and entry.comment.author in makers)
    said = next((entry for entry in states if entry.owner), None)
    if said is not None:
        return Origin(said.owner, said.form)
    return UNSAID if issue.author in processors else Origin(issue.author, recorded=False)


def _opening_title(issue: Issue) -> str:
    renames = (*issue.first_titles[:1], *issue.titles[-1:])
    return renames[0].before if renames else issue.title
