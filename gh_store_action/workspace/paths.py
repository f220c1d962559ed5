"""Paths inside a folder: none of them leads out of it, or into a `.git`."""

from __future__ import annotations

import os
import re
from pathlib import Path

from gh_store_action.errors import InputError

NAME_MAX = 255  # bytes of a file's name, on the file systems of Linux

# What git refuses, and GitHub where it checks a push: the names that NTFS and HFS+ take for the same file (git's
# is_ntfs_dotgit in path.c, and is_hfs_dotgit in utf8.c).
_UNSEEN = dict.fromkeys((*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF))
_SAME = r"[. ]*(?::.*)?"  # what NTFS cuts off at the end, and the name of a stream
_GIT = re.compile(rf"(?:\.git|git~1){_SAME}", re.ASCII | re.IGNORECASE | re.DOTALL)
_SETTINGS = re.compile(
    rf"(?:\.git(?:modules|attributes|ignore)|git(?:mod|att|ign)~[1-4]){_SAME}", re.ASCII | re.IGNORECASE | re.DOTALL
)


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
    return _GIT.fullmatch(name.translate(_UNSEEN)) is not None


def is_settings(name: str) -> bool:
    """Whether git reads a file with this name: `.gitmodules`, `.gitattributes` or `.gitignore`, on any file system."""
    return _SETTINGS.fullmatch(name.translate(_UNSEEN)) is not None


def _inside_git(path: str) -> InputError:
    return InputError(
        f"The path {path!r} is inside `.git`, or what other systems take for it.", "Choose a path outside of it."
    )


def _length(name: str) -> int:
    return len(os.fsencode(name))
