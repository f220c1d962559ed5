"""What every command understands: the call that it belongs to, and the common options, before and after its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

import click

from gh_store_action.cli.screen import Screen

TOKENS = ("GITHUB_TOKEN", "GH_TOKEN")
REPOSITORIES = ("GITHUB_REPOSITORY", "GH_REPO")

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class Call:
    """One call of the command, as far as it is known without a command: what `--help` needs, and no more.

    Args:
        environ: the process's environment.

    Attributes:
        options: the common options that were given, by name.
        kept: the token that `gh` keeps, once it was asked.
        work: what the commands work with, once one has asked for it; closed with the call.
    """

    def __init__(self, environ: Mapping[str, str], screen: Screen | None = None) -> None:
        self.environ = environ
        self.options: dict[str, Any] = {}
        self.kept = ""
        self.screen = screen or Screen(environ=environ)
        self.work: Closing | None = None

    @property
    def verbose(self) -> bool:
        """Whether more is to be said."""
        return bool(self.options.get("verbose"))

    def redact(self, text: str) -> str:
        """The text without the token."""
        secrets = (str(self.options.get("token") or ""), self.kept, *(self.environ.get(name, "") for name in TOKENS))
        for secret in secrets:
            text = text.replace(secret.strip(), "***") if len(secret.strip()) > 3 else text
        return text

    def close(self) -> None:
        """Ends the progress bar, and what the command worked with."""
        self.screen.clear()
        if self.work is not None:
            self.work.close()


class Closing(Protocol):
    """Something to be closed."""

    def close(self) -> None:
        """Ends it."""


class Command(click.Command):
    """A command whose help ends with examples; a test runs every one of them.

    Args:
        examples: command lines that begin with `gh-store`.
    """

    def __init__(self, *args: Any, examples: tuple[str, ...] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples, as they can be copied."""
        with formatter.section("Examples" if len(self.examples) > 1 else "Example"):
            for example in self.examples:
                formatter.write_text(example)
        formatter.write_paragraph()
        formatter.write_text("Common options, such as --repo and --token: see `gh-store --help`.")


def _keep(ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """For the invocation, which group and command share; what stands after the command is parsed later, and counts."""
    if value:
        ctx.obj.options[parameter.name] = value
    return value


def common(*, hidden: bool) -> Callable[[Decorated], Decorated]:
    """Adds the options that every command has.

    Args:
        hidden: from this help; the group's shows them.
    """

    def option(*names: str, **kwargs: Any) -> Callable[[Decorated], Decorated]:
        return click.option(*names, expose_value=False, callback=_keep, hidden=hidden, **kwargs)

    options = (
        option(
            "-R",
            "--repo",
            metavar="OWNER/NAME",
            help="The store's repository; else GITHUB_REPOSITORY, GH_REPO, or the one whose checkout this is.",
        ),
        option(
            "--token",
            metavar="TOKEN",
            help="Else GITHUB_TOKEN, GH_TOKEN or `gh auth token`, which are better: others can see a command line.",
        ),
        option(
            "--config",
            metavar="FILE",
            help="A local configuration file; else ~/.config/gh-store/config.yml.",
        ),
        option("--api-url", metavar="URL", help="Of an Enterprise Server: https://host/api/v3; else GITHUB_API_URL."),
        option("-v", "--verbose", is_flag=True, help="Say more: all of the log, and details of a failure."),
    )

    def decorate(function: Decorated) -> Decorated:
        for one in reversed(options):
            function = one(function)
        return function

    return decorate


def command(name: str, *examples: str) -> Callable[[Callable[..., int]], Command]:
    """Makes a command with the common options; the function returns the exit code."""

    def decorate(function: Callable[..., int]) -> Command:
        return click.command(name, cls=Command, examples=examples)(common(hidden=True)(function))

    return decorate


def dry_run(function: Decorated) -> Decorated:
    """Adds `--dry-run`."""
    return click.option("--dry-run", is_flag=True, help="Say what would be done; write nothing.")(function)
