"""Proxies of the environment, which may be the runner's or an attacker's: they see TLS that is verified, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import git
from tests.support.scene import Run, Scene
from tests.support.tls import Authority, proxy

pytestmark = pytest.mark.slow


def snapshot(scene: Scene, address: str, api: str, **env: str) -> Run:
    """A run that asks the API at one address, and pushes to another."""
    checkout = scene.checkout()
    git.git(checkout, "remote", "set-url", "origin", f"{address}/{scene.full_name}")
    return scene.run(
        "snapshot",
        workspace=checkout,
        api_url=f"{api}/api/v3",
        graphql_url=f"{api}/api/graphql",
        server_url=address,
        env=env,
    )


def test_proxy__of_a_runner__is_used_by_the_api_and_git_and_reads_nothing(
    scene: Scene, address: str, authority: Authority
) -> None:
    scene.make()
    with proxy() as (place, seen):
        run = snapshot(scene, address, address, https_proxy=place, SSL_CERT_FILE=str(authority.trusted))

    assert (run.exit_code, bool(run.outputs["commit-sha"])) == (0, True), run.log
    read = b"".join(seen)
    assert read.count(b"CONNECT localhost:") >= 2 and b"git/" in read and b"python-requests" not in read
    assert scene.token.encode() not in read and b"uthorization" not in read


@pytest.mark.parametrize("api", [True, False])
def test_proxy__that_passes_itself_off_as_github__gets_no_token(
    scene: Scene, address: str, authority: Authority, tmp_path: Path, api: bool
) -> None:
    scene.make()
    intruder = Authority.at(tmp_path / "intruder", "localhost")
    with proxy(intruder.chain) as (place, seen):
        given = {"https_proxy": place, "SSL_CERT_FILE": str(authority.trusted)}
        run = snapshot(scene, address, address if api else scene.github.url, **given)

    assert run.exit_code == 1 and "certificate" in run.error.lower(), run.log
    assert seen and b"uthorization" not in b"".join(seen)


@pytest.mark.parametrize("variable", ["http_proxy", "ALL_PROXY", "all_proxy"])
def test_proxy__on_a_way_without_tls__is_not_asked(scene: Scene, variable: str) -> None:
    scene.make()
    with proxy() as (place, seen):
        run = snapshot(scene, scene.github.url, scene.github.url, **{variable: place})

    assert (run.exit_code, bool(run.outputs["commit-sha"]), seen) == (0, True, []), run.log
