"""A commit's tree: that of the branch's newest commit with our files, built apart from the user's index."""

from __future__ import annotations

import json
import os
import posixpath
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from shlex import quote
from typing import TypeAlias

from gh_store_action.errors import InputError, StoreError
from gh_store_action.hints import Setting, Text
from gh_store_action.regular_files import MIB, content
from gh_store_action.workspace.git import Git
from gh_store_action.workspace.tips import in_the_way

MODE = "100644"  # of a regular file
AT_ONCE = 5_000  # lines for one run of git

ANSWER = re.compile(rb"([^\0]*)\0([^\0]*)\0([^\0]*)\0")  # of `check-attr -z`: path, attribute and value

UNSET = {"filter": "-filter", "ident": "-ident", "working-tree-encoding": "!working-tree-encoding"}
"""The attributes that make git store other bytes than the file's, and how to undo each (gitattributes(5))."""

Entries: TypeAlias = Mapping[str, str]
"""Path to git's id of the content; empty for a file to remove."""


def entries_of(git: Git, files: Mapping[str, bool]) -> Entries:
    """The files as git will have them: byte for byte, bypassing any filter in .gitattributes.

    Args:
        files: path relative to the checkout's top, to whether it is kept, or else removed.
    """
    hashing = ("hash-object", "-w", "--no-filters", "--stdin-paths")
    paths = (f"./{path}\n" for path, kept in files.items() if kept)
    oids = (oid for some in batches(paths) for oid in git.run(*hashing, stdin=some).line.split())
    return {path: next(oids) if kept else "" for path, kept in files.items()}


def tree_of(git: Git, base: str, entries: Entries) -> str:
    """The base's tree with our entries; empty if that is the same tree.

    Raises:
        InputError: an attribute makes git store something else than the files, or git takes no such path.
        StoreError: something else is in the way.
    """
    plain = ("-c", "core.sparseCheckout=false", "-c", "core.splitIndex=false", "-c", "index.sparse=false")
    with tempfile.TemporaryDirectory(prefix="gh-store-") as folder:
        aside = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        if base:
            git.run(*plain, "read-tree", base, variables=aside)
        enter(git, entries, *plain, aside=aside)
        check_attributes(git, kept_paths(entries), "--cached", aside=aside)
        tree = git.run(*plain, "write-tree", "--missing-ok", variables=aside).line
    _check_all_there(git, tree, kept_paths(entries))
    before = base or _empty_tree(git)
    difference = git.run("diff-tree", "-r", "-z", "--no-renames", "--name-only", before, tree).out
    if others := sorted(path for path in map(os.fsdecode, difference.split(b"\0")) if path and path not in entries):
        raise in_the_way(others[0])
    return tree if difference else ""


def check_attributes(git: Git, paths: Sequence[str], *where: str, aside: Mapping[str, str] | None = None) -> None:
    """Checks that any git stores these files as they are, as we do.

    Otherwise raw files and, for example, LFS pointers would alternate on the branch, and no checkout would be clean.

    Args:
        where: `--cached` for the attributes in an index; otherwise, those in the work tree count.
        aside: variables that select the index.

    Raises:
        InputError: one is stored as something else; the message has the line for .gitattributes that undoes it.
    """
    found = list(_changing(git, paths, *where, variables=aside))
    if not found:
        return
    first, name, value = found[0]
    undone = " ".join(dict.fromkeys(UNSET[one] for _, one, _ in found))
    file, line = _what_helps(git, paths, first, undone, *where, aside=aside)
    raise InputError(
        f"The path {first!r} has the attribute `{name}={value}`, so git would store something else than the file. A "
        "snapshot has to be stored as it is.",
        Text(f"Add the line `{line}` at the end of `{file}`, or choose another path for ", Setting("output"), "."),
    )


def _what_helps(
    git: Git, paths: Sequence[str], first: str, undone: str, *where: str, aside: Mapping[str, str] | None
) -> tuple[str, str]:
    """The file to add a line to, and the line: git tries it in a work tree that has only the files of attributes.

    The nearest file has the last word (gitattributes(5)).  So this gives the highest one in which the line helps, and
    `.git/info/attributes`, which goes before all of them, where it helps in none.
    """
    place = posixpath.commonpath((min(paths), max(paths))) or first.partition("/")[0]
    below = "" if place in paths else "/**"
    names = [posixpath.join(folder, ".gitattributes") for folder in _folders_of(first)]
    texts = {name: _attributes(git, name, *where, aside=aside) for name in names}
    with tempfile.TemporaryDirectory(prefix="gh-store-") as top:
        alone = {"GIT_DIR": str(git.folders[0]), "GIT_WORK_TREE": top, "GIT_INDEX_FILE": f"{top}-none"}
        for name, text in texts.items():
            Path(top, name).parent.mkdir(exist_ok=True)
            Path(top, name).write_bytes(text)
        for name, text in texts.items():
            line = f"{_pattern(place, below, posixpath.dirname(name))} {undone}"
            Path(top, name).write_bytes(text + os.fsencode(f"\n{line}\n"))
            if not list(_changing(replace(git, top=Path(top)), [first], variables=alone)):
                return name, line
            Path(top, name).write_bytes(text)
    file = os.path.realpath(os.path.join(git.common, "info", "attributes"))
    return os.path.relpath(file, git.top), f"{_pattern(place, below, '')} {undone}"


def _changing(
    git: Git, paths: Iterable[str], *where: str, variables: Mapping[str, str] | None
) -> Iterator[tuple[str, ...]]:
    """The attributes that make git store something else than the file: path, attribute and value."""
    for some in batches(f"{path}\0" for path in paths):
        out = git.run("check-attr", "-z", *where, "--stdin", *UNSET, stdin=some, variables=variables).out
        answers = (tuple(map(os.fsdecode, match.groups())) for match in ANSWER.finditer(out))
        yield from (answer for answer in answers if answer[2] not in ("unspecified", "unset"))


def _folders_of(path: str) -> Iterator[str]:
    """The folders that a path is in, from the top, which is empty."""
    parts = path.split("/")
    return ("/".join(parts[:depth]) for depth in range(len(parts)))


def _pattern(place: str, below: str, folder: str) -> str:
    """What names the place, and what is below it, in the folder's file of attributes."""
    if f"{folder}/".startswith(f"{place}/"):
        return "*"
    inner = place.removeprefix(f"{folder}/")
    pattern = re.sub(r"([*?\[])", r"\\\1", f"/{inner}") + below
    return json.dumps(pattern, ensure_ascii=False) if re.search(r'[\s"]', pattern) else pattern


def _attributes(git: Git, name: str, *where: str, aside: Mapping[str, str] | None) -> bytes:
    """What a file of attributes says, where git looks: in the index or, without `where`, in the work tree first."""
    file = git.top / name
    with suppress(OSError):  # git goes on to the index, too
        if not where and not file.is_symlink():  # which git does not follow
            return content(file, MIB)
    return git.run("cat-file", "blob", f":{name}", variables=aside, may_fail=True).out


def _check_all_there(git: Git, tree: str, paths: Sequence[str]) -> None:
    """Checks that the tree has all the paths: git leaves out those that it does not take, and goes on."""
    if not paths:
        return
    place = posixpath.commonpath((min(paths), max(paths)))
    listed = git.run("ls-tree", "-r", "-z", "--full-tree", "--name-only", tree, *(("--", place) if place else ())).out
    if missing := set(paths).difference(map(os.fsdecode, listed.split(b"\0"))):
        raise InputError(
            f"Git takes no file with the path {min(missing)!r}.",
            Text("Choose another path for ", Setting("output"), "."),
        )


def check_staged(git: Git, paths: Sequence[str]) -> None:
    """Checks that the checkout's index has no file where these need a folder, and none in a folder in their place.

    Git replaces such entries without a word.  What is also committed is not lost.

    Raises:
        StoreError: there is one, which may be a submodule.
    """
    ours, above = set(paths), {folder for path in paths for folder in _folders_of(path)}
    place = posixpath.commonpath((min(paths), max(paths))).partition("/")[0]
    listed = git.run("ls-files", "-z", "--cached", *(("--", place) if place else ())).out
    names = [path for path in map(os.fsdecode, listed.split(b"\0")) if path and path not in ours]
    staged = (path for path in names if path in above or not ours.isdisjoint(_folders_of(path)))
    for path in staged:
        if git.run("rev-parse", "--verify", "--quiet", f"HEAD:{path}", may_fail=True).code:
            due = min(one for one in paths if f"{one}/".startswith(f"{path}/") or path.startswith(f"{one}/"))
            raise StoreError(
                f"In the checkout's index, {path!r} is staged and not committed, where the store's {due!r} goes.",
                Text("Choose another path for ", Setting("output"), f", or run `git rm --cached -- {quote(path)}`."),
            )


def kept_paths(entries: Entries) -> list[str]:
    """The paths that are not removed."""
    return [path for path, oid in entries.items() if oid]


def enter(git: Git, entries: Entries, *plain: str, aside: Mapping[str, str] | None = None) -> None:
    """Puts all entries into an index, or none: that of the checkout, or the one that `aside` selects."""
    none = "0" * len(_empty_tree(git)) if "" in entries.values() else ""
    lines = (f"{MODE if oid else 0} {oid or none}\t{path}\0" for path, oid in entries.items())
    git.run(*plain, "update-index", "-z", "--index-info", stdin=b"".join(batches(lines)), variables=aside)


def batches(lines: Iterable[str]) -> Iterator[bytes]:
    """Lines for as many runs of git as it takes: of very many files, they would fill the memory."""
    rest = iter(lines)
    while some := os.fsencode("".join(islice(rest, AT_ONCE))):
        yield some


def _empty_tree(git: Git) -> str:
    return git.run("hash-object", "-t", "tree", "--stdin").line  # every git knows it, even if it was never written
