"""Creates and updates from JSON Lines: checked as a whole, paced, resumable, an outcome a line."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Iterable
from typing import Any

import pytest

from gh_store_action.cli.objects import pacing
from gh_store_action.cli.objects.pacing import Pacing
from gh_store_action.regular_files import DATA_LIMIT
from tests.double import GitHub, Repository, Request
from tests.support.cli import Done, Shell


@pytest.fixture
def repository(github: GitHub) -> Repository:
    schema = '{"properties": {"n": {"type": "integer"}}}'
    rules = "store: {schemas: [{match: 'm*', schema: m.json}]}"
    return github.add_repository("octo/store", files={".github/gh-store.yml": rules, ".github/gh-store/m.json": schema})


@pytest.fixture(autouse=True)
def unpaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "A_WRITE", 0.0)


def lines(values: Iterable[object]) -> str:
    return "".join(f"{json.dumps(value)}\n" for value in values)


def outcomes(done: Done) -> list[str]:
    return [json.loads(line)["outcome"] for line in done.out.splitlines()]


def objects(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"object_id": f"m{number}", "data": {"n": number}, **more} for number in range(count)]


def test_create__an_object_of_each_line_and_none_twice(shell: Shell, repository: Repository) -> None:
    (shell.folder / "o.jsonl").write_text(lines(objects(3, labels=["team-a"])), "utf-8")

    planned = shell.run("create", "--jsonl", "o.jsonl", "--dry-run")
    made = shell.run("create", "--jsonl", "o.jsonl", "--label", "all")
    shell.run("update", "m1", '{"n": 7}', "--apply")
    again = shell.run("create", "--jsonl", "o.jsonl", "--label", "all")

    assert (planned.code, outcomes(planned)) == (0, ["would be created"] * 3)
    assert (made.code, outcomes(made), made.err) == (0, ["created"] * 3, "3 lines: 3 created.\n")
    assert (again.code, outcomes(again), again.err) == (0, ["there already"] * 3, "3 lines: 3 there already.\n")
    assert [issue.number for issue in repository.issues()] == [1, 2, 3]
    assert {"team-a", "all"} <= set(repository.issue(3).labels)
    first = json.loads(made.out.splitlines()[0])
    assert (first["line"], first["object_id"], first["issue_number"], first["revision"]) == (1, "m0", 1, 1)


def test_create__one_that_fails_holds_up_no_other(shell: Shell) -> None:
    shell.run("create", "m0", '{"n": 9}')
    shell.run("create", "m1", "{}")
    shell.run("delete", "m1")
    values = [*objects(3), {"object_id": "m3", "data": {"n": "no integer"}}, {"object_id": "z" * 151, "data": {}}]

    done = shell.run("create", "--jsonl", "-", stdin=lines(values))

    assert (done.code, outcomes(done)) == (1, ["failed", "failed", "created", "failed", "failed"])
    said = [json.loads(line)["error"] for line in done.out.splitlines()]
    assert "The object 'm0' already exists" in said[0] and "was deleted" in said[1] and "is refused: $.n" in said[3]
    assert done.err == "5 lines: 4 failed, 1 created.\n"


def test_create__copies_a_store_from_its_snapshot(github: GitHub, shell: Shell, repository: Repository) -> None:
    shell.run("create", "--jsonl", "-", stdin=lines(objects(2)))
    repository.open_issue("octo", "Stored Object: b", "oops {", ["stored-object", "UID:b"])
    snapshot = shell.run("snapshot", "--format", "jsonl", "--output", "-").out
    github.add_repository("octo/copy", files={"README.md": ""})

    done = shell.run("create", "--jsonl", "-", "-R", "octo/copy", stdin=snapshot)

    assert '"left_out"' in snapshot and (done.code, outcomes(done)) == (0, ["created"] * 2)
    assert shell.run("get", "m1", "--data", "-R", "octo/copy").json == {"n": 1}


def test_update__each_line_counts_once_however_often_the_file_is_sent(shell: Shell, repository: Repository) -> None:
    shell.run("create", "m0", '{"n": 0}')
    once = {"object_id": "m0", "changes": {"$inc": {"n": 1}}, "mode": "operators", "update_id": None}
    text = lines([once, once, {"object_id": "m0", "changes": {"$inc": {"n": 5}}, "update_id": "mine"}])
    command = ("update", "--jsonl", "-", "--mode", "operators")

    posted = shell.run(*command, stdin=text)
    applied = shell.run(*command, "--apply", stdin=text)
    planned = shell.run(*command, "--apply", "--dry-run", stdin=text.replace("5", "6").replace("mine", "yours"))

    assert (posted.code, outcomes(posted)) == (0, ["posted"] * 3)
    assert (applied.code, outcomes(applied)) == (0, ["applied already"] * 3)
    assert outcomes(planned) == ["would be applied"] * 3
    assert shell.run("get", "m0", "--data").json == {"n": 7}


def test_update__a_line_whose_key_is_null_gets_its_own(shell: Shell) -> None:
    shell.run("create", "m0", '{"n": 0}')
    text = lines([{"object_id": "m0", "changes": {"$inc": {"n": 1}}, "update_id": None, "if_revision": None}])
    command = ("update", "--jsonl", "-", "--mode", "operators", "--apply")

    first, again = (shell.run(*command, stdin=text) for _ in range(2))

    assert (outcomes(first), outcomes(again)) == (["applied"], ["applied already"])
    assert shell.run("get", "m0", "--data").json == {"n": 1}


def test_update__what_is_refused_is_told_and_the_exit_code_says_so(shell: Shell, repository: Repository) -> None:
    shell.run("create", "m0", '{"n": 0}')
    repository.comment(1, "octo", '{"n": 1}')
    values = [
        {"object_id": "m0", "changes": {"n": "pending, so it is posted, and refused when it is folded"}},
        {"object_id": "m0", "changes": {"n": "refused before anything is posted"}},
        {"object_id": "m0", "changes": {"n": 2}, "if_revision": 9},
        {"object_id": "nobody", "changes": {"n": 3}},
        {"object_id": "m0", "changes": {"n": 4}, "if_revision": 2},
    ]

    done = shell.run("update", "--jsonl", "-", "--apply", stdin=lines(values))

    assert (done.code, outcomes(done)) == (1, ["failed"] * 4 + ["applied"])
    errors = [json.loads(line)["error"] for line in done.out.splitlines()]
    for error, said in zip(
        errors,
        ["The update was refused: $.n", "is refused: $.n", "at revision 2, not 9", "has no object", ""],
        strict=True,
    ):
        assert said in error
    again = shell.run("update", "--jsonl", "-", "--apply", stdin=lines(values[:1]))
    assert (again.code, "the reply on its issue says why" in again.out) == (1, True)


def test_update__a_line_of_operators_has_to_say_so(shell: Shell) -> None:
    shell.run("create", "m", '{"n": 0}')
    value = {"object_id": "m", "changes": {"$inc": {"n": 1}}}
    done = shell.run("update", "--jsonl", "-", stdin=lines([value]))
    assert (done.code, "look like more than data" in done.err) == (2, True)
    for options, line in ((["--mode", "operators"], value), ([], {**value, "mode": "operators"})):
        done = shell.run("update", "--jsonl", "-", *options, "--apply", stdin=lines([line]))
        assert (done.code, outcomes(done)) == (0, ["applied"])
    assert shell.run("get", "m").json["data"] == {"n": 2}


def test_bulk__goes_on_where_github_failed(github: GitHub, shell: Shell) -> None:
    text = lines(objects(4))
    seen: list[str] = []

    def fails(request: Request) -> bool:
        seen.append(request.path)
        return len(seen) > 9  # in the middle of the second object

    github.faults.status(401, match=fails, times=1)
    broken = shell.run("create", "--jsonl", "-", stdin=text)
    again = shell.run("create", "--jsonl", "-", stdin=text)

    assert (broken.code, outcomes(broken)[:1]) == (1, ["created"])
    assert "of 4 lines are done. Fix the cause and run the same command again: nothing is done twice" in broken.err
    assert (again.code, sorted(set(outcomes(again)))) == (0, ["created", "there already"])
    assert [one["object_id"] for one in shell.run("list").json] == ["m0", "m1", "m2", "m3"]


def test_bulk__a_journal_keeps_what_is_done_and_failures_are_tried_again(github: GitHub, shell: Shell) -> None:
    shell.run("create", "m0", '{"n": 0}')
    text = lines([{"object_id": name, "changes": {"n": 1}} for name in ("m0", "m1")])
    command = ("update", "--jsonl", "-", "--journal", "done.jsonl")

    first = shell.run(*command, stdin=text)
    shell.run("create", "m1", '{"n": 0}')
    asked = github.count()
    second = shell.run(*command, stdin=text)
    third = shell.run(*command, stdin=text)

    assert (outcomes(first), outcomes(second)) == (["posted", "failed"], ["done before", "posted"])
    assert outcomes(third) == ["done before", "done before"]
    assert github.count() - asked == 4  # the rules, an update, and the rules
    journal = (shell.folder / "done.jsonl").read_text("utf-8")
    assert journal == first.out + second.out + third.out


@pytest.mark.parametrize(("kept", "again"), [(-1, "done before"), (-20, "posted already"), (20, "posted already")])
def test_bulk__a_journal_whose_last_line_a_kill_has_cut_off_goes_on(shell: Shell, kept: int, again: str) -> None:
    shell.run("create", "m0", '{"n": 0}')
    text = lines([{"object_id": "m0", "changes": {"n": number}} for number in (1, 2)])
    command, journal = ("update", "--jsonl", "-", "--journal", "done.jsonl"), shell.folder / "done.jsonl"
    shell.run(*command, stdin=text)
    first, last = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(first + last[:kept])

    done = shell.run(*command, stdin=text)

    assert (done.code, outcomes(done)) == (0, ["done before", again])
    told = [json.loads(line)["outcome"] for line in journal.read_text("utf-8").splitlines()]
    assert told == ["posted", *(["posted"] if kept == -1 else []), "done before", again]


def test_bulk__a_journal_on_a_full_disk_is_told_and_nothing_is_done_twice(shell: Shell, repository: Repository) -> None:
    (shell.folder / "o.jsonl").write_text(lines(objects(2)), "utf-8")
    (shell.folder / "done.jsonl").write_text(f"{json.dumps({'key': 'x' * 4000})}\n", "utf-8")
    command = ("create", "--jsonl", "o.jsonl", "--journal", "done.jsonl")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4100, hard))
    try:
        full = shell.run(*command)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    again = shell.run(*command)

    assert full.code == 1 and "The journal 'done.jsonl' cannot be written: File too large." in full.err
    assert (again.code, outcomes(again)) == (0, ["there already", "created"])
    assert len(repository.issues()) == 2


def test_bulk__leaves_a_pause_between_writes_and_waits_as_long_as_github_asks(
    github: GitHub, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[float] = []
    monkeypatch.setattr(pacing, "A_WRITE", 0.1)
    (shell.folder / "c.yml").write_text("store: {retries: {max_wait_seconds: 0}}", "utf-8")
    github.faults.secondary_limit(retry_after=1, match=lambda request: request.operation == "Finish", times=1)
    github.before_request.append(
        lambda request: begun.append(time.monotonic()) if request.operation == "Find" else None
    )

    done = shell.run("create", "--jsonl", "-", "--config", "c.yml", stdin=lines(objects(3)))

    assert (done.code, outcomes(done)) == (0, ["created"] * 3)
    assert begun[1] - begun[0] >= 1.0 and begun[2] - begun[1] > 0.25
    assert "Waiting 1 s: GitHub's rate limit asks for it." in done.err


def test_pacing__makes_as_much_as_an_hour_takes_and_then_waits_no_longer_than_it_must(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pacing, "A_WRITE", 1.0)
    now = [1_000_000.0]
    said: list[str] = []
    begun: list[float] = []

    def pause(seconds: float) -> None:
        now[0] += seconds

    paced = Pacing(2, said.append, lambda: now[0], pause)
    assert paced.forecast(250) == ""
    assert "500 lines are 1,000 issues and comments" in paced.forecast(500)
    assert "done at about 1970-01-12 14:54 UTC" in paced.forecast(500)
    for _ in range(500):
        paced.wait()
        begun.append(now[0])
        paced.took(3)
    assert begun[249] - begun[0] == 249 * 3  # no wait but the seconds between writes
    assert 3_600 <= begun[250] - begun[0] <= 3_603
    assert begun[499] - begun[0] <= 3_600 + 250 * 3
    assert max(sum(2 for other in begun if at <= other < at + 3_600) for at in begun) == 500
    assert said == ["Waiting until 1970-01-12 14:46 UTC: GitHub allows about 500 issues and comments per hour."]


def test_pacing__leaves_no_pause_behind_what_was_there_already() -> None:
    waited: list[float] = []
    paced = Pacing(1, waited.append, lambda: 0.0, waited.append)
    for _ in range(1_000):
        paced.wait()
        paced.took(0)
    assert set(waited) == {0.0}


def test_bulk__says_before_the_first_request_how_long_it_takes(
    github: GitHub, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "MOST_AN_HOUR", 4)
    monkeypatch.setattr(pacing, "AN_HOUR", 0.1)
    shell.run("create", "m0", '{"n": 0}')
    asked = github.count()
    (shell.folder / "o.jsonl").write_text(lines(objects(3)), "utf-8")

    unknown = shell.run("create", "--jsonl", "o.jsonl", "-R", "octo/nowhere")
    planned = shell.run("create", "--jsonl", "o.jsonl", "--dry-run")
    made = shell.run("create", "--jsonl", "o.jsonl", "--journal", "done.jsonl")
    again = shell.run("create", "--jsonl", "o.jsonl", "--journal", "done.jsonl")

    said = "3 lines are 6 issues and comments, and GitHub allows about 4 per hour: done at about "
    assert unknown.err.startswith(said) and made.err.startswith(said)
    assert (said in planned.err, said in again.err) == (False, False)
    assert outcomes(made) == ["there already", "created", "created"]
    assert github.count() - asked > 0


def test_bulk__is_told_on_a_terminal_in_words(shell: Shell) -> None:
    (shell.folder / "o.jsonl").write_text(lines([*objects(1), {"object_id": "m\x1b[2J", "data": {"n": "x"}}]), "utf-8")

    shown = shell.terminal("create", "--jsonl", "o.jsonl").plain

    assert shown.startswith("1  m0  created\n2  m\\x1b[2J  failed: ")
    assert shown.endswith("2 lines: 1 created, 1 failed.\n")


WRONG = [
    ("create", "[1]", "Line 1 is not an object."),
    ("create", '\n{"data": {}}', "Line 2 lacks the key object_id."),
    ("create", '{"object_id": "a"}', "Line 1 lacks the key data."),
    ("create", '{"object_id": "a", "data": {}, "x": 1}', "unknown key 'x'; allowed: data, labels, object_id."),
    ("create", '{"object_id": 1, "data": {}}', "Line 1 has an object_id that is not text."),
    ("create", '{"object_id": "a", "data": 1}', "Line 1 cannot be used: The data is neither an object nor an array."),
    (
        "create",
        '{"object_id": "a", "data": {}, "labels": "b"}',
        "Line 1 cannot be used: `labels` is not an array of text.",
    ),
    ("create", '{"object_id": "a", "data": {}}\n{', "Line 2 is not valid JSON: "),
    ("create", b"\xe9", "Line 1 is not UTF-8 text."),
    ("create", '"' + "x" * DATA_LIMIT, "Line 1 is larger than 1 MiB."),
    (
        "update",
        '{"object_id": "a", "changes": {}, "mode": "inc"}',
        "Line 1 cannot be used: `mode` must be one of",
    ),
    ("update", '{"object_id": "a", "changes": {}, "if_revision": "x"}', "Line 1 cannot be used: This is not a valid"),
    ("update", '{"object_id": "a", "changes": {}, "update_id": ""}', "the update_id must be a text of 1 to 200"),
    ("update", '{"object_id": "a", "changes": {}, "if_digest": ""}', "if_digest must be 8 to 64 hexadecimal digits"),
]


def test_bulk__a_wrong_line_is_told_before_anything_is_sent(github: GitHub, shell: Shell) -> None:
    asked = github.count()

    for command, text, said in WRONG:
        done = shell.run(command, "--jsonl", "-", stdin=text)
        assert (done.code, said in done.err, done.err.count("\n"), done.out) == (2, True, 1, ""), done.err

    assert "Nothing was sent. Fix it and run the command again." in done.err
    assert github.count() == asked


def test_bulk__options_that_do_not_go_together_are_wrong_inputs(shell: Shell) -> None:
    (shell.folder / "bad").write_text("{", "utf-8")
    for arguments, said in [
        (["create"], "Missing argument 'ID'. See `gh-store create --help`."),
        (["update", "a"], "Missing argument 'CHANGES'."),
        (["create", "a", "{}", "--journal", "j"], "--journal has no effect without --jsonl."),
        (["create", "a", "--jsonl", "-"], "ID and --jsonl are both given."),
        (["update", "--jsonl", "-", "--if-revision", "1"], "--if-revision and --jsonl are both given."),
        (["create", "--jsonl", "none"], "The file 'none' cannot be read"),
        (["create", "--jsonl", "-", "--journal", "no/where"], "The journal 'no/where' cannot be written"),
        (["create", "--jsonl", "-", "--journal", "bad"], "The journal 'bad' cannot be used. Line 1 is not valid JSON"),
    ]:
        done = shell.run(*arguments)
        assert (done.code, said in done.err) == (2, True), done.err
    assert shell.run("create", "--jsonl", "-").err == "0 lines: nothing to do.\n"
