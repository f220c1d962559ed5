"""What a machine puts in the way of GitHub: names, proxies, certificates.  Each is named, and no write is in doubt."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gh_store_action.errors import GitHubError, InputError
from gh_store_action.gateway import connection
from gh_store_action.gateway.refusals import UnknownEffect
from gh_store_action.gateway.transport import Transport
from tests.double import Fault, GitHub, Repository
from tests.support.cli import Shell
from tests.support.no_files import NO_FILES
from tests.support.scene import Scene
from tests.support.tls import Authority, in_front_of, proxy

API = "https://ghe.example/api/v3"
VARIABLES = ("https_proxy", "all_proxy", "no_proxy", "requests_ca_bundle", "curl_ca_bundle", "ssl_cert_file")


class Reach:
    """Attempts to reach an API from this machine."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def to(self, api: str = API, authority: str = "") -> Transport:
        return Transport(token="t", api_url=api, authority=authority, pause=self.waits.append)

    def fail(self, api: str = API, authority: str = "") -> str:
        """What a read and a write alike say; nothing was sent, and the write is not in doubt."""
        transport = self.to(api, authority)
        said = set()
        for attempt in (lambda: transport.get("/meta"), lambda: transport.send("POST", "/meta", {})):
            with pytest.raises(GitHubError) as told:
                attempt()
            assert not isinstance(told.value, UnknownEffect)
            said.add(str(told.value))
        assert transport.requests == 0
        (line,) = said
        return line


@pytest.fixture
def reach(monkeypatch: pytest.MonkeyPatch) -> Reach:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.upper(), raising=False)
    return Reach()


@pytest.fixture
def repository(github: GitHub) -> Repository:
    return github.add_repository("octo/store")


# Proxies


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://[bad", "is not the address"),
        ("http://127.0.0.1:abc", "is not the address"),
        ("ftp://127.0.0.1:9", "is not the address"),
        ("http://", "has no valid host"),
        (f"http://{'a' * 64}.x:80", "has no valid host"),
        ("socks5://127.0.0.1:9", "speaks SOCKS"),
        ("http://user:p%E2%82%ACw-secret@127.0.0.1:9", "has a user name or password with characters beyond Latin-1"),
    ],
)
def test_proxy__that_no_request_can_use_is_a_wrong_input(
    reach: Reach, monkeypatch: pytest.MonkeyPatch, variable: str, address: str, why: str
) -> None:
    monkeypatch.setenv(variable, address)
    with pytest.raises(InputError, match=f"^The proxy in the variable {variable} {why}") as told:
        reach.to()
    assert "secret" not in str(told.value) and "p%E2" not in str(told.value)


def test_proxy__of_no_use_ends_a_command_as_wrong_inputs_do(shell: Shell) -> None:
    shell.env = {"GITHUB_API_URL": API, "GITHUB_GRAPHQL_URL": "", "HTTPS_PROXY": "http://[bad"}
    done = shell.run("list")
    assert (done.code, done.err.count("\n"), "in the variable HTTPS_PROXY" in done.err) == (2, 1, True), done.err


def test_proxy__that_asks_for_credentials_is_told_by_its_variable(
    reach: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy(answer="407 Proxy Authentication Required") as (place, _):
        monkeypatch.setenv("all_proxy", place)
        said = reach.fail()
    assert said == ("A proxy asks for credentials (407). Put them into the proxy's address in the variable all_proxy.")
    assert reach.waits == []


def test_proxy__that_lets_nobody_through_is_told_and_not_asked_again(
    reach: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy(answer="403 Forbidden") as (place, seen):
        monkeypatch.setenv("HTTPS_PROXY", place)
        said = reach.fail()
    assert said.startswith("The proxy in the variable HTTPS_PROXY refused to connect to https://ghe.example (403).")
    assert (reach.waits, len(seen)) == ([], 2)


@pytest.mark.parametrize("status", ["503 Service Unavailable", "429 Too Many Requests"])
def test_proxy__that_finds_no_way_or_is_too_busy_is_asked_again_also_for_a_write(
    reach: Reach, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    with proxy(answer=status) as (place, seen):
        monkeypatch.setenv("HTTPS_PROXY", place)
        said = reach.fail()
    assert f"The proxy in the variable HTTPS_PROXY could not connect to https://ghe.example ({status[:3]})." in said
    assert (reach.waits, len(seen)) == ([2, 4, 2, 4], 6)


def test_proxy__that_is_not_there_is_told_by_its_variable(reach: Reach, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@127.0.0.1:9")
    said = reach.fail()
    assert "The proxy in the variable HTTPS_PROXY cannot be used: Connection refused." in said
    assert "secret" not in said and "githubstatus" not in said


def test_proxy__of_two_variables_is_told_by_the_one_that_counts(reach: Reach, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HTTP_PROXY", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, "http://[bad")
    with pytest.raises(InputError, match="in the variable HTTPS_PROXY "):
        reach.to()


def test_proxy__of_the_system_is_told_as_that(reach: Reach, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS and Windows; and a variable of the same address has nothing to do with it."""
    monkeypatch.setattr("requests.utils.getproxies", lambda: {"https": "http://[bad"})
    monkeypatch.setenv("FTP_PROXY", "http://[bad")
    with pytest.raises(InputError, match="^The proxy in the system's settings is not"):
        reach.to()


def test_proxy__that_speaks_no_http_is_named_beside_github(reach: Reach, monkeypatch: pytest.MonkeyPatch) -> None:
    with proxy(answer="what?") as (place, _):
        monkeypatch.setenv("HTTPS_PROXY", place)
        with pytest.raises(GitHubError, match="see githubstatus.com, and check the proxy in the variable HTTPS_PROXY"):
            reach.to().get("/meta")
    assert reach.waits == [2, 4]


@pytest.mark.parametrize("phase", ["before", "after"])
def test_write__whose_connection_breaks_behind_a_proxy_may_have_happened_and_is_not_repeated(
    scene: Scene, address: str, authority: Authority, reach: Reach, monkeypatch: pytest.MonkeyPatch, phase: str
) -> None:
    """By then urllib3 has forgotten that it had a connection, and blames the proxy as if there had been none."""
    number = scene.make()
    before = len(scene.repository.issue(number).comments)
    with proxy() as (place, _):
        monkeypatch.setenv("HTTPS_PROXY", place)
        transport = Transport(
            token=scene.token, api_url=f"{address}/api/v3", authority=str(authority.trusted), pause=reach.waits.append
        )
        transport.get(f"/repos/{scene.full_name}")  # so that the connection stands
        scene.github.faults.add(Fault("drop", phase=phase))
        with pytest.raises(UnknownEffect, match="which may have taken effect"):
            transport.send("POST", f"/repos/{scene.full_name}/issues/{number}/comments", {"body": "x"})
    assert len(scene.repository.issue(number).comments) - before == (1 if phase == "after" else 0)
    assert (reach.waits, transport.requests) == ([], 2)


def test_read__whose_connection_breaks_behind_a_proxy_is_repeated_and_both_are_named(
    scene: Scene, address: str, authority: Authority, reach: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy() as (place, _):
        monkeypatch.setenv("HTTPS_PROXY", place)
        transport = Transport(
            token=scene.token, api_url=f"{address}/api/v3", authority=str(authority.trusted), pause=reach.waits.append
        )
        scene.github.faults.add(Fault("drop", times=None))
        with pytest.raises(GitHubError, match="see githubstatus.com, and check the proxy in the variable HTTPS_PROXY"):
            transport.get("/meta")
    assert (reach.waits, transport.requests) == ([2, 4], 3)


@pytest.mark.parametrize("at", range(1, 4))
def test_update__is_applied_once_whichever_answer_is_lost_behind_a_proxy(
    scene: Scene, address: str, authority: Authority, reach: Reach, at: int
) -> None:
    number = scene.make()
    scene.post(number, '{"_data": {"$inc": {"count": 1}}, "_meta": {"update_mode": "operators"}}')
    comments = len(scene.repository.issue(number).comments)
    lost = Fault("drop", phase="after", match=lambda request: request.graphql and scene.github.count() >= before + at)
    before = scene.github.count()
    with proxy() as (place, _):
        scene.github.faults.add(lost)
        for _ in range(2):
            scene.run(
                "process",
                issue_number=number,
                api_url=f"{address}/api/v3",
                graphql_url=f"{address}/api/graphql",
                env={"https_proxy": place, "SSL_CERT_FILE": str(authority.trusted)},
            )
    assert scene.data(number)["count"] == 1
    assert len(scene.repository.issue(number).comments) <= comments + 1


# Names and ports


def test_name__that_nobody_knows_is_told(reach: Reach) -> None:
    assert "No connection to https://no-such-host.invalid: no such name is known here." in reach.fail(
        "https://no-such-host.invalid"
    )


def test_port__on_which_nobody_listens_is_told(reach: Reach) -> None:
    for api in ("http://127.0.0.1:9", "https://127.0.0.1:9"):
        assert f"No connection to {api}: Connection refused. Nothing was lost. Try again later" in reach.fail(api)


@pytest.fixture
def deaf() -> Iterator[int]:
    """A port whose queue is full, so that the system answers nobody."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, ExitStack() as waiting:
        port = server.getsockname()[1]
        for _ in range(4):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        yield port


def test_port__that_never_answers_is_told(reach: Reach, deaf: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "TIMEOUT", 0.2)
    assert "nobody answered in time" in reach.fail(f"http://127.0.0.1:{deaf}")


# Certificates


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates__of_requests_own_variables_that_cannot_be_read_are_a_wrong_input(
    reach: Reach, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    def missing(_: Path) -> None:
        pass

    def junk(place: Path) -> None:
        place.write_text("no certificate")

    makers: dict[str, Callable[[Path], None]] = {**NO_FILES, "missing": missing, "junk": junk}
    for name, make in makers.items():
        place = tmp_path / name
        make(place)
        monkeypatch.setenv(variable, str(place))
        if name == "folder":  # of certificates, which may have none that is needed
            reach.to()
            continue
        with pytest.raises(InputError, match=f"No certificate can be read from `{place}`, set in {variable}: "):
            reach.to()


def test_certificate__that_the_file_of_requests_own_variable_does_not_vouch_for_is_told_with_that_variable(
    reach: Reach, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(Authority.at(tmp_path / "other", "localhost").trusted))
    with in_front_of(9, authority.chain) as port:
        said = reach.fail(f"https://localhost:{port}")
    assert said.endswith("Add the certificate of its authority to the file that REQUESTS_CA_BUNDLE names.")


def test_certificate__that_has_expired_is_told_so(reach: Reach, tmp_path: Path) -> None:
    old = Authority.at(tmp_path / "old", "localhost", days=-1)
    with in_front_of(9, old.chain) as port:
        said = reach.fail(f"https://localhost:{port}", str(old.trusted))
    assert "could not be verified: certificate has expired. Check this machine's clock." in said
    assert reach.waits == []
