"""Whatever somebody writes, reading it takes time in proportion to its length, and ends in a value or a verdict."""

from __future__ import annotations

import os
import random
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.readers import BEFORE, BEHIND, READERS, UNITS, VERDICTS, Shape, slow

BUDGET = float(os.environ.get("PROVE_BUDGET", "300"))
LONGEST = 262_144  # characters; GitHub takes 65,536 for a comment
BOMBS = (  # each has taken a reader a minute and more
    ("comment", Shape("", "~", "")),
    ("comment", Shape('["', '\\"', "[" * 101 + "\\")),
    ("comment", Shape("`", " ", "x")),
    ("comment", Shape("x", "<!---->", "")),
    ("author", Shape("a", " ", "b")),
    ("workflow", Shape("", "\n", "")),
    ("git", Shape("/unblock-secret/ ", "https://", "")),
    ("reasons", Shape("", "  - ``: a\n", "")),
)


@pytest.mark.parametrize(("reader", "shape"), BOMBS, ids=str)
def test_reading__takes_linear_time_where_it_once_did_not(reader: str, shape: Shape) -> None:
    assert not slow(READERS[reader], shape, (LONGEST // 256, LONGEST // 64, LONGEST // 16, LONGEST // 4, LONGEST))


@pytest.mark.parametrize("reader", READERS)
def test_reading__takes_linear_time(reader: str) -> None:
    for place, unit in enumerate(UNITS):
        shape = Shape(BEFORE[place % len(BEFORE)], unit, BEHIND[place % len(BEHIND)])
        assert not slow(READERS[reader], shape, (1_024, 4_096, 16_384)), shape


@pytest.mark.prove
@pytest.mark.parametrize("reader", READERS)
def test_reading__takes_linear_time_whatever_is_repeated(reader: str) -> None:
    end = time.monotonic() + BUDGET / len(READERS) * 2
    chance = random.Random(reader)
    while time.monotonic() < end:
        units = "".join(chance.choices(UNITS, k=chance.choice((1, 1, 1, 2, 3))))
        shape = Shape(chance.choice(BEFORE), units, chance.choice(BEHIND))
        assert not slow(READERS[reader], shape, (4_096, 16_384, 65_536, LONGEST)), shape


PIECES = st.sampled_from((*UNITS, *BEFORE, *BEHIND)) | st.text(max_size=5)
TEXTS = st.lists(PIECES, max_size=40).map("".join) | st.text(st.characters())


@pytest.mark.parametrize(
    "examples",
    [pytest.param(100, id="quick"), pytest.param(int(BUDGET * 100), id="proof", marks=pytest.mark.prove)],
)
@pytest.mark.parametrize("reader", READERS)
def test_reading__ends_in_a_value_or_a_verdict(reader: str, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, database=None, derandomize=examples == 100)
    @given(TEXTS)
    def reads(text: str) -> None:
        with suppress(*VERDICTS):
            READERS[reader](text)

    reads()
