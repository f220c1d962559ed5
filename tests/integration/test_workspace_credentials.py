"""How the push gets in: what actions/checkout left, else the token, never both, never anywhere it can be read."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gh_store_action.action.wording import explained
from gh_store_action.errors import AccessDeniedError, StoreError
from gh_store_action.workspace.files import Publication, Published, Workspace
from gh_store_action.workspace.git import Git, GitResult, Unreachable, failure
from tests.support import git as real
from tests.support.git import GitServer, Request

pytestmark = pytest.mark.slow

TOKEN = "ghs_tokenOfTheAction"
LEFT = "ghs_tokenThatCheckoutLeft"
STORE = "data/store.json"


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return real.make_bare_remote(tmp_path / "remotes/octo/store.git", {"README.md": "base\n"})


@pytest.fixture
def server(tmp_path: Path, remote: Path) -> Iterator[GitServer]:
    with GitServer(tmp_path / "remotes", token=TOKEN) as server:
        yield server


@pytest.fixture
def checkout(tmp_path: Path, remote: Path, server: GitServer) -> Path:
    checkout = real.clone(remote, tmp_path / "checkout", "--depth=1")
    real.git(checkout, "remote", "set-url", "origin", f"{server.url}/octo/store.git")
    return checkout


def workspace_of(
    checkout: Path, server_url: str, token: str = TOKEN, sleep: Callable[[float], None] = lambda _: None, path: str = ""
) -> Workspace:
    environ = {"PATH": path or os.environ["PATH"], "HOME": "/nonexistent", "INPUT_TOKEN": token, "GITHUB_TOKEN": token}
    return Workspace(checkout, environ, server_url, token, sleep)


def save(workspace: Workspace) -> Published:
    workspace.write({STORE: b"{}\n"})
    return workspace.publish(Publication((STORE,), message="Update the snapshot"))


def leave_as_v4(checkout: Path, server: GitServer, token: str) -> None:
    """actions/checkout v4 and v5: the header is in .git/config."""
    real.git(checkout, "config", f"http.{server.url}/.extraheader", f"AUTHORIZATION: {real.basic(token)}")


def leave_as_v6(checkout: Path, server: GitServer, token: str) -> None:
    """actions/checkout v6: .git/config names a file of RUNNER_TEMP, for this gitdir only."""
    file = checkout.parent / "runner_temp/git-credentials-1.config"
    file.parent.mkdir()
    real.git(
        checkout, "config", "-f", str(file), f"http.{server.url}/.extraheader", f"AUTHORIZATION: {real.basic(token)}"
    )
    real.git(checkout, "config", f"includeIf.gitdir:{checkout}/.git.path", str(file))


@pytest.mark.parametrize("leave", [leave_as_v4, leave_as_v6])
def test_publish__what_checkout_left__is_used_and_ours_is_not_sent_beside_it(
    checkout: Path, server: GitServer, leave: Callable[[Path, GitServer, str], None]
) -> None:
    server.token = LEFT
    leave(checkout, server, LEFT)
    before = (checkout / ".git/config").read_text()

    assert save(workspace_of(checkout, server.url)).sha

    assert {tuple(request.authorizations) for request in server.requests} == {(real.basic(LEFT),)}
    assert (checkout / ".git/config").read_text() == before


def test_publish__a_credentials_file_that_this_container_can_not_see__is_no_credentials(
    checkout: Path, server: GitServer
) -> None:
    leave_as_v6(checkout, server, LEFT)
    (checkout.parent / "runner_temp/git-credentials-1.config").unlink()

    assert save(workspace_of(checkout, server.url)).sha


@pytest.mark.parametrize("slash", ["", "/"])
def test_publish__no_credentials_left__the_token_is_sent_once_and_kept_nowhere(
    tmp_path: Path, remote: Path, checkout: Path, server: GitServer, slash: str
) -> None:
    path, record = real.recording_git(tmp_path / "bin")
    before = (checkout / ".git/config").read_text()

    published = save(workspace_of(checkout, server.url + slash, path=path))

    assert real.git(remote, "rev-parse", "main").strip() == published.sha
    assert {tuple(request.authorizations) for request in server.requests} == {(real.basic(TOKEN),)}
    assert (checkout / ".git/config").read_text() == before
    secrets = (TOKEN, real.basic(TOKEN).split()[1])
    lines = record.read_text().splitlines()
    carriers = [line for line in lines if any(secret in line for secret in secrets)]
    assert carriers and all(line.startswith("ENV GIT_CONFIG_VALUE_") for line in carriers)
    assert not any(secret.encode() in file.read_bytes() for file in _files(checkout) for secret in secrets)


@pytest.mark.parametrize("header", ["X-Trace: 1", "", "AUTHORIZATION: basic a\r\nHost: b"])
def test_publish__another_header_than_that_of_checkout__is_left_out(
    checkout: Path, server: GitServer, header: str
) -> None:
    real.git(checkout, "config", f"http.{server.url}/.extraheader", header)

    assert save(workspace_of(checkout, server.url)).sha


def test_publish__in_a_linked_work_tree__finds_what_checkout_left(
    checkout: Path, remote: Path, server: GitServer
) -> None:
    """Checkout v6 names its file for the work trees in an entry of its own."""
    server.token = LEFT
    leave_as_v6(checkout, server, LEFT)
    file = real.git(checkout, "config", f"includeIf.gitdir:{checkout}/.git.path").strip()
    real.git(checkout, "config", "--unset", f"includeIf.gitdir:{checkout}/.git.path")
    real.git(checkout, "config", f"includeIf.gitdir:{checkout}/.git/worktrees/*.path", file)
    linked = checkout.with_name("linked")
    real.git(checkout, "worktree", "add", "--quiet", str(linked), "-b", "side", "origin/main")
    real.git(remote, "branch", "side", "main")

    published = save(workspace_of(linked, server.url))

    assert {tuple(request.authorizations) for request in server.requests} == {(real.basic(LEFT),)}
    assert (published.branch, real.git(linked, "status", "--porcelain")) == ("side", "")


@pytest.mark.parametrize("address", ["git@127.0.0.1:octo/store.git", "ssh://git@127.0.0.1:22/octo/store.git"])
def test_publish__to_this_github_by_ssh__goes_by_https(
    checkout: Path, remote: Path, server: GitServer, address: str
) -> None:
    real.git(checkout, "remote", "set-url", "origin", address)
    real.git(checkout, "config", "remote.origin.pushurl", address.removesuffix(".git"))

    assert save(workspace_of(checkout, server.url)).sha
    assert real.files(remote)[STORE] == "{}\n"


def test_publish__a_submodule_by_ssh__is_where_checkout_says(checkout: Path, remote: Path, server: GitServer) -> None:
    """actions/checkout leaves such an entry in each submodule, for an organisation's own user name as well."""
    for start in ("git@github.test:", "org-7@github.com:"):
        real.git(checkout, "config", "--add", f"url.{server.url}/.insteadOf", start)
    real.git(checkout, "remote", "set-url", "origin", "org-7@github.com:octo/store.git")
    workspace = workspace_of(checkout, server.url)

    assert (workspace.repository("x"), workspace.is_of("x", "octo/store")) == ("octo/store", True)
    assert save(workspace).sha
    assert real.files(remote)[STORE] == "{}\n"


@pytest.mark.parametrize(
    "address", ["https://github.com", "http://127.0.0.1:1", "http://localhost:{port}", "ftp://x", "http://a:b"]
)
def test_publish__another_host_than_githubs__never_sees_the_token(
    checkout: Path, server: GitServer, address: str
) -> None:
    server_url = address.format(port=server.url.rpartition(":")[2])

    with pytest.raises(AccessDeniedError, match="there are none, or .*Check that the argument `token`"):
        save(workspace_of(checkout, server_url))
    assert server.requests and all(request.authorizations == [] for request in server.requests)


def test_publish__credentials_in_the_address__are_used_alone_and_not_shown(checkout: Path, server: GitServer) -> None:
    server.token = LEFT
    address = server.url.replace("://", f"://x-access-token:{LEFT}@")
    real.git(checkout, "remote", "set-url", "origin", f"{address}/octo/store.git")
    assert save(workspace_of(checkout, server.url)).sha

    server.token = "another"
    with pytest.raises(AccessDeniedError) as caught:
        real.on_branch(workspace_of(checkout, server.url), STORE)
    assert LEFT not in str(caught.value)
    assert all(len(request.authorizations) < 2 for request in server.requests)


def test_publish__neither_token_nor_credentials__says_how_to_give_them(checkout: Path, server: GitServer) -> None:
    with pytest.raises(AccessDeniedError) as caught:
        save(workspace_of(checkout, server.url, token=""))

    assert "Check that the input `token` is set and has not expired, or let actions/checkout" in explained(caught.value)
    assert "persist-credentials: true" in caught.value.detail


def test_publish__a_token_that_is_not_accepted__is_said(checkout: Path, server: GitServer) -> None:
    with pytest.raises(AccessDeniedError, match="it did not accept them") as caught:
        save(workspace_of(checkout, server.url, token="ghs_expired"))
    assert "ghs_expired" not in str(caught.value)


def test_publish__permission_missing__shows_the_line_to_add(checkout: Path, server: GitServer) -> None:
    def refuse(request: Request) -> tuple[int, str] | None:
        if "receive-pack" not in request.path:
            return None
        return 403, f"Permission to octo/store.git denied to github-actions[bot] ({TOKEN} {real.basic(TOKEN)})."

    server.refuse = refuse

    with pytest.raises(AccessDeniedError) as caught:
        save(workspace_of(checkout, server.url))

    assert "Add `permissions: {contents: write}` to the job" in explained(caught.value)
    assert caught.value.detail == "```yaml\npermissions:\n  contents: write\n```"
    assert TOKEN not in str(caught.value) and real.basic(TOKEN).split()[1] not in str(caught.value)


def test_publish__repository_not_found__is_said(checkout: Path, server: GitServer) -> None:
    server.refuse = lambda request: (404, "Repository not found.")

    with pytest.raises(StoreError, match="The remote repository does not exist, or the token cannot see it"):
        save(workspace_of(checkout, server.url))


def test_publish__nobody_answers__is_tried_three_times_and_said(checkout: Path) -> None:
    pauses: list[float] = []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    real.git(checkout, "remote", "set-url", "origin", f"{address}/octo/store.git")

    with pytest.raises(Unreachable, match="could not be reached.*Check the network"):
        save(workspace_of(checkout, address, sleep=pauses.append))
    assert len(pauses) == 2


def test_publish__a_passing_trouble_of_the_server__is_waited_for(
    checkout: Path, server: GitServer, remote: Path
) -> None:
    troubles = iter([(503, ""), (500, "")])
    server.refuse = lambda request: next(troubles, None) if "receive-pack" in request.path else None

    assert save(workspace_of(checkout, server.url)).tries == 3
    assert real.log(remote) == ["Update the snapshot", "another's commit"]


def test_publish__an_answer_that_was_lost__is_not_pushed_twice(checkout: Path, server: GitServer, remote: Path) -> None:
    dropped: list[str] = []

    def drop(request: Request) -> bool:
        if request.method == "POST" and request.path.endswith("receive-pack") and not dropped:
            dropped.append(request.path)
            return True
        return False

    server.drop = drop

    published = save(workspace_of(checkout, server.url))

    assert dropped and published == Published(real.git(remote, "rev-parse", "main").strip(), "main", 2)
    assert real.log(remote) == ["Update the snapshot", "another's commit"]


def test_publish__fetching_over_http_in_a_shallow_clone(checkout: Path, server: GitServer, remote: Path) -> None:
    real.push(remote, {"other": "1\n"}, message="between")

    save(workspace_of(checkout, server.url))

    assert real.log(remote) == ["Update the snapshot", "between", "another's commit"]


@pytest.mark.parametrize(
    ("token", "keys"), [("", ["core.askPass"]), ("ghs_expired", ["core.askPass", "credential.helper"])]
)
def test_publish__a_program_of_the_repository__is_not_asked_for_credentials(
    tmp_path: Path, checkout: Path, server: GitServer, token: str, keys: list[str]
) -> None:
    program = tmp_path / "ask"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\necho password={TOKEN}\n")
    program.chmod(0o755)
    for key in keys:
        real.git(checkout, "config", key, str(program))

    with pytest.raises(AccessDeniedError):
        save(workspace_of(checkout, server.url, token=token))
    assert not (tmp_path / "ran").exists()


def test_published__fetching__changes_no_ref_of_the_user(checkout: Path, server: GitServer, remote: Path) -> None:
    real.push(remote, {STORE: "1\n"})
    before = real.git(checkout, "for-each-ref")

    assert real.on_branch(workspace_of(checkout, server.url), STORE) == b"1\n"

    assert real.git(checkout, "for-each-ref") == before
    assert not (checkout / ".git/FETCH_HEAD").exists()


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ("remote: error: GH013: Repository rule violations found for refs/heads/main.", AccessDeniedError, "protected"),
        ("! [remote rejected] a -> main (protected branch hook declined)", AccessDeniedError, "protected"),
        ("remote: error: GH001: Large files detected.", StoreError, "format='directory'"),
        (
            "remote: error: GH001: Large files detected.\n"
            "remote: error: File a is 101.00 MB; this exceeds GitHub's file size limit of 100.00 MB",
            StoreError,
            "The remote said: “error: File a is 101.00 MB; this exceeds GitHub's file size limit of 100.00 MB”. Use",
        ),
        (
            "error: insufficient permission for adding an object to repository database .git/objects\nfatal: no",
            StoreError,
            "A folder in the checkout's `.git/objects` cannot be written: no permission.",
        ),
        (
            "remote: error: insufficient permission for adding an object to repository database ./objects\n"
            "error: remote unpack failed: unpack-objects abnormal exit\n! [remote rejected] a -> main (unpacker error)",
            StoreError,
            "`git push` failed: “remote: error: insufficient permission",
        ),
        (
            "remote: no room for this\n! [remote rejected] a -> main (unpacker error)",
            StoreError,
            "(unpacker error)”. The remote said: “no room for this”. Fix the cause",
        ),
        ("remote: This repository was archived so it is read-only.\nfatal: 403", AccessDeniedError, "Unarchive"),
        ("remote: Write access to repository not granted.\nfatal: x: error: 403", AccessDeniedError, "contents: write"),
        ("git@github.com: Permission denied (publickey).\nfatal: Could not read", StoreError, "SSH"),
        ("error: cannot run ssh: No such file or directory\nfatal: unable to fork", StoreError, "HTTPS"),
        ("fatal: unable to access 'https://x/': Could not resolve host: x", Unreachable, "githubstatus"),
        ("fatal: unable to access 'https://x/': SSL certificate problem: expired", StoreError, "certificate"),
        (
            "fatal: unable to access 'https://x/': Recv failure: Connection was reset",
            Unreachable,
            "closed the connection",
        ),
        ("send-pack: unexpected disconnect while reading sideband packet", Unreachable, "closed the connection"),
        ("error: error in sideband demultiplexer", Unreachable, "closed the connection"),
        ("!\ta:refs/heads/b\t[remote failure] (remote failed to report status)", Unreachable, "closed the connection"),
        (
            "error: RPC failed; curl 92 HTTP/2 stream 5 was not closed cleanly: CANCEL",
            Unreachable,
            "closed the connection",
        ),
        ("fetch-pack: transfer closed with outstanding read data remaining", Unreachable, "closed the connection"),
        ("fatal: write error: Broken pipe", Unreachable, "closed the connection"),
        ("client_loop: send disconnect: Broken pipe", Unreachable, "closed the connection"),
        (
            "remote: fatal error in commit_refs\n ! [remote rejected] a -> b (failure)",
            Unreachable,
            "closed the connection",
        ),
        ("fatal: Unable to create '/x/.git/shallow.lock': File exists.", StoreError, "remove the lock"),
        ("To https://github.com/o/GH006-SSL.git\nerror: something else", StoreError, "“error: something else”"),
        ("fatal: one\x1b[1m\x00::error::\ttwo\r\nmore", StoreError, "“fatal: one [1m ::error:: two”"),
    ],
)
def test_failure__what_github_and_git_say__is_explained(said: str, kind: type[StoreError], words: str) -> None:
    error = failure("push", GitResult(1, b"", said))

    assert type(error) is kind
    assert words in str(error)
    assert "\n" not in str(error)


def test_redact__takes_out_every_form_of_the_secret(tmp_path: Path) -> None:
    git = Git(tmp_path, {}, "https://github.com", TOKEN, tmp_path)
    encoded = real.basic(TOKEN).split()[1]

    assert git.redact(f"a {TOKEN} b {encoded}") == "a *** b ***"
    assert git.redact("https://user:pass@github.com/x AUTHORIZATION: basic abc=") == (
        "https://***@github.com/x AUTHORIZATION: basic ***"
    )
    assert TOKEN not in repr(git) and encoded not in repr(git)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
