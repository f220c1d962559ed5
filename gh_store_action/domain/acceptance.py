"""Whether an issue is an object of the store: by what GitHub enforces, so that everybody who reads it finds the same.

Only an issue's author and people with write permission can change its title and body, and the author keeps that right
for ever (github-facts, section 3).  So a title that somebody else has set, and that names the object and carries a
marker, was written with the rights of that day: the object is *accepted*, whoever leaves later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gh_store_action.domain import objects
from gh_store_action.domain.objects import Marker
from gh_store_action.domain.records import Issue, Rename, Rules
from gh_store_action.domain.strict_json import body_digest

MayWrite = Callable[[str, str], bool | None]
"""Asks about a login and an object, only where the issue does not tell; None for no answer."""


def titles_of(issue: Issue) -> Iterator[Rename]:
    """The title as it stands and those before it, newest first; `login` is empty where no visible event set it.

    An event may become visible later than the title that it set, and later than the events after it.  A title that
    nobody is seen to have changed is the author's, or is set by an event that is still to come.
    """
    if not issue.titles:
        yield Rename(issue.created_at, issue.author, issue.title)
    following = issue.title
    for rename in issue.titles:
        if rename.title != following:
            yield Rename("", "", following)
        yield rename
        following = rename.before


def marker_in(title: str, object_id: str) -> Marker | None:
    """The marker of a title that names this object; labels, and so ids, do not tell cases apart."""
    named, marker = objects.read_title(objects.read_moved(title)[0])
    return marker if named.casefold() == object_id.casefold() else None


def signers(issue: Issue, object_id: str, counting: frozenset[str]) -> frozenset[str]:
    """Who has set a marker of this object with the rights of that day: their receipts and states count, too.

    The author is among them only as an identity that counts.
    """
    found = {rename.login for rename in issue.titles if marker_in(rename.title, object_id) is not None}
    return frozenset(login for login in found if login != issue.author) | counting


def is_accepted(issue: Issue, object_id: str, counting: frozenset[str]) -> bool:
    """Whether nobody has to be asked about the issue: the store has signed it, or somebody who may write saved it.

    A bot may edit bodies for anybody, so the edit of a bot that does not count says nothing.
    """
    if issue.author in counting or issue.editor in counting:
        return True
    saved = issue.editor not in ("", issue.author) and not issue.editor.endswith("[bot]")
    return saved or bool(signers(issue, object_id, frozenset()))


def other_id(issue: Issue, object_id: str, counting: frozenset[str]) -> str:
    """The id that the newest signed title names, where no signed title names the label's; empty where one does."""
    other = ""
    for rename in titles_of(issue):
        named, marker = objects.read_title(objects.read_moved(rename.title)[0])
        if marker is None or not rename.login or (rename.login == issue.author and issue.author not in counting):
            continue
        if named.casefold() == object_id.casefold():
            return ""
        other = other or named
    return other


def wrong_label(issue: Issue, object_id: str, counting: frozenset[str]) -> str:
    """Why the label's id is not the object's, empty where it is."""
    other = other_id(issue, object_id, counting)
    return f"its label says {object_id}, but the title that the store wrote says {other}" if other else ""


def problem(issue: Issue, rules: Rules, counting: frozenset[str]) -> str:
    """Why labels and title do not say which object the issue is; empty where they do."""
    object_id = objects.object_id_of(issue, rules)
    if object_id is None:
        return objects.id_problem(issue, rules)
    return wrong_label(issue, object_id, counting)


def not_accepted(issue: Issue, object_id: str, counting: frozenset[str], may_write: MayWrite) -> str:
    """Why the issue is no object, for all its labels; empty where it is one."""
    if is_accepted(issue, object_id, counting):
        return ""
    answer = may_write(issue.author, object_id)
    if answer is None:
        return f"it is not accepted yet: GitHub did not say whether its author {issue.author} may write"
    return "" if answer else f"it was opened by {issue.author}, who may not write here"


def unaccepted_edit(issue: Issue, object_id: str, counting: frozenset[str], may_write: MayWrite) -> str:
    """Why the body is not to be given out as the state; empty where it is the state.

    The author can edit it by hand without the right to write; everybody else who can edit it has that right.
    """
    marker = marker_in(issue.title, object_id)
    if marker is None or issue.editor != issue.author or issue.author in counting:
        return ""
    if body_digest(issue.body).startswith(marker.digest) or may_write(issue.author, object_id):
        return ""
    return f"its body was edited by {issue.author}, and that edit is not accepted"
