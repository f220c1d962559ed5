"""Updates that would store something other than intended: recognizes their form, and suggests the right one."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import fields
from difflib import SequenceMatcher

from gh_store_action.domain.names import UPDATE_MODES
from gh_store_action.domain.patches.operators import OPERATORS
from gh_store_action.domain.records import StoredMeta
from gh_store_action.domain.refusal import Reason
from gh_store_action.domain.strict_json import BLANK, Json, excerpt, json_path

META_KEYS = ("if_digest", "if_revision", "update_id", "update_mode")
_OTHER_NAMES = {
    "mode": "update_mode",  # of the command and the library
    "ifrev": "if_revision",
    "ifversion": "if_revision",
    "idempotencykey": "update_id",
}
_NEAR = 0.85  # of difflib: one or two letters off; `updated_at` is farther from `update_id`
_WORDS = frozenset({"updated", "revision", "digest", "if_region", "update_uid", "update_uuid", "update_code"})
"""Keys this similar that are real words: other programs use them."""
_MOST_FOREIGN = 50  # keys to check: anyone can post, so the work is bounded

_OTHERS = (  # not in the store: MongoDB's, and what people and other libraries call theirs
    "$rename $mul $pop $pullall $setoninsert $currentdate $bit $each "
    "$add $append $remove $delete $increment $decrement $splice $toggle $unshift"
)
_OPERATORS = {**dict.fromkeys(_OTHERS.split(), "$…"), **{name.lower(): name for name in OPERATORS}}
_ANY_OPERATOR = re.compile(r"\$(?!defs$|vocabulary$)[a-z]+")  # at the top, with an object; the two are JSON Schema's
_NO_DATA = frozenset({"$min", "$max"})  # below a key, they may also be data, such as a range
_PRINTED = frozenset({"data", *(one.name for one in fields(StoredMeta))})  # by `get`, some by older versions
_HISTORY = frozenset({"timestamp", "type", "data", "comment_id", "metadata"})
_OPERATIONS = ("add", "remove", "replace", "move", "copy", "test")  # of a JSON Patch


def mistaken(value: dict[str, Json] | list[Json]) -> Reason | None:
    """Why bare JSON is probably not meant to add these keys; None if it is.

    An envelope can store anything: only JSON without one is checked.
    """
    if _is_patch(value):
        return _meant("$", "this is a JSON Patch", '{"_data": […], "_meta": {"update_mode": "json-patch"}}')
    if isinstance(value, list):
        return None
    for key, inner in value.items():
        name = _name(key)
        if name in _OPERATORS or (isinstance(inner, dict) and _ANY_OPERATOR.fullmatch(name)):
            known = _OPERATORS.get(name, "$…")
            what = "an operator works in an envelope"
            if known not in OPERATORS:
                what = f"there is no such operator; use {' '.join(OPERATORS)}"
            form = f'{{"_data": {{"{known}": …}}, "_meta": {{"update_mode": "operators"}}}}'
            data = "" if all(_name(one).startswith("$") for one in value) else ", with the other keys in $set"
            return _meant(json_path([key]), what, form + data)
        if key.lower() in ("_data", "_meta"):
            return _meant(json_path([key]), "case counts in the keys of an envelope", '{"_data": …, "_meta": {…}}')
    if path := _operators_below(value):
        operator, below = _OPERATORS[_name(path[-1])], excerpt(".".join(path[:-1]))
        form = f'{{"_data": {{"{operator}": {{{below}: …}}}}, "_meta": {{"update_mode": "operators"}}}}'
        return _meant(json_path(path), "an operator is above the path that it changes", form)
    names = {key.lower() for key in value}
    modes = [one for key, one in value.items() if key.lower() == "mode" and one in UPDATE_MODES]
    options = names & {*META_KEYS, *("mode" for _ in modes)}
    if ("data" in names and len(names) > 1 and names <= {"data", "meta"} | options) or (
        "changes" in names and options and names <= {"changes", "object_id"} | options
    ):
        meta = f'{{"update_mode": "{modes[0]}"}}' if modes else "{…}"
        return _meant("$", "an envelope has underscores", f'{{"_data": …, "_meta": {meta}}}')
    if {"data", "object_id", "version"} <= names <= _PRINTED or names == _HISTORY:
        return _meant("$", "this is what the store prints around the data", "what is in `data` alone")
    return None


def _is_patch(value: dict[str, Json] | list[Json]) -> bool:
    """Whether it is a JSON Patch, or an operation of one."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(one, dict) and {"op", "path"} <= one.keys() for one in value)
    known = value.keys() <= {"op", "path", "from", "value"}
    return known and value.get("op") in _OPERATIONS and isinstance(value.get("path"), str)


def _operators_below(value: dict[str, Json], path: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The path of an operator in the first object, below the top and through objects alone, that has no other keys."""
    for key, inner in value.items():
        if isinstance(inner, dict) and inner:
            if all(_name(one) in _OPERATORS.keys() - _NO_DATA for one in inner):
                return (*path, key, min(inner))
            if found := _operators_below(inner, (*path, key)):
                return found
    return ()


def _name(key: str) -> str:
    """The key without case, and without what nobody sees around it."""
    return key.strip(BLANK).lower()


def _meant(path: str, what: str, form: str) -> Reason:
    return Reason(path, f'{what}; did you mean {form}? To store it as it is, post {{"_data": …, "_meta": {{}}}}')


def misspelled(meta: Collection[str]) -> tuple[str, str] | None:
    """A key of `_meta` that looks like one of the store's, and that one: a condition in it would be ignored.

    All other keys belong to other programs.
    """
    foreign = sorted(key for key in meta if key not in META_KEYS and len(key) <= 20)
    for key in foreign[:_MOST_FOREIGN]:
        letters = _letters(key)
        if letters in _OTHER_NAMES:
            return key, _OTHER_NAMES[letters]
        for known in META_KEYS:
            near = letters[:1] == known[:1] and key.lower() not in _WORDS
            if near and SequenceMatcher(None, letters, _letters(known)).ratio() >= _NEAR:
                return key, known
    return None


def _letters(key: str) -> str:
    return "".join(filter(str.isalnum, key.lower()))
