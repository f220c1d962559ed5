"""Changes an object: posts an update to its log and, on request, folds it immediately."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from gh_store_action import __version__
from gh_store_action.domain import access, objects
from gh_store_action.domain.log import entries as updates
from gh_store_action.domain.log.entries import Entry, Kind
from gh_store_action.domain.log.fold import REPEAT_WINDOW, State, attempt
from gh_store_action.domain.log.mistakes import mistaken
from gh_store_action.domain.names import DEFAULT_MODE
from gh_store_action.domain.processing.reconcile import BrokenObject
from gh_store_action.domain.processing.result import Result
from gh_store_action.domain.records import AccessRule, Comment, Issue, Refusal, Rules, StoredObject
from gh_store_action.domain.strict_json import InvalidJson, Json, check, digest, equal
from gh_store_action.domain.verdicts import Outcome, Verdict, outcomes_given
from gh_store_action.errors import (
    AccessDeniedError,
    ConcurrentUpdateError,
    GitHubError,
    InvalidUpdate,
    LockedIssue,
    Reason,
    StoreError,
)
from gh_store_action.gateway.objects import Posted
from gh_store_action.gateway.records import Failure
from gh_store_action.gateway.refusals import UnknownEffect
from gh_store_action.store.creating import MOST_TRIES, left_out, refused
from gh_store_action.store.lookup import Lookup, Worker
from gh_store_action.store.moving.mover import Mover
from gh_store_action.store.posting import Trail

TEXT_LIMIT = 65_000  # characters of a comment; GitHub's limit is 65,536
_NO_RULES = Rules()


@dataclass(frozen=True)
class Update:
    """A change to make.

    Args:
        earlier: prefixes of the keys that earlier attempts at the same change gave it.
        behalf: the person for whom the store posts it; empty for the store's own.
    """

    changes: Json
    mode: str = DEFAULT_MODE
    update_id: str = ""
    if_revision: int | None = None
    if_digest: str | None = None
    earlier: tuple[str, ...] = ()
    behalf: str = ""

    def is_key(self, key: str) -> bool:
        """Whether an update with this key is this one, posted before."""
        return key == self.update_id or key.startswith(self.earlier)


@dataclass(frozen=True)
class Updated:
    """The result of posting an update.

    Args:
        object: the new state with `apply`, otherwise the state before the update.
        comment_id: of the update in the log; 0 for a dry run.
        result: of the fold; None without `apply`.
        refusal: why it was not applied; None if it was, or is pending.
        repeated: whether the same update was already there, so that nothing was posted.
    """

    object: StoredObject
    comment_id: int
    result: Result | None = None
    refusal: Refusal | None = None
    repeated: bool = False


def update_of(
    changes: object,
    mode: str | None = None,
    *,
    update_id: str | None = None,
    if_revision: int | None = None,
    if_digest: str | None = None,
) -> Update:
    """The update from a caller's arguments; adds an idempotency key if there is none.

    Args:
        mode: None merges the changes, unless they look like more than data: as in a comment without an envelope.

    Raises:
        InvalidUpdate: it cannot be an update of any object.
    """
    try:
        value = check(changes)
    except InvalidJson as error:
        raise InvalidUpdate(f"The update is not JSON that the store can hold: {error.reason}.", "Fix it.") from None
    if mode is None and isinstance(value, dict | list) and (reason := mistaken(value)):
        raise InvalidUpdate(
            f"At {reason.path} the changes look like more than data to be merged: operators, a JSON Patch, an "
            "envelope, or what `get` prints.",
            "Say how they are meant, by a mode such as `operators`; `merge-patch` takes them as they are.",
        )
    update = Update(
        value, mode or DEFAULT_MODE, uuid.uuid4().hex if update_id is None else update_id, if_revision, if_digest
    )
    entry = _entry(update)
    if entry.kind is not Kind.UPDATE:
        raise InvalidUpdate(f"This is not a valid update: {entry.problem}.", "Fix it.")
    if len(text_of(update, "2000-01-01T00:00:00Z")) > TEXT_LIMIT:
        raise InvalidUpdate(
            f"The update is too long for a comment: more than {TEXT_LIMIT:,} characters.", "Split it into several."
        )
    return update


def in_step(update: Update, object_id: str, step: str, attempt: int) -> Update:
    """The update with a key that a later attempt of the same workflow run recognizes, so that it is not posted twice.

    Within one attempt every post counts: a matrix's jobs share one job and step id, but each has its own update.  So
    the key contains the attempt, and matches earlier attempts.

    Args:
        step: its place in the workflow run, the same in each attempt.
        attempt: from 1.
    """
    content = [step, object_id.casefold(), update.mode, update.changes, update.if_revision, update.if_digest]
    base = digest(content)[:16]
    earlier = tuple(f"{base}-{number}-" for number in range(1, attempt))
    return replace(update, update_id=f"{base}-{attempt}-{update.update_id[:16]}", earlier=earlier)


def text_of(update: Update, timestamp: str) -> str:
    """The comment that posts the update."""
    return updates.envelope(
        update.changes,
        version=__version__,
        timestamp=timestamp,
        mode=update.mode,
        update_id=update.update_id,
        if_revision=update.if_revision,
        if_digest=update.if_digest,
        behalf=update.behalf,
    )


def _entry(update: Update) -> Entry:
    """The update as the fold will read it, so that nothing unreadable is posted."""
    comment = Comment(0, "", "", text_of(update, ""), "")
    return updates.read(comment, _NO_RULES, frozenset())


class Updater(Worker):
    """Posts updates.

    Args:
        warn: called with a line about an update that no run will fold immediately, or an id that two issues share.
        repeat: how to repeat an update without counting twice, in one sentence; by default, by its key.
    """

    def __init__(
        self,
        lookup: Lookup,
        *,
        dry_run: bool = False,
        warn: Callable[[str], None] = lambda line: None,
        repeat: str = "",
    ) -> None:
        super().__init__(lookup, dry_run=dry_run)
        self.warn = warn
        self.repeat = repeat

    def update(self, object_id: str, update: Update, *, apply: bool, unless_equal: bool = False) -> Updated:
        """Posts the update: two requests; with `apply` one more, which folds all pending updates.

        Args:
            unless_equal: for `replace`: post nothing if the data is already what the update would make it.

        Raises:
            ObjectNotFound: there is no such object.
            InvalidUpdate: it would be refused as the object is now; nothing was posted.
            AccessDeniedError: the object's rule does not let the token's owner change it; nothing was posted.
            ConcurrentUpdateError: the object is not as `if_revision` or `if_digest` want it; nothing was posted.
            StoreError: something failed; the message says whether the update was or may have been posted.
        """
        trail = Trail(object_id, update.update_id, self.repeat)
        with trail.told():
            return self._update(object_id, update, trail, apply=apply, unless_equal=unless_equal)

    def _update(self, object_id: str, update: Update, trail: Trail, *, apply: bool, unless_equal: bool) -> Updated:
        issue = self.lookup.one(object_id, self.warn)
        self.session.refuse_unknown_app()
        if objects.read_moved(issue.title)[1] and not self.dry_run:
            Mover(self.lookup).process(issue.number)  # finish a killed move: the update is for the new issue
            issue = self.lookup.one(object_id, self.warn)
        return self._change(issue, object_id, update, trail, apply=apply, unless_equal=unless_equal)

    def _change(
        self, issue: Issue, object_id: str, update: Update, trail: Trail, *, apply: bool, unless_equal: bool
    ) -> Updated:
        """Updates the object.  If it has moved by the time of the post, this follows it to its new issue."""
        self.session.judge(object_id)  # report a wrong schema before posting anything
        before = self._stored(issue, apply=apply)
        repeated = self._posted_before(issue, update)
        if repeated is not None:
            trail.posted(repeated.id, issue.number)
            return self._repeat(issue, before, repeated, object_id, trail, apply=apply)
        if before is not None and unless_equal and not before.meta.pending and equal(before.data, update.changes):
            return Updated(before, 0, repeated=True)
        self._refuse_left_out(object_id, issue, update)
        state = self._refuse_early(object_id, issue, before, update)
        if self.dry_run:
            shown = before or self.lookup.stored(issue)
            return Updated(_with(shown, state) if state and apply else shown, 0)
        try:
            posted = self._post(issue, update, trail, reopen=not apply)
        except LockedIssue:
            now = self.lookup.followed(self.github.now(issue.number), object_id)
            if now.number == issue.number or trail.may_be_posted:
                raise
            # A move locks the old issue as its last step, and nothing was posted there.
            return self._change(now, object_id, update, trail, apply=apply, unless_equal=unless_equal)
        trail.posted(posted.comment_id, issue.number)
        left = posted.issue is not None and self.lookup.followed(posted.issue, object_id) is not posted.issue
        if apply or left:
            return self._fold(posted.issue, issue.number, posted.comment_id, object_id, trail)
        for failure in posted.failures:
            self._unopened(object_id, issue.number, failure)
        shown = before or self.lookup.stored(posted.issue or issue)
        return Updated(replace(shown, meta=replace(shown.meta, pending=shown.meta.pending + 1)), posted.comment_id)

    def _stored(self, issue: Issue, *, apply: bool) -> StoredObject | None:
        """The object as it is; with `apply`, a broken body will be rebuilt."""
        try:
            return self.lookup.stored(issue)
        except BrokenObject:
            if apply and not self.dry_run:
                return None
            raise

    def _posted_before(self, issue: Issue, update: Update) -> Entry | None:
        """The update with the same key by this identity, within the comments that a key covers.

        An earlier attempt's update that was refused changed nothing, so it may be tried again.
        """
        for comment in issue.comments[-REPEAT_WINDOW:]:
            entry = updates.read(comment, self.session.rules, self.session.counting)
            same = entry.kind is Kind.UPDATE and not entry.behalf and update.is_key(entry.update_id)
            stands = entry.update_id == update.update_id or self._old_refusal(issue, comment.id) is None
            if same and stands and comment.author == self.session.viewer:
                return entry
        return None

    def _repeat(
        self, issue: Issue, before: StoredObject | None, entry: Entry, object_id: str, trail: Trail, *, apply: bool
    ) -> Updated:
        if apply and not self.dry_run:
            folded = self._fold(issue, issue.number, entry.id, object_id, trail)
            return replace(folded, repeated=True)
        return Updated(before or self.lookup.stored(issue), entry.id, repeated=True)

    def _refuse_left_out(self, object_id: str, issue: Issue, update: Update) -> None:
        """Raises if the object's rule does not let this identity make the update: every run would refuse it."""
        viewer = self.session.viewer
        if access.rule_for(self.session.rules, object_id, viewer) == AccessRule():
            return  # under the default rule, `_unopened` reports after the post that it will not be applied
        entry = replace(_entry(update), comment=Comment(0, "", viewer, "", ""), behalf="")
        context = replace(self.session.context(object_id, issue.number), origin=self.lookup.origin(issue))
        verdict = self.session.barred(context, object_id, entry)
        if verdict is not None and verdict.reasons:
            raise refused(object_id, verdict.reasons, "update")
        if verdict is not None:
            raise left_out(viewer, object_id, context.rule(viewer))

    def _refuse_early(self, object_id: str, issue: Issue, before: StoredObject | None, update: Update) -> State | None:
        """The state that the fold would make; raises what it would refuse, if nothing is pending."""
        shape = _entry(update)
        if update.mode == "append" and not isinstance(update.changes, dict):
            raise refused(
                object_id, (Reason("$", "`append` merges objects; use `replace` for anything else"),), "update"
            )
        marker = self.lookup.marker(issue)
        if before is None or marker is None or before.meta.pending or not before.meta.digest.startswith(marker.digest):
            return None
        stale = unwanted(object_id, before, update.if_revision, update.if_digest)
        if stale is not None:
            raise stale
        found = attempt(State(before.data, marker.revision), shape)
        if isinstance(found, Verdict):
            raise refused(object_id, found.reasons, "update")
        reasons = self.session.judge(object_id)(found.data)
        if reasons:
            raise refused(object_id, reasons, "update")
        return found

    def _post(self, issue: Issue, update: Update, trail: Trail, *, reopen: bool) -> Posted:
        """Posts the comment.  Posted twice it is folded once, because its key is the same."""
        text = text_of(update, self.github.transport.server_time)
        for tried in range(MOST_TRIES):
            trail.doubtful()
            try:
                posted = self.github.post(issue.node_id, self.session.viewer, text, reopen=reopen)
                if posted.comment_id:
                    return posted
                self.github.raise_for(posted.failures, "comment on issues")
            except UnknownEffect as error:
                unknown = error
            except StoreError as error:
                if not tried and type(error) is not GitHubError:  # a refusal; anything else may have had an effect
                    trail.nothing()
                raise
            self.github.transport.wait(self.github.transport.retries.backoff_factor, "an update got no answer")
            now = self.github.now(issue.number)
            entry = self._posted_before(now, update)
            if entry is not None:
                trail.posted(entry.id, now.number)
                if reopen and now.closed:
                    self.github.change(now.number, state="open")
                return Posted(entry.id, now, ())
        raise unknown

    def _unopened(self, object_id: str, number: int, failure: Failure) -> None:
        """If the issue stays closed, no workflow starts; someone who may not open it mostly may not write either."""
        rules, viewer = self.session.rules, self.session.viewer
        rule = access.rule_for(rules, object_id, viewer)
        by_permission = access.needs(rule, viewer) == (access.Question.PERMISSION,) and rule.permission != "read"
        if failure.kind == "FORBIDDEN" and by_permission and viewer not in rules.processors:
            raise AccessDeniedError(
                f"Issue #{number} could not be opened ({failure.message}): {viewer} may not {rule.permission}.",
                f"Ask someone who may to post the update, or to add {viewer} to `access` in .github/gh-store.yml.",
            )
        self.warn(
            f"The update was posted, but issue #{number} could not be opened ({failure.message}). "
            "The next sweep will apply it, if the store's rules let its author write."
        )

    def _fold(self, issue: Issue | None, number: int, comment: int, object_id: str, trail: Trail) -> Updated:
        """Folds what is pending; the read has to contain the comment, because replicas lag.

        Raises:
            ConcurrentUpdateError: the object had moved to another issue before the update was posted.
        """
        mover = Mover(self.lookup)
        if issue is None or all(c.id != comment for c in issue.comments):
            issue = mover.processor.read(number, comment)
        result = mover.advance(issue)
        now = result.issue or self.github.now(number)
        refusals = [refusal for refusal in result.refusals if refusal.comment_id == comment]
        refusal = refusals[0] if refusals else self._old_refusal(now, comment)
        there = self.lookup.followed(now, object_id) if result.skipped else now
        if there.number != number and refusal is not None and not refusal.unauthorized:
            trail.nothing()  # a refused update stays refused, so posting it again cannot double it
            raise ConcurrentUpdateError(
                f"The object {object_id!r} moved to issue #{there.number} just before the update was posted, "
                f"so it was not applied (comment {comment} of issue #{number}).",
                "Run it again: it finds the new issue.",
                reasons=refusal.reasons,
            )
        return Updated(self.lookup.stored(there), comment, result, refusal)

    def _old_refusal(self, issue: Issue, comment: int) -> Refusal | None:
        """An earlier run's refusal of an update that was posted before."""
        reactions = self.session.rules.reactions
        for one in issue.comments:
            given = [each for each in outcomes_given(one, reactions, self.session.counting) if each.refused]
            if one.id == comment and given:
                return Refusal(comment, one.author, unauthorized=Outcome.REJECTED not in given)
        return None


def unwanted(
    object_id: str, found: StoredObject, if_revision: int | None, if_digest: str | None
) -> ConcurrentUpdateError | None:
    """The error if the object is not as the caller wants it."""
    now = found.meta
    if if_revision is not None and if_revision != now.version:
        reason = Reason("$._meta.if_revision", f"the object is at revision {now.version}, not {if_revision}")
    elif if_digest and not now.digest.startswith(if_digest.lower()):
        reason = Reason("$._meta.if_digest", f"the object has the digest {now.digest[:16]}..., not {if_digest[:16]}")
    else:
        return None
    return ConcurrentUpdateError(
        f"{object_id!r} was not changed: {reason.message}.",
        "Read it again, then decide.",
        reasons=(reason,),
    )


def _with(found: StoredObject, state: State) -> StoredObject:
    """The object with that state."""
    return StoredObject(replace(found.meta, version=state.revision, digest=digest(state.data)), state.data)
