"""Interactive commands: edit an object in an editor, open its issue in a browser."""

from __future__ import annotations

import json
import os
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from gh_store_action.cli.data import object_data
from gh_store_action.cli.drawing import cell
from gh_store_action.cli.invocation import Invocation, invocation
from gh_store_action.cli.objects.showing import show_changed
from gh_store_action.cli.options import command, dry_run
from gh_store_action.cli.output import naming_the_nearest
from gh_store_action.domain.strict_json import equal
from gh_store_action.errors import StoreError
from gh_store_action.store.creating import refused


@command("edit", "gh-store edit metrics")
@click.argument("object_id", metavar="ID")
@dry_run
def edit(object_id: str, dry_run: bool) -> int:
    """Edit an object in $VISUAL or $EDITOR.

    The saved text immediately replaces the object's data, unless its schema refuses it or someone changed the object in
    the meantime.  Then nothing is lost: the message says which file keeps the text.
    """
    run = invocation()
    store = run.store(dry_run=dry_run)
    with naming_the_nearest(run, object_id):
        found = store.get(object_id)
    if found.meta.pending:
        raise StoreError(
            f"{object_id!r} has pending updates that would be applied before the edit.",
            f"Run `gh-store process-updates {found.meta.issue_number}` first.",
        )
    text = json.dumps(found.data, indent=2, ensure_ascii=False) + "\n"
    run.screen.clear()
    with _kept(run, object_id, text, found.meta.digest) as file:
        _let_edit(file)
        value = object_data(f"@{file}")
        if equal(value, found.data):
            run.screen.line(f"Nothing was changed in {object_id}.")
            return 0
        run.screen.wait()
        if reasons := run.session.judge(object_id)(value):
            raise refused(object_id, reasons)
        return show_changed(
            run,
            store,
            object_id,
            lambda: store.update(object_id, value, "replace", if_digest=found.meta.digest, apply=True),
            dry_run=dry_run,
        )


def _let_edit(file: Path) -> None:
    """Opens the editor and waits for it."""
    try:
        click.edit(filename=str(file))
    except click.ClickException as error:
        raise StoreError(error.format_message().rstrip(".") + ".", "Set VISUAL or EDITOR to an editor.") from None


@contextmanager
def _kept(run: Invocation, object_id: str, text: str, digest: str) -> Iterator[Path]:
    """A private file with the text; if anything fails, the file stays, and a message says how to post it."""
    number, name = tempfile.mkstemp(prefix="gh-store-", suffix=".json")
    with os.fdopen(number, "w", encoding="utf-8") as out:
        out.write(text)
    file = Path(name)
    try:
        yield file
    except BaseException:
        options = f"--mode replace --if-digest {digest[:16]} --apply"
        post = f"gh-store update {shlex.quote(object_id)} @{shlex.quote(name)} {options}"
        run.screen.clear()
        run.screen.line(f"Your text is in {name}. Run `{post}` to post it.")
        raise
    file.unlink()


@command("open", "gh-store open metrics")
@click.argument("object_id", metavar="ID")
@click.option("-n", "--no-browser", is_flag=True, help="Print the URL instead of opening a browser.")
def open_object(object_id: str, no_browser: bool) -> int:
    """Open an object's issue in the browser."""
    run = invocation()
    with naming_the_nearest(run, object_id):
        meta = run.store().get(object_id).meta
    url = run.session.issue_url(meta.issue_number)
    if no_browser:
        run.screen.lines([url])
        return 0
    value = {"object_id": meta.object_id, "issue_number": meta.issue_number, "url": url}
    run.screen.show(value, lambda console: console.print(cell(url), soft_wrap=True))
    if click.launch(url, wait=True):
        raise StoreError("Could not start a browser.", f"Open {url} yourself.")
    return 0
