"""Everything that reads text which others choose, each as one function, and texts that make a careless one slow."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf

from gh_store_action import arguments
from gh_store_action.action import report
from gh_store_action.config.reading import read_keys
from gh_store_action.domain import access, markdown, objects, replies, strict_json
from gh_store_action.domain.commit_message import Author, with_trailers
from gh_store_action.domain.forms.answers import Field, Option, read
from gh_store_action.domain.log import entries
from gh_store_action.domain.processing.sweeping import settled
from gh_store_action.domain.refusal import Refused
from gh_store_action.domain.snapshots import files
from gh_store_action.errors import ConfigurationError, InputError
from gh_store_action.gateway import answers, refusals
from gh_store_action.gateway.connection import Response
from gh_store_action.store import doctor
from gh_store_action.workspace import lessons
from tests.support.values import BOT, COUNTING, RULES, comment, issue

VERDICTS = (strict_json.InvalidJson, objects.InvalidId, files.BrokenSnapshot, Refused, ConfigurationError, InputError)
"""What a reader may raise: its way to say no."""

READERS: Mapping[str, Callable[[str], object]] = {
    "comment": lambda text: entries.read(comment(1, text, "mallory"), RULES, COUNTING),
    "reply": lambda text: entries.read(comment(1, entries.REPLY_PREFIX + text, BOT), RULES, COUNTING),
    "reasons": lambda text: replies.read_reasons(f"- [1](\n{text}"),
    "body": strict_json.read_body,
    "refused body": lambda text: replies.refused([], edit=replies.RefusedEdit("mallory", text, ()), issue_url=""),
    "title": lambda text: (objects.read_title(text), objects.read_moved(text)),
    "title of an object": lambda text: objects.read_title(f"{objects.TITLE_PREFIX}m [r1 c{text}"),
    "label": lambda text: objects.id_problem(replace(issue({}, []), labels=(text, f"UID:{text}")), RULES),
    "settled": lambda text: settled(replace(issue({}, [comment(1, text)]), body=text), RULES, COUNTING),
    "data": lambda text: strict_json.dump({text: text}) if text.isprintable() else strict_json.excerpt(text),
    "log line": report.neutral,
    "markdown": lambda text: (markdown.markdown_text(text, len(text)), markdown.code_span(text, len(text))),
    "address": lambda text: markdown.link("label", text.encode(errors="replace").decode()),
    "codeowners": lambda text: access.codeowners_for(text, "data/store-snapshot.json"),
    "configuration": lambda text: read_keys(text, "file"),
    "snapshot": lambda text: files.read({"": text.encode(errors="replace")}, "json", "octo/store"),
    "snapshot of lines": lambda text: files.read({"": text.encode(errors="replace")}, "jsonl", "octo/store"),
    "names in a snapshot": lambda text: files.records(f'    "{text}'.encode(errors="replace")),
    "names in lines": lambda text: files.records(f'{{"object_id": "{text}'.encode(errors="replace")),
    "workflow": lambda text: (doctor._USES.search(text), doctor._TEMPLATE_LINE.search(text)),
    "refusal": lambda text: (refusals.cure(text), refusals.Refused(text).limited, refusals.Refused(text).missing),
    "page": lambda text: answers._message(Response(400, {}, f"<title{text}".encode(errors="replace"))),
    "git": lambda text: lessons.failure("push", lessons.GitResult(128, b"", text)),
    "author": Author.parse,
    "message": lambda text: with_trailers(text, {"A": "b"}),
    "moment": lambda text: arguments.moment("at", text),
    "branch": lambda text: arguments.branch("branch", text),
    "repository": lambda text: arguments.repository("repository", text),
    "form of words": lambda text: _form(Field("textarea", "words", "Words"), text),
    "form of options": lambda text: _form(Field("dropdown", "tags", "Tags", (Option("a"), Option("a, a")), True), text),
    "form of boxes": lambda text: _form(Field("checkboxes", "rules", "Rules", (Option("a"),)), text),
    "form of code": lambda text: _form(Field("textarea", "code", "Code", code=True), text),
}  # fmt: skip


def _form(field: Field, text: str) -> object:
    return read([field, Field("input", "name", "Name")], f"### {field.label}\n\n{text}\n\n### Name\n\n{text}", {})


UNITS = (
    "~", "`", "``", "[", "{", "\\", '"', '\\"', "}", "]", "[]", "{}", "[1,", "[[],", "{a:", "[ ", "[\n", "{ ",
    "<!--", "-->", "<!---->", " <!---->", "<!-->", "<details>", "</details>", "<title>", "<", "&quot;", "&",
    "- ", "-", "--\n", "---", "===\n", "|", "\n", "\r", "\r\n", "\u2028", "\u2029", "\x00", "\x1b", "\u202e",
    "e\u0301", "\u0301", "\ud800", "\udc00", "\U0001f600", "\ufeff", "\u200b", "\u200b<!---->",
    "e", "1", "9", ".", "0", "1e", "-> #", " -> #", " ", "\t", "a ", "a\n", "\n ", "\n\t", " \n", "\\ ",
    "```\n", "~~~\n", "`json ", "` ", "On \n", "On a\n", "On a wrote:\n", "wrote:\n", "Sent from ", "Sent from x\n",
    "@", "#", "@a", "$", "//", "/*", "*/", "://", "https://", "www.", "GH-1", "gh-", "::", "##[", "#a#[", "#[", "%",
    "true", "null,", "“", "'", '"a":1,', "x: y\n", "A: b\n", "[r1 c1", "UID:", "?", "*", "**/", "a/", "@a/b ", "a@b ",
    "  - `", "  - <code>", "</code>: ", "  - <code></code>: a\n", "- [1](", "remote: path: ", "remote: - ", ":1",
    "### Name\n", "### Words\n\n", "- [x] a\n", "a, ", "//\n", "/**/", "｛",
    "issue ", "issues have been ", "Unable to create '", "uses: ", "- uses:", "\u20282", '    "a\n', "    \\", "a-",
)  # fmt: skip
BEFORE = ("", "[", "{", "{a:", "[1,", "```", "```json\n", "~~~", "`", "<!--", '["', '{"a":"', "[[", "[true", "On ", "a")
BEHIND = ("", "]", "}", "```", "x", "-->", "\\", "`", '"]', "\n--", "[" * 101 + "\\", "{" * 101)


@dataclass(frozen=True)
class Shape:
    """Texts of one repeated piece between two others."""

    before: str
    unit: str
    behind: str

    def __call__(self, length: int) -> str:
        return self.before + self.unit * (length // len(self.unit)) + self.behind


def growth(reader: Callable[[str], object], shape: Shape, sizes: Sequence[int], tries: int = 2) -> float:
    """How many times more plain loops a text costs that is four times as long: 1 where reading is linear.

    A plain loop over the same text is the clock, for memory costs more by the character where there is more of it.
    Each try takes all sizes, so that other work slows all of them down, and the least of each counts.  The largest step
    among them is the growth; what is faster than a few plain loops counts as those.
    """
    texts = [shape(size) for size in sizes]
    took, loops = [inf] * len(texts), [inf] * len(texts)
    for _ in range(tries):
        for place, text in enumerate(texts):
            took[place], loops[place] = min(took[place], _time(reader, text)), min(loops[place], _time(_loop, text))
            if took[place] > 1:
                break
        if max(took) > 1:  # no size beyond that one has been tried
            break
    cost = [max(one / loop, FEW) for one, loop in zip(took, loops, strict=True) if one < inf]
    return max((after / before for before, after in pairwise(cost)), default=0.0)


FEW = 4.0
LIMIT = 2.0
"""A growth that no linear reader comes near, and every quadratic one passes: its own is 4, less what memory adds."""
NEAR = 1.6
"""A growth that every linear reader is below at a first look, if nothing disturbs it."""
CAREFUL = 16


def slow(reader: Callable[[str], object], shape: Shape, sizes: tuple[int, ...]) -> bool:
    """Whether the cost grows faster than the text, found eight times in a row: other work disturbs it.

    What does not look linear at once is measured with more tries, so that other work hides no slow reader either.
    """
    if growth(reader, shape, sizes) < NEAR:
        return False
    return all(growth(reader, shape, sizes, CAREFUL) > LIMIT for _ in range(8))


def _loop(text: str) -> object:
    """Makes a string of each character."""
    return [one + "." for one in text]


def _time(reader: Callable[[str], object], text: str) -> float:
    """Seconds of processor time, without the garbage collector: what it takes depends on everything that was tested."""
    gc.disable()
    try:
        begun = time.process_time()
        with suppress(*VERDICTS):
            reader(text)
        return time.process_time() - begun
    finally:
        gc.enable()
