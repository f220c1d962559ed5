"""Paths inside a folder: none of them leads out of it, or into a `.git`."""

from __future__ import annotations

import os
from pathlib import Path

from gh_store_action.errors import InputError

NAME_MAX = 255  # bytes of a file's name, on the file systems of Linux


class Paths:
    """Resolves paths, and each of their folders only once, because there may be very many files.

    It serves one operation: until the next one, a link may be changed.

    Args:
        home: the folder, resolved.
    """

    def __init__(self, home: Path) -> None:
        self._home = str(home)
        self._inside = os.path.join(home, "")
        self._folders: dict[str, str] = {}

    def resolved(self, path: str) -> str:
        """The absolute path, with all symbolic links resolved.

        Args:
            path: relative to the folder, or absolute; need not exist.

        Raises:
            InputError: it is outside the folder, or inside a `.git`, or not a path.
        """
        target = self._itself(path)
        return self._checked(path, self._real(path, target) if os.path.islink(target) else target)

    def itself(self, path: str) -> str:
        """Like `resolved`, but keeps a symbolic link at the very end: a removal removes the link."""
        return self._checked(path, self._itself(path))

    def relative(self, target: str) -> str:
        """A resolved path relative to the folder, with `/`."""
        return target.removeprefix(self._inside).replace(os.sep, "/")

    def _itself(self, path: str) -> str:
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if "\\" in path or not path.strip() or not path.isprintable() or any(_length(one) > NAME_MAX for one in parts):
            raise InputError(
                f"The path {path!r} is empty, is too long, or contains a backslash or an unprintable character.",
                "Use a path inside the workspace with `/` between folders, such as `data/store-snapshot.json`.",
            )
        if any(map(is_git, parts)):
            raise _inside_git(path)
        name = parts.pop() if parts else ""
        given = "/" * path.startswith("/") + "/".join(parts)
        folder = self._folders.get(given)
        if folder is None:
            folder = self._folders[given] = self._real(path, os.path.join(self._home, given))
        return self._real(path, os.path.join(folder, "..")) if name == ".." else os.path.join(folder, name)

    @staticmethod
    def _real(path: str, target: str) -> str:
        try:
            return str(Path(target).resolve())
        except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links, before Python 3.13
            raise InputError(f"The path {path!r} leads nowhere: {error}.", "Choose another path.") from None

    def _checked(self, path: str, target: str) -> str:
        inner = target.removeprefix(self._inside)
        if inner in (target, ""):
            raise InputError(
                f"The path {path!r} is not inside the workspace, after following symbolic links.",
                "Use a path inside the workspace, such as `data/store-snapshot.json`.",
            )
        if any(map(is_git, inner.split(os.sep))):
            raise _inside_git(path)
        return target


def is_git(name: str) -> bool:
    """Whether a file or a folder with this name is git's own, on any file system."""
    return name.lower() in (".git", "git~1")


def _inside_git(path: str) -> InputError:
    return InputError(f"The path {path!r} is inside `.git`.", "Choose a path outside of it.")


def _length(name: str) -> int:
    return len(os.fsencode(name))
