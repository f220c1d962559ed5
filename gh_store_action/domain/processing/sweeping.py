"""Whether an issue of a sweep needs a closer look, from the little that the sweep reads of it."""

from __future__ import annotations

from collections.abc import Callable

from gh_store_action.domain import acceptance, objects
from gh_store_action.domain.log import entries as updates
from gh_store_action.domain.records import Issue, Rules
from gh_store_action.domain.strict_json import body_digest
from gh_store_action.domain.verdicts import outcomes_given


def settled(
    issue: Issue, rules: Rules, counting: frozenset[str], may_write: Callable[[str], bool] = lambda login: False
) -> bool:
    """Whether nothing can be pending.

    The sweep sees an issue's newest few comments.  A crash leaves one of these behind: an open issue, an update after
    the marker, a body that is not the marker's, a count that does not fit, or missing receipts, left oldest first.

    Args:
        may_write: asked about an author whom GitHub does not show as one of the repository's people.
    """
    object_id = objects.object_id_of(issue, rules)
    if not objects.is_live(issue, rules) or object_id is None or objects.retired(issue):
        return True
    if objects.read_moved(issue.title)[1]:
        return False  # a move that was killed before its labels
    marker = acceptance.marker_in(issue.title, object_id)
    setter = next(acceptance.titles_of(issue)).login
    if marker is None or setter in ("", issue.author) and issue.author not in counting:
        return not acceptance.is_accepted(issue, object_id, counting) and not may_write(issue.author)
    if not issue.closed:
        return False
    if not body_digest(issue.body).startswith(marker.digest):
        return False
    entries = updates.read_all(issue, rules, counting, acceptance.signers(issue, object_id, counting))
    newer = [e for e in entries if e.id > marker.comment]
    if any(e.asks for e in newer) or issue.total_comments - len(newer) > marker.count:
        return False
    adopted = updates.adopted_at(entries)
    return all(
        outcomes_given(e.comment, rules.reactions, counting)
        for e in entries
        if e.asks and adopted < e.id <= marker.comment
    )
