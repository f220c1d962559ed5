"""How large a file in git may be: GitHub warns above 50 MiB and refuses a push with one above 100 (github-facts, 6)."""

from __future__ import annotations

from collections.abc import Mapping

from gh_store_action.errors import StoreError
from gh_store_action.hints import Setting, Text

MIB = 2**20
WARNED_ABOVE = 50 * MIB
REFUSED_ABOVE = 95 * MIB  # before GitHub does, while nothing has been written


def check_sizes(sizes: Mapping[str, int], *, whole: bool) -> str:
    """What to say about the largest of the files that are to be committed, empty where there is nothing to say.

    Args:
        sizes: bytes by path.
        whole: whether all objects are in one file, which could be divided.

    Raises:
        StoreError: GitHub would refuse it, or soon will.
    """
    name = max(sizes, key=lambda each: sizes[each], default="")
    size = sizes.get(name, 0)
    if size <= WARNED_ABOVE:
        return ""
    said = f"`{name}` has {size / MIB:,.0f} MiB, and GitHub refuses files of more than 100"
    if size > REFUSED_ABOVE:
        one_each = Text("Use ", Setting("format", "directory"), ", which writes a file an object, or do not commit it.")
        hint = one_each if whole else "Do not commit it, or divide the store over several repositories."
        raise StoreError(f"{said}. It was not written.", hint)
    return f"{said}; the format `directory` writes a file an object." if whole else f"{said}."
