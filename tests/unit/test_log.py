"""What a comment says, how entries fold, what a reply looks like, and when a sweep looks closer."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gh_store_action.domain import objects, replies
from gh_store_action.domain.log.entries import Kind, checkpoint, envelope, read
from gh_store_action.domain.log.fold import State, attempt, fold, newest_checkpoint, repeats, unread_for_keys
from gh_store_action.domain.objects import Marker, read_title
from gh_store_action.domain.processing.sweeping import settled
from gh_store_action.domain.records import FOREVER, Refusal
from gh_store_action.domain.refusal import Reason
from gh_store_action.domain.replies import RefusedEdit
from gh_store_action.domain.strict_json import InvalidJson, parse, read_body
from gh_store_action.domain.verdicts import Outcome, Verdict
from tests.support.values import BOT, COUNTING, RULES, comment, initial, issue, marked

# -- titles


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Stored Object: m [r3 c12 n4 0123abcd]", ("m", Marker(3, 12, 4, "0123abcd"))),
        ("Stored Object: m", ("m", None)),
        ("Stored Object: m [r3 c12 n4 0123ABCD]", ("m", None)),
        ("Stored Object: m [r3 c12 n4 0123abcd] ", ("m", None)),
        ("Stored Object: m [r3 c99999999999999999999 n4 0123abcd]", ("m", None)),
        ("Stored Object: [r1 c1 n1 00000000] [r3 c12 n4 0123abcd]", ("[r1", None)),
        ("my issue [r3 c12 n4 0123abcd]", ("", None)),
    ],
)
def test_titles(title: str, expected: tuple[str, Marker | None]) -> None:
    assert read_title(title) == expected


# -- comments

ENVELOPE = {"_data": {"a": 1}, "_meta": {}}


@pytest.mark.parametrize(
    ("body", "kind", "detail"),
    [
        ('{"a": 1}', Kind.UPDATE, {"a": 1}),
        ('\r\n {"a": 1}\r\n', Kind.UPDATE, {"a": 1}),
        ('\ufeff{"a": 1}', Kind.UPDATE, {"a": 1}),
        ('```json\n{"a": 1}\n```', Kind.UPDATE, {"a": 1}),
        ('```\r\n{"a": 1}\r\n```', Kind.UPDATE, {"a": 1}),
        ("[1]", Kind.UPDATE, [1]),
        ('{"type": "sensor", "data": 5, "unit": "C"}', Kind.UPDATE, {"type": "sensor", "data": 5, "unit": "C"}),
        ('{"type": "initial_state", "x": 1}', Kind.UPDATE, {"type": "initial_state", "x": 1}),
        ('{"type": "initial_state", "data": 5, "timestamp": "x"}', Kind.UPDATE, None),
        ("42", Kind.CHAT, None),
        ("null", Kind.CHAT, None),
        ('"ok"', Kind.CHAT, None),
        ("nice data!", Kind.CHAT, None),
        ("", Kind.CHAT, None),
        ("[x] done", Kind.CHAT, None),
        ("[link](https://x.test)", Kind.CHAT, None),
        ("```json\n5\n```", Kind.CHAT, None),
        ("```\nprint(1)\n```", Kind.CHAT, None),
        ('{"a": 1,}', Kind.INVALID, "line 1, column"),
        ('{"a": NaN}', Kind.INVALID, "NaN"),
        ('{"a": 1, "a": 2}', Kind.INVALID, "twice"),
        ('{"a": 1e999}', Kind.INVALID, ""),
        ('{"a": "\\ud800"}', Kind.INVALID, "surrogate"),
        ('{"a": ' + "[" * 2000 + "]" * 2000 + "}", Kind.INVALID, "100"),
        ('{"a": ' + "9" * 5000 + "}", Kind.INVALID, "digits"),
        ("```json\n{'a': 1}\n```", Kind.INVALID, ""),
        ('{"_data": {"a": 1}}', Kind.INVALID, "needs _meta"),
        ('{"_meta": {}}', Kind.INVALID, "needs _data"),
        ('{"_data": 1, "_meta": []}', Kind.INVALID, "needs _meta"),
        ('{"_data": 1, "_meta": {}, "more": 1}', Kind.INVALID, "'more'"),
        ('{"_data": 1, "_meta": {}, "type": "x"}', Kind.INVALID, "no type"),
        ('{"_data": 1, "_meta": {"update_mode": "merge"}}', Kind.INVALID, "append, replace"),
        ('{"_data": 1, "_meta": {"update_mode": 5}}', Kind.INVALID, "append, replace"),
        ('{"_data": 1, "_meta": {"update_id": ""}}', Kind.INVALID, "update_id"),
        ('{"_data": 1, "_meta": {"if_revision": true}}', Kind.INVALID, "if_revision"),
        ('{"_data": 1, "_meta": {"if_revision": 0}}', Kind.INVALID, "if_revision"),
        ('{"_data": 1, "_meta": {"if_digest": "xyz"}}', Kind.INVALID, "if_digest"),
        (
            '{"_data": 1, "_meta": {"update_idd": "x"}}',
            Kind.INVALID,
            "'update_idd' is not understood; did you mean 'update_id'",
        ),
        ('{"_data": 1, "_meta": {"if_revison": 1}}', Kind.INVALID, "did you mean 'if_revision'?"),
        ('{"_data": 1, "_meta": {"ifRevision": 1}}', Kind.INVALID, "did you mean 'if_revision'?"),
        ('{"_data": 1, "_meta": {"revision": 1, "digest": "sha256:a", "updated": "x"}}', Kind.UPDATE, 1),
        ('{"_data": 1, "_meta": {"update_uid": 1, "my_update_id": 1, "if_region": "eu"}}', Kind.UPDATE, 1),
        ('{"_data": 1, "_meta": {"if-digest": "0"}}', Kind.INVALID, "did you mean 'if_digest'?"),
        ('{"_data": 1, "_meta": {"updatemode": "replace"}}', Kind.INVALID, "did you mean 'update_mode'?"),
        (
            '{"_data": 1, "_meta": {"client_version": "1", "timestamp": "x", "system": true, "updated_at": "x", '
            '"issue_number": 1, "model": "x", "id": 1, "author": "x", "updated_by": "x", "update_time": "x"}}',
            Kind.UPDATE,
            1,
        ),
        ('{"type": "initial_state", "_data": {"a": 1}, "_meta": {}}', Kind.CHAT, None),
    ],
)
def test_what_a_comment_says(body: str, kind: Kind, detail: object) -> None:
    """D11 to D13 of the original's reader, D28, D71 to D73."""
    entry = read(comment(5, body), RULES, COUNTING)
    assert entry.kind is kind
    if kind is Kind.INVALID:
        assert str(detail) in entry.problem[1]
    elif detail is not None:
        assert entry.patch == detail


def test_an_envelope_carries_mode_conditions_and_key() -> None:
    text = envelope(
        {"a": 1}, version="1", timestamp="t", mode="replace", update_id="k", if_revision=3, if_digest="0" * 8
    )
    entry = read(comment(5, text), RULES, COUNTING)
    assert (entry.mode, entry.update_id, entry.if_revision, entry.if_digest) == ("replace", "k", 3, "00000000")
    plain = read(comment(5, json.dumps({"_data": 1, "_meta": {"update_mode": None}, "type": None})), RULES, COUNTING)
    assert (plain.kind, plain.mode) == (Kind.UPDATE, "append")
    assert json.loads(envelope({"a": 1}, version="1", timestamp="t"))["_meta"] == {
        "client_version": "1",
        "timestamp": "t",
        "update_mode": "append",
    }


def test_only_an_identity_that_counts_writes_checkpoints_and_replies() -> None:
    text = checkpoint(
        {"a": 1}, after=4, revision=2, update_id="k", version="1", reason="r", editor="e", verdicts={9: "applied"}
    )
    entry = read(comment(5, text, BOT), RULES, COUNTING)
    assert (entry.kind, entry.patch, entry.after, entry.revision, entry.absorbed) == (
        Kind.CHECKPOINT,
        {"a": 1},
        4,
        2,
        {9: "applied"},
    )
    assert read(comment(5, text), RULES, COUNTING).kind is Kind.CHAT
    assert read(comment(5, text), RULES, COUNTING, {"alice": FOREVER}).kind is Kind.CHECKPOINT
    assert read(comment(5, text, "alice", "rocket"), RULES, COUNTING).kind is Kind.CHECKPOINT
    assert read(comment(5, text, "alice", "rocket", edited_at="x"), RULES, COUNTING).kind is Kind.CHAT
    reply = "<!-- gh-store refused 1 22 body0a -->\nno"
    assert read(comment(5, reply, BOT), RULES, COUNTING).names == {"1", "22", "body0a"}
    assert read(comment(5, "<!-- gh-store refused ", BOT), RULES, COUNTING).names == frozenset()
    assert read(comment(5, reply), RULES, COUNTING).kind is Kind.CHAT


@pytest.mark.parametrize("after", [True, -1, "5", None, 1.5])
def test_a_checkpoint_with_odd_metadata_is_an_initial_state(after: object) -> None:
    value = {"type": "initial_state", "_data": {}, "_meta": {"after": after, "revision": 0, "verdicts": {"x": 1}}}
    entry = read(comment(5, value, BOT), RULES, COUNTING)
    assert (entry.kind, entry.after, entry.revision, entry.absorbed) == (Kind.CHECKPOINT, 0, 1, {})


def test_the_initial_states_of_old_stores_are_read() -> None:
    """D16."""
    for value in (
        {"type": "initial_state", "data": {"a": 1}, "timestamp": "t"},
        {"type": "initial_state", "_data": {"a": 1}, "_meta": {"client_version": "0.6", "update_mode": "append"}},
    ):
        theirs = read(comment(5, value, "alice", "alice:rocket"), RULES, COUNTING)
        assert (theirs.kind, theirs.patch) == (Kind.FOREIGN_STATE, {"a": 1})
        assert read(comment(5, value, BOT), RULES, COUNTING).kind is Kind.CHECKPOINT


ODD = [
    '{"a": "\\ud83d\\ude00"}',
    '{"\u202e": 1}',
    "::set-output name=x::y",
    "::add-mask::a",
    "<script>alert(1)</script>",
    "{" * 65_536,
    "[" * 65_536,
    '{"a":"' + "x" * 65_530,
    "```json\n" + "`" * 3000,
    "9" * 65_536,
    '{"a":1}' * 9000,
    "\x00",
    "\u2028",
    "{\r\n}",
    "[]",
    "{}",
    "~~~\n{}\n~~~",
    '{"_data": null, "_meta": {"update_id": "\\u0000"}}',
]


@given(
    st.one_of(
        st.text(),
        st.sampled_from(ODD),
        st.text(alphabet='{}[]",:`~ \n1eE-+.u\\_datmeyp'),
        st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")),
    )
)
@settings(max_examples=300, deadline=None)
@example(ODD[5])
@example(ODD[6])
def test_any_text_gets_a_kind_and_never_an_exception(text: str) -> None:
    for author in ("alice", BOT):
        entry = read(comment(5, text, author), RULES, COUNTING)
        assert entry.kind in Kind
        if entry.kind is Kind.UPDATE:
            assert isinstance(attempt(State({"count": 0}, 1), entry), State | Verdict)
    try:
        read_body(text)
    except InvalidJson as error:
        assert error.reason
    assert isinstance(read_title(text), tuple)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(["_data", "_meta", "type", "update_mode", "if_revision", "update_id", "data", "timestamp", "a"])


@given(st.dictionaries(KEYS, JSON | st.dictionaries(KEYS, JSON), max_size=4))
@settings(max_examples=200, deadline=None)
def test_any_object_gets_a_verdict_and_never_an_exception(value: object) -> None:
    entry = read(comment(5, json.dumps(value)), RULES, COUNTING)
    if entry.asks:
        assert isinstance(attempt(State({"count": 0}, 1), entry), State | Verdict)


# -- folding


def test_conditions_are_checked_where_the_update_stands() -> None:
    entry = read(comment(5, {"_data": {"a": 1}, "_meta": {"if_revision": 2}}), RULES, COUNTING)
    assert isinstance(attempt(State({}, 2), entry), State)
    refused = attempt(State({}, 3), entry)
    assert isinstance(refused, Verdict)
    assert "was at revision 3" in refused.reasons[0][1]
    digest = objects.short_digest({})
    entry = read(comment(5, {"_data": {"a": 1}, "_meta": {"if_digest": digest}}), RULES, COUNTING)
    assert isinstance(attempt(State({}, 2), entry), State)
    assert isinstance(attempt(State({"x": 1}, 2), entry), Verdict)


def test_a_schema_rejects_the_result_as_a_whole_and_the_fold_goes_on() -> None:
    entries = [read(comment(number, {f"k{number}": number}), RULES, COUNTING) for number in (5, 6)]

    def judge(data: object) -> list[Reason]:
        return [Reason("$.k5", "is not allowed")] if isinstance(data, dict) and "k5" in data else []

    folded = fold(State({}, 1), entries, earlier={}, recorded={}, refusal=lambda entry: None, judge=judge)
    assert folded.state == State({"k6": 6}, 2)
    assert folded.verdicts[5].reasons == (("$.k5", "is not allowed"),)


def test_a_repeat_with_another_recorded_verdict_than_the_first__keeps_its_own() -> None:
    first, second = (
        read(comment(number, {"_data": {"n": number}, "_meta": {"update_id": "k"}}), RULES, COUNTING)
        for number in (5, 6)
    )
    recorded = {5: Verdict(Outcome.REJECTED), 6: Verdict(Outcome.APPLIED)}
    folded = fold(State({}, 1), [first, second], earlier={6: 5}, recorded=recorded, refusal=lambda entry: None)
    assert folded.state == State({"n": 6}, 2)


def test_a_key_counts_for_one_author_and_fifty_comments() -> None:
    keyed = {"_data": {"a": 1}, "_meta": {"update_id": "k"}}
    talk = [comment(number, "talk") for number in range(100, 149)]
    near = [comment(99, keyed), *talk, comment(149, keyed)]
    far = [comment(99, keyed), *talk, comment(149, "talk"), comment(150, keyed)]
    entries = [read(c, RULES, COUNTING) for c in near]
    assert repeats(entries) == {149: 99}
    assert unread_for_keys(entries, entries[-1:]) == 0
    assert unread_for_keys(entries[1:], entries[-1:]) == 1
    assert repeats([read(c, RULES, COUNTING) for c in far]) == {}


def test_the_newest_checkpoint__by_place_then_by_id_and_a_repeated_one_once() -> None:
    entries = [
        read(initial(20, {"v": 1}, after=10, update_id="one"), RULES, COUNTING),
        read(initial(21, {"v": 2}, after=10, update_id="two"), RULES, COUNTING),
        read(initial(22, {"v": 1}, after=10, update_id="one"), RULES, COUNTING),
        read(initial(23, {"v": 3}, after=5, update_id="three"), RULES, COUNTING),
    ]
    best = newest_checkpoint(entries)
    assert best is not None
    assert best.patch == {"v": 2}
    assert newest_checkpoint([]) is None


# -- replies


def refusal(number: int, *reasons: Reason, author: str = "alice") -> Refusal:
    return Refusal(number, author, reasons)


def test_a_reply_names_explains_and_mentions_only_the_writer() -> None:
    text = replies.refused(
        [refusal(11, Reason("$.a|b`", "no `@bob`, #12 or <img src=x> | here\n# heading"))],
        edit=None,
        issue_url="https://github.test/o/r/issues/1",
    )
    assert text.startswith("<!-- gh-store refused 11 -->\n**This update was not applied.**")
    assert "[11](https://github.test/o/r/issues/1#issuecomment-11) by @alice" in text
    assert text.count("@") == 1 + text.count("@&#8203;")
    assert "<img" not in text
    assert "\n# heading" not in text


def test_a_reply_to_a_bot_mentions_nobody() -> None:
    assert "@" not in replies.refused([refusal(11, Reason("$", "no"), author="app[bot]")], edit=None, issue_url="u")


def test_a_reply_stays_below_githubs_limit() -> None:
    many = [refusal(10**9 + n, *[Reason("$." + "p" * 200, "x" * 900)] * 20) for n in range(600)]
    text = replies.refused(
        many, edit=RefusedEdit("bob", "y" * 60_000, (Reason("$", "no"),)), issue_url="https://g.test/o/r/issues/1"
    )
    assert len(text) < 65_536
    assert "and 10 more" in text
    entry = read(comment(5, text, BOT), RULES, COUNTING)
    assert len(entry.names) == 501
    few = replies.refused([refusal(n, Reason("$", "no")) for n in range(60)], edit=None, issue_url="u")
    assert "- and 10 more" in few


def test_no_refusal_no_reply_and_no_reason_is_said_so() -> None:
    assert replies.refused([], edit=None, issue_url="u") == ""
    assert "the reason was not saved" in replies.refused([refusal(1)], edit=None, issue_url="u")


def test_a_refused_edit_is_quoted_so_that_it_can_not_break_out() -> None:
    text = replies.refused(
        [], edit=RefusedEdit("bob", "oops {\r\n```\n@carol <!-- -->", (Reason("$", "no"),)), issue_url="u"
    )
    assert "\n    oops {\n    ```\n    @carol" in text


# -- sweeping

DATA = {"count": 0}
QUIET = issue(DATA, [initial(), comment(11, {"a": 1}, "alice", "-1")])


@pytest.mark.parametrize(
    ("found", "is_settled"),
    [
        (QUIET, True),
        (replace(QUIET, closed=False), False),
        (replace(QUIET, body='{"other": 1}'), False),
        (replace(QUIET, body="oops"), False),
        (replace(QUIET, editor="bob"), True),
        (replace(QUIET, editor=BOT), True),
        (replace(QUIET, titles=()), True),
        (replace(QUIET, titles=(), author="bob"), True),
        (replace(QUIET, author="bob"), True),
        (replace(QUIET, title="Stored Object: m"), False),
        (replace(QUIET, title="Stored Object: m", author="mallory", titles=()), True),
        (replace(QUIET, labels=("UID:m",), closed=False), True),
        (replace(QUIET, labels=("stored-object",), closed=False), True),
        (replace(QUIET, total_comments=3), False),
        (replace(QUIET, total_comments=1), True),
        (issue(DATA, [initial(), comment(11, {"a": 1})]), False),
        (issue(DATA, [initial(), comment(11, {"a": 1}, "alice", "mallory:+1")]), False),
        (issue(DATA, [initial(), comment(11, {"a": 1})], marker=marked(1, 10, 1, DATA)), False),
        (issue(DATA, [initial(), comment(11, "talk")], marker=marked(1, 10, 1, DATA)), True),
        (issue(DATA, [comment(11, {"h": 1}, "mallory"), initial(12, DATA, after=11, reason="adopted")]), True),
        (issue(DATA, [comment(11, {"h": 1}, "mallory"), initial(12, DATA, after=11, reason="edited by hand")]), False),
    ],
)
def test_what_a_sweep_looks_at_more_closely(found: object, is_settled: bool) -> None:
    assert settled(found, RULES, COUNTING) is is_settled  # type: ignore[arg-type]


def test_a_sweep_looks_at_a_title_of_the_authors_own_where_the_author_may_write() -> None:
    own = replace(QUIET, titles=(), author="bob")
    assert not settled(own, RULES, COUNTING, lambda login: login == "bob")


def test_outcomes_have_the_names_that_checkpoints_write() -> None:
    assert [o.key for o in Outcome] == ["applied", "rejected", "unauthorized"]
    assert parse("{}") == {}
