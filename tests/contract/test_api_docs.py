"""The pages of the library: they say what the docstrings say, and a site can be made of them."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import gh_store_action
from gh_store_action import GitHubStore
from tests.support.runner import ROOT


def load() -> ModuleType:
    """scripts/ is no package."""
    spec = importlib.util.spec_from_file_location("api_docs", ROOT / "scripts" / "api_docs.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page__is_what_the_docstrings_say(tmp_path: Path) -> None:
    """Where this fails: make api."""
    assert load().main([str(tmp_path / "api.md")]) == 0

    assert (tmp_path / "api.md").read_text("utf-8") == (ROOT / "docs" / "api.md").read_text("utf-8")


def test_page__has_every_name_and_every_method() -> None:
    page = (ROOT / "docs" / "api.md").read_text("utf-8")

    assert set(re.findall(r"^## (\w+)$", page, re.M)) == {n for n in gh_store_action.__all__ if n[0] != "_"}
    methods = {name for name, value in vars(GitHubStore).items() if callable(value) and not name.startswith("_")}
    assert methods - {"over"} <= set(re.findall(r"^### GitHubStore\.(\w+)$", page, re.M))


def test_site__is_made_of_them(tmp_path: Path) -> None:
    assert load().main([str(tmp_path)]) == 0

    page = (tmp_path / "gh_store_action.html").read_text("utf-8")
    assert "Writes all objects as of one moment" in page and (tmp_path / "index.html").exists()
    assert str(ROOT) not in page
