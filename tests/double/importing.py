"""Copies of issues as importers make them: the same texts in the same order under new ids.

GitHub Enterprise Importer keeps numbers of issues, texts and times, not the ids of comments, and leaves out much else
(docs: About migrations between GitHub products). What else goes is for the test to say.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from . import labels
from .access import direct
from .model import Comment, Issue, Reaction, RepositoryRecord

if TYPE_CHECKING:
    from .hub import Hub


def copy(
    hub: Hub,
    issue: Issue,
    source: RepositoryRecord,
    target: RepositoryRecord,
    number: int,
    *,
    by: str | None,
    receipts: bool,
    events: bool,
) -> Issue:
    """Put a copy of an issue into a repository under a number. Makes no webhook events.

    Args:
        by: whose all of it becomes, at this moment; None keeps authors and times.
        receipts: keep reactions.
        events: keep the timeline, renames of the title among it.
    """
    world, now = hub.world, hub.world.clock.write()
    owner = direct(target.owner)
    names = [label.name for label in source.labels_of(issue)]

    def reactions(found: list[Reaction], subject: str) -> list[Reaction]:
        kept = found if receipts else []
        return [replace(r, id=world.new_id("reaction"), login=by or r.login, subject=subject) for r in kept]

    number_of_issue = world.new_id("issue")
    copied = replace(
        issue,
        id=number_of_issue,
        repository=target.id,
        number=number,
        author=by or issue.author,
        created=now if by else issue.created,
        updated=now,
        editor=None,
        edited=None,
        edits=[],
        labels=[label.id for label in labels.named(hub, target, owner, names, True)],
        comments=[],
        reactions=reactions(issue.reactions, f"issue:{number_of_issue}"),
        timeline=[
            replace(e, id=world.new_id("happening"), repository=target.id, number=number)
            for e in issue.timeline
            if events
        ],
        pinned_by=None,
    )
    for comment in issue.comments:
        new = world.new_id("comment")
        at = now if by else comment.created
        copied.comments.append(
            Comment(
                new,
                target.id,
                number,
                by or comment.author,
                comment.body,
                at,
                at,
                reactions=reactions(comment.reactions, f"comment:{new}"),
                minimized=comment.minimized,
            )
        )
    target.issues[number] = copied
    target.next_number = max(target.next_number, number + 1)
    target.comments.update({comment.id: comment for comment in copied.comments})
    return copied
