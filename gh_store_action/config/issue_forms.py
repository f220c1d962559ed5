"""Issue forms: reads the fields from GitHub's YAML.

It reads only what it needs to tell the answers apart.  GitHub checks the rest, and does not show an invalid form (docs,
"Syntax for GitHub's form schema", "Common validation errors when creating issue forms").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from gh_store_action.domain.forms.answers import Field, Option
from gh_store_action.errors import ConfigurationError

FOLDER = ".github/ISSUE_TEMPLATE/"
_KINDS = ("input", "textarea", "dropdown", "checkboxes")


def parse_form(text: str, source: str) -> tuple[Field, ...]:
    """The fields in the order of the form, without Markdown, which has no answer.

    Raises:
        ConfigurationError: says what is wrong with `source`.
    """
    from gh_store_action.config.reading import load  # YAML, which most stores do not need

    document = load(text, source)
    body = document.get("body") if isinstance(document, dict) else None
    if not isinstance(body, list):
        _wrong(source, "`body` must be a list of elements")
    fields = [
        _field(element, f"{source}, element {place}")
        for place, element in enumerate(body, 1)
        if not (isinstance(element, dict) and element.get("type") == "markdown")
    ]
    if not fields:
        _wrong(source, "it has no fields to fill in")
    ids = [field.id for field in fields if field.id]
    if len(set(ids)) < len(ids):
        _wrong(source, "two elements have the same `id`")
    return tuple(fields)


def labels_of(text: str, source: str) -> tuple[str, ...]:
    """The labels that GitHub puts on the form's issues where it has them."""
    from gh_store_action.config.reading import load

    document = load(text, source)
    found = (document.get("labels") if isinstance(document, dict) else None) or ()
    return tuple(str(label).strip() for label in (found.split(",") if isinstance(found, str) else found))


def written(document: object) -> str:
    """A form, or entries of the configuration, as YAML: keys in their order, and quotes for text that needs them."""
    import yaml

    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1_000)


def _wrong(source: str, what: str) -> NoReturn:
    raise ConfigurationError(f"{source}: {what}.", "Fix the form on the default branch. Its issues wait until then.")


def _field(element: Any, source: str) -> Field:
    if not isinstance(element, dict) or element.get("type") not in _KINDS:
        _wrong(source, f"`type` must be markdown or one of {', '.join(_KINDS)}")
    kind = element["type"]
    attributes, checks = _mapping(element, "attributes", source), _mapping(element, "validations", source)
    multiple = kind == "dropdown" and attributes.get("multiple") is True
    options = _options(attributes.get("options"), source) if kind in ("dropdown", "checkboxes") else ()
    if multiple and any(", " in option.label for option in options):
        _wrong(source, "an option cannot contain a comma if several may be chosen")
    return Field(
        kind,
        _text(element.get("id", ""), "id", source),
        _text(attributes.get("label"), "label", source).strip(),
        options,
        multiple=multiple,
        required=checks.get("required") is True,
        code=kind == "textarea" and bool(attributes.get("render")),
    )


def _mapping(element: Mapping[str, Any], key: str, source: str) -> Mapping[str, Any]:
    found = element.get(key)
    if found is not None and not isinstance(found, dict):
        _wrong(source, f"`{key}` must be a mapping")
    return found or {}


def _text(value: Any, key: str, source: str) -> str:
    if not isinstance(value, str):
        _wrong(source, f"`{key}` must be text; put it in quotes")
    return value


def _options(given: Any, source: str) -> tuple[Option, ...]:
    """A dropdown's options are text; checkboxes are mappings with a label."""
    if not isinstance(given, list) or not given:
        _wrong(source, "`options` must be a list")
    return tuple(
        Option(_text(one.get("label"), "label", source).strip(), one.get("required") is True)
        if isinstance(one, dict)
        else Option(_text(one, "options", source).strip())
        for one in given
    )
