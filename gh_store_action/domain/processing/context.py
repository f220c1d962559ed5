"""What a decision knows beside the issue, and how it asks for more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gh_store_action.domain.log.entries import Entry
from gh_store_action.domain.log.fold import Judge, no_schema
from gh_store_action.domain.processing.effects import AskPermissions, LookRound, ReadAgain, ReadFurther
from gh_store_action.domain.records import Receipt, Rules
from gh_store_action.domain.verdicts import Verdict
from gh_store_action.errors import StoreError


class NeedsMore(Exception):
    """The read or the permissions known do not suffice."""

    def __init__(self, step: ReadFurther | ReadAgain | AskPermissions | LookRound) -> None:
        self.step = step
        super().__init__(repr(step))


class PermissionUnknown(StoreError):
    """GitHub did not say whether somebody may write; the object waits."""

    def __init__(self, login: str, reason: str = "") -> None:
        self.login = login
        super().__init__(
            f"GitHub did not say whether {login} may write. {reason}".strip(),
            "Nothing was written and nothing is lost; fix that, or run again later.",
        )


@dataclass(frozen=True)
class Context:
    """What a decision knows beside the issue.

    Args:
        viewer: the token's own login.
        counting: the token's own login and the processors: what they leave counts everywhere.
        binding: `counting`, and whoever has set a marker of this object: what they left in its log counts.
        permissions: by login, whether it may write this object.
        unanswered: logins whose permission GitHub would not tell.
        known: verdicts of this run that are written in the body, by comment id.
        renew: whether the marker is to count the comments again, deleted ones included.
        own_title: the title that this run has written; no event has to say who did.
        owed: receipts that this run has still to leave; the read may not reach back to their comments.
        beside: another issue with the id, which the store has signed; 0 for none, None where nobody has looked.
        issue_url: for links in a reply.
    """

    rules: Rules
    viewer: str
    counting: frozenset[str]
    version: str
    issue_url: str
    judge: Judge = no_schema
    permissions: Mapping[str, bool] = field(default_factory=dict)
    unanswered: frozenset[str] = frozenset()
    known: Mapping[int, Verdict] = field(default_factory=dict)
    owed: tuple[Receipt, ...] = ()
    renew: bool = False
    own_title: str = ""
    binding: frozenset[str] = frozenset()
    beside: int | None = 0

    def writers(self, entry: Entry) -> tuple[str, ...]:
        """Who must be allowed for the entry to be: the author, and whoever edited it."""
        comment = entry.comment
        editors = (comment.editor,) if comment.edited_at and comment.editor != comment.author else ()
        return tuple(login for login in (comment.author, *editors) if login not in self.counting)

    def may_write(self, entry: Entry) -> bool:
        """Whether everybody behind the entry may write."""
        return all(self.permissions.get(login, False) for login in self.writers(entry))

    def allows(self, login: str) -> bool:
        """Whether that identity may write; asks first.

        Raises:
            PermissionUnknown: when GitHub would not tell: nothing can be decided without it.
        """
        self.insist([login])
        return login in self.counting or self.permissions[login]

    def insist(self, logins: Iterable[str]) -> None:
        """Asks about all of them; "no answer" is never taken for a no.

        Raises:
            PermissionUnknown: when GitHub would not tell about one.
        """
        wanted = list(logins)
        self.ask(wanted)
        for login in wanted:
            if login in self.unanswered:
                raise PermissionUnknown(login)

    def ask(self, logins: Iterable[str]) -> None:
        """Interrupts the decision while nobody has been asked about one of them.

        Raises:
            NeedsMore: with all that are unknown.
        """
        unknown = {
            login
            for login in logins
            if login not in self.counting and login not in self.permissions and login not in self.unanswered
        }
        if unknown:
            raise NeedsMore(AskPermissions(frozenset(unknown)))
