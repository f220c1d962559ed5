"""One GitHub for each test of the double."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.double import GitHub


@pytest.fixture
def hub() -> Iterator[GitHub]:
    with GitHub() as github:
        yield github
