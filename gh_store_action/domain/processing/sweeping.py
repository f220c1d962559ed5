"""Whether an issue of a sweep needs a closer look, from the little that the sweep reads of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, auto

from gh_store_action.domain import acceptance, objects
from gh_store_action.domain.log import entries as updates
from gh_store_action.domain.log.entries import Entry
from gh_store_action.domain.objects import Marker
from gh_store_action.domain.records import Issue, Rules
from gh_store_action.domain.strict_json import body_digest
from gh_store_action.domain.verdicts import outcomes_given


class Glance(Enum):
    """What a page of a sweep says about an issue."""

    SETTLED = auto()
    WAITING = auto()
    UNSURE = auto()  # needs its labels, or others' reactions


def glance(issue: Issue, rules: Rules, counting: frozenset[str], viewer: str) -> Glance:
    """What can be said without labels and without others' reactions.

    If the store has signed the title, the title says which object it is: changing labels makes nothing pending, and
    processing reads them again.
    """
    title, target = objects.read_moved(issue.title)
    object_id, marker = objects.read_title(title)
    if target or marker is None or _unsigned(issue, counting):
        return Glance.UNSURE
    entries = updates.read_all(issue, rules, counting, acceptance.signers(issue, object_id, counting))
    if not _quiet(issue, marker, entries):
        return Glance.WAITING
    if _receipted(entries, marker, rules, frozenset({viewer})):
        return Glance.SETTLED
    return Glance.UNSURE if counting - {viewer} else Glance.WAITING


def settled(
    issue: Issue, rules: Rules, counting: frozenset[str], may_write: Callable[[str], bool] = lambda login: False
) -> bool:
    """Whether nothing can be pending.

    The sweep sees an issue's newest few comments.  A crash leaves one of these: an open issue, an update after the
    marker, a body that does not match the marker, a wrong count, or missing receipts, which are left oldest first.

    Args:
        may_write: asked about an author whom GitHub does not show as associated with the repository.
    """
    if not objects.is_live(issue, rules) or objects.retired(issue):
        return True
    object_id = objects.object_id_of(issue, rules)
    if object_id is None:
        return not objects.is_nameless(issue, rules)  # its log may have the id, which the title then needs
    if objects.read_moved(issue.title)[1]:
        return False  # a move that was killed before its labels moved
    marker = acceptance.marker_in(issue.title, object_id)
    if marker is None or _unsigned(issue, counting):
        return not acceptance.is_accepted(issue, object_id, rules.processors) and not may_write(issue.author)
    entries = updates.read_all(issue, rules, counting, acceptance.signers(issue, object_id, counting))
    return _quiet(issue, marker, entries) and _receipted(entries, marker, rules, counting)


def _unsigned(issue: Issue, counting: frozenset[str]) -> bool:
    """Whether, by the visible events, only the author has set the title, and does not count."""
    setter = next(acceptance.titles_of(issue)).login
    return setter in ("", issue.author) and issue.author not in counting


def _quiet(issue: Issue, marker: Marker, entries: Sequence[Entry]) -> bool:
    """Whether the issue is closed, the body matches the marker, and so does the number of comments."""
    newer = [entry for entry in entries if entry.id > marker.comment]
    return (
        issue.closed
        and body_digest(issue.body).startswith(marker.digest)
        and not any(entry.asks for entry in newer)
        and issue.total_comments - len(newer) <= marker.count
    )


def _receipted(entries: Sequence[Entry], marker: Marker, rules: Rules, who: frozenset[str]) -> bool:
    """Whether these people have left a receipt on each update that the body contains, and what a person's run entered
    has the store's."""
    if who <= rules.processors and any(updates.lacks_signature(entry, rules) for entry in entries):
        return False
    adopted = updates.adopted_at(entries)
    held = (entry for entry in entries if entry.asks and adopted < entry.id <= marker.comment)
    return all(outcomes_given(entry.comment, rules.reactions, who) for entry in held)
