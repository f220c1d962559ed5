"""What people write in a comment: JSON, a failed attempt at it, or conversation."""

from __future__ import annotations

import re

from gh_store_action.domain.strict_json import INVISIBLE, InvalidJson, Json, parse, unwrapped

_QUOTE = r"""(?:["'“”„‟‘’‚‛«»‹›「」『』〝〞″]|\\"|&quot;|&\#34;)"""
_LITERAL = (
    r"(?:-?[0-9][0-9.eE+-]*|-?Infinity|NaN|[Tt]rue|[Ff]alse|null|None|undefined)"  # JavaScript's and Python's, too
)
_OBJECT = re.compile(rf"\{{\s*(?:{_QUOTE}|\}}|(?:[\w$-]+\s*:|//|/\*).*\}};?\Z)", re.DOTALL)
_ARRAY = re.compile(
    rf"(?:\[\s*+)++\{{\s*{_QUOTE}"  # [{"…
    rf"|(?:\[\s*+)++(?:{_QUOTE}|\{{|{_LITERAL}\s*,).*\];?\Z"  # [{…], ["…], [1, …]
    rf"|(?:\[\s*+){{2,}}+(?:{_LITERAL}\s*)?\].*\]\Z"  # [[], …], [[1], …]
    rf"|\[\s*+(?:{_LITERAL}\s*)?\]\Z",  # [], [1]
    re.DOTALL,
)
_PLAIN = dict.fromkeys(map(ord, INVISIBLE)) | {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
_COMMENTS = re.compile(r"(?:\s*+(?://[^\n]*+(?:\n|\Z)|/\*.*?\*/))*+\s*+", re.DOTALL)
_SPAN = re.compile(r"(`++)(?:json[0-9A-Za-z_]?(?![0-9A-Za-z_]))?[ \t]*+([^`\n]++)\1")


def read_written(text: str) -> dict[str, Json] | list[Json] | None:
    """The object or array in a comment; None for conversation.

    JSON may be the whole comment or its only code fence, see `unwrapped`.

    Raises:
        InvalidJson: it is meant as JSON but cannot be read: its fence is labeled JSON, or the whole text, or a fence
            without a label or for JavaScript, begins and ends like JSON.
    """
    found = unwrapped(text)
    if found is None:
        return None
    try:
        value = parse(found.text)
    except InvalidJson:
        if found.says_json or looks_like_json(found.text):
            raise
        span = _SPAN.fullmatch(found.text)
        if span and looks_like_json(span[2].strip()):
            raise InvalidJson(
                "the JSON is inline code; post it without backticks, or between two lines of ```"
            ) from None
        return None
    if isinstance(value, str) and looks_like_json(value):
        raise InvalidJson("the JSON is inside a string; post it without the outer quotes and the backslashes")
    return value if isinstance(value, dict | list) else None


def looks_like_json(text: str) -> bool:
    """Whether text seems to be meant as JSON, right or wrong: Markdown like `[x] done` or `[link](url)` is not.

    Invisible characters and comments before it do not count; full-width characters count as their plain forms.
    """
    text = _COMMENTS.sub("", text.translate(_PLAIN), count=1)
    return bool(_OBJECT.match(text) or _ARRAY.match(text))
