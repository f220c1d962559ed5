"""What strangers may try with a form; each attack leaves the store as the rules want it."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest

from gh_store_action.errors import StoreError
from tests.double import BOT
from tests.integration.test_forms import entries, notes, sweep, take
from tests.support.forms import ACCESS, LABEL, entry, fill_in, rules, set_up, text
from tests.support.store import World

ANY = '{label: "form:guestbook", form: guestbook.yml, update: "{name}"}'


@pytest.mark.parametrize(
    "name", ["m", "M", "guest-alice", "guest-mallory2", "guest-mаllory", "guest-mallory ", "guest-*"]
)
def test_anothers_object_is_not_written_by_an_id_in_a_field(w: World, name: str) -> None:
    set_up(w, rules(ANY, access="{match: 'guest-{login}', permission: anyone}"))
    others = [w.object(one, {"n": 0}) for one in ("m", "guest-alice", "guest-mallory2")]
    own = w.object("guest-mallory", {"n": 0})
    form = fill_in(w, name)
    done = take(w, form)
    mine = name.strip() == "guest-mallory"  # GitHub's own form strips nothing that an id could hold
    assert (done.applied, done.rejected) == ((1, 0) if mine else (0, 1))
    assert [w.data(one) for one in others] == [{"n": 0}] * 3
    assert (w.data(own) != {"n": 0}) == mine


def test_a_login_in_other_letters_is_the_same_person(w: World) -> None:
    set_up(w, rules(ANY, access="{match: 'guest-{login}', permission: anyone}"))
    own = w.object("guest-mallory", {"n": 0})
    assert take(w, fill_in(w, "GUEST-Mallory", by="Mallory")).applied == 1
    assert w.data(own) == {"n": 0, "name": "GUEST-Mallory", "text": "Hello", "stars": "3"}


@pytest.mark.parametrize(
    "said",
    [
        "### Stars\n\n1",
        "```\n### Stars\n\n1\n```",
        "<!--\n### Stars\n\n1\n-->",
        "~~~~\n### Stars",
        "### What do you say?\n\n### Stars\n\n1",
    ],
)
def test_a_heading_in_an_answer_forges_no_field(w: World, said: str) -> None:
    number = set_up(w)
    form = fill_in(w, "Ada", said, "2")
    assert take(w, form).rejected == 1
    assert "this heading stands there twice" in notes(w, form)[0]
    assert entries(w, number) == []


def test_text_stays_text_wherever_it_goes(w: World) -> None:
    number = set_up(w)
    said = '{login} {"$set": {"entries": []}} <!-- gh-store form taken m --> @alice #1 ${{ github.token }} ::error::x'
    assert take(w, fill_in(w, "{text}", said)).applied == 1
    assert entries(w, number) == [entry("{text}", said)]
    assert "@alice" not in w.repo.issue(number).body


@pytest.mark.parametrize(
    "patch",
    [
        '{"$set": {"entries": []}}',
        '{"$push": {"entries": 1}, "$unset": {"entries": ""}}',
        '{"$push": {"entries": 1}, "$pull": {"entries": {}}}',
        '[{"op": "remove", "path": "/entries"}]',
        "{}",
    ],
)
def test_a_forbidden_update_is_not_hidden_in_an_allowed_one(w: World, patch: str) -> None:
    whole = ANY.replace("{name}", "guestbook").replace("}", ", mode: operators, types: {text: json}, data: {a: 1}}", 1)
    number = set_up(w, rules(whole.replace("data: {a: 1}", 'data: ["{text}"]')))
    assert take(w, fill_in(w, "Ada", patch)).rejected == 1
    assert entries(w, number) == []


def test_a_label_put_on_by_hand_speaks_for_the_author_alone(w: World) -> None:
    number = set_up(w, rules(access="{match: guestbook, permission: write}"))
    form = w.repo.open_issue("mallory", "Hello", text(), [])
    w.repo.edit_issue(form, "alice", labels=[LABEL])
    assert take(w, form).rejected == 1
    assert (entries(w, number), "mallory may not change this object" in notes(w, form)[0]) == ([], True)


def test_a_note_that_a_stranger_writes_is_none(w: World) -> None:
    number = set_up(w)
    form = fill_in(w)
    w.repo.comment(form, "mallory", "<!-- gh-store form taken guestbook -->")
    forged = json.dumps({"_data": {}, "_meta": {"update_id": f"form-{form}", "on_behalf_of": "mallory"}})
    w.repo.comment(number, "mallory", forged)
    take(w, form)
    assert entries(w, number) == [entry()]
    other = fill_in(w, "")
    take(w, other)
    (said,) = [one.id for one in w.repo.issue(other).comments if one.author == BOT]
    w.repo.edit_comment(said, "bob", "<!-- gh-store form taken guestbook -->")
    w.repo.edit_issue(other, "mallory", body=text("Eve"))
    take(w, other)
    assert entries(w, number) == [entry(), entry("Eve")]


def test_the_longest_text_is_refused_with_the_reason(w: World) -> None:
    number = set_up(w)
    for size in (60_000, 65_300):
        form = fill_in(w, "Ada", "x" * size)
        assert take(w, form).rejected == 1
        assert "characters" in notes(w, form)[0]
    assert entries(w, number) == []


def test_rules_that_change_between_two_runs(w: World) -> None:
    number = set_up(w, rules(access="{match: guestbook, permission: write}"))
    early = fill_in(w)
    take(w, early)
    w.repo.commit_files({".github/gh-store.yml": rules()}, by="alice")
    assert sweep(w) == []  # it was refused as it is
    take(w, early)
    assert entries(w, number) == [entry()]
    late = fill_in(w, "late")
    token = w.token()
    w.hub.faults.dead_from(token, 3, "after")
    with suppress(StoreError):
        take(w, late, token)
    w.hub.faults.clear()
    w.repo.commit_files({".github/gh-store.yml": rules(access=ACCESS.replace("anyone", "write"))}, by="alice")
    sweep(w)
    assert (entries(w, number), w.repo.issue(late).state) == ([entry()], "closed")
    w.process(number)
    assert entries(w, number) == [entry()]


def test_a_flood_costs_four_requests_a_form_and_blocks_nobody(w: World) -> None:
    number = set_up(w)
    other = w.object("other", {"n": 0})
    for place in range(120):
        fill_in(w, str(place))
    wrong = fill_in(w, "")
    w.update(other, {"n": 1}, by="alice")
    before = w.requests()
    sweep(w)
    assert w.requests() - before == 1 + 3 + 2 + 120 * 4 + 2
    found = entries(w, number)
    assert isinstance(found, list)
    assert [one["name"] for one in found] == [str(place) for place in range(120)]
    assert (w.data(other), w.repo.issue(wrong).state) == ({"n": 1}, "open")
    w.hub.clock.advance(3_600)
    before = w.requests()
    assert sweep(w) == []
    assert w.requests() - before == 2
