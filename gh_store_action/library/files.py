"""Writes the store to files, for a caller without a workspace; commits nothing."""

from __future__ import annotations

import os
import time
from pathlib import Path

from gh_store_action.arguments import check_snapshot_path
from gh_store_action.export import files as exports
from gh_store_action.export.reading import Exporter
from gh_store_action.snapshots.making import SnapshotResult, Snapshots, Target
from gh_store_action.store.reading import Progress, Reader
from gh_store_action.store.session import Session
from gh_store_action.workspace.files import Workspace


def snapshot(
    session: Session, path: Path, kind: str, *, update: bool, dry_run: bool, allow_shrink: bool, progress: Progress
) -> SnapshotResult:
    """Makes a snapshot, or brings the existing one up to date."""
    check_snapshot_path(str(path), kind)
    file = path.absolute()
    workspace = Workspace(Path(file.anchor), os.environ, session.server_url, "", time.sleep)
    target = Target(path=str(file), format=kind, commit=False)
    making = Snapshots(session, workspace, target, dry_run=dry_run, allow_shrink=allow_shrink, progress=progress)
    return making.update() if update else making.make()


def export(reader: Reader, path: Path, kind: str, progress: Progress) -> int:
    """Writes all objects and their logs; returns the number of objects."""
    file = path.absolute()
    exports.check(file, kind)
    return exports.write(file, kind, Exporter(reader, progress, reader.warn).everything())
