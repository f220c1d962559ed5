"""GitHub as the store sees it: records in, records out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from gh_store_action.domain.records import Issue
from gh_store_action.errors import AccessDeniedError, ConcurrentUpdateError, GitHubError, ObjectNotFound
from gh_store_action.gateway import queries
from gh_store_action.gateway.answers import Answer, ApiError
from gh_store_action.gateway.decoding import CONTENTS, with_older
from gh_store_action.gateway.reading.pages import Pages
from gh_store_action.gateway.reading.repository import login
from gh_store_action.gateway.records import Order, Reading, Written, failures_of
from gh_store_action.gateway.refusals import Refused, explained

MOST_STARTS = 10  # restarted reads of one log


class GitHub(Pages):
    """One repository's issues, through one token."""

    # -- reading ---------------------------------------------------------------------------------------------------

    def rules(self) -> Reading:
        """Whose the token is, and the store's files: one request."""
        answer = self.transport.query(queries.RULES, self._names)
        self._repository(answer)
        return self._reading(answer, ())

    def read(self, number: int, *, rules: bool) -> Reading:
        """One issue with its newest hundred comments: one request.

        Raises:
            ObjectNotFound: the repository has no such issue.
        """
        found = self._found(number, rules=rules)
        if not found.issues:
            raise ObjectNotFound(
                f"{self.repository} has no issue #{number}.",
                "Check the number. Pull requests do not count, and a token without `issues: read` sees no issues.",
            )
        return found

    def now(self, number: int) -> Issue:
        """The same for an issue that has been read before, in a store whose rules are known: only the issue.

        Raises:
            ObjectNotFound: it is gone.
        """
        found = self._found(number, rules=False)
        if not found.issues:
            raise gone(number)
        return found.issues[0]

    def _found(self, number: int, *, rules: bool) -> Reading:
        """One issue; none if the repository has no such issue."""
        variables = {**self._names, "number": number, "cursor": None, "rules": rules}
        answer = self.transport.query(queries.READ, variables)
        node = self._repository(answer).get("issue")
        if not node:
            self._explain(answer, "read issues", issues="read")
        issues = (self._issue(node, login(answer)),) if node else ()
        return self._reading(answer, issues, rules=rules and bool(node))

    def extend(self, issue: Issue, until: int, viewer: str, *, most: int | None = None) -> Issue:
        """The issue with its log back to that comment, or that many pages back; one request per hundred comments.

        If title or body changed in the meantime, this reads everything again, so that a decision's head and log come
        from one read.
        """
        starts = reads = 0
        while reads != most and not issue.complete and (not issue.comments or issue.comments[0].id > until):
            variables = {**self._names, "number": issue.number, "cursor": issue.cursor, "rules": False}
            left = max(0, issue.total_comments - len(issue.comments))
            answer = self.transport.query(queries.READ, variables, left=left)
            node = self._repository(answer).get("issue")
            if not node:
                raise ObjectNotFound(f"Issue #{issue.number} of {self.repository} disappeared while it was read.")
            older = self._issue(node, viewer)
            # New comments are left to the read-back; any other change would mix two reads.
            if (older.title, older.body) == (issue.title, issue.body) and older.total_comments >= issue.total_comments:
                issue = with_older(issue, older)
                reads += 1
                continue
            starts += 1
            if starts > MOST_STARTS:
                raise ConcurrentUpdateError(
                    f"#{issue.number} of {self.repository} changed during each of {MOST_STARTS} attempts to read it.",
                    "Nothing was written. Try again when other runs have finished.",
                )
            issue = self.now(issue.number)
        return issue

    def find(self, label: str, *, rules: bool) -> Reading:
        """The issues with exactly that label, oldest first: one request.

        Only the first has its newest comments.
        """
        answer = self.transport.query(queries.FIND, {**self._names, "label": label, "cursor": None, "rules": rules})
        node, viewer = self._repository(answer), login(answer)
        listed = [each for name in ("all", "oldest") for each in (node.get(name) or {}).get("nodes") or () if each]
        found = {int(each["number"]): self._issue(each, viewer) for each in listed}
        return self._reading(answer, tuple(found.values()), rules=rules)

    def permission(self, login: str) -> tuple[str, str] | None:
        """The person's permission and role on the repository; None if there is no such person.

        Raises:
            GitHubError: GitHub does not say; 404 about somebody whom it knows says nothing.
        """
        try:
            path = f"{self._path}/collaborators/{quote(login, safe='')}/permission"
            answer = self.transport.get(path, kind={"permission": str, "role_name": str | None})
        except ApiError as error:
            if error.status != 404 or self._is_user(login):
                raise
            return None
        return str(answer["permission"]), str(answer.get("role_name") or "")

    def _is_user(self, login: str) -> bool:
        try:
            return bool(self.transport.get(f"/users/{quote(login, safe='')}", kind={"type": str})["type"] == "User")
        except ApiError as error:
            if error.status != 404:
                raise
            return False

    def is_team_member(self, team: str, login: str) -> bool:
        """Whether the person belongs to the team `org/slug`.

        Raises:
            AccessDeniedError: the token may not read the team: a workflow's token never may.
        """
        organisation, slug = team.split("/", 1)
        path = f"/orgs/{quote(organisation)}/teams/{quote(slug)}/memberships/{quote(login, safe='')}"
        try:
            return bool(self.transport.get(path, kind={"state": str})["state"] == "active")
        except ApiError as error:
            if error.status == 404 and self._team_exists(organisation, slug):
                return False
            raise AccessDeniedError(
                f"The token cannot read the team {team}.",
                "Use a GitHub App's token, or a personal one with `read:org`, or list the users instead.",
            ) from None

    def _team_exists(self, organisation: str, slug: str) -> bool:
        try:
            self.transport.get(f"/orgs/{quote(organisation)}/teams/{quote(slug)}")
        except ApiError:
            return False
        return True

    def file(self, path: str) -> str | None:
        """A text file on the default branch; None if there is none."""
        try:
            return self.transport.text(f"{self._path}/contents/{quote(path)}")
        except ApiError as error:
            if error.status == 404:
                return None
            reason = Refused(error.message, status=error.status)
            raise explained(reason, f"read {path}", self.repository, {"contents": "read"}) from None

    # -- writing ---------------------------------------------------------------------------------------------------

    def write(self, *orders: Order, viewer: str) -> tuple[Written, ...]:
        """One request for all of them; a failed part concerns only its own order, and what it did counts.

        Raises:
            UnknownEffect: the response does not say what happened.
        """
        prefixes = [f"o{place}_" for place in range(len(orders))] if len(orders) > 1 else [""]
        shapes = [_shape(order) for order in orders]
        document = queries.write_all(shapes) if len(orders) > 1 else queries.write(**shapes[0])
        variables: dict[str, Any] = {} if len(orders) > 1 else {"cursor": None}
        for prefix, order in zip(prefixes, orders, strict=True):
            variables |= {prefix + name: value for name, value in _variables(order).items()}
        answer = self.transport.mutate(document, variables)
        return tuple(self._written(answer, prefix, viewer) for prefix in prefixes)

    def _written(self, answer: Answer, prefix: str, viewer: str) -> Written:
        """The result of the order with that prefix; a failure without an alias concerns all orders."""
        node = ((answer.data.get(f"{prefix}check") or {}).get("issue")) or None
        kept = ((answer.data.get(f"{prefix}fold") or {}).get("issue")) or {}
        return Written(
            issue=self._read_back(node, viewer) if node and node.get("comments") else None,
            title=kept.get("title"),
            body=kept.get("body"),
            failures=tuple(
                replace(failure, alias=failure.alias.removeprefix(prefix))
                for failure in failures_of(answer)
                if failure.alias.startswith(prefix) or not failure.alias
            ),
        )

    def _read_back(self, node: Mapping[str, Any], viewer: str) -> Issue | None:
        """The issue; None if the rest of it cannot be read: what was written counts all the same."""
        try:
            return self._issue(node, viewer)
        except GitHubError:
            return None  # the writer will read again and meet the cause


def gone(number: int) -> ObjectNotFound:
    """The error for an issue that was there before."""
    return ObjectNotFound(f"Issue #{number} no longer exists.", "If it was deleted, nothing is left to do.")


def _shape(order: Order) -> queries.Shape:
    return {
        "checkpoint": bool(order.checkpoint),
        "reply": bool(order.reply),
        "update": order.title is not None,
        "close": order.close,
        "add": len(order.groups["r"]),
        "remove": len(order.groups["x"]),
        "lock": order.issue.lock_reason if order.issue.locked else None,
        "beside": bool(order.beside),
    }


def _variables(order: Order) -> dict[str, Any]:
    texts = {"title": order.title, "body": order.body} if order.title is not None else {}
    given = {"checkpoint": order.checkpoint, "reply": order.reply, "beside": order.beside}
    found = {"issue": order.issue.node_id, **texts, **{name: text for name, text in given.items() if text}}
    for kind, group in order.groups.items():
        for place, receipt in enumerate(group):
            found |= {f"{kind}{place}": receipt.node_id, f"{kind}c{place}": CONTENTS[receipt.content]}
    return found
