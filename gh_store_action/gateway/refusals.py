"""What GitHub's refusals mean in both APIs: one table from reasons to cures."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from gh_store_action.domain import objects
from gh_store_action.domain.markdown import shorten, visible, yaml_block
from gh_store_action.errors import (
    AccessDeniedError,
    FullIssue,
    GitHubError,
    InvalidUpdate,
    LockedIssue,
    ObjectNotFound,
    StoreError,
)
from gh_store_action.hints import Grant, InWorkflow, Setting, Text

_MOST = 300  # characters of a reason; it may quote what strangers wrote

# GitHub's words for limits without a header; for the last: https://github.com/cli/cli/issues/4801
_LIMITS = re.compile(
    r"^api rate limit exceeded|secondary rate limit|retry your request again later"
    r"|wait a few minutes before you try again|submitted too quickly",
    re.IGNORECASE,
)
# What GitHub says if the token or its owner lacks permissions; REST also says "Not Found".
_MISSING = re.compile(
    r"not accessible by|does not have the correct permissions|must have (admin|push|write|read|pull) "
    r"|required scopes|^not found$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Refused:
    """A refusal by GitHub.

    Args:
        message: GitHub's own words, which may quote strangers.
        kind: GraphQL's error type; empty if there is none, and in REST.
        status: of the HTTP response; 0 in GraphQL.
    """

    message: str
    kind: str = ""
    status: int = 0

    @property
    def limited(self) -> bool:
        """Whether waiting helps."""
        return self.kind in ("RATE_LIMITED", "RATE_LIMIT") or bool(_LIMITS.search(self.message))

    @property
    def missing(self) -> bool:
        """Whether permissions are missing."""
        return bool(_MISSING.search(self.message.strip()))

    @property
    def lasting(self) -> bool:
        """Whether asking again is pointless."""
        return self.kind == "FORBIDDEN" or self.missing or self.known

    @property
    def known(self) -> bool:
        """Whether the cause concerns any write."""
        return _meaning(self.message) is not None

    @property
    def locked(self) -> bool:
        """Whether the cause is a locked conversation."""
        meaning = _meaning(self.message)
        return meaning is not None and meaning.kind is LockedIssue

    @property
    def quoted(self) -> str:
        """GitHub's words for a message."""
        return quoted(self.message)


class UnknownEffect(GitHubError):
    """A write got no proper response: it may have taken effect.  Read again before repeating anything."""


@dataclass(frozen=True)
class _Meaning:
    """What a reason means, with the placeholders `{repository}`, `{deed}` and `{object}`."""

    sign: str
    what: str
    hint: str | Text
    kind: type[StoreError] = AccessDeniedError


# In order: the first match in GitHub's words counts.
_MEANINGS = (
    _Meaning(
        re.escape(objects.FULL),
        f"The issue has {objects.COMMENT_LIMIT:,} comments, the most that GitHub allows",
        "Move it to a new issue with `gh-store roll-over {object}`. History and revision continue there.",
        FullIssue,
    ),
    _Meaning(
        r"\barchived\b",
        "{repository} is archived, so it is read-only",
        "Unarchive it under Settings > General, or stop the workflow.",
    ),
    _Meaning(
        r"\blocked\b",
        "The issue is locked",
        "Unlock the conversation, or use a token with write access, which can unlock it. Then try again.",
        LockedIssue,
    ),
    _Meaning(
        r"\bSAML\b|single sign-on",
        "The organization of {repository} requires single sign-on",
        "Authorize the token: Settings > Developer settings > the token > Configure SSO.",
    ),
    _Meaning(
        r"IP allow list|IP address",
        "The organization of {repository} does not allow requests from this IP address",
        Text(
            "Ask its owner to add the address to the IP allow list",
            InWorkflow(", or use a runner with an allowed address"),
            "; the token is not the cause.",
        ),
    ),
    _Meaning(
        r"issues? (has|have|is|are|was|were) (been )?disabled|disabled issues",
        "Issues are disabled in {repository}, but the store needs them",
        "Enable them under Settings > General > Features.",
        GitHubError,
    ),
    _Meaning(
        r"secret detected|cannot contain secrets",
        "GitHub's push protection found a secret, and refused to {deed}",
        Text(
            "GitHub says only to git where it is. With ",
            Setting("commit-via", "git"),
            ", a run reports the object, and the page where you can allow it.",
        ),
    ),
    _Meaning(
        r"rule violations|protected",
        "A rule of {repository} does not allow the token to {deed}",
        Text("Set ", Setting("branch"), " to one without such a rule, or let this token bypass it (Settings > Rules)."),
        StoreError,
    ),
)


def cure(message: str) -> str | Text:
    """What helps if the reason is known; otherwise, nothing."""
    found = _meaning(message)
    return _hint(found, "") if found else ""


def _hint(meaning: _Meaning, object_id: str) -> str | Text:
    named = shlex.quote(object_id) if object_id else "ID"
    return meaning.hint if isinstance(meaning.hint, Text) else meaning.hint.format(object=named)


def _meaning(message: str) -> _Meaning | None:
    return next((one for one in _MEANINGS if re.search(one.sign, message, re.IGNORECASE)), None)


def explained(
    refused: Refused, deed: str, repository: str, needs: Mapping[str, str], *, object_id: str = ""
) -> StoreError:
    """The error that says what a refusal means, with GitHub's words and what helps.

    Args:
        deed: what was refused, such as `write issues`.
        needs: the permissions for it, in case they are missing.
        object_id: of the object, if known.
    """
    meaning = _meaning(refused.message)
    if meaning:
        what = meaning.what.format(repository=repository, deed=deed)
        return meaning.kind(f"{what}: {refused.quoted}.", _hint(meaning, object_id))
    what = f"{deed} of {repository}"
    granted = Grant(tuple(needs.items()))
    if refused.missing or (refused.status in (403, 404, 410) and not refused.message):
        more = "" if "not accessible by" in refused.message else f" ({refused.quoted})"  # that says the same
        return denied(f"{what}{more}", **needs)
    if refused.kind == "FORBIDDEN" or refused.status in (403, 410, 451):
        return AccessDeniedError(
            f"GitHub does not allow the token to {what}: {refused.quoted}.",
            f"Do what the reason asks for. If that is a permission, the token needs `{granted}`.",
        )
    if refused.kind == "NOT_FOUND":
        return ObjectNotFound(f"The issue no longer exists: {refused.quoted}.", "Look for the object again.")
    if refused.status == 422:
        return InvalidUpdate(f"GitHub does not accept it: {refused.quoted}.", "Change the data or the labels.")
    if not refused.kind and not refused.status:
        return UnknownEffect(
            f"GitHub did not say whether it could {deed}: {refused.quoted}.",
            "The next run continues from there.",
        )
    return GitHubError(f"GitHub refused to {deed}: {refused.quoted}.", "Try again.", status=refused.status or 400)


def quoted(text: str) -> str:
    """Words of GitHub, or of a proxy before it, for a message: one line, without a period."""
    return visible(shorten(" ".join(text.split()).rstrip(".") or "no reason given", _MOST))


def denied(what: str, **permissions: str) -> AccessDeniedError:
    """The error for a missing permission, with the YAML that adds it."""
    yaml = "permissions:\n" + "".join(f"  {name}: {level}\n" for name, level in permissions.items())
    return AccessDeniedError(
        f"The token may not {what}.",
        Text(Grant(tuple(permissions.items())), "."),
        detail=yaml_block(yaml),
    )
