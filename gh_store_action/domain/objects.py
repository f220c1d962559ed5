"""What makes an issue an object: its id, labels, title and the marker in the title."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from gh_store_action.domain.records import Issue, Rules, StoredMeta
from gh_store_action.domain.strict_json import InvalidJson, Json, body_digest, digest, parse

TITLE_PREFIX = "Stored Object: "
MOVING, MOVED = " => #", " -> #"  # before a new issue's number: while an object moves to it, and for good
MOVED_DIGITS = 10  # of that number
ID_LIMIT = 150  # characters
LABEL_LIMIT = 50  # characters of a label's name: https://github.com/github/docs/issues/32156
TITLE_LIMIT = 256  # characters of an issue's title (github-facts, section 1)
HASH = "="  # starts the hash of an id in a label; an id that a label can carry has no such character
HASH_DIGITS = 32  # after it, hexadecimal
RETIRED = {  # prefixes of labels by gh-store 0.8 to 0.11, and what they say about their issue
    "ALIAS-TO:": "made it an alias of {!r}",
    "MERGED-INTO:": "merged it into {!r}",
    "DEPRECATED-BY:": "put issue #{} in its place",
    "deprecated-object": "deprecated it",
}
COMMENT_LIMIT = 2_500  # comments of an issue: https://github.com/digitaldrywood/detent/issues/1540
FULL = "commenting is disabled on issues with more than"  # GitHub's refusal of another comment, in lowercase
MOST_RECENT = 10  # comments that a marker names; comments arrive at most seconds late, so these are enough

_PLAIN = re.compile(r"[A-Za-z0-9._~:@+/-]+")
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # Bidi_Control
_TITLE = re.compile(r'Stored Object: (?:"(?P<quoted>.+)"|(?P<bare>\S+))(?P<behind> [^"]*)?')
_MARKER = re.compile(
    r" \[r(?P<r>[0-9]{1,15}) c(?P<c>[0-9]{1,18}) n(?P<n>[0-9]{1,10}) (?P<d>[0-9a-f]{8})\]"
    r"(?: \((?P<recent>(?:[0-9A-Za-z]{2}){1,10})\))?"
)
_MOVED = re.compile(rf"(?P<before>.*)(?P<arrow>{MOVING}|{MOVED})(?P<number>[0-9]{{1,{MOVED_DIGITS}}})", re.DOTALL)
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class InvalidId(ValueError):
    """A text that cannot be an object id.  `str()` says which rule it breaks."""


@dataclass(frozen=True)
class Marker:
    """How far the body is folded; it is in the title, which is written in one request with the body.

    Args:
        revision: of the state in the body, from 1.
        comment: id of the newest comment that the fold knew; 0 for none.
        count: the issue's number of comments up to that one.
        digest: the first 8 hexadecimal digits of the state's digest.
        recent: the newest comments that the fold knew, oldest first, see `short_id`: a missing one came late.
    """

    revision: int
    comment: int
    count: int
    digest: str
    recent: tuple[str, ...] = ()


def check_id(object_id: str, rules: Rules) -> str:
    """The id, if it is valid.

    Raises:
        InvalidId: with the rule that it breaks.
    """
    if not object_id:
        raise InvalidId("An object id must not be empty.")
    what = f"The object id {object_id[:80]!r}"
    if len(object_id) > ID_LIMIT:
        raise InvalidId(f"{what} has {len(object_id):,} characters; at most {ID_LIMIT} are allowed.")
    for mark in object_id:
        if unicodedata.category(mark) in ("Cc", "Cs", "Zl", "Zp") or mark in _BIDI:
            raise InvalidId(f"{what} holds a control character: U+{ord(mark):04X}.")
    if object_id != object_id.strip():
        raise InvalidId(f"{what} begins or ends with a space.")
    if not unicodedata.is_normalized("NFC", object_id):
        normal = unicodedata.normalize("NFC", object_id)
        raise InvalidId(f"{what} is not in Unicode's normal form C, which is {ascii(normal)[:500]}.")
    if len(uid_label(object_id, rules)) > LABEL_LIMIT:
        longest = LABEL_LIMIT - len(rules.uid_prefix)
        raise InvalidId(
            f"{what} does not fit into a label behind {rules.uid_prefix!r}: at most {longest} characters do, "
            "ASCII letters, digits and . _ - ~ : @ + /, for a hash of another id does not fit either."
        )
    return object_id


def is_plain(object_id: str, rules: Rules) -> bool:
    """Whether the label has the id itself; otherwise, it has the id's hash."""
    return len(rules.uid_prefix + object_id) <= LABEL_LIMIT and _PLAIN.fullmatch(object_id) is not None


def uid_label(object_id: str, rules: Rules) -> str:
    """The label that finds the object; with a hash, it may also find others: the title has the whole id."""
    if is_plain(object_id, rules):
        return rules.uid_prefix + object_id
    return rules.uid_prefix + HASH + hash_of(object_id)[:HASH_DIGITS]


def hash_of(object_id: str) -> str:
    """SHA-256 of the id's UTF-8, 64 hexadecimal digits."""
    return hashlib.sha256(object_id.encode(errors="surrogatepass")).hexdigest()


def key(object_id: str, rules: Rules) -> str:
    """The key to compare ids by: without case for an id in a label, because labels ignore it; exact for others."""
    folded = object_id.casefold() if is_plain(object_id, rules) else object_id
    return object_id if folded == object_id else folded  # many are kept, and one text takes half of two


def short_digest(data: Json) -> str:
    """The digest as in the marker."""
    return digest(data)[:8]


def short_id(comment_id: int) -> str:
    """Two characters that distinguish a comment from its neighbors."""
    return _DIGITS[comment_id // len(_DIGITS) % len(_DIGITS)] + _DIGITS[comment_id % len(_DIGITS)]


def heading(object_id: str, rules: Rules) -> str:
    """The title without a marker; an id with any characters is in quotes, so that its end is clear."""
    return TITLE_PREFIX + (object_id if is_plain(object_id, rules) else f'"{object_id}"')


def stated(object_id: str, rules: Rules) -> str:
    """The id as the log's first state has it: the whole id if the label does not have it."""
    return "" if is_plain(object_id, rules) else object_id


def title(object_id: str, marker: Marker, rules: Rules, *, unlike: str = "") -> str:
    """The title with the marker and as many of the newest comments as fit, with room for a move's number.

    Args:
        unlike: a title that it must differ from, because GitHub records no change to the same text: the count gets a
            zero.
    """
    before = f"{heading(object_id, rules)} [r{marker.revision} c{marker.comment} n"
    behind = f"{marker.count} {marker.digest}]"
    room = TITLE_LIMIT - len(f"{before}0{behind} (){MOVED}") - MOVED_DIGITS
    recent = "".join(marker.recent[-(room // 2) :])
    behind += f" ({recent})" if recent else ""
    return f"{before}0{behind}" if before + behind == unlike else before + behind


def read_title(text: str) -> tuple[str, Marker | None]:
    """The id and the marker in a title; the id is empty if it is not an object's title, the marker None if missing."""
    found = _TITLE.fullmatch(text)
    if found is None:
        return "", None
    return found["quoted"] or found["bare"], _marker(found["behind"] or "")


def _marker(text: str) -> Marker | None:
    found = _MARKER.fullmatch(text)
    if found is None:
        return None
    pairs = found["recent"] or ""
    recent = tuple(pairs[at : at + 2] for at in range(0, len(pairs), 2))
    return Marker(int(found["r"]), int(found["c"]), int(found["n"]), found["d"], recent)


def names(text: str, object_id: str) -> bool:
    """Whether a title, moved or not, has the object's id: in quotes it is exact, without them case does not count."""
    found = _TITLE.fullmatch(read_moved(text)[0])
    if found is None or found["quoted"]:
        return found is not None and found["quoted"] == object_id
    return found["bare"].casefold() == object_id.casefold() or _unquoted(found) == object_id


def _unquoted(found: re.Match[str]) -> str:
    """An id with spaces as gh-store writes it: the rest of the title, if it has no marker."""
    behind = found["behind"] or ""
    return str(found["bare"]) + ("" if _marker(behind) else behind)


def moving_title(text: str, number: int) -> str:
    """The title of an issue whose object is being moved: a run that reads it writes nothing."""
    return f"{text}{MOVING}{number}"


def moved_title(text: str) -> str:
    """That title once the object is in the other issue."""
    return MOVED.join(text.rsplit(MOVING, 1))


def read_moved(text: str) -> tuple[str, int]:
    """A title as it was before the object was moved, and the number of the issue that it was moved to, or 0."""
    found = _MOVED.fullmatch(text)
    return (found["before"], int(found["number"])) if found else (text, 0)


def is_moved(text: str) -> bool:
    """Whether the title says that the object has permanently moved to another issue."""
    found = _MOVED.fullmatch(text)
    return found is not None and found["arrow"] == MOVED and int(found["number"]) > 0


def has_label(issue: Issue, name: str) -> bool:
    """Whether the issue has the label; GitHub ignores case in labels."""
    return any(label.casefold() == name.casefold() for label in issue.labels)


def uid_labels(issue: Issue, rules: Rules) -> tuple[str, ...]:
    """The labels with an id, in label order."""
    prefix = rules.uid_prefix.casefold()
    return tuple(one for one in issue.labels if one.casefold().startswith(prefix) and len(one) > len(prefix))


def object_id_of(issue: Issue, rules: Rules) -> str | None:
    """The id of the issue's object; None if its labels have none, several, or an invalid one.

    If two labels have an id, the one in the newest title counts, because the store writes titles.  Titles by anyone
    but the author come first, because the author may have no other right.
    """
    return None if id_problem(issue, rules) else claimed_id(issue, rules)


def claimed_id(issue: Issue, rules: Rules) -> str:
    """The id that the labels mean, even if written wrongly; empty if they mean none, or two."""
    claimed = claiming(issue, rules)
    return claimed[0][1] if len(claimed) == 1 else ""


def id_problem(issue: Issue, rules: Rules) -> str:
    """Why the labels do not say which object the issue is; empty if they do."""
    claimed = claiming(issue, rules)
    if not claimed:
        return f"no label says which object it is ({rules.uid_prefix}<id>)"
    if len(claimed) > 1:
        return "its labels claim more than one id: " + ", ".join(
            found or label[len(rules.uid_prefix) :] for label, found in claimed
        )
    ((label, found),) = claimed
    if not found:
        return f"its label {label!r} stands for an id that neither a title nor a state in its log names"
    try:
        check_id(found, rules)
    except InvalidId as error:
        return f"the id in its label cannot be one: {str(error).rstrip('.')}"
    right = uid_label(found, rules)
    return "" if label.casefold() == right.casefold() else f"its label is {label!r}, and should be {right!r}"


def is_nameless(issue: Issue, rules: Rules) -> bool:
    """Whether its one label has the hash of an id that no title and no comment, as far as read, has."""
    claimed = claiming(issue, rules)
    return len(claimed) == 1 and not claimed[0][1]


def claiming(issue: Issue, rules: Rules) -> list[tuple[str, str]]:
    """Each label with an id, and the id; those in the title first.

    A hash decides nothing: it means the id with this hash that the issue itself has.
    """
    claimed: list[tuple[str, str]] = []
    for label in uid_labels(issue, rules):
        text = label[len(rules.uid_prefix) :]
        if text.startswith(HASH):
            said = (one for one in _said(issue) if uid_label(one, rules).casefold() == label.casefold())
            text = next(said, "")
        claimed.append((label, text))
    for text in _titles(issue):
        if named := [one for one in claimed if names(text, one[1])]:
            return named[:1]
    return claimed


def _said(issue: Issue) -> Iterator[str]:
    """The ids that the issue itself has: in its titles, also by gh-store, and in its log's states."""
    for text in _titles(issue):
        found = _TITLE.fullmatch(read_moved(text)[0])
        if found is not None:
            yield found["quoted"] or _unquoted(found)
    for comment in issue.comments:
        if '"object_id"' in comment.body:
            yield _stated(comment.body)


def _titles(issue: Issue) -> Iterator[str]:
    """The titles, newest first; those by anyone but the author come before all others."""
    changes = (*issue.titles, *issue.first_titles)
    yield from (rename.title for rename in changes if rename.login != issue.author)
    yield issue.title
    yield from (text for rename in changes for text in (rename.title, rename.before))


def _stated(text: str) -> str:
    try:
        value = parse(text)
    except InvalidJson:
        return ""
    meta = value.get("_meta") if isinstance(value, dict) else None
    return str(meta.get("object_id", "")) if isinstance(meta, dict) else ""


def retired(issue: Issue) -> str:
    """How gh-store replaced the issue by another one, by its labels; empty if it did not.

    The store itself makes no aliases: otherwise people with the triage role could give an object a second id.
    """
    for sign, deed in RETIRED.items():
        for label in issue.labels:
            if label.casefold().startswith(sign.casefold()):
                return f"gh-store {deed.format(label[len(sign) :])}"
    return ""


def stands_for(issue: Issue) -> str:
    """The id of the object by which gh-store replaced the issue, by its labels; empty for none."""
    signs = tuple(sign.casefold() for sign in RETIRED if sign in ("ALIAS-TO:", "MERGED-INTO:"))
    return next((label.partition(":")[2] for label in issue.labels if label.casefold().startswith(signs)), "")


def is_live(issue: Issue, rules: Rules) -> bool:
    """Whether the labels make the issue an object that is not deleted."""
    return has_label(issue, rules.base_label) and not has_label(issue, rules.archived_label)


def carries(title_: str, marker: Marker) -> bool:
    """Whether a title has the same state: revision and digest, however far the log was read."""
    found = read_title(title_)[1]
    return found is not None and (found.revision, found.digest) == (marker.revision, marker.digest)


def revises(issue: Issue, marker: Marker) -> bool:
    """Whether writing that marker changes the state; it may also only record refused updates."""
    said = any(carries(title_, marker) for title_ in (issue.title, *(rename.title for rename in issue.titles)))
    return not said or not body_digest(issue.body).startswith(marker.digest)


def meta_of(issue: Issue, object_id: str, rules: Rules, marker: Marker | None, data_digest: str) -> StoredMeta:
    """The object's metadata.

    Args:
        marker: of the title, if readers trust it.
        data_digest: of the body's data.
    """
    revised_at, revised_by = _last_revision(issue, marker, data_digest)
    return StoredMeta(
        object_id=object_id,
        label=uid_label(object_id, rules),
        issue_number=issue.number,
        created_at=issue.created_at,
        updated_at=revised_at,
        # Before its first processing here, an object's revision is as in gh-store: the number of comments, plus one.
        version=marker.revision if marker is not None else issue.total_comments + 1,
        digest=data_digest,
        created_by=issue.author,
        updated_by=revised_by,
        issue_url=issue.url,
    )


def _last_revision(issue: Issue, marker: Marker | None, data_digest: str) -> tuple[str, str]:
    """When and by whom the object was last revised: conversation, labels, reactions, refused updates do not count.

    That is when a title first had the marker's state.  If no title change that was read says so, or the body does not
    match the marker, it is when the body was last edited, or the issue was opened.
    """
    if marker is not None and data_digest.startswith(marker.digest):
        for rename in reversed(issue.titles):
            if carries(rename.title, marker) and not carries(rename.before, marker):
                return rename.at, rename.login
    return (issue.edited_at, issue.editor) if issue.edited_at else (issue.created_at, issue.author)
