"""Replies to refused writers: one comment per run, in Markdown that the refused text cannot break or abuse."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from gh_store_action.domain.log.entries import REPLY_PREFIX
from gh_store_action.domain.markdown import code_span, markdown_text
from gh_store_action.domain.records import Refusal
from gh_store_action.domain.refusal import Reason

MOST_SHOWN = 50  # refusals that a reply explains; the others are named, counted and in the job summary
MOST_NAMED = 500  # refusals that one reply answers; the rest get the next reply
MOST_REASONS = 10
MOST_LENGTH = 30_000  # characters of the explanations; GitHub allows 65,536 for the whole comment
MOST_TEXT = 20_000  # characters of a refused body that the reply keeps; GitHub's edit history has the rest
_NAMED = re.compile(r"- \[(?P<id>[0-9]{1,18})\]\(")
_REASON = re.compile(r"  - (?:`(?P<plain>[^`]*)`|<code>(?P<escaped>.*?)</code>): (?P<sentence>.*)")
_ZERO_WIDTH = "\u200b"  # with which `markdown_text` breaks mentions


@dataclass(frozen=True)
class RefusedEdit:
    """An edit of the body that was not applied."""

    editor: str
    text: str
    reasons: tuple[Reason, ...]
    at: str = ""  # when it was saved


def edit_name(edit: RefusedEdit) -> str:
    """A reply's name for the refused edit, so that it is sent once."""
    return "body" + hashlib.sha256(f"{edit.at} {edit.text}".encode("utf-8", "replace")).hexdigest()[:16]


def edited_name(comment_id: int) -> str:
    """A reply's name for an update that was edited after it was applied, so that its author is told once."""
    return f"edited{comment_id}"


def refused(
    refusals: Sequence[Refusal],
    *,
    edit: RefusedEdit | None,
    issue_url: str,
    edited: Sequence[tuple[int, str]] = (),
) -> str:
    """The reply's text; empty if there is nothing to say.

    Args:
        refusals: rejected updates that no reply names yet; strangers get a reaction, never a reply.
        edited: comments that were edited after they were applied, and who edited them.
        issue_url: of the object's issue, for links to the comments.
    """
    if not refusals and edit is None and not edited:
        return ""
    refusals, edited = refusals[:MOST_NAMED], edited[:MOST_SHOWN]
    names = [str(r.comment_id) for r in refusals] + ([edit_name(edit)] if edit else [])
    names += [edited_name(comment) for comment, _ in edited]
    parts = [f"{REPLY_PREFIX}{' '.join(names)} -->"]
    if refusals:
        parts.append(_updates(refusals, issue_url))
    if edit is not None:
        parts.append(_edit(edit))
    if edited:
        parts.append(_edited(edited, issue_url))
    return "\n".join(parts)


def _updates(refusals: Sequence[Refusal], issue_url: str) -> str:
    many = len(refusals) > 1
    lines = [f"**{len(refusals)} updates were not applied.**" if many else "**This update was not applied.**", ""]
    shown = 0
    for refusal in refusals[:MOST_SHOWN]:
        if sum(len(line) for line in lines) > MOST_LENGTH:
            break
        shown += 1
        lines.append(
            f"- [{refusal.comment_id}]({issue_url}#issuecomment-{refusal.comment_id}) by {_who(refusal.author)}"
        )
        lines += _reasons(refusal.reasons)
    if len(refusals) > shown:
        lines.append(f"- and {len(refusals) - shown} more")
    lines += [
        "",
        "Nothing else was held up. To try again, post a corrected update as a new comment: plain JSON such as "
        '`{"count": 1}` is merged into the object. Editing the refused comment changes nothing.',
    ]
    return "\n".join(lines)


def _edited(edited: Sequence[tuple[int, str]], issue_url: str) -> str:
    lines = ["**Editing a comment after it was applied changes nothing.** Post the change as a new comment.", ""]
    lines += [
        f"- [{comment}]({issue_url}#issuecomment-{comment}), edited by {_who(editor)}: its earlier text is applied"
        for comment, editor in edited
    ]
    return "\n".join(lines)


def _edit(edit: RefusedEdit) -> str:
    indented = "\n".join("    " + line for line in edit.text.replace("\r", "").split("\n"))
    rest = "" if len(indented) <= MOST_TEXT else "\n\n(cut; the body's edit history has all of it)"
    indented = indented[:MOST_TEXT]
    lines = [f"**The edit of the body by {_who(edit.editor)} was not applied.** The object is as its log says.", ""]
    lines += _reasons(edit.reasons)
    lines += ["", "The text was:", "", indented + rest]
    return "\n".join(lines)


def read_reasons(text: str) -> dict[int, tuple[Reason, ...]]:
    """The reasons in a reply, by comment id."""
    found: dict[int, list[Reason]] = {}
    about = 0
    for line in text.split("\n"):
        named, reason = _NAMED.match(line), _REASON.match(line)
        if named:
            about = int(named["id"])
        elif reason and about:
            path = html.unescape(reason["plain"] or reason["escaped"] or "")
            sentence = html.unescape(reason["sentence"]).replace(_ZERO_WIDTH, "")
            found.setdefault(about, []).append(Reason(path, sentence))
        elif not line.startswith("  - "):
            about = 0
    return {comment: tuple(reasons) for comment, reasons in found.items()}


def _who(login: str) -> str:
    """Mentions the writer, to notify them; bots and other non-users are only named."""
    return code_span(login) if login.endswith("]") or not login else "@" + login


def _reasons(reasons: Sequence[Reason]) -> list[str]:
    shown = [f"  - {code_span(path)}: {markdown_text(sentence)}" for path, sentence in reasons[:MOST_REASONS]]
    if len(reasons) > MOST_REASONS:
        shown.append(f"  - and {len(reasons) - MOST_REASONS} more")
    return shown or ["  - the reason was not saved; see the log of the run that refused it"]
