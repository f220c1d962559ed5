"""Templates of forms: places for answers, and what is wrong with them."""

from __future__ import annotations

import pytest

from gh_store_action.domain.forms.filling import filled, problem, text
from gh_store_action.domain.records import FormRule
from gh_store_action.domain.strict_json import Json

VALUES: dict[str, Json] = {"name": "Ada", "age": 36, "tags": ["a", "b"], "login": "ada", "number": 7}


@pytest.mark.parametrize(
    ("template", "data"),
    [
        ("{name}", "Ada"),
        ("{age}", 36),
        ("{tags}", ["a", "b"]),
        ("Hello {name}, {age}, {tags}{none}!", 'Hello Ada, 36, ["a","b"]!'),
        ({"a": "{none}", "b": ["{none}", "{name}"], "c": {"d": "{none}"}}, {"b": ["Ada"], "c": {}}),
        ({"$set": {"votes.{login}": "{age}"}}, {"$set": {"votes.ada": 36}}),
        ({"n": 1, "t": True, "braces": "{ name }"}, {"n": 1, "t": True, "braces": "{ name }"}),
        ("{none}", {}),
    ],
)
def test_places_are_filled_with_the_answers(template: Json, data: Json) -> None:
    assert filled(template, VALUES) == data


def test_an_answer_is_data_and_no_template() -> None:
    assert filled({"a": "{name}", "b": "x{name}"}, {"name": "{login}", "login": "ada"}) == {
        "a": "{login}",
        "b": "x{login}",
    }
    assert text("guest-{name}", {"name": "{login}", "login": "ada"}) == "guest-{login}"


@pytest.mark.parametrize(
    ("target", "data", "fields", "said"),
    [
        ("guest-{login}", {"n": "{name}"}, ["name"], ""),
        ("guest-{name}", None, ["name"], ""),
        ("m", {"votes.{number}": ["{created_at}"]}, [], ""),
        ("{slug}", None, ["name"], "there is no field 'slug' in the form"),
        ("m", {"a": ["x {nmae}"]}, ["name"], "there is no field 'nmae' in the form"),
        ("m", {"$set": {"{name}": 1}}, ["name"], "{name} is in a key, where only {login} and {number} are allowed"),
        ("m", {"{created_at}": 1}, [], "{created_at} is in a key"),
        ("m", None, ["login"], "the form has a field 'login'"),
    ],
)
def test_what_is_wrong_with_a_template_is_said(target: str, data: Json, fields: list[str], said: str) -> None:
    found = problem(FormRule("x", "x.yml", target, data=data), fields)
    assert found.startswith(said) and bool(found) == bool(said)


def test_a_type_is_of_a_field() -> None:
    assert (
        problem(FormRule("x", "x.yml", "m", types={"age": "number"}), ["name"]) == "there is no field 'age' in the form"
    )
