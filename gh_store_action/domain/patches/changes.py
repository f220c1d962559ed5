"""What an update changed: each path, and its value before and after, as short text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import TypeAlias

from gh_store_action.domain.markdown import shorten
from gh_store_action.domain.strict_json import Json, equal, json_path

MOST_PATHS = 20  # to report for one update
LENGTH = 120  # characters of a value

_Parts: TypeAlias = "tuple[str | int, ...]"
_NONE = object()  # stands for a missing value; null is a value


@dataclass(frozen=True)
class PathChange:
    """One path of the data whose value changed.

    Args:
        before: its JSON, shortened; None if there was no value, as is `after` if there is none now.
    """

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Change:
    """What one applied update changed.

    Args:
        more: the number of paths not reported.
    """

    comment_id: int
    author: str
    paths: tuple[PathChange, ...]
    more: int = 0

    @classmethod
    def of(cls, comment_id: int, author: str, before: Json, after: Json) -> Change:
        """The difference of two states."""
        found = between(before, after)
        paths = tuple(islice(found, MOST_PATHS))
        return cls(comment_id, author, paths, sum(1 for _ in found))


def between(before: Json, after: Json) -> Iterator[PathChange]:
    """The paths whose values differ, in the order of the newer data, followed by removed ones."""
    for parts, old, new in _differing((), before, after):
        yield PathChange(json_path(parts), _text(old), _text(new))


def _differing(at: _Parts, old: object, new: object) -> Iterator[tuple[_Parts, object, object]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*new, *(key for key in old if key not in new)]:
            yield from _differing((*at, key), old.get(key, _NONE), new.get(key, _NONE))
    elif isinstance(old, list) and isinstance(new, list):
        start = _alike(old, new)
        old, new = old[start:], new[start:]
        end = _alike(old[::-1], new[::-1])
        pairs = zip_longest(old[: len(old) - end], new[: len(new) - end], fillvalue=_NONE)
        for place, (one, other) in enumerate(pairs, start):
            yield from _differing((*at, place), one, other)
    elif old is _NONE or new is _NONE or not equal(old, new):  # type: ignore[arg-type]
        yield at, old, new


def _alike(one: Sequence[Json], other: Sequence[Json]) -> int:
    """How many values at the beginning are the same in both."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if not equal(a, b)), min(len(one), len(other)))


def _text(value: object) -> str | None:
    if value is _NONE:
        return None
    return shorten(json.dumps(value, ensure_ascii=False, separators=(",", ":")), LENGTH)
