"""The engine and the image, once a test session."""

from __future__ import annotations

import os

import pytest

from tests.support.runner import Engine, find_engine


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
    """The image, built from the Dockerfile as it is."""
    return engine.build()
