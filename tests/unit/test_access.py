"""Who may write: rules, permissions, teams and CODEOWNERS, as tables."""

import re

import pytest

from gh_store_action.domain.access import (
    CODEOWNERS_LIMIT,
    LEVELS,
    Question,
    allows,
    codeowners_for,
    level,
    matches,
    needs,
    rule_for,
    standing,
)
from gh_store_action.domain.records import AccessRule, Rules

BILLING = AccessRule(match="Billing*", permission="admin")
METRICS = AccessRule(match="metrics-?", permission="read")


@pytest.mark.parametrize(
    ("glob", "object_id", "expected"),
    [
        ("*", "anything", True),
        ("metrics*", "METRICS-eu", True),
        ("Metrics*", "metrics", True),
        ("metrics?", "metrics", False),
        ("a.b", "axb", False),
    ],
)
def test_fits__case_does_not_count(glob: str, object_id: str, expected: bool) -> None:
    assert matches(glob, object_id) is expected


@pytest.mark.parametrize(
    ("access", "object_id", "expected"),
    [
        ((AccessRule(permission="admin"),), "x", AccessRule(permission="admin")),
        ((BILLING, METRICS), "billing-1", BILLING),
        ((BILLING, METRICS), "metrics-1", METRICS),
        ((BILLING, AccessRule(match="billing-1", permission="anyone")), "billing-1", BILLING),
        ((BILLING, METRICS), "other", AccessRule()),
    ],
)
def test_rule_for__first_that_fits_counts_and_else_the_default(
    access: tuple[AccessRule, ...], object_id: str, expected: AccessRule
) -> None:
    assert rule_for(Rules(access=access), object_id) == expected


@pytest.mark.parametrize(
    ("permission", "role_name", "expected"),
    [
        ("admin", "admin", "admin"),
        ("write", "maintain", "maintain"),
        ("write", "write", "write"),
        ("write", "", "write"),
        ("write", "release-captain", "write"),  # a custom role has the rights of its base
        ("WRITE", "Maintain", "maintain"),
        ("read", "triage", "triage"),
        ("read", "read", "read"),
        ("read", "admin", "read"),  # a custom role may have any name
        ("read", "maintain", "read"),
        ("none", "none", "none"),
        ("none", "triage", "none"),
        ("maintain", "", "maintain"),
        ("", "", "none"),
        ("owner", "admin", "none"),
    ],
)
def test_standing__permission_and_role_name_make_one_level(permission: str, role_name: str, expected: str) -> None:
    assert standing(permission, role_name) == expected
    assert level(permission, role_name) == LEVELS.index(expected)


@pytest.mark.parametrize("wanted", LEVELS[1:])
@pytest.mark.parametrize("held", LEVELS)
def test_allows__a_permission_that_is_at_least_the_rule(wanted: str, held: str) -> None:
    expected = LEVELS.index(held) >= LEVELS.index(wanted)
    assert allows(AccessRule(permission=wanted), login="ada", permission=held) is expected


@pytest.mark.parametrize(
    ("rule", "known", "expected"),
    [
        (AccessRule(), {"login": "ada"}, False),
        (AccessRule(permission="anyone"), {"login": "ada"}, True),
        (AccessRule(permission="anyone"), {"login": "ghost"}, True),
        (AccessRule(users=frozenset({"ada"})), {"login": "Ada"}, True),
        (AccessRule(users=frozenset({"ada"})), {"login": "bob", "permission": "read"}, False),
        (AccessRule(users=frozenset({"ghost"})), {"login": "ghost"}, False),
        (AccessRule(), {"login": "ghost", "permission": "admin"}, False),
        (AccessRule(teams=("org/core",)), {"login": "ada", "teams": ["Org/Core"]}, True),
        (AccessRule(teams=("org/core",)), {"login": "ada", "teams": ["org/other"]}, False),
        (AccessRule(), {"login": "ada", "teams": ["org/core"]}, False),
        (AccessRule(codeowners=True), {"login": "Ada", "codeowners": {"ada"}}, True),
        (AccessRule(codeowners=True), {"login": "bob", "codeowners": {"ada"}}, False),
        (AccessRule(codeowners=False), {"login": "ada", "codeowners": {"ada"}}, False),
        (AccessRule(codeowners=True), {"login": "bob", "codeowners": {"org/core"}, "teams": ["org/core"]}, True),
    ],
)
def test_allows__users_teams_and_codeowners_whatever_their_permission(
    rule: AccessRule, known: dict[str, object], expected: bool
) -> None:
    assert allows(rule, **known) is expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "login", "expected"),
    [
        (AccessRule(), "ada", (Question.PERMISSION,)),
        (AccessRule(permission="anyone"), "ada", ()),
        (AccessRule(users=frozenset({"ada"})), "ADA", ()),
        (AccessRule(users=frozenset({"ada"})), "bob", (Question.PERMISSION,)),
        (AccessRule(teams=("o/t",)), "ada", (Question.PERMISSION, Question.TEAMS)),
        (AccessRule(codeowners=True), "ada", (Question.PERMISSION, Question.CODEOWNERS)),
        (
            AccessRule(codeowners=True, teams=("o/t",)),
            "ada",
            (Question.PERMISSION, Question.CODEOWNERS, Question.TEAMS),
        ),
    ],
)
def test_needs__asks_for_nothing_that_can_not_matter(
    rule: AccessRule, login: str, expected: tuple[Question, ...]
) -> None:
    assert needs(rule, login) == expected


FILE = "data/store-snapshot.json"


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("", FILE, set()),
        ("* @alice", FILE, {"alice"}),
        ("* @Alice @Org/Team-1", FILE, {"alice", "org/team-1"}),
        ("* @alice # was @mallory", FILE, {"alice"}),  # D38
        ("# * @mallory", FILE, set()),
        ("  * @alice\r\n", FILE, {"alice"}),
        ("/docs/ @bob", FILE, set()),  # D38
        ("* @alice\n/data/ @bob", FILE, {"bob"}),  # the last one counts
        ("/data/ @bob\n* @alice", FILE, {"alice"}),
        ("* @alice\n/data/", FILE, set()),  # nobody owns it
        ("* @alice\n/other/", FILE, {"alice"}),
        ("* a@example.org", FILE, set()),
        ("* a@example.org @bob", FILE, {"bob"}),
        ("* @alice\n* bob", FILE, {"alice"}),  # a fault: the line is skipped
        ("* @alice\n* @bob!", FILE, {"alice"}),
        ("* @alice\n!/data/ @bob", FILE, {"alice"}),
        ("* @alice\n/dat[a]/ @bob", FILE, {"alice"}),
        ("* @alice\n[Section] @bob", FILE, {"alice"}),
        ("* @alice\n\\#data @bob", FILE, {"alice"}),
        ("* @alice\n/ @bob", FILE, {"alice"}),
        ("* @alice\n\\ @bob", FILE, {"alice"}),
        ("*.json @a", FILE, {"a"}),
        ("*.js @a", FILE, set()),
        ("store-*.json @a", FILE, {"a"}),
        ("store-snapshot.jso? @a", FILE, {"a"}),
        ("store-snapshot.json? @a", FILE, set()),
        ("data/*.json @a", FILE, {"a"}),
        ("data/* @a", FILE, {"a"}),
        ("/data/* @a", "data/store/metrics.json", set()),  # not nested
        ("docs/* @a", "x/docs/y", set()),  # a slash inside: from the root
        ("docs/ @a", "x/docs/y", {"a"}),  # at any depth
        ("docs @a", "x/docs/y/z", {"a"}),
        ("/docs @a", "x/docs/y", set()),
        ("docs/ @a", "docs", set()),  # a file of that name is no directory
        ("/docs/ @a", "docs/a/b/c", {"a"}),
        ("/docs/a @a", "docs/a/b/c", {"a"}),
        ("/docs/ab @a", "docs/a/b", set()),
        ("**/logs @a", "build/deep/logs/x", {"a"}),
        ("**/logs @a", "logs", {"a"}),
        ("/a/**/z @a", "a/z", {"a"}),
        ("/a/**/z @a", "a/b/c/z", {"a"}),
        ("/a/**/z @a", "a/b/c", set()),
        ("/a/** @a", "a/b/c", {"a"}),
        ("/a/** @a", "a", set()),
        ("** @a", "b/c", {"a"}),
        ("/* @a", "b", {"a"}),
        ("/* @a", "b/c", set()),
        ("**/* @a", "b/c", {"a"}),
        ("*/ @a", "b", set()),
        ("*/ @a", "b/c", {"a"}),
        ("a//b @a", "a/b", set()),
        ("/Data/ @a", FILE, set()),  # paths are case-sensitive
        ("my\\ data/ @a", "my data/x", {"a"}),
        ("/data/ @a", "./data//x", {"a"}),
        ("/a/b/c @a", "a/b", set()),
    ],
)
def test_codeowners_for__goes_by_github_rules(text: str, path: str, expected: set[str]) -> None:
    assert codeowners_for(text, path) == expected


@pytest.mark.parametrize("team", ["acme/..", "acme/.", "acme/.core", "../core"])
def test_codeowners_for__a_team_that_leads_elsewhere_is_a_fault(team: str) -> None:
    assert codeowners_for(f"* @alice\n* @{team}\n", "data/s.json") == {"alice"}


def test_codeowners_for__a_file_that_github_does_not_load_names_nobody() -> None:
    assert codeowners_for("* @a\n" + "#" * CODEOWNERS_LIMIT, FILE) == frozenset()


@pytest.mark.parametrize(
    "pattern", ["*a" * 5_000, "**/" * 5_000 + "b", "a*" * 5_000, "\\ " * 5_000, "?*" * 5_000 + "/x", "/" * 10_000]
)
def test_codeowners_for__no_pattern_runs_away(pattern: str) -> None:
    assert codeowners_for(f"{pattern} @a", "a" * 200 + "/" + "a" * 200) == frozenset()


@pytest.mark.parametrize(
    ("glob", "object_id", "whose"),
    [
        ("{login}-*", "a-x", "a"),
        ("{login}-*", "a-b-x", "a-b"),
        ("{login}-*", "a-b-x-y", "a-b-x"),
        ("{login}-*", "A-B-x.y-z", "a-b"),
        ("{login}-*", "a-b_c-x", "a-b_c"),
        ("{login}-*", "a[bot]-x", "a[bot]"),
        ("{login}*", "a-b", "a-b"),
        ("*-{login}", "x-a-b", "a-b"),
        ("*{login}", "x-a", "x-a"),
        ("*{login}*", "a/a-b", "a-b"),
        ("*/{login}/*", "q/a/x", "a"),
        ("*/{login}/*", "q/aa/b/x", "aa"),
        ("*/{login}/*", "q/a/b/x", ""),
        ("{login}/*", "a-b/x", "a-b"),
        ("{login}/*", "a/b/x", "a"),
        ("guest-{login}", "guest-a-b", "a-b"),
        ("{login}-notes", "a-b-notes", "a-b"),
        ("?{login}", "aa", "a"),
        ("{login}/{login}-*", "a/a-b", "a"),
        ("[{login}]", "a", "a"),
    ],
)
def test_matches__each_id_is_one_logins(glob: str, object_id: str, whose: str) -> None:
    ends = range(len(object_id) + 1)
    parts = {object_id[start:end].lower() for start in ends for end in ends}
    logins = {part for part in parts if re.fullmatch(r"[a-z0-9_-]+(\[bot\])?", part)}
    assert {login for login in logins if matches(glob, object_id, login)} == ({whose} if whose else set())


def test_matches__a_login_stands_for_itself_and_for_nothing_where_none_is_given() -> None:
    assert matches("guest-{login}", "Guest-Ada", "ada")
    assert not matches("guest-{login}", "guest-ada")
    assert matches("{login}-*", "dependabot[bot]-1", "dependabot[bot]")
    assert not matches("{login}", "dependabotb", "dependabot[bot]")
