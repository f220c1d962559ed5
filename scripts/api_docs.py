"""The pages of the library, from its docstrings, by pdoc.

    python scripts/api_docs.py docs/api.md     # in Markdown; `make api` writes both
    python scripts/api_docs.py build/api       # the same as a site, ready for GitHub Pages

Whatever pdoc warns of is an error, and a test holds docs/api.md to the docstrings.
"""

from __future__ import annotations

import inspect
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pdoc
import pdoc.doc
import pdoc.docstrings

import gh_store_action

WIDTH = 100  # of a signature, before it is written one argument a line
HEAD = """# The library

`from gh_store_action import GitHubStore`. This page is made from the docstrings: change those, then run `make api`.

An argument of a wrong type is a `TypeError`; every other expected failure is a [StoreError](#storeerror), whose text
names the thing, the cause and the next step.
"""


def main(arguments: list[str]) -> int:
    """Writes the page, or the site."""
    target = Path(arguments[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        module = loaded()
        if target.suffix == ".md":
            target.write_text(markdown(module), encoding="utf-8")
        else:
            pdoc.render.configure(docformat="google", show_source=False)
            pdoc.pdoc(module.modulename, output_directory=target)
    return 0


def loaded() -> pdoc.doc.Module:
    """The package with all its names; pdoc sees those that have been imported."""
    for name in gh_store_action.__all__:
        getattr(gh_store_action, name)
    return pdoc.doc.Module(gh_store_action)


def markdown(module: pdoc.doc.Module) -> str:
    """The page."""
    shown = [member for name, member in module.members.items() if not name.startswith("_")]
    shown.sort(key=lambda one: (one.name != "GitHubStore", one.name.endswith("Error"), one.name))
    text = "\n\n".join([HEAD.strip(), *(part.strip() for member in shown for part in _about(member))])
    return re.sub(r"\n{3,}", "\n\n", text) + "\n"


def _about(member: pdoc.doc.Doc[Any]) -> Iterator[str]:
    """The section of a class, with its attributes and methods, or of a type's name."""
    yield f"## {member.name}"
    found = getattr(gh_store_action, member.name)
    if not isinstance(member, pdoc.doc.Class):
        yield f"`{found if isinstance(found, str) else str(found).removeprefix('typing.')}`"
        return
    for base in found.__bases__:
        if base.__name__ in gh_store_action.__all__:
            yield f"A [{base.__name__}](#{base.__name__.lower()})."
    whole = member.name == "GitHubStore"
    if whole:
        yield _signature(member.name, found.__init__)
    yield _text(member)
    named = [one for one in member.own_members if not one.name.startswith("_")]
    yield "\n".join(filter(None, (_attribute(found, one) for one in named if isinstance(one, pdoc.doc.Variable))))
    for one in member.own_members:
        shown = one in named or (whole and one.name != "__repr__")
        if isinstance(one, pdoc.doc.Function) and one.docstring and shown:
            yield f"### {member.name}.{one.name}"
            yield _signature(one.name, inspect.unwrap(getattr(found, one.name)))
            yield _text(one)


def _attribute(owner: Any, one: pdoc.doc.Variable) -> str:
    """A field or property with its type as it stands in the source; nothing for what an argument explains already."""
    there = inspect.getattr_static(owner, one.name, None)
    of = there.fget if isinstance(there, property) else None
    type_ = (of.__annotations__["return"] if of else owner.__dict__.get("__annotations__", {}).get(one.name)) or ""
    about = pdoc.docstrings.google(inspect.cleandoc(of.__doc__ or "")).split("\n")[0] if of else ""
    type_ = getattr(type_, "__forward_arg__", type_)  # of a TypedDict
    return f"- `{one.name}: {type_}`" + (f": {about}" if about else "") if type_ else ""


def _signature(name: str, function: Callable[..., Any]) -> str:
    """The call with the types as they stand in the source, which every version of Python writes alike."""
    found = inspect.signature(function)
    given: list[str] = []
    for each in found.parameters.values():
        if each.name in ("self", "cls"):
            continue
        if each.kind is each.KEYWORD_ONLY and "*" not in given:
            given.append("*")
        default = "" if each.default is each.empty else f" = {_default(each.default)}"
        given.append(f"{each.name}: {each.annotation}{default}")
    result = "" if found.return_annotation in ("None", found.empty) else f" -> {found.return_annotation}"
    line = f"{name}({', '.join(given)}){result}"
    if len(line) > WIDTH:
        line = f"{name}(\n" + "".join(f"    {one},\n" for one in given) + f"){result}"
    return f"```python\n{line}\n```"


def _default(value: object) -> str:
    return repr(value) if isinstance(value, str | int | None) else "..."


def _text(member: pdoc.doc.Doc[Any]) -> str:
    text = pdoc.docstrings.google(member.docstring)
    return re.sub(r"\n*^#+ (\w+):\n", r"\n\n**\1**\n\n", text, flags=re.M).replace(":**  ", ":** ").replace(".  ", ". ")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
