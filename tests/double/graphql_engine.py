"""GraphQL: documents parsed and checked once, executed by graphql-core, errors in GitHub's shape."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    SKIP,
    DocumentNode,
    FieldNode,
    FieldsOnCorrectTypeRule,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    OperationType,
    SourceLocation,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    VisitorAction,
    build_schema,
    get_location,
    parse,
    specified_rules,
    validate,
    visit,
)

from .access import Principal, can_see
from .clock import iso
from .errors import Refusal, no_node
from .graphql_connections import Estimate
from .graphql_execution import Document
from .hub import Hub
from .model import RepositoryRecord, World

INT_LIMIT = 2**31
Resolver = Callable[..., Any]
RESOLVERS: dict[tuple[str, str], Resolver] = {}
TYPE_OF: dict[type, Callable[[Any], str]] = {}


@dataclass(frozen=True, slots=True)
class AliasFault:
    """A top-level field that fails: before its effect, or after it.

    Attributes:
        error: what goes into ``errors`` beside path and locations, for instance ``{"type": …, "message": …}``.
    """

    error: Mapping[str, Any]
    after: bool = False


@dataclass(slots=True)
class Context:
    """One request's circumstances, handed to every resolver as ``info.context``."""

    hub: Hub
    who: Principal
    estimate: Estimate
    faults: Mapping[str, AliasFault] = field(default_factory=dict)
    repositories: dict[int, RepositoryRecord] = field(default_factory=dict)

    @property
    def world(self) -> World:
        return self.hub.world

    def repo(self, number: int) -> RepositoryRecord:
        """A repository that the viewer may see, by its number."""
        found = self.repositories.get(number)
        if found is None:
            found = self.world.repository_by_id(number)
            if found is None or not can_see(self.world, found, self.who):
                raise no_node(str(number))
            self.repositories[number] = found
        return found


class AliasFailed(Exception):
    """Carries the error of an AliasFault through graphql-core."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(str(error.get("message", "")))
        self.error = error


def resolves(kind: str, *names: str) -> Callable[[Resolver], Resolver]:
    """Register the resolver of a field for one or several types (separated by a space)."""

    def register(function: Resolver) -> Resolver:
        for one in kind.split():
            for name in names:
                RESOLVERS[one, name] = function
        return function

    return register


def attributes(kind: str, **names: str) -> None:
    """Fields that are plain attributes of the source."""
    for one in kind.split():
        for name, attribute in names.items():
            RESOLVERS[one, name] = eval(f"lambda source, info, **_: source.{attribute}")  # noqa: S307


def _from_mapping(name: str) -> Resolver:
    return lambda source, info, **_: source.get(name)


def _checked(name: str, resolver: Resolver) -> Resolver:
    """A top-level field that fails on demand, before or after its effect."""

    def resolve(source: Any, info: Any, **arguments: Any) -> Any:
        faults = info.context.faults
        fault = faults and (faults.get(info.key) or faults.get(name))
        if fault and not fault.after:
            raise AliasFailed(fault.error)
        result = resolver(source, info, **arguments)
        if fault:
            raise AliasFailed(fault.error)
        return result

    return resolve


@cache
def schema() -> GraphQLSchema:
    """The schema with its resolvers; built once a process."""
    from . import graphql_mutations, graphql_timeline  # noqa: F401 - they register resolvers

    built = build_schema((Path(__file__).parent / "schema.graphql").read_text(), assume_valid=True)
    wide = GraphQLScalarType("WideInt", serialize=lambda value: value)
    wide.name = "Int"
    for kind in built.type_map.values():
        if kind.name.startswith("__"):
            continue
        if isinstance(kind, GraphQLObjectType):
            for name, definition in kind.fields.items():
                resolver = RESOLVERS.get((kind.name, name)) or RESOLVERS.get(("*", name)) or _from_mapping(name)
                if kind.name in ("Query", "Mutation"):
                    resolver = _checked(name, resolver)
                definition.resolve = resolver
                if name == "databaseId":
                    definition.type = wide
        elif hasattr(kind, "resolve_type"):
            kind.resolve_type = lambda value, info, _kind: TYPE_OF[type(value)](value)
    return built


class Engine:
    """Answers GraphQL request bodies.

    Args:
        hub: the state.
    """

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.schema = schema()

    def answer(self, body: Any, who: Principal, faults: Mapping[str, AliasFault]) -> dict[str, Any]:
        """The JSON answer to a request body; always sent with status 200."""
        if not isinstance(body, dict) or not isinstance(body.get("query"), str):
            return {"errors": [{"message": "A query attribute must be specified and must be a string."}]}
        document, problems = _document(body["query"], frozenset(self.hub.options.unknown_fields))
        if problems:
            return {"errors": list(problems)}
        assert document is not None
        operation = document.operation(body.get("operationName"))
        if operation is None:
            return {"errors": [{"message": "An operation name is required"}]}
        variables = body.get("variables") or {}
        estimate = document.estimate(operation, variables)
        limited = self._charge(who, estimate)
        if limited is not None:
            return limited
        if estimate.nodes > self.hub.options.node_limit:
            text = (
                f"This query requests up to {estimate.nodes:,} possible nodes which exceeds the maximum limit of "
                f"{self.hub.options.node_limit:,}."
            )
            return {"errors": [{"type": "MAX_NODE_LIMIT_EXCEEDED", "message": text}]}
        data, errors = document.run(operation, Context(self.hub, who, estimate, faults), variables)
        answer: dict[str, Any] = {}
        if data is not None or not any(e.path is None for e in errors):
            answer["data"] = data
        if errors:
            answer["errors"] = [_error(error) for error in errors]
        return answer

    def _charge(self, who: Principal, estimate: Estimate) -> dict[str, Any] | None:
        """Take the cost from the GraphQL bucket; beyond it, HTTP 200 with an error (docs: Rate limits and query
        limits for the GraphQL API; https://github.com/yanyongyu/githubkit/issues/271)."""
        bucket = self.hub.bucket(who, "graphql")
        if self.hub.options.enforce_limits and bucket.used >= bucket.limit:
            account = self.hub.world.account(who.login)
            subject = (
                f"installation ID {who.repository}" if who.installation else f"user ID {account.id if account else 0}"
            )
            text = f"API rate limit already exceeded for {subject}."
            return {"errors": [{"type": "RATE_LIMIT", "code": "graphql_rate_limit", "message": text}]}
        bucket.used += estimate.cost
        return None

    def points(self, body: Any) -> int:
        """What a request costs by the documented formula, 0 where it is none that can be read."""
        if not isinstance(body, dict) or not isinstance(body.get("query"), str):
            return 0
        document, problems = _document(body["query"])
        operation = document.operation(body.get("operationName")) if document and not problems else None
        if document is None or operation is None:
            return 0
        return document.estimate(operation, body.get("variables") or {}).cost

    def describe(self, body: Any) -> tuple[str | None, tuple[str, ...]]:
        """Operation name and top-level fields of a request, mutations' ones prefixed with their response key."""
        if not isinstance(body, dict) or not isinstance(body.get("query"), str):
            return None, ()
        document, _ = _document(body["query"])
        operation = document.operation(body.get("operationName")) if document else None
        if operation is None:
            return body.get("operationName"), ()
        fields = [f for f in operation.selection_set.selections if isinstance(f, FieldNode)]
        name = operation.name.value if operation.name else body.get("operationName")
        mutation = operation.operation is OperationType.MUTATION
        return name, tuple(f.name.value for f in fields) if mutation else ()


_CACHE: OrderedDict[tuple[str, AbstractSet[str]], tuple[Document | None, tuple[dict[str, Any], ...]]] = OrderedDict()


def _document(text: str, hidden: AbstractSet[str] = frozenset()) -> tuple[Document | None, tuple[dict[str, Any], ...]]:
    found = _CACHE.get((text, hidden))
    if found is None:
        try:
            document = parse(text)
        except GraphQLError as problem:
            found = (None, ({"message": problem.message, "locations": _locations(problem)},))
        else:
            others = validate(
                schema(), document, [rule for rule in specified_rules if rule is not FieldsOnCorrectTypeRule]
            )
            found = (Document(schema(), document), (*_undefined(document, hidden), *(_invalid(e) for e in others)))
        if len(_CACHE) > 2_000:
            with contextlib.suppress(KeyError):
                _CACHE.popitem(last=False)
        _CACHE[text, hidden] = found
    return found


def _locations(error: GraphQLError) -> list[dict[str, int]]:
    return [{"line": place.line, "column": place.column} for place in error.locations or ()]


def _invalid(error: GraphQLError) -> dict[str, Any]:
    """A validation error other than an unknown field, in graphql-core's wording (facts file, Doubts)."""
    return {"locations": _locations(error), "message": error.message}


class _FieldVisitor(Visitor):
    """Collects fields that the schema has not, or that are ``hidden``, in GitHub's wording
    (https://github.com/refined-github/refined-github/issues/6946)."""

    def __init__(self, types: TypeInfo, hidden: AbstractSet[str]) -> None:
        super().__init__()
        self.types, self.hidden = types, hidden
        self.path: list[str] = []
        self.problems: list[dict[str, Any]] = []

    def enter(self, node: Node, *_: Any) -> VisitorAction:
        step = _step(node)
        if step is None:
            return None
        self.path.append(step)
        parent = self.types.get_parent_type()
        if not isinstance(node, FieldNode) or parent is None:
            return None
        kind, name = parent.name, node.name.value
        known = self.types.get_field_def() is not None and not self.hidden & {name, f"{kind}.{name}"}
        if known:
            return None
        place = get_location(node.loc.source, node.loc.start) if node.loc else SourceLocation(0, 0)
        self.problems.append(
            {
                "path": list(self.path),
                "extensions": {"code": "undefinedField", "typeName": kind, "fieldName": name},
                "locations": [{"line": place.line, "column": place.column}],
                "message": f"Field '{name}' doesn't exist on type '{kind}'",
            }
        )
        self.path.pop()
        return SKIP

    def leave(self, node: Node, *_: Any) -> VisitorAction:
        if _step(node) is not None:
            self.path.pop()
        return None


def _step(node: Node) -> str | None:
    """How a node shows in the path of a validation error; None when it does not."""
    if isinstance(node, OperationDefinitionNode):
        return f"{node.operation.value} {node.name.value}" if node.name else node.operation.value
    if isinstance(node, FragmentDefinitionNode):
        return f"fragment {node.name.value}"
    if isinstance(node, InlineFragmentNode):
        return f"... on {node.type_condition.name.value}" if node.type_condition else "..."
    return (node.alias or node.name).value if isinstance(node, FieldNode) else None


def _undefined(document: DocumentNode, hidden: AbstractSet[str]) -> list[dict[str, Any]]:
    types = TypeInfo(schema())
    visitor = _FieldVisitor(types, hidden)
    visit(document, TypeInfoVisitor(types, visitor))
    return visitor.problems


def _error(error: GraphQLError) -> dict[str, Any]:
    original = error.original_error
    place = {"path": list(error.path)} if error.path is not None else {}
    place |= {"locations": _locations(error)}  # type: ignore[dict-item]
    if isinstance(original, AliasFailed):
        return {**original.error, **place}
    if isinstance(original, Refusal):
        kind = {"type": original.type} if original.type is not None else {}
        extensions = {"extensions": dict(original.extensions)} if original.extensions else {}
        return {**kind, **place, **extensions, "message": original.graphql}
    if original is not None and not isinstance(original, GraphQLError):
        raise original
    return {**place, "message": error.message}


def date(seconds: int | None) -> str | None:
    return None if seconds is None else iso(seconds)
