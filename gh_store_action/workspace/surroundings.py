"""What this machine provides, as for `gh`: a token, and the repository of the current checkout."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from urllib.parse import urlsplit

PATIENCE = 10  # seconds for a program on this machine
_SCP = re.compile(r"(?:[^@/]{1,100}@)?(?P<host>[^:/]{1,255}):(?P<path>.+)")


def token_of_gh(environ: Mapping[str, str], server: str) -> str:
    """The token that `gh` keeps for that server; empty if it has none, or is not installed."""
    return _said(environ, "gh", "auth", "token", "--hostname", urlsplit(server).netloc)


def repository_here(environ: Mapping[str, str], server: str) -> str:
    """`owner/name` of the current checkout's remote `origin`; empty if it is on another server."""
    address = _said(environ, "git", "config", "--get", "remote.origin.url")
    parts = urlsplit(address)
    short = None if parts.scheme else _SCP.fullmatch(address)
    host, path = (short["host"], short["path"]) if short else (parts.hostname or "", parts.path)
    same = host.lower() == (urlsplit(server).hostname or "")
    found = re.fullmatch(r"/*([^/]+/[^/]+?)(?:\.git)?/*", path)
    return found[1] if same and found else ""


def _said(environ: Mapping[str, str], program: str, *arguments: str) -> str:
    """A program's standard output; empty if it fails."""
    found = shutil.which(program, path=environ.get("PATH", ""))
    if found is None:
        return ""
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and only our own arguments are options
            [found, *arguments],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
