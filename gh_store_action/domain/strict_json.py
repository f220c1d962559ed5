"""JSON as the store reads and writes it: strict on the way in, harmless on the way out, one canonical form to hash."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple, NoReturn, TypeAlias

from gh_store_action.domain.canonical import canonical as canonical

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
"""A JSON value.  Values are never changed in place: what a function returns may share parts with what it was given."""

BODY_LIMIT = 60_000
"""Characters of an object's text; GitHub allows 65,536, which leaves room for additions by hand."""
DEPTH_LIMIT = 100
"""How deep arrays and objects may nest; far below Python's recursion limit."""
DIGIT_LIMIT = 1_000
"""Digits of an integer; Python itself refuses to read more than 4,300."""
_FEW_LEVELS = 8  # levels that need no loop of our own; far below DEPTH_LIMIT
VALUE_LIMIT = 100_000
"""Values that `check` visits; more could not fit into a body, and shared parts could make it visit forever."""

_TOO_LONG = 10**DIGIT_LIMIT
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_BLOCK = " " * 4
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_ESCAPED_PAIR = re.compile(r"(?<!\\)\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}")
_LONG_INTEGER = re.compile(rf"(?<!\d)\d{{{DIGIT_LIMIT + 1}}}")
_NO_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[^\[\]{}"]++', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_PLAIN_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_-]*")
# Mentions and references; invisible characters and those that reverse the reading order (controls, overrides, ...).
_HARMFUL = re.compile(
    "[@#\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff]"
    r"|(?<=GH)-(?=\d)"  # GH-7 is a reference like #7
    r"|(?<=/issues)/(?=\d)|(?<=/pull)/(?=\d)|(?<=/discussions)/(?=\d)",  # and so is the address of issue 7
    re.IGNORECASE,
)
# What editors, mail programs and messengers leave in a text that is copied from them, and nobody sees.
INVISIBLE = "\xad\u061c\u180e\ufeff" + "".join(
    map(chr, (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)))
)
_SPACES = "".join(filter(str.isspace, map(chr, range(0x3001))))
BLANK = _SPACES + INVISIBLE
_LEAD = re.compile(rf"(?:[{BLANK}]++|<!--(?:-?>|.*?-->))*+", re.DOTALL)
_SIGNATURE = re.compile(
    r"^(?:--[ \t]*|Sent (?:from|via|with) .*|Get Outlook for .*|On .*(?:\n.*)?wrote:)$", re.MULTILINE
)
_FENCE = re.compile(r"(?P<mark>`{3,}+(?!.*`)|~{3,}+)[ \t]*\{?\.?(?P<language>[\w./+-]*)(?P<info>.*)(?:\n|\Z)")
_JSON = frozenset(["json", "jsonc", "json5", "jsonl", "ndjson", "hjson", "geojson", "jsonld"])
_NO_WORD = re.compile(r"[^a-z0-9]+")
_PERHAPS_JSON = frozenset(["", "js", "javascript"])

_SENTENCES = {
    "Expecting value": "a value is missing here",
    "Expecting ',' delimiter": "a comma or a closing bracket is missing here",
    "Expecting ':' delimiter": "a colon is missing here",
    "Expecting property name enclosed in double quotes": "a key in double quotes is missing here",
    "Extra data": "there is more text after the end of the JSON value",
    "Unterminated string starting at": "a string starts here and has no end",
    "Invalid control character at": "a line break or control character inside a string must be escaped",
}


_FOUND = {
    **dict.fromkeys(map(chr, range(0xFF01, 0xFF5F)), "a full-width character; JSON has plain ones"),
    **dict.fromkeys("“”„‟«»‹›「」『』〝〞″＂", "a typographic quote; JSON has straight double quotes"),
    **dict.fromkeys("'‘’‚‛", "a single quote; JSON has double quotes"),
    "`": "a backtick; JSON has double quotes, and a fence ends with a line of nothing else",
    "\\": "a backslash outside a string; quotes are not escaped there",
    "/": "a comment, perhaps; JSON has none",
    "#": "a comment, perhaps; JSON has none",
    "&": "an HTML entity, perhaps; write the character itself",
    **{mark: f"an unusual space, U+{ord(mark):04X}; JSON has plain ones" for mark in _SPACES if mark > "\x7f"},
    "\xa0": "a no-break space; JSON has plain ones",
    **{mark: f"an invisible character, U+{ord(mark):04X}; delete it" for mark in INVISIBLE},
}
"""Names for what is often written where JSON expects something else."""


class InvalidJson(ValueError):
    """A text or a value that is not JSON that this store accepts.

    Args:
        reason: a plain sentence for a user, with the position or the path if known.
        line: the line in the text, from 1, if known.
    """

    def __init__(self, reason: str, *, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


def parse(text: str, *, depth: int = DEPTH_LIMIT) -> Json:
    """Read strict JSON (RFC 8259 and nothing more); drops a leading byte order mark.

    Args:
        text: the JSON text, of any length.
        depth: how deep arrays and objects may nest.

    Raises:
        InvalidJson: and nothing else, for any text: a syntax error, a duplicate key, NaN or Infinity, a number that
            overflows, an integer of more than DIGIT_LIMIT digits, a lone surrogate, nesting beyond the depth.
    """
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise InvalidJson("the text is empty")
    if raw := _SURROGATE.search(text):
        _fail_at(text, raw.start(), "half of a surrogate pair is no character")
    _check_nesting(text, depth)
    try:
        value: Json = json.loads(
            text,
            object_pairs_hook=_unique_keys,
            parse_int=_bounded_int if _LONG_INTEGER.search(text) else None,
            parse_float=_finite_float,
            parse_constant=_no_constant,
        )
    except json.JSONDecodeError as error:
        found = _FOUND.get(text[error.pos : error.pos + 1])
        _fail_at(text, error.pos, _SENTENCES.get(error.msg, error.msg) + (f"; there is {found}" if found else ""))
    halves = _ESCAPED_SURROGATE.search(text) and _ESCAPED_SURROGATE.search(_ESCAPED_PAIR.sub("", text))
    return check(value, depth=depth) if halves else value


def check(value: object, *, depth: int = DEPTH_LIMIT) -> Json:
    """Copy a Python value as JSON by the same rules as `parse`; tuples become arrays.

    Args:
        value: dict with str keys, list, tuple, str, int, float, bool or None, nested.
        depth: how deep arrays and objects may nest.

    Raises:
        InvalidJson: with the JSON path of the part that is not allowed.
    """
    return _Checker(depth).copy(value, ())


def digest(value: Json) -> str:
    """The SHA-256 of the canonical form, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def dump(value: Json) -> str:
    """The text for an issue body or a comment: in the author's key order, on many lines if that fits BODY_LIMIT.

    GitHub shows it as a code block, because its lines begin with four spaces (CommonMark, section 4.4); for programs it
    is the same JSON.  In keys and values, characters that would mislead a reader (control, bidirectional and invisible
    ones) are escaped, and so is text that would notify people outside a code block (`@name`, `#7`, `GH-7`, an issue's
    address).
    """
    compact = _BLOCK + _compact(value)
    if len(compact) > BODY_LIMIT:
        return compact
    pretty = _BLOCK + _defused(json.dumps(value, ensure_ascii=False, indent=2)).replace("\n", "\n" + _BLOCK)
    return pretty if len(pretty) <= BODY_LIMIT else compact


def size(value: Json) -> int:
    """The number of characters of the value's shortest text, including escapes."""
    return len(_compact(value))


def fits(value: Json) -> bool:
    """Whether the value fits an issue body."""
    return size(value) <= BODY_LIMIT


def equal(a: Json, b: Json) -> bool:
    """JSON equality: numbers by value (`1` is `1.0`), `true` is not `1`, the order of keys does not matter.

    For an integer and a float beyond 2^53 - 1, the canonical forms decide: `1e20` is 100000000000000000000, but `1e21`
    is not the integer with its digits.
    """
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, float) is not isinstance(b, float):
        return canonical(a) == canonical(b)
    return isinstance(a, bool) is isinstance(b, bool) and a == b


def read_body(text: str) -> Json:
    """Read an issue body as an object's data: only JSON, bare or in one code fence; see `unwrapped`.

    Raises:
        InvalidJson: the rest is not strict JSON, or is neither an object nor an array.
    """
    found = unwrapped(text)
    data = parse(text if found is None else found.text)
    if not isinstance(data, dict | list):
        raise InvalidJson("it is neither an object nor an array")
    return data


def body_digest(text: str) -> str:
    """The digest of an issue body's data; empty if it has none."""
    try:
        return digest(read_body(text))
    except InvalidJson:
        return ""


def same_data(a: str, b: str) -> bool:
    """Whether two texts are the same: a server may trim a text or change its line endings."""
    return a == b or body_digest(a) == body_digest(b) != ""


class Unwrapped(NamedTuple):
    """The only text in a body or comment, and whether a code fence around it is labeled JSON."""

    text: str
    says_json: bool


def unwrapped(text: str) -> Unwrapped | None:
    """The text of a body or comment, without its code fence.

    This drops HTML comments, byte order marks and whitespace around it, which no one sees, and the signature and
    quotation that a mail program adds.  A fence is CommonMark's (section 4.5): three or more backticks or tildes, after
    up to three spaces, closed by as many or more; otherwise it runs to the end.

    Returns:
        None if there is something besides the fence, or the fence is for another language.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    rest = _LEAD.sub("", text, count=1)
    start = len(text) - len(rest)
    indent = text[text.rfind("\n", 0, start) + 1 : start]
    fence = _FENCE.match(rest)
    if fence is None:
        return Unwrapped(_alone(rest), says_json=False)
    language = fence["language"].lower()
    lines = rest[fence.end() :].split("\n")
    end = next((number for number, line in enumerate(lines) if _closes(line, fence["mark"])), len(lines))
    deep = not indent.strip(" \t") and len(indent.expandtabs(4)) > 3
    says_json = not _JSON.isdisjoint(_NO_WORD.split(language))
    if deep or not (says_json or language in _PERHAPS_JSON) or _alone("\n".join(lines[end + 1 :])):
        return None
    return Unwrapped(_alone("\n".join(lines[:end])), says_json)


def _alone(text: str) -> str:
    """Without invisible text before and after it, and without a mail signature."""
    text = _LEAD.sub("", text, count=1)
    signature = _SIGNATURE.search(text)
    text = text[: signature.start()] if signature else text
    end = len(text)
    while True:
        while end and text[end - 1] in BLANK:
            end -= 1
        start = text.rfind("<!--", 0, end) if text.endswith("-->", 0, end) else -1
        if start < 0 or text.find("-->", start + 4, end - 3) >= 0:
            return text[:end]
        end = start


def json_path(parts: Iterable[str | int]) -> str:
    """A JSON path such as `$.jobs[0].name` or `$["two words"]`; cut if it is long, and harmless to GitHub."""
    path = "$"
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part) and len(part) <= 80:
            path += _defused(f".{part}")
        else:
            path += f"[{excerpt(part)}]"
    return path if len(path) <= 240 else f"{path[:120]}…{path[-120:]}"


def excerpt(value: Json, limit: int = 80) -> str:
    """A short form of a value for a message: a scalar as harmless JSON, cut at `limit` characters, or its type."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    if isinstance(value, str) and len(value) > limit:
        return _compact(value[:limit])[:-1] + '…"'
    text = _compact(value)
    return text if isinstance(value, str) or len(text) <= limit else text[:limit] + "…"


def _fail_at(text: str, position: int, sentence: str) -> NoReturn:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    raise InvalidJson(f"line {line}, column {column}: {sentence}", line=line)


def _check_nesting(text: str, most: int) -> None:
    if text.count("[") + text.count("{") <= most:
        return
    brackets = _NO_BRACKET.sub("", text)
    for _ in range(_FEW_LEVELS):
        brackets = brackets.replace("[]", "").replace("{}", "")
    if not brackets:
        return
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth > most:
                _fail_at(text, token.start(), f"arrays and objects nest deeper than {most}")
        elif token[0] in "]}":
            depth -= 1


def _unique_keys(pairs: list[tuple[str, Json]]) -> Json:
    result = dict(pairs)
    if len(result) < len(pairs):
        (key, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise InvalidJson(f"the key {excerpt(_SURROGATE.sub('�', key))} appears twice in one object")
    return result


def _bounded_int(digits: str) -> int:
    if len(digits.removeprefix("-")) > DIGIT_LIMIT:
        raise InvalidJson(f"the integer {digits[:20]}… has more than {DIGIT_LIMIT:,} digits")
    return int(digits)


def _finite_float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise InvalidJson(f"the number {digits[:20]}{'…' if len(digits) > 20 else ''} is too large")
    return number


def _no_constant(name: str) -> NoReturn:
    raise InvalidJson(f"{name} is not JSON")


class _Checker:
    """One walk of `check`, which counts its visits."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.visited = 0

    def copy(self, value: object, path: tuple[str | int, ...]) -> Json:
        self.visited += 1
        if self.visited > VALUE_LIMIT:
            raise InvalidJson(f"the data has more than {VALUE_LIMIT:,} values")
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self.text(str.__str__(value), path)
        if isinstance(value, int):
            if abs(value) >= _TOO_LONG:
                raise InvalidJson(f"{json_path(path)}: the integer has more than {DIGIT_LIMIT:,} digits")
            return int(value)
        if isinstance(value, float):
            if not math.isfinite(value):
                raise InvalidJson(f"{json_path(path)}: {value} is not JSON")
            return float(value)
        if isinstance(value, dict | list | tuple):
            if len(path) >= self.depth:
                raise InvalidJson(f"{json_path(path[:3])}…: arrays and objects nest deeper than {self.depth}")
            if isinstance(value, dict):
                return {self.key(key, path): self.copy(item, (*path, key)) for key, item in value.items()}
            return [self.copy(item, (*path, index)) for index, item in enumerate(value)]
        raise InvalidJson(f"{json_path(path)}: a Python {type(value).__name__} is not JSON")

    def key(self, key: object, path: tuple[str | int, ...]) -> str:
        if not isinstance(key, str):
            raise InvalidJson(f"{json_path(path)}: a key is a Python {type(key).__name__} and must be a string")
        return self.text(str.__str__(key), path)

    def text(self, text: str, path: tuple[str | int, ...]) -> str:
        if _SURROGATE.search(text):
            raise InvalidJson(f"{json_path(path)}: half of a surrogate pair is no character")
        return text


def _compact(value: Json) -> str:
    return _defused(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _defused(text: str) -> str:
    """Escape in JSON text; the escaped characters occur only inside strings."""
    return _HARMFUL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _closes(line: str, mark: str) -> bool:
    """Whether a line ends the code fence that `mark` opened."""
    bare = line.rstrip(BLANK)
    spaces = len(bare) - len(bare.lstrip(" "))
    return spaces <= 3 and len(bare) - spaces >= len(mark) and not bare[spaces:].strip(mark[0])
