"""The core's terms in the words of a workflow: inputs, permissions, outputs."""

from __future__ import annotations

from gh_store_action.errors import StoreError
from gh_store_action.hints import Digest, Grant, InWorkflow, Setting, Term, Without, library, worded


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
            return f"Add `permissions: {{{term}}}` to the job, or use a token that has them"
        case Digest():
            return "the output `digest`"
        case InWorkflow(words):
            return words
        case _:
            return library(term)


def in_inputs(text: str) -> str:
    """A text of the core in the action's words."""
    return worded(text, of_the_action)


def explained(error: StoreError) -> str:
    """The one line of a failure, in the action's words."""
    return in_inputs(error.text)
