"""Git as a child process: our own environment, credentials only in memory, failures that say how to fix them.

The user's and the system's configuration and the secrets in this process's environment do not reach git; `apart.py`
keeps the checkout's configuration away.
"""

from __future__ import annotations

import base64
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, cast

from gh_store_action.arguments import AUTHORITY
from gh_store_action.errors import AccessDeniedError, InputError, StoreError
from gh_store_action.workspace.lessons import RACE, REFUSED, GitResult, RaceLost, Unreachable, failure

__all__ = ["Git", "GitResult", "RaceLost", "Unreachable", "failure"]

SECONDS = 300.0

# What git and curl need.  Everything else in the environment stays here, tokens above all; also HOME, because others
# have written what is there, and proxies for plain HTTP, because they would read the token.
PASSED_ON = frozenset(
    (
        "TMPDIR",
        "TZ",
        "SYSTEMROOT",
        "PATHEXT",
        "TEMP",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "GIT_SSL_CAINFO",
        "GIT_SSL_CAPATH",
        "https_proxy",
        "HTTPS_PROXY",
        "no_proxy",
        "NO_PROXY",
    )
)

PROGRAMS = ("/usr/local/bin", "/usr/bin", "/bin")

OURS = {
    "LANG": "C.UTF-8",
    "LC_ALL": "C",  # messages are read below
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ASKPASS": "",  # empty: ask no program
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
}


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git and its children (a transport keeps the pipes open)."""
    if process.poll() is None:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.communicate()


@dataclass(frozen=True)
class Git:
    """Git in one checkout.

    Args:
        top: the checkout's folder, the one that holds ``.git``.
        environ: this process's environment; only the variables in `PASSED_ON` reach git.
        server_url: GitHub's address (``GITHUB_SERVER_URL``), the only one to which the token is sent.
        token: the action's token, or empty.
        shut: a folder whose programs never run, whatever ``PATH`` says, like those in RUNNER_TEMP: the workspace.
        seconds: how long one command may take.
        settings: more of git's configuration, for this process only.
        common: the folder that replaces the one that work trees share; empty for the checkout's.
    """

    top: Path
    environ: Mapping[str, str] = field(repr=False)
    server_url: str
    token: str = field(repr=False)
    shut: Path
    seconds: float = SECONDS
    settings: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    common: str = ""

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        variables: Mapping[str, str] | None = None,
        may_fail: bool = False,
    ) -> GitResult:
        """Run ``git <arguments>`` in the checkout.

        Args:
            arguments: the command and its arguments; never a secret.
            stdin: its input.
            variables: more environment variables, such as the identity or ``GIT_INDEX_FILE``.
            may_fail: return a failure instead of raising it.

        Raises:
            StoreError: it failed (the message says what, why, and how to fix it), took too long, or git is not
                installed.
        """
        with self._started(arguments, variables) as process:
            out, err = process.communicate(stdin, self.seconds)
        answer = self._answer(process, out, err)
        if answer.code and not may_fail:
            raise failure(arguments[0], answer)
        return answer

    @contextmanager
    def moving(self, ref: str, new: str, old: str, variables: Mapping[str, str]) -> Iterator[None]:
        """Move a ref if the block succeeds, unless it is there already; git locks the ref in the meantime.

        Raises:
            StoreError: it is not at the old commit, or cannot be locked; then the block does not run.
        """
        with self._started(("update-ref", "-m", "gh-store: files of the store", "--stdin"), variables) as process:
            ask, told = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
            ask.write(os.fsencode(f"start\nupdate {ref} {new} {old}\nprepare\n"))  # a name may be no UTF-8
            ask.flush()
            said = told.readline() + told.readline()
            last = b"abort\n"
            try:
                if said.endswith(b"prepare: ok\n"):
                    yield
                    last = b"commit\n" if new != old else last  # which would log a move
            finally:
                out, err = process.communicate(last, self.seconds)
        answer = self._answer(process, said + out, err)
        if answer.code:
            raise failure("update-ref", answer)

    def push(self, remote: str, commit: str, branch: str, *, instead_of: str = "") -> None:
        """Push one commit to one branch, never by force.

        Args:
            instead_of: the branch's commit to replace, if it is not the new one's parent; never any other.

        Raises:
            RaceLost: the branch has moved since the commit was built.
            Unreachable: no answer came, so the commit may have arrived.
            StoreError: it was refused for another reason.
        """
        options = ("--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no")
        ref = f"refs/heads/{branch}"
        lease = (f"--force-with-lease={ref}:{instead_of}",) if instead_of else ()
        answer = self.run("push", *options, *lease, remote, f"{commit}:{ref}", may_fail=True)
        if answer.code:
            refused = REFUSED.search(answer.said)
            error = failure("push", answer, otherwise=StoreError if refused else Unreachable)
            if RACE.search(answer.said) and not isinstance(error, (AccessDeniedError, InputError)):
                raise RaceLost
            raise error

    @contextmanager
    def _started(
        self, arguments: Sequence[str], variables: Mapping[str, str] | None
    ) -> Iterator[subprocess.Popen[bytes]]:
        try:
            with subprocess.Popen(  # noqa: S603 - no shell, an environment of our own, arguments checked by the callers
                ["git", *arguments],  # noqa: S607 - PATH is ours: see _environment
                cwd=self.top,
                env={**self._environment, **(variables or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            ) as process:
                try:
                    yield process
                finally:
                    _end(process)
        except subprocess.TimeoutExpired:
            raise Unreachable(
                f"`git {arguments[0]}` took longer than {self.seconds:g} seconds and was stopped.",
                "Check the network and the size of the repository. Then try again.",
            ) from None
        except OSError as error:
            raise StoreError(
                f"The program `git` could not be started: {error.strerror}.",
                "Use the action's own image, or install git on the PATH.",
            ) from None

    def _answer(self, process: subprocess.Popen[bytes], out: bytes, err: bytes) -> GitResult:
        return GitResult(process.returncode, out, self.redact((out + b"\n" + err).decode(errors="replace")))

    def redact(self, text: str) -> str:
        """The text without the token, its header, or credentials in an address."""
        for secret in filter(None, (self.token, self._basic if self.token else "")):
            text = text.replace(secret, "***")
        text = re.sub(r"(://)[^/@\s]+@", r"\1***@", text)
        return re.sub(r"(?i)(authorization: *\w+ +)\S+", r"\1***", text)

    @cached_property
    def folders(self) -> tuple[Path, Path]:
        """The folders of git's files for this checkout alone, and of those that linked work trees share.

        Raises:
            StoreError: the checkout is not a repository.
        """
        asked = ("--git-dir", "--git-common-dir")
        own, common = (Path(self.run("rev-parse", "--path-format=absolute", one).line).resolve() for one in asked)
        return own, common

    @property
    def authorization(self) -> str:
        """The header that carries the token, as actions/checkout writes it; empty without one."""
        return f"AUTHORIZATION: basic {self._basic}" if self.token else ""

    @property
    def _basic(self) -> str:
        return base64.b64encode(f"x-access-token:{self.token}".encode()).decode()

    @cached_property
    def _environment(self) -> dict[str, str]:
        given = map(Path, self.environ.get("PATH", "").split(os.pathsep))
        programs = [str(folder) for folder in given if folder.is_absolute() and not self._is_shut(folder)]
        settings = (("safe.directory", str(self.top)), *self.settings)
        authority = self.environ.get(AUTHORITY, "").strip()
        return {
            **({"GIT_SSL_CAINFO": os.path.abspath(authority)} if authority else {}),
            **{name: value for name, value in self.environ.items() if name in PASSED_ON},
            **OURS,
            "PATH": os.pathsep.join((*programs, *PROGRAMS)),
            "GIT_ALLOW_PROTOCOL": "https:http" if self.environ.get("GITHUB_ACTIONS") == "true" else "https:http:file",
            "GIT_CEILING_DIRECTORIES": str(self.top.parent),
            **({"GIT_COMMON_DIR": self.common} if self.common else {}),
            "GIT_CONFIG_COUNT": str(len(settings)),
            **{f"GIT_CONFIG_KEY_{number}": key for number, (key, _) in enumerate(settings)},
            **{f"GIT_CONFIG_VALUE_{number}": value for number, (_, value) in enumerate(settings)},
        }

    def _is_shut(self, folder: Path) -> bool:
        """Whether earlier steps may have written to it: the workspace, or what the runner mounts into the container."""
        temporary = self.environ.get("RUNNER_TEMP", "")
        shared = (self.shut, Path("/github"), *([Path(temporary).resolve()] if temporary else []))
        return any(map(folder.resolve().is_relative_to, shared))
