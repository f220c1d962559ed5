"""Commands about issue forms: form writes one from a JSON Schema, form-link fills one in."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlencode

import click
from rich.console import Console

from gh_store_action.cli.data import as_input, read_data
from gh_store_action.cli.invocation import Invocation, invocation
from gh_store_action.cli.options import command, dry_run
from gh_store_action.config.defaults import write_new
from gh_store_action.config.issue_forms import FOLDER, labels_of, parse_form, written
from gh_store_action.config.schemas import SCHEMA_FOLDER
from gh_store_action.domain.forms.drafting import draft
from gh_store_action.errors import InputError, StoreError
from gh_store_action.gateway.forms.issues import FormGateway
from gh_store_action.regular_files import CONFIGURATION_LIMIT, content


@command("form", "gh-store form guestbook", "gh-store form vote --schema vote.json --update votes")
@click.argument("name", metavar="NAME")
@click.option("--schema", metavar="FILE", help="The JSON Schema. Default: .github/gh-store/NAME.json.")
@click.option("--create", metavar="ID", help="The id of the object that it creates, such as guest-{login}.")
@click.option("--update", metavar="ID", help="The id of the object that it changes, instead of --create.")
@click.option("--directory", metavar="DIR", default=".", help="The checkout. Default: the current directory.")
@dry_run
def form(name: str, schema: str | None, create: str | None, update: str | None, directory: str, dry_run: bool) -> int:
    """Write an issue form from a JSON Schema, and print its entry for .github/gh-store.yml.  Overwrites no file.

    Without --create and --update, each form creates an object NAME-{number}, after the number of the form's issue.
    """
    run = invocation()
    if create is not None and update is not None:
        raise InputError("--create and --update are both given.", "Omit one of them.")
    target = {"create": f"{name}-{{number}}" if create is None else create} if update is None else {"update": update}
    checkout = Path(directory)
    source = schema or checkout / SCHEMA_FOLDER / f"{name}.json"
    drafted = draft(name, read_data(f"@{source}", missing="Write it there, or pass --schema."), target)
    file, text = checkout / FOLDER / f"{name}.yml", written(drafted.form)
    done = not os.path.lexists(file) if dry_run else write_new(file, text)

    def draw(console: Console) -> None:
        console.print(written([dict(drafted.entry)]), end="", markup=False, soft_wrap=True)

    run.screen.line(f"{'would write' if dry_run else 'wrote'} {file}" if done else f"already exists: {file}")
    run.screen.show({"form": str(file), "written": done and not dry_run, "entry": drafted.entry}, draw)
    run.screen.line(
        "Next: put the entry under `forms:` in .github/gh-store.yml, say in `access` who may submit the form, and push "
        f"both. Then `gh-store form-link {name}` prints the form's URL and creates its label."
    )
    return 0


@command("form-link", "gh-store form-link guestbook name=Ada")
@click.argument("name", metavar="NAME")
@click.argument("answers", metavar="FIELD=VALUE", nargs=-1)
@click.option("--directory", metavar="DIR", default=".", help="The checkout. Default: the current directory.")
def form_link(name: str, answers: tuple[str, ...], directory: str) -> int:
    """Print the URL of an issue form with fields filled in.

    Creates the form's label if it does not exist: GitHub puts no other label on an issue.
    """
    run = invocation()
    file = Path(directory) / FOLDER / f"{name}.yml"
    try:
        text = content(file, CONFIGURATION_LIMIT).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InputError(f"The form {str(file)!r} cannot be read: {why}.", "Check NAME and --directory.") from None
    with as_input():
        fields = {field.id: field for field in parse_form(text, str(file)) if field.id}
    filled: dict[str, str] = {}
    for answer in answers:
        field, is_, value = answer.partition("=")
        if not is_:
            raise InputError(f"{answer[:80]!r} is not FIELD=VALUE.", f"The form's fields: {', '.join(fields)}.")
        if field not in fields:
            raise InputError(f"{field[:80]!r} matches no field of the form.", f"Its fields: {', '.join(fields)}.")
        options = [option.label for option in fields[field].options]
        if options and value not in options:
            raise InputError(f"{value[:80]!r} is not an option of {field}.", f"Its options: {', '.join(options)}.")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InputError(f"The value of {field!r} is not UTF-8 text.", "Check the terminal's encoding.") from None
        filled[field] = value
    query = urlencode({"template": f"{name}.yml", **filled})
    click.echo(f"{run.addresses.server}/{run.repository}/issues/new?{query}")
    for label in labels_of(text, str(file)):
        _see_to(run, label)
    return 0


def _see_to(run: Invocation, label: str) -> None:
    """Creates a label that does not exist; without a token that is left to a sweep, and said."""
    later = f"GitHub puts the label {label!r} on the form's issues once it exists; a sweep creates it, too."
    try:
        made = FormGateway(run.transport, run.repository).make_label(label)
    except StoreError as error:
        run.screen.line(f"{error.what} {later}")
        return
    if made:
        run.screen.line(f"created the label {label!r}, without which the store would not see the form")


COMMANDS = (form, form_link)
