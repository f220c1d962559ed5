"""Size limits of files in git: GitHub warns above 50 MiB and refuses a push above 100 MiB (github-facts, 6)."""

from __future__ import annotations

from collections.abc import Mapping

from gh_store_action.errors import StoreError
from gh_store_action.hints import Setting, Text

MIB = 2**20
WARNED_ABOVE = 50 * MIB
REFUSED_ABOVE = 95 * MIB  # before GitHub does, while nothing has been written


def check_sizes(sizes: Mapping[str, int], *, whole: bool) -> str:
    """A note about the largest of the files to commit; empty if there is nothing to say.

    Args:
        sizes: bytes by path.
        whole: whether it holds all objects, and could be split.

    Raises:
        StoreError: GitHub would refuse it, or will soon.
    """
    name = max(sizes, key=lambda each: sizes[each], default="")
    size = sizes.get(name, 0)
    if size <= WARNED_ABOVE:
        return ""
    said = f"`{name}` has {size / MIB:,.0f} MiB, and GitHub refuses files of more than 100"
    if size > REFUSED_ABOVE:
        each = Text("Use ", Setting("format", "directory"), ", which writes one file per object, or do not commit it.")
        hint = each if whole else "Do not commit it, or split the store into several repositories."
        raise StoreError(f"{said}. It was not written.", hint)
    return f"{said}; the format `directory` writes one file per object." if whole else f"{said}."
