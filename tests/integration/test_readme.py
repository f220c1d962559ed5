"""The README is true: its tables agree with the code, and every example in it runs."""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from gh_store_action.action import settings
from gh_store_action.config.store_config import StoreConfig, combine
from gh_store_action.domain.objects import ID_LIMIT, LABEL_LIMIT
from gh_store_action.domain.records import Rules
from gh_store_action.domain.strict_json import BODY_LIMIT
from tests.double import GitHub
from tests.support import git
from tests.support.runner import ROOT, Job, action
from tests.support.scene import OWNER, WRITER, Scene

README, REFERENCE = (ROOT / name for name in ("README.md", "docs/reference.md"))
TEXT = README.read_text(encoding="utf-8") + "\n" + REFERENCE.read_text(encoding="utf-8")
SVG = "{http://www.w3.org/2000/svg}"
RAW = "https://raw.githubusercontent.com/org/gh-store-action/v1"


@dataclass(frozen=True)
class Block:
    """A fenced example."""

    language: str
    section: str
    text: str


def blocks() -> list[Block]:
    found = []
    section = ""
    for match in re.finditer(r"^## ([^\n]+)$|^( *)```(\w+)\n(.*?)^ *```$", TEXT, re.M | re.S):
        if match[1]:
            section = match[1]
        else:
            found.append(Block(match[3], section, re.sub(rf"^{match[2]}", "", match[4], flags=re.M)))
    return found


BLOCKS = blocks()


def block(language: str, section: str, holds: str = "") -> str:
    """The one example of a section that holds that text."""
    (found,) = [b.text for b in BLOCKS if (b.language, b.section) == (language, section) and holds in b.text]
    return found


def table(section: str) -> list[list[str]]:
    """The cells of a section's first table, without its head."""
    text = TEXT.split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row[1:-1].split("|")] for row in rows[2:]]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


# Form


def test_readme__is_short_and_every_block_is_looked_at() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 250
    seen = {(b.language, b.section) for b in BLOCKS}
    assert seen == {
        ("sh", "Quick start"),
        ("json", "Writing an update"),
        ("yaml", "Writing an update"),
        ("js", "Reading the data"),
        ("sh", "A guestbook"),
        ("yaml", "Inputs"),
        ("yaml", "Permissions"),
        ("yaml", "Configuration"),
        ("sh", "Command line and library"),
        ("python", "Command line and library"),
    }
    assert TEXT.count("```") == 2 * len(BLOCKS)


@pytest.mark.parametrize("page", [README, REFERENCE], ids=lambda page: page.name)
def test_readme__names_only_files_that_are_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)[)#]", page.read_text(encoding="utf-8")):
        assert (page.parent / target).is_file(), target


# Tables


@dataclass(frozen=True)
class Annotated:
    """An input in the block of all inputs: what its comments say, and its value there."""

    modes: list[str]
    text: str
    values: tuple[str, ...]
    value: str


def annotated() -> dict[str, Annotated]:
    """The block of all inputs: before each stand its modes, what it is for, and the values that are allowed."""
    found = {}
    for lines, name in re.findall(r"((?:^    # .+\n)+)    ([\w-]+):", block("yaml", "Inputs"), re.M):
        comments = re.findall(r"# (.+)", lines)
        values = tuple(comments.pop().split(" | ")) if " | " in comments[-1] else ()
        modes, text = " ".join(comments).split(": ", 1)
        value = GIVEN[name]
        found[name] = Annotated(
            modes.split(), text, values, str(value).lower() if isinstance(value, bool) else str(value)
        )
    return found


GIVEN = yaml.safe_load(block("yaml", "Inputs"))[0]["with"]


def test_inputs__are_those_of_the_action_in_its_order() -> None:
    assert list(annotated()) == list(GIVEN) == list(action()["inputs"]) == list(settings.INPUTS)


@pytest.mark.parametrize("name", list(settings.INPUTS))
def test_input__default_modes_and_values_are_what_the_settings_do(name: str) -> None:
    said, declared = annotated()[name], settings.INPUTS[name]
    assert str(action()["inputs"][name].get("default", "")) == declared.default == said.value
    assert set(settings.MODES if said.modes == ["all"] else said.modes) == set(declared.modes)
    assert said.values == VALUES.get(name, ("true", "false") if declared.default in ("true", "false") else ())
    assert said.text


VALUES = {
    "mode": settings.MODES,
    "update-mode": settings.UPDATE_MODES,
    "format": settings.FORMATS,
    "commit-via": settings.COMMIT_WAYS,
}


def test_inputs__given_as_they_stand_there_are_as_if_none_were_given(tmp_path: Path) -> None:
    """So each value is one that the action takes; and so is each example that stands behind an empty one."""
    plain = {name: value for name, value in GIVEN.items() if "${{" not in str(value)}
    given, nothing = (Job(tmp_path, inputs=inputs).prepare() for inputs in (plain, {}))
    assert settings.Settings.from_environment(given) == settings.Settings.from_environment(nothing)
    examples = re.findall(r'^    ([\w-]+): "" # (.+)$', block("yaml", "Inputs"), re.M)
    assert len(examples) > 10
    for name, example in examples:
        settings.INPUTS[name].value(name, yaml.safe_load(example) if "'" in example else example, {})
    where = annotated()["output"].text
    assert all(place in where for place in (*settings.DEFAULT_OUTPUT.values(), settings.DEFAULT_SITE))


def test_outputs__are_those_of_the_action_in_its_order() -> None:
    assert [name for row in table("Outputs") for name in names(row[0])] == list(action()["outputs"])


def test_permissions__name_every_mode() -> None:
    listed = [name for row in table("Permissions") for name in names(row[0].split("(")[0])]
    assert sorted(listed) == sorted(settings.MODES)


@pytest.mark.parametrize(
    ("mode", "contents", "issues"),
    [(mode, row[1], row[2]) for row in table("Permissions") for mode in names(row[0].split("(")[0])],
)
def test_permissions__suffice_in_a_private_repository(
    github: GitHub, tmp_path: Path, mode: str, contents: str, issues: str
) -> None:
    scene = Scene(github, tmp_path, "octo/private", private=True)
    number = scene.make("metrics", {"n": 1})
    if mode in ("process", "update"):
        scene.post(number, '{"n": 2}')
    if mode == "restore":
        assert scene.run("delete", object_id="metrics").exit_code == 0
    checkout = tmp_path / "checkout"
    if mode in ("snapshot", "update-snapshot"):
        git.clone(scene.repository.git_dir, checkout)
        git.git(checkout, "remote", "set-url", "origin", scene.repository.clone_url)
    run = scene.run(
        mode,
        token=scene.repository.workflow_token(contents=contents, issues=issues),
        workspace=checkout if checkout.exists() else None,
        **{
            "process": {"issue_number": number},
            "create": {"object_id": "new", "data": "{}"},
            "update": {"object_id": "metrics", "data": '{"n": 3}'},
            "snapshot": {},
            "update-snapshot": {},
        }.get(mode, {"object_id": "metrics"}),
    )
    assert run.exit_code == 0, run.log


@pytest.mark.parametrize("row", table("Troubleshooting"), ids=lambda row: row[0])
def test_troubleshooting__names_messages_that_there_are(row: list[str]) -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "gh_store_action").rglob("*.py"))
    code = re.sub(r'"\s*\n\s*f?"', "", code)
    for part in filter(None, (part.strip() for message in names(row[0]) for part in message.split("…"))):
        assert any(part[:place] in code and part[place:] in code for place in range(len(part))), part


# Updates


@pytest.mark.parametrize("row", table("Writing an update"), ids=lambda row: row[0])
def test_update_modes__give_what_the_table_says(scene: Scene, row: list[str]) -> None:
    mode, patch, before, after = (names(cell)[0] for cell in row)
    number = scene.make("metrics", json.loads(before))
    scene.post(number, json.dumps({"_data": json.loads(patch), "_meta": {"update_mode": mode}}))
    run = scene.run("process", issue_number=number)
    assert (run.outputs["processed"], run.outputs["rejected"]) == ("1", "0")
    assert scene.data(number) == json.loads(after)


def test_update_modes__are_all_of_them() -> None:
    assert tuple(names(row[0])[0] for row in table("Writing an update")) == settings.UPDATE_MODES


@pytest.mark.parametrize("wrap", ["{}", "```json\n{}\n```", "```\n{}\n```", "\r\n  {}\r\n"])
def test_bare_update__gives_what_the_text_says(scene: Scene, wrap: str) -> None:
    before, after = re.findall(r"On `(\{.+?\})`, this gives\n`(\{.+?\})`:", TEXT)[0]
    number = scene.make("metrics", json.loads(before))
    comment = scene.post(number, wrap.replace("{}", block("json", "Writing an update", "DE").strip()))
    scene.run("process", issue_number=number)
    assert scene.data(number) == json.loads(after)
    assert scene.receipts(comment) == ("+1",)


def test_envelope__of_the_text_is_folded_once_and_its_condition_holds(scene: Scene) -> None:
    envelope = block("json", "Writing an update", "_meta")
    number = scene.make("metrics", {"visitors": 41})
    early = scene.post(number, envelope)
    scene.run("process", issue_number=number)
    assert scene.receipts(early) == ("-1",)  # the object is at revision 1
    scene.post(number, '{"visitors": 42}')
    comment, repeat = scene.post(number, without_id(envelope, "a")), scene.post(number, without_id(envelope, "a"))
    scene.run("process", issue_number=number)
    assert scene.data(number) == {"visitors": 43}
    assert (scene.receipts(comment), scene.receipts(repeat)) == (("+1",), ("+1",))


def without_id(envelope: str, update_id: str) -> str:
    """The envelope with another idempotency key: the first one's has its verdict."""
    value = json.loads(envelope)
    assert value["_meta"].pop("update_id")
    return json.dumps({**value, "_meta": {**value["_meta"], "update_id": update_id}})


def test_workflow_step__posts_and_folds_with_the_workflows_own_token(scene: Scene) -> None:
    steps = yaml.safe_load(block("yaml", "Writing an update"))
    number = scene.make("metrics", {"deployments": 4})
    given = steps[0]["with"]
    assert set(given) <= set(settings.INPUTS)
    run = scene.run(given["mode"], inputs=given)
    assert (run.exit_code, scene.data(number)) == (0, {"deployments": 5})
    (output,) = re.findall(r"steps\.store\.outputs\.([a-z-]+)", steps[1]["env"]["REVISION"])
    assert run.outputs[output] == "2"
    assert steps[0]["uses"] == "org/gh-store-action@v1"


# YAML


def test_permissions__are_those_of_the_template() -> None:
    template = (ROOT / "workflows-templates" / "process-updates.yml").read_text(encoding="utf-8")
    quoted = re.sub(r"^", "    ", block("yaml", "Permissions").rstrip("\n"), flags=re.M)
    assert quoted in template


def test_configuration__is_the_default_key_by_key() -> None:
    text = block("yaml", "Configuration")
    assert combine(text, None) == StoreConfig()
    assert set(yaml.safe_load(text)["store"]) == set(yaml.safe_load(default_configuration())["store"])
    with_schema = text.replace("schemas: []", 'schemas: [{match: "metrics*", schema: metrics.json}]')
    assert combine(with_schema, None).rules.schemas == (("metrics*", "metrics.json"),)


def default_configuration() -> str:
    return (ROOT / "gh_store_action" / "config" / "default_config.yml").read_text(encoding="utf-8")


# Commands, on a machine where `gh` and `gh-store` talk to the loopback


@pytest.fixture
def shell(scene: Scene, tmp_path: Path) -> Any:
    """Runs a script of the README in a checkout, as its owner; gives what it wrote."""
    programs = tmp_path / "bin"
    programs.mkdir()
    command = tmp_path / "command.py"
    command.write_text(f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom gh_store_action.cli import main\nmain()\n")
    for name, start in (("gh", ROOT / "tests" / "support" / "gh_api.py"), ("gh-store", command)):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {start} "$@"\n')
        program.chmod(0o755)
    token = scene.github.token(OWNER)
    checkout = tmp_path / "store"
    git.clone(scene.repository.git_dir, checkout)

    def run(script: str, code: int = 0) -> str:
        done = subprocess.run(
            ["sh", "-e", "-c", script],
            cwd=checkout,
            env={
                **git.ENVIRONMENT,
                "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(tmp_path),
                "GITHUB_API_URL": scene.github.api_url,
                "GITHUB_GRAPHQL_URL": scene.github.graphql_url,
                "GITHUB_SERVER_URL": scene.github.server_url,
                "GH_TOKEN": token,
                "TOKEN": token,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_quick_start__copies_the_templates_makes_an_object_and_updates_it(scene: Scene, shell: Any) -> None:
    copy = block("sh", "Quick start", "curl")
    assert RAW in copy
    shell(copy.replace(RAW, f"file://{ROOT}"))
    template = (ROOT / "workflows-templates/pages.yml").read_bytes()
    assert scene.repository.file(".github/workflows/pages.yml") == template
    shell(block("sh", "Quick start", "labels[]"))
    event = scene.last_event("issue_comment", "created")
    assert event.starts_run
    assert scene.run("process", event=event).outputs["processed"] == "1"
    assert json.loads(shell(block("sh", "Quick start", "--jq .body"))) == {"visitors": 42}
    comment = scene.issue(1).comments[0].id
    assert scene.receipts(comment) == ("+1",)
    drawn = (ROOT / "docs" / "images" / "issue.svg").read_text(encoding="utf-8")
    looks_as_drawn(scene, ElementTree.fromstring(drawn))  # noqa: S314


def looks_as_drawn(scene: Scene, picture: ElementTree.Element) -> None:
    """The README's picture of the issue shows what the quick start leaves, but for the comment's id and the times."""
    issue = scene.issue(1)

    def texts(part: ElementTree.Element) -> list[str]:
        """Each text, and each run of one, but for the numbers that the README explains."""
        found = [one for one in part.iter(f"{SVG}text") if one.get("class") != "mark"]
        return [run.text or "" for one in found for run in (list(one) or [one])]

    title, number, state, author, _, *body = texts(picture)
    head = r"Stored Object: metrics \[r2 c\d+ n1 03881196\] \(\w\w\)"
    assert re.fullmatch(head, title) and re.fullmatch(head, issue.title)
    assert (number, state, author) == (f"#{issue.number}", issue.state.capitalize(), issue.author)
    lines = [line.strip() for line in issue.body.strip().splitlines()]
    assert [line.strip() for line in body[: len(lines)]] == lines
    (labels,) = picture.findall(f"{SVG}g[@id='labels']")
    assert texts(labels) == list(issue.labels)
    signs = {"+1": "👍", "rocket": "🚀"}
    comments = picture.findall(f"{SVG}g[@class='comment']")
    for comment, part in zip(issue.comments, comments, strict=True):
        who, _, said, *reactions = texts(part)
        assert who == comment.author.removesuffix("[bot]")
        assert re.sub(r"\s+", " ", comment.body).strip().startswith(said.removesuffix(" …"))
        assert reactions == [f"{signs[content]} 1" for _, content in comment.reactions]


@pytest.mark.slow
def test_command_line__does_what_the_example_says(scene: Scene, shell: Any) -> None:
    workflows = {
        f".github/workflows/{path.name}": path.read_text(encoding="utf-8")
        for path in (ROOT / "workflows-templates").glob("*.yml")
    }
    scene.repository.commit_files(workflows)
    script = block("sh", "Command line and library").replace("GITHUB_TOKEN=…", "GITHUB_TOKEN=$TOKEN")
    told = shell(script)
    (number,) = [issue.number for issue in scene.repository.issues()]
    assert scene.data(number) == {"total": 1}
    assert '"total": 1' in told


def test_library__does_what_the_example_says(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = block("python", "Command line and library")
    loopback = f'repo="octo/store", api_url={scene.github.api_url!r}, graphql_url={scene.github.graphql_url!r}'
    monkeypatch.setenv("GITHUB_TOKEN", scene.token)
    space: dict[str, Any] = {}
    exec(compile(code.replace('repo="octo/store"', loopback), "README.md", "exec"), space)  # noqa: S102
    space["store"].close()
    assert capsys.readouterr().out == "1 2\n"


# The web


@contextmanager
def served(folder: Path) -> Iterator[str]:
    class UpToDate(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(UpToDate, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_page__reads_the_snapshot(scene: Scene, tmp_path: Path) -> None:
    scene.make("metrics", {"visitors": 42})
    folder = tmp_path / "pages"
    folder.mkdir()
    scene.run("snapshot", workspace=folder, commit=False)
    code = block("js", "Reading the data")
    prefix = "https://octo.github.io/store/"
    assert prefix in code
    with served(folder) as url:
        page = (
            "const shown = {}; globalThis.document = { querySelector: (name) => shown[name] ??= {} };\n"
            f"{code.replace(prefix, f'{url}/data/')}\nconsole.log(JSON.stringify(shown));\n"
        )
        script = tmp_path / "page.mjs"
        script.write_text(page)
        done = subprocess.run(["node", str(script)], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"#visitors": {"textContent": 42}}


def test_snapshot__entries_have_what_the_text_says(scene: Scene, tmp_path: Path) -> None:
    scene.make("metrics", {"visitors": 42})
    folder = tmp_path / "pages"
    folder.mkdir()
    scene.run("snapshot", workspace=folder, commit=False)
    (entry,) = json.loads((folder / settings.DEFAULT_OUTPUT["json"]).read_text())["objects"].values()
    said = TEXT.split("Every entry has", 1)[1].split("`snapshot_time`", 1)[0]
    assert names(said) == [*entry, *entry["meta"]]


# Limits


def test_limits__are_those_of_the_code(scene: Scene) -> None:
    assert f"at most {BODY_LIMIT:,} characters" in TEXT
    assert f"An id has 1 to {ID_LIMIT} characters" in TEXT
    assert f"up to {LABEL_LIMIT - len(Rules().uid_prefix)} ASCII letters" in TEXT
    assert f"{scene.github.options.comments_per_issue:,} comments an issue" in TEXT


def test_budget__is_what_the_text_says(scene: Scene) -> None:
    number = scene.make()
    scene.post(number, '{"a": 1}')
    scene.post(number, '{"b": 1}', by=WRITER)
    assert len(scene.run("process", issue_number=number).requests) == 2 + 1
    assert len(scene.run("process", issue_number=number).requests) == 1
