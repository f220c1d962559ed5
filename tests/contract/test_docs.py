"""The documents: what they name is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [*DOCS, ROOT / "CONTRIBUTING.md"]
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
    rows = [
        line for line in (ROOT / "docs" / "github-facts.md").read_text("utf-8").splitlines() if line.startswith("| ")
    ][2:]
    assert len(rows) > 20
    assert [row for row in rows if "https://" not in row or row.count(" | ") != 3] == []


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


def test_decisions__are_all_in_the_list() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text("utf-8"))
    assert listed == sorted(page.name for page in folder.glob("0*.md"))
