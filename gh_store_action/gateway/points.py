"""What a GraphQL request costs by GitHub's formula, told from the document alone: no header says it of one request.

One point for every hundred requests that its connections take, each as large as it may be; rounded, at least one
(github-facts, section 2).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

_TOKEN = re.compile(
    r"fragment (?P<fragment>\w+) on"
    r"|\.\.\.(?P<spread>[A-Z]\w*)"
    r"|(?<!\$)\b(?:first|last): (?P<size>\$\w+|\d+)"
    r"|\bnodes\((?P<ids>ids): "
    r"|(?P<mark>[(){}])"
)


def points(document: str, variables: Mapping[str, Any]) -> int:
    """The points of one of the documents of `queries`, where every connection names its size."""
    first = variables.get("first")
    return _points(document, first if isinstance(first, int) else 0, len(variables.get("ids") or ()))


@lru_cache(maxsize=256)
def _points(document: str, first: int, ids: int) -> int:
    """Each part of the document as what it asks for: how many connections, and whether a fragment, at what size."""
    parts: dict[str, list[tuple[str, int]]] = {"": []}
    part, times, inside, size, listed = "", [1], 0, 0, 0
    for found in _TOKEN.finditer(document):
        if found["fragment"]:
            part = found["fragment"]
            parts[part] = []
        elif found["spread"]:
            parts[part].append((found["spread"], times[-1]))
        elif found["size"]:
            size = first if found["size"].startswith("$") else int(found["size"])
        elif found["ids"]:
            listed, inside = ids, inside + 1  # no connection, but each of its nodes asks for its own
        elif found["mark"] in "()":
            inside += 1 if found["mark"] == "(" else -1
        elif inside:
            continue  # an argument
        elif found["mark"] == "}":
            times.pop()
        else:
            if size:
                parts[part].append(("", times[-1]))
            times.append(times[-1] * (size or listed or 1))
            size = listed = 0

    def requests(name: str) -> int:
        return sum(many * (requests(spread) if spread else 1) for spread, many in parts[name])

    return max(1, int(requests("") / 100 + 0.5))
