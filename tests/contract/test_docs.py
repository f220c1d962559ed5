"""The documents: what they name is there."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [*DOCS, ROOT / "CONTRIBUTING.md"]
SECTION = re.compile(r"github-facts, (?:section )?(\w+)")
NAMED = re.compile(r"`(\w+(?:\.\w+)?)`(?: alias)? in `([\w./-]+\.py)`")  # `name` in `path`
LISTED = re.compile(r"`([\w./-]+\.py)` \(((?:`\w+`(?:, )?)+)")  # `path` (`name`, `name`)
DIAGRAMS = ("flowchart ", "sequenceDiagram")
CHANGES = (
    "update mode",
    "input",
    "reply",
    "reaction",
    "snapshot format",
    "command",
    "retry policy",
    "id rule",
    "log line",
    "configuration key",
    "marker",
    "permission level",
)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links__lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if target.startswith(("http://", "https://")):
            continue
        file, _, anchor = target.partition("#")
        there = page.parent / file if file else page
        assert there.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", there.read_text("utf-8"), re.MULTILINE)
            assert anchor in {slug(one) for one in headings}, target


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_files__that_are_named_are_there(page: Path) -> None:
    text = page.read_text("utf-8")
    for path in re.findall(r"`((?:gh_store_action|tests|composite|scripts|\.github|\.ci)/[\w./*-]+)`", text):
        if path != ".github/gh-store.yml" and not path.startswith(".github/gh-store/"):
            assert (ROOT / path).exists(), path


def test_facts__name_rooms_that_are_there() -> None:
    text = (ROOT / "docs" / "github-facts.md").read_text("utf-8")
    paths = re.findall(r"`([a-z_]+(?:/[a-z_]+)+\.py)`", text)
    assert paths and [path for path in paths if not (ROOT / "gh_store_action" / path).exists()] == []


def test_facts__have_a_source_each() -> None:
    """A public page; or they are called assumed, and the code survives either answer."""
    rows = facts()
    assert len(rows) > 20
    assert [row for row in rows if len(row) != 5] == []
    assert [row[2] for row in rows if "https://" not in row[2] and row[2] != "assumed"] == []
    assert len({row[0] for row in rows}) == len(rows)


def test_facts__have_a_test_each_that_is_there() -> None:
    """Of both answers; where one cannot be given, the cell says so at its end."""
    lacking = []
    for fact, *_, cell in facts():
        named = re.findall(r"`(tests/[a-z_/]+\.py)::(test_\w+)`", cell)
        listed = ", ".join(f"`{path}::{test}`" for path, test in named)
        if not named or cell.removesuffix("; one answer") != listed:
            lacking.append((fact, cell))
        lacking += [(fact, test) for path, test in named if test not in functions(ROOT / path)]
    assert lacking == []


def facts() -> list[list[str]]:
    """The rows of the page, each as its cells."""
    text = (ROOT / "docs" / "github-facts.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| fact |")]
    return [row.strip("| ").split(" | ") for row in rows]


@cache
def functions(file: Path) -> frozenset[str]:
    """The functions at the top of a module; none where there is no such file."""
    tree = ast.parse(file.read_text("utf-8") if file.exists() else "")
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_facts__have_the_sections_that_the_code_names() -> None:
    headings = re.findall(r"^#+ (.*)$", (ROOT / "docs" / "github-facts.md").read_text("utf-8"), re.MULTILINE)
    modules = [*(ROOT / "gh_store_action").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    named = {one for module in modules for one in SECTION.findall(module.read_text("utf-8"))}
    missing = {one for one in named if not any(heading.startswith((f"{one}.", one)) for heading in headings)}
    assert named and missing == set()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_names__stand_in_the_file_that_is_named_with_them(page: Path) -> None:
    text = " ".join(page.read_text("utf-8").split())
    found = [(one, path) for one, path in NAMED.findall(text)]
    found += [(one, path) for path, names in LISTED.findall(text) for one in re.findall(r"`(\w+)`", names)]
    missing = []
    for one, path in found:
        there = [file for file in (ROOT / path, ROOT / "gh_store_action" / path) if file.exists()]
        assert there, path
        if not re.search(rf"\b{re.escape(one.split('.')[-1])}\b", there[0].read_text("utf-8")):
            missing.append((one, path))
    assert missing == []


def test_diagrams__begin_with_their_kind() -> None:
    blocks = [b for page in DOCS for b in re.findall(r"```mermaid\n(.*?)```", page.read_text("utf-8"), re.DOTALL)]
    assert len(blocks) >= 2
    assert [block for block in blocks if not block.startswith(DIAGRAMS)] == []


@pytest.mark.parametrize("change", CHANGES)
def test_changes__have_a_room_that_is_named(change: str) -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("## To change X, open Y")[1].split("\n## ")[0]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| ")]
    rooms = [cells[2] for cells in rows if change in cells[1]]
    assert rooms and all("`gh_store_action/" in room for room in rooms)


def test_reference__says_which_pythons_have_re2() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (re2,) = [one for one in map(Requirement, project["dependencies"]) if one.name == "google-re2"]
    assert re2.marker is not None
    with_it = [minor for minor in range(11, 20) if re2.marker.evaluate({"python_version": f"3.{minor}"})]
    text = " ".join((ROOT / "docs" / "reference.md").read_text("utf-8").split())
    assert with_it == list(range(11, 15))
    assert "newest wheels are of Python 3.14" in text and "own Python, 3.11 to 3.14" in text
    locked = (ROOT / "requirements.lock").read_text("utf-8")
    assert re.search(r"^google-re2==\S+ ; python_full_version < '3\.15'", locked, re.M)


def test_decisions__are_all_in_the_list() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text("utf-8"))
    assert listed == sorted(page.name for page in folder.glob("0*.md"))
