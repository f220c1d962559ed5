"""An issue form from a JSON Schema: a field for each property, and the entry of `forms` that reads its answers.

Field ids contain only letters, digits, `-` and `_`, labels are unique, and no option is called "None"
(github-facts, section 3).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gh_store_action.domain.forms.filling import OWN, problem
from gh_store_action.domain.records import FormRule
from gh_store_action.domain.strict_json import Json, canonical
from gh_store_action.errors import InputError

LABEL = "form:"
"""The prefix of forms' labels, for the workflows' filter."""
_ONE_LINE = 200  # characters; a longer text gets more lines
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,40}")


@dataclass(frozen=True)
class Draft:
    """An issue form, and how the store reads it.

    Args:
        form: the form's YAML for GitHub.
        entry: of `store.forms`.
    """

    form: Mapping[str, Json]
    entry: Mapping[str, Json]


@dataclass
class _Drawn:
    """A form element, and how its answer is read."""

    kind: str
    attributes: dict[str, Json] = field(default_factory=dict)
    type: str = ""


def draft(name: str, schema: Json, target: Mapping[str, str]) -> Draft:
    """The form for objects that match the schema.

    Args:
        name: of the form's file, without its extension.
        target: the entry's `create` or `update`.

    Raises:
        InputError: no form can be made from it.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"The name of a form cannot be {name[:80]!r}.", "Use only letters, digits, - and _.")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(schema, dict) or not isinstance(properties, dict) or not properties:
        raise InputError("The schema has no `properties` to make the fields from.", "Add them.")
    (object_id,) = target.values()
    if not object_id:
        raise InputError("The id of the object is empty.", "Set one, such as guest-{login}.")
    needed = schema.get("required")
    body: list[Json] = []
    types: dict[str, Json] = {}
    data: dict[str, Json] = {}
    labels: set[str] = set()
    for key, below in properties.items():
        drawn = _drawn(key, below if isinstance(below, dict) else {})
        identifier = _identifier(key, {*OWN, *(str(place)[1:-1] for place in data.values())})
        title = below.get("title") if isinstance(below, dict) else None
        named = title if isinstance(title, str) and title.strip() else re.sub(r"[-_]+", " ", key).capitalize()
        label = " ".join(named.split())  # a heading is one line
        label = label if label and label.casefold() not in labels else identifier
        labels.add(label.casefold())
        element: dict[str, Json] = {"type": drawn.kind, "id": identifier, "attributes": {"label": label}}
        described = below.get("description") if isinstance(below, dict) else None
        more = {"description": described} if isinstance(described, str) else {}
        element["attributes"] = {"label": label, **more, **drawn.attributes}
        if isinstance(needed, list) and key in needed and drawn.kind != "checkboxes":
            element["validations"] = {"required": True}
        body.append(element)
        data[key] = f"{{{identifier}}}"
        types |= {identifier: drawn.type} if drawn.type else {}
    title, described = schema.get("title"), schema.get("description")
    form: dict[str, Json] = {
        "name": title if isinstance(title, str) else name.capitalize(),
        "description": described if isinstance(described, str) else f"Fill in {name}",
        "labels": [LABEL + name],
        "body": body,
    }
    entry: dict[str, Json] = {"label": LABEL + name, "form": f"{name}.yml", **target}
    entry |= {"data": data} if any(place != f"{{{key}}}" for key, place in data.items()) else {}
    entry |= {"types": types} if types else {}
    wrong = problem(FormRule(LABEL + name, "", update=object_id), [str(place)[1:-1] for place in data.values()])
    if wrong:
        raise InputError(f"{object_id[:80]!r} cannot be an object's id: {wrong}.", "Use one of its fields, or {login}.")
    return Draft(form, entry)


def _identifier(key: str, taken: set[str]) -> str:
    """An id for the field that neither another field nor a placeholder of the store has."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "-", key)[:60] or "field"
    found, number = plain, 1
    while found in taken:
        number += 1
        found = f"{plain}-{number}"
    return found


def _drawn(key: str, schema: Mapping[str, Any]) -> _Drawn:
    """The form element for such a value."""
    kind = schema.get("type")
    if isinstance(kind, list):
        left = [one for one in kind if one != "null"]
        kind = left[0] if len(left) == 1 else None
    choices = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if isinstance(choices, list) and choices:
        return _choice(key, choices)
    items = schema.get("items")
    several = items.get("enum") if kind == "array" and isinstance(items, dict) else None
    if isinstance(several, list) and several and all(isinstance(one, str) for one in several):
        return _several(key, several)
    if kind == "boolean":
        return _Drawn("dropdown", {"options": ["true", "false"]}, "json")
    if kind in ("number", "integer"):
        return _Drawn("input", type="number")
    if kind == "string":
        longest = schema.get("maxLength")
        return _Drawn("textarea" if isinstance(longest, int) and longest > _ONE_LINE else "input")
    return _Drawn("textarea", {"render": "json"}, "json")


def _choice(key: str, choices: list[Json]) -> _Drawn:
    if all(isinstance(one, str) for one in choices):
        return _Drawn("dropdown", {"options": _options(key, [str(one) for one in choices])})
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in choices)
    options = _options(key, [canonical(one) for one in choices])
    return _Drawn("dropdown", {"options": options}, "number" if numbers else "json")


def _several(key: str, choices: list[Json]) -> _Drawn:
    options = _options(key, [str(one) for one in choices])
    if any(", " in str(one) for one in options):
        return _Drawn("checkboxes", {"options": [{"label": one} for one in options]})
    return _Drawn("dropdown", {"multiple": True, "options": options})


def _options(key: str, texts: list[str]) -> list[Json]:
    for text in texts:
        if text.strip().casefold() == "none" or text != text.strip() or not text or "\n" in text:
            raise InputError(
                f"The value {text[:80]!r} of {key[:80]!r} cannot be an option of a form.",
                "GitHub reserves `None`. An option is one line without spaces at its ends.",
            )
    return list(dict.fromkeys(texts))
