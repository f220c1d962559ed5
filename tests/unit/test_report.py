"""The one door to the log, the annotations, the outputs and the summary: what passes it is harmless and bounded."""

import base64
import json
import re
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gh_store_action.action.report import (
    MESSAGE_LIMIT,
    OUTPUT_LIMIT,
    Report,
    forms,
    neutral,
)
from gh_store_action.action.summary import SUMMARY_LIMIT, RefusalRow, SummaryRow, refusal_rows
from gh_store_action.config.store_config import LogConfig
from gh_store_action.domain.records import Refusal
from gh_store_action.domain.refusal import Reason
from gh_store_action.errors import StoreError

SECRET = "ghs_AbC/+0123456789_xyz"
ISSUE = "https://github.com/o/r/issues/12"


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of a step, with the variables that name them; returns their folder."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    for name in ("OUTPUT", "STEP_SUMMARY"):
        (tmp_path / name).touch()
        monkeypatch.setenv(f"GITHUB_{name}", str(tmp_path / name))
    return tmp_path


@pytest.fixture
def no_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


def outputs(runner: Path) -> dict[str, str]:
    """What the runner makes of the file: `name<<delimiter`, the value's lines, the delimiter."""
    lines = (runner / "OUTPUT").read_bytes().decode().split("\n")
    found: dict[str, str] = {}
    while lines and lines[0]:
        name, delimiter = lines.pop(0).split("<<")
        end = lines.index(delimiter)
        found[name] = "\n".join(lines[:end])
        del lines[: end + 1]
    return found


def annotations(text: str, kind: str) -> list[str]:
    return re.findall(rf"^::{kind} [^:]*::(.*)$", text, re.MULTILINE)


# Log lines


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain é 🚀", "plain é 🚀"),
        ("::error::boo", r"\::error::boo"),
        ("  ::add-mask::a", r"\  ::add-mask::a"),
        ("\u3000\ufe0f::error::wide", "\\\u3000\ufe0f::error::wide"),
        ("\u200b:\u200d:error::zero width", r"\u200b:\u200d:error::zero width"),
        ("a\n::error::b", r"a\n::error::b"),
        ("a\r::error::b", r"a\r::error::b"),
        ("a\u2028::error::b\x85", r"a\u2028::error::b\x85"),
        ("see a::b", "see a::b"),
        ("##[error]x", r"##\[error]x"),
        ("a ##[add-mask]x ##[debug]y", r"a ##\[add-mask]x ##\[debug]y"),
        ("#\ufe0f#\u3164[error]x", "#\ufe0f#\u3164\\[error]x"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("\u202eevil", r"\u202eevil"),
        ("\ud800", r"\ud800"),
        ("", ""),
    ],
)
def test_neutral__no_line_starts_a_command(text: str, line: str) -> None:
    assert neutral(text) == line


@given(st.text(alphabet=st.sampled_from(":#[] e\n\r\t\x85\u2028\u200b\ufe0f\u3000\x1b\\x"), max_size=20))
def test_neutral__whatever_is_ignored_between_the_signs(text: str) -> None:
    line = neutral(text)
    seen = re.sub(r"[^!-~]", "", line)
    assert not seen.startswith("::") and "##[" not in seen
    assert len(line.splitlines()) <= 1


def test_report__a_log_line_is_neutral_and_redacted(capsys: pytest.CaptureFixture[str], no_runner: None) -> None:
    report = Report("t")
    report.mask(SECRET)
    report.info(f"::error::{SECRET}\n::debug::x")
    report.debug("only the runner wants this")
    assert capsys.readouterr().out == "\\::error::***\\n::debug::x\n"


def test_report__debug_lines_go_to_the_runner(capsys: pytest.CaptureFixture[str], runner: Path) -> None:
    Report("t").debug("100 %\n::error::x")
    assert capsys.readouterr().out == "::debug::100 %25\\n::error::x\n"


# Secrets


@pytest.mark.parametrize("before", ["", "x", "xy", "x-access-token:"])
@pytest.mark.parametrize("after", ["", "z", "zz"])
def test_redact__no_form_of_a_secret_passes(before: str, after: str) -> None:
    report = Report("t")
    report.mask(SECRET)
    whole = (before + SECRET + after).encode()
    for text in (base64.b64encode(whole).decode(), base64.urlsafe_b64encode(whole).decode()):
        left = report.redact(text)
        assert "***" in left
        assert len(left.replace("***", "")) <= len(text) - len(SECRET)
    assert report.redact(f"a {SECRET} b {quote(SECRET, safe='')}") == "a *** b ***"


def test_forms__a_short_secret_has_no_parts_and_none_has_no_form() -> None:
    assert set(forms("ab")) == {"ab", "YWI="}
    assert forms("") == ()


def test_mask__the_runner_is_told_first_and_nobody_else(
    capsys: pytest.CaptureFixture[str], runner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Report("t").mask(SECRET)
    assert capsys.readouterr().out == f"::add-mask::{SECRET}\n"
    Report("t").mask("")
    monkeypatch.delenv("GITHUB_ACTIONS")
    Report("t").mask(SECRET)
    assert capsys.readouterr().out == ""


def test_report__no_door_lets_a_secret_out(capsys: pytest.CaptureFixture[str], runner: Path) -> None:
    report = Report(f"t {SECRET}")
    report.mask(SECRET)
    capsys.readouterr()
    report.info(SECRET)
    report.debug(SECRET)
    for send in (report.notice, report.warning, report.error):
        for _ in range(12):
            send(f"m {SECRET}", title=SECRET)
    report.result(SECRET)
    report.row(SummaryRow(SECRET, 1, f"https://x/{SECRET}", what=SECRET))
    report.refusal(RefusalRow(SECRET, SECRET, SECRET, SECRET, 1, f"https://x/{quote(SECRET)}"))
    report.detail(SECRET)
    report.output("object", {"a": SECRET})
    report.output("text", SECRET)
    report.finish()
    written = capsys.readouterr().out + "".join(file.read_text() for file in runner.iterdir())
    assert not any(form in written for form in forms(SECRET))
    assert "xyz" not in written  # nor the end of it, behind an escape


# Annotations


@pytest.mark.parametrize("kind", ["notice", "warning", "error"])
@pytest.mark.parametrize(("count", "sent"), [(1, 1), (9, 9), (10, 10), (11, 10), (30, 10)])
def test_annotations__the_surplus_is_folded_into_the_tenth(
    capsys: pytest.CaptureFixture[str], runner: Path, kind: str, count: int, sent: int
) -> None:
    report = Report("t")
    for number in range(count):
        getattr(report, kind)(f"m{number}")
    report.finish()
    report.finish()
    out = capsys.readouterr().out
    found = annotations(out, kind)
    assert len(found) == sent
    if count > 10:
        assert found[-1] == f"and {count - 9} more, see the summary"
        assert f"{kind}: m{count - 1}\n" in out
    else:
        assert found[-1] == f"m{count - 1}"
    summary = (runner / "STEP_SUMMARY").read_text()
    assert f"- **{kind.capitalize()}:** m{count - 1}\n" in summary + "\n"


def test_annotations__forge_nothing_and_are_cut(capsys: pytest.CaptureFixture[str], runner: Path) -> None:
    report = Report("t")
    report.warning("a\n::error::b 100%", title="x,file=y::z")
    report.error("e" * 5_000, title="t" * 500)
    out = capsys.readouterr().out
    first, second = out.splitlines()
    assert first == r"::warning title=x%2Cfile=y%3A%3Az::a\n::error::b 100%25"
    assert annotations(second, "error") == ["e" * (MESSAGE_LIMIT - 1) + "…"]
    assert "t" * 249 + "…" in second


# Outputs


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (None, ""),
        ("", ""),
        (12, "12"),
        ("a\nb=c\n", "a\nb=c\n"),
        ("x<<EOF", "x<<EOF"),
        ("\ud800", r"\ud800"),
        ({"b": [1, None], "a": "é\n"}, '{"a":"\\u00e9\\n","b":[1,null]}'),
        ([], "[]"),
    ],
)
def test_output__is_what_the_next_step_reads(runner: Path, value: object, text: str) -> None:
    report = Report("t")
    report.output("changed", "old")
    report.output("changed", value)
    report.output("other", 1)
    report.finish()
    assert outputs(runner) == {"changed": text, "other": "1"}


def test_output__a_second_finish_writes_nothing_twice(runner: Path) -> None:
    report = Report("t")
    report.output("a", 1)
    report.finish()
    before = [file.read_bytes() for file in sorted(runner.iterdir())]
    report.finish()
    assert [file.read_bytes() for file in sorted(runner.iterdir())] == before


@pytest.mark.parametrize(
    ("text", "kept"),
    [("x" * OUTPUT_LIMIT, True), ("x" * (OUTPUT_LIMIT + 1), False), ("🚀" * (OUTPUT_LIMIT // 2 + 1), False)],
)
def test_output__one_that_is_too_large_is_left_out_with_a_warning(
    capsys: pytest.CaptureFixture[str], runner: Path, text: str, kept: bool
) -> None:
    report = Report("t")
    report.output("object", text)
    report.finish()
    assert outputs(runner) == ({"object": text} if kept else {})
    assert ("Use the input `output`" in capsys.readouterr().out) is not kept


def test_output__the_bound_is_for_all_together(runner: Path) -> None:
    report = Report("t")
    report.output("small", "y")
    report.output("object", "x" * OUTPUT_LIMIT)
    report.finish()
    assert outputs(runner) == {"small": "y"}


def test_output__outside_of_a_workflow_nobody_wants_any(capsys: pytest.CaptureFixture[str], no_runner: None) -> None:
    report = Report("t")
    report.output("a", 1)
    report.finish()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("path", ["", "missing"])
def test_output__a_missing_file_is_an_error_with_the_next_step(
    runner: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", path and str(runner / path))
    with pytest.raises(StoreError, match="GITHUB_OUTPUT does not name a file. Run the action with `uses:`"):
        Report("t").finish()


def test_output__a_file_that_can_not_be_written_is_an_error(runner: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = Report("t")
    report.output("a", 1)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("gh_store_action.action.report.core.set_output", refuse)
    with pytest.raises(StoreError, match="The outputs cannot be set: Permission denied."):
        report.finish()


# The summary


def full() -> Report:
    report = Report("process #12")
    report.result("3 applied, 1 rejected.")
    report.row(SummaryRow("metrics", 12, ISSUE, 7, 3, 1, "folded | @bob"))
    report.row(SummaryRow("gone"))
    report.refusal(RefusalRow("metrics", "mallory", "must be a *number*", "$.a", 99, f"{ISSUE}#issuecomment-99"))
    report.refusal(RefusalRow("metrics", "bob", "no"))
    report.detail("```yaml\npermissions: {issues: write}\n```")
    report.cost(2, 998, 1)
    return report


def test_summary__tells_the_run_at_a_glance(runner: Path) -> None:
    full().finish()
    assert (runner / "STEP_SUMMARY").read_text(encoding="utf-8") == (
        "## gh-store: process #&#8203;12\n"
        "\n"
        "**3 applied, 1 rejected.**\n"
        "\n"
        "| Object | Issue | Revision | Applied | Refused | What |\n"
        "| --- | --- | --: | --: | --: | --- |\n"
        f"| `metrics` | [#12]({ISSUE}) | 7 | 3 | 1 | folded &#124; @&#8203;bob |\n"
        "| `gone` |  |  |  |  |  |\n"
        "\n"
        "### Refused updates\n"
        "\n"
        "| Object | Comment | Author | Path | Reason |\n"
        "| --- | --- | --- | --- | --- |\n"
        f"| `metrics` | [99]({ISSUE}#issuecomment-99) | `mallory` | `$.a` | must be a &#42;number&#42; |\n"
        "| `metrics` |  | `bob` |  | no |\n"
        "\n"
        "```yaml\npermissions: {issues: write}\n```\n"
        "\n"
        "| Requests | GraphQL points | Left of the hourly budget |\n"
        "| --: | --: | --: |\n"
        "| 2 | 1 | 998 |\n"
    )


@pytest.mark.parametrize(
    ("requests", "remaining", "points", "row"),
    [(1, None, 0, "| 1 | 0 |  |"), (1, 999, 1, "| 1 | 1 | 999 |"), (1234, 0, 2345, "| 1,234 | 2,345 | 0 |")],
)
def test_summary__ends_with_a_table_of_requests_and_points(
    requests: int, remaining: int | None, points: int, row: str
) -> None:
    report = Report("sweep")
    report.cost(requests, remaining, points)
    head = "| Requests | GraphQL points | Left of the hourly budget |\n| --: | --: | --: |"
    assert report.summary() == f"## gh-store: sweep\n\n{head}\n{row}\n"


def test_summary__without_counts_has_no_columns_for_them() -> None:
    report = Report("get metrics")
    report.row(SummaryRow("metrics", 12, ISSUE, 7, what="read"))
    assert report.summary() == (
        "## gh-store: get metrics\n\n"
        "| Object | Issue | Revision | What |\n| --- | --- | --: | --- |\n"
        f"| `metrics` | [#12]({ISSUE}) | 7 | read |\n"
    )


def test_summary__is_added_to_what_is_there_and_written_once(runner: Path) -> None:
    file = runner / "STEP_SUMMARY"
    file.write_text("before\n")
    report = Report("x")
    report.write_summary()
    report.write_summary()
    assert file.read_text() == "before\n## gh-store: x\n"


def test_summary__without_a_file_nothing_is_written(no_runner: None) -> None:
    full().write_summary()


def test_summary__that_can_not_be_written_fails_no_run(
    capsys: pytest.CaptureFixture[str], runner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(runner / "no" / "file"))
    full().finish()
    assert "The job summary cannot be written: No such file or directory.\n" in capsys.readouterr().out


def test_summary__stays_below_the_bound_and_counts_what_is_cut() -> None:
    report = full()
    for number in range(12_000):
        report.row(SummaryRow(f"object-{number}", number, ISSUE, 1, 1, 0, "folded 🚀"))
        report.refusal(RefusalRow(f"object-{number}", "bob", "é" * 600, "$", number, ISSUE))
    text = report.summary()
    assert SUMMARY_LIMIT * 0.9 < len(text.encode()) <= SUMMARY_LIMIT
    cut = [int(number.replace(",", "")) for number in re.findall(r"^and ([0-9,]+) more rows$", text, re.MULTILINE)]
    shown = [len(re.findall(pattern, text, re.MULTILINE)) for pattern in (r"^\| .*folded", r"^\| .*(?:é|no|number)")]
    assert len(cut) == 2
    assert [left + there for left, there in zip(cut, shown, strict=True)] == [12_001, 12_002]
    assert text.endswith("| 2 | 1 | 998 |\n")


def test_summary__one_row_too_many_is_one_row() -> None:
    report = Report("x")
    report.row(SummaryRow("a", applied=0, refused=0, what="y"))
    assert "| `a` |" in report.summary(2_000)
    assert report.summary(1_100).endswith("\n\nand 1 more row\n")


def test_summary__details_that_are_too_long_make_room_for_the_rest() -> None:
    report = full()
    report.detail("x" * SUMMARY_LIMIT)
    text = report.summary()
    assert len(text.encode()) < 5_000
    assert "`metrics`" in text and "is too long for a summary" in text


def test_summary__no_room_at_all_is_no_summary() -> None:
    assert full().summary(50) == ""


def test_summary__messages_are_counted_where_they_are_too_many(runner: Path) -> None:
    report = Report("x")
    for number in range(1_060):
        report.warning(f"m{number} " + "|" * 2_000)
    text = report.summary()
    assert "m49 " in text and "m50 " not in text
    assert "- and 1,010 more, see the log" in text
    assert len(text.encode()) < SUMMARY_LIMIT


def test_refusal_rows__each_reason_has_its_row() -> None:
    refusal = Refusal(99, "bob", (Reason("$.a", "no"), Reason("$.b", "neither")))
    assert refusal_rows("m", refusal, ISSUE) == [
        RefusalRow("m", "bob", "no", "$.a", 99, ISSUE),
        RefusalRow("m", "bob", "neither", "$.b", 99, ISSUE),
    ]
    assert [row.reason for row in refusal_rows("m", Refusal(1, "eve", unauthorized=True))] == [
        "This person may not change this object."
    ]
    assert [row.reason for row in refusal_rows("m", Refusal(1, "eve"))] == ["No reason is recorded."]


def test_output__canonical_json_is_json(runner: Path) -> None:
    report = Report("t")
    report.output("object", {"a": "\u2028</script>"})
    report.finish()
    assert json.loads(outputs(runner)["object"]) == {"a": "\u2028</script>"}


def test_debug__is_a_line_of_the_log_where_the_configuration_asks_for_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    report = Report("process")
    report.debug("one")
    report.log = lambda: LogConfig(level="DEBUG")
    report.debug("two")
    report.log = lambda: LogConfig(level="ERROR")
    report.info("three")
    assert capsys.readouterr().out == "two\n"
