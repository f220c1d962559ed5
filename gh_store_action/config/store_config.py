"""The store's YAML configuration: read by a bounded loader, checked by `config_schema.json`, combined from two files.

The rules of a store are one for everybody, so they come from its repository; what is local to a machine comes from a
local file, and `combine` says which one counts.  Every key acts; anything else is an error that names the key.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from gh_store_action.domain.markdown import shorten, visible
from gh_store_action.domain.records import AccessRule, Reactions, Rules
from gh_store_action.errors import ConfigurationError

REPOSITORY_FILE = ".github/gh-store.yml"
LOCAL_FILE = "~/.config/gh-store/config.yml"
SIZE_LIMIT = 64 * 1024  # bytes
DEPTH_LIMIT = 20

_MACHINE_KEYS = frozenset({"retries", "rate_limit", "log"})  # the others are rules
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
_SAME_LEVEL = {"TRACE": "DEBUG", "SUCCESS": "INFO", "CRITICAL": "ERROR"}  # loguru's names in older gh-store files


@dataclass(frozen=True)
class Retries:
    """How often and how long a request is tried.

    Args:
        max_attempts: of one request, the first included.
        backoff_factor: seconds before the second try; the waits grow from there.
        max_wait_seconds: the longest wait that is sat out, such as for a rate limit.
    """

    max_attempts: int = 3
    backoff_factor: float = 2
    max_wait_seconds: int = 120


@dataclass(frozen=True)
class RateLimit:
    """How much of GitHub's hourly budget may be used, REST and GraphQL each."""

    max_requests_per_hour: int = 1000


@dataclass(frozen=True)
class Log:
    """From which level on lines are logged, and how a line looks."""

    level: str = "INFO"
    format: str = "{time} | {level} | {message}"

    def line(self, *, time: str, level: str, message: str) -> str:
        """One line; the schema lets `format` name nothing but these three."""
        return self.format.format(time=time, level=level, message=message)


@dataclass(frozen=True)
class LocalConfig:
    """What a local file says.

    Args:
        retries, rate_limit, log: with the defaults where it says nothing.
        keys: all that it says, as checked; rules among them count only as `combine` decides.
    """

    retries: Retries = Retries()
    rate_limit: RateLimit = RateLimit()
    log: Log = Log()
    keys: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StoreConfig:
    """The configuration that counts."""

    rules: Rules = Rules()
    retries: Retries = Retries()
    rate_limit: RateLimit = RateLimit()
    log: Log = Log()


def dump_default() -> str:
    """The documented default file of a store's repository, as `gh-store init --repository-files` writes it."""
    return _data("default_config.yml")


def dump_local() -> str:
    """The documented local file, as `gh-store init` writes it: no rule in it counts against the repository's."""
    return _data("local_config.yml")


def read_local(path: str | Path | None = None) -> str | None:
    """The text of a local file: the named one, which must be there, or the one at `LOCAL_FILE`, which may be.

    Raises:
        ConfigurationError: the file can not be read.  Nothing is written in its place.
    """
    file = Path(path or LOCAL_FILE).expanduser()
    try:
        with file.open("rb") as stream:
            return stream.read(SIZE_LIMIT + 1).decode("utf-8-sig")
    except FileNotFoundError:
        if not path:
            return None
        raise ConfigurationError(
            f"The configuration file {visible(str(file))} does not exist.",
            "Mend the path, or write the default there with `gh-store init`.",
        ) from None
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigurationError(
            f"The configuration file {visible(str(file))} can not be read: {problem}."
        ) from problem


def parse_rules(text: str, *, source: str = REPOSITORY_FILE) -> tuple[Rules, Mapping[str, Any]]:
    """The store's rules from the text of its file, and all keys that the file has, as checked.

    Raises:
        ConfigurationError: naming `source`, the key, what is allowed and what was found.
    """
    keys = _read(text, source)
    rules = _overlay(Rules(), keys)
    _check(rules, source)
    return rules, keys


def parse_local(text: str, *, source: str = LOCAL_FILE) -> LocalConfig:
    """What a local file says, from its text.

    Raises:
        ConfigurationError: naming `source`, the key, what is allowed and what was found.
    """
    keys = _read(text, source)
    machine = _machine(keys)
    return LocalConfig(machine.retries, machine.rate_limit, machine.log, keys)


def combine(
    repository_text: str | None,
    local_text: str | None,
    *,
    repository_source: str = REPOSITORY_FILE,
    local_source: str = LOCAL_FILE,
) -> StoreConfig:
    """The configuration that counts, of the repository's file and a local one, None where there is no such file.

    Raises:
        ConfigurationError: a file is wrong, or the local one has a rule that differs from the repository's.
    """
    local = parse_local(local_text or "", source=local_source).keys
    keys: Mapping[str, Any] = {}
    if repository_text is None:
        rules = _overlay(Rules(), local)
        _check(rules, local_source)
    else:
        rules, keys = parse_rules(repository_text, source=repository_source)
        for key in _differing(rules, _overlay(rules, local)):
            raise ConfigurationError(
                f"{local_source}: store.{key} is not what the store's own {repository_source} says; "
                "its rules are one for everybody.",
                f"Remove the key from {local_source}, or change it in {repository_source} on the default branch.",
            )
    machine = _machine({key: dict(keys.get(key, {})) | dict(local.get(key, {})) for key in _MACHINE_KEYS})
    return replace(machine, rules=rules)


def _machine(keys: Mapping[str, Any]) -> StoreConfig:
    return StoreConfig(
        retries=Retries(**keys.get("retries", {})),
        rate_limit=RateLimit(**keys.get("rate_limit", {})),
        log=Log(**keys.get("log", {})),
    )


def _overlay(base: Rules, keys: Mapping[str, Any]) -> Rules:
    """The rules with those of a checked file put over them."""
    values: dict[str, Callable[[Any], object]] = {
        "base_label": str,
        "uid_prefix": str,
        "extra_labels": tuple,
        "reactions": lambda given: replace(base.reactions, **given),
        "processors": _logins,
        "access": lambda given: tuple(map(_access_rule, given if isinstance(given, list) else [given])),
        "schemas": lambda given: tuple((entry["match"], entry["schema"]) for entry in given),
    }
    changes: dict[str, Any] = {key: value(keys[key]) for key, value in values.items() if key in keys}
    return replace(base, **changes)


def _logins(given: list[str]) -> frozenset[str]:
    return frozenset(login.lower() for login in given)


def _access_rule(given: Mapping[str, Any]) -> AccessRule:
    users, teams = _logins(given.get("users", [])), tuple(team.lower() for team in given.get("teams", []))
    return AccessRule(**{**given, "users": users, "teams": teams})


def _differing(one: Rules, other: Rules) -> list[str]:
    """The keys in which two sets of rules are not the same."""

    def flat(rules: Rules) -> dict[str, object]:
        reactions = {f"reactions.{verdict}": name for verdict, name in vars(rules.reactions).items()}
        return {**{key: value for key, value in vars(rules).items() if key != "reactions"}, **reactions}

    theirs = flat(other)
    return [key for key, value in flat(one).items() if value != theirs[key]]


def _check(rules: Rules, source: str) -> None:
    """What no single key can tell."""
    verdicts = vars(rules.reactions)
    for verdict, name in verdicts.items():
        same = [other for other in verdicts if other != verdict and verdicts[other] == name]
        if same:
            raise ConfigurationError(
                f"{source}: store.reactions.{verdict} and store.reactions.{same[0]} are both {name}; "
                "a reaction can stand for one verdict only.",
                f"Give each a reaction of its own; the defaults are {', '.join(vars(Reactions()).values())}.",
            )
    taken = {rules.archived_label.casefold()}
    for key, label in [("base_label", rules.base_label), *(("extra_labels", label) for label in rules.extra_labels)]:
        name = label.casefold()
        if name in taken or name.startswith(rules.uid_prefix.casefold()):
            raise ConfigurationError(
                f"{source}: store.{key} must not have the label {_shown(label)}: it is in use by the store already, "
                "or begins with uid_prefix.",
                "Choose another label; case does not count.",
            )
        taken.add(name)


# Reading: text -> bounded YAML -> normalised -> checked by the schema


class _Loader(yaml.SafeLoader):
    """YAML 1.2's core schema, in which `no`, `on` and `12:30` are text, and no key twice."""

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
                problem = f"the key {visible(shorten(key, 60))} is there twice"
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


def _read(text: str, source: str) -> Mapping[str, Any]:
    """The keys below `store`, as the schema allows them."""
    document = _normal(_load(text, source))
    errors = sorted(
        Draft202012Validator(_schema()).iter_errors(document), key=lambda error: list(map(str, error.absolute_path))
    )
    lines = [_explain(error) for error in errors]
    if lines:
        detail = "\n".join(f"- {line}" for line in lines)
        raise ConfigurationError(f"{source}: {lines[0]}", detail=detail if len(lines) > 1 else "")
    keys: Mapping[str, Any] = document.get("store", {})
    return keys


def _load(text: str, source: str) -> object:
    if len(text.encode(errors="replace")) > SIZE_LIMIT:
        raise ConfigurationError(f"{source} is larger than {SIZE_LIMIT // 1024} KiB.", "A configuration is short.")
    try:
        _bound(text)
        loader = _Loader(text)
        return loader.get_single_data()
    except yaml.MarkedYAMLError as problem:
        line = f", line {problem.problem_mark.line + 1}" if problem.problem_mark else ""
        reason = visible(", ".join(filter(None, (problem.context, problem.problem))))
        raise ConfigurationError(f"{source}{line}: {reason}.") from None
    except yaml.YAMLError:  # characters that YAML does not allow
        raise ConfigurationError(f"{source} holds characters that are not allowed in YAML.") from None


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
            problem = "anchors and aliases (& and *) are not allowed; put the text in quotes if you mean the sign"
        elif getattr(event, "tag", None) is not None:
            problem = "tags (!) are not allowed; put the text in quotes if you mean the sign"
        if problem:
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)  # type: ignore[arg-type]


def _normal(document: object) -> Any:
    """Older spellings as today's, and keys without a value left out."""
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
    return json.loads(_data("config_schema.json"))


def _data(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _explain(error: Any) -> str:
    """One sentence of a `jsonschema.ValidationError`: the key, what is allowed and what was found."""
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    if error.validator == "additionalProperties":
        return _unknown(key, error.instance, list(error.schema["properties"]))
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"{key} needs the key `{missing[0]}`."
    return f"{key or 'the file'} must be {error.schema['description']}, not {_shown(error.instance)}."


def _unknown(key: str, given: Mapping[str, object], allowed: list[str]) -> str:
    name = next(name for name in given if name not in allowed)
    known = _schema()["properties"]["store"]["properties"]
    where = f"{key}.{name}".lstrip(".")
    if not key and name in known:
        return f"{visible(where)} belongs below `store:`."
    near = difflib.get_close_matches(name, allowed, n=1)
    hint = f"; did you mean {near[0]}" if near else ""
    return f"unknown key {visible(shorten(where, 100))}; allowed here: {', '.join(allowed)}{hint}."


def _shown(value: object) -> str:
    return visible(shorten(json.dumps(value, ensure_ascii=False), 60))
