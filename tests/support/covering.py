"""A covering array: of all combinations, a few that hold each pair of values; the others are a proof."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations, product

import pytest

Case = tuple[int, ...]  # for each dimension the place of a value


def covering(strength: int, **dimensions: Sequence[object]) -> pytest.MarkDecorator:
    """Parametrises a test: `make test` runs a covering array, `make prove` the other combinations.

    Args:
        strength: of how many dimensions each combination of values is in the array: 1 for each value once, 2 for each
            pair.
        dimensions: the values by the name of their argument.
    """
    cases = list(product(*(range(len(values)) for values in dimensions.values())))
    chosen = _array(cases, strength)
    parameters = []
    for case in cases:
        values = [values[place] for values, place in zip(dimensions.values(), case, strict=True)]
        parameters.append(pytest.param(*values, marks=[] if case in chosen else [pytest.mark.prove]))
    return pytest.mark.parametrize(tuple(dimensions), parameters)


def _array(cases: Sequence[Case], strength: int) -> set[Case]:
    """Greedily: the case with the most that is new; among those the one whose values were used least."""

    def held(case: Case) -> set[tuple[tuple[int, int], ...]]:
        return set(combinations(enumerate(case), strength))

    missing = set[tuple[tuple[int, int], ...]]().union(*map(held, cases))
    chosen: set[Case] = set()
    used: Counter[tuple[int, int]] = Counter()
    while missing:
        best = max(cases, key=lambda case: (len(held(case) & missing), -sum(used[value] for value in enumerate(case))))
        missing -= held(best)
        chosen.add(best)
        used.update(enumerate(best))
    return chosen
