"""GitHub's expressions: `${{ … }}` and the `if` of jobs, evaluated as GitHub's own evaluator does.

tests/contract/test_expressions.py holds this against `@actions/expressions`, GitHub's implementation.

    evaluate("contains(github.event.issue.labels.*.name, 'stored-object')", {"github": {"event": event}})
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any


class ExpressionError(Exception):
    """GitHub would not take the expression either."""


class Filtered(list[Any]):
    """What `*` gives: the next dereference goes into each of its items."""


_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<number>[-+]?(?:0x[0-9A-Fa-f]+|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+))"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)|(?P<sign>&&|\|\||[=!<>]=|[!<>()\[\],.*]))"
)


def interpolate(text: Any, contexts: Mapping[str, Any]) -> Any:
    """A value of a workflow file: `${{ … }}` alone gives what it evaluates to, inside a text its text."""
    if not isinstance(text, str):
        return text
    whole = re.fullmatch(r"\s*\$\{\{((?:'(?:[^']|'')*'|[^'}]|\}(?!\}))*)\}\}\s*", text)
    if whole:
        return evaluate(whole[1], contexts)
    return re.sub(
        r"\$\{\{((?:'(?:[^']|'')*'|[^'}]|\}(?!\}))*)\}\}", lambda match: as_text(evaluate(match[1], contexts)), text
    )


def evaluate(expression: str, contexts: Mapping[str, Any]) -> Any:
    """The value of an expression.

    Args:
        contexts: such as `{"github": {…}, "inputs": {…}}`, as JSON values.

    Raises:
        ExpressionError: the expression is none, or names what there is not.
    """
    parser = _Parser(expression, contexts)
    value = parser.choice()
    if parser.peek():
        raise ExpressionError(f"unexpected {parser.peek()!r} in {expression!r}")
    return value()


Later = Callable[[], Any]


class _Parser:
    """Recursive descent; each part becomes a function, so that `&&` and `||` leave the rest alone."""

    def __init__(self, text: str, contexts: Mapping[str, Any]) -> None:
        self.contexts = contexts
        self.tokens: list[tuple[str, str]] = []
        place, text = 0, text.rstrip()
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                raise ExpressionError(f"unexpected {text[place:]!r} in {text!r}")
            self.tokens.append((match.lastgroup or "", match[match.lastgroup or ""]))
            place = match.end()

    def peek(self) -> str:
        return self.tokens[0][1] if self.tokens else ""

    def take(self, *signs: str) -> str:
        if self.tokens and self.tokens[0][0] == "sign" and self.tokens[0][1] in signs:
            return self.tokens.pop(0)[1]
        return ""

    def need(self, sign: str) -> None:
        if not self.take(sign):
            raise ExpressionError(f"expected {sign}, found {self.peek() or 'the end'}")

    def choice(self) -> Later:
        return self._logical("||", self.conjunction, truthy)

    def conjunction(self) -> Later:
        return self._logical("&&", self.equality, lambda value: not truthy(value))

    def _logical(self, sign: str, part: Callable[[], Later], enough: Callable[[Any], bool]) -> Later:
        parts = [part()]
        while self.take(sign):
            parts.append(part())

        def value() -> Any:
            result = None
            for one in parts:
                result = one()
                if enough(result):
                    break
            return result

        return value if len(parts) > 1 else parts[0]

    def equality(self) -> Later:
        return self._binary(("==", "!="), self.comparison)

    def comparison(self) -> Later:
        return self._binary(("<=", ">=", "<", ">"), self.unary)

    def _binary(self, signs: tuple[str, ...], part: Callable[[], Later]) -> Later:
        left = part()
        while sign := self.take(*signs):
            left = _compared(sign, left, part())
        return left

    def unary(self) -> Later:
        if self.take("!"):
            inner = self.unary()
            return lambda: not truthy(inner())
        return self.dereferenced(self.primary())

    def dereferenced(self, value: Later) -> Later:
        while sign := self.take(".", "["):
            if self.take("*"):
                value = _star(value)
            elif sign == ".":
                kind, name = self.tokens.pop(0) if self.tokens else ("", "")
                if kind != "name":
                    raise ExpressionError(f"expected a name after the dot, found {name or 'the end'}")
                value = _indexed(value, lambda name=name: name)  # type: ignore[misc]
            else:
                value = _indexed(value, self.choice())
            if sign == "[":
                self.need("]")
        return value

    def primary(self) -> Later:
        if self.take("("):
            inner = self.choice()
            self.need(")")
            return inner
        if not self.tokens:
            raise ExpressionError("the expression ends too early")
        kind, text = self.tokens.pop(0)
        if kind == "string":
            # Only the first pair of quotes becomes one: String.replace in GitHub's lexer.
            return lambda: text[1:-1].replace("''", "'", 1)
        if kind == "number":
            return lambda: as_number(text)
        if kind == "name" and text in _LITERALS:
            return lambda: _LITERALS[text]
        if kind == "name" and self.take("("):
            return self._call(text)
        known = {name.lower(): value for name, value in self.contexts.items()}
        if kind == "name" and text.lower() in known:
            return lambda: known[text.lower()]
        raise ExpressionError(f"unexpected {text!r}")

    def _call(self, name: str) -> Later:
        arguments: list[Later] = []
        if not self.take(")"):
            arguments.append(self.choice())
            while self.take(","):
                arguments.append(self.choice())
            self.need(")")
        function, least, most = _FUNCTIONS.get(name.lower(), (None, 0, 0))
        if function is None or not least <= len(arguments) <= most:
            raise ExpressionError(f"{name}() with {len(arguments)} arguments")
        return lambda: function(*(argument() for argument in arguments))


_LITERALS = {"true": True, "false": False, "null": None, "NaN": math.nan, "Infinity": math.inf}


def _compared(sign: str, left: Later, right: Later) -> Later:
    return lambda: _compare(sign, left(), right())


def _star(value: Later) -> Later:
    def all_of() -> Filtered:
        found = value()
        sources = found if isinstance(found, Filtered) else [found]
        return Filtered(item for one in sources for item in _members(one))

    return all_of


def _members(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()


def _indexed(value: Later, index: Later) -> Later:
    def one() -> Any:
        key, found = index(), value()
        if isinstance(found, Filtered):
            return Filtered(part[0] for item in found if (part := _part(item, key)))
        part = _part(found, key)
        return part[0] if part else None

    return one


def _part(value: Any, key: Any) -> list[Any]:
    """A list of the member that a key names, or an empty one."""
    if isinstance(value, Mapping):
        wanted = as_text(key).lower() if not isinstance(key, (list, Mapping)) else None
        return next(([member] for name, member in value.items() if name.lower() == wanted), [])
    if isinstance(value, list):
        number = as_number(key)
        if math.isfinite(number) and number >= 0 and math.floor(number) < len(value):
            return [value[math.floor(number)]]
    return []


def truthy(value: Any) -> bool:
    """Anything but null, false, 0, NaN and the empty text."""
    if isinstance(value, (list, Mapping)):
        return True
    return bool(value) and value == value


def as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return _digits(float(value))
    if isinstance(value, str):
        return value
    return "Array" if isinstance(value, list) else "Object"


def _digits(value: float) -> str:
    """A number as JavaScript writes it, at most 15 digits behind the point."""
    if not math.isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    text = repr(round(value, 15))
    return re.sub(r"e([-+])0*", r"e\1", text).replace(".0e", "e")


def as_number(value: Any) -> float:
    """JavaScript's `Number(…)`."""
    if value is None:
        return 0.0
    if isinstance(value, (bool, int, float)):
        return float(value)
    if not isinstance(value, str):
        return math.nan
    text = value.strip()
    if not text:
        return 0.0
    if re.fullmatch(r"0[xX][0-9A-Fa-f]+|0[oO][0-7]+|0[bB][01]+", text):
        return float(int(text, 0))
    if re.fullmatch(r"[-+]?Infinity", text):
        return float(text.replace("Infinity", "inf"))
    return float(text) if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", text) else math.nan


def _folded(text: str) -> str:
    return "".join(letter if letter == "ı" else letter.upper() for letter in text)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def _compare(sign: str, left: Any, right: Any) -> bool:
    if sign == "!=":
        return not _compare("==", left, right)
    if sign in ("<=", ">="):
        return _compare("==", left, right) or _compare(sign[0], left, right)
    if _kind(left) != _kind(right):
        if {_kind(left), _kind(right)} & {"array", "object"}:
            return False
        left, right = as_number(left), as_number(right)
    kind = _kind(left)
    if kind in ("array", "object"):
        return sign == "==" and left is right
    if kind == "null":
        return sign == "=="
    if kind == "string":
        left, right = _folded(left), _folded(right)
    return bool({"==": left == right, "<": left < right, ">": left > right}[sign])


def _primitive(*values: Any) -> bool:
    return not any(isinstance(value, (list, Mapping)) for value in values)


def _contains(where: Any, what: Any) -> bool:
    if isinstance(where, list):
        return any(_compare("==", what, item) for item in where)
    return _primitive(where, what) and as_text(what).lower() in as_text(where).lower()


def _starts_with(text: Any, start: Any) -> bool:
    return _primitive(text, start) and _folded(as_text(text)).startswith(_folded(as_text(start)))


def _ends_with(text: Any, end: Any) -> bool:
    return _primitive(text, end) and _folded(as_text(text)).endswith(_folded(as_text(end)))


def _join(values: Any, separator: Any = ",") -> str:
    if isinstance(values, Mapping):
        return ""
    if not isinstance(values, list):
        return as_text(values)
    return (as_text(separator) if _primitive(separator) else ",").join(map(as_text, values))


def _format(pattern: Any, *arguments: Any) -> str:
    def piece(match: re.Match[str]) -> str:
        if match[0] in ("{{", "}}"):
            return match[0][0]
        if match[1] is None or int(match[1]) >= len(arguments):
            raise ExpressionError(f"format({as_text(pattern)!r}) with {len(arguments)} values")
        return as_text(arguments[int(match[1])])

    return re.sub(r"\{\{|\}\}|\{(\d+)\}|[{}]", piece, as_text(pattern))


def _to_json(value: Any) -> str:
    return json.dumps(_plain(value), indent=2, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """A value as JavaScript's JSON has it: 31.0 is 31, NaN is null."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, float):
        return None if not math.isfinite(value) else int(value) if value == int(value) else value
    return value


def _from_json(text: Any) -> Any:
    def refuse(name: str) -> Any:
        raise ValueError(f"{name} is no JSON")

    try:
        return json.loads(as_text(text), parse_constant=refuse)
    except ValueError as error:
        raise ExpressionError(f"fromJSON: {error}") from None


_FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int]] = {
    "cancelled": (lambda: False, 0, 0),
    "contains": (_contains, 2, 2),
    "endswith": (_ends_with, 2, 2),
    "format": (_format, 1, 255),
    "fromjson": (_from_json, 1, 1),
    "join": (_join, 1, 2),
    "startswith": (_starts_with, 2, 2),
    "tojson": (_to_json, 1, 1),
}
