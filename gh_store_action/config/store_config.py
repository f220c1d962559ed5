"""The store's YAML configuration: read by a bounded loader, checked by `config_schema.json`, combined from two files.

A store's rules are the same for everyone, so they come from its repository.  Settings of one machine come from a local
file, and `combine` decides which one counts.  An unknown key is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gh_store_action.config.defaults import dump_local
from gh_store_action.domain.markdown import shown, visible
from gh_store_action.domain.names import UPDATE_MODES
from gh_store_action.domain.records import AccessRule, FormRule, Reactions, Rules
from gh_store_action.errors import ConfigurationError, InputError
from gh_store_action.hints import Setting, Text
from gh_store_action.regular_files import CONFIGURATION_LIMIT, content, expanded

REPOSITORY_FILE = ".github/gh-store.yml"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")  # of the log, ascending
LOCAL_FILE = "~/.config/gh-store/config.yml"

# For a file, or a home directory, of somebody else, as after `sudo` or in containers, where HOME is that of root.
_ELSEWHERE = Text(
    "Make it readable, or set the variable HOME to a folder of your own, or name another file with ",
    Setting("config"),
    ".",
)
_MACHINE_KEYS = frozenset({"retries", "rate_limit", "log"})  # the others are rules


@dataclass(frozen=True)
class Retries:
    """How often and how long to retry a request.

    Args:
        max_attempts: of one request, including the first.
        backoff_factor: seconds before the second attempt; later waits are longer.
        max_wait_seconds: the longest time to wait, such as for a rate limit.
    """

    max_attempts: int = 3
    backoff_factor: float = 2
    max_wait_seconds: int = 120


@dataclass(frozen=True)
class RateLimit:
    """How much of GitHub's hourly budgets one run may use, REST requests and GraphQL points each; None for all."""

    max_requests_per_hour: int | None = None


@dataclass(frozen=True)
class LogConfig:
    """The lowest level to log, and the format of a line; the schema has the fields that `format` may use."""

    level: str = "INFO"
    format: str = "{time} | {level} | {message}"

    def shows(self, level: str) -> bool:
        """Whether lines of that level are logged."""
        return LEVELS.index(level) >= LEVELS.index(self.level)


@dataclass(frozen=True)
class LocalConfig:
    """A local file's settings.

    Args:
        retries, rate_limit, log: with defaults for missing keys.
        keys: all its keys, as checked; `combine` decides which rules among them count.
    """

    retries: Retries = Retries()
    rate_limit: RateLimit = RateLimit()
    log: LogConfig = LogConfig()
    keys: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StoreConfig:
    """The configuration in force."""

    rules: Rules = Rules()
    retries: Retries = Retries()
    rate_limit: RateLimit = RateLimit()
    log: LogConfig = LogConfig()


def read_local(path: str | Path | None = None, read: Callable[[str], bytes | None] | None = None) -> str | None:
    """The text of a local file: the given one, which must exist, or `LOCAL_FILE`, which may exist.

    Args:
        read: returns a file's bytes, or None; by default, at most `CONFIGURATION_LIMIT` of any regular file.

    Raises:
        InputError: its home directory is not known.
        ConfigurationError: the file cannot be read.  No default is written.
    """
    try:
        file = expanded(path or LOCAL_FILE)
    except InputError:
        if path:
            raise
        return None
    try:
        found = read(str(path)) if read else content(file, CONFIGURATION_LIMIT)
        if found is None:
            raise FileNotFoundError
        return found.decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        if not path:
            return None
        raise ConfigurationError(
            f"The configuration file {visible(str(file))} does not exist.",
            "Fix the path, or run `gh-store init` to write the default file.",
        ) from None
    except (OSError, UnicodeDecodeError) as problem:
        why = getattr(problem, "strerror", None) or "it is not UTF-8 text"
        raise ConfigurationError(
            f"The configuration file {visible(str(file))} cannot be read: {why}.",
            _ELSEWHERE
            if isinstance(problem, PermissionError) and not path
            else "Fix that, or remove the file: every setting in it has a default.",
        ) from problem


def parse_rules(text: str, *, source: str = REPOSITORY_FILE) -> tuple[Rules, Mapping[str, Any]]:
    """The store's rules from the text of its file, and all keys in the file, as checked.

    Raises:
        ConfigurationError: with `source`, the key, what is allowed and what was found.
    """
    keys = _keys(text, source)
    rules = _overlay(Rules(), keys)
    _check(rules, source)
    return rules, keys


def parse_local(text: str, *, source: str = LOCAL_FILE) -> LocalConfig:
    """A local file's settings, from its text.

    Raises:
        ConfigurationError: with `source`, the key, what is allowed and what was found.
    """
    keys = _keys(text, source)
    machine = _machine(keys)
    return LocalConfig(machine.retries, machine.rate_limit, machine.log, keys)


def combine(
    repository_text: str | None,
    local_text: str | None,
    *,
    repository_source: str = REPOSITORY_FILE,
    local_source: str = LOCAL_FILE,
) -> StoreConfig:
    """The configuration in force, from the repository's file and a local one, each None if there is no such file.

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
                f"{local_source}: store.{key} differs from the store's {repository_source}. "
                "A store's rules are the same for everyone.",
                f"Remove the key from {local_source}, or change it in {repository_source} on the default branch.",
            )
    machine = _machine({key: dict(keys.get(key, {})) | dict(local.get(key, {})) for key in _MACHINE_KEYS})
    return replace(machine, rules=rules)


def _keys(text: str, source: str) -> Mapping[str, Any]:
    if text in ("", dump_local()):  # the default sets nothing
        return {}
    from gh_store_action.config.reading import read_keys  # YAML and JSON Schema: many stores have no file

    return read_keys(text, source)


def _machine(keys: Mapping[str, Any]) -> StoreConfig:
    return StoreConfig(
        retries=Retries(**keys.get("retries", {})),
        rate_limit=RateLimit(**keys.get("rate_limit", {})),
        log=LogConfig(**keys.get("log", {})),
    )


def _overlay(base: Rules, keys: Mapping[str, Any]) -> Rules:
    """The rules, replaced by those in a checked file."""
    values: dict[str, Callable[[Any], object]] = {
        "base_label": str,
        "uid_prefix": str,
        "extra_labels": tuple,
        "reactions": lambda given: replace(base.reactions, **given),
        "processors": _logins,
        "access": lambda given: tuple(map(_access_rule, given if isinstance(given, list) else [given])),
        "schemas": lambda given: tuple((entry["match"], entry["schema"]) for entry in given),
        "forms": lambda given: tuple(FormRule(**entry) for entry in given),
    }
    changes: dict[str, Any] = {key: value(keys[key]) for key, value in values.items() if key in keys}
    return replace(base, **changes)


def _logins(given: list[str]) -> frozenset[str]:
    return frozenset(login.lower() for login in given)


def _access_rule(given: Mapping[str, Any]) -> AccessRule:
    users, teams = _logins(given.get("users", [])), tuple(team.lower() for team in given.get("teams", []))
    allow = tuple(given.get("allow", UPDATE_MODES))
    named = users or teams or given.get("codeowners")  # a rule without names lets everyone it matches create objects
    least = given.get("permission", AccessRule.permission if named else "anyone")
    create = least if given.get("create") else ""
    return AccessRule(**{**given, "users": users, "teams": teams, "allow": allow, "create": create})


def _differing(one: Rules, other: Rules) -> list[str]:
    """The keys in which two sets of rules differ."""

    def flat(rules: Rules) -> dict[str, object]:
        reactions = {f"reactions.{verdict}": name for verdict, name in vars(rules.reactions).items()}
        return {**{key: value for key, value in vars(rules).items() if key != "reactions"}, **reactions}

    theirs = flat(other)
    return [key for key, value in flat(one).items() if value != theirs[key]]


def _check(rules: Rules, source: str) -> None:
    """Checks keys that depend on each other."""
    verdicts = vars(rules.reactions)
    for verdict, name in verdicts.items():
        same = [other for other in verdicts if other != verdict and verdicts[other] == name]
        if same:
            raise ConfigurationError(
                f"{source}: store.reactions.{verdict} and store.reactions.{same[0]} are both {name}; "
                "each reaction can have only one verdict.",
                f"Give each its own reaction; the defaults are {', '.join(vars(Reactions()).values())}.",
            )
    taken = {rules.archived_label.casefold()}
    named = [("base_label", rules.base_label), *(("extra_labels", label) for label in rules.extra_labels)]
    for key, label in [*named, *(("forms", form.label) for form in rules.forms)]:
        name = label.casefold()
        if name in taken or name.startswith(rules.uid_prefix.casefold()):
            raise ConfigurationError(
                f"{source}: store.{key} must not have the label {shown(label)}: the store already uses it, "
                "or it begins with uid_prefix.",
                "Choose another label. Case does not count.",
            )
        taken.add(name)
