"""Creates and updates from JSON Lines: checked as a whole, paced, one outcome per line, and never done twice."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO, Any

from gh_store_action.cli.data import as_input
from gh_store_action.cli.invocation import Invocation
from gh_store_action.cli.objects.pacing import Pacing
from gh_store_action.cli.wording import explained
from gh_store_action.domain.markdown import visible
from gh_store_action.domain.names import UPDATE_MODES, UpdateMode
from gh_store_action.domain.strict_json import InvalidJson, Json, digest, equal, parse
from gh_store_action.errors import InputError, ObjectExists, ObjectNotFound, StoreError
from gh_store_action.regular_files import DATA_LIMIT, expanded
from gh_store_action.store.creating import checked
from gh_store_action.store.lookup import Lookup
from gh_store_action.store.processing.batches import ends_the_run
from gh_store_action.store.updating import Updater, update_of

CONTENT_OF_A_CREATE = 2  # the issue and its first state
CONTENT_OF_AN_UPDATE = 1
PATIENCE = 24 * 3600  # seconds that a run may wait in total for GitHub's limits
FAILED = "failed"
_OF_A_SNAPSHOT = {"meta", "repository"}  # keys of its lines that this command ignores
_END_OF_A_SNAPSHOT = {"left_out", "rules", "repository"}


@dataclass(frozen=True)
class Line:
    """What one line asks for.

    Args:
        key: unique to the line, and the same each time the same file is read.
        given: the line's own keys.
    """

    number: int
    object_id: str
    key: str
    given: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What became of a line."""

    said: str
    issue_number: int = 0
    revision: int = 0
    error: str = ""


def read(source: str, *, data: str, keys: Iterable[str]) -> list[Line]:
    """All lines of a file or of standard input, each with its own key.

    Args:
        source: a path, or `-`.
        data: the key that holds the value.
        keys: other keys that a line may have.

    Raises:
        InputError: it cannot be read, or a line is wrong; the message says which.
    """
    allowed = {"object_id", data, *keys}
    lines: list[Line] = []
    seen: Counter[str] = Counter()
    for number, value in _values(source):
        if not isinstance(value, dict):
            raise _wrong(number, "is not an object")
        if value.keys() <= _END_OF_A_SNAPSHOT:
            continue
        if missing := [key for key in ("object_id", data) if key not in value]:
            raise _wrong(number, f"lacks the key {missing[0]}")
        if unknown := sorted(value.keys() - allowed - _OF_A_SNAPSHOT):
            raise _wrong(number, f"has the unknown key {visible(unknown[0])!r}; allowed: {', '.join(sorted(allowed))}")
        if not isinstance(value["object_id"], str):
            raise _wrong(number, "has an object_id that is not text")
        given = {key: value[key] for key in value if key in allowed}
        content = digest(given)
        seen[content] += 1
        lines.append(Line(number, value["object_id"], f"{content[:32]}-{seen[content]}", given))
    return lines


def _values(source: str, ends: Callable[[bytes], bool] = lambda raw: False) -> Iterator[tuple[int, Json]]:
    """The values of a file, line by line, up to one for which `ends` is true."""
    try:
        with _opened(source) as stream:
            for number, raw in enumerate(iter(lambda: stream.readline(DATA_LIMIT + 1), b""), 1):
                if len(raw) > DATA_LIMIT:
                    raise _wrong(number, "is larger than 1 MiB")
                if ends(raw):
                    return
                if raw.strip():
                    yield number, parse(raw.decode("utf-8-sig"))
    except InvalidJson as error:
        raise _wrong(number, f"is not valid JSON: {error.reason}") from None
    except UnicodeDecodeError:
        raise _wrong(number, "is not UTF-8 text") from None
    except OSError as error:
        raise InputError(f"The file {source!r} cannot be read: {error.strerror}.", "Check its name.") from None


@contextmanager
def _opened(source: str) -> Iterator[IO[bytes]]:
    if source == "-":
        yield sys.stdin.buffer
    else:
        with expanded(source).open("rb") as file:
            yield file


def _wrong(number: int, what: str) -> InputError:
    return InputError(f"Line {number} {what}.", "Nothing was sent. Fix it and run the command again.")


def create(run: Invocation, source: str, labels: tuple[str, ...], journal: str | None, *, dry_run: bool) -> int:
    """Creates an object from each line `{"object_id", "data", "labels"}`; returns the exit code."""
    lines = read(source, data="data", keys=["labels"])
    for line in lines:
        with _of(line):
            checked(line.given["data"])
            own = line.given.get("labels", [])
            if not isinstance(own, list) or not all(isinstance(label, str) for label in own):
                raise InputError("`labels` is not an array of text.")
    store = run.store(dry_run=dry_run)

    def act(line: Line) -> Outcome:
        data = line.given["data"]
        try:
            found = store.create(line.object_id, data, (*labels, *line.given.get("labels", [])))
        except ObjectExists:
            if not began_as(line.object_id, data):
                raise
            return Outcome("there already")
        said = "would be created" if dry_run else "created"
        return Outcome(said, found.meta.issue_number, found.meta.version)

    def began_as(object_id: str, data: Json) -> bool:
        try:
            return equal(store.get(object_id, revision=1).data, data)
        except ObjectNotFound:  # it was deleted
            return False

    return _all(run, lines, act, journal, content=CONTENT_OF_A_CREATE, dry_run=dry_run)


def update(
    run: Invocation, source: str, mode: UpdateMode | None, journal: str | None, *, apply: bool, dry_run: bool
) -> int:
    """Posts an update for each line `{"object_id", "changes", "mode", "if_revision", "if_digest", "update_id"}`."""
    lines = read(source, data="changes", keys=["mode", "if_revision", "if_digest", "update_id"])
    updates = {}
    for line in lines:
        with _of(line):
            given = {"mode": mode, **line.given}
            if given["mode"] not in (None, *UPDATE_MODES):
                raise InputError(f"`mode` must be one of {', '.join(UPDATE_MODES)}.")
            optional = {key: given.get(key) for key in ("update_id", "if_revision", "if_digest")}
            options = {"update_id": line.key} | {key: one for key, one in optional.items() if one is not None}
            updates[line.number] = update_of(given["changes"], given["mode"], **options)
    updater = Updater(Lookup(run.session), dry_run=dry_run, warn=run.warn)

    def act(line: Line) -> Outcome:
        done = updater.update(line.object_id, updates[line.number], apply=apply)
        meta = done.object.meta
        if done.refusal is not None:
            reasons = "; ".join(map(str, done.refusal.reasons)) or "the reply on its issue says why"
            return Outcome(FAILED, meta.issue_number, meta.version, f"The update was refused: {reasons}.")
        verb = "applied" if apply else "posted"
        said = f"would be {verb}" if dry_run else f"{verb} already" if done.repeated else verb
        return Outcome(said, meta.issue_number, meta.version)

    return _all(run, lines, act, journal, content=CONTENT_OF_AN_UPDATE, dry_run=dry_run)


@contextmanager
def _of(line: Line) -> Iterator[None]:
    """Turns an error in a line itself into a wrong input that gives the line's number."""
    try:
        with as_input():
            yield
    except InputError as error:
        raise _wrong(line.number, f"cannot be used: {error.what.rstrip('.')}") from None


def _all(
    run: Invocation,
    lines: list[Line],
    act: Callable[[Line], Outcome],
    journal: str | None,
    *,
    content: int,
    dry_run: bool,
) -> int:
    """Carries out each line and prints its outcome; returns 1 if one failed.

    Args:
        content: the number of issues and comments per line.

    Raises:
        StoreError: a failure that would also affect the lines after it.
    """
    before = _done_before(journal)
    pacing = Pacing(content, run.screen.line)
    forecast = pacing.forecast(sum(line.key not in before for line in lines))
    if forecast and not dry_run:
        run.screen.line(forecast)
    run.session.ensure()
    transport = run.session.github.transport
    transport.retries = replace(transport.retries, max_wait_seconds=PATIENCE)
    counts: Counter[str] = Counter()
    progress = run.screen.progress("lines done")
    with _appending(None if dry_run else journal) as write:
        for place, line in enumerate(lines, 1):
            if line.key in before:
                outcome = Outcome("done before")
            else:
                pacing.wait()
                written = transport.writes
                try:
                    outcome = act(line)
                except StoreError as error:
                    if ends_the_run(error):
                        raise error.reworded(
                            f"Line {line.number}: {error.what}",
                            f"{counts.total()} of {len(lines)} lines are done. Fix the cause and run the same command "
                            "again: nothing is done twice.",
                        ) from error
                    outcome = Outcome(FAILED, error=run.call.redact(explained(error)))
                pacing.took(transport.writes - written)
            counts[outcome.said] += 1
            write(_tell(run, line, outcome))
            progress(place, len(lines))
    run.screen.clear()
    told = ", ".join(f"{count} {said}" for said, count in counts.items()) or "nothing to do"
    run.screen.line(f"{len(lines)} line{'' if len(lines) == 1 else 's'}: {told}.")
    return 1 if counts[FAILED] else 0


def _tell(run: Invocation, line: Line, outcome: Outcome) -> str:
    """Prints an outcome; returns it as a line of a journal."""
    value = {
        "line": line.number,
        "object_id": line.object_id,
        "outcome": outcome.said,
        "issue_number": outcome.issue_number or None,
        "revision": outcome.revision or None,
        "error": outcome.error,
        "key": line.key,
    }
    text = json.dumps(value)
    words = f"{line.number}  {line.object_id}  {outcome.said}{f': {outcome.error}' if outcome.error else ''}"
    run.screen.lines([words if sys.stdout.isatty() else text])
    return text


def _done_before(journal: str | None) -> set[str]:
    """The keys of the lines that an earlier run completed."""
    if journal is None or not expanded(journal).exists():
        return set()
    try:
        values = [value for _, value in _values(journal, _cut_off) if isinstance(value, dict)]
    except InputError as error:
        raise InputError(f"The journal {journal!r} cannot be used. {error.what}", "Choose another.") from None
    return {str(value.get("key")) for value in values if value.get("outcome") != FAILED}


def _cut_off(raw: bytes) -> bool:
    """Whether a kill cut this journal line off while it was written; GitHub says what was done."""
    if raw.endswith(b"\n") or not raw.startswith(b'{"line": '):
        return False
    try:
        parse(raw.decode())
    except (InvalidJson, UnicodeDecodeError):
        return True
    return False


@contextmanager
def _appending(journal: str | None) -> Iterator[Callable[[str], None]]:
    """A function that writes a line to the journal, if there is one."""
    if journal is None:
        yield lambda text: None
        return
    try:
        file = expanded(journal).open("a+b", buffering=0)  # so that nothing is left to write at the end
    except OSError as error:
        raise InputError(f"The journal {journal!r} cannot be written: {error.strerror}.", "Choose another.") from None

    def write(data: bytes) -> None:
        try:
            while data:
                data = data[file.write(data) :]
        except OSError as error:
            raise StoreError(
                f"The journal {journal!r} cannot be written: {error.strerror}.",
                "Fix that, and run the same command again: nothing is done twice.",
            ) from None

    with file:
        file.seek(0)
        last = file.read().rpartition(b"\n")[2]
        if _cut_off(last):
            file.truncate(file.tell() - len(last))
        elif last:
            write(b"\n")
        yield lambda text: write(f"{text}\n".encode())
