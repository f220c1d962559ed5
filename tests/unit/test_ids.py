"""Ids: which texts are one, what their labels and titles look like, and that two of them never meet."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gh_store_action.domain import acceptance, objects
from gh_store_action.domain.objects import InvalidId, Marker, check_id, key, read_moved, read_title, uid_label
from gh_store_action.domain.records import Comment, Issue, Rename, Rules
from tests.support.ids import ANY_ID
from tests.support.values import BOT, RULES, initial, issue

LONG = "https://doi.org/10.1000/182?title=Any id, however long"
MARKERS = st.builds(
    Marker,
    st.integers(1, 10**15 - 1),
    st.integers(0, 10**18 - 1),
    st.integers(0, 10**9 - 1),
    st.just("00ff00ff"),
    st.lists(st.just("Zz"), max_size=10).map(tuple),
)


# -- which texts are ids, and their labels


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "must not be empty"),
        ("x" * 151, "has 151 characters; at most 150"),
        ("a\n", "a control character: U+000A"),
        ("a\x85b", "a control character: U+0085"),
        ("a\u2028b", "a control character: U+2028"),
        ("a\u202eb", "a control character: U+202E"),
        (" a", "begins or ends with a space"),
        ("a\u3000", "begins or ends with a space"),
        ("e\u0301", "not in Unicode's normal form C, which is '\\xe9'"),
    ],
)
def test_a_text_that_is_no_id__is_refused_with_the_rule(text: str, why: str) -> None:
    """D67, D68, D70."""
    with pytest.raises(InvalidId) as told:
        check_id(text, RULES)
    assert why in str(told.value)
    assert str(told.value).isprintable()


def test_a_lone_surrogate__is_no_id() -> None:
    with pytest.raises(InvalidId, match=r"a control character: U\+D800"):
        check_id("a\ud800", RULES)


@pytest.mark.parametrize("good", ["a", "metrics", "a.b_c-d~e:f@g+h/i", "x" * 46, "1.10", "UID:x"])
def test_an_id_that_a_label_can_carry__stands_in_it_as_it_is(good: str) -> None:
    assert uid_label(good, RULES) == "UID:" + good


def test_a_longer_prefix__leaves_less_room_and_takes_any_id_as_long_as_a_hash_fits() -> None:
    longer = Rules(uid_prefix="object-id:")
    assert uid_label("x" * 40, longer) == "object-id:" + "x" * 40
    assert uid_label(check_id("x" * 41, longer), longer).startswith("object-id:=")
    longest = Rules(uid_prefix="p" * 40)
    assert check_id("x" * 10, longest) == "x" * 10
    with pytest.raises(InvalidId, match="at most 10 characters do, ASCII letters"):
        check_id("x" * 11, longest)


@given(ANY_ID, ANY_ID)
def test_two_ids__never_meet(one: str, other: str) -> None:
    """Neither in a label, nor in what tells them apart, nor in a title; a plain one is the same in any case."""
    same = uid_label(one, RULES).casefold() == uid_label(other, RULES).casefold()
    assert same == (key(one, RULES) == key(other, RULES))
    assert same == (one == other or (objects.is_plain(one, RULES) and one.casefold() == other.casefold()))
    assert same == objects.names(objects.heading(one, RULES), other)
    assert len(uid_label(one, RULES)) <= objects.LABEL_LIMIT


# -- titles


@given(ANY_ID, MARKERS, st.integers(1, 10**10 - 1))
def test_a_title__is_read_back_whatever_the_id_and_fits_with_a_move(object_id: str, marker: Marker, moved: int) -> None:
    text = objects.title(object_id, marker, RULES)
    named, found = read_title(text)
    assert named == object_id
    assert found is not None
    kept = len(found.recent)
    assert found == replace(marker, recent=marker.recent[len(marker.recent) - kept :])
    assert kept >= min(5, len(marker.recent))
    assert read_moved(text) == (text, 0)
    going = objects.moving_title(text, moved)
    gone = objects.moved_title(going)
    assert read_moved(going) == read_moved(gone) == (text, moved)
    assert objects.names(going, object_id) and objects.names(gone, object_id)
    assert (objects.is_moved(text), objects.is_moved(going), objects.is_moved(gone)) == (False, False, True)
    bare = objects.heading(object_id, RULES)
    assert (read_title(bare), read_moved(bare)) == ((object_id, None), (bare, 0))
    assert (
        len(objects.moving_title(objects.title(object_id, marker, RULES, unlike=text), 10**10 - 1))
        <= objects.TITLE_LIMIT
    )


def test_a_title__keeps_the_newest_comments_where_not_all_fit() -> None:
    recent = tuple(f"{number:02}" for number in range(10))
    full = Marker(10**15 - 1, 10**18 - 1, 10**10 - 1, "00ff00ff", recent)
    assert objects.title("m", full, RULES).endswith("(00010203040506070809)")
    assert objects.title("x " * 74 + "x", full, RULES).endswith("(0506070809)")
    other = objects.title("m", full, RULES)
    assert objects.title("m", full, RULES, unlike=other) == other.replace(" n", " n0")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Stored Object: "a b" [r3 c12 n4 0123abcd]', ("a b", Marker(3, 12, 4, "0123abcd"))),
        ('Stored Object: "a b" is my favourite', ("a b", None)),
        ('Stored Object: "a "b"" [r3 c12 n4 0123abcd]', ('a "b"', Marker(3, 12, 4, "0123abcd"))),
        ('Stored Object: "a b', ('"a', None)),
        ('Stored Object: "a" and "b"', ('a" and "b', None)),
        ('Stored Object: "a"b', ('"a"b', None)),
        ('Stored Object: ""', ('""', None)),
        ("Stored Object: ", ("", None)),
    ],
)
def test_titles__with_quotes(text: str, expected: tuple[str, Marker | None]) -> None:
    assert read_title(text) == expected


# -- which object an issue with the label is


def labelled(
    object_id: str, title: str, *renames: Rename, label: str = "", comments: tuple[Comment, ...] = ()
) -> Issue:
    label = label or uid_label(object_id, RULES)
    return issue({}, comments, labels=("stored-object", label), title=title, titles=renames)


@given(ANY_ID)
def test_an_issue__is_the_object_that_label_and_title_name(object_id: str) -> None:
    title = objects.title(object_id, Marker(1, 0, 0, "00000000"), RULES)
    for text in (title, objects.heading(object_id, RULES), objects.moving_title(title, 7)):
        assert objects.object_id_of(labelled(object_id, text), RULES) == object_id


@given(ANY_ID)
def test_a_hash__stands_for_nothing_where_the_issue_does_not_say_the_id(object_id: str) -> None:
    found = labelled(object_id, "Stored Object: other [r1 c1 n1 00000000]")
    named = objects.object_id_of(found, RULES)
    assert named == (object_id if objects.is_plain(object_id, RULES) else None)


def test_a_hash__stands_for_what_an_older_title_or_a_state_in_the_log_says() -> None:
    theirs = "My paper"
    ours = objects.title(LONG, Marker(1, 0, 0, "00000000"), RULES)
    retitled = Rename("", "alice", theirs, ours)
    assert objects.object_id_of(labelled(LONG, theirs, retitled), RULES) == LONG
    state = initial(object_id=LONG)
    assert objects.object_id_of(labelled(LONG, theirs, comments=(state,)), RULES) == LONG
    for text in ('{"object_id": 1', '["object_id"]', '{"object_id": "x"}', '{"_meta": {"object_id": "x"}}'):
        odd = Comment(1, "", "eve", text, "")
        found = labelled(LONG, theirs, comments=(odd,))
        assert "stands for an id that neither a title nor a state" in objects.id_problem(found, RULES)
    # gh-store's title has no quotes
    assert objects.object_id_of(labelled(LONG, f"Stored Object: {LONG}"), RULES) == LONG


def test_a_title_and_a_state__cannot_make_an_issue_another_object() -> None:
    """The title that the store wrote is believed, whoever puts label and title of another on the issue."""
    ours = Rename("", BOT, objects.title("mine", Marker(1, 0, 0, "00000000"), RULES))
    for their_id in (LONG, "MINE, too", "theirs"):
        theirs = Rename("", "eve", objects.heading(their_id, RULES), ours.title)
        found = labelled(their_id, theirs.title, theirs, ours)
        assert "the title that the store wrote says mine" in acceptance.problem(found, RULES)
        assert acceptance.marker_in(ours.title, their_id) is None


def test_two_ids_with_one_hash__are_told_apart_by_the_title(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "HASH_DIGITS", 0)
    assert uid_label("a b", RULES) == uid_label("c d", RULES) == "UID:="
    assert key("a b", RULES) != key("c d", RULES)
    one = labelled("a b", objects.title("a b", Marker(1, 0, 0, "00000000"), RULES))
    assert objects.object_id_of(one, RULES) == "a b"
    both = Rename("", "eve", objects.heading("c d", RULES), one.title)
    ours = Rename("", BOT, one.title)
    taken = labelled("c d", both.title, both, ours)
    assert "the title that the store wrote says a b" in acceptance.problem(taken, RULES)


@pytest.mark.parametrize(
    ("labels", "title", "problem"),
    [
        (("UID:a b",), "Stored Object: a b", "its label is 'UID:a b', and should be 'UID:="),
        (("UID:a\u2028b",), "Stored Object: m", "the id in its label cannot be one: "),
        (("UID:=0000", "UID:b"), "", "claim more than one id: =0000, b"),
        ((uid_label("a b", RULES), "UID:b"), "", "claim more than one id: ="),
        ((uid_label("a b", RULES), "UID:b"), 'Stored Object: "a b"', ""),
        ((uid_label("a b", RULES).upper(),), 'Stored Object: "a b"', ""),
    ],
)
def test_labels(labels: tuple[str, ...], title: str, problem: str) -> None:
    found = objects.id_problem(issue({}, [], labels=("stored-object", *labels), title=title, titles=()), RULES)
    assert found.startswith(problem) if not problem else problem in found
    assert bool(found) == bool(problem)
