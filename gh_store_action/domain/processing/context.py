"""What a decision knows besides the issue, and how it asks for more."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from gh_store_action.domain import access
from gh_store_action.domain.log.entries import Entry, Kind
from gh_store_action.domain.log.fold import Judge, no_schema
from gh_store_action.domain.log.origin import UNSAID, Origin
from gh_store_action.domain.processing.effects import AskPermissions, LookRound, ReadAgain, ReadFurther
from gh_store_action.domain.records import GHOST, AccessRule, Receipt, Rules
from gh_store_action.domain.refusal import Reason
from gh_store_action.domain.verdicts import UNAUTHORIZED, Outcome, Verdict
from gh_store_action.errors import StoreError


class NeedsMore(Exception):
    """The decision needs a longer read, or more permissions."""

    def __init__(self, step: ReadFurther | ReadAgain | AskPermissions | LookRound) -> None:
        self.step = step
        super().__init__(repr(step))


class PermissionUnknown(StoreError):
    """GitHub did not say whether someone may write; the object waits."""

    def __init__(self, login: str, reason: str = "") -> None:
        self.login = login
        super().__init__(
            f"GitHub did not say whether {login} may write. {reason}".strip(),
            "Nothing was written and nothing is lost. Fix the cause, or try again later.",
        )


@dataclass(frozen=True)
class Context:
    """What a decision knows besides the issue.

    Args:
        viewer: the token's own login.
        counting: the token's own login and the processors, whose receipts and states count everywhere.  Of these, only
            the processors may write without asking, so that every run gives the same verdict.
        binding: `counting`, and people who have set a marker of this object; theirs count in its log until the time
            that is given, see `acceptance.signers`.
        object_id: of this object.
        permissions: by login, whether it may write this object.
        limited: by login, whether it may do what the rule's `allow` names.
        unanswered: logins whose permission GitHub did not reveal.
        known: verdicts of this run that the body already contains, by comment id.
        renew: whether the marker has to count the comments again, including deleted ones.
        own_title: the title that this run has written; it needs no event to say who did.
        owed: receipts that this run still has to leave; the read may not reach back to their comments.
        origin: the object's origin and owner.
        beside: another issue with the id that the store has signed; 0 for none, None if not checked.
        issue_url: for links in a reply.
    """

    rules: Rules
    viewer: str
    counting: frozenset[str]
    version: str
    issue_url: str
    judge: Judge = no_schema
    object_id: str = ""
    permissions: Mapping[str, bool] = field(default_factory=dict)
    limited: Mapping[str, bool] = field(default_factory=dict)
    unanswered: frozenset[str] = frozenset()
    known: Mapping[int, Verdict] = field(default_factory=dict)
    owed: tuple[Receipt, ...] = ()
    renew: bool = False
    own_title: str = ""
    binding: Mapping[str, str] = field(default_factory=dict)
    beside: int | None = 0
    origin: Origin = UNSAID

    def rule(self, login: str) -> AccessRule:
        """The rule of this object for the person."""
        return access.rule_for(self.rules, self.object_id, login)

    def writers(self, entry: Entry) -> tuple[str, ...]:
        """Who must be allowed for the entry: its author, the person it is for, and its editors."""
        comment = entry.comment
        editors = (comment.editor,) if comment.edited_at and comment.editor != comment.author else ()
        behind = (comment.author, *((entry.behalf,) if entry.behalf else ()), *editors)
        return tuple(login for login in dict.fromkeys(behind) if login not in self.rules.processors)

    def _owns(self, login: str) -> bool:
        """Whether the person owns the object, and the rule lets its owner write."""
        return login == self.origin.owner != GHOST and self.rule(login).owner

    def refusal(self, entry: Entry) -> Verdict | None:
        """The verdict if anyone involved in the entry may not do what it does, or None."""
        writers = [login for login in self.writers(entry) if not self.permissions.get(login)]
        if not all(self._owns(login) or self.limited.get(login) for login in writers):
            return UNAUTHORIZED
        barred = [rule for rule in map(self.rule, writers) if not _permitted(rule, entry)]
        return Verdict(Outcome.REJECTED, (Reason("$", access.limit(barred[0])),)) if barred else None

    def may(self, login: str) -> bool:
        """Whether that identity is known to be allowed to write."""
        return login in self.rules.processors or self.permissions.get(login, False)

    def allows(self, login: str) -> bool:
        """Whether that identity may write; asks first.

        Raises:
            PermissionUnknown: GitHub did not say, and nothing can be decided without it.
        """
        self.ask_people({login})
        self._answered([login])
        return self.may(login)

    def insist(self, entries: Iterable[Entry]) -> None:
        """Asks about everyone involved in them; "no answer" is never taken for a no.

        Raises:
            PermissionUnknown: GitHub did not say about one.
        """
        wanted = list(entries)
        self.ask(wanted)
        for entry in wanted:
            self._answered(self.writers(entry))

    def _answered(self, logins: Iterable[str]) -> None:
        for login in logins:
            if login in self.unanswered:
                raise PermissionUnknown(login)

    def ask(self, entries: Iterable[Entry]) -> None:
        """Interrupts the decision if anyone involved in one of them has not been asked about.

        Raises:
            NeedsMore: with all unknown people.
        """
        logins: set[str] = set()
        limited: set[str] = set()
        for entry in entries:
            for login in self.writers(entry):
                rule = self.rule(login)
                if rule.limited and not self._owns(login):
                    limited.add(login)
                if not (rule.limited or self._owns(login)) or not _permitted(rule, entry):
                    logins.add(login)
        self.ask_people(logins, limited)

    def ask_people(self, logins: Collection[str], limited: Collection[str] = ()) -> None:
        """Interrupts the decision if it is not known whether they may write, or do what the rule allows.

        Raises:
            NeedsMore: with all unknown people.
        """
        known = self.rules.processors | self.unanswered
        unknown = AskPermissions(
            frozenset(logins) - known - self.permissions.keys(), frozenset(limited) - known - self.limited.keys()
        )
        if unknown.logins or unknown.limited:
            raise NeedsMore(unknown)


def _permitted(rule: AccessRule, entry: Entry) -> bool:
    """Whether the rule's `allow` permits the entry; an entry that is not an update has its own verdict."""
    return entry.kind is Kind.INVALID or access.permits(rule, entry.mode, entry.patch)
