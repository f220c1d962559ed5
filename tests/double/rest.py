"""REST: routing, request and answer, paging."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urlencode

from .access import Principal, can_see, require_seen
from .errors import DOCS, Refusal, not_found
from .hub import Hub
from .model import Comment, Issue, RepositoryRecord
from .shapes import Shapes

T = TypeVar("T")


@dataclass(slots=True)
class Call:
    """One REST request, understood."""

    hub: Hub
    who: Principal
    method: str
    path: str
    query: Mapping[str, str]
    json: Any
    api: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def shapes(self) -> Shapes:
        return self.hub.shapes(self.api)

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object sent; anything else is what GitHub calls a problem parsing JSON."""
        if self.json is None:
            return {}
        if not isinstance(self.json, dict):
            raise Refusal(422, "Invalid request.\n\nFor 'links/0/schema', expected an object.")
        return self.json

    def repository(self, owner: str, repo: str) -> RepositoryRecord:
        full_name = f"{owner}/{repo}"
        found = self.hub.world.repository(full_name)
        return require_seen(self.hub.world, found, self.who, full_name)

    def text(self, key: str, required: bool = False) -> str | None:
        """A string of the body, or None where absent; null counts as absent."""
        value = self.body.get(key)
        if value is None:
            if required:
                raise Refusal(422, f'Invalid request.\n\n"{key}" wasn\'t supplied.')
            return None
        if not isinstance(value, str):
            raise Refusal(422, f"Invalid request.\n\nFor 'properties/{key}', {value!r} is not a string.")
        return value


@dataclass(slots=True)
class Answer:
    """A REST answer before it becomes bytes."""

    status: int
    json: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    text: str | None = None


Handler = Callable[..., Answer]
_ROUTES: list[tuple[re.Pattern[str], dict[str, Handler]]] = []
_BY_TEMPLATE: dict[str, dict[str, Handler]] = {}


def route(method: str, template: str) -> Callable[[Handler], Handler]:
    """Register a handler for a path such as ``/repos/{owner}/{repo}/issues``; ``{+x}`` also takes slashes,
    ``{number}`` and ``{…_id}`` digits only."""

    def register(handler: Handler) -> Handler:
        if template not in _BY_TEMPLATE:
            _BY_TEMPLATE[template] = {}
            pattern = re.sub(r"\{\+(\w+)\}", r"(?P<\1>.+)", template)
            pattern = re.sub(r"\{(number|\w+_id)\}", r"(?P<\1>[0-9]+)", pattern)
            pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
            _ROUTES.append((re.compile(pattern), _BY_TEMPLATE[template]))
        _BY_TEMPLATE[template][method] = handler
        return handler

    return register


def dispatch(call: Call) -> Answer:
    """Answer a call; a path nobody registered is 404, as on GitHub."""
    method = "GET" if call.method == "HEAD" else call.method
    path = call.path
    by_id = re.match(r"/repositories/(\d+)(/.*)?$", path)
    if by_id:
        repo = call.hub.world.repository_by_id(int(by_id[1]))
        if repo is None:
            raise not_found()
        path = f"/repos/{repo.full_name}{by_id[2] or ''}"
    moved = _moved(call, path)
    if moved is not None:
        return moved
    for pattern, handlers in _ROUTES:
        match = pattern.fullmatch(path)
        if match and method in handlers:
            return handlers[method](call, **{name: unquote(value) for name, value in match.groupdict().items()})
    raise not_found()


def _moved(call: Call, path: str) -> Answer | None:
    """A redirect where a repository was renamed: 301 for reads, 307 for all else (docs: Best practices for using the
    REST API; the body as in https://github.com/18F/charlie/pull/85)."""
    parts = re.match(r"/repos/([^/]+/[^/]+)(/.*)?$", path)
    repo = parts and call.hub.world.moved(unquote(parts[1]))
    if parts is None or repo is None or not can_see(call.hub.world, repo, call.who):
        return None
    query = f"?{urlencode(call.query, quote_via=quote)}" if call.query else ""
    url = f"{call.api}/repositories/{repo.id}{parts[2] or ''}{query}"
    guide = "guides/best-practices-for-using-the-rest-api#follow-redirects"
    body = {"message": "Moved Permanently", "url": url, "documentation_url": f"{DOCS}/{guide}"}
    return Answer(301 if call.method in ("GET", "HEAD") else 307, body, {"Location": url})


def find_issue(call: Call, repo: RepositoryRecord, number: str) -> Issue:
    """An issue by number: 410 when it was deleted, 404 when there never was one (OpenAPI issues/get)."""
    issue = repo.issues.get(int(number)) if number.isdigit() else None
    if issue is None:
        if number.isdigit() and int(number) in repo.deleted_numbers:
            raise Refusal(410, "This issue was deleted", type="NOT_FOUND")
        raise not_found()
    if not repo.issues_enabled and not issue.pull:
        raise issues_disabled()
    return issue


def issues_disabled() -> Refusal:
    return Refusal(410, "Issues are disabled for this repo", type="NOT_FOUND")


def find_comment(call: Call, repo: RepositoryRecord, comment_id: str) -> Comment:
    comment = repo.comments.get(int(comment_id)) if comment_id.isdigit() else None
    if comment is None or (call.method in ("GET", "HEAD") and not repo.lags.shown("comments", [comment])):
        raise not_found()
    return comment


def page_size(query: Mapping[str, str]) -> int:
    """30 unless asked otherwise, at most 100; nonsense counts as the default."""
    value = query.get("per_page", "")
    return min(int(value), 100) if value.isdigit() and int(value) > 0 else 30


def by_page(call: Call, items: Sequence[T], repo: RepositoryRecord | None = None) -> tuple[Sequence[T], dict[str, str]]:
    """One page by number, with a Link header of first, prev, next and last."""
    size = page_size(call.query)
    page = call.query.get("page", "1")
    number = max(int(page), 1) if page.isdigit() else 1
    last = max(-(-len(items) // size), 1)
    links = []
    if number > 1:
        links += [("prev", min(number - 1, last))]
    if number < last:
        links += [("next", number + 1), ("last", last)]
    if number > 1:
        links += [("first", 1)]
    url = _link_base(call, repo)
    header = ", ".join(
        f'<{url}?{urlencode({**call.query, "page": str(n)}, quote_via=quote)}>; rel="{rel}"' for rel, n in links
    )
    chosen = items[(number - 1) * size : number * size]
    return chosen, {"Link": header} if header else {}


def _link_base(call: Call, repo: RepositoryRecord | None) -> str:
    """Link URLs name the repository by id (facts file, More behaviour)."""
    path = call.path
    if repo is not None:
        path = re.sub(r"^/repos/[^/]+/[^/]+", f"/repositories/{repo.id}", path)
    return call.api + path


def by_cursor(
    call: Call, items: Sequence[Issue], repo: RepositoryRecord, key: Callable[[Issue], str]
) -> tuple[Sequence[Issue], dict[str, str]]:
    """One page of issues by opaque cursor: ``next`` and ``prev`` only
    (https://github.com/ossf/criticality_score/pull/830); page numbers work up to 10,000 rows, then 422
    (https://github.com/google/go-github/issues/3565)."""
    size = page_size(call.query)
    positions = {key(item): index for index, item in enumerate(items)}
    start = 0
    if "after" in call.query:
        start = positions.get(call.query["after"], len(items)) + 1
    elif "before" in call.query:
        start = max(positions.get(call.query["before"], 0) - size, 0)
    elif call.query.get("page", "").isdigit():
        number = max(int(call.query["page"]), 1)
        if number * size >= call.hub.options.page_rows:
            raise Refusal(
                422,
                "Pagination with the page parameter is not supported for large datasets, "
                "please use cursor based pagination (after/before)",
            )
        start = (number - 1) * size
    chosen = items[start : start + size]
    rest = {k: v for k, v in call.query.items() if k not in ("after", "before", "page")}
    links = []
    if chosen and start + size < len(items):
        links.append(("next", {"after": key(chosen[-1]), **rest}))
    if chosen and start > 0:
        links.append(("prev", {"before": key(chosen[0]), **rest}))
    url = _link_base(call, repo)
    header = ", ".join(f'<{url}?{urlencode(q, quote_via=quote)}>; rel="{rel}"' for rel, q in links)
    return chosen, {"Link": header} if header else {}
