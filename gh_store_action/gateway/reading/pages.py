"""Pages of issues, and many issues in one request: halved if GitHub times out on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gh_store_action.domain.records import Issue
from gh_store_action.errors import GitHubError
from gh_store_action.gateway.answers import TIMED_OUT, PartialAnswer, reason_of
from gh_store_action.gateway.documents import points
from gh_store_action.gateway.reading import queries
from gh_store_action.gateway.reading.repository import RepositoryReader, login
from gh_store_action.gateway.records import PAGE, Page

_ATTEMPTS = 2  # at a page that can be halved: the first timeout may be a hiccup


class Pages(RepositoryReader):
    """One repository's issues, many at a time."""

    def sweep(
        self,
        label: str,
        cursor: str | None,
        *,
        first: int = PAGE,
        rules: bool = False,
        states: str | None = None,
        newest: bool = False,
    ) -> Page:
        """A page of all issues with the label, without their labels, and with only our own reactions.

        Args:
            newest: latest changes first; otherwise, oldest issue first.
        """
        order = {"field": "UPDATED_AT", "direction": "DESC"} if newest else {"field": "CREATED_AT", "direction": "ASC"}
        asked = {"label": label, "labels": [label], "states": states, "order": order, "rules": rules}
        return self._page(queries.SWEEP, self._names | asked | {"first": first, "after": cursor}, rules=rules)

    def look(self, issues: Sequence[Issue]) -> Mapping[int, Issue | GitHubError]:
        """Up to a hundred issues of such a page with their labels and everyone's reactions: one request."""
        return self._many(queries.LOOK, issues)

    def more(self, issues: Sequence[Issue]) -> Mapping[int, Issue | GitHubError]:
        """Up to a hundred issues of a listing with all that other reads show, except the log: one request."""
        return self._many(queries.MORE, issues)

    def again(self, issues: Sequence[Issue]) -> Mapping[int, Issue | GitHubError]:
        """Some issues as they are now, with their newest sixty comments: one request."""
        return self._many(queries.AGAIN, issues)

    def newest(self, cursor: str | None = None) -> Page:
        """A page of the newest issues, whatever their labels, newest first, with little more than labels and titles."""
        return self._page(queries.NEWEST, self._names | {"first": PAGE, "after": cursor}, rules=False).whole()

    def _many(self, document: str, issues: Sequence[Issue]) -> dict[int, Issue | GitHubError]:
        """Those of the issues that still exist, by number, each as it is or why GitHub did not show all of it."""
        ids = [issue.node_id for issue in issues]
        lacks: PartialAnswer | None = None
        try:
            answer = self.transport.query(document, {"ids": ids}, attempts=_ATTEMPTS if len(ids) > 1 else None)
        except PartialAnswer as error:
            answer, lacks = error.answer, error
        except GitHubError as error:
            if error.status not in TIMED_OUT or len(ids) == 1:
                raise
            return self._halves(document, issues)
        self._explain(answer, "read issues", issues="read")
        viewer = login(answer)
        nodes = [node for node in answer.data.get("nodes") or () if node]
        found: dict[int, Issue | GitHubError] = {int(node["number"]): self._issue(node, viewer) for node in nodes}
        rest = [issue for issue in issues if issue.number not in found]
        if lacks is None or not rest:
            return found
        if len(ids) == 1:
            return {rest[0].number: lacks.reworded(f"{lacks.what} It is issue #{rest[0].number}.", lacks.hint)}
        return found | (self._many(document, rest) if found else self._halves(document, rest))

    def _halves(self, document: str, issues: Sequence[Issue]) -> dict[int, Issue | GitHubError]:
        half = len(issues) // 2
        return self._many(document, issues[:half]) | self._many(document, issues[half:])

    def issues(
        self,
        label: str,
        cursor: str | None,
        *,
        first: int = PAGE,
        since: str | None = None,
        any_label: bool = False,
        rules: bool = False,
    ) -> Page:
        """A page of issues without their logs, oldest first; long ones lack some titles, see `Session.listed`.

        Args:
            since: only what changed at or after that time, in the order of changes.
            any_label: every issue, with any labels; `store_total` still counts those with the label.
        """
        order = {"field": "UPDATED_AT" if since is not None else "CREATED_AT", "direction": "ASC"}
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

    def _page(self, document: str, variables: dict[str, Any], *, rules: bool) -> Page:
        """A page, halved as long as GitHub times out on it, and ended before an issue that GitHub does not show.

        If that issue is the page's first and stays so, the page is without it, see `Page.unread`.
        """
        asked = size = variables["first"]
        while True:
            lacks: tuple[PartialAnswer, ...] = ()
            # One that was asked for alone is repeated on a timeout; what is missing there, its reader reads again.
            alone = self.transport.retries.max_attempts if asked == 1 else None
            try:
                attempts = _ATTEMPTS if variables["first"] > 1 else alone
                answer = self.transport.query(document, variables, attempts=attempts)
            except PartialAnswer as error:
                answer, lacks = error.answer, (error,)
            except GitHubError as error:
                if error.status in TIMED_OUT and variables["first"] > 1:
                    size = variables["first"] // 2
                    variables = {**variables, "first": size}
                    continue
                raise
            listing = self._repository(answer).get("issues") or {}
            if not listing:
                forbidden = any(reason_of(error).kind == "FORBIDDEN" for error in answer.errors)
                if variables["first"] > 1 and not forbidden:
                    variables = {**variables, "first": variables["first"] // 2}
                    continue
            elif None in listing["nodes"] and variables["first"] > 1:
                variables = {**variables, "first": listing["nodes"].index(None) or variables["first"] // 2}
                continue
            if not listing or (None in listing["nodes"] and answer.errors):
                self._explain(answer, "read issues", issues="read")
                raise GitHubError(f"GitHub did not list the issues of {self.repository}.", "Try again later.")
            viewer = login(answer)
            found = tuple(self._issue(node, viewer) for node in listing["nodes"] if node)
            info = listing["pageInfo"]
            total = (self._repository(answer).get("total") or listing).get("totalCount") or 0
            return Page(
                issues=found,
                total=listing.get("totalCount") or 0,
                store_total=total,
                cursor=info["endCursor"] if info["hasNextPage"] else None,
                reading=self._reading(answer, (), rules=rules),
                labelled=bool(self._repository(answer).get("label")),
                size=size,
                points=points(document, variables),
                unread=lacks,
            )
