"""The command's entry: speed, help, common options, failures and exit codes."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
import threading
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path

import click
import pytest

import gh_store_action
from gh_store_action import __version__
from gh_store_action.cli import ROOMS, main, program
from gh_store_action.cli.options import Command
from gh_store_action.workspace import surroundings
from tests.double import GitHub, Repository, Request
from tests.support import git
from tests.support.cli import ENTRY, ROOT, Shell, commands, put_program

LABELS = ["stored-object", "UID:metrics"]
HEAVY = ("github", "requests", "jsonschema", "jsonpath", "rich", "yaml", "re2", "jsonpatch", "actions_toolkit")

# What scripts rely on.
CONTRACT = {
    "process-updates": {"--issue", "--dry-run"},
    "sweep": {"--dry-run"},
    "snapshot": {"--output", "--format", "--dry-run"},
    "update-snapshot": {"--output", "--snapshot-path", "--dry-run"},
    "site": {"--output", "--snapshot-url", "--dry-run"},
    "export": {"--format", "--output"},
    "create": {"--dry-run"},
    "upsert": {"--dry-run"},
    "get": {"--revision", "--at", "--data", "--path", "--output"},
    "update": {"--mode", "--if-revision", "--apply", "--dry-run"},
    "edit": {"--dry-run"},
    "open": {"--no-browser"},
    "validate": {"--as", "--login"},
    "delete": {"--dry-run"},
    "restore": {"--dry-run"},
    "history": set(),
    "diff": set(),
    "revert": {"--dry-run"},
    "list": {"--since", "--where", "--sort", "--desc", "--limit", "--ids", "--output"},
    "verify": {"--repair", "--dry-run"},
    "doctor": set(),
    "migrate": {"--dry-run"},
    "dedupe": {"--dry-run"},
    "roll-over": {"--dry-run"},
    "init": {"--repository-files", "--dry-run"},
}
COMMON = {"--repo", "--token", "--config", "--api-url"}


@pytest.fixture
def repository(github: GitHub) -> Repository:
    return github.add_repository("octo/store", files={"README.md": "# A store\n"})


def options(command: click.Command) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts}


# -- speed


def test_version__is_told(shell: Shell) -> None:
    assert shell.run("--version").out == f"gh-store, version {__version__}\n"


def test_help__tells_what_each_command_says_of_itself() -> None:
    told = {name: summary for _, _, summaries in ROOMS for name, summary in summaries.items()}

    assert {name: one.get_short_help_str(100) for name, one in commands().items()} == told


def test_help__tells_of_every_command_that_there_is() -> None:
    for _, room, summaries in ROOMS:
        there = import_module(f"gh_store_action.cli.{room}").COMMANDS
        assert [one.name for one in there] == list(summaries)


@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("updaet",)])
def test_help__imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    code = (
        "import sys\nfrom gh_store_action.cli import program\n"
        f"program.main({list(arguments)!r}, standalone_mode=False)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


def test_package__gives_the_librarys_names_when_they_are_asked_for() -> None:
    code = (
        "import sys, gh_store_action as package\n"
        "assert 'github' not in sys.modules and 'GitHubStore' in dir(package)\n"
        "print(package.GitHubStore.__name__, package.StoredObject.__name__, package.ObjectNotFound.__name__)\n"
        "try:\n    package.nothing\nexcept AttributeError as error:\n    print(error)"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == [
        "GitHubStore StoredObject ObjectNotFound",
        "module 'gh_store_action' has no attribute 'nothing'",
    ]


@pytest.mark.parametrize("name", sorted(gh_store_action.__all__))
def test_package__has_every_name_that_it_promises(name: str) -> None:
    gh_store_action.__dict__.pop(name, None) if name != "__version__" else None

    assert getattr(gh_store_action, name) is getattr(gh_store_action, name)
    assert name in dir(gh_store_action)


def test_package__has_no_other_name() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        gh_store_action.nothing  # noqa: B018


# -- the contract


def test_commands__are_those_of_the_contract() -> None:
    assert {*CONTRACT, "access", "completion", "form", "form-link"} == set(commands())
    assert options(program) >= COMMON
    for name, wanted in CONTRACT.items():
        assert options(commands()[name]) >= wanted | COMMON, name


def test_help__every_command_has_an_example_and_a_sentence(shell: Shell) -> None:
    for name, command in commands().items():
        assert isinstance(command, Command) and command.examples, name
        text = shell.run(name, "--help").out
        assert all(example in text for example in command.examples), name
        assert command.get_short_help_str(200).endswith("."), name


def test_help__is_shown_where_no_command_is_given(shell: Shell) -> None:
    done = shell.run()

    assert done.code == 0
    assert "process-updates" in done.out
    assert shell.run("--help").out == done.out


def test_help__the_first_steps_end_at_the_state_that_they_promise(shell: Shell, repository: Repository) -> None:
    steps = re.findall(
        r"^ +gh-store (.*)$", shell.run("--help").out.split("First steps:")[1].split("Completion")[0], re.M
    )

    done = [shell.run(*shlex.split(step)) for step in steps]

    assert [step.split()[0] for step in steps] == ["create", "update", "get"]
    assert [(one.code, one.err) for one in done] == [(0, "")] * 3
    assert done[-1].json["data"] == {"count": 1}


# -- common options


def test_options__count_before_and_after_the_command(shell: Shell, repository: Repository) -> None:
    repository.open_issue("octo", "Stored Object: metrics", "{}", LABELS)
    token, shell.token = shell.token, ""

    before = shell.run("--repo", "octo/store", "--token", token, "sweep", "--dry-run")
    after = shell.run("sweep", "--dry-run", "--repo", "octo/store", "--token", token)
    both = shell.run("--repo", "octo/other", "sweep", "--dry-run", "--repo", "octo/store", "--token", token)

    assert before.json == after.json == both.json
    assert before.json[0]["object_id"] == "metrics"


def test_token__on_the_command_line_works_with_a_warning_and_is_never_shown(github: GitHub, shell: Shell) -> None:
    """D07: a secret is only ever in the Authorization header."""
    token, shell.token = shell.token, ""

    done = shell.run("sweep", "--token", token, "--verbose")

    assert done.code == 0
    assert "WARNING | Other users can see --token" in done.err
    assert token not in done.out + done.err
    assert all(token not in request.path + request.query + (request.body or "") for request in github.requests)


def test_token__missing_is_one_line_that_says_what_to_do(shell: Shell) -> None:
    shell.token = ""

    done = shell.run("sweep")

    assert done.code == 2
    assert done.err == ("Error: No token found. Set the variable GITHUB_TOKEN, or run `gh auth login`.\n")


def test_token__that_github_refuses_is_one_line(github: GitHub, shell: Shell) -> None:
    github.revoke(shell.token)

    done = shell.run("sweep")

    assert done.code == 1
    assert done.err.startswith(
        "Error: GitHub does not accept the token (401). Check that GITHUB_TOKEN is set and has not"
    )
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sweep", "--repo", "store"], "The option --repo is `store`; allowed: owner/name."),
        (["sweep", "--api-url", "http://example.org"], "--api-url begins with http://"),
        (["sweep", "--token", "two words"], "characters that no token has"),
        (["sweeep"], "Unknown command 'sweeep'. Did you mean 'sweep'? See `gh-store --help`."),
        (["sweep", "-x"], "No such option '-x'. See `gh-store sweep --help`."),
        (["get", "-x"], "'-x'. Put an id that begins with - after --, such as: gh-store get -- -id. See"),
        (["get", "x", "--revison", "1"], "'--revision'?). See `gh-store get --help`."),
        (["--nothing"], "No such option '--nothing'. See `gh-store --help`."),
        (["process-updates"], "The number of the issue is given nowhere."),
        (["process-updates", "1", "--issue", "1"], "The number of the issue is given twice."),
        (["process-updates", "--issue", "x"], "'x' is not a whole number"),
        (["update", "a", "{}", "--mode", "appendd"], "'appendd' is not one of 'append'"),
        (["update", "a", "{}", "--update-id", ""], "the update_id must be a text of 1 to 200 characters"),
    ],
)
def test_inputs__that_are_wrong_are_one_line_and_exit_2(shell: Shell, arguments: list[str], said: str) -> None:
    done = shell.run(*arguments)

    assert done.code == 2
    assert said in done.err
    assert (done.out, done.err.count("\n")) == ("", 1)


def test_repository__that_is_not_there_names_the_option(shell: Shell) -> None:
    done = shell.run("sweep", "--repo", "octo/none")

    assert (done.code, done.err) == (
        1,
        "Error: The repository octo/none does not exist, or the token cannot see it. "
        "Check --repo or GITHUB_REPOSITORY and the token.\n",
    )


def test_token__of_a_variable_or_of_gh(shell: Shell, tmp_path: Path) -> None:
    secret, shell.token = shell.token, ""
    shell.env = {"GH_TOKEN": secret}
    assert shell.run("list").code == 0
    host = shell.github.server_url.partition("//")[2]
    says = f'test "$*" = "auth token --hostname {host}" && echo {secret}'
    shell.env = {"PATH": put_program(tmp_path / "bin", "gh", says)}
    assert shell.run("list").code == 0
    for script in ("exit 1", "exec sleep 30", "echo"):
        shell.env = {"PATH": put_program(tmp_path / script.replace(" ", "-"), "gh", script)}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(surroundings, "PATIENCE", 0.2)
            assert "No token found" in shell.run("list").err


def test_token__of_gh_is_shown_nowhere(shell: Shell, github: GitHub, tmp_path: Path) -> None:
    secret, shell.token = shell.token, ""
    shell.env = {"PATH": put_program(tmp_path / "bin", "gh", f"echo {secret}")}
    github.faults.status(418, message=f"teapot {secret}", times=None)
    done = shell.run("list", "--verbose")
    assert done.code == 1
    assert secret not in done.out + done.err


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("{server}/octo/store", True),
        ("{server}/octo/store.git", True),
        ("git@{host}:octo/store.git", True),
        ("ssh://git@{host}/octo/store", True),
        ("https://elsewhere.example/octo/store", False),
        ("/srv/git/octo/store", False),
        ("{server}/octo/store/more", False),
    ],
)
def test_repository__of_the_checkout_that_it_runs_in(shell: Shell, address: str, found: bool) -> None:
    host = shell.github.server_url.partition("//")[2].partition(":")[0]
    git.git(shell.folder, "init", "--quiet")
    git.git(shell.folder, "remote", "add", "origin", address.format(server=shell.github.server_url, host=host))
    shell.repository = ""
    done = shell.run("list")
    assert (done.code == 0) == found
    assert found or "run this in a checkout of it" in done.err


def test_repository__of_gh_repo_or_short(shell: Shell) -> None:
    shell.repository = ""
    shell.env = {"GH_REPO": "octo/store"}
    assert shell.run("list").code == 0
    shell.env = {"PATH": str(shell.folder)}  # without git
    assert shell.run("list").code == 2
    assert shell.run("list", "-R", "octo/store").code == 0


def test_repository__missing_is_one_line(shell: Shell) -> None:
    shell.repository = ""

    done = shell.run("sweep")

    assert (done.code, "Pass --repo owner/name" in done.err) == (2, True)


def test_config__with_a_typo_is_an_error_and_writes_nothing(shell: Shell) -> None:
    """D66."""
    done = shell.run("sweep", "--config", "confg.yml")

    assert done.code == 2
    assert done.err == (
        "Error: The configuration file confg.yml does not exist. "
        "Fix the path, or run `gh-store init` to write the default file.\n"
    )
    assert list(shell.folder.iterdir()) == []


def test_config__with_a_wrong_key_names_it(shell: Shell) -> None:
    (shell.folder / "c.yml").write_text("store: {log: {level: LOUD}}", "utf-8")

    done = shell.run("sweep", "--config", "c.yml")

    assert done.code == 2
    assert "c.yml: store.log.level must be one of DEBUG, INFO, WARNING, ERROR" in done.err


def test_config__that_is_wrong_in_its_usual_place_is_no_argument(shell: Shell) -> None:
    file = shell.folder / ".config/gh-store/config.yml"
    file.parent.mkdir(parents=True)
    file.write_text("store: {log: {level: LOUD}}", "utf-8")

    assert shell.run("sweep").code == 1


def test_addresses__follow_from_the_api_url(github: GitHub, repository: Repository, shell: Shell) -> None:
    shell.env = {
        "GITHUB_API_URL": "",
        "GITHUB_GRAPHQL_URL": "https://wrong.example",
        "GITHUB_SERVER_URL": "https://w.example",
    }

    done = shell.run("sweep", "--api-url", github.api_url)

    assert done.code == 0


# -- the log


def test_log__level_and_format_are_the_configurations(github: GitHub, repository: Repository, shell: Shell) -> None:
    """D64: no key without an effect; the repository's counts from the first answer on."""
    pull = repository.open_issue("octo", "A question", "no object")
    repository.commit_files({".github/gh-store.yml": 'store: {log: {format: "<{level}> {message}"}}'})
    loud = shell.run("process-updates", "--issue", str(pull))
    repository.commit_files({".github/gh-store.yml": "store: {log: {level: ERROR}}"})
    quiet = shell.run("process-updates", "--issue", str(pull))

    assert loud.err.startswith(f"<WARNING> Skipped issue #{pull}:")
    assert quiet.err == ""


def test_log__waits_are_told(github: GitHub, shell: Shell) -> None:
    (shell.folder / "c.yml").write_text('store: {retries: {backoff_factor: 0}, log: {format: "{message}"}}', "utf-8")
    github.faults.status(502, times=1)

    done = shell.run("sweep", "--config", "c.yml")

    assert done.code == 0
    assert "GitHub answered 502" in done.err


# -- failures


def test_failure__verbose_says_where(shell: Shell) -> None:
    done = shell.run("process-updates", "--issue", "99", "--verbose")

    assert done.code == 1
    assert done.err.startswith("Error: octo/store has no issue #99.")
    assert "Traceback" in done.err


def test_failure__a_bug_says_that_it_is_one(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError(f"with {shell.token}")

    monkeypatch.setattr("gh_store_action.store.session.Session.learn", broken)

    short, long = shell.run("sweep"), shell.run("sweep", "-v")

    assert short.code == 1
    assert short.err.startswith("Error: This is a bug in gh-store: ZeroDivisionError in test_cli_entry.py, line ")
    assert "with ***." in short.err and shell.token not in short.err + long.err
    assert (short.err.count("\n"), "Traceback" in long.err) == (1, True)


def test_failure__a_command_outside_of_the_program_is_a_bug() -> None:
    with pytest.raises(TypeError, match="outside of"), click.Context(program):
        from gh_store_action.cli.invocation import invocation

        invocation()


def test_interrupt__ends_cleanly(github: GitHub, repository: Repository, shell: Shell) -> None:
    asked = threading.Event()
    github.before_request.append(lambda _: asked.set())
    github.latency = 3.0
    with shell.start("sweep") as process:
        assert asked.wait(20)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)

    assert process.returncode == 130
    assert out == ""
    assert err == "\nError: Interrupted. Unfinished work is still pending. Run the same command again.\n"


@pytest.mark.parametrize(
    ("operation", "said"), [("PostToFold", "may have been posted"), ("Write", "is posted (comment ")]
)
def test_interrupt__behind_a_post_does_not_say_to_run_the_command_again(
    github: GitHub, repository: Repository, shell: Shell, operation: str, said: str
) -> None:
    shell.run("create", "metrics", '{"n": 0}')
    command = ("update", "metrics", '{"$inc": {"n": 1}}', "--mode", "operators", "--apply")
    done, ended = threading.Event(), threading.Event()

    def hold_the_answer(request: Request) -> None:
        if request.operation == operation:
            done.set()
            ended.wait(20)

    github.after_request.append(hold_the_answer)
    with shell.start(*command) as process:
        assert done.wait(20)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    ended.set()

    assert process.returncode == 130
    assert said in err
    assert "Run the same command again" not in err
    key = err.split("--update-id ")[1].partition("`")[0]
    assert shell.run(*command, "--update-id", key).code == 0
    assert shell.run("get", "metrics").json["data"] == {"n": 1}


def test_interrupt__exits_130(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gh_store_action.store.session.Session.learn", interrupted)

    assert shell.run("sweep").code == 130


def test_failure__verbose_shows_the_details(shell: Shell, repository: Repository) -> None:
    shell.token = repository.workflow_token(contents="read")
    number = repository.open_issue("octo", "Stored Object: metrics", "{}", LABELS)

    done = shell.run("process-updates", "--issue", str(number), "-v")

    assert done.code == 1
    assert "Use a token with `issues: write`." in done.err
    assert "  issues: write\n" in done.err


@pytest.mark.parametrize("arguments", [["sweep"], ["--help"], ["--version"], ["completion", "bash"]])
def test_failure__a_full_disk_behind_standard_output_is_no_bug(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    for name, value in shell.environ.items():
        monkeypatch.setenv(name, value)
    with open("/dev/full", "w", encoding="utf-8") as full, redirect_stdout(full):
        code = program.main(arguments, standalone_mode=False)

    assert code == 1
    assert capsys.readouterr().err == "Error: Standard output cannot be written: No space left on device.\n"


def test_failure__a_full_disk_is_told_once_and_not_again_at_the_end(shell: Shell) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full, shell.start("sweep", stdout=full) as process:
        _, err = process.communicate(timeout=30)

    assert (process.returncode, err) == (
        1,
        "Error: Standard output cannot be written: No space left on device.\n",
    )


def test_failure__another_error_of_the_system_is_a_bug(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError(5, "no such luck")

    monkeypatch.setattr("gh_store_action.store.session.Session.learn", broken)

    assert "This is a bug in gh-store: OSError" in shell.run("sweep").err


def test_failure__a_closed_standard_output_is_told_before_anything_is_done(
    github: GitHub, shell: Shell, repository: Repository
) -> None:
    asked = github.count()

    done = subprocess.run(
        ["/bin/sh", "-c", '"$@" >&-', "sh", *ENTRY, "create", "metrics", "{}"],
        env={**shell.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (
        1,
        "Error: Standard output is closed. Send it to a file.\n",
    )
    assert (repository.issues(), github.count()) == ([], asked)


def test_failure__a_closed_standard_output_is_a_line(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout", None)

    assert program.main(["--version"], standalone_mode=False) == 1
    assert "Standard output is closed" in capsys.readouterr().err


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_terminal__that_wants_no_colours_gets_none(shell: Shell, env: dict[str, str]) -> None:
    plain, coloured = shell.terminal("get", "nope", env=env).out, shell.terminal("get", "nope").out

    assert "\x1b" not in plain and plain.startswith("Error: ")
    assert "\x1b[31m" in coloured


def test_main__is_the_installed_command(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["gh-store", "--version"])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 0


# -- gh-store's own command lines


def test_original__its_three_command_lines_work_as_printed(repository: Repository, shell: Shell) -> None:
    """F22, F23, F24; the repository's README of 0.5."""
    number = repository.open_issue("octo", "Stored Object: metrics", '{"count": 0}', LABELS)
    repository.comment(number, "octo", '{"count": 1}')
    token, shell.token, shell.repository = shell.token, "", ""
    common = ["--token", token, "--repo", "octo/store"]
    file = shell.folder / "snapshot.json"

    processed = shell.run("process-updates", "--issue", str(number), *common)
    full = shell.run("snapshot", *common, "--output", "snapshot.json")
    first = json.loads(file.read_text("utf-8"))
    repository.comment(number, "octo", '{"count": 2}')
    shell.run("process-updates", "--issue", str(number), *common)
    updated = shell.run("update-snapshot", *common, "--snapshot-path", "snapshot.json")

    assert (processed.code, full.code, updated.code) == (0, 0, 0)
    assert first["repository"] == "octo/store"
    assert first["objects"]["metrics"]["data"] == {"count": 1}
    assert json.loads(file.read_text("utf-8"))["objects"]["metrics"]["data"] == {"count": 2}


def test_repository__of_a_checkout_whose_remote_is_not_utf_8_is_none(shell: Shell, tmp_path: Path) -> None:
    shell.env = {"GITHUB_REPOSITORY": "", "PATH": put_program(tmp_path / "bin", "git", "printf 'https://x/o/\\377'")}

    done = shell.run("list")

    assert (done.code, done.err.startswith("Error: No repository found.")) == (2, True), done.err
