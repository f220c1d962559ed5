"""Global node ids: opaque to clients, a prefix and two numbers to us (docs: Migrating GraphQL global node IDs)."""

from __future__ import annotations

import base64
import struct
from functools import lru_cache

PREFIXES = {
    "User": "U_kgDO",
    "Bot": "BOT_kgDO",
    "Organization": "O_kgDO",
    "Repository": "R_kgDO",
    "Issue": "I_kwDO",
    "PullRequest": "PR_kwDO",
    "IssueComment": "IC_kwDO",
    "Label": "LA_kwDO",
    "Reaction": "REA_lADO",
    "Happening": "EV_lADO",
    "Edit": "UCE_lADO",
    "PinnedIssue": "PI_kwDO",
    "Ref": "REF_kwDO",
    "Workflow": "W_kwDO",
    "GitObject": "C_kwDO",
}
_BY_PREFIX = {prefix: kind for kind, prefix in PREFIXES.items()}


@lru_cache(maxsize=100_000)
def node_id(kind: str, repository: int, number: int) -> str:
    """The node id of an object of a repository (0 where it belongs to none)."""
    packed = struct.pack(">IQ", repository, number)
    return PREFIXES[kind] + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def text_id(kind: str, repository: int, text: str) -> str:
    """The node id of something known by a text: a ref's name or an object's hash."""
    packed = struct.pack(">I", repository) + text.encode()
    return PREFIXES[kind] + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode(value: str) -> tuple[str, int, int] | None:
    """Kind, repository and number of a node id, or None when it is not one of ours."""
    unpacked = _unpack(value)
    if unpacked is None or len(unpacked[1]) != 12:
        return None
    repository, number = struct.unpack(">IQ", unpacked[1])
    return unpacked[0], repository, number


def decode_text(value: str) -> tuple[str, int, str] | None:
    """Kind, repository and text of a node id made by ``text_id``."""
    unpacked = _unpack(value)
    if unpacked is None or len(unpacked[1]) < 4:
        return None
    try:
        return unpacked[0], struct.unpack(">I", unpacked[1][:4])[0], unpacked[1][4:].decode()
    except UnicodeDecodeError:
        return None


def _unpack(value: str) -> tuple[str, bytes] | None:
    head, mark, tail = value.partition("_")
    kind = _BY_PREFIX.get(f"{head}{mark}{tail[:4]}")
    if kind is None:
        return None
    text = tail[4:]
    try:
        return kind, base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
