"""Commands on objects and their past, as a person or a script runs them."""

from __future__ import annotations

import json
import shlex

import jsonpatch
import pytest

from gh_store_action.cli.options import Command
from gh_store_action.regular_files import DATA_LIMIT
from tests.double import GitHub, Repository
from tests.support.cli import Shell, commands, put_program

EXAMPLES = [example for command in commands().values() if isinstance(command, Command) for example in command.examples]


@pytest.fixture
def repository(github: GitHub) -> Repository:
    return github.add_repository("octo/store", files={"README.md": "# A store\n"})


@pytest.fixture
def metrics(shell: Shell) -> Shell:
    """A shell on a store that has an object of three revisions."""
    shell.run("create", "metrics", '{"count": 0}')
    shell.run("update", "metrics", '{"count": 1}', "--apply")
    shell.run("update", "metrics", '{"label": "é"}', "--apply")
    return shell


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES)
def test_examples__run(metrics: Shell, example: str) -> None:
    (metrics.folder / ".git").mkdir()
    (metrics.folder / "settings.json").write_text('{"theme": "dark"}', "utf-8")
    (metrics.folder / ".github").mkdir()
    (metrics.folder / ".github/gh-store.yml").write_text("store: {}", "utf-8")
    (metrics.folder / "objects.jsonl").write_text('{"object_id": "new", "data": {}}', "utf-8")
    (metrics.folder / "updates.jsonl").write_text('{"object_id": "metrics", "changes": {"count": 8}}', "utf-8")
    metrics.env = {"EDITOR": "true", "PATH": put_program(metrics.folder / "bin", "xdg-open", "exit 0")}
    metrics.run("create", "old-metrics", "{}")
    metrics.run("delete", "old-metrics")
    if "completion" not in example and "--at" not in example:
        metrics.run("snapshot")
    arguments = shlex.split(example)[1:]
    if arguments[0] in ("form", "form-link"):
        schema = '{"type": "object", "properties": {"name": {"type": "string"}}}'
        for file in ("vote.json", ".github/gh-store/guestbook.json"):
            (metrics.folder / file).parent.mkdir(exist_ok=True)
            (metrics.folder / file).write_text(schema, "utf-8")
    if arguments[0] == "form-link":
        metrics.run("form", "guestbook")
    if "--at" in arguments:  # the loopback's clock
        arguments[-1] = metrics.run("get", "metrics").json["updated_at"]

    done = metrics.run(*arguments)

    assert (done.code, "Error" in done.err) == (0, False), done.err


# -- create, upsert


def test_create__prints_the_object_and_makes_a_closed_issue(shell: Shell, repository: Repository) -> None:
    """D08: an object as JSON text."""
    done = shell.run("create", "metrics", '{"count": 0}', "--label", "team-a")

    assert done.code == 0
    assert done.json["data"] == {"count": 0}
    assert (done.json["object_id"], done.json["version"], done.json["issue_number"]) == ("metrics", 1, 1)
    issue = repository.issue(1)
    assert (issue.state, set(issue.labels)) == ("closed", {"stored-object", "UID:metrics", "team-a"})


def test_create__of_an_id_in_use_is_one_line(metrics: Shell) -> None:
    done = metrics.run("create", "metrics", "{}")

    assert done.code == 1
    assert done.err.count("\n") == 1


def test_create__dry_run_writes_nothing(shell: Shell, repository: Repository) -> None:
    done = shell.run("create", "metrics", '{"count": 0}', "--dry-run")

    assert (done.code, done.json["dry_run"], repository.issues()) == (0, True, [])


def test_upsert__makes_and_replaces(shell: Shell) -> None:
    made = shell.run("upsert", "m", '{"a": 1}')
    replaced = shell.run("upsert", "m", '{"b": 2}')

    assert (made.json["data"], made.json["version"]) == ({"a": 1}, 1)
    assert (replaced.json["data"], replaced.json["version"]) == ({"b": 2}, 2)


@pytest.mark.parametrize("object_id", ["1.10", "007", "1e3", "true", "None", "a:b", "0x10", "*", "~"])
def test_ids__are_text_byte_for_byte(shell: Shell, object_id: str) -> None:
    """D09."""
    assert shell.run("create", object_id, '{"n": 1}').json["object_id"] == object_id
    assert shell.run("get", object_id).json["object_id"] == object_id


# -- DATA


@pytest.mark.parametrize("text", ['{"é": "\\u0000", "n": 1.0}', ' {"a": [1, 2]}\n', '[1, {"b": null}]'])
def test_data__as_text_as_file_and_on_standard_input_are_the_same(shell: Shell, text: str) -> None:
    (shell.folder / "data.json").write_text(text, "utf-8")

    for number, (data, stdin) in enumerate([(text, ""), ("@data.json", ""), ("-", text), ("-", "\ufeff" + text)]):
        assert shell.run("create", f"m{number}", data, stdin=stdin).json["data"] == json.loads(text)


@pytest.mark.parametrize(
    ("data", "stdin", "said"),
    [
        ("{", "", "The data is not valid JSON: line 1, column 2"),
        ('{"a": NaN}', "", "NaN"),
        ("", "", "The data is not valid JSON"),
        ("@none.json", "", "The file 'none.json' cannot be read: No such file or directory."),
        ("@.", "", "The file '.' cannot be read: Is a directory."),
        ("@bad.json", "", "The file 'bad.json' is not valid JSON: line 1, column 2"),
        ("-", "{,}", "Standard input is not valid JSON"),
        ('"s"', "", "The data is neither an object nor an array."),
        ("@big.json", "", "The data would have more than 60,000 characters as JSON."),
        ("-", b"\xff", "Standard input is not UTF-8 text."),
        ("-", " " * (DATA_LIMIT + 1), "Standard input is larger than 1 MiB."),
    ],
)
def test_data__that_is_wrong_is_one_line_and_nothing_is_asked(
    github: GitHub, shell: Shell, data: str, stdin: str | bytes, said: str
) -> None:
    (shell.folder / "bad.json").write_text("{,}", "utf-8")
    (shell.folder / "big.json").write_text(json.dumps(["x" * 60_000]), "utf-8")

    for command in ("create", "upsert", "update"):
        done = shell.run(command, "m", data, stdin=stdin)

        assert done.code == 2
        assert said in done.err
        assert ("Quote it for the shell" in done.err) == (said.startswith("The data is not") or "NaN" in data)
        assert (done.err.count("\n"), github.count()) == (1, 0)


def test_update__that_no_comment_can_hold_is_a_wrong_input(github: GitHub, shell: Shell) -> None:
    (shell.folder / "huge.json").write_text(json.dumps({"$set": {"a": "x" * 65_000}}), "utf-8")

    done = shell.run("update", "m", "@huge.json", "--mode", "operators")

    assert (done.code, "too long for a comment" in done.err, github.count()) == (2, True, 0)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ('{"$inc": {"count": 1}}', "$.$inc"),
        ('[{"op": "remove", "path": "/count"}]', "$"),
        ('{"data": {"count": 1}, "meta": {}}', "$"),
    ],
)
def test_update__that_looks_like_more_than_data_has_to_say_how_it_is_meant(
    github: GitHub, metrics: Shell, changes: str, path: str
) -> None:
    before = github.count()
    done = metrics.run("update", "metrics", changes)
    assert (done.code, github.count()) == (2, before)
    assert f"At {path} the changes look like more than data to be merged" in done.err
    assert "by a mode such as `operators`; `merge-patch` takes them as they are." in done.err
    meant = metrics.run("update", "metrics", changes, "--mode", "replace", "--apply")
    assert meant.json["data"] == json.loads(changes)


def test_update__takes_a_digest_in_capitals_and_names_the_option_where_it_is_none(metrics: Shell) -> None:
    digest = metrics.run("get", "metrics").json["digest"]

    taken = metrics.run("update", "metrics", '{"count": 2}', "--if-digest", digest.upper()[:16], "--apply")
    other = metrics.run("update", "metrics", '{"count": 3}', "--if-digest", digest[:16], "--apply")
    none = metrics.run("update", "metrics", '{"count": 3}', "--if-digest", "zzz")

    assert (taken.code, taken.json["data"]["count"]) == (0, 2)
    assert (other.code, "the object has the digest" in other.err) == (1, True)
    assert (none.code, none.err) == (
        2,
        "Error: The option --if-digest is `zzz`; allowed: 8 to 64 hexadecimal digits. "
        "Take it from the `digest` that `gh-store get` prints.\n",
    )


def test_ids__that_can_not_be_are_shown_as_they_were_typed(shell: Shell) -> None:
    assert "The object id 'é ' begins or ends with a space" in shell.run("get", "é ").err
    assert "The object id 'a\\u202eb' holds" in shell.run("get", "a\u202eb").err


# -- get


def test_get__travels_in_time(metrics: Shell) -> None:
    now = metrics.run("get", "metrics").json

    assert now["data"] == {"count": 1, "label": "é"}
    assert now["version"] == 3
    assert metrics.run("get", "metrics", "--revision", "1").json["data"] == {"count": 0}
    assert metrics.run("get", "metrics", "--at", now["updated_at"]).json["data"] == now["data"]
    assert metrics.run("get", "metrics", "--revision", "9").code == 1


def test_get__wants_one_of_revision_and_time(metrics: Shell) -> None:
    assert metrics.run("get", "metrics", "--revision", "1", "--at", "2026-01-01").code == 2
    assert "--at" in metrics.run("get", "metrics", "--at", "yesterday").err


def test_get__writes_to_a_file_in_place_of_standard_output(metrics: Shell) -> None:
    done = metrics.run("get", "metrics", "--output", "m.json")

    assert (done.code, done.out) == (0, "")
    assert json.loads((metrics.folder / "m.json").read_text("utf-8"))["data"]["label"] == "é"


@pytest.mark.parametrize("command", [["get", "metrics"], ["history", "metrics"], ["list"]])
def test_output__to_standard_output_is_what_the_file_would_hold(metrics: Shell, command: list[str]) -> None:
    metrics.run(*command, "--output", "there.json")

    assert metrics.run(*command, "--output", "-").out == (metrics.folder / "there.json").read_text("utf-8")
    assert not (metrics.folder / "-").exists()


def test_get__makes_the_folders_of_its_file(metrics: Shell) -> None:
    assert metrics.run("get", "metrics", "--output", "new/er/m.json").code == 0
    assert metrics.run("history", "metrics", "--output", "new/est/h.json").code == 0
    assert json.loads((metrics.folder / "new/er/m.json").read_text("utf-8"))["version"] == 3

    below = metrics.run("get", "metrics", "--output", "new/er/m.json/x.json")
    instead = metrics.run("get", "metrics", "--output", "new")

    assert (below.code, "'new/er/m.json' is not a folder. Choose another --output." in below.err) == (1, True)
    assert (instead.code, "The file 'new' cannot be written: Is a directory. " in instead.err) == (1, True)


def test_get__an_unknown_id_names_the_nearest(metrics: Shell) -> None:
    metrics.run("create", "Metrics-2", "{}")
    metrics.run("create", "users", "{}")

    one, two, none = metrics.run("get", "user"), metrics.run("get", "metrcs"), metrics.run("get", "zzz")

    assert (one.code, two.code, none.code) == (1, 1, 1)
    assert "has no object 'user'. Did you mean users?" in one.err
    assert "Did you mean metrics or Metrics-2?" in two.err
    assert "Did you mean" not in none.err
    assert one.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["get", "metrics", "--revision", "9"],
        ["get", "metrics", "--at", "2001-01-01"],
        ["diff", "metrics", "1", "9"],
        ["revert", "metrics", "9"],
        ["get", "gone"],
    ],
)
def test_get__a_known_id_is_not_taken_for_a_slip(metrics: Shell, arguments: list[str]) -> None:
    metrics.run("create", "gone", "{}")
    metrics.run("delete", "gone")
    metrics.run("create", "gone2", "{}")

    done = metrics.run(*arguments)

    assert (done.code, "Did you mean" in done.err) == (1, False)
    assert any(said in done.err for said in ("has no revision 9", "did not exist at 2001", "is deleted"))


def test_get__an_unknown_id_is_told_even_if_the_listing_fails(github: GitHub, metrics: Shell) -> None:
    github.faults.status(403, match=lambda request: "query List" in (request.body or ""))

    done = metrics.run("get", "metrcs")

    assert (done.code, "has no object 'metrcs'" in done.err) == (1, True)


# -- update, delete, restore


def test_update__posts_and_opens_for_the_workflow(metrics: Shell, repository: Repository) -> None:
    done = metrics.run("update", "metrics", '{"count": 5}')

    assert done.json["data"]["count"] == 1
    assert done.json["pending"] == 1
    assert repository.issue(1).state == "open"


def test_update__apply_folds_at_once_in_any_mode(metrics: Shell) -> None:
    done = metrics.run("update", "metrics", '{"label": null}', "--mode", "merge-patch", "--apply")

    assert (done.json["data"], done.json["version"]) == ({"count": 1}, 4)


def test_update__only_at_the_revision_that_is_meant(metrics: Shell) -> None:
    assert metrics.run("update", "metrics", "{}", "--if-revision", "1", "--apply").code == 1
    assert metrics.run("update", "metrics", '{"count": 2}', "--if-revision", "3", "--apply").code == 0


def test_update__dry_run_writes_nothing(metrics: Shell, repository: Repository) -> None:
    before = repository.issue(1)

    done = metrics.run("update", "metrics", '{"count": 9}', "--apply", "--dry-run")

    assert done.json["data"]["count"] == 9
    assert repository.issue(1) == before


def test_delete__and_restore(metrics: Shell, repository: Repository) -> None:
    assert metrics.run("delete", "metrics", "--dry-run").json["deleted"] is False
    assert metrics.run("delete", "metrics", "--if-revision", "1").code == 1
    assert metrics.run("delete", "metrics").json == {"object_id": "metrics", "deleted": True, "dry_run": False}
    assert metrics.run("get", "metrics").code == 1
    assert metrics.run("restore", "metrics", "--dry-run").json["issue_number"] == 1
    assert metrics.run("restore", "metrics").json["object_id"] == "metrics"
    assert metrics.run("get", "metrics").json["data"]["count"] == 1


# -- list, history, diff, revert


def test_list__all_and_since(github: GitHub, metrics: Shell) -> None:
    github.clock.advance(3600)
    later = metrics.run("create", "users", "{}").json["created_at"]

    assert [one["object_id"] for one in metrics.run("list").json] == ["metrics", "users"]
    assert [one["object_id"] for one in metrics.run("list", "--since", later).json] == ["users"]
    assert metrics.run("list", "--since", "soon").code == 2


def test_list__says_nothing_of_updates_that_it_did_not_look_for(metrics: Shell) -> None:
    metrics.run("update", "metrics", '{"count": 5}')

    assert metrics.run("get", "metrics").json["pending"] == 1
    assert "pending" not in metrics.run("list").json[0]
    assert "pending" not in metrics.terminal("list").plain


def test_list__an_empty_store_is_an_empty_list(shell: Shell) -> None:
    """D06."""
    assert shell.run("list").json == []


def test_history__has_verdicts_and_revisions(metrics: Shell, repository: Repository) -> None:
    repository.comment(1, "mallory", '{"hacked": true}')
    metrics.run("process-updates", "--issue", "1")

    entries = metrics.run("history", "metrics").json

    assert [entry["type"] for entry in entries][0] == "initial_state"
    assert {"applied", "unauthorized"} <= {entry["metadata"]["verdict"] for entry in entries}
    assert metrics.run("history", "metrics", "--output", "h.json").out == ""
    assert json.loads((metrics.folder / "h.json").read_text("utf-8")) == entries


def test_diff__is_a_json_patch_between_revisions(metrics: Shell) -> None:
    patch = metrics.run("diff", "metrics", "1", "3").json

    assert jsonpatch.apply_patch({"count": 0}, patch) == {"count": 1, "label": "é"}


def test_revert__is_a_new_revision(metrics: Shell) -> None:
    assert metrics.run("revert", "metrics", "1", "--dry-run").json["data"] == {"count": 0}
    done = metrics.run("revert", "metrics", "1")

    assert (done.json["data"], done.json["version"]) == ({"count": 0}, 4)


# -- a terminal


def test_terminal__shows_tables_and_not_json(metrics: Shell, repository: Repository) -> None:
    repository.comment(1, "mallory", '{"hacked": true}')
    metrics.run("process-updates", "--issue", "1")

    listed, past = metrics.terminal("list").out, metrics.terminal("history", "metrics").out

    assert "Revision" in listed and "1 object" in listed and '"object_id"' not in listed
    assert "unauthorized" in past and "octo" in past


def test_terminal__shows_one_object_as_a_line_and_its_data(metrics: Shell) -> None:
    assert "pending" not in metrics.terminal("get", "metrics").plain
    metrics.run("update", "metrics", '{"count": 7}')

    shown = metrics.terminal("get", "metrics").plain

    assert "revision 3" in shown and "1 pending" in shown and '"count": 1' in shown


def test_terminal__shows_a_diff_as_steps(metrics: Shell) -> None:
    assert "/label" in metrics.terminal("diff", "metrics", "1", "3").out
    assert "are the same" in metrics.terminal("diff", "metrics", "2", "2").out


def test_terminal__says_what_delete_and_restore_did(metrics: Shell) -> None:
    assert "would be deleted" in metrics.terminal("delete", "metrics", "--dry-run").out
    assert "is deleted. `gh-store restore metrics` brings it back." in metrics.terminal("delete", "metrics").out
    assert "is restored, as issue #1" in metrics.terminal("restore", "metrics").out


@pytest.mark.parametrize(
    ("arguments", "would", "data"),
    [
        (["create", "new", '{"n": 1}'], "new would be created:", '"n": 1'),
        (["upsert", "new", '{"n": 1}'], "new would be created:", '"n": 1'),
        (["upsert", "metrics", '{"n": 1}'], "at revision 3 would be applied. The result:", '"n": 1'),
        (
            ["upsert", "metrics", '{"count": 1, "label": "é"}'],
            "metrics already has this data and would not change:",
            '"label"',
        ),
        (
            ["update", "metrics", '{"n": 1}'],
            "at revision 3 would be posted for the workflow to apply. The result:",
            '"n": 1',
        ),
        (["update", "metrics", '{"n": 1}', "--apply"], "at revision 3 would be applied. The result:", '"n": 1'),
        (["revert", "metrics", "1"], "at revision 3 would be applied. The result:", '"count": 0'),
        (["delete", "metrics"], "metrics would be deleted.", ""),
        (["restore", "gone"], "gone would be restored, as issue #2.", ""),
        (["roll-over", "metrics"], "metrics would be moved from issue #1 to a new one:", '"label"'),
    ],
)
def test_dry_run__says_that_nothing_was_written_and_what_would_be(
    metrics: Shell, repository: Repository, arguments: list[str], would: str, data: str
) -> None:
    metrics.run("create", "gone", "{}")
    metrics.run("delete", "gone")
    before = repository.issues()

    shown = metrics.terminal(*arguments, "--dry-run", columns=300).plain
    told = metrics.run(*arguments, "--dry-run").json

    assert shown.startswith("Dry run: nothing was written. ")
    assert would in shown and data in shown
    assert told["dry_run"] is True
    assert repository.issues() == before


def test_dry_run__does_not_foretell_what_pending_updates_decide(metrics: Shell) -> None:
    metrics.run("update", "metrics", '{"count": 5}')

    shown = metrics.terminal("update", "metrics", '{"count": 9}', "--dry-run", columns=300).plain

    assert "Its result is not known yet, because updates are pending" in shown
    assert '"count": 1' in shown


def test_update__without_apply_says_who_folds_it(metrics: Shell) -> None:
    posted = metrics.terminal("update", "metrics", '{"count": 5}', columns=200).plain
    piped = metrics.run("update", "metrics", '{"count": 5}', "--update-id", "once")
    planned = metrics.run("update", "metrics", '{"count": 5}', "--dry-run")
    applied = metrics.run("update", "metrics", '{"count": 6}', "--apply")
    repeated = metrics.run("update", "metrics", '{"count": 5}', "--update-id", "once")

    note = "posted, not yet applied. The repository's workflow will apply it, or run `gh-store process-updates 1`.\n"
    assert note in posted and piped.err == f"The update is {note}"
    assert piped.json["pending"] == 2
    assert (planned.err, applied.err, repeated.err) == ("", "", "")


def test_list__an_object_that_can_not_be_read_is_left_out_with_a_warning(
    metrics: Shell, repository: Repository
) -> None:
    repository.open_issue("octo", "Stored Object: b", "oops {", ["stored-object", "UID:b"])

    done = metrics.run("list")

    assert [one["object_id"] for one in done.json] == ["metrics"]
    assert metrics.run("get", "metrcs").err.count("\n") == 1
    assert "WARNING" in done.err and "#2" in done.err


def test_get__the_data_alone(shell: Shell) -> None:
    shell.run("create", "bare", '{"n": [1, 2]}')
    assert shell.run("get", "bare", "--data").json == {"n": [1, 2]}
    assert json.loads(shell.terminal("get", "bare", "--data").plain) == {"n": [1, 2]}
    assert shell.run("get", "bare", "--data", "--output", "bare.json").out == ""
    assert json.loads((shell.folder / "bare.json").read_text()) == {"n": [1, 2]}
