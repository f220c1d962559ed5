"""What the command finds: paths in an object, and objects by condition, order and number."""

from __future__ import annotations

import json
import sys

import pytest

from gh_store_action.cli.objects import paths
from tests.double import GitHub, Repository
from tests.support.cli import Shell

DATA = {"n": 3, "on": True, "name": "é", "items": [{"id": "a", "n": 1}, {"id": "b", "n": 2}], "$x": None}


@pytest.fixture
def repository(github: GitHub) -> Repository:
    return github.add_repository("octo/store", files={"README.md": "# A store\n"})


@pytest.fixture
def stocked(github: GitHub, shell: Shell) -> Shell:
    """A shell on a store of four objects; `b` is at revision 2."""
    for name, data in (("a", DATA), ("b", {"n": 10}), ("c", {"n": "x"}), ("d", {"other": [1]})):
        shell.run("create", name, json.dumps(data))
        github.clock.advance(60)
    shell.run("update", "b", '{"n": 20}', "--apply")
    return shell


PATHS: list[tuple[str, object]] = [
    ("$.n", 3),
    ("$", DATA),
    ("$['$x']", None),
    ("$.items[-1].id", "b"),
    ("$.items[*].id", ["a", "b"]),
    ("$..n", [3, 1, 2]),
    ("$.items[?@.n > 1].id", ["b"]),
    ("$.nothing[*]", []),
    ("$.items[?match(@.id, '[b-z]')].n", [2]),
    ("$[?search(@, '\\\\p{L}')]", ["é"]),
    ("$[?@ == 1]", []),
    ("$.items[?match(@.id, '(')]", []),
    ("$.items[?match(@.n, '1')]", []),
]


def test_get__a_path_gives_the_value_there_or_all_that_it_finds(stocked: Shell) -> None:
    for path, found in PATHS:
        assert (path, stocked.run("get", "a", path).json) == (path, found)
    assert stocked.run("get", "a", "--path", "$.n").json == 3


def test_get__a_regular_expression_without_re2_says_what_is_missing(
    stocked: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "re2", None)  # as where it is not installed
    paths._pattern.cache_clear()

    done = stocked.run("get", "a", "$[?search(@, 'nothing')]")

    assert stocked.run("get", "a", "$[?@ == 3]").json == [3]
    assert (done.code, "need the package google-re2, which is not installed" in done.err) == (2, True)


def test_get__a_path_goes_with_every_other_option(stocked: Shell) -> None:
    assert stocked.run("get", "b", "$.n", "--revision", "1").json == 10
    assert stocked.run("get", "b", "$.n", "--data", "--output", "n.json").out == ""
    assert (stocked.folder / "n.json").read_text("utf-8") == "20\n"
    assert stocked.terminal("get", "a", "$.name").plain == '"é"\n'


WRONG: list[tuple[list[str], int, str]] = [
    (["get", "a", "n"], 2, "The path is not a JSONPath (RFC 9535): it must begin with $. For example: $.count"),
    (["get", "a", "$.items["], 2, "The path is not a JSONPath (RFC 9535): unexpected end of query."),
    (["get", "a", "$.a | $.b"], 2, "unexpected token"),
    (["get", "a", "$[?nothing(@)]"], 2, "function 'nothing' is not defined"),
    (["get", "a", "$" + "[?@[?@" * 2000], 2, "The path is not a JSONPath"),
    (["get", "a", "$.n", "--path", "$.n"], 2, "The path is given twice."),
    (["get", "a", "$.nothing"], 1, "'a' has nothing at $.nothing. Run `gh-store get a --data` to see its data."),
    (["list", "--where", "@.n >"], 2, "--where is not a JSONPath filter (RFC 9535): "),
    (["list", "--where", "n > 1"], 2, "--where is not a JSONPath filter (RFC 9535): "),
    (["list", "--where", "@.n] , $[?@"], 2, "--where is not a JSONPath filter"),
    (["list", "--sort", "n"], 2, "--sort is 'n'; allowed: id, revision, created, updated, or a JSONPath"),
    (["list", "--sort", "$..n"], 2, "--sort is '$..n', which can find several values."),
    (["list", "--sort", "$["], 2, "--sort is not a JSONPath"),
    (["list", "--limit", "0"], 2, "0 is not in the range"),
    (["list", "--ids", "--output", "x"], 2, "--ids and --output are both given."),
]


def test_queries__that_cannot_be_asked_are_one_line_and_no_request(github: GitHub, stocked: Shell) -> None:
    for arguments, code, said in WRONG:
        asked = github.count()

        done = stocked.run(*arguments)

        assert (done.code, said in done.err, done.err.count("\n"), done.out) == (code, True, 1, ""), done.err
        assert code == 1 or github.count() == asked


LISTS: list[tuple[list[str], str]] = [
    ([], "a b c d"),
    (["--desc"], "d c b a"),
    (["--where", "@.n > 1"], "a b"),
    (["--where", "@.n"], "a b c"),
    (["--where", "!@.n"], "d"),
    (["--where", "@.other || $.version == 2"], "b d"),
    (["--where", "$.object_id == 'c' || @.items[?@.n == 2]"], "a c"),
    (["--where", "count(@.items[*]) == 2 && @.on == true"], "a"),
    (["--where", "@.on == 1"], ""),
    (["--sort", "$.n"], "a b c d"),
    (["--sort", "$.n", "--desc"], "c b a d"),
    (["--sort", "$.other"], "d a b c"),
    (["--sort", "id", "--desc", "--limit", "2"], "d c"),
    (["--sort", "revision", "--desc", "--limit", "1"], "b"),
    (["--sort", "updated"], "a c d b"),
    (["--limit", "2", "--where", "$.object_id > 'a'"], "b c"),
]


def test_list__those_that_are_asked_for_in_the_order_that_is(stocked: Shell) -> None:
    for arguments, ids in LISTS:
        done = stocked.run("list", *arguments, "--ids")

        assert (arguments, done.out, done.err) == (arguments, "".join(f"{one}\n" for one in ids.split()), "")
    assert [one["object_id"] for one in stocked.run("list", "--where", "@.n > 1").json] == ["a", "b"]


def test_list__writes_to_a_file(stocked: Shell) -> None:
    assert stocked.run("list", "--limit", "1", "--output", "one.json").out == ""
    assert [one["object_id"] for one in json.loads((stocked.folder / "one.json").read_text("utf-8"))] == ["a"]


def test_get__follows_paths_into_the_deepest_object_that_can_be_stored(stocked: Shell) -> None:
    deep = '{"a":' * 99 + "{}" + "}" * 99
    stocked.run("create", "deep", deep)

    assert len(stocked.run("get", "deep", "$..a").json) == 99
    assert stocked.run("list", "--where", "count(@..a) == 99", "--ids").out == "deep\n"
