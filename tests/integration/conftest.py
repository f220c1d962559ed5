"""A store on the loopback GitHub for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.double import GitHub
from tests.support.scene import Scene


@pytest.fixture
def github() -> Iterator[GitHub]:
    with GitHub() as running:
        yield running


@pytest.fixture
def scene(github: GitHub, tmp_path: Path) -> Scene:
    """A store without objects."""
    return Scene(github, tmp_path)
