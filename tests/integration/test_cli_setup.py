"""The commands init, doctor and completion, as a person runs them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gh_store_action.cli import invocation, setup
from gh_store_action.config import store_config
from gh_store_action.config.defaults import dump_default, dump_local
from gh_store_action.errors import StoreError
from gh_store_action.gateway.issues import GitHub as Gateway
from gh_store_action.gateway.transport import Cancelled, Transport
from gh_store_action.store import doctor
from gh_store_action.store.session import Session
from tests.double import BOT, GitHub, Repository
from tests.support.cli import ROOT, Done, Shell
from tests.support.stores import old_store

SHIPPED = {file.name: file.read_text("utf-8") for file in sorted((ROOT / "workflows-templates").glob("*.yml"))}
TEMPLATES = {name: text for name, text in SHIPPED.items() if name != "pages.yml"}
LABELS = ["stored-object", "UID:metrics"]


@pytest.fixture
def repository(github: GitHub) -> Repository:
    files = {f".github/workflows/{name}": text for name, text in TEMPLATES.items()}
    return github.add_repository("octo/store", files={"README.md": "# A store\n", **files})


def rows(done: Done) -> dict[str, tuple[str, str, str]]:
    return {row["check"]: (row["level"], row["found"], row["hint"]) for row in done.json}


def levels(done: Done) -> dict[str, str]:
    return {name: row[0] for name, row in rows(done).items() if row[0] != "ok"}


# -- init


def test_init__writes_the_default_configuration_once_and_says_what_is_next(shell: Shell) -> None:
    first, second = shell.run("init"), shell.run("init")

    file = shell.folder / ".config/gh-store/config.yml"
    assert file.read_text("utf-8") == dump_local()
    assert (first.code, first.json) == (0, {"written": [str(file)], "kept": [], "dry_run": False})
    assert (second.code, second.json) == (0, {"written": [], "kept": [str(file)], "dry_run": False})
    assert first.err == "Next: set GITHUB_TOKEN and GITHUB_REPOSITORY. Then run `gh-store doctor`.\n"


def test_init__what_it_writes_goes_with_a_store_that_has_rules_of_its_own(shell: Shell, repository: Repository) -> None:
    repository.commit_files({".github/gh-store.yml": "store: {base_label: data, access: {permission: admin}}\n"})
    shell.run("init")

    done = shell.run("create", "metrics", "{}")

    assert (done.code, done.err) == (0, "")
    assert "data" in repository.issue(done.json["issue_number"]).labels


def test_first_use__leaves_the_default_configuration_and_says_nothing(shell: Shell, repository: Repository) -> None:
    """gh-store's README promises it; what is in it counts for nothing until somebody changes it."""
    file = shell.folder / ".config/gh-store/config.yml"
    repository.commit_files(
        {".github/gh-store.yml": "store: {log: {level: ERROR}, rate_limit: {max_requests_per_hour: 5}}"}
    )

    assert shell.run("--help").code == shell.run("sweep", "--dry-run").code == 0
    assert not file.exists()
    assert shell.run("list").err == ""
    assert file.read_text("utf-8") == dump_local()
    file.write_text("store: {log: {level: LOUD}}", "utf-8")
    assert "store.log.level" in shell.run("list").err
    assert "LOUD" in file.read_text("utf-8")


def test_first_use__where_the_default_configuration_cannot_be_written_it_goes_without(shell: Shell) -> None:
    shell.env = {"HOME": "/proc/none"}

    assert shell.run("list").code == 0
    assert "Cannot write the default configuration." in shell.run("list", "--verbose").err


def test_first_use__without_a_home_directory_it_goes_without(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """HOME is not set, and nobody has the process's number: `docker run --user 1234` on an image of one's own."""
    for module in (store_config, invocation, setup):
        monkeypatch.setattr(module, "LOCAL_FILE", "~no-such-login/config.yml")

    assert (shell.run("list").code, shell.run("list").err) == (0, "")
    done = shell.run("init")
    assert (done.code, "The home directory in ~no-such-login/config.yml is not known." in done.err) == (2, True)


def test_first_use__a_relative_home_directory_is_none(shell: Shell) -> None:
    shell.env = {"HOME": "home"}

    assert (shell.run("list").code, list(shell.folder.iterdir())) == (0, [])
    done = shell.run("init")
    assert (done.code, "is a relative path. Write out the path, or set" in done.err) == (2, True), done.err


def test_first_use__another_configuration_makes_no_default(shell: Shell) -> None:
    (shell.folder / "mine.yml").write_text("store: {}", "utf-8")

    assert shell.run("list", "--config", "mine.yml").code == 0
    assert not (shell.folder / ".config").exists()


def test_init__never_overwrites(shell: Shell) -> None:
    file = shell.folder / "mine.yml"
    file.write_text("store: {}\n", "utf-8")

    assert shell.run("init", "--config", "mine.yml").json["kept"] == ["mine.yml"]
    assert file.read_text("utf-8") == "store: {}\n"


def test_init__dry_run_writes_nothing(shell: Shell) -> None:
    done = shell.run("init", "--config", "new.yml", "--dry-run")

    assert done.json == {"written": ["new.yml"], "kept": [], "dry_run": True}
    assert not (shell.folder / "new.yml").exists()


def test_init__repository_files_are_the_templates_and_the_configuration(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "checkout/.git").mkdir(parents=True)

    done = shell.run("init", "--repository-files", "--directory", "checkout")

    workflows = tmp_path / "checkout/.github/workflows"
    assert {file.name: file.read_text("utf-8") for file in workflows.iterdir()} == TEMPLATES
    assert (tmp_path / "checkout/.github/gh-store.yml").read_text("utf-8") == dump_default()
    assert len(done.json["written"]) == len(TEMPLATES) + 1
    assert "commit them to the default branch" in done.err


@pytest.mark.parametrize("more", [[], ["--page"]])
def test_init__what_it_writes_passes_the_doctor(github: GitHub, shell: Shell, tmp_path: Path, more: list[str]) -> None:
    bare = github.add_repository("octo/new", files={"README.md": "# A store\n"})
    (tmp_path / ".git").mkdir()
    written = shell.run("init", "--repository-files", *more).json["written"]
    assert [Path(name).name for name in written] == [*(["pages.yml"] if more else TEMPLATES), "gh-store.yml"]
    bare.commit_files({name: (tmp_path / name).read_text("utf-8") for name in written})

    assert levels(shell.run("doctor", "--repo", "octo/new")) == {"label": "warn"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["init", "--repository-files"], "is not the root of a checkout: it has no .git."),
        (["init", "--config", "file/config.yml"], "'file' is not a folder."),
        (["init", "--config", "/proc/none/config.yml"], "'/proc/none/config.yml' cannot be written"),
    ],
)
def test_init__says_why_it_can_not(shell: Shell, arguments: list[str], said: str) -> None:
    (shell.folder / "file").write_text("", "utf-8")

    done = shell.run(*arguments)

    assert done.code == 1
    assert said in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("given", [["--directory", "checkout"], ["--page"]])
def test_init__an_option_that_would_say_nothing_is_refused(shell: Shell, given: list[str]) -> None:
    done = shell.run("init", *given)

    assert (done.code, list(shell.folder.iterdir())) == (2, [])
    assert f"{given[0]} has no effect without --repository-files" in done.err


def test_init__on_a_terminal_says_it_in_words(shell: Shell) -> None:
    shell.run("init")
    (shell.folder / ".git").mkdir()

    assert "already exists" in shell.terminal("init").out
    assert "would write .github/workflows/sweep.yml" in shell.terminal("init", "--repository-files", "--dry-run").out


# -- doctor


def test_doctor__a_store_in_order_is_fine(shell: Shell, repository: Repository) -> None:
    number = repository.open_issue("octo", "Stored Object: metrics", '{"count": 0}', LABELS)
    shell.run("process-updates", "--issue", str(number))

    done = shell.run("doctor")

    assert done.code == 0
    assert levels(done) == {}
    assert rows(done)["token"][1] == "valid; it belongs to octo"
    assert rows(done)["issues: write"][1].startswith("tested by an empty request")
    assert "permission on the repository is admin" in rows(done)["issues: write"][1]
    assert "0 failed, 0 with warnings" in done.err


def test_doctor__writes_nothing(shell: Shell, repository: Repository) -> None:
    repository.open_issue("octo", "Stored Object: metrics", '{"count": 0}', LABELS)
    before = repository.issues(), repository.labels()

    shell.run("doctor")

    assert (repository.issues(), repository.labels()) == before


def test_doctor__a_token_that_is_not_accepted_ends_it(shell: Shell, github: GitHub) -> None:
    github.revoke(shell.token)

    done = shell.run("doctor")

    assert done.code == 1
    assert levels(done) == {"token": "fail"}
    assert "gh auth token" in rows(done)["token"][2]


def test_doctor__a_repository_that_is_not_there_ends_it(shell: Shell) -> None:
    done = shell.run("doctor", "--repo", "octo/none")

    assert (done.code, levels(done)) == (1, {"repository": "fail"})


def test_doctor__no_answer_ends_it(shell: Shell, github: GitHub) -> None:
    (shell.folder / "quick.yml").write_text("store: {retries: {max_attempts: 1}}", "utf-8")
    github.faults.status(502)

    done = shell.run("doctor", "--config", "quick.yml")

    assert (done.code, levels(done)) == (1, {"connection": "fail"})
    assert "1 check: 1 failed, 0 with warnings, 0 passed." in done.err


NO_BUDGET = {"budget", "label", "pending updates", "workflow process-updates.yml", "workflow sweep.yml"}


def today(github: GitHub) -> GitHub:
    """Its budgets are renewed in an hour from now."""
    github.clock.advance(int(time.time()) - github.clock.now)
    return github


@pytest.mark.parametrize("most", [1, 5])
def test_doctor__a_cap_of_the_configuration_stops_no_check(
    github: GitHub, shell: Shell, repository: Repository, most: int
) -> None:
    today(github)
    repository.open_issue("octo", "Stored Object: metrics", '{"count": 0}', LABELS)
    (shell.folder / "limit.yml").write_text(f"store: {{rate_limit: {{max_requests_per_hour: {most}}}}}", "utf-8")

    done = shell.run("doctor", "--config", "limit.yml")

    assert set(levels(done)) <= {*NO_BUDGET, "written by gh-store"}
    assert (done.code, rows(done)["budget"][0] != "fail") == (0, True)


@pytest.mark.parametrize(
    ("bucket", "left"), [*(("graphql", left) for left in range(10)), *(("core", left) for left in range(14))]
)
def test_doctor__githubs_own_budget_that_is_used_up_is_called_that(
    github: GitHub, shell: Shell, bucket: str, left: int
) -> None:
    today(github).set_rate_limit(shell.token, bucket, limit=900, remaining=left)

    done = shell.run("doctor")

    assert set(levels(done)) <= NO_BUDGET
    assert "GitHub's rate limit is reached" in rows(done)["budget"][1] or rows(done)["budget"][0] != "fail"


@pytest.mark.parametrize(
    "behind", ["token", "issues: read", "contents: read", "configuration", "workflow sweep.yml", "label"]
)
def test_doctor__that_is_stopped_calls_no_check_failed(
    github: GitHub, repository: Repository, shell: Shell, behind: str
) -> None:
    transport = Transport(token=shell.token, api_url=github.api_url, graphql_url=github.graphql_url)
    found: list[doctor.Check] = []

    with pytest.raises(Cancelled):
        for check in doctor.examine(Session(Gateway(transport, repository.full_name))):
            found.append(check)
            if check.name == behind:
                transport.stop()
    transport.close()

    assert [check for check in found if check.level is doctor.Level.FAIL] == []


def test_doctor__an_archived_repository_fails(shell: Shell, repository: Repository) -> None:
    repository.archive()

    done = shell.run("doctor")

    assert done.code == 1
    assert {"repository": "fail", "issues: write": "fail"}.items() <= levels(done).items()


def test_doctor__disabled_issues_fail(shell: Shell, repository: Repository) -> None:
    repository.set_issues_enabled(False)

    done = shell.run("doctor")

    assert done.code == 1
    assert levels(done)["issues"] == "fail"
    assert "Settings > General > Features" in rows(done)["issues"][2]


@pytest.mark.parametrize(
    ("permissions", "failing"),
    [
        ({"issues": "write", "contents": "read"}, set()),
        ({"issues": "read", "contents": "read"}, {"issues: write"}),
        ({"contents": "read"}, {"issues: read", "issues: write"}),
        ({"issues": "write"}, {"contents: read", "configuration"}),
    ],
)
def test_doctor__names_the_permission_that_a_workflow_token_lacks(
    github: GitHub, tmp_path: Path, permissions: dict[str, str], failing: set[str]
) -> None:
    files = {f".github/workflows/{name}": text for name, text in TEMPLATES.items()}
    private = github.add_repository("octo/private", private=True, files=files)
    private.create_label("octo", "stored-object")
    shell = Shell(github, "octo/private", tmp_path, private.workflow_token(**permissions))

    done = shell.run("doctor")

    assert {name for name, row in rows(done).items() if row[0] == "fail"} - {"objects"} == failing
    for name in failing - {"configuration"}:
        assert f"permissions: {{{name}}}" in rows(done)[name][2]


def test_doctor__a_stranger_may_read_and_not_write(github: GitHub, shell: Shell, repository: Repository) -> None:
    shell.token = github.token("mallory")

    assert rows(shell.run("doctor"))["issues: write"][0] == "fail"


def test_doctor__where_github_does_not_say_it_says_so(github: GitHub, shell: Shell) -> None:
    github.faults.status(500, match=lambda request: request.method == "POST" and request.path.endswith("/labels"))

    done = shell.run("doctor")

    assert rows(done)["issues: write"][0] == "warn"
    assert "status 500" in rows(done)["issues: write"][1]


def test_doctor__a_wrong_configuration_fails_and_names_the_key(shell: Shell, repository: Repository) -> None:
    repository.commit_files({".github/gh-store.yml": "store: {base_labell: x}\n"})

    done = shell.run("doctor")

    assert done.code == 1
    assert levels(done) == {"configuration": "fail"}
    assert "base_labell" in rows(done)["configuration"][1]
    assert "objects" not in rows(done)


def test_doctor__a_schema_that_is_not_there_fails(shell: Shell, repository: Repository) -> None:
    repository.commit_files({".github/gh-store.yml": 'store: {schemas: [{match: "*", schema: none.json}]}\n'})

    assert "none.json" in rows(shell.run("doctor"))["configuration"][1]


@pytest.mark.parametrize(
    ("files", "row"),
    [
        (
            {"process-updates.yml": None},
            ("warn", "not installed: updates posted as comments are not applied automatically"),
        ),
        (
            {"process-updates.yml": None, "own.yml": "      - uses: octo/gh-store-action@v1\n"},
            ("ok", "not installed; these workflows use the action: own.yml"),
        ),
        (
            {"process-updates.yml": None, "store.yml": TEMPLATES["process-updates.yml"]},
            ("ok", "store.yml, version 1"),
        ),
        (
            {"process-updates.yml": TEMPLATES["process-updates.yml"].replace("template v1", "template v0")},
            ("warn", "process-updates.yml was copied from version 0"),
        ),
    ],
)
def test_doctor__looks_at_the_workflows(
    shell: Shell, repository: Repository, files: dict[str, str | None], row: tuple[str, str]
) -> None:
    repository.commit_files({f".github/workflows/{name}": text for name, text in files.items()})

    assert rows(shell.run("doctor"))["workflow process-updates.yml"][:2] == row


def test_doctor__without_any_workflow_the_snapshot_is_optional(github: GitHub, shell: Shell) -> None:
    github.add_repository("octo/bare")

    found = levels(shell.run("doctor", "--repo", "octo/bare"))

    assert found == {"workflow process-updates.yml": "warn", "workflow sweep.yml": "warn", "label": "warn"}


OFF = "disabled workflows"


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ("disabled_inactivity", "GitHub disabled it after 60 days without repository activity"),
        ("disabled_manually", "someone disabled it"),
        ("disabled_fork", "GitHub disables workflows in forks"),
    ],
)
@pytest.mark.parametrize("file", ["sweep.yml", "own.yaml"])
def test_doctor__says_which_workflows_are_off_and_how_to_turn_them_on(
    shell: Shell, repository: Repository, file: str, state: str, why: str
) -> None:
    others = {f".github/workflows/other-{place}.yml": "on: push\n" for place in range(100)}  # more than a page of them
    own = {".github/workflows/own.yaml": "      - uses: octo/gh-store-action@v1\n"}
    repository.commit_files({**others, **own})
    repository.set_workflow_state("other-7.yml", "disabled_manually")  # it has nothing to do with the store
    assert rows(shell.run("doctor"))[OFF] == ("ok", "none", "")
    repository.set_workflow_state(file, state)

    row = rows(shell.run("doctor"))[OFF]

    assert row == (
        "warn",
        f"1: {file} ({why})",
        "Enable them: `gh workflow enable NAME`, or Actions > the workflow > Enable workflow.",
    )


def test_doctor__says_that_it_may_not_see_whether_workflows_are_on(github: GitHub, tmp_path: Path) -> None:
    files = {f".github/workflows/{name}": text for name, text in TEMPLATES.items()}
    private = github.add_repository("octo/private", private=True, files=files)
    found = {}
    for actions in ("none", "read"):
        token = private.workflow_token(issues="write", contents="read", actions=actions)
        found[actions] = rows(Shell(github, "octo/private", tmp_path, token).run("doctor"))[OFF]

    assert found["none"][0] == "warn" and "permissions: {actions: read}" in found["none"][2]
    assert found["read"] == ("ok", "none", "")


def test_doctor__says_that_the_snapshots_push_starts_no_workflow(shell: Shell) -> None:
    row = rows(shell.run("doctor"))["workflow snapshot.yml"]

    assert row[0] == "ok"
    assert "its pushes with GITHUB_TOKEN start no `on: push` workflow" in row[1]


def test_doctor__a_workflow_that_looks_for_another_label_is_noticed(shell: Shell, repository: Repository) -> None:
    repository.commit_files({".github/gh-store.yml": "store: {base_label: data}\n"})

    row = rows(shell.run("doctor"))["workflow process-updates.yml"]

    assert row[0] == "warn"
    assert "'data'" in row[2]


def test_doctor__counts_what_is_pending_double_and_broken(shell: Shell, repository: Repository) -> None:
    for number in range(2):
        repository.open_issue("octo", "Stored Object: twice", f'{{"n": {number}}}', ["stored-object", "UID:twice"])
    for number in range(7):
        repository.open_issue("octo", "Stored Object: x", "oops {", ["stored-object", f"UID:broken{number}"])
    metrics = repository.open_issue("octo", "Stored Object: metrics", '{"count": 0}', LABELS)
    shell.run("process-updates", "--issue", str(metrics))
    repository.comment(metrics, BOT, '{"count": 1}')
    repository.open_issue("mallory", "Stored Object: m", "{}", ["stored-object", "UID:m"])

    done = shell.run("doctor")

    assert done.code == 1
    found = rows(done)
    assert found["pending updates"] == ("warn", f"1: #{metrics}", "Run `gh-store sweep`.")
    assert found["duplicate ids"][:2] == ("fail", "1: twice in #1, #2")
    assert found["broken bodies"][0] == "fail"
    assert found["broken bodies"][1].startswith("7: #3 (its body cannot be read as an object")
    assert found["broken bodies"][1].endswith("and 2 more")
    assert found["written by gh-store"][0] == "warn"


def test_doctor__a_listing_that_fails_is_a_row(github: GitHub, shell: Shell, repository: Repository) -> None:
    (shell.folder / "quick.yml").write_text("store: {retries: {max_attempts: 1}}", "utf-8")
    repository.create_label("octo", "stored-object")
    github.faults.status(500, match=lambda request: "query Sweep" in request.body)

    done = shell.run("doctor", "--config", "quick.yml")

    assert (done.code, levels(done)) == (1, {"objects": "fail"})


def test_doctor__a_store_that_gh_store_wrote_is_pointed_to_migrate(github: GitHub, tmp_path: Path) -> None:
    old_store(github, "0.9")

    row = rows(Shell(github, "octo/store", tmp_path, github.token("octo")).run("doctor"))["written by gh-store"]

    assert row == ("warn", "3: #1, #2, #3", "Run `gh-store migrate --dry-run`, then `gh-store migrate`.")


def test_doctor__on_a_terminal_is_a_table_with_what_to_do(shell: Shell, repository: Repository) -> None:
    repository.set_issues_enabled(False)

    shown = shell.terminal("doctor").out

    assert "fail" in shown
    assert "→ Enable them under Settings > General > Features." in shown
    assert '"check"' not in shown


def test_templates__of_an_installation_without_any_are_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    doctor._shipped.cache_clear()
    monkeypatch.setattr(doctor, "files", lambda _: tmp_path)

    with pytest.raises(StoreError, match="no workflow templates"):
        doctor.templates()
