"""Refusals: what GitHub answers instead of doing, in the shape of both of its APIs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

DOCS = "https://docs.github.com/rest"


class Refusal(Exception):
    """A request that GitHub turns down.

    Args:
        status: the REST status.
        message: the REST message.
        errors: REST validation details, or None to leave the key out.
        type: the GraphQL error type; None leaves it out.
        graphql: the GraphQL message where it differs from the REST one.
        needs: content of ``x-accepted-github-permissions``.
        headers: further response headers.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Sequence[Any] | None = None,
        type: str | None = "UNPROCESSABLE",
        graphql: str | None = None,
        needs: str | None = None,
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors
        self.type = type
        self.graphql = graphql or message
        self.headers = dict(headers or {})
        self.extensions = extensions
        if needs:
            self.headers["X-Accepted-GitHub-Permissions"] = needs

    def body(self) -> dict[str, Any]:
        """The REST error object (schemas basic-error and validation-error of the OpenAPI description)."""
        answer: dict[str, Any] = {"message": self.message}
        if self.errors is not None:
            answer["errors"] = list(self.errors)
        answer["documentation_url"] = DOCS
        answer["status"] = str(self.status)
        return answer


def not_found(graphql: str = "Could not resolve to a node.") -> Refusal:
    """Absent, or private and not to be seen: GitHub does not tell them apart (troubleshooting-the-rest-api)."""
    return Refusal(404, "Not Found", type="NOT_FOUND", graphql=graphql)


def no_node(node_id: str) -> Refusal:
    return not_found(f"Could not resolve to a node with the global id of '{node_id}'")


def integration_forbidden(needs: str) -> Refusal:
    """A workflow token without the permission."""
    return Refusal(403, "Resource not accessible by integration", type="FORBIDDEN", needs=needs)


def user_forbidden(login: str, mutation: str, message: str = "Must have admin rights to Repository.") -> Refusal:
    """A person without the right."""
    text = f"{login} does not have the correct permissions to execute `{mutation}`"
    return Refusal(403, message, type="FORBIDDEN", graphql=text)


def invalid(resource: str, field: str, code: str, message: str | None = None, value: Any = None) -> Refusal:
    """A 422 with one validation detail."""
    detail: dict[str, Any] = {"resource": resource, "field": field, "code": code}
    if message is not None:
        detail["message"] = message
    if value is not None:
        detail = {"value": value, **detail}
    graphql = f"{field.capitalize()} {message.removeprefix(field).strip()}" if message else "Validation failed"
    return Refusal(422, "Validation Failed", errors=[detail], graphql=graphql)


def bad_request(message: str) -> Refusal:
    return Refusal(400, message)
