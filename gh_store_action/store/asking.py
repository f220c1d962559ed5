"""What GitHub says about people: each question is asked once in a run, and none after a failure that all would meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from gh_store_action.domain import access
from gh_store_action.domain.records import GHOST, AccessRule
from gh_store_action.errors import AccessDeniedError, BudgetExhausted, GitHubError, StoreError
from gh_store_action.gateway.answers import ApiError
from gh_store_action.gateway.issues import GitHub
from gh_store_action.gateway.transport import Cancelled

Answer = TypeVar("Answer")


class People:
    """Who is allowed what.

    Args:
        snapshot_path: its owners in CODEOWNERS may write, if the rules say so.

    Attributes:
        own: the token's login, and its owner's permission by the run's first answer; empty if it does not say.
    """

    def __init__(self, github: GitHub, snapshot_path: str) -> None:
        self.github = github
        self.own = "", ""
        self._snapshot_path = snapshot_path
        self._answers: dict[tuple[str, ...], Any] = {}
        self._silence: GitHubError | None = None
        self._codeowners: frozenset[str] | None = None

    def allowed(self, login: str, rule: AccessRule) -> bool:
        """Whether the rule lets the person write.

        Raises:
            GitHubError, AccessDeniedError: GitHub does not say.
        """
        # The run's first answer tells the token owner's permission, so asking about them costs nothing.  It may be less
        # than what the person has, so if it is not enough, the permission API is asked, too.
        standing: str | None = (self.own[1] if login == self.own[0] else "") or None
        teams: set[str] = set()
        owners: frozenset[str] = frozenset()
        for need in (None, *access.needs(rule, login)):
            if need is access.Question.PERMISSION:
                standing = self._standing(login)
            elif need is access.Question.CODEOWNERS:
                owners = self._owners()
                teams |= self._memberships(login, [owner for owner in owners if "/" in owner])
            elif need is access.Question.TEAMS:
                teams |= self._memberships(login, rule.teams)
            if access.allows(rule, login=login, permission=standing, teams=teams, codeowners=owners):
                return True
        return False

    def _standing(self, login: str) -> str:
        if login == GHOST:
            return "none"
        if login == self.github.owner:
            return "admin"  # the account that owns the repository; no person has an organization's login
        try:
            answer = self._once(self.github.permission, login)
        except (AccessDeniedError, ApiError):  # this API needs push access, even about oneself
            if login == self.own[0] and self.own[1]:
                return self.own[1]
            raise
        return access.standing(*answer) if answer else "none"

    def _owners(self) -> frozenset[str]:
        if self._codeowners is None:
            texts = (self._once(self.github.file, path) for path in access.CODEOWNERS_PATHS)
            text = next((text for text in texts if text is not None), "")
            self._codeowners = access.codeowners_for(text, self._snapshot_path)
        return self._codeowners

    def _memberships(self, login: str, teams: Sequence[str]) -> set[str]:
        return {team for team in teams if self._once(self.github.is_team_member, team, login)}

    def forget_refusals(self) -> None:
        """Lets another call of the library ask again: someone may have granted the missing permission."""
        self._answers = {key: answer for key, answer in self._answers.items() if not isinstance(answer, StoreError)}
        self._silence = None

    def _once(self, question: Callable[..., Answer], *about: str) -> Answer:
        """GitHub's answer, kept for the run; a refusal is kept, too.

        A failure is not, unless every question would meet it: a used-up budget, a server that is not reached.
        """
        key = question.__name__, *about
        if key not in self._answers:
            if self._silence is not None:
                raise self._silence
            try:
                self._answers[key] = question(*about)
            except (AccessDeniedError, ApiError) as refusal:
                self._answers[key] = refusal
            except GitHubError as error:
                if isinstance(error, BudgetExhausted) or (error.status == 0 and not isinstance(error, Cancelled)):
                    self._silence = error
                raise
        found = self._answers[key]
        if isinstance(found, StoreError):
            raise found
        return cast(Answer, found)
