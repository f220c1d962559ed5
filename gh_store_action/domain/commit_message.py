"""A commit's author, and its message for people and machines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gh_store_action.errors import InputError

AUTHOR = re.compile(r"([^<>\x00-\x1f\x7f]++)<([^<>@\s\x00-\x1f\x7f]++@[^<>@\s\x00-\x1f\x7f]+)>")
TRAILER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*: \S")


@dataclass(frozen=True)
class Author:
    """A commit's author."""

    name: str = "github-actions[bot]"
    email: str = "41898282+github-actions[bot]@users.noreply.github.com"

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"

    @classmethod
    def parse(cls, text: str) -> Author:
        """Read ``Name <email>``; empty text is github-actions[bot].

        Raises:
            InputError: it does not have that form, or git would not accept it.
        """
        match = AUTHOR.fullmatch(text.strip() or str(cls()))
        if match is None or not match[1].strip(".,:;\"\\' "):  # git strips these, and refuses a name of nothing else
            raise InputError(
                f"The commit author {text!r} does not have the form `Name <email>`.",
                "Write it like `Ada Lovelace <ada@example.org>`, on one line.",
            )
        return cls(match[1].rstrip(), match[2])

    @property
    def variables(self) -> dict[str, str]:
        """The environment that makes git use it as author and as committer."""
        return {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in self._parts}

    @property
    def _parts(self) -> tuple[tuple[str, str], ...]:
        return ("NAME", self.name), ("EMAIL", self.email)


def with_trailers(message: str, trailers: Mapping[str, str]) -> str:
    """The message with trailers for machines at its end, as ``git interpret-trailers`` reads them.

    Args:
        message: the text; if it already ends with trailers, these continue them.
        trailers: name (letters, digits, hyphens) to value; line ends in a value become spaces.

    Raises:
        ValueError: a name is not valid for a trailer.
    """
    lines = [f"{name}: {' '.join(value.split())}".rstrip() for name, value in trailers.items()]
    if any(not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*", name) for name in trailers):
        raise ValueError(f"not a trailer's name in {sorted(trailers)}")
    text = "\n".join(line.rstrip() for line in message.strip().splitlines())
    if not lines:
        return text
    last = re.split(r"\n{2,}", text)[1:][-1:]
    folded = (re.sub(r"\n[ \t]+", " ", paragraph) for paragraph in last)
    continued = any(all(TRAILER.match(line) for line in paragraph.split("\n")) for paragraph in folded)
    return text + ("\n" if continued else "\n\n") + "\n".join(lines)
