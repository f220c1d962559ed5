"""The command `gh-store`: its group, and the one place that turns a failure into a line and an exit code."""

from __future__ import annotations

import difflib
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from gh_store_action import __version__
from gh_store_action.cli.completing import completed
from gh_store_action.cli.options import Call, common
from gh_store_action.cli.screen import output_failed
from gh_store_action.cli.wording import explained
from gh_store_action.errors import StoreError

FAILED = BUG = 1
WRONG_INPUT = 2
INTERRUPTED = 130


class Program(click.Group):
    """The group.  Exit codes: 0 success, 1 a failure that the message explains, 2 wrong inputs, 130 interrupted."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = "gh-store",
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = False,  # ids and data are taken byte for byte
        **extra: Any,
    ) -> Any:
        """Runs the command line and exits.

        Args:
            standalone_mode: exit; otherwise, return the exit code.
        """
        running = Call(os.environ)
        given = list(sys.argv[1:] if args is None else args)
        try:
            if sys.stdout is None:  # before doing anything that could not be reported
                raise StoreError("Standard output is closed.", "Send it to a file.")
            code = super().main(
                given,
                prog_name="gh-store",
                complete_var=complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                obj=running,
                **extra,
            )
        except Exception as error:
            code = _explain(error, running)
        finally:
            running.close()
        code = int(code or 0)
        if standalone_mode:
            sys.exit(code)
        return code

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return [name for _, _, summaries in ROOMS for name in summaries]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; imports only the module that holds it."""
        room = next((room for _, room, summaries in ROOMS if cmd_name in summaries), None)
        commands: Sequence[click.Command] = import_module(f"{__name__}.{room}").COMMANDS if room else ()
        return next((completed(one) for one in commands if one.name == cmd_name), None)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments begin with; for an unknown one, suggests similar names."""
        name = args[0]
        known = self.list_commands(ctx)
        if name not in known and not name.startswith("-") and not ctx.resilient_parsing:
            near = difflib.get_close_matches(name, known)
            hint = f" Did you mean {', '.join(map(repr, near))}?" if near else ""
            raise click.UsageError(f"Unknown command {name!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands by purpose."""
        for title, _, summaries in ROOMS:
            with formatter.section(title):
                formatter.write_dl(list(summaries.items()))


def _explain(error: Exception, running: Call) -> int:
    """Says in one line what went wrong; with --verbose, more."""
    say = running.screen.error
    if isinstance(error, StoreError):
        say(running.redact(explained(error)))
        if running.verbose:
            for line in (*error.detail.splitlines(), *_trace(error)):
                running.screen.line(running.redact(line))
        return error.exit_code
    if isinstance(error, click.Abort):
        known = str(error.__cause__ or "")  # what the interrupted work says, such as that an update is posted
        said = known or "Unfinished work is still pending. Run the same command again."
        say(running.redact(f"Interrupted. {said}"))
        return INTERRUPTED
    if isinstance(error, click.ClickException):
        where = getattr(error, "ctx", None)
        help_ = f"{where.command_path} --help" if where else "gh-store --help"
        sentence = " ".join(error.format_message().split()).replace("a valid integer range", "a whole number")
        if sentence[-1:] not in (".", "?", "!"):
            sentence += "."
        say(running.redact(f"{sentence}{_after_dashes(error)} See `{help_}`."))
        return WRONG_INPUT
    if isinstance(error, OSError) and output_failed(error):
        say(f"Standard output cannot be written: {error.strerror}.")
        return FAILED
    place = traceback.extract_tb(error.__traceback__)[-1]
    say(
        running.redact(
            f"This is a bug in gh-store: {type(error).__name__} in {Path(place.filename).name}, "
            f"line {place.lineno}: {error}. "
            f"Please report it and include this line and the version, {__version__}. --verbose shows more."
        )
    )
    if running.verbose:
        for line in _trace(error):
            running.screen.line(running.redact(line))
    return BUG


def _after_dashes(error: click.ClickException) -> str:
    """A hint about a supposed option that may be an id."""
    if not isinstance(error, click.NoSuchOption) or error.ctx is None or error.possibilities:
        return ""
    if not any(one.name == "object_id" for one in error.ctx.command.params):
        return ""
    return f" Put an id that begins with - after --, such as: {error.ctx.command_path} -- -id."


def _trace(error: BaseException) -> list[str]:
    return "".join(traceback.format_exception(error)).splitlines()


@click.group(
    "gh-store",
    cls=Program,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, "-V", "--version", prog_name="gh-store")
@common(hidden=False)
@click.pass_context
def program(ctx: click.Context) -> int:
    """GitHub Issues as a versioned JSON store.

    Results go to standard output: JSON, or tables on a terminal.  Everything else goes to standard error.
    Exit codes: 0 success, 1 a failure that the message explains, 2 wrong inputs.

    \b
    First steps:
      export GITHUB_TOKEN=… GITHUB_REPOSITORY=owner/name
      gh-store create metrics '{"count": 0}'
      gh-store update metrics '{"count": 1}' --apply
      gh-store get metrics

    \b
    Completion of commands, options, ids and files, for bash (or zsh, fish):
      eval "$(gh-store completion bash)"
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
    return 0


ROOMS: tuple[tuple[str, str, Mapping[str, str]], ...] = (
    (
        "Objects",
        "objects",
        {
            "create": "Create one object or many.",
            "upsert": "Create an object, or replace its data if it exists.",
            "get": "Print an object, or what a JSONPath finds in it.",
            "update": "Post an update to one object or many.",
            "edit": "Edit an object in $VISUAL or $EDITOR.",
            "delete": "Delete an object.",
            "restore": "Bring a deleted object back.",
            "list": "List all objects, or those that match.",
            "open": "Open an object's issue in the browser.",
            "validate": "Check a file against the store's rules.",
        },
    ),
    (
        "History",
        "history",
        {
            "history": "Print what happened to an object.",
            "diff": "Print what changed between two revisions.",
            "revert": "Set an object back to an earlier revision.",
        },
    ),
    (
        "Upkeep",
        "maintenance",
        {
            "process-updates": "Apply the pending updates of one object.",
            "sweep": "Apply all pending updates in the store.",
            "verify": "Check every object, or one, against its log.",
            "migrate": "Adopt a store that gh-store 0.5 to 0.11 wrote.",
            "dedupe": "Merge issues for the same object, such as gh-store's aliases.",
            "roll-over": "Move an object to a new issue, where its history continues.",
        },
    ),
    (
        "Snapshots and exports",
        "snapshots",
        {
            "snapshot": "Write all objects to a file.",
            "update-snapshot": "Bring a snapshot up to date.",
            "site": "Write the page that shows the store.",
            "export": "Write all objects and their full logs, for other programs.",
        },
    ),
    (
        "Issue forms",
        "forms",
        {
            "form": "Write an issue form from a JSON Schema, and print its entry for .github/gh-store.yml.",
            "form-link": "Print the URL of an issue form with fields filled in.",
        },
    ),
    (
        "Setup",
        "setup",
        {
            "init": "Write this machine's configuration or, with --repository-files, the workflows.",
            "doctor": "Check a repository and say what to do.",
            "access": "Show what a person may do to an object, and by which rule.",
            "completion": "Print the shell completion script.",
        },
    ),
)
"""Title, module, and each command's name and summary, so that `--help` need not import a command."""


def main() -> None:
    """The entry point of the installed command."""
    program.main()
