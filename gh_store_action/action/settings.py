"""What the user asked for: every input and the runner's facts, parsed once from an environment, frozen.

`INPUTS` is the one home of the inputs' names and defaults; tests hold `action.yml` and the documents against it.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gh_store_action.domain.markdown import shorten, visible
from gh_store_action.errors import InputError

MODES = ("process", "snapshot", "update-snapshot", "create", "get", "update", "delete", "restore", "history", "verify")
UPDATE_MODES = ("append", "replace", "merge-patch", "json-patch", "operators")
FORMATS = ("json", "jsonl", "directory")
COMMIT_WAYS = ("git", "api")
DEFAULT_OUTPUT: Mapping[str, str] = {
    "json": "data/store-snapshot.json",
    "jsonl": "data/store-snapshot.jsonl",
    "directory": "data/store",
}

_ALL = frozenset(MODES)
_SNAPSHOTS = frozenset({"snapshot", "update-snapshot"})
_ONE_OBJECT = frozenset({"create", "get", "update", "delete", "restore", "history"})
_INSTEAD: Mapping[str, str] = {  # which variable holds what the runner would put in place of a default
    "${{ github.token }}": "GITHUB_TOKEN",
    "${{ github.repository }}": "GITHUB_REPOSITORY",
    "${{ github.event.issue.number }}": "",  # none: it is in the event file
}
_REQUIRED: Mapping[str, tuple[str, str]] = {
    "token": (
        "There is no token: the input `token` and the variable GITHUB_TOKEN are both empty.",
        "Leave the input out to use the workflow's own token, or set it to a secret that exists.",
    ),
    "repository": (
        "There is no repository: the input `repository` and the variable GITHUB_REPOSITORY are both empty.",
        "Set it to the owner/name of the store.",
    ),
}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}/(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}")
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_DIGEST = re.compile(r"[0-9a-fA-F]{8,64}")
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)
_BAD_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|//|@\{|^[-/]|(?:^|/)\.|[/.]\Z|\.lock(?:/|\Z)")


class Token:
    """A token that no `repr`, `str`, traceback or pickle shows; `secret` is the only way to it."""

    __slots__ = ("secret",)

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def __repr__(self) -> str:
        return "Token(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Token) and other.secret == self.secret

    def __hash__(self) -> int:
        return hash(self.secret)

    def __reduce__(self) -> Any:
        raise TypeError("a token is not pickled")


@dataclass(frozen=True)
class Author:
    """Who a commit is by."""

    name: str = "github-actions[bot]"
    email: str = "41898282+github-actions[bot]@users.noreply.github.com"

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"


@dataclass(frozen=True)
class Input:
    """One input of the action.

    Args:
        default: as in `action.yml`; an expression there stands for what the runner puts in its place.
        modes: those in which it acts.
        parse: from the input's name and its text, not empty, to its value.
        raw: whether white space around the text belongs to it.
        missing: the value where there is no text and no default.
    """

    default: str
    modes: frozenset[str] = _ALL
    parse: Callable[[str, str], Any] = lambda _, text: text
    raw: bool = False
    missing: Any = None

    def value(self, name: str, text: str, environ: Mapping[str, str]) -> Any:
        """The value of the text, of the default where it is blank, or `missing`.

        Raises:
            InputError: the text is not allowed, or there has to be one.
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
    """Everything that a run depends on.  None, or the empty text, stands for an input that was left out.

    Args:
        at: UTC, as GitHub writes times.
        output: for snapshots never None.
        commit_message: empty for the one that tells what is in the snapshot.
        branch: empty for the one that is checked out.
        config: a local configuration file.
        unused: inputs that were given and do nothing in this mode.
        event_comment_id: the comment that the event is about; None for other events, or where `repository` is not
            the one that the event happened in.
        run_url: of this workflow run, empty outside of one.
        step: this step in its workflow run, the same in every attempt; empty outside of one.
        attempt: of the workflow run, from 1.
    """

    mode: str
    token: Token
    repository: str
    issue_number: int | None = None
    object_id: str = ""
    data: str | None = None
    data_file: str | None = None
    update_mode: str = "append"
    if_revision: int | None = None
    if_digest: str | None = None
    revision: int | None = None
    at: str | None = None
    repair: bool = False
    apply: bool = True
    output: str | None = None
    format: str = "json"
    commit: bool = True
    commit_message: str = ""
    commit_author: Author = Author()
    branch: str = ""
    commit_via: str = "git"
    config: str | None = None
    fail_on_rejected: bool = False
    dry_run: bool = False
    unused: tuple[str, ...] = ()

    api_url: str = "https://api.github.com"
    graphql_url: str = "https://api.github.com/graphql"
    server_url: str = "https://github.com"
    workspace: Path = field(default_factory=Path)
    event_name: str = ""
    event_action: str = ""
    event_issue_number: int | None = None
    event_issue_is_pull_request: bool = False
    event_comment_id: int | None = None
    ref_name: str = ""
    run_url: str = ""
    step: str = ""
    attempt: int = 1
    debug: bool = False

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """The settings of an action's run.

        Raises:
            InputError: an input is wrong or missing; names it, what was found and what is allowed.
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
    """The environment variable that carries an input: upper-case, hyphens kept (runner, Handler.cs)."""
    return f"INPUT_{name.upper()}"


def graphql_url_for(api_url: str) -> str:
    """The GraphQL address beside a REST address: on an Enterprise Server `/api/graphql` beside `/api/v3`."""
    return f"{api_url.removesuffix('/v3')}/graphql"


def url(name: str, text: str) -> str:
    """An address that a token may be sent to, without a slash at its end.

    Args:
        name: of the variable or argument, for the message; the address itself is not shown, it may hold a secret.

    Raises:
        InputError: it is no plain http(s) address, or the token would travel unencrypted.
    """
    try:
        parts = urlsplit(text)
        plain = parts.port != 0 and not (parts.username or parts.password or parts.query or parts.fragment)
    except ValueError:
        plain = False
    if not plain or parts.scheme not in ("https", "http") or not parts.hostname or re.search(r"[\s\\]", text):
        raise InputError(f"{name} is not the address of an API.", "An address looks like https://api.github.com.")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise InputError(f"{name} begins with http://: the token would travel unencrypted.", "Use an https:// address.")
    return text.rstrip("/")


@dataclass(frozen=True)
class _Event:
    """What the webhook event of this run says, under the names that `Settings` has for it."""

    event_action: str = ""
    event_issue_number: int | None = None
    event_issue_is_pull_request: bool = False
    event_comment_id: int | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> _Event:
        path = environ.get("GITHUB_EVENT_PATH", "")
        try:
            event = json.loads(Path(path).read_bytes()) if path else {}
        except FileNotFoundError:
            event = {}
        except (OSError, ValueError, RecursionError) as problem:
            raise InputError(
                f"The event file {_shown(path, 300)} can not be read: {type(problem).__name__}.",
                "GITHUB_EVENT_PATH must name the JSON file that the runner writes.",
            ) from None
        if not isinstance(event, dict):
            raise InputError(f"The event file {_shown(path, 300)} holds no JSON object.", "Unset GITHUB_EVENT_PATH.")
        issue, comment, action = event.get("issue"), event.get("comment"), event.get("action")
        if not isinstance(issue, dict):
            return cls(action if isinstance(action, str) else "")
        return cls(
            action if isinstance(action, str) else "",
            _id(issue.get("number")),
            "pull_request" in issue,
            _id(comment.get("id")) if isinstance(comment, dict) else None,
        )


def _id(value: object) -> int | None:
    return value if type(value) is int and value > 0 else None


def _issue_number(values: Mapping[str, Any], event: _Event, *, given: bool, here: bool) -> int | None:
    """The one issue to look at.  The event's number is the default, and means nothing in another repository."""
    number: int | None = values["issue-number"] if given else event.event_issue_number
    if number is None or (number == event.event_issue_number and (not here or values["object-id"])):
        return None
    if values["mode"] == "verify" and values["object-id"]:
        raise InputError("The inputs `object-id` and `issue-number` are both set.", "Leave one of them out.")
    return number


def _check_combination(mode: str, values: Mapping[str, Any]) -> None:
    """What no single input can tell."""
    if mode in _ONE_OBJECT and not values["object-id"]:
        raise InputError(f"Mode `{mode}` needs the input `object-id`.", "Set it to the id of the object.")
    sources = [name for name in ("data", "data-file") if values[name]]
    if mode in ("create", "update") and len(sources) != 1:
        found = "both are set" if sources else "neither is set"
        raise InputError(f"Mode `{mode}` needs one of the inputs `data` and `data-file`; {found}.", "Set one of them.")
    if mode == "get" and values["revision"] and values["at"]:
        raise InputError("The inputs `revision` and `at` are both set.", "Leave one of them out.")


def _runner(environ: Mapping[str, str]) -> dict[str, Any]:
    """The runner's facts, under the names that `Settings` has for them."""

    def address(name: str, default: str) -> str:
        return url(name, environ.get(name, "").strip() or default)

    api, server = (
        address("GITHUB_API_URL", "https://api.github.com"),
        address("GITHUB_SERVER_URL", "https://github.com"),
    )
    repository, run = environ.get("GITHUB_REPOSITORY", ""), environ.get("GITHUB_RUN_ID", "")
    ref = environ.get("GITHUB_REF", "")
    return {
        "api_url": api,
        "graphql_url": address("GITHUB_GRAPHQL_URL", graphql_url_for(api)),
        "server_url": server,
        "workspace": Path(environ.get("GITHUB_WORKSPACE", "")),
        "event_name": environ.get("GITHUB_EVENT_NAME", ""),
        # Neither a tag nor a pull request's merge (`refs/pull/12/merge`) is a branch that could be pushed to.
        "ref_name": ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else "",
        "run_url": f"{server}/{repository}/actions/runs/{run}" if repository and run else "",
        "step": "/".join((run, environ.get("GITHUB_JOB", ""), environ.get("GITHUB_ACTION", ""))) if run else "",
        "attempt": _attempt(environ.get("GITHUB_RUN_ATTEMPT", "")),
        "debug": environ.get("RUNNER_DEBUG") == "1",
    }


def _attempt(text: str) -> int:
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,3}", text) else 1


# The inputs: each parser takes an input's name and its text, which is not empty, and gives its value


def _shown(text: str, limit: int = 60) -> str:
    return f"`{visible(shorten(text, limit))}`"


def _wrong(name: str, text: str, allowed: str, mend: str = "") -> InputError:
    return InputError(f"The input `{name}` is {_shown(text)}; allowed: {allowed}.", mend)


def _choice(*allowed: str) -> Callable[[str, str], str]:
    def parse(name: str, text: str) -> str:
        if text in allowed:
            return text
        near = difflib.get_close_matches(text.lower(), allowed, n=1, cutoff=0.5)
        raise _wrong(name, text, ", ".join(allowed), f"Did you mean `{near[0]}`?" if near else "")

    return parse


def _boolean(name: str, text: str) -> bool:
    if text not in ("true", "True", "TRUE", "false", "False", "FALSE"):  # YAML 1.2, core schema
        raise _wrong(name, text, "true, false", "Other words for yes and no are not understood.")
    return text.lower() == "true"


def _number(name: str, text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise _wrong(name, text, "a whole number from 1 on", "Give the number alone, without # or a sign.")
    return int(text)


def _digest(name: str, text: str) -> str:
    if not _DIGEST.fullmatch(text):
        raise _wrong(name, text, "8 to 64 hexadecimal digits", "Take it from the output `digest`.")
    return text.lower()


def moment(name: str, text: str) -> str:
    """A time in ISO 8601 as GitHub writes it: UTC, whole seconds.  Without an offset it is taken as UTC already.

    Raises:
        InputError: it is no such time.
    """
    try:
        if not _TIME.fullmatch(text):
            raise ValueError
        read = datetime.fromisoformat(text.upper())
        read = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _wrong(name, text, "a time in ISO 8601, such as 2026-01-31T12:00:00Z") from None
    return read.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


def repository(name: str, text: str) -> str:
    """A repository as `owner/name`.

    Raises:
        InputError: it is none.
    """
    if not _REPOSITORY.fullmatch(text):
        raise _wrong(name, text, "owner/name", "Give neither an address nor the name alone.")
    return text


def _branch(name: str, text: str) -> str:
    short = text.removeprefix("refs/heads/")
    if not short or len(short) > 200 or _BAD_BRANCH.search(short):
        raise _wrong(name, text, "the name of a branch", "See `git check-ref-format`.")
    return short


def _author(name: str, text: str) -> Author:
    person, mark, address = (part.strip() for part in text.partition("<"))
    email = address.removesuffix(">")
    whole = address.endswith(">") and person and re.fullmatch(r"[^<>@\s]+@[^<>@\s]+", email)
    if not whole or ">" in person or visible(text) != text:
        raise _wrong(name, text, "Name <address>", "For example: Ada Lovelace <ada@example.org>.")
    return Author(person, email)


def _token(_: str, text: str) -> Token:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise InputError(
            "The input `token` holds characters that no token has.", "Look for a pasted space or line break."
        )
    return Token(text)


INPUTS: Mapping[str, Input] = {
    "mode": Input("process", parse=_choice(*MODES)),
    "token": Input("${{ github.token }}", parse=_token),
    "repository": Input("${{ github.repository }}", parse=repository),
    "issue-number": Input("${{ github.event.issue.number }}", frozenset({"process", "verify"}), _number),
    "object-id": Input("", _ONE_OBJECT | {"verify"}, missing=""),
    "data": Input("", frozenset({"create", "update"}), raw=True),
    "data-file": Input("", frozenset({"create", "update"})),
    "update-mode": Input("append", frozenset({"update"}), _choice(*UPDATE_MODES)),
    "if-revision": Input("", frozenset({"update", "delete"}), _number),
    "if-digest": Input("", frozenset({"update", "delete"}), _digest),
    "revision": Input("", frozenset({"get"}), _number),
    "at": Input("", frozenset({"get"}), moment),
    "repair": Input("false", frozenset({"verify"}), _boolean),
    "apply": Input("true", frozenset({"update"}), _boolean),
    "output": Input("", _SNAPSHOTS | {"get", "history"}),
    "format": Input("json", _SNAPSHOTS, _choice(*FORMATS)),
    "commit": Input("true", _SNAPSHOTS, _boolean),
    "commit-message": Input("", _SNAPSHOTS, raw=True, missing=""),
    "commit-author": Input("", _SNAPSHOTS, _author, missing=Author()),
    "branch": Input("", _SNAPSHOTS, _branch, missing=""),
    "commit-via": Input("git", _SNAPSHOTS, _choice(*COMMIT_WAYS)),
    "config": Input(""),
    "fail-on-rejected": Input("false", frozenset({"process", "update"}), _boolean),
    "dry-run": Input("false", _ALL - {"get", "history"}, _boolean),
}
