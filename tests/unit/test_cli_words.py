"""The action's words as the command says them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import gh_store_action
from gh_store_action.cli.wording import in_options
from gh_store_action.gateway.transport import denied

PACKAGE = Path(gh_store_action.__file__).parent
OF_THE_ACTION = {"action", "arguments.py", "wording.py"}


def sentences() -> Iterator[str]:
    for file in sorted(PACKAGE.rglob("*.py")):
        if not OF_THE_ACTION.intersection(file.relative_to(PACKAGE).parts):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n\n" not in node.value:
                    yield node.value


@pytest.mark.parametrize("sentence", sorted({one for one in sentences() if "he input `" in one}))
def test_words__no_sentence_of_the_core_names_an_input_at_a_command_line(sentence: str) -> None:
    assert "input" not in in_options(sentence)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Check the input `repository` and the token.", "Check --repo or GITHUB_REPOSITORY and the token."),
        ("Give the input `branch`, or check it out.", "Give the option --branch, or check it out."),
        ("The input `--repo` is `x`; allowed: owner/name.", "The option --repo is `x`; allowed: owner/name."),
        ("The input `token` holds a space.", "The token holds a space."),
        ("Pass `token: ${{ github.token }}`, or check it.", "Set GITHUB_TOKEN anew, or check it."),
        (denied("write", issues="write", contents="read").mend, "Give a token with `issues: write, contents: read`."),
        ("Add `permissions: contents: write` to the job.", "Give a token with `contents: write`."),
        ("Unarchive it, or set `commit: false`.", "Unarchive it, or leave --commit out."),
        (
            "Put the label back on, or run `verify` with `repair`.",
            "Put the label back on, or run `gh-store verify --repair`.",
        ),
        ("Choose another id.", "Choose another id."),
    ],
)
def test_words__are_options_and_variables(said: str, told: str) -> None:
    assert in_options(said) == told
