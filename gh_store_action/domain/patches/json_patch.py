"""JSON Patch, RFC 6902: applies one in bounded work, and makes one from two values.  Only it imports the libraries."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
import jsonpointer

from gh_store_action.domain.refusal import Reason, Refused
from gh_store_action.domain.strict_json import BODY_LIMIT, DEPTH_LIMIT, Json, check, equal, excerpt, json_path, size

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


def diff(a: Json, b: Json) -> Json:
    """The JSON Patch (RFC 6902) that turns `a` into a value equal to `b`."""
    if equal(a, b):
        return []
    operations: list[Json] = list(jsonpatch.make_patch(a, b).patch)
    return operations


def patched(state: Json, patch: Json) -> Json:
    """The value after all operations, or after none.

    Raises:
        Refused: for the first operation that is invalid or cannot be applied.
    """
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
    """The members that the kind of operation has, checked for their types; the RFC ignores all others."""
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
