"""The only way to a file whose path the user gives, and to its bytes: regular, bounded, opened without waiting."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from gh_store_action.domain.markdown import visible
from gh_store_action.errors import InputError

MIB = 1024 * 1024
CONFIGURATION_LIMIT = MIB // 16
DATA_LIMIT = MIB  # of data from a user; an object has less than 60,000 characters


def expanded(path: str | Path) -> Path:
    """The path, with a home directory for `~` or `~login`.

    Raises:
        InputError: there is no such login; or HOME is not set and no login has the user id, as often in
            containers; or HOME is a relative path, which means another folder wherever the program runs.
    """
    try:
        found = Path(path).expanduser()
    except RuntimeError:
        what = f"The home directory in {visible(str(path))} is not known."
        raise InputError(what, "Write out the path, or set the variable HOME.") from None
    if str(path).startswith("~") and not found.is_absolute():
        what = f"The home directory in {visible(str(path))} is a relative path."
        raise InputError(what, "Write out the path, or set the variable HOME to an absolute one.")
    return found


def content(file: str | Path, most: int) -> bytes:
    """The file's bytes.

    The file's type is checked after opening it, so that no one can swap the file in between; a FIFO without a writer
    opens immediately.

    Args:
        file: symbolic links are followed, so resolve it first if it has to be in a folder.
        most: bytes.

    Raises:
        OSError: it cannot be read, is not a regular file, or is larger; `strerror` says which.
    """
    number = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))  # Windows: the last
    try:
        status = os.fstat(number)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(file))
        with os.fdopen(number, "rb", closefd=False) as stream:
            found = stream.read(min(status.st_size, most) + 1)  # as much memory as is needed, not as is allowed
            if len(found) > status.st_size:  # it has grown, or has no size, as in /proc
                found += stream.read(most + 1 - len(found))
    finally:
        os.close(number)
    if len(found) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most // 1024:,} KiB", str(file))
    return found
