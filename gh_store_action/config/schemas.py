"""The schemas that the configuration names: which is an object's, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TypeAlias

from gh_store_action.domain.log.fold import Judge, no_schema
from gh_store_action.domain.records import Rules
from gh_store_action.domain.schema.compiling import Schema, SchemaError, compile_schemas, match_schema, violations
from gh_store_action.errors import ConfigurationError

SCHEMA_FOLDER = ".github/gh-store/"

Schemas: TypeAlias = Sequence[tuple[str, Schema | ConfigurationError]]


def judge_of(schemas: Schemas, object_id: str) -> Judge:
    """A judge by the object's schema.

    Raises:
        ConfigurationError: that schema is missing or wrong; others do not matter to this object.
    """
    schema = match_schema(schemas, object_id)
    if isinstance(schema, ConfigurationError):
        raise schema
    return no_schema if schema is None else partial(violations, schema)


def compiled(rules: Rules, files: Mapping[str, str]) -> Schemas:
    """The schema of each rule, or why there is none, which concerns only that rule's objects."""
    found: dict[str, Schema | ConfigurationError] = {}
    usable = dict(files) if rules.schemas else {}
    while usable:
        try:
            found |= compile_schemas(usable)
            break
        except SchemaError as error:
            where = f"{SCHEMA_FOLDER}{error.name}" + (f", line {error.line}" if error.line else "")
            found[error.name] = ConfigurationError(
                f"{where}: {error.reason}.".replace("..", "."), "Fix it on the default branch. Nothing was written."
            )
            del usable[error.name]
    for _, name in rules.schemas:
        if name not in files:
            found[name] = ConfigurationError(
                f"The configuration names the schema {name}, but {SCHEMA_FOLDER}{name} is not on the default branch.",
                "Add the file, or remove the line from store.schemas.",
            )
    return tuple((glob, found[name]) for glob, name in rules.schemas)
