"""Parsers for the text of an input, an option, a variable or an argument: a value, or an error that names it.

Each takes the name, for the message, and the text, which is not empty.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

from gh_store_action.domain.commit_message import Author
from gh_store_action.domain.markdown import shorten, visible
from gh_store_action.errors import InputError
from gh_store_action.hints import Digest, Setting, Text

AUTHORITY = "SSL_CERT_FILE"  # the variable for the certificates to trust, for both the API and git
NAME_AUTHORITY = (
    f"Set the environment variable {AUTHORITY} to a file with the certificate of its authority. The API and git both "
    "use it."
)
_SNAPSHOTS = {".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}/(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}")
_LOGIN = re.compile(r"@?[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:\[bot\])?")
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_DIGEST = re.compile(r"[0-9a-fA-F]{8,64}")
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)
_BAD_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|//|@\{|^[-/]|(?:^|/)\.|[/.]\Z|\.lock(?:/|\Z)")


class Token:
    """A token that no `repr`, `str`, traceback or pickle shows; only `secret` returns it."""

    __slots__ = ("secret",)

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def __repr__(self) -> str:
        return "Token(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Token) and other.secret == self.secret

    def __hash__(self) -> int:
        return hash(self.secret)

    def __reduce__(self) -> Any:
        raise TypeError("a token cannot be pickled")


def text(name: str, value: object) -> str:
    """A text; for any other type the message shows only the type, because the value may be a secret."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, not {type(value).__name__}")
    return value


def login(name: str, text: str) -> str:
    """A login, in lowercase."""
    if not _LOGIN.fullmatch(text):
        raise InputError(f"{name} must be a login, such as octocat, not {visible(shorten(text, 60))!r}.")
    return text.removeprefix("@").lower()


def graphql_url_for(api_url: str) -> str:
    """The GraphQL address for a REST address: on an Enterprise Server, `/api/graphql` next to `/api/v3`."""
    return f"{api_url.removesuffix('/v3')}/graphql"


def url(name: str, text: str) -> str:
    """An address that a token may be sent to, without a trailing slash.

    Args:
        name: of the variable or argument, for the message; the address is not shown, because it may have a secret.

    Raises:
        InputError: it is not a plain http(s) address, or the token would be sent unencrypted.
    """
    try:
        parts = urlsplit(text)
        plain = parts.port != 0 and not (parts.username or parts.password or parts.query or parts.fragment)
    except ValueError:
        plain = False
    if not plain or parts.scheme not in ("https", "http") or not parts.hostname or re.search(r"[\s\\]", text):
        raise InputError(f"{name} is not the address of an API.", "An address looks like https://api.github.com.")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise InputError(
            f"{name} begins with http://: the token would be sent unencrypted.", "Use an https:// address."
        )
    return text.rstrip("/")


def shown(text: str, limit: int = 60) -> str:
    """Untrusted text for a message: one line, shortened."""
    return f"`{visible(shorten(text, limit))}`"


def _wrong(name: str, text: str, allowed: str, hint: str = "") -> InputError:
    return InputError(Text(Setting(name), f" is {shown(text)}; allowed: {allowed}."), hint)


def choice(*allowed: str) -> Callable[[str, str], str]:
    """One of the allowed words.

    Raises:
        InputError: it is not valid.
    """

    def parse(name: str, text: str) -> str:
        if text in allowed:
            return text
        near = difflib.get_close_matches(text.lower(), allowed, n=1, cutoff=0.5)
        raise _wrong(name, text, ", ".join(allowed), f"Did you mean `{near[0]}`?" if near else "")

    return parse


def boolean(name: str, text: str) -> bool:
    """`true` or `false`, as YAML 1.2's core schema spells them.

    Raises:
        InputError: it is not valid.
    """
    if text not in ("true", "True", "TRUE", "false", "False", "FALSE"):  # YAML 1.2, core schema
        raise _wrong(name, text, "true, false", "Use true or false.")
    return text.lower() == "true"


def number(name: str, text: str) -> int:
    """A whole number, at least 1.

    Raises:
        InputError: it is not valid.
    """
    if not _NUMBER.fullmatch(text):
        raise _wrong(name, text, "a whole number, at least 1", "Give only the number, without # or a sign.")
    return int(text)


def digest(name: str, text: str) -> str:
    """8 to 64 hexadecimal digits, in lowercase.

    Raises:
        InputError: it is not valid.
    """
    if not _DIGEST.fullmatch(text):
        raise _wrong(name, text, "8 to 64 hexadecimal digits", Text("Take it from ", Digest(), "."))
    return text.lower()


def moment(name: str, text: str) -> str:
    """A time in ISO 8601, returned as GitHub writes it: UTC, whole seconds.  Without an offset, it is UTC.

    Raises:
        InputError: it is not such a time.
    """
    try:
        if not _TIME.fullmatch(text):
            raise ValueError
        read = datetime.fromisoformat(text.upper())
        read = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _wrong(name, text, "a time in ISO 8601, such as 2026-01-31T12:00:00Z") from None
    return read.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


def repository(name: str, text: str) -> str:
    """A repository as `owner/name`.

    Raises:
        InputError: it is not valid.
    """
    if not _REPOSITORY.fullmatch(text):
        raise _wrong(name, text, "owner/name", "Give owner and name, not a URL or only the name.")
    return text


def branch(name: str, text: str) -> str:
    """A branch's name, without `refs/heads/`.

    Raises:
        InputError: it is not valid.
    """
    short = text.removeprefix("refs/heads/")
    if not short or len(short) > 200 or _BAD_BRANCH.search(short):
        raise _wrong(name, text, "the name of a branch", "See `git check-ref-format`.")
    return short


def snapshot_format(path: str) -> str:
    """The format that a path says by its end, empty where it says none."""
    return "directory" if path.endswith("/") else _SNAPSHOTS.get(PurePath(path).suffix.lower(), "")


def check_snapshot_path(path: str, kind: str) -> None:
    """Looks whether the path of a snapshot says another format than the one asked for.

    Raises:
        InputError: it does.
    """
    if (says := snapshot_format(path) or kind) != kind:
        format_ = Setting("format")
        raise InputError(
            Text(f"The path {shown(path, 300)} looks like the format {says}, but ", format_, f" is {kind}."),
            "Change one of them.",
        )


def author(name: str, text: str) -> Author:
    """The author of a commit, from `Name <address>`.

    Raises:
        InputError: it is not valid.
    """
    person, mark, address = (part.strip() for part in text.partition("<"))
    email = address.removesuffix(">")
    whole = address.endswith(">") and person and re.fullmatch(r"[^<>@\s]+@[^<>@\s]+", email)
    if not whole or ">" in person or visible(text) != text:
        raise _wrong(name, text, "Name <address>", "For example: Ada Lovelace <ada@example.org>.")
    return Author(person, email)


def token(_: str, text: str) -> Token:
    """A token.

    Raises:
        InputError: it is not valid.
    """
    if not text.isascii() or not text.isprintable() or " " in text:
        raise InputError(
            Text(Setting("token"), " contains characters that no token has."), "Check for a pasted space or line break."
        )
    return Token(text)
