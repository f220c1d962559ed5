"""What every command understands: the common options, before and after the command, and its texts as values."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gh_store_action.errors import ConfigurationError, InputError, InvalidUpdate

if TYPE_CHECKING:
    from gh_store_action.domain.strict_json import Json

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

DATA_LIMIT = 1024 * 1024  # bytes; an object has less than 60,000 characters


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
        option("--repo", metavar="OWNER/NAME", help="The store's repository; else GITHUB_REPOSITORY."),
        option(
            "--token", metavar="TOKEN", help="Else GITHUB_TOKEN, which is better: a command line can be seen by others."
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


@contextmanager
def as_input() -> Iterator[None]:
    """Makes what an argument or a file of the caller's breaks a wrong input: exit code 2.

    Raises:
        InputError: in place of the `InvalidUpdate` or `ConfigurationError` raised inside.
    """
    try:
        yield
    except (InvalidUpdate, ConfigurationError) as error:
        raise InputError(error.what, error.mend, detail=error.detail) from None


def read_data(text: str) -> Json:
    """The value of `DATA`: JSON text, `@file`, or `-` for standard input.

    Raises:
        InputError: it can not be read, or is no strict JSON; says where.
    """
    from gh_store_action.domain.strict_json import InvalidJson, parse

    source, mend = (
        "The data",
        """Quote it for the shell, such as '{"count": 1}', or give @file or - (standard input).""",
    )
    try:
        if text == "-":
            source, mend = "Standard input", "Mend what writes it."
            text = sys.stdin.buffer.read(DATA_LIMIT + 1).decode("utf-8-sig")
        elif text.startswith("@"):
            source, mend = f"The file {text[1:]!r}", "Mend it there."
            with Path(text[1:]).expanduser().open("rb") as file:
                text = file.read(DATA_LIMIT + 1).decode("utf-8-sig")
        if len(text) > DATA_LIMIT:
            raise InputError(f"{source} is larger than 1 MiB.", "An object has room for 60,000 characters of JSON.")
        return parse(text)
    except InvalidJson as error:
        raise InputError(f"{source} is no JSON: {error.reason}.", mend) from None
    except UnicodeDecodeError:
        raise InputError(f"{source} is no UTF-8 text.", "Save it as UTF-8.") from None
    except OSError as error:
        raise InputError(f"{source} can not be read: {error.strerror}.", "Check the name behind the @.") from None


def object_data(text: str) -> Json:
    """The value of `DATA` for a whole object.

    Raises:
        InputError: as `read_data`, or no object of the store can hold it.
    """
    from gh_store_action.store.creating import checked

    with as_input():
        return checked(read_data(text))
