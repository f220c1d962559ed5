"""What the integration tests begin with: GitHub on loopback, and a store on it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gh_store_action import GitHubStore
from tests.double import GitHub, Repository
from tests.support import git as real
from tests.support.checkout import BASE
from tests.support.cli import Shell
from tests.support.library import store_of
from tests.support.scene import Scene
from tests.support.store import World, world
from tests.support.tls import Authority, in_front_of


@pytest.fixture
def github() -> Iterator[GitHub]:
    with GitHub() as running:
        yield running


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.at(tmp_path / "authority", "localhost")


@pytest.fixture
def address(github: GitHub, authority: Authority) -> Iterator[str]:
    """Of the double, by TLS."""
    with in_front_of(int(github.url.rpartition(":")[2]), authority.chain) as port:
        yield f"https://localhost:{port}"


@pytest.fixture
def scene(github: GitHub, tmp_path: Path) -> Scene:
    """A store without objects."""
    return Scene(github, tmp_path)


@pytest.fixture
def shell(github: GitHub, repository: Repository, tmp_path: Path) -> Shell:
    """The command, by the owner of the file's own `repository`."""
    return Shell(github, repository.full_name, tmp_path, github.token("octo"))


@pytest.fixture
def w() -> Iterator[World]:
    """A repository, its people, and a session of the workflow's token."""
    with world() as made:
        yield made


@pytest.fixture
def store(w: World) -> Iterator[GitHubStore]:
    with store_of(w) as made:
        yield made


@pytest.fixture(scope="session")
def cloned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a remote and a checkout, which each test copies: git would start a dozen processes for them."""
    place = tmp_path_factory.mktemp("cloned")
    real.clone(real.make_bare_remote(place / "remotes/store.git", BASE), place / "checkout")
    return place


@pytest.fixture
def remote(tmp_path: Path, cloned: Path) -> Path:
    shutil.copytree(cloned / "remotes", tmp_path / "remotes")
    return tmp_path / "remotes/store.git"


@pytest.fixture
def checkout(tmp_path: Path, cloned: Path, remote: Path) -> Path:
    made = tmp_path / "checkout"
    shutil.copytree(cloned / "checkout", made)
    config = made / ".git/config"
    config.write_text(config.read_text().replace(str(cloned), str(tmp_path)))
    real.git(made, "update-index", "--refresh")  # it knows the files by their inodes
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace without a checkout."""
    made = tmp_path / "workspace"
    made.mkdir()
    return made
