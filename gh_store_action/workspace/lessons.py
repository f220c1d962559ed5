"""What git says when it fails, and what that means to a user: the thing, the cause, the next step."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from gh_store_action.arguments import NAME_AUTHORITY
from gh_store_action.domain.markdown import yaml_block
from gh_store_action.errors import AccessDeniedError, InputError, StoreError
from gh_store_action.hints import Grant, InWorkflow, Setting, Text, Without

PERMISSION = "permissions:\n  contents: write"
PERSIST = "- uses: actions/checkout@v4\n  with:\n    persist-credentials: true"
OWN_BRANCH = "with:\n  branch: store-data   # an unprotected branch, made when missing"


class RaceLost(Exception):
    """Somebody else's push reached the branch first."""


class Unreachable(StoreError):
    """The remote did not answer, or broke off; the same request may succeed a little later."""


class SecretFound(AccessDeniedError):
    """GitHub's push protection has found secrets in what was pushed.

    Args:
        places: where, up to five of them: path in the repository, and line.
        kinds: GitHub's names of them.
    """

    places: tuple[tuple[str, int], ...] = ()
    kinds: str = ""


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
        NAME_AUTHORITY,
    ),
    _Lesson(
        r"is at [0-9a-f]+ but expected [0-9a-f]+|reference already exists",
        "The branch here is at another commit than the remote's was.",
        "Pull, then run this again.",
    ),
    _Lesson(
        r"Unable to create '.*\.lock': File exists",
        "Another git process works in this checkout, or one has died and left its lock there.",
        "Let it end, or remove the lock, then run this again.",
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
        r"transport '\S+' not allowed|publickey|Host key verification failed|cannot run ssh|ssh: |[\s/]ssh: not found",
        "The remote is reached by SSH, or by another way than HTTPS, for which there is no program or key here.",
        "Check the repository out by HTTPS (actions/checkout without `ssh-key`).",
    ),
    _Lesson(
        r"[Rr]epository (\S+ )?not found|does not appear to be a git repository|No such remote|returned error: 404",
        "The remote repository is not there, or the token may not see it.",
        "Check the remote's address and the token's access to it.",
    ),
    _Lesson(
        r"[Cc]ould not resolve|[Ff]ailed to connect|Could(n't| not) connect"
        r"|[Cc]onnection (was )?(refused|reset|timed|closed|aborted)|[Tt]imed out|hung up|early EOF"
        r"|RPC failed|returned error: (429|5\d\d)|SSL|TLS|unreachable|Empty reply"
        r"|sideband|[Bb]roken pipe|disconnect|(Recv|Send|remote) failure|transfer closed|not closed cleanly|too slow"
        r"|No route|name resolution|unexpected EOF|bad line length|expected flush|fatal error in commit_refs",
        "The remote could not be reached, or broke off.",
        "Check the network and www.githubstatus.com, then run this again.",
        kind=Unreachable,
    ),
)

RACE = re.compile(
    r"fetch first|non-fast-forward|stale info|cannot lock ref|failed to lock|failed to update ref|but expected"
    r"|incorrect old value|reference already exists"
)
REFUSED = re.compile(r"\[(remote )?rejected\]")  # of the answer for each ref: without one, nobody knows
PROTECTION = r"PUSH PROTECTION|[Pp]ush cannot contain secrets|/unblock-secret/"
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


def failure(command: str, answer: GitResult, otherwise: type[StoreError] = StoreError) -> StoreError:
    """What a failed git command means to a user.

    Args:
        command: git's command, such as ``push``.
        answer: how it ended.
        otherwise: what a failure is that no lesson explains.
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
            return lesson.kind(f"{lesson.what} Git said: “{cause[:300]}”.", lesson.hint, detail=detail)
    return otherwise(f"`git {command}` failed: “{telling[0][:300]}”.", "Fix what it names, then run this again.")


def _secret_found(lines: Sequence[str]) -> SecretFound:
    """A secret that GitHub's push protection has refused, with the page where it may be allowed."""
    text = "\n".join(lines)
    places = tuple((path, int(line)) for path, line in re.findall(r"^remote: path: (.+):(\d+)$", text, re.MULTILINE))
    kinds = ", ".join(dict.fromkeys(re.findall(r"^remote: [-—]+ (.+?) [-—]+$", text, re.MULTILINE))) or "of some kind"
    links = " ".join(dict.fromkeys(re.findall(r"(?<!\S)https?://\S+/unblock-secret/[\w-]+", text)))
    where = ", ".join(f"{path}:{line}" for path, line in places) or "what was pushed"
    error = SecretFound(
        f"GitHub's push protection refused the push, for it found a secret ({kinds}) in {where}.",
        "Revoke it, for the issue shows it to all who may read it, and take it out of the object by an update; or, "
        f"where it is none, allow it on the page that GitHub names. Then run this again.{links and ' GitHub: '}{links}",
    )
    error.places, error.kinds = places, kinds
    return error
