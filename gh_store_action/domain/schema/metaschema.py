"""Checks a schema by JSON Schema 2020-12's own schema.  In the domain, only this module imports jsonschema."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import urljoin

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import extend
from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from gh_store_action.domain.strict_json import Json, canonical

MOST_FAULTS = 100
"""The number of errors in a schema file among which to choose the one to report."""


def _unique(_: Any, wanted: bool, items: Any, __: Any) -> Iterator[ValidationError]:
    """In linear time; the library compares all pairs if they cannot be sorted."""
    if isinstance(items, list) and len(set(map(canonical, items))) < len(items):
        yield ValidationError("it has the same item twice")


def _metaschema() -> Any:
    """The validator of schemas.  Its documents do not name their draft, or the library would use its own for it."""
    whole: Any = Draft202012Validator.META_SCHEMA
    parts = [whole, *(REGISTRY.contents(urljoin(whole["$id"], part["$ref"])) for part in whole["allOf"])]
    known = [{name: value for name, value in part.items() if name != "$schema"} for part in parts]
    registry = Registry[Any]().with_resources((one["$id"], DRAFT202012.create_resource(one)) for one in known)
    ours: Any = extend(Draft202012Validator, {"uniqueItems": _unique})  # type: ignore[no-untyped-call]
    return ours(known[0], registry=registry)


_METASCHEMA = _metaschema()


def fault(schema: Json) -> tuple[list[str | int], str] | None:
    """Why it is not a valid schema: the path into it, and a message; None if it is valid."""
    error = best_match(islice(_METASCHEMA.iter_errors(schema), MOST_FAULTS))
    return None if error is None else (list(error.absolute_path), error.message)
