"""Our GraphQL documents, and the loopback's schema, against the schema that GitHub publishes."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    parse,
    validate,
)

from gh_store_action.gateway import queries
from gh_store_action.gateway.forms import queries as form_queries
from gh_store_action.gateway.reading import queries as page_queries
from tests.support.published import graphql_schema
from tests.support.runner import ROOT

pytestmark = pytest.mark.npm

LOOPBACK = ROOT / "tests" / "double" / "schema.graphql"
BUILT_IN = ("Boolean", "Float", "ID", "Int", "String")


@functools.cache
def official() -> GraphQLSchema:
    """The schema as published.

    It defines two fields of EnterpriseOwnerInfo twice and deprecates what interfaces do not: graphql-core would refuse.
    """
    return build_schema(graphql_schema(), assume_valid=True)


def constants() -> dict[str, str]:
    """Every module constant that is a whole document; fragments are checked inside them."""
    return {
        name: text
        for name, text in {**vars(queries), **vars(page_queries)}.items()
        if name.isupper() and isinstance(text, str) and re.search(r"^(query|mutation)\b", text, re.M)
    }


def writes() -> dict[str, str]:
    """The write request in all its shapes: what is there or not, and few or many receipts."""
    flags = ("checkpoint", "reply", "update", "close")
    return {
        " ".join([*(name for name, on in zip(flags, shape, strict=True) if on), f"+{add} -{remove}"]): queries.write(
            **dict(zip(flags, shape, strict=True)), add=add, remove=remove
        )
        for shape in itertools.product((False, True), repeat=len(flags))
        for add, remove in ((0, 0), (1, 0), (0, 1), (50, 3))
    }


def forms() -> dict[str, str]:
    """The requests about a form's issue."""
    notes = {f"note {note}": form_queries.form(note=note) for note in ("new", "edit")}
    posts = {
        f"update {note} {lock}": form_queries.form(note=note, update=True, lock=lock)
        for note in ("", "new", "edit")
        for lock in (None, "", "SPAM")
    }
    states = {f"state {state}": form_queries.form(state=state) for state in ("OPEN", "CLOSED")}
    makes = {
        f"make {make} {note}": form_queries.form(note=note, state="CLOSED", make=make)
        for make in ("say", "said")
        for note in ("new", "edit")
    }
    return {**notes, **posts, **states, **makes, "beside": queries.write(**_PLAIN, beside=True)}


def many() -> dict[str, str]:
    """The write request for several issues."""
    return {
        f"{count} issues": queries.write_all([{**_PLAIN, "lock": ""}, *[_PLAIN] * (count - 1)]) for count in (2, 10)
    }


_PLAIN: queries.Shape = {"checkpoint": False, "reply": False, "update": True, "close": True, "add": 1, "remove": 0}


def test_documents__are_valid_against_the_official_schema(figures: Callable[[str], None]) -> None:
    tips = {f"tip below {above} folders": queries.tip(above) for above in (0, 1, 3)}
    documents = {**constants(), **writes(), **forms(), **many(), **tips}
    problems = [
        f"{name}: {error.message}" for name, text in documents.items() for error in validate(official(), parse(text))
    ]
    assert not problems
    assert len(constants()) >= 5
    figures(f"GraphQL: {len(documents)} documents, {len(problems)} violations")


def test_documents__are_all_in_queries() -> None:
    """So that none escapes the check: no other module of the package holds one."""
    for path in sorted((ROOT / "gh_store_action").rglob("*.py")):
        if path.name != "queries.py":
            assert not re.search(r"\b(query|mutation) \w*\s*[({$]|\bfragment \w+ on \w+", path.read_text()), path.name


def differences(ours: GraphQLSchema, theirs: GraphQLSchema) -> Iterator[str]:
    """What of the loopback's schema is not in the official one, or is something else there."""
    for name, kind in ours.type_map.items():
        if name.startswith("__") or name in BUILT_IN:
            continue
        other = theirs.type_map.get(name)
        if type(other) is not type(kind):
            yield f"{name}: {type(kind).__name__}, officially {type(other).__name__}"
        elif isinstance(kind, GraphQLEnumType):
            assert isinstance(other, GraphQLEnumType)
            yield from (f"{name}.{value}" for value in kind.values if value not in other.values)
        elif isinstance(kind, GraphQLUnionType):
            assert isinstance(other, GraphQLUnionType)
            official_members = {member.name for member in other.types}
            yield from (f"{name} | {member.name}" for member in kind.types if member.name not in official_members)
        elif isinstance(kind, GraphQLInputObjectType):
            assert isinstance(other, GraphQLInputObjectType)
            for field, definition in kind.fields.items():
                wanted = other.fields.get(field)
                if wanted is None or str(wanted.type) != str(definition.type):
                    yield f"{name}.{field}: {definition.type}, officially {wanted and wanted.type}"
                elif wanted.default_value != definition.default_value:
                    yield f"{name}.{field} = {definition.default_value}, officially {wanted.default_value}"
            for field, wanted in other.fields.items():
                if field not in kind.fields and str(wanted.type).endswith("!"):
                    yield f"{name}.{field}: officially required, and missing"
        elif isinstance(kind, (GraphQLObjectType, GraphQLInterfaceType)):
            assert isinstance(other, (GraphQLObjectType, GraphQLInterfaceType))
            yield from fields_that_differ(name, kind, other)
        else:
            assert isinstance(kind, GraphQLScalarType)


def fields_that_differ(
    name: str,
    kind: GraphQLObjectType | GraphQLInterfaceType,
    other: GraphQLObjectType | GraphQLInterfaceType,
) -> Iterator[str]:
    official_interfaces = {interface.name for interface in other.interfaces}
    yield from (f"{name} implements {i.name}" for i in kind.interfaces if i.name not in official_interfaces)
    for field, definition in kind.fields.items():
        wanted = other.fields.get(field)
        if wanted is None or str(wanted.type) != str(definition.type):
            yield f"{name}.{field}: {definition.type}, officially {wanted and wanted.type}"
            continue
        for argument, given in definition.args.items():
            known = wanted.args.get(argument)
            if known is None or str(known.type) != str(given.type):
                yield f"{name}.{field}({argument}:): {given.type}, officially {known and known.type}"
            elif known.default_value != given.default_value:
                yield f"{name}.{field}({argument}: {given.default_value}), officially {known.default_value}"
        for argument, known in wanted.args.items():
            if argument not in definition.args and str(known.type).endswith("!"):
                yield f"{name}.{field}({argument}:): officially required, and missing"


def test_loopback_schema__is_part_of_the_official_one(figures: Callable[[str], None]) -> None:
    ours = build_schema(Path(LOOPBACK).read_text(encoding="utf-8"))
    found = list(differences(ours, official()))
    assert not found
    kinds = [kind for name, kind in ours.type_map.items() if not name.startswith("__") and name not in BUILT_IN]
    members = sum(len(getattr(kind, "fields", None) or getattr(kind, "values", None) or ()) for kind in kinds)
    figures(f"GraphQL: loopback schema of {len(kinds)} types, {members} fields and values, {len(found)} violations")


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ("type Issue { number: Int }", "Issue.number: Int, officially Int!"),
        ("type Issue { colour: String }", "Issue.colour: String, officially None"),
        ("enum ReactionContent { SHRUG }", "ReactionContent.SHRUG"),
        ("type Nonsense { a: Int }", "Nonsense: GraphQLObjectType, officially NoneType"),
        ("input AddReactionInput { subjectId: ID! }", "AddReactionInput.content: officially required, and missing"),
    ],
)
def test_comparison__finds_what_is_different(change: str, finding: str) -> None:
    ours = build_schema("type Query { viewer: User! } type User { login: String! } " + change, assume_valid=True)
    assert finding in list(differences(ours, official()))
