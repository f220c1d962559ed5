"""The command `validate`: checks a file against the store's rules before anything is posted."""

from __future__ import annotations

import click
from rich.console import Console

from gh_store_action import arguments
from gh_store_action.cli.data import as_input, object_data
from gh_store_action.cli.drawing import cell, table
from gh_store_action.cli.invocation import invocation
from gh_store_action.cli.options import command
from gh_store_action.config.schemas import compiled, judge_of
from gh_store_action.config.store_config import parse_rules, read_local
from gh_store_action.domain import access, objects
from gh_store_action.domain.access import Access
from gh_store_action.domain.log.fold import Judge
from gh_store_action.domain.names import UPDATE_MODES
from gh_store_action.domain.objects import InvalidId
from gh_store_action.domain.records import Rules
from gh_store_action.errors import ConfigurationError, InputError
from gh_store_action.regular_files import DATA_LIMIT, content, expanded

SCHEMAS = "gh-store"  # the folder next to the configuration


@command(
    "validate",
    "gh-store validate settings.json --as settings",
    "gh-store validate settings.json --as settings --config .github/gh-store.yml",
)
@click.argument("file", metavar="FILE")
@click.option("--as", "object_id", metavar="ID", required=True, help="The object that the data is for.")
@click.option("--login", metavar="LOGIN", help="Also check whether this person may replace the object.")
def validate(file: str, object_id: str, login: str | None) -> int:
    """Check a file against the store's rules.

    FILE is JSON, or - for standard input.  The rules come from the repository's default branch.  With --config, they
    come from that file, and the schemas from the folder gh-store next to it: no network is needed.  Exits with code 1
    if FILE is not valid.
    """
    run = invocation()
    value = object_data("-" if file == "-" else f"@{file}")
    who = arguments.login("--login", login) if login is not None else ""
    if run.config:
        with as_input():
            rules, judge = _local(run.config, object_id)
        found = _by_the_rule_alone(rules, object_id, who)
    else:
        run.session.ensure()
        rules, judge = run.session.rules, run.session.judge(object_id)
        found = run.session.access(who, object_id) if who else None
    _check_id(object_id, rules)
    reasons = [{"path": path, "reason": reason} for path, reason in judge(value)]
    if found is not None and "replace" not in found.kinds:
        reasons.append({"path": "$", "reason": f"{who} may not replace it, by the rule {found.decided_by}"})
    rule = Access(object_id, who, access.rule_for(rules, object_id, who), ()).decided_by

    def draw(console: Console) -> None:
        rows = [(one["path"], one["reason"]) for one in reasons]
        console.print(table(("Path", "What"), rows) if rows else cell(f"{file} is valid as {object_id}"))

    run.screen.show({"object_id": object_id, "valid": not reasons, "reasons": reasons, "rule": rule}, draw)
    return 1 if reasons else 0


def _local(config: str, object_id: str) -> tuple[Rules, Judge]:
    """The rules in a configuration file, and the object's schema next to it.

    Raises:
        ConfigurationError: one of the files cannot be used.
    """
    rules, _ = parse_rules(read_local(config) or "", source=config)
    folder = expanded(config).parent / SCHEMAS
    files = {}
    for schema in sorted(folder.glob("*.json")):
        try:
            files[schema.name] = content(schema, DATA_LIMIT).decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise ConfigurationError(f"The schema {str(schema)!r} cannot be read: {why}.") from None
    return rules, judge_of(compiled(rules, files), object_id)


def _by_the_rule_alone(rules: Rules, object_id: str, login: str) -> Access | None:
    """What the person may do, if that does not depend on GitHub.

    Raises:
        InputError: it does.
    """
    if not login:
        return None
    rule = access.rule_for(rules, object_id, login)
    if login not in rules.processors and (rule.limited or not access.allows(rule, login=login)):
        raise InputError(f"Only GitHub knows whether {login} may replace {object_id!r}.", "Omit --config or --login.")
    return Access(object_id, login, rule, UPDATE_MODES)


def _check_id(object_id: str, rules: Rules) -> None:
    try:
        objects.check_id(object_id, rules)
    except InvalidId as error:
        raise InputError(str(error), "Choose another id.") from None
