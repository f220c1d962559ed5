"""Checks a store's repository: one row per check, each with what to do.  Writes nothing."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import Any, TypeVar
from urllib.parse import quote

from gh_store_action.domain import objects
from gh_store_action.domain.markdown import shorten
from gh_store_action.domain.records import Issue, StoredObject
from gh_store_action.domain.snapshots import snapshot as snapshots
from gh_store_action.errors import AccessDeniedError, BudgetExhausted, GitHubError, StoreError
from gh_store_action.gateway import queries
from gh_store_action.gateway.answers import Kind
from gh_store_action.gateway.records import PAGE, Page, pages
from gh_store_action.gateway.transport import Answer, Cancelled
from gh_store_action.store.reading import waiting
from gh_store_action.store.session import Session

WORKFLOWS = PurePosixPath(".github/workflows")
NAMED = 5  # issues that a row lists; it counts the others

Progress = Callable[[int, int], None]
Found = TypeVar("Found")

_TEMPLATE_LINE = re.compile(r"^# gh-store-action template v(?P<version>[0-9]+): (?P<name>[a-z-]+\.yml)$", re.MULTILINE)
_USES = re.compile(
    r"^[ \t]*+(?:-[ \t]++)?uses:[ \t]*+\S+/gh-store-action(?:/\.github/workflows/store\.yml)?@", re.MULTILINE
)
_NEEDED: Mapping[str, str] = {  # template: what its absence means
    "process-updates.yml": "updates posted as comments are not applied automatically",
    "sweep.yml": "updates posted with a workflow's token, and those of failed runs, stay pending",
}
_OFF: Mapping[str, str] = {  # GitHub's states of workflows that start no run
    "disabled_inactivity": "GitHub disabled it after 60 days without repository activity",
    "disabled_manually": "someone disabled it",
    "disabled_fork": "GitHub disables workflows in forks",
}
_PUSHES = "its pushes with GITHUB_TOKEN start no `on: push` workflow; use `on: workflow_run` instead"
_FACTS: Mapping[str, Kind] = {"full_name": str, "permissions": dict | None}
_ROLES = ("admin", "maintain", "push", "triage", "pull")  # GitHub's names, highest first


class Level(enum.Enum):
    """The result of a check."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Check:
    """One row.

    Args:
        found: what was found, and how.
        hint: the next step; empty if all is well.
    """

    name: str
    level: Level
    found: str
    hint: str = ""


WITH_PAGE = "pages.yml"  # instead of all others


def templates(*, page: bool = False) -> Mapping[str, str]:
    """The workflow templates for a store, by file name: the one with a page, or those without.

    Raises:
        StoreError: this installation has none.
    """
    return {name: text for name, text in _shipped().items() if (name == WITH_PAGE) == page}


@cache
def _shipped() -> Mapping[str, str]:
    """All templates: package data of the wheel, or a folder of the source tree."""
    package = files("gh_store_action")
    for folder in (package / "templates", package / ".." / "workflows-templates"):
        found = {entry.name: entry.read_text("utf-8") for entry in _entries(folder) if entry.name.endswith(".yml")}
        if found:
            return dict(sorted(found.items()))
    raise StoreError("This installation has no workflow templates.", "Reinstall the package gh-store-action.")


def _entries(folder: Traversable) -> Iterable[Traversable]:
    return folder.iterdir() if folder.is_dir() else ()


def examine(session: Session, progress: Progress = lambda done, total: None) -> Iterator[Check]:
    """All checks, an early failure before what it explains: eleven requests, and two for each hundred issues.

    Each form takes one more.

    Args:
        progress: called with issues read and total issues.
    """
    try:
        with session.github.transport.uncapped():
            yield from _examine(session, progress)
    except BudgetExhausted as error:
        yield Check("budget", Level.FAIL, f"{error.what} The remaining checks were not made", error.hint)


def _examine(session: Session, progress: Progress) -> Iterator[Check]:
    path = f"/repos/{quote(session.github.repository)}"
    transport = session.github.transport
    asked = _asked(lambda: (transport.get(path, kind=_FACTS), transport.query(queries.RULES, _names(session))))
    if isinstance(asked, AccessDeniedError):
        yield Check("token", Level.FAIL, asked.what, "Set GITHUB_TOKEN to a valid one, such as `gh auth token` prints")
        return
    if isinstance(asked, StoreError):
        yield _unseen(session, asked)
        return
    facts, answer = asked
    viewer = str((answer.data.get("viewer") or {}).get("login") or "")
    yield Check("token", Level.OK, f"valid; it belongs to {viewer}")
    yield from _repository(facts)
    if facts.get("has_issues"):
        yield _listing(session, path)
    yield _writing(session, path, facts)
    yield from _contents(answer)
    configured = _configuration(session)
    yield configured
    yield from _workflows(session, path)
    if configured.level is Level.OK:
        yield from _labels(session, path)
        yield from _objects(session, progress)
    left = transport.left or 0
    hint = "" if left else "Wait for the next hour, or raise rate_limit.max_requests_per_hour if it is set."
    yield Check("budget", Level.OK if left else Level.WARN, f"{left:,} requests left this hour", hint)


def _asked(question: Callable[[], Found]) -> Found | StoreError:
    """What was found, or why it was not; that failure concerns one row only.

    Raises:
        BudgetExhausted, Cancelled: every other question would fail the same way.
    """
    try:
        return question()
    except (BudgetExhausted, Cancelled):
        raise
    except StoreError as error:
        return error


def _status(found: object) -> int:
    """The HTTP status of a refusal; 0 for anything else."""
    return found.status if isinstance(found, GitHubError) else 0


def _names(session: Session) -> dict[str, str]:
    owner, name = session.github.repository.split("/", 1)
    return {"owner": owner, "name": name}


def _unseen(session: Session, error: StoreError) -> Check:
    if _status(error) != 404:
        return Check("connection", Level.FAIL, error.what, error.hint)
    found = f"{session.github.repository} does not exist, or the token cannot see it"
    return Check("repository", Level.FAIL, found, "Check the name, and give the token access to the repository.")


def _repository(facts: Mapping[str, Any]) -> Iterator[Check]:
    name, kind = facts["full_name"], "private" if facts.get("private") else "public"
    if facts.get("archived"):
        found = f"{name} is archived and read-only"
        yield Check("repository", Level.FAIL, found, "Unarchive it in its settings.")
    else:
        yield Check("repository", Level.OK, f"{name}, {kind}")
    if facts.get("has_issues"):
        yield Check("issues", Level.OK, "enabled")
    else:
        yield Check("issues", Level.FAIL, "disabled", "Enable them under Settings > General > Features.")


def _listing(session: Session, path: str) -> Check:
    found = _asked(lambda: session.github.transport.get(f"{path}/issues", {"per_page": 1}, kind=list))
    if isinstance(found, StoreError):
        return Check("issues: read", Level.FAIL, f"the token may not list issues: {found.what}", _grant("issues: read"))
    return Check("issues: read", Level.OK, "tested by listing issues")


def _writing(session: Session, path: str, facts: Mapping[str, Any]) -> Check:
    """Posts a label without a name: 403 or 404 without write access, 422 with it; either way, no label is created."""
    status = _status(_asked(lambda: session.github.transport.send("POST", f"{path}/labels", {})))
    given = facts.get("permissions") or {}
    role = next((role for role in _ROLES if given.get(role)), "")
    known = f"; your permission on the repository is {role}" if role else ""
    if status == 422:
        return Check("issues: write", Level.OK, f"tested by an empty request{known}")
    if status in (403, 404):
        return Check("issues: write", Level.FAIL, f"the token may not write issues{known}", _grant("issues: write"))
    return Check("issues: write", Level.WARN, f"GitHub did not say (status {status}){known}", "Try again later.")


def _contents(answer: Answer) -> Iterator[Check]:
    """Whether the token can read files: if not, GitHub does not show it the default branch."""
    found = answer.data.get("repository") or {}
    refused = any("config" in (error.get("path") or ()) for error in answer.errors)
    if refused or (found.get("defaultBranchRef") is None and not found.get("isEmpty")):
        yield Check("contents: read", Level.FAIL, "the token may not read files", _grant("contents: read"))
    else:
        yield Check("contents: read", Level.OK, "tested by reading the default branch")


def _grant(permission: str) -> str:
    return f"In a workflow, add `permissions: {{{permission}}}` to the job. A personal token needs the same permission."


def _configuration(session: Session) -> Check:
    found = _asked(session.ensure)
    if isinstance(found, StoreError):
        return Check("configuration", Level.FAIL, found.what, found.hint)
    for wrong in session.wrong_schemas:
        return Check("configuration", Level.FAIL, wrong.what, wrong.hint)
    return Check("configuration", Level.OK, f"valid; schemas: {len(session.rules.schemas) or 'none'}")


def _labels(session: Session, path: str) -> Iterator[Check]:
    """The base label, and those of forms: GitHub puts none on a form's issue that the repository lacks."""
    base = session.rules.base_label
    for name in dict.fromkeys((base, *(form.label for form in session.rules.forms))):
        found = _asked(lambda name=name: session.github.transport.get(f"{path}/labels/{quote(name, safe='')}"))  # type: ignore[misc]
        if not isinstance(found, StoreError):
            yield Check("label", Level.OK, f"{name!r} exists")
        elif name == base:
            hint = "`gh-store create` creates it with the first object."
            yield Check("label", Level.WARN, f"{name!r} does not exist yet", hint)
        else:
            hint = "A sweep creates it, and so does `gh-store form-link`."
            yield Check("label", Level.WARN, f"{name!r} does not exist yet, so the store sees no such form", hint)


def _workflows(session: Session, path: str) -> Iterator[Check]:
    """Whether each template is installed, found by its first line, and has this version."""
    there = _asked(lambda: _workflow_files(session, path))
    if isinstance(there, StoreError):
        return  # another row reports that files cannot be read
    base_label = session.rules.base_label
    copies = {
        found["name"]: (name, text, int(found["version"])) for name, text in there.items() for found in _lines(text)
    }
    own = sorted(
        name
        for name, text in there.items()
        if _USES.search(text) and not any(found["name"] in templates() for found in _lines(text))
    )
    for template, shipped in _shipped().items():
        title = f"workflow {template}"
        newest = max(int(found["version"]) for found in _lines(shipped))
        if template in copies:
            found = _copy(title, *copies[template], newest=newest, base_label=base_label)
            yield replace(found, found=f"{found.found}; {_PUSHES}") if template == "snapshot.yml" else found
        elif template == WITH_PAGE:
            continue  # another way to run a store, so it is not missing
        elif own:
            yield Check(title, Level.OK, f"not installed; these workflows use the action: {', '.join(own)}")
        elif template in _NEEDED:
            hint = "Run `gh-store init --repository-files` in a checkout, commit and push."
            yield Check(title, Level.WARN, f"not installed: {_NEEDED[template]}", hint)
        else:
            yield Check(title, Level.OK, "not installed; only needed for snapshots in the repository")
    yield _off(session, path, there)


def _off(session: Session, path: str, there: Mapping[str, str]) -> Check:
    """Which workflows on the default branch use the action but are disabled."""
    title = "disabled workflows"
    ours = _asked(lambda: [f"{name} ({_OFF[state]})" for name, state in _states_off(session, path, there)])
    if isinstance(ours, StoreError):
        found = f"unknown; GitHub did not list them: {ours.what}"
        return Check(title, Level.WARN, found, _grant("actions: read"))
    hint = "Enable them: `gh workflow enable NAME`, or Actions > the workflow > Enable workflow."
    return _row(title, Level.WARN, ours, hint)


def _states_off(session: Session, path: str, there: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The name and state of each disabled workflow that uses the action."""
    for file, state in _states(session, path):
        if file.parent == WORKFLOWS and state in _OFF:
            text = there.get(file.name) or session.github.file(f"{WORKFLOWS}/{file.name}") or ""
            if _USES.search(text):
                yield file.name, state


def _workflow_files(session: Session, path: str) -> Mapping[str, str]:
    """The workflows on the default branch: those with a template's name and, only if one is missing, the others."""
    try:
        listed = session.github.transport.get(f"{path}/contents/{WORKFLOWS}", kind=[{"name": str}])
    except GitHubError as error:
        if error.status != 404:
            raise
        return {}
    names = [str(entry["name"]) for entry in listed if str(entry["name"]).endswith((".yml", ".yaml"))]
    wanted = names if set(templates()) - set(names) else list(templates())
    return {name: session.github.file(f"{WORKFLOWS}/{name}") or "" for name in wanted}


def _states(session: Session, path: str) -> Iterator[tuple[PurePosixPath, str]]:
    """Each workflow's file and state, in GitHub's terms: one request for each hundred."""
    page, more = 1, True
    while more:
        parameters = {"per_page": PAGE, "page": page}
        kind: Kind = {"workflows": [{"path": str, "state": str}]}
        found = session.github.transport.get(f"{path}/actions/workflows", parameters, kind=kind)["workflows"]
        yield from ((PurePosixPath(one["path"]), str(one["state"])) for one in found)
        page, more = page + 1, len(found) == PAGE


def _lines(text: str) -> Iterator[re.Match[str]]:
    return _TEMPLATE_LINE.finditer(text)


def _copy(title: str, name: str, text: str, version: int, *, newest: int, base_label: str) -> Check:
    if version < newest:
        hint = f"Update your copy to version {newest} of the template."
        return Check(title, Level.WARN, f"{name} was copied from version {version}", hint)
    if "stored-object" in text and base_label != "stored-object":
        hint = f"Replace it with {base_label!r}, the base_label of the configuration."
        return Check(title, Level.WARN, f"{name} looks for the label 'stored-object'", hint)
    return Check(title, Level.OK, f"{name}, version {version}")


def _objects(session: Session, progress: Progress) -> Iterator[Check]:
    label, github = session.rules.base_label, session.github
    listings = _asked(
        lambda: (
            _all(session.listed, progress),
            _all(lambda cursor: github.sweep(label, cursor).whole(), progress),
        )
    )
    if isinstance(listings, StoreError):
        yield Check("objects", Level.FAIL, listings.what, listings.hint)
        return
    issues, swept = listings
    rules = session.rules
    broken: list[str] = []
    retired: list[str] = []
    holders: dict[str, list[int]] = {}
    for issue in issues:
        found = snapshots.stored_object(issue, rules, session.may_write)
        if isinstance(found, StoredObject):
            holders.setdefault(objects.key(found.meta.object_id, rules), []).append(issue.number)
        elif why := objects.retired(issue):
            retired.append(f"#{issue.number} ({why})")
        elif found.broken:
            broken.append(f"#{issue.number} ({found.reason})")
    yield Check("objects", Level.OK, f"{len(holders):,} in {len(issues):,} issues with the label")
    pages_of = (swept[at : at + PAGE] for at in range(0, len(swept), PAGE))
    unsettled = [issue for some in pages_of for issue in waiting(session, some)]
    older = [f"#{issue.number}" for issue in unsettled if objects.read_title(issue.title)[1] is None]
    stranded = [f"#{issue.number}" for issue in unsettled if objects.read_title(issue.title)[1] is not None]
    yield _row("pending updates", Level.WARN, stranded, "Run `gh-store sweep`.")
    yield _row("written by gh-store", Level.WARN, older, "Run `gh-store migrate --dry-run`, then `gh-store migrate`.")
    doubles = [f"{object_id} in {_numbers(held)}" for object_id, held in holders.items() if len(held) > 1]
    hint = (
        "The lowest number counts. Post there what is worth keeping from the others, then remove their labels, or run "
        "`gh-store dedupe --dry-run`."
    )
    yield _row("duplicate ids", Level.FAIL, doubles, hint)
    hint = (
        "They are in no list and no snapshot. Use the objects that they were merged into, or remove gh-store's label. "
        "`gh-store dedupe --dry-run` shows what those objects lack."
    )
    yield _row("aliases of gh-store", Level.WARN, retired, hint)
    yield _row("broken bodies", Level.FAIL, broken, "Run `gh-store verify --repair`, or fix them by hand.")


def _all(fetch: Callable[[str | None], Page], progress: Progress) -> list[Issue]:
    found: list[Issue] = []
    for page in pages(fetch(None), fetch):
        found += page.issues
        progress(len(found), max(page.total, len(found)))
    return found


def _numbers(numbers: Iterable[int]) -> str:
    return ", ".join(f"#{number}" for number in numbers)


def _row(name: str, level: Level, found: list[str], hint: str) -> Check:
    """None is fine; lists some and counts the rest."""
    if not found:
        return Check(name, Level.OK, "none")
    more = f" and {len(found) - NAMED:,} more" if len(found) > NAMED else ""
    return Check(name, level, f"{len(found):,}: {', '.join(shorten(one, 200) for one in found[:NAMED])}{more}", hint)
