"""What responses about one repository say: its issues, its store's files, and why something is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from gh_store_action.domain.records import Issue
from gh_store_action.errors import ConfigurationError, GitHubError, ObjectNotFound
from gh_store_action.gateway import queries
from gh_store_action.gateway.answers import Answer, reason_of
from gh_store_action.gateway.decoding import brief, issue_from, reactions_from, whole_texts
from gh_store_action.gateway.records import Reading, StoreFiles
from gh_store_action.gateway.refusals import denied, explained
from gh_store_action.gateway.transport import Transport
from gh_store_action.hints import Setting, Text

_NO_REACTIONS: Mapping[str, Any] = {"nodes": [], "pageInfo": {"hasNextPage": False}}


class RepositoryReader:
    """One repository, and what GitHub's responses say about it.

    Args:
        repository: `owner/name`.
    """

    def __init__(self, transport: Transport, repository: str) -> None:
        self.transport = transport
        self.repository = repository
        self._owner, self._name = repository.split("/", 1)
        self._current_name = repository  # GraphQL also answers for an old name, and gives the new one
        self._names = {"owner": self._owner, "name": self._name}
        self._path = f"/repos/{quote(self._owner)}/{quote(self._name)}"

    @property
    def owner(self) -> str:
        """The repository's owner in lowercase, by the name in the latest response, because it may have moved."""
        return self._current_name.partition("/")[0].lower()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.repository!r})"

    @property
    def requests(self) -> int:
        """HTTP requests made so far."""
        return self.transport.requests

    def _issue(self, node: Mapping[str, Any], viewer: str) -> Issue:
        """One issue; if more than a hundred people reacted to a comment, the others are read, too."""
        issue = issue_from(node, viewer) if "userContentEdits" in node else brief(node, viewer)
        long = [c for c in (node.get("comments") or {}).get("nodes") or () if c and _more_reactions(c)]
        if not long:
            return issue
        more = {c["id"]: self._all_reactions(c, viewer) for c in long}
        comments = tuple(replace(c, reactions=more.get(c.node_id, c.reactions)) for c in issue.comments)
        return replace(issue, comments=comments)

    def _all_reactions(self, comment: Mapping[str, Any], viewer: str) -> Any:
        nodes, info = list(comment["reactions"]["nodes"]), comment["reactions"]["pageInfo"]
        while info["hasNextPage"]:
            left = max(0, comment["reactions"]["totalCount"] - len(nodes))
            asked = {"id": comment["id"], "cursor": info["endCursor"]}
            answer = self.transport.query(queries.REACTIONS, asked, left=left)
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
            f"The repository {self.repository} does not exist, or the token cannot see it.",
            Text("Check ", Setting("repository"), " and the token."),
        )

    def _explain(self, answer: Answer, what: str, fields: Sequence[str] = (), **permissions: str) -> None:
        """Raises for an error, unless something does not exist; if `fields` are given, only for errors about them."""
        for error in answer.errors:
            reason = reason_of(error)
            if reason.kind != "NOT_FOUND" and (not fields or any(part in fields for part in error.get("path") or ())):
                raise explained(reason, what, self.repository, permissions)

    def _reading(self, answer: Answer, issues: tuple[Issue, ...], *, rules: bool = True) -> Reading:
        node = self._repository(answer)
        standing = str(node.get("viewerPermission") or "").lower()
        return Reading(login(answer), self._files(answer, node) if rules else StoreFiles(), issues, standing=standing)

    def _files(self, answer: Answer, node: Mapping[str, Any]) -> StoreFiles:
        """The store's files; "may not read" is never taken for "does not exist"."""
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
            if e and e.get("object") and "text" in e["object"] and str(e["name"]).endswith(".json")
        }
        return StoreFiles(text, schemas, whole_texts(node.get("forms") or {}))


def issues_disabled(repository: str) -> GitHubError:
    """The error for a repository without issues."""
    return GitHubError(
        f"Issues are disabled in {repository}, but the store needs them.",
        "Enable them under Settings > General > Features.",
        status=410,
    )


def _text(blob: Mapping[str, Any], path: str) -> str:
    if blob.get("isTruncated") or blob.get("isBinary") or blob.get("text") is None:
        raise ConfigurationError(
            f"{path} is not text, or is too large for GitHub to return ({blob.get('byteSize')} bytes).",
            "Make it a text file of less than 64 KiB.",
        )
    return str(blob["text"])


def login(answer: Answer) -> str:
    viewer = answer.data.get("viewer") or {}
    return str(viewer.get("login") or "").lower()


def _more_reactions(comment: Mapping[str, Any]) -> bool:
    return bool(((comment.get("reactions") or {}).get("pageInfo") or {}).get("hasNextPage"))
