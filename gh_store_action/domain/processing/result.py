"""The result for one object, as every front end reports it."""

from __future__ import annotations

from dataclasses import dataclass, field

from gh_store_action.domain.log.fold import State
from gh_store_action.domain.patches.changes import Change
from gh_store_action.domain.records import Issue, Refusal
from gh_store_action.domain.strict_json import digest
from gh_store_action.domain.verdicts import Counts, Outcome
from gh_store_action.errors import StoreError


@dataclass(frozen=True)
class Result:
    """The result for one object.

    Args:
        changed: whether title and body were written.
        pending: updates left without a verdict, because GitHub did not say who may write.
        receipts_left: reactions left for the next run.
        comments: the issue's number of comments; GitHub allows 2,500.
        skipped: why the issue was skipped; empty for an object.
        moved_to: the issue that its object is being moved to; 0 for none.
        form: the number of the form's issue that it is about; 0 for none.
        beside: the node id of an issue that should have been closed with it but was not; otherwise, empty.
        error: the failure that ended the work on it, or None.
        changes: what each applied update changed.
        issue: as last read; None if it was not read.
    """

    number: int
    object_id: str = ""
    state: State | None = None
    counts: Counts = Counts()
    pending: int = 0
    receipts_left: int = 0
    comments: int = 0
    changed: bool = False
    closed: bool = True
    refusals: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()
    skipped: str = ""
    moved_to: int = 0
    error: StoreError | None = None
    form: int = 0
    beside: str = ""
    changes: tuple[Change, ...] = ()
    issue: Issue | None = field(default=None, repr=False)

    @property
    def applied(self) -> int:
        """Updates that were folded in."""
        return self.counts[Outcome.APPLIED]

    @property
    def rejected(self) -> int:
        """Updates that break a rule."""
        return self.counts[Outcome.REJECTED]

    @property
    def unauthorized(self) -> int:
        """Updates of people who may not write the object."""
        return self.counts[Outcome.UNAUTHORIZED]

    @property
    def processed(self) -> int:
        """Updates that got a verdict."""
        return self.counts.total

    @property
    def said(self) -> str:
        """What happened to the updates, in words."""
        counts = (
            *self.counts.worded(),
            (self.pending, "still pending"),
            (self.receipts_left, "reactions left for the next run"),
        )
        said = ", ".join(f"{count} {word}" for count, word in counts if count)
        return said or ("brought up to date" if self.changed else "nothing pending")

    def is_mostly_talk(self, counting: frozenset[str]) -> bool:
        """Whether most of the comments that were read are conversation: neither the store's nor with a verdict.

        Args:
            counting: identities whose comments and reactions are the store's.
        """
        read = self.issue.comments if self.issue else ()
        talk = [c for c in read if not counting & {c.author, *(reaction.login for reaction in c.reactions)}]
        return len(talk) * 2 > len(read)

    @property
    def digest(self) -> str:
        """The state's digest; empty if there is no state."""
        return digest(self.state.data) if self.state else ""
