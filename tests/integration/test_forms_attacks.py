"""What strangers may try with a form; each attack leaves the store as the rules want it."""

from __future__ import annotations

import json

import pytest

from gh_store_action.errors import ObjectNotFound
from tests.double import BOT
from tests.integration.test_forms import entries, notes, sweep, take
from tests.support.forms import ACCESS, CARD, CARDS, FORM, LABEL, card, cards, entry, fill_in, rules, set_up, text
from tests.support.library import store_of
from tests.support.store import World

pytestmark = pytest.mark.slow

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


@pytest.mark.parametrize("rule", ["create: true, owner: true", "permission: anyone, create: true"])
def test_an_id_that_could_be_anothers_by_its_hyphens_is_theirs(w: World, rule: str) -> None:
    """Where a pattern goes on behind the login, as in `{login}-*`, the login `mallory` is not `mallory-b`, too."""
    cards(w, CARD.replace("guest-{login}", "{name}"), f"{{match: '{{login}}-*', {rule}}}")
    w.hub.add_user("mallory-b")
    assert [take(w, fill_in(w, "mallory-b-x", by=login)).applied for login in ("mallory", "mallory-b")] == [0, 1]
    assert take(w, fill_in(w, "mallory-x")).applied == 1
    (number,) = [one.number for one in w.repo.issues() if "UID:mallory-b-x" in one.labels]
    for login in ("mallory", "mallory-b"):
        w.update(number, {"by": login}, by=login)
    assert (w.process(number).unauthorized, w.data(number)) == (1, {**card("mallory-b-x"), "by": "mallory-b"})


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
    assert "this heading appears twice" in notes(w, form)[0]
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
        '{"$push": {"entries": {"$each": [1], "$slice": 1}}}',
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
    w.killed(lambda token: take(w, late, token), 3, "after")
    w.repo.commit_files({".github/gh-store.yml": rules(access=ACCESS.replace("anyone", "write"))}, by="alice")
    sweep(w)
    assert (entries(w, number), w.repo.issue(late).state) == ([entry()], "closed")
    w.process(number)
    assert entries(w, number) == [entry()]


@pytest.mark.parametrize(
    ("template", "answer", "taken"),
    [
        ("{$push: {entries: '{text}'}}", '{"$each": [], "$slice": 0}', False),
        ("{$pull: {entries: {n: '{text}'}}}", '{"$gte": 0}', False),
        ("{$pull: {entries: {n: ['{text}']}}}", '[{"a": {"$ne": 7}}]', False),
        ("{$push: {entries: '{text}'}}", '{"a": ["$slice"]}', True),
    ],
)
def test_json_in_an_answer_is_data_and_no_part_of_an_operator(
    w: World, template: str, answer: str, taken: bool
) -> None:
    form = f'label: "form:guestbook", form: guestbook.yml, mode: operators, types: {{text: json}}, data: {template}'
    set_up(w, rules(f"{{{form}, update: m}}", access="{match: m, permission: anyone}"))
    number = w.object("m", {"entries": [{"n": 1}]})
    sent = fill_in(w, "Ada", answer)
    assert (take(w, sent).applied, "an answer is data" in notes(w, sent)[0]) == ((1, False) if taken else (0, True))
    found = entries(w, number)
    assert isinstance(found, list)
    assert found[:1] == [{"n": 1}]


def test_a_form_is_taken_though_somebody_has_posted_in_its_name(w: World) -> None:
    """Even where anybody may write to the object: a run that posts it is the store's, or a person's with the right."""
    number = set_up(w, rules(access="{match: guestbook, permission: anyone}"))
    form = fill_in(w, by="eve")
    forged = {"_data": {"n": 1}, "_meta": {"update_id": f"form-{form}", "on_behalf_of": "eve"}}
    w.update(number, forged, by="mallory")
    take(w, form)
    assert (entries(w, number), w.repo.issue(form).state) == ([entry(by="eve")], "closed")


@pytest.mark.parametrize("answer", ["Ada", ""])
@pytest.mark.parametrize("create", [False, True])
def test_a_locked_form_waits_and_costs_a_sweep_nothing(w: World, answer: str, create: bool) -> None:
    cards(w) if create else set_up(w)
    form = fill_in(w, answer)
    w.repo.lock(form, "alice")
    before = w.requests()
    assert sweep(w) == []
    assert w.requests() - before == 2
    assert take(w, form).skipped == "it is a locked form, which waits to be unlocked"
    assert (notes(w, form), w.repo.issue(form).state) == ([], "open")
    w.repo.unlock(form, "alice")
    assert [one.applied for one in sweep(w)] == [1 if answer else 0]
    assert len(notes(w, form)) == 1


@pytest.mark.parametrize("first", ["update", "create"])
def test_another_forms_label_on_a_form_that_is_done__does_nothing_more(w: World, first: str) -> None:
    """A triager opens it again and gives it the label of a form that makes an object, or that updates one."""
    other = CARD.replace("form:guestbook", "form:card")
    number = set_up(w, rules(FORM, other, access=f"{ACCESS}, {CARDS}"))
    labels = [LABEL, "form:card"] if first == "update" else ["form:card", LABEL]
    form = fill_in(w, label=labels[0])
    take(w, form)
    before = entries(w, number), len(w.repo.issues())
    w.repo.edit_issue(form, "mallory", body=text("Eve"))
    w.repo.edit_issue(form, "alice", labels=labels[1:], state="open")
    take(w, form)
    assert (entries(w, number), len(w.repo.issues())) == before
    assert (w.repo.issue(form).state, len(notes(w, form))) == ("closed", 1)


def test_a_refusal_of_an_older_text_hides_no_answers_that_were_taken(w: World) -> None:
    """The author corrects the form, and another run takes it, just before the first run refuses the old text."""
    number = set_up(w)
    form = fill_in(w, "")

    def corrected() -> None:
        w.repo.edit_issue(form, "mallory", body=text())
        take(w, form)

    w.before_the_write(corrected)
    assert take(w, form).rejected == 1
    for place in range(120):
        w.repo.comment(number, "bob", f"talk {place}")
    w.process(number)
    w.repo.edit_issue(form, "mallory", state="open")
    take(w, form)
    assert (entries(w, number), w.repo.issue(form).state) == ([entry()], "closed")


def test_a_transferred_issue_is_another_form(w: World) -> None:
    number = set_up(w)
    form = fill_in(w)
    take(w, form)
    (note,) = notes(w, form)
    w.repo.delete_issue(form, "alice")
    there = fill_in(w, "Eve")  # another number, with the comments that it had
    w.repo.comment(there, BOT, note)
    take(w, there)
    assert entries(w, number) == [entry(), entry("Eve")]
    again = fill_in(w, "")
    w.repo.comment(again, BOT, note)
    assert take(w, again).rejected == 1


@pytest.mark.parametrize("create", [False, True])
def test_a_form_that_is_gone_in_the_middle__leaves_a_whole_store(w: World, create: bool) -> None:
    """Converted to a discussion, transferred or deleted, between any two requests."""
    cards(w) if create else set_up(w)
    form = fill_in(w)
    saved = w.hub.save()
    for k in range(1, 5):
        w.hub.restore(saved)
        w.killed(lambda token: take(w, form, token), k, "after")
        w.repo.delete_issue(form, "alice")
        assert [one.error for one in sweep(w) if one.error] == []
        with pytest.raises(ObjectNotFound):
            take(w, form)
        with store_of(w) as store:
            assert store.verify() == ()
            found = {one.meta.object_id: one.data for one in store.list_all()}
        assert found.get("guest-mallory", card()) == card()
        assert found["guestbook"] in ({"entries": []}, {"entries": [entry()]})


# -- objects that forms make -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["m", "guest-alice", "guest-mallory2", "guest-mаllory", "guest-*", "guest-{login}"])
def test_an_object_is_made_under_nobody_elses_id(w: World, name: str) -> None:
    cards(w, CARD.replace("guest-{login}", "{name}"))
    count = len(w.repo.issues())
    form = fill_in(w, name)
    assert take(w, form).rejected == 1
    assert "may not create this object; access rule: " in notes(w, form)[0]
    assert len(w.repo.issues()) == count + 1


@pytest.mark.parametrize("deleted", [False, True])
@pytest.mark.parametrize(("there", "name"), [("Mine", "mine"), ("mine", "MINE"), ("a, b", "a, b")])
def test_an_id_that_is_in_use_is_left_to_its_object(w: World, there: str, name: str, deleted: bool) -> None:
    cards(w, CARD.replace("guest-{login}", "{name}"), "{match: '*', permission: anyone, create: true}")
    with store_of(w) as store:
        number = store.create(there, {"n": 1}).meta.issue_number
        if deleted:
            store.delete(there)
    before = w.repo.issue(number)
    count = len(w.repo.issues())
    form = fill_in(w, name)
    assert take(w, form).rejected == 1
    assert (w.repo.issue(number), len(w.repo.issues())) == (before, count + 1)


def test_the_longest_text_makes_no_object(w: World) -> None:
    cards(w)
    count = len(w.repo.issues())
    rest = 65_536 - len(text("Ada", ""))
    for size in (60_000, rest - 13):
        form = fill_in(w, "Ada", "x" * size)
        assert take(w, form).rejected == 1
        assert "more than 60,000 characters as JSON" in notes(w, form)[0]
        count += 1
    assert len(w.repo.issues()) == count


def test_a_title_that_names_an_owner_is_believed_of_the_store_alone(w: World) -> None:
    cards(w)
    labels = ["stored-object", "UID:guest-eve"]
    forged = w.repo.open_issue("mallory", "Stored Object: guest-eve [by mallory, form 7]", "{}", [])
    w.repo.edit_issue(forged, "alice", labels=labels)
    w.update(forged, {"n": 1}, by="mallory")
    assert w.process(forged).skipped
    assert take(w, fill_in(w, by="eve")).applied == 1
    assert [one.labels for one in w.repo.issues() if set(labels) <= set(one.labels) and one.author == BOT]
    with store_of(w) as store:
        assert store.get("guest-eve").data == card()
        assert store.access("guest-eve", "mallory").kinds == ()


def test_what_makes_an_object_forges_no_field(w: World) -> None:
    cards(w)
    said = '### Stars\n\n1\n\n<!-- "_meta": {"owner": "eve"} -->'
    form = fill_in(w, "Ada", said, "2")
    assert take(w, form).rejected == 1
    w.repo.edit_issue(form, "mallory", body=text("Ada", said.replace("### ", " ### "), "2"))
    assert take(w, form).applied == 1
    with store_of(w) as store:
        found = store.get("guest-mallory")
        assert found.data["stars"] == 2
        assert store.access("guest-mallory", "eve").kinds == ()


def test_a_form_by_hand_makes_an_object_of_its_author_alone(w: World) -> None:
    cards(w, access=CARDS + ", {match: '*', permission: admin}")
    form = w.repo.open_issue("mallory", "Hello", text(), [])
    w.repo.edit_issue(form, "alice", labels=[LABEL])
    w.repo.edit_issue(form, "bob", body=text("Bob"))
    assert take(w, form).rejected == 1
    assert "bob edited it" in notes(w, form)[0]
    w.repo.edit_issue(form, "mallory", body=text())
    assert take(w, form).object_id == "guest-mallory"


# -- many --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("many", [40, pytest.param(1_000, marks=pytest.mark.prove)])
def test_a_flood_is_worked_off_hour_by_hour_and_holds_nobody_up(w: World, many: int) -> None:
    budget = max(many, 60)
    cards(w, more=f", rate_limit: {{max_requests_per_hour: {budget}}}")
    other = w.object("other", {"n": 0})
    people = [f"guest{place}" for place in range(many)]
    for login in people:
        w.hub.add_user(login)
        fill_in(w, by=login)
    w.update(other, {"n": 1}, by="alice")
    hours, left = 0, many
    while left:
        before = w.requests()
        done = sweep(w)
        assert w.requests() - before <= 2 * budget  # requests of REST and of GraphQL
        assert w.data(other) == {"n": 1}
        open_forms = sum(1 for one in w.repo.issues() if LABEL in one.labels and one.state == "open")
        assert open_forms < left, [str(one.error) for one in done if one.error]
        if open_forms:
            assert f"{open_forms} forms are still open. The next run will take them." in done[-1].notes
        hours, left = hours + 1, open_forms
        w.hub.clock.advance(3_600)
    assert 1 < hours <= 6
    with store_of(w) as store:
        assert len(list(store.list_all())) == many + 2


def test_a_flood_costs_four_requests_a_form_and_blocks_nobody(w: World) -> None:
    number = set_up(w)
    other = w.object("other", {"n": 0})
    for place in range(8):
        fill_in(w, str(place))
    wrong = fill_in(w, "")
    w.update(other, {"n": 1}, by="alice")
    before = w.requests()
    sweep(w)
    assert w.requests() - before == 1 + 2 + 2 + 8 * 4 + 2
    found = entries(w, number)
    assert isinstance(found, list)
    assert [one["name"] for one in found] == [str(place) for place in range(8)]
    assert (w.data(other), w.repo.issue(wrong).state) == ({"n": 1}, "open")
    w.hub.clock.advance(3_600)
    before = w.requests()
    assert sweep(w) == []
    assert w.requests() - before == 2
