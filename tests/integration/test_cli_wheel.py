"""What is in the wheel: the command, the page, the templates, and the schemas of what is stored."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.cli import ROOT

pytestmark = pytest.mark.slow


def test_wheel__has_the_page_the_schemas_and_the_templates_and_init_finds_them_there(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path / "dist")]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    (tmp_path / ".git").mkdir()

    code = "from gh_store_action.cli import main; main()"
    command = [sys.executable, "-P", "-c", code, "init", "--repository-files"]
    environ = {"PYTHONPATH": str(tmp_path / "site"), "HOME": str(tmp_path)}
    subprocess.run(command, cwd=tmp_path, env=environ, check=True, capture_output=True)

    for schema in (ROOT / "docs/schemas").glob("*.json"):
        assert (tmp_path / "site/gh_store_action/schemas" / schema.name).read_bytes() == schema.read_bytes()
    page = ROOT / "gh_store_action/site"
    assert {file.name for file in (tmp_path / "site/gh_store_action/site").iterdir()} == {
        f.name for f in page.iterdir()
    }
    for template in (ROOT / "workflows-templates").glob("*.yml"):
        assert (tmp_path / "site/gh_store_action/templates" / template.name).read_bytes() == template.read_bytes()
    for written in (tmp_path / ".github/workflows").iterdir():
        assert written.read_bytes() == (ROOT / "workflows-templates" / written.name).read_bytes()
