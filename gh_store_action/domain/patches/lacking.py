"""What one value has and another lacks: the update that adds it, and where the two differ."""

from __future__ import annotations

from typing import NamedTuple

from gh_store_action.domain.strict_json import Json, equal, json_path


class Lacking(NamedTuple):
    """What `append` has to add.

    Args:
        addition: empty if nothing is lacking.
        added: its paths.
        differs: paths where both have different values.
    """

    addition: dict[str, Json]
    added: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()


def lacking(kept: Json, other: Json, path: tuple[str, ...] = ()) -> Lacking:
    """What only the other value has, key by key."""
    if not isinstance(kept, dict) or not isinstance(other, dict):
        return Lacking({}, differs=() if equal(kept, other) else (json_path(path),))
    addition: dict[str, Json] = {}
    added: list[str] = []
    differs: list[str] = []
    for key, value in other.items():
        here = (*path, key)
        if key not in kept:
            addition[key] = value
            added.append(json_path(here))
            continue
        inner = lacking(kept[key], value, here)
        added += inner.added
        differs += inner.differs
        if inner.addition:
            addition[key] = inner.addition
    return Lacking(addition, tuple(added), tuple(differs))
