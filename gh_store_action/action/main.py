"""The action: from environment to settings, gateways, mode, report and exit code.  The only catch-all."""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from gh_store_action.action.modes import MODES
from gh_store_action.action.report import Report
from gh_store_action.action.run import Run
from gh_store_action.action.settings import DEFAULT_OUTPUT, Settings
from gh_store_action.action.wording import explained
from gh_store_action.config.store_config import LOCAL_FILE, read_local
from gh_store_action.errors import StoreError
from gh_store_action.gateway.issues import GitHub
from gh_store_action.gateway.transport import Transport
from gh_store_action.regular_files import CONFIGURATION_LIMIT
from gh_store_action.store.session import Session
from gh_store_action.workspace.files import Workspace

BUG = 1


def main(environ: Mapping[str, str] = os.environ, *, pause: Callable[[float], None] = time.sleep) -> int:
    """Runs the action.

    Args:
        environ: the runner's variables and `INPUT_*`.
        pause: waits that many seconds.

    Returns:
        0 for success, 1 for a failure that the message explains, 2 for wrong inputs.
    """
    mode = environ.get("INPUT_MODE", "").strip()
    report = Report(f"{mode} with wrong inputs" if mode in MODES else "wrong inputs")  # until they are read
    for name in ("INPUT_TOKEN", "GITHUB_TOKEN"):
        report.mask(environ.get(name, "").strip())
    code = _guarded(report, lambda: _run(environ, report, pause))
    return max(code, _guarded(report, lambda: _finished(report)))


def _finished(report: Report) -> int:
    report.finish()
    return 0


def _guarded(report: Report, work: Callable[[], int]) -> int:
    try:
        return work()
    except StoreError as error:
        report.error(explained(error))
        if error.detail:
            report.detail(error.detail)
        return error.exit_code
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        report.error(
            f"This is a bug in gh-store-action: {type(error).__name__} in {Path(where.filename).name}, "
            f"line {where.lineno}: {error}. No update is lost. Please report it and include this line.",
            title="Bug",
        )
        for line in traceback.format_exception(error):
            report.debug(line)
        return BUG


def _run(environ: Mapping[str, str], report: Report, pause: Callable[[float], None]) -> int:
    settings = Settings.from_environment(environ)
    about = f" #{settings.issue_number}" if settings.issue_number and settings.mode == "process" else ""
    report.title = f"{settings.mode}{about or (' ' + settings.object_id if settings.object_id else '')}"
    for name in settings.unused:
        report.notice(f"The input `{name}` has no effect in `{settings.mode}` mode.")
    transport = Transport(
        token=settings.token.secret,
        api_url=settings.api_url,
        graphql_url=settings.graphql_url,
        authority=settings.authority,
        pause=pause,
        log=report.info,
    )
    _stop_on_signals(transport)
    try:
        workspace = Workspace(
            root=settings.workspace,
            environ=environ,
            server_url=settings.server_url,
            token=settings.token.secret,
            sleep=pause,
        )
        session = Session(
            GitHub(transport, settings.repository),
            local=read_local(settings.config, partial(workspace.read, most=CONFIGURATION_LIMIT))
            if settings.config
            else None,
            local_source=settings.config or LOCAL_FILE,
            server_url=settings.server_url,
            snapshot_path=settings.output or DEFAULT_OUTPUT["json"],
        )
        report.log = lambda: session.config.log
        return MODES[settings.mode](Run(settings, session, report, workspace))
    finally:
        report.output("requests", transport.requests)
        report.output("points", transport.points)
        report.output("rate-remaining", transport.remaining)
        report.cost(transport.requests, transport.remaining, transport.points)
        transport.close()


def _stop_on_signals(transport: Transport) -> None:
    """The runner cancels by SIGINT, then SIGTERM, then a kill (github-facts, section 5): stop between two requests."""

    def stop(_number: int, _frame: object) -> None:
        transport.stop()

    if threading.current_thread() is not threading.main_thread():
        return  # a library call from a thread: the calling program has its own handlers
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
