"""The inputs: every one is read, checked and named; the manifest and the contract say the same."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import yaml

from gh_store_action.action.settings import DEFAULT_OUTPUT, INPUTS, MODES, Settings, variable
from gh_store_action.action.wording import explained
from gh_store_action.arguments import Token, graphql_url_for, url
from gh_store_action.domain.commit_message import Author
from gh_store_action.errors import InputError
from tests.support.no_files import NO_FILES

ROOT = Path(__file__).parents[2]
MANIFEST = ROOT / "action.yml"
SECRET = "ghs_0123456789abcdef"
LEAST = {"INPUT_TOKEN": SECRET, "GITHUB_REPOSITORY": "octo/store"}
NEEDED: dict[str, dict[str, str]] = {
    mode: {"object-id": "m"} for mode in ("create", "get", "update", "delete", "restore", "history")
}
NEEDED["create"]["data"] = NEEDED["update"]["data"] = "{}"


def read(inputs: dict[str, str] | None = None, **environ: str) -> Settings:
    return Settings.from_environment(
        {**LEAST, **{variable(name): text for name, text in (inputs or {}).items()}, **environ}
    )


def refused(inputs: dict[str, str] | None = None, **environ: str) -> str:
    with pytest.raises(InputError) as caught:
        read(inputs, **environ)
    assert caught.value.exit_code == 2
    assert "\n" not in explained(caught.value)
    return explained(caught.value)


def event_file(tmp_path: Path, event: object) -> str:
    file = tmp_path / "event.json"
    file.write_text(json.dumps(event))
    return str(file)


# The table and its copies


@pytest.mark.skipif(not MANIFEST.exists(), reason="there is no manifest yet")
def test_inputs__the_manifest_has_the_same_names_and_defaults() -> None:
    inputs = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))["inputs"]
    assert list(inputs) == list(INPUTS)
    assert {name: entry.get("default", "") for name, entry in inputs.items()} == {
        name: entry.default for name, entry in INPUTS.items()
    }


@pytest.mark.parametrize("mode", MODES)
def test_inputs__every_mode_runs_with_what_it_needs_and_the_defaults(mode: str) -> None:
    defaults = {name: entry.default for name, entry in INPUTS.items() if "{{" not in entry.default}
    settings = read({**defaults, **NEEDED.get(mode, {}), "mode": mode})
    assert settings.mode == mode
    assert settings.unused == ()


def test_settings__a_missing_or_empty_variable_is_the_default() -> None:
    blank = {name: " " for name in INPUTS if name not in ("token", "repository")}
    assert read() == read(blank) == Settings("process", Token(SECRET), "octo/store")


# Values


@pytest.mark.parametrize(
    ("inputs", "field", "value"),
    [
        ({"mode": " snapshot "}, "mode", "snapshot"),
        ({"repository": "Other/my.repo_1"}, "repository", "Other/my.repo_1"),
        ({"repository": "emu_corp/x"}, "repository", "emu_corp/x"),
        ({"issue-number": "12"}, "issue_number", 12),
        ({"mode": "verify", "issue-number": " 12 "}, "issue_number", 12),
        ({"mode": "get", "object-id": " m "}, "object_id", "m"),
        ({"mode": "create", "object-id": "m", "data": ' {"a": 1}\n'}, "data", ' {"a": 1}\n'),
        ({"mode": "create", "object-id": "m", "data-file": " a.json "}, "data_file", "a.json"),
        ({"mode": "create", "object-id": "m", "data-file": "a.json", "data": " \n"}, "data", None),
        ({"update-mode": "json-patch"}, "update_mode", "json-patch"),
        ({"if-revision": "3"}, "if_revision", 3),
        ({"if-digest": "ABCDEF01"}, "if_digest", "abcdef01"),
        ({"if-digest": "a" * 64}, "if_digest", "a" * 64),
        ({"revision": "1"}, "revision", 1),
        ({"at": "2026-01-31T12:00:00Z"}, "at", "2026-01-31T12:00:00Z"),
        ({"at": "2026-01-31t12:00:00.999z"}, "at", "2026-01-31T12:00:00Z"),
        ({"at": "2026-01-31 12:00"}, "at", "2026-01-31T12:00:00Z"),
        ({"at": "2026-01-31T01:30:00+02:00"}, "at", "2026-01-30T23:30:00Z"),
        ({"at": "2026-01-31T01:30:00-0200"}, "at", "2026-01-31T03:30:00Z"),
        ({"at": "2026-01-31"}, "at", "2026-01-31T00:00:00Z"),
        ({"at": "0999-01-31"}, "at", "0999-01-31T00:00:00Z"),
        ({"repair": "TRUE"}, "repair", True),
        ({"apply": "False"}, "apply", False),
        ({"mode": "get", "object-id": "m", "output": "o.json"}, "output", "o.json"),
        ({"mode": "get", "object-id": "m"}, "output", None),
        ({"commit": "false"}, "commit", False),
        ({"commit-message": " two\n\nlines "}, "commit_message", " two\n\nlines "),
        ({"commit-author": "Ada L. <ada@example.org>"}, "commit_author", Author("Ada L.", "ada@example.org")),
        ({}, "commit_author", Author()),
        ({"branch": "refs/heads/data/v1.2"}, "branch", "data/v1.2"),
        ({"commit-via": "api"}, "commit_via", "api"),
        ({"config": "c.yml"}, "config", "c.yml"),
        ({"fail-on-rejected": "true"}, "fail_on_rejected", True),
        ({"dry-run": "True"}, "dry_run", True),
    ],
)
def test_settings__an_input_is_read(inputs: dict[str, str], field: str, value: object) -> None:
    assert getattr(read(inputs), field) == value


@pytest.mark.parametrize("mode", ["snapshot", "update-snapshot"])
@pytest.mark.parametrize("form", ["json", "jsonl", "directory"])
def test_settings__a_snapshots_output_goes_by_its_format(mode: str, form: str) -> None:
    assert read({"mode": mode, "format": form}).output == DEFAULT_OUTPUT[form]
    assert read({"mode": mode, "format": form, "output": "x"}).output == "x"


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"mode": "snapshoot"}, "The input `mode` is `snapshoot`; allowed: process, snapshot, update-snapshot,"),
        ({"mode": "snapshoot"}, "Did you mean `snapshot`?"),
        ({"mode": "Get"}, "Did you mean `get`?"),
        ({"mode": "\x1b\n::error::zzz"}, r"The input `mode` is `\x1b\n::error::zzz`; allowed"),
        ({"mode": "z" * 500}, "zzz…`"),
        (
            {"update-mode": "merge"},
            "allowed: append, replace, merge-patch, json-patch, operators. Did you mean `merge-patch`?",
        ),
        ({"format": "xml"}, "The input `format` is `xml`; allowed: json, jsonl, directory."),
        ({"commit-via": "rest"}, "allowed: git, api."),
        ({"repair": "yes"}, "The input `repair` is `yes`; allowed: true, false."),
        ({"apply": "1"}, "allowed: true, false."),
        ({"dry-run": "tRue"}, "The input `dry-run` is `tRue`"),
        ({"issue-number": "#12"}, "The input `issue-number` is `#12`; allowed: a whole number, at least 1."),
        ({"issue-number": "0"}, "a whole number, at least 1"),
        ({"issue-number": "-1"}, "a whole number, at least 1"),
        ({"issue-number": "1.0"}, "a whole number, at least 1"),
        ({"issue-number": "१२"}, "a whole number, at least 1"),
        ({"issue-number": "9" * 5000}, "a whole number, at least 1"),
        ({"if-revision": "two"}, "The input `if-revision` is `two`"),
        ({"revision": "1e3"}, "The input `revision` is `1e3`"),
        ({"if-digest": "abc"}, "8 to 64 hexadecimal digits"),
        ({"if-digest": "xyzxyzxyz"}, "8 to 64 hexadecimal digits"),
        ({"if-digest": "a" * 65}, "8 to 64 hexadecimal digits"),
        ({"at": "yesterday"}, "The input `at` is `yesterday`; allowed: a time in ISO 8601"),
        ({"at": "2026-02-30T00:00:00Z"}, "a time in ISO 8601"),
        ({"at": "2026-W05"}, "a time in ISO 8601"),
        ({"at": "0001-01-01T00:00:00+10:00"}, "a time in ISO 8601"),
        ({"repository": "store"}, "The input `repository` is `store`; allowed: owner/name."),
        ({"repository": "https://github.com/o/r"}, "allowed: owner/name."),
        ({"repository": "o/.."}, "allowed: owner/name."),
        ({"repository": "o/r/x"}, "allowed: owner/name."),
        ({"commit-author": "Ada"}, "The input `commit-author` is `Ada`; allowed: Name <address>."),
        ({"commit-author": "<ada@example.org>"}, "allowed: Name <address>."),
        ({"commit-author": "Ada <ada>"}, "allowed: Name <address>."),
        ({"commit-author": "Ada <a@b> <c@d>"}, "allowed: Name <address>."),
        ({"commit-author": "A>a <a@b>"}, "allowed: Name <address>."),
        ({"commit-author": "A\nB <a@b>"}, "allowed: Name <address>."),
        ({"branch": "-f"}, "The input `branch` is `-f`; allowed: the name of a branch."),
        ({"branch": "a..b"}, "the name of a branch"),
        ({"branch": "a b"}, "the name of a branch"),
        ({"branch": "a:b"}, "the name of a branch"),
        ({"branch": "a.lock"}, "the name of a branch"),
        ({"branch": "refs/heads/"}, "the name of a branch"),
        ({"branch": "x/.y"}, "the name of a branch"),
        ({"branch": "x" * 201}, "the name of a branch"),
    ],
)
def test_settings__a_wrong_value_is_named_with_what_is_allowed(inputs: dict[str, str], message: str) -> None:
    assert message in refused(inputs)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        *(
            ({**needed, "mode": mode, "object-id": ""}, f"Mode `{mode}` needs the input `object-id`.")
            for mode, needed in NEEDED.items()
        ),
        ({"mode": "create", "object-id": "m"}, "Mode `create` needs one of the inputs `data` and `data-file`; neither"),
        ({"mode": "update", "object-id": "m", "data": "1", "data-file": "f"}, "`data-file`; both are set."),
        ({"mode": "get", "object-id": "m", "revision": "1", "at": "2026-01-31"}, "`revision` and `at` are both set."),
        ({"mode": "snapshot", "branch": "data", "keep": "51", "commit-via": "api"}, "`keep` is 51. With"),
        *(
            ({"mode": mode, "output": path, "format": kind}, f"looks like the format {says}, but the input `format` is")
            for mode in ("snapshot", "update-snapshot")
            for path, kind, says in (
                ("a/s.json", "jsonl", "json"),
                ("s.NDJSON", "json", "jsonl"),
                ("s.jsonl", "directory", "jsonl"),
                ("s/", "json", "directory"),
            )
        ),
        ({"mode": "verify", "object-id": "m", "issue-number": "1"}, "`object-id` and `issue-number` are both set."),
    ],
)
def test_settings__a_combination_that_means_nothing_is_refused(inputs: dict[str, str], message: str) -> None:
    assert message in refused(inputs)


@pytest.mark.parametrize(
    ("inputs", "unused"),
    [
        ({"mode": "snapshot", "data": "{}", "object-id": "m"}, ("object-id", "data")),
        ({"mode": "snapshot", "issue-number": "3"}, ("issue-number",)),
        ({"mode": "process", "update-mode": "append", "commit": "true"}, ()),
        ({"mode": "process", "update-mode": "replace"}, ("update-mode",)),
        ({"mode": "get", "object-id": "m", "dry-run": "true"}, ("dry-run",)),
    ],
)
def test_settings__an_input_that_does_nothing_in_this_mode_is_told(inputs: dict[str, str], unused: tuple[str]) -> None:
    assert read(inputs).unused == unused


def test_author__its_text_reads_back_as_the_same() -> None:
    assert read({"commit-author": str(Author())}).commit_author == Author()


# The token


def test_token__no_text_of_it_or_of_the_settings_shows_the_secret() -> None:
    settings = read()
    assert settings.token.secret == SECRET
    for text in (repr(settings), str(settings), f"{settings.token}", f"{settings.token!r}", repr(vars(settings))):
        assert SECRET not in text
    with pytest.raises(TypeError):
        pickle.dumps(settings.token)


def test_token__equal_secrets_are_equal_tokens() -> None:
    assert Token("a") == Token("a") != Token("b")
    assert Token("a") != "a"
    assert len({Token("a"), Token("a")}) == 1


@pytest.mark.parametrize(
    ("environ", "secret"),
    [
        ({"INPUT_TOKEN": "one", "GITHUB_TOKEN": "two"}, "one"),
        ({"INPUT_TOKEN": " ", "GITHUB_TOKEN": " two\n"}, "two"),
        ({"GITHUB_TOKEN": "two"}, "two"),
    ],
)
def test_token__the_input_comes_before_the_variable(environ: dict[str, str], secret: str) -> None:
    assert Settings.from_environment({"GITHUB_REPOSITORY": "o/r", **environ}).token == Token(secret)


@pytest.mark.parametrize("environ", [{}, {"INPUT_TOKEN": ""}, {"GITHUB_TOKEN": " "}])
def test_token__none_at_all_is_an_error_with_the_next_step(environ: dict[str, str]) -> None:
    with pytest.raises(InputError, match="No token.*Omit the input"):
        Settings.from_environment({"GITHUB_REPOSITORY": "o/r", **environ})


@pytest.mark.parametrize("secret", ["two words", "two\nlines", "é"])
def test_token__one_that_no_header_can_carry_is_refused_unseen(secret: str) -> None:
    message = refused(INPUT_TOKEN=secret)
    assert "contains characters that no token has" in message
    assert secret not in message


def test_repository__none_at_all_is_an_error_with_the_next_step() -> None:
    with pytest.raises(InputError, match="No repository.*Set one to the owner/name"):
        Settings.from_environment({"INPUT_TOKEN": "x"})


# The runner


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, ("https://api.github.com", "https://api.github.com/graphql", "https://github.com")),
        (
            {"GITHUB_API_URL": "https://ghe.example/api/v3/", "GITHUB_SERVER_URL": "https://ghe.example"},
            ("https://ghe.example/api/v3", "https://ghe.example/api/graphql", "https://ghe.example"),
        ),
        (
            {"GITHUB_API_URL": "http://127.0.0.1:8080", "GITHUB_GRAPHQL_URL": "http://127.0.0.1:8080/g"},
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/g", "http://127.0.0.1:8080"),
        ),
        (
            {"GITHUB_API_URL": "http://[::1]:8080", "GITHUB_SERVER_URL": ""},
            ("http://[::1]:8080", "http://[::1]:8080/graphql", "http://[::1]:8080"),
        ),
    ],
)
def test_urls__come_from_the_runner_or_are_githubs(environ: dict[str, str], expected: tuple[str, str, str]) -> None:
    settings = read(**environ)
    assert (settings.api_url, settings.graphql_url, settings.server_url) == expected


@pytest.mark.parametrize("name", ["GITHUB_API_URL", "GITHUB_GRAPHQL_URL", "GITHUB_SERVER_URL"])
@pytest.mark.parametrize("address", ["http://github.example", "http://127.0.0.1.example", "http://10.0.0.1"])
def test_urls__a_token_does_not_travel_unencrypted(name: str, address: str) -> None:
    assert f"{name} begins with http://: the token would be sent unencrypted." in refused(**{name: address})


@pytest.mark.parametrize(
    "address",
    [
        "api.github.com",
        "ftp://api.github.com",
        "https://",
        "https://user:pass@api.github.com",
        "https://api.github.com?x=1",
        "https://api.github.com#x",
        "https://api.github.com:port",
        "https://[api",
        "https://api.github.com /x",
        "https://api.github.com\\@evil.example",
    ],
)
def test_urls__anything_else_is_refused_unseen(address: str) -> None:
    with pytest.raises(InputError) as caught:
        url("--api-url", address)
    assert str(caught.value) == (
        "--api-url is not the address of an API. An address looks like https://api.github.com."
    )


def test_graphql_url__stands_beside_the_rest_address() -> None:
    assert graphql_url_for("https://api.acme.ghe.com") == "https://api.acme.ghe.com/graphql"


def test_runner__its_facts_are_read() -> None:
    settings = read(
        GITHUB_WORKSPACE="/github/workspace",
        GITHUB_REF="refs/heads/main",
    )
    assert settings.workspace == Path("/github/workspace")
    assert settings.ref_name == "main"
    assert (read().step, read().attempt) == ("", 1)
    facts = {"GITHUB_RUN_ID": "77", "GITHUB_JOB": "deploy", "GITHUB_ACTION": "__self_2"}
    assert (read(**facts).step, read(**facts).attempt) == ("77/deploy/__self_2", 1)
    assert read(**facts, GITHUB_RUN_ATTEMPT="3").attempt == 3


# The event

COMMENT = {"action": "created", "issue": {"number": 12, "title": "x"}, "comment": {"id": 5_000_000_000}}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({}, (None, False, None)),
        (COMMENT, (12, False, 5_000_000_000)),
        ({"action": "reopened", "issue": {"number": 12}}, (12, False, None)),
        (
            {"action": "created", "issue": {"number": 3, "pull_request": {}}, "comment": {"id": 4}},
            (3, True, 4),
        ),
        ({"action": "created", "comment": {"id": 4}, "pull_request": {}}, (None, False, None)),
        ({"action": 3, "issue": {"number": "12"}, "comment": {"id": True}}, (None, False, None)),
        ({"action": None, "issue": 4}, (None, False, None)),
        ({"issue": {"number": -4}, "comment": 7}, (None, False, None)),
    ],
)
def test_event__what_it_is_about_is_read(tmp_path: Path, event: object, expected: tuple[Any, ...]) -> None:
    found = read(GITHUB_EVENT_PATH=event_file(tmp_path, event))
    assert (
        found.event_issue_number,
        found.event_issue_is_pull_request,
        found.event_comment_id,
    ) == expected


def test_event__a_missing_file_is_no_event(tmp_path: Path) -> None:
    assert read(GITHUB_EVENT_PATH=str(tmp_path / "none.json")) == read()


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe\x00", b"[" * 100_000, b"[]", b"3"])
def test_event__a_broken_file_is_an_error(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "event.json"
    file.write_bytes(content)
    assert "event.json` " in refused(GITHUB_EVENT_PATH=str(file))


@pytest.mark.parametrize("kind", NO_FILES)
def test_event__that_is_no_regular_file_or_has_no_end_is_an_error(tmp_path: Path, kind: str) -> None:
    NO_FILES[kind](tmp_path / "event.json")
    assert "cannot be read: it is " in refused(GITHUB_EVENT_PATH=str(tmp_path / "event.json"))


@pytest.mark.parametrize(
    ("inputs", "home", "expected"),
    [
        ({}, "octo/store", (12, 12)),  # the variable is not there at all: the default
        ({"issue-number": "12"}, "Octo/Store", (12, 12)),
        ({"issue-number": "7"}, "octo/store", (7, 12)),
        ({"issue-number": ""}, "octo/store", (None, 12)),  # set to nothing: all of them
        ({"mode": "verify", "issue-number": "12", "object-id": "m"}, "octo/store", (None, 12)),
        ({"issue-number": "12", "repository": "octo/other"}, "octo/store", (None, None)),  # a number of another place
        ({"repository": "octo/other"}, "octo/store", (None, None)),
        ({"issue-number": "7", "repository": "octo/other"}, "octo/store", (7, None)),
        ({"repository": "octo/other"}, "", (12, 12)),  # not said where we are
    ],
)
def test_event__its_issue_is_the_default_and_counts_in_its_own_repository(
    tmp_path: Path, inputs: dict[str, str], home: str, expected: tuple[int | None, int | None]
) -> None:
    found = read(inputs, GITHUB_EVENT_PATH=event_file(tmp_path, COMMENT), GITHUB_REPOSITORY=home)
    assert (found.issue_number, found.event_issue_number) == expected
    assert (found.event_comment_id is None) == (expected[1] is None)


def test_event__a_snapshot_on_an_issues_event_is_not_told_of_the_number(tmp_path: Path) -> None:
    inputs = {"mode": "snapshot", "issue-number": "12"}
    assert read(inputs, GITHUB_EVENT_PATH=event_file(tmp_path, COMMENT)).unused == ()
