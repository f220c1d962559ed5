"""The log's entries: reads comments, and writes the store's own envelopes."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from gh_store_action.domain import objects
from gh_store_action.domain.log.mistakes import META_KEYS, misspelled, mistaken
from gh_store_action.domain.log.written import read_written
from gh_store_action.domain.names import DEFAULT_MODE, UPDATE_MODES
from gh_store_action.domain.records import FOREVER, Comment, Issue, Rules
from gh_store_action.domain.refusal import Reason
from gh_store_action.domain.strict_json import InvalidJson, Json, digest, dump

ADOPTED = "adopted"
NOBODY: Mapping[str, str] = MappingProxyType({})
REPLY_PREFIX = "<!-- gh-store refused "
_ENVELOPE_KEYS = frozenset({"_data", "_meta", "type"})
_REPLY = re.compile(r"<!-- gh-store refused ([0-9a-z ]{1,60000}) -->")
_NUMBER = re.compile(r"[0-9]{1,18}")
_HEX = re.compile(r"[0-9a-f]{8,64}")


class Kind(enum.Enum):
    """What an entry of the log is."""

    CHAT = "chat"
    UPDATE = "update"
    INVALID = "invalid"  # meant as an update, but not one
    CHECKPOINT = "checkpoint"  # an initial state by an identity that counts, or with the receipt of one
    FOREIGN_STATE = "foreign state"  # an initial state written by a user of gh-store
    REPLY = "reply"


@dataclass(frozen=True)
class Entry:
    """One comment, read.

    Args:
        patch: an update's patch, or a checkpoint's state; for an invalid update, its content if that is JSON.
        after: a checkpoint's place: right after the comment with this id.
        revision: of a checkpoint's state.
        problem: why an update is invalid.
        names: what a reply names: comment ids, or `body-...` for a refused hand edit.
        absorbed: of a checkpoint: outcomes, by comment id, of updates that it contains and that had no receipt yet.
        adopted: of a checkpoint: whether it began the store's own log, so that other rules apply before it.
        reason: of a checkpoint: why it was made; empty for an initial state.
        editor: of a checkpoint: whose state it adopted; empty for the store's own.
        previous: of an initial state: the issue that the object was rolled over from; 0 for none.
        behalf: of an update: the login that it says it is for, who must also be allowed; empty for none.
        owner: of a checkpoint: the object's owner, if someone else opened its issue; empty if it does not say.
        form: of a checkpoint: the number of the form's issue that created the object; 0 for none.
        known: whether a processor wrote it, and no one else edited it.
        folded_at: of an edited comment: when a run had folded it, at the latest; empty if nothing tells.
        may_repeat: of an update: an edited comment that has the same idempotency key now, and may have had it when it
            was folded; 0 for none.
    """

    comment: Comment
    kind: Kind
    patch: Json = None
    mode: str = DEFAULT_MODE
    update_id: str = ""
    if_revision: int | None = None
    if_digest: str = ""
    after: int = 0
    revision: int = 0
    problem: Reason = Reason("", "")
    names: frozenset[str] = frozenset()
    absorbed: Mapping[int, str] = field(default_factory=dict)
    adopted: bool = False
    reason: str = ""
    editor: str = ""
    previous: int = 0
    behalf: str = ""
    owner: str = ""
    form: int = 0
    known: bool = False
    folded_at: str = ""
    may_repeat: int = 0

    @property
    def author(self) -> str:
        """Its author: the comment's, or the person for whom the store posted it."""
        return self.behalf if self.known and self.behalf else self.comment.author

    @property
    def id(self) -> int:
        """The comment's id: the log's order."""
        return self.comment.id

    @property
    def looks_ahead(self) -> bool:
        """Whether it names a comment that is not older: a run enters no such state or reply."""
        return max(self.after, *(int(name) for name in self.names if name.isdecimal()), 0) >= self.id

    @property
    def changed(self) -> bool:
        """Whether its text may be another than the one that was folded: times have whole seconds."""
        return self.folded_at != "" and self.comment.edited_at >= self.folded_at

    @property
    def as_applied(self) -> Entry:
        """The entry if its recorded verdict is applied: it was accepted then, whatever would be refused today.

        Its conditions were met then.  A replay may count other revisions: titles that people typed raised them.
        """
        met = replace(self, if_revision=None, if_digest="")
        return replace(met, kind=Kind.UPDATE) if self.kind is Kind.INVALID and self.patch is not None else met

    @property
    def asks(self) -> bool:
        """Whether it asks for a change, and so gets a verdict."""
        return self.kind in (Kind.UPDATE, Kind.INVALID)


def read_all(issue: Issue, rules: Rules, counting: frozenset[str], here: Mapping[str, str] = NOBODY) -> list[Entry]:
    """An issue's log as entries, see `read`."""
    entries = [read(comment, rules, counting, here) for comment in issue.comments]
    marker = objects.read_title(issue.title)[1]
    copied = marker is None or all(comment.id != marker.comment for comment in issue.comments)  # with other ids

    def counts(entry: Entry) -> bool:
        if entry.kind is Kind.FOREIGN_STATE:  # gh-store opened the issue and wrote the state with one token
            return entry.comment.author == issue.author
        return copied or not entry.looks_ahead or entry.comment.author in rules.processors

    return [entry if counts(entry) else replace(entry, kind=Kind.CHAT) for entry in entries]


def read(comment: Comment, rules: Rules, counting: frozenset[str], here: Mapping[str, str] = NOBODY) -> Entry:
    """Reads the comment.  Never raises: text that is meant as an update but is not one becomes `INVALID`.

    Args:
        counting: identities whose states and replies count in every log.
        here: those who also count in this one, by login with the time until when.
    """
    tampered, until = is_tampered(comment, rules.processors), here.get(comment.author, "")
    theirs = comment.author in counting or max(comment.created_at, comment.edited_at) <= until
    counts = (theirs and not tampered) or _signed(comment, rules)
    if counts and comment.body.startswith(REPLY_PREFIX):
        found = _REPLY.match(comment.body)
        return Entry(comment, Kind.REPLY, names=frozenset(found[1].split()) if found else frozenset())
    try:
        value = read_written(comment.body)
    except InvalidJson as error:
        return _invalid(comment, "$", error.reason)
    if value is None:
        return Entry(comment, Kind.CHAT)
    if isinstance(value, dict) and value.get("type") == "initial_state":
        known = comment.author in counting
        state = _initial_state(comment, value, rules, counts, known and not tampered)
        if state is not None:
            return Entry(comment, Kind.CHAT) if tampered and (known or until) else state
    if isinstance(value, dict) and ("_meta" in value or "_data" in value):
        return replace(_envelope(comment, value), known=not tampered and comment.author in rules.processors)
    problem = mistaken(value)
    if problem is not None:
        return Entry(comment, Kind.INVALID, patch=value, problem=problem)
    return Entry(comment, Kind.UPDATE, patch=value)


def hands(issue: Issue, rules: Rules, counting: frozenset[str], here: Mapping[str, str] = NOBODY) -> frozenset[str]:
    """Who has written a comment that would be a state or a reply of the store, if its author counted then."""

    def is_the_stores(comment: Comment, people: Mapping[str, str]) -> bool:
        return read(comment, rules, counting, people).kind in (Kind.CHECKPOINT, Kind.REPLY)

    return frozenset(
        comment.author
        for comment in issue.comments
        if is_the_stores(comment, {comment.author: FOREVER}) and not is_the_stores(comment, here)
    )


def lacks_signature(entry: Entry, rules: Rules) -> bool:
    """Whether a person's run entered it, and no processor has left the receipt that lets it count for good."""
    own = entry.kind in (Kind.CHECKPOINT, Kind.REPLY) and entry.comment.author not in rules.processors
    return own and not (entry.comment.edited_at or entry.looks_ahead or _signed(entry.comment, rules))


def is_tampered(comment: Comment, processors: frozenset[str]) -> bool:
    """Whether someone else edited a comment, so that it is no longer the store's."""
    return comment.edited_at != "" and comment.editor not in (processors | {comment.author})


def is_edited_store_comment(comment: Comment, rules: Rules) -> bool:
    """Whether somebody has edited what was the store's own: a processor's comment, or what one has signed."""
    if comment.author in rules.processors:
        return is_tampered(comment, rules.processors)
    return comment.edited_at != "" and _has_signature(comment, rules)


def adopted_at(entries: Iterable[Entry]) -> int:
    """The comment after which the store's own log begins; 0 if nothing was adopted.  Other rules apply before it."""
    return max((e.after for e in entries if e.kind is Kind.CHECKPOINT and e.adopted), default=0)


def _signed(comment: Comment, rules: Rules) -> bool:
    """Whether a processor has left its receipt on a state or a reply that no one has edited; people react by hand."""
    return not comment.edited_at and _has_signature(comment, rules)


def _has_signature(comment: Comment, rules: Rules) -> bool:
    initial = rules.reactions.initial_state
    return any(one.login in rules.processors and one.content == initial for one in comment.reactions)


def _invalid(comment: Comment, path: str, reason: str) -> Entry:
    return Entry(comment, Kind.INVALID, problem=Reason(path, reason))


def _initial_state(comment: Comment, value: dict[str, Json], rules: Rules, counts: bool, known: bool) -> Entry | None:
    """A state in the log.

    gh-store 0.5 wrote `data` and `timestamp`; later versions wrote an envelope with `_data` and without a key, which
    their own history cannot read.  The store writes `data` and `_meta`, which all versions' history can read.
    """
    meta = value.get("_meta", {})
    if "_data" in value and isinstance(meta, dict) and set(value) <= _ENVELOPE_KEYS:
        data = value["_data"]
    elif set(value) in ({"type", "data", "timestamp"}, {"type", "data", "_meta"}) and isinstance(meta, dict):
        data = value["data"]
    else:
        return None
    if not isinstance(data, dict | list):
        return None
    if known or (counts and meta.get("update_id")):
        return Entry(
            comment,
            Kind.CHECKPOINT,
            patch=data,
            after=_whole(meta.get("after"), least=0, default=0),
            revision=_whole(meta.get("revision"), least=1, default=1),
            update_id=str(meta.get("update_id") or ""),
            absorbed=_absorbed(meta.get("verdicts")),
            adopted=meta.get("reason") == ADOPTED,
            reason=str(meta.get("reason") or ""),
            editor=str(meta.get("editor") or ""),
            previous=_whole(meta.get("previous"), least=1, default=0),
            owner=str(meta.get("owner") or "").lower(),
            form=_whole(meta.get("form"), least=1, default=0),
        )
    if any(r.login == comment.author and r.content == rules.reactions.initial_state for r in comment.reactions):
        return Entry(comment, Kind.FOREIGN_STATE, patch=data)
    return Entry(comment, Kind.CHAT)  # only the store itself writes states; others' do not count


def _whole(value: Json, *, least: int, default: int) -> int:
    """The value as a whole number, such as 1 or 1.0, which are the same in JSON; the default if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or value < least:
        return default
    return int(value)


def _absorbed(value: Json) -> Mapping[int, str]:
    if not isinstance(value, dict):
        return {}
    return {int(key): str(outcome) for key, outcome in value.items() if _NUMBER.fullmatch(key)}


def _envelope(comment: Comment, value: dict[str, Json]) -> Entry:
    """An update with metadata."""
    meta = value.get("_meta")
    unknown = sorted(set(value) - _ENVELOPE_KEYS)
    near = {key.strip("_").lower(): f"; did you mean it instead of {key[:80]!r}?" for key in unknown}
    if "_data" not in value:
        return _invalid(
            comment, "$._data", f"an update with _meta needs _data, the change itself{near.get('data', '')}"
        )
    if not isinstance(meta, dict):
        said = near.get("meta", "") if meta is None else ""
        return _invalid(comment, "$._meta", f"an update with _data needs _meta, an object (it may be empty){said}")
    if unknown:
        inside = "; did you mean it inside _meta?" if unknown[0] in META_KEYS else ", which is not understood"
        return _invalid(comment, "$", f"beside _data and _meta there is {unknown[0][:80]!r}{inside}")
    if value.get("type") is not None:
        return _invalid(comment, "$.type", "an update has no type")
    wrong = misspelled(meta)
    if wrong is not None:
        return _invalid(comment, "$._meta", f"{wrong[0]!r} is not understood; did you mean {wrong[1]!r}?")
    mode = meta.get("update_mode", DEFAULT_MODE)
    if mode is None:
        mode = DEFAULT_MODE
    if not isinstance(mode, str) or mode not in UPDATE_MODES:
        return _invalid(comment, "$._meta.update_mode", f"the mode must be one of {', '.join(UPDATE_MODES)}")
    update_id = meta.get("update_id")
    if update_id is not None and not (isinstance(update_id, str) and 0 < len(update_id) <= 200):
        return _invalid(comment, "$._meta.update_id", "the update_id must be a text of 1 to 200 characters")
    revision = _whole(meta.get("if_revision"), least=1, default=0)
    if meta.get("if_revision") is not None and not revision:
        return _invalid(comment, "$._meta.if_revision", "if_revision must be a whole number from 1")
    behalf = meta.get("on_behalf_of")
    wanted = meta.get("if_digest")
    if wanted is not None and not (isinstance(wanted, str) and _HEX.fullmatch(wanted)):
        return _invalid(comment, "$._meta.if_digest", "if_digest must be 8 to 64 hexadecimal digits in lower case")
    return Entry(
        comment,
        Kind.UPDATE,
        patch=value["_data"],
        mode=mode,
        update_id=update_id or "",
        if_revision=revision or None,
        if_digest=wanted or "",
        behalf=behalf.lower() if isinstance(behalf, str) else "",
    )


def envelope(
    patch: Json,
    *,
    version: str,
    timestamp: str,
    mode: str = DEFAULT_MODE,
    update_id: str | None = None,
    if_revision: int | None = None,
    if_digest: str | None = None,
    behalf: str = "",
) -> str:
    """The text of an update comment, in a form that gh-store 0.6 and later can read, too.

    Args:
        behalf: the person for whom the store posts it; empty for the author's own.
    """
    meta: dict[str, Json] = {"client_version": version, "timestamp": timestamp, "update_mode": mode}
    if update_id is not None:
        meta["update_id"] = update_id
    if if_revision is not None:
        meta["if_revision"] = if_revision
    if if_digest is not None:
        meta["if_digest"] = if_digest
    if behalf:
        meta["on_behalf_of"] = behalf
    return dump({"_data": patch, "_meta": meta})


def checkpoint_id(revision: int, comment: int, data: Json) -> str:
    """The idempotency key of a checkpoint made on the marker of that revision and comment."""
    return f"{revision}-{comment}-{digest(data)[:16]}"


def checkpoint(
    data: Json,
    *,
    after: int,
    revision: int,
    update_id: str,
    version: str,
    reason: str = "",
    editor: str = "",
    verdicts: Mapping[int, str] | None = None,
    previous: int = 0,
    object_id: str = "",
    owner: str = "",
    form: int = 0,
) -> str:
    """The text of an initial state or of a later checkpoint.

    Args:
        previous: the issue that was rolled over.
        object_id: if the label does not have it.
        owner: the object's owner, if not the issue's author.
        form: the number of the form's issue that created it.
    """
    meta: dict[str, Json] = {
        "client_version": version,
        "update_mode": "initial",
        "after": after,
        "revision": revision,
        "update_id": update_id,
    }
    if object_id:
        meta["object_id"] = object_id
    if owner:
        meta["owner"] = owner
    if form:
        meta["form"] = form
    if reason:
        meta["reason"] = reason
    if editor:
        meta["editor"] = editor
    if previous:
        meta["previous"] = previous
    if verdicts:
        meta["verdicts"] = {str(key): outcome for key, outcome in sorted(verdicts.items())}
    return dump({"type": "initial_state", "data": data, "_meta": meta})
