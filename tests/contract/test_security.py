"""SECURITY.md: its table of attacks, held against the tests that try them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "SECURITY.md").read_text("utf-8")
ATTACKS = ("test_attacks.py", "test_hostile_*.py", "test_forms_attacks.py")  # files of which each test is an attack
DOUBLE = TESTS / "double" / "tests"


def table(first: str) -> list[list[str]]:
    """The rows of the table whose head begins with that cell, as cells."""
    lines = PAGE.split(f"\n| {first} | ", 1)[1].split("\n\n", 1)[0].split("\n")[2:]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]


ROWS = table("attack")


def functions(path: Path) -> dict[str, ast.FunctionDef]:
    tree = ast.parse(path.read_text("utf-8"))
    found = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    return {node.name: node for node in found if node.name.startswith("test_")}


def named(cell: str) -> list[str]:
    return re.findall(r"`(test_\w+)`", cell)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_each_row_of_the_attacks__names_its_actors_and_tests(row: list[str]) -> None:
    attack, actors, tests = row
    known = {cells[0] for cells in table("actor")}
    assert attack
    assert set(actors.split(", ")) <= known
    assert named(tests)


def test_each_test_in_a_row__is_there_and_runs() -> None:
    there = {
        name: ast.unparse(ast.Module(list(node.decorator_list), []))  # type: ignore[arg-type]
        for path in TESTS.rglob("test_*.py")
        if DOUBLE not in path.parents
        for name, node in functions(path).items()
    }
    wanted = [name for row in ROWS for name in named(row[2])]
    assert len(wanted) == len(set(wanted))
    assert [name for name in wanted if name not in there] == []
    assert [name for name in wanted if re.search(r"mark\.(skip|xfail)", there[name])] == []


def test_each_test_of_an_attack__is_in_a_row() -> None:
    wanted = {name for row in ROWS for name in named(row[2])}
    tried = {name for glob in ATTACKS for path in TESTS.rglob(glob) for name in functions(path)}
    assert len(tried) > 30
    assert tried - wanted == set()


def test_each_actor__is_tried() -> None:
    tried = {actor for row in ROWS for actor in row[1].split(", ")}
    trusted = {"processor"}  # whose hands are the store's
    assert {cells[0] for cells in table("actor")} - tried == trusted
