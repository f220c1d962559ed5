"""The ways an update changes an object: one pure function a mode, one table, and the limits that hold after each."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import jsonpatch
import jsonpointer

from gh_store_action.domain.patches.operators import operate
from gh_store_action.domain.refusal import Reason, Refused
from gh_store_action.domain.strict_json import (
    BODY_LIMIT,
    DEPTH_LIMIT,
    InvalidJson,
    Json,
    check,
    equal,
    excerpt,
    json_path,
    size,
)

__all__ = ["MODES", "Reason", "Refused", "apply", "diff"]

COPY_LIMIT = 10 * BODY_LIMIT
"""Characters that `copy` and `move` in one JSON Patch may handle: thirty doublings would fill any memory."""

_JSON_PATCH_MEMBERS = {
    "add": ("value",),
    "remove": (),
    "replace": ("value",),
    "move": ("from",),
    "copy": ("from",),
    "test": ("value",),
}


def apply(mode: str, state: Json, patch: Json) -> Json:
    """The object after an update.  Neither argument is changed, and the result shares nothing with them.

    Args:
        mode: a key of MODES.
        state: the object's data, as `parse` or `check` gave it.
        patch: the update's data, likewise.

    Raises:
        Refused: the mode is unknown, the patch does not fit the mode or the state, or the result would be no object or
            array, nest deeper than DEPTH_LIMIT, hold a number that JSON cannot, or pass BODY_LIMIT characters.
    """
    change = MODES.get(mode)
    if change is None:
        allowed = ", ".join(f"`{name}`" for name in MODES)
        raise Refused(Reason("$", f"the update mode {excerpt(mode)} does not exist; use one of {allowed}"))
    try:
        result = check(change(state, patch))
    except InvalidJson as error:
        raise Refused(Reason("$", f"the result cannot be stored: {error.reason}")) from None
    if not isinstance(result, dict | list):
        raise Refused(Reason("$", f"the result would be {excerpt(result)}; the data must be an object or an array"))
    length = size(result)
    if length > BODY_LIMIT:
        raise Refused(
            Reason(
                "$",
                f"the result would be {length:,} characters; an object may have at most {BODY_LIMIT:,}, "
                "so shorten it or divide it over several objects",
            )
        )
    return result


def diff(a: Json, b: Json) -> Json:
    """The JSON Patch (RFC 6902) that turns `a` into a value equal to `b`."""
    if equal(a, b):
        return []
    operations: list[Json] = list(jsonpatch.make_patch(a, b).patch)
    return operations


def _append(state: Json, patch: Json) -> Json:
    if not isinstance(patch, dict):
        raise Refused(Reason("$", f"`append` merges objects, and the update is {excerpt(patch)}; use `replace`"))
    if not isinstance(state, dict):
        raise Refused(Reason("$", f"`append` merges objects, and the data is {excerpt(state)}; use `replace`"))
    return _deep_merge(state, patch)


def _deep_merge(state: dict[str, Json], patch: dict[str, Json]) -> dict[str, Json]:
    result = dict(state)
    for key, new in patch.items():
        old = result.get(key)
        result[key] = _deep_merge(old, new) if isinstance(old, dict) and isinstance(new, dict) else new
    return result


def _replace(state: Json, patch: Json) -> Json:
    return patch


def _merge_patch(state: Json, patch: Json) -> Json:
    """RFC 7396, section 2."""
    if not isinstance(patch, dict):
        return patch
    result = dict(state) if isinstance(state, dict) else {}
    for key, new in patch.items():
        if new is None:
            result.pop(key, None)
        else:
            result[key] = _merge_patch(result.get(key), new)
    return result


def _json_patch(state: Json, patch: Json) -> Json:
    """RFC 6902: all operations or none."""
    if not isinstance(patch, list):
        raise Refused(Reason("$", f"a JSON Patch is an array of operations, and the update is {excerpt(patch)}"))
    document, handled = check(state), 0
    for index, operation in enumerate(patch):
        try:
            members = _members(operation)
            target = jsonpointer.JsonPointer(members["path"])
            if len(target.parts) > DEPTH_LIMIT:
                raise _Fault(f"the path has more than {DEPTH_LIMIT} parts")
            if "from" in members:
                moved = _value_at(document, jsonpointer.JsonPointer(members["from"]))
                handled += size(moved)
                if handled > COPY_LIMIT:
                    raise _Fault(f"the patch copies and moves more than {COPY_LIMIT:,} characters")
                if len(target.parts) + _depth(moved) > DEPTH_LIMIT:
                    raise _Fault(f"the result nests deeper than {DEPTH_LIMIT}")
            if members["op"] == "test":
                _test(_value_at(document, target), members["value"])
            else:
                document = jsonpatch.JsonPatch([copy.deepcopy(members)]).apply(document, in_place=True)
        except (_Fault, jsonpatch.JsonPatchException, jsonpointer.JsonPointerException) as error:
            raise Refused(Reason(json_path([index]), f"operation {index}{_named(operation)}: {error}")) from None
    return document


class _Fault(Exception):
    """What is wrong with one operation."""


def _members(operation: Json) -> dict[str, Any]:
    """The members of an operation that its kind has, each of the right type; the RFC ignores all others."""
    if not isinstance(operation, dict):
        raise _Fault(f"an operation is an object, and this is {excerpt(operation)}")
    kind = operation.get("op")
    if not isinstance(kind, str) or kind not in _JSON_PATCH_MEMBERS:
        raise _Fault(f"`op` must be one of {', '.join(_JSON_PATCH_MEMBERS)}, not {excerpt(kind)}")
    names = ("op", "path", *_JSON_PATCH_MEMBERS[kind])
    for name in names:
        if name not in operation:
            raise _Fault(f"`{name}` is missing")
        if name != "value" and not isinstance(operation[name], str):
            raise _Fault(f"`{name}` must be a string, not {excerpt(operation[name])}")
    return {name: operation[name] for name in names}


def _value_at(document: Json, pointer: jsonpointer.JsonPointer) -> Json:
    value = pointer.resolve(document)
    if isinstance(value, jsonpointer.EndOfList):
        raise _Fault("`-` is the place after the last item, and there is nothing yet")
    found: Json = value
    return found


def _test(found: Json, expected: Json) -> None:
    if not equal(found, expected):
        raise _Fault(f"the test failed: found {excerpt(found)}, expected {excerpt(expected)}")


def _depth(value: Json) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


def _named(operation: Json) -> str:
    """The operation in brackets, such as ` (remove "/a/b")`."""
    if isinstance(operation, dict) and isinstance(operation.get("op"), str) and isinstance(operation.get("path"), str):
        return f" ({excerpt(operation['op'])[1:-1]} {excerpt(operation['path'])})"
    return ""


MODES: Mapping[str, Callable[[Json, Json], Json]] = MappingProxyType(
    {
        "append": _append,
        "replace": _replace,
        "merge-patch": _merge_patch,
        "json-patch": _json_patch,
        "operators": operate,
    }
)
"""The update modes.  `append` (gh-store's word) merges objects in objects and replaces all else; `merge-patch` and
`json-patch` are RFC 7396 and 6902, `operators` are MongoDB's.  Only `apply` checks the result."""
