"""What all commands share: the call, and the common options, before and after the command's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

import click

from gh_store_action.cli.screen import Screen

TOKENS = ("GITHUB_TOKEN", "GH_TOKEN")
REPOSITORIES = ("GITHUB_REPOSITORY", "GH_REPO")

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class Call:
    """One call of the command, with only what `--help` needs.

    Args:
        environ: the process's environment.

    Attributes:
        options: the common options that were given, by name.
        kept: the token from `gh`, once requested.
        work: what the commands work with, once requested; closed with the call.
    """

    def __init__(self, environ: Mapping[str, str], screen: Screen | None = None) -> None:
        self.environ = environ
        self.options: dict[str, Any] = {}
        self.kept = ""
        self.screen = screen or Screen(environ=environ)
        self.work: Closing | None = None

    @property
    def verbose(self) -> bool:
        """Whether to say more."""
        return bool(self.options.get("verbose"))

    def redact(self, text: str) -> str:
        """The text without the token."""
        secrets = (str(self.options.get("token") or ""), self.kept, *(self.environ.get(name, "") for name in TOKENS))
        for secret in secrets:
            text = text.replace(secret.strip(), "***") if len(secret.strip()) > 3 else text
        return text

    def close(self) -> None:
        """Ends the progress bar, and closes what the command worked with."""
        self.screen.clear()
        if self.work is not None:
            self.work.close()


class Closing(Protocol):
    """Something to close."""

    def close(self) -> None:
        """Closes it."""


class Command(click.Command):
    """A command whose help ends with examples; a test runs every one of them.

    Args:
        examples: command lines that begin with `gh-store`.
    """

    def __init__(self, *args: Any, examples: tuple[str, ...] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples, ready to copy."""
        with formatter.section("Examples" if len(self.examples) > 1 else "Example"):
            for example in self.examples:
                formatter.write_text(example)
        formatter.write_paragraph()
        formatter.write_text("Common options, such as --repo and --token: see `gh-store --help`.")


def _keep(ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Keeps an option for the invocation.  An option after the command's name is parsed later, so it wins."""
    if value:
        ctx.obj.options[parameter.name] = value
    return value


def common(*, hidden: bool) -> Callable[[Decorated], Decorated]:
    """Adds the options that every command has.

    Args:
        hidden: leave them out of this help; the group's help shows them.
    """

    def option(*names: str, **kwargs: Any) -> Callable[[Decorated], Decorated]:
        return click.option(*names, expose_value=False, callback=_keep, hidden=hidden, **kwargs)

    options = (
        option(
            "-R",
            "--repo",
            metavar="OWNER/NAME",
            help="The store's repository. Default: GITHUB_REPOSITORY, GH_REPO, or that of this checkout.",
        ),
        option(
            "--token",
            metavar="TOKEN",
            help="Better, since others can see a command line: GITHUB_TOKEN, GH_TOKEN or `gh auth login`.",
        ),
        option(
            "--config",
            metavar="FILE",
            help="A local configuration file. Default: ~/.config/gh-store/config.yml.",
        ),
        option(
            "--api-url", metavar="URL", help="For an Enterprise Server: https://HOST/api/v3. Default: GITHUB_API_URL."
        ),
        option("-v", "--verbose", is_flag=True, help="Print the full log and details of a failure."),
    )

    def decorate(function: Decorated) -> Decorated:
        for one in reversed(options):
            function = one(function)
        return function

    return decorate


def command(name: str, *examples: str) -> Callable[[Callable[..., int]], Command]:
    """Creates a command with the common options; the function returns the exit code."""

    def decorate(function: Callable[..., int]) -> Command:
        return click.command(name, cls=Command, examples=examples)(common(hidden=True)(function))

    return decorate


def dry_run(function: Decorated) -> Decorated:
    """Adds `--dry-run`."""
    return click.option("--dry-run", is_flag=True, help="Show what would be done, without writing.")(function)
