"""Git as a child process: an environment of our own, credentials in memory only, failures that teach the fix.

The only importer of ``subprocess``.  A checkout is other people's ground: neither its hooks, filters and helpers nor
the secrets of this process's environment have any part in what runs here.
"""

from __future__ import annotations

import base64
import os
import re
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from gh_store_action.arguments import AUTHORITY
from gh_store_action.domain.markdown import yaml_block
from gh_store_action.errors import AccessDeniedError, InputError, StoreError
from gh_store_action.hints import Grant, InWorkflow, Setting, Text, Without

SECONDS = 300.0

# What git, curl and ssh need to find their way.  Everything else of the environment, tokens first of all, stays here.
PASSED_ON = frozenset(
    (
        "HOME",
        "TMPDIR",
        "TZ",
        "SYSTEMROOT",
        "PATHEXT",
        "USERPROFILE",
        "TEMP",
        "SSH_AUTH_SOCK",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "GIT_SSL_CAINFO",
        "GIT_SSL_CAPATH",
    )
) | {name for proxy in ("http", "https", "all", "no") for name in (f"{proxy}_proxy", f"{proxy}_proxy".upper())}

PROGRAMS = ("/usr/local/bin", "/usr/bin", "/bin")

OURS = {
    "LANG": "C.UTF-8",
    "LC_ALL": "C",  # messages are read below
    "GIT_ASKPASS": "",  # empty: no program is asked, core.askPass neither
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
}

SETTINGS = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("protocol.ext.allow", "never"),
    ("push.gpgSign", "false"),
    ("commit.gpgSign", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("submodule.recurse", "false"),
    ("i18n.commitEncoding", "utf-8"),
)

PERMISSION = "permissions:\n  contents: write"
PERSIST = "- uses: actions/checkout@v4\n  with:\n    persist-credentials: true"
OWN_BRANCH = "with:\n  branch: store-data   # an unprotected branch, made when missing"


class RaceLost(Exception):
    """Somebody else's push reached the branch first."""


class Unreachable(StoreError):
    """The remote did not answer, or broke off; the same request may succeed a little later."""


@dataclass(frozen=True)
class _Lesson:
    """What a line of git's output means, and what fixes it; `detail` is the YAML that does."""

    sign: str
    what: str
    hint: str
    detail: str = ""
    kind: type[StoreError] = StoreError


# In order: the first sign found anywhere in the output counts.  Texts: GitHub's push errors (docs.github.com, "About
# protected branches", "Troubleshooting rules", "About large files on GitHub") and git's own.
LESSONS = (
    _Lesson(
        r"not a git repository",
        "The workspace is not a checked-out repository.",
        "Use actions/checkout before this step.",
        "- uses: actions/checkout@v4",
    ),
    _Lesson(
        r"[Cc]ertificate (verification failed|problem)|(certificate verify|CAfile|ca cert|alternative certificate)",
        "The certificate of the remote could not be verified.",
        f"Name a file with the certificate of its authority in the environment variable {AUTHORITY}: "
        "both the API and git read it.",
    ),
    _Lesson(
        r"GH001|exceeds GitHub's file size limit",
        "GitHub refused the push: a file is larger than it stores in git.",
        Text("Use ", Setting("format", "directory"), ", which writes a file an object."),
    ),
    _Lesson(
        r"GH006|GH013|protected branch hook declined|[Rr]ule violations",
        "The branch is protected and refused the push.",
        Text("Let this token pass the rule, or give ", Setting("branch"), " an unprotected branch."),
        OWN_BRANCH,
        AccessDeniedError,
    ),
    _Lesson(
        r"archived so it is read-only",
        "The repository is archived, so nothing can be pushed to it.",
        Text("Unarchive it in its settings, or ", Without("commit"), "."),
        kind=AccessDeniedError,
    ),
    _Lesson(
        r"exists; cannot create",
        "The branch cannot be made: another branch has a name that is a part of this one, or the other way round.",
        Text("Choose another name for ", Setting("branch"), "."),
        kind=InputError,
    ),
    _Lesson(
        r"hook declined",
        "A hook of the server declined the push.",
        Text("Read what it said, and give ", Setting("branch"), " a branch that it allows."),
        OWN_BRANCH,
        AccessDeniedError,
    ),
    _Lesson(  # git asks for a name after a 401, whether or not a header was sent
        r"could not read (Username|Password)|terminal prompts disabled|Authentication failed|[Ii]nvalid username"
        r"|returned error: 401|[Bb]ad credentials",
        "The remote asked for credentials: there are none, or it did not accept those that it got.",
        Text(
            "Check that ",
            Setting("token"),
            " is set and has not expired",
            InWorkflow(", or let actions/checkout keep its own (`persist-credentials: true`)"),
            ".",
        ),
        PERSIST,
        AccessDeniedError,
    ),
    _Lesson(
        r"Permission to \S+ denied|Write access to repository not granted|returned error: 403|not accessible by",
        "The token may not do this.",
        Text(Grant((("contents", "write"),)), "."),
        PERMISSION,
        AccessDeniedError,
    ),
    _Lesson(
        r"publickey|Host key verification failed|cannot run ssh|ssh: |[\s/]ssh: not found",
        "The remote is reached by SSH, for which this container has no program or key.",
        "Check the repository out by HTTPS (actions/checkout without `ssh-key`).",
    ),
    _Lesson(
        r"[Rr]epository (\S+ )?not found|does not appear to be a git repository|No such remote|returned error: 404",
        "The remote repository is not there, or the token may not see it.",
        "Check the remote's address and the token's access to it.",
    ),
    _Lesson(
        r"[Cc]ould not resolve|[Ff]ailed to connect|Could(n't| not) connect|[Cc]onnection (refused|reset|timed|closed)"
        r"|[Tt]imed out|hung up|early EOF|RPC failed|returned error: (429|5\d\d)|SSL|TLS|unreachable|Empty reply",
        "The remote could not be reached, or broke off.",
        "Check the network and www.githubstatus.com, then run this again.",
        kind=Unreachable,
    ),
)

RACE = re.compile(
    r"fetch first|non-fast-forward|stale info|cannot lock ref|failed to lock|failed to update ref|but expected"
    r"|incorrect old value|reference already exists"
)
TELLING = re.compile(r"^(remote: *)?(fatal|error|!|ERROR)")


@dataclass(frozen=True)
class GitResult:
    """How a git command ended.

    Args:
        code: its exit code.
        out: its standard output, as it is.
        said: all it wrote, as text without secrets.
    """

    code: int
    out: bytes
    said: str

    @property
    def line(self) -> str:
        """Standard output as one line."""
        return os.fsdecode(self.out).strip()


def _web_origin(address: str) -> tuple[str, str | None, int] | None:
    """Scheme, host and port of a web address; None for anything else."""
    try:
        url = urlsplit(address)
        usual = {"https": 443, "http": 80}.get(url.scheme)
        return usual and (url.scheme, url.hostname, url.port or usual) or None
    except ValueError:
        return None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git and what it started (a transport holds the pipes open)."""
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
        environ: this process's environment; only what is named in `PASSED_ON` reaches git.
        server_url: GitHub's address (``GITHUB_SERVER_URL``), the only one that is ever sent the token.
        token: the action's token, or empty.
        shut: folders whose programs are never run, whatever ``PATH`` says: the workspace.
        seconds: how long one command may take.
        settings: more of git's configuration, for this process only.
    """

    top: Path
    environ: Mapping[str, str] = field(repr=False)
    server_url: str
    token: str = field(repr=False)
    shut: Path
    seconds: float = SECONDS
    settings: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def run(
        self, *arguments: str, stdin: bytes = b"", variables: Mapping[str, str] | None = None, may_fail: bool = False
    ) -> GitResult:
        """Run ``git <arguments>`` in the checkout.

        Args:
            arguments: the command and its arguments; never a secret.
            stdin: what it reads.
            variables: more environment, such as the identity or ``GIT_INDEX_FILE``.
            may_fail: a failure is an answer too.

        Raises:
            StoreError: it failed (says what, why, and what fixes it), took too long, or git is not installed.
        """
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
                    out, err = process.communicate(stdin, self.seconds)
                finally:
                    _end(process)
        except subprocess.TimeoutExpired:
            raise StoreError(
                f"`git {arguments[0]}` took longer than {self.seconds:g} seconds and was stopped.",
                "Check the network and the size of the repository, then run this again.",
            ) from None
        except OSError as error:
            raise StoreError(
                f"The program `git` could not be started: {error.strerror}.",
                "Use the action's own image, or install git on the PATH.",
            ) from None
        answer = GitResult(process.returncode, out, self.redact((out + b"\n" + err).decode(errors="replace")))
        if answer.code and not may_fail:
            raise failure(arguments[0], answer)
        return answer

    def push(self, remote: str, commit: str, branch: str) -> None:
        """Push one commit to one branch, never by force.

        Raises:
            RaceLost: the branch has moved since the commit was built.
            StoreError: it was refused for another reason.
        """
        options = ("--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no")
        answer = self.run("push", *options, remote, f"{commit}:refs/heads/{branch}", may_fail=True)
        if answer.code:
            error = failure("push", answer)
            if RACE.search(answer.said) and not isinstance(error, (AccessDeniedError, InputError)):
                raise RaceLost
            raise error

    def with_credentials(self, remote: str) -> Git:
        """The same git with a way in: what actions/checkout left, else the token as a header in memory.

        actions/checkout v4 and v5 leave ``http.<server>/.extraheader`` in ``.git/config``; v6 leaves it in a file that
        ``includeIf.gitdir`` names (its src/git-auth-helper.ts).  Both are found by asking git itself.  Never both that
        and ours: GitHub answers a second Authorization header with 400.

        Raises:
            StoreError: the remote has no address.
        """
        addresses = {self.run("remote", "get-url", *way, remote).line for way in ((), ("--push",))}
        server = _web_origin(self.server_url)
        ours = [address for address in addresses if server and _web_origin(address) == server]
        if not self.token or not ours or any(urlsplit(url).username or self._has_header(url) for url in ours):
            return self
        name = f"http.{self.server_url.rstrip('/')}/.extraheader"
        header = f"AUTHORIZATION: basic {self._basic}"
        return replace(self, settings=((name, header), ("credential.helper", "")))

    def without_filters(self) -> Git:
        """The same git with every configured filter driver empty.

        Writing an index compares entries as young as the index itself with their files, through the filters.
        """
        drivers = r"^filter\..*\.(clean|smudge|process|required)$"
        keys = os.fsdecode(self.run("config", "-z", "--name-only", "--get-regexp", drivers, may_fail=True).out)
        off = ((key, "false" if key.endswith(".required") else "") for key in keys.split("\0") if key)
        return replace(self, settings=(*self.settings, *off))

    def redact(self, text: str) -> str:
        """The text without the token, its header, or credentials in an address."""
        for secret in filter(None, (self.token, self._basic if self.token else "")):
            text = text.replace(secret, "***")
        text = re.sub(r"(://)[^/@\s]+@", r"\1***@", text)
        return re.sub(r"(?i)(authorization: *\w+ +)\S+", r"\1***", text)

    def _has_header(self, url: str) -> bool:
        header = self.run("config", "--get-urlmatch", "http.extraheader", url, may_fail=True).line
        return header.lower().startswith("authorization:")

    @property
    def _basic(self) -> str:
        return base64.b64encode(f"x-access-token:{self.token}".encode()).decode()

    @cached_property
    def _environment(self) -> dict[str, str]:
        given = map(Path, self.environ.get("PATH", "").split(os.pathsep))
        programs = [str(folder) for folder in given if folder.is_absolute() and not self._is_shut(folder)]
        settings = (("safe.directory", str(self.top)), *SETTINGS, *self.settings)
        authority = self.environ.get(AUTHORITY, "").strip()
        return {
            **({"GIT_SSL_CAINFO": os.path.abspath(authority)} if authority else {}),
            **{name: value for name, value in self.environ.items() if name in PASSED_ON},
            **OURS,
            "PATH": os.pathsep.join((*programs, *PROGRAMS)),
            "GIT_CEILING_DIRECTORIES": str(self.top.parent),
            "GIT_CONFIG_COUNT": str(len(settings)),
            **{f"GIT_CONFIG_KEY_{number}": key for number, (key, _) in enumerate(settings)},
            **{f"GIT_CONFIG_VALUE_{number}": value for number, (_, value) in enumerate(settings)},
        }

    def _is_shut(self, folder: Path) -> bool:
        return folder.resolve().is_relative_to(self.shut)


def failure(command: str, answer: GitResult) -> StoreError:
    """What a failed git command means to a user.

    Args:
        command: git's command, such as ``push``.
        answer: how it ended.
    """
    shown = (" ".join(re.split(r"[\s\x00-\x1f\x7f]+", line)).strip() for line in answer.said.split("\n"))
    lines = [line for line in shown if line and not line.startswith("To ")]  # `To <address>` heads a push's answer
    telling = [line for line in lines if TELLING.match(line)] or lines[-1:] or [f"exit code {answer.code}"]
    for lesson in LESSONS:
        if signs := [line for line in lines if re.search(lesson.sign, line)]:
            cause = next((line for line in signs if line in telling), signs[0])
            detail = yaml_block(lesson.detail) if lesson.detail else ""
            return lesson.kind(f"{lesson.what} Git said: “{cause[:300]}”.", lesson.hint, detail=detail)
    return StoreError(f"`git {command}` failed: “{telling[0][:300]}”.", "Fix what it names, then run this again.")
