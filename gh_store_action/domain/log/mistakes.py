"""Updates that would store something other than intended: recognizes their form, and suggests the right one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from difflib import SequenceMatcher

from gh_store_action.domain.patches.operators import OPERATORS
from gh_store_action.domain.records import StoredMeta
from gh_store_action.domain.refusal import Reason
from gh_store_action.domain.strict_json import Json, excerpt, json_path

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

_MONGO = ("$rename", "$mul", "$pop", "$pullAll", "$setOnInsert", "$currentDate", "$bit")  # not in the store
_OPERATORS = {name.lower(): name for name in (*OPERATORS, *_MONGO)}
_NO_DATA = frozenset({"$min", "$max"})  # below a key, they may also be data, such as a range
_PRINTED = frozenset({"data", *(one.name for one in fields(StoredMeta))})  # by `get`, some by older versions
_HISTORY = frozenset({"timestamp", "type", "data", "comment_id", "metadata"})


def mistaken(value: dict[str, Json] | list[Json]) -> Reason | None:
    """Why bare JSON is probably not meant to add these keys; None if it is.

    An envelope can store anything: only JSON without one is checked.
    """
    if isinstance(value, list):
        if value and all(isinstance(one, dict) and {"op", "path"} <= one.keys() for one in value):
            return _meant("$", "this is a JSON Patch", '{"_data": […], "_meta": {"update_mode": "json-patch"}}')
        return None
    for key, inner in value.items():
        if key.lower() in _OPERATORS:
            form = f'{{"_data": {{"{_OPERATORS[key.lower()]}": …}}, "_meta": {{"update_mode": "operators"}}}}'
            data = "" if all(one.lower() in _OPERATORS for one in value) else ", with the other keys in $set"
            return _meant(json_path([key]), "an operator works in an envelope", form + data)
        if isinstance(inner, dict) and inner and all(one.lower() in _OPERATORS.keys() - _NO_DATA for one in inner):
            operator = _OPERATORS[min(inner).lower()]
            form = f'{{"_data": {{"{operator}": {{{excerpt(key)}: …}}}}, "_meta": {{"update_mode": "operators"}}}}'
            return _meant(json_path([key, min(inner)]), "an operator is above the path that it changes", form)
        if key.lower() in ("_data", "_meta"):
            return _meant(json_path([key]), "case counts in the keys of an envelope", '{"_data": …, "_meta": {…}}')
    names = {key.lower() for key in value}
    if "data" in names and len(names) > 1 and names <= {"data", "meta", *META_KEYS}:
        return _meant("$", "an envelope has underscores", '{"_data": …, "_meta": {…}}')
    if {"data", "object_id", "version"} <= names <= _PRINTED or names == _HISTORY:
        return _meant("$", "this is what the store prints around the data", "what is in `data` alone")
    return None


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
