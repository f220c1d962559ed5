"""Which marker counts, from the titles that the issue has had.

Only the issue's author and people with write permission can set a title, so a title by anyone but the author counts
without asking.  Whether the author's own title counts depends on the author's permission.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from gh_store_action.domain import acceptance, objects
from gh_store_action.domain.log.entries import Kind, read_all
from gh_store_action.domain.objects import Marker
from gh_store_action.domain.processing.context import Context, NeedsMore
from gh_store_action.domain.processing.effects import NotAnObject, ReadAgain, ReadFurther
from gh_store_action.domain.records import Issue
from gh_store_action.domain.strict_json import body_digest


@dataclass(frozen=True)
class TrustedMarker:
    """A marker that counts.

    Args:
        setter: who set it; empty if no event shows it.
        at: when; empty if no event shows it.
        current: whether it is in the current title; otherwise, someone has changed the title since.
        least: the highest revision of the markers that were skipped for it: readers may have seen that one.
    """

    marker: Marker
    setter: str
    at: str
    current: bool
    least: int = field(default=0, compare=False)

    @property
    def raised(self) -> TrustedMarker:
        """The same with at least that revision: the next one is then higher than what readers may have seen."""
        return replace(self, marker=replace(self.marker, revision=max(self.least, self.marker.revision)))

    def fits(self, issue: Issue) -> bool:
        """Whether the body is the marker's state."""
        return body_digest(issue.body).startswith(self.marker.digest)

    def edited_after(self, issue: Issue) -> bool:
        """Whether the body may have been saved after it: times have whole seconds, so the same second counts."""
        return issue.editor != "" and issue.edited_at >= self.at


def no_object(issue: Issue, context: Context) -> NotAnObject | None:
    """Why to skip the issue; None for an object.

    Raises:
        NeedsMore: the issue is not accepted, and its author's permission is not known yet.
    """
    rules = context.rules
    claimed = objects.uid_labels(issue, rules)
    based = objects.has_label(issue, rules.base_label)
    if objects.has_label(issue, rules.archived_label) and (based or claimed):
        return NotAnObject(f"the object is deleted (label {rules.archived_label!r})", deleted=True)
    if not based:
        return NotAnObject(f"it does not carry the label {rules.base_label!r}")
    if objects.is_nameless(issue, rules) and not objects.retired(issue) and not issue.complete:
        raise NeedsMore(ReadFurther(until=0))  # an older comment may have its id
    if problem := acceptance.problem(issue, rules):
        return NotAnObject(problem, broken=True)
    object_id = objects.object_id_of(issue, rules) or ""

    def may_write(login: str, _: str) -> bool:
        return context.allows(login)

    if reason := acceptance.not_accepted(issue, object_id, rules.processors, may_write):
        return NotAnObject(f"{reason}; it becomes an object when somebody who may write saves its body")
    if reason := acceptance.wrong_label(issue, object_id, rules.processors):
        return NotAnObject(reason, broken=True)
    title = acceptance.trusted_title(issue, object_id, rules.processors, may_write)
    target, marker = objects.read_moved(title)[1], acceptance.marker_in(title, object_id)
    if target and marker is not None and _newest(issue, object_id, context) == marker:
        return NotAnObject(f"it is being moved to issue #{target}", moved_to=target)
    return None


def _newest(issue: Issue, object_id: str, context: Context) -> Marker | None:
    """The newest marker that a run may have set: an old title that a person typed again moves nothing."""
    likely = _likely(_trusted(issue, object_id, context), issue, context.rules.processors)
    return next((found.marker for found in likely), None)


def find_marker(
    issue: Issue, object_id: str, context: Context, wrong: Collection[TrustedMarker] = ()
) -> TrustedMarker | None:
    """The marker that counts; None if the object has to be adopted.

    Args:
        wrong: markers that were found to be impossible.

    Raises:
        NeedsMore: the author's permission is needed, or the read does not show one moment.
    """
    newest: TrustedMarker | None = None
    least = 0
    for found in _likely(_trusted(issue, object_id, context), issue, context.rules.processors):
        if found not in wrong:
            found = replace(found, least=least)
            # A body that does not match the newest marker and is not newer may match an older one: somebody typed it.
            if found.fits(issue) or (newest is None and issue.edited_at > found.at):
                return found
            newest = newest or found
        least = max(least, found.marker.revision)
    return newest


def _trusted(issue: Issue, object_id: str, context: Context) -> Iterator[TrustedMarker]:
    """The markers set by the author or someone with write permission, newest first."""
    for place, title in enumerate(acceptance.titles_of(issue)):
        marker = acceptance.marker_in(title.title, object_id)
        if marker is None:
            continue
        current = place == 0
        setter, at = title.login, title.at
        own = current and title.title == context.own_title
        if own:
            setter, at = context.viewer, issue.edited_at  # in one request with the body
        if (
            own
            or setter in context.rules.processors
            or setter not in ("", issue.author)
            or context.allows(issue.author)
        ):
            yield TrustedMarker(marker, setter, at, current)
        elif not setter or (current and _lags(issue, context)):
            raise NeedsMore(ReadAgain("GitHub does not show yet who set the title"))


def _lags(issue: Issue, context: Context) -> bool:
    """Whether the store may have set the title, so that its event has not appeared yet."""
    if issue.titles:
        return False
    entries = read_all(issue, context.rules, context.counting)
    return issue.editor in context.counting or any(entry.kind is Kind.CHECKPOINT for entry in entries)


def _likely(titles: Iterator[TrustedMarker], issue: Issue, processors: frozenset[str]) -> Iterator[TrustedMarker]:
    """The markers that a run may have set, newest first: one that a person typed may be impossible.

    A processor's markers are likely, and each other one is compared with the likely one before it.  So this looks at
    titles, and asks about the author, back to a processor's newest one.
    """
    some: list[TrustedMarker] = []
    for found in titles:
        some.append(found)
        if found.setter in processors:
            yield from _in_line(some, issue)
            some = []
    yield from _in_line(some, issue)


def _in_line(found: Sequence[TrustedMarker], issue: Issue) -> list[TrustedMarker]:
    """Those that each continue the one before, newest first; the oldest always counts."""
    kept: list[TrustedMarker] = []
    for each in reversed(found):
        if not kept or _goes_on(each, kept[-1].marker, issue):
            kept.append(each)
    return kept[::-1]


def _goes_on(found: TrustedMarker, before: Marker, issue: Issue) -> bool:
    """Whether a run may have set that marker after this one."""
    marker = found.marker
    ids = [comment.id for comment in issue.comments]
    if marker.comment > max(ids, default=0) and not (found.fits(issue) or _knew_some(marker, ids)):
        return False
    back = marker.revision < before.revision or (marker.comment < before.comment and marker.digest != before.digest)
    leap = marker.revision - before.revision > issue.total_comments + 1  # each revision has an update or a checkpoint
    # A run that lost a race writes a title and its own body in one request.  Of the same body nothing tells that apart
    # from a title typed in that second.
    lost_race = issue.editor == found.setter and issue.edited_at == found.at and marker.digest != before.digest
    return not (back or leap) or (lost_race and found.fits(issue))


def _knew_some(marker: Marker, ids: Collection[int]) -> bool:
    """Whether the marker names its own comment, which was deleted later, and some of these: nobody types that."""
    own, others = marker.recent[-1:], marker.recent[:-1]
    return own == (objects.short_id(marker.comment),) and not {*map(objects.short_id, ids)}.isdisjoint(others)
