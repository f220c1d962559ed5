"""What a shell completes: object ids and files, chosen by how the help names an argument or option."""

from __future__ import annotations

import glob
import io
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr

import click
from click.shell_completion import CompletionItem

WORKER = "completion"
MOST_TIME = 2.0  # seconds to wait for ids after the tab key


def completed(command: click.Command) -> click.Command:
    """The command, with completion for its texts."""
    for one in command.params:
        if one.metavar in _BY_NAME and type(one.type) is click.types.StringParamType:
            one.type = _Text(_BY_NAME[one.metavar])
    return command


Completion = Callable[[click.Context, str], list[CompletionItem]]


class _Text(click.types.StringParamType):
    """A text that a shell can complete."""

    def __init__(self, complete: Completion) -> None:
        self._complete = complete

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return self._complete(ctx, incomplete)


def _files(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(incomplete, type="file")]


def _folders(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(incomplete, type="dir")]


def _data(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Files after an @, which shells do not complete."""
    names = sorted(glob.glob(f"{glob.escape(incomplete[1:])}*")) if incomplete.startswith("@") else ()
    return [CompletionItem(f"@{name}") for name in names]


def _ids(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """The ids in labels; none if that fails or takes too long: a completion has no place for a message."""
    found: list[str] = []
    end = time.monotonic() + MOST_TIME
    with redirect_stderr(io.StringIO()):
        worker = threading.Thread(target=_find, args=(ctx, found, end), name=WORKER, daemon=True)
        worker.start()
        worker.join(MOST_TIME)
    return [CompletionItem(one) for one in sorted(found) if one.startswith(incomplete)]


def _find(ctx: click.Context, found: list[str], end: float) -> None:
    from gh_store_action.cli.invocation import Invocation
    from gh_store_action.gateway.objects import ObjectGateway

    run = Invocation(ctx.find_root().obj)
    try:
        with ctx.scope(cleanup=False):
            run.session.ensure()
            prefix = run.session.rules.uid_prefix
            for name in ObjectGateway.beside(run.session.github).label_names():
                if name.startswith(prefix) and not name.startswith(f"{prefix}="):
                    found.append(name.removeprefix(prefix))
                if time.monotonic() > end:
                    return
    except Exception:  # a failed completion is silent: the command itself will say why
        return
    finally:
        run.close()


_BY_NAME: Mapping[str | None, Completion] = {
    "ID": _ids,
    "[ID]": _ids,
    "FILE": _files,
    "PATH": _files,
    "DIR": _folders,
    "DATA": _data,
    "CHANGES": _data,
}
