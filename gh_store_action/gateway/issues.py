"""GitHub as the store sees it: records in, records out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from gh_store_action.domain.records import Issue, Receipt
from gh_store_action.errors import (
    AccessDeniedError,
    ConcurrentUpdateError,
    ConfigurationError,
    GitHubError,
    ObjectNotFound,
)
from gh_store_action.gateway import queries
from gh_store_action.gateway.answers import TIMED_OUT, Answer, ApiError, reason_of
from gh_store_action.gateway.decoding import CONTENTS, brief, issue_from, reactions_from, whole_texts, with_older
from gh_store_action.gateway.points import points
from gh_store_action.gateway.records import PAGE, Page, Reading, StoreFiles, Written, failures_of
from gh_store_action.gateway.refusals import Refused, denied, explained
from gh_store_action.gateway.transport import Transport
from gh_store_action.hints import Setting, Text

MOST_STARTS = 10  # reads of one log that were begun again
_ATTEMPTS = 2  # of a page that can be halved: the first answer of that kind may be a hiccup
_NO_REACTIONS: Mapping[str, Any] = {"nodes": [], "pageInfo": {"hasNextPage": False}}


class GitHub:
    """One repository's issues, through one token.

    Args:
        repository: `owner/name`.
    """

    def __init__(self, transport: Transport, repository: str) -> None:
        self.transport = transport
        self.repository = repository
        self._owner, self._name = repository.split("/", 1)
        self._current_name = repository  # GraphQL answers under an old name too, and tells the new one
        self._names = {"owner": self._owner, "name": self._name}
        self._path = f"/repos/{quote(self._owner)}/{quote(self._name)}"

    @property
    def owner(self) -> str:
        """Whose the repository is, lower-cased: under the name that the newest answer gave, for it may have moved."""
        return self._current_name.partition("/")[0].lower()

    def __repr__(self) -> str:
        return f"GitHub({self.repository!r})"

    @property
    def requests(self) -> int:
        """HTTP requests made so far."""
        return self.transport.requests

    # -- reading ---------------------------------------------------------------------------------------------------

    def rules(self) -> Reading:
        """Who the token is, and the store's files: one request."""
        answer = self.transport.query(queries.RULES, self._names)
        self._repository(answer)
        return self._reading(answer, ())

    def read(self, number: int, *, rules: bool) -> Reading:
        """One issue with its newest hundred comments: one request.

        Raises:
            ObjectNotFound: when the repository has no such issue.
        """
        variables = {**self._names, "number": number, "cursor": None, "rules": rules}
        answer = self.transport.query(queries.READ, variables)
        node = self._repository(answer).get("issue")
        if not node:
            self._explain(answer, "read issues", issues="read")
            raise ObjectNotFound(
                f"{self.repository} has no issue #{number}.",
                "Check the number; a pull request is no issue, and a token without `issues: read` sees none.",
            )
        return self._reading(answer, (self._issue(node, _login(answer)),), rules=rules)

    def now(self, number: int) -> Issue:
        """The same, of a store whose rules are known: the issue alone."""
        return self.read(number, rules=False).issues[0]

    def extend(self, issue: Issue, until: int, viewer: str) -> Issue:
        """The same issue with its log back to that comment; one request for each hundred comments.

        Where title or body changed meanwhile, the longer read replaces the earlier one wholly, so that head and log
        of one decision come from one read.
        """
        starts = 0
        while not issue.complete and (not issue.comments or issue.comments[0].id > until):
            variables = {**self._names, "number": issue.number, "cursor": issue.cursor, "rules": False}
            answer = self.transport.query(queries.READ, variables)
            node = self._repository(answer).get("issue")
            if not node:
                raise ObjectNotFound(f"Issue #{issue.number} of {self.repository} has gone while it was read.")
            older = self._issue(node, viewer)
            # Comments that came meanwhile are for the read-back; anything else makes two reads of it.
            if (older.title, older.body) == (issue.title, issue.body) and older.total_comments >= issue.total_comments:
                issue = with_older(issue, older)
                continue
            starts += 1
            if starts > MOST_STARTS:
                raise ConcurrentUpdateError(
                    f"#{issue.number} of {self.repository} changed during each of {MOST_STARTS} tries to read it.",
                    "Nothing was written; run again when others are done.",
                )
            issue = self.now(issue.number)
        return issue

    def sweep(self, label: str, cursor: str | None, *, first: int, rules: bool, states: str | None = None) -> Page:
        """A page of all issues with the label, oldest first, without labels, and with own reactions alone."""
        asked = {"labels": [label], "states": states, "first": first, "after": cursor, "rules": rules}
        return self._page(queries.SWEEP, self._names | asked, rules=rules)

    def look(self, issues: Sequence[Issue]) -> tuple[Issue, ...]:
        """Up to a hundred issues of such a page with their labels and everybody's reactions: one request."""
        ids = [issue.node_id for issue in issues]
        try:
            answer = self.transport.query(queries.LOOK, {"ids": ids}, attempts=_ATTEMPTS if len(ids) > 1 else None)
        except GitHubError as error:
            if error.status in TIMED_OUT and len(ids) > 1:
                return self.look(issues[: len(ids) // 2]) + self.look(issues[len(ids) // 2 :])
            raise
        viewer = _login(answer)
        return tuple(brief(node, viewer) for node in answer.data.get("nodes") or () if node)

    def issues(
        self,
        label: str,
        cursor: str | None,
        *,
        first: int = PAGE,
        since: str | None = None,
        any_label: bool = False,
        by_update: bool = False,
        rules: bool = False,
    ) -> Page:
        """A page of issues without their logs.

        Args:
            since: only what changed at or after that time.
            any_label: every issue, whatever its labels; `store_total` counts those with the label all the same.
            by_update: order by the last change instead of by creation.
        """
        order = {"field": "UPDATED_AT" if by_update else "CREATED_AT", "direction": "ASC"}
        variables = {
            **self._names,
            "labels": [label],
            "filter": None if any_label else [label],
            "first": first,
            "after": cursor,
            "since": since,
            "states": None,
            "order": order,
            "rules": rules,
        }
        return self._page(queries.LIST, variables, rules=rules)

    def find(self, label: str, *, rules: bool) -> Reading:
        """The issues with exactly that label, oldest first: one request.

        The first one comes with its newest comments, the others without.
        """
        answer = self.transport.query(queries.FIND, {**self._names, "label": label, "cursor": None, "rules": rules})
        node, viewer = self._repository(answer), _login(answer)
        listed = [each for name in ("all", "oldest") for each in (node.get(name) or {}).get("nodes") or () if each]
        found = {int(each["number"]): self._issue(each, viewer) for each in listed}
        return self._reading(answer, tuple(found.values()), rules=rules)

    def permission(self, login: str) -> tuple[str, str] | None:
        """The person's permission and role on the repository, None where there is no such person.

        Raises:
            GitHubError: when GitHub does not say.
        """
        try:
            answer = self.transport.get(f"{self._path}/collaborators/{quote(login, safe='')}/permission")
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return str(answer.get("permission") or "none"), str(answer.get("role_name") or "")

    def is_team_member(self, team: str, login: str) -> bool:
        """Whether the person belongs to the team `org/slug`.

        Raises:
            AccessDeniedError: when the token may not read the team: a workflow's token never may.
        """
        organisation, slug = team.split("/", 1)
        path = f"/orgs/{quote(organisation)}/teams/{quote(slug)}/memberships/{quote(login, safe='')}"
        try:
            return bool(self.transport.get(path).get("state") == "active")
        except ApiError as error:
            if error.status == 404 and self._team_exists(organisation, slug):
                return False
            raise AccessDeniedError(
                f"The token cannot read the team {team}.",
                "Give the token of a GitHub App or a personal one with `read:org`, or list the users instead.",
            ) from None

    def _team_exists(self, organisation: str, slug: str) -> bool:
        try:
            self.transport.get(f"/orgs/{quote(organisation)}/teams/{quote(slug)}")
        except ApiError:
            return False
        return True

    def file(self, path: str) -> str | None:
        """A text file of the default branch, None where it is not there."""
        try:
            return self.transport.text(f"{self._path}/contents/{quote(path)}")
        except ApiError as error:
            if error.status == 404:
                return None
            reason = Refused(error.message, status=error.status)
            raise explained(reason, f"read {path}", self.repository, {"contents": "read"}) from None

    # -- writing ---------------------------------------------------------------------------------------------------

    def write(
        self,
        issue: Issue,
        viewer: str,
        *,
        title: str | None = None,
        body: str | None = None,
        close: bool = False,
        checkpoint: str = "",
        reply: str = "",
        receipts: Sequence[Receipt] = (),
        beside: str = "",
    ) -> Written:
        """One request with everything, `beside`, another issue to close, included; what a failed one did counts.

        A locked conversation takes no comment and no reaction of a bot (github-facts, section 3), so the lock is taken
        off first and put on again.
        """
        add = [r for r in receipts if not r.remove]
        remove = [r for r in receipts if r.remove]
        document = queries.write(
            checkpoint=bool(checkpoint),
            reply=bool(reply),
            update=title is not None,
            close=close,
            add=len(add),
            remove=len(remove),
            lock=issue.lock_reason if issue.locked else None,
            beside=bool(beside),
        )
        variables: dict[str, Any] = {"issue": issue.node_id, "cursor": None, **({"beside": beside} if beside else {})}
        if checkpoint:
            variables["checkpoint"] = checkpoint
        if reply:
            variables["reply"] = reply
        if title is not None:
            variables |= {"title": title, "body": body}
        for kind, group in (("x", remove), ("r", add)):
            for place, receipt in enumerate(group):
                variables[f"{kind}{place}"] = receipt.node_id
                variables[f"{kind}c{place}"] = CONTENTS[receipt.content]
        answer = self.transport.mutate(document, variables)
        data = answer.data
        node = ((data.get("check") or {}).get("issue")) or None
        kept = ((data.get("fold") or {}).get("issue")) or {}
        return Written(
            issue=self._issue(node, viewer) if node and node.get("comments") else None,
            title=kept.get("title"),
            body=kept.get("body"),
            failures=failures_of(answer),
        )

    # -- decoding --------------------------------------------------------------------------------------------------

    def _page(self, document: str, variables: dict[str, Any], *, rules: bool) -> Page:
        """A page, halved as long as GitHub runs out of time on it."""
        while True:
            try:
                attempts = _ATTEMPTS if variables["first"] > 1 else None
                answer = self.transport.query(document, variables, attempts=attempts)
            except GitHubError as error:
                if error.status in TIMED_OUT and variables["first"] > 1:
                    variables = {**variables, "first": variables["first"] // 2}
                    continue
                raise
            listing = self._repository(answer).get("issues")
            if not listing or any(n is None for n in listing.get("nodes") or ()):
                if (
                    variables["first"] > 1
                    and answer.errors
                    and not any(reason_of(error).kind == "FORBIDDEN" for error in answer.errors)
                ):
                    variables = {**variables, "first": variables["first"] // 2}
                    continue
                self._explain(answer, "read issues", issues="read")
                raise GitHubError(f"GitHub did not list the issues of {self.repository}.", "Run again later.")
            viewer = _login(answer)
            found = tuple(self._issue(node, viewer) for node in listing["nodes"])
            info = listing["pageInfo"]
            total = (self._repository(answer).get("total") or listing).get("totalCount") or 0
            return Page(
                issues=found,
                total=listing.get("totalCount") or 0,
                store_total=total,
                cursor=info["endCursor"] if info["hasNextPage"] else None,
                reading=self._reading(answer, (), rules=rules),
                size=variables["first"],
                points=points(document, variables),
            )

    def _issue(self, node: Mapping[str, Any], viewer: str) -> Issue:
        """One issue; where more than a hundred people reacted to a comment, the rest of them is read too."""
        issue = issue_from(node, viewer) if "userContentEdits" in node else brief(node, viewer)
        long = [c for c in (node.get("comments") or {}).get("nodes") or () if _more_reactions(c)]
        if not long:
            return issue
        more = {c["id"]: self._all_reactions(c, viewer) for c in long}
        comments = tuple(replace(c, reactions=more.get(c.node_id, c.reactions)) for c in issue.comments)
        return replace(issue, comments=comments)

    def _all_reactions(self, comment: Mapping[str, Any], viewer: str) -> Any:
        nodes, info = list(comment["reactions"]["nodes"]), comment["reactions"]["pageInfo"]
        while info["hasNextPage"]:
            answer = self.transport.query(queries.REACTIONS, {"id": comment["id"], "cursor": info["endCursor"]})
            page = (answer.data.get("node") or {}).get("reactions") or _NO_REACTIONS
            nodes += page["nodes"]
            info = page["pageInfo"]
        return reactions_from(nodes, comment["reactionGroups"], viewer)

    def _repository(self, answer: Answer) -> Mapping[str, Any]:
        node = answer.data.get("repository")
        if isinstance(node, dict):
            self._current_name = str(node.get("nameWithOwner") or self.repository)
            return node
        self._explain(answer, "read the repository", issues="read", contents="read")
        raise ObjectNotFound(
            f"There is no repository {self.repository}, or the token may not see it.",
            Text("Check ", Setting("repository"), " and the token."),
        )

    def _explain(self, answer: Answer, what: str, fields: Sequence[str] = (), **permissions: str) -> None:
        """Raises for an error that is no absence, of these fields where they are named."""
        for error in answer.errors:
            reason = reason_of(error)
            if reason.kind != "NOT_FOUND" and (not fields or any(part in fields for part in error.get("path") or ())):
                raise explained(reason, what, self.repository, permissions)

    def _reading(self, answer: Answer, issues: tuple[Issue, ...], *, rules: bool = True) -> Reading:
        node = self._repository(answer)
        return Reading(_login(answer), self._files(answer, node) if rules else StoreFiles(), issues)

    def _files(self, answer: Answer, node: Mapping[str, Any]) -> StoreFiles:
        """The store's files; "may not read" is never "is not there"."""
        if node.get("hasIssuesEnabled") is False:
            raise issues_disabled(self.repository)
        self._explain(answer, "read the configuration", ("config", "schemas", "defaultBranchRef"), contents="read")
        if node.get("defaultBranchRef") is None and not node.get("isEmpty"):
            raise denied(f"read the configuration of {self.repository}", contents="read")
        config = node.get("config")
        text = _text(config, ".github/gh-store.yml") if config else None
        entries = (node.get("schemas") or {}).get("entries") or ()
        schemas = {
            str(e["name"]): _text(e["object"], f".github/gh-store/{e['name']}")
            for e in entries
            if e.get("object") and "text" in e["object"] and str(e["name"]).endswith(".json")
        }
        return StoreFiles(text, schemas, whole_texts(node.get("forms") or {}))


def issues_disabled(repository: str) -> GitHubError:
    """The error for a repository without issues."""
    return GitHubError(
        f"Issues are disabled in {repository}, and they are the store.",
        "Enable them under Settings > General > Features.",
        status=410,
    )


def _text(blob: Mapping[str, Any], path: str) -> str:
    if blob.get("isTruncated") or blob.get("isBinary") or blob.get("text") is None:
        raise ConfigurationError(
            f"{path} is no text, or too large for GitHub to hand out whole ({blob.get('byteSize')} bytes).",
            "Make it a text file of less than 64 KiB.",
        )
    return str(blob["text"])


def _login(answer: Answer) -> str:
    viewer = answer.data.get("viewer") or {}
    return str(viewer.get("login") or "").lower()


def _more_reactions(comment: Mapping[str, Any]) -> bool:
    return bool(((comment.get("reactions") or {}).get("pageInfo") or {}).get("hasNextPage"))
