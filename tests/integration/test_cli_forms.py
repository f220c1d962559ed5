"""The commands about issue forms, and the example that `init` writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from gh_store_action.config.issue_forms import parse_form
from gh_store_action.config.store_config import parse_rules
from gh_store_action.domain.forms import answers, filling
from tests.double import GitHub
from tests.support.cli import Shell

SCHEMA = {
    "title": "A vote",
    "description": "For one of them",
    "properties": {
        "login": {"type": "string", "title": "Name", "maxLength": 60},
        "why?": {"type": "string", "maxLength": 2000, "description": "In your words"},
        "for": {"enum": ["a", "b"]},
        "stars": {"enum": [1, 2, 2.5]},
        "odd": {"enum": [True, "x"]},
        "kind": {"const": "vote"},
        "sure": {"type": "boolean"},
        "age": {"type": ["integer", "null"]},
        "tags": {"type": "array", "items": {"enum": ["x", "y"]}},
        "more": {"type": "array", "items": {"enum": ["x, y", "z"]}},
        "any": True,
        "object": {"type": "object", "title": "Kind"},
    },
    "required": ["for", "login", "more"],
}


@pytest.fixture
def shell(github: GitHub, tmp_path: Path) -> Shell:
    repository = github.add_repository("octo/store")
    return Shell(github, repository.full_name, tmp_path, github.token("octo"))


def schema(folder: Path, name: str = "vote", value: object = SCHEMA) -> None:
    file = folder / ".github/gh-store" / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value), "utf-8")


def test_form__has_a_field_for_each_property(shell: Shell, tmp_path: Path) -> None:
    schema(tmp_path)
    done = shell.run("form", "vote", "--update", "votes")
    assert (done.code, done.json["written"]) == (0, True)
    text = (tmp_path / ".github/ISSUE_TEMPLATE/vote.yml").read_text("utf-8")
    form = yaml.safe_load(text)
    assert {key: form[key] for key in ("name", "description", "labels")} == {
        "name": "A vote",
        "description": "For one of them",
        "labels": ["form:vote"],
    }
    fields = {field.id: field for field in parse_form(text, "vote.yml")}
    assert {name: (field.kind, field.label, field.required) for name, field in fields.items()} == {
        "login-2": ("input", "Name", True),
        "why-": ("textarea", "Why?", False),
        "for": ("dropdown", "For", True),
        "stars": ("dropdown", "Stars", False),
        "odd": ("dropdown", "Odd", False),
        "kind": ("dropdown", "Kind", False),
        "sure": ("dropdown", "Sure", False),
        "age": ("input", "Age", False),
        "tags": ("dropdown", "Tags", False),
        "more": ("checkboxes", "More", False),
        "any": ("textarea", "Any", False),
        "object": ("textarea", "object", False),
    }
    assert [name for name, field in fields.items() if field.multiple] == ["tags"]
    assert [name for name, field in fields.items() if field.code] == ["any", "object"]
    (rule,) = parse_rules(json.dumps({"store": {"forms": [done.json["entry"]]}}))[0].forms
    assert (rule.label, rule.form, rule.update, filling.problem(rule, fields)) == ("form:vote", "vote.yml", "votes", "")
    said = {
        "Name": "Ada", "Why?": "so", "For": "a", "Stars": "2.5", "Odd": "true", "Kind": "vote", "Sure": "false",
        "Age": "7", "Tags": "x, y", "More": "- [X] x, y\n- [ ] z", "Any": "```json\n[1]\n```",
        "object": "_No response_",
    }  # fmt: skip
    body = "\n\n".join(f"### {label}\n\n{answer}" for label, answer in said.items())
    assert filling.filled(rule.data, answers.read(list(fields.values()), body, rule.types)) == {
        "login": "Ada", "why?": "so", "for": "a", "stars": 2.5, "odd": True, "kind": "vote", "sure": False,
        "age": 7, "tags": ["x", "y"], "more": ["x, y"], "any": [1],
    }  # fmt: skip


def test_form__writes_nothing_over_another_one_and_nothing_in_a_dry_run(shell: Shell, tmp_path: Path) -> None:
    schema(tmp_path, value={"properties": {"n": {"type": "number"}}})
    file = tmp_path / ".github/ISSUE_TEMPLATE/vote.yml"
    done = shell.run("form", "vote", "--dry-run")
    assert (done.json["written"], file.exists(), "would write" in done.err) == (False, False, True)
    assert done.json["entry"] == {
        "label": "form:vote", "form": "vote.yml", "create": "vote-{number}", "types": {"n": "number"}
    }  # fmt: skip
    shown = shell.terminal("form", "vote", "--create", "v-{login}").plain
    assert "create: v-{login}" in shown and "wrote" in shown
    assert file.exists()
    assert "already exists" in shell.run("form", "vote").err


@pytest.mark.parametrize(
    ("arguments", "value", "said"),
    [
        (["vo te"], {"properties": {"a": {}}}, "cannot be read"),
        (
            ["vo te", "--schema", ".github/gh-store/vote.json"],
            {"properties": {"a": {}}},
            "only letters, digits, - and _",
        ),
        (["vote", "--directory", "no"], {"properties": {"a": {}}}, "Write it there, or pass --schema."),
        (["vote", "--create", "b {nope}"], {"properties": {"a": {}}}, "there is no field 'nope' in the form"),
        (["vote", "--update", ""], {"properties": {"a": {}}}, "The id of the object is empty."),
        (["vote"], {"type": "object"}, "has no `properties`"),
        (["vote"], {"properties": {"a": {"enum": ["None"]}}}, "'None' of 'a' cannot be an option of a form"),
        (["vote", "--create", "a", "--update", "b"], {"properties": {"a": {}}}, "are both given"),
    ],
)
def test_form__says_why_it_can_not(
    shell: Shell, tmp_path: Path, arguments: list[str], value: object, said: str
) -> None:
    schema(tmp_path, value=value)
    done = shell.run("form", *arguments)
    assert (done.code, said in done.err) == (2, True), done.err


def test_form__has_ids_and_labels_of_one_line_whatever_the_schema_says(shell: Shell, tmp_path: Path) -> None:
    schema(tmp_path, value={"properties": {"a": {"title": " of\ntwo  lines"}, "": {}, "-": {}, " ": {}}})
    entry = shell.run("form", "vote").json["entry"]
    fields = parse_form((tmp_path / ".github/ISSUE_TEMPLATE/vote.yml").read_text("utf-8"), "vote.yml")
    assert [(field.id, field.label) for field in fields] == [
        ("a", "of two lines"), ("field", "field"), ("-", "-"), ("--2", "--2")
    ]  # fmt: skip
    assert entry["data"] == {"a": "{a}", "": "{field}", "-": "{-}", " ": "{--2}"}


def test_form_link__fills_fields_in(shell: Shell, tmp_path: Path) -> None:
    schema(tmp_path, "guestbook", {"properties": {"name": {"type": "string"}, "stars": {"enum": [1, 2]}}})
    shell.run("form", "guestbook")
    done = shell.run("form-link", "guestbook", "name=Ada & Eve = ä", "stars=2")
    assert done.out == (
        f"{shell.github.server_url}/octo/store/issues/new?template=guestbook.yml&name=Ada+%26+Eve+%3D+%C3%A4&stars=2\n"
    )
    for arguments, said in (
        (["guestbook", "nam=Ada"], "'nam' matches no field of the form. Its fields: name, stars."),
        (["guestbook", "name"], "'name' is not FIELD=VALUE. The form's fields: name, stars."),
        (["guestbook", "stars=3"], "'3' is not an option of stars. Its options: 1, 2."),
        (["guestbook", "name=\udcff"], "The value of 'name' is not UTF-8 text."),
        (["other"], "cannot be read: No such file or directory"),
    ):
        wrong = shell.run("form-link", *arguments)
        assert (wrong.code, said in wrong.err) == (2, True), wrong.err


def test_form_link__makes_the_label_that_github_would_not(shell: Shell, tmp_path: Path) -> None:
    schema(tmp_path, "guestbook", {"properties": {"name": {"type": "string"}}})
    shell.run("form", "guestbook")
    repository = shell.github.repository("octo/store")
    shell.env = {"GITHUB_TOKEN": ""}
    alone = shell.run("form-link", "guestbook")
    assert (alone.code, alone.out.count("\n")) == (0, 1)
    assert "No token found. GitHub puts the label 'form:guestbook' on the form's issues once" in alone.err
    assert repository.send_form("octo", "x", "", ["form:guestbook"]) == 1
    assert repository.issue(1).labels == ()
    shell.env = {}
    assert "created the label 'form:guestbook'" in shell.run("form-link", "guestbook").err
    assert shell.run("form-link", "guestbook").err == ""
    repository.send_form("octo", "x", "", ["form:guestbook"])
    assert repository.issue(2).labels == ("form:guestbook",)
    file = tmp_path / ".github/ISSUE_TEMPLATE/guestbook.yml"
    form = yaml.safe_load(file.read_text("utf-8"))
    file.write_text(yaml.safe_dump({**form, "labels": "form:guestbook, two"}), "utf-8")
    assert shell.run("form-link", "guestbook").err.count("created the label 'two'") == 1
    del form["labels"]
    file.write_text(yaml.safe_dump(form), "utf-8")
    assert shell.run("form-link", "guestbook").err == ""


def test_doctor__names_a_label_that_no_form_can_put_on(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    written = shell.run("init", "--with", "guestbook").json["written"]
    repository = shell.github.repository("octo/store")
    repository.commit_files({name: (tmp_path / name).read_text("utf-8") for name in written})
    found = [row for row in shell.run("doctor").json if row["check"] == "label"]
    assert [(row["level"], row["hint"]) for row in found] == [
        ("warn", "`gh-store create` creates it with the first object."),
        ("warn", "A sweep creates it, and so does `gh-store form-link`."),
    ]
    assert found[1]["found"] == "'form:guestbook' does not exist yet, so the store sees no such form"
    shell.run("form-link", "guestbook")
    assert [row["level"] for row in shell.run("doctor").json if row["check"] == "label"] == ["warn", "ok"]


def test_init_with_guestbook__is_a_whole_store(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    done = shell.run("init", "--with", "guestbook", "--page")
    assert done.err == (
        'Next: review the files, commit them to the default branch and push. Choose "GitHub Actions" under '
        "Settings > Pages > Source. Print the form's URL with `gh-store form-link guestbook`, which creates its label. "
        "Then run `gh-store doctor`.\n"
    )
    names = sorted(str(Path(name)) for name in done.json["written"])
    assert names == [
        ".github/ISSUE_TEMPLATE/guestbook.yml",
        ".github/gh-store.yml",
        ".github/gh-store/guestbook.json",
        ".github/workflows/pages.yml",
    ]
    rules, _ = parse_rules((tmp_path / ".github/gh-store.yml").read_text("utf-8"))
    fields = parse_form((tmp_path / ".github/ISSUE_TEMPLATE/guestbook.yml").read_text("utf-8"), "x")
    assert filling.problem(rules.forms[0], {field.id for field in fields}) == ""
    assert [field.required for field in fields] == [True, True, False]
