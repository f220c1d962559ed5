"""The attacks of the original's list (D35 to D45) and more, each held off."""

from __future__ import annotations

import json

import pytest

from gh_store_action.domain import objects
from gh_store_action.domain.records import StoredObject
from gh_store_action.domain.snapshots import files as snapshot_files
from gh_store_action.domain.snapshots import snapshot as snapshots
from gh_store_action.domain.snapshots.contents import whole
from gh_store_action.domain.snapshots.files import file_of
from gh_store_action.domain.snapshots.snapshot import stored_object
from gh_store_action.errors import ConfigurationError
from tests.double import BOT
from tests.support.store import World, world
from tests.support.values import RULES, issue

RULE_FILE = ".github/gh-store.yml"


def rules(w: World, text: str, **files: str) -> None:
    """Puts the store's rules, and schemas, on the default branch."""
    schemas = {f".github/gh-store/{name.replace('_', '.')}": content for name, content in files.items()}
    w.repo.commit_files({RULE_FILE: text, **schemas}, by="alice")


# -- who may write


def test_a_strangers_receipt_hides_no_update() -> None:
    """D35."""
    with world() as w:
        number = w.object()
        comment = w.update(number, {"a": 1})
        for content in ("+1", "-1", "rocket", "confused"):
            w.repo.react(comment, "mallory", content)
        assert [r.applied for r in w.sweep()] == [1]
        assert w.data(number) == {"count": 0, "a": 1}


def test_a_hundred_strangers_reactions_hide_no_receipt() -> None:
    with world() as w:
        number = w.object()
        comment = w.update(number, {"a": 1})
        for place in range(130):
            w.hub.add_user(f"stranger{place}")
            w.repo.react(comment, f"stranger{place}", "+1")
        w.process(number)
        assert w.process(number).applied == 0
        assert w.data(number) == {"count": 0, "a": 1}


def test_the_workflows_own_identity_writes_without_being_asked_about() -> None:
    """D36."""
    with world() as w:
        number = w.object()
        w.update(number, {"a": 1}, by=BOT)
        before = w.requests()
        assert w.process(number).applied == 1
        assert w.requests() - before == 2


def test_an_organisations_repository_without_codeowners__write_permission_is_enough() -> None:
    """D37."""
    with world() as w:
        number = w.object()
        w.update(number, {"a": 1}, by="bob")
        assert w.process(number).applied == 1


@pytest.mark.parametrize("login", ["github-actions", "alice-", "alicе"])
def test_a_login_that_looks_like_another_is_another(login: str) -> None:
    """The last one has a Cyrillic letter."""
    with world() as w:
        w.hub.add_user(login)
        number = w.object()
        w.update(number, {"hacked": 1}, by=login)
        w.repo.comment(number, login, "<!-- gh-store refused 1 -->")
        w.repo.comment(
            number, login, json.dumps({"type": "initial_state", "_data": {"hacked": 2}, "_meta": {"after": 10**11}})
        )
        result = w.process(number)
        assert (result.applied, result.unauthorized, w.data(number)) == (0, 1, {"count": 0})


def test_capitals_in_a_login_do_not_matter() -> None:
    """D38."""
    with world() as w:
        w.hub.add_user("Carol")
        rules(w, "store: {access: {permission: admin, users: [CAROL]}}")
        number = w.object()
        w.update(number, {"a": 1}, by="Carol")
        assert w.process(number).applied == 1


@pytest.mark.parametrize(
    ("access", "who", "allowed"),
    [
        ("{permission: write}", "alice", True),
        ("{permission: maintain}", "alice", False),
        ("{permission: triage}", "tina", True),
        ("{permission: write}", "tina", False),
        ("{permission: read}", "rita", True),
        ("{permission: anyone}", "mallory", True),
        ("{permission: admin, users: [mallory]}", "mallory", True),
        ("{permission: admin, codeowners: true}", "olga", True),
        ("{permission: admin, codeowners: true}", "alice", False),
        ('[{match: "open/*", permission: anyone}, {match: "*", permission: admin}]', "alice", False),
        ('[{match: "M*", permission: anyone}, {match: "*", permission: admin}]', "mallory", True),
        ('[{match: "other", permission: anyone}]', "mallory", False),
    ],
)
def test_who_may_write_is_what_the_rules_say(access: str, who: str, allowed: bool) -> None:
    with world() as w:
        for login, role in (("tina", "triage"), ("rita", "read"), ("olga", "read")):
            w.hub.add_user(login)
            w.repo.grant(login, role)
        w.repo.commit_files({"CODEOWNERS": "* @alice # was @mallory\n/data/ @Olga\n"}, by="alice")
        rules(w, f"store: {{access: {access}}}")
        number = w.object()
        w.update(number, {"a": 1}, by=who)
        assert w.process(number).applied == allowed


def test_a_team_that_the_token_can_not_read_is_an_error_and_not_nobody() -> None:
    """D38."""
    with world() as w:
        w.hub.add_org("octo")
        w.hub.add_team("octo", "data", {"mallory": "member"})
        rules(w, "store: {access: {permission: admin, teams: [octo/data]}}")
        number = w.object()
        w.update(number, {"a": 1}, by="mallory")
        processor = w.processor()
        assert processor.process(number).pending == 1
        assert "cannot read the team octo/data" in processor.session.refusals_to_say["mallory"]


def test_a_team_that_the_token_can_read() -> None:
    with world() as w:
        w.hub.add_user("owner")
        w.hub.add_user("carol")
        w.repo.grant("owner", "admin")
        w.hub.add_org("acme", {"owner": "admin", "carol": "member"})
        w.hub.add_team("acme", "data", {"carol": "member"})
        rules(w, "store: {processors: [owner, 'github-actions[bot]'], access: {permission: admin, teams: [acme/data]}}")
        number = w.object()
        w.update(number, {"a": 1}, by="carol")
        w.update(number, {"b": 1}, by="mallory")
        result = w.process(number, w.hub.token("owner"))
        assert (result.applied, result.unauthorized) == (1, 1)


# -- forged state


def test_a_strangers_issue_with_the_stores_labels_is_no_object() -> None:
    """D39: a template can label a stranger's issue."""
    with world() as w:
        number = w.repo.open_issue("mallory", "Stored Object: m [r1 c0 n0 44136fa3]", "{}", [])
        w.repo.edit_issue(number, BOT, labels=["stored-object", "UID:m"])
        assert "may not write" in w.process(number).skipped
        assert w.sweep() == []
        assert w.repo.issue(number).state.lower() == "open"


def test_an_applied_update_edited_afterwards_changes_nothing() -> None:
    """D23."""
    with world() as w:
        number = w.object()
        comment = w.update(number, {"v": 1})
        w.process(number)
        w.repo.edit_comment(comment, "bob", '{"v": 666}')
        w.update(number, {"next": 1})
        w.process(number)
        assert w.data(number) == {"count": 0, "v": 1, "next": 1}


def test_a_strangers_comment_costs_one_look_up_and_no_reply() -> None:
    """D40, D62: five strangers' comments, one person."""
    with world() as w:
        number = w.object()
        for place in range(5):
            w.update(number, {"h": place}, by="mallory")
        before = w.requests()
        result = w.process(number)
        assert (result.unauthorized, w.requests() - before) == (5, 3)
        assert len(w.repo.issue(number).comments) == 6
        assert w.data(number) == {"count": 0}


# -- hostile texts

HOSTILE = [
    "::set-output name=x::y",
    '{"a": "::add-mask::e"}',
    '{"::error::": "##[error]x"}',
    '{"a": "<script>alert(1)</script> @alice #1 | `x`"}',
    '{"\u202e": "\u2066x"}',
    '{"a": "' + "x" * 65_000 + '"}',
    '{"a": ' + "[" * 3000 + "]" * 3000 + "}",
    '{"a": ' + "9" * 5000 + "}",
    '{"a": NaN, "b": Infinity}',
    '{"a": 1, "a": 2}',
    '{"a": "\\ud800"}',
    "```json\r\n{}\r\n```",
    "😀" * 100,
    '{"😀": "ok"}',
    "[x] done",
    "<!-- gh-store refused 1 -->",
]


def test_no_comment_blocks_or_breaks_another() -> None:
    """D28, D29, D73."""
    with world() as w:
        number = w.object()
        for text in HOSTILE:
            w.repo.comment(number, "alice", text)
        w.update(number, {"last": 1})
        result = w.process(number)
        assert result.state is not None
        data = w.data(number)
        assert isinstance(data, dict)
        assert (data["last"], data["😀"]) == (1, "ok")
        body = w.repo.issue(number).body
        assert "@alice" not in body
        assert "#1" not in body
        assert w.process(number).processed == 0


def test_growth_is_refused_and_the_state_stays() -> None:
    """A patch that doubles, and one that pushes without end."""
    with world() as w:
        number = w.object(data={"a": "x" * 1000})
        double = [{"op": "copy", "from": "", "path": f"/k{n}"} for n in range(40)]
        w.update(number, {"_data": double, "_meta": {"update_mode": "json-patch"}})
        push = {"$push": {"list": {"$each": ["y" * 100] * 600}}}
        w.update(number, {"_data": push, "_meta": {"update_mode": "operators"}})
        w.update(number, {"ok": 1})
        result = w.process(number)
        assert (result.applied, result.rejected) == (1, 2)
        assert w.data(number) == {"a": "x" * 1000, "ok": 1}


# -- schemas

EXPONENTIAL = {
    "$defs": {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 8} for n in range(12)} | {"d12": {"type": "null"}},
    "$ref": "#/$defs/d0",
}


def test_a_schema_with_exponential_references_ends_with_a_reason() -> None:
    with world() as w:
        number = w.object()
        rules(w, 'store: {schemas: [{match: "*", schema: s.json}]}', s_json=json.dumps(EXPONENTIAL))
        w.update(number, {"a": 1})
        result = w.process(number)
        assert result.rejected == 1
        assert result.refusals[0].reasons[0][1].startswith("fits none of the 8 alternatives; the nearest one says")


def test_a_catastrophic_pattern_takes_linear_time() -> None:
    with world() as w:
        schema = {"properties": {"a": {"pattern": "^(a+)+$"}}}
        rules(w, 'store: {schemas: [{match: "*", schema: s.json}]}', s_json=json.dumps(schema))
        number = w.object()
        w.update(number, {"a": "a" * 5000 + "!"})
        assert w.process(number).rejected == 1


def test_a_schema_rejects_the_result_as_a_whole_with_every_violation() -> None:
    with world() as w:
        schema = {
            "type": "object",
            "required": ["count"],
            "properties": {"count": {"type": "integer", "minimum": 0}},
            "additionalProperties": False,
        }
        rules(w, 'store: {schemas: [{match: "m*", schema: s.json}]}', s_json=json.dumps(schema))
        number = w.object()
        w.update(number, {"count": -1, "more": 2})
        w.update(number, {"count": 5})
        result = w.process(number)
        assert (result.applied, result.rejected, w.data(number)) == (1, 1, {"count": 5})
        assert [path for path, _ in result.refusals[0].reasons] == ["$.count", "$.more"]
        reply = w.repo.issue(number).comments[-1].body
        assert "`$.count`" in reply
        other = w.object("other")
        w.update(other, {"count": -1})
        assert w.process(other).applied == 1


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("{", "line 1"),
        ('{"type": "nonsense"}', "s.json"),
        ('{"$ref": "https://evil.test/s.json"}', "evil.test"),
        ('{"pattern": "(?=a)"}', "s.json"),
    ],
)
def test_a_schema_that_is_wrong_itself_stops_the_run_and_nothing_is_written(schema: str, said: str) -> None:
    with world() as w:
        number = w.object()
        w.update(number, {"a": 1})
        rules(w, 'store: {schemas: [{match: "*", schema: s.json}]}', s_json=schema)
        with pytest.raises(ConfigurationError, match=said):
            w.process(number)
        assert w.seen(number).receipts == ((),)
        w.repo.commit_files({RULE_FILE: "store: {schemas: [{match: '*', schema: none.json}]}"}, by="alice")
        with pytest.raises(ConfigurationError, match=r"none\.json is not on the default branch"):
            w.process(number)


# -- paths


@pytest.mark.parametrize(
    "object_id",
    [
        "../../etc/passwd",
        "..",
        ".",
        "/etc/passwd",
        "a/../../b",
        "con",
        "nul.x",
        ".git/config",
        "~root",
        "x" * 46,
        "../" * 50,
        "\\..\\ x",
    ],
)
def test_an_object_id_makes_no_path_outside_its_folder(object_id: str) -> None:
    path = file_of(object_id, objects.uid_label(object_id, RULES))
    assert path.count("/") == 1
    assert path.startswith("objects/")
    assert not {".", "..", ".git"} & set(path.split("/"))
    assert not path.startswith("objects/.")


def test_a_snapshot_of_hostile_objects_is_json_all_the_same() -> None:
    found = stored_object(issue({"a\n  }": '"\u2028'}, []), RULES, lambda login, object_id: None)
    assert isinstance(found, StoredObject)
    snapshot = snapshots.Snapshot("o/r", {1: snapshots.entry_of(found)})
    (content,) = snapshot_files.write(snapshot, "json").values()
    assert json.loads(whole(content))["objects"]["m"]["data"] == {"a\n  }": '"\u2028'}
