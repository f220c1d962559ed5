"""What the user asked for: every input and what the runner says, parsed once from an environment.

`INPUTS` defines the inputs' names and defaults; tests check `action.yml` and the documentation against it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gh_store_action.arguments import (
    Token,
    author,
    boolean,
    branch,
    check_snapshot_path,
    choice,
    digest,
    moment,
    number,
    repository,
    shown,
    token,
)
from gh_store_action.domain.commit_message import Author
from gh_store_action.domain.names import DEFAULT_MODE, FORMATS, UPDATE_MODES
from gh_store_action.errors import InputError
from gh_store_action.gateway.endpoints import Addresses
from gh_store_action.regular_files import MIB, content

MOST_KEPT = 50  # commits through the API: GitHub takes 80 requests a minute that create something

MODES = (
    "process",
    "snapshot",
    "update-snapshot",
    "create",
    "get",
    "update",
    "delete",
    "restore",
    "history",
    "verify",
    "site",
)
COMMIT_WAYS = ("git", "api")
EVENT_LIMIT = 32 * MIB  # GitHub drops an event of more than 25 MB: docs, webhook-events-and-payloads
DEFAULT_OUTPUT: Mapping[str, str] = {
    "json": "data/store-snapshot.json",
    "jsonl": "data/store-snapshot.jsonl",
    "directory": "data/store",
}
DEFAULT_SITE = "_site"  # what actions/upload-pages-artifact takes

_ALL = frozenset(MODES)
_SNAPSHOTS = frozenset({"snapshot", "update-snapshot"})
_ONE_OBJECT = frozenset({"create", "get", "update", "delete", "restore", "history"})
_INSTEAD: Mapping[str, str] = {  # the variable that holds what the runner would put in place of a default
    "${{ github.token }}": "GITHUB_TOKEN",
    "${{ github.repository }}": "GITHUB_REPOSITORY",
    "${{ github.event.issue.number }}": "",  # none: it is in the event file
}
_REQUIRED: Mapping[str, tuple[str, str]] = {
    "token": (
        "No token: the input `token` and the variable GITHUB_TOKEN are both empty.",
        "Omit the input to use the workflow's own token, or set it to a secret that exists.",
    ),
    "repository": (
        "No repository: the input `repository` and the variable GITHUB_REPOSITORY are both empty.",
        "Set one to the owner/name of the store.",
    ),
}


@dataclass(frozen=True)
class Input:
    """One input of the action.

    Args:
        default: as in `action.yml`; the runner replaces an expression there.
        modes: those that use it.
        parse: takes the input's name and its text, not empty, and returns its value.
        raw: whether whitespace around the text is part of it.
        missing: the value if there is neither a text nor a default.
    """

    default: str
    modes: frozenset[str] = _ALL
    parse: Callable[[str, str], Any] = lambda _, text: text
    raw: bool = False
    missing: Any = None

    def value(self, name: str, text: str, environ: Mapping[str, str]) -> Any:
        """The value of the text or, if it is blank, of the default, or `missing`.

        Raises:
            InputError: the text is not allowed, or is missing and required.
        """
        found = text if self.raw else text.strip()
        if not found.strip():
            found = environ.get(_INSTEAD[self.default], "").strip() if self.default in _INSTEAD else self.default
        if found:
            return self.parse(name, found)
        if name in _REQUIRED:
            raise InputError(*_REQUIRED[name])
        return self.missing


@dataclass(frozen=True)
class Settings:
    """Everything that a run depends on.  None or an empty text means that the input was left out.

    Args:
        at: UTC, as GitHub writes times.
        output: never None for snapshots and the site.
        commit_message: empty for the default, which says what is in the snapshot.
        branch: empty for the one that is checked out.
        keep: None for all commits of the branch.
        config: a local configuration file.
        unused: inputs that are set but have no effect in this mode.
        event_comment_id: the comment that the event is about; None for other events, or if the event happened in
            another repository than `repository`.
        step: this step in its workflow run, the same in every attempt; empty outside a workflow run.
        attempt: of the workflow run, from 1.
    """

    mode: str
    token: Token
    repository: str
    issue_number: int | None = None
    object_id: str = ""
    data: str | None = None
    data_file: str | None = None
    update_mode: str = DEFAULT_MODE
    if_revision: int | None = None
    if_digest: str | None = None
    revision: int | None = None
    at: str | None = None
    repair: bool = False
    apply: bool = True
    output: str | None = None
    snapshot_url: str = "store-snapshot.json"
    format: str = "json"
    history: bool = False
    commit: bool = True
    commit_message: str = ""
    commit_author: Author = Author()
    branch: str = ""
    keep: int | None = None
    commit_via: str = "git"
    allow_shrink: bool = False
    config: str | None = None
    fail_on_rejected: bool = False
    dry_run: bool = False
    unused: tuple[str, ...] = ()

    api_url: str = "https://api.github.com"
    graphql_url: str = "https://api.github.com/graphql"
    server_url: str = "https://github.com"
    authority: str = ""
    workspace: Path = field(default_factory=Path)
    event_issue_number: int | None = None
    event_issue_is_pull_request: bool = False
    event_comment_id: int | None = None
    ref_name: str = ""
    step: str = ""
    attempt: int = 1

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """The settings of a run of the action.

        Raises:
            InputError: an input is wrong or missing; the message says which, what was found and what is allowed.
        """
        event = _Event.of(environ)
        given = {name: text for name in INPUTS if (text := environ.get(variable(name), "")).strip()}
        values = {name: INPUTS[name].value(name, given.get(name, ""), environ) for name in INPUTS}
        mode = values["mode"]
        _check_combination(mode, values)
        here = (environ.get("GITHUB_REPOSITORY") or values["repository"]).lower() == values["repository"].lower()
        values["issue-number"] = _issue_number(values, event, given="INPUT_ISSUE-NUMBER" in environ, here=here)
        if mode in _SNAPSHOTS and not values["output"]:
            values["output"] = DEFAULT_OUTPUT[values["format"]]
        if mode == "site" and not values["output"]:
            values["output"] = DEFAULT_SITE
        return cls(
            **{name.replace("-", "_"): value for name, value in values.items()},
            **_runner(environ),
            **(vars(event) if here else {}),
            unused=tuple(
                name
                for name, text in given.items()
                if mode not in INPUTS[name].modes
                and text.strip() not in (INPUTS[name].default, str(event.event_issue_number))
            ),
        )


def variable(name: str) -> str:
    """The environment variable for an input: uppercase, hyphens kept (runner, Handler.cs)."""
    return f"INPUT_{name.upper()}"


@dataclass(frozen=True)
class _Event:
    """What this run's webhook event says, by the field names of `Settings`."""

    event_issue_number: int | None = None
    event_issue_is_pull_request: bool = False
    event_comment_id: int | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> _Event:
        path = environ.get("GITHUB_EVENT_PATH", "")
        try:
            event = json.loads(content(Path(path), EVENT_LIMIT)) if path else {}
        except FileNotFoundError:
            event = {}
        except (OSError, ValueError, RecursionError) as problem:
            why = getattr(problem, "strerror", None) or type(problem).__name__
            raise InputError(
                f"The event file {shown(path, 300)} cannot be read: {why}.",
                "Set GITHUB_EVENT_PATH to the JSON file that the runner writes.",
            ) from None
        if not isinstance(event, dict):
            raise InputError(f"The event file {shown(path, 300)} is not a JSON object.", "Unset GITHUB_EVENT_PATH.")
        issue, comment = event.get("issue"), event.get("comment")
        if not isinstance(issue, dict):
            return cls()
        return cls(
            _id(issue.get("number")),
            "pull_request" in issue,
            _id(comment.get("id")) if isinstance(comment, dict) else None,
        )


def _id(value: object) -> int | None:
    return value if type(value) is int and value > 0 else None


def _issue_number(values: Mapping[str, Any], event: _Event, *, given: bool, here: bool) -> int | None:
    """The issue to look at.  It defaults to the event's number, which means nothing in another repository."""
    number: int | None = values["issue-number"] if given else event.event_issue_number
    if number is None or (number == event.event_issue_number and (not here or values["object-id"])):
        return None
    if values["mode"] == "verify" and values["object-id"]:
        raise InputError("The inputs `object-id` and `issue-number` are both set.", "Omit one of them.")
    return number


def _check_combination(mode: str, values: Mapping[str, Any]) -> None:
    """Check inputs that depend on each other."""
    if mode in _ONE_OBJECT and not values["object-id"]:
        raise InputError(f"Mode `{mode}` needs the input `object-id`.", "Set it to the id of the object.")
    sources = [name for name in ("data", "data-file") if values[name]]
    if mode in ("create", "update") and len(sources) != 1:
        found = "both are set" if sources else "neither is set"
        raise InputError(f"Mode `{mode}` needs one of the inputs `data` and `data-file`; {found}.", "Set one of them.")
    if mode == "get" and values["revision"] and values["at"]:
        raise InputError("The inputs `revision` and `at` are both set.", "Omit one of them.")
    if mode in _SNAPSHOTS and values["output"]:
        check_snapshot_path(values["output"], values["format"])
    if values["commit-via"] == "api" and (values["keep"] or 0) > MOST_KEPT:
        raise InputError(
            f"The input `keep` is {values['keep']}. With `commit-via: api` it may be {MOST_KEPT} at most, because "
            "every commit that is kept costs a request.",
            "Lower it, or use `commit-via: git`.",
        )


def _runner(environ: Mapping[str, str]) -> dict[str, Any]:
    """What the runner says, by the field names of `Settings`."""
    where = Addresses.of(environ)
    run, ref = environ.get("GITHUB_RUN_ID", ""), environ.get("GITHUB_REF", "")
    return {
        "api_url": where.api,
        "graphql_url": where.graphql,
        "server_url": where.server,
        "authority": where.authority,
        "workspace": Path(environ.get("GITHUB_WORKSPACE", "")),
        # A tag or a pull request's merge ref (`refs/pull/12/merge`) is not a branch to push to.
        "ref_name": ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else "",
        "step": "/".join((run, environ.get("GITHUB_JOB", ""), environ.get("GITHUB_ACTION", ""))) if run else "",
        "attempt": _attempt(environ.get("GITHUB_RUN_ATTEMPT", "")),
    }


def _attempt(text: str) -> int:
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,3}", text) else 1


INPUTS: Mapping[str, Input] = {
    "mode": Input("process", parse=choice(*MODES)),
    "token": Input("${{ github.token }}", parse=token),
    "repository": Input("${{ github.repository }}", parse=repository),
    "issue-number": Input("${{ github.event.issue.number }}", frozenset({"process", "verify"}), number),
    "object-id": Input("", _ONE_OBJECT | {"verify"}, missing=""),
    "data": Input("", frozenset({"create", "update"}), raw=True),
    "data-file": Input("", frozenset({"create", "update"})),
    "update-mode": Input(DEFAULT_MODE, frozenset({"update"}), choice(*UPDATE_MODES)),
    "if-revision": Input("", frozenset({"update", "delete"}), number),
    "if-digest": Input("", frozenset({"update", "delete"}), digest),
    "revision": Input("", frozenset({"get"}), number),
    "at": Input("", frozenset({"get"}), moment),
    "repair": Input("false", frozenset({"verify"}), boolean),
    "apply": Input("true", frozenset({"update"}), boolean),
    "output": Input("", _SNAPSHOTS | {"get", "history", "site"}),
    "snapshot-url": Input("store-snapshot.json", frozenset({"site"})),
    "format": Input("json", _SNAPSHOTS, choice(*FORMATS)),
    "history": Input("false", _SNAPSHOTS, boolean),
    "commit": Input("true", _SNAPSHOTS, boolean),
    "commit-message": Input("", _SNAPSHOTS, raw=True, missing=""),
    "commit-author": Input("", _SNAPSHOTS, author, missing=Author()),
    "branch": Input("", _SNAPSHOTS, branch, missing=""),
    "keep": Input("", _SNAPSHOTS, number),
    "commit-via": Input("git", _SNAPSHOTS, choice(*COMMIT_WAYS)),
    "allow-shrink": Input("false", _SNAPSHOTS, boolean),
    "config": Input(""),
    "fail-on-rejected": Input("false", frozenset({"process", "update"}), boolean),
    "dry-run": Input("false", _ALL - {"get", "history"}, boolean),
}
