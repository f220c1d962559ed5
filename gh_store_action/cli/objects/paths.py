"""JSONPath (RFC 9535): what `get` shows of an object, and which objects `list` shows.  Imported only when needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jsonpath import JSONPathEnvironment, JSONPathError
from jsonpath.function_extensions import ExpressionType, FilterFunction

from gh_store_action.domain.strict_json import DEPTH_LIMIT, Json
from gh_store_action.errors import InputError


@lru_cache(maxsize=100)
def _pattern(text: str) -> Any:
    """A regular expression in linear time, because the data is untrusted; None if the text is not one.

    Raises:
        InputError: no linear-time engine is installed.
    """
    try:
        import re2  # only for a path with a regular expression
    except ImportError:
        raise InputError(
            "`match` and `search` need the package google-re2, which is not installed.",
            "It has no wheel for this Python or system. Use CPython 3.11 to 3.14 without musl, or build it.",
        ) from None
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error:
        return None


class _Matching(FilterFunction):
    """`match` and `search`; by the RFC, a value that is not text, or not a regular expression, does not match."""

    arg_types = [ExpressionType.VALUE, ExpressionType.VALUE]
    return_type = ExpressionType.LOGICAL

    def __init__(self, whole: bool) -> None:
        self._whole = whole

    def __call__(self, value: object, pattern: object) -> bool:
        found = _pattern(pattern) if isinstance(value, str) and isinstance(pattern, str) else None
        return found is not None and bool(found.fullmatch(value) if self._whole else found.search(value))


class _Environment(JSONPathEnvironment):
    max_recursion_depth = DEPTH_LIMIT + 10

    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        self.function_extensions["match"] = _Matching(whole=True)
        self.function_extensions["search"] = _Matching(whole=False)


_STRICT = _Environment(strict=True)


@dataclass(frozen=True)
class Path:
    """A query from the command line.

    Args:
        single: whether it finds at most one value, so that its result is not a list.
    """

    query: Any
    single: bool

    @classmethod
    def of(cls, name: str, text: str, *, within: str = "{}") -> Path:
        """The query in a text.

        Args:
            name: of the option or argument, for messages.
            within: a query around the text.

        Raises:
            InputError: it is not a query.
        """
        what, example = ("JSONPath", "$.count, or $.items[*].name")
        if within != "{}":
            what, example = ("JSONPath filter", "'@.count > 3', in quotes for the shell")
        try:
            query: Any = _STRICT.compile(within.replace("{}", text))
        except JSONPathError as error:
            reason = error.message if text.startswith("$") or within != "{}" else "it must begin with $"
            raise InputError(f"{name} is not a {what} (RFC 9535): {reason}.", f"For example: {example}.") from None
        return cls(query, bool(query.singular_query()))

    def values(self, value: Any) -> list[Json]:
        """What the query finds."""
        found: list[Json] = self.query.findall(value)
        return found


def condition(name: str, text: str) -> Callable[[Mapping[str, Any]], bool]:
    """Whether a filter matches an object as `list` prints it: `@` is its data, and `$` all of it.

    Raises:
        InputError: it is not a filter.
    """
    path = Path.of(name, text, within="$[''][?{}]")
    return lambda shape: bool(path.values({**shape, "": [shape["data"]]}))
