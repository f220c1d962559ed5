"""Holds REST exchanges against an OpenAPI 3.0 description of GitHub's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.support.exchanges import Exchange

ANYWHERE = {
    "301": "a renamed repository (docs: Best practices for using the REST API)",
    "307": "the same where not read (docs: Best practices for using the REST API)",
    "304": "conditional requests (docs: Best practices for using the REST API)",
    "400": "problems parsing JSON (docs: Troubleshooting the REST API)",
    "401": "bad credentials (docs: Troubleshooting the REST API)",
    "403": "missing permission, rate limits (docs: Troubleshooting the REST API)",
    "404": "absent, or not to be seen (docs: Troubleshooting the REST API)",
    "429": "rate limits (docs: Rate limits for the REST API)",
}
"""Statuses that GitHub documents for every endpoint at once, and the description only for some."""

REPORTED = {("actions/create-workflow-dispatch", "422")}
"""Statuses that GitHub was seen to answer with, and describes nowhere: a workflow that is turned off
(benc-uk/workflow-dispatch#72)."""

CURSORS = ("after", "before", "page")
"""Parameters of the opaque addresses in Link headers (docs: Using pagination in the REST API)."""

WIDE = ("path", "ref", "branch", "name")
"""Path parameters whose value may hold slashes."""

FORMATS = FormatChecker(formats=())
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


@FORMATS.checks("date-time")
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or bool(_TIME.fullmatch(value))


@FORMATS.checks("uri")
def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or bool(re.fullmatch(r"[a-z][a-z0-9+.-]*:\S+", value))


@FORMATS.checks("int32")
def _is_int32(value: object) -> bool:
    return not isinstance(value, int) or -(2**31) <= value < 2**31


@dataclass(frozen=True)
class Allowance:
    """Something that GitHub does and its description does not say, with where it does say so.

    Args:
        operation: such as `issues/add-labels`; empty for any.
        text: what the finding begins with.
        source: the evidence.
    """

    operation: str
    text: str
    source: str


class Description:
    """An OpenAPI description, ready to be asked.

    Args:
        loaded: the description, read.
        allowances: what is let pass, and why.
    """

    def __init__(self, loaded: Mapping[str, Any], allowances: tuple[Allowance, ...] = ()) -> None:
        self._loaded = loaded
        self.allowances = allowances
        self.used: set[Allowance] = set()
        self.operations: set[str] = set()
        self._validators: dict[str, Draft202012Validator] = {}

    @cached_property
    def _registry(self) -> Registry[Any]:
        components: dict[str, Any] = {
            "components": {"schemas": {n: _modern(s) for n, s in self._loaded["components"]["schemas"].items()}}
        }
        resource: Resource[Any] = Resource(contents=components, specification=DRAFT202012)  # type: ignore[call-arg]
        registry: Registry[Any] = Registry().with_resource("urn:github", resource)
        return registry

    @cached_property
    def _paths(self) -> list[tuple[re.Pattern[str], str]]:
        """Patterns of the templates, those with most literal text first."""

        def pattern(template: str) -> re.Pattern[str]:
            parts = re.split(r"\{(\w+)\}", template)
            last = len(parts) - 2
            return re.compile(
                "".join(
                    re.escape(part)
                    if place % 2 == 0
                    else f"(?P<{part}>{'.+' if part in WIDE and place == last and not parts[-1] else '[^/]+'})"
                    for place, part in enumerate(parts)
                )
            )

        templates = sorted(self._loaded["paths"], key=lambda t: (-len(re.sub(r"\{\w+\}", "", t)), t))
        return [(pattern(template), template) for template in templates]

    def problems(self, exchange: Exchange) -> list[str]:
        """What of an exchange the description does not allow; empty where all is well."""
        path = re.sub(r"^/repositories/\d+(?=/|$)", "/repos/owner/repo", exchange.path)
        # Without a path it is the root directory (repos/get-content).
        path = re.sub(r"(^/repos/[^/]+/[^/]+/contents)/?$", r"\1/.", path)
        # Addresses in GitHub's answers name teams by number; the description names them by what they are called.
        path = re.sub(r"^/organizations/\d+/team/\d+(?=/|$)", "/orgs/org/teams/team", path)
        for pattern, template in self._paths:
            match = pattern.fullmatch(path)
            operation = match and self._loaded["paths"][template].get(exchange.method.lower().replace("head", "get"))
            if match and operation:
                break
        else:
            # A path that GitHub has not either may only be answered like that.
            return [] if exchange.status in (401, 404) else [f"{exchange.method} {path}: no such operation"]
        name = operation["operationId"]
        self.operations.add(name)
        found = [*self._request(operation, match, exchange), *self._response(operation, exchange)]
        return [
            f"{exchange.method} {template} ({name}) -> {exchange.status}: {text}"
            for text in found
            if not self._allowed(name, text)
        ]

    def _allowed(self, operation: str, text: str) -> bool:
        for allowance in self.allowances:
            if allowance.operation in ("", operation) and text.startswith(allowance.text):
                self.used.add(allowance)
                return True
        return False

    def _request(self, operation: Mapping[str, Any], match: re.Match[str], exchange: Exchange) -> Iterator[str]:
        if exchange.status >= 400:
            return  # what was refused need not be right
        declared = {(p["in"], p["name"]): p for p in map(self._resolved, operation.get("parameters", ()))}
        sent = {("path", key): value for key, value in match.groupdict().items()}
        sent |= {("query", key): value for key, value in parse_qsl(exchange.query, keep_blank_values=True)}
        for (place, key), value in sent.items():
            parameter = declared.get((place, key))
            if parameter is not None:
                yield from self._against(parameter["schema"], _typed(value, parameter["schema"]), f"{place} {key}")
            elif place == "query" and key not in CURSORS:
                yield f"request: query {key} is not described"
        body = operation.get("requestBody")
        if not exchange.body or exchange.body in ("{}", "null"):
            if body and body.get("required") and "required" in json.dumps(body):
                yield from self._against(_media(body), {}, "body")
        elif body is None:
            yield f"request: body {exchange.body[:80]} is not described"
        else:
            yield from self._against(_media(body), json.loads(exchange.body), "body")

    def _response(self, operation: Mapping[str, Any], exchange: Exchange) -> Iterator[str]:
        status = str(exchange.status)
        response = operation["responses"].get(status)
        if response is None:
            if status not in ANYWHERE and (operation["operationId"], status) not in REPORTED:
                yield f"response: status {status} is not described"
                return
            response = {}
        response = self._resolved(response)
        schema = _media(response)
        if schema is None and exchange.status >= 300:
            schema = _ERROR  # every error has it (docs: Troubleshooting the REST API), and redirects are seen to
        if not exchange.content:
            if schema is not None and exchange.method != "HEAD" and status != "304":
                yield "response: no content"
        elif exchange.media == "application/vnd.github.raw":
            pass  # docs: Getting started with the REST API, Media types
        elif schema is None:
            yield f"response: content {exchange.content[:80]} is not described"
        else:
            yield from self._against(schema, json.loads(exchange.content), "response")

    def _resolved(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in node:
            found: Any = self._loaded
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node

    def _against(self, schema: Any, value: Any, where: str) -> Iterator[str]:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            modern = _modern(schema)
            self._validators[key] = Draft202012Validator(modern, registry=self._registry, format_checker=FORMATS)
        for error in self._validators[key].iter_errors(value):
            deepest = error
            while deepest.context:
                deepest = max(deepest.context, key=lambda one: (len(one.absolute_path), -len(one.message)))
            yield f"{where} {error.json_path}: {error.message[:160]}" + (
                f" [{deepest.json_path}: {deepest.message[:160]}]" if deepest is not error else ""
            )


_ERROR = {"$ref": "#/components/schemas/basic-error"}


def _media(node: Mapping[str, Any]) -> Any:
    """The schema of the JSON that a request or response holds, or None."""
    content = node.get("content") or {}
    for media in ("application/json", "application/vnd.github.object", "application/scim+json"):
        if media in content:
            return content[media].get("schema", {})
    return None


def _typed(text: str, schema: Mapping[str, Any]) -> Any:
    """A path or query parameter as what it stands for."""
    kind = schema.get("type")
    if kind == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind == "array":
        return text.split(",")
    if "oneOf" in schema and text.isdigit():
        return int(text)
    return text


def _modern(schema: Any) -> Any:
    """An OpenAPI 3.0 schema as JSON Schema 2020-12.

    `nullable` becomes a choice with null. `oneOf` becomes `anyOf`: GitHub means "one of these", and several of its
    alternatives overlap, so that its own examples fit more than one.
    """
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": f"urn:github{schema['$ref']}"}
    modern: dict[str, Any] = {key: value for key, value in schema.items() if key in _PLAIN}
    for key in ("properties", "patternProperties"):
        if key in schema:
            modern[key] = {name: _modern(inner) for name, inner in schema[key].items()}
    for key in ("items", "additionalProperties", "not"):
        if key in schema:
            modern[key] = _modern(schema[key])
    for key, becomes in (("allOf", "allOf"), ("anyOf", "anyOf"), ("oneOf", "anyOf")):
        if key in schema:
            modern[becomes] = [_modern(inner) for inner in schema[key]]
    return {"anyOf": [modern, {"type": "null"}]} if schema.get("nullable") is True else modern


_PLAIN = {"enum", "format", "maxItems", "maxLength", "maximum", "minItems", "minLength", "minProperties", "minimum"} | {
    "pattern",
    "required",
    "type",
    "uniqueItems",
}
