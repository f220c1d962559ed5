"""What a summary says of data: changed paths, an object, its history; and that nothing in them acts as Markdown."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gh_store_action.action.report import Report
from gh_store_action.action.summary import Link, RefusalRow, SummaryRow, data_block
from gh_store_action.domain.patches.changes import Change, PathChange

AT = "2026&#8209;01&#8209;31&nbsp;12:00:00"
ISSUE = "https://github.com/o/r/issues/12"
HOSTILE = (
    "| x | `y` ``` **bold** @org/team #1 GH-2 <img src=x onerror=alert(1)> [l](https://evil.example) $x$",
    "::error::x\n\n# heading\n| a | b |",
    "\u202eevil\ud800\0",
    "`` ` ``",
    "</code></td></tr>",
    "-->",
)


def entry(data: Any, **metadata: Any) -> Any:
    known = {"author": "ada", "verdict": "applied", "reason": "", "revision": 2, **metadata}
    return {"timestamp": "2026-01-31T12:00:00Z", "type": "update", "data": data, "comment_id": 9, "metadata": known}


def test_changes__stand_path_by_path_with_both_values_who_and_where() -> None:
    report = Report("process #12")
    paths = (PathChange("$.count", "1", "2"), PathChange('$["a b"]', None, '"*x*"'), PathChange("$.old", "null", None))
    report.changes("metrics", ISSUE, [Change(99, "ada", paths, 7), Change(100, "bob", ())])

    assert report.summary() == (
        "## gh-store: process #&#8203;12\n\n### Changes\n\n"
        "| Object | Comment | Author | Path | Before | After |\n| --- | --- | --- | --- | --- | --- |\n"
        f"| `metrics` | [99]({ISSUE}#issuecomment-99) | `ada` | `$.count` | `1` | `2` |\n"
        '|  |  |  | `$["a b"]` | _none_ | `"*x*"` |\n'
        "|  |  |  | `$.old` | `null` | _none_ |\n"
        "|  |  |  | and 7 more |  |  |\n"
        f"| `metrics` | [100]({ISSUE}#issuecomment-100) | `bob` | no value |  |  |\n"
    )


def test_history__is_a_table_that_leads_to_the_comments() -> None:
    report = Report("history metrics")
    report.entry(entry({"n": 1}), f"{ISSUE}#issuecomment-9")
    report.entry(entry([1]) | {"type": "initial_state"}, ISSUE)
    report.entry(entry({}, verdict="unauthorized", revision=None), ISSUE)
    report.entry(entry("oops {", verdict="rejected", reason="$: no JSON", revision=None), ISSUE)

    assert report.summary().splitlines()[-6:] == [
        "| Revision | Comment | Time (UTC) | Author | What | Data |",
        "| --: | --- | --- | --- | --- | --- |",
        f'| 2 | [9]({ISSUE}#issuecomment-9) | {AT} | `ada` | applied | `{{"n":1}}` |',
        f"| 2 | [9]({ISSUE}) | {AT} | `ada` | initial state | `[1]` |",
        f"|  | [9]({ISSUE}) | {AT} | `ada` | not authorised | `{{}}` |",
        f'|  | [9]({ISSUE}) | {AT} | `ada` | rejected: &#36;: no JSON | `"oops {{"` |',
    ]


def test_result__may_lead_somewhere() -> None:
    report = Report("snapshot")
    report.result("2 objects in ", Link("a_b.json", "https://x/a b"), ", ", Link("c", ""), ".")

    assert "**2 objects in [a&#95;b.json](https://x/a%20b), c.**" in report.summary()


def test_data_block__nothing_in_it_ends_it_and_long_data_are_cut() -> None:
    block = data_block({"a": "```\n# no heading", "b": "\u202e" + "`" * 7}).splitlines()

    assert (block[0], block[-1]) == ("`" * 8 + "json", "`" * 8)
    assert not any("\u202e" in line for line in block) and any("\\u202e" in line for line in block)
    long = data_block(list(range(300)))
    assert len(long.splitlines()) < 110 and long.endswith("_and 202 more lines; the output `object` has all of them_")
    assert max(map(len, data_block(["x" * 5_000]).splitlines())) == 1_000


@pytest.mark.parametrize("text", HOSTILE)
def test_summary__of_hostile_values_keeps_its_tables_and_nothing_of_theirs_acts(text: str) -> None:
    report = Report(text)
    report.result(text, Link(text, f"https://x/{text}"))
    report.row(SummaryRow(text, 12, f"https://x/{text}", 1, what=text))
    report.changes(text, f"https://x/{text}", [Change(1, text, (PathChange(text, text, text),))])
    report.refusal(RefusalRow(text, text, text, text, 1, f"https://x/{text}"))
    report.entry(entry({text: text}, author=text, reason=text), f"https://x/{text}")

    shown = report.summary()
    shown.encode()  # no half of a surrogate pair
    rows = [line for line in shown.splitlines() if line.startswith("|")]
    assert sorted(row.count("|") for row in rows) == sorted(3 * [5, 7, 6, 7])
    prose = re.sub(r"\]\([^)]*\)|(?<!`)`[^`\n]+`(?!`)", "", shown)  # without addresses and inline code
    for bad in ("<img", "</td", "@org", "](", "**bold", "\u202e", "\0", " #1 ", "GH-2", "$x$", "```"):
        assert bad not in prose, bad
    assert not any(line.startswith(("::", "# ", "-->")) for line in shown.splitlines())
