"""Hostile values on their way out: into a database, a spreadsheet, a line of JSON."""

from __future__ import annotations

import json

import pytest

from gh_store_action.export.rows import cells, json_line, stored


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("＝1", "'＝1"),
        ("'quoted", "''quoted"),
        ("a=1", "a=1"),
        ("", ""),
        (7, 7),
        (None, None),
    ],
)
def test_cells__are_no_formulas_and_one_rule_gives_them_back(value: object, cell: object) -> None:
    assert list(cells({"x": value}, ["x"])) == [cell]


def test_stored__text_is_whole_and_without_a_nul() -> None:
    row = {"reason": "a\ud800b\0c", "patch": {"k": "\ud83d\0"}}

    assert list(stored(row, row)) == ["a\ufffdb\ufffdc", '{"k":"\ufffd\\u0000"}']


def test_json_line__is_one_line_of_utf8_whatever_is_in_it() -> None:
    line = json_line({"reason": "a\ud800\n\0\u2028", "patch": None}, ["reason", "patch"])

    assert json.loads(line.encode("utf-8")) == {"reason": "a\ufffd\n\0\u2028", "patch": None}
    assert line.count("\n") == 1
