"""GitHub as a branch of files: reads its tip, and makes commits that GitHub signs."""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gh_store_action.errors import GitHubError, StoreError
from gh_store_action.gateway import queries
from gh_store_action.gateway.connection import MOST_OF_A_FILE
from gh_store_action.gateway.issues import GitHub
from gh_store_action.gateway.records import Failure, failures_of
from gh_store_action.gateway.refusals import denied, explained


class BranchMoved(StoreError):
    """Someone else was first; look at the branch again."""


@dataclass(frozen=True)
class Tip:
    """A branch's current state.

    Args:
        oid: of its newest commit; empty if there is no such branch.
        parent: of that commit.
        start: the newest commit of the default branch; empty in a repository without commits.
        blobs: at the requested path, by what follows it: `""` for a file, otherwise `name`, `folder/name`; and those
            of the other folder.
    """

    repository_id: str
    branch: str
    oid: str
    start: str
    blobs: Mapping[str, str]
    parent: str = ""


class CommitGateway(GitHub):
    """One repository's branches."""

    def tip(self, branch: str, path: str, beside: str = "") -> Tip:
        """The branch, or the default one for an empty name, and the files at the path: one request.

        Args:
            beside: another folder to list, with names that begin with the folder's own; empty for none.
        """
        variables = {
            **self._names,
            "named": bool(branch),
            "branch": f"refs/heads/{branch}",
            "path": path,
            "both": bool(beside),
            "beside": beside,
        }
        answer = self.transport.query(queries.TIP, variables)
        node = self._repository(answer)
        self._explain(answer, "read the files", contents="write")
        default = node.get("defaultBranchRef") or {}
        if not default and not node.get("isEmpty"):
            raise denied(f"read the files of {self.repository}", contents="write")
        start = str((default.get("target") or {}).get("oid") or "")
        ref = node.get("ref") if branch else default
        target = (ref or {}).get("target") or {}
        return Tip(
            repository_id=str(node["id"]),
            branch=branch or str(default.get("name") or ""),
            oid=str(target.get("oid") or ""),
            start=start,
            blobs={**_blobs(target.get("file"), ""), **_blobs(target.get("beside"), posixpath.basename(beside))},
            parent=next((str(one["oid"]) for one in (target.get("parents") or {}).get("nodes") or ()), ""),
        )

    def blob(self, oid: str) -> bytes:
        """A file's bytes, up to GitHub's 100 MB (REST, "Get a blob")."""
        path = f"{self._path}/git/blobs/{oid}"
        answer = self.transport.get(path, kind={"content": str}, most=MOST_OF_A_FILE)
        try:
            return base64.b64decode(answer["content"])
        except ValueError:
            raise GitHubError(f"GitHub did not send the file {oid[:10]} as base64.", "Try again later.") from None

    def create_branch(self, tip: Tip) -> None:
        """Creates the branch at the tip's start.

        Raises:
            BranchMoved: someone else has created it.
        """
        variables = {"repository": tip.repository_id, "name": f"refs/heads/{tip.branch}", "oid": tip.start}
        answer = self.transport.mutate(queries.CREATE_BRANCH, variables)
        if not answer.data.get("createRef"):
            raise self._refusal(failures_of(answer), f"create the branch {tip.branch}")

    def commit(
        self, branch: str, head: str, message: str, additions: Mapping[str, bytes], deletions: Sequence[str]
    ) -> str:
        """Adds one commit on that head; returns its id.

        Args:
            additions: path to the whole file.

        Raises:
            BranchMoved: the branch is no longer at that head.
            UnknownEffect: the response does not say whether it was made.
        """
        headline, _, body = message.partition("\n")
        given: dict[str, Any] = {
            "branch": {"repositoryNameWithOwner": self._current_name, "branchName": branch},
            "expectedHeadOid": head,
            "message": {"headline": headline, "body": body.strip("\n")},
            "fileChanges": {
                "additions": [
                    {"path": path, "contents": base64.b64encode(data).decode()} for path, data in additions.items()
                ],
                "deletions": [{"path": path} for path in deletions],
            },
        }
        answer = self.transport.mutate(queries.COMMIT, {"input": given})
        made = (answer.data.get("createCommitOnBranch") or {}).get("commit")
        if not made:
            raise self._refusal(failures_of(answer), f"commit to the branch {branch}")
        return str(made["oid"])

    def _refusal(self, failures: Sequence[Failure], what: str) -> StoreError:
        failure = failures[0] if failures else Failure("no reason given", "UNKNOWN")
        words = failure.message.lower()
        if failure.kind == "STALE_DATA" or "already exists" in words or words.startswith("no ref found"):
            return BranchMoved(failure.quoted)
        return explained(failure, what, self.repository, {"contents": "write"})


def _blobs(entry: Mapping[str, Any] | None, name: str) -> dict[str, str]:
    """The files at and below a tree's entry, as far as they were requested."""
    if not entry:
        return {}
    if entry["type"] == "blob":
        return {name: str(entry["oid"])}
    found: dict[str, str] = {}
    for inner in (entry.get("object") or {}).get("entries") or ():
        found |= _blobs(inner, f"{name}/{inner['name']}" if name else str(inner["name"]))
    return found
