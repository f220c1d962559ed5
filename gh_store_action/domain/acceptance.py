"""Whether an issue is an object of the store: by what GitHub enforces, so that all readers find the same.

Only the `processors` count without asking.  Whose token is in use makes no difference.

Only an issue's author and people with write permission can change its title and body, and the author always keeps that
right (github-facts, section 3).  So a title with the object's id and a marker, set by anyone but the author, was
written by someone who had the right at that time: the object is *accepted*, even if they leave later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gh_store_action.domain import objects
from gh_store_action.domain.objects import Marker
from gh_store_action.domain.records import FOREVER, GHOST, NEWEST_TITLES, Issue, Rename, Rules
from gh_store_action.domain.strict_json import body_digest

MayWrite = Callable[[str, str], bool | None]
"""Asks about a login and an object, only if the issue does not say; None for no answer."""


def titles_of(issue: Issue) -> Iterator[Rename]:
    """The current title and earlier ones, newest first; `login` is empty if no visible event set it.

    An event may become visible later than its title, and later than the events after it.  The oldest title, which the
    issue was opened with, is the author's, or its event has not appeared yet.
    """
    following = issue.title
    for rename in issue.titles:
        if rename.title != following:
            yield Rename("", "", following)
        yield rename
        following = rename.before
    if not issue.titles or (len(issue.titles) < NEWEST_TITLES and not issue.cut):
        yield Rename(issue.created_at, issue.author, following)


def is_setter_hidden(issue: Issue, object_id: str) -> bool:
    """Whether the title has a marker, and no visible event says who set it: an issue is opened without one."""
    newest = next(titles_of(issue))
    return marker_in(newest.title, object_id) is not None and (not newest.login or not issue.titles)


def marker_in(title: str, object_id: str) -> Marker | None:
    """The marker of a title with this object's id."""
    return objects.read_title(objects.read_moved(title)[0])[1] if objects.names(title, object_id) else None


def newest_comment(issue: Issue, object_id: str) -> int:
    """The newest comment that the issue has, or had: a marker names it, although it may be deleted; 0 for none."""
    markers = (marker_in(rename.title, object_id) for rename in titles_of(issue))
    named = (marker.comment for marker in markers if marker is not None)
    return max((*named, *(comment.id for comment in issue.comments)), default=0)


def _all_titles(issue: Issue) -> Iterator[Rename]:
    """All title changes that were read: the newest, and the oldest, which no one can push out of sight."""
    yield from titles_of(issue)
    yield from issue.first_titles


def _is_the_authors(rename: Rename, issue: Issue, processors: frozenset[str]) -> bool:
    """Whether the title counts only if the author may write: the author set it, or no visible event did."""
    return rename.login in ("", issue.author) and issue.author not in processors


def signers(issue: Issue, object_id: str, counting: frozenset[str]) -> dict[str, str]:
    """The people who have set a marker of this object while they had the right: their receipts and states count, too.

    The author is one of them only as a counting identity; and nobody by the login of all deleted accounts.

    Args:
        counting: the token's own login and the processors; for a history, the processors alone.

    Returns:
        By login, the time of the newest such marker.  What they have posted later does not count: a run posts first,
        and they may have lost the right.  `FOREVER` for a counting identity.
    """
    found: dict[str, str] = {}
    for rename in _all_titles(issue):
        if rename.login not in ("", GHOST, issue.author) and marker_in(rename.title, object_id) is not None:
            found[rename.login] = max(rename.at, found.get(rename.login, ""))
    return found | dict.fromkeys(counting, FOREVER)


def is_signed(issue: Issue, object_id: str, processors: frozenset[str]) -> bool:
    """Whether anyone but the author, or a processor, has set a marker of this object."""
    return any(
        marker_in(rename.title, object_id) is not None and not _is_the_authors(rename, issue, processors)
        for rename in _all_titles(issue)
    )


def is_accepted(issue: Issue, object_id: str, processors: frozenset[str]) -> bool:
    """Whether the issue counts without asking: the store has signed it, or someone who may write saved it.

    Bots open and edit issues for anyone.  So a bot that counts must have given its issue the object's title, and
    another bot's edit proves nothing.
    """
    hands = {issue.author, issue.editor} & processors
    if is_signed(issue, object_id, processors) or any(not login.endswith("[bot]") for login in hands):
        return True
    saved = issue.editor not in ("", issue.author) and not issue.editor.endswith("[bot]")
    return saved or (bool(hands) and _is_named(issue, object_id))


def _is_named(issue: Issue, object_id: str) -> bool:
    """Whether a title has had the object's id, with or without a marker."""
    return any(objects.names(rename.title, object_id) for rename in _all_titles(issue))


def goes_first(issue: Issue, object_id: str, processors: frozenset[str]) -> bool:
    """Whether the issue wins over others with its id; among the rest, the lowest number counts.

    The store has signed it, or opened it as this object.
    """
    made = issue.author in processors and _is_named(issue, object_id)
    return made or is_signed(issue, object_id, processors)


def trusted_title(issue: Issue, object_id: str, processors: frozenset[str], may_write: MayWrite) -> str:
    """The newest title set by someone who may write; empty if there is none.

    An event may be late: a title without a visible event is the store's if the store saved the body, or somebody who
    may write did.
    """
    saved = issue.editor not in ("", issue.author)
    for rename in titles_of(issue):
        late = not rename.login and (issue.editor in processors or (saved and may_write(issue.editor, object_id)))
        if late or not _is_the_authors(rename, issue, processors) or may_write(issue.author, object_id):
            return rename.title
    return ""


def has_moved(issue: Issue) -> bool:
    """Whether any title says that the object moved; whether that title counts may take a request to find out."""
    return any(objects.read_moved(rename.title)[1] for rename in titles_of(issue))


def kept_in(issue: Issue, object_id: str, processors: frozenset[str], may_write: MayWrite) -> int:
    """The number of the issue that the object was permanently moved to; 0 if it was not."""
    title = trusted_title(issue, object_id, processors, may_write) if has_moved(issue) else ""
    return objects.read_moved(title)[1] if objects.is_moved(title) and marker_in(title, object_id) else 0


def other_id(issue: Issue, object_id: str, processors: frozenset[str]) -> str:
    """The id in the newest signed title, if no signed title has the label's id; otherwise, empty."""
    other = ""
    for rename in _all_titles(issue):
        named, marker = objects.read_title(objects.read_moved(rename.title)[0])
        if marker is None or not rename.login or _is_the_authors(rename, issue, processors):
            continue
        if objects.names(rename.title, object_id):
            return ""
        other = other or named
    return other


def unsigned_id(issue: Issue, object_id: str, processors: frozenset[str]) -> str:
    """The id in the title, if it differs from the label's and no title is signed; otherwise, empty."""
    said = objects.names(issue.title, object_id) or is_signed(issue, object_id, processors)
    return "" if said else objects.read_title(issue.title)[0]


def wrong_label(issue: Issue, object_id: str, processors: frozenset[str]) -> str:
    """Why the label's id is not the object's; empty if it is."""
    if other := other_id(issue, object_id, processors):
        return f"its label says {object_id}, but the title that the store wrote says {other}"
    other = unsigned_id(issue, object_id, processors)
    return f"its label says {object_id}, but its title says {other}" if other else ""


def problem(issue: Issue, rules: Rules) -> str:
    """Why labels and signed titles do not say whether the issue is an object, and which one; empty if they do."""
    if retired := objects.retired(issue):
        return retired
    object_id = objects.object_id_of(issue, rules)
    if object_id is None:
        return objects.id_problem(issue, rules)
    return wrong_label(issue, object_id, rules.processors) if other_id(issue, object_id, rules.processors) else ""


def not_accepted(issue: Issue, object_id: str, processors: frozenset[str], may_write: MayWrite) -> str:
    """Why the issue is not an object in spite of its labels; empty if it is one."""
    if is_accepted(issue, object_id, processors):
        return ""
    if issue.author in processors:
        return f"it was opened by {issue.author}, and not with the title {objects.TITLE_PREFIX}{object_id}"
    answer = may_write(issue.author, object_id)
    if answer is None:
        return f"it is not accepted yet: GitHub did not say whether its author {issue.author} may write"
    return "" if answer else f"it was opened by {issue.author}, who may not write here"


def unaccepted_edit(issue: Issue, object_id: str, processors: frozenset[str], may_write: MayWrite) -> str:
    """Why the body does not count as the state; empty if it does.

    The author can edit it by hand without the right to write, and so can people whom `access` leaves out.
    """
    if issue.editor == "" or issue.editor in processors or not is_signed(issue, object_id, processors):
        return ""
    marker = marker_in(trusted_title(issue, object_id, processors, may_write), object_id)
    if marker is not None and body_digest(issue.body).startswith(marker.digest):
        return ""
    if may_write(issue.editor, object_id):
        return ""
    return f"its body was edited by {issue.editor}, and that edit is not accepted"


def enough(issue: Issue, rules: Rules) -> bool:
    """Whether what a listing shows of the issue is enough to decide.

    The first comments matter if no title has the id for a label's hash.  The first titles matter if the newest do not
    say who signed the object, or which one it is.  The number of comments matters if the title has no marker that
    counts.
    """
    if objects.is_live(issue, rules) and objects.is_nameless(issue, rules):
        return False  # its first comments may say which object it is
    if not issue.cut:
        return True
    object_id = objects.claimed_id(issue, rules)
    if len(issue.titles) < NEWEST_TITLES or len(objects.uid_labels(issue, rules)) != 1 or not object_id:
        return False
    processors = rules.processors
    read = (trusted_title(issue, object_id, processors, lambda *_, may=may: may) for may in (True, False))
    return is_signed(issue, object_id, processors) and all(marker_in(title, object_id) for title in read)
