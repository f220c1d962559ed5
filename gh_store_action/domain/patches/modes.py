"""How an update changes an object: one pure function per mode, one table, and the limits on each result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from gh_store_action.domain.patches.operators import operate
from gh_store_action.domain.refusal import Reason, Refused
from gh_store_action.domain.strict_json import (
    BODY_LIMIT,
    InvalidJson,
    Json,
    check,
    excerpt,
    size,
)

__all__ = ["MODES", "Reason", "Refused", "apply"]


def apply(mode: str, state: Json, patch: Json) -> Json:
    """The object after an update.  Neither argument is changed, and the result shares nothing with them.

    Args:
        mode: a key of MODES.
        state: the object's data, from `parse` or `check`.
        patch: the update's data, also from there.

    Raises:
        Refused: the mode is unknown, the patch does not fit the mode or the state, or the result would not be an object
            or array, nest deeper than DEPTH_LIMIT, contain a number that JSON cannot, or exceed BODY_LIMIT characters.
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
    from gh_store_action.domain.patches.json_patch import patched  # imports libraries that no other mode needs

    return patched(state, patch)


MODES: Mapping[str, Callable[[Json, Json], Json]] = MappingProxyType(
    {
        "append": _append,
        "replace": _replace,
        "merge-patch": _merge_patch,
        "json-patch": _json_patch,
        "operators": operate,
    }
)
"""The update modes.  `append` (gh-store's word) merges nested objects and replaces all else; `merge-patch` and
`json-patch` are RFC 7396 and 6902, `operators` are MongoDB's.  Only `apply` checks the result."""
