"""Update operators with MongoDB's meaning: `$set $unset $inc $push $addToSet $pull $min $max` on dotted paths."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias, TypeGuard

from gh_store_action.domain.refusal import Reason, Refused
from gh_store_action.domain.strict_json import DEPTH_LIMIT, Json, canonical, equal, excerpt, json_path

PADDING_LIMIT = 1_000
"""How many `null` one update may insert before array indexes beyond the end."""

_Container: TypeAlias = "dict[str, Json] | list[Json]"
_Test: TypeAlias = Callable[[Json], bool]
_INDEX = re.compile("0|[1-9][0-9]{0,8}")


def operate(state: Json, patch: Json) -> Json:
    """Apply operators to an object or an array.

    A path is keys and array indexes joined by dots; it cannot contain a key with a dot (JSON Patch can).  Missing
    parents are created as objects.  All paths of an update are independent: none may be the beginning of another.

    Args:
        state: the data; not changed.
        patch: `{operator: {path: operand}}`.

    Raises:
        Refused: with every error in the patch's form, or with the first operand that does not fit the state.
    """
    changes = _changes(patch)
    root = _copied(state)
    if not isinstance(root, dict | list):
        raise Refused(Reason("$", f"operators change objects and arrays, and the data is {excerpt(state)}"))
    document = _Document(root)
    for operator, path, operand in changes:
        try:
            document.change(operator, path, operand)
        except _Fault as fault:
            raise Refused(Reason(json_path(path), f"`{operator}` {fault}")) from None
    return root


class _Fault(Exception):
    """Why an operand does not fit, as a clause after the operator's name."""


class _Nothing:
    """The value at a path without one, and the result of an operator that removes the value."""


_NOTHING = _Nothing()
_Operator: TypeAlias = Callable[["Json | _Nothing", Json], "Json | _Nothing"]


def _changes(patch: Json) -> list[tuple[str, list[str], Json]]:
    """The patch as (operator, path, operand); raises Refused with all errors in its form."""
    known = " ".join(OPERATORS)
    if not isinstance(patch, dict) or not patch:
        raise Refused(Reason("$", f"an update with operators is an object whose keys are among {known}"))
    changes: list[tuple[str, list[str], Json]] = []
    faults: list[Reason] = []
    for operator, operands in patch.items():
        if operator not in OPERATORS:
            faults.append(Reason(json_path([operator]), f"there is no such operator; use {known}"))
        elif not isinstance(operands, dict):
            faults.append(Reason(json_path([operator]), f"takes an object of paths, not {excerpt(operands)}"))
        else:
            for dotted, operand in operands.items():
                path = dotted.split(".")
                if fault := _path_fault(path):
                    faults.append(Reason(json_path([operator, dotted]), fault))
                changes.append((operator, path, operand))
    ordered = sorted(path for _, path, _ in changes)
    for first, second in zip(ordered, ordered[1:], strict=False):
        if second[: len(first)] == first:
            text = f"conflicts with {excerpt('.'.join(first))}: one update may change a place only once"
            faults.append(Reason(json_path(second), text))
    if faults:
        raise Refused(*faults[:20])
    return changes


def _path_fault(path: list[str]) -> str:
    if len(path) > DEPTH_LIMIT:
        return f"the path has more than {DEPTH_LIMIT} parts"
    if "" in path:
        return "the path has an empty part"
    if any(part.startswith("$") for part in path):
        return "a part of a path cannot begin with `$` (positional operators are not supported)"
    return ""


def _copied(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


class _Document:
    """A copy of the state while one update changes it."""

    def __init__(self, root: _Container) -> None:
        self.root = root
        self.padding = 0

    def change(self, operator: str, path: list[str], operand: Json) -> None:
        creates = operator not in ("$unset", "$pull")
        here = self.root
        for depth, part in enumerate(path[:-1], start=1):
            below = _get(here, part, strict=creates)
            if isinstance(below, _Nothing) and creates:
                below = {}
                self.put(here, part, below)
            if isinstance(below, dict | list):
                here = below
            elif creates:
                raise _Fault(f"cannot go on below {json_path(path[:depth])}, which is {excerpt(below)}")  # type: ignore[arg-type]
            else:
                return
        found = _get(here, path[-1], strict=creates)
        if creates or not isinstance(found, _Nothing):
            self.put(here, path[-1], OPERATORS[operator](found, operand))

    def put(self, here: _Container, part: str, value: Json | _Nothing) -> None:
        if isinstance(here, dict):
            if isinstance(value, _Nothing):
                del here[part]
            else:
                here[part] = value
            return
        index = int(part)
        missing = index - len(here) + 1
        if missing > 0:
            self.padding += missing - 1
            if self.padding > PADDING_LIMIT:
                raise _Fault(f"would fill more than {PADDING_LIMIT:,} places of arrays with `null`")
            here.extend([None] * missing)
        here[index] = None if isinstance(value, _Nothing) else value


def _get(here: _Container, part: str, *, strict: bool) -> Json | _Nothing:
    """The value at a path.  A part that is not an index finds nothing in an array, or is an error if `strict`."""
    if isinstance(here, dict):
        return here.get(part, _NOTHING)
    if not _INDEX.fullmatch(part):
        if strict:
            raise _Fault(f"needs an array index of at most nine digits in place of {excerpt(part)}")
        return _NOTHING
    return here[int(part)] if int(part) < len(here) else _NOTHING


def _set(found: Json | _Nothing, operand: Json) -> Json:
    return operand


def _unset(found: Json | _Nothing, operand: Json) -> _Nothing:
    return _NOTHING


def _inc(found: Json | _Nothing, operand: Json) -> Json:
    if not _is_number(operand):
        raise _Fault(f"takes a number, not {excerpt(operand)}")
    if isinstance(found, _Nothing):
        return operand
    if not _is_number(found):
        raise _Fault(f"needs a number there, and found {excerpt(found)}")
    try:
        total = found + operand
        too_large = isinstance(total, float) and math.isinf(total)
    except OverflowError:  # an integer too large for a float, and a float
        too_large = True
    if too_large:
        raise _Fault("gives a number that is too large")
    return total


def _min(found: Json | _Nothing, operand: Json) -> Json:
    return operand if isinstance(found, _Nothing) or _order(operand, found) < 0 else found


def _max(found: Json | _Nothing, operand: Json) -> Json:
    return operand if isinstance(found, _Nothing) or _order(operand, found) > 0 else found


def _push(found: Json | _Nothing, operand: Json) -> Json:
    items, modifiers = _array(found), _modifiers(operand, ("$each", "$position", "$slice"))
    position, limit = modifiers.get("$position", len(items)), modifiers.get("$slice")
    for name in ("$position", "$slice"):
        if name in modifiers and (not isinstance(modifiers[name], int) or isinstance(modifiers[name], bool)):
            raise _Fault(f"takes a whole number as `{name}`, not {excerpt(modifiers[name])}")
    items[position:position] = modifiers["$each"]
    if limit is None:
        return items
    return items[:limit] if limit >= 0 else items[limit:]


def _add_to_set(found: Json | _Nothing, operand: Json) -> Json:
    items = _array(found)
    present = set(map(canonical, items))
    for item in _modifiers(operand, ("$each",))["$each"]:
        text = canonical(item)
        if text not in present:
            present.add(text)
            items.append(item)
    return items


def _pull(found: Json | _Nothing, operand: Json) -> Json:
    pulled = _condition(operand)
    return [item for item in _array(found) if not pulled(item)]


def _array(found: Json | _Nothing) -> list[Json]:
    if isinstance(found, _Nothing):
        return []
    if not isinstance(found, list):
        raise _Fault(f"needs an array there, and found {excerpt(found)}")
    return list(found)


def _modifiers(operand: Json, allowed: tuple[str, ...]) -> dict[str, Any]:
    """`{"$each": [item, …], …}` as it is, and any other operand as a single item."""
    if not isinstance(operand, dict) or not any(key.startswith("$") for key in operand):
        return {"$each": [operand]}
    for key in operand:
        if key not in allowed:
            raise _Fault(f"does not know {excerpt(key)}; beside the items it takes {', '.join(allowed)}")
    if not isinstance(operand.get("$each"), list):
        raise _Fault("takes an array as `$each`")
    return operand


def _condition(operand: Json) -> _Test:
    """What `$pull` removes: an equal item, one that fits comparisons, or an object whose members fit."""
    if not isinstance(operand, dict):
        return lambda item: equal(item, operand)
    if any(key.startswith("$") for key in operand):
        tests = [_comparison(key, value) for key, value in operand.items()]
        return lambda item: all(test(item) for test in tests)
    members = {key: _condition(value) for key, value in operand.items()}
    return lambda item: isinstance(item, dict) and all(key in item and fits(item[key]) for key, fits in members.items())


def _comparison(name: str, operand: Json) -> _Test:
    if name in ("$in", "$nin"):
        if not isinstance(operand, list):
            raise _Fault(f"takes an array as `{name}`, not {excerpt(operand)}")
        listed = set(map(canonical, operand))
        return lambda item: (canonical(item) in listed) is (name == "$in")
    if name in ("$eq", "$ne"):
        return lambda item: equal(item, operand) is (name == "$eq")
    if name not in _ORDER_TESTS:
        raise _Fault(f"does not know the condition {excerpt(name)}; use $eq $ne $in $nin {' '.join(_ORDER_TESTS)}")
    allowed = _ORDER_TESTS[name]
    return lambda item: _comparable(item, operand) and _order(item, operand) in allowed


_ORDER_TESTS = {"$gt": (1,), "$gte": (0, 1), "$lt": (-1,), "$lte": (-1, 0)}


def _is_number(value: Json) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _comparable(a: Json, b: Json) -> bool:
    return (_is_number(a) and _is_number(b)) or (isinstance(a, str) and isinstance(b, str))


def _order(a: Any, b: Any) -> int:
    """-1, 0 or 1 for two numbers or two strings (by code point)."""
    if not _comparable(a, b):
        raise _Fault(f"compares numbers with numbers and strings with strings, not {excerpt(a)} with {excerpt(b)}")
    return int(a > b) - int(a < b)


OPERATORS: Mapping[str, _Operator] = MappingProxyType(
    {
        "$set": _set,
        "$unset": _unset,
        "$inc": _inc,
        "$push": _push,
        "$addToSet": _add_to_set,
        "$pull": _pull,
        "$min": _min,
        "$max": _max,
    }
)
