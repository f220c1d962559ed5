"""Issue forms as GitHub's YAML has them, and the configuration that names them."""

from __future__ import annotations

import pytest

from gh_store_action.config.issue_forms import parse_form
from gh_store_action.config.store_config import parse_rules
from gh_store_action.domain.forms.answers import Field, Option
from gh_store_action.domain.records import FormRule
from gh_store_action.errors import ConfigurationError

FORM = """
name: Guestbook
description: Say hello
labels: ["form:guestbook"]
body:
  - type: markdown
    attributes: {value: "# Welcome"}
  - type: input
    id: name
    attributes: {label: " Your name "}
    validations: {required: true}
  - type: textarea
    attributes: {label: Code, render: shell}
  - type: dropdown
    id: tags
    attributes: {label: Tags, multiple: true, options: [red, "no"]}
  - type: checkboxes
    id: rules
    attributes: {label: Rules, options: [{label: I am nice, required: true}, {label: I am new}]}
"""


def test_a_form_is_read() -> None:
    assert parse_form(FORM, "x.yml") == (
        Field("input", "name", "Your name", required=True),
        Field("textarea", "", "Code", code=True),
        Field("dropdown", "tags", "Tags", (Option("red"), Option("no")), multiple=True),
        Field("checkboxes", "rules", "Rules", (Option("I am nice", True), Option("I am new"))),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a", "x.yml: `body` must be a list"),
        ("body: {}", "x.yml: `body` must be a list"),
        ("body: [{type: markdown}]", "it has no fields to fill in"),
        ("body: [{type: upload}]", "x.yml, element 1: `type` must be markdown or one of input"),
        ("body: [x]", "`type` must be"),
        ("body: [{type: input}]", "`label` must be text"),
        ("body: [{type: input, attributes: [a]}]", "`attributes` must be a mapping"),
        ("body: [{type: input, id: 5, attributes: {label: a}}]", "`id` must be text"),
        ("body: [{type: dropdown, attributes: {label: a}}]", "`options` must be a list"),
        ("body: [{type: dropdown, attributes: {label: a, options: [1]}}]", "`options` must be text; put it in quotes"),
        ("body: [{type: dropdown, attributes: {label: a, multiple: true, options: ['a, b']}}]", "contain a comma"),
        (
            "body: [{type: input, id: a, attributes: {label: a}}, {type: input, id: a, attributes: {label: b}}]",
            "two elements have the same `id`",
        ),
        ("body: [", "x.yml, line 1"),
    ],
)
def test_what_is_wrong_with_a_form_is_said(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        parse_form(text, "x.yml")
    assert said in str(error.value)


def test_the_configuration_names_forms() -> None:
    rules, _ = parse_rules(
        "store: {forms: [{label: a, form: a.yml, update: m}, {label: b, form: b.yaml, update: 'x-{login}', "
        "mode: operators, data: {$push: {a: '{b}'}}, types: {n: number}}, {label: c, form: c.yml, create: '{id}'}]}"
    )
    assert rules.forms == (
        FormRule("a", "a.yml", "m"),
        FormRule("b", "b.yaml", "x-{login}", "operators", {"$push": {"a": "{b}"}}, {"n": "number"}),
        FormRule("c", "c.yml", create="{id}"),
    )
    assert [form.object_id for form in rules.forms] == ["m", "x-{login}", "{id}"]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{form: a.yml, update: m}", "store.forms[0] needs the key `label`"),
        ("{label: a, update: m}", "store.forms[0] needs the key `form`"),
        ("{label: a, form: a.yml}", "store.forms[0] must be a mapping with `label`, `form`, and either `create` or"),
        ("{label: a, form: a.yml, update: m, create: n}", "and either `create` or `update`, which alone may have"),
        ("{label: a, form: a.yml, create: m, mode: append}", "and either `create` or `update`, which alone may have"),
        ("{label: a, form: ../a.yml, update: m}", "store.forms[0].form must be the name of a .yml file"),
        ("{label: a, form: a.yml, update: m, mode: set}", "store.forms[0].mode must be one of append"),
        ("{label: a, form: a.yml, update: m, data: x}", "store.forms[0].data must be a mapping or a list"),
        ("{label: a, form: a.yml, update: m, types: {n: int}}", "store.forms[0].types.n must be one of number, json"),
        ("{label: a, form: a.yml, update: m, by: x}", "unknown key store.forms[0].by"),
        ("{label: Stored-Object, form: a.yml, update: m}", "store.forms must not have the label"),
        ("{label: 'UID:x', form: a.yml, update: m}", "store.forms must not have the label"),
        (
            "{label: a, form: a.yml, update: m}, {label: A, form: b.yml, update: m}",
            "store.forms must not have the label",
        ),
    ],
)
def test_what_is_wrong_with_an_entry_is_said(entry: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        parse_rules(f"store: {{forms: [{entry}]}}")
    assert said in str(error.value)
