"""Direct hands on a repository: set up and look at its state without HTTP."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from . import commits, effects, importing, labels, stock
from .access import Principal, direct
from .clock import iso
from .identifiers import node_id
from .model import BOT, ROLES, Comment, Issue, Label, Reaction, RepositoryRecord

if TYPE_CHECKING:
    from .service import GitHub


@dataclass(frozen=True, slots=True)
class CommentView:
    """A comment as it is now; ``reactions`` are pairs of login and content in the order they were left."""

    id: int
    node_id: str
    author: str
    body: str
    created_at: str
    updated_at: str
    editor: str | None
    edited_at: str | None
    reactions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class IssueView:
    """An issue as it is now. ``state`` is ``open`` or ``closed``; ``titles`` all titles it had, oldest first."""

    id: int
    node_id: str
    number: int
    author: str
    title: str
    body: str
    state: str
    state_reason: str | None
    created_at: str
    updated_at: str
    closed_at: str | None
    closed_by: str | None
    editor: str | None
    edited_at: str | None
    locked: bool
    labels: tuple[str, ...]
    titles: tuple[str, ...]
    comments: tuple[CommentView, ...]
    reactions: tuple[tuple[str, str], ...]


class Repository:
    """A repository of the loopback GitHub. Direct calls need no permission; each counts as its user's act and makes
    the events that act makes. The bot's acts start no runs.

    Args:
        github: the server.
        full_name: ``owner/name``.
    """

    def __init__(self, github: GitHub, full_name: str) -> None:
        self._github = github
        self._hub = github.hub
        self.full_name = full_name

    @property
    def record(self) -> RepositoryRecord:
        found = self._hub.world.repository(self.full_name) or self._hub.world.moved(self.full_name)
        assert found is not None, self.full_name
        return found

    @property
    def id(self) -> int:
        return self.record.id

    @property
    def node_id(self) -> str:
        return node_id("Repository", 0, self.record.id)

    @property
    def git_dir(self) -> Path:
        return Path(self.record.git_dir)

    @property
    def clone_url(self) -> str:
        return f"{self._hub.base}/{self.full_name}.git"

    # --- people and tokens ---------------------------------------------------------------------------------------

    def grant(self, login: str, role: str, *, role_name: str | None = None) -> None:
        """Give a person a role (``none read triage write maintain admin``), known under a custom name if given."""
        assert role in ROLES, role
        with self._hub.lock:
            self._github.add_user(login)
            self._hub.lag_permission(self.record, login)
            self.record.grants[login.lower()] = role
            self.record.custom_roles.pop(login.lower(), None)
            if role_name is not None:
                self.record.custom_roles[login.lower()] = role_name

    def workflow_token(self, **permissions: str) -> str:
        """A new GITHUB_TOKEN of this repository: what is not named is none; hyphens are written as underscores."""
        return self._installation_token(BOT, "workflow", permissions)

    def app_token(self, app: str, **permissions: str) -> str:
        """A new token of a GitHub App installed here with these permissions. It acts as ``app[bot]``, starts runs, and
        has its rights from the installation alone: the permission API says ``none`` of it, or 404, see ``Options``."""
        login = f"{app}[bot]"
        self._github.add_user(login)
        return self._installation_token(login, "app", permissions)

    def _installation_token(self, login: str, kind: str, permissions: Mapping[str, str]) -> str:
        named = {name.replace("_", "-"): value for name, value in permissions.items()}
        return self._github.issue_token(login, kind=kind, repository=self.id, permissions=named)

    def protect(self, branch: str, on: bool = True) -> None:
        """Refuse pushes and API commits to a branch."""
        self._hub.git.protect(self.record.git_dir, f"refs/heads/{branch}", on)

    def set_workflow_state(self, file: str, state: str) -> None:
        """Turn a workflow (``process.yml``) off as GitHub or a person does, or on again.

        Args:
            state: ``active``, ``disabled_inactivity``, ``disabled_manually`` or ``disabled_fork``.
        """
        assert state in ("active", "disabled_inactivity", "disabled_manually", "disabled_fork"), state
        self.record.workflow_states[f".github/workflows/{file}"] = state

    def rename(self, full_name: str) -> None:
        """Give the repository another name, or with another owner's name hand it over. Under the old name REST answers
        301, or 307 where not to GET, git is redirected, and GraphQL follows."""
        with self._hub.lock:
            self._github.add_user(full_name.partition("/")[0])
            self._hub.world.rename_repository(self.record, full_name)
            self.full_name = full_name

    def archive(self, archived: bool = True) -> None:
        self.record.archived = archived

    def set_issues_enabled(self, enabled: bool) -> None:
        self.record.issues_enabled = enabled

    # --- issues --------------------------------------------------------------------------------------------------

    def _as(self, login: str) -> Principal:
        """The identity of a direct act; an unknown person becomes a user."""
        self._github.add_user(login)
        return direct(login)

    def _issue(self, number: int) -> Issue:
        return self.record.issues[number]

    def _labels(self, who: Principal, names: Iterable[str]) -> list[Label]:
        return labels.named(self._hub, self.record, who, list(names), True)

    def open_issue(
        self,
        by: str,
        title: str,
        body: str = "",
        labels: Iterable[str] = (),
        state: str = "open",
        pull: bool = False,
    ) -> int:
        """Open an issue, or with ``pull`` something that lists show as a pull request. Returns its number."""
        with self._hub.lock:
            who = self._as(by)
            chosen = self._labels(who, labels)
            issue = effects.open_issue(self._hub, self.record, who, title, body, chosen, pull)
            if state == "closed":
                effects.edit_issue(self._hub, self.record, who, issue, state=state)
            return issue.number

    def send_form(self, by: str, title: str, body: str, labels: Iterable[str]) -> int:
        """Open an issue by an issue form: it gets those of the form's labels that the repository has (docs, "Syntax
        for issue forms")."""
        with self._hub.lock:
            there = [label for label in labels if self.record.label_named(label) is not None]
        return self.open_issue(by, title, body, there)

    def stock(self, by: str, names: list[str], label: str, written: Callable[[int], tuple[str, str]]) -> range:
        """The same as opening one issue after another, closed, but for the events: each is made when it is asked for.

        Args:
            names: of a label that each of them has for itself; new ones.
            label: that all of them have.
            written: title and body, by the place among the names; a function that can be pickled.

        Returns:
            Their numbers.
        """
        with self._hub.lock:
            return stock.fill(self._hub, self.record, self._as(by), names, label, written)

    def edit_issue(
        self,
        number: int,
        by: str,
        *,
        title: str | None = None,
        body: str | None = None,
        state: str | None = None,
        reason: str | None = None,
        labels: Iterable[str] | None = None,
    ) -> None:
        """Change what is given; ``labels`` replaces the whole set."""
        with self._hub.lock:
            who = self._as(by)
            chosen = None if labels is None else self._labels(who, labels)
            issue = self._issue(number)
            effects.edit_issue(
                self._hub, self.record, who, issue, title=title, body=body, state=state, reason=reason, labels=chosen
            )

    def delete_issue(self, number: int, by: str) -> None:
        with self._hub.lock:
            effects.delete_issue(self._hub, self.record, self._as(by), self._issue(number))

    def lock(self, number: int, by: str, reason: str | None = None) -> None:
        with self._hub.lock:
            effects.lock(self._hub, self.record, self._as(by), self._issue(number), reason)

    def unlock(self, number: int, by: str) -> None:
        with self._hub.lock:
            effects.unlock(self._hub, self.record, self._as(by), self._issue(number))

    def comment(self, number: int, by: str, body: str) -> int:
        """Add a comment and return its id."""
        with self._hub.lock:
            return effects.add_comment(self._hub, self.record, self._as(by), self._issue(number), body).id

    def edit_comment(self, comment_id: int, by: str, body: str) -> None:
        with self._hub.lock:
            effects.edit_comment(self._hub, self.record, self._as(by), self.record.comments[comment_id], body)

    def delete_comment(self, comment_id: int, by: str) -> None:
        with self._hub.lock:
            effects.delete_comment(self._hub, self.record, self._as(by), self.record.comments[comment_id])

    def react(self, comment_id: int, by: str, content: str) -> int:
        """Leave a reaction on a comment and return its id."""
        with self._hub.lock:
            return effects.add_reaction(self._hub, self._as(by), self.record.comments[comment_id], content)[0].id

    def unreact(self, comment_id: int, by: str, content: str) -> None:
        with self._hub.lock:
            comment = self.record.comments[comment_id]
            for reaction in list(comment.reactions):
                if reaction.login.lower() == by.lower() and reaction.content == content:
                    effects.remove_reaction(self._hub, comment, reaction)

    def create_label(self, by: str, name: str, color: str | None = None, description: str | None = None) -> int:
        with self._hub.lock:
            return labels.make(self._hub, self.record, self._as(by), name, color, description).id

    def delete_label(self, by: str, name: str) -> None:
        with self._hub.lock:
            label = self.record.label_named(name)
            assert label is not None, name
            labels.delete(self._hub, self.record, self._as(by), label)

    def copy_issue(
        self, number: int, to: Repository, *, by: str | None = None, receipts: bool = True, events: bool = True
    ) -> int:
        """Copy an issue as an importer does: same texts and order, new ids of comments, edits forgotten.

        Args:
            to: the repository it goes to; the number stays where it is free there.
            by: who has written all of it from now on, as with a tool that copies by API; None keeps authors and times.
            receipts: keep reactions.
            events: keep the timeline with the renames of the title.

        Returns:
            Its number there.
        """
        with self._hub.lock:
            if by is not None:
                self._github.add_user(by)
            new = to.record.next_number if number in to.record.issues else number
            arguments = (self._hub, self._issue(number), self.record, to.record, new)
            return importing.copy(*arguments, by=by, receipts=receipts, events=events).number

    def renumber_comments(self, number: int, *, receipts: bool = True, events: bool = True) -> None:
        """Put such a copy in an issue's own place: its comments have new ids."""
        with self._hub.lock:
            issue = self._issue(number)
            for comment in issue.comments:
                del self.record.comments[comment.id]
            importing.copy(
                self._hub, issue, self.record, self.record, number, by=None, receipts=receipts, events=events
            )

    def issue(self, number: int) -> IssueView:
        """A read-only view of an issue, hidden comments included."""
        with self._hub.lock:
            return _view(self.record, self._issue(number))

    def issues(self) -> list[IssueView]:
        """All issues by number."""
        with self._hub.lock:
            return [_view(self.record, self.record.issues[n]) for n in sorted(self.record.issues)]

    def labels(self) -> list[str]:
        return [label.name for label in self.record.labels.values()]

    # --- replica lag ---------------------------------------------------------------------------------------------

    def hide_comment_from_reads(self, comment_id: int, requests: int | None = None) -> None:
        """Keep a comment out of all reads for a number of further API requests, or until ``reveal``."""
        with self._hub.lock:
            self.record.lags.add("comments", comment_id, None, self._until(requests))

    def hide_issue_from_lists(self, number: int, requests: int | None = None) -> None:
        """Keep an issue out of lists and label indexes, not out of reads by number."""
        with self._hub.lock:
            for view in ("labels", "lists"):
                self.record.lags.add(view, number, None, self._until(requests))

    def _until(self, requests: int | None) -> float:
        return math.inf if requests is None else self._hub.world.requests + requests

    def reveal(self) -> None:
        """All views are up to date; see ``GitHub.delays`` for views that lag by themselves."""
        with self._hub.lock:
            self.record.lags.late.clear()

    # --- files ---------------------------------------------------------------------------------------------------

    def commit_files(
        self,
        files: Mapping[str, str | bytes | None],
        *,
        branch: str | None = None,
        message: str = "Change files",
        by: str | None = None,
    ) -> str:
        """Commit files to a branch; None deletes one. Returns the hash."""
        additions = {p: t.encode() if isinstance(t, str) else t for p, t in files.items() if t is not None}
        deletions = [path for path, text in files.items() if text is None]
        with self._hub.lock:
            who = self._as(by or self.record.owner)
            ref = f"refs/heads/{branch or self.record.default_branch}"
            arguments = (self._hub, self.record, who, ref, message, additions, deletions)
            return commits.write(*arguments, committer=None)

    def head(self, branch: str | None = None) -> str | None:
        return self._hub.git.head(self.record.git_dir, f"refs/heads/{branch or self.record.default_branch}")

    def file(self, path: str, branch: str | None = None) -> bytes | None:
        """The content of a file at the tip of a branch, or None."""
        git, tip = self._hub.git, self.head(branch)
        oid = git.at_path(self.record.git_dir, tip, path) if tip else None
        return None if oid is None else git.blob(self.record.git_dir, oid)

    def git(self, *arguments: str) -> str:
        """Run a git command in the bare repository and return what it wrote."""
        return self._hub.git.run(self.record.git_dir, *arguments).decode()


def _pairs(reactions: list[Reaction]) -> tuple[tuple[str, str], ...]:
    return tuple((reaction.login, reaction.content) for reaction in reactions)


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else iso(seconds)


def _comment_view(comment: Comment) -> CommentView:
    return CommentView(
        id=comment.id,
        node_id=node_id("IssueComment", comment.repository, comment.id),
        author=comment.author,
        body=comment.body,
        created_at=iso(comment.created),
        updated_at=iso(comment.updated),
        editor=comment.editor,
        edited_at=_time(comment.edited),
        reactions=_pairs(comment.reactions),
    )


def _view(repo: RepositoryRecord, issue: Issue) -> IssueView:
    renames = [event.details["from"] for event in issue.timeline if event.kind == "renamed"]
    return IssueView(
        id=issue.id,
        node_id=node_id("PullRequest" if issue.pull else "Issue", repo.id, issue.number),
        number=issue.number,
        author=issue.author,
        title=issue.title,
        body=issue.body,
        state=issue.state,
        state_reason=issue.reason,
        created_at=iso(issue.created),
        updated_at=iso(issue.updated),
        closed_at=_time(issue.closed),
        closed_by=issue.closed_by,
        editor=issue.editor,
        edited_at=_time(issue.edited),
        locked=issue.locked,
        labels=tuple(label.name for label in repo.labels_of(issue)),
        titles=(*renames, issue.title),
        comments=tuple(_comment_view(comment) for comment in issue.comments),
        reactions=_pairs(issue.reactions),
    )
