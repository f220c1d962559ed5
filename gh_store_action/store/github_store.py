"""`GitHubStore`, the library's face: the same work as the action's and the command's, usable anywhere."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from gh_store_action.arguments import moment, repository
from gh_store_action.config.store_config import LOCAL_FILE, read_local
from gh_store_action.domain.access import Access
from gh_store_action.domain.names import DEFAULT_MODE
from gh_store_action.domain.past.history import HistoryEntry
from gh_store_action.domain.processing.result import Result
from gh_store_action.domain.records import StoredMeta, StoredObject
from gh_store_action.domain.strict_json import Json
from gh_store_action.errors import InvalidUpdate, ObjectExists, ObjectNotFound
from gh_store_action.gateway.endpoints import Addresses
from gh_store_action.gateway.issues import GitHub
from gh_store_action.gateway.transport import Transport
from gh_store_action.store.creating import Creator
from gh_store_action.store.deleting import Deleter
from gh_store_action.store.forms.handling import Desk
from gh_store_action.store.lookup import Lookup
from gh_store_action.store.moving import Migration, Mover
from gh_store_action.store.reading import Reader
from gh_store_action.store.session import Session
from gh_store_action.store.updating import Updated, Updater, update_of
from gh_store_action.store.verifying import Problem, Verifier


class GitHubStore:
    """A store: one repository's issues, through one token.  Close it, or use it in a `with` statement.

    Args:
        token: of GitHub; never shown.
        repo: `owner/name`.
        config_path: a local configuration file; by default the one at `~/.config/gh-store/config.yml`, if it is there.
        api_url: of the REST API, for an Enterprise Server `https://HOST/api/v3`; by default what the variable
            GITHUB_API_URL says, else github.com's.  Where it is not given, the variables GITHUB_GRAPHQL_URL and
            GITHUB_SERVER_URL count likewise.
        graphql_url: where it does not follow from `api_url`.
        server_url: of the website, for links, where it does not follow from `api_url`.
        dry_run: look and check, and write nothing.
        pause: waits that many seconds; tests hand in their own.
        log: gets a line about what is waited for or left out.

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
        name = repository("repo", repo)
        local = read_local(config_path)
        where = Addresses.of(os.environ, api_url, graphql_url, server_url)
        transport = Transport(
            token=token,
            api_url=where.api,
            graphql_url=where.graphql,
            authority=where.authority,
            pause=pause,
            log=log,
        )
        source = str(config_path) if config_path else LOCAL_FILE
        session = Session(GitHub(transport, name), local=local, local_source=source, server_url=where.server)
        self._set_up(session, dry_run, log)

    @classmethod
    def over(cls, session: Session, *, dry_run: bool = False, log: Callable[[str], None] = lambda line: None) -> Self:
        """A store on a session that is there already: its connection, and what it knows."""
        store = cls.__new__(cls)
        store._set_up(session, dry_run, log)
        return store

    def _set_up(self, session: Session, dry_run: bool, log: Callable[[str], None]) -> None:
        self.session = session
        self.dry_run = dry_run
        self._log = log
        self._lookup = Lookup(session)
        self.issue_handler = IssueHandler(self)

    def __repr__(self) -> str:
        return f"GitHubStore(repo={self.session.github.repository!r})"

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
        """What those of GraphQL have cost so far, by GitHub's formula."""
        return self.session.github.transport.points

    # -- one object ------------------------------------------------------------------------------------------------

    def create(self, object_id: str, data: object, extra_labels: Sequence[str] | None = None) -> StoredObject:
        """Makes an object: four requests.  Safe against others who make it at the same time.

        Args:
            object_id: 1 to 150 characters in Unicode's normal form C, without controls and outer spaces.  Case does
                not count where the label carries the id: up to 46 ASCII letters, digits and `. _ - ~ : @ + /`.
            data: an object or an array of JSON.
            extra_labels: put on the issue besides the store's own.

        Raises:
            ObjectExists: the id is in use, or was until the object was deleted.
            InvalidUpdate: the data cannot be stored, or its schema refuses it.
            AccessDeniedError: the token may not make it.
        """
        return self._creator.create(object_id, data, tuple(extra_labels or ()))

    def upsert(self, object_id: str, data: object, extra_labels: Sequence[str] | None = None) -> StoredObject:
        """Makes the object, or replaces its data, folded at once; the same data again changes nothing.

        Raises:
            InvalidUpdate: the data cannot be stored, or its schema refuses it.
            ObjectNotFound: the object was deleted; restore it first.
        """
        try:
            return self.create(object_id, data, extra_labels)
        except ObjectExists:
            return self._done(
                self._updater.update(object_id, update_of(data, "replace"), apply=True, unless_equal=True)
            )

    def get(self, object_id: str, revision: int | None = None, at: str | datetime | None = None) -> StoredObject:
        """The object as it is: one request; or as it was, from its log.

        Args:
            revision: from 1.
            at: a time: ISO 8601, UTC where it names no offset.

        Raises:
            TypeError: the revision is no whole number.
            ObjectNotFound: there is no such object, or revision.
            StoreError: the body is broken, or the log no longer gives that state.
        """
        if revision is not None:
            _whole("revision", revision)
        return self._reader.get(object_id, revision=revision, at=None if at is None else _time("at", at))

    def update(
        self,
        object_id: str,
        changes: object,
        mode: str = DEFAULT_MODE,
        *,
        update_id: str | None = None,
        if_revision: int | None = None,
        if_digest: str | None = None,
        apply: bool = False,
    ) -> StoredObject:
        """Posts an update and opens the issue, so that the workflow folds it: two requests.

        Args:
            mode: `append` (deep merge), `replace`, `merge-patch`, `json-patch` or `operators`.
            update_id: idempotency key; a repeat of it is folded once.  By default a fresh one.
            if_revision: change nothing unless the object is at this revision, or with `if_digest` has this digest.
            apply: fold it here and now: one more request, and no workflow is needed.

        Returns:
            With `apply` the new state, else the state before the update.

        Raises:
            ObjectNotFound: there is no such object.
            InvalidUpdate: the update is refused; the object is as it was.
            ConcurrentUpdateError: the object is not as `if_revision` or `if_digest` want it.
        """
        update = update_of(changes, mode, update_id=update_id, if_revision=if_revision, if_digest=if_digest)
        return self._done(self._updater.update(object_id, update, apply=apply))

    def _done(self, outcome: Updated) -> StoredObject:
        if outcome.refusal is None:
            return outcome.object
        reasons = outcome.refusal.reasons
        said = "; ".join(map(str, reasons)) or "the reply on its issue says why"
        raise InvalidUpdate(
            f"The update {outcome.comment_id} of {outcome.object.meta.object_id!r} was refused: {said}.",
            "Fix it, and post it again.",
            reasons=reasons,
        )

    def delete(self, object_id: str, *, if_revision: int | None = None, if_digest: str | None = None) -> StoredMeta:
        """Deletes the object; its log stays, so that it can be restored.  Twice is once.

        Raises:
            ObjectNotFound: there never was such an object.
            ConcurrentUpdateError: it is not as `if_revision` or `if_digest` want it.
        """
        if if_revision is not None:
            _whole("if_revision", if_revision)
        return self._deleter.delete(object_id, if_revision=if_revision, if_digest=if_digest).meta

    def restore(self, object_id: str) -> StoredMeta:
        """Brings a deleted object back; what was posted meanwhile is pending again.

        Raises:
            ObjectNotFound: there is nothing to restore.
            ObjectExists: a live object has the id by now.
        """
        return self._deleter.restore(object_id).meta

    def process_updates(self, issue_number: int) -> StoredObject:
        """Folds what is pending on an issue: two requests, one where there is nothing.

        Raises:
            TypeError: the issue's number is no whole number.
            ObjectNotFound: the issue is no object.
            StoreError: it cannot be finished; what is left is pending.
        """
        result = self.process(issue_number)
        if result.skipped or result.issue is None or result.state is None:
            raise ObjectNotFound(f"Issue #{issue_number} is left alone: {result.skipped}.", "Check the number.")
        found = self._lookup.meta(result.issue, result.state.data, version=result.state.revision)
        return StoredObject(found, result.state.data)

    def process(self, issue_number: int) -> Result:
        """The same, telling what became of each update; an update on a rolled-over issue is sent to the new one."""
        _whole("issue_number", issue_number)
        return Desk(self._lookup, dry_run=self.dry_run).process(issue_number)

    # -- many objects ----------------------------------------------------------------------------------------------

    def list_all(self) -> Iterator[StoredObject]:
        """Every object, oldest first: one request for each hundred."""
        return self._reader.all()

    def list_updated_since(self, when: str | datetime) -> Iterator[StoredObject]:
        """Every object that changed at or after a time: one request for each hundred."""
        return self._reader.updated_since(_time("when", when))

    def sweep(self, progress: Callable[[int, int], None] = lambda done, total: None) -> list[Result]:
        """Folds everything that is pending."""
        return Desk(self._lookup, dry_run=self.dry_run).sweep(progress)

    # -- the past --------------------------------------------------------------------------------------------------

    def get_object_history(self, object_id: str) -> list[HistoryEntry]:
        """What happened to the object, oldest first, deleted or not: one request for each hundred comments."""
        return self._reader.events(object_id)

    def diff(self, object_id: str, before: int, after: int) -> Json:
        """The JSON Patch (RFC 6902) from one revision to another."""
        _whole("before", before)
        _whole("after", after)
        return self._reader.diff(object_id, before, after)

    def revert(self, object_id: str, revision: int, *, apply: bool = True) -> StoredObject:
        """Makes the object what it was at a revision, by a new update; nothing of the history is lost."""
        _whole("revision", revision)
        (data,) = self._reader.states(object_id, revision)
        return self.update(object_id, data, "replace", apply=apply)

    # -- the store -------------------------------------------------------------------------------------------------

    def verify(
        self,
        object_id: str | None = None,
        repair: bool = False,
        *,
        issue_number: int | None = None,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> tuple[Problem, ...]:
        """Folds every log, or one object's, and compares; with `repair` fixes what the log can fix."""
        verifier = Verifier(self._lookup, repair=repair, dry_run=self.dry_run, progress=progress)
        return verifier.verify(object_id, issue_number)

    def roll_over(self, object_id: str) -> StoredObject:
        """Moves the object to a new issue, where its history and revision go on; for logs of 2,500 comments."""
        return Mover(self._lookup, dry_run=self.dry_run).roll_over(object_id)

    def migrate(self, dry_run: bool = True) -> tuple[Migration, ...]:
        """Adopts what gh-store 0.5 to 0.11 wrote; by default says what it would do."""
        return Mover(self._lookup, dry_run=dry_run or self.dry_run).migrate()

    def access(self, object_id: str, login: str) -> Access:
        """What the person may do to the object, and which rule says so; the object need not exist.

        Raises:
            InputError: the id is none that a label can carry.
            PermissionUnknown: GitHub does not tell this token.
        """
        self.session.ensure()
        self._lookup.check_id(object_id)
        return self.session.access(login, object_id)

    # -- the rooms -------------------------------------------------------------------------------------------------

    @property
    def _creator(self) -> Creator:
        return Creator(self._lookup, dry_run=self.dry_run)

    @property
    def _updater(self) -> Updater:
        return Updater(self._lookup, dry_run=self.dry_run, warn=self._log)

    @property
    def _deleter(self) -> Deleter:
        return Deleter(self._lookup, dry_run=self.dry_run)

    @property
    def _reader(self) -> Reader:
        return Reader(self._lookup, warn=self._log)


class IssueHandler:
    """Where gh-store's users look for the history."""

    def __init__(self, store: GitHubStore) -> None:
        self._store = store

    def get_object_history(self, object_id: str) -> list[HistoryEntry]:
        """The store's own, under its old name."""
        return self._store.get_object_history(object_id)


def _whole(name: str, value: object) -> None:
    """Raises where a number is none: text would never be equal to one, and `True` would be 1."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, such as 1, not {value!r}")


def _time(name: str, value: str | datetime) -> str:
    """A time as GitHub writes it; one without an offset is UTC."""
    if isinstance(value, datetime):
        whole = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return whole.strftime("%Y-%m-%dT%H:%M:%SZ")
    return moment(name, value)
