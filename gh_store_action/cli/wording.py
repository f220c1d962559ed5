"""What the core says in the words of the action, in those of the command: options and variables, not inputs."""

from __future__ import annotations

import re

# From the action's words to the command's, in this order; what names no input is the same for both.
_TABLE = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"Pass `token: \$\{\{ github\.token \}\}`", "Set GITHUB_TOKEN anew"),
        (r", or let actions/checkout keep its own \(`persist-credentials: true`\)", ""),
        (r"([Tt])he input `token` is set", r"GITHUB_TOKEN is set"),
        (r"([Tt])he input `token`", r"\1he token"),
        (r"the input `repository`", "--repo or GITHUB_REPOSITORY"),
        (r"([Tt])he input `-*([a-z-]+)`", r"\1he option --\2"),
        (r"Add `permissions: \{?([a-z]+: [^`}]+?)\}?` to the job, or give a token that may", r"Give a token with `\1`"),
        (r"Add `permissions: \{?([a-z]+: [^`}]+?)\}?` to the job", r"Give a token with `\1`"),
        (r"set `commit: false`", "leave --commit out"),
        (r"`format: directory`", "`--format directory`"),
        (r"`verify` with `repair`", "`gh-store verify --repair`"),
        (r" with the `ref` input of actions/checkout", ""),
        (r"the output `digest`", "the `digest` that `gh-store get` prints"),
    )
)


def in_options(text: str) -> str:
    """The sentence as a person at a command line can follow it."""
    for pattern, words in _TABLE:
        text = pattern.sub(words, text)
    return text
