"""GitHub on loopback, and, once a test session, the engine and the image."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.double import GitHub
from tests.support.runner import Engine, dockerfile, find_engine


@pytest.fixture
def github() -> Iterator[GitHub]:
    with GitHub() as running:
        yield running


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The engine of this machine; where there is none the test says why, or fails where none may be skipped."""
    found = find_engine()
    if isinstance(found, Engine):
        return found
    if os.environ.get("REQUIRE_ENGINE") == "1":
        pytest.fail(found)
    pytest.skip(found)


@pytest.fixture(scope="session")
def image(engine: Engine) -> str:
    """The image, built from the Dockerfile."""
    return engine.build(dockerfile(), "localhost/gh-store-action:test")
