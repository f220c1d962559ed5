"""GraphQL connections: slices of lists with opaque cursors, and what they would cost."""

from __future__ import annotations

import base64
import json
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from operator import ge, gt, le, lt
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)

from .errors import Refusal

Key = Callable[[Any], Any]


def check_bounds(name: str, first: int | None, last: int | None) -> None:
    """``first`` or ``last`` must be given, from 1 to 100 (docs: Rate limits and query limits for the GraphQL API)."""
    if first is None and last is None:
        raise Refusal(
            200,
            f"You must provide a `first` or `last` value to properly paginate the `{name}` connection.",
            type="MISSING_PAGINATION_BOUNDARIES",
        )
    for argument, value in (("first", first), ("last", last)):
        if value is None:
            continue
        if value > 100:
            raise Refusal(
                200,
                f"Requesting {value} records on the `{name}` connection exceeds the `{argument}` limit of 100 records.",
                type="EXCESSIVE_PAGINATION",
            )
        if value < 0:
            raise Refusal(
                200,
                f"`{argument}` on the `{name}` connection cannot be less than zero.",
                type="INVALID_PAGINATION",
            )


def encode(key: Any) -> str:
    return base64.b64encode(b"cursor:v2:" + json.dumps(key).encode()).decode()


def decode(cursor: str, argument: str) -> Any:
    try:
        return json.loads(base64.b64decode(cursor).removeprefix(b"cursor:v2:"))
    except ValueError:
        text = f"`{cursor}` does not appear to be a valid cursor."
        raise Refusal(200, text, type="INVALID_CURSOR_ARGUMENTS") from None


class Connection:
    """One page of a list.

    Args:
        items: the whole list in its order.
        key: an item's sort key (JSON-able lists of numbers and texts) that cursors carry.
        node: what the item is shown as; the item itself unless given.
        extra: further fields of the connection.
    """

    __slots__ = ("total", "page", "before_page", "after_page", "key", "_node", "edge", "extra")

    def __init__(
        self,
        name: str,
        items: Sequence[Any],
        key: Key,
        *,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        descending: bool = False,
        node: Callable[[Any], Any] | None = None,
        edge: Mapping[str, Callable[[Any], Any]] | None = None,
        extra: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> None:
        check_bounds(name, first, last)
        self.total = len(items)
        low, high = 0, len(items)
        if after is not None:
            low = _position(items, key, decode(after, "after"), descending, after=True)
        if before is not None:
            high = max(_position(items, key, decode(before, "before"), descending, after=False), low)
        start, end = low, high
        if first is not None:
            end = min(end, start + first)
        if last is not None:
            start = max(start, end - last)
        self.page = items[start:end]
        self.before_page = start > 0
        self.after_page = end < len(items)
        self.key = key
        self._node = node
        self.edge = edge or {}
        self.extra = extra or {}

    @property
    def nodes(self) -> Sequence[Any]:
        return self.page if self._node is None else [self._node(item) for item in self.page]

    @property
    def edges(self) -> list[dict[str, Any]]:
        node = self._node or (lambda item: item)
        return [
            {"cursor": encode(self.key(item)), "node": node(item), **{k: f(item) for k, f in self.edge.items()}}
            for item in self.page
        ]

    @property
    def page_info(self) -> dict[str, Any]:
        return {
            "hasNextPage": self.after_page,
            "hasPreviousPage": self.before_page,
            "startCursor": encode(self.key(self.page[0])) if self.page else None,
            "endCursor": encode(self.key(self.page[-1])) if self.page else None,
        }


def _position(items: Sequence[Any], key: Key, cursor: Any, descending: bool, after: bool) -> int:
    beyond = (lt if after else le) if descending else (gt if after else ge)
    try:
        return bisect_left(items, True, key=lambda item: beyond(key(item), cursor))
    except TypeError:
        raise Refusal(200, "The cursor does not belong here.", type="INVALID_CURSOR_ARGUMENTS") from None


class Estimate:
    """Cost and node count of an operation by the documented formula: requests for each unique connection, every limit
    assumed reached, divided by 100, rounded, at least 1 (docs: Rate limits and query limits for the GraphQL API)."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
    ) -> None:
        self._schema = schema
        self._variables = variables
        self._fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self.requests = 0
        self.nodes = 0
        root = schema.get_root_type(operation.operation)
        if root is not None:
            self._walk(operation.selection_set, root, 1)

    @property
    def cost(self) -> int:
        return max(1, int(self.requests / 100 + 0.5))

    def _walk(self, selections: SelectionSetNode, parent: GraphQLNamedType, times: int) -> None:
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                self._field(selection, parent, times)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                kind = self._schema.get_type(condition.name.value) if condition else parent
                self._walk(selection.selection_set, kind or parent, times)
            else:
                fragment = self._fragments[selection.name.value]
                kind = self._schema.get_type(fragment.type_condition.name.value)
                self._walk(fragment.selection_set, kind or parent, times)

    def _field(self, node: FieldNode, parent: GraphQLNamedType, times: int) -> None:
        field = getattr(parent, "fields", {}).get(node.name.value)
        if field is None or node.selection_set is None:
            return
        kind = get_named_type(field.type)
        if kind.name.endswith("Connection"):
            size = max(
                (self._int(a.value) for a in node.arguments or () if a.name.value in ("first", "last")), default=0
            )
            self.requests += times
            self.nodes += times * size
            times *= max(size, 1)
        elif node.name.value == "nodes" and parent.name == "Query":
            times *= max(sum(len(self._ids(a.value)) for a in node.arguments or ()), 1)
        self._walk(node.selection_set, kind, times)

    def _ids(self, value: Any) -> Sequence[Any]:
        """Of a list of nodes, each of which asks for its own connections."""
        return value.values if isinstance(value, ListValueNode) else self._variables.get(value.name.value) or ()

    def _int(self, value: Any) -> int:
        if isinstance(value, IntValueNode):
            return int(value.value)
        if isinstance(value, VariableNode):
            given = self._variables.get(value.name.value)
            return given if isinstance(given, int) else 0
        return 0
