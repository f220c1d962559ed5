"""What each document costs: our own count, and GitHub's formula as the loopback applies it to the parsed document."""

from __future__ import annotations

import pytest

from gh_store_action.gateway import queries
from gh_store_action.gateway.documents import points
from gh_store_action.gateway.reading import queries as page_queries
from tests.double.graphql_engine import Engine
from tests.double.hub import Hub

DOCUMENTS = {
    name: text
    for name, text in {**vars(queries), **vars(page_queries)}.items()
    if isinstance(text, str) and text.lstrip().startswith(("query ", "mutation "))
}
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
