"""What each document costs, by GitHub's formula, and what its answer may hold, by the schema of the loopback."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import (
    FieldNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    get_named_type,
    is_list_type,
    is_non_null_type,
    parse,
    visit,
)

from gh_store_action.gateway import documents, queries
from gh_store_action.gateway.documents import points
from gh_store_action.gateway.reading import queries as page_queries
from tests.double.graphql_engine import Engine
from tests.double.hub import Hub

SCHEMA = build_schema((Path(__file__).parents[1] / "double" / "schema.graphql").read_text("utf-8"), assume_valid=True)
DOCUMENTS = {
    name: text
    for name, text in {**vars(queries), **vars(page_queries)}.items()
    if isinstance(text, str) and text.lstrip().startswith(("query ", "mutation "))
}
DOCUMENTS |= {f"tip below {above} folders": queries.tip(above) for above in (0, 2)}
WRITES = {
    f"write {add} {remove}": queries.write(
        checkpoint=bool(add), reply=bool(remove), update=True, close=True, add=add, remove=remove, lock="OFF_TOPIC"
    )
    for add, remove in ((0, 0), (1, 0), (40, 10))
}
_SHAPE: queries.Shape = {"checkpoint": False, "reply": True, "update": True, "close": True, "add": 1, "remove": 1}
WRITES["write many"] = queries.write_all([_SHAPE, {**_SHAPE, "lock": ""}, {**_SHAPE, "beside": True}])


@pytest.mark.parametrize("first", [1, 7, 50, 100])
@pytest.mark.parametrize("name", [*DOCUMENTS, *WRITES])
def test_points__are_those_of_githubs_formula(tmp_path: object, name: str, first: int) -> None:
    document = {**DOCUMENTS, **WRITES}[name]
    variables = {"first": first, "ids": ["one"] * first}
    body = {"query": document, "variables": variables}
    assert points(document, variables) == Engine(Hub(tmp_path)).points(body) > 0  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["SWEEP", "LIST"])
def test_points__of_a_page_of_a_hundred_issues_are_two(name: str) -> None:
    assert points(DOCUMENTS[name], {"first": 100}) == 2


def test_shapes__are_those_of_the_schema() -> None:
    """What each field that is asked for must be, by its name; what must be there may not be null, by the schema."""
    types = TypeInfo(SCHEMA)
    wrong: set[str] = set()
    may_be_null: set[str] = set()

    class Fields(Visitor):
        def enter_field(self, node: FieldNode, *_: object) -> None:
            name, found = node.name.value, types.get_type()
            assert found is not None
            bare = getattr(found, "of_type", found) if is_non_null_type(found) else found
            kind = get_named_type(found).name
            expected = {"Int": "number", "Boolean": "flag", "DateTime": "moment"}.get(kind, "")
            known = {
                "number": name in documents._NUMBERS,
                "flag": name in documents._FLAGS,
                "moment": name.endswith("At"),
            }
            if (
                not node.selection_set
                and [what for what, is_so in known.items() if is_so] != [expected][: bool(expected)]
            ):
                wrong.add(f"{name}: {kind}")
            if node.selection_set and is_list_type(bare) != (name in documents._LISTS):
                wrong.add(f"{name}: list")
            if not is_non_null_type(found):
                may_be_null.add(name)

    for text in {**DOCUMENTS, **WRITES}.values():
        visit(parse(text), TypeInfoVisitor(types, Fields()))
    assert wrong == set()
    assert may_be_null >= documents._MAY_BE_NULL | documents._MAY_BE_NULL_AT_THE_TOP
