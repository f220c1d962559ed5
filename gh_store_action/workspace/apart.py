"""Git apart from a checkout's configuration: our own repository on the same objects, refs and index.

An earlier step that wrote to ``.git`` can make git run programs or send data elsewhere, by dozens of settings, and more
in each version of git.  So git only reads these settings, and never acts under them.  It takes what work trees share,
including configuration and hooks, from ``GIT_COMMON_DIR`` (git(1)): our own folder, which borrows the objects and
refs.  HEAD and the index are the checkout's.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from gh_store_action.workspace.disk import teaching
from gh_store_action.workspace.git import Git

BORROWED = ("objects", "refs", "logs", "reftable", "packed-refs", "shallow", "info/attributes")
FORMATS = ("objectformat", "refstorage")
HARMLESS = ("fetch", "promisor", "partialclonefilter")  # names of refs, and what a partial clone omits
HEADER = re.compile(r"authorization: *\w+ +\S+", re.IGNORECASE)
SETTINGS = (("gc.auto", "0"), ("maintenance.auto", "false"))


def _web_origin(address: str) -> tuple[str, str | None, int] | None:
    """Scheme, host and port of a web address; None for anything else."""
    try:
        url = urlsplit(address)
        usual = {"https": 443, "http": 80}.get(url.scheme)
        return usual and (url.scheme, url.hostname, url.port or usual) or None
    except ValueError:
        return None


@dataclass(frozen=True)
class Configuration:
    """What we use from a checkout's configuration: a remote's address, and the header of actions/checkout.

    Args:
        git: in the checkout.
    """

    git: Git = field(repr=False)

    @cached_property
    def remotes(self) -> tuple[str, ...]:
        """The names of all that have an address."""
        found = (re.fullmatch(r"remote\.(.+)\.url", key, re.DOTALL) for key in self._values)
        return tuple(match[1] for match in found if match)

    @property
    def remote(self) -> str:
        """The remote to fetch from and push to: `origin`, or the only one; otherwise, empty."""
        if "origin" in self.remotes:
            return "origin"
        return self.remotes[0] if len(self.remotes) == 1 and not self.remotes[0].startswith("-") else ""

    @property
    def address(self) -> str:
        """That remote's address; empty if there is none."""
        return self._addresses.get("url", "")

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """The settings that git needs to reach the remote."""
        remote = f"remote.{self.remote}."
        addresses = {key: self._by_web(address) for key, address in self._addresses.items()}
        kept = ((remote + key, value) for key in HARMLESS for value in self._values.get(remote + key, ()))
        found = (*((remote + key, address) for key, address in addresses.items()), *kept)
        server = _web_origin(self._server)
        ours = [address for address in addresses.values() if server and _web_origin(address) == server]
        if not ours or any(urlsplit(address).username for address in ours):
            return found
        name = f"http.{self._server}/.extraheader"
        left = [value for value in self._values.get(name, ()) if HEADER.fullmatch(value)]
        header = left[-1] if left else self.git.authorization
        return (*found, (name, header)) if header else found

    @property
    def formats(self) -> str:
        """The part of a configuration without which git cannot read the objects and refs."""
        found = ((name, self._values.get(f"extensions.{name}", ("",))[-1]) for name in FORMATS)
        lines = (f"\t{name} = {value}\n" for name, value in found if value.isalnum())
        return "[core]\n\trepositoryFormatVersion = 1\n[extensions]\n" + "".join(lines)

    @property
    def _addresses(self) -> dict[str, str]:
        """A submodule by SSH has ``url.<server>/.insteadOf`` from actions/checkout (its src/git-auth-helper.ts)."""
        starts = [start for start in self._values.get(f"url.{self._server}/.insteadof", ()) if start]
        found = {}
        for key in ("url", "pushurl"):
            for address in self._values.get(f"remote.{self.remote}.{key}", ())[:1]:
                start = next((start for start in starts if address.startswith(start)), "")
                found[key] = f"{self._server}/{address.removeprefix(start)}" if start else address
        return found

    def _by_web(self, address: str) -> str:
        """The address; for this GitHub, SSH becomes HTTPS, for which we have a token and which runs no program."""
        host = re.escape(urlsplit(self._server).hostname or "\0")
        match = re.fullmatch(rf"(?:ssh://(?:[^/@]*@)?{host}(?::\d+)?|(?:[^/@:]*@)?{host}:)/*(.+)", address)
        return f"{self._server}/{match[1]}" if match else address

    @property
    def _server(self) -> str:
        return self.git.server_url.rstrip("/")

    @cached_property
    def _values(self) -> dict[str, tuple[str, ...]]:
        """All values by key, including those of included files: actions/checkout v6 keeps its header in one."""
        found: dict[str, tuple[str, ...]] = {}
        for entry in os.fsdecode(self.git.run("config", "-z", "--list").out).split("\0"):
            key, is_set, value = entry.partition("\n")
            found[key] = (*found.get(key, ()), value if is_set else "true")
        return found


@contextmanager
def apart(configuration: Configuration) -> Iterator[Git]:
    """The same git in our own repository; it writes to the checkout's objects, refs and index.

    Raises:
        StoreError: the checkout is not a repository, or ours cannot be created.
    """
    git = configuration.git
    _, common = git.folders
    with tempfile.TemporaryDirectory(prefix="gh-store-") as name:
        place = Path(name)
        with teaching(name, "made"):
            (place / "info").mkdir()
            (place / "config").write_text(configuration.formats)
            for shared in BORROWED:
                if os.path.lexists(common / shared) or shared == "shallow":  # which a fetch may create
                    (place / shared).symlink_to(common / shared, (common / shared).is_dir())
        yield replace(git, settings=(*SETTINGS, *configuration.settings), common=name)
