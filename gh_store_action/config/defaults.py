"""The configuration files that the package ships, and how to write one to its place."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from gh_store_action.errors import StoreError


def dump_default() -> str:
    """The documented default file for a store's repository, as `gh-store init --repository-files` writes it."""
    return packaged("default_config.yml")


def dump_local() -> str:
    """The documented local file, as the command writes it; it sets nothing, so that the repository's file counts."""
    return packaged("local_config.yml")


def packaged(name: str) -> str:
    """The text of one of them."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def write_new(file: Path, text: str) -> bool:
    """Writes a file if it does not exist yet; returns whether it did.

    Raises:
        StoreError: it cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError:
        if file.parent.is_dir():
            return False
        raise StoreError(f"{str(file.parent)!r} is not a folder.", "Choose another path.") from None
    except OSError as error:
        raise StoreError(f"{str(file)!r} cannot be written: {error.strerror}.", "Choose another path.") from None
    return True
