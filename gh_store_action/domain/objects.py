"""What makes an issue an object: its id, labels, title and the marker in the title."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gh_store_action.domain.records import Issue, Rules, StoredMeta
from gh_store_action.domain.strict_json import Json, body_digest, digest

TITLE_PREFIX = "Stored Object: "
MOVING, MOVED = " => #", " -> #"  # before a new issue's number: while an object moves to it, and for good
LABEL_LIMIT = 50  # characters of a label's name: https://github.com/github/docs/issues/32156
COMMENT_LIMIT = 2_500  # comments of an issue: https://github.com/digitaldrywood/detent/issues/1540
FULL = "commenting is disabled on issues with more than"  # GitHub's refusal of one comment more, lower-cased
MOST_RECENT = 10  # comments that a marker names; late ones come seconds late, so these are enough

_ID = re.compile(r"[A-Za-z0-9._~:@+/-]+")
_TITLE = re.compile(
    r"Stored Object: (?P<id>\S+) \[r(?P<r>[0-9]{1,15}) c(?P<c>[0-9]{1,18}) n(?P<n>[0-9]{1,10}) (?P<d>[0-9a-f]{8})\]"
    r"(?: \((?P<recent>(?:[0-9A-Za-z]{2}){1,10})\))?"
)
_MOVED = re.compile(rf"(?P<before>.*)(?:{MOVING}|{MOVED})(?P<number>[0-9]{{1,10}})", re.DOTALL)
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class InvalidId(ValueError):
    """An object id that no label can carry.  `str()` names the rule."""


@dataclass(frozen=True)
class Marker:
    """How far the body is folded; travels in the title, in one request with the body.

    Args:
        revision: of the state in the body, from 1.
        comment: id of the newest comment that the fold knew, 0 for none.
        count: how many comments the issue had up to that one.
        digest: the first 8 hexadecimal digits of the state's digest.
        recent: the newest comments that the fold knew, oldest first, see `short_id`: what is missing here came late.
    """

    revision: int
    comment: int
    count: int
    digest: str
    recent: tuple[str, ...] = ()


def check_id(object_id: str, rules: Rules) -> str:
    """The id itself where a label can carry it.

    Raises:
        InvalidId: with the rule that it breaks.
    """
    longest = LABEL_LIMIT - len(rules.uid_prefix)
    if not object_id:
        raise InvalidId("An object id must not be empty.")
    if not _ID.fullmatch(object_id):
        raise InvalidId(
            f"The object id {object_id[:80]!r} holds a character that it must not: "
            "ASCII letters, digits and . _ - ~ : @ + / are allowed."
        )
    if len(object_id) > longest:
        raise InvalidId(
            f"The object id {object_id[:80]!r} has {len(object_id)} characters; "
            f"at most {longest} fit into a label behind {rules.uid_prefix!r}."
        )
    return object_id


def uid_label(object_id: str, rules: Rules) -> str:
    """The label that finds the object."""
    return rules.uid_prefix + object_id


def short_digest(data: Json) -> str:
    """The digest as the marker holds it."""
    return digest(data)[:8]


def short_id(comment_id: int) -> str:
    """Two characters that tell a comment from its neighbours."""
    return _DIGITS[comment_id // len(_DIGITS) % len(_DIGITS)] + _DIGITS[comment_id % len(_DIGITS)]


def title(object_id: str, marker: Marker, *, unlike: str = "") -> str:
    """The title that carries the marker.

    Args:
        unlike: a title that it must differ from, for GitHub records no change to the same text: the count gets a zero.
    """
    recent = f" ({''.join(marker.recent)})" if marker.recent else ""
    behind = f" {marker.digest}]{recent}"
    before = f"{TITLE_PREFIX}{object_id} [r{marker.revision} c{marker.comment} n"
    text = f"{before}{marker.count}{behind}"
    return f"{before}0{marker.count}{behind}" if text == unlike else text


def read_title(text: str) -> tuple[str, Marker | None]:
    """The id and the marker of a title; the id is empty where it is no object's title, the marker None if missing."""
    found = _TITLE.fullmatch(text)
    if found:
        pairs = found["recent"] or ""
        recent = tuple(pairs[at : at + 2] for at in range(0, len(pairs), 2))
        return found["id"], Marker(int(found["r"]), int(found["c"]), int(found["n"]), found["d"], recent)
    if text.startswith(TITLE_PREFIX):
        return text.removeprefix(TITLE_PREFIX).split(" ", 1)[0], None
    return "", None


def moving_title(text: str, number: int) -> str:
    """The title of an issue whose object is on its way to another one: a run that reads it writes nothing."""
    return f"{text}{MOVING}{number}"


def moved_title(text: str) -> str:
    """That title once the object is kept in the other issue."""
    return MOVED.join(text.rsplit(MOVING, 1))


def read_moved(text: str) -> tuple[str, int]:
    """A title as it was before the object was moved, and the number of the issue that it was moved to, else 0."""
    found = _MOVED.fullmatch(text)
    return (found["before"], int(found["number"])) if found else (text, 0)


def is_moved(text: str) -> bool:
    """Whether the title says that the object is kept in another issue for good."""
    return read_moved(text)[1] > 0 and MOVING not in text


def has_label(issue: Issue, name: str) -> bool:
    """Whether the issue carries the label; GitHub compares labels without case."""
    return any(label.casefold() == name.casefold() for label in issue.labels)


def ids_in_labels(labels: tuple[str, ...], rules: Rules) -> tuple[str, ...]:
    """The ids that the labels claim, in label order."""
    prefix = rules.uid_prefix.casefold()
    return tuple(
        label[len(prefix) :] for label in labels if label.casefold().startswith(prefix) and len(label) > len(prefix)
    )


def object_id_of(issue: Issue, rules: Rules) -> str | None:
    """The id of the object that the issue is, None where its labels name none or more than one, or none that can be.

    Where two labels claim the issue, the one that its newest title names is meant: a title is written by the store.
    What anybody but the author has set goes first, for the author may have no other right.
    """
    return None if id_problem(issue, rules) else _claimed_id(issue, rules)


def id_problem(issue: Issue, rules: Rules) -> str:
    """Why the labels do not say which object the issue is; empty where they do."""
    found = _claimed_id(issue, rules)
    if found is not None:
        try:
            check_id(found, rules)
        except InvalidId as error:
            return f"the id in its label cannot be one: {str(error).rstrip('.')}"
        return ""
    if claimed := ids_in_labels(issue.labels, rules):
        return "its labels claim more than one id: " + ", ".join(claimed)
    return f"no label says which object it is ({rules.uid_prefix}<id>)"


def _claimed_id(issue: Issue, rules: Rules) -> str | None:
    claimed = ids_in_labels(issue.labels, rules)
    if len(claimed) == 1:
        return claimed[0]
    changes = (*issue.titles, *issue.first_titles)
    others = [rename.title for rename in changes if rename.login != issue.author]
    for text in (*others, issue.title, *(rename.title for rename in changes)):
        named = read_title(read_moved(text)[0])[0].casefold()
        if found := [one for one in claimed if one.casefold() == named]:
            return found[0]
    return None


def is_live(issue: Issue, rules: Rules) -> bool:
    """Whether the labels make the issue an object that is not deleted."""
    return has_label(issue, rules.base_label) and not has_label(issue, rules.archived_label)


def carries(title_: str, marker: Marker) -> bool:
    """Whether a title says the same state: revision and digest, however far the log was read."""
    found = read_title(title_)[1]
    return found is not None and (found.revision, found.digest) == (marker.revision, marker.digest)


def revises(issue: Issue, marker: Marker) -> bool:
    """Whether writing that state makes another one; a title may also take note of nothing but refused updates."""
    said = any(carries(title_, marker) for title_ in (issue.title, *(rename.title for rename in issue.titles)))
    return not said or not body_digest(issue.body).startswith(marker.digest)


def meta_of(issue: Issue, object_id: str, rules: Rules, marker: Marker | None, data_digest: str) -> StoredMeta:
    """What is known of the object beside its data.

    Args:
        marker: of the title, where readers take it for the store's.
        data_digest: of the body's data.
    """
    revised_at, revised_by = _last_revision(issue, marker, data_digest)
    return StoredMeta(
        object_id=object_id,
        label=uid_label(object_id, rules),
        issue_number=issue.number,
        created_at=issue.created_at,
        updated_at=revised_at,
        # Before its first processing here an object counts its revisions as gh-store did: comments, and one.
        version=marker.revision if marker is not None else issue.total_comments + 1,
        digest=data_digest,
        created_by=issue.author,
        updated_by=revised_by,
        issue_url=issue.url,
    )


def _last_revision(issue: Issue, marker: Marker | None, data_digest: str) -> tuple[str, str]:
    """When the object was revised last, and by whom: talk, labels, reactions and refused updates do not count.

    That is when a title first carried the marker's state.  Where no change of title that was read tells it, or the
    body is another one than the marker's, it is when the body was edited last, or the issue was opened.
    """
    if marker is not None and data_digest.startswith(marker.digest):
        for rename in reversed(issue.titles):
            if carries(rename.title, marker) and not carries(rename.before, marker):
                return rename.at, rename.login
    return (issue.edited_at, issue.editor) if issue.edited_at else (issue.created_at, issue.author)
