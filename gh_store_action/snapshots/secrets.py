"""Which objects hold the secrets that GitHub's push protection has found."""

from __future__ import annotations

from collections.abc import Mapping

from gh_store_action.domain.snapshots import files as snapshot_files
from gh_store_action.domain.snapshots import histories
from gh_store_action.domain.snapshots.contents import Content, whole
from gh_store_action.workspace.lessons import SecretFound


def naming(error: SecretFound, names: Mapping[str, str], files: Mapping[str, Content], repository: str) -> SecretFound:
    """The same error, with the objects that contain the secrets.

    Args:
        names: of the files, by their paths in the checkout.
        files: what was pushed, by these names.
        repository: `owner/name` of the store.
    """
    whose = histories.whose(whole(files.get(histories.INDEX, b"")), repository)
    found = {
        whose.get(name) or snapshot_files.object_at(name, files[name], line): f"{path}:{line}"
        for path, line in error.places
        if (name := names.get(path)) is not None
    }
    if not (ids := found.keys() - {""}):
        return error
    where = ", ".join(f"{object_id!r} ({found[object_id]})" for object_id in sorted(ids))
    many = "the objects" if len(ids) > 1 else "the object"
    return error.reworded(
        f"GitHub's push protection blocked the push: it found a secret ({error.kinds}) in {many} {where}.",
        error.hint,
    )
