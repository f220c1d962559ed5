"""The house: its rooms are small, and nothing in it names this or any other workplace.

Which room may import which is in pyproject.toml, for import-linter: `make lint`.
"""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "gh_store_action"
MODULES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES = 400
MOST_TEST_LINES = 600
MOST_MODULES = 12
ONLY_IN = {
    "github": {"connection.py"},
    "subprocess": {"git.py", "surroundings.py"},
    "actions_toolkit": {"report.py"},
}


def imports(module: Path) -> set[str]:
    """What a module imports: whole names, functions' own imports included, those for type checking left out."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def uses(module: Path, name: str) -> bool:
    """Whether the module imports that package or something of it."""
    return any(one == name or one.startswith(name + ".") for one in imports(module))


@pytest.mark.parametrize("name", ONLY_IN)
def test_one_room_knows_that_library(name: str) -> None:
    assert {module.name for module in MODULES if uses(module, name)} == ONLY_IN[name]


def test_every_room_can_be_held_in_the_head() -> None:
    long = {
        str(m.relative_to(ROOT)): lines
        for m in MODULES
        if (lines := len(m.read_text("utf-8").splitlines())) > MOST_LINES
    }
    assert long == {}


def test_every_file_of_the_tests_has_one_subject() -> None:
    files = sorted((ROOT / "tests").rglob("*.py"))
    lines = {str(file.relative_to(ROOT)): len(file.read_text("utf-8").splitlines()) for file in files}
    assert {name: count for name, count in lines.items() if count > MOST_TEST_LINES} == {}


def test_no_folder_has_more_rooms_than_a_reader_can_choose_from() -> None:
    rooms: dict[Path, list[str]] = {}
    for module in MODULES:
        if module.name != "__init__.py":
            rooms.setdefault(module.parent, []).append(module.name)
    assert {str(folder): names for folder, names in rooms.items() if len(names) > MOST_MODULES} == {}


def test_the_product_knows_nothing_of_its_tests() -> None:
    assert [module.name for module in MODULES if uses(module, "tests")] == []


def test_every_room_says_its_purpose_in_its_first_line() -> None:
    empty = {"__init__.py"}
    missing = [
        str(m.relative_to(ROOT))
        for m in MODULES
        if m.name not in empty and not ast.get_docstring(ast.parse(m.read_text(encoding="utf-8")))
    ]
    assert missing == []


def test_nothing_tracked_names_a_registrys_host_or_a_path_of_one_machine() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    bad = re.compile(
        rb"(files\.pythonhosted|registry\.npmjs|deb\.debian)\.org|" + re.escape(bytes(ROOT.parent)) + rb"/"
    )
    found = []
    for name in listed.stdout.split(b"\0"):
        path = ROOT / name.decode()
        if name and path.is_file() and not path.is_symlink() and bad.search(path.read_bytes()):
            found.append(name.decode())
    assert [name for name in found if name != "tests/contract/test_house.py"] == []
