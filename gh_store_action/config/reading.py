"""Reads YAML with a bounded loader, normalizes it, and checks it by `config_schema.json`: unknown keys are errors."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from gh_store_action.config.defaults import packaged
from gh_store_action.domain.markdown import shorten, shown, visible
from gh_store_action.errors import ConfigurationError
from gh_store_action.regular_files import CONFIGURATION_LIMIT

DEPTH_LIMIT = 20

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_SAME_REACTION: Mapping[object, str] = {  # older gh-store files hold the emoji; YAML reads a bare +1 as a number
    1: "+1",
    -1: "-1",
    "👍": "+1",
    "👎": "-1",
    "😄": "laugh",
    "😕": "confused",
    "❤️": "heart",
    "❤": "heart",
    "🎉": "hooray",
    "🚀": "rocket",
    "🔰": "rocket",
    "👀": "eyes",
}

_SAME_LEVEL = {"TRACE": "DEBUG", "SUCCESS": "INFO", "CRITICAL": "ERROR"}  # names in older gh-store files


class _Loader(yaml.SafeLoader):
    """YAML 1.2's core schema, in which `no`, `on` and `12:30` are text; duplicate keys are errors."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        value = super().construct_scalar(node)
        if _UNPRINTABLE.search(value):
            raise yaml.MarkedYAMLError(problem="control characters are not allowed", problem_mark=node.start_mark)
        return value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[object] = set()
        for name, _ in node.value:
            key = name.value if isinstance(name, yaml.ScalarNode) else None
            if key is None or name.tag != "tag:yaml.org,2002:str":
                raise yaml.MarkedYAMLError(problem="a key must be text", problem_mark=name.start_mark)
            if key in seen:
                problem = f"the key {visible(shorten(key, 60))} is a duplicate"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=name.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


for _tag, _pattern, _first in (
    ("null", r"(?:~|null|Null|NULL|)", ["~", "n", "N", ""]),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)", list("tTfF")),
    ("int", r"[-+]?[0-9]{1,18}", list("-+0123456789")),
    ("float", r"[-+]?(?:\.[0-9]{1,18}|[0-9]{1,18}\.[0-9]{0,18})", list("-+.0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"{_pattern}\\Z"), _first)
_Loader.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(node.value))  # 010 is ten in YAML 1.2
_Loader.add_constructor("tag:yaml.org,2002:float", lambda _, node: _number(node.value))


def _number(text: str) -> float:
    value = float(text)
    return int(value) if value.is_integer() else value


def read_keys(text: str, source: str) -> Mapping[str, Any]:
    """The keys under `store`, as the schema allows them.

    Raises:
        ConfigurationError: with `source`, the key, what is allowed and what was found.
    """
    document = _normal(load(text, source))
    errors = sorted(
        Draft202012Validator(_schema()).iter_errors(document), key=lambda error: list(map(str, error.absolute_path))
    )
    lines = [_explain(error) for error in errors]
    if lines:
        detail = "\n".join(f"- {line}" for line in lines)
        raise ConfigurationError(f"{source}: {lines[0]}", detail=detail if len(lines) > 1 else "")
    keys: Mapping[str, Any] = document.get("store", {})
    return keys


def load(text: str, source: str) -> object:
    """A YAML document, read in bounded work.

    Raises:
        ConfigurationError: with `source` and the line.
    """
    if len(text.encode(errors="replace")) > CONFIGURATION_LIMIT:
        raise ConfigurationError(f"{source} is larger than {CONFIGURATION_LIMIT // 1024} KiB.", "Shorten it.")
    try:
        _bound(text)
        loader = _Loader(text)
        return loader.get_single_data()
    except yaml.MarkedYAMLError as problem:
        line = f", line {problem.problem_mark.line + 1}" if problem.problem_mark else ""
        reason = visible(", ".join(filter(None, (problem.context, problem.problem))))
        raise ConfigurationError(f"{source}{line}: {reason}.", "Correct the YAML there.") from None
    except yaml.YAMLError:  # characters that YAML does not allow
        raise ConfigurationError(f"{source} contains characters that YAML does not allow.") from None


def _bound(text: str) -> None:
    """Refuse what makes reading costly or surprising: deep nesting, anchors and aliases, tags."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        problem = ""
        if depth > DEPTH_LIMIT:
            problem = f"nested deeper than {DEPTH_LIMIT} levels"
        elif isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            problem = "anchors and aliases (& and *) are not allowed; put the text in quotes to use the character"
        elif getattr(event, "tag", None) is not None:
            problem = "tags (!) are not allowed; put the text in quotes to use the character"
        if problem:
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)  # type: ignore[arg-type]


def _normal(document: object) -> Any:
    """Replaces older spellings, and drops keys without a value."""
    found = _without_nulls({} if document is None else document)
    store = found.get("store") if isinstance(found, dict) else None
    if isinstance(store, dict):
        reactions, log = store.get("reactions"), store.get("log")
        if isinstance(reactions, dict):
            store["reactions"] = {key: _same(name, _SAME_REACTION) for key, name in reactions.items()}
        if isinstance(log, dict) and isinstance(log.get("level"), str):
            log["level"] = _SAME_LEVEL.get(log["level"].upper(), log["level"].upper())
    return found


def _same(value: object, names: Mapping[object, str]) -> object:
    return names.get(value, value) if isinstance(value, str | int) and not isinstance(value, bool) else value


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nulls(below) for key, below in value.items() if below is not None}
    return [_without_nulls(below) for below in value] if isinstance(value, list) else value


@cache
def _schema() -> Any:
    return json.loads(packaged("config_schema.json"))


def _explain(error: Any) -> str:
    """One sentence of a `jsonschema.ValidationError`: the key, what is allowed and what was found."""
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    if error.validator == "additionalProperties":
        return _unknown(key, error.instance, list(error.schema["properties"]))
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"{key} needs the key `{missing[0]}`."
    return f"{key or 'the file'} must be {error.schema['description']}, not {shown(error.instance)}."


def _unknown(key: str, given: Mapping[str, object], allowed: list[str]) -> str:
    name = next(name for name in given if name not in allowed)
    known = _schema()["properties"]["store"]["properties"]
    where = f"{key}.{name}".lstrip(".")
    if not key and name in known:
        return f"{visible(where)} belongs under `store:`."
    near = difflib.get_close_matches(name, allowed, n=1)
    end = f"; did you mean {near[0]}?" if near else "."
    return f"unknown key {visible(shorten(where, 100))}; allowed here: {', '.join(allowed)}{end}"
