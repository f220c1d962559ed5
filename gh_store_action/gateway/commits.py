"""GitHub as a branch of files: reads its tip, and makes commits that GitHub signs."""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gh_store_action.errors import GitHubError, StoreError
from gh_store_action.gateway import queries
from gh_store_action.gateway.answers import ApiError
from gh_store_action.gateway.connection import MOST_OF_A_FILE
from gh_store_action.gateway.issues import GitHub
from gh_store_action.gateway.records import Failure, failures_of
from gh_store_action.gateway.refusals import Refused, denied, explained


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
        in_the_way: what has the name of a folder above that path, and is none; empty for nothing.
        default: the name of the default branch.
    """

    repository_id: str
    branch: str
    oid: str
    start: str
    blobs: Mapping[str, str]
    parent: str = ""
    default: str = ""
    in_the_way: str = ""


@dataclass(frozen=True)
class Commit:
    """One commit, to be made again.

    Args:
        people: `author` and `committer`, each with `name`, `email` and `date`.
    """

    oid: str
    tree: str
    message: str
    people: Mapping[str, Any]


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
        above = list(_above(path))
        variables |= {f"above{level}": folder for level, folder in enumerate(above)}
        answer = self.transport.query(queries.tip(len(above)), variables)
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
            default=str(default.get("name") or ""),
            oid=str(target.get("oid") or ""),
            start=start,
            blobs={**_blobs(target.get("file"), ""), **_blobs(target.get("beside"), posixpath.basename(beside))},
            parent=next((str(one["oid"]) for one in (target.get("parents") or {}).get("nodes") or ()), ""),
            in_the_way=next(
                (
                    folder
                    for level, folder in enumerate(above)
                    if (target.get(f"above{level}") or {"type": "tree"})["type"] != "tree"
                ),
                "",
            ),
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

    def newest_commits(self, branch: str) -> tuple[str, list[Commit]]:
        """The repository's id, and the newest commits of the branch along first parents: a hundred at most."""
        answer = self.transport.query(queries.NEWEST_COMMITS, {**self._names, "branch": f"refs/heads/{branch}"})
        node = self._repository(answer)
        self._explain(answer, "read the commits", contents="write")
        target = (node.get("ref") or {}).get("target") or {"history": {"nodes": []}}
        nodes = {str(one["oid"]): one for one in target["history"]["nodes"]}
        found: list[Commit] = []
        oid = next(iter(nodes), "")
        while oid in nodes:
            one = nodes[oid]
            people = {who: dict(one[who]) for who in ("author", "committer")}
            found.append(Commit(oid, str(one["tree"]["oid"]), str(one["message"]), people))
            oid = next((str(parent["oid"]) for parent in one["parents"]["nodes"]), "")
        return str(node["id"]), found

    def make(self, commit: Commit, parent: str, *, sign: bool) -> str:
        """The same commit on another parent, or on none; gives its name.  No branch has it yet.

        Args:
            sign: leave author and times to GitHub, which signs such a commit where the token is a bot's
                (https://docs.github.com/en/authentication/managing-commit-signature-verification/about-commit-signature-verification).
        """
        body = {"message": commit.message, "tree": commit.tree, "parents": [parent] if parent else []}
        if not sign:
            body |= commit.people
        try:
            return str(self.transport.send("POST", f"{self._path}/git/commits", body, kind={"sha": str})["sha"])
        except ApiError as error:
            reason = Refused(error.message, status=error.status)
            raise explained(reason, "make commits", self.repository, {"contents": "write"}) from None

    def replace_tip(self, repository_id: str, branch: str, before: str, after: str) -> StoreError | None:
        """Moves the branch from the one commit to the other; gives why GitHub did not, such as that it had moved.

        What GitHub says of a branch that has moved is not told apart from other refusals (github-facts, section 6).
        """
        update = {"name": f"refs/heads/{branch}", "beforeOid": before, "afterOid": after, "force": True}
        given = {"repositoryId": repository_id, "refUpdates": [update]}
        answer = self.transport.mutate(queries.REPLACE_TIP, {"input": given})
        failures = failures_of(answer)
        if not failures:
            return None
        return explained(failures[0], f"squash commits of the branch {branch}", self.repository, {"contents": "write"})

    def _refusal(self, failures: Sequence[Failure], what: str) -> StoreError:
        failure = failures[0] if failures else Failure("no reason given", "UNKNOWN")
        words = failure.message.lower()
        if failure.kind == "STALE_DATA" or "already exists" in words or words.startswith("no ref found"):
            return BranchMoved(failure.quoted)
        return explained(failure, what, self.repository, {"contents": "write"})


def _above(path: str) -> Iterator[str]:
    """The folders above a path, the top one first."""
    names = path.split("/")
    for depth in range(1, len(names)):
        yield "/".join(names[:depth])


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
