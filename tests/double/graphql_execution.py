"""GraphQL operations run by a plan: what graphql-core's ``execute`` answers, in a fraction of its time.

graphql-core finds each field, its type and its arguments again for each object of each answer. Here that is found once
for an operation, with graphql-core's own functions; `tests/test_double_plans.py` holds both against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    ValueNode,
    VariableNode,
    Visitor,
    is_abstract_type,
    is_leaf_type,
    visit,
)
from graphql.error import located_error
from graphql.execution.collect_fields import collect_fields, collect_sub_fields
from graphql.execution.execute import get_field_def
from graphql.execution.values import get_argument_values, get_variable_values

from .graphql_connections import Estimate

Path = tuple[Any, Any] | None
"""Of a value in the answer: the path of what it is in, and its key there."""
Outcome = tuple[dict[str, Any] | None, list[GraphQLError]]
"""The data, if any, and the errors."""


class Run:
    """One request, as ``info`` of its resolvers.

    Attributes:
        context: what the resolvers know of the request.
        key: the response key of the field that is being resolved.
    """

    __slots__ = ("arguments", "context", "errors", "key", "schema", "variables")

    def __init__(self, schema: GraphQLSchema, context: Any, variables: dict[str, Any]) -> None:
        self.schema = schema
        self.context = context
        self.variables = variables
        self.errors: list[GraphQLError] = []
        self.arguments: dict[Field, dict[str, Any]] = {}
        self.key = ""


Complete = Callable[[Any, Run, Path], Any]


class Field:
    """A field of an object of one type, wherever the operation asks for it there.

    Attributes:
        arguments: the same in every request; None where they depend on its variables.
    """

    __slots__ = ("arguments", "complete", "definition", "key", "nodes", "nullable", "resolve")

    def __init__(self, plan: Plan, kind: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> None:
        definition = get_field_def(plan.schema, kind, nodes[0])
        self.key, self.nodes, self.definition = key, nodes, definition
        self.nullable = not isinstance(definition.type, GraphQLNonNull)
        constant = not any(_variables(argument.value) for argument in nodes[0].arguments)
        self.arguments = get_argument_values(definition, nodes[0]) if constant else None
        self.complete = plan.completion(definition.type, nodes, f"{kind.name}.{nodes[0].name.value}")
        resolve = definition.resolve
        if nodes[0].name.value == "__typename":
            resolve = lambda source, info: kind.name  # noqa: E731
        self.resolve: Callable[..., Any] = resolve

    def arguments_in(self, run: Run) -> dict[str, Any]:
        """What the field is asked with; read once for a request."""
        found = run.arguments.get(self)
        if found is None:
            found = run.arguments[self] = get_argument_values(self.definition, self.nodes[0], run.variables)
        return found


class Plan:
    """An operation with the fields that it has for some values of the variables of its directives.

    Args:
        variables: those values.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: dict[str, Any],
    ) -> None:
        self.schema = schema
        self._fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self._variables = variables
        root = schema.get_root_type(operation.operation)
        assert root is not None
        found = collect_fields(schema, self._fragments, variables, root, operation.selection_set)
        self._roots = tuple(Field(self, root, key, nodes) for key, nodes in found.items())

    def run(self, context: Any, variables: dict[str, Any]) -> Outcome:
        """What the operation answers; the errors are in the order in which graphql-core sorts them."""
        run = Run(self.schema, context, variables)
        try:
            data = _object(self._roots, None, run, None)
        except GraphQLError as error:
            data = None
            run.errors.append(error)
        run.errors.sort(key=lambda error: (error.locations or [], error.path or [], error.message))
        return data, run.errors

    def completion(self, kind: GraphQLOutputType, nodes: list[FieldNode], name: str) -> Complete:
        """What makes the answer's value of a resolver's one."""
        if isinstance(kind, GraphQLNonNull):
            return _not_null(self.completion(kind.of_type, nodes, name), name)
        if isinstance(kind, GraphQLList):
            inner = self.completion(kind.of_type, nodes, name)
            return _list(inner, nodes, not isinstance(kind.of_type, GraphQLNonNull))
        if is_leaf_type(kind):
            return _leaf(kind)  # type: ignore[arg-type]
        return self._of_object(kind, nodes)

    def _of_object(self, kind: Any, nodes: list[FieldNode]) -> Complete:
        fields: dict[str, tuple[Field, ...]] = {}
        abstract = is_abstract_type(kind)

        def complete(value: Any, run: Run, path: Path) -> Any:
            if value is None:
                return None
            name = kind.resolve_type(value, run, kind) if abstract else kind.name
            found = fields.get(name)
            if found is None:
                found = fields[name] = self._fields(name, nodes)
            return _object(found, value, run, path)

        return complete

    def _fields(self, name: str, nodes: list[FieldNode]) -> tuple[Field, ...]:
        kind = self.schema.type_map[name]
        assert isinstance(kind, GraphQLObjectType)
        found = collect_sub_fields(self.schema, self._fragments, self._variables, kind, nodes)
        return tuple(Field(self, kind, key, inner) for key, inner in found.items())


class Document:
    """A document that the schema allows, and what is found out about its operations once."""

    def __init__(self, schema: GraphQLSchema, node: DocumentNode) -> None:
        self._schema = schema
        self._node = node
        self._operations = [one for one in node.definitions if isinstance(one, OperationDefinitionNode)]
        self._deciding, self._sizing = _deciding(node)
        self._plans: dict[Any, Plan] = {}
        self._estimates: dict[Any, Estimate] = {}

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The one of that name, or the only one where there is no name."""
        if name:
            return next((one for one in self._operations if one.name and one.name.value == name), None)
        return self._operations[0] if len(self._operations) == 1 else None

    def estimate(self, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> Estimate:
        """What the operation costs with these variables."""
        key = (id(operation), *(_size(variables.get(name)) for name in self._sizing))
        found = self._estimates.get(key)
        if found is None:
            found = self._estimates[key] = Estimate(self._schema, self._node, operation, variables)
        return found

    def run(self, operation: OperationDefinitionNode, context: Any, given: Mapping[str, Any]) -> Outcome:
        """What the operation answers, given values for its variables."""
        variables = get_variable_values(self._schema, operation.variable_definitions or (), dict(given), max_errors=50)
        if isinstance(variables, list):
            return None, variables
        key = (id(operation), *(variables.get(name) for name in self._deciding))
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = Plan(self._schema, self._node, operation, variables)
        return plan.run(context, variables)


def _object(fields: tuple[Field, ...], source: Any, run: Run, path: Path) -> dict[str, Any]:
    done = {}
    for field in fields:
        run.key = key = field.key
        arguments = field.arguments
        try:
            if arguments is None:
                arguments = field.arguments_in(run)
            done[key] = field.complete(field.resolve(source, run, **arguments), run, (path, key))
        except Exception as problem:
            done[key] = _failed(problem, field.nodes, (path, key), run, field.nullable)
    return done


def _failed(problem: Exception, nodes: list[FieldNode], path: Path, run: Run, nullable: bool) -> None:
    """The value is null, or what it is in (GraphQL specification, Handling Execution Errors)."""
    keys = []
    while path is not None:
        path, key = path
        keys.append(key)
    error = located_error(problem, nodes, keys[::-1])
    if not nullable:
        raise error
    run.errors.append(error)


def _not_null(inner: Complete, name: str) -> Complete:
    def complete(value: Any, run: Run, path: Path) -> Any:
        done = inner(value, run, path)
        if done is None:
            raise TypeError(f"Cannot return null for non-nullable field {name}.")
        return done

    return complete


def _list(inner: Complete, nodes: list[FieldNode], nullable: bool) -> Complete:
    def complete(value: Any, run: Run, path: Path) -> Any:
        if value is None:
            return None
        done = []
        for index, item in enumerate(value):
            try:
                if isinstance(item, Exception):
                    raise item
                done.append(inner(item, run, (path, index)))
            except Exception as problem:
                done.append(_failed(problem, nodes, (path, index), run, nullable))
        return done

    return complete


def _leaf(kind: GraphQLLeafType) -> Complete:
    serialize = kind.serialize

    def complete(value: Any, run: Run, path: Path) -> Any:
        return None if value is None else serialize(value)

    return complete


def _variables(value: ValueNode) -> list[str]:
    """The variables that stand in a value."""
    if isinstance(value, VariableNode):
        return [value.name.value]
    if isinstance(value, ListValueNode):
        return [name for one in value.values for name in _variables(one)]
    if isinstance(value, ObjectValueNode):
        return [name for one in value.fields for name in _variables(one.value)]
    return []


def _size(value: Any) -> int | None:
    """How many nodes a variable stands for."""
    return len(value) if isinstance(value, list) else value if isinstance(value, int) else None


def _deciding(document: DocumentNode) -> tuple[list[str], list[str]]:
    """The variables that say which fields there are, and those that say how much they may hold."""
    fields: set[str] = set()
    sizes: set[str] = set()

    class Names(Visitor):
        def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
            fields.update(name for argument in node.arguments for name in _variables(argument.value))

        def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
            if node.name.value in ("first", "last", "ids"):
                sizes.update(_variables(node.value))

    visit(document, Names())
    return sorted(fields), sorted(sizes)
