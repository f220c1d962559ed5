"""Terms of the core, as each front end words them."""

import ast
import copy
import pickle
from pathlib import Path

import pytest

import gh_store_action
from gh_store_action.action import wording as action
from gh_store_action.cli import wording as command
from gh_store_action.errors import BudgetExhausted, StoreError
from gh_store_action.gateway.answers import ApiError
from gh_store_action.gateway.refusals import denied
from gh_store_action.hints import REPAIR, Digest, Grant, InWorkflow, Setting, Term, Text, Without

PACKAGE = Path(gh_store_action.__file__).parent


@pytest.mark.parametrize(
    ("term", "library", "inputs", "options"),
    [
        (Setting("branch"), "the argument `branch`", "the input `branch`", "the option --branch"),
        (Setting("if-revision"), "the argument `if_revision`", "the input `if-revision`", "the option --if-revision"),
        (Setting("--repo"), "the argument `__repo`", "the input `--repo`", "the option --repo"),
        (Setting("config"), "the argument `config_path`", "the input `config`", "the option --config"),
        (Setting("token"), "the argument `token`", "the input `token`", "GITHUB_TOKEN"),
        (
            Setting("repository"),
            "the argument `repository`",
            "the input `repository`",
            "--repo or GITHUB_REPOSITORY",
        ),
        (Without("commit"), "pass `commit=False`", "set `commit: false`", "omit --commit"),
        (Setting("format", "directory"), "`format='directory'`", "`format: directory`", "`--format directory`"),
        (
            Grant((("issues", "write"), ("contents", "read"))),
            "Use a token with `issues: write, contents: read`",
            "Add `permissions: {issues: write, contents: read}` to the job, or use a token that has them",
            "Use a token with `issues: write, contents: read`",
        ),
        (REPAIR, "`verify` with `repair`", "`verify` with `repair`", "`gh-store verify --repair`"),
        (
            Digest(),
            "`meta.digest` of the object",
            "the output `digest`",
            "the `digest` that `gh-store get` prints",
        ),
        (InWorkflow(", or so"), "", ", or so", ""),
    ],
    ids=repr,
)
def test_terms__are_worded_by_each_front_end(term: Term, library: str, inputs: str, options: str) -> None:
    text = Text("Do: ", term, ".")
    assert str(text) == f"Do: {library}."
    assert action.in_inputs(text) == f"Do: {inputs}."
    assert command.in_options(text) == f"Do: {options}."


def test_text__a_term_that_begins_it_begins_with_a_capital_wherever_it_stands() -> None:
    inner = Text(Setting("at"), " is wrong.")
    assert str(inner) == "The argument `at` is wrong."
    assert command.in_options(Text("metrics: ", inner)) == "metrics: The option --at is wrong."
    assert action.in_inputs(Text("metrics: ", inner)) == "metrics: The input `at` is wrong."


def test_text__plain_words_stay_as_they_are() -> None:
    assert action.in_inputs("choose another id.") == command.in_options("choose another id.") == "choose another id."
    assert Text.sentences(["", "One.", "", "Two."]) == "One. Two."
    assert Text() == action.in_inputs(Text()) == ""


def test_text__a_copy_keeps_its_terms() -> None:
    text = Text("Run ", REPAIR, ".")
    for other in (copy.copy(text), copy.deepcopy(text), pickle.loads(pickle.dumps(text))):  # noqa: S301 - our own
        assert command.in_options(other) == "Run `gh-store verify --repair`."


def test_errors__a_front_end_words_cause_and_next_step() -> None:
    error = denied("write", issues="write")
    assert str(error) == "The token may not write. Use a token with `issues: write`."
    assert action.explained(error) == (
        "The token may not write. Add `permissions: {issues: write}` to the job, or use a token that has them."
    )
    assert command.explained(error) == "The token may not write. Use a token with `issues: write`."
    assert action.explained(StoreError("It failed.")) == command.explained(StoreError("It failed.")) == "It failed."


def test_errors__reworded_leaves_the_first_one_as_it_was() -> None:
    first = BudgetExhausted("Used up.", "Wait.", again="12:00:00 UTC", status=429)
    refusal = ApiError(403, "no", "issues=write").reworded("It is posted.", "Wait.")
    assert (str(refusal), refusal.needs, refusal.status) == ("It is posted. Wait.", "issues=write", 403)
    other = first.reworded("Stopped.", Text("See ", Setting("branch"), "."))
    assert (str(first), str(other)) == ("Used up. Wait.", "Stopped. See the argument `branch`.")
    assert (type(other), other.again, other.status) == (BudgetExhausted, "12:00:00 UTC", 429)


def test_house__nothing_below_the_front_ends_speaks_of_inputs_or_options() -> None:
    found = []
    for file in sorted(PACKAGE.rglob("*.py")):
        if {"action", "cli"}.isdisjoint(file.relative_to(PACKAGE).parts):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
                if "he input `" in text or "he option -" in text or "Pass `token" in text:
                    found.append(f"{file.name}: {text}")
    assert found == []
