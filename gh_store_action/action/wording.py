"""Terms of the core in the words of a workflow: inputs, permissions, outputs."""

from __future__ import annotations

from gh_store_action.errors import StoreError
from gh_store_action.hints import Digest, Grant, Operation, Setting, Term, Without, worded


def of_the_action(term: Term) -> str:
    """A term for somebody who writes a workflow."""
    match term:
        case Setting(name, ""):
            return f"the input `{name}`"
        case Setting(name, value):
            return f"`{name}: {value}`"
        case Without(name):
            return f"set `{name}: false`"
        case Grant():
            return f"Add `permissions: {{{term}}}` to the job, or give a token that may"
        case Operation(name, setting):
            return f"`{name}` with `{setting}`"
        case Digest():
            return "the output `digest`"
        case _:
            return term.words


def in_inputs(text: str) -> str:
    """A text of the core in the action's words."""
    return worded(text, of_the_action)


def explained(error: StoreError) -> str:
    """The one line of a failure, in the action's words."""
    return f"{in_inputs(error.what)} {in_inputs(error.hint)}".strip()
