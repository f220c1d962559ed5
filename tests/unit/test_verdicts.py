"""The outcomes of an update: one table, whole."""

from __future__ import annotations

from dataclasses import fields

import pytest

from gh_store_action.domain.records import Comment, Reaction, Reactions
from gh_store_action.domain.verdicts import (
    APPLIED,
    UNAUTHORIZED,
    Counts,
    Outcome,
    Row,
    Verdict,
    initial_receipts,
    outcome_of,
    outcomes_given,
    reaction_of,
)

OTHER = Reactions(processed="heart", initial_state="eyes", rejected="laugh", unauthorized="hooray")


def test_a_planted_outcome__without_a_reaction_or_words() -> None:
    with pytest.raises(TypeError, match="Reactions has no 'postponed'"):
        Row("Planted", {"POSTPONED": ("postponed", "postponed", "put off")})
    with pytest.raises(TypeError):
        Row("Planted", {"POSTPONED": ("postponed", "rejected")})
    planted = Row("Planted", {"POSTPONED": ("postponed", "rejected", "put off")})
    assert [(one.key, one.reaction, one.words) for one in planted] == [("postponed", "rejected", "put off")]


def test_each_reaction_records_one_outcome__but_that_of_an_initial_state() -> None:
    taken = [outcome.reaction for outcome in Outcome]
    assert sorted([*taken, "initial_state"]) == sorted(one.name for one in fields(Reactions))
    assert [outcome.refused for outcome in Outcome] == [False, True, True]


@pytest.mark.parametrize("reactions", [Reactions(), OTHER])
def test_outcome_of__undoes_reaction_of(reactions: Reactions) -> None:
    assert [outcome_of(reaction_of(one, reactions), reactions) for one in Outcome] == list(Outcome)
    assert outcome_of(reactions.initial_state, reactions) is None
    assert initial_receipts(reactions) == (reactions.processed, reactions.initial_state)


def test_outcomes_given__oldest_first__of_those_who_count() -> None:
    given = (Reaction("bot", "-1"), Reaction("eve", "confused"), Reaction("bot", "rocket"), Reaction("bot", "+1"))
    comment = Comment(1, "n", "alice", "{}", "2026-01-01T00:00:00Z", reactions=given)
    assert outcomes_given(comment, Reactions(), {"bot"}) == [Outcome.REJECTED, Outcome.APPLIED]


def test_counts() -> None:
    counts = Counts.of([APPLIED, UNAUTHORIZED, APPLIED, Verdict(Outcome.REJECTED), APPLIED])
    assert counts.named() == {"applied": 3, "rejected": 1, "unauthorized": 1}
    assert counts.worded() == [(3, "applied"), (1, "rejected"), (1, "not authorised")]
    assert (counts.total, counts.refused, Counts().total) == (5, 2, 0)
