"""GitHub as the library writes to it: opens issues, posts updates, changes labels.  Records in, records out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from gh_store_action.domain.records import Issue
from gh_store_action.errors import StoreError
from gh_store_action.gateway import queries
from gh_store_action.gateway.answers import Answer, ApiError, Kind
from gh_store_action.gateway.decoding import CONTENTS
from gh_store_action.gateway.issues import GitHub
from gh_store_action.gateway.records import Failure, failures_of
from gh_store_action.gateway.refusals import Refused, UnknownEffect, explained

_NEEDS = {"issues": "write"}
_LABELLED: Mapping[str, Kind] = {"labels": [{"name": str}]}


@dataclass(frozen=True)
class Opened:
    """A new issue; `labels` are those that GitHub added."""

    number: int
    node_id: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class AddedComment:
    """A new comment; `total` is the issue's number of comments with it."""

    id: int
    node_id: str
    total: int


@dataclass(frozen=True)
class Labelled:
    """A label, with the numbers of the oldest issues that have it."""

    node_id: str
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Finished:
    """What the last request of a create did.

    Args:
        issue: as read back; None if that failed.
        titled: whether GitHub saved the title, and with it the marker.
        labelled: the issue's labels by name.
    """

    issue: Issue | None
    titled: bool
    labelled: Mapping[str, Labelled]
    failures: tuple[Failure, ...]


@dataclass(frozen=True)
class Posted:
    """What posting an update did; `comment_id` is 0 if GitHub did not save the comment."""

    comment_id: int
    issue: Issue | None
    failures: tuple[Failure, ...]


class ObjectGateway(GitHub):
    """One repository's issues, as the library changes them."""

    @classmethod
    def beside(cls, github: GitHub) -> ObjectGateway:
        """The same repository through the same connection."""
        return cls(github.transport, github.repository)

    def label_names(self) -> Iterator[str]:
        """The names of the repository's labels, as GitHub lists them: one request for each hundred."""
        number = 1
        while True:
            page = self.transport.get(f"{self._path}/labels", {"per_page": 100, "page": number}, kind=list)
            yield from (str(label["name"]) for label in page)
            if len(page) < 100:
                return
            number += 1

    def open_issue(self, title: str, body: str, labels: Sequence[str]) -> Opened:
        """Opens an issue; GitHub creates missing labels (github-facts, Labels).

        Raises:
            UnknownEffect: the response does not say whether it was opened.
        """
        what = "open issues"
        try:
            answer = self.transport.send(
                "POST",
                f"{self._path}/issues",
                {"title": title, "body": body, "labels": list(labels)},
                kind={"number": int, "node_id": str, **_LABELLED},
            )
        except ApiError as error:
            raise self._refused(error, what) from None
        return Opened(int(answer["number"]), str(answer["node_id"]), _names(answer))

    def change(
        self, number: int, *, labels: Sequence[str] | None = None, state: str | None = None, title: str | None = None
    ) -> tuple[str, ...]:
        """Replaces the labels, sets the state or the title; returns the resulting labels.

        GitHub silently drops labels if the token may not push (REST docs, "Update an issue"), so check them.
        """
        given = {"labels": None if labels is None else list(labels), "state": state, "title": title}
        body = {name: value for name, value in given.items() if value is not None}
        try:
            answer = self.transport.send("PATCH", f"{self._path}/issues/{number}", body, kind=_LABELLED)
        except ApiError as error:
            raise self._refused(error, f"change issue #{number}") from None
        return _names(answer)

    def say(self, node_id: str, text: str) -> AddedComment:
        """Adds a comment."""
        answer = self.transport.mutate(queries.SAY, {"issue": node_id, "text": text})
        said = answer.data.get("say")
        if not said:
            self.raise_for(failures_of(answer), "comment on issues")
        node = said["commentEdge"]["node"]
        return AddedComment(
            int(node["fullDatabaseId"]), str(node["id"]), int(said["subject"]["comments"]["totalCount"])
        )

    def finish(self, node_id: str, viewer: str, *, comment: str, processed: str, initial: str, title: str) -> Finished:
        """The last request of a create: receipts on the initial state, marker, close, and who else has the labels.

        Args:
            comment: node id of the initial state.
            processed: the reaction's REST name, as `initial`.
        """
        variables = {
            "issue": node_id,
            "state": comment,
            "processed": CONTENTS[processed],
            "initial": CONTENTS[initial],
            "title": title,
            "cursor": None,
        }
        return self._finished(self.transport.mutate(queries.FINISH, variables), viewer)

    def _finished(self, answer: Answer, viewer: str) -> Finished:
        node = (answer.data.get("check") or {}).get("issue") or {}
        labelled = {
            str(label["name"]): Labelled(
                str(label["id"]),
                tuple(int(other["number"]) for other in (label.get("issues") or {}).get("nodes") or () if other),
            )
            for label in (node.get("labelled") or {}).get("nodes") or ()
            if label
        }
        return Finished(
            issue=self._issue(node, viewer) if node.get("comments") else None,
            titled=bool((answer.data.get("fold") or {}).get("issue")),
            labelled=labelled,
            failures=failures_of(answer),
        )

    def give_up(self, node_id: str, labels: Sequence[str], title: str) -> None:
        """Removes these labels (node ids) from an issue and closes it as not planned.

        Raises:
            GitHubError: a part of it failed.
        """
        answer = self.transport.mutate(queries.GIVE_UP, {"issue": node_id, "labels": list(labels), "title": title})
        if answer.errors:
            self.raise_for(failures_of(answer), "remove labels from issues")

    def lock(self, node_id: str) -> None:
        """Locks an issue's conversation, except for people with write access.  Safe to repeat.

        Raises:
            StoreError: GitHub does not lock it.
        """
        answer = self.transport.mutate(queries.LOCK, {"issue": node_id})
        if answer.errors:
            self.raise_for(failures_of(answer), "lock issues")

    def post(self, node_id: str, viewer: str, text: str, *, reopen: bool) -> Posted:
        """Adds an update and opens the issue or, if it will be folded immediately, only reads it back.

        Raises:
            UnknownEffect: the response does not say whether it was added.
        """
        document = queries.POST if reopen else queries.POST_TO_FOLD
        answer = self.transport.mutate(document, {"issue": node_id, "text": text, "cursor": None})
        return self._posted(answer, viewer, "open" if reopen else "check")

    def _posted(self, answer: Answer, viewer: str, read_back: str) -> Posted:
        said = answer.data.get("say")
        node = (answer.data.get(read_back) or {}).get("issue") or {}
        return Posted(
            comment_id=int(said["commentEdge"]["node"]["fullDatabaseId"]) if said else 0,
            issue=self._issue(node, viewer) if node.get("comments") else None,
            failures=failures_of(answer),
        )

    # -- refusals --------------------------------------------------------------------------------------------------

    def raise_for(self, failures: Sequence[Failure], what: str) -> NoReturn:
        """Raises what the first failure of a mutation means, after the pause that a limit asks for.

        Raises:
            UnknownEffect: looking and then trying again may help.
            StoreError: otherwise.
        """
        failure = failures[0] if failures else Failure("no reason given", "UNKNOWN")
        if failure.limited:
            self.transport.rest()
            raise UnknownEffect(f"GitHub refused for now to {what}: {failure.quoted}.", "Try again later.", status=429)
        raise explained(failure, what, self.repository, _NEEDS)

    def _refused(self, error: ApiError, what: str) -> StoreError:
        return explained(Refused(error.message, status=error.status), what, self.repository, _NEEDS)


def _names(answer: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(label["name"]) for label in answer["labels"])
