"""Ids for property tests: those that a label carries, and any others."""

from __future__ import annotations

import unicodedata

from hypothesis import strategies as st

from gh_store_action.domain.objects import InvalidId, check_id
from gh_store_action.domain.records import Rules


def is_id(text: str) -> bool:
    """Whether the text is an id of a store with the default prefix."""
    try:
        check_id(text, Rules())
    except InvalidId:
        return False
    return True


PLAIN_ID = st.text("abcXYZ09._-~:@+/", min_size=1, max_size=46)
"""What the label carries."""

_PARTS = st.sampled_from(
    (
        ' [r1 c1 n1 00000000]"',
        '"',
        " -> #7",
        " => #7",
        ", ",
        " (00)",
        "UID:",
        "=",
        "é",
        "ß",
        "ss",
        "👩‍🚀",
        "\\",
        "#1",
        "@x",
    )
)

ANY_ID = (
    (
        st.text(min_size=1, max_size=150)
        | st.lists(_PARTS | st.text("aA ", min_size=1, max_size=3), min_size=1, max_size=9).map("".join)
        | st.text("aA", min_size=45, max_size=49)
        | PLAIN_ID
    )
    .map(lambda text: unicodedata.normalize("NFC", text).strip())
    .filter(is_id)
)
"""Any id, among them what looks like a marker, a move or a quotation, and what differs in case alone."""
