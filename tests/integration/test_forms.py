"""Issue forms: the answers become one update of an object, as whoever sent them."""

from __future__ import annotations

import pytest

from gh_store_action.domain.processing.context import PermissionUnknown
from gh_store_action.domain.processing.result import Result
from gh_store_action.errors import NotFinished, StoreError
from gh_store_action.store.forms.handling import Desk
from gh_store_action.store.lookup import Lookup
from tests.double import BOT
from tests.support.forms import FORM, GUESTBOOK, LABEL, entry, fill_in, rules, set_up, text
from tests.support.library import store_of
from tests.support.store import World

REFUSED = {"type": "UNPROCESSABLE", "message": "Repository was archived so is read-only"}


PASSING = {"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits for this query exceeded."}


def take(w: World, number: int, token: str = "") -> Result:
    """One run by the form's issue."""
    return Desk(Lookup(w.session(token))).process(number)


def sweep(w: World, token: str = "") -> list[Result]:
    return Desk(Lookup(w.session(token))).sweep()


def notes(w: World, form: int) -> list[str]:
    """What the store says on a form's issue."""
    return [comment.body for comment in w.repo.issue(form).comments if comment.author == BOT]


def entries(w: World, number: int) -> object:
    data = w.data(number)
    assert isinstance(data, dict)
    return data["entries"]


def test_the_answers_become_an_update_in_four_requests(w: World) -> None:
    number = set_up(w)
    form = fill_in(w)
    before, points = w.requests(), w.points()
    done = take(w, form)
    assert (w.requests() - before, w.points() - points) == (4, 4)
    assert (done.applied, done.number, done.form, done.object_id) == (1, number, form, "guestbook")
    assert entries(w, number) == [entry()]
    issue = w.repo.issue(form)
    assert (issue.state, issue.title, issue.body) == ("closed", "Hello", text())
    assert notes(w, form) == [
        "<!-- gh-store form taken guestbook -->\n"
        f"These answers were posted as an update of [`guestbook`](https://github.com/octo/store/issues/{number})."
    ]
    log = w.repo.issue(number).comments
    assert [(c.author, c.reactions) for c in log[1:]] == [(BOT, ((BOT, "+1"),))]
    (history,) = [one for one in store_of(w).get_object_history("guestbook") if one["type"] == "update"]
    assert (history["metadata"]["author"], history["metadata"]["update_id"]) == ("mallory", f"form-{form}")


def test_the_newest_comment_of_the_object_may_be_deleted(w: World) -> None:
    number = set_up(w, rules(access="{match: '*', permission: write}"))
    newest = w.update(number, {"a": 1}, by="mallory")
    w.process(number)
    w.repo.edit_issue(number, "bob", title=w.repo.issue(number).title.split(" (")[0] + " (05)")
    w.repo.delete_comment(newest, "bob")
    done = take(w, fill_in(w, by="alice"))
    assert (done.applied, done.refusals) == (1, ())
    assert entries(w, number) == [entry(by="alice")]


def test_a_form_that_is_done_is_one_request(w: World) -> None:
    number = set_up(w)
    form = fill_in(w)
    take(w, form)
    w.repo.edit_issue(form, "mallory", body=text("Eve"))
    before = w.requests()
    done = take(w, form)
    assert (w.requests() - before, done.skipped) == (1, "it is a closed form, which is no longer read")
    w.repo.edit_issue(form, "alice", state="open")
    take(w, form)
    assert entries(w, number) == [entry()]
    assert w.repo.issue(form).state == "closed"


def test_what_is_wrong_is_said_once_and_in_place_in_two_requests(w: World) -> None:
    number = set_up(w)
    form = fill_in(w, "", "Hi", "9")
    before = w.requests()
    done = take(w, form)
    assert w.requests() - before == 2
    assert (done.rejected, done.applied, [str(one) for one in done.refusals[0].reasons]) == (
        1,
        0,
        ["Your name: an answer is required", 'Stars: "9" is none of the options'],
    )
    (said,) = notes(w, form)
    assert "**These answers were not accepted.**" in said and "- `Your name`: an answer is required" in said
    before = w.requests()
    take(w, form)
    assert w.requests() - before == 1
    w.repo.edit_issue(form, "mallory", body=text("Ada", "Hi", "9"))
    take(w, form)
    (other,) = notes(w, form)
    assert "required" not in other and "is none of the options" in other
    w.repo.edit_issue(form, "mallory", body=text().replace("\n", "\r\n"))
    take(w, form)
    assert len(notes(w, form)) == 1
    assert entries(w, number) == [entry()]
    assert w.repo.issue(form).state == "closed"


def test_what_has_no_answer_is_left_out(w: World) -> None:
    number = set_up(w)
    take(w, fill_in(w, "Ada", "", ""))
    assert entries(w, number) == [{"by": "mallory", "name": "Ada"}]


def test_without_a_template_the_answers_are_the_update(w: World) -> None:
    number = set_up(
        w,
        rules(
            '{label: "form:guestbook", form: guestbook.yml, update: "guest{name}"}',
            access="{match: guestbook, permission: anyone}",
        ),
    )
    take(w, fill_in(w, "book"))
    assert w.data(number) == {"entries": [], "name": "book", "text": "Hello", "stars": "3"}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (rules(access="{match: guestbook, permission: write}"), "mallory may not change this object"),
        (
            rules(access="{match: guestbook, permission: anyone, allow: [append]}"),
            "the access rule for &#96;guestbook&#96; allows",
        ),
        (rules(more=", schemas: [{match: guestbook, schema: g.json}]"), "may be at most 2"),
        (
            rules(
                '{label: "form:guestbook", form: guestbook.yml, update: other}',
                access="{match: '*', permission: anyone}",
            ),
            "has no object 'other'",
        ),
        (rules('{label: "form:guestbook", form: guestbook.yml, update: "{text} "}'), "begins or ends with"),
        (
            rules(
                '{label: "form:guestbook", form: guestbook.yml, update: guestbook, mode: operators}',
                access="{match: guestbook, permission: anyone}",
            ),
            "there is no such operator",
        ),
    ],
)
def test_access_and_schema_judge_the_result(w: World, config: str, said: str) -> None:
    schema = '{"properties": {"entries": {"items": {"properties": {"stars": {"maximum": 2}}}}}}'
    number = set_up(w, config, **{".github/gh-store/g.json": schema})
    form = fill_in(w)
    done = take(w, form)
    assert (done.applied, done.rejected) == (0, 1)
    assert said in notes(w, form)[0]
    assert (entries(w, number), len(w.repo.issue(number).comments)) == ([], 1)
    assert w.repo.issue(form).state == "open"


def test_a_sweep_takes_the_forms_that_are_open(w: World) -> None:
    number = set_up(w)
    forms = [fill_in(w, name) for name in ("a", "", "b")]
    w.repo.edit_issue(fill_in(w, "c"), "mallory", state="closed")
    w.repo.open_issue("mallory", "Talk", "no form", [])
    before = w.requests()
    done = sweep(w)
    assert w.requests() - before == 2 + 4 + 2 + 4
    assert [(one.form, one.applied, one.rejected) for one in done] == [
        (forms[0], 1, 0),
        (forms[1], 0, 1),
        (forms[2], 1, 0),
    ]
    assert entries(w, number) == [entry("a"), entry("b")]
    before = w.requests()
    assert sweep(w) == []
    assert w.requests() - before == 2
    w.repo.edit_issue(forms[1], "mallory", body=text("d"))
    assert [one.applied for one in sweep(w)] == [1]
    assert entries(w, number) == [entry("a"), entry("b"), entry("d")]


@pytest.mark.parametrize("may", [True, False])
def test_a_sweep_makes_the_label_of_a_form__which_github_does_not(w: World, may: bool) -> None:
    number = set_up(w)
    w.repo.open_issue("mallory", "Hello", text("lost"), [])
    form = fill_in(w, label="FORM:guestbook")
    w.repo.edit_issue(form, "alice", labels=[])
    w.repo.delete_label("alice", "FORM:guestbook")
    lost = w.repo.send_form("mallory", "Hello", text(), [LABEL])
    assert w.repo.issue(lost).labels == ()
    if not may:
        w.hub.faults.status(403, match=lambda request: request.path.endswith("/labels"), times=1)
    before = w.requests()
    assert sweep(w) == []
    assert w.requests() - before == 3
    assert (sweep(w), w.requests() - before) == ([], 5 if may else 6)
    taken = w.repo.send_form("mallory", "Hello", text(), [LABEL])
    assert w.repo.issue(taken).labels == (LABEL,)
    assert (take(w, taken).applied, entries(w, number)) == (1, [entry()])


def test_a_dry_sweep_makes_no_label(w: World) -> None:
    set_up(w)
    Desk(Lookup(w.session()), dry_run=True).sweep()
    assert w.repo.issue(w.repo.send_form("mallory", "Hello", text(), [LABEL])).labels == ()


def test_an_object_is_no_form(w: World) -> None:
    number = set_up(w)
    w.repo.edit_issue(number, "alice", labels=["stored-object", "UID:guestbook", LABEL])
    w.update(number, {"by": "alice"})
    assert take(w, number).applied == 1


def test_a_dry_run_says_what_it_would_do(w: World) -> None:
    number = set_up(w)
    forms = [fill_in(w), fill_in(w, "")]
    before = [one.state for one in w.repo.issues()], len(w.repo.issue(number).comments)
    found = [Desk(Lookup(w.session()), dry_run=True).process(form) for form in forms]
    assert [(one.changed, one.rejected) for one in found] == [(True, 0), (False, 1)]
    assert ([one.state for one in w.repo.issues()], len(w.repo.issue(number).comments)) == before


def test_one_forms_trouble_is_its_own(w: World) -> None:
    number = set_up(w, rules(FORM, '{label: "other", form: other.yml, update: guestbook}'))
    wrong, right = fill_in(w, label="other"), fill_in(w)
    failed, done = sweep(w)
    assert (failed.form, done.form, done.applied) == (wrong, right, 1)
    assert ".github/ISSUE_TEMPLATE/other.yml is not on the default branch" in str(failed.error)
    w.repo.commit_files({".github/ISSUE_TEMPLATE/other.yml": GUESTBOOK.replace("id: stars", "id: star")}, by="alice")
    assert [one.applied for one in sweep(w)] == [0]
    config = rules(FORM, FORM.replace("form:guestbook", "other").replace("guestbook.yml", "other.yml"))
    w.repo.commit_files({".github/gh-store.yml": config}, by="alice")
    with pytest.raises(StoreError, match="there is no field 'stars' in the form"):
        take(w, fill_in(w, label="other"))
    assert entries(w, number) == [entry()]


def test_a_sweep_ends_where_the_next_form_would_meet_the_same(w: World) -> None:
    set_up(w)
    forms = [fill_in(w), fill_in(w)]
    w.hub.faults.refuse("addComment", "saml", times=None)
    found = sweep(w)
    w.hub.faults.clear()
    assert [(one.form, one.pending) for one in found] == [(forms[0], 2)]
    assert found[0].notes == ("2 forms are still open. The next run will take them.",)
    number = w.object("other")
    w.update(number, {"n": 1})
    w.hub.faults.refuse("updateIssue", "saml", times=None)
    assert [one.number for one in sweep(w)] == [number]
    w.hub.faults.clear()


def test_where_github_does_not_say_who_may_write__the_form_waits(w: World) -> None:
    set_up(w, rules(access="{match: guestbook, permission: read}"))
    form = fill_in(w)
    w.hub.faults.status(403, match=lambda request: "/permission" in request.path, times=None)
    assert (take(w, form).pending, notes(w, form)) == (1, [])
    w.hub.faults.clear()


def test_what_somebody_else_has_made_of_the_answers_is_theirs_too(w: World) -> None:
    number = set_up(w, rules(access="{match: guestbook, permission: admin, users: [mallory, tina]}"))
    for editor, said in (("bob", "bob edited it, but may not change this object"), ("tina", "")):
        form = fill_in(w)
        w.hub.add_user("tina")
        w.repo.grant("tina", "write")
        w.repo.edit_issue(form, editor, body=text(editor))
        take(w, form)
        assert said in notes(w, form)[0]
    assert entries(w, number) == [entry("tina")]
    form = fill_in(w)
    w.repo.edit_issue(form, "bob", body=text("x"))
    w.hub.faults.status(403, match=lambda request: "/permission" in request.path, times=None)
    with pytest.raises(PermissionUnknown, match="bob"):
        take(w, form)
    w.hub.faults.clear()


def test_what_github_does_not_take_is_told(w: World) -> None:
    number = set_up(w)
    form, wrong = fill_in(w), fill_in(w, "")
    w.hub.faults.refuse("addComment", "archived", times=None)
    with pytest.raises(StoreError, match="archived"):
        take(w, wrong)
    w.hub.faults.clear()
    w.hub.faults.partial({"beside": PASSING}, match=lambda request: "beside:" in request.body)
    w.hub.faults.partial({"close": REFUSED}, match=lambda request: "close:" in request.body)
    with pytest.raises(StoreError, match="archived"):
        take(w, form)
    w.hub.faults.clear()
    assert (entries(w, number), w.repo.issue(form).state) == ([entry()], "open")
    assert [one.form for one in sweep(w)] == [form, wrong]
    assert (entries(w, number), w.repo.issue(form).state) == ([entry()], "closed")


def test_where_no_answer_comes_it_is_looked_for_and_given_up_in_the_end(w: World) -> None:
    number = set_up(w)
    form = fill_in(w)
    w.hub.faults.status(502, match=lambda request: "say:" in request.body, times=None)
    with pytest.raises(StoreError):
        take(w, form)
    w.hub.faults.clear()
    assert (entries(w, number), notes(w, form)) == ([], [])
    assert [one.applied for one in sweep(w)] == [1]


def test_an_answer_that_no_comment_holds_is_refused(w: World) -> None:
    number = set_up(w)
    form = fill_in(w, "Ada", "\x01" * 12_000)
    take(w, form)
    assert "The update is too long for a comment" in notes(w, form)[0]
    assert entries(w, number) == []


def test_what_is_pending_before_it_has_its_own_verdict(w: World) -> None:
    number = set_up(w)
    w.update(number, {"entries": []}, by="mallory")
    done = take(w, fill_in(w))
    assert (done.applied, done.rejected, entries(w, number)) == (1, 1, [entry()])


def test_a_form_of_nobody_is_refused(w: World) -> None:
    number = set_up(w)
    form = fill_in(w, by="eve")
    w.hub.delete_user("eve")
    assert str(take(w, form).refusals[0].reasons[0]) == "$: the account of its author is deleted"
    assert entries(w, number) == []


def test_an_object_that_is_left_alone_takes_no_form(w: World) -> None:
    number = set_up(w)
    w.repo.edit_issue(number, "alice", title=w.repo.issue(number).title + " => #99")
    with pytest.raises(NotFinished, match="was skipped"):
        take(w, fill_in(w))
