"""Comments as people, bots and mail programs write them: an update, one reply, or silence."""

from __future__ import annotations

import json

import pytest

from gh_store_action.domain.log.entries import REPLY_PREFIX
from tests.double import BOT
from tests.support.store import World, world


def replies(w: World, number: int) -> list[str]:
    return [one.body for one in w.repo.issue(number).comments if one.body.startswith(REPLY_PREFIX)]


def receipts(w: World, number: int, comment: int) -> list[str]:
    found = next(one for one in w.repo.issue(number).comments if one.id == comment)
    return [content for login, content in found.reactions if login == BOT]


@pytest.mark.parametrize(
    "text",
    [
        '<!-- agent: 7 -->\n{"a": 1}\n<!-- /agent -->',
        '\ufeff```json title="x"\n{"a": 1}\n```\n<!-- bot -->',
        '```js\n{"a": 1}\n```\n-- \nAda',
    ],
)
def test_an_update_that_something_invisible_surrounds_is_applied(text: str) -> None:
    with world() as w:
        number = w.object(data={})
        posted = w.update(number, text)
        assert w.process(number).applied == 1
        assert (w.data(number), receipts(w, number, posted), replies(w, number)) == ({"a": 1}, ["+1"], [])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{“a”: 1}", "a typographic quote"),
        ('```jsonc\n{"a": 1} // one\n```', "a comment, perhaps"),
        ('```json\n{"a": 1', "a comma or a closing bracket is missing"),
        ('{"$inc": {"a": 1}}', "did you mean"),
        ('{"_data": {"a": 1}, "_meta": {"mode": "replace"}}', "did you mean"),
        ('{"data": {"a": 1}, "meta": {}}', "did you mean"),
    ],
)
def test_what_is_meant_as_an_update_and_is_none_is_refused_once(text: str, reason: str) -> None:
    with world() as w:
        number = w.object(data={"n": 0})
        posted = w.update(number, text)
        assert w.process(number).rejected == 1
        assert w.process(number).changed is False
        (reply,) = replies(w, number)
        assert reason in reply
        assert (w.data(number), receipts(w, number, posted)) == ({"n": 0}, ["-1"])


def test_conversation_gets_nothing() -> None:
    with world() as w:
        number = w.object(data={"n": 0})
        talk = [
            w.update(number, text, reopen=False)
            for text in ('> {"a": 1}', 'Try\n```json\n{"a": 1}\n```', '```yaml\n{"a": 1}\n```', '<!-- {"a": 1} -->')
        ]
        assert (w.process(number).refusals, w.data(number)) == ((), {"n": 0})
        assert [receipts(w, number, each) for each in talk] == [[]] * 4
        assert replies(w, number) == []


def test_what_the_store_and_its_commands_print_can_be_stored_in_an_envelope() -> None:
    with world() as w:
        number = w.object(data={"n": 0})
        printed = {"data": {"n": 0}, "meta": {"$inc": {"n": 1}}}
        w.update(number, json.dumps({"_data": printed, "_meta": {"update_mode": "replace"}}))
        assert w.process(number).applied == 1
        assert w.data(number) == printed


def test_the_stores_own_comments_stay_its_own() -> None:
    """A reply begins with an HTML comment, and what it quotes is no update; a checkpoint is JSON."""
    with world() as w:
        number = w.object(data={"n": 0})
        w.update(number, "{“a”: 1}")
        w.process(number)
        w.repo.edit_issue(number, "alice", body='{"n": 5}')
        w.process(number)
        w.repo.edit_issue(number, "alice", body="{“n”: 6}")
        w.process(number)
        assert w.process(number).changed is False
        assert w.data(number) == {"n": 5}
        assert len(replies(w, number)) == 2


def test_a_body_with_what_nobody_sees_around_it_is_an_object() -> None:
    with world() as w:
        number = w.repo.open_issue(
            "alice", "Stored Object: m", '<!-- template -->\n```json\n{"n": 0}', ["stored-object", "UID:m"]
        )
        w.update(number, {"a": 1})
        w.process(number)
        assert w.data(number) == {"n": 0, "a": 1}
