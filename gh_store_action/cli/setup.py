"""Commands that set up a store: init, doctor, access, completion."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete
from rich.console import Console

from gh_store_action import arguments
from gh_store_action.cli.drawing import table
from gh_store_action.cli.forms.examples import EXAMPLES, guestbook
from gh_store_action.cli.invocation import invocation
from gh_store_action.cli.options import command, dry_run
from gh_store_action.config.defaults import dump_default, dump_local, write_new
from gh_store_action.config.store_config import LOCAL_FILE, REPOSITORY_FILE
from gh_store_action.domain.names import UPDATE_MODES
from gh_store_action.errors import InputError, StoreError
from gh_store_action.regular_files import expanded
from gh_store_action.store.doctor import WORKFLOWS, Check, Level, examine, templates

SHELLS: Mapping[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@command("init", "gh-store init", "gh-store init --repository-files", "gh-store init --with guestbook")
@click.option("--repository-files", is_flag=True, help="Write workflows and .github/gh-store.yml into the checkout.")
@click.option("--page", is_flag=True, help="With --repository-files: also the workflow that deploys a page.")
@click.option("--with", "example", type=click.Choice(EXAMPLES), help="The repository's files with a complete example.")
@click.option("--directory", metavar="DIR", help="With --repository-files: the checkout. Default: this directory.")
@dry_run
def init(repository_files: bool, page: bool, example: str | None, directory: str | None, dry_run: bool) -> int:
    """Write this machine's configuration or, with --repository-files, the workflows.  Overwrites no file."""
    run = invocation()
    alone = "--directory" if directory is not None else "--page" if page else ""
    if alone and not (repository_files or example):
        raise InputError(
            f"{alone} has no effect without --repository-files.",
            "Add --repository-files, or omit it.",
        )
    if repository_files or example:
        files = _repository_files(Path(directory or "."), page=page, example=guestbook() if example else {})
        pages = 'Choose "GitHub Actions" under Settings > Pages > Source. ' if page else ""
        link = f"Print the form's URL with `gh-store form-link {example}`, which creates its label. " * bool(example)
        step = f"review the files, commit them to the default branch and push. {pages}{link}Then run `gh-store doctor`."
    else:
        files = {expanded(run.config or LOCAL_FILE): dump_local()}
        step = "set GITHUB_TOKEN and GITHUB_REPOSITORY. Then run `gh-store doctor`."
    written: list[str] = []
    kept: list[str] = []
    for file, text in files.items():
        done = not os.path.lexists(file) if dry_run else write_new(file, text)
        (written if done else kept).append(str(file))

    def draw(console: Console) -> None:
        for name in written:
            console.print(f"{'would write' if dry_run else 'wrote'} {name}", style="green", soft_wrap=True)
        for name in kept:
            console.print(f"already exists: {name}", style="yellow", soft_wrap=True)

    run.screen.show({"written": written, "kept": kept, "dry_run": dry_run}, draw)
    run.screen.line(f"Next: {step}")
    return 0


def _repository_files(checkout: Path, *, page: bool, example: Mapping[str, str]) -> dict[Path, str]:
    """The files for a store's repository, by path."""
    if not os.path.lexists(checkout / ".git"):
        raise StoreError(
            f"{str(checkout.absolute())!r} is not the root of a checkout: it has no .git.",
            "Clone the store's repository and run this in it, or pass --directory.",
        )
    files = {checkout / WORKFLOWS / name: text for name, text in templates(page=page).items()}
    more = {REPOSITORY_FILE: dump_default(), **example}
    return {**files, **{checkout / name: text for name, text in more.items()}}


@command("doctor", "gh-store doctor")
def doctor() -> int:
    """Check a repository and say what to do.

    Checks token, permissions, issues, configuration and schemas, labels, workflows, pending updates, duplicate ids and
    broken bodies.  Writes nothing.  Exits with code 1 if a check fails.
    """
    run = invocation()
    checks = list(examine(run.session, run.screen.progress("issues read")))
    value = [{"check": c.name, "level": c.level.value, "found": c.found, "hint": c.hint} for c in checks]
    run.screen.show(value, lambda console: _draw_checks(console, checks))
    failed = sum(c.level is Level.FAIL for c in checks)
    warned = sum(c.level is Level.WARN for c in checks)
    count = f"{len(checks)} check{'' if len(checks) == 1 else 's'}"
    run.screen.line(f"{count}: {failed} failed, {warned} with warnings, {len(checks) - failed - warned} passed.")
    return 1 if failed else 0


def _draw_checks(console: Console, checks: list[Check]) -> None:
    style = {"ok": "green", "warn": "yellow", "fail": "bold red"}
    rows = [
        ((c.level.value, style[c.level.value]), (c.name, "bold"), c.found + (f"\n→ {c.hint}" if c.hint else ""))
        for c in checks
    ]
    console.print(table(("", "Check", "Found"), rows))


@command("access", "gh-store access guestbook --as octocat")
@click.argument("object_id", metavar="ID")
@click.option("--as", "login", metavar="LOGIN", required=True, help="The person to check.")
def access(object_id: str, login: str) -> int:
    """Show what a person may do to an object, and by which rule."""
    run = invocation()
    found = run.store().access(object_id, arguments.login("--as", login))
    may = "everything" if found.kinds == UPDATE_MODES else ", ".join(found.kinds) or "nothing"

    def draw(console: Console) -> None:
        console.print(f"{found.login} may do {may} to {found.object_id}.", markup=False)
        if found.create:
            console.print(f"{found.login} may create {found.object_id} by a form.", markup=False)
        console.print(f"Rule: {found.decided_by}", markup=False)

    value = {
        "id": found.object_id,
        "login": found.login,
        "may": list(found.kinds),
        "create": found.create,
        "rule": found.decided_by,
    }
    run.screen.show(value, draw)
    return 0


@command("completion", "gh-store completion bash")
@click.argument("shell", metavar="SHELL", type=click.Choice(list(SHELLS)))
def completion(shell: str) -> int:
    """Print the shell completion script.

    It completes commands, options, ids and files.  SHELL is one of these:

    \b
    bash: eval "$(gh-store completion bash)" in ~/.bashrc
    zsh:  eval "$(gh-store completion zsh)" in ~/.zshrc
    fish: gh-store completion fish > ~/.config/fish/completions/gh-store.fish
    """
    root = click.get_current_context().find_root().command
    click.echo(SHELLS[shell](root, {}, "gh-store", "_GH_STORE_COMPLETE").source())
    return 0


COMMANDS = (init, doctor, access, completion)
