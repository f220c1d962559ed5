"""A store with an issue form, and people who fill it in: the text is as GitHub writes it."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.store import World

GUESTBOOK = """
name: Guestbook
description: Say hello
labels: ["form:guestbook"]
body:
  - type: input
    id: name
    attributes: {label: Your name}
    validations: {required: true}
  - type: textarea
    id: text
    attributes: {label: "What do you say?"}
  - type: dropdown
    id: stars
    attributes: {label: Stars, options: ["1", "2", "3"]}
"""
FORM = (
    '{label: "form:guestbook", form: guestbook.yml, update: guestbook, mode: operators, types: {stars: number}, '
    'data: {$push: {entries: {by: "{login}", name: "{name}", text: "{text}", stars: "{stars}"}}}}'
)
ACCESS = '{match: guestbook, permission: anyone, allow: ["$push"]}'
LABEL = "form:guestbook"
CARD = '{label: "form:guestbook", form: guestbook.yml, create: "guest-{login}", types: {stars: number}}'
CARDS = "{match: 'guest-{login}', create: true, owner: true}"


def rules(*forms: str, access: str = ACCESS, more: str = "") -> str:
    return f"store: {{access: [{access}], forms: [{', '.join(forms or (FORM,))}]{more}}}"


def set_up(w: World, config: str = "", **files: str) -> int:
    """The guestbook's object."""
    texts = {".github/gh-store.yml": config or rules(), ".github/ISSUE_TEMPLATE/guestbook.yml": GUESTBOOK, **files}
    w.repo.commit_files(texts, by="alice")
    return w.object("guestbook", {"entries": []})


def text(name: str = "Ada", said: str = "Hello", stars: str = "3") -> str:
    answers: Mapping[str, str] = {"Your name": name, "What do you say?": said, "Stars": stars}
    return "\n\n".join(f"### {label}\n\n{answer or '_No response_'}" for label, answer in answers.items())


def fill_in(w: World, *answers: str, by: str = "mallory", label: str = LABEL) -> int:
    """The form's issue."""
    return w.repo.open_issue(by, "Hello", text(*answers), [label])


def cards(w: World, form: str = CARD, access: str = CARDS, more: str = "") -> None:
    """A store in which each form makes an object."""
    set_up(w, rules(form, access=access, more=more))


def card(name: str = "Ada", said: str = "Hello", stars: int = 3) -> dict[str, object]:
    return {"name": name, "text": said, "stars": stars}


def entry(name: str = "Ada", said: str = "Hello", stars: int = 3, by: str = "mallory") -> dict[str, object]:
    return {"by": by, "name": name, "text": said, "stars": stars}
