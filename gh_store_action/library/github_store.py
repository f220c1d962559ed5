"""`GitHubStore`, the library's main class: the same work as the action and the command, usable anywhere."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar, overload

from gh_store_action import arguments
from gh_store_action.arguments import repository, text
from gh_store_action.config.store_config import LOCAL_FILE, read_local
from gh_store_action.domain.access import Access
from gh_store_action.domain.names import DEFAULT_MODE, EXPORTS, FORMATS, ExportFormat, SnapshotFormat, UpdateMode
from gh_store_action.domain.past.history import HistoryEntry
from gh_store_action.domain.processing.result import Result
from gh_store_action.domain.records import StoredMeta, StoredObject
from gh_store_action.domain.strict_json import Json
from gh_store_action.errors import InvalidUpdate, ObjectExists, ObjectNotFound
from gh_store_action.gateway.endpoints import Addresses
from gh_store_action.library import files, given
from gh_store_action.library.compatible import IssueHandler
from gh_store_action.library.connecting import Place, again
from gh_store_action.snapshots.making import SnapshotResult
from gh_store_action.store.creating import Creator
from gh_store_action.store.deleting import Deleter
from gh_store_action.store.duplicates.merging import Merge, Merger
from gh_store_action.store.forms.handling import Desk
from gh_store_action.store.lookup import Lookup
from gh_store_action.store.moving.migrator import Migration, Migrator
from gh_store_action.store.moving.mover import Mover
from gh_store_action.store.reading import Progress, Reader
from gh_store_action.store.session import Session
from gh_store_action.store.updating import Update, Updater, update_of
from gh_store_action.store.verifying import Problem, Verifier

Time: TypeAlias = str | datetime
Default = TypeVar("Default")
_RAISE: Any = object()  # differs from any default that a caller may pass


class GitHubStore:
    """A store: one repository's issues, through one token.  Close it, or use it in a `with` statement.

    Args:
        token: a GitHub token; never shown.
        repo: `owner/name`.
        config_path: a local configuration file; by default, `~/.config/gh-store/config.yml` if it exists.
        api_url: of the REST API, for an Enterprise Server `https://HOST/api/v3`; by default, the variable
            GITHUB_API_URL, then github.com's.  If it is not given, the variables GITHUB_GRAPHQL_URL and
            GITHUB_SERVER_URL count, too.
        graphql_url: if it does not follow from `api_url`.
        server_url: of the website, for links, if it does not follow from `api_url`.
        dry_run: check everything, and write nothing.
        pause: waits that many seconds; tests pass their own.
        log: called with a line about what it waits for or leaves out.

    Raises:
        InputError: an argument cannot be used.
        ConfigurationError: the local file cannot be read, or is wrong.
    """

    def __init__(
        self,
        token: str,
        repo: str,
        config_path: str | Path | None = None,
        *,
        api_url: str = "",
        graphql_url: str = "",
        server_url: str = "",
        dry_run: bool = False,
        pause: Callable[[float], None] = time.sleep,
        log: Callable[[str], None] = lambda line: None,
    ) -> None:
        name = repository("repo", text("repo", repo))
        file = given.maybe(given.path, "config_path", config_path)
        urls = {"api_url": api_url, "graphql_url": graphql_url, "server_url": server_url}
        where = Addresses.of(os.environ, **{each: text(each, value or "") for each, value in urls.items()})
        place = Place(name, where.api, where.graphql, where.server, read_local(file), str(file or LOCAL_FILE))
        session = place.session(given.token("token", token), authority=where.authority, pause=pause, log=log)
        self._set_up(session, dry_run, log)

    @classmethod
    def over(cls, session: Session, *, dry_run: bool = False, log: Callable[[str], None] = lambda line: None) -> Self:
        """A store on an existing session, with its connection and what it knows."""
        store = cls.__new__(cls)
        store._set_up(session, dry_run, log)
        return store

    def _set_up(self, session: Session, dry_run: bool, log: Callable[[str], None]) -> None:
        self.session, self.dry_run, self._log = session, dry_run, log
        self.issue_handler = IssueHandler(self.get_object_history)

    @property
    def _lookup(self) -> Lookup:
        """For one call: asks again what GitHub refused to answer in an earlier one."""
        self.session.forget_refusals()
        return Lookup(self.session)

    @property
    def _reader(self) -> Reader:
        return Reader(self._lookup, warn=self._log)

    def __repr__(self) -> str:
        return f"GitHubStore(repo={self.session.github.repository!r})"

    def __reduce__(self) -> Any:
        """For pickle: without the token; the unpickling process takes its own from GITHUB_TOKEN or GH_TOKEN."""
        return again, (type(self), Place.of(self.session), self.dry_run)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection to GitHub."""
        self.session.github.transport.close()

    @property
    def requests(self) -> int:
        """HTTP requests made so far."""
        return self.session.github.requests

    @property
    def points(self) -> int:
        """What the GraphQL requests have cost so far, by GitHub's formula."""
        return self.session.github.transport.points

    # -- one object ------------------------------------------------------------------------------------------------

    def create(self, object_id: str, data: object, extra_labels: Sequence[str] | None = None) -> StoredObject:
        """Creates an object: four requests.  Safe against others who create it at the same time.

        Args:
            object_id: 1 to 150 characters in Unicode normal form C, without control characters and outer spaces.
                Case does not count if the label has the id: up to 46 ASCII letters, digits and `. _ - ~ : @ + /`.
            data: a JSON object or array.
            extra_labels: more labels for the issue.

        Raises:
            ObjectExists: the id is in use, or belongs to a deleted object.
            InvalidUpdate: the data cannot be stored, or its schema refuses it.
            AccessDeniedError: the token may not create it.
        """
        labels = given.labels("extra_labels", extra_labels or ())
        return Creator(self._lookup, dry_run=self.dry_run).create(object_id, data, labels)

    def upsert(self, object_id: str, data: object, extra_labels: Sequence[str] | None = None) -> StoredObject:
        """Creates the object, or replaces its data immediately; the same data again changes nothing.

        Raises:
            InvalidUpdate: the data cannot be stored, or its schema refuses it.
            ObjectNotFound: the object was deleted; restore it first.
        """
        try:
            return self.create(object_id, data, extra_labels)
        except ObjectExists:
            return self._posted(object_id, update_of(data, "replace"), apply=True, unless_equal=True)

    @overload
    def get(self, object_id: str, revision: int | None = None, at: Time | None = None) -> StoredObject: ...

    @overload
    def get(
        self, object_id: str, revision: int | None = None, at: Time | None = None, *, default: Default
    ) -> StoredObject | Default: ...

    def get(
        self, object_id: str, revision: int | None = None, at: Time | None = None, *, default: object = _RAISE
    ) -> object:
        """The object as it is: one request; or as it was, from its log.

        Args:
            revision: from 1.
            at: a datetime, or a time in ISO 8601; UTC if it has no offset.
            default: returned if there is no such object or revision.

        Raises:
            ObjectNotFound: there is none, and no default.
            StoreError: the body is broken, or the log no longer gives that state.
        """
        number, moment = given.maybe(given.whole, "revision", revision), given.maybe(given.time, "at", at)
        try:
            return self._reader.get(object_id, revision=number, at=moment)
        except ObjectNotFound:
            if default is _RAISE:
                raise
            return default

    def __contains__(self, object_id: object) -> bool:
        """Whether there is a live object with that id: one request."""
        return bool(self._lookup.look(text("object_id", object_id)).live)

    def __iter__(self) -> Iterator[StoredObject]:
        """Every object, as `list_all`."""
        return self.list_all()

    def update(
        self,
        object_id: str,
        changes: object,
        mode: UpdateMode = DEFAULT_MODE,
        *,
        update_id: str | None = None,
        if_revision: int | None = None,
        if_digest: str | None = None,
        apply: bool = False,
    ) -> StoredObject:
        """Posts an update and opens the issue, so that the workflow applies it: two requests.

        Args:
            mode: `append` (deep merge), `replace`, `merge-patch`, `json-patch` or `operators`.
            update_id: idempotency key; updates with the same key count once.  By default, a new one.
            if_revision: change nothing unless the object is at this revision or, with `if_digest`, has this digest.
            apply: apply it now: one more request, and no workflow is needed.

        Returns:
            With `apply`, the new state; otherwise, the state before the update.

        Raises:
            ObjectNotFound: there is no such object.
            InvalidUpdate: it is not a valid update, or is refused; the object does not change.
            ConcurrentUpdateError: the object does not match `if_revision` or `if_digest`.
        """
        with given.as_update():
            how, key = given.mode("mode", mode), given.maybe(given.key, "update_id", update_id)
            revision, digest = given.condition(if_revision, if_digest)
        update = update_of(changes, how, update_id=key, if_revision=revision, if_digest=digest)
        return self._posted(object_id, update, apply=apply)

    def _posted(self, object_id: str, update: Update, *, apply: bool, unless_equal: bool = False) -> StoredObject:
        updater = Updater(self._lookup, dry_run=self.dry_run, warn=self._log)
        outcome = updater.update(object_id, update, apply=apply, unless_equal=unless_equal)
        if outcome.refusal is None:
            return outcome.object
        reasons = outcome.refusal.reasons
        said = "; ".join(map(str, reasons)) or "the reply on its issue says why"
        raise InvalidUpdate(
            f"The update {outcome.comment_id} of {outcome.object.meta.object_id!r} was refused: {said}.",
            "Fix it and post it again.",
            reasons=reasons,
        )

    def delete(self, object_id: str, *, if_revision: int | None = None, if_digest: str | None = None) -> StoredMeta:
        """Deletes the object; its log stays, so that you can restore it.  Safe to repeat.

        Raises:
            ObjectNotFound: there never was such an object.
            ConcurrentUpdateError: it does not match `if_revision` or `if_digest`.
        """
        revision, digest = given.condition(if_revision, if_digest)
        deleter = Deleter(self._lookup, dry_run=self.dry_run)
        return deleter.delete(object_id, if_revision=revision, if_digest=digest).meta

    def restore(self, object_id: str) -> StoredMeta:
        """Brings a deleted object back; updates posted in the meantime are pending again.

        Raises:
            ObjectNotFound: there is nothing to restore.
            ObjectExists: a live object has the id now.
        """
        return Deleter(self._lookup, dry_run=self.dry_run).restore(object_id).meta

    def process_updates(self, issue_number: int) -> StoredObject:
        """Applies an issue's pending updates: two requests; one if there are none.

        Raises:
            ObjectNotFound: the issue is not an object.
            StoreError: it cannot be finished; the rest stays pending.
        """
        result = self.process(issue_number)
        if result.skipped or result.issue is None or result.state is None:
            raise ObjectNotFound(f"Issue #{issue_number} was skipped: {result.skipped}.", "Check the number.")
        found = self._lookup.meta(result.issue, result.state.data, version=result.state.revision)
        return StoredObject(found, result.state.data)

    def process(self, issue_number: int) -> Result:
        """The same, but returns the result of each update; refuses updates on a rolled-over issue, with a link."""
        given.whole("issue_number", issue_number)
        return Desk(self._lookup, dry_run=self.dry_run).process(issue_number)

    # -- many objects ----------------------------------------------------------------------------------------------

    def list_all(self) -> Iterator[StoredObject]:
        """Every object, oldest first: one request for each hundred."""
        return self._reader.all()

    def list_updated_since(self, when: Time) -> Iterator[StoredObject]:
        """Every object that changed at or after a time: one request for each hundred."""
        return self._reader.updated_since(given.time("when", when))

    def sweep(self, progress: Progress = given.quiet) -> list[Result]:
        """Applies all pending updates.  If an error ends it, the error's `results` are what was written before."""
        return Desk(self._lookup, dry_run=self.dry_run).sweep(progress)

    # -- the past --------------------------------------------------------------------------------------------------

    def get_object_history(self, object_id: str) -> list[HistoryEntry]:
        """What happened to the object, oldest first, deleted or not: one request for each hundred comments."""
        return self._reader.events(object_id)

    def diff(self, object_id: str, before: int, after: int) -> Json:
        """The JSON Patch (RFC 6902) from one revision to another."""
        return self._reader.diff(object_id, given.whole("before", before), given.whole("after", after))

    def revert(self, object_id: str, revision: int, *, apply: bool = True) -> StoredObject:
        """Sets the object back to an earlier revision by a new update; the history stays."""
        (data,) = self._reader.states(object_id, given.whole("revision", revision))
        return self.update(object_id, data, "replace", apply=apply)

    # -- the store -------------------------------------------------------------------------------------------------

    def verify(
        self,
        object_id: str | None = None,
        repair: bool = False,
        *,
        issue_number: int | None = None,
        progress: Progress = given.quiet,
    ) -> tuple[Problem, ...]:
        """Checks every object, or one, against its log; with `repair`, fixes what the log can fix."""
        number = given.maybe(given.whole, "issue_number", issue_number)
        verifier = Verifier(self._lookup, repair=repair, dry_run=self.dry_run, progress=progress)
        return verifier.verify(object_id, number)

    def roll_over(self, object_id: str) -> StoredObject:
        """Moves the object to a new issue, where its history and revision continue; for logs of 2,500 comments."""
        return Mover(self._lookup, dry_run=self.dry_run).roll_over(object_id)

    def migrate(self, dry_run: bool = True) -> tuple[Migration, ...]:
        """Adopts what gh-store 0.5 to 0.11 wrote; by default, only reports what it would do."""
        return Migrator(self._lookup, dry_run=dry_run or self.dry_run).migrate()

    def dedupe(self, dry_run: bool = True) -> tuple[Merge, ...]:
        """Merges issues that stand for one object, what it lacks into it; by default says what it would do."""
        return Merger(self._lookup, dry_run=dry_run or self.dry_run).merge()

    def access(self, object_id: str, login: str) -> Access:
        """What the person may do to the object, and by which rule; the object need not exist.

        Raises:
            InputError: no label can carry the id.
            PermissionUnknown: GitHub does not say.
        """
        who = arguments.login("login", text("login", login))
        self.session.ensure()
        self._lookup.check_id(object_id)
        owned = any(rule.owner for rule in self.session.rules.access)
        return self.session.access(who, object_id, self._lookup.owner(object_id) if owned else "")

    # -- the store as files ----------------------------------------------------------------------------------------

    def snapshot(
        self,
        path: str | Path,
        *,
        format: SnapshotFormat = "json",
        update: bool = False,
        allow_shrink: bool = False,
        progress: Progress = given.quiet,
    ) -> SnapshotResult:
        """Writes all objects as of one moment: one request for each hundred, and one for changes in the meantime.

        Args:
            path: of the file or, for `directory`, the folder.
            update: read only what changed since the existing snapshot.
            allow_shrink: let more than a tenth of its objects be missing from the next one.
            progress: called with issues read and total issues.

        Raises:
            StoreError: it cannot be made or written; then nothing was written.
        """
        kind = arguments.choice(*FORMATS)("format", format)
        return files.snapshot(
            self.session,
            given.path("path", path),
            kind,
            update=update,
            dry_run=self.dry_run,
            allow_shrink=allow_shrink,
            progress=progress,
        )

    def export(self, path: str | Path, *, format: ExportFormat = "sqlite", progress: Progress = given.quiet) -> int:
        """Writes all objects and their full logs for other programs, see docs/export.md; returns their number.

        Raises:
            InputError: the path does not fit the format.
            StoreError: it cannot be read or written; then nothing was written.
        """
        kind = arguments.choice(*EXPORTS)("format", format)
        return files.export(self._reader, given.path("path", path), kind, progress)
