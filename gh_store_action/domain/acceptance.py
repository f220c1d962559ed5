"""Whether an issue is an object of the store: by what GitHub enforces, so that everybody who reads it finds the same.

Only an issue's author and people with write permission can change its title and body, and the author keeps that right
for ever (github-facts, section 3).  So a title that somebody else has set, and that names the object and carries a
marker, was written with the rights of that day: the object is *accepted*, whoever leaves later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gh_store_action.domain import objects
from gh_store_action.domain.objects import Marker
from gh_store_action.domain.records import NEWEST_TITLES, Issue, Rename, Rules
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


def is_setter_hidden(issue: Issue, object_id: str) -> bool:
    """Whether the title has a marker, and no visible event says who set it: an issue is opened without one."""
    newest = next(titles_of(issue))
    return marker_in(newest.title, object_id) is not None and (not newest.login or not issue.titles)


def marker_in(title: str, object_id: str) -> Marker | None:
    """The marker of a title that names this object."""
    return objects.read_title(objects.read_moved(title)[0])[1] if objects.names(title, object_id) else None


def _all_titles(issue: Issue) -> Iterator[Rename]:
    """All changes of the title that were read: the newest ones, and the oldest, which nobody can push out of sight."""
    yield from titles_of(issue)
    yield from issue.first_titles


def _is_the_authors(rename: Rename, issue: Issue, counting: frozenset[str]) -> bool:
    """Whether the title is worth what its author's right to write is; nobody is seen to have set it, or the author."""
    return rename.login in ("", issue.author) and issue.author not in counting


def signers(issue: Issue, object_id: str, counting: frozenset[str]) -> frozenset[str]:
    """Who has set a marker of this object with the rights of that day: their receipts and states count, too.

    The author is among them only as an identity that counts.
    """
    found = {rename.login for rename in _all_titles(issue) if marker_in(rename.title, object_id) is not None}
    return frozenset(login for login in found if login not in ("", issue.author)) | counting


def is_signed(issue: Issue, object_id: str, counting: frozenset[str]) -> bool:
    """Whether somebody but the author, or an identity that counts, has set a marker of this object."""
    return any(
        marker_in(rename.title, object_id) is not None and not _is_the_authors(rename, issue, counting)
        for rename in _all_titles(issue)
    )


def is_accepted(issue: Issue, object_id: str, counting: frozenset[str]) -> bool:
    """Whether nobody has to be asked about the issue: the store has signed it, or somebody who may write saved it.

    A bot opens and edits issues for anybody.  So one that counts has to have the object's title on its issue, and the
    edit of another says nothing.
    """
    hands = {issue.author, issue.editor} & counting
    if is_signed(issue, object_id, counting) or any(not login.endswith("[bot]") for login in hands):
        return True
    saved = issue.editor not in ("", issue.author) and not issue.editor.endswith("[bot]")
    return saved or (bool(hands) and _is_named(issue, object_id))


def _is_named(issue: Issue, object_id: str) -> bool:
    """Whether a title has named the object, with a marker or without."""
    return any(objects.names(rename.title, object_id) for rename in _all_titles(issue))


def goes_first(issue: Issue, object_id: str, counting: frozenset[str]) -> bool:
    """Whether the issue goes before others with its id, of which else the lowest number counts.

    The store has signed it, or opened it as this object.
    """
    made = issue.author in counting and _is_named(issue, object_id)
    return made or is_signed(issue, object_id, counting)


def trusted_title(issue: Issue, object_id: str, counting: frozenset[str], may_write: MayWrite) -> str:
    """The newest title that was set with the right to write; empty where there is none.

    An event may be late: a title that nobody is seen to have set is the store's where the store saved the body.
    """
    for rename in titles_of(issue):
        late = not rename.login and issue.editor in counting
        if late or not _is_the_authors(rename, issue, counting) or may_write(issue.author, object_id):
            return rename.title
    return ""


def has_moved(issue: Issue) -> bool:
    """Whether any title says that the object moved; whether that counts is another question, which may cost one."""
    return any(objects.read_moved(rename.title)[1] for rename in titles_of(issue))


def kept_in(issue: Issue, object_id: str, counting: frozenset[str], may_write: MayWrite) -> int:
    """The number of the issue that the object was moved to for good, 0 where it was not."""
    title = trusted_title(issue, object_id, counting, may_write) if has_moved(issue) else ""
    return objects.read_moved(title)[1] if objects.is_moved(title) and marker_in(title, object_id) else 0


def other_id(issue: Issue, object_id: str, counting: frozenset[str]) -> str:
    """The id that the newest signed title names, where no signed title names the label's; empty where one does."""
    other = ""
    for rename in _all_titles(issue):
        named, marker = objects.read_title(objects.read_moved(rename.title)[0])
        if marker is None or not rename.login or _is_the_authors(rename, issue, counting):
            continue
        if objects.names(rename.title, object_id):
            return ""
        other = other or named
    return other


def unsigned_id(issue: Issue, object_id: str, counting: frozenset[str]) -> str:
    """The id that the title names, where it is another than the label's and nobody has signed one; else empty."""
    said = objects.names(issue.title, object_id) or is_signed(issue, object_id, counting)
    return "" if said else objects.read_title(issue.title)[0]


def wrong_label(issue: Issue, object_id: str, counting: frozenset[str]) -> str:
    """Why the label's id is not the object's, empty where it is."""
    if other := other_id(issue, object_id, counting):
        return f"its label says {object_id}, but the title that the store wrote says {other}"
    other = unsigned_id(issue, object_id, counting)
    return f"its label says {object_id}, but its title says {other}" if other else ""


def problem(issue: Issue, rules: Rules, counting: frozenset[str]) -> str:
    """Why labels and signed titles do not say which object the issue is, or that it is none; empty where they do."""
    if retired := objects.retired(issue):
        return retired
    object_id = objects.object_id_of(issue, rules)
    if object_id is None:
        return objects.id_problem(issue, rules)
    return wrong_label(issue, object_id, counting) if other_id(issue, object_id, counting) else ""


def not_accepted(issue: Issue, object_id: str, counting: frozenset[str], may_write: MayWrite) -> str:
    """Why the issue is no object, for all its labels; empty where it is one."""
    if is_accepted(issue, object_id, counting):
        return ""
    if issue.author in counting:
        return f"it was opened by {issue.author}, and not with the title {objects.TITLE_PREFIX}{object_id}"
    answer = may_write(issue.author, object_id)
    if answer is None:
        return f"it is not accepted yet: GitHub did not say whether its author {issue.author} may write"
    return "" if answer else f"it was opened by {issue.author}, who may not write here"


def unaccepted_edit(issue: Issue, object_id: str, counting: frozenset[str], may_write: MayWrite) -> str:
    """Why the body is not to be given out as the state; empty where it is the state.

    The author can edit it by hand without the right to write, and so can people whom `access` leaves out.
    """
    if issue.editor == "" or issue.editor in counting or not is_signed(issue, object_id, counting):
        return ""
    marker = marker_in(trusted_title(issue, object_id, counting, may_write), object_id)
    if marker is not None and body_digest(issue.body).startswith(marker.digest):
        return ""
    if may_write(issue.editor, object_id):
        return ""
    return f"its body was edited by {issue.editor}, and that edit is not accepted"


def enough(issue: Issue, rules: Rules, counting: frozenset[str]) -> bool:
    """Whether a reader finds in what a listing shows of the issue the same as in all of it.

    The first comments matter where no title says the id that a label has the hash of.  The first titles matter where
    the newest ones do not say who signed the object, or which one it is, and the number of comments where the title
    has no marker that counts.
    """
    if objects.is_live(issue, rules) and objects.is_nameless(issue, rules):
        return False  # its first comments may say which object it is
    if not issue.cut:
        return True
    object_id = objects.claimed_id(issue, rules)
    if len(issue.titles) < NEWEST_TITLES or len(objects.uid_labels(issue, rules)) != 1 or not object_id:
        return False
    read = (trusted_title(issue, object_id, counting, lambda *_, may=may: may) for may in (True, False))
    return is_signed(issue, object_id, counting) and all(marker_in(title, object_id) for title in read)
