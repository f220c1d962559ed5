"""A GitHub with a certificate of a private authority: one variable serves the API and git."""

from __future__ import annotations

from pathlib import Path

import pytest

from gh_store_action import GitHubStore
from gh_store_action.errors import GitHubError
from gh_store_action.gateway.refusals import UnknownEffect
from gh_store_action.gateway.transport import Transport
from tests.double import Fault
from tests.support import git
from tests.support.scene import Run, Scene
from tests.support.tls import Authority, in_front_of

pytestmark = pytest.mark.slow

VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO")


@pytest.fixture(autouse=True)
def _no_authority(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


def snapshot(scene: Scene, address: str, **env: str) -> Run:
    """A run that needs the API and, to push, git."""
    checkout = scene.checkout(f"checkout-{len(scene.waits)}-{len(env)}")
    git.git(checkout, "remote", "set-url", "origin", f"{address}/{scene.full_name}")
    return scene.run(
        "snapshot",
        workspace=checkout,
        api_url=f"{address}/api/v3",
        graphql_url=f"{address}/api/graphql",
        server_url=address,
        env=env,
    )


def test_authority__of_one_variable_serves_the_api_and_git(scene: Scene, address: str, authority: Authority) -> None:
    scene.make()
    before = scene.repository.head()
    run = snapshot(scene, address, SSL_CERT_FILE=str(authority.trusted))
    assert run.exit_code == 0, run.log
    assert scene.repository.head() != before


def test_authority__that_nobody_named_is_told_with_the_variable_after_one_try(scene: Scene, address: str) -> None:
    scene.make()
    run = snapshot(scene, address)
    assert run.exit_code == 1
    assert f"The certificate of {address} could not be verified: unable to get local issuer certificate." in run.error
    assert "environment variable SSL_CERT_FILE" in run.error
    assert (scene.waits, run.requests) == ([], ())


def test_authority__that_git_alone_does_not_know_is_told_the_same_way(
    scene: Scene, address: str, authority: Authority, tmp_path: Path
) -> None:
    scene.make()
    other = Authority.at(tmp_path / "other", "localhost")
    run = snapshot(scene, address, SSL_CERT_FILE=str(authority.trusted), GIT_SSL_CAINFO=str(other.trusted))
    assert run.exit_code == 1
    assert "The certificate of the remote could not be verified." in run.error
    assert "environment variable SSL_CERT_FILE" in run.error


def test_authority__of_requests_own_variable_counts_for_the_api(
    scene: Scene, address: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.trusted))
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    scene.make()
    with GitHubStore(scene.github.token("octo"), scene.full_name, api_url=f"{address}/api/v3") as store:
        assert store.get("metrics").data == {"count": 0}


def test_certificate__of_another_name_is_told(scene: Scene, authority: Authority, tmp_path: Path) -> None:
    other = Authority.at(tmp_path / "other", "github.example")
    with in_front_of(int(scene.github.url.rpartition(":")[2]), other.chain) as port:
        url, trusted = f"https://localhost:{port}/api/v3", str(other.trusted)
        transport = Transport(token="t", api_url=url, authority=trusted, pause=scene.waits.append)
        for verb in ("GET", "POST"):
            with pytest.raises(GitHubError, match=r"could not be verified: hostname mismatch.* SSL_CERT_FILE") as told:
                transport.get("/meta") if verb == "GET" else transport.send(verb, "/repos/octo/store/issues", {})
            assert not isinstance(told.value, UnknownEffect)
    assert (scene.waits, scene.github.count(method="POST", path="/api/v3/repos/octo/store/issues")) == ([], 0)


def test_connection__that_breaks_in_the_encryption_is_tried_again(
    scene: Scene, address: str, authority: Authority
) -> None:
    token = scene.github.token("octo")
    transport = Transport(
        token=token, api_url=f"{address}/api/v3", authority=str(authority.trusted), pause=scene.waits.append
    )
    scene.github.faults.add(Fault("drop"))
    assert transport.query("query { viewer { login } }", {}).data == {"viewer": {"login": "octo"}}
    assert scene.waits == [2]


def test_file__that_holds_no_certificate_is_a_wrong_input(scene: Scene, address: str, tmp_path: Path) -> None:
    scene.make()
    run = snapshot(scene, address, SSL_CERT_FILE=str(tmp_path / "missing.pem"))
    assert run.exit_code == 2
    assert "set in SSL_CERT_FILE" in run.error and "No such file" in run.error


def test_server__that_speaks_no_tls_is_tried_again_for_it_may_be_a_broken_connection(scene: Scene) -> None:
    address = scene.github.url.replace("http://127.0.0.1", "https://localhost")
    transport = Transport(token="t", api_url=f"{address}/api/v3", pause=scene.waits.append)
    with pytest.raises(GitHubError, match=r"closed the connection \(SSLError\), 3 times in a row"):
        transport.get("/meta")
    assert scene.waits == [2, 4]
