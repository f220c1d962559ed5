"""Complete examples for `init --with`: a JSON Schema, the issue form made from it, and the rules."""

from __future__ import annotations

import json
from collections.abc import Mapping

from gh_store_action.config.issue_forms import FOLDER, written
from gh_store_action.config.schemas import SCHEMA_FOLDER
from gh_store_action.config.store_config import REPOSITORY_FILE
from gh_store_action.domain.forms.drafting import draft
from gh_store_action.domain.strict_json import Json

_GUEST = "guest-{login}"
_GUESTBOOK: Json = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Guestbook",
    "description": "Leave a few words",
    "type": "object",
    "properties": {
        "name": {"type": "string", "title": "Your name", "minLength": 1, "maxLength": 60},
        "message": {"type": "string", "title": "Your words", "minLength": 1, "maxLength": 1000},
        "stars": {"title": "Stars", "enum": [1, 2, 3, 4, 5]},
    },
    "required": ["name", "message"],
    "additionalProperties": False,
}
_RULES = """\
# A guestbook: each person who sends its form has one entry, `guest-<login>`, and can change it later by a comment.
store:
  access:
    - {match: "guest-{login}", create: true, owner: true}
    - {match: "*", permission: write}
  schemas:
    - {match: "guest-*", schema: guestbook.json}
  forms:
"""

EXAMPLES = ("guestbook",)


def guestbook() -> Mapping[str, str]:
    """The files, by path in a checkout."""
    drafted = draft("guestbook", _GUESTBOOK, {"create": _GUEST})
    entry = "".join(f"    {line}\n" for line in written([dict(drafted.entry)]).splitlines())
    return {
        f"{SCHEMA_FOLDER}guestbook.json": json.dumps(_GUESTBOOK, indent=2) + "\n",
        f"{FOLDER}guestbook.yml": written(drafted.form),
        REPOSITORY_FILE: _RULES + entry,
    }
