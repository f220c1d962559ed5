"""The commands for a person at an object: edit, open, validate."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from tests.double import GitHub, Repository, Request
from tests.support.cli import ENTRY, ROOT, Shell, put_program

RULES = """
store:
  schemas: [{match: "metrics", schema: metrics.json}]
  access:
    - {match: open, permission: anyone}
    - {match: book, permission: anyone, allow: [append]}
    - {match: "*", users: [ada]}
"""
SCHEMA = '{"type": "object", "properties": {"count": {"type": "integer"}}}'


@pytest.fixture
def repository(github: GitHub) -> Repository:
    rules = {".github/gh-store.yml": RULES, ".github/gh-store/metrics.json": SCHEMA}
    return github.add_repository("octo/store", files=rules)


@pytest.fixture
def metrics(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell on a store that has an object; what it keeps of a failed edit is in its folder `kept`."""
    (shell.folder / "kept").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(shell.folder / "kept"))
    shell.run("create", "metrics", '{"count": 1, "label": "é"}')
    return shell


def editor(shell: Shell, script: str, name: str = "EDITOR") -> None:
    """Makes a Python script the person's editor; in it `file` is the path that is edited."""
    program = shell.folder / "an editor.py"
    program.write_text(f"import pathlib, sys\nfile = pathlib.Path(sys.argv[1])\n{script}\n")
    shell.env[name] = f"{shlex.quote(sys.executable)} {shlex.quote(str(program))}"


def save(text: str) -> str:
    return f"file.write_text({text!r}, encoding='utf-8')"


def kept(shell: Shell) -> list[Path]:
    return list((shell.folder / "kept").iterdir())


# -- edit


def test_edit__replaces_the_data_by_what_is_saved(metrics: Shell) -> None:
    editor(metrics, "sys.exit('VISUAL counts first')")
    editor(metrics, 'file.write_text(file.read_text("utf-8").replace("1", "2"), encoding="utf-8")', "VISUAL")

    planned = metrics.run("edit", "metrics", "--dry-run")
    done = metrics.run("edit", "metrics")

    assert (planned.json["data"]["count"], planned.json["dry_run"]) == (2, True)
    assert (done.code, done.err, done.json["version"]) == (0, "", 2)
    assert done.json["data"] == {"count": 2, "label": "é"}
    assert kept(metrics) == []


def test_edit__of_nothing_posts_nothing(metrics: Shell, repository: Repository) -> None:
    before = repository.issue(1)
    metrics.env["EDITOR"] = "true"

    done = metrics.run("edit", "metrics")

    assert (done.code, done.out, done.err) == (0, "", "Nothing was changed in metrics.\n")
    assert (repository.issue(1), kept(metrics)) == (before, [])


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        (save('{"count": 2,}'), 2, "is not valid JSON: "),
        (save(""), 2, "the text is empty"),
        ("file.write_bytes(b'\\xe9')", 2, "is not UTF-8 text"),
        (save('{"count": "two"}'), 1, "The data for 'metrics' is refused: $.count: "),
        (save("3"), 2, "neither an object nor an array"),
        (save('{"count": 2}') + "\nsys.exit(3)", 1, "Editing failed. Set VISUAL or EDITOR to an editor."),
        ("file.unlink()", 2, "cannot be read"),
    ],
)
def test_edit__that_fails_posts_nothing_and_keeps_the_text_in_a_file_that_it_names(
    metrics: Shell, repository: Repository, script: str, code: int, said: str
) -> None:
    before = repository.issue(1)
    editor(metrics, script)

    done = metrics.run("edit", "metrics")

    assert (done.code, said in done.err) == (code, True), done.err
    first = done.err.splitlines()[0]
    assert all(f"Your text is in {file}. Run `gh-store update metrics @{file} " in first for file in kept(metrics))
    assert len(kept(metrics)) == ("unlink" not in script)
    assert repository.issue(1) == before


def test_edit__does_not_overwrite_what_others_have_changed_meanwhile(metrics: Shell) -> None:
    other = [*ENTRY, "update", "metrics", '{"count": 5}', "--apply"]
    call = f"import subprocess, os\nsubprocess.run({other!r}, check=True, stdout=-3, "
    editor(metrics, call + f"env=dict(os.environ, PYTHONPATH={str(ROOT)!r}))\n" + save('{"count": 2}'))

    done = metrics.run("edit", "metrics")
    again = re.findall(r"`gh-store (update .*?)`", done.err)
    repeated = metrics.run(*shlex.split(again[0]))

    assert (done.code, repeated.code) == (1, 1)
    assert "'metrics' was not changed: the object has the digest" in done.err
    assert metrics.run("get", "metrics", "--data").json == {"count": 5, "label": "é"}
    assert [json.loads(file.read_text("utf-8")) for file in kept(metrics)] == [{"count": 2}]


def test_edit__does_not_overwrite_a_hand_edit_that_is_saved_behind_its_last_look(
    github: GitHub, metrics: Shell, repository: Repository
) -> None:
    editor(metrics, save('{"count": 2}'))

    def by_hand(request: Request) -> None:
        if request.operation == "PostToFold":
            repository.edit_issue(1, "octo", body='{"count": 7}')

    github.before_request.append(by_hand)
    done = metrics.run("edit", "metrics")

    assert (done.code, len(kept(metrics))) == (1, 1)
    assert metrics.run("get", "metrics", "--data").json == {"count": 7}


def test_edit__waits_for_what_is_pending(metrics: Shell) -> None:
    metrics.run("update", "metrics", '{"count": 5}')
    metrics.env["EDITOR"] = "false"

    done = metrics.run("edit", "metrics")

    assert (done.code, kept(metrics)) == (1, [])
    assert "'metrics' has pending updates that would be applied before the edit. Run `gh-store process-up" in done.err


def test_edit__an_unknown_id_names_the_nearest(metrics: Shell) -> None:
    assert "Did you mean metrics?" in metrics.run("edit", "metrcs").err


# -- open


def test_open__starts_the_browser_with_the_address_of_the_issue(metrics: Shell, tmp_path: Path) -> None:
    url = f"{metrics.github.server_url}/octo/store/issues/1"
    metrics.env["PATH"] = put_program(tmp_path / "bin", "xdg-open", f'echo "$1" > {tmp_path}/opened')

    done = metrics.run("open", "metrics")

    assert done.json == {"object_id": "metrics", "issue_number": 1, "url": url}
    assert (tmp_path / "opened").read_text() == f"{url}\n"
    metrics.env["PATH"] = put_program(tmp_path / "none", "xdg-open", "exit 4")
    assert metrics.run("open", "metrics").err == f"Error: Could not start a browser. Open {url} yourself.\n"
    assert metrics.terminal("open", "metrics", "-n", columns=20).plain == f"{url}\n"
    assert metrics.run("open", "metrics", "-n").out == f"{url}\n"


# -- validate


def checkout(shell: Shell) -> str:
    folder = shell.folder / ".github"
    (folder / "gh-store").mkdir(parents=True)
    (folder / "gh-store.yml").write_text(RULES, "utf-8")
    (folder / "gh-store/metrics.json").write_text(SCHEMA, "utf-8")
    return ".github/gh-store.yml"


def test_validate__asks_the_rules_of_the_repository_or_of_a_file_without_a_network(
    github: GitHub, shell: Shell
) -> None:
    config = checkout(shell)
    wrong = shell.run("validate", "-", "--as", "metrics", stdin='{"count": "two"}')
    assert (wrong.code, wrong.json["valid"], wrong.json["reasons"][0]["path"]) == (1, False, "$.count")
    assert shell.run("validate", "-", "--as", "other", stdin='{"count": "two"}').code == 0
    asked = github.count()

    shell.token = shell.repository = ""
    local = shell.run("validate", "-", "--as", "metrics", "--config", config, stdin='{"count": "two"}')

    assert (local.code, local.json) == (1, wrong.json)
    assert shell.run("validate", "-", "--as", "metrics", "--config", config, stdin="{}").json["reasons"] == []
    assert github.count() == asked


def test_validate__is_told_on_a_terminal(shell: Shell) -> None:
    checkout(shell)
    (shell.folder / "m.json").write_text('{"count": "two"}', "utf-8")

    assert "$.count" in shell.terminal("validate", "m.json", "--as", "metrics").plain
    assert shell.terminal("validate", "m.json", "--as", "other").plain == "m.json is valid as other\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--as", "metrics", "--login", "ada"], 0, "match: '*'"),
        (["--as", "metrics", "--login", "octo"], 0, "match: '*'"),
        (
            ["--as", "metrics", "--login", "eve"],
            1,
            "eve may not replace it, by the rule {match: '*', permission",
        ),
        (["--as", "book", "--login", "eve"], 1, "eve may not replace it, by the rule {match: 'book'"),
        (["--as", "open", "--login", "eve"], 0, "match: 'open'"),
    ],
)
def test_validate__tells_whether_somebody_may_replace_it(
    github: GitHub, shell: Shell, arguments: list[str], code: int, said: str
) -> None:
    github.add_user("eve")

    done = shell.run("validate", "-", *arguments, stdin="{}")

    assert (done.code, said in done.out, done.err) == (code, True, ""), done.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--as", "metrics", "--login", "Ada"], 0, ""),
        (["--as", "open", "--login", "eve"], 0, ""),
        (["--as", "metrics", "--login", "github-actions[bot]"], 0, ""),
        (["--as", "metrics", "--login", "octo"], 2, "Only GitHub knows whether octo may replace 'metrics'."),
        (["--as", "book", "--login", "eve"], 2, "Omit --config or --login."),
        (["--as", "two\nlines"], 2, "Choose another id."),
        (["--as", "metrics", "--login", "a b"], 2, "--login must be a login"),
        (["--as", "broken"], 2, "The schema '.github/gh-store/latin.json' cannot be read: it is not UTF-8 text."),
        (["--as", "wrong"], 2, ".github/gh-store/wrong.json"),
        (["--as", "missing"], 2, "gone.json"),
    ],
)
def test_validate__without_a_network_says_what_a_file_can_tell(
    shell: Shell, arguments: list[str], code: int, said: str
) -> None:
    config, schemas = checkout(shell), shell.folder / ".github/gh-store"
    (schemas / "wrong.json").write_text('{"type": "nothing"}', "utf-8")
    more = "schemas: [{match: wrong, schema: wrong.json}, {match: missing, schema: gone.json}, "
    (shell.folder / config).write_text(RULES.replace("schemas: [", more), "utf-8")
    if "broken" in arguments:
        (schemas / "latin.json").write_bytes(b"\xe9")
    shell.token = shell.repository = ""

    done = shell.run("validate", "-", "--config", config, *arguments, stdin="{}")

    assert (done.code, said in done.err) == (code, True), done.err


def test_validate__what_is_no_json_or_configuration_is_a_wrong_input(shell: Shell) -> None:
    (shell.folder / "wrong.yml").write_text("store: {schema: []}", "utf-8")

    done = shell.run("validate", "-", "--as", "a", "--config", "wrong.yml", stdin="{}")
    assert "unknown key store.schema" in done.err
    assert shell.run("validate", "-", "--as", "a", stdin="{").code == 2
    assert "The file 'none.json' cannot be read" in shell.run("validate", "none.json", "--as", "a").err
