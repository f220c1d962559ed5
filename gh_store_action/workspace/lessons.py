"""What git's errors mean to a user: the thing, the cause, the next step."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from gh_store_action.arguments import NAME_AUTHORITY
from gh_store_action.domain.markdown import shorten, visible, yaml_block
from gh_store_action.errors import AccessDeniedError, InputError, StoreError
from gh_store_action.hints import Grant, InWorkflow, Setting, Text, Without

PERMISSION = "permissions:\n  contents: write"
PERSIST = "- uses: actions/checkout@v4\n  with:\n    persist-credentials: true"
OWN_BRANCH = "with:\n  branch: store-data   # an unprotected branch, created if missing"


class RaceLost(Exception):
    """Someone else's push reached the branch first."""


class Unreachable(StoreError):
    """The remote did not answer, or closed the connection; the same request may succeed later."""


class SecretFound(AccessDeniedError):
    """GitHub's push protection has found secrets in a push.

    Args:
        places: up to five of them: path in the repository, and line.
        kinds: GitHub's names for them.
    """

    places: tuple[tuple[str, int], ...] = ()
    kinds: str = ""


QUOTED = 300  # characters of what others say
_RULE = r"^(- |error: (?!GH\d))"  # how GitHub lists the rules of a branch that a push breaks, and how it used to
_ANY = r"\S"


@dataclass(frozen=True)
class _Lesson:
    """What a line of git's output means, and what fixes it; `detail` is the YAML that does.

    `quotes` finds the lines of the remote that say why; empty where the sign itself says it.
    """

    sign: str
    what: str
    hint: str
    detail: str = ""
    kind: type[StoreError] = StoreError
    quotes: str = ""


# In order: the first match anywhere in the output counts.  Texts: GitHub's push errors (docs.github.com, "About
# protected branches", "Troubleshooting rules", "About large files on GitHub") and git's own.
LESSONS = (
    _Lesson(
        r"^(?!remote:).*insufficient permission for adding an object",
        "A folder in the checkout's `.git/objects` cannot be written: no permission.",
        "Run this as the user who checked out, or give this user access to `.git` in an earlier step.",
    ),
    _Lesson(
        r"not a git repository",
        "The workspace is not a checked-out repository.",
        "Run actions/checkout before this step.",
        "- uses: actions/checkout@v4",
    ),
    _Lesson(
        r"[Cc]ertificate (verification failed|problem)|(certificate verify|CAfile|ca cert|alternative certificate)",
        "The certificate of the remote could not be verified.",
        NAME_AUTHORITY,
    ),
    _Lesson(
        r"is at [0-9a-f]+ but expected [0-9a-f]+|reference already exists",
        "The local branch is at another commit than the remote's was.",
        "Pull, then try again.",
    ),
    _Lesson(
        r"Unable to create '.*\.lock': File exists",
        "Another git process is running in this checkout, or one has crashed and left its lock.",
        "Wait for it, or remove the lock. Then try again.",
    ),
    _Lesson(
        r"GH001|exceeds GitHub's file size limit|exceeds the maximum (allowed )?(file )?size",
        "GitHub refused the push: a file exceeds its size limit.",
        Text("Use ", Setting("format", "directory"), ", which writes one file per object."),
        quotes=r"exceeds",
    ),
    _Lesson(
        r"must have (verified|valid) signatures",
        "The branch takes only signed commits.",
        Text(
            "Use ",
            Setting("commit-via", "api"),
            ", for commits that GitHub signs, or set ",
            Setting("branch"),
            " to a branch without that rule.",
        ),
        kind=AccessDeniedError,
        quotes=_RULE,
    ),
    _Lesson(
        r"[Cc]annot force-push|force-pushing to \S+ is not allowed|denying non-fast-forward",
        "The branch takes no push that replaces commits, by which older ones are squashed.",
        Text("Let this token force-push to it, or omit ", Setting("keep"), "."),
        kind=AccessDeniedError,
        quotes=_RULE,
    ),
    _Lesson(
        r"GH006|GH013|protected branch hook declined|[Rr]ule violations",
        "The branch is protected and refused the push.",
        Text("Let this token bypass the rule, or set ", Setting("branch"), " to an unprotected branch."),
        OWN_BRANCH,
        AccessDeniedError,
        _RULE,
    ),
    _Lesson(
        r"archived so it is read-only",
        "The repository is archived, so it is read-only.",
        Text("Unarchive it in its settings, or ", Without("commit"), "."),
        kind=AccessDeniedError,
    ),
    _Lesson(
        r"exists; cannot create",
        "The branch cannot be created: its name is a folder of another branch's name, or the other way around.",
        Text("Choose another name for ", Setting("branch"), "."),
        kind=InputError,
    ),
    _Lesson(
        r"hook declined",
        "A hook of the server declined the push.",
        Text("Read its message, and set ", Setting("branch"), " to a branch that it allows."),
        OWN_BRANCH,
        AccessDeniedError,
        _ANY,
    ),
    _Lesson(  # git asks for a name after a 401, whether or not a header was sent
        r"could not read (Username|Password)|terminal prompts disabled|Authentication failed|[Ii]nvalid username"
        r"|returned error: 401|[Bb]ad credentials",
        "The remote asked for credentials: there are none, or it did not accept them.",
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
        r"transport '\S+' not allowed|publickey|Host key verification failed|cannot run ssh|ssh: |[\s/]ssh: not found",
        "The remote uses SSH or another protocol than HTTPS, for which this machine has no program or key.",
        "Check out the repository over HTTPS (actions/checkout without `ssh-key`).",
    ),
    _Lesson(
        r"[Rr]epository (\S+ )?not found|does not appear to be a git repository|No such remote|returned error: 404",
        "The remote repository does not exist, or the token cannot see it.",
        "Check the remote's address and the token's access to it.",
    ),
    _Lesson(
        r"[Cc]ould not resolve|[Ff]ailed to connect|Could(n't| not) connect"
        r"|[Cc]onnection (was )?(refused|reset|timed|closed|aborted)|[Tt]imed out|hung up|early EOF"
        r"|RPC failed|returned error: (429|5\d\d)|SSL|TLS|unreachable|Empty reply"
        r"|sideband|[Bb]roken pipe|disconnect|(Recv|Send|remote) failure|transfer closed|not closed cleanly|too slow"
        r"|No route|name resolution|unexpected EOF|bad line length|expected flush|fatal error in commit_refs",
        "The remote could not be reached, or closed the connection.",
        "Check the network and www.githubstatus.com. Then try again.",
        kind=Unreachable,
    ),
)

RACE = re.compile(
    r"fetch first|non-fast-forward|stale info|cannot lock ref|failed to lock|failed to update ref|but expected"
    r"|incorrect old value|reference already exists"
)
REFUSED = re.compile(r"\[(remote )?rejected\]")  # in the answer for each ref: without one, the result is unknown
PROTECTION = r"PUSH PROTECTION|[Pp]ush cannot contain secrets|/unblock-secret/"
REMOTE = re.compile(r"^remote: *")  # what a server or its hook says
TELLING = re.compile(r"^(remote: *)?(fatal|error|!|ERROR)")


@dataclass(frozen=True)
class GitResult:
    """How a git command ended.

    Args:
        code: its exit code.
        out: its raw standard output.
        said: everything it wrote, as text without secrets.
    """

    code: int
    out: bytes
    said: str

    @property
    def line(self) -> str:
        """Standard output as one line."""
        return os.fsdecode(self.out).strip()


def failure(command: str, answer: GitResult, otherwise: type[StoreError] = StoreError) -> StoreError:
    """What a failed git command means to a user.

    Args:
        command: git's command, such as ``push``.
        answer: how it ended.
        otherwise: the error for a failure that no lesson explains.
    """
    shown = (" ".join(re.split(r"[\s\x00-\x1f\x7f]+", line)).strip() for line in answer.said.split("\n"))
    lines = [line for line in shown if line and not line.startswith("To ")]  # `To <address>` heads a push's answer
    if any(re.search(PROTECTION, line) for line in lines):
        return _secret_found(lines)
    telling = [line for line in lines if TELLING.match(line)] or lines[-1:] or [f"exit code {answer.code}"]
    for lesson in LESSONS:
        if signs := [line for line in lines if re.search(lesson.sign, line)]:
            cause = next((line for line in signs if line in telling), signs[0])
            detail = yaml_block(lesson.detail) if lesson.detail else ""
            what = f"{lesson.what} Git said: “{_quoted(cause)}”.{_reasons(lines, cause, lesson.quotes)}"
            return lesson.kind(what, lesson.hint, detail=detail)
    what = f"`git {command}` failed: “{_quoted(telling[0])}”.{_reasons(lines, telling[0], _ANY)}"
    return otherwise(what, "Fix the cause, then try again.")


def _quoted(line: str) -> str:
    """Words of others in a message."""
    return visible(shorten(line, QUOTED))


def _reasons(lines: Sequence[str], cause: str, sign: str) -> str:
    """A sentence with those lines of the remote that say why, beside the one that is told already; or nothing."""
    others = (REMOTE.sub("", line) for line in dict.fromkeys(lines) if line != cause and REMOTE.match(line))
    found = " ".join(line for line in others if sign and re.search(sign, line))
    return f" The remote said: “{_quoted(found)}”." if found else ""


def _secret_found(lines: Sequence[str]) -> SecretFound:
    """A secret that GitHub's push protection blocked, with the page where it can be allowed."""
    text = "\n".join(lines)
    places = tuple((path, int(line)) for path, line in re.findall(r"^remote: path: (.+):(\d+)$", text, re.MULTILINE))
    kinds = ", ".join(dict.fromkeys(re.findall(r"^remote: [-—]+ (.+?) [-—]+$", text, re.MULTILINE))) or "of some kind"
    links = " ".join(dict.fromkeys(re.findall(r"(?<!\S)https?://\S+/unblock-secret/[\w-]+", text)))
    where = ", ".join(f"{path}:{line}" for path, line in places) or "what was pushed"
    error = SecretFound(
        f"GitHub's push protection blocked the push: it found a secret ({kinds}) in {where}.",
        "Revoke it, because anyone who can read the issue can see it, and remove it from the object by an update. If "
        f"it is not a secret, allow it on GitHub's page. Then try again.{links and ' GitHub: '}{links}",
    )
    error.places, error.kinds = places, kinds
    return error
