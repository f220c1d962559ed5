"""The keywords of JSON Schema 2020-12: one function each, with a plain sentence for a value that does not match."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from gh_store_action.domain.schema.evaluation import (
    ANY,
    NUMBER,
    Asking,
    At,
    Evaluation,
    Findings,
    Keyword,
    Node,
    Pattern,
)
from gh_store_action.domain.strict_json import Json, excerpt, json_path


def _reference(run: Evaluation, operand: tuple[Node, Mapping[str, Node]], at: At, outcome: Findings) -> Asking:
    target, dynamic = operand
    outermost = next((base for base in at.scope if base in dynamic), None)
    outcome.include((yield target if outermost is None else dynamic[outermost], at))


def _type(run: Evaluation, names: Sequence[str], at: At, outcome: Findings) -> None:
    if not any(_TYPES[name](at.value) for name in names):
        wanted = " or ".join(_ARTICLES.get(name, f"a {name}") for name in names)
        outcome.refuse(at, f"must be {wanted}, not {excerpt(at.value)}")


def _enum(run: Evaluation, operand: tuple[frozenset[str], list[Json]], at: At, outcome: Findings) -> None:
    texts, values = operand
    if run.text(at.value) not in texts:
        listed = ", ".join(map(excerpt, values[:5])) + (", …" if len(values) > 5 else "")
        outcome.refuse(at, f"must be one of {listed}, not {excerpt(at.value)}")


def _const(run: Evaluation, operand: tuple[str, Json], at: At, outcome: Findings) -> None:
    text, value = operand
    if run.text(at.value) != text:
        which = "exactly as the schema gives it" if isinstance(value, dict | list) else excerpt(value)
        outcome.refuse(at, f"must be {which}, not {excerpt(at.value)}")


def _limit(fits: Callable[[Any, Any], bool], sentence: str) -> Callable[[Evaluation, Any, At, Findings], None]:
    """A keyword that compares the value, or its length, with a number."""

    def check(run: Evaluation, limit: Any, at: At, outcome: Findings) -> None:
        if not fits(at.value, limit):
            number = f"{len(at.value):,}" if isinstance(at.value, str | list | dict) else excerpt(at.value)
            outcome.refuse(at, sentence.format(limit=excerpt(limit), value=number))

    return check


def _is_multiple(value: float, divisor: float) -> bool:
    """By decimal digits: 0.3 is a multiple of 0.1, unlike in binary."""
    if isinstance(value, int) and isinstance(divisor, int):
        return value % divisor == 0
    return (Fraction(str(value)) / Fraction(str(divisor))).denominator == 1


def _pattern(run: Evaluation, pattern: Pattern, at: At, outcome: Findings) -> None:
    if not run.matches(pattern, at.value):
        outcome.refuse(at, f"has to match the regular expression {excerpt(pattern.text)}; it is {excerpt(at.value)}")


def _unique_items(run: Evaluation, wanted: bool, at: At, outcome: Findings) -> None:
    if not wanted:
        return
    run.charge(len(at.value))
    first: dict[str, int] = {}
    for index, item in enumerate(at.value):
        earlier = first.setdefault(run.text(item), index)
        if earlier != index:
            outcome.refuse(at, f"has the same item at [{earlier}] and [{index}], and all have to differ")
            return


def _required(run: Evaluation, names: list[str], at: At, outcome: Findings) -> None:
    run.charge(len(names))
    for name in names:
        if name not in at.value:
            outcome.refuse(at, f"lacks the key {excerpt(name)}")


def _dependent_required(run: Evaluation, dependencies: dict[str, list[str]], at: At, outcome: Findings) -> None:
    run.charge(len(dependencies))
    for key, names in dependencies.items():
        if key in at.value:
            run.charge(len(names))
            for name in names:
                if name not in at.value:
                    outcome.refuse(at, f"lacks the key {excerpt(name)}, which {excerpt(key)} needs beside it")


def _dependent_schemas(run: Evaluation, dependencies: dict[str, Node], at: At, outcome: Findings) -> Asking:
    run.charge(len(dependencies))
    for key, node in dependencies.items():
        if key in at.value:
            outcome.include((yield node, at))


def _property_names(run: Evaluation, node: Node, at: At, outcome: Findings) -> Asking:
    for key in at.value:
        for reason in (yield node, at._replace(value=key)).reasons:
            outcome.refuse(at, f"the key {excerpt(key)} {reason.message}")


def _member(run: Evaluation, node: Node, key: str, at: At, outcome: Findings) -> Asking:
    outcome.reasons |= (yield node, at.inside(key)).reasons
    outcome.names.add(key)


def _item(run: Evaluation, node: Node, index: int, at: At, outcome: Findings) -> Asking:
    outcome.reasons |= (yield node, at.inside(index)).reasons
    outcome.seen.add(index)


def _properties(run: Evaluation, nodes: dict[str, Node], at: At, outcome: Findings) -> Asking:
    for key in at.value:
        if key in nodes:
            yield from _member(run, nodes[key], key, at, outcome)


def _pattern_properties(run: Evaluation, nodes: list[tuple[Pattern, Node]], at: At, outcome: Findings) -> Asking:
    for key in at.value:
        for pattern, node in nodes:
            if run.matches(pattern, key):
                yield from _member(run, node, key, at, outcome)


def _additional_properties(
    run: Evaluation, operand: tuple[Node, frozenset[str], list[Pattern]], at: At, outcome: Findings
) -> Asking:
    node, names, patterns = operand
    for key in at.value:
        if key not in names and not any(run.matches(pattern, key) for pattern in patterns):
            yield from _member(run, node, key, at, outcome)


def _unevaluated_properties(run: Evaluation, node: Node, at: At, outcome: Findings) -> Asking:
    for key in at.value:
        if key not in outcome.names:
            yield from _member(run, node, key, at, outcome)


def _prefix_items(run: Evaluation, nodes: list[Node], at: At, outcome: Findings) -> Asking:
    for index, (node, _) in enumerate(zip(nodes, at.value, strict=False)):
        yield from _item(run, node, index, at, outcome)


def _items(run: Evaluation, operand: tuple[Node, int], at: At, outcome: Findings) -> Asking:
    node, start = operand
    for index in range(start, len(at.value)):
        yield from _item(run, node, index, at, outcome)


def _unevaluated_items(run: Evaluation, node: Node, at: At, outcome: Findings) -> Asking:
    for index in range(len(at.value)):
        if index not in outcome.seen:
            yield from _item(run, node, index, at, outcome)


def _contains(run: Evaluation, operand: tuple[Node, float, float | None], at: At, outcome: Findings) -> Asking:
    node, least, most = operand
    found = []
    for index in range(len(at.value)):
        if not (yield node, at.inside(index)).reasons:
            found.append(index)
    outcome.seen.update(found)
    if len(found) < least:
        outcome.refuse(at, f"has {len(found):,} items of the kind of which it needs at least {excerpt(least)}")
    if most is not None and len(found) > most:
        outcome.refuse(at, f"has {len(found):,} items of the kind of which it may have at most {excerpt(most)}")


def _all_of(run: Evaluation, nodes: list[Node], at: At, outcome: Findings) -> Asking:
    for node in nodes:
        outcome.include((yield node, at))


def _any_of(run: Evaluation, nodes: list[Node], at: At, outcome: Findings) -> Asking:
    yield from _alternatives(run, nodes, at, outcome)


def _one_of(run: Evaluation, nodes: list[Node], at: At, outcome: Findings) -> Asking:
    fitting = yield from _alternatives(run, nodes, at, outcome)
    if fitting > 1:
        outcome.refuse(at, f"fits {fitting} of the {len(nodes)} alternatives (`oneOf`), and only one is allowed")


def _alternatives(
    run: Evaluation, nodes: list[Node], at: At, outcome: Findings
) -> Generator[tuple[Node, At], Findings, int]:
    """How many alternatives match; if none does, that is a reason, with the first reason of the nearest one."""
    all_outcomes = []
    for node in nodes:
        all_outcomes.append((yield node, at))
    fitting = [each for each in all_outcomes if not each.reasons]
    for each in fitting:
        outcome.include(each)
    if not fitting:
        here = json_path(at.path)
        nearest = min(
            all_outcomes, key=lambda each: (here in {reason.path for reason in each.reasons}, len(each.reasons))
        )
        hint = str(min(nearest.reasons, key=lambda reason: (reason.path, reason.message)))
        hint = hint if len(hint) <= 200 else hint[:200] + "…"
        outcome.refuse(at, f"fits none of the {len(nodes)} alternatives; the nearest one says: {hint}")
    return len(fitting)


def _not(run: Evaluation, node: Node, at: At, outcome: Findings) -> Asking:
    if not (yield node, at).reasons:
        outcome.refuse(at, f"is of a kind that the schema forbids (`not`): {excerpt(at.value)}")


def _if(run: Evaluation, operand: tuple[Node, Node | None, Node | None], at: At, outcome: Findings) -> Asking:
    condition, then, otherwise = operand
    tried = yield condition, at
    if not tried.reasons:
        outcome.include(tried)
    branch = otherwise if tried.reasons else then
    if branch is not None:
        outcome.include((yield branch, at))


_ARTICLES = {"array": "an array", "integer": "an integer", "null": "null", "object": "an object"}
_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: (
        (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())
    ),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "string": lambda value: isinstance(value, str),
}
KEYWORDS: Mapping[str, Keyword] = {
    "$ref": Keyword(ANY, _reference),
    "$dynamicRef": Keyword(ANY, _reference),
    "type": Keyword(ANY, _type),
    "enum": Keyword(ANY, _enum),
    "const": Keyword(ANY, _const),
    "minimum": Keyword(NUMBER, _limit(lambda value, limit: value >= limit, "must be at least {limit}, not {value}")),
    "maximum": Keyword(NUMBER, _limit(lambda value, limit: value <= limit, "may be at most {limit}, not {value}")),
    "exclusiveMinimum": Keyword(
        NUMBER,
        _limit(lambda value, limit: value > limit, "must be more than {limit}, not {value}"),
    ),
    "exclusiveMaximum": Keyword(
        NUMBER,
        _limit(lambda value, limit: value < limit, "must be less than {limit}, not {value}"),
    ),
    "multipleOf": Keyword(NUMBER, _limit(_is_multiple, "must be a multiple of {limit}, not {value}")),
    "minLength": Keyword(
        (str,),
        _limit(lambda value, limit: len(value) >= limit, "needs {limit} or more characters, has {value}"),
    ),
    "maxLength": Keyword(
        (str,), _limit(lambda value, limit: len(value) <= limit, "may have {limit} characters, has {value}")
    ),
    "pattern": Keyword((str,), _pattern),
    "minItems": Keyword(
        (list,), _limit(lambda value, limit: len(value) >= limit, "needs {limit} or more items, has {value}")
    ),
    "maxItems": Keyword(
        (list,), _limit(lambda value, limit: len(value) <= limit, "may have {limit} items, has {value}")
    ),
    "uniqueItems": Keyword((list,), _unique_items),
    "prefixItems": Keyword((list,), _prefix_items),
    "items": Keyword((list,), _items),
    "contains": Keyword((list,), _contains),
    "minProperties": Keyword(
        (dict,),
        _limit(lambda value, limit: len(value) >= limit, "needs {limit} or more keys, has {value}"),
    ),
    "maxProperties": Keyword(
        (dict,), _limit(lambda value, limit: len(value) <= limit, "may have {limit} keys, has {value}")
    ),
    "required": Keyword((dict,), _required),
    "dependentRequired": Keyword((dict,), _dependent_required),
    "propertyNames": Keyword((dict,), _property_names),
    "properties": Keyword((dict,), _properties),
    "patternProperties": Keyword((dict,), _pattern_properties),
    "additionalProperties": Keyword((dict,), _additional_properties),
    "dependentSchemas": Keyword((dict,), _dependent_schemas),
    "allOf": Keyword(ANY, _all_of),
    "anyOf": Keyword(ANY, _any_of),
    "oneOf": Keyword(ANY, _one_of),
    "not": Keyword(ANY, _not),
    "if": Keyword(ANY, _if),
    "unevaluatedItems": Keyword((list,), _unevaluated_items),  # these two need what all others have evaluated
    "unevaluatedProperties": Keyword((dict,), _unevaluated_properties),
}
"""Every keyword that asserts something, in the order of evaluation."""
