"""The one text of each JSON value that is hashed."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

_LITERALS = {None: "null", True: "true", False: "false"}
_FLOAT = re.compile(r"(?:^|[\[:,])-?\d++[.e]")  # in compact JSON; also what looks like one in a string
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+":?')
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_text = json.JSONEncoder(ensure_ascii=False).encode
_sorted = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False).encode


def canonical(value: Any) -> str:
    """The one text of each JSON value that is hashed: RFC 8785 (JCS), with exact integers.

    Keys are sorted by UTF-16 code units, without spaces and with only the necessary escapes.  A number is written as in
    ECMAScript, so a tool that rewrites `1.0` as `1` changes nothing.  Only an integer beyond 2^53 - 1, which RFC 8785
    does not cover, keeps its digits.  So `canonical(a) == canonical(b)` exactly when `equal(a, b)`.
    """
    text = _sorted(value)
    # C code, and nearly always canonical: Python only writes floats differently, and sorts keys by code points.
    keys = _ASTRAL.search(text) and any(one[-1] == ":" and _ASTRAL.search(one) for one in _STRING.findall(text))
    return _slowly(value) if keys or _FLOAT.search(text) else text


def _slowly(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        members = sorted((key.encode("utf-16-be"), key) for key in value)
        return "{" + ",".join([f"{_text(key)}:{_slowly(value[key])}" for _, key in members]) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_slowly, value)) + "]"
    if isinstance(value, float):
        return _ecmascript(value)
    return str(value) if value is not None and not isinstance(value, bool) else _LITERALS[value]


def _ecmascript(value: float) -> str:
    """A float as ECMAScript's Number::toString writes it; Python has the same digits, but another layout."""
    plain = 1e-6 <= abs(value) < 1e21
    text = format(Decimal(repr(value)), "f") if plain else repr(value or 0.0).replace("e-0", "e-")
    return text.removesuffix(".0")
