"""The expressions of tests/support/expressions.py mean what GitHub's own evaluator says they mean."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.expressions import ExpressionError, as_text, evaluate
from tests.support.published import ask_node

pytestmark = pytest.mark.npm

CONTEXTS: dict[str, Any] = {
    "github": {
        "actor": "octo",
        "event": {
            "action": "reopened",
            "comment": {"body": '{\n  "type": "initial_state"\n}', "id": 5722505167},
            "issue": {
                "number": 7,
                "labels": [{"name": "stored-object"}, {"name": "UID:Metrics"}],
                "pull_request": None,
            },
            "sender": {"login": "github-actions[bot]"},
        },
        "ref": "refs/heads/main",
    },
    "inputs": {"full": True, "none": False, "empty": "", "number": 1.5, "list": [[1, 2], [3]], "map": {"A": {"b": 1}}},
}

ATOMS = re.split(
    r"\s*\n\s*|\s{2,}",
    """
    github  github.actor  GITHUB.ACTOR  github.event.issue.number  github.event.issue.labels  inputs.full  inputs.none
    github.event.issue.labels[1].name  github.event.issue.pull_request  github.event.missing.deeper  inputs.empty
    github.event.issue.labels.*.name  github.event.*.login  github['event']['action']  inputs.number  inputs.list
    inputs.list[0]  inputs.list[-1]  inputs.list['1']  inputs.list.*.*  inputs.list.*[0]  inputs.map.a.B  inputs.map.*.b
    inputs.*  github.event.comment.body  github.event.comment.id  true  false  null  0  -1  1.5  .5  0x1F  1e3  NaN
    Infinity  ''  'octo'  'OCTO'  'stored-object'  '7'  ' 7 '  'it''s'  'a''''b'  'true'  '0x10'  'uid:metrics'
    '{"type":'  'ı'  'straße'  '{0}-{1}'  '{{}}'  '[1, {"a": null}]'  '1e400'
    """.strip(),
)

TABLE = r"""
    contains(github.event.issue.labels.*.name, 'Stored-Object')
    contains(github.event.issue.labels.*.name, 'stored-object') && !github.event.issue.pull_request
    github.event.sender.login != 'github-actions[bot]'
    !startsWith(github.event.comment.body, '{"type":"initial_state"')
    startsWith(github.event.comment.body, fromJSON('"{\n  \"type\": \"initial_state\""'))
    startsWith(fromJSON('"{\n  x"'), fromJSON('"{\n "'))
    inputs.full && 'snapshot' || 'update-snapshot'
    inputs.none && 'snapshot' || 'update-snapshot'
    (inputs.full || github.event.schedule == '47 4 * * 0') && 'snapshot' || 'update-snapshot'
    (inputs.none || github.event.schedule == '47 4 * * 0') && 'snapshot' || 'update-snapshot'
    format('{0} and {1}', github.actor, github.event.issue.number)
    format('{{{0}}}', 'x')
    format('{1}', 'x')
    format('{x}', 'x')
    join(github.event.issue.labels.*.name, ', ')
    toJSON(inputs.map)
    fromJSON('{"a": [1, 2]}').a[1]
    fromJSON('nonsense')
    nonsense
    nonsense(1)
    contains('a')
    1 <
    github..actor
    'open
    a = b
    (1)
    !!'x'
    1 < 2 == true
    github.actor['x']
""".strip().split("\n")


def expression(choose: random.Random, depth: int) -> str:
    """A random expression, not always one that GitHub takes."""
    if depth == 0 or choose.random() < 0.25:
        return choose.choice(ATOMS)

    def part() -> str:
        return expression(choose, depth - 1)

    return choose.choice(
        [
            lambda: f"{part()} {choose.choice(['&&', '||', '==', '!=', '<', '<=', '>', '>='])} {part()}",
            lambda: f"!{part()}",
            lambda: f"({part()})",
            lambda: f"{choose.choice(['contains', 'startsWith', 'endsWith', 'Contains'])}({part()}, {part()})",
            lambda: f"join({part()}, {part()})",
            lambda: f"format({part()}, {part()}, {part()})",
            lambda: f"toJSON({part()})",
            lambda: f"fromJSON({part()})",
            lambda: f"({part()}).{choose.choice(['name', '*', 'number', 'A'])}",
            lambda: f"({part()})[{part()}]",
        ]
    )()


def test_evaluator__agrees_with_githubs_own(figures: Callable[[str], None]) -> None:
    choose = random.Random(7)
    asked = list(dict.fromkeys([*map(str.strip, TABLE), *ATOMS, *(expression(choose, 3) for _ in range(6_000))]))
    script = Path(__file__).with_name("github_says.mjs")
    answers = ask_node(script, {"evaluate": [{"expression": one, "contexts": CONTEXTS} for one in asked]})["evaluate"]
    different = []
    for one, theirs in zip(asked, answers, strict=True):
        try:
            ours = as_text(evaluate(one, CONTEXTS))
        except ExpressionError as error:
            ours = f"refused: {error}"
        if ours.startswith("refused: ") != ("error" in theirs) or ("error" not in theirs and ours != theirs["text"]):
            different.append(f"{one}: {ours}, GitHub: {theirs}")
    assert not different, "\n".join(different[:20])
    refused = sum("error" in theirs for theirs in answers)
    assert refused < len(asked) / 2
    figures(f"Expressions: {len(asked)} evaluated as GitHub does, {refused} of them refused by both")
