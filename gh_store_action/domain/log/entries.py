"""The log's entries: what a comment says, and the envelopes that the store itself writes."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from gh_store_action.domain.log.mistakes import META_KEYS, misspelled, mistaken
from gh_store_action.domain.log.written import read_written
from gh_store_action.domain.names import DEFAULT_MODE, UPDATE_MODES
from gh_store_action.domain.records import Comment, Issue, Rules
from gh_store_action.domain.refusal import Reason
from gh_store_action.domain.strict_json import InvalidJson, Json, digest, dump

ADOPTED = "adopted"
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
    FOREIGN_STATE = "foreign state"  # an initial state that gh-store's user wrote
    REPLY = "reply"


@dataclass(frozen=True)
class Entry:
    """One comment, read.

    Args:
        patch: an update's patch, or a checkpoint's state; of an invalid update what it says, where that is JSON.
        after: a checkpoint's place: right behind the comment of this id.
        revision: of a checkpoint's state.
        problem: why an invalid update is none.
        names: what a reply names: comment ids, or `body-...` for a refused hand edit.
        absorbed: of a checkpoint: outcomes, by comment id, of updates that it holds and that had no receipt yet.
        adopted: of a checkpoint: whether it began the store's own log, so that what stood before it had other rules.
        reason: of a checkpoint: why it was made, empty for an initial state.
        editor: of a checkpoint: whose state it took over, empty for the store's own.
        previous: of an initial state: the issue that the object was rolled over from, 0 for none.
        behalf: of an update: the login that it says it is for, who must be allowed, too; empty for none.
        owner: of a checkpoint: whose the object is, where somebody else opened its issue; empty where it does not say.
        form: of a checkpoint: the number of the form's issue that the object was made by, 0 for none.
        known: whether a counting identity wrote it, and nobody else edited it.
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

    @property
    def author(self) -> str:
        """Whose it is: the comment's author's, or that of the person whom the store speaks for."""
        return self.behalf if self.known and self.behalf else self.comment.author

    @property
    def id(self) -> int:
        """The comment's id: the log's order."""
        return self.comment.id

    @property
    def as_applied(self) -> Entry:
        """The entry where its recorded verdict is applied: what it says was taken, whatever is refused today."""
        return replace(self, kind=Kind.UPDATE) if self.kind is Kind.INVALID and self.patch is not None else self

    @property
    def asks(self) -> bool:
        """Whether somebody wants a change and has a verdict to hear."""
        return self.kind in (Kind.UPDATE, Kind.INVALID)


def read_all(issue: Issue, rules: Rules, counting: frozenset[str], here: frozenset[str] = frozenset()) -> list[Entry]:
    """An issue's log as entries, see `read`."""
    entries = [read(comment, rules, counting, here) for comment in issue.comments]
    # gh-store's user opened the issue and wrote the state with one token; anybody else's is nothing.
    return [
        replace(entry, kind=Kind.CHAT)
        if entry.kind is Kind.FOREIGN_STATE and entry.comment.author != issue.author
        else entry
        for entry in entries
    ]


def read(comment: Comment, rules: Rules, counting: frozenset[str], here: frozenset[str] = frozenset()) -> Entry:
    """What the comment says.  Never raises: text that is meant as an update and is none becomes `INVALID`.

    Args:
        counting: whose states and replies count in every log.
        here: whose count in this one, too.
    """
    everybody = counting | here
    tampered = is_tampered(comment, everybody)
    counts = comment.author in everybody and not tampered
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
        counts = counts or _signed(comment, rules, everybody)
        known = comment.author in counting
        state = Entry(comment, Kind.CHAT) if tampered else _initial_state(comment, value, rules, counts, known)
        if state is not None:
            return state
    if isinstance(value, dict) and ("_meta" in value or "_data" in value):
        return replace(_envelope(comment, value), known=not tampered and comment.author in counting)
    problem = mistaken(value)
    if problem is not None:
        return Entry(comment, Kind.INVALID, patch=value, problem=problem)
    return Entry(comment, Kind.UPDATE, patch=value)


def hands(issue: Issue, rules: Rules, counting: frozenset[str]) -> frozenset[str]:
    """Who has written a comment that would be a state or a reply of the store, if its author counted."""
    return frozenset(
        comment.author
        for comment in issue.comments
        if read(comment, rules, counting, frozenset({comment.author})).kind in (Kind.CHECKPOINT, Kind.REPLY)
    )


def is_tampered(comment: Comment, counting: frozenset[str]) -> bool:
    """Whether somebody else wrote into a comment of the store's own, so that it is not the store's any more."""
    return comment.author in counting and comment.edited_at != "" and comment.editor not in counting


def adopted_at(entries: Iterable[Entry]) -> int:
    """The comment that the store's own log begins behind, 0 where nothing was adopted; before it other rules held."""
    return max((e.after for e in entries if e.kind is Kind.CHECKPOINT and e.adopted), default=0)


def _signed(comment: Comment, rules: Rules, counting: frozenset[str]) -> bool:
    """Whether the store has left its receipt on a state that nobody has edited."""
    initial = rules.reactions.initial_state
    return not comment.edited_at and any(r.login in counting and r.content == initial for r in comment.reactions)


def _invalid(comment: Comment, path: str, reason: str) -> Entry:
    return Entry(comment, Kind.INVALID, problem=Reason(path, reason))


def _initial_state(comment: Comment, value: dict[str, Json], rules: Rules, counts: bool, known: bool) -> Entry | None:
    """A state in the log.

    gh-store 0.5 wrote `data` and `timestamp`, later versions an envelope with `_data` and without a key, which their
    own history cannot read.  The store writes `data` and `_meta`, which the history of all of them reads.
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
    return Entry(comment, Kind.CHAT)  # only the store itself writes states; anybody else's is nothing


def _whole(value: Json, *, least: int, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= least else default


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
    revision = meta.get("if_revision")
    if revision is not None and (not isinstance(revision, int) or isinstance(revision, bool) or revision < 1):
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
        if_revision=revision,
        if_digest=wanted or "",
        behalf=behalf.lower() if isinstance(behalf, str) else "",
    )


def envelope(
    patch: Json,
    *,
    version: str,
    timestamp: str,
    mode: str = DEFAULT_MODE,
    update_id: str = "",
    if_revision: int | None = None,
    if_digest: str = "",
    behalf: str = "",
) -> str:
    """The text of an update comment, in the form that gh-store 0.6 and later read too.

    Args:
        behalf: whose update it is, where the store posts what somebody else wrote; empty for the author's own.
    """
    meta: dict[str, Json] = {"client_version": version, "timestamp": timestamp, "update_mode": mode}
    if update_id:
        meta["update_id"] = update_id
    if if_revision is not None:
        meta["if_revision"] = if_revision
    if if_digest:
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
        object_id: where the label does not carry it.
        owner: whose the object is, where the issue's author does not tell.
        form: the number of the form's issue that it was made by.
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
