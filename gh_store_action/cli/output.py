"""The store's values as the JSON that commands print."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from typing import Any

from gh_store_action.cli.invocation import Invocation
from gh_store_action.cli.wording import explained
from gh_store_action.domain.processing.result import Result
from gh_store_action.domain.records import StoredObject
from gh_store_action.errors import ObjectNotFound, StoreError
from gh_store_action.hints import Text
from gh_store_action.store.lookup import Lookup

LOOKED_AT = 1_000  # objects whose ids are compared with an unknown id: ten requests


def stored(found: StoredObject) -> dict[str, Any]:
    """One object: its metadata, flat as gh-store printed it, and its data."""
    return {**asdict(found.meta), "data": found.data}


def result(found: Result) -> dict[str, Any]:
    """What happened to one issue's updates."""
    return {
        "issue_number": found.number,
        "object_id": found.object_id,
        "changed": found.changed,
        **found.counts.named(),
        "pending": found.pending,
        "revision": found.state.revision if found.state else None,
        "digest": found.digest,
        "refusals": [
            {
                "comment_id": refusal.comment_id,
                "author": refusal.author,
                "reasons": [{"path": path, "reason": reason} for path, reason in refusal.reasons],
            }
            for refusal in found.refusals
        ],
        "notes": list(found.notes),
        "skipped": found.skipped,
        "error": explained(found.error) if found.error else "",
    }


def what(found: Result) -> str:
    """What happened to one issue's updates, in words."""
    if found.error is not None:
        return "not finished"
    if found.skipped:
        return f"skipped: {found.skipped}"
    return found.said


@contextmanager
def naming_the_nearest(run: Invocation, object_id: str) -> Iterator[None]:
    """Adds similar ids to the error for an unknown id; not if the id is known, even of a deleted object.

    Raises:
        ObjectNotFound: replaces the one raised inside, with the ids.
    """
    try:
        yield
    except ObjectNotFound as error:
        try:
            known = Lookup(run.session).look(object_id)
            if known.live or known.deleted or known.stray:
                raise error from None
            ids = [one.meta.object_id for one in islice(run.store(quiet=True).list_all(), LOOKED_AT)]
        except StoreError:
            raise error from None
        lower = {one.lower(): one for one in ids}
        near = [lower[one] for one in difflib.get_close_matches(object_id.lower(), list(lower), n=3, cutoff=0.5)]
        if not near:
            raise error from None
        last = f" or {near[-1]}" if len(near) > 1 else near[-1]
        raise ObjectNotFound(error.what, Text(f"Did you mean {', '.join(near[:-1])}{last}? ", error.hint)) from None
