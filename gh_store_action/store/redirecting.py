"""What stands on an issue that its object has left: what the object does not hold is refused, with a link to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, cast

from gh_store_action.domain import acceptance, objects
from gh_store_action.domain.log import entries as updates
from gh_store_action.domain.log.entries import REPLY_PREFIX, Entry
from gh_store_action.domain.log.fold import folded_repeats, repeats, unread_for_keys
from gh_store_action.domain.log.origin import origin_of
from gh_store_action.domain.log.receipts import as_folded, sifted
from gh_store_action.domain.markdown import code_span
from gh_store_action.domain.objects import Marker
from gh_store_action.domain.processing.base import answered, recorded_verdicts
from gh_store_action.domain.processing.context import Context, NeedsMore, PermissionUnknown
from gh_store_action.domain.processing.effects import AskPermissions, ReadFurther
from gh_store_action.domain.processing.held import held_by
from gh_store_action.domain.processing.holding import holding
from gh_store_action.domain.processing.reconcile import undecided
from gh_store_action.domain.records import FOREVER, Issue, Receipt, Refusal
from gh_store_action.domain.refusal import Reason
from gh_store_action.domain.verdicts import Outcome, meanings, outcomes_given, reaction_of
from gh_store_action.gateway.records import Order
from gh_store_action.store.lookup import Worker
from gh_store_action.store.processing.rounds import MOST_RECEIPTS


class _Look(NamedTuple):
    """What one issue says about an object that left it; nothing if the object did not.

    Args:
        target: the issue that has the object.
        left: the updates that the object left behind.
        owed: receipts that the updates that it holds do not have yet.
    """

    issue: Issue
    object_id: str = ""
    target: int = 0
    left: tuple[Entry, ...] = ()
    owed: tuple[Receipt, ...] = ()


class Redirected(NamedTuple):
    """What became of an issue that an object has left.

    Args:
        refusals: of updates there.
        target: the issue that has the object; 0 if this one does.
        silent: how many updates wait because GitHub does not say who may write.
    """

    refusals: tuple[Refusal, ...] = ()
    target: int = 0
    silent: int = 0


class Redirector(Worker):
    """Refuses the updates of one issue that its object's state does not hold."""

    def redirect(self, issue: Issue, *, new: int = 0) -> Redirected:
        """Refuses what came after the move, or late, and says where the object is; strangers get only a reaction.

        Args:
            new: the issue that has the object, if the caller knows it.  Otherwise, if a reply is due, its number takes
                one request for each further move.
        """
        issue, object_id, target, left, owed = self._look(issue)
        target = new or target
        if not (target and (left or owed)):
            return Redirected(target=target)
        owner = self.lookup.origin(issue).owner
        fresh = [entry for entry in left if not self._has_verdict(entry)]
        rights = [self._may_change(entry, object_id, owner) for entry in fresh]
        if any(rights) and not new:
            target = max(target, self.lookup.followed(issue, object_id).number)
        refusals = tuple(self._refused(e, may, target) for e, may in zip(fresh, rights, strict=True) if may is not None)
        refusals = refusals[:MOST_RECEIPTS]
        receipts = [*self._receipts(left, refusals), *owed][:MOST_RECEIPTS]
        if receipts and not self.dry_run:
            told = self._told(refusals, left, issue, object_id)
            reply = self._reply(issue.number, target, told) if told else ""
            order = Order(issue, close=not issue.closed, reply=reply, receipts=receipts)
            self.github.write(order, viewer=self.session.viewer)
        return Redirected(refusals, target, rights.count(None))

    def unanswered(self, issue: Issue) -> tuple[tuple[int, bool], ...]:
        """The updates there without receipt or reply, by comment id, and whether the object holds each."""
        found = self._look(issue)
        named = self._named(found.issue, found.object_id) if found.left else frozenset()
        fresh = (entry.id for entry in found.left if not self._has_verdict(entry))
        behind = [(comment, False) for comment in fresh if str(comment) not in named]
        return tuple(sorted((*behind, *((receipt.comment_id, True) for receipt in found.owed))))

    def left(self, issue: Issue) -> frozenset[int]:
        """The updates that the object left behind, by comment id; none if the issue still has the object."""
        return frozenset(entry.id for entry in self._look(issue).left)

    def _look(self, issue: Issue) -> _Look:
        """The updates that the object left behind come after its marker, or came late: no run had seen them.

        A repeat of an update that it holds is not one of them: it shares that one's verdict.
        """
        title, target = objects.read_moved(self.lookup.title(issue) if acceptance.has_moved(issue) else "")
        object_id, marker = objects.read_title(title)
        if not target or marker is None:
            return _Look(issue, object_id)
        rules, counting = self.session.rules, self.session.counting
        binding = acceptance.signers(issue, object_id, counting)
        context = replace(self.session.context(object_id, issue.number), binding=binding)
        contents = meanings(rules.reactions)
        while True:
            seen = sifted(issue, object_id, rules.processors, contents)
            entries = as_folded(updates.read_all(seen, rules, counting, binding), seen, object_id, binding, contents)
            context = replace(context, origin=origin_of(seen, entries, rules.processors))
            try:
                return self._sorted(seen, entries, marker, context, target)
            except NeedsMore as more:
                if isinstance(more.step, AskPermissions):
                    context = self.session.ask(context, object_id, more.step)
                else:
                    issue = self.github.extend(issue, cast(ReadFurther, more.step).until, self.session.viewer)
            except PermissionUnknown as unknown:
                raise self.session.unknown(unknown.login) from None

    def _sorted(self, issue: Issue, entries: Sequence[Entry], marker: Marker, context: Context, target: int) -> _Look:
        """What was left behind, and the receipts that are owed.

        Raises:
            NeedsMore: it needs a longer read or more permissions.
            BrokenObject: nothing tells which updates the object holds.
        """
        reactions = self.session.rules.reactions
        since = updates.adopted_at(entries)
        settled = {entry.id for entry in entries if outcomes_given(entry.comment, reactions, context.binding)}
        recorded = recorded_verdicts(entries, context, marker.comment)
        there = holding(issue, entries, marker, settled, since)
        # What was folded of an edited comment may have been another text, or no update.
        edited = {entry.id for entry in entries if entry.comment.edited_at and entry.id not in recorded}
        sure = [entry for entry in entries if entry.id not in edited or entry in (*there.late, *there.maybe)]
        held = held_by(issue, sure, context, recorded, there, since=since, marker=marker)
        if held.unclear:
            raise undecided(issue, held)
        late = [entry for entry in held.late if entry.id not in settled or self._has_verdict(entry)]
        left = (*late, *(entry for entry in entries if entry.asks and entry.id > marker.comment))
        fresh = [entry for entry in left if not self._has_verdict(entry)]
        if not issue.complete and unread_for_keys(entries, fresh):
            raise NeedsMore(ReadFurther(entries[0].id - 1))
        owing = {number: verdict.outcome for number, verdict in held.verdicts.items() if number not in edited}
        verdicts = {number: verdict.outcome for number, verdict in recorded.items()} | owing
        earlier = repeats(entries)
        earlier |= folded_repeats(earlier, late, verdicts)
        for entry in fresh:
            if verdicts.get(earlier.get(entry.id, 0)) is Outcome.APPLIED:
                verdicts[entry.id] = owing[entry.id] = Outcome.APPLIED
        right = {number: reaction_of(outcome, reactions) for number, outcome in owing.items()}
        owed = tuple(
            Receipt(entry.id, entry.comment.node_id, right[entry.id])
            for entry in entries
            if entry.id in right
            and not any(r.login in context.counting and r.content == right[entry.id] for r in entry.comment.reactions)
        )
        behind = tuple(entry for entry in left if entry.id not in owing)
        return _Look(issue, context.object_id, target, behind, owed)

    def _told(self, refusals: Sequence[Refusal], left: Sequence[Entry], issue: Issue, object_id: str) -> list[Refusal]:
        """What the reply names; who may not do everything hears once where the object is, however much they post.

        What the reply of another person's run names is not told again.
        """
        heard = {entry.comment.author for entry in left if self._has_verdict(entry)}
        named = self._named(issue, object_id)
        told: list[Refusal] = []
        for refusal in refusals:
            again = refusal.author in heard and not self.session.may_write(refusal.author, object_id)
            if not (refusal.unauthorized or again or str(refusal.comment_id) in named):
                told.append(refusal)
                heard.add(refusal.author)
        return told

    def _named(self, issue: Issue, object_id: str) -> frozenset[str]:
        rules, counting = self.session.rules, self.session.counting
        others = updates.hands(issue, rules, counting) - counting
        theirs = {login: FOREVER for login in others if self.session.may_write(login, object_id)}
        return answered(updates.read_all(issue, rules, counting, theirs))

    def _may_change(self, entry: Entry, object_id: str, owner: str) -> bool | None:
        """Whether its author and editor may change the object; None where GitHub does not say."""
        writers = {entry.comment.author, entry.comment.editor or entry.comment.author}
        answers = {self.session.may_change(login, object_id, owner) for login in writers}
        if False in answers:
            return False
        return None if None in answers else True

    def _refused(self, entry: Entry, may: bool, target: int) -> Refusal:
        """The refusal of an update that the object left behind."""
        reason = Reason("$", f"the object is now kept in issue #{target}; post the update there")
        return Refusal(entry.id, entry.comment.author, (reason,) if may else (), unauthorized=not may)

    def _receipts(self, left: Sequence[Entry], refusals: Sequence[Refusal]) -> list[Receipt]:
        nodes = {entry.id: entry.comment.node_id for entry in left}
        reactions = self.session.rules.reactions
        content = {True: reactions.unauthorized, False: reactions.rejected}
        return [Receipt(r.comment_id, nodes[r.comment_id], content[r.unauthorized]) for r in refusals]

    def _has_verdict(self, entry: Entry) -> bool:
        given = outcomes_given(entry.comment, self.session.rules.reactions, self.session.counting)
        return any(outcome.refused for outcome in given)

    def _reply(self, number: int, target: int, refusals: Sequence[Refusal]) -> str:
        url, there = self.session.issue_url(number), self.session.issue_url(target)
        names = " ".join(str(refusal.comment_id) for refusal in refusals)
        lines = [f"{REPLY_PREFIX}{names} -->", f"**This object is now kept in [#{target}]({there}).**", ""]
        for refusal in refusals:
            lines.append(f"- [{refusal.comment_id}]({url}#issuecomment-{refusal.comment_id}) was not applied")
            lines += [f"  - {code_span(path)}: {sentence}" for path, sentence in refusal.reasons]
        return "\n".join(lines)
