"""Which reactions of people can be receipts, by the titles of their time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gh_store_action.domain.log.entries import read
from gh_store_action.domain.log.receipts import covers, gh_store_folded, sifted, verdicts_given
from gh_store_action.domain.objects import title
from gh_store_action.domain.records import NEWEST_TITLES, Reaction, Rename
from gh_store_action.domain.verdicts import Outcome
from tests.support.values import BOT, RULES, comment, initial, issue, marked


def at(second: int) -> str:
    return f"2026-01-01T00:00:{second:02}Z"


def renamed(second: int, by: str, *knew: int) -> Rename:
    marker = marked(1, knew[-1], len(knew), {"count": 0}, *knew)
    return Rename(at(second), by, title("m", marker, RULES))


def by_hand(second: int, *titles: Rename, who: str = "alice", on: int = 12, cut: bool = False) -> bool:
    """Whether a reaction at that second is nobody's receipt."""
    reaction = Reaction(who, "+1", at(second) if second else "")
    comments = [initial(10), *(comment(number, {"n": 1}) for number in (11, 12, 13))]
    comments = [replace(one, reactions=(reaction,)) if one.id == on else one for one in comments]
    text = titles[0].title if titles else "words"
    found = sifted(issue({"count": 0}, comments, title=text, titles=titles, cut=cut), "m", {BOT}, {"+1", "-1"})
    (given,) = (one for each in found.comments for one in each.reactions if each.id == on)
    assert given == reaction
    return given.by_hand


CREATED = renamed(1, BOT, 10)
BLIND = renamed(5, "alice", 10, 11, 13)
KNOWING = renamed(5, "alice", 10, 11, 12)


def test_sifted__a_reaction_is_a_receipt_where_a_title_of_its_time_covers_the_comment() -> None:
    assert [by_hand(second, KNOWING, CREATED) for second in (4, 5, 6)] == [True, False, False]
    assert [by_hand(second, BLIND, CREATED) for second in (4, 5, 6)] == [True, True, True]
    assert not by_hand(7, renamed(8, BOT, 10, 11, 13), KNOWING, CREATED)


def test_sifted__in_the_second_of_a_title_only_its_setter_can_have_left_a_receipt() -> None:
    assert [by_hand(5, KNOWING, CREATED, who=who) for who in ("alice", "bob")] == [False, True]
    hidden = replace(KNOWING, login="")
    assert not by_hand(5, hidden, CREATED, who="bob")


def test_sifted__of_two_verdicts_of_one_person_neither_is_a_receipt_if_the_first_is_by_hand() -> None:
    def given(first: str) -> list[bool]:
        reactions = (Reaction("alice", first, at(4)), Reaction("alice", "-1", at(6)), Reaction("bob", "-1", at(6)))
        log = [initial(10), comment(11, {"n": 1}), replace(comment(12, {"n": 1}), reactions=reactions)]
        titles = (KNOWING, CREATED)
        found = sifted(issue({"count": 0}, log, title=titles[0].title, titles=titles), "m", {BOT}, {"+1", "-1"})
        return [one.by_hand for one in found.comments[-1].reactions]

    assert given("+1") == [True, True, False]
    assert given("eyes") == [True, False, False]


def test_sifted__what_is_not_known_is_a_receipt() -> None:
    assert not by_hand(0, BLIND, CREATED)
    assert not by_hand(4)
    assert not by_hand(4, BLIND, CREATED, who=BOT)
    assert not by_hand(4, KNOWING, KNOWING, on=12), "before the store's own log"
    assert not by_hand(4, replace(BLIND, before=KNOWING.title), CREATED), "a title whose event is hidden"
    many = [*(replace(BLIND, at=at(second)) for second in range(40, 41 - NEWEST_TITLES, -1)), renamed(11, BOT, 10)]
    assert [by_hand(second, *many) for second in (10, 12)] == [False, True], "there may have been older titles"
    assert [by_hand(second, BLIND, CREATED, cut=True) for second in (0, 2)] == [False, True]


@pytest.mark.parametrize(
    ("comment", "expected"), [(2, True), (4, True), (9, True), (14, False), (15, True), (16, False), (17, False)]
)
def test_covers__only_what_the_newest_names_can_tell(comment: int, expected: bool) -> None:
    known = [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15]
    marker = marked(1, 15, 13, {}, *known)
    assert covers(marker, comment, sorted([*known, 4, 14, 16, 17])) is expected


def test_covers__a_copys_ids_are_others_and_a_fresh_title_knows_none() -> None:
    assert covers(marked(1, 15, 2, {}, 11, 15), 12, [11, 12, 13])
    assert not covers(marked(1, 0, 0, {}), 12, [11, 12])


def test_covers__a_marker_that_names_no_comment_was_typed() -> None:
    assert not covers(marked(2, 10**6, 1, {}), 12, [11, 12])
    assert not covers(marked(2, 12, 1, {}), 12, [11, 12])
    assert not covers(marked(2, 13, 3, {}, 5), 12, [11, 12, 13]), "names of others, as typed"


def given(text: object, *reactions: str, edited: bool = False, by_gh_store: bool = False) -> list[Outcome]:
    entry = read(
        replace(comment(11, text, "bob", *reactions), edited_at=at(9) if edited else ""), RULES, frozenset({BOT})
    )
    return verdicts_given(entry, RULES, {BOT, "alice"}, by_gh_store=by_gh_store)


def test_verdicts_given__a_processors_goes_before_an_older_one_of_a_person() -> None:
    assert given({"a": 1}, "alice:+1", f"{BOT}:-1") == [Outcome.REJECTED]
    assert given({"a": 1}, "alice:+1", "alice:-1", "mallory:-1") == [Outcome.APPLIED, Outcome.REJECTED]
    assert given("talk", f"{BOT}:+1") == []


def test_verdicts_given__what_was_never_an_update_was_never_applied() -> None:
    assert given('{"a": 1,}', "alice:+1", f"{BOT}:+1") == given({"$inc": {"a": 1}}, "alice:+1") == []
    assert given('{"a": 1,}', "alice:+1", edited=True) == [Outcome.APPLIED]


def test_verdicts_given__an_older_version_and_gh_store_may_have_applied_what_is_a_mistake_today() -> None:
    assert given({"$inc": {"a": 1}}, f"{BOT}:+1") == [Outcome.APPLIED]
    assert given({"$inc": {"a": 1}}, "alice:+1", by_gh_store=True) == [Outcome.APPLIED]


@pytest.mark.parametrize(
    ("text", "edited", "folded"),
    [
        ({"a": 1}, False, True),
        ('{"a": 1,}', False, False),
        ('{"a": 1,}', True, True),
        ({"_data": {"$inc": {"a": 1}}, "_meta": {"update_mode": "operators"}}, False, False),
        ({"_data": {"$inc": {"b": 1}}, "_meta": {"update_mode": "operators"}}, False, True),
        ("[" * 100_000, False, False),
    ],
)
def test_gh_store_folded__only_what_it_could_read_and_merge(text: object, edited: bool, folded: bool) -> None:
    entry = read(replace(comment(11, text, "bob"), edited_at=at(9) if edited else ""), RULES, frozenset({BOT}))
    assert gh_store_folded(entry, {"$inc": {"b": 1}}) is folded
