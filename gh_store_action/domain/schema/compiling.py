"""JSON Schema 2020-12 for the store's objects: compiled once, evaluated in bounded steps, never from the network."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urldefrag, urljoin

from gh_store_action.domain.markdown import shorten
from gh_store_action.domain.refusal import Reason
from gh_store_action.domain.schema.evaluation import Node, Pattern, TooMuchWork, evaluate
from gh_store_action.domain.schema.keywords import KEYWORDS
from gh_store_action.domain.strict_json import InvalidJson, Json, canonical, excerpt, json_path, parse

TEXT_LIMIT = 200_000
"""Characters of one schema file."""
NESTING_LIMIT = 80
"""How deep a schema file may nest: the check against the metaschema takes about eight Python frames per level."""
SHOWN = 20
"""How many reasons are listed."""

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_SUBSCHEMA = frozenset(
    ["additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then"]
    + ["unevaluatedItems", "unevaluatedProperties"]
)
_SUBSCHEMA_LIST = frozenset(["allOf", "anyOf", "oneOf", "prefixItems"])
_SUBSCHEMA_MAP = frozenset(["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"])
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)


Found = TypeVar("Found")


class SchemaError(ValueError):
    """A schema file that cannot be used.

    Args:
        name: the file.
        reason: a plain sentence, with the path into the schema if known.
        line: the line in the file, from 1, if known.
    """

    def __init__(self, name: str, reason: str, *, line: int | None = None) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason
        self.line = line


@dataclass(frozen=True)
class Schema:
    """A compiled schema; make it with `compile_schema` or `compile_schemas`."""

    name: str
    root: Node = field(repr=False, compare=False)


def compile_schema(text: str, *, name: str) -> Schema:
    """Compile one schema that refers only to itself.

    Args:
        text: the file's text.
        name: the file's name, for messages.

    Raises:
        SchemaError: as `compile_schemas`.
    """
    return compile_schemas({name: text})[name]


def compile_schemas(files: Mapping[str, str]) -> Mapping[str, Schema]:
    """Compile the schemas of one folder, which may refer to each other by file name or `$id`.

    `format`, `content…` and unknown keywords are annotations.  Regular expressions are RE2's, which take linear time;
    ECMA-262 features that it lacks (lookaround, backreferences) are errors.

    Args:
        files: file name to text.

    Raises:
        SchemaError: for the first file that is not strict JSON, is not a valid 2020-12 schema, uses another draft,
            refers to anything outside `files`, or has a regular expression that RE2 cannot run.
    """
    documents = {name: _read(name, text) for name, text in files.items()}
    folder = _Folder(documents)
    return {name: Schema(name, node) for name, node in folder.roots.items()}


def violations(schema: Schema, data: Json) -> tuple[Reason, ...]:
    """All violations of the schema by the data: sorted, at most SHOWN, then a line that counts the rest.

    The same schema and data always give the same answer: work is counted in steps, not in time.
    """
    try:
        found = sorted(evaluate(schema.root, data), key=_in_reading_order)
    except TooMuchWork as error:
        return (Reason("$", f"the schema {_quoted(schema.name)} {error}"),)
    if len(found) <= SHOWN:
        return tuple(found)
    return (*found[:SHOWN], Reason("$", f"and {len(found) - SHOWN:,} more"))


def _in_reading_order(reason: Reason) -> tuple[list[str | int], str]:
    """By path, and `[9]` before `[10]`."""
    parts = enumerate(re.split("([0-9]+)", reason.path))
    return [int(part) if place % 2 else part for place, part in parts], reason.message


def match_schema(rules: Sequence[tuple[str, Found]], object_id: str) -> Found | None:
    """The schema of the first rule whose pattern (`*`, `?`, `[a-z]`, `[!a]`) matches the id, ignoring case."""
    for pattern, found in rules:
        if fnmatchcase(object_id.lower(), pattern.lower()):
            return found
    return None


def _read(name: str, text: str) -> Json:
    if len(text) > TEXT_LIMIT:
        raise SchemaError(name, f"the file has {len(text):,} characters, and at most {TEXT_LIMIT:,} are read")
    try:
        document = parse(text)
    except InvalidJson as error:
        raise SchemaError(name, error.reason, line=error.line) from None
    if not isinstance(document, dict | bool):
        raise SchemaError(name, f"a schema is an object (or true or false), and this is {excerpt(document)}")
    if path := _too_deep(document, ()):
        raise SchemaError(name, f"{json_path(path[:4])}…: the schema nests deeper than {NESTING_LIMIT}")
    return document


def _too_deep(value: Json, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    if not isinstance(value, dict | list):
        return ()
    if len(path) >= NESTING_LIMIT:
        return path
    parts: Iterator[tuple[str | int, Json]] = iter(value.items()) if isinstance(value, dict) else iter(enumerate(value))
    return next((deep for key, item in parts if (deep := _too_deep(item, (*path, key)))), ())


@dataclass(frozen=True)
class _Place:
    """The place of a subschema: its file, the base URI of its schema resource, and its path in the file."""

    name: str
    base: str
    path: tuple[str | int, ...] = ()

    def below(self, *parts: str | int) -> _Place:
        return replace(self, path=(*self.path, *parts))

    def error(self, reason: str) -> SchemaError:
        return SchemaError(self.name, f"{json_path(self.path)}: {reason}")


class _Folder:
    """All schemas of a folder during compilation."""

    def __init__(self, documents: Mapping[str, Json]) -> None:
        self.resources: dict[str, tuple[Json, _Place]] = {}
        self.anchors: dict[tuple[str, str], Node] = {}
        self.dynamic: dict[str, dict[str, Node]] = {}
        self.nodes: dict[int, Node] = {}
        self.references: list[tuple[Node, str, str, _Place]] = []
        self.roots = {name: self._root(name, document) for name, document in documents.items()}
        for node, keyword, reference, place in self.references:  # grows: a target can add its own references
            target = self._target(reference, place)
            name = unquote(urldefrag(reference)[1])
            is_dynamic = keyword == "$dynamicRef" and target.dynamic_anchor == name
            node.keywords[keyword] = (KEYWORDS[keyword], (target, self.dynamic[name] if is_dynamic else {}))

    def _root(self, name: str, document: Json) -> Node:
        place = _Place(name, quote(name))
        _check_against_metaschema(document, place)
        self.resources[place.base] = (document, place)
        node = self._compile(document, place)
        self.resources[place.base] = (document, replace(place, base=node.base))
        return node

    def _compile(self, schema: Json, place: _Place) -> Node:
        """The node of a schema and, inside it, of all its subschemas."""
        if not isinstance(schema, dict):
            return Node(place.base, refuses_all=schema is False)
        if "$id" in schema:
            place = self._enter(schema, place)
        if schema.get("$schema", _DRAFT) not in (_DRAFT, _DRAFT + "#"):
            raise place.error(f"`$schema` names {_quoted(str(schema['$schema']))}; only {_DRAFT} is known")
        node = self.nodes[id(schema)] = Node(place.base)
        self._name(node, schema, place)
        children = {key: self._children(key, value, place.below(key)) for key, value in schema.items()}
        for keyword in KEYWORDS:
            if keyword in schema:
                node.keywords[keyword] = (KEYWORDS[keyword], _operand(keyword, schema, children, place.below(keyword)))
        for keyword in ("$ref", "$dynamicRef"):
            if keyword in schema:
                self.references.append((node, keyword, str(schema[keyword]), place.below(keyword)))
        return node

    def _enter(self, schema: dict[str, Json], place: _Place) -> _Place:
        """Begin the schema resource of an `$id`."""
        place = replace(place, base=urldefrag(_joined(place, str(schema["$id"])))[0])
        if self.resources.setdefault(place.base, (schema, place))[0] is not schema:
            raise place.error(f"another schema has the `$id` {_quoted(place.base)} too")
        return place

    def _name(self, node: Node, schema: dict[str, Json], place: _Place) -> None:
        for keyword in ("$anchor", "$dynamicAnchor"):
            if keyword in schema:
                name = str(schema[keyword])
                if self.anchors.setdefault((place.base, name), node) is not node:
                    raise place.error(f"another schema of this file has the anchor {_quoted(name)} too")
        if "$dynamicAnchor" in schema:
            node.dynamic_anchor = str(schema["$dynamicAnchor"])
            self.dynamic.setdefault(node.dynamic_anchor, {})[place.base] = node

    def _children(self, keyword: str, value: Any, place: _Place) -> Any:
        """A keyword's subschemas as nodes, in the shape that the keyword has; None if it has none."""
        if keyword in _SUBSCHEMA:
            return self._compile(value, place)
        if keyword in _SUBSCHEMA_LIST:
            return [self._compile(item, place.below(index)) for index, item in enumerate(value)]
        if keyword in _SUBSCHEMA_MAP:
            return {key: self._compile(item, place.below(key)) for key, item in value.items()}
        return None

    def _target(self, reference: str, place: _Place) -> Node:
        """The node that a `$ref` or `$dynamicRef` refers to."""
        uri, fragment = urldefrag(_joined(place, reference))
        if uri not in self.resources:  # a file may have an `$id` and still be referred to by its name
            uri = quote(unquote(urldefrag(reference)[0]).removeprefix("./"))
        if uri not in self.resources:
            raise place.error(f"refers to {_quoted(reference)}, which is none of the schema files; nothing is fetched")
        target, target_place = self.resources[uri]
        fragment = unquote(fragment)
        if fragment and not fragment.startswith("/"):
            if (target_place.base, fragment) not in self.anchors:
                raise place.error(f"refers to {_quoted(reference)}, and there is no such anchor")
            return self.anchors[target_place.base, fragment]
        for part in fragment.split("/")[1:]:
            target, target_place = _step(target, target_place, part.replace("~1", "/").replace("~0", "~"))
        if not isinstance(target, dict | bool):
            raise place.error(f"refers to {_quoted(reference)}, and there is no schema")
        if isinstance(target, dict) and id(target) in self.nodes:
            return self.nodes[id(target)]
        _check_against_metaschema(target, target_place)
        return self._compile(target, target_place)


def _quoted(text: str) -> str:
    return f"`{text}`" if len(text) <= 120 else f"`{text[:120]}…`"


def _joined(place: _Place, reference: str) -> str:
    try:
        return place.base + reference if reference.startswith("#") else urljoin(place.base, reference)
    except ValueError:
        raise place.error(f"{_quoted(reference)} is no URI reference") from None


def _step(value: Json, place: _Place, part: str) -> tuple[Json, _Place]:
    """One step of a JSON Pointer; None if there is nothing, which is not a schema either."""
    if isinstance(value, dict):
        return value.get(part), place.below(part)
    if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
        return value[int(part)], place.below(int(part))
    return None, place


def _operand(keyword: str, schema: dict[str, Any], children: Mapping[str, Any], place: _Place) -> Any:
    """What the keyword's function takes: its value, its nodes, and what it has to know about other keywords."""
    value, nodes = schema[keyword], children[keyword]
    match keyword:
        case "type":
            return [value] if isinstance(value, str) else value
        case "enum":
            return frozenset(map(canonical, value)), value
        case "const":
            return canonical(value), value
        case "pattern":
            return _pattern(value, place)
        case "patternProperties":
            return [(_pattern(text, place), node) for text, node in nodes.items()]
        case "additionalProperties":
            patterns = [_pattern(text, place) for text in schema.get("patternProperties", ())]
            return nodes, frozenset(schema.get("properties", ())), patterns
        case "items":
            return nodes, len(schema.get("prefixItems", ()))
        case "contains":
            return nodes, schema.get("minContains", 1), schema.get("maxContains")
        case "if":
            return nodes, children.get("then"), children.get("else")
    return value if nodes is None else nodes


def _pattern(text: str, place: _Place) -> Pattern:
    """A regular expression for RE2, which writes ECMA-262's `\\u00e9` as `\\x{00e9}`."""
    try:
        import re2  # only for a schema with a regular expression
    except ImportError:
        raise place.error(
            f"the regular expression {_quoted(text)} needs the package google-re2, which is not installed: "
            "it has no wheel for this Python or system. Use CPython 3.11 to 3.14 and no musl, or build it"
        ) from None
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    try:
        compiled = re2.compile(_ESCAPE.sub(lambda match: f"\\x{{{match[1]}}}" if match[1] else match[0], text), options)
    except re2.error as error:
        said = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise place.error(
            f"the regular expression {_quoted(text)} cannot be used: {said[:100]} "
            "(RE2 syntax: no look-around, no back-references)"
        ) from None
    return Pattern(text, lambda string: compiled.search(string) is not None)


def _check_against_metaschema(schema: Json, place: _Place) -> None:
    from gh_store_action.domain.schema.metaschema import fault  # its library is only for stores with schemas

    found = fault(schema)
    if found is not None:
        path, message = found
        raise place.below(*path).error(f"is no valid JSON Schema 2020-12: {shorten(message, 201)}")
