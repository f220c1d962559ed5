"""Fills a template's placeholders with the answers to a form.

A placeholder is the name of a field in braces.  If it is the whole text, the answer replaces it with its own type;
without an answer, the text is left out, and so is its key or item.  Inside other text, the answer is inserted as text.
A key, which says where data goes, may only have placeholders whose values come from GitHub itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from gh_store_action.domain.records import FormRule
from gh_store_action.domain.refusal import Reason, Refused
from gh_store_action.domain.strict_json import Json, canonical

OWN = ("login", "number", "created_at")
"""Placeholders that GitHub fills: the author of the form's issue, its number, and when it was opened."""
_IN_KEYS = frozenset({"login", "number"})
_PLACE = re.compile(r"\{([A-Za-z0-9_-]{1,100})\}")


class _Nothing:
    """The result of a placeholder without an answer."""


_NOTHING = _Nothing()


def problem(form: FormRule, fields: Collection[str]) -> str:
    """Why a form does not match its entry; empty if it does.

    Args:
        fields: the ids of the form's fields.
    """
    unknown = sorted(set(form.types) - set(fields))
    if unknown:
        return f"there is no field {unknown[0]!r} in the form"
    taken = sorted(set(OWN) & set(fields))
    if taken:
        return f"the form has a field {taken[0]!r}, which is a name that the store gives"
    for name, in_key in [*((name, False) for name in _PLACE.findall(form.object_id)), *_named(form.data)]:
        if name not in fields and name not in OWN:
            return f"there is no field {name!r} in the form"
        if in_key and name not in _IN_KEYS:
            return f"{{{name}}} is in a key, where only {{login}} and {{number}} are allowed"
    return ""


def _named(data: Json) -> Iterator[tuple[str, bool]]:
    """The placeholders of a template, and whether each is in a key."""
    if isinstance(data, str):
        yield from ((name, False) for name in _PLACE.findall(data))
    elif isinstance(data, list):
        for item in data:
            yield from _named(item)
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from ((name, True) for name in _PLACE.findall(key))
            yield from _named(value)


def answered(template: str) -> bool:
    """Whether the text has a placeholder for an answer, so that it depends on the answer."""
    return any(name not in OWN for name in _PLACE.findall(template))


def text(template: str, values: Mapping[str, Json]) -> str:
    """The text with its placeholders filled in."""

    def put(found: re.Match[str]) -> str:
        value = values.get(found[1], "")
        return value if isinstance(value, str) else canonical(value)

    return _PLACE.sub(put, template)


def data(form: FormRule, values: Mapping[str, Json]) -> Json:
    """What the answers are as data.

    Raises:
        Refused: in a template of operators an answer says more than data.
    """
    if form.data is None:
        return {name: value for name, value in values.items() if name not in OWN}
    said = "a key that begins with `$` commands, and an answer is data"
    wrong = [Reason(name, said) for name, value in values.items() if form.mode == "operators" and _commands(value)]
    if wrong:
        raise Refused(*wrong)
    return filled(form.data, values)


def _commands(value: Json) -> bool:
    """Whether an operator would take a part of its operand for more than data, such as `$each`, `$slice` and `$gte`."""
    if isinstance(value, list):
        return any(map(_commands, value))
    return isinstance(value, dict) and any(key.startswith("$") or _commands(one) for key, one in value.items())


def filled(template: Json, values: Mapping[str, Json]) -> Json:
    """The data; a template that is only a placeholder without an answer gives an empty object."""
    found = _filled(template, values)
    return {} if isinstance(found, _Nothing) else found


def _filled(template: Json, values: Mapping[str, Json]) -> Json | _Nothing:
    if isinstance(template, str):
        place = _PLACE.fullmatch(template)
        return values.get(place[1], _NOTHING) if place else text(template, values)
    if isinstance(template, list):
        items = [_filled(item, values) for item in template]
        return [item for item in items if not isinstance(item, _Nothing)]
    if isinstance(template, dict):
        pairs = [(text(key, values), _filled(value, values)) for key, value in template.items()]
        return {key: value for key, value in pairs if not isinstance(value, _Nothing)}
    return template
