"""The files of configuration that the package ships."""

from __future__ import annotations

from importlib.resources import files


def dump_default() -> str:
    """The documented default file of a store's repository, as `gh-store init --repository-files` writes it."""
    return packaged("default_config.yml")


def dump_local() -> str:
    """The documented local file, as `gh-store init` writes it: no rule in it counts against the repository's."""
    return packaged("local_config.yml")


def packaged(name: str) -> str:
    """The text of one of them."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
