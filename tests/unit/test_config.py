"""The store's configuration: what is read, what is refused and which file counts."""

import errno
import json
import os
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from gh_store_action.cli.wording import explained
from gh_store_action.config import reading, store_config
from gh_store_action.config.defaults import dump_default, dump_local
from gh_store_action.config.store_config import (
    LogConfig,
    RateLimit,
    Retries,
    StoreConfig,
    combine,
    parse_local,
    parse_rules,
    read_local,
)
from gh_store_action.domain.records import AccessRule, Reactions, Rules
from gh_store_action.errors import ConfigurationError
from tests.support.no_files import NO_FILES

GH_STORE_0_5 = """
store:
  base_label: "stored-object"
  uid_prefix: "UID:"
  reactions:
    processed: "+1"
    initial_state: "🔰"  # Japanese "beginner" symbol for initial state
  retries:
    max_attempts: 3
    backoff_factor: 2
  rate_limit:
    max_requests_per_hour: 1000
  log:
    level: "INFO"
    format: "{time} | {level} | {message}"
"""


NO_TEAMS = ("core", "org/..", "org/.", "org/.core", "../core", "org/a/b")  # of a path in an address, `..` goes up


def store(text: str) -> str:
    return f"store: {{{text}}}"


def refused(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        parse_rules(text)
    assert str(caught.value).startswith(".github/gh-store.yml"), caught.value
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["", "# nothing\n", "~", "{}", "store:", "store: {}", "store:\n  log:\n", "\ufeffstore: {}", "---\nstore: {}\n"],
)
def test_parse_rules__an_empty_file_is_the_defaults(text: str) -> None:
    assert parse_rules(text)[0] == Rules()


def test_dump_default__reads_as_the_defaults_and_shows_every_key() -> None:
    text = dump_default()
    assert combine(text, text) == StoreConfig()
    _, keys = parse_rules(text)
    schema = json.loads((Path(reading.__file__).parent / "config_schema.json").read_text())
    known = schema["properties"]["store"]["properties"]
    assert keys.keys() == known.keys()
    for name in ("reactions", "retries", "log"):
        assert keys[name].keys() == known[name]["properties"].keys()
    assert [f"    {name}: null\n" in text for name in known["rate_limit"]["properties"]] == [True]
    examples = re.findall(r"\n((?:  #   .*\n)+)", text)
    assert len(examples) == 3
    for block in examples:
        assert parse_rules("store:\n" + re.sub(r"(?m)^  #   ", "  ", block))[0] != Rules()


def test_dump_local__sets_nothing_and_shows_every_key_as_a_comment() -> None:
    text = dump_local()
    local = parse_local(text)
    assert local.keys == {}
    assert (local.retries, local.rate_limit, local.log) == (Retries(), RateLimit(), LogConfig())
    _, shown = parse_rules(re.sub(r"(?m)^  # (?=\w+: )", "  ", text))
    _, default = parse_rules(dump_default())
    assert shown == default
    assert ".github/gh-store.yml" in text


def test_dump_local__goes_with_any_rules_of_a_store() -> None:
    rules = combine("store: {base_label: data, processors: [ada]}", dump_local()).rules
    assert (rules.base_label, rules.processors) == ("data", frozenset({"ada"}))
    assert combine("store: {rate_limit: {max_requests_per_hour: 7}}", dump_local()).rate_limit == RateLimit(7)


def test_schema__is_a_schema_and_explains_every_value() -> None:
    schema = json.loads((Path(reading.__file__).parent / "config_schema.json").read_text())
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("base_label: thing", Rules(base_label="thing")),
        ("base_label: no", Rules(base_label="no")),  # text, as in YAML 1.2
        ("uid_prefix: 'ID='", Rules(uid_prefix="ID=")),
        ("extra_labels: [gh-store, data]", Rules(extra_labels=("gh-store", "data"))),
        ("reactions: {rejected: eyes}", Rules(reactions=Reactions(rejected="eyes"))),
        ("reactions: {processed: +1, rejected: -1}", Rules()),  # YAML reads numbers
        ("reactions: {processed: 👍, unauthorized: 😕, initial_state: 🚀}", Rules()),
        ("processors: [My-App[bot], 'Ada']", None),
        ("processors: ['My-App[bot]', Ada]", Rules(processors=frozenset({"my-app[bot]", "ada"}))),
        ("processors: []", Rules(processors=frozenset())),
        ("access: {permission: anyone}", Rules(access=(AccessRule(permission="anyone"),))),
        (
            "access: {users: [Ada], teams: [Org/Core], codeowners: true}",
            Rules(access=(AccessRule(users=frozenset({"ada"}), teams=("org/core",), codeowners=True),)),
        ),
        (
            "access: [{match: 'a*', permission: admin}, {match: '*'}]",
            Rules(access=(AccessRule(match="a*", permission="admin"), AccessRule())),
        ),
        ("schemas: [{match: 'm*', schema: m.json}]", Rules(schemas=(("m*", "m.json"),))),
    ],
)
def test_parse_rules__every_key_acts(text: str, expected: Rules | None) -> None:  # D64
    if expected is None:
        refused(store(text))
    else:
        assert parse_rules(store(text))[0] == expected


def test_parse_rules__gives_the_keys_that_were_there() -> None:
    assert parse_rules(store("base_label: x, retries: {max_attempts: 5}, log: ~"))[1] == {
        "base_label": "x",
        "retries": {"max_attempts": 5},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "the file must be a mapping with the one key `store`, not [1]."),
        ("store: 3", "store must be a mapping, not 3."),
        ("stores: {}", "unknown key stores; allowed here: store; did you mean store?"),
        ("base_label: x", "base_label belongs under `store:`."),
        (store("retrys: {}"), "log; did you mean retries?"),
        (store("zzz: {}"), "unknown key store.zzz; allowed here: base_label, uid_prefix, extra_labels, reactions,"),
        (store("retries: {max_attempt: 1}"), "unknown key store.retries.max_attempt; allowed here: max_attempts,"),
        (
            store("retries: {max_attempts: three}"),
            'store.retries.max_attempts must be a whole number from 1 to 10, not "t',
        ),
        (store("retries: {max_attempts: 0}"), "a whole number from 1 to 10, not 0."),
        (store("retries: {max_attempts: true}"), "a whole number from 1 to 10, not true."),
        (store("retries: {max_attempts: 1.5}"), "a whole number from 1 to 10, not 1.5."),
        (store("retries: {backoff_factor: .nan}"), 'a number from 0 to 10, not ".nan".'),
        (store("retries: 3"), "store.retries must be a mapping, not 3."),
        (store("rate_limit: {max_requests_per_hour: 0}"), "a whole number from 1 to 1000000, not 0."),
        (store("rate_limit: {max_requests_per_hour: 9999999999999999999999}"), 'not "9999999999999999999999".'),
        (store("log: {level: LOUD}"), 'store.log.level must be one of DEBUG, INFO, WARNING, ERROR, not "LOUD".'),
        (store("log: {level: 3}"), "one of DEBUG, INFO, WARNING, ERROR, not 3."),
        (store("log: info"), 'store.log must be a mapping, not "info".'),
        (store("log: {format: '{message.__class__}'}"), "braces hold time, level or message alone"),
        (store("log: {format: '{message!r:>99}'}"), "braces hold time, level or message alone"),
        (store("log: {format: '{time}'}"), "text with {message} in it"),
        (store("log: {format: '{message}" + "x" * 200 + "'}"), "text of at most 200 characters"),
        (store("base_label: ''"), "a label: text of 1 to 50 characters"),
        (store("base_label: 'a,b'"), "a label: text of 1 to 50 characters"),
        (store("base_label: ' a'"), "a label: text of 1 to 50 characters"),
        (store(f"base_label: {'x' * 51}"), "a label: text of 1 to 50 characters"),
        (store("base_label: 12"), "a label: text of 1 to 50 characters without a comma or outer spaces, not 12."),
        (store(f"uid_prefix: {'x' * 41}"), "text of 1 to 40 characters"),
        (store("uid_prefix: 'a,'"), "text of 1 to 40 characters"),
        (store("extra_labels: gh-store"), "a list of at most 20 labels"),
        (store("extra_labels: ['a,b']"), "store.extra_labels[0] must be a label"),
        (store("reactions: {processed: thumbsup}"), "one of +1, -1, laugh, confused, heart, hooray, rocket, eyes, not"),
        (store("reactions: {processed: 2}"), "one of +1, -1, laugh, confused, heart, hooray, rocket, eyes, not 2."),
        (store("reactions: {processed: true}"), "hooray, rocket, eyes, not true."),
        (store("reactions: {processed: [x]}"), 'hooray, rocket, eyes, not ["x"].'),
        (store("reactions: rocket"), 'store.reactions must be a mapping of verdicts to reactions, not "rocket".'),
        (store("reactions: {done: eyes}"), "unknown key store.reactions.done; allowed here: processed, initial_state,"),
        (store("processors: ['@ada']"), "store.processors[0] must be a login without @"),
        (store("processors: ada"), "store.processors must be a list of logins"),
        (store("access: write"), "store.access must be a mapping, or a list of mappings with `match`"),
        (store("access: []"), "a list of at least one mapping with `match`, not []."),
        (store("access: [{permission: admin}]"), "store.access[0] needs the key `match`."),
        (store("access: {permission: owner}"), "one of admin, maintain, write, triage, read, anyone"),
        (store("access: {permission: none}"), "one of admin, maintain, write, triage, read, anyone"),
        *((store(f"access: {{teams: [{one}]}}"), "teams[0] must be a team as org/team") for one in NO_TEAMS),
        (store("access: {codeowners: yes}"), 'store.access.codeowners must be true or false, not "yes".'),
        (store("access: {user: [ada]}"), "did you mean users"),
        (store("schemas: [{match: a}]"), "store.schemas[0] needs the key `schema`."),
        (store("schemas: [{match: a, schema: ../a.json}]"), "the name of a .json file in .github/gh-store/"),
        (store("schemas: [{match: '', schema: a.json}]"), "a pattern over object ids"),
        (store("schemas: [a.json]"), "store.schemas[0] must be a mapping with `match` and `schema`"),
        (
            store("reactions: {rejected: rocket}"),
            "store.reactions.initial_state and store.reactions.rejected are both r",
        ),
        (store("base_label: ARCHIVED"), "store.base_label must not have the label"),
        (store("base_label: 'uid:x'"), "store.base_label must not have the label"),
        (store("extra_labels: ['UID:x']"), "store.extra_labels must not have the label"),
        (store("extra_labels: [Stored-Object]"), "store.extra_labels must not have the label"),
        (store("extra_labels: [a, A]"), "store.extra_labels must not have the label"),
    ],
)
def test_parse_rules__a_wrong_key_or_value_is_named_with_what_is_allowed(text: str, message: str) -> None:
    assert message in refused(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("store: {a: 1, a: 2}", "line 1: the key a is a duplicate"),
        ("store:\n  log: {}\n  log: {}\n", "line 3: the key log is a duplicate"),
        ("1: 2", "line 1: a key must be text"),
        ("? [1]\n: 2", "line 1: a key must be text"),
        ("store: &a {}", "anchors and aliases (& and *) are not allowed"),
        ("store: *a", "anchors and aliases (& and *) are not allowed"),
        ("store: !!python/object/apply:os.system [ls]", "tags (!) are not allowed"),
        ("store: !x y", "tags (!) are not allowed"),
        ("store: {<<: {base_label: x}}", "unknown key store.<<"),
        ("a: b: c", "mapping values are not allowed here"),
        ("store: 'open", "line 1: while scanning a quoted scalar, found unexpected end of stream"),
        ("store: {}\n---\nstore: {}", "expected a single document in the stream"),
        ("store: \x00", "characters that YAML does not allow"),
        ('store: {base_label: "a\\nb"}', "control characters are not allowed"),
        ('store: {base_label: "\\ud800"}', "control characters are not allowed"),
        ("[" * 60_000, "nested deeper than 20 levels"),
        ("- " * 30_000, "nested deeper than 20 levels"),
        ("{" * 60_000, "nested deeper than 20 levels"),
        ("#" * 65_537, "is larger than 64 KiB"),
        ("#" + "é" * 40_000, "is larger than 64 KiB"),
    ],
)
def test_parse_rules__yaml_that_is_costly_or_surprising_is_refused(text: str, message: str) -> None:
    assert message in refused(text)


def test_parse_rules__a_mark_is_not_always_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> None:
        raise reading.yaml.MarkedYAMLError(problem="odd")

    monkeypatch.setattr(reading, "_bound", fail)
    assert refused("store: {}") == ".github/gh-store.yml: odd. Correct the YAML there."


def test_parse_rules__several_faults_are_all_in_the_detail() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_rules(store("log: {level: LOUD}, retries: {max_attempts: 0}"))
    assert caught.value.detail.count("\n- ") == 1
    assert "log.level" in str(caught.value)
    with pytest.raises(ConfigurationError) as caught:
        parse_rules(store("log: {level: LOUD}"))
    assert caught.value.detail == ""


@pytest.mark.parametrize(
    ("text", "retries", "rate_limit", "log"),
    [
        ("", Retries(), RateLimit(), LogConfig()),
        (store("retries: {max_attempts: 5}"), Retries(5), RateLimit(), LogConfig()),
        (store("retries: {backoff_factor: 0.5, max_wait_seconds: 010}"), Retries(3, 0.5, 10), RateLimit(), LogConfig()),
        (store("retries: {max_attempts: 4.0}"), Retries(4), RateLimit(), LogConfig()),
        (store("rate_limit: {max_requests_per_hour: 50}"), Retries(), RateLimit(50), LogConfig()),
        (store("log: {level: debug}"), Retries(), RateLimit(), LogConfig("DEBUG")),
        (store("log: {level: success, format: '{message}'}"), Retries(), RateLimit(), LogConfig("INFO", "{message}")),
    ],
)
def test_parse_local__a_key_left_out_has_its_default(  # D65
    text: str, retries: Retries, rate_limit: RateLimit, log: LogConfig
) -> None:
    local = parse_local(text)
    assert (local.retries, local.rate_limit, local.log) == (retries, rate_limit, log)
    assert type(local.retries.max_attempts) is int


def test_parse_local__names_its_source() -> None:
    with pytest.raises(ConfigurationError, match=r"^/tmp/c\.yml: unknown key x"):
        parse_local("x: 1", source="/tmp/c.yml")


def test_combine__the_default_file_of_gh_store_is_read() -> None:
    assert combine(None, GH_STORE_0_5) == StoreConfig(rate_limit=RateLimit(1000))
    assert combine("", GH_STORE_0_5) == StoreConfig(rate_limit=RateLimit(1000))


@pytest.mark.parametrize(
    ("repository", "local", "expected"),
    [
        (None, None, StoreConfig()),
        ("", None, StoreConfig()),
        ("base_label: x", None, StoreConfig(Rules(base_label="x"))),
        (None, "base_label: x", StoreConfig(Rules(base_label="x"))),
        ("base_label: x", "base_label: x", StoreConfig(Rules(base_label="x"))),
        ("", "base_label: stored-object", StoreConfig()),  # the same as the default
        ("access: {users: [a, b]}", "access: [{match: '*', users: [B, A]}]", None),
        ("retries: {max_attempts: 5}", None, StoreConfig(retries=Retries(5))),
        ("retries: {max_attempts: 5}", "retries: {backoff_factor: 1}", StoreConfig(retries=Retries(5, 1))),
        ("retries: {max_attempts: 5}", "retries: {max_attempts: 2}", StoreConfig(retries=Retries(2))),
        ("log: {level: ERROR}", "log: {level: DEBUG}", StoreConfig(log=LogConfig("DEBUG"))),
        ("", "rate_limit: {max_requests_per_hour: 7}", StoreConfig(rate_limit=RateLimit(7))),
    ],
)
def test_combine__rules_are_the_repositorys_and_the_machine_is_ours(
    repository: str | None, local: str | None, expected: StoreConfig | None
) -> None:
    expected = expected or StoreConfig(Rules(access=(AccessRule(users=frozenset("ab")),)))
    texts = [None if text is None else store(text) for text in (repository, local)]
    assert combine(*texts) == expected


@pytest.mark.parametrize(
    ("repository", "local", "key"),
    [
        ("", "base_label: x", "store.base_label"),
        ("base_label: x", "base_label: y", "store.base_label"),
        ("base_label: x", "uid_prefix: 'ID:'", "store.uid_prefix"),
        ("", "reactions: {rejected: eyes}", "store.reactions.rejected"),
        ("", "reactions: {rejected: rocket}", "store.reactions.rejected"),
        ("", "processors: []", "store.processors"),
        ("", "access: {permission: anyone}", "store.access"),
        ("", "schemas: [{match: a, schema: a.json}]", "store.schemas"),
        ("", "extra_labels: [a]", "store.extra_labels"),
    ],
)
def test_combine__a_local_rule_that_differs_is_an_error_with_the_key(repository: str, local: str, key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        combine(store(repository), store(local), local_source="here.yml")
    assert str(caught.value).startswith(f"here.yml: {key} differs from the store's .github/gh-store.yml")


@pytest.mark.parametrize(
    ("repository", "local", "source"),
    [
        ("x: 1", "", "R"),
        ("", "x: 1", "L"),
        (None, store("reactions: {rejected: rocket}"), "L"),
        (store("reactions: {rejected: rocket}"), "", "R"),
    ],
)
def test_combine__a_fault_is_blamed_on_its_file(repository: str | None, local: str, source: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{source}: "):
        combine(repository, local, repository_source="R", local_source="L")


def test_read_local__the_default_file_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_local() is None
    file = tmp_path / ".config" / "gh-store" / "config.yml"
    file.parent.mkdir(parents=True)
    file.write_text("\ufeffstore: {}", encoding="utf-8")
    assert read_local() == "store: {}"


@pytest.mark.parametrize("place", ["~no-such-login/config.yml", "/dev/null/.config/gh-store/config.yml"])
def test_read_local__without_a_home_there_is_no_default_file(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in containers, where HOME is not set and nobody has the process's number, or HOME is /dev/null."""
    monkeypatch.setattr(store_config, "LOCAL_FILE", place)
    assert read_local() is None


def test_read_local__a_named_file_must_be_there_and_is_not_made(tmp_path: Path) -> None:  # D66
    file = tmp_path / "typo.yml"
    with pytest.raises(ConfigurationError, match="typo.yml does not exist"):
        read_local(file)
    assert not file.exists()


def test_read_local__a_file_that_can_not_be_read_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "c.yml"
    file.write_bytes(b"store: \xff")
    with pytest.raises(ConfigurationError, match="cannot be read: it is not UTF-8 text. Fix that, or remove the file"):
        read_local(str(file))


def test_read_local__a_home_of_somebody_else_is_told_with_the_ways_around_it() -> None:
    """HOME is /root, and the process is nobody's: nothing in it can be corrected or removed."""

    def refused(_: str) -> bytes:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    with pytest.raises(ConfigurationError, match=r"Permission denied\. .*HOME.* or name .* `config_path`\.") as told:
        read_local(read=refused)
    assert "the option --config" in explained(told.value)
    with pytest.raises(ConfigurationError, match="Fix that, or remove the file"):
        read_local("mine.yml", refused)


@pytest.mark.parametrize("kind", NO_FILES)
def test_read_local__a_file_that_is_none_or_has_no_end_is_an_error(tmp_path: Path, kind: str) -> None:
    NO_FILES[kind](tmp_path / "c.yml")
    with pytest.raises(ConfigurationError, match="cannot be read: it is (not a regular file|larger than 64 KiB)"):
        read_local(tmp_path / "c.yml")
