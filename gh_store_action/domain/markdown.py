"""Makes untrusted text safe in Markdown: it formats nothing, notifies no one and links nowhere."""

from __future__ import annotations

import json
import re
import unicodedata
from urllib.parse import quote

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # controls, format and bidi controls, surrogates, line breaks
_ZERO_WIDTH = "&#8203;"  # separates a character from what it would refer to
_MEANT = re.compile(r"://|www\.|gh-(?=[0-9])|[@#&<>|`*_~\[\]{}()!$\\]", re.IGNORECASE)
_BLOCK = re.compile(r"[-+=]|[0-9]+[.)]")  # at the start of a line: a list, or the underline of a heading
_SPACE = re.compile(r"\s+")
_URL_SAFE = "/:?#&=%@+,;~!$"


def visible(text: str) -> str:
    r"""The text with all invisible characters written out: `\n`, `\x1b`, `\u202e`, lone surrogates.

    The result is one line that displays in the order of its characters and can be encoded as UTF-8.
    """
    return "".join(_written_out(mark) if unicodedata.category(mark) in _INVISIBLE else mark for mark in text)


def _written_out(mark: str) -> str:
    return mark.encode("unicode_escape").decode("ascii")


def shorten(text: str, limit: int) -> str:
    """The text in at most `limit` characters, with an ellipsis at the end if it was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def shown(value: object) -> str:
    """A JSON value for a message: one line, shortened."""
    return visible(shorten(json.dumps(value, ensure_ascii=False), 60))


def markdown_text(text: str, limit: int = 1_000) -> str:
    """Untrusted text for a paragraph or a table's cell, as one line.

    GitHub looks for `@name`, `#123` and `GH-123` in the rendered text, so an entity for the character is not enough: a
    zero-width space separates it from the name, as Renovate and Dependabot do.  Links to issues also notify, so `://`
    and `www.` are separated, too.

    Args:
        text: as somebody wrote it.
        limit: the number of characters to show.
    """
    line = visible(_SPACE.sub(" ", shorten(text, limit)).strip())
    block = _BLOCK.match(line)
    head = block[0] if block else ""
    return (head and head[:-1] + _entity(head[-1])) + _MEANT.sub(_defused, line[len(head) :])


def _entity(mark: str) -> str:
    return f"&#{ord(mark)};"


def _defused(found: re.Match[str]) -> str:
    meant = found[0]
    if meant == "://":
        return f":{_ZERO_WIDTH}//"
    if meant in "@#" or len(meant) > 1:
        return meant + _ZERO_WIDTH
    return _entity(meant)


def code_span(text: str, limit: int = 1_000) -> str:
    """Untrusted text as inline code, also in a table's cell; GitHub finds no mentions or references in code.

    Args:
        text: as somebody wrote it.
        limit: the number of characters to show.
    """
    line = visible(shorten(text, limit))
    if line.strip(" ") and not {"`", "|"} & set(line):
        pad = " " if line[0] == line[-1] == " " else ""  # Markdown removes one space at both ends
        return f"`{pad}{line}{pad}`"
    return f"<code>{_MEANT.sub(lambda found: ''.join(map(_entity, found[0])), line)}</code>"


def yaml_block(text: str) -> str:
    """Our own YAML as a code block, for the job summary."""
    return "```yaml\n" + text.rstrip("\n") + "\n```"


def code_block(text: str, language: str = "", width: int = 1_000) -> str:
    """Untrusted text as a code block, which its content can neither end nor use to notify anyone.

    Args:
        width: the number of characters to show of a line.
    """
    lines = [visible(shorten(line, width)) for line in text.split("\n")]
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}{language}", *lines, fence])


def link(label: str, url: str) -> str:
    """A Markdown link, or only the label if there is no address.

    Args:
        label: Markdown, so pass untrusted text through `markdown_text` or `code_span` first.
        url: an address; characters that could end the link are percent-encoded.
    """
    return f"[{label}]({quote(url, safe=_URL_SAFE, errors='replace')})" if url else label
