"""Mode: all objects to files, and the files to a commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gh_store_action.domain import snapshots
from gh_store_action.domain.snapshots import BrokenSnapshot, Changed, LeftOut, Snapshot
from gh_store_action.errors import GitHubError
from gh_store_action.gateway import PAGE, Page
from gh_store_action.session import Session
from gh_store_action.workspace import Workspace
from gh_store_action.workspace_commit import Publication, Published, with_trailers

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Target:
    """Where a snapshot goes, and how.

    Args:
        path: inside the workspace; the folder for the format `directory`.
        commit: whether it is committed and pushed by git.
        message: empty for one that says what is in it.
    """

    path: str
    format: str = "json"
    commit: bool = True
    message: str = ""
    author: str = ""
    branch: str = ""
    fallback_branch: str = ""
    via_api: bool = False


@dataclass(frozen=True)
class SnapshotResult:
    """What was written.

    Args:
        changed: whether any file is another one than before.
        full: whether everything was read, or only what had changed.
        why_full: why a snapshot that was to be brought up to date was made anew, empty where it was not.
        problems: issues with the store's label that are not in.
    """

    snapshot: Snapshot
    path: str
    changed: bool
    full: bool
    why_full: str = ""
    problems: tuple[LeftOut, ...] = ()
    published: Published | None = None
    files: int = 0


class Snapshots:
    """Makes snapshots.

    Args:
        progress: called with issues read and issues in all.
    """

    def __init__(
        self,
        session: Session,
        workspace: Workspace,
        target: Target,
        *,
        dry_run: bool = False,
        progress: Progress = lambda done, total: None,
    ) -> None:
        self.session = session
        self.github = session.github
        self.workspace = workspace
        self.target = target
        self.dry_run = dry_run
        self.progress = progress

    def make(self) -> SnapshotResult:
        """A full snapshot: one request for each hundred issues, and one for what changed meanwhile."""
        path = self._check()
        return self._finish(path, self._existing(path), self._full(), full=True)

    def update(self) -> SnapshotResult:
        """Brings the snapshot that is there up to date: one request for up to a hundred changes.

        Where there is none, or it is none of this store's, or what it knows does not add up, a full one is made.
        """
        path = self._check()
        existing = self._existing(path)
        if not existing:
            return self._finish(path, existing, self._full(), full=True, why="there was none yet")
        try:
            before = snapshots.read(_texts(existing), self.target.format, self.github.repository)
        except (BrokenSnapshot, UnicodeDecodeError) as error:
            return self._finish(path, existing, self._full(), full=True, why=f"the one there can not be used: {error}")
        changed, why = self._changes(before)
        if changed is None:
            return self._finish(path, existing, self._full(), full=True, why=why)
        return self._finish(path, existing, changed, full=False)

    # -- gathering -------------------------------------------------------------------------------------------------

    def _check(self) -> str:
        """Everything that can be wrong with the place is found before a request is spent."""
        folder = self.target.format == "directory"
        path = self.workspace.check_output(self.target.path, folder=folder)
        if self.target.commit and not self.dry_run:
            self.workspace.check_publish(self._publication((), ()))
        return path

    def _existing(self, path: str) -> Mapping[str, bytes]:
        """The files there are, by their path inside the snapshot: `""` for the one file."""
        if self.target.format == "directory":
            prefix = path + "/"
            files = self.workspace.existing(path)
            return {
                name.removeprefix(prefix): self.workspace.read(name) or b"" for name in files if _ours(name, prefix)
            }
        if self.target.commit and self.target.branch and not self.target.via_api:
            data = self.workspace.published(path, self._publication((), ()))
        else:
            data = self.workspace.read(path)
        return {} if data is None else {"": data}

    def _full(self) -> Changed:
        page = self._first()
        start = self.github.transport.server_time
        total, seen = page.total, 0
        snapshot = Snapshot(self.github.repository, {})
        problems: tuple[LeftOut, ...] = ()
        pages = 0
        while True:
            pages += 1
            found = snapshots.put(snapshot, page.issues, self.session.rules, self.session.counting)
            snapshot, problems = found.snapshot, (*problems, *found.problems)
            seen += len(page.issues)
            self.progress(seen, max(total, seen))
            if page.cursor is None:
                break
            page = self.github.issues(self.session.rules.base_label, page.cursor)
        # What changed while the pages were read: once more, so that the snapshot is of one moment.
        since = snapshots.shifted(start, -snapshots.OVERLAP) if start else snapshot.since
        late, _ = self._merge(snapshot, since)
        known = {problem.number for problem in late.problems}
        return Changed(late.snapshot, (*(p for p in problems if p.number not in known), *late.problems), False)

    def _first(self) -> Page:
        """The first page, with the rules; asked for again where they name another label."""
        label = self.session.rules.base_label
        page = self.github.issues(label, None, rules=self.session.unlearned)
        if page.reading is not None:
            self.session.learn(page.reading)
        if self.session.rules.base_label != label:
            page = self.github.issues(self.session.rules.base_label, None)
        return page

    def _merge(self, snapshot: Snapshot, since: str) -> tuple[Changed, int]:
        """Puts in what changed since then; also how many issues the store has."""
        problems: dict[int, LeftOut] = {}
        unsure = False
        cursor: str | None = None
        while True:
            label = self.session.rules.base_label
            page = self.github.issues(
                label, cursor, since=since, any_label=True, by_update=True, rules=self.session.unlearned
            )
            if page.reading is not None:
                self.session.learn(page.reading)
            found = snapshots.put(snapshot, page.issues, self.session.rules, self.session.counting)
            snapshot, unsure = found.snapshot, unsure or found.unsure
            problems |= {problem.number: problem for problem in found.problems}
            if page.cursor is None or (page.total > page.store_total and page.total > PAGE):
                return Changed(snapshot, tuple(problems.values()), unsure), page.store_total
            cursor = page.cursor

    def _changes(self, before: Snapshot) -> tuple[Changed | None, str]:
        """The snapshot with what has changed, None with the reason where only a full one will do."""
        label = self.session.rules.base_label
        changed, total = self._merge(before, before.since)
        if self.session.rules.base_label != label:
            return None, "the configuration names another label"
        if changed.unsure:
            return None, "an object went, and another issue may have its id"
        if changed.snapshot.knows() != total:
            return None, f"the store has {total} issues, and {changed.snapshot.knows()} are known"
        return changed, ""

    # -- writing ---------------------------------------------------------------------------------------------------

    def _finish(
        self, path: str, existing: Mapping[str, bytes], changed: Changed, *, full: bool, why: str = ""
    ) -> SnapshotResult:
        files = {
            name: "".join(pieces).encode() for name, pieces in snapshots.write(changed.snapshot, self.target.format)
        }
        stale = tuple(name for name in existing if name not in files)
        differs = bool(stale) or any(existing.get(name) != data for name, data in files.items())
        where = {name: f"{path}/{name}" if name else path for name in (*files, *stale)}
        published: Published | None = None
        if not self.dry_run:
            self.workspace.write({where[name]: data for name, data in files.items()}, [where[name] for name in stale])
            if self.target.commit:
                names = tuple(where[name] for name in files)
                gone = tuple(where[name] for name in stale)
                published = self._publish(changed.snapshot, names, gone)
        return SnapshotResult(
            snapshot=changed.snapshot,
            path=path,
            changed=differs or bool(published and published.sha),
            full=full,
            why_full=why,
            problems=changed.problems,
            published=published,
            files=len(files),
        )

    def _publish(self, snapshot: Snapshot, paths: tuple[str, ...], removed: tuple[str, ...]) -> Published:
        if self.target.via_api:
            raise GitHubError("Verified commits are not available yet.", "Use `commit-via: git`.")
        return self.workspace.publish(self._publication(paths, removed, snapshot))

    def _publication(
        self, paths: tuple[str, ...], removed: tuple[str, ...], snapshot: Snapshot | None = None
    ) -> Publication:
        return Publication(
            paths=paths,
            removed=removed,
            message=self._message(snapshot) if snapshot else "Update the store's snapshot",
            author=self.target.author,
            branch=self.target.branch,
            fallback_branch=self.target.fallback_branch,
        )

    def _message(self, snapshot: Snapshot) -> str:
        """For people: what it is; for machines: trailers."""
        count = len(snapshot.entries)
        text = self.target.message or f"Update the snapshot of {count} object{'s' if count != 1 else ''}"
        return with_trailers(
            text,
            {
                "Store-Objects": str(count),
                "Store-Watermark": snapshot.time,
                "Store-Repository": snapshot.repository,
            },
        )


def _ours(name: str, prefix: str) -> bool:
    """Whether a file in the folder is the store's: nothing else of the user's is ever removed."""
    inner = name.removeprefix(prefix)
    return inner == "index.json" or (inner.startswith("objects/") and inner.endswith(".json"))


def _texts(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: data.decode() for name, data in files.items()}
